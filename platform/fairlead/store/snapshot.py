"""One moment of a database, for looking only: what others write meanwhile is not seen, and nothing can be written.

The database itself refuses a write, and ends a statement when its time is up; neither rests on the caller's manners.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from fairlead.compiled.statement import Prepared
from fairlead.store.database import Database, Row, Tx, translate

_STEPS = 2_000
"""After so many steps of its machine SQLite asks whether to go on: some ten thousand times a second."""


class OutOfTime(Exception):
    """The time that was given for looking is over."""


class ReadOnly(Exception):
    """Somebody tried to write where only looking is allowed: a mistake in the program."""


class Snapshot(Database):
    """A database as it was at one moment. It has one connection, which belongs to whoever opened it."""

    def __init__(self, database: Database, connection: Any, deadline: float) -> None:
        # Deliberately without the connections and locks of the database that it looks at.
        self.url = database.url
        self.dialect = database.dialect
        self.deadline = deadline
        self._connection = connection

    @property
    def out_of_time(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.deadline

    def _read(self, fetch: Callable[[Any], Any], statement: Prepared, params: Mapping[str, object]) -> Any:
        if self.out_of_time:
            raise OutOfTime
        try:
            return fetch(self._connection.execute(statement.sql, statement.bind(params)))
        except psycopg.errors.QueryCanceled as error:
            raise OutOfTime from error
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                raise OutOfTime from error
            translate(error)
            raise
        except psycopg.Error as error:
            translate(error)
            raise

    def stream(self, statement: Prepared, params: Mapping[str, object] = {}) -> Iterator[Row]:
        yield from self.all(statement, params)

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Refuse.

        Raises:
            ReadOnly: Always.
        """
        raise ReadOnly
        yield  # type: ignore[unreachable]

    def close(self) -> None:
        """Do nothing: the connection is closed by whoever opened it."""


@contextmanager
def snapshot(database: Database, *, seconds: float) -> Generator[Snapshot, None, None]:
    """Open a moment of `database` to look at, for at most so many seconds.

    Within the block a read raises `OutOfTime` when the time is over.
    """
    deadline = time.monotonic() + seconds
    connection = database._connect()
    try:
        if database.dialect == "sqlite":
            connection.execute("PRAGMA query_only = ON")
            connection.set_progress_handler(lambda: time.monotonic() >= deadline, _STEPS)
            connection.execute("BEGIN")
        else:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(f"SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
        yield Snapshot(database, connection, deadline)
    finally:
        connection.close()
