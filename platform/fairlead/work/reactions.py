"""What follows from a write, handed to whoever runs it.

A record enters a stage, an approval ends: the configuration says what to do then, and doing it means to write again. The
writers cannot know the runner, which calls them; it makes itself known here when this room is first imported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fairlead.model.steps import Step

if TYPE_CHECKING:
    from fairlead.store.database import Tx
    from fairlead.work.context import Context

    StepRunner = Callable[[Tx, Context, Sequence[Step], str | None, str | None], object]

_runner: list[StepRunner] = []


def runs_steps(runner: StepRunner) -> StepRunner:
    """Make `runner` the one that does the steps of the configuration."""
    _runner[:] = [runner]
    return runner


def run_steps(tx: Tx, ctx: Context, steps: Sequence[Step], entity: str | None, record_id: str | None) -> None:
    """Do the steps that follow, in the caller's transaction."""
    _runner[0](tx, ctx, steps, entity, record_id)
