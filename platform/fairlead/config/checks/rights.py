"""Rights: roles inherit one way, and whoever may open a report can see what it is about."""

from __future__ import annotations

from fairlead.base.texts import listing
from fairlead.config.checks.graphs import rings, shown_ring
from fairlead.config.checks.sources import Sources
from fairlead.config.document import Node
from fairlead.model.governance import Grant, Report


def roles_inherit_one_way(sources: Sources) -> None:
    """Roles inherit in one direction only."""
    edges = {role.name: set(role.inherits) for role in sources.workspace.roles.values()}
    for ring in rings(edges):
        parts = {name: sources.node("role", name, "inherits") for name in ring}
        for part in parts.values():
            sources.error("cycle", part, f"roles inherit from each other: {shown_ring(parts)}")


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


def family(sources: Sources, role: str) -> tuple[str, ...]:
    """Return a role with all it inherits from."""
    roles, found, todo = sources.workspace.roles, dict[str, None](), [role]
    while todo:
        name = todo.pop()
        if name in roles and name not in found:
            found[name] = None
            todo += roles[name].inherits
    return tuple(found)


def _grants(sources: Sources, role: str, entity: str) -> list[Grant]:
    roles = sources.workspace.roles
    found = (roles[name].grants.get(entity) for name in family(sources, role))
    return [grant for grant in found if grant is not None]


def may(sources: Sources, role: str, entity: str, action: str) -> bool:
    """Say whether a role, or one that it inherits from, is granted an action on any record of an entity."""
    return any(grant.scopes.get(action, "no") != "no" for grant in _grants(sources, role, entity))


def hidden_from(sources: Sources, role: str, entity: str) -> set[str]:
    """Return the fields that no grant of a role lets it see."""
    grants = [one for one in _grants(sources, role, entity) if one.scopes.get("read", "no") != "no"]
    hidden = [{name for name, right in grant.fields.items() if right == "hidden"} for grant in grants]
    return set.intersection(*hidden) if hidden else set()


def hidden_in_reports(sources: Sources) -> None:
    """A report over a field that its reader may not see shows that reader nothing."""
    workspace = sources.workspace
    for role in workspace.roles.values():
        granted = workspace.reports if role.reports == "all" else role.reports
        if not sources.sound("role", *family(sources, role.name)):
            continue
        for name in granted:
            report = workspace.reports.get(name)
            if report is None or not sources.sound("report", name):
                continue
            node = sources.node("role", role.name, "grants", "report")
            if not may(sources, role.name, report.entity, "read"):
                # Whoever may open every report may open some that show nothing; a report named is meant to be read.
                if role.reports != "all":
                    message = f"{role.name} may see the report {name!r}, but no record of {report.entity}"
                    sources.warn("unreadable_report", node, message)
                continue
            hidden = sorted(_read_by(report) & hidden_from(sources, role.name, report.entity))
            if hidden:
                message = f"the report {name!r} is over {listing(hidden)}, which {role.name} may not see"
                sources.warn("unreadable_report", node, message)


def _read_by(report: Report) -> set[str]:
    """Return the fields of its entity that a report groups by, adds up or filters by."""
    fields = {one.path[0] for one in report.dimensions} | {one.field for one in report.measures if one.field}
    rules = [report.filter, *(one.when for one in report.measures), *(one.of for one in report.measures)]
    return fields | {path[0] for rule in rules if rule is not None for path in rule.uses}


def audiences_can_read(sources: Sources) -> None:
    """A dashboard is made for some roles: each of them must see a tile of it, and each tile must have a reader.

    Who may not open a tile does not see it, so that several roles can share a dashboard.
    """
    for board in sources.workspace.dashboards.values():
        document = sources.documents["dashboard"][board.name]
        roles = {str(item.value): item for item in document.node("roles").items()} if board.roles else {}
        tiles = list(document.node("tiles").items())
        sound = all(sources.sound("role", *family(sources, role)) for role in roles)
        if not roles or not tiles or not sound:
            continue
        why = {(role, part.path): _closed(sources, role, part) for role in roles for part in tiles}
        for part in tiles:
            reasons = [why[role, part.path] for role in roles]
            if all(reasons):
                message = f"nobody for whom this dashboard is made may {reasons[0]}"
                sources.warn("unreadable_tile", part, message)
        for role, item in roles.items():
            if len(tiles) > 1 and all(why[role, part.path] for part in tiles):
                sources.warn("unreadable_tile", item, f"{role} may see nothing of what this dashboard shows")


def _closed(sources: Sources, role: str, tile: Node) -> str | None:
    """Return what keeps a role from seeing what a tile shows, or None."""
    workspace = sources.workspace
    report = workspace.reports.get(tile.text("report"))
    if report is not None and sources.sound("report", report.name):
        members = [workspace.roles[name] for name in family(sources, role)]
        if not any(one.reports == "all" or report.name in one.reports for one in members):
            return f"open the report {report.name!r}"
        return None if may(sources, role, report.entity, "read") else f"read a {report.entity}"
    shown = workspace.lists.get(tile.text("list"))
    if shown is not None and sources.sound("list", shown.name):
        return None if may(sources, role, shown.entity, "read") else f"read a {shown.entity}"
    return None


def movers_may_move(sources: Sources) -> None:
    """A move that is for some roles alone must be granted to them, and what its stage requires be visible to them."""
    for pipeline in sources.workspace.pipelines.values():
        required = {stage.name: stage.require for stage in pipeline.stages}
        document = sources.documents["pipeline"][pipeline.name]
        for part in document.node("moves").items():
            for item in part.each("roles"):
                role = str(item.value)
                if role not in sources.workspace.roles or not sources.sound("role", *family(sources, role)):
                    continue
                if not may(sources, role, pipeline.entity, "move"):
                    message = f"this move is for {role}, who may not move a {pipeline.entity}"
                    sources.warn("nobody_can_move", item, message)
                    continue
                hidden = hidden_from(sources, role, pipeline.entity)
                for name in required.get(part.text("to"), ()):
                    if name in hidden:
                        message = f"{part.text('to')!r} requires {name!r}, which {role} may not see"
                        sources.warn("required_but_hidden", item, message)
