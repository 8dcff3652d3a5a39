"""`fairlead worker`: processes on Redis that are replaced when they die and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fairlead.base.clock import iso_utc, utc_now
from fairlead.cli import main
from fairlead.store import jobs
from fairlead.store.database import Database
from fairlead.store.jobs import NewJob

ROOT = Path(__file__).resolve().parents[2]
LONG_S = 90.0


@pytest.fixture
def environment(postgres_url: str, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ, "PYTHONPATH": str(ROOT / "platform"), "FAIRLEAD_DATABASE_URL": postgres_url,
        "FAIRLEAD_REDIS_URL": redis_url, "FAIRLEAD_DATA_DIR": str(tmp_path / "var"),
    }  # fmt: skip


@pytest.fixture
def workspace(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "acme"
    (folder / "schemas").mkdir(parents=True)
    (folder / "fairlead.yaml").write_text("name: acme\nlabel: Acme\nlanguages: [en]\ncurrency: CNY\n")
    (folder / "schemas/thing.yaml").write_text(
        "kind: entity\nname: thing\nlabel: Thing\ntitle: '{name}'\nfields:\n  name: {type: text, required: true}\n"
    )
    for key in ("FAIRLEAD_DATABASE_URL", "FAIRLEAD_DATA_DIR"):
        monkeypatch.setenv(key, environment[key])
    with pytest.raises(SystemExit) as done:
        main(["apply", str(folder), "--yes"])
    assert done.value.code in (0, None)
    return folder


@pytest.fixture
def worker(workspace: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    program = "from fairlead.cli import main; main()"
    started = subprocess.Popen(
        [sys.executable, "-c", program, "worker", "--workers", "2", "-w", str(workspace)], env=environment,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdout is not None
    assert "2 processes" in started.stdout.readline()
    yield started
    started.kill()
    started.wait()
    started.stdout.close()


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.05)
    return True


def children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if int(stat[1]) == parent and "spawn_main" in command and stat[0] != "Z":
            found.append(int(folder.name))
    return found


def is_there(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def run_one(database: Database) -> bool:
    now = iso_utc(utc_now())
    with database.write() as tx:
        job_id = jobs.enqueue(tx, NewJob("housekeeping", now), now=now)

    def done() -> bool:
        job = jobs.by_id(database, job_id or "")
        return job is not None and job.state == "done"

    return until(done)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes where Linux lists them")
def test_workers_are_replaced_and_end_with_their_parent(
    worker: subprocess.Popen[str], postgres_url: str
) -> None:
    """A killed worker has a successor; a killed parent leaves nobody behind; jobs run meanwhile."""
    database = Database(postgres_url)
    assert until(lambda: len(children(worker.pid)) == 2)
    assert run_one(database)
    victim, _ = children(worker.pid)
    os.kill(victim, signal.SIGKILL)
    assert until(lambda: len(children(worker.pid)) == 2 and victim not in children(worker.pid))
    assert run_one(database)
    orphans = children(worker.pid)
    worker.kill()
    worker.wait()
    assert until(lambda: not any(is_there(pid) for pid in orphans))
    database.close()


def test_a_signal_ends_it_in_order(worker: subprocess.Popen[str], postgres_url: str) -> None:
    """What is under way is finished, and the status is 0."""
    database = Database(postgres_url)
    assert run_one(database)
    worker.terminate()
    assert worker.wait(LONG_S) == 0
    assert {state for _, state in jobs.counts(database)} <= {"done", "ready"}
    database.close()
