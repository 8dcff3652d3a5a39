"""Why somebody can or cannot see or do something, over HTTP, for those who look after people and the configuration."""

from __future__ import annotations

from flask import Blueprint, Response, request

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label
from fairlead.web.api.answers import json_answer
from fairlead.web.api.asked import only_parameters
from fairlead.web.request import context, language
from fairlead.work import console, why, why_actions, why_rules
from fairlead.work.context import Context
from fairlead.work.why import Answer, Unanswerable

api = Blueprint("api_why", __name__, url_prefix="/api/v1/config")

_NEEDED = {
    "read": ("user", "record"),
    "field": ("user", "record", "field"),
    "action": ("user", "record", "action"),
    "rule": ("rule", "record"),
}
_MISSING = Label({"en": "This is needed.", "zh": "此项必填。"})
_QUESTIONS = Label({"en": "Say read, field, action or rule.", "zh": "应为 read、field、action 或 rule。"})
_RECORD = Label({"en": "A record is written ENTITY/ID.", "zh": "记录应写为“实体/编号”。"})


@api.get("/why")
def ask() -> Response:
    """One question about one record; it tells whose the record is, so it is for those who may change rights anyway."""
    ctx = context("api")
    for capability in ("configuration", "people"):
        console.require(ctx, capability)
    only_parameters("question", "user", "record", "field", "action", "stage", "rule")
    question = request.args.get("question", "")
    if question not in _NEEDED:
        raise Invalid([FieldError("question", "not_an_option", _QUESTIONS)])
    missing = [name for name in _NEEDED[question] if not request.args.get(name)]
    if missing:
        raise Invalid([FieldError(name, "required", _MISSING) for name in missing])
    try:
        return json_answer(_answer(ctx, question).to_json(language()))
    except Unanswerable as error:
        raise Invalid([FieldError("question", "unknown", Label.of(str(error)))]) from error


def _answer(ctx: Context, question: str) -> Answer:
    given = request.args
    entity, slash, id = given["record"].partition("/")
    if not (entity and slash and id):
        raise Invalid([FieldError("record", "invalid", _RECORD)])
    if question == "rule":
        return why_rules.why_rule(ctx, given["rule"], entity, id)
    if question == "field":
        return why.why_field(ctx, given["user"], entity, id, given["field"])
    if question == "action":
        return why_actions.why_action(
            ctx, given["user"], entity, id, given["action"], stage=given.get("stage") or None
        )
    return why.why_read(ctx, given["user"], entity, id)
