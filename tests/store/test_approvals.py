"""Runs, tasks and events come back as they went in; the history cannot be rewritten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fairlead.base.clock import parse_utc
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.runs import Note, Run, RunEvent, Task
from fairlead.compiled.statement import Prepared
from fairlead.store import approvals
from fairlead.store.database import Database, Duplicate

NOON = parse_utc("2026-03-02T04:00:00Z")


def a_run(record: str = "q1", **more: object) -> Run:
    plain: dict[str, object] = {
        "id": new_id(), "flow": "discount", "entity": "quote", "record_id": record, "state": "running", "round": 1,
        "step": "manager", "starter": "rui", "started_at": NOON, "revision": 3, "decisive_hash": "abc",
        "snapshot": {"discount": "0.2", "客户": "华能"}, "record_version": 7, "title": "Quote 1 报价", **more,
    }  # fmt: skip
    return Run(**plain)  # type: ignore[arg-type]


def a_task(run: Run, **more: object) -> Task:
    plain: dict[str, object] = {
        "id": new_id(), "approval_id": run.id, "step": "manager", "round": 1, "position": 0, "weight": 1,
        "original": "mei", "holder": "mei", "state": "open", "version": 1, "opened_at": NOON,
        "why": (Note("source.manager_of", "1", "rui"), Note("vacant", "2")), **more,
    }  # fmt: skip
    return Task(**plain)  # type: ignore[arg-type]


def an_event(kind: str, **more: object) -> RunEvent:
    plain: dict[str, object] = {
        "at": NOON, "actor": "rui", "on_behalf_of": None, "from_state": None, "to_state": None, "step": None,
        "round": 1, "task_id": None, "note": None, "data": {}, **more,
    }  # fmt: skip
    return RunEvent(kind, **plain)  # type: ignore[arg-type]


def test_what_goes_in_comes_out(database: Database) -> None:
    run = a_run()
    first = a_task(run)
    with database.write() as tx:
        approvals.add_run(tx, run)
        approvals.add_task(tx, first)
        decided = replace(first, state="approved", version=2, decided_at=NOON, actor="mei", comment="fine 好",
                          changes={"terms": ["30d", "60d"]}, seen="abc", seen_version=8, channel="ui")  # fmt: skip
        approvals.set_task(tx, first, decided)
    with database.write() as tx:
        assert approvals.lock(tx, run.id) == replace(run, tasks=(decided,))
        assert (
            approvals.about_task(tx, first.id)
            == approvals.about(tx, run.id)
            == approvals.About(run.id, "quote", "q1")
        )
        assert approvals.lock_live(tx, "quote", "q1", "discount") is not None
        with pytest.raises(approvals.Overtaken):
            approvals.set_task(tx, first, decided)
    assert approvals.load(database, run.id) == replace(run, tasks=(decided,))
    assert approvals.flow_of(database, run.id) == "discount"


def test_one_live_run_for_a_record_and_a_flow(database: Database) -> None:
    run = a_run()
    with database.write() as tx:
        approvals.add_run(tx, run)
    with pytest.raises(Duplicate), database.write() as tx:
        approvals.add_run(tx, a_run(state="returned"))
    with database.write() as tx:
        approvals.set_run(tx, run, replace(run, state="withdrawn", version=2))
        approvals.add_run(tx, a_run(previous=run.id))
        approvals.add_run(tx, a_run(flow="other"))
    assert [found.state for found in approvals.of_record(database, "quote", "q1")].count("withdrawn") == 1


def test_the_chain_of_events(database: Database) -> None:
    run = a_run()
    with database.write() as tx:
        approvals.add_events(
            tx, run.id, [an_event("submitted", to_state="running"), an_event("step_started", step="m")]
        )
        approvals.add_events(tx, run.id, [an_event("commented", note="why? 为什么", data={"a": [1, None]})])
        approvals.add_events(tx, run.id, [an_event("suspended", note=Label({"en": "nobody", "zh": "无人"}))])
    kept = approvals.events(database, run.id)
    assert [found.event.kind for found in kept] == ["submitted", "step_started", "commented", "suspended"]
    assert kept[2].event.note == "why? 为什么"
    assert kept[3].event.note == Label({"en": "nobody", "zh": "无人"})
    assert [found.previous_hash for found in kept] == [None, *(found.hash for found in kept[:-1])]
    assert approvals.broken_link(database, run.id) is None
    with database.write() as tx:
        tx.run(
            Prepared("UPDATE sys_approval_event SET note = '\"because\"' WHERE kind = 'commented'", (), {})
        )
    assert approvals.broken_link(database, run.id) == kept[2].id


def test_the_database_refuses_to_rewrite_history(database: Database) -> None:
    with database.write() as tx:
        for statement in approvals.append_only(tx.dialect):
            tx.ddl(statement)
        approvals.add_events(tx, "r", [an_event("submitted")])
    for statement in ("UPDATE sys_approval_event SET actor = 'x'", "DELETE FROM sys_approval_event"):
        with pytest.raises(Exception, match="append-only"), database.write() as tx:
            tx.ddl(statement)


def test_boxes_page_by_page(database: Database) -> None:
    with database.write() as tx:
        for number in range(7):
            run = a_run(f"q{number}", title=f"Quote {number}", started_at=NOON + timedelta(minutes=number))
            approvals.add_run(tx, run)
            approvals.add_task(tx, a_task(run, opened_at=NOON + timedelta(minutes=number // 2)))
            approvals.add_task(tx, a_task(run, holder="lin", state="waiting", opened_at=None, position=1))
            approvals.add_task(
                tx,
                a_task(
                    run, holder="fay", state="approved", decided_at=NOON + timedelta(hours=number), position=2
                ),
            )
    assert approvals.count_open(database, "mei") == 7
    seen: list[str | None] = []
    mark = None
    while page := approvals.open_tasks(database, "mei", after=mark, limit=3):
        seen += [line.title for line in page]
        mark = (page[-1].opened_at or "", page[-1].id)
    assert seen == [f"Quote {number}" for number in range(7)]
    assert len(approvals.coming_tasks(database, "lin")) == 7
    done = approvals.done_tasks(database, "fay", limit=3)
    assert [line.title for line in done] == ["Quote 6", "Quote 5", "Quote 4"]
    more = approvals.done_tasks(database, "fay", after=(done[-1].decided_at or "", done[-1].id))
    assert [line.title for line in more] == ["Quote 3", "Quote 2", "Quote 1", "Quote 0"]
    assert [line.title for line in approvals.started_by(database, "rui", limit=2)] == ["Quote 6", "Quote 5"]
    assert approvals.open_tasks(database, "nobody") == []


def test_who_reads_through_a_task(database: Database) -> None:
    run = a_run(state="approved", ended_at=NOON)
    with database.write() as tx:
        approvals.add_run(tx, run)
        approvals.add_task(tx, a_task(run, state="approved"))

    def reads(who: str, since: str) -> bool:
        return approvals.reads_through_task(database, who, "quote", "q1", since=since)

    assert reads("mei", "2026-01-01T00:00:00.000000Z")
    assert not reads("mei", "2026-06-01T00:00:00.000000Z"), "the grant ends with time"
    assert not reads("fox", "2026-01-01T00:00:00.000000Z")


def test_due_and_times(database: Database) -> None:
    run = a_run()
    with database.write() as tx:
        approvals.add_run(tx, run)
        late = a_task(run, due_at=NOON + timedelta(hours=1))
        approvals.add_task(tx, late)
        approvals.add_task(tx, a_task(run, due_at=NOON + timedelta(hours=1), reminded_at=NOON, position=1))
        approvals.add_task(
            tx, a_task(run, state="approved", decided_at=NOON + timedelta(hours=2), position=2)
        )
    assert approvals.due_tasks(database, "2026-03-02T04:59:00.000000Z") == []
    assert approvals.due_tasks(database, "2026-03-02T05:00:00.000000Z") == [late.id]
    assert approvals.step_times(database, "discount", since="2026-01-01T00:00:00.000000Z") == {
        "manager": [7200.0]
    }
    assert len(approvals.held_by(database, "mei")) == 2
