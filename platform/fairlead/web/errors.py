"""Failures as answers: problem+json for programs, a page or a fragment for people. Never a traceback."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from fairlead.base.errors import Conflict, Failure, Invalid, Locked, Refused
from fairlead.base.texts import Label
from fairlead.web.request import NotSignedIn, language, request_id

log = logging.getLogger("fairlead.web")

TITLES = {
    400: Label({"en": "The request is malformed", "zh": "请求格式不正确"}),
    401: Label({"en": "Sign in first", "zh": "请先登录"}),
    403: Label({"en": "Not allowed", "zh": "没有权限"}),
    404: Label({"en": "Not found", "zh": "未找到"}),
    405: Label({"en": "Not possible here", "zh": "此处不支持该操作"}),
    408: Label({"en": "Took too long", "zh": "请求超时"}),
    409: Label({"en": "Refused", "zh": "操作被拒绝"}),
    412: Label({"en": "Changed meanwhile", "zh": "记录已被他人修改"}),
    413: Label({"en": "Too large", "zh": "内容过大"}),
    415: Label({"en": "Wrong kind of content", "zh": "内容类型不支持"}),
    422: Label({"en": "Some values cannot be kept", "zh": "部分内容无法保存"}),
    423: Label({"en": "Locked", "zh": "记录已锁定"}),
    428: Label({"en": "Say which version you changed", "zh": "缺少版本号"}),
    429: Label({"en": "Too many requests", "zh": "请求过于频繁"}),
    500: Label({"en": "Something went wrong here", "zh": "系统出现问题"}),
    503: Label({"en": "Not available for the moment", "zh": "系统暂时不可用"}),
}

_INTERNAL = Label({
    "en": "It has been noted under the id below. Nothing was saved.",
    "zh": "问题已按下方编号记录，本次操作未保存。",
})  # fmt: skip
_AWAY = Label({"en": "The database is away; try again shortly.", "zh": "数据库暂时不可用，请稍后重试。"})


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    current: Any = None,
    headers: dict[str, str] | None = None,
    data: Any = None,
) -> Response:
    """Return a problem+json answer (RFC 9457)."""
    lang = language()
    title = TITLES.get(status, TITLES[500]).get(lang)
    body: dict[str, Any] = {
        "type": f"about:blank#{code}", "title": title, "status": status, "code": code, "detail": detail,
        "request_id": request_id(), "errors": errors or [],
    }  # fmt: skip
    if current is not None:
        body["current"] = current
    if data:
        body["data"] = data
    return Response(orjson.dumps(body), status, headers, mimetype="application/problem+json")


def answer_for(failure: Failure) -> Response:
    """Return the problem+json of one of our own failures."""
    lang = language()
    errors = [error.to_json(lang) for error in failure.errors] if isinstance(failure, Invalid) else None
    current = failure.current if isinstance(failure, (Refused, Conflict)) else None
    headers = {}
    retry = failure.data.get("retry_after_s")
    if retry is not None:
        headers["Retry-After"] = str(retry)
    # What is missing and what may not be seen must answer alike, so nothing but the code goes out with a 404.
    data = None if failure.status == 404 else {k: v for k, v in failure.data.items() if isinstance(v, (str, int, list))}
    return problem(
        failure.status, failure.code, failure.message(lang), errors=errors, current=current, headers=headers,
        data=data if isinstance(failure, Refused) and not isinstance(failure, Locked) else None,
    )  # fmt: skip


def wants_json() -> bool:
    """Whether a program asked: everything under /api, and whoever accepts nothing else."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def install(app: Flask) -> None:
    """Make every failure an answer in the form that was asked for."""
    from fairlead.web import pages
    from fairlead.work.applications import NothingPublished

    @app.errorhandler(Failure)
    def on_failure(failure: Failure) -> Any:
        return answer_for(failure) if wants_json() else pages.failure_page(failure)

    @app.errorhandler(NotSignedIn)
    def on_stranger(_: NotSignedIn) -> Any:
        if wants_json():
            answer = problem(401, "not-signed-in", TITLES[401].get(language()))
            answer.headers["WWW-Authenticate"] = "Bearer"
            return answer
        return pages.to_sign_in()

    @app.errorhandler(NothingPublished)
    def on_nothing(_: NothingPublished) -> Any:
        text = "Nothing is published yet: run `fairlead apply` in the workspace."
        return problem(503, "nothing-published", text, headers={"Retry-After": "5"})

    @app.errorhandler(HTTPException)
    def on_http(error: HTTPException) -> Any:
        status = error.code or 500
        if 300 <= status < 400:
            return error
        text = TITLES.get(status, TITLES[400]).get(language())
        if wants_json():
            answer = problem(status, _CODES.get(status, "http"), text)
            for name, value in error.get_headers():
                if name in ("Allow", "Retry-After"):
                    answer.headers[name] = value
            return answer
        return pages.status_page(status, text)

    @app.errorhandler(Exception)
    def on_bug(error: Exception) -> Any:
        if type(error).__name__ == "Unavailable":
            answer = problem(503, "unavailable", _AWAY.get(language()), headers={"Retry-After": "2"})
            return answer if wants_json() else pages.status_page(503, _AWAY.get(language()))
        log.exception("request %s failed", request_id(), exc_info=error)
        g.failed = True
        if wants_json():
            return problem(500, "internal", _INTERNAL.get(language()))
        return pages.status_page(500, _INTERNAL.get(language()))


_CODES = {400: "malformed", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported"}
