"""Class N at the API and the form: what people write comes back, and a field may be called what it likes to be called.

Texts of every class go into every kind of text field; names that mean something to a database or to Python are
tried at every door, with one verdict on both databases.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from fairlead.config.load import load
from fairlead.config.source import SourceTree

from tests.api.naughty import FLAT, NAUGHTY
from tests.api.office import Api, open_office
from tests.support.world import DEAL
from tests.web.desk import Screens, screens_of, words

NAMES = [
    *("select", "order", "class", "def", "constructor", "query", "metadata", "registry", "items", "keys"),
    *("ctid", "xmin", "xmax", "cmin", "tableoid", "rowid", "oid"),
    *(
        "where",
        "group",
        "values",
        "table",
        "limit",
        "offset",
        "import",
        "lambda",
        "self",
        "get",
        "pop",
        "update",
    ),
    *(
        "columns",
        "c",
        "format",
        "filter",
        "search",
        "page_token",
        "csrf_token",
        "true_",
        "user",
        "now",
        "today",
        "length",
    ),
]
"""A-N05, A-N06: words of SQL, of Python, of JavaScript, of our own API; hidden columns of one engine or the other."""

ODD = (
    'kind: entity\nname: odd\nlabel: {en: Odd, zh: 怪}\ntitle: "{select}"\nfields:\n'
    + "".join(
        f"  {name}: {{type: text, label: {{en: {name.title()}, zh: 名}}, searchable: true}}\n"
        for name in NAMES
    )
    + '  all_of_them: {type: text, label: {en: All, zh: 全}, formula: "record.select + record.ctid + record.oid"}\n'
    + "  lines: {type: table, label: {en: Lines, zh: 行}, fields: {select: {type: text, label: {en: S, zh: 甲}}, "
    + "oid: {type: integer, label: {en: O, zh: 乙}}}}\n"
    + "  sum: {type: integer, label: {en: Sum, zh: 和}, rollup: {from: lines, sum: oid}}\n"
)
REPORT = (
    "kind: report\nname: odds\nentity: odd\nlabel: {en: Odds, zh: 怪表}\ntype: table\n"
    "dimensions: [rowid, ctid]\nmeasures: [{count: true}, {sum: sum}]\nfilter: \"record.xmin != 'nothing'\"\n"
)


def odd_files() -> dict[str, str]:
    files = {**DEAL, "schemas/odd.yaml": ODD, "admin/odds.yaml": REPORT}
    every = "odd: {read: all, create: all, update: all, delete: all, export: all, import: all}"
    files["admin/role_admin.yaml"] = files["admin/role_admin.yaml"].replace(
        "grants:\n", f"grants:\n  {every}\n"
    )
    return files


@pytest.fixture(scope="module")
def odd(office_url: str) -> Iterator[Api]:
    """The office with an entity whose fields have such names."""
    with open_office(office_url, odd_files()) as made:
        yield made


@pytest.fixture(scope="module")
def screens(odd: Api) -> Screens:
    """Its screens."""
    return screens_of(odd.world)


# ---------------------------------------------------------------- A-N05, A-N06


def test_A_N05_such_names_are_sound() -> None:
    problems = load(SourceTree.from_mapping(odd_files())).problems
    assert problems.errors == []


@pytest.mark.parametrize("name", ["None", "True", "__proto__", "__class__"])
def test_A_N05_what_cannot_be_a_name_is_said_at_check(odd: Api, name: str) -> None:
    text = ODD.replace("  select:", f"  {name}:", 1)
    answer = odd.post("ada", "config/check", {"files": {**odd_files(), "schemas/odd.yaml": text}})
    assert answer.status == 422
    assert ("reserved_name", f"fields.{name}", 6) in {
        (one["code"], one["key"], one["line"]) for one in answer.json["errors"]
    }


def test_A_N05_A_N06_they_work_at_every_door_of_the_api(odd: Api) -> None:
    values = {name: f"{name} one" for name in NAMES}
    made = odd.post("ada", "odd", {**values, "lines": [{"select": "a", "oid": 2}, {"select": "b", "oid": 3}]})
    assert made.status == 201, made.body
    found = odd.get("ada", f"odd/{made.json['id']}").json
    assert {name: found[name] for name in NAMES} == values
    assert (found["all_of_them"], found["sum"]) == ("select onectid oneoid one", 5)
    other = odd.post("ada", "odd", {name: f"{name} two" for name in NAMES}).json["id"]
    for name in NAMES:
        changed = odd.patch("ada", f"odd/{other}", {name: f"{name} new"})
        assert changed.json[name] == f"{name} new"
        narrowed = odd.items("ada", "odd", filter=f"record.{name} == '{name} new'")
        assert [one["id"] for one in narrowed] == [other], name
        ordered = odd.items("ada", "odd", order_by=f"{name} desc", fields=f"id,{name}")
        assert [one[name] for one in ordered] == [f"{name} one", f"{name} new"], name
    assert len(odd.items("ada", "odd", search="ctid new")) == 1
    report = odd.get("ada", "reports/odds").json
    groups = sorted(next(iter(row.values())) for row in report["rows"])
    assert [group[:2] for group in groups] == [["rowid new", "ctid new"], ["rowid one", "ctid one"]]
    assert odd.get("ada", "reports/odds.csv").status == 200
    assert odd.get("ada", "openapi.json").status == 200
    for id in (made.json["id"], other):
        assert odd.delete("ada", f"odd/{id}").status in (200, 204)


def test_A_N05_A_N06_they_work_in_the_form_the_list_and_the_export(odd: Api, screens: Screens) -> None:
    ada = screens.as_("ada")
    names = [name for name in NAMES if name != "csrf_token"]
    sent = ada.post("/r/odd/new", {name: f"{name} form" for name in names})
    assert sent.status_code == 303, words(sent)
    id = sent.location.rsplit("/", 1)[1]
    found = odd.get("ada", f"odd/{id}").json
    assert {name: found[name] for name in names} == {name: f"{name} form" for name in names}
    shown = ada.form(f"/r/odd/{id}/edit")
    assert {name: shown[name] for name in names} == {name: f"{name} form" for name in names}
    assert "select form" in ada.text("/l/odd")
    assert "ctid form" in ada.text(f"/r/odd/{id}")
    sheet = ada.get("/l/odd/export.csv")
    assert sheet.status_code == 200
    assert all(f"{name} form" in sheet.text for name in names)
    assert ada.get("/reports/odds").status_code == 200


# ---------------------------------------------------------------- A-N01, A-N04


@pytest.mark.parametrize("group", NAUGHTY)
def test_A_N01_every_text_comes_back_through_every_door_or_is_refused(odd: Api, group: str) -> None:
    texts = NAUGHTY[group]
    rows = [
        {"op": "create", "values": {"select": text, "order": text, "lines": [{"select": text}]}}
        for text in texts
    ]
    results = odd.post("ada", "odd/bulk", {"operations": rows}).json["results"]
    for text, result in zip(texts, results, strict=True):
        if result["status"] == 422:
            assert result["errors"], text
            continue
        assert result["status"] == 201, (text, result)
        id = result.get("id") or result["record"]["id"]
        kept = odd.get("ada", f"odd/{id}").json
        assert (kept["select"], kept["order"], kept["lines"][0]["select"]) == (text,) * 3
        quoted = text.replace("\\", "\\\\").replace("'", "\\'")
        assert id in [one["id"] for one in odd.items("ada", "odd", filter=f"record.select == '{quoted}'")], (
            text
        )
        assert odd.get("ada", "odd", search=text).status == 200
    kept_all = sum(result["status"] == 201 for result in results)
    assert kept_all >= 0.9 * len(texts), "nearly all of them are ordinary texts of somebody"


def test_A_N01_they_come_back_through_the_form_and_never_run_on_a_page(odd: Api, screens: Screens) -> None:
    ada = screens.as_("ada")
    for text in FLAT[::6]:
        sent = ada.post("/r/odd/new", {"select": text, "order": text})
        assert sent.status_code in (303, 422), text
        if sent.status_code == 303:
            id = sent.location.rsplit("/", 1)[1]
            assert odd.get("ada", f"odd/{id}").json["select"] == text
            assert ada.form(f"/r/odd/{id}/edit")["select"] == text
            page = ada.get(f"/r/odd/{id}").text
            assert "<script>alert" not in page
            assert "onerror=alert(1)>" not in page
            shown = html.unescape(re.sub(r"\s+", " ", page))
            assert re.sub(r"\s+", " ", text).strip() in shown
        else:
            assert text.strip() in html.unescape(sent.text), "what was typed is still in the form"


# ---------------------------------------------------------------- A-N02, A-N03, A-N10


@pytest.mark.parametrize("text", ["a\u0000b", "\ud800", "a\udc00"])
def test_A_N02_A_N03_half_characters_and_nul_are_refused_at_every_door(odd: Api, text: str) -> None:
    before = odd.fingerprint()
    assert odd.post("ada", "odd", {"select": text}).status == 422
    assert odd.post("ada", "odd", {text: "x"}).status == 422
    assert odd.post("ada", "odd", {"lines": [{"select": text}]}).status == 422
    sendable = text if text == "a\u0000b" else None
    if sendable is not None:
        assert odd.get("ada", "odd", filter=f"record.select == '{sendable}'").status == 422
        assert odd.get("ada", "odd", search=sendable).status in (200, 422)
    raw = b'{"select": "' + text.encode("utf-8", "surrogatepass") + b'"}'
    assert odd.call("ada", "POST", "odd", raw=raw).status in (400, 422)
    assert odd.fingerprint() == before
