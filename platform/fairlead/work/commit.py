"""The one writer. Everything that changes a record goes through here, for every door.

One call writes, in the caller's transaction: the row, its line rows, the event (history and outbox in one), stage
visits, ownership events, kept totals, search terms, and the jobs of the automations that match.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from fairlead.base.errors import Conflict, FieldError, Invalid
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.rows import stored_values
from fairlead.compiled.search import index_terms
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name
from fairlead.decide.edit import Rows
from fairlead.fields.registry import kind_of
from fairlead.store import history, numbers, ownership, revisions, visits
from fairlead.store.database import Duplicate, Tx
from fairlead.store.gathering import Gathering, add_up

if TYPE_CHECKING:
    from fairlead.work.context import Context

Values = Mapping[str, Any]

_SHARED = prepare(sa.text(f"SELECT pg_advisory_xact_lock_shared({revisions.PUBLISHING})"), "postgresql")
_CONFIG_CHANGED = Label({
    "en": "The configuration has just changed. Please repeat what you did.",
    "zh": "配置刚刚更新，请重新操作一次。",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written of one record. Values are domain values.

    `old` is the record before, None for a new one. `values` holds what changes; for a new record everything.
    """

    entity: CompiledEntity
    id: str
    kind: str
    values: Mapping[str, Any]
    old: Mapping[str, Any] | None = None
    lines: Mapping[str, Rows] = field(default_factory=dict)
    old_lines: Mapping[str, Rows] = field(default_factory=dict)
    reason: str | None = None
    pool: str | None = None
    """For changes of owner: the pool a record comes from or goes to."""
    rule: str | None = None
    idempotency_key: str | None = None


def write(tx: Tx, ctx: Context, change: Change) -> int:
    """Write one change and everything that follows from it; return the record's new version.

    Raises:
        Conflict: Somebody changed the record since it was read.
        Invalid: A unique field has this value already.
    """
    _still_in_force(tx, ctx)
    return _write(tx, ctx, change)


def _write(tx: Tx, ctx: Context, change: Change) -> int:
    return _insert(tx, ctx, change) if change.old is None else _update(tx, ctx, change)


def _still_in_force(tx: Tx, ctx: Context) -> None:
    """Refuse to write under a revision that is no longer in force: columns and kept totals may be others now.

    On PostgreSQL a publisher waits for the writers that hold this lock, and those that come later see its revision; on
    SQLite only one writes at a time anyway.

    Raises:
        Conflict: `config_changed`; the same request, sent again, goes by the new revision.
    """
    if tx.dialect == "postgresql":
        tx.all(_SHARED)
    newest = revisions.current_number(tx)
    if newest is not None and newest != ctx.app.revision and ctx.app.revision:
        raise config_changed()


def config_changed() -> Conflict:
    """Return the failure of a request whose configuration is no longer in force (CF-34)."""
    return Conflict(code="config_changed", status=409, message=_CONFIG_CHANGED)


def _insert(tx: Tx, ctx: Context, change: Change) -> int:
    entity = change.entity
    values = dict(change.values)
    _take_numbers(tx, ctx, entity, values)
    actor = ctx.actor.id
    values.update(
        id=change.id, version=1, created_at=ctx.now, created_by=actor, updated_at=ctx.now, updated_by=actor
    )
    stored: dict[str, Any] = {}
    params: dict[str, object] = {}
    for name, parameter, encode in entity.writes.parameters:
        value = values.get(name)
        if value is not None and encode is not None:
            value = encode(value)
        stored[name] = params[parameter] = value
    statement = entity.writes.insert(entity.tables.columns)
    terms = _terms(entity, values, tx.dialect)
    with _DuplicatesNamed(entity):
        tx.run(statement, params if tx.dialect == "sqlite" else {**params, "p_terms": terms})
    if tx.dialect == "sqlite":
        tx.run(entity.writes.insert_search(), {"p_id": change.id, "p_terms": terms})
    _write_lines(tx, entity, change)
    changes: dict[str, Sequence[Any]] = {
        name: (None, stored[name]) for name in entity.writes.told if stored[name] is not None
    }
    _line_changes(change, changes)
    for totals in entity.totals:
        totals.add(tx, None, stored)
    _after(tx, ctx, change, 1, changes, {**values, **change.lines})
    return 1


def _update(tx: Tx, ctx: Context, change: Change) -> int:
    entity, old = change.entity, change.old
    assert old is not None
    fields = entity.entity.fields
    values = {name: value for name, value in change.values.items() if value != old.get(name)}
    changed_lines = {name: rows for name, rows in change.lines.items() if rows != change.old_lines.get(name)}
    if not values and not changed_lines:
        return int(old["version"])  # a change that changes nothing leaves no version and no event (JB-2)
    if "stage" in values and "stage_entered_at" in fields:
        values["stage_entered_at"] = ctx.now
    version = int(old["version"]) + 1
    written = {**values, "version": version, "updated_at": ctx.now, "updated_by": ctx.actor.id}
    stored = stored_values({n: v for n, v in written.items() if n in entity.tables.columns}, fields)
    statement = entity.writes.update(stored)
    params: dict[str, object] = {f"v_{column_name(name)}": value for name, value in stored.items()}
    params |= {"p_id": change.id, "p_version": old["version"]}
    with _DuplicatesNamed(entity):
        touched = tx.run(statement, params)
    if touched != 1:
        # The record was changed between the read and this write; the version in the WHERE clause decides.
        raise Conflict(change.id, expected=int(old["version"]))
    if changed_lines:
        _write_lines(tx, entity, change, only=changed_lines)
    before = stored_values({n: old.get(n) for n in values if n in entity.tables.columns}, fields)
    changes: dict[str, Sequence[Any]] = {
        name: (before.get(name), stored[name])
        for name in values
        if name in before
        and fields[name].origin != "system"
        and fields[name].history
        and name != "stage_entered_at"
    }
    _line_changes(change, changes, only=changed_lines)
    record = {**old, **values, **change.old_lines, **changed_lines}
    if any(name in values for name in entity.search_fields):
        params = {"p_id": change.id, "p_terms": _terms(entity, record, tx.dialect)}
        for search in entity.writes.index_search():
            tx.run(search, params)
    for totals in entity.totals:
        if totals.reads & stored.keys():
            counted = stored_values({n: old.get(n) for n in totals.reads}, fields)
            totals.add(tx, counted, {**counted, **stored})
    _after(tx, ctx, change, version, changes, record)
    return version


def remove(tx: Tx, ctx: Context, change: Change) -> None:
    """Put a record into the recycle bin.

    Raises:
        Conflict: Somebody changed it since it was read.
    """
    assert change.old is not None
    entity = change.entity
    _still_in_force(tx, ctx)
    done = tx.run(
        entity.writes.remove(),
        {
            "p_id": change.id,
            "p_version": change.old["version"],
            "v_deleted_at_": ctx.stamp,
            "v_deleted_at": ctx.stamp,
        },
    )
    if done != 1:
        raise Conflict(change.id, expected=int(change.old["version"]))
    for totals in entity.totals:
        totals.add(
            tx, stored_values({n: change.old.get(n) for n in totals.reads}, entity.entity.fields), None
        )
    _event(tx, ctx, change, int(change.old["version"]) + 1, {})


def _after(
    tx: Tx, ctx: Context, change: Change, version: int, changes: Mapping[str, Sequence[Any]], record: Values
) -> None:
    event_id = _event(tx, ctx, change, version, changes)
    entity = change.entity
    if entity.machine is not None and "stage" in change.values:
        old_stage = change.old.get("stage") if change.old else None
        if change.values["stage"] != old_stage:
            visits.enter(
                tx, entity.name, change.id, str(change.values["stage"]), at=ctx.stamp, by=ctx.actor.id,
                reason=change.reason, first=change.old is None,
            )  # fmt: skip
    if entity.pools and "owner" in change.values:
        old_owner = change.old.get("owner") if change.old else None
        if change.values["owner"] != old_owner or change.old is None:
            ownership.add(
                tx, entity=entity.name, record_id=change.id, kind=change.kind, from_owner=old_owner,
                to_owner=change.values["owner"], pool=change.pool, rule=change.rule, reason=change.reason,
                at=ctx.stamp, actor=ctx.actor.id, idempotency_key=change.idempotency_key,
            )  # fmt: skip
    if ctx.app.triggers.concern(entity.name):
        from fairlead.work import triggers

        triggers.match(tx, ctx, triggers.ChangeEvent(event_id, entity.name, change.id, change.kind, version,
                                                     tuple(changes)), change.old, record)  # fmt: skip


def _event(tx: Tx, ctx: Context, change: Change, version: int, changes: Mapping[str, Sequence[Any]]) -> str:
    cause = ctx.cause
    return history.add(
        tx, at=ctx.stamp, entity=change.entity.name, record_id=change.id, kind=change.kind, door=ctx.door,
        actor=ctx.actor.id, changes=changes, version=version, revision=ctx.app.revision, reason=change.reason,
        cause=cause.event_id if cause else None, depth=cause.depth if cause else 0, chain=cause.chain if cause else (),
    )  # fmt: skip


def _write_lines(tx: Tx, entity: CompiledEntity, change: Change, only: Iterable[str] | None = None) -> None:
    for name, rows in change.lines.items():
        if only is not None and name not in only:
            continue
        if change.old is not None:
            tx.run(entity.writes.delete_lines(name), {"p_id": change.id})
        spec = entity.entity.fields[name]
        columns = entity.tables.line_columns[name]
        stored = [
            {
                **{f"v_{column_name(c)}": v for c, v in stored_values({c: row.get(c) for c in columns}, spec.fields).items()},
                "v_id": new_id(), "v_parent_id_": change.id, "v_position_": number,
                "v_parent_id": change.id, "v_position": number,
            }
            for number, row in enumerate(rows)
        ]  # fmt: skip
        if stored:
            tx.run_many(entity.writes.insert_line(name), stored)


def _line_changes(
    change: Change, changes: dict[str, Sequence[Any]], only: Iterable[str] | None = None
) -> None:
    for name, rows in change.lines.items():
        if only is not None and name not in only:
            continue
        spec = change.entity.entity.fields[name]
        before = change.old_lines.get(name, ())
        if rows or before:
            changes[name] = (
                [stored_values(row, spec.fields) for row in before],
                [stored_values(row, spec.fields) for row in rows],
            )


def _take_numbers(tx: Tx, ctx: Context, entity: CompiledEntity, values: dict[str, Any]) -> None:
    for spec in entity.numbered:
        if values.get(spec.name) is None:
            values[spec.name] = sequence_text(tx, entity.name, spec.name, spec.params, ctx.now)


def sequence_text(tx: Tx, entity: str, field_name: str, params: Mapping[str, Any], now: datetime) -> str:
    """Take the next document number, such as `QT-2026-00042`."""
    reset = str(params.get("reset", "year"))
    period = {"year": f"{now:%Y}", "month": f"{now:%Y-%m}"}.get(reset, "")
    number = numbers.next_number(tx, f"{entity}.{field_name}", period)
    pattern = str(params.get("format", "{n:05}"))
    return pattern.format(year=f"{now:%Y}", month=f"{now:%m}", day=f"{now:%d}", n=number)


def _terms(entity: CompiledEntity, values: Values, dialect: str) -> str:
    """Return the search terms of a record."""
    texts = []
    for name in entity.search_fields:
        spec = entity.entity.fields[name]
        value = values.get(name)
        if value is not None:
            found = kind_of(spec).search_text(value, spec)
            if found:
                texts.append(found)
    return index_terms(texts, dialect)


class _DuplicatesNamed:
    """Say which field a unique index refused."""

    __slots__ = ("_entity",)

    def __init__(self, entity: CompiledEntity) -> None:
        self._entity = entity

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, Duplicate):
            return
        text = error.columns
        for name in self._entity.entity.fields:
            column = column_name(name)
            if text.endswith((f".{column}", f"_{column}")):
                label = self._entity.entity.fields[name].label
                raise Invalid(
                    [FieldError(name, "duplicate", Label({
                        "en": f"There is a record with this {label.get('en')} already.",
                        "zh": f"已有相同“{label.get('zh')}”的记录。",
                    }))],
                    code="duplicate",
                ) from error  # fmt: skip
        raise Invalid(
            [
                FieldError(
                    "",
                    "duplicate",
                    Label({"en": "There is such a record already.", "zh": "已有相同的记录。"}),
                )
            ],
            code="duplicate",
        ) from error


def write_many(tx: Tx, ctx: Context, changes: Sequence[Change]) -> list[int]:
    """Write changes of different records as `write` writes each, with few statements; return their new versions.

    Raises:
        Duplicate: A unique field has this value already. Which record it was is not known: undo the batch and write
            one at a time.
        Conflict: As `write`.
    """
    entities = {change.entity.name: change.entity for change in changes}.values()
    late = [
        statement
        for entity in entities
        if tx.dialect != "sqlite"
        for statement in entity.writes.index_search()
    ]
    merge = [
        (totals.upsert, add_up([f"k_{name}" for name in totals.keys]))
        for entity in entities
        for totals in entity.totals
    ]
    _still_in_force(tx, ctx)  # once: it holds until the transaction ends
    with Gathering(tx, late=late, merge=merge) as gathered:
        return [_write(gathered, ctx, change) for change in changes]
