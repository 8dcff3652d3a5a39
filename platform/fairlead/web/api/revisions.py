"""What was published before over HTTP, for those who may configure: one revision, differences, since when, the way back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import FieldError, Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.web.api.answers import json_answer, json_body
from fairlead.web.api.asked import only_keys, only_parameters, text_or_none, whole_number
from fairlead.web.api.once import once
from fairlead.web.request import context
from fairlead.work import console, fitness, overtaken, plan_report, planning, publishing, revisions
from fairlead.work.context import Context

api = Blueprint("api_revisions", __name__, url_prefix="/api/v1/config")

MOST = 2**53
PAGE = 100

_NO_REVISION = Label({
    "en": "There is no such revision, or it can no longer be read.", "zh": "没有该修订，或其已无法读取。",
})  # fmt: skip
_NUMBER = Label({"en": "Give the number of a revision.", "zh": "应为修订编号。"})
_NEEDED = Label({"en": "This is needed.", "zh": "此项必填。"})


def _allowed() -> Context:
    ctx = context("api")
    console.require(ctx, "configuration")
    return ctx


@api.get("/revisions")
def listed() -> Response:
    """The revisions, newest first; those before `before` only."""
    ctx = _allowed()
    only_parameters("before", "page_size")
    before, size = whole_number("before", None, MOST), whole_number("page_size", PAGE, 200)
    return json_answer({"items": revisions.history(ctx.database, before=before, limit=size or PAGE)})


@api.get("/revisions/<id>")
def one(id: str) -> Response:
    """One revision with its plan, its outcome, and its files by name and digest."""
    ctx = _allowed()
    try:
        return json_answer(revisions.details(ctx.database, _number(id)))
    except LookupError as error:
        raise _not_there(id) from error


@api.get("/revisions/<id>/files")
def files(id: str) -> Response:
    """The documents of a revision, path to text, byte for byte as they were published."""
    ctx = _allowed()
    try:
        return json_answer({"files": revisions.documents(ctx.database, _number(id))[1]})
    except LookupError as error:
        raise _not_there(id) from error


@api.get("/diff")
def diff() -> Response:
    """What changed from revision `older` to revision `newer`, by meaning."""
    ctx = _allowed()
    only_parameters("older", "newer")
    sides = [whole_number(name, None, MOST) for name in ("older", "newer")]
    if None in sides:
        raise Invalid(
            [
                FieldError(n, "required", _NUMBER)
                for n, side in zip(("older", "newer"), sides, strict=True)
                if side is None
            ]
        )
    try:
        changes = revisions.difference(ctx.database, sides[0] or 0, sides[1] or 0)
    except LookupError as error:
        raise _not_there(f"{sides[0]}, {sides[1]}") from error
    return json_answer({"items": [change.to_json() for change in changes]})


@api.get("/blame")
def blame() -> Response:
    """Every revision that changed the value at `path`, the last one first."""
    ctx = _allowed()
    only_parameters("path")
    path = request.args.get("path", "")
    if not path:
        raise Invalid([FieldError("path", "required", _NEEDED)])
    try:
        return json_answer({"items": [said.to_json() for said in revisions.blame(ctx.database, path)]})
    except LookupError as error:
        raise NotFound("value", path[:200], message=Label({
            "en": "Nothing was ever published there.", "zh": "该处从未发布过内容。",
        })) from error  # fmt: skip


@api.post("/rollback")
def rollback() -> Response:
    """Publish the documents of revision `to` again; without `seal` only the plan comes back, and nothing is done."""
    ctx = _allowed()
    body = json_body()
    only_keys(body, "to", "seal", "message", "allow_destructive")
    to = body.get("to")
    if not isinstance(to, int) or isinstance(to, bool) or not 0 < to < MOST:
        raise Invalid([FieldError("to", "out_of_range", _NUMBER)])

    def work() -> Response:
        fitness.assure_fit(ctx.database, ctx.app)
        try:
            planned = planning.plan_rollback(ctx.database, to)
        except (LookupError, planning.Broken) as error:
            raise _not_there(str(to)) from error
        answer: dict[str, Any] = {
            "revision": planned.base,
            "changed": False,
            "plan": plan_report.to_json(planned),
        }
        if body.get("seal") is None:
            return json_answer(answer)
        if body["seal"] != planned.seal:
            raise overtaken.stale(ctx.database, planned.base)
        done = publishing.apply(
            ctx.database, planned, author=ctx.actor.username, source="rollback",
            message=text_or_none("message", body) or f"Back to revision {to}",
            allow_destructive=body.get("allow_destructive") is True,
        )  # fmt: skip
        return json_answer({**answer, "revision": done.revision, "changed": done.changed})

    return once(ctx, body, work)


def _number(id: str) -> int:
    if not id.isascii() or not id.isdigit() or len(id) > 15:
        raise _not_there(id)
    return int(id)


def _not_there(id: str) -> NotFound:
    return NotFound("revision", id[:60], message=_NO_REVISION)
