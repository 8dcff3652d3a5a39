"""`GET /config/why`: for those who look after people and the configuration."""

from __future__ import annotations

from tests.api.office import Api


def test_it_answers_whoever_may_change_rights_and_nobody_else(api: Api) -> None:
    deal = api.world.create("rui")
    asked = {"question": "read", "user": "sana", "record": f"deal/{deal}"}
    answer = api.get("ada", "config/why", **asked)
    assert answer.status == 200 and answer.json["allowed"] is False
    assert answer.json["points"][0]["because"] == "it belongs to Rui"
    assert (answer.json["points"][0]["file"], answer.json["points"][0]["held"]) == (
        "admin/role_rep.yaml",
        "no",
    )
    for who in ("rui", "mei"):
        assert api.get(who, "config/why", **asked).status == 403


def test_each_question_and_what_it_needs(api: Api) -> None:
    deal = api.world.create("rui")
    record = f"deal/{deal}"
    field = api.get("ada", "config/why", question="field", user="rui", record=record, field="margin")
    assert field.json["state"] == "hidden"
    act = api.get("ada", "config/why", question="action", user="rui", record=record, action="delete")
    assert act.json["allowed"] is False
    assert api.get("ada", "config/why", question="field", user="rui", record=record).status == 422
    assert api.get("ada", "config/why", question="guess").status == 422
    assert api.get("ada", "config/why", question="read", user="rui", record="deal").status == 422
    lost = api.get("ada", "config/why", question="rule", rule="nothing", record=record)
    assert lost.status == 422 and "no automation 'nothing'" in str(lost.json["errors"])
