"""Bring a database to the tables that an application needs, inside one transaction.

Compare, describe the difference as values, then execute or print. Nothing is ever dropped here: a column that no
document names any more stays with its values, unseen, so that a rollback brings them back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from fairlead.compiled.application import Application
from fairlead.compiled.statement import Prepared, dialect_of, prepare
from fairlead.compiled.totals import rebuild_statements
from fairlead.store import approvals, revisions
from fairlead.store.database import Database, Tx
from fairlead.store.system import system

Kind = Literal[
    "create_table", "add_column", "create_index", "drop_index", "create_search", "rebuild_totals", "rename_table",
    "rename_column", "rewrite_values", "drop_table", "convert_values", "fill_values", "recompute_values",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement of a migration."""

    kind: Kind
    table: str
    name: str
    sql: str
    run: Callable[[Tx], None] | None = field(default=None, compare=False, repr=False)
    """What one statement cannot say: values read, worked out and written back. `sql` then shows the write."""


@dataclass(frozen=True, slots=True)
class Existing:
    """What a database has now: columns with their stored type, and indexes, by table."""

    columns: Mapping[str, Mapping[str, str]]
    indexes: Mapping[str, frozenset[str]]

    def fingerprint(self) -> str:
        """Return a digest over all of it; a plan is sealed against a database that has changed since."""
        text = repr(sorted((t, sorted(c.items())) for t, c in self.columns.items()))
        text += repr(sorted((t, sorted(i)) for t, i in self.indexes.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_SQLITE_COLUMNS = prepare(
    sa.text(
        "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"
    ),
    "sqlite",
)
_SQLITE_INDEXES = prepare(
    sa.text("SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"), "sqlite"
)
_SQLITE_VIRTUAL = prepare(
    sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"), "sqlite"
)
_PG_COLUMNS = prepare(
    sa.text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = current_schema()"
    ),
    "postgresql",
)
_PG_INDEXES = prepare(
    sa.text("SELECT tablename, indexname FROM pg_indexes WHERE schemaname = current_schema()"), "postgresql"
)


def existing(where: Database | Tx) -> Existing:
    """Return what the database has now."""
    lite = where.dialect == "sqlite"
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in where.all(_SQLITE_COLUMNS if lite else _PG_COLUMNS):
        columns.setdefault(table, {})[column] = _family(kind)
    if lite:
        for (table,) in where.all(_SQLITE_VIRTUAL):
            columns[table] = {"terms": "text"}
    indexes: dict[str, set[str]] = {}
    for table, index in where.all(_SQLITE_INDEXES if lite else _PG_INDEXES):
        indexes.setdefault(table, set()).add(index)
    return Existing(columns, {table: frozenset(names) for table, names in indexes.items()})


def _family(kind: str) -> str:
    low = kind.lower()
    if "bool" in low:
        return "boolean"
    if "int" in low:
        return "integer"
    if "tsvector" in low:
        return "search"
    return "text"


def differences(app: Application, now: Existing) -> list[Operation]:
    """Return what has to be done so that `app` can run, in order."""
    dialect = dialect_of(app.dialect)
    found: list[Operation] = []
    for table in app.tables.metadata.sorted_tables:
        have = now.columns.get(table.name)
        indexes = {str(index.name): index for index in table.indexes}
        if have is None:
            found.append(
                Operation("create_table", table.name, table.name, _text(CreateTable(table), dialect))
            )
        else:
            for column in table.columns:
                if column.name not in have:
                    text = _text(CreateColumn(column), dialect)
                    found.append(
                        Operation(
                            "add_column",
                            table.name,
                            column.name,
                            f'ALTER TABLE "{table.name}" ADD COLUMN {text}',
                        )
                    )
            found += [
                Operation("drop_index", table.name, gone, f'DROP INDEX "{gone}"')
                for gone in sorted(now.indexes.get(table.name, frozenset()) - indexes.keys())
                if gone.startswith(("ix_", "ux_"))
            ]
        for name, index in sorted(indexes.items()):
            if name not in now.indexes.get(table.name, frozenset()):
                found.append(Operation("create_index", table.name, name, _text(CreateIndex(index), dialect)))
    if app.dialect == "sqlite":
        for tables in app.tables.by_entity.values():
            name = str(tables.search_table)
            if name not in now.columns:
                sql = (
                    f'CREATE VIRTUAL TABLE {name} USING fts5(terms, tokenize="unicode61 remove_diacritics 0")'
                )
                found.append(Operation("create_search", name, name, sql))
    for entity in app.entities.values():
        for totals in entity.totals:
            have = now.columns.get(totals.table.name)
            wanted = {column.name for column in totals.table.columns}
            if have is not None and wanted != set(have):
                # Kept totals can always be made anew from the records, so another shape is another table.
                found = [op for op in found if op.table != totals.table.name]
                found.append(
                    Operation(
                        "rebuild_totals", totals.table.name, entity.name, f'DROP TABLE "{totals.table.name}"'
                    )
                )
                found.append(
                    Operation(
                        "create_table",
                        totals.table.name,
                        totals.table.name,
                        _text(CreateTable(totals.table), dialect),
                    )
                )
                for index in totals.table.indexes:
                    found.append(
                        Operation(
                            "create_index",
                            totals.table.name,
                            str(index.name),
                            _text(CreateIndex(index), dialect),
                        )
                    )
            if have is None or wanted != set(have):
                _, fill = rebuild_statements(totals, entity.tables)
                filled = prepare(fill, app.dialect)
                found.append(Operation("rebuild_totals", totals.table.name, entity.name, filled.sql))
    return found


def apply(tx: Tx, operations: Iterable[Operation]) -> None:
    """Run the operations of a plan in the open transaction."""
    for operation in operations:
        if operation.run is not None:
            operation.run(tx)
        else:
            tx.ddl(operation.sql)


def prepare_system(database: Database) -> None:
    """Make sure that the engine's own tables are there; safe to call by several processes at once."""
    if _has_system(database):
        return
    with database.write() as tx:
        if database.dialect == "postgresql":
            tx.ddl("SELECT pg_advisory_xact_lock(746578)")
        now = existing(tx)
        dialect = dialect_of(database.dialect)
        for table in system.sorted_tables:
            have = now.columns.get(table.name)
            if have is None:
                tx.ddl(_text(CreateTable(table), dialect))
            else:
                for column in table.columns:
                    if column.name not in have:
                        tx.ddl(
                            f'ALTER TABLE "{table.name}" ADD COLUMN {_text(CreateColumn(column), dialect)}'
                        )
            for index in sorted(table.indexes, key=lambda one: str(one.name)):
                if index.name not in now.indexes.get(table.name, frozenset()):
                    tx.ddl(_text(CreateIndex(index), dialect))
        for statement in (*approvals.append_only(database.dialect), *revisions.append_only(database.dialect)):
            tx.ddl(statement)
        tx.run(
            prepare(
                sa.text("INSERT INTO sys_setting (key, value) VALUES ('system', :p_digest) "
                        "ON CONFLICT (key) DO UPDATE SET value = :p_digest").bindparams(
                            sa.bindparam("p_digest", required=True)), database.dialect),
            {"p_digest": _system_digest()},
        )  # fmt: skip


def _system_digest() -> str:
    text = repr(
        [
            (t.name, [c.name for c in t.columns], sorted(str(i.name) for i in t.indexes))
            for t in system.sorted_tables
        ]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _has_system(database: Database) -> bool:
    here: Prepared
    if database.dialect == "sqlite":
        here = prepare(sa.text("SELECT 1 FROM sqlite_master WHERE name = 'sys_setting'"), "sqlite")
    else:
        here = prepare(sa.text("SELECT 1 WHERE to_regclass('sys_setting') IS NOT NULL"), "postgresql")
    if database.one(here) is None:
        return False
    row = database.one(
        prepare(sa.text("SELECT value FROM sys_setting WHERE key = 'system'"), database.dialect)
    )
    return row is not None and row[0] == _system_digest()


def _text(element: sa.schema.ExecutableDDLElement | CreateColumn, dialect: sa.engine.Dialect) -> str:
    return str(element.compile(dialect=dialect)).strip()
