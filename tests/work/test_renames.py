"""`was:` in a running system: tables, columns and kept names follow, history speaks the names of today."""

from __future__ import annotations

import sqlalchemy as sa
from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.store import history
from fairlead.store.database import Database
from fairlead.work import plan_report, planning, publishing, records, reports
from fairlead.work.applications import Applications

from tests.support.world import World, refusal
from tests.work.approval_office import Office, files

ENTITY = "schemas/deal.yaml"


def renamed(world: World, *targets: str) -> planning.Plan:
    """Rename in the files (`old path>new`), and plan."""
    tree = SourceTree.from_mapping(world.files)
    for one in targets:
        target, _, new = one.partition(">")
        tree = rename(tree, target_of(target), new).tree
    world.files = tree.mapping()
    return world.plan()


def published(world: World, *targets: str) -> planning.Plan:
    plan = renamed(world, *targets)
    assert plan.grade == "safe", plan_report.render(plan)
    publishing.apply(world.database, plan, author="ada")
    assert world.plan().empty, plan_report.render(world.plan())
    return plan


def ask(world: World, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in world.database.all(world.database.prepare(sa.text(sql)))]


def test_a_renamed_field_keeps_every_value(world: World) -> None:
    """Acceptance 1: a thousand rows, nothing touched; history and expressions say the new name."""
    first = world.create("ada", phone="13800000000", amount="5")
    world.change("ada", first, phone="13900000000")
    columns = "id, name, version, created_at, updated_at, created_by, updated_by, phone"
    with world.database.write() as tx:
        for start in range(0, 1000, 100):
            tx.ddl(
                f"INSERT INTO e_deal ({columns}) VALUES "
                + ", ".join(
                    f"('r{start + n:04}', 'Bulk', 1, '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', "
                    f"'x', 'x', '138{start + n:08}')"
                    for n in range(100)
                )
            )
    phone = world.get("ada", first)["phone"]
    before = ask(world, "SELECT id, phone, version FROM e_deal ORDER BY id")
    plan = published(world, "entity.deal.fields.phone>mobile")
    assert [change.line() for change in plan.changes] == [
        "~ entity.deal.fields.mobile: phone → mobile  (renamed; nothing is lost)"
    ]
    assert [op.kind for op in plan.operations if op.kind not in ("drop_index", "create_index")] == [
        "rename_column"
    ]
    assert ask(world, "SELECT id, mobile, version FROM e_deal ORDER BY id") == before and len(before) == 1001
    assert world.get("ada", first)["mobile"] == phone
    event = history.of_record(world.database, first)[0]
    assert list(event.changes) == ["mobile"]


def test_without_was_the_values_are_kept_aside_and_the_way_is_shown(world: World) -> None:
    """Acceptance 2."""
    world.create("ada", phone="13800000000")
    tree = SourceTree.from_mapping(world.files)
    world.files = rename(tree, target_of("entity.deal.fields.phone"), "mobile", remember=False).tree.mapping()
    plan = world.plan()
    assert plan.grade == "lossy"
    (gone,) = [change for change in plan.changes if change.grade == "lossy"]
    assert (
        gone.path == ("entity", "deal", "fields", "phone")
        and "was: phone" in str(gone.note)
        and "1" in str(gone.note)
    )
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.needs-consent"


def test_two_fields_change_places_in_one_apply(world: World) -> None:
    """Acceptance 3, with kept totals, indexes and a way back."""
    id = world.create("ada", name="Swap", code="C1", reason="R1", amount="7")
    text = world.files[ENTITY]
    world.files[ENTITY] = (
        text.replace("  code: {type: text, label: {en: Code, zh: 编码}, unique: true}", "  @@")
        .replace("  reason: {type: text, label: {en: Reason, zh: 原因}}", "  code: {type: text, was: reason}")
        .replace("  @@", "  reason: {type: text, label: {en: Code, zh: 编码}, unique: true, was: code}")
    )  # fmt: skip
    world.files["workflows/deal_stages.yaml"] = world.files["workflows/deal_stages.yaml"].replace(
        "require: [reason]", "require: [code]"
    )
    plan = world.plan()
    assert plan.grade == "safe", plan_report.render(plan)
    publishing.apply(world.database, plan, author="ada")
    assert world.plan().empty, plan_report.render(world.plan())
    item = world.get("ada", id)
    assert (item["code"], item["reason"]) == ("R1", "C1")
    assert refusal(world.create, "ada", reason="C1").status >= 400  # unique goes with its field
    publishing.apply(world.database, planning.plan_rollback(world.database, 1), author="ada")
    item = world.get("ada", id)
    assert (item["code"], item["reason"]) == ("C1", "R1")


def test_a_chain_over_revisions_that_were_skipped(world: World) -> None:
    id = world.create("ada", phone="13800000000", code="A")
    phone = world.get("ada", id)["phone"]
    plan = published(
        world,
        "entity.deal.fields.phone>mobile",
        "entity.deal.fields.mobile>cell",
        "entity.deal.fields.code>phone",
    )
    assert len(plan.changes) == 2
    item = world.get("ada", id)
    assert (item["cell"], item["phone"]) == (phone, "A")


def test_a_renamed_entity_keeps_records_lines_search_history_and_totals(world: World) -> None:
    id = world.create("ada", name="Copper", amount="8", lines=[{"item": "x", "qty": 2, "price": "3"}])
    note = world.create("ada", "note", about=id, text="called")
    published(world, "entity.deal>order_")
    assert world.get("ada", id, "order_")["lines"][0]["item"] == "x"
    assert [one["id"] for one in world.sees("ada", "order_", search="opper")] == [id]
    assert world.get("ada", note, "note")["about"] == id
    assert [event.entity for event in history.of_record(world.database, id)] == ["order_"]
    rows = {row.keys[0]: row.values for row in reports.run(world.as_("ada"), "by_stage").rows}
    assert rows == {"open": (1, "8.00", "1.60")}
    tables = [row[0] for row in ask(world, "SELECT DISTINCT entity FROM sys_stage_visit")]
    assert tables == ["order_"]


def test_two_roles_change_places(world: World) -> None:
    for name, other in (("manager", "rep"), ("rep", "manager")):
        path = f"admin/role_{name}.yaml"
        world.files[path] = world.files[path].replace(f"name: {name}\n", f"name: {other}\nwas: {name}\n")
    pool = "workflows/deal_pool.yaml"
    world.files[pool] = world.files[pool].replace("roles: [rep]", "roles: [manager]")
    plan = world.plan()
    assert plan.grade == "safe", plan_report.render(plan)
    publishing.apply(world.database, plan, author="ada")
    assert ask(world, "SELECT username, roles FROM sys_user WHERE username IN ('mei', 'rui') ORDER BY username") == [
        ("mei", '["rep"]'), ("rui", '["manager"]'),
    ]  # fmt: skip
    assert world.plan().empty


def test_lines_and_their_fields(world: World) -> None:
    id = world.create("ada", lines=[{"item": "x", "qty": 2, "price": "3"}])
    published(
        world, "entity.deal.fields.lines>rows", "entity.deal.fields.rows.fields.price>each", "entity.deal.fields.total>sum"
    )  # fmt: skip
    item = world.get("ada", id)
    assert item["rows"][0]["each"] == "3.00" and item["sum"] == "6.00"


def test_options_stages_and_roles_follow_where_they_are_kept(world: World) -> None:
    id = world.create("ada", region="south", amount="4")
    world.move("ada", id, "offer")
    plan = published(
        world, "entity.deal.fields.region.options.south>sunny", "pipeline.deal_stages.stages.offer>quoted", "role.rep>seller"
    )  # fmt: skip
    lines = {change.line() for change in plan.changes}
    assert "~ pipeline.deal_stages.stages.quoted: offer → quoted  (renamed; nothing is lost)" in lines
    item = world.get("ada", id)
    assert (item["region"], item["stage"]) == ("sunny", "quoted")
    assert [row[0] for row in ask(world, "SELECT stage FROM sys_stage_visit WHERE left_at IS NULL")] == [
        "quoted"
    ]
    assert "quoted" in str(history.of_record(world.database, id)[0].changes["stage"])
    rows = {row.keys[0]: row.values for row in reports.run(world.as_("ada"), "by_stage").rows}
    assert rows == {"quoted": (1, "4.00", "2.00")}
    assert ask(world, "SELECT roles FROM sys_user WHERE username = 'rui'") == [('["seller"]',)]


def test_two_options_change_places(world: World) -> None:
    north, south = world.create("ada", region="north"), world.create("ada", region="south")
    world.files[ENTITY] = world.files[ENTITY].replace(
        "{north: {label: {en: North, zh: 北区}}, south: {label: {en: South, zh: 南区}}}",
        "{north: {label: {en: South, zh: 南区}, was: south}, south: {label: {en: North, zh: 北区}, was: north}}",
    )
    publishing.apply(world.database, world.plan(), author="ada")
    assert world.get("ada", north)["region"] == "south" and world.get("ada", south)["region"] == "north"
    assert world.plan().empty


def test_the_way_back_brings_the_old_names(world: World) -> None:
    id = world.create("ada", phone="13800000000")
    phone = world.get("ada", id)["phone"]
    published(world, "entity.deal.fields.phone>mobile", "entity.deal>order_")
    publishing.apply(world.database, planning.plan_rollback(world.database, 1), author="ada")
    assert world.get("ada", id)["phone"] == phone
    (event,) = history.of_record(world.database, id)
    assert event.entity == "deal" and event.changes["phone"][1] == phone


def test_a_column_kept_aside_gives_its_name_away_and_is_not_lost(world: World) -> None:
    id = world.create("ada", phone="13800000000", reason="why")
    phone = world.get("ada", id)["phone"]
    text = world.files[ENTITY]
    without = text.replace("  reason: {type: text, label: {en: Reason, zh: 原因}}\n", "")
    stages = world.files["workflows/deal_stages.yaml"]
    world.publish(
        {ENTITY: without, "workflows/deal_stages.yaml": stages.replace(", require: [reason]", "")}, allow_destructive=True
    )  # fmt: skip
    published(world, "entity.deal.fields.phone>reason")
    assert world.get("ada", id)["reason"] == phone
    assert ask(world, "SELECT _2_reason FROM e_deal") == [("why",)]


def test_a_former_name_that_never_was_is_a_warning(world: World) -> None:
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  hot: {type: boolean,", "  hot: {type: boolean, was: warm,"
    )
    plan = world.plan()
    (found,) = [one for one in plan.warnings if one.code == "stale_was"]
    assert found.level == "warning" and "'warm'" in found.message and found.key == "fields.hot.was"


def test_two_that_claim_one_former_name_are_an_error(world: World) -> None:
    world.files[ENTITY] = (
        world.files[ENTITY]
        .replace("  hot: {type: boolean,", "  hot: {type: boolean, was: warm,")
        .replace("  code: {type: text,", "  code: {type: text, was: warm,")
    )
    problems = publishing.check(SourceTree.from_mapping(world.files))
    assert "duplicate_was" in problems.codes


def test_what_is_under_way_goes_on_under_the_new_names(database_url: str) -> None:
    """An approval keeps the rules it began with; they say the names of today."""
    database = Database(database_url)
    try:
        office = Office.open(database)
        id, run = office.submitted()
        tree = SourceTree.from_mapping(files())
        for target, new in (
            ("entity.quote.fields.amount", "worth"),
            ("entity.quote.fields.status.options.effective", "valid"),
            ("role.finance", "counting"),
            ("entity.quote", "offer"),
            ("approval.discount", "reduction"),
        ):
            tree = rename(tree, target_of(target), new).tree
        plan = planning.plan(database, tree)
        publishing.apply(database, plan, author="ada", allow_destructive=True)
        office.app = Applications(database).refresh()
        office.approve("mei")
        office.approve("fay")
        found = records.snapshot_in(database, office.ctx("system"), "offer", id)
        assert office.run(run).state == "approved" and found["status"] == "valid"
    finally:
        database.close()
