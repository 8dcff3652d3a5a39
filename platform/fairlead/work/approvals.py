"""The one door to approvals: submit, decide, send back, withdraw, hand over, urge, and look after what is stuck.

Each function is one act in one transaction (see `approving`). What there is to see is in `inbox` and offered here
too: `tasks`, `task`, `approval`, `approval_path`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Conflict, Failure, FieldError, Forbidden, Invalid, Refused
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.runs import LIVE, Run
from fairlead.decide import approval as acts
from fairlead.decide import edit
from fairlead.decide.progress import (
    Decision,
    Facts,
    NotNeeded,
    Refusal,
    canonical,
    decisive_fields,
    decisive_hash,
    say,
    step_of,
)
from fairlead.model.workflows import Approval
from fairlead.store import approvals as store
from fairlead.store import people
from fairlead.store.database import Tx
from fairlead.store.statements import Reads
from fairlead.work import records
from fairlead.work.approving import (
    ActResult,
    Result,
    carry_out,
    facts_about,
    facts_of,
    flow_of,
    hold_record,
    lock_run,
    on_run,
    on_task,
    refuse,
    run_steps,
    subject_of,
    write,
)
from fairlead.work.context import Context, environment
from fairlead.work.inbox import approval as approval
from fairlead.work.inbox import approval_path as approval_path
from fairlead.work.inbox import runs_of as runs_of
from fairlead.work.inbox import task as task
from fairlead.work.inbox import tasks as tasks
from fairlead.work.inbox import waiting_for_me as waiting_for_me

READ_AFTER_DONE = timedelta(days=90)
"""How long an approver may still read what he was asked about, once it has ended."""

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
    try:
        records.require(ctx, "update", entity, id)
    except Forbidden:
        # Often it may not be changed just because it has been submitted: a second click deserves the plain answer.
        _none_under_way(ctx.database, entity, id)
        raise
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
    hold_record(tx, ctx, entity, id)
    values = records.snapshot_in(tx, ctx, entity, id)
    chosen = _choose(tx, ctx, compiled, values, flow)
    live = store.lock_live(tx, entity, id, chosen.name)
    facts = facts_about(tx, ctx, chosen, compiled, values)
    stop = acts.may_submit(facts, live)
    if isinstance(stop, Refusal):
        refuse(ctx, stop)
    if version is not None and version != values["version"]:
        raise Conflict(id, expected=version, current={"version": values["version"]})
    if stop is None:
        _no_other(tx, ctx, chosen, entity, id)
        if chosen.on_submitted:
            run_steps(tx, ctx, chosen.on_submitted, entity, id)
            values = records.snapshot_in(tx, ctx, entity, id)
            facts = facts_about(tx, ctx, chosen, compiled, values)
    earlier = store.of_record(tx, entity, id, limit=10)
    previous = next((run.id for run in earlier if run.flow == chosen.name and run.state not in LIVE), None)
    result = carry_out(
        tx,
        ctx,
        facts,
        lambda now: acts.submit(
            now, live=live, previous=previous, revision=ctx.app.revision, comment=comment
        ),
    )
    if isinstance(result, Refusal):
        refuse(ctx, result)
    if isinstance(result, NotNeeded):
        if result.ends is not None:
            write(tx, ctx, result.ends)
        run_steps(tx, ctx, result.steps, entity, id)
        return SubmitResult(False, "not_needed", None, chosen.name)
    assert isinstance(result, Decision)
    return SubmitResult(True, result.run.state, result.run.id, chosen.name)


def _none_under_way(where: Reads, entity: str, id: str) -> None:
    for run in live_runs(where, entity, id):
        if run.state != "returned":
            message = say("An approval of this record is already under way.", "该记录已有正在进行的审批。")
            raise Refused("live_instance", message, current={"approval": run.id, "state": run.state})


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
            return carry_out(tx, ctx, facts, lambda now: acts.restart(now, run), restarted=True)
        edits: dict[str, object] = {}
        if changes:
            facts, edits = _edited(tx, ctx, facts, run, task_id, changes, form, comment)
        return carry_out(
            tx,
            ctx,
            facts,
            lambda now: acts.vote(now, run, task_id, version, verdict, comment=comment, edits=edits),
        )

    return on_task(ctx, task_id, take)


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
    return replace(facts, subject=subject_of(tx, ctx, entity, after, facts.flow)), differences


def return_to_starter(ctx: Context, task_id: str, *, version: int, comment: str | None) -> ActResult:
    """Send the record back to whoever submitted it.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As `reject`.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return carry_out(
            tx, ctx, facts, lambda now: acts.return_to_starter(now, run, task_id, version, comment=comment)
        )

    return on_task(ctx, task_id, take)


def transfer(ctx: Context, task_id: str, to: str, *, version: int, comment: str | None = None) -> ActResult:
    """Hand the task to somebody else, for good.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As `approve`.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return carry_out(
            tx, ctx, facts, lambda now: acts.transfer(now, run, task_id, version, to, comment=comment)
        )

    return on_task(ctx, task_id, take)


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
    return on_run(ctx, approval_id, lambda facts, run: acts.withdraw(facts, run, comment))


def urge(ctx: Context, approval_id: str) -> ActResult:
    """Remind those it waits for.

    Raises:
        TooSoon: They were reminded a short while ago.
        NotFound, Forbidden, Refused: As `withdraw`.
    """
    return on_run(ctx, approval_id, acts.urge)


def comment(ctx: Context, approval_id: str, text: str) -> ActResult:
    """Say something to everybody who takes part.

    Raises:
        NotFound: There is no such approval for this actor.
        Invalid: Nothing was said.
    """
    return on_run(ctx, approval_id, lambda facts, run: acts.comment(facts, run, text))


def resume(ctx: Context, approval_id: str, *, reason: str) -> ActResult:
    """Go on where it was suspended, now that what was wrong is mended.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """
    return on_run(ctx, approval_id, lambda facts, run: acts.resume(facts, run, reason))


def terminate(ctx: Context, approval_id: str, *, reason: str) -> ActResult:
    """End an approval without an outcome.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """
    return on_run(ctx, approval_id, lambda facts, run: acts.terminate(facts, run, reason))


def reassign(ctx: Context, task_id: str, to: str, *, reason: str) -> ActResult:
    """Give somebody's task to somebody else, because the holder cannot answer.

    Raises:
        NotFound, Forbidden, Refused, Invalid: As the others.
    """

    def take(tx: Tx, facts: Facts, run: Run) -> Result:
        return carry_out(tx, ctx, facts, lambda now: acts.reassign(now, run, task_id, to, reason))

    return on_task(ctx, task_id, take)


# ---------------------------------------------------------------- what others cause


def cancel_for_record(tx: Tx, ctx: Context, entity: str, id: str, *, reason: str) -> int:
    """End every approval of a record that is being deleted by force; return how many there were."""
    ended = 0
    hold_record(tx, ctx, entity, id)
    for found in store.of_record(tx, entity, id):
        run = store.lock(tx, found.id) if found.state in LIVE else None
        if run is None:
            continue
        facts = replace(facts_of(tx, ctx, run), trusted=True)
        result = acts.terminate(facts, run, reason, code="record_deleted")
        if isinstance(result, Decision):
            write(tx, ctx, result)
            ended += 1
    return ended


def live_runs(where: Reads, entity: str, id: str) -> list[Run]:
    """Return the approvals under way for a record, without their tasks."""
    return [run for run in store.of_record(where, entity, id) if run.state in LIVE]


def replace_leaver(tx: Tx, ctx: Context, user_id: str, *, successor: str | None = None) -> int:
    """Give every seat of somebody who leaves to a successor, the manager or an administrator; return how many."""
    moved = 0
    for task_id, approval_id in store.held_by(tx, user_id):
        run = lock_run(tx, ctx, store.about(tx, approval_id))
        if run is None or not run.is_live:
            continue
        facts = replace(facts_of(tx, ctx, run), trusted=True)
        above = people.manager_of(tx, user_id)
        candidates = [successor, above, *(person.id for person in facts.org.admins())]
        note = "the account was closed"
        for to in (key for key in candidates if key and key != user_id):
            result = acts.reassign(facts, run, task_id, to, note)
            if isinstance(result, Decision):
                write(tx, ctx, result)
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
            run = lock_run(tx, ctx, store.about_task(tx, task_id))
            task = run.task(task_id) if run else None
            if run is None or task is None:
                continue
            result = acts.remind(facts_of(tx, ctx, run), run, task)
            if result is not None:
                write(tx, ctx, result)
                done += 1
    return done


def may_read_through_task(ctx: Context, entity: str, id: str) -> bool:
    """Say whether somebody may read a record because he is, or was until lately, asked about it."""
    since = iso_utc(ctx.now - READ_AFTER_DONE)
    return store.reads_through_task(ctx.database, ctx.actor.id, entity, id, since=since)
