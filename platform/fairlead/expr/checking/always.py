"""Findings that do not stop an expression but are surely not meant: an answer that is always the same."""

from fairlead.base.problems import Level
from fairlead.expr.evaluate import constant_value
from fairlead.expr.nodes import Typed, walk
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import Kind


def warnings(node: Typed) -> list[ExprProblem]:
    """Return the findings about a condition that `node` is."""
    if node.type.kind is not Kind.bool:
        return []
    found = []
    for one in walk(node):
        if one.type.kind is Kind.bool and one.op != "const" and not _reads(one):
            value = constant_value(one)
            word = "always true" if value is True else "never true" if value is False else "always unknown"
            found.append(ExprProblem("constant", f"this is {word}", one.start, one.end, level=Level.warning))
            break
    return found


def _reads(node: Typed) -> bool:
    return any(one.op in ("get", "name") or _asks_clock(one) for one in walk(node))


def _asks_clock(node: Typed) -> bool:
    return node.op == "call" and str(node.value).endswith(("_since", "_until"))
