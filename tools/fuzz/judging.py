"""Judge what `check` says of a mutant: is every finding whole, and is one of them where the damage is?

Counting. A mutant that gives an error counts as found in place when one of its errors stands

* `line`: in the damaged file, within one line of the damage; where something was taken out, or moved to
  another parent, also at its parent, since what is missing stands nowhere (CF-10);
* `use`: elsewhere, at a place that uses what was taken away or renamed: the finding names it, or the line
  it points at has it. A file that no longer has what others rely on is wrong where they rely on it.

Both together are the share that is asked for; `line` alone is printed beside it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from fairlead.base.problems import Problem
from fairlead.config import load as loading
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.reading import Reading
from fairlead.config.source import SourceTree

from tools.fuzz.mutants import Mutant

WHOLE_FILE = frozenset(
    {
        "expected_mapping",
        "one_document_only",
        "too_large",
        "not_utf8",
        "tab_not_allowed",
        "control_character",
        "bad_json",
        "bad_yaml",
    }
)
"""Faults of a file as a whole may have no key: at that place none has been read."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one mutant. `place` is line, use, elsewhere, or sound where there was no error."""

    kind: str
    place: str
    seconds: float
    incomplete: tuple[str, ...]
    told: str = ""


@contextmanager
def read_once(files: Mapping[str, str]) -> Iterator[None]:
    """Keep what the sound files give when they are read: of a mutant, only the damaged one is read anew.

    Checking takes about half the time then; how long a whole check takes is measured without it.
    """
    known = {(name, text): read(name, text) for name, text in files.items()}

    def reading(name: str, text: str) -> Reading:
        found = known.get((name, text))
        return read(name, text) if found is None else found

    with patch.object(loading, "read", reading):
        yield


def judge(mutant: Mutant) -> Verdict:
    """Check a mutant; an exception goes up, since there may be none."""
    begun = time.process_time()
    loaded = load(SourceTree.from_mapping(mutant.files))
    seconds = time.process_time() - begun
    problems = loaded.problems
    assert (loaded.workspace is None) == problems.has_errors
    incomplete = tuple(str(one) for one in problems if not whole(one, mutant))
    errors = problems.errors
    if not errors:
        return Verdict(mutant.kind, "sound", seconds, incomplete)
    place = where(errors, mutant)
    told = "" if place != "elsewhere" else "\n    ".join(str(one) for one in errors[:4])
    return Verdict(mutant.kind, place, seconds, incomplete, told)


def whole(problem: Problem, mutant: Mutant) -> bool:
    """Say whether a finding names a file, a line and a column that are there, and its key."""
    text = mutant.files.get(problem.span.file)
    if text is None or not problem.message:
        return False
    lines = text.split("\n")
    fits = 1 <= problem.span.line <= len(lines) + 1 and problem.span.column >= 1
    if fits and problem.span.line <= len(lines):
        fits = problem.span.column <= len(lines[problem.span.line - 1]) + 2
    return fits and bool(problem.key or problem.code in WHOLE_FILE)


def where(errors: Sequence[Problem], mutant: Mutant) -> str:
    """Return where the nearest error is: line, use or elsewhere."""
    for one in errors:
        if one.span.file == mutant.file and any(abs(one.span.line - line) <= 1 for line in mutant.lines):
            return "line"
    for one in errors:
        if mutant.names & _names_near(one, mutant):
            return "use"
    return "elsewhere"


def _names_near(problem: Problem, mutant: Mutant) -> set[str]:
    lines = mutant.files[problem.span.file].split("\n")
    line = lines[problem.span.line - 1] if problem.span.line <= len(lines) else ""
    return set(re.findall(r"\w+", f"{problem.message} {line} {problem.key}"))
