"""5. A field becomes unique while 12 groups of records agree: blocked with the groups, applied once they differ."""

from __future__ import annotations

from fairlead.work import publishing, records

from tests.support.bulk import ask, deals
from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"


def test_scenario_05_unique_with_12_groups_of_doubles(world: World) -> None:
    deals(world, 24, phone="'+86139000000' || CAST(10 + n / 2 AS TEXT)")
    deals(world, 30, start=100, phone="'+86138000001' || CAST(10 + n - 100 AS TEXT)")
    deals(world, 5, start=200)
    world.files[ENTITY] = world.files[ENTITY].replace(
        "phone: {type: phone,", "phone: {type: phone, unique: true,"
    )
    plan = world.plan()
    (change,) = [one for one in plan.changes if one.grade == "blocked"]
    assert change.count == 12 and "12" in str(change.note) and "24" in str(change.note)
    assert len(change.samples) == 5
    assert change.samples[0].value == "+8613900000010" and "b0000000, b0000001" in (
        str(change.samples[0].why or "")
    )
    assert not any("from_now_on" in str(remedy) for remedy in change.remedies)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.blocked"
    for number in range(12):  # merged: the second of each pair goes
        records.delete(world.as_("ada"), "deal", f"b{2 * number + 1:07}", version=None)
    plan = world.plan()
    assert plan.grade == "tightens"
    publishing.apply(world.database, plan, author="ada")
    assert refusal(world.create, "ada", phone="13900000010").code == "duplicate"
    assert ask(world, "SELECT count(*) FROM e_deal WHERE deleted_at IS NULL") == [(47,)]


def test_scenario_05_a_double_that_comes_in_between_ends_the_apply(world: World) -> None:
    world.create("ada", reason="same")
    world.files[ENTITY] = world.files[ENTITY].replace(
        "reason: {type: text,", "reason: {type: text, unique: true,"
    )
    plan = world.plan()
    assert plan.grade == "tightens"
    world.create("ada", reason="same")
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.data-changed"
    assert world.applications.refresh().revision == 1
