"""Acceptance 14: a role that is deleted while an approval uses it is an error that names every use, and nothing happens."""

from __future__ import annotations

import pytest
from fairlead.work import planning

from tests.support.world import DEAL, open_world, refusal

APPROVAL = """
kind: approval
name: big_deal
entity: deal
label: {en: Big deals, zh: 大单审批}
start: {on: submit, when: "'manager' in user.roles"}
lock: all
steps:
  - name: boss
    label: {en: Boss, zh: 主管}
    by: {role: manager}
    on_reject: ends
    timeout: {after: 1 days, then: [{remind: true}, {escalate: {role: manager}}]}
"""
LEAD = """
kind: role
name: lead
label: {en: Lead, zh: 组长}
inherits: [manager]
grants:
  deal: {update: "'manager' in user.roles && record.owner == user"}
"""
FILES = DEAL | {
    "workflows/big_deal.yaml": APPROVAL,
    "admin/role_lead.yaml": LEAD,
    "workflows/deal_pool.yaml": DEAL["workflows/deal_pool.yaml"].replace("[rep]", "[rep, manager]"),
    "workflows/deal_stages.yaml": DEAL["workflows/deal_stages.yaml"]
    + "moves:\n  - {from: open, to: offer, roles: [manager]}\n  - {from: offer, to: won}\n  - {from: open, to: lost}\n",
}
ROLE = "admin/role_manager.yaml"


def uses(files: dict[str, str]) -> set[tuple[str, int]]:
    """Every line that speaks of the role, as (file, line)."""
    return {
        (path, number)
        for path, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if path != ROLE and "manager" in line
    }


def test_scenario_14_deleting_a_role_names_every_use_with_file_and_line(database_url: str) -> None:
    with open_world(database_url, FILES) as world:
        expected = uses(world.files)
        assert len(expected) == 7
        del world.files[ROLE]
        with pytest.raises(planning.Broken) as caught:
            world.plan()
        errors = list(caught.value.problems.errors)
        assert {(one.span.file, one.span.line) for one in errors} == expected
        assert all("manager" in one.message for one in errors)
        assert world.applications.refresh().revision == 1


def test_scenario_14_without_uses_the_people_who_have_it_still_block(database_url: str) -> None:
    """Nobody is left with a role that is not there; then it goes, and the access it gave is told as lost."""
    with open_world(database_url) as world:
        world.create("rui")
        failure = refusal(world.publish, {ROLE: None})
        assert failure.code == "plan.blocked" and "people who have it: 1" in failure.message()
        plan = world.plan()
        lost = {(one.entity, one.name) for one in plan.access.rights if one.role == "manager"}
        assert ("deal", "read") in lost and all(one.direction == "lost" for one in plan.access.rights)
        (rows,) = [
            one
            for one in plan.access.rows
            if (one.role, one.action) == ("manager", "read") and one.entity == "deal"
        ]
        assert (rows.people, rows.lost, rows.gained) == (1, 1, 0)
        assert world.applications.refresh().revision == 1
