"""Find anything by a few letters: records of every entity in one statement, screens and actions by their sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import search_condition
from fairlead.compiled.search import query as search_query
from fairlead.compiled.tables import column_name
from fairlead.fields.folding import fold, pinyin_keys
from fairlead.work.context import Context
from fairlead.work.reading import title
from fairlead.work.records import base_params, roles_of

_PARTS = 4
"""How many fields a title and its detail line may have between them."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found."""

    entity: str
    id: str
    title: str
    detail: str


def records(ctx: Context, text: str, *, each: int = 5) -> list[tuple[CompiledEntity, list[Hit]]]:
    """Return what contains every word of `text`, newest first, at most `each` of an entity.

    A record is found only by somebody who may see every field that it could have been found by: otherwise a search
    would tell what a hidden field holds. All entities are asked in one statement.
    """
    folded = fold(text)
    if len(folded) < 2 and folded.isascii():
        return []  # a single letter is in everything
    terms = search_query(text, ctx.app.dialect)
    entities = _searchable(ctx)
    if terms is None or not entities:
        return []
    roles = roles_of(ctx)
    statement = ctx.app.statement(("search", roles, each), lambda: _statement(ctx, entities, each))
    found: dict[str, list[Hit]] = {}
    for name, id, *values in ctx.database.all(statement, {**base_params(ctx), "p_search": terms}):
        entity = ctx.app.entities[name]
        fields = entity.entity.title_fields[:_PARTS]
        heading = title(entity, dict(zip(fields, values, strict=False)))
        rest = values[len(fields) : len(fields) + len(_details(entity, len(fields)))]
        found.setdefault(name, []).append(
            Hit(name, id, heading, " · ".join(str(value) for value in rest if value))
        )
    return [(entity, found[entity.name]) for entity in entities if entity.name in found]


def _searchable(ctx: Context) -> list[CompiledEntity]:
    """Return the entities of which the actor may find something, those of the menu first."""
    order: list[str] = []
    for document in ctx.app.workspace.menus.values():
        for group in document.groups:
            order += [
                ctx.app.workspace.lists[item.target].entity for item in group.items if item.kind == "list"
            ]
    names = dict.fromkeys([*order, *ctx.app.entities])
    found = [ctx.app.entities[name] for name in names]
    return [one for one in found if one.search_fields and ctx.app.access(one.name, roles_of(ctx)).read]


def _details(entity: CompiledEntity, used: int) -> list[str]:
    """Return further short texts of a record that help to tell two of the same name apart."""
    titles = entity.entity.title_fields
    kinds = ("text", "sequence")
    names = [n for n in entity.search_fields if n not in titles and entity.entity.fields[n].kind in kinds]
    return names[: max(0, min(2, _PARTS - used))]


def _statement(ctx: Context, entities: Sequence[CompiledEntity], each: int) -> sa.CompoundSelect[Any]:
    parts = []
    for entity in entities:
        main = entity.tables.main
        access = ctx.app.access(entity.name, roles_of(ctx))
        titles = entity.entity.title_fields[:_PARTS]
        wanted = [*titles, *_details(entity, len(titles))]
        columns: list[Any] = [
            sa.cast(main.c[column_name(n)], sa.Text()) if n in access.readable else sa.literal_column("'•••'")
            for n in wanted
        ]
        columns += [sa.cast(sa.null(), sa.Text())] * (_PARTS - len(columns))
        labelled = [column.label(f"c{number}") for number, column in enumerate(columns)]
        statement = sa.select(
            sa.literal_column(f"'{entity.name}'").label("entity"), main.c.id.label("id"), *labelled
        )
        statement = statement.where(
            sa.text(f"{main.name}.deleted_at IS NULL"), search_condition(entity.tables, ctx.app.dialect)
        )
        predicate = access.rows(
            {*entity.search_fields, *wanted} & access.readable | set(entity.search_fields)
        )
        if predicate is not None:
            statement = statement.where(predicate)
        parts.append(statement.order_by(main.c.id.desc()).limit(each).subquery().select())
    return sa.union_all(*parts)


def sounds_like(text: str, label: str) -> bool:
    """Whether `text` is how `label` begins to sound or is abbreviated: `xs` and `xiansuo` find 线索."""
    wanted = fold(text).replace(" ", "")
    return bool(wanted) and any(key.startswith(wanted) for key in pinyin_keys(fold(label)))
