"""JSON in and out: written once, from rows."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, request

from fairlead.base.errors import Conflict, FieldError, Invalid
from fairlead.base.texts import Label

MAX_BODY = 8 * 1024 * 1024
_NOT_JSON = Label({"en": "The body is not a JSON object.", "zh": "请求内容不是 JSON 对象。"})
_NEEDS_VERSION = Label({
    "en": "Send If-Match with the version that you changed (the ETag of the record).",
    "zh": "请在 If-Match 中给出所修改的版本（记录的 ETag）。",
})  # fmt: skip


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `body` as JSON."""
    return Response(orjson.dumps(body), status, headers, mimetype="application/json")


def json_body() -> dict[str, Any]:
    """Return the request's JSON object.

    Raises:
        Invalid: `malformed`, status 400: it is no JSON object.
    """
    try:
        found = orjson.loads(request.get_data(cache=False) or b"{}")
    except orjson.JSONDecodeError as error:
        raise _malformed() from error
    if not isinstance(found, dict):
        raise _malformed()
    return found


def _malformed() -> Invalid:
    failure = Invalid([FieldError("", "malformed", _NOT_JSON)], code="malformed", message=_NOT_JSON)
    failure.status = 400
    return failure


def etag(version: int) -> str:
    """Return a record's version as an entity tag."""
    return f'"{version}"'


def matched_version(*, needed: bool) -> int | None:
    """Return the version in `If-Match`.

    Raises:
        Conflict: 428 where it is needed and missing; 412 where it can be no version of ours.
    """
    given = request.headers.get("If-Match", "").strip()
    if not given:
        if needed:
            raise Conflict(code="version-missing", message=_NEEDS_VERSION, status=428)
        return None
    if given == "*":
        return None
    text = given.removeprefix("W/").strip('"')
    if not text.isdigit() or len(text) > 18:
        raise Conflict(code="stale")
    return int(text)
