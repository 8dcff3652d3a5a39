"""Failures as people see them: a page, a message in passing, or a problem beside the form."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, current_app, request

from fairlead.base.errors import Failure, Invalid
from fairlead.web.problems import TITLES, answer_for, problem, retry_headers
from fairlead.web.request import language, request_id
from fairlead.web.texts import speaker


def failure_page(failure: Failure) -> Response:
    """Answer one of our own failures to a person, with its status."""
    lang = language()
    if _asked_by_part():
        return answer_for(failure)
    text = failure.message(lang)
    if isinstance(failure, Invalid) and failure.errors:
        text = " ".join(dict.fromkeys(str(error.to_json(lang)["message"]) for error in failure.errors))
    title = TITLES.get(failure.status, TITLES[500]).get(lang)
    answer = _page(failure.status, title, text)
    answer.headers.update(retry_headers(failure))
    return answer


def status_page(status: int, text: str) -> Response:
    """Answer with a status and a sentence."""
    if _asked_by_part():
        return problem(status, "http", text)
    return _page(status, TITLES.get(status, TITLES[400]).get(language()), text)


def to_sign_in() -> Response:
    """Send a stranger to the sign-in, and back afterwards."""
    if request.headers.get("HX-Request") == "true":
        # The page itself goes there; a fragment with a sign-in form would be lost in it.
        return Response(status=401)
    here = request.full_path.rstrip("?") if request.method == "GET" else "/"
    target = "/signin" if here == "/" else f"/signin?next={quote(here)}"
    return Response(status=302, headers={"Location": target})


def _asked_by_part() -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _page(status: int, title: str, text: str) -> Response:
    lang = language()
    t = speaker(lang)
    text_shown = "" if text == title else text
    values = {
        "t": t, "lang": lang, "csrf_token": "", "status": status, "title": title, "text": text_shown, "home_url": "/",
        "request_id": request_id() if status >= 500 else None, "theme": request.cookies.get("theme") or "auto",
        "hint": t("screens.missing_hint") if status == 404 else None,
    }  # fmt: skip
    return Response(
        current_app.jinja_env.get_template("error.html").render(values), status, mimetype="text/html"
    )
