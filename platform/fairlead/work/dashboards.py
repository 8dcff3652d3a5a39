"""Dashboards for one person: each report computed once, each list cut to what is urgent, what is not theirs left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairlead.base.errors import Invalid, NotFound
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.fields.spec import Field
from fairlead.model.governance import Dashboard, Tile
from fairlead.work import reading, reports
from fairlead.work.context import Context
from fairlead.work.queries import ListQuery
from fairlead.work.reading import Json
from fairlead.work.records import roles_of
from fairlead.work.reports import ReportResult

ROWS = 6


@dataclass(frozen=True, slots=True)
class Records:
    """The first records of a list on a dashboard."""

    entity: CompiledEntity
    columns: tuple[Field, ...]
    items: Sequence[Json]
    more: bool


@dataclass(frozen=True, slots=True)
class TileView:
    """A tile with what it shows: a number of a report, the report, or a list."""

    tile: Tile
    label: Label
    result: ReportResult | None = None
    measure: int | None = None
    """Position of the one measure that is shown as a number."""
    records: Records | None = None


def allowed(ctx: Context) -> tuple[Dashboard, ...]:
    """Return the dashboards made for the actor's roles, in document order."""
    held = set(ctx.actor.roles)
    return tuple(
        one for one in ctx.app.workspace.dashboards.values() if not one.roles or held & set(one.roles)
    )


def dashboard(ctx: Context, name: str) -> Dashboard:
    """Return a dashboard.

    Raises:
        NotFound: There is none of this name for this actor.
    """
    found = next((one for one in allowed(ctx) if one.name == name), None)
    if found is None:
        raise NotFound("dashboard", name)
    return found


def tiles(ctx: Context, board: Dashboard, positions: Sequence[int] | None = None) -> list[TileView]:
    """Return the tiles that this person may see, all or those at `positions`."""
    results: dict[str, ReportResult | None] = {}
    found = []
    for position, tile in enumerate(board.tiles):
        if positions is None or position in positions:
            view = _tile(ctx, tile, results)
            if view is not None:
                found.append(view)
    return found


def _tile(ctx: Context, tile: Tile, results: dict[str, ReportResult | None]) -> TileView | None:
    if tile.report is not None:
        if tile.report not in results:
            results[tile.report] = _run(ctx, tile.report)
        result = results[tile.report]
        if result is None:
            return None
        names = [measure.measure.name for measure in result.compiled.measures]
        at = names.index(tile.measure) if tile.measure in names else None
        label = tile.label or (
            result.compiled.measures[at].measure.label if at is not None else result.report.label
        )
        return TileView(tile, label, result, at)
    if tile.list is None:
        return None
    records = _records(ctx, tile)
    if records is None:
        return None
    document = ctx.app.workspace.lists.get(tile.list) or ctx.app.workspace.list_of(records.entity.name)
    view = next((one for one in document.views if one.name == tile.view), None)
    return TileView(tile, tile.label or (view.label if view else document.label), records=records)


def _run(ctx: Context, name: str) -> ReportResult | None:
    try:
        return reports.run(ctx, name)
    except NotFound:
        return None


def _records(ctx: Context, tile: Tile) -> Records | None:
    workspace = ctx.app.workspace
    document = workspace.lists.get(tile.list or "")
    name = document.entity if document else str(tile.list)
    entity = ctx.app.entity(name)
    if entity is None or not ctx.app.access(name, roles_of(ctx)).read:
        return None
    try:
        page = reading.page(ctx, name, ListQuery(view=tile.view, page_size=ROWS))
    except Invalid:
        return None
    seen = ctx.app.access(name, roles_of(ctx)).seen
    titles = entity.entity.title_fields
    columns = [n for n in workspace.list_of(name).columns if n in seen and n not in titles][:3]
    fields = entity.entity.fields
    return Records(
        entity, tuple(fields[n] for n in columns if n in fields), page.items, page.next_token is not None
    )
