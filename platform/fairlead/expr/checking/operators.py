"""Operators: what they join, what they give, and how many digits that may need."""

from dataclasses import replace
from decimal import Decimal

from fairlead.expr.checking.fitting import widest
from fairlead.expr.checking.literals import number_const, rescaled
from fairlead.expr.checking.names import Names
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.types import (
    BOOL,
    DURATION,
    INTEGER,
    MAX_DIGITS,
    MAX_SCALE,
    NULL,
    ORDERED,
    TEXT,
    TEXTS,
    Kind,
    Type,
    decimal_type,
    list_type,
    with_digits,
)

OPS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "&&": "and", "||": "or",
       "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}  # fmt: skip
_ORDER = frozenset({"lt", "le", "gt", "ge"})


class Operators(Names):
    """Literals, lists, signs, comparisons, arithmetic and choice."""

    def literal(self, node: Syntax) -> Typed | None:
        value = node.value
        if value is None:
            return Typed("const", NULL, (), None, node.start, node.end)
        if isinstance(value, bool):
            return Typed("const", BOOL, (), value, node.start, node.end)
        if isinstance(value, int | Decimal):
            return number_const(value, node.start, node.end)
        return Typed("const", TEXT, (), value, node.start, node.end)

    def list_literal(self, node: Syntax) -> Typed | None:
        items = [self.check(item) for item in node.args]
        if not items:
            self.problem("empty_list", "this list has no entries", node)
            return None
        checked = [item for item in items if item is not None]
        if len(checked) < len(items):
            return None
        for item in checked:
            if item.type.kind in (Kind.null, Kind.list, Kind.row):
                self.mismatch(f"a list cannot hold {item.type}", item)
                return None
        same = self.unify(checked)
        if same is None:
            return None
        kind = list_type(same[0].type, max_items=len(same))
        return self.made("list", kind, same, None, node)

    def unary(self, node: Syntax) -> Typed | None:
        operand = self.check(node.args[0])
        if operand is None:
            return None
        if node.value == "!":
            if operand.type.kind is not Kind.bool:
                self.mismatch(f"! needs a condition, but this is {operand.type}", operand)
                return None
            return self.made("not", BOOL, (operand,), None, node)
        if not operand.type.is_number and operand.type.kind is not Kind.duration:
            self.mismatch(f"- needs a number, but this is {operand.type}", operand)
            return None
        return self.folded(self.made("neg", operand.type, (operand,), None, node))

    def condition(self, node: Syntax) -> Typed | None:
        test, then, other = (self.check(arg) for arg in node.args)
        if test is not None and test.type.kind is not Kind.bool:
            self.mismatch(f"before ? a condition is needed, but this is {test.type}", test)
            return None
        if test is None or then is None or other is None:
            return None
        same = self.unify((then, other))
        if same is None:
            return None
        if any(branch.type.kind is Kind.list for branch in same):
            self.mismatch("a list cannot be chosen; choose between conditions on it", node)
            return None
        return self.made("if", widest(same), (test, *same), None, node)

    def binary(self, node: Syntax) -> Typed | None:
        sign = str(node.value)
        args = [self.check(arg) for arg in node.args]
        checked = [arg for arg in args if arg is not None]
        if len(checked) < len(args):
            return None
        if sign in ("&&", "||"):
            for arg in checked:
                if arg.type.kind is not Kind.bool:
                    self.mismatch(f"{sign} joins conditions, but this is {arg.type}", arg)
                    return None
            return self.made(OPS[sign], BOOL, checked, None, node)
        left, right = checked
        if sign == "in":
            return self.membership(left, right, node)
        if sign in ("==", "!=", "<", "<=", ">", ">="):
            return self.comparison(OPS[sign], left, right, node)
        return self.arithmetic(sign, left, right, node)

    def membership(self, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        element = right.type.element
        if right.type.kind is not Kind.list or element is None or right.type.is_rows:
            hint = "contains" if right.type.kind in TEXTS else None
            self.mismatch(f"after 'in' a list is needed, but this is {right.type}", right, hint)
            return None
        if right.op == "list":
            items = [self.fitted(item, left.type) for item in right.args]
            if any(item is None for item in items):
                return None
            first = self.fitted(left, right.args[0].type)
            if first is None:
                return None
            same = [item for item in items if item is not None]
            for item in same:
                if not self.comparable(first, item, node):
                    return None
            right = replace(right, args=tuple(same), type=replace(right.type, element=widest(same)))
            return self.made("in", BOOL, (first, right), None, node)
        value = self.fitted(left, element)
        if value is None or not self.comparable(value, replace(right, type=element), node):
            return None
        return self.made("in", BOOL, (value, right), None, node)

    def comparison(self, op: str, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        first = self.fitted(left, right.type)
        second = self.fitted(right, left.type)
        if first is None or second is None:
            return None
        if Kind.null in (first.type.kind, second.type.kind):
            if op in _ORDER:
                self.mismatch("nothing is smaller or greater than null; ask with == null", node)
                return None
            if Kind.list in (first.type.kind, second.type.kind):
                self.mismatch("a list is never null; ask with is_empty(…)", node)
                return None
            return self.made(op, BOOL, (first, second), None, node)
        if not self.comparable(first, second, node):
            return None
        kind = first.type.kind
        if op in _ORDER and kind not in ORDERED:
            self.mismatch(f"{first.type} has no order; only == and != compare it", node)
            return None
        if kind in (Kind.list, Kind.json):
            self.mismatch(f"{first.type} cannot be compared as a whole", node)
            return None
        return self.made(op, BOOL, (first, second), None, node)

    def arithmetic(self, sign: str, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        one, two = left.type, right.type
        op = OPS[sign]
        if Kind.null in (one.kind, two.kind):
            self.mismatch(f"{sign} with null is always empty", node)
            return None
        if one.is_number and two.is_number:
            return self.number_op(op, sign, left, right, node)
        if (
            sign == "*"
            and {one.kind, two.kind} <= TEXTS | {Kind.integer}
            and not (one.kind in TEXTS and two.kind in TEXTS)
        ):
            self.problem("too_large", "a text cannot be repeated", node)
            return None
        if sign == "+" and one.kind in TEXTS and two.kind in TEXTS:
            return self.made("concat", TEXT, (left, right), None, node)
        days = {Kind.date: "date", Kind.datetime: "moment"}
        if one.kind in days and two.kind is Kind.duration and sign in "+-":
            return self.made(f"{days[one.kind]}_{op}", one, (left, right), None, node)
        if one.kind is Kind.duration and two.kind in days and sign == "+":
            return self.made(f"{days[two.kind]}_add", two, (right, left), None, node)
        if one.kind in days and sign == "-":
            other = self.fitted(right, one)
            if other is None:
                return None
            if other.type.kind is one.kind:
                return self.made(f"{days[one.kind]}_diff", DURATION, (left, other), None, node)
        if one.kind is Kind.duration and two.kind is Kind.duration and sign in "+-":
            return self.sized(op, DURATION, left, right, node)
        if one.kind is Kind.duration and two.kind is Kind.duration and sign == "/":
            return self.sized(op, decimal_type(0), left, right, node)
        if sign == "*" and {one.kind, two.kind} == {Kind.duration, Kind.integer}:
            return self.sized("mul", DURATION, left, right, node)
        for kind, number in ((one.kind, two), (two.kind, one)):
            if kind in days and number.kind is Kind.integer:
                self.mismatch("say days or hours", node, "days(…)")
                return None
        self.mismatch(f"{sign} does not work for {one} and {two}", node)
        return None

    def number_op(self, op: str, sign: str, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        one, two = left.type, right.type
        monies = [kind for kind in (one, two) if kind.kind is Kind.money]
        if len(monies) == 2:
            if one.currency and two.currency and one.currency != two.currency:
                self.mismatch(f"{one.currency} and {two.currency} cannot be reckoned together", node)
                return None
            if op == "mul":
                self.mismatch("two amounts of money cannot be multiplied", node)
                return None
            kind = decimal_type(0) if op == "div" else monies[0]
        elif monies:
            constant = right.op == "const" if one.kind is Kind.money else left.op == "const"
            if op in ("add", "sub", "mod") and not constant:
                self.mismatch(f"{one} and {two} cannot be added; number(…) makes an amount a number", node)
                return None
            if op == "div" and two.kind is Kind.money:
                self.mismatch(f"{one} cannot be divided by money", node)
                return None
            kind = monies[0]
        elif op == "div" or Kind.decimal in (one.kind, two.kind):
            kind = decimal_type(0)
        else:
            kind = INTEGER
        return self.sized(op, kind, left, right, node)

    def sized(self, op: str, kind: Type, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        one, two = left.type, right.type
        if op in ("div", "mod") and right.op == "const" and not right.value:
            self.problem("constant", "this has no value: it divides by zero", node)
            return None
        scale = max(one.scale, two.scale)
        whole = max(one.whole_digits, two.whole_digits)
        if op in ("add", "sub"):
            whole += 1
        elif op == "mul":
            scale = one.scale + two.scale
            whole = one.whole_digits + two.whole_digits
        elif op == "div":
            scale = MAX_SCALE
            whole = one.whole_digits + two.scale
        if whole + scale > MAX_DIGITS:
            self.problem("too_large", f"the result may have more than {MAX_DIGITS} digits", node)
            return None
        made = self.made(op, with_digits(kind, whole + scale, scale), (left, right), None, node)
        if scale > MAX_SCALE:
            made = rescaled(made, MAX_SCALE)
        return self.folded(made)
