"""What lies aside since fields and entities were dropped: a list with dates, and its removal for good (CF-40)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Refused
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.tables import table_name
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import dropping, migrate, publisher, revisions, underway
from fairlead.store.database import Blocked, Database, Tx
from fairlead.store.dropping import Kept
from fairlead.work import overtaken


@dataclass(frozen=True, slots=True)
class Lying:
    """One dropped field or entity, with everything that lies aside of it."""

    name: str
    """`deal.phone`; with `@12` behind it where several of one name lie there, by the revision that dropped it."""
    revision: int
    at: str
    by: str
    due_at: str
    """From when on it may be purged."""
    due: bool
    count: int
    """How many values of a field, or records of an entity."""
    parts: tuple[Kept, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "name": self.name, "revision": self.revision, "at": self.at, "by": self.by, "due_at": self.due_at,
            "due": self.due, "count": self.count,
        }  # fmt: skip


def lying(database: Database, now: datetime) -> list[Lying]:
    """Return what lies aside, the oldest first."""
    days = _retention(database)
    groups: dict[tuple[str, int], list[Kept]] = {}
    for one in dropping.aside(database):
        groups.setdefault((one.name, one.revision), []).append(one)
    names = [name for name, _ in groups]
    found = []
    for (name, revision), parts in groups.items():
        # An entity's own table has the shortest name; its line tables and search terms belong to it.
        main = min(parts, key=lambda one: (not one.table.startswith("e_"), len(one.table)))
        due_at = main.due_at(days)
        found.append(
            Lying(
                f"{name}@{revision}" if names.count(name) > 1 else name, revision, main.at, main.author, due_at,
                due_at <= iso_utc(now), dropping.count(database, main), tuple(parts),
            )
        )  # fmt: skip
    return found


def _retention(database: Database) -> int:
    number = revisions.current_number(database)
    files = revisions.files(database, number) if number else {}
    return load(SourceTree.from_mapping(files)).settings.keep_dropped_days


def purge(database: Database, names: Collection[str], *, author: str, now: datetime) -> list[Lying]:
    """Remove what lies aside under `names`, for good, all or nothing; return it.

    The history of records goes on saying what was in them: it is written once and belongs to them.

    Raises:
        Refused: Nothing of such a name lies aside, it is kept for some days yet, or somebody is publishing.
    """
    stamp = iso_utc(now)
    try:
        with publisher.alone(database, author=author, now=stamp):
            chosen = _chosen(lying(database, now), names)
            with database.write() as tx:
                migrate.begin(tx)
                _let_approvals_end(tx, chosen)
                dropping.purge(tx, [part for one in chosen for part in one.parts], author=author, now=stamp)
    except publisher.Busy as other:
        raise overtaken.busy(other.holder) from other
    except Blocked as error:
        raise overtaken.held(error) from error
    return chosen


def _let_approvals_end(tx: Tx, chosen: Sequence[Lying]) -> None:
    """What an approval began with is there until it has ended (CF-60).

    Raises:
        Refused: `purge.needed`: an approval is under way that began before one of these was dropped.
    """
    begun = {table_name(entity): revision for entity, revision in underway.oldest_approvals(tx).items()}
    for one in chosen:
        if any(begun.get(part.table, one.revision) < one.revision for part in one.parts):
            raise Refused("purge.needed", Label({
                "en": f"An approval under way began before {one.name} was dropped and may still ask for it. "
                      "Purge it when the approval has ended; nothing was removed.",
                "zh": f"有审批在 {one.name} 停用之前发起且尚未结束，可能仍需要这些数据。请待审批结束后再清除；未删除任何内容。",
            }))  # fmt: skip


def _chosen(there: Sequence[Lying], names: Collection[str]) -> list[Lying]:
    by_name = {one.name: one for one in there}
    for name in names:
        one = by_name.get(name)
        if one is None:
            hint = did_you_mean(name, by_name)
            raise Refused("purge.unknown", Label({
                "en": f"Nothing called {name!r} lies aside." + (f" Did you mean {hint!r}?" if hint else ""),
                "zh": f"没有名为“{name}”的保留数据。" + (f"您是否想输入“{hint}”？" if hint else ""),
            }))  # fmt: skip
        if not one.due:
            raise Refused("purge.kept", Label({
                "en": f"{name} is kept until {one.due_at[:10]}. `keep_dropped_days` in fairlead.yaml says for how long; "
                      "nothing was removed.",
                "zh": f"{name} 将保留至 {one.due_at[:10]}（由 fairlead.yaml 中的 keep_dropped_days 决定）。未删除任何内容。",
            }))  # fmt: skip
    return [by_name[name] for name in dict.fromkeys(names)]
