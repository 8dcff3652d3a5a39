"""What people may do with background work: look at it, run it again, leave it. Needs the capability `jobs`."""

from __future__ import annotations

from fairlead.base.errors import Forbidden, NotFound
from fairlead.base.texts import Label
from fairlead.store import jobs, notifications, people
from fairlead.store.database import Tx
from fairlead.store.jobs import STUCK, Job, State
from fairlead.work.context import Context


def _require(ctx: Context) -> None:
    if not ctx.actor.is_system and "jobs" not in ctx.app.capabilities(ctx.actor.roles):
        raise Forbidden("forbidden", _FORBIDDEN)


def listing(
    ctx: Context, *, state: State | None = None, record_id: str | None = None, before: str | None = None,
    limit: int = 50,
) -> list[Job]:  # fmt: skip
    """Return jobs, newest first; `before` is the last id of the page above.

    Raises:
        Forbidden: Without the capability.
    """
    _require(ctx)
    return jobs.listing(ctx.database, state=state, record_id=record_id, before=before, limit=limit)


def counts(ctx: Context) -> dict[tuple[str, str], int]:
    """Return (queue, state) to how many jobs there are.

    Raises:
        Forbidden: Without the capability.
    """
    _require(ctx)
    return {key: count for key, (count, _) in jobs.counts(ctx.database).items()}


def one(ctx: Context, job_id: str) -> Job:
    """Return one job.

    Raises:
        Forbidden: Without the capability.
        NotFound: There is none.
    """
    _require(ctx)
    found = jobs.by_id(ctx.database, job_id)
    if found is None:
        raise NotFound("job", job_id)
    return found


def retry(ctx: Context, job_id: str) -> bool:
    """Let a stuck job run again, with all attempts, under the configuration in force; say whether it will.

    Raises:
        Forbidden: Without the capability.
    """
    _require(ctx)
    with ctx.database.write() as tx:
        return jobs.retry(tx, job_id, now=ctx.stamp)


def retry_stuck(ctx: Context) -> int:
    """Let every stuck job run again; return how many.

    Raises:
        Forbidden: Without the capability.
    """
    _require(ctx)
    count = 0
    for state in STUCK:
        before: str | None = None
        while found := jobs.listing(ctx.database, state=state, before=before, limit=200):
            with ctx.database.write() as tx:
                count += sum(jobs.retry(tx, job.id, now=ctx.stamp) for job in found)
            before = found[-1].id
    return count


def skip(ctx: Context, job_id: str, *, same_error: bool = False, by: str | None = None) -> int:
    """Say that a stuck or waiting job is not to be done; return how many were skipped.

    Args:
        ctx: Who asks.
        job_id: The job.
        same_error: Whether every stuck job of the same rule with the same error goes with it.
        by: Who is told in the log, where it is not the actor.

    Raises:
        Forbidden: Without the capability.
    """
    _require(ctx)
    name = by or ctx.actor.username
    with ctx.database.write() as tx:
        example = jobs.by_id(tx, job_id)
        if example is None:
            return 0
        count = int(jobs.skip(tx, job_id, now=ctx.stamp, by=name))
        if same_error and example.state in STUCK:
            count += jobs.skip_like(tx, example, now=ctx.stamp, by=name)
        return count


def tell_stuck(tx: Tx, ctx: Context, job: Job) -> int:
    """Tell those who look after jobs that one waits for them; once an hour for each rule. Return how many were told."""
    roles = [role.name for role in ctx.app.workspace.roles.values() if "jobs" in role.capabilities]
    keepers = [user_id for role in roles for user_id in people.users_with_role(tx, role)]
    what = f"{job.kind} {job.rule}" if job.rule else job.kind
    return notifications.add(
        tx, keepers, kind="job_stuck", now=ctx.stamp, entity=job.entity, record_id=job.record_id,
        text=Label({
            "en": f"A job is stuck and waits for you: {what}.",
            "zh": f"后台任务失败，需要处理：{what}。",
        }),
        unique_key=f"stuck:{what}:{ctx.stamp[:13]}",
    )  # fmt: skip


_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
