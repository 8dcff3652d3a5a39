"""Messages: words that steps send, kept in one place for every language and way of sending."""

from __future__ import annotations

from types import MappingProxyType

from fairlead.base.texts import Label
from fairlead.config.build.placeholders import check_placeholders
from fairlead.config.document import Node
from fairlead.config.link import Linker
from fairlead.model.words import Message, Outlet, Words

OUTLETS: tuple[Outlet, ...] = ("inbox", "email", "webhook")


def build_message(node: Node, linker: Linker) -> Message | None:
    """Make a message; every `{field}` in its words is looked up."""
    named = node.get("entity")
    entity = linker.entity(named)
    if named is not None and entity is None:
        return None
    for part in (node, *(found for outlet in OUTLETS if (found := node.get(outlet)) is not None)):
        for key in ("title", "text"):
            words = part.get(key)
            if words is not None:
                check_placeholders(words, linker, entity)
    name = node.document.name
    outlets = {outlet: _words(node, outlet) for outlet in OUTLETS if node.get(outlet) is not None}
    return Message(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        words=Words(node.maybe_label("title"), node.label("text")),
        outlets=MappingProxyType(outlets),
    )


def message_for(node: Node, linker: Linker, entity: str | None) -> str | None:
    """Return the message that a step names, if its words fit the step's record; None where there is none."""
    name = linker.name("message", node)
    if name is None or not linker.documents["message"][name].usable:
        return None
    wanted = linker.documents["message"][name].root.maybe("entity")
    if wanted is not None and wanted != entity and wanted not in linker.hushed:
        about = "no record at all" if entity is None else f"a record of {entity}"
        linker.add(
            "contradiction", node, f"the message {name!r} is about {wanted}, but here it is about {about}"
        )
        return None
    return name


def inbox_words(node: Node) -> Label:
    """Return the one line that stands in the inbox, from the root of a message document."""
    words = _words(node, "inbox")
    if words.title is None:
        return words.text
    languages = dict.fromkeys((*words.title.texts, *words.text.texts))
    return Label(
        {lang: f"{words.title.get(lang)}{_COLON.get(lang, ': ')}{words.text.get(lang)}" for lang in languages}
    )


_COLON = {"zh": "："}


def _words(node: Node, outlet: Outlet) -> Words:
    """Return title and text for one way of sending; what it leaves out is the message's own."""
    own = node.get(outlet)
    parts = (node,) if own is None else (own, node)
    found = {
        key: next((part.maybe_label(key) for part in parts if part.get(key) is not None), None)
        for key in ("title", "text")
    }
    return Words(found["title"], found["text"] or Label())
