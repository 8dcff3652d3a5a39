"""Kept totals: counts and sums by the dimensions of reports, exact in the transaction of each change.

A report that counts and adds plain fields by plain fields need not read every record. The engine has read the reports,
so it keeps, for each entity, one table with a row for each combination of their dimensions and of the fields that
permissions ask for (owner, team). A change takes its old values out of one row and puts its new ones into another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy import Column, Index, Table

from fairlead.compiled.statement import Prepared, prepare
from fairlead.compiled.tables import EntityTables, column_name
from fairlead.fields.columns import BIGINT
from fairlead.fields.registry import kind_of
from fairlead.model.governance import Report
from fairlead.model.workspace import Workspace

if TYPE_CHECKING:

    class Runs(Protocol):
        """Where a write runs: an open transaction."""

        def run(self, statement: Prepared, params: Mapping[str, object]) -> int: ...


MAX_DIMENSIONS = 3
HALF = 32
LOWER = 2**HALF - 1
"""No database adds up whole numbers beyond 64 bits exactly, and a few large amounts together are beyond. So a sum is
kept and asked for as two: of the upper bits of each number (`h_`), and of the lower ones (`s_`)."""

SUMMED = ("integer", "money", "decimal", "percent", "rating")


@dataclass(frozen=True)
class Totals:
    """One table of kept totals. `keys` are stored fields; `sums` those that are added up."""

    table: Table
    keys: tuple[str, ...]
    sums: tuple[str, ...]
    reads: frozenset[str]
    upsert: Prepared

    def add(self, tx: Runs, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> None:
        """Move a record from the totals of its old values to those of its new ones (stored values)."""
        changes: dict[tuple[Any, ...], list[int]] = {}
        for values, sign in ((old, -1), (new, 1)):
            if values is None:
                continue
            key = tuple(values.get(name) for name in self.keys)
            row = changes.setdefault(key, [0] * (1 + 3 * len(self.sums)))
            row[0] += sign
            for position, name in enumerate(self.sums):
                value = values.get(name)
                if value is not None:
                    row[1 + 3 * position] += sign * (int(value) >> HALF)
                    row[2 + 3 * position] += sign * (int(value) & LOWER)
                    row[3 + 3 * position] += sign
        # In one order for everybody: two writers that touch the same two rows must not wait for each other.
        for key, row in sorted(changes.items(), key=lambda item: tuple(str(part) for part in item[0])):
            if not any(row):
                continue
            params: dict[str, object] = {f"k_{name}": part for name, part in zip(self.keys, key, strict=True)}
            params["n_count"] = row[0]
            for position, name in enumerate(self.sums):
                params[f"h_{name}"] = row[1 + 3 * position]
                params[f"s_{name}"] = row[2 + 3 * position]
                params[f"c_{name}"] = row[3 + 3 * position]
            tx.run(self.upsert, params)


def eligible(workspace: Workspace, report: Report) -> bool:
    """Whether a report can be answered from kept totals: plain dimensions, counts and sums, no filter."""
    entity = workspace.entities[report.entity]
    if report.filter is not None or len(report.dimensions) > MAX_DIMENSIONS:
        return False
    for dimension in report.dimensions:
        if len(dimension.path) != 1 or dimension.by is not None:
            return False
        field = entity.fields.get(dimension.path[0])
        if field is None or field.kind not in ("choice", "user", "team", "boolean"):
            return False
    for measure in report.measures:
        if measure.when is not None or measure.of is not None:
            return False
        if measure.function == "count":
            continue
        if measure.function == "weighted" and ("stage",) not in [d.path for d in report.dimensions]:
            return False
        if measure.function not in ("sum", "weighted", "avg"):
            return False
        field = entity.fields.get(measure.field or "")
        if field is None or field.kind not in SUMMED:
            return False
    return True


def build_totals(workspace: Workspace, name: str, tables: EntityTables, dialect: str) -> tuple[Totals, ...]:
    """Return the totals kept for the entity `name`: one table for all reports that can use it, or none."""
    reports = [r for r in workspace.reports.values() if r.entity == name and eligible(workspace, r)]
    if not reports:
        return ()
    fields = workspace.entities[name].fields
    keys = [key for key in ("owner", "team") if key in fields] or ["created_by"]
    keys += [d.path[0] for report in reports for d in report.dimensions]
    keys = list(dict.fromkeys(keys))
    sums = list(dict.fromkeys(m.field for r in reports for m in r.measures if m.field))
    table_name = f"t_{name}"
    metadata = tables.main.metadata
    table = Table(
        table_name, metadata,
        *[Column(column_name(key), kind_of(fields[key]).column_type(fields[key]) or BIGINT) for key in keys],
        Column("n_count", BIGINT, nullable=False),
        *[Column(name, BIGINT, nullable=False) for name in _columns(sums)],
    )  # fmt: skip
    # Empty values are keys too, and databases hold two empties to be different; hence the expressions.
    unique = [_filled(table.c[column_name(key)]) for key in keys]
    Index(f"ux_{table_name}", *unique, unique=True)
    insert = _insert(dialect)(table).values(
        {
            **{column_name(key): sa.bindparam(f"k_{key}", required=True) for key in keys},
            "n_count": sa.bindparam("n_count", required=True),
            **{name: sa.bindparam(name, required=True) for name in _columns(sums)},
        }
    )
    added = {c: table.c[c] + insert.excluded[c] for c in ["n_count", *_columns(sums)]}
    statement = insert.on_conflict_do_update(index_elements=unique, set_=added)
    reads = frozenset(keys) | frozenset(sums)
    return (Totals(table, tuple(keys), tuple(sums), reads, prepare(statement, dialect)),)


def _columns(sums: list[str]) -> list[str]:
    return [f"{part}_{name}" for name in sums for part in ("h", "s", "c")]


def halves(number: Any) -> tuple[Any, Any]:
    """Return the upper and the lower bits of a column of whole numbers."""
    return number.op(">>")(sa.literal_column(str(HALF))), number.op("&")(sa.literal_column(str(LOWER)))


def total(column: Any) -> Any:
    """Return the sum of a column, 0 where there is nothing."""
    return sa.cast(sa.func.coalesce(sa.func.sum(column), sa.literal_column("0")), sa.BigInteger())


def _filled(column: Any) -> Any:
    if isinstance(column.type, sa.Boolean):
        return sa.func.coalesce(sa.cast(column, sa.Text()), sa.literal_column("''"))
    return sa.func.coalesce(column, sa.literal_column("''"))


def _insert(dialect: str) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert if dialect == "sqlite" else postgresql.insert


def rebuild_statements(totals: Totals, tables: EntityTables) -> tuple[Any, Any]:
    """Return (delete all, insert from the records): what brings kept totals back to the truth."""
    main = tables.main
    keys = [main.c[column_name(key)] for key in totals.keys]
    sums = [main.c[column_name(name)] for name in totals.sums]
    kept: list[Any] = []
    for column in sums:
        kept += [total(part) for part in halves(column)] + [sa.func.count(column)]
    rows = sa.select(*keys, sa.func.count(), *kept).where(sa.text("deleted_at IS NULL")).group_by(*keys)
    return sa.delete(totals.table), sa.insert(totals.table).from_select(
        [c.name for c in totals.table.columns], rows
    )
