"""Days and moments, which lie in the database as text."""

from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Text,
    bindparam,
    func,
    literal,
    type_coerce,
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

    def clock(self, node: Typed, zone: Clause | None = None) -> Clause:
        value = self.value(node)
        if node.type.kind is not Kind.datetime:
            return value
        where = bindparam("p_zone", type_=Text()) if zone is None else zone
        if self.pg:
            return postgres.local_time(value, where)
        return cast(Clause, func.fl_local_time(value, where, type_=Text()))

    def clock_function(self, name: str, clock: Clause) -> Clause:
        return clock if name == "time" else self.part(clock, {"hour": 1, "minute": 4}[name], 2)

    def part(self, text: Clause, start: int, length: int) -> Clause:
        part = func.substr(text, literal(start, Integer), literal(length, Integer))
        return cast(Clause, sql_cast(part, BigInteger))

    def counted_days(self, first: Clause, last: Clause, *, business: bool) -> Clause:
        if not business:
            if self.pg:
                return postgres.days(first, last)
            return cast(Clause, func.fl_days(first, last, type_=BigInteger()))
        calendar = bindparam("p_calendar", type_=Text())
        if self.pg:
            return postgres.business_days(first, last, calendar)
        return cast(Clause, func.fl_business_days(first, last, calendar, type_=BigInteger()))

    def day_function(self, name: str, day: Clause, *more: Clause) -> Clause:
        if name.startswith(("days_", "business_days_")):
            pair = (day, self.today()) if name.endswith("_since") else (self.today(), day)
            return self.counted_days(*pair, business=name.startswith("business"))
        if name == "add_months":
            if self.pg:
                return postgres.add_months(day, *more)
            return cast(Clause, func.fl_add_months(day, *more, type_=Text()))
        if name == "is_business_day":
            calendar = bindparam("p_calendar", type_=Text())
            if self.pg:
                return postgres.is_business_day(day, calendar)
            return cast(Clause, type_coerce(func.fl_is_business_day(day, calendar), Boolean))
        if name in _UNITS or name == "end_of_month":
            unit = _UNITS.get(name, "end")
            if self.pg:
                return postgres.STARTS_OF[unit](day)
            return cast(Clause, func.fl_start_of(literal(unit, Text), day, type_=Text()))
        if name == "weekday":
            return (
                postgres.weekday(day) if self.pg else cast(Clause, func.fl_weekday(day, type_=BigInteger()))
            )
        return self.part(day, *{"year": (1, 4), "month": (6, 2), "day": (9, 2)}[name])
