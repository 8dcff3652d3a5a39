"""One act of an approval, one transaction: lock the run, gather the facts, decide, write.

When an effect of the outcome breaks a rule, everything is undone to a savepoint and the decision is taken once more,
as one that waits for help: the click is kept, the record is never half changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Conflict, Failure, FieldError, Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import Application, CompiledEntity
from fairlead.compiled.runs import Run, RunEvent
from fairlead.compiled.tables import column_name
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
    say,
)
from fairlead.fields.registry import kind_of
from fairlead.model.steps import Step
from fairlead.model.workflows import Approval
from fairlead.store import approvals as store
from fairlead.store import dropping, notifications
from fairlead.store.approvals import About
from fairlead.store.database import Database, Duplicate, Tx
from fairlead.work import reactions, records
from fairlead.work.context import SYSTEM_USER, Context, counted_by, environment
from fairlead.work.organisation import Organisation
from fairlead.work.renames import documents_of

CAPABILITY = "approvals"
ATTEMPTS = 3


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


class TooSoon(Refused):
    """It was done a short while ago. `data` has `retry_at` and `retry_after_s`."""

    status = 429


# ---------------------------------------------------------------- one act, one transaction


@dataclass(frozen=True, slots=True)
class _Restarted:
    """The record had changed under the approval; it began again, and the answer to this act is no."""

    decision: Decision


Decided = Decision | Refusal | Replay | NotNeeded
Result = Decided | _Restarted


def on_run(ctx: Context, approval_id: str, take: Callable[[Facts, Run], Decision | Refusal]) -> ActResult:
    """Do something with a whole run. Raises as `in_transaction`."""

    def go(tx: Tx, facts: Facts, run: Run) -> Result:
        return carry_out(tx, ctx, facts, lambda now: take(now, run))

    missing = NotFound("approval", approval_id)
    return in_transaction(ctx, lambda tx: store.about(tx, approval_id), go, missing, None)


def on_task(ctx: Context, task_id: str, take: Callable[[Tx, Facts, Run], Result]) -> ActResult:
    """Do something with one task. Raises as `in_transaction`."""
    missing = NotFound("task", task_id)
    return in_transaction(ctx, lambda tx: store.about_task(tx, task_id), take, missing, task_id)


def in_transaction(
    ctx: Context,
    find: Callable[[Tx], About | None],
    take: Callable[[Tx, Facts, Run], Result],
    missing: NotFound,
    task_id: str | None,
) -> ActResult:
    """Lock, decide and write; again from the start where an edit of the record came in between.

    Raises:
        NotFound: There is no such run for this actor.
        Forbidden, Refused, Invalid: What the decision says.
    """
    attempt = 1
    while True:
        try:
            with ctx.database.write() as tx:
                run = lock_run(tx, ctx, find(tx))
                if run is None or not takes_part(tx, ctx, run):
                    raise missing
                result = take(tx, facts_of(tx, ctx, run), run)
                if isinstance(result, Refusal):
                    if not result.audit:
                        refuse(ctx, result)
                    _note_refusal(tx, ctx, run, result, task_id)
            break
        except Conflict:
            if attempt >= ATTEMPTS:
                raise
            attempt += 1
    if isinstance(result, Refusal):
        refuse(ctx, result)
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


def lock_run(tx: Tx, ctx: Context, about: About | None) -> Run | None:
    """Lock a record and then its run, in the order in which everybody does; None where there is no such run."""
    if about is None:
        return None
    hold_record(tx, ctx, about.entity, about.record_id)
    return store.lock(tx, about.approval_id)


def hold_record(tx: Tx, ctx: Context, entity: str, id: str) -> None:
    """Let nobody else change a record until the transaction ends; on SQLite that is so already."""
    if tx.dialect == "sqlite":
        return
    main = ctx.app.entities[entity].tables.main

    def build() -> sa.Select[Any]:
        return sa.select(main.c.id).where(main.c.id == sa.bindparam("p_id", required=True)).with_for_update()

    tx.one(ctx.app.statement(("hold", entity), build), {"p_id": id})


def carry_out(
    tx: Tx, ctx: Context, facts: Facts, take: Callable[[Facts], Decided], *, restarted: bool = False
) -> Result:
    """Decide and write; when an effect of the outcome breaks a rule, decide once more knowing so."""
    result = take(facts)
    if not isinstance(result, Decision):
        return result
    if not result.of(RunSteps):
        write(tx, ctx, result)
        return _Restarted(result) if restarted else result
    try:
        with tx.savepoint("effects"):
            write(tx, ctx, result)
    except (Invalid, Refused, NotFound) as failure:
        result = take(replace(facts, failure=_named(failure)))
        assert isinstance(result, Decision), "the facts are the same but for the failure"
        write(tx, ctx, result)
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


def write(tx: Tx, ctx: Context, decision: Decision) -> None:
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
                run_steps(tx, ctx, change.steps, run.entity, run.record_id)
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


def run_steps(tx: Tx, ctx: Context, steps: Sequence[Step], entity: str, id: str) -> None:
    """Do what the flow says, in this transaction."""
    if steps:
        reactions.run_steps(tx, ctx, steps, entity, id)


def _note_refusal(tx: Tx, ctx: Context, run: Run, refusal: Refusal, task_id: str | None) -> None:
    """Keep that somebody tried what he may not do."""
    event = RunEvent(
        "refused", ctx.now, ctx.actor.id, ctx.on_behalf_of, run.state, None, run.step, run.round, task_id, None,
        {"code": refusal.code, "channel": ctx.door},
    )  # fmt: skip
    store.add_events(tx, run.id, [event])


def refuse(ctx: Context, refusal: Refusal) -> NoReturn:
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

        # Its rules are asked about records of today, so they must say the names of today.
        found = compiled(documents_of(ctx.database, revision), ctx.app.dialect, revision)
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


def takes_part(where: Database | Tx, ctx: Context, run: Run) -> bool:
    """Say whether somebody may know of a run: who asks, who is asked, who looks after it, who sees the record."""
    mine = {run.starter, *(t.holder for t in run.tasks), *(t.original for t in run.tasks)}
    if ctx.actor.id in mine or is_trusted(ctx):
        return True
    try:
        records.load(where, ctx, run.entity, run.record_id, ())
    except NotFound:
        return False
    return True


def facts_of(tx: Database | Tx, ctx: Context, run: Run) -> Facts:
    """Return what a decision about a run may know."""
    entity = ctx.app.entities[run.entity]
    values = {**_dropped_values(tx, ctx, run), **records.snapshot_in(tx, ctx, run.entity, run.record_id)}
    facts = facts_about(tx, ctx, flow_of(ctx, run), entity, values)
    return replace(facts, urged=store.urges(tx, run.id))


def _dropped_values(tx: Database | Tx, ctx: Context, run: Run) -> Mapping[str, Any]:
    """Return the values of fields that were dropped since a run began: it may ask for them until it ends (CF-60)."""
    then, now = application_of(ctx, run.revision), ctx.app.entities[run.entity]
    if then is ctx.app or run.entity not in then.entities or run.revision is None:
        return {}
    before = then.entities[run.entity]
    gone = [name for name in before.tables.columns if name not in now.entity.fields]
    if not gone:
        return {}
    table = str(now.tables.main.name)
    kept = dropping.columns_dropped_since(tx, table, run.revision)
    found = {name: kept[column_name(name)] for name in gone if column_name(name) in kept}
    values: dict[str, Any] = dict.fromkeys(gone)
    if found:
        stored = dropping.values_at(tx, table, list(found.values()), run.record_id)
        for name, value in zip(found, stored, strict=False):
            field = before.field(name)
            values[name] = None if value is None else kind_of(field).from_stored(value, field)
    return values


def facts_about(
    tx: Database | Tx, ctx: Context, flow: Approval, entity: CompiledEntity, values: Mapping[str, Any]
) -> Facts:
    """Return what a decision about a record may know; no run needs to be there yet."""
    return Facts(
        flow=flow, subject=subject_of(tx, ctx, entity, values, flow), org=Organisation(tx, ctx.app.workspace), now=ctx.now,
        actor=ctx.actor.id, channel=ctx.door, on_behalf_of=ctx.on_behalf_of, trusted=is_trusted(ctx),
        calendar=ctx.calendar(flow.calendar),
    )  # fmt: skip


def subject_of(
    tx: Database | Tx, ctx: Context, entity: CompiledEntity, values: Mapping[str, Any], flow: Approval
) -> Subject:
    """Return the record as decisions of a flow see it, with the business days of its calendar."""
    return Subject(
        entity.name, str(values["id"]), int(values["version"]), record_title(entity, values), values,
        counted_by(ctx, flow.calendar, environment(ctx, tx if isinstance(tx, Tx) else None)),
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
