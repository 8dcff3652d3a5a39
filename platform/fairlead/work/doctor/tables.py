"""Are the tables what the published configuration and the engine need, and is nothing there that is neither's?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.compiled.statement import prepare
from fairlead.store import catalogue, drift, migrate, settings
from fairlead.store.system import system
from fairlead.work.context import Context
from fairlead.work.doctor.finding import Finding, many


def structure(ctx: Context) -> Iterator[Finding]:
    """Find what is missing, of another type, or foreign (CF-52)."""
    for one in drift.look(ctx.database, ctx.app):
        if one.kind == "missing":
            yield Finding("structure", "error", one.table, one.message, mend=True)
        elif one.kind == "type":
            yield Finding("type", "error", one.name, f"{one.message} `--repair` makes it anew.")
        elif one.kind in drift.FOREIGN:
            yield Finding(
                one.kind, "note", one.name, f"{one.message} `--adopt` leaves it, `--repair` takes it away."
            )
        else:
            yield Finding(one.kind, "note", one.name, one.message)
    yield from _engine_tables(catalogue.existing(ctx.database))


def _engine_tables(now: catalogue.Existing) -> Iterator[Finding]:
    for table in system.sorted_tables:
        have = now.columns.get(table.name)
        if have is None:
            text = f"The engine's table {table.name} is missing."
            yield Finding("engine-table", "error", table.name, text, mend=True)
            continue
        missing = [column.name for column in table.columns if column.name not in have]
        missing += [
            str(index.name) for index in table.indexes if index.name not in now.indexes.get(table.name, ())
        ]
        if missing:
            text = f"The engine's table {table.name} lacks {', '.join(missing)}."
            yield Finding("engine-table", "error", table.name, text, mend=True)


def mend_structure(ctx: Context, _about: frozenset[str]) -> None:
    """Make what is missing; take indexes away that belong to no document."""
    with ctx.database.write() as tx:
        migrate.begin(tx)
        migrate.apply(tx, migrate.differences(ctx.app, catalogue.existing(tx)))


def mend_engine(ctx: Context, about: frozenset[str]) -> None:
    """Make the engine's own tables whole."""
    if "sys_setting" not in about:
        with ctx.database.write() as tx:
            settings.drop(tx, "system")  # the mark that says "all there"
    migrate.prepare_system(ctx.database)


def repair(ctx: Context, found: Sequence[Finding], *, author: str) -> frozenset[str]:
    """Make the tables what the configuration says; return the codes of what has been put right."""
    wanted = {one.about for one in found}
    there = [one for one in drift.look(ctx.database, ctx.app) if one.name in wanted or one.hurts]
    drift.repair(ctx.database, ctx.app, there, author=author, now=iso_utc(ctx.now))
    return frozenset({"structure", "type", "foreign-column", "foreign-table", "foreign-index"})


def adopt(ctx: Context, found: Sequence[Finding]) -> frozenset[str]:
    """Leave what is foreign where it is, as known; return the codes of what has been adopted."""
    with ctx.database.write() as tx:
        drift.adopt(tx, [one.about for one in found if one.code in drift.FOREIGN])
    return drift.FOREIGN


def damage(ctx: Context) -> Iterator[Finding]:
    """Ask SQLite whether its file is sound; PostgreSQL has checksums and tools of its own."""
    if ctx.database.dialect != "sqlite":
        return
    for (text,) in ctx.database.all(prepare(sa.text("PRAGMA quick_check(20)"), "sqlite")):
        if text != "ok":
            yield Finding("damaged-file", "error", "database", f"The database file is damaged: {text}")
    counted = Counter(
        (row[0], row[2]) for row in ctx.database.all(prepare(sa.text("PRAGMA foreign_key_check"), "sqlite"))
    )
    for (table, parent), count in sorted(counted.items()):
        text = f"Pointing at nothing in {parent}: {many(count, 'row')} of {table}."
        yield Finding("loose-row", "error", table, text)
