"""Lists asked by people who try things: filter, order, search, page, fields (bad inputs Q)."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.api.office import CANARY, Answer, Api


def refused(answer: Answer, field: str, code: str) -> None:
    assert answer.status == 422, answer.body
    assert answer.codes == {field: code}, answer.body


@pytest.mark.parametrize(
    "order",
    ["name;DROP TABLE e_case--", "(select password_hash from sys_user limit 1)", "name,(select 1)", "name desc nulls last",
     "owner.password_hash", "rows.qty", "rows", "marks", "salary' --", "1", "name desc,,", "case.name", "NULL", "é"],
)  # fmt: skip
def test_A_Q01_Q02_an_order_is_made_of_fields_and_of_nothing_else(api: Api, order: str) -> None:
    before = api.fingerprint()
    refused(api.get("ada", "case", order_by=order), "order_by", "unknown_field")
    assert api.fingerprint() == before


def plain(answer: Answer) -> str:
    return re.sub(r" Did you mean '\w+'\?", "", json.dumps(answer.problem))


@pytest.mark.parametrize("hidden", ["salary", "whisper", "phone"])
def test_A_Q03_Q04_a_field_that_may_not_be_read_is_answered_like_one_that_is_not_there(
    api: Api, hidden: str
) -> None:
    api.made("rui", phone="13800138000")
    for query in ({"order_by": "{}"}, {"order_by": "{} desc"}, {"filter": "{} == null"}, {"filter": "record.{} != null"},
                  {"filter": "{} == null", "count": "true"}):  # fmt: skip
        asked = {name: text.format(hidden) for name, text in query.items()}
        missing = {name: text.format("zzzzzz") for name, text in query.items()}
        answer, other = api.get("rui", "case", **asked), api.get("rui", "case", **missing)
        assert answer.status == other.status == 422
        # What is near to a name depends on the name, and on what this person may see.
        assert plain(answer) == plain(other).replace("zzzzzz", hidden)
        assert "total" not in answer.json


@pytest.mark.parametrize(
    "text",
    ['owner.password_hash.startsWith("$argon2")', 'owner.roles == "x"', "deal.margin > 0.0", "deal.owner.email == null",
     "record.__class__ == null", "whisper.startsWith('c')", "rows.exists(r, r.nothing > 1)", "user.password_hash == ''"],
)  # fmt: skip
def test_A_Q05_a_path_leads_to_nothing_that_may_not_be_read(api: Api, text: str) -> None:
    answer = api.get("rui", "case", filter=text)
    assert answer.status == 422, answer.body
    assert CANARY not in answer.body.decode()


def test_A_Q05_a_path_through_a_reference_asks_only_whoever_may_see_all_of_it(api: Api) -> None:
    theirs = api.made("sana", "deal", region="north")
    mine = api.made("rui", name="points elsewhere")
    api.patch("ada", f"case/{mine}", {"deal": theirs})
    assert api.get("rui", "case", filter='deal.region == "north"').status == 422
    assert mine in {one["id"] for one in api.items("ada", "case", filter='deal.region == "north"')}


def test_A_Q06_words_of_a_field_that_may_not_be_read_find_nothing(api: Api) -> None:
    id = api.made("rui", name="Findable Words", phone="13911112222")
    api.patch("ada", f"case/{id}", {"whisper": CANARY})

    def found(who: str, text: str) -> list[str]:
        return [one["id"] for one in api.items(who, "case", search=text)]

    assert found("ada", CANARY) == found("ada", "13911112222") == found("ada", "Findable") == [id]
    assert found("rui", CANARY) == found("rui", "canary") == found("rui", "13911112222") == []
    assert found("rui", "findable") == found("rui", "FINDABLE wor") == [id]
    # What stands partly in a field that may be read and partly in one that may not is not found either.
    assert found("rui", "findable canary") == []
    assert api.get("rui", "case", search=CANARY, count="true").json["total"] == 0


@pytest.mark.parametrize("name", ["case_salaries", "case_by_salary", "case_having"])
def test_A_Q07_a_report_over_a_field_that_may_not_be_read_is_not_there(api: Api, name: str) -> None:
    assert api.get("ada", f"reports/{name}").status == 200
    for ending in ("", ".csv", ".xlsx"):
        answer, missing = (
            api.get("rui", f"reports/{name}{ending}"),
            api.get("rui", f"reports/nothing{ending}"),
        )
        assert answer.status == missing.status == 404
        assert answer.problem == missing.problem


@pytest.mark.parametrize(
    "query",
    [{"fields": "name,salary"}, {"fields": "name", "alias[x]": "salary"}, {"fields": "salary as name"}, {"expand": "salary"},
     {"fields": "rows.item"}, {"group_by": "salary"}, {"sum": "salary"}, {"having": "sum(salary) > 1"}, {"Filter": "true"}],
)  # fmt: skip
def test_A_Q08_no_other_name_opens_a_field(api: Api, query: dict[str, str]) -> None:
    id = api.made("rui")
    api.patch("ada", f"case/{id}", {"whisper": CANARY, "salary": "4711.47"})
    for path in ("case", f"case/{id}"):
        answer = api.get("rui", path, **query)
        assert answer.status == 422, (path, answer.body)
        assert CANARY not in answer.body.decode()
        assert "4711.47" not in answer.body.decode()


@pytest.mark.parametrize(
    "text",
    [" || ".join(f"count == {n}" for n in range(2000)), "||".join(["flag"] * 780), "(" * 500 + "flag" + ")" * 500,
     "!" * 900 + "flag", "count in [" + ",".join(map(str, range(50_000))) + "]", "count == " + "9" * 400,
     "id in [" + ",".join(f"'{n:016}'" for n in range(50_000)) + "]"],
)  # fmt: skip
def test_A_Q09_Q11_a_filter_that_is_too_large_says_so(api: Api, text: str) -> None:
    answer = api.get("ada", "case", filter=text)
    if answer.status != 200:  # what is within the limits is simply answered
        assert answer.status == 422, answer.body
        assert set(answer.codes.values()) <= {"filter_too_large"}, answer.body
        assert any(character.isdigit() for character in answer.json["errors"][0]["message"]), answer.body


@pytest.mark.parametrize(
    "query",
    [{"page": "99999999999999999999"}, {"page_size": "100000000"}, {"page": "-5"}, {"page": "0"}, {"page_size": "0"},
     {"page": "1.5"}, {"page": "²"}, {"page_size": "１２"}, {"page": "1e3"}, {"page": "0x10"}, {"page": "NaN"},
     {"page_size": " 5"}, {"page": "100000", "page_size": "200"}],
)  # fmt: skip
def test_A_Q10_pages_have_bounds(api: Api, query: dict[str, str]) -> None:
    answer = api.get("ada", "case", **query)
    assert answer.status == 422, answer.body
    assert set(answer.codes.values()) == {"out_of_range"}


@pytest.mark.parametrize(
    "text", ["%", "_", "\\", "*", '"', "'", "%%%", "-", "(", ")", "^", "|", "&", "!", ":*", "<->", ";--"]
)
def test_A_Q12_a_search_has_no_wildcards_and_no_language(api: Api, text: str) -> None:
    api.made("rui", name="plain name")
    assert api.items("rui", "case", search=text) == []
    assert api.items("rui", "case", search=f"{text}plain{text}") == api.items("rui", "case", search="plain")


@pytest.mark.parametrize(
    "text", ["NEAR(plain name)", "plain OR nothing", "plain -zzz", "title: plain", "plain AND"]
)
def test_A_Q12_words_of_a_query_language_are_words(api: Api, text: str) -> None:
    api.made("rui", name="plain name")
    assert api.items("rui", "case", search=text) == []


def test_A_Q13_case_is_folded_alike_on_both_engines(api: Api) -> None:
    big, small = api.made("mei", name="ÉCOLE Straße"), api.made("mei", name="école strasse")
    assert {one["id"] for one in api.items("mei", "case", search="école")} == {big, small}
    assert {one["id"] for one in api.items("mei", "case", search="STRASSE")} == {big, small}
    assert [one["id"] for one in api.items("mei", "case", filter='name == "ÉCOLE Straße"')] == [big]
    assert api.items("mei", "case", filter='name == "École Straße"') == []


@pytest.mark.parametrize(
    "text",
    ["name eq) or (1=1", "name = 'x'", "name == 'x' or 1 == 1; --", "name LIKE '%'", "1 == 1) OR (1", "name == 'x' --",
     "true, true", "name == \"a\" \"b\"", "", "   ", "name", "1", "'text'", "now > null", "sqlite_version() == ''",
     "name.eval('x')", "{}", "[]", "name ==", "é == 1", "name == '\\u0000'", "name == '\\ud800'"],
)  # fmt: skip
def test_A_Q14_a_filter_speaks_one_language_only(api: Api, text: str) -> None:
    answer = api.get("ada", "case", filter=text)
    assert answer.status == 422 or (not text and answer.status == 200), (text, answer.body)


def test_A_Q15_a_report_counts_with_the_rights_of_whoever_reads_it_and_leads_to_those_rows(api: Api) -> None:
    for who in ("rui", "sana"):
        for price in ("10", "20"):
            api.made(who, "deal", amount=price)
    for who in ("rui", "sana", "mei", "ada"):
        report = api.get(who, "reports/by_stage").json
        total = 0
        for row in report["rows"]:
            assert len(api.items(who, "deal", filter=row["filter"], page_size=200)) == row["values"][0]
            total += row["values"][0]
        assert total == api.get(who, "deal", count="true").json["total"]
    rui, mei = api.get("rui", "reports/by_stage").json, api.get("mei", "reports/by_stage").json
    assert rui["totals"][0] < mei["totals"][0]


# ---------------------------------------------------------------- pages


def forged(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(parts)).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("order", "token"),
    [("price", forged("price", "x", "0" * 16)), ("price", forged("price", 2**70, "0" * 16)), ("price", forged("price", True, "0")),
     ("name", forged("name", 5, "0" * 16)), ("name", forged("name", "a\u0000", "0")), ("name", forged("name", "a", "\u0000")),
     ("name", forged("name", ["a"], "0")), ("name", forged("name", {"a": 1}, "0")), ("name", forged("name", "a")),
     ("name", forged("name")), ("name", forged("other", "a", "b")), ("name", forged("name", "a", "b", "c")),
     ("name", forged("name", -1)), ("name", forged("name", 10**15)), ("name", forged("name", True)),
     ("flag", forged("flag", "yes", "0")), ("flag", forged("flag", 7, "0")), ("at", forged("at", 12, "0")),
     ("price", forged("price", 1.5, "0")), ("name", "%%%"), ("name", "AAAA"), ("name", "x" * 5000), ("name", "é"),
     ("id", forged("id", None, 5)), ("name", base64.urlsafe_b64encode(b"[" * 5000).decode()),
     ("name", base64.urlsafe_b64encode(b'{"0": 1}').decode()), ("name", base64.urlsafe_b64encode(b"null").decode()),
     ("name", base64.urlsafe_b64encode(b'["name", "\\ud800", "x"]').decode())],
)  # fmt: skip
def test_a_page_token_that_is_not_ours_is_refused(api: Api, order: str, token: str) -> None:
    for who in ("ada", "rui"):
        refused(api.get(who, "case", order_by=order, page_token=token), "page_token", "invalid")


def test_a_page_token_opens_nothing_that_the_list_would_not(api: Api) -> None:
    api.made("sana", name="zzz hers")
    token = forged("name", "", "0")
    assert {one["owner"] for one in api.items("rui", "case", order_by="name", page_token=token)} <= {
        api.world.actors["rui"].id
    }


@pytest.mark.parametrize("fields", [None, "name", "name,price", "kind"])
def test_pages_follow_each_other_whatever_fields_are_shown(api: Api, fields: str | None) -> None:
    mark = f"pages {fields}"
    made = {api.made("mei", name=f"{mark} {n % 4}", price=None if n % 3 == 0 else n % 5, flag=[True, False, None][n % 3],
                     at=f"2026-01-{n % 7 + 1:02}T00:00:00Z") for n in range(17)}  # fmt: skip
    chosen = {} if fields is None else {"fields": fields}
    for order in (
        "name",
        "price",
        "price desc",
        "flag",
        "flag desc",
        "at desc",
        "kind",
        "name,price desc",
        "id desc",
    ):
        seen: list[str] = []
        token: dict[str, str] = {}
        while True:
            query = {
                "order_by": order,
                "page_size": 5,
                "filter": f'name.startsWith("{mark}")',
                **chosen,
                **token,
            }
            page = api.get("mei", "case", **query).json
            seen += [one["id"] for one in page["items"]]
            if fields is not None:
                assert all(
                    set(one) - {"_hidden", "_masked"} == {"id", "version", *fields.split(",")}
                    for one in page["items"]
                )
            if page["next_page_token"] is None:
                break
            token = {"page_token": page["next_page_token"]}
        assert len(seen) == 17, order
        assert set(seen) == made, order


def test_lines_come_with_a_list_only_where_they_are_asked_for(api: Api) -> None:
    for number in range(2):
        api.made("sana", name=f"lined {number}", rows=[{"item": f"i{number}", "qty": 2}])
    one = api.items("sana", "case", filter='name == "lined 0"')
    both = api.items("sana", "case", filter='name.startsWith("lined")', order_by="name")
    assert ["rows" in item for item in [*one, *both]] == [False, False, False]
    asked = api.items("sana", "case", filter='name.startsWith("lined")', order_by="name", fields="name,rows")
    assert [[row["item"] for row in item["rows"]] for item in asked] == [["i0"], ["i1"]]


def test_a_field_of_lines_is_asked_about_through_its_rows(api: Api) -> None:
    id = api.made("sana", name="rowed", rows=[{"item": "gold", "qty": 7}])
    assert [one["id"] for one in api.items("sana", "case", filter="rows.exists(r, r.qty == 7)")] == [id]


def test_nul_is_refused_wherever_it_stands(api: Api) -> None:
    for query in ({"filter": "name == '\x00'"}, {"search": "a\x00b"}, {"order_by": "name\x00"}, {"fields": "a\x00"},
                  {"page_token": "\x00"}, {"view": "\x00"}, {"a\x00": "b"}):  # fmt: skip
        assert api.get("ada", "case", **query).status == 422
    for path in (
        "/api/v1/case/%00",
        "/api/v1/%00",
        "/api/v1/case/a%00b/history",
        "/api/v1/tasks/%00",
        "/api/v1/reports/%00",
    ):
        assert api.get("ada", path).status == 404


def test_an_answer_never_takes_a_parameter_for_less_than_it_says(api: Api) -> None:
    for query in (
        {"count": "1"},
        {"count": "yes"},
        {"view": "nothing"},
        {"search": "x" * 201},
        {"sort": "name"},
    ):
        assert api.get("ada", "case", **query).status == 422
