"""Sound workspaces, damaged: whatever is written there is an answer, it is whole, and it is where the damage is.

A small part of what `make fuzz-config` and `make fuzz-roundtrip` do, with the same programs.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from fairlead.config.load import load
from fairlead.config.source import SourceTree, shipped

from tools.fuzz.judging import Verdict, judge, read_once
from tools.fuzz.mutants import mutant
from tools.fuzz.roundtrip import there_and_back
from tools.fuzz.scale import large
from tools.fuzz.workspaces import workspace

ROOT = Path(__file__).resolve().parents[2]
GOOD = SourceTree.from_folder(Path(__file__).parent / "good").mapping()
TEMPLATES = {name: shipped(ROOT, name).mapping() for name in ("general_sales", "real_estate")}


def judged(files: dict[str, str], seeds: range) -> list[Verdict]:
    """Judge some mutants; whatever is raised names its seed."""
    found = []
    with read_once(files):
        for seed in seeds:
            try:
                found.append(judge(mutant(files, seed)))
            except Exception as error:
                raise AssertionError(f"seed {seed}") from error
    return found


def well_answered(verdicts: list[Verdict]) -> None:
    assert [text for one in verdicts for text in one.incomplete] == []
    places = Counter(one.place for one in verdicts)
    assert places["line"] > 0.8 * (len(verdicts) - places["sound"])
    assert places["elsewhere"] <= 0.03 * (len(verdicts) - places["sound"]), [
        one.told for one in verdicts if one.told
    ]


@pytest.mark.parametrize("block", range(4))
def test_mutants_of_the_workspace_that_uses_every_key(block: int):
    well_answered(judged(GOOD, range(block * 25, block * 25 + 25)))


@pytest.mark.parametrize("template", TEMPLATES)
def test_mutants_of_a_shipped_template(template: str):
    well_answered(judged(TEMPLATES[template], range(20_000, 20_018)))


def test_a_seed_is_always_the_same_mutant():
    first, again = mutant(GOOD, 7), mutant(GOOD, 7)
    assert first == again
    assert first.files != GOOD


@pytest.mark.parametrize("seed", range(1, 14))
def test_a_sound_workspace_comes_back_as_it_was_published(database_url: str, tmp_path: Path, seed: int):
    """Published, exported, published again: nothing changes; nor when the export goes into another database."""
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    assert there_and_back(workspace(seed), [database_url, other], tmp_path) is None


def test_a_large_workspace_is_sound():
    """What `make measure-config` measures is a workspace that could be published."""
    assert load(SourceTree.from_mapping(large(6, 12))).problems.render() == ""
