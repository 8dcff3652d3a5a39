"""A checked tree as text again, and a tree that came as JSON as text to be checked (EX-12).

What comes from outside is never trusted to be checked: it is written down as an expression and goes through the one
door, `fairlead.expr.check`. Written and checked in the place where it was made, a tree is itself again.
"""

import re
from collections.abc import Mapping, Sequence

from fairlead.expr.browser import tree_json
from fairlead.expr.functions import BY_NAME, MACROS, SPANS
from fairlead.expr.nodes import Typed
from fairlead.expr.parse import MAX_DEPTH, MAX_NODES, ExprProblem

_SIGNS = {
    "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "in": "in",
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "concat": "+",
    "date_add": "+", "date_sub": "-", "date_diff": "-", "moment_add": "+", "moment_sub": "-", "moment_diff": "-",
}  # fmt: skip
_NUMBERS = frozenset({"integer", "decimal", "money"})
_UNITS = {micros: name for name, micros in SPANS.items()}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,79}(\.[A-Za-z_][A-Za-z0-9_]{0,79})?")
_CHUNK = 10**18
_PLAIN = frozenset({"get", "name", "call", "list", "const", *MACROS})


class _Odd(Exception):
    """The JSON is no tree of an expression; the text says why."""


def text_of(node: Typed) -> str:
    """Return `node` as CEL text; checked in the same place it gives an equal tree."""
    return _Writer().text(tree_json(node))


def text_of_tree(tree: object) -> str | ExprProblem:
    """Return the text of a tree that came as JSON, or what is wrong with it; the text is still to be checked."""
    try:
        return _Writer().text(tree)
    except _Odd as odd:
        return ExprProblem("bad_tree", str(odd))


class _Writer:
    def __init__(self) -> None:
        self.count = 0
        self.depth = 0

    def text(self, tree: object) -> str:
        if not isinstance(tree, Mapping):
            raise _Odd("a construct is an object with the key 'o'")
        self.count += 1
        self.depth += 1
        if self.count > MAX_NODES or self.depth > MAX_DEPTH + 2:
            raise _Odd("the tree is too large")
        made = self.construct(tree)
        self.depth -= 1
        return made

    def construct(self, tree: Mapping[str, object]) -> str:
        op = tree.get("o")
        if op == "const":
            return self.constant(tree)
        if op == "get":
            return ".".join((name_of(tree.get("r")), *[name_of(name) for name in listed(tree.get("p"))]))
        if op == "name":
            return name_of(str(tree.get("v")).removeprefix("extra."))
        args = listed(tree.get("a"))
        if op in _SIGNS:
            one, two = parts(args, 2)
            if (
                op == "mul"
                and isinstance(two, Mapping)
                and two.get("o") == "const"
                and two.get("k") == "duration"
            ):
                return f"{unit(two)}({self.text(one)})"
            return f"{self.tight(one)} {_SIGNS[str(op)]} {self.tight(two)}"
        match op:
            case "and" | "or":
                if len(args) < 2:
                    raise _Odd(f"{op} joins at least two conditions")
                return (" && " if op == "and" else " || ").join([self.tight(arg) for arg in args])
            case "not" | "neg":
                (inner,) = parts(args, 1)
                return ("!" if op == "not" else "-") + self.tight(inner)
            case "if":
                test, then, other = parts(args, 3)
                return f"{self.tight(test)} ? {self.tight(then)} : {self.tight(other)}"
            case "list":
                return "[" + ", ".join([self.text(arg) for arg in args]) + "]"
            case "rescale":
                return self.rounded(tree, parts(args, 1)[0])
            case "call":
                name = tree.get("v")
                if not isinstance(name, str) or name not in BY_NAME:
                    raise _Odd(f"there is no function {name!r}")
                return f"{name}({', '.join([self.text(arg) for arg in args])})"
        if isinstance(op, str) and op in MACROS:
            source, body = parts(args, 2)
            return f"{self.tight(source)}.{op}({name_of(tree.get('v'))}, {self.text(body)})"
        raise _Odd(f"there is no construct {op!r}")

    def rounded(self, tree: Mapping[str, object], inner: object) -> str:
        said = self.text(inner)
        before = inner.get("s", 0) if isinstance(inner, Mapping) else 0
        scale = tree.get("v")
        if not isinstance(scale, int) or not isinstance(before, int) or not 0 <= scale <= 12:
            raise _Odd("a number is rounded to 0 to 12 decimals")
        # Where it only widens, the place that wants the decimals does it again.
        return said if scale >= before else f"round({said}, {scale})"

    def tight(self, tree: object) -> str:
        said = self.text(tree)
        return (
            said
            if isinstance(tree, Mapping) and tree.get("o") in _PLAIN and said[0] not in "-("
            else f"({said})"
        )

    def constant(self, tree: Mapping[str, object]) -> str:
        value, kind = tree.get("v"), tree.get("k")
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if not isinstance(value, str):
            raise _Odd("the value of a constant is text, yes, no or empty")
        if kind in _NUMBERS:
            scale = tree.get("s", 0)
            if not re.fullmatch(r"-?\d{1,130}", value) or not isinstance(scale, int) or not 0 <= scale <= 12:
                raise _Odd(f"{value[:40]!r} is no number")
            return number(int(value), scale, whole=kind == "integer" or (kind == "money" and scale == 0))
        if kind == "duration":
            raise _Odd("a duration is written with its unit")
        said = quoted(value)
        return f"{kind}({said})" if kind in ("date", "datetime", "time") else said


def number(scaled: int, scale: int, *, whole: bool) -> str:
    """Return a number as written: 1250 in units of `10**-2` is `12.5`; a very long one as a sum."""
    sign, size = ("-" if scaled < 0 else ""), abs(scaled)
    before, after = divmod(size, 10**scale)
    if before >= _CHUNK:
        high, low = divmod(before, _CHUNK)
        head = f"({number(high, 0, whole=True)} * {_CHUNK} + {low})"
        return f"{sign}{head}" if whole else f"{sign}({head} + {number(after, scale, whole=False)})"
    if whole:
        return f"{sign}{before}"
    digits = str(after).rjust(scale, "0").rstrip("0") or "0"
    return f"{sign}{before}.{digits}"


def quoted(text: str) -> str:
    """Return a text constant with everything escaped that could end it."""
    made = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return "'" + re.sub(r"[\x00-\x1f]", lambda odd: f"\\u{ord(odd[0]):04x}", made) + "'"


def name_of(value: object) -> str:
    """Return a name that may stand in a text."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise _Odd(f"{str(value)[:40]!r} is no name")
    return value


def unit(tree: Mapping[str, object]) -> str:
    """Return the function that makes durations of this unit."""
    value = tree.get("v")
    found = _UNITS.get(int(value)) if isinstance(value, str) and value.isdecimal() else None
    if found is None:
        raise _Odd("a duration counts weeks, days, hours or minutes")
    return found


def listed(value: object) -> Sequence[object]:
    """Return a JSON list; nothing where there is none."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise _Odd("parts stand in a list")
    return value


def parts(args: Sequence[object], count: int) -> Sequence[object]:
    """Return the parts of a construct that has so many."""
    if len(args) != count:
        raise _Odd(f"this construct has {count} parts")
    return args
