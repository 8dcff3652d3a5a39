"""JSON in and out: written once, from rows; read strictly, so that nothing is kept that was not meant."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from fairlead.base.errors import Conflict, FieldError, Invalid
from fairlead.base.texts import Label
from fairlead.web.problems import json_bytes

MAX_BODY = 8 * 1024 * 1024
MAX_DEPTH = 50

_NOT_JSON = Label({"en": "The body is not a JSON object.", "zh": "请求内容不是 JSON 对象。"})
_TOO_DEEP = Label({
    "en": f"The body nests more than {MAX_DEPTH} levels deep.", "zh": f"请求内容嵌套超过 {MAX_DEPTH} 层。",
})  # fmt: skip
_BAD_TEXT = Label({
    "en": "There is a character in it that cannot be kept.", "zh": "内容中含有无法保存的字符。",
})  # fmt: skip
_NEEDS_VERSION = Label({
    "en": "Send If-Match with the version that you changed (the ETag of the record).",
    "zh": "请在 If-Match 中给出所修改的版本（记录的 ETag）。",
})  # fmt: skip

_NO_TEXT = re.compile("[\x00\ud800-\udfff]")
"""What PostgreSQL cannot keep and UTF-8 cannot carry. It gets through JSON only as an escape."""

_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})"|([0-9]{1,18})')


def json_answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return `body` as JSON."""
    return Response(json_bytes(body), status, headers, mimetype="application/json")


def json_body(*, any_text: bool = False, most: int = MAX_BODY) -> dict[str, Any]:
    """Return the request's JSON object; {} where nothing was sent.

    Args:
        any_text: Leave it to the reader of the texts what may stand in them.
        most: Bytes; more answers 413.

    Raises:
        Invalid: `malformed`, status 400: it is no JSON object, says a key twice, or nests too deeply; `invalid`,
            status 422: a text in it that cannot be kept, with its path.
        UnsupportedMediaType: It is something else, and says so.
    """
    request.max_content_length = most
    data = request.get_data()
    if not data:
        return {}
    if request.mimetype and request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise UnsupportedMediaType
    try:
        text = data.decode()
        found = _DECODER.decode(text)
    except _Twice as error:
        key = _shown(error.args[0])
        raise _malformed(Label({"en": f"The key “{key}” stands twice.", "zh": f"键“{key}”重复。"})) from None
    except RecursionError:
        raise _malformed(_TOO_DEEP) from None
    except ValueError:
        raise _malformed(_NOT_JSON) from None
    if not isinstance(found, dict):
        raise _malformed(_NOT_JSON)
    _look_through(found, texts="\\u" in text and not any_text)
    return found


class _Twice(Exception):
    """A key stands twice in one object: which value was meant cannot be known."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Twice(key)
            seen.add(key)
    return found


def _fraction(text: str) -> float | Decimal:
    """Return a float where it says the same as the text, else the number as it is written."""
    plain, exact = float(text), Decimal(text)
    return plain if math.isfinite(plain) and Decimal(repr(plain)) == exact else exact


def _no_number(text: str) -> Any:
    raise ValueError(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_fraction, parse_constant=_no_number)


def _look_through(found: dict[str, Any], *, texts: bool) -> None:
    waiting: list[tuple[Any, str, int]] = [(found, "", 1)]
    while waiting:
        here, path, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _malformed(_TOO_DEEP)
        items = here.items() if isinstance(here, dict) else enumerate(here)
        for key, value in items:
            if isinstance(value, (dict, list)):
                waiting.append((value, _below(path, key), depth + 1))
            elif texts and isinstance(value, str) and _NO_TEXT.search(value):
                raise Invalid.field(_below(path, key), "invalid", _BAD_TEXT)
            if texts and isinstance(key, str) and _NO_TEXT.search(key):
                raise Invalid.field(_below(path, key), "unknown_field", _BAD_TEXT)


def _below(path: str, key: str | int) -> str:
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{_shown(key)}" if path else _shown(key)


def _shown(key: str) -> str:
    return _NO_TEXT.sub("�", key)[:60]


def _malformed(message: Label) -> Invalid:
    failure = Invalid([FieldError("", "malformed", message)], code="malformed", message=message)
    failure.status = 400
    return failure


def etag(version: int) -> str:
    """Return a record's version as an entity tag."""
    return f'"{version}"'


def matched_version(*, needed: bool) -> int | None:
    """Return the version in `If-Match`; None for `*` and where nothing was sent.

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
    found = _TAG.fullmatch(given)
    if found is None:
        raise Conflict(code="stale")
    return int(found[1] or found[2])
