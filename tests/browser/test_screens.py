"""Every screen, at a desk and on a phone, in both languages: nothing too wide, a silent console, no serious fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Sit, serving
from tests.support.serving import Client

pytestmark = [pytest.mark.browser, pytest.mark.screenshots]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One demonstration for all walks; they only look."""
    folder: Path = tmp_path_factory.mktemp("office")
    yield from serving("general_sales", folder)


REP = {
    "today": "/", "leads": "/l/lead", "opportunities": "/l/opportunity", "board-rep": "/b/opportunity_board",
    "pool-rep": "/p/lead_pool", "inbox-rep": "/inbox?box=mine", "search": "/search?q=ky", "notices": "/notices",
    "account": "/account", "new-lead": "/r/lead/new", "reports": "/reports", "empty": "/l/lead?search=zzzzzz",
}  # fmt: skip
MANAGER = {
    "today-manager": "/", "inbox-manager": "/inbox", "dashboard": "/d/manager_dashboard", "board-manager": "/b/lead_board",
    "trend": "/reports/monthly_trend", "leaderboard": "/reports/won_by_rep", "pool-manager": "/p/lead_pool",
}  # fmt: skip
ADMIN = {
    "console": "/console/", "console-people": "/console/people/", "console-teams": "/console/teams/",
    "console-roles": "/console/roles/", "console-jobs": "/console/jobs/", "console-revisions": "/console/revisions/",
    "console-history": "/console/history/",
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
@pytest.mark.parametrize(
    ("who", "screens"),
    [("rep1", REP), ("manager", MANAGER), ("admin", ADMIN)],
    ids=["rep", "manager", "admin"],
)
def test_every_screen(office: str, sit: Sit, who: str, screens: dict[str, str], size: str, lang: str) -> None:
    desk = sit(office, who, size=size, lang=lang)
    for name, path in screens.items():
        desk.go(path)
        assert desk.page.locator("h1").count(), f"{path} has no heading"
        desk.picture(f"{name}-{lang}")
    if who == "rep1":
        api = Client(office)
        for entity in ("lead", "customer", "opportunity", "quote"):
            first = api.get(f"/api/v1/{entity}?page_size=1", who)["items"][0]
            desk.go(f"/r/{entity}/{first['id']}")
            desk.picture(f"{entity}-{lang}")
    desk.quiet()
