"""A plan that touches everything, carried out by a process that is killed while it does so (scenario 9, A-D02).

Used by the tests with few rows and few kills, and by `make fuzz-apply` with many of both. The plan goes forth and back
between two configurations of one entity: fields come and go, two change places, one becomes a number, an entity with
lines appears and disappears, an option has another name, kept totals follow.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import sqlalchemy as sa
from fairlead.base.errors import Refused
from fairlead.compiled.application import compile_workspace
from fairlead.compiled.totals import rebuild_statements
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import catalogue, dropping, migrate, publisher, revisions
from fairlead.store.database import Blocked, Database
from fairlead.work import planning, publishing
from fairlead.work.doctor import differing

from tests.support.serving import eventually

PATIENCE_S = 120
"""How long a database may take to notice that somebody who was publishing is dead, on a machine that is busy."""

_ROLE = "kind: role\nname: admin\nlabel: Admin\ngrants:\n  lead: {read: all}\n"
_REPORT = (
    "kind: report\nname: by_region\nentity: lead\nlabel: By region\ntype: funnel\ndimensions: [region]\n"
    "measures: [{count: true}, {sum: amount}]\nchart: {type: bar}\n"
)
_SETTINGS = "name: office\nlanguages: [en]\n"

OLD = {
    "fairlead.yaml": _SETTINGS, "admin/role.yaml": _ROLE, "admin/report.yaml": _REPORT,
    "schemas/lead.yaml": """kind: entity
name: lead
label: Lead
title: "{name}"
traits: [owned]
fields:
  name: {type: text, required: true, searchable: true}
  phone: {type: text}
  code: {type: text, unique: true}
  mark: {type: text}
  size: {type: text, max_length: 20}
  fax: {type: text, index: true}
  amount: {type: money}
  region: {type: choice, options: {north: {}, south: {}}}
""",
}  # fmt: skip
NEW = {
    "fairlead.yaml": _SETTINGS, "admin/role.yaml": _ROLE + "  car: {read: all}\n", "admin/report.yaml": _REPORT,
    "schemas/lead.yaml": """kind: entity
name: lead
label: Lead
title: "{name}"
traits: [owned]
fields:
  name: {type: text, required: true, searchable: true}
  mobile: {type: text, was: phone}
  code: {type: text, was: [mark]}
  mark: {type: text, unique: true, was: [code]}
  size: {type: integer}
  budget: {type: money, index: true}
  amount: {type: money}
  region: {type: choice, options: {north: {}, sunny: {was: south}}}
""",
    "schemas/car.yaml": """kind: entity
name: car
label: Car
title: "{plate}"
fields:
  plate: {type: text, unique: true}
  repairs: {type: table, label: Repairs, fields: {what: {type: text}}}
""",
}  # fmt: skip


def prepare(url: str, rows: int) -> None:
    """Publish the old configuration into an empty database and fill it."""
    database = Database(url)
    try:
        migrate.prepare_system(database)
        publishing.apply(database, planning.plan(database, SourceTree.from_mapping(OLD)), author="ada")
        series = (
            f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s"
            if database.dialect == "sqlite"
            else f"SELECT generate_series(1, {rows}) AS n"
        )
        with database.write() as tx:
            tx.ddl(
                "INSERT INTO e_lead (id, version, created_at, created_by, updated_at, updated_by, owner, team, name, phone, "
                "code, mark, size, fax, amount, region) SELECT 'r' || n, 1, 't', 'u', 't', 'u', 'ada', 'hq', 'Lead ' || n, "
                "'138' || n, 'c' || n, 'm' || (n % 97), CAST(n AS TEXT), 'f' || n, n * 100, "
                f"CASE n % 2 WHEN 0 THEN 'north' ELSE 'south' END FROM ({series}) AS numbers"
            )
            app = compiled(OLD, database.dialect)
            entity = app.entities["lead"]
            for totals in entity.totals:
                for statement in rebuild_statements(totals, entity.tables):
                    tx.run(database.prepare(statement))
    finally:
        database.close()


def compiled(files: Mapping[str, str], dialect: str) -> Any:
    workspace = load(SourceTree.from_mapping(files)).workspace
    assert workspace is not None
    return compile_workspace(workspace, dialect=dialect)


def next_plan(database: Database) -> planning.Plan:
    """Return the plan that leads to the other configuration."""
    number = revisions.current_number(database) or 0
    if number % 2:
        return planning.plan(database, SourceTree.from_mapping(NEW))
    return planning.plan_rollback(database, number - 1)


def apply_next(database: Database) -> int:
    """Go to the other configuration, as soon as nobody else is publishing."""

    def done() -> int:
        try:
            plan = next_plan(database)
            return publishing.apply(database, plan, author="ada", allow_destructive=True).revision
        except Refused as refusal:
            if refusal.code not in ("plan.publishing", "plan.held"):
                raise
            return 0  # whoever was killed is still being cleared away

    return int(eventually(done, seconds=PATIENCE_S, what="an apply after a kill"))


def settle(database: Database) -> None:
    """Wait until nothing is left of whoever was killed: a database finishes what it has been told."""

    def alone() -> bool:
        try:
            with publisher.alone(database, author="judge", now="now"), database.write() as tx:
                migrate.begin(tx)
                return True
        except (publisher.Busy, Blocked):
            return False

    eventually(alone, seconds=PATIENCE_S, what="the end of a killed publisher")


@dataclass(frozen=True)
class State:
    """What can be told of a database from outside."""

    revision: int
    tables: str
    values: tuple[Any, ...]


def judge(database: Database, rows: int) -> State:
    """Check that the database is wholly that of its revision, with every value, and return what it looks like."""
    number = revisions.current_number(database) or 0
    new = number % 2 == 0
    app = compiled(NEW if new else OLD, database.dialect)
    now = catalogue.existing(database)
    assert migrate.differences(app, now) == [], f"revision {number}"
    kept = {one.table for one in dropping.aside(database)}
    assert not [name for name in now.columns.keys() - kept if "between" in name or "copy" in name]
    assert "between" not in str([sorted(columns) for columns in now.columns.values()])
    have = now.columns["e_lead"].keys()
    assert ("mobile" in have, "phone" in have, "fax" in have) == (new, not new, not new)
    assert ("e_car" in now.columns) == new
    phone, code, mark = ("mobile", "mark", "code") if new else ("phone", "code", "mark")
    fax = next(name for name in sorted(have) if name == "fax" or name.endswith("_fax"))
    south = "sunny" if new else "south"
    values = database.one(database.prepare(sa.text(
        f"SELECT count(*), min({phone}), max({phone}), count(DISTINCT {phone}), count(DISTINCT {code}), "
        f"count(DISTINCT {mark}), count({fax}), sum(amount), min({code}), min({mark}), "
        f"sum(CASE WHEN region = '{south}' THEN 1 ELSE 0 END), "
        f"sum(CASE WHEN substr({phone}, 4) = substr(name, 6) AND substr({code}, 2) = substr(name, 6) "
        f"AND CAST(size AS TEXT) = substr(name, 6) AND substr({fax}, 2) = substr(name, 6) THEN 1 ELSE 0 END) FROM e_lead")))  # fmt: skip
    assert values is not None
    assert values[0] == values[3] == values[4] == values[6] == values[11] == rows
    assert (values[7], values[10]) == (rows * (rows + 1) // 2 * 100, (rows + 1) // 2)
    assert (str(values[8])[0], str(values[9])[0]) == ("c", "m")
    entity = app.entities["lead"]
    assert [differing(database, entity, totals) for totals in entity.totals] == [0]
    if database.dialect == "sqlite":
        assert database.all(database.prepare(sa.text("PRAGMA integrity_check"))) == [("ok",)]
    return State(number, now.fingerprint(), tuple(values))


# ---------------------------------------------------------------- a process that can be killed


def _child(url: str, pipe: Connection) -> None:
    database = Database(url)
    plan = next_plan(database)
    pipe.send("ready")
    pipe.recv()
    publishing.apply(database, plan, author="victim", allow_destructive=True)
    pipe.send("done")
    # Not through the interpreter's end: nothing but the transaction itself may make the difference.
    os._exit(0)


_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.life.interrupted"])


@contextmanager
def victim(url: str) -> Iterator[tuple[Any, Connection]]:
    """Start a process that has made its plan and waits for a word to carry it out."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=_child, args=(url, theirs))
    process.start()
    theirs.close()
    try:
        assert ours.poll(PATIENCE_S) and ours.recv() == "ready"
        yield process, ours
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        ours.close()


def duration(url: str) -> float:
    """Return how long an apply takes that nobody disturbs, in seconds."""
    with victim(url) as (_, pipe):
        begun = time.perf_counter()
        pipe.send("go")
        assert pipe.poll(PATIENCE_S) and pipe.recv() == "done"
        return time.perf_counter() - begun


def kill_once(url: str, delay_s: float) -> bool:
    """Kill an apply after `delay_s`; return whether it was still at work."""
    with victim(url) as (process, pipe):
        pipe.send("go")
        working = not pipe.poll(delay_s)
        os.kill(process.pid, signal.SIGKILL)
        return working


@dataclass
class Tally:
    """What came of many kills."""

    kills: int = 0
    old: int = 0
    new: int = 0
    too_late: int = 0


def campaign(url: str, *, rows: int, kills: int, seed: int) -> Tally:
    """Kill `kills` applies at random moments; after each the old or the new revision is whole, and the next succeeds."""
    chance = random.Random(seed)
    tally = Tally()
    usual = duration(url)
    database = Database(url)
    try:
        before = judge(database, rows)
        while tally.kills < kills:
            working = kill_once(url, chance.uniform(0, usual))
            settle(database)
            after = judge(database, rows)
            if not working:
                tally.too_late += 1
            else:
                tally.kills += 1
                tally.new += after.revision > before.revision
                tally.old += after.revision == before.revision
            assert after.revision in (before.revision, before.revision + 1)
            if after.revision == before.revision:
                assert after == before, "what a killed apply left behind"
            apply_next(database)
            before = judge(database, rows)
    finally:
        database.close()
    return tally
