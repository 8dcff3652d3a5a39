"""Records that point at another record: related lists, and the rows of its timeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import EntityReads
from fairlead.compiled.tables import column_name
from fairlead.fields.spec import Field
from fairlead.work.context import Context
from fairlead.work.reading import Json
from fairlead.work.records import base_params, roles_of

LAST = "~"
"""After every stored moment and every id."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A few records of one entity, in order; `more` says that there are others."""

    entity: CompiledEntity
    items: list[Json]
    more: bool


def leads_to(spec: Field, entity: str) -> bool:
    """Whether a reference field may point at records of `entity`."""
    return spec.kind == "reference" and (
        spec.params.get("entity") == entity or entity in (spec.params.get("entities") or ())
    )


def key_of(spec: Field, entity: str, id: str) -> str:
    """Return how `spec` keeps a pointer to this record."""
    return f"{entity}:{id}" if spec.params.get("entities") else id


def timeline_entities(ctx: Context, entity: str) -> tuple[CompiledEntity, ...]:
    """Return the entities whose rows stand on the timeline of records of `entity`."""

    def build() -> tuple[CompiledEntity, ...]:
        return tuple(
            other
            for other in ctx.app.entities.values()
            if other.entity.timeline is not None
            and leads_to(other.entity.fields[other.entity.timeline.about], entity)
        )

    return ctx.app.memo(("timeline-entities", entity), build)  # type: ignore[no-any-return]


def related(
    ctx: Context, entity: str, field: str, about: tuple[str, str], *, columns: Sequence[str], limit: int = 6
) -> Rows | None:
    """Return the newest records of `entity` that point with `field` at the record `about`; None where the actor
    may not see the entity or the field.
    """
    compiled = ctx.app.entities[entity]
    roles = roles_of(ctx)
    access = ctx.app.access(entity, roles)
    if not access.read or field not in access.readable:
        return None
    reads = ctx.app.reads(entity, roles)
    chosen = _chosen(compiled, reads, columns)
    order = ctx.app.workspace.list_of(entity).order

    def build() -> sa.Select[Any]:
        main = compiled.tables.main
        ordering: list[Any] = []
        for name, down in order:
            if name in compiled.tables.columns and name in access.readable:
                column = main.c[column_name(name)]
                ordering.append(column.desc() if down else column.asc())
        return (
            reads.select(chosen, frozenset({field}))
            .where(main.c[column_name(field)] == sa.bindparam("p_about", required=True, type_=sa.Text()))
            .order_by(*ordering, main.c.id.desc())
            .limit(sa.bindparam("p_limit", required=True))
        )

    statement = ctx.app.statement(("related", entity, field, chosen, roles), build)
    key = key_of(compiled.entity.fields[field], *about)
    rows = ctx.database.all(statement, {**base_params(ctx), "p_about": key, "p_limit": limit + 1})
    codec = reads.codec(chosen)
    return Rows(compiled, [codec.encode(row) for row in rows[:limit]], len(rows) > limit)


def _chosen(entity: CompiledEntity, reads: EntityReads, columns: Sequence[str]) -> tuple[str, ...]:
    wanted = {*columns, *entity.entity.title_fields, "id", "version"}
    return tuple(
        sorted(name for name in wanted if name in reads.access.seen and name in reads.tables.columns)
    )


def activities(
    ctx: Context, entity: CompiledEntity, about: tuple[str, str], *, before: str | None, limit: int
) -> list[Json]:
    """Return rows of a timeline entity about a record, the latest first; `before` is a moment as it is stored."""
    timeline = entity.entity.timeline
    assert timeline is not None
    roles = roles_of(ctx)
    access = ctx.app.access(entity.name, roles)
    if not access.read or not {timeline.about, timeline.at} <= access.readable:
        return []
    reads = ctx.app.reads(entity.name, roles)

    def build() -> sa.Select[Any]:
        main = entity.tables.main
        at = main.c[column_name(timeline.at)]
        return (
            reads.select(None, frozenset({timeline.about, timeline.at}))
            .where(
                main.c[column_name(timeline.about)]
                == sa.bindparam("p_about", required=True, type_=sa.Text()),
                at < sa.bindparam("p_before", required=True, type_=sa.Text()),
            )
            .order_by(at.desc(), main.c.id.desc())
            .limit(sa.bindparam("p_limit", required=True))
        )

    statement = ctx.app.statement(("activities", entity.name, roles), build)
    key = key_of(entity.entity.fields[timeline.about], *about)
    params = {**base_params(ctx), "p_about": key, "p_before": before or LAST, "p_limit": limit}
    codec = reads.codec()
    return [codec.encode(row) for row in ctx.database.all(statement, params)]
