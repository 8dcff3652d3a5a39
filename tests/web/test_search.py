"""Search at the screen: one box for everything one may see."""

from __future__ import annotations

from typing import Any

from tests.web.desk import Screens, counted


def found(office: Screens, who: str, words: str) -> list[str]:
    """Return the labels that the palette shows."""
    groups: list[dict[str, Any]] = (
        office.as_(who).client.get("/search/palette", query_string={"q": words}).get_json()["groups"]
    )
    return [item["label"] for group in groups for item in group["items"]]


def test_a_part_of_a_name_and_its_sound_find_a_record(office: Screens) -> None:
    office.world.create("rui", name="上海远航设备")
    assert "上海远航设备" in found(office, "rui", "远航")
    assert "上海远航设备" in found(office, "rui", "shyh")
    assert "上海远航设备" in found(office, "rui", "yuanhang")


def test_nothing_of_others_is_found(office: Screens) -> None:
    office.world.create("rui", name="Quiet whispers")
    assert found(office, "rui", "whispers") == ["Quiet whispers"]
    assert found(office, "sana", "whispers") == []
    assert "Quiet whispers" not in office.as_("sana").text("/search?q=whispers")


def test_every_kind_of_record_in_one_statement(office: Screens) -> None:
    office.world.create("ada", "house", name="Blue house")
    office.world.create("ada", name="Blue deal")
    office.as_("ada").get("/search/palette?q=blue")
    with counted() as ran:
        labels = found(office, "ada", "blue")
    assert {"Blue house", "Blue deal"} <= set(labels)
    assert len(ran) <= 3, ran


def test_screens_by_their_sound(office: Screens) -> None:
    ctx_language = office.as_("rui").post("/me/language", {"lang": "zh"})
    assert ctx_language.status_code == 303
    try:
        assert "交易看板" in found(office, "rui", "jykb")
    finally:
        office.as_("rui").post("/me/language", {"lang": "en"})


def test_the_page_of_results(office: Screens) -> None:
    office.world.create("rui", name="Copper pipes")
    assert "Copper pipes" in office.as_("rui").text("/search?q=copper")
    assert "Nothing contains" in office.as_("rui").text("/search?q=zzzzqqqq")
    assert "Find anything" in office.as_("rui").text("/search")


def test_odd_words_find_nothing_and_break_nothing(office: Screens) -> None:
    for words in ('"', "' OR 1=1 --", "*", "a" * 5000, "<script>", "\u202e", "%00", "NEAR(", "{}", "（）"):
        answer = office.as_("rui").client.get("/search/palette", query_string={"q": words})
        assert answer.status_code == 200, words
        assert office.as_("rui").client.get("/search", query_string={"q": words}).status_code == 200


def test_a_stranger_is_asked_to_sign_in(office: Screens) -> None:
    assert office.stranger().get("/search?q=x").status_code == 302
