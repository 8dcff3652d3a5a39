"""Where documents speak of something by its name: gathered while names are resolved, so that none is overlooked.

A target is the path of a definition: `("entity", "car", "fields", "colour")`, `("options", "colours", "red")`,
`("pipeline", "car_stages", "stages", "sold")`, `("role", "seller")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from fairlead.base.problems import KeyPath
from fairlead.expr.expression import Expression
from fairlead.expr.functions import MACROS
from fairlead.expr.nodes import Path, Syntax, Typed
from fairlead.expr.parse import parse
from fairlead.expr.types import Kind

Target = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in a value, from character `start` to `end` of it; or in the key of `keys`."""

    target: Target
    file: str
    keys: KeyPath
    start: int
    end: int
    key: bool = False


@dataclass(frozen=True, slots=True)
class Spoken:
    """What an expression names: a field of a shape, an option of such a field, or a role."""

    shape: str
    field: str
    option: str | None
    start: int
    end: int


def spoken(expression: Expression, record: str | None) -> Iterator[Spoken]:
    """Yield every field, option and role that an expression names, with its place in the text.

    Args:
        record: The shape of `record` and `old`: an entity, or `entity.table`.
    """
    tree = parse(expression.text)
    if isinstance(tree, Syntax):
        parts: dict[tuple[int, int], Syntax] = {}
        _gather(tree, parts)
        yield from _walk(expression.node, {"record": record, "old": record}, parts, expression.text)


def literals(node: Typed) -> list[Typed]:
    """Return the texts that may become the value of a node."""
    if node.op == "const":
        return [node] if isinstance(node.value, str) and node.type.kind in (Kind.text, Kind.choice) else []
    if node.op == "if":
        return [found for arg in node.args[1:] for found in literals(arg)]
    if node.op == "list" or (node.op == "call" and node.value in ("or_else", "min", "max")):
        return [found for arg in node.args for found in literals(arg)]
    return []


def quoted(node: Typed, text: str) -> tuple[int, int]:
    """Return where the characters of a literal stand, without its quotation marks."""
    word = str(node.value)
    start = text.find(word, node.start, node.end)
    return (start, start + len(word)) if start >= 0 else (node.start, node.start)


Shapes = Mapping[str, str | None]


def _walk(
    node: Typed, shapes: Shapes, parts: Mapping[tuple[int, int], Syntax], text: str
) -> Iterator[Spoken]:
    if node.op == "get" and isinstance(node.value, Path):
        yield from _path(node, shapes, parts)
        return
    if node.op in ("eq", "ne", "in", "if", "call", "list"):
        several = node.args[1:] if node.op == "if" else node.args
        for one, other in product(several, several):
            if one is not other:
                yield from _options(one, other, shapes, text)
    if node.op == "in" and node.args[1].op == "name" and node.args[1].value == "user.roles":
        for word in literals(node.args[0]):
            yield Spoken("role", str(word.value), None, *quoted(word, text))
    inner = dict(shapes)
    if node.op in MACROS and isinstance(node.value, str):
        source = node.args[0]
        element = source.type.element
        if source.type.is_rows:
            inner[node.value] = element.entity if element is not None else None
        elif (field := next(iter(_choices(source, shapes)), None)) is not None:
            # An entry of a list of choices is an option of the field that holds the list.
            inner[node.value] = ".".join((*field, ""))
    for arg in node.args:
        yield from _walk(arg, inner, parts, text)


def _options(one: Typed, other: Typed, shapes: Shapes, text: str) -> Iterator[Spoken]:
    words = literals(other)
    for shape, field in _choices(one, shapes) if words else ():
        for word in words:
            yield Spoken(shape, field, str(word.value), *quoted(word, text))


def _choices(node: Typed, shapes: Shapes) -> list[tuple[str, str]]:
    """Return the choice fields whose value a node may have."""
    element = node.type.element if node.type.kind is Kind.list else node.type
    if (
        node.op == "get"
        and isinstance(node.value, Path)
        and element is not None
        and element.kind is Kind.choice
    ):
        shape = shapes.get(node.value.root)
        if not node.value.steps:
            owner, _, field = (shape or "").removesuffix(".").rpartition(".")
            return [(owner, field)] if owner else []
        for step in node.value.steps[:-1]:
            shape = step.type.leads_to
        return [(shape, node.value.steps[-1].field)] if shape is not None else []
    if node.op == "if":
        return [found for arg in node.args[1:] for found in _choices(arg, shapes)]
    if node.op == "list" or (node.op == "call" and node.value in ("or_else", "min", "max")):
        return [found for arg in node.args for found in _choices(arg, shapes)]
    return []


def _path(node: Typed, shapes: Shapes, parts: Mapping[tuple[int, int], Syntax]) -> Iterator[Spoken]:
    assert isinstance(node.value, Path)
    shape = shapes.get(node.value.root)
    places = _names(parts.get((node.start, node.end)), len(node.value.steps))
    for step, place in zip(node.value.steps, places, strict=False):
        if shape is not None:
            yield Spoken(shape, step.field, None, place, place + len(step.field))
        shape = step.type.leads_to


def _names(node: Syntax | None, count: int) -> list[int]:
    """Return where each of the last `count` names of a dotted path begins."""
    found: list[int] = []
    while node is not None and node.kind in ("member", "index") and len(found) < count:
        found.append(node.at if node.kind == "member" else node.args[1].start + 1)
        node = node.args[0]
    return found[::-1]


def _gather(node: Syntax, parts: dict[tuple[int, int], Syntax]) -> None:
    if node.kind in ("member", "index"):
        parts[node.start, node.end] = node
    for arg in node.args:
        _gather(arg, parts)
