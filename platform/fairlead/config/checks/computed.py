"""Fields that are worked out from others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fairlead.base.problems import KeyPath
from fairlead.config.checks.graphs import rings, shown_ring
from fairlead.config.checks.sources import Sources
from fairlead.config.document import Node
from fairlead.fields.spec import Field


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
        parts = {name: _computing(sources.node("entity", entity, *prefix, "fields", name)) for name in ring}
        shown = shown_ring(parts)
        for part in parts.values():
            code = "self_rollup" if len(ring) == 1 and part is not None and part.key == "rollup" else "cycle"
            sources.error(code, part, f"the computed fields lead back to themselves: {shown}")


def _computing(field: Node | None) -> Node | None:
    """Return what works a field out."""
    if field is None:
        return None
    return field.get("formula") or field.get("rollup") or field.get("lookup") or field
