"""The composer: one short form for each entity whose rows stand on the timeline."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from fairlead.compiled.application import CompiledEntity
from fairlead.fields.spec import Field
from fairlead.web.screens.fieldsets import Filled, args_of, env_json
from fairlead.web.screens.posting import read_texts
from fairlead.web.screens.record_view import url_of
from fairlead.web.screens.timeline_view import kind_icon
from fairlead.web.texts import speaker
from fairlead.work import forms, naming, pointing
from fairlead.work.context import Context
from fairlead.work.opened import Opened
from fairlead.work.records import Saved, roles_of


def composers(ctx: Context, opened: Opened) -> list[dict[str, Any]]:
    """Return the composers of a record's page: one for each kind of row this person may write there."""
    return [
        _composer(ctx, opened, entity)
        for entity in pointing.timeline_entities(ctx, opened.entity.name)
        if ctx.app.access(entity.name, roles_of(ctx)).can("create")
    ]


def _composer(ctx: Context, opened: Opened, entity: CompiledEntity) -> dict[str, Any]:
    timeline = entity.entity.timeline
    assert timeline is not None
    lang = ctx.actor.language
    fields = entity.entity.fields
    about = pointing.key_of(fields[timeline.about], opened.entity.name, opened.id)
    start = forms.start(ctx, entity.name, {timeline.about: about})
    kind = fields[timeline.kind] if timeline.kind else None
    chosen = start.record.get(timeline.kind) if timeline.kind else None
    kinds = [
        {
            "name": option.name, "label": option.label.get(lang), "icon": kind_icon(option.name, entity.entity.icon),
            "active": option.name == chosen,
        }
        for option in (kind.options if kind else ()) if option.active
    ]  # fmt: skip
    if not kinds:
        kinds = [{"name": "", "label": entity.entity.label.get(lang), "icon": entity.entity.icon}]
    specs = more_fields(entity, start.writable)
    names = naming.names(ctx, naming.collect({}, specs, [start.record]))
    filled = Filled(entity, start.record, start.writable, start.writable, names=names)
    text = fields[timeline.text] if timeline.text else None
    return {
        "entity": entity.name, "url": url_of(opened, f"/log/{entity.name}"), "kinds": kinds, "kind_field": timeline.kind,
        "placeholder": text.placeholder.get(lang) if text is not None and text.placeholder else None,
        "fields": [_named(entity, args_of(ctx, filled, spec)) for spec in specs], "env": env_json(ctx),
        "submit": speaker(lang)("kit.log"),
    }  # fmt: skip


def more_fields(entity: CompiledEntity, writable: frozenset[str]) -> list[Field]:
    """Return the fields of a row beside kind and words, those that must be given first."""
    timeline = entity.entity.timeline
    assert timeline is not None
    taken = {timeline.about, timeline.kind, timeline.text, *entity.entity.title_fields}
    return [
        spec for name, spec in entity.entity.fields.items()
        if name in writable and name not in taken and spec.origin == "document" and not spec.computed
        and spec.kind not in ("table", "json", "long_text", "rich_text")
    ]  # fmt: skip


def _named(entity: CompiledEntity, args: dict[str, Any]) -> dict[str, Any]:
    """Fields of a composer are named apart from others on the page, and kind and text are the composer's own."""
    if args["name"] in ("kind", "text"):
        args["name"] = f"{entity.name}.{args['name']}"
    return args


def logged(ctx: Context, opened: Opened, entity: CompiledEntity, form: MultiDict[str, str]) -> Saved:
    """Create the row that a composer describes.

    Raises:
        Invalid, Forbidden: As `records.create`.
    """
    timeline = entity.entity.timeline
    assert timeline is not None
    fields = entity.entity.fields
    start = forms.start(ctx, entity.name, {})
    given = read_texts(more_fields(entity, start.writable), form)
    for name in ("kind", "text"):
        if f"{entity.name}.{name}" in form and name in fields:
            given[name] = form[f"{entity.name}.{name}"]
    given[timeline.about] = pointing.key_of(fields[timeline.about], opened.entity.name, opened.id)
    words = form.get("text", "").strip()
    if timeline.kind and form.get("kind"):
        given[timeline.kind] = form["kind"]
    if timeline.text:
        given[timeline.text] = words
    for name in entity.entity.title_fields:
        spec = fields[name]
        if name in start.writable and spec.kind in ("text", "long_text") and not given.get(name):
            given[name] = _headline(words, spec, _kind_words(ctx, entity, given))
    return forms.create(
        ctx, entity.name, {name: text for name, text in given.items() if text != "" or name in form}
    )


def _kind_words(ctx: Context, entity: CompiledEntity, given: dict[str, Any]) -> str:
    timeline = entity.entity.timeline
    option = None
    if timeline is not None and timeline.kind:
        options = entity.entity.fields[timeline.kind].options
        option = next((one for one in options if one.name == given.get(timeline.kind)), None)
    return (option.label if option else entity.entity.label).get(ctx.actor.language)


def _headline(words: str, spec: Field, otherwise: str) -> str:
    """Return the first line of what was written, short enough for a title; the kind's name where nothing was."""
    most = min(int(spec.params.get("max_length", 80)), 80)
    first = words.splitlines()[0].strip() if words else otherwise
    return first if len(first) <= most else f"{first[: most - 1]}…"
