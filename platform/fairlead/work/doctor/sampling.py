"""The newest records, worked out anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from fairlead.base.errors import Invalid
from fairlead.compiled.application import SYSTEM_ROLES, CompiledEntity, computed_order
from fairlead.compiled.statement import prepare
from fairlead.decide.edit import compute
from fairlead.expr.evaluate import Env
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store.statements import Once, n
from fairlead.work.context import Context
from fairlead.work.doctor.beside import index, terms_of
from fairlead.work.doctor.finding import Finding, many
from fairlead.work.records import read_lines


def newest(ctx: Context, entity: CompiledEntity, limit: int) -> Iterator[Finding]:
    """Work the newest records of an entity out anew and find what differs from what is kept."""
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    newest = Once(lambda _: sa.select(entity.tables.main.c.id).where(sa.text("deleted_at IS NULL"))
                  .order_by(entity.tables.main.c.id.desc()).limit(n("most")))  # fmt: skip
    ids = [str(row[0]) for row in ctx.database.all(newest.on(ctx.database), {"most": limit})]
    lines = {field: read_lines(ctx.database, ctx, entity, field, ids) for field in entity.tables.lines}
    terms = _kept_terms(ctx, entity, ids)
    env = ctx.env()
    wrong: Counter[tuple[str, bool]] = Counter()
    stale = 0
    load = reads.load(())
    for key in ids:
        row = ctx.database.one(load, {**ctx.params(), "p_id": key})
        if row is None:
            continue
        record = reads.decode_all(row)
        own = {field: found.get(key, ()) for field, found in lines.items()}
        wrong.update(_wrong_fields(entity, {**record, **own}, own, env))
        stale += terms is not None and terms.get(key) != terms_of(entity, record, "sqlite")
    for (field, ages), count in sorted(wrong.items()):
        about = f"{entity.name}.{field}"
        share = f"in {count} of the {len(ids)} newest records"
        if ages:
            text = f"{about} would be another value today {share}; it is worked out when a record is saved."
            yield Finding("formula-aged", "note", about, text)
        else:
            text = f"{about} is not what its formula gives {share}; saving them works it out anew."
            yield Finding("formula-wrong", "error", about, text)
    if stale:
        text = f"Found by other words than those they have: {many(stale, 'record')} of {entity.name}."
        yield Finding("search-stale", "error", entity.name, text, mend=True)


def _wrong_fields(
    entity: CompiledEntity, record: Mapping[str, Any], lines: Mapping[str, Any], env: Env
) -> Iterator[tuple[str, bool]]:
    """Yield the computed fields that differ, with whether time or other records explain it."""
    for name in entity.formulas:
        spec = entity.field(name)
        if _differs(spec, record, lines, env):
            yield name, _ages(spec, entity.entity.fields)
    for field, rows in lines.items():
        columns = entity.field(field).fields
        for name in computed_order(columns):
            if any(_differs(columns[name], row, {}, env) for row in rows):
                yield f"{field}.{name}", _ages(columns[name], columns)


def _differs(spec: Field, record: Mapping[str, Any], lines: Mapping[str, Any], env: Env) -> bool:
    kind = kind_of(spec)
    kept = record.get(spec.name)
    try:
        true = compute(spec, record, lines, env)
        return (None if true is None else kind.to_stored(true, spec)) != (
            None if kept is None else kind.to_stored(kept, spec)
        )
    except (Invalid, ValueError, ArithmeticError):
        return True


def _ages(spec: Field, fields: Mapping[str, Field]) -> bool:
    """Whether a formula rests on the time, the person, or what stands in another record."""
    if spec.formula is None:
        return False
    if spec.formula.names & {"now", "today", "user"} or any(
        name.startswith("user.") for name in spec.formula.names
    ):
        return True
    return any(
        len(path) > 1 and fields[path[0]].kind != "table" for path in spec.formula.uses if path[0] in fields
    )


def _kept_terms(ctx: Context, entity: CompiledEntity, ids: Sequence[str]) -> dict[str, str] | None:
    """Return what is kept for the search, by record; None where it cannot be read back as text."""
    table = entity.tables.search_table
    if table is None or not ids:
        return None
    main = entity.tables.main.name
    last = min(ids)
    statement = sa.text(
        f'SELECT r.id, s.terms FROM "{main}" r JOIN {table} s ON s.rowid = r.rowno WHERE r.id >= :p_id'
    ).bindparams(sa.bindparam("p_id", required=True))
    return {
        str(key): str(terms) for key, terms in ctx.database.all(prepare(statement, "sqlite"), {"p_id": last})
    }


def mend_stale_terms(ctx: Context, about: frozenset[str]) -> None:
    """Write all search terms of the entities anew."""
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            ids = tx.all(prepare(sa.text(f'SELECT id FROM "{entity.tables.main.name}"'), tx.dialect))
            index(tx, ctx, entity, [str(row[0]) for row in ids])
