"""The `{field}` in texts that people are sent: each must lead to something, step by step."""

from __future__ import annotations

import string

from fairlead.base.texts import did_you_mean, listing
from fairlead.config.document import Node
from fairlead.config.link import PEOPLE, Linker
from fairlead.fields.spec import Field

_SHOWN_OF: dict[str, tuple[str, ...]] = {
    kind: tuple(name for name in names if name != "id") for kind, names in PEOPLE.items()
}
"""What a text may name of a person and of a team."""


def check_placeholders(node: Node, linker: Linker, entity: str | None) -> None:
    """Check every `{field}` and `{reference.field}` in a text, in each language.

    Data that is put in is never read as a text with placeholders again, and nothing but a path may stand in the
    braces: no format, no index, no attribute.
    """
    texts = [part for _, part in node.entries()] if isinstance(node.value, dict) else [node]
    for text in texts:
        try:
            parts = list(string.Formatter().parse(text.value))
        except ValueError:
            linker.add("bad_value", text, "a brace stands alone; write {{ and }} for braces that are meant")
            continue
        at = 0
        for _, name, form, conversion in parts:
            if name is None:
                continue
            at = text.value.find("{" + name, at) + 1
            if form or conversion:
                _at(linker, "bad_value", text, at, name, "nothing but a field may stand in the braces")
            else:
                _check_path(text, at, name, linker, entity)


def _check_path(text: Node, at: int, path: str, linker: Linker, entity: str | None) -> None:
    if entity is None:
        message = "there is no record whose fields could be named"
        _at(linker, "unknown_field", text, at, path, message)
        return
    here: str | None = entity
    names = path.split(".")
    for depth, name in enumerate(names):
        if name in linker.hushed:
            return
        known = tuple(linker.fields.get(here, {})) if here in linker.fields else _SHOWN_OF.get(here or "", ())
        if name not in known:
            hint = did_you_mean(name, known)
            rest = "" if hint or not known else f"; {here} has {listing(known)}"
            _at(linker, "unknown_field", text, at, name, f"there is no field {path!r}{rest}", hint)
            return
        one = linker.fields[here][name] if here in linker.fields else None
        if one is not None:
            linker.mention(linker.owners[id(one)], text, name, at=at)
        here = _behind(one)
        at += len(name) + 1
        if here is None and depth < len(names) - 1:
            message = f"{name!r} leads to no other record, so {path!r} means nothing"
            _at(linker, "unknown_field", text, at, names[depth + 1], message)
            return


def _behind(one: Field | None) -> str | None:
    """Return what a path goes on in after a field: an entity, `user` or `team`."""
    if one is None:
        return None
    if one.kind in _SHOWN_OF:
        return one.kind
    return one.params.get("entity") if one.kind == "reference" else None


def _at(
    linker: Linker, code: str, text: Node, at: int, part: str, message: str, hint: str | None = None
) -> None:
    span = text.document.reading.inside(text.path, at, at + max(len(part), 1))
    linker.problems.add(code, text.path, span, message, hint=hint)
