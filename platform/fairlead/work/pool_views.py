"""What a person sees of a pool: what may be claimed, within which limits, and what they hold until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fairlead.base.clock import parse_utc
from fairlead.base.errors import Failure, Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.decide import pool as rules
from fairlead.fields.spec import Field
from fairlead.model.workflows import Pool
from fairlead.store import ownership, people
from fairlead.work import pools, reading
from fairlead.work.context import Context
from fairlead.work.people import PersonLine
from fairlead.work.pools import Limits
from fairlead.work.queries import ListQuery
from fairlead.work.reading import Json
from fairlead.work.records import Saved, assign_in, entity_of, load, roles_of

_EMPTY_IN_A_POOL = frozenset(
    {"owner", "team", "due_at", "due_rule", "claimed_at", "pool", "pool_entered_at", "next_at"}
)
_TRIES = 12
"""How many records "the next one" looks at before it says that there is none."""

_NONE_LEFT = Label({
    "en": "Nothing in this pool can be claimed by you right now.", "zh": "公海中暂无您可领取的记录。",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PoolView:
    """One page of a pool for one person.

    Attributes:
        columns: The list's columns that say something about a record without an owner.
        hidden: Fields that show once a record is claimed.
        items: The records, as JSON.
        blocked: Record to the moment from which this person may claim it.
        free: How many there are in all, within the filter.
        hands_out: Whether this person may give records to others.
    """

    pool: Pool
    entity: CompiledEntity
    columns: tuple[Field, ...]
    hidden: tuple[Field, ...]
    items: Sequence[Json]
    blocked: Mapping[str, datetime]
    free: int
    next_token: str | None
    limits: Limits
    hands_out: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """A record that one holds, with what is at stake."""

    item: Json
    title: str
    due_at: datetime | None


def pool_of(ctx: Context, name: str) -> Pool:
    """Return a pool that the actor is a member of.

    Raises:
        NotFound: There is none of this name for this actor.
    """
    pool = ctx.app.workspace.pools.get(name)
    if pool is None or not pools.is_member(ctx.database, ctx, pool):
        raise NotFound("pool", name)
    entity_of(ctx, pool.entity)
    return pool


def view(
    ctx: Context,
    name: str,
    *,
    only: Mapping[str, str] | None = None,
    oldest_first: bool = False,
    page_token: str | None = None,
    size: int = 50,
) -> PoolView:
    """Return one page of what lies in a pool, newest first.

    Args:
        ctx: Who.
        name: The pool.
        only: Choice fields to the value they must have.
        oldest_first: Whether what has waited longest comes first.
        page_token: Of the page before.
        size: Records on a page.

    Raises:
        NotFound: There is no such pool for this actor.
        Invalid: A field or value of `only` that may not be asked for.
    """
    pool = pool_of(ctx, name)
    entity = entity_of(ctx, pool.entity)
    query = ListQuery(
        filter=_inside(pool, only), order_by="pool_entered_at asc" if oldest_first else "pool_entered_at desc",
        page_size=size, page_token=page_token, count=True,
    )  # fmt: skip
    page = reading.page(ctx, pool.entity, query)
    return PoolView(
        pool=pool, entity=entity, columns=columns(ctx, pool), hidden=hidden_fields(ctx, pool), items=page.items,
        blocked=_blocked(ctx, pool, page.items), free=page.total or 0, next_token=page.next_token,
        limits=limits(ctx, pool), hands_out=hands_out(ctx, pool),
    )  # fmt: skip


def free(ctx: Context, pool: Pool) -> int:
    """Return how many records lie in a pool."""
    query = ListQuery(filter=_inside(pool, None), page_size=1, count=True, fields=("id",))
    return reading.page(ctx, pool.entity, query).total or 0


def _inside(pool: Pool, only: Mapping[str, str] | None) -> str:
    parts = ["owner == null", f'pool == "{pool.name}"']
    parts += [f'{field} == "{value}"' for field, value in sorted((only or {}).items())]
    return " && ".join(parts)


def hands_out(ctx: Context, pool: Pool) -> bool:
    """Whether the actor may give records of this pool to others."""
    admin = bool(set(pool.admin_roles) & set(ctx.actor.roles))
    return admin and ctx.app.access(pool.entity, roles_of(ctx)).can("assign")


def hidden_fields(ctx: Context, pool: Pool) -> tuple[Field, ...]:
    """Return the fields that this person sees only once a record is claimed."""
    if set(pool.admin_roles) & set(ctx.actor.roles):
        return ()
    fields = ctx.app.workspace.entities[pool.entity].fields
    seen = ctx.app.access(pool.entity, roles_of(ctx)).seen
    return tuple(fields[name] for name in fields if name in pool.hide_until_claimed and name in seen)


def columns(ctx: Context, pool: Pool) -> tuple[Field, ...]:
    """Return the list's columns that say something about a record without an owner, the title's first."""
    workspace = ctx.app.workspace
    fields = workspace.entities[pool.entity].fields
    seen = ctx.app.access(pool.entity, roles_of(ctx)).seen
    locked = {field.name for field in hidden_fields(ctx, pool)}
    names = [name for name in workspace.list_of(pool.entity).columns if name not in _EMPTY_IN_A_POOL]
    titles = [name for name in fields if name in workspace.entities[pool.entity].title_fields]
    ordered = dict.fromkeys([*titles, *[n for n in names if n not in locked]])
    return tuple(fields[name] for name in ordered if name in fields and name in seen)


def _blocked(ctx: Context, pool: Pool, items: Sequence[Json]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    if pool.fresh_delay is not None:
        calendar = ctx.calendar(pool.calendar)
        for item in items:
            entered = item.get("pool_entered_at")
            opens = rules.after(parse_utc(entered), pool.fresh_delay, calendar) if entered else ctx.now
            if ctx.now < opens:
                found[item["id"]] = opens
    if pool.cooldown_previous_owner is not None:
        mine = [item["id"] for item in items if item.get("previous_owner") == ctx.actor.id]
        cooling = ownership.cooling(ctx.database, mine, ctx.actor.id, ctx.stamp) if mine else {}
        found |= {key: parse_utc(until) for key, until in cooling.items()}
    return found


def limits(ctx: Context, pool: Pool) -> Limits:
    """Return what the actor may still claim from one pool."""
    entity = ctx.app.entities[pool.entity]
    used = 0
    if pool.quota is not None:
        period = rules.quota_period(pool, ctx.now, ctx.calendar(pool.calendar).zone)
        used = ownership.claims_used(ctx.database, ctx.actor.id, pool.name, period)
    held = pools.held(ctx.database, ctx, entity, ctx.actor.id)
    return Limits(pool, used, pool.quota.max if pool.quota else None, held, pool.capacity)


# ---------------------------------------------------------------- acts


def claim_next(
    ctx: Context, name: str, *, only: Mapping[str, str] | None = None, oldest_first: bool = False
) -> Saved:
    """Claim the first record that this person may have; somebody who is faster only makes it look further.

    Raises:
        NotFound: There is no such pool for this actor.
        Refused: Nothing is left for this person, or a limit is reached.
    """
    pool = pool_of(ctx, name)
    tried: set[str] = set()
    for _ in range(3):
        found = view(ctx, name, only=only, oldest_first=oldest_first, size=_TRIES)
        ids = [
            item["id"] for item in found.items if item["id"] not in found.blocked and item["id"] not in tried
        ]
        for id in ids:
            tried.add(id)
            try:
                return pools.claim(ctx, pool.entity, id)
            except NotFound:
                continue
            except Refused as refusal:
                if refusal.code in ("pool.quota", "pool.holding-limit"):
                    raise
        if not ids:
            break
    raise Refused("pool.none-left", _NONE_LEFT)


def holdings(ctx: Context, pool: Pool, *, limit: int = 50) -> list[Holding]:
    """Return what the actor holds of a pool's entity that may go back to it, soonest first."""
    entity = ctx.app.entities[pool.entity]
    if "due_at" not in entity.entity.fields:
        return []
    query = ListQuery(filter=_held(pool, at_risk=True), order_by="due_at asc", page_size=limit)
    try:
        page = reading.page(ctx, pool.entity, query)
    except Invalid:
        # An exemption may ask about a field that this person does not see: then every date counts.
        page = reading.page(
            ctx,
            pool.entity,
            ListQuery(filter=_held(pool, at_risk=False), order_by="due_at asc", page_size=limit),
        )
    return [
        Holding(item, reading.title(entity, item), parse_utc(item["due_at"]) if item.get("due_at") else None)
        for item in page.items
    ]


def _held(pool: Pool, *, at_risk: bool) -> str:
    parts = ["owner == user", "due_at != null"]
    if at_risk:
        parts += [f"!({exempt.text})" for exempt in pool.exempt]
    return " && ".join(parts)


def return_reasons(ctx: Context, name: str, id: str) -> tuple[Pool | None, str]:
    """Return the pool that a record would go back to, with its reasons, and what the record is called.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    loaded = load(ctx.database, ctx, name, id, ())
    pool = rules.entry_pool(loaded.entity.pools, loaded.record, ctx.env())
    values = {field: loaded.record.get(field) for field in loaded.entity.entity.title_fields}
    return pool, reading.title(loaded.entity, values)


def receivers(ctx: Context, pool: Pool) -> list[PersonLine]:
    """Return the active people to whom records of a pool can be handed: its members."""
    wanted_roles, wanted_teams = set(pool.member_roles), set(pool.member_teams)
    codes = {team.id: team.code for team in people.teams(ctx.database)} if wanted_teams else {}
    found = []
    for account in people.accounts(ctx.database, active_only=True):
        if wanted_roles and not wanted_roles & set(account.roles):
            continue
        if wanted_teams and not wanted_teams & {codes.get(team) for team in account.teams}:
            continue
        team = account.teams[0] if account.teams else None
        found.append(PersonLine(account.id, account.username, account.label, account.active, team))
    return found


@dataclass(frozen=True, slots=True)
class HandedOut:
    """What came of handing records to somebody."""

    done: tuple[str, ...]
    refused: tuple[tuple[str, Any], ...]
    """(record, failure)."""


def hand_out(ctx: Context, name: str, ids: Sequence[str], owner: str) -> HandedOut:
    """Give records of a pool to somebody, each in its own transaction.

    Raises:
        NotFound: There is no such pool for this actor.
        Refused: The actor may not hand out from it.
    """
    pool = pool_of(ctx, name)
    if not hands_out(ctx, pool):
        raise Forbidden(
            "forbidden", Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
        )
    done: list[str] = []
    refused: list[tuple[str, Any]] = []
    for id in dict.fromkeys(ids):
        try:
            _hand_over(ctx, pool, id, owner)
            done.append(id)
        except Failure as failure:
            refused.append((id, failure))
    return HandedOut(tuple(done), tuple(refused))


def _hand_over(ctx: Context, pool: Pool, id: str, owner: str) -> None:
    """Give one record to somebody. Who looks after a pool may do so with everything in it: it is nobody's yet, so no
    scope of persons or teams reaches it.

    Raises:
        Failure: It is not in this pool any more, or cannot be this person's.
    """
    with ctx.database.write() as tx:
        loaded = load(tx, ctx, pool.entity, id, ())
        holder = loaded.record.get("owner")
        if holder is not None:
            raise rules.taken(people.names(tx, [str(holder)]).get(str(holder)))
        if loaded.record.get("pool") != pool.name:
            raise NotFound(pool.entity, id)
        assign_in(tx, ctx, loaded, owner, reason=None)
