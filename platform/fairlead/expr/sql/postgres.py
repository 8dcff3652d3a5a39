"""What PostgreSQL needs spelled out: exact rounding, days, moments, lists; for SQLite Python functions do the same."""

from collections.abc import Callable, Sequence
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Numeric,
    Text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from fairlead.expr.sql.context import Clause


def _template(name: str, kind: object, text: str) -> Callable[..., Clause]:
    """Return a maker of an SQL construct; each argument appears once in it, so nothing is evaluated twice."""

    def render(element: FunctionElement[object], compiler: SQLCompiler, **options: object) -> str:
        return text.format(*[compiler.process(clause, **options) for clause in element.clauses])

    made = type(name, (FunctionElement,), {"name": name, "type": kind, "inherit_cache": True})
    compiles(made, "postgresql")(render)
    return cast("Callable[..., Clause]", made)


# OFFSET 0 keeps the planner from copying the inner expressions into every place where they are named.
half_even = _template(
    "pg_half_even",
    Numeric(),
    "(SELECT q + CASE WHEN 2 * abs(r) > abs(d) OR (2 * abs(r) = abs(d) AND mod(q, 2) <> 0)"
    " THEN sign(n) * sign(d) ELSE 0 END"
    " FROM (SELECT n, d, div(n, d) AS q, n - d * div(n, d) AS r"
    " FROM (SELECT CAST({0} AS NUMERIC) AS n, nullif(CAST({1} AS NUMERIC), 0) AS d OFFSET 0) AS a OFFSET 0) AS b)",
)
remainder = _template("pg_mod", Numeric(), "mod({0}, nullif({1}, 0))")
days = _template("pg_days", BigInteger(), "CAST(CAST({1} AS DATE) - CAST({0} AS DATE) AS BIGINT)")
# Elsewhere a moment may fall outside the years that a date can have.
_LOCAL = (
    "(SELECT CASE WHEN t >= TIMESTAMP '0001-01-01' AND t < TIMESTAMP '10000-01-01' THEN to_char(t, '{form}') END"
    " FROM (SELECT CAST({{0}} AS TIMESTAMP WITH TIME ZONE) AT TIME ZONE {{1}} AS t OFFSET 0) AS a)"
)
local_date = _template("pg_local_date", Text(), _LOCAL.format(form="YYYY-MM-DD"))
local_time = _template("pg_local_time", Text(), _LOCAL.format(form="HH24:MI:SS"))
add_months = _template(
    "pg_add_months",
    Text(),
    "(SELECT CASE WHEN y BETWEEN 1 AND 9999 THEN"
    " to_char(d + CAST(m AS INTEGER) * INTERVAL '1 month', 'YYYY-MM-DD') END"
    " FROM (SELECT d, m, div(CAST(extract(year FROM d) * 12 + extract(month FROM d) - 1 AS NUMERIC) + m, 12) AS y"
    " FROM (SELECT CAST({0} AS DATE) AS d, CAST({1} AS NUMERIC) AS m OFFSET 0) AS a OFFSET 0) AS b)",
)
is_business_day = _template(
    "pg_is_business_day",
    Boolean(),
    "(SELECT CASE WHEN d > DATE '0001-01-01' THEN"
    " (SELECT count(*) FROM jsonb_array_elements_text(c -> 'weekdays') AS t (w)"
    " WHERE CAST(w AS INTEGER) = extract(isodow FROM d) - 1)"
    " + (SELECT coalesce(sum(CAST(e ->> 1 AS INTEGER)), 0) FROM jsonb_array_elements(c -> 'exceptions') AS t (e)"
    " WHERE e ->> 0 = to_char(d, 'YYYY-MM-DD')) = 1 END"
    " FROM (SELECT CAST({0} AS DATE) AS d, CAST({1} AS JSONB) AS c OFFSET 0) AS s)",
)
_DATE_MOVE = (
    "(SELECT CASE WHEN n BETWEEN 0 AND 3652058 THEN"
    " to_char(DATE '0001-01-01' + CAST(n AS INTEGER), 'YYYY-MM-DD') END"
    " FROM (SELECT (d - DATE '0001-01-01') {sign} (div(m, 86400000000) - CASE WHEN mod(m, 86400000000) < 0"
    " THEN 1 ELSE 0 END) AS n FROM (SELECT CAST({{0}} AS DATE) AS d, CAST({{1}} AS NUMERIC) AS m OFFSET 0) AS a"
    " OFFSET 0) AS b)"
)
date_add = _template("pg_date_add", Text(), _DATE_MOVE.format(sign="+"))
date_sub = _template("pg_date_sub", Text(), _DATE_MOVE.format(sign="-"))
_MOMENT_MOVE = (
    "(SELECT CASE WHEN m BETWEEN 0 AND 315537897599999999 THEN"
    " to_char(TIMESTAMP '0001-01-01' + CAST(div(m, 86400000000) AS INTEGER) * INTERVAL '1 day'"
    " + CAST(mod(m, 86400000000) AS BIGINT) * INTERVAL '1 microsecond',"
    ' \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\') END'
    " FROM (SELECT trunc(extract(epoch FROM (CAST({{0}} AS TIMESTAMP) - TIMESTAMP '0001-01-01')) * 1000000)"
    " {sign} CAST({{1}} AS NUMERIC) AS m OFFSET 0) AS a)"
)
moment_add = _template("pg_moment_add", Text(), _MOMENT_MOVE.format(sign="+"))
moment_sub = _template("pg_moment_sub", Text(), _MOMENT_MOVE.format(sign="-"))
moment_diff = _template(
    "pg_moment_diff",
    BigInteger(),
    "CAST(extract(epoch FROM (CAST({0} AS TIMESTAMP) - CAST({1} AS TIMESTAMP))) * 1000000 AS BIGINT)",
)
business_days = _template(
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
STARTS_OF = {
    unit: _template(
        f"pg_start_of_{unit}",
        Text(),
        f"to_char(date_trunc('{unit}', CAST({{0}} AS TIMESTAMP)), 'YYYY-MM-DD')",
    )
    for unit in ("week", "month", "quarter", "year")
}
STARTS_OF["end"] = _template(
    "pg_end_of_month",
    Text(),
    "to_char(date_trunc('month', CAST({0} AS TIMESTAMP)) + INTERVAL '1 month' - INTERVAL '1 day', 'YYYY-MM-DD')",
)
weekday = _template("pg_weekday", BigInteger(), "CAST(extract(isodow FROM CAST({0} AS DATE)) AS BIGINT)")
any_of = _template(
    "pg_any", Boolean(), "({0} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST({1} AS JSONB)))))"
)
holds = _template("pg_holds", Boolean(), "coalesce(jsonb_exists(CAST({1} AS JSONB), {0}), false)")
length = _template(
    "pg_length", BigInteger(), "CAST(jsonb_array_length(CAST(coalesce({0}, '[]') AS JSONB)) AS BIGINT)"
)
collated = _template("pg_text", Text(), '({0} COLLATE "C")')


def extreme(name: str, args: Sequence[Clause], kind: TypeEngine[object]) -> Clause:
    """Return the `least` or `greatest` of values; empty when one of them is."""
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

MOVES = {
    "date_add": date_add,
    "date_sub": date_sub,
    "moment_add": moment_add,
    "moment_sub": moment_sub,
    "moment_diff": moment_diff,
}
