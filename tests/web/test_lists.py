"""Lists at the browser: views, filters, order, pages, several records at once."""

from __future__ import annotations

import re

import pytest

from tests.web.desk import PART, Screens, counted, words


@pytest.fixture(scope="module", autouse=True)
def _deals(office: Screens) -> None:
    for number in range(12):
        office.world.create(
            "rui", name=f"Rui {number:02}", amount=str(100 * number), region="north" if number % 2 else "south",
            phone="13800138000",
        )  # fmt: skip
    office.world.create("sana", name="Sana's secret", amount="99")


def names(page: str) -> list[str]:
    """Return the titles of the rows."""
    return re.findall(r'class="row-link"[^>]*>([^<]+)</a>', page)


def test_a_list_opens_on_its_first_view(office: Screens) -> None:
    page = office.as_("rui").get("/l/deal")
    assert len(names(page.text)) == 5
    assert 'aria-current="page">Mine' in page.text


def test_a_first_view_with_nothing_in_it_gives_way_to_everything(office: Screens) -> None:
    page = office.as_("ada").get("/l/deal")
    assert len(names(page.text)) == 5
    assert 'aria-current="page">All' in page.text


def test_pages_go_on_and_back(office: Screens) -> None:
    rui = office.as_("rui")
    first = rui.get("/l/deal?order_by=name").text
    forward = re.search(r'rel="next" href="([^"]+)"', first)
    assert forward
    second = rui.get(forward[1].replace("&amp;", "&")).text
    assert names(first) == [f"Rui {n:02}" for n in range(5)]
    assert names(second) == [f"Rui {n:02}" for n in range(5, 10)]
    assert "6–10" in words(rui.get(forward[1].replace("&amp;", "&")))
    back = re.search(r'rel="prev" href="([^"]+)"', second)
    assert back
    assert names(rui.get(back[1].replace("&amp;", "&")).text) == names(first)


def test_filters_read_as_words_and_narrow_the_list(office: Screens) -> None:
    page = office.as_("rui").get("/l/deal?view=&f.region=north&f.amount.from=500&order_by=amount")
    assert names(page.text) == ["Rui 05", "Rui 07", "Rui 09", "Rui 11"]
    text = words(page)
    assert "Region is North" in text
    assert "Amount ≥ 500" in text


def test_several_values_are_joined_by_or(office: Screens) -> None:
    page = office.as_("rui").get("/l/deal?view=&f.region=north,south&f.owner=me&order_by=name")
    assert "Region is North or South" in words(page)
    assert "Owner is Me" in words(page)
    assert len(names(page.text)) == 5


@pytest.mark.parametrize("text", ["overdue", "today", "next_7", "this_month", "last_30", "~"])
def test_days_are_named(office: Screens, text: str) -> None:
    assert office.as_("rui").get(f"/l/deal?view=&f.close_on={text}").status_code == 200


@pytest.mark.parametrize(
    "text",
    ["' || true || '", "\\", '"', "north'] || record.owner != user || record.region in ['", "\x00", "😀"],
)
def test_a_filter_s_value_is_never_an_expression(office: Screens, text: str) -> None:
    page = office.as_("rui").get("/l/deal", headers={})
    page = office.as_("rui").client.get(
        "/l/deal", query_string={"view": "", "f.region": text, "f.owner": text}
    )
    assert page.status_code in (200, 422)
    assert names(page.text) == []


def test_a_condition_of_a_report_is_said_in_words(office: Screens) -> None:
    page = office.as_("rui").client.get(
        "/l/deal", query_string={"filter": "record.region == 'north'", "order_by": "name"}
    )
    assert "Region is North" in words(page)
    assert names(page.text)[0] == "Rui 01"


def test_an_unsound_question_is_answered_in_words_not_lost(office: Screens) -> None:
    page = office.as_("rui").client.get("/l/deal", query_string={"filter": "record.nothing == 1"})
    assert page.status_code == 422
    assert "nothing" in words(page)


def test_nobody_filters_or_sorts_by_what_may_not_be_seen(office: Screens) -> None:
    rui = office.as_("rui")
    assert rui.client.get("/l/deal", query_string={"filter": "record.margin > 0.1"}).status_code == 422
    assert rui.get("/l/deal?order_by=margin").status_code == 422
    assert "f.margin" not in rui.get("/l/deal").text
    assert rui.get("/l/deal/filter/margin").status_code == 422


def test_what_may_not_be_seen_shows_no_column_and_what_is_masked_a_lock(office: Screens) -> None:
    page = office.as_("rui").get("/l/deal").text
    assert "Margin" not in page
    assert "13800138000" not in page
    assert "138 0013 8000" not in page
    assert "i-lock" in page


def test_search_and_count_are_answered(office: Screens) -> None:
    rui = office.as_("rui")
    assert names(rui.get("/l/deal?view=&search=Rui+07").text) == ["Rui 07"]
    assert words(rui.get("/l/deal/count?view=mine", PART)) == "12"


def test_somebody_else_s_records_are_not_there(office: Screens) -> None:
    assert names(office.as_("rui").get("/l/deal?view=all&search=secret").text) == []
    assert office.as_("otto").get("/l/deal").status_code == 404
    assert office.as_("rui").get("/l/nothing").status_code == 404


def test_an_empty_list_says_what_to_do_next(office: Screens) -> None:
    text = office.as_("rui").text("/l/order")
    assert "No Order" in text or "No Orders" in text
    assert "New Order" in text


def test_a_filter_s_window_keeps_the_rest_of_the_address(office: Screens) -> None:
    page = office.as_("rui").get("/l/deal/filter/region?view=mine&f.stage=open", PART).text
    assert 'name="f.stage" value="open"' in page
    assert 'value="north"' in page


def test_several_records_are_assigned_each_with_its_answer(office: Screens) -> None:
    mine = office.world.create("rui", name="Given away")
    gone = office.world.create("sana", name="Closed")
    answer = office.as_("mei").post(
        "/l/deal/bulk",
        {"action": "assign", "owner": office.world.actors["sana"].id, "ids": [mine, gone, "nothing"]},
        headers=PART,
    )
    assert "2 done, 1 not" in words(answer)
    assert office.world.get("sana", mine)["owner"] == office.world.actors["sana"].id


def test_several_records_are_moved_under_the_rules_of_one(office: Screens) -> None:
    ready = office.world.create("rui", name="Ready", amount="10")
    bare = office.world.create("rui", name="Bare")
    answer = office.as_("rui").post(
        "/l/deal/bulk", {"action": "move", "stage": "offer", "ids": [ready, bare]}, headers=PART
    )
    text = words(answer)
    assert "1 done, 1 not" in text
    assert "Bare Offer needs Amount." in text
    assert office.world.get("rui", ready)["stage"] == "offer"


def test_a_rep_does_not_delete_in_bulk_what_a_rep_may_not_delete(office: Screens) -> None:
    kept = office.world.create("rui", name="Kept")
    assert "0 done, 1 not" in words(
        office.as_("rui").post("/l/deal/bulk", {"action": "delete", "ids": [kept]}, headers=PART)
    )
    assert office.world.get("rui", kept)


def test_bulk_needs_the_page_s_token_and_a_post(office: Screens) -> None:
    """A-W01."""
    assert office.as_("rui").post("/l/deal/bulk", {"action": "delete"}, csrf=False).status_code == 403
    assert office.as_("rui").get("/l/deal/bulk").status_code in (404, 405)


@pytest.mark.parametrize(
    "path", ["/l/deal?view=all", "/l/deal?view=&f.region=north&f.owner=me", "/l/deal?view=all&search=Rui"]
)
def test_a_list_takes_few_statements_whatever_its_length(office: Screens, path: str) -> None:
    office.as_("mei").get(path)
    with counted() as ran:
        assert office.as_("mei").get(path).status_code == 200
    assert len(ran) <= 5, ran


def test_a_list_becomes_a_file_for_those_who_may_take_it_out(office: Screens) -> None:
    """A-I02, A-I03."""
    answer = office.as_("ada").get("/l/deal/export.csv?view=all&f.region=north")
    assert answer.status_code == 200
    text = answer.data.decode("utf-8-sig")
    assert "Rui 01" in text
    assert "Rui 02" not in text
    assert "attachment" in answer.headers["Content-Disposition"]
    assert office.as_("rui").get("/l/deal/export.csv").status_code == 403
    assert "export.csv" not in office.as_("rui").get("/l/deal").text


def test_a_file_holds_what_the_view_lets_through(office: Screens) -> None:
    text = office.as_("ada").get("/l/deal/export.csv?view=mine").data.decode("utf-8-sig")
    assert "Rui" not in text
