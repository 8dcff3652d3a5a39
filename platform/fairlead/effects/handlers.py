"""What kinds of job there are, and what each one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fairlead.store.database import Tx
from fairlead.store.jobs import Job
from fairlead.work.context import Context

Inside = Callable[[Tx, Context, Job], str | None]
"""Does its work in the transaction that completes the job: both happen, or neither. Returns a line for the log."""

Outside = Callable[[Context, Job], str | None]
"""Opens transactions of its own, or reaches outside; it may run a second time after a crash and must bear that."""


@dataclass(slots=True)
class Handlers:
    """Kind of job to the function that does it."""

    inside: dict[str, Inside] = field(default_factory=dict)
    outside: dict[str, Outside] = field(default_factory=dict)

    def add_inside(self, kind: str, run: Inside) -> None:
        """Register work that is exactly one transaction."""
        self._refuse_second(kind)
        self.inside[kind] = run

    def add_outside(self, kind: str, run: Outside) -> None:
        """Register work that is more than one transaction."""
        self._refuse_second(kind)
        self.outside[kind] = run

    def _refuse_second(self, kind: str) -> None:
        if kind in self.inside or kind in self.outside:
            raise ValueError(f"there is a handler for {kind!r} already")
