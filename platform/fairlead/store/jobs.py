"""Background work that waits, runs, is done or is stuck; and moments in the future that will start some.

The rows are the truth: a queue server only wakes workers. A row is born in the transaction of its cause. A
worker claims it for a while (a lease with a token of its own); whatever it does is kept only while the row
still carries that token, so a worker that was thought dead cannot do it a second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.dml import ReturningUpdate

from fairlead.base.ids import new_id
from fairlead.compiled.statement import DialectName
from fairlead.store.database import Database, Row, Tx
from fairlead.store.statements import Once, Reads, among, insert_all, listed, n, p, word
from fairlead.store.system import job, occurrence

Queue = Literal["timers", "default", "bulk"]
QUEUES: tuple[Queue, ...] = ("timers", "default", "bulk")
"""What the clock asked for, what people's changes asked for, and what imports asked for."""

State = Literal["ready", "retry_wait", "running", "done", "dead", "unknown", "skipped", "cancelled", "paused"]
"""`retry_wait` is stored as `ready` with attempts behind it and a moment to wait for."""

STUCK: tuple[State, ...] = ("dead", "unknown")

_END = "~"  # after every id


class LeaseLost(Exception):
    """Somebody else holds this job now, or it is over: nothing of this attempt may be kept."""


class NotToBeDone(Exception):
    """Raised by whoever runs a job: its reason is gone. Nothing of this attempt is kept, and it is no failure."""

    def __init__(self, state: Literal["skipped", "cancelled", "paused"], reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done.

    Attributes:
        run_at: Not before this moment, in stored form.
        unique_key: A second job with the same key is not added.
        order_key: Jobs that share it run one after another, in the order of their ids.
        chain: `rule:record` of each rule that led here, for the loop guard.
    """

    kind: str
    run_at: str
    args: Mapping[str, Any] | None = None
    queue: Queue = "default"
    unique_key: str | None = None
    order_key: str | None = None
    max_attempts: int = 8
    event_id: str | None = None
    rule: str | None = None
    entity: str | None = None
    record_id: str | None = None
    revision: int | None = None
    depth: int = 0
    chain: tuple[str, ...] = ()
    state: Literal["ready", "skipped", "dead"] = "ready"
    """Another state than `ready` tells of work that was asked for and will not be done, with `error` saying why."""
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of background work as it stands."""

    id: str
    queue: str
    kind: str
    args: Mapping[str, Any]
    state: str
    run_at: str
    attempts: int
    """How often it was started, this time included."""
    max_attempts: int
    lease: str | None
    lease_until: str | None
    error: str | None
    created_at: str
    finished_at: str | None
    event_id: str | None
    rule: str | None
    entity: str | None
    record_id: str | None
    revision: int | None
    depth: int
    chain: tuple[str, ...]
    order_key: str | None
    log: str | None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A moment at which a rule is due for a record. `rule` is `KIND:NAME`; it becomes a job of that kind."""

    id: str
    rule: str
    record_id: str
    entity: str | None
    key: str
    fire_at: str


# ---------------------------------------------------------------- adding

Waiting = tuple[str, str]
"""Id and queue of a job that may run."""

Listener = Callable[[Sequence[Waiting]], None]

_listeners: WeakKeyDictionary[Database, list[Listener]] = WeakKeyDictionary()


def listen(database: Database, hear: Listener) -> Callable[[], None]:
    """Have `hear` called with new jobs once their transaction is durable; return how to stop it.

    It is called in the thread that wrote them, so it must be quick and must not fail.
    """
    ears = _listeners.setdefault(database, [])
    ears.append(hear)
    return lambda: ears.remove(hear)


class _Announcement:
    """The jobs that one transaction set free."""

    __slots__ = ("database", "waiting")

    def __init__(self, database: Database) -> None:
        self.database = database
        self.waiting: list[Waiting] = []

    def __call__(self) -> None:
        for hear in tuple(_listeners.get(self.database, ())):
            hear(self.waiting)


def _announce(tx: Tx, key: str, queue: str) -> None:
    for call in tx.after_commit:
        if isinstance(call, _Announcement):
            call.waiting.append((key, queue))
            return
    fresh = _Announcement(tx.database)
    fresh.waiting.append((key, queue))
    tx.after_commit.append(fresh)


_ADD = Once(lambda d: insert_all(job, d, skip_duplicates=True))


def enqueue(tx: Tx, new: NewJob, *, now: str) -> str | None:
    """Add a job inside the transaction of its cause; return its id, or None when its unique key exists."""
    key = new_id()
    added = tx.run(
        _ADD.on(tx),
        {
            "id": key, "queue": new.queue, "kind": new.kind, "args": json.dumps(dict(new.args or {})),
            "state": new.state, "run_at": new.run_at, "attempts": 0, "max_attempts": new.max_attempts,
            "lease": None, "lease_until": None, "error": new.error, "created_at": now,
            "finished_at": None if new.state == "ready" else now, "event_id": new.event_id, "rule": new.rule,
            "entity": new.entity, "record_id": new.record_id, "done_steps": 0, "revision": new.revision,
            "depth": new.depth, "chain": json.dumps(new.chain), "order_key": new.order_key,
            "unique_key": new.unique_key, "log": None,
        },
    )  # fmt: skip
    if added == 0:
        return None
    if new.state == "ready":
        _announce(tx, key, new.queue)
    return key


# ---------------------------------------------------------------- claiming and finishing

_COLUMNS = (
    job.c.id, job.c.queue, job.c.kind, job.c.args, job.c.state, job.c.run_at, job.c.attempts, job.c.max_attempts,
    job.c.lease, job.c.lease_until, job.c.error, job.c.created_at, job.c.finished_at, job.c.event_id, job.c.rule,
    job.c.entity, job.c.record_id, job.c.revision, job.c.depth, job.c.chain, job.c.order_key, job.c.log,
)  # fmt: skip

_earlier = job.alias("earlier")
_open = job.alias("open")


def _job_of(row: Row) -> Job:
    values = list(row)
    values[3] = json.loads(values[3])
    values[19] = tuple(json.loads(values[19])) if values[19] else ()
    found = Job(*values)
    if found.state == "ready" and found.attempts:
        values[4] = "retry_wait"
        return Job(*values)
    return found


def _claimable(*conditions: ColumnElement[bool]) -> sa.Select[Any]:
    before: sa.Select[Any] = (
        sa.select(sa.literal_column("1"))
        .select_from(_earlier)
        .where(
            _earlier.c.order_key == _open.c.order_key,
            _earlier.c.id < _open.c.id,
            _earlier.c.state.in_([word("ready"), word("running")]),
        )
        .correlate(_open)
    )
    return (
        sa.select(_open.c.id)
        .where(
            _open.c.state == word("ready"),
            _open.c.run_at <= p("now"),
            sa.or_(_open.c.order_key.is_(None), ~before.exists()),
            *conditions,
        )
        .order_by(_open.c.run_at, _open.c.id)
        .limit(n("limit"))
    )


def _picked(chosen: sa.Select[Any], dialect: DialectName, of: sa.FromClause) -> sa.Select[Any]:
    """Return the ids that `chosen` selects, without those that another transaction has locked."""
    if dialect == "sqlite":
        return chosen  # one writer at a time: nothing can be locked by another
    # As a CTE it runs once; PostgreSQL may run a sub-query anew for each row, and would then lock more than asked.
    picked = chosen.with_for_update(skip_locked=True, of=of).cte("picked")
    return sa.select(picked.c.id)


def _claim(dialect: DialectName, *conditions: ColumnElement[bool]) -> ReturningUpdate[Any]:
    return (
        sa.update(job)
        .where(job.c.id.in_(_picked(_claimable(*conditions), dialect, _open)))
        .values(
            state=word("running"), attempts=job.c.attempts + 1, lease=p("lease").concat(job.c.id),
            lease_until=p("until"),
        )
        .returning(*_COLUMNS)
    )  # fmt: skip


_CLAIM = Once(lambda d: _claim(d, _open.c.queue == p("queue")))
_CLAIM_ONE = Once(lambda d: _claim(d, _open.c.id == p("id")))


def claim(tx: Tx, queue: Queue, *, limit: int, now: str, until: str) -> list[Job]:
    """Take up to `limit` due jobs of a queue, oldest first, until the moment `until`.

    A job whose order key has an earlier one that is not over stays where it is.
    """
    params = {"queue": queue, "limit": limit, "now": now, "until": until, "lease": new_id()}
    taken = [_job_of(row) for row in tx.all(_CLAIM.on(tx), params)]
    return sorted(taken, key=lambda one: (one.run_at, one.id))


def claim_one(tx: Tx, job_id: str, *, now: str, until: str) -> Job | None:
    """Take this job; None when it is not due, not ready, or has to wait for an earlier one."""
    params = {"id": job_id, "limit": 1, "now": now, "until": until, "lease": new_id()}
    row = tx.one(_CLAIM_ONE.on(tx), params)
    return _job_of(row) if row else None


_mine = (job.c.id == p("id"), job.c.lease == p("lease"), job.c.state == word("running"))
_FINISH = Once(
    lambda _: (
        sa.update(job)
        .where(*_mine)
        .values(
            state=p("state"), run_at=sa.func.coalesce(p("run_at"), job.c.run_at), lease=sa.null(),
            lease_until=sa.null(), error=p("error"), log=sa.func.coalesce(p("log"), job.c.log),
            finished_at=p("finished_at"), attempts=n("attempts"),
        )
    )
)  # fmt: skip


_NOTE = Once(lambda _: sa.update(job).where(job.c.id == p("id")).values(log=p("log")))


def _finish(tx: Tx, held: Job, state: str, **changes: object) -> None:
    params = {
        "id": held.id, "lease": held.lease, "state": state, "run_at": None, "error": None, "log": None,
        "finished_at": None, "attempts": held.attempts, **changes,
    }  # fmt: skip
    if tx.run(_FINISH.on(tx), params) != 1:
        raise LeaseLost(held.id)


def complete(tx: Tx, held: Job, *, now: str, log: str | None = None) -> None:
    """Mark a job as done, in the transaction that holds what it did.

    Raises:
        LeaseLost: It is no longer ours; the transaction must not commit.
    """
    _finish(tx, held, "done", finished_at=now, log=log)


def note(tx: Tx, job_id: str, text: str) -> None:
    """Keep what a job did, for whoever looks at it later."""
    tx.run(_NOTE.on(tx), {"id": job_id, "log": text})


def set_aside(tx: Tx, held: Job, state: State, *, now: str, reason: str) -> None:
    """Put away a job that will not be done now: `skipped`, `cancelled`, `paused`, `unknown` or `dead`.

    Raises:
        LeaseLost: It is no longer ours.
    """
    _finish(tx, held, state, finished_at=None if state == "paused" else now, error=reason)


def try_later(tx: Tx, held: Job, *, run_at: str, error: str) -> None:
    """Give a job back to be tried again from `run_at` on.

    Raises:
        LeaseLost: It is no longer ours.
    """
    _finish(tx, held, "ready", run_at=run_at, error=error)


def give_back(tx: Tx, held: Job) -> None:
    """Give a job back that was not begun; the attempt does not count. Nothing happens when it is not ours."""
    params = {
        "id": held.id, "lease": held.lease, "state": "ready", "run_at": None, "error": held.error, "log": None,
        "finished_at": None, "attempts": held.attempts - 1,
    }  # fmt: skip
    tx.run(_FINISH.on(tx), params)


def _held(dialect: DialectName, *conditions: ColumnElement[bool]) -> sa.Select[tuple[str]]:
    # A row that a worker has locked is being finished right now: leave it alone instead of waiting for it.
    chosen = sa.select(_open.c.id).where(_open.c.state == word("running"), *conditions)
    return _picked(chosen, dialect, _open)


_EXTEND = Once(
    lambda d: (
        sa.update(job)
        .where(job.c.id.in_(_held(d, among(_open.c.lease, "leases", d))))
        .values(lease_until=p("until"))
    )
)
_EXPIRED = Once(
    lambda d: (
        sa.update(job)
        .where(job.c.id.in_(_held(d, _open.c.lease_until < p("now"))))
        .values(
            state=sa.case((job.c.attempts >= job.c.max_attempts, word("dead")), else_=word("ready")),
            finished_at=sa.case((job.c.attempts >= job.c.max_attempts, p("now")), else_=sa.null()),
            error=p("error"),
            lease=sa.null(),
            lease_until=sa.null(),
        )
        .returning(job.c.id, job.c.queue, job.c.state)
    )
)


def extend(tx: Tx, leases: Iterable[str], *, until: str) -> int:
    """Say that the holders of these leases are alive; return how many were extended."""
    return tx.run(_EXTEND.on(tx), {"leases": listed(leases), "until": until})


@dataclass(frozen=True, slots=True)
class Swept:
    """Ids of jobs whose worker has not been heard of: those that may run again, and those left to a person."""

    freed: tuple[str, ...]
    parked: tuple[str, ...]


def sweep(tx: Tx, *, now: str) -> Swept:
    """Free the jobs whose worker has not been heard of, and park those that have used all attempts."""
    rows = tx.all(_EXPIRED.on(tx), {"now": now, "error": "the worker stopped in the middle of it"})
    freed = [(str(key), str(queue)) for key, queue, state in rows if state == "ready"]
    for key, queue in freed:
        _announce(tx, key, queue)
    return Swept(tuple(key for key, _ in freed), tuple(str(row[0]) for row in rows if row[2] != "ready"))


# ---------------------------------------------------------------- looking

_DUE = Once(
    lambda _: sa.select(
        *(
            sa.select(sa.func.min(job.c.run_at))
            .where(job.c.state == word("ready"), job.c.queue == word(queue))
            .scalar_subquery()
            for queue in QUEUES
        )
    )
)
_READY_IDS = Once(lambda _: _claimable(_open.c.queue == p("queue")))
_NEXT_OF_KEY = Once(
    lambda _: (
        sa.select(job.c.id, job.c.queue)
        .where(job.c.order_key == p("order_key"), job.c.state.in_([word("ready"), word("running")]))
        .order_by(job.c.id)
        .limit(1)
    )
)
_EXPIRED_EXIST = Once(
    lambda _: (
        sa.select(sa.literal_column("1"))
        .where(job.c.state == word("running"), job.c.lease_until < p("now"))
        .limit(1)
    )
)
_COUNTS = Once(
    lambda _: sa.select(
        job.c.queue, sa.case((sa.and_(job.c.state == word("ready"), job.c.attempts > 0), word("retry_wait")),
                             else_=job.c.state).label("shown"),
        sa.func.count(), sa.func.min(job.c.run_at),
    ).group_by(job.c.queue, sa.literal_column("shown"))
)  # fmt: skip
_BY_ID = Once(lambda _: sa.select(*_COLUMNS).where(job.c.id == p("id")))
_OF_EVENT = Once(lambda _: sa.select(*_COLUMNS).where(job.c.event_id == p("event_id")).order_by(job.c.id))


def _listing(*conditions: ColumnElement[bool]) -> sa.Select[Any]:
    chosen = sa.select(*_COLUMNS).where(job.c.id < p("before"), *conditions)
    return chosen.order_by(job.c.id.desc()).limit(n("limit"))


_LIST = Once(lambda _: _listing())
_LIST_STATE = Once(lambda _: _listing(job.c.state == p("state")))
_LIST_RETRY = Once(lambda _: _listing(job.c.state == word("ready"), job.c.attempts > 0))
_LIST_RECORD = Once(lambda _: _listing(job.c.record_id == p("record_id")))


def next_due(where: Reads) -> dict[Queue, str]:
    """Return for each queue the earliest moment something in it is due; queues without work are left out."""
    row = where.one(_DUE.on(where))
    assert row is not None
    return {queue: moment for queue, moment in zip(QUEUES, row, strict=True) if moment is not None}


def ready_ids(where: Reads, queue: Queue, *, now: str, limit: int) -> list[str]:
    """Return the ids of jobs of a queue that could be claimed, oldest first."""
    return [row[0] for row in where.all(_READY_IDS.on(where), {"queue": queue, "now": now, "limit": limit})]


def next_of_key(where: Reads, order_key: str) -> tuple[str, str] | None:
    """Return (id, queue) of the first job of an order key that is not over."""
    row = where.one(_NEXT_OF_KEY.on(where), {"order_key": order_key})
    return (row[0], row[1]) if row else None


def any_expired(where: Reads, *, now: str) -> bool:
    """Say whether `sweep` would find something: a cheap read before a write."""
    return where.one(_EXPIRED_EXIST.on(where), {"now": now}) is not None


def counts(where: Reads) -> dict[tuple[str, str], tuple[int, str]]:
    """Return (queue, state) to how many there are and when the oldest was due."""
    return {(row[0], row[1]): (int(row[2]), row[3]) for row in where.all(_COUNTS.on(where))}


def by_id(where: Reads, job_id: str) -> Job | None:
    """Return one job."""
    row = where.one(_BY_ID.on(where), {"id": job_id})
    return _job_of(row) if row else None


def of_event(where: Reads, event_id: str) -> list[Job]:
    """Return the jobs that an event started."""
    return [_job_of(row) for row in where.all(_OF_EVENT.on(where), {"event_id": event_id})]


def listing(
    where: Reads,
    *,
    state: State | None = None,
    record_id: str | None = None,
    before: str | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return jobs, newest first: all, those in a state, or those of a record."""
    if record_id:
        statement = _LIST_RECORD
    elif state == "retry_wait":
        statement = _LIST_RETRY
    else:
        statement = _LIST_STATE if state else _LIST
    params = {"state": state, "record_id": record_id, "before": before or _END, "limit": limit}
    return [_job_of(row) for row in where.all(statement.on(where), params)]


# ---------------------------------------------------------------- what people do to them

_RETRY = Once(
    lambda _: (
        sa.update(job)
        .where(
            job.c.id == p("id"),
            sa.or_(
                job.c.state.in_([word("dead"), word("unknown"), word("skipped"), word("cancelled")]),
                sa.and_(job.c.state == word("ready"), job.c.attempts > 0),
            ),
        )
        .values(state=word("ready"), attempts=0, run_at=p("now"), finished_at=sa.null())
        .returning(job.c.queue)
    )
)
_SKIP = Once(
    lambda _: (
        sa.update(job)
        .where(
            job.c.id == p("id"),
            job.c.state.in_([word("dead"), word("unknown"), word("ready"), word("paused")]),
        )
        .values(state=word("skipped"), finished_at=p("now"), log=p("log"))
    )
)
_SKIP_LIKE = Once(
    lambda _: (
        sa.update(job)
        .where(
            job.c.state.in_([word("dead"), word("unknown")]),
            job.c.error == p("error"),
            job.c.kind == p("kind"),
            job.c.rule.is_not_distinct_from(p("rule")),
        )
        .values(state=word("skipped"), finished_at=p("now"), log=p("log"))
    )
)
_RULE_STATE = Once(
    lambda _: (
        sa.update(job)
        .where(job.c.rule == p("rule"), job.c.kind == p("kind"), job.c.state == p("from_state"))
        .values(state=p("to_state"))
    )
)
_PURGE = Once(
    lambda _: sa.delete(job).where(
        job.c.id.in_(
            sa.select(_open.c.id)
            .where(
                _open.c.state.in_([word("done"), word("skipped"), word("cancelled")]),
                _open.c.queue == p("queue"),
                _open.c.finished_at < p("before"),
            )
            .limit(n("limit"))
        )
    )
)


def retry(tx: Tx, job_id: str, *, now: str) -> bool:
    """Let a stuck job, or one that waits for its next try, run now with all attempts again."""
    row = tx.one(_RETRY.on(tx), {"id": job_id, "now": now})
    if row is None:
        return False
    _announce(tx, job_id, row[0])
    return True


def skip(tx: Tx, job_id: str, *, now: str, by: str) -> bool:
    """Say that a stuck or waiting job is not to be done; say whether there was one."""
    return tx.run(_SKIP.on(tx), {"id": job_id, "now": now, "log": f"skipped by {by}"}) == 1


def skip_like(tx: Tx, example: Job, *, now: str, by: str) -> int:
    """Skip every stuck job of the same rule with the same error; return how many."""
    params = {
        "error": example.error, "kind": example.kind, "rule": example.rule, "now": now, "log": f"skipped by {by}",
    }  # fmt: skip
    return tx.run(_SKIP_LIKE.on(tx), params)


def pause(tx: Tx, kind: str, rule: str) -> int:
    """Hold back the waiting jobs of a rule that was switched off; return how many."""
    return _switch(tx, kind, rule, "ready", "paused")


def resume(tx: Tx, kind: str, rule: str) -> int:
    """Let the held back jobs of a rule run; return how many."""
    return _switch(tx, kind, rule, "paused", "ready")


def _switch(tx: Tx, kind: str, rule: str, from_state: State, to_state: State) -> int:
    params = {"kind": kind, "rule": rule, "from_state": from_state, "to_state": to_state}
    return tx.run(_RULE_STATE.on(tx), params)


def purge(tx: Tx, queue: Queue, *, before: str, limit: int = 500) -> int:
    """Forget jobs that were over before a moment, a few at a time; stuck ones are kept. Return how many."""
    return tx.run(_PURGE.on(tx), {"queue": queue, "before": before, "limit": limit})


# ---------------------------------------------------------------- occurrences

_OCCURRENCE = (
    occurrence.c.id, occurrence.c.rule, occurrence.c.record_id, occurrence.c.entity, occurrence.c.key,
    occurrence.c.fire_at,
)  # fmt: skip
_waiting = occurrence.c.state == word("waiting")
_later = occurrence.alias("later")

_SCHEDULE = Once(lambda d: insert_all(occurrence, d, skip_duplicates=True))
_CANCEL_RULE = Once(
    lambda _: sa.delete(occurrence).where(
        occurrence.c.record_id == p("record_id"), occurrence.c.rule == p("rule"), _waiting,
        occurrence.c.key != p("keep_key"),
    )
)  # fmt: skip
_CANCEL_RECORD = Once(
    lambda _: sa.delete(occurrence).where(occurrence.c.record_id == p("record_id"), _waiting)
)
_CANCEL_ALL = Once(lambda _: sa.delete(occurrence).where(occurrence.c.rule == p("rule"), _waiting))
_WAITING_OF_RULE = Once(
    lambda _: (
        sa.select(*_OCCURRENCE)
        .where(occurrence.c.rule == p("rule"), _waiting)
        .order_by(occurrence.c.fire_at, occurrence.c.id)
    )
)
_OF_RECORD = Once(
    lambda _: (
        sa.select(*_OCCURRENCE)
        .where(occurrence.c.record_id == p("record_id"), _waiting)
        .order_by(occurrence.c.fire_at, occurrence.c.id)
    )
)
_SCHEDULES = Once(
    lambda _: (
        sa.select(*_OCCURRENCE)
        .where(occurrence.c.record_id == word(""), _waiting)
        .order_by(occurrence.c.fire_at, occurrence.c.id)
    )
)
_DROP = Once(lambda _: sa.delete(occurrence).where(occurrence.c.id == p("id"), _waiting))
_FIRST = Once(lambda _: sa.select(sa.func.min(occurrence.c.fire_at)).where(_waiting))
_FIRE = Once(
    lambda d: (
        sa.update(occurrence)
        .where(
            occurrence.c.id.in_(
                _picked(
                    sa.select(_later.c.id)
                    .where(_later.c.state == word("waiting"), _later.c.fire_at <= p("now"))
                    .order_by(_later.c.fire_at, _later.c.id)
                    .limit(n("limit")),
                    d,
                    _later,
                )
            )
        )
        .values(
            state=sa.case(
                (
                    sa.and_(occurrence.c.fire_at < p("oldest"), occurrence.c.record_id != word("")),
                    word("missed"),
                ),
                else_=word("fired"),
            ),
            fired_at=p("now"),
        )
        .returning(*_OCCURRENCE, occurrence.c.state)
    )
)


def schedule(tx: Tx, *, rule: str, record_id: str, entity: str | None, key: str, fire_at: str) -> bool:
    """Plan a moment; say whether it is new. The same rule, record and key never fires twice, even later."""
    return (
        tx.run(
            _SCHEDULE.on(tx),
            {
                "id": new_id(), "rule": rule, "record_id": record_id, "entity": entity, "key": key, "fire_at": fire_at,
                "state": "waiting", "fired_at": None, "result": None,
            },
        )
        == 1
    )  # fmt: skip


def cancel(tx: Tx, record_id: str, *, rule: str | None = None, keep_key: str = "") -> int:
    """Drop the planned moments of a record, or those of one rule but for one key; return how many."""
    if rule is None:
        return tx.run(_CANCEL_RECORD.on(tx), {"record_id": record_id})
    return tx.run(_CANCEL_RULE.on(tx), {"record_id": record_id, "rule": rule, "keep_key": keep_key})


def cancel_rule(tx: Tx, rule: str) -> int:
    """Drop every planned moment of a rule that is gone; return how many."""
    return tx.run(_CANCEL_ALL.on(tx), {"rule": rule})


def waiting_of_rule(where: Reads, rule: str) -> list[Occurrence]:
    """Return the planned moments of a rule, earliest first."""
    return [Occurrence(*row) for row in where.all(_WAITING_OF_RULE.on(where), {"rule": rule})]


def waiting_of_record(where: Reads, record_id: str) -> list[Occurrence]:
    """Return the planned moments of a record, earliest first."""
    return [Occurrence(*row) for row in where.all(_OF_RECORD.on(where), {"record_id": record_id})]


def waiting_schedules(where: Reads) -> list[Occurrence]:
    """Return the next planned moment of every rule that the clock alone starts."""
    return [Occurrence(*row) for row in where.all(_SCHEDULES.on(where))]


def drop(tx: Tx, occurrence_id: str) -> None:
    """Drop one planned moment that has not fired."""
    tx.run(_DROP.on(tx), {"id": occurrence_id})


def first_occurrence(where: Reads) -> str | None:
    """Return the earliest planned moment."""
    row = where.one(_FIRST.on(where))
    return row[0] if row else None


def fire_due(tx: Tx, *, now: str, oldest: str, revision: int | None, limit: int = 200) -> list[Occurrence]:
    """Turn planned moments that have come into jobs, all in this transaction.

    Args:
        oldest: What a record was to be reminded of before this moment, while nobody was running, is noted as
            missed. A schedule has one planned moment at a time and always fires.

    Returns:
        Those that became jobs.
    """
    fired: list[Occurrence] = []
    for *values, state in tx.all(_FIRE.on(tx), {"now": now, "oldest": oldest, "limit": limit}):
        if state != "fired":
            continue
        due = Occurrence(*values)
        kind, _, name = due.rule.partition(":")
        new = NewJob(
            kind=kind,
            run_at=now,
            queue="timers",
            args={"occurrence": due.id, "key": due.key},
            unique_key=f"occurrence:{due.id}",
            order_key=due.record_id or None,
            rule=name,
            entity=due.entity,
            record_id=due.record_id or None,
            revision=revision,
        )
        enqueue(tx, new, now=now)
        fired.append(due)
    return fired
