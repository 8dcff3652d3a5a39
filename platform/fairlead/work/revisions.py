"""What was published, when, by whom and why; what changed from one to another; since when a value is as it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fairlead.compiled.changes import Change
from fairlead.config import writer
from fairlead.config.load import Loaded, load
from fairlead.config.lookup import ABSENT, address_of, value_at
from fairlead.config.reader import read
from fairlead.config.source import SourceTree
from fairlead.store import identities, revisions
from fairlead.store.database import Database
from fairlead.store.revisions import Revision
from fairlead.work.differing import differences
from fairlead.work.planning import Plan

Side = int | SourceTree
"""A published revision by its number, or documents that are not published."""


def history(database: Database, *, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return the revisions, newest first, those before `before` only."""
    return [summary(one) for one in revisions.listing(database, before=before, limit=limit)]


def summary(one: Revision) -> dict[str, Any]:
    """Return a revision as a line of a list."""
    return {
        "number": one.number, "digest": one.digest, "at": one.at, "author": one.author, "message": one.message,
        "source": one.source, "commit": one.git_commit, "engine": one.engine,
    }  # fmt: skip


def details(database: Database, number: int) -> dict[str, Any]:
    """Return all that is kept about a revision, its files by their names and digests (CF-50).

    Raises:
        LookupError: There is no such revision.
    """
    one = revisions.by_number(database, number)
    if one is None:
        raise _none(number)
    files = revisions.files(database, number)
    return {
        **summary(one),
        "plan": one.plan,
        "result": json.loads(one.result) if one.result else None,
        "files": {path: revisions.text_digest(text) for path, text in files.items()},
    }


def outcome(plan: Plan) -> str:
    """Return what carrying out a plan did, as a revision keeps it."""
    grades = Counter(change.grade for change in plan.changes)
    return json.dumps({"changes": dict(sorted(grades.items())), "statements": len(plan.operations)})


def documents(database: Database, number: int | None = None) -> tuple[int, dict[str, str]]:
    """Return a revision's number and its documents, path to text; the newest one when no number is given.

    Raises:
        LookupError: There is no such revision.
    """
    found = number if number is not None else revisions.current_number(database)
    files = revisions.files(database, found) if found is not None else {}
    if found is None or not files:
        raise LookupError("Nothing is published yet.") if number is None else _none(number)
    return found, files


def _none(number: int) -> LookupError:
    return LookupError(f"There is no revision {number}.")


# ---------------------------------------------------------------- what changed


def difference(database: Database, older: Side, newer: Side) -> list[Change]:
    """Return what changed from one side to the other, by kind and path and not by text (CF-51).

    What has another name is one change, and its parts are compared under their new names.

    Raises:
        LookupError: One of them is not there, has errors, or is no longer readable.
    """
    before, after = _tree(database, older), _tree(database, newer)
    one, two = _loaded(before, older), _loaded(after, newer)
    return differences(before, one, two)


def _tree(database: Database, side: Side) -> SourceTree:
    return SourceTree.from_mapping(documents(database, side)[1]) if isinstance(side, int) else side


def _loaded(tree: SourceTree, side: Side) -> Loaded:
    found = load(tree)
    if found.workspace is None:
        what = (
            "The revision can no longer be read by this version of the program"
            if isinstance(side, int)
            else "The documents have errors; mend them first (fairlead check)"
        )
        raise LookupError(f"{what}:\n{found.problems.render()}")
    return found


# ---------------------------------------------------------------- since when


@dataclass(frozen=True, slots=True)
class Said:
    """A revision that gave a value. `ABSENT` stands for what was not there."""

    revision: Revision
    path: str
    """Its path then; renames are followed."""
    old: Any
    new: Any

    def to_json(self) -> dict[str, Any]:
        """Return it for programs; what was not there has no key."""
        found = {**summary(self.revision), "path": self.path}
        return found | {
            name: value for name, value in (("old", self.old), ("new", self.new)) if value is not ABSENT
        }


def blame(database: Database, path: str) -> Iterator[Said]:
    """Yield the revisions that gave the value at `path`, the last one first (CF-51).

    Args:
        path: Such as `entity.car.fields.colour.label`, by its name of today.

    Raises:
        LookupError: It was never published under that name.
    """
    reader = _Then(database)
    steps = {step.revision: step for step in identities.since(database)}
    numbers = [one.number for one in revisions.listing(database, limit=1_000_000)]
    kind, name, parts = address_of(path)
    where = (kind, name, *parts)
    value = reader.value(numbers[0], where) if numbers else ABSENT
    seen = False
    for place, number in enumerate(numbers):
        here = where
        if number in steps:
            where = steps[number].back(where)
        earlier = reader.value(numbers[place + 1], where) if place + 1 < len(numbers) else ABSENT
        if not _same(earlier, value):
            found = revisions.by_number(database, number)
            assert found is not None
            seen = True
            yield Said(found, ".".join(here), earlier, value)
        value = earlier
    if not seen:
        raise LookupError(f"Nothing was ever published at {path}.")


def _same(one: Any, other: Any) -> bool:
    if one is ABSENT or other is ABSENT:
        return one is other
    return writer.same(one, other)


class _Then:
    """Reads values of earlier revisions; each text once, however many revisions have it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read: dict[str, Any] = {}

    def value(self, number: int, where: tuple[str, ...]) -> Any:
        kind, name, *parts = where
        for path, digest in revisions.file_digests(self._database, number).items():
            data = self._data(path, digest)
            if isinstance(data, dict) and data.get("kind") == kind and data.get("name") == name:
                return value_at(data, tuple(parts))[0]
        return ABSENT

    def _data(self, path: str, digest: str) -> Any:
        if digest not in self._read:
            self._read[digest] = read(path, revisions.text(self._database, digest)).data
        return self._read[digest]
