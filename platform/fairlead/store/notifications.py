"""Lines in people's inboxes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.store.database import Tx
from fairlead.store.statements import Once, Reads, among, insert_all, listed, n, p
from fairlead.store.system import notification

_END = "~"  # after every id


@dataclass(frozen=True, slots=True)
class Notification:
    """One line in one person's inbox."""

    id: str
    at: str
    kind: str
    text: Label
    entity: str | None
    record_id: str | None
    link: str | None
    read_at: str | None


_COLUMNS = (
    notification.c.id, notification.c.at, notification.c.kind, notification.c.text, notification.c.entity,
    notification.c.record_id, notification.c.link, notification.c.read_at,
)  # fmt: skip


def _page(*conditions: sa.ColumnElement[bool]) -> sa.Select[tuple[object, ...]]:
    return (
        sa.select(*_COLUMNS)
        .where(notification.c.user_id == p("user_id"), notification.c.id < p("before"), *conditions)
        .order_by(notification.c.id.desc())
        .limit(n("limit"))
    )


_LIST = Once(lambda _: _page())
_UNREAD = Once(lambda _: _page(notification.c.read_at.is_(None)))
# Counted up to a limit: a badge says "99+", and nobody waits for an exact number.
_COUNT = Once(
    lambda _: sa.select(sa.func.count()).select_from(
        sa.select(notification.c.id)
        .where(notification.c.user_id == p("user_id"), notification.c.read_at.is_(None))
        .limit(n("limit"))
        .subquery()
    )
)
_ADD = Once(lambda d: insert_all(notification, d, skip_duplicates=True))
_MARK_ALL = Once(
    lambda _: (
        sa.update(notification)
        .where(notification.c.user_id == p("user_id"), notification.c.read_at.is_(None))
        .values(read_at=p("now"))
    )
)
_MARK = Once(
    lambda d: (
        sa.update(notification)
        .where(
            notification.c.user_id == p("user_id"),
            notification.c.read_at.is_(None),
            among(notification.c.id, "ids", d),
        )
        .values(read_at=p("now"))
    )
)


def add(
    tx: Tx,
    user_ids: Iterable[str],
    *,
    kind: str,
    text: Label,
    now: str,
    entity: str | None = None,
    record_id: str | None = None,
    link: str | None = None,
    unique_key: str | None = None,
) -> int:
    """Put one line into each person's inbox; return how many were new.

    Args:
        unique_key: The same key adds nothing for the same person a second time.
    """
    body = json.dumps(text.to_json(), ensure_ascii=False)
    added = 0
    for user_id in dict.fromkeys(user_ids):
        added += tx.run(
            _ADD.on(tx),
            {
                "id": new_id(), "user_id": user_id, "at": now, "kind": kind, "text": body, "entity": entity,
                "record_id": record_id, "link": link, "read_at": None,
                "unique_key": f"{unique_key}:{user_id}" if unique_key else None,
            },
        )  # fmt: skip
    return added


def listing(
    where: Reads, user_id: str, *, unread_only: bool = False, before: str | None = None, limit: int = 30
) -> list[Notification]:
    """Return somebody's lines, newest first; `before` is the last id of the page above."""
    statement = _UNREAD if unread_only else _LIST
    rows = where.all(statement.on(where), {"user_id": user_id, "before": before or _END, "limit": limit})
    return [
        Notification(key, at, kind, Label(json.loads(text)), entity, record_id, link, read_at)
        for key, at, kind, text, entity, record_id, link, read_at in rows
    ]


def unread_count(where: Reads, user_id: str, *, limit: int = 100) -> int:
    """Return how many lines somebody has not read, counted up to `limit`."""
    row = where.one(_COUNT.on(where), {"user_id": user_id, "limit": limit})
    return int(row[0]) if row else 0


def mark_read(tx: Tx, user_id: str, now: str, ids: Iterable[str] | None = None) -> int:
    """Mark some of somebody's lines as read, or all; return how many changed."""
    if ids is None:
        return tx.run(_MARK_ALL.on(tx), {"user_id": user_id, "now": now})
    return tx.run(_MARK.on(tx), {"user_id": user_id, "now": now, "ids": listed(ids)})
