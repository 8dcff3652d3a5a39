"""A fresh database with the engine's own tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fairlead.store.database import Database
from fairlead.store.system import system


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The engine's tables on SQLite, and once more on PostgreSQL."""
    found = Database(database_url)
    engine = found.engine()
    system.create_all(engine)
    engine.dispose()
    yield found
    found.close()
