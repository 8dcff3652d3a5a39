"""A workspace's folder on disk: documents written whole, and which published documents it was last in step with.

`.fairlead/published` holds the digest of those documents, so it means the same wherever they are published, and
nothing at all to a database that never had them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fairlead.config.source import SourceTree
from fairlead.store.revisions import tree_digest

PUBLISHED = Path(".fairlead", "published")

_DIGEST = re.compile(r"[0-9a-f]{64}")


class InTheWay(Exception):
    """A folder holds documents that would be lost or mixed with others; the message names them."""


def write_file(path: Path, text: str) -> None:
    """Write a file whole: whoever reads it meanwhile sees the old text or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)


def write_documents(folder: Path, files: Mapping[str, str]) -> int:
    """Make `folder` hold exactly these documents; return how many of an earlier export were taken away.

    Raises:
        InTheWay: It holds documents that nobody exported, or that were changed since.
    """
    there = SourceTree.from_folder(folder).mapping()
    others = {path for path, text in there.items() if files.get(path) != text}
    if others and in_step(folder) != tree_digest(there):
        named = ", ".join(sorted(others)[:5]) + (", …" if len(others) > 5 else "")
        raise InTheWay(f"{folder} holds documents of its own ({named}); export into an empty folder")
    gone = [path for path in there if path not in files]
    for path in gone:
        (folder / path).unlink()
    for path, text in files.items():
        if there.get(path) != text:
            write_file(folder / path, text)
    keep_in_step(folder, files)
    return len(gone)


def in_step(folder: Path) -> str | None:
    """Return the digest of the published documents that the folder last held or was brought in step with."""
    try:
        text = (folder / PUBLISHED).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _DIGEST.fullmatch(text) else None


def keep_in_step(folder: Path, files: Mapping[str, str]) -> None:
    """Remember that the folder has taken these published documents into account."""
    write_file(folder / PUBLISHED, f"{tree_digest(files)}\n")


def lay(folder: Path, before: SourceTree, after: SourceTree) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write what differs into the folder; return the files written and deleted."""
    old, new = before.mapping(), after.mapping()
    written = tuple(path for path, text in new.items() if old.get(path) != text)
    deleted = tuple(path for path in old if path not in new)
    for path in written:
        write_file(folder / path, new[path])
    for path in deleted:
        (folder / path).unlink()
    return written, deleted


def without_questions(tree: SourceTree) -> SourceTree:
    """Return a folder's documents for a merge, which may begin while questions of an earlier one are open."""
    return SourceTree(tree.files, tuple(one for one in tree.problems if one.code != "unresolved_conflict"))
