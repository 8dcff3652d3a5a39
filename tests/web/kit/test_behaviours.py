"""What the kit does under the hands: keys, drags, windows, line items."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.kit.gallery import Gallery

pytestmark = pytest.mark.browser

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def server() -> Iterator[Gallery]:
    made = Gallery().start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def show(server: Gallery, page: Page) -> Iterator[Show]:
    """Open a page of the gallery and wait until its scripts are there; its console stays silent.

    A refusal (409, 422) is a failed request to the browser, which says so; everything else counts.
    """
    server.posted.clear()
    complaints: list[str] = []
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in ("error", "warning") and "Failed to load resource" not in message.text
            else None
        ),
    )

    def go(name: str, width: int = 1280) -> Page:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"{server.url}/{name}?lang=en&theme=light")
        page.wait_for_load_state("networkidle")
        return page

    yield go
    assert complaints == []


def test_ctrl_k_finds_records_and_screens(show: Show) -> None:
    page = show("today")
    page.keyboard.press("Control+k")
    page.keyboard.type("light")
    expect(page.get_by_role("option", name="Lighthouse Foods")).to_be_visible()
    page.locator("#palette-input").fill("report")
    expect(page.get_by_role("option", name="Reports")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/report"))
    expect(page.locator("#palette")).not_to_be_visible()


def test_following_a_link_keeps_the_frame_and_moves_its_mark(show: Show) -> None:
    page = show("today")
    page.evaluate("window.stillThere = true")
    page.locator(".side").get_by_role("link", name="Customers").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Customers")
    assert page.evaluate("window.stillThere") is True
    expect(page.locator('.side [aria-current="page"]')).to_have_text("Customers")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Good morning")
    expect(page.locator('.side [aria-current="page"]')).to_have_text("Today")


def test_question_mark_shows_the_keys(show: Show) -> None:
    page = show("list")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Move through the list")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_arrows_move_and_enter_opens(show: Show) -> None:
    page = show("list")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr.is-current")).to_contain_text("Lighthouse Foods")
    page.keyboard.press("x")
    expect(page.locator("[data-selection-count]")).to_have_text("1")
    page.keyboard.press(" ")
    expect(page.locator("#peek")).to_contain_text("Ningbo")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/record$"))


def test_list_search_answers_while_typing_and_keeps_the_cursor(show: Show) -> None:
    page = show("list")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("/")
    page.keyboard.type("light", delay=20)
    expect(page).to_have_url(re.compile("search=light"))
    page.wait_for_timeout(600)
    expect(page.locator("#filter-search")).to_be_focused()
    expect(page.locator("#filter-search")).to_have_value("light")
    assert len(asked) == 1


def test_going_back_restores_the_place(show: Show) -> None:
    page = show("today")
    page.set_viewport_size({"width": 1280, "height": 420})
    page.locator(".side").get_by_role("link", name="Customers").click()
    page.locator("tr[data-row]").first.wait_for()
    # A page that has just come goes to its top when it has settled; only then does a person scroll.
    expect(page.locator(".htmx-settling, .htmx-swapping, .htmx-request")).to_have_count(0)
    page.evaluate("scrollTo(0, 240)")
    page.locator('tr[data-row="7"] .row-link').click()
    expect(page).to_have_url(re.compile("/record$"))
    page.go_back()
    page.locator("tr[data-row]").first.wait_for()
    # Asked again and again from outside: the page's own policy forbids the browser to evaluate the question itself.
    for _ in range(100):
        if page.evaluate("scrollY") == 240:
            break
        page.evaluate("new Promise(done => setTimeout(done, 50))")
    assert page.evaluate("scrollY") == 240


def test_picking_all_shows_what_can_be_done(show: Show) -> None:
    page = show("list")
    bar = page.locator("[data-selection-bar]")
    expect(bar).to_be_hidden()
    page.locator("[data-pick-all]").check()
    expect(bar).to_contain_text("8 selected")
    page.locator("[data-selection-clear]").click()
    expect(bar).to_be_hidden()


def test_c_opens_the_create_menu_and_arrows_walk_it(show: Show) -> None:
    page = show("today")
    page.keyboard.press("c")
    expect(page.locator("#create-menu")).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Lead"
    page.keyboard.press("Escape")
    expect(page.locator("#create-menu")).to_be_hidden()


def drag(page: Page, card: str, stage: str) -> None:
    page.locator(f"#card-{card}").scroll_into_view_if_needed()
    start = page.locator(f"#card-{card} .card-facts").bounding_box()
    end = page.locator(f'[data-cards][data-stage="{stage}"]').bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + 15, steps=4)
    page.mouse.move(end["x"] + 60, end["y"] + 40, steps=12)


def test_drag_shows_where_a_card_may_go_and_tells_the_server(show: Show, server: Gallery) -> None:
    page = show("board", 1900)
    drag(page, "2", "proposal")
    expect(page.locator('[data-column="proposal"]')).to_have_class("board-column may-drop")
    expect(page.locator('[data-column="won"] .board-why')).to_have_text("A quote has to be accepted first.")
    page.mouse.up()
    expect(page.locator('[data-stage="proposal"] #card-2')).to_be_visible()
    expect(page.locator(".toast-line")).to_contain_text("Moved to Proposal")
    path, body, headers = server.posted[0]
    assert (path, body["id"], body["stage"], body["version"]) == ("/move", ["2"], ["proposal"], ["1"])
    assert headers["X-CSRF-Token"] == "gallery"
    assert headers["Idempotency-Key"]


def test_drag_to_where_it_may_not_go_does_nothing(show: Show, server: Gallery) -> None:
    page = show("board", 1900)
    drag(page, "2", "won")
    page.mouse.up()
    expect(page.locator('[data-stage="qualified"] #card-2')).to_be_visible()
    assert server.posted == []


def test_refused_move_puts_the_card_back_and_says_why(show: Show) -> None:
    page = show("board", 1900)
    page.locator("#card-7").hover()
    page.locator("#card-7 [popovertarget]").click()
    page.locator("#move-7").get_by_role("menuitem", name="Lost").click()
    expect(page.locator(".toast-line")).to_contain_text("Rui moved it a minute ago.")
    expect(page.locator('[data-stage="qualified"] #card-7')).to_be_visible()


def test_move_that_needs_more_opens_the_small_form(show: Show) -> None:
    page = show("board", 1900)
    page.locator("#card-7").hover()
    page.locator("#card-7 [popovertarget]").click()
    page.locator("#move-7").get_by_role("menuitem", name="Won").click()
    expect(page.locator("#modal")).to_contain_text("Signed on")
    expect(page.locator('[data-stage="qualified"] #card-7')).to_be_visible()


def test_field_shows_and_is_required_by_its_condition(show: Show) -> None:
    page = show("form")
    field = page.locator('[data-field="instalments"]')
    expect(field).to_be_visible()
    expect(field.locator("[data-required-mark]")).to_be_visible()
    page.locator("#f-terms").select_option("net30")
    expect(field).to_be_hidden()
    expect(field.locator("input")).to_be_disabled()


def test_line_total_follows_and_enter_adds_a_row(show: Show) -> None:
    page = show("form")
    second = page.locator("[data-lines-row]").nth(1)
    second.locator('[data-column="price"] input').fill("250.50")
    expect(second.locator("output")).to_have_text("3,006.00")
    second.locator('[data-column="qty"] input').press("Enter")
    expect(page.locator("[data-lines-row]")).to_have_count(3)
    expect(page.locator('[name="lines.2.qty"]')).to_have_value("1")


def test_block_from_a_spreadsheet_fills_rows(show: Show) -> None:
    page = show("form")
    page.locator('[name="lines.0.qty"]').focus()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.setData("text/plain", "3\\thour\\t10.00\\n4\\tpiece\\t20.00\\n5\\thour\\t30.00\\n");
          const paste = {clipboardData: data, bubbles: true, cancelable: true};
          document.activeElement.dispatchEvent(new ClipboardEvent("paste", paste));
        }"""
    )
    expect(page.locator("[data-lines-row]")).to_have_count(3)
    assert [page.locator(f'[name="lines.{n}.qty"]').input_value() for n in range(3)] == ["3", "4", "5"]
    assert page.locator('[name="lines.2.unit"]').input_value() == "h"
    expect(page.locator("[data-lines-row] output").nth(2)).to_have_text("150.00")


def test_picker_asks_the_server_and_takes_an_answer(show: Show) -> None:
    page = show("form")
    page.locator('[data-field="owner"] .ts-control').click()
    page.keyboard.type("moor")
    page.locator(".ts-dropdown .option", has_text="Mooring rope").click()
    assert page.locator('select[name="owner"]').input_value() == "5"


def test_missing_required_field_is_asked_for_at_once(show: Show, server: Gallery) -> None:
    page = show("form")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#f-name-error")).to_have_text("Please fill this in.")
    expect(page.locator("#f-name")).to_be_focused()
    assert server.posted == []


def test_sent_once_with_version_and_key(show: Show, server: Gallery) -> None:
    page = show("form")
    page.locator("#f-name").fill("Harbour handling")
    page.locator('[data-column="price"] input').nth(1).fill("1")
    page.get_by_role("button", name="Save", exact=True).dblclick()
    page.wait_for_timeout(300)
    saved = [entry for entry in server.posted if entry[0] == "/save"]
    assert len(saved) == 1
    assert saved[0][2]["If-Match"] == '"1"'
    assert saved[0][2]["Idempotency-Key"]


def test_draft_is_kept_while_typing(show: Show, server: Gallery) -> None:
    page = show("form")
    page.locator("#f-name").fill("Half a quote")
    expect(page.locator("[data-draft-mark]").first).to_have_text("Draft saved", timeout=4000)
    assert any(path == "/draft" and body["name"] == ["Half a quote"] for path, body, _ in server.posted)


def test_leaving_unsaved_changes_is_asked_about(show: Show) -> None:
    page = show("form")
    page.locator("#f-name").fill("Half a quote")
    page.locator(".side").get_by_role("link", name="Customers").click()
    expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()
    page.get_by_role("button", name="Keep editing").click()
    expect(page.locator("#f-name")).to_have_value("Half a quote")


def test_what_cannot_be_pressed_says_why(show: Show, server: Gallery) -> None:
    page = show("record")
    page.get_by_role("button", name="Submit for approval").click(force=True)
    expect(page.locator(".toast-line")).to_contain_text("A quote is missing.")
    assert server.posted == []


def test_window_keeps_the_focus_and_gives_it_back(show: Show) -> None:
    page = show("windows")
    page.locator("#open-example").click()
    for _ in range(8):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('#example')"
        )
    page.keyboard.press("Escape")
    expect(page.locator("#open-example")).to_be_focused()


def test_deleting_asks_in_a_window_of_ours(show: Show, server: Gallery) -> None:
    page = show("record")
    page.locator('[popovertarget="record-more"]').click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_role("dialog", name="Are you sure?")).to_contain_text("This cannot be undone.")
    page.get_by_role("button", name="Cancel").click()
    assert server.posted == []


def test_rejecting_needs_a_comment(show: Show, server: Gallery) -> None:
    page = show("inbox")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("textarea[name=comment]")).to_be_focused()
    assert server.posted == []
    page.locator("textarea[name=comment]").fill("Too much.")
    page.get_by_role("button", name="Reject").click()
    page.wait_for_timeout(200)
    assert server.posted[0][1]["decision"] == ["reject"]
    assert server.posted[0][1]["version"] == ["3"]


def test_theme_is_kept(show: Show) -> None:
    page = show("today")
    page.locator(".profile-open").click()
    page.get_by_role("button", name="Dark").click()
    # The colours fade over; what counts is where they come to rest.
    expect(page.locator("body")).to_have_css("background-color", "rgb(21, 24, 26)")
    assert "theme=dark" in page.evaluate("document.cookie")


def test_phone_menu_comes_from_below(show: Show) -> None:
    page = show("today", 390)
    page.get_by_role("button", name="More").click()
    expect(page.locator("#side").get_by_role("link", name="Reports")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_hidden()


def test_chart_leads_to_its_records(show: Show) -> None:
    page = show("report")
    page.locator("[data-chart=funnel] svg path").first.wait_for()
    page.locator("[data-chart=funnel] .chart-picture").click(position={"x": 150, "y": 30})
    expect(page).to_have_url(re.compile(r"/list\?s=1"))


def test_demo_account_fills_the_form(show: Show) -> None:
    page = show("signin")
    page.get_by_role("button", name="Sales manager").click()
    expect(page.locator("#f-username")).to_have_value("manager")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
