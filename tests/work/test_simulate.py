"""What a change would do to today's records (CF-80): the answer is what publishing then really does, and asking writes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from fairlead.base.errors import Invalid
from fairlead.compiled.statement import prepare
from fairlead.config.source import SourceTree
from fairlead.store import migrate
from fairlead.store.snapshot import OutOfTime, ReadOnly, snapshot
from fairlead.work import approvals, planning, pools
from fairlead.work.simulate.answer import Answer, Limits
from fairlead.work.simulate.asked import Question, simulate
from sqlalchemy import text

from tests.support.world import DEAL, World, open_world, refusal

FLOW = "workflows/deal_flow.yaml"
ALERT = "workflows/deal_alert.yaml"
POOL = "workflows/deal_pool.yaml"
REP = "admin/role_rep.yaml"
SCHEMA = "schemas/deal.yaml"

FILES = {
    **DEAL,
    FLOW: """
kind: approval
name: deal_flow
label: {en: Deal, zh: 交易}
entity: deal
start: {on: submit, when: "record.amount > 1000.0"}
decisive: [amount]
steps:
  - {name: manager, label: {en: Manager, zh: 主管}, by: {manager_of: starter, level: 1}, mode: any, on_reject: ends,
     timeout: {after: 1 business day, then: [{remind: true}]}}
  - {name: head, label: {en: Head, zh: 总监}, when: "record.amount > 50000.0", by: {role: admin}, mode: any, on_reject: ends}
""",
    ALERT: """
kind: automation
name: deal_alert
label: {en: Alert, zh: 提醒}
entity: deal
on: {updated: [amount]}
when: "record.amount >= 500.0 && old.amount < 500.0"
do: [{notify: {to: record.owner, text: {en: Large, zh: 大单}, by: [inbox]}}]
""",
}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The small office with a flow and an automation."""
    with open_world(database_url, FILES) as made:
        yield made


def ask(
    world: World, what: Any, name: str, changes: dict[str, tuple[str, str]] | None = None, *, who: str = "system", **more: Any
) -> Answer:  # fmt: skip
    """Ask what the files would do with some texts replaced."""
    return simulate(
        world.database, world.app, SourceTree.from_mapping(edited(world, changes)), Question(what, name, **more),
        world.as_(who).actor, world.now,
    )  # fmt: skip


def edited(world: World, changes: dict[str, tuple[str, str]] | None) -> dict[str, str]:
    files = dict(world.files)
    for path, (old, new) in (changes or {}).items():
        assert old in files[path]
        files[path] = files[path].replace(old, new)
    return files


def publish(world: World, changes: dict[str, tuple[str, str]]) -> None:
    world.publish({path: edited(world, changes)[path] for path in changes}, allow_destructive=True)


def everything(world: World) -> dict[str, list[str]]:
    """Return every row of every table."""
    found = {}
    for table in migrate.existing(world.database).columns:
        rows = world.database.all(prepare(text(f'SELECT * FROM "{table}"'), world.database.dialect))
        found[table] = sorted(map(repr, rows))
    return found


def ids(answer: Answer, change: str) -> set[str]:
    return {row["record"] for row in answer.rows if row["change"] == change}


# ---------------------------------------------------------------- nothing is written


def test_cf_80_asking_writes_nothing(world):
    deals = [world.create(who, amount="2000", phone="13800000001") for who in ("rui", "sana")]
    world.change("rui", deals[0], amount="60000")
    approvals.submit(world.as_("rui"), "deal", deals[0], version=None)
    world.create("system")
    world.later(days=12)
    before = everything(world)
    assert len(before) > 20
    changes = {
        POOL: ("record.due_at <= now", "record.amount > 0.0"),
        FLOW: ("50000.0", "500.0"),
        REP: ("read: own", "read: all"),
    }
    for what, name in (
        ("pool", "deal_pool"),
        ("approval", "deal_flow"),
        ("automation", "deal_alert"),
        ("role", "rep"),
        ("user", "mei"),
    ):
        answer = ask(world, what, name, changes)
        assert answer.looked_at, what
        assert everything(world) == before, what


def test_cf_80_a_snapshot_cannot_be_written_and_stays_as_it_was(world):
    deal = world.create("rui", amount="1")
    with snapshot(world.database, seconds=60) as moment:
        count = prepare(text("SELECT count(*) FROM e_deal"), world.database.dialect)
        assert moment.one(count)[0] == 1
        world.create("rui", amount="2")
        assert moment.one(count)[0] == 1
        with pytest.raises(ReadOnly), moment.write():
            pass
        with pytest.raises((sqlite3.OperationalError, psycopg.errors.ReadOnlySqlTransaction)):
            moment._connection.execute("DELETE FROM e_deal")
    assert world.get("rui", deal)["amount"] == "1.00"


def test_cf_80_it_stops_at_the_limit_of_records_and_says_so(world):
    for _ in range(4):
        world.create("rui")
    answer = ask(
        world, "pool", "deal_pool", {POOL: ("record.due_at <= now", "true")}, limits=Limits(records=3)
    )
    assert (answer.stopped, answer.looked_at, len(ids(answer, "taken_back"))) == ("records", 3, 3)
    assert "Stopped at the limit" in answer.render()


def test_cf_80_it_stops_when_its_time_is_over(world):
    world.create("rui")
    answer = ask(world, "pool", "deal_pool", limits=Limits(seconds=1e-9))
    assert answer.stopped == "time"
    with snapshot(world.database, seconds=0.2) as moment:
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        with pytest.raises(OutOfTime):
            moment.one(prepare(text(endless), world.database.dialect))


# ---------------------------------------------------------------- pools


def test_cf_80_pool_names_exactly_those_that_reclaiming_then_takes(world):
    mine, hot, closed = (
        world.create("rui", amount="10"),
        world.create("rui", amount="900"),
        world.create("sana", amount="900"),
    )
    world.move("sana", closed, "won")
    world.later(days=2)
    changes = {POOL: ("record.due_at <= now", "record.amount > 500.0")}
    answer = ask(world, "pool", "deal_pool", changes)
    assert ids(answer, "taken_back") == {hot}
    (row,) = answer.rows
    assert (row["person"]["name"], row["before"], row["after"]) == ("Rui", None, "deal_pool: ended")
    publish(world, changes)
    pools.reclaim(world.as_("system", door="system"))
    assert {id for id in (mine, hot, closed) if world.get("ada", id)["owner"] is None} == {hot}


def test_cf_80_pool_tells_who_would_keep_a_record_and_what_stays_as_it_is(world):
    kept, lost = world.create("rui", amount="1"), world.create("rui", amount="900")
    world.later(days=11)
    answer = ask(
        world,
        "pool",
        "deal_pool",
        {POOL: ("record.due_at <= now", "record.due_at <= now && record.amount > 500.0")},
    )
    assert (ids(answer, "kept"), answer.counts["taken_back_either_way"]) == ({kept}, 1)
    assert lost not in ids(answer, "kept")
    assert ids(ask(world, "pool", "deal_pool"), "kept") == set()


def test_cf_80_pool_members_limits_and_entry(world):
    lying = world.create("system", amount="5")
    for _ in range(3):
        world.create("rui")
    other = (
        POOL,
        (
            "members: {roles: [rep]}",
            'members: {roles: [rep, guest]}\nentry: {match: "record.amount > 100.0"}',
        ),
    )
    answer = ask(world, "pool", "deal_pool", dict([other]))
    assert [row["person"]["name"] for row in answer.rows if row["change"] == "joins"] == ["Otto"]
    assert ids(answer, "enters") == set()  # what lies in the pool stays there
    full = ask(world, "pool", "deal_pool", {POOL: ("capacity: {max: 5}", "capacity: {max: 3}")})
    assert [(row["change"], row["person"]["name"], row["after"]) for row in full.rows] == [
        ("full", "Rui", "3 of 3")
    ]
    assert world.get("sana", lying)["pool"] == "deal_pool"


def test_cf_80_a_new_field_is_empty_and_a_renamed_one_is_read(world):
    rich, poor = world.create("rui", amount="900"), world.create("rui", amount="1")
    files = {path: text.replace("amount", "worth") for path, text in world.files.items()}
    files[SCHEMA] = files[SCHEMA].replace(
        "worth: {type: money,",
        "fresh: {type: boolean, label: {en: Fresh, zh: 新}}\n  worth: {type: money, was: amount,",
    )
    files[POOL] = files[POOL].replace(
        "record.due_at <= now", "record.worth > 500.0 && is_empty(record.fresh)"
    )
    asker = world.as_("system").actor
    question = Question("pool", "deal_pool")
    answer = simulate(world.database, world.app, SourceTree.from_mapping(files), question, asker, world.now)
    assert ids(answer, "taken_back") == {rich}
    assert poor not in ids(answer, "taken_back")
    assert [note.get("en") for note in answer.notes] == [
        "Not in the database yet, so empty here: deal.fresh."
    ]


def test_cf_80_a_pool_that_is_gone_leaves_its_records_with_nobody(world):
    lying = world.create("system")
    files = {path: text for path, text in world.files.items() if path != POOL}
    asker = world.as_("system").actor
    tree = SourceTree.from_mapping(files)
    answer = simulate(world.database, world.app, tree, Question("pool", "deal_pool"), asker, world.now)
    assert ids(answer, "unrouted") == {lying}
    assert {row["person"]["name"] for row in answer.rows if row["change"] == "leaves"} == {"Rui", "Sana"}
    lost = simulate(world.database, world.app, tree, Question("user", "rui"), asker, world.now)
    assert [(row["change"], row["action"], row["ids"]) for row in lost.rows] == [("loses", "read", [lying])]


def test_cf_80_pool_shows_no_more_than_the_asker_may_see(world):
    own, others = world.create("rui"), world.create("sana")
    changes = {POOL: ("record.due_at <= now", "true")}
    assert ids(ask(world, "pool", "deal_pool", changes, who="rui"), "taken_back") == {own}
    assert ids(ask(world, "pool", "deal_pool", changes, who="mei"), "taken_back") == {own, others}
    assert ask(world, "pool", "deal_pool", changes, who="otto").rows == []


def test_cf_80_a_title_shows_what_the_asker_may_read_of_that_record(world):
    publish(world, {SCHEMA: ('title: "{name}"', 'title: "{name} {phone} {margin}"')})
    world.create("rui", phone="13812345678")
    changes = {POOL: ("record.due_at <= now", "true")}
    titles = {
        who: ask(world, "pool", "deal_pool", changes, who=who).rows[0]["title"]
        for who in ("system", "ada", "rui")
    }
    assert "13812345678" in titles["ada"].replace(" ", "")
    assert "12345678" not in titles["rui"]


# ---------------------------------------------------------------- approvals


def test_cf_80_approval_foresees_the_path_that_submitting_then_takes(world):
    small, large = world.create("rui", amount="2000"), world.create("sana", amount="60000")
    for who, deal in (("rui", small), ("sana", large)):
        run = approvals.submit(world.as_(who), "deal", deal, version=None).approval
        approvals.withdraw(world.as_(who), run)
    changes = {FLOW: ("50000.0", "1500.0")}
    answer = ask(world, "approval", "deal_flow", changes)
    assert (ids(answer, "other_path"), answer.counts["same"], answer.looked_at) == ({small}, 1, 2)
    (row,) = answer.rows
    assert row["before"] == "manager (Mei)"
    assert [(step["step"], [one["name"] for one in step["people"]]) for step in row["path_after"]] == [
        ("manager", ["Mei"]), ("head", ["Ada"])
    ]  # fmt: skip
    publish(world, changes)
    path = approvals.approval_path(world.as_("rui"), "deal", small)
    assert [(step.name, [seat.name.get("en") for seat in step.seats]) for step in path.steps] == [
        ("manager", ["Mei"]), ("head", ["Ada"])
    ]  # fmt: skip


def test_cf_80_approval_counts_working_hours_and_says_when_nobody_is_needed(world):
    deal = world.create("rui", amount="2000")
    approvals.submit(world.as_("rui"), "deal", deal, version=None)
    world.later(hours=3)  # noon to three on a Wednesday
    task = approvals.tasks(world.as_("mei")).items[0]
    approvals.approve(world.as_("mei"), task.id, version=task.version)
    answer = ask(world, "approval", "deal_flow", {FLOW: ("record.amount > 1000.0", "record.amount > 9000.0")})
    (row,) = answer.rows
    assert (row["change"], row["after"], row["hours_after"]) == ("no_longer_needed", "nobody is asked", None)
    assert row["hours_before"] == row["hours_real"]
    assert 0 < row["hours_real"] <= 3


def test_cf_80_a_new_flow_is_asked_about_the_latest_records(world):
    deal = world.create("rui", amount="2000")
    new = {FLOW: ("name: deal_flow", "name: other_flow")}
    answer = ask(world, "approval", "other_flow", new)
    assert ids(answer, "now_needed") == {deal}
    assert [row["starter"]["name"] for row in answer.rows] == ["Rui"]


def test_cf_80_last_and_since_bound_what_is_looked_at(world):
    for amount in ("2000", "3000"):
        deal = world.create("rui", amount=amount)
        approvals.submit(world.as_("rui"), "deal", deal, version=None)
        world.later(days=10)
    assert ask(world, "approval", "deal_flow").looked_at == 2
    assert ask(world, "approval", "deal_flow", last=1).looked_at == 1
    assert ask(world, "approval", "deal_flow", since=timedelta(days=15)).looked_at == 1


# ---------------------------------------------------------------- automations


def test_cf_80_automation_judges_each_event_as_the_record_was_then(world):
    deal = world.create("rui", amount="100")
    for amount in ("700", "300", "450", "800"):
        world.later(minutes=1)
        world.change("rui", deal, amount=amount)
    answer = ask(world, "automation", "deal_alert", {ALERT: ("500.0", "400.0")})
    # 100→700 and 450→800 cross 500; 100→700 and 300→450 cross 400.
    assert (answer.counts["both"], len(answer.rows)) == (1, 2)
    assert [(row["change"], row["by"]["name"]) for row in sorted(answer.rows, key=lambda row: row["at"])] == [
        ("would_run", "Rui"), ("would_not_run", "Rui")
    ]  # fmt: skip
    assert len({row["event_id"] for row in answer.rows}) == 2


def test_cf_80_automation_events_of_others_are_counted_not_shown(world):
    deal = world.create("sana", amount="100")
    world.change("sana", deal, amount="450")
    answer = ask(world, "automation", "deal_alert", {ALERT: ("500.0", "400.0")}, who="rui")
    assert (answer.rows, answer.withheld) == ([], 1)


def test_cf_80_automation_of_a_date(world):
    due = world.create("rui", close_on="2026-05-05")
    world.create("rui", close_on="2026-06-05")
    alert = (
        FILES[ALERT].partition("on:")[0]
        + 'on: {date: record.close_on, at: "09:00"}\n'
        + FILES[ALERT][FILES[ALERT].index("do:") :]
    )
    answer = ask(world, "automation", "deal_alert", {ALERT: (world.files[ALERT], alert)})
    assert ids(answer, "would_run") == {due}


# ---------------------------------------------------------------- rights


def test_cf_80_role_names_exactly_what_is_then_seen(world):
    deals = {who: world.create(who, amount="5") for who in ("rui", "sana", "mei")}
    changes = {REP: ("read: own, create", "read: team, create")}
    answer = ask(world, "role", "rep", changes)
    before = {who: {one["id"] for one in world.sees(who)} for who in ("rui", "sana")}
    publish(world, changes)
    for who in ("rui", "sana"):
        after = {one["id"] for one in world.sees(who)}
        gained = {
            id for row in answer.rows if row["change"] == "gains" and row["action"] == "read" and row["person"]["name"] == who.title()
            for id in row["ids"]
        }  # fmt: skip
        assert gained == after - before[who]
        assert gained == set(deals.values()) - {deals[who]}


def test_cf_80_role_tells_fields_rooms_and_what_is_lost(world):
    deal = world.create("rui")
    old = "deal: {read: own, create: own, update: own, move: own, fields: {margin: hidden, phone: masked}}"
    new = "deal: {read: own, update: \"record.stage == 'won'\", move: own, fields: {phone: hidden}}\n  system: [jobs]"
    answer = ask(world, "role", "rep", {REP: (old, new)})
    of_rui = {
        (row["change"], row["entity"], row["action"]): row
        for row in answer.rows
        if row["person"]["name"] == "Rui"
    }
    assert of_rui["loses", "deal", "update"]["ids"] == [deal]
    assert ("may_not", "deal", "create") in of_rui
    assert ("sees", "deal", "margin: hidden → whole") in of_rui
    assert ("sees_not", "deal", "phone: masked → hidden") in of_rui
    assert ("enters", None, "jobs") in of_rui


def test_cf_80_user_is_one_person_and_nothing_changes_for_the_same_documents(world):
    world.create("rui")
    assert ask(world, "user", "rui").rows == []
    answer = ask(world, "user", "sana", {REP: ("read: own, create", "read: all, create")})
    assert {row["person"]["name"] for row in answer.rows} == {"Sana"}


# ---------------------------------------------------------------- what can be asked


def test_cf_80_an_unknown_name_is_told_with_the_one_that_was_meant(world):
    failure = refusal(ask, world, "pool", "deal_pol")
    assert isinstance(failure, Invalid)
    assert (failure.errors[0].code, "deal_pool" in failure.message()) == ("unknown_name", True)


def test_cf_80_documents_with_errors_are_refused(world):
    with pytest.raises(planning.Broken):
        ask(world, "pool", "deal_pool", {POOL: ("record.due_at", "record.due_att")})
