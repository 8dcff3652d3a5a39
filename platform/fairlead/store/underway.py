"""How much is under way, by what it follows: approvals, jobs that wait, moments that are planned."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.store.statements import Once, Reads, n, p
from fairlead.store.system import approval, job, occurrence

_APPROVALS = Once(
    lambda _: (
        sa.select(approval.c.flow, sa.func.count())
        .where(approval.c.state.in_(["running", "returned", "suspended"]))
        .group_by(approval.c.flow)
    )
)
_OLDEST = Once(
    lambda _: (
        sa.select(approval.c.entity, sa.func.min(approval.c.revision))
        .where(approval.c.state.in_(["running", "returned", "suspended"]))
        .group_by(approval.c.entity)
    )
)
_JOBS = Once(
    lambda _: (
        sa.select(job.c.rule, sa.func.count())
        .where(job.c.state.in_(["ready", "retry_wait", "running", "paused"]), job.c.rule.is_not(None))
        .group_by(job.c.rule)
    )
)
_MOMENTS = Once(
    lambda _: (
        sa.select(occurrence.c.rule, sa.func.count())
        .where(occurrence.c.state == "waiting")
        .group_by(occurrence.c.rule)
    )
)


def approvals_by_flow(where: Reads) -> dict[str, int]:
    """Return how many approvals have not ended, by their flow."""
    return {str(flow): int(count) for flow, count in where.all(_APPROVALS.on(where))}


def oldest_approvals(where: Reads) -> dict[str, int]:
    """Return, by entity, the earliest revision under which an approval began that has not ended."""
    return {
        str(entity): int(revision)
        for entity, revision in where.all(_OLDEST.on(where))
        if revision is not None
    }


def jobs_by_rule(where: Reads) -> dict[str, int]:
    """Return how many jobs wait, run or are held, by the automation that they carry out."""
    return {str(rule): int(count) for rule, count in where.all(_JOBS.on(where))}


def moments_by_rule(where: Reads) -> dict[str, int]:
    """Return how many moments are planned, by rule; that of an automation is `automation:NAME`."""
    return {str(rule): int(count) for rule, count in where.all(_MOMENTS.on(where))}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a rule was, or will be, due for a record. `state` is `waiting`, `fired`, `missed`, ..."""

    key: str
    fire_at: str
    state: str
    fired_at: str | None


_OF_RECORD = Once(
    lambda _: (
        sa.select(occurrence.c.key, occurrence.c.fire_at, occurrence.c.state, occurrence.c.fired_at)
        .where(occurrence.c.rule == p("rule"), occurrence.c.record_id == p("record_id"))
        .order_by(occurrence.c.fire_at.desc(), occurrence.c.id.desc())
        .limit(n("limit"))
    )
)


def moments_of(where: Reads, rule: str, record_id: str, *, limit: int = 20) -> list[Moment]:
    """Return the moments of a rule for a record (or "" for a schedule), the latest first."""
    rows = where.all(_OF_RECORD.on(where), {"rule": rule, "record_id": record_id, "limit": limit})
    return [Moment(*row) for row in rows]
