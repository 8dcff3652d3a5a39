"""What the clock asks for: local times on the days the clocks change, schedules, and one job for each minute."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from fairlead.base.calendar import WorkCalendar, default_calendar
from fairlead.base.clock import FrozenClock, iso_utc
from fairlead.effects.timers import Timers, next_instant, tidy
from fairlead.model.durations import Duration
from fairlead.model.workflows import Trigger
from fairlead.store import jobs
from fairlead.store.database import Database
from fairlead.store.jobs import NewJob
from fairlead.work.context import SYSTEM, Context
from fairlead.work.triggers import due_moment, local_moment
from hypothesis import given
from hypothesis import strategies as st

from tests.effects.program import NoApplication

NEW_YORK, BERLIN = ZoneInfo("America/New_York"), ZoneInfo("Europe/Berlin")


def text(moment: datetime) -> str:
    return iso_utc(moment)[:16]


@pytest.mark.parametrize(
    ("day", "at", "zone", "moment"),
    [
        ("2026-01-05", "09:00", "Asia/Shanghai", "2026-01-05T01:00"),
        (
            "2026-03-08",
            "02:30",
            "America/New_York",
            "2026-03-08T07:00",
        ),  # skipped: the first moment after the gap
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30"),  # comes twice: the first
        ("2026-03-29", "02:15", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30"),
    ],
)
def test_local_times_on_odd_days(day: str, at: str, zone: str, moment: str) -> None:
    """Every local time is one moment."""
    assert text(local_moment(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone))) == moment


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.times(), st.sampled_from([NEW_YORK, BERLIN]))
def test_local_moment_never_goes_back(day: date, at: time, zone: ZoneInfo) -> None:
    """It reads as asked, or as the first moment after a gap; a day later is later."""
    moment = local_moment(day, at, zone)
    local = moment.astimezone(zone)
    assert (local.date(), local.time()) >= (day, at)
    assert moment < local_moment(day + timedelta(days=1), at, zone)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Shanghai"])
def test_daily_schedule_fires_once_on_every_day(zone: str) -> None:
    """Half past two, a year long, both nights on which the clocks change included."""
    moment, days = datetime(2026, 1, 1, tzinfo=UTC), []
    while len(days) < 364:
        moment = next_instant("30 2 * * *", zone, moment)
        days.append(moment.astimezone(ZoneInfo(zone)).date())
    assert all(later - earlier == timedelta(days=1) for earlier, later in pairwise(days))


def trigger(offset: Duration | None = None, *, before: bool = False, at: str | None = None) -> Trigger:
    return Trigger("date", date_field="d", offset=offset, before=before, at=at)


@pytest.mark.parametrize(
    ("wanted", "value", "moment"),
    [
        (trigger(), date(2026, 3, 10), "2026-03-10T01:00"),
        (trigger(at="00:30"), date(2026, 3, 10), "2026-03-09T16:30"),
        (trigger(Duration(3, "days"), before=True), date(2026, 3, 10), "2026-03-07T01:00"),
        (trigger(Duration(2, "weeks")), date(2026, 3, 10), "2026-03-24T01:00"),
        (trigger(Duration(1, "business_days"), before=True), date(2026, 3, 9), "2026-03-06T01:00"),
        (trigger(Duration(1, "business_days")), date(2026, 3, 6), "2026-03-09T01:00"),
        (trigger(Duration(2, "hours"), before=True), date(2026, 3, 10), "2026-03-09T23:00"),
        (trigger(), datetime(2026, 3, 10, 7, 15, tzinfo=UTC), "2026-03-10T07:15"),
        (trigger(Duration(30, "minutes"), before=True), datetime(2026, 3, 10, 7, 15, tzinfo=UTC), "2026-03-10T06:45"),
        (trigger(Duration(1, "days"), before=True), datetime(2026, 3, 10, 7, 15, tzinfo=UTC), "2026-03-09T07:15"),
        (trigger(Duration(2, "business_hours"), before=True), datetime(2026, 3, 9, 2, tzinfo=UTC), "2026-03-06T09:00"),
    ],
)  # fmt: skip
def test_when_a_date_trigger_is_due(wanted: Trigger, value: object, moment: str) -> None:
    """Days by the calendar of the workspace, hours by the clock."""
    assert text(due_moment(wanted, value, "Asia/Shanghai", default_calendar())) == moment


@given(st.datetimes(datetime(2026, 1, 5), datetime(2026, 6, 1), timezones=st.just(UTC)), st.integers(1, 40))
def test_working_hours_before_are_that_many(end: datetime, hours: int) -> None:
    """From the warning to the date lies exactly the working time that was asked for."""
    calendar = WorkCalendar("Asia/Shanghai")
    start = due_moment(
        trigger(Duration(hours, "business_hours"), before=True), end, "Asia/Shanghai", calendar
    )
    assert calendar.business_time_between(start, end) == timedelta(hours=hours)


# ---------------------------------------------------------------- the loop


def timers(database: Database, clock: FrozenClock, **workspace: object) -> Timers:
    found = NoApplication()
    for name, value in workspace.items():
        setattr(found.workspace, name, value)
    return Timers(database, found, clock=clock)


def kinds(database: Database) -> list[str]:
    return sorted(job.kind for job in jobs.listing(database, limit=500))


def test_three_schedulers_make_one_job_a_minute(database: Database) -> None:
    """However many processes tick, and however often."""
    clock = FrozenClock("2026-03-02T04:00:59Z")
    all_three = [timers(database, clock, pools={"p": 1}, approvals={"a": 1}) for _ in range(3)]
    for _ in range(3):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda one: one.tick(), all_three))
        clock.advance(timedelta(seconds=1))
    assert kinds(database) == ["approval_reminders"] * 2 + ["housekeeping", "plan_dates"] + ["reclaim"] * 2


def test_nothing_to_look_for_makes_no_jobs(database: Database) -> None:
    """Without pools and approvals only the house is kept."""
    timers(database, FrozenClock()).tick()
    assert kinds(database) == ["housekeeping", "plan_dates"]


def test_dead_worker_is_noticed(database: Database) -> None:
    """A lease that has ended sets its job free."""
    clock = FrozenClock("2026-03-02T04:00:00Z")
    with database.write() as tx:
        job_id = jobs.enqueue(tx, NewJob("k", iso_utc(clock())), now=iso_utc(clock()))
        jobs.claim(tx, "default", limit=1, now=iso_utc(clock()), until="2026-03-02T04:01:00.000000Z")
    loop = timers(database, clock)
    loop.tick()
    clock.advance(timedelta(minutes=2))
    loop.tick()
    job = jobs.by_id(database, job_id or "")
    assert job is not None
    assert (job.state, job.error) == ("retry_wait", "the worker stopped in the middle of it")


def test_housekeeping_forgets_what_is_old(database: Database) -> None:
    """Done jobs of the clock after days, those of people after a month, stuck ones never."""
    clock = FrozenClock("2026-03-02T04:00:00Z")
    with database.write() as tx:
        for queue in ("timers", "default"):
            jobs.enqueue(tx, NewJob("k", iso_utc(clock()), queue=queue), now=iso_utc(clock()))  # type: ignore[arg-type]
            for job in jobs.claim(tx, queue, limit=9, now=iso_utc(clock()), until=iso_utc(clock())):  # type: ignore[arg-type]
                jobs.complete(tx, job, now=iso_utc(clock()))
    left = []
    for days in (3, 30):
        clock.advance(timedelta(days=days))
        ctx = Context(app=NoApplication().current(), database=database, actor=SYSTEM, now=clock(), door="job")
        tidy(ctx, jobs.Job(*[None] * 22))  # type: ignore[arg-type]
        left.append([job.queue for job in jobs.listing(database)])
    assert left == [["default"], []]
