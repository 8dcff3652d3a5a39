"""Databases and web servers for the time of a measurement."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from bench import serve
from bench.schema import Dialect
from tests.support import servers

ROOT = Path(__file__).resolve().parents[1]
START_WITHIN_S = 60


@dataclass(frozen=True)
class Place:
    """Where databases are made: a folder for SQLite, a running PostgreSQL beside it."""

    dialect: Dialect
    folder: Path
    postgres: servers.Postgres | None = None

    def fresh(self, name: str) -> str:
        """Return the address of an empty database."""
        if self.postgres is None:
            return f"sqlite:///{self.folder / name}.sqlite3"
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name}")
            # fsync is off on this server; the rest of a durable commit is paid, as it is on a real one.
            admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
        return self.postgres.url(name)

    def copy(self, name: str, to: str) -> str:
        """Return the address of a copy, which replaces an older one of that name."""
        if self.postgres is None:
            for left in self.folder.glob(f"{to}.sqlite3*"):
                left.unlink()
            shutil.copy(self.folder / f"{name}.sqlite3", self.folder / f"{to}.sqlite3")
            return f"sqlite:///{self.folder / to}.sqlite3"
        with psycopg.connect(self.postgres.dsn(), autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {to} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {to} TEMPLATE {name}")
            admin.execute(f"ALTER DATABASE {to} SET synchronous_commit = on")
            admin.execute("CHECKPOINT")
        return self.postgres.url(to)

    @property
    def pid(self) -> int | None:
        """The first process of PostgreSQL; on SQLite there is none."""
        if self.postgres is None:
            return None
        return int((self.postgres.folder / "data/postmaster.pid").read_text().splitlines()[0])

    def version(self) -> str:
        """Return what the database calls itself."""
        if self.postgres is None:
            import sqlite3

            return f"SQLite {sqlite3.sqlite_version}"
        with psycopg.connect(self.postgres.dsn()) as admin:
            row = admin.execute("SHOW server_version").fetchone()
        return f"PostgreSQL {row[0] if row else '?'}"


@contextlib.contextmanager
def place(dialect: Dialect) -> Iterator[Place]:
    """Prepare a place for databases, and leave nothing behind."""
    if dialect == "sqlite":
        # On the disk of the repository, not in memory, so that a durable write costs what it costs.
        cache = ROOT / ".cache"
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=cache) as folder:
            yield Place("sqlite", Path(folder))
        return
    run_dir = Path(tempfile.mkdtemp(prefix="fairlead-bench-"))
    run_dir.chmod(0o755)  # the server may run as another user
    lifeline = servers.Lifeline.make(run_dir / "pg.fifo")
    try:
        yield Place("postgresql", run_dir, servers.start_postgres(run_dir, lifeline.fifo))
    finally:
        lifeline.cut()
        shutil.rmtree(run_dir, ignore_errors=True)


@dataclass(frozen=True)
class Server:
    """A web server that answers."""

    what: str
    url: str
    port: int
    pid: int


@contextlib.contextmanager
def serving(what: str, url: str, *, processes: int = 1) -> Iterator[Server]:
    """Serve one implementation from `processes` processes of one thread each.

    Raises:
        RuntimeError: It did not start, or stopped at once.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--no-ws", "--port", str(port),
        "--workers", str(processes), "--blocking-threads", "1", "--log-level", "warning", "bench.serve:application",
    ]  # fmt: skip
    paths = os.pathsep.join([str(ROOT), str(ROOT / "platform"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, serve.WHAT: what, serve.URL: url, "PYTHONPATH": paths}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        _wait_for(process, port, what)
        yield Server(what, url, port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, what: str) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server of {what!r} ended with {process.returncode}")
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=1) as connection,
        ):
            connection.settimeout(START_WITHIN_S)
            connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            if connection.recv(12):
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server of {what!r} did not answer within {START_WITHIN_S} seconds")


def database_kind(url: str) -> str:
    """Return the dialect that an address names."""
    return sa.make_url(url).get_backend_name()
