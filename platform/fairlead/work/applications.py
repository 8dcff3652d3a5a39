"""The application of each revision, compiled once per process; and the one in force, followed as it changes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from fairlead.compiled.application import Application, compile_workspace
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store import revisions
from fairlead.store.database import Database, Unavailable

FOLLOW_S = 0.5
"""How often a process looks whether a newer revision is in force."""


class NothingPublished(Exception):
    """The database has no revision yet; `fairlead apply` publishes the first."""


class Applications:
    """One per process. `current()` costs nothing: a thread follows the newest revision."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_number: dict[int, Application] = {}
        self._current: Application | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._listeners: list[Callable[[Application], None]] = []

    def current(self) -> Application:
        """Return the application in force.

        Raises:
            NothingPublished: There is no revision yet.
        """
        return self._current if self._current is not None else self.refresh()

    def refresh(self) -> Application:
        """Look now whether a newer revision is in force, and return its application."""
        number = revisions.current_number(self._database)
        if number is None:
            raise NothingPublished
        if self._current is None or self._current.revision != number:
            app = self.at(number)
            with self._lock:
                if self._current is None or self._current.revision < number:
                    self._current = app
            for listener in self._listeners:
                listener(app)
        assert self._current is not None
        return self._current

    def at(self, number: int) -> Application:
        """Return the application of one revision; compiled when first asked for.

        Raises:
            LookupError: There is no such revision, or this program no longer reads it.
        """
        found = self._by_number.get(number)
        if found is None:
            files = revisions.files(self._database, number)
            if not files:
                raise LookupError(f"there is no revision {number}")
            found = compiled(files, self._database.dialect, number)
            if found is None:
                raise LookupError(f"revision {number} cannot be read by this version of the program")
            with self._lock:
                self._by_number[number] = found
                for old in sorted(self._by_number)[:-8]:
                    del self._by_number[old]
        return found

    def on_change(self, listener: Callable[[Application], None]) -> None:
        """Call `listener` with each application that comes into force."""
        self._listeners.append(listener)

    def follow(self) -> None:
        """Start the thread that follows newly published revisions."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="fairlead-follow", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(FOLLOW_S):
            try:
                self.refresh()
            except (Unavailable, NothingPublished, LookupError):
                continue  # what is in force stays in force; the next look may succeed

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)


def compiled(files: dict[str, str], dialect: str, number: int = 0) -> Application | None:
    """Return the application of a tree of files, or None when it has errors."""
    tree = SourceTree.from_mapping(files)
    loaded = load(tree)
    if loaded.workspace is None:
        return None
    return compile_workspace(loaded.workspace, dialect=dialect, revision=number, digest=tree.digest())
