"""Bring a database to the tables that an application needs, inside one transaction.

Compare, describe the difference as values, then execute or print. Nothing is ever dropped here: a column that no
document names any more stays with its values, unseen, so that a rollback brings them back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from fairlead.compiled.application import Application
from fairlead.compiled.statement import Prepared, dialect_of, prepare
from fairlead.compiled.totals import rebuild_statements
from fairlead.store import approvals, formats, indexing, revisions
from fairlead.store.catalogue import Existing, existing
from fairlead.store.database import Database, Tx
from fairlead.store.operations import Operation
from fairlead.store.system import system

__all__ = [
    "Existing",
    "Misfit",
    "Operation",
    "apply",
    "begin",
    "differences",
    "existing",
    "prepare_system",
    "verify",
]


def differences(app: Application, now: Existing) -> list[Operation]:
    """Return what has to be done so that `app` can run, in order."""
    dialect = dialect_of(app.dialect)
    remade = _totals_of_another_shape(app, now)
    tables = app.tables.metadata.sorted_tables
    found = [Operation("drop_table", name, name, f'DROP TABLE "{name}"') for name in sorted(remade)]
    before, after = indexing.changes(
        {
            table.name: {str(index.name): _text(CreateIndex(index), dialect) for index in table.indexes}
            for table in tables
        },
        now,
        dialect=app.dialect,
        fresh={table.name for table in tables if table.name in remade or table.name not in now.columns},
    )
    found += before
    for table in tables:
        have = None if table.name in remade else now.columns.get(table.name)
        if have is None:
            found.append(
                Operation("create_table", table.name, table.name, _text(CreateTable(table), dialect))
            )
        else:
            for column in table.columns:
                if column.name not in have:
                    text = _text(CreateColumn(column), dialect)
                    sql = f'ALTER TABLE "{table.name}" ADD COLUMN {text}'
                    found.append(Operation("add_column", table.name, column.name, sql))
    found += after
    if app.dialect == "sqlite":
        for own in app.tables.by_entity.values():
            name = str(own.search_table)
            if name not in now.columns:
                sql = (
                    f'CREATE VIRTUAL TABLE {name} USING fts5(terms, tokenize="unicode61 remove_diacritics 0")'
                )
                found.append(Operation("create_search", name, name, sql))
    for entity in app.entities.values():
        for totals in entity.totals:
            if totals.table.name in remade or totals.table.name not in now.columns:
                _, fill = rebuild_statements(totals, entity.tables)
                filled = prepare(fill, app.dialect)
                found.append(Operation("rebuild_totals", totals.table.name, entity.name, filled.sql))
    return found


def _totals_of_another_shape(app: Application, now: Existing) -> frozenset[str]:
    """Return the tables of kept totals that are made anew: from the records, which they follow, nothing is lost."""
    kept = [totals.table for entity in app.entities.values() for totals in entity.totals]
    return frozenset(
        table.name
        for table in kept
        if table.name in now.columns
        and {column.name for column in table.columns} != set(now.columns[table.name])
    )


LOCK_WAIT_S = 2
"""How long a statement of a migration waits for others, who wait behind it meanwhile (CF-33)."""

_PATIENCE = prepare(
    sa.text(
        f"SELECT set_config('lock_timeout', '{LOCK_WAIT_S}s', true), "
        "(SELECT set_config(name, '1s', true) FROM pg_settings WHERE name = 'client_connection_check_interval')"
    ),
    "postgresql",
)


class Misfit(Exception):
    """After a migration the tables are not what the application needs; nothing of it may stay."""


def begin(tx: Tx) -> None:
    """Make the open transaction that of a publisher: writers of records come before it or after it.

    On PostgreSQL it waits for nobody longer than `LOCK_WAIT_S`, and ends soon after the process that opened it.

    Raises:
        Blocked: Somebody is writing for longer than that.
    """
    if tx.dialect == "postgresql":
        tx.all(_PATIENCE)
        tx.ddl(f"SELECT pg_advisory_xact_lock({revisions.PUBLISHING})")


def verify(tx: Tx, app: Application) -> None:
    """Compare the tables with what `app` needs, once more and before they are committed.

    Raises:
        Misfit: They differ.
    """
    left = differences(app, existing(tx))
    if left:
        raise Misfit("; ".join(f"{one.kind} {one.table} {one.name}" for one in left))


def apply(tx: Tx, operations: Iterable[Operation]) -> None:
    """Run the operations of a plan in the open transaction."""
    for operation in operations:
        if operation.run is not None:
            operation.run(tx)
        else:
            tx.ddl(operation.sql)


def prepare_system(database: Database) -> None:
    """Make sure that the engine's own tables are there; safe to call by several processes at once."""
    formats.assure_known(database)
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
        formats.note(tx)
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
    text += str(formats.FORMAT)
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
