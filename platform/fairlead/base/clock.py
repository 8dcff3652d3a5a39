"""The only "now" there is, in UTC, and the one text form in which a moment is stored."""

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class Clock(Protocol):
    """Whatever can say what time it is."""

    def __call__(self) -> datetime:
        """Return the present moment, aware and in UTC."""
        ...


def utc_now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return datetime.now(UTC)


system_clock: Clock = utc_now


class FrozenClock:
    """A clock for tests that moves only when told to."""

    __slots__ = ("_now",)

    def __init__(self, now: datetime | str = "2026-01-05T01:00:00.000000Z") -> None:
        self._now = parse_utc(now) if isinstance(now, str) else now.astimezone(UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, step: timedelta) -> datetime:
        """Move by `step` and return the new present."""
        self._now += step
        return self._now

    def set(self, now: datetime | str) -> datetime:
        """Jump to `now` and return it."""
        self._now = parse_utc(now) if isinstance(now, str) else now.astimezone(UTC)
        return self._now


def iso_utc(moment: datetime) -> str:
    """Return the stored form `YYYY-MM-DDTHH:MM:SS.ffffffZ`; text order is time order.

    Raises:
        ValueError: `moment` has no time zone.
    """
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError("a moment needs a time zone before it can be stored")
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")[:26] + "Z"


def parse_utc(text: str) -> datetime:
    """Return the moment that an ISO 8601 text with a zone names, aware and in UTC.

    Raises:
        ValueError: The text is not a moment, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def is_zone(name: str) -> bool:
    """Say whether there is a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
