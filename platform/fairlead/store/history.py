"""What happened to records: reading the events, and adding one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from fairlead.base.ids import new_id
from fairlead.store import identities
from fairlead.store.database import Row, Tx
from fairlead.store.statements import Once, Reads, insert_all, n, p
from fairlead.store.system import event

_END = "~"  # after every id


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one record."""

    id: str
    at: str
    entity: str
    record_id: str
    version: int | None
    kind: str
    changes: Mapping[str, Sequence[Any]]
    """Field to [old, new], in stored form."""
    actor: str | None
    door: str
    revision: int | None
    reason: str | None
    cause: str | None
    depth: int
    chain: tuple[str, ...]


_COLUMNS = (
    event.c.id, event.c.at, event.c.entity, event.c.record_id, event.c.version, event.c.kind, event.c.changes,
    event.c.actor, event.c.door, event.c.revision, event.c.reason, event.c.cause, event.c.depth, event.c.chain,
)  # fmt: skip


def _page(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*_COLUMNS)
        .where(event.c.id < p("before"), *conditions)
        .order_by(event.c.id.desc())
        .limit(n("limit"))
    )


_OF_RECORD = Once(lambda _: _page(event.c.record_id == p("record_id")))
_LATEST = Once(lambda _: _page())
_LATEST_OF_KIND = Once(lambda _: _page(event.c.entity == p("entity"), event.c.kind == p("kind")))
_LATEST_OF_ENTITY = Once(lambda _: _page(event.c.entity == p("entity")))
_ONE = Once(lambda _: sa.select(*_COLUMNS).where(event.c.id == p("id")))
_ADD = Once(lambda d: insert_all(event, d))


def of_record(where: Reads, record_id: str, *, before: str | None = None, limit: int = 50) -> list[Event]:
    """Return the events of one record, newest first; `before` is the last id of the page above."""
    rows = where.all(_OF_RECORD.on(where), {"record_id": record_id, "before": before or _END, "limit": limit})
    return _events(where, rows)


def latest(
    where: Reads,
    *,
    entity: str | None = None,
    kind: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Event]:
    """Return the latest events of everything, of one entity, or of one kind of one entity."""
    params = {"entity": entity, "kind": kind, "before": before or _END, "limit": limit}
    statement = _LATEST_OF_KIND if entity and kind else _LATEST_OF_ENTITY if entity else _LATEST
    return _events(where, where.all(statement.on(where), params))


def event_by_id(where: Reads, event_id: str) -> Event | None:
    """Return one event."""
    row = where.one(_ONE.on(where), {"id": event_id})
    return _events(where, [row])[0] if row else None


def add(
    tx: Tx,
    *,
    at: str,
    entity: str,
    record_id: str,
    kind: str,
    door: str,
    actor: str | None,
    changes: Mapping[str, Sequence[object]] | None = None,
    version: int | None = None,
    revision: int | None = None,
    reason: str | None = None,
    cause: str | None = None,
    depth: int = 0,
    chain: Sequence[str] = (),
) -> str:
    """Add an event inside the transaction of the change it tells of; return its id."""
    key = new_id()
    tx.run(
        _ADD.on(tx),
        {
            "id": key, "at": at, "entity": entity, "record_id": record_id, "version": version, "kind": kind,
            "changes": orjson.dumps(changes).decode() if changes else None, "actor": actor, "door": door,
            "revision": revision, "reason": reason, "cause": cause, "depth": depth,
            "chain": json.dumps(list(chain)) if chain else None,
        },
    )  # fmt: skip
    return key


def _events(where: Reads, rows: Sequence[Row]) -> list[Event]:
    """Return the events in the names of today, whatever their fields were called then."""
    oldest = min((row[9] or 0 for row in rows), default=0)
    steps = identities.since(where, oldest) if rows else []
    return [_event_of(row, steps) for row in rows]


def _event_of(row: Row, steps: Sequence[identities.Step]) -> Event:
    values = list(row)
    values[6] = identities.translated(json.loads(values[6]), row[2], row[9], steps) if values[6] else {}
    values[13] = tuple(json.loads(values[13])) if values[13] else ()
    return Event(*values)
