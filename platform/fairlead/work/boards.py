"""Boards: cards by column, or cells by row and column, in one or two statements whatever there is on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.base.errors import NotFound
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import EntityReads
from fairlead.compiled.tables import column_name
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Option
from fairlead.model.screens import Board
from fairlead.work import records
from fairlead.work.context import Context
from fairlead.work.reading import Json
from fairlead.work.records import Saved, base_params, roles_of

COLUMN_PAGE = 20
COLUMN_MAX = 50
GRID_MAX = 2000


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a kanban board. `count` and `total` are of everything in it, `items` the first cards."""

    option: Option
    count: int
    total: Any
    """The sum, as stored; None without a field to sum or where it may not be seen."""
    items: list[Json]


@dataclass(frozen=True, slots=True)
class Kanban:
    """A board of cards."""

    board: Board
    entity: CompiledEntity
    columns: tuple[Column, ...]
    sum_field: Field | None


@dataclass(frozen=True, slots=True)
class Grid:
    """A board of cells: one group of it."""

    board: Board
    entity: CompiledEntity
    groups: tuple[tuple[Any, int], ...]
    """(group as stored, how many cells), in the order of what the group is."""
    group: Any
    items: list[Json]


def board_of(ctx: Context, name: str) -> Board:
    """Return a board that the actor may open.

    Raises:
        NotFound: There is none, or its records or columns are not this actor's to see.
    """
    board = ctx.app.workspace.boards.get(name)
    if board is None:
        raise NotFound("board", name)
    access = ctx.app.access(board.entity, roles_of(ctx))
    needed = {one for one in (board.column_field, board.row_field, board.group_field) if one}
    if not needed <= access.readable:
        raise NotFound("board", name)
    return board


# ---------------------------------------------------------------- kanban


def kanban(ctx: Context, board: Board) -> Kanban:
    """Return the columns of a board with their first cards."""
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    options = entity.entity.fields[board.column_field].options
    sum_field = _sum_field(entity, reads, board)
    totals = {
        row[0]: row[1:]
        for row in ctx.database.all(_totals(ctx, board, entity, reads, sum_field), base_params(ctx))
    }
    cards: dict[str, list[Json]] = {}
    codec = reads.codec(_card_fields(entity, reads, board))
    for row in ctx.database.all(_first_cards(ctx, board, entity, reads, options), base_params(ctx)):
        item = codec.encode(row)
        cards.setdefault(str(item[board.column_field]), []).append(item)
    columns = []
    for option in options:
        count, total = (*totals.get(option.name, (0,)), None)[:2]
        if option.active or count:
            columns.append(Column(option, int(count), total, cards.get(option.name, [])))
    return Kanban(board, entity, tuple(columns), sum_field)


def more_cards(ctx: Context, board: Board, column: str, offset: int) -> list[Json]:
    """Return the cards of a column after the first `offset`, up to what a column shows."""
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    chosen = _card_fields(entity, reads, board)

    def build() -> sa.Select[Any]:
        of_column = _column(entity, board) == sa.bindparam("p_column", required=True, type_=sa.Text())
        statement = _filtered(ctx, board, entity, reads.select(chosen, _needs(board))).where(of_column)
        statement = statement.order_by(*_order(ctx, entity, reads))
        return statement.limit(sa.bindparam("p_limit", required=True)).offset(
            sa.bindparam("p_offset", required=True)
        )

    statement = ctx.app.statement(("board-more", board.name, roles_of(ctx)), build)
    limit = max(0, COLUMN_MAX - offset)
    params = {**base_params(ctx), "p_column": column, "p_limit": limit, "p_offset": max(0, offset)}
    codec = reads.codec(chosen)
    return [codec.encode(row) for row in ctx.database.all(statement, params)]


def card(ctx: Context, board: Board, id: str) -> Json | None:
    """Return one card as it stands, or None when it is not on the board any more."""
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    chosen = _card_fields(entity, reads, board)

    def build() -> sa.Select[Any]:
        statement = _filtered(ctx, board, entity, reads.select(chosen, _needs(board)))
        return statement.where(
            entity.tables.main.c.id == sa.bindparam("p_id", required=True, type_=sa.Text())
        )

    statement = ctx.app.statement(("board-card", board.name, roles_of(ctx)), build)
    row = ctx.database.one(statement, {**base_params(ctx), "p_id": id})
    return None if row is None else reads.codec(chosen).encode(row)


def column_totals(ctx: Context, board: Board) -> dict[str, tuple[int, Any]]:
    """Return count and sum of each column."""
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    sum_field = _sum_field(entity, reads, board)
    rows = ctx.database.all(_totals(ctx, board, entity, reads, sum_field), base_params(ctx))
    return {row[0]: (int(row[1]), row[2] if sum_field else None) for row in rows}


def put(
    ctx: Context,
    board: Board,
    id: str,
    column: str,
    *,
    version: int | None,
    given: dict[str, Any],
    reason: str | None,
) -> Saved:
    """Put a card into another column: a move between stages, or a change of the field behind the columns.

    Raises:
        NotFound, Forbidden, Refused, Conflict, Locked, Invalid: As `records.move` and `records.update`.
    """
    if board.column_field == "stage":
        return records.move(
            ctx, board.entity, id, column, version=version, given=given, reason=reason, form=True
        )
    return records.update(ctx, board.entity, id, {board.column_field: column}, version=version)


def _sum_field(entity: CompiledEntity, reads: EntityReads, board: Board) -> Field | None:
    if board.sum is None or board.sum not in reads.access.readable or board.sum not in entity.tables.columns:
        return None
    return entity.entity.fields[board.sum]


def _card_fields(entity: CompiledEntity, reads: EntityReads, board: Board) -> tuple[str, ...]:
    wanted = {
        *board.card, *entity.entity.title_fields, board.column_field, board.row_field, board.group_field, board.cell,
        board.color_by, "id", "version", "owner", "stage_entered_at",
    }  # fmt: skip
    return tuple(sorted(n for n in wanted if n and n in reads.access.seen and n in entity.tables.columns))


def _needs(board: Board) -> frozenset[str]:
    needs = {one for one in (board.column_field, board.row_field, board.group_field) if one}
    if board.filter is not None:
        needs |= {path[0] for path in board.filter.uses if path}
    return frozenset(needs)


def _column(entity: CompiledEntity, board: Board) -> Any:
    return entity.tables.main.c[column_name(board.column_field)]


def _filtered(
    ctx: Context, board: Board, entity: CompiledEntity, statement: sa.Select[Any]
) -> sa.Select[Any]:
    if board.filter is None:
        return statement
    return statement.where(ctx.app.clauses.row(board.filter, entity.tables))


def _order(ctx: Context, entity: CompiledEntity, reads: EntityReads) -> list[Any]:
    main = entity.tables.main
    found: list[Any] = []
    for name, down in ctx.app.workspace.list_of(entity.name).order[:1]:
        if (
            name in entity.tables.columns
            and name in reads.access.readable
            and kind_of(entity.entity.fields[name]).sortable
        ):
            column = main.c[column_name(name)]
            found.append(column.desc() if down else column.asc())
    return [*found, main.c.id.desc()]


def _first_cards(
    ctx: Context, board: Board, entity: CompiledEntity, reads: EntityReads, options: Sequence[Option]
) -> Any:
    """Select the first cards of every column at once, each column through its own index range."""
    chosen = _card_fields(entity, reads, board)

    def build() -> Any:
        parts = []
        for option in options:
            part = _filtered(ctx, board, entity, reads.select(chosen, _needs(board)))
            part = (
                part.where(_column(entity, board) == option.name)
                .order_by(*_order(ctx, entity, reads))
                .limit(COLUMN_PAGE)
            )
            parts.append(sa.select(part.subquery()))
        return sa.union_all(*parts)

    return ctx.app.statement(("board", board.name, roles_of(ctx)), build)


def _totals(
    ctx: Context, board: Board, entity: CompiledEntity, reads: EntityReads, sum_field: Field | None
) -> Any:
    def build() -> sa.Select[Any]:
        main = entity.tables.main
        needs = _needs(board) | ({sum_field.name} if sum_field else set())
        column = _column(entity, board)
        columns = [column, sa.func.count()]
        if sum_field is not None:
            columns.append(sa.cast(sa.func.sum(main.c[column_name(sum_field.name)]), sa.BigInteger()))
        statement = sa.select(*columns).where(sa.text(f"{main.name}.deleted_at IS NULL"))
        predicate = reads.access.rows(needs)
        if predicate is not None:
            statement = statement.where(predicate)
        return _filtered(ctx, board, entity, statement).group_by(column)

    return ctx.app.statement(("board-totals", board.name, roles_of(ctx)), build)


# ---------------------------------------------------------------- grid


def groups(ctx: Context, board: Board) -> tuple[tuple[Any, int], ...]:
    """Return the groups of a grid, as stored, with how many cells each has."""
    if board.group_field is None:
        return ()
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    rows = ctx.database.all(_groups(ctx, board, entity, reads), base_params(ctx))
    return tuple((row[0], int(row[1])) for row in rows if row[0] is not None)


def grid(ctx: Context, board: Board, found: tuple[tuple[Any, int], ...], group: str | None) -> Grid:
    """Return one group of a grid with all its cells.

    Raises:
        NotFound: There is no such group for this actor.
    """
    entity = ctx.app.entities[board.entity]
    reads = ctx.app.reads(board.entity, roles_of(ctx))
    if board.group_field is not None and group is not None and all(key != group for key, _ in found):
        raise NotFound("group", group)
    chosen = _card_fields(entity, reads, board)
    statement = ctx.app.statement(
        ("grid", board.name, roles_of(ctx)), lambda: _cells(ctx, board, entity, reads)
    )
    params = {**base_params(ctx), "p_group": group or ""}
    codec = reads.codec(chosen)
    return Grid(
        board, entity, found, group, [codec.encode(row) for row in ctx.database.all(statement, params)]
    )


def _groups(ctx: Context, board: Board, entity: CompiledEntity, reads: EntityReads) -> Any:
    def build() -> sa.Select[Any]:
        main = entity.tables.main
        column = main.c[column_name(str(board.group_field))]
        statement = sa.select(column, sa.func.count()).where(sa.text(f"{main.name}.deleted_at IS NULL"))
        predicate = reads.access.rows(_needs(board))
        if predicate is not None:
            statement = statement.where(predicate)
        return _filtered(ctx, board, entity, statement).group_by(column).order_by(column)

    return ctx.app.statement(("grid-groups", board.name, roles_of(ctx)), build)


def _cells(ctx: Context, board: Board, entity: CompiledEntity, reads: EntityReads) -> sa.Select[Any]:
    main = entity.tables.main
    statement = _filtered(ctx, board, entity, reads.select(_card_fields(entity, reads, board), _needs(board)))
    if board.group_field is not None:
        of_group = main.c[column_name(board.group_field)] == sa.bindparam(
            "p_group", required=True, type_=sa.Text()
        )
        statement = statement.where(of_group)
    ordering = [main.c[column_name(name)] for name in (board.row_field, board.column_field) if name]
    return statement.order_by(*ordering, main.c.id).limit(GRID_MAX)
