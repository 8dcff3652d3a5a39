"""The whole writer: which construct is written by which part."""

from typing import cast

from sqlalchemy import (
    Text,
    and_,
    case,
    false,
    or_,
    true,
)

from fairlead.expr.nodes import Path, Typed
from fairlead.expr.sql.base import negated
from fairlead.expr.sql.conditions import COMPARE, Conditions
from fairlead.expr.sql.context import Clause, Condition


class Writer(Conditions):
    """Walks a tree once."""

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

    def value(self, node: Typed) -> Clause:
        """Return the exact value of `node`."""
        op = node.op
        if op in COMPARE:
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
                return negated(cast(Condition, self.value(node.args[0])))
            case "eq":
                return cast(Clause, self.equal(node, loose=False))
            case "ne":
                return negated(self.equal(node, loose=False))
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
