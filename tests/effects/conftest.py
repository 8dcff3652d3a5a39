"""A database with the engine's tables, and one more in which effects can be counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fairlead.store.database import Database
from fairlead.store.system import system

from tests.effects.program import NoApplication, effects


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """On SQLite, and once more on PostgreSQL."""
    found = Database(database_url)
    create_tables(found)
    yield found
    found.close()


def create_tables(database: Database) -> None:
    engine = database.engine()
    system.create_all(engine)
    effects.create_all(engine)
    engine.dispose()


@pytest.fixture
def applications() -> NoApplication:
    """A workspace without pools, approvals and automations."""
    return NoApplication()
