"""Reports on somebody's behalf: rows, totals, and where each number leads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fairlead.base.errors import Forbidden, Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.compiled.access import with_inherited
from fairlead.compiled.reports import CompiledReport, DimensionColumn
from fairlead.fields.registry import kind_of
from fairlead.model.governance import Report
from fairlead.store import people
from fairlead.work.context import Context
from fairlead.work.queries import check_path
from fairlead.work.records import roles_of

EMPTY = Label({"en": "(empty)", "zh": "（空）"})


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One group: its keys as stored, what they are called, and the measures."""

    keys: tuple[Any, ...]
    labels: tuple[Label, ...]
    values: tuple[Any, ...]
    """JSON values: whole numbers, exact decimals as text, or None."""
    drill: str | None
    """A filter for the entity's list that gives exactly the records of this group; None where it has no form."""


@dataclass(frozen=True, slots=True)
class ReportResult:
    """A report as computed for one person at one moment."""

    report: Report
    compiled: CompiledReport
    rows: tuple[ReportRow, ...]
    totals: tuple[Any, ...]
    at: str

    def to_json(self, lang: str) -> dict[str, Any]:
        """Return columns and rows for programs."""
        dims = [
            {"name": ".".join(d.dimension.path), "label": d.dimension.label.get(lang), "kind": "dimension"}
            for d in self.compiled.dimensions
        ]
        measures = [
            {
                "name": m.measure.name,
                "label": m.measure.label.get(lang),
                "kind": m.kind,
                "currency": m.currency,
            }
            for m in self.compiled.measures
        ]
        rows = [
            {
                "keys": list(row.keys), "labels": [label.get(lang) for label in row.labels], "values": list(row.values),
                "filter": row.drill,
            }
            for row in self.rows
        ]  # fmt: skip
        return {
            "name": self.report.name, "label": self.report.label.get(lang), "entity": self.report.entity,
            "columns": dims + measures, "rows": rows, "totals": list(self.totals), "at": self.at,
        }  # fmt: skip


def allowed(ctx: Context) -> tuple[str, ...]:
    """Return the names of the reports that the actor's roles open, in document order."""
    found = set()
    for role in with_inherited(ctx.app.workspace, ctx.actor.roles):
        if role.reports == "all":
            return tuple(ctx.app.workspace.reports)
        found |= set(role.reports)
    return tuple(name for name in ctx.app.workspace.reports if name in found)


def open_to(ctx: Context) -> tuple[str, ...]:
    """Return the names of the reports that the actor can open: granted, and over nothing that is withheld."""
    found = []
    for name in allowed(ctx):
        try:
            _compiled(ctx, name)
        except NotFound:
            continue
        found.append(name)
    return tuple(found)


def _compiled(ctx: Context, name: str) -> CompiledReport:
    """Return a granted report for the actor's roles.

    Raises:
        NotFound: It is over something that these roles may not see.
    """
    roles = roles_of(ctx)
    report = ctx.app.workspace.reports[name]
    ctx.app.memo(("report asks", name, roles), lambda: _asks_what_may_be_asked(ctx, report))
    return ctx.app.report(name, roles)


def run(ctx: Context, name: str, *, require_export: bool = False) -> ReportResult:
    """Compute a report over exactly the records that the actor may see.

    Raises:
        NotFound: There is no such report, or it is not for this actor.
        Forbidden: `require_export`, and the actor may not take data of this entity out.
    """
    if name not in allowed(ctx):
        raise NotFound("report", name)
    roles = roles_of(ctx)
    report = ctx.app.workspace.reports[name]
    compiled = _compiled(ctx, name)
    if require_export and not ctx.app.access(report.entity, roles).can("export"):
        raise Forbidden(
            "forbidden", Label({"en": "Your role may not export this.", "zh": "您的角色不能导出。"})
        )
    raw = ctx.database.all(compiled.statement, ctx.params())
    return _result(ctx, report, compiled, raw)


def _asks_what_may_be_asked(ctx: Context, report: Report) -> bool:
    """A rule that follows a reference reads another entity, of which the counts of this one would tell.

    Raises:
        NotFound: The reader may not see all that a rule of the report looks at.
    """
    rules = [report.filter, *(m.when for m in report.measures), *(m.of for m in report.measures)]
    try:
        for rule in rules:
            for path in rule.uses if rule is not None else ():
                check_path(ctx, report.entity, path)
    except Invalid:
        raise NotFound("report", report.name) from None
    return True


def _result(
    ctx: Context, report: Report, compiled: CompiledReport, raw: Sequence[Sequence[Any]]
) -> ReportResult:
    width = len(compiled.dimensions)
    labelled = _labels(ctx, compiled.dimensions, raw)
    rows = []
    for row in raw:
        keys = tuple(row[:width])
        labels = tuple(labelled[position](key) for position, key in enumerate(keys))
        rows.append(ReportRow(keys, labels, _measures(compiled, row[width:]), _drill(report, compiled, keys)))
    return ReportResult(
        report,
        compiled,
        _ordered(report, compiled, rows),
        _totals(compiled, [row[width:] for row in raw]),
        ctx.stamp,
    )


def _measures(compiled: CompiledReport, raw: Sequence[Any]) -> tuple[Any, ...]:
    found = []
    position = 0
    for measure in compiled.measures:
        found.append(measure.finish(raw[position : position + measure.width]))
        position += measure.width
    return tuple(found)


def _totals(compiled: CompiledReport, raw: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """Add the raw columns, not the cells: shares and averages of totals are worked out, not averaged."""
    found = []
    position = 0
    for measure in compiled.measures:
        columns = [[row[position + step] for row in raw] for step in range(measure.width)]
        if measure.measure.function in ("min", "max"):
            pick = min if measure.measure.function == "min" else max
            values = [value for value in columns[0] if value is not None]
            found.append(measure.finish([pick(values)]) if values else None)
        else:
            found.append(measure.finish([sum(int(v) for v in column if v is not None) for column in columns]))
        position += measure.width
    return tuple(found)


def _labels(ctx: Context, dims: Sequence[DimensionColumn], raw: Sequence[Sequence[Any]]) -> list[Any]:
    found: list[Any] = []
    for position, dim in enumerate(dims):
        keys = {row[position] for row in raw if row[position] is not None}
        if dim.period:
            found.append(lambda key: EMPTY if key is None else Label({"": str(key)}))
            continue
        if dim.field.kind == "user":
            names: Mapping[str, Label] = people.names(ctx.database, keys) if keys else {}
        elif dim.field.kind == "team":
            names = people.team_names(ctx.database, keys) if keys else {}
        elif dim.field.kind == "reference":
            from fairlead.work.reading import titles_of

            target = str(dim.field.params["entity"])
            names = {key: Label({"": text}) for key, text in titles_of(ctx, target, keys).items()}
        elif dim.field.kind in ("choice", "boolean"):
            names = {option.name: option.label for option in dim.field.options}
        else:
            names = {}
        found.append(_lookup(dim, names))
    return found


def _lookup(dim: DimensionColumn, names: Mapping[str, Label]) -> Any:
    kind, field = kind_of(dim.field), dim.field

    def label(key: Any) -> Label:
        if key is None:
            return EMPTY
        found = names.get(key) if isinstance(key, str) else None
        if found is not None:
            return found
        if field.kind == "reference":
            return Label({"": "•••"})
        value = kind.from_stored(key, field)
        return Label({lang: kind.display(value, field, lang) for lang in ("en", "zh")})

    return label


def _drill(report: Report, compiled: CompiledReport, keys: Sequence[Any]) -> str | None:
    parts = [f"({report.filter.text})"] if report.filter is not None else []
    for dim, key in zip(compiled.dimensions, keys, strict=False):
        name = "record." + ".".join(dim.dimension.path)
        if key is None:
            parts.append(f"{name} == null")
        elif dim.period:
            first, last = period_days(str(key), dim.period)
            day = f"date({name})" if dim.field.kind == "datetime" else name
            parts.append(f'{day} >= "{first}" && {day} <= "{last}"')
        elif dim.field.kind == "boolean":
            parts.append(name if key else f"!{name}")
        elif isinstance(key, str) and '"' not in key and "\\" not in key:
            parts.append(f'{name} == "{key}"')
        else:
            return None
    return " && ".join(parts) or None


def drill_into(found: ReportResult, *keys: Any) -> str | None:
    """Return the filter of everything under the first few keys of a group."""
    return _drill(found.report, found.compiled, keys)


def period_days(key: str, by: str) -> tuple[date, date]:
    """Return the first and the last day of a period as a report names it: 2026, 2026-Q2, 2026-05, or its first day."""
    if by == "year":
        return date(int(key), 1, 1), date(int(key), 12, 31)
    if by in ("quarter", "month"):
        year, _, part = key.partition("-")
        month = int(part.removeprefix("Q")) * 3 - 2 if by == "quarter" else int(part)
        after = month + (3 if by == "quarter" else 1)
        return date(int(year), month, 1), date(int(year) + (after > 12), (after - 1) % 12 + 1, 1) - timedelta(
            days=1
        )
    first = date.fromisoformat(key[:10])
    return first, first + timedelta(days=6 if by == "week" else 0)


def period_of(day: date, by: str) -> str:
    """Return the name of the period that a day lies in, as a report names it."""
    if by == "year":
        return f"{day.year:04}"
    if by == "quarter":
        return f"{day.year:04}-Q{(day.month + 2) // 3}"
    if by == "month":
        return f"{day.year:04}-{day.month:02}"
    return (day - timedelta(days=day.weekday()) if by == "week" else day).isoformat()


def periods_between(first: str, last: str, by: str, *, most: int = 120) -> list[str]:
    """Return the periods from one to another, those in which nothing happened included; at most `most`."""
    found = [first]
    while found[-1] < last and len(found) < most:
        found.append(period_of(period_days(found[-1], by)[1] + timedelta(days=1), by))
    return found


def _ordered(report: Report, compiled: CompiledReport, rows: list[ReportRow]) -> tuple[ReportRow, ...]:
    """Stages stand in the pipeline's order, choices in theirs, periods in time; a leaderboard by its first measure."""
    names = [m.measure.name for m in compiled.measures]
    if report.order is not None or report.type == "leaderboard":
        wanted, down = report.order or (names[0], True)
        if wanted in names:
            position = names.index(wanted)
            rows.sort(key=lambda row: tuple(label.get("en") for label in row.labels))
            rows.sort(key=lambda row: _weight(row.values[position]), reverse=down)
            return tuple(rows[: report.limit])
    ranks = [
        {option.name: number for number, option in enumerate(dim.field.options)}
        for dim in compiled.dimensions
    ]

    def key(row: ReportRow) -> tuple[Any, ...]:
        parts: list[Any] = []
        for rank, value, label in zip(ranks, row.keys, row.labels, strict=True):
            parts.append((value is None, rank.get(value, len(rank)) if rank else 0, label.get("en")))
        return tuple(parts)

    return tuple(sorted(rows, key=key)[: report.limit])


def _weight(value: Any) -> tuple[bool, Decimal, str]:
    """Return how heavy a cell is among those of its column: numbers by size, days in time, nothing before all."""
    if value is None:
        return False, Decimal(0), ""
    return (True, Decimal(value), "") if _is_number(value) else (True, Decimal(0), str(value))


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int) or bool(_NUMBER.fullmatch(str(cell)))


_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def as_file(found: ReportResult, ending: str, lang: str) -> tuple[bytes, str]:
    """Return a report as CSV or XLSX. Text cells cannot become formulas; numbers stay numbers."""
    head = [d.dimension.label.get(lang) for d in found.compiled.dimensions]
    head += [m.measure.label.get(lang) for m in found.compiled.measures]
    rows = [[label.get(lang) for label in row.labels] + list(row.values) for row in found.rows]
    width = len(found.compiled.dimensions)
    if ending == "csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(harmless(cell) for cell in head)
        for row in rows:
            writer.writerow([harmless(cell) for cell in row[:width]] + row[width:])
        return text.getvalue().encode("utf-8-sig"), "text/csv"
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    sheet = book.add_worksheet(found.report.name[:31])
    for number, row in enumerate([head, *rows]):
        for column, cell in enumerate(row):
            if number and column >= width and cell is not None and _is_number(cell):
                sheet.write_number(number, column, float(cell))
            else:
                sheet.write_string(number, column, "" if cell is None else str(cell))
    book.close()
    return buffer.getvalue(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def harmless(text: Any) -> str:
    """Return a text cell that no spreadsheet takes for a formula."""
    found = "" if text is None else str(text)
    return f"'{found}" if found[:1] in ("=", "+", "-", "@", "\t", "\r") else found
