"""Labels, as they are typed, back to keys (EX-10): the longest one that stands there, and none that two things share."""

import re
from collections.abc import Callable, Iterator

from fairlead.expr.functions import ALIASES, BY_NAME
from fairlead.expr.nodes import Syntax
from fairlead.expr.parse import FULL_WIDTH, ExprProblem, parse
from fairlead.expr.types import EntityShape, Kind, Scope, Type
from fairlead.expr.written import quoted

Words = Callable[[str, str, str | None], str | None]
"""From a shape (an entity, or the rows of a table), a field of it, and an option of that field or None, to the label."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MEMBER = re.compile(r"[.。]\s*([A-Za-z_][A-Za-z0-9_]*)")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_MACRO = re.compile(r"\s*\.\s*([A-Za-z_]+)\s*\(\s*([a-z][a-z0-9_]*)\s*,")
_SPOKEN = {"and": "&&", "or": "||", "not": "!", "且": "&&", "或": "||", "非": "!"}


def keyed(text: str, scope: Scope, words: Words) -> str | list[ExprProblem]:
    """Return a typed text with keys in place of labels, or which labels mean more than one thing.

    Keys may be typed as well, fields also without `record.`; brackets, signs and `and`, `or`, `not` in Chinese or in
    full width are taken for what they mean. The result is still to be checked.
    """
    reader = _Reader(text, scope, words)
    reader.read()
    if reader.problems:
        return reader.problems
    made = "".join(reader.parts)
    tree = parse(made)
    return _with_options(made, tree, scope, words) if isinstance(tree, Syntax) else made


class _Reader:
    def __init__(self, text: str, scope: Scope, words: Words) -> None:
        self.text = text
        self.scope = scope
        self.words = words
        self.at = 0
        self.parts: list[str] = []
        self.problems: list[ExprProblem] = []
        self.lines: dict[str, EntityShape] = {}
        self.reached: list[EntityShape] = []
        self.taken = {*scope.extra, *BY_NAME, *ALIASES, "record", "old", "user", "now", "today", "true", "false",
                      "null", "in"}  # fmt: skip

    def read(self) -> None:
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "\"'“‘":
                self.quote(char)
            elif char.isalpha() or char == "_":
                self.word()
            elif char.isdigit():
                found = _NUMBER.match(self.text, self.at)
                self.take(found[0] if found else char, len(found[0]) if found else 1)
            elif char in ".。" and (member := _MEMBER.match(self.text, self.at)) is not None:
                # After a dot that follows no field stands a method, or what is known of the user.
                self.take(f".{member[1]}", len(member[0]))
            else:
                self.take(FULL_WIDTH.get(char, char), 1)

    def take(self, written: str, length: int) -> None:
        self.parts.append(written)
        self.at += length

    def quote(self, char: str) -> None:
        close = {"“": "”", "‘": "’"}.get(char, char)
        at = self.at + 1
        while at < len(self.text) and self.text[at] != close:
            at += 2 if self.text[at] == "\\" else 1
        inside = self.text[self.at + 1 : at]
        self.take(f"{char}{inside}{close}" if char in "\"'" else quoted(inside), at + 1 - self.at)

    def word(self) -> None:
        name = _NAME.match(self.text, self.at)
        key = name[0] if name else ""
        if key in self.lines or key in ("record", "old"):
            shape = self.lines.get(key) or self.scope.record
            self.take(key, len(key))
            self.path(shape)
            return
        label = self.label(self.scope.record)
        if label is not None and (
            len(label[0]) > len(key) or key not in self.taken or self.is_called(label[0])
        ):
            self.named("record.", label)
            return
        if key and self.text[self.at + len(key) : self.at + len(key) + 1].isalnum():
            key = ""
        spoken = next((word for word in _SPOKEN if self.stands(word)), None)
        option = self.option()
        if spoken is not None and key not in self.taken and len(option or "") <= len(spoken):
            before = "" if not self.parts or self.parts[-1].endswith((" ", "(")) else " "
            after = "" if self.text[self.at + len(spoken) :].startswith((" ", "(", "（")) else " "
            self.take(f"{before}{_SPOKEN[spoken]}{after}", len(spoken))
        elif key and key not in self.taken and self.scope.record is not None and self.is_field(key):
            self.take(f"record.{key}", len(key))
            self.deeper(self.scope.record, key)
        elif option is not None:
            self.take(quoted(option), len(option))
        else:
            self.take(key or self.text[self.at], len(key) or 1)

    def is_called(self, label: str) -> bool:
        """Whether a word that is both a label and a function is not followed by a bracket."""
        return not self.text[self.at + len(label) :].lstrip().startswith(("(", "（"))

    def is_field(self, key: str) -> bool:
        after = self.text[self.at + len(key) :].lstrip()
        record = self.scope.record
        return record is not None and record.field_type(key) is not None and not after.startswith("(")

    def named(self, root: str, label: tuple[str, list[str]]) -> None:
        shown_as, keys = label
        if len(keys) > 1:
            known = " or ".join(f"{root}{key}" for key in keys)
            end = self.at + len(shown_as)
            message = f"{shown_as!r} may be {known}; write the one that is meant"
            self.problems.append(ExprProblem("ambiguous_label", message, self.at, end))
        record = self.scope.record
        self.take(root + keys[0], len(shown_as))
        if record is not None:
            self.deeper(record, keys[0])

    def path(self, shape: EntityShape | None) -> None:
        """Read `.label` or `.key` after something of `shape`, as long as they follow."""
        while shape is not None:
            dot = re.compile(r"\s*[.。]\s*").match(self.text, self.at)
            if dot is None:
                return
            self.take(".", len(dot[0]))
            name = _NAME.match(self.text, self.at)
            label = self.label(shape)
            if (
                name
                and shape.field_type(name[0]) is not None
                and (label is None or len(label[0]) <= len(name[0]))
            ):
                key = name[0]
                self.take(key, len(key))
            elif label is not None:
                if len(label[1]) > 1:
                    message = f"{label[0]!r} may be {' or '.join(label[1])}; write the one that is meant"
                    end = self.at + len(label[0])
                    self.problems.append(ExprProblem("ambiguous_label", message, self.at, end))
                key = label[1][0]
                self.take(key, len(label[0]))
            else:
                if name:
                    self.take(name[0], len(name[0]))
                return
            self.deeper(shape, key)
            return

    def deeper(self, shape: EntityShape, key: str) -> None:
        kind = shape.field_type(key)
        if kind is None:
            return
        macro = _MACRO.match(self.text, self.at)
        if macro is not None and kind.is_rows and kind.element is not None:
            rows = shape_of(self.scope, kind.element.entity)
            if rows is not None:
                self.lines[macro[2]] = rows
            return
        inner = kind.element.entity if kind.is_rows and kind.element is not None else kind.leads_to
        there = shape_of(self.scope, inner)
        if there is not None:
            self.reached.append(there)
        self.path(there)

    def label(self, shape: EntityShape | None) -> tuple[str, list[str]] | None:
        """Return the longest label of a field of `shape` that stands here, and the fields that have it."""
        best: tuple[str, list[str]] | None = None
        for key in shape.field_names() if shape is not None else ():
            word = self.words(shape.name, key, None) if shape is not None else None
            if not word or not self.stands(word):
                continue
            if best is None or len(word) > len(best[0]):
                best = (self.text[self.at : self.at + len(word)], [key])
            elif len(word) == len(best[0]):
                best[1].append(key)
        return best

    def option(self) -> str | None:
        """Return the longest label of any option of a choice that stands here."""
        found = [
            label
            for shape in (self.scope.record, *self.lines.values(), *self.reached)
            if shape is not None
            for label in _option_labels(shape, self.words)
            if self.stands(label)
        ]
        return max(found, key=len, default=None)

    def stands(self, word: str) -> bool:
        end = self.at + len(word)
        if self.text[self.at : end].casefold() != word.casefold():
            return False
        # Chinese is written without blanks: 赢单且 begins with a label, amounts does not begin with amount.
        last, after = word[-1], self.text[end : end + 1]
        return not (last.isalnum() and after.isascii() and (after.isalnum() or after == "_"))


def _option_labels(shape: EntityShape, words: Words) -> Iterator[str]:
    for key in shape.field_names():
        kind = shape.field_type(key)
        element = (kind.element or kind) if kind is not None else None
        for option in element.options if element is not None and element.kind is Kind.choice else ():
            label = words(shape.name, key, option)
            if label:
                yield label


# ---------------------------------------------------------------- labels of options


def _with_options(text: str, tree: Syntax, scope: Scope, words: Words) -> str | list[ExprProblem]:
    """Replace the labels of options by their keys, each beside the field that has them."""
    changes: dict[tuple[int, int], str] = {}
    problems: list[ExprProblem] = []
    _options_of(tree, {"record": scope.record, "old": scope.record}, scope, words, changes, problems)
    for (start, end), key in sorted(changes.items(), reverse=True):
        text = text[:start] + quoted(key) + text[end:]
    return problems or text


def _options_of(
    node: Syntax,
    shapes: dict[str, EntityShape | None],
    scope: Scope,
    words: Words,
    changes: dict[tuple[int, int], str],
    problems: list[ExprProblem],
) -> None:
    if node.kind == "method" and len(node.args) == 3 and node.args[1].kind == "name":
        found = _field_of(node.args[0], shapes, scope)
        kind = found[0].field_type(found[1]) if found is not None else None
        if kind is not None and kind.is_rows and kind.element is not None:
            shapes = {**shapes, str(node.args[1].value): shape_of(scope, kind.element.entity)}
    pairs = node.args if node.kind == "binary" and node.value in ("==", "!=", "in") else ()
    if not pairs and node.kind in ("call", "method") and node.value == "or_else":
        pairs = node.args
    for one in pairs:
        field = _field_of(one, shapes, scope)
        kind = field[0].field_type(field[1]) if field is not None else None
        element = (kind.element or kind) if kind is not None else None
        if field is None or element is None or element.kind is not Kind.choice:
            continue
        for other in pairs:
            for item in other.args if other.kind == "list" else (other,):
                if (
                    item.kind == "literal"
                    and isinstance(item.value, str)
                    and item.value not in element.options
                ):
                    _option_of(item, field, element, words, changes, problems)
    for arg in node.args:
        _options_of(arg, shapes, scope, words, changes, problems)


def _option_of(
    item: Syntax,
    field: tuple[EntityShape, str],
    kind: Type,
    words: Words,
    changes: dict[tuple[int, int], str],
    problems: list[ExprProblem],
) -> None:
    said = str(item.value).casefold()
    keys = [key for key in kind.options if (words(field[0].name, field[1], key) or "").casefold() == said]
    if len(keys) > 1:
        message = f"{item.value!r} may be {' or '.join(map(repr, keys))}; write the one that is meant"
        problems.append(ExprProblem("ambiguous_label", message, item.start, item.end))
    elif keys:
        changes[item.start, item.end] = keys[0]


def _field_of(
    node: Syntax, shapes: dict[str, EntityShape | None], scope: Scope
) -> tuple[EntityShape, str] | None:
    """Return the shape and the field that a path written with keys leads to."""
    names: list[str] = []
    while node.kind == "member":
        names.append(str(node.value))
        node = node.args[0]
    here = shapes.get(str(node.value)) if node.kind == "name" else None
    for name in reversed(names[1:]):
        kind = here.field_type(name) if here is not None else None
        inner = None
        if kind is not None:
            inner = kind.element.entity if kind.is_rows and kind.element is not None else kind.leads_to
        here = shape_of(scope, inner)
    return (here, names[0]) if here is not None and names else None


def shape_of(scope: Scope, name: str | None) -> EntityShape | None:
    """Return what a value leads to; None where it leads nowhere."""
    return None if name is None or scope.record is None else scope.record.shape(name)
