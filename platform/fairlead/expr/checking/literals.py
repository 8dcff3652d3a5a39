"""Literals: the smallest number type that holds one, and texts that are read as days, moments and times."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

from fairlead.expr.nodes import Typed
from fairlead.expr.types import Kind, Type, with_digits


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


def read_date(text: str) -> date:
    """Return the day that a literal names.

    Raises:
        ValueError: With what is wrong.
    """
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise ValueError(f"{text!r} is not a date; write '2026-01-31'")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None


def read_moment(text: str) -> datetime:
    """Return the moment that a literal names, in UTC.

    Raises:
        ValueError: With what is wrong.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is not a date with time and zone; write '2026-01-31T09:00:00+08:00'")
    return moment.astimezone(UTC)


def read_time(text: str) -> time:
    """Return the time of day that a literal names.

    Raises:
        ValueError: With what is wrong.
    """
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", text):
        raise ValueError(f"{text!r} is not a time of day; write '09:30'")
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no time {text}") from None
