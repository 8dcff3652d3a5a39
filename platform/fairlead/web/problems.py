"""One of our failures as problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from flask import Response

from fairlead.base.errors import Conflict, Failure, Invalid, Locked, Refused, TooMany
from fairlead.base.texts import Label
from fairlead.web.request import language, request_id

TITLES = {
    400: Label({"en": "The request is malformed", "zh": "请求格式不正确"}),
    401: Label({"en": "Sign in first", "zh": "请先登录"}),
    403: Label({"en": "Not allowed", "zh": "没有权限"}),
    404: Label({"en": "Not found", "zh": "未找到"}),
    405: Label({"en": "Not possible here", "zh": "此处不支持该操作"}),
    406: Label({"en": "Not to be had in this form", "zh": "无法以该格式提供"}),
    408: Label({"en": "Took too long", "zh": "请求超时"}),
    409: Label({"en": "Refused", "zh": "操作被拒绝"}),
    411: Label({"en": "Say how long the body is", "zh": "缺少内容长度"}),
    412: Label({"en": "Changed meanwhile", "zh": "记录已被他人修改"}),
    413: Label({"en": "Too large", "zh": "内容过大"}),
    414: Label({"en": "The address is too long", "zh": "地址过长"}),
    415: Label({"en": "Wrong kind of content", "zh": "内容类型不支持"}),
    422: Label({"en": "Some values cannot be kept", "zh": "部分内容无法保存"}),
    423: Label({"en": "Locked", "zh": "记录已锁定"}),
    428: Label({"en": "Say which version you changed", "zh": "缺少版本号"}),
    429: Label({"en": "Too many requests", "zh": "请求过于频繁"}),
    431: Label({"en": "The head of the request is too large", "zh": "请求头过大"}),
    500: Label({"en": "Something went wrong here", "zh": "系统出现问题"}),
    503: Label({"en": "Not available for the moment", "zh": "系统暂时不可用"}),
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[Mapping[str, object]] | None = None,
    current: Any = None,
    headers: dict[str, str] | None = None,
    data: Any = None,
) -> Response:
    """Return a problem+json answer (RFC 9457)."""
    lang = language()
    title = TITLES.get(status, TITLES[500]).get(lang)
    body: dict[str, Any] = {
        "type": f"about:blank#{code}", "title": title, "status": status, "code": code, "detail": detail,
        "request_id": request_id(), "errors": list(errors or ()),
    }  # fmt: skip
    if current is not None:
        body["current"] = current
    if data:
        body["data"] = data
    return Response(json_bytes(body), status, headers, mimetype="application/problem+json")


def json_bytes(body: Any) -> bytes:
    """Return `body` as JSON. A problem that could not be written would hide the one it tells of, so everything can."""
    try:
        return orjson.dumps(body, default=str)
    except TypeError:  # half a character, from a document or an address
        return json.dumps(body, default=str).encode()


def answer_for(failure: Failure) -> Response:
    """Return the problem+json of one of our own failures."""
    told = refusal_json(failure)
    return problem(
        failure.status, failure.code, told["detail"], errors=told.get("errors"), current=told.get("current"),
        headers=retry_headers(failure), data=told.get("data"),
    )  # fmt: skip


def refusal_json(failure: Failure) -> dict[str, Any]:
    """Return what a failure tells a program: as its own answer, or as one row of an answer about many."""
    lang = language()
    found: dict[str, Any] = {"status": failure.status, "code": failure.code, "detail": failure.message(lang)}
    if isinstance(failure, Invalid):
        found["errors"] = [error.to_json(lang) for error in failure.errors]
    if isinstance(failure, (Refused, Conflict)) and failure.current is not None:
        found["current"] = failure.current
    # What is missing and what may not be seen must answer alike, so nothing but the code goes out with a 404.
    if isinstance(failure, Refused) and not isinstance(failure, Locked):
        data = {name: value for name, value in failure.data.items() if isinstance(value, (str, int, list))}
        if data:
            found["data"] = data
    return found


def retry_headers(failure: Failure) -> dict[str, str]:
    """Return when to come again, for those failures that time mends."""
    wait = failure.retry_after_s if isinstance(failure, TooMany) else failure.data.get("retry_after_s")
    return {} if wait is None else {"Retry-After": str(wait)}
