"""Data of any shape, for what other systems send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, ClassVar

import orjson
from sqlalchemy.types import TypeEngine

from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.kind import Encoder, FieldKind, FieldProblem, Formats, both
from fairlead.fields.spec import Field

MAX_BYTES = 65_536
MAX_DEPTH = 20

NOT_JSON = both("This is not JSON.", "不是有效的 JSON。")
TOO_DEEP = both("It is nested too deeply.", "嵌套层级过深。")


class Json(FieldKind):
    """Any JSON value; kept as it is, but for spaces."""

    name = "json"
    label = both("Data", "数据")
    help = both("Data of any shape, as JSON.", "任意结构的 JSON 数据。")
    widget = "json"
    operators = ("is_empty",)
    sortable = False
    params_schema: ClassVar[Mapping[str, Any]] = {
        "max_bytes": {"type": "integer", "minimum": 100, "maximum": 1_000_000}
    }

    def expr_type(self, field: Field) -> types.Type:
        return types.JSON

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> Any:
        if raw is None:
            return None
        _check(raw, 1)
        most = int(field.params.get("max_bytes", MAX_BYTES))
        if len(_dumps(raw)) > most:
            message = both("At most {most} bytes.", "最多 {most} 字节。")
            raise FieldProblem("too_long", message.format(most=most))
        return raw

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> Any:
        if not isinstance(raw, str):
            return self.parse(raw, field)
        if kind.is_blank(raw):
            return None
        try:
            return self.parse(orjson.loads(raw), field)
        except (orjson.JSONDecodeError, UnicodeEncodeError):
            raise FieldProblem("invalid", NOT_JSON) from None

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()

    def to_stored(self, value: Any, field: Field) -> str | None:
        return None if value is None else _dumps(value).decode()

    def from_stored(self, stored: Any, field: Field) -> Any:
        return None if stored is None else orjson.loads(stored)

    def json_encoder(self, field: Field) -> Encoder | None:
        return orjson.loads

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else _dumps(value).decode()

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> Any:
        return self.parse_form(text, field)


def _dumps(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        raise FieldProblem("invalid", NOT_JSON) from None


def _check(value: object, depth: int) -> None:
    """Refuse what a database or another program could not read back."""
    if depth > MAX_DEPTH:
        raise FieldProblem("too_deep", TOO_DEEP)
    if isinstance(value, str):
        # Line breaks and tabs are as good here as anywhere in JSON.
        kind.clean_text(value, lines=True)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not columns.BIGINT_MIN <= value <= columns.BIGINT_MAX:
            raise FieldProblem("out_of_range", both("A number in it is too large.", "其中的数字超出范围。"))
    elif isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise FieldProblem("invalid", NOT_JSON)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise FieldProblem("invalid", NOT_JSON)
            kind.clean_text(key, lines=True)
            _check(inner, depth + 1)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner, depth + 1)
    else:
        raise FieldProblem("invalid", NOT_JSON)
