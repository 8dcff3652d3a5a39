"""What is wrong with a configuration: values with a place, collected to the end and shown together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one file; lines and columns count from 1, the end is just past the last character."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 0
    end_column: int = 0

    def __post_init__(self) -> None:
        if self.end_line == 0:
            object.__setattr__(self, "end_line", self.line)
        if self.end_column == 0:
            object.__setattr__(self, "end_column", self.column)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Span("", 0, 0)


class Level(StrEnum):
    """How bad it is; only an error stops a configuration from being published."""

    error = "error"
    warning = "warning"
    hint = "hint"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    Attributes:
        code: Stable and tested, such as `field.unknown-kind`.
        path: The keys from the top of the document, printed `fields.phone.type`.
        message: One sentence that names the thing.
        span: Where it stands.
        hint: The word probably meant; shown as "(did you mean 'x'?)".
    """

    code: str
    path: KeyPath
    message: str
    span: Span = NOWHERE
    level: Level = Level.error
    hint: str | None = None

    @property
    def key(self) -> str:
        """The path as text, `fields.phone.type`; list positions stand in brackets."""
        return key_text(self.path)

    def __str__(self) -> str:
        where = str(self.span) if self.span.line else self.span.file
        level = "" if self.level is Level.error else f"{self.level}: "
        parts = [part for part in (where, self.key) if part]
        hint = f" (did you mean {self.hint!r}?)" if self.hint else ""
        return ": ".join([*parts, f"{level}{self.message}{hint}"])

    def to_json(self) -> dict[str, object]:
        """Return the shape that editors and `--format json` read."""
        return {
            "file": self.span.file,
            "line": self.span.line,
            "column": self.span.column,
            "end_line": self.span.end_line,
            "end_column": self.span.end_column,
            "key": self.key,
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "level": str(self.level),
        }


def key_text(path: Iterable[str | int]) -> str:
    """Return `steps[2].by` for `("steps", 2, "by")`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


class Problems:
    """Collects findings from every stage, and gives them back in the order of the files."""

    __slots__ = ("_items", "_seen")

    def __init__(self, items: Iterable[Problem] = ()) -> None:
        self._items: list[Problem] = []
        self._seen: set[Problem] = set()
        self.extend(items)

    def add(
        self,
        code: str,
        path: Iterable[str | int],
        span: Span,
        message: str,
        *,
        hint: str | None = None,
        level: Level = Level.error,
    ) -> None:
        """Add one finding; the same one twice is kept once."""
        self.append(Problem(code, tuple(path), message, span, level, hint))

    def append(self, problem: Problem) -> None:
        """Add a finding that is already made."""
        if problem not in self._seen:
            self._seen.add(problem)
            self._items.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add several findings, another collector among them."""
        for problem in problems:
            self.append(problem)

    @property
    def has_errors(self) -> bool:
        """Whether anything stops this configuration from being published."""
        return any(problem.level is Level.error for problem in self._items)

    @property
    def errors(self) -> list[Problem]:
        """The errors alone, in order."""
        return [problem for problem in self if problem.level is Level.error]

    @property
    def codes(self) -> list[str]:
        """The codes in order, for tests and summaries."""
        return [problem.code for problem in self]

    def render(self) -> str:
        """Return one line for each finding."""
        return "\n".join(str(problem) for problem in self)

    def to_json(self) -> list[dict[str, object]]:
        """Return all findings as editors and `--format json` read them."""
        return [problem.to_json() for problem in self]

    def __iter__(self) -> Iterator[Problem]:
        return iter(sorted(self._items, key=_place))

    def __len__(self) -> int:
        return len(self._items)

    def __bool__(self) -> bool:
        return bool(self._items)

    def __str__(self) -> str:
        return self.render()


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.span.file, problem.span.line, problem.span.column
