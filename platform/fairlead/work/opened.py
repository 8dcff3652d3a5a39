"""One record as its page needs it: what may be seen, what may be done, what rules look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairlead.base.errors import NotFound
from fairlead.compiled.application import CompiledEntity
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
    """Return a record with everything its page needs.

    Raises:
        NotFound: It is not there, or not this actor's to see.
    """
    try:
        loaded = records.load(ctx.database, ctx, name, id, ACTIONS)
    except NotFound:
        return _through_task(ctx, name, id)
    access = ctx.app.access(name, records.roles_of(ctx))
    item = _item(ctx, loaded) if access.uniform else get(ctx, name, id)
    writable = loaded.writable.get("update", frozenset())
    changeable = records.changeable_fields(loaded.entity, writable, loaded.record, ctx.env()) if writable else frozenset()
    return Opened(loaded.entity, id, item, loaded.record, loaded.lines, loaded.locked_by, loaded.writable, changeable)


def _through_task(ctx: Context, name: str, id: str) -> Opened:
    """Whoever has been asked to approve a record may read it, and change nothing."""
    item = get(ctx, name, id)
    loaded = records.load(ctx.database, ctx.as_system(), name, id, ())
    return Opened(loaded.entity, id, item, loaded.record, loaded.lines, loaded.locked_by, {}, frozenset())


def _item(ctx: Context, loaded: records.Loaded) -> Json:
    """Return a record as JSON where all of its rows show the same fields: no second read is needed."""
    reads = ctx.app.reads(loaded.entity.name, records.roles_of(ctx))
    access = reads.access
    found: Json = {}
    for spec in reads.visible_fields():
        value = loaded.record[spec.name]
        kind = kind_of(spec)
        if spec.name in access.masked:
            found[spec.name] = None if value is None else kind.mask(value, spec)
        else:
            found[spec.name] = kind.to_json(value, spec)
    for name, rows in loaded.lines.items():
        if name in access.seen:
            fields = reads.line_fields(name)
            found[name] = [{f.name: kind_of(f).to_json(row[f.name], f) for f in fields} for row in rows]
    hidden = sorted(n for n in access.fields - access.seen if "." not in n)
    if hidden:
        found["_hidden"] = hidden
    if access.masked:
        found["_masked"] = sorted(access.masked & found.keys())
    return found
