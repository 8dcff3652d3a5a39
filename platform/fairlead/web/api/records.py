"""Records over HTTP: lists, one record, its moves, bulk, history."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, Failure, FieldError, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.reads import unknown_field
from fairlead.web.api.answers import etag, json_answer, json_body, matched_version
from fairlead.web.api.asked import (
    names,
    object_of,
    only_keys,
    only_parameters,
    text_of,
    text_or_none,
    version_of,
    whole_number,
    words,
    yes_or_no,
)  # fmt: skip
from fairlead.web.api.once import once
from fairlead.web.problems import refusal_json
from fairlead.web.request import context
from fairlead.work import pools, reading, records, timelines
from fairlead.work.context import Context
from fairlead.work.opened import open_record
from fairlead.work.queries import DEFAULT_PAGE, MAX_PAGE, ListQuery

api = Blueprint("api_records", __name__, url_prefix="/api/v1")

MAX_BULK = 1000

_LIST = (
    "filter", "order_by", "page_size", "page_token", "page", "search", "fields", "view", "count", "expand",
)  # fmt: skip


@api.get("/<entity>")
def list_records(entity: str) -> Response:
    """One page of the records that the caller may see."""
    ctx = context("api")
    only_parameters(*_LIST)
    args = request.args
    page = reading.page(
        ctx, entity,
        ListQuery(
            filter=args.get("filter"), order_by=args.get("order_by"),
            page_size=whole_number("page_size", DEFAULT_PAGE, MAX_PAGE) or DEFAULT_PAGE, page_token=args.get("page_token"),
            page=whole_number("page", None, 100_000), search=words("search"), fields=names("fields"),
            view=args.get("view"), count=yes_or_no("count"),
        ),
    )  # fmt: skip
    wanted = names("expand")
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

    return once(ctx, body, work)


@api.get("/<entity>/<id>")
def get_record(entity: str, id: str) -> Response:
    """One record."""
    ctx = context("api")
    only_parameters("fields", "expand")
    found = reading.get(ctx, entity, id)
    version = found["version"]
    wanted = names("expand")
    if wanted:
        reading.expand(ctx, entity, [found], wanted)
    chosen = names("fields")
    if chosen is not None:
        known = frozenset(name for name in found if not name.startswith("_"))
        for name in chosen:
            if name not in known:
                raise unknown_field(name[:60], known, where="fields")
        found = {
            name: found[name]
            for name in found
            if name in chosen or name in ("id", "version", "_hidden", "_masked")
        }
    return json_answer(found, 200, {"ETag": etag(version)})


@api.patch("/<entity>/<id>")
def change_record(entity: str, id: str) -> Response:
    """Change fields of one record; `If-Match` says which version was changed."""
    ctx = context("api")
    body = json_body()
    version = matched_version(needed=True)
    with _current_on_conflict(ctx, entity, id):
        return _saved(ctx, entity, _change(ctx, entity, id, body, version))


def _change(
    ctx: Context, entity: str, id: str, body: Mapping[str, Any], version: int | None
) -> records.Saved:
    """Change fields. A stage is not a field like others: setting it is a move, under the same rules as on the board."""
    compiled = ctx.app.entity(entity)
    if "stage" not in body or compiled is None or compiled.machine is None:
        return records.update(ctx, entity, id, body, version=version)
    rest = {name: value for name, value in body.items() if name != "stage"}
    try:
        return records.move(ctx, entity, id, text_of("stage", body), version=version, given=rest)
    except Refused as refusal:
        if refusal.code != "move.already-there" or not rest:
            raise
    # Somebody sends back what was read, with the stage as it stands: only the rest is a change.
    return records.update(ctx, entity, id, rest, version=version)


@api.delete("/<entity>/<id>")
def delete_record(entity: str, id: str) -> Response:
    """Put one record into the recycle bin."""
    ctx = context("api")
    version = matched_version(needed=False)
    with _current_on_conflict(ctx, entity, id):
        records.delete(ctx, entity, id, version=version)
    return Response(status=204)


@api.post("/<entity>/<id>/claim")
def claim_record(entity: str, id: str) -> Response:
    """Take a record out of its pool."""
    ctx = context("api")
    key = request.headers.get("Idempotency-Key")

    def work(_: Mapping[str, Any], version: int | None) -> records.Saved:
        _still(ctx, entity, id, version)
        return pools.claim(ctx, entity, id, idempotency_key=key)

    return _act(ctx, entity, id, (), work)


@api.post("/<entity>/<id>/release")
def release_record(entity: str, id: str) -> Response:
    """Give a record back to its pool."""
    ctx = context("api")

    def work(body: Mapping[str, Any], version: int | None) -> records.Saved:
        _still(ctx, entity, id, version)
        return pools.release(
            ctx, entity, id, reason=text_or_none("reason", body), note=text_or_none("note", body)
        )

    return _act(ctx, entity, id, ("reason", "note"), work)


@api.post("/<entity>/<id>/assign")
def assign_record(entity: str, id: str) -> Response:
    """Make somebody the owner."""
    ctx = context("api")

    def work(body: Mapping[str, Any], version: int | None) -> records.Saved:
        owner, reason = text_of("owner", body), text_or_none("reason", body)
        return records.assign(ctx, entity, id, owner, version=version, reason=reason)

    return _act(ctx, entity, id, ("owner", "reason"), work)


@api.post("/<entity>/<id>/move")
def move_record(entity: str, id: str) -> Response:
    """Move a record to another stage, with the fields asked for on the way in `values`."""
    ctx = context("api")

    def work(body: Mapping[str, Any], version: int | None) -> records.Saved:
        stage = text_of("to" if "to" in body else "stage", body)
        values, reason = object_of("values", body), text_or_none("reason", body)
        return records.move(ctx, entity, id, stage, version=version, given=values, reason=reason)

    return _act(ctx, entity, id, ("stage", "to", "values", "reason"), work)


def _act(
    ctx: Context, entity: str, id: str, keys: tuple[str, ...],
    work: Callable[[Mapping[str, Any], int | None], records.Saved],
) -> Response:  # fmt: skip
    """Do one of the moves of a record; the same request twice is done once."""
    body = json_body()

    def done() -> Response:
        only_keys(body, *keys)
        version = matched_version(needed=False)
        with _current_on_conflict(ctx, entity, id):
            return _saved(ctx, entity, work(body, version))

    return once(ctx, body, done)


# ---------------------------------------------------------------- bulk


@api.post("/<entity>/bulk")
def bulk(entity: str) -> Response:
    """Up to 1,000 operations, each with its own answer, each in its own transaction."""
    ctx = context("api")
    body = json_body()
    only_keys(body, "operations")
    operations = body.get("operations")
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise Invalid.field(
            "operations", "invalid", Label({"en": "Give a list of operations.", "zh": "应为操作列表。"})
        )
    if len(operations) > MAX_BULK:
        raise Invalid.field(
            "operations", "too_many", Label({"en": f"At most {MAX_BULK}.", "zh": f"最多 {MAX_BULK} 个。"})
        )
    records.entity_of(ctx, entity)
    return once(
        ctx, body, lambda: json_answer({"results": [_one(ctx, entity, one) for one in operations]}, 207)
    )


def _one(ctx: Context, entity: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """Do one operation of many; that it cannot be done is its answer, and does not stop the others."""
    id = one.get("id")
    named = {"id": id} if isinstance(id, str) else {}
    try:
        kind = _kind(one)
        saved = _OPERATIONS[kind][1](ctx, entity, one)
    except Failure as failure:
        if isinstance(failure, Conflict) and failure.status == 412:
            failure.code, failure.current = "stale", _now(ctx, entity, str(id))
        return {**refusal_json(failure), **named}
    if saved is None:
        return {"status": 204, **named}
    return {"status": 201 if kind == "create" else 200, "id": saved.id, "version": saved.version}


def _kind(one: Mapping[str, Any]) -> str:
    kind = one.get("op")
    if not isinstance(kind, str) or kind not in _OPERATIONS:
        raise Invalid(
            [FieldError("op", "not_an_option", Label({"en": "Unknown operation.", "zh": "未知操作。"}))]
        )
    only_keys(one, "op", *_OPERATIONS[kind][0])
    return kind


def _bulk_update(ctx: Context, entity: str, one: Mapping[str, Any]) -> records.Saved:
    return _change(ctx, entity, text_of("id", one), object_of("values", one), version_of(one))


def _bulk_move(ctx: Context, entity: str, one: Mapping[str, Any]) -> records.Saved:
    return records.move(
        ctx, entity, text_of("id", one), text_of("to" if "to" in one else "stage", one), version=version_of(one),
        given=object_of("values", one), reason=text_or_none("reason", one),
    )  # fmt: skip


def _bulk_assign(ctx: Context, entity: str, one: Mapping[str, Any]) -> records.Saved:
    return records.assign(
        ctx,
        entity,
        text_of("id", one),
        text_of("owner", one),
        version=version_of(one),
        reason=text_or_none("reason", one),
    )


def _bulk_release(ctx: Context, entity: str, one: Mapping[str, Any]) -> records.Saved:
    return pools.release(
        ctx, entity, text_of("id", one), reason=text_or_none("reason", one), note=text_or_none("note", one)
    )


def _bulk_delete(ctx: Context, entity: str, one: Mapping[str, Any]) -> None:
    records.delete(ctx, entity, text_of("id", one), version=version_of(one))


_OPERATIONS: Mapping[str, tuple[tuple[str, ...], Callable[..., records.Saved | None]]] = {
    "create": (("values",), lambda ctx, entity, one: records.create(ctx, entity, object_of("values", one))),
    "update": (("id", "version", "values"), _bulk_update),
    "move": (("id", "version", "stage", "to", "values", "reason"), _bulk_move),
    "assign": (("id", "version", "owner", "reason"), _bulk_assign),
    "claim": (("id",), lambda ctx, entity, one: pools.claim(ctx, entity, text_of("id", one))),
    "release": (("id", "reason", "note"), _bulk_release),
    "delete": (("id", "version"), _bulk_delete),
}
"""Operation → the keys that may come with it, and what does it."""


# ---------------------------------------------------------------- history


@api.get("/<entity>/<id>/history")
def history(entity: str, id: str) -> Response:
    """Who changed what, when; newest first."""
    ctx = context("api")
    only_parameters("page_size", "page_token")
    limit = whole_number("page_size", 50, 200) or 50
    token = request.args.get("page_token")
    if token and not _EVENT.fullmatch(token):
        raise Invalid.field("page_token", "invalid", Label({
            "en": "This page token does not belong to this list.", "zh": "此分页标记不属于该列表。",
        }))  # fmt: skip
    items = reading.record_history(ctx, entity, id, before=token or None, limit=limit)
    following = items[-1]["id"] if len(items) == limit else None
    return json_answer({"items": items, "next_page_token": following})


_EVENT = re.compile(r"[0-9A-Za-z_-]{1,40}")


@api.get("/<entity>/<id>/timeline")
def timeline(entity: str, id: str) -> Response:
    """Everything around a record, newest first."""
    ctx = context("api")
    only_parameters("page_size", "page_token")
    limit = whole_number("page_size", 50, 200) or 50
    page = timelines.timeline_of(
        ctx, open_record(ctx, entity, id), after=request.args.get("page_token") or None, limit=limit
    )
    return json_answer({"items": page.entries, "next_page_token": page.next})


# ---------------------------------------------------------------- helpers of this door


def _saved(ctx: Context, entity: str, saved: records.Saved) -> Response:
    return json_answer(_visible(ctx, entity, saved), 200, {"ETag": etag(saved.version)})


def _visible(ctx: Context, entity: str, saved: records.Saved) -> dict[str, Any]:
    """Return the record as the caller sees it now; the change itself may have taken it out of sight."""
    try:
        return reading.get(ctx, entity, saved.id)
    except NotFound:
        return {"id": saved.id, "version": saved.version}


def _now(ctx: Context, entity: str, id: str) -> dict[str, Any] | None:
    try:
        return reading.get(ctx, entity, id)
    except NotFound:
        return None


def _still(ctx: Context, entity: str, id: str, version: int | None) -> None:
    """Make sure that a record is as the caller saw it, where the move itself asks for no version."""
    if version is not None:
        found = reading.get(ctx, entity, id)
        if found["version"] != version:
            raise Conflict(id, expected=version, current=found, code="stale")


class _current_on_conflict:  # noqa: N801 - reads like the function it stands for
    """Add what stands now to a conflict, as far as the caller may see it."""

    def __init__(self, ctx: Context, entity: str, id: str) -> None:
        self._ctx, self._entity, self._id = ctx, entity, id

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Conflict) and error.current is None:
            error.current = reading.get(self._ctx, self._entity, self._id)
            error.code = "stale"
