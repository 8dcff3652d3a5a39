"""`Idempotency-Key` on writes."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Response, request
from werkzeug.exceptions import HTTPException

from fairlead.base.errors import Conflict, Failure
from fairlead.work import once as kept
from fairlead.work.context import Context

_HEADERS = ("Location", "ETag", "Content-Type")

PATIENCE_S = 5.0
"""How long a repeated request waits for the answer of the first, when both come at once."""


def once(ctx: Context, body: Any, work: Callable[[], Response]) -> Response:
    """Do `work` once for the request's key; without a key, simply do it.

    A request with the same key that comes while the first is still being answered waits for that answer.

    Raises:
        Invalid: The key was used for another request.
        Conflict: The first request takes long, or ended without a known answer.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return work()
    before = _begin(ctx, key, _fingerprint(body))
    if before is not None:
        return Response(before.body, before.status, {**before.headers, "Idempotency-Replayed": "true"})
    try:
        answer = work()
    except (Failure, HTTPException):
        kept.forget(ctx, key)
        raise
    headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
    kept.finish(ctx, key, kept.Answer(answer.status_code, headers, answer.get_data(as_text=True)))
    return answer


def _fingerprint(body: Any) -> str:
    """Return a digest of what is asked; the order of keys and the blanks between them do not count."""
    asked = [request.method, request.path, request.headers.get("If-Match"), body]
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def _begin(ctx: Context, key: str, fingerprint: str) -> kept.Answer | None:
    until = time.monotonic() + PATIENCE_S
    pause, gate = 0.02, threading.Event()
    while True:
        try:
            return kept.begin(ctx, key, fingerprint)
        except Conflict:
            if time.monotonic() > until:
                raise
        gate.wait(pause)
        pause = min(2 * pause, 0.3)
