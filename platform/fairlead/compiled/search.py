"""Words as search terms: every pair of neighbouring characters, so that any part of a word finds it.

Chinese has no spaces and its words are two characters long; a name is looked up by its middle as often as by its
beginning. Text is folded (width, case), cut into runs of letters and digits, and each run is kept as its
overlapping pairs, with positions. A run of the query is then a phrase of pairs, which says exactly "contains".
Chinese text is also kept by its sound (whole pinyin and initials).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from fairlead.fields.folding import fold, pinyin_keys

MAX_CHARACTERS = 1500
"""Of one record; positions in a text-search vector are bounded."""

_RUNS = re.compile(r"[^\W_]+")
_HAN = re.compile(r"[\u3400-\u9fff]")


def runs(texts: Iterable[str]) -> list[str]:
    """Return the folded runs of letters and digits in `texts`, those of their sound included."""
    found: list[str] = []
    left = MAX_CHARACTERS
    for text in texts:
        folded = fold(text)[:left]
        left -= len(folded)
        found += _RUNS.findall(folded)
        if _HAN.search(folded):
            found += pinyin_keys(folded[:60])
        if left <= 0:
            break
    return found


def index_terms(texts: Iterable[str], dialect: str) -> str:
    """Return what is kept of a record: words for FTS5, or a text-search vector for PostgreSQL."""
    if dialect == "sqlite":
        # A run ends with a term that no query makes, so that a phrase never crosses into the next run.
        return " zzz0 ".join(" ".join(_pairs(run)) for run in runs(texts))
    terms: list[str] = []
    position = 1
    for run in runs(texts):
        for pair in _pairs(run):
            terms.append(f"'{pair}':{position}")
            position += 1
        position += 1
    return " ".join(terms)


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run))]


def query(text: str, dialect: str) -> str | None:
    """Return the query that finds records containing every run of `text`; None when there is nothing to look for."""
    found = _wanted(text)
    if not found:
        return None
    if dialect == "sqlite":
        return " AND ".join(
            f'"{run}"*' if len(run) == 1 else '"' + " ".join(_grams(run)) + '"' for run in found
        )
    return " & ".join(
        f"'{run}':*" if len(run) == 1 else "(" + " <-> ".join(f"'{pair}'" for pair in _grams(run)) + ")"
        for run in found
    )


def parameters(text: str, dialect: str) -> dict[str, object] | None:
    """Return what a search binds: the query, and the words themselves for those who may not see every field that is
    searched; None when there is nothing to look for.
    """
    terms = query(text, dialect)
    return None if terms is None else {"p_search": terms, "p_words": json.dumps(_wanted(text))}


def _wanted(text: str) -> list[str]:
    return _RUNS.findall(fold(text)[:200])[:8]


def _grams(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]
