"""Search: one box for records, screens and what can be made; the page of results and the answer to Ctrl K."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from fairlead.web import render
from fairlead.web.api.answers import json_answer
from fairlead.web.request import context
from fairlead.web.texts import speaker
from fairlead.work import search
from fairlead.work.context import Context

screen = Blueprint("search", __name__)

LONGEST = 120
_ON_PAGE = 8
_IN_PALETTE = 5


@screen.get("/search")
def show() -> Response:
    """Everything that contains the words, grouped by kind."""
    ctx = context("ui")
    words = request.args.get("q", "").strip()[:LONGEST]
    groups = [*_records(ctx, words, _ON_PAGE), *_screens(ctx, words, all_of_them=True)] if words else []
    return render.page(
        "search/search.html", q=words, groups=groups, creates_here=render.creates(ctx) if words else []
    )


@screen.get("/search/palette")
def palette() -> Response:
    """The groups below the box: records, and screens that only sound like it; the page knows the others itself."""
    ctx = context("ui")
    words = request.args.get("q", "").strip()[:LONGEST]
    groups = [*_records(ctx, words, _IN_PALETTE), *_screens(ctx, words)] if words else []
    return json_answer({
        "groups": [
            {"label": group["label"], "items": [{k: v for k, v in item.items() if v} for item in group["items"]]} for group in groups
        ]
    })  # fmt: skip


def _records(ctx: Context, words: str, each: int) -> list[dict[str, Any]]:
    lang = ctx.actor.language
    return [
        {
            "label": entity.entity.label.get(lang),
            "items": [
                {
                    "label": hit.title, "title": hit.title, "detail": hit.detail, "href": f"/r/{hit.entity}/{hit.id}",
                    "icon": entity.entity.icon,
                }
                for hit in hits
            ],
            "all": f"/l/{entity.name}?{urlencode({'search': words})}" if len(hits) == each else None,
        }
        for entity, hits in search.records(ctx, words, each=each)
    ]  # fmt: skip


def _screens(ctx: Context, words: str, *, all_of_them: bool = False) -> list[dict[str, Any]]:
    """Return screens and create actions that sound like the words or, if asked for, contain them."""
    t = speaker(ctx.actor.language)
    wanted = words.casefold()
    screens = [item for group in render.menu(ctx) for item in group["items"]]
    creates = [{**item, "detail": t("kit.new")} for item in render.creates(ctx)]
    found = []
    for label, items in ((t("kit.go_to"), screens), (t("kit.create"), creates)):
        fitting = [
            {"label": one["label"], "title": one["label"], "detail": one.get("detail"), "href": one["href"], "icon": one.get("icon")}
            for one in items
            if (all_of_them and wanted in one["label"].casefold())
            or (wanted not in one["label"].casefold() and search.sounds_like(words, one["label"]))
        ]  # fmt: skip
        if fitting:
            found.append({"label": label, "items": fitting[:_ON_PAGE], "all": None})
    return found
