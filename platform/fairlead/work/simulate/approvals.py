"""The path, the people and the business time of real records under another flow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.compiled.runs import VERDICTS, Run
from fairlead.decide import approval as acts
from fairlead.decide.progress import NotNeeded
from fairlead.model.durations import Duration
from fairlead.model.workflows import Approval
from fairlead.store import approvals as runs
from fairlead.store import past, people
from fairlead.store.history import latest
from fairlead.work.approving import facts_about
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context
from fairlead.work.simulate.answer import Answer
from fairlead.work.simulate.sides import Sides

COLUMNS = ("record", "title", "starter", "before", "after", "hours_before", "hours_after", "hours_real")

WORKDAY_HOURS = 8.0


@dataclass(frozen=True, slots=True)
class _Case:
    """A record that is asked about, who submitted it, and the run that came of it."""

    record: str
    starter: str | None
    run: Run | None


@dataclass(frozen=True, slots=True)
class _Way:
    """What would happen: the steps with who is asked, or why nobody is."""

    steps: tuple[dict[str, Any], ...]
    needed: bool
    hours: float | None
    problem: str | None = None

    def said(self) -> str:
        if not self.needed:
            return "nobody is asked"
        if self.problem is not None and not self.steps:
            return self.problem
        return " → ".join(
            f"{step['step']} ({', '.join(one['name'] for one in step['people']) or step['note'] or 'nobody'})"
            for step in self.steps
        )


def simulate_approval(
    sides: Sides, answer: Answer, name: str, lang: str, *, since: datetime, last: int | None
) -> None:
    """Fill `answer` with the last records that took the flow, by the path each would take today.

    Changes: `other_path`, `now_needed`, `no_longer_needed`, `same`. Where the flow is new, the latest records of its
    entity are taken. Records are asked about with the values that they have today.
    """
    after = sides.then.app.workspace.approvals.get(name)
    before = sides.now.app.workspace.approvals.get(sides.old_name("approval", name))
    flow = after or before
    entity = before.entity if before is not None else sides.old_name("entity", flow.entity) if flow else ""
    if entity not in sides.now.app.entities:
        answer.note("There are no records yet.", "尚无记录。")
        return
    most = min(last or answer.limits.records, answer.limits.records)
    cases = _cases(sides, before, entity, since, most + 1)
    if len(cases) > most:
        answer.stopped = None if last is not None else "records"
    cases = cases[:most]
    if before is None:
        answer.note(
            "The flow is new: the latest records are taken, as if their owners submitted them.",
            "该流程为新增：取最近的记录，假定由其负责人提交。",
        )
    answer.note(
        "Records count with the values they have today, people with the places they have today.",
        "按记录和组织的当前状态计算。",
    )
    visible = sides.visible(entity, [case.record for case in cases])
    answer.withheld = sum(case.record not in visible for case in cases)
    shown = [case for case in cases if case.record in visible]
    usual = _usual(cases, before, sides.now)
    answer.note(
        "Hours are working hours: the median that each step took in these runs, else its time limit.",
        "时长为工作小时：取各步骤在上述审批中的中位数，无数据时取时限。",
    )
    for case in shown:
        _compare(sides, answer, case, entity, (before, after), usual, lang)
        answer.looked_at += 1


def _cases(sides: Sides, before: Approval | None, entity: str, since: datetime, most: int) -> list[_Case]:
    if before is not None:
        found = []
        for id in past.runs_of_flow(sides.snapshot, before.name, since=iso_utc(since), limit=most):
            run = runs.load(sides.snapshot, id)
            if run is not None:
                found.append(_Case(run.record_id, run.starter, run))
        return found
    ids = [
        one.record_id for one in latest(sides.snapshot, entity=entity, limit=most) if one.at >= iso_utc(since)
    ]
    return [_Case(id, None, None) for id in dict.fromkeys(ids)]


def _compare(
    sides: Sides, answer: Answer, case: _Case, entity: str, flows: tuple[Approval | None, Approval | None],
    usual: Mapping[str, float], lang: str,
) -> None:  # fmt: skip
    record = sides.one(entity, case.record, then=False)
    if record is None:
        answer.counts["record_gone"] += 1
        return
    new_entity = sides.new_name("entity", entity)
    other = sides.one(new_entity, case.record, then=True) if new_entity in sides.then.app.entities else None
    starter = case.starter or (None if record.get("owner") is None else str(record["owner"]))
    one = _way(sides, sides.now, flows[0], entity, record, starter, usual, lang)
    two = _way(sides, sides.then, flows[1], new_entity, other, starter, usual, lang)
    row = {
        "record": case.record, "title": sides.title(entity, record), "entity": entity,
        "starter": sides.person(starter, lang), "before": one.said(), "after": two.said(),
        "path_before": list(one.steps), "path_after": list(two.steps), "hours_before": one.hours,
        "hours_after": two.hours, "hours_real": _real_hours(case.run, sides.now, flows[0]),
        "approval": None if case.run is None else case.run.id,
    }  # fmt: skip
    if one.needed != two.needed:
        answer.add("now_needed" if two.needed else "no_longer_needed", **row)
    elif _people_of(one) != _people_of(two):
        answer.add("other_path", **row)
    else:
        answer.counts["same"] += 1


def _people_of(way: _Way) -> list[tuple[str, tuple[str, ...]]]:
    """Return what two paths are compared by: the steps in order, and who is asked at each."""
    return [(step["step"], tuple(one["id"] for one in step["people"])) for step in way.steps]


def _way(
    sides: Sides, ctx: Context, flow: Approval | None, entity: str, record: Mapping[str, Any] | None, starter: str | None,
    usual: Mapping[str, float], lang: str,
) -> _Way:  # fmt: skip
    """Return the path that the flow's own rules foresee for a record, submitted by `starter`."""
    if flow is None or record is None:
        return _Way((), False, None)
    account = None if starter is None else people.account(sides.snapshot, starter)
    if account is not None:
        ctx = sides.acting(actor_of(account, zone=ctx.app.workspace.zone), then=ctx is sides.then)
    compiled = ctx.app.entities[entity]
    facts = facts_about(ctx.database, ctx, flow, compiled, record)
    if isinstance(acts.may_submit(facts, None), NotNeeded):
        return _Way((), False, None)
    steps: list[dict[str, Any]] = []
    for entry in acts.foresee(facts, starter or ctx.actor.id):
        if not entry.applies:
            continue
        found = entry.found
        seats = found.seats if found is not None else ()
        note = found.problem if found is not None else None
        steps.append({
            "step": entry.step.name, "label": entry.step.label.get(lang),
            "people": [sides.person(seat.holder, lang) for seat in seats if not seat.skipped],
            "skipped": [sides.person(seat.holder, lang) for seat in seats if seat.skipped], "note": note,
            "hours": usual.get(entry.step.name, _limit_hours(entry.step.timeout.after if entry.step.timeout else None)),
        })  # fmt: skip
    known = [float(step["hours"]) for step in steps if step["hours"] is not None]
    hours = round(sum(known), 1) if len(known) == len(steps) else None
    return _Way(tuple(steps), True, hours)


# ---------------------------------------------------------------- time


def _calendar(ctx: Context, flow: Approval | None) -> WorkCalendar:
    return ctx.calendar(getattr(flow, "calendar", None))


def _hours(calendar: WorkCalendar, start: datetime, end: datetime) -> float:
    return calendar.business_time_between(start, end) / timedelta(hours=1)


def _usual(cases: Sequence[_Case], flow: Approval | None, ctx: Context) -> dict[str, float]:
    """Return how many working hours each step usually took in these runs."""
    calendar = _calendar(ctx, flow)
    taken: dict[str, list[float]] = defaultdict(list)
    for case in cases:
        for task in case.run.tasks if case.run is not None else ():
            if task.state in VERDICTS and task.opened_at is not None and task.decided_at is not None:
                taken[task.step].append(_hours(calendar, task.opened_at, task.decided_at))
    return {step: round(median(found), 1) for step, found in taken.items()}


def _real_hours(run: Run | None, ctx: Context, flow: Approval | None) -> float | None:
    if run is None or run.ended_at is None:
        return None
    return round(_hours(_calendar(ctx, flow), run.started_at, run.ended_at), 1)


def _limit_hours(after: Duration | None) -> float | None:
    if after is None:
        return None
    per = {"minutes": 1 / 60, "hours": 1.0, "business_hours": 1.0, "business_days": WORKDAY_HOURS}
    # A time limit in natural days is read as as many working days: nobody decides at night.
    return after.count * per.get(after.unit, WORKDAY_HOURS * (5 if after.unit == "weeks" else 1))
