"""Business days count by the calendar that is named: of the workspace, of a pool, a flow, an automation."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from fairlead.store import jobs, notifications
from fairlead.store.database import Database
from fairlead.store.system import occurrence
from fairlead.work import automations, pools, reading, records
from fairlead.work.reading import ListQuery

from tests.support.world import World, refusal
from tests.work.approval_office import FLOW, Office
from tests.work.small_house import House, automation

PLAIN = """
kind: calendar
name: plain
zone: Asia/Shanghai
"""

# Sundays and Mondays are worked, no other day; and the Friday that everybody makes up for.
ODD = """
kind: calendar
name: odd
zone: Asia/Shanghai
week: {sunday: "09:00-18:00", monday: "09:00-18:00"}
workdays: [2026-05-08]
"""

FILES = {"workflows/plain.yaml": PLAIN, "workflows/odd.yaml": ODD}


def settings(world: World, calendar: str) -> str:
    return world.files["fairlead.yaml"].partition("calendar:")[0] + f"calendar: {calendar}\n"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def publish_pool(world: World, calendar: str, *, pool: str | None, odd: str = ODD) -> None:
    """Publish a pool that protects for two business days and reclaims after three without a word."""
    text = world.files["workflows/deal_pool.yaml"].split("\ncalendar:")[0]
    text = text.replace("initial: 10 days", "initial: 2 business days")
    text = text.replace('when: "record.due_at <= now"', 'when: "business_days_since(record.claimed_at) >= 3"')
    named = "" if pool is None else f"\ncalendar: {pool}\n"
    world.publish(
        {
            **FILES,
            "workflows/odd.yaml": odd,
            "fairlead.yaml": settings(world, calendar),
            "workflows/deal_pool.yaml": text + named,
        }
    )


def local_day(stamp: str) -> str:
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo("Asia/Shanghai")).date().isoformat()


def test_a_pool_counts_by_its_own_calendar_the_rest_by_the_workspace_s(world: World) -> None:
    """Claimed on Wednesday, 6 May 2026: two days on are Friday by the week. The odd calendar begins on Friday: Monday."""
    publish_pool(world, "plain", pool=None)
    first, second, third = (world.create("ada", owner=None, name=f"free {n}") for n in range(3))
    world.claim("rui", first)
    assert local_day(world.get("rui", first)["due_at"]) == "2026-05-08"
    publish_pool(world, "plain", pool="odd")
    world.claim("rui", second)
    assert local_day(world.get("rui", second)["due_at"]) == "2026-05-11"
    publish_pool(world, "odd", pool=None)
    world.claim("rui", third)
    assert local_day(world.get("rui", third)["due_at"]) == "2026-05-11"
    records.assign(world.as_("ada"), "deal", third, world.actors["sana"].id, version=None)
    assert local_day(world.get("ada", third)["due_at"]) == "2026-05-11"


def test_reclaiming_asks_the_database_by_the_pool_s_calendar(world: World) -> None:
    """On Monday, three days of the week have gone by since Wednesday, and two of Sundays and Mondays."""
    publish_pool(world, "plain", pool="odd", odd=ODD.partition("workdays")[0])
    id = world.create("ada", owner=None, name="free")
    world.claim("rui", id)
    world.now = datetime(2026, 5, 11, 1, tzinfo=UTC)
    assert sum(done.moved for done in pools.reclaim(world.as_("system"))) == 0
    publish_pool(world, "odd", pool="plain", odd=ODD.partition("workdays")[0])
    assert sum(done.moved for done in pools.reclaim(world.as_("system"))) == 1
    assert world.get("ada", id)["pool"] == "deal_pool"


def test_filters_and_rules_count_by_the_workspace_s_calendar(world: World) -> None:
    """The same question in SQL gives another answer when the workspace counts by another calendar."""
    id = world.create("ada", name="old")
    world.now = datetime(2026, 5, 10, 4, tzinfo=UTC)  # Sunday

    def days(count: int) -> bool:
        query = ListQuery(filter=f"business_days_since(created_at) == {count}")
        return [item["id"] for item in reading.page(world.as_("ada"), "deal", query).items] == [id]

    world.publish({**FILES, "fairlead.yaml": settings(world, "plain")})
    assert days(2)  # Thursday, Friday
    world.publish(
        {
            "fairlead.yaml": settings(world, "odd"),
            "workflows/odd.yaml": ODD.replace("2026-05-08", "2026-05-07"),
        }
    )
    assert days(2)  # Thursday, made up for, and Sunday
    world.publish({"workflows/odd.yaml": ODD.replace("\nworkdays: [2026-05-08]", "")})
    assert days(1)  # Sunday


def test_a_quota_s_day_begins_where_the_pool_s_calendar_says(world: World) -> None:
    text = world.files["workflows/deal_pool.yaml"].replace("max: 20", "max: 1")
    utc = "kind: calendar\nname: utc\nzone: UTC\n"
    world.publish({**FILES, "workflows/utc.yaml": utc, "workflows/deal_pool.yaml": text + "\ncalendar: utc\n",
                   "fairlead.yaml": settings(world, "plain")})  # fmt: skip
    first, second = (world.create("ada", owner=None, name=f"free {n}") for n in range(2))
    world.now = datetime(2026, 5, 6, 15, tzinfo=UTC)
    world.claim("rui", first)
    world.now = datetime(2026, 5, 6, 17, tzinfo=UTC)  # another day in Shanghai, the same in UTC
    assert refusal(world.claim, "rui", second).code == "pool.quota"
    assert [limits.used for limits in pools.limits(world.as_("rui"), "deal")] == [1]
    world.now = datetime(2026, 5, 7, 0, tzinfo=UTC)
    world.claim("rui", second)


def test_ap_74_a_step_s_time_limit_counts_by_the_flow_s_calendar(database: Database) -> None:
    """Two business days from Friday 16:00, with a worked Saturday: Monday 16:00."""
    flow = FLOW.replace("after: 1 days", "after: 2 business days")
    made_up = "kind: calendar\nname: made_up\nzone: Asia/Shanghai\nworkdays: [2026-05-09]\n"
    office = Office.open(database, workflows__plain=PLAIN.lstrip(), workflows__made_up=made_up,
                         workflows__discount=flow.replace("entity: quote", "entity: quote\ncalendar: made_up"),
                         fairlead="name: office\nlanguages: [en, zh]\ncurrency: CNY\ncalendar: plain\n")  # fmt: skip
    office.clock.set("2026-05-08T08:00:00Z")
    office.submitted()
    assert office.task("mei").line.due_at == "2026-05-11T08:00:00.000000Z"


def planned_for(house: House) -> list[str]:
    statement = sa.select(occurrence.c.fire_at).where(occurrence.c.state == "waiting")
    return [row[0][:16] for row in house.database.all(house.database.prepare(statement))]


def test_jb_63_what_is_planned_is_planned_anew_when_the_calendar_changes(database: Database) -> None:
    """A reminder three business days before 18 March: Friday the 13th; with a free Monday, Thursday the 12th."""
    rule = automation("soon", """
entity: lead
on: {date: record.follow_up, before: 3 business days, at: "09:00"}
do: [{notify: {to: record.owner, text: Soon}}]
""")  # fmt: skip
    calendar = "kind: calendar\nname: ours\nzone: Asia/Shanghai\nholidays: [2026-01-01]\n"
    house = House.open(database, {**rule, "workflows/ours.yaml": calendar})
    house.create({"name": "Deal", "follow_up": "2026-03-18"})
    assert planned_for(house) == ["2026-03-13T01:00"]
    house.publish({**rule, "workflows/ours.yaml": calendar.replace("2026-01-01", "2026-03-16")})
    automations.plan_dates(house.ctx("system"))
    assert planned_for(house) == ["2026-03-12T01:00"]
    assert automations.plan_dates(house.ctx("system")) == "0 reminders planned"


def test_a_message_is_read_in_each_reader_s_language(database: Database) -> None:
    """One document for every rule that sends it, and the record's values in it."""
    message = {"forms/deal.yaml": """
kind: message
name: deal
entity: lead
title: {en: Deal, zh: 成交}
text: {en: "{name} by {owner.name}, {grade}", zh: "{owner.name}的{name}，{grade}"}
"""}  # fmt: skip
    rule = automation("told", """
entity: lead
on: {updated: [note]}
do: [{notify: {to: record.owner, message: deal}}]
""")  # fmt: skip
    house = House.open(database, {**message, **rule})
    lead = house.create({"name": "{owner.email} <b>", "grade": "a"})
    house.update(lead, note="x")
    assert [job.state for job in house.run()] == ["done"]
    (line,) = notifications.listing(database, house.ids["rui"])
    assert line.text.get("en") == "Deal: {owner.email} <b> by Rui, Hot"
    assert line.text.get("zh") == "成交：Rui的{owner.email} <b>，热"
    assert jobs.listing(database, limit=5)[0].error is None


def test_a_plan_says_which_days_are_counted_otherwise(world: World) -> None:
    world.publish({**FILES, "fairlead.yaml": settings(world, "plain")})
    world.files["workflows/odd.yaml"] = ODD.replace(
        "[2026-05-08]", '[{on: 2026-05-08, hours: "09:00-12:00"}]'
    )
    world.files["workflows/plain.yaml"] = PLAIN + "holidays: [2026-05-01]\n"
    world.files["fairlead.yaml"] = settings(world, "odd")
    changes = {".".join(one.path): (one.action, one.grade, one.old, one.new) for one in world.plan().changes}
    assert changes == {
        "workspace.calendar": ("change", "computes", "plain", "odd"),
        "calendar.odd.days.2026-05-08": ("change", "computes", "worked", "09:00-12:00"),
        "calendar.plain.days.2026-05-01": ("add", "computes", None, "free"),
        "calendar.plain.known_until": ("change", "computes", None, "2026-12-31"),
    }


def test_conditions_of_an_automation_count_by_its_calendar(database: Database) -> None:
    """Written on Friday, changed on Monday: one day of the week, two where Sundays and Mondays are worked."""
    odd = {"workflows/odd.yaml": ODD.partition("workdays")[0], "workflows/plain.yaml": PLAIN}
    settings = "name: small\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\ncalendar: plain\n"
    rest = """
entity: lead
on: {updated: [note]}
when: "business_days_since(record.created_at) >= 2"
do: [{notify: {to: record.owner, text: Old}}]
"""
    rules = {**automation("by_odd", f"calendar: odd{rest}"), **automation("by_plain", rest)}
    house = House.open(database, {**odd, **rules, "fairlead.yaml": settings})
    house.clock.set("2026-03-06T04:00:00Z")
    lead = house.create({"name": "Deal"})
    house.clock.set("2026-03-09T04:00:00Z")
    house.update(lead, note="x")
    assert [(job.rule, job.state) for job in house.run()] == [("by_odd", "done")]
