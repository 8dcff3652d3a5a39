"""Tokens: how programs sign in. And whose one is."""

from __future__ import annotations

from flask import Blueprint, Response, request

from fairlead.base.clock import utc_now
from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label
from fairlead.web.api.answers import json_answer, json_body
from fairlead.web.api.asked import only_keys, text_or_none
from fairlead.web.request import context, services
from fairlead.work import people

api = Blueprint("api_people", __name__, url_prefix="/api/v1")

MAX_CREDENTIALS = 16 * 1024


@api.post("/tokens")
def make_token() -> Response:
    """A token for somebody's user name and password; rate-limited."""
    body = json_body(most=MAX_CREDENTIALS)
    only_keys(body, "username", "password", "name")
    username, password = body.get("username"), body.get("password")
    if not isinstance(username, str) or not isinstance(password, str):
        raise Invalid([
            FieldError(name, "required", Label({"en": "This is needed.", "zh": "此项必填。"}))
            for name in ("username", "password")
            if not isinstance(body.get(name), str)
        ])  # fmt: skip
    made = people.sign_in(
        services().database, username, password, address=request.remote_addr or "", now=utc_now(), kind="token",
        token_name=text_or_none("name", body, most=80) or "API",
    )  # fmt: skip
    return json_answer({"token": made.secret, "id": made.public_id, "expires_at": made.expires_at}, 201)


@api.get("/tokens")
def list_tokens() -> Response:
    """One's own tokens; never their secrets."""
    ctx = context("api")
    return json_answer({
        "items": [
            {"id": one.public_id, "name": one.name, "created_at": one.created_at, "expires_at": one.expires_at,
             "last_used_at": one.last_used_at}
            for one in people.tokens(ctx)
        ]
    })  # fmt: skip


@api.delete("/tokens/<id>")
def end_token(id: str) -> Response:
    """End one of one's own tokens."""
    people.end_session(context("api"), id)
    return Response(status=204)


@api.get("/me")
def me() -> Response:
    """Who the caller is."""
    ctx = context("api")
    actor = ctx.actor
    return json_answer({
        "id": actor.id, "username": actor.username, "name": actor.name, "roles": list(actor.roles),
        "teams": list(actor.teams), "language": actor.language, "zone": actor.zone,
    })  # fmt: skip
