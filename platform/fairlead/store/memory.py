"""A database in memory: for what is tried out and thrown away, with the same statements and the same locks.

Several connections share it, as they share a file; it lives as long as it is not closed.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from fairlead.expr.sql import register_sqlite_functions
from fairlead.fields.folding import fold
from fairlead.store.database import SQLITE_BUSY_MS, Database

_numbers = itertools.count(1)


class MemoryDatabase(Database):
    """An SQLite database that lies in this process and nowhere else."""

    def __init__(self, image: MemoryDatabase | None = None) -> None:
        """Open an empty one, or a copy of `image`."""
        # The name is never a file: the VFS `memdb` keeps it in memory, and a leading slash lets connections share it.
        super().__init__(f"sqlite:////fairlead-{os.getpid()}-{next(_numbers)}")
        self._anchor = self._connect()
        if image is not None:
            image._anchor.backup(self._anchor)

    def _connect(self) -> Any:
        connection = sqlite3.connect(
            f"file:{self._path}?vfs=memdb", uri=True, isolation_level=None, check_same_thread=False,
            cached_statements=512, timeout=SQLITE_BUSY_MS / 1000,
        )  # fmt: skip
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        register_sqlite_functions(connection)
        connection.create_function("fl_fold", 1, fold, deterministic=True)
        return connection

    def engine(self) -> sa.Engine:
        return sa.create_engine("sqlite://", creator=self._connect, poolclass=NullPool)

    def close(self) -> None:
        """Forget everything in it."""
        super().close()
        self._anchor.close()
