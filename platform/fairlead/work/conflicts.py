"""Questions that a merge leaves open, as small files in `conflicts/`, and the answers that people write into them.

An answer counts for exactly the values it was given for: when one of them has changed since, it is asked again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from fairlead.config import notation, writer
from fairlead.config.lookup import ABSENT
from fairlead.config.merge import Conflict
from fairlead.config.reader import read
from fairlead.config.source import CONFLICTS
from fairlead.work.folders import write_file

Side = Literal["template", "published"]
"""With whom yours is merged: a newer template, or what was published meanwhile."""

_COMMANDS: Mapping[Side, str] = {"template": "fairlead upgrade", "published": "fairlead pull"}


def ask(folder: Path, conflicts: Sequence[Conflict], side: Side) -> tuple[str, ...]:
    """Write a file for each conflict and return their names; questions that are none any more go."""
    here = folder / CONFLICTS
    open_ones = {_file_name(conflict): conflict for conflict in conflicts}
    for name, conflict in open_ones.items():
        write_file(here / name, _question(conflict, side))
    for path in here.glob("*.yaml"):
        data = read(path.name, path.read_text(encoding="utf-8")).data
        ours = isinstance(data, dict) and _side(data) == side
        if ours and path.name not in open_ones and not data.get("take"):
            path.unlink()
    return tuple(f"{CONFLICTS}/{name}" for name in open_ones)


def answers(folder: Path, side: Side) -> dict[str, dict[str, Any]]:
    """Return what people have said, by the path of the conflict."""
    found = {}
    for path in sorted((folder / CONFLICTS).glob("*.yaml")):
        data = read(path.name, path.read_text(encoding="utf-8")).data
        if isinstance(data, dict) and _side(data) == side and data.get("take") in ("yours", side):
            found[str(data.get("at"))] = data
    return found


def answer(conflict: Conflict, said: Mapping[str, Mapping[str, Any]], side: Side) -> str | None:
    """Return what was said about this very conflict, as `merge` asks for it."""
    one = said.get(conflict.path)
    if one is None:
        return None
    for name, value in (("yours", conflict.yours), (side, conflict.template)):
        given = one.get(name, ABSENT)
        if (given is ABSENT) != (value is ABSENT) or (value is not ABSENT and not writer.same(given, value)):
            return None
    return "yours" if one["take"] == "yours" else "template"


def forget(folder: Path, side: Side) -> None:
    """Take the files away when nothing is open any more."""
    here = folder / CONFLICTS
    for path in here.glob("*.yaml"):
        data = read(path.name, path.read_text(encoding="utf-8")).data
        if isinstance(data, dict) and _side(data) == side:
            path.unlink()
    if here.is_dir() and not any(here.iterdir()):
        here.rmdir()


def _side(data: Mapping[str, Any]) -> Side:
    return "published" if data.get("with") == "published" else "template"


def _file_name(conflict: Conflict) -> str:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", conflict.path)
    if len(plain) > 80 or plain != conflict.path:
        plain = f"{plain[:70]}.{hashlib.sha256(conflict.path.encode()).hexdigest()[:8]}"
    return f"{plain}.yaml"


def _question(conflict: Conflict, side: Side) -> str:
    values = {"base": conflict.base, "yours": conflict.yours, side: conflict.template}
    data = {"at": conflict.path, "with": side, "reason": conflict.reason}
    data |= {name: value for name, value in values.items() if value is not ABSENT}
    lines = [
        f"# Write yours or {side} behind `take:`, then run `{_COMMANDS[side]}` again.",
        *notation.lines(data, 0),
        *[f"# {name}: not there" for name, value in values.items() if value is ABSENT],
        "take:",
    ]
    return "\n".join(lines) + "\n"
