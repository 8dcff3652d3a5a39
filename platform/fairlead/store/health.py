"""How the database and the background work are, in a few cheap reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.store import jobs, revisions
from fairlead.store.statements import Once, Reads, p, word
from fairlead.store.system import approval, job, occurrence, session, user

_ALIVE = Once(lambda _: sa.select(sa.literal_column("1")))
_NUMBERS = Once(
    lambda _: sa.select(
        sa.select(sa.func.count()).select_from(user).where(user.c.active).scalar_subquery(),
        sa.select(sa.func.count())
        .select_from(session)
        .where(session.c.kind == word("web"), session.c.expires_at > p("now"))
        .scalar_subquery(),
        sa.select(sa.func.count())
        .select_from(approval)
        .where(approval.c.state == word("suspended"))
        .scalar_subquery(),
        sa.select(sa.func.min(occurrence.c.fire_at))
        .where(occurrence.c.state == word("waiting"))
        .scalar_subquery(),
        sa.select(sa.func.count())
        .select_from(job)
        .where(job.c.state == word("running"), job.c.lease_until < p("now"))
        .scalar_subquery(),
    )
)


@dataclass(frozen=True, slots=True)
class Health:
    """What an administrator, a probe or a monitor asks for.

    Attributes:
        jobs: (queue, state) to how many.
        oldest_ready: When the oldest job that is due was due; None when nothing waits.
        next_moment: The next planned moment of a rule.
        orphaned: Running jobs whose worker has not been heard of; the next sweep frees them.
    """

    revision: int | None
    jobs: Mapping[tuple[str, str], int]
    oldest_ready: str | None
    next_moment: str | None
    orphaned: int
    active_people: int
    signed_in: int
    suspended_approvals: int

    @property
    def stuck(self) -> int:
        """How many jobs wait for a person."""
        return sum(count for (_, state), count in self.jobs.items() if state in jobs.STUCK)


def is_alive(where: Reads) -> bool:
    """Ask the database for anything at all.

    Raises:
        Unavailable: It does not answer.
    """
    return where.one(_ALIVE.on(where)) is not None


def look(where: Reads, now: str) -> Health:
    """Return how things are at `now`."""
    row = where.one(_NUMBERS.on(where), {"now": now})
    assert row is not None
    people, signed_in, suspended, next_moment, orphaned = row
    counted = jobs.counts(where)
    due = [moment for moment in jobs.next_due(where).values() if moment <= now]
    return Health(
        revision=revisions.current_number(where),
        jobs={key: count for key, (count, _) in counted.items()},
        oldest_ready=min(due, default=None),
        next_moment=next_moment,
        orphaned=int(orphaned),
        active_people=int(people),
        signed_in=int(signed_in),
        suspended_approvals=int(suspended),
    )
