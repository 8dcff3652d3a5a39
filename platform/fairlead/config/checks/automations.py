"""Automations: they end, and what starts them can happen."""

from __future__ import annotations

from fairlead.base.texts import listing
from fairlead.config.checks.graphs import rings, shown_ring
from fairlead.config.checks.sources import Sources, is_never
from fairlead.model.steps import CreateRecord, MoveRecord, SetFields, Step
from fairlead.model.workflows import Automation


def rules_that_call_themselves(sources: Sources) -> None:
    """An automation that does what starts it, with nothing to stop it, runs until the limit cuts it."""
    for rule in sources.workspace.automations.values():
        for index, step in enumerate(rule.steps):
            cause = _starts(rule, step, rule)
            if cause and not _stops_itself(rule, step):
                node = sources.node("automation", rule.name, "do", index)
                message = (
                    f"this {cause}, which starts the same automation again; give `when` a rule that stops it"
                )
                sources.error("loop", node, message)


def rules_in_circles(sources: Sources) -> None:
    """Automations that start each other, none of them under a condition, run until the limit cuts them."""
    rules = {rule.name: rule for rule in sources.workspace.automations.values() if rule.when is None}
    edges = {
        name: {
            other.name
            for other in rules.values()
            if other.name != name and any(_starts(rule, step, other) for step in rule.steps)
        }
        for name, rule in rules.items()
    }
    for ring in rings(edges):
        parts = {name: sources.node("automation", name, "do") for name in ring}
        message = f"these automations start each other: {shown_ring(parts)}; give one of them a `when`"
        sources.warn("loop", parts[ring[0]], message)


def rules_that_never_start(sources: Sources) -> None:
    """What starts an automation must be able to happen."""
    workspace = sources.workspace
    for rule in workspace.automations.values():
        entity = workspace.entities.get(rule.entity or "")
        if entity is None or not sources.sound("entity", entity.name):
            continue
        node = sources.node("automation", rule.name, "on")
        if rule.trigger.on in ("approved", "rejected") and not workspace.approvals_of(entity.name):
            if not _broken(sources, "approval"):
                message = f"no approval is about {entity.name}, so nothing is ever {rule.trigger.on}"
                sources.warn("never_started", node, message)
        elif rule.when is not None and is_never(rule.when):
            when = sources.node("automation", rule.name, "when")
            sources.warn("never_started", when, "this is never true, so the automation never runs")


def _broken(sources: Sources, kind: str) -> bool:
    return not sources.sound(kind, *sources.documents.get(kind, ()))


def _starts(rule: Automation, step: Step, other: Automation) -> str | None:
    """Return what `step` of `rule` does that starts `other`, or None."""
    trigger = other.trigger
    if isinstance(step, CreateRecord):
        created = trigger.on == "created" and step.entity == other.entity
        return f"creates a {step.entity}" if created else None
    if isinstance(step, SetFields | MoveRecord):
        target = rule.entity if step.target is None else step.target.type.entity
        if target != other.entity:
            return None
        if isinstance(step, MoveRecord):
            return f"enters {step.to}" if trigger.on == "entered" and trigger.stage == step.to else None
        again = step.values.keys() & (trigger.fields or step.values.keys())
        return f"sets {listing(sorted(again))}" if trigger.on == "updated" and again else None
    return None


def _stops_itself(rule: Automation, step: Step) -> bool:
    if isinstance(step, MoveRecord):
        # Entering the stage one is in already is no event.
        return step.target is None or rule.when is not None
    if rule.when is None:
        return False
    if isinstance(step, SetFields) and step.target is None:
        read = {path[0] for path in rule.when.uses}
        return bool(read & step.values.keys()) or bool(rule.when.uses_old)
    return True
