"""The typed context of a web request: who, when, which application."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request

from fairlead.base.clock import iso_utc, utc_now
from fairlead.base.errors import Forbidden
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.work.authentication import Caller, authenticate
from fairlead.work.context import Context, Door
from fairlead.work.people import note_use

if TYPE_CHECKING:
    from fairlead.model.workspace import Workspace
    from fairlead.work.applications import Applications
    from fairlead.work.scenarios.run import Results

COOKIE = "fairlead_session"

CSRF_HEADER = "X-CSRF-Token"

_NO_CSRF = Label({
    "en": "This page has expired. Load it again and repeat what you did.",
    "zh": "页面已过期，请重新加载后再试。",
})  # fmt: skip


class NotSignedIn(Exception):
    """There is no valid sign-in or token with this request."""


@dataclass(frozen=True, slots=True)
class Services:
    """What a web process needs besides Flask; made by `wiring`."""

    database: Any
    applications: Applications
    demo: bool
    secure_cookies: bool
    redis_url: str | None = None
    run_tests: Callable[[Workspace], Results] | None = None
    """Runs the tests that a workspace brings along (CF-81)."""


_PROCESS = new_id()[-9:]
_REQUESTS = itertools.count(int.from_bytes(secrets.token_bytes(2), "big"))
"""A request's id: which process, and its number there."""


def services() -> Services:
    """Return the services of this process."""
    return current_app.extensions["fairlead"]  # type: ignore[no-any-return]


def request_id() -> str:
    """Return the id of this request, the same in the answer and in the log."""
    found = g.get("request_id")
    if found is None:
        found = g.request_id = f"{_PROCESS}{next(_REQUESTS):07x}"
    return str(found)


def caller() -> Caller:
    """Return who is behind this request.

    Raises:
        NotSignedIn: Nobody that we know.
        Forbidden: A browser's write without the token of its page.
    """
    found = g.get("caller")
    if found is not None:
        return found  # type: ignore[no-any-return]
    own = services()
    header = request.headers.get("Authorization", "")
    if header[:7].lower() == "bearer ":
        secret, by_cookie = header[7:].strip(), False
    else:
        secret, by_cookie = request.cookies.get(COOKIE, ""), True
    now = utc_now()
    app = own.applications.current()
    found = (
        authenticate(
            own.database,
            secret,
            iso_utc(now),
            zone=app.workspace.zone,
            language=_asked_for(app.workspace.languages[0]),
        )
        if secret and len(secret) < 200
        else None
    )
    if found is None or (by_cookie and found.kind != "web") or (not by_cookie and found.kind != "token"):
        raise NotSignedIn
    if by_cookie and request.method not in ("GET", "HEAD", "OPTIONS"):
        require_csrf(found)
    note_use(own.database, found.hash, found.last_used_at, now)
    g.caller = found
    return found


def require_csrf(found: Caller) -> None:
    """Refuse a browser's write that does not carry the token of one of our own pages.

    Raises:
        Forbidden: It is missing or another's.
    """
    import hmac

    given = request.headers.get(CSRF_HEADER) or request.form.get("csrf_token", "")
    if not hmac.compare_digest(given.encode(), found.csrf.encode()):
        raise Forbidden("csrf", _NO_CSRF)


def context(door: Door) -> Context:
    """Return the context of this request; the application and the instant are fixed once.

    Raises:
        NotSignedIn: Nobody that we know.
    """
    found = g.get("context")
    if found is None:
        who = caller()
        own = services()
        found = g.context = Context(
            own.applications.current(), own.database, who.actor, utc_now(), door, request_id=request_id()
        )
    return found  # type: ignore[no-any-return]


def language() -> str:
    """Return the language of this answer: the person's own, a choice kept in a cookie, or what the browser prefers."""
    found = g.get("caller")
    return str(found.actor.language) if found is not None else _asked_for("en")


def _asked_for(default: str) -> str:
    chosen = request.cookies.get("fairlead_lang")
    if chosen in ("en", "zh"):
        return chosen
    if "Accept-Language" not in request.headers:
        return default
    return request.accept_languages.best_match(["zh", "en"]) or default
