"""Bring a newer template into a workspace that has been changed: base, yours and the template's, by meaning and not by lines.

Where one side changed something, that side wins; where both did, the result is a conflict that holds all
three values, and nothing is written until somebody has said which to take. What one side renamed has the new
name in all three before they are compared.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any

from fairlead.base.problems import KeyPath, key_text
from fairlead.config import writer
from fairlead.config.document import Document
from fairlead.config.load import Documents, Loaded, load
from fairlead.config.lookup import ABSENT
from fairlead.config.mentions import Mention, Target
from fairlead.config.reader import read
from fairlead.config.rename import CannotRename, rename
from fairlead.config.renamed import Rename, detect, exists
from fairlead.config.source import SETTINGS_FILE, SourceFile, SourceTree

Data = Any
Key = tuple[str, str]


WIDENING = ("grants", "inherits")
"""Keys of a role where anything new from a template gives somebody more."""


class CannotMerge(Exception):
    """The three cannot be merged at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """One place where somebody has to choose. Absent values are `ABSENT`."""

    kind: str
    name: str
    keys: KeyPath
    base: Data
    yours: Data
    template: Data
    reason: str

    @property
    def path(self) -> str:
        """The place as `entity.car.fields.colour`."""
        return key_text((self.kind, self.name, *self.keys))


@dataclass(slots=True)
class Merged:
    """The outcome. `tree` is whole only when there are no conflicts."""

    tree: SourceTree
    conflicts: list[Conflict] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """What came from the template, as paths."""
    kept: list[str] = field(default_factory=list)
    """What stays as you have it though the template has it otherwise."""
    access: list[str] = field(default_factory=list)
    """What the template changes in anybody's rights."""
    hints: list[str] = field(default_factory=list)


Choose = Callable[[Conflict], str | None]
"""`yours`, `template`, or None for a conflict about which nothing was said."""

Holds = Callable[[str, str, KeyPath], int]
"""Kind, name and keys of something in the documents → how much data it holds."""


def merge(
    base: SourceTree,
    yours: SourceTree,
    template: SourceTree,
    choose: Choose = lambda _: None,
    *,
    whole: bool = False,
    holds: Holds = lambda *_: 0,
) -> Merged:
    """Return what `yours` becomes with everything new in `template`.

    Args:
        base: The template's documents as they were installed.
        choose: Answers conflicts.
        whole: Whether `template` is another state of this very workspace and no template: its settings are merged too.
        holds: Asked about what the template deleted: how many values would go out of sight with it.

    Raises:
        CannotMerge: One of the three has errors, or a rename cannot be followed.
    """
    try:
        return _merge(base, yours, template, choose, holds, whole=whole)
    finally:
        _loaded.cache_clear()


def _merge(
    base: SourceTree, yours: SourceTree, template: SourceTree, choose: Choose, holds: Holds, *, whole: bool
) -> Merged:
    base, yours, template = _aligned(base, yours, template)
    one, two, three = (_documents(side, whole=whole) for side in (base, yours, template))
    own_mentions = _new_mentions(base, yours)
    found = Merged(yours)
    files: dict[str, str] = {
        file.path: file.text for file in yours.files if file.path == SETTINGS_FILE and not whole
    }
    for key in [
        *two,
        *(key for key in three if key not in two),
        *(k for k in one if k not in two and k not in three),
    ]:
        made = _document(
            key, one.get(key), two.get(key), three.get(key), choose, found, own_mentions, holds, whole=whole
        )
        if made is not None:
            path, text = made
            if path in files:
                folder, _, rest = path.partition("/")
                path = f"{folder}/from_template/{rest}"
            files[path] = text
    found.tree = SourceTree(tuple(SourceFile(path, files[path]) for path in sorted(files)))
    return found


@lru_cache(maxsize=8)
def _loaded(tree: SourceTree) -> Loaded:
    """Load a tree; each of the few that a merge looks at again and again only once."""
    return load(tree)


# ---------------------------------------------------------------- renames


def _aligned(
    base: SourceTree, yours: SourceTree, template: SourceTree
) -> tuple[SourceTree, SourceTree, SourceTree]:
    """Give everything the name that either side gave it."""
    before = _sound(base, "the documents as installed")
    theirs = detect(before, _sound(template, "the new template"))
    ours = detect(before, _sound(yours, "your documents"))
    by_theirs = {step.old: step.new[-1] for step in theirs}
    both = [step for step in ours if by_theirs.get(step.old, step.new[-1]) != step.new[-1]]
    if both:
        step = both[0]
        raise CannotMerge(
            f"{'.'.join(step.old)} is called {step.new[-1]!r} by you and {by_theirs[step.old]!r} by the template; "
            "give it the template's name first (fairlead rename)"
        )
    ours = tuple(step for step in ours if step.old not in by_theirs)
    return (
        _under(_under(base, theirs), ours),
        _under(yours, [step for step in theirs if not _named_so(step, yours)]),
        _under(template, ours),
    )


def _named_so(step: Rename, tree: SourceTree) -> bool:
    documents = _loaded(tree).documents
    return exists(documents, step.new) and not exists(documents, step.old)


def _under(tree: SourceTree, renames: Sequence[Rename]) -> SourceTree:
    documents = _loaded(tree).documents
    for step in sorted(renames, key=lambda one: -len(one.old)):
        if step.old[-1] == step.new[-1] or not exists(documents, step.old):
            continue
        try:
            tree = rename(tree, step.old, step.new[-1], remember=False).tree
        except CannotRename as error:
            raise CannotMerge(f"{'.'.join(step.old)} became {step.new[-1]!r}: {error}") from error
    return tree


def _sound(tree: SourceTree, what: str) -> Documents:
    loaded = _loaded(tree)
    if loaded.problems.has_errors:
        lines = "\n".join(str(problem) for problem in loaded.problems.errors)
        raise CannotMerge(f"{what} have errors; mend them first:\n{lines}")
    return loaded.documents


def _documents(tree: SourceTree, *, whole: bool) -> dict[Key, Document]:
    loaded = _loaded(tree)
    found = {
        (kind, name): document for kind, named in loaded.documents.items() for name, document in named.items()
    }
    own = next((file for file in tree.files if file.path == SETTINGS_FILE), None)
    if whole and own is not None:
        found["workspace", "settings"] = Document("workspace", "settings", read(own.path, own.text))
    return found


def _new_mentions(base: SourceTree, yours: SourceTree) -> set[Target]:
    """Return what documents of yours speak of in places that the template did not write."""

    def places(found: Sequence[Mention]) -> set[tuple[str, KeyPath, Target]]:
        return {(one.file, one.keys, one.target) for one in found}

    return {target for _, _, target in places(_loaded(yours).mentions) - places(_loaded(base).mentions)}


# ---------------------------------------------------------------- documents


def _document(
    key: Key, base: Document | None, yours: Document | None, template: Document | None,
    choose: Choose, found: Merged, own_mentions: set[Target], holds: Holds, *, whole: bool,
) -> tuple[str, str] | None:  # fmt: skip
    values = [ABSENT if one is None else one.reading.data for one in (base, yours, template)]
    if key[0] == "template" and not whole and template is not None and yours is not None:
        return yours.path, template.reading.text  # its version is not anybody's to choose
    work = _Work(key, choose, found, own_mentions, holds)
    wanted = work.value((), *values)
    if wanted is ABSENT:
        return None
    if yours is None:
        assert template is not None
        return template.path, template.reading.text
    untouched = base is not None and yours.reading.text == base.reading.text
    if template is not None and untouched and writer.same(wanted, template.reading.data):
        return yours.path, template.reading.text
    try:
        return yours.path, writer.set_value(yours.path, yours.reading.text, (), wanted)
    except writer.Unwritable as error:
        raise CannotMerge(str(error)) from error


class _Work:
    """Merges one document."""

    def __init__(
        self, key: Key, choose: Choose, found: Merged, own_mentions: set[Target], holds: Holds
    ) -> None:
        self.key, self.choose, self.found, self.own_mentions, self.holds = (
            key,
            choose,
            found,
            own_mentions,
            holds,
        )

    def path(self, keys: KeyPath) -> str:
        return key_text((*self.key, *keys))

    def value(self, keys: KeyPath, base: Data, yours: Data, template: Data) -> Data:
        """Return one value after the merge, by the table of cases."""
        if _same(yours, template):
            return yours
        if _same(base, yours):
            used = self.used(keys)
            if used and template is ABSENT:
                reason = "the template deleted it, and your documents use it"
                return self.conflict(keys, base, yours, template, reason)
            held = self.holds(*self.key, keys) if template is ABSENT else 0
            if held:
                reason = f"the template deleted it, and it holds data here ({held:,})"
                return self.conflict(keys, base, yours, template, reason)
            inside = used or self.loses(keys, base, template)
            if inside and isinstance(base, dict) and isinstance(template, dict):
                return self.mapping(keys, base, yours, template)
            self.note(keys, base, template)
            return template
        if _same(base, template):
            return yours
        if isinstance(base, dict) and isinstance(yours, dict) and isinstance(template, dict):
            return self.mapping(keys, base, yours, template)
        if isinstance(base, list) and isinstance(yours, list) and isinstance(template, list):
            return self.items(keys, base, yours, template)
        return self.conflict(keys, base, yours, template, _reason(base, yours, template))

    def note(self, keys: KeyPath, base: Data, template: Data) -> None:
        """Remember that the template's value was taken; for rights, each one by itself."""
        if self.key[0] != "role":
            self.found.taken.append(self.path(keys))
            return
        for leaf in _leaves(keys, base, template):
            widens = not leaf or leaf[0] in WIDENING
            (self.found.access if widens else self.found.taken).append(self.path(leaf))

    def used(self, keys: KeyPath) -> bool:
        # An option of a shared set is spoken of as options.SET.OPTION.
        target = (*self.key, *map(str, keys[1:] if self.key[0] == "options" else keys))
        return any(one[: len(target)] == target for one in self.own_mentions)

    def loses(self, keys: KeyPath, base: Data, template: Data) -> bool:
        """Whether the template deleted a field in here that holds data."""
        if (
            self.key[0] != "entity"
            or len(keys) > 1
            or not (isinstance(base, dict) and isinstance(template, dict))
        ):
            return False
        return any(
            self.loses((*keys, name), base[name], template[name])
            if name in template
            else self.holds(*self.key, (*keys, name)) > 0
            for name in base
        )

    def conflict(self, keys: KeyPath, base: Data, yours: Data, template: Data, reason: str) -> Data:
        made = Conflict(*self.key, keys, base, yours, template, reason)
        choice = self.choose(made)
        if choice == "template":
            self.note(keys, yours, template)
            return template
        if choice == "yours":
            self.found.kept.append(self.path(keys))
        else:
            self.found.conflicts.append(made)
        return yours

    def mapping(
        self, keys: KeyPath, base: dict[str, Data], yours: dict[str, Data], template: dict[str, Data]
    ) -> dict[str, Data]:
        merged: dict[str, Data] = {}
        for name in dict.fromkeys([*yours, *template, *base]):
            parts = (side.get(name, ABSENT) for side in (base, yours, template))
            merged[name] = self.value((*keys, name), *parts)
        names = self.ordered(
            keys, list(base), list(yours), list(template), [n for n in merged if merged[n] is not ABSENT]
        )
        return {name: merged[name] for name in names}

    def items(self, keys: KeyPath, base: list[Data], yours: list[Data], template: list[Data]) -> Data:
        sides = [_by_name(side) for side in (base, yours, template)]
        if any(side is None for side in sides):
            return self.conflict(
                keys, base, yours, template, "both changed this list, which says some things twice"
            )
        one, two, three = (side for side in sides if side is not None)
        nameless = [mark for mark in one if mark.startswith("=")]
        if any(mark not in two and mark not in three for mark in nameless) and (
            any(mark not in one and mark.startswith("=") for mark in two)
            or any(mark not in one and mark.startswith("=") for mark in three)
        ):
            return self.conflict(keys, base, yours, template, "both changed the same entry of this list")
        merged: dict[str, Data] = {}
        for mark in dict.fromkeys([*two, *three, *one]):
            place = list(two).index(mark) if mark in two else mark.lstrip("=")[:40]
            parts = (side.get(mark, ABSENT) for side in (one, two, three))
            merged[mark] = self.value((*keys, place), *parts)
        marks = self.ordered(
            keys, list(one), list(two), list(three), [m for m in merged if merged[m] is not ABSENT]
        )
        return [merged[mark] for mark in marks]

    def ordered(
        self, keys: KeyPath, base: list[str], yours: list[str], template: list[str], alive: list[str]
    ) -> list[str]:
        """Return the names that are left in order: yours, and what is new after what it follows in the template."""
        common = [name for name in base if name in yours and name in template and name in alive]
        lead = yours
        if [n for n in yours if n in common] == common != [n for n in template if n in common]:
            # Only the template put them into another order: its order, with what is yours behind what it followed.
            lead = _woven([n for n in template if n in alive], yours, base)
        order = _woven([name for name in lead if name in alive], template, base)
        order += [name for name in alive if name not in order]
        mine, new = set(yours) - {*base, *template}, set(template) - {*base, *yours}
        if any(one in mine and two in new for one, two in pairwise(order)):
            self.found.hints.append(
                f"{self.path(keys)}: both added something at one place; yours stands first"
            )
        return [name for name in order if name in alive]


def _woven(order: list[str], other: list[str], base: list[str]) -> list[str]:
    """Put what only `other` has behind what it follows there; what `order` added at that place comes first."""
    order = list(order)
    for position, name in enumerate(other):
        if name in order:
            continue
        before = next((one for one in reversed(other[:position]) if one in order), None)
        at = order.index(before) + 1 if before is not None else 0
        while at < len(order) and order[at] not in base and order[at] not in other:
            at += 1
        order.insert(at, name)
    return order


def _by_name(items: list[Data]) -> dict[str, Data] | None:
    """Return the entries of a list by what tells them apart; None when two are alike."""
    found: dict[str, Data] = {}
    for item in items:
        name = item.get("name") if isinstance(item, Mapping) else item if isinstance(item, str) else None
        mark = name if isinstance(name, str) else f"={item!r}"
        if mark in found:
            return None
        found[mark] = item
    return found


def _leaves(keys: KeyPath, base: Data, template: Data) -> list[KeyPath]:
    """Return the places at which two values differ."""
    if not isinstance(template, dict):
        return [keys]
    before = base if isinstance(base, dict) else {}
    found: list[KeyPath] = []
    for name in dict.fromkeys([*before, *template]):
        one, two = before.get(name, ABSENT), template.get(name, ABSENT)
        if not _same(one, two):
            found += _leaves((*keys, name), one, two)
    return found


def _same(one: Data, two: Data) -> bool:
    if one is ABSENT or two is ABSENT:
        return one is two
    return writer.same(one, two)


def _reason(base: Data, yours: Data, template: Data) -> str:
    if base is ABSENT:
        return "you and the template added different things under one name; rename yours to keep both"
    if yours is ABSENT:
        return "you deleted it, and the template changed it"
    if template is ABSENT:
        return "you changed it, and the template deleted it"
    return "you and the template changed it differently"
