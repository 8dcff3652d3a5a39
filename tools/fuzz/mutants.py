"""Damage one document of a sound workspace the way people do, and say which lines the damage is at.

A mutant is made of a seed alone: the same seed over the same files gives the same text. Damage is done at
keys and values that the reader has found, so most mutants are still YAML and are about meaning; a part of
them are about the notation: an indent, a bracket, a file cut off.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from fairlead.base.problems import KeyPath, key_text
from fairlead.config.reader import read
from fairlead.config.reading import Reading
from fairlead.config.schemas import KIND_FOLDERS, published_schema

SCALARS = (
    *("null", "true", "no", "7", "-1", "1.5", "[]", "{}", "text", "''", "user", "2026-02-30", "1e400"),
    *('"record.x"', "[1, {a: b}]", "{a: 1}", "!!int 7", "&a 1", "*a", "10:30", "0777", "'x y'"),
)
MARKS = ('"', "'", "{", "}", "[", "]", ":", "#", "&", "*", "!", "|", "\t", "\x00", "é", "=", ",", "- ")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A damaged workspace.

    Attributes:
        kind: What was done.
        files: All files, the damaged one among them.
        file: Which one was damaged.
        lines: Lines of it (from 1) where the damage is, its parent's line among them where something was taken out.
        names: Words that were taken away or changed; a fault may as well stand where one of them is used.
        what: For people: the path and the old and new text.
    """

    kind: str
    files: Mapping[str, str]
    file: str
    lines: tuple[int, ...]
    names: frozenset[str]
    what: str


@dataclass(slots=True)
class _Text:
    """One document, its lines, and where everything in it stands."""

    path: str
    text: str
    reading: Reading = field(init=False)
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.reading = read(self.path, self.text)
        self.lines = self.text.split("\n")

    def value(self, path: KeyPath) -> Any:
        found = self.reading.data
        for key in path:
            found = found[key]
        return found

    def replaced(self, path: KeyPath, new: str, *, key: bool = False) -> str:
        """Return the text with the value (or key) at `path` written otherwise."""
        start, end = self.bounds(path, key=key)
        return self.text[:start] + new + self.text[end:]

    def written(self, path: KeyPath, *, key: bool = False) -> str:
        start, end = self.bounds(path, key=key)
        return self.text[start:end]

    def bounds(self, path: KeyPath, *, key: bool = False) -> tuple[int, int]:
        place = self.reading.keys[path] if key else self.reading.values[path]
        return self.offset(place[0], place[1]), self.offset(place[2], place[3])

    def offset(self, line: int, column: int) -> int:
        return sum(len(one) + 1 for one in self.lines[:line]) + column

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of an entry of a list, from 1."""
        place = self.reading.keys.get(path) or self.reading.values[path]
        return place[0] + 1

    def parent_line(self, path: KeyPath) -> int:
        return self.line(path[:-1]) if len(path) > 1 else self.reading.values[()][0] + 1

    def scalars(self) -> list[KeyPath]:
        return [
            path for path in self.reading.values if path and not isinstance(self.value(path), dict | list)
        ]

    def is_flow(self, path: KeyPath) -> bool:
        """Say whether what is at `path` stands between brackets, so that it can be cut out of its line."""
        for size in range(len(path)):
            place = self.reading.values[path[:size]]
            if self.lines[place[0]][place[1] : place[1] + 1] in ("{", "["):
                return True
        return False


def mutant(files: Mapping[str, str], seed: int) -> Mutant:
    """Return the mutant of `files` that belongs to a seed; the same every time."""
    rng = random.Random(seed)  # noqa: S311
    while True:
        path = rng.choice(sorted(files))
        kind = rng.choice(sorted(_ACTS))
        given = _Text(path, files[path])
        if rng.random() < 0.1 and path.count("/") and path.endswith(".yaml"):
            given = _Text(path[:-5] + ".json", as_json(given.reading.data))
        made = _ACTS[kind](given, rng, files)
        if made is None or (made.text == given.text and made.file is None):
            continue
        others = {name: text for name, text in files.items() if name != path or made.file is not None}
        text = {} if made.text is None else {made.file or given.path: made.text}
        lines = tuple(dict.fromkeys(made.lines))
        return Mutant(kind, {**others, **text}, made.file or given.path, lines, made.names, made.what)


def as_json(data: Any) -> str:
    """Return a document in the other notation."""
    return json.dumps(data, ensure_ascii=False, indent=2, default=_number) + "\n"


def _number(value: object) -> object:
    assert isinstance(value, Decimal)
    return float(value)


@dataclass(frozen=True, slots=True)
class _Made:
    text: str | None
    lines: Sequence[int]
    names: frozenset[str] = frozenset()
    what: str = ""
    file: str | None = None


Act = Callable[[_Text, random.Random, Mapping[str, str]], _Made | None]


@cache
def _language() -> frozenset[str]:
    """Return the words of the language itself: no fault is about the one at hand because it says `label`."""
    text = json.dumps([published_schema(kind) for kind in (*KIND_FOLDERS, "workspace")])
    return frozenset(_words(text)) | {"record", "user", "now", "today", "zh", "name", "label"}


def _names(given: _Text, path: KeyPath) -> frozenset[str]:
    """Return the names that the thing at `path` goes by, and those of all that is defined in it."""
    found = {key for key in path if isinstance(key, str)}
    todo = [given.value(path)]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            found |= set(value)
            todo += value.values()
        elif isinstance(value, list):
            todo += value
        elif isinstance(value, str):
            found |= set(_words(value)) if len(value) < 60 else set()
    own = str(given.reading.data.get("name", ""))
    return (frozenset(found) - _language() | {own}) - {""}


def _delete(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    """Take a key with its value, or an entry of a list, out."""
    path = rng.choice([path for path in given.reading.values if path])
    names, parent, here = _names(given, path), given.parent_line(path), given.line(path)
    text = cut_out(given.path, given.text, path)
    if text is None:
        return None
    return _Made(text, [here, here - 1, parent], names, f"{key_text(path)} taken out")


def cut_out(name: str, text: str, path: KeyPath) -> str | None:
    """Return a document without what stands at `path`."""
    given = _Text(name, text)
    place = given.reading.keys.get(path) or given.reading.values[path]
    start, end = given.offset(place[0], place[1]), given.bounds(path)[1]
    if given.is_flow(path):
        after = text[end:].lstrip(" \n") if name.endswith(".json") else text[end:].lstrip(" ")
        if after.startswith(","):
            end = text.index(",", end) + 1
            while text[end : end + 1] == " ":
                end += 1
        else:
            before = text[:start].rstrip()
            if before.endswith(","):
                start = len(before) - 1
        return text[:start] + text[end:]
    first, last = place[0], given.reading.values[path][2]
    # A block ends where the next token begins.
    while last > first and not given.lines[last][: given.reading.values[path][3]].strip(" -"):
        last -= 1
        if given.lines[last].strip():
            break
    return "\n".join([*given.lines[:first], *given.lines[last + 1 :]])


def _duplicate(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    at = rng.randrange(len(given.lines))
    if not given.lines[at].strip() or given.lines[at].lstrip().startswith("#"):
        return None
    lines = [*given.lines[: at + 1], given.lines[at], *given.lines[at + 1 :]]
    return _Made("\n".join(lines), [at + 1, at + 2], what=f"line {at + 1} twice")


def _retype(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    path = rng.choice(given.scalars())
    new = rng.choice(
        SCALARS if not given.path.endswith(".json") else ("null", "true", "7", "[]", '{"a": 1}', '"x"')
    )
    names, line = _names(given, path), given.line(path)
    value_line = given.reading.values[path][0] + 1
    what = f"{key_text(path)}: {given.written(path)[:40]} → {new}"
    return _Made(given.replaced(path, new), [line, value_line], names, what)


def _misspelt(word: str, rng: random.Random) -> str:
    if len(word) < 2:
        return word + "x"
    at = rng.randrange(len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice([word[:at] + word[at + 1 :], swapped, word + word[-1], word.upper(), word + "_x"])


def _misspell_key(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    path = rng.choice([*given.reading.keys])
    new = _misspelt(str(path[-1]), rng)
    if given.path.endswith(".json"):
        new = json.dumps(new)
    names = _names(given, path)
    lines = [given.line(path), given.parent_line(path)]
    return _Made(given.replaced(path, new, key=True), lines, names, f"key {key_text(path)} → {new}")


def _misspell_value(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    path = rng.choice([path for path in given.scalars() if isinstance(given.value(path), str)])
    old = given.written(path)
    words = old.split(" ")
    one = rng.randrange(len(words))
    words[one] = _misspelt(words[one], rng)
    start, names = given.reading.values[path], _names(given, path)
    lines = [given.line(path), *range(start[0] + 1, start[2] + 2)]
    return _Made(
        given.replaced(path, " ".join(words)), lines, names, f"{key_text(path)}: {old[:40]} misspelt"
    )


def _break_reference(given: _Text, rng: random.Random, files: Mapping[str, str]) -> _Made | None:
    """Let a value lead to something that is not there, or to something of another kind."""
    path = rng.choice([path for path in given.scalars() if isinstance(given.value(path), str)])
    if path == ("kind",) or " " in given.value(path):
        return None
    other = rng.choice(["nowhere", rng.choice(sorted(files)).rsplit("/", 1)[-1].removesuffix(".yaml")])
    new = json.dumps(other) if given.path.endswith(".json") else other
    names = _names(given, path)
    what = f"{key_text(path)}: {given.value(path)} → {other}"
    return _Made(
        given.replaced(path, new), [given.line(path), given.reading.values[path][0] + 1], names, what
    )


def _nest(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    path = rng.choice(given.scalars())
    old = given.written(path)
    if "\n" in old or not old:
        return None
    new = rng.choice([f"[{old}]", f"{{value: {old}}}", f"[[{old}]]"])
    if given.path.endswith(".json"):
        new = f"[{old}]"
    names = _names(given, path)
    return _Made(given.replaced(path, new), [given.line(path)], names, f"{key_text(path)} nested")


def _break_expression(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    found = [path for path in given.scalars() if "record." in str(given.value(path))]
    if not found:
        return None
    path = rng.choice(found)
    old = given.written(path)
    at = rng.randrange(1, max(len(old) - 1, 2))
    new = rng.choice([
        old[:at] + old[at + 1 :],
        old[:at] + rng.choice("()+-*/<>=&|!.x'1") + old[at:],
        old.replace("record.", rng.choice(["recrod.", "old.", "record.x", "user.", "record.owner."]), 1),
        old.replace("==", rng.choice(["=", "!=", ">", "+"]), 1),
    ])  # fmt: skip
    place = given.reading.values[path]
    lines = [given.line(path), *range(place[0] + 1, place[2] + 2)]
    return _Made(given.replaced(path, new), lines, _names(given, path), f"{old[:60]} → {new[:60]}")


def _swap(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    found = [path for path in given.scalars() if given.written(path) and "\n" not in given.written(path)]
    if len(found) < 2:
        return None
    one, two = sorted(rng.sample(found, 2), key=lambda path: given.bounds(path))
    first, second = given.bounds(one), given.bounds(two)
    if first[1] > second[0]:
        return None
    text = given.text
    swapped = (
        text[: first[0]]
        + text[slice(*second)]
        + text[first[1] : second[0]]
        + text[slice(*first)]
        + text[second[1] :]
    )
    names = _names(given, one) | _names(given, two)
    return _Made(swapped, [given.line(one), given.line(two)], names, f"{key_text(one)} ↔ {key_text(two)}")


def _indent(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    at = rng.randrange(len(given.lines))
    line = given.lines[at]
    if not line.strip():
        return None
    new = rng.choice(["  " + line, "\t" + line, " " + line, line.lstrip(" "), line.lstrip(" ")])
    lines = [*given.lines[:at], new, *given.lines[at + 1 :]]
    # What is pushed in or out changes its parent, and so does what stands under it.
    parents = [n + 1 for n in range(at) if _depth(given.lines[n]) < _depth(line)][-1:]
    below = at + 1
    while below < len(given.lines) and _depth(given.lines[below]) > min(_depth(line), _depth(new)):
        below += 1
    inside = given.lines[at : below + 1]
    names = frozenset(word for text in inside for word in _words(text)) - _language()
    return _Made(
        "\n".join(lines), [at + 1, *parents, *range(at + 1, below + 2)], names, f"line {at + 1} moved"
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _words(text: str) -> list[str]:
    return "".join(char if char.isalnum() or char == "_" else " " for char in text).split()


def _stray(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    at = rng.randrange(len(given.text) + 1)
    mark = rng.choice(MARKS)
    line = given.text.count("\n", 0, at)
    names = frozenset(_words(given.lines[line])) - _language()
    return _Made(
        given.text[:at] + mark + given.text[at:], [line + 1, line + 2], names, f"{mark!r} at line {line + 1}"
    )


def _truncate(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    at = rng.randrange(1, len(given.text))
    text = given.text[:at]
    line = text.count("\n") + 1
    gone = frozenset(_words(given.text[max(at - 40, 0) :])) - _language()
    # What is missing at the end is missing in everything that was open there.
    depth, open_at = _depth(given.lines[line - 1]) + 1, []
    for number in range(line, 0, -1):
        if given.lines[number - 1].strip() and _depth(given.lines[number - 1]) < depth:
            depth = _depth(given.lines[number - 1])
            open_at.append(number)
    return _Made(text, [line, line - 1, 1, *open_at], gone, f"cut off in line {line}")


def _cut_line(given: _Text, rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    at = rng.randrange(len(given.lines))
    line = given.lines[at]
    if len(line.strip()) < 2:
        return None
    keep = rng.randrange(len(line) - len(line.lstrip()) + 1, len(line))
    lines = [*given.lines[:at], line[:keep], *given.lines[at + 1 :]]
    # Where a bracket stays open, the reader goes on into the next lines.
    parents = [n + 1 for n in range(at) if _depth(given.lines[n]) < _depth(line)][-1:]
    return _Made(
        "\n".join(lines),
        [at + 1, at + 2, *parents],
        frozenset(_words(line)) - _language(),
        f"line {at + 1} cut off",
    )


def _twin_file(given: _Text, _rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    if "/" not in given.path:
        return None
    folder, _, name = given.path.rpartition("/")
    lines = [given.line(path) for path in (("kind",), ("name",), ("entity",)) if path in given.reading.keys]
    return _Made(given.text, lines, what="the same document twice", file=f"{folder}/zz_{name}")


def _remove_file(given: _Text, _rng: random.Random, _files: Mapping[str, str]) -> _Made | None:
    """Take a document away: what others say of it is wrong then, where they say it."""
    return _Made(None, [], _names(given, ()), "the file taken away")


_ACTS: Mapping[str, Act] = {
    "delete": _delete, "duplicate": _duplicate, "retype": _retype, "misspell_key": _misspell_key,
    "misspell_value": _misspell_value, "break_reference": _break_reference, "nest": _nest,
    "break_expression": _break_expression, "swap": _swap, "indent": _indent, "stray": _stray,
    "truncate": _truncate, "cut_line": _cut_line, "twin_file": _twin_file, "remove_file": _remove_file,
}  # fmt: skip
