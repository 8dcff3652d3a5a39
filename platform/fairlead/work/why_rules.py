"""Why an automation did or did not run for a record: each change of the record held against the rule as it was then.

What the record was is read back from its history; what a rule reads of other records is read as it is today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fairlead.base.clock import parse_utc
from fairlead.base.errors import Failure
from fairlead.base.texts import Label
from fairlead.compiled.rows import taken_back
from fairlead.compiled.triggers import ANSWERS
from fairlead.model.workflows import Automation
from fairlead.store import history, jobs, people, underway
from fairlead.store.history import Event
from fairlead.store.jobs import Job
from fairlead.work import records
from fairlead.work.approving import application_of
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Context, counted_by, environment
from fairlead.work.triggers import fits, rule_key
from fairlead.work.why import Answer, Held, Point, Unanswerable, say, unknown

EVENTS = 20
"""So many changes of the record are looked at, the latest first."""

_STATES: Mapping[str, Label] = {
    "done": say("it ran and is done", "已执行完成"),
    "ready": say("it is waiting to run", "等待执行"),
    "retry_wait": say("it failed and will be tried again", "失败后等待重试"),
    "running": say("it is running", "正在执行"),
    "dead": say("it was tried and given up", "执行失败，已放弃"),
    "unknown": say("whether it was done is not known", "执行结果未知"),
    "skipped": say("it was skipped", "已跳过"),
    "cancelled": say("its reason was gone when it came to run", "执行时原因已不存在，已取消"),
    "paused": say("it is held back", "已暂停"),
}
_MOMENTS: Mapping[str, Label] = {
    "waiting": say("it is planned", "已安排"),
    "fired": say("its time came", "已到时触发"),
    "missed": say("its time came while nothing ran", "错过了触发时间"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Step:
    """A change of the record, with what it was before and after."""

    event: Event
    old: Mapping[str, Any] | None
    record: Mapping[str, Any]


def why_rule(ctx: Context, name: str, entity: str, id: str) -> Answer:
    """Say why an automation did or did not run for a record.

    Args:
        ctx: Whoever asks; only the application, the database and the moment are taken from it.

    Raises:
        Unanswerable: There is no such automation or entity, or the automation is about another entity.
    """
    automation = ctx.app.workspace.automations.get(name)
    if automation is None:
        raise Unanswerable(unknown("automation", name, list(ctx.app.workspace.automations)))
    if entity not in ctx.app.entities:
        raise Unanswerable(unknown("entity", entity, list(ctx.app.entities)))
    if automation.entity not in (entity, None):
        raise Unanswerable(f"The automation {name!r} is about {automation.entity}, not about {entity}.")
    found = [job for job in jobs.listing(ctx.database, record_id=id, limit=200) if job.rule == name]
    points = list(_moments(ctx, automation, id))
    kind = automation.trigger.on
    if kind not in ("date", "schedule"):
        points += _changes(ctx, automation, entity, id)
    else:
        points += [_run(automation, job) for job in found[:EVENTS]]
    ran = [job for job in found if job.state in ("done", "running", "ready", "dead", "unknown")]
    return Answer(
        bool(ran), _summary(automation, ran, points), tuple(points), notes=tuple(_notes(automation))
    )


def _summary(automation: Automation, ran: list[Job], points: list[Point]) -> Label:
    name = automation.name
    if ran:
        last = _STATES[ran[0].state]
        return say(
            f"{name} answered {len(ran)} times; the last time {last.get('en')}.",
            f"{name} 已触发 {len(ran)} 次；最近一次：{last.get('zh')}。",
        )
    if not automation.enabled:
        return say(f"{name} is switched off.", f"{name} 已停用。")
    if not points:
        return say(f"nothing happened that could start {name}.", f"没有发生可触发 {name} 的事件。")
    first = points[0].because
    return say(f"{name} did not run: {first.get('en')}.", f"{name} 未执行：{first.get('zh')}。")


def _notes(automation: Automation) -> Iterator[Label]:
    trigger = automation.trigger
    detail = {
        "updated": f" {', '.join(trigger.fields)}" if trigger.fields else "",
        "entered": f" {trigger.stage}",
        "date": f" {trigger.date_field}",
        "schedule": f" {trigger.cron}",
    }.get(trigger.on, "")
    rule = f", when `{automation.when.text}`" if automation.when is not None else ""
    where = f"  [{automation.span}]"
    yield say(
        f"it starts on {trigger.on}{detail}{rule}{where}", f"触发条件：{trigger.on}{detail}{rule}{where}"
    )
    if not automation.enabled:
        yield say("it is switched off now", "目前已停用")


# ---------------------------------------------------------------- moments that were planned


def _moments(ctx: Context, automation: Automation, id: str) -> Iterator[Point]:
    kind = automation.trigger.on
    if kind not in ("date", "schedule"):
        return
    about = id if kind == "date" else ""
    found = underway.moments_of(ctx.database, rule_key(automation.name), about, limit=EVENTS)
    for one in found:
        what = say(f"due at {one.fire_at[:16]}Z", f"时点 {one.fire_at[:16]}Z")
        state = _MOMENTS.get(one.state) or say(f"its state is {one.state}", f"状态：{one.state}")
        held: Held = "yes" if one.state in ("waiting", "fired") else "no"
        yield Point(what, held, state, automation.span)
    if not found and kind == "date":
        field = automation.trigger.date_field or ""
        loaded = records.load(ctx.database, ctx.as_system(), str(automation.entity), id, ())
        because = (
            say(f"{field} is empty, so there is nothing to wait for", f"{field} 为空，没有可等待的时间")
            if loaded.record.get(field) is None
            else say(
                f"the moment had passed when {field} was set, or the rule came later",
                f"设置 {field} 时该时点已过，或规则之后才生效",
            )
        )
        empty = (field,) if loaded.record.get(field) is None else ()
        yield Point(
            say(f"planned moments of {field}", f"{field} 的安排"), "no", because, automation.span, empty=empty
        )


def _run(automation: Automation, job: Job) -> Point:
    held: Held = "yes" if job.state not in ("skipped", "cancelled") else "no"
    return Point(
        say(f"job {job.id} of {job.created_at[:16]}Z", f"任务 {job.id}（{job.created_at[:16]}Z）"),
        held,
        _state(job),
        automation.span,
    )


def _state(job: Job) -> Label:
    label = _STATES.get(job.state) or say(f"its state is {job.state}", f"状态：{job.state}")
    more = job.error or (job.log if job.state in ("skipped", "cancelled") else None)
    return label if not more else say(f"{label.get('en')}: {more}", f"{label.get('zh')}：{more}")


# ---------------------------------------------------------------- changes that it might have answered


def _changes(ctx: Context, automation: Automation, entity: str, id: str) -> Iterator[Point]:
    steps = list(_steps(ctx, entity, id))
    names = people.names(ctx.database, {step.event.actor for step in steps if step.event.actor})
    for step in steps:
        event = step.event
        by = names.get(event.actor or "")
        fields = ", ".join(list(event.changes)[:6]) + (", …" if len(event.changes) > 6 else "")
        told = f" ({fields})" if fields and event.kind != "create" else ""
        who = {
            lang: by.get(lang) if by else {"en": "the engine", "zh": "系统"}[lang] for lang in ("en", "zh")
        }
        what = say(
            f"{event.kind} at {event.at[:16]}Z by {who['en']}{told}",
            f"{event.at[:16]}Z {who['zh']} {event.kind}{told}",
        )
        born = next(
            (job for job in jobs.of_event(ctx.database, event.id) if job.rule == automation.name), None
        )
        if born is not None:
            yield replace(_run(automation, born), what=what)
            continue
        held, because, empty = _why_not(ctx, automation, step)
        yield Point(what, held, because, automation.span, empty=empty)


def _steps(ctx: Context, entity: str, id: str) -> Iterator[_Step]:
    """Yield the latest changes, going back from what the record is now."""
    events = history.of_record(ctx.database, id, limit=EVENTS)
    try:
        record: Mapping[str, Any] = records.snapshot_in(ctx.database, ctx, entity, id)
    except Failure:
        return  # in the recycle bin or gone: what it was cannot be read back
    fields = ctx.app.entities[entity].entity.fields
    for event in events:
        if event.entity != entity:
            continue
        before = taken_back(record, event.changes, fields)
        yield _Step(event, None if event.kind in ("create", "import") else before, record)
        record = before


def _why_not(ctx: Context, now: Automation, step: _Step) -> tuple[Held, Label, tuple[str, ...]]:
    """Say what kept a change from starting the automation, as the configuration stood when it happened."""
    event = step.event
    then = application_of(ctx, event.revision)
    automation = then.workspace.automations.get(now.name)
    if automation is None:
        return (
            "no",
            say(
                f"the rule was not there yet in revision {event.revision}",
                f"版本 {event.revision} 中还没有该规则",
            ),
            (),
        )
    if not automation.enabled:
        return "no", say("the rule was switched off", "规则当时已停用"), ()
    trigger = automation.trigger
    if trigger.on not in ANSWERS.get(event.kind, ("updated", "entered")):
        return "no", say(f"a {event.kind} does not start it", f"{event.kind} 不会触发该规则"), ()
    if not fits(trigger.on, trigger, step.old, step.record):
        if trigger.on == "entered":
            return "no", say(f"it did not enter {trigger.stage}", f"未进入阶段 {trigger.stage}"), ()
        watched = ", ".join(trigger.fields)
        return "no", say(f"none of {watched} changed", f"{watched} 均未改变"), ()
    if automation.when is None:
        return "no", say("no run was kept of it", "没有保留执行记录"), ()
    env = counted_by(ctx, automation.calendar, environment(_then(ctx, event), old=step.old))
    try:
        value = automation.when.evaluate(step.record, env)
    except Failure as failure:
        return (
            "no",
            say(f"its condition cannot be worked out: {failure.message('en')}", "条件无法计算"),
            (),
        )
    if value is None:
        empty = tuple(automation.when.empty_reads(step.record, env))
        names = ", ".join(empty)
        return (
            "unknown",
            say(f"its condition stayed open because {names or 'something it reads'} was empty", f"{names or '所用字段'}为空，条件结果未知"),
            empty,
        )  # fmt: skip
    if value is False:
        return "no", say("its condition did not hold", "条件不成立"), ()
    because = say(
        "no run was kept of it, or what it reads elsewhere has changed since",
        "没有保留执行记录，或相关数据之后已改变",
    )
    return "no", because, ()


def _then(ctx: Context, event: Event) -> Context:
    """Return the moment of a change, on behalf of whoever made it."""
    account = people.account(ctx.database, event.actor) if event.actor else None
    actor = SYSTEM if account is None else actor_of(account, zone=ctx.app.workspace.zone)
    return Context(ctx.app, ctx.database, actor, parse_utc(event.at), "api")
