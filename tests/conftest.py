"""What every test may ask for: databases, Redis, a browser; and an honest last word about what did not run.

| fixture | gives |
| --- | --- |
| `database_url` | the test runs twice: on a fresh SQLite file and in a fresh PostgreSQL database |
| `sqlite_url`, `postgres_url` | one of the two |
| `redis_url` | an empty Redis, `unix://…`; each test worker has a server of its own |
| `page`, `context`, `browser` | pytest-playwright's, on our Chromium, with a Chinese font |
| `silent_page` | a `page` whose test fails when the console complains, a script throws or the CSP blocks something |

The servers start when the first test asks, and stop when the run ends, however it ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import ConsoleMessage, Page

from tests.support import servers

RUN_DIR = "FAIRLEAD_TEST_RUN_DIR"
_lifeline = pytest.StashKey[servers.Lifeline]()

# Two busy cores make timing of single examples meaningless; a CI run must repeat exactly.
settings.register_profile("fairlead", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("fairlead"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "fairlead")


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_configure(config: pytest.Config) -> None:
    servers.prepare_playwright()
    if _is_worker(config):
        return
    # A short path: the name of a socket may have about a hundred characters.
    run_dir = Path(tempfile.mkdtemp(prefix="fairlead-"))
    run_dir.chmod(0o755)
    os.environ[RUN_DIR] = str(run_dir)
    config.stash[_lifeline] = servers.Lifeline.make(run_dir / "pg.fifo")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _lifeline in config.stash:
        config.stash[_lifeline].cut()
        shutil.rmtree(os.environ.pop(RUN_DIR), ignore_errors=True)


def pytest_report_header(config: pytest.Config) -> list[str]:
    return servers.choices()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count and name what did not run; nothing is left out silently."""
    skipped = terminalreporter.stats.get("skipped", [])
    expected = terminalreporter.stats.get("xfailed", [])
    if not skipped and not expected:
        terminalreporter.write_line("Every collected test ran: none skipped, none expected to fail.")
        return
    terminalreporter.section("did not run, or is expected to fail")
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(f"skipped: {report.nodeid}: {reason.removeprefix('Skipped: ')}")
    for report in expected:
        terminalreporter.write_line(f"expected to fail: {report.nodeid}: {getattr(report, 'wasxfail', '')}")
    terminalreporter.write_line(f"{len(skipped)} skipped, {len(expected)} expected to fail.")


# ---------------------------------------------------------------- databases


@pytest.fixture(scope="session")
def postgres() -> servers.Postgres:
    """The PostgreSQL server of this run, one for all workers."""
    run_dir = Path(os.environ[RUN_DIR])
    return servers.start_postgres(run_dir, run_dir / "pg.fifo")


@pytest.fixture
def postgres_url(postgres: servers.Postgres) -> Iterator[str]:
    """A fresh, empty PostgreSQL database, gone after the test."""
    import psycopg  # only these tests pay for the import

    name = f"t{os.urandom(6).hex()}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        # Copying files is three times as fast as logging them, and nobody will recover this server.
        strategy = "STRATEGY FILE_COPY" if admin.info.server_version >= 150_000 else ""
        admin.execute(f"CREATE DATABASE {name} {strategy}")
    yield postgres.url(name)
    with psycopg.connect(postgres.dsn(), autocommit=True) as admin:
        # FORCE: a test of lost connections may have left some behind.
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'fairlead.sqlite3'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, empty database; the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


# ---------------------------------------------------------------- Redis


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of this worker's own server; ask for `redis_url`, which is empty for each test."""
    folder = Path(tempfile.mkdtemp(prefix="redis-", dir=os.environ[RUN_DIR]))
    lifeline = servers.Lifeline.make(folder / "fifo")
    try:
        yield servers.start_redis(folder, lifeline.fifo)
    finally:
        lifeline.cut()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty Redis."""
    import redis  # only these tests pay for the import

    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


# ---------------------------------------------------------------- browser


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """pytest-playwright's own fixture, pointed at our Chromium and fonts."""
    return {**browser_type_launch_args, **servers.chromium_launch_options()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Pictures and dates do not depend on where the tests run."""
    return {
        "timezone_id": "Asia/Shanghai",
        "locale": "en-GB",
        "reduced_motion": "reduce",
        **browser_context_args,
    }


@pytest.fixture
def silent_page(page: Page) -> Iterator[Page]:
    """A page that has nothing to complain about: no console error or warning, no exception."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        # Chromium reports what its content security policy blocks as a console error, too.
        if message.type in ("error", "warning"):
            complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    page.on("console", on_console)
    page.on("pageerror", lambda problem: complaints.append(f"exception: {problem}"))
    yield page
    assert complaints == []
