"""Real worker processes, killed without warning: every effect happens, none twice, nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from fairlead.base.clock import iso_utc, utc_now
from fairlead.effects import rq
from fairlead.store import jobs
from fairlead.store.database import Database
from fairlead.store.jobs import NewJob

from tests.effects.conftest import create_tables
from tests.effects.program import written

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 120.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a worker, and end whatever is left of it after the test."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*arguments: str) -> subprocess.Popen[str]:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.effects.program", *arguments], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "platform"},
        )  # fmt: skip
        begun.append(worker)
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
        return worker

    yield begin
    for worker in begun:
        worker.kill()
        worker.wait()
        assert worker.stdout is not None
        worker.stdout.close()


def add(database: Database, count: int, kind: str = "effect", **more: object) -> list[str]:
    now = iso_utc(utc_now())
    with database.write() as tx:
        ids = [jobs.enqueue(tx, NewJob(kind, now, **more), now=now) for _ in range(count)]  # type: ignore[arg-type]
    return [key for key in ids if key]


def until(holds: Callable[[], bool]) -> bool:
    """Wait for a condition in another process, which cannot ring a bell here."""
    deadline = time.monotonic() + LONG_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


def all_done(database: Database) -> bool:
    return {state for (_, state) in jobs.counts(database)} <= {"done"}


def test_killed_in_the_middle_of_a_thousand(database: Database, start: Start) -> None:
    """Three workers die one after another; the fourth finishes."""
    ids = add(database, 1000)
    for share in (150, 400, 650):
        worker = start(database.url)
        assert until(lambda share=share: len(written(database)) >= share)  # type: ignore[misc]
        worker.kill()
        worker.wait()
    start(database.url)
    assert until(lambda: all_done(database))
    assert Counter(key for key, _ in written(database)) == Counter(ids)


def test_job_that_kills_its_worker_is_parked(database: Database, start: Start) -> None:
    """After its attempts it waits for a person; what stands behind it runs."""
    (deadly,) = add(database, 1, "deadly", max_attempts=2)
    behind = add(database, 5)

    def parked() -> bool:
        found = jobs.by_id(database, deadly)
        return found is not None and found.state == "dead"

    for _ in range(2):
        start(database.url).wait(LONG_S)
    start(database.url)
    assert until(lambda: parked() and len(written(database)) == len(behind))
    assert {key for key, _ in written(database)} == set(behind)


def test_redis_workers_killed_and_redis_emptied(postgres_url: str, redis_url: str, start: Start) -> None:
    """Two workers; one is killed, then Redis forgets everything: all jobs run, none twice."""
    database = Database(postgres_url)
    create_tables(database)
    announcer = rq.Announcer(redis_url, database)
    deaf = announcer.listen()
    ids = add(database, 500)
    first, _ = start(database.url, redis_url), start(database.url, redis_url)
    assert until(lambda: len(written(database)) >= 100)
    first.kill()
    first.wait()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    ids += add(database, 100)
    assert until(lambda: all_done(database))
    assert Counter(key for key, _ in written(database)) == Counter(ids)
    deaf()
    announcer.close()
    database.close()


def test_saves_go_on_without_redis(sqlite_url: str, tmp_path: Path) -> None:
    """Nothing is refused because nobody could be told; the job waits."""
    database = Database(sqlite_url)
    create_tables(database)
    announcer = rq.Announcer(f"unix://{tmp_path / 'nobody'}", database)
    deaf = announcer.listen()
    (job_id,) = add(database, 1)
    assert jobs.ready_ids(database, "default", now=iso_utc(utc_now()), limit=9) == [job_id]
    deaf()
    announcer.close()
    database.close()


def test_pickle_in_redis_is_never_opened(
    postgres_url: str, redis_url: str, start: Start, tmp_path: Path
) -> None:
    """A message that somebody changed into a program is refused; the job itself still runs."""
    database = Database(postgres_url)
    create_tables(database)
    announcer = rq.Announcer(redis_url, database)
    (job_id,) = add(database, 1)
    announcer.announce([(job_id, "default")])
    victim = tmp_path / "opened"
    with redis.Redis.from_url(redis_url) as client:
        (key,) = client.keys("rq:job:*")
        client.hset(key, "data", f"cposix\nsystem\n(S'touch {victim}'\ntR.".encode())
    start(database.url, redis_url)
    assert until(lambda: all_done(database))
    assert [key for key, _ in written(database)] == [job_id]
    assert not victim.exists()
    announcer.close()
    database.close()
