"""Acceptance 9 and A-D02: a publisher who dies in the middle leaves the old revision whole, or the new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fairlead.store import safety_copy
from fairlead.store.database import Database, Tx
from fairlead.work import publishing

from tests.life import interrupted

ROWS = 2000


@pytest.fixture
def filled(database_url: str) -> Iterator[Database]:
    """The old configuration with a few rows."""
    interrupted.prepare(database_url, 50)
    database = Database(database_url)
    yield database
    database.close()


class Fault(Exception):
    """What is thrown on purpose."""


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    """Let the statement of this number fail, in whatever transaction; return a list that counts statements."""
    counted = [0]

    def failing(original: Any) -> Any:
        def call(self: Tx, *args: Any, **named: Any) -> Any:
            counted[0] += 1
            if counted[0] == number:
                raise Fault(f"statement {number}")
            return original(self, *args, **named)

        return call

    for name in ("ddl", "run", "run_many", "all", "one"):
        monkeypatch.setattr(Tx, name, failing(getattr(Tx, name)))
    return counted


def test_a_failure_at_any_statement_leaves_everything_as_it_was(
    filled: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CF-35: a fault is injected at every statement of an apply, there and back; the last attempt succeeds."""
    # The copy of the file is another promise's; a hundred of them would only wear the disk out.
    monkeypatch.setattr(safety_copy, "copy_file", lambda *_: None)
    for _ in range(2):
        before = interrupted.judge(filled, 50)
        plan = interrupted.next_plan(filled)
        number = 0
        while True:
            number += 1
            with monkeypatch.context() as patched:
                counted = fail_at(patched, number)
                try:
                    publishing.apply(filled, plan, author="ada", allow_destructive=True)
                except Fault:
                    pass
                else:
                    assert counted[0] < number
                    break
            after = interrupted.judge(filled, 50) if number % 8 == 1 else None
            assert after in (None, before)
        assert number > 25
        assert interrupted.judge(filled, 50).revision == before.revision + 1


def test_killed_at_random_moments_it_is_the_old_or_the_new_revision(database_url: str) -> None:
    interrupted.prepare(database_url, ROWS)
    tally = interrupted.campaign(database_url, rows=ROWS, kills=4, seed=9)
    assert (tally.kills, tally.old + tally.new) == (4, 4)
