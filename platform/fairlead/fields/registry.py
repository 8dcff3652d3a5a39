"""All kinds of field, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fairlead.fields import (
    choices,
    contact,
    dates,
    json,
    money,
    numbers,
    rating,
    references,
    sequence,
    table,
    text,
)
from fairlead.fields.kind import LABEL_SCHEMA, FieldKind
from fairlead.fields.spec import Field

KINDS: Mapping[str, FieldKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            text.Text(), text.LongText(), text.RichText(),
            numbers.Integer(), numbers.DecimalNumber(), money.MoneyAmount(), numbers.Percent(), rating.Rating(),
            choices.Boolean(), choices.Choice(), choices.MultiChoice(), choices.Tags(),
            dates.Date(), dates.DateTime(), dates.Time(), dates.Duration(),
            contact.Email(), contact.Phone(), contact.Url(),
            references.User(), references.Team(), references.Reference(), references.References(),
            table.Table(), sequence.Sequence(), json.Json(),
        )
    }
)  # fmt: skip
"""In the order in which the studio offers them."""


def kind_of(field: Field) -> FieldKind:
    """Return the kind of `field`; KeyError for one that no configuration could have."""
    return KINDS[field.kind]


_RULE: Mapping[str, Any] = {"type": ["string", "boolean"], "maxLength": 4000}

COMMON_KEYS: Mapping[str, Any] = MappingProxyType(
    {
        "label": LABEL_SCHEMA,
        "help": LABEL_SCHEMA,
        "placeholder": LABEL_SCHEMA,
        "required": {"type": "boolean"},
        "unique": {"type": "boolean"},
        "readonly": {"type": "boolean"},
        "write_once": {"type": "boolean"},
        "index": {"type": "boolean"},
        "searchable": {"type": "boolean"},
        "sensitive": {"type": "boolean"},
        "history": {"type": "boolean"},
        "mask": {"type": "string", "enum": ["none", "tail", "middle", "all"]},
        "default": {},
        "formula": {"type": "string", "minLength": 1, "maxLength": 4000},
        "rollup": {
            "type": "object",
            "properties": {
                "from": {"type": "string"},
                "sum": {"type": "string"},
                "min": {"type": "string"},
                "max": {"type": "string"},
                "avg": {"type": "string"},
                "count": {"type": ["string", "boolean"]},
            },
            "required": ["from"],
            "minProperties": 2,
            "maxProperties": 2,
            "additionalProperties": False,
        },
        "visible_when": _RULE,
        "required_when": _RULE,
        "readonly_when": _RULE,
        "when_hidden": {"type": "string", "enum": ["keep", "clear", "ignore_input"]},
        "was": {"type": ["string", "array"], "items": {"type": "string"}, "minLength": 1, "minItems": 1},
    }
)
"""The keys that any field may carry, beside `type`."""


def field_shape_schema() -> dict[str, dict[str, Any]]:
    """Return for each kind the JSON Schema of a field of that kind, as it stands in a document."""
    return {
        name: {
            "type": "object",
            "properties": {"type": {"const": name}, **COMMON_KEYS, **kind.params_schema},
            "required": ["type", *kind.required_params],
            "additionalProperties": False,
        }
        for name, kind in KINDS.items()
    }
