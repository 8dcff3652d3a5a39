"""Days and moments; mail, phone and links; numbers of documents; pointers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from fairlead.fields.dates import moment_text, read_moment
from fairlead.fields.kind import FieldProblem, Formats
from fairlead.fields.references import target_of
from fairlead.fields.registry import COMMON_KEYS, KINDS, field_shape_schema, kind_of
from fairlead.fields.sequence import check_format, number_text, period_of
from fairlead.fields.spec import Field
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

Make = Callable[..., Field]
SHANGHAI = ZoneInfo("Asia/Shanghai")


@given(moment=st.datetimes(timezones=st.just(UTC)))
def test_order_as_text_is_order_in_time(moment: datetime) -> None:
    text = moment_text(moment)
    assert len(text) == 27
    assert read_moment(text) == moment
    other = datetime(2026, 1, 1, tzinfo=UTC)
    assert (text < moment_text(other)) == (moment < other)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_moments_beyond_the_calendar(make: Make, text: str) -> None:
    """A-M08."""
    with pytest.raises(FieldProblem, match="out_of_range"):
        KINDS["datetime"].parse(text, make("datetime"))


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00", "2026-01-01", "2026-01-01T24:00:00Z", "2026-01-01T00:00:60Z"]
)
def test_moments_need_an_offset_and_a_real_time(make: Make, text: str) -> None:
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["datetime"].parse(text, make("datetime"))


def test_forms_speak_local_time(make: Make) -> None:
    field, codec = make("datetime"), KINDS["datetime"]
    value = codec.parse_form("2026-03-31T09:30", field, zone=SHANGHAI)
    assert codec.to_stored(value, field) == "2026-03-31T01:30:00.000000Z"
    assert codec.form_text(value, field, zone=SHANGHAI) == "2026-03-31T09:30"
    assert codec.display(value, field, "en", zone=SHANGHAI) == "Mar 31, 2026, 09:30"
    assert codec.display(value, field, "zh", zone=SHANGHAI) == "2026年3月31日 09:30"


def test_days(make: Make) -> None:
    field, codec = make("date", min="2026-01-01"), KINDS["date"]
    assert codec.display(date(2026, 3, 1), field, "en") == "Mar 1, 2026"
    assert codec.display(date(2026, 3, 1), field, "zh") == "2026年3月1日"
    with pytest.raises(FieldProblem, match="out_of_range"):
        codec.parse("2025-12-31", field)
    for text in ("20260331", "2026-W01-1", "2026-3-1", "2026-02-30", "31.12.2026"):
        with pytest.raises(FieldProblem, match="invalid"):
            codec.parse(text, field)


@pytest.mark.parametrize(
    ("text", "pattern", "day"),
    [
        ("3/1/2017", "M/D/YYYY", date(2017, 3, 1)),
        ("10/20/2016", "M/D/YYYY", date(2016, 10, 20)),
        ("31.12.2026", "DD.MM.YYYY", date(2026, 12, 31)),
        ("2026年3月1日", "YYYY年M月D日", date(2026, 3, 1)),
        ("1 Mar 26", "D MMM YY", date(2026, 3, 1)),
        ("01/02/71", "DD/MM/YY", date(1971, 2, 1)),
    ],
)
def test_days_in_files(make: Make, text: str, pattern: str, day: date) -> None:
    """A-I11: only the declared format."""
    field = make("date")
    assert KINDS["date"].import_parse(text, field, Formats(pattern)) == day
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["date"].import_parse(text, field, Formats("YYYY/MM/DD"))


def test_moments_in_files(make: Make) -> None:
    formats = Formats("M/D/YYYY h:mm A", zone=SHANGHAI)
    value = KINDS["datetime"].import_parse("3/1/2017 1:05 PM", make("datetime"), formats)
    assert value == datetime(2017, 3, 1, 5, 5, tzinfo=UTC)
    assert KINDS["time"].import_parse("1:05 AM", make("time"), Formats("h:mm A")) == time(1, 5)
    with pytest.raises(FieldProblem, match="invalid_pattern"):
        KINDS["date"].import_parse("x", make("date"), Formats("D/D/D"))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1:30", 5400),
        ("0:00:05", 5),
        ("90m", 5400),
        ("1h 30m", 5400),
        ("2天3小时", 183600),
        ("1 week", 604800),
        ("45", 45),
    ],
)
def test_lengths_of_time(make: Make, text: str, seconds: int) -> None:
    assert KINDS["duration"].parse_form(text, make("duration")) == timedelta(seconds=seconds)


def test_lengths_are_shown(make: Make) -> None:
    value = timedelta(days=1, hours=2, minutes=30)
    assert KINDS["duration"].display(value, make("duration"), "en") == "1 d 2 h 30 min"
    assert KINDS["duration"].display(value, make("duration"), "zh") == "1天2小时30分钟"
    assert KINDS["duration"].display(timedelta(), make("duration"), "zh") == "0分钟"


# ---------------------------------------------------------------- contact


@pytest.mark.parametrize(
    "text", ["a@b", "a@@b.org", "@b.org", "a@", "a b@c.org", ".a@b.org", "a.@b.org", "a..b@c.org", "a@-b.org",
             "a@b_.org", "a@b..org", "x" * 65 + "@b.org", "a@" + "b" * 64 + ".org", "Ada <a@b.org>", "a@b.org,c@d.org",
             "a@[127.0.0.1]", 'a"b@c.org', "a\n@b.org"]
)  # fmt: skip
def test_what_is_no_address(make: Make, text: str) -> None:
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["email"].parse(text, make("email"))


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("0086 13800138000", "+8613800138000"),
        ("１３８００１３８０００", "+8613800138000"),
        ("（021）68888888 分机8", "+862168888888;ext=8"),
        ("010-12345678", "+861012345678"),
        ("400-812-3123", "+864008123123"),
        ("+49 30 901820", "+4930901820"),
    ],
)
def test_phones(make: Make, text: str, stored: str) -> None:
    assert KINDS["phone"].parse(text, make("phone")) == stored
    assert KINDS["phone"].parse(stored, make("phone")) == stored


@pytest.mark.parametrize(
    "text", ["1380013800", "12345678901", "abc", "+", "1", "138001380001", "call me", "5" * 50]
)
def test_what_is_no_phone(make: Make, text: str) -> None:
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["phone"].parse(text, make("phone"))


def test_phones_as_people_read_them(make: Make) -> None:
    phone, field = KINDS["phone"], make("phone")
    assert phone.display("+8613800138000", field, "zh") == "138 0013 8000"
    assert phone.display("+862168888888;ext=123", field, "zh") == "021 6888 8888 转 123"
    assert phone.display("+14155550132", field) == "+1 415-555-0132"
    assert phone.search_text("+8613800138000", field) == "13800138000"


def test_masks(make: Make) -> None:
    assert KINDS["phone"].mask("+8613800138000", make("phone")) == "138****8000"
    assert KINDS["phone"].mask("+8613800138000", make("phone", mask="all")) == "****"
    assert KINDS["email"].mask("ada@example.org", make("email")) == "a***@example.org"
    assert KINDS["email"].mask("a@example.org", make("email")) == "***@example.org"
    assert KINDS["text"].mask("王小明", make("text")) == "王****"
    assert KINDS["text"].mask("x", make("text")) == "****"
    assert KINDS["text"].mask("310101199001011234", make("text", mask="middle")) == "310****1234"
    assert KINDS["money"].mask("1234.50", make("money")) == "****"
    assert KINDS["money"].mask(None, make("money")) == ""


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", " \tjavascript:x", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "file:///etc/x",
             "ftp://a.cn", "//a.cn", "/x", "https://", "https:a.cn", "https:///x", "http://u:p@a.cn/", "http://a b.cn",
             "http://a.cn/<x>", "http://a.cn:x/", "http://[::1", "http://-a.cn", "mailto:x", "a.cn\\x",
             "https://a..cn"]
)  # fmt: skip
def test_links_that_are_not_safe_to_show(make: Make, text: str) -> None:
    """A-W09."""
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["url"].parse(text, make("url"))


def test_people_leave_the_scheme_out(make: Make) -> None:
    assert KINDS["url"].parse_form(" www.example.org/x ", make("url")) == "https://www.example.org/x"
    with pytest.raises(FieldProblem):
        KINDS["url"].parse("www.example.org", make("url"))


# ---------------------------------------------------------------- pointers and numbers of documents


def test_a_reference_to_one_of_several(make: Make) -> None:
    field = make("reference", entities=["lead", "customer"])
    assert target_of("lead:0abc", field) == ("lead", "0abc")
    assert target_of("0abc", make("reference")) == ("customer", "0abc")
    for raw in ("0abc", "order:0abc", "lead:", "lead:a/b", {"entity": "order", "id": "1"}, {"id": "1"}):
        with pytest.raises(FieldProblem, match="invalid"):
            KINDS["reference"].parse(raw, field)


@pytest.mark.parametrize("raw", ["a b", "../x", "'", "x" * 41, 5, ["a"]])
def test_what_is_no_key(make: Make, raw: object) -> None:
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["reference"].parse(raw, make("reference"))


def test_document_numbers(make: Make) -> None:
    on = date(2026, 3, 31)
    assert number_text("QT-{year}-{n:05}", 42, on) == "QT-2026-00042"
    assert number_text("{yy}{month}{day}/{n}", 1234567, on) == "260331/1234567"
    assert period_of(make("sequence", reset="year"), on) == "2026"
    assert period_of(make("sequence", reset="month"), on) == "2026-03"
    assert period_of(make("sequence"), on) == ""
    check_format("合同-{year}{n:04}")
    for bad in (
        "QT",
        "{n}{n}",
        "{n:99}",
        "{x}{n}",
        "{n",
        "{n!r}",
        "{n.__class__}",
        "{year}",
        "{n}" + "x" * 60,
    ):
        with pytest.raises(FieldProblem, match="invalid_format"):
            check_format(bad)


def test_rows_are_counted_here_and_read_elsewhere(make: Make) -> None:
    field = make("table", max_rows=2, min_rows=1)
    assert KINDS["table"].parse([{"qty": 1}], field) == ({"qty": 1},)
    for raw, code in (
        ([{}] * 3, "too_many"),
        ([], "too_few"),
        ([1], "invalid"),
        ({"a": 1}, "invalid"),
        ("x", "invalid"),
    ):
        with pytest.raises(FieldProblem, match=code):
            KINDS["table"].parse(raw, field)


def test_deep_and_large_data(make: Make) -> None:
    deep: list[object] = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(FieldProblem, match="too_deep"):
        KINDS["json"].parse(deep, make("json"))
    with pytest.raises(FieldProblem, match=r"invalid|too_deep"):
        KINDS["json"].parse_form("[" * 5000 + "]" * 5000, make("json"))
    with pytest.raises(FieldProblem, match="too_long"):
        KINDS["json"].parse("x" * 70_000, make("json"))
    with pytest.raises(FieldProblem, match="invalid"):
        KINDS["json"].parse_form("{", make("json"))


# ---------------------------------------------------------------- the registry


def test_every_kind_has_a_schema(make: Make) -> None:
    schemas = field_shape_schema()
    assert set(schemas) == set(KINDS)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
        assert set(COMMON_KEYS) <= set(schema["properties"])
    money = Draft202012Validator(schemas["money"])
    assert money.is_valid({"type": "money", "currency": "CNY", "min": 0, "required": True})
    assert not money.is_valid({"type": "money", "curency": "CNY"})
    assert not Draft202012Validator(schemas["text"]).is_valid({"type": "text", "max_length": 100_001})
    assert not Draft202012Validator(schemas["decimal"]).is_valid({"type": "decimal", "scale": 10})
    assert kind_of(make("money")) is KINDS["money"]


@given(digits=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_a_chinese_mobile_number_is_what_the_library_makes_of_it(make: Make, digits: str) -> None:
    phone = KINDS["phone"]
    number = phonenumbers.parse(digits, "CN")
    assert phonenumbers.is_possible_number(number)
    stored = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    assert (
        phone.parse(digits, make("phone"))
        == stored
        == phone.parse(f" {digits[:3]} {digits[3:]}", make("phone"))
    )
