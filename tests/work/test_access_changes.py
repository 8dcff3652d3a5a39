"""Who gains and who loses by a plan: named cell by cell, and counted as the lists of those people then show it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from fairlead.base.errors import NotFound
from fairlead.work import access_changes, records
from fairlead.work.access_changes import RowsChange
from fairlead.work.planning import Plan

from tests.support.world import DEAL, World, open_world

REP = "admin/role_rep.yaml"
MANAGER = "admin/role_manager.yaml"
POOL = "workflows/deal_pool.yaml"
HOLDERS = {"rep": ("rui", "sana"), "manager": ("mei",), "admin": ("ada",), "guest": ("otto",)}


def grant(world: World, role: str, text: str, entity: str = "deal") -> None:
    """Let the document of a role say `text` for an entity; nothing is published."""
    path = f"admin/role_{role}.yaml"
    lines = [line for line in world.files[path].splitlines() if not line.startswith(f"  {entity}:")]
    lines.insert(lines.index("grants:") + 1, f"  {entity}: {text}")
    world.files[path] = "\n".join(lines) + "\n"


def cells(plan: Plan) -> dict[tuple[str, str | None, str], tuple[str, str, str]]:
    """The matrix: (role, entity, cell) to (before, after, which way)."""
    return {(one.role, one.entity, one.name): (one.old, one.new, one.direction) for one in plan.access.rights}


def rows(plan: Plan, role: str, action: str = "read", entity: str = "deal") -> RowsChange | None:
    """What is counted for one role and action."""
    found = [one for one in plan.access.rows if (one.role, one.entity, one.action) == (role, entity, action)]
    assert len(found) <= 1
    return found[0] if found else None


def test_a_wider_scope_is_gained_and_counted(world: World) -> None:
    for who in ("rui", "sana", "sana", "mei"):
        world.create(who)
    grant(world, "rep", "{read: all, create: own, update: own, fields: {margin: hidden, phone: masked}}")
    plan = world.plan()
    assert cells(plan)["rep", "deal", "read"] == ("own or in pool deal_pool", "all", "gained")
    counted = rows(plan, "rep")
    # Rui gains three, Sana two; each of the four deals is new to one of them.
    assert counted is not None
    assert (counted.people, counted.gained, counted.lost) == (2, 4, 0)
    assert (counted.gaining, counted.most_gained) == (2, 3)
    assert plan.grade == "access"


def test_what_is_taken_away_is_lost_and_points_at_what_is_left(world: World) -> None:
    world.create("rui")
    grant(world, "rep", "{read: own, create: own, fields: {margin: hidden, phone: masked}}")
    plan = world.plan()
    (change,) = [one for one in plan.access.rights if one.name == "update"]
    assert (change.old, change.new, change.direction) == ("own", "no", "lost")
    assert change.span is not None
    assert (change.span.file, change.span.line) == (REP, 6)
    counted = rows(plan, "rep", "update")
    assert counted is not None and (counted.gained, counted.lost, counted.losing) == (0, 1, 1)


def test_a_field_that_opens_is_a_cell_and_counted_where_the_record_is_seen(world: World) -> None:
    world.create("rui")
    world.create("sana")
    grant(world, "rep", "{read: own, create: own, update: own, fields: {phone: hidden}}")
    plan = world.plan()
    assert cells(plan)["rep", "deal", "margin"] == ("hidden", "writable", "gained")
    assert cells(plan)["rep", "deal", "phone"] == ("masked", "hidden", "lost")
    counted = rows(plan, "rep", "see")
    assert counted is not None and counted.fields == ("margin",)
    assert (counted.gained, counted.most_gained) == (2, 1)


def test_what_is_inherited_counts_and_says_through_whom(world: World) -> None:
    world.create("rui")
    lead = "kind: role\nname: lead\nlabel: {en: Lead, zh: 组长}\ninherits: [manager]\ngrants: {}\n"
    world.publish({"admin/role_lead.yaml": lead})
    grant(world, "manager", "{read: all, create: subordinates, update: subordinates}")
    (change,) = [one for one in world.plan().access.rights if (one.role, one.name) == ("lead", "read")]
    assert change.via == ("lead", "manager")
    assert change.span is not None and change.span.file == MANAGER


def test_a_grant_moved_to_a_role_that_is_inherited_is_no_difference(world: World) -> None:
    base = "kind: role\nname: base\nlabel: {en: Base, zh: 基础}\ngrants:\n  note: {read: own, create: own, update: own}\n"
    world.files["admin/role_base.yaml"] = base
    rep = [line for line in world.files[REP].splitlines() if not line.startswith("  note:")]
    rep.insert(rep.index("grants:"), "inherits: [base]")
    world.files[REP] = "\n".join(rep) + "\n"
    assert not [one for one in world.plan().access.rights if one.role == "rep"]


def test_whoever_sees_it_anyway_gains_nothing(world: World) -> None:
    world.create("rui")
    grant(world, "guest", "{read: all}")
    plan = world.plan()
    assert cells(plan)["guest", "deal", "read"] == ("no", "all", "gained")
    assert rows(plan, "guest") is not None  # Otto
    grant(world, "admin", "{read: own, create: all, update: all}")
    counted = rows(world.plan(), "admin")
    assert counted is not None and (counted.lost, counted.gained) == (1, 0)


def test_a_pool_that_takes_in_another_role_is_told_of_as_access(world: World) -> None:
    world.create("system")
    world.files[POOL] = world.files[POOL].replace("roles: [rep]", "roles: [rep, manager]")
    plan = world.plan()
    assert cells(plan)["manager", "deal", "read"][2] == "gained"
    counted = rows(plan, "manager")
    assert counted is not None and counted.gained == 1
    assert plan.access.widens


def test_a_renamed_field_and_role_cost_nobody_anything(world: World) -> None:
    world.create("rui", phone="13800000000")
    entity = "schemas/deal.yaml"
    world.files[entity] = world.files[entity].replace("  phone: {type", "  mobile: {was: phone, type")
    world.files[POOL] = world.files[POOL].replace("[phone]", "[mobile]").replace("[rep]", "[seller]")
    world.files[REP] = (
        world.files[REP].replace("name: rep", "name: seller\nwas: rep").replace("phone:", "mobile:")
    )
    plan = world.plan()
    assert plan.access.empty, plan.access
    grant_of_seller = world.files[REP].replace("read: own", "read: all", 1)
    world.files[REP] = grant_of_seller
    world.create("sana")
    counted = rows(world.plan(), "seller")
    assert counted is not None and counted.gained == 2


def test_a_rule_over_a_field_that_is_still_to_come_counts_as_if_it_were_empty(world: World) -> None:
    world.create("rui")
    world.create("sana")
    entity = "schemas/deal.yaml"
    world.files[entity] = world.files[entity].replace(
        "  hot:", "  open: {type: boolean, label: {en: Open, zh: 公开}}\n  hot:"
    )
    grant(world, "rep", '{read: "record.open == null || record.owner == user", create: own, update: own}')
    counted = rows(world.plan(), "rep")
    assert counted is not None and counted.gained == 2


def test_of_many_people_and_records_a_part_is_counted_and_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_changes, "PEOPLE", 1)
    monkeypatch.setattr(access_changes, "RECORDS", 2)
    for _ in range(3):
        world.create("mei")
    grant(world, "rep", "{read: all, create: own, update: own}")
    counted = rows(world.plan(), "rep")
    assert counted is not None
    assert (counted.people, counted.asked, counted.newest, counted.gained) == (2, 1, 2, 2)


# ---------------------------------------------------------------- against the lists themselves

SCOPES = ("no", "own", "team", "subordinates", "all", '"record.owner == user || record.amount > 40.0"',
          '"record.region == \'north\'"', '"record.team in user.teams && record.stage != \'won\'"')  # fmt: skip
FIELDS = ("", ", fields: {amount: hidden}", ", fields: {amount: masked, margin: readonly}")


def shuffled(world: World, dice: random.Random) -> None:
    """Let random roles say something else, nothing published."""
    for role in dice.sample(["rep", "manager", "guest"], k=dice.choice([1, 1, 2])):
        parts = [f"read: {dice.choice(SCOPES)}", f"update: {dice.choice(SCOPES)}"]
        if dice.random() < 0.3:
            parts.append(f"delete: {dice.choice(SCOPES[:5])}")
        grant(world, role, "{" + ", ".join(parts) + dice.choice(FIELDS) + "}")
    if dice.random() < 0.3:
        members = dice.choice(["[rep]", "[rep, manager]", "[manager, guest]"])
        lines = world.files[POOL].splitlines()
        lines[lines.index(next(one for one in lines if one.startswith("members:")))] = (
            f"members: {{roles: {members}}}"
        )
        world.files[POOL] = "\n".join(lines) + "\n"


def seen(world: World, who: str) -> set[str]:
    """What this person's list shows."""
    try:
        return {str(row["id"]) for row in world.sees(who, page_size=200)}
    except NotFound:
        return set()


def full(world: World, who: str) -> set[str]:
    """Where this person's list shows the amount, unmasked."""
    try:
        shown = world.sees(who, page_size=200)
    except NotFound:
        return set()
    return {
        str(row["id"])
        for row in shown
        if "amount" not in row.get("_hidden", ()) and "amount" not in row.get("_masked", ())
    }


def may(action: str) -> Callable[[World, str], set[str]]:
    """Which records this person may do `action` with, asked one by one."""

    def ask(world: World, who: str) -> set[str]:
        return {
            id
            for id in seen(world, who)
            if action in records.load(world.database, world.as_(who), "deal", id, (action,)).writable
        }

    return ask


ORACLES: dict[str, Callable[[World, str], set[str]]] = {
    "read": seen, "update": may("update"), "delete": may("delete"), "see": full,
}  # fmt: skip


def counts(plan: Plan, role: str, action: str) -> tuple[int, ...]:
    """(gained, lost, gaining, losing, most gained, most lost), zeros where the plan says nothing."""
    found = [
        one
        for one in plan.access.rows
        if (one.role, one.action) == (role, action) and (action != "see" or "amount" in one.fields)
    ]
    if not found:
        return (0,) * 6
    (one,) = found
    return one.gained, one.lost, one.gaining, one.losing, one.most_gained, one.most_lost


@pytest.fixture
def office(database_url: str) -> Iterator[World]:
    """A world with records of many kinds."""
    with open_world(database_url, dict(DEAL)) as world:
        dice = random.Random(5)
        for number in range(24):
            values = {
                "amount": str(number * 5 + 1) if number % 5 else None,
                "region": dice.choice(["north", "south", None]),
            }
            id = world.create(dice.choice(["rui", "sana", "mei", "ada", "system"]), **values)
            if number % 7 == 6 and values["amount"]:
                world.move("system", id, "won")
        yield world


@pytest.mark.parametrize("seed", [1, 2])
def test_counts_are_what_the_lists_then_show(office: World, seed: int) -> None:
    dice = random.Random(seed)
    told = 0
    for _ in range(5):
        shuffled(office, dice)
        plan = office.plan()
        before = {
            name: {who: ask(office, who) for whom in HOLDERS.values() for who in whom}
            for name, ask in ORACLES.items()
        }
        office.publish({})
        for action, ask in ORACLES.items():
            for role, whom in HOLDERS.items():
                after = {who: ask(office, who) for who in whom}
                up = [after[who] - before[action][who] for who in whom]
                down = [before[action][who] - after[who] for who in whom]
                if action == "see" and (up, down) == ([], []):
                    continue
                expected = (
                    len(set().union(*up)), len(set().union(*down)), sum(map(bool, up)), sum(map(bool, down)),
                    max(map(len, up)), max(map(len, down)),
                )  # fmt: skip
                counted = counts(plan, role, action)
                if action == "see" and counted == (0,) * 6:
                    # Told of with the record itself: the amount is open wherever the record is.
                    assert expected in ((0,) * 6, counts(plan, role, "read"))
                    continue
                assert counted == expected, (seed, role, action, office.files[f"admin/role_{role}.yaml"])
                told += bool(sum(counted))
    assert told > 5
