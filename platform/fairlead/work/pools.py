"""Claim, release and reclaim: the moves between a public pool and people.

The claim is one conditional update inside one transaction: whoever commits first has the record, and everybody else is
told who that was. Limits are counted under a lock of the person, so two tabs cannot use the same last unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.access import pool_member, with_inherited
from fairlead.compiled.application import CompiledEntity
from fairlead.decide import pool as rules
from fairlead.expr.evaluate import Env
from fairlead.expr.sql import sql_parameters
from fairlead.model.workflows import Pool, ReclaimRule
from fairlead.store import notifications, ownership, people
from fairlead.store.database import Database, Tx
from fairlead.work import commit
from fairlead.work.commit import Change
from fairlead.work.context import SYSTEM, Context, counted_by, environment
from fairlead.work.holdings import closed_stages, still_open
from fairlead.work.holdings import held as held
from fairlead.work.records import Loaded, Saved, base_params, entity_of, load

Where = Database | Tx

_NOT_POOLED = Label({"en": "This has no pool.", "zh": "该对象没有公海。"})
_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})


@dataclass(frozen=True, slots=True)
class Limits:
    """What a person may still claim from a pool. None means without limit."""

    pool: Pool
    used: int
    quota: int | None
    held: int
    capacity: int | None

    @property
    def left(self) -> int | None:
        """How many more may be claimed now."""
        rooms = [
            most - used
            for most, used in ((self.quota, self.used), (self.capacity, self.held))
            if most is not None
        ]
        return max(0, min(rooms)) if rooms else None


@dataclass(frozen=True, slots=True)
class Claimed:
    """One row of a batch claim."""

    id: str
    saved: Saved | None
    refusal: Refused | NotFound | None


# ---------------------------------------------------------------- claim


def claim(ctx: Context, name: str, id: str, *, idempotency_key: str | None = None) -> Saved:
    """Make the actor the owner of a record in a pool.

    Args:
        ctx: Who and when.
        name: The entity.
        id: The record.
        idempotency_key: A second claim with the same key gets the first one's answer.

    Raises:
        NotFound: It is not there, or not this actor's to see.
        Refused: Taken, cooling down, too fresh, over quota or capacity; the reason and until when.
    """
    entity = entity_of(ctx, name)
    if not entity.pools:
        raise Refused("pool.none", _NOT_POOLED)
    if idempotency_key and ownership.done_before(ctx.database, ctx.actor.id, idempotency_key):
        loaded = load(ctx.database, ctx, name, id, ())
        return Saved(id, loaded.version)
    with ctx.database.write() as tx:
        return _claim_in(tx, ctx, entity, id, idempotency_key)


def _claim_in(tx: Tx, ctx: Context, entity: CompiledEntity, id: str, key: str | None) -> Saved:
    # A record that has just been taken is gone from the actor's sight; the answer should still be who took it,
    # to a member of the pool it was in. Hence the engine's eyes here, and the membership test below.
    ownership.lock_person(tx, ctx.actor.id)
    loaded = load(tx, ctx.as_system(), entity.name, id, ())
    env = environment(ctx, tx)
    record = loaded.record
    pool = rules.pool_for(entity.pools, record, env)
    if pool is None or not is_member(tx, ctx, pool):
        raise NotFound(entity.name, id)
    owner = record.get("owner")
    if owner is not None:
        if owner == ctx.actor.id:
            raise Refused("pool.yours", Label({"en": "It is yours already.", "zh": "该记录已归您所有。"}))
        raise rules.taken(people.names(tx, [str(owner)]).get(str(owner)))
    cooling = ownership.cooling_until(tx, id, ctx.actor.id, ctx.stamp)
    facts = rules.ClaimFacts(True, held(tx, ctx, entity, ctx.actor.id), cooling, None)
    env = counted_by(ctx, pool.calendar, env)
    rules.check_claim(pool, record, facts, env)
    if pool.quota is not None:
        period = rules.quota_period(pool, ctx.now, env.calendar.zone)
        if not ownership.take_claim(tx, ctx.actor.id, pool.name, period, pool.quota.max):
            raise rules.quota_used_up(pool, ownership.claims_used(tx, ctx.actor.id, pool.name, period))
    values = {
        "owner": ctx.actor.id, "team": ctx.actor.team, "pool": None, "pool_entered_at": None, "claimed_at": ctx.now,
        "due_at": rules.first_due(pool, ctx.now, env.calendar), "due_rule": None,
    }  # fmt: skip
    values = {n: v for n, v in values.items() if n in entity.entity.fields}
    try:
        version = commit.write(
            tx, ctx, Change(entity, id, "claim", values, record, pool=pool.name, idempotency_key=key)
        )
    except Conflict as error:
        raise rules.taken(None) from error
    return Saved(id, version)


def claim_many(ctx: Context, name: str, ids: Sequence[str]) -> list[Claimed]:
    """Claim several records in the order given, each with its own answer; limits count only what was got."""
    found = []
    for id in ids:
        try:
            found.append(Claimed(id, claim(ctx, name, id), None))
        except (Refused, NotFound) as refusal:
            found.append(Claimed(id, None, refusal))
    return found


def is_member(where: Where, ctx: Context, pool: Pool) -> bool:
    """Whether the actor may see and claim what is in `pool`."""
    member = pool_member(pool, [role.name for role in with_inherited(ctx.app.workspace, ctx.actor.roles)])
    if isinstance(member, str):
        return False
    if member is None:
        return True
    statement = ctx.app.statement(("member", pool.name), lambda: sa.select(sa.literal(1)).where(member))
    return where.one(statement, base_params(ctx)) is not None


def limits(ctx: Context, name: str) -> list[Limits]:
    """Return what the actor may still claim, for each pool of the entity the actor is a member of."""
    entity = entity_of(ctx, name)
    found = []
    for pool in entity.pools:
        if not is_member(ctx.database, ctx, pool):
            continue
        used = 0
        if pool.quota is not None:
            period = rules.quota_period(pool, ctx.now, ctx.calendar(pool.calendar).zone)
            used = ownership.claims_used(ctx.database, ctx.actor.id, pool.name, period)
        found.append(
            Limits(pool, used, pool.quota.max if pool.quota else None, held(ctx.database, ctx, entity, ctx.actor.id),
                   pool.capacity)
        )  # fmt: skip
    return found


# ---------------------------------------------------------------- release


def release(ctx: Context, name: str, id: str, *, reason: str | None, note: str | None = None) -> Saved:
    """Give a record back to its pool.

    Raises:
        NotFound: It is not there, or not this actor's to see.
        Forbidden: It is somebody else's, and not this actor's to assign.
        Invalid: A reason is needed, or is none of the pool's.
        Refused: No pool takes it, or an approval holds it.
    """
    loaded = load(ctx.database, ctx, name, id, ("assign", "update"))
    entity = loaded.entity
    if not entity.pools:
        raise Refused("pool.none", _NOT_POOLED)
    if loaded.record.get("owner") != ctx.actor.id and "assign" not in loaded.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    if loaded.record.get("owner") is None:
        raise Refused(
            "pool.not-owned", Label({"en": "It is in the pool already.", "zh": "该记录已在公海中。"})
        )
    env = ctx.env()
    pool = rules.entry_pool(entity.pools, loaded.record, env)
    if pool is not None:
        known = [key for key, _ in pool.return_reasons]
        if (pool.return_reason_required and not reason) or (reason and known and reason not in known):
            raise Invalid([FieldError("reason", "required" if not reason else "not_an_option", Label({
                "en": "Choose why it goes back.", "zh": "请选择退回原因。",
            }))])  # fmt: skip
    with ctx.database.write() as tx:
        return _release(
            tx, ctx, loaded, reason=": ".join(filter(None, (reason, note))) or None, kind="release", rule=None
        )


def release_in(
    tx: Tx, ctx: Context, name: str, id: str, *, reason: str | None = None, kind: str = "release"
) -> Saved:
    """Give a record back to its pool, inside a transaction, as a step of a rule.

    Raises:
        NotFound: It is not there.
        Refused: No pool takes it.
    """
    return _release(tx, ctx, load(tx, ctx.as_system(), name, id, ()), reason=reason, kind=kind, rule=None)


def _release(
    tx: Tx, ctx: Context, loaded: Loaded, *, reason: str | None, kind: str, rule: str | None
) -> Saved:
    entity, record = loaded.entity, loaded.record
    if loaded.locked_by is not None:
        raise Refused("pool.in-approval", Label({
            "en": "An approval is under way; it goes back when that has ended.", "zh": "审批进行中，结束后才能退回公海。",
        }))  # fmt: skip
    env = environment(ctx, tx)
    pool = rules.entry_pool(entity.pools, record, env)
    if pool is None:
        raise Refused("pool.unrouted", Label({
            "en": "No pool takes this record; an administrator has to add a rule.",
            "zh": "没有公海接收该记录，请管理员补充规则。",
        }))  # fmt: skip
    owner = record.get("owner")
    values = {
        "owner": None, "pool": pool.name, "pool_entered_at": ctx.now, "previous_owner": owner, "claimed_at": None,
        "due_at": None, "due_rule": rule,
    }  # fmt: skip
    values = {n: v for n, v in values.items() if n in entity.entity.fields}
    if owner is not None and pool.cooldown_previous_owner is not None:
        until = rules.after(ctx.now, pool.cooldown_previous_owner, ctx.calendar(pool.calendar))
        ownership.cool_down(tx, loaded.id, str(owner), iso_utc(until))
    version = commit.write(
        tx, ctx, Change(entity, loaded.id, kind, values, record, reason=reason, pool=pool.name, rule=rule)
    )
    return Saved(loaded.id, version)


# ---------------------------------------------------------------- reclaim


@dataclass(frozen=True, slots=True)
class Reclaimed:
    """What one run of the reclaim job did for an entity."""

    entity: str
    moved: int
    reminded: int
    held_back: int
    """Records that would have gone beyond what one run may move."""


def reclaim(ctx: Context) -> list[Reclaimed]:
    """Take back what the pools' rules say, each record in its own transaction, and warn those whose time runs out.

    Safe to run twice or at once in two places: a record is read again under its transaction, and only moves if the
    rule still holds.
    """
    ctx = ctx if ctx.actor is SYSTEM else ctx.as_system()
    return [_reclaim_entity(ctx, entity) for entity in ctx.app.entities.values() if entity.pools]


def _reclaim_entity(ctx: Context, entity: CompiledEntity) -> Reclaimed:
    moved = held_back = 0
    most = min((pool.max_per_run for pool in entity.pools), default=500)
    for calendar in dict.fromkeys(pool.calendar for pool in entity.pools):
        statement = _candidates(ctx, entity, calendar)
        params = dict(base_params(ctx))
        if calendar is not None:
            params.update(sql_parameters(counted_by(ctx, calendar, ctx.env())))
        after_id = ""
        while True:
            rows = ctx.database.all(statement, {**params, "p_after_id": after_id, "p_limit": 200})
            for (id,) in rows:
                after_id = id
                if moved >= most:
                    held_back += 1
                    continue
                moved += _reclaim_one(ctx, entity, id)
            if len(rows) < 200:
                break
    return Reclaimed(entity.name, moved, _remind(ctx, entity), held_back)


def _candidates(ctx: Context, entity: CompiledEntity, calendar: str | None) -> Any:
    """Select ids of owned records on which some reclaim rule of the pools that count by `calendar` holds, by the same
    expressions in SQL.
    """
    tables = entity.tables

    def build() -> sa.Select[Any]:
        rules_in_sql = [
            ctx.app.clauses.row(rule.when, tables)
            for pool in entity.pools
            if pool.calendar == calendar
            for rule in pool.reclaim_rules
        ]
        statement = sa.select(tables.main.c.id).where(
            tables.main.c.owner.is_not(None), tables.main.c.locked_by.is_(None), sa.text("deleted_at IS NULL"),
            tables.main.c.id > sa.bindparam("p_after_id", required=True),
            sa.or_(*rules_in_sql) if rules_in_sql else sa.false(),
        )  # fmt: skip
        statement = statement.where(*still_open(entity))
        return statement.order_by(tables.main.c.id).limit(sa.bindparam("p_limit", required=True))

    return ctx.app.statement(("reclaim", entity.name, calendar), build)


def due_back(
    ctx: Context, entity: CompiledEntity, record: Mapping[str, Any], env: Env, *, locked: bool
) -> tuple[Pool, ReclaimRule] | None:
    """Return the pool to which a record goes back now, and by which rule; None where it stays with its owner.

    What has ended stays: `_candidates` does not ask about it, and neither may anybody else.
    """
    pool = rules.entry_pool(entity.pools, record, env)
    if pool is None or record.get("owner") is None or locked or record.get("stage") in closed_stages(entity):
        return None
    rule = rules.reclaim_reason(pool, record, counted_by(ctx, pool.calendar, env))
    return None if rule is None else (pool, rule)


def _reclaim_one(ctx: Context, entity: CompiledEntity, id: str) -> int:
    try:
        with ctx.database.write() as tx:
            loaded = load(tx, ctx, entity.name, id, ())
            locked = loaded.locked_by is not None
            back = due_back(ctx, entity, loaded.record, environment(ctx, tx), locked=locked)
            if back is None:
                return 0
            pool, rule = back
            owner = str(loaded.record["owner"])
            _release(tx, ctx, loaded, reason=rule.label.get("en"), kind="reclaim", rule=rule.name)
            name = _title(entity, loaded)
            notifications.add(
                tx, [owner], kind="reclaimed", now=ctx.stamp,
                text=Label({
                    "en": f"{name} went back to {pool.label.get('en')}: {rule.label.get('en')}.",
                    "zh": f"“{name}”已回收至“{pool.label.get('zh')}”：{rule.label.get('zh')}。",
                }),
                entity=entity.name, record_id=id,
            )  # fmt: skip
            return 1
    except (Refused, NotFound, Conflict):
        return 0  # somebody acted on it meanwhile; the next run looks again


def _remind(ctx: Context, entity: CompiledEntity) -> int:
    """Tell owners once per record and warning before protection ends."""
    if "due_at" not in entity.entity.fields:
        return 0
    count = 0
    main = entity.tables.main
    statement = ctx.app.statement(
        ("due", entity.name),
        lambda: sa.select(main.c.id)
        .where(main.c.owner.is_not(None), main.c.due_at > sa.bindparam("p_from", required=True),
               main.c.due_at <= sa.bindparam("p_to", required=True), sa.text("deleted_at IS NULL"), *still_open(entity))
        .order_by(main.c.due_at).limit(1000),
    )  # fmt: skip
    for pool in entity.pools:
        told: set[str] = set()
        windows = sorted(
            (rules.after(ctx.now, warning, ctx.calendar(pool.calendar)), str(warning))
            for warning in pool.remind_before
        )
        for horizon, warning in windows:  # the nearest first: who enters two windows at once is told once
            for (id,) in ctx.database.all(statement, {"p_from": ctx.stamp, "p_to": iso_utc(horizon)}):
                if id not in told:
                    told.add(id)
                    count += _remind_one(ctx, entity, pool, id, warning)
    return count


def _remind_one(ctx: Context, entity: CompiledEntity, pool: Pool, id: str, warning: str) -> int:
    env = ctx.env()
    with ctx.database.write() as tx:
        loaded = load(tx, ctx, entity.name, id, ())
        due = loaded.record.get("due_at")
        if due is None or rules.entry_pool(entity.pools, loaded.record, env) is not pool:
            return 0
        env = counted_by(ctx, pool.calendar, env)
        if any(exempt.is_true(loaded.record, env) for exempt in pool.exempt):
            return 0
        day = f"{env.calendar.local_date(due):%Y-%m-%d}"
        name = _title(entity, loaded)
        added = notifications.add(
            tx, [str(loaded.record["owner"])], kind="due", now=ctx.stamp,
            text=Label({
                "en": f"{name} goes back to {pool.label.get('en')} after {day} unless you follow up.",
                "zh": f"“{name}”将在 {day} 之后回收至“{pool.label.get('zh')}”，请及时跟进。",
            }),
            entity=entity.name, record_id=id, unique_key=f"due:{id}:{iso_utc(due)}:{warning}",
        )  # fmt: skip
        return 1 if added else 0


def _title(entity: CompiledEntity, loaded: Loaded) -> str:
    parts = {name: loaded.record.get(name) or "" for name in entity.entity.title_fields}
    return entity.entity.title.format_map(parts).strip()
