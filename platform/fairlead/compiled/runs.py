"""A running approval as values: what the store keeps and what decisions look at.

A *run* is one passage of one record through one flow. A *task* is the assignment of a seat to a holder; a seat is
known by (round, step, position), so a transfer closes one task and opens another on the same seat.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fairlead.base.texts import Label

RunState = Literal[
    "running", "returned", "suspended", "approved", "rejected", "withdrawn", "cancelled", "expired"
]
TaskState = Literal[
    "waiting", "open", "consulting", "approved", "rejected", "abstained", "returned", "transferred", "closed",
    "skipped", "removed", "cancelled",
]  # fmt: skip

LIVE: frozenset[RunState] = frozenset({"running", "returned", "suspended"})
FINAL: frozenset[RunState] = frozenset({"approved", "rejected", "withdrawn", "cancelled", "expired"})
UNDECIDED: frozenset[TaskState] = frozenset({"waiting", "open", "consulting"})
ACTIVE: frozenset[TaskState] = frozenset({"open", "consulting"})
VERDICTS: frozenset[TaskState] = frozenset({"approved", "rejected", "abstained", "returned"})


@dataclass(frozen=True, slots=True)
class Note:
    """One reason why a seat is as it is: where it came from, who was replaced, why it was skipped.

    Attributes:
        code: `source.role`, `self.to_manager`, `skipped.duplicate`, `closed.approved`, ...
        value: A name that belongs to the code: a role, a field, a level, a step.
        who: The person it is about, if it is about one.
    """

    code: str
    value: str = ""
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A seat in somebody's hands. `seen` is the decisive hash that the decision was made on."""

    id: str
    approval_id: str
    step: str
    round: int
    position: int
    weight: int
    original: str
    holder: str | None
    state: TaskState
    version: int
    opened_at: datetime | None
    decided_at: datetime | None = None
    due_at: datetime | None = None
    reminded_at: datetime | None = None
    actor: str | None = None
    """Who decided it; for a closed task, who decided the step."""
    on_behalf_of: str | None = None
    comment: str | None = None
    why: tuple[Note, ...] = ()
    changes: Mapping[str, object] | None = None
    """Field to [before, after], where the approver edited the record with the decision."""
    seen: str | None = None
    seen_version: int | None = None
    channel: str | None = None

    @property
    def seat(self) -> tuple[int, str, int]:
        """What stays the same when the task goes to somebody else."""
        return (self.round, self.step, self.position)


@dataclass(frozen=True, slots=True)
class Run:
    """One passage of one record through one flow, with all its tasks in the order in which they were made."""

    id: str
    flow: str
    entity: str
    record_id: str
    state: RunState
    round: int
    step: str | None
    starter: str
    started_at: datetime
    ended_at: datetime | None = None
    revision: int | None = None
    decisive_hash: str | None = None
    snapshot: Mapping[str, object] | None = None
    record_version: int | None = None
    previous: str | None = None
    reason: str | None = None
    """Why it is suspended: a code; `effect_failed:approved` names the outcome that could not take effect."""
    version: int = 1
    title: str | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it still stands between the record and an outcome."""
        return self.state in LIVE

    def task(self, task_id: str) -> Task | None:
        """Return one of its tasks, or None."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def seats(self, step: str, round: int | None = None) -> tuple[Task, ...]:
        """Return the task that stands for each seat of `step` in a round (the current one), by position."""
        wanted = self.round if round is None else round
        found = {
            task.position: task
            for task in self.tasks
            if task.step == step and task.round == wanted and task.state not in ("transferred", "removed")
        }
        return tuple(found[position] for position in sorted(found))


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened to a run. Written once, chained by hashes, never changed."""

    kind: str
    at: datetime
    actor: str | None
    on_behalf_of: str | None
    from_state: RunState | None
    to_state: RunState | None
    """None where the state stays as it was."""
    step: str | None
    round: int
    task_id: str | None
    note: Label | str | None
    data: Mapping[str, object]
