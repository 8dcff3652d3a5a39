"""Approval flows: somebody decides, on every way through."""

from __future__ import annotations

from fairlead.config.checks.sources import Sources, is_never
from fairlead.config.document import Document
from fairlead.model.workflows import Approval


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
        _ways(sources, flow, document)
        if flow.nobody == "skip":
            message = "with nobody: skip a record may be approved without anybody having looked at it"
            sources.warn("unattended", document.node("nobody"), message)


def _ways(sources: Sources, flow: Approval, document: Document) -> None:
    """A step or a flow under a rule that never holds is written for nothing; a flow of such steps lets all through."""
    if flow.when is not None and is_never(flow.when):
        message = "this is never true, so nothing is ever asked and no step is ever reached"
        sources.warn("unreachable_step", document.node("start", "when"), message)
    nodes = {part.text("name"): part for part in document.node("steps").items()}
    for step in flow.steps:
        if step.when is not None and is_never(step.when) and step.name in nodes:
            message = f"this is never true, so the step {step.name!r} is never reached"
            sources.warn("unreachable_step", nodes[step.name].get("when"), message)
    if flow.steps and all(step.when is not None and is_never(step.when) for step in flow.steps):
        message = "no step is ever reached, so everything is approved without anybody having looked at it"
        sources.error("nobody_can_decide", document.node("steps"), message)


def _broken_inside(document: Document, key: str) -> bool:
    return any(path[0] == key for path in document.broken)
