"""Money: whole minor units of one currency."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from fairlead.base import money
from fairlead.expr import types
from fairlead.fields import numbers
from fairlead.fields.kind import Encoder, both
from fairlead.fields.spec import Field

_SIGNS = ("CN¥", "RMB", "HK$", "NT$", "US$", "¥", "￥", "$", "€", "£", "₩", "元", "圆")


class MoneyAmount(numbers.NumberKind):
    """An amount in the field's currency."""

    name = "money"
    label = both("Money", "金额")
    help = both("An amount in one currency, kept exactly.", "单一币种的金额，精确到最小单位。")
    widget = "money"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "min": numbers.NUMBER_PARAMS["min"],
        "max": numbers.NUMBER_PARAMS["max"],
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    }

    def scale(self, field: Field) -> int:
        return money.exponent(currency_of(field))

    def expr_type(self, field: Field) -> types.Type:
        return types.money_type(currency_of(field))

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> Any:
        if not isinstance(raw, str):
            return self.parse(raw, field)
        return self.parse(numbers.plain_number(without_sign(raw, currency_of(field))), field)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else f"{money.quantise(value, self.scale(field)):f}"

    def json_encoder(self, field: Field) -> Encoder | None:
        scale = self.scale(field)
        if scale != 2:
            return lambda stored: numbers.scaled_text(stored, scale)

        def encode(stored: int) -> str:
            if stored > 99:
                digits = str(stored)
                return f"{digits[:-2]}.{digits[-2:]}"
            return numbers.scaled_text(stored, 2)

        return encode

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else money.format_money(value, currency_of(field))


def currency_of(field: Field) -> str:
    """Return the field's currency."""
    return str(field.params.get("currency", "CNY"))


def without_sign(text: str, currency: str) -> str:
    """Return an amount without the signs and names of currencies around it."""
    plain = text.strip()
    minus = "-" if plain.startswith(("-", "−")) else ""
    plain = plain[len(minus) :].strip()
    for sign in (currency, *_SIGNS):
        plain = plain.removeprefix(sign).removesuffix(sign).strip()
    return minus + plain
