"""The tree an expression becomes: first as written, then checked and typed. Everything is frozen."""

from dataclasses import dataclass, field

from fairlead.expr.types import Type

Value = object


@dataclass(frozen=True, slots=True)
class Syntax:
    """One construct as written.

    Attributes:
        kind: `literal`, `list`, `name`, `member`, `index`, `call`, `method`, `unary`, `binary` or `if`.
        value: The literal, the name, the operator; whatever the kind needs.
        args: The parts, left to right; for `member` and `method` the target comes first.
        start: Offset of the first character in the text.
        end: Offset just past the last one.
        depth: How deeply this nests.
        at: Offset of the name or operator itself, for messages.
    """

    kind: str
    value: Value
    args: tuple["Syntax", ...]
    start: int
    end: int
    depth: int = 1
    at: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One field on a path, with its type."""

    field: str
    type: Type


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is read: `record.company.level` is root `record` with two steps.

    Attributes:
        root: `record`, `old`, or the variable of an enclosing list macro.
        steps: The fields; every step but the last leads to another record.
    """

    root: str
    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields alone."""
        return tuple(step.field for step in self.steps)


@dataclass(frozen=True, slots=True)
class Typed:
    """One checked construct; the three back ends know only these.

    Attributes:
        op: `const`, `get` (value is a Path), `name` (`now`, `today`, `user`, `user.teams`, `extra.x`, …), `list`,
            `and`, `or`, `not`, `if`, `eq ne lt le gt ge`, `in`, `neg add sub mul div mod`, `concat`,
            `date_add date_sub date_diff`, `moment_add moment_sub moment_diff`, `call` (value is the function),
            `exists all sum min max avg count` (over line items; value is the variable), `rescale` (value is the scale).
        type: What it gives; numbers know their scale.
        args: The parts.
        value: What the op needs besides.
    """

    op: str
    type: Type
    args: tuple["Typed", ...] = ()
    value: Value = None
    start: int = 0
    end: int = 0
    cost: int = field(default=1, compare=False)


def walk(node: Typed) -> "list[Typed]":
    """Return `node` and everything below it, parents first."""
    found, waiting = [], [node]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting.extend(reversed(one.args))
    return found
