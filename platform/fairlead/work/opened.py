"""One record as its page needs it: what may be seen, what may be done, what rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.access import ReadGrant
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import EntityReads
from fairlead.decide.edit import Rows
from fairlead.fields.registry import kind_of
from fairlead.work import records
from fairlead.work.context import Context
from fairlead.work.reading import Json, get, title

ACTIONS = ("update", "move", "delete", "assign")


@dataclass(frozen=True, slots=True)
class Opened:
    """A record that somebody looks at."""

    entity: CompiledEntity
    id: str
    item: Json
    """What this person may see, as JSON; lines included."""
    record: Mapping[str, Any]
    """Domain values as rules see them, whoever looks."""
    lines: Mapping[str, Rows]
    locked_by: str | None
    writable: Mapping[str, frozenset[str]]
    """Action → fields; an action that is not allowed on this record is missing."""
    changeable: frozenset[str]
    """What may be changed now: neither the engine's own, nor closed by a rule as the record stands."""

    @property
    def version(self) -> int:
        """The version that was read."""
        return int(self.record["version"])

    @property
    def title(self) -> str:
        """What the record is called, as far as it may be seen."""
        return title(self.entity, self.item)

    @property
    def everything(self) -> dict[str, Any]:
        """The domain values with the lines among them."""
        return {**self.record, **self.lines}


def open_record(ctx: Context, name: str, id: str) -> Opened:
    """Return a record with everything its page needs, in one read and one for each of its line tables.

    Raises:
        NotFound: It is not there, or not this actor's to see.
    """
    entity = records.entity_of(ctx, name)
    reads = ctx.app.reads(name, records.roles_of(ctx))
    statement = ctx.app.statement(("open", name, records.roles_of(ctx)), lambda: _statement(reads))
    row = ctx.database.one(statement, {**records.base_params(ctx), "p_id": id})
    if row is None:
        return _through_task(ctx, name, id)
    width = len(reads.stored_fields)
    record = reads.decode_all(row[:width])
    lines = {
        field: records.read_lines(ctx.database, ctx, entity, field, [id]).get(id, ())
        for field in entity.tables.lines
    }
    flags = iter(row[width + 1 :])
    writable: dict[str, frozenset[str]] = {}
    for action in ACTIONS:
        for grant in reads.access.write.get(action, ()):
            if next(flags):
                writable[action] = writable.get(action, frozenset()) | grant.writable
    grants = [grant for grant in reads.access.read if next(flags)]
    item = _item(reads, record, lines, grants)
    changeable = frozenset[str]()
    if "update" in writable:
        changeable = records.changeable_fields(entity, writable["update"], record, ctx.env())
    return Opened(entity, id, item, record, lines, row[width], writable, changeable)


def _statement(reads: EntityReads) -> sa.Select[Any]:
    """Select a record whole, whether an approval holds it, and a flag for each grant of each action and of reading."""
    main, access = reads.tables.main, reads.access
    columns: list[Any] = [reads.tables.columns[spec.name] for spec in reads.stored_fields]
    columns.append(main.c.locked_by)
    grants = [
        (f"{action}_{n}", grant) for action in ACTIONS for n, grant in enumerate(access.write.get(action, ()))
    ]
    grants += [(f"read_{n}", grant) for n, grant in enumerate(access.read)]  # type: ignore[misc]
    for label, grant in grants:
        flag = sa.true() if grant.predicate is None else grant.predicate
        columns.append(sa.case((flag, sa.literal_column("1")), else_=sa.literal_column("0")).label(label))
    statement = sa.select(*columns).where(
        sa.text(f"{main.name}.deleted_at IS NULL"), main.c.id == sa.bindparam("p_id", required=True)
    )
    predicate = access.rows()
    return statement if predicate is None else statement.where(predicate)


def _through_task(ctx: Context, name: str, id: str) -> Opened:
    """Whoever has been asked to approve a record may read it, and change nothing."""
    item = get(ctx, name, id)
    loaded = records.load(ctx.database, ctx.as_system(), name, id, ())
    return Opened(loaded.entity, id, item, loaded.record, loaded.lines, loaded.locked_by, {}, frozenset())


def _item(
    reads: EntityReads, record: Mapping[str, Any], lines: Mapping[str, Rows], grants: list[ReadGrant]
) -> Json:
    """Return what the grants that reach this record open of it, as JSON."""
    readable: frozenset[str] = frozenset().union(*(grant.readable for grant in grants))
    masked = frozenset().union(*(grant.masked for grant in grants)) - readable
    found: Json = {}
    for spec in reads.stored_fields:
        value, kind = record[spec.name], kind_of(spec)
        if spec.name in readable:
            found[spec.name] = kind.to_json(value, spec)
        elif spec.name in masked:
            found[spec.name] = None if value is None else kind.mask(kind.to_json(value, spec), spec)
    for name, rows in lines.items():
        if name in readable:
            fields = [f for f in reads.line_fields(name) if f"{name}.{f.name}" in readable]
            found[name] = [{f.name: kind_of(f).to_json(row[f.name], f) for f in fields} for row in rows]
    hidden = sorted(n for n in reads.access.fields if "." not in n and n not in found)
    if hidden:
        found["_hidden"] = hidden
    if masked & found.keys():
        found["_masked"] = sorted(masked & found.keys())
    return found
