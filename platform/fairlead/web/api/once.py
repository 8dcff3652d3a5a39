"""`Idempotency-Key` on writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from flask import Response, request

from fairlead.base.errors import Failure
from fairlead.work import once as kept
from fairlead.work.context import Context

_HEADERS = ("Location", "ETag", "Content-Type")


def once(ctx: Context, body: Any, work: Callable[[], Response]) -> Response:
    """Do `work` once for the request's key; without a key, simply do it."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return work()
    text = orjson.dumps([request.method, request.path, body], option=orjson.OPT_SORT_KEYS)
    before = kept.begin(ctx, key, hashlib.sha256(text).hexdigest())
    if before is not None:
        return Response(before.body, before.status, dict(before.headers))
    try:
        answer = work()
    except Failure:
        kept.forget(ctx, key)
        raise
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    kept.finish(ctx, key, kept.Answer(answer.status_code, headers, answer.get_data(as_text=True)))
    return answer
