"""Which automations answer a change, and when dates of records will start some.

Called by `work.commit` in the transaction of the change: a run is born with its cause or not at all, and no later
edit can change whether its rule held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from cronsim import CronSim

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.base.errors import Failure
from fairlead.expr.evaluate import Env
from fairlead.model.durations import Duration
from fairlead.model.workflows import Automation, Trigger
from fairlead.store import jobs
from fairlead.store.database import Tx
from fairlead.store.jobs import NewJob
from fairlead.work.context import Context, counted_by, environment

MAX_DEPTH = 8
"""How many automations may stand between a person and a change."""

DEFAULT_TIME = time(9)
"""When a date trigger fires that names no time of day."""

KIND = "automation"
"""The kind of job that runs an automation."""


@dataclass(frozen=True, slots=True)
class ChangeEvent:
    """A change that was just written: its row in the history, and what it was about."""

    id: str
    entity: str
    record_id: str
    kind: str
    version: int
    changed: tuple[str, ...]


def rule_key(automation: str) -> str:
    """Return the name of an automation among the rules of planned moments."""
    return f"{KIND}:{automation}"


def match(
    tx: Tx, ctx: Context, event: ChangeEvent, old: Mapping[str, Any] | None, record: Mapping[str, Any]
) -> list[str]:
    """Start the automations that answer a change, and plan those that wait for a date of this record.

    Args:
        tx: The transaction of the change.
        ctx: On whose behalf it was made.
        event: The change.
        old: The record before it, None for a new one.
        record: The record as it is now, lines included.

    Returns:
        The ids of the runs that were born.
    """
    found = ctx.app.triggers.of(event.entity, event.kind)
    born: list[str] = []
    if found:
        for automation, fault in answering(ctx, found, old, record, environment(ctx, tx, old=old)):
            job_id = jobs.enqueue(tx, _new_run(ctx, event, automation, fault), now=ctx.stamp)
            if job_id is not None:
                born.append(job_id)
    for automation in ctx.app.triggers.dates(event.entity):
        field = automation.trigger.date_field
        if field is None:
            continue
        value = record.get(field)
        # Nothing was planned for a new record, so an empty date has nothing to drop.
        changed = value is not None if old is None else old.get(field) != value
        if changed:
            plan(tx, ctx, automation, event.record_id, value, fresh=old is None)
    return born


def answering(
    ctx: Context,
    found: Iterable[tuple[str, Automation]],
    old: Mapping[str, Any] | None,
    record: Mapping[str, Any],
    env: Env,
) -> Iterator[tuple[Automation, str | None]]:
    """Yield the automations among `found` that answer a change, each once.

    Args:
        ctx: Under whose application; its calendars count.
        found: (trigger, automation) that the kind of event may start.
        old: The record before the change, None for a new one.
        record: The record after it.
        env: With `old` as expressions see it.

    Yields:
        The automation, and why its condition could not be worked out where that is so: somebody's work is not lost
        because a rule of the configuration is wrong.
    """
    asked: set[str] = set()
    for trigger, automation in found:
        if automation.name in asked or not fits(trigger, automation.trigger, old, record):
            continue
        asked.add(automation.name)
        try:
            if automation.when is None or automation.when.is_true(
                record, counted_by(ctx, automation.calendar, env)
            ):
                yield automation, None
        except Failure as failure:
            yield automation, str(failure)


def fits(trigger: str, wanted: Trigger, old: Mapping[str, Any] | None, record: Mapping[str, Any]) -> bool:
    """Say whether a change is what a trigger waits for, its rule's condition apart."""
    if trigger == "updated":
        if old is None:
            return False
        # Compared by value: a field without history changes unseen by the event.
        return not wanted.fields or any(old.get(name) != record.get(name) for name in wanted.fields)
    if trigger == "entered":
        return record.get("stage") == wanted.stage and (old is None or old.get("stage") != wanted.stage)
    return True


def _new_run(ctx: Context, event: ChangeEvent, automation: Automation, fault: str | None) -> NewJob:
    cause = ctx.cause
    link = f"{automation.name}:{event.record_id}"
    chain = cause.chain if cause else ()
    depth = (cause.depth if cause else 0) + 1
    state: Literal["ready", "skipped", "dead"] = "ready"
    error: str | None = None
    if fault is not None:
        state, error = "dead", f"the condition could not be worked out: {fault}"
    elif depth > MAX_DEPTH or link in chain:
        state, error = "skipped", f"loop: {' > '.join((*chain, link))}"
    return NewJob(
        kind=KIND,
        run_at=ctx.stamp,
        args={"user": ctx.actor.id},
        # Thousands of rows of a file must not stand before what people wait for.
        queue="bulk" if ctx.door == "import" else "default",
        order_key=event.record_id,
        max_attempts=max(1, automation.retry_times),
        event_id=event.id,
        rule=automation.name,
        entity=event.entity,
        record_id=event.record_id,
        revision=ctx.app.revision,
        depth=depth,
        chain=(*chain, link),
        state=state,
        error=error,
    )


# ---------------------------------------------------------------- dates


def plan(
    tx: Tx, ctx: Context, automation: Automation, record_id: str, value: object, *, fresh: bool = False
) -> bool:
    """Plan when `automation` is due for a record whose date is now `value`; what was planned before is dropped.

    `fresh` says that the record is new, so nothing can have been planned.

    Returns:
        Whether a moment lies ahead. A date that comes back after its reminder fired does not remind again.
    """
    rule = rule_key(automation.name)
    if value is None:
        jobs.cancel(tx, record_id, rule=rule)
        return False
    key = occurrence_key(automation.trigger, value)
    if not fresh:
        jobs.cancel(tx, record_id, rule=rule, keep_key=key)
    calendar = ctx.calendar(automation.calendar)
    fire_at = due_moment(automation.trigger, value, ctx.app.workspace.zone, calendar)
    if fire_at <= ctx.now and not _still_useful(automation.trigger, value, ctx):
        return False
    return jobs.schedule(
        tx, rule=rule, record_id=record_id, entity=automation.entity, key=key, fire_at=iso_utc(fire_at)
    )


def _still_useful(trigger: Trigger, value: object, ctx: Context) -> bool:
    """A reminder whose moment has passed still helps while the date itself lies ahead."""
    if not trigger.before:
        return False
    if isinstance(value, datetime):
        return value > ctx.now
    return isinstance(value, date) and value >= ctx.now.astimezone(ZoneInfo(ctx.app.workspace.zone)).date()


def occurrence_key(trigger: Trigger, value: object) -> str:
    """Return what tells one planned moment of a rule and record from another: the date and the distance."""
    told = iso_utc(value) if isinstance(value, datetime) else str(value)
    if trigger.offset is None:
        return told
    return f"{told} {'-' if trigger.before else '+'} {trigger.offset}"


def due_moment(trigger: Trigger, value: object, zone: str, calendar: WorkCalendar) -> datetime:
    """Return when a date trigger is due, in UTC.

    A date has no time: it is due at the trigger's time of day, nine o'clock unless told. A datetime is due at its own
    time of day, or at the trigger's where one is given.
    """
    info = ZoneInfo(zone)
    at = time.fromisoformat(trigger.at) if trigger.at else None
    offset = trigger.offset
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        if offset is not None and offset.unit in ("minutes", "hours", "business_hours"):
            return _shift(moment, offset, calendar, back=trigger.before)
        local = moment.astimezone(info)
        day = _shift_day(local.date(), offset, calendar, back=trigger.before)
        return local_moment(day, at or local.time(), info)
    assert isinstance(value, date)
    if offset is not None and offset.unit in ("minutes", "hours", "business_hours"):
        return _shift(local_moment(value, at or DEFAULT_TIME, info), offset, calendar, back=trigger.before)
    return local_moment(_shift_day(value, offset, calendar, back=trigger.before), at or DEFAULT_TIME, info)


def next_instant(cron: str, zone: str, after: datetime) -> datetime:
    """Return the first moment of a schedule after `after`, in UTC.

    A local time that the clocks skip is the first moment after the gap; one that comes twice is taken once.
    """
    found: datetime = next(CronSim(cron, after.astimezone(ZoneInfo(zone))))
    return found.astimezone(UTC)


def _shift_day(day: date, offset: Duration | None, calendar: WorkCalendar, *, back: bool) -> date:
    if offset is None:
        return day
    if offset.unit == "business_days":
        if not back:
            return calendar.add_business_days(day, offset.count)
        left = offset.count
        while left:
            day -= timedelta(days=1)
            left -= calendar.is_working_day(day)
        return day
    days = offset.count * (7 if offset.unit == "weeks" else 1)
    return day - timedelta(days=days) if back else day + timedelta(days=days)


def _shift(moment: datetime, offset: Duration, calendar: WorkCalendar, *, back: bool) -> datetime:
    span = timedelta(minutes=offset.count) if offset.unit == "minutes" else timedelta(hours=offset.count)
    if offset.unit != "business_hours":
        return moment - span if back else moment + span
    if not back:
        return calendar.add_business_time(moment, span)
    # The latest moment from which `span` of working time reaches the end: go back day by day, then use up the rest.
    start = moment - timedelta(days=1)
    while calendar.business_time_between(start, moment) < span:
        start -= timedelta(days=1)
    return calendar.add_business_time(start, calendar.business_time_between(start, moment) - span)


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment of a local time, in UTC.

    A time that the clocks skip is the first moment after the gap; one that comes twice is its first.
    """
    local = datetime.combine(day, at, zone)
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    moment = local.astimezone(UTC)
    if after <= before:
        return moment
    # In the gap both offsets exist; the clocks change between the two readings of this time.
    moment = (local.replace(tzinfo=None) - after).replace(tzinfo=UTC)
    while moment.astimezone(zone).utcoffset() != after:
        moment += timedelta(minutes=1)
    return moment
