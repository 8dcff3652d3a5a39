"""Arithmetic in units of `10**-scale`: the databases' own 64 bits where they do, wider where the type says so."""

from typing import cast

from sqlalchemy import (
    BigInteger,
    Numeric,
    func,
    type_coerce,
)
from sqlalchemy import cast as sql_cast

from fairlead.expr.nodes import Typed
from fairlead.expr.sql import postgres
from fairlead.expr.sql.base import Base, scaled_literal
from fairlead.expr.sql.context import Clause
from fairlead.expr.types import MAX_SCALE, STORED_DIGITS, Kind, Type


class Numbers(Base):
    """Numbers, brought to the scale that their place needs."""

    def number(self, node: Typed, scale: int) -> Clause:
        """Return the number in units of `10**-scale`, which is not coarser than its own."""
        if node.op == "const" and node.value is not None and node.type.is_number:
            return self.integer(scaled_literal(node.value, scale)[0])
        change = scale - node.type.scale
        value = self.value(node)
        if change == 0:
            return value
        return self.product(value, self.integer(10**change), wide=node.type.digits + change > STORED_DIGITS)

    def like(self, node: Typed, kind: Type) -> Clause:
        """Return `node` as a value of `kind`, to which it has been unified."""
        if kind.is_number or kind.kind is Kind.duration:
            return self.number(node, kind.scale)
        return self.value(node)

    def product(self, one: Clause, two: Clause, *, wide: bool) -> Clause:
        if not wide:
            return cast(Clause, type_coerce(one, BigInteger) * type_coerce(two, BigInteger))
        if self.pg:
            return cast(Clause, sql_cast(one, Numeric) * sql_cast(two, Numeric))
        return cast(Clause, func.fl_mul(one, two))

    def half_even(self, number: Clause, divisor: Clause, *, wide: bool) -> Clause:
        if not self.pg:
            return cast(Clause, func.fl_half_even(number, divisor, type_=BigInteger()))
        rounded = postgres.half_even(number, divisor)
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
                return postgres.remainder(one, two)
            return cast(Clause, one.op("%", precedence=8, return_type=BigInteger())(two))
        return one + two if node.op == "add" else one - two
