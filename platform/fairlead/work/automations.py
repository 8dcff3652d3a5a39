"""Run one automation: the work of a job that `work.triggers` or a planned moment made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from fairlead.base.errors import NotFound
from fairlead.compiled.application import SYSTEM_ROLES
from fairlead.compiled.reads import ListShape
from fairlead.compiled.rows import decoder, taken_back
from fairlead.expr.expression import Expression
from fairlead.expr.sql import sql_parameters
from fairlead.model.workflows import Automation
from fairlead.store import history, jobs, people, settings
from fairlead.store.database import Tx
from fairlead.store.jobs import Job, NewJob, NotToBeDone
from fairlead.store.statements import Reads
from fairlead.work import records
from fairlead.work.authentication import actor_of
from fairlead.work.context import Cause, Context, counted_by, environment
from fairlead.work.steps import run_steps
from fairlead.work.triggers import occurrence_key, plan, rule_key

PAGE = 500

PLANNED = "planned dates of "
"""Begins the names of settings that say for which form of a date trigger its moments have been planned."""


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
        _require_same_date(automation, job, record)
        if job.event_id is not None:
            old = _before(tx, ctx, job, record)
        elif automation.when is not None and not automation.when.is_true(
            record, counted_by(ctx, automation.calendar, environment(ctx, tx))
        ):
            raise NotToBeDone("skipped", f"the condition does not hold: {automation.when.text}")
    elif automation.entity is not None:
        return _fan_out(tx, ctx, automation, job)
    elif automation.when is not None and not automation.when.is_true(
        {}, counted_by(ctx, automation.calendar, environment(ctx, tx))
    ):
        raise NotToBeDone("skipped", f"the condition does not hold: {automation.when.text}")
    return "\n".join(run_steps(tx, ctx, automation.steps, job.entity, job.record_id, old=old))


def _fan_out(tx: Tx, ctx: Context, automation: Automation, job: Job) -> str:
    """Start one run for each record that a schedule is about: those for which its condition holds now."""
    assert automation.entity is not None
    count = 0
    for page in _pages(tx, ctx, automation.entity, (), automation.when, automation.calendar):
        for (record_id,) in page:
            new = NewJob(
                kind=job.kind, run_at=ctx.stamp, queue="bulk", args={"scheduled": job.id},
                unique_key=f"{job.id}:{record_id}", order_key=record_id, rule=automation.name,
                max_attempts=max(1, automation.retry_times), entity=automation.entity, record_id=record_id,
                revision=ctx.app.revision, depth=job.depth, chain=job.chain,
            )  # fmt: skip
            jobs.enqueue(tx, new, now=ctx.stamp)
        count += len(page)
    return f"{count} records"


def _pages(
    where: Reads,
    ctx: Context,
    entity: str,
    fields: tuple[str, ...],
    condition: Expression | None = None,
    calendar: str | None = None,
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield (id, value of each field) of every record for which `condition` holds, some hundreds at a time."""
    reads = ctx.app.reads(entity, SYSTEM_ROLES)
    selected = reads.visible_fields(("id", *fields))
    names = [field.name for field in selected]
    decode = decoder(selected)
    wanted = ("id", *fields)
    shape = ListShape(filter=condition, order=(("id", False),), fields=tuple(names))
    statement = reads.list(shape)  # before the parameters: its condition may ask for more than any before it
    params = {**records.base_params(ctx), "p_limit": PAGE}
    if calendar is not None:
        params |= sql_parameters(counted_by(ctx, calendar, ctx.env()))
    while True:
        rows = [decode(row) for row in where.all(statement, params)]
        if rows:
            yield [tuple(row[name] for name in wanted) for row in rows]
        if len(rows) < PAGE:
            return
        statement = reads.list(replace(shape, after="value"))
        params["p_after_id"] = rows[-1]["id"]


def plan_dates(ctx: Context) -> str:
    """Bring the planned moments in line with the date triggers in force.

    A trigger that is new or says something else is planned for every record that is there; moments that have passed
    are left out. One that is gone has its moments dropped.
    """
    wanted = {found.name: found for group in ctx.app.triggers.by_date.values() for found in group}
    known = settings.below(ctx.database, PLANNED)
    for name in known.keys() - wanted.keys():
        with ctx.database.write() as tx:
            jobs.cancel_rule(tx, rule_key(name))
            settings.drop(tx, PLANNED + name)
    planned = 0
    for name, automation in wanted.items():
        trigger = automation.trigger
        facts = (
            automation.entity,
            trigger.date_field,
            trigger.offset,
            trigger.before,
            trigger.at,
            ctx.app.workspace.zone,
        )
        says = " ".join(map(str, facts))
        if trigger.offset is not None and trigger.offset.unit.startswith("business"):
            # What was planned by other holidays is planned anew (JB-63).
            says += f" {ctx.calendar(automation.calendar).digest()}"
        if known.get(name) == says:
            continue
        assert automation.entity is not None
        assert trigger.date_field is not None
        with ctx.database.write() as tx:
            jobs.cancel_rule(tx, rule_key(name))
        for page in _pages(ctx.database, ctx, automation.entity, (trigger.date_field,)):
            with ctx.database.write() as tx:
                planned += sum(
                    plan(tx, ctx, automation, key, value) for key, value in page if value is not None
                )
        with ctx.database.write() as tx:
            settings.put(tx, PLANNED + name, says)
    return f"{planned} reminders planned"


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


def _require_same_date(automation: Automation, job: Job, record: Mapping[str, Any]) -> None:
    """A reminder is for one date; when the record has another by now, another reminder is planned for that."""
    field = automation.trigger.date_field
    if "occurrence" not in job.args or field is None:
        return
    value = record.get(field)
    if value is None or occurrence_key(automation.trigger, value) != job.args.get("key"):
        raise NotToBeDone("skipped", "the date has changed")


def _before(tx: Tx, ctx: Context, job: Job, record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the record as it was before the event, as far as the event tells."""
    event = history.event_by_id(tx, job.event_id or "")
    if event is None or event.version == 1:
        return None
    fields = ctx.app.workspace.entities[event.entity].fields
    return taken_back(record, event.changes, fields)
