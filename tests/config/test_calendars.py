"""Calendar documents: layers, holidays, make-up days, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from fairlead.base.calendar import default_calendar
from fairlead.config.load import load
from fairlead.config.source import SourceTree, shipped

from tests.config.conftest import ROOT, found, workspace

NATION = """
kind: calendar
name: nation
zone: Asia/Shanghai
holidays: [{from: 2026-10-01, to: 2026-10-07}]
workdays: [2026-10-10]
"""
SHOP = """
kind: calendar
name: shop
extends: nation
week: {monday: "09:00-18:00", saturday: ["10:00-12:00", "13:00-20:00"]}
holidays: [2026-10-10]
workdays: [{on: 2026-10-05, hours: "10:00-12:00"}]
"""
SETTINGS = "name: acme\nzone: Europe/Berlin\ncalendar: shop\n"


def test_jb_63_a_calendar_lies_over_another_and_says_only_what_differs():
    loaded = workspace(
        {
            "fairlead.yaml": SETTINGS,
            "workflows/a.yaml": NATION,
            "workflows/b.yaml": SHOP,
            "schemas/x.yaml": ENTITY,
        }
    )
    assert loaded.problems.render() == ""
    assert loaded.workspace is not None
    shop = loaded.workspace.working_calendar()
    assert shop.zone == "Asia/Shanghai"
    assert shop.weekdays == (0, 5)
    assert not shop.is_working_day(date(2026, 10, 10)), (
        "the upper layer's holiday wins over the lower one's workday"
    )
    assert shop.is_working_day(date(2026, 10, 5)), (
        "the upper layer's workday wins over the lower one's holiday"
    )
    assert shop.hours(date(2026, 10, 5)) == ((time(10), time(12)),)
    assert shop.hours(date(2026, 10, 17)) == ((time(10), time(12)), (time(13), time(20)))
    nation = loaded.workspace.working_calendar("nation")
    assert nation.is_working_day(date(2026, 10, 10))
    assert not nation.is_working_day(date(2026, 10, 5))


ENTITY = "kind: entity\nname: lead\ntraits: [owned]\nfields: {name: {type: text}}\n"


def test_ap_scenario_19_two_business_days_over_a_make_up_saturday():
    """From Friday 16:00, with a worked Saturday: Monday 16:00, not Tuesday."""
    text = 'kind: calendar\nname: x\nzone: Asia/Shanghai\nworkdays: ["2026-05-09"]\n'
    loaded = workspace({"workflows/x.yaml": text, "schemas/x.yaml": ENTITY})
    assert loaded.workspace is not None
    friday = datetime(2026, 5, 8, 16, tzinfo=ZoneInfo("Asia/Shanghai"))
    done = loaded.workspace.working_calendar().add_business_days_to(friday, 2)
    assert done == datetime(2026, 5, 11, 8, tzinfo=UTC)


def test_years_that_are_not_written_come_from_the_country():
    text = "kind: calendar\nname: x\ncountry: CN\nholidays: [2026-03-03]\n"
    loaded = workspace({"workflows/x.yaml": text, "schemas/x.yaml": ENTITY})
    assert loaded.workspace is not None
    calendar = loaded.workspace.working_calendar()
    assert not calendar.is_working_day(date(2026, 3, 3))
    assert calendar.is_working_day(date(2026, 10, 1)), "2026 is written here, so this alone counts"
    assert not calendar.is_working_day(date(2025, 10, 1))
    assert calendar.is_working_day(date(2025, 10, 11)), "the make-up Saturday of 2025"


@pytest.mark.parametrize("template", ["general_sales", "real_estate"])
def test_shipped_calendars_hold_the_announced_days_of_2026(template):
    loaded = load(shipped(ROOT, template))
    assert loaded.workspace is not None
    calendar = loaded.workspace.working_calendar()
    announced = default_calendar()
    days = [
        date.fromordinal(day) for day in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal())
    ]
    assert [day for day in days if calendar.is_working_day(day) != announced.is_working_day(day)] == []
    assert calendar.is_working_day(date(2026, 2, 28))
    assert not calendar.is_working_day(date(2026, 2, 23))


def test_without_a_calendar_only_china_has_china_s_holidays():
    for zone, worked in (("Asia/Shanghai", False), ("Europe/Berlin", True)):
        loaded = workspace({"fairlead.yaml": f"name: acme\nzone: {zone}\n", "schemas/x.yaml": ENTITY})
        assert loaded.workspace is not None
        assert loaded.workspace.working_calendar().is_working_day(date(2026, 10, 1)) is worked
        assert loaded.workspace.working_calendar().zone == zone


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("zone: Asia/Nowhere", "3:7 unknown_zone zone"),
        ("country: XQ", "3:10 unknown_country country"),
        ("extends: y", "3:10 unknown_calendar extends"),
        ("extends: x", "3:10 cycle extends"),
        ('week: {monday: "18:00-09:00"}', "3:16 contradiction week.monday"),
        ('week: {monday: ["09:00-12:00", "11:00-13:00"]}', "3:32 contradiction week.monday[1]"),
        ('week: {moonday: "09:00-18:00"}', "3:8 unknown_key week.moonday"),
        ('week: {monday: "9-18"}', "3:16 bad_value week.monday"),
        ("holidays: [2026-02-30]", "3:12 bad_value holidays[0]"),
        ("holidays: [{from: 2026-05-02, to: 2026-05-01}]", "3:35 contradiction holidays[0].to"),
        ("holidays: [{from: 2026-01-01, to: 2028-01-01}]", "3:35 out_of_range holidays[0].to"),
        ("workdays: [{hours: 09:00-12:00}]", "3:12 missing_key workdays[0].on"),
    ],
)
def test_what_is_wrong_has_its_place(lines, finding):
    loaded = workspace({"workflows/x.yaml": f"kind: calendar\nname: x\n{lines}\n", "schemas/x.yaml": ENTITY})
    assert finding in found(loaded)


def test_jb_66_a_year_without_work_is_an_error():
    holidays = "[{from: 2026-01-01, to: 2026-12-31}, {from: 2027-01-01, to: 2027-01-05}]"
    text = f"kind: calendar\nname: x\nholidays: {holidays}\n"
    loaded = workspace({"workflows/x.yaml": text, "schemas/x.yaml": ENTITY})
    assert found(loaded) == ["3:11 no_working_time holidays"]


def test_jb_65_a_calendar_that_soon_ends_is_told_sixty_days_before():
    text = "kind: calendar\nname: x\nholidays: [2026-10-01]\n"
    tree = SourceTree.from_mapping({"workflows/x.yaml": text, "schemas/x.yaml": ENTITY})
    assert load(tree).problems.render() == ""
    assert load(tree, today=date(2026, 11, 1)).problems.render() == ""
    late = load(tree, today=date(2026, 11, 2))
    assert found(late) == ["3:11 calendar_gap holidays"]
    assert late.workspace is not None, "a warning, no error"


def test_cf_13_a_year_left_out_between_others_is_a_gap():
    text = "kind: calendar\nname: x\nholidays: [2025-10-01, 2027-10-01]\n"
    loaded = workspace({"workflows/x.yaml": text, "schemas/x.yaml": ENTITY})
    assert found(loaded) == ["3:11 calendar_gap holidays"]


def test_of_several_calendars_one_must_be_named():
    files = {
        "workflows/a.yaml": NATION,
        "workflows/b.yaml": NATION.replace("nation", "other"),
        "schemas/x.yaml": ENTITY,
    }
    told = [one for one in found(workspace(files)) if "unused" not in one]
    assert told == ["2:7 calendar_not_chosen name", "2:7 calendar_not_chosen name"]
    named = {**files, "fairlead.yaml": "name: acme\ncalendar: other\n"}
    loaded = workspace(named)
    assert found(loaded) == ["2:7 unused name"], "the other one is left over"
    assert loaded.workspace is not None
    assert loaded.workspace.calendar == "other"
    wrong = {**files, "fairlead.yaml": "name: acme\ncalendar: othr\n"}
    assert "2:11 unknown_calendar calendar" in found(workspace(wrong))


@pytest.mark.parametrize("kind", ["pipeline", "pool", "approval", "automation"])
def test_a_rule_may_name_a_calendar_of_its_own(kind):
    rest = {
        "pipeline": "stages: {open: }",
        "pool": "members: {teams: [east]}",
        "approval": "steps: [{name: one, by: {manager_of: starter}, mode: all}]",
        "automation": "on: {created: true}\ndo: [{set: {name: x}}]",
    }[kind]
    text = f"kind: {kind}\nname: rule\nentity: lead\ncalendar: natoin\n{rest}\n"
    lead = "kind: entity\nname: lead\ntraits: [owned, stages, approvable]\nfields: {name: {type: text}}\n"
    if kind != "pipeline":
        lead = lead.replace("stages, ", "")
    loaded = workspace({"workflows/a.yaml": NATION, "workflows/z.yaml": text, "schemas/x.yaml": lead})
    assert "4:11 unknown_calendar calendar" in found(loaded)
    right = workspace(
        {
            "workflows/a.yaml": NATION,
            "workflows/z.yaml": text.replace("natoin", "nation"),
            "schemas/x.yaml": lead,
        }
    )
    assert right.problems.render() == ""
    assert right.workspace is not None
    made = getattr(right.workspace, f"{kind}s")["rule"]
    assert made.calendar == "nation"
