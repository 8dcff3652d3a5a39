"""Records over HTTP: lists, one record, its moves, bulk, history."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, Failure, FieldError, Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.web.api.answers import etag, json_answer, json_body, matched_version
from fairlead.web.api.once import once
from fairlead.web.request import context
from fairlead.work import pools, reading, records
from fairlead.work.context import Context
from fairlead.work.queries import DEFAULT_PAGE, MAX_PAGE, ListQuery

api = Blueprint("records", __name__, url_prefix="/api/v1")

MAX_BULK = 1000


@api.get("/<entity>")
def list_records(entity: str) -> Response:
    """One page of the records that the caller may see."""
    ctx = context("api")
    args = request.args
    page = reading.page(
        ctx, entity,
        ListQuery(
            filter=args.get("filter"), order_by=args.get("order_by"),
            page_size=_number("page_size", DEFAULT_PAGE, MAX_PAGE) or DEFAULT_PAGE, page_token=args.get("page_token"),
            page=_number("page", None, 100_000), search=_short(args.get("search")), fields=_names(args.get("fields")),
            view=args.get("view"), count=args.get("count") == "true",
        ),
    )  # fmt: skip
    wanted = _names(args.get("expand"))
    if wanted:
        reading.expand(ctx, entity, page.items, wanted)
    body: dict[str, Any] = {"items": page.items, "next_page_token": page.next_token}
    if page.total is not None:
        body["total"] = page.total
    return json_answer(body)


@api.post("/<entity>")
def create_record(entity: str) -> Response:
    """Create one record."""
    ctx = context("api")
    body = json_body()

    def work() -> Response:
        saved = records.create(ctx, entity, body)
        found = _visible(ctx, entity, saved)
        headers = {"Location": f"/api/v1/{entity}/{saved.id}", "ETag": etag(saved.version)}
        return json_answer(found, 201, headers)

    answer = once(ctx, body, work)
    return answer


@api.get("/<entity>/<id>")
def get_record(entity: str, id: str) -> Response:
    """One record."""
    ctx = context("api")
    found = reading.get(ctx, entity, id)
    wanted = _names(request.args.get("expand"))
    version = found["version"]
    if wanted:
        reading.expand(ctx, entity, [found], wanted)
    return json_answer(found, 200, {"ETag": etag(version)})


@api.patch("/<entity>/<id>")
def change_record(entity: str, id: str) -> Response:
    """Change fields of one record; `If-Match` says which version was changed."""
    ctx = context("api")
    body = json_body()
    version = matched_version(needed=True)
    # A stage is not a field like others: setting it is a move, under the same rules as on the board.
    stage = body.pop("stage", None)
    with _current_on_conflict(ctx, entity, id):
        if stage is not None:
            saved = records.move(ctx, entity, id, _text("stage", stage), version=version, given=body)
        else:
            saved = records.update(ctx, entity, id, body, version=version)
    return _saved(ctx, entity, saved)


@api.delete("/<entity>/<id>")
def delete_record(entity: str, id: str) -> Response:
    """Put one record into the recycle bin."""
    ctx = context("api")
    with _current_on_conflict(ctx, entity, id):
        records.delete(ctx, entity, id, version=matched_version(needed=False))
    return Response(status=204)


@api.post("/<entity>/<id>/claim")
def claim_record(entity: str, id: str) -> Response:
    """Take a record out of its pool."""
    ctx = context("api")
    saved = pools.claim(ctx, entity, id, idempotency_key=request.headers.get("Idempotency-Key"))
    return _saved(ctx, entity, saved)


@api.post("/<entity>/<id>/release")
def release_record(entity: str, id: str) -> Response:
    """Give a record back to its pool."""
    ctx = context("api")
    body = json_body()
    saved = pools.release(ctx, entity, id, reason=_text_or_none("reason", body), note=_text_or_none("note", body))
    return _saved(ctx, entity, saved)


@api.post("/<entity>/<id>/assign")
def assign_record(entity: str, id: str) -> Response:
    """Make somebody the owner."""
    ctx = context("api")
    body = json_body()
    saved = records.assign(
        ctx, entity, id, _text("owner", body.get("owner")), version=matched_version(needed=False),
        reason=_text_or_none("reason", body),
    )  # fmt: skip
    return _saved(ctx, entity, saved)


@api.post("/<entity>/<id>/move")
def move_record(entity: str, id: str) -> Response:
    """Move a record to another stage, with the fields asked for on the way in `values`."""
    ctx = context("api")
    body = json_body()
    values = body.get("values") or {}
    if not isinstance(values, dict):
        raise Invalid.field("values", "invalid", Label({"en": "Give an object.", "zh": "应为对象。"}))
    with _current_on_conflict(ctx, entity, id):
        saved = records.move(
            ctx, entity, id, _text("stage", body.get("stage") or body.get("to")), version=matched_version(needed=False),
            given=values, reason=_text_or_none("reason", body),
        )  # fmt: skip
    return _saved(ctx, entity, saved)


@api.post("/<entity>/bulk")
def bulk(entity: str) -> Response:
    """Up to 1,000 operations, each with its own answer, each in its own transaction."""
    ctx = context("api")
    body = json_body()
    operations = body.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise Invalid.field("operations", "invalid", Label({"en": "Give a list of operations.", "zh": "应为操作列表。"}))
    if len(operations) > MAX_BULK:
        raise Invalid.field("operations", "too_many", Label({"en": f"At most {MAX_BULK}.", "zh": f"最多 {MAX_BULK} 个。"}))
    answers = [_one_of_bulk(ctx, entity, one) for one in operations]
    return json_answer({"results": answers}, 207)


def _one_of_bulk(ctx: Context, entity: str, one: dict[str, Any]) -> dict[str, Any]:
    kind, id = one.get("op"), str(one.get("id") or "")
    values = one.get("values") if isinstance(one.get("values"), dict) else {}
    version = one.get("version") if isinstance(one.get("version"), int) else None
    try:
        if kind == "create":
            saved = records.create(ctx, entity, values)
        elif kind == "update":
            saved = records.update(ctx, entity, id, values, version=version)
        elif kind == "move":
            saved = records.move(ctx, entity, id, str(one.get("stage")), version=version, given=values,
                                 reason=_text_or_none("reason", one))  # fmt: skip
        elif kind == "assign":
            saved = records.assign(ctx, entity, id, str(one.get("owner")), version=version)
        elif kind == "claim":
            saved = pools.claim(ctx, entity, id)
        elif kind == "release":
            saved = pools.release(ctx, entity, id, reason=_text_or_none("reason", one))
        elif kind == "delete":
            records.delete(ctx, entity, id, version=version)
            return {"status": 204, "id": id}
        else:
            raise Invalid([FieldError("op", "not_an_option", Label({"en": "Unknown operation.", "zh": "未知操作。"}))])
    except Failure as failure:
        lang = ctx.actor.language
        answer: dict[str, Any] = {"status": failure.status, "code": failure.code, "detail": failure.message(lang)}
        if id:
            answer["id"] = id
        if isinstance(failure, Invalid):
            answer["errors"] = [error.to_json(lang) for error in failure.errors]
        return answer
    return {"status": 201 if kind == "create" else 200, "id": saved.id, "version": saved.version}


@api.get("/<entity>/<id>/history")
def history(entity: str, id: str) -> Response:
    """Who changed what, when; newest first."""
    ctx = context("api")
    limit = _number("page_size", 50, 200) or 50
    items = reading.record_history(ctx, entity, id, before=request.args.get("page_token"), limit=limit)
    token = items[-1]["id"] if len(items) == limit else None
    return json_answer({"items": items, "next_page_token": token})


@api.get("/<entity>/<id>/timeline")
def timeline(entity: str, id: str) -> Response:
    """Everything around a record, newest first."""
    from fairlead.work import timelines

    ctx = context("api")
    return json_answer({"items": timelines.timeline(ctx, entity, id)})


# ---------------------------------------------------------------- helpers of this door


def _saved(ctx: Context, entity: str, saved: records.Saved) -> Response:
    return json_answer(_visible(ctx, entity, saved), 200, {"ETag": etag(saved.version)})


def _visible(ctx: Context, entity: str, saved: records.Saved) -> dict[str, Any]:
    """Return the record as the caller sees it now; the change itself may have taken it out of sight."""
    try:
        return reading.get(ctx, entity, saved.id)
    except NotFound:
        return {"id": saved.id, "version": saved.version}


class _current_on_conflict:
    """Add what stands now to a conflict, as far as the caller may see it."""

    def __init__(self, ctx: Context, entity: str, id: str) -> None:
        self._ctx, self._entity, self._id = ctx, entity, id

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Conflict) and error.current is None:
            error.current = reading.get(self._ctx, self._entity, self._id)
            error.code = "stale"


def _number(name: str, default: int | None, most: int) -> int | None:
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not (text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid.field(name, "out_of_range", Label({"en": f"A number from 1 to {most}.", "zh": f"应为 1 至 {most} 的整数。"}))
    return int(text)


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def _short(text: str | None) -> str | None:
    return text[:200] if text else None


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Invalid.field(field, "required", Label({"en": "This is needed.", "zh": "此项必填。"}))
    return value


def _text_or_none(field: str, body: dict[str, Any]) -> str | None:
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 2000:
        raise Invalid.field(field, "invalid", Label({"en": "Give a text.", "zh": "应为文本。"}))
    return value
