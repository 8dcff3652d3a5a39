"""Records and people to choose from, while somebody types: only what the actor may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.base.errors import NotFound
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.search import parameters as search_parameters
from fairlead.compiled.tables import column_name
from fairlead.fields.folding import fold
from fairlead.fields.registry import kind_of
from fairlead.store import people
from fairlead.work.context import Context
from fairlead.work.reading import Json, title
from fairlead.work.records import base_params, entity_of, roles_of

MOST = 20


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose: what is sent, what it is called, and what tells it from others of the same name."""

    id: str
    title: str
    detail: str | None


def options(ctx: Context, target: str, text: str) -> list[Option]:
    """Return what may be chosen of `target`: `user`, `team`, an entity, or several entities parted by commas.

    Raises:
        NotFound: There is no such thing to choose from, for this actor.
    """
    words = text.strip()[:100]
    if target == "user":
        return _people(ctx, words)
    if target == "team":
        return [
            Option(one.id, one.label.get(ctx.actor.language), one.code)
            for one in people.teams(ctx.database) if _fits(words, one.name, one.name_zh, one.code)
        ][:MOST]  # fmt: skip
    names = target.split(",")
    if len(names) == 1:
        return _records(ctx, entity_of(ctx, target), words, prefix=False)
    found: list[Option] = []
    for name in names[:8]:
        if ctx.app.entity(name) is not None and ctx.app.access(name, roles_of(ctx)).read:
            found += _records(ctx, ctx.app.entities[name], words, prefix=True)[: 8 if words else 4]
    if not found and not any(ctx.app.entity(name) for name in names):
        raise NotFound(target)
    return found[: 2 * MOST]


def _people(ctx: Context, words: str) -> list[Option]:
    teams = {one.id: one.label.get(ctx.actor.language) for one in people.teams(ctx.database)}
    found = [
        one for one in people.accounts(ctx.database, active_only=True)
        if _fits(words, one.name, one.name_zh, one.username)
    ]  # fmt: skip
    mine = set(ctx.actor.teams)
    found.sort(key=lambda one: (one.id != ctx.actor.id, not mine & set(one.teams), one.username))
    return [
        Option(one.id, one.label.get(ctx.actor.language), teams.get(one.teams[0]) if one.teams else None)
        for one in found[:MOST]
    ]


def _fits(words: str, *texts: str | None) -> bool:
    return not words or any(fold(words) in fold(text) for text in texts if text)


def _records(ctx: Context, entity: CompiledEntity, words: str, *, prefix: bool) -> list[Option]:
    roles = roles_of(ctx)
    reads = ctx.app.reads(entity.name, roles)
    if not reads.access.read:
        raise NotFound(entity.name)
    shown = _shown(entity, reads.access.seen)
    terms = search_parameters(words, ctx.app.dialect) if words else None
    if words and terms is None:
        return []

    def build() -> sa.Select[Any]:
        statement = reads.select(shown)
        if terms is not None:
            statement = statement.where(*reads.search_conditions())
        recent = entity.tables.main.c[column_name("updated_at")]
        return statement.order_by(recent.desc(), entity.tables.main.c.id.desc()).limit(MOST)

    statement = ctx.app.statement(("options", entity.name, terms is not None, roles), build)
    params = {**base_params(ctx), **(terms or {})}
    codec = reads.codec(shown)
    return [
        _option(ctx, entity, codec.encode(row), shown, prefix) for row in ctx.database.all(statement, params)
    ]


def _shown(entity: CompiledEntity, seen: frozenset[str]) -> tuple[str, ...]:
    """Return the title's fields and the first plain fields of the list, which tell two of the same name apart."""
    titles = [name for name in entity.entity.title_fields if name in seen]
    more = [
        spec.name for spec in entity.entity.fields.values()
        if spec.origin == "document" and spec.kind in ("text", "choice", "phone", "email", "money", "sequence")
        and spec.name in seen and spec.name in entity.tables.columns and spec.name not in titles and not spec.sensitive
    ]  # fmt: skip
    stage = ["stage"] if "stage" in entity.entity.fields and "stage" in seen else []
    return tuple(sorted({*titles, *more[:2], *stage, "id"}))


def _option(ctx: Context, entity: CompiledEntity, item: Json, shown: Sequence[str], prefix: bool) -> Option:
    lang = ctx.actor.language
    details = [entity.entity.label.get(lang)] if prefix else []
    masked = set(item.get("_masked", ()))
    for name in entity.entity.fields:
        if name in shown and name not in (*entity.entity.title_fields, "id", "version") and item.get(name):
            spec = entity.entity.fields[name]
            if name in masked:
                details.append(str(item[name]))
                continue
            kind = kind_of(spec)
            details.append(kind.display(kind.parse(item[name], spec), spec, lang))
    key = f"{entity.name}:{item['id']}" if prefix else str(item["id"])
    return Option(key, title(entity, item), " · ".join(details[:3]) or None)
