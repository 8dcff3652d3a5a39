"""The page of findings: every code that a check of documents can give, with what it means and what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import fairlead
import yaml
from fairlead.config.schemas import KIND_FOLDERS

SOURCES = ("config", "expr")
"""The packages whose findings are about documents."""

# Function → which of its arguments is the code. `add` also belongs to sets, so it must have more than one argument.
_CALLS = {
    "add": 0, "error": 0, "warn": 0, "hint": 0, "problem": 0, "add_within": 0, "stop": 0, "_problem": 0, "Fault": 0,
    "Problem": 0, "ExprProblem": 0, "_at": 1, "_say": 2,
}  # fmt: skip
_LEVELS = {"warn": "warning", "hint": "hint"}
_CODE = re.compile(r"[a-z]+(_[a-z]+)*\Z")
_BUILT_BY_NAME = "unknown"
"""The function that makes `unknown_X` from the name of what was not found."""
_NAMED = ("name", "names")
"""The functions that look up a document of the kind they are given."""
_BY_KEY = ("missing_key", "unknown_type", "unknown_kind")
"""Codes that are made from the key they are about."""


@cache
def codes() -> dict[str, str]:
    """Return every code that the packages can give, with its level; error where it may be both."""
    found: dict[str, set[str]] = {name: {"error"} for name in _BY_KEY}
    package = Path(fairlead.__file__).parent
    for folder in SOURCES:
        for path in sorted((package / folder).rglob("*.py")):
            for code, level in _in_source(ast.parse(path.read_text("utf-8"))):
                found.setdefault(code, set()).add(level)
    return {code: "error" if "error" in levels else min(levels) for code, levels in sorted(found.items())}


def _in_source(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
        if name == _BUILT_BY_NAME and isinstance(first, str) and len(node.args) > 2:
            yield f"unknown_{first}", "error"
        if name in _NAMED and isinstance(first, str) and first in KIND_FOLDERS:
            yield f"unknown_{first}", "error"
        place = _CALLS.get(name)
        if place is None or len(node.args) <= max(place, 1):
            continue
        level = next((_level(word.value) for word in node.keywords if word.arg == "level"), None)
        for code in _texts(node.args[place]):
            yield code, level or _LEVELS.get(name, "error")


def _texts(node: ast.expr) -> Iterator[str]:
    """Yield the codes that an argument may be: one, or one of two."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _CODE.match(node.value):
        yield node.value


def _level(node: ast.expr) -> str | None:
    return node.attr if isinstance(node, ast.Attribute) else None


@cache
def words() -> dict[str, str]:
    """Return what each code means."""
    text = Path(__file__).with_name("codes.yaml").read_text("utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return {**{f"unknown_{kind}": f"There is no {kind} of this name." for kind in KIND_FOLDERS}, **found}


def pages() -> dict[str, str]:
    """Return the page by name; a code without words, which a test finds, has an empty cell."""
    lines = [
        "# Findings",
        "",
        "What `fairlead check` can say about documents. The code stands in `--format json` and in what editors are told;",
        "an *error* keeps a configuration from being published, a *warning* is shown (and stops `--strict`), a *hint* is",
        "worth a look.",
        "",
        "| code | level | means |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{code}` | {level} | {words().get(code, '')} |" for code, level in codes().items()]
    return {"findings.md": "\n".join(lines)}
