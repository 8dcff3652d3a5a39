"""What a value can be, and what names an expression may use.

Numbers carry their scale (decimals kept) and digits (a bound on all of them), so that no back end can overflow
unnoticed: the bound is known before anything runs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Protocol

from fairlead.base.money import exponent

MAX_SCALE = 12
STORED_DIGITS = 18
MAX_DIGITS = 120
MAX_HOPS = 3
DEFAULT_ITEMS = 100


class Kind(StrEnum):
    """The kinds of value."""

    bool = "bool"
    integer = "integer"
    decimal = "decimal"
    money = "money"
    text = "text"
    date = "date"
    datetime = "datetime"
    time = "time"
    duration = "duration"
    choice = "choice"
    list = "list"
    reference = "reference"
    user = "user"
    team = "team"
    row = "row"
    json = "json"
    null = "null"


NUMBERS = frozenset({Kind.integer, Kind.decimal, Kind.money})
KEYS = frozenset({Kind.reference, Kind.user, Kind.team})
TEXTS = frozenset({Kind.text, Kind.choice})
ORDERED = NUMBERS | {Kind.text, Kind.date, Kind.datetime, Kind.time, Kind.duration}


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a field or an expression.

    Attributes:
        scale: Decimals kept; 0 for integers, the currency's for money. A stored number counts in `10**-scale`.
        digits: No value has more digits than this, decimals included.
        currency: ISO code of money; None when it may differ from record to record.
        options: Keys of a choice; empty when any text will do.
        entity: What a reference leads to, or the shape of a row.
        element: What a list holds.
        max_items: The most entries of a list, for the cost bound.
        percent: A decimal that people read as a percentage: 0.1 is 10 %.
    """

    kind: Kind
    scale: int = 0
    digits: int = STORED_DIGITS
    currency: str | None = None
    options: tuple[str, ...] = ()
    entity: str | None = None
    element: "Type | None" = None
    max_items: int = DEFAULT_ITEMS
    percent: bool = False

    @property
    def is_number(self) -> bool:
        """Whether it counts something: integer, decimal or money."""
        return self.kind in NUMBERS

    @property
    def whole_digits(self) -> int:
        """How many digits stand before the decimal point at most."""
        return max(self.digits - self.scale, 1)

    @property
    def is_wide(self) -> bool:
        """Whether a value may need more than a 64-bit integer in its stored form."""
        return self.digits > STORED_DIGITS

    @property
    def is_rows(self) -> bool:
        """Whether it is a table of line items."""
        return self.kind is Kind.list and self.element is not None and self.element.kind is Kind.row

    @property
    def leads_to(self) -> str | None:
        """The entity that a dot after this value reads from."""
        if self.kind in (Kind.user, Kind.team):
            return self.kind.value
        return self.entity if self.kind is Kind.reference else None

    def __str__(self) -> str:
        if self.kind is Kind.money and self.currency:
            return f"money in {self.currency}"
        if self.kind is Kind.reference:
            return f"a reference to {self.entity}"
        if self.kind is Kind.list and self.element is not None:
            return "line items" if self.is_rows else f"a list of {self.element}"
        return _WORDS.get(self.kind, self.kind.value)


_WORDS = {
    Kind.bool: "yes/no",
    Kind.datetime: "a date with time",
    Kind.date: "a date",
    Kind.time: "a time of day",
    Kind.user: "a user",
    Kind.team: "a team",
    Kind.row: "a line item",
    Kind.null: "empty",
    Kind.choice: "a choice",
    Kind.integer: "a whole number",
    Kind.decimal: "a number",
    Kind.duration: "a duration",
    Kind.text: "text",
}

BOOL = Type(Kind.bool)
INTEGER = Type(Kind.integer)
DECIMAL = Type(Kind.decimal, scale=4)
PERCENT = Type(Kind.decimal, scale=4, percent=True)
TEXT = Type(Kind.text)
DATE = Type(Kind.date)
DATETIME = Type(Kind.datetime)
TIME = Type(Kind.time)
DURATION = Type(Kind.duration)
USER = Type(Kind.user)
TEAM = Type(Kind.team)
JSON = Type(Kind.json)
NULL = Type(Kind.null)


def decimal_type(scale: int, *, digits: int = STORED_DIGITS) -> Type:
    """Return the type of an exact decimal with `scale` decimals."""
    return Type(Kind.decimal, scale=scale, digits=digits)


def percent_type(scale: int = 4) -> Type:
    """Return the type of a percentage, kept as its fraction."""
    return Type(Kind.decimal, scale=scale, percent=True)


def money_type(currency: str | None, scale: int | None = None) -> Type:
    """Return the type of an amount; the scale is the currency's unless told."""
    return Type(Kind.money, scale=exponent(currency or "") if scale is None else scale, currency=currency)


def choice_type(options: Iterable[str] = ()) -> Type:
    """Return the type of one of `options`."""
    return Type(Kind.choice, options=tuple(options))


def list_type(element: Type, *, max_items: int = DEFAULT_ITEMS) -> Type:
    """Return the type of a list of plain values: several choices, tags, references."""
    return Type(Kind.list, element=element, max_items=max_items)


def reference_type(entity: str) -> Type:
    """Return the type of a reference to a record of `entity`."""
    return Type(Kind.reference, entity=entity)


def rows_type(shape: str, *, max_items: int = DEFAULT_ITEMS) -> Type:
    """Return the type of a table of line items; `shape` is the name under which their shape is found."""
    return Type(Kind.list, element=Type(Kind.row, entity=shape), max_items=max_items)


def with_digits(number: Type, digits: int, scale: int) -> Type:
    """Return `number` with another size."""
    return replace(number, digits=digits, scale=scale)


class EntityShape(Protocol):
    """What the checker must know of an entity, and of the rows of a table."""

    @property
    def name(self) -> str:
        """The entity, or the shape of the row."""
        ...

    def field_type(self, field_name: str) -> Type | None:
        """Return the type of a field, or None when there is no such field."""
        ...

    def field_names(self) -> Iterable[str]:
        """Return all fields, for suggestions."""
        ...

    def shape(self, entity_name: str) -> "EntityShape | None":
        """Return the shape a reference, user, team or row leads to."""
        ...


@dataclass(frozen=True, slots=True)
class Shape:
    """A plain EntityShape made of mappings.

    Attributes:
        others: Shapes by name, shared by all of them; may be filled after this one is made.
    """

    name: str
    fields: Mapping[str, Type]
    others: Mapping[str, "Shape"] = field(default_factory=dict)

    def field_type(self, field_name: str) -> Type | None:
        return self.fields.get(field_name)

    def field_names(self) -> Iterable[str]:
        return self.fields.keys()

    def shape(self, entity_name: str) -> "Shape | None":
        return self if entity_name == self.name else self.others.get(entity_name)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use.

    Attributes:
        record: Gives `record`; None when there is no record.
        old: Whether `old`, the record before the change, is there.
        user: Whether `user` is there.
        clock: Whether `now` and `today` are there.
        extra: Further names with their types, such as `open_approvals`.
        lines: Names that stand for one line of a table, as in the loop of a printed document.
        functions: The functions allowed; None allows all.
        bare_fields: Whether `amount` may stand for `record.amount`, as in API filters.
    """

    record: EntityShape | None = None
    old: bool = False
    user: bool = True
    clock: bool = True
    extra: Mapping[str, Type] = field(default_factory=dict)
    lines: Mapping[str, Type] = field(default_factory=dict)
    functions: frozenset[str] | None = None
    bare_fields: bool = False
