"""Who is behind a secret: a browser's cookie or an API token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fairlead.store import sessions
from fairlead.work.context import Actor

if TYPE_CHECKING:
    from fairlead.store.database import Database
    from fairlead.store.people import Account


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has shown a valid secret."""

    actor: Actor
    csrf: str
    kind: str
    theme: str | None
    last_used_at: str | None
    hash: str


def actor_of(account: Account, *, zone: str = "Asia/Shanghai", language: str = "en") -> Actor:
    """Return an account as the actor of a request; the workspace's zone and language where it has none."""
    name = account.label.get(account.language or language)
    return Actor(
        account.id, account.username, name, account.roles, account.teams, account.oversees,
        account.language or language, account.zone or zone,
    )  # fmt: skip


_callers: dict[tuple[int, str, str], tuple[sessions.SignedIn, Caller]] = {}


def authenticate(
    database: Database, secret: str, now: str, *, zone: str = "Asia/Shanghai", language: str = "en"
) -> Caller | None:
    """Return who is behind `secret`, in one read; None when it is unknown, over, or the account is closed."""
    found = sessions.lookup(database, secret, now)
    if found is None:
        return None
    key = (id(found), zone, language)
    known = _callers.get(key)
    if known is not None and known[0] is found:
        return known[1]
    actor = actor_of(found.account, zone=zone, language=language)
    caller = Caller(
        actor, found.csrf, found.session.kind, found.account.theme, found.session.last_used_at, found.hash
    )
    if len(_callers) >= sessions.KNOWN:
        _callers.clear()
    _callers[key] = (found, caller)
    return caller
