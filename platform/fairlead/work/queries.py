"""What a list request asks: filter, order, page; from texts to shapes, refused in words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label
from fairlead.compiled.reads import Order, unknown_field
from fairlead.compiled.shapes import build_shapes
from fairlead.expr.check import Expression, compile_expression
from fairlead.expr.types import BOOL, Scope
from fairlead.work.context import Context
from fairlead.work.records import roles_of

MAX_PAGE = 200
DEFAULT_PAGE = 50
MAX_FILTER = 4000
MAX_OFFSET = 1_000_000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One list request. Texts are as they came from the outside."""

    filter: str | None = None
    order_by: str | None = None
    page_size: int = DEFAULT_PAGE
    page_token: str | None = None
    page: int | None = None
    search: str | None = None
    fields: tuple[str, ...] | None = None
    view: str | None = None
    """A view of the entity's list document, by name."""
    count: bool = False


def parse_filter(ctx: Context, entity: str, text: str) -> Expression:
    """Return an API filter as a checked expression; checked once for each text.

    Raises:
        Invalid: `filter`, with what is wrong and where; a field that may not be seen answers like one that
            does not exist.
    """
    if len(text) > MAX_FILTER:
        raise Invalid([FieldError("filter", "filter_too_large", Label({
            "en": f"A filter has at most {MAX_FILTER} characters.", "zh": f"筛选条件最多 {MAX_FILTER} 个字符。",
        }))])  # fmt: skip
    roles = roles_of(ctx)
    return ctx.app.memo(("filter", entity, roles, text), lambda: _compile_filter(ctx, entity, text))  # type: ignore[no-any-return]


def _compile_filter(ctx: Context, entity: str, text: str) -> Expression:
    shapes = ctx.app.memo("shapes", lambda: build_shapes(ctx.app.workspace))
    found = compile_expression(text, Scope(record=shapes[entity], bare_fields=True), expect=BOOL, sql=True)
    access = ctx.app.access(entity, roles_of(ctx))
    if not isinstance(found, Expression):
        errors: list[FieldError] = []
        for problem in found:
            if problem.code in ("unknown_name", "unknown_field", "name_not_allowed"):
                name = text[problem.start : problem.end].rpartition(".")[2]
                errors += unknown_field(name, access.readable, where="filter").errors
                continue
            code = (
                "filter_too_large"
                if problem.code in ("too_deep", "too_large", "too_expensive")
                else problem.code
            )
            hint = f" ({problem.hint})" if problem.hint else ""
            errors.append(
                FieldError("filter", code, f"{problem.message}{hint}, at character {problem.start + 1}")
            )
        raise Invalid(errors)
    for path in found.uses:
        check_path(ctx, entity, path)
    return found


def check_path(ctx: Context, entity: str, path: tuple[str, ...]) -> None:
    """A path through a reference reads another entity: the reader must be free to see all of it, or nothing of what
    may not be seen would stay unknown.

    Raises:
        Invalid: `unknown_field`.
    """
    roles = roles_of(ctx)
    access = ctx.app.access(entity, roles)
    if path[0] not in access.readable:
        raise unknown_field(path[0], access.readable, where="filter")
    spec = ctx.app.workspace.entities[entity].fields.get(path[0])
    if len(path) == 1 or spec is None or spec.kind in ("user", "team"):
        return
    if spec.kind == "table":
        if f"{path[0]}.{path[1]}" not in access.readable:
            raise unknown_field(path[1], access.readable, where="filter")
        return
    target = str(spec.params.get("entity"))
    if target not in ctx.app.entities:
        raise unknown_field(path[1], access.readable, where="filter")
    other = ctx.app.access(target, roles)
    if path[1] not in other.readable or other.rows((path[1],)) is not None:
        raise unknown_field(path[1], other.readable, where="filter")
    if len(path) > 2:
        check_path(ctx, target, path[1:])


def parse_order(ctx: Context, entity: str, text: str | None, default: Order) -> Order:
    """Return `amount desc,id` as pairs.

    Raises:
        Invalid: An unknown field, a word that is not asc or desc, or more than three keys.
    """
    if not text:
        return default
    access = ctx.app.access(entity, roles_of(ctx))
    found: list[tuple[str, bool]] = []
    for part in text.split(","):
        words = part.split()
        if (
            not words
            or len(words) > 2
            or (len(words) == 2 and words[1].lower() not in ("asc", "desc"))
            or len(found) > 2
        ):
            raise unknown_field(part.strip()[:60], access.readable, where="order_by")
        if words[0] not in access.readable or "." in words[0]:
            raise unknown_field(words[0][:60], access.readable, where="order_by")
        found.append((words[0], len(words) == 2 and words[1].lower() == "desc"))
    return tuple(found)


def encode_token(order: Order, value: Any, id: str) -> str:
    """Return the token of the page after the row with this order value and id."""
    return base64.urlsafe_b64encode(orjson.dumps([_order_text(order), value, id])).decode().rstrip("=")


def offset_token(order: Order, offset: int) -> str:
    """Return the token of a page by position, for orders by several fields."""
    return base64.urlsafe_b64encode(orjson.dumps([_order_text(order), offset])).decode().rstrip("=")


def decode_token(order: Order, token: str) -> tuple[Any, str] | int:
    """Return (value, id) or an offset.

    Raises:
        Invalid: It is no token of ours, or belongs to another order.
    """
    try:
        found = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if found[0] != _order_text(order):
            raise ValueError
        if len(found) == 2 and type(found[1]) is int and 0 <= found[1] <= MAX_OFFSET:
            return int(found[1])
        if (
            len(found) != 3
            or not isinstance(found[2], str)
            or not isinstance(found[1], (str, int, bool, type(None)))
        ):
            raise ValueError
        return found[1], found[2]
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise no_such_page() from error


def no_such_page() -> Invalid:
    """Return the refusal of a page token that is not ours, or belongs to another list."""
    return Invalid([FieldError("page_token", "invalid", Label({
        "en": "This page token does not belong to this list.", "zh": "此分页标记不属于该列表。",
    }))])  # fmt: skip


def _order_text(order: Sequence[tuple[str, bool]]) -> str:
    return ",".join(f"{name}{'-' if down else ''}" for name, down in order)
