"""Rights: roles inherit one way, and whoever may open a report can see what it is about."""

from __future__ import annotations

from fairlead.base.texts import listing
from fairlead.config.checks.graphs import rings
from fairlead.config.checks.sources import Sources


def roles_inherit_one_way(sources: Sources) -> None:
    """Roles inherit in one direction only."""
    edges = {role.name: set(role.inherits) for role in sources.workspace.roles.values()}
    for ring in rings(edges):
        shown = " → ".join([*ring, ring[0]])
        for name in ring:
            sources.error(
                "cycle", sources.node("role", name, "inherits"), f"roles inherit from each other: {shown}"
            )


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
