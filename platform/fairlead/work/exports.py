"""Records out of the system, as a stream: exactly the rows that may be taken out, and of each what may be seen.

Nothing is held but a few hundred rows at a time, so a browser can begin to receive a million of them at once. No text
cell can become a formula. What is written here, an import reads again.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from fairlead.base.errors import Forbidden, Refused
from fairlead.base.texts import Label
from fairlead.compiled.reads import unknown_field
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.work.context import Context
from fairlead.work.queries import parse_filter
from fairlead.work.reading import Names, names_of, target_of, titles_of
from fairlead.work.records import base_params, entity_of, roles_of
from fairlead.work.reports import harmless

Form = Literal["csv", "xlsx"]
Cell = str | Decimal | None

CHUNK = 500
"""Rows whose names are asked for together."""

MAX_XLSX_ROWS = 1_048_575
MAX_XLSX_TEXT = 32_767
_NUMBERS = ("integer", "decimal", "money", "percent", "rating")
_EXACT_DIGITS = 15
"""A spreadsheet's numbers keep no more."""

MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

_FORBIDDEN = Label({"en": "Your role may not export this.", "zh": "您的角色不能导出。"})
_NOT_VISIBLE = "•••"


@dataclass(frozen=True, slots=True)
class Export:
    """A file in the making: read `chunks` once, to the end."""

    name: str
    media: str
    chunks: Iterator[bytes]


def export(
    ctx: Context,
    entity: str,
    form: Form = "csv",
    *,
    fields: Sequence[str] | None = None,
    filter: str | None = None,
    labels: bool = False,
    lang: str | None = None,
) -> Export:
    """Return all records that the actor may see and take out, oldest first.

    Args:
        ctx: On whose behalf.
        entity: What.
        form: CSV with a mark for Excel, or XLSX.
        fields: Which ones, in this order; all that may be seen otherwise. Rows of line items are not among them.
        filter: An expression, as in a list request.
        labels: Titles and options by their labels, not their names.
        lang: Of the labels; the actor's otherwise.

    Raises:
        NotFound: There is no such entity for this actor.
        Forbidden: The actor may export none of it.
        Invalid: A field or a filter that is not known here, in the same words as one that may not be seen.
    """
    found = entity_of(ctx, entity)
    roles = roles_of(ctx)
    reads = ctx.app.reads(entity, roles)
    if not reads.access.can("export") or not reads.access.can("read"):
        raise Forbidden("forbidden", _FORBIDDEN)
    visible = {spec.name: spec for spec in reads.visible_fields()}
    for name in fields or ():
        if name not in visible:
            raise unknown_field(name, frozenset(visible), where="fields")
    chosen = [visible[name] for name in fields] if fields else list(visible.values())
    expression = parse_filter(ctx, entity, filter) if filter else None
    needs = frozenset(path[0] for path in expression.uses if path) if expression is not None else frozenset()
    statement = reads.select(None, needs)
    if expression is not None:
        statement = statement.where(ctx.app.clauses.row(expression, found.tables))
    allowed = reads.access.row_predicate("export")
    if allowed is not None:
        statement = statement.where(allowed)
    prepared = ctx.database.prepare(statement.order_by(found.tables.main.c.id))
    codec = reads.codec()
    language = lang or ctx.actor.language
    rows = (codec.encode(row) for row in ctx.database.stream(prepared, base_params(ctx)))
    titles = [spec.label.get(language) if labels else spec.name for spec in chosen]
    cells = _cells(ctx, chosen, rows, language if labels else None)
    chunks = _csv(titles, cells) if form == "csv" else _xlsx(entity, titles, cells)
    return Export(f"{entity}.{form}", MEDIA[form], chunks)


# ---------------------------------------------------------------- cells


def _cells(
    ctx: Context, fields: Sequence[Field], rows: Iterator[Mapping[str, Any]], lang: str | None
) -> Iterator[list[Cell]]:
    zone = ZoneInfo(ctx.app.workspace.zone if ctx.actor.is_system else ctx.actor.zone)
    shows = [(spec, _show(spec, zone, lang)) for spec in fields]
    pointing = [spec for spec in fields if spec.kind in ("reference", "user", "team")]
    several = [spec for spec in fields if spec.kind == "references"]
    while chunk := list(islice(rows, CHUNK)):
        names = names_of(ctx, pointing, chunk) if pointing else Names()
        many = _titles(ctx, several, chunk)
        for row in chunk:
            masked = row.get("_masked", ())
            found: list[Cell] = []
            for spec, show in shows:
                value = row.get(spec.name)
                if value is None:
                    found.append(None)
                elif spec.name in masked:
                    found.append(harmless(value))
                elif spec.kind in ("reference", "user", "team"):
                    found.append(harmless(_name(spec, value, names, lang or ctx.actor.language)))
                elif spec.kind == "references":
                    found.append(harmless("; ".join(many[spec.name].get(key, _NOT_VISIBLE) for key in value)))
                else:
                    found.append(show(value))
            yield found


def _name(spec: Field, value: str, names: Names, lang: str) -> str:
    if spec.kind == "reference":
        target, key = target_of(spec, value)
        title = names.records.get((target, key), _NOT_VISIBLE)
        return f"{target}: {title}" if spec.params.get("entities") else title
    label = (names.people if spec.kind == "user" else names.teams).get(value)
    # The engine itself has no account; whoever was taken away for good has no name any more.
    return label.get(lang) if label is not None else value


def _titles(
    ctx: Context, fields: Sequence[Field], rows: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    found = {}
    for spec in fields:
        keys = {key for row in rows for key in row.get(spec.name) or ()}
        found[spec.name] = titles_of(ctx, str(spec.params["entity"]), keys) if keys else {}
    return found


def _show(spec: Field, zone: ZoneInfo, lang: str | None) -> Callable[[Any], Cell]:
    """Return a function from a JSON value to a cell: exact, and as an import reads it."""
    if spec.kind in _NUMBERS:
        return lambda value: Decimal(str(value))
    if spec.kind == "datetime":
        return lambda value: _local(value, zone)
    if spec.kind == "boolean":
        if lang is not None:
            kind, language = kind_of(spec), lang
            return lambda value: kind.display(value, spec, language)
        return lambda value: "true" if value else "false"
    words: Mapping[str, str] = {}
    if lang is not None:
        words = {option.name: option.label.get(lang) for option in spec.options}
    if spec.kind in ("multi_choice", "tags"):
        return lambda value: harmless(", ".join(words.get(one, one) for one in value))
    if spec.kind == "choice":
        return lambda value: harmless(words.get(value, value))
    return lambda value: harmless(value if isinstance(value, str) else orjson.dumps(value).decode())


def _local(value: str, zone: ZoneInfo) -> str:
    moment = datetime.fromisoformat(value)
    try:
        moment = moment.astimezone(zone)
    except OverflowError:
        return value
    return moment.replace(tzinfo=None, microsecond=0).isoformat(" ")


# ---------------------------------------------------------------- files


def _csv(titles: Sequence[str], rows: Iterator[list[Cell]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([harmless(title) for title in titles])
    mark = "\ufeff"
    while True:
        chunk = list(islice(rows, CHUNK))
        writer.writerows(
            [f"{cell:f}" if isinstance(cell, Decimal) else cell for cell in row] for row in chunk
        )
        yield (mark + buffer.getvalue()).encode()
        if not chunk:
            return
        mark = ""
        buffer.seek(0)
        buffer.truncate()


def _xlsx(name: str, titles: Sequence[str], rows: Iterator[list[Cell]]) -> Iterator[bytes]:
    import xlsxwriter

    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
                   "strings_to_numbers": False}  # fmt: skip
        book = xlsxwriter.Workbook(file, options)
        sheet = book.add_worksheet(name[:31])
        for column, title in enumerate(titles):
            sheet.write_string(0, column, harmless(title))
        for number, row in enumerate(rows, 1):
            if number > MAX_XLSX_ROWS:
                raise Refused("export.too-many-rows", Label({
                    "en": f"A sheet holds {MAX_XLSX_ROWS:,} rows. Narrow it with a filter, or take CSV.",
                    "zh": f"工作表最多 {MAX_XLSX_ROWS:,} 行，请使用筛选或导出 CSV。",
                }))  # fmt: skip
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, _fitting(cell))
                elif cell is not None and len(cell.as_tuple().digits) <= _EXACT_DIGITS:
                    sheet.write_number(number, column, float(cell))
                elif cell is not None:
                    sheet.write_string(number, column, f"{cell:f}")
        book.close()
        file.seek(0)
        while chunk := file.read(1 << 16):
            yield chunk


def _fitting(text: str) -> str:
    """A cell of a sheet holds no more; what was cut off says so."""
    return text if len(text) <= MAX_XLSX_TEXT else text[: MAX_XLSX_TEXT - 1] + "…"
