"""Boards at the browser: cards by stage, and pictures of cells."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from tests.web.desk import PART, Screens, counted, words


def column(page: str, stage: str) -> str:
    """Return one column of a board."""
    start = page.index(f'data-column="{stage}"')
    return page[start : page.index("</section>", start)]


def test_a_board_shows_columns_with_count_and_sum(office: Screens) -> None:
    for number in range(3):
        office.world.create("rui", name=f"Card {number}", amount="1000", region="north")
    page = office.as_("rui").get("/b/deal_board").text
    head = re.sub(r"<[^>]+>", " ", column(page, "open"))
    assert "Card 0" in head
    assert "¥3,000" in head
    assert "North" in head


def test_where_a_card_may_go_stands_there_beforehand(office: Screens) -> None:
    part = column(office.as_("rui").get("/b/deal_board").text, "open")
    allowed = json.loads(unescape(re.search(r'data-allowed="([^"]*)"', part)[1]))  # type: ignore[index]
    assert set(allowed) == {"offer", "won", "lost"}
    won = column(office.as_("rui").get("/b/deal_board").text, "won")
    why = json.loads(unescape(re.search(r'data-why-not="([^"]*)"', won)[1]))  # type: ignore[index]
    assert why["open"] == "From Won it does not go to Open directly."


def test_a_drop_moves_the_card_and_brings_the_heads_up_to_date(office: Screens) -> None:
    id = office.world.create("rui", name="Dragged", amount="7")
    answer = office.as_("rui").post(
        "/b/deal_board/move", {"id": id, "stage": "offer", "version": "1", "before": ""}, headers=PART
    )
    assert answer.status_code == 200
    assert f'id="card-{id}"' in answer.text
    assert 'data-version="2"' in answer.text
    assert 'id="column-offer-head" hx-swap-oob="true"' in answer.text


def test_a_drop_that_needs_something_opens_its_form(office: Screens) -> None:
    id = office.world.create("rui", name="Incomplete")
    answer = office.as_("rui").post(
        "/b/deal_board/move", {"id": id, "stage": "lost", "version": "1"}, headers=PART
    )
    assert answer.status_code == 422
    assert 'name="reason"' in answer.text
    assert 'action="/b/deal_board/move"' in answer.text
    assert 'class="notice tone-red' not in answer.text, "nothing is wrong yet"
    done = office.as_("rui").post(
        "/b/deal_board/move", {"id": id, "stage": "lost", "version": "1", "reason": "Too dear"}, headers=PART
    )
    assert done.status_code == 200
    assert office.world.get("rui", id)["stage"] == "lost"


def test_a_drop_on_a_closed_stage_says_why(office: Screens) -> None:
    """S6."""
    id = office.world.create("rui", name="No amount")
    answer = office.as_("rui").post(
        "/b/deal_board/move", {"id": id, "stage": "won", "version": "1"}, headers=PART
    )
    assert answer.status_code == 409
    assert answer.json["detail"] == "An amount first."


def test_a_lost_race_says_who_was_faster_and_where_it_stands(office: Screens) -> None:
    """S6."""
    id = office.world.create("rui", name="Raced", amount="5")
    office.world.move("ada", id, "offer")
    answer = office.as_("rui").post(
        "/b/deal_board/move", {"id": id, "stage": "won", "version": "1"}, headers=PART
    )
    assert answer.status_code == 409
    assert answer.json["detail"] == "Ada was faster: it stands in Offer now."


def test_nobody_moves_what_they_cannot_see(office: Screens) -> None:
    id = office.world.create("sana", name="Hers")
    assert (
        office.as_("rui")
        .post("/b/deal_board/move", {"id": id, "stage": "offer", "version": "1"}, headers=PART)
        .status_code
        == 404
    )
    assert "Hers" not in office.as_("rui").get("/b/deal_board").text
    assert office.as_("otto").get("/b/deal_board").status_code == 404
    assert office.as_("rui").get("/b/nothing").status_code == 404


def test_a_long_column_comes_in_parts(office: Screens) -> None:
    for number in range(25):
        office.world.create("ada", name=f"Many {number}", region="south")
    page = office.as_("ada").get("/b/deal_board").text
    more = re.search(r'hx-get="(/b/deal_board/more[^"]*)"', column(page, "open"))
    assert more
    assert column(page, "open").count("data-card=") == 20
    rest = office.as_("ada").get(unescape(more[1]), PART).text
    assert rest.count("data-card=") >= 5


def test_a_board_takes_few_statements_and_little_html(office: Screens) -> None:
    office.as_("ada").get("/b/deal_board")
    with counted() as ran:
        page = office.as_("ada").get("/b/deal_board")
    assert len(ran) <= 5, ran
    assert len(page.data) < 100_000


@pytest.fixture(scope="module")
def house(office: Screens) -> str:
    """A house of three floors by two."""
    id = office.world.create("ada", "house", name="East house")
    for floor in (1, 2, 3):
        for place in (1, 2):
            office.world.create(
                "ada", "room", code=f"{floor}0{place}", house=id, floor=floor, place=place,
                state="taken" if floor == 3 else "free", size="small" if place == 1 else "large",
            )  # fmt: skip
    other = office.world.create("ada", "house", name="West house")
    office.world.create("ada", "room", code="W1", house=other, floor=1, place=1)
    return id


def test_a_picture_shows_rows_from_above_with_colour_and_letter(office: Screens, house: str) -> None:
    page = office.as_("rui").get(f"/b/room_board?group={house}")
    text = words(page)
    assert text.index("301") < text.index("201") < text.index("101")
    cell = re.search(r'<a class="cell tone-red"[^>]*data-state="taken"[^>]*>.*?</a>', page.text, flags=re.S)
    assert cell
    assert '<b class="cell-letter" aria-hidden="true">T</b>' in cell[0]
    assert "Taken" in cell[0], "said as well as coloured"
    assert "Free 4" in text.replace("F Free", "Free")


def test_a_picture_is_of_one_group_and_names_the_others(office: Screens, house: str) -> None:
    text = words(office.as_("rui").get("/b/room_board"))
    assert "East house 6" in text
    assert "West house 1" in text
    assert "W1" not in text
    assert office.as_("rui").get("/b/room_board?group=nothing").status_code == 404


def test_a_cell_leads_beside_the_picture(office: Screens, house: str) -> None:
    page = office.as_("rui").get(f"/b/room_board?group={house}").text
    peek = re.search(r'data-peek="([^"]+)"', page)
    assert peek
    assert "House" in words(office.as_("rui").get(peek[1], PART))


def test_a_picture_takes_few_statements(office: Screens, house: str) -> None:
    office.as_("rui").get(f"/b/room_board?group={house}")
    with counted() as ran:
        office.as_("rui").get(f"/b/room_board?group={house}")
    assert len(ran) <= 7, ran
