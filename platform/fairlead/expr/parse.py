"""Text to tree: CEL's grammar by precedence climbing. Whatever is written, the answer is a tree or a problem."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from fairlead.base.problems import Level
from fairlead.expr.nodes import Syntax, Value

MAX_LENGTH = 4_000
MAX_DEPTH = 64
MAX_NODES = 1_000
MAX_NUMBER = 30


@dataclass(frozen=True, slots=True)
class ExprProblem:
    """What is wrong inside one expression; offsets count characters of its text.

    Attributes:
        code: `syntax`, `too_large`, `too_deep`, `name_not_allowed`, `unknown_field`, `type_mismatch`, … .
        hint: What was probably meant.
    """

    code: str
    message: str
    start: int = 0
    end: int = 0
    hint: str | None = None
    level: Level = Level.error

    def __str__(self) -> str:
        return self.message + (f" (did you mean {self.hint!r}?)" if self.hint else "")


class _Stop(Exception):
    def __init__(self, problem: ExprProblem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # number, text, name, op, end
    value: Value
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+|//[^\n]*)
  | (?P<number>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|0[xX][0-9a-fA-F]+|\d+u?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<op>&&|\|\||==|!=|<=|>=|<>|\*\*|[-+*/%!<>?:.,()\[\]=&|;{}])
  | (?P<quote>["'])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?", "/": "/"}
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "==", "AND": "&&", "OR": "||", "NOT": "!", "mod": "%"}
_SIGNS = {"=": "==", "<>": "!=", "&": "&&", "|": "||"}
_KEYWORDS: dict[str, Value] = {"true": True, "false": False, "null": None}
_OTHER_KEYWORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
}
FULL_WIDTH = {
    "（": "(", "）": ")", "，": ",", "“": '"', "”": '"', "‘": "'", "’": "'", "＝": "==", "！": "!", "＞": ">",
    "＜": "<", "＆": "&&", "。": ".", "？": "?", "：": ":", "【": "[", "】": "]", "＋": "+", "－": "-", "×": "*", "÷": "/",
    "≥": ">=", "≤": "<=", "≠": "!=", "％": "%", "｜": "||", "；": ";", "、": ",",
}  # fmt: skip

_BINARY = {
    "||": 1, "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip


@lru_cache(maxsize=4_096)
def parse(text: str) -> Syntax | ExprProblem:
    """Return the tree of `text`, or the first problem in it; the tree of a text that was read before is kept."""
    if _nesting(text) > MAX_DEPTH:
        return ExprProblem("too_deep", f"the expression nests deeper than {MAX_DEPTH}", 0, len(text))
    if len(text) > MAX_LENGTH:
        message = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed"
        return ExprProblem("too_large", message, 0, len(text))
    try:
        return _Parser(text, tokens_of(text)).whole()
    except _Stop as stop:
        return stop.problem


def _nesting(text: str) -> int:
    # Before anything else, so that a very long nest is told what is wrong with it. Brackets inside
    # texts count too: 64 of them in one expression are no text that anybody means.
    depth = deepest = 0
    for char in text:
        if char in "([":
            depth += 1
            deepest = max(deepest, depth)
        elif char in ")]":
            depth -= 1
    return deepest


def names_in(text: str) -> list[tuple[str, int, int]]:
    """Return the names in `text` that do not follow a dot, with their offsets; reads as far as it can."""
    found: list[tuple[str, int, int]] = []
    try:
        tokens = tokens_of(text[:MAX_LENGTH])
    except _Stop:
        return found
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.kind == "name" and (before is None or before.value != "." or "__" in str(token.value)):
            found.append((str(token.value), token.start, token.end))
    return found


def tokens_of(text: str) -> list[_Token]:
    """Cut `text` into tokens, the last one `end`."""
    tokens: list[_Token] = []
    at, size = 0, len(text)
    while at < size:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Stop(_odd_character(text, at))
        kind, end = match.lastgroup, match.end()
        if kind == "number":
            tokens.append(_Token("number", _number(match.group(), at, end), at, end))
            if end < size and (text[end].isalpha() or text[end] == "_"):
                raise _Stop(ExprProblem("syntax", f"{text[end]!r} cannot follow a number", at, end + 1))
        elif kind == "name":
            raw = match.group() in ("r", "b") and end < size and text[end] in "\"'"
            if raw:
                raise _Stop(ExprProblem("syntax", "raw and byte texts are not supported", at, end))
            tokens.append(_Token("name", match.group(), at, end))
        elif kind == "op":
            tokens.append(_Token("op", match.group(), at, end))
        elif kind == "quote":
            value, end = _quoted(text, at)
            tokens.append(_Token("text", value, at, end))
        at = end
    tokens.append(_Token("end", "", size, size))
    return tokens


def _number(text: str, start: int, end: int) -> Value:
    if text[:2] in ("0x", "0X"):
        raise _Stop(ExprProblem("syntax", "write numbers in the decimal system", start, end))
    if "e" in text or "E" in text:
        raise _Stop(ExprProblem("too_large", "write numbers without an exponent", start, end))
    if text.endswith("u"):
        raise _Stop(ExprProblem("syntax", "numbers have no suffix", start, end, hint=text[:-1]))
    if len(text) > MAX_NUMBER:
        raise _Stop(ExprProblem("too_large", f"a number has at most {MAX_NUMBER} digits", start, end))
    if "." in text:
        if len(text.split(".")[1].rstrip("0")) > 12:
            raise _Stop(ExprProblem("too_large", "a number has at most 12 decimals", start, end))
        return Decimal(text)
    return int(text)


def _quoted(text: str, start: int) -> tuple[str, int]:
    quote, at, size = text[start], start + 1, len(text)
    if text.startswith(quote * 3, start):
        raise _Stop(ExprProblem("syntax", "texts in three quotes are not supported", start, start + 3))
    parts: list[str] = []
    while at < size:
        char = text[at]
        if char == quote:
            return "".join(parts), at + 1
        if char == "\n":
            break
        if (char < " " and char != "\t") or "\ud800" <= char <= "\udfff":
            # No database keeps these, and nobody sees them.
            problem = ExprProblem(
                "syntax", f"the character U+{ord(char):04X} cannot stand in a text", at, at + 1
            )
            raise _Stop(problem)
        if char != "\\":
            parts.append(char)
            at += 1
            continue
        escape = text[at + 1 : at + 2]
        if escape in ("u", "x") and (digits := re.compile(r"[0-9a-fA-F]{4}|").match(text, at + 2)):
            width = 4 if escape == "u" else 2
            code = text[at + 2 : at + 2 + width]
            if re.fullmatch(r"[0-9a-fA-F]+", code) and len(code) == width and digits is not None:
                value = int(code, 16)
                if value and not 0xD800 <= value <= 0xDFFF:
                    parts.append(chr(value))
                    at += 2 + width
                    continue
        elif escape in _ESCAPES and escape:
            parts.append(_ESCAPES[escape])
            at += 2
            continue
        raise _Stop(
            ExprProblem(
                "syntax",
                f"the escape \\{escape} is not known; write \\\\ for a backslash",
                at,
                min(at + 2, size),
            )
        )
    raise _Stop(ExprProblem("syntax", f"this text has no closing {quote}", start, min(at, size)))


def _odd_character(text: str, at: int) -> ExprProblem:
    char = text[at]
    if char in FULL_WIDTH:
        return ExprProblem("syntax", f"{char!r} is a full-width sign", at, at + 1, hint=FULL_WIDTH[char])
    if char.isalpha():
        end = at
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        message = f"{text[at:end]!r}: names here are the keys of the file, in ASCII; texts stand in quotes"
        return ExprProblem("syntax", message, at, end)
    shown = char if char.isprintable() else f"U+{ord(char):04X}"
    return ExprProblem("syntax", f"the character {shown} has no meaning here", at, at + 1)


class _Parser:
    def __init__(self, text: str, tokens: list[_Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.count = 0

    def whole(self) -> Syntax:
        if self.tokens[0].kind == "end":
            raise _Stop(ExprProblem("syntax", "the expression is empty", 0, len(self.text)))
        tree = self.expression()
        if self.peek().kind != "end":
            raise self.unexpected("the end")
        return tree

    # ------------------------------------------------------------ tokens

    def peek(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def is_op(self, value: str) -> bool:
        token = self.tokens[self.at]
        return token.kind == "op" and token.value == value

    def expect(self, value: str) -> _Token:
        if not self.is_op(value):
            raise self.unexpected(repr(value))
        return self.take()

    def unexpected(self, wanted: str) -> _Stop:
        token = self.peek()
        shown = self.text[token.start : token.end]
        if token.kind == "end":
            return _Stop(
                ExprProblem("syntax", f"the expression ends where {wanted} should be", token.start, token.end)
            )
        if token.value == "**":
            message = "there is no power operator, because its results grow without bound"
            return _Stop(ExprProblem("too_large", message, token.start, token.end))
        if token.value in (";", "{", "}"):
            return _Stop(ExprProblem("syntax", f"{shown!r} has no meaning here", token.start, token.end))
        hint = (
            _WORDS.get(shown) if token.kind == "name" else _SIGNS.get(shown) if token.kind == "op" else None
        )
        # `a & && b`: a hint must not repeat what stands there.
        message = f"{shown!r} cannot stand here" + ("" if hint else f"; expected {wanted}")
        return _Stop(ExprProblem("syntax", message, token.start, token.end, hint=hint))

    def node(
        self, kind: str, value: Value, args: tuple[Syntax, ...], start: int, end: int, at: int
    ) -> Syntax:
        depth = 1 + max((arg.depth for arg in args), default=0)
        self.count += 1
        if self.count > MAX_NODES:
            raise _Stop(
                ExprProblem("too_large", f"the expression has more than {MAX_NODES:,} parts", start, end)
            )
        if depth > MAX_DEPTH:
            raise self.too_deep(start, end)
        return Syntax(kind, value, args, start, end, depth, at)

    def too_deep(self, start: int, end: int) -> _Stop:
        return _Stop(ExprProblem("too_deep", f"the expression nests deeper than {MAX_DEPTH}", start, end))

    # ------------------------------------------------------------ grammar

    def expression(self) -> Syntax:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            token = self.peek()
            raise self.too_deep(token.start, token.end)
        condition = self.binary(1)
        if self.is_op("?"):
            sign = self.take()
            then = self.expression()
            self.expect(":")
            other = self.expression()
            condition = self.node(
                "if", None, (condition, then, other), condition.start, other.end, sign.start
            )
        self.depth -= 1
        return condition

    def binary(self, lowest: int) -> Syntax:
        left = self.unary()
        while True:
            token = self.peek()
            sign = str(token.value)
            power = _BINARY.get(sign, 0) if token.kind == "op" or sign == "in" else 0
            if power < lowest:
                return left
            self.take()
            right = self.binary(power + 1)
            if (
                power == 3
                and left.kind == "binary"
                and _BINARY[str(left.value)] == 3
                and not self.bracketed(left)
            ):
                message = "comparisons cannot be chained; join two of them with &&"
                raise _Stop(ExprProblem("syntax", message, token.start, token.end))
            if power <= 2 and left.kind == "binary" and left.value == sign and not self.bracketed(left):
                # Flat, so that a long list of conditions does not count as deep.
                left = self.node("binary", sign, (*left.args, right), left.start, right.end, token.start)
            else:
                left = self.node("binary", sign, (left, right), left.start, right.end, token.start)

    def bracketed(self, node: Syntax) -> bool:
        return self.text[node.start] == "(" and node.args[0].start != node.start

    def unary(self) -> Syntax:
        token = self.peek()
        if token.kind == "op" and token.value in ("!", "-"):
            self.take()
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.too_deep(token.start, token.end)
            operand = self.unary()
            self.depth -= 1
            return self.node("unary", token.value, (operand,), token.start, operand.end, token.start)
        return self.postfix()

    def postfix(self) -> Syntax:
        target = self.primary()
        while True:
            if self.is_op("."):
                self.take()
                name = self.peek()
                if name.kind != "name":
                    raise self.unexpected("a field name")
                self.take()
                if self.is_op("("):
                    args, end = self.arguments()
                    target = self.node("method", name.value, (target, *args), target.start, end, name.start)
                else:
                    target = self.node("member", name.value, (target,), target.start, name.end, name.start)
            elif self.is_op("["):
                sign = self.take()
                index = self.expression()
                end = self.expect("]").end
                target = self.node("index", None, (target, index), target.start, end, sign.start)
            else:
                return target

    def arguments(self) -> tuple[tuple[Syntax, ...], int]:
        self.expect("(")
        args: list[Syntax] = []
        while not self.is_op(")"):
            args.append(self.expression())
            if not self.is_op(")"):
                self.expect(",")
        return tuple(args), self.take().end

    def primary(self) -> Syntax:
        token = self.peek()
        if token.kind in ("number", "text"):
            self.take()
            return self.node("literal", token.value, (), token.start, token.end, token.start)
        if token.kind == "name":
            return self.named(token)
        if self.is_op("("):
            self.take()
            if self.is_op(")"):
                raise self.unexpected("an expression")
            inner = self.expression()
            end = self.expect(")").end
            return Syntax(inner.kind, inner.value, inner.args, token.start, end, inner.depth, inner.at)
        if self.is_op("["):
            self.take()
            items: list[Syntax] = []
            while not self.is_op("]"):
                items.append(self.expression())
                if not self.is_op("]"):
                    self.expect(",")
            end = self.take().end
            return self.node("list", None, tuple(items), token.start, end, token.start)
        raise self.unexpected("a value")

    def named(self, token: _Token) -> Syntax:
        word = str(token.value)
        if word in _KEYWORDS:
            self.take()
            return self.node("literal", _KEYWORDS[word], (), token.start, token.end, token.start)
        if word in _OTHER_KEYWORDS:
            problem = ExprProblem(
                "syntax", f"{word!r} is not known", token.start, token.end, _OTHER_KEYWORDS[word]
            )
            raise _Stop(problem)
        if word in _WORDS or word == "in":
            raise self.unexpected("a value")
        self.take()
        if self.is_op("("):
            args, end = self.arguments()
            return self.node("call", word, args, token.start, end, token.start)
        return self.node("name", word, (), token.start, token.end, token.start)
