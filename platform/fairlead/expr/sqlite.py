"""What SQLite cannot do by itself: numbers wider than 64 bits, half-even division, days and moments.

All of it is deterministic; a number that does not fit 64 bits travels as text.
"""

import json
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from fairlead.base.calendar import OFFICE_HOURS, WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.expr.functions import is_business_day, months_later

Number = int | str | None
_Answer = int | str | None
_DAY_US = 86_400_000_000
_LAST_DAY = date.max.toordinal()
_LIMIT = 2**63


class Connection(Protocol):
    """The part of a DB-API connection to SQLite that is needed."""

    def create_function(
        self, name: str, narg: int, func: Callable[..., object] | None, /, *, deterministic: bool
    ) -> None:
        """Make a Python function known to SQL."""
        ...

    def create_aggregate(
        self, name: str, n_arg: int, aggregate_class: Callable[[], object] | None, /
    ) -> None:
        """Make an aggregate known to SQL."""
        ...


def half_even(number: int, divisor: int) -> int:
    """Return `number / divisor` rounded half-even; the divisor is not 0."""
    if divisor < 0:
        number, divisor = -number, -divisor
    quotient, rest = divmod(number, divisor)
    twice = 2 * rest
    return quotient + 1 if twice > divisor or (twice == divisor and quotient & 1) else quotient


def _fits(number: int) -> int | str:
    return number if -_LIMIT <= number < _LIMIT else str(number)


def _on_numbers(work: Callable[..., int | None]) -> Callable[..., Number]:
    def worked(*values: Number) -> Number:
        if None in values:
            return None
        result = work(*[int(value) for value in values if value is not None])
        return None if result is None else _fits(result)

    return worked


def _compare(one: int, two: int) -> int:
    return (one > two) - (one < two)


def _equal(one: Number, two: Number) -> bool:
    if one is None or two is None:
        return one is two
    return int(one) == int(two)


def _remainder(one: int, two: int) -> int | None:
    if two == 0:
        return None
    rest = abs(one) % abs(two)
    return -rest if one < 0 else rest


class _Sum:
    def __init__(self) -> None:
        self.total = 0

    def step(self, value: Number) -> None:
        if value is not None:
            self.total += int(value)

    def finalize(self) -> Number:
        return _fits(self.total)


class _Extreme:
    choose: Callable[..., int]

    def __init__(self) -> None:
        self.best: int | None = None

    def step(self, value: Number) -> None:
        if value is not None:
            self.best = int(value) if self.best is None else self.choose(self.best, int(value))

    def finalize(self) -> Number:
        return None if self.best is None else _fits(self.best)


class _Min(_Extreme):
    choose = staticmethod(min)


class _Max(_Extreme):
    choose = staticmethod(max)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=16)
def _calendar(text: str) -> WorkCalendar:
    data = json.loads(text)
    changes = [(date.fromisoformat(day), change) for day, change in data["exceptions"]]
    return WorkCalendar(
        "UTC",
        dict.fromkeys(data["weekdays"], OFFICE_HOURS),
        frozenset(day for day, change in changes if change < 0),
        frozenset(day for day, change in changes if change > 0),
    )


def _local_date(moment: str | None, zone: str | None) -> str | None:
    if moment is None or zone is None:
        return None
    try:
        return datetime.fromisoformat(moment).astimezone(_zone(zone)).date().isoformat()
    except OverflowError:
        return None


def _local_time(moment: str | None, zone: str | None) -> str | None:
    if moment is None or zone is None:
        return None
    try:
        local = datetime.fromisoformat(moment).astimezone(_zone(zone))
    except OverflowError:
        return None
    return local.time().isoformat(timespec="seconds")


def _add_months(day: str | None, count: Number) -> str | None:
    if day is None or count is None:
        return None
    later = months_later(date.fromisoformat(day), int(count))
    return None if later is None else later.isoformat()


def _is_business_day(day: str | None, calendar: str | None) -> bool | None:
    if day is None or calendar is None:
        return None
    return is_business_day(_calendar(calendar), date.fromisoformat(day))


def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


def _date_move(day: str | None, micros: Number, sign: int) -> str | None:
    if day is None or micros is None:
        return None
    ordinal = _ordinal(day) + sign * (int(micros) // _DAY_US)
    return date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= _LAST_DAY else None


def _date_diff(one: str | None, two: str | None) -> int | None:
    return None if one is None or two is None else (_ordinal(one) - _ordinal(two)) * _DAY_US


def _days(one: str | None, two: str | None) -> int | None:
    return None if one is None or two is None else _ordinal(two) - _ordinal(one)


def _moment_move(moment: str | None, micros: Number, sign: int) -> str | None:
    if moment is None or micros is None:
        return None
    try:
        return iso_utc(
            datetime.fromisoformat(moment).astimezone(UTC) + sign * timedelta(microseconds=int(micros))
        )
    except OverflowError:
        return None


def _moment_diff(one: str | None, two: str | None) -> int | None:
    if one is None or two is None:
        return None
    return (datetime.fromisoformat(one) - datetime.fromisoformat(two)) // timedelta(microseconds=1)


def _business_days(one: str | None, two: str | None, calendar: str | None) -> int | None:
    if one is None or two is None or calendar is None:
        return None
    return _calendar(calendar).business_days_between(date.fromisoformat(one), date.fromisoformat(two))


def _start_of(unit: str, day: str | None) -> str | None:
    if day is None:
        return None
    value = date.fromisoformat(day)
    if unit == "week":
        value = date.fromordinal(value.toordinal() - value.weekday())
    elif unit == "month":
        value = value.replace(day=1)
    elif unit == "quarter":
        value = value.replace(month=(value.month - 1) // 3 * 3 + 1, day=1)
    elif unit == "year":
        value = value.replace(month=1, day=1)
    elif value.month == 12:
        value = value.replace(day=31)
    else:
        value = date.fromordinal(value.replace(month=value.month + 1, day=1).toordinal() - 1)
    return value.isoformat()


def _weekday(day: str | None) -> int | None:
    return None if day is None else date.fromisoformat(day).isoweekday()


def _ends_with(text: str | None, part: str | None) -> bool | None:
    return None if text is None or part is None else text.endswith(part)


_FUNCTIONS: tuple[tuple[str, int, Callable[..., _Answer]], ...] = (
    ("fl_add", 2, _on_numbers(lambda one, two: one + two)),
    ("fl_sub", 2, _on_numbers(lambda one, two: one - two)),
    ("fl_mul", 2, _on_numbers(lambda one, two: one * two)),
    ("fl_mod", 2, _on_numbers(_remainder)),
    ("fl_half_even", 2, _on_numbers(lambda one, two: half_even(one, two) if two else None)),
    ("fl_abs", 1, _on_numbers(abs)),
    ("fl_cmp", 2, _on_numbers(_compare)),
    ("fl_eq", 2, _equal),
    ("fl_least", -1, _on_numbers(lambda *values: min(values))),
    ("fl_greatest", -1, _on_numbers(lambda *values: max(values))),
    ("fl_local_date", 2, _local_date),
    ("fl_local_time", 2, _local_time),
    ("fl_add_months", 2, _add_months),
    ("fl_is_business_day", 2, _is_business_day),
    ("fl_date_add", 2, lambda day, micros: _date_move(day, micros, 1)),
    ("fl_date_sub", 2, lambda day, micros: _date_move(day, micros, -1)),
    ("fl_date_diff", 2, _date_diff),
    ("fl_days", 2, _days),
    ("fl_moment_add", 2, lambda moment, micros: _moment_move(moment, micros, 1)),
    ("fl_moment_sub", 2, lambda moment, micros: _moment_move(moment, micros, -1)),
    ("fl_moment_diff", 2, _moment_diff),
    ("fl_business_days", 3, _business_days),
    ("fl_start_of", 2, _start_of),
    ("fl_weekday", 1, _weekday),
    ("fl_ends_with", 2, _ends_with),
)


def register_sqlite_functions(connection: Connection | sqlite3.Connection) -> None:
    """Make the functions known to one connection; call it for every new one."""
    for name, arguments, work in _FUNCTIONS:
        connection.create_function(name, arguments, work, deterministic=True)
    connection.create_aggregate("fl_sum", 1, _Sum)  # type: ignore[arg-type]
    connection.create_aggregate("fl_min", 1, _Min)  # type: ignore[arg-type]
    connection.create_aggregate("fl_max", 1, _Max)  # type: ignore[arg-type]
