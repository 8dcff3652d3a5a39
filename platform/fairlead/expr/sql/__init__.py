"""The SQLAlchemy clause of an expression: every value bound, three-valued as SQL is, exact on both databases.

Numbers are integers in units of `10**-scale` throughout. Where the type's bound says that 18 digits may not do,
PostgreSQL reckons in NUMERIC and SQLite through the functions of `fairlead.expr.sqlite`; elsewhere both use their
own 64-bit arithmetic.
"""

from typing import cast

from sqlalchemy import func, true

from fairlead.expr.nodes import Typed
from fairlead.expr.sql.context import Clause, Condition, SqlContext, SqlTables, sql_parameters
from fairlead.expr.sql.writer import Writer
from fairlead.expr.sqlite import register_sqlite_functions

__all__ = [
    "SqlContext",
    "SqlTables",
    "condition_sql",
    "register_sqlite_functions",
    "sql_parameters",
    "value_sql",
]


def value_sql(node: Typed, ctx: SqlContext) -> Clause:
    """Return the value of `node`, in the stored form of its type."""
    return Writer(ctx).value(node)


def condition_sql(node: Typed, ctx: SqlContext, *, unknown: bool = False) -> Condition:
    """Return a condition for WHERE, where unknown counts as `unknown`."""
    writer = Writer(ctx)
    if unknown:
        return cast(Condition, func.coalesce(writer.value(node), true()))
    return writer.loose(node)
