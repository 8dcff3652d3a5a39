"""The format of documents: a number that is raised when a document would be read otherwise than before.

A workspace says it in `fairlead.yaml` (`format: 1`; nothing means 1). A program that does not know the format says so
and nothing else: what it would find wrong with the rest is not to be trusted (CF-53, acceptance 15).
"""

from __future__ import annotations

import fairlead
from fairlead.base.problems import Problem
from fairlead.config.reader import read
from fairlead.config.source import SETTINGS_FILE, SourceTree

FORMAT = 1
"""The newest format that this program reads."""


def too_new(tree: SourceTree) -> Problem | None:
    """Return the one problem of documents that a newer program wrote."""
    own = next((file for file in tree.files if file.path == SETTINGS_FILE), None)
    if own is None:
        return None
    reading = read(own.path, own.text)
    data = reading.data if isinstance(reading.data, dict) else {}
    given = data.get("format")
    if not isinstance(given, int) or isinstance(given, bool) or given <= FORMAT:
        return None
    message = (
        f"these documents have format {given}, written for a newer Fairlead; this is Fairlead "
        f"{fairlead.__version__}, which reads up to format {FORMAT}"
    )
    return Problem("format_too_new", ("format",), message, reading.span(("format",)))
