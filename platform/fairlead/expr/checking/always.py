"""Findings that do not stop an expression but are surely not meant: an answer that is always the same (EX-5).

Nothing is tried out: which of yes, no and unknown a condition can give follows from its parts. Where that cannot be
told, nothing is said.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import product

from fairlead.base.problems import Level
from fairlead.expr.evaluate import constant_value
from fairlead.expr.functions import BY_NAME
from fairlead.expr.nodes import Typed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import Kind

Answers = frozenset[bool | None]
Number = int | Decimal
Key = tuple[object, ...]

_ANY: Answers = frozenset({True, False, None})
_YES: Answers = frozenset({True})
_NO: Answers = frozenset({False})
_NOT_YES: Answers = frozenset({False, None})
_NOT_NO: Answers = frozenset({True, None})
_NEVER_EMPTY = frozenset({"user", "now", "today"})
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_OPPOSITE = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_RANGES: dict[str, tuple[int, int | None]] = {
    "size": (0, None),
    "month": (1, 12),
    "day": (1, 31),
    "weekday": (1, 7),
    "hour": (0, 23),
    "minute": (0, 59),
    "year": (1, 9999),
}
_SAID = {_YES: "always true", _NO: "never true", _NOT_YES: "never true", _NOT_NO: "true whatever the value",
         frozenset({None}): "always unknown"}  # fmt: skip


def warnings(node: Typed) -> list[ExprProblem]:
    """Return one finding for each outermost condition in `node` whose answer never changes."""
    return list(_warnings(node, {}))


def _warnings(node: Typed, known: dict[int, Answers]) -> Iterator[ExprProblem]:
    if node.type.kind is Kind.bool and node.op != "const" and not _is_filter(node):
        word = _SAID.get(answers(node, known))
        if word is not None:
            place = _reason(node, known)
            yield ExprProblem("constant", f"this is {word}", place.start, place.end, level=Level.warning)
            return
    for arg in node.args:
        if arg.args:
            yield from _warnings(arg, known)


def _is_filter(node: Typed) -> bool:
    """Whether it is `condition ? value : null`, by which a macro leaves lines out."""
    return node.op == "if" and node.args[2].op == "const" and node.args[2].value is None


def answers(node: Typed, known: dict[int, Answers] | None = None) -> Answers:
    """Return which answers a condition can give; more than it does give, where that cannot be told.

    Args:
        known: The answers of constructs of the same tree that were asked for already, by identity.
    """
    known = {} if known is None else known
    found = known.get(id(node))
    if found is None:
        found = known[id(node)] = _answers(node, known)
    return found


def _answers(node: Typed, known: dict[int, Answers]) -> Answers:
    args = node.args
    match node.op:
        case "const":
            return frozenset({node.value if isinstance(node.value, bool) else None})
        case "not":
            return frozenset(None if one is None else not one for one in answers(args[0], known))
        case "and":
            found = _joined([answers(arg, known) for arg in args], decides=False)
            return found & _NOT_YES if _contradict(args) else found
        case "or":
            found = _joined([answers(arg, known) for arg in args], decides=True)
            return found & _NOT_NO if _contradict([_negated(arg) for arg in args]) else found
        case "if":
            return _chosen([answers(arg, known) for arg in args])
        case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
            return _compared(node)
        case "in":
            return _among(node)
        case "call" if node.value == "is_empty" and args[0].op == "name" and args[0].value in _NEVER_EMPTY:
            return _NO
    if not _asks(node):
        value = constant_value(node)
        return frozenset({value if isinstance(value, bool) else None})
    return _ANY


def _reason(node: Typed, known: dict[int, Answers]) -> Typed:
    """Return the one part that makes the whole what it is, or the whole."""
    if node.op in ("and", "or"):
        decides = frozenset({node.op == "or"})
        for arg in node.args:
            if arg.op != "const" and answers(arg, known) == decides:
                return _reason(arg, known)
    return node


def _joined(parts: Sequence[Answers], *, decides: bool) -> Answers:
    found = set()
    for one in product(*dict.fromkeys(parts)):
        found.add(decides if decides in one else None if None in one else not decides)
    return frozenset(found)


def _chosen(parts: Sequence[Answers]) -> Answers:
    test, then, other = parts
    found: set[bool | None] = set()
    if True in test:
        found |= then
    if False in test:
        found |= other
    if None in test:
        found.add(None)
    return frozenset(found)


def _compared(node: Typed) -> Answers:
    left, right = node.args
    if not _asks(node):
        value = constant_value(node)
        return frozenset({value if isinstance(value, bool) else None})
    if left.op == right.op and _key(left) == _key(right):
        same = node.op in ("eq", "le", "ge")
        sure = node.op in ("eq", "ne")
        return (_YES if same else _NO) if sure else (_NOT_NO if same else _NOT_YES)
    return _by_range(node)


def _by_range(node: Typed) -> Answers:
    one, two = (_range(arg) for arg in node.args)
    if one is None or two is None:
        return _ANY
    (low, high), (least, most) = one, two
    below = high is not None and least is not None and high < least
    above = low is not None and most is not None and low > most
    at_most = high is not None and least is not None and high <= least
    at_least = low is not None and most is not None and low >= most
    op = node.op
    if op in ("eq", "ne") and (below or above):
        return _NO if op == "eq" else _YES
    yes = {"lt": below, "le": at_most, "gt": above, "ge": at_least}
    no = {"lt": at_least, "le": above, "gt": at_most, "ge": below}
    return _NOT_NO if yes.get(op) else _NOT_YES if no.get(op) else _ANY


def _range(node: Typed) -> tuple[Number | None, Number | None] | None:
    if node.op == "const" and isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
        return node.value, node.value
    if node.op == "count":
        return 0, None
    if node.op == "call" and node.value == "abs":
        return 0, None
    return _RANGES.get(str(node.value)) if node.op == "call" else None


def _among(node: Typed) -> Answers:
    needle, hay = node.args
    options = needle.type.options
    if hay.op != "list" or not options or not all(item.op == "const" for item in hay.args):
        return _ANY
    return _NOT_NO if set(options) <= {item.value for item in hay.args} else _ANY


# ---------------------------------------------------------------- what cannot hold together


def _contradict(parts: Iterable[Typed]) -> bool:
    """Whether no value can make all of `parts` true: `x == 'a' && x == 'b'`, `x > 5 && x < 3`."""
    allowed: dict[Key, set[object]] = {}
    refused: dict[Key, set[object]] = {}
    lows: dict[Key, tuple[object, bool]] = {}
    highs: dict[Key, tuple[object, bool]] = {}
    for part in parts:
        found = _limit(part)
        if found is None:
            continue
        key, op, values = found
        if op in ("eq", "in"):
            allowed[key] = allowed[key] & set(values) if key in allowed else set(values)
        elif op == "ne":
            refused.setdefault(key, set()).update(values)
        else:
            bounds, is_low = (lows, True) if op in ("gt", "ge") else (highs, False)
            _tighten(bounds, key, values[0], open_=op in ("gt", "lt"), low=is_low)
    for key, some in allowed.items():
        fits = [
            one
            for one in some
            if one not in refused.get(key, ()) and _inside(one, lows.get(key), highs.get(key))
        ]
        if not fits:
            return True
    return any(key in highs and not _between(lows[key], highs[key]) for key in lows)


def _limit(node: Typed) -> tuple[Key, str, list[object]] | None:
    """Return what a comparison with constants says of its other side: key, operator, values."""
    if node.op == "in":
        needle, hay = node.args
        if hay.op == "list" and all(item.op == "const" for item in hay.args) and _asks(needle):
            return _key(needle), "in", [item.value for item in hay.args]
        return None
    if node.op == "not" and node.args[0].op in _OPPOSITE:
        inner = node.args[0]
        return _limit(replace(inner, op=_OPPOSITE[inner.op]))
    if node.op not in _MIRRORED:
        return None
    left, right, op = *node.args, node.op
    if left.op == "const":
        left, right, op = right, left, _MIRRORED[op]
    if right.op != "const" or not _asks(left) or (right.value is None and op not in ("eq", "ne")):
        return None
    return _key(left), op, [right.value]


def _negated(node: Typed) -> Typed:
    if node.op in _OPPOSITE:
        return replace(node, op=_OPPOSITE[node.op])
    return node.args[0] if node.op == "not" else Typed("not", node.type, (node,))


def _tighten(
    bounds: dict[Key, tuple[object, bool]], key: Key, value: object, *, open_: bool, low: bool
) -> None:
    known = bounds.get(key)
    if known is None or _order(value, known[0]) == (1 if low else -1):
        bounds[key] = (value, open_)
    elif _order(value, known[0]) == 0:
        bounds[key] = (value, open_ or known[1])


def _inside(value: object, low: tuple[object, bool] | None, high: tuple[object, bool] | None) -> bool:
    if value is None:
        return low is None and high is None
    fits = True
    if low is not None:
        order = _order(value, low[0])
        fits = order > 0 or (order == 0 and not low[1])
    if high is not None and fits:
        order = _order(value, high[0])
        fits = order < 0 or (order == 0 and not high[1])
    return fits


def _between(low: tuple[object, bool], high: tuple[object, bool]) -> bool:
    order = _order(low[0], high[0])
    return order < 0 or (order == 0 and not low[1] and not high[1])


def _order(one: object, two: object) -> int:
    if one == two:
        return 0
    return 1 if one > two else -1  # type: ignore[operator]


def _key(node: Typed) -> Key:
    """Return what a construct says, without where it stands."""
    # The type of a constant's value counts, lest True be 1.
    value = (type(node.value).__name__, node.value) if node.op == "const" else node.value
    return (node.op, value, *[_key(arg) for arg in node.args])


def _asks(node: Typed) -> bool:
    """Whether the value depends on the record, the person, the day, the zone or the calendar."""
    if node.op in ("get", "name") or (
        node.op == "call" and BY_NAME[str(node.value)].params[0] in ("day", "clock")
    ):
        return True
    return any(_asks(arg) for arg in node.args)
