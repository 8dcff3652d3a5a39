"""What is dropped, copied, drifted: `fairlead purge`, the copy before an apply, `doctor --repair` and `--adopt`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit

LEAD = "schemas/lead.yaml"


@pytest.fixture
def dropped(published: Path, fairlead: Run) -> Path:
    """The workspace after `phone` was dropped by revision 2, with one record in it."""
    with closing(sqlite3.connect(published / "var/fairlead.sqlite3")) as database:
        database.execute(
            "INSERT INTO e_lead (id, version, created_at, created_by, updated_at, updated_by, name, phone) "
            "VALUES ('a', 1, 't', 'u', 't', 'u', 'Copper', '138')"
        )
        database.commit()
    edit(published, LEAD, "  phone: {type: phone}\n", "")
    assert fairlead("apply", published, "--yes").status == 1, (
        "--yes is no consent to losing sight of values (CF-21)"
    )
    assert fairlead("apply", published, "--yes", "--allow-destructive").status == 0
    return published


def test_what_was_dropped_is_listed_with_its_dates(dropped: Path, fairlead: Run) -> None:
    answer = fairlead("purge", "-w", dropped)
    assert answer.status == 0 and "lead.phone" in answer.out and "values: 1" in answer.out
    assert "revision 2" in answer.out and "kept until" in answer.out
    (one,) = fairlead("purge", "-w", dropped, "--format", "json").json["aside"]
    assert (one["name"], one["count"], one["due"]) == ("lead.phone", 1, False)


def test_nothing_is_purged_before_its_time(dropped: Path, fairlead: Run) -> None:
    answer = fairlead("purge", "-w", dropped, "--purge", "lead.phone")
    assert answer.status == 1
    assert fairlead("purge", "-w", dropped, "--due").out == "Nothing is due.\n"
    assert fairlead("purge", "-w", dropped, "--format", "json").json["aside"] != []


def test_what_is_due_goes_by_its_name_and_cannot_come_back(dropped: Path, fairlead: Run) -> None:
    edit(dropped, "fairlead.yaml", "languages: [en]\n", "languages: [en]\nkeep_dropped_days: 0\n")
    assert fairlead("apply", dropped, "--yes").status == 0
    answer = fairlead("purge", "-w", dropped, "--purge", "lead.phone")
    assert (answer.status, answer.out) == (0, "Removed lead.phone: values: 1.\n")
    assert fairlead("purge", "-w", dropped).out == "Nothing lies aside.\n"
    assert "begins empty" in fairlead("rollback", 1, "-w", dropped, given="n\n").out


def test_values_are_copied_before_they_are_converted(published: Path, fairlead: Run) -> None:
    file = published / "var/fairlead.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.execute(
            "INSERT INTO e_lead (id, version, created_at, created_by, updated_at, updated_by, name, phone) "
            "VALUES ('a', 1, 't', 'u', 't', 'u', '12', '138')"
        )
        database.commit()
    edit(
        published,
        LEAD,
        "name: {type: text, required: true, max_length: 80}",
        "name: {type: integer, required: true}",
    )
    answer = fairlead("apply", published, "--yes")
    assert answer.status == 0, answer.err
    (copy,) = (published / "var/copies").iterdir()
    assert str(copy) in answer.out and copy.name == "fairlead-before-revision-2.sqlite3"
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT name FROM e_lead").fetchall() == [("12",)]
        assert database.execute("SELECT max(number) FROM sys_revision").fetchall() == [(1,)]
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_nothing_is_copied_when_no_value_is_written(published: Path, fairlead: Run) -> None:
    edit(
        published, LEAD, "phone: {type: phone}", "mobile: {type: phone, was: phone}\n  size: {type: integer}"
    )
    assert "before" not in fairlead("apply", published, "--yes").out
    assert not (published / "var/copies").exists()


def test_the_doctor_repairs_or_adopts_what_does_not_belong(published: Path, fairlead: Run) -> None:
    def by_hand() -> None:
        with closing(sqlite3.connect(published / "var/fairlead.sqlite3")) as database:
            database.execute("ALTER TABLE e_lead ADD COLUMN sneaked TEXT")

    by_hand()
    assert "e_lead.sneaked" in fairlead("doctor", "-w", published).out
    assert "e_lead.sneaked" in fairlead("doctor", "-w", published, "--adopt").out
    assert "e_lead.sneaked" not in fairlead("doctor", "-w", published).out
    with closing(sqlite3.connect(published / "var/fairlead.sqlite3")) as database:
        database.execute("ALTER TABLE e_lead ADD COLUMN another TEXT")
    assert "mended" in fairlead("doctor", "-w", published, "--repair").out
    assert "another" not in fairlead("doctor", "-w", published).out
    assert "e_lead.another" in fairlead("purge", "-w", published).out
    assert fairlead("doctor", "-w", published, "--repair", "--adopt").status == 2
