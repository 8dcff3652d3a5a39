"""A-X06: a formula that divides by nothing shows a dash and says why; the record is kept all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fairlead.work import passwords

from tests.support.world import DEAL, open_world
from tests.web.desk import PART, Screens, screens_of, words

passwords.use_cost("low")

HOUSE = {
    **DEAL,
    "schemas/deal.yaml": DEAL["schemas/deal.yaml"].replace(
        "  reason: {type: text, label: {en: Reason, zh: 原因}}",
        "  reason: {type: text, label: {en: Reason, zh: 原因}}\n"
        "  count: {type: integer, label: {en: Count, zh: 数量}}\n"
        '  each: {type: money, label: {en: Each, zh: 单件}, formula: "record.amount / record.count"}\n'
        '  waited: {type: integer, label: {en: Waited, zh: 等待}, formula: "business_days_since(record.close_on)"}',
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    folder: Path = tmp_path_factory.mktemp("formulas")
    with open_world(f"sqlite:///{folder / 'fairlead.sqlite3'}", HOUSE) as world:
        yield screens_of(world)


@pytest.mark.parametrize(
    ("count", "note"),
    [
        ("0", "There is no result: it divides by zero"),
        ("", "There is no result, because this is empty: Count"),
    ],
)
def test_A_X06_the_form_keeps_the_record_and_the_field_says_why_it_has_no_value(
    house: Screens, count: str, note: str
) -> None:
    rui = house.as_("rui")
    form = rui.form("/r/deal/new")
    answer = rui.post("/r/deal/new", {**form, "name": f"Nothing {count}", "amount": "10", "count": count})
    assert answer.status_code in (200, 302, 303), answer.text[:500]
    deal = answer.headers["Location"].rpartition("/")[2]
    said = words(rui.get(f"/r/deal/{deal}/explain/each", PART))
    assert "—" in said
    assert note in said
    assert "—" in words(rui.get(f"/r/deal/{deal}/edit"))


def test_A_X06_with_a_value_there_is_no_note(house: Screens) -> None:
    deal = house.world.create("rui", name="Five", amount="10.00", count=2)
    said = words(house.as_("rui").get(f"/r/deal/{deal}/explain/each", PART))
    assert "5.00" in said
    assert "no result" not in said


def test_ex_07_a_form_that_counts_working_days_knows_the_holidays_of_every_year(house: Screens) -> None:
    """Else a total in the page would not be the one that is saved."""
    page = house.as_("rui").get("/r/deal/new").text
    found = re.search(r'<script type="application/json" data-env>(.*?)</script>', page, re.S)
    assert found is not None
    days = {day[:4] for day, _ in json.loads(found[1])["calendar"]["exceptions"]}
    assert len(days) > 5
