"""Names: distinct, not the engine's own, and former ones claimed once."""

from __future__ import annotations

from collections.abc import Mapping

from fairlead.config.checks.sources import Sources
from fairlead.config.document import Node


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
    """A former name may be claimed once, and not while it is still a name (CF-3)."""
    for documents in sources.documents.values():
        usable = {name: document.root for name, document in documents.items() if document.usable}
        _claimed_once(sources, usable)
        for root in usable.values():
            _inside(sources, root)


_PARTS = ("fields", "stages", "steps", "options")
"""Keys under which things stand that have names, and had others: as a mapping, or as a list with `name`."""


def _inside(sources: Sources, node: Node) -> None:
    for key in _PARTS:
        listed = node.get(key)
        if listed is None or not isinstance(listed.value, dict | list):
            continue
        parts = dict(listed.entries()) if isinstance(listed.value, dict) else _by_name(listed)
        _claimed_once(sources, parts)
        for part in parts.values():
            _inside(sources, part)


def _by_name(listed: Node) -> dict[str, Node]:
    return {item.text("name"): item for item in listed.items() if item.text("name")}


def _claimed_once(sources: Sources, parts: Mapping[str, Node]) -> None:
    claimed: dict[str, tuple[str, Node]] = {}
    for name, part in parts.items():
        for item in part.each("was"):
            was = str(item.value)
            earlier = claimed.setdefault(was, (name, item))
            if earlier[1] is not item:
                message = f"{earlier[0]!r} says already that it was {was!r}, at {earlier[1].span}"
                sources.error("duplicate_was", item, message)
            elif was in parts and parts[was].get("was") is None:
                message = f"{was!r} is still in use for another one, at {parts[was].key_span}"
                sources.error("duplicate_was", item, message)
