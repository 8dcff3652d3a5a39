"""`filter` and `map` have no construct of their own: they become part of the macro that takes what they give.

`sum(record.lines.filter(l, l.ready).price)` is `record.lines.sum(l, l.ready ? l.price : null)`, which every back end
knows; a line for which the condition is unknown is left out, as in every filter (EX-3).
"""

from dataclasses import dataclass, replace

from fairlead.expr.nodes import Syntax


@dataclass(frozen=True, slots=True)
class Stream:
    """Lines after `filter` and `map`, as written.

    Attributes:
        rows: The list that it begins with.
        variable: The name of one line in `conditions` and `value`.
        conditions: All of them must hold.
        value: What `map` made of the line; the line itself without one.
    """

    rows: Syntax
    variable: Syntax
    conditions: tuple[Syntax, ...] = ()
    value: Syntax | None = None

    def seen_as(self, name: str, body: Syntax) -> Syntax:
        """Return `body` with what this gives in place of the variable `name`."""
        return substituted(body, name, self.value or self.variable)

    def guarded(self, macro: str, body: Syntax) -> Syntax:
        """Return the body of a macro over `rows` that does what `body` does over this."""
        for condition in reversed(self.conditions):
            held = _call("or_else", (condition, _literal(False, condition)), condition)
            if macro == "exists" and body.kind == "literal" and body.value is True:
                body = held
            elif macro == "exists":
                body = _binary("&&", held, body)
            elif macro == "all":
                body = _binary("||", _unary("!", held), body)
            else:
                body = Syntax(
                    "if", None, (condition, body, _literal(None, body)), body.start, body.end, body.depth + 1
                )
        return body


def is_stream(node: Syntax) -> bool:
    """Whether `node` is a `filter` or a `map` as written."""
    return node.kind in ("method", "call") and node.value in ("filter", "map") and len(node.args) == 3


def stream(node: Syntax) -> Stream | None:
    """Return what a chain of `filter` and `map` gives; None when a variable of it is no name."""
    rows, variable, body = node.args
    if variable.kind != "name":
        return None
    inner = stream(rows) if is_stream(rows) else Stream(rows, variable)
    if inner is None:
        return None
    seen = inner.seen_as(str(variable.value), body)
    if node.value == "filter":
        return replace(inner, conditions=(*inner.conditions, seen))
    return replace(inner, value=seen)


def substituted(node: Syntax, name: str, by: Syntax) -> Syntax:
    """Return `node` with `by` in place of every `name`."""
    if node.kind == "name" and node.value == name:
        # A member of the variable names itself by its own place; only the variable goes.
        return by
    if not node.args:
        return node
    args = tuple(substituted(arg, name, by) for arg in node.args)
    return node if args == node.args else replace(node, args=args)


def mentions(node: Syntax, name: str) -> bool:
    """Whether `name` stands anywhere in `node`."""
    return (node.kind == "name" and node.value == name) or any(mentions(arg, name) for arg in node.args)


def _literal(value: object, near: Syntax) -> Syntax:
    return Syntax("literal", value, (), near.start, near.end)


def _unary(sign: str, inner: Syntax) -> Syntax:
    return Syntax("unary", sign, (inner,), inner.start, inner.end, inner.depth + 1)


def _binary(sign: str, one: Syntax, two: Syntax) -> Syntax:
    depth = 1 + max(one.depth, two.depth)
    return Syntax("binary", sign, (one, two), two.start, two.end, depth, two.start)


def _call(name: str, args: tuple[Syntax, ...], near: Syntax) -> Syntax:
    return Syntax("call", name, args, near.start, near.end, near.depth + 1, near.start)
