"""Sign in, sign out, and the language of this browser."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import Any

from flask import Blueprint, Response, current_app, g, redirect, request

from fairlead.base.clock import utc_now
from fairlead.base.errors import Failure, Forbidden, Refused, TooMany
from fairlead.base.texts import Label
from fairlead.web.request import COOKIE, NotSignedIn, caller, context, language, services
from fairlead.web.texts import speaker
from fairlead.work import demo_accounts, people

screen = Blueprint("signin", __name__)

_FORM_COOKIE = "fairlead_form"
_SAFE_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\]*\Z")
_YEAR_S = 31_536_000
_EXPIRED = Label({"en": "This page has expired. Please sign in again.", "zh": "页面已过期，请重新登录。"})


def safe_next(text: str | None) -> str:
    """Return an address of this site, or the home page for anything else."""
    return text if text and len(text) < 2000 and _SAFE_PATH.match(text) else "/"


@screen.get("/signin")
def form() -> Any:
    """Show the form; who is signed in already goes on."""
    chosen = request.args.get("lang")
    if chosen in ("en", "zh"):
        answer = redirect(_here(), 303)
        answer.set_cookie(
            "fairlead_lang", chosen, max_age=_YEAR_S, samesite="Lax", secure=services().secure_cookies
        )
        return answer
    try:
        caller()
    except NotSignedIn:
        return _form()
    return redirect(safe_next(request.args.get("next")), 303)


@screen.post("/signin")
def sign_in() -> Any:
    """Begin a session with a new secret; one that the browser brought along is over."""
    own = services()
    username = request.form.get("username", "")[:200]
    if not _is_our_form():
        return _form(403, username, _EXPIRED.get(language()))
    try:
        fresh = people.sign_in(
            own.database, username, request.form.get("password", "")[:1024], address=request.remote_addr or "",
            now=utc_now(), replaces=request.cookies.get(COOKIE),
        )  # fmt: skip
    except (Refused, TooMany) as failure:
        return _refused(failure, username)
    answer = redirect(safe_next(request.form.get("next")), 303)
    answer.set_cookie(
        COOKIE, fresh.secret, max_age=int(people.WEB_SESSION.total_seconds()), httponly=True, samesite="Lax",
        secure=own.secure_cookies,
    )  # fmt: skip
    answer.delete_cookie(_FORM_COOKIE)
    return answer


@screen.post("/signout")
def sign_out() -> Any:
    """End this browser's session."""
    try:
        caller()
        people.sign_out(services().database, request.cookies.get(COOKIE, ""))
    except NotSignedIn:
        pass
    answer = redirect("/signin", 303)
    answer.delete_cookie(COOKIE)
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@screen.post("/me/language")
def choose_language() -> Any:
    """Keep the language a person chose, and come back to where they were."""
    chosen = request.form.get("lang")
    ctx = context("ui")
    if chosen not in ("en", "zh"):
        raise Forbidden("language", Label({"en": "There is no such language.", "zh": "没有这种语言。"}))
    people.change_settings(ctx, {"language": chosen})
    answer = redirect(safe_next(request.form.get("next")), 303)
    answer.set_cookie(
        "fairlead_lang", chosen, max_age=_YEAR_S, samesite="Lax", secure=services().secure_cookies
    )
    return answer


# ---------------------------------------------------------------- the form


def _here() -> str:
    from urllib.parse import quote

    target = safe_next(request.args.get("next"))
    return "/signin" if target == "/" else f"/signin?next={quote(target)}"


def _is_our_form() -> bool:
    """A sign-in has no session yet: the form carries what only its own browser's cookie knows."""
    kept = request.cookies.get(_FORM_COOKIE, "")
    return bool(kept) and hmac.compare_digest(kept.encode(), request.form.get("csrf_token", "").encode())


def _refused(failure: Failure, username: str) -> Response:
    answer = _form(failure.status, username, failure.message(language()))
    if isinstance(failure, TooMany):
        answer.headers["Retry-After"] = str(failure.retry_after_s)
    return answer


def _form(status: int = 200, username: str = "", error: str | None = None) -> Response:
    lang = language()
    token = request.cookies.get(_FORM_COOKIE) or secrets.token_urlsafe(24)
    g.pop("caller", None)
    values = {
        "t": speaker(lang), "lang": lang, "csrf_token": token, "theme": request.cookies.get("theme") or "auto",
        "next": safe_next(request.values.get("next")), "username": username, "error": error, "action": "/signin",
        "workspace": {"name": _workspace_name(lang)}, "demo_accounts": _demo_accounts(lang) if services().demo else [],
    }  # fmt: skip
    answer = Response(
        current_app.jinja_env.get_template("signin.html").render(values), status, mimetype="text/html"
    )
    answer.set_cookie(_FORM_COOKIE, token, httponly=True, samesite="Lax", secure=services().secure_cookies)
    return answer


def _workspace_name(lang: str) -> str:
    workspace = services().applications.current().workspace
    return workspace.template.label.get(lang) if workspace.template else workspace.name


def _demo_accounts(lang: str) -> list[dict[str, str]]:
    own = services()
    found = demo_accounts.accounts(own.database, own.applications.current())
    return [
        {
            "username": one.username, "password": demo_accounts.DEMO_PASSWORD,
            "label": f"{one.name.get(lang)} · {one.role.get(lang)}",
        }
        for one in found
    ]  # fmt: skip
