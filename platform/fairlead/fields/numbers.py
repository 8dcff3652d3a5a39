"""Numbers: whole, with decimals, per cent. None of them is ever a float.

A number with decimals is stored as a whole number of `10**-scale`, so that both databases add up exactly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from fairlead.base.money import format_number, quantise
from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.kind import Encoder, FieldKind, FieldProblem, Formats, Operator, both, check_range
from fairlead.fields.spec import Field

MAX_SCALE = 9
MAX_DIGITS = 60

NOT_A_NUMBER = both("This is not a number.", "不是有效的数字。")
TOO_LARGE = both("The number is too large.", "数字超出范围。")

_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_EXPONENT = re.compile(r"[+-]?[0-9]*\.?[0-9]*[eE][+-]?[0-9]+")
_POWERS = {"万": 4, "萬": 4, "亿": 8, "億": 8}

NUMBER_PARAMS: Mapping[str, Any] = {
    "min": {"type": ["number", "string"]},
    "max": {"type": ["number", "string"]},
    "unit": {"type": "string", "minLength": 1, "maxLength": 20},
}


def exact(raw: object, scale: int) -> Decimal | None:
    """Read a number in the notation of JSON and Python: a whole number, `-12.50` as text.

    A JSON number with a fraction is taken when nothing of it can have been lost on the way, that is with
    15 digits or fewer; longer ones come as text.

    Raises:
        FieldProblem: `invalid`, `out_of_range`, or `too_precise` when there are more decimals than `scale`.
    """
    if raw is None:
        return None
    if isinstance(raw, str):
        text = raw.strip()
        if kind.is_blank(text):
            return None
    elif isinstance(raw, bool):
        raise FieldProblem("invalid", NOT_A_NUMBER)
    elif isinstance(raw, int):
        if not columns.BIGINT_MIN <= raw <= columns.BIGINT_MAX:
            raise FieldProblem("out_of_range", TOO_LARGE)
        text = str(raw)
    elif isinstance(raw, float):
        text = _text_of_float(raw)
    elif isinstance(raw, Decimal) and raw.is_finite():
        if not -30 < raw.adjusted() < 30:
            raise FieldProblem("out_of_range", TOO_LARGE)
        text = f"{raw:f}"
    else:
        raise FieldProblem("invalid", NOT_A_NUMBER)
    if len(text) > MAX_DIGITS or _EXPONENT.fullmatch(text):
        raise FieldProblem("out_of_range", TOO_LARGE)
    if not _PLAIN.fullmatch(text):
        raise FieldProblem("invalid", NOT_A_NUMBER)
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale:
        message = both("At most {scale} decimals are kept.", "最多保留 {scale} 位小数。")
        raise FieldProblem("too_precise", message.format(scale=scale))
    if not columns.BIGINT_MIN <= int(whole + fraction.ljust(scale, "0")) <= columns.BIGINT_MAX:
        raise FieldProblem("out_of_range", TOO_LARGE)
    return Decimal(f"{whole}.{fraction}" if fraction else whole)


def _text_of_float(raw: float) -> str:
    if raw != raw or raw in (float("inf"), float("-inf")):
        raise FieldProblem("invalid", NOT_A_NUMBER)
    if not abs(raw) < 1e15:
        raise FieldProblem("out_of_range", TOO_LARGE)
    text = f"{Decimal(repr(raw)):f}"
    if len(text.strip("-0.").replace(".", "")) > 15:
        raise FieldProblem(
            "invalid",
            both(
                "Send this number as text, so that no digit is lost.",
                "请以文本形式提交该数字，以免丢失精度。",
            ),
        )
    return text


def plain_number(text: str, *, decimal: str = ".", thousands: str = ",", units: bool = False) -> str:
    """Return a number as people write it in the notation that `exact` reads.

    Full-width digits, grouping by three, and 万 and 亿 as multipliers are understood.

    Args:
        text: Such as `1,234.50`, `６５０万`.
        decimal: The decimal mark.
        thousands: The grouping mark.
        units: Skip words before and after the number: `¥ 1,200`, `104,569元/平`; brackets mean minus.

    Raises:
        FieldProblem: `invalid` or `out_of_range`.
    """
    plain = kind.narrow(text).strip()
    if len(plain) > MAX_DIGITS:
        raise FieldProblem("out_of_range", TOO_LARGE)
    if kind.is_blank(plain):
        return ""
    if _EXPONENT.fullmatch(plain):
        raise FieldProblem("out_of_range", TOO_LARGE)
    found = _number_shape(decimal, thousands, units).fullmatch(_without_brackets(plain) if units else plain)
    if not found or (found["sign"] and found["inner"]):
        raise FieldProblem("invalid", NOT_A_NUMBER)
    body = found["digits"].replace(thousands, "") if thousands else found["digits"]
    whole, _, fraction = body.partition(decimal)
    power = _POWERS.get(found["power"], 0)
    fraction = fraction.ljust(power, "0")
    whole, fraction = (whole or "0") + fraction[:power], fraction[power:]
    minus = "-" if "-" in (found["sign"], found["inner"]) else ""
    return f"{minus}{whole}{'.' if fraction else ''}{fraction}"


@lru_cache(maxsize=50)
def _number_shape(decimal: str, thousands: str, units: bool) -> re.Pattern[str]:
    group, mark = re.escape(thousands), re.escape(decimal)
    digits = f"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
    # A sign may stand before the currency or after it: -¥5, ¥-5. What follows the number must not be
    # able to swallow a part of it, nor may another number stand there: "3 of 12" is not 3.
    before = r"[^0-9+\-.,']{0,12}" if units else r"\s*"
    after = r"(?:[^0-9+\-.,'万萬亿億][^0-9]{0,30}|\s*m[23])?" if units else ""
    return re.compile(
        rf"(?P<sign>[+-]?){before}(?P<inner>[+-]?)\s*"
        rf"(?P<digits>(?:{digits})(?:{mark}[0-9]*)?|{mark}[0-9]+)\s*(?P<power>[万萬亿億]?){after}"
    )


def _without_brackets(text: str) -> str:
    # Accountants write what is below zero in brackets.
    return f"-{text[1:-1].strip()}" if text.startswith("(") and text.endswith(")") else text


def scaled_text(stored: int, scale: int) -> str:
    """Return `-12.05` for -1205 at scale 2, by placing the point: no arithmetic, all decimals kept."""
    if scale == 0:
        return str(stored)
    digits = str(abs(stored)).rjust(scale + 1, "0")
    return f"{'-' if stored < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"


def short_text(value: Decimal) -> str:
    """Return a number without exponent and without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_scaled(value: Decimal | int, scale: int) -> int:
    """Return the stored form of an exact number, rounded half-even.

    Raises:
        FieldProblem: `out_of_range`, when no database can hold it.
    """
    number = value if isinstance(value, Decimal) else Decimal(value)
    if not number.is_finite() or number.adjusted() > 19:
        raise FieldProblem("out_of_range", TOO_LARGE)
    scaled = int(f"{quantise(number, scale):f}".replace(".", ""))
    if not columns.BIGINT_MIN <= scaled <= columns.BIGINT_MAX:
        raise FieldProblem("out_of_range", TOO_LARGE)
    return scaled


class NumberKind(FieldKind):
    """What all kinds with decimals have in common."""

    aggregatable = True
    widget = "number"

    def scale(self, field: Field) -> int:
        """Return how many decimals are kept."""
        raise NotImplementedError

    def expr_type(self, field: Field) -> types.Type:
        return types.decimal_type(self.scale(field))

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.BIGINT

    def parse(self, raw: object, field: Field) -> Any:
        number = exact(raw, self.scale(field))
        if number is not None:
            self.check(number, field)
        return number

    def check(self, number: Decimal, field: Field) -> None:
        """Refuse a number outside the field's bounds."""
        check_range(number, field, lambda bound: Decimal(str(bound)), self.bound_text)

    def bound_text(self, bound: Decimal) -> str:
        """Return a bound as a sentence names it."""
        return format_number(bound)

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> Any:
        return self.parse(plain_number(raw) if isinstance(raw, str) else raw, field)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else short_text(value)

    def to_stored(self, value: Any, field: Field) -> int | None:
        return None if value is None else to_scaled(value, self.scale(field))

    def from_stored(self, stored: Any, field: Field) -> Decimal | None:
        return None if stored is None else Decimal(stored).scaleb(-self.scale(field))

    def json_encoder(self, field: Field) -> Encoder | None:
        scale = self.scale(field)
        if scale == 0:
            return str

        def encode(stored: int) -> str:
            return scaled_text(stored, scale).rstrip("0").rstrip(".")

        return encode

    def json_schema(self, field: Field) -> dict[str, Any]:
        scale = self.scale(field)
        decimals = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
        return {"type": "string", "pattern": f"^-?[0-9]+{decimals}$"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else with_unit(format_number(value), field)

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> Any:
        plain = plain_number(text, decimal=formats.decimal, thousands=formats.thousands, units=True)
        return self.parse(plain, field)


def with_unit(text: str, field: Field) -> str:
    """Return a number with the field's unit behind it."""
    unit = field.params.get("unit")
    return f"{text} {unit}" if unit else text


class Integer(NumberKind):
    """A whole number."""

    name = "integer"
    label = both("Whole number", "整数")
    help = both("A number without decimals.", "不带小数的数字。")
    groupable = True
    params_schema: ClassVar[Mapping[str, Any]] = {**NUMBER_PARAMS, "grouping": {"type": "boolean"}}

    def scale(self, field: Field) -> int:
        return 0

    def expr_type(self, field: Field) -> types.Type:
        return types.INTEGER

    def parse(self, raw: object, field: Field) -> int | None:
        if isinstance(raw, float) or (isinstance(raw, str) and "." in raw):
            raise FieldProblem("invalid", both("This is not a whole number.", "不是整数。"))
        number = super().parse(raw, field)
        return None if number is None else int(number)

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> int | None:
        return self.parse(_whole(plain_number(raw)) if isinstance(raw, str) else raw, field)

    def from_stored(self, stored: Any, field: Field) -> Any:
        return stored

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else str(value)

    def json_encoder(self, field: Field) -> Encoder | None:
        return None

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "integer", "format": "int64"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        if value is None:
            return ""
        return with_unit(f"{value:,}" if field.params.get("grouping", True) else str(value), field)

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> int | None:
        plain = plain_number(text, decimal=formats.decimal, thousands=formats.thousands, units=True)
        return self.parse(_whole(plain), field)


def _whole(text: str) -> str:
    # Spreadsheets write whole numbers as 3.0.
    whole, _, fraction = text.partition(".")
    return text if fraction.strip("0") else whole


class DecimalNumber(NumberKind):
    """A number with a fixed number of decimals."""

    name = "decimal"
    label = both("Decimal", "小数")
    help = both("A number with decimals, kept exactly.", "精确保存的小数。")
    params_schema: ClassVar[Mapping[str, Any]] = {
        **NUMBER_PARAMS,
        "scale": {"type": "integer", "minimum": 0, "maximum": MAX_SCALE},
    }
    default_scale: ClassVar[int] = 4

    def scale(self, field: Field) -> int:
        return int(field.params.get("scale", self.default_scale))


class Percent(NumberKind):
    """A share. Rules and programs see the fraction, 0.125; people write and read 12.5 %."""

    name = "percent"
    label = both("Per cent", "百分比")
    help = both("A share: 12.5 % is kept as 0.125.", "比例：12.5% 保存为 0.125。")
    widget = "percent"
    operators: ClassVar[tuple[Operator, ...]] = kind.ORDER
    params_schema: ClassVar[Mapping[str, Any]] = {"min": NUMBER_PARAMS["min"], "max": NUMBER_PARAMS["max"]}

    def scale(self, field: Field) -> int:
        return 6

    def expr_type(self, field: Field) -> types.Type:
        return types.percent_type(self.scale(field))

    def bound_text(self, bound: Decimal) -> str:
        return f"{short_text(bound.scaleb(2))} %"

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> Any:
        if isinstance(raw, str):
            return self.hundredths(plain_number(kind.narrow(raw).strip().removesuffix("%")), field)
        return self.parse(raw, field)

    def hundredths(self, text: str, field: Field) -> Decimal | None:
        """Read the number that stands before a per cent sign."""
        number = exact(text, self.scale(field) - 2)
        return None if number is None else self.parse(f"{number.scaleb(-2):f}", field)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else short_text(value.scaleb(2))

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        if value is None:
            return ""
        return format_number(value.scaleb(2)) + ("%" if lang.startswith("zh") else " %")

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> Any:
        plain = kind.narrow(text).strip()
        number = plain_number(plain.removesuffix("%"), decimal=formats.decimal, thousands=formats.thousands)
        if plain.endswith("%") or formats.pattern == "percent":
            return self.hundredths(number, field)
        return self.parse(number, field)
