"""Which indexes a table gains, loses or keeps under another name.

Building an index reads the whole table; changing its name does not. So an index that already says what is wanted is
kept: PostgreSQL gives it the wanted name, SQLite cannot and leaves it the old one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fairlead.store.catalogue import Existing, definition
from fairlead.store.operations import Operation

OURS = ("ix_", "ux_")
"""How the names of indexes begin that follow from the documents."""


Wanted = Mapping[str, Mapping[str, str]]
"""Table → name of an index → CREATE INDEX."""


def changes(
    wanted: Wanted, now: Existing, *, dialect: str, fresh: Collection[str]
) -> tuple[list[Operation], list[Operation]]:
    """Return what is done before tables and columns are made, and what after.

    Args:
        fresh: Tables that are about to be made, so they have none.
    """
    gone: list[Operation] = []
    names: dict[str, tuple[str, str]] = {}
    missing: list[tuple[str, str, str]] = []
    for table, indexes in wanted.items():
        have = {} if table in fresh else _ours(table, now)
        kept = _kept(indexes, have, now)
        gone += [
            Operation("drop_index", table, name, f'DROP INDEX "{name}"')
            for name in sorted(have.keys() - set(kept.values()))
        ]
        if dialect == "postgresql":
            names |= {old: (new, table) for new, old in kept.items() if old != new}
        missing += [(table, name, sql) for name, sql in sorted(indexes.items()) if name not in kept]
    # A table that is made anew is gone before, with its indexes.
    taken = {name for table, names_of in now.indexes.items() if table not in fresh for name in names_of}
    taken -= {operation.name for operation in gone} | names.keys()
    taken |= {new for new, _ in names.values()}
    made = []
    for table, name, sql in missing:
        free = _free(name, taken)
        taken.add(free)
        made.append(Operation("create_index", table, free, sql.replace(name, free, 1)))
    return [*gone, *_renamed(names)], made


def _ours(table: str, now: Existing) -> dict[str, str]:
    return {
        name: now.definitions.get(name, "")
        for name in now.indexes.get(table, frozenset())
        if name.startswith(OURS)
    }


def _kept(wanted: Mapping[str, str], have: Mapping[str, str], now: Existing) -> dict[str, str]:
    """Return wanted name → name of the index that says the same; its own name before another."""
    says = {name: definition(sql) for name, sql in wanted.items()}
    kept = {name: name for name in wanted if have.get(name) == says[name] and name not in now.unfinished}
    spare = sorted(have.keys() - kept.keys() - now.unfinished)
    for name in sorted(wanted.keys() - kept.keys()):
        same = next((one for one in spare if have[one] == says[name]), None)
        if same is not None:
            spare.remove(same)
            kept[name] = same
    return kept


def _renamed(names: Mapping[str, tuple[str, str]]) -> list[Operation]:
    """Give indexes their names; those that change places go over a name in between."""
    becoming = {new for new, _ in names.values()}
    first, second = [], []
    for number, (old, (new, table)) in enumerate(sorted(names.items())):
        between = f"between_{number}_" if old in becoming else old
        if between != old:
            first.append((table, old, between))
        second.append((table, between, new))
    return [
        Operation("rename_index", table, new, f'ALTER INDEX "{old}" RENAME TO "{new}"')
        for table, old, new in [*first, *second]
    ]


def _free(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name}_{number}" for number in range(2, 1000) if f"{name}_{number}" not in taken)
