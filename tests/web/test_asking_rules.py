"""EX-11: a rule that needs what a person may not read is followed on the server; the form asks, and gets answers alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from fairlead.work import passwords
from playwright.sync_api import Browser, expect
from werkzeug.serving import make_server

from tests.support.world import DEAL, open_world
from tests.web.desk import Screens, screens_of

passwords.use_cost("low")

# Reps may not see the margin. Whether a deal needs a reason hangs on it, and on the customer behind a reference.
HOUSE = {
    **DEAL,
    "schemas/deal.yaml": DEAL["schemas/deal.yaml"]
    .replace(
        "  reason: {type: text, label: {en: Reason, zh: 原因}}",
        "  reason: {type: text, label: {en: Reason, zh: 原因}, visible_when: 'number(record.amount) > record.margin * 100000.0',\n"
        "    required_when: 'record.margin < 0.1'}\n"
        "  after: {type: reference, entity: deal, on_delete: clear, label: {en: After, zh: 前单}}\n"
        "  praise: {type: text, label: {en: Praise, zh: 好评}, visible_when: \"record.after.amount > 500.0\"}",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    folder: Path = tmp_path_factory.mktemp("asking")
    with open_world(f"sqlite:///{folder / 'fairlead.sqlite3'}", HOUSE) as world:
        yield screens_of(world)


@pytest.fixture(scope="module")
def deal(house: Screens) -> str:
    return house.world.create(
        "ada", name="Deal", amount="1000.00", margin="0.05", owner=house.world.actors["rui"].id
    )


def env_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" data-env>(.*?)</script>', page, re.S)
    assert found is not None
    env: dict[str, Any] = json.loads(found[1])
    return env


def test_ex_11_the_page_holds_the_answer_and_nothing_that_it_was_made_from(house: Screens, deal: str) -> None:
    page = house.as_("rui").get(f"/r/deal/{deal}/edit").text
    env = env_of(page)
    assert env["extra"] == {"visible:reason": False, "required:reason": True, "visible:praise": False}
    assert env["ask"]["url"] == f"/r/deal/{deal}/edit/rules"
    assert "0.05" not in page
    assert "100000" not in page, "the rule itself stays on the server too"
    assert "extra.visible:reason" in page


def test_ex_11_who_may_read_everything_is_not_made_to_ask_about_it(house: Screens, deal: str) -> None:
    env = env_of(house.as_("ada").get(f"/r/deal/{deal}/edit").text)
    assert set(env["extra"]) == {"visible:praise"}


def test_ex_11_the_form_asks_with_what_is_typed(house: Screens, deal: str) -> None:
    rui = house.as_("rui")
    form = rui.form(f"/r/deal/{deal}/edit")
    said = rui.post(f"/r/deal/{deal}/edit/rules", {**form, "amount": "9,000"})
    assert said.get_json() == {"visible:reason": True, "required:reason": True, "visible:praise": False}
    assert (
        rui.post(f"/r/deal/{deal}/edit/rules", {**form, "amount": "much"}).get_json()["visible:reason"]
        is False
    )
    assert house.world.get("ada", deal)["amount"] == "1000.00"


def test_ex_11_what_is_not_theirs_to_write_is_not_taken_from_them(house: Screens, deal: str) -> None:
    """Typing a margin into the request does not change the answer, or the margin could be found by asking."""
    rui = house.as_("rui")
    form = rui.form(f"/r/deal/{deal}/edit")
    for margin in ("0.001", "50", "90"):
        answers = rui.post(f"/r/deal/{deal}/edit/rules", {**form, "margin": margin}).get_json()
        assert answers["required:reason"] is True


def test_ex_11_a_record_that_they_may_not_see_answers_nothing(house: Screens, deal: str) -> None:
    seen = house.world.create("rui", name="Mine", amount="600.00")
    unseen = house.world.create("ada", name="Theirs", amount="600.00", owner=house.world.actors["ada"].id)
    rui = house.as_("rui")
    form = rui.form(f"/r/deal/{deal}/edit")
    ask = f"/r/deal/{deal}/edit/rules"
    assert rui.post(ask, {**form, "after": seen}).get_json()["visible:praise"] is True
    assert rui.post(ask, {**form, "after": unseen}).get_json()["visible:praise"] is False
    assert rui.post(ask, {**form, "after": "nothing"}).get_json()["visible:praise"] is False


def test_ex_11_only_who_may_change_the_record_may_ask(house: Screens, deal: str) -> None:
    assert house.as_("sana").post(f"/r/deal/{deal}/edit/rules", {}).status_code == 404
    assert house.as_("otto").post("/r/deal/new/rules", {}).status_code in (403, 404)
    assert house.as_("rui").post(f"/r/deal/{deal}/edit/rules", {}, csrf=False).status_code in (400, 403)


def test_ex_11_a_new_record_asks_too(house: Screens) -> None:
    seen = house.world.create("rui", name="Before", amount="600.00")
    rui = house.as_("rui")
    env = env_of(rui.get("/r/deal/new").text)
    assert env["ask"]["url"] == "/r/deal/new/rules"
    assert rui.post(env["ask"]["url"], {"name": "New", "after": seen}).get_json()["visible:praise"] is True


def test_ex_11_in_the_browser_the_field_comes_and_goes(house: Screens, deal: str, browser: Browser) -> None:
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    context = browser.new_context()
    try:
        cookie = house.as_("rui").client.get_cookie("fairlead_session")
        assert cookie is not None
        context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base}])
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{base}/r/deal/{deal}/edit")
        reason = page.locator('[data-field="reason"]')
        expect(reason).to_be_hidden()
        page.fill('input[name="amount"]', "9000")
        expect(reason).to_be_visible(timeout=30_000)
        expect(reason.locator("input")).to_have_attribute("aria-required", "true")
        page.fill('input[name="amount"]', "10")
        expect(reason).to_be_hidden(timeout=30_000)
        assert complaints == []
    finally:
        context.close()
        server.shutdown()
