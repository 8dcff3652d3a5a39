"""The shipped templates over the API: one unit is promised to one buyer, and only an approval approves (R01, V06)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from fairlead.base.clock import iso_utc, utc_now
from fairlead.web.factory import create_app
from fairlead.web.request import Services

from tests.api.office import Answer, Api, token_of
from tests.support.world import open_world

NUMBERS = count(1)


@pytest.fixture(scope="module", params=["real_estate", "general_sales"])
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An office with one of the templates, on SQLite."""
    url = f"sqlite:///{tmp_path_factory.mktemp('shipped') / 'fairlead.sqlite3'}"
    yield from opened(url, request.param)


@pytest.fixture(scope="module")
def estate(office_url: str) -> Iterator[Api]:
    """An office that sells homes, on both databases."""
    yield from opened(office_url, "real_estate")


def opened(url: str, template: str) -> Iterator[Api]:
    with open_world(url, template=template) as world:
        api = Api(
            world, create_app(Services(world.database, world.applications, False, False), secret_key="x" * 32)
        )
        for name in world.actors:
            api.tokens[name] = token_of(world, name)
        yield api


def at_once(*acts: Any) -> list[Answer]:
    barrier = threading.Barrier(len(acts))

    def go(act: Any) -> Answer:
        barrier.wait()
        return act()  # type: ignore[no-any-return]

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


def made(api: Api, who: str, entity: str, **values: Any) -> str:
    answer = api.post(who, entity, values)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def units(api: Api, many: int) -> Iterator[str]:
    """Make units that can be sold."""
    tag = f"P{next(NUMBERS)}"
    project = made(api, "ada", "project", code=tag, name=tag)
    building = made(api, "ada", "building", name=f"{tag} B", project=project)
    for number in range(many):
        id = made(api, "ada", "unit", code=f"{tag}-{number}", building=building, floor=1, position=number + 1, room_no=str(number),
                  area_gross="80", unit_price="10000")  # fmt: skip
        answer = api.post("ada", f"unit/{id}/move", {"to": "available"})
        assert answer.status == 200, answer.body
        yield id


def buyers(api: Api) -> dict[str, str]:
    return {
        who: made(
            api, who, "buyer", name=f"Buyer of {who}", phone=f"1380013{next(NUMBERS):04}", source="walk_in"
        )
        for who in ("rui", "sana")
    }


def test_A_R01_of_two_who_hold_one_unit_one_has_it(estate: Api) -> None:
    mine = buyers(estate)
    until = iso_utc(utc_now() + timedelta(days=2))
    for id in units(estate, 8):
        asked = {
            who: {"held_by": buyer, "held_until": until, "hold_kind": "sales"} for who, buyer in mine.items()
        }
        answers = at_once(
            *[partial(estate.post, w, f"unit/{id}/move", {"to": "held", "values": asked[w]}) for w in mine]
        )
        assert sorted(answer.status for answer in answers)[0] == 200
        loser = next(answer for answer in answers if answer.status != 200)
        assert loser.status in (409, 412), loser.body
        winner = "rui" if answers[0].status == 200 else "sana"
        found = estate.get("ada", f"unit/{id}").json
        assert (found["stage"], found["held_by"]) == ("held", mine[winner])
        assert len(estate.items("ada", "hold", filter=f"unit == '{id}'")) == 1


def test_A_R01_of_two_who_subscribe_one_unit_one_has_it(estate: Api) -> None:
    mine = buyers(estate)
    day = (utc_now() + timedelta(days=9)).date().isoformat()
    for id in units(estate, 6):
        drafts = {
            who: made(
                estate,
                who,
                "subscription",
                buyer=mine[who],
                unit=id,
                payment_plan="one_off",
                sign_by=day,
                discount="0.01",
            )
            for who in mine
        }
        answers = at_once(
            *[partial(estate.post, who, f"subscription/{key}/submit", {}) for who, key in drafts.items()]
        )
        assert sorted(answer.status for answer in answers)[0] == 200, [answer.body for answer in answers]
        assert [answer.status for answer in answers].count(200) == 1
        stages = sorted(estate.get("ada", f"subscription/{key}").json["stage"] for key in drafts.values())
        assert stages == ["draft", "subscribed"]
        unit = estate.get("ada", f"unit/{id}").json
        winner = "rui" if answers[0].status == 200 else "sana"
        assert (unit["stage"], unit["buyer"]) == ("subscribed", mine[winner])


def test_A_V06_only_an_approval_approves(shipped: Api) -> None:
    """Whatever state a flow's steps lead to, nobody who submits can set it by hand, whichever way."""
    workspace = shipped.world.app.workspace
    for flow in workspace.approvals.values():
        machine = shipped.world.app.entities[flow.entity].machine
        assert machine is not None
        granted = {
            str(getattr(step, "to", None) or getattr(step, "stage", None))
            for step in (*flow.on_submitted, *flow.on_approved)
        } & set(machine.stages)
        assert granted, flow.name
        for stage in granted:
            values = {"name": "x", "stage": stage}
            for who in ("rui", "mei"):
                answer = shipped.post(who, flow.entity, values)
                assert answer.status in (403, 404, 409, 422), (flow.name, stage, answer.body)
            for role in ("rep", "manager", "finance"):
                allowed = machine.moves.get(machine.initial, {})
                move = allowed.get(stage)
                assert stage not in allowed or (move is not None and move.roles and role not in move.roles), (
                    flow.name,
                    stage,
                    role,
                )


def test_A_V06_a_draft_cannot_be_pushed_past_its_approval(estate: Api) -> None:
    mine = buyers(estate)
    day = (utc_now() + timedelta(days=9)).date().isoformat()
    for id in units(estate, 1):
        key = made(
            estate,
            "rui",
            "subscription",
            buyer=mine["rui"],
            unit=id,
            payment_plan="one_off",
            sign_by=day,
            discount="0.04",
        )
        before = estate.fingerprint()
        for stage in ("subscribed", "in_approval", "signed"):
            operations = [
                {"op": "update", "id": key, "values": {"stage": stage}},
                {"op": "move", "id": key, "to": stage},
            ]
            for row in estate.post("rui", "subscription/bulk", {"operations": operations}).json["results"]:
                assert row["status"] in (403, 409, 422), row
            assert estate.patch("rui", f"subscription/{key}", {"stage": stage}).status in (403, 409, 422)
            assert estate.post("rui", f"subscription/{key}/move", {"to": stage}).status in (403, 409, 422)
            created = {
                "buyer": mine["rui"],
                "unit": id,
                "payment_plan": "one_off",
                "sign_by": day,
                "discount": "0.04",
                "stage": stage,
            }
            assert estate.post("rui", "subscription", created).status in (403, 409, 422)
        assert estate.fingerprint() == before
