"""A folder beside what is published: which revision it was last in step with, and what each side has changed since.

Publishing a folder over changes that it does not hold would undo them, so it is refused; `pull` brings them in by the
same merge as a template's upgrade (CF-52).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairlead.base.errors import Refused
from fairlead.base.texts import Label
from fairlead.compiled.changes import LAYOUT, Change, files_changed
from fairlead.config.load import load
from fairlead.config.merge import CannotMerge, Merged, merge
from fairlead.config.source import SourceTree
from fairlead.fields.kind import both
from fairlead.store import revisions
from fairlead.store.database import Database
from fairlead.store.revisions import Revision
from fairlead.work import conflicts
from fairlead.work.differing import differences
from fairlead.work.folders import in_step, keep_in_step, lay, without_questions

FROM_FOLDERS = ("cli", "git")
"""Sources of revisions that a folder was published as."""

Descends = Callable[[str], bool]
"""Whether what the folder holds came from a commit; asked of git."""

__all__ = ["CannotMerge", "Pulled", "Standing", "assure_in_step", "pull", "standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A folder beside the revision in force."""

    base: Revision | None
    """What the folder was last in step with; None when that is not known."""
    current: Revision | None
    yours: tuple[Change, ...]
    """What the folder changes of its base."""
    theirs: tuple[Change, ...]
    """What was published since."""
    both: tuple[str, ...]
    """Where both changed something differently, as paths."""
    behind: bool
    """Whether publishing the folder would undo something that was published since."""

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "base": self.base.number if self.base else None,
            "published": self.current.number if self.current else None,
            "behind": self.behind,
            "yours": [change.to_json() for change in self.yours],
            "theirs": [change.to_json() for change in self.theirs],
            "both": list(self.both),
        }


def standing(
    database: Database, folder: Path, tree: SourceTree, descends: Descends = lambda _: False
) -> Standing:
    """Compare a folder with what is published.

    Args:
        tree: The folder's documents.
        descends: Asked for the commits of revisions that came from git.

    Raises:
        CannotMerge: Its documents have errors.
    """
    current = revisions.current(database)
    if current is None:
        return Standing(None, None, _changes({}, tree.mapping()), (), (), behind=False)
    base = _base(database, folder, descends)
    before = revisions.files(database, base.number) if base else {}
    now = revisions.files(database, current.number)
    tree = without_questions(tree)
    merged = _merged(before, tree, now)
    theirs = () if base and base.digest == current.digest else _changes(before, now)
    return Standing(
        base, current, _changes(before, tree.mapping()), theirs,
        tuple(one.path for one in merged.conflicts),
        behind=bool(merged.conflicts) or merged.tree.mapping() != tree.mapping(),
    )  # fmt: skip


def _base(database: Database, folder: Path, descends: Descends) -> Revision | None:
    digest = in_step(folder)
    known = revisions.by_digest(database, digest) if digest else None
    for one in revisions.listing(database, limit=1000):
        if known is not None and one.number <= known.number:
            return known
        if one.git_commit is not None and descends(one.git_commit):
            return one
        # A folder that remembers nothing (a fresh checkout, an image) is taken for the one that was published last.
        if known is None and digest is None and one.source in FROM_FOLDERS and one.git_commit is None:
            return one
    return known


def _merged(before: Mapping[str, str], tree: SourceTree, now: Mapping[str, str]) -> Merged:
    if before == now:
        return Merged(tree)
    return merge(SourceTree.from_mapping(before), tree, SourceTree.from_mapping(now), whole=True)


_BROKEN = both("there are errors; `fairlead check` lists them", "存在错误，可用 `fairlead check` 列出")


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    older, newer = SourceTree.from_mapping(before), SourceTree.from_mapping(after)
    loaded = load(newer)
    found = differences(older, load(older), loaded)
    if found or not before:
        return tuple(found)
    return files_changed(before, after, LAYOUT if loaded.workspace is not None else _BROKEN)


def assure_in_step(
    database: Database, folder: Path, tree: SourceTree, descends: Descends = lambda _: False
) -> None:
    """Refuse a folder whose publication would undo what was published since it was last in step (CF-52).

    Raises:
        Refused: With what was published since, by whom and from where.
        CannotMerge: Its documents have errors.
    """
    found = standing(database, folder, tree, descends)
    if not found.behind or found.current is None:
        return
    one = found.current
    lines, in_chinese = (
        "\n".join(f"  {change.line(lang)}" for change in found.theirs[:20]) for lang in ("en", "zh")
    )
    raise Refused("plan.folder-behind", Label({
        "en": f"Revision {one.number} ({one.source}, by {one.author}, {one.at[:19]}) has what this folder has not, and "
              f"publishing it would undo that:\n{lines}\nRun `fairlead pull` to bring it in.",
        "zh": f"修订 {one.number}（{one.source}，{one.author}，{one.at[:19]}）包含此文件夹没有的内容，发布会将其撤销：\n{in_chinese}\n"
              "请先运行 `fairlead pull` 合并。",
    }), data={"base": found.base.number if found.base else None, "published": one.number})  # fmt: skip


# ---------------------------------------------------------------- bringing it in


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull did. With conflicts nothing but their files was written."""

    merged: Merged
    revision: int
    written: tuple[str, ...]
    deleted: tuple[str, ...]
    conflicts: tuple[str, ...]


def pull(
    database: Database, folder: Path, descends: Descends = lambda _: False, *, ours: bool = False
) -> Pulled:
    """Bring what was published into a folder; what the folder has changed stays.

    Args:
        ours: Keep the folder as it is, and remember that its people have seen what was published.

    Raises:
        LookupError: Nothing is published.
        CannotMerge: The documents have errors, or the outcome would have.
    """
    current = revisions.current(database)
    if current is None:
        raise LookupError("Nothing is published yet.")
    now = revisions.files(database, current.number)
    yours = without_questions(SourceTree.from_folder(folder))
    if ours:
        conflicts.forget(folder, "published")
        keep_in_step(folder, now)
        return Pulled(Merged(yours), current.number, (), (), ())
    base = _base(database, folder, descends)
    before = revisions.files(database, base.number) if base else {}
    said = conflicts.answers(folder, "published")
    merged = merge(
        SourceTree.from_mapping(before), yours, SourceTree.from_mapping(now),
        lambda conflict: conflicts.answer(conflict, said, "published"), whole=True,
    )  # fmt: skip
    if merged.conflicts:
        return Pulled(merged, current.number, (), (), conflicts.ask(folder, merged.conflicts, "published"))
    problems = load(merged.tree).problems
    if problems.has_errors:
        lines = "\n".join(str(one) for one in problems.errors)
        raise CannotMerge(f"merged, the documents would have errors; nothing was written:\n{lines}")
    written, deleted = lay(folder, yours, merged.tree)
    keep_in_step(folder, now)
    conflicts.forget(folder, "published")
    return Pulled(merged, current.number, written, deleted, ())
