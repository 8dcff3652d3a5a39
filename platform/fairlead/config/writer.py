"""Change a document where it stands: everything outside the edited value stays as it is, byte for byte.

Each change is cut into the text at the positions that the reader gives, so comments, order, quotation
marks and line ends are not touched. What comes out is read again: when it does not hold exactly the data
that was meant, the change is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from fairlead.base.problems import KeyPath, key_text
from fairlead.config import notation
from fairlead.config.reader import read

Data = Any

_BOM = "\ufeff"
_COMMA = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")


class Unwritable(Exception):
    """The text cannot be changed in this way without touching more than was meant."""


def set_value(path: str, text: str, keys: KeyPath, value: Data) -> str:
    """Return the text with another value at `keys`; the same value gives the same text.

    Where both are mappings (or lists), only what differs inside is changed.

    Args:
        path: The file's name, which tells YAML from JSON.

    Raises:
        Unwritable: There is nothing at `keys`, or the text cannot hold the value there.
    """
    page = _Page(path, text)
    old = page.at(keys)
    if same(old, value):
        return text
    if isinstance(old, dict) and isinstance(value, dict) and old and value and old.keys() & value.keys():
        return _set_mapping(path, text, keys, old, value)
    if isinstance(old, list) and isinstance(value, list) and old and value:
        return _set_list(path, text, keys, old, value)
    return page.checked(page.replaced(keys, value), _with(page.data, keys, value))


def insert(
    path: str, text: str, parent: KeyPath, key: str | None, value: Data, *, at: int | None = None
) -> str:
    """Return the text with one entry more in the mapping or list at `parent`.

    Args:
        key: The new key; None in a list.
        at: The position among what is there; the end when nothing is said.

    Raises:
        Unwritable: The key is there already, or the entry cannot be placed.
    """
    page = _Page(path, text)
    old = page.at(parent)
    if old is None:
        old = {} if key is not None else []
    if isinstance(old, dict) == (key is None) or not isinstance(old, dict | list):
        raise Unwritable(f"{key_text(parent)} holds no such entries")
    if isinstance(old, dict) and key in old:
        raise Unwritable(f"{key_text((*parent, key or ''))} is there already")
    position = len(old) if at is None else max(0, min(at, len(old)))
    wanted: Data
    if isinstance(old, dict):
        entries = list(old.items())
        entries.insert(position, (str(key), value))
        wanted = dict(entries)
    else:
        wanted = [*old[:position], value, *old[position:]]
    if not old:
        return page.checked(page.replaced(parent, wanted), _with(page.data, parent, wanted))
    changed = page.inserted(parent, key, value, position)
    return page.checked(changed, _with(page.data, parent, wanted))


def delete(path: str, text: str, keys: KeyPath) -> str:
    """Return the text without the entry at `keys`; a comment on its own line goes with it.

    Raises:
        Unwritable: There is nothing at `keys`, or nothing can be taken away there.
    """
    page = _Page(path, text)
    page.at(keys)
    if not keys:
        raise Unwritable("a document cannot be deleted from itself")
    parent = keys[:-1]
    rest = _without(page.at(parent), keys[-1])
    changed = page.removed(keys) if rest else page.replaced(parent, rest)
    return page.checked(changed, _with(page.data, parent, rest))


def rename_key(path: str, text: str, keys: KeyPath, new: str) -> str:
    """Return the text with another name for the key at `keys`; its place stays.

    Raises:
        Unwritable: There is no such key, or the new one is taken.
    """
    page = _Page(path, text)
    page.at(keys)
    if keys not in page.reading.keys:
        raise Unwritable(f"{key_text(keys)} is not a key")
    if keys[-1] == new:
        return text
    parent = page.at(keys[:-1])
    if new in parent:
        raise Unwritable(f"{key_text((*keys[:-1], new))} is there already")
    start, end = page.key_stretch(keys)
    style = text_style(page.text[start])
    written = notation.key(new, style=style, as_json=page.as_json)
    renamed = {new if name == keys[-1] else name: inner for name, inner in parent.items()}
    return page.checked(page.cut(start, end, written), _with(page.data, keys[:-1], renamed))


def reorder(path: str, text: str, parent: KeyPath, order: Sequence[str | int]) -> str:
    """Return the text with the entries of `parent` in another order; comments above an entry go with it.

    Args:
        order: All keys of a mapping, or all positions of a list, as they shall follow each other.

    Raises:
        Unwritable: Not all entries are named once, or they cannot change places.
    """
    page = _Page(path, text)
    old = page.at(parent)
    names = list(old) if isinstance(old, dict) else list(range(len(old)))
    if sorted(map(str, names)) != sorted(map(str, order)) or len(set(order)) != len(names):
        raise Unwritable(f"the order of {key_text(parent)} must name each entry once")
    if list(order) == names:
        return text
    wanted = {name: old[name] for name in order} if isinstance(old, dict) else [old[name] for name in order]
    return page.checked(page.reordered(parent, names, list(order)), _with(page.data, parent, wanted))


def same(one: Data, two: Data) -> bool:
    """Whether two values are the same data in the same order; 1 is neither 1.0 nor true."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[name], two[name]) for name in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two) and str(one) == str(two)


def text_style(first: str) -> str:
    """Return the quotation mark that a scalar begins with, or nothing."""
    return first if first in "'\"" else ""


# ---------------------------------------------------------------- whole collections


def _set_mapping(path: str, text: str, keys: KeyPath, old: dict[str, Data], new: dict[str, Data]) -> str:
    for name in old:
        if name not in new:
            text = delete(path, text, (*keys, name))
    names = [name for name in old if name in new]
    for position, name in enumerate(new):
        if name in old:
            text = set_value(path, text, (*keys, name), new[name])
        else:
            # After the one that stands before it there.
            before = list(new)[position - 1] if position else None
            at = names.index(before) + 1 if before is not None else 0
            text = insert(path, text, keys, name, new[name], at=at)
            names.insert(at, name)
    return reorder(path, text, keys, list(new))


def _set_list(path: str, text: str, keys: KeyPath, old: list[Data], new: list[Data]) -> str:
    steps = SequenceMatcher(None, [_mark(one) for one in old], [_mark(one) for one in new], autojunk=False)
    for tag, first, last, begin, end in reversed(steps.get_opcodes()):
        both = min(last - first, end - begin)
        for number in reversed(range(both, end - begin)):
            text = insert(path, text, keys, None, new[begin + number], at=first + both)
        if tag != "insert":
            for number in reversed(range(last - first)):
                if number < both:
                    text = set_value(path, text, (*keys, first + number), new[begin + number])
                else:
                    text = delete(path, text, (*keys, first + number))
    return text


def _mark(item: Data) -> str:
    """What tells an element from its neighbours: its name, or all of it."""
    name = item.get("name") if isinstance(item, dict) else None
    return f"name {name}" if isinstance(name, str) else repr(item)


def _with(data: Data, keys: KeyPath, value: Data) -> Data:
    if not keys:
        return value
    first, rest = keys[0], keys[1:]
    if isinstance(data, dict):
        return {name: _with(inner, rest, value) if name == first else inner for name, inner in data.items()}
    return [_with(inner, rest, value) if number == first else inner for number, inner in enumerate(data)]


def _without(data: Data, key: str | int) -> Data:
    if isinstance(data, dict):
        return {name: inner for name, inner in data.items() if name != key}
    return [inner for number, inner in enumerate(data) if number != key]


# ---------------------------------------------------------------- text


class _Page:
    """One text with the places of its keys and values as offsets."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.whole = text
        self.reading = read(path, text)
        if self.reading.data is None or self.reading.problems:
            raise Unwritable(f"{path} has to be mended by hand first")
        self.text = self.reading.text
        self.data: Data = self.reading.data
        self.as_json = path.endswith(".json")
        self.starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", self.text))]
        self.line_end = "\r\n" if "\r\n" in self.text else "\n"

    # ------------------------------------------------------------ places

    def at(self, keys: KeyPath) -> Data:
        """Return the value at `keys`."""
        value = self.data
        for part in keys:
            known = range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ()
            if part not in known:
                raise Unwritable(f"there is no {key_text(keys)} in {self.path}")
            value = value[part]
        return value

    def start(self, keys: KeyPath) -> int:
        line, column, _, _ = self.reading.values[keys]
        return self.starts[line] + column

    def end(self, keys: KeyPath) -> int:
        """Return where the value's last character ends; for a block, that of its last entry."""
        value, start = self.at(keys), self.start(keys)
        if isinstance(value, dict | list) and value and not self.bracketed(keys):
            last: str | int = list(value)[-1] if isinstance(value, dict) else len(value) - 1
            return self.end((*keys, last))
        _, _, line, column = self.reading.values[keys]
        end = min(self.starts[line] + column, len(self.text)) if line < len(self.starts) else len(self.text)
        if self.text[start : start + 1] in ("|", ">"):
            return start + len(self.text[start:end].rstrip())
        return max(end, self.key_stretch(keys)[1] if keys in self.reading.keys else end)

    def key_stretch(self, keys: KeyPath) -> tuple[int, int]:
        line, column, end_line, end_column = self.reading.keys[keys]
        return self.starts[line] + column, self.starts[end_line] + end_column

    def entry_start(self, keys: KeyPath) -> int:
        """Return where the whole entry begins: its key, its dash, or the value between brackets."""
        if keys in self.reading.keys:
            return self.key_stretch(keys)[0]
        start = self.start(keys)
        if self.bracketed(keys[:-1]):
            return start
        dash = re.search(r"-\s*\Z", self.text[:start])
        if dash is None:
            raise Unwritable(f"{key_text(keys)} cannot be found by its dash")
        return dash.start()

    def bracketed(self, keys: KeyPath) -> bool:
        """Whether the collection at `keys` stands in brackets."""
        return self.text[self.start(keys)] in "{["

    def line_start(self, offset: int) -> int:
        found = max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset))
        return found + 1

    def after_line(self, offset: int) -> int:
        """Return where the next line begins."""
        found = re.compile(r"\r\n|\r|\n|\Z").search(self.text, offset)
        assert found is not None
        return found.end()

    def alone_before(self, offset: int) -> bool:
        return not self.text[self.line_start(offset) : offset].strip()

    def cut(self, start: int, end: int, written: str) -> str:
        return self.text[:start] + written + self.text[end:]

    def checked(self, changed: str, wanted: Data) -> str:
        """Return the changed text if it holds the data that is wanted."""
        found = read(self.path, changed)
        if found.problems or not same(found.data, wanted):
            raise Unwritable(f"{self.path} cannot be changed there without rewriting more of it")
        return (_BOM if self.whole.startswith(_BOM) else "") + changed

    # ------------------------------------------------------------ changes

    def replaced(self, keys: KeyPath, value: Data) -> str:
        start, end = self.start(keys), self.end(keys)
        inside = any(self.bracketed(keys[:depth]) for depth in range(len(keys)))
        old = self.at(keys)
        style = text_style(self.text[start : start + 1] or " ")
        written = notation.one_line(value, style=style, flow=inside, as_json=self.as_json)
        if not keys:
            if not isinstance(value, dict) or (not self.as_json and not self.bracketed(())):
                raise Unwritable("a whole document is written anew, not changed")
            return self.cut(start, end, written)
        key_end = self.colon(keys) if keys in self.reading.keys else None
        if key_end is not None and isinstance(old, dict | list) and old and self.alone_before(start):
            # A block below its key: the value comes beside the key, whose comment stays there.
            stop = self.after_line(key_end)
            rest = self.text[key_end:stop].rstrip("\r\n")
            return f"{self.text[:key_end]} {written}{rest}{self.text[end:]}"
        line = self.line_start(start)
        if not inside and not self.as_json and key_end is not None:
            alone = _REST_OF_LINE.match(self.text, end)
            room = start - line
            if not notation.fits(value, room) and alone is not None and not alone.group().strip():
                column = self.key_stretch(keys)[0] - self.line_start(self.key_stretch(keys)[0])
                below = self.line_end.join(notation.lines(value, column + 2))
                return f"{self.text[:key_end]}{self.line_end}{below}{self.text[end:]}"
        if old is None and start == end:
            return self.cut(start, end, f" {written}")
        if isinstance(value, str) and "\n" in value and self.text[start] == "|":
            column = self.key_stretch(keys)[0] - self.line_start(self.key_stretch(keys)[0])
            written = self.block_text(value, column + 2)
        return self.cut(start, end, written)

    def block_text(self, value: str, indent: int) -> str:
        mark = "|" if value.endswith("\n") else "|-"
        pad = " " * indent
        below = [f"{pad}{line}" if line else "" for line in value.rstrip("\n").split("\n")]
        return self.line_end.join([mark, *below])

    def colon(self, keys: KeyPath) -> int:
        """Return where the colon after a key ends."""
        found = re.compile(r"\s*:").match(self.text, self.key_stretch(keys)[1])
        if found is None:
            raise Unwritable(f"{key_text(keys)} has no value to change")
        return found.end()

    def children(self, parent: KeyPath) -> list[KeyPath]:
        value = self.at(parent)
        names: list[str | int] = list(value) if isinstance(value, dict) else list(range(len(value)))
        return [(*parent, name) for name in names]

    def inserted(self, parent: KeyPath, key: str | None, value: Data, position: int) -> str:
        children = self.children(parent)
        if self.bracketed(parent):
            return self.inserted_in_brackets(children, key, value, position)
        first = self.entry_start(children[0])
        indent = first - self.line_start(first)
        item: Data = {key: value} if key is not None else [value]
        written = self.line_end.join(notation.lines(item, indent))
        if position == 0:
            return self.cut(first, first, written[indent:] + self.line_end + " " * indent)
        place = self.after_line(self.end(children[position - 1]))
        if place == len(self.text) and not self.text.endswith(("\n", "\r")):
            return self.text + self.line_end + written
        return self.cut(place, place, written + self.line_end)

    def inserted_in_brackets(self, children: list[KeyPath], key: str | None, value: Data, at: int) -> str:
        written = notation.one_line(value, flow=True, as_json=self.as_json)
        if key is not None:
            written = f"{notation.key(key, as_json=self.as_json)}: {written}"
        if at == 0:
            start = self.entry_start(children[0])
            column = start - self.line_start(start)
            gap = self.line_end + " " * column if self.alone_before(start) else " "
            return self.cut(start, start, f"{written},{gap}")
        before = children[at - 1]
        start, end = self.entry_start(before), self.end(before)
        comma = _COMMA.match(self.text, end)
        if not self.alone_before(start):
            place = comma.end() if comma else end
            return self.cut(place, place, f" {written}," if comma else f", {written}")
        pad = " " * (start - self.line_start(start))
        rest = _REST_OF_LINE.match(self.text, comma.end() if comma else end)
        if rest is None:
            return self.cut(end, end, f", {written}")
        tail = self.text[comma.end() if comma else end : rest.end()]
        return (
            f"{self.text[:end]},{tail}{self.line_end}{pad}{written}{',' if comma else ''}"
            f"{self.text[rest.end() :]}"
        )

    def removed(self, keys: KeyPath) -> str:
        children = self.children(keys[:-1])
        number = children.index(keys)
        start, end = self.entry_start(keys), self.end(keys)
        if self.bracketed(keys[:-1]):
            return self.removed_from_brackets(children, number, start, end)
        if self.alone_before(start):
            return self.cut(self.line_start(start), self.after_line(end), "")
        if number or isinstance(keys[-1], int):
            raise Unwritable(f"{key_text(keys)} shares its line with other things")
        following = self.entry_start(children[1])
        stop = self.after_line(end)
        return self.cut(start, stop if "#" in self.text[stop:following] else following, "")

    def removed_from_brackets(self, children: list[KeyPath], number: int, start: int, end: int) -> str:
        comma = _COMMA.match(self.text, end)
        rest = _REST_OF_LINE.match(self.text, comma.end() if comma else end)
        last = number == len(children) - 1
        if self.alone_before(start) and rest is not None:
            text = self.cut(self.line_start(start), self.after_line(rest.end()), "")
            if last and comma is None and number:
                before = self.end(children[number - 1])
                found = _COMMA.match(text, before)
                if found is not None:
                    text = text[:before] + text[found.end() :]
            return text
        if number:
            return self.cut(self.end(children[number - 1]), end, "")
        return self.cut(start, self.entry_start(children[1]), "")

    def reordered(self, parent: KeyPath, names: list[str | int], order: list[str | int]) -> str:
        children = self.children(parent)
        starts = [self.entry_start(child) for child in children]
        ends = [self.end(child) for child in children]
        if self.bracketed(parent):
            pieces = {
                name: self.text[begin:stop] for name, begin, stop in zip(names, starts, ends, strict=True)
            }
            text = self.text
            for begin, stop, name in reversed(list(zip(starts, ends, order, strict=True))):
                text = text[:begin] + pieces[name] + text[stop:]
            return text
        head = self.text[self.line_start(starts[0]) : starts[0]]
        pad = " " * len(head)
        stops = [self.after_line(stop) for stop in ends]
        leads = [
            "",
            *(
                self.text[stop : self.line_start(begin)]
                for stop, begin in zip(stops, starts[1:], strict=False)
            ),
        ]
        bodies = [self.text[begin:stop] for begin, stop in zip(starts, stops, strict=True)]
        open_end = not bodies[-1].endswith(("\n", "\r"))
        if open_end:
            bodies[-1] += self.line_end
        made = ""
        for place, name in enumerate(order):
            number = names.index(name)
            made += leads[number] + (pad if place else head) + bodies[number]
        if open_end:
            made = made.removesuffix(self.line_end)
        return self.cut(self.line_start(starts[0]), stops[-1], made)
