"""A good workspace, damaged at random: whatever is written, there is an answer and never a traceback."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from fairlead.base.problems import Problem
from fairlead.config.load import load
from fairlead.config.source import SourceTree

GOOD = SourceTree.from_folder(Path(__file__).parent / "good").mapping()
SCALARS = [
    *("null", "true", "no", "7", "-1", "1.5", "[]", "{}", "text", "''", "*a", "<<", "user"),
    *('"record.x"', "[1, {a: b}]", "{a: 1}", "2026-02-30"),
]
MARKS = ['"', "'", "{", "}", "[", "]", ":", "#", "&", "*", "!", "|", "\x00", "é", "="]


def misspell(word: str, rng: random.Random) -> str:
    if len(word) < 2:
        return word + "x"
    at = rng.randrange(len(word) - 1)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice([word[:at] + word[at + 1 :], swapped, word + word[-1], word.upper()])


def damage(text: str, rng: random.Random) -> str:
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    line = lines[at]
    match rng.randrange(9):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, line)
        case 2 if ":" in line:
            lines[at] = line[: line.index(":") + 1] + " " + rng.choice(SCALARS)
        case 3:
            words = line.split(" ")
            one = rng.randrange(len(words))
            words[one] = misspell(words[one], rng)
            lines[at] = " ".join(words)
        case 4:
            lines[at] = rng.choice(["  ", "\t", " "]) + line
        case 5:
            lines[at] = line.lstrip(" ")
        case 6:
            place = rng.randrange(len(text) + 1)
            return text[:place] + rng.choice(MARKS) + text[place:]
        case 7:
            return text[: rng.randrange(len(text) + 1)]
        case _:
            values = [part for part in line.replace("{", ",").replace("}", ",").split(",") if ":" in part]
            if values:
                part = rng.choice(values)
                lines[at] = line.replace(part, part[: part.index(":") + 1] + " " + rng.choice(SCALARS), 1)
    return "\n".join(lines)


def check(seed: int) -> None:
    rng = random.Random(seed)
    files = dict(GOOD)
    for _ in range(rng.choice([1, 1, 2, 5])):
        name = rng.choice(sorted(files))
        files[name] = damage(files[name], rng)
    if rng.random() < 0.1:
        del files[rng.choice(sorted(files))]
    loaded = load(SourceTree.from_mapping(files))
    assert (loaded.workspace is None) == loaded.problems.has_errors
    for problem in loaded.problems:
        assert isinstance(problem, Problem)
        assert problem.message
        if problem.span.file:
            lines = files[problem.span.file].count("\n") + 1
            assert 1 <= problem.span.line <= lines + 1, problem


@pytest.mark.parametrize("block", range(10))
def test_damaged_workspaces_are_answered(block):
    for seed in range(block * 30, block * 30 + 30):
        try:
            check(seed)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_damaged_workspaces_are_answered(block):
    for seed in range(10_000 + block * 250, 10_000 + block * 250 + 250):
        check(seed)
