"""Checked expressions as conditions over the tables of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, FromClause, visitors
from sqlalchemy.sql.elements import BindParameter

from fairlead.compiled.tables import EntityTables, Tables, column_name
from fairlead.expr.check import Expression
from fairlead.expr.sql import SqlContext
from fairlead.model.workspace import Workspace

if TYPE_CHECKING:
    Clause = ColumnElement[Any]

_MORE = ("p_user_", "p_calendar", "p_extra_")

_USER = sa.table(
    "sys_user", *(sa.column(name, sa.Text()) for name in ("id", "username", "name", "email", "manager_id")),
    sa.column("active", sa.Boolean()),
)  # fmt: skip
_MEMBER = sa.table(
    "sys_membership",
    sa.column("user_id", sa.Text()),
    sa.column("team_id", sa.Text()),
    sa.column("is_primary"),
)
_TEAM = sa.table(
    "sys_team",
    *(sa.column(name, sa.Text()) for name in ("id", "code", "name", "parent_id", "head_id")),
)


class Clauses:
    """Where the names of expressions lie in the tables of one workspace."""

    def __init__(self, workspace: Workspace, tables: Tables) -> None:
        self._workspace = workspace
        self._tables = tables
        self.asks_more = False
        """Whether any condition made here asks for more of the person or the calendar than who it is and the time."""

    # -------------------------------------------------- what expr.sql asks (SqlTables)

    def table(self, entity: str) -> FromClause:
        """Return the table of an entity, of people or teams, or of the rows of a line field."""
        if entity == "user":
            team = (
                sa.select(_MEMBER.c.team_id)
                .where(_MEMBER.c.user_id == _USER.c.id, _MEMBER.c.is_primary)
                .limit(1)
                .correlate(_USER)
                .scalar_subquery()
            )
            return sa.select(*_USER.c, team.label("team")).subquery()
        if entity == "team":
            return sa.select(
                _TEAM.c.id,
                _TEAM.c.code,
                _TEAM.c.name,
                _TEAM.c.parent_id.label("parent"),
                _TEAM.c.head_id.label("head"),
            ).subquery()
        if entity in self._tables.by_entity:
            return self._tables.by_entity[entity].main
        owner, _, field = entity.replace("__", ".").partition(".")
        return self._tables.by_entity[owner].lines[field]

    def column(self, table: FromClause, field: str) -> Clause:
        """Return the column of a field in `table` or in an alias of it."""
        return cast("Clause", table.c[column_name(field)])

    def key(self, table: FromClause) -> Clause:
        """Return the column that references point to."""
        return cast("Clause", table.c.id)

    def parent(self, table: FromClause) -> Clause:
        """Return the column by which a line names its record."""
        return cast("Clause", table.c.parent_id)

    # -------------------------------------------------- what the rest of `compiled` asks

    def context(self, tables: EntityTables) -> SqlContext:
        """Return the context of expressions over one entity's rows."""

        def column(path: tuple[str, ...]) -> Clause:
            return cast("Clause", tables.main.c[column_name(path[0])])

        return SqlContext(self._tables.dialect, column, self)

    def row(self, expression: Expression, tables: EntityTables) -> ColumnElement[bool]:
        """Return `expression` as a condition; unknown counts as false."""
        return self._noted(expression.condition(self.context(tables)))

    def value(self, expression: Expression, tables: EntityTables) -> Clause:
        """Return the value of `expression` in the stored form of its type."""
        return self._noted(cast("Clause", expression.to_sql(self.context(tables))))

    def _noted(self, clause: Clause) -> Clause:
        if not self.asks_more:
            keys = {node.key for node in visitors.iterate(clause) if isinstance(node, BindParameter)}
            self.asks_more = any(key.startswith(_MORE) for key in keys)
        return clause
