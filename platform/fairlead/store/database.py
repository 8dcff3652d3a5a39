"""One database, SQLite or PostgreSQL, behind the same few calls.

Statements are prepared texts (see `compiled.statement`) that run on the driver directly. Reads need no
transaction; writes take one through `Database.write()`, which on SQLite is `BEGIN IMMEDIATE` behind a lock of
the process, so that writers of one process queue fairly instead of polling for the file lock.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psycopg
import sqlalchemy as sa
from sqlalchemy.pool import NullPool
from sqlalchemy.sql import ClauseElement

from fairlead.base.errors import Refused
from fairlead.base.errors import (
    Unavailable as Unavailable,
)  # what callers catch, with the others of this module
from fairlead.base.texts import Label
from fairlead.compiled.statement import DialectName, Prepared, prepare
from fairlead.expr.sql import register_sqlite_functions
from fairlead.fields.folding import fold

Row = tuple[Any, ...]
_NO_PARAMS: Mapping[str, object] = {}

SQLITE_BUSY_MS = 30_000
MAX_IDLE = 32

_BROKEN = (
    psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.FeatureNotSupported, sqlite3.OperationalError,
)  # fmt: skip
_MENDED_BY_A_NEW_ONE = (
    psycopg.OperationalError, psycopg.InterfaceError,
    psycopg.errors.FeatureNotSupported,  # "cached plan must not change result type": the column has another one now
)  # fmt: skip

_open_databases: WeakSet[Database] = WeakSet()
_left_to_parent: list[object] = []


class Duplicate(Exception):
    """A unique index refused a row. `columns` are the columns or the index that did."""

    def __init__(self, columns: str) -> None:
        super().__init__(columns)
        self.columns = columns


class StillReferenced(Exception):
    """A foreign key refused a write: the row is pointed at, or points at nothing."""


class Outdated(Exception):
    """A statement names a table or column that is not there any more, or was prepared for what it was before."""


class Blocked(Unavailable):
    """Somebody held what this needed for too long, or each waited for the other; trying again will help."""


class Tx:
    """An open transaction. Used only inside `with database.write() as tx`."""

    __slots__ = ("_connection", "_database", "after_commit")

    def __init__(self, database: Database, connection: Any) -> None:
        self._database = database
        self._connection = connection
        self.after_commit: list[Any] = []
        """Callables without arguments, run once the transaction is durable (wake a worker, nothing more)."""

    @property
    def database(self) -> Database:
        """Where this transaction happens."""
        return self._database

    @property
    def dialect(self) -> DialectName:
        """The name of the database's dialect."""
        return self._database.dialect

    def run(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> int:
        """Run a statement and return how many rows it touched."""
        with _translated():
            return int(self._connection.execute(statement.sql, statement.bind(params)).rowcount)

    def run_many(self, statement: Prepared, rows: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each set of parameters."""
        with _translated():
            cursor = self._connection.cursor()
            cursor.executemany(statement.sql, [statement.bind(row) for row in rows])
            cursor.close()

    def all(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> list[Row]:
        """Return all rows."""
        with _translated():
            return list(self._connection.execute(statement.sql, statement.bind(params)).fetchall())

    def one(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> Row | None:
        """Return the first row, or None."""
        with _translated():
            row: Row | None = self._connection.execute(statement.sql, statement.bind(params)).fetchone()
            return row

    @contextmanager
    def savepoint(self, name: str = "fl_inside") -> Iterator[None]:
        """Undo only what happened inside when it fails; the error travels on."""
        self._connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
            self._connection.execute(f"RELEASE SAVEPOINT {name}")
            raise
        self._connection.execute(f"RELEASE SAVEPOINT {name}")

    def ddl(self, sql: str) -> None:
        """Run a statement of the data definition language, as text."""
        with _translated():
            self._connection.execute(sql)


_ADDRESS = Label({
    "en": "The address of the database is not understood; write sqlite:///FILE or postgresql://USER@HOST/NAME.",
    "zh": "无法识别数据库地址；应写为 sqlite:///文件 或 postgresql://用户@主机/库名。",
})  # fmt: skip


def _address(url: str) -> sa.URL:
    """Return what an address says.

    Raises:
        Refused: It is none, or of a database that is not served. Its text is not repeated: it may hold a password.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise Refused("database.address", _ADDRESS) from error
    if parsed.drivername.partition("+")[0] not in ("sqlite", "postgresql", "postgres"):
        raise Refused("database.address", _ADDRESS)
    return parsed


class Database:
    """A place where records live. Threads share it; each call borrows a connection of its own."""

    def __init__(self, url: str) -> None:
        parsed = _address(url)
        self.url = url
        self.dialect: DialectName = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql"
        if self.dialect == "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError("an in-memory SQLite database cannot be shared by threads: name a file")
            self._path = str(Path(parsed.database).absolute())
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
        else:
            self._conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._idle: deque[Any] = deque()  # the last one in goes out first: its cache is warm
        self._write_lock = threading.Lock()
        _open_databases.add(self)

    def __repr__(self) -> str:
        return f"<Database {sa.make_url(self.url).render_as_string(hide_password=True)}>"

    @property
    def path(self) -> str | None:
        """The file of a SQLite database."""
        return self._path if self.dialect == "sqlite" else None

    def engine(self) -> sa.Engine:
        """Return a SQLAlchemy engine without a pool, for creating tables and reflecting them."""
        url = sa.make_url(self.url)
        if self.dialect == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, poolclass=NullPool)

    def prepare(self, statement: ClauseElement) -> Prepared:
        """Compile a Core statement for this database."""
        return prepare(statement, self.dialect)

    def all(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> list[Row]:
        """Return all rows of a read."""
        return self._read(_fetch_all, statement, params)  # type: ignore[no-any-return]

    def one(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> Row | None:
        """Return the first row of a read, or None."""
        return self._read(_fetch_one, statement, params)  # type: ignore[no-any-return]

    def _read(self, fetch: Callable[[Any], Any], statement: Prepared, params: Mapping[str, object]) -> Any:
        """Run one read on an idle connection. This is the hottest path there is, hence no context manager.

        A connection that broke while it lay idle (the server was restarted) is not the request's fault: a read is
        tried once more on a new one.
        """
        while True:
            try:
                connection, fresh = self._idle.pop(), False
            except IndexError:
                connection, fresh = self._connect(), True
            try:
                found = fetch(connection.execute(statement.sql, statement.bind(params)))
            except _BROKEN as error:
                connection.close()
                if fresh or not isinstance(error, _MENDED_BY_A_NEW_ONE):
                    translate(error)
                    raise
            except BaseException as error:
                self._keep(connection)
                translate(error)
                raise
            else:
                self._keep(connection)
                return found

    def _keep(self, connection: Any) -> None:
        if len(self._idle) < MAX_IDLE and not (self.dialect == "postgresql" and connection.closed):
            self._idle.append(connection)
        else:
            connection.close()

    def stream(self, statement: Prepared, params: Mapping[str, object] = _NO_PARAMS) -> Iterator[Row]:
        """Yield rows without holding them all: for exports. One consistent snapshot."""
        with self._borrowed() as connection:
            if self.dialect == "sqlite":
                cursor = connection.execute(statement.sql, statement.bind(params))
                try:
                    while rows := cursor.fetchmany(500):
                        yield from rows
                finally:
                    cursor.close()
            else:
                with connection.transaction(), connection.cursor(name="fl_stream") as cursor:
                    cursor.itersize = 500
                    cursor.execute(statement.sql, statement.bind(params))
                    yield from cursor

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Open a transaction that commits at the end of the block, or leaves nothing behind.

        Raises:
            Duplicate: A unique index refused a row.
            StillReferenced: A foreign key refused a write.
            Unavailable: The database is locked, full or away.
        """
        if self.dialect == "sqlite":
            with self._write_lock:
                tx = yield from self._write("BEGIN IMMEDIATE")
        else:
            tx = yield from self._write("BEGIN")
        for call in tx.after_commit:
            call()

    @contextmanager
    def session(self) -> Iterator[Tx]:
        """Open a connection of its own, each statement durable by itself; it ends with the block.

        For what belongs to a session: its locks, and statements that no transaction can hold.
        """
        connection = self._connect()
        try:
            yield Tx(self, connection)
        finally:
            if self.dialect == "postgresql":
                # The server notices a little later that a connection is gone; whoever comes next need not wait for that.
                with suppress(psycopg.Error):
                    connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def _write(self, begin: str) -> Generator[Tx, None, Tx]:
        with self._borrowed() as connection:
            with _translated():
                connection.execute(begin)
            tx = Tx(self, connection)
            try:
                yield tx
                with _translated():
                    connection.execute("COMMIT")
            except BaseException:
                self._roll_back(connection)
                raise
        return tx

    def _roll_back(self, connection: Any) -> None:
        try:
            if self.dialect == "sqlite":
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            else:
                connection.rollback()
        except (sqlite3.Error, psycopg.Error):
            connection.close()  # the server went away; `_borrowed` drops closed connections

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        except (*_BROKEN, Unavailable):
            connection.close()  # a broken connection must not serve the next request; a new one is cheap
            raise
        except BaseException:
            self._keep(connection)
            raise
        self._keep(connection)

    def _connect(self) -> Any:
        if self.dialect == "sqlite":
            with _translated():
                connection = sqlite3.connect(
                    self._path, isolation_level=None, check_same_thread=False, cached_statements=512,
                    timeout=SQLITE_BUSY_MS / 1000,
                )  # fmt: skip
                for pragma in (
                    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY",
                    "cache_size=-32000", "mmap_size=268435456", "wal_autocheckpoint=4000",
                ):  # fmt: skip
                    connection.execute(f"PRAGMA {pragma}")
                register_sqlite_functions(connection)
                connection.create_function("fl_fold", 1, fold, deterministic=True)
            return connection
        with _translated():
            pg = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=1)
            pg.prepared_max = 1000
            return pg

    def _forget_connections(self) -> None:
        # A forked child must neither use nor close its parent's connections: closing one would end the
        # parent's session too. They stay referenced, so that nothing closes them behind our back.
        _left_to_parent.append(self._idle)
        self._idle = deque()
        self._write_lock = threading.Lock()

    def close(self) -> None:
        """Close every idle connection. Needed before a file is moved or a database dropped."""
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return


class _translated:  # noqa: N801 - reads like the function it stands for
    """Turn the drivers' errors into ours. A class, because it stands around every statement."""

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            translate(error)


def translate(error: BaseException) -> None:
    """Raise our failure for a driver's; return when the error is not a driver's, or has no name of ours."""
    if not isinstance(error, (sqlite3.Error, psycopg.Error)):
        return
    if isinstance(error, sqlite3.IntegrityError):
        text = str(error)
        if text.startswith("UNIQUE"):
            raise Duplicate(text.partition(": ")[2]) from error
        if text.startswith("FOREIGN KEY"):
            raise StillReferenced(text) from error
    elif isinstance(error, psycopg.errors.UniqueViolation):
        raise Duplicate(error.diag.constraint_name or "") from error
    elif isinstance(error, psycopg.errors.ForeignKeyViolation):
        raise StillReferenced(error.diag.constraint_name or "") from error
    elif isinstance(error, sqlite3.DatabaseError) and type(error) is sqlite3.DatabaseError:
        raise Unavailable(str(error)) from error  # the file is damaged, or is no database at all
    elif isinstance(error, sqlite3.OperationalError):
        text = str(error)
        if "locked" in text or "busy" in text or "full" in text or "disk" in text or "unable to open" in text:
            raise Unavailable(text) from error
        if text.startswith(("no such column", "no such table")) or "has no column named" in text:
            raise Outdated(text) from error
    elif isinstance(
        error,
        (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable, psycopg.errors.FeatureNotSupported),
    ):
        raise Outdated(str(error)) from error
    elif isinstance(error, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
        raise Blocked(str(error)) from error
    elif isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError)):
        raise Unavailable(str(error)) from error


def _fetch_all(cursor: Any) -> list[Row]:
    return list(cursor.fetchall())


def _fetch_one(cursor: Any) -> Row | None:
    row: Row | None = cursor.fetchone()
    return row


def _after_fork() -> None:
    for database in list(_open_databases):
        database._forget_connections()


os.register_at_fork(after_in_child=_after_fork)
