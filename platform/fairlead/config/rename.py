"""Give something another name, and say it wherever it is spoken of.

The definition gets `was:`, so that publishing keeps the data. References are those that loading met while
it resolved names: in keys, values, titles, messages and inside expressions. Only the letters of the name
change; comments and spacing stay.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from fairlead.base.texts import did_you_mean
from fairlead.config import writer
from fairlead.config.document import Document
from fairlead.config.load import Loaded, load
from fairlead.config.mentions import Mention, Target
from fairlead.config.reading import Reading
from fairlead.config.schemas import KIND_FOLDERS, NAME
from fairlead.config.source import SourceFile, SourceTree

_OPTION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,59}\Z")
_OPTION_KEYS = frozenset({"name", "label", "color", "active", "was"})


class CannotRename(Exception):
    """The name cannot be given; the message says why."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """The files under the new name, which of them changed, and in how many places."""

    tree: SourceTree
    changed: tuple[str, ...]
    places: int


def target_of(written: str) -> Target:
    """Return the definition that `entity.car.fields.colour` means.

    Raises:
        CannotRename: Nothing of this form can be renamed.
    """
    parts = tuple(written.split("."))
    forms = (
        "entity.NAME", "entity.NAME.fields.FIELD", "entity.NAME.fields.TABLE.fields.FIELD",
        "entity.NAME.fields.FIELD.options.OPTION", "pipeline.NAME.stages.STAGE", "options.SET.OPTION", "KIND.NAME",
    )  # fmt: skip
    kind = parts[0]
    if kind not in KIND_FOLDERS or kind == "workspace" or not all(parts):
        raise CannotRename(f"{written!r} names nothing; write one of {', '.join(forms)}")
    known = len(parts) == 2
    if kind == "entity":
        known |= len(parts) in (4, 6) and parts[2] == "fields"
        known &= len(parts) < 6 or parts[4] in ("fields", "options")
    elif kind == "pipeline":
        known |= len(parts) == 4 and parts[2] == "stages"
    elif kind == "options":
        known |= len(parts) == 3
    if not known:
        raise CannotRename(f"{written!r} names nothing that has a name of its own; write {', '.join(forms)}")
    return parts


def rename(tree: SourceTree, target: Target, new: str, *, remember: bool = True) -> Renamed:
    """Return the tree with another name for `target`.

    Args:
        remember: Whether the definition gets `was:`, for data that exist under the old name.

    Raises:
        CannotRename: It is not there, the new name is taken or none, or the documents have errors.
    """
    before = load(tree)
    if before.problems.has_errors:
        raise CannotRename("the documents have errors; mend them first:\n" + before.problems.render())
    old = target[-1]
    option = len(target) > 2 and "options" in (target[0], target[-2])
    if not (_OPTION if option else NAME).match(new):
        raise CannotRename(f"{new!r} is no name: small letters, digits and underscores")
    document, keys = _definition(before, target)
    if new == old:
        return Renamed(tree, (), 0)
    if _is_there(before, target, new):
        raise CannotRename(f"there is a {new!r} already beside {old!r}")
    texts = {file.path: file.text for file in tree.files}
    found = [one for one in before.mentions if one.target == target]
    for path, places in _by_file(found).items():
        texts[path] = _rewritten(_reading(before, path), places, old, new)
    try:
        texts[document.path] = _defined(
            document.path, texts[document.path], document, keys, old, new, remember=remember
        )
    except writer.Unwritable as error:
        raise CannotRename(str(error)) from error
    made = SourceTree(tuple(SourceFile(file.path, texts[file.path]) for file in tree.files), tree.problems)
    _assure(before, load(made), target, new)
    changed = tuple(file.path for file in tree.files if texts[file.path] != file.text)
    return Renamed(made, changed, len(found) + 1)


def _definition(loaded: Loaded, target: Target) -> tuple[Document, tuple[str | int, ...]]:
    """Return the document that defines `target` and where in it: the key, or the value that holds the name."""
    kind, name = target[:2]
    documents = loaded.documents.get(kind, {})
    if name not in documents:
        hint = did_you_mean(name, documents)
        raise CannotRename(f"there is no {kind} {name!r}" + (f" (did you mean {hint!r}?)" if hint else ""))
    document = documents[name]
    keys: tuple[str | int, ...] = ("name",) if len(target) == 2 else target[2:]
    if kind == "options" and len(target) == 3:
        keys = ("options", target[2])
    value: Any = document.reading.data
    for depth, part in enumerate(keys):
        if isinstance(value, list):
            number = next((n for n, item in enumerate(value) if _item_name(item) == part), None)
            if number is None:
                raise CannotRename(f"there is no {part!r} in {document.path}")
            return document, (*keys[:depth], number)
        if not isinstance(value, dict) or part not in value:
            known = list(value) if isinstance(value, dict) else []
            hint = did_you_mean(str(part), known)
            where = ".".join(target[:-1])
            raise CannotRename(
                f"there is no {part!r} in {where}" + (f" (did you mean {hint!r}?)" if hint else "")
            )
        value = value[part]
    return document, keys


def _item_name(item: Any) -> Any:
    return item.get("name") if isinstance(item, dict) else item


def _is_there(loaded: Loaded, target: Target, new: str) -> bool:
    try:
        _definition(loaded, (*target[:-1], new))
    except CannotRename:
        return False
    return True


# ---------------------------------------------------------------- text


def _by_file(mentions: list[Mention]) -> dict[str, list[Mention]]:
    found: dict[str, list[Mention]] = defaultdict(list)
    for one in mentions:
        found[one.file].append(one)
    return found


def _reading(loaded: Loaded, path: str) -> Reading:
    every = (document for named in loaded.documents.values() for document in named.values())
    return next(document.reading for document in every if document.path == path)


def _rewritten(reading: Reading, places: list[Mention], old: str, new: str) -> str:
    text = reading.text
    starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
    offsets = set()
    for one in places:
        span = reading.key_span(one.keys) if one.key else reading.inside(one.keys, one.start, one.end)
        start = starts[span.line - 1] + span.column - 1
        start += one.key and text[start] in "'\""
        if text[start : start + len(old)] != old:
            raise CannotRename(
                f"{span}: {old!r} is written in a way that cannot be changed; change it by hand"
            )
        offsets.add(start)
    for start in sorted(offsets, reverse=True):
        text = text[:start] + new + text[start + len(old) :]
    return text


def _defined(
    path: str,
    text: str,
    document: Document,
    keys: tuple[str | int, ...],
    old: str,
    new: str,
    *,
    remember: bool,
) -> str:
    """Return the text of the definition with its new name, and with `was:`."""
    if keys == ("name",):
        text = writer.set_value(path, text, keys, new)
        return _remembered(path, text, (), document.reading.data, old, new, remember=remember)
    value: Any = document.reading.data
    for part in keys:
        value = value[part]
    if isinstance(keys[-1], int):
        if not isinstance(value, dict):
            return writer.set_value(path, text, keys, {"name": new, "was": old} if remember else new)
        text = writer.set_value(path, text, (*keys, "name"), new)
        return _remembered(path, text, keys, value, old, new, remember=remember)
    here = (*keys[:-1], new)
    text = writer.rename_key(path, text, keys, new)
    if isinstance(value, dict) and (keys[-2] != "options" or value.keys() & _OPTION_KEYS):
        return _remembered(path, text, here, value, old, new, remember=remember)
    if not remember:
        return text
    full = {"was": old} if value is None else {"label": value, "was": old}
    return writer.set_value(path, text, here, full)


def _remembered(
    path: str,
    text: str,
    keys: tuple[str | int, ...],
    value: dict[str, Any],
    old: str,
    new: str,
    *,
    remember: bool,
) -> str:
    given = value.get("was")
    had = list(given) if isinstance(given, list) else [given] if given else []
    names = [name for name in had if name not in (old, new)] + ([old] if remember else [])
    written: Any = names[0] if len(names) == 1 else names
    if "was" in value:
        if not names:
            return writer.delete(path, text, (*keys, "was"))
        return writer.set_value(path, text, (*keys, "was"), written)
    if not names:
        return text
    after = next((name for name in ("label", "type", "name") if name in value), None)
    at = list(value).index(after) + 1 if after is not None else 0
    return writer.insert(path, text, keys, "was", written, at=at)


# ---------------------------------------------------------------- proof


def renamed_target(target: Target, old: Target, new: str) -> Target:
    """Return what `target` is called when `old` has another last name."""
    if target[: len(old)] != old:
        return target
    return (*old[:-1], new, *target[len(old) :])


def _assure(before: Loaded, after: Loaded, target: Target, new: str) -> None:
    """Refuse unless the renamed documents are sound and mean the same."""
    if after.problems.has_errors:
        lines = "\n".join(str(problem) for problem in after.problems.errors)
        raise CannotRename(f"{new!r} cannot be its name:\n{lines}")
    wanted = Counter(renamed_target(one.target, target, new) for one in before.mentions)
    found = Counter(one.target for one in after.mentions)
    if wanted != found:
        lost = ", ".join(".".join(one) for one in (wanted - found) + (found - wanted))
        raise CannotRename(f"the name {new!r} would change what is meant elsewhere: {lost}")
