"""JSON Schemas as tables of keys that a person can read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

Schema = Mapping[str, Any]

COMMON = "common.schema.json#/$defs/"
OWN = "#/$defs/"

_NAMES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "array": "list",
    "object": "map", "null": "nothing",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One key: its path, what it takes, whether it is needed, what it means."""

    path: str
    takes: str
    needed: bool
    means: str | None


@cache
def shape(name: str) -> dict[str, Any]:
    """Return the schema of a kind of document, or `common`."""
    text = resources.files("fairlead.config").joinpath("shapes", f"{name}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def words() -> dict[str, dict[str, str]]:
    """Return what keys mean where no schema says it: by kind or shape, by path."""
    text = Path(__file__).with_name("words.yaml").read_text("utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found


def rows(schema: Schema, about: str, link: Callable[[str], str], under: str = "") -> Iterator[Row]:
    """Yield the keys of a map and of what lies inside it, in the order of the schema.

    Args:
        schema: Of the map.
        about: The kind or shape, to look up what its keys mean.
        link: From the name of a shared shape to a link.
        under: The path of the map, with the dot after it.
    """
    needed = schema.get("required", ())
    for key, value in schema.get("properties", {}).items():
        yield from _row(f"{under}{key}", value, about, link, needed=key in needed)
    more = schema.get("additionalProperties")
    if isinstance(more, Mapping) and (meaning(about, f"{under}NAME", more) or "properties" in more):
        yield from _row(f"{under}NAME", more, about, link, needed=False)


def _row(path: str, value: Schema, about: str, link: Callable[[str], str], *, needed: bool) -> Iterator[Row]:
    yield Row(path, takes(value, link), needed, meaning(about, path, value))
    items = value.get("items", {})
    if "$ref" in value or "$ref" in items:
        return  # where one may stand instead of a list of them, the page of the shape tells its keys
    yield from rows(value, about, link, f"{path}.")
    yield from rows(items, about, link, f"{path}[].")


def meaning(about: str, path: str, value: Schema) -> str | None:
    """Return the sentence for a key, or None where a longer path will say it."""
    own = words().get(about, {}).get(path)
    if own is not None:
        return own
    if "description" in value:
        return str(value["description"])
    _, inside, key = path.rpartition(".")
    found = words()["inside"].get(key) if inside else None
    return found or words()["common"].get(key)


def takes(value: Schema, link: Callable[[str], str]) -> str:
    """Return in a few words what may stand there."""
    if "$ref" in value:
        return link(value["$ref"])
    if "const" in value:
        return _code(value["const"])
    if "enum" in value:
        return ", ".join(_code(one) for one in value["enum"])
    given = value.get("type")
    if given is None:
        return "anything"
    return " or ".join(_takes(one, value, link) for one in ([given] if isinstance(given, str) else given))


def _takes(name: str, value: Schema, link: Callable[[str], str]) -> str:
    if name == "array":
        items = value.get("items")
        inner = takes(items, link) if isinstance(items, Mapping) else ""
        if isinstance(items, Mapping) and items.get("type") == "object":
            inner = "maps"
        return ("list" + (f" of {inner}" if inner else "")) + _bounds(value, "minItems", "maxItems")
    if name == "object":
        more = value.get("additionalProperties")
        inner = f" to {link(more['$ref'])}" if isinstance(more, Mapping) and "$ref" in more else ""
        return f"map{inner}"
    if name == "string":
        pattern = value.get("pattern")
        shown = f" like `{pattern}`" if pattern else ""
        return "text" + shown + _bounds(value, "minLength", "maxLength", least_shown=2)
    return _NAMES[name] + _bounds(value, "minimum", "maximum")


def _bounds(value: Schema, least: str, most: str, *, least_shown: int = 0) -> str:
    low, high = value.get(least), value.get(most)
    low = low if low is not None and (low >= least_shown or low < 0) else None
    if least == "minItems" and low is not None and low < 2 and high is None:
        low = None
    if low is not None and high is not None:
        return f" ({low:,} to {high:,})"
    if high is not None:
        return f" (at most {high:,})"
    return f" (at least {low:,})" if low is not None else ""


def _code(value: object) -> str:
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def table(found: Sequence[Row]) -> list[str]:
    """Return the lines of a table of keys; a `*` marks those that are needed."""
    lines = ["| key | takes | meaning |", "| --- | --- | --- |"]
    for row in found:
        star = "\\*" if row.needed else ""
        means = row.means or ""
        lines.append(f"| `{row.path}`{star} | {_cell(row.takes)} | {_cell(means)} |")
    return lines


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def own_shapes(schema: Schema) -> dict[str, Schema]:
    """Return the shapes that one kind alone has."""
    found: dict[str, Schema] = schema.get("$defs", {})
    return found
