"""Names known, types right, options real, cost bounded, SQL possible where needed: the one door to an Expression."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fairlead.base.problems import Level
from fairlead.base.texts import did_you_mean, listing
from fairlead.expr.evaluate import constant_value
from fairlead.expr.expression import Expression
from fairlead.expr.functions import ALIASES, BY_NAME, MACROS, SPANS, Function
from fairlead.expr.nodes import Path, Step, Syntax, Typed, walk
from fairlead.expr.parse import ExprProblem, names_in, parse
from fairlead.expr.types import (
    BOOL,
    DATE,
    DATETIME,
    DURATION,
    INTEGER,
    KEYS,
    MAX_DIGITS,
    MAX_HOPS,
    MAX_SCALE,
    NULL,
    ORDERED,
    TEAM,
    TEXT,
    TEXTS,
    TIME,
    USER,
    EntityShape,
    Kind,
    Scope,
    Type,
    decimal_type,
    list_type,
    with_digits,
)

__all__ = ["USER_MEMBERS", "ExprProblem", "Expression", "compile_expression"]

MAX_COST = 10_000

USER_MEMBERS: dict[str, Type] = {
    "id": USER,
    "team": TEAM,
    "teams": list_type(TEAM),
    "subordinate_teams": list_type(TEAM),
    "roles": list_type(TEXT),
}
_OPS = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "&&": "and", "||": "or",
        "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}  # fmt: skip
_ORDER = frozenset({"lt", "le", "gt", "ge"})


def compile_expression(
    text: str, scope: Scope, *, expect: Type | None = None, sql: bool = False
) -> Expression | list[ExprProblem]:
    """Check `text` and return what can be evaluated, or everything that is wrong with it.

    Args:
        text: At most 4,000 characters.
        scope: The names that may be used.
        expect: The type the result must have; a number is rounded half-even to its scale.
        sql: Whether it must be able to become SQL.

    Returns:
        An Expression, whose `warnings` may hold findings that do not stop it; or at least one problem.
    """
    tree = parse(text)
    if isinstance(tree, ExprProblem):
        strangers = _strangers(text, scope)
        return [*strangers, tree] if tree.code == "syntax" else [tree]
    checker = _Checker(scope)
    try:
        node = checker.check(tree)
        if node is not None and expect is not None:
            node = checker.fit(node, expect)
    except RecursionError:  # pragma: no cover - the depth limit of the parser comes first
        return [ExprProblem("too_deep", "the expression nests too deeply", 0, len(text))]
    if node is not None and not checker.problems:
        if node.cost > MAX_COST:
            message = f"the expression may need {node.cost:,} steps; at most {MAX_COST:,} are allowed"
            checker.problem("too_expensive", message, tree)
        elif sql:
            checker.problems.extend(_not_sql(node))
    if node is None or checker.problems:
        return checker.problems or [ExprProblem("syntax", "the expression has no meaning", 0, len(text))]
    return Expression(text, node, tuple(_warnings(node)))


def _strangers(text: str, scope: Scope) -> list[ExprProblem]:
    known = {"true", "false", "null", "in", "and", "or", "not", "is", "mod", "True", "False", "None"}
    known |= {"AND", "OR", "NOT", "TRUE", "FALSE", "NULL", *BY_NAME, *ALIASES, *_roots(scope)}
    found = []
    for name, start, end in names_in(text):
        macro_variable = len(name) <= 2 and name.isalpha()
        if name not in known and not macro_variable:
            message = f"the name {name!r} may not be used here"
            found.append(ExprProblem("name_not_allowed", message, start, end, did_you_mean(name, known)))
    return found


def _roots(scope: Scope) -> list[str]:
    names = list(scope.extra)
    if scope.record is not None:
        names.append("record")
        if scope.bare_fields:
            names.extend(scope.record.field_names())
    if scope.old:
        names.append("old")
    if scope.user:
        names.append("user")
    if scope.clock:
        names.extend(("now", "today"))
    return names


def _not_sql(node: Typed) -> list[ExprProblem]:
    found = []
    if node.type.kind is Kind.list and (node.op == "list" or node.type.is_rows):
        message = f"this must run in the database, which cannot give {node.type} as one value"
        found.append(ExprProblem("not_in_sql", message, node.start, node.end))
    for one in walk(node):
        reason = None
        if one.op == "get" and isinstance(one.value, Path) and one.value.root == "old":
            reason = "the database does not know the record before the change"
        elif one.op == "call" and not BY_NAME[str(one.value)].sql:
            reason = f"{one.value} has no form in SQL"
        elif one.op == "in" and one.args[1].op != "list" and _holds_numbers(one.args[1].type):
            reason = "a stored list of numbers cannot be searched there"
        if reason:
            message = f"this must run in the database, but {reason}"
            found.append(ExprProblem("not_in_sql", message, one.start, one.end))
    return found


def _holds_numbers(kind: Type) -> bool:
    return kind.element is not None and (kind.element.is_number or kind.element.kind is Kind.bool)


def _warnings(node: Typed) -> list[ExprProblem]:
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


class _Checker:
    """Walks the tree once; a problem gives None, and whatever contains it keeps silent about it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[ExprProblem] = []
        self.variables: dict[str, Type] = {}

    def problem(self, code: str, message: str, node: Syntax | Typed, hint: str | None = None) -> None:
        self.problems.append(ExprProblem(code, message, node.start, node.end, hint))

    def mismatch(self, message: str, node: Syntax | Typed, hint: str | None = None) -> None:
        self.problem("type_mismatch", message, node, hint)

    # ------------------------------------------------------------ constructs

    def check(self, node: Syntax) -> Typed | None:
        kinds = {
            "literal": self.literal, "list": self.list_literal, "name": self.name, "member": self.member,
            "index": self.index, "call": self.call, "method": self.method, "unary": self.unary,
            "binary": self.binary, "if": self.condition,
        }  # fmt: skip
        return kinds[node.kind](node)

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

    def name(self, node: Syntax) -> Typed | None:
        name = str(node.value)
        scope = self.scope
        if name in self.variables:
            self.mismatch(f"name a field of the line: {name}.…", node)
            return None
        if name == "record" and scope.record is not None:
            self.mismatch("name a field of the record: record.…", node)
            return None
        if name == "old" and scope.old:
            self.mismatch("name a field of the record before the change: old.…", node)
            return None
        if name == "user" and scope.user:
            return Typed("name", USER, (), "user", node.start, node.end)
        if name == "now" and scope.clock:
            return Typed("name", DATETIME, (), "now", node.start, node.end)
        if name == "today" and scope.clock:
            return Typed("name", DATE, (), "today", node.start, node.end)
        if name in scope.extra:
            return Typed("name", scope.extra[name], (), f"extra.{name}", node.start, node.end)
        record = scope.record
        own = record.field_type(name) if record is not None else None
        if own is not None and scope.bare_fields:
            return Typed("get", own, (), Path("record", (Step(name, own),)), node.start, node.end)
        known = [*_roots(scope), *self.variables]
        if own is not None:
            message = f"{name!r} is a field; write record.{name}"
            self.problem("name_not_allowed", message, node, f"record.{name}")
        elif name == "old" and scope.record is not None:
            self.problem("name_not_allowed", "there is no record before the change here", node)
        elif name in BY_NAME or name in ALIASES:
            self.problem("name_not_allowed", f"{name} is a function; write {name}(…)", node)
        else:
            message = f"the name {name!r} may not be used here; known are {listing(sorted(known))}"
            self.problem("name_not_allowed", message, node, did_you_mean(name, known))
        return None

    def member(self, node: Syntax) -> Typed | None:
        target, name = node.args[0], str(node.value)
        if "__" in name:
            self.problem("name_not_allowed", f"the name {name!r} may not be used here", node)
            return None
        if target.kind == "name":
            root = str(target.value)
            if root in ("record", "old") and root not in self.variables:
                record = self.scope.record
                if record is not None and (root == "record" or self.scope.old):
                    return self.step(Path(root, ()), record, name, node)
                if root == "old":
                    self.problem("name_not_allowed", "there is no record before the change here", target)
                else:
                    self.problem("name_not_allowed", "there is no record here", target)
                return None
            if root == "user" and self.scope.user and root not in self.variables:
                kind = USER_MEMBERS.get(name)
                if kind is None:
                    hint = did_you_mean(name, USER_MEMBERS)
                    message = f"a user has no {name!r} here; known are {listing(USER_MEMBERS)}"
                    self.problem("unknown_field", message, node, hint)
                    return None
                value = "user" if name == "id" else f"user.{name}"
                return Typed("name", kind, (), value, node.start, node.end)
            if root in self.variables:
                shape = self.shape(self.variables[root].entity)
                return None if shape is None else self.step(Path(root, ()), shape, name, node)
        inner = self.check(target)
        if inner is None:
            return None
        kind = inner.type
        if kind.is_rows:
            message = (
                f"these are line items; say which, as in record.lines.exists(l, l.{name} …) or sum(….{name})"
            )
            self.mismatch(message, node)
            return None
        shape = self.shape(kind.leads_to)
        if shape is None or not isinstance(inner.value, Path):
            self.mismatch(f"{self.said(target)} is {kind} and has no fields", node)
            return None
        return self.step(inner.value, shape, name, node)

    def step(self, path: Path, shape: EntityShape, name: str, node: Syntax) -> Typed | None:
        kind = shape.field_type(name)
        if kind is None:
            names = list(shape.field_names())
            hint = did_you_mean(name, names)
            known = "" if hint else f"; known are {listing(names)}"
            self.problem("unknown_field", f"{shape.name} has no field {name!r}{known}", node, hint)
            return None
        hops = len(path.steps)
        if hops > MAX_HOPS:
            message = f"a path leads over at most {MAX_HOPS} other records"
            self.problem("too_deep", message, node)
            return None
        made = Typed("get", kind, (), Path(path.root, (*path.steps, Step(name, kind))), node.start, node.end)
        return replace(made, cost=1 + 4 * hops)

    def shape(self, entity: str | None) -> EntityShape | None:
        return None if entity is None or self.scope.record is None else self.scope.record.shape(entity)

    def index(self, node: Syntax) -> Typed | None:
        target, key = node.args
        if key.kind == "literal" and isinstance(key.value, str):
            return self.member(
                Syntax("member", key.value, (target,), node.start, node.end, node.depth, node.at)
            )
        message = "a list has no positions here; use exists or all, or x in list"
        self.problem("syntax", message, node)
        return None

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
        return self.made("if", _widest(same), (test, *same), None, node)

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
            return self.made(_OPS[sign], BOOL, checked, None, node)
        left, right = checked
        if sign == "in":
            return self.membership(left, right, node)
        if sign in ("==", "!=", "<", "<=", ">", ">="):
            return self.comparison(_OPS[sign], left, right, node)
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
            right = replace(right, args=tuple(same), type=replace(right.type, element=_widest(same)))
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

    def comparable(self, left: Typed, right: Typed, node: Syntax) -> bool:
        one, two = left.type, right.type
        if one.is_number and two.is_number:
            if one.kind is Kind.money and two.kind is Kind.money:
                if one.currency and two.currency and one.currency != two.currency:
                    self.mismatch(f"{one.currency} and {two.currency} cannot be compared", node)
                    return False
            elif Kind.money in (one.kind, two.kind) and not (left.op == "const" or right.op == "const"):
                self.mismatch(f"{one} and {two} cannot be compared; number(…) makes an amount a number", node)
                return False
            return True
        if one.kind in TEXTS and two.kind in TEXTS:
            if one.options and two.options and not set(one.options) & set(two.options):
                self.mismatch("these two choices have no option in common", node)
                return False
            return True
        if one.kind in KEYS and two.kind in KEYS:
            if one.leads_to != two.leads_to:
                self.mismatch(f"{one} and {two} are never the same", node)
                return False
            return True
        if {one.kind, two.kind} == {Kind.date, Kind.datetime}:
            moment = left if one.kind is Kind.datetime else right
            message = "a date with time and a date do not compare; take its date with date(…)"
            self.mismatch(
                message, node, f"date({self.said(moment)})" if moment.op in ("get", "name") else None
            )
            return False
        if one.kind is not two.kind:
            self.mismatch(f"{one} and {two} cannot be compared", node)
            return False
        return True

    def said(self, node: Syntax | Typed) -> str:
        if isinstance(node, Typed) and isinstance(node.value, Path):
            return ".".join((node.value.root, *node.value.names))
        if isinstance(node, Syntax) and node.kind == "member":
            return f"{self.said(node.args[0])}.{node.value}"
        return str(node.value) if node.value is not None else "this"

    # ------------------------------------------------------------ arithmetic

    def arithmetic(self, sign: str, left: Typed, right: Typed, node: Syntax) -> Typed | None:
        one, two = left.type, right.type
        op = _OPS[sign]
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

    def folded(self, node: Typed) -> Typed | None:
        if not all(arg.op == "const" for arg in node.args):
            return node
        value = constant_value(node)
        if value is None:
            self.problem("constant", "this has no value: it divides by zero", node)
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and node.type.is_number:
            made = number_const(value, node.start, node.end)
            return replace(made, type=with_digits(node.type, made.type.digits, made.type.scale))
        return node

    # ------------------------------------------------------------ functions

    def call(self, node: Syntax) -> Typed | None:
        return self.apply(str(node.value), node.args, node)

    def method(self, node: Syntax) -> Typed | None:
        name = ALIASES.get(str(node.value), str(node.value))
        if name in MACROS and len(node.args) == 3:
            return self.macro(name, node.args[0], node.args[1], node.args[2], node)
        if name == "map" or name == "filter":
            hint = "sum" if name == "map" else "exists"
            self.problem(
                "name_not_allowed",
                f"there is no {name}; line items know {listing(sorted(MACROS))}",
                node,
                hint,
            )
            return None
        return self.apply(name, node.args, node)

    def apply(self, written: str, args: Sequence[Syntax], node: Syntax) -> Typed | None:
        name = ALIASES.get(written, written)
        function = BY_NAME.get(name)
        allowed = self.scope.functions
        if function is None or (allowed is not None and name not in allowed):
            at = replace(node, start=node.at, end=node.at + len(written))
            known = BY_NAME if allowed is None else [one for one in BY_NAME if one in allowed]
            message = (
                f"there is no function {written!r}" if function is None else f"{written} may not be used here"
            )
            self.problem("name_not_allowed", message, at, did_you_mean(written, known))
            return None
        if name in MACROS and len(args) == 3 and args[1].kind == "name" and "rows" in function.params[0]:
            return self.macro(name, args[0], args[1], args[2], node)
        if len(args) < function.needed or (len(args) > len(function.params) and not function.more):
            self.problem("arguments", f"write {function.signature}", node)
            return None
        if name in MACROS and len(args) == 1:
            return self.column(name, args[0], node)
        checked = [self.check(arg) for arg in args]
        given = [arg for arg in checked if arg is not None]
        return self.typed_call(function, given, node) if len(given) == len(checked) else None

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
        if variable.kind != "name" or str(variable.value) in (*_roots(self.scope), *self.variables):
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

    def typed_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        name = function.name
        special = {
            "or_else": self.or_else, "min": self.or_else, "max": self.or_else, "date": self.date_call,
            "datetime": self.date_call, "has_role": self.user_call, "in_team": self.user_call,
            "round": self.round_call, "size": self.size_call, "is_empty": self.empty_call,
        }  # fmt: skip
        if name in special:
            return special[name](function, args, node)
        if name in SPANS:
            count = args[0]
            if count.type.kind is not Kind.integer:
                self.mismatch(f"{name} needs a whole number, but this is {count.type}", count)
                return None
            unit = Typed(
                "const",
                Type(Kind.duration, digits=len(str(SPANS[name]))),
                (),
                SPANS[name],
                node.start,
                node.start,
            )
            return self.sized("mul", DURATION, count, unit, node)
        for arg, wanted in zip(args, function.params, strict=False):
            if not self.takes(wanted, arg):
                return None
        if function.result in ("same", "number"):
            kind = args[0].type
            if function.result == "number" and kind.kind is Kind.money:
                kind = Type(Kind.decimal, scale=kind.scale, digits=kind.digits)
            return self.made("call", kind, args, name, node)
        digits = 4 if name in ("year", "month", "day", "weekday") else 8
        results = {"bool": BOOL, "integer": Type(Kind.integer, digits=digits), "text": TEXT, "date": DATE}
        return self.made("call", results[function.result], args, name, node)

    def takes(self, wanted: str, arg: Typed) -> bool:
        kind = arg.type.kind
        if wanted == "text" and kind not in TEXTS:
            self.mismatch(f"a text is needed, but this is {arg.type}", arg)
        elif wanted == "number" and not arg.type.is_number:
            self.mismatch(f"a number is needed, but this is {arg.type}", arg)
        elif wanted == "day" and kind not in (Kind.date, Kind.datetime):
            self.mismatch(f"a date is needed, but this is {arg.type}", arg)
        else:
            return True
        return False

    def or_else(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        same = self.unify(args)
        if same is None:
            return None
        kind = _widest(same)
        if function.name != "or_else" and kind.kind not in ORDERED:
            self.mismatch(f"{kind} has no order", node)
            return None
        if kind.kind in (Kind.list, Kind.row, Kind.json):
            self.mismatch(f"{function.name} does not take {kind}", node)
            return None
        return self.made("call", kind, same, function.name, node)

    def size_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        if args[0].type.kind not in TEXTS | {Kind.list}:
            self.mismatch(f"a text or a list is needed, but this is {args[0].type}", args[0])
            return None
        return self.made("call", Type(Kind.integer, digits=8), args, function.name, node)

    def empty_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        return self.made("call", BOOL, args, function.name, node)

    def round_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        number = args[0]
        if not self.takes("number", number):
            return None
        digits = args[1].value if len(args) > 1 else 0
        if (
            (len(args) > 1 and args[1].op != "const")
            or not isinstance(digits, int)
            or not 0 <= digits <= MAX_SCALE
        ):
            self.mismatch(f"the number of decimals is a whole number from 0 to {MAX_SCALE}", args[-1])
            return None
        if number.type.scale <= digits:
            return number
        return self.folded(rescaled(replace(number, start=node.start, end=node.end), digits))

    def date_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        value = args[0]
        if len(args) > 1:
            zone = args[1]
            if zone.op != "const" or not isinstance(zone.value, str) or not _is_zone(zone.value):
                self.problem("unknown_zone", "a time zone is a literal such as 'Asia/Shanghai'", zone)
                return None
        wanted = DATE if function.name == "date" else DATETIME
        if value.op == "const" and value.type.kind is Kind.text:
            return self.fitted(value, wanted)
        if function.name == "datetime" or not self.takes("day", value):
            if function.name == "datetime":
                self.mismatch("write datetime('2026-01-31T09:00:00+08:00')", value)
            return None
        if value.type.kind is Kind.date:
            return value
        return self.made("call", DATE, args, "date", node)

    def user_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        if not self.scope.user:
            self.problem("name_not_allowed", "there is no user here", node)
            return None
        member, element = ("roles", TEXT) if function.name == "has_role" else ("teams", TEAM)
        value = self.fitted(args[0], element)
        if value is None:
            return None
        if value.type.kind is not element.kind:
            self.mismatch(f"{function.name} does not take {value.type}", args[0])
            return None
        names = Typed("name", USER_MEMBERS[member], (), f"user.{member}", node.start, node.end)
        return self.made("in", BOOL, (value, names), None, node)

    # ------------------------------------------------------------ types

    def made(self, op: str, kind: Type, args: Sequence[Typed], value: object, node: Syntax) -> Typed:
        cost = 1 + sum(arg.cost for arg in args)
        return Typed(op, kind, tuple(args), value, node.start, node.end, cost)

    def fitted(self, node: Typed, wanted: Type) -> Typed | None:
        """Read a literal as what it is compared with: a text as an option or a date, a number as money."""
        if node.op == "list" and wanted.kind is Kind.list and wanted.element is not None:
            items = [self.fitted(item, wanted.element) for item in node.args]
            if any(item is None for item in items):
                return None
            return replace(node, args=tuple(item for item in items if item is not None), type=wanted)
        if node.op != "const":
            return node
        if node.type.is_number and wanted.kind is Kind.money:
            return replace(node, type=replace(node.type, kind=Kind.money, currency=wanted.currency))
        if node.type.kind is not Kind.text:
            return node
        text = str(node.value)
        if wanted.kind is Kind.choice:
            if wanted.options and text not in wanted.options:
                hint = did_you_mean(text, wanted.options)
                known = "" if hint else f"; known are {listing(wanted.options)}"
                self.problem("unknown_option", f"there is no option {text!r}{known}", node, hint)
                return None
            return replace(node, type=wanted)
        if wanted.kind in KEYS:
            return replace(node, type=wanted)
        try:
            if wanted.kind is Kind.date:
                return replace(node, type=DATE, value=_read_date(text))
            if wanted.kind is Kind.datetime:
                return replace(node, type=DATETIME, value=_read_moment(text))
            if wanted.kind is Kind.time:
                return replace(node, type=TIME, value=_read_time(text))
        except ValueError as error:
            self.problem("bad_literal", str(error), node)
            return None
        return node

    def unify(self, nodes: Sequence[Typed]) -> list[Typed] | None:
        """Bring values that stand for each other to one type; null takes any."""
        filled = [node for node in nodes if node.type.kind is not Kind.null]
        if not filled:
            return list(nodes)
        target = next((node.type for node in filled if node.op != "const"), filled[0].type)
        done: list[Typed] = []
        for node in nodes:
            if node.type.kind is Kind.null:
                done.append(replace(node, type=target))
                continue
            fit = self.fitted(node, target)
            if fit is None:
                return None
            done.append(fit)
        first = next(node for node in done if node.value is not None or node.op != "const")
        for node in done:
            if node is not first and node.type != first.type and not self.same_kind(first, node):
                return None
        return done

    def same_kind(self, first: Typed, node: Typed) -> bool:
        one, two = first.type, node.type
        if one.is_number and two.is_number:
            monies = [kind for kind in (one, two) if kind.kind is Kind.money]
            if len(monies) == 1 and not (first.op == "const" or node.op == "const"):
                self.mismatch(f"{one} and {two} cannot stand for each other", node)
                return False
            if len(monies) == 2 and one.currency and two.currency and one.currency != two.currency:
                self.mismatch(f"{one.currency} and {two.currency} cannot stand for each other", node)
                return False
            return True
        if one.kind in TEXTS and two.kind in TEXTS:
            return True
        if one.kind in KEYS and two.kind in KEYS and one.leads_to == two.leads_to:
            return True
        if one.kind is two.kind and one.kind not in (Kind.list, Kind.reference):
            return True
        self.mismatch(f"{one} and {two} cannot stand for each other", node)
        return False

    def fit(self, node: Typed, expect: Type) -> Typed | None:
        """Bring the whole to the type its place wants."""
        fit = self.fitted(node, expect)
        if fit is None:
            return None
        got, whole = fit.type, Syntax("literal", None, (), node.start, node.end)
        if got.kind is Kind.null:
            return replace(fit, type=expect)
        if expect.is_number and got.is_number:
            if expect.kind is Kind.money and got.kind is Kind.money:
                if expect.currency and got.currency and expect.currency != got.currency:
                    self.mismatch(f"this gives {got}, but {expect} is needed", whole)
                    return None
            elif got.kind is Kind.money:
                self.mismatch(
                    f"this gives {got}, but {expect} is needed; number(…) makes an amount a number", whole
                )
                return None
            if expect.kind is Kind.integer and got.scale > 0:
                self.mismatch(
                    "this may give decimals, but a whole number is needed; round(…) it", whole, "round(…, 0)"
                )
                return None
            if fit.op == "const" and got.scale <= expect.scale:
                return replace(fit, type=replace(expect, scale=got.scale, digits=got.digits))
            made = (
                fit if got.scale == expect.scale and got.kind is expect.kind else rescaled(fit, expect.scale)
            )
            return replace(made, type=replace(expect, digits=made.type.digits))
        kinds_match = got.kind is expect.kind
        if expect.kind is Kind.text and got.kind is Kind.choice:
            kinds_match = True
        if expect.kind is Kind.choice and got.kind is Kind.text and fit.op in ("if", "call"):
            kinds_match = not expect.options
        if expect.kind in KEYS and got.kind in KEYS:
            kinds_match = expect.leads_to == got.leads_to
        if not kinds_match:
            word = "a condition" if expect.kind is Kind.bool else str(expect)
            self.mismatch(f"{word} is needed here, but this is {got}", whole)
            return None
        return fit


def number_const(value: int | Decimal, start: int = 0, end: int = 0) -> Typed:
    """Return a literal number with the smallest type that holds it."""
    if isinstance(value, int):
        return Typed("const", Type(Kind.integer, digits=len(str(abs(value)))), (), value, start, end)
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    scale = max(-exponent, 0) if isinstance(exponent, int) else 0
    digits = max(len(str(abs(int(plain)))) + scale, 1)
    return Typed("const", Type(Kind.decimal, scale=scale, digits=digits), (), value, start, end)


def rescaled(node: Typed, scale: int) -> Typed:
    """Return `node` rounded half-even to `scale` decimals, or widened to it."""
    change = scale - node.type.scale
    digits = max(node.type.digits + change, 1) + (1 if change < 0 else 0)
    kind = with_digits(node.type, digits, scale)
    if kind.kind is Kind.integer and scale:
        kind = replace(kind, kind=Kind.decimal)
    return Typed("rescale", kind, (node,), scale, node.start, node.end, node.cost + 1)


def _widest(nodes: Sequence[Typed]) -> Type:
    """Return a type that holds every one of values that are already unified."""
    types = [node.type for node in nodes]
    first = next((node.type for node in nodes if node.op != "const"), types[0])
    if first.is_number or first.kind is Kind.duration:
        scale = max(kind.scale for kind in types)
        whole = max(kind.whole_digits for kind in types)
        money = next((kind for kind in types if kind.kind is Kind.money), None)
        some = next((kind for kind in types if kind.kind is Kind.decimal), None)
        return with_digits(money or some or first, whole + scale, scale)
    if any(kind.kind is Kind.text for kind in types):
        return TEXT
    return first


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _read_date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f"{text!r} is not a date; write '2026-01-31'")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None


def _read_moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is not a date with time and zone; write '2026-01-31T09:00:00+08:00'")
    return moment.astimezone(UTC)


def _read_time(text: str) -> time:
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        raise ValueError(f"{text!r} is not a time of day; write '09:30'")
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no time {text}") from None
