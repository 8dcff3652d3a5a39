"""Automations: born with the change, run once, with the record as it is and the change as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from fairlead.store import jobs, notifications
from fairlead.store.database import Database
from fairlead.work import records

from tests.work.small_house import ROLES, House, automation


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def states(house: House) -> list[tuple[str | None, str]]:
    return [(job.rule, job.state) for job in house.run()]


def inbox(house: House, name: str, lang: str = "en") -> list[str]:
    return [line.text.get(lang) for line in notifications.listing(house.database, house.ids[name])]


def test_created_with_a_condition(database: Database) -> None:
    """A task for a hot lead, none for a cold one; a rule that does not hold starts nothing."""
    house = House.open(database, automation("call", """
entity: lead
on: {created: true}
when: "record.grade == 'a'"
do:
  - create: task
    with: {subject: {en: Call, zh: 致电}, about: record, due_on: "today + days(2)", owner: record.owner}
"""))  # fmt: skip
    house.create({"name": "Cold", "grade": "b"})
    hot = house.create({"name": "Hot", "grade": "a"})
    assert house.all("task") == []
    assert states(house) == [("call", "done")]
    (task,) = house.all("task")
    assert (task["subject"], task["about"], task["owner"]) == ("Call", f"lead:{hot}", house.ids["rui"])
    assert task["due_on"] == date(2026, 3, 4)


def test_updated_looks_at_named_fields_and_old_values(database: Database) -> None:
    """The run belongs to the change it was born with: later edits do not unmake it."""
    house = House.open(database, automation("rich", """
entity: lead
on: {updated: [budget]}
when: "record.budget >= 500.0 && (is_empty(old.budget) || old.budget < 500.0)"
do:
  - notify: {to: record.owner, text: {en: "{name}: {budget}, was {grade}", zh: "{name}：{budget}（{grade}）"}}
"""))  # fmt: skip
    lead = house.create({"name": "Deal", "grade": "a"})
    house.update(lead, note="nothing to do with it")
    house.update(lead, budget="700.00")
    house.update(lead, budget="800.00")
    house.update(lead, budget="100.00")
    assert states(house) == [("rich", "done")]
    assert inbox(house, "rui") == ["Deal: ¥100.00, was Hot"]
    assert inbox(house, "rui", "zh") == ["Deal：¥100.00（热）"]


def test_entered_and_move(database: Database) -> None:
    """Entering a stage; the step may use the record before the change."""
    house = House.open(database, automation("opened", """
entity: lead
on: {entered: open}
do:
  - {set: {note: old.stage}}
  - {move: won}
"""))  # fmt: skip
    lead = house.create({"name": "Deal"})
    records.move(house.ctx(), "lead", lead, "open", version=None)
    assert states(house) == [("opened", "done")]
    record = house.record(lead)
    assert (record["note"], record["stage"]) == ("new", "won")


def test_failed_step_leaves_nothing(database: Database) -> None:
    """The first step is undone with the second; the job waits for a person and can be run again."""
    house = House.open(database, automation("broken", """
entity: lead
on: {created: true}
do:
  - {set: {note: touched}}
  - create: task
    with: {subject: record.note, owner: record.created_by, about: record.note}
"""))  # fmt: skip
    lead = house.create({"name": "Deal"})
    (job,) = house.run()
    assert job.state == "dead"
    assert house.record(lead)["note"] is None
    assert inbox(house, "ada") == ["A job is stuck and waits for you: automation broken."]
    with database.write() as tx:
        assert jobs.retry(tx, job.id, now=house.ctx().stamp)


def test_two_rules_that_answer_each_other_end(database: Database) -> None:
    """A rule comes once in a chain of causes; the cut run says where it went."""
    count = "or_else(record.budget, 0.0) + 1.0"
    rules = automation(
        "ping", f"entity: lead\non: {{updated: [note]}}\ndo: [{{set: {{budget: '{count}'}}}}]\n"
    )
    rules |= automation("pong", "entity: lead\non: {updated: [budget]}\ndo: [{set: {note: record.name}}]\n")
    house = House.open(database, rules)
    lead = house.create({"name": "Deal"})
    house.update(lead, note="begin")
    ran = house.run()
    assert [(job.rule, job.state) for job in ran] == [("ping", "done"), ("pong", "done"), ("ping", "skipped")]
    assert ran[-1].error == f"loop: ping:{lead} > pong:{lead} > ping:{lead}"


def test_in_the_name_of_whoever_changed_it(database: Database) -> None:
    """`trigger_user` is the author of what the steps write; the engine otherwise."""
    rest = "entity: lead\non: {created: true}\ndo: [{set: {note: seen}}]\n"
    house = House.open(database, automation("own", rest + "run_as: trigger_user\n"))
    lead = house.create({"name": "Deal"})
    house.run()
    assert house.record(lead)["updated_by"] == house.ids["rui"]
    house.publish(automation("own", rest))
    lead = house.create({"name": "Deal"})
    house.run()
    assert house.record(lead)["updated_by"] == "system"


def test_imports_wait_behind_people(database: Database) -> None:
    """What a file starts lies in the queue for bulk work."""
    house = House.open(
        database, automation("any", "entity: lead\non: {created: true}\ndo: [{set: {note: seen}}]\n")
    )
    house.create({"name": "Row"}, door="import")
    house.create({"name": "Person"})
    assert sorted(job.queue for job in jobs.listing(database)) == ["bulk", "default"]


def test_switched_off_waits_and_removed_is_cancelled(database: Database) -> None:
    """Runs that are there already follow the rule's fate."""
    rest = "entity: lead\non: {created: true}\ndo: [{set: {note: seen}}]\n"
    house = House.open(database, automation("any", rest))
    lead = house.create({"name": "Deal"})
    house.publish(automation("any", rest + "enabled: false\n"))
    assert states(house) == [("any", "paused")]
    house.publish(automation("any", rest))
    assert states(house) == [("any", "done")]
    assert house.record(lead)["note"] == "seen"
    house.create({"name": "Deal"})
    house.publish({})
    assert states(house)[-1] == ("any", "cancelled")


# ---------------------------------------------------------------- dates and schedules

FOLLOW_UP = """
entity: lead
on: {date: record.follow_up, before: 1 day, at: "09:00"}
when: "record.grade == 'a'"
do:
  - notify: {to: [record.owner, "role:admin"], text: {en: "Tomorrow: {name}", zh: "明天：{name}"}}
"""


def planned(house: House, record_id: str) -> list[str]:
    return [one.fire_at for one in jobs.waiting_of_record(house.database, record_id)]


def test_reminder_before_a_date(database: Database) -> None:
    """At nine in the morning of the workspace, once, for whoever is named."""
    house = House.open(database, automation("soon", FOLLOW_UP))
    lead = house.create({"name": "Deal", "grade": "a", "follow_up": "2026-03-10"})
    assert planned(house, lead) == ["2026-03-09T01:00:00.000000Z"]
    assert house.run() == []
    house.clock.set("2026-03-09T01:00:00Z")
    assert states(house) == [("soon", "done")]
    assert states(house) == [("soon", "done")]
    assert inbox(house, "rui") == inbox(house, "ada") == ["Tomorrow: Deal"]


def test_date_changed_three_times_is_one_reminder(database: Database) -> None:
    """Only the last one counts, and an emptied date has none."""
    house = House.open(database, automation("soon", FOLLOW_UP))
    lead = house.create({"name": "Deal", "grade": "a"})
    for day in ("2026-03-10", "2026-03-12", "2026-03-11"):
        house.update(lead, follow_up=day)
    assert planned(house, lead) == ["2026-03-10T01:00:00.000000Z"]
    house.update(lead, follow_up=None)
    assert planned(house, lead) == []


def test_condition_is_asked_when_the_moment_comes(database: Database) -> None:
    """The lead has cooled down; nobody is reminded. A deleted one is not either."""
    house = House.open(database, automation("soon", FOLLOW_UP))
    cold = house.create({"name": "Cold", "grade": "a", "follow_up": "2026-03-10"})
    gone = house.create({"name": "Gone", "grade": "a", "follow_up": "2026-03-10"})
    house.update(cold, grade="b")
    records.delete(house.ctx(), "lead", gone, version=None)
    house.clock.set("2026-03-09T01:00:00Z")
    assert sorted(state for _, state in states(house)) == ["cancelled", "skipped"]
    assert inbox(house, "rui") == []


def test_late_reminder_helps_while_the_date_lies_ahead(database: Database) -> None:
    """Its moment has passed already: at once, or not at all."""
    house = House.open(database, automation("soon", FOLLOW_UP))
    house.clock.set("2026-03-09T05:00:00Z")
    house.create({"name": "Tomorrow", "grade": "a", "follow_up": "2026-03-10"})
    house.create({"name": "Yesterday", "grade": "a", "follow_up": "2026-03-08"})
    assert states(house) == [("soon", "done")]
    assert inbox(house, "rui") == ["Tomorrow: Tomorrow"]


def test_after_a_weekend_each_missed_reminder_comes_once(database: Database) -> None:
    """Nobody was running from Friday to Monday."""
    house = House.open(database, automation("soon", FOLLOW_UP))
    for name, day in (("Sat", "2026-03-08"), ("Sun", "2026-03-09"), ("Long ago", "2026-03-04")):
        house.create({"name": name, "grade": "a", "follow_up": day})
    house.clock.set("2026-03-09T00:30:00Z")
    house.run()
    assert sorted(inbox(house, "rui")) == ["Tomorrow: Sat", "Tomorrow: Sun"]


def test_new_rule_plans_for_records_that_are_there(database: Database) -> None:
    """Publishing it is enough; changing it plans anew; taking it away forgets."""
    house = House.open(database)
    lead = house.create({"name": "Deal", "grade": "a", "follow_up": "2026-03-10"})
    house.publish(automation("soon", FOLLOW_UP))
    house.run()
    assert planned(house, lead) == ["2026-03-09T01:00:00.000000Z"]
    house.publish(automation("soon", FOLLOW_UP.replace("1 day", "2 days")))
    house.run()
    assert planned(house, lead) == ["2026-03-08T01:00:00.000000Z"]
    house.publish({})
    house.run()
    assert planned(house, lead) == []


def test_schedule_runs_once_for_each_instant(database: Database) -> None:
    """Every morning; after a week of sleep once, not seven times; two schedulers are as one."""
    house = House.open(database, automation("morning", """
on: {schedule: "0 9 * * *"}
do:
  - create: task
    with: {subject: {en: Plan the day, zh: 安排}}
"""))  # fmt: skip
    house.run()
    assert house.all("task") == []
    house.clock.set("2026-03-03T01:00:00Z")
    house.run()
    house.run()
    assert len(house.all("task")) == 1
    house.clock.advance(timedelta(days=7))
    house.run()
    assert len(house.all("task")) == 2
    house.clock.advance(timedelta(hours=-1))
    house.run()
    assert len(house.all("task")) == 2


def test_schedule_over_records(database: Database) -> None:
    """One run for each record for which the condition holds."""
    house = House.open(database, automation("weekly", """
entity: lead
on: {schedule: "0 9 * * 1"}
when: "record.grade == 'b'"
do: [{set: {note: stale}}]
"""))  # fmt: skip
    cold = [records.create(house.ctx(), "lead", {"name": f"Cold {n}", "grade": "b"}).id for n in range(3)]
    hot = house.create({"name": "Hot", "grade": "a"})
    house.run()
    house.clock.set("2026-03-09T01:00:00Z")
    house.run()
    house.run()
    assert [house.record(key)["note"] for key in (*cold, hot)] == ["stale"] * 3 + [None]


def test_a_notice_tells_each_reader_what_they_may_see(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps run with the engine's eyes; hidden stays hidden and masked stays masked in what people are told."""
    grant = "lead: {read: all, fields: {budget: hidden, note: masked}}\n  system: [people]"
    monkeypatch.setitem(ROLES, "clerk", grant)
    house = House.open(database, automation("told", """
entity: lead
on: {created: true}
do:
  - notify: {to: [record.owner, "role:admin", "role:clerk"], text: {en: "{name}: {budget} {note}", zh: "{name}：{budget} {note}"}}
"""))  # fmt: skip
    house.create({"name": "Deal", "budget": "700.00", "note": "secretive"})
    house.run()
    assert inbox(house, "rui") == inbox(house, "ada") == ["Deal: ¥700.00 secretive"]
    (told,) = inbox(house, "cleo")
    assert told.startswith("Deal: ••• ")
    assert "700" not in told
    assert "secretive" not in told
