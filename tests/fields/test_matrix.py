"""One matrix over all kinds: what comes in comes out, on both databases, and what cannot be kept is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import sqlalchemy as sa
from fairlead.expr import stored as expr_stored
from fairlead.fields import columns
from fairlead.fields.kind import FieldProblem, Formats
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field
from jsonschema import Draft202012Validator

Make = Callable[..., Field]

MIXED = "🏠👨‍👩‍👧‍👦 مَرْحَبًا Z͑ͫ̓a͌l̴g̷o"

# kind, params, JSON in, domain value, stored, JSON out
VALUES: list[Any] = [
    ("text", {}, " Acme Ltd ", "Acme Ltd", "Acme Ltd", "Acme Ltd"),
    ("text", {}, MIXED, MIXED, MIXED, MIXED),
    ("text", {}, "a\u202eb'; DROP TABLE x--", *["a\u202eb'; DROP TABLE x--"] * 3),
    ("long_text", {}, " one\r\n\ttwo ", " one\r\n\ttwo ", " one\r\n\ttwo ", " one\r\n\ttwo "),
    ("rich_text", {}, "<p>Hi <b>you</b></p>", *["<p>Hi <b>you</b></p>"] * 3),
    ("integer", {}, 42, 42, 42, 42),
    ("integer", {}, "-42", -42, -42, -42),
    ("integer", {}, 2**63 - 1, 2**63 - 1, 2**63 - 1, 2**63 - 1),
    ("integer", {}, -(2**63), -(2**63), -(2**63), -(2**63)),
    ("decimal", {}, "12.5000", Decimal("12.5"), 125000, "12.5"),
    ("decimal", {"scale": 0}, "12", Decimal(12), 12, "12"),
    ("decimal", {"scale": 9}, "-0.000000001", Decimal("-1e-9"), -1, "-0.000000001"),
    ("decimal", {}, 19.99, Decimal("19.99"), 199900, "19.99"),
    ("decimal", {}, "-0", Decimal(0), 0, "0"),
    ("money", {"currency": "CNY"}, "12345678901234567.89", Decimal("12345678901234567.89"), 1234567890123456789,
     "12345678901234567.89"),
    ("money", {"currency": "CNY"}, "-0.05", Decimal("-0.05"), -5, "-0.05"),
    ("money", {"currency": "CNY"}, 100, Decimal(100), 10000, "100.00"),
    ("money", {"currency": "JPY"}, "1500", Decimal(1500), 1500, "1500"),
    ("money", {"currency": "KWD"}, "1.234", Decimal("1.234"), 1234, "1.234"),
    ("percent", {}, "0.125", Decimal("0.125"), 125000, "0.125"),
    ("rating", {}, 4, 4, 4, 4),
    ("boolean", {}, True, True, True, True),
    ("boolean", {}, False, False, False, False),
    ("choice", {}, "fair", "fair", "fair", "fair"),
    ("choice", {}, "fax", "fax", "fax", "fax"),
    ("multi_choice", {}, ["web", "fair", "web", "Fair"], ("web", "fair", "Fair"), '["web","fair","Fair"]',
     ["web", "fair", "Fair"]),
    ("tags", {}, ["VIP", "vip", " 老客户 "], ("VIP", "老客户"), '["VIP","老客户"]', ["VIP", "老客户"]),
    ("date", {}, "2028-02-29", date(2028, 2, 29), "2028-02-29", "2028-02-29"),
    ("date", {}, "0001-01-01", date(1, 1, 1), "0001-01-01", "0001-01-01"),
    ("datetime", {}, "2026-03-31T09:30:00+08:00", datetime(2026, 3, 31, 1, 30, tzinfo=UTC),
     "2026-03-31T01:30:00.000000Z", "2026-03-31T01:30:00.000000Z"),
    ("datetime", {}, "0001-01-01T00:00:00.000001Z", datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
     "0001-01-01T00:00:00.000001Z", "0001-01-01T00:00:00.000001Z"),
    ("time", {}, "09:30", time(9, 30), "09:30:00", "09:30:00"),
    ("duration", {}, 5400, timedelta(hours=1, minutes=30), 5_400_000_000, 5400),
    ("duration", {}, -90, timedelta(seconds=-90), -90_000_000, -90),
    ("duration", {}, "1h 30m", timedelta(hours=1, minutes=30), 5_400_000_000, 5400),
    ("email", {}, "Ada.Lovelace@Example.ORG", *["Ada.Lovelace@example.org"] * 3),
    ("email", {}, "王伟@例子.中国", *["王伟@例子.中国"] * 3),
    ("phone", {}, "138 0013 8000", *["+8613800138000"] * 3),
    ("phone", {}, "021-6888 8888 转 123", *["+862168888888;ext=123"] * 3),
    ("phone", {"region": "US"}, "(415) 555-0132 x7", *["+14155550132;ext=7"] * 3),
    ("url", {}, "https://example.org/a?b=1#c", *["https://example.org/a?b=1#c"] * 3),
    ("url", {}, "mailto:ada@example.org", *["mailto:ada@example.org"] * 3),
    ("user", {}, "0abc123def456ghj", *["0abc123def456ghj"] * 3),
    ("team", {}, {"id": "east", "title": "East"}, *["east"] * 3),
    ("reference", {}, "0abc123def456ghj", *["0abc123def456ghj"] * 3),
    ("reference", {"entities": ["lead", "customer"]}, "lead:0abc", *["lead:0abc"] * 3),
    ("reference", {"entities": ["lead", "customer"]}, {"entity": "lead", "id": "0abc"}, *["lead:0abc"] * 3),
    ("references", {}, ["0abc", {"id": "0def"}], ("0abc", "0def"), '["0abc","0def"]', ["0abc", "0def"]),
    ("sequence", {}, "QT-2026-00042", *["QT-2026-00042"] * 3),
    ("json", {}, {"a": [1, 2.5, None, "é\n"], "": True}, {"a": [1, 2.5, None, "é\n"], "": True},
     '{"a":[1,2.5,null,"é\\n"],"":true}', {"a": [1, 2.5, None, "é\n"], "": True}),
]  # fmt: skip
IDS = [f"{row[0]}-{number}" for number, row in enumerate(VALUES)]


@pytest.mark.parametrize(("kind", "params", "raw", "value", "stored", "out"), VALUES, ids=IDS)
def test_each_form_of_a_value(
    make: Make, kind: str, params: Any, raw: Any, value: Any, stored: Any, out: Any
) -> None:
    field, codec = make(kind, **params), KINDS[kind]
    assert codec.parse(raw, field) == value
    assert codec.to_stored(value, field) == stored
    assert codec.from_stored(stored, field) == value
    assert codec.to_json(value, field) == out
    assert codec.parse(out, field) == value
    assert orjson.loads(orjson.dumps(out)) == out
    Draft202012Validator(codec.json_schema(field)).validate(out)


@pytest.mark.parametrize(("kind", "params", "raw", "value", "stored", "out"), VALUES, ids=IDS)
def test_a_form_gives_back_what_it_shows(
    make: Make, kind: str, params: Any, raw: Any, value: Any, stored: Any, out: Any
) -> None:
    field, codec = make(kind, **params), KINDS[kind]
    zone = ZoneInfo("America/New_York")
    text = codec.form_text(value, field, zone=zone)
    if kind == "long_text":
        value = value.replace("\r\n", "\n")
    assert codec.parse_form(text, field, zone=zone) == value


@pytest.mark.parametrize(("kind", "params", "raw", "value", "stored", "out"), VALUES, ids=IDS)
def test_a_value_can_be_shown_masked_and_searched(
    make: Make, kind: str, params: Any, raw: Any, value: Any, stored: Any, out: Any
) -> None:
    field, codec = make(kind, **params), KINDS[kind]
    for lang in ("en", "zh"):
        assert codec.display(value, field, lang, zone=UTC)
    for how in ("none", "tail", "middle", "all"):
        masked = codec.mask(value, make(kind, mask=how, **params))
        assert "*" in masked
        assert masked != str(out)
        assert codec.mask(out, make(kind, mask=how, **params))
    found = codec.search_text(value, field)
    assert found is None or found.strip()


def test_both_databases_keep_the_same(make: Make, database_url: str) -> None:
    """The same bytes come back, and order, equality and emptiness are judged alike."""
    kept = [row for row in VALUES if KINDS[row[0]].column_type(make(row[0], **row[1])) is not None]
    table = sa.Table(
        "kept",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        *(
            sa.Column(f"c{n}", KINDS[row[0]].column_type(make(row[0], **row[1])))
            for n, row in enumerate(kept)
        ),
    )
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(table.insert(), {"id": 1, **{f"c{n}": row[4] for n, row in enumerate(kept)}})
            connection.execute(table.insert(), {"id": 2, **{f"c{n}": None for n in range(len(kept))}})
            found = connection.exec_driver_sql("SELECT * FROM kept ORDER BY id").mappings().all()
        for n, (kind, params, _, value, _, out) in enumerate(kept):
            field, codec = make(kind, **params), KINDS[kind]
            encode = codec.json_encoder(field)
            stored = found[0][f"c{n}"]
            assert codec.from_stored(stored, field) == value
            given = encode(stored) if encode else stored
            assert (type(given), given) == (type(out), out)
            assert codec.from_stored(found[1][f"c{n}"], field) is None
    finally:
        engine.dispose()


@pytest.mark.parametrize(("kind", "params", "raw", "value", "stored", "out"), VALUES, ids=IDS)
def test_rules_read_what_is_stored(
    make: Make, kind: str, params: Any, raw: Any, value: Any, stored: Any, out: Any
) -> None:
    """A column is compared in SQL with a value that the expression language stored: both must mean the same."""
    field, codec = make(kind, **params), KINDS[kind]
    seen = codec.expr_type(field)
    digits = str(stored).lstrip("-") if seen.is_number else ""
    if kind != "json" and len(digits) <= seen.digits:
        assert expr_stored.from_stored(stored, seen) == value
        assert expr_stored.to_stored(value, seen) == stored


def test_text_sorts_alike_on_both_databases(database_url: str) -> None:
    words = ["é", "Z", "a", "_", "中", "B", "🏠", "ﬁ", "1", " x"]
    table = sa.Table("words", sa.MetaData(), sa.Column("word", columns.TEXT))
    engine = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:
            table.create(connection)
            connection.execute(table.insert(), [{"word": word} for word in words])
            found = list(connection.execute(sa.select(table.c.word).order_by(table.c.word)).scalars())
        assert found == sorted(words)
    finally:
        engine.dispose()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("empty", [None, "", "   ", "\u200b\u3000\t", "\ufeff"])
def test_nothing_to_see_is_empty(make: Make, kind: str, empty: str | None) -> None:
    """N-M10: a blank is no answer, whichever blank it is."""
    field, codec = make(kind), KINDS[kind]
    if empty is not None and kind in ("table", "json"):
        empty = None
    assert codec.parse(empty, field) is None
    assert codec.parse_form(empty, field) is None
    assert codec.to_stored(None, field) is None
    assert codec.from_stored(None, field) is None
    assert codec.to_json(None, field) is None
    assert codec.display(None, field) == codec.form_text(None, field) == codec.mask(None, field) == ""
    assert codec.search_text(None, field) is None


HOSTILE = ["a\x00b", "\x00", "a\ud800", "\udfffb", "\x1b[31m", "\x7f", "a\x85b", "a\x0b1", "x\ufffe\x00"]


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "table"])
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_kind_keeps_characters_that_a_database_refuses(make: Make, kind: str, text: str) -> None:
    """A-N02, A-N03: SQLite would keep some of them, PostgreSQL none; the answer is the same."""
    field, codec = make(kind), KINDS[kind]
    for raw in (text, [text], {"id": text}, {text: 1}):
        with pytest.raises(FieldProblem):
            codec.parse(raw, field)
    with pytest.raises(FieldProblem):
        codec.parse_form(text, field)


ODD = [
    True, 0, -1, 1.9, 1e308, float("nan"), float("inf"), 2**63, -(2**63) - 1, 2**64, 10**400, [], {}, [[]], [{}],
    {"a": {}}, ["x"] * 10_000, "x" * 200_000, "9" * 200_000, "1e1000000", "-1e999999999", "１２", "1_000", "0x10",
    "٣", "NaN", "Infinity", "null", "undefined", "../../etc/passwd", "<script>alert(1)</script>", "{{7*7}}",
    "javascript:alert(1)", "' OR 1=1 --", "=1+1", "%s%n", "2026-13-01", "2026-02-30", "24:00", "99:99:99",
    "2026-01-01T00:00:00", "2026-01-01T25:00:00Z", "2026-01-01T00:00:00+99:99", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00", "0000-00-00", "a@b", "@", "a@@b.c", "+", "+86", "()", "http://", "http://[",
    "http://a:99999999/", "http://u:p@h.cn/", "//x.cn", "T", "P1D", "true", "-", ".", ",", "1,2,3", "--1", "1.2.3",
    "½", "Ⅷ", "二", "\u202e", "a\u0301" * 300, "ﷺ" * 300, "ß", "İ", "ı", "\U0010ffff", "\ufffe",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_odd_values_are_kept_or_refused_but_never_break(make: Make, kind: str) -> None:
    """A-N01 and class M: a problem with a code and a sentence in both languages, or a value that comes back."""
    field, codec, problems = make(kind), KINDS[kind], []
    for raw in ODD:
        for read in (codec.parse, codec.parse_form):
            try:
                value = read(raw, field)
            except FieldProblem as problem:
                problems.append(problem)
                continue
            if value is not None and kind != "table":
                stored = codec.to_stored(value, field)
                assert isinstance(stored, str | int)
                assert codec.from_stored(stored, field) == value
                assert codec.parse(codec.to_json(value, field), field) == value
                codec.display(value, field, "zh")
                codec.mask(value, field)
                codec.form_text(value, field)
                str(stored).encode()
    assert {problem.code for problem in problems} <= CODES
    assert all(problem.message.get("en") != problem.message.get("zh") for problem in problems)


CODES = {
    "invalid", "out_of_range", "too_precise", "too_long", "too_short", "too_many", "too_few", "too_deep",
    "not_an_option",
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_import_reads_odd_cells_or_says_why_not(make: Make, kind: str) -> None:
    field, codec, problems = make(kind), KINDS[kind], []
    for formats in (Formats(), Formats("M/D/YYYY"), Formats(decimal=",", thousands=".")):
        for text in [odd for odd in ODD if isinstance(odd, str)] + ["", " ", *HOSTILE]:
            if kind == "table":
                continue
            try:
                codec.import_parse(text, field, formats)
            except FieldProblem as problem:
                problems.append(problem)
    assert {problem.code for problem in problems} <= CODES


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_describes_itself(make: Make, kind: str) -> None:
    codec = KINDS[kind]
    assert codec.name == kind
    assert codec.label.get("en") != codec.label.get("zh")
    assert codec.help.get("en") != codec.help.get("zh")
    assert codec.widget
    assert set(codec.required_params) <= set(codec.params_schema)
    schema = {"type": "object", "properties": dict(codec.params_schema)}
    Draft202012Validator.check_schema(json.loads(json.dumps(schema)))
    assert codec.expr_type(make(kind)) is not None
    assert (codec.column_type(make(kind)) is None) == (kind == "table")
