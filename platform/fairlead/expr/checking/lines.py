"""Macros over line items and other lists: `exists`, `all`, `count`, the totals of a column, `filter` and `map`."""

import re
from dataclasses import replace

from fairlead.base.problems import Level
from fairlead.base.texts import listing
from fairlead.expr.checking.names import roots
from fairlead.expr.checking.operators import Operators
from fairlead.expr.checking.streams import Stream, is_stream, mentions, stream
from fairlead.expr.functions import MACROS
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import BOOL, INTEGER, MAX_SCALE, ORDERED, Kind, Type, decimal_type, with_digits

_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_ENTRIES = frozenset({"exists", "all", "count"})


class Lines(Operators):
    """Brings the variable of a macro into force while its body is checked."""

    def column(self, name: str, arg: Syntax, node: Syntax) -> Typed | None:
        """`sum(record.lines.total)` is `record.lines.sum(l, l.total)`; `count(record.lines)` counts them."""
        if is_stream(arg):
            return self.whole_stream(name, arg, node)
        if arg.kind == "member":
            rows = arg.args[0]
            before = len(self.problems)
            source = self.check(rows) if rows.kind != "name" and not is_stream(rows) else None
            if is_stream(rows) or (source is not None and source.type.is_rows):
                variable = self.fresh(arg)
                body = Syntax("member", arg.value, (variable,), arg.start, arg.end, 2, arg.at)
                return self.macro(name, rows, variable, body, node)
            del self.problems[before:]
        whole = self.check(arg)
        if whole is None:
            return None
        if name == "count" and whole.type.kind is Kind.list:
            return self.made("call", Type(Kind.integer, digits=8), (whole,), "size", node)
        message = f"write {name}(record.lines.field), or record.lines.{name}(l, …)"
        self.mismatch(message, whole)
        return None

    def whole_stream(self, name: str, arg: Syntax, node: Syntax) -> Typed | None:
        """`sum(record.lines.map(l, …))`, `count(record.lines.filter(l, …))`, `is_empty(…)` of either."""
        held = Syntax("literal", True, (), arg.start, arg.end)
        variable = self.fresh(arg)
        found = stream(arg)
        if name == "is_empty":
            some = self.macro("exists", arg, variable, held, node)
            return None if some is None else self.made("not", BOOL, (some,), None, node)
        if name in ("size", "count"):
            return self.macro("count", arg, variable, held, node)
        if found is not None and found.value is None:
            self.mismatch(f"{name} needs a column: {name}(….field)", arg)
            return None
        return self.macro(name, arg, variable, variable, node)

    def fresh(self, arg: Syntax) -> Syntax:
        """Return a variable that nobody wrote, for a macro that stands for another way to write it."""
        known = {*roots(self.scope), *self.variables}
        word = next(word for word in ("it", *[f"it{at}" for at in range(2, 99)]) if word not in known)
        return Syntax("name", word, (), arg.start, arg.start)

    def loose_stream(self, node: Syntax) -> None:
        """Say that `filter` and `map` give lines, which are no value."""
        known = listing(sorted(MACROS))
        message = f"{node.value} gives lines, not a value; say what of them: {known}"
        self.mismatch(message, node)

    def macro(self, name: str, rows: Syntax, variable: Syntax, body: Syntax, node: Syntax) -> Typed | None:
        if name == "exists_one":
            counted = self.macro("count", rows, variable, body, node)
            if counted is None:
                return None
            one = Typed("const", replace(INTEGER, digits=1), (), 1, node.start, node.end)
            return self.made("eq", BOOL, (counted, one), None, node)
        if not self.is_variable(variable):
            return None
        self.used(variable, body)
        if is_stream(rows):
            found = self.opened(rows)
            if found is None:
                return None
            body = found.guarded(name, found.seen_as(str(variable.value), body))
            rows, variable = found.rows, found.variable
        source = self.check(rows)
        if source is None:
            return None
        element = source.type.element
        if source.type.kind is not Kind.list or element is None or source.op not in ("get", "name"):
            self.mismatch(f"{name} goes over line items or a list, but this is {source.type}", source)
            return None
        if element.kind is not Kind.row and name not in _ENTRIES:
            self.mismatch(
                f"{name} goes over line items; {source.type} knows {listing(sorted(_ENTRIES))}", source
            )
            return None
        word = str(variable.value)
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

    def opened(self, rows: Syntax) -> Stream | None:
        """Return a chain of `filter` and `map` after its own variables have been looked at."""
        link: Syntax = rows
        while is_stream(link):
            if not self.is_variable(link.args[1]):
                return None
            self.used(link.args[1], link.args[2])
            link = link.args[0]
        return stream(rows)

    def is_variable(self, variable: Syntax) -> bool:
        word = str(variable.value)
        if variable.kind != "name" or word in (*roots(self.scope), *self.variables):
            self.problem("syntax", "give the line a new short name: exists(l, l.qty > 3)", variable)
            return False
        if not _VARIABLE.fullmatch(word):
            self.problem("name_not_allowed", f"the name {word!r} may not be used here", variable)
            return False
        return True

    def used(self, variable: Syntax, body: Syntax) -> None:
        """Warn when the body of a macro says the same of every line (EX-5)."""
        word = str(variable.value)
        if variable.start < variable.end and not mentions(body, word):
            message = f"{word!r} is not used, so every line has the same answer"
            found = ExprProblem("unused_variable", message, variable.start, variable.end, level=Level.warning)
            self.findings.append(found)

    def macro_type(self, name: str, inner: Typed, items: int) -> Type | None:
        kind = inner.type
        more = len(str(max(items, 1) * 100))
        if name in ("exists", "all"):
            if kind.kind is not Kind.bool:
                self.mismatch(f"{name} needs a condition, but this is {kind}", inner)
                return None
            return BOOL
        if name == "count":
            if kind.kind in (Kind.list, Kind.row, Kind.null):
                self.mismatch(f"count needs a condition or a value, but this is {kind}", inner)
                return None
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
