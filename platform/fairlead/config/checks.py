"""Rules about the whole configuration: one function each, in one tuple."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from fairlead.base.problems import KeyPath, Level
from fairlead.base.texts import listing
from fairlead.config.document import Document, Node
from fairlead.config.link import Linker
from fairlead.fields.spec import Field
from fairlead.model.steps import CreateRecord, MoveRecord, SetFields, Step
from fairlead.model.workflows import Automation, Pipeline
from fairlead.model.workspace import Workspace

MAX_FIELDS = 500
MAX_ENTITIES = 500


@dataclass(frozen=True, slots=True)
class Sources:
    """A built workspace with the documents it came from; it may have holes where something was wrong."""

    workspace: Workspace
    documents: Mapping[str, Mapping[str, Document]]
    linker: Linker
    languages: tuple[str, ...]
    troubled: frozenset[str]
    """Files with errors; what is odd about the rest may only follow from them."""

    def sound(self, kind: str, *names: str) -> bool:
        """Say whether these documents are there (or derived) and free of errors."""
        found = (self.documents.get(kind, {}).get(name) for name in names)
        return all(document is None or document.path not in self.troubled for document in found)

    def node(self, kind: str, name: str, *path: str | int) -> Node | None:
        """Return the value in a document, or its nearest parent; None where there is no such document."""
        document = self.documents.get(kind, {}).get(name)
        return None if document is None else document.node(*path)

    def error(
        self, code: str, node: Node | None, message: str, hint: str | None = None, *, key: bool = False
    ) -> None:
        """Report an error."""
        if node is not None:
            self.linker.add(code, node, message, hint, key=key)

    def warn(self, code: str, node: Node | None, message: str, *, key: bool = False) -> None:
        """Report a warning."""
        if node is not None:
            self.linker.add(code, node, message, level=Level.warning, key=key)

    def hint(self, code: str, node: Node | None, message: str, *, key: bool = False) -> None:
        """Report a hint."""
        if node is not None:
            self.linker.add(code, node, message, level=Level.hint, key=key)


# ---------------------------------------------------------------- fields


def computed_in_circles(sources: Sources) -> None:
    """Formulas and roll-ups must not lead back to themselves."""
    for entity in sources.workspace.entities.values():
        edges = {name: _reads(one) & entity.fields.keys() for name, one in entity.fields.items()}
        _report_rings(sources, entity.name, (), edges)
        for table in entity.fields.values():
            if table.kind == "table":
                inner = {name: _own_reads(one) & table.fields.keys() for name, one in table.fields.items()}
                _report_rings(sources, entity.name, ("fields", table.name), inner)


def _own_reads(one: Field) -> set[str]:
    return set() if one.formula is None else {path[0] for path in one.formula.uses if len(path) == 1}


def _reads(one: Field) -> set[str]:
    found = set() if one.formula is None else {path[0] for path in one.formula.uses}
    if one.rollup is not None:
        found.add(one.rollup.source)
    return found


def _report_rings(sources: Sources, entity: str, prefix: KeyPath, edges: Mapping[str, Iterable[str]]) -> None:
    for ring in rings(edges):
        shown = " → ".join([*ring, ring[0]])
        for name in ring:
            node = sources.node("entity", entity, *prefix, "fields", name)
            part = (
                None
                if node is None
                else node.get("formula") or node.get("rollup") or node.get("lookup") or node
            )
            code = "self_rollup" if len(ring) == 1 and part is not None and part.key == "rollup" else "cycle"
            sources.error(code, part, f"the computed fields lead back to themselves: {shown}")


def rings(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return the circles of a graph, each once, beginning with its first name; no recursion, however long."""
    found: dict[frozenset[str], list[str]] = {}
    state: dict[str, int] = {}
    for start in sorted(edges):
        if state.get(start):
            continue
        way: list[str] = [start]
        state[start] = 1
        todo: list[Iterator[str]] = [iter(sorted(edges.get(start, ())))]
        while todo:
            following = next(todo[-1], None)
            if following is None:
                todo.pop()
                state[way.pop()] = 2
            elif state.get(following) == 1:
                ring = way[way.index(following) :]
                first = ring.index(min(ring))
                found.setdefault(frozenset(ring), ring[first:] + ring[:first])
            elif following in edges and not state.get(following):
                state[following] = 1
                way.append(following)
                todo.append(iter(sorted(edges.get(following, ()))))
    return list(found.values())


def names_alike(sources: Sources) -> None:
    """Two fields must differ in more than underscores, or people, files and columns mix them up."""
    for entity in sources.workspace.entities.values():
        seen: dict[str, str] = {}
        for name, one in entity.fields.items():
            node = sources.node("entity", entity.name, "fields", name)
            flat = name.replace("_", "")
            if name.endswith("_") and name.rstrip("_") in entity.fields:
                message = f"{name!r} differs from {name.rstrip('_')!r} by underscores at its end alone"
                sources.error("confusable_name", node, message, key=True)
            elif flat in seen and one.origin == "document":
                sources.warn(
                    "similar_name", node, f"{name!r} is easily mistaken for {seen[flat]!r}", key=True
                )
            seen.setdefault(flat, name)


def reserved_entities(sources: Sources) -> None:
    """Some names of entities would hide what the engine has under the same name."""
    for name in sources.workspace.entities:
        if "__" in name:
            message = f"the name {name!r} has two underscores together, which the names of line tables have"
            sources.error("reserved_name", sources.node("entity", name, "name"), message)
        if name in RESERVED_ENTITIES:
            message = f"the name {name!r} belongs to the engine; choose another"
            sources.error("reserved_name", sources.node("entity", name, "name"), message)


RESERVED_ENTITIES = frozenset(
    (
        *("user", "team", "report", "system", "record", "old", "now", "today", "pool", "role"),
        # These stand beside the entities in the addresses of the API.
        *("approvals", "config", "hooks", "me", "reports", "tasks", "tokens"),
    )
)


def renames(sources: Sources) -> None:
    """A former name may be claimed once, and not while it is still a name."""
    for entity in sources.workspace.entities.values():
        claimed: dict[str, str] = {}
        for one in entity.fields.values():
            for was in one.was:
                node = sources.node("entity", entity.name, "fields", one.name, "was")
                if was in claimed:
                    sources.error("duplicate_was", node, f"{claimed[was]!r} says already that it was {was!r}")
                elif was in entity.fields and not entity.fields[was].was:
                    sources.error("duplicate_was", node, f"{was!r} is still a field of its own")
                claimed.setdefault(was, one.name)
    for kind, documents in sources.documents.items():
        claims: dict[str, str] = {}
        for document in documents.values():
            for was in document.root.was() if document.usable else ():
                if was in claims or (was in documents and not documents[was].root.was()):
                    other = claims.get(was, was)
                    node = document.node("was")
                    sources.error("duplicate_was", node, f"the {kind} {other!r} has or had this name too")
                claims.setdefault(was, document.name)


# ---------------------------------------------------------------- stages


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


# ---------------------------------------------------------------- approvals, automations


def somebody_decides(sources: Sources) -> None:
    """A flow without a human step would let everything through, or nothing."""
    for flow in sources.workspace.approvals.values():
        document = sources.documents["approval"][flow.name]
        if not flow.steps and ("steps",) not in document.broken and not _broken_inside(document, "steps"):
            sources.error(
                "nobody_can_decide", document.node("steps"), "the flow has no step, so nobody can decide"
            )
        for index, step in enumerate(document.node("steps").items()):
            by = step.get("by")
            if by is not None and isinstance(by.value, list) and not by.value:
                message = f"step {step.text('name') or index!r} names nobody who could decide"
                sources.error("nobody_can_decide", by, message)
        if flow.nobody == "skip":
            message = "with nobody: skip a record may be approved without anybody having looked at it"
            sources.warn("unattended", document.node("nobody"), message)


def _broken_inside(document: Document, key: str) -> bool:
    return any(path[0] == key for path in document.broken)


def roles_inherit_one_way(sources: Sources) -> None:
    """Roles inherit in one direction only."""
    edges = {role.name: set(role.inherits) for role in sources.workspace.roles.values()}
    for ring in rings(edges):
        shown = " → ".join([*ring, ring[0]])
        for name in ring:
            sources.error(
                "cycle", sources.node("role", name, "inherits"), f"roles inherit from each other: {shown}"
            )


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
        shown = " → ".join([*ring, ring[0]])
        node = sources.node("automation", ring[0], "do")
        sources.warn("loop", node, f"these automations start each other: {shown}; give one of them a `when`")


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


# ---------------------------------------------------------------- rights, reports


def tiles_show_what_there_is(sources: Sources) -> None:
    """The measure or view that a tile names must be one of its report or list."""
    for board in sources.workspace.dashboards.values():
        document = sources.documents["dashboard"][board.name]
        for part in document.node("tiles").items():
            report = sources.workspace.reports.get(part.text("report"))
            measure, view = part.get("measure"), part.get("view")
            if report is not None and measure is not None and sources.sound("report", report.name):
                names = [one.name for one in report.measures]
                if measure.value not in names:
                    sources.linker.unknown("measure", measure, measure.value, names)
            found = sources.workspace.lists.get(part.text("list"))
            if found is not None and view is not None and sources.sound("list", found.name):
                views = [one.name for one in found.views]
                if view.value not in views:
                    sources.linker.unknown("view", view, view.value, views)


def hidden_in_reports(sources: Sources) -> None:
    """A report over a field that its reader may not see shows that reader nothing."""
    workspace = sources.workspace
    for role in workspace.roles.values():
        granted = workspace.reports if role.reports == "all" else role.reports
        for name in granted:
            report = workspace.reports.get(name)
            grant = None if report is None else role.grants.get(report.entity)
            if report is None or not sources.sound("role", role.name) or not sources.sound("report", name):
                continue
            node = sources.node("role", role.name, "grants", "report")
            if (grant is None or grant.scopes.get("read", "no") == "no") and role.reports != "all":
                message = f"{role.name} may see the report {name!r}, but no record of {report.entity}"
                sources.warn("unreadable_report", node, message)
            elif grant is not None:
                paths = {one.path[0] for one in report.dimensions} | {
                    one.field for one in report.measures if one.field
                }
                hidden = [field for field in sorted(paths) if grant.fields.get(field) == "hidden"]
                if hidden:
                    message = f"the report {name!r} is over {listing(hidden)}, which {role.name} may not see"
                    sources.warn("unreadable_report", node, message)


# ---------------------------------------------------------------- words and leftovers


def labels_in_all_languages(sources: Sources) -> None:
    """A label in some of the workspace's languages should be in all of them."""
    wanted = list(sources.languages)
    if len(wanted) < 2:
        return
    for documents in sources.documents.values():
        for document in documents.values():
            if document.usable:
                _labels(sources, document.root, wanted)


_LABEL_KEYS = frozenset({"label", "plural", "help", "placeholder", "message", "text"})


def _labels(sources: Sources, node: Node, wanted: list[str]) -> None:
    for key, part in node.entries():
        if isinstance(part.value, dict):
            if (
                key in _LABEL_KEYS
                and part.value
                and all(isinstance(text, str) for text in part.value.values())
            ):
                missing = [lang for lang in wanted if lang not in part.value]
                if missing and part.value.keys() & set(wanted):
                    sources.warn(
                        "missing_language", part, f"there is no text for {listing(missing)}", key=True
                    )
            _labels(sources, part, wanted)
        elif isinstance(part.value, list):
            for item in part.items():
                _labels(sources, item, wanted)


def nothing_unused(sources: Sources) -> None:
    """A set of options, report or dashboard that nothing names is perhaps left over."""
    for kind in ("options", "board"):
        for name, document in sources.documents.get(kind, {}).items():
            if (kind, name) not in sources.linker.used and kind == "options":
                sources.hint("unused", document.node("name"), f"nothing uses the {kind} {name!r}")


def limits(sources: Sources) -> None:
    """Bounds that keep every page and query quick."""
    if len(sources.workspace.entities) > MAX_ENTITIES:
        last = list(sources.documents["entity"].values())[MAX_ENTITIES]
        count = len(sources.workspace.entities)
        sources.error(
            "too_many", last.node("name"), f"there are {count} entities; at most {MAX_ENTITIES} are read"
        )


Check = Callable[[Sources], None]

CHECKS: tuple[Check, ...] = (
    computed_in_circles,
    names_alike,
    reserved_entities,
    renames,
    stages_and_traits,
    stages_reached_and_left,
    required_but_hidden,
    required_not_in_form,
    somebody_decides,
    roles_inherit_one_way,
    rules_that_call_themselves,
    rules_in_circles,
    tiles_show_what_there_is,
    hidden_in_reports,
    labels_in_all_languages,
    nothing_unused,
    limits,
)
