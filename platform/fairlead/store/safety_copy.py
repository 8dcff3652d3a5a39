"""A copy of the database as it was, made before a plan that writes into what people have written.

SQLite: one consistent file in the folder `copies` beside the database, the newest few are kept. PostgreSQL: the columns
that are about to be written, with the ids of their rows, in tables beside them that are kept and purged like dropped
ones; a copy of everything is the business of the operator's own backup (see docs/how-to/back-up.md).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from fairlead.store.catalogue import existing
from fairlead.store.database import Database, Tx
from fairlead.store.dropping import Aside, reserved
from fairlead.store.operations import ALTERING, Operation

KEEP = 3
"""How many copies stay, the newest."""


class NoRoom(Exception):
    """There is not enough free space for a copy. Sizes are in bytes."""

    def __init__(self, needed: int, free: int) -> None:
        super().__init__(f"{needed} bytes are needed, {free} are free")
        self.needed = needed
        self.free = free


def copy_file(database: Database, revision: int) -> Path:
    """Copy a SQLite database, as it was committed last, before `revision` is written.

    To be called while the writing transaction is open, so that nobody writes between the copy and the change.

    Raises:
        NoRoom: The copy would not fit.
    """
    assert database.path is not None
    source = Path(database.path)
    folder = source.parent / "copies"
    folder.mkdir(mode=0o700, exist_ok=True)
    needed = source.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < needed * 1.1 + 50_000_000:
        raise NoRoom(needed, free)
    target = folder / f"{source.stem}-before-revision-{revision}.sqlite3"
    part = target.with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(part)) as there:
        here.backup(there)
        # One file: a copy in WAL mode would want two more beside it.
        there.execute("PRAGMA journal_mode=DELETE")
    part.chmod(0o600)
    _made_durable(part)
    part.replace(target)
    _made_durable(folder)
    return target


def prune(database: Database) -> None:
    """Remove all copies but the newest."""
    assert database.path is not None
    source = Path(database.path)
    copies = (source.parent / "copies").glob(f"{source.stem}-before-revision-*.sqlite3")
    for old in sorted(copies, key=lambda one: one.stat().st_mtime, reverse=True)[KEEP:]:
        old.unlink(missing_ok=True)


def copy_columns(tx: Tx, revision: int, operations: Iterable[Operation]) -> list[Aside]:
    """Copy the columns of records that `operations` will write, in the open transaction; return what to keep account of."""
    now = existing(tx)
    columns: dict[str, set[str]] = {}
    for one in operations:
        if one.kind in ALTERING and one.table in now.columns:
            have = now.columns[one.table].keys() - {"id", "search"}
            columns.setdefault(one.table, set()).update(have & {one.name.rpartition(".")[2]})
    made = []
    for table, names in sorted(columns.items()):
        if names:
            copy = f"e_{reserved(revision, 'copy_of_' + table)}"
            said = ", ".join(f'"{name}"' for name in ["id", *sorted(names)])
            tx.ddl(f'CREATE TABLE "{copy}" AS SELECT {said} FROM "{table}"')
            made.append(Aside(f"copy of {', '.join(sorted(names))} of {table}", copy, None, "converted"))
    return made


def _made_durable(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
