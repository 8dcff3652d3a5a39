"""One act of an approval as it unfolds: the facts it may know, the changes it makes, and how a run goes on.

An act changes tasks; `Act.settle` then asks whether the step is decided, and `Act.walk` enters the next steps
until one of them waits for somebody or the record is approved. Nothing here reads a database or a clock.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Literal, TypeVar

from fairlead.base.calendar import WorkCalendar, default_calendar
from fairlead.base.clock import iso_utc
from fairlead.base.errors import Invalid
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.runs import ACTIVE, UNDECIDED, VERDICTS, Note, Run, RunEvent, RunState, Task, TaskState
from fairlead.decide.approvers import Earlier, Org, Resolution, resolve
from fairlead.decide.votes import Tally, decide
from fairlead.expr.evaluate import Env
from fairlead.model.durations import Duration
from fairlead.model.steps import Step
from fairlead.model.workflows import Approval, ApprovalStep

MAX_ROUNDS = 10
MAX_ACTIVATIONS = 200

T = TypeVar("T")
Outcome = Literal["approved", "rejected", "withdrawn", "returned"]


# ---------------------------------------------------------------- facts


@dataclass(frozen=True, slots=True)
class Subject:
    """The record that the flow is about, as it stands now."""

    entity: str
    id: str
    version: int
    title: str
    values: Mapping[str, object]
    env: Env


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may know.

    Attributes:
        actor: Who acts; the engine has a name of its own.
        trusted: The engine itself, or somebody who looks after approvals: may act for the starter.
        failure: What went wrong when the effects of this very decision were tried; it then suspends the run.
        urged: For each task, when its holder was reminded by hand.
    """

    flow: Approval
    subject: Subject
    org: Org
    now: datetime
    actor: str
    channel: str = "ui"
    on_behalf_of: str | None = None
    trusted: bool = False
    failure: Label | None = None
    urged: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    calendar: WorkCalendar = field(default_factory=default_calendar)
    new_key: Callable[[], str] = new_id

    def name(self, user_id: str | None) -> str:
        """Return how a person is called."""
        person = self.org.person(user_id) if user_id else None
        return person.name if person else (user_id or "")


# ---------------------------------------------------------------- results


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A new task, open, waiting or born skipped."""

    task: Task


@dataclass(frozen=True, slots=True)
class ChangeTask:
    """A task as it was and as it is now; `before.version` is the one it replaces."""

    before: Task
    after: Task


@dataclass(frozen=True, slots=True)
class ChangeRun:
    """The run itself, without its tasks. `before` is None for a new one."""

    before: Run | None
    after: Run


@dataclass(frozen=True, slots=True)
class RunSteps:
    """Local effects of the outcome. When they fail, the decision is taken again with `Facts.failure`."""

    outcome: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class MarkRecord:
    """What the record shows of its approval, and the kind of the event in its history."""

    state: str
    kind: str


@dataclass(frozen=True, slots=True)
class LockRecord:
    """Hold the record for this run, or let it go."""

    held: bool


@dataclass(frozen=True, slots=True)
class Tell:
    """A line in somebody's inbox."""

    user: str
    kind: str
    text: Label
    task_id: str | None = None


Change = OpenTask | ChangeTask | ChangeRun | RunEvent | RunSteps | MarkRecord | LockRecord | Tell


@dataclass(frozen=True, slots=True)
class Decision:
    """What happens, in order, and the run after it."""

    run: Run
    changes: tuple[Change, ...]

    def of(self, kind: type[T]) -> tuple[T, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if isinstance(change, kind))


@dataclass(frozen=True, slots=True)
class Replay:
    """The same person repeats the act that he has already done on this task: the answer is the same."""

    task: Task


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """The flow says that nobody has to approve this record. `ends` closes a run that was sent back before."""

    steps: tuple[Step, ...]
    ends: Decision | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not.

    Attributes:
        kind: A race or a rule; no right at all; values that are missing or wrong; too early.
        current: What stands now.
        retry_at: For `too_soon`: when it will be possible.
        audit: Whether the attempt itself belongs into the history.
    """

    code: str
    message: Label
    kind: Literal["conflict", "forbidden", "invalid", "too_soon"] = "conflict"
    field: str = ""
    current: Mapping[str, object] | None = None
    retry_at: datetime | None = None
    audit: bool = False


def say(en: str, zh: str, **values: object) -> Label:
    """Return a sentence in both languages with its `{placeholders}` filled."""
    label = Label({"en": en, "zh": zh})
    return label.format(**values) if values else label


# ---------------------------------------------------------------- what the flow looks at


def decisive_fields(flow: Approval) -> tuple[str, ...]:
    """Return the fields whose change makes an approval another one.

    Those that the flow names; else all that its conditions and approver sources read, and its summary.
    """
    if flow.decisive:
        return flow.decisive
    found = {
        path[0] for when in (flow.when, *(s.when for s in flow.steps)) if when for path in when.uses if path
    }
    found |= {by.value for step in flow.steps for by in step.by if by.source == "field" and by.value}
    found |= set(flow.summary)
    return tuple(sorted(found))


def decisive_hash(flow: Approval, values: Mapping[str, object]) -> str:
    """Return one text for all decisive values together."""
    content = {name: values.get(name) for name in decisive_fields(flow)}
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def seen_fields(flow: Approval, values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that approvers decide on, to be kept as they were at submission."""
    names = dict.fromkeys(
        (*flow.summary, *decisive_fields(flow), *(f for s in flow.steps for f in s.editable))
    )
    return {name: json.loads(canonical(values.get(name))) for name in names}


def canonical(value: object) -> str:
    """Return JSON that is the same whenever the values are."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, (tuple, set, frozenset)):
        return sorted(value) if isinstance(value, (set, frozenset)) else list(value)
    return str(value)


def locked_fields(flow: Approval) -> frozenset[str] | None:
    """Return what nobody may change while the flow runs; None means the whole record.

    With `lock: none` the decisive fields stay closed all the same: an approval must never be
    carried over to values that nobody approved.
    """
    return None if flow.lock == "all" else frozenset(decisive_fields(flow))


def due_at(after: Duration, start: datetime, calendar: WorkCalendar) -> datetime:
    """Return when a time limit that begins at `start` is over."""
    if after.unit == "business_days":
        return calendar.add_business_days_to(start, after.count)
    if after.unit == "business_hours":
        return calendar.add_business_time(start, timedelta(hours=after.count))
    return start + timedelta(**{after.unit: after.count})


# ---------------------------------------------------------------- one act


class Act:
    """Collects the changes of one act; `run` is always what stands after them."""

    def __init__(self, facts: Facts, run: Run, *, new: bool = False) -> None:
        self.facts = facts
        self.before = None if new else run
        self.run = run
        self.changes: list[Change] = []

    def done(self) -> Decision:
        """Return everything, the run's own row first: the others lean on it."""
        if self.before is None:
            first: list[Change] = [ChangeRun(None, self.run)]
        else:
            self.run = replace(self.run, version=self.before.version + 1)
            first = [ChangeRun(self.before, self.run)]
        return Decision(self.run, (*first, *self.changes))

    def put(self, **new: object) -> None:
        self.run = replace(self.run, **new)  # type: ignore[arg-type]

    def event(
        self,
        kind: str,
        *,
        to: RunState | None = None,
        step: str | None = None,
        task: Task | None = None,
        note: Label | str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> None:
        facts = self.facts
        before = None if self.before is None and kind == "submitted" else self.run.state
        if to is not None:
            self.put(state=to)
        self.changes.append(
            RunEvent(
                kind, facts.now, facts.actor, facts.on_behalf_of, before, to, step or (task.step if task else None),
                self.run.round, task.id if task else None, note, data or {},
            )
        )  # fmt: skip

    def open(self, task: Task) -> None:
        self.put(tasks=(*self.run.tasks, task))
        self.changes.append(OpenTask(task))

    def change(self, task: Task, **new: object) -> Task:
        after = replace(task, **{"version": task.version + 1, **new})  # type: ignore[arg-type]
        self.put(tasks=tuple(after if known.id == task.id else known for known in self.run.tasks))
        self.changes.append(ChangeTask(task, after))
        return after

    def close(self, tasks: Sequence[Task], state: TaskState, outcome: str) -> None:
        """End what is still undecided among `tasks`: somebody else was first."""
        for task in tasks:
            if task.state in UNDECIDED:
                self.change(
                    task, state=state, decided_at=self.facts.now, actor=self.facts.actor,
                    on_behalf_of=self.facts.on_behalf_of, why=(*task.why, Note(f"closed.{outcome}")),
                )  # fmt: skip

    def tell(self, user: str | None, kind: str, text: Label, task: Task | None = None) -> None:
        if user and user != self.facts.actor:
            self.changes.append(Tell(user, kind, text, task.id if task else None))

    def tell_holders(self, tasks: Sequence[Task], en: str, zh: str) -> None:
        """Tell those whose task is no longer needed, once each."""
        facts = self.facts
        text = say(en, zh, who=facts.name(facts.actor), title=self.title, flow=facts.flow.label)
        for user in dict.fromkeys(task.holder for task in tasks if task.state in ACTIVE):
            self.tell(user, "approval.closed", text)

    @property
    def title(self) -> str:
        return self.run.title or self.facts.subject.title

    def tell_new(self, task: Task) -> None:
        facts = self.facts
        text = say(
            "{who} asks for your approval: {title} ({flow})", "{who} 请您审批：{title}（{flow}）",
            who=facts.name(self.run.starter), title=self.title, flow=facts.flow.label,
        )  # fmt: skip
        self.tell(task.holder, "approval.task", text, task)

    # ------------------------------------------------------------ going on

    def walk(self, index: int) -> None:
        """Enter the step at `index`, or the first after it that applies; at the end, the record is approved."""
        steps = self.facts.flow.steps
        while index < len(steps):
            if self.enter(steps[index]):
                return
            index += 1
        self.end_of_path()

    def enter(self, step: ApprovalStep) -> bool:
        """Begin a step; False when it is passed over or decided by what is known already."""
        applies = self.applies(step)
        if applies is not None:
            return applies
        if len({(task.step, task.round) for task in self.run.tasks}) >= MAX_ACTIVATIONS:
            return self.suspend("max_activations", step)
        found = resolve(
            self.facts.flow, step, org=self.facts.org, starter=self.run.starter,
            values=self.facts.subject.values, earlier=earlier_approvals(self.run, self.run.decisive_hash),
        )  # fmt: skip
        if found.problem is not None:
            return self.nobody(step, found)
        if _too_few(step, found):
            # Nobody has said no, so this is not a rejection: the quorum has more seats than there are people.
            return self.suspend("nobody_found", step, data={"notes": note_rows(found.notes)})
        self.put(step=step.name)
        self.event("step_started", step=step.name, data={"notes": note_rows(found.notes)})
        self.seat(step, found)
        return self.settle(step, born=True)

    def applies(self, step: ApprovalStep) -> bool | None:
        """Return None when the step is to be entered; else what `enter` has to answer."""
        if step.when is None:
            return None
        subject = self.facts.subject
        try:
            answer = step.when.evaluate(subject.values, subject.env)
        except Invalid as failure:
            return self.suspend("expression_error", step, note=failure.label)
        if answer is True:
            return None
        if answer is None:
            empty = ", ".join(step.when.empty_reads(subject.values, subject.env)) or step.when.text
            note = say("unknown: {fields} is empty", "无法判断：{fields} 为空", fields=empty)
            self.event("step_passed", step=step.name, note=note, data={"reason": "unknown"})
        else:
            self.event("step_passed", step=step.name, data={"reason": "condition"})
        return False

    def seat(self, step: ApprovalStep, found: Resolution) -> None:
        """Make the tasks of a new activation. In order, only the first may act."""
        facts = self.facts
        due = due_at(step.timeout.after, facts.now, facts.calendar) if step.timeout else None
        taken = False
        for position, seat in enumerate(found.seats):
            skipped = seat.skipped is not None
            waits = step.mode == "in_order" and taken and not skipped
            taken = taken or not skipped
            task = Task(
                id=facts.new_key(), approval_id=self.run.id, step=step.name, round=self.run.round, position=position,
                weight=1, original=seat.original, holder=seat.holder,
                state="skipped" if skipped else "waiting" if waits else "open", version=1,
                opened_at=None if waits else facts.now, decided_at=facts.now if skipped else None,
                due_at=None if waits or skipped else due, why=seat.why,
            )  # fmt: skip
            self.open(task)
            if skipped:
                self.event("skipped", task=task, data={"reason": seat.skipped})
            elif not waits:
                self.tell_new(task)

    def nobody(self, step: ApprovalStep, found: Resolution) -> bool:
        rule = self.facts.flow.nobody
        if found.problem == "org_cycle":
            note = say(
                "The organisation goes in a circle: {detail}",
                "组织架构存在循环：{detail}",
                detail=found.detail,
            )
            return self.suspend("org_cycle", step, note=note)
        if rule == "skip":
            self.event("step_passed", step=step.name, data={"reason": "nobody", "unattended": True})
            return False
        if rule == "reject":
            self.event("step_rejected", step=step.name, data={"reason": "nobody"})
            self.finish("rejected")
            return True
        return self.suspend("nobody_found", step, data={"notes": note_rows(found.notes)})

    def settle(self, step: ApprovalStep, *, born: bool = False) -> bool:
        """Look whether the step is decided. True when it waits or has ended the run; a step decided goes on."""
        seats = self.run.seats(step.name)
        if all(task.state == "skipped" for task in seats):
            self.event("step_approved", step=step.name, data={"reason": "skipped"})
            return self.leave(step, born)
        outcome = decide(
            step.mode,
            step.on_reject,
            tally(seats),
            at_least=step.at_least,
            at_least_count=step.at_least_count,
        )
        if outcome == "undecided":
            self.next_in_order(step, seats)
            return True
        if outcome == "no_decision":
            return self.suspend("no_decision", step)
        if outcome == "approved":
            self.tell_holders(seats, "{who} approved {title} ({flow})", "{who} 已同意：{title}（{flow}）")
        else:
            self.tell_holders(seats, "{who} rejected {title} ({flow})", "{who} 已拒绝：{title}（{flow}）")
        self.close(seats, "closed", outcome)
        self.event(f"step_{outcome}", step=step.name, data=_counts(tally(self.run.seats(step.name))))
        if outcome == "rejected":
            self.finish("rejected")
            return True
        return self.leave(step, born)

    def leave(self, step: ApprovalStep, born: bool) -> bool:
        if born:
            return False  # `walk` is on its way and takes the next one
        self.walk(index_of(self.facts.flow, step.name) + 1)
        return True

    def next_in_order(self, step: ApprovalStep, seats: Sequence[Task]) -> None:
        if step.mode != "in_order" or any(task.state in ACTIVE for task in seats):
            return
        following = next((task for task in seats if task.state == "waiting"), None)
        if following is not None:
            facts = self.facts
            due = due_at(step.timeout.after, facts.now, facts.calendar) if step.timeout else None
            self.tell_new(self.change(following, state="open", opened_at=facts.now, due_at=due))

    def end_of_path(self) -> None:
        asked = any(task.state in VERDICTS and task.round == self.run.round for task in self.run.tasks)
        unknown = any(
            change.kind == "step_passed" and change.data.get("reason") == "unknown"
            for change in self.changes
            if isinstance(change, RunEvent)
        )
        if not asked and unknown and self.facts.flow.nobody != "skip":
            # Empty fields closed every condition: that is no reason to let the record through unseen.
            self.suspend("nobody_found", None)
            return
        self.finish("approved", unattended=not asked)

    # ------------------------------------------------------------ ending

    def finish(self, outcome: Outcome, *, note: Label | str | None = None, unattended: bool = False) -> None:
        """Reach a final state with its effects; when those cannot be, the run waits for somebody to help."""
        facts = self.facts
        if facts.failure is not None:
            self.suspend(f"effect_failed:{outcome}", None, note=facts.failure)
            return
        self.event(outcome, to=outcome, note=note, data={"unattended": True} if unattended else None)
        self.put(reason=None)
        if outcome != "returned":
            self.put(ended_at=facts.now)
        kind = {"approved": "approve", "rejected": "reject", "withdrawn": "withdraw", "returned": "return"}[
            outcome
        ]
        self.changes.append(LockRecord(held=False))
        self.changes.append(MarkRecord(outcome, kind))
        steps = {
            "approved": facts.flow.on_approved, "rejected": facts.flow.on_rejected,
            "withdrawn": facts.flow.on_withdrawn, "returned": facts.flow.on_returned,
        }[outcome]  # fmt: skip
        if steps:
            self.changes.append(RunSteps(outcome, steps))
        en, zh = _OUTCOME_NEWS[outcome]
        text = say(en, zh, who=facts.name(facts.actor), title=self.title, flow=facts.flow.label)
        self.tell(self.run.starter, f"approval.{outcome}", text)

    def suspend(
        self,
        reason: str,
        step: ApprovalStep | None,
        *,
        note: Label | str | None = None,
        data: Mapping[str, object] | None = None,
    ) -> bool:
        """Stop where it is until somebody mends what is wrong. Always True: the walk ends here."""
        if step is not None:
            self.put(step=step.name)
        code = reason.partition(":")[0]
        self.event(
            "suspended",
            to="suspended",
            step=self.run.step,
            note=note or REASONS[code],
            data={"reason": reason, **(data or {})},
        )
        self.put(reason=reason)
        text = say(
            "{title} ({flow}) cannot go on: {why}", "{title}（{flow}）无法继续：{why}",
            title=self.title, flow=self.facts.flow.label,
            why=note if note is not None and code in ("effect_failed", "org_cycle") else REASONS[code],
        )  # fmt: skip
        for user in dict.fromkeys((self.run.starter, *(person.id for person in self.facts.org.admins()))):
            self.tell(user, "approval.suspended", text)
        return True


REASONS: Mapping[str, Label] = {
    "nobody_found": say(
        "nobody was found who could approve. Name somebody, then resume.",
        "未找到可审批的人，请指定审批人后继续。",
    ),
    "org_cycle": say(
        "the organisation goes in a circle. Correct the managers, then resume.",
        "组织架构存在循环，请更正上级后继续。",
    ),
    "expression_error": say(
        "a condition could not be calculated. Correct the record or the flow, then resume.",
        "条件计算出错，请更正记录或流程后继续。",
    ),
    "no_decision": say(
        "everybody abstained. Resume to ask again, or withdraw.", "所有人都弃权，请重新发起该步骤或撤回。"
    ),
    "effect_failed": say(
        "the decision stands, but what should follow broke a rule. Mend the record, then resume.",
        "审批结果有效，但后续操作违反了规则，请修正记录后继续。",
    ),
    "max_rounds": say(
        "it went around too often. Withdraw and begin again.", "往返次数过多，请撤回后重新发起。"
    ),
    "max_activations": say(
        "it took too many steps. Withdraw and begin again.", "步骤次数过多，请撤回后重新发起。"
    ),
    "by_admin": say("an administrator stopped it.", "管理员已暂停。"),
}

_OUTCOME_NEWS = {
    "approved": ("{title} was approved ({flow})", "{title} 已通过审批（{flow}）"),
    "rejected": ("{who} rejected {title} ({flow})", "{who} 拒绝了 {title}（{flow}）"),
    "returned": ("{who} sent {title} back to you ({flow})", "{who} 将 {title} 退回给您（{flow}）"),
    "withdrawn": ("{who} withdrew {title} ({flow})", "{who} 撤回了 {title}（{flow}）"),
}


def tally(seats: Sequence[Task]) -> Tally:
    """Add up the votes of one activation.

    A skipped duplicate counts as the approval that it repeats. A skipped starter does not vote at all:
    counted, he would decide an any-sign step for himself.
    """
    weights = {"A": 0, "R": 0, "B": 0, "O": 0}
    for task in seats:
        repeated = task.state == "skipped" and any(note.code == "skipped.duplicate" for note in task.why)
        if task.state == "approved" or repeated:
            weights["A"] += task.weight
        elif task.state == "rejected":
            weights["R"] += task.weight
        elif task.state == "abstained":
            weights["B"] += task.weight
        elif task.state in UNDECIDED:
            weights["O"] += task.weight
    return Tally(weights["A"], weights["R"], weights["B"], weights["O"])


def _too_few(step: ApprovalStep, found: Resolution) -> bool:
    """Say whether a step could not be approved even if everybody agreed."""
    alone = all(seat.skipped for seat in found.seats)
    voters = sum(1 for seat in found.seats if seat.skipped != "self")
    if alone or step.mode != "quorum":
        return False
    votes = Tally(approved=voters)
    return (
        decide("quorum", step.on_reject, votes, at_least=step.at_least, at_least_count=step.at_least_count)
        != "approved"
    )


def earlier_approvals(run: Run, current_hash: str | None) -> tuple[Earlier, ...]:
    """Return who approved in this round for himself, seeing the decisive values as they are now."""
    decided = [task for task in run.tasks if task.round == run.round and task.state in VERDICTS]
    last = max(decided, key=lambda task: task.id).step if decided else None
    return tuple(
        Earlier(task.step, task.holder, task.step == last)
        for task in decided
        if task.state == "approved"
        and task.holder
        and task.on_behalf_of is None
        and task.seen == current_hash
    )


def step_of(flow: Approval, name: str) -> ApprovalStep:
    """Return a step by name; KeyError when there is none."""
    return flow.steps[index_of(flow, name)]


def index_of(flow: Approval, name: str) -> int:
    """Return the place of a step in its flow; KeyError when there is none."""
    for index, step in enumerate(flow.steps):
        if step.name == name:
            return index
    raise KeyError(name)


def _counts(votes: Tally) -> dict[str, object]:
    return {"approved": votes.approved, "rejected": votes.rejected, "abstained": votes.abstained}


def note_rows(notes: Sequence[Note]) -> list[list[str | None]]:
    """Return notes as they stand in an event."""
    return [[note.code, note.value, note.who] for note in notes]
