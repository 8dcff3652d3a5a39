"""The same thing wanted twice at the same moment, over HTTP from threads (bad inputs R)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from typing import Any

import pytest
from fairlead.base.clock import iso_utc, utc_now
from fairlead.store import people
from fairlead.work.authentication import actor_of
from waitress import wasyncore
from waitress.server import create_server

from tests.api.office import Answer, Api, token_of


def at_once(acts: list[Callable[[], Answer]]) -> list[Answer]:
    """Do everything at the same instant."""
    barrier = threading.Barrier(len(acts))

    def go(act: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


def pooled(api: Api) -> str:
    """A deal that lies in the pool."""
    id = api.made("ada", "deal")
    assert api.post("ada", f"deal/{id}/release", {"reason": "wrong"}).status == 200
    return id


@contextmanager
def served(api: Api) -> Iterator[int]:
    """The application behind a real server; gives its port."""
    server: Any = create_server(api.app, host="127.0.0.1", port=0, threads=8, ident=None)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            wasyncore.loop(timeout=0.05, map=server._map, count=1)
        server.task_dispatcher.shutdown()
        wasyncore.close_all(server._map)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        stop.set()
        thread.join(10)


def over_http(port: int, token: str, path: str, body: bytes, key: str) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
    try:
        connection.request("POST", f"/api/v1/{path}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_R01_of_two_who_take_the_same_thing_one_has_it(api: Api) -> None:
    for round in range(12):
        id = pooled(api)
        answers = at_once([partial(api.post, who, f"deal/{id}/claim") for who in ("rui", "sana")])
        assert sorted(answer.status for answer in answers) == [200, 409], round
        loser = next(answer for answer in answers if answer.status == 409)
        assert loser.json["code"] == "taken"
        winner = "rui" if answers[0].status == 200 else "sana"
        assert api.get("ada", f"deal/{id}").json["owner"] == api.world.actors[winner].id
        assert api.post(winner, f"deal/{id}/move", {"to": "lost", "values": {"reason": "x"}}).status == 200


def test_R02_many_claim_from_one_pool_and_nobody_passes_the_cap(api: Api) -> None:
    crew = [f"rep{n}" for n in range(6)]
    with api.world.database.write() as tx:
        for name in crew:
            people.create_user(tx, username=name, name=name, created_at=iso_utc(utc_now()), roles=["rep"])
    for name in crew:
        account = next(one for one in people.accounts(api.world.database) if one.username == name)
        api.world.actors[name] = actor_of(account)
        api.tokens[name] = token_of(api.world, name)
    deals = [pooled(api) for _ in range(24)]

    def grab(name: str) -> Answer:
        rows = [{"op": "claim", "id": id} for id in (deals if name < "rep3" else deals[::-1])]
        return api.post(name, "deal/bulk", {"operations": rows})

    answers = at_once([partial(grab, name) for name in crew])
    won = Counter(
        name
        for name, answer in zip(crew, answers, strict=True)
        for row in answer.json["results"]
        if row["status"] == 200
    )
    assert max(won.values()) <= 5, "the capacity of the pool's rule"
    owners = Counter(api.get("ada", f"deal/{id}").json["owner"] for id in deals)
    assert {api.world.actors[name].id: count for name, count in won.items()} == {
        k: v for k, v in owners.items() if k is not None
    }
    assert {row["status"] for answer in answers for row in answer.json["results"]} <= {200, 409, 404}


def test_R03_of_many_who_save_from_one_version_one_is_kept(api: Api) -> None:
    id = api.made("rui")
    answers = at_once([partial(api.patch, "rui", f"case/{id}", {"notes": f"text {n}"}, 1) for n in range(8)])
    assert Counter(answer.status for answer in answers) == {200: 1, 412: 7}
    kept = next(number for number, answer in enumerate(answers) if answer.status == 200)
    assert all(
        answer.json["current"]["notes"] == f"text {kept}" for answer in answers if answer.status == 412
    )
    found = api.get("rui", f"case/{id}").json
    assert (found["notes"], found["version"]) == (f"text {kept}", 2)
    assert len(api.items("rui", f"case/{id}/history")) == 2


def test_R06_the_same_request_twenty_times_at_once_is_done_once(api: Api) -> None:
    body = b'{"name": "twenty", "price": "5.00"}'
    with served(api) as port, ThreadPoolExecutor(20) as pool:
        barrier = threading.Barrier(20)

        def send(_: int) -> tuple[int, bytes]:
            barrier.wait()
            return over_http(port, api.tokens["rui"], "case", body, "twenty")

        answers = list(pool.map(send, range(20)))
    assert {status for status, _ in answers} == {201}
    assert len({text for _, text in answers}) == 1
    assert len(api.items("rui", "case", filter='name == "twenty"')) == 1


def test_R06_R07_one_key_and_two_bodies_at_once(api: Api) -> None:
    names = ["first", "second"] * 4
    answers = at_once(
        [partial(api.post, "sana", "case", {"name": name}, Idempotency_Key="both") for name in names]
    )
    made = {answer.json["name"] for answer in answers if answer.status == 201}
    assert len(made) == 1
    assert all(
        answer.codes == {"Idempotency-Key": "key_reused"} for answer in answers if answer.status != 201
    )
    assert len([a for a in answers if a.status == 201]) == 4
    assert len(api.items("sana", "case", filter='name == "first" || name == "second"')) == 1


@pytest.mark.parametrize("round", range(3))
def test_R10_what_is_unique_is_there_once(api: Api, round: int) -> None:
    code = f"unique {round}"
    answers = at_once(
        [partial(api.post, who, "case", {"name": "u", "code": code}) for who in ("ada", "mei") * 4]
    )
    assert Counter(answer.status for answer in answers) == {201: 1, 422: 7}
    assert all(answer.codes == {"code": "duplicate"} for answer in answers if answer.status == 422)
    assert len(api.items("ada", "case", filter=f'code == "{code}"')) == 1


def test_moves_and_removals_at_once_leave_one_story(api: Api) -> None:
    id = api.made("ada", "deal", amount="5")
    acts: list[Callable[[], Answer]] = [
        *[lambda: api.post("ada", f"deal/{id}/move", {"to": "offer"})] * 4, *[lambda: api.patch("ada", f"deal/{id}", {"name": "n"}, 1)] * 2,
        *[lambda: api.delete("ada", f"deal/{id}", If_Match='"1"')] * 2,
    ]  # fmt: skip
    statuses = Counter(answer.status for answer in at_once(acts))
    assert set(statuses) <= {200, 204, 404, 409, 412}
    assert statuses[200] + statuses[204] >= 1
    answer: Any = api.get("ada", f"deal/{id}")
    if answer.status == 200:
        kinds = [entry["kind"] for entry in api.items("ada", f"deal/{id}/history")]
        assert kinds.count("move") <= 1
        assert len(kinds) == answer.json["version"]
