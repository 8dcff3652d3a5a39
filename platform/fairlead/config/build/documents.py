"""Printed documents: HTML templates whose expressions are those of the whole language, and nothing else.

`{{ … }}` holds one expression, `{% for line in record.lines %}` goes through the lines of a table once, `{% if … %}`
asks. There is no other statement, no nesting of loops and no call but the language's own functions, so a template can
neither reach the machine nor run without end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, cast

from fairlead.config.build.placeholders import check_placeholders
from fairlead.config.document import Node
from fairlead.config.link import Linker, Where
from fairlead.expr.check import compile_expression
from fairlead.expr.types import BOOL, Scope, Type
from fairlead.model.words import Printed

_PIECE = re.compile(r"\{\{(?P<shown>.*?)\}\}|\{%(?P<said>.*?)%\}|\{#.*?#\}|\{\{|\{%", re.S)
_FOR = re.compile(r"\s*for\s+(?P<name>[a-z][a-z0-9_]*)\s+in\s+(?P<rows>.+?)\s*\Z", re.S)
_IF = re.compile(r"\s*(?:el)?if\s+(?P<rule>.+?)\s*\Z", re.S)
_TAKEN = frozenset({"record", "user", "now", "today", "old"})

MAX_DEPTH = 20
"""How many `if` may stand in each other."""


def build_document(node: Node, linker: Linker) -> Printed | None:
    """Make a printed document."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    title = node.get("title")
    if title is not None:
        check_placeholders(title, linker, entity)
    for key in ("header", "body", "footer"):
        part = node.get(key)
        if part is not None:
            check_markup(part, linker, entity)
    name, paper = node.document.name, node.get("paper")
    return Printed(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        title=node.text("title", name),
        formats=cast(Any, tuple(item.value for item in node.each("formats")) or ("pdf",)),
        language=node.maybe("language"),
        size="A4" if paper is None else paper.text("size", "A4"),
        landscape=paper is not None and paper.flag("landscape"),
        when=linker.rule(node.get("when"), Where(entity)),
        roles=linker.names("role", node.each("roles")),
        header=node.maybe("header"),
        body=node.text("body"),
        footer=node.maybe("footer"),
    )


@dataclass(slots=True)
class _Open:
    """A statement that waits for its end."""

    word: str
    start: int
    names: dict[str, Type] = field(default_factory=dict)


def check_markup(node: Node, linker: Linker, entity: str) -> None:
    """Check one template: each expression has its type, each statement its end."""
    text = str(node.value)
    opened: list[_Open] = []
    for piece in _PIECE.finditer(text):
        start = piece.start()
        if piece["shown"] is not None:
            _expression(node, linker, entity, opened, piece.start("shown"), piece["shown"])
        elif piece["said"] is not None:
            _statement(node, linker, entity, opened, piece)
        elif not piece[0].startswith("{#"):
            _say(linker, node, "template_syntax", start, start + 2, f"{piece[0]!r} is never closed")
            return
    for one in opened:
        end = f"end{one.word}"
        _say(
            linker,
            node,
            "template_syntax",
            one.start,
            one.start + 2,
            f"{{% {end} %}} is missing for this {one.word}",
        )


def _statement(node: Node, linker: Linker, entity: str, opened: list[_Open], piece: re.Match[str]) -> None:
    said, at = piece["said"], piece.start("said")
    word = next(iter(said.split()), "")
    loop, rule = _FOR.match(said), _IF.match(said)
    if word == "for" and loop is not None:
        _loop(node, linker, entity, opened, piece, loop)
    elif word in ("if", "elif") and rule is not None:
        _expression(node, linker, entity, opened, at + rule.start("rule"), rule["rule"], BOOL)
        if word == "elif":
            _require_open(node, linker, opened, piece, "if")
        elif len(opened) >= MAX_DEPTH:
            _say(
                linker,
                node,
                "template_syntax",
                at,
                at + len(said),
                f"more than {MAX_DEPTH} stand in each other",
            )
        else:
            opened.append(_Open("if", piece.start()))
    elif said.strip() == "else":
        _require_open(node, linker, opened, piece, "if")
    elif said.strip() in ("endif", "endfor"):
        if _require_open(node, linker, opened, piece, said.strip()[3:]):
            opened.pop()
    else:
        known = "for NAME in record.LINES, if, elif, else, endif and endfor are"
        _say(
            linker,
            node,
            "template_syntax",
            piece.start(),
            piece.end(),
            f"there is no such statement; {known}",
        )


def _loop(
    node: Node, linker: Linker, entity: str, opened: list[_Open], piece: re.Match[str], loop: re.Match[str]
) -> None:
    at = piece.start("said")
    names: dict[str, Type] = {}
    if any(one.word == "for" for one in opened):
        _say(linker, node, "template_syntax", piece.start(), piece.end(), "a loop may not stand in another")
    elif loop["name"] in _TAKEN:
        place = at + loop.start("name")
        _say(
            linker,
            node,
            "reserved_name",
            place,
            place + len(loop["name"]),
            f"{loop['name']!r} has a meaning already",
        )
    else:
        rows = _expression(node, linker, entity, opened, at + loop.start("rows"), loop["rows"])
        if rows is not None and not rows.is_rows:
            place = at + loop.start("rows")
            message = f"a loop goes through the lines of a record, but this is {rows}"
            _say(linker, node, "type_mismatch", place, place + len(loop["rows"]), message)
        elif rows is not None and rows.element is not None:
            names[loop["name"]] = rows.element
    opened.append(_Open("for", piece.start(), names))


def _require_open(node: Node, linker: Linker, opened: list[_Open], piece: re.Match[str], word: str) -> bool:
    if opened and opened[-1].word == word:
        return True
    _say(
        linker,
        node,
        "template_syntax",
        piece.start(),
        piece.end(),
        f"there is no {word} that this belongs to",
    )
    return False


def _expression(
    node: Node,
    linker: Linker,
    entity: str,
    opened: list[_Open],
    start: int,
    text: str,
    expect: Type | None = None,
) -> Type | None:
    """Compile one expression of a template and return its type; what is wrong stands at its place in the file."""
    lead = len(text) - len(text.lstrip())
    lines = {name: kind for one in opened for name, kind in one.names.items()}
    made = compile_expression(
        text.strip(), Scope(record=linker.world.get(entity), lines=lines), expect=expect
    )
    if isinstance(made, list):
        for problem in made:
            words = set(re.findall(r"\w+", text.strip()[problem.start : problem.end]))
            if not words & linker.hushed:
                place = start + lead
                _say(
                    linker,
                    node,
                    problem.code,
                    place + problem.start,
                    place + problem.end,
                    problem.message,
                    problem.hint,
                )
        return None
    linker.mention_within(made, node, entity, start + lead)
    return made.type


def _say(
    linker: Linker, node: Node, code: str, start: int, end: int, message: str, hint: str | None = None
) -> None:
    span = node.document.reading.inside(node.path, start, end)
    linker.problems.add(code, node.path, span, message, hint=hint)
