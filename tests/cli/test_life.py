"""The life of a configuration on the command line: new, check, plan, apply, diff, rollback, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit


def files(folder: Path) -> dict[str, bytes]:
    """Return the documents of a folder byte for byte."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name != ".gitignore"
        and not {"var", ".fairlead"} & set(path.relative_to(folder).parts)
    }


@pytest.mark.parametrize("template", ["general_sales", "real_estate"])
def test_a_new_workspace_is_published_and_comes_out_as_it_went_in(fairlead: Run, tmp_path, template):
    acme = tmp_path / "acme"
    assert fairlead("new", acme, "--template", template).status == 0
    assert fairlead("check", acme).out == "No problems.\n"
    assert fairlead("apply", acme, "--yes", "-m", "Begin").out.endswith("Published revision 1.\n")
    assert fairlead("export", tmp_path / "out", "-w", acme).status == 0
    assert files(tmp_path / "out") == files(acme)
    assert fairlead("plan", acme).out == "Nothing to do: the published configuration is the same.\n"
    assert fairlead("doctor", "-w", acme).status == 0


def test_new_does_not_write_into_a_folder_with_something_in_it(fairlead: Run, small):
    done = fairlead("new", small)
    assert done.status == 1
    assert "is not empty" in done.err


def test_plan_says_what_would_change_and_changes_nothing(fairlead: Run, published):
    edit(
        published,
        "schemas/lead.yaml",
        "  phone: {type: phone}",
        "  phone: {type: phone}\n  budget: {type: money}",
    )
    first = fairlead("plan", published)
    assert first.status == 0
    assert "budget" in first.out
    assert "add column budget" in first.out
    assert fairlead("plan", published).out == first.out
    assert len(fairlead("revisions", "-w", published, "--format", "json").json) == 1


def test_apply_diff_and_roll_back(fairlead: Run, published):
    edit(
        published,
        "schemas/lead.yaml",
        "  phone: {type: phone}",
        "  phone: {type: phone}\n  budget: {type: money}",
    )
    assert fairlead("apply", published, "--yes", "-m", "Ask for the budget").status == 0
    assert "budget" in fairlead("diff", 1, 2, "-w", published).out
    back = fairlead("rollback", 1, "-w", published, "--yes", "--allow-destructive")
    assert back.out.endswith("Published revision 3.\n")
    assert fairlead("diff", 1, 3, "-w", published).out == "No difference in meaning.\n"
    numbers = [
        (one["number"], one["source"])
        for one in fairlead("revisions", "-w", published, "--format", "json").json
    ]
    assert numbers == [(3, "rollback"), (2, "cli"), (1, "cli")]


def test_export_is_what_was_published_byte_for_byte(fairlead: Run, published, tmp_path):
    """Comments, order of keys, line ends and blanks at the end of a line are part of it."""
    path = published / "schemas/lead.yaml"
    path.write_bytes(
        path.read_bytes().replace(b"title:", b"# A remark. \r\n\r\ntitle:")
        + b"# the end, without a line break"
    )
    before = files(published)
    assert fairlead("apply", published, "--yes").status == 0
    assert fairlead("export", tmp_path / "out", "-w", published).status == 0
    assert files(tmp_path / "out") == before


def test_export_of_an_earlier_revision(fairlead: Run, published, tmp_path):
    before = files(published)
    edit(published, "schemas/lead.yaml", "max_length: 80", "max_length: 90")
    assert fairlead("apply", published, "--yes").status == 0
    assert fairlead("export", tmp_path / "out", "-w", published, "--revision", 1).status == 0
    assert files(tmp_path / "out") == before


def test_a_sealed_plan_is_applied_as_it_was_read(fairlead: Run, published, tmp_path):
    edit(published, "schemas/lead.yaml", "max_length: 80", "max_length: 90")
    assert fairlead("plan", published, "--out", tmp_path / "plan.json").status == 0
    edit(published, "schemas/lead.yaml", "max_length: 90", "max_length: 10")  # not what was planned
    done = fairlead("apply", tmp_path / "plan.json", "-w", published, "--yes")
    assert done.out.endswith("Published revision 2.\n")
    assert fairlead("export", tmp_path / "out", "-w", published).status == 0
    assert b"max_length: 90" in files(tmp_path / "out")["schemas/lead.yaml"]


def test_a_sealed_plan_is_refused_after_somebody_published(fairlead: Run, published, tmp_path):
    edit(published, "schemas/lead.yaml", "max_length: 80", "max_length: 90")
    assert fairlead("plan", published, "--out", tmp_path / "plan.json").status == 0
    edit(published, "schemas/lead.yaml", "max_length: 90", "max_length: 95")
    assert fairlead("apply", published, "--yes").status == 0
    done = fairlead("apply", tmp_path / "plan.json", "-w", published, "--yes")
    assert done.status == 1
    assert len(fairlead("revisions", "-w", published, "--format", "json").json) == 2


def test_a_sealed_plan_that_was_edited_is_refused(fairlead: Run, published, tmp_path):
    edit(published, "schemas/lead.yaml", "max_length: 80", "max_length: 90")
    plan = tmp_path / "plan.json"
    assert fairlead("plan", published, "--out", plan).status == 0
    found = json.loads(plan.read_text("utf-8"))
    found["files"]["schemas/lead.yaml"] = found["files"]["schemas/lead.yaml"].replace("90", "91")
    plan.write_text(json.dumps(found), encoding="utf-8")
    assert fairlead("apply", plan, "-w", published, "--yes").status == 1


def test_a_file_that_is_no_plan(fairlead: Run, published, tmp_path):
    (tmp_path / "plan.json").write_text("[1, 2", encoding="utf-8")
    done = fairlead("apply", tmp_path / "plan.json", "-w", published)
    assert done.status == 1
    assert "is no plan" in done.err


def test_apply_asks_and_no_means_no(fairlead: Run, small):
    done = fairlead("apply", small, given="n\n")
    assert done.status == 1
    assert "Publish this?" in done.out
    assert fairlead("revisions", "-w", small).out == "Nothing is published yet.\n"


def test_taking_values_out_of_sight_needs_a_second_word(fairlead: Run, published):
    """`--yes` says nothing about losing data."""
    edit(published, "schemas/lead.yaml", "  phone: {type: phone}\n", "")
    done = fairlead("apply", published, "--yes")
    assert done.status == 1
    assert "--allow-destructive" in done.err
    assert fairlead("apply", published, "--yes", "--allow-destructive").status == 0


def test_check_on_a_broken_workspace_says_where_and_what(fairlead: Run, small):
    """All problems at once, each with file, line and column, and what was perhaps meant."""
    edit(small, "schemas/lead.yaml", "type: phone", "type: phnoe")
    edit(small, "admin/rep.yaml", "lead: {", "laed: {")
    done = fairlead("check", small)
    assert done.status == 1
    assert done.out.splitlines() == [
        "admin/rep.yaml:5:3: grants.laed: there is no entity 'laed' (did you mean 'lead'?)",
        "schemas/lead.yaml:9:17: fields.phone.type: unknown type 'phnoe' (did you mean 'phone'?)",
    ]


def test_check_for_programs(fairlead: Run, small):
    edit(small, "schemas/lead.yaml", "type: phone", "type: phnoe")
    done = fairlead("check", small, "--format", "json")
    assert done.status == 1
    (problem,) = done.json["problems"]
    assert done.json["ok"] is False
    assert (problem["file"], problem["line"], problem["column"]) == ("schemas/lead.yaml", 9, 17)
    assert (problem["key"], problem["code"], problem["hint"]) == (
        "fields.phone.type",
        "unknown_type",
        "phone",
    )


def test_a_broken_workspace_is_neither_planned_nor_applied(fairlead: Run, small):
    edit(small, "schemas/lead.yaml", "type: phone", "type: phnoe")
    for words in (("plan", small), ("apply", small, "--yes")):
        done = fairlead(*words)
        assert done.status == 1
        assert "schemas/lead.yaml:9:17:" in done.err
    assert fairlead("revisions", "-w", small).out == "Nothing is published yet.\n"


def test_a_revision_that_does_not_exist(fairlead: Run, published, tmp_path):
    assert fairlead("rollback", 9, "-w", published).status == 1
    assert fairlead("export", tmp_path / "out", "-w", published, "--revision", 9).status == 1
