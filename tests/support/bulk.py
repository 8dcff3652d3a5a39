"""Many records at once, straight into the table: for what only shows with numbers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tests.support.world import World

STAMP = "'2026-01-01T00:00:00.000000Z'"


def deals(world: World, count: int, *, start: int = 0, **columns: str) -> None:
    """Add deals `b0000000`, …; each column is an SQL expression over `n`, the number of the deal."""
    names = "".join(f', "{name}"' for name in columns)
    values = "".join(f", {value}" for value in columns.values())
    if world.database.dialect == "sqlite":
        key = "'b' || substr('0000000' || n, -7)"
        source = f"(WITH RECURSIVE c(n) AS (SELECT {start} UNION ALL SELECT n + 1 FROM c WHERE n < {start + count - 1}) SELECT n FROM c)"
    else:
        key = "'b' || lpad(CAST(n AS TEXT), 7, '0')"
        source = f"generate_series({start}, {start + count - 1}) AS g(n)"
    with world.database.write() as tx:
        tx.ddl(
            f"INSERT INTO e_deal (id, name, version, created_at, updated_at, created_by, updated_by{names}) "
            f"SELECT {key}, 'Bulk', 1, {STAMP}, {STAMP}, 'x', 'x'{values} FROM {source}"
        )


def ask(world: World, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    return [tuple(row) for row in world.database.all(world.database.prepare(sa.text(sql)))]
