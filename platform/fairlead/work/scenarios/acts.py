"""Doing what a test says, each thing through the function that the screens and the API call."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairlead.base.errors import FieldError, Invalid, NotFound
from fairlead.compiled.runs import ACTIVE, Run
from fairlead.model.tests import (
    Act,
    Assign,
    Claim,
    Create,
    Decide,
    Delete,
    Import,
    Move,
    Release,
    Submit,
    Update,
    Wait,
)
from fairlead.store import approvals as runs
from fairlead.work import approvals, imports, pools, records
from fairlead.work.context import Context
from fairlead.work.scenarios.stage import Stage


def perform(stage: Stage, act: Act) -> None:
    """Do one thing, for each record that it is about.

    Raises:
        Failure: It was refused; what was done before it stays.
    """
    match act:
        case Wait():
            _wait(stage, act)
        case Create():
            _create(stage, act)
        case Import():
            _import(stage, act)
        case _:
            for key in stage.each(act.key):
                _perform_on(stage, act, *stage.record(key))


def _wait(stage: Stage, act: Wait) -> None:
    until = act.until if act.duration is None else stage.after(act.duration)
    assert until is not None, "the builder leaves out what says nothing"
    stage.wait_until(until)


def _create(stage: Stage, act: Create) -> None:
    ctx = stage.context(act.who)
    given = stage.values(act.entity, act.values)
    for key in stage.name_new(act.key, act.count):
        saved = records.create(ctx, act.entity, given)
        if key is not None:
            stage.keys[key] = (act.entity, saved.id)


def _perform_on(stage: Stage, act: Act, entity: str, id: str) -> None:
    ctx = stage.context(act.who) if not isinstance(act, Wait) else stage.context(None)
    match act:
        case Update():
            records.update(ctx, entity, id, stage.values(entity, act.values), version=None)
        case Move():
            given = stage.values(entity, act.values)
            records.move(ctx, entity, id, act.to, version=None, given=given, reason=act.reason)
        case Claim():
            pools.claim(ctx, entity, id)
        case Release():
            pools.release(ctx, entity, id, reason=act.reason)
        case Assign():
            records.assign(ctx, entity, id, stage.people[act.to], version=None, reason=act.reason)
        case Delete():
            records.delete(ctx, entity, id, version=None)
        case Submit():
            approvals.submit(ctx, entity, id, version=None, comment=act.comment, flow=act.flow)
        case Decide():
            _decide(stage, ctx, act, entity, id)


# ---------------------------------------------------------------- approvals


def newest_run(stage: Stage, entity: str, id: str) -> Run | None:
    """Return the newest approval of a record, with its tasks."""
    found = runs.of_record(stage.database, entity, id, limit=1)
    return runs.load(stage.database, found[0].id) if found else None


def _decide(stage: Stage, ctx: Context, act: Decide, entity: str, id: str) -> None:
    run = newest_run(stage, entity, id)
    if run is None:
        raise NotFound("approval", id)
    if act.verdict == "withdraw":
        approvals.withdraw(ctx, run.id, comment=act.comment)
        return
    # Somebody who is not asked tries with the task of whoever is: the engine has to say no to that.
    waiting = [task for task in run.tasks if task.state in ACTIVE] or list(run.tasks)
    task = next((one for one in waiting if one.holder == ctx.actor.id), waiting[0] if waiting else None)
    if task is None:
        raise NotFound("task")
    match act.verdict:
        case "approve":
            changes = stage.values(entity, act.values)
            approvals.approve(ctx, task.id, version=task.version, comment=act.comment, changes=changes)
        case "reject":
            approvals.reject(ctx, task.id, version=task.version, comment=act.comment)
        case "return":
            approvals.return_to_starter(ctx, task.id, version=task.version, comment=act.comment)
        case "transfer":
            to = stage.people[act.to] if act.to is not None else ""
            approvals.transfer(ctx, task.id, to, version=task.version, comment=act.comment)


# ---------------------------------------------------------------- files


def _import(stage: Stage, act: Import) -> None:
    """Import rows as a file. Rows that are not taken refuse the act, each with its reason; the others are in."""
    ctx = stage.context(act.who)
    header = list(dict.fromkeys(title for row in act.rows for title in row))
    with tempfile.TemporaryDirectory(prefix="fairlead-test-") as folder:
        file = Path(folder) / "rows.csv"
        _write(file, header, act.rows)
        summary = imports.import_file(ctx, act.entity, file, connector=act.connector)
    if summary.reasons:
        errors = [FieldError(one.field, one.code, one.message) for one in summary.reasons.values()]
        raise Invalid(errors, code=errors[0].code)


def _write(file: Path, header: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, header, restval="")
        writer.writeheader()
        writer.writerows(rows)
