"""Working hours, holidays and business days, make-up working days (调休) included.

A business day counts whole working days after the first date: from Friday to the next Monday is one.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from holidays import country_holidays, list_supported_countries

Interval = tuple[time, time]

OFFICE_HOURS: tuple[Interval, ...] = ((time(9), time(18)),)
MONDAY_TO_FRIDAY: Mapping[int, tuple[Interval, ...]] = dict.fromkeys(range(5), OFFICE_HOURS)

_DAY = timedelta(days=1)
_FAR = 3660  # days searched for the next working day before giving up


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """When a team works.

    Attributes:
        zone: IANA name, in which its days begin and end.
        weekly: Weekday (0 is Monday) to working intervals; an absent or empty day is free.
        holidays: Free days, whatever the weekday.
        workdays: Worked days, whatever the weekday; they win over `holidays`.
        special: Hours of single worked days that differ from those of their weekday, such as half days.
    """

    zone: str = "Asia/Shanghai"
    weekly: Mapping[int, tuple[Interval, ...]] = field(default_factory=lambda: MONDAY_TO_FRIDAY)
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    name: str = "default"
    special: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)
    _info: ZoneInfo = field(init=False, repr=False, compare=False)
    _days: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _odd: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _shift: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_info", ZoneInfo(self.zone))
        object.__setattr__(self, "_days", tuple(day for day in range(7) if self.weekly.get(day)))
        exceptions = self.exceptions()
        object.__setattr__(self, "_odd", tuple(day.toordinal() for day, _ in exceptions))
        object.__setattr__(self, "_shift", (0, *accumulate(change for _, change in exceptions)))

    def __hash__(self) -> int:
        return hash((self.zone, self.name, self._days, len(self._odd)))

    @property
    def weekdays(self) -> tuple[int, ...]:
        """The weekdays that are normally worked; 0 is Monday."""
        return self._days

    def exceptions(self) -> list[tuple[date, int]]:
        """Return, in order, the dates that differ from the week: +1 is worked after all, -1 is free after all."""
        usual = {day for day in range(7) if self.weekly.get(day)}
        extra = [(day, 1) for day in self.workdays if day.weekday() not in usual]
        free = [(day, -1) for day in self.holidays - self.workdays if day.weekday() in usual]
        return sorted(extra + free)

    def digest(self) -> str:
        """Return a text that is another one whenever anything is counted otherwise."""
        hours = sorted(
            (day, [f"{begin}-{end}" for begin, end in spans]) for day, spans in self.weekly.items() if spans
        )
        single = sorted(
            (str(day), [f"{begin}-{end}" for begin, end in self.hours(day)]) for day in self.special
        )
        said = repr((self.zone, hours, [(str(day), by) for day, by in self.exceptions()], single))
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def is_working_day(self, day: date) -> bool:
        """Say whether `day` is worked."""
        if day in self.workdays:
            return True
        return day not in self.holidays and day.weekday() in self._days

    def local_date(self, moment: datetime) -> date:
        """Return the date that `moment` falls on here."""
        return moment.astimezone(self._info).date()

    def start_of_local_day(self, day: date) -> datetime:
        """Return the first moment of `day` here, in UTC."""
        return datetime.combine(day, time(), self._info).astimezone(UTC)

    def end_of_local_day(self, day: date) -> datetime:
        """Return the last microsecond of `day` here, in UTC."""
        return self.start_of_local_day(day + _DAY) - timedelta(microseconds=1)

    def business_days_between(self, start: date, end: date) -> int:
        """Return the number of working days after `start` up to and including `end`; negative when `end` is earlier."""
        if end < start:
            return -self.business_days_between(end, start)
        first, last = start.toordinal(), end.toordinal()
        # Ordinal 1 is a Monday, so weekday d is every ordinal with (ordinal - 1) % 7 == d.
        usual = sum((last - 1 - day) // 7 - (first - 1 - day) // 7 for day in self._days)
        odd = self._shift[bisect_right(self._odd, last)] - self._shift[bisect_right(self._odd, first)]
        return usual + odd

    def next_working_day(self, day: date) -> date:
        """Return `day` itself when worked, else the next worked one.

        Raises:
            ValueError: There is none within ten years.
        """
        for _ in range(_FAR):
            if self.is_working_day(day):
                return day
            day += _DAY
        raise ValueError(f"calendar {self.name} has no working day after {day}")

    def add_business_days(self, day: date, count: int) -> date:
        """Return the date `count` working days later, or earlier when negative.

        From a free day the count starts at the next working day; 0 gives that day itself.
        """
        day = self.next_working_day(day)
        step = _DAY if count >= 0 else -_DAY
        left, idle = abs(count), 0
        while left:
            day += step
            if self.is_working_day(day):
                left, idle = left - 1, 0
            else:
                idle += 1
                if idle > _FAR:
                    raise ValueError(f"calendar {self.name} has no working day near {day}")
        return day

    def hours(self, day: date) -> tuple[Interval, ...]:
        """Return the working intervals of `day`; a make-up day off the week has those of the first usual day."""
        if not self.is_working_day(day):
            return ()
        alone = self.special.get(day)
        if alone:
            return alone
        own = self.weekly.get(day.weekday())
        if own:
            return own
        return self.weekly[self._days[0]] if self._days else OFFICE_HOURS

    def is_working_time(self, moment: datetime) -> bool:
        """Say whether somebody is at work at `moment`."""
        local = moment.astimezone(self._info)
        now = local.time()
        return any(begin <= now < end for begin, end in self.hours(local.date()))

    def next_working_moment(self, moment: datetime) -> datetime:
        """Return `moment` when it is worked, else the next start of work; in UTC."""
        local = moment.astimezone(self._info)
        now = local.time()
        for begin, end in self.hours(local.date()):
            if now < begin:
                return self._at(local.date(), begin)
            if now < end:
                return moment.astimezone(UTC)
        day = self.next_working_day(local.date() + _DAY)
        return self._at(day, self.hours(day)[0][0])

    def add_business_days_to(self, moment: datetime, count: int) -> datetime:
        """Return the same local time `count` working days later.

        A moment outside working time first moves to the next start of work; in UTC.
        """
        start = self.next_working_moment(moment) if count >= 0 else moment
        local = start.astimezone(self._info)
        return self._at(self.add_business_days(local.date(), count), local.time())

    def add_business_time(self, moment: datetime, span: timedelta) -> datetime:
        """Return when `span` of working time after `moment` is used up; in UTC.

        Raises:
            ValueError: `span` is negative, or the calendar has no working time.
        """
        if span < timedelta():
            raise ValueError("working time can only be counted forward")
        at = self.next_working_moment(moment)
        left = span
        while True:
            local = at.astimezone(self._info)
            for begin, end in self.hours(local.date()):
                opens, closes = self._at(local.date(), begin), self._at(local.date(), end)
                at = max(at, opens)
                if at < closes:
                    if left <= closes - at:
                        return at + left
                    left -= closes - at
                    at = closes
            day = self.next_working_day(local.date() + _DAY)
            at = self._at(day, self.hours(day)[0][0])

    def business_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time lies between two moments; zero when `end` is not later."""
        total = timedelta()
        day, last = self.local_date(start), self.local_date(end)
        while day <= last:
            for begin, close in self.hours(day):
                opens, closes = max(self._at(day, begin), start), min(self._at(day, close), end)
                if opens < closes:
                    total += closes - opens
            day += _DAY
        return total

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, self._info).astimezone(UTC)


def calendar_of(
    zone: str,
    weekly: Mapping[int, tuple[Interval, ...]] = MONDAY_TO_FRIDAY,
    holidays: Iterable[date] = (),
    workdays: Iterable[date] = (),
    *,
    name: str = "default",
) -> WorkCalendar:
    """Return a calendar made of plain collections."""
    return WorkCalendar(zone, dict(weekly), frozenset(holidays), frozenset(workdays), name)


def china_holidays(
    first_year: int = 2015, last_year: int | None = None
) -> tuple[frozenset[date], frozenset[date]]:
    """Return the public holidays of mainland China and its make-up working days.

    Years whose arrangement is not yet announced have the statutory days only.
    """
    return country_days("CN", first_year, last_year or datetime.now(UTC).year + 2)


@cache
def country_days(country: str, first_year: int, last_year: int) -> tuple[frozenset[date], frozenset[date]]:
    """Return the public holidays of a country, and the weekend days that are worked instead.

    Args:
        country: ISO 3166 code of two letters, one of `known_countries()`.
        first_year: The first year asked for.
        last_year: The last one. Of years that are not announced yet there are the statutory days only.
    """
    years = range(first_year, last_year + 1)
    known = country_holidays(country, years=years)
    worked = frozenset(day for day in known.weekend_workdays if day.year in years)
    return frozenset(known), worked


@cache
def known_countries() -> frozenset[str]:
    """Return the codes of the countries whose public holidays are known."""
    return frozenset(list_supported_countries())


@cache
def default_calendar() -> WorkCalendar:
    """Return Monday to Friday, 9 to 18 o'clock in Shanghai, with China's holidays and make-up days."""
    holidays, workdays = china_holidays()
    return WorkCalendar("Asia/Shanghai", MONDAY_TO_FRIDAY, holidays, workdays, "china")
