"""Find a value by its path as people write it: `entity.car.fields.colour.label`, entries of a list by name or number."""

from __future__ import annotations

import re
from typing import Any

from fairlead.base.problems import KeyPath


class _Absent:
    """Stands for what is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()

Address = tuple[str, str, tuple[str, ...]]
"""Kind, name, and the keys inside the document."""


def address_of(path: str) -> Address:
    """Return what a path names."""
    kind, _, rest = path.partition(".")
    name, _, inner = rest.partition(".")
    return kind, name, tuple(part for part in re.split(r"[.\[\]]+", inner) if part)


def value_at(data: Any, parts: tuple[str, ...]) -> tuple[Any, KeyPath]:
    """Return the value and its keys as the reader has them; `ABSENT` with the keys that are there where it ends."""
    keys: list[str | int] = []
    for part in parts:
        if isinstance(data, dict) and part in data:
            keys.append(part)
            data = data[part]
            continue
        if isinstance(data, list):
            number = next(
                (n for n, item in enumerate(data) if item == part or (isinstance(item, dict) and item.get("name") == part)),
                int(part) if part.isdigit() and int(part) < len(data) else None,
            )  # fmt: skip
            if number is not None:
                keys.append(number)
                data = data[number]
                continue
        return ABSENT, tuple(keys)
    return data, tuple(keys)
