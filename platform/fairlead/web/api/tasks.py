"""The approver's inbox and its operations; the starter's and the administrator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, FieldError, Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.web.api.answers import etag, json_answer, json_body, matched_version
from fairlead.web.api.asked import (
    object_of,
    only_keys,
    only_parameters,
    text_of,
    text_or_none,
    version_of,
    whole_number,
)  # fmt: skip
from fairlead.web.api.once import once
from fairlead.web.problems import refusal_json
from fairlead.web.request import context
from fairlead.work import approvals, inbox
from fairlead.work.approvals import MAX_BULK, BulkItem, Verdict
from fairlead.work.approving import ActResult
from fairlead.work.context import Context

api = Blueprint("api_tasks", __name__, url_prefix="/api/v1")

MAX_COMMENT = 4000

_NEEDS_VERSION = Label({
    "en": "Send the version of the task that you saw (If-Match).", "zh": "请在 If-Match 中给出所见任务的版本。",
})  # fmt: skip


@api.get("/tasks")
def list_tasks() -> Response:
    """One page of a box: open, coming, done, or mine (what one has submitted)."""
    ctx = context("api")
    only_parameters("box", "page_size", "page_token")
    page = inbox.tasks(
        ctx, request.args.get("box", "open"), after=request.args.get("page_token"),
        limit=whole_number("page_size", 50, inbox.MAX_PAGE) or 50,
    )  # fmt: skip
    items = [item.to_json(ctx.actor.language) for item in page.items]
    return json_answer({"items": items, "next_page_token": page.next})


@api.get("/tasks/<id>")
def get_task(id: str) -> Response:
    """One task."""
    ctx = context("api")
    found = inbox.task(ctx, id)
    return json_answer(found.to_json(ctx.actor.language), 200, {"ETag": etag(found.version)})


def _version(body: Mapping[str, Any]) -> int:
    given = matched_version(needed=False)
    if given is None:
        given = version_of(body)
    if given is None:
        raise Conflict(code="version-missing", status=428, message=_NEEDS_VERSION)
    return given


def _comment(body: Mapping[str, Any]) -> str | None:
    found = text_or_none("comment", body, most=MAX_COMMENT) or text_or_none("reason", body, most=MAX_COMMENT)
    return found if found and found.strip() else None


Act = Callable[[Context, str, Mapping[str, Any]], ActResult]
_SAID = ("comment", "reason")
_TASK_ACTS: Mapping[str, tuple[tuple[str, ...], Act]] = {
    "approve": (
        ("version", "changes", *_SAID),
        lambda ctx, key, body: approvals.approve(
            ctx, key, version=_version(body), comment=_comment(body), changes=object_of("changes", body)
        ),
    ),
    "reject": (
        ("version", *_SAID),
        lambda ctx, key, body: approvals.reject(ctx, key, version=_version(body), comment=_comment(body)),
    ),
    "return": (
        ("version", *_SAID),
        lambda ctx, key, body: approvals.return_to_starter(
            ctx, key, version=_version(body), comment=_comment(body)
        ),
    ),
    "transfer": (
        ("version", "to", *_SAID),
        lambda ctx, key, body: approvals.transfer(
            ctx, key, text_of("to", body), version=_version(body), comment=_comment(body)
        ),
    ),
    "comment": (
        _SAID,
        lambda ctx, key, body: approvals.comment(
            ctx, inbox.task(ctx, key).line.approval_id, _comment(body) or ""
        ),
    ),
}
"""What may be done with a task → the keys that may come with it, and what does it."""

_APPROVAL_ACTS: Mapping[str, tuple[tuple[str, ...], Act]] = {
    "withdraw": (_SAID, lambda ctx, key, body: approvals.withdraw(ctx, key, comment=_comment(body))),
    "urge": ((), lambda ctx, key, _: approvals.urge(ctx, key)),
    "comment": (_SAID, lambda ctx, key, body: approvals.comment(ctx, key, _comment(body) or "")),
    "resume": (_SAID, lambda ctx, key, body: approvals.resume(ctx, key, reason=_comment(body) or "")),
    "terminate": (_SAID, lambda ctx, key, body: approvals.terminate(ctx, key, reason=_comment(body) or "")),
}


@api.post("/tasks/<id>/<act>")
def act_on_task(id: str, act: str) -> Response:
    """Approve, reject, return, transfer or comment on a task."""
    return _act(_TASK_ACTS, "task", id, act)


@api.post("/approvals/<id>/<act>")
def act_on_approval(id: str, act: str) -> Response:
    """Withdraw, urge, comment, resume or terminate."""
    return _act(_APPROVAL_ACTS, "approval", id, act)


def _act(known: Mapping[str, tuple[tuple[str, ...], Act]], what: str, id: str, act: str) -> Response:
    ctx = context("api")
    if act not in known:
        raise NotFound(what, id)
    keys, work = known[act]
    body = json_body()

    def done() -> Response:
        only_keys(body, *keys)
        return _result(work(ctx, id, body))

    return once(ctx, body, done)


@api.post("/tasks/bulk")
def bulk() -> Response:
    """Several decisions, each in its own transaction, each with its own answer."""
    ctx = context("api")
    body = json_body()
    only_keys(body, "items")
    rows = body.get("items")
    if not isinstance(rows, list) or len(rows) > MAX_BULK:
        message = Label({"en": f"Give up to {MAX_BULK} items.", "zh": f"最多 {MAX_BULK} 项。"})
        raise Invalid.field("items", "invalid", message)
    items = [_item(row, f"items[{number}]") for number, row in enumerate(rows)]

    def done() -> Response:
        answers = []
        for item, answer in zip(items, approvals.bulk(ctx, items), strict=True):
            if answer.failure is not None:
                answers.append({**refusal_json(answer.failure), "task": item.task})
            else:
                answers.append(
                    {
                        "task": item.task,
                        "status": 200,
                        "state": answer.result.state if answer.result else None,
                    }
                )
        return json_answer({"results": answers}, 207)

    return once(ctx, body, done)


def _item(row: object, path: str) -> BulkItem:
    if not isinstance(row, dict):
        raise Invalid.field(path, "invalid", Label({"en": "Give an object.", "zh": "应为对象。"}))
    try:
        only_keys(row, "task", "version", "verdict", "comment")
        version, verdict = version_of(row), row.get("verdict")
        if version is None:
            raise Invalid.field("version", "required", _NEEDS_VERSION)
        if verdict not in ("approve", "reject"):
            raise Invalid.field(
                "verdict",
                "not_an_option",
                Label({"en": "Say approve or reject.", "zh": "应为 approve 或 reject。"}),
            )
        return BulkItem(text_of("task", row), version, cast(Verdict, verdict), _comment(row))
    except Invalid as failure:
        raise Invalid(
            [FieldError(f"{path}.{one.field}", one.code, one.message) for one in failure.errors]
        ) from None


@api.get("/approvals/<id>")
def get_approval(id: str) -> Response:
    """Who decided what, who is asked now, who comes next."""
    ctx = context("api")
    return json_answer(inbox.approval(ctx, id).to_json(ctx.actor.language))


@api.post("/<entity>/<id>/submit")
def submit(entity: str, id: str) -> Response:
    """Ask for approval of a record, or ask again after it was sent back."""
    ctx = context("api")
    body = json_body()

    def work() -> Response:
        only_keys(body, "flow", *_SAID)
        done = approvals.submit(
            ctx, entity, id, version=matched_version(needed=False), comment=_comment(body),
            flow=text_or_none("flow", body),
        )  # fmt: skip
        return json_answer(
            {"needed": done.needed, "state": done.state, "approval": done.approval, "flow": done.flow}
        )

    return once(ctx, body, work)


@api.get("/<entity>/<id>/approval_path")
def approval_path(entity: str, id: str) -> Response:
    """Who would be asked and why, before submitting."""
    ctx = context("api")
    found = inbox.approval_path(ctx, entity, id)
    return json_answer(
        found.to_json(ctx.actor.language) if found is not None else {"needed": False, "steps": []}
    )


def _result(done: ActResult) -> Response:
    headers = {"ETag": etag(done.task_version)} if done.task_version is not None else None
    return json_answer(
        {"approval": done.approval, "state": done.state, "step": done.step, "round": done.round, "task": done.task_id,
         "task_state": done.task, "task_version": done.task_version, "reason": done.reason}, 200, headers,
    )  # fmt: skip
