"""3. Two fields change names in one apply, one of them changes its type on the way (CF-3)."""

from __future__ import annotations

from fairlead.work import planning, publishing

from tests.support.world import World

ENTITY = "schemas/deal.yaml"


def test_scenario_03_two_fields_swap_their_names(world: World) -> None:
    id = world.create("ada", name="Swap", phone="13800000000", code="C1")
    phone = world.get("ada", id)["phone"]
    text = world.files[ENTITY]
    world.files[ENTITY] = text.replace(
        "  phone: {type: phone, label: {en: Phone, zh: 电话}}", "  code: {type: phone, was: phone, label: {en: Phone, zh: 电话}}"
    ).replace("  code: {type: text, label", "  phone: {type: text, was: code, label", 1)  # fmt: skip
    world.files["workflows/deal_pool.yaml"] = world.files["workflows/deal_pool.yaml"].replace(
        "[phone]", "[code]"
    )
    world.files["admin/role_rep.yaml"] = world.files["admin/role_rep.yaml"].replace(
        "phone: masked", "code: masked"
    )
    plan = world.plan()
    assert plan.grade == "safe", [change.line() for change in plan.changes]
    publishing.apply(world.database, plan, author="ada")
    found = world.get("ada", id)
    assert (found["code"], found["phone"]) == (phone, "C1")
    assert world.plan().empty


def test_scenario_03_a_swap_and_a_change_of_type_together(world: World) -> None:
    id = world.create("ada", name="Swap", code="0012", reason="why")
    text = world.files[ENTITY]
    world.files[ENTITY] = (
        text.replace("  code: {type: text, label: {en: Code, zh: 编码}, unique: true}", "  @@")
        .replace("  reason: {type: text, label: {en: Reason, zh: 原因}}", "  code: {type: text, was: reason}")
        .replace("  @@", "  reason: {type: integer, label: {en: Code, zh: 编码}, was: code}")
    )
    stages = "workflows/deal_stages.yaml"
    world.files[stages] = world.files[stages].replace("require: [reason]", "require: [code]")
    plan = world.plan()
    assert plan.grade == "computes", [change.line() for change in plan.changes]
    publishing.apply(world.database, plan, author="ada")
    found = world.get("ada", id)
    assert (found["code"], found["reason"]) == ("why", 12)
    assert world.plan().empty
    publishing.apply(world.database, planning.plan_rollback(world.database, 1), author="ada")
    found = world.get("ada", id)
    assert (found["code"], found["reason"]) == ("0012", "why")
