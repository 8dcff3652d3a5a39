"""Health, readiness, metrics, and the description of the API."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response

from fairlead.web.api.answers import json_answer
from fairlead.web.api.asked import only_parameters
from fairlead.web.request import context, services
from fairlead.work import health, reports

api = Blueprint("api_meta", __name__)


@api.get("/healthz")
def healthz() -> Response:
    """The process lives."""
    return json_answer({"status": "ok"})


@api.get("/favicon.ico")
def favicon() -> Response:
    """Browsers ask for it where a page names no icon; there is nothing to see."""
    return Response(status=204)


@api.get("/readyz")
def readyz() -> Response:
    """The process can serve: the database answers and a revision is in force."""
    own = services()
    found = health.readiness(own.database, own.applications)
    return json_answer(found, 200 if found["ready"] else 503)


@api.get("/metrics")
def metrics() -> Response:
    """Counts for Prometheus; nothing about anybody."""
    own = services()
    return Response(health.metrics(own.database, own.applications), mimetype="text/plain; version=0.0.4")


@api.get("/api/v1/openapi.json")
def openapi() -> Response:
    """The API of the published configuration, as far as it is the caller's."""
    from fairlead.compiled.openapi import Reader, openapi_document

    ctx = context("api")
    app, roles = ctx.app, ctx.actor.roles
    only_parameters()

    def describe() -> bytes:
        reader = Reader(
            lambda entity: app.access(entity, roles),
            reports.open_to(ctx),
            "configuration" in app.capabilities(roles),
        )
        return orjson.dumps(openapi_document(app.workspace, revision=app.revision, reader=reader))

    body = app.memo(("openapi", roles), describe)
    return Response(body, mimetype="application/json")
