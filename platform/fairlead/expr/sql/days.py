"""Days and moments, which lie in the database as text."""

from typing import cast

from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    bindparam,
    func,
    literal,
)
from sqlalchemy import cast as sql_cast

from fairlead.expr.nodes import Typed
from fairlead.expr.sql import postgres
from fairlead.expr.sql.context import Clause
from fairlead.expr.sql.lines import Lines
from fairlead.expr.types import Kind

_UNITS = {
    "start_of_week": "week",
    "start_of_month": "month",
    "start_of_quarter": "quarter",
    "start_of_year": "year",
}


class Days(Lines):
    """Days, moments, and what is counted between them."""

    def moved(self, node: Typed) -> Clause:
        one, two = self.value(node.args[0]), self.value(node.args[1])
        if not self.pg:
            numeric = node.op.endswith("_diff")
            made = getattr(func, f"fl_{node.op}")
            return cast(Clause, made(one, two, type_=BigInteger() if numeric else Text()))
        if node.op == "date_diff":
            return self.product(postgres.days(two, one), self.integer(86_400_000_000), wide=False)
        return postgres.MOVES[node.op](one, two)

    def shifted(self, op: str, start: Clause, span: Clause) -> Clause:
        if self.pg:
            return postgres.MOVES[op](start, span)
        return cast(Clause, getattr(func, f"fl_{op}")(start, span, type_=Text()))

    def day(self, node: Typed, zone: Clause | None = None) -> Clause:
        value = self.value(node)
        if node.type.kind is not Kind.datetime:
            return value
        where = bindparam("p_zone", type_=Text()) if zone is None else zone
        if self.pg:
            return postgres.local_date(value, where)
        return cast(Clause, func.fl_local_date(value, where, type_=Text()))

    def day_function(self, name: str, day: Clause) -> Clause:
        if name.startswith(("days_", "business_days_")):
            pair = (day, self.today()) if name.endswith("_since") else (self.today(), day)
            if name.startswith("days_"):
                return (
                    postgres.days(*pair) if self.pg else cast(Clause, func.fl_days(*pair, type_=BigInteger()))
                )
            calendar = bindparam("p_calendar", type_=Text())
            if self.pg:
                return postgres.business_days(*pair, calendar)
            return cast(Clause, func.fl_business_days(*pair, calendar, type_=BigInteger()))
        if name in _UNITS or name == "end_of_month":
            unit = _UNITS.get(name, "end")
            if self.pg:
                return postgres.STARTS_OF[unit](day)
            return cast(Clause, func.fl_start_of(literal(unit, Text), day, type_=Text()))
        if name == "weekday":
            return (
                postgres.weekday(day) if self.pg else cast(Clause, func.fl_weekday(day, type_=BigInteger()))
            )
        start, length = {"year": (1, 4), "month": (6, 2), "day": (9, 2)}[name]
        part = func.substr(day, literal(start, Integer), literal(length, Integer))
        return cast(Clause, sql_cast(part, BigInteger))
