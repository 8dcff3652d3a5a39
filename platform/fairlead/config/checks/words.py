"""Words in every language, leftovers, and bounds."""

from __future__ import annotations

from fairlead.base.texts import listing
from fairlead.config.checks.sources import Sources
from fairlead.config.document import Node

MAX_ENTITIES = 500


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
    """What only others make useful, and nobody names, is perhaps left over."""
    workspace, used = sources.workspace, sources.linker.used
    for kind in ("options", "message", "calendar"):
        documents = sources.documents.get(kind, {})
        for name, document in documents.items():
            # The only calendar there is counts everywhere, without being named.
            alone = kind == "calendar" and (len(documents) == 1 or name == workspace.calendar)
            if (kind, name) not in used and not alone and document.usable:
                sources.hint("unused", document.node("name"), f"nothing uses the {kind} {name!r}")
    roles = workspace.roles.values()
    if not roles or any(role.reports == "all" for role in roles) or not _whole(sources, "role"):
        return
    for name, document in sources.documents.get("report", {}).items():
        if not any(name in role.reports for role in roles) and name in workspace.reports:
            sources.hint("unused", document.node("name"), f"no role may open the report {name!r}")


def _whole(sources: Sources, kind: str) -> bool:
    return sources.sound(kind, *sources.documents.get(kind, ()))


def limits(sources: Sources) -> None:
    """Bounds that keep every page and query quick."""
    if len(sources.workspace.entities) > MAX_ENTITIES:
        last = list(sources.documents["entity"].values())[MAX_ENTITIES]
        count = len(sources.workspace.entities)
        sources.error(
            "too_many", last.node("name"), f"there are {count} entities; at most {MAX_ENTITIES} are read"
        )
