"""Claim, release, reclaim: one owner, limits kept, the same date for everybody. Numbers are those of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime

from fairlead.base.errors import Invalid, NotFound, Refused
from fairlead.store import notifications, ownership
from fairlead.work import pools, records

from tests.support.world import World, refusal


def pooled(world: World, count: int = 1) -> list[str]:
    """Put deals into the pool."""
    return [world.create("ada", owner=None, name=f"free {n}", phone="13800138000") for n in range(count)]


def test_what_lies_in_the_pool_is_seen_without_its_secrets_and_claimed_whole(world: World) -> None:
    (id,) = pooled(world)
    seen = world.get("rui", id)
    assert seen["owner"] is None and "phone" in seen["_hidden"]
    world.claim("rui", id)
    mine = world.get("rui", id)
    assert mine["owner"] == world.actors["rui"].id and mine["pool"] is None
    assert isinstance(refusal(world.get, "sana", id), NotFound)


def test_case_1_the_second_claim_is_told_who_has_it(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    failure = refusal(world.claim, "sana", id)
    assert failure.code == "taken" and "Rui" in failure.message()


def test_somebody_outside_cannot_claim(world: World) -> None:
    (id,) = pooled(world)
    assert isinstance(refusal(world.claim, "otto", id), NotFound)


def test_case_6_capacity_binds_claims_and_assignments(world: World) -> None:
    ids = pooled(world, 7)
    for id in ids[:5]:
        world.claim("rui", id)
    assert refusal(world.claim, "rui", ids[5]).code == "pool.holding-limit"
    failure = refusal(records.assign, world.as_("ada"), "deal", ids[6], world.actors["rui"].id, version=None)
    assert failure.code == "pool.holding-limit"
    assert ownership.claims_used(world.database, world.actors["rui"].id, "deal_pool", "2026-05-06") == 5


def test_the_quota_counts_claims_not_holdings_and_resets_at_midnight(world: World) -> None:
    world.publish(
        {"workflows/deal_pool.yaml": world.files["workflows/deal_pool.yaml"].replace("max: 20", "max: 2")}
    )
    ids = pooled(world, 3)
    world.claim("rui", ids[0])
    pools.release(world.as_("rui"), "deal", ids[0], reason="wrong")
    world.claim("rui", ids[1])
    assert refusal(world.claim, "rui", ids[2]).code == "pool.quota"
    world.now = datetime(2026, 5, 6, 15, 59, 59, tzinfo=UTC)
    assert refusal(world.claim, "rui", ids[2]).code == "pool.quota"
    world.now = datetime(2026, 5, 6, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    world.claim("rui", ids[2])


def test_case_4_who_gave_it_back_waits_for_the_cool_down(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    pools.release(world.as_("rui"), "deal", id, reason="later", note="call in June")
    assert refusal(world.claim, "rui", id).code == "pool.cooling-down"
    world.claim("sana", id)
    events = ownership.of_record(world.database, id)
    assert [event.kind for event in events] == ["claim", "release", "claim", "create"]
    assert events[1].reason == "later: call in June"


def test_a_return_needs_one_of_the_reasons(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    assert isinstance(refusal(pools.release, world.as_("rui"), "deal", id, reason=None), Invalid)
    assert isinstance(refusal(pools.release, world.as_("rui"), "deal", id, reason="because"), Invalid)


def test_case_43_a_retried_claim_has_one_effect_and_the_same_answer(world: World) -> None:
    (id,) = pooled(world)
    first = pools.claim(world.as_("rui"), "deal", id, idempotency_key="k1")
    again = pools.claim(world.as_("rui"), "deal", id, idempotency_key="k1")
    assert first == again
    assert ownership.claims_used(world.database, world.actors["rui"].id, "deal_pool", "2026-05-06") == 1


def test_a_refused_claim_uses_no_quota(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    refusal(world.claim, "sana", id)
    assert ownership.claims_used(world.database, world.actors["sana"].id, "deal_pool", "2026-05-06") == 0


def due(world: World, id: str) -> str:
    """The due date as the owner reads it, in local days."""
    text = world.get("ada", id)["due_at"]
    return datetime.fromisoformat(text).astimezone(world.as_("ada").env().calendar.start_of_local_day(
        world.as_("ada").today).tzinfo).date().isoformat()  # fmt: skip


def test_the_worked_example_of_protection(world: World) -> None:
    """Ten days, three more for each activity, at most twenty: claimed 25 March, due 4 April; and so on."""
    world.now = datetime(2019, 3, 25, 2, 0, tzinfo=UTC)
    (id,) = pooled(world)
    world.claim("rui", id)
    assert due(world, id) == "2019-04-04"
    for day, expected in ((28, "2019-04-04"), (33, "2019-04-05"), (36, "2019-04-08")):
        world.now = datetime(2019, 3, 1, 2, 0, tzinfo=UTC)
        world.later(days=day - 1)
        world.create("rui", "note", about=id, text="called")
        assert due(world, id) == expected
    for day in (39, 42, 45):
        world.now = datetime(2019, 3, 1, 2, 0, tzinfo=UTC)
        world.later(days=day - 1)
        world.create("rui", "note", about=id, text="called")
    assert due(world, id) == "2019-04-14"


def test_a_colleagues_activity_does_not_extend(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    before = world.get("ada", id)["due_at"]
    world.later(days=9)
    world.create("mei", "note", about=id, text="I only comment")
    assert world.get("ada", id)["due_at"] == before


def test_reclaim_warns_first_and_takes_back_what_is_due(world: World) -> None:
    kept, lost = pooled(world, 2)
    world.claim("rui", kept)
    world.claim("rui", lost)
    world.later(days=8)
    (run,) = pools.reclaim(world.as_("system"))
    assert (run.moved, run.reminded) == (0, 2)
    assert pools.reclaim(world.as_("system"))[0].reminded == 0  # told once
    world.create("rui", "note", about=kept, text="called")
    world.later(days=2, hours=13)
    (run,) = pools.reclaim(world.as_("system"))
    assert run.moved == 1
    assert world.get("ada", lost)["owner"] is None and world.get("ada", kept)["owner"] is not None
    texts = [line.text.get("en") for line in notifications.listing(world.database, world.actors["rui"].id)]
    assert any("went back" in text for text in texts)
    assert pools.reclaim(world.as_("system"))[0].moved == 0


def test_a_closed_deal_is_not_taken_back(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    world.move("rui", id, "lost", reason="price")
    world.later(days=30)
    assert pools.reclaim(world.as_("system"))[0].moved == 0


def test_releasing_what_is_in_an_approval_is_refused(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    with world.database.write() as tx:
        records.lock_in(tx, world.as_("system"), "deal", id, "somebody")
    assert isinstance(refusal(pools.release, world.as_("rui"), "deal", id, reason="wrong"), Refused)


def test_limits_say_what_is_left(world: World) -> None:
    (id,) = pooled(world)
    world.claim("rui", id)
    (limits,) = pools.limits(world.as_("rui"), "deal")
    assert (limits.used, limits.held, limits.left) == (1, 1, 4)
