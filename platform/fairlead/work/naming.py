"""What ids are called: people, teams and records of any entity, in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from fairlead.base.texts import Label
from fairlead.compiled.tables import column_name
from fairlead.fields.spec import Field
from fairlead.store.people import name_label
from fairlead.store.statements import listed
from fairlead.store.system import team, user
from fairlead.work.context import Context
from fairlead.work.reading import Names, target_of, title
from fairlead.work.records import base_params, roles_of

Wanted = dict[str, set[str]]
"""Entity, or `user` or `team`, to ids."""


def collect(wanted: Wanted, fields: Iterable[Field], items: Iterable[Mapping[str, Any]]) -> Wanted:
    """Add to `wanted` what the people, team and reference fields of `items` hold."""
    pointers = [field for field in fields if field.kind in ("user", "team", "reference", "references")]
    for item in items:
        for field in pointers:
            value = item.get(field.name)
            if value is None:
                continue
            if field.kind in ("user", "team"):
                wanted.setdefault(field.kind, set()).add(value)
            elif field.kind == "references":
                wanted.setdefault(str(field.params["entity"]), set()).update(value)
            else:
                target, key = target_of(field, value)
                wanted.setdefault(target, set()).add(key)
    return wanted


def names(ctx: Context, wanted: Mapping[str, Iterable[str]]) -> Names:
    """Return the names of everything in `wanted`; a record that may not be seen has none."""
    asked = {kind: sorted(ids) for kind, ids in sorted(wanted.items()) if ids}
    asked = {kind: ids for kind, ids in asked.items() if kind in ("user", "team") or _readable(ctx, kind)}
    if not asked:
        return Names()
    kinds, roles = tuple(asked), roles_of(ctx)
    statement = ctx.app.statement(("names", kinds, roles), lambda: _statement(ctx, kinds))
    params = {**base_params(ctx), **{f"p_ids_{kind}": listed(ids) for kind, ids in asked.items()}}
    people: dict[str, Label] = {}
    teams: dict[str, Label] = {}
    records: dict[tuple[str, str], str] = {}
    for kind, id, *parts in ctx.database.all(statement, params):
        if kind in ("user", "team"):
            (people if kind == "user" else teams)[id] = name_label(str(parts[0]), parts[1])
        else:
            entity = ctx.app.entities[kind]
            records[kind, id] = title(entity, dict(zip(entity.entity.title_fields, parts, strict=False)))
    return Names(people, teams, records)


def joined(first: Names, second: Names) -> Names:
    """Return the names of both."""
    return Names(
        {**first.people, **second.people},
        {**first.teams, **second.teams},
        {**first.records, **second.records},
    )


def _readable(ctx: Context, entity: str) -> bool:
    return entity in ctx.app.entities and bool(ctx.app.access(entity, roles_of(ctx)).read)


def _statement(ctx: Context, kinds: tuple[str, ...]) -> Any:
    entities = ctx.app.entities
    width = max([2, *(len(entities[kind].entity.title_fields) for kind in kinds if kind in entities)])
    parts = [_part(ctx, kind, width) for kind in kinds]
    return sa.union_all(*parts) if len(parts) > 1 else parts[0]


def _part(ctx: Context, kind: str, width: int) -> sa.Select[Any]:
    dialect = ctx.app.dialect

    def padded(columns: list[Any]) -> list[Any]:
        columns = [sa.cast(column, sa.Text()) for column in columns]
        return columns + [sa.cast(sa.null(), sa.Text())] * (width - len(columns))

    if kind in ("user", "team"):
        table = user if kind == "user" else team
        chosen = padded([table.c.name, table.c.name_zh])
        return sa.select(sa.literal(kind), table.c.id, *chosen).where(table.c.id.in_(_ids(kind, dialect)))
    entity = ctx.app.entities[kind]
    main, access = entity.tables.main, ctx.app.access(kind, roles_of(ctx))
    titles = [access.shown(n, main.c[column_name(n)], sa.literal("***")) for n in entity.entity.title_fields]
    statement = sa.select(sa.literal(kind), main.c.id, *padded(titles)).where(
        main.c.id.in_(_ids(kind, dialect)), sa.text(f"{main.name}.deleted_at IS NULL")
    )
    predicate = access.rows()
    return statement if predicate is None else statement.where(predicate)


def _ids(kind: str, dialect: str) -> Any:
    ids = sa.bindparam(f"p_ids_{kind}", required=True, type_=sa.Text())
    if dialect == "sqlite":
        return sa.select(sa.column("value")).select_from(sa.func.json_each(ids))
    return sa.select(sa.func.jsonb_array_elements_text(sa.cast(ids, JSONB)))
