"""How much is under way, by what it follows: approvals, jobs that wait, moments that are planned."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.statements import Once, Reads
from fairlead.store.system import approval, job, occurrence

_APPROVALS = Once(
    lambda _: (
        sa.select(approval.c.flow, sa.func.count())
        .where(approval.c.state.in_(["running", "returned", "suspended"]))
        .group_by(approval.c.flow)
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


def jobs_by_rule(where: Reads) -> dict[str, int]:
    """Return how many jobs wait, run or are held, by the automation that they carry out."""
    return {str(rule): int(count) for rule, count in where.all(_JOBS.on(where))}


def moments_by_rule(where: Reads) -> dict[str, int]:
    """Return how many moments are planned, by rule; that of an automation is `automation:NAME`."""
    return {str(rule): int(count) for rule, count in where.all(_MOMENTS.on(where))}
