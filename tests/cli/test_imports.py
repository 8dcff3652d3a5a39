"""`fairlead import` and `fairlead export-records` as an operator meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.fixture
def leads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three leads, one of them with a number that is none; what is written lands beside the file."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "leads.csv"
    path.write_text("Name,Phone\nAnna,13800138000\nBen,nonsense\nCleo,\n", encoding="utf-8")
    return path


def test_rows_come_in_and_the_others_are_named(fairlead: Run, published: Path, leads: Path):
    answer = fairlead("import", "lead", leads, "-w", published)
    assert answer.status == 1
    assert answer.out.splitlines() == [
        "3 rows: 2 created, 1 not taken.",
        "  1 × phone: This is not a phone number.  (first in line 3)",
        "Rows that were not taken: leads.rejected.csv",
    ]
    rejected = leads.with_name("leads.rejected.csv")
    assert rejected.read_text("utf-8-sig").splitlines() == [
        "Name,Phone,_line,_reason", "Ben,nonsense,3,Phone: This is not a phone number.",
    ]  # fmt: skip
    rejected.write_text(rejected.read_text("utf-8-sig").replace("nonsense", "13900139000"), encoding="utf-8")
    again = fairlead("import", "lead", rejected, "--errors", "more.csv", "-w", published, "--format", "json")
    assert (again.status, again.json["created"], again.json["rows"]) == (0, 1, 1)


def test_the_file_itself_is_not_overwritten_by_its_rejected_rows(fairlead: Run, published: Path, leads: Path):
    rejected = leads.rename(leads.with_name("leads.rejected.csv"))
    assert fairlead("import", "lead", rejected, "-w", published).status == 2
    assert rejected.read_text("utf-8").count("\n") == 4


def test_a_dry_run_only_tells(fairlead: Run, published: Path, leads: Path):
    answer = fairlead("import", "lead", leads, "--dry-run", "-w", published, "--format", "json")
    assert (answer.json["created"], answer.json["quarantined"], answer.json["dry_run"]) == (2, 1, True)
    assert fairlead("export-records", "lead", "out.csv", "-w", published).status == 0
    assert Path("out.csv").read_text("utf-8-sig").count("\n") == 1


def test_on_behalf_of_somebody_with_their_rights(fairlead: Run, published: Path, leads: Path):
    assert fairlead("user", "add", "rui", "--role", "rep", "-w", published).status == 0
    assert fairlead("import", "lead", leads, "--as", "rui", "-w", published).status == 1
    assert fairlead("export-records", "lead", "out.csv", "--as", "rui", "-w", published).status == 1
    assert fairlead("import", "lead", leads, "--as", "nobody", "-w", published).status == 1
    assert not Path("out.csv").exists()
    assert not list(leads.parent.glob(".*.part"))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_records_go_out(fairlead: Run, published: Path, leads: Path, ending: str):
    fairlead("import", "lead", leads, "-w", published)
    file = leads.with_name(f"out.{ending}")
    answer = fairlead(
        "export-records",
        "lead",
        file,
        "--fields",
        "name,phone",
        "--filter",
        "name != 'Cleo'",
        "-w",
        published,
    )
    assert answer.out == f"Wrote {file}.\n"
    if ending == "csv":
        titles, anna = file.read_text("utf-8-sig").splitlines()
        assert titles == "name,phone"
        assert anna.startswith("Anna,") and anna.endswith("13800138000")
    back = fairlead("import", "lead", file, "--dry-run", "-w", published, "--format", "json")
    assert (back.json["created"], back.json["quarantined"]) == (1, 0)
