"""Templates: they build on each other in one direction."""

from __future__ import annotations

from fairlead.config.checks.graphs import rings, shown_ring
from fairlead.config.checks.sources import Sources


def templates_extend_one_way(sources: Sources) -> None:
    """A template that extends itself, through others perhaps, would have no beginning."""
    documents = sources.documents.get("template", {})
    edges = {name: {document.root.text("extends")} for name, document in documents.items()}
    for ring in rings(edges):
        parts = {name: sources.node("template", name, "extends") for name in ring}
        for part in parts.values():
            sources.error("cycle", part, f"templates extend each other: {shown_ring(parts)}")
