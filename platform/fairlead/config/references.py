"""What a document leaves to each workspace: secrets and addresses (`${secret:erp}`, `${env:erp_folder}`), and posts.

A post (`@sales_head`) is a name for somebody: the same documents name another person in every workspace (CF-53).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fairlead.config.document import Document, Node

SETTING = re.compile(r"\$\{(secret|env):([a-z][a-z0-9_]{0,39})\}")
POST = re.compile(r"@([a-z][a-z0-9_]{0,39})")

_HOLD_SETTINGS = frozenset({("connector", ("source", "connection")), ("connector", ("source", "address"))})


@dataclass(frozen=True, slots=True)
class Reference:
    """One place that speaks of something which every workspace has for itself."""

    kind: Literal["secret", "env", "post"]
    name: str
    node: Node


def references(documents: Mapping[str, Mapping[str, Document]]) -> Iterator[Reference]:
    """Yield every reference that stands where one may stand."""
    for node in _words(documents):
        found = SETTING.fullmatch(node.value)
        if found and holds_setting(node):
            yield Reference("secret" if found[1] == "secret" else "env", found[2], node)
        elif (post := POST.fullmatch(node.value)) and holds_post(node):
            yield Reference("post", post[1], node)


def astray(documents: Mapping[str, Mapping[str, Document]]) -> Iterator[tuple[Node, str]]:
    """Yield what looks like a reference and would not be read as one, with the reason."""
    for node in _words(documents):
        if holds_setting(node):
            if "${" in node.value and not SETTING.fullmatch(node.value):
                yield node, "a reference is the whole value: ${secret:name} or ${env:name}"
        elif SETTING.fullmatch(node.value):
            yield (
                node,
                "no reference is read here; it may stand in source.connection and source.address of a connector",
            )
        elif node.value.startswith("@") and holds_post(node) and not POST.fullmatch(node.value):
            yield node, "a post is written @name, in small letters, digits and underscores"


def holds_setting(node: Node) -> bool:
    """Whether a secret or an address of the workspace may stand here."""
    return (node.document.kind, node.path) in _HOLD_SETTINGS


def holds_post(node: Node) -> bool:
    """Whether somebody is named here: an approver, or whom a step notifies."""
    path = node.path
    if path[-1:] == ("user",):
        return node.document.kind == "approval"
    return path[-2:] == ("notify", "to") or path[-3:-1] == ("notify", "to")


def _words(documents: Mapping[str, Mapping[str, Document]]) -> Iterator[Node]:
    for named in documents.values():
        for document in named.values():
            if "${" in document.reading.text or "@" in document.reading.text:
                yield from _leaves(document.root)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node.value, dict):
        for _, inner in node.entries():
            yield from _leaves(inner)
    elif isinstance(node.value, list):
        for inner in node.items():
            yield from _leaves(inner)
    elif isinstance(node.value, str):
        yield node
