"""The select statements of one entity for one set of roles, each built when its shape is first met.

Pages go by keyset: the last row's order value and id are the token of the next page. Empty values sort first when
ascending and last when descending, on both databases, and never mix with others in one range scan: a page that
runs out of rows with a value goes on with the rows without one in a second statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ColumnElement

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.access import EntityAccess, any_of
from fairlead.compiled.clauses import Clauses
from fairlead.compiled.rows import RowCodec, decoder
from fairlead.compiled.statement import Prepared, prepare
from fairlead.compiled.tables import EntityTables, column_name, searchable
from fairlead.expr.check import Expression
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field

Order = tuple[tuple[str, bool], ...]
"""(field, descending) in order of weight; the id decides last, in the direction of the first."""

After = Literal["start", "value", "empty"]

Conditions = list[ColumnElement[bool]]
Ordering = list[ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class ListShape:
    """Everything of a list request but its values."""

    filter: Expression | None = None
    view: Expression | None = None
    order: Order = ()
    after: After = "start"
    search: bool = False
    offset: bool = False
    fields: tuple[str, ...] | None = None
    ids: bool = False
    """Only records whose id is in the JSON list `p_ids`."""

    def key(self) -> tuple[object, ...]:
        """What tells one statement from another."""
        return (
            self.filter.text if self.filter else None, self.view.text if self.view else None,
            self.order, self.after, self.search, self.offset, self.fields, self.ids,
        )  # fmt: skip


class EntityReads:
    """Statements over one entity on behalf of one set of roles."""

    def __init__(self, tables: EntityTables, access: EntityAccess, clauses: Clauses, dialect: str) -> None:
        self.tables = tables
        self.access = access
        self.dialect = dialect
        self._clauses = clauses
        self._cache: dict[tuple[object, ...], Prepared] = {}
        self._codecs: dict[tuple[str, ...] | None, RowCodec] = {}
        self.stored_fields = tuple(f for f in tables.entity.fields.values() if f.name in tables.columns)
        self.decode_all = decoder(self.stored_fields)

    # ------------------------------------------------------------------ shapes

    def visible_fields(self, wanted: tuple[str, ...] | None = None) -> tuple[Field, ...]:
        """Return the stored fields of which this reader may see something, in document order."""
        seen = self.access.seen
        fields = tuple(f for f in self.stored_fields if f.name in seen)
        if wanted is None:
            return fields
        return tuple(f for f in fields if f.name in wanted or f.name in ("id", "version"))

    def codec(self, wanted: tuple[str, ...] | None = None) -> RowCodec:
        """Return the codec for rows selected with `wanted` fields."""
        found = self._codecs.get(wanted)
        if found is None:
            names = self.access.fields if wanted is None else frozenset(wanted)
            found = self._codecs[wanted] = RowCodec(self.visible_fields(wanted), self.access, names)
        return found

    def require_readable(self, names: Sequence[str], *, where: str) -> None:
        """Refuse a field that this reader may never see in full, in the words used for one that does not exist.

        Raises:
            Invalid: `unknown_field`.
        """
        for name in names:
            if name not in self.access.readable:
                raise unknown_field(name, self.access.readable, where=where)

    # ------------------------------------------------------------------ statements

    def get(self) -> Prepared:
        """Select one record by `p_id`, with a flag for each grant where they differ."""
        return self._prepared(("get",), self._build_get)

    def _build_get(self) -> sa.Select[Any]:
        return self.select(None).where(self.tables.main.c.id == sa.bindparam("p_id", required=True))

    def select(self, wanted: tuple[str, ...] | None, needs: frozenset[str] = frozenset()) -> sa.Select[Any]:
        """Return the columns that `codec(wanted)` reads, of the live records whose fields in `needs` may be seen."""
        columns: list[ColumnElement[Any]] = [self.tables.columns[f.name] for f in self.visible_fields(wanted)]
        if not self.access.uniform:
            for number, grant in enumerate(self.access.read):
                flag = sa.true() if grant.predicate is None else grant.predicate
                columns.append(
                    sa.case((flag, sa.literal_column("1")), else_=sa.literal_column("0")).label(f"g{number}")
                )
        statement = sa.select(*columns).where(sa.text(f"{self.tables.main.name}.deleted_at IS NULL"))
        predicate = self.access.rows(needs)
        return statement if predicate is None else statement.where(predicate)

    def load(self, actions: tuple[str, ...]) -> Prepared:
        """Select one record whole for a decision: all stored fields, `locked_by`, a flag for each grant of
        each action in `actions`, in order, limited to what the reader may see.
        """
        return self._prepared(("load", actions), lambda: self._build_load(actions))

    def _build_load(self, actions: tuple[str, ...]) -> sa.Select[Any]:
        columns: list[ColumnElement[Any]] = [self.tables.columns[f.name] for f in self.stored_fields]
        columns.append(self.tables.main.c.locked_by)
        for action in actions:
            for number, grant in enumerate(self.access.write.get(action, ())):
                flag = sa.true() if grant.predicate is None else grant.predicate
                name = f"{action}_{number}"
                columns.append(
                    sa.case((flag, sa.literal_column("1")), else_=sa.literal_column("0")).label(name)
                )
        statement = sa.select(*columns).where(
            sa.text(f"{self.tables.main.name}.deleted_at IS NULL"),
            self.tables.main.c.id == sa.bindparam("p_id", required=True),
        )
        predicate = self.access.rows()
        return statement if predicate is None else statement.where(predicate)

    def lines(self, field: str) -> Prepared:
        """Select the rows of a line table of the records in `p_ids`, in order."""
        return self._prepared(("lines", field), lambda: self._build_lines(field))

    def line_fields(self, field: str) -> tuple[Field, ...]:
        """Return the readable fields of a line, in order."""
        spec = self.tables.entity.fields[field]
        return tuple(
            row for row in spec.fields.values()
            if row.name in self.tables.line_columns[field] and f"{field}.{row.name}" in self.access.seen
        )  # fmt: skip

    def _build_lines(self, field: str) -> sa.Select[Any]:
        table = self.tables.lines[field]
        columns = [self.tables.line_columns[field][f.name] for f in self.line_fields(field)]
        return (
            sa.select(table.c.parent_id, table.c.id, *columns)
            .where(table.c.parent_id.in_(ids_parameter(self.dialect)))
            .order_by(table.c.parent_id, table.c.position)
        )

    def list(self, shape: ListShape) -> Prepared:
        """Select one page: `p_limit` rows, after `p_value` and `p_after_id` where the shape goes on.

        Raises:
            Invalid: A field of the filter or the order is not this reader's to see.
        """
        return self._prepared(("list", *shape.key()), lambda: self._build_list(shape))

    def count(self, shape: ListShape) -> Prepared:
        """Count the records of a list."""
        return self._prepared(("count", *shape.key()), lambda: self._build_count(shape))

    def _needs(self, shape: ListShape) -> frozenset[str]:
        needs = set()
        for expression in (shape.filter, shape.view):
            if expression is not None:
                needs |= {path[0] for path in record_paths(expression)}
        needs |= {name for name, _ in shape.order}
        return frozenset(needs)

    def _conditions(self, shape: ListShape) -> Conditions:
        found: Conditions = [
            self._clauses.row(expression, self.tables)
            for expression in (shape.view, shape.filter)
            if expression is not None
        ]
        if shape.search:
            found += self.search_conditions()
        if shape.ids:
            found.append(self.tables.main.c.id.in_(ids_parameter(self.dialect)))
        return found

    def search_conditions(self) -> Conditions:
        """Return the conditions of a search: the words are there, and this reader may see where they stand.

        The index holds all searched fields of a record together. On rows where some of them may not be seen in full,
        the words must stand in those that may. Binds what `compiled.search.parameters` returns.
        """
        found: Conditions = [search_condition(self.tables, self.dialect)]
        searched = frozenset(field.name for field in searchable(self.tables.entity))
        if all(searched <= grant.readable for grant in self.access.read):
            return found
        parts = []
        for grant in self.access.read:
            part = grant.predicate
            if not searched <= grant.readable:
                open_to_all = sorted(
                    name for name in searched & grant.readable if name in self.tables.columns
                )
                stands = self._stands_in(open_to_all)
                part = stands if part is None else sa.and_(part, stands)
            parts.append(part)
        allowed = any_of(parts)
        return found if allowed is None else [*found, allowed]

    def _stands_in(self, names: Sequence[str]) -> ColumnElement[bool]:
        """Return whether each word of the search stands in one of the fields `names`."""
        if not names:
            return sa.false()
        given = sa.bindparam("p_words", required=True, type_=sa.Text())
        if self.dialect == "sqlite":
            word: Any = sa.func.json_each(given).table_valued("value").alias("word")
            found_in = sa.func.instr
        else:
            word = (
                sa.func.jsonb_array_elements_text(sa.cast(given, JSONB)).table_valued("value").alias("word")
            )
            found_in = sa.func.strpos
        texts = [_folded(self.tables.columns[name], self.dialect) for name in names]
        nowhere = sa.and_(*[found_in(text, word.c.value) == sa.literal_column("0") for text in texts])
        return ~sa.exists(sa.select(sa.literal_column("1")).select_from(word).where(nowhere))

    def _build_count(self, shape: ListShape) -> sa.Select[Any]:
        needs = self._needs(shape)
        self.require_readable(sorted(needs), where="filter")
        statement = sa.select(sa.func.count()).select_from(self.tables.main)
        statement = statement.where(
            sa.text(f"{self.tables.main.name}.deleted_at IS NULL"), *self._conditions(shape)
        )
        predicate = self.access.rows(needs)
        return statement if predicate is None else statement.where(predicate)

    def _build_list(self, shape: ListShape) -> sa.Select[Any]:
        needs = self._needs(shape)
        self.require_readable(sorted(needs), where="filter")
        for name, _ in shape.order:
            field = self.tables.entity.fields[name]
            if name not in self.tables.columns or not kind_of(field).sortable:
                raise unknown_field(name, self.access.readable, where="order_by")
        conditions = self._conditions(shape)
        ordering, keyset = self._order(shape)
        if not shape.offset:
            statement = self.select(shape.fields, needs).where(*conditions, *keyset)
            return statement.order_by(*ordering).limit(sa.bindparam("p_limit", required=True))
        # A far page: find the ids in the index first, and fetch whole rows for those alone.
        inner_id = self.tables.main.c.id
        inner = sa.select(inner_id).where(sa.text(f"{self.tables.main.name}.deleted_at IS NULL"), *conditions)
        predicate = self.access.rows(needs)
        if predicate is not None:
            inner = inner.where(predicate)
        inner = inner.order_by(*ordering).limit(sa.bindparam("p_limit", required=True))
        inner = inner.offset(sa.bindparam("p_offset", required=True))
        outer = self.select(shape.fields, needs).where(self.tables.main.c.id.in_(inner.subquery().select()))
        return outer.order_by(*ordering)

    def _order(self, shape: ListShape) -> tuple[Ordering, Conditions]:
        main = self.tables.main
        order = [(name, down) for name, down in shape.order if name != "id"]
        down_id = shape.order[0][1] if shape.order else False
        ordering: Ordering = []
        for name, down in order:
            column = main.c[column_name(name)]
            term: ColumnElement[Any] = column.desc() if down else column.asc()
            if self.dialect == "postgresql":
                term = term.nulls_last() if down else term.nulls_first()
            ordering.append(term)
        ordering.append(main.c.id.desc() if down_id else main.c.id.asc())
        if shape.after == "start" or shape.offset:
            return ordering, []
        after_id = sa.bindparam("p_after_id", required=True, type_=sa.Text())
        if not order:
            return ordering, [main.c.id < after_id if down_id else main.c.id > after_id]
        column = main.c[column_name(order[0][0])]
        if shape.after == "empty":
            return ordering, [column.is_(None), main.c.id < after_id if down_id else main.c.id > after_id]
        value = sa.bindparam("p_value", required=True, type_=column.type)
        pair = sa.tuple_(column, main.c.id)
        mark = sa.tuple_(value, after_id)
        return ordering, [pair < mark if down_id else pair > mark]

    def _prepared(self, key: tuple[object, ...], build: Any) -> Prepared:
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) > 2000:  # shapes come from requests; what is not used again may go
                self._cache.clear()
            found = self._cache[key] = prepare(build(), self.dialect)
        return found


def record_paths(expression: Expression) -> set[tuple[str, ...]]:
    """Return the field paths that an expression reads of the record."""
    return {path for path in expression.uses if path}


def unknown_field(name: str, known: frozenset[str], *, where: str) -> Invalid:
    """Return the one answer for a field that is not there and for one that may not be seen."""
    hint = did_you_mean(name, sorted(known))
    en = f"There is no field {name!r} here." + (f" Did you mean {hint!r}?" if hint else "")
    zh = f"这里没有字段“{name}”。" + (f"您是指“{hint}”吗？" if hint else "")
    return Invalid([FieldError(where, "unknown_field", Label({"en": en, "zh": zh}))])


def ids_parameter(dialect: str) -> Any:
    """Return a sub-select of the ids in `p_ids`, a JSON list."""
    ids = sa.bindparam("p_ids", required=True, type_=sa.Text())
    if dialect == "sqlite":
        return sa.select(sa.column("value")).select_from(sa.func.json_each(ids))
    return sa.select(sa.func.jsonb_array_elements_text(sa.cast(ids, JSONB)))


@cache
def _match_text(dialect: str, table: str, search_table: str | None) -> str:
    if dialect == "sqlite":
        return f"{table}.rowno IN (SELECT rowid FROM {search_table} WHERE {search_table} MATCH :p_search)"
    # Found first and apart: in one piece with an ORDER BY, a generic plan may walk the primary key instead.
    return (
        f"{table}.id IN (WITH found AS MATERIALIZED (SELECT id FROM {table} WHERE search @@ CAST(:p_search AS tsquery))"
        " SELECT id FROM found)"
    )


def _folded(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return a column as it is searched: width and case folded."""
    text = sa.func.coalesce(column, sa.literal_column("''"))
    if dialect == "sqlite":
        return sa.func.fl_fold(text)
    return sa.func.lower(sa.func.normalize(text, sa.literal_column("NFKC")))


def search_condition(tables: EntityTables, dialect: str) -> ColumnElement[bool]:
    """Return the full-text condition; `p_search` is made by `fields.folding` for the dialect."""
    return sa.text(_match_text(dialect, tables.main.name, tables.search_table)).bindparams(  # type: ignore[return-value]
        sa.bindparam("p_search", required=True)
    )
