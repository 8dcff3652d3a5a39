"""The page of settings: every variable of the environment that the code reads."""

from __future__ import annotations

import re
from pathlib import Path

import fairlead

_WORDS = {
    "FAIRLEAD_DATABASE_URL": (
        "`sqlite:///` and a path, or `postgresql://USER:PASSWORD@HOST/NAME`.", "a SQLite file in the data folder",
    ),
    "FAIRLEAD_REDIS_URL": (
        "`redis://HOST:PORT/NUMBER`. With it, background work is done by `fairlead worker`.",
        "none; background work is done by the serving process",
    ),
    "FAIRLEAD_SECRET_KEY": (
        "Signs sessions. Several processes must share it.", "made once and kept in the data folder",
    ),
    "FAIRLEAD_DATA_DIR": ("Where the database file and attachments lie.", "`var` in the workspace"),
    "FAIRLEAD_WORKERS": ("How many jobs run at once.", "2"),
    "FAIRLEAD_SECURE_COOKIES": ("`1` where the pages are served over HTTPS.", "off"),
}  # fmt: skip
"""What each one takes, and what is so without it."""


def variables() -> list[str]:
    """Return the variables that the code names, in order."""
    package = Path(fairlead.__file__).parent
    found: set[str] = set()
    for path in sorted(package.rglob("*.py")):
        found |= set(re.findall(r"[\"'](FAIRLEAD_[A-Z_]+)[\"']", path.read_text("utf-8")))
    return sorted(found)


def described() -> set[str]:
    """Return the variables that have words."""
    return set(_WORDS)


def pages() -> dict[str, str]:
    """Return the page by name; KeyError for a variable that has no words."""
    lines = [
        "# Settings", "",
        "How a process runs is said by variables of the environment. What the workspace is (its languages, currency, zone)",
        "stands in [fairlead.yaml](documents/workspace.md).", "",
        "| variable | takes | without it |", "| --- | --- | --- |",
    ]  # fmt: skip
    lines += [f"| `{name}` | {_WORDS[name][0]} | {_WORDS[name][1]} |" for name in variables()]
    return {"settings.md": "\n".join(lines)}
