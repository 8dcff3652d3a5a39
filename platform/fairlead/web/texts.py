"""The words of the screens, in both languages, from `texts/*.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent / "texts"
LANGUAGES = ("en", "zh")

Say = Callable[..., str]


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Return key → language → text of every file, read once."""
    found: dict[str, Mapping[str, str]] = {}
    for path in sorted(HERE.glob("*.yaml")):
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        twice = found.keys() & data.keys()
        if twice:
            raise ValueError(f"{path.name} repeats {sorted(twice)[0]}")
        found.update(data)
    return found


def say(key: str, lang: str, **values: object) -> str:
    """Return the text of `key` in `lang` with its {places} filled."""
    entry = texts()[key]
    text = entry.get(lang) or entry["en"]
    return text.format(**values) if values else text


@cache
def speaker(lang: str) -> Say:
    """Return `t(key, **values)` for one language, as templates call it."""

    def t(key: str, **values: object) -> str:
        return say(key, lang, **values)

    return t
