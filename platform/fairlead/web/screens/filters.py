"""What narrows a list: typed parameters of the address to one CEL condition, and back to words.

`f.stage=new,won` picks options, people or records; `f.amount.from=` and `f.amount.to=` bound numbers and days; `f.due=overdue`
names a span of days; `~` stands for "is empty", `me` for the reader. `filter=` carries a whole condition, such as the
one behind a number of a report.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from fairlead.base.errors import Invalid
from fairlead.compiled.application import CompiledEntity
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.web.cells import Cells, option_of, say_day
from fairlead.web.texts import Say
from fairlead.work.context import Context
from fairlead.work.queries import parse_filter
from fairlead.work.records import roles_of
from fairlead.work.wording import labels_here

EMPTY = "~"
ME = "me"
PICKED = ("choice", "user", "team", "reference", "boolean", "multi_choice", "tags")
BOUNDED = ("date", "datetime", "integer", "decimal", "money", "percent")
SPANS = ("overdue", "today", "next_7", "this_month", "last_30")
MAX_VALUES = 50
ICONS = {
    "choice": "list", "user": "user", "team": "users", "reference": "link", "boolean": "checkbox", "date": "calendar",
    "datetime": "calendar-time", "money": "currency-yuan", "integer": "number", "decimal": "number",
    "percent": "percentage", "multi_choice": "list-check", "tags": "tags",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chosen:
    """What one field is narrowed to."""

    field: Field
    values: tuple[str, ...] = ()
    low: str = ""
    high: str = ""


def filterable(ctx: Context, entity: CompiledEntity) -> list[Field]:
    """Return the fields a reader may narrow the list by, those of the document first."""
    access = ctx.app.access(entity.name, roles_of(ctx))
    document = ctx.app.workspace.list_of(entity.name)
    fields = entity.entity.fields
    names = [*document.filters, *document.columns]
    names += [
        name
        for name, spec in fields.items()
        if spec.kind in ("date", "datetime", "money") and spec.origin == "document"
    ]
    return [
        fields[name]
        for name in dict.fromkeys(names)
        if name in access.readable and name in entity.tables.columns and fields[name].kind in PICKED + BOUNDED
    ]


def read(fields: Sequence[Field], args: MultiDict[str, str]) -> list[Chosen]:
    """Return what the address says about each of `fields`."""
    found = []
    for field in fields:
        texts = args.getlist(f"f.{field.name}")
        values = tuple(dict.fromkeys(v.strip() for text in texts for v in text.split(",") if v.strip()))[
            :MAX_VALUES
        ]
        low, high = args.get(f"f.{field.name}.from", "").strip(), args.get(f"f.{field.name}.to", "").strip()
        if values or low or high:
            found.append(Chosen(field, values, low[:40], high[:40]))
    return found


def condition(chosen: Sequence[Chosen], today: date) -> str | None:
    """Return one CEL condition for everything that was chosen, or None."""
    parts = [part for one in chosen if (part := _part(one, today)) is not None]
    return " && ".join(parts) or None


def _part(one: Chosen, today: date) -> str | None:
    path = f"record.{one.field.name}"
    if one.field.kind in BOUNDED:
        return _bounds(one, path, today)
    if one.field.kind == "boolean":
        wanted = [value for value in one.values if value in ("true", "false")]
        return f"{path} == {wanted[0]}" if len(wanted) == 1 else None
    alternatives = []
    plain = []
    for value in one.values:
        if value == EMPTY:
            alternatives.append(f"is_empty({path})")
        elif value == ME and one.field.kind == "user":
            alternatives.append(f"{path} == user")
        elif one.field.kind in ("multi_choice", "tags"):
            alternatives.append(f"{_quoted(value)} in {path}")
        else:
            plain.append(_quoted(value))
    if plain:
        alternatives.append(f"{path} in [{', '.join(plain)}]")
    if not alternatives:
        return None
    return alternatives[0] if len(alternatives) == 1 else f"({' || '.join(alternatives)})"


def _bounds(one: Chosen, path: str, today: date) -> str | None:
    is_day = one.field.kind in ("date", "datetime")
    if one.field.kind == "datetime":
        path = f"date({path})"
    if EMPTY in one.values:
        return f"is_empty(record.{one.field.name})"
    low, high = span(one.values[0], today) if one.values and is_day else (one.low, one.high)
    parts = []
    for operator, text in ((">=", low), ("<=", high)):
        if not text:
            continue
        literal = _literal(one.field, text)
        if literal is not None:
            parts.append(f"{path} {operator} {literal}")
    return " && ".join(parts) or None


def span(name: str, today: date) -> tuple[str, str]:
    """Return first and last day of a named span; empty where it is open."""
    if name == "overdue":
        return "", (today - timedelta(days=1)).isoformat()
    if name == "today":
        return today.isoformat(), today.isoformat()
    if name == "next_7":
        return today.isoformat(), (today + timedelta(days=7)).isoformat()
    if name == "last_30":
        return (today - timedelta(days=30)).isoformat(), today.isoformat()
    if name == "this_month":
        first = today.replace(day=1)
        return first.isoformat(), (
            (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        ).isoformat()
    return "", ""


def _literal(field: Field, text: str) -> str | None:
    if field.kind in ("date", "datetime"):
        try:
            return f"date('{date.fromisoformat(text).isoformat()}')"
        except ValueError:
            return None
    try:
        value = kind_of(field).parse_form(text, field)
    except FieldProblem:
        return None
    return None if value is None else f"{value:f}" if not isinstance(value, int) else str(value)


def _quoted(text: str) -> str:
    escaped = "".join(
        c if c.isalnum() or c in " _-:.@" else f"\\u{ord(c):04x}" for c in text[:200] if ord(c) < 0x10000
    )
    return f"'{escaped}'"


# ---------------------------------------------------------------- as words


Link = Callable[[Mapping[str, str | None]], str]
"""From parameters to change (None takes one away) to an address."""


def keys_of(field: Field) -> dict[str, str | None]:
    """Return the parameters of one field, all taken away."""
    return {f"f.{field.name}": None, f"f.{field.name}.from": None, f"f.{field.name}.to": None}


def chips(
    chosen: Sequence[Chosen], cells: Cells, link: Link, edit: Callable[[Field], str]
) -> list[dict[str, Any]]:
    """Return what is chosen as chips that read as words."""
    return [
        {
            "label": one.field.label.get(cells.lang), "operator": operator, "value": words,
            "remove": link(keys_of(one.field)), "edit_url": edit(one.field),
        }
        for one in chosen
        for operator, words in [_words(one, cells)]
    ]  # fmt: skip


def _words(one: Chosen, cells: Cells) -> tuple[str, str]:
    t = cells.t
    if one.field.kind in BOUNDED:
        if EMPTY in one.values:
            return t("screens.is"), t("screens.empty")
        if one.values and one.values[0] in SPANS:
            return t("screens.is"), t(f"screens.span_{one.values[0]}")
        low, high = _said(one.field, one.low, cells), _said(one.field, one.high, cells)
        if low and high:
            return "", f"{low} – {high}"
        return ("≥", low) if low else ("≤", high)
    said = [_value_words(one.field, value, cells) for value in one.values]
    return t("screens.is"), t("screens.or").join(said)


def _said(field: Field, text: str, cells: Cells) -> str:
    if not text:
        return ""
    if field.kind in ("date", "datetime"):
        try:
            return say_day(date.fromisoformat(text), cells.today, cells.lang, cells.t)
        except ValueError:
            return text
    return text


def _value_words(field: Field, value: str, cells: Cells) -> str:
    if value == EMPTY:
        return cells.t("screens.empty")
    if value == ME:
        return cells.t("screens.me")
    if field.kind == "boolean":
        return cells.t("screens.yes") if value == "true" else cells.t("screens.no")
    if field.kind in ("choice", "multi_choice"):
        option = option_of(field, value)
        return option.label.get(cells.lang) if option else value
    if field.kind == "tags":
        return value
    return cells.text(field, value)


def sentence_of(ctx: Context, entity: CompiledEntity, text: str, lang: str) -> str:
    """Return a whole condition as a sentence, or as it is written where it cannot be read."""
    from fairlead.expr.sentence import sentence

    try:
        expression = parse_filter(ctx, entity.name, text)
    except Invalid:
        return text

    return sentence(expression, lang, labels_here(ctx, entity.name, lang))


def address(
    base: str, args: MultiDict[str, str], changes: Mapping[str, str | None], drop: Sequence[str] = ()
) -> str:
    """Return `base` with the parameters of the request, some changed; paging starts anew."""
    kept = [
        (key, value)
        for key, value in args.items(multi=True)
        if key not in changes and key not in drop and value
    ]
    kept += [(key, value) for key, value in changes.items() if value]
    return f"{base}?{urlencode(kept, safe=',~:')}" if kept else base


def span_words(t: Say) -> list[tuple[str, str]]:
    """Return the named spans of days with what they are called."""
    return [(name, t(f"screens.span_{name}")) for name in SPANS]
