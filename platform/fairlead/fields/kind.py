"""What a kind of field must answer.

A value has four forms. *Raw* is what arrived: JSON or the text of a form. *Domain* is what rules
compute with: `Decimal`, `date`, an aware `datetime`, a tuple. *Stored* is what the database keeps,
the same on SQLite and PostgreSQL. *JSON* is what programs read. None is the empty value in all four.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from sqlalchemy.types import TypeEngine

from fairlead.base.texts import Label
from fairlead.expr.types import Type
from fairlead.fields.spec import Field

Stored = str | int | bool | None
"""What the database keeps of one field."""

Encoder = Callable[[Any], Any]
"""From stored to JSON; never called with None."""

Operator = Literal["eq", "ne", "lt", "le", "gt", "ge", "contains", "starts_with", "in", "is_empty", "between"]

EQUALITY: tuple[Operator, ...] = ("eq", "ne", "in", "is_empty")
ORDER: tuple[Operator, ...] = ("eq", "ne", "lt", "le", "gt", "ge", "between", "in", "is_empty")
WORDS: tuple[Operator, ...] = ("eq", "ne", "contains", "starts_with", "in", "is_empty")
MEMBERS: tuple[Operator, ...] = ("contains", "is_empty")

HIDDEN = "****"
"""A masked value of which nothing is shown."""


LABEL_SCHEMA: Mapping[str, Any] = {
    "type": ["string", "object"],
    "minLength": 1,
    "minProperties": 1,
    "additionalProperties": {"type": "string"},
}
"""A text, or a map from language to text."""


def both(en: str, zh: str) -> Label:
    """Return a label in both languages that the product speaks."""
    return Label({"en": en, "zh": zh})


class FieldProblem(ValueError):
    """A value that cannot be kept.

    Attributes:
        code: Stable: `invalid`, `out_of_range`, `too_long`, `not_an_option`, ...
        message: A sentence for the person who typed it.
    """

    def __init__(self, code: str, message: Label) -> None:
        super().__init__(f"{code}: {message.get('en')}")
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Formats:
    """How values are written in a file that is imported.

    Attributes:
        pattern: For dates and times, such as `M/D/YYYY` or `YYYY-MM-DD HH:mm`; for percents, `percent`
            says that 12.5 means 12.5 %. None means ISO 8601, and fractions.
        decimal: The decimal mark.
        thousands: The grouping mark, ignored where it parts groups of three.
        zone: What local times are in.
    """

    pattern: str | None = None
    decimal: str = "."
    thousands: str = ","
    zone: tzinfo = UTC


PLAIN_FORMATS = Formats()


class FieldKind(ABC):
    """One kind of field. Stateless: everything about one field stands in its `Field`."""

    name: ClassVar[str]
    label: ClassVar[Label]
    help: ClassVar[Label]
    widget: ClassVar[str]
    """Name of the form macro."""
    params_schema: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    """JSON Schema `properties` for the keys that only this kind knows."""
    required_params: ClassVar[tuple[str, ...]] = ()
    operators: ClassVar[tuple[Operator, ...]] = ORDER
    sortable: ClassVar[bool] = True
    groupable: ClassVar[bool] = False
    aggregatable: ClassVar[bool] = False

    @abstractmethod
    def expr_type(self, field: Field) -> Type:
        """Return what rules see."""

    @abstractmethod
    def column_type(self, field: Field) -> TypeEngine[Any] | None:
        """Return the column's type, the same meaning on both databases; None keeps no column."""

    @abstractmethod
    def parse(self, raw: object, field: Field) -> Any:
        """Read a JSON value, or plain text in the same notation.

        Returns:
            The domain value; None for null, nothing, or only blanks.

        Raises:
            FieldProblem: It cannot be kept.
        """

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> Any:
        """Read what a person typed; more forgiving than `parse`, and in the notation of forms.

        Args:
            raw: The text of the input, or a list of texts where the widget sends several.
            zone: Of the person, for local times.
        """
        return self.parse(raw, field)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        """Return the text that stands in the input when the form opens; `parse_form` reads it back."""
        return "" if value is None else str(value)

    def to_stored(self, value: Any, field: Field) -> Stored:
        """Return the stored form of a domain value."""
        return value  # type: ignore[no-any-return]

    def from_stored(self, stored: Any, field: Field) -> Any:
        """Return the domain value of what the database gave."""
        return stored

    def json_encoder(self, field: Field) -> Encoder | None:
        """Return a function from stored to JSON, or None where they are the same."""
        return None

    def json_schema(self, field: Field) -> dict[str, Any]:
        """Return the JSON Schema of a value that is not empty, for the description of the API."""
        return {"type": "string"}

    def to_json(self, value: Any, field: Field) -> Any:
        """Return the JSON form of a domain value."""
        if value is None:
            return None
        stored, encode = self.to_stored(value, field), self.json_encoder(field)
        return encode(stored) if encode else stored

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        """Return the value as people write it; "" when empty. Plain text, not HTML."""
        return "" if value is None else str(value)

    def mask(self, value: Any, field: Field) -> str:
        """Return as much as may be shown of a domain or JSON value to those who see it masked."""
        return "" if value is None else HIDDEN

    def search_text(self, value: Any, field: Field) -> str | None:
        """Return the words by which a record is found, not yet folded; None when there are none."""
        return None

    def import_parse(self, text: str, field: Field, formats: Formats = PLAIN_FORMATS) -> Any:
        """Read a cell of a file."""
        return self.parse_form(text, field, zone=formats.zone)


# ---------------------------------------------------------------- words of the outside

# Blank to the eye, though not all are spaces to Python.
_INVISIBLE = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\u2800\u3164\ufeff\uffa0"
)
_NOT_BLANK = re.compile(rf"[^\s{_INVISIBLE}]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_CONTROL_OR_BREAK = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

BAD_CHARACTER = both("There is a character in it that cannot be kept.", "内容中含有无法保存的字符。")
WRONG_TYPE = both("Write text here.", "请填写文本。")


_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: " ", 0xA0: " ", 0x202F: " ", 0x2009: " ", 0x2212: "-", 0xFFE5: "¥", 0x066B: ".", 0x066C: ",",
}  # fmt: skip


def narrow(text: str) -> str:
    """Return `text` with full-width letters, digits and marks in their half-width form: `１２：３０` → `12:30`."""
    return text.translate(_HALF_WIDTH)


def is_blank(text: str) -> bool:
    """Say whether there is nothing to see in `text`."""
    return _NOT_BLANK.search(text) is None


def clean_text(raw: object, *, lines: bool = False) -> str | None:
    """Return text that both databases keep and JSON carries, trimmed; None when blank.

    Args:
        raw: What arrived; anything but text is refused.
        lines: Keep line breaks, tabs and the blanks around.

    Raises:
        FieldProblem: `invalid`.
    """
    if raw is None:
        return None
    if not isinstance(raw, str):
        raise FieldProblem("invalid", WRONG_TYPE)
    text = raw if lines else raw.strip()
    if (_CONTROL if lines else _CONTROL_OR_BREAK).search(text):
        raise FieldProblem("invalid", BAD_CHARACTER)
    return None if is_blank(text) else text


def check_length(text: str, field: Field, most: int) -> None:
    """Refuse text longer than the field's `max_length` or shorter than `min_length`, in code points."""
    most = int(field.params.get("max_length", most))
    if len(text) > most:
        raise FieldProblem(
            "too_long",
            both(
                "At most {most} characters; this is {count}.", "最多 {most} 个字符，当前 {count} 个。"
            ).format(most=most, count=len(text)),
        )
    least = int(field.params.get("min_length", 0))
    if len(text) < least:
        raise FieldProblem(
            "too_short",
            both("At least {least} characters.", "至少 {least} 个字符。").format(least=least),
        )


def check_range(value: Any, field: Field, read: Callable[[Any], Any], show: Callable[[Any], str]) -> None:
    """Refuse a value outside the field's `min` and `max`."""
    least, most = field.params.get("min"), field.params.get("max")
    if least is not None and value < read(least):
        message = both("Not less than {bound}.", "不能小于 {bound}。")
        raise FieldProblem("out_of_range", message.format(bound=show(read(least))))
    if most is not None and value > read(most):
        message = both("Not more than {bound}.", "不能大于 {bound}。")
        raise FieldProblem("out_of_range", message.format(bound=show(read(most))))


def mask_text(text: str, how: str, *, start: int = 1, end: int = 0) -> str:
    """Return `text` with a part hidden.

    Args:
        text: What to hide.
        how: The field's own wish (`tail`, `middle`, `all` say which part is hidden); with `none` the
            kind's habit decides.
        start: Characters that the kind shows at the beginning.
        end: Characters that the kind shows at the end.
    """
    if not text:
        return ""
    if how == "all":
        return HIDDEN
    if how == "tail":
        start, end = min(3, len(text) // 3), 0
    elif how == "middle":
        start, end = min(3, len(text) // 3), min(4, len(text) // 3)
    # Something must stay hidden, however short the text is.
    if start + end >= len(text):
        start, end = 0, 0
    return text[:start] + HIDDEN + (text[-end:] if end else "")


def texts_of(raw: object, separators: re.Pattern[str]) -> Sequence[object]:
    """Return the items of a list, or the parts of a text."""
    if isinstance(raw, str):
        return [part for part in separators.split(raw) if not is_blank(part)]
    if isinstance(raw, Iterable) and not isinstance(raw, Mapping | bytes):
        return list(raw)
    raise FieldProblem("invalid", both("Give a list of texts.", "请提供文本列表。"))
