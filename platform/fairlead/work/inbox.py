"""What there is to see of approvals: inboxes, one task, the path of a run, and the path a record would take.

The path of a run and the preview before submitting are made by the same rules (`decide.approval.foresee`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from fairlead.base.clock import iso_utc
from fairlead.base.errors import FieldError, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.runs import ACTIVE, UNDECIDED, Note, Run, Task
from fairlead.decide.approval import Foreseen, foresee
from fairlead.decide.approvers import Seat
from fairlead.decide.progress import REASONS, Facts, say
from fairlead.model.workflows import Approval, ApprovalStep
from fairlead.model.workspace import Workspace
from fairlead.store import approvals as store
from fairlead.store import people
from fairlead.store.approvals import RunLine, TaskLine
from fairlead.work import records
from fairlead.work.approving import application_of, facts_about, facts_of, flow_of, is_trusted, takes_part
from fairlead.work.context import SYSTEM, Context

Box = Literal["open", "coming", "done", "mine"]
BOXES: tuple[Box, ...] = ("open", "coming", "done", "mine")

MAX_PAGE = 200
LATELY = timedelta(days=30)
FRESH_S = 600.0
"""For how long the usual times of steps are kept before they are counted anew."""


# ---------------------------------------------------------------- views


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task in an inbox, with the names that a person reads.

    Attributes:
        reasons: Why this person is asked, one sentence each.
        overdue: Whether its time is over.
        editable: What the approver may change with the decision.
        confirm: Whether the step asks to be looked at alone.
        offers: What else can be done with it: `return`, `transfer`.
    """

    line: TaskLine
    flow_label: Label
    entity_label: Label
    step_label: Label
    reasons: tuple[Label, ...]
    overdue: bool
    editable: tuple[str, ...]
    summary: tuple[str, ...]
    reason_required: bool
    confirm: bool
    offers: frozenset[str]

    @property
    def id(self) -> str:
        """The task."""
        return self.line.id

    @property
    def version(self) -> int:
        """What has to be sent along with an act."""
        return self.line.version

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the task as the API gives it."""
        line = self.line
        return {
            "id": line.id, "version": line.version, "state": line.state, "approval": line.approval_id,
            "flow": line.flow, "flow_label": self.flow_label.get(lang), "step": line.step,
            "step_label": self.step_label.get(lang), "entity": line.entity, "record": line.record_id,
            "title": line.title, "starter": {"id": line.starter, "name": line.starter_name.get(lang)},
            "submitted_at": line.started_at, "since": line.opened_at, "due_at": line.due_at, "overdue": self.overdue,
            "decided_at": line.decided_at, "comment": line.comment, "approval_state": line.run_state,
            "decided_by": _who(line.actor, line.actor_name, lang), "why": [text.get(lang) for text in self.reasons],
            "editable": list(self.editable), "summary": list(self.summary), "reason_required": self.reason_required,
            "confirm": self.confirm, "offers": sorted(self.offers),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunView:
    """Something that one has submitted."""

    line: RunLine
    flow_label: Label
    step_label: Label | None

    @property
    def id(self) -> str:
        """The run."""
        return self.line.id

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the run as the API gives it."""
        line = self.line
        return {
            "id": line.id, "flow": line.flow, "flow_label": self.flow_label.get(lang), "entity": line.entity,
            "record": line.record_id, "title": line.title, "state": line.state, "step": line.step,
            "step_label": self.step_label.get(lang) if self.step_label else None, "round": line.round,
            "submitted_at": line.started_at, "ended_at": line.ended_at, "reason": line.reason,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a box. `next` is what has to be given for the page after it."""

    items: tuple[TaskView | RunView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class SeatView:
    """Somebody on the path: asked, or to be asked."""

    user: str
    name: Label
    state: str
    """A task's state; `foreseen` for somebody who is not asked yet."""
    reasons: tuple[Label, ...]
    original: str | None = None
    task: str | None = None
    since: datetime | None = None
    due_at: datetime | None = None
    decided_at: datetime | None = None
    by: str | None = None
    by_name: Label | None = None
    on_behalf_of: str | None = None
    comment: str | None = None
    changes: Mapping[str, object] | None = None

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the seat as the API gives it."""
        return {
            "user": {"id": self.user, "name": self.name.get(lang)}, "state": self.state, "task": self.task,
            "why": [text.get(lang) for text in self.reasons], "since": _stamp(self.since),
            "due_at": _stamp(self.due_at), "decided_at": _stamp(self.decided_at),
            "decided_by": _who(self.by, self.by_name, lang), "on_behalf_of": self.on_behalf_of,
            "comment": self.comment, "changes": dict(self.changes) if self.changes else None,
        }  # fmt: skip


StepState = Literal["done", "now", "to_come", "passed", "open"]


@dataclass(frozen=True, slots=True)
class StepView:
    """One step on the path.

    Attributes:
        state: `passed` was not needed; `open` cannot be foreseen because a field is empty.
        usual_s: How many seconds the step usually takes, of late.
        may_change: Whether who is asked may still come out differently.
    """

    name: str
    label: Label
    state: StepState
    mode: str
    round: int | None
    seats: tuple[SeatView, ...]
    notes: tuple[Label, ...]
    usual_s: float | None
    may_change: bool

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the step as the API gives it."""
        return {
            "step": self.name, "label": self.label.get(lang), "state": self.state, "mode": self.mode,
            "round": self.round, "who": [seat.to_json(lang) for seat in self.seats],
            "notes": [note.get(lang) for note in self.notes], "usual_s": self.usual_s, "may_change": self.may_change,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class EventView:
    """A line of the history of a run."""

    kind: str
    at: datetime
    actor: str | None
    actor_name: Label | None
    on_behalf_of: str | None
    step: str | None
    round: int
    note: Label | str | None
    to_state: str | None

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the event as the API gives it."""
        note = self.note.get(lang) if isinstance(self.note, Label) else self.note
        return {
            "kind": self.kind, "at": iso_utc(self.at), "by": _who(self.actor, self.actor_name, lang),
            "on_behalf_of": self.on_behalf_of, "step": self.step, "round": self.round, "note": note,
            "state": self.to_state,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class PathView:
    """The path of a run, or with `approval` None the path a record would take.

    Attributes:
        needed: Whether anybody has to approve at all.
        reason: Why it does not go on, where it is suspended.
        steps: Of the present round; what was decided in earlier rounds is in `events`.
        may: What the actor may do with the run: `withdraw`, `urge`, `resubmit`, `resume`, `terminate`, `comment`.
        my_task: The actor's own open task in it.
    """

    approval: str | None
    flow: str
    flow_label: Label
    entity: str
    record: str
    title: str
    state: str
    needed: bool
    round: int
    starter: str
    starter_name: Label
    started_at: datetime | None
    ended_at: datetime | None
    reason: Label | None
    steps: tuple[StepView, ...]
    events: tuple[EventView, ...]
    may: frozenset[str]
    my_task: tuple[str, int] | None = None
    """Its id and version."""

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the path as the API gives it."""
        return {
            "id": self.approval, "flow": self.flow, "flow_label": self.flow_label.get(lang), "entity": self.entity,
            "record": self.record, "title": self.title, "state": self.state, "needed": self.needed,
            "round": self.round, "starter": {"id": self.starter, "name": self.starter_name.get(lang)},
            "submitted_at": _stamp(self.started_at), "ended_at": _stamp(self.ended_at),
            "reason": self.reason.get(lang) if self.reason else None,
            "steps": [step.to_json(lang) for step in self.steps],
            "events": [event.to_json(lang) for event in self.events], "may": sorted(self.may),
            "my_task": {"id": self.my_task[0], "version": self.my_task[1]} if self.my_task else None,
        }  # fmt: skip


def _stamp(moment: datetime | None) -> str | None:
    return iso_utc(moment) if moment else None


def _who(user: str | None, name: Label | None, lang: str) -> dict[str, str] | None:
    return {"id": user, "name": name.get(lang) if name else user} if user else None


# ---------------------------------------------------------------- boxes


def tasks(ctx: Context, box: str = "open", *, after: str | None = None, limit: int = 50) -> Page:
    """Return one page of a box: what waits for me, what is coming, what is done, what I have submitted.

    Raises:
        Invalid: There is no such box, or `after` is not from the page before.
    """
    if box not in BOXES:
        message = say("There is no such box: {box}.", "没有此分类：{box}。", box=box)
        raise Invalid([FieldError("box", "unknown_value", message)])
    size = max(1, min(limit, MAX_PAGE))
    mark = _mark(after)
    if box == "mine":
        mine = store.started_by(ctx.database, ctx.actor.id, after=mark, limit=size + 1)
        runs = tuple(_run_view(ctx, line) for line in mine[:size])
        return Page(runs, f"{mine[size - 1].started_at}|{mine[size - 1].id}" if len(mine) > size else None)
    read = {"open": store.open_tasks, "coming": store.coming_tasks, "done": store.done_tasks}[box]
    lines = read(ctx.database, ctx.actor.id, after=mark, limit=size + 1)
    following = None
    if len(lines) > size:
        last = lines[size - 1]
        at = last.decided_at if box == "done" else last.opened_at
        following = f"{at or ''}|{last.id}"
    return Page(tuple(_task_view(ctx, line) for line in lines[:size]), following)


def _mark(after: str | None) -> store.Mark | None:
    if not after:
        return None
    at, bar, key = after.partition("|")
    if not bar or len(after) > 100:
        message = say("This page does not follow from another.", "分页标记无效。")
        raise Invalid([FieldError("page_token", "bad_page_token", message)])
    return at, key


def waiting_for_me(ctx: Context) -> int:
    """Return how many tasks wait for the actor."""
    return store.count_open(ctx.database, ctx.actor.id)


def task(ctx: Context, task_id: str) -> TaskView:
    """Return one task.

    Raises:
        NotFound: There is no such task for this actor.
    """
    line = store.task_line(ctx.database, task_id)
    if line is None:
        raise NotFound("task", task_id)
    if line.holder != ctx.actor.id:
        run = store.load(ctx.database, line.approval_id)
        if run is None or not takes_part(ctx.database, ctx, run):
            raise NotFound("task", task_id)
    return _task_view(ctx, line)


def _task_view(ctx: Context, line: TaskLine) -> TaskView:
    workspace = application_of(ctx, line.revision).workspace
    flow = workspace.approvals.get(line.flow)
    step = _step(flow, line.step)
    names = {ctx.actor.id: Label.of(ctx.actor.name), line.starter: line.starter_name}
    reasons = tuple(explain(note, names, workspace, flow) for note in line.why)
    mine = line.state in ACTIVE and line.holder == ctx.actor.id
    basic = {"return", "transfer"}
    return TaskView(
        line=line,
        flow_label=flow.label if flow else Label({}, line.flow),
        entity_label=_entity_label(workspace, line.entity),
        step_label=step.label if step else Label({}, line.step),
        reasons=reasons,
        overdue=line.state in ACTIVE and line.due_at is not None and line.due_at < ctx.stamp,
        editable=step.editable if step and mine else (),
        summary=flow.summary if flow else (),
        reason_required=step.reason_required if step else True,
        confirm=step.confirm if step else False,
        offers=frozenset(basic & flow.allow if flow.allow else basic) if flow and mine else frozenset(),
    )


def _run_view(ctx: Context, line: RunLine) -> RunView:
    flow = application_of(ctx, line.revision).workspace.approvals.get(line.flow)
    step = _step(flow, line.step) if line.step else None
    return RunView(line, flow.label if flow else Label({}, line.flow), step.label if step else None)


def _entity_label(workspace: Workspace, entity: str) -> Label:
    found = workspace.entities.get(entity)
    return found.label if found else Label({}, entity)


def _step(flow: Approval | None, name: str) -> ApprovalStep | None:
    return next((step for step in flow.steps if step.name == name), None) if flow else None


# ---------------------------------------------------------------- paths


def approval(ctx: Context, approval_id: str) -> PathView:
    """Return the path of a run: who decided what, who is asked and since when, who comes next.

    Raises:
        NotFound: There is no such approval for this actor.
    """
    run = store.load(ctx.database, approval_id)
    if run is None or not takes_part(ctx.database, ctx, run):
        raise NotFound("approval", approval_id)
    return _path(ctx, run)


def approval_path(ctx: Context, entity: str, id: str, *, flow: str | None = None) -> PathView | None:
    """Return the path of the run under way for a record, else the path that it would take if submitted now.

    Returns:
        None where the entity has no flow.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    try:
        loaded = records.load(ctx.database, ctx, entity, id, ())
    except NotFound:
        if not store.reads_through_task(ctx.database, ctx.actor.id, entity, id, since=iso_utc(ctx.now)):
            raise
        loaded = records.load(ctx.database, ctx.as_system(), entity, id, ())
    flows = [one for one in loaded.entity.approvals if flow is None or one.name == flow]
    for run in store.of_record(ctx.database, entity, id, limit=20):
        if run.is_live and (flow is None or run.flow == flow):
            found = store.load(ctx.database, run.id)
            if found is not None:
                return _path(ctx, found)
    if not flows:
        return None
    values = {**loaded.record, **loaded.lines}
    for one in flows:
        facts = facts_about(ctx.database, ctx, one, loaded.entity, values)
        if len(flows) == 1 or _needed(facts):
            break
    return _preview(ctx, facts)


def runs_of(ctx: Context, entity: str, id: str) -> list[Run]:
    """Return the runs of a record that the actor may see, newest first, without tasks.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    records.load(ctx.database, ctx, entity, id, ())
    return store.of_record(ctx.database, entity, id)


def stuck(ctx: Context, *, before: str | None = None, limit: int = 50) -> list[Run]:
    """Return the runs that wait for an administrator; nothing for those who do not look after approvals."""
    return store.suspended(ctx.database, before=before, limit=limit) if is_trusted(ctx) else []


def _needed(facts: Facts) -> bool:
    when = facts.flow.when
    if when is None:
        return True
    try:
        return when.evaluate(facts.subject.values, facts.subject.env) is not False
    except Invalid:
        return True


def _preview(ctx: Context, facts: Facts) -> PathView:
    flow, subject = facts.flow, facts.subject
    needed = _needed(facts)
    entries = foresee(facts, ctx.actor.id) if needed else ()
    names = _names(
        ctx, (seat.holder for entry in entries if entry.found for seat in entry.found.seats), ctx.actor.id
    )
    usual = usual_times(ctx, flow.name)
    steps = tuple(_foreseen(ctx, flow, entry, names, usual) for entry in entries)
    return PathView(
        approval=None, flow=flow.name, flow_label=flow.label, entity=subject.entity, record=subject.id,
        title=subject.title, state="none", needed=needed, round=0, starter=ctx.actor.id,
        starter_name=names[ctx.actor.id], started_at=None, ended_at=None, reason=None, steps=steps, events=(),
        may=frozenset({"submit"}) if _may_submit(ctx, subject.entity, subject.id) else frozenset(),
    )  # fmt: skip


def _may_submit(ctx: Context, entity: str, id: str) -> bool:
    try:
        records.require(ctx, "update", entity, id)
    except (NotFound, Refused):
        return False
    return True


def _path(ctx: Context, run: Run) -> PathView:
    flow = flow_of(ctx, run)
    kept = store.events(ctx.database, run.id)
    entries: Sequence[Foreseen] = ()
    title = run.title or run.record_id
    if run.is_live:
        entries = foresee(facts_of(ctx.database, ctx, run), run.starter)
    users = {
        run.starter,
        *(t.holder for t in run.tasks),
        *(t.original for t in run.tasks),
        *(t.actor for t in run.tasks),
    }
    users |= {seat.holder for entry in entries if entry.found for seat in entry.found.seats}
    names = _names(ctx, users, ctx.actor.id)
    usual = usual_times(ctx, flow.name)
    events = tuple(
        EventView(
            one.event.kind, one.event.at, one.event.actor, one.actor_name or _name(names, one.event.actor),
            one.event.on_behalf_of, one.event.step, one.event.round, one.event.note, one.event.to_state,
        )
        for one in kept
    )  # fmt: skip
    passed = {e.event.step for e in kept if e.event.kind == "step_passed" and e.event.round == run.round}
    mine = next((t for t in run.tasks if t.holder == ctx.actor.id and t.state in ACTIVE), None)
    return PathView(
        approval=run.id, flow=flow.name, flow_label=flow.label, entity=run.entity, record=run.record_id, title=title,
        state=run.state, needed=True, round=run.round, starter=run.starter, starter_name=names[run.starter],
        started_at=run.started_at, ended_at=run.ended_at, reason=_reason(run, events),
        steps=tuple(_steps(ctx, run, flow, entries, passed, names, usual)), events=events, may=_may(ctx, run, flow),
        my_task=(mine.id, mine.version) if mine else None,
    )  # fmt: skip


def _steps(
    ctx: Context,
    run: Run,
    flow: Approval,
    entries: Sequence[Foreseen],
    passed: set[str | None],
    names: Mapping[str, Label],
    usual: Mapping[str, float],
) -> Iterable[StepView]:
    """Yield each step: as it was decided, as it stands, or as it will be."""
    ahead = {entry.step.name: entry for entry in entries}
    workspace = application_of(ctx, run.revision).workspace
    for step in flow.steps:
        seats = run.seats(step.name)
        if seats:
            waits = run.state == "running" and any(t.state in UNDECIDED for t in seats)
            yield StepView(
                step.name, step.label, "now" if waits else "done", step.mode, run.round,
                tuple(_seat_view(t, names, workspace, flow) for t in seats), (), usual.get(step.name), False,
            )  # fmt: skip
        elif step.name in passed:
            yield StepView(
                step.name, step.label, "passed", step.mode, run.round, (), (), usual.get(step.name), False
            )
        elif step.name in ahead:
            yield _foreseen(ctx, flow, ahead[step.name], names, usual)


def _foreseen(
    ctx: Context, flow: Approval, entry: Foreseen, names: Mapping[str, Label], usual: Mapping[str, float]
) -> StepView:
    step, found = entry.step, entry.found
    workspace = ctx.app.workspace
    seats: tuple[SeatView, ...] = ()
    notes: list[Label] = []
    if found is not None:
        seats = tuple(_foreseen_seat(seat, names, workspace, flow) for seat in found.seats)
        notes = [explain(note, names, workspace, flow) for note in found.notes]
        if found.problem is not None:
            notes.append(_PROBLEMS[found.problem].format(detail=found.detail))
    state: StepState = "to_come" if entry.applies else "passed" if entry.applies is False else "open"
    return StepView(
        step.name,
        step.label,
        state,
        step.mode,
        None,
        seats,
        tuple(notes),
        usual.get(step.name),
        entry.may_change,
    )


def _foreseen_seat(seat: Seat, names: Mapping[str, Label], workspace: Workspace, flow: Approval) -> SeatView:
    reasons = tuple(explain(note, names, workspace, flow) for note in seat.why)
    state = "skipped" if seat.skipped else "foreseen"
    return SeatView(seat.holder, _named(names, seat.holder), state, reasons, original=seat.original)


def _seat_view(task: Task, names: Mapping[str, Label], workspace: Workspace, flow: Approval) -> SeatView:
    holder = task.holder or task.original
    return SeatView(
        user=holder, name=_named(names, holder), state=task.state,
        reasons=tuple(explain(note, names, workspace, flow) for note in task.why), original=task.original,
        task=task.id, since=task.opened_at, due_at=task.due_at, decided_at=task.decided_at, by=task.actor,
        by_name=_name(names, task.actor), on_behalf_of=task.on_behalf_of, comment=task.comment, changes=task.changes,
    )  # fmt: skip


def _may(ctx: Context, run: Run, flow: Approval) -> frozenset[str]:
    """Return what the page offers; the acts themselves check again."""
    found = {"comment"}
    trusted = is_trusted(ctx)
    if not run.is_live:
        return frozenset(found)
    if run.starter == ctx.actor.id:
        offered = flow.allow or frozenset({"withdraw", "urge"})
        decided = any(
            t.round == run.round and t.state in ("approved", "rejected", "abstained") for t in run.tasks
        )
        early = flow.withdraw == "until_final" or not decided or run.state != "running"
        if "withdraw" in offered and flow.withdraw != "never" and early:
            found.add("withdraw")
        if "urge" in offered and run.state == "running":
            found.add("urge")
    if run.state == "returned" and (run.starter == ctx.actor.id or trusted):
        found.add("resubmit")
    if trusted:
        found |= {"withdraw", "terminate"}
        if run.state == "running":
            found |= {"urge", "reassign"}
        if run.state == "suspended":
            found.add("resume")
    return frozenset(found)


def _reason(run: Run, events: Sequence[EventView]) -> Label | None:
    """Return why a run is suspended: the sentence of its last suspension, which names rule and field."""
    if run.state != "suspended" or run.reason is None:
        return None
    last = next((event for event in reversed(events) if event.kind == "suspended"), None)
    if last is not None and isinstance(last.note, Label):
        return last.note
    return REASONS.get(run.reason.partition(":")[0])


def _names(ctx: Context, users: Iterable[str | None], *more: str) -> dict[str, Label]:
    wanted = {user for user in (*users, *more) if user}
    return {
        SYSTEM.id: Label.of(SYSTEM.name),
        **{u: Label.of(u) for u in wanted},
        **people.names(ctx.database, wanted),
    }


def _name(names: Mapping[str, Label], user: str | None) -> Label | None:
    return names.get(user) if user else None


def _named(names: Mapping[str, Label], user: str) -> Label:
    return names.get(user) or Label.of(user)


def usual_times(ctx: Context, flow: str) -> Mapping[str, float]:
    """Return how many seconds each step of a flow has usually taken in the last thirty days."""
    kept: dict[str, Any] = ctx.app.memo(("usual times", flow), dict)
    counted = kept.get("at")
    if counted is None or abs((ctx.now - counted).total_seconds()) > FRESH_S:
        since = iso_utc(ctx.now - LATELY)
        times = store.step_times(ctx.database, flow, since=since)
        kept["times"] = {step: median(found) for step, found in times.items()}
        kept["at"] = ctx.now
    times_by_step: Mapping[str, float] = kept["times"]
    return times_by_step


# ---------------------------------------------------------------- why


_PROBLEMS = {
    "nobody_found": say("nobody is found who could approve", "未找到可审批的人"),
    "org_cycle": say("the organisation goes in a circle: {detail}", "组织架构存在循环：{detail}"),
}

_WHY = {
    "source.user": say("named in the flow", "流程指定"),
    "source.role": say("has the role {role}", "具有角色“{role}”"),
    "source.team_role": say("has the role {role} in the team", "团队中具有角色“{role}”"),
    "source.team_head": say("heads the team of {who}", "{who} 的团队负责人"),
    "source.manager_of": say("manager of {who}, level {value}", "{who} 的第 {value} 级上级"),
    "source.field": say("named in the field {field}", "由字段“{field}”指定"),
    "source.starter": say("submitted it", "提交人"),
    "vacant": say("level {value} is vacant", "第 {value} 级上级空缺"),
    "top": say("there is no level {value}; the highest is asked", "没有第 {value} 级上级，由最高一级审批"),
    "missing": say("{value} leads to nobody", "“{value}”没有对应人员"),
    "left": say("{who} has left and nobody stands in", "{who} 已离职且无人接替"),
    "left.replaced": say("stands in for {who}", "接替 {who}"),
    "self.to_manager": say("instead of {who}, who submitted it", "{who} 是提交人，由上级代为审批"),
    "self.no_manager": say("{who} submitted it and has no manager", "{who} 是提交人且没有上级"),
    "self.manager_asked": say("{who} is asked already", "{who} 已在审批人中"),
    "skipped.self": say("skipped: {who} submitted it", "跳过：{who} 是提交人"),
    "skipped.duplicate": say("skipped: approved in step {step}", "跳过：已在“{step}”步骤同意"),
    "nobody.to_admin": say("nobody else was found", "未找到其他审批人"),
    "transferred": say("handed over by {who}", "由 {who} 转交"),
    "closed.approved": say("others approved first", "他人已同意"),
    "closed.rejected": say("others rejected first", "他人已拒绝"),
    "closed.returned": say("it was sent back", "已被退回"),
    "closed.withdrawn": say("it was withdrawn", "已被撤回"),
    "closed.cancelled": say("it was ended", "已被终止"),
    "closed.restarted": say("the record changed and it started again", "记录已修改，流程重新开始"),
    "closed.resumed": say("it was resumed", "已恢复"),
}


def explain(note: Note, names: Mapping[str, Label], workspace: Workspace, flow: Approval | None) -> Label:
    """Return the sentence of a note, with names as people know them."""
    sentence = _WHY.get(note.code)
    if sentence is None:
        return Label.of(note.code)
    role = workspace.roles.get(note.value)
    entity = workspace.entities.get(flow.entity) if flow else None
    field = entity.fields.get(note.value) if entity else None
    step = _step(flow, note.value)
    return sentence.format(
        value=note.value, who=_named(names, note.who) if note.who else "",
        role=role.label if role else note.value, field=field.label if field else note.value,
        step=step.label if step else note.value,
    )  # fmt: skip
