"""Run one claimed job to its end, whatever that is, and keep the promise of its lease."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from fairlead.base.clock import Clock, iso_utc, system_clock
from fairlead.base.errors import Failure
from fairlead.effects.handlers import Handlers
from fairlead.effects.retry import AT_ONCE, Again, is_collision, verdict
from fairlead.store import jobs
from fairlead.store.database import Database, Unavailable
from fairlead.store.jobs import QUEUES, Job, LeaseLost, NotToBeDone, Queue
from fairlead.work.context import SYSTEM, Context
from fairlead.work.jobs import tell_stuck

if TYPE_CHECKING:
    from fairlead.compiled.application import Application

log = logging.getLogger("fairlead.jobs")

LEASE = timedelta(seconds=60)
HEARTBEAT_S = 15.0
RUN_LIMIT_S = 600.0
MAX_ERROR = 4000


class Applications(Protocol):
    """Whoever holds the application of the newest revision."""

    def current(self) -> Application:
        """Return it."""
        ...


class Executor:
    """Claims jobs and runs them. Threads share it."""

    def __init__(
        self,
        database: Database,
        applications: Applications,
        handlers: Handlers,
        *,
        clock: Clock = system_clock,
        lease: timedelta = LEASE,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self.database = database
        self.applications = applications
        self.handlers = handlers
        self.clock = clock
        self.leases = Leases(database, clock, lease, heartbeat_s)

    # ------------------------------------------------------------ claiming

    def claim(self, wanted: Iterable[tuple[Queue, int]]) -> list[Job]:
        """Take up to so many jobs from each queue, in one transaction; nothing is written when nothing is due."""
        now = self._stamp()
        due = {queue for queue, moment in jobs.next_due(self.database).items() if moment <= now}
        wanted = [(queue, limit) for queue, limit in wanted if queue in due and limit > 0]
        if not wanted:
            return []
        until = iso_utc(self.clock() + self.leases.length)
        taken: list[Job] = []
        with self.database.write() as tx:
            for queue, limit in wanted:
                taken += jobs.claim(tx, queue, limit=limit, now=now, until=until)
        self.leases.hold(taken)
        return taken

    def claim_one(self, job_id: str) -> Job | None:
        """Take this job, if it may run now."""
        until = iso_utc(self.clock() + self.leases.length)
        with self.database.write() as tx:
            job = jobs.claim_one(tx, job_id, now=self._stamp(), until=until)
        if job is not None:
            self.leases.hold([job])
        return job

    def give_back(self, held: Iterable[Job]) -> None:
        """Return jobs that were claimed and not begun."""
        held = list(held)
        if not held:
            return
        with self.database.write() as tx:
            for job in held:
                jobs.give_back(tx, job)
        for job in held:
            self.leases.let_go(job)

    # ------------------------------------------------------------ running

    def execute(self, job: Job) -> str:
        """Run a claimed job; return the state it is left in, `lost` when it is no longer ours.

        Never raises: whatever goes wrong becomes the state of the job, or the lease ends and it is tried again.
        """
        try:
            return self._execute(job)
        except LeaseLost:
            log.warning("job %s (%s) is no longer ours; what it did was undone", job.id, job.kind)
            return "lost"
        except Unavailable:
            # The database is away: nothing can be noted now. The lease ends by itself.
            log.warning("job %s (%s): the database is not available", job.id, job.kind, exc_info=True)
            return "lost"
        finally:
            self.leases.let_go(job)

    def _execute(self, job: Job) -> str:
        for begun in range(AT_ONCE + 1):
            try:
                self._run(job)
            except LeaseLost:
                raise
            except NotToBeDone as reason:
                with self.database.write() as tx:
                    jobs.set_aside(tx, job, reason.state, now=self._stamp(), reason=reason.reason)
                return reason.state
            except Exception as error:
                if is_collision(error) and begun < AT_ONCE:
                    continue
                return self._failed(job, error)
            else:
                return "done"
        raise AssertionError("the last round returns")

    def _run(self, job: Job) -> None:
        inside = self.handlers.inside.get(job.kind)
        if inside is not None:
            ctx = self._context()
            with self.database.write() as tx:
                # First the mark, then the work: the row stays locked until both are durable, and a lease that is
                # lost ends here, before anything is done.
                jobs.complete(tx, job, now=self._stamp())
                note = inside(tx, ctx, job)
                if note:
                    jobs.note(tx, job.id, note)
            return
        outside = self.handlers.outside.get(job.kind)
        if outside is None:
            raise Failure("job.unknown-kind", f"nobody knows how to do a job of kind {job.kind!r}")
        note = outside(self._context(), job)
        with self.database.write() as tx:
            jobs.complete(tx, job, now=self._stamp(), log=note)

    def _failed(self, job: Job, error: Exception) -> str:
        text = describe(error)
        decision = verdict(error, job.attempts, job.max_attempts)
        with self.database.write() as tx:
            if isinstance(decision, Again):
                jobs.try_later(tx, job, run_at=iso_utc(self.clock() + decision.delay), error=text)
                return "retry_wait"
            jobs.set_aside(tx, job, "dead", now=self._stamp(), reason=text)
            tell_stuck(tx, self._context(), job)
        log.error("job %s (%s %s) is stuck: %s", job.id, job.kind, job.rule or "", text)
        return "dead"

    def _context(self) -> Context:
        return Context(
            app=self.applications.current(),
            database=self.database,
            actor=SYSTEM,
            now=self.clock(),
            door="job",
        )

    def _stamp(self) -> str:
        return iso_utc(self.clock())

    # ------------------------------------------------------------ for tests and one-off commands

    def drain(self, *, limit: int = 100_000) -> int:
        """Run everything that is due, one after another, until nothing is; return how many ran."""
        ran = 0
        while ran < limit:
            taken = self.claim((queue, 20) for queue in QUEUES)
            if not taken:
                break
            for job in taken:
                self.execute(job)
                ran += 1
        return ran


def describe(error: BaseException) -> str:
    """Return what is kept of an error: the sentence of a failure, or the last lines of a bug's trace."""
    if isinstance(error, Failure):
        return str(error)[:MAX_ERROR]
    lines = traceback.format_exception(error)
    return "".join(lines)[-MAX_ERROR:].strip()


class Leases:
    """Keeps the leases of running jobs from ending while their process lives."""

    def __init__(self, database: Database, clock: Clock, length: timedelta, heartbeat_s: float) -> None:
        self.length = length
        self._database = database
        self._clock = clock
        self._heartbeat_s = heartbeat_s
        self._held: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def hold(self, held: Iterable[Job]) -> None:
        """Extend the leases of these jobs from now on."""
        since = time.monotonic()
        with self._lock:
            for job in held:
                if job.lease is not None:
                    self._held[job.id] = (job.lease, since)

    def let_go(self, job: Job) -> None:
        """Extend this one no longer."""
        with self._lock:
            self._held.pop(job.id, None)

    def beat(self) -> None:
        """Extend everything held; a job that runs beyond its limit is left to end, and somebody else may take it."""
        oldest = time.monotonic() - RUN_LIMIT_S
        with self._lock:
            alive = {lease for lease, since in self._held.values() if since > oldest}
        if alive:
            with self._database.write() as tx:
                jobs.extend(tx, sorted(alive), until=iso_utc(self._clock() + self.length))

    def start(self) -> None:
        """Begin to beat, in a thread of its own."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, name="fairlead-heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop beating."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _loop(self) -> None:
        while not self._stop.wait(self._heartbeat_s):
            try:
                self.beat()
            except Exception:
                log.warning("the leases could not be extended", exc_info=True)
