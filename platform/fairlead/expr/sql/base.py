"""What every part of the writer works with: columns, bound names, constants."""

from datetime import date, datetime
from decimal import Decimal
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    FromClause,
    Numeric,
    Text,
    bindparam,
    literal,
    not_,
    null,
    select,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from fairlead.expr.nodes import Path, Typed
from fairlead.expr.sql.context import Clause, Condition, SqlContext, SqlTables
from fairlead.expr.stored import to_stored
from fairlead.expr.types import STORED_DIGITS, Kind, Type

DAY_US = 86_400_000_000


def column_type(kind: Type) -> TypeEngine[object]:
    """Return the type of the column that keeps values of `kind`."""
    if kind.kind is Kind.bool:
        return cast("TypeEngine[object]", Boolean())
    if kind.is_number or kind.kind is Kind.duration:
        return cast("TypeEngine[object]", BigInteger())
    return cast("TypeEngine[object]", Text())


def negated(condition: Condition) -> Clause:
    """Return `NOT condition` in brackets: NOT binds less than IS and IN, which may come to stand beside it."""
    return cast(Clause, Grouping(not_(condition)))


def scaled_literal(value: object, scale: int, *, up: bool = False) -> tuple[int, bool]:
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


class Base:
    """Reads and binds; the class that knows all constructs says how a part of the tree becomes SQL."""

    def __init__(self, ctx: SqlContext) -> None:
        self.ctx = ctx
        self.pg = ctx.dialect == "postgresql"
        self.lines: dict[str, FromClause] = {}

    def value(self, node: Typed) -> Clause:
        """Return the exact value of `node`."""
        raise NotImplementedError

    def loose(self, node: Typed) -> Condition:
        """Return `node` where unknown may become false."""
        raise NotImplementedError

    def constant(self, node: Typed) -> Clause:
        value, kind = node.value, node.type
        if value is None:
            return cast(Clause, null() if kind.kind is Kind.null else sql_cast(null(), column_type(kind)))
        if kind.is_number:
            return self.integer(scaled_literal(value, kind.scale)[0])
        if kind.kind is Kind.duration:
            assert isinstance(value, int)
            return self.integer(value)
        if isinstance(value, date | datetime) or not isinstance(value, bool | str):
            value = to_stored(value, kind)
        return cast(Clause, literal(value, column_type(kind)))

    def integer(self, value: int) -> Clause:
        if abs(value) < 10**STORED_DIGITS:
            return cast(Clause, literal(value, BigInteger))
        return cast(Clause, literal(Decimal(value), Numeric) if self.pg else literal(str(value), Text))

    def read(self, path: Path, kind: Type) -> Clause:
        ctx, names = self.ctx, path.names
        if path.root not in self.lines:
            if len(names) == 1:
                return type_coerce(ctx.column(names), column_type(kind))
            if ctx.related is not None and (joined := ctx.related(names)) is not None:
                return type_coerce(joined, column_type(kind))
        if path.root in self.lines and not names:
            # An entry of a plain list, whose table has one column.
            return type_coerce(self.lines[path.root].c.value, column_type(kind))
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
        return type_coerce(value, column_type(kind))

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
                return type_coerce(given, column_type(node.type))
            return cast(Clause, bindparam(f"p_extra_{key}", type_=column_type(node.type)))
        return cast(Clause, bindparam("p_" + name.replace(".", "_"), type_=Text()))

    def today(self) -> Clause:
        return cast(Clause, bindparam("p_today", type_=Text()))
