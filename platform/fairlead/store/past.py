"""What has been: runs of one flow, newest first."""

from __future__ import annotations

import sqlalchemy as sa

from fairlead.store.statements import Once, Reads, n, p
from fairlead.store.system import approval

_RUNS = Once(
    lambda _: (
        sa.select(approval.c.id)
        .where(approval.c.flow == p("flow"), approval.c.started_at >= p("since"))
        .order_by(approval.c.started_at.desc(), approval.c.id.desc())
        .limit(n("limit"))
    )
)


def runs_of_flow(where: Reads, flow: str, *, since: str, limit: int) -> list[str]:
    """Return the ids of the runs of a flow that began at `since` or later, newest first."""
    return [str(row[0]) for row in where.all(_RUNS.on(where), {"flow": flow, "since": since, "limit": limit})]
