"""Check, plan, apply, roll back: nothing is lost, everybody follows."""

from __future__ import annotations

import pytest
from fairlead.base.errors import Refused
from fairlead.work import plan_report, planning, publishing, reports

from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"
STAGES = "workflows/deal_stages.yaml"


def with_field(world: World) -> str:
    """The deal with one field more."""
    return world.files[ENTITY].replace(
        "  hot:", "  budget: {type: money, label: {en: Budget, zh: 预算}}\n  hot:"
    )


def with_stage(world: World) -> str:
    """The stages with one more."""
    return world.files[STAGES].replace(
        "  won:", "  talks: {label: {en: Talks, zh: 谈判}, probability: 80}\n  won:"
    )


def test_a_field_and_a_stage_appear_at_once_and_go_without_loss(world: World) -> None:
    id = world.create("rui", amount="10")
    app = world.applications.current()
    done = world.publish({ENTITY: with_field(world), STAGES: with_stage(world)})
    assert done.revision == 2 and world.applications.refresh() is not app
    world.change("rui", id, budget="99.50")
    world.move("rui", id, "talks")
    plan = planning.plan_rollback(world.database, 1)
    lossy = [change for change in plan.changes if change.grade == "lossy"]
    assert [change.path for change in lossy] == [
        ("entity", "deal", "fields", "budget")
    ] and "values: 1" in str(lossy[0].note)
    assert (
        refusal(publishing.apply, world.database, plan, author="ada").code == "plan.blocked"
    )  # a deal stands in talks
    world.move("rui", id, "won")
    plan = planning.plan_rollback(world.database, 1)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.needs-consent"
    publishing.apply(world.database, plan, author="ada", allow_destructive=True)
    assert "budget" not in world.get("rui", id)
    publishing.apply(world.database, planning.plan_rollback(world.database, 2), author="ada")
    assert world.get("rui", id)["budget"] == "99.50"


def test_the_same_documents_are_nothing_to_do(world: World) -> None:
    plan = world.plan()
    assert plan.empty and "Nothing to do" in plan_report.render(plan)
    assert not publishing.apply(world.database, plan, author="ada").changed


def test_a_plan_writes_nothing_and_reads_the_same_twice(world: World) -> None:
    world.files[ENTITY] = with_field(world)
    assert plan_report.render(world.plan()) == plan_report.render(world.plan())
    assert world.applications.refresh().revision == 1


def test_a_plan_is_refused_when_somebody_was_faster(world: World) -> None:
    world.files[ENTITY] = with_field(world)
    mine = world.plan()
    world.publish({STAGES: with_stage(world)})
    failure = refusal(publishing.apply, world.database, mine, author="sana")
    assert failure.code == "plan.stale" and "ada published revision" in failure.message()


def test_a_column_added_by_hand_breaks_the_seal(world: World) -> None:
    world.files[ENTITY] = with_field(world)
    plan = world.plan()
    with world.database.write() as tx:
        tx.ddl("ALTER TABLE e_deal ADD COLUMN sneaked TEXT")
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.stale"


def test_errors_publish_nothing(world: World) -> None:
    world.files[ENTITY] = world.files[ENTITY].replace("type: percent", "type: pecent")
    with pytest.raises(planning.Broken) as caught:
        world.plan()
    (problem,) = caught.value.problems.errors
    assert problem.hint is not None and "percent" in problem.hint
    assert world.applications.refresh().revision == 1


def test_another_type_for_values_that_exist_is_blocked(world: World) -> None:
    world.create("ada", code="x")
    changed = world.files[ENTITY].replace("code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
                                          "code: {type: integer, label: {en: Code, zh: 编码}}")  # fmt: skip
    failure = refusal(world.publish, {ENTITY: changed})
    assert isinstance(failure, Refused) and "values: 1" in failure.message()


def test_unique_with_doubles_is_blocked_with_their_number(world: World) -> None:
    for _ in range(2):
        world.create("ada", reason="same")
    changed = world.files[ENTITY].replace("reason: {type: text,", "reason: {type: text, unique: true,")
    failure = refusal(world.publish, {ENTITY: changed})
    assert failure.code == "plan.blocked" and "values that stand in several records: 1" in failure.message()


def test_an_option_in_use_cannot_be_taken_away(world: World) -> None:
    world.create("ada", region="south")
    changed = world.files[ENTITY].replace(", south: {label: {en: South, zh: 南区}}", "")
    failure = refusal(world.publish, {ENTITY: changed})
    assert failure.code == "plan.blocked" and "records that have it: 1" in failure.message()


def test_a_role_that_people_have_cannot_be_taken_away(world: World) -> None:
    failure = refusal(world.publish, {"admin/role_guest.yaml": None})
    assert failure.code == "plan.blocked" and "people who have it: 1" in failure.message()


def test_a_new_entity_of_a_few_lines_has_everything(world: World) -> None:
    world.publish({
        "schemas/car.yaml": "kind: entity\nname: car\nlabel: {en: Car, zh: 车}\ntitle: '{plate}'\nfields:\n"
        "  plate: {type: text, required: true, label: {en: Plate, zh: 车牌}}\n",
        "admin/role_admin.yaml": world.files["admin/role_admin.yaml"].replace("  note:", "  car: {read: all, create: all}\n  note:"),
    })  # fmt: skip
    id = world.create("ada", "car", plate="沪A12345")
    assert [one["id"] for one in world.sees("ada", "car", search="12345")] == [id]
    app = world.app
    assert (
        app.workspace.form_of("car").sections
        and app.workspace.list_of("car").columns
        and app.workspace.page_of("car")
    )


# ---------------------------------------------------------------- reports and kept totals


def test_kept_totals_follow_every_change_and_every_reader(world: World) -> None:
    a = world.create("rui", amount="100")
    b = world.create("sana", amount="250.50")
    world.create("ada")
    world.move("rui", a, "offer")

    def rows(who: str) -> dict[str, tuple[object, ...]]:
        found = reports.run(world.as_(who), "by_stage")
        assert found.compiled.kept == (
            who != "rui"
        )  # a rep also sees the pool, which totals do not tell apart
        return {row.keys[0]: row.values for row in found.rows}

    assert rows("ada") == {"open": (2, "250.50", "50.10"), "offer": (1, "100.00", "50.00")}
    assert rows("mei") == {"open": (1, "250.50", "50.10"), "offer": (1, "100.00", "50.00")}
    assert rows("rui") == {"offer": (1, "100.00", "50.00")}
    world.change("sana", b, amount="1")
    from fairlead.work import records

    records.delete(world.as_("ada"), "deal", a, version=None)
    assert rows("ada") == {"open": (2, "1.00", "0.20")}


def test_a_report_that_reads_what_one_may_not_see_is_not_there(world: World) -> None:
    world.publish(
        {"admin/by_stage.yaml": world.files["admin/by_stage.yaml"].replace("{sum: amount}", "{avg: margin}")}
    )
    assert refusal(reports.run, world.as_("rui"), "by_stage").status == 404
    assert refusal(reports.run, world.as_("otto"), "by_stage").status == 404


def test_a_write_under_the_old_revision_is_told_to_come_again(world: World) -> None:
    """Kept totals may have another shape in the new revision; nothing is written into the old one."""
    before = world.as_("ada")
    world.publish({"admin/by_region.yaml": world.files["admin/by_stage.yaml"].replace("by_stage", "by_region").replace(
        "dimensions: [stage]", "dimensions: [region]").replace(", {weighted: amount}", "")})  # fmt: skip
    from fairlead.work import records

    failure = refusal(records.create, before, "deal", {"name": "late"})
    assert (failure.status, failure.code) == (409, "config_changed")
    world.create("ada", region="north", amount="5")
    (row,) = reports.run(world.as_("ada"), "by_region").rows
    assert row.values == (1, "5.00")


def test_two_fields_together_may_be_unique(world: World) -> None:
    text = world.files[ENTITY] + "indexes:\n  - {fields: [name, region], unique: true}\n"
    world.publish({ENTITY: text})
    world.create("ada", name="a", region="north")
    world.create("ada", name="a", region="south")
    world.create("ada", name="a")
    world.create("ada", name="a")
    assert refusal(world.create, "ada", name="a", region="north").code == "duplicate"


def test_one_move_more_is_one_line_of_the_plan(world: World) -> None:
    moves = "moves:\n  - {from: open, to: offer}\n  - {from: offer, to: won}\n  - {from: [open, offer], to: lost}\n"
    world.publish({STAGES: world.files[STAGES] + moves})
    world.files[STAGES] = world.files[STAGES].replace("moves:\n", "moves:\n  - {from: won, to: open}\n")
    (change,) = world.plan().changes
    assert change.action == "add" and change.path[:3] == ("pipeline", "deal_stages", "moves")
