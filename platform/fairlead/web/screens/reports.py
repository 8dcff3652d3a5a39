"""Reports and dashboards: the number first, then the picture, then the table; everything leads to its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request

from fairlead.base import money
from fairlead.base.errors import NotFound
from fairlead.compiled.reports import MeasureColumn
from fairlead.web import render
from fairlead.web.cells import Cells, short_money
from fairlead.web.request import context
from fairlead.web.texts import speaker
from fairlead.work import dashboards, naming, reports
from fairlead.work.context import Context
from fairlead.work.dashboards import TileView
from fairlead.work.records import roles_of
from fairlead.work.reports import ReportResult, ReportRow

screen = Blueprint("reports", __name__)

_ICONS = {
    "funnel": "chart-funnel",
    "bar": "chart-bar",
    "line": "chart-line",
    "pie": "chart-pie",
    "none": "table",
}
_MOST_SLICES = 7
_LONG_LABELS = 12
_LONGEST_FILTER = 3500
_MOST_ACROSS = 9


@screen.get("/reports")
def index() -> Response:
    """All reports and dashboards that are open to me, by what they are about."""
    ctx = context("ui")
    lang = ctx.actor.language
    workspace = ctx.app.workspace
    groups: dict[str, list[dict[str, Any]]] = {}
    for name in reports.allowed(ctx):
        report = workspace.reports[name]
        if not _opens(ctx, name):
            continue
        groups.setdefault(report.entity, []).append({
            "title": report.label.get(lang), "href": f"/reports/{name}", "icon": _ICONS.get(report.chart, "chart-bar"),
        })  # fmt: skip
    boards = [
        {"title": one.label.get(lang), "href": f"/d/{one.name}", "icon": "layout-dashboard"}
        for one in dashboards.allowed(ctx)
    ]
    shown = [
        {
            "label": workspace.entities[entity].label.get(lang),
            "icon": workspace.entities[entity].icon,
            "items": items,
        }
        for entity, items in groups.items()
    ]
    return render.page("reports/index.html", groups=shown, boards=boards)


def _opens(ctx: Context, name: str) -> bool:
    """Whether every field of a report is this person's to see; compiled once for each set of roles."""
    try:
        ctx.app.report(name, roles_of(ctx))
    except NotFound:
        return False
    return True


@screen.get("/reports/<name>")
def report(name: str) -> Response:
    """One report."""
    ctx = context("ui")
    stem, dot, ending = name.rpartition(".")
    if dot and ending in ("csv", "xlsx"):
        return _file(ctx, stem, ending)
    found = reports.run(ctx, name)
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    entity = ctx.app.workspace.entities[found.report.entity]
    may_export = ctx.app.access(entity.name, roles_of(ctx)).can("export")
    return render.page(
        "reports/report.html", title=found.report.label.get(lang), entity_label=entity.label.get(lang), name=name,
        stats=stats(ctx, found), chart=picture(ctx, found), table=_table(ctx, found), pivot=_pivot(ctx, found),
        at=found.at, empty=not found.rows,
        all_url=_list_url(found, None), export=may_export, export_why=None if may_export else t("report.no_export"),
        cut=len(found.rows) >= found.report.limit, limit=found.report.limit, lead_url=f"/l/{entity.name}", said=Cells(ctx).moment_text,
    )  # fmt: skip


def _file(ctx: Context, name: str, ending: str) -> Response:
    found = reports.run(ctx, name, require_export=True)
    data, mimetype = reports.as_file(found, ending, ctx.actor.language)
    return Response(
        data, 200, {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}, mimetype=mimetype
    )


# ---------------------------------------------------------------- numbers


def say(measure: MeasureColumn, value: Any, lang: str, *, short: bool = False) -> str:
    """Return a measure as people read it."""
    if value is None:
        return "—"
    if measure.kind == "rate":
        return f"{Decimal(str(value)) * 100:.1f}".removesuffix(".0") + ("%" if lang == "zh" else " %")
    if measure.kind == "money":
        amount, currency = Decimal(str(value)), measure.currency or "CNY"
        return (
            short_money(amount, currency, lang)
            if short and abs(amount) >= 10**6
            else money.format_money(amount, currency)
        )
    try:
        return money.format_number(Decimal(str(value)))
    except ArithmeticError:
        return str(value)


def plain(measure: MeasureColumn, value: Any) -> float | None:
    """Return a measure as a number for a picture; shares in per cent."""
    if value is None:
        return None
    try:
        number = float(Decimal(str(value)))
    except ArithmeticError:
        return None
    return round(number * 100, 2) if measure.kind == "rate" else number


def stats(ctx: Context, found: ReportResult) -> list[dict[str, Any]]:
    """Return the totals; a trend says how the last period compares with the one before."""
    lang = ctx.actor.language
    shown = []
    for position, (measure, total) in enumerate(zip(found.compiled.measures, found.totals, strict=True)):
        shown.append({
            "label": measure.measure.label.get(lang), "value": say(measure, total, lang, short=True),
            "href": _list_url(found, None), **_change(ctx, found, position),
        })  # fmt: skip
    return shown


def _change(ctx: Context, found: ReportResult, position: int) -> dict[str, Any]:
    dims = found.compiled.dimensions
    rows = [row for row in found.rows if row.keys and row.keys[0] is not None]
    if len(dims) != 1 or not dims[0].period or len(rows) < 2:
        return {}
    measure, lang, t = found.compiled.measures[position], ctx.actor.language, speaker(ctx.actor.language)
    last = plain(measure, rows[-1].values[position])
    follows = len(reports.periods_between(rows[-2].keys[0], rows[-1].keys[0], dims[0].period)) == 2
    before = plain(measure, rows[-2].values[position]) if follows else None
    note = t(
        "report.in_period",
        value=say(measure, rows[-1].values[position], lang, short=True),
        period=labels_of(ctx, found, rows[-1])[0],
    )
    if not before or last is None:
        return {"note": note}
    share = round((last - before) / abs(before) * 100)
    return {"note": note, "change": f"{share:+d} %".replace("-", "−"), "good": share >= 0}


# ---------------------------------------------------------------- the picture


def picture(ctx: Context, found: ReportResult) -> dict[str, Any] | None:
    """Return what the chart needs: labels, series, and an address for each label."""
    kind = found.report.chart
    if kind == "none" or not found.rows or not found.compiled.dimensions:
        return None
    if len(found.compiled.dimensions) > 1:
        return _crossed(ctx, found)
    lang = ctx.actor.language
    at = _main_measure(found)
    measure = found.compiled.measures[at]
    points = _points(ctx, found, at)
    if kind == "pie" and len(points) > _MOST_SLICES:
        kind = "bar"
    labels = [point.label for point in points]
    return {
        "kind": kind, "labels": labels, "links": [point.href for point in points], **_format(measure),
        "horizontal": kind == "bar" and (len(points) > 6 or max(map(_width, labels), default=0) > _LONG_LABELS),
        "series": [_series(measure, [point.value for point in points], lang)], "title": found.report.label.get(lang),
        "note": speaker(lang)("report.funnel_note") if is_funnel(found) else None,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Point:
    """One bar, slice or dot."""

    label: str
    value: Any
    href: str | None


def _points(ctx: Context, found: ReportResult, at: int) -> list[_Point]:
    lang = ctx.actor.language
    points = [
        _Point(labels_of(ctx, found, row)[0], row.values[at], _list_url(found, row)) for row in found.rows
    ]
    period = found.compiled.dimensions[0].period
    if period and found.rows[0].keys[0] is not None:
        by_key = {row.keys[0]: point for row, point in zip(found.rows, points, strict=True)}
        keys = [key for key in by_key if key is not None]
        # Months in which nothing happened belong on the line as well: without them it would tell of steady growth.
        every = reports.periods_between(keys[0], keys[-1], period)
        return [by_key.get(key) or _Point(say_period(key, period, lang), 0, None) for key in every]
    if is_funnel(found):
        return [
            _Point(point.label, value, href)
            for point, value, href in zip(points, reached(found, at), _reached_urls(found), strict=True)
        ]
    return points


def _main_measure(found: ReportResult) -> int:
    """Return which measure is drawn: the one the report is named after or ordered by, else the first."""
    names = [one.measure.name for one in found.compiled.measures]
    named_after = next((at for at, name in enumerate(names) if found.report.name.startswith(name)), None)
    if named_after is not None:
        return named_after
    ordered_by = found.report.order[0] if found.report.order else None
    return names.index(ordered_by) if ordered_by in names else 0


def is_funnel(found: ReportResult) -> bool:
    """Whether each row is a step on one way, so that what is further on has passed it."""
    return found.report.type == "funnel" and len(found.compiled.dimensions) == 1 and len(found.rows) > 1


def reached(found: ReportResult, at: int) -> list[str]:
    """Return, for each step, how much stands there or has gone further."""
    values = [Decimal(str(row.values[at] or 0)) for row in found.rows]
    return [str(sum(values[position:], Decimal(0))) for position in range(len(values))]


def _reached_urls(found: ReportResult) -> list[str | None]:
    drills = [row.drill for row in found.rows]
    if not all(drills):
        return [None] * len(drills)
    base = f"/l/{found.report.entity}?filter="
    joined = [" || ".join(f"({drill})" for drill in drills[position:]) for position in range(len(drills))]
    return [base + quote(text, safe="") if len(text) < _LONGEST_FILTER else None for text in joined]


def labels_of(ctx: Context, found: ReportResult, row: ReportRow) -> list[str]:
    """Return what a row is called; periods as people say them."""
    lang = ctx.actor.language
    return [
        say_period(key, dim.period, lang) if dim.period and key is not None else label.get(lang)
        for key, label, dim in zip(row.keys, row.labels, found.compiled.dimensions, strict=True)
    ]


def say_period(key: str, by: str, lang: str) -> str:
    """Return a period in words: May 2026, Q2 2026, 4 May."""
    first, _ = reports.period_days(key, by)
    if by == "year":
        return f"{first.year}年" if lang == "zh" else str(first.year)
    if by == "quarter":
        number = (first.month + 2) // 3
        return f"{first.year}年第{number}季度" if lang == "zh" else f"Q{number} {first.year}"
    if by == "month":
        return f"{first.year}年{first.month}月" if lang == "zh" else f"{first:%b} {first.year}"
    return f"{first.month}月{first.day}日" if lang == "zh" else f"{first.day} {first:%b}"


def _crossed(ctx: Context, found: ReportResult) -> dict[str, Any]:
    """Return the first measure of two dimensions as stacked bars."""
    lang = ctx.actor.language
    measure = found.compiled.measures[0]
    cells = {
        (names[0], names[1]): row.values[0] for row in found.rows if (names := labels_of(ctx, found, row))
    }
    keys = {labels_of(ctx, found, row)[0]: row.keys[0] for row in found.rows}
    drills = [reports.drill_into(found, key) for key in keys.values()]
    firsts, seconds = (
        list(dict.fromkeys(first for first, _ in cells)),
        list(dict.fromkeys(second for _, second in cells)),
    )
    return {
        "kind": "stacked", "labels": firsts, "links": [_drill_url(found, drill) for drill in drills], **_format(measure),
        "title": found.report.label.get(lang), "horizontal": len(firsts) > 6,
        "series": [
            _series(measure, [cells.get((first, second)) for first in firsts], lang) | {"name": second} for second in seconds
        ],
    }  # fmt: skip


def _series(measure: MeasureColumn, values: Sequence[Any], lang: str) -> dict[str, Any]:
    return {
        "name": measure.measure.label.get(lang), "values": [plain(measure, value) for value in values],
        "texts": [say(measure, value, lang) for value in values],
    }  # fmt: skip


def _format(measure: MeasureColumn) -> dict[str, str]:
    formats = {"money": "money", "rate": "percent"}
    sign = money.format_money(Decimal(0), measure.currency).rstrip("0.,") if measure.currency else ""
    return {"format": formats.get(measure.kind, "number"), "unit": sign}


def _width(label: str) -> int:
    return sum(1 if char.isascii() else 2 for char in label)


# ---------------------------------------------------------------- the table


def _list_url(found: ReportResult, row: ReportRow | None) -> str | None:
    base = f"/l/{found.report.entity}"
    if row is None:
        return (
            f"{base}?filter={quote(found.report.filter.text, safe='')}"
            if found.report.filter is not None
            else base
        )
    return _drill_url(found, row.drill)


def _drill_url(found: ReportResult, drill: str | None) -> str | None:
    return f"/l/{found.report.entity}?filter={quote(drill, safe='')}" if drill else None


def _table(ctx: Context, found: ReportResult) -> dict[str, Any]:
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    dims, measures = found.compiled.dimensions, found.compiled.measures
    drawn = _main_measure(found)
    most = max((plain(measures[drawn], row.values[drawn]) or 0 for row in found.rows), default=0)
    rows: list[dict[str, Any]] = [
        {
            "labels": labels_of(ctx, found, row), "href": _list_url(found, row),
            "cells": [say(m, value, lang) for m, value in zip(measures, row.values, strict=True)],
            "share": round((plain(measures[drawn], row.values[drawn]) or 0) / most * 100) if most > 0 else 0,
        }
        for row in found.rows
    ]  # fmt: skip
    head = [d.dimension.label.get(lang) for d in dims] + [m.measure.label.get(lang) for m in measures]
    totals = [say(m, value, lang) for m, value in zip(measures, found.totals, strict=True)]
    if is_funnel(found):
        passed = [Decimal(value) for value in reached(found, drawn)]
        for row, value, before in zip(rows, passed, [None, *passed[:-1]], strict=True):
            row["cells"] += [
                say(measures[drawn], value, lang),
                f"{value / before * 100:.0f} %" if before else "—",
            ]
            row["share"] = round(float(value / passed[0] * 100)) if passed[0] > 0 else 0
        head, totals = [*head, t("report.reached"), t("report.of_before")], [*totals, "", ""]
    return {
        "head": head, "dims": len(dims), "rows": rows, "totals": totals, "ranked": found.report.type == "leaderboard",
    }  # fmt: skip


def _pivot(ctx: Context, found: ReportResult) -> dict[str, Any] | None:
    """Return one measure of two dimensions as a cross table; None for other reports."""
    if len(found.compiled.dimensions) != 2 or len(found.compiled.measures) != 1 or not found.rows:
        return None
    lang, measure = ctx.actor.language, found.compiled.measures[0]
    cells = {tuple(labels_of(ctx, found, row)): row for row in found.rows}
    firsts = {labels_of(ctx, found, row)[0]: row.keys[0] for row in found.rows}
    seconds = list(dict.fromkeys(second for _, second in cells))
    if len(seconds) > _MOST_ACROSS:
        return None
    rows = []
    for first, key in firsts.items():
        line = [cells.get((first, second)) for second in seconds]
        shown = [
            {"text": say(measure, one.values[0], lang), "href": _list_url(found, one)}
            if one
            else {"text": "—", "href": None}
            for one in line
        ]
        rows.append(
            {"label": first, "href": _drill_url(found, reports.drill_into(found, key)), "cells": shown}
        )
    dims = [dim.dimension.label.get(lang) for dim in found.compiled.dimensions]
    return {"head": [f"{dims[0]} / {dims[1]}", *seconds], "rows": rows}


# ---------------------------------------------------------------- dashboards


@dataclass(frozen=True, slots=True)
class _Shown:
    """A tile as its template takes it."""

    kind: str
    label: str
    width: int
    href: str | None
    data: Any


@screen.get("/d/<name>")
def dashboard(name: str) -> Response:
    """Reports side by side; with `part=tiles` only they, for another page to hold."""
    ctx = context("ui")
    board = dashboards.dashboard(ctx, name)
    shown = tiles(ctx, dashboards.tiles(ctx, board))
    if request.args.get("part") == "tiles":
        return render.fragment("reports/tiles.html", tiles=shown)
    others = [
        {"label": one.label.get(ctx.actor.language), "href": f"/d/{one.name}", "active": one.name == name}
        for one in dashboards.allowed(ctx)
    ]
    return render.page(
        "reports/dashboard.html",
        title=board.label.get(ctx.actor.language),
        tiles=shown,
        others=others,
        at=ctx.stamp,
        said=Cells(ctx).moment_text,
    )


def tiles(ctx: Context, views: Sequence[TileView]) -> list[_Shown]:
    """Return tiles as the template takes them."""
    return [_shown(ctx, view) for view in views]


def _shown(ctx: Context, view: TileView) -> _Shown:
    lang = ctx.actor.language
    label, width = view.label.get(lang), max(1, min(12, view.tile.width))
    if view.result is not None and view.measure is not None:
        return _number(ctx, view, label, width)
    if view.result is not None:
        found = view.result
        data = {"chart": picture(ctx, found), "rows": bool(found.rows)}
        return _Shown("report", label, width, f"/reports/{found.report.name}", data)
    return _list(ctx, view, label, width)


def _number(ctx: Context, view: TileView, label: str, width: int) -> _Shown:
    assert view.result is not None
    assert view.measure is not None
    measure, total = view.result.compiled.measures[view.measure], view.result.totals[view.measure]
    data = {
        "value": say(measure, total, ctx.actor.language, short=True),
        **_change(ctx, view.result, view.measure),
    }
    return _Shown("number", label, width, f"/reports/{view.result.report.name}", data)


def _list(ctx: Context, view: TileView, label: str, width: int) -> _Shown:
    assert view.records is not None
    records, entity = view.records, view.records.entity
    cells = Cells(ctx, naming.names(ctx, naming.collect({}, records.columns, records.items)))
    rows = [
        {
            "href": f"/r/{entity.name}/{item['id']}", "title": cells.title(entity, item),
            "cells": [cells.cell(entity, field.name, item) for field in records.columns],
        }
        for item in records.items
    ]  # fmt: skip
    href = f"/l/{entity.name}" + (f"?view={view.tile.view}" if view.tile.view else "")
    heads = [field.label.get(ctx.actor.language) for field in records.columns]
    return _Shown("list", label, width, href, {"rows": rows, "heads": heads, "more": records.more})
