"""A pool: what may be claimed, claiming, one's own holdings, giving back and handing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from fairlead.base.clock import iso_utc
from fairlead.base.errors import FieldError, Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.fields.spec import Field
from fairlead.model.workflows import Pool
from fairlead.web import render
from fairlead.web.cells import NUMBER_KINDS, Cells
from fairlead.web.request import context
from fairlead.web.texts import speaker
from fairlead.work import naming, pool_views, pools, reading
from fairlead.work.context import Context
from fairlead.work.pool_views import PoolView
from fairlead.work.reading import Json

screen = Blueprint("pools", __name__)

MOST_AT_ONCE = 200
_MOST_COLUMNS = 6
_CHOOSE_PERSON = Label({"en": "Choose who gets them.", "zh": "请选择接收人。"})


@screen.get("/p/<name>")
def show(name: str) -> Response:
    """What lies in the pool, and what one holds of it."""
    ctx = context("ui")
    found = pool_views.view(
        ctx, name, only=_only(ctx, name), oldest_first=_oldest(), page_token=request.args.get("after"),
    )  # fmt: skip
    held = pool_views.holdings(ctx, found.pool)
    wanted = naming.collect({}, found.columns, [*found.items, *(one.item for one in held)])
    cells = Cells(ctx, naming.names(ctx, wanted))
    columns = _filled(found.columns, found.items, _MOST_COLUMNS - found.hands_out)
    receivers = pool_views.receivers(ctx, found.pool) if found.hands_out else []
    return render.page(
        "pools/pool.html", **_frame(ctx, found.pool, found.entity), limits=_limits(ctx, found.limits), free=found.free,
        columns=[_column(ctx, field) for field in columns], hidden=_hidden(ctx, found.hidden),
        rows=[_row(ctx, cells, found, columns, item) for item in found.items], holdings=_holdings(ctx, found.pool, held),
        why=_why_not(ctx, found), chips=_chips(ctx, found.pool, found.entity), choices=_choices(ctx, found.pool),
        oldest=_oldest(), here=_here, next_url=_here(after=found.next_token) if found.next_token else None,
        receivers=[(one.id, one.label.get(ctx.actor.language)) for one in receivers], back=_here(),
    )  # fmt: skip


@screen.get("/p/<name>/standing")
def standing(name: str) -> Response:
    """One's limits and holdings, as they are after something changed."""
    ctx = context("ui")
    pool = pool_views.pool_of(ctx, name)
    held = pool_views.holdings(ctx, pool)
    limits = pool_views.limits(ctx, pool)
    return render.fragment(
        "pools/standing.html", **_frame(ctx, pool, ctx.app.entities[pool.entity]), limits=_limits(ctx, limits),
        free=pool_views.free(ctx, pool), holdings=_holdings(ctx, pool, held),
    )  # fmt: skip


# ---------------------------------------------------------------- claiming


@screen.post("/p/<name>/claim/<id>")
def claim(name: str, id: str) -> Response:
    """Take one record; whoever was second hears who was first and what is left."""
    ctx = context("ui")
    pool = pool_views.pool_of(ctx, name)
    try:
        pools.claim(ctx, pool.entity, id)
    except Refused as refusal:
        if not render.is_fragment_request():
            raise
        if refusal.code in ("taken", "pool.yours"):
            return _gone(ctx, pool, id, refusal)
        # The row stays as it is; the reason is said, and the limits are read again.
        answer = (
            _claimed_row(ctx, pool, id, refusal)
            if refusal.code == "pool.cooling-down"
            else Response(status=204)
        )
        return render.trigger(
            answer, {"toast": _toast(refusal.message(ctx.actor.language), "amber"), "pool-changed": {}}
        )
    if not render.is_fragment_request():
        return render.go(f"/r/{pool.entity}/{id}")
    return render.trigger(_claimed_row(ctx, pool, id, None), {"pool-changed": {}})


@screen.post("/p/<name>/next")
def claim_next(name: str) -> Response:
    """Take the first record that one may have, and go to it."""
    ctx = context("ui")
    pool = pool_views.pool_of(ctx, name)
    t = speaker(ctx.actor.language)
    try:
        saved = pool_views.claim_next(ctx, name, only=_only(ctx, name), oldest_first=_oldest())
    except Refused as refusal:
        return render.go(f"/p/{name}", toast=refusal.message(ctx.actor.language), tone="amber")
    return render.go(f"/r/{pool.entity}/{saved.id}", toast=t("pool.claimed_next"))


def _claimed_row(ctx: Context, pool: Pool, id: str, refusal: Refused | None) -> Response:
    """Return the row as it is now: everything shows, and the way to the record."""
    entity = ctx.app.entities[pool.entity]
    hidden = pool_views.hidden_fields(ctx, pool)
    columns = _shown_columns(ctx, pool)
    item = reading.get(ctx, pool.entity, id)
    names = naming.names(ctx, naming.collect({}, [*columns, *hidden], [item]))
    cells = Cells(ctx, names)
    shown = [] if refusal else [
        {"label": field.label.get(ctx.actor.language), "value": cells.cell(entity, field.name, item)} for field in hidden
    ]  # fmt: skip
    row = _cells_of(cells, entity, columns, item) | {
        "state": "cooling" if refusal else "claimed", "shown": shown,
        "why": refusal.message(ctx.actor.language) if refusal else None,
    }  # fmt: skip
    return render.fragment(
        "pools/row.html",
        **_frame(ctx, pool, entity),
        row=row,
        columns=[_column(ctx, field) for field in columns],
    )


def _gone(ctx: Context, pool: Pool, id: str, refusal: Refused) -> Response:
    entity = ctx.app.entities[pool.entity]
    columns = [_column(ctx, field) for field in _shown_columns(ctx, pool)]
    answer = render.fragment(
        "pools/row.html", 409, **_frame(ctx, pool, entity), columns=columns, free=pool_views.free(ctx, pool),
        row={"id": id, "state": "gone", "why": refusal.message(ctx.actor.language), "yours": refusal.code == "pool.yours"},
    )  # fmt: skip
    return render.trigger(answer, {"pool-changed": {}})


# ---------------------------------------------------------------- giving back


@screen.get("/p/<name>/release/<id>")
def ask_release(name: str, id: str) -> Response:
    """The sheet that asks why a record goes back."""
    ctx = context("ui")
    pool = pool_views.pool_of(ctx, name)
    found, title = pool_views.return_reasons(ctx, pool.entity, id)
    return _release_sheet(ctx, found or pool, id, title)


@screen.post("/p/<name>/release/<id>")
def release(name: str, id: str) -> Response:
    """Give a record back to its pool."""
    ctx = context("ui")
    pool = pool_views.pool_of(ctx, name)
    found, title = pool_views.return_reasons(ctx, pool.entity, id)
    reason, note = request.form.get("reason") or None, request.form.get("note", "").strip()[:500] or None
    try:
        pools.release(ctx, pool.entity, id, reason=reason, note=note)
    except (Invalid, Refused) as failure:
        if isinstance(failure, Forbidden):
            raise
        return _release_sheet(
            ctx,
            found or pool,
            id,
            title,
            problem=failure.message(ctx.actor.language),
            reason=reason,
            note=note,
        )
    t = speaker(ctx.actor.language)
    return render.go(f"/p/{(found or pool).name}", toast=t("pool.released", title=title))


def _release_sheet(
    ctx: Context, pool: Pool, id: str, title: str, *, problem: str | None = None, reason: str | None = None,
    note: str | None = None,
) -> Response:  # fmt: skip
    lang = ctx.actor.language
    return render.fragment(
        "pools/release.html", 422 if problem else 200, pool=pool, label=pool.label.get(lang), id=id, title=title,
        reasons=[(key, label.get(lang)) for key, label in pool.return_reasons], required=pool.return_reason_required,
        problem=problem, reason=reason, note=note, cooldown=_cooldown(ctx, pool),
    )  # fmt: skip


def _cooldown(ctx: Context, pool: Pool) -> str | None:
    if pool.cooldown_previous_owner is None:
        return None
    return speaker(ctx.actor.language)("pool.cooldown", span=say_duration(ctx, pool.cooldown_previous_owner))


# ---------------------------------------------------------------- handing out


@screen.post("/p/<name>/assign")
def assign(name: str) -> Response:
    """Hand the picked records to somebody."""
    ctx = context("ui")
    ids, owner = request.form.getlist("ids")[:MOST_AT_ONCE], request.form.get("owner", "")
    t = speaker(ctx.actor.language)
    if not owner:
        raise Invalid([FieldError("owner", "required", _CHOOSE_PERSON)])
    found = pool_views.hand_out(ctx, name, ids, owner)
    text = t("pool.handed_out", n=len(found.done))
    if found.refused:
        text += " " + t(
            "pool.not_handed_out", n=len(found.refused), why=found.refused[0][1].message(ctx.actor.language)
        )
    return render.go(f"/p/{name}", toast=text, tone="amber" if found.refused else "green")


# ---------------------------------------------------------------- what the templates show


def _frame(ctx: Context, pool: Pool, entity: CompiledEntity) -> dict[str, Any]:
    lang = ctx.actor.language
    return {
        "pool": pool, "label": pool.label.get(lang), "url": f"/p/{pool.name}", "entity": entity.name,
        "entity_label": entity.entity.label.get(lang), "icon": entity.entity.icon,
    }  # fmt: skip


def _limits(ctx: Context, limits: pools.Limits) -> list[dict[str, Any]]:
    """Return the bars above the list: claims of the period, and records held."""
    t = speaker(ctx.actor.language)
    found = []
    if limits.quota is not None:
        per = limits.pool.quota.per if limits.pool.quota else "day"
        found.append({"label": t(f"pool.claims_{per}"), "used": limits.used, "most": limits.quota})
    found.append({"label": t("pool.held"), "used": limits.held, "most": limits.capacity})
    return found


def _why_not(ctx: Context, found: PoolView) -> str | None:
    """Return why nothing can be claimed at all, and what would allow it."""
    t = speaker(ctx.actor.language)
    limits = found.limits
    if limits.quota is not None and limits.used >= limits.quota:
        per = limits.pool.quota.per if limits.pool.quota else "day"
        return t(f"pool.quota_{per}", used=limits.used, most=limits.quota)
    if limits.capacity is not None and limits.held >= limits.capacity:
        return t("pool.full", held=limits.held, most=limits.capacity)
    return None


def _column(ctx: Context, field: Field) -> dict[str, Any]:
    return {
        "key": field.name,
        "label": field.label.get(ctx.actor.language),
        "number": field.kind in NUMBER_KINDS,
    }


def _hidden(ctx: Context, fields: Sequence[Field]) -> str:
    t = speaker(ctx.actor.language)
    return t("kit.comma").join(field.label.get(ctx.actor.language) for field in fields)


def _filled(columns: Sequence[Field], items: Sequence[Json], most: int) -> tuple[Field, ...]:
    """Return the columns that hold anything on this page: most of a record's dates begin with its owner."""
    first, *others = columns
    filled = [field for field in others if any(item.get(field.name) not in (None, "", []) for item in items)]
    return (first, *filled[: most - 1])


def _shown_columns(ctx: Context, pool: Pool) -> tuple[Field, ...]:
    """Return the columns of the page that a row is sent back to."""
    named = set(request.form.get("columns", "").split(","))
    everything = pool_views.columns(ctx, pool)
    return tuple(field for field in everything if field.name in named) or everything


def _row(ctx: Context, cells: Cells, found: PoolView, columns: Sequence[Field], item: Json) -> dict[str, Any]:
    opens = found.blocked.get(item["id"])
    row = _cells_of(cells, found.entity, columns, item)
    if opens is not None:
        row["blocked"] = speaker(ctx.actor.language)(
            "pool.free_for_you", day=cells.moment_text(iso_utc(opens))
        )
    return row


def _cells_of(cells: Cells, entity: CompiledEntity, columns: Sequence[Field], item: Json) -> dict[str, Any]:
    entered = item.get("pool_entered_at")
    return {
        "id": item["id"], "title": cells.title(entity, item), "state": "free",
        "cells": {field.name: cells.cell(entity, field.name, item) for field in columns},
        "since": cells.moment(entered) if entered else None,
    }  # fmt: skip


def _holdings(ctx: Context, pool: Pool, held: Sequence[pool_views.Holding]) -> dict[str, Any]:
    """Return one's records with the day on which each goes back, and by which rule."""
    lang = ctx.actor.language
    cells = Cells(ctx)
    rows = []
    for one in held:
        left = (one.due_at - ctx.now).total_seconds() / 86_400 if one.due_at else None
        rows.append({
            "id": one.item["id"], "title": one.title, "href": f"/r/{pool.entity}/{one.item['id']}",
            "due": cells.day(one.due_at.astimezone(cells.zone).date()) if one.due_at else None, "late": left is not None and left < 0,
            "soon": left is not None and left < 3, "release": f"/p/{pool.name}/release/{one.item['id']}",
        })  # fmt: skip
    return {
        "rows": rows, "rules": [rule.label.get(lang) for rule in pool.reclaim_rules],
        "all": f"/l/{pool.entity}?{urlencode({'filter': 'owner == user'})}",
    }  # fmt: skip


# ---------------------------------------------------------------- narrowing


def _oldest() -> bool:
    return request.values.get("order") == "oldest"


def _filters(ctx: Context, pool: Pool) -> tuple[Field, ...]:
    """Return the choice fields by which this person may narrow the pool."""
    fields = ctx.app.workspace.entities[pool.entity].fields
    names = ctx.app.workspace.list_of(pool.entity).filters
    shown = {field.name for field in pool_views.columns(ctx, pool)}
    return tuple(fields[name] for name in names if name in shown and fields[name].kind == "choice")


def _only(ctx: Context, name: str) -> Mapping[str, str]:
    pool = ctx.app.workspace.pools.get(name)
    if pool is None:
        raise NotFound("pool", name)
    found = {}
    for field in _filters(ctx, pool):
        value = request.values.get(field.name)
        if value in {option.name for option in field.options}:
            found[field.name] = str(value)
    return found


def _chips(ctx: Context, pool: Pool, entity: CompiledEntity) -> list[dict[str, Any]]:
    cells, lang = Cells(ctx), ctx.actor.language
    return [
        {
            "label": entity.entity.fields[name].label.get(lang), "value": cells.text(entity.entity.fields[name], value),
            "remove": _here(**{name: None, "after": None}), "name": name, "key": value,
        }
        for name, value in _only(ctx, pool.name).items()
    ]  # fmt: skip


def _choices(ctx: Context, pool: Pool) -> list[dict[str, Any]]:
    lang = ctx.actor.language
    found: list[dict[str, Any]] = []
    for field in _filters(ctx, pool):
        found.append({"head": field.label.get(lang)})
        found += [
            {"label": option.label.get(lang), "href": _here(**{field.name: option.name, "after": None})}
            for option in field.options
        ]
    return found


def _here(**changes: str | None) -> str:
    """Return this address with some of its parameters changed."""
    given = {**request.args.to_dict(), **changes}
    text = urlencode({key: value for key, value in given.items() if value is not None})
    return f"{request.path}?{text}" if text else request.path


def _toast(text: str, tone: str) -> dict[str, str]:
    return {"text": text, "tone": tone}


def say_duration(ctx: Context, duration: Any) -> str:
    """Return a length of time of a document in words."""
    t = speaker(ctx.actor.language)
    return t(
        f"pool.{duration.unit}" if duration.count != 1 else f"pool.one_{duration.unit}", n=duration.count
    )
