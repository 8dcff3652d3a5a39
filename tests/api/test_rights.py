"""Who may see and do what, at every door of the API (bad inputs P, I02, I03, U11)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.store.system import approval_event, event

from tests.api.office import CANARY, Answer, Api, token_of

NOBODY = "0" * 16


def same(one: Answer, other: Answer) -> None:
    """Two refusals that must not be told apart."""
    assert one.status == other.status
    assert one.problem == other.problem
    headers = [{k: v for k, v in answer.headers if k != "X-Request-Id"} for answer in (one, other)]
    assert headers[0] == headers[1]


# ---------------------------------------------------------------- P01


def reads(id: str) -> Iterator[tuple[str, str, Any]]:
    """Every address that is about one record: method, path, body."""
    for path in ("", "/history", "/timeline", "?fields=name", "?expand=owner", "/approval_path"):
        yield "GET", f"deal/{id}{path}", None
    yield "PATCH", f"deal/{id}", {"name": "x"}
    yield "PATCH", f"deal/{id}", {"stage": "offer"}
    yield "PATCH", f"deal/{id}", {}
    yield "DELETE", f"deal/{id}", None
    acts: dict[str, dict[str, str]] = {
        "release": {},
        "assign": {"owner": NOBODY},
        "move": {"to": "offer"},
        "submit": {},
    }
    for act, body in acts.items():
        yield "POST", f"deal/{id}/{act}", body


@pytest.mark.parametrize("who", ["rui", "otto", "nil", "ivo"])
def test_A_P01_what_may_not_be_seen_answers_like_what_is_not_there(api: Api, who: str) -> None:
    hers = api.made("sana", "deal", amount="5")
    before = api.fingerprint()
    for (method, path, body), (_, missing, _) in zip(reads(hers), reads(NOBODY), strict=True):
        headers = {"If-Match": '"1"'}
        one, other = (api.call(who, method, place, body, headers=headers) for place in (path, missing))
        assert one.status == 404, (method, path, one.body)
        same(one, other)
    assert api.fingerprint() == before


@pytest.mark.parametrize(
    "id",
    ["1", "0", "-1", "a deal", "%27%20OR%201=1", "x" * 3000, "..%2f..%2fetc", "é", "%ff", "NULL", "{id}"],
)
def test_A_P01_no_other_name_of_a_record_leads_to_it(api: Api, id: str) -> None:
    api.made("sana", "deal")
    for who in ("rui", "ada"):
        for ending in ("", "/history", "/timeline"):
            answer = api.get(who, f"deal/{id}{ending}")
            assert (answer.status, answer.json["code"]) == (404, "not-found")


def test_an_entity_that_may_not_be_seen_answers_like_one_that_is_not_there(api: Api) -> None:
    for method, ending, body in (("GET", "", None), ("POST", "", {"name": "x"}), ("POST", "/bulk", {"operations": []}),
                                 ("GET", f"/{NOBODY}", None), ("GET", f"/{NOBODY}/history", None)):  # fmt: skip
        one = api.call("otto", method, f"deal{ending}", body)
        other = api.call("otto", method, f"nothing{ending}", body)
        assert one.status == 404
        same(one, other)


def test_other_things_that_are_not_mine_answer_like_what_is_not_there(api: Api) -> None:
    hers = api.get("sana", "tokens").json["items"][0]["id"]
    same(api.delete("rui", f"tokens/{hers}"), api.delete("rui", f"tokens/{NOBODY}"))
    assert api.get("sana", "me").status == 200
    for path in ("tasks/{}", "approvals/{}"):
        assert api.get("rui", path.format(NOBODY)).status == 404
    same(api.get("otto", "reports/case_kinds"), api.get("otto", "reports/nothing"))


# ---------------------------------------------------------------- P02


def test_A_P02_a_relation_to_what_may_not_be_seen_is_a_marker_without_name_or_id(api: Api) -> None:
    hers = api.made("sana", "deal", name=CANARY)
    id = api.made("rui")
    api.patch("ada", f"case/{id}", {"deal": hers})
    for answer in (
        api.get("rui", f"case/{id}", expand="deal"),
        api.get("rui", "case", expand="deal", filter=f"id == '{id}'"),
    ):
        assert answer.status == 200
        item = answer.json.get("items", [answer.json])[0]
        assert item["deal"] == {"_hidden": True}
        assert CANARY not in answer.body.decode()
        assert hers not in answer.body.decode()
    assert api.get("ada", f"case/{id}", expand="deal,owner").json["deal"] == {"id": hers, "title": CANARY}


def test_A_P02_nobody_points_at_what_they_may_not_see(api: Api) -> None:
    hers = api.made("sana", "deal")
    one, other = (api.post("rui", "case", {"name": "x", "deal": id}) for id in (hers, NOBODY))
    assert one.codes == other.codes == {"deal": "unknown_record"}
    assert one.problem == other.problem


def test_a_title_has_no_more_of_a_field_than_its_reader(api: Api) -> None:
    other = api.made("rui", name="Titled", phone="13800138222")
    id = api.made("rui", twin=other)
    answer = api.get("rui", f"case/{id}", expand="twin")
    assert answer.json["twin"]["title"].startswith("Titled ")
    assert "13800138222" not in answer.body.decode()
    assert "13800138222" in api.get("ada", f"case/{id}", expand="twin").json["twin"]["title"]


def test_a_report_groups_by_what_may_be_seen_of_the_other_record(api: Api) -> None:
    theirs, mine = api.made("sana", "deal", region="north"), api.made("rui", "deal", region="south")
    for deal in (theirs, mine):
        api.patch("ada", f"case/{api.made('rui', name='grouped')}", {"deal": deal})
    groups = {row["keys"][0] for row in api.get("rui", "reports/case_deals").json["rows"]}
    assert groups == {None, "south"}
    assert "north" in {row["keys"][0] for row in api.get("ada", "reports/case_deals").json["rows"]}


def test_a_field_is_filled_in_only_under_the_grant_that_opens_it(api: Api) -> None:
    """Duo may make cases for others as a clerk, who fixes no price, and own ones as a rep, who does."""
    sana = api.world.actors["sana"].id
    assert api.post("duo", "case", {"name": "x", "price": "1.00"}).status == 201
    assert api.post("duo", "case", {"name": "x", "owner": sana}).status == 201
    before = api.fingerprint()
    answer = api.post("duo", "case", {"name": "x", "owner": sana, "price": "1.00"})
    assert answer.codes == {"price": "readonly_field"}
    assert api.fingerprint() == before


def test_a_role_brings_all_that_it_inherits(api: Api) -> None:
    id = api.made("ada", "deal")
    assert api.post("ada", f"deal/{id}/release", {"reason": "wrong"}).status == 200
    assert id in {one["id"] for one in api.items("jun", "deal", page_size=200)}
    assert api.get("jun", "reports/by_stage").status == 200
    assert api.post("jun", f"deal/{id}/claim", {}).json["owner"] == api.world.actors["jun"].id


# ---------------------------------------------------------------- P04


def test_A_P04_many_at_once_are_answered_one_by_one(api: Api) -> None:
    mine = [api.made("rui", name=f"bulk {n}") for n in range(9)]
    hers = api.made("sana", name="bulk hers")
    rows = [
        {"op": "update", "id": id, "values": {"notes": "new"}, "version": 1}
        for id in [*mine[:4], hers, *mine[4:], NOBODY]
    ]
    answer = api.post("rui", "case/bulk", {"operations": rows})
    assert answer.status == 207
    results = answer.json["results"]
    assert [row["status"] for row in results] == [200] * 4 + [404] + [200] * 5 + [404]
    assert {k: v for k, v in results[4].items() if k != "id"} == {
        k: v for k, v in results[-1].items() if k != "id"
    }
    assert api.get("sana", f"case/{hers}").json["notes"] is None
    assert api.get("sana", f"case/{hers}").json["version"] == 1


def test_bulk_rows_that_cannot_be_done_say_why_as_their_own_answer_would(api: Api) -> None:
    id, deal = api.made("rui"), api.made("rui", "deal")
    rows: list[tuple[dict[str, Any], int, str]] = [
        ({"op": "update", "id": id, "values": {"name": "b"}, "version": 7}, 412, "stale"),
        ({"op": "update", "id": id, "values": {"salary": "1"}}, 422, "invalid"),
        ({"op": "update", "id": id, "values": ["x"]}, 422, "invalid"),
        ({"op": "update", "id": id, "values": {}, "version": "1"}, 422, "invalid"),
        ({"op": "update", "id": id, "values": {}, "version": True}, 422, "invalid"),
        ({"op": "update", "values": {}}, 422, "invalid"),
        ({"op": "update", "id": 5, "values": {}}, 422, "invalid"),
        ({"op": "update", "id": id, "values": {}, "force": True}, 422, "invalid"),
        ({"op": "create", "values": {"name": None}}, 422, "invalid"),
        ({"op": "create", "values": None}, 422, "invalid"),
        ({"op": "create", "id": id, "values": {"name": "x"}}, 422, "invalid"),
        ({"op": "explode", "id": id}, 422, "invalid"),
        ({"op": None}, 422, "invalid"),
        ({}, 422, "invalid"),
        ({"op": "assign", "id": id, "owner": None}, 422, "invalid"),
        ({"op": "assign", "id": id, "owner": api.world.actors["sana"].id}, 403, "forbidden"),
    ]
    before = api.fingerprint()
    results = api.post("rui", "case/bulk", {"operations": [row for row, _, _ in rows]}).json["results"]
    assert [(row["status"], row["code"]) for row in results] == [(status, code) for _, status, code in rows]
    assert results[0]["current"]["version"] == 1
    assert results[1]["errors"] == [
        {"field": "salary", "code": "unknown_field", "message": results[1]["errors"][0]["message"]}
    ]
    assert api.fingerprint() == before
    done = api.post("rui", "deal/bulk", {"operations": [
        {"op": "update", "id": deal, "values": {"amount": "5"}, "version": 1}, {"op": "move", "id": deal, "to": "offer"},
        {"op": "update", "id": deal, "values": {"stage": "won"}}, {"op": "delete", "id": deal},
        {"op": "create", "values": {"name": "n"}}, {"op": "release", "id": deal, "reason": "wrong"},
    ]}).json["results"]  # fmt: skip
    assert [row["status"] for row in done] == [200, 200, 200, 403, 201, 200]


def test_bulk_has_a_limit_and_takes_nothing_but_operations(api: Api) -> None:
    before = api.fingerprint()
    row = {"op": "create", "values": {"name": "x"}}
    assert api.post("rui", "case/bulk", {"operations": [row] * 1001}).codes == {"operations": "too_many"}
    odd: list[dict[str, Any]] = [
        {},
        {"operations": None},
        {"operations": {}},
        {"operations": [row, 5]},
        {"operations": [row], "atomic": 1},
    ]
    for body in odd:
        assert api.post("rui", "case/bulk", body).status == 422
    assert api.fingerprint() == before
    assert api.post("rui", "case/bulk", {"operations": []}).json == {"results": []}


# ---------------------------------------------------------------- P07, P13, P14


def changes(api: Api) -> Iterator[tuple[str, str, Any, str]]:
    """Every address that changes something: method, path, body and a word for it."""
    deal, case = api.made("rui", "deal", amount="5"), api.made("rui", name="theirs")
    sana = api.world.actors["sana"].id
    note = api.made("rui", "note", about=deal, text="x")
    pooled = api.made("rui", "deal")
    assert api.post("rui", f"deal/{pooled}/release", {"reason": "wrong"}).status == 200
    for entity, id in (("deal", deal), ("case", case), ("note", note)):
        yield "POST", entity, {"name": "x"} if entity != "note" else {"about": deal}, f"create {entity}"
        yield (
            "PATCH",
            f"{entity}/{id}",
            {"name": "y"} if entity != "note" else {"text": "y"},
            f"update {entity}",
        )
        yield "DELETE", f"{entity}/{id}", None, f"delete {entity}"
        yield "POST", f"{entity}/{id}/assign", {"owner": sana}, f"assign {entity}"
        yield "POST", f"{entity}/bulk", {"operations": [
            {"op": "update", "id": id, "values": {}}, {"op": "delete", "id": id}, {"op": "assign", "id": id, "owner": sana},
        ]}, f"bulk {entity}"  # fmt: skip
    yield "POST", f"deal/{deal}/move", {"to": "offer"}, "move"
    yield "PATCH", f"deal/{deal}", {"stage": "offer"}, "move by a field"
    yield "POST", f"deal/{deal}/release", {"reason": "wrong"}, "release"
    yield "POST", f"deal/{pooled}/claim", {}, "claim"
    yield "POST", f"deal/{deal}/submit", {}, "submit"
    yield "POST", "config/apply", {"files": api.world.files}, "publish"
    yield "POST", "config/plan", {"files": api.world.files}, "plan"
    yield "POST", "config/check", {"files": {}}, "check"
    for act in ("approve", "reject", "return", "transfer", "comment", "nothing"):
        yield "POST", f"tasks/{NOBODY}/{act}", {"version": 1, "to": sana, "comment": "x"}, f"task {act}"
    for act in ("withdraw", "urge", "comment", "resume", "terminate", "revoke"):
        yield "POST", f"approvals/{NOBODY}/{act}", {}, f"approval {act}"
    yield "DELETE", f"tokens/{NOBODY}", None, "end a token"


MAY: dict[str, set[str]] = {
    "fin": set(), "otto": set(), "nil": set(), "ivo": set(), "nobody": set(),
    "sana": {"create deal", "create case", "claim"},
}  # fmt: skip


@pytest.mark.parametrize("who", MAY)
def test_A_P07_A_P13_A_P14_refused_means_untouched(api: Api, who: str) -> None:
    asked = list(changes(api))
    api.tokens["nobody"] = "fl_" + "x" * 43
    before = api.fingerprint()
    for method, path, body, word in asked:
        if word in MAY[who]:
            continue
        for headers in (
            {"If-Match": "*"},
            {"If-Match": '"1"'},
            {"Idempotency-Key": f"{who} {word}", "If-Match": "*"},
        ):
            answer = api.call(who, method, path, body, headers=headers)
            if answer.status == 207:
                assert all(row["status"] in (403, 404) for row in answer.json["results"]), (word, answer.body)
            else:
                assert answer.status in (401, 403, 404, 409, 412, 422), (word, answer.status, answer.body)
                assert (answer.status == 401) == (who == "nobody")
            after = api.fingerprint()
            if answer.status == 207:  # what was answered to each row is kept under the key, as for any answer
                before["sys_idempotency"] = after["sys_idempotency"]
            assert after == before, word


def test_A_P13_a_token_of_somebody_who_only_reads_writes_nothing(api: Api) -> None:
    id = api.made("rui")
    assert api.get("fin", f"case/{id}").status == 200
    for answer in (api.patch("fin", f"case/{id}", {"name": "x"}), api.delete("fin", f"case/{id}"), api.post("fin", "case", {"name": "x"}),
                   api.post("fin", f"case/{id}/assign", {"owner": NOBODY})):  # fmt: skip
        assert (answer.status, answer.json["code"]) == (403, "forbidden")


def test_a_stage_set_like_a_field_is_a_move_under_the_rules_of_moves(api: Api) -> None:
    id = api.made("rui", "deal")
    assert api.patch("rui", f"deal/{id}", {"stage": "offer"}).codes == {"amount": "required"}
    assert api.patch("rui", f"deal/{id}", {"stage": "won"}).json["code"] == "move.guard"
    assert api.patch("rui", f"deal/{id}", {"stage": "nothing"}).codes == {"stage": "not_an_option"}
    for none in (None, "", 5, ["offer"]):
        assert "stage" in api.patch("rui", f"deal/{id}", {"stage": none, "amount": "5"}).codes
    assert api.get("rui", f"deal/{id}").json["version"] == 1
    moved = api.patch("rui", f"deal/{id}", {"stage": "offer", "amount": "5"}, 1)
    assert (moved.status, moved.json["stage"], moved.json["amount"]) == (200, "offer", "5.00")
    assert api.patch("rui", f"deal/{id}", {"stage": "offer"}).json["code"] == "move.already-there"
    again = api.patch("rui", f"deal/{id}", {"stage": "offer", "name": "renamed"}, 2)
    assert (again.status, again.json["name"], again.json["stage"]) == (200, "renamed", "offer")
    assert [e["kind"] for e in api.items("rui", f"deal/{id}/history")] == ["update", "move", "create"]


# ---------------------------------------------------------------- P08 – P11


def test_A_P08_what_has_left_ones_team_is_gone_from_every_door(api: Api) -> None:
    id = api.made("rui", "deal", name="Leaving Soon", amount="7")
    api.made("rui", "note", about=id, text="note")
    before = api.get("rui", "reports/by_stage").json["totals"][0]
    assert api.post("mei", f"deal/{id}/assign", {"owner": api.world.actors["ada"].id}).status == 200
    for who in ("rui", "mei"):
        assert api.get(who, f"deal/{id}").status == api.get(who, f"deal/{id}/history").status == 404
        assert api.items(who, "deal", search="Leaving") == []
        assert api.items(who, "deal", filter=f"id == '{id}'") == []
        assert api.get(who, "deal", filter=f"id == '{id}'", count="true").json["total"] == 0
    assert api.get("rui", "reports/by_stage").json["totals"][0] == before - 1


def test_A_P09_a_figure_is_computed_for_whoever_asks(api: Api) -> None:
    api.made("sana", "deal", amount="1000")
    for _ in range(2):
        mine = api.get("rui", "reports/by_stage").json["totals"][0]
        theirs = api.get("mei", "reports/by_stage").json["totals"][0]
        assert mine == api.get("rui", "deal", count="true").json["total"] < theirs


def test_A_P10_history_tells_nothing_of_fields_that_may_not_be_read(api: Api) -> None:
    id = api.made("rui", phone="13800138001")
    api.patch(
        "ada",
        f"case/{id}",
        {"whisper": CANARY, "salary": "4711.47", "phone": "13900139002", "notes": "plain"},
    )
    for path in (f"case/{id}/history", f"case/{id}/timeline"):
        answer = api.get("rui", path)
        text = answer.body.decode()
        assert CANARY not in text
        assert "4711" not in text
        assert "13800138001" not in text
        assert "13900139002" not in text
        changed = {one["field"]: one for one in answer.json["items"][0]["changes"]}
        assert changed["notes"]["new"] == "plain"
        assert changed["salary"] == {"field": "salary", "hidden": True}
        assert CANARY in api.get("ada", path).body.decode()


def test_no_door_shows_what_a_role_may_not_read(api: Api) -> None:
    id = api.made("rui", phone="13800138009", name="Doors")
    api.patch("ada", f"case/{id}", {"whisper": CANARY, "salary": "4711.47"})
    lots = f"case?filter=id=='{id}'"
    for path in (f"case/{id}", f"case/{id}?expand=deal,owner", "case", lots, "case?search=Doors", "case?order_by=name&count=true",
                 f"case/{id}/history", f"case/{id}/timeline", "reports/case_kinds", "reports/case_kinds.csv", "me", "tasks",
                 "tasks?box=mine", "tokens", "openapi.json"):  # fmt: skip
        answer = api.get("rui", path)
        assert answer.status == 200, path
        text = answer.body.decode("utf-8", "replace")
        for secret in (CANARY, "4711", "13800138009"):
            assert secret not in text, path
    found = api.get("rui", f"case/{id}").json
    assert set(found["_hidden"]) == {"salary", "whisper"}
    assert found["_masked"] == ["phone"]
    conflict = api.patch("rui", f"case/{id}", {"name": "z"}, 99)
    assert conflict.status == 412
    assert CANARY not in conflict.body.decode()
    assert conflict.json["current"]["version"] == 2


# ---------------------------------------------------------------- I, U


def test_A_I02_A_I03_a_file_has_the_rows_and_columns_that_may_be_seen(api: Api) -> None:
    for who in ("rui", "sana"):
        api.made(who, kind="c", price="-3.50")
    for who in ("rui", "ada"):
        answer = api.get(who, "reports/case_kinds.csv")
        assert answer.headers["Content-Disposition"] == 'attachment; filename="case_kinds.csv"'
        rows = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
        shown = {row["labels"][0]: row["values"] for row in api.get(who, "reports/case_kinds").json["rows"]}
        assert {row[0]: row[1] for row in rows[1:]} == {
            label: str(values[0]) for label, values in shown.items()
        }
        assert any(row[2].startswith("-") for row in rows[1:]), "a negative number stays one"
    assert api.get("sana", "reports/by_stage.csv").status == 403
    assert api.get("fin", "reports/by_stage.xlsx").status == 200


def test_A_U11_nothing_of_a_sign_in_is_ever_shown(api: Api) -> None:
    secret = token_of(api.world, "ada")
    for path in ("tokens", "me", "config/revisions", "openapi.json"):
        text = api.get("ada", path).body.decode()
        assert secret not in text
        for word in ("hash", "argon2", "csrf", "password_"):
            assert word not in text.lower(), (path, word)


def test_the_audit_of_a_refusal_is_all_that_is_left_of_it(api: Api) -> None:
    count = sa.select(sa.func.count())
    asked = [api.world.database.prepare(count.select_from(table)) for table in (event, approval_event)]
    before = [api.world.database.one(one) for one in asked]
    api.patch("rui", f"case/{api.made('sana')}", {"name": "x"})
    after = [api.world.database.one(one) for one in asked]
    assert before[1] == after[1]
