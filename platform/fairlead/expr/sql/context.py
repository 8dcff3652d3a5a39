"""Where the names of an expression lie in a database, and the values that a statement binds."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from sqlalchemy import (
    ColumnElement,
    FromClause,
)

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.expr.browser import calendar_json
from fairlead.expr.evaluate import Env
from fairlead.expr.stored import ARRAY, to_stored
from fairlead.expr.types import Type

Clause = ColumnElement[object]
Condition = ColumnElement[bool]


class SqlTables(Protocol):
    """How to reach other tables than the record's own."""

    def table(self, entity: str) -> FromClause:
        """Return the table of an entity, of `user` and `team`, or of the rows of a table field."""
        ...

    def column(self, table: FromClause, field: str) -> Clause:
        """Return the column of a field in `table`, which may be an alias of what `table()` gave."""
        ...

    def key(self, table: FromClause) -> Clause:
        """Return the column that references point to."""
        ...

    def parent(self, table: FromClause) -> Clause:
        """Return the column by which a row of a table field names its record."""
        ...


@dataclass(frozen=True, slots=True)
class SqlContext:
    """Where the names of an expression lie in the database.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        column: The column of a field of the record, by the path `(field,)`; `("id",)` is its key.
        tables: Needed for paths through references and for line items.
        related: May give a column that is already joined for a longer path; None falls back to a subquery.
        named: The clause of one of the scope's further names; None binds `p_extra_<name>`.
    """

    dialect: str
    column: Callable[[tuple[str, ...]], Clause]
    tables: SqlTables | None = None
    related: Callable[[tuple[str, ...]], Clause | None] | None = None
    named: Callable[[str], Clause | None] | None = None


def sql_parameters(env: Env, extra: Mapping[str, Type] | None = None) -> dict[str, object]:
    """Return the values of the bound names for one execution of any statement made here.

    Args:
        env: Of the request.
        extra: The types of those names in `env.extra` that the statement binds.
    """
    user = env.user
    values: dict[str, object] = {
        "p_now": iso_utc(env.now),
        "p_today": env.today.isoformat(),
        "p_zone": env.zone,
        "p_calendar": _calendar_text(env.calendar),
        "p_user": user.id if user else "",
        "p_user_team": user.team if user else None,
        "p_user_teams": ARRAY.encode(user.teams if user else ()),
        "p_user_subordinate_teams": ARRAY.encode(user.subordinate_teams if user else ()),
        "p_user_roles": ARRAY.encode(user.roles if user else ()),
    }
    for name, kind in (extra or {}).items():
        values[f"p_extra_{name}"] = to_stored(env.extra.get(name), kind)
    return values


@lru_cache(maxsize=64)
def _calendar_text(calendar: WorkCalendar) -> str:
    return json.dumps(calendar_json(calendar))
