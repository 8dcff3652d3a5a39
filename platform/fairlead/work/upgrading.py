"""Bring a newer version of its template into a workspace folder, whole or not at all; and say where a value is from.

A workspace keeps the documents of its template as they were installed in `.fairlead/base`. Conflicts are written
to `conflicts/`, one small file each; the documents stay as they are until every one of them says what to take.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.base.problems import KeyPath
from fairlead.compiled.tables import column_name, table_name
from fairlead.config import writer
from fairlead.config.load import load
from fairlead.config.lookup import ABSENT, address_of, value_at
from fairlead.config.merge import CannotMerge, Holds, Merged, merge
from fairlead.config.reader import read
from fairlead.config.source import SETTINGS_FILE, SourceTree
from fairlead.store import converting, migrate
from fairlead.store.database import Database
from fairlead.work import conflicts
from fairlead.work.folders import lay, without_questions, write_file

BASE = Path(".fairlead", "base")

__all__ = ["BASE", "CannotMerge", "Origin", "Upgraded", "keep_base", "origin", "upgrade"]


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What an upgrade did. With conflicts nothing but their files was written."""

    merged: Merged
    from_version: str | None
    to_version: str | None
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    conflicts: tuple[str, ...]
    """The files that ask for an answer."""


def keep_base(folder: Path, files: dict[str, str]) -> None:
    """Keep a template's documents as they were installed, to compare with when a newer version comes."""
    target = folder / BASE
    fresh = target.with_name("base.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for path, text in files.items():
        if path != SETTINGS_FILE:
            write_file(fresh / path, text)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def upgrade(folder: Path, template: SourceTree, database: Database | None = None) -> Upgraded:
    """Merge a newer template into the workspace in `folder`.

    Args:
        template: Its documents as a workspace has them.
        database: Where the workspace is in use: what the template deleted and people have filled is asked about.

    Raises:
        CannotMerge: There is nothing to compare with, the documents have errors, or the outcome would have.
    """
    base = SourceTree.from_folder(folder / BASE)
    if not base.files:
        raise CannotMerge(f"{BASE} is missing: it holds the template as it was installed, to compare with")
    yours = without_questions(SourceTree.from_folder(folder))
    template = SourceTree(
        tuple(one for one in template.files if one.path != SETTINGS_FILE), template.problems
    )
    said = conflicts.answers(folder, "template")
    merged = merge(
        base,
        yours,
        template,
        lambda conflict: conflicts.answer(conflict, said, "template"),
        holds=_holds(database),
    )
    versions = _version(base), _version(template)
    if merged.conflicts:
        return Upgraded(merged, *versions, (), (), conflicts.ask(folder, merged.conflicts, "template"))
    problems = load(merged.tree).problems
    if problems.has_errors:
        lines = "\n".join(str(one) for one in problems.errors)
        raise CannotMerge(f"merged, the documents would have errors; nothing was written:\n{lines}")
    texts = merged.tree.mapping()
    if SETTINGS_FILE in texts and versions[1] is not None:
        texts[SETTINGS_FILE] = _with_version(texts[SETTINGS_FILE], versions[1])
    written, deleted = lay(folder, yours, SourceTree.from_mapping(texts))
    # Last: an upgrade that was cut short before this finds its own work done when it runs again.
    keep_base(folder, template.mapping())
    conflicts.forget(folder, "template")
    return Upgraded(merged, *versions, written, deleted, ())


def _holds(database: Database | None) -> Holds:
    """Return what counts the records of an entity, and the values of a field; nothing else holds data of its own."""
    there = migrate.existing(database).columns if database is not None else {}

    def count(kind: str, name: str, keys: KeyPath) -> int:
        table, inner = table_name(name), list(keys)
        if database is None or kind != "entity" or table not in there:
            return 0
        if not inner:
            return converting.count(database, f'SELECT count(*) FROM "{table}" WHERE deleted_at IS NULL')
        column = column_name(str(inner[1])) if len(inner) == 2 and inner[0] == "fields" else ""
        if column not in there[table]:
            return 0
        return converting.count(database, f'SELECT count("{column}") FROM "{table}" WHERE deleted_at IS NULL')

    return count


def _version(template: SourceTree) -> str | None:
    for file in template.files:
        data = read(file.path, file.text).data if file.path.startswith("admin/") else None
        if isinstance(data, dict) and data.get("kind") == "template":
            return str(data["version"]) if "version" in data else None
    return None


def _with_version(text: str, version: str) -> str:
    data = read(SETTINGS_FILE, text).data
    if "template_version" in data:
        return writer.set_value(SETTINGS_FILE, text, ("template_version",), version)
    return writer.insert(SETTINGS_FILE, text, (), "template_version", version)


# ---------------------------------------------------------------- origin


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value is from: `template`, `yours` or `engine` (nobody has written it)."""

    source: str
    value: Any
    template: Any
    where: str
    keys: KeyPath


def origin(folder: Path, path: str) -> Origin:
    """Say where the value at `entity.car.fields.colour.label` is from.

    Raises:
        LookupError: There is no such document or field, in yours or in the template.
    """
    kind, name, parts = address_of(path)
    loaded = load(SourceTree.from_folder(folder))
    yours = loaded.documents.get(kind, {}).get(name)
    base = load(SourceTree.from_folder(folder / BASE)).documents.get(kind, {}).get(name)
    if yours is None and base is None:
        raise LookupError(
            f"there is no {kind} {name!r}" if name else f"{path!r} names no document: write KIND.NAME"
        )
    mine, keys = value_at(yours.reading.data if yours else ABSENT, parts)
    theirs, _ = value_at(base.reading.data if base else ABSENT, parts)
    if mine is ABSENT:
        entity = loaded.workspace.entities.get(name) if loaded.workspace and kind == "entity" else None
        named = parts[1] if parts[:1] == ("fields",) and len(parts) > 1 else None
        # Traits bring fields too; a name that is none of them is a slip of the pen.
        if theirs is ABSENT and entity is not None and named is not None and named not in entity.fields:
            raise LookupError(f"{name} has no field {named!r}")
        source = "engine" if theirs is ABSENT else "yours"
        return Origin(source, None, None if theirs is ABSENT else theirs, "", keys)
    assert yours is not None
    unchanged = theirs is not ABSENT and writer.same(mine, theirs)
    where = str(yours.reading.span(keys))
    return Origin(
        "template" if unchanged else "yours", mine, None if theirs is ABSENT else theirs, where, keys
    )
