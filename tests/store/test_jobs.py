"""Jobs: born with their cause, claimed by one, kept in order, never lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fairlead.store import jobs
from fairlead.store.database import Database
from fairlead.store.jobs import Job, LeaseLost, NewJob, Queue

EARLY = "2026-01-05T00:00:00.000000Z"
NOW = "2026-01-05T01:00:00.000000Z"
UNTIL = "2026-01-05T01:01:00.000000Z"
LATE = "2026-01-05T02:00:00.000000Z"


def add(database: Database, **more: object) -> str | None:
    with database.write() as tx:
        return jobs.enqueue(tx, NewJob(**{"kind": "k", "run_at": EARLY, **more}), now=EARLY)  # type: ignore[arg-type]


def claim(database: Database, queue: Queue = "default", limit: int = 10, now: str = NOW) -> list[Job]:
    with database.write() as tx:
        return jobs.claim(
            tx, queue, limit=limit, now=now, until=UNTIL if now < UNTIL else "2026-01-05T09:00:00.000000Z"
        )


def finish(database: Database, job: Job) -> None:
    with database.write() as tx:
        jobs.complete(tx, job, now=NOW)


def state_of(database: Database, job_id: str | None) -> str:
    found = jobs.by_id(database, job_id or "")
    assert found is not None
    return found.state


def test_no_job_without_its_cause(database: Database) -> None:
    """A transaction that fails leaves no job, and tells nobody."""
    heard: list[object] = []
    jobs.listen(database, heard.append)

    def fail() -> None:
        with database.write() as tx:
            jobs.enqueue(tx, NewJob("k", EARLY), now=EARLY)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert claim(database) == []
    assert heard == []


def test_new_jobs_are_told_once_they_are_durable(database: Database) -> None:
    """All jobs of one transaction are told together, after it."""
    heard: list[object] = []
    deaf = jobs.listen(database, heard.append)
    with database.write() as tx:
        first = jobs.enqueue(tx, NewJob("k", EARLY), now=EARLY)
        second = jobs.enqueue(tx, NewJob("k", EARLY, queue="bulk"), now=EARLY)
        assert heard == []
    assert heard == [[(first, "default"), (second, "bulk")]]
    deaf()
    add(database)
    assert len(heard) == 1


def test_claimed_once(database: Database) -> None:
    """Many claimers at once never get the same job."""
    for _ in range(60):
        add(database)

    def take(_: int) -> list[str]:
        return [job.id for job in claim(database, limit=5)]

    with ThreadPoolExecutor(8) as pool:
        taken = [job_id for batch in pool.map(take, range(12)) for job_id in batch]
    rest = [job.id for job in claim(database, limit=100)]
    assert len(taken + rest) == len(set(taken + rest)) == 60


def test_limit_is_kept(database: Database) -> None:
    """No more than asked for, oldest first."""
    ids = [add(database) for _ in range(5)]
    assert [job.id for job in claim(database, limit=2)] == ids[:2]


def test_not_before_its_moment(database: Database) -> None:
    """A job that waits for a moment is not claimed before it."""
    job_id = add(database, run_at=LATE)
    assert claim(database) == []
    assert jobs.next_due(database) == {"default": LATE}
    assert [job.id for job in claim(database, now=LATE)] == [job_id]


def test_one_after_another(database: Database) -> None:
    """Jobs of one order key run in order, also when the first has to wait for another try; others overtake."""
    first, second = add(database, order_key="r1"), add(database, order_key="r1")
    other = add(database, order_key="r2")
    held = claim(database)
    assert [job.id for job in held] == [first, other]
    assert claim(database) == []
    with database.write() as tx:
        jobs.try_later(tx, held[0], run_at=LATE, error="e")
    assert claim(database) == []
    assert jobs.ready_ids(database, "default", now=NOW, limit=9) == []
    again = claim(database, now=LATE)
    assert [(job.id, job.attempts) for job in again] == [(first, 2)]
    finish(database, again[0])
    assert jobs.next_of_key(database, "r1") == (second, "default")
    assert [job.id for job in claim(database, now=LATE)] == [second]


def test_dead_job_does_not_block_its_key(database: Database) -> None:
    """Those behind it go on."""
    add(database, order_key="r1")
    second = add(database, order_key="r1")
    with database.write() as tx:
        jobs.set_aside(
            tx, jobs.claim(tx, "default", limit=1, now=NOW, until=UNTIL)[0], "dead", now=NOW, reason="e"
        )
    assert [job.id for job in claim(database)] == [second]


def test_unique_key(database: Database) -> None:
    """The same key is added once, even after it is done."""
    assert add(database, unique_key="m1") is not None
    finish(database, claim(database)[0])
    assert add(database, unique_key="m1") is None


def test_lost_lease_keeps_nothing(database: Database) -> None:
    """A worker that was thought dead can neither complete nor write."""
    job_id = add(database)
    slow = claim(database)[0]
    with database.write() as tx:
        assert jobs.sweep(tx, now=LATE).freed == (job_id,)
    quick = claim(database, now=LATE)[0]
    assert quick.lease != slow.lease

    def write_and_complete() -> None:
        with database.write() as tx:
            jobs.enqueue(tx, NewJob("effect", EARLY, queue="bulk"), now=EARLY)
            jobs.complete(tx, slow, now=LATE)

    with pytest.raises(LeaseLost):
        write_and_complete()
    assert claim(database, "bulk") == []
    finish(database, quick)
    assert state_of(database, job_id) == "done"


def test_heartbeat_keeps_the_lease(database: Database) -> None:
    """What is extended is not swept; each job has a lease of its own."""
    add(database)
    add(database)
    one, other = claim(database)
    assert one.lease != other.lease
    with database.write() as tx:
        assert jobs.extend(tx, [one.lease or ""], until="2026-01-05T03:00:00.000000Z") == 1
        assert jobs.sweep(tx, now=LATE).freed == (other.id,)


def test_worker_that_always_dies_is_parked(database: Database) -> None:
    """After all attempts it is left to a person, and those behind it run."""
    job_id = add(database, max_attempts=2)
    for expected in ("retry_wait", "dead"):
        assert claim(database)
        with database.write() as tx:
            jobs.sweep(tx, now=LATE)
        assert state_of(database, job_id) == expected


def test_retry_and_skip(database: Database) -> None:
    """A person may run a stuck job again, or leave it and all like it."""
    ids = [add(database, rule="r") for _ in range(3)]
    for job in claim(database):
        with database.write() as tx:
            jobs.set_aside(tx, job, "dead", now=NOW, reason="same")
    with database.write() as tx:
        assert jobs.retry(tx, ids[0] or "", now=NOW)
        assert not jobs.retry(tx, ids[0] or "", now=NOW)
    again = claim(database)
    assert [(job.id, job.attempts) for job in again] == [(ids[0], 1)]
    example = jobs.by_id(database, ids[1] or "")
    assert example is not None
    with database.write() as tx:
        assert not jobs.skip(tx, again[0].id, now=NOW, by="ada")
        assert jobs.skip_like(tx, example, now=NOW, by="ada") == 2
    assert [state_of(database, job_id) for job_id in ids] == ["running", "skipped", "skipped"]
    assert jobs.counts(database)[("default", "skipped")][0] == 2


def test_given_back_does_not_count(database: Database) -> None:
    """What was claimed and not begun has no attempt behind it."""
    add(database)
    with database.write() as tx:
        jobs.give_back(tx, jobs.claim(tx, "default", limit=1, now=NOW, until=UNTIL)[0])
    assert claim(database)[0].attempts == 1


def test_rule_can_be_held_back(database: Database) -> None:
    """Jobs of a rule that is switched off wait until it is on again."""
    job_id = add(database, rule="r")
    with database.write() as tx:
        assert jobs.pause(tx, "k", "r") == 1
    assert claim(database) == []
    with database.write() as tx:
        assert jobs.resume(tx, "k", "r") == 1
    assert [job.id for job in claim(database)] == [job_id]


def test_purge_keeps_what_is_stuck(database: Database) -> None:
    """Done jobs are forgotten in time, stuck ones never by themselves."""
    add(database)
    stuck = add(database)
    done, dead = claim(database)
    finish(database, done)
    with database.write() as tx:
        jobs.set_aside(tx, dead, "dead", now=NOW, reason="e")
        assert jobs.purge(tx, "default", before=LATE) == 1
    assert [job.id for job in jobs.listing(database)] == [stuck]


# ---------------------------------------------------------------- planned moments


def plan(
    database: Database, key: str, fire_at: str, rule: str = "automation:r", record_id: str = "r1"
) -> bool:
    with database.write() as tx:
        return jobs.schedule(tx, rule=rule, record_id=record_id, entity="lead", key=key, fire_at=fire_at)


def fire(database: Database, now: str, oldest: str = "2026-01-01T00:00:00.000000Z") -> list[str]:
    with database.write() as tx:
        return [due.key for due in jobs.fire_due(tx, now=now, oldest=oldest, revision=1)]


def test_moment_fires_once(database: Database) -> None:
    """Many schedulers at once: one job."""
    plan(database, "a", EARLY)
    with ThreadPoolExecutor(6) as pool:
        fired = [key for keys in pool.map(lambda _: fire(database, NOW), range(6)) for key in keys]
    assert fired == ["a"]
    (job,) = claim(database, "timers")
    assert (job.kind, job.rule, job.record_id, job.args["key"]) == ("automation", "r", "r1", "a")


def test_date_that_comes_back_does_not_fire_again(database: Database) -> None:
    """A, then B, then A: A has fired already."""
    plan(database, "a", EARLY)
    assert fire(database, NOW) == ["a"]
    assert plan(database, "b", LATE)
    with database.write() as tx:
        assert jobs.cancel(tx, "r1", rule="automation:r", keep_key="a") == 1
    assert not plan(database, "a", EARLY)
    assert fire(database, LATE) == []


def test_changed_before_it_fired(database: Database) -> None:
    """Only the last date of a day of changes counts, and it may be the first one again."""
    for key in ("a", "b", "a"):
        with database.write() as tx:
            jobs.cancel(tx, "r1", rule="automation:r", keep_key=key)
        plan(database, key, EARLY)
    assert fire(database, NOW) == ["a"]


def test_too_old_is_missed_but_schedules_run(database: Database) -> None:
    """After a long pause old reminders are not sent in a heap; a schedule runs once."""
    plan(database, "a", EARLY)
    plan(database, "instant", EARLY, rule="automation:cron", record_id="")
    assert fire(database, LATE, oldest=NOW) == ["instant"]
