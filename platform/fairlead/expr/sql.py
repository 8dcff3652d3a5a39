"""The SQLAlchemy clause of an expression: every value bound, three-valued as SQL is, exact on both databases.

Numbers are integers in units of `10**-scale` throughout. Where the type's bound says that 18 digits may not do,
PostgreSQL reckons in NUMERIC and SQLite through the functions of `fairlead.expr.sqlite`; elsewhere both use their
own 64-bit arithmetic.

*Loose* conditions stand where unknown and false are the same, as in WHERE; there `field = value` and EXISTS are
enough, which an index can serve.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Protocol, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    Text,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.expr.browser import calendar_json
from fairlead.expr.evaluate import Env
from fairlead.expr.functions import BY_NAME, MACROS
from fairlead.expr.nodes import Path, Typed, walk
from fairlead.expr.sqlite import register_sqlite_functions
from fairlead.expr.stored import ARRAY, to_stored
from fairlead.expr.types import KEYS, MAX_SCALE, STORED_DIGITS, TEXTS, Kind, Type

__all__ = [
    "SqlContext",
    "SqlTables",
    "condition_sql",
    "register_sqlite_functions",
    "sql_parameters",
    "value_sql",
]

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


def value_sql(node: Typed, ctx: SqlContext) -> Clause:
    """Return the value of `node`, in the stored form of its type."""
    return _Writer(ctx).value(node)


def condition_sql(node: Typed, ctx: SqlContext, *, unknown: bool = False) -> Condition:
    """Return a condition for WHERE, where unknown counts as `unknown`."""
    writer = _Writer(ctx)
    if unknown:
        return cast(Condition, func.coalesce(writer.value(node), true()))
    return writer.loose(node)


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


# ---------------------------------------------------------------- what PostgreSQL needs spelled out


def _template(name: str, kind: object, text: str) -> Callable[..., Clause]:
    """Return a maker of an SQL construct; each argument appears once in it, so nothing is evaluated twice."""

    def render(element: FunctionElement[object], compiler: SQLCompiler, **options: object) -> str:
        return text.format(*[compiler.process(clause, **options) for clause in element.clauses])

    made = type(name, (FunctionElement,), {"name": name, "type": kind, "inherit_cache": True})
    compiles(made, "postgresql")(render)
    return cast("Callable[..., Clause]", made)


# OFFSET 0 keeps the planner from copying the inner expressions into every place where they are named.
_pg_half_even = _template(
    "pg_half_even",
    Numeric(),
    "(SELECT q + CASE WHEN 2 * abs(r) > abs(d) OR (2 * abs(r) = abs(d) AND mod(q, 2) <> 0)"
    " THEN sign(n) * sign(d) ELSE 0 END"
    " FROM (SELECT n, d, div(n, d) AS q, n - d * div(n, d) AS r"
    " FROM (SELECT CAST({0} AS NUMERIC) AS n, nullif(CAST({1} AS NUMERIC), 0) AS d OFFSET 0) AS a OFFSET 0) AS b)",
)
_pg_mod = _template("pg_mod", Numeric(), "mod({0}, nullif({1}, 0))")
_pg_days = _template("pg_days", BigInteger(), "CAST(CAST({1} AS DATE) - CAST({0} AS DATE) AS BIGINT)")
_pg_local_date = _template(
    "pg_local_date", Text(), "to_char(CAST({0} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE {1}, 'YYYY-MM-DD')"
)
_DATE_MOVE = (
    "(SELECT CASE WHEN n BETWEEN 0 AND 3652058 THEN"
    " to_char(DATE '0001-01-01' + CAST(n AS INTEGER), 'YYYY-MM-DD') END"
    " FROM (SELECT (d - DATE '0001-01-01') {sign} (div(m, 86400000000) - CASE WHEN mod(m, 86400000000) < 0"
    " THEN 1 ELSE 0 END) AS n FROM (SELECT CAST({{0}} AS DATE) AS d, CAST({{1}} AS NUMERIC) AS m OFFSET 0) AS a"
    " OFFSET 0) AS b)"
)
_pg_date_add = _template("pg_date_add", Text(), _DATE_MOVE.format(sign="+"))
_pg_date_sub = _template("pg_date_sub", Text(), _DATE_MOVE.format(sign="-"))
_MOMENT_MOVE = (
    "(SELECT CASE WHEN m BETWEEN 0 AND 315537897599999999 THEN"
    " to_char(TIMESTAMP '0001-01-01' + CAST(div(m, 86400000000) AS INTEGER) * INTERVAL '1 day'"
    " + CAST(mod(m, 86400000000) AS BIGINT) * INTERVAL '1 microsecond',"
    ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') END'
    " FROM (SELECT trunc(extract(epoch FROM (CAST({{0}} AS TIMESTAMP) - TIMESTAMP '0001-01-01')) * 1000000)"
    " {sign} CAST({{1}} AS NUMERIC) AS m OFFSET 0) AS a)"
)
_pg_moment_add = _template("pg_moment_add", Text(), _MOMENT_MOVE.format(sign="+"))
_pg_moment_sub = _template("pg_moment_sub", Text(), _MOMENT_MOVE.format(sign="-"))
_pg_moment_diff = _template(
    "pg_moment_diff",
    BigInteger(),
    "CAST(extract(epoch FROM (CAST({0} AS TIMESTAMP) - CAST({1} AS TIMESTAMP))) * 1000000 AS BIGINT)",
)
_pg_business_days = _template(
    "pg_business_days",
    BigInteger(),
    "(SELECT CASE WHEN a IS NULL OR b IS NULL THEN NULL ELSE CASE WHEN a > b THEN -1 ELSE 1 END * ("
    "(SELECT coalesce(sum((greatest(x, y) + 7 - CAST(w AS INTEGER)) / 7"
    " - (least(x, y) + 7 - CAST(w AS INTEGER)) / 7), 0)"
    " FROM jsonb_array_elements_text(c -> 'weekdays') AS t (w))"
    " + (SELECT coalesce(sum(CAST(e ->> 1 AS INTEGER)), 0) FROM jsonb_array_elements(c -> 'exceptions') AS t (e)"
    ' WHERE (e ->> 0) COLLATE "C" > least(a, b) AND (e ->> 0) COLLATE "C" <= greatest(a, b))) END'
    " FROM (SELECT a, b, c, CAST(a AS DATE) - DATE '0001-01-01' AS x, CAST(b AS DATE) - DATE '0001-01-01' AS y"
    ' FROM (SELECT CAST({0} AS TEXT) COLLATE "C" AS a, CAST({1} AS TEXT) COLLATE "C" AS b, CAST({2} AS JSONB) AS c'
    " OFFSET 0) AS s OFFSET 0) AS t)",
)
_STARTS = {
    unit: _template(
        f"pg_start_of_{unit}",
        Text(),
        f"to_char(date_trunc('{unit}', CAST({{0}} AS TIMESTAMP)), 'YYYY-MM-DD')",
    )
    for unit in ("week", "month", "quarter", "year")
}
_STARTS["end"] = _template(
    "pg_end_of_month",
    Text(),
    "to_char(date_trunc('month', CAST({0} AS TIMESTAMP)) + INTERVAL '1 month' - INTERVAL '1 day', 'YYYY-MM-DD')",
)
_pg_weekday = _template("pg_weekday", BigInteger(), "CAST(extract(isodow FROM CAST({0} AS DATE)) AS BIGINT)")
_pg_any = _template(
    "pg_any", Boolean(), "({0} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({1} AS JSONB)))))"
)
_pg_holds = _template("pg_holds", Boolean(), "coalesce(jsonb_exists(CAST({1} AS JSONB), {0}), false)")
_pg_length = _template(
    "pg_length", BigInteger(), "CAST(jsonb_array_length(CAST(coalesce({0}, '[]') AS JSONB)) AS BIGINT)"
)
_pg_text = _template("pg_text", Text(), '({0} COLLATE "C")')


def _pg_extreme(name: str, args: Sequence[Clause], kind: TypeEngine[object]) -> Clause:
    # least and greatest leave NULLs out; here one empty value makes the result empty.
    columns = ", ".join(f"{{{at}}} AS v{at}" for at in range(len(args)))
    names = [f"v{at}" for at in range(len(args))]
    empty = " OR ".join(f"{one} IS NULL" for one in names)
    key = (f"pg_{name}_{len(args)}", str(kind))
    maker = _EXTREMES.get(key)
    if maker is None:
        chosen = f"CASE WHEN {empty} THEN NULL ELSE {name}({', '.join(names)}) END"
        text = f"(SELECT {chosen} FROM (SELECT {columns} OFFSET 0) AS a)"
        maker = _EXTREMES[key] = _template(key[0], kind, text)
    return maker(*args)


_EXTREMES: dict[tuple[str, str], Callable[..., Clause]] = {}


# ---------------------------------------------------------------- the writer

_COMPARE: dict[str, Callable[[Clause, Clause], Condition]] = {
    "lt": lambda one, two: one < two,
    "le": lambda one, two: one <= two,
    "gt": lambda one, two: one > two,
    "ge": lambda one, two: one >= two,
}
_UNITS = {
    "start_of_week": "week",
    "start_of_month": "month",
    "start_of_quarter": "quarter",
    "start_of_year": "year",
}
_MOVES = {
    "date_add": _pg_date_add,
    "date_sub": _pg_date_sub,
    "moment_add": _pg_moment_add,
    "moment_sub": _pg_moment_sub,
    "moment_diff": _pg_moment_diff,
}
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_DAY_US = 86_400_000_000
_NEVER_EMPTY = frozenset({"user", "now", "today"})


def _column_type(kind: Type) -> TypeEngine[object]:
    if kind.kind is Kind.bool:
        return cast("TypeEngine[object]", Boolean())
    if kind.is_number or kind.kind is Kind.duration:
        return cast("TypeEngine[object]", BigInteger())
    return cast("TypeEngine[object]", Text())


class _Writer:
    def __init__(self, ctx: SqlContext) -> None:
        self.ctx = ctx
        self.pg = ctx.dialect == "postgresql"
        self.lines: dict[str, FromClause] = {}

    # ------------------------------------------------------------ conditions

    def loose(self, node: Typed) -> Condition:
        """Return `node` where unknown may become false."""
        match node.op:
            case "and":
                return and_(*[self.loose(arg) for arg in node.args])
            case "or":
                return or_(*[self.loose(arg) for arg in node.args])
            case "eq":
                return self.equal(node, loose=True)
            case "in":
                return self.within(node, loose=True)
            case "exists" | "all":
                return self.searched(node, loose=True)
            case "const":
                return cast(Condition, true() if node.value is True else false())
            case "lt" | "le" | "gt" | "ge":
                ordered = self.ordered(node)
                range_ = self.implied_range(node)
                return ordered if range_ is None else and_(range_, ordered)
            case _:
                return cast(Condition, self.value(node))

    def implied_range(self, node: Typed) -> Condition | None:
        """Return a range of the bare column that follows from a comparison of its age or its date.

        `days_since(x) >= 7` tells nothing to an index; that x lies before a day known in advance does. The
        comparison itself stays beside it, so the range may be generous.
        """
        left, right, op = *node.args, node.op
        if _is_fixed(left) and not _is_fixed(right):
            left, right, op = right, left, _MIRRORED[op]
        if not _is_fixed(right):
            return None
        later = op in ("gt", "ge")
        if left.op == "moment_diff" and _is_fixed(left.args[0]) and left.args[1].op == "get":
            start, moment = left.args
            limit = self.shifted("moment_sub", self.value(start), self.value(right))
            return self.side_of(self.value(moment), limit, later=not later)
        if left.op != "call" or not left.args or left.args[0].op != "get":
            return None
        name, column = str(left.value), left.args[0]
        if name == "date":
            day = self.value(right)
        elif name in ("days_since", "days_until") or (name == "business_days_since" and later):
            if right.op != "const" or not isinstance(right.value, int) or not 0 <= right.value < 100_000:
                return None
            back = name.endswith("_since")
            span = self.integer(right.value * _DAY_US)
            day = self.shifted("date_sub" if back else "date_add", self.today(), span)
            later = not later if back else later
        else:
            return None
        # The date somewhere on earth is never more than a day away from the date in UTC.
        slack = 0 if column.type.kind is Kind.date else 1 if later else 2
        limit = day
        if slack:
            limit = self.shifted("date_sub" if later else "date_add", day, self.integer(slack * _DAY_US))
        return self.side_of(self.value(column), limit, later=later)

    def side_of(self, column: Clause, limit: Clause, *, later: bool) -> Condition:
        # Beyond the year 9999 there is no limit; every text lies between "" and "~".
        ends = literal("" if later else "~", Text)
        bound: Clause = func.coalesce(limit, ends, type_=Text())
        return column >= bound if later else column <= bound

    def shifted(self, op: str, start: Clause, span: Clause) -> Clause:
        if self.pg:
            return _MOVES[op](start, span)
        return cast(Clause, getattr(func, f"fl_{op}")(start, span, type_=Text()))

    def equal(self, node: Typed, *, loose: bool) -> Condition:
        left, right = node.args
        for one, other in ((left, right), (right, left)):
            if one.op == "const" and one.value is None:
                return self.value(other).is_(None)
        if left.type.is_number or left.type.kind is Kind.duration:
            pair = self.aligned("eq", left, right)
            if isinstance(pair, bool):
                return cast(Condition, true() if pair else false())
            first, second, wide = pair
            if wide and not self.pg:
                return type_coerce(func.fl_eq(first, second), Boolean) == literal(True, Boolean)
        else:
            first, second = self.value(left), self.value(right)
        if loose and (_is_filled(left) or _is_filled(right)):
            return first == second
        return first.is_not_distinct_from(second)

    def ordered(self, node: Typed) -> Condition:
        left, right = node.args
        compare = _COMPARE[node.op]
        if left.type.is_number or left.type.kind is Kind.duration:
            pair = self.aligned(node.op, left, right)
            assert not isinstance(pair, bool)
            first, second, wide = pair
            if wide and not self.pg:
                return compare(type_coerce(func.fl_cmp(first, second), BigInteger), literal(0, BigInteger))
            return compare(first, second)
        first, second = self.value(left), self.value(right)
        if left.type.kind in TEXTS and self.pg:
            first = _pg_text(first)
        return compare(first, second)

    def aligned(self, op: str, left: Typed, right: Typed) -> tuple[Clause, Clause, bool] | bool:
        """Bring two numbers to one scale; a literal goes to the other side's, so that a column stays bare.

        Returns:
            Both sides and whether they are wide; or the answer itself, where a literal has decimals that the
            other side cannot have.
        """
        if right.op == "const" and right.value is not None and left.op != "const":
            scaled, exact = _scaled(right.value, left.type.scale, up=op in ("lt", "ge"))
            if op == "eq" and not exact:
                return False
            return (
                self.value(left),
                self.integer(scaled),
                left.type.is_wide or abs(scaled) >= 10**STORED_DIGITS,
            )
        if left.op == "const" and left.value is not None and right.op != "const":
            scaled, exact = _scaled(left.value, right.type.scale, up=op in ("gt", "le"))
            if op == "eq" and not exact:
                return False
            return (
                self.integer(scaled),
                self.value(right),
                right.type.is_wide or abs(scaled) >= 10**STORED_DIGITS,
            )
        scale = max(left.type.scale, right.type.scale)
        wide = any(side.type.whole_digits + scale > STORED_DIGITS for side in (left, right))
        return self.number(left, scale), self.number(right, scale), wide

    def within(self, node: Typed, *, loose: bool) -> Condition:
        needle, hay = node.args
        if hay.op == "list":
            return self.among(needle, hay.args)
        value = self.value(needle)
        items = self.value(hay)
        if self.pg:
            found: Clause = _pg_any(value, items) if hay.op == "name" else _pg_holds(value, items)
        else:
            entries = func.json_each(items).table_valued("value")
            found = cast(Clause, value.in_(select(entries.c.value)))
        if loose or _is_filled(needle):
            return cast(Condition, found)
        # The value appears twice here, but a path or a field is all that ever stands before `in`.
        return cast(Condition, case((value.is_not(None), found)))

    def among(self, needle: Typed, items: Sequence[Typed]) -> Condition:
        value = self.value(needle)
        constants = all(item.op == "const" for item in items)
        if constants and not (needle.type.is_number and needle.type.is_wide):
            if not needle.type.is_number:
                return value.in_([self.value(item) for item in items])
            exact = [scaled for scaled, same in (_scaled(i.value, needle.type.scale) for i in items) if same]
            if exact:
                return value.in_([self.integer(scaled) for scaled in exact])
            return cast(Condition, case((value.is_not(None), false())))
        parts = []
        for item in items:
            if needle.type.is_number:
                scale = max(needle.type.scale, item.type.scale)
                first, second = self.number(needle, scale), self.number(item, scale)
                if not self.pg:
                    zero = literal(0, BigInteger)
                    parts.append(type_coerce(func.fl_cmp(first, second), BigInteger) == zero)
                else:
                    parts.append(first == second)
            else:
                parts.append(value == self.value(item))
        return or_(*parts)

    # ------------------------------------------------------------ values

    def value(self, node: Typed) -> Clause:
        """Return the exact value of `node`."""
        op = node.op
        if op in _COMPARE:
            return cast(Clause, self.ordered(node))
        match op:
            case "const":
                return self.constant(node)
            case "get":
                assert isinstance(node.value, Path)
                return self.read(node.value, node.type)
            case "name":
                return self.bound(node)
            case "and":
                return cast(Clause, and_(*[cast(Condition, self.value(arg)) for arg in node.args]))
            case "or":
                return cast(Clause, or_(*[cast(Condition, self.value(arg)) for arg in node.args]))
            case "not":
                return cast(Clause, not_(cast(Condition, self.value(node.args[0]))))
            case "eq":
                return cast(Clause, self.equal(node, loose=False))
            case "ne":
                return cast(Clause, not_(self.equal(node, loose=False)))
            case "in":
                return cast(Clause, self.within(node, loose=False))
            case "exists" | "all":
                return cast(Clause, self.searched(node, loose=False))
            case "if":
                test, then, other = node.args
                chosen = {True: self.like(then, node.type), False: self.like(other, node.type)}
                return cast(Clause, case(chosen, value=self.value(test)))
            case "neg" | "add" | "sub" | "mul" | "mod" | "div" | "rescale":
                return self.reckoned(node)
            case "concat":
                one, two = self.value(node.args[0]), self.value(node.args[1])
                return cast(Clause, one.op("||", return_type=Text())(two))
            case "call":
                return self.called(node)
            case "sum" | "avg" | "min" | "max" | "count":
                return self.gathered(node)
            case _:
                return self.moved(node)

    def like(self, node: Typed, kind: Type) -> Clause:
        """Return `node` as a value of `kind`, to which it has been unified."""
        if kind.is_number or kind.kind is Kind.duration:
            return self.number(node, kind.scale)
        return self.value(node)

    def constant(self, node: Typed) -> Clause:
        value, kind = node.value, node.type
        if value is None:
            return cast(Clause, null() if kind.kind is Kind.null else sql_cast(null(), _column_type(kind)))
        if kind.is_number:
            return self.integer(_scaled(value, kind.scale)[0])
        if kind.kind is Kind.duration:
            assert isinstance(value, int)
            return self.integer(value)
        if isinstance(value, date | datetime) or not isinstance(value, bool | str):
            value = to_stored(value, kind)
        return cast(Clause, literal(value, _column_type(kind)))

    def integer(self, value: int) -> Clause:
        if abs(value) < 10**STORED_DIGITS:
            return cast(Clause, literal(value, BigInteger))
        return cast(Clause, literal(Decimal(value), Numeric) if self.pg else literal(str(value), Text))

    def read(self, path: Path, kind: Type) -> Clause:
        ctx, names = self.ctx, path.names
        if path.root not in self.lines:
            if len(names) == 1:
                return type_coerce(ctx.column(names), _column_type(kind))
            if ctx.related is not None and (joined := ctx.related(names)) is not None:
                return type_coerce(joined, _column_type(kind))
        tables = self.tables()
        if path.root in self.lines:
            here = self.lines[path.root]
            value = tables.column(here, names[0])
        else:
            value = ctx.column(names[:1])
        for step, before in zip(path.steps[1:], path.steps, strict=False):
            entity = before.type.leads_to
            assert entity is not None
            other = tables.table(entity).alias()
            query = select(tables.column(other, step.field)).where(tables.key(other) == value)
            value = cast(Clause, query.correlate_except(other).scalar_subquery())
        return type_coerce(value, _column_type(kind))

    def tables(self) -> SqlTables:
        if self.ctx.tables is None:
            raise ValueError("this expression leads to other tables, and the context does not name them")
        return self.ctx.tables

    def bound(self, node: Typed) -> Clause:
        name = str(node.value)
        if name.startswith("extra."):
            key = name.removeprefix("extra.")
            given = self.ctx.named(key) if self.ctx.named is not None else None
            if given is not None:
                return type_coerce(given, _column_type(node.type))
            return cast(Clause, bindparam(f"p_extra_{key}", type_=_column_type(node.type)))
        return cast(Clause, bindparam("p_" + name.replace(".", "_"), type_=Text()))

    def today(self) -> Clause:
        return cast(Clause, bindparam("p_today", type_=Text()))

    # ------------------------------------------------------------ numbers

    def number(self, node: Typed, scale: int) -> Clause:
        """Return the number in units of `10**-scale`, which is not coarser than its own."""
        if node.op == "const" and node.value is not None and node.type.is_number:
            return self.integer(_scaled(node.value, scale)[0])
        change = scale - node.type.scale
        value = self.value(node)
        if change == 0:
            return value
        return self.product(value, self.integer(10**change), wide=node.type.digits + change > STORED_DIGITS)

    def product(self, one: Clause, two: Clause, *, wide: bool) -> Clause:
        if not wide:
            return cast(Clause, type_coerce(one, BigInteger) * type_coerce(two, BigInteger))
        if self.pg:
            return cast(Clause, sql_cast(one, Numeric) * sql_cast(two, Numeric))
        return cast(Clause, func.fl_mul(one, two))

    def half_even(self, number: Clause, divisor: Clause, *, wide: bool) -> Clause:
        if not self.pg:
            return cast(Clause, func.fl_half_even(number, divisor, type_=BigInteger()))
        rounded = _pg_half_even(number, divisor)
        return rounded if wide else cast(Clause, sql_cast(rounded, BigInteger))

    def reckoned(self, node: Typed) -> Clause:
        kind, wide = node.type, node.type.is_wide
        if node.op == "rescale":
            inner = node.args[0]
            change = kind.scale - inner.type.scale
            if change >= 0:
                return self.number(inner, kind.scale)
            return self.half_even(self.value(inner), self.integer(10**-change), wide=wide)
        if node.op == "neg":
            inner_value = self.value(node.args[0])
            zero = self.integer(0)
            if wide and not self.pg:
                return cast(Clause, func.fl_sub(zero, inner_value))
            return zero - inner_value
        left, right = node.args
        if node.op == "mul":
            return self.product(self.value(left), self.value(right), wide=wide)
        if node.op == "div":
            shift = MAX_SCALE + right.type.scale - left.type.scale
            lifted = left.type.digits + shift > STORED_DIGITS
            number = self.value(left)
            if shift:
                number = self.product(number, self.integer(10**shift), wide=lifted)
            return self.half_even(number, self.value(right), wide=wide)
        scale = kind.scale
        one, two = self.number(left, scale), self.number(right, scale)
        if wide and not self.pg:
            return cast(Clause, getattr(func, f"fl_{node.op}")(one, two))
        if wide:
            one, two = cast(Clause, sql_cast(one, Numeric)), cast(Clause, sql_cast(two, Numeric))
        if node.op == "mod":
            if self.pg:
                return _pg_mod(one, two)
            return cast(Clause, one.op("%", precedence=8, return_type=BigInteger())(two))
        return one + two if node.op == "add" else one - two

    # ------------------------------------------------------------ days and moments

    def moved(self, node: Typed) -> Clause:
        one, two = self.value(node.args[0]), self.value(node.args[1])
        if not self.pg:
            numeric = node.op.endswith("_diff")
            made = getattr(func, f"fl_{node.op}")
            return cast(Clause, made(one, two, type_=BigInteger() if numeric else Text()))
        if node.op == "date_diff":
            return self.product(_pg_days(two, one), self.integer(86_400_000_000), wide=False)
        return _MOVES[node.op](one, two)

    def day(self, node: Typed, zone: Clause | None = None) -> Clause:
        value = self.value(node)
        if node.type.kind is not Kind.datetime:
            return value
        where = bindparam("p_zone", type_=Text()) if zone is None else zone
        if self.pg:
            return _pg_local_date(value, where)
        return cast(Clause, func.fl_local_date(value, where, type_=Text()))

    # ------------------------------------------------------------ functions

    def called(self, node: Typed) -> Clause:
        name, args = str(node.value), node.args
        if name == "number":
            return self.value(args[0])
        if name == "date":
            return self.day(args[0], self.value(args[1]) if len(args) > 1 else None)
        if name in ("or_else", "min", "max"):
            values = [self.like(arg, node.type) for arg in args]
            if name == "or_else":
                return cast(Clause, func.coalesce(*values, type_=_column_type(node.type)))
            return self.extreme(name, values, node.type)
        if name == "abs":
            value = self.value(args[0])
            wide = args[0].type.is_wide and not self.pg
            return cast(Clause, func.fl_abs(value) if wide else func.abs(value, type_=BigInteger()))
        if name in ("size", "is_empty"):
            return self.measured(name, args[0])
        if BY_NAME[name].params[:1] == ("day",):
            return self.day_function(name, self.day(args[0]))
        return self.text_function(name, [self.value(arg) for arg in args])

    def extreme(self, name: str, values: Sequence[Clause], kind: Type) -> Clause:
        if len(values) == 1:
            return values[0]
        word = "least" if name == "min" else "greatest"
        if self.pg:
            if kind.kind in TEXTS:
                values = [_pg_text(value) for value in values]
            result = cast("TypeEngine[object]", Numeric()) if kind.is_wide else _column_type(kind)
            return _pg_extreme(word, values, result)
        if kind.is_wide:
            return cast(Clause, getattr(func, f"fl_{word}")(*values))
        return cast(Clause, getattr(func, name)(*values, type_=_column_type(kind)))

    def measured(self, name: str, arg: Typed) -> Clause:
        kind = arg.type
        if kind.is_rows:
            table, link = self.joined(arg)
            if name == "is_empty":
                return cast(Clause, not_(exists(self.query(table, link, literal(1)))))
            return cast(Clause, self.query(table, link, cast(Clause, func.count())).scalar_subquery())
        if kind.kind is Kind.list:
            value = self.value(arg) if arg.op != "list" else None
            if value is None:
                return (
                    self.integer(len(arg.args)) if name == "size" else cast(Clause, literal(False, Boolean))
                )
            length: Clause
            if self.pg:
                length = _pg_length(value)
            else:
                length = cast(Clause, func.json_array_length(func.coalesce(value, "[]"), type_=BigInteger()))
            return length if name == "size" else cast(Clause, length == literal(0, BigInteger))
        if name == "size":
            return cast(Clause, func.length(self.value(arg), type_=BigInteger()))
        value = self.value(arg)
        if kind.kind in TEXTS | KEYS:
            return cast(Clause, func.coalesce(value, "", type_=Text()) == literal("", Text))
        return cast(Clause, value.is_(None))

    def day_function(self, name: str, day: Clause) -> Clause:
        if name.startswith(("days_", "business_days_")):
            pair = (day, self.today()) if name.endswith("_since") else (self.today(), day)
            if name.startswith("days_"):
                return _pg_days(*pair) if self.pg else cast(Clause, func.fl_days(*pair, type_=BigInteger()))
            calendar = bindparam("p_calendar", type_=Text())
            if self.pg:
                return _pg_business_days(*pair, calendar)
            return cast(Clause, func.fl_business_days(*pair, calendar, type_=BigInteger()))
        if name in _UNITS or name == "end_of_month":
            unit = _UNITS.get(name, "end")
            if self.pg:
                return _STARTS[unit](day)
            return cast(Clause, func.fl_start_of(literal(unit, Text), day, type_=Text()))
        if name == "weekday":
            return _pg_weekday(day) if self.pg else cast(Clause, func.fl_weekday(day, type_=BigInteger()))
        start, length = {"year": (1, 4), "month": (6, 2), "day": (9, 2)}[name]
        part = func.substr(day, literal(start, Integer), literal(length, Integer))
        return cast(Clause, sql_cast(part, BigInteger))

    def text_function(self, name: str, values: Sequence[Clause]) -> Clause:
        one = values[0]
        if name in ("lower", "upper"):
            return cast(Clause, getattr(func, name)(_pg_text(one) if self.pg else one, type_=Text()))
        two = values[1]
        if name == "contains":
            found = func.strpos(one, two) if self.pg else func.instr(one, two)
            return cast(Clause, type_coerce(found, Integer) > literal(0, Integer))
        if name == "starts_with":
            if self.pg:
                return cast(Clause, func.starts_with(one, two, type_=Boolean()))
            return cast(Clause, func.substr(one, 1, func.length(two), type_=Text()) == two)
        if self.pg:
            return cast(Clause, func.right(one, func.length(two), type_=Text()) == two)
        return cast(Clause, type_coerce(func.fl_ends_with(one, two), Boolean))

    # ------------------------------------------------------------ line items

    def joined(self, source: Typed) -> tuple[FromClause, Condition]:
        """Return the table of the lines and the condition that ties them to their record."""
        tables, path = self.tables(), source.value
        element = source.type.element
        assert isinstance(path, Path)
        assert element is not None
        assert element.entity is not None
        lines = tables.table(element.entity).alias()
        if len(path.steps) > 1:
            last = path.steps[-2].type
            owner = self.read(Path(path.root, path.steps[:-1]), last)
        elif path.root in self.lines:
            owner = tables.key(self.lines[path.root])
        else:
            owner = self.ctx.column(("id",))
        return lines, tables.parent(lines) == owner

    def query(self, lines: FromClause, link: Condition, what: ColumnElement[object]) -> Select[object]:
        return select(what).select_from(lines).where(link).correlate_except(lines)

    def searched(self, node: Typed, *, loose: bool) -> Condition:
        source, body = node.args
        lines, link = self.joined(source)
        name = str(node.value)
        self.lines[name] = lines
        if loose and node.op == "exists":
            found = self.query(lines, link, literal(1)).where(self.loose(body))
            del self.lines[name]
            return exists(found)
        value = self.value(body)
        del self.lines[name]
        if loose:
            held = func.coalesce(value, literal(False, Boolean), type_=Boolean())
            return not_(exists(self.query(lines, link, literal(1)).where(not_(held))))
        # One pass: 2 decides, 1 is unknown, and the greatest of all lines is the answer.
        decides = node.op == "exists"
        rank = case({decides: 2, not decides: 0}, value=value, else_=1)
        answers = {2: literal(decides, Boolean), 1: sql_cast(null(), Boolean)}
        answer = case(answers, value=func.max(rank), else_=literal(not decides, Boolean))
        return cast(Condition, self.query(lines, link, cast(Clause, answer)).scalar_subquery())

    def gathered(self, node: Typed) -> Clause:
        source, body = node.args
        lines, link = self.joined(source)
        name = str(node.value)
        self.lines[name] = lines
        value = self.value(body)
        del self.lines[name]
        kind = body.type
        wide = node.type.is_wide
        what: Clause
        if node.op == "count":
            counted = case((cast(Condition, value), 1)) if kind.kind is Kind.bool else value
            what = cast(Clause, func.count(counted))
        elif node.op == "sum":
            what = self.total(value, wide=wide)
        elif node.op == "avg":
            shift = MAX_SCALE - kind.scale
            total = self.total(value, wide=True)
            if shift:
                total = self.product(total, self.integer(10**shift), wide=True)
            what = self.half_even(total, cast(Clause, func.count(value)), wide=wide)
        elif kind.is_wide and not self.pg:
            what = cast(Clause, getattr(func, f"fl_{node.op}")(value))
        else:
            if kind.kind in TEXTS and self.pg:
                value = _pg_text(value)
            what = cast(Clause, getattr(func, node.op)(value))
        result = cast("TypeEngine[object]", Numeric()) if wide and self.pg else _column_type(node.type)
        return type_coerce(self.query(lines, link, what).scalar_subquery(), result)

    def total(self, value: Clause, *, wide: bool) -> Clause:
        if self.pg:
            total = func.coalesce(func.sum(value), 0, type_=Numeric())
            return cast(Clause, total if wide else sql_cast(total, BigInteger))
        if wide:
            return cast(
                Clause, func.coalesce(func.fl_sum(value), 0)
            )  # no rows: SQLite never asks the aggregate
        return cast(Clause, func.coalesce(func.sum(value), 0, type_=BigInteger()))


def _is_filled(node: Typed) -> bool:
    if node.op == "const":
        return node.value is not None
    return node.op == "name" and node.value in _NEVER_EMPTY


def _is_fixed(node: Typed) -> bool:
    """Whether the value is the same for every record of one statement."""
    return not any(one.op == "get" or one.op in MACROS for one in walk(node))


def _scaled(value: object, scale: int, *, up: bool = False) -> tuple[int, bool]:
    """Return a literal in units of `10**-scale`, rounded down or up, and whether that is exact."""
    assert isinstance(value, int | Decimal)
    if isinstance(value, int):
        return value * int(10**scale), True
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    number = int("".join(map(str, digits)) or "0") * (-1 if sign else 1)
    if exponent + scale >= 0:
        return number * int(10 ** (exponent + scale)), True
    unit = int(10 ** -(exponent + scale))
    whole, rest = divmod(number, unit)
    return (whole + 1 if up and rest else whole), not rest
