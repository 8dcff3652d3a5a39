"""Exact amounts: parse, round half-even, convert to minor units, format. Never a float.

A stored number is an integer of at most 18 digits: minor units for money, units of `10**-scale` for decimals.
"""

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Self

# One digit less than a BIGINT holds, so that the sum of two stored numbers still fits.
MAX_STORED = 10**18 - 1
MAX_SCALE = 12

EXACT = Context(prec=320, rounding=ROUND_HALF_EVEN, Emax=999999, Emin=-999999)

_ZERO_DIGITS = ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF").split()
_THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_EXPONENTS = {**dict.fromkeys(_ZERO_DIGITS, 0), **dict.fromkeys(_THREE_DIGITS, 3), "CLF": 4, "UYW": 4}
_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "HKD": "HK$", "TWD": "NT$", "KRW": "₩"}
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?\Z")
_POWERS = tuple(Decimal(1).scaleb(-scale) for scale in range(MAX_SCALE + 1))


class NotANumber(ValueError):
    """The text is no number we can keep.

    Attributes:
        code: `not_a_number`, `out_of_range` or `too_precise`.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in one currency."""

    amount: Decimal
    currency: str

    def __add__(self, other: Self) -> "Money":
        self._same(other)
        return Money(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Self) -> "Money":
        self._same(other)
        return Money(EXACT.subtract(self.amount, other.amount), self.currency)

    def __mul__(self, factor: int | Decimal) -> "Money":
        return Money(quantise(EXACT.multiply(self.amount, factor), exponent(self.currency)), self.currency)

    def _same(self, other: Self) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")

    @property
    def minor(self) -> int:
        """The amount in minor units."""
        return to_minor(self.amount, self.currency)

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)


def is_currency(code: str) -> bool:
    """Say whether `code` has the form of an ISO 4217 code."""
    return _CURRENCY.match(code) is not None


def exponent(currency: str) -> int:
    """Return how many decimals `currency` has: 2 for CNY, 0 for JPY."""
    return _EXPONENTS.get(currency, 2)


def quantise(value: Decimal | int, scale: int) -> Decimal:
    """Round half-even to `scale` decimals, exactly."""
    number = value if isinstance(value, Decimal) else Decimal(value)
    return number.quantize(_POWERS[scale], context=EXACT)


def to_scaled(value: Decimal | int, scale: int) -> int:
    """Return `value` in units of `10**-scale`, rounded half-even; the stored form of a decimal.

    Raises:
        NotANumber: It is not finite or has more than 18 digits in that unit.
    """
    if isinstance(value, int):
        scaled = value * int(10**scale)
    else:
        if not value.is_finite() or value.adjusted() > 40:
            raise NotANumber("out_of_range", "the number is too large")
        scaled = int(value.scaleb(scale, EXACT).to_integral_value(ROUND_HALF_EVEN))
    if not -MAX_STORED <= scaled <= MAX_STORED:
        raise NotANumber("out_of_range", "the number is too large")
    return scaled


def from_scaled(stored: int, scale: int) -> Decimal:
    """Return the number that is stored as `stored` units of `10**-scale`."""
    return Decimal(stored).scaleb(-scale, EXACT)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return `amount` in minor units of `currency`, rounded half-even.

    Raises:
        NotANumber: It is not finite or has more than 18 digits.
    """
    return to_scaled(amount, exponent(currency))


def from_minor(minor: int, currency: str) -> Decimal:
    """Return the amount of `minor` minor units of `currency`."""
    return from_scaled(minor, exponent(currency))


def parse_number(text: str, *, scale: int | None = None) -> Decimal:
    """Read a number as people write it: `1,234.50`, full-width digits, spaces around; no exponent.

    Args:
        text: At most 60 characters.
        scale: The most decimals allowed; trailing zeros do not count. None allows 12.

    Raises:
        NotANumber: With a code that says why.
    """
    if len(text) > 60:
        raise NotANumber("out_of_range", "the number is too long")
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-")
    if re.fullmatch(r"[+-]?[\d.]+[eE][+-]?\d+", plain):
        raise NotANumber("out_of_range", "write the number without an exponent")
    if not plain.isascii() or not any(char.isdigit() for char in plain) or not _NUMBER.match(plain):
        raise NotANumber("not_a_number", f"{text.strip()!r} is not a number")
    number = Decimal(plain.replace(",", ""))
    if abs(number) > MAX_STORED:
        raise NotANumber("out_of_range", "the number is too large")
    limit = MAX_SCALE if scale is None else scale
    rounded = quantise(number, limit)
    if rounded != number:
        raise NotANumber("too_precise", f"at most {limit} decimals are kept")
    return number if scale is None else rounded


def parse_money(text: str, currency: str) -> Decimal:
    """Read an amount, with or without the currency's sign or code before or after it.

    Raises:
        NotANumber: With a code that says why; more decimals than the currency has is `too_precise`.
    """
    if len(text) > 60:
        raise NotANumber("out_of_range", "the number is too long")
    plain = unicodedata.normalize("NFKC", text).strip()
    negative = plain.startswith("-")
    plain = plain[1:].strip() if negative else plain
    for mark in (currency, _SIGNS.get(currency, currency), "元" if currency == "CNY" else currency):
        plain = plain.removeprefix(mark).removesuffix(mark).strip()
    scale = exponent(currency)
    number = parse_number(("-" if negative else "") + plain, scale=scale)
    to_scaled(number, scale)
    return number


def format_number(value: Decimal | int, scale: int | None = None) -> str:
    """Return `1,234.50`; without `scale` all decimals are shown, trailing zeros dropped."""
    if scale is not None:
        return f"{quantise(value, scale):,f}"
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_money(amount: Decimal, currency: str, *, sign: bool = True) -> str:
    """Return `¥1,234.50`, or `1,234.50` without the sign; unknown currencies show their code."""
    text = f"{quantise(amount, exponent(currency)):,f}"
    if not sign:
        return text
    mark = _SIGNS.get(currency, currency + " ")
    return f"-{mark}{text[1:]}" if text.startswith("-") else mark + text
