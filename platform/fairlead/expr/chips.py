"""An expression in the words of the screen: labels instead of keys, and typed labels back to keys (EX-10).

The file keeps keys. Shown, `record.amount > 100000 && record.stage == 'won'` is `金额 > 100000 && 阶段 == 赢单`, cut
into chips; typed so, or half so, it becomes the same text again. A label that two things share is not guessed at.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fairlead.expr.expression import Expression
from fairlead.expr.labels import Words, keyed, shape_of
from fairlead.expr.nodes import Path, Syntax, Typed, walk
from fairlead.expr.parse import parse
from fairlead.expr.types import EntityShape, Kind, Scope
from fairlead.expr.written import quoted

_OPTION = re.compile(r"[^\W\d_][\w -]*")


@dataclass(frozen=True, slots=True)
class Chip:
    """A piece of a shown expression.

    Attributes:
        text: What is seen.
        kind: `field`, `option` or `text`.
        written: What stands in the file at this place.
    """

    text: str
    kind: str
    written: str


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    kind: str
    shown: str


# ---------------------------------------------------------------- keys to labels


def chips(expression: Expression, scope: Scope, words: Words) -> tuple[Chip, ...]:
    """Return what `expression` looks like with labels; together the texts are the shown expression.

    Where a label would not lead back to its key, the key is shown.
    """
    text = expression.text
    places = sorted(_places(expression, scope, words), key=lambda place: place.start)
    while True:
        made = tuple(_cut(text, places))
        back = keyed("".join(chip.text for chip in made), scope, words)
        if isinstance(back, str) and _same(back, text):
            return made
        if not places:
            return (Chip(text, "text", text),)
        # One label after another gives way; nearly always the first attempt holds.
        places = _usable(text, places, scope, words)


def shown(expression: Expression, scope: Scope, words: Words) -> str:
    """Return `expression` with labels, as it may be typed again."""
    return "".join(chip.text for chip in chips(expression, scope, words))


def _usable(text: str, places: Sequence[_Place], scope: Scope, words: Words) -> list[_Place]:
    kept: list[_Place] = []
    for place in places:
        tried = [*kept, place]
        back = keyed("".join(chip.text for chip in _cut(text, tried)), scope, words)
        if isinstance(back, str) and _same(back, text):
            kept = tried
    return kept if len(kept) < len(places) else []


def _same(one: str, two: str) -> bool:
    first, second = parse(one), parse(two)
    return isinstance(first, Syntax) and isinstance(second, Syntax) and _bare(first) == _bare(second)


def _bare(node: Syntax) -> tuple[object, ...]:
    return (node.kind, type(node.value).__name__, node.value, *[_bare(arg) for arg in node.args])


def _cut(text: str, places: Sequence[_Place]) -> Iterator[Chip]:
    at = 0
    for place in places:
        if place.start > at:
            yield Chip(text[at : place.start], "text", text[at : place.start])
        yield Chip(place.shown, place.kind, text[place.start : place.end])
        at = place.end
    if at < len(text):
        yield Chip(text[at:], "text", text[at:])


def _places(expression: Expression, scope: Scope, words: Words) -> Iterator[_Place]:
    shapes: dict[str, EntityShape | None] = {"record": scope.record}
    text = expression.text
    for node in walk(expression.node):
        if node.args and node.args[0].type.is_rows and isinstance(node.value, str) and node.op != "call":
            element = node.args[0].type.element
            shapes[node.value] = shape_of(scope, element.entity if element is not None else None)
        if node.op == "get" and isinstance(node.value, Path) and node.value.names:
            place = _path_place(node, node.value, shapes, scope, words, text)
            if place is not None:
                yield place
        for one, other in _beside(node):
            yield from _option_places(one, other, shapes, scope, words, text)


def _path_place(
    node: Typed, path: Path, shapes: dict[str, EntityShape | None], scope: Scope, words: Words, text: str
) -> _Place | None:
    labels = []
    for name, shape in zip(path.names, _shapes(path, shapes, scope), strict=False):
        label = words(shape, name, None)
        if label is None:
            return None
        labels.append(label)
    written = text[node.start : node.end].strip()
    if len(labels) < len(path.names) or written != ".".join((path.root, *path.names)):
        return None
    prefix = "" if path.root == "record" else f"{path.root}."
    return _Place(node.start, node.end, "field", prefix + ".".join(labels))


def _option_places(
    one: Typed, other: Typed, shapes: dict[str, EntityShape | None], scope: Scope, words: Words, text: str
) -> Iterator[_Place]:
    kind = one.type.element or one.type
    if (
        kind.kind is not Kind.choice
        or one.op != "get"
        or not isinstance(one.value, Path)
        or not one.value.names
    ):
        return
    *_, shape = _shapes(one.value, shapes, scope)
    for item in other.args if other.op == "list" else (other,):
        if item.op == "const" and isinstance(item.value, str):
            label = words(shape, one.value.names[-1], item.value)
            if label is not None and text[item.start : item.start + 1] in ("'", '"'):
                bare = _OPTION.fullmatch(label) is not None
                yield _Place(item.start, item.end, "option", label if bare else quoted(label))


def _beside(node: Typed) -> list[tuple[Typed, Typed]]:
    if node.op in ("eq", "ne", "in") or (node.op == "call" and node.value == "or_else"):
        one, two = node.args[0], node.args[1]
        return [(one, two), (two, one)]
    return []


def _shapes(path: Path, shapes: dict[str, EntityShape | None], scope: Scope) -> list[str]:
    here = shapes.get(path.root if path.root != "old" else "record")
    found = []
    for step in path.steps:
        found.append(here.name if here is not None else "")
        here = shape_of(scope, step.type.leads_to)
    return found
