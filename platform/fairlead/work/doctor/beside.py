"""Totals and search terms are kept beside the records; do they agree with them?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.application import SYSTEM_ROLES, CompiledEntity
from fairlead.compiled.search import index_terms
from fairlead.compiled.statement import prepare
from fairlead.compiled.totals import Totals, rebuild_statements
from fairlead.fields.registry import kind_of
from fairlead.store.database import Database, Row, Tx
from fairlead.work.context import Context
from fairlead.work.doctor.finding import Finding, counted, many


def totals_differ(ctx: Context) -> Iterator[Finding]:
    """Find entities whose kept totals are not what their records add up to."""
    for entity in ctx.app.entities.values():
        for totals in entity.totals:
            wrong = differing(ctx.database, entity, totals)
            if wrong:
                text = (
                    f"The kept totals of {entity.name} differ from its records in {many(wrong, 'row')}; "
                    "reports over them are wrong."
                )
                yield Finding("totals", "error", entity.name, text, mend=True)


def differing(where: Database | Tx, entity: CompiledEntity, totals: Totals) -> int:
    """Return how many combinations of kept totals are not what the records add up to."""
    _, fill = rebuild_statements(totals, entity.tables)
    kept = sa.select(*totals.table.columns, sa.literal_column("0"))
    true = fill.select.add_columns(sa.literal_column("1"))
    width = len(totals.keys)
    sides: tuple[dict[Row, Row], dict[Row, Row]] = ({}, {})
    # One statement sees one state of the database, though people go on working.
    for *values, side in where.all(prepare(sa.union_all(kept, true), where.dialect)):
        numbers = tuple(int(value) for value in values[width:])
        if any(numbers):
            sides[side][tuple(values[:width])] = numbers
    return sum(sides[0].get(key) != sides[1].get(key) for key in sides[0].keys() | sides[1].keys())


def mend_totals(ctx: Context, about: frozenset[str]) -> None:
    """Add the totals up again."""
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            for totals in entity.totals:
                if tx.dialect == "postgresql":
                    # Whoever has changed totals and not yet committed is waited for; whoever comes next adds to ours.
                    tx.ddl(f'LOCK TABLE "{totals.table.name}" IN EXCLUSIVE MODE')
                for statement in rebuild_statements(totals, entity.tables):
                    tx.run(prepare(statement, tx.dialect))


def search_terms(ctx: Context) -> Iterator[Finding]:
    """Find records that cannot be found by their words, and words that lead to no record."""
    for entity in ctx.app.entities.values():
        count = counted(ctx, f"SELECT count(*) FROM {_without_terms(entity)}")
        if count:
            text = f"Not to be found by their words: {many(count, 'record')} of {entity.name}."
            yield Finding("search-missing", "error", entity.name, text, mend=True)
        loose = _loose_terms(entity)
        if loose and (count := counted(ctx, f"SELECT count(*) FROM {loose}")):
            text = f"Search terms of {entity.name} that lead to no record: {count:,}."
            yield Finding("search-loose", "error", entity.name, text, mend=True)


def _without_terms(entity: CompiledEntity) -> str:
    table, search = entity.tables.main.name, entity.tables.search_table
    if search is None:
        return f'"{table}" WHERE search IS NULL AND deleted_at IS NULL'
    return f'"{table}" WHERE deleted_at IS NULL AND rowno NOT IN (SELECT rowid FROM {search})'


def _loose_terms(entity: CompiledEntity) -> str | None:
    table, search = entity.tables.main.name, entity.tables.search_table
    return None if search is None else f'{search} WHERE rowid NOT IN (SELECT rowno FROM "{table}")'


def mend_missing_terms(ctx: Context, about: frozenset[str]) -> None:
    """Write the search terms of records that have none."""
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            ids = tx.all(prepare(sa.text(f"SELECT id FROM {_without_terms(entity)}"), tx.dialect))
            index(tx, ctx, entity, [str(row[0]) for row in ids])


def mend_loose_terms(ctx: Context, about: frozenset[str]) -> None:
    """Take search terms away that lead to no record."""
    for name in sorted(about):
        loose = _loose_terms(ctx.app.entities[name])
        with ctx.database.write() as tx:
            tx.run(prepare(sa.text(f"DELETE FROM {loose}"), tx.dialect))


def index(tx: Tx, ctx: Context, entity: CompiledEntity, ids: Sequence[str]) -> None:
    """Write the search terms of records anew."""
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    load = reads.load(())
    for key in ids:
        row = tx.one(load, {**ctx.params(), "p_id": key})
        if row is None:
            continue
        terms = terms_of(entity, reads.decode_all(row), tx.dialect)
        for statement in entity.writes.index_search():
            tx.run(statement, {"p_id": key, "p_terms": terms})


def terms_of(entity: CompiledEntity, record: Mapping[str, Any], dialect: str) -> str:
    """Return the words under which a record is found."""
    texts = []
    for name in entity.search_fields:
        spec, value = entity.field(name), record.get(name)
        if value is not None and (text := kind_of(spec).search_text(value, spec)):
            texts.append(text)
    return index_terms(texts, dialect)
