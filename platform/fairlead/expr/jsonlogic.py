"""A condition as JsonLogic for other systems, where that can say the same (EX-12).

JsonLogic has no *unknown*: there `null < 100` is true, as in JavaScript. So what is exported is the question whether
the condition is surely true, with every empty field asked for first; `not` becomes the question whether it is surely
false. Numbers there are binary fractions, so exact decimals are compared but never reckoned with.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from fairlead.base.clock import iso_utc
from fairlead.expr.nodes import Path, Typed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import KEYS, TEXTS, Kind

Logic = object
_ORDER = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_OPPOSITE = {"lt": ">=", "le": ">", "gt": "<=", "ge": "<"}
_ARITHMETIC = {"add": "+", "sub": "-", "mul": "*"}
_EXACT_DIGITS = 15


class _Cannot(Exception):
    def __init__(self, reason: str, node: Typed) -> None:
        super().__init__(reason)
        self.problem = ExprProblem("not_in_jsonlogic", reason, node.start, node.end)


def jsonlogic(node: Typed) -> Logic | ExprProblem:
    """Return a condition as JsonLogic that is true when the condition is, or why there is none that says the same.

    Fields are read as `{"var": "parent.level"}` from a record whose references hold records; days and moments are
    texts in their stored form, numbers are numbers, and `today`, `now` and `user.id` stand beside the fields.
    """
    try:
        return _surely(node, True) if node.type.kind is Kind.bool else _value(node)
    except _Cannot as cannot:
        return cannot.problem


def _surely(node: Typed, answer: bool) -> Logic:
    """Return JsonLogic that is true when `node` is surely `answer`."""
    args = node.args
    match node.op:
        case "const":
            return node.value is answer
        case "not":
            return _surely(args[0], not answer)
        case "and" | "or":
            every = (node.op == "and") is answer
            return {"and" if every else "or": [_surely(arg, answer) for arg in args]}
        case "if":
            yes, no = _surely(args[0], True), _surely(args[0], False)
            return {"if": [yes, _surely(args[1], answer), no, _surely(args[2], answer), False]}
        case "eq" | "ne":
            return _equal(node, (node.op == "eq") is answer)
        case "lt" | "le" | "gt" | "ge":
            signs = _ORDER if answer else _OPPOSITE
            return _filled(args, {signs[node.op]: [_value(arg) for arg in args]})
        case "in":
            return _member(node, answer)
        case "exists" | "all":
            return _over(node, answer)
        case "call":
            return _called(node, answer)
        case _:
            # A yes/no field: `=== true`, so that an empty one is neither.
            return {"===": [_value(node), answer]}


def _equal(node: Typed, same: bool) -> Logic:
    sign = "===" if same else "!=="
    left, right = node.args
    if not all(_may_be_empty(arg) for arg in node.args):
        raise _Cannot("JsonLogic has no empty result, which == would compare", node)
    return {sign: [_value(left), _value(right)]}


def _member(node: Typed, answer: bool) -> Logic:
    needle, hay = node.args
    if hay.op == "list" and any(item.op != "const" for item in hay.args):
        raise _Cannot("a list of fields may have empty entries, which JsonLogic would compare", node)
    held: Logic = {"in": [_value(needle), _list(hay)]}
    return _filled((needle,), held if answer else {"!": [held]})


def _list(hay: Typed) -> Logic:
    return [_value(item) for item in hay.args] if hay.op == "list" else {"or": [_value(hay), []]}


def _over(node: Typed, answer: bool) -> Logic:
    source, body = node.args
    outside = [one for one in _reads(body) if one.root != str(node.value)]
    if outside:
        raise _Cannot("inside a list JsonLogic sees the line alone, not the record", body)
    inner = _surely(body, answer)
    # exists is surely false when every line is surely not so; all is surely false when one is.
    every = (node.op == "all") is answer
    if not every:
        return {"some": [_value(source), inner]}
    # Over nothing, `all` of JsonLogic is false.
    return {"or": [{"!": [_value(source)]}, {"all": [_value(source), inner]}]}


def _called(node: Typed, answer: bool) -> Logic:
    name, args = str(node.value), node.args
    if name == "is_empty":
        (arg,) = args
        if arg.type.kind is Kind.list:
            empty: Logic = {"!": [_value(arg)]}
        elif arg.type.kind in TEXTS | KEYS:
            empty = {"or": [{"===": [_value(arg), None]}, {"===": [_value(arg), ""]}]}
        else:
            empty = {"===": [_value(arg), None]}
        return empty if answer else {"!": [empty]}
    if name == "contains":
        held: Logic = {"in": [_value(args[1]), _value(args[0])]}
        return _filled(args, held if answer else {"!": [held]})
    if name == "or_else" and node.type.kind is Kind.bool:
        first, other = args
        unknown: Logic = {"and": [{"!": [_surely(first, True)]}, {"!": [_surely(first, False)]}]}
        return {"or": [_surely(first, answer), {"and": [unknown, _surely(other, answer)]}]}
    raise _Cannot(f"JsonLogic has no {name}", node)


def _filled(args: Sequence[Typed], then: Logic) -> Logic:
    """Return `then`, asked only when no value that it needs is empty."""
    needed: list[Logic] = []
    for arg in args:
        for path in _needed(arg):
            test: Logic = {"!==": [path, None]}
            if test not in needed:
                needed.append(test)
    return {"and": [*needed, then]} if needed else then


def _needed(node: Typed) -> list[Logic]:
    if node.op == "get":
        return [_value(node)]
    if node.op == "name":
        return [] if node.value in ("user", "now", "today") else [_value(node)]
    if node.op == "call" and node.value == "or_else":
        return [_value(node)]
    return [path for arg in node.args for path in _needed(arg)]


def _value(node: Typed) -> Logic:
    match node.op:
        case "const":
            return _constant(node)
        case "get":
            assert isinstance(node.value, Path)
            if node.value.root == "old":
                raise _Cannot("JsonLogic knows one record, not the one before the change", node)
            return {"var": ".".join(node.value.names)}
        case "name":
            return {"var": "user.id" if node.value == "user" else str(node.value).removeprefix("extra.")}
        case "add" | "sub" | "mul" if node.type.kind is Kind.integer and node.type.digits <= _EXACT_DIGITS:
            return {_ARITHMETIC[node.op]: [_value(arg) for arg in node.args]}
        case "concat":
            return {"cat": [_value(arg) for arg in node.args]}
        case "call" if node.value == "or_else":
            first, other = node.args
            return {"if": [{"!==": [_value(first), None]}, _value(first), _value(other)]}
        case "call" if node.value == "number":
            return _value(node.args[0])
        case "add" | "sub" | "mul" | "div" | "mod" | "neg" | "rescale" | "sum" | "avg":
            raise _Cannot("the numbers of JsonLogic are not exact, so nothing is reckoned with them", node)
    word = node.value if node.op == "call" else node.op
    raise _Cannot(f"JsonLogic has no {word}", node)


def _constant(node: Typed) -> Logic:
    value = node.value
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if node.type.kind is Kind.duration:
        raise _Cannot("JsonLogic has no durations", node)
    if isinstance(value, int | Decimal) and node.type.digits <= _EXACT_DIGITS:
        return int(value) if value == int(value) else float(value)
    raise _Cannot("this number has more digits than JsonLogic keeps", node)


def _may_be_empty(node: Typed) -> bool:
    """Whether an empty field makes the value null there, as it does here."""
    if node.op == "call" and node.value in ("or_else", "number"):
        return all(_may_be_empty(arg) for arg in node.args)
    return node.op in ("const", "get", "name")


def _reads(node: Typed) -> list[Path]:
    found = [node.value] if node.op == "get" and isinstance(node.value, Path) else []
    if node.op == "name":
        found = [Path(str(node.value), ())]
    return [*found, *[path for arg in node.args for path in _reads(arg)]]
