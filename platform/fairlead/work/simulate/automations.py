"""Which past events an automation would have answered, and which dates it would have been due for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fairlead.base.clock import iso_utc, parse_utc
from fairlead.base.errors import Failure
from fairlead.compiled.rows import taken_back
from fairlead.expr.evaluate import Env
from fairlead.model.workflows import Automation
from fairlead.store import history, people
from fairlead.store.history import Event
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, SYSTEM_USER, Context, environment
from fairlead.work.simulate.answer import Answer
from fairlead.work.simulate.sides import Sides
from fairlead.work.triggers import answering, due_moment, next_instant

COLUMNS = ("at", "record", "title", "event", "by", "before", "after")

BATCH = 500
MOST_INSTANTS = 1_000

Record = Mapping[str, Any]
State = dict[str, Any]


def simulate_automation(sides: Sides, answer: Answer, name: str, lang: str, *, since: datetime) -> None:
    """Fill `answer` with what an automation would have answered since then, compared with the published one.

    Changes: `would_run`, `would_not_run`; what both answer is counted as `both`.
    """
    after = sides.then.app.workspace.automations.get(name)
    before = sides.now.app.workspace.automations.get(sides.old_name("automation", name))
    kinds = {_kind(one) for one in (before, after) if one is not None}
    if before is None:
        answer.note("The automation is new.", "该自动化为新增。")
    if after is None:
        answer.note("The automation would be gone.", "该自动化将被删除。")
    for one, said in ((before, "published"), (after, "new")):
        if one is not None and not one.enabled:
            answer.note(f"The {said} automation is switched off.", "该自动化处于停用状态。")
    if "event" in kinds:
        _Events(sides, answer, before, after, lang).look(since)
    if "date" in kinds:
        _dates(sides, answer, before, after, since)
    if "schedule" in kinds:
        _schedules(sides, answer, before, after, since)


def _kind(one: Automation) -> str:
    return one.trigger.on if one.trigger.on in ("date", "schedule") else "event"


def _of_kind(one: Automation | None, kind: str) -> Automation | None:
    return one if one is not None and one.enabled and _kind(one) == kind else None


def _said(found: str | None) -> str:
    return found or "-"


def _count(answer: Answer, one: str | None, two: str | None, row: dict[str, Any]) -> None:
    if one is not None and two is not None:
        answer.counts["both"] += 1
    elif two is not None:
        answer.add("would_run", **row, before=_said(one), after=two)
    elif one is not None:
        answer.add("would_not_run", **row, before=one, after=_said(two))


# ---------------------------------------------------------------- events


class _Events:
    """Goes back through what happened, newest first, undoing each change, so that a rule sees the record of that moment.

    What the history does not keep (fields without history, line items) has its value of today.
    """

    def __init__(
        self, sides: Sides, answer: Answer, before: Automation | None, after: Automation | None, lang: str
    ) -> None:
        self.sides = sides
        self.answer = answer
        self.before = _of_kind(before, "event")
        self.after = _of_kind(after, "event")
        self.lang = lang
        self._states: dict[str, State | None] = {}
        self._actors: dict[str, Any] = {}

    def look(self, since: datetime) -> None:
        """Look at every event since then, as far as the limits go."""
        named = {
            self.sides.old_name("entity", one.entity) if one is self.after else one.entity
            for one in (self.before, self.after)
            if one is not None and one.entity is not None
        }
        for entity in sorted(named & self.sides.now.app.entities.keys()):
            self._entity(entity, iso_utc(since))
        self.answer.note(
            "Records are taken back to the moment of each event by their history; what has no history counts as it is today.",
            "记录按历史还原至事件发生时；未保留历史的内容按当前值计算。",
        )

    def _entity(self, entity: str, since: str) -> None:
        cursor: str | None = None
        while True:
            events = history.latest(self.sides.snapshot, entity=entity, before=cursor, limit=BATCH)
            self._load(entity, events)
            fresh = {event.id for event in events if event.at >= since}
            visible = self.sides.visible(entity, sorted({one.record_id for one in events if one.id in fresh}))
            for event in events:
                self._event(entity, event, visible, fresh=event.id in fresh)
                self.answer.looked_at += event.id in fresh
                if self.answer.looked_at >= self.answer.limits.records and event is not events[-1]:
                    self.answer.stopped = "records"
                    return
            if not fresh or len(events) < BATCH:
                return
            cursor = events[-1].id

    def _load(self, entity: str, events: list[Event]) -> None:
        missing = sorted({event.record_id for event in events} - self._states.keys())
        found = self.sides.read(entity, missing, then=False) if missing else {}
        for id in missing:
            self._states[id] = dict(found[id]) if id in found else None

    def _event(self, entity: str, event: Event, visible: set[str], *, fresh: bool) -> None:
        record = self._states[event.record_id]
        if record is None:
            self.answer.counts["record_gone"] += fresh
            return
        old = self._undone(entity, event, record)
        self._states[event.record_id] = dict(record) if old is None else old
        if not fresh:
            return
        one = self._asked(self.sides.now, self.before, entity, event, record, old, then=False)
        two = self._asked(self.sides.then, self.after, entity, event, record, old, then=True)
        if event.record_id not in visible:
            self.answer.withheld += one != two
            return
        row = {
            "at": event.at, "record": event.record_id, "entity": entity, "title": self.sides.title(entity, record),
            "event": event.kind, "event_id": event.id,
            "by": None if event.actor in (None, SYSTEM_USER) else self.sides.person(event.actor, self.lang),
        }  # fmt: skip
        _count(self.answer, one, two, row)

    def _undone(self, entity: str, event: Event, record: State) -> State | None:
        """Return the record before an event; None where the event made it."""
        if event.version == 1 or event.kind in ("create", "import"):
            return None
        fields = self.sides.now.app.entities[entity].entity.fields
        return taken_back(record, event.changes, fields)

    def _asked(
        self, ctx: Context, automation: Automation | None, entity: str, event: Event, record: Record, old: Record | None,
        *, then: bool,
    ) -> str | None:  # fmt: skip
        """Return what the automation says to an event: None when it does not answer."""
        if automation is None:
            return None
        name = self.sides.new_name("entity", entity) if then else entity
        if name not in ctx.app.entities or automation.entity != name:
            return None
        if then:
            record = self.sides.translated(entity, record)
            old = None if old is None else self.sides.translated(entity, old)
        pairs = [pair for pair in ctx.app.triggers.of(name, event.kind) if pair[1].name == automation.name]
        for _, fault in answering(ctx, pairs, old, record, self._env(ctx, event, old, then=then)):
            return "runs" if fault is None else f"fails: {fault}"
        return None

    def _env(self, ctx: Context, event: Event, old: Record | None, *, then: bool) -> Env:
        actor = self._actor(event.actor)
        base = ctx if actor is None else self.sides.acting(actor, then=then)
        return environment(replace(base, now=parse_utc(event.at), _memo={}), old=old)

    def _actor(self, id: str | None) -> Any:
        if id is None or id == SYSTEM.id:
            return None
        if id not in self._actors:
            account = people.account(self.sides.snapshot, id)
            zone = self.sides.now.app.workspace.zone
            self._actors[id] = None if account is None else actor_of(account, zone=zone)
        return self._actors[id]


# ---------------------------------------------------------------- dates and schedules


def _dates(
    sides: Sides,
    answer: Answer,
    before: Automation | None,
    after: Automation | None,
    since: datetime,
) -> None:
    """Ask about every record with a date: when its moment lay between then and now, and whether the condition holds."""
    one, two = _of_kind(before, "date"), _of_kind(after, "date")
    named = {one.entity} if one is not None and one.entity is not None else set()
    if two is not None and two.entity is not None:
        named.add(sides.old_name("entity", two.entity))
    answer.note(
        "For moments that have passed, conditions are asked with the values of today.",
        "已过时点的条件按记录当前值判断。",
    )
    for entity in sorted(name for name in named if name in sides.now.app.entities):
        new_entity = sides.new_name("entity", entity)
        for ids in sides.pages(entity, answer.limits.records - answer.looked_at):
            then = sides.read(new_entity, ids, then=True) if new_entity in sides.then.app.entities else {}
            for id, record in sides.read(entity, ids, then=False).items():
                was = _due(sides.now, one, entity, record, since)
                will = _due(sides.then, two, new_entity, then.get(id), since)
                row = {
                    "at": will or was, "record": id, "entity": entity, "title": sides.title(entity, record),
                    "event": "date", "event_id": None, "by": None,
                }  # fmt: skip
                _count(answer, was, will, row)
            answer.looked_at += len(ids)
        if sides.cut:
            answer.stopped = "records"
            return


def _due(
    ctx: Context, automation: Automation | None, entity: str, record: Record | None, since: datetime
) -> str | None:
    if automation is None or record is None or automation.entity != entity:
        return None
    field = automation.trigger.date_field
    value = None if field is None else record.get(field)
    if value is None:
        return None
    calendar = ctx.calendar(getattr(automation, "calendar", None))
    moment = due_moment(automation.trigger, value, ctx.app.workspace.zone, calendar)
    if not since <= moment <= ctx.now:
        return None
    try:
        holds = automation.when is None or automation.when.is_true(record, ctx.env())
    except Failure as failure:
        return f"{iso_utc(moment)}, fails: {failure}"
    return iso_utc(moment) if holds else None


def _schedules(
    sides: Sides, answer: Answer, before: Automation | None, after: Automation | None, since: datetime
) -> None:
    """List the moments at which a schedule would have been due."""
    one, two = _of_kind(before, "schedule"), _of_kind(after, "schedule")
    was, will = _instants(sides.now, one, since), _instants(sides.then, two, since)
    for at in sorted({*was, *will}):
        row = {
            "at": at,
            "record": None,
            "entity": None,
            "title": None,
            "event": "schedule",
            "event_id": None,
            "by": None,
        }
        _count(answer, at if at in was else None, at if at in will else None, row)
    answer.looked_at += len({*was, *will})


def _instants(ctx: Context, automation: Automation | None, since: datetime) -> list[str]:
    if automation is None or automation.trigger.cron is None:
        return []
    found: list[str] = []
    moment = next_instant(automation.trigger.cron, ctx.app.workspace.zone, since)
    while moment <= ctx.now and len(found) < MOST_INSTANTS:
        found.append(iso_utc(moment))
        moment = next_instant(automation.trigger.cron, ctx.app.workspace.zone, moment)
    return found
