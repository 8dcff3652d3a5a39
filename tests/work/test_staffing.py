"""What documents ask of people who are not there is said when they are to be published (CF-13, A-G07)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fairlead.config.source import SourceTree
from fairlead.store import migrate, people
from fairlead.store.database import Database
from fairlead.work import plan_report, planning, publishing

from tests.support.world import DEAL, World, open_world

FLOW = "kind: approval\nname: flow\nentity: deal\nsteps:\n  - {{name: boss, by: {by}, mode: all}}\n"


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with open_world(database_url) as made:
        yield made


def said(world: World, by: str, **files: str) -> list[str]:
    tree = SourceTree.from_mapping({**DEAL, **files, "workflows/flow.yaml": FLOW.format(by=by)})
    warnings = planning.plan(world.database, tree).warnings
    return [f"{one.code} {one.span}" for one in warnings if one.span.file == "workflows/flow.yaml"]


def test_cf_13_a_person_who_is_there_is_no_matter(world: World):
    assert said(world, "{user: ada}") == []


def test_cf_13_a_person_who_never_was_there(world: World):
    assert said(world, "[{user: ada}, {user: nobody}]") == ["unknown_person workflows/flow.yaml:5:43"]


def test_cf_13_an_inactive_person(world: World):
    otto = people.account(world.database, world.actors["otto"].id)
    assert otto is not None
    with world.database.write() as tx:
        people.update_user(tx, otto, {"active": False})
    assert said(world, "[{user: otto}, {user: ada}]") == ["inactive_person workflows/flow.yaml:5:30"]
    assert said(world, "{user: otto}") == [
        "nobody_can_decide workflows/flow.yaml:5:22",
        "inactive_person workflows/flow.yaml:5:29",
    ]


def test_A_G07_a_group_of_approvers_that_is_empty(world: World):
    role = {"admin/judge.yaml": "kind: role\nname: judge\nlabel: J\ngrants: {deal: {read: all}}\n"}
    assert said(world, "{role: judge}", **role) == [
        "nobody_can_decide workflows/flow.yaml:5:22",
        "vacant_role workflows/flow.yaml:5:29",
    ]
    assert said(world, "[{role: judge}, {user: ada}]", **role) == ["vacant_role workflows/flow.yaml:5:30"]


def test_cf_13_a_pool_that_nobody_is_a_member_of(world: World):
    text = DEAL["workflows/deal_pool.yaml"].replace("members: {roles: [rep]}", "members: {teams: [nowhere]}")
    plan = planning.plan(world.database, SourceTree.from_mapping({**DEAL, "workflows/deal_pool.yaml": text}))
    assert {"unknown_team", "nobody_can_claim"} <= set(plan.warnings.codes)


def test_a_plan_shows_its_warnings_and_may_be_carried_out(world: World):
    tree = SourceTree.from_mapping({**DEAL, "workflows/flow.yaml": FLOW.format(by="{user: nobody}")})
    plan = planning.plan(world.database, tree)
    text = plan_report.render(plan)
    assert "none of them keeps it from being published" in text
    assert "workflows/flow.yaml:5:29: steps[0].by.user: warning: there is no account 'nobody' here" in text
    told = {one["code"] for one in plan_report.to_json(plan)["warnings"]}
    assert {"unknown_person", "nobody_can_decide"} <= told
    assert publishing.apply(world.database, replace(plan), author="ada").changed


def test_the_first_time_there_are_no_people_yet(sqlite_url: str):
    database = Database(sqlite_url)
    migrate.prepare_system(database)
    tree = SourceTree.from_mapping({**DEAL, "workflows/flow.yaml": FLOW.format(by="{user: nobody}")})
    assert "unknown_person" not in planning.plan(database, tree).warnings.codes
    database.close()
