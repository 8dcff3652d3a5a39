"""Macros over line items: `exists`, `all`, `count` and the totals of a column."""

import re
from dataclasses import replace

from fairlead.expr.checking.names import roots
from fairlead.expr.checking.operators import Operators
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.types import BOOL, MAX_SCALE, ORDERED, Kind, Type, decimal_type, with_digits


class Lines(Operators):
    """Brings the variable of a macro into force while its body is checked."""

    def column(self, name: str, arg: Syntax, node: Syntax) -> Typed | None:
        """`sum(record.lines.total)` is `record.lines.sum(l, l.total)`; `count(record.lines)` counts them."""
        if arg.kind == "member":
            before = len(self.problems)
            source = self.check(arg.args[0]) if arg.args[0].kind != "name" else None
            if source is not None and source.type.is_rows:
                variable = Syntax("name", "it", (), arg.start, arg.start)
                body = Syntax("member", arg.value, (variable,), arg.start, arg.end, 2, arg.at)
                return self.macro(name, arg.args[0], variable, body, node)
            del self.problems[before:]
        whole = self.check(arg)
        if whole is None:
            return None
        if name == "count" and whole.type.kind is Kind.list:
            return self.made("call", Type(Kind.integer, digits=6), (whole,), "size", node)
        message = f"write {name}(record.lines.field), or record.lines.{name}(l, …)"
        self.mismatch(message, whole)
        return None

    def macro(self, name: str, rows: Syntax, variable: Syntax, body: Syntax, node: Syntax) -> Typed | None:
        source = self.check(rows)
        if source is None:
            return None
        element = source.type.element
        if source.type.kind is not Kind.list or element is None or source.op != "get":
            self.mismatch(f"{name} goes over line items, but this is {source.type}", source)
            return None
        if element.kind is not Kind.row:
            self.mismatch(f"{name} goes over line items; for {source.type} use x in list", source)
            return None
        if variable.kind != "name" or str(variable.value) in (*roots(self.scope), *self.variables):
            self.problem("syntax", "give the line a new short name: exists(l, l.qty > 3)", variable)
            return None
        word = str(variable.value)
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", word):
            self.problem("name_not_allowed", f"the name {word!r} may not be used here", variable)
            return None
        self.variables[word] = element
        inner = self.check(body)
        del self.variables[word]
        if inner is None:
            return None
        kind = self.macro_type(name, inner, source.type.max_items)
        if kind is None:
            return None
        made = self.made(name, kind, (source, inner), word, node)
        return replace(made, cost=2 + source.type.max_items * inner.cost)

    def macro_type(self, name: str, inner: Typed, items: int) -> Type | None:
        kind = inner.type
        more = len(str(max(items, 1) * 100))
        if name in ("exists", "all"):
            if kind.kind is not Kind.bool:
                self.mismatch(f"{name} needs a condition, but this is {kind}", inner)
                return None
            return BOOL
        if name == "count":
            return Type(Kind.integer, digits=9)
        if name in ("min", "max"):
            if kind.kind not in ORDERED:
                self.mismatch(f"{kind} has no order", inner)
                return None
            return kind
        if not kind.is_number and not (name == "sum" and kind.kind is Kind.duration):
            self.mismatch(f"{name} needs numbers, but this is {kind}", inner)
            return None
        if name == "sum":
            return with_digits(kind, kind.digits + more, kind.scale)
        mean = decimal_type(0) if kind.kind is Kind.integer else kind
        return with_digits(mean, kind.whole_digits + MAX_SCALE, MAX_SCALE)
