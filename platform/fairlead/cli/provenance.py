"""Where a folder's documents come from: a commit of git, where the folder is in a work tree."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from fairlead.config.source import FOLDERS, SETTINGS_FILE

# Looking at a folder runs no program that the folder names.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a revision came: `git` with its commit, else `cli`."""

    source: str
    commit: str | None = None


def provenance(folder: Path) -> Provenance:
    """Return the commit that `folder` stands at; a `+` behind it when documents were changed since (CF-50)."""
    head = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if head is None:
        return Provenance("cli")
    tracked = _git(folder, "ls-files", "--", SETTINGS_FILE, *FOLDERS)
    if not tracked:
        return Provenance("cli")  # the folder lies in a work tree of something else
    changed = _git(folder, "status", "--porcelain", "--", SETTINGS_FILE, *FOLDERS)
    return Provenance("git", f"{head}+" if changed else head)


def is_ancestor(folder: Path, commit: str) -> bool:
    """Whether what `folder` stands at came from `commit` (or is it)."""
    return _git(folder, "merge-base", "--is-ancestor", commit.removesuffix("+"), "HEAD") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - git alone, with arguments and never a shell
            [*_GIT, "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
