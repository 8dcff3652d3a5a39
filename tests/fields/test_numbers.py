"""Numbers are exact, whatever way they come in."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from fairlead.fields.kind import FieldProblem, Formats
from fairlead.fields.numbers import plain_number, scaled_text
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field
from hypothesis import given
from hypothesis import strategies as st

Make = Callable[..., Field]
BIG = st.integers(-(2**63), 2**63 - 1)


@given(stored=BIG, scale=st.integers(0, 9))
def test_placing_the_point_is_division(stored: int, scale: int) -> None:
    assert Decimal(scaled_text(stored, scale)) * 10**scale == stored


@given(stored=BIG, currency=st.sampled_from(["CNY", "JPY", "KWD"]))
def test_money_survives_every_form(make: Make, stored: int, currency: str) -> None:
    """A-M05: no amount that fits changes by a single minor unit."""
    field, money = make("money", currency=currency), KINDS["money"]
    encode = money.json_encoder(field)
    assert encode
    value = money.from_stored(stored, field)
    assert money.parse(encode(stored), field) == value
    assert money.to_stored(value, field) == stored
    assert money.parse_form(money.form_text(value, field), field) == value
    assert money.parse_form(money.display(value, field), field) == value


@given(stored=BIG, scale=st.integers(0, 9))
def test_decimals_survive_every_form(make: Make, stored: int, scale: int) -> None:
    field, codec = make("decimal", scale=scale), KINDS["decimal"]
    value = codec.from_stored(stored, field)
    assert codec.to_stored(value, field) == stored
    assert codec.parse(codec.to_json(value, field), field) == value
    assert codec.parse_form(codec.display(value, field), field) == value


@given(stored=st.integers(-(10**16), 10**16))
def test_percents_survive_every_form(make: Make, stored: int) -> None:
    field, codec = make("percent"), KINDS["percent"]
    value = codec.from_stored(stored, field)
    assert codec.parse(codec.to_json(value, field), field) == value
    assert codec.parse_form(codec.form_text(value, field), field) == value
    assert codec.import_parse(codec.display(value, field, "zh"), field) == value


@given(text=st.text(max_size=40))
def test_any_text_is_a_number_or_a_problem(make: Make, text: str) -> None:
    codes = set()
    for kind in ("integer", "decimal", "money", "percent", "rating"):
        for read in (KINDS[kind].parse, KINDS[kind].parse_form, KINDS[kind].import_parse):
            try:
                read(text, make(kind))
            except FieldProblem as problem:
                codes.add(problem.code)
    assert codes <= {"invalid", "out_of_range", "too_precise"}


@given(number=st.floats())
def test_a_float_is_taken_whole_or_not_at_all(make: Make, number: float) -> None:
    try:
        value = KINDS["decimal"].parse(number, make("decimal", scale=9))
    except FieldProblem:
        return
    assert float(value) == number


@pytest.mark.parametrize(
    "raw", [1.9, 1.0, True, "１２", "1_000", "1.5", "0x10", "12 000", "--1", "+1", [1], {"a": 1}]
)
def test_whole_numbers_are_never_guessed(make: Make, raw: object) -> None:
    """A-M04."""
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["integer"].parse(raw, make("integer"))


@pytest.mark.parametrize("raw", [2**63, -(2**63) - 1, 2**64, str(2**63), "9" * 5000, "1e1000000", 10**400])
def test_numbers_beyond_a_bigint(make: Make, raw: object) -> None:
    """A-M06, A-X07."""
    for kind in ("integer", "decimal", "money"):
        with pytest.raises(FieldProblem, match="out_of_range"):
            KINDS[kind].parse(raw, make(kind))


@pytest.mark.parametrize("raw", ["0.1+0.2", "1,000", "¥5", "5 CNY", "abc"])
def test_programs_write_plain_numbers(make: Make, raw: str) -> None:
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["money"].parse(raw, make("money"))


def test_more_decimals_than_the_currency_has(make: Make) -> None:
    with pytest.raises(FieldProblem, match="too_precise"):
        KINDS["money"].parse("1.005", make("money", currency="CNY"))
    with pytest.raises(FieldProblem, match="too_precise"):
        KINDS["money"].parse("1.5", make("money", currency="JPY"))


def test_what_a_formula_gives_is_rounded_half_even(make: Make) -> None:
    money = KINDS["money"]
    assert money.to_stored(Decimal("0.125"), make("money")) == 12
    assert money.to_stored(Decimal("0.135"), make("money")) == 14
    assert KINDS["percent"].to_stored(Decimal(1) / 3, make("percent")) == 333333
    with pytest.raises(FieldProblem, match="out_of_range"):
        money.to_stored(Decimal("1e17"), make("money"))


def test_bounds_are_named_as_people_read_them(make: Make) -> None:
    field = make("percent", min=0, max="0.3")
    assert KINDS["percent"].parse_form("30", field) == Decimal("0.3")
    with pytest.raises(FieldProblem, match=r"out_of_range: Not more than 30 %\."):
        KINDS["percent"].parse_form("31", field)
    with pytest.raises(FieldProblem, match="out_of_range"):
        KINDS["money"].parse("-0.01", make("money", min=0.0))
    with pytest.raises(FieldProblem, match="out_of_range"):
        KINDS["rating"].parse(6, make("rating"))


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1,234.50", "1234.50"),
        ("１，２３４．５", "1234.5"),
        (" 12 ", "12"),
        ("650万", "6500000"),
        ("1.5亿", "150000000"),
        ("0.00001万", "00000.1"),
        ("−5", "-5"),
        ("+5", "5"),
        ("", ""),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_numbers_as_people_type_them(text: str, plain: str) -> None:
    assert plain_number(text) == plain


@pytest.mark.parametrize(
    "text", ["1,2", "1,23,456", "1.2.3", "12a", "$5", "1 2", "万", "5万万", "--5", "1,2345"]
)
def test_numbers_that_could_mean_anything(text: str) -> None:
    with pytest.raises(FieldProblem):
        plain_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" 650万", "6500000"),
        ("104,569元/平", "104569"),
        ("62.0㎡", "62"),
        ("62m2", "62"),
        ("¥ 1,200.50", "1200.5"),
        ("-¥5", "-5"),
        ("¥-5", "-5"),
        ("(1,200.5)", "-1200.5"),
        ("USD 5", "5"),
        ("5 CNY", "5"),
    ],
)
def test_numbers_with_units_in_files(make: Make, text: str, value: str) -> None:
    assert KINDS["decimal"].import_parse(text, make("decimal")) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["3 of 12", "1/2", "2026-01-01", "5-6", "1,5", "abc", "1 200", "12:30", "-¥-5"]
)
def test_a_cell_with_two_numbers_is_not_one_of_them(make: Make, text: str) -> None:
    with pytest.raises(FieldProblem):
        KINDS["decimal"].import_parse(text, make("decimal"))


def test_numbers_of_another_country(make: Make) -> None:
    formats = Formats(decimal=",", thousands=".")
    assert KINDS["money"].import_parse("1.234,50 €", make("money", currency="EUR"), formats) == Decimal(
        "1234.5"
    )


def test_percents_in_files(make: Make) -> None:
    field = make("percent")
    assert KINDS["percent"].import_parse("12.5%", field) == Decimal("0.125")
    assert KINDS["percent"].import_parse("0.125", field) == Decimal("0.125")
    assert KINDS["percent"].import_parse("12.5", field, Formats("percent")) == Decimal("0.125")


def test_how_numbers_are_shown(make: Make) -> None:
    def shown(kind: str, value: object, lang: str = "en", **params: object) -> str:
        return KINDS[kind].display(value, make(kind, **params), lang)

    assert shown("money", Decimal("-1234.5"), currency="CNY") == "-¥1,234.50"
    assert shown("money", Decimal(1500), currency="JPY") == "¥1,500"
    assert shown("percent", Decimal("0.125")) == "12.5 %"
    assert shown("percent", Decimal("0.125"), "zh") == "12.5%"
    assert shown("integer", 1996) == "1,996"
    assert shown("integer", 1996, grouping=False) == "1996"
    assert shown("decimal", Decimal("62.0"), unit="m²") == "62 m²"
    assert shown("rating", 4) == "4/5"
