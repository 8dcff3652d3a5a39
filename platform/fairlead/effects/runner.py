"""Background work inside the serving process: no queue server needed, the same promises."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from queue import PriorityQueue

from fairlead.base.clock import iso_utc
from fairlead.effects.execution import Executor
from fairlead.store import jobs
from fairlead.store.jobs import QUEUES, Job, Queue, Waiting

log = logging.getLogger("fairlead.jobs")

POLL_S = 1.0
"""How long a job of another process, or one that waits for a moment, may go unnoticed."""

_STOP = len(QUEUES)
"""Sorts after every queue: a thread stops when nothing is left that was begun."""


class Runner:
    """Threads that take jobs from the database and run them.

    One thread claims, a little ahead of what the others run. What the clock asks for goes first, and imports never
    take more than half of the threads.
    """

    def __init__(self, executor: Executor, *, threads: int = 4, poll_s: float = POLL_S) -> None:
        self.executor = executor
        self._threads = max(1, threads)
        self._poll_s = poll_s
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._idle = threading.Condition()
        self._held: Counter[str] = Counter()
        self._waiting: PriorityQueue[tuple[int, int, Job | None]] = PriorityQueue()
        self._order = itertools.count()
        self._running: list[threading.Thread] = []
        self._deaf: Callable[[], None] | None = None

    # ------------------------------------------------------------ from outside

    def start(self) -> None:
        """Begin to work."""
        self._deaf = jobs.listen(self.executor.database, self._hear)
        self.executor.leases.start()
        targets = [self._dispatch, *[self._work] * self._threads]
        for number, target in enumerate(targets):
            thread = threading.Thread(target=target, name=f"fairlead-jobs-{number}", daemon=True)
            self._running.append(thread)
            thread.start()

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Claim nothing more, finish what is under way, give back the rest; say whether all threads ended."""
        if self._deaf is not None:
            self._deaf()
            self._deaf = None
        self._stopping.set()
        self._bell.set()
        for thread in self._running:
            thread.join(timeout_s)
        self.executor.leases.stop()
        ended = not any(thread.is_alive() for thread in self._running)
        self._running = []
        return ended

    def wake(self) -> None:
        """Look for work now."""
        self._bell.set()

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is claimed and nothing is due; say whether that came about in time."""
        with self._idle:
            return self._idle.wait_for(self._is_idle, timeout_s)

    def _is_idle(self) -> bool:
        return not self._bell.is_set() and not self._held.total() and not self._due()

    def _due(self) -> bool:
        now = iso_utc(self.executor.clock())
        return any(moment <= now for moment in jobs.next_due(self.executor.database).values())

    def _hear(self, _: Sequence[Waiting]) -> None:
        self._bell.set()

    # ------------------------------------------------------------ claiming

    def _dispatch(self) -> None:
        while not self._stopping.is_set():
            # Cleared before looking: whatever is added from here on rings again.
            self._bell.clear()
            took = 0
            try:
                took = self._claim()
            except Exception:
                log.warning("jobs could not be claimed", exc_info=True)
            with self._idle:
                self._idle.notify_all()
            if not took:
                self._bell.wait(self._poll_s)
        self._hand_back()
        for _ in range(self._threads):
            self._waiting.put((_STOP, next(self._order), None))

    def _claim(self) -> int:
        with self._idle:
            held = self._held.copy()
        if held.total() > self._threads:
            return 0  # enough lies ready; claiming a few more at a time would cost a transaction for each
        free = 2 * self._threads - held.total()
        taken = self.executor.claim(self._shares(free, held))
        with self._idle:
            self._held.update(job.queue for job in taken)
        for job in taken:
            self._waiting.put((QUEUES.index(_queue(job)), next(self._order), job))
        return len(taken)

    def _shares(self, free: int, held: Counter[str]) -> list[tuple[Queue, int]]:
        most_bulk = max(1, self._threads // 2)
        bulk = min(free, most_bulk - held["bulk"])
        return [("timers", free), ("default", free), ("bulk", max(0, bulk))]

    def _hand_back(self) -> None:
        """Return to the database what was claimed and nobody began."""
        left = []
        while not self._waiting.empty():
            job = self._waiting.get()[2]
            if job is not None:
                left.append(job)
        try:
            self.executor.give_back(left)
        except Exception:
            log.warning("%d jobs could not be given back; their leases will end", len(left), exc_info=True)
        with self._idle:
            self._held.subtract(job.queue for job in left)

    # ------------------------------------------------------------ running

    def _work(self) -> None:
        while True:
            job = self._waiting.get()[2]
            if job is None:
                return
            try:
                self.executor.execute(job)
            except Exception:
                log.exception("job %s (%s) could not be run", job.id, job.kind)
            with self._idle:
                self._held[job.queue] -= 1
                self._idle.notify_all()
            # A slot is free, and the next job of the same order key may be.
            self._bell.set()


def _queue(job: Job) -> Queue:
    return next((queue for queue in QUEUES if queue == job.queue), "default")
