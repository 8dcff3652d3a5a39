"""Publish some documents of a folder and leave the rest as published: what is chosen, with what it needs (CF-54)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairlead.base.texts import did_you_mean
from fairlead.config.document import Document
from fairlead.config.load import Loaded, load
from fairlead.config.renamed import detect, exists
from fairlead.config.source import SETTINGS_FILE, SourceTree

Key = tuple[str, str]
"""Kind and name of a document; `("workspace", "")` for the workspace's own settings."""

SETTINGS: Key = ("workspace", "")


class CannotSelect(Exception):
    """What was chosen cannot be published by itself; the message says why."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The documents as they would be published, and what was chosen for that."""

    tree: SourceTree
    chosen: tuple[Key, ...]
    needed: tuple[Key, ...]
    """Changed as well, because what was chosen speaks of them or they speak of what it takes away."""
    left: tuple[Key, ...]
    """Changed in the folder and not published."""


def select(published: Mapping[str, str], tree: SourceTree, only: Sequence[str]) -> Selection:
    """Return the published documents with the chosen ones, and all that those need, as the folder has them.

    Args:
        published: Path to text of the revision in force; empty before the first.
        tree: The folder's documents.
        only: What to take, each as `kind/name`; `workspace` for its settings.

    Raises:
        CannotSelect: There is no such document on either side, or the folder's documents have errors.
    """
    before, after = load(SourceTree.from_mapping(published)), load(tree)
    if after.problems.has_errors:
        raise CannotSelect("the documents have errors; mend them first:\n" + after.problems.render())
    old, new = _documents(before), _documents(after)
    former = {
        (one.new[0], one.new[1]): (one.old[0], one.old[1])
        for one in detect(before.documents, after.documents)
        if len(one.new) == 2
    }
    settings = tree.mapping().get(SETTINGS_FILE) != published.get(SETTINGS_FILE)
    changed = {key for key in {*old, *new} if _text(old.get(key)) != _text(new.get(key))}
    chosen = {_key(one, old, new) for one in only}
    taken = set(chosen)
    while True:
        more = {key for key in _needs(taken, before, after, former) if key in changed} - taken
        if not more:
            break
        taken |= more
    gone = {old[key].path for key in taken | {former[k] for k in taken if k in former} if key in old}
    files = {path: text for path, text in published.items() if path not in gone}
    if SETTINGS in taken or not published:
        files.update({path: text for path, text in tree.mapping().items() if path == SETTINGS_FILE})
    for key in sorted(taken & new.keys()):
        path = new[key].path
        if path in files:
            raise CannotSelect(f"{path} is published with another document in it; choose that one too")
        files[path] = new[key].reading.text
    return Selection(
        SourceTree.from_mapping(files),
        tuple(sorted(chosen)),
        tuple(sorted(taken - chosen)),
        tuple(sorted((changed | ({SETTINGS} if settings and published else set())) - taken)),
    )


def _documents(loaded: Loaded) -> dict[Key, Document]:
    return {(kind, name): one for kind, named in loaded.documents.items() for name, one in named.items()}


def _text(document: Document | None) -> tuple[str, str] | None:
    return None if document is None else (document.path, document.reading.text)


def _key(written: str, old: Mapping[Key, Document], new: Mapping[Key, Document]) -> Key:
    if written == SETTINGS[0]:
        return SETTINGS
    kind, _, name = written.replace("/", ".").partition(".")
    if (kind, name) not in new and (kind, name) not in old:
        known = [f"{one}/{other}" for one, other in new]
        hint = did_you_mean(f"{kind}/{name}", known)
        raise CannotSelect(f"there is no {written!r}" + (f" (did you mean {hint!r}?)" if hint else ""))
    return kind, name


def _needs(taken: set[Key], before: Loaded, after: Loaded, former: Mapping[Key, Key]) -> Iterator[Key]:
    """Yield what the taken documents speak of, and who speaks of something that they no longer have."""
    paths = {document.path: key for key, document in _documents(after).items()}
    for mention in after.mentions:
        if paths.get(mention.file) in taken:
            yield mention.target[0], mention.target[1]
    names = {former.get(key, key) for key in taken}
    then = {document.path: key for key, document in _documents(before).items()}
    later = {old: new for new, old in former.items()}
    for mention in before.mentions:
        if (
            mention.target[:2] in names
            and not exists(after.documents, mention.target)
            and mention.file in then
        ):
            key = then[mention.file]
            yield later.get(key, key)
