"""Forms: a new record, a change of one, and what happens when somebody else was faster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, jsonify, request

from fairlead.base.errors import Conflict, Forbidden, Invalid, Refused
from fairlead.base.texts import Label
from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.request import context
from fairlead.web.screens.fieldsets import Filled, shown_value
from fairlead.web.screens.form_view import asked, fields_of, form_values, readable_for
from fairlead.web.screens.posting import once, problems_of, read_texts, version_of
from fairlead.web.texts import speaker
from fairlead.work import forms, naming, records
from fairlead.work.context import Context
from fairlead.work.forms import Clash, Origin, Start
from fairlead.work.opened import Opened, open_record

screen = Blueprint("forms", __name__)

_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
_OWN_KEYS = ("csrf_token", "version", "_key", "_form")


# ---------------------------------------------------------------- new


@screen.get("/r/<entity>/new")
def new(entity: str) -> Response:
    """An empty form, with what the way here brought along."""
    ctx = context("ui")
    origin = _origin(ctx)
    return _new_page(ctx, forms.start(ctx, entity, _prefill(), origin=origin), origin)


@screen.post("/r/<entity>/new")
def create(entity: str) -> Response:
    """Create the record; the form comes back with everything typed when it cannot be kept."""
    ctx = context("ui")
    origin = _origin(ctx)
    start = forms.start(ctx, entity, _prefill(), origin=origin)
    typed = read_texts(fields_of(_filled_new(ctx, start), ctx.app.workspace.form_of(entity)), request.form)
    given = {name: text for name, text in typed.items() if name in start.writable}

    def work() -> str:
        saved = forms.create(ctx, entity, given, origin=origin)
        return f"/r/{entity}/{saved.id}"

    try:
        return once(ctx, work)
    except Invalid as failure:
        errors = problems_of(failure, ctx.actor.language) | _blank(ctx, start, typed, failure)
        return _new_page(ctx, start, origin, typed=typed, errors=errors, status=422)
    except Forbidden:
        raise
    except Refused as failure:
        return _new_page(
            ctx, start, origin, typed=typed, refusal=_refusal(ctx, entity, failure), status=failure.status
        )


def _blank(ctx: Context, start: Start, typed: dict[str, Any], failure: Invalid) -> dict[str, str]:
    """Return what is missing besides: values that cannot be read are found before anybody asks what is empty."""
    if any(error.code == "required" for error in failure.errors):
        return {}
    named = {error.field for error in failure.errors}
    fields = start.entity.entity.fields
    return {
        name: speaker(ctx.actor.language)("kit.is_required")
        for name, text in typed.items() if name in fields and fields[name].required and name not in named and not text
    }  # fmt: skip


def _prefill() -> dict[str, str]:
    return {
        key.removeprefix("with."): value for key, value in request.args.items() if key.startswith("with.")
    }


def _origin(ctx: Context) -> Origin | None:
    entity, colon, id = request.args.get("from", "").partition(":")
    action = request.args.get("action", "")
    return (
        forms.origin(ctx, entity, id, action)
        if colon and action and ctx.app.entity(entity) is not None
        else None
    )


def _filled_new(
    ctx: Context, start: Start, typed: Any = None, errors: dict[str, str] | None = None
) -> Filled:
    name = start.entity.name
    return Filled(
        start.entity, start.record, start.writable, readable_for(ctx, name, start.writable), typed=typed, errors=errors or {},
        brought=start.brought,
    )  # fmt: skip


def _new_page(
    ctx: Context, start: Start, origin: Origin | None, *, typed: Any = None, errors: dict[str, str] | None = None,
    refusal: dict[str, Any] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    entity = start.entity.entity
    t = speaker(ctx.actor.language)
    filled = _filled_new(ctx, start, typed, errors)
    ask = "?".join((f"/r/{entity.name}/new/rules", request.query_string.decode())).rstrip("?")
    values = form_values(ctx, filled, ctx.app.workspace.form_of(entity.name), ask=ask)
    label = entity.label.get(ctx.actor.language)
    back = f"/r/{origin.opened.entity.name}/{origin.opened.id}" if origin else f"/l/{entity.name}"
    crumb = (
        origin.opened.title
        if origin
        else ctx.app.workspace.list_of(entity.name).label.get(ctx.actor.language)
    )
    return render.page(
        "forms/form.html", status, title=origin.action.label.get(ctx.actor.language) if origin else t("screens.new_one", label=label),
        icon=entity.icon, action=request.full_path.rstrip("?"), version=None, back=back, entity=entity.name, refusal=refusal,
        submit=t("screens.create", label=label), crumbs=[{"label": crumb, "href": back}], **values,
    )  # fmt: skip


def _refusal(ctx: Context, entity: str, failure: Refused) -> dict[str, Any]:
    matches = (failure.current or {}).get("matches") or ()
    links = (
        [f"/r/{entity}/{id}" for id in matches if isinstance(id, str)]
        if isinstance(matches, (list, tuple))
        else []
    )
    return {"text": failure.message(ctx.actor.language), "links": links[:3]}


@screen.post("/r/<entity>/new/rules")
def new_rules(entity: str) -> Response:
    """Say what the rules that the page cannot follow make of what has been typed (EX-11)."""
    ctx = context("ui")
    return _rules(ctx, _filled_new(ctx, forms.start(ctx, entity, _prefill(), origin=_origin(ctx))))


@screen.post("/r/<entity>/<id>/edit/rules")
def edit_rules(entity: str, id: str) -> Response:
    """The same for a record that exists."""
    ctx = context("ui")
    return _rules(ctx, _filled(ctx, _editable(ctx, entity, id)))


def _rules(ctx: Context, filled: Filled) -> Response:
    document = ctx.app.workspace.form_of(filled.entity.name)
    typed = read_texts(fields_of(filled, document), request.form)
    rules = asked(filled, document)
    answers = forms.answers(ctx, filled.entity, filled.record, typed, rules, writable=filled.writable)
    return jsonify(answers)


# ---------------------------------------------------------------- edit


@screen.get("/r/<entity>/<id>/edit")
def edit(entity: str, id: str) -> Response:
    """The form of a record as it stands."""
    ctx = context("ui")
    return _edit_page(ctx, _editable(ctx, entity, id))


@screen.post("/r/<entity>/<id>/edit")
def save(entity: str, id: str) -> Response:
    """Save what was changed; what another person changed meanwhile is never written over."""
    ctx = context("ui")
    opened = _editable(ctx, entity, id)
    version = version_of(request.form)
    typed = read_texts(fields_of(_filled(ctx, opened), ctx.app.workspace.form_of(entity)), request.form)
    chosen = {
        key.removeprefix("keep."): side for key, side in request.form.items() if key.startswith("keep.")
    }
    typed = {name: text for name, text in typed.items() if chosen.get(name) != "theirs"}
    if request.form.get("_form"):
        return _edit_page(ctx, opened, typed=typed)
    given = forms.changed(opened, typed, ZoneInfo(ctx.actor.zone))

    def work() -> str:
        if given or version != opened.version:
            records.update(ctx, entity, id, given, version=version, form=True)
        return f"/r/{entity}/{id}"

    try:
        return once(ctx, work)
    except Invalid as failure:
        return _edit_page(
            ctx, opened, typed=typed, errors=problems_of(failure, ctx.actor.language), status=422
        )
    except Conflict:
        return _conflict(ctx, open_record(ctx, entity, id), typed, version)
    except Forbidden:
        raise
    except Refused as failure:
        return _edit_page(
            ctx, opened, typed=typed, refusal=_refusal(ctx, entity, failure), status=failure.status
        )


def _editable(ctx: Context, entity: str, id: str) -> Opened:
    opened = open_record(ctx, entity, id)
    if "update" not in opened.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    return opened


def _filled(ctx: Context, opened: Opened, typed: Any = None, errors: dict[str, str] | None = None) -> Filled:
    lines = frozenset(
        f"{name}.{column}" for name in opened.lines for column in opened.entity.field(name).fields
    )
    seen = frozenset(opened.item) | (lines & readable_for(ctx, opened.entity.name, frozenset()))
    return Filled(
        opened.entity,
        opened.everything,
        opened.changeable,
        seen,
        opened.item,
        typed=typed,
        errors=errors or {},
    )


def _edit_page(
    ctx: Context, opened: Opened, *, typed: Any = None, errors: dict[str, str] | None = None,
    refusal: dict[str, Any] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    name = opened.entity.name
    back = f"/r/{name}/{opened.id}"
    filled = _filled(ctx, opened, typed, errors)
    values = form_values(ctx, filled, ctx.app.workspace.form_of(name), ask=f"{back}/edit/rules")
    t = speaker(ctx.actor.language)
    version = (
        request.form.get("version") if typed is not None and not request.form.get("_form") else opened.version
    )
    return render.page(
        "forms/form.html", status, title=t("screens.edit_one", title=opened.title), icon=opened.entity.entity.icon,
        action=f"{back}/edit", version=version, back=back, entity=name, refusal=refusal, submit=t("kit.save"),
        crumbs=[{"label": opened.title, "href": back}], **values,
    )  # fmt: skip


# ---------------------------------------------------------------- somebody was faster


@dataclass(frozen=True, slots=True)
class _Side:
    """A field of which two texts exist."""

    clash: Clash
    keep: str


def _conflict(ctx: Context, opened: Opened, typed: dict[str, Any], version: int) -> Response:
    """Show both values of every field that differs; nothing typed is lost, nothing saved is written over."""
    sides = _sides(ctx, opened, typed, version)
    specs = [side.clash.field for side in sides]
    texts = [
        {s.clash.field.name: getattr(s.clash, part) or None for s in sides}
        for part in ("base", "mine", "theirs")
    ]
    by = opened.record.get("updated_by")
    wanted = naming.collect({"user": {str(by)}} if by else {}, specs, texts)
    cells = Cells(ctx, naming.names(ctx, wanted))
    rows = [
        {
            "name": side.clash.field.name, "label": side.clash.field.label.get(cells.lang), "keep": side.keep,
            "base": _said(cells, side.clash.field, side.clash.base), "mine": _said(cells, side.clash.field, side.clash.mine),
            "theirs": _said(cells, side.clash.field, side.clash.theirs),
        }
        for side in sides
    ]  # fmt: skip
    kept = [
        (key, text)
        for key, text in request.form.items(multi=True)
        if key not in _OWN_KEYS and not key.startswith("keep.")
    ]
    back = f"/r/{opened.entity.name}/{opened.id}"
    other = cells.who(opened.record.get("updated_by"))
    return render.page(
        "forms/conflict.html", 409, title=opened.title, icon=opened.entity.entity.icon, rows=rows, kept=kept, back=back,
        action=f"{back}/edit", version=opened.version, other=other["name"] if other else "",
        crumbs=[{"label": opened.title, "href": back}],
    )  # fmt: skip


def _sides(ctx: Context, opened: Opened, typed: dict[str, Any], version: int) -> list[_Side]:
    both = {clash.field.name: clash for clash in forms.clashes(ctx, opened, typed, version)}
    merged = forms.merge(ctx, opened, typed, version)
    zone = ZoneInfo(ctx.actor.zone)
    found = []
    for name, text in typed.items():
        spec = opened.entity.entity.fields[name]
        now = forms.form_value(spec, opened.everything.get(name), zone)
        if name in both:
            found.append(_Side(both[name], "mine"))
        elif name in forms.changed(opened, {name: text}, zone):
            found.append(_Side(Clash(spec, None, text, now), "theirs" if merged[name] != text else "mine"))
    return found


def _said(cells: Cells, spec: Any, text: Any) -> str:
    """Return a form's text as people read it."""
    if text is None or text in ("", []):
        return ""
    if spec.kind == "table":
        return cells.t("screens.lines", n=len(text))
    if spec.kind in ("reference", "user", "team", "references"):
        shown = shown_value(spec, text, cells.names, cells.lang)
        return ", ".join(str(one["title"]) for one in (shown if isinstance(shown, list) else [shown]))
    if spec.kind in ("choice", "multi_choice"):
        options = {option.name: option.label.get(cells.lang) for option in spec.options}
        return ", ".join(
            options.get(str(one), str(one)) for one in (text if isinstance(text, list) else [text])
        )
    return ", ".join(text) if isinstance(text, list) else str(text)
