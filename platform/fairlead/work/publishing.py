"""The life of a configuration: a plan carried out.

A plan is sealed: what it rests on (the revision in force, the documents, the tables) is tested again when it is
applied.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fairlead
from fairlead.base.clock import iso_utc, utc_now
from fairlead.base.errors import Refused
from fairlead.base.problems import Problems
from fairlead.base.texts import Label
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import ahead, dropping, migrate, publisher, revisions, safety_copy
from fairlead.store.database import Blocked, Database, Duplicate, Tx
from fairlead.store.operations import ALTERING
from fairlead.work import overtaken, plan_report, planning
from fairlead.work.carrying import carry_over
from fairlead.work.planning import Plan, plan
from fairlead.work.revisions import outcome

ATTEMPTS = 15
"""How often a plan is tried whose tables others hold (CF-33); each attempt waits two seconds at most for each of them."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply left behind. `revision` is the one in force."""

    revision: int
    changed: bool
    plan: Plan
    copy: Path | None = None
    """The copy of the database as it was, where one was made."""


def apply(
    database: Database,
    planned: Plan,
    *,
    author: str,
    message: str | None = None,
    source: str = "cli",
    git_commit: str | None = None,
    allow_destructive: bool = False,
) -> Applied:
    """Publish a plan as the next revision: tables, text and number in one transaction.

    Raises:
        Refused: Something in it is blocked, needs consent, the plan no longer fits what it was made for, or somebody
            else is publishing. Nothing has been changed then.
    """
    if planned.empty:
        return Applied(planned.base or 0, False, planned)
    blocked = [change for change in planned.changes if change.grade == "blocked"]
    if blocked:
        raise Refused("plan.blocked", Label({
            "en": "This cannot be published as it stands:\n" + "\n".join(change.line() for change in blocked),
            "zh": "现有配置无法发布：\n" + "\n".join(change.line("zh") for change in blocked),
        }))  # fmt: skip
    lossy = [change for change in planned.changes if change.grade in ("lossy", "destructive")]
    if lossy and not allow_destructive:
        raise Refused("plan.needs-consent", Label({
            "en": "Values would be taken out of sight; say --allow-destructive if you mean it:\n"
            + "\n".join(change.line() for change in lossy),
            "zh": "部分数据将不再可见，如确认请加 --allow-destructive：\n"
            + "\n".join(change.line("zh") for change in lossy),
        }))  # fmt: skip
    now = iso_utc(utc_now())
    try:
        with publisher.alone(database, author=author, now=now):
            _assure_ground(database, planned)
            ahead.build(database, planned.operations, planned.sizes)
            return _published(
                database,
                planned,
                author=author,
                now=now,
                message=message,
                source=source,
                git_commit=git_commit,
            )
    except publisher.Busy as other:
        raise overtaken.busy(other.holder) from other
    except safety_copy.NoRoom as error:
        raise _no_room(error) from error
    except Duplicate as error:
        # Counted and found single a moment ago; what came since is refused by the index that was to be made.
        raise overtaken.data_moved(planned.changes) from error


def _published(database: Database, planned: Plan, **words: Any) -> Applied:
    """Carry a plan out, again where others held for too long what it needs."""
    for left in reversed(range(ATTEMPTS)):
        try:
            with database.write() as tx:
                done = _carried_out(tx, planned, **words)
            if done.copy is not None:
                safety_copy.prune(database)
            return done
        except Blocked as error:
            if not left:
                raise overtaken.held(error) from error
            # Whoever queued behind this attempt goes first.
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - no secret
    raise AssertionError("unreachable")


def _carried_out(
    tx: Tx, planned: Plan, *, author: str, now: str, message: str | None, source: str, git_commit: str | None
) -> Applied:
    migrate.begin(tx)
    _assure_ground(tx, planned)
    if moved := planning.worse(tx, planned):
        raise overtaken.data_moved(moved)
    copy, aside = None, list(planned.aside)
    operations = ahead.left_to_do(tx, planned.operations)
    first = next((n for n, one in enumerate(operations) if one.kind in ALTERING), len(operations))
    # What people wrote, or left empty, is about to be written anew. Taking it out of sight does not touch it.
    altering = first < len(operations) and planned.base is not None
    number = (planned.base or 0) + 1
    if altering and tx.dialect == "sqlite":
        copy = safety_copy.copy_file(tx.database, number)
    migrate.apply(tx, operations[:first])
    if altering and tx.dialect == "postgresql":
        aside += safety_copy.copy_columns(tx, number, operations[first:])
    migrate.apply(tx, operations[first:])
    if planned.app is not None:
        migrate.verify(tx, planned.app)
    number = revisions.put(
        tx, planned.files, author=author, message=message, source=source, engine=fairlead.__version__, now=now,
        plan=plan_report.render(planned), identities=planned.identities, result=outcome(planned), git_commit=git_commit,
    )  # fmt: skip
    dropping.keep_record(tx, number, aside, planned.restored, planned.operations, author=author, now=now)
    if planned.identities is not None and planned.base is not None:
        carry_over(tx, planned.base, planned.carried)
    return Applied(number, True, planned, copy)


def _assure_ground(where: Database | Tx, planned: Plan) -> None:
    """Test again what the plan was made for; before anything is done, and once nobody else can change it."""
    if (
        revisions.current_number(where) != planned.base
        or ahead.ground(where).fingerprint() != planned.fingerprint
    ):
        raise overtaken.stale(where, planned.base)


def _no_room(error: safety_copy.NoRoom) -> Refused:
    needed, free = error.needed // 1_000_000 + 1, error.free // 1_000_000
    return Refused("plan.no-room", Label({
        "en": f"This changes values, so the database is copied first: {needed:,} MB are needed and {free:,} MB are free. "
              "Nothing was changed; free some space and try again.",
        "zh": f"此次更改会修改数据，需要先复制数据库：需要 {needed:,} MB，剩余 {free:,} MB。未作任何更改，请清理磁盘空间后重试。",
    }))  # fmt: skip


def plan_from_json(database: Database, found: Mapping[str, Any]) -> Plan:
    """Return a sealed plan read from a file, made anew and compared with its seal.

    Raises:
        Refused: What it rests on has changed, or the file was edited.
        Broken: The documents in it have errors.
    """
    fresh = plan(database, SourceTree.from_mapping(dict(found["files"])))
    if fresh.seal != found.get("seal"):
        base = found.get("base")
        raise overtaken.stale(database, base if isinstance(base, int) else None)
    return fresh


def check(tree: SourceTree) -> Problems:
    """Return every problem of a configuration; a pure function of its files and of the day."""
    return load(tree, today=utc_now().date()).problems
