"""POST /api/v1/config/simulate: what a change would do, for those who may configure, with their own eyes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.office import Api

POOL = "workflows/deal_pool.yaml"


def body(api: Api, **more: Any) -> dict[str, Any]:
    files = dict(api.world.files)
    assert "record.due_at <= now" in files[POOL]
    files[POOL] = files[POOL].replace("record.due_at <= now", "true")
    return {"files": files, "what": "pool", "name": "deal_pool", **more}


def test_cf_80_the_answer_has_rows_with_ids_and_says_how_far_it_looked(api: Api) -> None:
    deal = api.made("rui", "deal", amount="5")
    before = api.fingerprint()
    answer = api.post("ada", "config/simulate", body(api, limit=100, seconds=10))
    assert answer.status == 200
    assert [(row["change"], row["record"]) for row in answer.json["rows"]] == [("taken_back", deal)]
    assert (answer.json["looked_at"], answer.json["stopped"]) == (1, None)
    assert answer.json["limits"] == {"records": 100, "seconds": 10}
    assert api.fingerprint() == before


def test_cf_80_whoever_may_not_configure_learns_nothing(api: Api) -> None:
    for who in ("rui", "sana", "otto"):
        assert api.post(who, "config/simulate", body(api)).status == 403


@pytest.mark.parametrize(("change", "field", "code"), [
    ({"what": "weather"}, "what", "not_an_option"), ({"name": "deal_pol"}, "name", "unknown_name"),
    ({"limit": 0}, "limit", "out_of_range"), ({"limit": 10**9}, "limit", "out_of_range"),
    ({"seconds": "long"}, "seconds", "out_of_range"), ({"since_days": -1}, "since_days", "out_of_range"),
    ({"colour": "red"}, "colour", "unknown_field"), ({"files": []}, "files", "invalid"),
])  # fmt: skip
def test_cf_80_what_cannot_be_asked_is_said_at_its_place(
    api: Api, change: dict[str, Any], field: str, code: str
) -> None:
    answer = api.post("ada", "config/simulate", body(api) | change)
    assert (answer.status, [(one["field"], one["code"]) for one in answer.json["errors"]]) == (
        422,
        [(field, code)],
    )


def test_cf_80_documents_with_errors_answer_with_their_findings(api: Api) -> None:
    given = body(api)
    given["files"][POOL] += "colour: red\n"
    answer = api.post("ada", "config/simulate", given)
    assert (answer.status, answer.json["code"]) == (422, "config")


def test_cf_80_it_is_described(api: Api) -> None:
    described = api.get("ada", "openapi.json").json["paths"]["/config/simulate"]["post"]
    asked = described["requestBody"]["content"]["application/json"]["schema"]
    assert asked["required"] == ["files", "what", "name"]
