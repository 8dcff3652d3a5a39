"""What a field is, apart from what its kind does with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.expression import Expression

OnFail = Literal["block", "empty", "keep_aside", "value"]
"""What becomes of a value that the new kind of its field cannot hold."""

Mask = Literal["none", "tail", "middle", "all"]
"""How a sensitive value is shown to those who may only see part of it."""

Origin = Literal["document", "trait", "system"]
"""Who brought a field: the workspace's document, a trait, or the engine (id, version, stamps)."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value that a choice may take. `name` is stored; the label and colour are shown."""

    name: str
    label: Label
    color: str | None = None
    active: bool = True
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rollup:
    """A value kept from the rows of a line table: `function` over `value` of each row of `source`."""

    source: str
    function: Literal["sum", "count", "min", "max", "avg"]
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """What a document says about the values that exist when a field changes (lifecycle 4.6).

    It is read only by the plan in which the field differs from the one in force; afterwards it says nothing.
    """

    backfill: Expression | None = None
    """What stands in records that are empty here."""
    backfill_default: bool = False
    """The same, with the field's own default."""
    truncate: bool = False
    relabel: bool = False
    """Amounts keep their number when the currency changes."""
    map: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Former stored value → domain value, None for empty."""
    on_fail: OnFail = "block"
    value: object = None
    """With `on_fail: value`: what stands instead."""
    pattern: str | None = None
    """How dates are written in the text they come from, such as `D.M.YYYY`."""
    locale: str | None = None
    zone: str | None = None
    rounding: str | None = None
    rate: Decimal | None = None
    """One unit of the former currency in units of the new one."""
    match: str | None = None
    """A field of the entity that is or was pointed at, by which values find their record."""
    line: str | None = None
    """The column of the line items that takes, or gives, the single value."""


NO_MIGRATION = Migration()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity or of a line table, with every name in it resolved.

    `params` holds what only this kind knows (`max_length`, `currency`, `scale`, `min`, `max`,
    `entity`, `entities`, `pattern`, `format`, ...), already checked against the kind's schema.
    """

    name: str
    kind: str
    label: Label
    span: Span | None = None
    required: bool = False
    unique: bool = False
    readonly: bool = False
    write_once: bool = False
    index: bool = False
    searchable: bool = False
    sensitive: bool = False
    history: bool = True
    mask: Mask = "none"
    help: Label | None = None
    placeholder: Label | None = None
    default: object | None = None
    """A domain value, or an `Expression` evaluated when the record is created."""
    formula: Expression | None = None
    rollup: Rollup | None = None
    visible_when: Expression | None = None
    required_when: Expression | None = None
    readonly_when: Expression | None = None
    when_hidden: Literal["keep", "clear", "ignore_input"] = "ignore_input"
    was: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    """For choice kinds: the values, in the order in which people see them."""
    fields: Mapping[str, Field] = field(default_factory=lambda: MappingProxyType({}))
    """For `table`: the fields of one line."""
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    origin: Origin = "document"
    from_now_on: bool = False
    """`required` is asked for only where somebody touches this field, or the stage."""
    migration: Migration = field(default=NO_MIGRATION, compare=False)

    @property
    def computed(self) -> bool:
        """Whether nobody may write this field because the engine works it out."""
        return self.formula is not None or self.rollup is not None

    def with_(self, **changes: Any) -> Field:
        """Return a copy with some attributes replaced."""
        return replace(self, **changes)
