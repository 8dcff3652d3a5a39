"""A checked expression, ready for a record, a database or a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import ColumnElement

from fairlead.base.errors import Invalid
from fairlead.base.texts import Label
from fairlead.expr.browser import tree_json
from fairlead.expr.evaluate import Env, Record, Run, closure, outward, truth
from fairlead.expr.functions import MACROS
from fairlead.expr.nodes import Path, Typed, Value, walk
from fairlead.expr.parse import ExprProblem
from fairlead.expr.sql import SqlContext, condition_sql, value_sql
from fairlead.expr.types import STORED_DIGITS, Kind, Type

_TOO_LARGE = Label({"en": "The calculated number is too large to be kept.", "zh": "计算结果过大，无法保存。"})


@dataclass(frozen=True, slots=True)
class Expression:
    """One rule or formula.

    Attributes:
        text: As written.
        node: The typed tree.
        warnings: Findings that do not stop it, such as "this is always true".
        type: What it gives.
        uses: The fields of the record that it reads, as paths: `("company", "level")`, `("lines", "qty")`.
        uses_old: The same for the record before the change.
        names: The other names it reads: `user`, `user.teams`, `now`, `today`, and the scope's own.
    """

    text: str
    node: Typed
    warnings: tuple[ExprProblem, ...] = ()
    type: Type = field(init=False)
    uses: frozenset[tuple[str, ...]] = field(init=False)
    uses_old: frozenset[tuple[str, ...]] = field(init=False)
    names: frozenset[str] = field(init=False)
    _run: Run = field(init=False, repr=False, compare=False)
    _plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        reads = _reads(self.node)
        names = set()
        for one in walk(self.node):
            if one.op == "name":
                names.add(str(one.value).removeprefix("extra."))
            elif one.op == "call" and str(one.value).endswith(("_since", "_until")):
                names.add("today")
        object.__setattr__(self, "type", self.node.type)
        object.__setattr__(self, "uses", frozenset(path for root, path in reads if root == "record"))
        object.__setattr__(self, "uses_old", frozenset(path for root, path in reads if root == "old"))
        object.__setattr__(self, "names", frozenset(names))
        object.__setattr__(self, "_run", closure(self.node))
        numeric = self.node.type.is_number or self.node.type.kind is Kind.duration
        object.__setattr__(self, "_plain", not numeric)

    def evaluate(self, record: Record, env: Env) -> Value:
        """Return the value for `record`; None where it is empty or unknown.

        Raises:
            Invalid: A calculated number has more digits than can be kept.
        """
        value = self._run(record, env, ())
        if self._plain or value is None:
            return value
        kind = self.type
        if kind.is_wide and abs(value) >= Decimal(1).scaleb(STORED_DIGITS - kind.scale):  # type: ignore[arg-type]
            raise Invalid.field("", "out_of_range", _TOO_LARGE)
        return outward(value, kind.kind)

    def is_true(self, record: Record, env: Env, *, unknown: bool = False) -> bool:
        """Return the answer of a condition; `unknown` says what an empty field makes of it."""
        return truth(self._run(record, env, ()), unknown=unknown)

    def empty_reads(self, record: Record, env: Env) -> list[str]:
        """Return the fields that the expression reads and that are empty, to explain an unknown answer."""
        found = []
        for one in walk(self.node):
            if one.op != "get" or not isinstance(one.value, Path) or not one.value.names:
                continue
            if one.value.root == "record" and closure(one)(record, env, ()) in (None, ()):
                found.append(".".join(one.value.names))
        return list(dict.fromkeys(found))

    def to_json(self) -> dict[str, object]:
        """Return the tree that the page interprets."""
        return tree_json(self.node)

    def to_sql(self, ctx: SqlContext) -> ColumnElement[object]:
        """Return the value as SQL, exact in three values; numbers in their stored, scaled form."""
        return value_sql(self.node, ctx)

    def condition(self, ctx: SqlContext, *, unknown: bool = False) -> ColumnElement[bool]:
        """Return a condition for WHERE; with `unknown=False` it is written so that an index can serve it."""
        return condition_sql(self.node, ctx, unknown=unknown)


def _reads(
    node: Typed, rows: Mapping[str, tuple[str, tuple[str, ...]]] | None = None
) -> set[tuple[str, tuple[str, ...]]]:
    """Return root and path of everything read; a line's field counts under the field that holds the lines."""
    known = dict(rows or {})
    found: set[tuple[str, tuple[str, ...]]] = set()
    if node.op == "get":
        assert isinstance(node.value, Path)
        root, names = node.value.root, node.value.names
        if root in known:
            base, before = known[root]
            root, names = base, before + names
        if names and root:
            found.add((root, names))
        return found
    if node.op in MACROS:
        source, body = node.args
        found |= _reads(source, known)
        # A list that is no field, such as the user's teams, reads nothing of the record.
        root, names = next(iter(found), ("", ()))
        return found | _reads(body, {**known, str(node.value): (root, names)})
    for arg in node.args:
        found |= _reads(arg, known)
    return found
