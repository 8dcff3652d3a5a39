"""Working calendars: the week, holidays and make-up working days, layer over layer (JB-63)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from fairlead.base.calendar import (
    MONDAY_TO_FRIDAY,
    Interval,
    WorkCalendar,
    country_days,
    known_countries,
)
from fairlead.base.clock import is_zone
from fairlead.base.problems import Level
from fairlead.base.texts import did_you_mean
from fairlead.config.document import Document, Node
from fairlead.config.link import Linker
from fairlead.model.calendars import Calendar

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

FIRST_YEAR = 2015
"""The earliest year for which the holidays of a country are looked up."""
YEARS_AHEAD = 3
"""How many years after the last one written are taken from the country's own rules."""
MAX_DAYS = 366
"""How long one holiday may be, and how long nobody may work in a row (JB-66)."""

_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Layer:
    """What one calendar and those below it say so far."""

    zone: str
    weekly: Mapping[int, tuple[Interval, ...]] = field(default_factory=lambda: MONDAY_TO_FRIDAY)
    holidays: set[date] = field(default_factory=set)
    workdays: set[date] = field(default_factory=set)
    special: dict[date, tuple[Interval, ...]] = field(default_factory=dict)
    country: str | None = None
    known_until: date | None = None


def build_calendars(
    documents: Mapping[str, Document], linker: Linker, zone: str, this_year: int
) -> dict[str, Calendar]:
    """Make all calendars; one that leads back to itself through `extends` is reported and stands alone.

    Args:
        documents: The calendar documents by name.
        linker: Resolves names.
        zone: The workspace's, for calendars that name none.
        this_year: Up to three years after it the holidays of a country are looked up.
    """
    made: dict[str, _Layer] = {}
    found: dict[str, Calendar] = {}

    def layer(name: str, below: tuple[str, ...]) -> _Layer:
        known = made.get(name)
        if known is None:
            node = documents[name].root
            base = _Layer(zone)
            parent = linker.name("calendar", node.get("extends"))
            if parent is not None and parent in (*below, name):
                ring = (*below[below.index(parent) :], name) if parent in below else (name,)
                parts = {one: _part(documents[one].root, "extends") for one in ring}
                places = ", ".join(f"{one} at {part.span}" for one, part in parts.items())
                for part in parts.values():
                    shown = " → ".join((*ring, ring[0]))
                    linker.add("cycle", part, f"calendars extend each other: {shown} ({places})")
            elif parent is not None and documents[parent].usable:
                base = layer(parent, (*below, name))
            known = made[name] = _layer(node, linker, base, this_year)
        return known

    for name, document in documents.items():
        if document.usable:
            said = layer(name, ())
            work = WorkCalendar(
                said.zone,
                said.weekly,
                frozenset(said.holidays),
                frozenset(said.workdays),
                name,
                said.special,
            )
            _require_work(document.root, work, linker)
            root = document.root
            found[name] = Calendar(
                name, root.span, root.label(name=name), work, said.zone, _week_text(said), _day_texts(said),
                said.known_until, said.country,
            )  # fmt: skip
    return found


def _week_text(said: _Layer) -> dict[str, str]:
    return {WEEKDAYS[day]: _hours_text(hours) for day, hours in sorted(said.weekly.items()) if hours}


def _day_texts(said: _Layer) -> dict[str, str]:
    texts = dict.fromkeys(said.holidays, "free")
    texts |= {
        day: _hours_text(said.special[day]) if day in said.special else "worked" for day in said.workdays
    }
    return {str(day): text for day, text in sorted(texts.items())}


def _hours_text(hours: tuple[Interval, ...]) -> str:
    return ", ".join(f"{begin:%H:%M}-{end:%H:%M}" for begin, end in hours)


def chosen_calendar(own: Document | None, template: Document | None, linker: Linker) -> str | None:
    """Return the calendar that the workspace counts by: the one it names, or the only one that no other extends."""
    for document in (own, template):
        node = None if document is None or not document.usable else document.root.get("calendar")
        if node is not None:
            return linker.name("calendar", node)
    documents = {name: one for name, one in linker.documents.get("calendar", {}).items() if one.usable}
    extended = {document.root.maybe("extends") for document in documents.values()}
    tops = [name for name in documents if name not in extended]
    if len(tops) == 1:
        linker.used.add(("calendar", tops[0]))
        return tops[0]
    for name in tops:
        linker.add(
            "calendar_not_chosen",
            documents[name].node("name"),
            f"there are several calendars and the workspace names none; write `calendar: {name}` in fairlead.yaml",
            level=Level.warning,
        )
    return None


def _layer(node: Node, linker: Linker, base: _Layer, this_year: int) -> _Layer:
    made = _Layer(
        _zone(node, linker) or base.zone,
        base.weekly,
        set(base.holidays),
        set(base.workdays),
        dict(base.special),
        base.country,
        base.known_until,
    )
    week = node.get("week")
    if week is not None:
        made.weekly = {
            WEEKDAYS.index(day): hours
            for day, part in week.entries()
            if (hours := _hours(part, linker)) and day in WEEKDAYS
        }
    free = {day for part in node.each("holidays") for day in _days(part, linker)}
    worked = dict(_worked(part, linker) for part in node.each("workdays"))
    worked.pop(None, None)
    listed = {day.year for day in (*free, *worked) if day is not None}
    _add_country(node, linker, made, listed, this_year)
    # What this calendar says of a day replaces what those below say of it.
    made.holidays = (made.holidays - worked.keys()) | free
    made.workdays = (made.workdays - free) | {day for day in worked if day is not None}
    made.special |= {day: hours for day, hours in worked.items() if day is not None and hours}
    until = node.get("known_until")
    said = None if until is None else _date(until, linker)
    if said is not None:
        made.known_until = said
    elif listed:
        last = date(max(listed), 12, 31)
        made.known_until = last if made.known_until is None else max(last, made.known_until)
    return made


def _add_country(node: Node, linker: Linker, made: _Layer, listed: set[int], this_year: int) -> None:
    part = node.get("country")
    if part is None:
        return
    code = str(part.value)
    if code not in known_countries():
        hint = did_you_mean(code, known_countries())
        linker.add("unknown_country", part, f"no public holidays are known for {code!r}", hint)
        return
    made.country = code
    free, worked = country_days(code, FIRST_YEAR, max((*listed, this_year)) + YEARS_AHEAD)
    made.holidays |= {day for day in free if day.year not in listed}
    made.workdays |= {day for day in worked if day.year not in listed}


def _zone(node: Node, linker: Linker) -> str | None:
    part = node.get("zone")
    if part is None:
        return None
    if not is_zone(part.value):
        linker.add("unknown_zone", part, f"there is no time zone {part.value!r}; write Asia/Shanghai")
        return None
    return str(part.value)


def _hours(node: Node, linker: Linker) -> tuple[Interval, ...]:
    found: list[Interval] = []
    for part in node.items():
        begins, _, ends = str(part.value).partition("-")
        begin, end = time.fromisoformat(begins), time.fromisoformat(ends)
        if begin >= end:
            linker.add("contradiction", part, f"{part.value} ends before it begins")
        elif found and begin < found[-1][1]:
            linker.add(
                "contradiction", part, f"{part.value} begins before the hours in front of it have ended"
            )
        else:
            found.append((begin, end))
    return tuple(found)


def _date(node: Node, linker: Linker) -> date | None:
    try:
        return date.fromisoformat(str(node.value))
    except ValueError:
        linker.add("bad_value", node, f"there is no day {node.value}")
        return None


def _days(node: Node, linker: Linker) -> Iterator[date]:
    """Yield the days of one holiday."""
    if isinstance(node.value, str):
        day = _date(node, linker)
        if day is not None:
            yield day
        return
    first = _date(_part(node, "from"), linker)
    to = node.get("to")
    last = first if to is None else _date(to, linker)
    if first is None or last is None:
        return
    if last < first:
        linker.add(
            "contradiction", _part(node, "to"), f"the holiday ends on {last}, before it begins on {first}"
        )
    elif last - first >= timedelta(days=MAX_DAYS):
        linker.add("out_of_range", _part(node, "to"), f"one holiday has at most {MAX_DAYS} days")
    else:
        yield from (first + timedelta(days=after) for after in range((last - first).days + 1))


def _worked(node: Node, linker: Linker) -> tuple[date | None, tuple[Interval, ...]]:
    if isinstance(node.value, str):
        return _date(node, linker), ()
    hours = node.get("hours")
    return _date(_part(node, "on"), linker), () if hours is None else _hours(hours, linker)


def _require_work(node: Node, work: WorkCalendar, linker: Linker) -> None:
    """Report a calendar in which nobody works for a year (JB-66); counting by it would never end."""
    if not work.weekdays:
        part = node.get("week")
        linker.add("no_working_time", node if part is None else part, "nobody works on any day of this week")
        return
    for first in sorted(day for day in work.holidays if day - _DAY not in work.holidays):
        day, idle = first, 0
        while idle <= MAX_DAYS and not work.is_working_day(day):
            day, idle = day + _DAY, idle + 1
        if idle > MAX_DAYS:
            linker.add("no_working_time", _part(node, "holidays"), f"nobody works for a year from {first} on")
            return


def _part(node: Node, key: str) -> Node:
    return node.get(key) or node
