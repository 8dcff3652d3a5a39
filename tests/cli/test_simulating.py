"""`fairlead simulate`: the folder against what is published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit

BOSS = "kind: role\nname: boss\nlabel: Boss\ngrants:\n  lead: {read: all}\n"


@pytest.fixture
def office(small: Path, fairlead: Run) -> Path:
    """The small workspace, published, with Rui, who sells, and a lead of nobody in particular."""
    (small / "admin" / "boss.yaml").write_text(BOSS, encoding="utf-8")
    assert fairlead("apply", small, "--yes").status == 0
    for name, role in (("rui", "rep"), ("ada", "boss")):
        made = fairlead(
            "user",
            "add",
            name,
            "--role",
            role,
            "--name",
            name.title(),
            "-w",
            small,
            given="a long password 1\na long password 1\n",
        )
        assert made.status == 0, made.err
    rows = small / "rows.csv"
    rows.write_text("name\nLin\nWu\n", encoding="utf-8")
    assert fairlead("import", "lead", rows, "-w", small).status == 0
    return small


def test_a_role_that_would_see_more(fairlead: Run, office: Path):
    edit(office, "admin/rep.yaml", "read: own", "read: all")
    answer = fairlead("simulate", "role", "rep", "-w", office)
    assert answer.status == 0
    assert answer.out.startswith("role rep, compared with revision 1\ngains: 1\n")
    assert "Rui" in answer.out
    assert "Nothing was written." in answer.out
    found = fairlead("simulate", "user", "rui", "-w", office, "--format", "json").json
    (row,) = found["rows"]
    assert (row["change"], row["action"], row["count"], len(row["ids"])) == ("gains", "read", 2, 2)
    assert found["limits"] == {"records": 10_000, "seconds": 20.0}


def test_seen_with_somebody_s_eyes(fairlead: Run, office: Path):
    edit(office, "admin/rep.yaml", "read: own", "read: all")
    found = fairlead("simulate", "role", "rep", "-w", office, "--as", "rui", "--format", "json").json
    assert (found["rows"], found["withheld"]) == ([], 2)
    assert (
        len(fairlead("simulate", "role", "rep", "-w", office, "--as", "ada", "--format", "json").json["rows"])
        == 1
    )
    assert fairlead("simulate", "role", "rep", "-w", office, "--as", "nobody").status == 1


def test_what_cannot_be_asked(fairlead: Run, office: Path, tmp_path: Path):
    answer = fairlead("simulate", "role", "rap", "-w", office)
    assert answer.status == 1
    assert fairlead("simulate", "automation", "x", "--since", "soon", "-w", office).status == 2
    edit(office, "admin/rep.yaml", "read: own", "read: owen")
    broken = fairlead("simulate", "role", "rep", "-w", office)
    assert broken.status == 1
    assert "did you mean 'own'" in broken.err


def test_without_a_published_revision_there_is_nothing_to_compare_with(fairlead: Run, small: Path):
    answer = fairlead("simulate", "role", "rep", "-w", small)
    assert answer.status == 1
    assert "Nothing is published yet" in answer.err
