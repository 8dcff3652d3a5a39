"""The manners of HTTP: statuses, versions, keys, hosts, headers, the description (W, R03–R07, U, C and R08 at the API)."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import openapi_spec_validator
import pytest
from fairlead.base.clock import iso_utc, utc_now
from fairlead.config.checks.names import RESERVED_ENTITIES
from fairlead.store import people, sessions

from tests.api.office import Api, checked, token_of

NOBODY = "0" * 16


# ---------------------------------------------------------------- 401, 404, 405


def test_whoever_is_not_known_is_asked_to_sign_in(api: Api) -> None:
    bad = ["", "Bearer", "Bearer ", "Bearer x", "Bearer " + "x" * 5000, "Basic YWRhOmFkYQ==", "bearer fl_", "Token x", "Bearer é",
           "Bearer " + api.tokens["ada"] + "x", api.tokens["ada"]]  # fmt: skip
    paths = [("GET", "case"), ("POST", "case"), ("PATCH", f"case/{NOBODY}"), ("GET", "me"), ("GET", "openapi.json"), ("GET", "nothing"),
             ("POST", "config/apply"), ("GET", "tasks"), ("GET", "reports/by_stage"), ("POST", "case/bulk")]  # fmt: skip
    for (method, path), header in itertools.product(paths, bad):
        answer = api.call(
            None, method, path, {} if method != "GET" else None, headers={"Authorization": header}
        )
        assert (answer.status, answer.json["code"]) == (401, "not-signed-in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_U04_a_token_that_is_over_or_whose_owner_left_opens_nothing(api: Api) -> None:
    api.tokens["old"] = token_of(api.world, "rui", days=-1)
    assert api.get("old", "me").status == 401
    api.tokens["short"] = token_of(api.world, "rui")
    mine = {one["id"] for one in api.items("short", "tokens")}
    newest = api.items("short", "tokens")[0]["id"]
    assert api.delete("short", f"tokens/{newest}").status == 204
    assert api.get("short", "me").status == 401
    assert {one["id"] for one in api.items("rui", "tokens")} == mine - {newest}
    with api.world.database.write() as tx:
        key = people.create_user(
            tx, username="leaver", name="L", created_at=iso_utc(utc_now()), roles=["admin"]
        )
        api.tokens["leaver"] = sessions.begin(
            tx,
            user_id=key,
            kind="token",
            now=iso_utc(utc_now()),
            expires_at=iso_utc(utc_now() + timedelta(days=1)),
        ).secret
    assert api.get("leaver", "case").status == 200
    with api.world.database.write() as tx:
        account = people.account(tx, key)
        assert account is not None
        people.update_user(tx, account, {"active": False})
    assert api.get("leaver", "case").status == 401


def test_X6_the_last_use_of_a_token_is_shown(api: Api) -> None:
    api.tokens["used"] = token_of(api.world, "fin")
    assert api.get("used", "me").status == 200
    assert api.items("used", "tokens")[0]["last_used_at"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", f"case/{NOBODY}", {"GET", "PATCH", "DELETE"}), ("DELETE", "case", {"GET", "POST"}), ("PATCH", "case", {"GET", "POST"}),
     ("GET", f"deal/{NOBODY}/claim", {"POST"}), ("POST", f"case/{NOBODY}/history", {"GET"}), ("DELETE", "me", {"GET"}),
     ("POST", "config/revisions", {"GET"}), ("PUT", "tokens", {"GET", "POST"}),
     ("POST", f"deal/{NOBODY}/approval_path", {"GET"}), ("TRACE", "case", {"GET", "POST"})],
)  # fmt: skip
def test_a_method_that_is_not_offered_says_which_are(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.call("ada", method, path)
    assert (answer.status, answer.json["code"]) == (405, "method-not-allowed")
    assert allowed <= {one.strip() for one in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize("act", ["convert", "merge", "share", "nothing", "history/x"])
def test_an_address_that_is_not_there_is_not_found_in_json(api: Api, act: str) -> None:
    for method in ("GET", "POST"):
        answer = api.call("ada", method, f"deal/{NOBODY}/{act}", {} if method == "POST" else None)
        assert (answer.status, answer.json["code"]) == (404, "not-found")


def test_no_entity_may_be_called_like_a_part_of_the_api(api: Api) -> None:
    taken = {
        rule.rule.split("/")[3]
        for rule in api.app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and "<entity>" not in rule.rule
    }
    assert {name for name in taken if name.isidentifier()} <= RESERVED_ENTITIES | {"nothing"}


# ---------------------------------------------------------------- versions


def test_R03_R04_a_change_says_what_it_was_made_from(api: Api) -> None:
    id = api.made("rui", notes="first")
    assert api.get("rui", f"case/{id}").headers["ETag"] == '"1"'
    none = api.patch("rui", f"case/{id}", {"notes": "x"}, None)
    assert (none.status, none.json["code"]) == (428, "version-missing")
    one = api.patch("rui", f"case/{id}", {"notes": "A"}, 1)
    assert (one.status, one.headers["ETag"], one.json["version"]) == (200, '"2"', 2)
    two = api.patch("rui", f"case/{id}", {"link": "https://b.example"}, 1)
    assert (two.status, two.json["code"], two.json["current"]["notes"]) == (412, "stale", "A")
    assert api.get("rui", f"case/{id}").json["link"] is None


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"1"', 200), ("1", 200), ('W/"1"', 200), ("*", 200), (' "1" ', 200), ('"2"', 412), ('"0"', 412), ('"-1"', 412), ('"x"', 412),
     ('""', 412), ("²", 412), ('"²"', 412), ('"1', 412), ('1"', 412), ('"1", "2"', 412), ("'1'", 412), ('"' + "9" * 400 + '"', 412),
     ('"1.0"', 412), ('"01"', 200), ('w/"1"', 412), ("null", 412), ('"' + "9" * 18 + '"', 412), ("", 428), (" ", 428)],
)  # fmt: skip
def test_forms_of_if_match(api: Api, tag: str, status: int) -> None:
    id = api.made("rui")
    answer = api.patch("rui", f"case/{id}", {"notes": "x"}, tag)
    assert answer.status == status, answer.body
    assert (api.get("rui", f"case/{id}").json["notes"] == "x") == (status == 200)


def test_every_move_and_removal_minds_the_version_when_it_is_given(api: Api) -> None:
    id, sana = api.made("mei", "deal", amount="5"), api.world.actors["sana"].id
    stale = {"If_Match": '"7"'}
    for path, body in {
        "move": {"to": "offer"},
        "assign": {"owner": sana},
        "release": {"reason": "wrong"},
        "submit": {},
    }.items():
        answer = api.post("ada", f"deal/{id}/{path}", body, **stale)
        assert answer.status in (412, 409), (path, answer.body)
        assert answer.status == 412 or path == "submit"
    assert api.delete("ada", f"deal/{id}", **stale).status == 412
    assert api.get("ada", f"deal/{id}").json["version"] == 1
    assert api.post("ada", f"deal/{id}/move", {"to": "offer"}, If_Match='"1"').status == 200
    assert api.delete("ada", f"deal/{id}", If_Match='"2"').status == 204
    assert api.delete("ada", f"deal/{id}").status == 404


# ---------------------------------------------------------------- Idempotency-Key


def test_R07_a_key_belongs_to_one_request(api: Api) -> None:
    first = api.post("rui", "case", {"name": "once", "price": "1.00"}, Idempotency_Key="k1")
    again = api.post("rui", "case", {"price": "1.00", "name": "once"}, Idempotency_Key="k1")
    assert (first.status, again.status) == (201, 201)
    assert first.body == again.body
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "Idempotency-Replayed" in again.headers
    for path, body in (
        ("case", {"name": "other"}),
        ("deal", {"name": "once", "price": "1.00"}),
        ("case/bulk", {"operations": []}),
    ):
        answer = api.post("rui", path, body, Idempotency_Key="k1")
        assert (answer.status, answer.codes) == (422, {"Idempotency-Key": "key_reused"})
    assert len(api.items("rui", "case", filter='name == "once"')) == 1
    other = api.post("sana", "case", {"name": "once", "price": "1.00"}, Idempotency_Key="k1")
    assert other.status == 201
    assert other.json["id"] != first.json["id"], "a key is its sender's own"


def test_R07_a_key_of_a_claim_claims_one_record(api: Api) -> None:
    one, two = api.made("mei", "deal"), api.made("mei", "deal")
    for id in (one, two):
        assert api.post("ada", f"deal/{id}/release", {"reason": "wrong"}).status == 200
    claimed = api.post("rui", f"deal/{one}/claim", {}, Idempotency_Key="c1")
    assert claimed.status == 200
    assert api.post("rui", f"deal/{one}/claim", {}, Idempotency_Key="c1").body == claimed.body
    assert api.post("rui", f"deal/{two}/claim", {}, Idempotency_Key="c1").codes == {
        "Idempotency-Key": "key_reused"
    }
    assert api.get("ada", f"deal/{two}").json["owner"] is None
    assert api.post("rui", f"deal/{two}/claim", {}, Idempotency_Key="c2").status == 200


def test_a_refused_request_gives_its_key_back(api: Api) -> None:
    assert api.post("rui", "case", {"name": ""}, Idempotency_Key="again").status == 422
    assert api.post("rui", "case", {"name": "good"}, Idempotency_Key="again").status == 201
    assert api.post("rui", f"tasks/{NOBODY}/nothing", {}, Idempotency_Key="lost").status == 404
    assert api.post("rui", "case", {"name": "good"}, Idempotency_Key="lost").status == 201


def test_the_same_bulk_or_move_sent_twice_is_done_once(api: Api) -> None:
    rows = {"operations": [{"op": "create", "values": {"name": "bulk once"}}] * 3}
    one, two = (api.post("rui", "case/bulk", rows, Idempotency_Key="b1") for _ in range(2))
    assert one.body == two.body
    assert len(api.items("rui", "case", filter='name == "bulk once"')) == 3
    id = api.made("rui", "deal", amount="1")
    moves = [api.post("rui", f"deal/{id}/move", {"to": "offer"}, Idempotency_Key="m1") for _ in range(2)]
    assert [answer.status for answer in moves] == [200, 200]
    assert [e["kind"] for e in api.items("rui", f"deal/{id}/history")] == ["move", "create"]


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "\x7f", "\t", "é" * 200])
def test_a_key_is_a_short_text(api: Api, key: str) -> None:
    answer = api.call("rui", "POST", "case", {"name": "x"}, headers={"Idempotency-Key": key})
    assert answer.status in (201, 422)
    assert answer.status == 201 or answer.codes == {"Idempotency-Key": "invalid"}


# ---------------------------------------------------------------- signing in


def sign_in(api: Api, username: Any, password: Any, address: str = "10.0.0.1", **headers: str) -> Any:
    client = api.app.test_client()
    body = {"username": username, "password": password}
    return checked(
        client.post("/api/v1/tokens", json=body, headers=headers, environ_base={"REMOTE_ADDR": address})
    )


@pytest.fixture(scope="module")
def staff(api: Api) -> Api:
    """The office with passwords."""
    from fairlead.work.passwords import hash_password

    with api.world.database.write() as tx:
        for name in ("ada", "rui", "sana", "mei"):
            people.set_password_hash(tx, api.world.actors[name].id, hash_password(f"right {name}"))
    return api


def test_U01_a_wrong_password_and_an_unknown_name_are_answered_alike(staff: Api) -> None:
    answers = [sign_in(staff, "ada", "wrong", "10.1.0.1"), sign_in(staff, "nobody at all", "wrong", "10.1.0.2"),
               sign_in(staff, "otto", "wrong", "10.1.0.3"), sign_in(staff, "", "x", "10.1.0.4")]  # fmt: skip
    assert [answer.status for answer in answers[:3]] == [401, 401, 401]
    assert answers[0].problem == answers[1].problem == answers[2].problem
    made = sign_in(staff, "ada", "right ada", "10.1.0.5")
    assert (made.status, set(made.json)) == (201, {"token", "id", "expires_at"})
    staff.tokens["fresh"] = made.json["token"]
    assert staff.get("fresh", "me").json["username"] == "ada"


def test_U02_W06_guesses_run_out_whatever_the_request_says_of_where_it_comes_from(staff: Api) -> None:
    statuses = [
        sign_in(
            staff,
            "rui",
            f"guess {n}",
            "10.2.0.1",
            **{"X-Forwarded-For": f"1.2.3.{n}", "Forwarded": f"for=1.2.3.{n}"},
        ).status
        for n in range(14)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    refused = sign_in(staff, "rui", "right rui", "10.2.0.1")
    assert (refused.status, refused.json["code"]) == (429, "auth.too-many")
    assert 0 < int(refused.headers["Retry-After"]) <= 15 * 60
    assert sign_in(staff, "rui", "right rui", "10.2.0.9").status == 201


@pytest.mark.parametrize(
    "body",
    [{}, {"username": "ada"}, {"username": "ada", "password": None}, {"username": ["ada"], "password": "x"},
     {"username": {"$ne": ""}, "password": {"$ne": ""}}, {"username": "ada", "password": "right ada", "roles": ["admin"]},
     {"username": "ada", "password": "right ada", "name": 5}, {"username": 0, "password": True}],
)  # fmt: skip
def test_a_sign_in_is_a_name_and_a_password(staff: Api, body: dict[str, Any]) -> None:
    assert staff.post(None, "tokens", body).status == 422


def test_U08_passwords_are_taken_exactly_as_they_are(staff: Api) -> None:
    from fairlead.work.passwords import hash_password

    key = staff.world.actors["mei"].id
    for number, password in enumerate((" leading space", "🔑" * 200, "x" * 1000, "pass\tword")):
        with staff.world.database.write() as tx:
            people.set_password_hash(tx, key, hash_password(password))
        assert sign_in(staff, "mei", password, f"10.3.{number}.1").status == 201
        assert sign_in(staff, "mei", password.strip() + " ", f"10.3.{number}.2").status == 401
        assert sign_in(staff, "mei", password[:-1], f"10.3.{number}.3").status == 401
    assert sign_in(staff, "mei", "x" * 1001, "10.3.9.1").status == 401


# ---------------------------------------------------------------- hosts, headers, configuration


def test_W05_no_address_in_an_answer_is_made_of_the_request(api: Api) -> None:
    for headers in (
        {"Host": "evil.test"},
        {"X-Forwarded-Host": "evil.test"},
        {"Forwarded": "host=evil.test"},
    ):
        for method, path, body in (
            ("POST", "case", {"name": "x"}),
            ("GET", "openapi.json", None),
            ("GET", "case", None),
        ):
            answer = api.call("rui", method, path, body, headers=headers)
            assert "evil.test" not in answer.body.decode() + str(answer.headers)


def test_a_page_of_another_site_cannot_use_a_browsers_sign_in(api: Api) -> None:
    now = utc_now()
    with api.world.database.write() as tx:
        web = sessions.begin(
            tx,
            user_id=api.world.actors["ada"].id,
            kind="web",
            now=iso_utc(now),
            expires_at=iso_utc(now + timedelta(days=1)),
        )
    cookie = {"Cookie": f"fairlead_session={web.secret}"}
    before = api.fingerprint()
    for headers in (
        cookie,
        {**cookie, "X-CSRF-Token": "x"},
        {**cookie, "X-CSRF-Token": "é"},
        {**cookie, "HX-Request": "true"},
    ):
        for kind in ("application/json", "text/plain"):
            answer = api.call(
                None, "POST", "case", raw=b'{"name":"x"}', headers={**headers, "Content-Type": kind}
            )
            assert answer.status == 403
    assert api.fingerprint() == before
    assert (
        api.call(None, "POST", "case", {"name": "x"}, headers={**cookie, "X-CSRF-Token": web.csrf}).status
        == 201
    )
    assert api.call(None, "GET", "me", headers={"Authorization": f"Bearer {web.secret}"}).status == 401


def test_R08_of_two_who_publish_from_one_base_the_second_is_told_who_was_first(api: Api) -> None:
    planned = api.post("ada", "config/plan", {"files": api.world.files}).json
    label = {**api.world.files, "fairlead.yaml": api.world.files["fairlead.yaml"].replace("office", "other")}
    for body in (
        {"files": label, "base": planned["base"] + 5},
        {"files": label, "seal": planned["seal"]},
        {"files": label, "base": "1"},
    ):
        answer = api.post("ada", "config/apply", body)
        assert (answer.status, answer.json["code"]) == (409, "plan.stale")
    assert "ada" in answer.json["detail"]
    assert (
        api.post("ada", "config/apply", {"files": label, "base": planned["base"]}).json["revision"]
        == planned["base"] + 1
    )
    again = api.post("ada", "config/apply", {"files": api.world.files, "base": planned["base"]})
    assert again.status == 409
    assert (
        api.post("ada", "config/apply", {"files": api.world.files, "base": planned["base"] + 1}).status == 200
    )
    api.world.applications.refresh()


@pytest.mark.parametrize(
    "files",
    [None, [], "x", {"a": 1}, {"a": None}, {"schemas/x.yaml": {}}, {"schemas/x.yaml": "kind: ["}, {"../../etc/passwd": "x"},
     {"/etc/passwd": "x"}, {"schemas/../../x.yaml": "kind: entity"}, {"schemas/x.yaml": "&a [*a]"}, {"": "x"}, {"a\u0000b.yaml": "x"},
     {"schemas/x.yaml": "[" * 5000}, {"schemas/x.yaml": "kind: entity\nkind: role"}, {"schemas/x.yaml": "!!python/object:os.system x"}],
)  # fmt: skip
def test_C_a_broken_configuration_is_findings_and_changes_nothing(api: Api, files: Any) -> None:
    before = api.fingerprint()
    given = {**api.world.files, **files} if isinstance(files, dict) else files
    for act in ("check", "plan", "apply"):
        answer = api.post("ada", f"config/{act}", {"files": given})
        assert answer.status == 422, answer.body
        if answer.json["code"] == "config":
            assert all(
                {"file", "line", "column", "key", "code", "message", "hint"} <= set(one)
                for one in answer.json["errors"]
            )
    assert api.fingerprint() == before


# ---------------------------------------------------------------- the description


def test_the_description_of_the_api_is_valid_and_whole(api: Api) -> None:
    document = api.get("ada", "openapi.json").json
    openapi_spec_validator.validate(document)
    described = {
        (path.replace("{id}", "<id>"), verb.upper())
        for path, item in document["paths"].items()
        for verb in item
        if verb != "parameters"
    }
    entities = set(api.world.app.entities)
    missing = []
    for rule in api.app.url_map.iter_rules():
        if not rule.rule.startswith("/api/v1/") or rule.rule.endswith(("/openapi.json", "<path:path>")):
            continue
        path = rule.rule.removeprefix("/api/v1")
        for verb in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            if "<act>" in path:
                assert any(one.startswith(path.removesuffix("<act>")) for one, _ in described), path
            elif "<name>" in path:
                missing += [
                    (path, verb, name)
                    for name in api.world.app.workspace.reports
                    if (path.replace("<name>", name), verb) not in described
                ]
            elif "<entity>" in path:
                whole = [
                    entity for entity in entities if (path.replace("<entity>", entity), verb) in described
                ]
                if (
                    path.rpartition("/")[2] in ("submit", "approval_path")
                    and not api.world.app.workspace.approvals
                ):
                    continue  # there is nothing to approve in this office
                if not whole or (not path.count("/") > 2 and set(whole) != entities):
                    missing.append((path, verb, "entity"))
            elif (path, verb) not in described:
                missing.append((path, verb, ""))
    assert missing == []
    for path, verb in sorted(described):
        for entity in entities:
            if path.startswith(f"/{entity}/<id>/"):
                assert api.call(
                    "ada", verb, path[1:].replace("<id>", NOBODY), {} if verb == "POST" else None
                ).status in (404, 409, 422)


def test_what_is_described_is_what_is_taken(api: Api) -> None:
    """Each action of the description is sent a body made of its own schema, and answers that no such key is unknown."""
    document = api.get("ada", "openapi.json").json
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb != "post" or "{id}" not in path:
                continue
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            body = {name: _example(part) for name, part in schema["properties"].items()}
            answer = api.call("ada", "POST", path[1:].replace("{id}", NOBODY), body)
            assert "unknown_field" not in {error["code"] for error in answer.json["errors"]}, (
                path,
                answer.body,
            )
            assert schema.get("additionalProperties") is False, path
            assert api.call("ada", "POST", path[1:].replace("{id}", NOBODY), {"zzz": 1}).codes == {
                "zzz": "unknown_field"
            }, path


def _example(schema: dict[str, Any]) -> Any:
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    return schema.get(
        "enum", [{"string": "x", "integer": 1, "boolean": True, "array": [], "object": {}}[kind]]
    )[0]


@pytest.mark.parametrize("who", ["rui", "otto", "fin"])
def test_X1_the_description_names_only_what_this_person_may_see(api: Api, who: str) -> None:
    answer = api.get(who, "openapi.json")
    document = answer.json
    openapi_spec_validator.validate(document)
    text = answer.body.decode()
    if who == "rui":
        assert "salary" not in text
        assert "whisper" not in text
        create = document["components"]["schemas"]["Case.create"]["properties"]
        assert "name" in create
        assert "code" not in create
        assert "/reports/case_by_salary" not in document["paths"]
    if who == "otto":
        assert not any(path.startswith(("/case", "/deal")) for path in document["paths"])
    if who == "fin":
        assert "/case" in document["paths"]
        assert "post" not in document["paths"]["/case"]
    assert not any(path.startswith("/config") for path in document["paths"])
