"""Work in the background, and approvals under way: does somebody do them?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.compiled.statement import prepare
from fairlead.store import approvals, health, jobs
from fairlead.store.statements import Once, p, word
from fairlead.store.system import approval, job, occurrence
from fairlead.work.context import Context
from fairlead.work.doctor.finding import Finding, counted, many

LATE = timedelta(minutes=10)
"""Work that was due so long ago has nobody who does it."""


_STUCK = Once(
    lambda _: (
        sa.select(job.c.state, job.c.kind, job.c.rule, sa.func.count())
        .where(sa.or_(*(job.c.state == word(state) for state in jobs.STUCK)))
        .group_by(job.c.state, job.c.kind, job.c.rule)
        .order_by(job.c.kind, job.c.rule, job.c.state)
    )
)
_HELD = Once(
    lambda _: sa.select(sa.func.count()).where(job.c.state == word("running"), job.c.lease_until < p("late"))
)
_MISSED = Once(
    lambda _: sa.select(sa.func.count()).where(
        occurrence.c.state == word("waiting"), occurrence.c.fire_at < p("late")
    )
)


def due_work(ctx: Context) -> Iterator[Finding]:
    """Find jobs that failed for good, are stuck, or are due and done by nobody."""
    where = ctx.database
    for state, kind, rule, count in where.all(_STUCK.on(where)):
        what = f"{kind} {rule}" if rule else str(kind)
        how = "Failed for good" if state == "dead" else "Perhaps done, perhaps not"
        text = f"{how}: {many(count, 'job')} of {what}; see `fairlead jobs list --state {state}`."
        yield Finding("jobs-stuck", "error", what, text)
    late = iso_utc(ctx.now - LATE)
    held = where.one(_HELD.on(where), {"late": late})
    if held and held[0]:
        text = f"Held by a worker not heard of for ten minutes: {many(held[0], 'job')}; is one running?"
        yield Finding("jobs-held", "error", "jobs", text)
    waiting = [moment for moment in jobs.next_due(where).values() if moment < late]
    if waiting:
        text = f"Jobs have been due since {min(waiting)[:16]} and nobody does them; is a worker running?"
        yield Finding("jobs-waiting", "error", "jobs", text)
    missed = where.one(_MISSED.on(where), {"late": late})
    if missed and missed[0]:
        text = f"Passed more than ten minutes ago: {many(missed[0], 'planned moment')}; is a server or worker running?"
        yield Finding("moments-late", "error", "jobs", text)


_RUNS = Once(
    lambda _: sa.select(approval.c.id, approval.c.entity, approval.c.record_id).order_by(approval.c.id)
)
_LIVE = "('running', 'returned', 'suspended')"


def approval_runs(ctx: Context) -> Iterator[Finding]:
    """Find approvals whose history was changed, that wait for nobody, or whose record is gone."""
    where = ctx.database
    for key, name, record_id in where.all(_RUNS.on(where)):
        broken = approvals.broken_link(where, key)
        if broken is not None:
            text = f"The history of approval {key} ({name} {record_id}) was changed afterwards, at event {broken}."
            yield Finding("approval-history", "error", key, text)
    suspended = health.look(where, ctx.stamp).suspended_approvals
    if suspended:
        text = f"Nobody was found to decide: {many(suspended, 'approval')}, waiting for an administrator."
        yield Finding("approval-suspended", "error", "approvals", text)
    for entity in ctx.app.entities.values():
        table = entity.tables.main.name
        count = counted(ctx, f"SELECT count(*) FROM {_held_for_nothing(table)}")
        if count:
            text = f"Locked by an approval that is over: {many(count, 'record')} of {entity.name}."
            yield Finding("lock-loose", "error", entity.name, text, mend=True)
        gone = counted(
            ctx, f"SELECT count(*) FROM sys_approval a WHERE a.entity = '{entity.name}' AND a.state IN {_LIVE} "
            f'AND NOT EXISTS (SELECT 1 FROM "{table}" r WHERE r.id = a.record_id AND r.deleted_at IS NULL)',
        )  # fmt: skip
        if gone:
            text = f"Under way for records that are gone: {many(gone, 'approval')} of {entity.name}."
            yield Finding("approval-loose", "error", entity.name, text)


def _held_for_nothing(table: str) -> str:
    return (
        f'"{table}" WHERE locked_by IS NOT NULL AND NOT EXISTS '
        f"(SELECT 1 FROM sys_approval a WHERE a.id = locked_by AND a.state IN {_LIVE})"
    )


def mend_locks(ctx: Context, about: frozenset[str]) -> None:
    """Take locks off that belong to approvals that are over."""
    for name in sorted(about):
        table = ctx.app.entities[name].tables.main.name
        with ctx.database.write() as tx:
            loose = f"SELECT id FROM {_held_for_nothing(table)}"
            tx.run(
                prepare(sa.text(f'UPDATE "{table}" SET locked_by = NULL WHERE id IN ({loose})'), tx.dialect)
            )
