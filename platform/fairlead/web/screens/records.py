"""The page of a record and everything one can do from it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, Failure, Invalid, NotFound, Refused
from fairlead.decide import move as moves
from fairlead.fields.spec import Field
from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.request import context
from fairlead.web.screens import record_view as view
from fairlead.web.screens import timeline_view
from fairlead.web.screens.composing import composers, logged
from fairlead.web.screens.fieldsets import Filled, args_of
from fairlead.web.screens.lists import said
from fairlead.web.screens.posting import problems_of, read_texts, version_of
from fairlead.web.texts import speaker
from fairlead.work import naming, pointing, pools, records
from fairlead.work.context import Context
from fairlead.work.forms import typed_now
from fairlead.work.opened import Opened, open_record
from fairlead.work.records import roles_of
from fairlead.work.timelines import timeline_of

screen = Blueprint("records", __name__)


# ---------------------------------------------------------------- reading


@screen.get("/r/<entity>/<id>")
def show(entity: str, id: str) -> Response:
    """The page of one record."""
    ctx = context("ui")
    return record_page(ctx, open_record(ctx, entity, id))


def record_page(ctx: Context, opened: Opened, status: int = 200) -> Response:
    """Return the page of an opened record."""
    page = ctx.app.workspace.page_of(opened.entity.name)
    about = (opened.entity.name, opened.id)
    timeline = timeline_of(ctx, opened)
    titles = view.related_titles(ctx, page, ctx.actor.language)
    first = titles[: view.RELATED_AT_ONCE]
    rows = [
        (pointing.related(ctx, one.entity, one.field, about, columns=one.columns), one) for _, one, _ in first
    ]
    wanted = timeline_view.wanted_names(ctx, opened, timeline.entries, view.wanted_names(opened))
    wanted = view.related_names([(found, one.columns) for found, one in rows if found is not None], wanted)
    cells = Cells(ctx, naming.names(ctx, wanted))
    related = [
        {
            "title": title, "entries": view.related_lines(found, one.columns, cells), "more": found.more,
            "href": _related_url(ctx, one.entity, one.field, about), "icon": found.entity.entity.icon,
            "new": _related_new(ctx, opened, one.entity, one.field),
        }
        for (found, one), (_, _, title) in zip(rows, first, strict=True)
        if found is not None
    ]  # fmt: skip
    later = [
        {
            "title": title,
            "url": view.url_of(opened, f"/related/{number}"),
            "icon": ctx.app.workspace.entities[one.entity].icon,
        }
        for number, one, title in titles[view.RELATED_AT_ONCE :]
    ]
    stages = view.stages(ctx, opened, cells)
    return render.page(
        "records/record.html", status, entity=opened.entity.entity, record_id=opened.id, base=view.url_of(opened),
        header=view.header(ctx, opened, page, cells), stages=stages, moves=view.stage_menu(stages),
        sections=view.sections(ctx, opened, page, cells), tables=view.lines(ctx, opened, cells),
        actions=view.actions(ctx, opened, page, cells), needed=view.needed_next(ctx, opened, cells), related=related,
        later=later, entries=timeline_view.entries(ctx, opened, timeline.entries, cells), more_url=_more(opened, timeline.next),
        composers=composers(ctx, opened), lock=_lock(ctx, opened), version=opened.version,
    )  # fmt: skip


def _more(opened: Opened, after: str | None) -> str | None:
    from urllib.parse import quote

    return view.url_of(opened, f"/timeline?after={quote(after)}") if after else None


def _related_url(ctx: Context, entity: str, field: str, about: tuple[str, str]) -> str:
    from urllib.parse import quote

    spec = ctx.app.workspace.entities[entity].fields[field]
    return f"/l/{entity}?view=&f.{field}={quote(pointing.key_of(spec, *about), safe=':')}"


def _related_new(ctx: Context, opened: Opened, entity: str, field: str) -> str | None:
    spec = ctx.app.workspace.entities[entity].fields[field]
    if not ctx.app.access(entity, roles_of(ctx)).can("create") or spec.readonly:
        return None
    return f"/r/{entity}/new?with.{field}={pointing.key_of(spec, opened.entity.name, opened.id)}"


def _lock(ctx: Context, opened: Opened) -> dict[str, Any] | None:
    if opened.locked_by is None:
        return None
    return {
        "href": f"/approvals/{opened.locked_by}",
        "text": speaker(ctx.actor.language)("screens.locked_text"),
    }


@screen.get("/r/<entity>/<id>/peek")
def peek(entity: str, id: str) -> Response:
    """A record beside the list: its facts and what happened last."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    page = ctx.app.workspace.page_of(entity)
    timeline = timeline_of(ctx, opened, limit=4)
    wanted = timeline_view.wanted_names(ctx, opened, timeline.entries, view.wanted_names(opened))
    cells = Cells(ctx, naming.names(ctx, wanted))
    shown = [view.fact(opened, opened.entity.field(n), cells) for n in _peek_fields(ctx, opened)]
    state = cells.cell(opened.entity, "stage", opened.item) if "stage" in opened.item else None
    return render.fragment(
        "records/peek.html", header=view.header(ctx, opened, page, cells), base=view.url_of(opened), state=state,
        facts=[one | {"edit_url": None} for one in shown], actions=view.actions(ctx, opened, page, cells),
        entries=timeline_view.entries(ctx, opened, timeline.entries, cells),
    )  # fmt: skip


def _peek_fields(ctx: Context, opened: Opened) -> list[str]:
    page = ctx.app.workspace.page_of(opened.entity.name)
    names = dict.fromkeys([*page.facts, *(name for section in page.sections[:2] for name in section.fields)])
    fields = opened.entity.entity.fields
    return [
        n
        for n in names
        if n in opened.item and fields[n].kind != "table" and opened.item[n] not in (None, "")
    ][:12]


@screen.get("/r/<entity>/<id>/timeline")
def older(entity: str, id: str) -> Response:
    """Older entries of the timeline."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    timeline = timeline_of(ctx, opened, after=request.args.get("after"))
    cells = Cells(ctx, naming.names(ctx, timeline_view.wanted_names(ctx, opened, timeline.entries, {})))
    made = timeline_view.entries(ctx, opened, timeline.entries, cells)
    return render.fragment("records/entries.html", entries=made, more_url=_more(opened, timeline.next))


@screen.get("/r/<entity>/<id>/related/<int:number>")
def related(entity: str, id: str, number: int) -> Response:
    """One related list, when it comes into view."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    page = ctx.app.workspace.page_of(entity)
    if number >= len(page.related):
        raise NotFound("related", str(number))
    one = page.related[number]
    rows = pointing.related(ctx, one.entity, one.field, (entity, id), columns=one.columns)
    if rows is None:
        raise NotFound("related", str(number))
    cells = Cells(ctx, naming.names(ctx, view.related_names([(rows, one.columns)], {})))
    return render.fragment(
        "records/related.html", entries=view.related_lines(rows, one.columns, cells), more=rows.more,
        href=_related_url(ctx, one.entity, one.field, (entity, id)), new=_related_new(ctx, opened, one.entity, one.field),
    )  # fmt: skip


@screen.get("/r/<entity>/<id>/who")
def who(entity: str, id: str) -> Response:
    """Who can see this record, and what of it."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    cells = Cells(ctx, naming.names(ctx, view.wanted_names(opened)))
    fields = opened.entity.entity.fields
    held = [
        {"label": fields[name].label.get(cells.lang), "value": cells.cell(opened.entity, name, opened.item)}
        for name in ("owner", "team", "pool") if name in fields and opened.item.get(name)
    ]  # fmt: skip
    return render.fragment("records/who.html", entries=view.who_can_see(ctx, opened, cells), held=held)


@screen.get("/r/<entity>/<id>/explain/<field>")
def explain(entity: str, id: str, field: str) -> Response:
    """How a computed value comes about."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    spec = opened.entity.entity.fields.get(field)
    if spec is None or not spec.computed or field not in opened.item:
        raise NotFound("field", field)
    cells = Cells(ctx, naming.names(ctx, view.wanted_names(opened)))
    return render.fragment("records/explain.html", **view.explanation(opened, spec, cells))


# ---------------------------------------------------------------- one field in place


@screen.get("/r/<entity>/<id>/f/<field>")
def field_form(entity: str, id: str, field: str) -> Response:
    """The input of one field, in the place of its value."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    spec = _open_field(opened, field)
    if request.args.get("show"):
        cells = Cells(ctx, naming.names(ctx, view.wanted_names(opened)))
        return render.fragment("records/fact.html", fact=view.fact(opened, spec, cells))
    return _field_form(ctx, opened, spec)


def _open_field(opened: Opened, name: str) -> Field:
    spec = opened.entity.entity.fields.get(name)
    if spec is None or name not in opened.item:
        raise NotFound("field", name)
    return spec


def _field_form(
    ctx: Context, opened: Opened, spec: Field, typed: Any = None, error: str | None = None, status: int = 200
) -> Response:
    names = naming.names(ctx, naming.collect({}, [spec], [opened.item]))
    filled = Filled(
        opened.entity, opened.everything, opened.changeable, frozenset(opened.item), opened.item,
        typed={spec.name: typed} if typed is not None else None, errors={spec.name: error} if error else {}, names=names,
    )  # fmt: skip
    return render.fragment(
        "records/fact_form.html",
        status,
        args=args_of(ctx, filled, spec),
        base=view.url_of(opened),
        version=opened.version,
    )


@screen.post("/r/<entity>/<id>/f/<field>")
def save_field(entity: str, id: str, field: str) -> Response:
    """Save one field edited in place; the page follows, since other values may depend on it."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    spec = _open_field(opened, field)
    typed = read_texts([spec], request.form).get(field)
    version = version_of(request.form)
    try:
        if typed is not None and typed != typed_now(opened, spec, ZoneInfo(ctx.actor.zone)):
            records.update(ctx, entity, id, {field: typed}, version=version, form=True)
    except Invalid as failure:
        message = problems_of(failure, ctx.actor.language).get(field) or said(failure, ctx.actor.language)
        return _field_form(ctx, opened, spec, typed, message, 422)
    except (Refused, Conflict) as failure:
        return _field_form(ctx, opened, spec, typed, failure.message(ctx.actor.language), 409)
    return _again(ctx, entity, id)


def _again(ctx: Context, entity: str, id: str, toast: str | None = None) -> Response:
    """Send the reader to the record as it stands; to its list when it is out of sight now."""
    try:
        open_record(ctx, entity, id)
    except NotFound:
        return render.go(
            f"/l/{entity}", toast=toast or speaker(ctx.actor.language)("screens.out_of_sight"), tone="grey"
        )
    return render.go(f"/r/{entity}/{id}", toast=toast)


# ---------------------------------------------------------------- moves


@screen.get("/r/<entity>/<id>/move")
def move_form(entity: str, id: str) -> Response:
    """What a move asks for."""
    ctx = context("ui")
    return ask_for_move(ctx, open_record(ctx, entity, id), request.args.get("stage", ""))


@screen.post("/r/<entity>/<id>/move")
def move(entity: str, id: str) -> Response:
    """Move the record to another stage."""
    ctx = context("ui")
    stage, form = request.form.get("stage", ""), request.form
    opened = open_record(ctx, entity, id)
    typed = move_texts(ctx, opened, stage, form)
    try:
        records.move(
            ctx,
            entity,
            id,
            stage,
            version=version_of(form),
            given=typed,
            reason=form.get("reason") or None,
            form=True,
        )
    except Invalid as failure:
        return ask_for_move(ctx, opened, stage, failure=failure, typed=typed, status=422)
    return _again(ctx, entity, id)


def move_texts(ctx: Context, opened: Opened, stage: str, form: Any) -> dict[str, Any]:
    """Return what was typed into the form of a move."""
    way = _way(ctx, opened, stage)
    names = view.asked_fields(ctx, opened, way) if way is not None else []
    return read_texts([opened.entity.field(name) for name in names], form)


def _way(ctx: Context, opened: Opened, stage: str) -> moves.Target | None:
    machine = opened.entity.machine
    if machine is None:
        return None
    found = moves.targets(machine, opened.item.get("stage"), ctx.actor.roles)
    return next((way for way in found if way.stage == stage), None)


def ask_for_move(
    ctx: Context, opened: Opened, stage: str, *, failure: Invalid | None = None, typed: Any = None, status: int = 200,
    action: str | None = None,
) -> Response:  # fmt: skip
    """Return the small form of a move; with a failure, what was typed and what is wrong with it."""
    way = _way(ctx, opened, stage)
    lang = ctx.actor.language
    machine = opened.entity.machine
    if way is None or machine is None:
        moves.find_move(machine, opened.item.get("stage"), stage, ctx.actor.roles) if machine else None
        raise failure or NotFound("stage", stage)
    names = view.asked_fields(ctx, opened, way)
    specs = [opened.entity.field(name) for name in names]
    errors = problems_of(failure, lang) if failure else {}
    known = naming.names(ctx, naming.collect({}, specs, [opened.item, *([typed] if typed else [])]))
    filled = Filled(
        opened.entity, opened.everything, frozenset(names), frozenset(opened.item) | frozenset(names), {}, typed=typed,
        errors=errors, names=known,
    )  # fmt: skip
    required = machine.stages[stage].require
    fields = [
        args_of(ctx, filled, spec) | {"required": spec.required or spec.name in required}
        for spec in specs
        if spec.kind != "table"
    ]
    if fields:
        fields[0]["autofocus"] = True
    named = way.move is not None and way.move.label is not None
    title = way.label.get(lang) if named else speaker(lang)("screens.move_to", stage=way.label.get(lang))
    other = [text for name, text in errors.items() if name not in names and name != "reason"]
    return render.fragment(
        "records/move.html", status, fields=fields, stage=stage, label=title, reason=way.reason,
        reason_value=request.form.get("reason", ""), reason_error=errors.get("reason"), version=opened.version,
        action=action or view.url_of(opened, "/move"), record_id=opened.id, title=opened.title, other=other,
    )  # fmt: skip


# ---------------------------------------------------------------- whose it is


@screen.get("/r/<entity>/<id>/assign")
def assign_form(entity: str, id: str) -> Response:
    """Ask who shall own the record."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    return render.fragment(
        "records/assign.html", action=view.url_of(opened, "/assign"), version=opened.version
    )


@screen.post("/r/<entity>/<id>/assign")
def assign(entity: str, id: str) -> Response:
    """Make somebody the owner."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    try:
        records.assign(
            ctx,
            entity,
            id,
            request.form.get("owner", ""),
            version=version_of(request.form),
            reason=request.form.get("reason") or None,
        )
    except (Invalid, Refused) as failure:
        action = f"/r/{entity}/{id}/assign"
        return render.fragment(
            "records/assign.html", failure.status if failure.status in (409, 422, 423) else 409, action=action,
            version=request.form.get("version"), error=said(failure, ctx.actor.language),
        )  # fmt: skip
    return _again(ctx, entity, id, t("screens.assigned"))


@screen.post("/r/<entity>/<id>/claim")
def claim(entity: str, id: str) -> Response:
    """Take the record out of its pool."""
    ctx = context("ui")
    pools.claim(ctx, entity, id, idempotency_key=request.headers.get("Idempotency-Key"))
    return _again(ctx, entity, id, speaker(ctx.actor.language)("screens.claimed"))


@screen.get("/r/<entity>/<id>/release")
def release_form(entity: str, id: str) -> Response:
    """Ask why the record goes back."""
    ctx = context("ui")
    return _release_form(ctx, open_record(ctx, entity, id))


def _release_form(ctx: Context, opened: Opened, error: str | None = None, status: int = 200) -> Response:
    from fairlead.decide.pool import entry_pool

    pool = entry_pool(opened.entity.pools, opened.record, ctx.env())
    lang = ctx.actor.language
    reasons = [
        {"value": key, "label": label.get(lang)} for key, label in (pool.return_reasons if pool else ())
    ]
    return render.fragment(
        "records/release.html", status, action=view.url_of(opened, "/release"), reasons=reasons, error=error,
        required=bool(pool and pool.return_reason_required), pool=pool.label.get(lang) if pool else "",
        chosen=request.form.get("reason", ""), note=request.form.get("note", ""),
    )  # fmt: skip


@screen.post("/r/<entity>/<id>/release")
def release(entity: str, id: str) -> Response:
    """Give the record back to its pool."""
    ctx = context("ui")
    try:
        pools.release(
            ctx,
            entity,
            id,
            reason=request.form.get("reason") or None,
            note=(request.form.get("note") or None),
        )
    except Invalid as failure:
        return _release_form(ctx, open_record(ctx, entity, id), said(failure, ctx.actor.language), 422)
    return _again(ctx, entity, id, speaker(ctx.actor.language)("screens.released"))


@screen.post("/r/<entity>/<id>/delete")
def delete(entity: str, id: str) -> Response:
    """Put the record into the recycle bin."""
    ctx = context("ui")
    records.delete(ctx, entity, id, version=None)
    return render.go(f"/l/{entity}", toast=speaker(ctx.actor.language)("screens.deleted"))


# ---------------------------------------------------------------- the composer


@screen.post("/r/<entity>/<id>/log/<activity>")
def log(entity: str, id: str, activity: str) -> Response:
    """Write something onto the timeline."""
    ctx = context("ui")
    opened = open_record(ctx, entity, id)
    found = next((one for one in pointing.timeline_entities(ctx, entity) if one.name == activity), None)
    if found is None:
        raise NotFound(activity)
    try:
        saved = logged(ctx, opened, found, request.form)
    except Failure as failure:
        # What was typed stays in the composer: the answer is a sentence, not a page.
        text = said(failure, ctx.actor.language)
        from fairlead.web.problems import problem

        return problem(failure.status, failure.code, text)
    about = open_record(ctx, activity, saved.id)
    cells = Cells(ctx, naming.names(ctx, view.wanted_names(about)))
    timeline = found.entity.timeline
    assert timeline is not None
    made = timeline_view.activity(
        found, about.item, str(about.item.get(timeline.at) or about.item["created_at"]), cells
    )
    answer = render.fragment(
        "records/entries.html", entries=[made | {"person": cells.who(ctx.actor.id)}], more_url=None
    )
    return render.say_done(answer, speaker(ctx.actor.language)("screens.logged"))
