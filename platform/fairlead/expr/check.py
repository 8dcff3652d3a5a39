"""Names known, types right, options real, cost bounded, SQL possible where needed: the one door to an Expression."""

from fairlead.expr.checking.always import warnings
from fairlead.expr.checking.calls import Calls
from fairlead.expr.checking.names import USER_MEMBERS, strangers
from fairlead.expr.checking.reach import not_in_sql
from fairlead.expr.expression import Expression
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.parse import ExprProblem, parse
from fairlead.expr.types import Scope, Type

__all__ = ["USER_MEMBERS", "ExprProblem", "Expression", "compile_expression"]

MAX_COST = 10_000


class _Checker(Calls):
    """All rules together."""

    def check(self, node: Syntax) -> Typed | None:
        kinds = {
            "literal": self.literal, "list": self.list_literal, "name": self.name, "member": self.member,
            "index": self.index, "call": self.call, "method": self.method, "unary": self.unary,
            "binary": self.binary, "if": self.condition,
        }  # fmt: skip
        return kinds[node.kind](node)


def compile_expression(
    text: str, scope: Scope, *, expect: Type | None = None, sql: bool = False
) -> Expression | list[ExprProblem]:
    """Check `text` and return what can be evaluated, or everything that is wrong with it.

    Args:
        text: At most 4,000 characters.
        scope: The names that may be used.
        expect: The type the result must have; a number is rounded half-even to its scale.
        sql: Whether it must be able to become SQL.

    Returns:
        An Expression, whose `warnings` may hold findings that do not stop it; or at least one problem.
    """
    tree = parse(text)
    if isinstance(tree, ExprProblem):
        return [*strangers(text, scope), tree] if tree.code == "syntax" else [tree]
    checker = _Checker(scope)
    try:
        node = checker.check(tree)
        if node is not None and expect is not None:
            node = checker.fit(node, expect)
    except RecursionError:  # pragma: no cover - the depth limit of the parser comes first
        return [ExprProblem("too_deep", "the expression nests too deeply", 0, len(text))]
    if node is not None and not checker.problems:
        if node.cost > MAX_COST:
            message = f"the expression may need {node.cost:,} steps; at most {MAX_COST:,} are allowed"
            checker.problem("too_expensive", message, tree)
        elif sql:
            checker.problems.extend(not_in_sql(node))
    if node is None or checker.problems:
        return checker.problems or [ExprProblem("syntax", "the expression has no meaning", 0, len(text))]
    return Expression(text, node, (*checker.findings, *warnings(node)))
