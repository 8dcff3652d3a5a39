"""What the clock asks for: planned moments that have come, schedules, leases that have ended, housekeeping.

Any number of processes may run this at once: each moment becomes one job, because its row changes once or its key
is unique.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from fairlead.base.clock import Clock, iso_utc, system_clock
from fairlead.effects.execution import Applications
from fairlead.model.workflows import Automation
from fairlead.store import idempotency, jobs, sessions
from fairlead.store.database import Database, Tx
from fairlead.store.jobs import QUEUES, Job, NewJob
from fairlead.work.applications import NothingPublished
from fairlead.work.context import SYSTEM, Context
from fairlead.work.jobs import tell_stuck
from fairlead.work.triggers import KIND, rule_key
from fairlead.work.triggers import next_instant as next_instant

log = logging.getLogger("fairlead.timers")

TICK_S = 1.0
MISSED_AFTER = timedelta(days=3)
"""A reminder that could not be sent for longer than this is noted as missed: longer than a weekend."""

RECLAIM = "reclaim"
APPROVAL_REMINDERS = "approval_reminders"
HOUSEKEEPING = "housekeeping"
PLAN_DATES = "plan_dates"
KEEP_DONE = {"timers": timedelta(days=2), "default": timedelta(days=30), "bulk": timedelta(days=30)}
KEEP_ANSWERS = timedelta(days=2)
KEEP_ATTEMPTS = timedelta(days=2)


class Timers:
    """One loop that turns moments into jobs.

    Attributes:
        each_tick: Called with the present moment at every round, for what else must happen from time to time.
    """

    def __init__(
        self,
        database: Database,
        applications: Applications,
        *,
        clock: Clock = system_clock,
        tick_s: float = TICK_S,
        each_tick: Sequence[Callable[[datetime], None]] = (),
    ) -> None:
        self.database = database
        self.applications = applications
        self.clock = clock
        self.each_tick = tuple(each_tick)
        self._tick_s = tick_s
        self._minute = ""
        self._revision: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._loop, name="fairlead-timers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the present round."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _loop(self) -> None:
        while True:
            try:
                self.tick()
            except NothingPublished:
                pass  # a new workspace: nothing can be due
            except Exception:
                log.warning("the timers missed a round and will try again", exc_info=True)
            if self._stop.wait(self._tick_s):
                return

    # ------------------------------------------------------------ one round

    def tick(self) -> None:
        """Do whatever has come due. Reads first; nothing is written in a quiet second."""
        now = self.clock()
        stamp = iso_utc(now)
        revision = self.applications.current().revision
        if revision != self._revision:
            self._follow(now)
            self._revision = revision
        if jobs.any_expired(self.database, now=stamp):
            self._sweep(now)
        first = jobs.first_occurrence(self.database)
        if first is not None and first <= stamp:
            self._fire(now)
        minute = stamp[:16]
        if minute != self._minute:
            self._every_minute(now, minute)
            self._minute = minute
        for call in self.each_tick:
            call(now)

    def _sweep(self, now: datetime) -> None:
        ctx = Context(
            app=self.applications.current(), database=self.database, actor=SYSTEM, now=now, door="system"
        )
        with self.database.write() as tx:
            for job_id in jobs.sweep(tx, now=ctx.stamp).parked:
                stuck = jobs.by_id(tx, job_id)
                if stuck is not None:
                    tell_stuck(tx, ctx, stuck)

    def _fire(self, now: datetime) -> None:
        app = self.applications.current()
        schedules = {rule_key(found.name): found for found in app.triggers.schedules}
        while True:
            with self.database.write() as tx:
                fired = jobs.fire_due(
                    tx, now=iso_utc(now), oldest=iso_utc(now - MISSED_AFTER), revision=app.revision, limit=200
                )
                for due in fired:
                    automation = schedules.get(due.rule)
                    if automation is not None:
                        # From now, not from the moment that fired: what was missed in between runs once, not often.
                        _plan_next(tx, automation, app.workspace.zone, now)
            if len(fired) < 200:
                return

    def _follow(self, now: datetime) -> None:
        """Bring what is planned in line with the published automations."""
        app = self.applications.current()
        wanted = {rule_key(found.name): found for found in app.triggers.schedules}
        planned = jobs.waiting_schedules(self.database)
        stale = [
            one for one in planned
            if one.rule not in wanted or not one.key.startswith(_prefix(wanted[one.rule], app.workspace.zone))
        ]  # fmt: skip
        stale_ids = {one.id for one in stale}
        standing = {one.rule for one in planned if one.id not in stale_ids}
        with self.database.write() as tx:
            for one in stale:
                jobs.drop(tx, one.id)
            for rule, automation in wanted.items():
                if rule not in standing:
                    _plan_next(tx, automation, app.workspace.zone, now)
            for automation in app.workspace.automations.values():
                if automation.enabled:
                    jobs.resume(tx, KIND, automation.name)
            new = NewJob(
                kind=PLAN_DATES, run_at=iso_utc(now), queue="bulk", unique_key=f"{PLAN_DATES}:{app.revision}",
                order_key=f"timer:{PLAN_DATES}", revision=app.revision,
            )  # fmt: skip
            jobs.enqueue(tx, new, now=iso_utc(now))

    def _every_minute(self, now: datetime, minute: str) -> None:
        app = self.applications.current()
        kinds: list[tuple[str, str]] = []
        if app.workspace.pools:
            kinds.append((RECLAIM, minute))
        if app.workspace.approvals:
            kinds.append((APPROVAL_REMINDERS, minute))
        kinds.append((HOUSEKEEPING, minute[:13]))
        stamp = iso_utc(now)
        with self.database.write() as tx:
            for kind, period in kinds:
                new = NewJob(
                    kind=kind,
                    run_at=stamp,
                    queue="timers",
                    unique_key=f"{kind}:{period}",
                    # Two rounds of the same search at once would only be in each other's way.
                    order_key=f"timer:{kind}",
                    max_attempts=3,
                    revision=app.revision,
                )
                jobs.enqueue(tx, new, now=stamp)


def _prefix(automation: Automation, zone: str) -> str:
    return f"{automation.trigger.cron} in {zone} at "


def _plan_next(tx: Tx, automation: Automation, zone: str, after: datetime) -> None:
    assert automation.trigger.cron is not None
    instant = iso_utc(next_instant(automation.trigger.cron, zone, after))
    jobs.schedule(
        tx, rule=rule_key(automation.name), record_id="", entity=None, key=_prefix(automation, zone) + instant,
        fire_at=instant,
    )  # fmt: skip


def tidy(ctx: Context, _: Job) -> str:
    """Forget what nobody will ask for again: done jobs, ended sessions, old answers and attempts."""
    counts = {"jobs": 0}
    for queue in QUEUES:
        before = iso_utc(ctx.now - KEEP_DONE[queue])
        while True:
            with ctx.database.write() as tx:
                dropped = jobs.purge(tx, queue, before=before, limit=500)
            counts["jobs"] += dropped
            if dropped < 500:
                break
    with ctx.database.write() as tx:
        counts["sessions"] = sessions.end_expired(tx, ctx.stamp)
        counts["answers"] = idempotency.purge(tx, iso_utc(ctx.now - KEEP_ANSWERS))
        counts["attempts"] = sessions.forget_attempts(tx, iso_utc(ctx.now - KEEP_ATTEMPTS))
    return ", ".join(f"{number} {name}" for name, number in counts.items())
