"""Forms at the browser: new records, changes, problems beside fields, and two people at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.desk import BOOSTED, Screens, counted, form_values, words


def sent(office: Screens, who: str, path: str, **typed: Any) -> Any:
    """Open a form, type something and send it."""
    seat = office.as_(who)
    return seat.post(path, {**seat.form(path), **typed}, headers=BOOSTED)


def test_a_new_record_from_the_form(office: Screens) -> None:
    answer = sent(office, "rui", "/r/deal/new", name="Fresh", amount="1,234.50", region="south", hot="true")
    assert answer.status_code == 303
    made = office.world.get("rui", answer.location.rsplit("/", 1)[1])
    assert (made["name"], made["amount"], made["region"], made["hot"]) == ("Fresh", "1234.50", "south", True)
    assert made["owner"] == office.world.actors["rui"].id


def test_the_form_offers_only_what_this_person_may_write(office: Screens) -> None:
    page = office.as_("rui").get("/r/deal/new").text
    assert 'name="margin"' not in page
    assert 'name="amount"' in page
    assert office.as_("otto").get("/r/deal/new").status_code == 404
    assert office.as_("mei").get("/r/order/new").status_code == 403


def test_problems_stand_beside_their_fields_and_at_the_top_and_nothing_typed_is_lost(office: Screens) -> None:
    answer = sent(office, "rui", "/r/deal/new", name="", amount="much", reason="kept as typed  ")
    assert answer.status_code == 422
    kept = form_values(answer.text)
    assert kept["amount"] == "much"
    assert kept["reason"] == "kept as typed  "
    assert 'href="#f-amount"' in answer.text
    assert 'href="#f-name"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 2


@pytest.mark.parametrize("text", ["   ", "\u200b", "\u3000\u200b "])
def test_blanks_alone_are_nothing(office: Screens, text: str) -> None:
    """A-M10."""
    answer = sent(office, "rui", "/r/deal/new", name=text)
    assert answer.status_code == 422
    assert "This is needed." in words(answer)


@pytest.mark.parametrize(
    "text", ["🏠👨‍👩‍👧‍👦", "Z͑ͫ̓a͌l̴g̷o", "مَرْحَبًا", "Robert'); DROP TABLE deal;--", "<b>bold</b>", "{{7*7}}", "%s%n", "­soft"]
)  # fmt: skip
def test_any_text_comes_back_as_it_was(office: Screens, text: str) -> None:
    """A-N01, A-N04."""
    answer = sent(office, "rui", "/r/deal/new", name=text)
    assert answer.status_code == 303, words(answer)
    id = answer.location.rsplit("/", 1)[1]
    assert office.world.get("rui", id)["name"] == text
    assert office.as_("rui").form(f"/r/deal/{id}/edit")["name"] == text


@pytest.mark.parametrize("text", ["a\x00b", "x" * 100_000])
def test_what_cannot_be_kept_is_said(office: Screens, text: str) -> None:
    """A-N02, A-N10."""
    answer = sent(office, "rui", "/r/deal/new", name=text)
    assert answer.status_code == 422


def test_a_choice_that_is_none_is_refused_and_twice_is_once(office: Screens) -> None:
    """A-M09."""
    assert sent(office, "rui", "/r/deal/new", name="x", region="west").status_code == 422
    answer = sent(office, "rui", "/r/order/new", name="x", colours=["red", "red", "blue"])
    assert office.world.get("rui", answer.location.rsplit("/", 1)[1], "order")["colours"] == ["red", "blue"]


def test_a_link_that_would_run_is_refused(office: Screens) -> None:
    """A-W09."""
    for text in ("javascript:alert(1)", " \tjavascript:alert(1)", "data:text/html,x"):
        assert sent(office, "rui", "/r/order/new", name="x", site=text).status_code == 422


def test_what_a_condition_asks_for_is_asked_for_on_the_server_too(office: Screens) -> None:
    page = office.as_("rui").get("/r/order/new").text
    assert "data-visible-when" in page
    assert "data-required-when" in page
    refused = sent(office, "rui", "/r/order/new", name="x", urgent="true", why_urgent="")
    assert refused.status_code == 422
    assert sent(office, "rui", "/r/order/new", name="x", urgent="false", why_urgent="").status_code == 303


def test_a_hidden_field_s_value_is_not_taken(office: Screens) -> None:
    answer = sent(office, "rui", "/r/order/new", name="x", urgent="false", why_urgent="smuggled")
    assert office.world.get("rui", answer.location.rsplit("/", 1)[1], "order")["why_urgent"] is None


def test_a_field_that_may_not_be_written_cannot_be_smuggled_in(office: Screens) -> None:
    answer = sent(
        office,
        "rui",
        "/r/deal/new",
        name="x",
        margin="50",
        stage="won",
        id="mine",
        created_by="nobody",
        double="1",
    )
    made = office.world.get("ada", answer.location.rsplit("/", 1)[1])
    assert made["margin"] is None
    assert made["stage"] == "open"
    assert made["created_by"] == office.world.actors["rui"].id


def test_lines_are_kept_with_their_totals(office: Screens) -> None:
    rows = {
        "lines.0.item": "Crane",
        "lines.0.qty": "2",
        "lines.0.price": "10.10",
        "lines.7.item": "Rope",
        "lines.7.price": "5",
    }
    answer = sent(office, "rui", "/r/deal/new", name="With lines", **rows)
    id = answer.location.rsplit("/", 1)[1]
    made = office.world.get("rui", id)
    assert [(row["item"], row["qty"], row["total"]) for row in made["lines"]] == [
        ("Crane", 2, "20.20"),
        ("Rope", 1, "5.00"),
    ]
    assert made["total"] == "25.20"
    form = office.as_("rui").form(f"/r/deal/{id}/edit")
    form.pop("lines.1.item"), form.pop("lines.1.qty"), form.pop("lines.1.price")
    office.as_("rui").post(f"/r/deal/{id}/edit", form)
    assert office.world.get("rui", id)["total"] == "20.20"


def test_a_problem_in_a_line_names_the_line(office: Screens) -> None:
    answer = sent(
        office,
        "rui",
        "/r/deal/new",
        name="x",
        **{"lines.0.item": "Crane", "lines.1.qty": "0", "lines.1.item": ""},
    )
    assert answer.status_code == 422
    assert "Line 2, Quantity" in words(answer)
    assert form_values(answer.text)["lines.0.item"] == "Crane"


def test_a_form_opened_and_saved_changes_nothing(office: Screens) -> None:
    id = office.world.create("rui", name="Same", amount="10.00", region="north", close_on="2026-06-01", hot=True, phone="13800138000",
                             lines=[{"item": "Crane", "qty": 1, "price": "1"}])  # fmt: skip
    before = office.world.get("ada", id)
    assert sent(office, "rui", f"/r/deal/{id}/edit").status_code == 303
    assert office.world.get("ada", id) == before


def test_an_edit_keeps_what_the_person_may_not_see(office: Screens) -> None:
    id = office.world.create(
        "ada", name="Masked", phone="13800138000", margin="0.30", owner=office.world.actors["rui"].id
    )
    page = office.as_("rui").get(f"/r/deal/{id}/edit").text
    assert "13800138000" not in page
    assert "0.30" not in page
    assert sent(office, "rui", f"/r/deal/{id}/edit", name="Renamed").status_code == 303
    made = office.world.get("ada", id)
    assert (made["name"], made["margin"]) == ("Renamed", "0.3")
    assert made["phone"].endswith("13800138000")


def test_percentages_and_lists_go_round(office: Screens) -> None:
    answer = sent(
        office, "ada", "/r/order/new", name="x", share="12.5", colours=["red"], tags=["hot", "cold"]
    )
    id = answer.location.rsplit("/", 1)[1]
    made = office.world.get("ada", id, "order")
    assert (made["share"], made["colours"], made["tags"]) == ("0.125", ["red"], ["hot", "cold"])
    form = office.as_("ada").form(f"/r/order/{id}/edit")
    assert form["share"] == "12.5"
    form["colours"] = []
    office.as_("ada").post(f"/r/order/{id}/edit", form)
    assert not office.world.get("ada", id, "order")["colours"]


def test_the_second_press_leads_where_the_first_one_did(office: Screens) -> None:
    """A-R10, A-V03: a double click makes one record."""
    rui = office.as_("rui")
    form = {**rui.form("/r/deal/new"), "name": "Pressed twice"}
    headers = {**BOOSTED, "Idempotency-Key": "press-1"}
    first = rui.post("/r/deal/new", form, headers=headers)
    second = rui.post("/r/deal/new", form, headers=headers)
    assert first.location == second.location
    assert len(office.world.sees("rui", filter="record.name == 'Pressed twice'")) == 1


def test_a_key_of_another_form_is_refused(office: Screens) -> None:
    rui = office.as_("rui")
    form = {**rui.form("/r/deal/new"), "name": "One"}
    headers = {**BOOSTED, "Idempotency-Key": "press-2"}
    rui.post("/r/deal/new", form, headers=headers)
    assert rui.post("/r/deal/new", {**form, "name": "Two"}, headers=headers).status_code == 422


def test_after_a_refusal_the_corrected_form_goes_through(office: Screens) -> None:
    rui = office.as_("rui")
    headers = {**BOOSTED, "Idempotency-Key": "press-3"}
    form = rui.form("/r/deal/new")
    assert rui.post("/r/deal/new", {**form, "name": ""}, headers=headers).status_code == 422
    assert rui.post("/r/deal/new", {**form, "name": "Corrected"}, headers=headers).status_code == 303


def test_a_new_record_made_from_another_moves_it_on(office: Screens) -> None:
    id = office.world.create("rui", name="Sold", amount="5")
    path = f"/r/order/new?from=deal:{id}&action=order"
    assert office.as_("rui").get(path).status_code == 409, "not in this stage"
    office.world.move("rui", id, "offer")
    form = office.as_("rui").form(path)
    assert form["name"] == "Sold"
    answer = office.as_("rui").post(path, form)
    assert answer.status_code == 303
    made = office.world.get("rui", answer.location.rsplit("/", 1)[1], "order")
    assert made["deal"] == id
    assert office.world.get("rui", id)["stage"] == "won"


def test_making_from_another_is_all_or_nothing(office: Screens) -> None:
    id = office.world.create("rui", name="Half", amount="5")
    office.world.move("rui", id, "offer")
    path = f"/r/order/new?from=deal:{id}&action=order"
    form = office.as_("rui").form(path)
    assert office.as_("rui").post(path, {**form, "name": ""}).status_code == 422
    assert office.world.get("rui", id)["stage"] == "offer"


def test_the_way_here_fills_fields(office: Screens) -> None:
    id = office.world.create("rui", name="Target")
    form = office.as_("rui").form(f"/r/order/new?with.deal={id}&with.name=From+the+address")
    assert (form["deal"], form["name"]) == (id, "From the address")


# ---------------------------------------------------------------- somebody was faster


@pytest.fixture
def two(office: Screens) -> tuple[str, dict[str, Any]]:
    """A deal, and the form that Rui has open of it."""
    id = office.world.create("rui", name="Shared", amount="10", region="north", reason="before")
    return id, office.as_("rui").form(f"/r/deal/{id}/edit")


def test_what_two_people_changed_stands_side_by_side(
    office: Screens, two: tuple[str, dict[str, Any]]
) -> None:
    """A-R03."""
    id, form = two
    office.world.change("ada", id, amount="20", region="south")
    answer = office.as_("rui").post(
        f"/r/deal/{id}/edit", {**form, "amount": "30", "reason": "mine"}, headers=BOOSTED
    )
    assert answer.status_code == 409
    text = words(answer)
    assert "Ada saved this record while you were editing" in text
    assert "Amount Before: 10.00 30 20.00" in text
    assert "Region North South" in text
    assert "Reason mine before" in text
    assert office.world.get("ada", id)["amount"] == "20.00", "nothing was written over"


def test_the_choice_is_saved_and_nothing_else_is_lost(
    office: Screens, two: tuple[str, dict[str, Any]]
) -> None:
    id, form = two
    office.world.change("ada", id, amount="20", region="south")
    conflict = office.as_("rui").post(f"/r/deal/{id}/edit", {**form, "amount": "30", "reason": "mine"})
    chosen = form_values(conflict.text)
    assert (chosen["keep.amount"], chosen["keep.region"], chosen["keep.reason"]) == ("mine", "theirs", "mine")
    chosen["keep.amount"] = "theirs"
    assert office.as_("rui").post(f"/r/deal/{id}/edit", chosen).status_code == 303
    made = office.world.get("ada", id)
    assert (made["amount"], made["region"], made["reason"]) == ("20.00", "south", "mine")


def test_one_can_go_back_to_the_form_with_everything_typed(
    office: Screens, two: tuple[str, dict[str, Any]]
) -> None:
    id, form = two
    office.world.change("ada", id, region="south")
    conflict = office.as_("rui").post(f"/r/deal/{id}/edit", {**form, "reason": "mine"})
    again = office.as_("rui").post(f"/r/deal/{id}/edit", {**form_values(conflict.text), "_form": "1"})
    back = form_values(again.text)
    assert (back["reason"], back["region"], back["version"]) == ("mine", "south", "2")


def test_a_form_takes_few_statements(office: Screens) -> None:
    id = office.world.create("rui", name="Counted", lines=[{"item": "a", "qty": 1, "price": "1"}])
    for path in (f"/r/deal/{id}/edit", "/r/deal/new"):
        office.as_("rui").get(path)
        with counted() as ran:
            answer = office.as_("rui").get(path)
        assert len(ran) <= 6, ran
        assert len(answer.data) < 100_000


def test_options_show_only_what_may_be_seen(office: Screens) -> None:
    office.world.create("sana", name="Hers alone")
    office.world.create("rui", name="His own")
    found = office.as_("rui").get("/o/deal?q=h").json
    titles = [item["title"] for item in found["items"]]
    assert "Hers alone" not in titles
    assert office.as_("rui").get("/o/deal?q=his+own").json["items"][0]["title"] == "His own"
    assert office.as_("rui").get("/o/nothing?q=x").status_code == 404
    assert {item["title"] for item in office.as_("rui").get("/o/user?q=an").json["items"]} >= {"Sana"}
