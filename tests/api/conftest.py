"""One office for each module of tests and each database: the tests of a module make records of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from fairlead.work import passwords

from tests.api.office import Api, open_office
from tests.support.servers import Postgres

passwords.use_cost("low")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def office_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty database that lives as long as the module's tests."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('api') / 'fairlead.sqlite3'}"
        return
    import psycopg  # only these tests pay for the import

    server: Postgres = request.getfixturevalue("postgres")
    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    with psycopg.connect(server.dsn(), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def api(office_url: str) -> Iterator[Api]:
    """The office and its API."""
    with open_office(office_url) as made:
        yield made
