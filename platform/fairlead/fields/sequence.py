"""Document numbers such as `QT-2026-00042`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.kind import FieldKind, FieldProblem, both, check_length, clean_text
from fairlead.fields.spec import Field

_PART = re.compile(r"\{(year|yy|month|day|n)(?::0?([1-9]|1[0-8]))?\}")
_WHOLE = re.compile(rf"(?:[^{{}}]|{_PART.pattern})*")


def check_format(text: str) -> None:
    """Refuse a format that cannot tell two documents apart.

    Raises:
        FieldProblem: `invalid_format`.
    """
    names = [found[1] for found in _PART.finditer(text)]
    if len(text) > 60 or not _WHOLE.fullmatch(text) or names.count("n") != 1:
        message = both(
            "A format holds {{n}} once and may hold {{year}}, {{yy}}, {{month}} and {{day}}: QT-{{year}}-{{n:05}}.",
            "编号格式须包含一个 {{n}}，可含 {{year}}、{{yy}}、{{month}}、{{day}}，如 QT-{{year}}-{{n:05}}。",
        )
        raise FieldProblem("invalid_format", message.format())


def number_text(format: str, n: int, on: date) -> str:
    """Return document number `n` of the day `on`: `QT-2026-00042`."""
    parts = {
        "year": f"{on.year:04}", "yy": f"{on.year % 100:02}", "month": f"{on.month:02}", "day": f"{on.day:02}",
    }  # fmt: skip
    return _PART.sub(
        lambda found: str(n).rjust(int(found[2] or 1), "0") if found[1] == "n" else parts[found[1]], format
    )


def period_of(field: Field, on: date) -> str:
    """Return the period within which numbers count up: `2026`, `2026-03`, or "" for ever."""
    reset = field.params.get("reset", "never")
    return {"year": f"{on.year:04}", "month": f"{on.year:04}-{on.month:02}"}.get(reset, "")


class Sequence(FieldKind):
    """A number that the store gives when the record is created."""

    name = "sequence"
    label = both("Document number", "编号")
    help = both(
        "A number given on creation, such as QT-2026-00042.", "创建时自动生成的编号，如 QT-2026-00042。"
    )
    widget = "sequence"
    operators = kind.WORDS
    params_schema: ClassVar[Mapping[str, Any]] = {
        "format": {"type": "string", "minLength": 3, "maxLength": 60},
        "reset": {"type": "string", "enum": ["year", "month", "never"]},
        "start": {"type": "integer", "minimum": 0, "maximum": 10**12},
        "gapless": {"type": "boolean"},
    }
    required_params = ("format",)

    def expr_type(self, field: Field) -> types.Type:
        return types.TEXT

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> str | None:
        """Read a number that another system gave, for imports."""
        text = clean_text(raw)
        if text is not None:
            check_length(text, field, 80)
        return text

    def search_text(self, value: Any, field: Field) -> str | None:
        return value or None
