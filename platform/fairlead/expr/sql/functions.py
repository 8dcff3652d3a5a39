"""Functions that are not arithmetic: choice of values, measures, texts."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    Integer,
    Numeric,
    Text,
    exists,
    func,
    literal,
    type_coerce,
)
from sqlalchemy.types import TypeEngine

from fairlead.expr.functions import BY_NAME
from fairlead.expr.nodes import Typed
from fairlead.expr.sql import postgres
from fairlead.expr.sql.base import column_type, negated
from fairlead.expr.sql.context import Clause
from fairlead.expr.sql.days import Days
from fairlead.expr.types import KEYS, TEXTS, Kind, Type


class Functions(Days):
    """One branch for each function."""

    def called(self, node: Typed) -> Clause:
        name, args = str(node.value), node.args
        if name == "number":
            return self.value(args[0])
        if name == "date":
            return self.day(args[0], self.value(args[1]) if len(args) > 1 else None)
        if name in ("or_else", "min", "max"):
            values = [self.like(arg, node.type) for arg in args]
            if name == "or_else":
                return cast(Clause, func.coalesce(*values, type_=column_type(node.type)))
            return self.extreme(name, values, node.type)
        if name == "abs":
            value = self.value(args[0])
            wide = args[0].type.is_wide and not self.pg
            return cast(Clause, func.fl_abs(value) if wide else func.abs(value, type_=BigInteger()))
        if name in ("size", "is_empty"):
            return self.measured(name, args[0])
        if name in ("time", "hour", "minute"):
            return self.clock_function(
                name, self.clock(args[0], self.value(args[1]) if len(args) > 1 else None)
            )
        if BY_NAME[name].params == ("day", "day"):
            return self.counted_days(
                self.day(args[0]), self.day(args[1]), business=name.startswith("business")
            )
        if BY_NAME[name].params[:1] == ("day",):
            return self.day_function(name, self.day(args[0]), *[self.value(arg) for arg in args[1:]])
        return self.text_function(name, [self.value(arg) for arg in args])

    def extreme(self, name: str, values: Sequence[Clause], kind: Type) -> Clause:
        if len(values) == 1:
            return values[0]
        word = "least" if name == "min" else "greatest"
        if self.pg:
            if kind.kind in TEXTS:
                values = [postgres.collated(value) for value in values]
            result = cast("TypeEngine[object]", Numeric()) if kind.is_wide else column_type(kind)
            return postgres.extreme(word, values, result)
        if kind.is_wide:
            return cast(Clause, getattr(func, f"fl_{word}")(*values))
        return cast(Clause, getattr(func, name)(*values, type_=column_type(kind)))

    def measured(self, name: str, arg: Typed) -> Clause:
        kind = arg.type
        if kind.is_rows:
            table, link, _ = self.joined(arg)
            if name == "is_empty":
                return negated(exists(self.query(table, link, literal(1))))
            return cast(Clause, self.query(table, link, cast(Clause, func.count())).scalar_subquery())
        if kind.kind is Kind.list:
            value = self.value(arg) if arg.op != "list" else None
            if value is None:
                return (
                    self.integer(len(arg.args)) if name == "size" else cast(Clause, literal(False, Boolean))
                )
            length: Clause
            if self.pg:
                length = postgres.length(value)
            else:
                length = cast(Clause, func.json_array_length(func.coalesce(value, "[]"), type_=BigInteger()))
            return length if name == "size" else cast(Clause, length == literal(0, BigInteger))
        if name == "size":
            return cast(Clause, func.length(self.value(arg), type_=BigInteger()))
        value = self.value(arg)
        if kind.kind in TEXTS | KEYS:
            return cast(Clause, func.coalesce(value, "", type_=Text()) == literal("", Text))
        return cast(Clause, value.is_(None))

    def text_function(self, name: str, values: Sequence[Clause]) -> Clause:
        one = values[0]
        if name in ("lower", "upper"):
            return cast(Clause, getattr(func, name)(postgres.collated(one) if self.pg else one, type_=Text()))
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
