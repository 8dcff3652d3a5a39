"""Patterns that admins write, run only when they cannot be made to hang.

Python's matcher backtracks. A pattern is accepted when the ways in which it may try a text are few, and
the text it is run against is short.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from fairlead.fields.kind import FieldProblem, both

MAX_PATTERN = 500
MAX_MATCHED = 1000

_MOST_WAYS = 20 * MAX_MATCHED
"""In how many ways a text may be tried before a pattern counts as one that could hang."""

_SAMPLE = frozenset(chr(code) for code in range(0x80)) | frozenset("\x85\u00a0äßÉЖ中文１\u3000\u200b🏠")


@lru_cache(maxsize=1000)
def compile_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern, to be used with `matches`.

    Raises:
        FieldProblem: `invalid_pattern`, or `unsafe_pattern` when matching could take too long.
    """
    if len(text) > MAX_PATTERN:
        raise FieldProblem(
            "unsafe_pattern", both("The pattern is longer than 500 characters.", "表达式超过 500 个字符。")
        )
    try:
        compiled = re.compile(text)
        tree = parser.parse(text)
    except (re.error, OverflowError, RecursionError) as error:
        message = both("This is no regular expression: {why}.", "不是有效的正则表达式：{why}。")
        raise FieldProblem("invalid_pattern", message.format(why=str(error) or "too deep")) from None
    _Audit(text, compiled.flags).run(tree)
    return compiled


def matches(pattern: re.Pattern[str], text: str) -> bool:
    """Say whether the whole of `text` fits; text beyond the limit is refused as too long."""
    if len(text) > MAX_MATCHED:
        raise FieldProblem(
            "too_long",
            both("A value with a pattern has at most 1000 characters.", "带格式校验的内容最多 1000 个字符。"),
        )
    return pattern.fullmatch(text) is not None


class _Audit:
    """One walk over a parsed pattern."""

    def __init__(self, text: str, flags: int) -> None:
        self.flags = flags & (re.IGNORECASE | re.DOTALL | re.ASCII)
        self.sample = _SAMPLE | frozenset(text)
        self.ways = 1

    def run(self, tree: Iterable[Any]) -> None:
        self.walk(list(tree), frozenset(), repeated=False)
        if self.ways > _MOST_WAYS:
            _unsafe("several parts of it can match the same text", "多个部分可匹配相同内容")

    def walk(self, items: Sequence[Any], follow: frozenset[str], *, repeated: bool) -> None:
        """Check a sequence; `follow` are the characters that may come after it."""
        for position in range(len(items) - 1, -1, -1):
            name, argument = str(items[position][0]), items[position][1]
            if name in ("GROUPREF", "GROUPREF_EXISTS"):
                _unsafe("it refers back to a group", "使用了反向引用")
            elif name in ("ASSERT", "ASSERT_NOT"):
                _unsafe("it looks ahead or behind", "使用了环视断言")
            elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                least, most, body = argument
                inner = self.first(list(body))
                if repeated and least != most:
                    _unsafe("a repeat stands inside a repeat", "重复中嵌套了重复")
                if inner & follow:
                    self.ways *= min(int(most) - least + 1, MAX_MATCHED)
                self.walk(list(body), follow | inner, repeated=repeated or int(most) > 1)
            elif name == "BRANCH":
                branches = [list(branch) for branch in argument[1]]
                alike = self.alike(branches, follow)
                if repeated and alike > 1:
                    _unsafe("alternatives inside a repeat begin alike", "重复中的多个分支开头相同")
                self.ways *= alike
                for branch in branches:
                    self.walk(branch, follow, repeated=repeated)
            elif name == "SUBPATTERN":
                self.walk(list(argument[-1]), follow, repeated=repeated)
            elif name == "ATOMIC_GROUP":
                self.walk(list(argument), follow, repeated=repeated)
            here = self.first([items[position]])
            follow = here | follow if self.may_be_empty(items[position]) else here

    def alike(self, branches: Sequence[Sequence[Any]], follow: frozenset[str]) -> int:
        """Return how many of `branches` one and the same character may begin, at most."""
        counts: Counter[str] = Counter()
        for branch in branches:
            counts.update(self.first(branch))
            if all(self.may_be_empty(item) for item in branch):
                # Skipping it leaves the choice to what comes after.
                counts.update(follow - self.first(branch) | {""})
        return max(counts.values(), default=1)

    def first(self, items: Sequence[Any]) -> frozenset[str]:
        """Return the sample characters with which a sequence may begin."""
        found: frozenset[str] = frozenset()
        for item in items:
            found |= self.first_of(item)
            if not self.may_be_empty(item):
                break
        return found

    def first_of(self, item: Any) -> frozenset[str]:
        name, argument = str(item[0]), item[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self.first(list(argument[2]))
        if name == "BRANCH":
            return frozenset().union(*(self.first(list(branch)) for branch in argument[1]))
        if name == "SUBPATTERN":
            return self.first(list(argument[-1]))
        if name == "ATOMIC_GROUP":
            return self.first(list(argument))
        if name in ("LITERAL", "NOT_LITERAL"):
            char = chr(argument)
            same = {char, char.lower(), char.upper()} if self.flags & re.IGNORECASE else {char}
            return frozenset(same) if name == "LITERAL" else self.sample - same
        if name == "AT":
            return frozenset()
        # A set such as [a-z\d], or the dot: what it takes is not worth telling apart beyond the sample.
        return self.sample if name == "ANY" else self.members(argument)

    def members(self, parts: Iterable[Any]) -> frozenset[str]:
        """Return the sample characters in a set such as `[^a-z0-9]`."""
        negated, found = False, set()
        for part in parts:
            name, argument = str(part[0]), part[1]
            if name == "NEGATE":
                negated = True
            elif name == "LITERAL":
                found |= {chr(argument)}
            elif name == "RANGE":
                low, high = argument
                found |= {char for char in self.sample if low <= ord(char) <= high}
                found |= {chr(low), chr(high)}
            else:
                found |= self.category(str(argument))
        if self.flags & re.IGNORECASE:
            found |= {char.swapcase() for char in found}
        return self.sample - found if negated else frozenset(found)

    def category(self, name: str) -> set[str]:
        letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.rsplit("_", 1)[-1]]
        test = re.compile("\\" + (letter.upper() if "_NOT_" in name else letter), self.flags)
        return {char for char in self.sample if test.match(char)}

    def may_be_empty(self, item: Any) -> bool:
        name, argument = str(item[0]), item[1]
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return argument[0] == 0 or all(self.may_be_empty(inner) for inner in argument[2])
        if name == "BRANCH":
            return any(all(self.may_be_empty(inner) for inner in branch) for branch in argument[1])
        if name == "SUBPATTERN":
            return all(self.may_be_empty(inner) for inner in argument[-1])
        if name == "ATOMIC_GROUP":
            return all(self.may_be_empty(inner) for inner in argument)
        return name == "AT"


def _unsafe(en: str, zh: str) -> None:
    message = both("Matching this pattern could take too long: {why}.", "该表达式匹配可能耗时过长：{why}。")
    raise FieldProblem("unsafe_pattern", message.format(why=both(en, zh)))
