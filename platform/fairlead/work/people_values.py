"""Read what was given for an account or a team: strictly, with every problem named."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn
from zoneinfo import available_timezones

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import LANGUAGES, Label, did_you_mean
from fairlead.work.context import Context

THEMES = ("auto", "light", "dark")

PERSON = (
    "username", "name", "name_zh", "email", "language", "zone", "theme", "active", "roles", "manager_id", "teams",
)  # fmt: skip
"""What is kept of an account and told in its history; the password is neither."""


def fold_username(text: str) -> str:
    """Return the one form in which a user name is kept and looked up."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def fold_email(text: str) -> str:
    """Return the one form in which an address is kept and compared."""
    return unicodedata.normalize("NFKC", text).strip().lower()


class PersonValues:
    """What was given for an account, read strictly: every problem is named, unknown keys too."""

    def __init__(
        self,
        ctx: Context,
        given: Mapping[str, object],
        *,
        required: tuple[str, ...] = (),
        only: tuple[str, ...] = (*PERSON, "password"),
    ) -> None:
        self._ctx = ctx
        self._given = given
        self._required = required
        self._only = only

    def clean(self) -> dict[str, Any]:
        """Return the values as they are kept.

        Raises:
            Invalid: With an error for each.
        """
        errors = [
            FieldError(name, "required", _REQUIRED) for name in self._required if name not in self._given
        ]
        found: dict[str, Any] = {}
        for name, value in self._given.items():
            if name not in self._only:
                hint = did_you_mean(name, self._only)
                en = f"There is no field {name!r} here." + (f" Did you mean {hint!r}?" if hint else "")
                errors.append(
                    FieldError(name, "unknown_field", Label({"en": en, "zh": f"没有字段“{name}”。"}))
                )
                continue
            try:
                found[name] = self._one(name, value)
            except Invalid as failure:
                errors += failure.errors
        if errors:
            raise Invalid(errors)
        return found

    def _one(self, name: str, value: object) -> object:
        match name:
            case "username":
                return _username(value)
            case "name":
                return line(name, value)
            case "email":
                return _email(value)
            case "active":
                if not isinstance(value, bool):
                    _refuse(name, "invalid", _INVALID)
                return value
            case "roles":
                return self._roles(value)
            case "teams":
                return tuple(dict.fromkeys(_texts(name, value)))
            case "password":
                if not isinstance(value, str):
                    _refuse(name, "invalid", _INVALID)
                return value
            case _:
                return None if value in (None, "") else self._optional(name, value)

    def _optional(self, name: str, value: object) -> str:
        text = line(name, value)
        choices: Iterable[str] | None = {
            "language": LANGUAGES,
            "theme": THEMES,
            "zone": available_timezones() if name == "zone" else (),
        }.get(name)
        if choices is not None and text not in choices:
            hint = did_you_mean(text, choices)
            en = f"{text!r} is not one of the choices." + (f" Did you mean {hint!r}?" if hint else "")
            _refuse(name, "unknown_option", Label({"en": en, "zh": f"“{text}”不在可选范围内。"}))
        return text

    def _roles(self, value: object) -> tuple[str, ...]:
        roles = tuple(dict.fromkeys(_texts("roles", value)))
        known = self._ctx.app.workspace.roles
        for role in roles:
            if role not in known:
                hint = did_you_mean(role, known)
                en = f"There is no role {role!r}." + (f" Did you mean {hint!r}?" if hint else "")
                _refuse("roles", "unknown_option", Label({"en": en, "zh": f"没有角色“{role}”。"}))
        return roles


def team_values(given: Mapping[str, object], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what was given for a team, as it is kept.

    Raises:
        Invalid: With an error for each problem.
    """
    errors = [FieldError(name, "required", _REQUIRED) for name in required if name not in given]
    found: dict[str, Any] = {}
    for name, value in given.items():
        try:
            if name == "code":
                found[name] = _username(value, field="code")
            elif name == "name":
                found[name] = line(name, value)
            elif name in ("name_zh", "parent_id", "head_id"):
                found[name] = None if value in (None, "") else line(name, value)
            else:
                en = f"There is no field {name!r} here."
                errors.append(
                    FieldError(name, "unknown_field", Label({"en": en, "zh": f"没有字段“{name}”。"}))
                )
        except Invalid as failure:
            errors += failure.errors
    if errors:
        raise Invalid(errors)
    return found


def _refuse(field: str, code: str, message: Label) -> NoReturn:
    raise Invalid.field(field, code, message)


def _texts(field: str, value: object) -> list[str]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) for one in value):
        _refuse(field, "invalid", _INVALID)
    return [str(one) for one in value]


def line(field: str, value: object, *, most: int = 120) -> str:
    """Return one line of text, without what could hide or turn around other text."""
    if not isinstance(value, str):
        _refuse(field, "invalid", _INVALID)
    text = unicodedata.normalize("NFC", value).strip()
    if not text:
        _refuse(field, "required", _REQUIRED)
    if len(text) > most:
        _refuse(
            field, "too_long", Label({"en": f"At most {most} characters.", "zh": f"最多 {most} 个字符。"})
        )
    # Controls, surrogates, and the marks that reverse the neighbouring text; a joiner inside emoji is fine.
    if any(unicodedata.category(char) in ("Cc", "Cs", "Co", "Cn") or "\u202a" <= char <= "\u202e"
           or "\u2066" <= char <= "\u2069" for char in text):  # fmt: skip
        _refuse(field, "invalid", _INVALID)
    return text


def _username(value: object, *, field: str = "username") -> str:
    text = fold_username(line(field, value, most=64))
    if not text or not all(char.isalnum() or char in "._-@" for char in text):
        _refuse(field, "invalid", _BAD_USERNAME)
    return text


def _email(value: object) -> str | None:
    if value in (None, ""):
        return None
    text = fold_email(line("email", value, most=254))
    name, at, host = text.rpartition("@")
    if not at or not name or "." not in host or any(char.isspace() for char in text):
        _refuse("email", "invalid", _BAD_EMAIL)
    return text


_REQUIRED = Label({"en": "A value is needed here.", "zh": "此项必填。"})
_INVALID = Label({"en": "This value cannot be kept.", "zh": "无法保存此值。"})
_BAD_USERNAME = Label(
    {
        "en": "Use letters, digits, dot, dash, underscore and @.",
        "zh": "请使用字母、数字、点、短横线、下划线和 @。",
    }
)
_BAD_EMAIL = Label({"en": "This is no e-mail address.", "zh": "邮箱地址无效。"})
