"""Line items: conditions over them as EXISTS, totals as subqueries."""

from typing import NamedTuple, cast

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    FromClause,
    Numeric,
    Select,
    Text,
    case,
    exists,
    func,
    literal,
    not_,
    null,
    select,
    true,
    type_coerce,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from fairlead.expr.nodes import Path, Typed, walk
from fairlead.expr.sql import postgres
from fairlead.expr.sql.base import column_type
from fairlead.expr.sql.context import Clause, Condition
from fairlead.expr.sql.numbers import Numbers
from fairlead.expr.types import MAX_SCALE, TEXTS, Kind


class Joined(NamedTuple):
    """The table of a list's lines or entries.

    Attributes:
        table: An alias of its own for every macro.
        link: What ties them to their record.
        own: A column of the table that is never empty.
    """

    table: FromClause
    link: Condition
    own: Clause


class Lines(Numbers):
    """Keeps which table the variable of a macro stands for while its body is written."""

    def joined(self, source: Typed) -> Joined:
        """Return the table of the lines, and how they are tied to their record."""
        if not source.type.is_rows:
            entries = self.entries(source)
            return Joined(entries, true(), cast(Clause, entries.c.value))
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
        parent = tables.parent(lines)
        return Joined(lines, parent == owner, parent)

    def entries(self, source: Typed) -> FromClause:
        """Return the entries of a stored list as a table with the one column `value`."""
        stored = func.coalesce(self.value(source), "[]", type_=Text())
        if self.pg:
            made = func.jsonb_array_elements_text(sql_cast(stored, JSONB)).table_valued("value")
        else:
            made = func.json_each(stored).table_valued("value")
        return cast(FromClause, made.alias())

    def query(self, lines: FromClause, link: Condition, what: ColumnElement[object]) -> Select[object]:
        return select(what).select_from(lines).where(link).correlate_except(lines)

    def of_lines(self, body: Typed, own: Clause, name: str) -> Clause:
        """Return the body of a macro, always with a column of the lines in it.

        An aggregate over columns of the outer query alone would belong to that query.
        """
        value = self.value(body)
        if any(
            one.op == "get" and isinstance(one.value, Path) and one.value.root == name for one in walk(body)
        ):
            return value
        return cast(Clause, case((own.is_not(None), value)))

    def searched(self, node: Typed, *, loose: bool) -> Condition:
        source, body = node.args
        lines, link, own = self.joined(source)
        name = str(node.value)
        self.lines[name] = lines
        if loose and node.op == "exists":
            found = self.query(lines, link, literal(1)).where(self.loose(body))
            del self.lines[name]
            return exists(found)
        value = self.of_lines(body, own, name)
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
        lines, link, own = self.joined(source)
        name = str(node.value)
        self.lines[name] = lines
        value = self.of_lines(body, own, name)
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
                value = postgres.collated(value)
            what = cast(Clause, getattr(func, node.op)(value))
        result = cast("TypeEngine[object]", Numeric()) if wide and self.pg else column_type(node.type)
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
