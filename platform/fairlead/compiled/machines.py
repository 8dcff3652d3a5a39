"""Pipelines as machines: from each stage, where may a record go, and under what conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fairlead.compiled.access import with_inherited
from fairlead.model.steps import Step
from fairlead.model.workflows import Move, Pipeline, Stage
from fairlead.model.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Machine:
    """One compiled pipeline. `moves[from][to]` is the move, or None where the plain rule allows it."""

    pipeline: Pipeline
    stages: Mapping[str, Stage]
    moves: Mapping[str, Mapping[str, Move | None]]

    @property
    def initial(self) -> str:
        """The stage a new record begins in."""
        return self.pipeline.initial

    def on_enter(self, stage: str) -> tuple[Step, ...]:
        """Return what happens when a record enters `stage`."""
        return tuple(self.pipeline.on_enter.get(stage, ()))


def build_machine(workspace: Workspace, pipeline: Pipeline) -> Machine:
    """Return the machine of `pipeline`.

    A move for a role is also for the roles that inherit from it, here as with grants and pools.

    Where the document names no moves: forward to any open stage, one step back, from any open stage to any
    closing one, and from a paused stage back to any open one.
    """
    stages = {stage.name: stage for stage in pipeline.stages}
    moves: dict[str, dict[str, Move | None]] = {name: {} for name in stages}
    if pipeline.moves is not None:
        for written in pipeline.moves:
            move = replace(written, roles=_with_heirs(workspace, written.roles)) if written.roles else written
            for from_ in move.from_ or tuple(stages):
                if from_ != move.to:
                    moves[from_][move.to] = move
        return Machine(pipeline, stages, moves)
    order = [stage.name for stage in pipeline.stages if stage.outcome == "open"]
    for stage in pipeline.stages:
        for target in pipeline.stages:
            if target.name == stage.name:
                continue
            if stage.outcome in ("won", "lost"):
                continue
            if (
                target.outcome != "open"
                or stage.outcome == "paused"
                or order.index(target.name) >= order.index(stage.name) - 1
            ):
                moves[stage.name][target.name] = None
    return Machine(pipeline, stages, moves)


def _with_heirs(workspace: Workspace, roles: tuple[str, ...]) -> tuple[str, ...]:
    heirs = [
        name
        for name in workspace.roles
        if name not in roles and any(role.name in roles for role in with_inherited(workspace, [name]))
    ]
    return (*roles, *heirs)
