"""The checked tree as JSON for the page, which interprets it without a parser of its own.

One node is `{"o": op, "k": kind, "s": scale, "a": [args], "v": value}`; keys without content are left out.
A constant number travels as the text of its scaled integer, a day or moment in its stored form.
"""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.expr.nodes import Path, Typed, Value
from fairlead.expr.types import Kind, Type

Json = dict[str, object]


def tree_json(node: Typed) -> Json:
    """Return the tree of `node`."""
    made: Json = {"o": node.op, "k": node.type.kind.value}
    if node.type.scale:
        made["s"] = node.type.scale
    if node.op == "get":
        assert isinstance(node.value, Path)
        made["r"] = node.value.root
        made["p"] = list(node.value.names)
        hops = [step.type.leads_to for step in node.value.steps[:-1]]
        if hops:
            made["e"] = hops
        if node.type.element is not None and node.type.element.is_number:
            made["es"] = node.type.element.scale
    elif node.op == "const":
        made["v"] = constant_json(node.value, node.type)
    elif node.value is not None:
        made["v"] = node.value
    if node.args:
        made["a"] = [tree_json(arg) for arg in node.args]
    return made


def constant_json(value: Value, kind: Type) -> object:
    """Return a literal as the page reads it: numbers as the text of their scaled integer."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return str(int(value.scaleb(kind.scale)))
    if isinstance(value, int):
        return str(value * 10**kind.scale)
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise TypeError(f"no literal can be {value!r}")


def calendar_json(calendar: WorkCalendar, years: Sequence[int] = ()) -> Json:
    """Return the working days the page needs: the usual weekdays, and the dates that differ (all, or of `years`)."""
    odd = [
        [day.isoformat(), change] for day, change in calendar.exceptions() if not years or day.year in years
    ]
    return {"weekdays": list(calendar.weekdays), "exceptions": odd}


def plain_json(value: object, kind: Type) -> object:
    """Return a value of a record as JSON: decimals as text, days and moments in their stored form."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if kind.kind is Kind.duration:
        return str(value // _MICRO)  # type: ignore[operator]
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list | tuple) and kind.element is not None:
        return [plain_json(item, kind.element) for item in value]
    return value


_MICRO = datetime.resolution
