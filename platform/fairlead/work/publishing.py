"""The life of a configuration: a plan carried out.

A plan is sealed: what it rests on (the revision in force, the documents, the tables) is tested again when it is
applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import fairlead
from fairlead.base.clock import iso_utc, utc_now
from fairlead.base.errors import Refused
from fairlead.base.problems import Problems
from fairlead.base.texts import Label
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import dropping, migrate, revisions
from fairlead.store.database import Database, Duplicate, Tx
from fairlead.work import plan_report
from fairlead.work.carrying import carry_over
from fairlead.work.planning import Plan, plan
from fairlead.work.revisions import outcome


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply left behind. `revision` is the one in force."""

    revision: int
    changed: bool
    plan: Plan


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
        Refused: Something in it is blocked, needs consent, or the plan no longer fits what it was made for.
    """
    if planned.empty:
        return Applied(planned.base or 0, False, planned)
    blocked = [change for change in planned.changes if change.grade == "blocked"]
    if blocked:
        raise Refused("plan.blocked", Label({
            "en": "This cannot be published as it stands:\n" + "\n".join(change.line() for change in blocked),
            "zh": "现有配置无法发布：\n" + "\n".join(change.line() for change in blocked),
        }))  # fmt: skip
    lossy = [change for change in planned.changes if change.grade == "lossy"]
    if lossy and not allow_destructive:
        raise Refused("plan.needs-consent", Label({
            "en": "Values would be taken out of sight; say --allow-destructive if you mean it:\n"
            + "\n".join(change.line() for change in lossy),
            "zh": "部分数据将不再可见，如确认请加 --allow-destructive：\n" + "\n".join(change.line() for change in lossy),
        }))  # fmt: skip
    now = iso_utc(utc_now())
    try:
        with database.write() as tx:
            _one_at_a_time(tx)
            if (
                revisions.current_number(tx) != planned.base
                or migrate.existing(tx).fingerprint() != planned.fingerprint
            ):
                raise stale(tx)
            migrate.apply(tx, planned.operations)
            number = revisions.put(
                tx, planned.files, author=author, message=message, source=source, engine=fairlead.__version__,
                now=now, plan=plan_report.render(planned), identities=planned.identities,
                result=outcome(planned), git_commit=git_commit,
            )  # fmt: skip
            dropping.keep_record(
                tx, number, planned.aside, planned.restored, planned.operations, author=author, now=now,
            )  # fmt: skip
            if planned.identities is not None and planned.base is not None:
                carry_over(tx, planned.base)
    except Duplicate as error:
        raise stale(database) from error
    return Applied(number, True, planned)


def _one_at_a_time(tx: Tx) -> None:
    if tx.dialect == "postgresql":
        tx.ddl(f"SELECT pg_advisory_xact_lock({revisions.PUBLISHING})")


def stale(where: Database | Tx) -> Refused:
    """Return the refusal of a plan whose ground has moved."""
    current = revisions.current(where)
    by = f" {current.author} published revision {current.number} at {current.at}." if current else ""
    return Refused("plan.stale", Label({
        "en": f"The plan was made for another state.{by} Make a new plan.",
        "zh": f"该计划所依据的状态已变化。{by}请重新生成计划。",
    }))  # fmt: skip


def plan_from_json(database: Database, found: Mapping[str, Any]) -> Plan:
    """Return a sealed plan read from a file, made anew and compared with its seal.

    Raises:
        Refused: What it rests on has changed, or the file was edited.
        Broken: The documents in it have errors.
    """
    fresh = plan(database, SourceTree.from_mapping(dict(found["files"])))
    if fresh.seal != found.get("seal"):
        raise stale(database)
    return fresh


def check(tree: SourceTree) -> Problems:
    """Return every problem of a configuration; a pure function of its files."""
    return load(tree).problems
