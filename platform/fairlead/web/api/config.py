"""The life of a configuration over HTTP, for those who may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response

from fairlead.base.errors import FieldError, Forbidden, Invalid
from fairlead.base.problems import Problems
from fairlead.base.texts import Label
from fairlead.config.source import SourceTree
from fairlead.web.api.answers import json_answer, json_body
from fairlead.web.api.asked import only_keys, text_or_none
from fairlead.web.api.once import once
from fairlead.web.problems import problem
from fairlead.web.request import context, language
from fairlead.work import fitness, overtaken, plan_report, planning, publishing
from fairlead.work.context import Context
from fairlead.work.simulate import asked
from fairlead.work.simulate.answer import Limits

api = Blueprint("api_config", __name__, url_prefix="/api/v1/config")


MOST_SIMULATED = 10_000
"""Records that one request looks at."""

MOST_SECONDS = 20
"""A request for longer would hold up the others: the command line has more time."""


def _allowed() -> Context:
    ctx = context("api")
    if "configuration" not in ctx.app.capabilities(ctx.actor.roles):
        raise Forbidden(
            "forbidden", Label({"en": "Your role may not configure.", "zh": "您的角色不能修改配置。"})
        )
    return ctx


def _body(*keys: str) -> dict[str, Any]:
    # What may stand in a document is for the reader of documents to say, with file and line.
    body = json_body(any_text=True)
    only_keys(body, "files", *keys)
    return body


def _tree(body: dict[str, Any]) -> SourceTree:
    files = body.get("files")
    if not isinstance(files, dict) or not all(
        k.isprintable() and isinstance(v, str) for k, v in files.items()
    ):
        raise Invalid(
            [FieldError("files", "invalid", Label({"en": "Give path → text.", "zh": "应为“路径 → 文本”。"}))]
        )
    return SourceTree.from_mapping(files)


def _base(body: dict[str, Any], stands: int | None) -> int | None:
    """Return the revision that the caller's plan was made on, where they said it."""
    base = body.get("base")
    return base if isinstance(base, int) and not isinstance(base, bool) else stands


def _broken(problems: Problems) -> Response:
    message = Label({
        "en": f"The configuration has {len(problems)} problems.", "zh": f"配置中有 {len(problems)} 个问题。",
    })  # fmt: skip
    return problem(422, "config", message.get(language()), errors=problems.to_json())


@api.post("/check")
def check() -> Response:
    """All problems of a set of files; 422 when one of them keeps it from being published."""
    _allowed()
    problems = publishing.check(_tree(_body()))
    if problems.has_errors:
        return _broken(problems)
    return json_answer({"problems": problems.to_json(), "ok": not problems.has_errors})


@api.post("/plan")
def plan() -> Response:
    """What publishing a set of files would change."""
    ctx = _allowed()
    try:
        return json_answer(plan_report.to_json(planning.plan(ctx.database, _tree(_body()))))
    except planning.Broken as error:
        return _broken(error.problems)


@api.post("/apply")
def apply() -> Response:
    """Publish a set of files; `seal` must be the one of the plan that was read, `base` the revision in force."""
    ctx = _allowed()
    body = _body("seal", "base", "message", "allow_destructive")

    def work() -> Response:
        fitness.assure_fit(ctx.database, ctx.app)
        try:
            planned = planning.plan(ctx.database, _tree(body))
            for name, stands in (("seal", planned.seal), ("base", planned.base)):
                if body.get(name) is not None and body[name] != stands:
                    raise overtaken.stale(ctx.database, _base(body, planned.base))
            applied = publishing.apply(
                ctx.database, planned, author=ctx.actor.username, message=text_or_none("message", body),
                source="api", allow_destructive=body.get("allow_destructive") is True,
            )  # fmt: skip
        except planning.Broken as error:
            return _broken(error.problems)
        return json_answer(
            {"revision": applied.revision, "changed": applied.changed, "plan": plan_report.to_json(planned)}
        )

    return once(ctx, body, work)


@api.post("/simulate")
def simulate() -> Response:
    """What publishing a set of files would do to today's records; shows no more than the caller may see."""
    ctx = _allowed()
    body = _body("what", "name", "since_days", "last", "limit", "seconds")
    what = text_or_none("what", body)
    if what not in asked.WHATS:
        names = ", ".join(asked.WHATS)
        raise Invalid.field(
            "what", "not_an_option", Label({"en": f"One of {names}.", "zh": f"应为 {names} 之一。"})
        )
    since, last = _whole("since_days", body, 3_650), _whole("last", body, MOST_SIMULATED)
    limits = Limits(
        _whole("limit", body, MOST_SIMULATED) or MOST_SIMULATED,
        _whole("seconds", body, MOST_SECONDS) or MOST_SECONDS,
    )
    question = asked.Question(
        what, text_or_none("name", body, most=100) or "", None if since is None else timedelta(days=since), last, limits,
        language(),
    )  # fmt: skip
    try:
        answer = asked.simulate(ctx.database, ctx.app, _tree(body), question, ctx.actor, ctx.now)
    except planning.Broken as error:
        return _broken(error.problems)
    return json_answer(answer.to_json(language()))


def _whole(name: str, body: dict[str, Any], most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        said = Label({"en": f"A whole number from 1 to {most:,}.", "zh": f"应为 1 至 {most:,} 的整数。"})
        raise Invalid.field(name, "out_of_range", said)
    return value
