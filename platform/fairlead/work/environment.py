"""What expressions may look at besides the record: the clock, the person, and what references lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairlead.expr.evaluate import Env, UserFacts

if TYPE_CHECKING:
    from fairlead.store.database import Database, Tx
    from fairlead.work.context import Actor, Context


def user_facts(actor: Actor) -> UserFacts:
    """Return what rules may know of `actor`."""
    return UserFacts(actor.id, actor.team, actor.teams, actor.oversees, actor.roles)


def environment(ctx: Context, tx: Tx | None = None, *, old: Mapping[str, Any] | None = None) -> Env:
    """Return the environment of one request; references are followed as the engine, read once each.

    Args:
        ctx: Whose request it is.
        tx: The transaction to read in, when one is open.
        old: The record before a change, for rules that compare.
    """
    found: dict[tuple[str, str], Mapping[str, object] | None] = {}

    def resolve(entity: str, id: str) -> Mapping[str, object] | None:
        key = (entity, id)
        if key not in found:
            found[key] = _look_up(ctx, tx or ctx.database, entity, id)
        return found[key]

    return Env(
        ctx.now, ctx.today, None if ctx.actor.is_system else user_facts(ctx.actor), ctx.actor.zone, old=old, resolve=resolve
    )


def _look_up(ctx: Context, where: Database | Tx, entity: str, id: str) -> Mapping[str, object] | None:
    from fairlead.compiled.application import SYSTEM_ROLES
    from fairlead.store import people

    if entity == "user":
        return people.user_facts(where, id)
    if entity == "team":
        return people.team_facts(where, id)
    if entity not in ctx.app.entities:
        return None
    reads = ctx.app.reads(entity, SYSTEM_ROLES)
    row = where.one(reads.load(()), {**ctx.params(), "p_id": id})
    return None if row is None else reads.decode_all(row)
