"""Data steps of templates: which are still to be done here, and doing them as part of a publication (CF-75).

A step that was done is remembered in the transaction that did it, so it is done once, however often the same documents
are published. A workspace that begins with a template has nothing to fill: its steps count as done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType

from fairlead.base.clock import iso_utc, utc_now
from fairlead.compiled.changes import Change
from fairlead.fields.kind import both
from fairlead.model.governance import DataStep
from fairlead.model.workspace import Workspace
from fairlead.store import settings
from fairlead.store.database import Tx
from fairlead.store.operations import Operation
from fairlead.store.statements import Reads

_PREFIX = "data_step:"


def pending(where: Reads, workspace: Workspace) -> tuple[DataStep, ...]:
    """Return the steps of the workspace's templates that were never done here, in order."""
    steps = workspace.template.steps if workspace.template is not None else ()
    done = settings.below(where, _PREFIX) if steps else {}
    return tuple(step for step in steps if step.name not in done)


def done(where: Reads) -> dict[str, str]:
    """Return the names of the steps that were done, with when."""
    return {name: json.loads(text)["at"] for name, text in settings.below(where, _PREFIX).items()}


def with_fills(workspace: Workspace, steps: Sequence[DataStep]) -> Workspace:
    """Return the workspace whose fields say what the steps fill them with; what a field says itself comes first."""
    entities = dict(workspace.entities)
    for step in steps:
        entity = entities[step.entity]
        fields = dict(entity.fields)
        for name, value in step.fill.items():
            spec = fields[name]
            if spec.migration.backfill is None and not spec.migration.backfill_default:
                fields[name] = replace(spec, migration=replace(spec.migration, backfill=value))
        entities[step.entity] = replace(entity, fields=MappingProxyType(fields))
    return replace(workspace, entities=MappingProxyType(entities)) if steps else workspace


def changes(steps: Iterable[DataStep]) -> list[Change]:
    """Return the steps as a plan shows them, each asking how many records it fills."""
    return [
        Change(
            "change", ("template", *step.name.split("/", 1), name), "computes", None, value.text, step.span,
            both("fills what is empty, once", "填充空值，仅执行一次"), ("empty", step.entity, name),
        )
        for step in steps
        for name, value in step.fill.items()
    ]  # fmt: skip


def remembered(steps: Iterable[DataStep]) -> list[Operation]:
    """Return what makes that these steps are not done again."""
    return [
        Operation(
            "rewrite_values",
            "sys_setting",
            f"{_PREFIX}{step.name}",
            f"-- the step {step.name} is done",
            _remember(step),
        )
        for step in steps
    ]


def _remember(step: DataStep) -> Callable[[Tx], None]:
    def run(tx: Tx) -> None:
        settings.put(tx, f"{_PREFIX}{step.name}", json.dumps({"at": iso_utc(utc_now())}))

    return run
