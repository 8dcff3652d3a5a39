"""What a plan tells people: graded, counted, with what it needs; the same bytes each time."""

from __future__ import annotations

import json

from fairlead.store.database import Database
from fairlead.work import plan_report, planning

from tests.support.world import World
from tests.work.approval_office import FLOW, SCHEMA, Office, files

ENTITY = "schemas/deal.yaml"
REMINDER = """
kind: automation
name: closing
entity: deal
label: {en: Closing, zh: 临近截止}
on: {date: record.close_on, before: 2 days}
do: [{set: {reason: "'soon'"}}]
"""
BIG = """
kind: automation
name: big
entity: deal
label: {en: Big, zh: 大单}
on: {updated: [amount]}
do: [{set: {reason: "'big'"}}]
"""


def test_cf_20_the_gravest_stands_first_with_count_place_and_remedies(world: World) -> None:
    for _ in range(3):
        world.create("rui")
    entity = world.files[ENTITY].replace("reason: {type: text,", "reason: {type: text, required: true,")
    world.files[ENTITY] = entity.replace(
        "  hot:", "  budget: {type: money, label: {en: Budget, zh: 预算}}\n  hot:"
    )
    text = plan_report.render(world.plan(), command="fairlead apply acme")
    first, _, section, change, *rest = text.splitlines()
    assert first.startswith("On revision 1: 1 blocked · ")
    assert section == "blocked (1): cannot be done as things stand"
    assert change.startswith("  ~ entity.deal.fields.reason.required: no → yes")
    assert change.endswith(f"[{ENTITY}:19:3]")
    assert any("remedy: `from_now_on: true`" in line for line in rest)
    assert rest[-1].startswith("Nothing can be published until what is blocked is mended.")
    (blocked,) = [one for one in plan_report.to_json(world.plan())["changes"] if one["grade"] == "blocked"]
    assert (blocked["count"], len(blocked["samples"]), blocked["line"]) == (3, 3, 19)


def test_cf_21_what_takes_values_out_of_sight_names_the_consent_and_yes_is_not_it(world: World) -> None:
    world.create("ada", hot=True)
    world.files[ENTITY] = "\n".join(
        line for line in world.files[ENTITY].splitlines() if not line.startswith("  hot:")
    )
    plan = world.plan()
    assert "To publish it: fairlead apply acme --allow-destructive" in plan_report.render(
        plan, command="fairlead apply acme"
    )
    told = plan_report.to_json(plan)
    assert told["consent"] == "--allow-destructive"
    (gone,) = [one for one in told["changes"] if one["grade"] == "lossy"]
    assert gone["reversible"] == "kept_aside"


def test_cf_23_two_plans_are_the_same_bytes(world: World) -> None:
    for who in ("rui", "sana", "mei"):
        world.create(who)
    world.files["admin/role_rep.yaml"] = world.files["admin/role_rep.yaml"].replace(
        "read: own", "read: all", 1
    )
    world.files[ENTITY] = (
        world.files[ENTITY].replace("required: true, max", "max").replace("unique: true", "index: true")
    )
    one, two = world.plan(), world.plan()
    assert plan_report.render(one) == plan_report.render(two)
    assert json.dumps(plan_report.to_json(one)) == json.dumps(plan_report.to_json(two))
    assert "+ read on 3 more records: 2 of 2 people gain, at most 2 for one" in plan_report.render(one)


def test_hundreds_of_light_changes_are_told_by_document_and_access_is_never_cut(world: World) -> None:
    fields = "".join(f"  f{n}: {{type: text, label: {{en: F{n}, zh: 字段{n}}}}}\n" for n in range(150))
    world.files[ENTITY] = world.files[ENTITY].replace("  hot:", fields + "  hot:")
    roles = {f"admin/role_r{n}.yaml": (
        f"kind: role\nname: r{n}\nlabel: {{en: R{n}, zh: 角色{n}}}\ngrants:\n  deal: {{read: all}}\n"
    ) for n in range(70)}  # fmt: skip
    world.files |= roles
    text = plan_report.render(world.plan())
    assert "  ~ entity.deal: +150  (fields.f0, fields.f1," in text
    assert "and 144 more" in text
    light = text[text.index("\nsafe (") :]
    assert light.count("\n") < 80
    assert all(f"\n  r{n}: 0 people" in text and f"+ role.r{n}  [" in text for n in range(70))


def test_cf_60_approvals_under_way_that_use_what_changes_are_counted(database_url: str) -> None:
    database = Database(database_url)
    office = Office.open(database)
    office.submitted()
    without = SCHEMA.replace("  terms: {type: text, label: {en: Terms, zh: 条款}}\n", "").replace(
        "  - {rule: \"record.terms != 'never'\", message: {en: Terms must be possible, zh: 条款无效}, field: terms}\n",
        "",
    )
    documents = files(schemas__quote=without, workflows__discount=FLOW.replace("    editable: [terms]\n", ""))
    plan = planning.plan(database, planning.SourceTree.from_mapping(documents))
    reach = {one.path: one for one in plan.reach}
    assert reach["entity", "quote", "fields", "terms"].approvals == 1
    assert reach["approval", "discount"].counts() == {"approvals": 1}
    assert "concerns approvals under way: 1" in plan_report.render(plan)
    database.close()


def test_cf_62_jobs_that_wait_and_planned_moments_are_counted(world: World) -> None:
    world.publish({"workflows/closing.yaml": REMINDER, "workflows/big.yaml": BIG})
    id = world.create("ada", amount="1", close_on="2026-06-01")
    world.create("ada", close_on="2026-06-02")
    world.change("ada", id, amount="2")
    del world.files["workflows/closing.yaml"]
    world.files["workflows/big.yaml"] = BIG.replace("'big'", "'large'")
    reach = {one.path: one.counts() for one in world.plan().reach}
    assert reach["automation", "closing"] == {"moments": 2}
    assert reach["automation", "big"] == {"jobs": 1}
    assert world.plan().reach[0].words("zh")


def test_statements_say_what_they_cost_and_who_asked(world: World) -> None:
    for _ in range(2):
        world.create("rui")
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  hot:", "  budget: {type: money, label: {en: Budget, zh: 预算}, index: true}\n  hot:"
    )
    told = {one["name"]: one for one in plan_report.to_json(world.plan())["operations"]}
    assert told["budget"]["kind"] == "add_column" and told["budget"]["rows"] == 2
    assert (told["budget"]["file"], told["budget"]["expected_seconds"]) == (ENTITY, 0.0)
    (index,) = [one for name, one in told.items() if name.startswith("ix_e_deal_budget")]
    lite = world.database.dialect == "sqlite"
    assert index["lock"] in (
        ("other writers wait",) if lite else ("writes to the table wait, reads go on", "nobody waits")
    )
    assert index["line"] == told["budget"]["line"]
