"""Every screen once on PostgreSQL: the same pages, the same few statements."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from tests.support.servers import Postgres
from tests.support.world import open_world
from tests.web.desk import PART, Screens, screens_of, words
from tests.web.office import OFFICE


@pytest.fixture(scope="module")
def big(postgres: Postgres) -> Iterator[Screens]:
    """The office on PostgreSQL."""
    import psycopg  # only these tests pay for the import

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    with open_world(postgres.url(name), OFFICE) as world:
        yield screens_of(world)
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_a_day_at_the_screens(big: Screens) -> None:
    world = big.world
    house = world.create("ada", "house", name="East house")
    world.create("ada", "room", code="101", house=house, floor=1, place=1, state="free", size="small")
    deal = world.create(
        "rui", name="Harbour cranes", amount="1250.50", region="north", phone="13800138000", close_on="2026-05-01",
        lines=[{"item": "Crane", "qty": 2, "price": "10"}],
    )  # fmt: skip
    order = world.create("rui", "order", name="First order", deal=deal)
    world.change("rui", deal, region="south")
    for who in ("rui", "mei", "ada"):
        seat = big.as_(who)
        paths = [
            "/", "/l/deal", "/l/deal?view=all&order_by=amount desc", "/l/deal?view=&f.region=south&f.owner=me", "/l/room?view=all",
            "/l/deal?view=&search=harb", "/b/deal_board", "/b/room_board", f"/r/deal/{deal}", f"/r/order/{order}",
        ]  # fmt: skip
        for path in paths:
            answer = seat.get(path)
            assert answer.status_code == 200, (who, path, words(answer)[:300])
        for part in (
            "peek",
            "timeline",
            "who",
            "related/0",
            "move?stage=offer",
            "f/amount",
            "explain/double",
        ):
            assert seat.get(f"/r/deal/{deal}/{part}", PART).status_code == 200, (who, part)
        assert seat.get("/l/deal/count?view=all", PART).status_code == 200
        assert seat.get("/o/deal?q=harb").json["items"][0]["id"] == deal
        assert seat.get("/o/user?q=r").status_code == 200
    assert "¥1,250.50" in big.as_("rui").text(f"/r/deal/{deal}")


def test_forms_and_moves(big: Screens) -> None:
    rui = big.as_("rui")
    form = {
        **rui.form("/r/deal/new"),
        "name": "From the form",
        "amount": "10",
        "lines.0.item": "Rope",
        "lines.0.price": "2.50",
    }
    made = rui.post("/r/deal/new", form)
    assert made.status_code == 303
    id = str(made.location).rsplit("/", 1)[1]
    assert big.world.get("rui", id)["total"] == "2.50"
    moved = rui.post("/b/deal_board/move", {"id": id, "stage": "offer", "version": "1"}, headers=PART)
    assert moved.status_code == 200
    assert re.search(r'data-version="2"', moved.text)
    edit = rui.form(f"/r/deal/{id}/edit")
    big.world.change("ada", id, amount="20")
    assert rui.post(f"/r/deal/{id}/edit", {**edit, "amount": "30"}).status_code == 409
