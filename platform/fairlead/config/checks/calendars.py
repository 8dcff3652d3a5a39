"""Calendars: do they know the holidays that are coming?"""

from __future__ import annotations

from datetime import date, timedelta

from fairlead.config.checks.sources import Sources

NOTICE = timedelta(days=60)
"""How long before a calendar ends it is spoken of (JB-65)."""


def calendars_reach_far_enough(sources: Sources) -> None:
    """A calendar must know every year it counts through, and soon the next one (CF-13, JB-65)."""
    for calendar in sources.workspace.calendars.values():
        if not sources.sound("calendar", calendar.name) or calendar.country is not None:
            continue
        years = {day.year for day in (*calendar.work.holidays, *calendar.work.workdays)}
        missing = [year for year in range(min(years, default=1), max(years, default=0)) if year not in years]
        node = sources.node("calendar", calendar.name, "holidays")
        if missing:
            message = (
                f"the calendar knows no holidays of {missing[0]}, though it knows those before and after"
            )
            sources.warn("calendar_gap", node, message)
        until = calendar.known_until
        if sources.today is not None and until is not None and until - sources.today < NOTICE:
            sources.warn("calendar_gap", node, f"the calendar knows no holidays after {_said(until)}")


def _said(day: date) -> str:
    return str(day.year) if (day.month, day.day) == (12, 31) else day.isoformat()
