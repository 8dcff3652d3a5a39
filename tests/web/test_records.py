"""The page of a record, and everything done from it."""

from __future__ import annotations

import re

import pytest

from tests.web.desk import PART, Screens, counted, words


@pytest.fixture
def deal(office: Screens) -> str:
    """A deal of Rui's."""
    return office.world.create(
        "rui", name="Harbour cranes", amount="1250.50", region="north", phone="13800138000",
        lines=[{"item": "Crane", "qty": 2, "price": "10"}],
    )  # fmt: skip


def version(office: Screens, id: str) -> str:
    """Return the version that stands."""
    return str(office.world.get("ada", id)["version"])


def test_the_page_says_what_the_record_says(office: Screens, deal: str) -> None:
    text = office.as_("rui").text(f"/r/deal/{deal}")
    for expected in (
        "Harbour cranes",
        "¥1,250.50",
        "North",
        "Open",
        "Offer",
        "Won",
        "Crane",
        "¥20.00",
        "Rui",
    ):
        assert expected in text


def test_what_may_not_be_seen_shows_a_lock_not_a_blank(office: Screens, deal: str) -> None:
    page = office.as_("rui").get(f"/r/deal/{deal}").text
    assert re.search(r"<dt>Margin</dt><dd><span class=\"lock\"", page)
    assert "13800138000" not in page
    assert "138 0013 8000" not in page


def test_what_is_not_there_and_what_may_not_be_seen_look_alike(office: Screens, deal: str) -> None:
    hidden = office.as_("sana").get(f"/r/deal/{deal}")
    missing = office.as_("sana").get("/r/deal/nothing")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.text == missing.text
    for part in (
        "peek",
        "timeline",
        "who",
        "edit",
        "f/name",
        "move?stage=offer",
        "related/0",
        "explain/double",
    ):
        assert office.as_("sana").get(f"/r/deal/{deal}/{part}", PART).status_code == 404


def test_a_text_that_looks_like_html_is_text(office: Screens) -> None:
    """A-W03."""
    evil = '" hx-get="/admin" hx-trigger="load <script>alert(1)</script>'
    id = office.world.create("rui", name=evil[:80])
    for path in (
        f"/r/deal/{id}",
        f"/r/deal/{id}/edit",
        "/l/deal?view=mine",
        f"/r/deal/{id}/peek",
        "/b/deal_board",
    ):
        page = office.as_("rui").get(path).text
        assert "<script>alert" not in page
        assert 'hx-get="/admin"' not in page


def test_a_plain_move_is_one_press(office: Screens, deal: str) -> None:
    page = office.as_("rui").get(f"/r/deal/{deal}").text
    assert f'data-dialog="/r/deal/{deal}/move?stage=lost"' in page, "losing asks for a reason first"
    assert f'hx-post="/r/deal/{deal}/move"' in page
    answer = office.as_("rui").post(
        f"/r/deal/{deal}/move", {"stage": "offer", "version": version(office, deal)}, headers=PART
    )
    assert answer.status_code == 200
    assert f"/r/deal/{deal}" in answer.headers["HX-Location"]
    assert office.world.get("rui", deal)["stage"] == "offer"


def test_a_move_that_needs_something_asks_for_it(office: Screens) -> None:
    id = office.world.create("rui", name="Bare")
    form = office.as_("rui").get(f"/r/deal/{id}/move?stage=offer", PART).text
    assert 'name="amount"' in form
    refused = office.as_("rui").post(
        f"/r/deal/{id}/move", {"stage": "offer", "version": "1", "amount": ""}, headers=PART
    )
    assert refused.status_code == 422
    assert "Offer needs Amount." in words(refused)
    office.as_("rui").post(
        f"/r/deal/{id}/move", {"stage": "offer", "version": "1", "amount": "12"}, headers=PART
    )
    assert office.world.get("rui", id)["amount"] == "12.00"


def test_a_closed_move_says_why(office: Screens) -> None:
    id = office.world.create("rui", name="Nothing yet")
    assert "An amount first." in office.as_("rui").get(f"/r/deal/{id}").text
    refused = office.as_("rui").post(f"/r/deal/{id}/move", {"stage": "won", "version": "1"}, headers=PART)
    assert refused.status_code == 409
    assert "An amount first." in refused.json["detail"]


def test_a_stale_move_changes_nothing(office: Screens, deal: str) -> None:
    office.world.change("rui", deal, name="Renamed")
    answer = office.as_("rui").post(f"/r/deal/{deal}/move", {"stage": "offer", "version": "1"}, headers=PART)
    assert answer.status_code == 412
    assert office.world.get("rui", deal)["stage"] == "open"


def test_a_form_without_a_version_is_refused(office: Screens, deal: str) -> None:
    """A-R04."""
    assert office.as_("rui").post(f"/r/deal/{deal}/move", {"stage": "offer"}, headers=PART).status_code == 428
    assert office.as_("rui").post(f"/r/deal/{deal}/f/name", {"name": "x"}, headers=PART).status_code == 428
    assert office.as_("rui").post(f"/r/deal/{deal}/edit", {"name": "x"}).status_code == 428


def test_one_field_is_edited_in_its_place(office: Screens, deal: str) -> None:
    rui = office.as_("rui")
    form = rui.get(f"/r/deal/{deal}/f/amount", PART).text
    assert 'value="1250.50"' in form
    wrong = rui.post(
        f"/r/deal/{deal}/f/amount", {"amount": "a lot", "version": version(office, deal)}, headers=PART
    )
    assert wrong.status_code == 422
    assert 'value="a lot"' in wrong.text, "what was typed stays"
    rui.post(f"/r/deal/{deal}/f/amount", {"amount": "2,000", "version": version(office, deal)}, headers=PART)
    assert office.world.get("rui", deal)["amount"] == "2000.00"


def test_a_hidden_field_has_no_input(office: Screens, deal: str) -> None:
    assert office.as_("rui").get(f"/r/deal/{deal}/f/margin", PART).status_code == 404


def test_a_word_is_logged_from_the_page(office: Screens) -> None:
    files = office.world
    id = files.create("ada", name="Talked about")
    answer = office.as_("ada").post(
        f"/r/deal/{id}/log/note", {"text": "Called twice.\nHe will think about it."}, headers=PART
    )
    assert answer.status_code == 200
    assert "Called twice." in words(answer)
    text = office.as_("ada").text(f"/r/deal/{id}")
    assert "He will think about it." in text
    assert office.world.get("ada", id)["last_activity_at"] is not None


def test_what_happened_reads_as_sentences(office: Screens, deal: str) -> None:
    office.world.change("rui", deal, amount="99", region="south")
    office.world.move("rui", deal, "offer")
    text = office.as_("rui").text(f"/r/deal/{deal}")
    assert "moved it to Offer" in text
    assert "changed 3 fields" in text or "changed 2 fields" in text
    assert "North" in text
    assert "South" in text


def test_history_does_not_tell_what_the_page_hides(office: Screens, deal: str) -> None:
    office.world.change("ada", deal, margin="0.42", phone="13900139000")
    text = office.as_("rui").text(f"/r/deal/{deal}")
    assert "42" not in text.replace("¥1,250.50", "")
    assert "13900139000" not in text
    assert "•••" in text


def test_older_entries_come_when_they_are_wanted(office: Screens) -> None:
    id = office.world.create("ada", name="Busy")
    for number in range(30):
        office.world.change("ada", id, name=f"Busy {number}")
    page = office.as_("ada").get(f"/r/deal/{id}").text
    more = re.search(r'hx-get="(/r/deal/[^"]*timeline[^"]*)"', page)
    assert more
    rest = office.as_("ada").get(more[1].replace("&amp;", "&"), PART).text
    assert "created it" in rest
    seen = re.findall(r'id="entry-(\w+)"', page)
    assert not set(seen) & set(re.findall(r'id="entry-(\w+)"', rest))


def test_computed_values_explain_themselves(office: Screens, deal: str) -> None:
    text = words(office.as_("rui").get(f"/r/deal/{deal}/explain/double", PART))
    assert "Amount" in text
    assert "¥2,501.00" in text
    assert "total of Total" in words(office.as_("rui").get(f"/r/deal/{deal}/explain/total", PART))


def test_who_can_see_this_is_said(office: Screens, deal: str) -> None:
    text = words(office.as_("rui").get(f"/r/deal/{deal}/who", PART))
    assert "Rep Their own records" in text
    assert "Manager Records of their teams and all below" in text
    assert "without Margin" in text


def test_a_manager_gives_a_record_to_somebody_else(office: Screens, deal: str) -> None:
    mei = office.as_("mei")
    sana = office.world.actors["sana"].id
    assert (
        mei.post(f"/r/deal/{deal}/assign", {"owner": sana, "version": "1"}, headers=PART).status_code == 200
    )
    assert office.world.get("ada", deal)["owner"] == sana
    assert (
        office.as_("sana")
        .post(f"/r/deal/{deal}/assign", {"owner": sana, "version": "2"}, headers=PART)
        .status_code
        == 409
    )


def test_a_record_goes_back_to_its_pool_with_a_reason_and_is_claimed_again(office: Screens) -> None:
    id = office.world.create("rui", name="Not for me")
    rui, sana = office.as_("rui"), office.as_("sana")
    assert rui.post(f"/r/deal/{id}/release", {"reason": ""}, headers=PART).status_code == 422
    assert rui.post(f"/r/deal/{id}/release", {"reason": "later"}, headers=PART).status_code == 200
    page = sana.get(f"/r/deal/{id}").text
    assert f'action="/r/deal/{id}/claim"' in page
    assert sana.post(f"/r/deal/{id}/claim").status_code == 303
    assert office.world.get("ada", id)["owner"] == office.world.actors["sana"].id


def test_a_deleted_record_is_gone(office: Screens) -> None:
    id = office.world.create("ada", name="Mistake")
    assert office.as_("rui").post(f"/r/deal/{id}/delete", headers=PART).status_code == 404
    assert office.as_("ada").post(f"/r/deal/{id}/delete", headers=PART).status_code == 200
    assert office.as_("ada").get(f"/r/deal/{id}").status_code == 404


def test_the_page_takes_few_statements(office: Screens, deal: str) -> None:
    office.as_("rui").get(f"/r/deal/{deal}")
    with counted() as ran:
        answer = office.as_("rui").get(f"/r/deal/{deal}")
    assert len(ran) <= 10, ran
    assert len(answer.data) < 100_000


def test_a_write_from_another_site_is_refused(office: Screens, deal: str) -> None:
    """A-W01, A-W02."""
    for path in ("move", "f/name", "assign", "claim", "release", "delete", "log/note", "edit"):
        answer = office.as_("rui").post(f"/r/deal/{deal}/{path}", {"version": "1"}, csrf=False, headers=PART)
        assert answer.status_code == 403, path
