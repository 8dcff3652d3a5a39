"""Plain data as the text of a document: the notation that reads back as the same value.

A text stands plain where plain reads back as itself, and in quotes where it does not; the reader is
asked, so the two can never disagree.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import Any

from fairlead.config.reader import read

WIDTH = 110
"""Collections that fit into this many characters are written on one line."""

Data = Any


def scalar(value: Data, *, style: str = "", flow: bool = False, as_json: bool = False) -> str:
    """Return one value that is no collection.

    Args:
        style: The quotation mark of the value it replaces; kept where it can be.
        flow: Whether it stands between brackets.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    text = str(value)
    double = json.dumps(text, ensure_ascii=False)
    if as_json:
        return double
    single = "'" + text.replace("'", "''") + "'"
    candidates = {"'": (single, double), '"': (double,)}.get(style, (text, double))
    return next((one for one in candidates if _reads_back(one, text, flow)), double)


def key(name: str, *, style: str = "", as_json: bool = False) -> str:
    """Return a key, quoted as `style` says or where it must be."""
    if as_json or style == '"':
        return json.dumps(name, ensure_ascii=False)
    if style == "'":
        return "'" + name.replace("'", "''") + "'"
    found = read("key.yaml", f"{{{name}: 1}}")
    plain = not found.problems and found.data == {name: 1} and "\n" not in name
    return name if plain else json.dumps(name, ensure_ascii=False)


@lru_cache(maxsize=2048)
def _reads_back(candidate: str, text: str, flow: bool) -> bool:
    if "\n" in candidate:
        return False
    document = f"{{k: {candidate}}}" if flow else f"k: {candidate}"
    found = read("value.yaml", document)
    return not found.problems and found.data == {"k": text} and type(found.data["k"]) is str


def one_line(value: Data, *, style: str = "", flow: bool = False, as_json: bool = False) -> str:
    """Return a value on one line; collections in brackets."""
    if isinstance(value, dict):
        parts = [
            f"{key(name, as_json=as_json)}: {one_line(inner, flow=True, as_json=as_json)}"
            for name, inner in value.items()
        ]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(inner, flow=True, as_json=as_json) for inner in value) + "]"
    return scalar(value, style=style, flow=flow, as_json=as_json)


def lines(value: Data, indent: int) -> list[str]:
    """Return a collection as the lines of a block, each indented by `indent`."""
    pad = " " * indent
    found: list[str] = []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _entry(f"{pad}{key(name)}:", inner, indent + 2)
        return found
    for inner in value:
        if isinstance(inner, dict) and not fits(inner, indent + 2):
            below = lines(inner, indent + 2)
            found += [f"{pad}- {below[0].lstrip()}", *below[1:]]
        else:
            found.append(f"{pad}- {one_line(inner)}")
    return found


def _entry(head: str, value: Data, indent: int) -> list[str]:
    if fits(value, len(head) + 1):
        return [f"{head} {one_line(value)}"]
    return [head, *lines(value, indent)]


def fits(value: Data, column: int) -> bool:
    """Say whether a value stands on one line that begins at `column`; what is no collection always does."""
    return not isinstance(value, dict | list) or not value or column + len(one_line(value)) <= WIDTH
