"""What was published, when, by whom and why; and what changed from one to another."""

from __future__ import annotations

from typing import Any

from fairlead.compiled.changes import Change, compare
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.model.workspace import Workspace
from fairlead.store import revisions
from fairlead.store.database import Database


def history(database: Database, *, limit: int = 100) -> list[dict[str, Any]]:
    """Return the revisions, newest first."""
    return [
        {"number": one.number, "digest": one.digest, "at": one.at, "author": one.author, "message": one.message,
         "source": one.source, "engine": one.engine}
        for one in revisions.listing(database, limit=limit)
    ]  # fmt: skip


def difference(database: Database, older: int, newer: int) -> list[Change]:
    """Return what changed from one revision to another, by meaning.

    Raises:
        LookupError: One of them is not there, or is no longer readable.
    """
    found = []
    for number in (older, newer):
        workspace = _workspace_of(database, number)
        if workspace is None:
            raise LookupError(f"There is no revision {number}.")
        found.append(workspace)
    return compare(found[0], found[1])


def _workspace_of(database: Database, number: int) -> Workspace | None:
    files = revisions.files(database, number)
    return load(SourceTree.from_mapping(files)).workspace if files else None
