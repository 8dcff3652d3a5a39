"""Which names of one configuration are other names of another: what `was:` says, and nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fairlead.config.document import Document, Node
from fairlead.config.load import Documents
from fairlead.config.mentions import Target
from fairlead.config.rename import CannotRename, rename
from fairlead.config.source import SourceTree

Former = Mapping[str, Sequence[str]]
"""Name → the names it had before."""


@dataclass(frozen=True, slots=True)
class Rename:
    """One definition under its old and its new path; both have the same length."""

    old: Target
    new: Target


def detect(before: Documents, after: Documents) -> tuple[Rename, ...]:
    """Return what has another name in `after`; the outer before the inner.

    A former name counts where it is still a name of `before`. What was renamed by a revision that is
    published already has its new name there, so its `was:` says nothing new.
    """
    found: list[Rename] = []
    for kind in sorted({*before, *after} - {"template"}):
        old, new = before.get(kind, {}), after.get(kind, {})
        pairs = _pairs(_documents(old), _documents(new))
        for one, two in pairs.items():
            found.append(Rename((kind, one), (kind, two)))
        same = {name: name for name in old if name in new and name not in pairs} | pairs
        for one, two in same.items():
            found += _inside(old[one], new[two])
    return tuple(sorted(found, key=lambda each: len(each.old)))


def stale(
    documents: Documents, before: Documents, earlier: frozenset[Target]
) -> Iterator[tuple[Target, Node]]:
    """Yield each `was` that names nothing of `before` and nothing that earlier revisions renamed."""
    for kind, named in documents.items():
        for name, document in named.items():
            places: list[tuple[Target, Node]] = [((kind, name), document.root)]
            for path, parts in _named_parts(document):
                places += [((kind, name, *path, key), node) for key, node in parts.items()]
            for target, node in places:
                for was in node.was():
                    former = (*target[:-1], was)
                    if former not in earlier and not exists(before, former):
                        yield former, node


def under_new_names(tree: SourceTree, renames: Sequence[Rename]) -> SourceTree | None:
    """Return documents as they would be under their new names; None where that cannot be said."""
    steps: list[tuple[Target, str]] = []
    later: list[tuple[Target, str]] = []
    taken = {one.old for one in renames}
    # The innermost first, so that the paths to them are still the old ones.
    for number, one in enumerate(sorted(renames, key=lambda each: -len(each.old))):
        if one.old[-1] == one.new[-1]:
            continue
        if (*one.old[:-1], one.new[-1]) in taken:
            between = f"x{number}_between"
            steps.append((one.old, between))
            later.append(((*one.old[:-1], between), one.new[-1]))
        else:
            steps.append((one.old, one.new[-1]))
    # What changes places goes back in as soon as all of its own depth are out of the way.
    try:
        for depth in sorted({len(target) for target, _ in steps}, reverse=True):
            for target, name in [*steps, *later]:
                if len(target) == depth:
                    tree = rename(tree, target, name, remember=False).tree
    except CannotRename:
        return None
    return tree


def _documents(named: Mapping[str, Document]) -> Former:
    return {name: document.root.was() for name, document in named.items()}


def _named_parts(document: Document) -> Iterator[tuple[Target, dict[str, Node]]]:
    """Yield, for each part of a document that holds things with names, where it is and what it holds."""
    root = document.root
    if document.kind == "pipeline":
        yield from _part(root, "stages", ())
    elif document.kind == "options":
        yield from _options(root, ())
    elif document.kind == "entity":
        for path, fields in _part(root, "fields", ()):
            yield path, fields
            for name, field in fields.items():
                yield from _options(field, (*path, name))
                for inner, rows in _part(field, "fields", (*path, name)):
                    yield inner, rows
                    for row, node in rows.items():
                        yield from _options(node, (*inner, row))


def _part(node: Node, key: str, path: Target) -> Iterator[tuple[Target, dict[str, Node]]]:
    part = node.get(key)
    if part is not None:
        yield (*path, key), dict(part.entries())


def _options(node: Node, path: Target) -> Iterator[tuple[Target, dict[str, Node]]]:
    part = node.get("options")
    if part is None or isinstance(part.value, str):
        return
    # The path of an option of a shared set is options.SET.OPTION.
    here = path if not path and node.document.kind == "options" else (*path, "options")
    if isinstance(part.value, list):
        items = {
            item.value if isinstance(item.value, str) else item.text("name"): item for item in part.items()
        }
        yield here, items
    else:
        yield here, dict(part.entries())


def _inside(old: Document, new: Document) -> Iterator[Rename]:
    before = dict(_named_parts(old))
    moved: dict[Target, Target] = {}
    for path, parts in _named_parts(new):
        former = _former_path(path, moved)
        if former not in before:
            continue
        pairs = _pairs(
            {name: node.was() for name, node in before[former].items()},
            {name: node.was() for name, node in parts.items()},
        )
        for one, two in pairs.items():
            moved[(*path, two)] = (*former, one)
            yield Rename((old.kind, old.name, *former, one), (new.kind, new.name, *path, two))


def _former_path(path: Target, moved: Mapping[Target, Target]) -> Target:
    for length in range(len(path), 0, -1):
        if path[:length] in moved:
            return (*moved[path[:length]], *path[length:])
    return path


def _pairs(old: Former, new: Former) -> dict[str, str]:
    """Return old name → new name."""
    pairs: dict[str, str] = {}
    for name, former in new.items():
        published = set(old[name]) if name in old else set()
        for was in reversed(former):
            if was in old and was not in published and was not in pairs and (was not in new or new[was]):
                pairs[was] = name
                break
    # Back to documents from before a rename: there the old name has no `was`, here the new one has.
    for name, former in old.items():
        if name in new or name in pairs:
            continue
        back = next(
            (one for one in former if one in new and one not in old and one not in pairs.values()), None
        )
        if back is not None:
            pairs[name] = back
    # A name that somebody keeps cannot be given to another.
    while blocked := [one for one, two in pairs.items() if two in old and two not in pairs]:
        for one in blocked:
            del pairs[one]
    return pairs


def exists(documents: Documents, target: Target) -> bool:
    """Say whether `target` is defined."""
    document = documents.get(target[0], {}).get(target[1])
    if document is None or len(target) == 2:
        return document is not None
    return any(path == target[2:-1] and target[-1] in parts for path, parts in _named_parts(document))
