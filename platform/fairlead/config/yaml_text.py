"""YAML, read narrowly: by events, never by constructing objects.

Only `true`, `false`, `null`, nothing at all and plain numbers are special, so `no`, `on`, `10:30`, `0777`
and `2026-01-01` stay text. Tags, anchors, aliases, merge keys, duplicate keys and several documents in
one file are problems. Depth is counted while reading, before anything is built, so a file of nested
brackets costs no more than its first 64.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from fairlead.base.problems import KeyPath, Problem, Span
from fairlead.config.reading import Data, Place
from fairlead.config.scanning import CONTROL, DECIMAL, INTEGER, PLAIN, Scanner, Stop

_NUMBER_START = frozenset("+-.0123456789")


@dataclass(frozen=True, slots=True)
class _After:
    """Stands for text behind the end of a document."""

    start_mark: Any
    end_mark: Any


class YamlScanner(Scanner):
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
            raise self.alias(event, (*path, f"*{event.anchor}"), place)
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

    def alias(self, event: Any, path: KeyPath, place: Place) -> Stop:
        self.broken.add(path)
        outer = self.anchors.get(event.anchor)
        if outer is not None and outer[0] == path[: len(outer[0])]:
            return self.stop(
                "cyclic_alias", path, place, f"the alias *{event.anchor[:40]} lies inside its own anchor"
            )
        meant = "" if outer is None else f" (its anchor stands at {outer[1][0] + 1}:{outer[1][1] + 1})"
        message = f"the alias *{event.anchor[:40]} is not read{meant}; write the value out"
        return self.stop("too_many_aliases", path, place, message)

    def scalar(self, event: Any, path: KeyPath, place: Place) -> Data:
        text: str = event.value
        if not event.style:
            if text in PLAIN:
                return PLAIN[text]
            if text[0] in _NUMBER_START and (INTEGER.match(text) or DECIMAL.match(text)):
                return self.number(text, path, place)
        elif event.style == '"':
            bad = CONTROL.search(text)
            if bad:
                self.broken.add(path)
                message = f"the character U+{ord(bad.group()):04X} is not allowed in a document"
                self.add("control_character", path, place, message)
                return text.replace(bad.group(), " ")
        return text

    def syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        begun = error.context_mark
        if isinstance(error, yaml.scanner.ScannerError) and mark and begun and begun.line < mark.line:
            # A quotation mark that is never closed, a key without its colon: it is wrong where it begins, and only
            # noticed much later.
            mark = begun
        line, column = (mark.line, mark.column) if mark else (0, 0)
        message = " ".join(part for part in (error.problem, error.context) if part)
        if begun and error.context and (begun.line, begun.column) != (line, column):
            message += f" begun at {begun.line + 1}:{begun.column + 1}"
        lines = self.text.split("\n")
        for number in {line, max(line - 1, 0)}:
            here = lines[number] if number < len(lines) else ""
            indent = here[: len(here) - len(here.lstrip())]
            if "\t" in indent:
                place = (number, indent.index("\t"), number, len(indent))
                self.problems.append(
                    Problem(
                        "tab_not_allowed",
                        _keys_above(lines, line),
                        "a tab cannot indent; use spaces",
                        self._at(place),
                    )
                )
                return
        self.problems.append(
            Problem(
                "bad_yaml",
                _keys_above(lines, line),
                f"this is not YAML: {message}",
                self._at((line, column, line, column)),
            )
        )

    def _at(self, place: Place) -> Span:
        return Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)


_KEY = re.compile(r"""([ \t]*(?:- +)*)["']?([^\s"'#:{}\[\],&*!|>%@`-][^"'#:{}\[\],]*)["']?:(?:\s|\Z)""")


def _keys_above(lines: list[str], line: int) -> KeyPath:
    """Return the keys under which a line stands, by indentation: where the notation is broken nothing else says it."""
    path: list[str] = []
    indent = len(lines[line]) + 1 if line < len(lines) else 1
    for text in reversed(lines[: line + 1]):
        found = _KEY.match(text)
        if found is not None and len(found[1]) < indent:
            path.insert(0, found[2].strip())
            indent = len(found[1])
            if indent == 0:
                break
    return tuple(path)


def _mark(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return start.line, start.column, end.line, end.column
