"""Stars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, ClassVar

from fairlead.fields.kind import both
from fairlead.fields.numbers import Integer
from fairlead.fields.spec import Field


class Rating(Integer):
    """A whole number from 0 to `max`, five unless told."""

    name = "rating"
    label = both("Rating", "评分")
    help = both("Stars from 0 to 5.", "0 至 5 星。")
    widget = "rating"
    params_schema: ClassVar[Mapping[str, Any]] = {"max": {"type": "integer", "minimum": 2, "maximum": 10}}

    def check(self, number: Decimal, field: Field) -> None:
        bounds = {"min": 0, "max": most(field)}
        super().check(number, field.with_(params=bounds))

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": most(field)}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else f"{value}/{most(field)}"


def most(field: Field) -> int:
    """Return how many stars there are."""
    return int(field.params.get("max", 5))
