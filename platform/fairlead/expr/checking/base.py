"""What every group of rules works with: the scope, the variables in force, and the problems found so far."""

from collections.abc import Sequence

from fairlead.expr.nodes import Path, Syntax, Typed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import Scope, Type


class Base:
    """Walks a tree once; a problem gives None, and whatever contains it keeps silent about it."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.problems: list[ExprProblem] = []
        self.findings: list[ExprProblem] = []
        self.variables: dict[str, Type] = dict(scope.lines)

    def check(self, node: Syntax) -> Typed | None:
        """Return `node` checked; the class that knows all constructs says how."""
        raise NotImplementedError

    def problem(self, code: str, message: str, node: Syntax | Typed, hint: str | None = None) -> None:
        self.problems.append(ExprProblem(code, message, node.start, node.end, hint))

    def mismatch(self, message: str, node: Syntax | Typed, hint: str | None = None) -> None:
        self.problem("type_mismatch", message, node, hint)

    def made(self, op: str, kind: Type, args: Sequence[Typed], value: object, node: Syntax) -> Typed:
        cost = 1 + sum(arg.cost for arg in args)
        return Typed(op, kind, tuple(args), value, node.start, node.end, cost)

    def said(self, node: Syntax | Typed) -> str:
        if isinstance(node, Typed) and isinstance(node.value, Path):
            return ".".join((node.value.root, *node.value.names))
        if isinstance(node, Syntax) and node.kind == "member":
            return f"{self.said(node.args[0])}.{node.value}"
        return str(node.value) if node.value is not None else "this"
