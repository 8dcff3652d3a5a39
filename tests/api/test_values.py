"""What may be written: values of every kind, bodies that are no bodies, names of fields that are not one's own (M, N, X)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.office import Answer, Api

ORDINARY = ("name", "count", "price", "weight", "share", "at", "day", "flag", "kind", "marks", "notes", "rich", "data",
            "link", "email", "phone", "deal", "rows")  # fmt: skip


def sent(api: Api, who: str = "ada", **values: Any) -> Answer:
    return api.post(who, "case", {"name": "a case", **values})


def back(api: Api, id: str, who: str = "ada") -> dict[str, Any]:
    answer = api.get(who, f"case/{id}")
    assert answer.status == 200
    return dict(answer.json)


# ---------------------------------------------------------------- M


def test_A_M01_what_belongs_to_the_engine_is_refused_by_name(api: Api) -> None:
    before = api.fingerprint()
    given = {"is_admin": True, "id": "1" * 16, "created_at": "2001-01-01T00:00:00Z", "version": 99, "created_by": "x",
             "updated_at": "2001-01-01T00:00:00Z", "updated_by": "x", "twice": "1", "ratio": "1", "total": "1",
             "deleted_at": None, "locked_by": None, "rowno": 1, "search": "x", "__proto__": {}, "constructor": 1,
             "_hidden": [], "_masked": []}  # fmt: skip
    for who in ("ada", "mei", "rui"):
        answer = sent(api, who, **given)
        assert answer.status == 422
        assert set(answer.codes) == set(given), set(given) ^ set(answer.codes)
        assert set(answer.codes.values()) == {"unknown_field", "readonly_field"}
    assert api.fingerprint() == before


def test_A_M02_A_P03_nothing_that_is_shown_read_only_is_changed(api: Api) -> None:
    id = api.made("rui")
    before = api.fingerprint()
    for values in ({"owner": api.world.actors["sana"].id}, {"code": "mine"}, {"twice": "5"}, {"created_by": "x"},
                   {"team": None}, {"version": 7}, {"id": id}, {"name": "ok", "updated_at": None}):  # fmt: skip
        answer = api.patch("rui", f"case/{id}", values)
        assert answer.status == 422, (values, answer.body)
        assert set(answer.codes.values()) == {"readonly_field"}
    assert api.fingerprint() == before


@pytest.mark.parametrize(
    "value", [1.9, True, "１２", "1_000", "1e3", "0x10", " ", [], {}, "1.0", 1.0, "--1", "+", "1,000", "NaN"]
)
def test_A_M04_a_whole_number_is_never_made_of_something_else(api: Api, value: Any) -> None:
    answer = sent(api, count=value)
    if value == " ":
        assert (answer.status, answer.json["count"]) == (201, None)
        return
    assert answer.status == 422, answer.body
    assert set(answer.codes) == {"count"}


def test_A_M04_documented_forms_of_a_whole_number(api: Api) -> None:
    for value, kept in ((7, 7), ("7", 7), ("-7", -7), ("", None), (None, None), (0, 0)):
        assert sent(api, count=value).json["count"] == kept


@pytest.mark.parametrize(
    "amount",
    [
        "12345678901234567.89",
        "0.10",
        "-0.01",
        "92233720368547758.07",
        "-92233720368547758.08",
        "0.30",
        "100.05",
    ],
)
def test_A_M05_money_comes_back_to_the_digit(api: Api, amount: str) -> None:
    answer = sent(api, salary=amount)
    assert answer.json["salary"] == amount
    raw = f'{{"name": "raw", "salary": {amount}}}'.encode()
    answer = api.call("ada", "POST", "case", raw=raw)
    assert answer.json["salary"] == amount, "a JSON number with many digits loses none of them"


def test_A_M05_sums_are_exact_beyond_what_a_whole_number_of_the_database_holds(api: Api) -> None:
    for number in range(4):
        sent(api, kind="b", salary="92233720368547758.07", name=f"rich {number}")
    made = [
        sent(api, kind="c", salary=amount).json["id"]
        for amount in ("-92233720368547758.08", "-92233720368547758.08", "-0.01")
    ]
    for name, average in (("case_salaries", 3), ("case_prices", 1)):
        rows = {row["keys"][0]: row["values"] for row in api.get("ada", f"reports/{name}").json["rows"]}
        assert rows["b"][0] == "368934881474191032.28"
        assert rows["b"][average] == "92233720368547758.07"
        assert rows["c"][0] == "-184467440737095516.17"
    assert api.world.app.report("case_prices", ("admin",)).kept
    assert api.patch("ada", f"case/{made[0]}", {"salary": "0.02"}).status == 200
    assert api.delete("ada", f"case/{made[1]}").status == 204
    rows = {row["keys"][0]: row["values"] for row in api.get("ada", "reports/case_prices").json["rows"]}
    assert rows["c"][0] == "0.01"
    for ending in ("csv", "xlsx"):
        assert api.get("ada", f"reports/case_salaries.{ending}").status == 200
        assert api.get("ada", f"reports/case_kinds.{ending}").status == 200


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2**64, 10**40, "9" * 30, -(10**18) * 10])
def test_A_M06_a_number_that_no_database_holds_is_out_of_range(api: Api, value: Any) -> None:
    answer = sent(api, count=value)
    assert (answer.status, answer.codes) == (422, {"count": "out_of_range"})


def test_A_M06_the_last_numbers_that_fit_are_kept(api: Api) -> None:
    for value in (2**63 - 1, -(2**63)):
        assert sent(api, count=value).json["count"] == value


@pytest.mark.parametrize("value", [["x"], {"a": 1}, 5, 1.5, True])
@pytest.mark.parametrize(
    "field", ["name", "notes", "rich", "link", "email", "phone", "kind", "deal", "at", "day"]
)
def test_A_M07_a_text_is_a_text(api: Api, field: str, value: Any) -> None:
    answer = sent(api, **{field: value})
    assert answer.status == 422
    assert set(answer.codes) == {field}


@pytest.mark.parametrize(
    "value",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "now",
     "2026-01-01T00:00:60Z", "2026-01-01T00:00:00+99:99", "-0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "1767225600"],
)  # fmt: skip
def test_A_M08_a_moment_is_kept_exactly_or_refused(api: Api, value: str) -> None:
    for field in ("at", "day"):
        answer = sent(api, **{field: value})
        assert answer.status == 422 or back(api, answer.json["id"])[field] is not None


def test_A_M09_choices_are_those_of_the_list(api: Api) -> None:
    assert sent(api, kind="d").codes == {"kind": "not_an_option"}
    assert sent(api, kind="A").codes == {"kind": "not_an_option"}
    assert sorted(sent(api, marks=["x", "y", "x"]).json["marks"]) == ["x", "y"]
    assert set(sent(api, marks=["x", "w"]).codes) == {"marks"}
    assert set(sent(api, marks=["x"] * 10_000).codes) == {"marks"}
    assert set(sent(api, marks="x" * 200_000).codes) == {"marks"}


@pytest.mark.parametrize("blank", ["   ", "\u200b", "\u3000", "\ufeff", "\t\n", "\u2060 \u00a0", ""])
def test_A_M10_a_blank_is_empty(api: Api, blank: str) -> None:
    answer = api.post("ada", "case", {"name": blank})
    assert answer.status == 422
    assert set(answer.codes) == {"name"}


# ---------------------------------------------------------------- N


HOSTILE = {
    "nul": "a\u0000b",
    "low surrogate": "\udc00",
    "high surrogate": "\ud800",
    "pair the wrong way": "\udc00\ud800",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_A_N02_N03_what_cannot_be_kept_is_refused_everywhere(api: Api, text: str) -> None:
    id = api.made("ada")
    token = {"username": text, "password": text}
    before = api.fingerprint()
    for field in ORDINARY:
        value: Any = {"data": {"a": [text]}, "marks": [text], "rows": [{"item": text}]}.get(field, text)
        answer = api.patch("ada", f"case/{id}", {field: value})
        assert answer.status == 422, (field, answer.body)
        assert next(iter(answer.codes)).startswith(field)
    for path, body in {
        "case": {text: 1}, "case/bulk": {"operations": [{"op": "create", "values": {"name": text}}]},
        f"case/{id}/assign": {"owner": text}, f"deal/{id}/move": {"to": text}, f"deal/{id}/release": {"reason": text},
        "tokens": token, "config/check": {text: {}}, "tasks/x/approve": {"comment": text},
    }.items():  # fmt: skip
        answer = api.post("ada", path, body)
        assert answer.status == 422, (path, answer.body)
    assert api.post("ada", "case", {"data": {text: 1}}).status == 422
    assert api.fingerprint() == before


def test_A_N02_N03_in_a_document_it_is_a_finding_with_its_line(api: Api) -> None:
    for text in HOSTILE.values():
        answer = api.post(
            "ada", "config/check", {"files": {"schemas/x.yaml": f"kind: entity\nlabel: {text}\n"}}
        )
        assert answer.status == 422, answer.body
        assert any(found["line"] == 2 for found in answer.json["errors"]), answer.json


@pytest.mark.parametrize(
    "text",
    ["🏠👨‍👩‍👧‍👦", "مُحَمَّد", "Z͑ͫ̓a͌l̴g̷o", "e" + "\u0301" * 10, "\u202etxt.exe", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "ß ſ İ ı", "<script>alert(1)</script>",
     "' OR 1=1 --", "{{ 7*7 }}", "${jndi:ldap://x}", "\\N", "NULL", "undefined", "=1+1", "；；", "龘靐齉"],
)  # fmt: skip
def test_A_N04_what_people_write_comes_back_as_they_wrote_it(api: Api, text: str) -> None:
    id = sent(api, name=text, notes=text).json["id"]
    found = back(api, id)
    assert (found["name"], found["notes"]) == (text, text)
    assert [one["id"] for one in api.items("ada", "case", filter=f"id == '{id}'")] == [id]


def test_A_N04_lengths_are_counted_in_code_points(api: Api) -> None:
    assert sent(api, name="🏠" * 80).status == 201
    assert sent(api, name="🏠" * 81).codes == {"name": "too_long"}
    assert sent(api, notes="x" * 5_000_000).codes == {"notes": "too_long"}


# ---------------------------------------------------------------- X


def test_A_X06_a_division_by_nothing_is_empty_and_the_record_is_kept(api: Api) -> None:
    for count in (0, None):
        answer = sent(api, price="10.00", count=count)
        assert (answer.status, answer.json["ratio"]) == (201, None)
    assert sent(api, price="10.00", count=4).json["ratio"] == "2.50"


@pytest.mark.parametrize("value", ["1e1000000", "-1e999999999", "1E+400", 1e300, "9" * 70, "1" + "0" * 25])
@pytest.mark.parametrize("field", ["price", "weight", "share", "count"])
def test_A_X07_a_number_beyond_all_bounds_is_out_of_range_at_once(api: Api, field: str, value: Any) -> None:
    answer = sent(api, **{field: value})
    assert answer.status == 422
    assert answer.codes[field] in ("out_of_range", "invalid")


@pytest.mark.parametrize(
    "text", ["1e1000000", "-1e1000000", "1e-1000000", "123456789012345678901234567890.5", "1e400"]
)
def test_A_X07_also_as_a_JSON_number(api: Api, text: str) -> None:
    for field in ("price", "weight", "share", "count", "data", "name", "at", "flag", "kind", "rows", "deal"):
        answer = api.call("ada", "POST", "case", raw=f'{{"{field}": {text}}}'.encode())
        assert answer.status == 422, (field, answer.body)
        if field in ("price", "weight", "share") and not text.endswith(".5") and "e-" not in text:
            assert answer.codes[field] == "out_of_range"


def test_a_result_that_no_database_holds_is_refused_at_its_field(api: Api) -> None:
    assert sent(api, price="92233720368547758.07").codes == {"twice": "out_of_range"}
    answer = sent(
        api, rows=[{"item": "a", "qty": 1}, {"item": "b", "qty": 9**15, "cost": "90000000000000.00"}]
    )
    assert answer.codes["rows[1].sum"] == "out_of_range"
    part = {"item": "a", "qty": 1, "cost": "9000000000000000.00"}
    assert sent(api, rows=[part] * 12).codes == {"total": "out_of_range"}


# ---------------------------------------------------------------- bodies


BODIES = {
    "nothing": b" ", "words": b"hello", "a list": b"[]", "a text": b'"x"', "null": b"null", "a number": b"7", "cut": b'{"name": "x',
    "two": b'{"name":"a"} {"name":"b"}', "NaN": b'{"name":"a","count":NaN}', "Infinity": b'{"name":"a","price":Infinity}',
    "minus Infinity": b'{"price":-Infinity}', "comment": b'{"name":"a"} // x', "single quotes": b"{'name': 'a'}",
    "trailing comma": b'{"name":"a",}', "raw control": b'{"name":"a\x01"}', "raw NUL": b'{"name":"a\x00"}',
    "not UTF-8": b'{"name":"\xff\xfe"}', "a surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}', "a mark": b'\xef\xbb\xbf{"name":"a"}',
    "UTF-16": '{"name":"a"}'.encode("utf-16"), "leading zero": b'{"count":007}', "hexadecimal": b'{"count":0x10}',
    "5,000 digits": b'{"count":' + b"9" * 5000 + b"}", "a key twice": b'{"name":"a","name":"b"}',
    "a key twice, one written otherwise": b'{"name":"a","n\\u0061me":"b"}', "a key twice below": b'{"name":"a","data":{"x":1,"x":2}}',
    "100,000 lists": b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "900 lists": b'{"data":' + b"[" * 900 + b"]" * 900 + b"}", "60 lists": b'{"data":' + b"[" * 60 + b"]" * 60 + b"}",
}  # fmt: skip


@pytest.mark.parametrize("raw", BODIES.values(), ids=BODIES.keys())
def test_A_S10_a_body_that_is_no_object_is_malformed_and_leaves_nothing(api: Api, raw: bytes) -> None:
    id = api.made("ada")
    before = api.fingerprint()
    for method, path in (("POST", "case"), ("PATCH", f"case/{id}"), ("POST", "case/bulk"), ("POST", "tokens"),
                         ("POST", f"case/{id}/assign"), ("POST", "config/apply"), ("POST", "tasks/bulk")):  # fmt: skip
        answer = api.call("ada", method, path, raw=raw, headers={"If-Match": '"1"'})
        assert answer.status in (400, 413), (path, answer.status, answer.body)
        assert answer.json["code"] in ("malformed", "too-large")
    assert api.fingerprint() == before


def test_a_body_of_another_kind_is_not_guessed_at(api: Api) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "x",
    ):
        answer = api.call("ada", "POST", "case", raw=b'{"name":"a"}', headers={"Content-Type": kind})
        assert (answer.status, answer.json["code"]) == (415, "unsupported")
    for kind in ("application/json", "application/json; charset=utf-8", "application/merge-patch+json", ""):
        assert (
            api.call("ada", "POST", "case", raw=b'{"name":"a"}', headers={"Content-Type": kind}).status == 201
        )


def test_A_W10_a_body_that_is_too_large_is_not_read(api: Api) -> None:
    big = b'{"name":"' + b"x" * (9 * 1024 * 1024) + b'"}'
    for path in ("case", "case/bulk", "config/check", "tokens", "tasks/bulk", "deal/x/claim"):
        answer = api.call("ada", "POST", path, raw=big)
        assert (answer.status, answer.json["code"]) == (413, "too-large")
    assert (
        api.call(
            "ada", "POST", "tokens", raw=json.dumps({"username": "ada", "password": "x" * 20_000}).encode()
        ).status
        == 413
    )


@pytest.mark.parametrize("field", ORDINARY)
def test_no_value_of_any_shape_is_more_than_a_refusal(api: Api, field: str) -> None:
    odd: list[Any] = [None, "", " ", "x", "x" * 101_000, 0, -1, 2**70, 0.1, 1e308, True, False, [], [[]], [None], [{}], {},
                      {"id": "x"}, {"a": {"b": {}}}, ["a", 1, None], "0" * 16, "../../x", "javascript:alert(1)",
                      "data:text/html,x", " \tjavascript:1", "2026-01-01", "a@b", "+86", [{"item": {"a": 1}}],
                      [{"item": "x", "qty": "1.5"}], [{"nothing": 1}], [{"id": "x", "item": "y"}], [[1]] * 501]  # fmt: skip
    for value in odd:
        answer = sent(api, **{field: value})
        assert answer.status in (201, 422), (value, answer.body)
        if answer.status == 422:
            assert all(path.startswith(field) for path in answer.codes), (value, answer.body)


def test_A_W09_a_link_never_runs(api: Api) -> None:
    for link in (
        "javascript:alert(1)",
        "data:text/html,<script>",
        " \tjavascript:x",
        "JaVaScRiPt:x",
        "vbscript:x",
        "java\tscript:x",
    ):
        assert sent(api, link=link).codes.keys() == {"link"}
    assert (
        "script"
        not in sent(api, rich='<a href="javascript:alert(1)" onclick="x">a</a><script>1</script>').json[
            "rich"
        ]
    )
