"""Acceptance 6: what the plan counted is counted again when it is carried out, and what came since stops it (CF-22)."""

from __future__ import annotations

from typing import Any

from fairlead.store import catalogue
from fairlead.work import planning, publishing

from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"


def state(world: World) -> Any:
    """What a failed apply must leave as it was."""
    return catalogue.existing(world.database), world.applications.refresh().revision


def required(world: World) -> planning.Plan:
    """The plan that makes `reason` required, while no record is empty there."""
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  reason: {type: text,", "  reason: {type: text, required: true,"
    )
    return world.plan()


def test_scenario_06_an_empty_value_that_came_after_the_plan_stops_it(world: World) -> None:
    world.create("ada", reason="given")
    plan = required(world)
    assert plan.grade != "blocked"
    late = world.create("ada", name="Late")
    before = state(world)
    failure = refusal(publishing.apply, world.database, plan, author="ada")
    assert (
        failure.code == "plan.data-changed"
        and "reason" in failure.message()
        and "reason" in failure.message("zh")
    )
    assert state(world) == before
    world.change("ada", late, reason="filled")
    publishing.apply(world.database, world.plan(), author="ada")
    assert refusal(world.create, "ada", name="Empty").status == 422


def test_scenario_06_a_twin_that_came_after_the_plan_stops_it(world: World) -> None:
    world.create("ada", reason="same")
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  reason: {type: text,", "  reason: {type: text, unique: true,"
    )
    plan = world.plan()
    assert plan.grade != "blocked"
    world.create("ada", reason="same")
    before = state(world)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.data-changed"
    assert state(world) == before


def test_scenario_06_a_value_that_does_not_convert_and_came_after_the_plan_stops_it(world: World) -> None:
    world.create("ada", code="12")
    world.files[ENTITY] = world.files[ENTITY].replace("  code: {type: text,", "  code: {type: integer,")
    plan = world.plan()
    assert plan.grade != "blocked"
    world.create("ada", code="n/a")
    before = state(world)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.data-changed"
    assert state(world) == before


def test_scenario_06_more_of_what_was_counted_already_does_not_stop_it(world: World) -> None:
    """People go on working between a plan and its apply."""
    world.create("ada", code="12")
    world.files[ENTITY] = world.files[ENTITY].replace("  code: {type: text,", "  code: {type: integer,")
    plan = world.plan()
    late = world.create("ada", code="13")
    publishing.apply(world.database, plan, author="ada")
    assert world.get("ada", late)["code"] == 13
