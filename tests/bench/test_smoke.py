"""The bench measures what it says: both hand-written versions agree, and wrong answers are never timed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from bench import asks, clock, data, fairlead_side, load, results, servers
from bench.load import Outcome, Plan


@pytest.fixture(scope="module")
def leads() -> data.Data:
    return data.make(2000)


@pytest.fixture
def url(leads: data.Data, tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'leads.sqlite3'}"
    data.write_by_hand(leads, url)
    return url


def test_the_data_is_the_same_every_time(leads: data.Data) -> None:
    assert data.make(2000) == leads
    assert len({one.id for one in leads.leads}) == 2000


def test_hand_written_versions_agree_and_are_measured(leads: data.Data, url: str) -> None:
    digests = {}
    with servers.serving("plain", url) as plain, servers.serving("compiled", url) as compiled:
        for server in (plain, compiled):
            pairs = [
                asks.checked_read(server, asks.ByHand(), question)
                for ask in asks.ASKS
                if ask.questions
                for question in ask.questions(leads)[:5]
            ]
            digests[server.what] = [digest for _, digest in pairs]
        assert digests["plain"] == digests["compiled"]
        connections = asks.spread([request for request, _ in pairs])
        outcome = load.run(Plan(compiled.port, connections, 0.05, 0.2, compiled.pid, None))
        assert outcome.errors == []
        assert outcome.requests > 0
        connections[0][0].checksum = 1
        spoiled = load.run(Plan(compiled.port, connections, 0.0, 5, compiled.pid, None))
        assert "another body" in spoiled.errors[0]
        created = load.run(Plan(plain.port, asks.creating(asks.ByHand(), leads), 0, 0.2, plain.pid, None))
        assert created.errors == []
        asks.check_created(plain, leads, created.last_location)
        changes = asks.changing(plain, asks.ByHand(), leads)
        assert load.run(Plan(plain.port, changes, 0, 0.2, plain.pid, None)).errors == []


def test_fairlead_answers_like_the_versions_by_hand(leads: data.Data, url: str, tmp_path: Path) -> None:
    engine_url = f"sqlite:///{tmp_path / 'engine.sqlite3'}"
    fairlead_side.write(leads, engine_url)
    questions = [q for ask in asks.ASKS if ask.questions for q in ask.questions(leads)[:5]]
    with servers.serving("plain", url) as plain, servers.serving("fairlead", engine_url) as engine:
        for question in questions:
            _, expected = asks.checked_read(plain, asks.ByHand(), question)
            _, found = asks.checked_read(engine, fairlead_side.Api(), question)
            assert found == expected, question
        for requests in (
            asks.creating(fairlead_side.Api(), leads),
            asks.changing(engine, fairlead_side.Api(), leads),
        ):
            outcome = load.run(Plan(engine.port, requests, 0, 0.3, engine.pid, None))
            assert outcome.errors == []
        asks.check_traces(engine, fairlead_side.Api(), leads)


def test_processor_time_of_a_process_is_seen() -> None:
    before = clock.cpu_seconds([os.getpid()])
    sum(range(3_000_000))
    assert clock.cpu_seconds([os.getpid()]) > before


def outcome(cost: float) -> Outcome:
    return Outcome(100, 1.0, cost, 0.0, 1.0, 2.0, 3.0, 0)


def cell(mine: float, theirs: float) -> results.Cell:
    rounds = {"fairlead": [outcome(mine)] * 3, "compiled": [outcome(theirs)] * 3}
    return results.Cell(asks.ASKS[0], "sqlite", 1, rounds)


@pytest.mark.parametrize(("mine", "worse"), [(150, 0), (160, 0), (200, 1)])
def test_a_ratio_beyond_the_noise_is_worse(mine: float, worse: int) -> None:
    recorded = {"cells": [results._plain(cell(150, 100))]}
    assert len(results.worse([cell(mine, 100)], recorded)) == worse


def test_a_missed_bar_is_named() -> None:
    assert results.missed([cell(140, 100)]) == []
    assert "bar is 1.5" in results.missed([cell(160, 100)])[0]
    assert "**FAIL**" in results.table([cell(160, 100)])[-1]


def test_outcomes_travel_between_processes() -> None:
    assert pickle.loads(pickle.dumps(outcome(1.5))) == outcome(1.5)
    assert Path(load.__file__).name == "load.py"
