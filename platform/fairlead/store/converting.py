"""Stored values read and written in bulk: what a change of a field finds in its column, and what it leaves there.

A value is converted once however many rows hold it. Rows are read and written in batches by their key, inside the
caller's transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.statement import DialectName, Prepared, prepare
from fairlead.store.database import Row, Tx
from fairlead.store.statements import Reads

BATCH = 2000


@dataclass(frozen=True, slots=True)
class Spot:
    """A column of the database: of a record's own table, or of its line items (`parent` is then the record's table)."""

    table: str
    column: str
    parent: str | None = None

    @property
    def record(self) -> str:
        """The column that holds the key of the record."""
        return "parent_id" if self.parent else "id"


@dataclass(frozen=True, slots=True)
class Held:
    """One value of a column: how many rows hold it, and how many of them lie in the recycle bin."""

    value: Any
    rows: int
    in_bin: int
    kept: Any = None
    """What another column of the same row holds."""


def statement(text: str, dialect: DialectName, *names: str) -> Prepared:
    """Return a statement as text; each of `names` is bound at each run."""
    bound: list[sa.BindParameter[object]] = [sa.bindparam(name, required=True) for name in names]
    return prepare(sa.text(text).bindparams(*bound), dialect)


def held(where: Reads, spot: Spot, beside: str | None = None) -> list[Held]:
    """Return the different values of a column that are not empty, the commonest last of equals left to their order.

    Args:
        beside: Another column of the table; a row counts where either of the two holds something.
    """
    join = f' JOIN "{spot.parent}" AS r ON r.id = t.parent_id' if spot.parent else ""
    bin_ = "r" if spot.parent else "t"
    other = f', t."{beside}"' if beside else ""
    some = f't."{spot.column}" IS NOT NULL' + (f' OR t."{beside}" IS NOT NULL' if beside else "")
    sql = (
        f'SELECT t."{spot.column}", count(*), sum(CASE WHEN {bin_}.deleted_at IS NULL THEN 0 ELSE 1 END){other} '
        f'FROM "{spot.table}" AS t{join} WHERE {some} GROUP BY t."{spot.column}"{other} '
        f'ORDER BY t."{spot.column}"{other}'
    )
    return [
        Held(row[0], int(row[1]), int(row[2]), row[3] if beside else None)
        for row in where.all(statement(sql, where.dialect))
    ]


def records_with(where: Reads, spot: Spot, value: Any, limit: int) -> list[str]:
    """Return the keys of records that hold `value`, in their order."""
    sql = (
        f'SELECT DISTINCT "{spot.record}" FROM "{spot.table}" WHERE "{spot.column}" = :p_value '
        f'ORDER BY "{spot.record}" LIMIT {limit}'
    )
    return [str(row[0]) for row in where.all(statement(sql, where.dialect, "p_value"), {"p_value": value})]


def count(where: Reads, sql: str, **params: object) -> int:
    """Return the one number that `sql` selects."""
    row = where.one(statement(sql, where.dialect, *params), params)
    return int(row[0] or 0) if row else 0


def some(where: Reads, table: str) -> bool:
    """Say whether a table has any rows."""
    return where.one(statement(f'SELECT 1 FROM "{table}" LIMIT 1', where.dialect)) is not None


def rows(
    where: Reads, table: str, columns: Sequence[str], *, condition: str = "", order: str = "id"
) -> Iterator[Row]:
    """Yield the key of each row and the columns asked for, in the order of the keys, a batch at a time."""
    names = "".join(f', "{name}"' for name in columns)
    some = f" AND ({condition})" if condition else ""
    sql = f'SELECT "{order}"{names} FROM "{table}" WHERE "{order}" > :p_after{some} ORDER BY "{order}" LIMIT {BATCH}'
    batch = statement(sql, where.dialect, "p_after")
    after = ""
    while found := where.all(batch, {"p_after": after}):
        yield from found
        after = str(found[-1][0])
        if len(found) < BATCH:
            return


def write(tx: Tx, table: str, column: str, values: Iterable[tuple[str, Any]]) -> int:
    """Write a value into one column of each row (by its key); return how many were written."""
    put = statement(
        f'UPDATE "{table}" SET "{column}" = :p_value WHERE id = :p_id', tx.dialect, "p_value", "p_id"
    )
    done = 0
    waiting: list[Mapping[str, object]] = []
    for key, value in values:
        waiting.append({"p_value": value, "p_id": key})
        if len(waiting) >= BATCH:
            tx.run_many(put, waiting)
            done, waiting = done + len(waiting), []
    if waiting:
        tx.run_many(put, waiting)
    return done + len(waiting)


def convert(
    tx: Tx, table: str, source: str, target: str, change: Callable[[Any, Any], Any], beside: str | None = None
) -> None:
    """Write into `target` what `change` makes of `source` (and of the column `beside`) in each row that holds something."""
    known: dict[tuple[type, Any, Any], Any] = {}

    def changed() -> Iterator[tuple[str, Any]]:
        some = f'"{source}" IS NOT NULL' + (f' OR "{beside}" IS NOT NULL' if beside else "")
        for key, value, *more in rows(tx, table, [source, *([beside] if beside else [])], condition=some):
            other = more[0] if more else None
            mark = (type(value), value, other)
            if mark not in known:
                known[mark] = change(value, other)
            if source != target or known[mark] != value:
                yield str(key), known[mark]

    # Where a column is read and written at once, the keys decide where the next batch begins, so no row is met twice.
    write(tx, table, target, changed())
