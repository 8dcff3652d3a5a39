"""Comparisons, exact or loose.

*Loose* conditions stand where unknown and false are the same, as in WHERE; there `field = value` and EXISTS are
enough, which an index can serve.
"""

from collections.abc import Callable, Sequence
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Text,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    type_coerce,
)

from fairlead.expr.functions import MACROS
from fairlead.expr.nodes import Typed, walk
from fairlead.expr.sql import postgres
from fairlead.expr.sql.base import DAY_US, scaled_literal
from fairlead.expr.sql.context import Clause, Condition
from fairlead.expr.sql.functions import Functions
from fairlead.expr.types import STORED_DIGITS, TEXTS, Kind

COMPARE: dict[str, Callable[[Clause, Clause], Condition]] = {
    "lt": lambda one, two: one < two,
    "le": lambda one, two: one <= two,
    "gt": lambda one, two: one > two,
    "ge": lambda one, two: one >= two,
}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_NEVER_EMPTY = frozenset({"user", "now", "today"})


def _is_filled(node: Typed) -> bool:
    if node.op == "const":
        return node.value is not None
    return node.op == "name" and node.value in _NEVER_EMPTY


def _is_fixed(node: Typed) -> bool:
    """Whether the value is the same for every record of one statement."""
    return not any(one.op == "get" or one.op in MACROS for one in walk(node))


class Conditions(Functions):
    """Comparisons, membership, and the ranges that follow from them."""

    def implied_range(self, node: Typed) -> Condition | None:
        """Return a range of the bare column that follows from a comparison of its age or its date.

        `days_since(x) >= 7` tells nothing to an index; that x lies before a day known in advance does. The
        comparison itself stays beside it, so the range may be generous.
        """
        left, right, op = *node.args, node.op
        if _is_fixed(left) and not _is_fixed(right):
            left, right, op = right, left, _MIRRORED[op]
        if not _is_fixed(right):
            return None
        later = op in ("gt", "ge")
        if left.op == "moment_diff" and _is_fixed(left.args[0]) and left.args[1].op == "get":
            start, moment = left.args
            limit = self.shifted("moment_sub", self.value(start), self.value(right))
            return self.side_of(self.value(moment), limit, later=not later)
        if left.op != "call" or not left.args or left.args[0].op != "get":
            return None
        name, column = str(left.value), left.args[0]
        if name == "date":
            day = self.value(right)
        elif name in ("days_since", "days_until") or (name == "business_days_since" and later):
            if right.op != "const" or not isinstance(right.value, int) or not 0 <= right.value < 100_000:
                return None
            back = name.endswith("_since")
            span = self.integer(right.value * DAY_US)
            day = self.shifted("date_sub" if back else "date_add", self.today(), span)
            later = not later if back else later
        else:
            return None
        # The date somewhere on earth is never more than a day away from the date in UTC.
        slack = 0 if column.type.kind is Kind.date else 1 if later else 2
        limit = day
        if slack:
            limit = self.shifted("date_sub" if later else "date_add", day, self.integer(slack * DAY_US))
        return self.side_of(self.value(column), limit, later=later)

    def side_of(self, column: Clause, limit: Clause, *, later: bool) -> Condition:
        # Beyond the year 9999 there is no limit; every text lies between "" and "~".
        ends = literal("" if later else "~", Text)
        bound: Clause = func.coalesce(limit, ends, type_=Text())
        return column >= bound if later else column <= bound

    def equal(self, node: Typed, *, loose: bool) -> Condition:
        left, right = node.args
        for one, other in ((left, right), (right, left)):
            if one.op == "const" and one.value is None:
                return self.value(other).is_(None)
        if left.type.is_number or left.type.kind is Kind.duration:
            pair = self.aligned("eq", left, right)
            if isinstance(pair, bool):
                return cast(Condition, true() if pair else false())
            first, second, wide = pair
            if wide and not self.pg:
                return type_coerce(func.fl_eq(first, second), Boolean) == literal(True, Boolean)
        else:
            first, second = self.value(left), self.value(right)
        if loose and (_is_filled(left) or _is_filled(right)):
            return first == second
        return first.is_not_distinct_from(second)

    def ordered(self, node: Typed) -> Condition:
        left, right = node.args
        compare = COMPARE[node.op]
        if left.type.is_number or left.type.kind is Kind.duration:
            pair = self.aligned(node.op, left, right)
            assert not isinstance(pair, bool)
            first, second, wide = pair
            if wide and not self.pg:
                return compare(type_coerce(func.fl_cmp(first, second), BigInteger), literal(0, BigInteger))
            return compare(first, second)
        first, second = self.value(left), self.value(right)
        if left.type.kind in TEXTS and self.pg:
            first = postgres.collated(first)
        return compare(first, second)

    def aligned(self, op: str, left: Typed, right: Typed) -> tuple[Clause, Clause, bool] | bool:
        """Bring two numbers to one scale; a literal goes to the other side's, so that a column stays bare.

        Returns:
            Both sides and whether they are wide; or the answer itself, where a literal has decimals that the
            other side cannot have.
        """
        if right.op == "const" and right.value is not None and left.op != "const":
            scaled, exact = scaled_literal(right.value, left.type.scale, up=op in ("lt", "ge"))
            if op == "eq" and not exact:
                return False
            return (
                self.value(left),
                self.integer(scaled),
                left.type.is_wide or abs(scaled) >= 10**STORED_DIGITS,
            )
        if left.op == "const" and left.value is not None and right.op != "const":
            scaled, exact = scaled_literal(left.value, right.type.scale, up=op in ("gt", "le"))
            if op == "eq" and not exact:
                return False
            return (
                self.integer(scaled),
                self.value(right),
                right.type.is_wide or abs(scaled) >= 10**STORED_DIGITS,
            )
        scale = max(left.type.scale, right.type.scale)
        wide = any(side.type.whole_digits + scale > STORED_DIGITS for side in (left, right))
        return self.number(left, scale), self.number(right, scale), wide

    def within(self, node: Typed, *, loose: bool) -> Condition:
        needle, hay = node.args
        if hay.op == "list":
            return self.among(needle, hay.args)
        value = self.value(needle)
        items = self.value(hay)
        if self.pg:
            found: Clause = (
                postgres.any_of(value, items) if hay.op == "name" else postgres.holds(value, items)
            )
        else:
            entries = func.json_each(items).table_valued("value")
            found = cast(Clause, value.in_(select(entries.c.value)))
        if loose or _is_filled(needle):
            return cast(Condition, found)
        # The value appears twice here, but a path or a field is all that ever stands before `in`.
        return cast(Condition, case((value.is_not(None), found)))

    def among(self, needle: Typed, items: Sequence[Typed]) -> Condition:
        value = self.value(needle)
        constants = all(item.op == "const" for item in items)
        if constants and not (needle.type.is_number and needle.type.is_wide):
            if not needle.type.is_number:
                return value.in_([self.value(item) for item in items])
            exact = [
                scaled for scaled, same in (scaled_literal(i.value, needle.type.scale) for i in items) if same
            ]
            if exact:
                return value.in_([self.integer(scaled) for scaled in exact])
            return cast(Condition, case((value.is_not(None), false())))
        parts = []
        for item in items:
            if needle.type.is_number:
                scale = max(needle.type.scale, item.type.scale)
                first, second = self.number(needle, scale), self.number(item, scale)
                if not self.pg:
                    zero = literal(0, BigInteger)
                    parts.append(type_coerce(func.fl_cmp(first, second), BigInteger) == zero)
                else:
                    parts.append(first == second)
            else:
                parts.append(value == self.value(item))
        return or_(*parts)
