"""4. A field becomes required while 37 records are empty there: blocked with the number, applied with a backfill."""

from __future__ import annotations

from fairlead.work import publishing

from tests.support.bulk import ask, deals
from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"
REASON = "  reason: {type: text, label: {en: Reason, zh: 原因}}"


def required(world: World, more: str = "") -> None:
    world.files[ENTITY] = world.files[ENTITY].replace(
        REASON, REASON.replace("}}", f"}}, required: true{more}}}")
    )


def test_scenario_04_required_with_37_empty_records(world: World) -> None:
    deals(world, 37)
    deals(world, 13, start=100, reason="'known'")
    files = dict(world.files)
    required(world)
    plan = world.plan()
    (change,) = [one for one in plan.changes if one.grade == "blocked"]
    assert change.count == 37 and "37" in str(change.note) and len(change.samples) == 5
    assert "backfill" in str(change.remedies[0]) and "from_now_on" in str(change.remedies[1])
    assert "/l/deal?reason=~" in str(change.remedies[2])
    assert len(world.sees("ada", filter="is_empty(record.reason)", page_size=100)) == 37
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.blocked"
    world.files = files
    required(world, ", backfill: \"'unknown'\"")
    plan = world.plan()
    (change,) = [one for one in plan.changes if one.grade == "computes"]
    assert change.count == 37
    publishing.apply(world.database, plan, author="ada")
    assert ask(world, "SELECT reason, count(*) FROM e_deal GROUP BY reason ORDER BY reason") == [
        ("known", 13), ("unknown", 37),
    ]  # fmt: skip
    assert refusal(world.create, "ada").code == "invalid"
    assert world.plan().empty


def test_scenario_04_from_now_on_lets_records_be_until_they_are_touched(world: World) -> None:
    id = world.create("ada", name="Old")
    required(world, ", from_now_on: true")
    plan = world.plan()
    assert plan.grade == "tightens"
    publishing.apply(world.database, plan, author="ada")
    world.change("ada", id, name="Still without a reason")
    assert refusal(world.change, "ada", id, reason=None).code == "invalid"
    world.change("ada", id, amount="5")
    assert refusal(world.move, "ada", id, "offer").errors[0].field == "reason"  # type: ignore[attr-defined]
    world.change("ada", id, reason="price")
    world.move("ada", id, "offer")
    assert refusal(world.create, "ada").code == "invalid"
