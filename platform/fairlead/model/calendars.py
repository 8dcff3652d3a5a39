"""Working calendars: when business days and business hours run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from fairlead.base.calendar import MONDAY_TO_FRIDAY, WorkCalendar, default_calendar
from fairlead.base.problems import Span
from fairlead.base.texts import Label


@dataclass(frozen=True, slots=True)
class Calendar:
    """One calendar document, its layers laid over each other."""

    name: str
    span: Span
    label: Label
    work: WorkCalendar = field(compare=False)
    """All that it says, ready to count by."""
    zone: str
    week: Mapping[str, str]
    """Weekday to its hours, as people write them."""
    days: Mapping[str, str]
    """Single days that are not as their weekday is: `free`, `worked`, or hours of their own."""
    known_until: date | None
    """The last day whose holidays are known; None where the calendar names no holidays at all."""
    country: str | None = None
    """Whose statutory days count in years that the document says nothing about."""


def working_calendar(calendars: Mapping[str, Calendar], name: str | None, zone: str) -> WorkCalendar:
    """Return the calendar called `name`, or the one that counts where none is named.

    A name that leads nowhere counts as none: what was pinned under an earlier revision goes on with the calendar that
    there is now (CF-60).

    Args:
        calendars: All that there are.
        name: As a document gives it.
        zone: The workspace's, for a week without holidays where no calendar is written.
    """
    found = calendars.get(name) if name is not None else None
    if found is not None:
        return found.work
    # China's holidays hold where the clocks are China's; elsewhere nothing is known but the week.
    standard = default_calendar()
    return standard if zone == standard.zone else WorkCalendar(zone, MONDAY_TO_FRIDAY)
