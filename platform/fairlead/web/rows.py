"""The rows of a list and the cards of a board as text.

A page of fifty rows has some five hundred cells. Written here, they cost a tenth of what the kit's macros take for the
same text; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from fairlead.web.texts import Say

_NUMBERS = ("number", "money", "percent", "integer", "decimal")


def table_rows(
    columns: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], t: Say, *, selectable: bool
) -> Markup:
    """Return what `table_row()` of kit/list.html makes of each row; rows are as there, without groups and actions."""
    writers = [_cell(column, position) for position, column in enumerate(columns)]
    pick = escape(t("kit.select"))
    parts: list[str] = []
    for row in rows:
        id, cells, href = row["id"], row["cells"], row["href"]
        parts.append(
            f'<tr id="row-{id}" data-row="{id}" data-version="{row["version"]}" data-href="{href}" data-peek="{row["peek"]}">'
        )
        if selectable:
            parts.append(
                f'<td class="pick"><input type="checkbox" class="form-check-input" name="ids" value="{id}" data-pick'
                f' aria-label="{pick} {escape(row["title"])}"></td>'
            )
        parts += [write(cells, href, row["first"]) for write in writers]
        parts.append("</tr>")
    return Markup("".join(parts))  # noqa: S704 - every value in it has been escaped


def _cell(column: Mapping[str, Any], position: int) -> Callable[[Mapping[str, Any], str, bool], str]:
    key, kind = column["key"], column["kind"]
    place = column.get("phone") or ("title" if position == 0 else "line" if position < 5 else "hide")
    end = " num end" if kind in _NUMBERS else " num" if kind in ("date", "datetime") else ""
    head = f'<td data-label="{escape(column["label"])}" class="on-phone-{place}{end}">'
    nothing = head + '<span class="nothing">—</span></td>'
    if position == 0:
        return lambda cells, href, first: (
            f'{head}<a class="row-link" href="{href}" tabindex="{0 if first else -1}">{escape(cells.get(key, ""))}</a></td>'
        )

    def write(cells: Mapping[str, Any], _href: str, _first: bool) -> str:
        value = cells.get(key, "")
        return nothing if value is None or value == "" else f"{head}{escape(value)}</td>"

    return write


def cards(found: Sequence[Mapping[str, Any]], t: Say, *, menu: str) -> Markup:
    """Return what `card()` of kit/board.html makes of each card whose moves its column says."""
    move, parts = escape(t("kit.move_to")), list[str]()
    button = (
        f'<button type="button" class="btn btn-quiet btn-icon btn-sm" popovertarget="{escape(menu)}" data-card-menu aria-haspopup="menu"'
        f' aria-label="{move}"><i class="icon i-dots" aria-hidden="true"></i></button>'
    )
    for one in found:
        id = one["id"]
        parts.append(
            f'<li class="card-item" id="card-{id}" data-card="{id}" data-version="{one["version"]}" data-peek="{one["peek"]}">'
            f'<div class="card-top"><a class="card-name" href="{one["href"]}">{escape(one["title"])}</a>{button}</div>'
        )
        if one["facts"] or one["owner"]:
            parts.append(
                f'<div class="card-facts">{"".join(map(_fact, one["facts"]))}{_owner(one["owner"])}</div>'
            )
        if one.get("alert"):
            parts.append(
                '<p class="card-alert tone-amber toned"><i class="icon i-alert-triangle icon-sm" aria-hidden="true"></i>'
                f"{escape(one['alert'])}</p>"
            )
        parts.append("</li>")
    return Markup("".join(parts))  # noqa: S704 - every value in it has been escaped


def _fact(fact: Mapping[str, Any]) -> str:
    strong = " strong" if fact["strong"] else ""
    tone = f" tone-{fact['tone']} toned" if fact["tone"] else ""
    icon = f'<i class="icon i-{fact["icon"]} icon-sm" aria-hidden="true"></i>' if fact["icon"] else ""
    return f'<span class="num{strong}{tone}">{icon}{escape(fact["text"])}</span>'


def _owner(owner: Mapping[str, Any] | None) -> str:
    if owner is None:
        return ""
    name = escape(owner["name"])
    return (
        f'<span class="avatar avatar-sm tone-{owner["tone"]}" aria-hidden="true" data-initials="{escape(owner["initials"])}"></span>'
        f'<span class="visually-hidden">{name}</span>'
    )
