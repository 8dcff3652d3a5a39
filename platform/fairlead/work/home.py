"""The first screen: what is due, what waits, what is about to be lost, and how the numbers stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.base.errors import NotFound
from fairlead.base.texts import Label
from fairlead.compiled.access import P_USER, pool_member
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.runs import ACTIVE
from fairlead.compiled.tables import column_name
from fairlead.fields.spec import Field
from fairlead.model.governance import Dashboard, Tile
from fairlead.model.screens import View
from fairlead.model.workflows import Pool
from fairlead.store.statements import n
from fairlead.store.system import notification, task
from fairlead.work import reports
from fairlead.work.context import Context
from fairlead.work.holdings import still_open
from fairlead.work.reading import Json
from fairlead.work.records import base_params, roles_of
from fairlead.work.reports import ReportResult

DUE_VIEWS = ("due", "today")
"""A list view of one of these names says what its entity's people should look at today."""

LOSING_WITHIN = timedelta(days=3)
MAX_DUE = 12
MAX_ENTITIES = 4
BADGE_MAX = 100


# ---------------------------------------------------------------- the frame's one statement


def waiting(ctx: Context) -> int:
    """Return how much waits in the inbox: open tasks and unread notices, counted up to a hundred each."""

    def build() -> sa.Select[Any]:
        tasks = (
            sa.select(task.c.id)
            .where(task.c.holder == P_USER, task.c.state.in_(sorted(ACTIVE)))
            .limit(BADGE_MAX)
            .subquery()
        )
        unread = (
            sa.select(notification.c.id)
            .where(notification.c.user_id == P_USER, notification.c.read_at.is_(None))
            .limit(BADGE_MAX)
            .subquery()
        )
        return sa.select(
            sa.select(sa.func.count()).select_from(tasks).scalar_subquery(),
            sa.select(sa.func.count()).select_from(unread).scalar_subquery(),
        )

    row = ctx.database.one(ctx.app.statement("waiting", build), {"p_user": ctx.actor.id})
    return int(row[0]) + int(row[1]) if row else 0


def opens_pool(ctx: Context, pool: Pool) -> bool:
    """Whether the actor's roles may belong to a pool's members; teams are asked about when it is opened."""
    return not isinstance(pool_member(pool, ctx.actor.roles), str)


# ---------------------------------------------------------------- what is due


@dataclass(frozen=True, slots=True)
class DueList:
    """Records of one entity that need something from the actor, the most urgent first."""

    entity: CompiledEntity
    view: View
    by: Field | None
    """The date that makes them urgent."""
    items: list[Json]
    more: bool


def due(ctx: Context) -> list[DueList]:
    """Return the records in the due views of the entities the actor works with: the actor's own, or for somebody who
    heads a team everything of theirs.
    """
    found = []
    for entity, view in _due_views(ctx):
        by = _date_of(entity, view)
        items = _of_view(ctx, entity, view, own=not ctx.actor.oversees)
        if items:
            found.append(DueList(entity, view, by, items[:MAX_DUE], len(items) > MAX_DUE))
    return found


def _due_views(ctx: Context) -> Sequence[tuple[CompiledEntity, View]]:
    def build() -> list[tuple[CompiledEntity, View]]:
        found = []
        for entity in ctx.app.entities.values():
            access = ctx.app.access(entity.name, roles_of(ctx))
            if not access.read or "owner" not in access.readable:
                continue
            for view in ctx.app.workspace.list_of(entity.name).views:
                needs = {path[0] for path in view.filter.uses if path} if view.filter else {""}
                if view.name in DUE_VIEWS and needs <= access.readable:
                    found.append((entity, view))
                    break
        return found[:MAX_ENTITIES]

    return ctx.app.memo(("due-views", roles_of(ctx)), build)  # type: ignore[no-any-return]


def _date_of(entity: CompiledEntity, view: View) -> Field | None:
    fields = entity.entity.fields
    names = [name for name, _ in view.order]
    names += sorted(path[0] for path in view.filter.uses if path) if view.filter else []
    return next((fields[n] for n in names if n in fields and fields[n].kind in ("date", "datetime")), None)


def _of_view(ctx: Context, entity: CompiledEntity, view: View, *, own: bool) -> list[Json]:
    roles, filter = roles_of(ctx), view.filter
    reads = ctx.app.reads(entity.name, roles)

    def build() -> sa.Select[Any]:
        main = entity.tables.main
        needs = frozenset({"owner", *(path[0] for path in filter.uses if path)} if filter else {"owner"})
        statement = reads.select(None, needs)
        if own:
            statement = statement.where(main.c.owner == P_USER)
        if filter is not None:
            statement = statement.where(ctx.app.clauses.row(filter, entity.tables))
        for name, down in view.order:
            if name in entity.tables.columns and name in reads.access.readable:
                column = main.c[column_name(name)]
                statement = statement.order_by(column.desc() if down else column.asc())
        return statement.order_by(main.c.id).limit(n("p_limit"))

    statement = ctx.app.statement(("due", entity.name, view.name, own, roles), build)
    codec = reads.codec()
    return [
        codec.encode(row) for row in ctx.database.all(statement, {**base_params(ctx), "p_limit": MAX_DUE + 1})
    ]


# ---------------------------------------------------------------- what is about to be lost


@dataclass(frozen=True, slots=True)
class Losing:
    """Own records of one entity that go back to a pool soon unless somebody follows up."""

    entity: CompiledEntity
    items: list[Json]


def losing(ctx: Context) -> list[Losing]:
    """Return the actor's records whose protection ends within three days, the first to go first."""
    found = []
    for entity in ctx.app.entities.values():
        access = ctx.app.access(entity.name, roles_of(ctx))
        if entity.pools and {"owner", "due_at"} <= access.readable:
            items = _losing(ctx, entity)
            if items:
                found.append(Losing(entity, items))
    return found


def _losing(ctx: Context, entity: CompiledEntity) -> list[Json]:
    roles = roles_of(ctx)
    reads = ctx.app.reads(entity.name, roles)

    def build() -> sa.Select[Any]:
        main = entity.tables.main
        return (
            reads.select(None, frozenset({"owner", "due_at"}))
            .where(
                main.c.owner == P_USER,
                main.c.due_at <= sa.bindparam("p_until", required=True, type_=sa.Text()),
                *still_open(entity),
            )
            .order_by(main.c.due_at, main.c.id)
            .limit(8)
        )

    statement = ctx.app.statement(("losing", entity.name, roles), build)
    params = {**base_params(ctx), "p_until": iso_utc(ctx.now + LOSING_WITHIN)}
    codec = reads.codec()
    return [codec.encode(row) for row in ctx.database.all(statement, params)]


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a report, over everything the reader may see."""

    tile: Tile
    label: Label
    value: Any
    kind: str
    currency: str | None
    result: ReportResult


def dashboard(ctx: Context) -> Dashboard | None:
    """Return the dashboard of the home screen: the first made for the actor's roles, else the menu's."""
    workspace = ctx.app.workspace
    for one in workspace.dashboards.values():
        if one.roles and set(one.roles) & set(ctx.actor.roles):
            return one
    home = next((menu.home for menu in workspace.menus.values() if menu.home), None)
    found = workspace.dashboards.get(home) if home else None
    return found if found is None or not found.roles or set(found.roles) & set(ctx.actor.roles) else None


def numbers(ctx: Context, board: Dashboard, *, most: int = 4) -> list[Number]:
    """Return the single numbers of a dashboard; each report is computed once."""
    done: dict[str, ReportResult] = {}
    found: list[Number] = []
    for tile in board.tiles:
        if tile.report is None or tile.measure is None or len(found) >= most:
            continue
        try:
            result = done.get(tile.report) or done.setdefault(tile.report, reports.run(ctx, tile.report))
        except NotFound:
            continue
        for position, measure in enumerate(result.compiled.measures):
            if measure.measure.name == tile.measure:
                label = tile.label or measure.measure.label
                found.append(
                    Number(tile, label, result.totals[position], measure.kind, measure.currency, result)
                )
    return found
