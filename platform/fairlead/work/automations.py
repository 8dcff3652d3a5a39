"""Run one automation: the work of a job that `work.triggers` or a planned moment made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fairlead.base.errors import NotFound
from fairlead.compiled.application import SYSTEM_ROLES
from fairlead.compiled.reads import ListShape
from fairlead.fields.registry import kind_of
from fairlead.model.workflows import Automation
from fairlead.store import history, jobs, people
from fairlead.store.database import Tx
from fairlead.store.jobs import Job, NewJob, NotToBeDone
from fairlead.work import records
from fairlead.work.authentication import actor_of
from fairlead.work.context import Cause, Context
from fairlead.work.environment import environment
from fairlead.work.steps import run_steps

PAGE = 500


def run_automation(tx: Tx, ctx: Context, job: Job) -> str:
    """Do the steps of the automation that `job` names, in the transaction in which the job is completed.

    Returns:
        What was done, a line for each step.

    Raises:
        NotToBeDone: The rule is gone or switched off, its record is gone, or its condition does not hold when its
            moment has come.
        Failure: A step was not possible.
    """
    automation = ctx.app.workspace.automations.get(job.rule or "")
    if automation is None:
        raise NotToBeDone("cancelled", f"there is no automation {job.rule!r} any more")
    if not automation.enabled:
        raise NotToBeDone("paused", "the automation is switched off")
    ctx = _acting(tx, ctx, automation, job)
    old: Mapping[str, Any] | None = None
    if job.entity is not None and job.record_id is not None:
        try:
            record = records.snapshot_in(tx, ctx, job.entity, job.record_id)
        except NotFound as gone:
            raise NotToBeDone("cancelled", "the record was deleted") from gone
        if job.event_id is not None:
            old = _before(tx, ctx, job, record)
        elif automation.when is not None and not automation.when.is_true(record, environment(ctx, tx)):
            raise NotToBeDone("skipped", f"the condition does not hold: {automation.when.text}")
    elif automation.entity is not None:
        return _fan_out(tx, ctx, automation, job)
    elif automation.when is not None and not automation.when.is_true({}, environment(ctx, tx)):
        raise NotToBeDone("skipped", f"the condition does not hold: {automation.when.text}")
    return "\n".join(run_steps(tx, ctx, automation.steps, job.entity, job.record_id, old=old))


def _fan_out(tx: Tx, ctx: Context, automation: Automation, job: Job) -> str:
    """Start one run for each record that a schedule is about: those for which its condition holds now."""
    assert automation.entity is not None
    reads = ctx.app.reads(automation.entity, SYSTEM_ROLES)
    order = (("id", False),)
    shape = ListShape(filter=automation.when, order=order, fields=("id",))
    position = [field.name for field in reads.visible_fields(("id",))].index("id")
    params = {**records.base_params(ctx), "p_limit": PAGE}
    count = 0
    while True:
        rows = tx.all(reads.list(shape), params)
        for row in rows:
            new = NewJob(
                kind=job.kind, run_at=ctx.stamp, queue="bulk", args={"scheduled": job.id},
                unique_key=f"{job.id}:{row[position]}", order_key=row[position], rule=automation.name,
                max_attempts=max(1, automation.retry_times), entity=automation.entity, record_id=row[position],
                revision=ctx.app.revision, depth=job.depth, chain=job.chain,
            )  # fmt: skip
            jobs.enqueue(tx, new, now=ctx.stamp)
        count += len(rows)
        if len(rows) < PAGE:
            return f"{count} records"
        shape = replace(shape, after="value")
        params["p_after_id"] = rows[-1][position]


def _acting(tx: Tx, ctx: Context, automation: Automation, job: Job) -> Context:
    """Return the context in which the steps run: as the engine, or as whoever made the change."""
    cause = Cause(job.event_id or job.id, job.depth, job.chain)
    user_id = job.args.get("user")
    if automation.run_as == "system" or user_id is None:
        return ctx.as_system(cause)
    account = people.account(tx, str(user_id))
    if account is None or not account.active:
        raise NotToBeDone("cancelled", "the person in whose name it should run has left")
    return replace(
        ctx, actor=actor_of(account, zone=ctx.app.workspace.zone), door="job", cause=cause, _memo={}
    )


def _before(tx: Tx, ctx: Context, job: Job, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record as it was before the event, as far as the event tells."""
    event = history.event_by_id(tx, job.event_id or "")
    if event is None or event.version == 1:
        return None
    fields = ctx.app.workspace.entities[event.entity].fields
    before = dict(record)
    for name, (was, _) in event.changes.items():
        field = fields.get(name)
        if field is not None and field.kind != "table":
            before[name] = None if was is None else kind_of(field).from_stored(was, field)
    return before
