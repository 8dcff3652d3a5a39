"""References to what each workspace has for itself stand where they are read."""

from __future__ import annotations

from fairlead.config.checks.sources import Sources
from fairlead.config.references import astray


def references_are_read(sources: Sources) -> None:
    """A secret that is taken for words would be shown, and a person who is none would never be asked."""
    for node, reason in astray(sources.documents):
        sources.error("misplaced_reference", node, reason)
