"""The pool at the screen: claiming, the race, giving back, handing out."""

from __future__ import annotations

import re

import pytest

from tests.web.desk import PART, Screens, counted, words


@pytest.fixture
def free(office: Screens) -> str:
    """A deal that nobody owns."""
    return office.world.create(
        "system", name="Harbour cranes", phone="13800138000", region="north", owner=None
    )


def test_the_pool_shows_what_is_free_and_hides_what_shows_later(office: Screens, free: str) -> None:
    page = office.as_("rui").get("/p/deal_pool")
    text = words(page)
    assert "Harbour cranes" in text
    assert "Phone show once you have claimed a record." in text
    assert "13800138000" not in page.text.replace(" ", "")
    assert "0 / 20" in text


def test_strangers_and_those_outside_find_no_pool(office: Screens) -> None:
    assert office.stranger().get("/p/deal_pool").headers["Location"].startswith("/signin")
    assert office.as_("otto").get("/p/deal_pool").status_code == 404
    assert office.as_("rui").get("/p/nothing").status_code == 404


def test_one_click_claims(office: Screens, free: str) -> None:
    answer = office.as_("rui").post(f"/p/deal_pool/claim/{free}", headers=PART)
    assert answer.status_code == 200
    assert "Yours" in words(answer)
    assert "pool-changed" in answer.headers["HX-Trigger"]
    assert office.world.get("rui", free)["owner"] == office.world.actors["rui"].id


def test_a_claim_is_a_press_of_this_page(office: Screens, free: str) -> None:
    rui = office.as_("rui")
    assert rui.get(f"/p/deal_pool/claim/{free}").status_code == 405
    assert rui.post(f"/p/deal_pool/claim/{free}", headers=PART, csrf=False).status_code == 403
    assert office.world.get("ada", free)["owner"] is None


def test_the_loser_of_a_race_hears_who_won_and_what_is_left(office: Screens, free: str) -> None:
    office.world.create("system", name="Another", owner=None)
    office.as_("rui").post(f"/p/deal_pool/claim/{free}", headers=PART)
    answer = office.as_("sana").post(f"/p/deal_pool/claim/{free}", headers=PART)
    assert answer.status_code == 409
    assert "taken by Rui" in words(answer)
    assert re.search(r"\d+ are still free", words(answer))


def test_claiming_twice_says_that_it_is_yours(office: Screens, free: str) -> None:
    office.as_("rui").post(f"/p/deal_pool/claim/{free}", headers=PART)
    again = office.as_("rui").post(f"/p/deal_pool/claim/{free}", headers=PART)
    assert again.status_code == 409
    assert "yours already" in words(again)


def test_a_limit_closes_every_button_and_says_why(office: Screens) -> None:
    for number in range(7):
        office.world.create("system", name=f"Waiting {number}", owner=None)
    while True:
        answer = office.as_("sana").post("/p/deal_pool/next")
        if "/r/deal/" not in answer.headers["Location"]:
            break
    text = office.as_("sana").text("/p/deal_pool")
    assert "5 / 5" in text
    page = office.as_("sana").get("/p/deal_pool").text
    assert "Close one or give one back first" in page
    assert 'hx-post="/p/deal_pool/claim' not in page
    for item in office.world.sees("sana", filter="owner == user"):
        office.as_("sana").post(f"/p/deal_pool/release/{item['id']}", {"reason": "wrong"}, headers=PART)


def test_the_next_one_leads_to_its_record(office: Screens, free: str) -> None:
    answer = office.as_("rui").post("/p/deal_pool/next")
    assert answer.status_code == 303
    id = answer.headers["Location"].rpartition("/")[2]
    assert office.world.get("rui", id)["owner"] == office.world.actors["rui"].id


def test_giving_back_asks_why(office: Screens, free: str) -> None:
    office.world.claim("rui", free)
    sheet = office.as_("rui").get(f"/p/deal_pool/release/{free}", PART)
    assert "Wrong" in words(sheet)
    assert "You cannot claim it again for 7 days." in words(sheet)
    refused = office.as_("rui").post(f"/p/deal_pool/release/{free}", headers=PART)
    assert refused.status_code == 422
    assert office.world.get("ada", free)["owner"] is not None
    office.as_("rui").post(f"/p/deal_pool/release/{free}", {"reason": "later"}, headers=PART)
    assert office.world.get("ada", free)["owner"] is None
    assert office.world.get("ada", free)["pool"] == "deal_pool"


def test_what_one_gave_back_says_from_when_it_is_free_again(office: Screens, free: str) -> None:
    office.world.claim("rui", free)
    office.as_("rui").post(f"/p/deal_pool/release/{free}", {"reason": "later"}, headers=PART)
    page = office.as_("rui").get("/p/deal_pool").text
    assert "You held it before: free for you again" in page
    answer = office.as_("rui").post(f"/p/deal_pool/claim/{free}", headers=PART)
    assert "You held it before" in answer.text
    assert office.world.get("ada", free)["owner"] is None


def test_only_those_who_assign_hand_out(office: Screens, free: str) -> None:
    sana = office.world.actors["sana"].id
    assert office.as_("rui").post("/p/deal_pool/assign", {"ids": free, "owner": sana}).status_code == 403
    assert "Hand out" not in office.as_("rui").text("/p/deal_pool")
    assert office.world.get("ada", free)["owner"] is None


def test_the_pool_narrows_by_a_choice(office: Screens) -> None:
    office.world.create("system", name="Northern lights", region="north", owner=None)
    office.world.create("system", name="Southern cross", region="south", owner=None)
    text = office.as_("rui").text("/p/deal_pool?region=south")
    assert "Southern cross" in text
    assert "Northern lights" not in text
    assert "Northern lights" in office.as_("rui").text('/p/deal_pool?region=") || true || ("'), (
        "no value of ours: no filter"
    )


def test_a_page_of_the_pool_asks_the_database_little(office: Screens, free: str) -> None:
    office.as_("rui").get("/p/deal_pool")
    with counted() as ran:
        office.as_("rui").get("/p/deal_pool")
    assert len(ran) <= 10, ran


def test_who_looks_after_the_pool_hands_out_what_is_in_it(office: Screens) -> None:
    """Nobody owns it yet, so no scope of people reaches it; the pool's own administrators do."""
    world = office.world
    text = world.files["workflows/deal_pool.yaml"]
    world.publish(
        {"workflows/deal_pool.yaml": text.replace("members:", "admins: {roles: [manager]}\nmembers:")}
    )
    first, second, gone = (
        world.create("system", name=f"To hand out {n}", phone="13800138000", owner=None) for n in range(3)
    )
    page = office.as_("mei").get("/p/deal_pool")
    assert "Hand out" in words(page)
    assert "138 0013 8000" in page.text, "who hands out sees what they hand out"
    world.claim("rui", gone)
    sana = world.actors["sana"].id
    answer = office.as_("mei").post(
        "/p/deal_pool/assign", {"ids": [first, second, gone], "owner": sana}, headers=PART
    )
    assert "2 handed out." in answer.headers["HX-Trigger"]
    assert "taken by Rui" in answer.headers["HX-Trigger"]
    assert [world.get("ada", id)["owner"] for id in (first, second)] == [sana, sana]
    assert world.get("ada", first)["due_at"] is not None
    assert (
        office.as_("mei").post("/p/deal_pool/assign", {"ids": [first], "owner": ""}, headers=PART).status_code
        == 422
    )
