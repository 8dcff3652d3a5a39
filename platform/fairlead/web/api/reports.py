"""Reports over HTTP."""

from __future__ import annotations

from flask import Blueprint, Response, request

from fairlead.base.errors import Invalid
from fairlead.base.texts import Label
from fairlead.web.api.answers import json_answer
from fairlead.web.api.asked import only_parameters
from fairlead.web.request import context
from fairlead.work import reports

api = Blueprint("api_reports", __name__, url_prefix="/api/v1/reports")


@api.get("/<name>")
def report(name: str) -> Response:
    """Columns and rows of a report, under the caller's permissions; `.csv` and `.xlsx` give a file."""
    ctx = context("api")
    only_parameters("lang")
    lang = request.args.get("lang", ctx.actor.language)
    if lang not in ctx.app.workspace.languages:
        raise Invalid.field(
            "lang", "not_an_option", Label({"en": "There is no such language here.", "zh": "没有此语言。"})
        )
    stem, dot, ending = name.rpartition(".")
    if dot and ending in ("csv", "xlsx"):
        found = reports.run(ctx, stem, require_export=True)
        data, mimetype = reports.as_file(found, ending, lang)
        disposition = f'attachment; filename="{stem}.{ending}"'
        return Response(data, 200, {"Content-Disposition": disposition}, mimetype=mimetype)
    return json_answer(reports.run(ctx, name).to_json(lang))
