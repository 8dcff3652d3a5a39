"""One publisher at a time, and everybody else is told who it is and since when (CF-30).

What keeps the others out ends with the process that holds it, however that ends: on SQLite a lock on a file beside the
database, on PostgreSQL an advisory lock of a session. What is written down about the holder only informs, and only while
the lock is held; nobody has to clear it away.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.compiled.statement import prepare
from fairlead.store import settings
from fairlead.store.database import Database

ALONE = 746_580
"""The advisory lock of PostgreSQL that a publisher holds from the first statement to the last."""
_HOLDER = "publishing"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who publishes, and since when."""

    by: str
    since: str


class Busy(Exception):
    """Somebody else is publishing. `holder` is None in the instant before they have said who they are."""

    def __init__(self, holder: Holder | None) -> None:
        super().__init__(str(holder))
        self.holder = holder


@contextmanager
def alone(database: Database, *, author: str, now: str) -> Iterator[None]:
    """Publish alone until the end of the block.

    Raises:
        Busy: Somebody else does.
    """
    said = json.dumps({"by": author, "since": now})
    with _on_sqlite(database, said) if database.dialect == "sqlite" else _on_postgresql(database, said):
        yield


@contextmanager
def _on_sqlite(database: Database, said: str) -> Iterator[None]:
    assert database.path is not None
    descriptor = os.open(f"{database.path}.publishing", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(_holder(os.read(descriptor, 4096).decode(errors="replace"))) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, said.encode())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _on_postgresql(database: Database, said: str) -> Iterator[None]:
    # A connection of its own: the lock must not outlive the process in a pool, nor end with the migration's transaction.
    with database.session() as session:
        taken = session.one(prepare(sa.text(f"SELECT pg_try_advisory_lock({ALONE})"), "postgresql"))
        if not (taken and taken[0]):
            raise Busy(_holder(settings.get(database, _HOLDER)))
        settings.put(session, _HOLDER, said)
        yield


def _holder(text: str | None) -> Holder | None:
    try:
        found = json.loads(text or "")
        return Holder(str(found["by"]), str(found["since"]))
    except (ValueError, KeyError, TypeError):
        return None
