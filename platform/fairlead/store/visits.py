"""Stage visits as rows: when a record entered a stage, when it left, by whom."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.base.ids import new_id
from fairlead.store.database import Tx
from fairlead.store.statements import Once, Reads, insert_all, p
from fairlead.store.system import stage_visit

_ADD = Once(lambda d: insert_all(stage_visit, d))
_LEAVE = Once(
    lambda _: (
        sa.update(stage_visit)
        .where(stage_visit.c.record_id == p("p_record"), stage_visit.c.left_at.is_(None))
        .values(left_at=p("p_at"))
    )
)
_OF = Once(
    lambda _: (
        sa.select(
            stage_visit.c.stage,
            stage_visit.c.entered_at,
            stage_visit.c.left_at,
            stage_visit.c.by,
            stage_visit.c.reason,
        )
        .where(stage_visit.c.record_id == p("p_record"))
        .order_by(stage_visit.c.id)
    )
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in a stage; `left_at` is None while it lasts."""

    stage: str
    entered_at: str
    left_at: str | None
    by: str | None
    reason: str | None


def enter(
    tx: Tx, entity: str, record_id: str, stage: str, *, at: str, by: str, reason: str | None, first: bool
) -> None:
    """End the stay in the stage before, if any, and begin the one in `stage`."""
    if not first:
        tx.run(_LEAVE.on(tx), {"p_record": record_id, "p_at": at})
    tx.run(
        _ADD.on(tx),
        {"id": new_id(), "entity": entity, "record_id": record_id, "stage": stage, "entered_at": at, "left_at": None,
         "by": by, "reason": reason},
    )  # fmt: skip


def of_record(where: Reads, record_id: str) -> list[Visit]:
    """Return all stays of one record, oldest first."""
    return [Visit(*row) for row in where.all(_OF.on(where), {"p_record": record_id})]
