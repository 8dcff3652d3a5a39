"""The web application."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Request, Response, g, request
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface, SessionMixin

from fairlead.base.errors import FieldError, Invalid, NotFound
from fairlead.fields.kind import BAD_CHARACTER
from fairlead.web.request import Services, request_id

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HERE = Path(__file__).parent

_ALWAYS = (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"))


def create_app(services: Services, *, secret_key: str) -> Flask:
    """Return the web application over `services`; everything it does goes through `work`."""
    app = Flask(
        "fairlead.web",
        root_path=str(HERE),
        static_folder=str(HERE.parent / "static"),
        static_url_path="/static",
    )
    app.secret_key = secret_key
    app.session_interface = _ConsoleSession()
    app.config.update(
        MAX_CONTENT_LENGTH=32 * 1024 * 1024, MAX_FORM_PARTS=5000, MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024
    )
    app.extensions["fairlead"] = services
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False  # a redirect would answer a program with a page
    _install_api(app)
    from fairlead.web import console, errors, screens

    screens.install(app)
    console.install(app)
    errors.install(app)
    app.before_request(_no_nul)
    app.after_request(_headers)
    return app


class _ConsoleSession(SecureCookieSessionInterface):
    """Flask's session serves the console's messages alone; elsewhere nothing is opened, signed or saved for it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if request.path.startswith("/console"):
            return super().open_session(app, request)
        return NullSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, NullSession):
            super().save_session(app, session, response)


def _no_nul() -> None:
    """Refuse the one character that PostgreSQL keeps nowhere, before anything is asked with it.

    Raises:
        NotFound: It is in the address itself.
        Invalid: It is in a parameter.
    """
    if "\x00" in request.path:
        raise NotFound("")
    bad = sorted(name for name, values in request.args.lists() if "\x00" in "".join((name, *values)))
    if bad:
        raise Invalid([FieldError(name.replace("\x00", "�")[:60], "invalid", BAD_CHARACTER) for name in bad])


def _install_api(app: Flask) -> None:
    from fairlead.web.api import config, meta, people, records, reports, revisions, tasks, why

    for module in (meta, people, tasks, reports, config, revisions, why, records):
        app.register_blueprint(module.api)


def _headers(response: Response) -> Response:
    """Put on every answer what keeps it safe and tells which configuration made it."""
    headers = response.headers
    headers.extend(_ALWAYS)
    if request.path.startswith("/static/"):
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
    headers["X-Request-Id"] = request_id()
    ctx = g.get("context")
    if ctx is not None:
        headers["X-Fairlead-Revision"] = str(ctx.app.revision)
    headers.setdefault("Cache-Control", "no-store")
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", CSP)
        headers.setdefault("X-Frame-Options", "DENY")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    return response
