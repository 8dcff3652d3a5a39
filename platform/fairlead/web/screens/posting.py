"""What a form sent: texts by field, rows of lines, the version, and the problems that go back beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MultiDict

from fairlead.base.errors import Conflict, Failure, Invalid
from fairlead.base.texts import Label
from fairlead.fields.spec import Field
from fairlead.web import render
from fairlead.work import once as kept
from fairlead.work.context import Context

LISTS = ("multi_choice", "tags", "references")
MAX_ROWS = 500
_NEEDS_VERSION = Label({
    "en": "This page has lost track of the record. Load it again and repeat your change.",
    "zh": "页面缺少记录版本，请重新加载后再修改。",
})  # fmt: skip


def read_texts(specs: Iterable[Field], form: MultiDict[str, str]) -> dict[str, Any]:
    """Return what was typed into the inputs of `specs`; a field that was not sent is not there."""
    found: dict[str, Any] = {}
    for spec in specs:
        if spec.kind == "table":
            if f"{spec.name}.sent" in form or any(key.startswith(f"{spec.name}.") for key in form):
                found[spec.name] = _rows(spec, form)
        elif spec.kind in LISTS:
            if spec.name in form or f"{spec.name}.sent" in form:
                found[spec.name] = [text for text in form.getlist(spec.name) if text != ""]
        elif spec.name in form:
            # A box sends a hidden "false" before its own "true": the last one is what was left.
            found[spec.name] = form.getlist(spec.name)[-1]
    return found


def _rows(spec: Field, form: MultiDict[str, str]) -> list[dict[str, str]]:
    pattern = re.compile(rf"{re.escape(spec.name)}\.(\d{{1,6}})\.([a-z][a-z0-9_]*)\Z")
    rows: dict[int, dict[str, str]] = {}
    for key in form:
        match = pattern.match(key)
        if match is None or len(rows) > MAX_ROWS:
            continue
        column = spec.fields.get(match[2])
        if column is not None and not column.computed:
            rows.setdefault(int(match[1]), {})[match[2]] = form.getlist(key)[-1]
    return [row for _, row in sorted(rows.items()) if any(text.strip() for text in row.values())]


def version_of(form: MultiDict[str, str]) -> int:
    """Return the version that a form was made from.

    Raises:
        Conflict: 428, it is missing.
    """
    text = form.get("version", "")
    if not text.isdigit() or len(text) > 18:
        raise Conflict(code="version-missing", message=_NEEDS_VERSION, status=428)
    return int(text)


def problems_of(failure: Invalid, lang: str) -> dict[str, str]:
    """Return the first problem of each field, by the field's path."""
    found: dict[str, str] = {}
    for error in failure.errors:
        found.setdefault(error.field, error.to_json(lang)["message"])
    return found


def once(ctx: Context, work: Callable[[], str]) -> Response:
    """Do `work`, which returns the address to go on to, once for a form: a second press goes where the first one led."""
    import hashlib

    key = request.headers.get("Idempotency-Key") or request.form.get("_key", "")
    if not key or len(key) > 200:
        return render.go(work())
    fields = sorted(
        (name, text) for name, text in request.form.items(multi=True) if name not in ("csrf_token", "_key")
    )
    before = kept.begin(ctx, key, hashlib.sha256(repr((request.path, fields)).encode()).hexdigest())
    if before is not None:
        return render.go(dict(before.headers)["Location"])
    try:
        url = work()
    except Failure:
        kept.forget(ctx, key)
        raise
    kept.finish(ctx, key, kept.Answer(303, {"Location": url}, ""))
    return render.go(url)
