"""What the screens of pools, search, dashboards and the administration ask for, on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fairlead.base.errors import Forbidden, NotFound
from fairlead.work import console, dashboards, notices, pool_views, pools, reports, search

from tests.support.world import DEAL, World, open_world, refusal

DESK = """
kind: dashboard
name: desk
label: {en: Desk, zh: 看板}
tiles:
  - {report: by_stage, measure: count, width: 3}
  - {list: deal, width: 6}
"""


@pytest.fixture
def office(database_url: str) -> Iterator[World]:
    """The small office with a dashboard."""
    with open_world(database_url, {**DEAL, "admin/desk.yaml": DESK}) as world:
        yield world


def titles(office: World, who: str, words: str) -> list[str]:
    """Return what somebody finds."""
    return [hit.title for _, hits in search.records(office.as_(who), words) for hit in hits]


def test_search_finds_by_parts_and_by_sound_newest_first(office: World) -> None:
    office.create("rui", name="上海远航设备")
    office.create("rui", name="远航二期")
    assert titles(office, "rui", "远航") == ["远航二期", "上海远航设备"]
    assert titles(office, "rui", "yuanhang") == ["远航二期", "上海远航设备"]
    assert titles(office, "sana", "远航") == []
    assert titles(office, "ada", "x") == [], "a single letter is in everything"


def test_a_search_tells_nothing_of_what_is_hidden(office: World) -> None:
    """What lies in the pool is found only by those who see every field it could be found by."""
    office.create("system", name="Pooled wonder", owner=None)
    found = titles(office, "rui", "wonder")
    hidden = set(office.app.entities["deal"].search_fields) - office.app.access("deal", ("rep",)).readable
    assert found == ([] if hidden else ["Pooled wonder"])
    assert titles(office, "ada", "wonder") == ["Pooled wonder"]


def test_a_pool_and_what_one_may_not_claim_yet(office: World) -> None:
    id = office.create("system", name="Back and forth", owner=None)
    office.claim("rui", id)
    pools.release(office.as_("rui"), "deal", id, reason="wrong")
    mine = pool_views.view(office.as_("rui"), "deal_pool")
    assert mine.free == 1
    assert set(mine.blocked) == {id}
    assert pool_views.view(office.as_("sana"), "deal_pool").blocked == {}
    assert refusal(pool_views.claim_next, office.as_("rui"), "deal_pool").code == "pool.none-left"
    assert pool_views.claim_next(office.as_("sana"), "deal_pool").id == id


def test_holdings_stand_in_the_order_in_which_they_go_back(office: World) -> None:
    for name in ("First", "Second"):
        office.claim("rui", office.create("system", name=name, owner=None))
        office.later(days=1)
    pool = office.app.workspace.pools["deal_pool"]
    assert [one.title for one in pool_views.holdings(office.as_("rui"), pool)] == ["First", "Second"]


def test_every_group_of_a_report_leads_to_its_records(office: World) -> None:
    office.create("rui", name="One", amount="10")
    office.move("rui", office.create("rui", name="Two", amount="20"), "offer")
    found = reports.run(office.as_("rui"), "by_stage")
    assert [(row.keys[0], len(office.sees("rui", filter=row.drill))) for row in found.rows] == [
        ("open", 1),
        ("offer", 1),
    ]


@pytest.mark.parametrize(
    ("key", "by", "days"),
    [
        ("2026", "year", ("2026-01-01", "2026-12-31")),
        ("2026-Q4", "quarter", ("2026-10-01", "2026-12-31")),
        ("2028-02", "month", ("2028-02-01", "2028-02-29")),
        ("2026-05-04", "week", ("2026-05-04", "2026-05-10")),
        ("2026-05-04", "day", ("2026-05-04", "2026-05-04")),
    ],
)
def test_periods_as_days(key: str, by: str, days: tuple[str, str]) -> None:
    first, last = reports.period_days(key, by)
    assert (first.isoformat(), last.isoformat()) == days
    assert reports.period_of(last, by) == key


def test_no_period_is_left_out() -> None:
    assert reports.periods_between("2025-11", "2026-02", "month") == [
        "2025-11",
        "2025-12",
        "2026-01",
        "2026-02",
    ]


def test_a_dashboard_leaves_out_what_is_not_ones_own(office: World) -> None:
    office.create("rui", name="Seen")
    board = dashboards.dashboard(office.as_("rui"), "desk")
    number, records = dashboards.tiles(office.as_("rui"), board)
    assert number.result is not None
    assert number.result.totals[0] == 1
    assert records.records is not None
    assert len(records.records.items) == 1
    assert dashboards.tiles(office.as_("otto"), board) == []


def test_the_administration_asks_for_its_capability(office: World) -> None:
    for call in (console.events, console.roles, console.published):
        assert isinstance(refusal(call, office.as_("rui")), Forbidden)
    assert isinstance(refusal(console.revision, office.as_("ada"), 99), NotFound)
    assert console.health(office.as_("rui")).people is None
    assert console.health(office.as_("ada")).people == 5


def test_history_keeps_the_values_of_records_one_may_not_see(office: World) -> None:
    office.publish(
        {"admin/role_rep.yaml": office.files["admin/role_rep.yaml"].rstrip() + "\n  system: [history]\n"}
    )
    office.create("sana", name="Secret of Sana", amount="77")
    lines, _ = console.events(office.as_("rui"), entity="deal")
    assert lines
    assert all(pair is None for line in lines for _, pair in line.changes)
    assert all(line.title is None for line in lines)


def test_a_notice_is_ones_own(office: World) -> None:
    assert notices.listing(office.as_("rui")) == ([], None)
    assert isinstance(refusal(notices.one, office.as_("rui"), "nothing"), NotFound)
