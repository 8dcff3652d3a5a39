"""Approval flows: somebody decides, on every way through."""

from __future__ import annotations

from fairlead.config.checks.sources import Sources
from fairlead.config.document import Document


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
