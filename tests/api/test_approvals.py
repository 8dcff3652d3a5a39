"""Approvals over the API: who may decide, what is locked, what is decided once (bad inputs V)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import openapi_spec_validator
import pytest
import sqlalchemy as sa
from fairlead.base.clock import iso_utc, utc_now
from fairlead.store import people
from fairlead.store.system import approval_event
from fairlead.work.authentication import actor_of

from tests.api.office import Answer, Api, open_office, token_of
from tests.work.approval_office import files


@dataclass
class Desk:
    """The approval office and its API."""

    api: Api

    def quote(self, who: str = "rui", **values: Any) -> str:
        """Make a quote that needs an approval."""
        answer = self.api.post(who, "quote", {"name": "Q", "amount": "5000.00", "discount": "0.2", **values})
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def submitted(self, who: str = "rui", **values: Any) -> tuple[str, str]:
        """Submit one; return the record and the approval."""
        id = self.quote(who, **values)
        answer = self.api.post(who, f"quote/{id}/submit", {})
        assert (answer.status, answer.json["needed"]) == (200, True), answer.body
        return id, str(answer.json["approval"])

    def task(self, who: str, approval: str) -> dict[str, Any]:
        """Return somebody's open task of an approval."""
        (found,) = [one for one in self.api.items(who, "tasks", page_size=200) if one["approval"] == approval]
        return dict(found)

    def act(self, who: str, act: str, task: dict[str, Any], **body: Any) -> Answer:
        """Do something with a task as it was seen."""
        return self.api.post(who, f"tasks/{task['id']}/{act}", body, If_Match=f'"{task["version"]}"')

    def state(self, approval: str) -> str:
        """Return how an approval stands."""
        return str(self.api.get("ada", f"approvals/{approval}").json["state"])

    def refusals(self) -> int:
        """Return how many refusals have been noted."""
        asked = (
            sa.select(sa.func.count()).select_from(approval_event).where(approval_event.c.kind == "refused")
        )
        row = self.api.world.database.one(self.api.world.database.prepare(asked))
        assert row is not None
        return int(row[0])


@pytest.fixture(scope="module")
def desk(office_url: str) -> Iterator[Desk]:
    """Rui and Sana sell under Mei, Lin heads the house, Fay and Fox count, Ada administers."""
    with open_office(office_url, files()) as api:
        staff = {"lin": "manager", "fay": "finance", "fox": "finance"}
        with api.world.database.write() as tx:
            for name, role in staff.items():
                people.create_user(
                    tx, username=name, name=name, created_at=iso_utc(utc_now()), roles=[role], language="en"
                )
        for account in people.accounts(api.world.database):
            if account.username in staff:
                api.world.actors[account.username] = actor_of(account)
                api.tokens[account.username] = token_of(api.world, account.username)
        yield Desk(api)


def test_from_submission_to_effect_over_http(desk: Desk) -> None:
    id, approval = desk.submitted()
    assert desk.api.get("rui", f"quote/{id}/approval_path").status == 200
    task = desk.task("mei", approval)
    seen = desk.api.get("mei", f"tasks/{task['id']}")
    assert seen.headers["ETag"] == f'"{task["version"]}"'
    assert desk.act("mei", "approve", task, comment="good").json["state"] == "running"
    both = [desk.task(who, approval) for who in ("fay", "fox")]
    done = desk.act("fay", "approve", both[0])
    assert (done.status, done.json["state"]) == (200, "approved")
    assert desk.api.get("rui", f"quote/{id}").json["status"] == "effective"
    late = desk.act("fox", "approve", both[1])
    assert (late.status, late.json["code"]) == (409, "already_decided")
    assert {"outcome", "by", "at"} <= set(late.json["current"])


def test_A_V01_nobody_approves_what_they_ask_for(desk: Desk) -> None:
    _, approval = desk.submitted("rui")
    task = desk.task("mei", approval)
    before, noted = desk.api.fingerprint(), desk.refusals()
    answer = desk.act("rui", "approve", task)
    assert answer.status == 403
    assert desk.api.fingerprint() == before
    assert desk.refusals() == noted + 1


def test_A_V01_whoever_has_nothing_to_do_with_it_finds_no_task(desk: Desk) -> None:
    _, approval = desk.submitted("rui")
    task = desk.task("mei", approval)
    before = desk.api.fingerprint()
    for act in ("approve", "reject", "return", "transfer", "comment"):
        body = {"comment": "x"} if act != "transfer" else {"to": desk.api.world.actors["sana"].id}
        one = desk.act("sana", act, task, **body)
        other = desk.act("sana", act, {**task, "id": "0" * 16}, **body)
        assert one.status == other.status == 404
        assert one.problem == other.problem
    for act in ("withdraw", "urge", "comment", "resume", "terminate"):
        assert desk.api.post("sana", f"approvals/{approval}/{act}", {}).status == 404
    assert (
        desk.api.get("sana", f"approvals/{approval}").status
        == desk.api.get("sana", f"tasks/{task['id']}").status
        == 404
    )
    assert desk.api.fingerprint() == before


def test_A_V02_what_is_over_is_not_decided_again(desk: Desk) -> None:
    _, withdrawn = desk.submitted()
    task = desk.task("mei", withdrawn)
    assert desk.api.post("rui", f"approvals/{withdrawn}/withdraw", {}).json["state"] == "withdrawn"
    _, rejected = desk.submitted()
    other = desk.task("mei", rejected)
    assert desk.act("mei", "reject", other, comment="no").json["state"] == "rejected"
    before = desk.api.fingerprint()
    for found, verdict in ((task, "approve"), (task, "reject"), (other, "approve")):
        answer = desk.act("mei", verdict, found, comment="again")
        assert answer.status == 409, answer.body
        assert "current" in answer.json
    assert desk.api.fingerprint() == before


def test_A_V03_the_same_decision_sent_twice_is_one(desk: Desk) -> None:
    _, approval = desk.submitted()
    task = desk.task("mei", approval)
    first = desk.act("mei", "approve", task)
    again = desk.act("mei", "approve", task)
    assert first.status == again.status == 200
    assert again.json["task_state"] == "approved"
    trail = desk.api.get("ada", f"approvals/{approval}").json
    assert str(trail).count("'approved'") >= 1
    _, approval = desk.submitted()
    task = desk.task("mei", approval)
    barrier = threading.Barrier(6)

    def click(number: int) -> Answer:
        barrier.wait()
        headers = {"If-Match": f'"{task["version"]}"', "Idempotency-Key": "double click"}
        return desk.api.call("mei", "POST", f"tasks/{task['id']}/approve", {}, headers=headers)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(click, range(6)))
    assert Counter(answer.status for answer in answers) == {200: 6}
    assert len({answer.body for answer in answers}) == 1


def test_A_V04_A_V05_what_is_asked_about_does_not_change_under_the_question(desk: Desk) -> None:
    id, approval = desk.submitted()
    before = desk.api.fingerprint()
    for who in ("rui", "ada"):
        for values in (
            {"amount": "500000.00"},
            {"discount": "0.9"},
            {"lines": [{"item": "x", "qty": 1}]},
            {"note": "x", "amount": "1"},
        ):
            answer = desk.api.patch(who, f"quote/{id}", values)
            assert (answer.status, answer.json["code"]) == (423, "record_locked"), answer.body
            row = desk.api.post(
                who, "quote/bulk", {"operations": [{"op": "update", "id": id, "values": values}]}
            ).json["results"][0]
            assert (row["status"], row["code"]) == (423, "record_locked")
    assert desk.api.delete("ada", f"quote/{id}").status == 423
    assert desk.api.fingerprint() == before
    assert desk.api.patch("rui", f"quote/{id}", {"note": "a word"}).status == 200
    assert desk.state(approval) == "running"


def test_A_V06_only_the_path_leads_to_what_an_approval_grants(desk: Desk) -> None:
    id, _ = desk.submitted()
    task = desk.api.get("mei", "tasks").json["items"][0]
    answer = desk.act("mei", "approve", task, changes={"amount": "1"})
    assert answer.status in (403, 422), answer.body
    assert desk.api.get("ada", f"quote/{id}").json["amount"] == "5000.00"


def test_A_V07_two_who_press_at_once_are_one_step(desk: Desk) -> None:
    for _ in range(4):
        _, approval = desk.submitted()
        assert desk.act("mei", "approve", desk.task("mei", approval)).status == 200
        tasks = {who: desk.task(who, approval) for who in ("fay", "fox")}
        barrier = threading.Barrier(2)

        def press(who: str, tasks: dict[str, Any] = tasks, barrier: threading.Barrier = barrier) -> Answer:
            barrier.wait()
            return desk.act(who, "approve" if who == "fay" else "reject", tasks[who], comment="now")

        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(press, tasks))
        assert sorted(answer.status for answer in answers) == [200, 409]
        winner = answers[0] if answers[0].status == 200 else answers[1]
        assert desk.state(approval) == winner.json["state"]


def test_A_V08_whoever_has_lost_the_role_decides_nothing(desk: Desk) -> None:
    _, approval = desk.submitted()
    assert desk.act("mei", "approve", desk.task("mei", approval)).status == 200
    task = desk.task("fox", approval)
    account = people.account(desk.api.world.database, desk.api.world.actors["fox"].id)
    assert account is not None
    with desk.api.world.database.write() as tx:
        people.update_user(tx, account, {"roles": ["rep"]})
    answer = desk.act("fox", "approve", task)
    assert answer.status in (403, 404), answer.body
    with desk.api.world.database.write() as tx:
        people.update_user(tx, account, {"roles": ["finance"]})
    assert desk.state(approval) == "running"


def test_A_V09_looking_decides_nothing(desk: Desk) -> None:
    _, approval = desk.submitted()
    task = desk.task("mei", approval)
    before = desk.api.fingerprint()
    for act in ("approve", "reject"):
        assert desk.api.get("mei", f"tasks/{task['id']}/{act}").status in (404, 405)
        assert desk.api.call("mei", "HEAD", f"tasks/{task['id']}").status == 200
    assert desk.api.fingerprint() == before


def test_a_decision_says_which_version_it_is_about(desk: Desk) -> None:
    _, approval = desk.submitted()
    task = desk.task("mei", approval)
    before = desk.api.fingerprint()
    assert desk.api.post("mei", f"tasks/{task['id']}/approve", {}).status == 428
    stale = desk.api.post("mei", f"tasks/{task['id']}/approve", {"version": task["version"] + 5})
    assert stale.status in (409, 412), stale.body
    for version in ("1", 1.5, True, [1]):
        assert desk.api.post("mei", f"tasks/{task['id']}/approve", {"version": version}).status == 422
    odd: list[dict[str, Any]] = [{"comment": 5}, {"comment": "x" * 4001}, {"changes": []}, {"verdict": "yes"}]
    for body in odd:
        assert desk.act("mei", "approve", task, **body).status == 422
    assert desk.act("mei", "transfer", task).codes == {"to": "required"}
    assert desk.act("mei", "transfer", task, to="0" * 16).status in (403, 409, 422)
    assert desk.act("mei", "transfer", task, to=desk.api.world.actors["rui"].id).status in (403, 409, 422)
    assert desk.api.fingerprint() == before


def test_many_decisions_are_answered_one_by_one(desk: Desk) -> None:
    tasks = [desk.task("mei", desk.submitted()[1]) for _ in range(3)]
    items = [{"task": task["id"], "version": task["version"], "verdict": "approve"} for task in tasks]
    items[1]["version"] += 3
    items.append({"task": "0" * 16, "version": 1, "verdict": "reject", "comment": "no"})
    results = desk.api.post("mei", "tasks/bulk", {"items": items}).json["results"]
    assert [row["status"] for row in results][0::2] == [200, 200]
    assert results[1]["status"] in (409, 412)
    assert results[3]["status"] == 404
    odd: list[dict[str, Any]] = [
        {}, {"items": {}}, {"items": [5]}, {"items": [{"task": tasks[1]["id"], "version": 1, "verdict": "maybe"}]},
        {"items": [{"task": tasks[1]["id"], "verdict": "approve"}]}, {"items": [{**items[1], "version": "1"}]},
        {"items": [items[1]] * 1001}, {"operations": items},
    ]  # fmt: skip
    for body in odd:
        assert desk.api.post("mei", "tasks/bulk", body).status == 422, body


@pytest.mark.parametrize(
    "query",
    [{"box": "nothing"}, {"page_size": "x"}, {"page_size": "²"}, {"page_token": "x"}, {"page_token": "x" * 500}, {"sort": "a"}],
)  # fmt: skip
def test_an_inbox_is_asked_in_known_words(desk: Desk, query: dict[str, str]) -> None:
    assert desk.api.get("mei", "tasks", **query).status == 422


def test_urging_again_at_once_is_too_soon_and_says_when(desk: Desk) -> None:
    _, approval = desk.submitted()
    first = desk.api.post("rui", f"approvals/{approval}/urge", {})
    again = desk.api.post("rui", f"approvals/{approval}/urge", {})
    refused = again if first.status == 200 else first
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0


def test_a_quote_that_is_asked_about_is_described(desk: Desk) -> None:
    document = desk.api.get("ada", "openapi.json").json
    openapi_spec_validator.validate(document)
    assert {"/quote/{id}/submit", "/quote/{id}/approval_path"} <= set(document["paths"])
    id, _ = desk.submitted()
    assert desk.api.post("rui", f"quote/{id}/submit", {}).status == 409
    assert desk.api.post("rui", f"quote/{desk.quote()}/submit", {"flow": "nothing"}).status == 409
    assert desk.api.post("rui", f"quote/{desk.quote()}/submit", {"flow": 5}).status == 422
    assert desk.api.post("sana", f"quote/{id}/submit", {}).status == 404
