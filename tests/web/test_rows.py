"""Rows and cards written in Python are the kit's own, to the letter."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fairlead.web import rows
from fairlead.web.texts import speaker
from markupsafe import Markup

from tests.web.desk import Screens

EVIL = "<i> & \"q\" 's'"
COLUMNS: list[dict[str, Any]] = [
    {"key": "name", "label": EVIL, "kind": "text"},
    {"key": "stage", "label": "Stage", "kind": "text", "phone": "end"},
    {"key": "amount", "label": "Amount", "kind": "money"},
    {"key": "on", "label": "On", "kind": "date"},
    {"key": "a", "label": "A", "kind": "text"},
    {"key": "b", "label": "B", "kind": "percent"},
]
ROWS: list[dict[str, Any]] = [
    {"id": "1", "version": 3, "href": "/r/x/1", "peek": "/r/x/1/peek", "first": True, "title": EVIL,
     "cells": {"name": EVIL, "stage": Markup("<b>won</b>"), "amount": "¥1", "on": "", "a": None}},
    {"id": "2", "version": 1, "href": "/r/x/2", "peek": "/r/x/2/peek", "first": False, "title": "", "cells": {"name": "n", "b": "5 %"}},
]  # fmt: skip
CARDS: list[dict[str, Any]] = [
    {"id": "1", "version": 3, "href": "/r/x/1", "peek": "/r/x/1/peek", "title": EVIL, "alert": EVIL,
     "owner": {"name": EVIL, "initials": "QS", "tone": "teal"},
     "facts": [{"text": EVIL, "icon": "calendar", "strong": False, "tone": "red"},
               {"text": Markup("<b>x</b>"), "icon": None, "strong": True, "tone": None}]},
    {"id": "2", "version": 1, "href": "/r/x/2", "peek": "/r/x/2/peek", "title": "n", "alert": None, "owner": None, "facts": []},
]  # fmt: skip


def kit(office: Screens, template: str, call: str, lang: str, **values: Any) -> str:
    """Return what a macro of the kit makes, without blanks between tags."""
    text = f'{{% import "{template}" as kit with context %}}{call}'
    env = office.app.jinja_env
    with office.app.test_request_context("/"):
        made = env.from_string(text).render(t=speaker(lang), lang=lang, csrf_token="", **values)
    return plain(made)


def plain(text: str) -> str:
    """Return HTML without the blanks between its tags."""
    return re.sub(r">\s+<", "><", text.strip())


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("selectable", [True, False])
def test_rows_are_the_kit_s(office: Screens, lang: str, selectable: bool) -> None:
    call = "{% for row in rows %}{{ kit.table_row(columns, row, selectable) }}{% endfor %}"
    ours = [row | {"title": row["title"] or "n"} for row in ROWS]
    expected = kit(office, "kit/list.html", call, lang, columns=COLUMNS, rows=ours, selectable=selectable)
    assert plain(str(rows.table_rows(COLUMNS, ours, speaker(lang), selectable=selectable))) == expected


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_cards_are_the_kit_s(office: Screens, lang: str) -> None:
    call = "{% for c in cards %}{{ kit.card(menu='moves-x', **c) }}{% endfor %}"
    assert plain(str(rows.cards(CARDS, speaker(lang), menu="moves-x"))) == kit(
        office, "kit/board.html", call, lang, cards=CARDS
    )
