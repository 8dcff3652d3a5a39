"""One document and a cursor over its data that always knows where it stands.

What is broken has been reported already and is invisible here: builders meet only values of the right
shape, and never say a second time what the shapes said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fairlead.base.problems import KeyPath, Span
from fairlead.base.texts import Label
from fairlead.config.reading import Reading


@dataclass(frozen=True, slots=True)
class Document:
    """A file whose kind and name are known. `usable` says whether anything can be built from it."""

    kind: str
    name: str
    reading: Reading
    broken: frozenset[KeyPath] = frozenset()
    usable: bool = True

    @property
    def path(self) -> str:
        """The file's relative name."""
        return self.reading.path

    @property
    def root(self) -> Node:
        """The whole document."""
        return Node(self, (), self.reading.data)

    def node(self, *path: str | int) -> Node:
        """Return the value at `path`, or its nearest parent where there is none."""
        node = self.root
        for key in path:
            value = node.value
            known = range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
            if key not in known:
                break
            node = Node(self, (*node.path, key), value[key])
        return node


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside a document."""

    document: Document
    path: KeyPath
    value: Any = field(repr=False)

    @property
    def span(self) -> Span:
        """Where the value stands."""
        return self.document.reading.span(self.path)

    @property
    def key_span(self) -> Span:
        """Where its key stands."""
        return self.document.reading.key_span(self.path)

    @property
    def key(self) -> str:
        """The last key of the path, as text."""
        return str(self.path[-1]) if self.path else ""

    def get(self, key: str) -> Node | None:
        """Return the value under `key`; None when it is missing, null or broken."""
        value = self.value.get(key) if isinstance(self.value, dict) else None
        if value is None:
            return None
        here = (*self.path, key)
        return None if here in self.document.broken else Node(self.document, here, value)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Go through a mapping; null values are kept, broken ones left out."""
        if isinstance(self.value, dict):
            for key, value in self.value.items():
                here = (*self.path, key)
                if here not in self.document.broken:
                    yield key, Node(self.document, here, value)

    def items(self) -> Iterator[Node]:
        """Go through a list; anything else is a list of itself."""
        if not isinstance(self.value, list):
            yield self
            return
        for index, value in enumerate(self.value):
            here = (*self.path, index)
            if here not in self.document.broken:
                yield Node(self.document, here, value)

    def each(self, key: str) -> Iterator[Node]:
        """Go through the list under `key`; nothing there is an empty list."""
        node = self.get(key)
        if node is not None:
            yield from node.items()

    def text(self, key: str, default: str = "") -> str:
        """Return the text under `key`."""
        node = self.get(key)
        return node.value if node is not None and isinstance(node.value, str) else default

    def maybe(self, key: str) -> str | None:
        """Return the text under `key`, or None."""
        return self.text(key) or None

    def flag(self, key: str, default: bool = False) -> bool:
        """Return the truth under `key`; `yes` and `no` count."""
        node = self.get(key)
        return default if node is None else is_yes(node.value)

    def number(self, key: str, default: int) -> int:
        """Return the whole number under `key`."""
        node = self.get(key)
        return default if node is None else int(node.value)

    def maybe_number(self, key: str) -> int | None:
        """Return the whole number under `key`, or None."""
        node = self.get(key)
        return None if node is None else int(node.value)

    def label(self, key: str = "label", *, name: str = "") -> Label:
        """Return the label under `key`; an empty one that shows `name` when there is none."""
        node = self.get(key)
        return Label({}, name) if node is None else node.as_label(name)

    def as_label(self, name: str = "") -> Label:
        """Return the label that stands here, in the languages that are sound."""
        if isinstance(self.value, dict):
            return Label(
                {lang: part.value for lang, part in self.entries() if isinstance(part.value, str)}, name
            )
        return Label.of(self.value, name=name)

    def maybe_label(self, key: str) -> Label | None:
        """Return the label under `key`, or None."""
        node = self.get(key)
        return None if node is None else node.as_label()

    def was(self) -> tuple[str, ...]:
        """Return the names this had before."""
        return tuple(node.value for node in self.each("was"))


def is_yes(value: object) -> bool:
    """Say whether `true` or `yes` stands there."""
    return value is True or value == "yes"
