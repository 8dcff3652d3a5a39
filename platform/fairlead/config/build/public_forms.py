"""Forms for people without an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from fairlead.config.build.steps import build_values
from fairlead.config.build.workflows import writable
from fairlead.config.document import Node
from fairlead.config.link import Linker, Where
from fairlead.model.screens import FormSection
from fairlead.model.words import PublicForm

_OF_PEOPLE = frozenset({"user", "team", "reference", "references"})
"""Types whose choices are the company's own people and records; somebody outside sees none of them."""


def build_public_form(node: Node, linker: Linker) -> PublicForm | None:
    """Make a public form; what it asks must be something that people outside may fill in."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    sections = tuple(
        FormSection(
            part.maybe_label("label"),
            _asked(entity, part.each("fields"), linker),
            part.number("columns", 1),
            part.flag("folded"),
            linker.rule(part.get("visible_when"), Where(entity, user=False)),
        )
        for part in node.each("sections")
    )
    fields, listed = node.get("fields"), node.get("sections")
    if fields is not None and listed is not None:
        linker.add("contradiction", fields, "give either `fields` or `sections`", key=True)
    elif fields is not None:
        sections = (FormSection(None, _asked(entity, fields.items(), linker), 1, False, None),)
    elif listed is None and not {("fields",), ("sections",)} & node.document.broken:
        linker.missing(node, "fields", "'fields' is missing: what does the form ask?")
    given = node.get("with")
    values = (
        {} if given is None else build_values(given, linker, entity, Where(entity, user=False), creating=True)
    )
    about = _about(node, linker, entity)
    _require_all(
        node, linker, entity, {*values, *(name for part in sections for name in part.fields), about or ""}
    )
    link, limit = node.get("link"), node.get("limit")
    name = node.document.name
    return PublicForm(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        purpose=cast(Any, node.text("purpose", "capture")),
        about=about,
        intro=node.maybe_label("intro"),
        sections=sections,
        values=values,
        consent=node.maybe_label("consent"),
        thanks=node.maybe_label("thanks"),
        expires=None if link is None else linker.duration(link.get("expires")),
        once=link is not None and link.flag("once"),
        limit=None if limit is None else (limit.text("per"), limit.number("max", 1)),
    )


def _asked(entity: str, nodes: Iterable[Node], linker: Linker) -> tuple[str, ...]:
    """Return the fields that are asked; what shows the company's own people or records is refused."""
    kept = []
    for node in nodes:
        one = linker.fields[entity].get(str(node.value))
        if one is not None and one.kind in _OF_PEOPLE:
            message = f"{node.value!r} would show people or records of the company to somebody outside"
            linker.add("not_public", node, message)
        elif one is not None and one.sensitive:
            linker.add("not_public", node, f"{node.value!r} is sensitive; nobody outside is asked for it")
        else:
            kept.append(node)
    return writable(entity, kept, linker)


def _about(node: Node, linker: Linker, entity: str) -> str | None:
    part = node.get("about")
    name = linker.field(entity, part)
    if part is not None and name is not None and linker.fields[entity][name].kind != "reference":
        linker.add("wrong_type", part, f"{name!r} is no reference")
        return None
    if part is not None and node.text("purpose", "capture") == "capture":
        linker.add("contradiction", part, "`about` goes with questionnaire and survey", key=True)
    return name


def _require_all(node: Node, linker: Linker, entity: str, known: set[str]) -> None:
    absent = [
        one.name
        for one in linker.fields[entity].values()
        if one.required
        and one.name not in known
        and not linker.computes(entity, one)
        and linker.written(entity, one.name, "default") is None
        and one.origin == "document"
    ]
    if absent and not linker.hushed & set(absent):
        message = f"nothing fills the required {', '.join(absent)}, so no answer could be taken"
        linker.add("missing_value", node.get("fields") or node.get("sections") or node, message)
