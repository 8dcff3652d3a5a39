"""What does not fit the shape of a document, and how it is said: one sentence, at the key, the value or the parent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from fairlead.base.problems import KeyPath
from fairlead.base.texts import did_you_mean
from fairlead.config.schemas import NAME

MAX_GUESSES = 100


def _part_of(word: str, known: Collection[str]) -> str | None:
    """Return the longest known word that `word` begins or ends with: `phone_number` means `phone`."""
    low = word.lower()
    parts = [one for one in known if len(one) > 3 and (low.startswith(one) or low.endswith(one))]
    return max(parts, key=len, default=None)


Pointed = Literal["key", "value", "parent"]
"""What a fault points at: the key, its value, or, for a key that is missing, the mapping that lacks it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not fit; `at` says what is to be pointed at."""

    code: str
    path: KeyPath
    message: str
    hint: str | None = None
    at: Pointed = "value"


@dataclass(slots=True)
class Findings:
    """What checking one document gave. `skip` are values about which enough has been said."""

    skip: Collection[KeyPath] = ()
    faults: list[Fault] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)

    def guess(self, word: Any, known: Collection[str]) -> str | None:
        """Return what was probably meant, as long as guessing is worth its time."""
        if not isinstance(word, str) or len(self.faults) > MAX_GUESSES:
            return None
        return did_you_mean(word, known) or _part_of(word, known)

    def add(
        self,
        code: str,
        path: KeyPath,
        message: str,
        hint: str | None = None,
        at: Pointed = "value",
    ) -> Literal[False]:
        self.faults.append(Fault(code, path, message, hint, at))
        return False


WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def type_of(value: Any) -> str:
    """Return what JSON Schema calls the type of a value that was read."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "null" if value is None else "object"


def shown(value: Any) -> str:
    """Return a value as a message names it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:39] + "…")
    if isinstance(value, int | Decimal):
        return str(value)
    return WORDS[type_of(value)]


# Letters of other scripts that look like Latin ones.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏԛԝɡαοѵ", "aeopcyxijsdhlqwgaov")


def skeleton(name: str) -> str:
    """Return what a name looks like, so that two names that look alike give the same."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_LOOKALIKES)


def bad_name(
    name: str, path: KeyPath, found: Findings, siblings: Collection[str], *, at: Literal["key", "value"]
) -> Literal[False]:
    """Say what is wrong with a name that is not small letters, digits and underscores."""
    plain = skeleton(name)
    if name.startswith("__") or name in ("None", "True", "False"):
        return found.add("reserved_name", path, f"the name {shown(name)} has a meaning elsewhere", at=at)
    if NAME.match(plain):
        if not name.isascii() or plain in siblings:
            message = f"the name {shown(name)} looks like {plain!r} but is another word"
            return found.add("confusable_name", path, message, plain, at)
        return found.add("bad_name", path, f"the name {shown(name)} must be in small letters", plain, at)
    if len(name) > 40 and re.match(r"[a-z][a-z0-9_]*\Z", name):
        return found.add(
            "name_too_long", path, f"the name {shown(name)} has {len(name)} characters; at most 40 fit", at=at
        )
    hint = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    message = f"the name {shown(name)} must begin with a small letter and hold only a-z, 0-9 and _"
    return found.add("bad_name", path, message, hint if NAME.match(hint) else None, at)
