"""What one file holds, and where each key and value of it stands: also inside a text that is quoted, folded or escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairlead.base.problems import KeyPath, Problem, Span

Data = Any
"""`dict[str, Data]`, `list[Data]`, `str`, `int`, `Decimal`, `bool` or `None`."""

Place = tuple[int, int, int, int]
"""Line, column, end line, end column, from 0."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one file holds. `data` is None when it could not be read at all."""

    path: str
    text: str
    data: Data
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]
    problems: tuple[Problem, ...] = ()
    broken: frozenset[KeyPath] = field(default_factory=frozenset)
    """Values that already have a problem, about which nothing more need be said."""

    def span(self, path: KeyPath) -> Span:
        """Return where the value at `path` stands; for a missing one, its nearest parent."""
        while path not in self.values and path:
            path = path[:-1]
        return self._span(self.values.get(path, (0, 0, 0, 0)))

    def key_span(self, path: KeyPath) -> Span:
        """Return where the key at `path` stands; for a list item, the item."""
        place = self.keys.get(path)
        return self.span(path) if place is None else self._span(place)

    def inside(self, path: KeyPath, start: int, end: int) -> Span:
        """Return where the characters `start` to `end` of the text value at `path` stand in the file."""
        place = self.values.get(path)
        if place is None:
            return self.span(path)
        first = _offset(self.text, place[0], place[1])
        last = _offset(self.text, place[2], place[3])
        value: Data = self.data
        for part in path:
            value = value[part]
        offsets = _align(self.text[first:last], value) if isinstance(value, str) else None
        if not offsets:
            return self.span(path)
        start = max(0, min(start, len(offsets) - 1))
        end = max(start, min(end, len(offsets) - 1))
        line, column = position_of(self.text, first + offsets[start])
        end_line, end_column = position_of(self.text, first + offsets[end])
        return Span(self.path, line + 1, column + 1, end_line + 1, end_column + 1)

    def _span(self, place: Place) -> Span:
        return Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)


_LINE_END = re.compile(r"\r\n|\r|\n")
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def position_of(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, from 0, of a character of a text."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(text, 0, offset))]
    return len(starts) - 1, offset - starts[-1]


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for number, found in enumerate(_LINE_END.finditer(text), 1):
        if number > line:
            break
        start = found.end()
        if number == line:
            break
    return min(start + column, len(text))


def _align(raw: str, value: str) -> list[int]:
    """Return, for each character of `value` and for its end, where it stands in the scalar `raw`.

    Quotes, escapes, folded lines and indentation are stepped over. Empty when they do not fit together.
    """
    style = raw[:1]
    position, indent = 0, len(raw)

    def next_line(at: int) -> int:
        at += 2 if raw.startswith("\r\n", at) else 1
        stop = min(at + indent, len(raw))
        while at < stop and raw[at] in " \t":
            at += 1
        return at

    if style in ("|", ">"):
        header = _LINE_END.search(raw)
        if header is None:
            return []
        first = re.search(r"^( *)[^ \r\n]", raw[header.end() :], re.M)
        indent = len(first[1]) if first else 0
        position = next_line(header.start())
    elif style in ("'", '"'):
        position = 1

    offsets: list[int] = []
    for char in value:
        while position < len(raw) and raw[position] in "\r\n" and not char.isspace():
            position = next_line(position)
        offsets.append(position)
        if position >= len(raw):
            return []
        if raw[position] in "\r\n":
            position = next_line(position)
        elif style == '"' and raw[position] == "\\":
            pair = _PAIR.match(raw, position)
            position += 12 if pair else {"x": 4, "u": 6, "U": 10}.get(raw[position + 1 : position + 2], 2)
        elif style == "'" and raw[position] == "'":
            position += 2
        elif raw[position] == char:
            position += 1
        else:
            return []
    return [*offsets, position]
