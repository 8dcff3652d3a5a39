"""What everybody relies on: keys in order, one text for a moment, exact money, labels, places, working days."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from fairlead.base.calendar import default_calendar
from fairlead.base.clock import FrozenClock, iso_utc, parse_utc
from fairlead.base.errors import Conflict, Forbidden, Invalid, Locked, NotFound, Refused
from fairlead.base.ids import is_id, new_id
from fairlead.base.money import (
    NotANumber,
    format_money,
    from_minor,
    parse_money,
    parse_number,
    quantise,
    to_minor,
)
from fairlead.base.problems import Level, Problems, Span
from fairlead.base.texts import Label, did_you_mean


def test_ids_grow_and_never_repeat():
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(is_id(one) for one in made[:100])


def test_ids_of_several_threads_are_distinct():
    made: list[str] = []

    def make() -> None:
        made.extend(new_id() for _ in range(2_000))

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8_000


@pytest.mark.parametrize("micro", [0, 1, 999_999])
def test_a_moment_has_one_text(micro):
    moment = datetime(2026, 1, 5, 9, 0, 0, micro, UTC)
    text = iso_utc(moment)
    assert len(text) == 27
    assert text.endswith("Z")
    assert parse_utc(text) == moment


def test_a_moment_without_zone_is_not_stored():
    with pytest.raises(ValueError, match="zone"):
        iso_utc(datetime(2026, 1, 5))


def test_a_frozen_clock_moves_when_told():
    clock = FrozenClock("2026-01-05T00:00:00Z")
    clock.advance(timedelta(days=1))
    assert iso_utc(clock()) == "2026-01-06T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1,234.50", "CNY", 123450),
        ("¥ 1,234.5", "CNY", 123450),
        ("-￥３.００", "CNY", -300),
        ("100元", "CNY", 10000),
        ("1234", "JPY", 1234),
        ("1.234", "KWD", 1234),
    ],
)
def test_money_is_read_as_people_write_it(text, currency, minor):
    amount = parse_money(text, currency)
    assert to_minor(amount, currency) == minor
    assert from_minor(minor, currency) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not_a_number"),
        ("abc", "not_a_number"),
        ("1,23", "not_a_number"),
        ("NaN", "not_a_number"),
        ("1e1000000", "out_of_range"),
        ("9" * 19, "out_of_range"),
        ("9" * 1000, "out_of_range"),
        ("1.005", "too_precise"),
    ],
)
def test_bad_amounts_are_refused(text, code):
    with pytest.raises(NotANumber) as found:
        parse_money(text, "CNY")
    assert found.value.code == code


def test_rounding_is_half_even():
    assert [quantise(Decimal(x), 2) for x in ("0.005", "0.015", "-0.025")] == [
        Decimal("0.00"),
        Decimal("0.02"),
        Decimal("-0.02"),
    ]
    assert parse_number("1.50") == Decimal("1.5")
    assert format_money(Decimal("-1234.5"), "CNY") == "-¥1,234.50"
    assert format_money(Decimal("1234"), "JPY") == "¥1,234"


def test_a_label_falls_back():
    label = Label({"zh": "线索"}, "lead")
    assert label.get("en") == "线索"
    assert Label({}, "won_deal").get("zh") == "won deal"
    assert Label({"en": "Hi {name}"}).format(name=label).get("en") == "Hi 线索"
    assert hash(label) == hash(Label({"zh": "线索"}, "lead"))


@pytest.mark.parametrize(
    ("word", "meant"), [("requred", "required"), ("wno", "won"), ("Phone", "phone"), ("zz", None)]
)
def test_slips_are_guessed(word, meant):
    assert did_you_mean(word, ["required", "won", "phone"]) == meant


def test_problems_come_in_the_order_of_the_files():
    problems = Problems()
    problems.add("b", ("fields", "phon", "type"), Span("a.yaml", 4, 2), "there is no type 'x'", hint="text")
    problems.add("a", (), Span("a.yaml", 1, 1), "late", level=Level.warning)
    problems.add("a", (), Span("a.yaml", 1, 1), "late", level=Level.warning)
    assert problems.render().splitlines() == [
        "a.yaml:1:1: warning: late",
        "a.yaml:4:2: fields.phon.type: there is no type 'x' (did you mean 'text'?)",
    ]
    assert problems.has_errors
    assert problems.to_json()[1]["key"] == "fields.phon.type"


def test_failures_know_their_status():
    assert Invalid.field("phone", "required", "x").status == 422
    assert Refused("pool.limit", "x").status == 409
    assert Forbidden("no", "x").status == 403
    assert Locked("approval", "x").status == 423
    assert Conflict("id", expected=3).status == 412
    assert NotFound("lead", "x").message("zh") == "没有这条记录。"


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        (date(2025, 9, 28), True),  # a Sunday, made up for National Day
        (date(2025, 10, 1), False),
        (date(2025, 10, 11), True),  # a Saturday, made up
        (date(2025, 9, 27), False),
    ],
)
def test_make_up_days_are_worked(day, worked):
    assert default_calendar().is_working_day(day) is worked


@pytest.mark.parametrize("start", [date(2025, 9, 20), date(2025, 1, 1), date(2024, 2, 3)])
def test_business_days_agree_with_counting(start):
    calendar = default_calendar()
    for length in range(0, 60, 7):
        end = start + timedelta(days=length)
        counted = sum(calendar.is_working_day(start + timedelta(days=n + 1)) for n in range(length))
        assert calendar.business_days_between(start, end) == counted
        assert calendar.business_days_between(end, start) == -counted


def test_two_business_days_over_a_make_up_weekend():
    """From Friday 26 September 2025, Sunday the 28th is worked, so two days later is Monday."""
    calendar = default_calendar()
    friday = parse_utc("2025-09-26T08:00:00Z")
    assert iso_utc(calendar.add_business_days_to(friday, 2)) == "2025-09-29T08:00:00.000000Z"
    assert iso_utc(calendar.add_business_days_to(friday, 1)) == "2025-09-28T08:00:00.000000Z"


def test_working_time_is_used_up_inside_working_hours():
    calendar = default_calendar()
    friday_16 = parse_utc("2025-11-07T08:00:00Z")
    ends = calendar.add_business_time(friday_16, timedelta(hours=5))
    assert iso_utc(ends) == "2025-11-10T04:00:00.000000Z"
    assert calendar.business_time_between(friday_16, ends) == timedelta(hours=5)
