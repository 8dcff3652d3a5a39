"""What the database cannot be asked, with the reason (EX-6)."""

from fairlead.expr.functions import BY_NAME, MACROS
from fairlead.expr.nodes import Path, Typed, walk
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import Kind, Type


def not_in_sql(node: Typed) -> list[ExprProblem]:
    """Return why `node` cannot run in the database; nothing when it can."""
    found = []
    if node.type.kind is Kind.list and (node.op == "list" or node.type.is_rows):
        message = f"this must run in the database, which cannot give {node.type} as one value"
        found.append(ExprProblem("not_in_sql", message, node.start, node.end))
    for one in walk(node):
        reason = None
        if one.op == "get" and isinstance(one.value, Path) and one.value.root == "old":
            reason = "the database does not know the record before the change"
        elif one.op == "call" and not BY_NAME[str(one.value)].sql:
            reason = f"{one.value} has no form in SQL"
        elif one.op == "in" and one.args[1].op != "list" and _holds_numbers(one.args[1].type):
            reason = "a stored list of numbers cannot be searched there"
        elif one.op in MACROS and _holds_numbers(one.args[0].type):
            reason = "a stored list of numbers cannot be gone through there"
        if reason:
            message = f"this must run in the database, but {reason}"
            found.append(ExprProblem("not_in_sql", message, one.start, one.end))
    return found


def _holds_numbers(kind: Type) -> bool:
    return kind.element is not None and (kind.element.is_number or kind.element.kind is Kind.bool)
