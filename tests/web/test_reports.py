"""Reports and dashboards at the screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.world import open_world
from tests.web.desk import Screens, counted, screens_of
from tests.web.office import OFFICE

_MORE = {
    "admin/by_month.yaml": """
kind: report
name: by_month
entity: deal
label: {en: By month, zh: 按月}
type: trend
dimensions: [{field: close_on, by: month}]
measures: [{sum: amount}, {count: true}]
chart: {type: line}
""",
    "admin/by_owner.yaml": """
kind: report
name: by_owner
entity: deal
label: {en: By owner, zh: 按负责人}
type: table
dimensions: [owner, region]
measures: [{count: true}]
chart: {type: bar}
""",
    "admin/desk.yaml": """
kind: dashboard
name: desk
label: {en: Desk, zh: 看板}
roles: [admin, manager]
tiles:
  - {report: by_stage, measure: amount, width: 3, label: {en: Everything, zh: 合计}}
  - {report: by_stage, width: 6}
  - {report: by_owner, width: 6}
  - {list: deal, view: mine, width: 12, label: {en: Mine, zh: 我的}}
""",
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    """The office with some deals to count."""
    folder: Path = tmp_path_factory.mktemp("reports")
    with open_world(f"sqlite:///{folder / 'fairlead.sqlite3'}", {**OFFICE, **_MORE}) as world:
        for number, (amount, month) in enumerate((("100", "03"), ("200", "03"), ("400", "05"))):
            world.create(
                "rui", name=f"Deal {number}", amount=amount, close_on=f"2026-{month}-15", region="north"
            )
        world.move("rui", world.create("rui", name="Further", amount="1000", close_on="2026-05-20"), "offer")
        yield screens_of(world)


def test_the_number_comes_first_and_leads_to_its_records(desk: Screens) -> None:
    page = desk.as_("mei").get("/reports/by_stage").text
    assert "¥1,700.00" in page
    assert '(record.stage == "' not in page
    assert 'record.stage == "offer"' in unquote(page)


def test_a_funnel_says_how_far_each_came(desk: Screens) -> None:
    text = desk.as_("mei").text("/reports/by_stage")
    assert "Came this far" in text
    assert "25 %" in text, "one of four went on"


def test_every_number_leads_to_exactly_its_records(desk: Screens) -> None:
    """The filter behind each row of every report gives as many records as the row counts."""
    from fairlead.work import reports

    for name, counts in (("by_stage", 0), ("by_month", 1), ("by_owner", 0)):
        found = reports.run(desk.context("mei"), name)
        for row in found.rows:
            assert row.drill is not None
            assert len(desk.world.sees("mei", filter=row.drill)) == row.values[counts], row.drill


def test_months_in_which_nothing_happened_are_on_the_line(desk: Screens) -> None:
    page = desk.as_("mei").get("/reports/by_month").text
    assert "Apr 2026" in page
    assert "May 2026" in page


def test_only_what_my_roles_open(desk: Screens) -> None:
    assert desk.as_("rui").get("/reports/by_stage").status_code == 200
    assert desk.as_("rui").get("/reports/by_month").status_code == 404
    assert desk.as_("rui").get("/d/desk").status_code == 404
    assert "By month" not in desk.as_("rui").text("/reports")
    assert desk.as_("otto").get("/reports").status_code == 200
    assert desk.as_("otto").get("/reports/by_stage").status_code == 404, "no deal is open to guests"
    assert desk.stranger().get("/reports").status_code == 302


def test_files_only_for_those_who_may_take_data_out(desk: Screens) -> None:
    assert desk.as_("ada").get("/reports/by_stage.csv").data.startswith(b"\xef\xbb\xbfStage")
    assert desk.as_("ada").get("/reports/by_stage.xlsx").data[:2] == b"PK"
    assert desk.as_("mei").get("/reports/by_stage.csv").status_code == 403
    assert "may not export" in desk.as_("mei").get("/reports/by_stage").text


def test_nothing_to_count_says_what_to_do(desk: Screens) -> None:
    assert "Nothing to count yet" in desk.as_("sana").text("/reports/by_stage")


def test_a_dashboard_shows_its_tiles(desk: Screens) -> None:
    text = desk.as_("mei").text("/d/desk")
    for expected in ("Everything", "¥1,700.00", "By stage", "By owner"):
        assert expected in text
    part = desk.as_("mei").get("/d/desk?part=tiles").text
    assert "<html" not in part
    assert "tile-number" in part


def test_a_report_used_twice_is_computed_once(desk: Screens) -> None:
    desk.as_("mei").get("/d/desk")
    with counted() as ran:
        desk.as_("mei").get("/d/desk")
    assert len(ran) <= 10, ran
