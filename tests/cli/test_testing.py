"""`fairlead test` and `check --tests`: what they print, and with which status they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit

TEST = """\
kind: test
name: own_leads
given:
  people: {rui: {roles: rep}, sana: {roles: rep}}
  records:
    - {entity: lead, key: lin, as: rui, with: {name: Lin}}
then:
  - {visible: lin, to: rui}
  - {invisible: lin, to: sana}
"""
OTHER = TEST.replace("own_leads", "names").replace(
    "  - {visible: lin, to: rui}\n  - {invisible: lin, to: sana}\n", "  - {record: lin, has: {name: Lin}}\n"
)


@pytest.fixture
def tested(small: Path) -> Path:
    """The small workspace with two tests."""
    for name, text in {"own_leads": TEST, "names": OTHER}.items():
        (small / "admin" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return small


def test_tests_that_pass_end_well(fairlead: Run, tested: Path):
    answer = fairlead("test", tested)
    assert answer.status == 0
    assert answer.out.startswith("2 tests passed in ")
    assert not (tested / "var").exists()


def test_a_failing_test_ends_with_1_and_names_the_line(fairlead: Run, tested: Path):
    edit(tested, "admin/rep.yaml", "read: own", "read: all")
    answer = fairlead("test", tested)
    assert answer.status == 1
    assert answer.out.splitlines()[:2] == [
        "own_leads: failed",
        "  admin/own_leads.yaml:9:5: lin: expected sana does not see it, found sana sees it",
    ]
    assert "1 of 2 tests failed" in answer.out


def test_one_of_them_and_json(fairlead: Run, tested: Path):
    edit(tested, "admin/rep.yaml", "read: own", "read: all")
    assert fairlead("test", tested, "--only", "names").status == 0
    answer = fairlead("test", tested, "--format", "json")
    assert [(one["name"], one["passed"]) for one in answer.json["tests"]] == [
        ("names", True),
        ("own_leads", False),
    ]
    (finding,) = answer.json["tests"][1]["findings"]
    assert (finding["file"], finding["line"]) == ("admin/own_leads.yaml", 9)
    assert fairlead("test", tested, "--only", "name").status == 1


def test_documents_with_errors_are_not_tried(fairlead: Run, tested: Path):
    edit(tested, "admin/own_leads.yaml", "to: sana", "to: sanna")
    answer = fairlead("test", tested)
    assert (answer.status, answer.out) == (1, "")
    assert "there is no person 'sanna' in this test (did you mean 'sana'?)" in answer.err


def test_check_runs_them_when_it_is_asked_to(fairlead: Run, tested: Path):
    edit(tested, "admin/rep.yaml", "read: own", "read: all")
    assert fairlead("check", tested).status == 0
    answer = fairlead("check", tested, "--tests")
    assert answer.status == 1
    assert "admin/own_leads.yaml:9:5: test own_leads: lin: expected sana does not see it" in answer.out
    sarif = fairlead("check", tested, "--tests", "--format", "sarif")
    assert sarif.json["runs"][0]["results"][0]["ruleId"] == "test_failed"
