"""Names: distinct, not the engine's own, and former ones claimed once."""

from __future__ import annotations

from fairlead.config.checks.sources import Sources


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
