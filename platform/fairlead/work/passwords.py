"""Passwords: how they are hashed, and what may be one."""

from __future__ import annotations

import functools
from typing import Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fairlead.base.errors import Invalid
from fairlead.base.texts import Label

SHORTEST = 8
LONGEST = 1000

Cost = Literal["normal", "low"]
"""`low` is for tests, which sign in hundreds of times."""


@functools.cache
def _hasher(cost: Cost) -> PasswordHasher:
    if cost == "low":
        return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    # OWASP's first choice for argon2id: 19 MiB and two rounds, some 30 ms of one core.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@functools.cache
def _nobody(cost: Cost) -> str:
    return _hasher(cost).hash("nobody has this password")


_cost: Cost = "normal"


def use_cost(cost: Cost) -> None:
    """Choose how much work a guess costs, for the whole process."""
    global _cost
    _cost = cost


def hash_password(password: str, *, field: str = "password") -> str:
    """Return what is kept of a password. It is used exactly as typed: spaces stay, nothing is cut off.

    Raises:
        Invalid: It is too short or too long, or no text at all.
    """
    if len(password) < SHORTEST:
        raise Invalid.field(field, "too_short", _TOO_SHORT)
    if len(password) > LONGEST:
        raise Invalid.field(field, "too_long", _TOO_LONG)
    try:
        return _hasher(_cost).hash(password)
    except UnicodeEncodeError:
        raise Invalid.field(field, "invalid", _NO_TEXT) from None


def is_right(hashed: str | None, password: str) -> bool:
    """Say whether this is the password. Without a hash the same work is done, and the answer is no."""
    if len(password) > LONGEST:
        password, hashed = "", None
    try:
        _hasher(_cost).verify(hashed or _nobody(_cost), password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return hashed is not None


def is_outdated(hashed: str) -> bool:
    """Say whether a hash was made with another cost than today's, and should be made anew."""
    return _hasher(_cost).check_needs_rehash(hashed)


_TOO_SHORT = Label(
    {"en": f"A password has at least {SHORTEST} characters.", "zh": f"密码至少需要 {SHORTEST} 个字符。"}
)
_TOO_LONG = Label(
    {"en": f"A password has at most {LONGEST} characters.", "zh": f"密码最多 {LONGEST} 个字符。"}
)
_NO_TEXT = Label({"en": "This is no text.", "zh": "内容不是有效文本。"})
