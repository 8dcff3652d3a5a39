"""Real estate, by the same engine: a unit is held, subscribed with an approved discount, and shown on the board."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Sit
from tests.support.serving import Client, eventually

pytestmark = [pytest.mark.browser, pytest.mark.screenshots]


def pick(scope: Page | Locator, page: Page, name: str, text: str) -> None:
    """Choose in a picker with search: type, take the first that is offered."""
    field = scope.locator(f"select[name='{name}']")
    control = field.locator("xpath=following-sibling::div[contains(@class,'ts-wrapper')]//input").first
    control.click()
    control.fill(text)
    page.locator(".ts-dropdown .option:visible").first.click()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_the_unit_board_to_an_approved_subscription(
    estate: str, sit: Sit, client: type[Client], size: str
) -> None:
    rep, api = sit(estate, "rep1", size=size, lang="zh"), client(estate)
    unit = api.get("/api/v1/unit?filter=stage=='available'&order_by=code&page_size=1", "rep1")["items"][0]
    buyer = api.get("/api/v1/buyer?filter=owner==user&page_size=1", "rep1")["items"][0]

    rep.go("/b/unit_board")
    rep.picture("unit-board-before")

    # hold: the move asks for whom and until when
    rep.go(f"/r/unit/{unit['id']}")
    if size == "phone":
        rep.button("^转移|^移动|^变更|^流转")
        rep.page.locator("[popover]:popover-open, .dropdown-menu.show").get_by_text(
            re.compile("^保留")
        ).first.click()
    else:
        rep.page.locator(".stages button", has_text=re.compile("保留")).first.click()
    sheet = rep.page.locator("dialog[open]")
    pick(sheet, rep.page, "held_by", buyer["name"])
    until = datetime.now(UTC).astimezone(ZoneInfo("Asia/Shanghai")) + timedelta(days=2)
    sheet.locator("[name=held_until]").fill(until.strftime("%Y-%m-%dT%H:%M"))
    rep.picture("hold")
    sheet.locator("button[type=submit]").last.click()
    eventually(lambda: api.get(f"/api/v1/unit/{unit['id']}", "rep1")["stage"] == "held", what="held")

    # subscribe at four per cent off
    rep.go(f"/r/unit/{unit['id']}")
    rep.button("^认购$|认购$")
    expect(rep.page.locator("[name=discount]")).to_be_visible()
    rep.page.locator("[name=discount]").fill("4")
    deposit = rep.page.locator("[name=deposit]")
    if deposit.count():
        deposit.fill("50000")
    rep.picture("subscription-form")
    rep.page.locator("form button[type=submit]:visible").last.click()
    subscription = eventually(
        lambda: api.get(f"/api/v1/subscription?filter=unit=='{unit['id']}'", "rep1")["items"],
        what="the subscription",
    )[0]

    # submit, approve on a phone
    answer = api.call("POST", f"/api/v1/subscription/{subscription['id']}/submit", "rep1", {})
    assert answer.status == 200, answer.body
    if answer.json["needed"]:
        manager = sit(estate, "manager", size="phone", lang="zh")
        task = next(
            t for t in api.get("/api/v1/tasks", "manager")["items"] if t["record"] == subscription["id"]
        )
        manager.go(f"/approvals/{task['approval']}")
        manager.picture("estate-approve")
        manager.button("^同意|^批准|^通过")
        eventually(
            lambda: (
                api.get(f"/api/v1/approvals/{task['approval']}", "rep1")["state"] in ("approved", "running")
            ),
            what="a decision",
        )
        for who in ("admin", "manager2"):
            for more in api.get("/api/v1/tasks", who)["items"]:
                if more["record"] == subscription["id"]:
                    api.call("POST", f"/api/v1/tasks/{more['id']}/approve", who, {"version": more["version"]})
        manager.quiet()
    eventually(
        lambda: api.get(f"/api/v1/unit/{unit['id']}", "rep1")["stage"] == "subscribed",
        what="the unit, subscribed",
    )

    rep.go("/b/unit_board")
    rep.picture("unit-board")
    rep.quiet()
