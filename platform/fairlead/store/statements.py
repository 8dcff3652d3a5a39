"""Statements of the fixed tables, each built once for a dialect and kept as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ClauseElement, ColumnElement

from fairlead.compiled.statement import DialectName, Prepared, prepare
from fairlead.fields.columns import TEXT
from fairlead.store.database import Row

_NO_PARAMS: Mapping[str, object] = {}


class Reads(Protocol):
    """Where a read can run: the database, or an open transaction that sees its own writes."""

    @property
    def dialect(self) -> DialectName:
        """The name of the database's dialect."""
        ...

    def all(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS, /) -> list[Row]:
        """Return all rows."""
        ...

    def one(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS, /) -> Row | None:
        """Return the first row, or None."""
        ...


class Once:
    """A statement that is compiled when it is first needed, once for each dialect.

    `_BY_ID = Once(lambda dialect: sa.select(...))`, then `tx.one(_BY_ID.on(tx), {...})`.
    """

    __slots__ = ("_build", "_kept")

    def __init__(self, build: Callable[[DialectName], ClauseElement]) -> None:
        self._build = build
        self._kept: dict[DialectName, Prepared] = {}

    def on(self, where: Reads) -> Prepared:
        """Return the text for the database behind `where`."""
        found = self._kept.get(where.dialect)
        if found is None:
            found = self._kept[where.dialect] = prepare(self._build(where.dialect), where.dialect)
        return found


def p(name: str) -> sa.BindParameter[str]:
    """Return an open text parameter."""
    return sa.bindparam(name, type_=TEXT)


def n(name: str) -> sa.BindParameter[int]:
    """Return an open parameter for a whole number."""
    return sa.bindparam(name, type_=sa.BigInteger())


def yes(name: str) -> sa.BindParameter[bool]:
    """Return an open parameter that is true or false."""
    return sa.bindparam(name, type_=sa.Boolean())


def word(text: str) -> ColumnElement[str]:
    """Return a constant that stays in the text of the statement.

    A partial index serves a query only where the database can read the constant, not where it is bound.
    """
    return sa.literal_column(f"'{text}'", TEXT)


def insert_all(table: sa.Table, dialect: DialectName, *, skip_duplicates: bool = False) -> ClauseElement:
    """Return the insert of one row with every column bound by its name."""
    values = {column.name: sa.bindparam(column.name, type_=column.type) for column in table.columns}
    if not skip_duplicates:
        return sa.insert(table).values(values)
    return upsert(table, dialect).values(values).on_conflict_do_nothing()


def upsert(table: sa.Table, dialect: DialectName) -> sqlite.Insert:
    """Return an insert that can say what to do on conflict; both dialects have the same methods."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)  # type: ignore[return-value]


def among(column: ColumnElement[str], name: str, dialect: DialectName) -> ColumnElement[bool]:
    """Say that `column` is one of the keys in the parameter `name`, a JSON list (see `listed`)."""
    if dialect == "sqlite":
        return column.in_(sa.select(sa.column("value")).select_from(sa.func.json_each(p(name))))
    keys = sa.func.jsonb_array_elements_text(sa.cast(p(name), postgresql.JSONB))
    return column.in_(sa.select(keys))


def listed(keys: Iterable[str]) -> str:
    """Return keys in the form that `among` reads."""
    return json.dumps(list(keys))


def blank(table: sa.Table) -> dict[str, object]:
    """Return a row of `table` with every column empty, to be filled by an insert."""
    return dict.fromkeys(table.columns.keys())
