"""Runs of approvals, their tasks and their events: rows to values and back.

Whoever decides holds the row lock of the run (`lock`); on SQLite the transaction itself is the lock.
Events are only ever added, each with the hash of the one before it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from fairlead.base.clock import iso_utc, parse_utc
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.runs import Note, Run, RunEvent, Task
from fairlead.compiled.statement import DialectName
from fairlead.store.append_only import refusals
from fairlead.store.database import Row, Tx
from fairlead.store.people import name_label
from fairlead.store.statements import Once, Reads, insert_all, n, p, word
from fairlead.store.system import approval, approval_event, task, user

_END = "~"  # after every id and every instant

_RUN_COLUMNS = (
    approval.c.id, approval.c.flow, approval.c.entity, approval.c.record_id, approval.c.state, approval.c.round,
    approval.c.step, approval.c.starter, approval.c.started_at, approval.c.ended_at, approval.c.revision,
    approval.c.decisive_hash, approval.c.snapshot, approval.c.record_version, approval.c.previous, approval.c.reason,
    approval.c.version, approval.c.title,
)  # fmt: skip
_TASK_COLUMNS = tuple(task.columns)
_LIVE = ("running", "returned", "suspended")


def _states(column: sa.ColumnElement[str], *states: str) -> sa.ColumnElement[bool]:
    return column.in_([word(state) for state in states])


# ---------------------------------------------------------------- one run


_RUN = Once(lambda _: sa.select(*_RUN_COLUMNS).where(approval.c.id == p("id")))
_LOCK = Once(lambda _: sa.select(*_RUN_COLUMNS).where(approval.c.id == p("id")).with_for_update())
_TASKS = Once(lambda _: sa.select(*_TASK_COLUMNS).where(task.c.approval_id == p("id")).order_by(task.c.id))
_LIVE_RUN = Once(
    lambda _: (
        sa.select(*_RUN_COLUMNS)
        .where(
            approval.c.entity == p("entity"),
            approval.c.record_id == p("record_id"),
            approval.c.flow == p("flow"),
            _states(approval.c.state, *_LIVE),
        )
        .with_for_update()
    )
)
_OF_RECORD = Once(
    lambda _: (
        sa.select(*_RUN_COLUMNS)
        .where(approval.c.record_id == p("record_id"), approval.c.entity == p("entity"))
        .order_by(approval.c.id.desc())
        .limit(n("limit"))
    )
)
_FLOW = Once(lambda _: sa.select(approval.c.flow).where(approval.c.id == p("id")))
_ABOUT = Once(
    lambda _: sa.select(approval.c.id, approval.c.entity, approval.c.record_id).where(
        approval.c.id == p("id")
    )
)
_ABOUT_BY_TASK = Once(
    lambda _: (
        sa.select(approval.c.id, approval.c.entity, approval.c.record_id)
        .join(task, task.c.approval_id == approval.c.id)
        .where(task.c.id == p("id"))
    )
)


def load(where: Reads, approval_id: str) -> Run | None:
    """Return a run with its tasks, as it is now and unlocked."""
    return _with_tasks(where, where.one(_RUN.on(where), {"id": approval_id}))


def lock(tx: Tx, approval_id: str) -> Run | None:
    """Return a run with its tasks; nobody else changes it until the transaction ends."""
    return _with_tasks(tx, tx.one(_LOCK.on(tx), {"id": approval_id}))


def lock_live(tx: Tx, entity: str, record_id: str, flow: str) -> Run | None:
    """Return the locked run of this flow that is under way for a record."""
    return _with_tasks(tx, tx.one(_LIVE_RUN.on(tx), {"entity": entity, "record_id": record_id, "flow": flow}))


def of_record(where: Reads, entity: str, record_id: str, *, limit: int = 50) -> list[Run]:
    """Return the runs of a record, newest first, without their tasks."""
    rows = where.all(_OF_RECORD.on(where), {"entity": entity, "record_id": record_id, "limit": limit})
    return [_run_of(row) for row in rows]


def flow_of(where: Reads, approval_id: str) -> str | None:
    """Return the name of the flow that a run follows."""
    row = where.one(_FLOW.on(where), {"id": approval_id})
    return str(row[0]) if row else None


@dataclass(frozen=True, slots=True)
class About:
    """Which record a run is about; that never changes, so it may be read before anything is locked."""

    approval_id: str
    entity: str
    record_id: str


def about(where: Reads, approval_id: str) -> About | None:
    """Return what a run is about."""
    row = where.one(_ABOUT.on(where), {"id": approval_id})
    return About(*row) if row else None


def about_task(where: Reads, task_id: str) -> About | None:
    """Return what the run of a task is about."""
    row = where.one(_ABOUT_BY_TASK.on(where), {"id": task_id})
    return About(*row) if row else None


def _with_tasks(where: Reads, row: Row | None) -> Run | None:
    if row is None:
        return None
    tasks = tuple(_task_of(found) for found in where.all(_TASKS.on(where), {"id": row[0]}))
    return replace(_run_of(row), tasks=tasks)


def _run_of(row: Row) -> Run:
    (key, flow, entity, record_id, state, round_, step, starter, started_at, ended_at, revision, decisive_hash,
     snapshot, record_version, previous, reason, version, title) = row  # fmt: skip
    return Run(
        id=key, flow=flow, entity=entity, record_id=record_id, state=state, round=round_, step=step, starter=starter,
        started_at=parse_utc(started_at), ended_at=_moment(ended_at), revision=revision, decisive_hash=decisive_hash,
        snapshot=json.loads(snapshot) if snapshot else None, record_version=record_version, previous=previous,
        reason=reason, version=version, title=title,
    )  # fmt: skip


def _task_of(row: Row) -> Task:
    (key, approval_id, step, round_, position, weight, original, holder, state, version, opened_at, decided_at, due_at,
     reminded_at, actor, on_behalf_of, comment, why, changes, channel) = row  # fmt: skip
    extra: dict[str, Any] = json.loads(changes) if changes else {}
    return Task(
        id=key, approval_id=approval_id, step=step, round=round_, position=position, weight=weight, original=original,
        holder=holder, state=state, version=version, opened_at=_moment(opened_at), decided_at=_moment(decided_at),
        due_at=_moment(due_at), reminded_at=_moment(reminded_at), actor=actor, on_behalf_of=on_behalf_of,
        comment=comment, why=notes_of(why), changes=extra.get("fields"), seen=extra.get("seen"),
        seen_version=extra.get("version"), channel=channel,
    )  # fmt: skip


def notes_of(text: str | None) -> tuple[Note, ...]:
    """Return the notes of a task from their stored form."""
    return tuple(Note(*parts) for parts in json.loads(text)) if text else ()


def _moment(text: str | None) -> datetime | None:
    return parse_utc(text) if text else None


def _stamp(moment: datetime | None) -> str | None:
    return iso_utc(moment) if moment else None


# ---------------------------------------------------------------- writing


_ADD_RUN = Once(lambda d: insert_all(approval, d))
_ADD_TASK = Once(lambda d: insert_all(task, d))


def _update(table: sa.Table) -> sa.Update:
    """Write every column of one row that is still at the version it was read at."""
    values = {c.name: sa.bindparam(f"v_{c.name}", type_=c.type) for c in table.columns if c.name != "id"}
    return sa.update(table).where(table.c.id == p("p_id"), table.c.version == n("p_version")).values(values)


_SET_RUN = Once(lambda _: _update(approval))
_SET_TASK = Once(lambda _: _update(task))


class Overtaken(Exception):
    """A row is not at the version that the decision was made from, although the run was locked."""


def add_run(tx: Tx, run: Run) -> None:
    """Keep a new run.

    Raises:
        Duplicate: One of this flow is under way for the record already.
    """
    tx.run(_ADD_RUN.on(tx), _run_row(run))


def set_run(tx: Tx, before: Run, after: Run) -> None:
    """Write a run over what it was.

    Raises:
        Overtaken: Somebody wrote it without the lock.
    """
    _set(tx, _SET_RUN, _run_row(after), before.version)


def add_task(tx: Tx, new: Task) -> None:
    """Keep a new task."""
    tx.run(_ADD_TASK.on(tx), _task_row(new))


def set_task(tx: Tx, before: Task, after: Task) -> None:
    """Write a task over what it was.

    Raises:
        Overtaken: Somebody wrote it without the lock.
    """
    _set(tx, _SET_TASK, _task_row(after), before.version)


def _set(tx: Tx, statement: Once, row: Mapping[str, object], version: int) -> None:
    params = {f"v_{name}": value for name, value in row.items() if name != "id"}
    if tx.run(statement.on(tx), {**params, "p_id": row["id"], "p_version": version}) != 1:
        raise Overtaken(str(row["id"]))


def _run_row(run: Run) -> dict[str, object]:
    return {
        "id": run.id, "flow": run.flow, "entity": run.entity, "record_id": run.record_id, "state": run.state,
        "round": run.round, "step": run.step, "starter": run.starter, "started_at": iso_utc(run.started_at),
        "ended_at": _stamp(run.ended_at), "revision": run.revision, "decisive_hash": run.decisive_hash,
        "snapshot": _json(run.snapshot), "record_version": run.record_version, "previous": run.previous,
        "reason": run.reason, "version": run.version, "title": run.title,
    }  # fmt: skip


def _task_row(found: Task) -> dict[str, object]:
    extra: dict[str, object] = {"fields": found.changes, "seen": found.seen, "version": found.seen_version}
    extra = {name: value for name, value in extra.items() if value is not None}
    return {
        "id": found.id, "approval_id": found.approval_id, "step": found.step, "round": found.round,
        "position": found.position, "weight": found.weight, "original": found.original, "holder": found.holder,
        "state": found.state, "version": found.version, "opened_at": _stamp(found.opened_at),
        "decided_at": _stamp(found.decided_at), "due_at": _stamp(found.due_at),
        "reminded_at": _stamp(found.reminded_at), "actor": found.actor,
        "on_behalf_of": found.on_behalf_of, "comment": found.comment,
        "why": _json([[note.code, note.value, note.who] for note in found.why]), "changes": _json(extra or None),
        "channel": found.channel,
    }  # fmt: skip


def _json(value: object) -> str | None:
    if value is None:
        return None
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


# ---------------------------------------------------------------- events


_EVENT_FIELDS = (
    "id", "approval_id", "at", "actor", "on_behalf_of", "kind", "from_state", "to_state", "step", "round", "task_id",
    "note", "data", "previous_hash",
)  # fmt: skip
_ADD_EVENT = Once(lambda d: insert_all(approval_event, d))
_LAST_EVENT = Once(
    lambda _: (
        sa.select(approval_event.c.id, approval_event.c.hash)
        .where(approval_event.c.approval_id == p("id"))
        .order_by(approval_event.c.id.desc())
        .limit(1)
    )
)
_EVENTS = Once(
    lambda _: (
        sa.select(
            *(approval_event.c[name] for name in _EVENT_FIELDS),
            approval_event.c.hash,
            user.c.name,
            user.c.name_zh,
        )
        .select_from(approval_event.outerjoin(user, user.c.id == approval_event.c.actor))
        .where(approval_event.c.approval_id == p("id"))
        .order_by(approval_event.c.id)
    )
)


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it is kept, with the name of who acted."""

    id: str
    event: RunEvent
    actor_name: Label | None
    previous_hash: str | None
    hash: str


def add_events(tx: Tx, approval_id: str, events: Sequence[RunEvent]) -> None:
    """Append to the history of a run. The run is locked, so the chain has one end."""
    if not events:
        return
    last = tx.one(_LAST_EVENT.on(tx), {"id": approval_id})
    last_id, previous = (str(last[0]), str(last[1])) if last else ("", None)
    for event in events:
        key = new_id()
        while key <= last_id:  # another process wrote within the same millisecond
            key = new_id()
        row: dict[str, object] = {
            "id": key, "approval_id": approval_id, "at": iso_utc(event.at), "actor": event.actor,
            "on_behalf_of": event.on_behalf_of, "kind": event.kind, "from_state": event.from_state,
            "to_state": event.to_state, "step": event.step, "round": event.round, "task_id": event.task_id,
            "note": _json(event.note.to_json() if isinstance(event.note, Label) else event.note),
            "data": _json(dict(event.data)) if event.data else None, "previous_hash": previous,
        }  # fmt: skip
        row["hash"] = previous = _hash(row)
        tx.run(_ADD_EVENT.on(tx), row)
        last_id = key


def _hash(row: Mapping[str, object]) -> str:
    return hashlib.sha256(cast(str, _json([row[name] for name in _EVENT_FIELDS])).encode()).hexdigest()


def events(where: Reads, approval_id: str) -> list[KeptEvent]:
    """Return what happened to a run, oldest first."""
    found = []
    for row in where.all(_EVENTS.on(where), {"id": approval_id}):
        values = dict(zip(_EVENT_FIELDS, row, strict=False))
        hashed, name, name_zh = row[len(_EVENT_FIELDS) :]
        note = json.loads(values["note"]) if values["note"] else None
        event = RunEvent(
            kind=values["kind"], at=parse_utc(values["at"]), actor=values["actor"],
            on_behalf_of=values["on_behalf_of"], from_state=values["from_state"], to_state=values["to_state"],
            step=values["step"], round=values["round"], task_id=values["task_id"],
            note=Label(note) if isinstance(note, dict) else note,
            data=json.loads(values["data"]) if values["data"] else {},
        )  # fmt: skip
        label = name_label(name, name_zh) if name else None
        found.append(KeptEvent(values["id"], event, label, values["previous_hash"], hashed))
    return found


def broken_link(where: Reads, approval_id: str) -> str | None:
    """Return the first event of a run that is not as it was written, or does not follow from the one before."""
    previous = None
    for row in where.all(_EVENTS.on(where), {"id": approval_id}):
        values = dict(zip(_EVENT_FIELDS, row, strict=False))
        hashed = row[len(_EVENT_FIELDS)]
        if values["previous_hash"] != previous or _hash(values) != hashed:
            return str(values["id"])
        previous = hashed
    return None


def append_only(dialect: DialectName) -> tuple[str, ...]:
    """Return the statements that make the database itself refuse to change or delete an event of an approval."""
    return refusals(approval_event, dialect)


# ---------------------------------------------------------------- inboxes


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One line of an inbox."""

    id: str
    version: int
    state: str
    step: str
    opened_at: str | None
    due_at: str | None
    decided_at: str | None
    comment: str | None
    actor: str | None
    actor_name: Label | None
    holder: str | None
    why: tuple[Note, ...]
    approval_id: str
    flow: str
    entity: str
    record_id: str
    title: str | None
    run_state: str
    starter: str
    starter_name: Label
    started_at: str
    revision: int | None
    record_version: int | None


@dataclass(frozen=True, slots=True)
class RunLine:
    """One line in the list of what somebody has submitted. `holders` are the ids of those it waits for."""

    id: str
    flow: str
    entity: str
    record_id: str
    title: str | None
    state: str
    step: str | None
    round: int
    started_at: str
    ended_at: str | None
    reason: str | None
    revision: int | None


_starter = user.alias("starter")
_actor = user.alias("actor")
_LINE = (
    task.c.id, task.c.version, task.c.state, task.c.step, task.c.opened_at, task.c.due_at, task.c.decided_at,
    task.c.comment, task.c.actor, _actor.c.name, _actor.c.name_zh, task.c.holder, task.c.why, approval.c.id,
    approval.c.flow, approval.c.entity, approval.c.record_id, approval.c.title, approval.c.state, approval.c.starter,
    _starter.c.name, _starter.c.name_zh, approval.c.started_at, approval.c.revision, approval.c.record_version,
)  # fmt: skip


def _lines(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    source = (
        task.join(approval, approval.c.id == task.c.approval_id)
        .outerjoin(_starter, _starter.c.id == approval.c.starter)
        .outerjoin(_actor, _actor.c.id == task.c.actor)
    )
    return sa.select(*_LINE).select_from(source).where(*conditions)


def _after(
    first: sa.ColumnElement[str], second: sa.ColumnElement[str], *, falling: bool
) -> sa.ColumnElement[bool]:
    if falling:
        return sa.or_(first < p("at"), sa.and_(first == p("at"), second < p("id")))
    return sa.or_(first > p("at"), sa.and_(first == p("at"), second > p("id")))


_OPEN = Once(
    lambda _: (
        _lines(
            task.c.holder == p("holder"),
            _states(task.c.state, "open", "consulting"),
            _after(task.c.opened_at, task.c.id, falling=False),
        )
        .order_by(task.c.opened_at, task.c.id)
        .limit(n("limit"))
    )
)
_COMING = Once(
    lambda _: (
        _lines(task.c.holder == p("holder"), _states(task.c.state, "waiting"), task.c.id > p("id"))
        .order_by(task.c.id)
        .limit(n("limit"))
    )
)
_DONE = Once(
    lambda _: (
        _lines(
            task.c.holder == p("holder"),
            _states(task.c.state, "approved", "rejected", "abstained", "returned", "transferred", "closed", "skipped",
                    "removed", "cancelled"),
            _after(task.c.decided_at, task.c.id, falling=True),
        )
        .order_by(task.c.decided_at.desc(), task.c.id.desc())
        .limit(n("limit"))
    )
)  # fmt: skip
_ONE_LINE = Once(lambda _: _lines(task.c.id == p("task")))
_MINE = Once(
    lambda _: (
        sa.select(
            approval.c.id,
            approval.c.flow,
            approval.c.entity,
            approval.c.record_id,
            approval.c.title,
            approval.c.state,
            approval.c.step,
            approval.c.round,
            approval.c.started_at,
            approval.c.ended_at,
            approval.c.reason,
            approval.c.revision,
        )
        .where(approval.c.starter == p("starter"), _after(approval.c.started_at, approval.c.id, falling=True))
        .order_by(approval.c.started_at.desc(), approval.c.id.desc())
        .limit(n("limit"))
    )
)
_SUSPENDED = Once(
    lambda _: (
        sa.select(*_RUN_COLUMNS)
        .where(approval.c.state == word("suspended"), approval.c.id < p("id"))
        .order_by(approval.c.id.desc())
        .limit(n("limit"))
    )
)
_COUNT_OPEN = Once(
    lambda _: sa.select(sa.func.count()).where(
        task.c.holder == p("holder"), _states(task.c.state, "open", "consulting")
    )
)

Mark = tuple[str, str]
"""The last line of the page before: its instant and its id."""


def open_tasks(where: Reads, holder: str, *, after: Mark | None = None, limit: int = 50) -> list[TaskLine]:
    """Return what waits for somebody, longest first."""
    at, key = after or ("", "")
    params = {"holder": holder, "at": at, "id": key, "limit": limit}
    return [_line_of(row) for row in where.all(_OPEN.on(where), params)]


def coming_tasks(where: Reads, holder: str, *, after: Mark | None = None, limit: int = 50) -> list[TaskLine]:
    """Return what will be somebody's once others have answered."""
    params = {"holder": holder, "id": after[1] if after else "", "limit": limit}
    return [_line_of(row) for row in where.all(_COMING.on(where), params)]


def done_tasks(where: Reads, holder: str, *, after: Mark | None = None, limit: int = 50) -> list[TaskLine]:
    """Return what somebody has answered, or others before him, newest first."""
    at, key = after or (_END, _END)
    params = {"holder": holder, "at": at, "id": key, "limit": limit}
    return [_line_of(row) for row in where.all(_DONE.on(where), params)]


def task_line(where: Reads, task_id: str) -> TaskLine | None:
    """Return one task as its line in an inbox."""
    row = where.one(_ONE_LINE.on(where), {"task": task_id})
    return _line_of(row) if row else None


def started_by(where: Reads, starter: str, *, after: Mark | None = None, limit: int = 50) -> list[RunLine]:
    """Return what somebody has submitted, newest first."""
    at, key = after or (_END, _END)
    params = {"starter": starter, "at": at, "id": key, "limit": limit}
    return [RunLine(*row) for row in where.all(_MINE.on(where), params)]


def suspended(where: Reads, *, before: str | None = None, limit: int = 50) -> list[Run]:
    """Return the runs that wait for an administrator, newest first."""
    rows = where.all(_SUSPENDED.on(where), {"id": before or _END, "limit": limit})
    return [_run_of(row) for row in rows]


def count_open(where: Reads, holder: str) -> int:
    """Return how much waits for somebody."""
    row = where.one(_COUNT_OPEN.on(where), {"holder": holder})
    return int(row[0]) if row else 0


def _line_of(row: Row) -> TaskLine:
    (key, version, state, step, opened_at, due_at, decided_at, comment, actor, actor_name, actor_zh, holder, why, run,
     flow, entity, record_id, title, run_state, starter, name, name_zh, started_at, revision,
     record_version) = row  # fmt: skip
    return TaskLine(
        id=key, version=version, state=state, step=step, opened_at=opened_at, due_at=due_at, decided_at=decided_at,
        comment=comment, actor=actor, actor_name=name_label(actor_name, actor_zh) if actor_name else None,
        holder=holder, why=notes_of(why), approval_id=run, flow=flow, entity=entity, record_id=record_id, title=title,
        run_state=run_state, starter=starter, starter_name=name_label(name or starter, name_zh), started_at=started_at,
        revision=revision, record_version=record_version,
    )  # fmt: skip


# ---------------------------------------------------------------- questions of others


_READS_THROUGH = Once(
    lambda _: (
        sa.select(task.c.id)
        .join(approval, approval.c.id == task.c.approval_id)
        .where(
            approval.c.record_id == p("record_id"),
            approval.c.entity == p("entity"),
            task.c.holder == p("user_id"),
            _states(
                task.c.state, "open", "consulting", "waiting", "approved", "rejected", "abstained", "returned"
            ),
            sa.or_(_states(approval.c.state, *_LIVE), approval.c.ended_at > p("since")),
        )
        .limit(1)
    )
)
_DUE = Once(
    lambda _: (
        sa.select(task.c.id)
        .where(
            _states(task.c.state, "open", "consulting"),
            task.c.due_at <= p("now"),
            task.c.reminded_at.is_(None),
        )
        .order_by(task.c.due_at)
        .limit(n("limit"))
    )
)
_STEP_TIMES = Once(
    lambda _: (
        sa.select(task.c.step, task.c.opened_at, task.c.decided_at)
        .join(approval, approval.c.id == task.c.approval_id)
        .where(
            approval.c.flow == p("flow"),
            _states(task.c.state, "approved", "rejected", "returned"),
            task.c.decided_at > p("since"),
        )
        .order_by(task.c.decided_at.desc())
        .limit(n("limit"))
    )
)
_URGES = Once(
    lambda _: sa.select(approval_event.c.task_id, approval_event.c.at).where(
        approval_event.c.approval_id == p("id"), approval_event.c.kind == word("urged")
    )
)
_HELD = Once(
    lambda _: sa.select(task.c.id, task.c.approval_id).where(
        task.c.holder == p("holder"), _states(task.c.state, "open", "consulting", "waiting")
    )
)


def reads_through_task(where: Reads, user_id: str, entity: str, record_id: str, *, since: str) -> bool:
    """Say whether somebody is, or was until `since`, asked about a record."""
    params = {"user_id": user_id, "entity": entity, "record_id": record_id, "since": since}
    return where.one(_READS_THROUGH.on(where), params) is not None


def due_tasks(where: Reads, now: str, *, limit: int = 100) -> list[str]:
    """Return open tasks whose time is over and whose holder has not been reminded."""
    return [str(row[0]) for row in where.all(_DUE.on(where), {"now": now, "limit": limit})]


def step_times(where: Reads, flow: str, *, since: str, limit: int = 5000) -> dict[str, list[float]]:
    """Return, for each step, how many seconds its answers of late have taken."""
    found: dict[str, list[float]] = {}
    for step, opened, decided in where.all(
        _STEP_TIMES.on(where), {"flow": flow, "since": since, "limit": limit}
    ):
        if opened:
            found.setdefault(step, []).append((parse_utc(decided) - parse_utc(opened)).total_seconds())
    return found


def urges(where: Reads, approval_id: str) -> dict[str, list[datetime]]:
    """Return when the holder of each task was reminded by hand."""
    found: dict[str, list[datetime]] = {}
    for key, at in where.all(_URGES.on(where), {"id": approval_id}):
        found.setdefault(key, []).append(parse_utc(at))
    return found


def held_by(where: Reads, holder: str) -> list[tuple[str, str]]:
    """Return (task, run) of everything that waits, or will wait, for somebody: for when they leave."""
    return [(str(row[0]), str(row[1])) for row in where.all(_HELD.on(where), {"holder": holder})]
