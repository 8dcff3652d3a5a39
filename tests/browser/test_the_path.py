"""The first thing a newcomer does: claim, convert, quote, submit; approve on a phone; see the funnel move."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Sit
from tests.support.serving import Client, eventually

pytestmark = [pytest.mark.browser, pytest.mark.screenshots]


def fill_choice(page: Page, name: str, text: str) -> None:
    """Choose in a picker: type, take the first that is offered."""
    box = page.locator(
        f"[data-field='{name}'] .ts-control input, .field:has(#f-{name}) .ts-control input"
    ).first
    box.click()
    box.fill(text)
    page.locator(".ts-dropdown .option:visible").first.click()


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_from_the_pool_to_an_approved_quote(general: str, sit: Sit, client: type[Client], size: str) -> None:
    rep, api = sit(general, "rep1", size=size), client(general)
    rep.picture("home")
    before = {
        row["keys"][0]: row["values"][0] for row in api.get("/api/v1/reports/sales_funnel", "rep1")["rows"]
    }

    # claim
    rep.go("/p/lead_pool")
    rep.picture("pool")
    free = api.get("/api/v1/lead?filter=owner == null&page_size=50".replace(" ", "%20"), "rep1")["items"]
    rep.page.get_by_role("button", name=re.compile("^Claim ")).filter(visible=True).first.click()
    lead = eventually(
        lambda: [one for one in api.get("/api/v1/lead?page_size=100", "rep1")["items"]
                 if one["owner"] and one["id"] in {f["id"] for f in free}], what="the claim")[0]  # fmt: skip
    rep.go("/l/lead?view=mine")
    rep.picture("list")
    rep.go(f"/r/lead/{lead['id']}")
    rep.picture("record")

    # qualify: the stage asks for what it needs, in place
    if size == "phone":
        rep.button("^Move")
        rep.page.locator("[popover]:popover-open, .dropdown-menu.show").get_by_text(
            re.compile("^Qualif")
        ).first.click()
    else:
        rep.button("^Qualif")
    sheet = rep.page.locator("dialog[open]")
    sheet.locator("[name=need]").fill("Measure energy on twelve lines")
    rep.picture("qualify")
    sheet.locator("button[type=submit]").last.click()
    eventually(
        lambda: api.get(f"/api/v1/lead/{lead['id']}", "rep1")["stage"] == "qualified", what="qualified"
    )

    # convert: the customer's form opens filled; an automation makes the contact and the opportunity
    rep.go(f"/r/lead/{lead['id']}")
    rep.button("Convert")
    expect(rep.page.locator("[name=name]")).not_to_have_value("")
    rep.picture("convert")
    rep.page.locator("form button[type=submit]:visible").last.click()
    customer = eventually(
        lambda: api.get(f"/api/v1/lead/{lead['id']}", "rep1")["customer"], what="the customer"
    )
    opportunity = eventually(
        lambda: api.get(f"/api/v1/opportunity?filter=customer=='{customer}'", "rep1")["items"],
        what="the opportunity that the conversion makes",
    )[0]

    # quote with line items and live totals
    rep.go(f"/r/opportunity/{opportunity['id']}")
    rep.picture("opportunity")
    rep.button("New quote")
    expect(rep.page.locator("[name=subject], [name=name]").first).to_be_visible()
    rep.page.wait_for_load_state("networkidle")
    write_quote(rep.page)
    rep.picture("quote-form")
    rep.page.locator("form button[type=submit]:visible").last.click()
    quote = eventually(
        lambda: api.get(f"/api/v1/quote?filter=opportunity=='{opportunity['id']}'", "rep1")["items"],
        what="the quote",
    )[0]
    assert quote["total"] == "265200.00", quote

    # submit
    rep.go(f"/r/quote/{quote['id']}")
    rep.picture("quote")
    rep.button("^Submit")
    sheet = rep.page.locator("dialog[open]")
    expect(sheet.get_by_text("Leo Chen")).to_be_visible()
    rep.picture("submit")
    sheet.locator("button[type=submit]").last.click()
    eventually(
        lambda: api.get(f"/api/v1/quote/{quote['id']}", "rep1")["stage"] == "in_approval", what="in approval"
    )

    # approve: the manager on a phone, then finance
    manager = sit(general, "manager", size="phone")
    manager.go("/inbox")
    manager.picture("inbox")
    task = next(t for t in api.get("/api/v1/tasks", "manager")["items"] if t["record"] == quote["id"])
    manager.go(f"/approvals/{task['approval']}")
    manager.picture("approve")
    manager.button("^Approve")
    finance = eventually(
        lambda: [t for t in api.get("/api/v1/tasks", "finance")["items"] if t["record"] == quote["id"]],
        what="finance's turn",
    )[0]
    api.call("POST", f"/api/v1/tasks/{finance['id']}/approve", "finance", {"version": finance["version"]})
    assert api.get(f"/api/v1/quote/{quote['id']}", "rep1")["stage"] == "approved"

    # the board and the funnel
    rep.go("/b/opportunity_board")
    rep.picture("board")
    rep.go("/reports/sales_funnel")
    rep.picture("funnel")
    after = {
        row["keys"][0]: row["values"][0] for row in api.get("/api/v1/reports/sales_funnel", "rep1")["rows"]
    }
    assert sum(after.values()) == sum(before.values()) + 1
    rep.quiet()
    manager.quiet()


def write_quote(page: Page) -> None:
    """Three gateways at fifteen per cent off."""
    subject = page.locator("[name=subject], [name=name]").first
    if not subject.input_value():
        subject.fill("Energy metering for twelve lines")
    page.locator("[name=valid_until]").fill("2027-01-31")
    row = page.locator("[data-lines] [data-line], [data-lines] tbody tr").first
    row.locator(".ts-control input").first.click()
    row.locator(".ts-control input").first.fill("Rack")
    page.locator(".ts-dropdown .option:visible").first.click()
    quantity = row.locator("[name$='qty'], [name$='qty]']").first
    quantity.fill("6")
    quantity.press("Tab")
    row.locator("[name$='list_price'], [name$='list_price]']").first.fill("52000")
    page.locator("[name=discount]").fill("15")
    page.locator("[name=discount]").press("Tab")
