"""Entities: outline first, so that every rule finds every field; then the rest."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from fairlead.base.problems import Span
from fairlead.base.texts import did_you_mean
from fairlead.config.build import migrations
from fairlead.config.build.fields import complete_field, outline_field
from fairlead.config.derive import RESERVED, engine_fields, plural_of
from fairlead.config.document import Node
from fairlead.config.link import Linker, Where
from fairlead.fields.spec import Field, Option
from fairlead.model.entities import Check, DuplicateRule, Entity, Index, OptionSet, Timeline


def outline_fields(
    node: Node,
    linker: Linker,
    sets: Mapping[str, OptionSet],
    currency: str,
    *,
    stages: Sequence[Option],
    initial: str | None,
    pools: Sequence[Option],
) -> dict[str, Field]:
    """Make all fields of an entity without their expressions: the document's, the traits', the engine's."""
    traits = [trait.value for trait in node.each("traits")]
    fields: dict[str, Field] = {}
    listed = node.get("fields")
    for name, part in listed.entries() if listed is not None else ():
        if name in RESERVED:
            message = f"the name {name!r} belongs to a field that the engine brings itself"
            linker.add("reserved_name", part, message, key=True)
        fields[name] = outline_field(name, part, linker, sets, currency)
    fields.update(engine_fields(traits, stages, initial, pools, node.key_span))
    return fields


def build_entity(node: Node, linker: Linker) -> Entity:
    """Make an entity whose fields are already outlined."""
    name = node.document.name
    outlined = linker.fields[name]
    fields = dict(outlined)
    listed = node.get("fields")
    for key, part in listed.entries() if listed is not None else ():
        if outlined[key].origin == "document":
            fields[key] = complete_field(outlined[key], part, linker, name)
    label = node.label(name=name)
    return Entity(
        name=name,
        span=node.span,
        label=label,
        plural=node.maybe_label("plural") or plural_of(label),
        icon=node.text("icon", "database"),
        title=_title(node, linker, fields),
        traits=frozenset(trait.value for trait in node.each("traits")),
        fields=MappingProxyType(fields),
        checks=tuple(made for part in node.each("checks") if (made := _check(part, linker, name))),
        duplicates=tuple(
            DuplicateRule(
                linker.field_list(name, part.each("match")),
                cast(Any, part.text("on_found", "warn")),
                part.span,
            )
            for part in node.each("duplicates")
        ),
        indexes=tuple(
            Index(linker.field_list(name, part.each("fields")), part.flag("unique"))
            for part in node.each("indexes")
        ),
        timeline=_timeline(node, linker, name),
        was=node.was(),
        help=node.maybe_label("help"),
        backfill=migrations.entity_backfill(node, linker, fields),
    )


def _title(node: Node, linker: Linker, fields: Mapping[str, Field]) -> str:
    title = node.get("title")
    if title is None:
        first = next(
            (
                one.name
                for one in fields.values()
                if one.kind in ("text", "sequence") and one.origin == "document"
            ),
            "id",
        )
        return f"{{{first}}}"
    try:
        parts = list(string.Formatter().parse(title.value))
    except ValueError as error:
        linker.add("bad_value", title, f"the title is not a pattern: {error}")
        return "{id}"
    named = [(name, spec, conversion) for _, name, spec, conversion in parts if name is not None]
    if not named:
        linker.add("bad_value", title, "the title names no field; write {name} for the field called name")
    at = 0
    for name, spec, conversion in named:
        at = title.value.find("{" + name, at) + 1
        span = title.document.reading.inside(title.path, at, at + len(name))
        if name in fields and name in linker.fields[node.document.name]:
            owner = linker.owners[id(linker.fields[node.document.name][name])]
            linker.mention(owner, title, name, at=at)
        if spec or conversion:
            linker.problems.add("bad_value", title.path, span, "only plain {field} is understood in a title")
        elif fields.get(name) is None:
            plain = Node(title.document, title.path, name)
            if name not in linker.hushed:
                _unknown_in_title(linker, plain, span, name, fields)
        elif fields[name].kind in ("table", "json"):
            linker.problems.add("wrong_type", title.path, span, f"{name!r} cannot stand in a title")
    return str(title.value)


def _unknown_in_title(linker: Linker, node: Node, span: Span, name: str, fields: Mapping[str, Field]) -> None:
    linker.problems.add(
        "unknown_field", node.path, span, f"there is no field {name!r}", hint=did_you_mean(name, fields)
    )


def _check(node: Node, linker: Linker, entity: str) -> Check | None:
    rule = linker.rule(node.get("rule"), Where(entity, old=True))
    if rule is None:
        return None
    on = cast(Any, node.text("on", "always"))
    field = linker.field(entity, node.get("field"))
    return Check(rule, node.label("message"), on, field, node.span, node.flag("from_now_on", True))


def _timeline(node: Node, linker: Linker, entity: str) -> Timeline | None:
    timeline = node.get("timeline")
    if timeline is None:
        return None
    fields = linker.fields[entity]

    def field(key: str, *kinds: str) -> str | None:
        part = timeline.get(key)
        name = linker.field(entity, part)
        if part is not None and name is not None and fields[name].kind not in kinds:
            wanted = " or ".join(kinds)
            linker.add("wrong_type", part, f"{name!r} is of type {fields[name].kind}; {key} needs {wanted}")
        return name

    about, at = field("about", "reference"), field("at", "datetime", "date")
    kind = field("kind", "choice")
    text = field("text", "text", "long_text", "rich_text")
    counts = linker.rule(timeline.get("counts_when"), Where(entity))
    if about is None or at is None:
        return None
    return Timeline(about, at, kind, text, counts)
