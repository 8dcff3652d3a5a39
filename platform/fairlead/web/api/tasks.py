"""The approver's inbox and its operations; the starter's and the administrator's."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, FieldError, Invalid
from fairlead.base.texts import Label
from fairlead.web.api.answers import json_answer, json_body, matched_version
from fairlead.web.api.once import once
from fairlead.web.request import context
from fairlead.work import approvals, inbox
from fairlead.work.approvals import BulkItem
from fairlead.work.context import Context

api = Blueprint("tasks", __name__, url_prefix="/api/v1")


@api.get("/tasks")
def list_tasks() -> Response:
    """One page of a box: open, coming, done, or mine (what one has submitted)."""
    ctx = context("api")
    size = request.args.get("page_size", "50")
    page = inbox.tasks(
        ctx, request.args.get("box", "open"), after=request.args.get("page_token"), limit=int(size) if size.isdigit() else 50
    )
    items = [item.to_json(ctx.actor.language) for item in page.items]
    return json_answer({"items": items, "next_page_token": page.next})


@api.get("/tasks/<id>")
def get_task(id: str) -> Response:
    """One task."""
    ctx = context("api")
    found = inbox.task(ctx, id)
    return json_answer(found.to_json(ctx.actor.language), 200, {"ETag": f'"{found.version}"'})


def _version(body: dict[str, Any]) -> int:
    given = matched_version(needed=False)
    if given is None and isinstance(body.get("version"), int):
        given = body["version"]
    if given is None:
        raise Conflict(code="version-missing", status=428, message=Label({
            "en": "Send the version of the task that you saw (If-Match).", "zh": "请在 If-Match 中给出所见任务的版本。",
        }))  # fmt: skip
    return given


def _comment(body: dict[str, Any]) -> str | None:
    value = body.get("comment") or body.get("reason")
    return value[:4000] if isinstance(value, str) and value.strip() else None


@api.post("/tasks/<id>/<act>")
def act_on_task(id: str, act: str) -> Response:
    """Approve, reject, return or transfer a task."""
    ctx = context("api")
    body = json_body()

    def work() -> Response:
        if act == "approve":
            changes = body.get("changes") or {}
            if not isinstance(changes, dict):
                raise Invalid.field("changes", "invalid", Label({"en": "Give an object.", "zh": "应为对象。"}))
            done = approvals.approve(ctx, id, version=_version(body), comment=_comment(body), changes=changes)
        elif act == "reject":
            done = approvals.reject(ctx, id, version=_version(body), comment=_comment(body))
        elif act == "return":
            done = approvals.return_to_starter(ctx, id, version=_version(body), comment=_comment(body))
        elif act == "transfer":
            done = approvals.transfer(ctx, id, str(body.get("to") or ""), version=_version(body), comment=_comment(body))
        elif act == "comment":
            done = approvals.comment(ctx, inbox.task(ctx, id).line.approval_id, _comment(body) or "")
        else:
            from werkzeug.exceptions import NotFound

            raise NotFound
        return _result(done)

    return once(ctx, [id, act, body], work)


@api.post("/tasks/bulk")
def bulk() -> Response:
    """Several decisions, each in its own transaction, each with its own answer."""
    ctx = context("api")
    body = json_body()
    rows = body.get("items")
    if not isinstance(rows, list) or len(rows) > 1000:
        raise Invalid([FieldError("items", "invalid", Label({"en": "Give up to 1,000 items.", "zh": "最多 1000 项。"}))])
    items = [
        BulkItem(str(row.get("task")), int(row.get("version") or 0), row.get("verdict"), row.get("comment"))
        for row in rows
        if isinstance(row, dict) and row.get("verdict") in ("approve", "reject")
    ]
    answers = []
    for item, answer in zip(items, approvals.bulk(ctx, items), strict=True):
        if answer.failure is not None:
            failure = answer.failure
            answers.append({"task": item.task, "status": failure.status, "code": failure.code,
                            "detail": failure.message(ctx.actor.language)})  # fmt: skip
        else:
            answers.append({"task": item.task, "status": 200, "state": answer.result.state if answer.result else None})
    return json_answer({"results": answers}, 207)


@api.get("/approvals/<id>")
def get_approval(id: str) -> Response:
    """Who decided what, who is asked now, who comes next."""
    ctx = context("api")
    return json_answer(inbox.approval(ctx, id).to_json(ctx.actor.language))


@api.post("/approvals/<id>/<act>")
def act_on_approval(id: str, act: str) -> Response:
    """Withdraw, urge, comment, resume or terminate."""
    ctx = context("api")
    body = json_body()
    if act == "withdraw":
        return _result(approvals.withdraw(ctx, id, comment=_comment(body)))
    if act == "urge":
        return _result(approvals.urge(ctx, id))
    if act == "comment":
        return _result(approvals.comment(ctx, id, _comment(body) or ""))
    if act == "resume":
        return _result(approvals.resume(ctx, id, reason=_comment(body) or ""))
    if act == "terminate":
        return _result(approvals.terminate(ctx, id, reason=_comment(body) or ""))
    from werkzeug.exceptions import NotFound

    raise NotFound


@api.post("/<entity>/<id>/submit")
def submit(entity: str, id: str) -> Response:
    """Ask for approval of a record, or ask again after it was sent back."""
    ctx = context("api")
    body = json_body()

    def work() -> Response:
        flow = body.get("flow")
        done = approvals.submit(
            ctx, entity, id, version=matched_version(needed=False), comment=_comment(body),
            flow=flow if isinstance(flow, str) else None,
        )  # fmt: skip
        return json_answer({"needed": done.needed, "state": done.state, "approval": done.approval, "flow": done.flow})

    return once(ctx, [entity, id, body], work)


@api.get("/<entity>/<id>/approval_path")
def approval_path(entity: str, id: str) -> Response:
    """Who would be asked and why, before submitting."""
    ctx: Context = context("api")
    found = inbox.approval_path(ctx, entity, id)
    return json_answer(found.to_json(ctx.actor.language) if found is not None else {"needed": False, "steps": []})


def _result(done: approvals.ActResult) -> Response:
    headers = {"ETag": f'"{done.task_version}"'} if done.task_version is not None else None
    return json_answer(
        {"approval": done.approval, "state": done.state, "step": done.step, "round": done.round, "task": done.task_id,
         "task_state": done.task, "task_version": done.task_version, "reason": done.reason}, 200, headers,
    )  # fmt: skip
