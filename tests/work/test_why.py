"""Why somebody can or cannot: the verdict is the engine's own, and each grant says where it stands and what it lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fairlead.base.errors import Failure, NotFound
from fairlead.store.database import Database
from fairlead.work import pools, records
from fairlead.work.why import Answer, Point, Unanswerable, why_field, why_read
from fairlead.work.why_actions import why_action
from fairlead.work.why_rules import why_rule

from tests.support.world import DEAL, PEOPLE, World, open_world
from tests.work.approval_office import Office

REP = "admin/role_rep.yaml"
ENTITY = "schemas/deal.yaml"
AUTOMATION = """
kind: automation
name: big
entity: deal
label: {en: Big deals, zh: 大单}
on: {updated: [amount]}
when: "record.margin > 0.2"
do: [{set: {reason: "'big'"}}]
"""
REMINDER = """
kind: automation
name: closing
entity: deal
label: {en: Closing, zh: 临近截止}
on: {date: record.close_on, before: 2 days}
do: [{set: {reason: "'soon'"}}]
"""


def read(world: World, who: str, id: str) -> Answer:
    """Why `who` sees a deal or not."""
    return why_read(world.as_("system"), who, "deal", id)


def told(point: Point) -> tuple[str, str, str, int | None]:
    """A point as a tuple: what, whether it held, why, and the line of its document."""
    return point.what.get("en"), point.held, point.because.get("en"), point.span.line if point.span else None


def test_an_own_record_is_seen_by_the_grant_that_says_own(world: World) -> None:
    id = world.create("rui")
    answer = read(world, "rui", id)
    assert answer.allowed
    grant, pool = answer.points
    assert told(grant) == ("role rep: read own", "yes", "it is theirs", 6)
    assert grant.span is not None and str(grant.span).startswith(f"{REP}:6:")
    assert told(pool)[1:3] == ("no", "the record has an owner, so it is in no pool")
    assert "roles rep; teams East" in answer.notes[-1].get("en")


def test_a_colleagues_record_is_not_seen_and_it_says_whose_it_is(world: World) -> None:
    answer = read(world, "sana", world.create("rui"))
    assert not answer.allowed
    assert told(answer.points[0])[1:3] == ("no", "it belongs to Rui")


def test_a_manager_sees_what_lies_below_and_the_team_is_named(world: World) -> None:
    answer = read(world, "mei", world.create("rui"))
    assert answer.allowed
    assert "in East; mei oversees East" in answer.points[0].because.get("en")
    assert answer.render("zh").startswith("可以: mei 可以查看该记录。")


def test_a_rule_left_open_by_an_empty_field_names_the_field(world: World) -> None:
    world.publish({REP: world.files[REP].replace("read: own", 'read: "record.amount > 10.0"', 1)})
    answer = read(world, "rui", world.create("mei"))
    (point, _) = answer.points
    assert not answer.allowed and point.held == "unknown" and point.empty == ("amount",)
    assert "record.amount > 10.0" in point.what.get("en")
    assert read(world, "rui", world.create("mei", amount="11")).allowed
    assert told(read(world, "rui", world.create("mei", amount="9")).points[0])[1:3] == (
        "no",
        "the rule does not hold",
    )


def test_an_inherited_grant_names_the_way_to_it(world: World) -> None:
    lead = "kind: role\nname: guest\nlabel: {en: Guest, zh: 访客}\ninherits: [manager]\ngrants: {}\n"
    world.publish({"admin/role_guest.yaml": lead})
    (grant, _) = read(world, "otto", world.create("rui")).points
    assert grant.via == ("guest", "manager")
    assert grant.span is not None and grant.span.file == "admin/role_manager.yaml"


def test_whoever_has_nothing_granted_and_what_is_not_there(world: World) -> None:
    id = world.create("rui")
    assert "grants anything on deal" in read(world, "otto", id).summary.get("en")
    assert "no such record" in read(world, "rui", "nothing").summary.get("en")
    records.delete(world.as_("ada"), "deal", id, version=None)
    assert "recycle bin" in read(world, "rui", id).summary.get("en")
    for ask in (
        lambda: why_read(world.as_("system"), "ruy", "deal", id),
        lambda: why_read(world.as_("system"), "rui", "deel", id),
        lambda: why_field(world.as_("system"), "rui", "deal", id, "marjin"),
        lambda: why_action(world.as_("system"), "rui", "deal", id, "updat"),
    ):
        with pytest.raises(Unanswerable, match="Did you mean"):
            ask()


def test_fields_are_readable_masked_or_hidden_with_the_line_that_says_so(world: World) -> None:
    id = world.create("rui")
    ctx = world.as_("system")
    states = {
        name: why_field(ctx, "rui", "deal", id, name) for name in ("amount", "phone", "margin", "lines.qty")
    }
    assert {name: answer.state for name, answer in states.items()} == {
        "amount": "readable", "phone": "masked", "margin": "hidden", "lines.qty": "readable",
    }  # fmt: skip
    point = states["margin"].points[0]
    assert point.because.get("en") == "the grant reaches the record but keeps margin hidden"
    assert point.span is not None and world.files[REP].splitlines()[point.span.line - 1][
        point.span.column - 1 :
    ].startswith("hidden")
    assert states["amount"].notes[0].get("en") == "They may also write amount."
    assert "it is worked out" in why_field(ctx, "rui", "deal", id, "double").notes[0].get("en")


def test_what_a_pool_keeps_back_until_it_is_claimed(world: World) -> None:
    answer = why_field(world.as_("system"), "rui", "deal", world.create("system"), "phone")
    assert not answer.allowed
    assert answer.points[-1].because.get("en") == "the pool shows phone only to an owner"


def test_a_claim_is_answered_limit_by_limit(world: World) -> None:
    id = world.create("system")
    ctx = world.as_("system")
    assert why_action(ctx, "rui", "deal", id, "claim").allowed
    for _ in range(5):
        world.claim("rui", world.create("system"))
    full = why_action(ctx, "rui", "deal", id, "claim")
    assert not full.allowed and "5 of 5 are held" in full.summary.get("en")
    world.claim("sana", id)
    pools.release(world.as_("sana"), "deal", id, reason="later")
    cooling = why_action(world.as_("system"), "sana", "deal", id, "claim")
    assert [point.what.get("en") for point in cooling.points if point.held == "no"] == ["cooling down"]


def test_a_move_names_each_stage_and_what_it_lacks(world: World) -> None:
    id = world.create("rui")
    answer = why_action(world.as_("system"), "rui", "deal", id, "move")
    stages = {point.what.get("en"): told(point)[1:3] for point in answer.points if point.way}
    assert not answer.allowed
    assert stages["to stage offer"] == ("no", "Offer needs Amount")
    world.change("rui", id, amount="5")
    answer = why_action(world.as_("system"), "rui", "deal", id, "move", stage="offer")
    assert answer.allowed and why_action(world.as_("system"), "rui", "deal", id, "move").allowed


def test_what_others_need_is_not_deleted(world: World) -> None:
    id = world.create("ada")
    assert why_action(world.as_("system"), "ada", "deal", id, "delete").allowed
    files = {"schemas/note.yaml": world.files["schemas/note.yaml"].replace("cascade", "restrict")}
    world.publish(files)
    world.create("ada", "note", about=id, text="x")
    answer = why_action(world.as_("system"), "ada", "deal", id, "delete")
    assert not answer.allowed and told(answer.points[-1])[:3] == (
        "note.about points here",
        "no",
        "1 records still need it",
    )


def test_submit_and_approve_follow_the_approval_under_way(database_url: str) -> None:
    database = Database(database_url)
    office = Office.open(database)
    id = office.quote("rui", discount="0.2", amount="10")
    ask = office.ctx("ada")
    assert why_action(ask, "rui", "quote", id, "submit").allowed
    office.submit("rui", id)
    again = why_action(ask, "rui", "quote", id, "submit")
    assert not again.allowed and "already under way" in again.points[-1].because.get("en")
    waits = why_action(ask, "lin", "quote", id, "approve")
    assert not waits.allowed and told(waits.points[0])[:3] == (
        "approval discount, step manager",
        "no",
        "it waits for Mei",
    )
    mine = why_action(ask, "mei", "quote", id, "approve")
    assert mine.allowed and mine.points[0].span is not None
    assert mine.points[0].span.file == "workflows/discount.yaml"
    field = why_field(ask, "rui", "quote", id, "discount")
    assert field.allowed and "an approval holds it" in field.notes[0].get("en")
    assert "an approval" not in why_field(ask, "rui", "quote", id, "note").notes[0].get("en")
    database.close()


# ---------------------------------------------------------------- against the doors themselves

DOORS: dict[str, Callable[[World, str, str], object]] = {
    "read": lambda world, who, deal: world.get(who, deal),
    "update": lambda world, who, deal: world.change(who, deal, reason="because"),
    "delete": lambda world, who, deal: records.require(world.as_(who), "delete", "deal", deal),
    "assign": lambda world, who, deal: records.require(world.as_(who), "assign", "deal", deal),
    "move": lambda world, who, deal: world.move(who, deal, "offer"),
    "claim": lambda world, who, deal: world.claim(who, deal),
}


@pytest.fixture
def shapes(database_url: str) -> Iterator[World]:
    """A world in which roles are of many kinds."""
    files = dict(DEAL)
    files[REP] = files[REP].replace("read: own", 'read: "record.amount > 10.0 || record.owner == user"', 1)
    files["admin/role_guest.yaml"] = (
        "kind: role\nname: guest\nlabel: {en: Guest, zh: 访客}\ngrants:\n"
        "  deal: {read: all, update: \"record.region == 'north'\"}\n"
    )
    with open_world(database_url, files) as world:
        yield world


def test_the_answer_is_what_each_door_then_does(shapes: World) -> None:
    made = [
        shapes.create(who, **values)
        for who in ("rui", "mei", "system")
        for values in ({}, {"amount": "50"}, {"amount": "5", "region": "north"})
    ]
    seen = {True: 0, False: 0}
    for action, door in DOORS.items():
        for who in PEOPLE:
            for id in made:
                stage = "offer" if action == "move" else None
                answer = why_action(shapes.as_("system"), who, "deal", id, action, stage=stage)
                try:
                    door(shapes, who, id)
                    done = True
                except (Failure, NotFound):
                    done = False
                assert answer.allowed == done, (action, who, answer.render())
                if answer.allowed and action in ("read", "update", "delete", "assign"):
                    assert any(point.held == "yes" for point in answer.points)
                seen[done] += 1
    assert min(seen.values()) > 50


def test_asking_writes_nothing(world: World) -> None:
    id = world.create("system")
    before = world.get("system", id)
    for action in ("read", "update", "delete", "move", "assign", "export", "claim", "submit", "approve"):
        why_action(world.as_("system"), "rui", "deal", id, action)
    assert world.get("system", id) == before
    assert world.app.revision == 1


# ---------------------------------------------------------------- rules


def rule(world: World, id: str, name: str = "big") -> Answer:
    """Why an automation ran for a deal, or not."""
    return why_rule(world.as_("system"), name, "deal", id)


def test_a_rule_that_ran_and_one_whose_condition_did_not_hold_or_stayed_open(world: World) -> None:
    old = world.create("ada", amount="1", margin="0.5")
    world.change("ada", old, amount="2")
    world.publish({"workflows/big.yaml": AUTOMATION})
    assert "was not there yet in revision 1" in rule(world, old).points[0].because.get("en")
    id = world.create("ada", amount="1")
    world.change("ada", id, amount="2")
    world.change("ada", id, margin="0.1")
    world.change("ada", id, amount="3")
    world.change("ada", id, margin="0.9")
    world.change("ada", id, amount="4")
    answer = rule(world, id)
    assert answer.allowed and answer.summary.get("en").startswith("big answered 1 times")
    assert [(point.held, point.because.get("en")) for point in answer.points] == [
        ("yes", "it is waiting to run"),
        ("no", "none of amount changed"),
        ("no", "its condition did not hold"),
        ("no", "none of amount changed"),
        ("unknown", "its condition stayed open because margin was empty"),
        ("no", "a create does not start it"),
    ]
    assert answer.points[4].empty == ("margin",)


def test_a_rule_that_waits_for_a_date(world: World) -> None:
    world.publish({"workflows/closing.yaml": REMINDER})
    empty = world.create("ada")
    answer = rule(world, empty, "closing")
    assert not answer.allowed and answer.points[0].empty == ("close_on",)
    id = world.create("ada", close_on="2026-06-01")
    (point,) = rule(world, id, "closing").points
    assert point.what.get("en") == "due at 2026-05-30T01:00Z" and point.because.get("en") == "it is planned"


def test_a_rule_that_is_switched_off_or_about_something_else(world: World) -> None:
    world.publish({"workflows/big.yaml": AUTOMATION + "enabled: false\n"})
    id = world.create("ada", margin="0.5")
    world.change("ada", id, amount="2")
    answer = rule(world, id)
    assert not answer.allowed and "switched off" in answer.summary.get("en")
    with pytest.raises(Unanswerable, match="about deal"):
        why_rule(world.as_("system"), "big", "note", "x")
    with pytest.raises(Unanswerable, match="Did you mean 'big'"):
        rule(world, id, "bigg")
