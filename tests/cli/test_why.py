"""`fairlead why`: yes or no, with each grant and where it stands; an answer is success whatever it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.base.clock import utc_now
from fairlead.cli.common import house
from fairlead.store import people
from fairlead.work import records
from fairlead.work.context import SYSTEM, Context

from tests.cli.conftest import Run, edit

RULE = """\
kind: automation
name: ring
entity: lead
label: Ring
on: {updated: [phone]}
when: "record.name == 'Big'"
do: [{set: {name: "'Rung'"}}]
"""


@pytest.fixture
def lead(published: Path, fairlead: Run) -> str:
    """A lead of Rui's, beside whom there is Sana."""
    (published / "workflows").mkdir(exist_ok=True)
    (published / "workflows/ring.yaml").write_text(RULE, encoding="utf-8")
    edit(
        published,
        "admin/rep.yaml",
        "read: own",
        "read: \"record.owner == user || record.phone.startsWith('138')\"",
    )
    assert fairlead("apply", published, "--yes").status == 0
    for name in ("rui", "sana"):
        assert fairlead("user", "add", name, "--role", "rep", "-w", published).status == 0
    own = house(published)
    ctx = Context(own.applications.refresh(), own.database, SYSTEM, utc_now(), "system")
    rui = people.account_by_username(own.database, "rui")
    assert rui is not None
    made = records.create(ctx, "lead", {"name": "Small", "owner": rui.id}).id
    records.update(ctx, "lead", made, {"phone": None, "name": "Smaller"}, version=None)
    own.close()
    return made


def test_why_read_and_its_json(fairlead: Run, published: Path, lead: str) -> None:
    mine = fairlead("why", "read", "rui", f"lead/{lead}", "-w", published)
    assert (mine.status, mine.out.splitlines()[0]) == (0, "Yes: rui may see it.")
    other = fairlead("why", "read", "sana", f"lead/{lead}", "-w", published)
    assert other.status == 0 and other.out.startswith(
        "No: sana may not see it: the rule stays open because phone is empty."
    )
    assert "admin/rep.yaml:5:16" in other.out
    told = fairlead("why", "read", "sana", f"lead/{lead}", "-w", published, "--format", "json").json
    assert told["allowed"] is False
    assert [(one["held"], one["file"], one["line"], one["empty"]) for one in told["points"]] == [
        ("unknown", "admin/rep.yaml", 5, ["phone"])
    ]


def test_why_field_action_and_rule(fairlead: Run, published: Path, lead: str) -> None:
    at = (f"lead/{lead}",)
    assert fairlead("why", "field", "rui", *at, "phone", "-w", published).out.startswith(
        "Yes: rui sees phone."
    )
    no = fairlead("why", "action", "rui", *at, "delete", "-w", published)
    assert no.out.startswith("No: rui may not delete it: the role does not grant it.")
    ring = fairlead("why", "rule", "ring", *at, "-w", published)
    assert ring.status == 0 and "none of phone changed" in ring.out


def test_what_is_not_there_is_the_askers_mistake(fairlead: Run, published: Path, lead: str) -> None:
    wrong = fairlead("why", "read", "rui", f"laed/{lead}", "-w", published)
    assert wrong.status == 1 and "Did you mean 'lead'?" in wrong.err
    assert fairlead("why", "read", "rui", "lead", "-w", published).status == 2
    assert fairlead("why", "action", "rui", f"lead/{lead}", "fly", "-w", published).status == 2
