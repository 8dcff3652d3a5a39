"""Lists: views, filters, order, pages, and what can be done with several records at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from fairlead.base.errors import Failure, Invalid
from fairlead.compiled.access import EntityAccess
from fairlead.compiled.application import CompiledEntity
from fairlead.decide.move import targets
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.screens import List
from fairlead.web import render
from fairlead.web.cells import NUMBER_KINDS, Cells
from fairlead.web.request import context
from fairlead.web.rows import table_rows
from fairlead.web.screens import filters
from fairlead.web.screens.fieldsets import field_args, options_url
from fairlead.web.screens.filters import Chosen, address
from fairlead.work import exports, naming, reading, records
from fairlead.work.context import Context
from fairlead.work.queries import ListQuery
from fairlead.work.records import entity_of, roles_of

screen = Blueprint("lists", __name__)

MAX_BULK = 200
PAGING = ("page_token", "from", "back")
MAX_BACK = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A list as the address describes it."""

    entity: CompiledEntity
    document: List
    columns: tuple[str, ...]
    fields: tuple[Field, ...]
    chosen: tuple[Chosen, ...]
    query: ListQuery
    args: MultiDict[str, str]
    access: EntityAccess

    def link(self, changes: Mapping[str, str | None]) -> str:
        """Return the address of this list with something changed, from its first page."""
        return address(f"/l/{self.entity.name}", self.args, changes, drop=PAGING)


def asked(ctx: Context, name: str, args: MultiDict[str, str], *, count: bool = False) -> Asked:
    """Read the address of a list.

    Raises:
        NotFound: There is no such entity for this actor.
    """
    entity = entity_of(ctx, name)
    document = ctx.app.workspace.list_of(name)
    access = ctx.app.access(name, roles_of(ctx))
    columns = tuple(n for n in document.columns if n in access.seen and n in entity.tables.columns)
    fields = tuple(filters.filterable(ctx, entity))
    chosen = tuple(filters.read(fields, args))
    parts = [part for part in (filters.condition(chosen, ctx.today), args.get("filter")) if part]
    shown = {*columns, *entity.entity.title_fields} | ({"stage", "owner"} & set(entity.entity.fields))
    order = args.get("order_by")
    wanted = tuple(
        n
        for n in shown | ({order.split()[0]} if order else set())
        if n in access.seen and n in entity.tables.columns
    )
    query = ListQuery(
        filter=" && ".join(f"({part})" for part in parts) if len(parts) > 1 else (parts[0] if parts else None),
        order_by=order, page_size=document.page_size, page_token=args.get("page_token"), view=_view(document, args),
        search=(args.get("search") or "")[:200] or None, fields=wanted, count=count,
    )  # fmt: skip
    return Asked(entity, document, columns, fields, chosen, query, args, access)


def _view(document: List, args: MultiDict[str, str]) -> str | None:
    """Return the view that is asked for; a list opens on its first view unless the address narrows it otherwise."""
    given = args.get("view")
    if given is not None:  # a view that is gone, in an address kept from before, is everything
        return given if any(view.name == given for view in document.views) else None
    narrowed = args.get("filter") or any(key.startswith("f.") for key in args)
    return None if narrowed or not document.views else document.views[0].name


# ---------------------------------------------------------------- the list


@screen.get("/l/<entity>")
def show(entity: str) -> Response:
    """One page of a list."""
    ctx = context("ui")
    found = asked(ctx, entity, request.args)
    try:
        page = reading.page(ctx, entity, found.query)
        if not page.items and (wider := _wider(found)) is not None:
            found = asked(ctx, entity, wider)
            page = reading.page(ctx, entity, found.query)
    except Invalid as failure:
        return _cannot(ctx, found, failure)
    cells = Cells(ctx, _names(ctx, found, page.items))
    return render.page("lists/list.html", **_frame(ctx, found, cells), **_rows(found, page, cells))


def _wider(found: Asked) -> MultiDict[str, str] | None:
    """Return the list without a view, where nobody asked for the first one and there is nothing in it."""
    if found.query.view is None or "view" in found.args or found.query.search or found.args.get("page_token"):
        return None
    everything = next((view.name for view in found.document.views if view.filter is None), "")
    return MultiDict([*found.args.items(multi=True), ("view", everything)])


def _cannot(ctx: Context, found: Asked, failure: Invalid) -> Response:
    """Show the list's frame with what is wrong about the question."""
    cells = Cells(ctx, _names(ctx, found, []))
    problems = [{"message": error.to_json(cells.lang)["message"]} for error in failure.errors]
    values = _frame(ctx, found, cells) | {"problems": problems}
    return render.page("lists/list.html", 422, **values, rows=[], table=[], pager={}, narrowed=True)


def _names(ctx: Context, found: Asked, items: list[dict[str, Any]]) -> reading.Names:
    fields = [found.entity.entity.fields[n] for n in found.columns]
    wanted = naming.collect({}, fields, items)
    for one in found.chosen:
        if one.field.kind in ("user", "team", "reference"):
            ids = [v for v in one.values if v not in (filters.ME, filters.EMPTY)]
            naming.collect(wanted, [one.field], [{one.field.name: id} for id in ids])
    return naming.names(ctx, wanted)


def _frame(ctx: Context, found: Asked, cells: Cells) -> dict[str, Any]:
    """Return what stands around the rows: title, tabs, chips, actions."""
    lang, entity, access = cells.lang, found.entity, found.access
    name, args = entity.name, found.args
    chips = filters.chips(found.chosen, cells, found.link, lambda field: _dialog(found, field))
    if args.get("filter"):
        words = filters.sentence_of(ctx, entity, args["filter"], lang)
        chips.append(
            {
                "label": cells.t("screens.condition"),
                "value": words,
                "remove": found.link({"filter": None, "view": ""}),
            }
        )
    taken = {one.field.name for one in found.chosen}
    add = [
        {"label": f.label.get(lang), "icon": filters.ICONS.get(f.kind), "attrs": {"data-dialog": _dialog(found, f)}}
        for f in found.fields if f.name not in taken
    ]  # fmt: skip
    keep = {key: value for key, value in args.items() if key not in ("search", *PAGING)}
    reset = {f"{key}": None for key in args if key.startswith("f.") or key in ("filter", "search")}
    return {
        "entity": entity.entity, "title": found.document.label.get(lang), "icon": entity.entity.icon,
        "tabs": _tabs(found, lang), "chips": chips, "add": add[:16], "clear": found.link({**reset, "view": args.get("view") or ""}),
        "search": {"action": f"/l/{name}", "value": args.get("search") or "", "keep": keep},
        "count_url": address(f"/l/{name}/count", args, {}, drop=PAGING), "new_url": f"/r/{name}/new" if access.can("create") else None,
        "label": entity.entity.label.get(lang), "boards": [
            {"label": board.label.get(lang), "href": f"/b/{board.name}", "icon": "layout-kanban"}
            for board in ctx.app.workspace.boards_of(name)
        ],
        "exports": _exports(found, cells), "problems": [], "bulk": _bulk_actions(entity, access, cells),
    }  # fmt: skip


def _exports(found: Asked, cells: Cells) -> list[dict[str, Any]]:
    """Return the ways out of the list as files; a search narrows what is shown, not what a file holds."""
    if not found.access.can("export"):
        return []
    why = cells.t("screens.export_search") if found.query.search else None
    attrs = {"download": "", "hx-boost": "false"}
    return [
        {
            "label": cells.t("screens.export_as", kind=kind),
            "icon": icon,
            "why": why,
            "attrs": attrs,
            "href": address(
                f"/l/{found.entity.name}/export.{ending}", found.args, {}, drop=(*PAGING, "order_by")
            ),
        }
        for ending, kind, icon in (("xlsx", "Excel", "file-type-xls"), ("csv", "CSV", "file-type-csv"))
    ]


def _tabs(found: Asked, lang: str) -> list[dict[str, Any]]:
    drop = {key: None for key in found.args if key.startswith("f.") or key in ("filter", "order_by")}
    return [
        {
            "label": view.label.get(lang),
            "href": found.link({**drop, "view": view.name}),
            "active": view.name == found.query.view,
        }
        for view in found.document.views
    ]


def _dialog(found: Asked, field: Field) -> str:
    return address(f"/l/{found.entity.name}/filter/{field.name}", found.args, {}, drop=PAGING)


def _bulk_actions(entity: CompiledEntity, access: Any, cells: Cells) -> dict[str, Any]:
    stages = []
    if access.can("move") and entity.machine is not None:
        stages = [
            {
                "label": stage.label.get(cells.lang),
                "attrs": {"data-dialog": f"/l/{entity.name}/bulk/move?stage={stage.name}"},
            }
            for stage in entity.machine.pipeline.stages
        ]
    return {
        "any": any(access.can(action) for action in ("assign", "move", "delete")),
        "assign": access.can("assign") and "owner" in entity.entity.fields, "stages": stages, "delete": access.can("delete"),
    }  # fmt: skip


def _rows(found: Asked, page: reading.Page, cells: Cells) -> dict[str, Any]:
    entity, columns = found.entity, found.columns
    table = [_column(found, page, name, position, cells) for position, name in enumerate(columns)]
    rows = []
    for number, item in enumerate(page.items):
        id = item["id"]
        made = {name: cells.cell(entity, name, item) for name in columns}
        if columns and not made[columns[0]]:
            made[columns[0]] = cells.title(entity, item)
        elif columns and entity.entity.fields[columns[0]].kind in ("email", "phone", "url", "reference"):
            made[columns[0]] = cells.cell(entity, columns[0], item, plain=True)
        rows.append({
            "id": id, "href": f"/r/{entity.name}/{id}", "version": item["version"], "first": number == 0,
            "title": cells.title(entity, item), "cells": made, "peek": f"/r/{entity.name}/{id}/peek",
        })  # fmt: skip
    start = _start(found.args)
    selectable = any(found.access.can(action) for action in ("assign", "move", "delete"))
    return {
        "table": table, "rows": table_rows(table, rows, cells.t, selectable=selectable),
        "narrowed": bool(found.chosen or found.query.filter or found.query.search),
        "pager": _pager(found, page, start, len(rows)),
    }  # fmt: skip


def _column(found: Asked, page: reading.Page, name: str, position: int, cells: Cells) -> dict[str, Any]:
    spec = found.entity.entity.fields[name]
    sorted_now = next(("desc" if down else "asc" for key, down in page.order[:1] if key == name), None)
    column: dict[str, Any] = {
        "key": name, "label": spec.label.get(cells.lang), "sorted": sorted_now,
        "kind": spec.kind if spec.kind in (*NUMBER_KINDS, "date", "datetime") else "text",
    }  # fmt: skip
    if (kind_of(spec).sortable and len(page.order) < 2) or sorted_now:
        column["sort"] = found.link({"order_by": f"{name} desc" if sorted_now == "asc" else name})
    elif kind_of(spec).sortable:
        column["sort"] = found.link({"order_by": name})
    if name == "stage":
        column["phone"] = "end"
    elif position and spec.kind in ("email", "phone"):
        column["phone"] = "hide"
    return column


def _start(args: MultiDict[str, str]) -> int:
    text = args.get("from", "1")
    return int(text) if text.isdigit() and len(text) < 8 else 1


def _pager(found: Asked, page: reading.Page, start: int, count: int) -> dict[str, Any]:
    """Keyset pages know only the way on; the address carries the way back."""
    base, args = f"/l/{found.entity.name}", found.args
    trail = [token for token in args.get("back", "").split(",") if token]
    following = previous = None
    if page.next_token:
        back = ",".join([*trail, args.get("page_token") or "-"][-MAX_BACK:])
        following = address(
            base, args, {"page_token": page.next_token, "from": str(start + count), "back": back}
        )
    if trail:
        token = None if trail[-1] == "-" else trail[-1]
        first = max(1, start - found.document.page_size)
        changes = {"page_token": token, "from": str(first) if token else None, "back": ",".join(trail[:-1])}
        previous = address(base, args, changes)
    elif args.get("page_token"):
        previous = found.link({})
    return {
        "text": f"{start:,}–{start + count - 1:,}" if count else "",
        "next": following,
        "previous": previous,
    }


@screen.get("/l/<entity>/count")
def count(entity: str) -> Response:
    """How many records the list has."""
    ctx = context("ui")
    found = asked(ctx, entity, request.args, count=True)
    page = reading.page(ctx, entity, found.query)
    return render.fragment("lists/count.html", total=f"{page.total or 0:,}")


@screen.get("/l/<entity>/export.<any(csv, xlsx):ending>")
def export(entity: str, ending: str) -> Response:
    """The records of the list as a file, as far as this person may take them out."""
    ctx = context("ui")
    found = asked(ctx, entity, request.args)
    view = next((one for one in found.document.views if one.name == found.query.view), None)
    parts = [
        part for part in (view.filter.text if view and view.filter else None, found.query.filter) if part
    ]
    narrowed = " && ".join(f"({part})" for part in parts) or None
    made = exports.export(ctx, entity, "xlsx" if ending == "xlsx" else "csv", filter=narrowed, labels=True)
    answer = Response(made.chunks, mimetype=made.media)
    answer.headers["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return answer


# ---------------------------------------------------------------- one filter


@screen.get("/l/<entity>/filter/<field>")
def filter_form(entity: str, field: str) -> Response:
    """The small form that narrows the list by one field."""
    ctx = context("ui")
    found = asked(ctx, entity, request.args)
    spec = next((one for one in found.fields if one.name == field), None)
    if spec is None:
        raise Invalid.field(field, "unknown_field", _NO_FILTER)
    now = next((one for one in found.chosen if one.field.name == field), Chosen(spec))
    cells = Cells(ctx, _names(ctx, found, []))
    drop = {f"f.{field}", f"f.{field}.from", f"f.{field}.to", *PAGING}
    picked = [
        {"id": v, "title": cells.text(spec, v)} for v in now.values if v not in (filters.ME, filters.EMPTY)
    ]
    options = [
        {"value": o.name, "label": o.label.get(cells.lang), "tone": o.color}
        for o in spec.options
        if o.active or o.name in now.values
    ]
    return render.fragment(
        "lists/filter.html", spec=spec, label=spec.label.get(cells.lang), now=now, options=options, picked=picked,
        action=f"/l/{entity}", keep=[(k, v) for k, v in request.args.items(multi=True) if k not in drop],
        spans=filters.span_words(cells.t), url=options_url(spec), bounded=spec.kind in filters.BOUNDED,
        is_day=spec.kind in ("date", "datetime"),
    )  # fmt: skip


_NO_FILTER = "This list is not narrowed by that."


# ---------------------------------------------------------------- several records at once


@screen.get("/l/<entity>/bulk/<action>")
def bulk_form(entity: str, action: str) -> Response:
    """Ask for what an action on several records needs."""
    ctx = context("ui")
    compiled = entity_of(ctx, entity)
    lang = ctx.actor.language
    stage = request.args.get("stage", "")
    asked_for: list[dict[str, Any]] = []
    reason = label = ""
    if action == "move" and compiled.machine is not None and stage in compiled.machine.stages:
        ways = [
            t
            for one in compiled.machine.stages
            for t in targets(compiled.machine, one, ctx.actor.roles)
            if t.stage == stage
        ]
        reason = "required" if any(way.reason for way in ways) else ""
        label = compiled.machine.stages[stage].label.get(lang)
        names = dict.fromkeys(name for way in ways for name in way.ask)
        writable = ctx.app.access(entity, roles_of(ctx)).write.get("move", ())
        open_fields = frozenset().union(*(grant.writable for grant in writable)) if writable else frozenset()
        asked_for = [
            field_args(ctx, compiled, n)
            for n in names
            if n in open_fields and compiled.field(n).kind != "table"
        ]
    return render.fragment(
        "lists/bulk.html", action=action, entity=entity, stage=stage, stage_label=label, fields=asked_for, reason=reason,
        owner=field_args(ctx, compiled, "owner") if action == "assign" else None,
    )  # fmt: skip


@screen.post("/l/<entity>/bulk")
def bulk(entity: str) -> Response:
    """Do one thing to each picked record, each in its own transaction, and say how each went."""
    ctx = context("ui")
    compiled = entity_of(ctx, entity)
    action = request.form.get("action", "")
    ids = list(dict.fromkeys(request.form.getlist("ids")))[:MAX_BULK]
    failed: list[dict[str, str]] = []
    done = 0
    for id in ids:
        try:
            _one(ctx, entity, action, id)
            done += 1
        except Failure as failure:
            failed.append({"id": id, "message": said(failure, ctx.actor.language)})
    titles = reading.titles_of(ctx, entity, [one["id"] for one in failed]) if failed else {}
    for one in failed:
        one["title"] = titles.get(one["id"]) or "—"
    label = compiled.entity.label.get(ctx.actor.language)
    return render.fragment("lists/bulk_done.html", done=done, failed=failed, entity=entity, label=label)


def _one(ctx: Context, entity: str, action: str, id: str) -> None:
    form = request.form
    if action == "assign":
        records.assign(
            ctx, entity, id, form.get("owner", ""), version=None, reason=form.get("reason") or None
        )
    elif action == "delete":
        records.delete(ctx, entity, id, version=None)
    elif action == "move":
        compiled = ctx.app.entities[entity]
        given = {name: form[name] for name in form if name in compiled.entity.fields and form[name] != ""}
        given.pop("stage", None)
        records.move(
            ctx,
            entity,
            id,
            form.get("stage", ""),
            version=None,
            given=given,
            reason=form.get("reason") or None,
            form=True,
        )
    else:
        raise Invalid.field("action", "not_an_option", "There is no such action.")


def said(failure: Failure, lang: str) -> str:
    """Return why something was refused, each reason once."""
    if isinstance(failure, Invalid) and failure.errors:
        return " ".join(dict.fromkeys(error.to_json(lang)["message"] for error in failure.errors))
    return failure.message(lang)
