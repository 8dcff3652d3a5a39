"""Browser sign-ins and API tokens, and how often somebody has tried a password.

Only a hash of a secret is kept: whoever reads the database cannot sign in with what it holds. One indexed
read leads from a secret to the person behind it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from fairlead.base.ids import new_id
from fairlead.store.database import Row, Tx
from fairlead.store.people import ACCOUNT_WIDTH, Account, account_columns, account_of
from fairlead.store.statements import Once, Reads, insert_all, p, upsert
from fairlead.store.system import attempt, session, user

Kind = Literal["web", "token"]

TOKEN_PREFIX = "fl_"  # noqa: S105 - tells people and secret scanners what a leaked text is


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just begun. The secret is shown this once and kept nowhere."""

    secret: str
    public_id: str
    csrf: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in or token, as its owner may see it."""

    public_id: str
    user_id: str
    kind: str
    name: str | None
    created_at: str
    expires_at: str
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is behind a secret."""

    account: Account
    session: Session
    csrf: str
    hash: str


_SESSION_COLUMNS = (
    session.c.public_id, session.c.user_id, session.c.kind, session.c.name, session.c.created_at,
    session.c.expires_at, session.c.last_used_at,
)  # fmt: skip

_ADD = Once(lambda d: insert_all(session, d))
_LOOKUP = Once(
    lambda d: (
        sa.select(*account_columns(d), *_SESSION_COLUMNS, session.c.csrf)
        .select_from(session.join(user, user.c.id == session.c.user_id))
        .where(session.c.hash == p("hash"), session.c.expires_at > p("now"), user.c.active)
    )
)
_TOUCH = Once(
    lambda _: (
        sa.update(session)
        .where(
            session.c.hash == p("hash"),
            sa.or_(session.c.last_used_at.is_(None), session.c.last_used_at < p("before")),
        )
        .values(last_used_at=p("now"))
    )
)
_END = Once(lambda _: sa.delete(session).where(session.c.hash == p("hash")))
_END_PUBLIC = Once(
    lambda _: sa.delete(session).where(
        session.c.public_id == p("public_id"), session.c.user_id == p("user_id")
    )
)
_END_ALL = Once(
    lambda _: sa.delete(session).where(session.c.user_id == p("user_id"), session.c.hash != p("keep"))
)
_END_EXPIRED = Once(lambda _: sa.delete(session).where(session.c.expires_at <= p("now")))
_OF_USER = Once(
    lambda _: (
        sa.select(*_SESSION_COLUMNS)
        .where(
            session.c.user_id == p("user_id"), session.c.kind == p("kind"), session.c.expires_at > p("now")
        )
        .order_by(session.c.created_at.desc(), session.c.public_id)
    )
)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret. It has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def begin(
    tx: Tx, *, user_id: str, kind: Kind, now: str, expires_at: str, name: str | None = None
) -> NewSession:
    """Start a session and return its secret."""
    secret = (TOKEN_PREFIX if kind == "token" else "") + secrets.token_urlsafe(32)
    fresh = NewSession(secret, new_id(), secrets.token_urlsafe(24), expires_at)
    tx.run(
        _ADD.on(tx),
        {
            "hash": hash_of(secret), "user_id": user_id, "kind": kind, "name": name, "csrf": fresh.csrf,
            "created_at": now, "expires_at": expires_at, "last_used_at": None, "public_id": fresh.public_id,
        },
    )  # fmt: skip
    return fresh


KNOWN = 2000
_known: dict[tuple[str, Row], SignedIn] = {}


def lookup(where: Reads, secret: str, now: str) -> SignedIn | None:
    """Return who is behind `secret`, in one read; None when it is unknown, over, or the account is not active."""
    hashed = hash_of(secret)
    row = where.one(_LOOKUP.on(where), {"hash": hashed, "now": now})
    if row is None:
        return None
    # What a row means is worked out once; the row itself is read at every request, so that this cannot lie.
    found = _known.get((hashed, row))
    if found is None:
        *session_values, csrf = row[ACCOUNT_WIDTH:]
        found = SignedIn(account_of(row), Session(*session_values), csrf or "", hashed)
        if len(_known) >= KNOWN:
            _known.clear()
        _known[hashed, row] = found
    return found


def touch(tx: Tx, hashed: str, *, now: str, before: str) -> None:
    """Note that a session is in use, unless that was noted after `before`."""
    tx.run(_TOUCH.on(tx), {"hash": hashed, "now": now, "before": before})


def end(tx: Tx, secret: str) -> None:
    """End the session of this secret; nothing happens when there is none."""
    tx.run(_END.on(tx), {"hash": hash_of(secret)})


def end_one(tx: Tx, user_id: str, public_id: str) -> bool:
    """End one of somebody's sessions by its public id; say whether there was one."""
    return tx.run(_END_PUBLIC.on(tx), {"public_id": public_id, "user_id": user_id}) == 1


def end_all(tx: Tx, user_id: str, *, keep_hash: str = "") -> int:
    """End every session and token of somebody but one; return how many ended."""
    return tx.run(_END_ALL.on(tx), {"user_id": user_id, "keep": keep_hash})


def end_expired(tx: Tx, now: str) -> int:
    """Forget the sessions that are over; return how many."""
    return tx.run(_END_EXPIRED.on(tx), {"now": now})


def of_user(where: Reads, user_id: str, kind: Kind, now: str) -> list[Session]:
    """Return somebody's live sessions of one kind, newest first."""
    rows = where.all(_OF_USER.on(where), {"user_id": user_id, "kind": kind, "now": now})
    return [Session(*row) for row in rows]


# ---------------------------------------------------------------- attempts

_COUNT_UP = Once(
    lambda d: (
        upsert(attempt, d)
        .values(key=p("key"), period=p("period"), count=1)
        .on_conflict_do_update(index_elements=["key", "period"], set_={"count": attempt.c.count + 1})
        .returning(attempt.c.count)
    )
)
_ATTEMPTS = Once(
    lambda _: sa.select(attempt.c.count).where(attempt.c.key == p("key"), attempt.c.period == p("period"))
)
_CLEAR = Once(lambda _: sa.delete(attempt).where(attempt.c.key == p("key")))
_FORGET_ATTEMPTS = Once(lambda _: sa.delete(attempt).where(attempt.c.period < p("before")))


def count_attempt(tx: Tx, key: str, period: str) -> int:
    """Note one more attempt of `key` in `period` and return how many there are now."""
    row = tx.one(_COUNT_UP.on(tx), {"key": key, "period": period})
    assert row is not None
    return int(row[0])


def attempts(where: Reads, key: str, period: str) -> int:
    """Return how often `key` was tried in `period`."""
    row = where.one(_ATTEMPTS.on(where), {"key": key, "period": period})
    return int(row[0]) if row else 0


def clear_attempts(tx: Tx, key: str) -> None:
    """Forget the attempts of `key`: the right password was given."""
    tx.run(_CLEAR.on(tx), {"key": key})


def forget_attempts(tx: Tx, before: str) -> int:
    """Drop the counts of periods before `before`; return how many."""
    return tx.run(_FORGET_ATTEMPTS.on(tx), {"before": before})
