"""What no document names any more is kept aside under a reserved name, until it is brought back or purged (CF-40).

A reserved name is `_12_phone`: what was called `phone` until revision 12. No document can say such a name, so nothing
reads what lies there, and a new field `phone` begins empty. The register `sys_kept` says what lies where and since when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.base.ids import new_id
from fairlead.compiled.statement import prepare
from fairlead.store.database import Database, Tx
from fairlead.store.operations import Operation
from fairlead.store.statements import Once, Reads, insert_all, n, p
from fairlead.store.system import kept

Reason = Literal["dropped", "foreign", "converted"]

_RESERVED = re.compile(r"_([0-9]+)_(.+)\Z", re.S)


def reserved(revision: int, name: str) -> str:
    """Return the name under which `name` is kept from `revision` on."""
    return f"_{revision}_{name}"


def is_reserved(name: str) -> bool:
    """Say whether `name` is one that only this register gives."""
    return _RESERVED.match(name) is not None


def former(name: str) -> str:
    """Return what a reserved name stands for; itself when it is none."""
    found = _RESERVED.match(name)
    return found[2] if found else name


@dataclass(frozen=True, slots=True)
class Aside:
    """Something that a plan takes out of sight: a column, or with `column` None a table."""

    name: str
    """As the documents called it: `deal`, `deal.phone`, `deal.lines.price`."""
    table: str
    column: str | None
    reason: Reason = "dropped"


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that lies aside, or did."""

    id: str
    name: str
    table: str
    column: str | None
    reason: Reason
    revision: int
    """The one that took it out of sight."""
    at: str
    author: str
    restored_in: int | None
    purged_at: str | None
    purged_by: str | None

    def due_at(self, retention_days: int) -> str:
        """Return the instant from which it may be purged."""
        taken = datetime.fromisoformat(self.at.replace("Z", "+00:00"))
        return iso_utc(taken + timedelta(days=retention_days))


_COLUMNS = (
    kept.c.id, kept.c.name, kept.c.table_name, kept.c.column_name, kept.c.reason, kept.c.revision, kept.c.at,
    kept.c.author, kept.c.restored_in, kept.c.purged_at, kept.c.purged_by,
)  # fmt: skip
_ALL = Once(lambda _: sa.select(*_COLUMNS).order_by(kept.c.revision, kept.c.name, kept.c.id))
_ADD = Once(lambda d: insert_all(kept, d))
_RESTORED = Once(lambda _: sa.update(kept).where(kept.c.id == p("key")).values(restored_in=n("revision")))
_PURGED = Once(
    lambda _: sa.update(kept).where(kept.c.id == p("key")).values(purged_at=p("at"), purged_by=p("author"))
)
_TABLE = Once(lambda _: sa.update(kept).where(kept.c.table_name == p("old")).values(table_name=p("new")))


def everything(where: Reads) -> list[Kept]:
    """Return all that ever lay aside, the oldest first."""
    return [Kept(*row) for row in where.all(_ALL.on(where))]


def aside(where: Reads) -> list[Kept]:
    """Return what lies aside now, the oldest first."""
    return [one for one in everything(where) if one.restored_in is None and one.purged_at is None]


def keep_record(
    tx: Tx,
    revision: int,
    taken: Iterable[Aside],
    restored: Iterable[str],
    operations: Iterable[Operation],
    *,
    author: str,
    now: str,
) -> None:
    """Write down what `revision` took out of sight and what it brought back.

    Args:
        restored: Ids of what it brought back.
        operations: What has been done; what lies aside in a table follows it when the table is renamed.
    """
    for key in restored:
        tx.run(_RESTORED.on(tx), {"key": key, "revision": revision})
    for one in operations:
        if one.kind == "rename_table":
            tx.run(_TABLE.on(tx), {"old": one.table, "new": one.name})
    for each in taken:
        tx.run(
            _ADD.on(tx),
            {
                "id": new_id(), "name": each.name, "table_name": each.table, "column_name": each.column,
                "reason": each.reason, "revision": revision, "at": now, "author": author, "restored_in": None,
                "purged_at": None, "purged_by": None,
            },
        )  # fmt: skip


def columns_dropped_since(where: Reads, table: str, revision: int) -> dict[str, str]:
    """Return former name → reserved name of the columns of `table` that were dropped after `revision`.

    Where one of a name was dropped, made anew and dropped again, the first is the one of `revision`.
    """
    found: dict[str, str] = {}
    for one in aside(where):
        if one.table == table and one.column and one.revision > revision and one.reason == "dropped":
            found.setdefault(former(one.column), one.column)
    return found


def values_at(where: Reads, table: str, columns: Sequence[str], id: str) -> tuple[object, ...]:
    """Return what lies in some columns of a row, by their names in the database; nothing when there is no such row."""
    listed = ", ".join(f'"{column}"' for column in columns)
    statement = sa.text(f'SELECT {listed} FROM "{table}" WHERE id = :p_id')
    row = where.one(prepare(statement.bindparams(p("p_id")), where.dialect), {"p_id": id})
    return tuple(row) if row else ()


def count(database: Database, one: Kept) -> int:
    """Return how many values (of a column) or rows (of a table) lie there; 0 when it is gone."""
    what = f'count("{one.column}")' if one.column else "count(*)"
    row = database.one(prepare(sa.text(f'SELECT {what} FROM "{one.table}"'), database.dialect))
    return int(row[0]) if row else 0


def purge(tx: Tx, things: Iterable[Kept], *, author: str, now: str) -> None:
    """Remove what lies aside, for good; the register remembers who did it and when."""
    # Rows that belong to others go first, and a column before the table around it.
    for one in sorted(things, key=lambda each: (each.column is None, -len(each.table), each.table)):
        tx.ddl(
            f'ALTER TABLE "{one.table}" DROP COLUMN "{one.column}"'
            if one.column
            else f'DROP TABLE "{one.table}"'
        )
        tx.run(_PURGED.on(tx), {"key": one.id, "at": now, "author": author})
