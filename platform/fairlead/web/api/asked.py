"""What a request asks for, read strictly: a parameter or a key that is not understood is never passed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label

MAX_TEXT = 2000
MAX_SEARCH = 200

_NEEDED = Label({"en": "This is needed.", "zh": "此项必填。"})
_TEXT = Label({"en": "Give a text.", "zh": "应为文本。"})
_OBJECT = Label({"en": "Give an object.", "zh": "应为对象。"})
_VERSION = Label({"en": "Give the version as a whole number.", "zh": "版本应为整数。"})


def only_parameters(*known: str) -> None:
    """Refuse parameters of the address that mean nothing here.

    Raises:
        Invalid: `unknown_field`, each named.
    """
    strange = sorted(set(request.args) - set(known))
    if strange:
        raise Invalid([
            FieldError(name[:60], "unknown_field", Label({
                "en": f"There is no parameter {name[:60]!r} here.", "zh": f"这里没有参数“{name[:60]}”。",
            }))
            for name in strange
        ])  # fmt: skip


def only_keys(body: Mapping[str, Any], *known: str) -> None:
    """Refuse keys of a body that mean nothing here.

    Raises:
        Invalid: `unknown_field`, each named.
    """
    strange = [name for name in body if name not in known]
    if strange:
        raise Invalid([
            FieldError(name[:60], "unknown_field", Label({
                "en": f"There is no {name[:60]!r} here.", "zh": f"这里没有“{name[:60]}”。",
            }))
            for name in strange
        ])  # fmt: skip


def whole_number(name: str, default: int | None, most: int) -> int | None:
    """Return a parameter from 1 to `most`.

    Raises:
        Invalid: `out_of_range`.
    """
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise Invalid.field(
            name,
            "out_of_range",
            Label({"en": f"A number from 1 to {most}.", "zh": f"应为 1 至 {most} 的整数。"}),
        )
    return int(text)


def yes_or_no(name: str) -> bool:
    """Return a parameter that is `true` or `false`.

    Raises:
        Invalid: `not_an_option`.
    """
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise Invalid.field(
            name, "not_an_option", Label({"en": "Say true or false.", "zh": "应为 true 或 false。"})
        )
    return text == "true"


def names(name: str) -> tuple[str, ...] | None:
    """Return the names in a parameter, parted by commas."""
    text = request.args.get(name)
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def words(name: str) -> str | None:
    """Return a parameter of words to find.

    Raises:
        Invalid: `too_long`.
    """
    text = request.args.get(name)
    if text and len(text) > MAX_SEARCH:
        raise Invalid.field(name, "too_long", Label({
            "en": f"At most {MAX_SEARCH} characters.", "zh": f"最多 {MAX_SEARCH} 个字符。",
        }))  # fmt: skip
    return text or None


def text_of(field: str, body: Mapping[str, Any], *, most: int = MAX_TEXT) -> str:
    """Return a text that a body must have.

    Raises:
        Invalid: `required`, `invalid` or `too_long`.
    """
    found = text_or_none(field, body, most=most)
    if not found:
        raise Invalid.field(field, "required", _NEEDED)
    return found


def text_or_none(field: str, body: Mapping[str, Any], *, most: int = MAX_TEXT) -> str | None:
    """Return a text that a body may have.

    Raises:
        Invalid: `invalid` or `too_long`.
    """
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid.field(field, "invalid", _TEXT)
    if len(value) > most:
        raise Invalid.field(
            field, "too_long", Label({"en": f"At most {most} characters.", "zh": f"最多 {most} 个字符。"})
        )
    return value


def object_of(field: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object that a body may have.

    Raises:
        Invalid: `invalid`.
    """
    value = body.get(field)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid.field(field, "invalid", _OBJECT)
    return value


def version_of(body: Mapping[str, Any]) -> int | None:
    """Return the version in a body.

    Raises:
        Invalid: `invalid`.
    """
    value = body.get("version")
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Invalid.field("version", "invalid", _VERSION)
    return value
