"""Which automations have to be asked about an event: an index by entity and kind, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.model.workflows import Automation
from fairlead.model.workspace import Workspace

ANSWERS: Mapping[str, tuple[str, ...]] = {
    "create": ("created", "entered"),
    "import": ("created", "entered"),
    "convert": ("updated", "entered"),
    "update": ("updated", "entered"),
    "restore": ("updated",),
    "move": ("updated", "entered"),
    "merge": ("updated",),
    "claim": ("updated", "claimed"),
    "assign": ("updated", "claimed"),
    "release": ("updated", "released"),
    "reclaim": ("updated", "released"),
    "approve": ("updated", "entered", "approved"),
    "reject": ("updated", "entered", "rejected"),
}
"""Kind of event to the triggers that it may fire. Any other kind may fire `updated` and `entered`."""

_OTHERWISE = ("updated", "entered")


@dataclass(frozen=True, slots=True)
class Triggers:
    """The enabled automations, found by what starts them."""

    by_event: Mapping[tuple[str, str], tuple[Automation, ...]]
    """(entity, trigger) to the automations to ask, in document order."""
    by_date: Mapping[str, tuple[Automation, ...]]
    """Entity to the automations that wait for a date of its records."""
    schedules: tuple[Automation, ...]
    """Those that the clock alone starts."""
    _concerned: frozenset[str]

    def concern(self, entity: str) -> bool:
        """Say whether any automation looks at `entity`: most writes need not ask further."""
        return entity in self._concerned

    def of(self, entity: str, kind: str) -> tuple[tuple[str, Automation], ...]:
        """Return (trigger, automation) for those that an event of `kind` may start."""
        return tuple(
            (trigger, automation)
            for trigger in ANSWERS.get(kind, _OTHERWISE)
            for automation in self.by_event.get((entity, trigger), ())
        )

    def dates(self, entity: str) -> tuple[Automation, ...]:
        """Return the automations that wait for a date of records of `entity`."""
        return self.by_date.get(entity, ())


def build_triggers(workspace: Workspace) -> Triggers:
    """Return the index of a workspace's automations; those switched off are not in it."""
    by_event: dict[tuple[str, str], list[Automation]] = {}
    by_date: dict[str, list[Automation]] = {}
    schedules: list[Automation] = []
    for automation in workspace.automations.values():
        if not automation.enabled:
            continue
        kind = automation.trigger.on
        if kind == "schedule":
            schedules.append(automation)
        elif automation.entity is None:
            continue
        elif kind == "date":
            by_date.setdefault(automation.entity, []).append(automation)
        else:
            by_event.setdefault((automation.entity, kind), []).append(automation)
    return Triggers(
        by_event={key: tuple(found) for key, found in by_event.items()},
        by_date={key: tuple(found) for key, found in by_date.items()},
        schedules=tuple(schedules),
        _concerned=frozenset(by_date) | {entity for entity, _ in by_event},
    )
