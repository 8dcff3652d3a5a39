"""Stays in stages, and references: do they lead somewhere?"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.fields.spec import Field
from fairlead.store.statements import Once
from fairlead.store.system import stage_visit
from fairlead.work.context import Context
from fairlead.work.doctor.finding import Finding, counted, many

_VISITED = Once(lambda _: sa.select(stage_visit.c.entity, sa.func.count()).group_by(stage_visit.c.entity))

_ENGINE_ACTORS = "'system'"


def stays(ctx: Context) -> Iterator[Finding]:
    """Find stays in stages that lead nowhere, and records in stages that are none."""
    for name, count in ctx.database.all(_VISITED.on(ctx.database)):
        entity = ctx.app.entities.get(name)
        if entity is None:
            text = f"Stays in a stage of {name}, which is no entity any more: {count:,}."
            yield Finding("visit-foreign", "note", name, text)
            continue
        loose = counted(
            ctx, f"SELECT count(*) FROM sys_stage_visit v WHERE v.entity = '{name}' AND NOT EXISTS "
            f'(SELECT 1 FROM "{table_name(name)}" r WHERE r.id = v.record_id)',
        )  # fmt: skip
        if loose:
            text = (
                f"Stays in a stage of {name} that belong to no record, and are counted by reports: {loose:,}."
            )
            yield Finding("visit-loose", "error", name, text)
    for entity in ctx.app.entities.values():
        if entity.machine is None:
            continue
        table, name = entity.tables.main.name, entity.name
        known = ", ".join(f"'{stage}'" for stage in entity.machine.stages)
        for stage, count in ctx.database.all(prepare(sa.text(
            f'SELECT stage, count(*) FROM "{table}" WHERE deleted_at IS NULL '
            f"AND (stage IS NULL OR stage NOT IN ({known})) GROUP BY stage ORDER BY stage"), ctx.database.dialect)):  # fmt: skip
            where = (
                "Without a stage"
                if stage is None
                else f"In the stage {stage!r}, which the pipeline does not have"
            )
            yield Finding("stage-unknown", "error", name, f"{where}: {many(count, 'record')} of {name}.")
        unvisited = counted(
            ctx, f'SELECT count(*) FROM "{table}" r WHERE r.deleted_at IS NULL AND r.stage IS NOT NULL AND NOT EXISTS '
            "(SELECT 1 FROM sys_stage_visit v WHERE v.record_id = r.id AND v.left_at IS NULL AND v.stage = r.stage)",
        )  # fmt: skip
        if unvisited:
            text = (
                f"In a stage that the history says they never entered: {many(unvisited, 'record')} of {name}."
            )
            yield Finding("visit-missing", "error", name, text)


def references(ctx: Context) -> Iterator[Finding]:
    """Find values that point at nothing."""
    for entity in ctx.app.entities.values():
        table = entity.tables.main.name
        for spec in entity.entity.fields.values():
            if spec.kind == "table":
                rows = lines_name(entity.name, spec.name)
                for column in spec.fields.values():
                    yield from _loose(ctx, rows, column, f"{entity.name}.{spec.name}.{column.name}", "")
            elif spec.name not in ("created_by", "updated_by"):
                yield from _loose(ctx, table, spec, f"{entity.name}.{spec.name}", "r.deleted_at IS NULL AND ")


def _loose(ctx: Context, table: str, spec: Field, about: str, alive: str) -> Iterator[Finding]:
    column = f'r."{column_name(spec.name)}"'
    targets: list[tuple[str, str, str]] = []
    if spec.kind in ("user", "team"):
        targets.append((f"sys_{spec.kind}", column, alive))
    elif spec.kind == "reference":
        for name in spec.params.get("entities") or ():
            prefix = f"{name}:"
            some = f"{alive}substr({column}, 1, {len(prefix)}) = '{prefix}' AND "
            targets.append((table_name(name), f"substr({column}, {len(prefix) + 1})", some))
        if spec.params.get("entity"):
            targets.append((table_name(spec.params["entity"]), column, alive))
    for target, key, where in targets:
        count = counted(
            ctx, f'SELECT count(*) FROM "{table}" r WHERE {where}{column} IS NOT NULL AND {column} <> {_ENGINE_ACTORS} '
            f'AND NOT EXISTS (SELECT 1 FROM "{target}" x WHERE x.id = {key})',
        )  # fmt: skip
        if count:
            text = f"Values of {about} that lead to nothing in {target}: {count:,}."
            yield Finding("reference-loose", "error", about, text)
