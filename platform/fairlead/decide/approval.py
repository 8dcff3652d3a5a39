"""Every act of an approval, decided from the facts: what changes, or why not.

Each function takes the facts and the run as it stands under its lock, and returns a `Decision`, a `Refusal`, or a
`Replay` where the same person repeats what he has already done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, cast

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Invalid
from fairlead.compiled.runs import ACTIVE, UNDECIDED, VERDICTS, Note, Run, RunEvent, RunState, Task, TaskState
from fairlead.decide.approvers import Earlier, Resolution, resolve
from fairlead.decide.progress import (
    MAX_ROUNDS,
    Act,
    Decision,
    Facts,
    LockRecord,
    MarkRecord,
    NotNeeded,
    Outcome,
    Refusal,
    Replay,
    decisive_fields,
    decisive_hash,
    index_of,
    say,
    seen_fields,
    step_of,
)
from fairlead.model.workflows import ApprovalStep

URGE_COOL_DOWN = timedelta(hours=4)
URGES_PER_DAY = 3

Verdict = Literal["approved", "rejected"]


# ---------------------------------------------------------------- the starter


def may_submit(facts: Facts, live: Run | None) -> NotNeeded | Refusal | None:
    """Say whether the record may be submitted now, before anything is written; None means go ahead."""
    if live is not None and live.state != "returned":
        return Refusal(
            "live_instance",
            say("An approval of this record is already under way.", "该记录已有正在进行的审批。"),
            current={"approval": live.id, "state": live.state},
        )
    if live is not None and facts.actor != live.starter and not facts.trusted:
        who = facts.name(live.starter)
        return Refusal(
            "not_starter",
            say("Only {who} can submit it again.", "只有 {who} 可以重新提交。", who=who),
            kind="forbidden",
        )
    flow, subject = facts.flow, facts.subject
    if flow.when is not None:
        try:
            needed = flow.when.evaluate(subject.values, subject.env)
        except Invalid:
            needed = None
        if needed is False:
            return NotNeeded(flow.not_needed)
    return None


def submit(
    facts: Facts, *, live: Run | None, previous: str | None, revision: int | None, comment: str | None
) -> Decision | Refusal | NotNeeded:
    """Begin a run, or the next round of one that was returned."""
    answer = may_submit(facts, live)
    if isinstance(answer, NotNeeded) and live is not None:
        return replace(answer, ends=_no_longer_needed(facts, live))
    if answer is not None:
        return answer
    subject, flow = facts.subject, facts.flow
    hashed = decisive_hash(flow, subject.values)
    seen = seen_fields(flow, subject.values)
    if live is not None:
        act = Act(facts, live)
        act.event("resubmitted", to="running", note=comment, data={"decisive": hashed})
        act.put(decisive_hash=hashed, record_version=subject.version, snapshot=seen, title=subject.title)
        _begin_round(act)
    else:
        run = Run(
            id=facts.new_key(), flow=flow.name, entity=subject.entity, record_id=subject.id, state="running", round=1,
            step=None, starter=facts.on_behalf_of or facts.actor, started_at=facts.now, revision=revision,
            decisive_hash=hashed, snapshot=seen, record_version=subject.version, previous=previous, title=subject.title,
        )  # fmt: skip
        act = Act(facts, run, new=True)
        act.event("submitted", to="running", note=comment, data={"decisive": hashed})
        act.changes += [LockRecord(held=True), MarkRecord("pending", "submit")]
        act.walk(0)
    return act.done()


def _no_longer_needed(facts: Facts, run: Run) -> Decision:
    """End a run that was sent back, because the record as it is now needs no approval."""
    act = Act(facts, run)
    act.event("cancelled", to="cancelled", data={"reason": "not_needed"})
    act.put(ended_at=facts.now, reason="not_needed")
    act.changes.append(MarkRecord("none", "submit"))
    return act.done()


def _begin_round(act: Act) -> None:
    if act.run.round >= MAX_ROUNDS:
        act.suspend("max_rounds", None)
        return
    act.put(round=act.run.round + 1, reason=None)
    act.changes += [LockRecord(held=True), MarkRecord("pending", "submit")]
    act.walk(0)


def restart(facts: Facts, run: Run) -> Decision:
    """Ask everybody again, because decisive values changed under the approval in spite of the lock."""
    act = Act(facts, run)
    text = say(
        "{title} changed while you were asked ({flow}); it starts again",
        "{title} 在审批中被修改（{flow}），流程将重新开始",
        title=act.title, flow=facts.flow.label,
    )  # fmt: skip
    asked = dict.fromkeys(
        t.holder for t in run.tasks if t.round == run.round and t.state in {*ACTIVE, *VERDICTS}
    )
    for user in (run.starter, *asked):
        act.tell(user, "approval.restarted", text)
    act.close(run.tasks, "cancelled", "restarted")
    act.event("restarted", to="running", data={"reason": "decisive_changed"})
    subject = facts.subject
    act.put(
        decisive_hash=decisive_hash(facts.flow, subject.values), record_version=subject.version,
        snapshot=seen_fields(facts.flow, subject.values), title=subject.title,
    )  # fmt: skip
    _begin_round(act)
    return act.done()


def withdraw(facts: Facts, run: Run, comment: str | None = None) -> Decision | Refusal:
    """Take the request back."""
    if run.state == "withdrawn" and facts.actor == run.starter:
        return Decision(run, ())
    refusal = _not_live(facts, run)
    if refusal is not None:
        return refusal
    if facts.actor != run.starter and not facts.trusted:
        who = facts.name(run.starter)
        return Refusal(
            "not_starter",
            say("Only {who} can withdraw it.", "只有 {who} 可以撤回。", who=who),
            kind="forbidden",
            audit=True,
        )
    rule = facts.flow.withdraw
    if (rule == "never" or not _offers(facts, "withdraw")) and not facts.trusted:
        return Refusal("not_allowed", say("This approval cannot be withdrawn.", "该审批不允许撤回。"))
    decided = [
        t for t in run.tasks if t.round == run.round and t.state in ("approved", "rejected", "abstained")
    ]
    if rule == "until_first_decision" and run.state == "running" and decided and not facts.trusted:
        return _already(facts, decided[0], decided[0].state)
    act = Act(facts, run)
    act.tell_holders(run.tasks, "{who} withdrew {title} ({flow})", "{who} 撤回了 {title}（{flow}）")
    act.close(run.tasks, "cancelled", "withdrawn")
    act.finish("withdrawn", note=comment)
    return act.done()


def urge(facts: Facts, run: Run) -> Decision | Refusal:
    """Remind those who hold an open task, unless they were reminded a short while ago."""
    if facts.actor != run.starter and not facts.trusted:
        return Refusal(
            "not_starter",
            say("Only the person who submitted it can urge.", "只有提交人可以催办。"),
            kind="forbidden",
        )
    refusal = _not_live(facts, run)
    if refusal is not None:
        return refusal
    if not _offers(facts, "urge"):
        return Refusal("not_allowed", say("This approval does not allow urging.", "该审批不允许催办。"))
    waiting = [task for task in run.tasks if task.state in ACTIVE]
    if not waiting:
        return Refusal("nobody_waiting", say("Nobody is being waited for.", "当前没有待办的审批人。"))
    ready = [task for task in waiting if _next_urge(facts, task) <= facts.now]
    if not ready:
        first = min(_next_urge(facts, task) for task in waiting)
        message = say(
            "They were reminded a short while ago. You can urge again later.", "刚刚已催办过，请稍后再试。"
        )
        return Refusal("too_soon", message, kind="too_soon", retry_at=first)
    act = Act(facts, run)
    text = say(
        "{who} reminds you: {title} is waiting for your approval ({flow})", "{who} 催办：{title} 等待您审批（{flow}）",
        who=facts.name(facts.actor), title=act.title, flow=facts.flow.label,
    )  # fmt: skip
    for task in ready:
        act.event("urged", task=task)
        act.tell(task.holder, "approval.urged", text, task)
    return act.done()


def _next_urge(facts: Facts, task: Task) -> datetime:
    """Return when the holder of `task` may be urged next."""
    times = sorted(facts.urged.get(task.id, ()))
    if not times:
        return facts.now
    ready = times[-1] + URGE_COOL_DOWN
    if len(times) >= URGES_PER_DAY:
        ready = max(ready, times[-URGES_PER_DAY] + timedelta(days=1))
    return ready


# ---------------------------------------------------------------- the approver


def may_act(
    facts: Facts, run: Run, task_id: str, version: int, verdict: TaskState, changes: Mapping[str, object]
) -> Refusal | Replay | None:
    """Say whether the actor may give `verdict` on this task now; None means go ahead."""
    task = run.task(task_id)
    assert task is not None, "the caller finds the run by the task"
    if task.state not in UNDECIDED:
        if (
            task.actor == facts.actor
            and task.state == verdict
            and version in (task.version, task.version - 1)
        ):
            return Replay(task)
        return _lost(facts, task, verdict)
    if task.holder != facts.actor:
        return Refusal(
            "not_holder",
            say("This task is not yours to decide.", "该任务不由您审批。"),
            kind="forbidden",
            audit=True,
        )
    if run.starter == facts.actor and facts.flow.self_rule != "allow":
        return Refusal(
            "own_request",
            say("You cannot approve your own request.", "不能审批自己提交的申请。"),
            kind="forbidden",
            audit=True,
        )
    if task.state == "waiting":
        message = say("Others are asked before you.", "还没有轮到您审批。")
        return Refusal("not_yet", message, current={"state": "waiting"})
    if run.state != "running":
        message = say("This approval does not run at the moment.", "该审批当前未在进行。")
        return Refusal("not_running", message, current={"state": run.state})
    if task.version != version:
        return _stale(task)
    if not _still_qualified(facts, task):
        message = say(
            "You no longer have the role that this task was given to.", "您已不具备该任务所需的角色。"
        )
        return Refusal("role_lost", message, kind="forbidden", audit=True)
    step = step_of(facts.flow, task.step)
    closed = sorted(set(changes) - set(step.editable))
    if closed:
        message = say(
            "{fields} cannot be changed in this step.", "此步骤不能修改：{fields}。", fields=", ".join(closed)
        )
        return Refusal("not_editable", message, kind="forbidden", field=closed[0])
    return None


def _still_qualified(facts: Facts, task: Task) -> bool:
    """Say whether somebody asked only for a role still has it; a seat that was handed over needs none."""
    if task.holder != task.original:
        return True
    sources = [note for note in task.why if note.code.startswith("source.")]
    if not sources or any(note.code not in ("source.role", "source.team_role") for note in sources):
        return True
    return any(person.id == task.holder for note in sources for person in facts.org.with_role(note.value))


def vote(
    facts: Facts,
    run: Run,
    task_id: str,
    version: int,
    verdict: Verdict,
    *,
    comment: str | None = None,
    edits: Mapping[str, object] | None = None,
) -> Decision | Refusal | Replay:
    """Approve or reject.

    Args:
        facts: The subject is the record with the approver's edits already in it.
        run: As it stands under its lock.
        task_id: One of its tasks.
        version: The task's version that the approver saw.
        verdict: What he says.
        comment: Why.
        edits: Field to [before, after]: what he changed with the decision.
    """
    stop = may_act(facts, run, task_id, version, verdict, edits or {})
    if stop is not None:
        return stop
    task = cast(Task, run.task(task_id))
    step = step_of(facts.flow, task.step)
    if verdict == "rejected" and step.reason_required and not (comment or "").strip():
        return _reason_required()
    act = Act(facts, run)
    hashed = decisive_hash(facts.flow, facts.subject.values)
    if edits:
        _record_edits(act, task, edits, hashed)
    # Somebody who came to hold two seats of one step answers once for both.
    mine = [
        t for t in run.seats(task.step) if t.id == task.id or (t.holder == task.holder and t.state in ACTIVE)
    ]
    for one in mine:
        after = act.change(
            one, state=verdict, decided_at=facts.now, actor=facts.actor, on_behalf_of=facts.on_behalf_of,
            comment=comment, changes=dict(edits) if edits and one.id == task.id else None, seen=hashed,
            seen_version=facts.subject.version, channel=facts.channel,
        )  # fmt: skip
        seen = {"verdict": verdict, "decisive": hashed, "record_version": facts.subject.version}
        edited = {"changes": dict(edits)} if edits else {}
        act.event(
            f"task_{verdict}", task=after, note=comment,
            data={**seen, "task_version": one.version, "channel": facts.channel, **edited},
        )  # fmt: skip
    act.settle(step)
    return act.done()


def _record_edits(act: Act, task: Task, edits: Mapping[str, object], hashed: str) -> None:
    """Keep what the approver changed; those who approved the old decisive values hear of it."""
    facts = act.facts
    decisive = sorted(set(edits) & set(decisive_fields(facts.flow)))
    if decisive:
        text = say(
            "{who} changed {fields} of {title} after your approval ({flow})",
            "{who} 在您同意之后修改了 {title} 的 {fields}（{flow}）",
            who=facts.name(facts.actor), fields=", ".join(decisive), title=act.title, flow=facts.flow.label,
        )  # fmt: skip
        earlier = (t.holder for t in act.run.tasks if t.state == "approved" and t.round == act.run.round)
        for user in dict.fromkeys(earlier):
            act.tell(user, "approval.edited", text, task)
    act.put(decisive_hash=hashed, record_version=facts.subject.version)


def return_to_starter(
    facts: Facts, run: Run, task_id: str, version: int, *, comment: str | None
) -> Decision | Refusal | Replay:
    """Send it back. One return ends the step, whatever its mode."""
    stop = may_act(facts, run, task_id, version, "returned", {})
    if stop is not None:
        return stop
    if not _offers(facts, "return"):
        return Refusal("not_allowed", say("This approval cannot be sent back.", "该审批不允许退回。"))
    if not (comment or "").strip():
        return _reason_required()
    task = cast(Task, run.task(task_id))
    act = Act(facts, run)
    after = act.change(
        task, state="returned", decided_at=facts.now, actor=facts.actor, on_behalf_of=facts.on_behalf_of,
        comment=comment, seen=run.decisive_hash, seen_version=facts.subject.version, channel=facts.channel,
    )  # fmt: skip
    act.event(
        "task_returned", task=after, note=comment,
        data={"verdict": "returned", "channel": facts.channel, "task_version": version},
    )  # fmt: skip
    peers = [other for other in act.run.tasks if other.id != task.id]
    act.tell_holders(peers, "{who} sent {title} back ({flow})", "{who} 退回了 {title}（{flow}）")
    act.close(peers, "closed", "returned")
    act.finish("returned", note=comment)
    return act.done()


def transfer(
    facts: Facts, run: Run, task_id: str, version: int, to: str, *, comment: str | None
) -> Decision | Refusal | Replay:
    """Hand the seat to somebody else; its weight, its place and its deadline go with it."""
    stop = may_act(facts, run, task_id, version, "transferred", {})
    if stop is not None:
        return stop
    task = cast(Task, run.task(task_id))
    refusal = _may_take_over(facts, run, task, to)
    if refusal is not None:
        return refusal
    act = Act(facts, run)
    after = act.change(
        task, state="transferred", decided_at=facts.now, actor=facts.actor, on_behalf_of=facts.on_behalf_of,
        comment=comment, channel=facts.channel,
    )  # fmt: skip
    act.event("transferred", task=after, note=comment, data={"to": to, "task_version": version})
    why = (*task.why, Note("transferred", "", facts.actor))
    new = replace(task, id=facts.new_key(), holder=to, version=1, opened_at=facts.now, why=why)
    act.open(new)
    text = say(
        "{who} handed you an approval: {title} ({flow})", "{who} 将审批转交给您：{title}（{flow}）",
        who=facts.name(facts.actor), title=act.title, flow=facts.flow.label,
    )  # fmt: skip
    act.tell(to, "approval.task", text, new)
    return act.done()


def reassign(facts: Facts, run: Run, task_id: str, to: str, reason: str) -> Decision | Refusal:
    """Give a seat to somebody else, because its holder cannot answer; it is replaced, never dropped."""
    task = cast(Task, run.task(task_id))
    if not facts.trusted:
        message = say("You may not hand over other people's approvals.", "您无权转交他人的审批。")
        return Refusal("not_allowed", message, kind="forbidden")
    if task.state not in UNDECIDED:
        return _already(facts, task, task.state)
    if not reason.strip():
        return _reason_required()
    person = facts.org.person(to)
    if person is None or not person.active:
        message = say("There is nobody of that name who could take it.", "没有可以接收的人员。")
        return Refusal("inactive", message, kind="invalid", field="to")
    if to == run.starter and facts.flow.self_rule != "allow":
        message = say(
            "{who} submitted it and cannot approve it.", "{who} 是提交人，不能审批。", who=person.name
        )
        return Refusal("is_starter", message)
    act = Act(facts, run)
    after = act.change(task, state="transferred", decided_at=facts.now, actor=facts.actor, comment=reason)
    act.event("reassigned", task=after, note=reason, data={"to": to, "from": task.holder, "admin": True})
    why = (*task.why, Note("left.replaced", "", task.holder))
    new = replace(task, id=facts.new_key(), holder=to, version=1, why=why)
    act.open(new)
    if new.state == "open":
        act.tell_new(new)
    return act.done()


def _offers(facts: Facts, operation: str) -> bool:
    """Say whether the flow offers an operation; one that lists none offers the usual ones."""
    return not facts.flow.allow or operation in facts.flow.allow


def _may_take_over(facts: Facts, run: Run, task: Task, to: str) -> Refusal | None:
    person = facts.org.person(to)
    if not _offers(facts, "transfer"):
        return Refusal("not_allowed", say("This approval cannot be handed over.", "该审批不允许转交。"))
    if person is None or not person.active:
        message = say("There is nobody of that name who could take it.", "没有可以接收的人员。")
        return Refusal("inactive", message, kind="invalid", field="to")
    if to in (facts.actor, task.holder):
        return Refusal("same_person", say("You already have this task.", "该任务已经在您手中。"))
    if to == run.starter and facts.flow.self_rule != "allow":
        message = say(
            "{who} submitted it and cannot approve it.", "{who} 是提交人，不能审批。", who=person.name
        )
        return Refusal("is_starter", message)
    if any(other.holder == to and other.state in UNDECIDED for other in run.seats(task.step)):
        message = say("{who} is asked in this step already.", "{who} 已是此步骤的审批人。", who=person.name)
        return Refusal("already_signer", message)
    if any(other.seat == task.seat and other.holder == to for other in run.tasks):
        message = say(
            "{who} had this task before and passed it on.", "{who} 此前已转出该任务。", who=person.name
        )
        return Refusal("no_way_back", message)
    return None


def comment(facts: Facts, run: Run, text: str) -> Decision | Refusal:
    """Say something without deciding anything."""
    if not text.strip():
        return Refusal(
            "required", say("Write something first.", "请填写内容。"), kind="invalid", field="comment"
        )
    act = Act(facts, run)
    act.event("commented", step=run.step, note=text)
    message = say(
        "{who} commented on {title}: {text}", "{who} 评论了 {title}：{text}",
        who=facts.name(facts.actor), title=act.title, text=text if len(text) <= 200 else text[:199] + "…",
    )  # fmt: skip
    part = dict.fromkeys((run.starter, *(t.holder for t in run.tasks if t.state in {*ACTIVE, *VERDICTS})))
    for user in part:
        act.tell(user, "approval.comment", message)
    return act.done()


# ---------------------------------------------------------------- looking after it


def resume(facts: Facts, run: Run, reason: str) -> Decision | Refusal:
    """Go on where it was suspended, now that somebody has mended what was wrong."""
    if not facts.trusted:
        return Refusal(
            "not_allowed", say("You may not resume approvals.", "您无权恢复审批。"), kind="forbidden"
        )
    if run.state != "suspended":
        message = say("It is not suspended.", "该审批未处于暂停状态。")
        return Refusal("not_suspended", message, current={"state": run.state})
    if not reason.strip():
        return _reason_required()
    act = Act(facts, run)
    code, _, outcome = (run.reason or "").partition(":")
    act.event("resumed", to="running", step=run.step, note=reason, data={"reason": code, "admin": True})
    if code == "effect_failed":
        act.finish(cast(Outcome, outcome))
        return act.done()
    act.put(
        reason=None,
        decisive_hash=decisive_hash(facts.flow, facts.subject.values),
        record_version=facts.subject.version,
    )
    act.close(run.tasks, "cancelled", "resumed")
    if any(task.step == run.step and task.round == run.round for task in run.tasks):
        if run.round >= MAX_ROUNDS:
            act.suspend("max_rounds", None)
            return act.done()
        act.put(round=run.round + 1)
    act.walk(index_of(facts.flow, run.step) if run.step else 0)
    return act.done()


def terminate(facts: Facts, run: Run, reason: str, *, code: str = "by_admin") -> Decision | Refusal:
    """End it without an outcome."""
    if not facts.trusted:
        return Refusal("not_allowed", say("You may not end approvals.", "您无权终止审批。"), kind="forbidden")
    refusal = _not_live(facts, run)
    if refusal is not None:
        return refusal
    if not reason.strip():
        return _reason_required()
    act = Act(facts, run)
    act.tell_holders(run.tasks, "{who} ended {title} ({flow})", "{who} 终止了 {title}（{flow}）")
    act.close(run.tasks, "cancelled", "cancelled")
    act.event("cancelled", to="cancelled", note=reason, data={"reason": code, "admin": True})
    act.put(ended_at=facts.now, reason=code)
    act.changes += [LockRecord(held=False), MarkRecord("none", "terminate")]
    text = say(
        "{who} ended the approval of {title} ({flow})", "{who} 终止了 {title} 的审批（{flow}）",
        who=facts.name(facts.actor), title=act.title, flow=facts.flow.label,
    )  # fmt: skip
    act.tell(run.starter, "approval.cancelled", text)
    return act.done()


def remind(facts: Facts, run: Run, task: Task) -> Decision | None:
    """Do what the step's time limit asks for, once; None when there is nothing to do any more."""
    step = step_of(facts.flow, task.step)
    if (
        run.state != "running"
        or task.state not in ACTIVE
        or task.reminded_at is not None
        or step.timeout is None
    ):
        return None
    act = Act(facts, run)
    act.change(task, reminded_at=facts.now, version=task.version)  # what the holder saw is still true
    if step.timeout.remind:
        act.event("reminded", task=task)
        text = say("{title} is overdue for your approval ({flow})", "{title} 的审批已超时，请尽快处理（{flow}）",
                   title=act.title, flow=facts.flow.label)  # fmt: skip
        act.tell(task.holder, "approval.reminder", text, task)
    if step.timeout.escalate_role:
        act.event("escalated", task=task, data={"role": step.timeout.escalate_role})
        text = say("{who} has not answered in time: {title} ({flow})", "{who} 审批超时未处理：{title}（{flow}）",
                   who=facts.name(task.holder), title=act.title, flow=facts.flow.label)  # fmt: skip
        for person in facts.org.with_role(step.timeout.escalate_role):
            act.tell(person.id, "approval.escalated", text, task)
    return act.done()


# ---------------------------------------------------------------- what would happen


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One step of the path as it would be if the record were submitted now.

    Attributes:
        applies: Whether it will be entered; None where an empty field leaves it open, which counts as no.
        may_change: Whether earlier steps or edits may still make it different.
    """

    step: ApprovalStep
    applies: bool | None
    found: Resolution | None
    may_change: bool


def foresee(facts: Facts, starter: str) -> tuple[Foreseen, ...]:
    """Return who would be asked at each step, by the same rules that a run follows."""
    path: list[Foreseen] = []
    earlier: list[Earlier] = []
    for step in facts.flow.steps:
        subject = facts.subject
        try:
            answer = True if step.when is None else step.when.evaluate(subject.values, subject.env)
            applies = cast("bool | None", answer)
        except Invalid:
            applies = None
        found = None
        if applies:
            found = resolve(
                facts.flow,
                step,
                org=facts.org,
                starter=starter,
                values=subject.values,
                earlier=tuple(earlier),
            )
            earlier = [replace(one, directly_before=False) for one in earlier]
            earlier += [Earlier(step.name, seat.holder, True) for seat in found.seats if not seat.skipped]
        path.append(Foreseen(step, applies, found, may_change=any(entry.applies for entry in path)))
    return tuple(path)


def replay(events: Sequence[RunEvent]) -> RunState | None:
    """Return the state that the events lead to.

    Raises:
        ValueError: An event does not begin where the one before it ended.
    """
    state: RunState | None = None
    for event in events:
        if event.from_state != state:
            raise ValueError(f"{event.kind} begins at {event.from_state}, but the run was {state}")
        state = event.to_state or state
    return state


def _not_live(facts: Facts, run: Run) -> Refusal | None:
    if run.is_live:
        return None
    decided = [task for task in run.tasks if task.decided_at is not None and task.actor is not None]
    last = max(decided, key=lambda task: (task.decided_at or run.started_at, task.id), default=None)
    if run.state == "withdrawn" or last is None:
        return _decided(facts, run.state, run.starter, None, run.ended_at)
    return _decided(facts, run.state, last.actor, last.on_behalf_of, run.ended_at)


def _lost(facts: Facts, task: Task, verdict: TaskState) -> Refusal:
    """Somebody was first: another person, or the same one in another window."""
    own = task.actor == facts.actor
    if task.state == "transferred" or (own and "transferred" in (verdict, task.state)):
        return _stale(task)
    outcome = next(
        (n.code.partition(".")[2] for n in reversed(task.why) if n.code.startswith("closed.")), task.state
    )
    return _already(facts, task, outcome)


def _already(facts: Facts, task: Task, outcome: str) -> Refusal:
    return _decided(facts, outcome, task.actor, task.on_behalf_of, task.decided_at)


def _decided(
    facts: Facts, outcome: str, by: str | None, on_behalf_of: str | None, at: datetime | None
) -> Refusal:
    en, zh = _DECIDED.get(outcome, ("{who} decided this already.", "{who} 已处理。"))
    return Refusal(
        "already_decided",
        say(en, zh, who=facts.name(by) or "Fairlead"),
        current={"outcome": outcome, "by": by, "by_name": facts.name(by), "on_behalf_of": on_behalf_of,
                 "at": iso_utc(at) if at else None},
    )  # fmt: skip


_DECIDED = {
    "approved": ("{who} approved this already.", "{who} 已同意。"),
    "rejected": ("{who} rejected this already.", "{who} 已拒绝。"),
    "returned": ("{who} sent this back already.", "{who} 已退回。"),
    "withdrawn": ("{who} withdrew this already.", "{who} 已撤回。"),
    "cancelled": ("{who} ended this already.", "{who} 已终止。"),
    "restarted": ("The record changed, and the approval started again.", "记录已修改，审批已重新开始。"),
}


def _stale(task: Task) -> Refusal:
    return Refusal(
        "task_version",
        say("This task changed in the meantime. Look at it again.", "该任务刚刚有变化，请刷新后再操作。"),
        current={"state": task.state, "version": task.version, "by": task.actor,
                 "at": iso_utc(task.decided_at) if task.decided_at else None},
    )  # fmt: skip


def _reason_required() -> Refusal:
    return Refusal(
        "reason_required", say("Please give a reason.", "请填写原因。"), kind="invalid", field="comment"
    )
