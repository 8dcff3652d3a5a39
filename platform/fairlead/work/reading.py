"""Reading records on somebody's behalf: one, a page, their lines, the names behind references.

What comes back is JSON-ready: names of the document, exact numbers as texts, ids for references. Screens and the API
read the same functions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from fairlead.base.errors import FieldError, Invalid, NotFound
from fairlead.base.texts import Formerly, Label
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import EntityReads, ListShape, Order, ids_parameter, unknown_field
from fairlead.compiled.search import parameters as search_parameters
from fairlead.compiled.statement import Prepared
from fairlead.compiled.tables import column_name
from fairlead.expr.sql import sql_parameters
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.screens import View
from fairlead.store import history, people, visits
from fairlead.store.statements import listed
from fairlead.work.context import Context
from fairlead.work.queries import (
    MAX_OFFSET,
    MAX_PAGE,
    ListQuery,
    decode_token,
    encode_token,
    no_such_page,
    offset_token,
    parse_filter,
    parse_order,
)  # fmt: skip
from fairlead.work.records import base_params, entity_of, roles_of

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` is None unless it was asked for."""

    items: list[Json]
    next_token: str | None
    total: int | None
    order: Order
    view: View | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the ids in some rows are called. A reference that may not be seen has no entry."""

    people: Mapping[str, Label] = field(default_factory=dict)
    teams: Mapping[str, Label] = field(default_factory=dict)
    records: Mapping[tuple[str, str], str] = field(default_factory=dict)


# ---------------------------------------------------------------- one record


def get(ctx: Context, name: str, id: str) -> Json:
    """Return a record as JSON with its lines.

    Raises:
        NotFound: It is not there, or not this actor's to see.
    """
    entity = ctx.app.entity(name)
    if entity is None:
        raise NotFound(name, id)
    reads = ctx.app.reads(name, roles_of(ctx))
    row = ctx.database.one(reads.get(), {**base_params(ctx), "p_id": id}) if reads.access.read else None
    if row is None:
        through = _through_task(ctx, entity, id)
        if through is None:
            raise NotFound(name, id)
        return through
    found = reads.codec().encode(row)
    if entity.tables.lines:
        attach_lines(ctx, entity, reads, [found])
    return found


def _through_task(ctx: Context, entity: CompiledEntity, id: str) -> Json | None:
    """An approver may read the record of an open task, though no grant reaches it (AP-73)."""
    if not entity.approvals:
        return None
    from fairlead.compiled.application import SYSTEM_ROLES
    from fairlead.work.approvals import may_read_through_task

    if not may_read_through_task(ctx, entity.name, id):
        return None
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    row = ctx.database.one(reads.get(), {**base_params(ctx), "p_id": id})
    if row is None:
        return None
    found = reads.codec().encode(row)
    attach_lines(ctx, entity, reads, [found])
    # What the approver's own role withholds stays withheld: the task lends the row, not the secrets of the role.
    access = ctx.app.access(entity.name, roles_of(ctx))
    if access.read:
        hidden = sorted(name for name in found if name in access.fields and name not in access.seen)
        masked = sorted(name for name in found if name in access.seen and name not in access.readable)
        for name in hidden:
            del found[name]
        for name in masked:
            if found[name] is not None:
                spec = entity.entity.fields[name]
                found[name] = kind_of(spec).mask(found[name], spec)
        found |= ({"_hidden": hidden} if hidden else {}) | ({"_masked": masked} if masked else {})
    return found


def attach_lines(
    ctx: Context,
    entity: CompiledEntity,
    reads: EntityReads,
    items: Sequence[Json],
    *,
    only: str | None = None,
) -> None:
    """Put the readable line rows of several records into them, one statement for each line field."""
    ids = [item["id"] for item in items]
    for name in entity.tables.lines:
        if name not in reads.access.seen or not ids or only not in (None, name):
            continue
        fields = reads.line_fields(name)
        encoders = [(f.name, kind_of(f).json_encoder(f)) for f in fields]
        rows: dict[str, list[Json]] = {}
        for parent, line_id, *values in ctx.database.all(reads.lines(name), {"p_ids": listed(ids)}):
            line: Json = {"id": line_id}
            for (column, encode), value in zip(encoders, values, strict=True):
                line[column] = encode(value) if encode is not None and value is not None else value
            rows.setdefault(parent, []).append(line)
        for item in items:
            if name not in item.get("_hidden", ()):
                item[name] = rows.get(item["id"], [])


# ---------------------------------------------------------------- pages


def page(ctx: Context, name: str, query: ListQuery) -> Page:
    """Return one page of the records that the actor may see.

    Raises:
        NotFound: There is no such entity for this actor.
        Invalid: The filter, order, search or page is not sound, or asks about a field that may not be seen.
    """
    entity = entity_of(ctx, name)
    reads = ctx.app.reads(name, roles_of(ctx))
    document = ctx.app.workspace.list_of(name)
    view = _view(document.views, query.view)
    order = parse_order(ctx, name, query.order_by, _default_order(document.order, view, reads))
    if not 1 <= query.page_size <= MAX_PAGE:
        raise Invalid([FieldError("page_size", "out_of_range", Label({
            "en": f"A page has 1 to {MAX_PAGE} records.", "zh": f"每页 1 至 {MAX_PAGE} 条。",
        }))])  # fmt: skip
    params: dict[str, object] = {**base_params(ctx), "p_limit": query.page_size + 1}
    terms = None
    if query.search:
        terms = search_parameters(query.search, ctx.app.dialect)
        if terms is None:
            return Page([], None, 0 if query.count else None, order, view)
        params |= terms
    shape = ListShape(
        filter=parse_filter(ctx, name, query.filter) if query.filter else None,
        view=view.filter if view else None, order=order, search=terms is not None, fields=_chosen(reads, query.fields),
    )  # fmt: skip
    if not reads.access.read:  # whoever may only make records has an empty list
        return Page([], None, 0 if query.count else None, order, view)
    if shape.filter is not None or shape.view is not None:
        # A condition of this very request may ask for more than any that was made before.
        params |= sql_parameters(ctx.env())
    asked = shape.fields
    if asked is not None:  # what orders the list says where the next page begins
        shape = replace(shape, fields=tuple(sorted({*asked, *(field_name for field_name, _ in order)})))
    rows, next_token = _rows(ctx, reads, shape, order, query, params)
    codec = reads.codec(shape.fields)
    items = [codec.encode(row) for row in rows]
    if asked is not None:
        for line_table in [one for one in entity.tables.lines if one in asked]:
            attach_lines(ctx, entity, reads, items, only=line_table)
        kept = {"id", "version", "_hidden", "_masked", *asked}
        items = [{key: value for key, value in item.items() if key in kept} for item in items]
    total = None
    if query.count:
        counted = ctx.database.one(reads.count(shape), params)
        total = int(counted[0]) if counted else 0
    return Page(items, next_token, total, order, view)


def _view(views: Sequence[View], name: str | None) -> View | None:
    if name is None:
        return None
    found = next((view for view in views if view.name == name), None)
    if found is None:
        raise Invalid(
            [
                FieldError(
                    "view", "not_an_option", Label({"en": "There is no such view.", "zh": "没有此视图。"})
                )
            ]
        )
    return found


def _default_order(order: Order, view: View | None, reads: EntityReads) -> Order:
    chosen = (view.order if view and view.order else order) or (("id", True),)
    return tuple((name, down) for name, down in chosen if name in reads.access.readable) or (("id", True),)


def _chosen(reads: EntityReads, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    for name in names:
        if name not in reads.access.seen or "." in name:
            raise unknown_field(name[:60], reads.access.readable, where="fields")
    return tuple(sorted(set(names)))


def _rows(
    ctx: Context,
    reads: EntityReads,
    shape: ListShape,
    order: Order,
    query: ListQuery,
    params: dict[str, object],
) -> tuple[list[Any], str | None]:
    size = query.page_size
    keyed = [name for name, _ in order if name != "id"]
    offset: int | None = None
    mark: tuple[Any, str] | None = None
    if query.page_token:
        decoded = decode_token(order, query.page_token)
        if isinstance(decoded, int):
            offset = decoded
        else:
            mark = _mark(reads, order, decoded)
    elif query.page is not None:
        offset = (query.page - 1) * size
        if query.page < 1 or offset > MAX_OFFSET:
            raise Invalid([FieldError("page", "out_of_range", Label({
                "en": "That page is too far; narrow the list with a filter.", "zh": "页码过大，请用筛选缩小范围。",
            }))])  # fmt: skip
    if (offset is not None and offset > 0) or (len(keyed) > 1 and mark is None and offset is None):
        offset = offset or 0
    if len(keyed) > 1 or offset:
        rows = ctx.database.all(reads.list(replace(shape, offset=True)), {**params, "p_offset": offset or 0})
        more = len(rows) > size
        if more and len(keyed) > 1:
            return rows[:size], offset_token(order, (offset or 0) + size)
        return rows[:size], _token(reads, shape, order, rows[size - 1]) if more else None
    if mark is None:
        rows = ctx.database.all(reads.list(shape), params)
    else:
        value, after_id = mark
        if not keyed:
            rows = ctx.database.all(
                reads.list(replace(shape, after="value")), {**params, "p_after_id": after_id}
            )
        elif value is None:
            rows = _after_empty(ctx, reads, shape, order, {**params, "p_after_id": after_id}, size)
        else:
            rows = _after_value(
                ctx, reads, shape, order, {**params, "p_value": value, "p_after_id": after_id}, size
            )
    more = len(rows) > size
    return rows[:size], _token(reads, shape, order, rows[size - 1]) if more else None


def _mark(reads: EntityReads, order: Order, mark: tuple[Any, str]) -> tuple[Any, str]:
    """Return what a page token says, when it can be compared with what the order is by.

    Raises:
        Invalid: It cannot: somebody made it up.
    """
    value, after_id = mark
    keyed = next((name for name, _ in order if name != "id"), None)
    kind = reads.tables.columns[keyed].type if keyed is not None else None
    if value is None:
        sound = True
    elif isinstance(kind, sa.Boolean):
        sound, value = value in (0, 1), bool(value)
    elif isinstance(kind, sa.Text):
        sound = isinstance(value, str) and "\x00" not in value
    else:
        sound = kind is not None and type(value) is int and -(2**63) <= value < 2**63
    if not sound or "\x00" in after_id:
        raise no_such_page()
    return value, after_id


def _after_value(
    ctx: Context, reads: EntityReads, shape: ListShape, order: Order, params: dict[str, object], size: int
) -> list[Any]:
    rows = ctx.database.all(reads.list(replace(shape, after="value")), params)
    if order[0][1] and len(rows) <= size:  # descending: the empty ones come last
        params = {**params, "p_limit": size + 1 - len(rows), "p_after_id": "~"}
        rows += ctx.database.all(reads.list(replace(shape, after="empty")), params)
    return rows


def _after_empty(
    ctx: Context, reads: EntityReads, shape: ListShape, order: Order, params: dict[str, object], size: int
) -> list[Any]:
    rows = ctx.database.all(reads.list(replace(shape, after="empty")), params)
    if not order[0][1] and len(rows) <= size:  # ascending: those with a value follow the empty ones
        field_kind = kind_of(reads.tables.entity.fields[order[0][0]])
        column = field_kind.column_type(reads.tables.entity.fields[order[0][0]])
        lowest: Any = (
            "" if isinstance(column, sa.Text) else (False if isinstance(column, sa.Boolean) else -(2**63))
        )
        params = {**params, "p_value": lowest, "p_after_id": "", "p_limit": size + 1 - len(rows)}
        rows += ctx.database.all(reads.list(replace(shape, after="value")), params)
    return rows


def _token(reads: EntityReads, shape: ListShape, order: Order, row: Any) -> str:
    names = [f.name for f in reads.visible_fields(shape.fields)]
    keyed = [name for name, _ in order if name != "id"]
    value = None
    if keyed and keyed[0] in names:
        value = row[names.index(keyed[0])]
    return encode_token(order, value, row[names.index("id")])


# ---------------------------------------------------------------- names


def names_of(ctx: Context, fields: Iterable[Field], items: Iterable[Mapping[str, Any]]) -> Names:
    """Return what people, teams and records in `items` are called: one statement for each kind and entity."""
    users: set[str] = set()
    teams: set[str] = set()
    records: dict[str, set[str]] = {}
    found_fields = list(fields)
    for item in items:
        for spec in found_fields:
            value = item.get(spec.name)
            if value is None:
                continue
            if spec.kind == "user":
                users.add(value)
            elif spec.kind == "team":
                teams.add(value)
            elif spec.kind == "reference":
                target, key = target_of(spec, value)
                records.setdefault(target, set()).add(key)
    titles: dict[tuple[str, str], str] = {}
    for target, keys in records.items():
        titles |= {(target, key): text for key, text in titles_of(ctx, target, keys).items()}
    return Names(
        people.names(ctx.database, users) if users else {},
        people.team_names(ctx.database, teams) if teams else {},
        titles,
    )


def target_of(spec: Field, value: str) -> tuple[str, str]:
    """Return (entity, id) that a reference leads to."""
    if spec.params.get("entities"):
        target, _, key = value.partition(":")
        return target, key
    return str(spec.params["entity"]), value


def titles_of(ctx: Context, target: str, ids: Iterable[str]) -> dict[str, str]:
    """Return the titles of those of `ids` that the actor may see."""
    entity = ctx.app.entity(target)
    if entity is None:
        return {}
    roles = roles_of(ctx)
    access = ctx.app.access(target, roles)
    if not access.read:
        return {}
    rows = ctx.database.all(
        _titles_statement(ctx, entity), {**base_params(ctx), "p_ids": listed(sorted(ids))}
    )
    return {
        row[0]: title(entity, dict(zip(entity.entity.title_fields, row[1:], strict=True))) for row in rows
    }


def _titles_statement(ctx: Context, entity: CompiledEntity) -> Prepared:
    roles = roles_of(ctx)

    def build() -> sa.Select[Any]:
        main = entity.tables.main
        access = ctx.app.access(entity.name, roles)
        columns = [
            access.shown(n, main.c[column_name(n)], sa.literal("***")) for n in entity.entity.title_fields
        ]
        statement = sa.select(main.c.id, *columns).where(
            main.c.id.in_(ids_parameter(ctx.app.dialect)), sa.text(f"{main.name}.deleted_at IS NULL")
        )
        predicate = access.rows()
        return statement if predicate is None else statement.where(predicate)

    return ctx.app.statement(("titles", entity.name, roles), build)


def title(entity: CompiledEntity, values: Mapping[str, Any]) -> str:
    """Return what a record is called; `values` in stored or JSON form."""
    parts = {
        name: "" if values.get(name) is None else str(values[name]) for name in entity.entity.title_fields
    }
    return entity.entity.title.format_map(parts).strip() or "—"


def expand(ctx: Context, name: str, items: Sequence[Json], wanted: Sequence[str]) -> None:
    """Replace ids of the fields in `wanted` by `{id, title}`; one that may not be seen keeps only a marker.

    Raises:
        Invalid: A field that is no reference, or may not be seen.
    """
    entity = entity_of(ctx, name)
    access = ctx.app.access(name, roles_of(ctx))
    fields = []
    for one in wanted:
        spec = entity.entity.fields.get(one)
        if spec is None or one not in access.seen or spec.kind not in ("reference", "user", "team"):
            raise unknown_field(one, access.readable, where="expand")
        fields.append(spec)
    names = names_of(ctx, fields, items)
    lang = ctx.actor.language
    for item in items:
        for spec in fields:
            value = item.get(spec.name)
            if value is None:
                continue
            if spec.kind == "reference":
                target, key = target_of(spec, value)
                text = names.records.get((target, key))
                item[spec.name] = {"id": value, "title": text} if text is not None else {"_hidden": True}
            else:
                label = (names.people if spec.kind == "user" else names.teams).get(value)
                item[spec.name] = {"id": value, "title": label.get(lang) if label else None}


# ---------------------------------------------------------------- history


def record_history(
    ctx: Context, name: str, id: str, *, before: str | None = None, limit: int = 50
) -> list[Json]:
    """Return who changed what and when, newest first; values of fields that may not be seen are withheld.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    visible = get(ctx, name, id)
    entity = entity_of(ctx, name)
    access = ctx.app.access(name, roles_of(ctx))
    withheld = set(visible.get("_hidden", ())) | set(visible.get("_masked", ()))
    found = []
    for event in history.of_record(ctx.database, id, before=before, limit=limit):
        changes = []
        for field_name, (old, new) in event.changes.items():
            spec = entity.entity.fields.get(field_name)
            if spec is None:
                continue
            if field_name in withheld or field_name not in access.readable:
                changes.append({"field": field_name, "hidden": True})
                continue
            changes.append({"field": field_name, "old": json_of(spec, old), "new": json_of(spec, new)})
        found.append(
            {"id": event.id, "at": event.at, "kind": event.kind, "actor": event.actor, "door": event.door,
             "version": event.version, "reason": event.reason, "revision": event.revision, "changes": changes}
        )  # fmt: skip
    return found


def json_of(spec: Field, stored: Any) -> Any:
    """Return a stored value, such as an event keeps it, in its JSON form."""
    if stored is None or isinstance(stored, Formerly):
        return stored
    if spec.kind == "table":
        return [{n: json_of(spec.fields[n], v) for n, v in row.items() if n in spec.fields} for row in stored]
    encode = kind_of(spec).json_encoder(spec)
    return encode(stored) if encode is not None else stored


def stage_visits(ctx: Context, name: str, id: str) -> list[visits.Visit]:
    """Return the stays of a record in its stages, oldest first.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    get(ctx, name, id)
    return visits.of_record(ctx.database, id)
