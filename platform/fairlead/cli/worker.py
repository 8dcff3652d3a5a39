"""Be a background worker."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import click

from fairlead.cli.common import WORKSPACE, house, settings
from fairlead.effects import rq
from fairlead.work.applications import NothingPublished

log = logging.getLogger("fairlead.worker")

PAUSE_S = 1.0
"""Before a worker that died is started anew, so that one that cannot start does not spin."""

END_WITHIN_S = 60.0


@click.command()
@click.option("--workers", type=click.IntRange(1, 64), help="How many at once (default: FAIRLEAD_WORKERS).")
@WORKSPACE
def worker(workers: int | None, folder: Path) -> None:
    """Run background jobs until a signal says stop; what is under way is finished first.

    With Redis each worker is a process of its own that RQ wakes, and one that dies is started anew. Without, they
    are threads of this process that look into the database.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    own = house(folder)
    count = workers or own.settings.workers
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        own.applications.refresh()
        own.follow()
        own.start_jobs(threads=count)
        if own.settings.redis_url is None:
            click.echo(f"Fairlead works with {count} threads; no Redis.")
            stop.wait()
        else:
            click.echo(f"Fairlead works with {count} processes on Redis.")
            _keep(count, folder, stop)
    except NothingPublished:
        raise click.ClickException("Nothing is published yet. Run `fairlead apply` first.") from None
    finally:
        own.close()


def _keep(count: int, folder: Path, stop: threading.Event) -> None:
    """Keep `count` worker processes alive until told to stop, then end them in order."""
    # Spawned, not forked: this process has threads, and a fork would copy their locks as they happen to stand.
    make = multiprocessing.get_context("spawn")
    running: list[BaseProcess] = []
    while not stop.is_set():
        for dead in [one for one in running if not one.is_alive()]:
            running.remove(dead)
            log.warning("worker %s ended with status %s; another takes its place", dead.pid, dead.exitcode)
            stop.wait(PAUSE_S)
        while len(running) < count and not stop.is_set():
            fresh = make.Process(target=work, args=(str(folder),), name="fairlead-worker")
            fresh.start()
            running.append(fresh)
        wait([one.sentinel for one in running], timeout=1.0)
    for one in running:
        one.terminate()
    for one in running:
        one.join(END_WITHIN_S)


def work(folder: str) -> None:
    """Be one of the processes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    threading.Thread(target=_end_with_parent, daemon=True).start()
    own = house(Path(folder))
    url = settings(Path(folder)).redis_url
    assert url is not None
    try:
        own.applications.refresh()
        own.follow()
        rq.work(url, own.executor())
    finally:
        own.close()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
