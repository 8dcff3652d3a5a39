"""Failures as answers: problem+json for programs, a page or a fragment for people. Never a traceback."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException

from fairlead.base.errors import Failure
from fairlead.base.texts import Label
from fairlead.web import pages
from fairlead.web.problems import TITLES, answer_for, problem
from fairlead.web.request import NotSignedIn, language, request_id, services
from fairlead.work.applications import NothingPublished
from fairlead.work.commit import config_changed

log = logging.getLogger("fairlead.web")

_INTERNAL = Label({
    "en": "It has been noted under the id below. Nothing was saved.",
    "zh": "问题已按下方编号记录，本次操作未保存。",
})  # fmt: skip
_AWAY = Label({"en": "The database is away; try again shortly.", "zh": "数据库暂时不可用，请稍后重试。"})


def wants_json() -> bool:
    """Whether a program asked: everything under /api, and whoever accepts nothing else."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith(
        "application/json"
    )


def install(app: Flask) -> None:
    """Make every failure an answer in the form that was asked for."""

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
        kinds = {kind.__name__ for kind in type(error).__mro__}
        if "Outdated" in kinds and _overtaken():
            return on_failure(config_changed())
        if "Unavailable" in kinds:
            answer = problem(503, "unavailable", _AWAY.get(language()), headers={"Retry-After": "2"})
            return answer if wants_json() else pages.status_page(503, _AWAY.get(language()))
        log.error("request %s failed", request_id(), exc_info=error)
        g.failed = True
        if wants_json():
            return problem(500, "internal", _INTERNAL.get(language()))
        return pages.status_page(500, _INTERNAL.get(language()))


def _overtaken() -> bool:
    """Whether a newer revision is in force than the one this request began with; from now on this process follows it."""
    began = g.get("context")
    return began is not None and services().applications.refresh().revision != began.app.revision


_CODES = {
    400: "malformed", 404: "not-found", 405: "method-not-allowed", 408: "timeout", 411: "length-required",
    413: "too-large", 414: "address-too-long", 415: "unsupported", 429: "too-many", 431: "head-too-large",
}  # fmt: skip
