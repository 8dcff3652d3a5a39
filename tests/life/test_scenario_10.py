"""10. A field is dropped and brought back by a rollback: its values are there, records made meanwhile are empty there."""

from __future__ import annotations

from fairlead.work import planning, publishing

from tests.support.world import World

ENTITY = "schemas/deal.yaml"


def test_scenario_10_a_rollback_brings_dropped_values_back(world: World) -> None:
    old = world.create("ada", name="Old", hot=True)
    world.publish(
        {ENTITY: world.files[ENTITY].replace("  hot: {type: boolean, label: {en: Hot, zh: 热}}\n", "")},
        allow_destructive=True,
    )
    fresh = world.create("ada", name="Fresh")
    assert "hot" not in world.get("ada", old)
    plan = planning.plan_rollback(world.database, 1)
    assert plan.grade == "safe", [change.line() for change in plan.changes]
    publishing.apply(world.database, plan, author="ada")
    assert world.get("ada", old)["hot"] is True and world.get("ada", fresh)["hot"] is None


def test_scenario_10_a_rollback_brings_converted_values_back(world: World) -> None:
    """What did not fit, what fitted, and what was written since: each is as its author left it."""
    bad, good, changed = (world.create("ada", code=code) for code in ("12 pcs", "7", "8"))
    world.files[ENTITY] = world.files[ENTITY].replace(
        "code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
        "code: {type: integer, label: {en: Code, zh: 编码}, convert: {on_fail: keep_aside}}",
    )
    publishing.apply(world.database, world.plan(), author="ada", allow_destructive=True)
    assert [world.get("ada", one)["code"] for one in (bad, good, changed)] == [None, 7, 8]
    world.change("ada", changed, code=80)
    fresh = world.create("ada", code=9)
    plan = planning.plan_rollback(world.database, 1)
    publishing.apply(world.database, plan, author="ada", allow_destructive=True)
    assert [world.get("ada", one)["code"] for one in (bad, good, changed, fresh)] == [
        "12 pcs",
        "7",
        "80",
        "9",
    ]
