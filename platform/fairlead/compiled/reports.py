"""Reports as selects that already carry the reader's permissions.

Each measure is one or two additive columns (a sum, a count); what people read is worked out from them, so that
totals are added from the columns and not from rounded cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from fairlead.base.errors import NotFound
from fairlead.compiled.access import EntityAccess
from fairlead.compiled.clauses import Clauses
from fairlead.compiled.statement import Prepared, prepare
from fairlead.compiled.tables import EntityTables, Tables, column_name
from fairlead.compiled.totals import HALF, Totals, eligible, halves, total
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.governance import Dimension, Measure, Report
from fairlead.model.workspace import Workspace

_MEMBERSHIP = sa.table("sys_membership", sa.column("user_id"), sa.column("team_id"), sa.column("is_primary"))


@dataclass(frozen=True, slots=True)
class DimensionColumn:
    """How a group's value is shown: like `field`, as a person or team, or as a period of time."""

    dimension: Dimension
    field: Field
    period: str | None


@dataclass(frozen=True, slots=True)
class MeasureColumn:
    """One measure: how many raw columns it has, and how they become what is read."""

    measure: Measure
    width: int
    finish: Callable[[Sequence[Any]], Any]
    """From raw columns to JSON: a whole number, an exact decimal as text, or None."""
    kind: str
    """`count`, `money`, `number` or `rate`."""
    currency: str | None


@dataclass(frozen=True)
class CompiledReport:
    """A report for one set of roles."""

    report: Report
    statement: Prepared
    dimensions: tuple[DimensionColumn, ...]
    measures: tuple[MeasureColumn, ...]
    kept: bool
    """Whether it is answered from kept totals."""


def build_report(
    workspace: Workspace,
    report: Report,
    tables: Tables,
    access: EntityAccess,
    clauses: Clauses,
    dialect: str,
    totals: tuple[Totals, ...],
    access_of: Callable[[str], EntityAccess],
) -> CompiledReport:
    """Return the statement of `report` for people with `access`; `access_of` gives theirs to other entities.

    Raises:
        NotFound: The report reads a field that these people never see in full.
    """
    entity = workspace.entities[report.entity]
    mine = tables.by_entity[report.entity]
    needs = {d.path[0] for d in report.dimensions} | {m.field for m in report.measures if m.field}
    for expression in [report.filter, *[m.when for m in report.measures], *[m.of for m in report.measures]]:
        if expression is not None:
            needs |= {path[0] for path in expression.uses if path}
    if any(m.function == "weighted" for m in report.measures):
        needs.add("stage")
    if not needs <= access.readable:
        raise NotFound("report", report.name)
    source: Any = mine.main
    kept = _kept(workspace, report, access, totals)
    columns: Callable[[str], Any]
    if kept is not None:
        source = kept.table
        columns = lambda name: kept.table.c[column_name(name)]  # noqa: E731
    else:
        columns = lambda name: mine.main.c[column_name(name)]  # noqa: E731
    dims = [_dimension(entity, d, columns, tables, dialect, access_of) for d in report.dimensions]
    measures = [_measure(workspace, m, mine, clauses, columns, kept) for m in report.measures]
    raw: list[ColumnElement[Any]] = [column for _, parts in measures for column in parts]
    statement = sa.select(*[column for column, _ in dims], *raw).select_from(source)
    if kept is None:
        statement = statement.where(sa.text(f"{mine.main.name}.deleted_at IS NULL"))
        if report.filter is not None:
            statement = statement.where(clauses.row(report.filter, mine))
        predicate = access.rows(needs)
    else:
        predicate = _kept_predicate(access, mine, kept, needs)
    if predicate is not None:
        statement = statement.where(predicate)
    if dims:
        statement = statement.group_by(*[column for column, _ in dims])
        if kept is not None:
            statement = statement.having(sa.func.sum(kept.table.c.n_count) > 0)
    return CompiledReport(
        report, prepare(statement, dialect), tuple(column for _, column in dims),
        tuple(measure for measure, _ in measures), kept is not None,
    )  # fmt: skip


def _kept(
    workspace: Workspace, report: Report, access: EntityAccess, totals: tuple[Totals, ...]
) -> Totals | None:
    if not totals or not eligible(workspace, report):
        return None
    found = totals[0]
    allowed = {column_name(key) for key in found.keys}
    for grant in access.read:
        if grant.predicate is not None and not _columns_of(grant.predicate, access.entity) <= allowed:
            return None
    return found


def _columns_of(predicate: ColumnElement[bool], entity: str) -> set[str]:
    """Return the names of the entity's columns that a predicate reads."""
    from sqlalchemy.sql import visitors

    return {
        node.name
        for node in visitors.iterate(predicate)
        if isinstance(node, sa.Column) and getattr(node.table, "name", "") == f"e_{entity}"
    }


def _kept_predicate(
    access: EntityAccess, tables: EntityTables, kept: Totals, needs: set[str]
) -> ColumnElement[bool] | None:
    """Return the row predicate over the columns of the totals instead of those of the records."""
    found = access.rows(needs)
    return None if found is None else _moved(found, tables, kept.table)


def _moved(predicate: ColumnElement[bool], tables: EntityTables, to: Any) -> ColumnElement[bool]:
    """Return a predicate over the records of `tables` as one over the columns of `to`."""
    from sqlalchemy.sql import visitors

    def replace(node: Any, **_: Any) -> Any:
        if isinstance(node, sa.Column) and node.table is tables.main:
            return to.c[node.name]
        return None

    return visitors.replacement_traverse(predicate, {}, replace)  # type: ignore[call-overload, no-any-return]


def _dimension(
    entity: Entity,
    dimension: Dimension,
    columns: Callable[[str], Any],
    tables: Tables,
    dialect: str,
    access_of: Callable[[str], EntityAccess],
) -> tuple[ColumnElement[Any], DimensionColumn]:
    first = dimension.path[0]
    field = entity.fields[first]
    column = columns(first)
    if len(dimension.path) == 2:
        column, field = _through(dimension, column, field, tables, access_of)
    if dimension.by is not None:
        column = _period(column, dimension.by, field.kind == "datetime", dialect)
    return column, DimensionColumn(dimension, field, dimension.by)


def _through(
    dimension: Dimension, column: Any, field: Field, tables: Tables, access_of: Callable[[str], EntityAccess]
) -> tuple[Any, Field]:
    """Return the column one hop away: a field of the record referred to, or the team of a person.

    Where the reader may not see it on that record, the group is the empty one.
    """
    name = dimension.path[1]
    if field.kind == "user" and name == "team":
        member = _MEMBERSHIP.alias()
        team = sa.select(member.c.team_id).where(member.c.user_id == column, member.c.is_primary).limit(1)
        return team.scalar_subquery(), Field(name, "team", dimension.label)
    target = tables.by_entity[str(field.params["entity"])]
    alias = target.main.alias()
    found = sa.select(alias.c[column_name(name)]).where(alias.c.id == column, alias.c.deleted_at.is_(None))
    predicate = access_of(target.entity.name).rows((name,))
    if predicate is not None:
        found = found.where(_moved(predicate, target, alias))
    return found.scalar_subquery(), target.entity.fields[name]


def _period(column: Any, by: str, has_time: bool, dialect: str) -> ColumnElement[Any]:
    """Return the period that a date lies in, as text that sorts: 2026-05, 2026-Q2, or a week's Monday.

    An instant counts where the reader is; `fl_local_date` (SQLite) and AT TIME ZONE (PostgreSQL) say on which day.
    """
    day: Any = column
    if has_time:
        zone = sa.bindparam("p_zone", type_=sa.Text(), required=True)
        if dialect == "sqlite":
            day = sa.func.fl_local_date(column, zone)
        else:
            moment = sa.func.timezone(zone, sa.cast(column, sa.DateTime(timezone=True)))
            day = sa.func.to_char(moment, sa.literal_column("'YYYY-MM-DD'"))
    if by == "day":
        return day  # type: ignore[no-any-return]
    if by == "month":
        return sa.func.substr(day, 1, 7)
    if by == "year":
        return sa.func.substr(day, 1, 4)
    if by == "quarter":
        month = sa.cast(sa.func.substr(day, 6, 2), sa.Integer())
        quarter = sa.cast((month + 2).op("/")(3), sa.Text())
        return sa.func.substr(day, 1, 4).op("||")(sa.literal_column("'-Q'")).op("||")(quarter)
    if dialect == "sqlite":  # the Monday it begins with
        return sa.func.date(day, sa.literal_column("'weekday 0'"), sa.literal_column("'-6 days'"))
    monday = sa.func.date_trunc(sa.literal_column("'week'"), sa.cast(day, sa.Date()))
    return sa.func.to_char(monday, sa.literal_column("'YYYY-MM-DD'"))


def _measure(
    workspace: Workspace,
    measure: Measure,
    tables: EntityTables,
    clauses: Clauses,
    columns: Callable[[str], Any],
    kept: Totals | None,
) -> tuple[MeasureColumn, list[ColumnElement[Any]]]:
    entity = tables.entity
    field = entity.fields.get(measure.field or "")
    scale = kind_of(field).expr_type(field).scale if field is not None else 0
    currency = str(field.params.get("currency")) if field is not None and field.kind == "money" else None
    kind = "money" if currency else "number"
    condition = clauses.row(measure.when, tables) if measure.when is not None else None

    def only(value: Any) -> Any:
        return value if condition is None else sa.case((condition, value))

    def parts_of(name: str, weight: Any = None) -> list[Any]:
        if kept is not None:
            parts = (kept.table.c[f"h_{name}"], kept.table.c[f"s_{name}"])
        else:
            parts = halves(only(columns(name)))
        return [total(part if weight is None else part * weight) for part in parts]

    if measure.function == "count":
        count = total(kept.table.c.n_count) if kept is not None else total(only(sa.literal_column("1")))
        return MeasureColumn(measure, 1, lambda raw: int(raw[0] or 0), "count", None), [count]
    if measure.function == "rate":
        of = clauses.row(measure.of, tables) if measure.of is not None else sa.true()
        met = sa.and_(of, condition) if condition is not None else of
        parts = [total(sa.case((met, sa.literal_column("1")))), total(sa.case((of, sa.literal_column("1"))))]
        return MeasureColumn(measure, 2, _share, "rate", None), parts
    assert field is not None
    column = columns(field.name) if kept is None else None
    if measure.function == "sum":
        return MeasureColumn(measure, 2, _summed(scale), kind, currency), parts_of(field.name)
    if measure.function == "weighted":
        pipeline = workspace.pipeline_of(entity.name)
        stage = columns("stage")
        weights: list[Any] = (
            [(stage == found.name, sa.literal_column(str(found.probability))) for found in pipeline.stages]
            if pipeline
            else []
        )
        weight = sa.case(*weights, else_=sa.literal_column("0")) if weights else sa.literal_column("100")
        return MeasureColumn(measure, 2, _weighted(scale), kind, currency), parts_of(field.name, weight)
    if measure.function == "avg":
        count = total(kept.table.c[f"c_{field.name}"]) if kept is not None else sa.func.count(only(column))
        return MeasureColumn(measure, 3, _average(scale), kind, currency), [*parts_of(field.name), count]
    extreme = sa.func.min(only(column)) if measure.function == "min" else sa.func.max(only(column))
    finish = _scaled(scale) if field.kind not in ("date", "datetime") else (lambda raw: raw[0])
    return MeasureColumn(measure, 1, finish, kind, currency), [extreme]


def exact(value: int, scale: int) -> str:
    """Return a scaled whole number as an exact decimal text."""
    return str(Decimal(value).scaleb(-scale)) if scale else str(value)


def _scaled(scale: int) -> Callable[[Sequence[Any]], Any]:
    return lambda raw: None if raw[0] is None else exact(int(raw[0]), scale)


def _whole(raw: Sequence[Any]) -> int:
    return (int(raw[0] or 0) << HALF) + int(raw[1] or 0)


def _summed(scale: int) -> Callable[[Sequence[Any]], Any]:
    return lambda raw: exact(_whole(raw), scale)


def _weighted(scale: int) -> Callable[[Sequence[Any]], Any]:
    return lambda raw: _rounded(Decimal(_whole(raw)).scaleb(-scale - 2), scale)


def _rounded(number: Decimal, scale: int) -> str:
    return str(number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_EVEN, _WIDE))


_WIDE = Context(prec=60)
"""More digits than a sum of many of the largest amounts has."""


def _average(scale: int) -> Callable[[Sequence[Any]], Any]:
    def average(raw: Sequence[Any]) -> Any:
        if not raw[2]:
            return None
        return _rounded(_WIDE.divide(Decimal(_whole(raw)).scaleb(-scale), int(raw[2])), max(scale, 2))

    return average


def _share(raw: Sequence[Any]) -> str | None:
    return (
        None
        if not raw[1]
        else str((Decimal(int(raw[0] or 0)) / int(raw[1])).quantize(Decimal("0.0001"), ROUND_HALF_EVEN))
    )
