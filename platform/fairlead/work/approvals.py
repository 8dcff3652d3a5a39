"""The one door to approvals: submit, decide, send back, withdraw, hand over, urge, and look after what is stuck.

Each act locks the run, asks `decide.approval`, and writes everything in one transaction: the run, its tasks, the chain
of events, the record's state and lock, and the local effects of the outcome. When an effect breaks a rule, all of it is
undone to a savepoint and the decision is taken once more as one that waits for help.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, NoReturn
from zoneinfo import ZoneInfo

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Conflict, Failure, FieldError, Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import Application, CompiledEntity
from fairlead.compiled.runs import LIVE, Run, RunEvent
from fairlead.decide import approval as acts
from fairlead.decide import edit
from fairlead.decide.progress import (
    ChangeRun,
    ChangeTask,
    Decision,
    Facts,
    LockRecord,
    MarkRecord,
    NotNeeded,
    OpenTask,
    Refusal,
    Replay,
    RunSteps,
    Subject,
    Tell,
    canonical,
    decisive_fields,
    decisive_hash,
    say,
    step_of,
)
from fairlead.fields.registry import kind_of
from fairlead.model.steps import Step
from fairlead.model.workflows import Approval
from fairlead.store import approvals as store
from fairlead.store import notifications, people, revisions
from fairlead.store.database import Duplicate, Tx
from fairlead.store.statements import Reads
from fairlead.work import records
from fairlead.work.context import SYSTEM_USER, Context
from fairlead.work.environment import environment
from fairlead.work.organisation import Organisation

READ_AFTER_DONE = timedelta(days=90)
"""How long an approver may still read what he was asked about, once it has ended."""

CAPABILITY = "approvals"
ATTEMPTS = 3
MAX_BULK = 1000

Verdict = Literal["approve", "reject"]


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """What came of submitting. Without a run nobody has to approve, and what follows has been done."""

    needed: bool
    state: str
    approval: str | None
    flow: str


@dataclass(frozen=True, slots=True)
class ActResult:
    """What stands after an act.

    Attributes:
        state: The run's state.
        task: The task's own state; None for acts on the whole run.
        replayed: The same person had done the same before, and nothing was done again.
    """

    approval: str
    state: str
    step: str | None
    round: int
    task: str | None = None
    task_id: str | None = None
    task_version: int | None = None
    reason: str | None = None
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class BulkItem:
    """One row of a bulk decision: the task, the version that was seen, and what is said."""

    task: str
    version: int
    verdict: Verdict
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """How one row went: the result, or why not."""

    task: str
    result: ActResult | None
    failure: Failure | None


class TooSoon(Refused):
    """It was done a short while ago. `data` has `retry_at` and `retry_after_s`."""

    status = 429


# ---------------------------------------------------------------- submitting


def submit(
    ctx: Context,
    entity: str,
    id: str,
    *,
    version: int | None,
    comment: str | None = None,
    flow: str | None = None,
) -> SubmitResult:
    """Ask for approval of a record, or ask again after it was sent back.

    Raises:
        NotFound: It is not there, or not this actor's to see.
        Forbidden: The actor may not change it, or somebody else submitted it first.
        Conflict: It is not at `version`.
        Refused: An approval is under way, or there is no flow for it.
        Invalid: What the flow does on submission breaks a rule.
    """
    records.require(ctx, "update", entity, id)
    with ctx.database.write() as tx:
        return submit_in(tx, ctx, entity, id, flow, version=version, comment=comment)


def submit_in(
    tx: Tx,
    ctx: Context,
    entity: str,
    id: str,
    flow: str | None = None,
    *,
    version: int | None = None,
    comment: str | None = None,
) -> SubmitResult:
    """Submit inside a transaction, on the word of whoever opened it.

    Raises:
        NotFound, Forbidden, Conflict, Refused, Invalid: As `submit`.
    """
    compiled = ctx.app.entities[entity]
    values = records.snapshot_in(tx, ctx, entity, id)
    if version is not None and version != values["version"]:
        raise Conflict(id, expected=version, current={"version": values["version"]})
    chosen = _choose(tx, ctx, compiled, values, flow)
    live = store.lock_live(tx, entity, id, chosen.name)
    facts = _facts(tx, ctx, chosen, compiled, values)
    stop = acts.may_submit(facts, live)
    if isinstance(stop, Refusal):
        _refuse(ctx, stop)
    if stop is None:
        _no_other(tx, ctx, chosen, entity, id)
        if chosen.on_submitted:
            _run_steps(tx, ctx, chosen.on_submitted, entity, id)
            values = records.snapshot_in(tx, ctx, entity, id)
            facts = _facts(tx, ctx, chosen, compiled, values)
    earlier = store.of_record(tx, entity, id, limit=10)
    previous = next((run.id for run in earlier if run.flow == chosen.name and run.state not in LIVE), None)
    result = _carry_out(
        tx,
        ctx,
        facts,
        lambda now: acts.submit(
            now, live=live, previous=previous, revision=ctx.app.revision, comment=comment
        ),
    )
    if isinstance(result, Refusal):
        _refuse(ctx, result)
    if isinstance(result, NotNeeded):
        if result.ends is not None:
            _write(tx, ctx, result.ends)
        _run_steps(tx, ctx, result.steps, entity, id)
        return SubmitResult(False, "not_needed", None, chosen.name)
    assert isinstance(result, Decision)
    return SubmitResult(True, result.run.state, result.run.id, chosen.name)


def _choose(
    tx: Tx, ctx: Context, entity: CompiledEntity, values: Mapping[str, Any], name: str | None
) -> Approval:
    """Return the flow that is asked for; else the one that was sent back, else the first that is needed."""
    flows = entity.approvals
    if name is not None:
        flows = tuple(flow for flow in flows if flow.name == name)
    if not flows:
        raise Refused(
            "no_flow", say("There is no approval for this kind of record.", "该类记录没有配置审批流程。")
        )
    if len(flows) == 1:
        return flows[0]
    returned = {
        run.flow for run in store.of_record(tx, entity.name, str(values["id"])) if run.state == "returned"
    }
    env = environment(ctx, tx)
    for flow in flows:
        if flow.name in returned:
            return flow
    return next((f for f in flows if f.when is None or f.when.is_true(values, env, unknown=True)), flows[0])


def _no_other(tx: Tx, ctx: Context, flow: Approval, entity: str, id: str) -> None:
    """Two flows may be under way for one record only where they look at different values."""
    mine = set(decisive_fields(flow))
    for run in store.of_record(tx, entity, id):
        if run.state not in LIVE or run.flow == flow.name:
            continue
        other = flow_of(ctx, run)
        if flow.lock == "all" or other.lock == "all" or mine & set(decisive_fields(other)):
            raise Refused(
                "flow_conflict",
                say(
                    "Another approval of this record is under way: {flow}.", "该记录正在进行另一个审批：{flow}。",
                    flow=other.label,
                ),
                current={"approval": run.id, "flow": run.flow},
            )  # fmt: skip


# ---------------------------------------------------------------- deciding


def approve(
    ctx: Context,
    task_id: str,
    *,
    version: int,
    comment: str | None = None,
    changes: Mapping[str, Any] | None = None,
    form: bool = False,
) -> ActResult:
    """Approve, with what the step lets the approver change.

    Args:
        ctx: Who.
        task_id: The task.
        version: Its version that was seen.
        comment: A word to the others.
        changes: JSON values by field, or with `form` the texts of a form.
        form: Whether `changes` is what a person typed.

    Raises:
        NotFound: There is no such task for this actor.
        Forbidden: It is not this actor's, or a field is not open in this step.
        Refused: Somebody was first; `current` says who, when and how.
        Invalid: The changes break a rule; nothing is decided.
    """
    return _vote(ctx, task_id, version, "approved", comment, changes or {}, form)


def reject(ctx: Context, task_id: str, *, version: int, comment: str | None = None) -> ActResult:
    """Say no.

    Raises:
        NotFound, Forbidden, Refused: As `approve`.
        Invalid: The step asks for a reason.
    """
    return _vote(ctx, task_id, version, "rejected", comment, {}, False)


def _vote(
    ctx: Context,
    task_id: str,
    version: int,
    verdict: acts.Verdict,
    comment: str | None,
    changes: Mapping[str, Any],
    form: bool,
) -> ActResult:
    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        stop = acts.may_act(facts, run, task_id, version, verdict, changes)
        if stop is not None:
            return stop
        if decisive_hash(facts.flow, facts.subject.values) != run.decisive_hash:
            return _carry_out(tx, ctx, facts, lambda now: acts.restart(now, run), restarted=True)
        edits: dict[str, object] = {}
        if changes:
            facts, edits = _edited(tx, ctx, facts, run, task_id, changes, form, comment)
        return _carry_out(
            tx,
            ctx,
            facts,
            lambda now: acts.vote(now, run, task_id, version, verdict, comment=comment, edits=edits),
        )

    return _on_task(ctx, task_id, take)


def _edited(
    tx: Tx,
    ctx: Context,
    facts: Facts,
    run: Run,
    task_id: str,
    changes: Mapping[str, Any],
    form: bool,
    comment: str | None,
) -> tuple[Facts, dict[str, object]]:
    """Write what the approver changed, under the rules of the entity; return the facts as they are then."""
    entity = ctx.app.entities[run.entity]
    task = run.task(task_id)
    assert task is not None
    fields = entity.entity.fields
    opened = set(step_of(facts.flow, task.step).editable)
    opened |= {f"{name}.{column}" for name in opened & fields.keys() for column in fields[name].fields}
    given = edit.read_input(
        entity, changes, writable=frozenset(opened), readable=frozenset(fields) | opened, form=form,
        zone=ZoneInfo(ctx.actor.zone),
    )  # fmt: skip
    before = facts.subject.values
    written = {**given.values, **given.lines}
    records.update_in(
        tx, ctx, run.entity, run.record_id, written, kind="update", through_lock=True, reason=comment
    )
    after = records.snapshot_in(tx, ctx, run.entity, run.record_id)
    differences: dict[str, object] = {
        name: [json.loads(canonical(before.get(name))), json.loads(canonical(after.get(name)))]
        for name in written
        if before.get(name) != after.get(name)
    }
    return replace(facts, subject=_subject(tx, ctx, entity, after)), differences


def return_to_starter(ctx: Context, task_id: str, *, version: int, comment: str | None) -> ActResult:
    """Send the record back to whoever submitted it.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As `reject`.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return _carry_out(
            tx, ctx, facts, lambda now: acts.return_to_starter(now, run, task_id, version, comment=comment)
        )

    return _on_task(ctx, task_id, take)


def transfer(ctx: Context, task_id: str, to: str, *, version: int, comment: str | None = None) -> ActResult:
    """Hand the task to somebody else, for good.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As `approve`.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return _carry_out(
            tx, ctx, facts, lambda now: acts.transfer(now, run, task_id, version, to, comment=comment)
        )

    return _on_task(ctx, task_id, take)


def bulk(ctx: Context, items: Sequence[BulkItem]) -> list[BulkAnswer]:
    """Decide several tasks, each in a transaction of its own; one that cannot be does not stop the others."""
    if len(items) > MAX_BULK:
        message = say("At most {max} at once.", "一次最多处理 {max} 条。", max=MAX_BULK)
        raise Invalid([FieldError("items", "too_many", message)])
    answers = []
    for item in items:
        try:
            if item.verdict == "approve" and _asks_alone(ctx, item.task):
                message = say("This one asks to be looked at alone.", "该任务需要单独处理。")
                raise Refused("not_in_bulk", message)
            decided = approve if item.verdict == "approve" else reject
            answers.append(
                BulkAnswer(
                    item.task, decided(ctx, item.task, version=item.version, comment=item.comment), None
                )
            )
        except Failure as failure:
            answers.append(BulkAnswer(item.task, None, failure))
    return answers


def _asks_alone(ctx: Context, task_id: str) -> bool:
    line = store.task_line(ctx.database, task_id)
    if line is None:
        return False
    run = store.load(ctx.database, line.approval_id)
    return run is not None and step_of(flow_of(ctx, run), line.step).confirm


# ---------------------------------------------------------------- the whole run


def withdraw(ctx: Context, approval_id: str, *, comment: str | None = None) -> ActResult:
    """Take the request back.

    Raises:
        NotFound: There is no such approval for this actor.
        Forbidden: Somebody else submitted it.
        Refused: It is decided, or too far on; `current` says by whom.
    """
    return _on_run(ctx, approval_id, lambda facts, run: acts.withdraw(facts, run, comment))


def urge(ctx: Context, approval_id: str) -> ActResult:
    """Remind those it waits for.

    Raises:
        TooSoon: They were reminded a short while ago.
        NotFound, Forbidden, Refused: As `withdraw`.
    """
    return _on_run(ctx, approval_id, acts.urge)


def comment(ctx: Context, approval_id: str, text: str) -> ActResult:
    """Say something to everybody who takes part.

    Raises:
        NotFound: There is no such approval for this actor.
        Invalid: Nothing was said.
    """
    return _on_run(ctx, approval_id, lambda facts, run: acts.comment(facts, run, text))


def resume(ctx: Context, approval_id: str, *, reason: str) -> ActResult:
    """Go on where it was suspended, now that what was wrong is mended.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """
    return _on_run(ctx, approval_id, lambda facts, run: acts.resume(facts, run, reason))


def terminate(ctx: Context, approval_id: str, *, reason: str) -> ActResult:
    """End an approval without an outcome.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """
    return _on_run(ctx, approval_id, lambda facts, run: acts.terminate(facts, run, reason))


def reassign(ctx: Context, task_id: str, to: str, *, reason: str) -> ActResult:
    """Give somebody's task to somebody else, because the holder cannot answer.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return _carry_out(tx, ctx, facts, lambda now: acts.reassign(now, run, task_id, to, reason))

    return _on_task(ctx, task_id, take)


# ---------------------------------------------------------------- what others cause


def cancel_for_record(tx: Tx, ctx: Context, entity: str, id: str, *, reason: str) -> int:
    """End every approval of a record that is being deleted by force; return how many there were."""
    ended = 0
    for found in store.of_record(tx, entity, id):
        run = store.lock(tx, found.id) if found.state in LIVE else None
        if run is None:
            continue
        facts = replace(_facts_of(tx, ctx, run), trusted=True)
        result = acts.terminate(facts, run, reason, code="record_deleted")
        if isinstance(result, Decision):
            _write(tx, ctx, result)
            ended += 1
    return ended


def live_runs(where: Reads, entity: str, id: str) -> list[Run]:
    """Return the approvals under way for a record, without their tasks."""
    return [run for run in store.of_record(where, entity, id) if run.state in LIVE]


def replace_leaver(tx: Tx, ctx: Context, user_id: str, *, successor: str | None = None) -> int:
    """Give every seat of somebody who leaves to a successor, the manager or an administrator; return how many."""
    moved = 0
    for task_id, approval_id in store.held_by(tx, user_id):
        run = store.lock(tx, approval_id)
        if run is None or not run.is_live:
            continue
        facts = replace(_facts_of(tx, ctx, run), trusted=True)
        above = people.manager_of(tx, user_id)
        candidates = [successor, above, *(person.id for person in facts.org.admins())]
        note = "the account was closed"
        for to in (key for key in candidates if key and key != user_id):
            result = acts.reassign(facts, run, task_id, to, note)
            if isinstance(result, Decision):
                _write(tx, ctx, result)
                moved += 1
                break
    return moved


def remind_due(ctx: Context, *, limit: int = 200) -> int:
    """Remind the holders of tasks whose time is over, once each; return how many there were.

    Each is done in a transaction of its own: a task that was decided meanwhile is left alone.
    """
    done = 0
    for task_id in store.due_tasks(ctx.database, ctx.stamp, limit=limit):
        with ctx.database.write() as tx:
            run = store.lock_by_task(tx, task_id)
            task = run.task(task_id) if run else None
            if run is None or task is None:
                continue
            result = acts.remind(_facts_of(tx, ctx, run), run, task)
            if result is not None:
                _write(tx, ctx, result)
                done += 1
    return done


def may_read_through_task(ctx: Context, entity: str, id: str) -> bool:
    """Say whether somebody may read a record because he is, or was until lately, asked about it."""
    since = iso_utc(ctx.now - READ_AFTER_DONE)
    return store.reads_through_task(ctx.database, ctx.actor.id, entity, id, since=since)


# ---------------------------------------------------------------- one act, one transaction


@dataclass(frozen=True, slots=True)
class _Restarted:
    """The record had changed under the approval; it began again, and the answer to this act is no."""

    decision: Decision


Decided = Decision | Refusal | Replay | NotNeeded
Result = Decided | _Restarted


def _on_run(ctx: Context, approval_id: str, take: Callable[[Facts, Run], Decision | Refusal]) -> ActResult:
    def go(tx: Tx, facts: Facts, run: Run) -> Result:
        return _carry_out(tx, ctx, facts, lambda now: take(now, run))

    return _in_transaction(
        ctx, lambda tx: store.lock(tx, approval_id), go, NotFound("approval", approval_id), None
    )


def _on_task(ctx: Context, task_id: str, take: Callable[[Tx, Facts, Run], Result]) -> ActResult:
    return _in_transaction(
        ctx, lambda tx: store.lock_by_task(tx, task_id), take, NotFound("task", task_id), task_id
    )


def _in_transaction(
    ctx: Context,
    find: Callable[[Tx], Run | None],
    take: Callable[[Tx, Facts, Run], Result],
    missing: NotFound,
    task_id: str | None,
) -> ActResult:
    """Lock, decide and write; again from the start where an edit of the record came in between."""
    attempt = 1
    while True:
        try:
            with ctx.database.write() as tx:
                run = find(tx)
                if run is None or not takes_part(tx, ctx, run):
                    raise missing
                result = take(tx, _facts_of(tx, ctx, run), run)
                if isinstance(result, Refusal):
                    if not result.audit:
                        _refuse(ctx, result)
                    _note_refusal(tx, ctx, run, result, task_id)
            break
        except Conflict:
            if attempt >= ATTEMPTS:
                raise
            attempt += 1
    if isinstance(result, Refusal):
        _refuse(ctx, result)
    if isinstance(result, _Restarted):
        raise Refused(
            "changed",
            say(
                "The record changed while you were asked. The approval starts again with what it says now.",
                "审批期间记录已被修改，流程已按最新内容重新开始。",
            ),
            current={"state": result.decision.run.state, "round": result.decision.run.round},
        )
    if isinstance(result, Replay):
        task = result.task
        return ActResult(
            run.id, run.state, run.step, run.round, task.state, task.id, task.version, run.reason, True
        )
    assert isinstance(result, Decision)
    after = result.run
    done = after.task(task_id) if task_id else None
    return ActResult(
        after.id, after.state, after.step, after.round, done.state if done else None, task_id,
        done.version if done else None, after.reason, replayed=not result.changes,
    )  # fmt: skip


def _carry_out(
    tx: Tx, ctx: Context, facts: Facts, take: Callable[[Facts], Decided], *, restarted: bool = False
) -> Result:
    """Decide and write; when an effect of the outcome breaks a rule, decide once more knowing so."""
    result = take(facts)
    if not isinstance(result, Decision):
        return result
    if not result.of(RunSteps):
        _write(tx, ctx, result)
        return _Restarted(result) if restarted else result
    try:
        with tx.savepoint("effects"):
            _write(tx, ctx, result)
    except (Invalid, Refused, NotFound) as failure:
        result = take(replace(facts, failure=_named(failure)))
        assert isinstance(result, Decision), "the facts are the same but for the failure"
        _write(tx, ctx, result)
    return _Restarted(result) if restarted else result


def _named(failure: Failure) -> Label:
    """Return the rule that broke, with the fields it is about."""
    if isinstance(failure, Invalid) and failure.errors:
        parts = [(error.field, Label.of(error.message)) for error in failure.errors[:3]]
        return Label({
            lang: "; ".join(f"{field}: {text.get(lang)}" if field else text.get(lang) for field, text in parts)
            for lang in ("en", "zh")
        })  # fmt: skip
    return Label.of(failure.label)


def _write(tx: Tx, ctx: Context, decision: Decision) -> None:
    """Write the changes of a decision in their order; the events of one act form one piece of the chain."""
    run = decision.run
    happened: list[RunEvent] = []
    for change in decision.changes:
        match change:
            case ChangeRun(before=None):
                _add(tx, change.after)
            case ChangeRun():
                assert change.before is not None
                store.set_run(tx, change.before, change.after)
            case OpenTask():
                store.add_task(tx, change.task)
            case ChangeTask():
                store.set_task(tx, change.before, change.after)
            case RunEvent():
                happened.append(change)
            case LockRecord():
                records.lock_in(tx, ctx, run.entity, run.record_id, run.id if change.held else None)
            case MarkRecord():
                _mark(tx, ctx, run, change)
            case RunSteps():
                _run_steps(tx, ctx, change.steps, run.entity, run.record_id)
            case Tell():
                _tell(tx, ctx, run, change)
    store.add_events(tx, run.id, happened)


def _add(tx: Tx, run: Run) -> None:
    try:
        with tx.savepoint("submitting"):
            store.add_run(tx, run)
    except Duplicate as taken:
        # Two people submitted at the same instant: the index has decided.
        other = store.lock_live(tx, run.entity, run.record_id, run.flow)
        raise Refused(
            "live_instance",
            say("An approval of this record is already under way.", "该记录已有正在进行的审批。"),
            current={"approval": other.id, "state": other.state} if other else None,
        ) from taken


def _mark(tx: Tx, ctx: Context, run: Run, change: MarkRecord) -> None:
    if "approval_state" in ctx.app.entities[run.entity].entity.fields:
        records.update_in(
            tx,
            ctx,
            run.entity,
            run.record_id,
            {"approval_state": change.state},
            kind=change.kind,
            through_lock=True,
        )


def _tell(tx: Tx, ctx: Context, run: Run, change: Tell) -> None:
    if change.user == SYSTEM_USER:
        return
    link = f"/inbox/{change.task_id}" if change.task_id else None
    notifications.add(
        tx, [change.user], kind=change.kind, text=change.text, now=ctx.stamp, entity=run.entity,
        record_id=run.record_id, link=link,
    )  # fmt: skip


def _run_steps(tx: Tx, ctx: Context, steps: Sequence[Step], entity: str, id: str) -> None:
    # Steps may submit a record to a flow, and flows run steps: the circle is in the language itself.
    from fairlead.work.steps import run_steps

    if steps:
        run_steps(tx, ctx, steps, entity, id)


def _note_refusal(tx: Tx, ctx: Context, run: Run, refusal: Refusal, task_id: str | None) -> None:
    """Keep that somebody tried what he may not do."""
    event = RunEvent(
        "refused", ctx.now, ctx.actor.id, ctx.on_behalf_of, run.state, None, run.step, run.round, task_id, None,
        {"code": refusal.code, "channel": ctx.door},
    )  # fmt: skip
    store.add_events(tx, run.id, [event])


def _refuse(ctx: Context, refusal: Refusal) -> NoReturn:
    """Raise the failure that a refusal stands for."""
    if refusal.kind == "invalid":
        raise Invalid([FieldError(refusal.field, refusal.code, refusal.message)], code=refusal.code)
    if refusal.kind == "forbidden":
        data = {"field": refusal.field} if refusal.field else None
        raise Forbidden(refusal.code, refusal.message, current=refusal.current, data=data)
    if refusal.kind == "too_soon":
        assert refusal.retry_at is not None
        wait = (refusal.retry_at - ctx.now).total_seconds()
        raise TooSoon(
            refusal.code,
            refusal.message,
            data={"retry_at": iso_utc(refusal.retry_at), "retry_after_s": int(wait) + 1},
        )
    raise Refused(refusal.code, refusal.message, current=refusal.current)


# ---------------------------------------------------------------- facts


def application_of(ctx: Context, revision: int | None) -> Application:
    """Return the application that a run began with; it finishes under that one, whatever is published since."""
    if revision is None or revision == ctx.app.revision:
        return ctx.app

    def build() -> Application:
        from fairlead.work.applications import compiled

        found = compiled(revisions.files(ctx.database, revision), ctx.app.dialect, revision)
        return found or ctx.app

    found: Application = ctx.app.memo(("application", revision), build)
    return found


def flow_of(ctx: Context, run: Run) -> Approval:
    """Return the flow that a run follows, as it was when it began.

    Raises:
        Refused: That revision cannot be read any more, and the present one has no such flow.
    """
    found = application_of(ctx, run.revision).workspace.approvals.get(run.flow)
    if found is None:
        message = say("Its flow is not part of the configuration any more.", "该审批流程已不在配置中。")
        raise Refused("flow_gone", message, current={"flow": run.flow})
    return found


def is_trusted(ctx: Context) -> bool:
    """Say whether the actor looks after approvals, or is the engine itself."""
    return ctx.actor.is_system or CAPABILITY in ctx.app.capabilities(ctx.actor.roles)


def takes_part(where: Tx, ctx: Context, run: Run) -> bool:
    """Say whether somebody may know of a run: who asks, who is asked, who looks after it, who sees the record."""
    mine = {run.starter, *(t.holder for t in run.tasks), *(t.original for t in run.tasks)}
    if ctx.actor.id in mine or is_trusted(ctx):
        return True
    try:
        records.load(where, ctx, run.entity, run.record_id, ())
    except NotFound:
        return False
    return True


def _facts_of(tx: Tx, ctx: Context, run: Run) -> Facts:
    entity = ctx.app.entities[run.entity]
    values = records.snapshot_in(tx, ctx, run.entity, run.record_id)
    facts = _facts(tx, ctx, flow_of(ctx, run), entity, values)
    return replace(facts, urged=store.urges(tx, run.id))


def _facts(
    tx: Reads, ctx: Context, flow: Approval, entity: CompiledEntity, values: Mapping[str, Any]
) -> Facts:
    return Facts(
        flow=flow, subject=_subject(tx, ctx, entity, values), org=Organisation(tx, ctx.app.workspace), now=ctx.now,
        actor=ctx.actor.id, channel=ctx.door, on_behalf_of=ctx.on_behalf_of, trusted=is_trusted(ctx),
    )  # fmt: skip


def _subject(tx: Reads, ctx: Context, entity: CompiledEntity, values: Mapping[str, Any]) -> Subject:
    return Subject(
        entity.name, str(values["id"]), int(values["version"]), record_title(entity, values), values,
        environment(ctx, tx),  # type: ignore[arg-type]
    )  # fmt: skip


def record_title(entity: CompiledEntity, values: Mapping[str, Any]) -> str:
    """Return what the record is called, as it is kept with the run."""
    fields = entity.entity.fields
    shown = {
        name: kind_of(fields[name]).display(values[name], fields[name])
        if values.get(name) is not None
        else ""
        for name in entity.entity.title_fields
    }
    return entity.entity.title.format_map(shown).strip() or str(values["id"])
