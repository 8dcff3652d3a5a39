"""What can be chosen while somebody types into a picker."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fairlead.web.api.answers import json_answer
from fairlead.web.request import context
from fairlead.work import choosing, forms
from fairlead.work.records import entity_of

screen = Blueprint("options", __name__)


@screen.get("/o/<target>")
def options(target: str) -> Response:
    """Records of one entity or of several, people or teams, that fit the words."""
    ctx = context("ui")
    found = choosing.options(ctx, target, request.args.get("q", ""))
    items: list[dict[str, Any]] = [
        {"id": one.id, "title": one.title, "detail": one.detail or ""} for one in found
    ]
    return json_answer({"items": items})


@screen.get("/o/<entity>/line/<table>")
def line(entity: str, table: str) -> Response:
    """What the empty fields of a line would be filled with, as its other fields stand."""
    ctx = context("ui")
    compiled = entity_of(ctx, entity)
    spec = compiled.entity.fields.get(table)
    given = {key: value for key, value in request.args.items() if value}
    filled = (
        forms.row_defaults(ctx, compiled, table, given) if spec is not None and spec.kind == "table" else {}
    )
    return json_answer({"values": filled})
