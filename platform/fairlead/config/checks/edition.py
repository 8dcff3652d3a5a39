"""What a document says and this edition does not act on: said aloud, and looked up as if it were."""

from __future__ import annotations

from fairlead.base.problems import KeyPath
from fairlead.config.build.steps import build_steps
from fairlead.config.build.workflows import build_approver
from fairlead.config.checks.sources import Sources
from fairlead.config.document import Document, Node
from fairlead.config.edition import LATER, NOTIFY_LATER, Later, matching
from fairlead.config.link import Linker, Where


def everything_is_carried_out(sources: Sources) -> None:
    """What is kept and not acted on is never silent, and its names and rules are checked all the same."""
    for kind, listed in LATER.items():
        for document in sources.documents.get(kind, {}).values():
            if not document.usable:
                continue
            told: set[KeyPath] = set()
            for later in listed:
                for node in matching(document.root, later.pattern):
                    _look_up(node, later, document, sources.linker)
                    if later.lacks and node.path not in told:
                        told.add(node.path)
                        _tell(sources, node, later.lacks)
    for kind in ("pipeline", "approval", "automation"):
        for document in sources.documents.get(kind, {}).values():
            if document.usable:
                _notices(sources, document.root)


def _tell(sources: Sources, node: Node, lacks: str) -> None:
    place = node.document.node("kind") if not node.path else node
    by_key = bool(node.path) and isinstance(node.value, dict | list)
    message = f"checked and kept, but this edition does not act on it yet: {lacks}"
    sources.warn("not_carried_out", place, message, key=by_key)


def _notices(sources: Sources, node: Node) -> None:
    """Find the `notify` steps anywhere in a document."""
    for key, part in node.entries():
        if key == "notify" and isinstance(part.value, dict):
            for outlet in part.each("by"):
                if outlet.value in NOTIFY_LATER:
                    _tell(sources, outlet, NOTIFY_LATER[str(outlet.value)])
        elif isinstance(part.value, dict):
            _notices(sources, part)
        elif isinstance(part.value, list):
            for item in part.items():
                _notices(sources, item)


def _look_up(node: Node, later: Later, document: Document, linker: Linker) -> None:
    entity = document.root.maybe("entity")
    if document.kind == "entity":
        entity = document.name
    if entity is not None and entity not in linker.fields:
        return
    match later.link:
        case "rule":
            parts = [part for _, part in node.entries()] if isinstance(node.value, dict) else [node]
            for part in parts:
                linker.rule(part, Where(entity))
        case "role":
            linker.names("role", node.items())
        case "calendar" | "pool" | "approval":
            linker.name(later.link, node)
        case "field":
            linker.field(entity, node)
        case "duration":
            linker.duration(node)
        case "steps":
            build_steps(node.items(), linker, Where(entity))
        case "approvers":
            for part in node.items():
                if entity is not None:
                    build_approver(part, linker, entity)
        case None:
            pass
