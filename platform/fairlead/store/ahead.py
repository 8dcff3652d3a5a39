"""Indexes of big tables are built beside the writers, before the transaction of a publication (CF-31, CF-33).

PostgreSQL only: building an index inside a transaction keeps everybody from writing to its table until the end.
What has been built is written down first, under the fingerprint of the ground that the plan was made for, so that a
publication that ends half-way is taken up by the next: a plan does not see what was only built ahead, and an apply finds
it there. Nothing reads such an index before its revision is in force, and one that no plan wants any more is dropped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from fairlead.store import settings
from fairlead.store.catalogue import Existing, definition, existing
from fairlead.store.database import Database, Tx
from fairlead.store.operations import Operation
from fairlead.store.statements import Reads

BIG = 100_000
"""From how many rows on an index is built ahead; below, building it takes less than a person notices."""

_JOURNAL = "ahead"


def ground(where: Reads) -> Existing:
    """Return what the database has, without what was only built ahead."""
    now = existing(where)
    names = _noted(where)
    if not names:
        return now
    return replace(
        now,
        indexes={table: frozenset(all_of - names) for table, all_of in now.indexes.items() if all_of - names},
        definitions={name: said for name, said in now.definitions.items() if name not in names},
        unfinished=now.unfinished - names,
    )


def build(database: Database, operations: Sequence[Operation], sizes: Mapping[str, int]) -> None:
    """Build the indexes of a plan that can be built ahead, and drop what an earlier one left and this one does not want.

    Args:
        sizes: Table → rows.

    Raises:
        Duplicate: A unique index does not fit the values; what was begun of it has been taken away.
    """
    if database.dialect != "postgresql":
        return
    noted = _noted(database)
    wanted = {one.name: one for one in possible(operations, sizes)}
    if not noted and not wanted:
        return
    with database.write() as tx:
        _note(tx, noted | wanted.keys())
    now = existing(database)
    there = {name for names in now.indexes.values() for name in names}
    with database.session() as session:
        for name in sorted(noted & there):
            fits = name in wanted and now.definitions[name] == definition(wanted[name].sql)
            if not fits or name in now.unfinished:
                session.ddl(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
                there.discard(name)
        for name, one in wanted.items():
            if name in there:
                continue
            try:
                session.ddl(one.sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1))
            except Exception:
                session.ddl(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
                raise
    with database.write() as tx:
        _note(tx, wanted.keys())


def possible(operations: Iterable[Operation], sizes: Mapping[str, int]) -> list[Operation]:
    """Return the indexes that can be built before anything else of the plan is done.

    Their table is there under the name it has, and no column they speak of is added, renamed or written by the plan.
    """
    operations = list(operations)
    moved = {name for one in operations if one.kind == "rename_table" for name in (one.table, one.name)}
    touched: dict[str, set[str]] = {}
    for one in operations:
        if one.kind not in ("create_index", "drop_index", "rename_index", "rename_table"):
            touched.setdefault(one.table, set()).add(one.name.rpartition(".")[2])
    dropped = {one.name for one in operations if one.kind in ("drop_index", "rename_index")}
    return [
        one
        for one in operations
        if one.kind == "create_index"
        and sizes.get(one.table, 0) >= BIG
        and one.table not in moved
        and one.name not in dropped
        and not touched.get(one.table, set()) & set(re.findall(r"\w+", definition(one.sql)))
    ]


def left_to_do(tx: Tx, operations: Iterable[Operation]) -> list[Operation]:
    """Return the operations without those that were done ahead, and end the note: what is there belongs to the revision."""
    noted = _noted(tx)
    if not noted:
        return list(operations)
    settings.drop(tx, _JOURNAL)
    now = existing(tx)
    built = {name for names in now.indexes.values() for name in names & noted} - now.unfinished
    return [one for one in operations if one.kind != "create_index" or one.name not in built]


def _noted(where: Reads) -> frozenset[str]:
    if where.dialect != "postgresql":
        return frozenset()
    return frozenset(json.loads(settings.get(where, _JOURNAL) or "[]"))


def _note(tx: Tx, names: Iterable[str]) -> None:
    names = sorted(names)
    if names:
        settings.put(tx, _JOURNAL, json.dumps(names))
    else:
        settings.drop(tx, _JOURNAL)
