"""What leaves the system: exactly the rows and fields that may, in a form that is read again and starts no formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from fairlead.work import exports
from fairlead.work.imports import import_file
from python_calamine import load_workbook

from tests.support.world import DEAL, World, open_world, refusal

ROLES = {
    "admin/role_manager.yaml": """
kind: role
name: manager
label: {en: Manager, zh: 经理}
grants:
  deal: {read: all, create: all, update: all, export: subordinates, import: all, fields: {phone: masked, margin: hidden}}
""",
    "admin/role_guest.yaml": """
kind: role
name: guest
label: {en: Guest, zh: 访客}
grants:
  deal: {read: all}
""",
    "schemas/deal.yaml": DEAL["schemas/deal.yaml"].replace(
        "fields:\n  name:",
        "fields:\n  partner: {type: reference, entity: deal, on_delete: clear, label: {en: Partner, zh: 伙伴}}\n"
        "  words: {type: tags, label: {en: Words, zh: 词}}\n  met: {type: datetime, label: {en: Met, zh: 见面}}\n  name:", 1
    ),
}  # fmt: skip


@pytest.fixture
def house(database_url: str) -> Any:
    """The small office: Mei sees everything and may take out what is her team's; Otto may take out nothing."""
    with open_world(database_url, {**DEAL, **ROLES}) as made:
        yield made


def taken(world: World, who: str, form: exports.Form = "csv", **options: Any) -> bytes:
    return b"".join(exports.export(world.as_(who), "deal", form, **options).chunks)


def rows(world: World, who: str, **options: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(taken(world, who, **options).decode("utf-8-sig"))))


def test_exactly_the_rows_that_may_be_taken_out(house: World) -> None:
    house.create("rui", name="Rui's")
    house.create("ada", name="Ada's")
    assert {row["name"] for row in house.sees("mei")} == {"Rui's", "Ada's"}
    assert [row["name"] for row in rows(house, "mei")] == ["Rui's"]
    assert [row["name"] for row in rows(house, "ada")] == ["Rui's", "Ada's"]
    assert refusal(taken, house, "otto").code == "forbidden"


def test_hidden_is_absent_and_masked_is_masked(house: World) -> None:
    house.create("ada", name="x", phone="13800138000", margin="0.125", owner=house.actors["rui"].id)
    raw = taken(house, "mei").decode()
    assert "margin" not in raw and "0.125" not in raw and "8000138" not in raw
    assert rows(house, "mei")[0]["phone"] == "138****8000"
    for names in (("margin",), ("id", "margin"), ("nothing",)):
        failure = refusal(taken, house, "mei", fields=names)
        assert (failure.code, failure.errors[0].code) == ("invalid", "unknown_field")  # type: ignore[attr-defined]
    assert refusal(taken, house, "mei", filter="margin > 0.1").errors[0].code == "unknown_field"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+2", "@x", "=cmd|' /C calc'!A0"])
def test_no_text_becomes_a_formula(house: World, text: str, tmp_path: Path) -> None:
    house.create("ada", name=text, amount="5", words=["-a"])
    (row,) = rows(house, "ada")
    assert (row["name"], row["amount"], row["words"]) == (f"'{text}", "5.00", "'-a")
    path = tmp_path / "a.xlsx"
    path.write_bytes(taken(house, "ada", "xlsx", fields=("name", "amount")))
    with load_workbook(str(path)) as book:
        assert book.get_sheet_by_name("deal").to_python() == [["name", "amount"], [f"'{text}", 5.0]]


def test_numbers_stay_numbers_to_the_last_digit(house: World, tmp_path: Path) -> None:
    house.create("ada", name="a", margin="-0.1234")
    house.create("ada", name="b", amount="999999.99")
    one, two = rows(house, "ada", fields=("margin", "amount"))
    assert (one["margin"], two["amount"], two["margin"]) == ("-0.1234", "999999.99", "")
    path = tmp_path / "a.xlsx"
    path.write_bytes(taken(house, "ada", "xlsx", fields=("margin", "amount")))
    with load_workbook(str(path)) as book:
        assert book.get_sheet_by_name("deal").to_python()[1:] == [[-0.1234, ""], ["", 999999.99]]


def test_labels_in_a_language(house: World) -> None:
    house.create("ada", name="x", region="north", hot=True, owner=house.actors["rui"].id)
    found = taken(house, "ada", fields=("name", "region", "hot", "stage", "owner"), labels=True, lang="zh")
    assert found.decode("utf-8-sig").splitlines() == ["名称,区域,热,阶段,负责人", "x,北区,是,进行中,Rui"]
    (row,) = rows(house, "ada", fields=("region", "hot"))
    assert (row["region"], row["hot"]) == ("north", "true")


def test_a_filter_narrows(house: World) -> None:
    house.create("ada", name="small", amount="5")
    house.create("ada", name="large", amount="500")
    assert [row["name"] for row in rows(house, "ada", filter="amount > 100.0")] == ["large"]


def test_what_was_taken_out_comes_in_again(house: World, tmp_path: Path) -> None:
    first = house.create("ada", name="First", code="A")
    house.create(
        "ada", name="=Second; \"q\",", code="B", amount="12.5", margin="0.25", phone="13800138000", region="south",
        close_on="2026-02-28", hot=False, partner=first, words=["x", "y z"], met="2026-03-31T01:30:00Z",
        owner=house.actors["sana"].id,
    )  # fmt: skip
    names = (
        "name",
        "code",
        "amount",
        "margin",
        "phone",
        "region",
        "close_on",
        "hot",
        "partner",
        "words",
        "met",
        "owner",
        "stage",
    )
    for form in ("csv", "xlsx"):
        path = tmp_path / f"deals.{form}"
        path.write_bytes(taken(house, "ada", form, fields=names))  # type: ignore[arg-type]
        summary = import_file(house.as_("ada"), "deal", path, on_existing="update")
        assert (summary.unchanged, summary.quarantined) == (2, 0), summary.to_json()


def test_many_rows_are_one_stream(house: World, tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    path.write_text("name,code\n" + "".join(f"d{n},c{n}\n" for n in range(1201)), encoding="utf-8")
    import_file(house.as_("system"), "deal", path)
    chunks = list(exports.export(house.as_("ada"), "deal", fields=("code",)).chunks)
    assert len(chunks) == 4
    assert b"".join(chunks).decode("utf-8-sig").split() == ["code", *[f"c{n}" for n in range(1201)]]
    # A reader who stops half-way leaves nothing open.
    half = exports.export(house.as_("ada"), "deal", fields=("code",)).chunks
    next(half)
    half.close()  # type: ignore[attr-defined]
