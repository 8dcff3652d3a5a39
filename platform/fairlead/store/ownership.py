"""Ownership events: every change of owner, append-only, and what is counted from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.base.ids import new_id
from fairlead.store.database import Tx
from fairlead.store.statements import Once, Reads, among, insert_all, listed, n, p, upsert
from fairlead.store.system import claim_counter, cooldown, ownership_event

_ADD = Once(lambda d: insert_all(ownership_event, d))
_BY_KEY = Once(
    lambda _: sa.select(ownership_event.c.record_id, ownership_event.c.kind).where(
        ownership_event.c.actor == p("p_actor"), ownership_event.c.idempotency_key == p("p_key")
    )
)
_OF = Once(
    lambda _: (
        sa.select(
            ownership_event.c.kind, ownership_event.c.from_owner, ownership_event.c.to_owner, ownership_event.c.pool,
            ownership_event.c.rule, ownership_event.c.reason, ownership_event.c.at, ownership_event.c.actor,
        )
        .where(ownership_event.c.record_id == p("p_record"))
        .order_by(ownership_event.c.id.desc())
        .limit(100)
    )
)  # fmt: skip
_TAKE = Once(
    lambda d: (
        upsert(claim_counter, d)
        .values(user_id=p("p_user"), pool=p("p_pool"), period=p("p_period"), used=1)
        .on_conflict_do_update(
            index_elements=["user_id", "pool", "period"],
            set_={"used": claim_counter.c.used + 1},
            where=claim_counter.c.used < n("p_max"),
        )
    )
)
_USED = Once(
    lambda _: sa.select(claim_counter.c.used).where(
        claim_counter.c.user_id == p("p_user"),
        claim_counter.c.pool == p("p_pool"),
        claim_counter.c.period == p("p_period"),
    )
)
_LOCK = Once(
    lambda d: (
        upsert(claim_counter, d)
        .values(user_id=p("p_user"), pool="", period="", used=1)
        .on_conflict_do_update(
            index_elements=["user_id", "pool", "period"], set_={"used": claim_counter.c.used + 1}
        )
    )
)
_COOL = Once(
    lambda d: (
        upsert(cooldown, d)
        .values(record_id=p("p_record"), user_id=p("p_user"), until=p("p_until"))
        .on_conflict_do_update(index_elements=["record_id", "user_id"], set_={"until": p("p_until")})
    )
)
_COOLING = Once(
    lambda _: sa.select(cooldown.c.until).where(
        cooldown.c.record_id == p("p_record"),
        cooldown.c.user_id == p("p_user"),
        cooldown.c.until > p("p_now"),
    )
)

_COOLING_MANY = Once(
    lambda d: sa.select(cooldown.c.record_id, cooldown.c.until).where(
        among(cooldown.c.record_id, "p_records", d),
        cooldown.c.user_id == p("p_user"),
        cooldown.c.until > p("p_now"),
    )
)


@dataclass(frozen=True, slots=True)
class OwnershipEvent:
    """One change of owner."""

    kind: str
    from_owner: str | None
    to_owner: str | None
    pool: str | None
    rule: str | None
    reason: str | None
    at: str
    actor: str | None


def add(
    tx: Tx,
    *,
    entity: str,
    record_id: str,
    kind: str,
    from_owner: str | None,
    to_owner: str | None,
    pool: str | None,
    rule: str | None,
    reason: str | None,
    at: str,
    actor: str,
    idempotency_key: str | None,
) -> None:
    """Append one event."""
    tx.run(
        _ADD.on(tx),
        {"id": new_id(), "entity": entity, "record_id": record_id, "kind": kind, "from_owner": from_owner,
         "to_owner": to_owner, "pool": pool, "rule": rule, "reason": reason, "at": at, "actor": actor,
         "idempotency_key": idempotency_key},
    )  # fmt: skip


def done_before(where: Reads, actor: str, key: str) -> tuple[str, str] | None:
    """Return (record, kind) of the event that this key made before, if any."""
    row = where.one(_BY_KEY.on(where), {"p_actor": actor, "p_key": key})
    return (row[0], row[1]) if row else None


def of_record(where: Reads, record_id: str) -> list[OwnershipEvent]:
    """Return the last hundred changes of owner, newest first."""
    return [OwnershipEvent(*row) for row in where.all(_OF.on(where), {"p_record": record_id})]


def lock_person(tx: Tx, user_id: str) -> None:
    """Let only one transaction at a time change what this person holds: limits are counted under this lock."""
    tx.run(_LOCK.on(tx), {"p_user": user_id})


def take_claim(tx: Tx, user_id: str, pool: str, period: str, most: int) -> bool:
    """Use one claim of the period; False when all `most` are used."""
    if most < 1:
        return False
    params = {"p_user": user_id, "p_pool": pool, "p_period": period, "p_max": most}
    return tx.run(_TAKE.on(tx), params) == 1


def claims_used(where: Reads, user_id: str, pool: str, period: str) -> int:
    """Return how many claims of the period are used."""
    row = where.one(_USED.on(where), {"p_user": user_id, "p_pool": pool, "p_period": period})
    return int(row[0]) if row else 0


def cool_down(tx: Tx, record_id: str, user_id: str, until: str) -> None:
    """Keep a former owner from claiming the record before `until`."""
    tx.run(_COOL.on(tx), {"p_record": record_id, "p_user": user_id, "p_until": until})


def cooling_until(where: Reads, record_id: str, user_id: str, now: str) -> str | None:
    """Return until when this person may not claim the record, or None."""
    row = where.one(_COOLING.on(where), {"p_record": record_id, "p_user": user_id, "p_now": now})
    return str(row[0]) if row else None


def cooling(where: Reads, record_ids: Iterable[str], user_id: str, now: str) -> dict[str, str]:
    """Return those of the records that this person may not claim yet, each with until when."""
    params = {"p_records": listed(record_ids), "p_user": user_id, "p_now": now}
    return {row[0]: row[1] for row in where.all(_COOLING_MANY.on(where), params)}
