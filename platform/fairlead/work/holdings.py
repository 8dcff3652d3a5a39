"""How much somebody holds: counted under a lock of the person, so that no limit is passed by two at once."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from fairlead.compiled.application import CompiledEntity
from fairlead.decide import pool as rules
from fairlead.model.workflows import Pool
from fairlead.store import ownership
from fairlead.store.database import Database, Tx
from fairlead.work.context import Context


def still_open(entity: CompiledEntity) -> list[sa.ColumnElement[bool]]:
    """Return the condition that a record has not ended, won or lost: what has ended is held and taken back no more."""
    closed = closed_stages(entity)
    return [entity.tables.main.c.stage.not_in(closed)] if closed else []


def closed_stages(entity: CompiledEntity) -> list[str]:
    """Return the stages in which a record has ended, won or lost."""
    stages = entity.machine.stages.values() if entity.machine else ()
    return [stage.name for stage in stages if stage.outcome in ("won", "lost")]


def held(where: Database | Tx, ctx: Context, entity: CompiledEntity, user_id: str) -> int:
    """Return how many records a person holds that count against capacity: open ones."""
    main = entity.tables.main

    def build() -> sa.Select[Any]:
        mine = main.c.owner == sa.bindparam("p_owner", required=True)
        return sa.select(sa.func.count()).where(mine, sa.text("deleted_at IS NULL"), *still_open(entity))

    row = where.one(ctx.app.statement(("held", entity.name), build), {"p_owner": user_id})
    return int(row[0]) if row else 0


def require_capacity(tx: Tx, ctx: Context, entity: CompiledEntity, pool: Pool, owner: str) -> None:
    """Make sure that one more record fits into what `owner` holds.

    Raises:
        Refused: `pool.holding-limit`.
    """
    ownership.lock_person(tx, owner)
    rules.check_capacity(pool, held(tx, ctx, entity, owner))
