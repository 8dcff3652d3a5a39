"""Reports over HTTP."""

from __future__ import annotations

from flask import Blueprint, Response, request

from fairlead.web.api.answers import json_answer
from fairlead.web.request import context
from fairlead.work import reports

api = Blueprint("reports", __name__, url_prefix="/api/v1/reports")


@api.get("/<name>")
def report(name: str) -> Response:
    """Columns and rows of a report, under the caller's permissions; `.csv` and `.xlsx` give a file."""
    ctx = context("api")
    stem, dot, ending = name.rpartition(".")
    if dot and ending in ("csv", "xlsx"):
        found = reports.run(ctx, stem, require_export=True)
        data, mimetype = reports.as_file(found, ending, ctx.actor.language)
        disposition = f'attachment; filename="{stem}.{ending}"'
        return Response(data, 200, {"Content-Disposition": disposition}, mimetype=mimetype)
    if request.args.keys() - {"lang"}:
        from fairlead.base.errors import FieldError, Invalid
        from fairlead.base.texts import Label

        raise Invalid([
            FieldError(key, "unknown_field", Label({"en": "A report takes no such parameter.", "zh": "报表没有此参数。"}))
            for key in sorted(request.args.keys() - {"lang"})
        ])  # fmt: skip
    return json_answer(reports.run(ctx, name).to_json(ctx.actor.language))
