"""The same request sent twice is done once: answers kept under the key that the sender chose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from fairlead.base.errors import Conflict, Invalid
from fairlead.base.texts import Label
from fairlead.store.database import Database, Tx
from fairlead.store.statements import Once, insert_all, n, p
from fairlead.store.system import idempotency

_BEGIN = Once(lambda d: insert_all(idempotency, d, skip_duplicates=True))
_FIND = Once(
    lambda _: sa.select(
        idempotency.c.fingerprint, idempotency.c.status, idempotency.c.headers, idempotency.c.body
    ).where(idempotency.c.user_id == p("user_id"), idempotency.c.key == p("key"))
)
_FINISH = Once(
    lambda _: (
        sa.update(idempotency)
        .where(idempotency.c.user_id == p("user_id"), idempotency.c.key == p("key"))
        .values(status=n("status"), headers=p("headers"), body=p("body"))
    )
)
_FORGET = Once(
    lambda _: sa.delete(idempotency).where(
        idempotency.c.user_id == p("user_id"), idempotency.c.key == p("key"), idempotency.c.status.is_(None)
    )
)
_PURGE = Once(lambda _: sa.delete(idempotency).where(idempotency.c.at < p("before")))

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered the first time."""

    status: int
    headers: Mapping[str, str]
    body: str


def begin(database: Database, user_id: str, key: str, fingerprint: str, now: str) -> Answer | None:
    """Take a key for this request, or return the answer it already has.

    Args:
        fingerprint: A digest of method, address and body.

    Returns:
        None when the request is to be done now; `finish` or `forget` must follow.

    Raises:
        Invalid: The key was used for another request (`key_reused`).
        Conflict: The first request with this key is still under way, or ended without a known answer.
    """
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise Invalid.field("Idempotency-Key", "invalid", _BAD_KEY)
    row = {
        "user_id": user_id, "key": key, "fingerprint": fingerprint, "status": None, "headers": None, "body": None,
        "at": now,
    }  # fmt: skip
    with database.write() as tx:
        if tx.run(_BEGIN.on(tx), row) == 1:
            return None
        found = tx.one(_FIND.on(tx), row)
    if found is None:
        # Forgotten between the two statements: the first request failed, and this one may try again.
        return begin(database, user_id, key, fingerprint, now)
    kept, status, headers, body = found
    if kept != fingerprint:
        raise Invalid.field("Idempotency-Key", "key_reused", _REUSED)
    if status is None:
        # Never done again by itself: it may have been done, and only the answer was lost.
        raise Conflict(code="idempotency.in-progress", message=_IN_PROGRESS, status=409)
    return Answer(int(status), json.loads(headers or "{}"), body or "")


def finish(tx: Tx, user_id: str, key: str, answer: Answer) -> None:
    """Keep the answer; best in the transaction of the change itself."""
    tx.run(
        _FINISH.on(tx),
        {
            "user_id": user_id, "key": key, "status": answer.status, "headers": json.dumps(dict(answer.headers)),
            "body": answer.body,
        },
    )  # fmt: skip


def forget(database: Database, user_id: str, key: str) -> None:
    """Give the key back: the request failed and left nothing behind."""
    with database.write() as tx:
        tx.run(_FORGET.on(tx), {"user_id": user_id, "key": key})


def purge(tx: Tx, before: str) -> int:
    """Drop the keys taken before a moment; return how many."""
    return tx.run(_PURGE.on(tx), {"before": before})


_BAD_KEY = Label(
    {
        "en": "An Idempotency-Key has 1 to 255 printable characters.",
        "zh": "Idempotency-Key 须为 1 至 255 个可见字符。",
    }
)
_REUSED = Label(
    {
        "en": "This Idempotency-Key was used for another request. Choose a new one.",
        "zh": "该 Idempotency-Key 已用于另一请求，请更换。",
    }
)
_IN_PROGRESS = Label(
    {
        "en": "The first request with this Idempotency-Key is still being answered. Look at the record before you "
        "send it again with another key.",
        "zh": "使用该 Idempotency-Key 的首个请求仍在处理中，请先查看记录，再决定是否更换后重发。",
    }
)
