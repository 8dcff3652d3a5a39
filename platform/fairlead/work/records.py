"""The one door to records: create, change, move, assign, delete, for every screen, the API, imports and jobs.

Each function reads what the decision needs, asks `decide`, and hands the result to `commit`. The functions ending in
`_in` run inside a transaction that somebody else opened (an approval's effects, an automation's steps).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from fairlead.base.errors import Conflict, FieldError, Forbidden, Invalid, Locked, NotFound, Refused
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.access import WriteGrant
from fairlead.compiled.application import SYSTEM_ROLES, CompiledEntity
from fairlead.compiled.reads import EntityReads, ids_parameter
from fairlead.compiled.runs import LIVE
from fairlead.compiled.tables import FOLDED
from fairlead.decide import edit
from fairlead.decide import move as moves
from fairlead.decide import pool as pool_rules
from fairlead.decide.edit import Edit, Input, Rows
from fairlead.decide.progress import locked_fields
from fairlead.expr.check import Expression
from fairlead.expr.evaluate import Env
from fairlead.fields.spec import Field
from fairlead.model.governance import Scope
from fairlead.store import approvals, people
from fairlead.store.database import Database, Tx
from fairlead.store.statements import listed
from fairlead.work import commit
from fairlead.work.commit import Change
from fairlead.work.context import Context, counted_by, environment
from fairlead.work.holdings import require_capacity
from fairlead.work.reactions import run_steps

Where = Database | Tx

_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
_LOCKED = Label({
    "en": "An approval is under way; the record is locked until it ends.",
    "zh": "该记录正在审批中，审批结束前已锁定。",
})  # fmt: skip
_NO_SUCH = Label({"en": "There is no such record.", "zh": "没有这条记录。"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """A record as a decision sees it, with what this actor may do with it."""

    entity: CompiledEntity
    id: str
    record: Mapping[str, Any]
    lines: Mapping[str, Rows]
    locked_by: str | None
    writable: Mapping[str, frozenset[str]]
    """Action → fields that may be written; an action that is not allowed is missing."""

    @property
    def version(self) -> int:
        """The version that was read."""
        return int(self.record["version"])


@dataclass(frozen=True, slots=True)
class Saved:
    """What a write left behind."""

    id: str
    version: int


# ---------------------------------------------------------------- reading for a decision


def roles_of(ctx: Context) -> tuple[str, ...]:
    """Return the roles under which statements are compiled: the actor's, or the engine's for its own door."""
    return SYSTEM_ROLES if ctx.actor.is_system or ctx.door == "system" else ctx.actor.roles


def entity_of(ctx: Context, name: str) -> CompiledEntity:
    """Return an entity of the application.

    Raises:
        NotFound: There is none, or this actor may neither see nor make any of its records.
    """
    found = ctx.app.entity(name)
    if found is None:
        raise NotFound(name)
    access = ctx.app.access(name, roles_of(ctx))
    if not access.read and not access.write:
        raise NotFound(name)
    return found


def base_params(ctx: Context) -> dict[str, object]:
    """Return the parameters that predicates may ask for."""
    return ctx.params()


def load(where: Where, ctx: Context, name: str, id: str, actions: tuple[str, ...] = ("update",)) -> Loaded:
    """Return one record with the rights of the actor on it.

    Raises:
        NotFound: It is not there, or not this actor's to see.
    """
    entity = entity_of(ctx, name)
    reads = ctx.app.reads(name, roles_of(ctx))
    row = where.one(reads.load(actions), {**base_params(ctx), "p_id": id})
    if row is None:
        raise NotFound(name, id)
    width = len(reads.stored_fields)
    record = reads.decode_all(row[:width])
    position = width + 1
    writable: dict[str, frozenset[str]] = {}
    for action in actions:
        allowed: frozenset[str] | None = None
        for grant in reads.access.write.get(action, ()):
            if row[position]:
                allowed = grant.writable if allowed is None else allowed | grant.writable
            position += 1
        if allowed is not None:
            writable[action] = allowed
    lines = {f: read_lines(where, ctx, entity, f, [id]).get(id, ()) for f in entity.tables.lines}
    return Loaded(entity, id, record, lines, row[width], writable)


def read_lines(
    where: Where, ctx: Context, entity: CompiledEntity, field: str, ids: Sequence[str]
) -> dict[str, Rows]:
    """Return the rows of a line field of several records, as domain values, read as the engine."""
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    decode = ctx.app.memo(("lines", entity.name, field), lambda: _line_decoder(reads, field))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for parent, _, *values in where.all(reads.lines(field), {"p_ids": listed(ids)}):
        found.setdefault(parent, []).append(decode(values))
    return {parent: tuple(rows) for parent, rows in found.items()}


def _line_decoder(reads: EntityReads, field: str) -> Any:
    from fairlead.compiled.rows import decoder

    return decoder(reads.line_fields(field))


def snapshot_in(where: Where, ctx: Context, name: str, id: str) -> Mapping[str, Any]:
    """Return the domain values of a record, lines included, read as the engine.

    Raises:
        NotFound: It is not there.
    """
    loaded = load(where, ctx if ctx.actor.is_system else ctx.as_system(), name, id, ())
    return {**loaded.record, **loaded.lines}


def require(ctx: Context, action: str, name: str, id: str) -> Loaded:
    """Return a record on which the actor may do `action`.

    Raises:
        NotFound: It is not there, or not this actor's to see.
        Forbidden: It may be seen, but this may not be done with it.
    """
    loaded = load(ctx.database, ctx, name, id, (action,))
    if action not in loaded.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    return loaded


# ---------------------------------------------------------------- create


def create(ctx: Context, name: str, given: Mapping[str, Any], *, form: bool = False) -> Saved:
    """Create a record from what somebody gave.

    Args:
        ctx: Who and when.
        name: The entity.
        given: JSON values by field, or with `form` the texts of a form.
        form: Whether `given` is what a person typed.

    Raises:
        NotFound: There is no such entity for this actor.
        Forbidden: The actor may not create such a record.
        Invalid: Values that cannot be kept.
    """
    entity = entity_of(ctx, name)
    access = ctx.app.access(name, roles_of(ctx))
    if not access.can("create"):
        raise Forbidden("forbidden", _FORBIDDEN)
    grants = access.write["create"]
    writable = frozenset().union(*(grant.writable for grant in grants))
    allowed = creatable_fields(entity, writable)
    found = edit.read_input(
        entity, given, writable=allowed, readable=access.fields & (access.seen | writable),
        form=form, zone=ZoneInfo(ctx.actor.zone),
    )  # fmt: skip
    with ctx.database.write() as tx:
        return create_in(tx, ctx, name, found, scopes=tuple(grant.scope for grant in grants), grants=grants)


def creatable_fields(entity: CompiledEntity, writable: frozenset[str]) -> frozenset[str]:
    """Return the fields that may be given for a new record: those of the document, and whose it shall be."""
    fields = entity.entity.fields
    return frozenset(
        name
        for name in writable
        if (spec := fields.get(name.partition(".")[0])) is not None
        and ((spec.origin == "document" and not spec.readonly) or name in ("owner", "tags", "stage"))
    )


def create_in(
    tx: Tx,
    ctx: Context,
    name: str,
    values: Input | Mapping[str, Any],
    *,
    scopes: tuple[Scope, ...] = ("all",),
    grants: tuple[WriteGrant, ...] = (),
    kind: str = "create",
    enforce_required: bool = True,
) -> Saved:
    """Create a record from domain values, inside a transaction.

    With `grants`, of which some may open fewer fields than others, only those count that reach the record as made.

    Raises:
        Forbidden: The record would lie outside every scope in `scopes`.
        Invalid: Values that break a rule.
    """
    entity = ctx.app.entities[name]
    given = values if isinstance(values, Input) else _split(entity, values)
    named = {*given.values, *given.lines}
    env = environment(ctx, tx)
    _own(tx, ctx, entity, given)
    if entity.machine is not None and not given.values.get("stage"):
        given.values["stage"] = entity.machine.initial
    found = edit.complete(entity, given, env, enforce_required=enforce_required)
    _check_references(tx, ctx, entity, found.values, found.lines)
    record = {**found.values, **found.lines}
    if entity.machine is not None:
        stage = str(record["stage"])
        if stage not in entity.machine.stages:
            moves.find_move(entity.machine, None, stage, ctx.actor.roles)
        if stage != entity.machine.initial and ctx.door not in ("import", "system"):
            _may_begin(entity, record, stage, environment(ctx, tx, hold=True), ctx)
        found.values["stage_entered_at"] = ctx.now
    if not any(scope_holds(scope, entity, record, ctx, env) for scope in scopes):
        raise Forbidden("forbidden.scope", Label({
            "en": "You may not create a record that belongs to somebody else.",
            "zh": "您不能创建属于他人的记录。",
        }))  # fmt: skip
    _check_given(entity, named, grants, record, ctx, env)
    _check_duplicates(tx, ctx, entity, record, id=None)
    id = new_id()
    version = commit.write(
        tx, ctx, Change(entity, id, kind, found.values, None, found.lines, pool=record.get("pool"))
    )
    if entity.entity.timeline is not None:
        touch_target(tx, ctx, entity, record, env)
    if entity.machine is not None:
        version = _entered(tx, ctx, entity, id, str(record["stage"]), version)
    return Saved(id, version)


def _check_given(
    entity: CompiledEntity,
    named: set[str],
    grants: tuple[WriteGrant, ...],
    record: Mapping[str, Any],
    ctx: Context,
    env: Env,
) -> None:
    """A field may be filled in only where a grant that reaches the new record opens it.

    Raises:
        Invalid: `readonly_field` at each of the others.
    """
    if not grants:
        return
    reaching = [grant for grant in grants if scope_holds(grant.scope, entity, record, ctx, env)]
    closed = named - frozenset().union(*(grant.writable for grant in reaching))
    if closed:
        raise Invalid([FieldError(name, "readonly_field", edit.READONLY) for name in sorted(closed)])


def _split(entity: CompiledEntity, values: Mapping[str, Any]) -> Input:
    fields = entity.entity.fields
    found = Input()
    for name, value in values.items():
        if fields[name].kind == "table":
            found.lines[name] = [dict(row) for row in value or ()]
        else:
            found.values[name] = value
    return found


def _own(tx: Tx, ctx: Context, entity: CompiledEntity, given: Input) -> None:
    """Decide whose the new record is: who was named, else who makes it; nobody's goes to a pool."""
    fields = entity.entity.fields
    if "owner" not in fields:
        return
    if "owner" not in given.values and not ctx.actor.is_system:
        given.values["owner"] = ctx.actor.id
    owner = given.values.get("owner")
    if owner is None:
        if entity.pools and not given.values.get("pool"):
            env = environment(ctx, tx)
            blank = dict.fromkeys(fields)
            pool = pool_rules.entry_pool(entity.pools, {**blank, **given.values}, env)
            if pool is not None:
                given.values.update(pool=pool.name, pool_entered_at=ctx.now)
        return
    given.values.setdefault("team", _team_of(tx, ctx, str(owner)))
    if "claimed_at" in fields:
        given.values.setdefault("claimed_at", ctx.now)
    if entity.pools:
        env = environment(ctx, tx)
        pool = pool_rules.entry_pool(entity.pools, {**dict.fromkeys(fields), **given.values}, env)
        if pool is not None:
            due = pool_rules.first_due(pool, given.values["claimed_at"], ctx.calendar(pool.calendar))
            given.values.setdefault("due_at", due)


def _team_of(where: Where, ctx: Context, user_id: str) -> str | None:
    """Return the primary team of a person.

    Raises:
        Invalid: There is no such person, or the account is closed.
    """
    if user_id == ctx.actor.id:
        return ctx.actor.team
    account = people.account(where, user_id)
    if account is None or not account.active:
        raise Invalid([FieldError("owner", "unknown_record", Label({
            "en": "There is no active person with this id.", "zh": "没有此编号的在职人员。",
        }))])  # fmt: skip
    return account.teams[0] if account.teams else None


def _may_begin(entity: CompiledEntity, record: Mapping[str, Any], stage: str, env: Env, ctx: Context) -> None:
    """A record may begin in a later stage when it could have been moved there step by step by this person."""
    machine = entity.machine
    assert machine is not None
    reachable, waiting = {machine.initial}, [machine.initial]
    while waiting:
        for target in moves.targets(machine, waiting.pop(), ctx.actor.roles):
            if target.stage not in reachable:
                reachable.add(target.stage)
                waiting.append(target.stage)
    if stage not in reachable:
        moves.find_move(machine, machine.initial, stage, ctx.actor.roles)
    moves.check_entry(machine, entity.entity.fields, record, stage, env, move=None, reason=None)


def scope_holds(
    scope: Scope, entity: CompiledEntity, record: Mapping[str, Any], ctx: Context, env: Env
) -> bool:
    """Whether a record that is about to be made lies inside a scope; the same rule as its predicate in SQL."""
    if isinstance(scope, Expression):
        return scope.is_true(record, env)
    if scope == "all":
        return True
    if scope == "no":
        return False
    if "owner" not in entity.entity.fields:
        return True
    owner, team = record.get("owner"), record.get("team")
    if owner is None:
        return bool(entity.pools)
    if owner == ctx.actor.id:
        return True
    if scope == "team":
        return team in ctx.actor.teams
    return scope == "subordinates" and team in ctx.actor.oversees


# ---------------------------------------------------------------- update


def update(
    ctx: Context, name: str, id: str, given: Mapping[str, Any], *, version: int | None, form: bool = False
) -> Saved:
    """Change fields of a record.

    Args:
        ctx: Who and when.
        name: The entity.
        id: The record.
        given: JSON values by field, or with `form` the texts of a form.
        version: The version that the change was made from.
        form: Whether `given` is what a person typed.

    Raises:
        NotFound: It is not there, or not this actor's to see.
        Forbidden: It may be seen, not changed.
        Conflict: Somebody was faster.
        Locked: An approval holds it.
        Invalid: Values that cannot be kept.
    """
    loaded = load(ctx.database, ctx, name, id, ("update",))
    # That an approval holds it is the nearer reason, also where the role would not allow the change as it stands.
    _check_lock(ctx.database, loaded, set(given))
    writable = loaded.writable.get("update")
    if writable is None:
        raise Forbidden("forbidden", _FORBIDDEN)
    if version is not None and version != loaded.version:
        raise Conflict(id, expected=version)
    entity = loaded.entity
    access = ctx.app.access(name, roles_of(ctx))
    found = edit.read_input(
        entity, given, writable=changeable_fields(entity, writable, loaded.record, ctx.env()), readable=access.seen,
        form=form, zone=ZoneInfo(ctx.actor.zone),
    )  # fmt: skip
    env = environment(ctx, old=loaded.record)
    result = edit.complete(entity, found, env, old=loaded.record, old_lines=loaded.lines)
    _check_references(ctx.database, ctx, entity, result.values, result.lines)
    if entity.duplicates and any(n in result.values for rule in entity.entity.duplicates for n in rule.match):
        _check_duplicates(ctx.database, ctx, entity, {**loaded.record, **result.values}, id=id)
    with ctx.database.write() as tx:
        return Saved(id, commit.write(tx, ctx, _change(loaded, "update", result)))


def _change(loaded: Loaded, kind: str, result: Edit, reason: str | None = None) -> Change:
    return Change(
        loaded.entity,
        loaded.id,
        kind,
        result.values,
        loaded.record,
        result.lines,
        loaded.lines,
        reason=reason,
    )


def changeable_fields(
    entity: CompiledEntity, writable: frozenset[str], record: Mapping[str, Any], env: Env
) -> frozenset[str]:
    """Return the fields of an existing record that may be given: not the engine's, nor what is written once, nor what
    a rule makes read-only as the record stands.
    """
    fields = entity.entity.fields

    def free(spec: Field) -> bool:
        if spec.write_once and record.get(spec.name) is not None:
            return False
        if spec.readonly_when is not None and spec.readonly_when.is_true(record, env):
            return False
        return (spec.origin == "document" and not spec.readonly) or spec.name == "tags"

    allowed = {name for name, spec in fields.items() if free(spec)}
    return frozenset(name for name in writable if name.partition(".")[0] in allowed)


def _rows_of(entity: CompiledEntity, name: str) -> tuple[str, ...]:
    return tuple(entity.entity.fields[name].fields)


def update_in(
    tx: Tx,
    ctx: Context,
    name: str,
    id: str,
    values: Mapping[str, Any],
    *,
    kind: str = "update",
    through_lock: bool = False,
    reason: str | None = None,
) -> Saved:
    """Change fields of a record to domain values, inside a transaction, under the rules of the entity.

    Raises:
        NotFound, Locked, Conflict, Invalid: As `update`.
    """
    loaded = load(tx, ctx.as_system(), name, id, ())
    if not through_lock:
        _check_lock(tx, loaded, set(values))
    env = environment(ctx, tx, old=loaded.record)
    result = edit.complete(
        loaded.entity, _split(loaded.entity, values), env, old=loaded.record, old_lines=loaded.lines
    )
    return Saved(id, commit.write(tx, ctx, _change(loaded, kind, result, reason)))


def lock_in(tx: Tx, ctx: Context, name: str, id: str, approval_id: str | None) -> None:
    """Let an approval hold a record, or let it go (None)."""
    entity = ctx.app.entities[name]
    tx.run(entity.writes.lock(), {"p_id": id, "v_locked_by_": approval_id})


def _check_lock(where: Where, loaded: Loaded, touched: set[str]) -> None:
    if loaded.locked_by is None or not touched:
        return
    flow_name = approvals.flow_of(where, loaded.locked_by)
    flow = next((f for f in loaded.entity.approvals if f.name == flow_name), None)
    if flow is not None:
        closed = locked_fields(flow)
        if closed is not None and not touched & closed:
            return
    raise Locked("record_locked", _LOCKED, current={"approval": loaded.locked_by})


# ---------------------------------------------------------------- move, assign, delete


def move(
    ctx: Context,
    name: str,
    id: str,
    stage: str,
    *,
    version: int | None,
    given: Mapping[str, Any] | None = None,
    reason: str | None = None,
    form: bool = False,
) -> Saved:
    """Move a record to another stage, with the fields asked for on the way.

    Raises:
        NotFound, Forbidden, Conflict, Locked: As `update`.
        Refused: No move leads there, or a guard is closed; the reason says which.
        Invalid: Fields the stage needs are empty; each named.
    """
    loaded = load(ctx.database, ctx, name, id, ("move", "update"))
    _check_lock(ctx.database, loaded, {"stage"})
    if "move" not in loaded.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    if version is not None and version != loaded.version:
        raise Conflict(id, expected=version)
    entity = loaded.entity
    if entity.machine is None:
        raise Refused("move.no-stages", Label({"en": "This has no stages.", "zh": "该对象没有阶段。"}))
    access = ctx.app.access(name, roles_of(ctx))
    current = loaded.record.get("stage")
    if current == stage:
        raise Refused("move.already-there", Label({
            "en": "It stands there already; somebody may have been faster.", "zh": "记录已处于该阶段，可能已被他人操作。",
        }), current={"stage": current})  # fmt: skip
    allowed = moves.find_move(entity.machine, current, stage, ctx.actor.roles)
    # A move is no way around the rules of editing: it takes the fields it asks for, and no others.
    asked = frozenset(entity.machine.stages[stage].require) | frozenset(allowed.ask if allowed else ())
    free = changeable_fields(entity, loaded.writable["move"], loaded.record, ctx.env())
    found = edit.read_input(
        entity, given or {}, writable=free & (asked | {f"{name}.{row}" for name in asked for row in _rows_of(entity, name)}),
        readable=access.seen, form=form, zone=ZoneInfo(ctx.actor.zone),
    )  # fmt: skip
    env = environment(ctx, old=loaded.record)
    found.values["stage"] = stage
    result = edit.complete(entity, found, env, old=loaded.record, old_lines=loaded.lines)
    record = {**loaded.record, **loaded.lines, **result.values, **result.lines}
    moves.check_entry(entity.machine, entity.entity.fields, record, stage, env, move=allowed, reason=reason)
    _check_references(ctx.database, ctx, entity, result.values, result.lines)
    with ctx.database.write() as tx:
        guard = environment(ctx, tx, old=loaded.record, hold=True)
        moves.check_entry(
            entity.machine, entity.entity.fields, record, stage, guard, move=allowed, reason=reason
        )
        saved = commit.write(tx, ctx, _change(loaded, "move", result, reason))
        return Saved(id, _entered(tx, ctx, entity, id, stage, saved))


def move_in(
    tx: Tx,
    ctx: Context,
    name: str,
    id: str,
    stage: str,
    *,
    values: Mapping[str, Any] | None = None,
    reason: str | None = None,
    forced: bool = False,
) -> Saved:
    """Move a record inside a transaction. `forced` leaves out the question whether a person could have done it:
    an approval's outcome and an automation's step are moves of their own.

    Raises:
        NotFound, Refused, Invalid, Conflict: As `move`.
    """
    loaded = load(tx, ctx.as_system(), name, id, ())
    entity = loaded.entity
    if entity.machine is None:
        raise Refused("move.no-stages", Label({"en": "This has no stages.", "zh": "该对象没有阶段。"}))
    current = loaded.record.get("stage")
    if current == stage and not values:
        return Saved(id, loaded.version)
    found = _split(entity, values or {})
    found.values["stage"] = stage
    env = environment(ctx, tx, old=loaded.record)
    allowed = None if forced else moves.find_move(entity.machine, current, stage, ctx.actor.roles)
    result = edit.complete(entity, found, env, old=loaded.record, old_lines=loaded.lines)
    record = {**loaded.record, **loaded.lines, **result.values, **result.lines}
    guard = environment(ctx, tx, old=loaded.record, hold=True)
    moves.check_entry(entity.machine, entity.entity.fields, record, stage, guard, move=allowed, reason=reason)
    version = commit.write(tx, ctx, _change(loaded, "move", result, reason))
    return Saved(id, _entered(tx, ctx, entity, id, stage, version))


def _entered(tx: Tx, ctx: Context, entity: CompiledEntity, id: str, stage: str, version: int) -> int:
    assert entity.machine is not None
    steps = entity.machine.on_enter(stage)
    if not steps:
        return version
    run_steps(tx, ctx, steps, entity.name, id)
    row = tx.one(
        ctx.app.statement(("version", entity.name), lambda: sa.select(entity.tables.main.c.version).where(
            entity.tables.main.c.id == sa.bindparam("p_id", required=True))),
        {"p_id": id},
    )  # fmt: skip
    return int(row[0]) if row else version


def assign(
    ctx: Context, name: str, id: str, owner: str, *, version: int | None, reason: str | None = None
) -> Saved:
    """Make somebody the owner of a record.

    Raises:
        NotFound, Forbidden, Conflict: As `update`.
        Invalid: There is no such active person.
        Refused: The person holds as many as the pool allows.
    """
    loaded = load(ctx.database, ctx, name, id, ("assign",))
    _check_lock(ctx.database, loaded, {"owner"})
    if "assign" not in loaded.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    if version is not None and version != loaded.version:
        raise Conflict(id, expected=version)
    if "owner" not in loaded.entity.entity.fields:
        raise Refused("assign.no-owner", Label({"en": "This belongs to nobody.", "zh": "该对象没有归属人。"}))
    with ctx.database.write() as tx:
        return assign_in(tx, ctx, loaded, owner, reason=reason)


def assign_in(
    tx: Tx, ctx: Context, loaded: Loaded, owner: str, *, reason: str | None, kind: str = "assign"
) -> Saved:
    """Make somebody the owner, inside a transaction; leaves the pool and starts protection anew."""
    entity = loaded.entity
    team = _team_of(tx, ctx, owner)
    values: dict[str, Any] = {"owner": owner, "team": team, "claimed_at": ctx.now}
    pool_name = loaded.record.get("pool")
    if entity.pools:
        env = environment(ctx, tx)
        pool = pool_rules.pool_for(entity.pools, loaded.record, env)
        if pool is not None:
            require_capacity(tx, ctx, entity, pool, owner)
            values["due_at"] = pool_rules.first_due(pool, ctx.now, ctx.calendar(pool.calendar))
        values.update(pool=None, pool_entered_at=None, previous_owner=loaded.record.get("owner"))
    change = Change(entity, loaded.id, kind, values, loaded.record, reason=reason, pool=pool_name)
    return Saved(loaded.id, commit.write(tx, ctx, change))


def delete(ctx: Context, name: str, id: str, *, version: int | None) -> None:
    """Put a record into the recycle bin, as the references to it allow.

    Raises:
        NotFound, Forbidden, Conflict, Locked: As `update`.
        Refused: Other records need it; how many is said, not which.
    """
    loaded = load(ctx.database, ctx, name, id, ("delete",))
    if "delete" not in loaded.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    if version is not None and version != loaded.version:
        raise Conflict(id, expected=version)
    _check_lock(ctx.database, loaded, {"deleted_at"})
    with ctx.database.write() as tx:
        _delete_in(tx, ctx, loaded, set())


def _delete_in(tx: Tx, ctx: Context, loaded: Loaded, seen: set[str]) -> None:
    seen.add(loaded.id)
    if loaded.entity.approvals and any(
        run.state in LIVE for run in approvals.of_record(tx, loaded.entity.name, loaded.id)
    ):
        raise Locked("record_locked", _LOCKED)
    for referrer, field, on_delete in _referrers(ctx, loaded.entity.name):
        spec = referrer.entity.fields[field]
        value = f"{loaded.entity.name}:{loaded.id}" if spec.params.get("entities") else loaded.id
        ids = [row[0] for row in tx.all(_pointing(ctx, referrer, field), {"p_value": value})]
        ids = [one for one in ids if one not in seen]
        if not ids:
            continue
        if on_delete == "restrict":
            label = referrer.entity.plural
            raise Refused(
                "still_referenced",
                Label({
                    "en": f"{len(ids)} {label.get('en')} still point to it. Move or delete them first.",
                    "zh": f"仍有 {len(ids)} 条“{label.get('zh')}”指向它，请先转移或删除。",
                }),
                data={"entity": referrer.name, "count": len(ids)},
            )  # fmt: skip
        for one in ids:
            if on_delete == "cascade":
                _delete_in(tx, ctx, load(tx, ctx.as_system(), referrer.name, one, ()), seen)
            else:
                update_in(tx, ctx, referrer.name, one, {field: None}, through_lock=True)
    commit.remove(tx, ctx, Change(loaded.entity, loaded.id, "delete", {}, loaded.record))


def pointing_here(ctx: Context, name: str, id: str) -> list[tuple[CompiledEntity, str, str, int]]:
    """Return what refers to a record: the entity, its field, what deleting would do there, and how many records."""
    found = []
    for referrer, field, on_delete in _referrers(ctx, name):
        spec = referrer.entity.fields[field]
        value = f"{name}:{id}" if spec.params.get("entities") else id
        count = len(ctx.database.all(_pointing(ctx, referrer, field), {"p_value": value}))
        if count:
            found.append((referrer, field, on_delete, count))
    return found


def _referrers(ctx: Context, name: str) -> list[tuple[CompiledEntity, str, str]]:
    def build() -> list[tuple[CompiledEntity, str, str]]:
        return [
            (other, spec.name, str(spec.params.get("on_delete", "restrict")))
            for other in ctx.app.entities.values()
            for spec in other.entity.fields.values()
            if spec.kind == "reference"
            and (spec.params.get("entity") == name or name in (spec.params.get("entities") or ()))
        ]

    return ctx.app.memo(("referrers", name), build)  # type: ignore[no-any-return]


def _pointing(ctx: Context, referrer: CompiledEntity, field: str) -> Any:
    return ctx.app.statement(
        ("pointing", referrer.name, field),
        lambda: (
            sa.select(referrer.tables.main.c.id)
            .where(
                referrer.tables.columns[field] == sa.bindparam("p_value", required=True),
                sa.text("deleted_at IS NULL"),
            )
            .limit(1000)
        ),
    )


# ---------------------------------------------------------------- what the rules need from the database


def _check_references(
    where: Where, ctx: Context, entity: CompiledEntity, values: Mapping[str, Any], lines: Mapping[str, Rows]
) -> None:
    """Every record that is pointed to must be there, and be this actor's to see.

    Raises:
        Invalid: `unknown_record` at each field, the same for what is not there and what may not be seen.
    """
    wanted: dict[str, list[tuple[str, str]]] = {}

    def note(spec: Field, value: object, path: str) -> None:
        if value is None:
            return
        if spec.kind == "reference":
            if spec.params.get("entities"):
                target, _, key = str(value).partition(":")
            else:
                target, key = str(spec.params["entity"]), str(value)
            wanted.setdefault(target, []).append((path, key))
        elif spec.kind == "user" and value != ctx.actor.id:
            wanted.setdefault("user", []).append((path, str(value)))

    fields = entity.entity.fields
    for name, value in values.items():
        if fields[name].origin != "system" and name not in ("owner", "previous_owner"):
            note(fields[name], value, name)
    for name, rows in lines.items():
        for number, row in enumerate(rows):
            for column, spec in fields[name].fields.items():
                note(spec, row.get(column), f"{name}[{number}].{column}")
    errors: list[FieldError] = []
    for target, asked in wanted.items():
        known = existing(where, ctx, target, [key for _, key in asked])
        errors += [FieldError(path, "unknown_record", _NO_SUCH) for path, key in asked if key not in known]
    if errors:
        raise Invalid(errors)


def existing(where: Where, ctx: Context, target: str, ids: Sequence[str]) -> set[str]:
    """Return which of `ids` are records of `target` that the actor may see."""
    if target == "user":
        return set(people.names(where, ids))
    if target == "team":
        return set(people.team_names(where, ids))
    if target not in ctx.app.entities:
        return set()
    roles = roles_of(ctx)

    def build() -> sa.Select[Any]:
        tables = ctx.app.tables.by_entity[target]
        statement = sa.select(tables.main.c.id).where(
            tables.main.c.id.in_(ids_parameter(ctx.app.dialect)),
            sa.text(f"{tables.main.name}.deleted_at IS NULL"),
        )
        predicate = ctx.app.access(target, roles).rows()
        return statement if predicate is None else statement.where(predicate)

    statement = ctx.app.statement(("existing", target, roles), build)
    return {row[0] for row in where.all(statement, {**base_params(ctx), "p_ids": listed(ids)})}


def _check_duplicates(
    where: Where, ctx: Context, entity: CompiledEntity, record: Mapping[str, Any], *, id: str | None
) -> None:
    """Refuse a record that is another's double under a blocking rule.

    Raises:
        Refused: `duplicate`; who owns the other is told, and its id only to those who may see it.
    """
    for rule in entity.entity.duplicates:
        if rule.on_found != "block":
            continue
        found = same_records(where, ctx, entity, rule.match, record, id=id)
        if not found:
            continue
        visible = existing(where, ctx, entity.name, [key for key, _ in found])
        fields = ", ".join(entity.entity.fields[name].label.get("en") for name in rule.match)
        fields_zh = "、".join(entity.entity.fields[name].label.get("zh") for name in rule.match)
        owner = found[0][1]
        names = people.names(where, [owner]) if owner else {}
        whose = names.get(owner or "")
        en = f"There is a record with this {fields} already" + (
            f", with {whose.get('en')}." if whose else "."
        )
        zh = f"已有相同“{fields_zh}”的记录" + (f"，归属 {whose.get('zh')}。" if whose else "。")
        raise Refused(
            "duplicate", Label({"en": en, "zh": zh}),
            current={"matches": sorted(visible), "fields": list(rule.match)},
        )  # fmt: skip


def same_records(
    where: Where,
    ctx: Context,
    entity: CompiledEntity,
    match: tuple[str, ...],
    record: Mapping[str, Any],
    *,
    id: str | None,
) -> list[tuple[str, str | None]]:
    """Return (id, owner) of live records that agree on all of `match`; nothing where one of them is empty."""
    from fairlead.compiled.rows import stored_values

    if any(record.get(name) is None for name in match):
        return []
    stored = stored_values({name: record[name] for name in match}, entity.entity.fields)
    main = entity.tables.main

    def build() -> sa.Select[Any]:
        owner = entity.tables.columns.get("owner", sa.null())
        conditions = []
        for name in match:
            column: Any = entity.tables.columns[name]
            value: Any = sa.bindparam(f"m_{name}", required=True)
            textual = entity.entity.fields[name].kind in FOLDED
            conditions.append(sa.func.lower(column) == sa.func.lower(value) if textual else column == value)
        return (
            sa.select(main.c.id, owner)
            .where(
                *conditions, main.c.id != sa.bindparam("p_id", required=True), sa.text("deleted_at IS NULL")
            )
            .limit(5)
        )

    statement = ctx.app.statement(("same", entity.name, match), build)
    params = {f"m_{name}": value for name, value in stored.items()}
    return [(row[0], row[1]) for row in where.all(statement, {**params, "p_id": id or ""})]


def touch_target(tx: Tx, ctx: Context, entity: CompiledEntity, record: Mapping[str, Any], env: Env) -> None:
    """Note a follow-up on the record that a timeline row is about, and lengthen its protection.

    Neither changes the record's version: whoever is editing it is not disturbed.
    """
    timeline = entity.entity.timeline
    assert timeline is not None
    about = record.get(timeline.about)
    if about is None or (timeline.counts_when is not None and not timeline.counts_when.is_true(record, env)):
        return
    spec = entity.entity.fields[timeline.about]
    target_name, _, id = (
        str(about).partition(":")
        if spec.params.get("entities")
        else (str(spec.params["entity"]), "", str(about))
    )
    target = ctx.app.entity(target_name)
    if target is None or "last_activity_at" not in target.entity.fields:
        return
    loaded = load(tx, ctx.as_system(), target_name, id, ())
    happened = record.get(timeline.at)
    moment = happened if isinstance(happened, datetime) and happened < ctx.now else ctx.now
    owner = loaded.record.get("owner")
    if owner is not None and record.get("owner", ctx.actor.id) != owner:
        return  # somebody else's activity does not keep a record with its owner (lead-pools 3.4)
    values: dict[str, Any] = {}
    last = loaded.record.get("last_activity_at")
    if last is None or moment > last:
        values["last_activity_at"] = moment
    if target.pools and owner is not None:
        pool = pool_rules.pool_for(target.pools, loaded.record, env)
        due = (
            pool_rules.extended_due(pool, loaded.record, record, counted_by(ctx, pool.calendar, env))
            if pool is not None
            else None
        )
        if due is not None and due != loaded.record.get("due_at"):
            values["due_at"] = due
    if not values:
        return
    from fairlead.compiled.rows import stored_values
    from fairlead.compiled.tables import column_name

    stored = stored_values(values, target.entity.fields)
    tx.run(
        target.writes.update(stored, guarded=False),
        {**{f"v_{column_name(name)}": value for name, value in stored.items()}, "p_id": id},
    )
