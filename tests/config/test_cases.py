"""Small broken workspaces: every fault is found, at its place, and nothing else is said.

Each folder under `cases/` has documents and `expected.txt` with one line `file:line:column code path`
for each finding. `python -m tests.config.test_cases` writes the lines anew; read the difference.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.config.load import load
from fairlead.config.source import SourceTree

CASES = Path(__file__).parent / "cases"
NAMES = sorted(folder.name for folder in CASES.iterdir())


def lines(folder: Path) -> list[str]:
    problems = load(SourceTree.from_folder(folder)).problems
    return [f"{one.span} {one.code} {one.key}".rstrip() for one in problems]


@pytest.mark.parametrize("name", NAMES)
def test_findings_of_a_broken_workspace(name):
    expected = (CASES / name / "expected.txt").read_text("utf-8").splitlines()
    assert lines(CASES / name) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_broken_workspace_is_not_handed_on(name):
    loaded = load(SourceTree.from_folder(CASES / name))
    assert loaded.problems.has_errors
    assert loaded.workspace is None


@pytest.mark.parametrize("name", NAMES)
def test_messages_are_sentences_about_the_thing(name):
    """A message names no Python, no place on the disk, and ends without a stop that a hint would follow."""
    for problem in load(SourceTree.from_folder(CASES / name)).problems:
        text = str(problem)
        assert str(CASES) not in text
        assert "Traceback" not in text
        assert "object at 0x" not in text
        assert problem.span.line >= 1
        assert problem.span.column >= 1


if __name__ == "__main__":
    for case in NAMES:
        (CASES / case / "expected.txt").write_text("\n".join(lines(CASES / case)) + "\n", "utf-8")
