"""What a simulation answers: rows with ids, counts, and what has to be known about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from unicodedata import east_asian_width

from fairlead.base.texts import Label

MOST_SHOWN = 40
"""Rows of a table that a person reads; programs get all."""

WIDEST = 44

Stopped = Literal["records", "time"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a simulation looks."""

    records: int = 10_000
    seconds: float = 20.0


@dataclass(slots=True)
class Answer:
    """One answer. Rows are plain data; every row has the ids of what it is about.

    Attributes:
        about: `pool lead_pool`.
        base: The published revision that was compared with.
        columns: The keys of the rows in the order in which people read them.
        looked_at: How many records, approvals or events were looked at.
        stopped: Why not all of them were, where that is so.
        withheld: How many rows there are about records that the asker may not see.
    """

    about: str
    base: int
    at: str
    columns: tuple[str, ...]
    limits: Limits
    rows: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[Label] = field(default_factory=list)
    looked_at: int = 0
    stopped: Stopped | None = None
    withheld: int = 0

    def add(self, change: str, **values: Any) -> None:
        """Add a row of a kind of change, and count it."""
        self.counts[change] += 1
        self.rows.append({"change": change, **values})

    def note(self, en: str, zh: str) -> None:
        """Say something about the answer, once."""
        label = Label({"en": en, "zh": zh})
        if label not in self.notes:
            self.notes.append(label)

    def bounds(self) -> Label:
        """Return the sentence that says how far was looked."""
        most, seconds = f"{self.limits.records:,}", f"{self.limits.seconds:g}"
        looked = f"{self.looked_at:,}"
        en = f"Looked at {looked}; at most {most} and {seconds} s. Nothing was written."
        zh = f"已检查 {looked} 条（上限 {most} 条、{seconds} 秒），未写入任何数据。"
        if self.stopped == "records":
            en = f"Stopped at the limit: looked at the first {looked}. Nothing was written."
            zh = f"已达上限：仅检查了前 {looked} 条，未写入任何数据。"
        elif self.stopped == "time":
            en = f"Stopped after {seconds} s: looked at {looked}. Nothing was written."
            zh = f"已用满 {seconds} 秒：仅检查了 {looked} 条，未写入任何数据。"
        return Label({"en": en, "zh": zh})

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return the answer for programs."""
        return {
            "about": self.about, "base": self.base, "at": self.at, "columns": ["change", *self.columns],
            "counts": dict(self.counts), "rows": self.rows, "withheld": self.withheld,
            "notes": [note.get(lang) for note in self.notes], "looked_at": self.looked_at,
            "limits": {"records": self.limits.records, "seconds": self.limits.seconds}, "stopped": self.stopped,
            "said": self.bounds().get(lang),
        }  # fmt: skip

    def render(self, lang: str = "en") -> str:
        """Return the answer as a person reads it."""
        lines = [f"{self.about}, compared with revision {self.base}"]
        if self.counts:
            lines.append(", ".join(f"{name}: {count:,}" for name, count in sorted(self.counts.items())))
        else:
            lines.append("No difference." if lang == "en" else "没有差异。")
        if self.rows:
            lines += ["", *table(["change", *self.columns], self.rows[:MOST_SHOWN])]
            if len(self.rows) > MOST_SHOWN:
                lines.append(f"… and {len(self.rows) - MOST_SHOWN:,} more (--format json has all)")
        if self.withheld:
            lines.append(f"… and {self.withheld:,} about records that are not yours to see")
        lines += ["", *(f"* {note.get(lang)}" for note in self.notes), self.bounds().get(lang)]
        return "\n".join(lines)


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return rows as the lines of a table."""
    cells = [[_cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(_width(name), *(_width(row[at]) for row in cells)) for at, name in enumerate(columns)]
    lines = [_line(columns, widths), _line(["-" * width for width in widths], widths)]
    return [*lines, *(_line(row, widths) for row in cells)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Return how many places a text takes on a terminal; a Chinese character takes two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        value = value.get("name") or value.get("id")
    if isinstance(value, (list, tuple)):
        value = ", ".join(_cell(one) for one in value) or "-"
    text = " ".join(str(value).split())
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
