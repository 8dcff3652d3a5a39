"""What became of the rows of a file: counted, and those that were not taken kept in a file of their own."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TextIO

from fairlead.base.texts import Label
from fairlead.work.mapping import LINE_COLUMN, REASON_COLUMN, Reason, RowMap, Target
from fairlead.work.sheets import Row

OnExisting = Literal["update", "skip", "quarantine"]
"""What happens to a row whose record is there already."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come."""

    done: int
    total: int
    quarantined: int


@dataclass(slots=True)
class ReasonCount:
    """One reason why rows were not taken: how many, and the first of them."""

    field: str
    code: str
    message: Label
    count: int
    line: int


@dataclass(slots=True)
class Summary:
    """What became of the rows of a file."""

    entity: str
    file: str
    total: int
    dry_run: bool = False
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    quarantined: int = 0
    reasons: dict[tuple[str, str], ReasonCount] = field(default_factory=dict)
    also_created: Counter[str] = field(default_factory=Counter)
    """Records of other entities that rows named and that were made on the way."""
    unused_columns: tuple[str, ...] = ()
    errors_file: str | None = None
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """How many rows have been looked at."""
        return self.created + self.updated + self.unchanged + self.skipped + self.quarantined

    def to_json(self, lang: str = "en") -> dict[str, Any]:
        """Return it for programs."""
        return {
            "entity": self.entity, "file": self.file, "dry_run": self.dry_run, "rows": self.total,
            "created": self.created, "updated": self.updated, "unchanged": self.unchanged, "skipped": self.skipped,
            "quarantined": self.quarantined,
            "reasons": [
                {"field": one.field, "code": one.code, "message": one.message.get(lang), "count": one.count,
                 "first_line": one.line}
                for one in sorted(self.reasons.values(), key=lambda one: -one.count)
            ],
            "also_created": dict(self.also_created), "unused_columns": list(self.unused_columns),
            "errors_file": self.errors_file, "seconds": round(self.seconds, 2),
        }  # fmt: skip


@dataclass(slots=True)
class Outcome:
    """What became of the rows of one batch; counted once the batch is durable."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0
    rejected: list[tuple[Row, list[Reason]]] = field(default_factory=list)
    also_created: Counter[str] = field(default_factory=Counter)

    def reject(self, row: Row, reasons: Sequence[Reason]) -> None:
        """Note that a row was not taken."""
        self.rejected.append((row, list(reasons)))


class Quarantine:
    """The file of rows that were not taken: their own columns, then the line and the reason."""

    def __init__(self, path: Path | None, header: Sequence[str], lang: str) -> None:
        self.path = path
        self._lang = lang
        self._places = [
            place for place, title in enumerate(header) if title not in (LINE_COLUMN, REASON_COLUMN)
        ]
        self._width = len(header)
        self._titles = [header[place] for place in self._places]
        self._file: TextIO | None = None
        self._writer: Any = None

    def add(self, row: Row, reasons: Sequence[Reason]) -> None:
        """Write one row; the file is made when the first one comes."""
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow([*self._titles, LINE_COLUMN, REASON_COLUMN])
        line, cells = row
        said = "; ".join(reason.text(self._lang) for reason in reasons)
        # Cells beyond the last title stand behind the reason: they are a part of what has to be mended.
        self._writer.writerow([*[cells[place] for place in self._places], line, said, *cells[self._width :]])

    def close(self) -> str | None:
        """Finish the file; return its name where there is one."""
        if self._file is None:
            return None
        self._file.close()
        return str(self.path)


class Taker:
    """What turns rows into something: records, people or teams."""

    target: Target

    def begin(self, rows: RowMap, on_existing: OnExisting) -> None:
        """Learn how rows are read."""
        raise NotImplementedError

    def take(self, rows: list[Row]) -> Outcome:
        """Take the rows of one batch."""
        raise NotImplementedError
