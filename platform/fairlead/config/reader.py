"""Read one YAML or JSON file narrowly: plain data, and where each key and value stands.

YAML is read by events, never by constructing objects: only `true`, `false`, `null`, nothing at all and
plain numbers are special, so `no`, `on`, `10:30`, `0777` and `2026-01-01` stay text. Tags, anchors,
aliases, merge keys, duplicate keys and several documents in one file are problems. Depth is counted
while reading, before anything is built, so a file of nested brackets costs no more than its first 64.

Numbers with a point are `Decimal`; nothing here is ever a float.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from fairlead.base.problems import KeyPath, Problem, Span

MAX_DEPTH = 64
MAX_DIGITS = 30
MAX_VALUES = 200_000
MAX_PROBLEMS = 100

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
        line, column = _position(self.text, first + offsets[start])
        end_line, end_column = _position(self.text, first + offsets[end])
        return Span(self.path, line + 1, column + 1, end_line + 1, end_column + 1)

    def _span(self, place: Place) -> Span:
        return Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)


def read(path: str, text: str) -> Reading:
    """Read one file; every fault of its text is in `problems` of what comes back."""
    text = text.removeprefix("\ufeff")
    bad = _CONTROL.search(text)
    if bad:
        line, column = _position(text, bad.start())
        message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
        return _failed(path, text, "control_character", (), line, column, message)
    if not text.strip():
        return _failed(path, text, "expected_mapping", (), 0, 0, "the file is empty; a document is expected")
    reader: _Reader = _JsonReader(path, text) if path.endswith(".json") else _YamlReader(path, text)
    return reader.reading()


# C0 but tab and line ends, DEL, C1, Unicode line ends that editors do not count as lines, half
# surrogates, direction overrides that make a text read otherwise than it is, non-characters.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_LINE_END = re.compile(r"\r\n|\r|\n")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|\.[0-9]+)\Z")
_PLAIN: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}
_NUMBER_START = frozenset("+-.0123456789")


class _Stop(Exception):
    """The rest of the file cannot be read."""


class _Reader:
    """What the two notations share: counting, positions, scalars."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.values: dict[KeyPath, Place] = {}
        self.keys: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.broken: set[KeyPath] = set()
        self.count = 0

    def reading(self) -> Reading:
        try:
            data = self.document()
            if not isinstance(data, dict) and not (data is None and self.problems):
                found = "a list" if isinstance(data, list) else "a single value"
                message = f"a document is a mapping of keys to values; this file holds {found}"
                self.add("expected_mapping", (), self.values.get((), (0, 0, 0, 0)), message)
        except _Stop:
            data = None
        if not isinstance(data, dict):
            data = None
        broken = frozenset(self.broken)
        return Reading(self.path, self.text, data, self.values, self.keys, tuple(self.problems), broken)

    def document(self) -> Data:
        raise NotImplementedError

    def add(self, code: str, path: KeyPath, place: Place, message: str) -> None:
        span = Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)
        self.problems.append(Problem(code, path, message, span))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def stop(self, code: str, path: KeyPath, place: Place, message: str) -> _Stop:
        self.add(code, path, place, message)
        return _Stop()

    def enter(self, path: KeyPath, place: Place, depth: int) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.stop("too_large", path, place, f"the file has more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            short = path[:3]
            raise self.stop("too_deep", short, place, f"values lie more than {MAX_DEPTH} levels deep")

    def number(self, text: str, path: KeyPath, place: Place) -> Data:
        digits = sum(char.isdigit() for char in text)
        exponent = re.search(r"[eE]([-+]?[0-9]+)", text)
        if digits > MAX_DIGITS or (exponent and (len(exponent[1]) > 4 or abs(int(exponent[1])) > MAX_DIGITS)):
            self.broken.add(path)
            self.add("number_too_large", path, place, f"a number may have at most {MAX_DIGITS} digits")
            return 0
        return int(text) if _INTEGER.match(text) else Decimal(text)


@dataclass(frozen=True, slots=True)
class _After:
    """Stands for text behind the end of a document."""

    start_mark: Any
    end_mark: Any


class _YamlReader(_Reader):
    """YAML 1.2 core, by the events of the C parser."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(path, text)
        self.anchors: dict[str, tuple[KeyPath, Place, str]] = {}

    def document(self) -> Data:
        try:
            events: Iterator[Any] = yaml.parse(self.text, Loader=yaml.CSafeLoader)
            next(events)
            start = next(events)
            if isinstance(start, yaml.StreamEndEvent):
                raise self.stop(
                    "expected_mapping", (), (0, 0, 0, 0), "the file is empty; a document is expected"
                )
            data = self.value(events, next(events), (), 0)
            next(events)
            try:
                another = next(events)
            except yaml.MarkedYAMLError as error:
                # Whatever stands there: it stands after the end of the document.
                another = _After(error.problem_mark, error.problem_mark)
            if not isinstance(another, yaml.StreamEndEvent):
                raise self.stop(
                    "one_document_only", (), _mark(another), "a file holds one document; a second begins here"
                )
            for where, place, message in self.anchors.values():
                self.add("anchor_not_allowed", where, place, message)
        except yaml.MarkedYAMLError as error:
            self.syntax(error)
            return None
        except yaml.YAMLError as error:
            raise self.stop("bad_yaml", (), (0, 0, 0, 0), f"this is not YAML: {error}") from error
        return data

    def value(self, events: Iterator[Any], event: Any, path: KeyPath, depth: int) -> Data:
        place = _mark(event)
        self.values[path] = place
        self.enter(path, place, depth)
        if isinstance(event, yaml.AliasEvent):
            raise self.alias(event, path, place)
        self.adornment(event, path, place)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path, place)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Data] = []
            while not isinstance(event := next(events), yaml.SequenceEndEvent):
                items.append(self.value(events, event, (*path, len(items)), depth + 1))
            self.values[path] = (*place[:2], *_mark(event)[2:])
            return items
        return self.mapping(events, path, place, depth)

    def mapping(self, events: Iterator[Any], path: KeyPath, place: Place, depth: int) -> Data:
        found: dict[str, Data] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key_place = _mark(event)
            key = self.key(events, event, path, key_place, depth)
            if key is None:
                self.value(events, next(events), (*path, "<<"), depth + 1)
                self.values.pop((*path, "<<"), None)
                continue
            here = (*path, key)
            if key in found:
                first = self.keys[here]
                earlier = f"{key!r} is already given at {first[0] + 1}:{first[1] + 1}"
                self.add("duplicate_key", here, key_place, earlier)
                kept_values, kept_keys = dict(self.values), dict(self.keys)
                self.value(events, next(events), here, depth + 1)
                self.values, self.keys = kept_values, kept_keys
                continue
            self.keys[here] = key_place
            found[key] = self.value(events, next(events), here, depth + 1)
        self.values[path] = (*place[:2], *_mark(event)[2:])
        return found

    def key(self, events: Iterator[Any], event: Any, path: KeyPath, place: Place, depth: int) -> str | None:
        """Read a key, always as text; None when it cannot be one."""
        if isinstance(event, yaml.AliasEvent):
            raise self.alias(event, path, place)
        if not isinstance(event, yaml.ScalarEvent):
            self.broken.add(path)
            self.value(events, event, (*path, "?"), depth + 1)
            self.values.pop((*path, "?"), None)
            self.add("bad_key", path, place, "a key is a word, not a list or a mapping")
            return None
        if event.value == "<<" and not event.style:
            self.broken.add(path)
            self.add("merge_not_allowed", path, place, "merge keys (<<) are not read; write the keys out")
            return None
        self.adornment(event, path, place)
        return str(event.value)

    def adornment(self, event: Any, path: KeyPath, place: Place) -> None:
        if event.tag is not None:
            self.broken.add(path)
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")[:60]
            self.add("tag_not_allowed", path, place, f"the tag {shown} is not read; write a plain value")
        if event.anchor is not None:
            self.broken.add(path)
            message = f"the anchor &{event.anchor[:40]} is not read; write the value where it is wanted"
            self.anchors.setdefault(event.anchor, (path, place, message))

    def alias(self, event: Any, path: KeyPath, place: Place) -> _Stop:
        self.broken.add(path)
        outer = self.anchors.get(event.anchor)
        if outer is not None and outer[0] == path[: len(outer[0])]:
            return self.stop(
                "cyclic_alias", path, place, f"the alias *{event.anchor[:40]} lies inside its own anchor"
            )
        message = f"the alias *{event.anchor[:40]} is not read; write the value out"
        return self.stop("too_many_aliases", path, place, message)

    def scalar(self, event: Any, path: KeyPath, place: Place) -> Data:
        text: str = event.value
        if not event.style:
            if text in _PLAIN:
                return _PLAIN[text]
            if text[0] in _NUMBER_START and (_INTEGER.match(text) or _DECIMAL.match(text)):
                return self.number(text, path, place)
        elif event.style == '"':
            bad = _CONTROL.search(text)
            if bad:
                self.broken.add(path)
                message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
                self.add("control_character", path, place, message)
                return text.replace(bad.group(), " ")
        return text

    def syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        message = " ".join(part for part in (error.problem, error.context) if part)
        begun = error.context_mark
        if begun and error.context and (begun.line, begun.column) != (line, column):
            message += f" begun at {begun.line + 1}:{begun.column + 1}"
        lines = self.text.split("\n")
        for number in {line, max(line - 1, 0)}:
            here = lines[number] if number < len(lines) else ""
            indent = here[: len(here) - len(here.lstrip())]
            if "\t" in indent:
                place = (number, indent.index("\t"), number, len(indent))
                self.problems.append(
                    Problem("tab_not_allowed", (), "a tab cannot indent; use spaces", self._at(place))
                )
                return
        self.problems.append(
            Problem("bad_yaml", (), f"this is not YAML: {message}", self._at((line, column, line, column)))
        )

    def _at(self, place: Place) -> Span:
        return Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)


_JSON_TOKEN = re.compile(
    r'[ \t\r\n]*(?:(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<number>-?[0-9][-+.0-9eE]*)'
    r"|(?P<word>[-+A-Za-z_][A-Za-z_0-9]*)|(?P<mark>[\[\]{},:])|(?P<end>\Z)|(?P<other>.))",
    re.S,
)
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?\Z")
_JSON_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4})|(.))', re.S)
_JSON_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_JSON_PLAIN = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class _JsonReader(_Reader):
    """JSON as its standard has it, with positions."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(path, text)
        self.line_starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
        self.last_end = 0
        self.kind = ""
        self.word = ""
        self.start = 0
        self.end = 0

    def document(self) -> Data:
        self.advance()
        data = self.value((), 0)
        if self.kind != "end":
            raise self.stop(
                "one_document_only", (), self.place(), "a file holds one document; more text follows it"
            )
        return data

    def advance(self) -> None:
        found = _JSON_TOKEN.match(self.text, self.end)
        assert found is not None
        self.kind = found.lastgroup or "end"
        self.word = found.group(self.kind)
        self.start, self.end = found.start(self.kind), found.end()

    def at(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.line_starts, offset) - 1
        return line, offset - self.line_starts[line]

    def place(self) -> Place:
        return (*self.at(self.start), *self.at(self.end))

    def expect(self, mark: str, path: KeyPath) -> None:
        if self.kind != "mark" or self.word != mark:
            raise self.unexpected(f"{mark!r} is expected here", path)
        self.advance()

    def unexpected(self, what: str, path: KeyPath) -> _Stop:
        shown = "the end of the file" if self.kind == "end" else repr(self.word[:20])
        return self.stop("bad_json", path, self.place(), f"this is not JSON: {what}, found {shown}")

    def value(self, path: KeyPath, depth: int) -> Data:
        place = self.place()
        self.values[path] = place
        self.enter(path, place, depth)
        kind, word = self.kind, self.word
        if kind == "mark" and word in "[{":
            self.advance()
            data = self.items(path, depth) if word == "[" else self.members(path, depth)
            self.values[path] = (place[0], place[1], *self.at(self.last_end))
            return data
        self.advance()
        if kind == "string":
            return self.string(word, path, place)
        if kind == "number" and _JSON_NUMBER.match(word):
            return self.number(word, path, place)
        if kind == "word" and word in ("true", "false", "null"):
            return _PLAIN[word]
        if kind == "number" or (kind == "word" and word.lstrip("+-") in ("NaN", "Infinity", "inf", "nan")):
            self.broken.add(path)
            self.add("not_a_json_number", path, place, f"{word[:20]} is not a JSON number")
            return 0
        shown = "the end of the file" if kind == "end" else repr(word[:20])
        raise self.stop("bad_json", path, place, f"this is not JSON: a value is expected, found {shown}")

    def number(self, text: str, path: KeyPath, place: Place) -> Data:
        exponent = re.search(r"[eE][-+]?([0-9]+)\Z", text)
        if exponent and (len(exponent[1]) > 4 or int(exponent[1]) > 300):
            self.broken.add(path)
            self.add("not_a_json_number", path, place, f"{text[:20]} is larger than any JSON number can be")
            return 0
        return super().number(text, path, place)

    def items(self, path: KeyPath, depth: int) -> Data:
        found: list[Data] = []
        while not (self.kind == "mark" and self.word == "]"):
            if found:
                self.expect(",", path)
            found.append(self.value((*path, len(found)), depth + 1))
        self.close()
        return found

    def members(self, path: KeyPath, depth: int) -> Data:
        found: dict[str, Data] = {}
        first = True
        while not (self.kind == "mark" and self.word == "}"):
            if not first:
                self.expect(",", path)
            first = False
            if self.kind != "string":
                raise self.unexpected("a key in double quotes is expected", path)
            place = self.place()
            key = self.string(self.word, path, place)
            self.advance()
            self.expect(":", path)
            here = (*path, key)
            if key in found:
                earlier = self.keys[here]
                message = f"{key!r} is already given at {earlier[0] + 1}:{earlier[1] + 1}"
                self.add("duplicate_key", here, place, message)
                kept_values, kept_keys = dict(self.values), dict(self.keys)
                self.value(here, depth + 1)
                self.values, self.keys = kept_values, kept_keys
                continue
            self.keys[here] = place
            found[key] = self.value(here, depth + 1)
        self.close()
        return found

    def close(self) -> None:
        self.last_end = self.end
        self.advance()

    def string(self, word: str, path: KeyPath, place: Place) -> str:
        if "\\" not in word:
            return word[1:-1]
        units: list[str] = []
        position = 1
        for found in _JSON_ESCAPE.finditer(word):
            units.append(word[position : found.start()])
            position = found.end()
            if found[1]:
                units.append(_JSON_PLAIN[found[1]])
            elif found[2]:
                units.append(chr(int(found[2], 16)))
            else:
                self.broken.add(path)
                self.add("bad_json", path, place, f"the escape \\{found[3]} is not JSON")
        units.append(word[position:-1])
        # \ud83d\ude00 is one character in two halves: through UTF-16 they join, and a lone half stays one.
        text = "".join(units).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        bad = _CONTROL.search(text)
        if bad:
            self.broken.add(path)
            message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
            self.add("control_character", path, place, message)
            return _CONTROL.sub(" ", text)
        return text


def _failed(path: str, text: str, code: str, key: KeyPath, line: int, column: int, message: str) -> Reading:
    problem = Problem(code, key, message, Span(path, line + 1, column + 1))
    return Reading(path, text, None, {}, {}, (problem,))


def _mark(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return start.line, start.column, end.line, end.column


def _position(text: str, offset: int) -> tuple[int, int]:
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
            pair = _JSON_PAIR.match(raw, position)
            position += 12 if pair else {"x": 4, "u": 6, "U": 10}.get(raw[position + 1 : position + 2], 2)
        elif style == "'" and raw[position] == "'":
            position += 2
        elif raw[position] == char:
            position += 1
        else:
            return []
    return [*offsets, position]
