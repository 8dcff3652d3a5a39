"""Bad documents at the API, on both databases: 422 with one entry a problem, and nothing is touched."""

from __future__ import annotations

import pytest

from tests.api.office import Api
from tests.config.bad_inputs import ALL, BASE, HEAD, Bad, named

PARTS = {"file", "line", "column", "key", "code", "message", "hint"}


@pytest.mark.parametrize("case", ALL, ids=named(ALL))
def test_the_api_says_it_and_publishes_nothing(api: Api, case: Bad) -> None:
    files = {**BASE, **case.files}
    acts = ("check", "apply") if case.level == "error" else ("check",)
    before = api.world.applications.current().revision
    for act in acts:
        answer = api.post("ada", f"config/{act}", {"files": files})
        if case.level == "warning":
            assert (answer.status, answer.json["ok"]) == (200, True)
            told = answer.json["problems"]
        else:
            assert (answer.status, answer.json["code"]) == (422, "config")
            told = answer.json["errors"]
        assert all(set(one) >= PARTS for one in told)
        assert (case.code, case.at) in {
            (one["code"], f"{one['file']}:{one['line']}:{one['column']}") for one in told
        }
        assert told == sorted(told, key=lambda one: (one["file"], one["line"], one["column"]))
    api.world.applications.refresh()
    assert api.world.applications.current().revision == before


def test_all_of_them_leave_every_table_as_it_was(api: Api) -> None:
    before = api.fingerprint()
    for case in ALL:
        if case.level == "error":
            assert api.post("ada", "config/apply", {"files": {**BASE, **case.files}}).status == 422
    assert api.fingerprint() == before


def test_a_sound_workspace_with_a_warning_is_answered_200(api: Api) -> None:
    files = {
        **BASE,
        "fairlead.yaml": "name: small\n",
        "schemas/car.yaml": HEAD.replace("label: Car", "label: {en: Car}"),
    }
    answer = api.post("ada", "config/check", {"files": files})
    assert answer.status == 200
    assert answer.json["ok"] is True
    assert [(one["level"], one["key"]) for one in answer.json["problems"]] == [("warning", "label")]


@pytest.mark.parametrize("who", ["rui", "mei"])
def test_who_may_not_configure_learns_nothing_of_what_is_wrong(api: Api, who: str) -> None:
    answer = api.post(who, "config/check", {"files": {"schemas/x.yaml": "kind: ["}})
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert answer.json["errors"] == []
