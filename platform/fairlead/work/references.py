"""What documents leave to a workspace, looked up where they are published: a plan names what is missing (CF-53).

A secret never leaves the environment: plans, exports, revisions and the log hold its reference alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fairlead.base.texts import Label
from fairlead.compiled.changes import Change
from fairlead.config.load import Documents
from fairlead.config.references import SETTING, Reference, references
from fairlead.fields.kind import both
from fairlead.store.statements import Reads
from fairlead.work import posts


class Unset(LookupError):
    """A reference has no value in this workspace; `said` says what to set."""

    def __init__(self, said: Label) -> None:
        super().__init__(said.get("en"))
        self.said = said


def resolve(written: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the value of `${secret:name}` or `${env:name}` in this workspace.

    It is the environment's `FAIRLEAD_SECRET__NAME` (`FAIRLEAD_ENV__NAME`), or what the file that
    `FAIRLEAD_SECRET__NAME_FILE` names holds, without its last line end.

    Raises:
        Unset: It has none here; the message says what to set.
    """
    found = SETTING.fullmatch(written)
    if found is None:
        raise Unset(both(f"{written!r} is no reference", f"{written!r} 不是引用"))
    variable = f"FAIRLEAD_{found[1].upper()}__{found[2].upper()}"
    env = os.environ if environ is None else environ
    if env.get(variable):
        return env[variable]
    file = env.get(f"{variable}_FILE")
    try:
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n") if file else ""
    except (OSError, UnicodeDecodeError):
        text = ""
    if not text:
        raise Unset(both(
            f"{written} has no value here; set {variable} or {variable}_FILE",
            f"{written} 在此处没有值，请设置 {variable} 或 {variable}_FILE",
        ))  # fmt: skip
    return text


def unresolved(
    where: Reads, documents: Documents, *, first: bool, environ: Mapping[str, str] | None = None
) -> tuple[Change, ...]:
    """Return a blocked change for each reference that leads nowhere in this workspace, with its place.

    Args:
        first: Whether nothing is published yet: then there are no accounts, and a post must be filled but not held.
    """
    found = []
    for one in references(documents):
        reason = _lacks(where, one, first=first, environ=environ)
        if reason is not None:
            node = one.node
            path = (node.document.kind, node.document.name, *(str(part) for part in node.path))
            found.append(Change("change", path, "blocked", None, node.value, node.span, reason))
    return tuple(found)


def _lacks(where: Reads, one: Reference, *, first: bool, environ: Mapping[str, str] | None) -> Label | None:
    if one.kind != "post":
        try:
            resolve(one.node.value, environ)
        except Unset as error:
            return error.said
        return None
    named = posts.listing(where).get(one.name)
    if named is None:
        return both(
            f"nobody holds the post here; say who does: fairlead post fill {one.name} USERNAME",
            f"此处该岗位尚无人担任，请指定：fairlead post fill {one.name} USERNAME",
        )
    account = posts.holder(where, one.node.value)
    if not first and (account is None or not account.active):
        return both(
            f"{named!r}, who holds the post, has no open account; "
            f"name another: fairlead post fill {one.name} USERNAME",
            f"担任该岗位的 {named!r} 没有可用账号，请另行指定：fairlead post fill {one.name} USERNAME",
        )
    return None
