"""How a value lies in the database, the same on SQLite and PostgreSQL, and the way back.

integer BIGINT; decimal, percent and money BIGINT in units of `10**-scale`; duration BIGINT microseconds;
boolean BOOLEAN; everything else TEXT: date `2026-01-31`, datetime `2026-01-31T09:00:00.000000Z`, time `09:30:00`,
lists a JSON array.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from fairlead.base.clock import iso_utc, parse_utc
from fairlead.base.money import from_scaled, to_scaled
from fairlead.expr.types import TEXT, Kind, Type

_MICROSECOND = timedelta(microseconds=1)
# The form of a list must be one, so that equal lists are equal texts.
ARRAY = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_stored(value: object, kind: Type) -> object:
    """Return the stored form of a value of the expression language; None stays None.

    Raises:
        NotANumber: It has more than 18 digits.
    """
    if value is None:
        return None
    match kind.kind:
        case Kind.integer | Kind.decimal | Kind.money:
            assert isinstance(value, int | Decimal)
            return to_scaled(value, kind.scale)
        case Kind.date:
            assert isinstance(value, date)
            return value.isoformat()
        case Kind.datetime:
            assert isinstance(value, datetime)
            return iso_utc(value)
        case Kind.time:
            assert isinstance(value, time)
            return value.isoformat(timespec="seconds")
        case Kind.duration:
            assert isinstance(value, timedelta)
            return value // _MICROSECOND
        case Kind.list:
            assert isinstance(value, Sequence)
            element = kind.element or TEXT
            return ARRAY.encode([to_stored(item, element) for item in value])
        case Kind.json:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        case _:
            return value


def from_stored(value: object, kind: Type) -> object:
    """Return the value whose stored form the database gave; numbers may come as int, Decimal or text."""
    if value is None:
        return () if kind.kind is Kind.list else None
    match kind.kind:
        case Kind.bool:
            return bool(value)
        case Kind.integer:
            return int(str(value))
        case Kind.decimal | Kind.money:
            return from_scaled(int(str(value)), kind.scale)
        case Kind.date:
            return date.fromisoformat(str(value))
        case Kind.datetime:
            return parse_utc(str(value))
        case Kind.time:
            return time.fromisoformat(str(value))
        case Kind.duration:
            return timedelta(microseconds=int(str(value)))
        case Kind.list:
            element = kind.element or TEXT
            return tuple(from_stored(item, element) for item in json.loads(str(value)))
        case Kind.json:
            return json.loads(str(value))
        case _:
            return value
