"""What the two notations share: counting values and depth, collecting problems, reading numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from fairlead.base.problems import KeyPath, Problem, Span
from fairlead.config.reading import Data, Place, Reading

MAX_DEPTH = 64
MAX_DIGITS = 30
MAX_VALUES = 200_000
MAX_PROBLEMS = 100

# C0 but tab and line ends, DEL, C1, Unicode line ends that editors do not count as lines, half
# surrogates, direction overrides that make a text read otherwise than it is, non-characters.
CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
DECIMAL = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|\.[0-9]+)\Z")
PLAIN: Mapping[str, object] = {"true": True, "false": False, "null": None, "~": None, "": None}


class Stop(Exception):
    """The rest of the file cannot be read."""


class Scanner:
    """What the two notations share: counting, positions, scalars."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.values: dict[KeyPath, Place] = {}
        self.keys: dict[KeyPath, Place] = {}
        self.problems: list[Problem] = []
        self.broken: set[KeyPath] = set()
        self.count = 0

    def reading(self) -> Reading:
        try:
            data = self.document()
            if not isinstance(data, dict) and not (data is None and self.problems):
                found = "a list" if isinstance(data, list) else "a single value"
                message = f"a document is a mapping of keys to values; this file holds {found}"
                self.add("expected_mapping", (), self.values.get((), (0, 0, 0, 0)), message)
        except Stop:
            data = None
        if not isinstance(data, dict):
            data = None
        broken = frozenset(self.broken)
        return Reading(self.path, self.text, data, self.values, self.keys, tuple(self.problems), broken)

    def document(self) -> Data:
        raise NotImplementedError

    def add(self, code: str, path: KeyPath, place: Place, message: str) -> None:
        span = Span(self.path, place[0] + 1, place[1] + 1, place[2] + 1, place[3] + 1)
        self.problems.append(Problem(code, path, message, span))
        if len(self.problems) >= MAX_PROBLEMS:
            raise Stop

    def stop(self, code: str, path: KeyPath, place: Place, message: str) -> Stop:
        self.add(code, path, place, message)
        return Stop()

    def enter(self, path: KeyPath, place: Place, depth: int) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.stop("too_large", path, place, f"the file has more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            short = path[:3]
            raise self.stop("too_deep", short, place, f"values lie more than {MAX_DEPTH} levels deep")

    def number(self, text: str, path: KeyPath, place: Place) -> Data:
        digits = sum(char.isdigit() for char in text)
        exponent = re.search(r"[eE]([-+]?[0-9]+)", text)
        if digits > MAX_DIGITS or (exponent and (len(exponent[1]) > 4 or abs(int(exponent[1])) > MAX_DIGITS)):
            self.broken.add(path)
            self.add("number_too_large", path, place, f"a number may have at most {MAX_DIGITS} digits")
            return 0
        return int(text) if INTEGER.match(text) else Decimal(text)
