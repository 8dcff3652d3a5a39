"""Workers on Redis: RQ carries the ids of jobs and wakes workers; the database keeps the jobs.

Whatever happens to Redis, no work is lost: what lies in the database is announced again and again until it is done,
and a job that is announced twice is claimed once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import redis
from rq import Queue as RqQueue
from rq import SimpleWorker
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

from fairlead.base.clock import iso_utc
from fairlead.effects.execution import Executor
from fairlead.store import jobs
from fairlead.store.database import Database
from fairlead.store.jobs import QUEUES, Queue, Waiting

log = logging.getLogger("fairlead.rq")

ENTRY = "fairlead.effects.rq.run_job"
SWEEP_S = 30.0
BACKLOG = 500
"""How many ids lie in Redis at most for each queue before a sweep adds no more."""

QUIET_S = 5.0
"""How long Redis is left alone after it did not answer."""


class Announcer:
    """Tells workers of jobs. Never fails: what it cannot say now is said by the next sweep."""

    def __init__(self, url: str, database: Database) -> None:
        self.database = database
        # Requests wait for this: a Redis that hangs must not hold up people's saves.
        self._redis = redis.Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=0.5)
        self._queues = {name: _queue(name, self._redis) for name in QUEUES}
        self._quiet_until = 0.0
        self._last_sweep = 0.0

    def listen(self) -> Callable[[], None]:
        """Announce every job that this process adds, as soon as it is durable; return how to stop."""
        return jobs.listen(self.database, self._hear)

    def _hear(self, waiting: Sequence[Waiting]) -> None:
        self.announce(waiting)

    def announce(self, waiting: Sequence[Waiting]) -> bool:
        """Say that these jobs may run; say whether Redis took it."""
        if not waiting or time.monotonic() < self._quiet_until:
            return False
        by_queue: dict[str, list[str]] = {}
        for job_id, name in waiting:
            by_queue.setdefault(name, []).append(job_id)
        try:
            for name, ids in by_queue.items():
                queue = self._queues[_known(name)]
                queue.enqueue_many([_message(job_id) for job_id in ids])
        except redis.RedisError as error:
            self._silence(error)
            return False
        return True

    def sweep(self, now: datetime) -> int:
        """Announce what lies ready and may have been forgotten; return how many ids were sent.

        A queue that is empty in Redis is looked at in every round, the others every half minute.
        """
        if time.monotonic() < self._quiet_until:
            return 0
        stamp = iso_utc(now)
        due = {name for name, moment in jobs.next_due(self.database).items() if moment <= stamp}
        all_queues = time.monotonic() - self._last_sweep >= SWEEP_S
        if all_queues:
            self._last_sweep = time.monotonic()
        sent = 0
        try:
            for name in due:
                length = len(self._queues[name])
                if length == 0 or (all_queues and length < BACKLOG):
                    ids = jobs.ready_ids(self.database, name, now=stamp, limit=BACKLOG)
                    sent += len(ids) if self.announce([(job_id, name) for job_id in ids]) else 0
        except redis.RedisError as error:
            self._silence(error)
        return sent

    def each_tick(self, now: datetime) -> None:
        """Sweep, as one of the things that the timers do in every round."""
        self.sweep(now)

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _silence(self, error: redis.RedisError) -> None:
        log.warning("Redis does not answer; jobs wait in the database: %s", error)
        self._quiet_until = time.monotonic() + QUIET_S


def _known(name: str) -> Queue:
    return next((queue for queue in QUEUES if queue == name), "default")


def _queue(name: str, connection: redis.Redis) -> RqQueue:
    # JSON, not RQ's default: a pickle would run whatever somebody wrote into Redis.
    return RqQueue(f"fairlead:{name}", connection=connection, serializer=JSONSerializer)


def _message(job_id: str) -> EnqueueData:
    # The database knows how long a run may take and what becomes of it; RQ's own clocks stay out of it.
    return RqQueue.prepare_data(ENTRY, args=(job_id,), timeout=-1, result_ttl=0, failure_ttl=3600)


# ---------------------------------------------------------------- the worker

_executor: Executor | None = None
_announcer: Announcer | None = None


def run_job(job_id: object) -> str:
    """Run one job, if it may run now; the entry point that messages name.

    Returns:
        The state it is left in; `not ours` when it is done already, not due, or another worker has it.
    """
    if _executor is None:
        raise RuntimeError("this process is no worker")
    if not isinstance(job_id, str):
        return "not ours"
    job = _executor.claim_one(job_id)
    if job is None:
        return "not ours"
    state = _executor.execute(job)
    if job.order_key is not None and _announcer is not None:
        following = jobs.next_of_key(_executor.database, job.order_key)
        if following is not None:
            _announcer.announce([following])
    return state


def work(url: str, executor: Executor, *, burst: bool = False) -> None:
    """Be a worker until a signal says stop: one process, one job at a time; the job under way is finished first.

    Args:
        url: Of Redis.
        executor: Runs the jobs, in this very process.
        burst: End when the queues are empty.
    """
    global _executor, _announcer
    _executor = executor
    _announcer = Announcer(url, executor.database)
    deaf = _announcer.listen()
    connection = redis.Redis.from_url(url)
    queues = [_queue(name, connection) for name in QUEUES]
    worker = SimpleWorker(queues, connection=connection, serializer=JSONSerializer)
    executor.leases.start()
    try:
        worker.work(burst=burst, logging_level="WARNING")
    finally:
        executor.leases.stop()
        deaf()
        _announcer.close()
        connection.close()
        _executor = _announcer = None
