"""Pipelines: every stage can be reached and left, and what it requires can be filled in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fairlead.config.checks.sources import Sources
from fairlead.model.steps import MoveRecord, Step
from fairlead.model.workflows import Pipeline


def stages_and_traits(sources: Sources) -> None:
    """The trait `stages` and a pipeline belong together."""
    for entity in sources.workspace.entities.values():
        node = sources.node("entity", entity.name, "traits")
        has_pipeline = entity.name in sources.linker.stages
        if "stages" in entity.traits and not has_pipeline and entity.name not in sources.linker.hushed:
            sources.error(
                "missing_pipeline", node, f"{entity.name} has the trait `stages`, but no pipeline names it"
            )
    for pipeline in sources.workspace.pipelines.values():
        fields = sources.linker.fields.get(pipeline.entity, {})
        if "stage" not in fields and "stage" not in sources.linker.hushed:
            node = sources.node("pipeline", pipeline.name, "entity")
            sources.error("missing_trait", node, f"a pipeline needs the trait `stages` on {pipeline.entity}")


def stages_reached_and_left(sources: Sources) -> None:
    """A stage that nobody can reach, or an open one that nobody can leave, is probably a slip."""
    flows = [*sources.documents.get("approval", ()), *sources.documents.get("automation", ())]
    moving_soundly = sources.sound("approval", *flows) and sources.sound("automation", *flows)
    for pipeline in sources.workspace.pipelines.values():
        if pipeline.moves is None or not moving_soundly or not sources.sound("pipeline", pipeline.name):
            continue
        edges: dict[str, set[str]] = {stage.name: set() for stage in pipeline.stages}
        for move in pipeline.moves:
            for origin in move.from_:
                edges[origin].add(move.to)
        for source, target in _moves_by_steps(sources, pipeline):
            for one in edges if source is None else (source,):
                edges[one].add(target)
        reached, todo = {pipeline.initial}, [pipeline.initial]
        while todo:
            for name in edges[todo.pop()] - reached:
                reached.add(name)
                todo.append(name)
        for stage in pipeline.stages:
            node = sources.node("pipeline", pipeline.name, "stages", stage.name)
            if stage.name not in reached:
                sources.warn(
                    "unreachable_stage", node, f"no move leads to the stage {stage.name!r}", key=True
                )
            elif not edges[stage.name] and stage.outcome in ("open", "paused"):
                sources.warn(
                    "dead_end_stage", node, f"no move leads out of the stage {stage.name!r}", key=True
                )


def _moves_by_steps(sources: Sources, pipeline: Pipeline) -> Iterator[tuple[str | None, str]]:
    """Find the moves that approvals, automations, actions and other pipelines make."""
    workspace = sources.workspace
    known = {stage.name for stage in pipeline.stages}

    def moves(steps: Iterable[Step], entity: str | None) -> Iterator[str]:
        for step in steps:
            if isinstance(step, MoveRecord) and step.to in known:
                target = entity if step.target is None else step.target.type.entity
                if target == pipeline.entity:
                    yield step.to

    for flow in workspace.approvals.values():
        for steps in (
            flow.on_submitted,
            flow.on_approved,
            flow.on_rejected,
            flow.on_withdrawn,
            flow.on_returned,
        ):
            yield from ((None, to) for to in moves(steps, flow.entity))
        yield from ((None, to) for to in moves(flow.not_needed, flow.entity))
    for rule in workspace.automations.values():
        yield from ((None, to) for to in moves(rule.steps, rule.entity))
    for other in workspace.pipelines.values():
        for stage, entering in other.on_enter.items():
            origin = stage if other.name == pipeline.name else None
            yield from ((origin, to) for to in moves(entering, other.entity))
    for page in workspace.pages.values():
        if page.entity == pipeline.entity:
            yield from ((None, action.then_move) for action in page.actions if action.then_move in known)


def required_but_hidden(sources: Sources) -> None:
    """What a stage requires must be somewhere where people can fill it in."""
    workspace = sources.workspace
    for pipeline in workspace.pipelines.values():
        forms = [form for form in workspace.forms.values() if form.entity == pipeline.entity]
        shown = {name for form in forms for section in form.sections for name in section.fields}
        fields = sources.linker.fields.get(pipeline.entity, {})
        if not sources.sound("form", *(form.name for form in forms)):
            continue
        for stage in pipeline.stages:
            moves = [move for move in pipeline.moves or () if move.to == stage.name]
            asked = set.intersection(*[set(move.ask) for move in moves]) if moves else set()
            for index, name in enumerate(_listed(sources, pipeline.name, stage.name)):
                one = fields.get(name)
                if one is None or name in shown or name in asked or one.computed or one.origin != "document":
                    continue
                node = sources.node("pipeline", pipeline.name, "stages", stage.name, "require", index)
                message = f"{stage.name!r} requires {name!r}, but no form of {pipeline.entity} shows it"
                sources.warn("required_but_hidden", node, message)


def _listed(sources: Sources, pipeline: str, stage: str) -> list[str]:
    node = sources.node("pipeline", pipeline, "stages", stage, "require")
    if node is None or node.key != "require":
        return []
    return [str(item) for item in node.value] if isinstance(node.value, list) else [str(node.value)]


def required_not_in_form(sources: Sources) -> None:
    """A required field that no form shows and that has no default makes every new record fail."""
    for entity in sources.workspace.entities.values():
        forms = [form for form in sources.workspace.forms.values() if form.entity == entity.name]
        shown = {name for form in forms for section in form.sections for name in section.fields}
        for one in entity.fields.values():
            needed = one.required and not one.computed and one.default is None and one.kind != "sequence"
            if needed and one.origin == "document" and one.name not in shown:
                written = [form.name for form in forms if not form.derived]
                if written and sources.sound("form", *written):
                    message = f"no form shows the required field {one.name!r}"
                    sources.warn("required_but_hidden", sources.node("form", written[0], "entity"), message)
