"""Notices: what happened that concerns me, with a mark at what I have not read."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, request

from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.request import context
from fairlead.web.screens.inbox import tabs
from fairlead.web.texts import speaker
from fairlead.work import notices
from fairlead.work.context import Context

screen = Blueprint("notices", __name__)

_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\]*\Z")
_LOOKS = {
    "task": ("clipboard-check", "teal"), "approved": ("circle-check", "green"), "rejected": ("circle-x", "red"),
    "returned": ("arrow-back-up", "amber"), "urged": ("bell", "amber"), "due": ("clock", "amber"),
    "reclaimed": ("arrow-back-up", "amber"), "assigned": ("user-check", "teal"), "comment": ("message", "grey"),
}  # fmt: skip


@screen.get("/notices")
def show() -> Response:
    """My notices, newest first."""
    ctx = context("ui")
    unread_only = request.args.get("only") == "unread"
    found, following = notices.listing(ctx, unread_only=unread_only, before=request.args.get("after"))
    following_url = (
        f"/notices?after={following}" + ("&only=unread" if unread_only else "") if following else None
    )
    return render.page(
        "notices/notices.html", rows=[_row(ctx, one) for one in found], tabs=tabs(ctx, "notices"), next_url=following_url,
        unread_only=unread_only, said=Cells(ctx).moment_text, any_unread=any(one.read_at is None for one in found),
    )  # fmt: skip


def _row(ctx: Context, one: Any) -> dict[str, Any]:
    icon, tone = _LOOKS.get(one.kind, ("bell", "grey"))
    return {
        "id": one.id, "text": one.text.get(ctx.actor.language), "at": one.at, "unread": one.read_at is None, "icon": icon,
        "tone": tone,
    }  # fmt: skip


def target_of(one: Any) -> str:
    """Return where a notice leads; only to this site."""
    if one.link and _PATH.match(one.link):
        return str(one.link)
    return f"/r/{one.entity}/{one.record_id}" if one.entity and one.record_id else "/notices"


@screen.post("/notices/<id>/read")
def read(id: str) -> Response:
    """Mark one as read, and go to what it is about; following a link alone marks nothing."""
    ctx = context("ui")
    one = notices.one(ctx, id)
    notices.mark_read(ctx, [one.id])
    return render.go(target_of(one))


@screen.post("/notices/read")
def read_all() -> Response:
    """Mark everything as read."""
    ctx = context("ui")
    notices.mark_read(ctx)
    return render.go("/notices", toast=speaker(ctx.actor.language)("notice.all_read"))
