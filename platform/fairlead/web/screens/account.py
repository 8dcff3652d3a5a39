"""One's own account: language, time zone, appearance, password, tokens, and where one is signed in."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from flask import Blueprint, Response, redirect, request

from fairlead.base.errors import Invalid, NotFound, TooMany
from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.request import caller, context
from fairlead.web.texts import speaker
from fairlead.work import people
from fairlead.work.context import Context
from fairlead.work.passwords import SHORTEST

screen = Blueprint("account", __name__)

_FIRST_ZONES = (
    "Asia/Shanghai", "Asia/Hong_Kong", "Asia/Singapore", "Asia/Tokyo", "Europe/London", "Europe/Berlin", "America/New_York",
)  # fmt: skip
_MOST_NAME = 80


@screen.get("/me")
def me() -> Any:
    """The short address."""
    return redirect("/account", 302)


@screen.get("/account")
def show() -> Response:
    """Everything about my own account."""
    return _page(context("ui"))


def _page(
    ctx: Context, status: int = 200, *, problems: Invalid | None = None, fresh: Any = None, about: str = ""
) -> Response:
    lang = ctx.actor.language
    account = people.account(ctx, ctx.actor.id)
    roles, teams = ctx.app.workspace.roles, {team.id: team.label.get(lang) for team in people.teams(ctx)}
    chosen = account.zone or ctx.actor.zone
    errors = {error.field: error.to_json(lang)["message"] for error in problems.errors} if problems else {}
    return render.page(
        "account/account.html", status, account=account, name=account.label.get(lang), errors=errors, about=about, fresh=fresh,
        roles=[roles[name].label.get(lang) for name in account.roles if name in roles],
        teams=[teams[id] for id in account.teams if id in teams], zone=chosen, zones=_zones(chosen), language=lang,
        theme=account.theme or "auto", tokens=people.tokens(ctx), sessions=_sessions(ctx),
        now_there=ctx.now.astimezone(ZoneInfo(ctx.actor.zone)).strftime("%H:%M"), initials=render.initials(account.label.get(lang)),
        tone=render.tone_of(account.id), minimum=SHORTEST, said=Cells(ctx).moment_text,
    )  # fmt: skip


def _zones(chosen: str) -> list[str]:
    rest = sorted(
        zone
        for zone in available_timezones()
        if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/", "right/"))
    )
    return list(dict.fromkeys([chosen, *_FIRST_ZONES, *rest]))


def _sessions(ctx: Context) -> list[Any]:
    return people.web_sessions(ctx)


@screen.post("/account/settings")
def settings() -> Response:
    """Keep language, time zone and appearance."""
    ctx = context("ui")
    given = {name: request.form[name] for name in ("language", "zone", "theme") if request.form.get(name)}
    try:
        people.change_settings(ctx, given)
    except Invalid as failure:
        return _page(ctx, 422, problems=failure, about="settings")
    answer = redirect("/account", 303)
    for cookie, name in (("fairlead_lang", "language"), ("theme", "theme")):
        if name in given:
            answer.set_cookie(cookie, given[name], max_age=31_536_000, samesite="Lax")
    return answer  # type: ignore[return-value]


@screen.post("/account/password")
def password() -> Response:
    """Change the password; every other sign-in and token ends."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    old, new, again = (
        request.form.get(name, "")[:1024] for name in ("old_password", "new_password", "again")
    )
    try:
        if new != again:
            raise Invalid.field("again", "different", t("account.not_the_same"))
        people.change_password(ctx, old, new, keep_session=caller().hash, address=request.remote_addr or "")
    except Invalid as failure:
        return _page(ctx, 422, problems=failure, about="password")
    except TooMany as failure:
        wait = Invalid.field("old_password", failure.code, failure.label)
        return _page(ctx, 429, problems=wait, about="password")
    return render.go("/account", toast=t("account.password_changed"))


@screen.post("/account/tokens")
def make_token() -> Response:
    """Make a token; its secret is shown this once."""
    ctx = context("ui")
    try:
        fresh = people.create_token(ctx, request.form.get("name", "")[: _MOST_NAME + 1])
    except Invalid as failure:
        return _page(ctx, 422, problems=failure, about="tokens")
    answer = _page(ctx, fresh=fresh, about="tokens")
    answer.headers["HX-Push-Url"] = "/account"
    return answer


@screen.post("/account/sessions/<id>/end")
def end(id: str) -> Response:
    """End one of my tokens or sign-ins."""
    ctx = context("ui")
    t = speaker(ctx.actor.language)
    try:
        people.end_session(ctx, id)
    except NotFound:
        return render.go("/account", toast=t("account.ended_already"), tone="amber")
    return render.go("/account", toast=t("account.ended"))
