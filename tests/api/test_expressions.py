"""Class X at the API: what somebody writes into a filter is an expression like any other, and nothing more."""

from __future__ import annotations

import pytest

from tests.api.office import Api


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9**9**9 > 1", "filter_too_large"),
        ("count > 9**9**9", "filter_too_large"),
        ('"x" * 1000000000 == name', "filter_too_large"),
        ("(" * 1_800 + "flag" + ")" * 1_800, "filter_too_large"),
        ("__import__('os').getcwd() == name", None),
        ("().__class__ == name", None),
        ("name.__class__ == name", None),
        ("raise SystemExit()", None),
        ("SystemExit", None),
        ("KeyboardInterrupt() == name", None),
        ("name.matches('(a+)+$')", None),
        ("record.rows.exists(r, record.rows.exists(q, record.rows.exists(p, r.qty + q.qty > p.qty)))", None),
        ("count / 0 > 1", None),
        ("name == 'a\x00b'", None),
        ("rows.filter(r, r.qty > 1)", None),
    ],
)
def test_A_X03_to_A_X09_a_filter_is_refused_by_name_and_the_worker_lives(
    api: Api, text: str, code: str | None
) -> None:
    answer = api.get("ada", "case", filter=text)
    assert answer.status == 422, answer.body
    assert code is None or set(answer.codes.values()) == {code}, answer.body
    assert b"Traceback" not in answer.body
    assert api.get("ada", "case", page_size=1).status == 200


def test_A_X06_a_filter_over_a_division_by_nothing_leaves_the_record_out(api: Api) -> None:
    """Unknown is not yes, in the database as anywhere else (EX-3, EX-4)."""
    none = api.made("ada", price="10.00", count=0)
    four = api.made("ada", price="10.00", count=4)

    def found(text: str) -> set[str]:
        answer = api.get("ada", "case", filter=text, page_size=200)
        assert answer.status == 200, answer.body
        return {item["id"] for item in answer.json["items"]} & {none, four}

    assert found("price / count > 1.0") == {four}
    assert found("!(price / count > 1.0)") == set()
    assert found("is_empty(price / count)") == {none}
