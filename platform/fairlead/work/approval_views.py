"""What an approver reads before deciding: the facts that matter, and what is not as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from fairlead.base.errors import NotFound
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.runs import Run
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.workflows import Approval
from fairlead.store import approvals as store
from fairlead.work import reading
from fairlead.work.approving import flow_of
from fairlead.work.context import Context
from fairlead.work.reading import Json

Since = Literal["submission", "last_time"]


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that is not as it was; both in JSON."""

    field: Field
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Matter:
    """The record that an approval is about, as this reader may see it.

    Attributes:
        item: The record as JSON, its lines included; None where it is gone or may not be seen.
        facts: What the flow says an approver looks at first.
        tables: Line items among the values that are decided on.
        differences: Against what was submitted, or else against the time before.
        since: What they are differences from.
    """

    entity: CompiledEntity
    item: Json | None
    facts: tuple[Field, ...]
    tables: tuple[Field, ...]
    differences: tuple[Difference, ...]
    since: Since
    flow: Approval


def matter(ctx: Context, approval_id: str) -> Matter:
    """Return what an approval is about.

    Raises:
        NotFound: There is no such approval.
    """
    run = store.load(ctx.database, approval_id)
    if run is None or run.entity not in ctx.app.entities:
        raise NotFound("approval", approval_id)
    return of_run(ctx, run)


def of_run(ctx: Context, run: Run) -> Matter:
    """Return what a run is about."""
    entity, flow = ctx.app.entities[run.entity], flow_of(ctx, run)
    item: Json | None
    try:
        item = reading.get(ctx, run.entity, run.record_id)
    except NotFound:
        item = None
    fields = entity.entity.fields
    names = [name for name in flow.summary if name in fields and item is not None and name in item]
    lines = [
        name for name in dict.fromkeys((*flow.summary, *flow.decisive))
        if name in fields and fields[name].kind == "table" and item is not None and item.get(name)
    ]  # fmt: skip
    differences, since = _differences(ctx, run, entity, item)
    return Matter(
        entity, item, tuple(fields[n] for n in names if fields[n].kind != "table"), tuple(fields[n] for n in lines),
        differences, since, flow,
    )  # fmt: skip


def _differences(
    ctx: Context, run: Run, entity: CompiledEntity, item: Json | None
) -> tuple[tuple[Difference, ...], Since]:
    """Return what changed since it was submitted; where nothing did, what changed since the submission before."""
    if item is None or not run.snapshot:
        return (), "submission"
    found = _compare(entity, item, run.snapshot)
    if found or run.previous is None:
        return found, "submission"
    earlier = store.load(ctx.database, run.previous)
    if earlier is None or not earlier.snapshot:
        return (), "submission"
    return _compare(entity, item, earlier.snapshot), "last_time"


def _compare(entity: CompiledEntity, item: Json, before: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return the fields whose kept value is not what this reader sees now."""
    fields = entity.entity.fields
    return tuple(
        Difference(fields[name], _written_out(fields[name], old), item[name])
        for name, old in before.items()
        if name in fields
        and name in item
        and name not in item.get("_masked", ())
        and not _same(fields[name], old, item[name])
    )


def _same(field: Field, kept: Any, now: Any) -> bool:
    if field.kind != "table":
        return bool(_meaning(field, kept) == _meaning(field, now))
    before, after = kept or (), now or ()
    if len(before) != len(after):
        return False
    return all(
        _meaning(spec, old.get(name)) == _meaning(spec, new.get(name))
        for old, new in zip(before, after, strict=True)
        for name, spec in field.fields.items()
        if name in new and name in old
    )


def _meaning(field: Field, value: Any) -> Any:
    """Return what a value means, however it is written: 9E+2 and 900.00 are one amount."""
    if value in (None, "", []):
        return None
    try:
        return kind_of(field).parse(_written_out(field, value), field)
    except ValueError:
        return value


def _written_out(field: Field, value: Any) -> Any:
    """Return a kept value as JSON has it: exact numbers are kept in their shortest form, such as 9E+2."""
    if field.kind in ("money", "decimal", "percent") and isinstance(value, str):
        return f"{Decimal(value):f}"
    return value
