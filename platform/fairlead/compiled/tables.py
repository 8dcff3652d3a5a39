"""Tables of the entities, named so that they stay the same from revision to revision.

Names are explicit everywhere (indexes, constraints), because what a migration compares must not depend on
who creates it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, Integer, MetaData, Table, func, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from fairlead.fields.columns import BIGINT, TEXT
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.workspace import Workspace

DATABASE_NAMES = frozenset(
    "rowid oid _rowid_ ctid xmin xmax cmin cmax tableoid rowno deleted_at locked_by search parent_id position".split()
)
"""Names that SQLite or PostgreSQL keep for themselves, or that the engine uses beside the fields."""

LIVE = text("deleted_at IS NULL")

FOLDED = ("text", "email")
"""Kinds that duplicate rules compare without regard to case."""


def column_name(field: str) -> str:
    """Return the column that keeps `field`; the same on both databases."""
    return f"{field}_" if field in DATABASE_NAMES else field


def table_name(entity: str) -> str:
    """Return the table that keeps `entity`."""
    return f"e_{entity}"


def lines_name(entity: str, field: str) -> str:
    """Return the table that keeps the rows of a line field."""
    return f"e_{entity}__{field}"


def index_name(kind: str, table: str, columns: Iterable[str]) -> str:
    """Return an index name under 60 bytes; long ones end in a digest so that they stay distinct."""
    name = f"{kind}_{table}_{'_'.join(columns)}"
    if len(name) <= 60:
        return name
    return f"{name[:50]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class EntityTables:
    """The table of an entity and those of its line fields."""

    entity: Entity
    main: Table
    columns: Mapping[str, Column[object]]
    """Field name → column, for fields that have one."""
    lines: Mapping[str, Table]
    line_columns: Mapping[str, Mapping[str, Column[object]]]
    search_table: str | None
    """SQLite: the full-text table beside it."""


@dataclass(frozen=True, slots=True)
class Tables:
    """All tables of a workspace for one database."""

    metadata: MetaData
    dialect: str
    by_entity: Mapping[str, EntityTables]


def stored(fields: Iterable[Field]) -> list[Field]:
    """Return the fields that have a column of their own (line tables do not)."""
    return [field for field in fields if kind_of(field).column_type(field) is not None]


def build_tables(workspace: Workspace, dialect: str) -> Tables:
    """Return the tables that `workspace` needs on `dialect`."""
    metadata = MetaData()
    by_entity = {
        name: _entity_tables(workspace, entity, metadata, dialect)
        for name, entity in workspace.entities.items()
    }
    return Tables(metadata, dialect, by_entity)


def searchable(entity: Entity) -> list[Field]:
    """Return the fields whose words find a record: those of its title, and those marked."""
    names = dict.fromkeys(
        [*entity.title_fields, *(name for name, field in entity.fields.items() if field.searchable)]
    )
    return [entity.fields[name] for name in names if name in entity.fields]


def _field_column(field: Field) -> Column[object]:
    column_type = kind_of(field).column_type(field)
    assert column_type is not None
    return Column(column_name(field.name), column_type)


def _entity_tables(workspace: Workspace, entity: Entity, metadata: MetaData, dialect: str) -> EntityTables:
    name = table_name(entity.name)
    columns = {field.name: _field_column(field) for field in stored(entity.fields.values())}
    columns["id"].nullable = False
    extra: list[Column[object]] = [Column("deleted_at", TEXT), Column("locked_by", TEXT)]
    if dialect == "sqlite":
        # FTS5 rows are known by whole numbers; SQLite's implicit rowid may change in a VACUUM, this one never does.
        extra.insert(0, Column("rowno", Integer, primary_key=True, autoincrement=True))
    else:
        columns["id"].primary_key = True
        extra.append(Column("search", TSVECTOR))
    table = Table(name, metadata, *extra, *columns.values(), sqlite_autoincrement=False)
    if dialect == "sqlite":
        Index(index_name("ux", name, ["id"]), table.c.id, unique=True)
    else:
        Index(index_name("ix", name, ["search"]), table.c.search, postgresql_using="gin")
    for wanted in _indexes(workspace, entity):
        _add_index(table, wanted, dialect)
    for index in entity.indexes:
        if index.unique:
            _add_unique(table, index.fields)
    for name in dict.fromkeys(rule.match[0] for rule in entity.duplicates):
        _add_duplicate_index(table, entity.fields[name], columns[name])
    for field in entity.fields.values():
        if field.unique:
            where = text(f"deleted_at IS NULL AND {column_name(field.name)} IS NOT NULL")
            Index(
                index_name("ux", name, [column_name(field.name)]), columns[field.name], unique=True,
                sqlite_where=where, postgresql_where=where,
            )  # fmt: skip
    lines: dict[str, Table] = {}
    line_columns: dict[str, Mapping[str, Column[object]]] = {}
    for field in entity.fields.values():
        if field.kind == "table":
            lines[field.name], line_columns[field.name] = _line_table(entity, field, metadata)
    return EntityTables(
        entity, table, columns, lines, line_columns, f"s_{entity.name}" if dialect == "sqlite" else None
    )


def _line_table(
    entity: Entity, field: Field, metadata: MetaData
) -> tuple[Table, Mapping[str, Column[object]]]:
    name = lines_name(entity.name, field.name)
    columns = {row.name: _field_column(row) for row in stored(field.fields.values())}
    table = Table(
        name, metadata,
        Column("id", TEXT, primary_key=True), Column("parent_id", TEXT, nullable=False),
        Column("position", BigInteger, nullable=False), *columns.values(),
        ForeignKeyConstraint(["parent_id"], [f"{table_name(entity.name)}.id"], name=f"fk_{name}", ondelete="CASCADE"),
    )  # fmt: skip
    Index(index_name("ix", name, ["parent_id"]), table.c.parent_id, table.c.position)
    return table, columns


def _indexes(workspace: Workspace, entity: Entity) -> list[tuple[str, ...]]:
    """Return the indexes that the screens of `entity` need, longest first, none a prefix of another.

    An index here is a tuple of field names. The engine has read the lists, boards and roles, so it knows by which
    fields people filter and sort; see `docs/decisions`.
    """
    fields = entity.fields
    orders: list[str] = []
    filters: list[str] = []
    for view in (found for found in workspace.lists.values() if found.entity == entity.name):
        orders += [name for name, _ in view.order] + [name for tab in view.views for name, _ in tab.order]
        filters += view.filters
    filters = [
        name
        for name in dict.fromkeys(filters)
        if name in fields and fields[name].kind in ("choice", "boolean")
    ]
    orders = [name for name in dict.fromkeys(orders) if name in fields and _sortable(fields[name])] or ["id"]
    wanted: list[tuple[str, ...]] = []
    staged = ("stage",) if "stage" in fields else ()
    if "owner" in fields:
        wanted += [("owner", *staged, orders[0], "id"), ("team", "id")]
    leading = filters[:2]
    if "stage" in leading:  # the board and the funnel look by stage first
        leading = ["stage", *[name for name in leading if name != "stage"]]
    if leading:
        wanted += [(*leading, name, "id") for name in orders[:2]]
    if staged and leading[:1] != ["stage"]:
        wanted.append(("stage", "id"))
    wanted.append((orders[0], "id"))
    for field in fields.values():
        if field.kind == "reference" or field.index:
            wanted.append((field.name, "id"))
        if field.kind == "user" and field.origin == "document":
            wanted.append((field.name, "id"))
    if "due_at" in fields:
        wanted.append(("due_at", "id"))
        wanted.append(("pool", "id"))
    wanted += [index.fields for index in entity.indexes if not index.unique]
    cleaned: list[tuple[str, ...]] = []
    for index_fields in wanted:
        once = tuple(dict.fromkeys(index_fields))
        if once and once != ("id",) and once not in cleaned:
            cleaned.append(once)
    return [one for one in cleaned if not any(other != one and other[: len(one)] == one for other in cleaned)]


def _sortable(field: Field) -> bool:
    return kind_of(field).sortable and kind_of(field).column_type(field) is not None


def _add_duplicate_index(table: Table, field: Field, column: Column[object]) -> None:
    """Let a duplicate rule find the records that agree on its first field, written in whatever case."""
    wanted: Any = func.lower(column) if field.kind in FOLDED else column
    Index(
        index_name("ix", table.name, ["same", column.name]), wanted, sqlite_where=LIVE, postgresql_where=LIVE
    )


def _add_unique(table: Table, fields: tuple[str, ...]) -> None:
    """No two live records agree on all of these fields; one with an empty value agrees with nobody."""
    columns = [table.c[column_name(name)] for name in fields]
    where = text(
        " AND ".join(["deleted_at IS NULL", *(f'"{column.name}" IS NOT NULL' for column in columns)])
    )
    Index(
        index_name("ux", table.name, [column.name for column in columns]), *columns, unique=True,
        sqlite_where=where, postgresql_where=where,
    )  # fmt: skip


def _add_index(table: Table, fields: tuple[str, ...], dialect: str) -> None:
    columns = [table.c[column_name(name)] for name in fields]
    expressions: list[Any] = list(columns)
    if dialect == "postgresql":
        # SQLite sorts empty values first; PostgreSQL is told to do the same, so that both page alike.
        expressions = [column if column.name == "id" else column.asc().nulls_first() for column in columns]
    Index(
        index_name("ix", table.name, [column.name for column in columns]), *expressions,
        sqlite_where=LIVE, postgresql_where=LIVE,
    )  # fmt: skip


__all__ = [
    "BIGINT", "EntityTables", "Tables", "build_tables", "column_name", "lines_name", "searchable", "stored",
    "table_name",
]  # fmt: skip
