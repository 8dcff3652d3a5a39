"""What the doctor says: one thing that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from fairlead.compiled.statement import prepare
from fairlead.work.context import Context

Level = Literal["error", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        code: Stable, for programs.
        level: An `error` needs somebody; a `note` is worth knowing.
        mend: Whether `mend` can put it right.
        about: What it is about: a table, an entity, a rule, a person.
        mended: Whether it has been put right.
    """

    code: str
    level: Level
    about: str
    message: str
    mend: bool = False
    mended: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "code": self.code, "level": self.level, "about": self.about, "message": self.message,
            "mendable": self.mend, "mended": self.mended,
        }  # fmt: skip


def counted(ctx: Context, text: str) -> int:
    """Return the number that a SELECT count(*) gives."""
    row = ctx.database.one(prepare(sa.text(text), ctx.database.dialect))
    return int(row[0]) if row else 0


def many(count: int, one: str) -> str:
    """Say how many of something there are."""
    return f"{count:,} {one if count == 1 else one + 's'}"
