"""What is dropped is kept aside: it comes back when it is asked for, and never by its name alone (CF-40, A-G11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.store import history
from fairlead.work import planning, publishing, purging, reading, reports

from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"
PHONE = "  phone: {type: phone, label: {en: Phone, zh: 电话}}\n"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


def without_phone(world: World) -> dict[str, str]:
    """The documents without the field `phone`, nowhere."""
    return {
        ENTITY: world.files[ENTITY].replace(PHONE, ""),
        "workflows/deal_pool.yaml": world.files["workflows/deal_pool.yaml"].replace(
            "visibility: {hide_until_claimed: [phone]}\n", ""
        ),
        "admin/role_rep.yaml": world.files["admin/role_rep.yaml"].replace(", phone: masked", ""),
    }


def drop_phone(world: World) -> None:
    world.publish(without_phone(world), allow_destructive=True)


def add_phone(world: World, more: str = "") -> publishing.Applied:
    text = world.files[ENTITY].replace(
        "  code:", PHONE.replace("phone, label", f"phone{more}, label") + "  code:"
    )
    return world.publish({ENTITY: text})


def back_to(world: World, number: int) -> planning.Plan:
    """Publish an earlier revision again, with consent."""
    plan = planning.plan_rollback(world.database, number)
    publishing.apply(world.database, plan, author="ada", allow_destructive=True)
    return plan


def columns(world: World, table: str = "e_deal") -> set[str]:
    from fairlead.store import catalogue

    return set(catalogue.existing(world.database).columns.get(table, {}))


def ask(world: World, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in world.database.all(world.database.prepare(sa.text(sql)))]


@pytest.fixture
def deal(world: World) -> str:
    """A deal with a telephone number."""
    return world.create("ada", name="Copper", phone="13800000000", amount="5")


def test_a_new_field_of_a_dropped_name_begins_empty(world: World, deal: str) -> None:
    """A-G11: neither the values nor what the history says of them come back to life."""
    drop_phone(world)
    assert "phone" not in world.get("ada", deal) and "_2_phone" in columns(world)
    add_phone(world)
    assert world.get("ada", deal)["phone"] is None
    assert not any(
        change["field"] == "phone"
        for event in reading.record_history(world.as_("ada"), "deal", deal)
        for change in event["changes"]
    )
    # The rep's mask spoke of the old field and has gone with it; the new one is seen as it is.
    mine = world.create("rui", phone="13900000000")
    assert world.get("rui", mine)["phone"] == world.get("ada", mine)["phone"]


def test_documents_that_still_speak_of_a_dropped_field_are_refused(world: World, deal: str) -> None:
    """CF-41: nothing that was said about it can lie in wait for its name."""
    world.files[ENTITY] = world.files[ENTITY].replace(PHONE, "")
    with pytest.raises(planning.Broken) as caught:
        world.plan()
    assert {problem.span.file for problem in caught.value.problems.errors if problem.span} == {
        "workflows/deal_pool.yaml", "admin/role_rep.yaml",
    }  # fmt: skip


def test_a_rollback_brings_values_back_and_leaves_younger_records_empty(world: World, deal: str) -> None:
    phone = world.get("ada", deal)["phone"]
    drop_phone(world)
    younger = world.create("ada", name="Zinc")
    plan = back_to(world, 1)
    assert world.get("ada", deal)["phone"] == phone and world.get("ada", younger)["phone"] is None
    assert any("comes back with what it held until revision 2" in str(change.note) for change in plan.changes)
    assert "_2_phone" not in columns(world)
    assert purging.lying(world.database, LATER) == []
    assert history.of_record(world.database, deal)[0].changes["phone"][1] == phone


def test_a_rollback_knows_which_of_two_fields_of_one_name_it_means(world: World, deal: str) -> None:
    phone = world.get("ada", deal)["phone"]
    drop_phone(world)
    add_phone(world)
    world.change("ada", deal, phone="13911111111")
    second = world.get("ada", deal)["phone"]
    plan = planning.plan_rollback(world.database, 1)
    here = ("entity", "deal", "fields", "phone")
    told = [(one.action, one.grade, one.count) for one in plan.changes if one.path == here]
    assert told == [("remove", "lossy", 1), ("add", "safe", None)]
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.needs-consent"
    back_to(world, 1)
    assert world.get("ada", deal)["phone"] == phone
    back_to(world, 3)
    assert world.get("ada", deal)["phone"] == second
    assert world.plan().empty


def test_was_brings_a_dropped_field_back_under_its_own_or_another_name(world: World, deal: str) -> None:
    phone = world.get("ada", deal)["phone"]
    drop_phone(world)
    done = add_phone(world, ", was: phone")
    assert world.get("ada", deal)["phone"] == phone
    assert not [one for one in done.plan.warnings if one.code == "stale_was"]
    world.publish({ENTITY: world.files[ENTITY].replace(", was: phone", "")})
    drop_phone(world)
    text = world.files[ENTITY].replace("  code:", "  mobile: {type: phone, was: phone}\n  code:", 1)
    world.publish({ENTITY: text})
    assert world.get("ada", deal)["mobile"] == phone


def test_an_entity_goes_and_comes_back_with_lines_history_and_search(world: World) -> None:
    note = world.create("ada", "note", about=world.create("ada", name="Zinc"), text="Called about zinc.")
    grant = "  note: {read: all, create: all, update: all, delete: all}\n"
    roles = {
        f"admin/role_{who}.yaml": world.files[f"admin/role_{who}.yaml"].replace(line, "")
        for who, line in (
            ("admin", grant), ("manager", "  note: {read: all, create: all}\n"),
            ("rep", "  note: {read: own, create: own, update: own}\n"),
        )
    }  # fmt: skip
    whole = dict(world.files)
    world.publish({"schemas/note.yaml": None, **roles}, allow_destructive=True)
    assert "e_note" not in columns_by_table(world)
    world.publish({path: whole[path] for path in ("schemas/note.yaml", *roles)})
    assert world.sees("ada", "note") == []
    assert ask(world, "SELECT count(*) FROM sys_event WHERE entity = 'note'") == [(0,)]
    back_to(world, 1)
    assert [one["id"] for one in world.sees("ada", "note", search="zinc")] == [note]
    assert [event.entity for event in history.of_record(world.database, note)] == ["note"]
    assert {one.name: one.count for one in purging.lying(world.database, LATER)} == {"note": 0}


def columns_by_table(world: World) -> dict[str, Any]:
    from fairlead.store import catalogue

    return dict(catalogue.existing(world.database).columns)


def test_line_items_and_their_fields_come_back(world: World) -> None:
    id = world.create("ada", lines=[{"item": "x", "qty": 2, "price": "3"}])
    text = world.files[ENTITY]
    world.publish({ENTITY: text.replace("      qty: {type: integer, label: {en: Quantity, zh: 数量}, min: 1, default: 1}\n", "")
                   .replace('formula: "record.qty * record.price"', 'formula: "record.price"')}, allow_destructive=True)  # fmt: skip
    start = world.files[ENTITY].index("  lines:\n")
    end = world.files[ENTITY].index("checks:")
    world.publish({ENTITY: world.files[ENTITY][:start] + world.files[ENTITY][end:]}, allow_destructive=True)
    assert "lines" not in world.get("ada", id)
    back_to(world, 2)
    back_to(world, 1)
    (line,) = world.get("ada", id)["lines"]
    assert (line["item"], line["qty"], line["price"]) == ("x", 2, "3.00")
    assert world.plan().empty is False  # the files still say revision 3
    assert planning.plan_rollback(world.database, 1).empty


def test_what_lies_aside_follows_a_renamed_entity(world: World, deal: str) -> None:
    phone = world.get("ada", deal)["phone"]
    drop_phone(world)
    tree = SourceTree.from_mapping(world.files)
    world.files = rename(tree, target_of("entity.deal"), "order_").tree.mapping()
    publishing.apply(world.database, world.plan(), author="ada")
    (aside,) = purging.lying(world.database, LATER)
    assert (aside.name, aside.count) == ("deal.phone", 1)
    back_to(world, 1)
    assert world.get("ada", deal)["phone"] == phone


def test_kept_totals_are_renamed_and_not_added_up_again(world: World, deal: str) -> None:
    tree = SourceTree.from_mapping(world.files)
    world.files = rename(tree, target_of("entity.deal.fields.amount"), "worth").tree.mapping()
    plan = world.plan()
    assert not [
        one.kind for one in plan.operations if one.kind in ("rebuild_totals", "create_index", "drop_table")
    ]
    publishing.apply(world.database, plan, author="ada")
    (row,) = reports.run(world.as_("ada"), "by_stage").rows
    assert row.values[:2] == (1, "5.00")


# ---------------------------------------------------------------- what does not belong


def test_a_foreign_column_is_never_taken_for_a_field(world: World, deal: str) -> None:
    """Somebody added `budget` by hand; the field of that name begins empty and the column is kept."""
    with world.database.write() as tx:
        tx.ddl("ALTER TABLE e_deal ADD COLUMN budget TEXT")
        tx.ddl("UPDATE e_deal SET budget = 'much'")
    world.publish({ENTITY: world.files[ENTITY].replace("  hot:", "  budget: {type: money}\n  hot:")})
    assert world.get("ada", deal)["budget"] is None
    assert ask(world, "SELECT _2_budget FROM e_deal") == [("much",)]


# ---------------------------------------------------------------- purge


def test_what_was_dropped_is_kept_for_thirty_days(world: World, deal: str) -> None:
    drop_phone(world)
    now = datetime.now(UTC)
    (aside,) = purging.lying(world.database, now)
    assert (aside.name, aside.revision, aside.by, aside.count, aside.due) == (
        "deal.phone",
        2,
        "ada",
        1,
        False,
    )
    assert refusal(purging.purge, world.database, ["deal.phone"], author="ada", now=now).code == "purge.kept"
    assert (
        refusal(purging.purge, world.database, ["deal.fone"], author="ada", now=now).code == "purge.unknown"
    )
    assert purging.lying(world.database, now + timedelta(days=31))[0].due


def test_the_workspace_says_how_long(world: World, deal: str) -> None:
    world.publish({"fairlead.yaml": world.files["fairlead.yaml"] + "keep_dropped_days: 90\n"})
    drop_phone(world)
    (aside,) = purging.lying(world.database, datetime.now(UTC) + timedelta(days=89))
    assert not aside.due


def test_purged_values_are_gone_and_the_plan_says_so(world: World, deal: str) -> None:
    drop_phone(world)
    (gone,) = purging.purge(world.database, ["deal.phone"], author="mei", now=LATER)
    assert gone.count == 1 and columns(world) & {"phone", "_2_phone"} == set()
    plan = back_to(world, 1)
    (note,) = [
        str(change.note) for change in plan.changes if change.path == ("entity", "deal", "fields", "phone")
    ]
    assert "was purged at 2100-01-01" in note and "by mei" in note and "begins empty" in note
    assert world.get("ada", deal)["phone"] is None


def test_a_purged_entity_takes_its_lines_along(world: World) -> None:
    world.create("ada", lines=[{"item": "x", "qty": 2, "price": "3"}])
    keep = {
        path: None
        for path in world.files
        if path.startswith(("workflows/", "admin/by_stage", "schemas/note"))
    }
    roles = {path: world.files[path] for path in world.files if path.startswith("admin/role_")}
    roles = {
        path: "\n".join(
            line for line in text.splitlines() if not line.startswith(("  deal:", "  note:", "  report:"))
        )
        for path, text in roles.items()
    }
    car = "kind: entity\nname: car\nlabel: Car\ntitle: '{plate}'\nfields: {plate: {type: text}}\n"
    roles["admin/role_admin.yaml"] += "\n  car: {read: all}\n"
    for who in ("manager", "rep", "guest"):
        roles[f"admin/role_{who}.yaml"] += "\n  car: {read: no}\n"
    world.publish({**keep, ENTITY: None, "schemas/car.yaml": car, **roles}, allow_destructive=True)
    purging.purge(world.database, ["deal", "note"], author="ada", now=LATER)
    left = {name for name in columns_by_table(world) if name.startswith(("e_", "s_"))}
    assert left - {"e_car", "s_car"} - {name for name in left if name.startswith("s_car_")} == set()
