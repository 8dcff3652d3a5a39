"""Line items: rows that belong to one record and live and die with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, ClassVar

from fairlead.expr import types
from fairlead.fields.kind import FieldKind, FieldProblem, both
from fairlead.fields.spec import Field

MAX_ROWS = 500


class Table(FieldKind):
    """Rows with fields of their own, kept in a table of their own; the record has no column for them."""

    name = "table"
    label = both("Line items", "明细")
    help = both(
        "Rows with fields of their own, such as the lines of a quote.", "带自有字段的多行明细，如报价明细。"
    )
    widget = "table"
    operators = ()
    sortable = False
    params_schema: ClassVar[Mapping[str, Any]] = {
        "fields": {"type": "object", "minProperties": 1, "maxProperties": 60},
        "min_rows": {"type": "integer", "minimum": 0, "maximum": MAX_ROWS},
        "max_rows": {"type": "integer", "minimum": 1, "maximum": MAX_ROWS},
    }
    required_params = ("fields",)

    def expr_type(self, field: Field) -> types.Type:
        return types.rows_type(field.name, max_items=int(field.params.get("max_rows", MAX_ROWS)))

    def column_type(self, field: Field) -> None:
        return None

    def parse(self, raw: object, field: Field) -> tuple[Mapping[str, Any], ...] | None:
        """Check that these are rows, and not too many; what stands in a row is read field by field."""
        if raw is None:
            return None
        if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
            raise FieldProblem("invalid", both("Give a list of rows.", "请提供明细行列表。"))
        most, least = int(field.params.get("max_rows", MAX_ROWS)), int(field.params.get("min_rows", 0))
        if len(raw) > most:
            raise FieldProblem("too_many", both("At most {most} rows.", "最多 {most} 行。").format(most=most))
        if len(raw) < least:
            raise FieldProblem(
                "too_few", both("At least {least} rows.", "至少 {least} 行。").format(least=least)
            )
        if not all(isinstance(row, Mapping) for row in raw):
            raise FieldProblem("invalid", both("Each row is an object.", "每一行须为对象。"))
        return tuple(raw) or None

    def json_schema(self, field: Field) -> dict[str, Any]:
        most = int(field.params.get("max_rows", MAX_ROWS))
        return {"type": "array", "items": {"type": "object"}, "maxItems": most}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        count = len(value or ())
        if not count:
            return ""
        return f"{count} 行" if lang.startswith("zh") else f"{count} row{'' if count == 1 else 's'}"
