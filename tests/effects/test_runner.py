"""The runner: every job once, in order, fairly, and back in the queue when it must stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from fairlead.base.clock import FrozenClock, iso_utc, utc_now
from fairlead.base.errors import Conflict, Invalid, Locked, OutletError
from fairlead.base.texts import Label
from fairlead.effects.execution import Executor
from fairlead.effects.handlers import Handlers
from fairlead.effects.retry import Again, GiveUp, verdict
from fairlead.effects.runner import Runner
from fairlead.store import jobs
from fairlead.store.database import Database, Tx, Unavailable
from fairlead.store.jobs import Job, NewJob, NotToBeDone
from fairlead.work.context import Context

from tests.effects.program import NoApplication, write_effect, written

LONG_S = 60.0


def add(database: Database, kind: str = "effect", **more: object) -> str:
    with database.write() as tx:
        key = jobs.enqueue(
            tx, NewJob(**{"kind": kind, "run_at": iso_utc(utc_now()), **more}), now=iso_utc(utc_now())
        )  # type: ignore[arg-type]
    assert key is not None
    return key


def make(database: Database, found: Handlers, clock: FrozenClock | None = None) -> Executor:
    return Executor(database, NoApplication(), found, clock=clock or utc_now)


@contextmanager
def running(executor: Executor, **more: object) -> Iterator[Runner]:
    runner = Runner(executor, poll_s=0.05, **more)  # type: ignore[arg-type]
    runner.start()
    try:
        yield runner
    finally:
        assert runner.stop()


@pytest.fixture
def effect_handlers() -> Handlers:
    found = Handlers()
    found.add_inside("effect", write_effect)
    return found


def test_all_of_many_jobs_run_once(database: Database, effect_handlers: Handlers) -> None:
    """Threads share the work; nothing is left out or done twice."""
    ids = [add(database) for _ in range(80)]
    with running(make(database, effect_handlers)) as runner:
        assert runner.wait_idle(LONG_S)
    assert sorted(key for key, _ in written(database)) == sorted(ids)
    assert {state for (_, state) in jobs.counts(database)} == {"done"}


def test_new_job_wakes_the_runner(database: Database, effect_handlers: Handlers) -> None:
    """Nobody waits for a poll: the transaction that adds a job rings the bell."""
    done = threading.Event()
    effect_handlers.add_outside("ring", lambda ctx, job: done.set())
    runner = Runner(make(database, effect_handlers), poll_s=3600)
    runner.start()
    add(database, "ring")
    assert done.wait(LONG_S)
    assert runner.stop()


def test_order_key_keeps_order_on_many_threads(database: Database) -> None:
    """One after another, whatever else runs at the same time."""
    seen: list[str] = []
    found = Handlers()
    found.add_outside("note", lambda ctx, job: seen.append(str(job.args["n"])))
    for number in range(12):
        add(database, "note", order_key="r1", args={"n": f"{number:02}"})
        add(database, "note", args={"n": "other"})
    with running(make(database, found)) as runner:
        assert runner.wait_idle(LONG_S)
    assert [one for one in seen if one != "other"] == [f"{number:02}" for number in range(12)]


def test_imports_leave_room(database: Database) -> None:
    """Half of the threads at most work on imports, so a person's job runs while they are all busy."""
    release, done = threading.Event(), threading.Event()
    found = Handlers()
    found.add_outside("slow", lambda ctx, job: release.wait(LONG_S) and None)
    found.add_outside("quick", lambda ctx, job: done.set())
    for _ in range(20):
        add(database, "slow", queue="bulk")
    with running(make(database, found), threads=4):
        add(database, "quick")
        assert done.wait(LONG_S)
        release.set()


def test_effect_and_mark_are_one(database: Database) -> None:
    """A handler that fails after writing leaves nothing; the next attempt leaves it once."""
    clock = FrozenClock()
    outcomes = [RuntimeError("broken"), None]

    def sometimes(tx: Tx, ctx: Context, job: Job) -> str:
        write_effect(tx, ctx, job)
        if error := outcomes.pop(0):
            raise error
        return "fine"

    found = Handlers()
    found.add_inside("sometimes", sometimes)
    job_id = add(database, "sometimes", run_at=iso_utc(clock()))
    executor = make(database, found, clock)
    assert executor.drain() == 1
    assert written(database) == []
    waiting = jobs.by_id(database, job_id)
    assert waiting is not None
    assert waiting.state == "retry_wait"
    assert "RuntimeError: broken" in (waiting.error or "")
    clock.advance(timedelta(minutes=1))
    assert executor.drain() == 1
    assert [key for key, _ in written(database)] == [job_id]
    done = jobs.by_id(database, job_id)
    assert done is not None
    assert (done.state, done.attempts, done.log) == ("done", 2, "fine")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Invalid.field("name", "required", "needed"), "dead"),
        (OutletError("410", permanent=True), "dead"),
        (OutletError("503", permanent=False), "retry_wait"),
        (Locked("record_locked", "wait"), "retry_wait"),
        (NotToBeDone("cancelled", "the record was deleted"), "cancelled"),
    ],
)
def test_what_becomes_of_a_failure(database: Database, error: Exception, state: str) -> None:
    """What waiting cannot mend is left to a person at once."""

    def fail(tx: Tx, ctx: Context, job: Job) -> str:
        raise error

    found = Handlers()
    found.add_inside("fail", fail)
    job_id = add(database, "fail")
    make(database, found).drain()
    after = jobs.by_id(database, job_id)
    assert after is not None
    assert after.state == state


def test_collision_is_tried_again_at_once(database: Database, effect_handlers: Handlers) -> None:
    """Somebody else was writing the same record: that does not count as an attempt."""
    errors = [Conflict("r1"), Unavailable("locked"), None]

    def collide(tx: Tx, ctx: Context, job: Job) -> str:
        write_effect(tx, ctx, job)
        if error := errors.pop(0):
            raise error
        return ""

    effect_handlers.add_inside("collide", collide)
    job_id = add(database, "collide")
    make(database, effect_handlers).drain()
    after = jobs.by_id(database, job_id)
    assert after is not None
    assert (after.state, after.attempts) == ("done", 1)
    assert len(written(database)) == 1


def test_unknown_kind_is_left_to_a_person(database: Database) -> None:
    """A newer program may have written it."""
    job_id = add(database, "unheard-of")
    make(database, Handlers()).drain()
    after = jobs.by_id(database, job_id)
    assert after is not None
    assert after.state == "dead"
    assert "unheard-of" in (after.error or "")


def test_job_stolen_in_the_middle_leaves_nothing(database: Database) -> None:
    """A worker that stalled beyond its lease cannot complete what another has taken over."""
    clock = FrozenClock()
    found = Handlers()
    thief = make(database, found, clock)

    def stall(ctx: Context, job: Job) -> str:
        clock.advance(timedelta(minutes=5))
        with database.write() as tx:
            jobs.sweep(tx, now=iso_utc(clock()))
        thief.claim_one(job.id)
        return "late"

    found.add_outside("stall", stall)
    job_id = add(database, "stall", run_at=iso_utc(clock()))
    slow = make(database, found, clock)
    job = slow.claim_one(job_id)
    assert job is not None
    assert slow.execute(job) == "lost"
    after = jobs.by_id(database, job_id)
    assert after is not None
    assert (after.state, after.attempts, after.log) == ("running", 2, None)


def test_graceful_stop_gives_back_what_was_not_begun(database: Database) -> None:
    """The job under way ends; the others wait for the next runner, with no attempt lost."""
    begun, release = threading.Event(), threading.Event()

    def slow(ctx: Context, job: Job) -> str:
        begun.set()
        release.wait(LONG_S)
        return "ended"

    found = Handlers()
    found.add_outside("slow", slow)
    ids = [add(database, "slow") for _ in range(3)]
    runner = Runner(make(database, found), threads=1)
    runner.start()
    assert begun.wait(LONG_S)
    stopper = threading.Thread(target=runner.stop)
    stopper.start()
    release.set()
    stopper.join(LONG_S)
    states = sorted((found.state, found.attempts) for key in ids if (found := jobs.by_id(database, key)))
    assert ("done", 1) in states
    assert set(states) <= {("done", 1), ("ready", 0)}


def test_back_off_grows_to_an_hour() -> None:
    """10 s, 20 s, 40 s … at most an hour, and never before the other side asked us to come back."""
    error = RuntimeError()
    delays = [verdict(error, attempt, 20, chance=1.0) for attempt in (1, 2, 3, 12)]
    assert delays == [Again(timedelta(seconds=s)) for s in (10, 20, 40, 3600)]
    assert verdict(error, 1, 20, chance=0.0) == Again(timedelta())
    assert verdict(error, 20, 20) == GiveUp()
    asked = OutletError("429", permanent=False, retry_after_s=120)
    assert verdict(asked, 1, 8, chance=0.5) == Again(timedelta(seconds=120))
    assert verdict(Invalid([], message=Label({"en": "no"})), 1, 8) == GiveUp()
