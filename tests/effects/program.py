"""A worker as a process of its own, which tests start and kill.

    python -m tests.effects.program DATABASE_URL [REDIS_URL]

Its jobs write one row each into the table `effect`; nothing there is unique, so a job done twice leaves two.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from fairlead.effects import rq
from fairlead.effects.execution import Executor
from fairlead.effects.handlers import Handlers
from fairlead.effects.runner import Runner
from fairlead.effects.timers import Timers, tidy
from fairlead.store.database import Database, Tx
from fairlead.store.jobs import Job
from fairlead.store.statements import Once, insert_all, p
from fairlead.work.context import Context

effects = sa.MetaData()
effect = sa.Table("effect", effects, sa.Column("job_id", sa.Text()), sa.Column("note", sa.Text()))

_ADD = Once(lambda d: insert_all(effect, d))
_ALL = Once(lambda _: sa.select(effect.c.job_id, effect.c.note))
_OF = Once(lambda _: sa.select(sa.func.count()).where(effect.c.job_id == p("id")))


class NoApplication:
    """Stands for an application without anything in it."""

    def __init__(self, revision: int = 1, **workspace: Any) -> None:
        self.workspace = SimpleNamespace(
            pools={}, approvals={}, automations={}, roles={}, zone="Asia/Shanghai", **workspace
        )
        self.revision = revision
        self.triggers = SimpleNamespace(schedules=())

    def current(self) -> Any:
        return self


def write_effect(tx: Tx, ctx: Context, job: Job) -> str:
    tx.run(_ADD.on(tx), {"job_id": job.id, "note": str(job.args.get("note", ""))})
    return "written"


def written(database: Database) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in database.all(_ALL.on(database))]


def die(tx: Tx, ctx: Context, job: Job) -> None:
    write_effect(tx, ctx, job)
    os.kill(os.getpid(), signal.SIGKILL)


def handlers() -> Handlers:
    found = Handlers()
    found.add_inside("effect", write_effect)
    found.add_inside("deadly", die)
    found.add_outside("housekeeping", tidy)
    found.add_outside("plan_dates", lambda ctx, job: None)
    return found


def executor(database: Database) -> Executor:
    # Short, so that a test need not wait a minute for the lease of a worker it has killed.
    return Executor(database, NoApplication(), handlers(), lease=timedelta(seconds=2), heartbeat_s=0.5)


def main(database_url: str, redis_url: str = "") -> None:
    database = Database(database_url)
    if redis_url:
        announcer = rq.Announcer(redis_url, database)
        timers = Timers(database, NoApplication(), tick_s=0.2, each_tick=[announcer.each_tick])
        timers.start()
        print("ready", flush=True)
        rq.work(redis_url, executor(database))
        timers.stop()
        return
    runner = Runner(executor(database), threads=4, poll_s=0.2)
    timers = Timers(database, NoApplication(), tick_s=0.2)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # Said before the first job is taken: a deadly one may end this process at once.
    print("ready", flush=True)
    runner.start()
    timers.start()
    stop.wait()
    timers.stop()
    runner.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
