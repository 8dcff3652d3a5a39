"""Approvals under way are carried over a rename or a change of type.

What was kept to tell whether a record has changed says the new names, and its values have the new form.

Where an approver has changed something decisive, the kept values no longer tell all of it. Such a run is left as it is
and starts again with its next act, as it does after any change that matters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

from fairlead.decide.progress import canonical, decisive_fields, decisive_hash
from fairlead.model.workflows import Approval
from fairlead.store import identities
from fairlead.store.database import Tx
from fairlead.store.statements import Once, p
from fairlead.store.system import approval
from fairlead.work.applications import compiled
from fairlead.work.renames import documents_of

_LIVE = Once(
    lambda _: (
        sa.select(
            approval.c.id, approval.c.flow, approval.c.entity, approval.c.revision, approval.c.decisive_hash,
            approval.c.snapshot,
        )
        .where(approval.c.state.in_(["running", "returned", "suspended"]), approval.c.snapshot.is_not(None))
        .order_by(approval.c.id)
    )
)  # fmt: skip
_PUT = Once(
    lambda _: (
        sa.update(approval)
        .where(approval.c.id == p("id"))
        .values(decisive_hash=p("decisive_hash"), snapshot=p("snapshot"))
    )
)


def carry_over(
    tx: Tx, base: int, carried: Mapping[tuple[str, str], Callable[[object], object]] | None = None
) -> None:
    """Bring what runs keep to the names and forms of today, after a revision on top of `base` has changed some.

    Args:
        carried: Entity and field → how a kept value becomes the domain value of the field's new kind.
    """
    steps = identities.since(tx, base)
    flows: dict[tuple[int, bool], Mapping[str, Approval]] = {}

    def flow_of(revision: int, name: str, *, today: bool) -> Approval | None:
        if (revision, today) not in flows:
            files = documents_of(tx, revision) if today else documents_of(tx, revision, until=base)
            found = compiled(files, tx.dialect, revision)
            flows[revision, today] = found.workspace.approvals if found else {}
        return flows[revision, today].get(name)

    for key, name, entity, revision, kept_hash, text in tx.all(_LIVE.on(tx)):
        before, after = flow_of(revision, name, today=False), flow_of(revision, name, today=True)
        kept: dict[str, Any] = json.loads(text)
        if before is None or after is None or decisive_hash(before, kept) != kept_hash:
            continue
        pairs = {field: [value] for field, value in kept.items()}
        now = {
            field: values[0]
            for field, values in identities.translated(pairs, entity, base, steps, values_too=False).items()
        }
        for at, become in (carried or {}).items():
            if at[0] == entity and at[1] in now:
                now[at[1]] = json.loads(canonical(become(now[at[1]])))
        if not set(decisive_fields(after)) <= set(now):
            continue
        tx.run(
            _PUT.on(tx),
            {
                "id": key,
                "decisive_hash": decisive_hash(after, now),
                "snapshot": json.dumps(now, ensure_ascii=False),
            },
        )
