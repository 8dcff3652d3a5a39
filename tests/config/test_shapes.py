"""The JSON Schemas: valid, understood in full, and of one mind with the reference validator."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from fairlead.config.reader import read
from fairlead.config.schemas import KIND_FOLDERS, published_schema
from fairlead.config.shapes import check_shape
from fairlead.fields.registry import KINDS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *sorted(
        path for part in ("schemas", "workflows", "forms", "admin") for path in (ROOT / part).rglob("*.yaml")
    ),
    *sorted((Path(__file__).parent / "cases").rglob("*.yaml")),
]
ALL = [*KIND_FOLDERS, "workspace"]


def plain(value: object) -> object:
    """Return the data as the reference validator knows it."""
    return json.loads(
        json.dumps(value, default=lambda one: float(one) if isinstance(one, Decimal) else str(one))
    )


@pytest.mark.parametrize("kind", ALL)
def test_each_schema_is_one_piece_of_2020_12(kind):
    schema = published_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert "common.schema.json" not in json.dumps(schema)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("kind", ALL)
def test_nothing_is_told_by_oneof(kind):
    """`oneOf` gives errors nobody can read; see the branches by `if`."""
    assert '"oneOf"' not in json.dumps(published_schema(kind))


def test_every_kind_of_field_has_its_own_shape():
    schema = published_schema("entity")
    assert {f"field_{name}" for name in KINDS} <= schema["$defs"].keys()


def test_our_verdict_is_the_reference_validator_s():
    validators = {kind: jsonschema.Draft202012Validator(published_schema(kind)) for kind in ALL}
    different = []
    for path in DOCUMENTS:
        reading = read(str(path.relative_to(ROOT)), path.read_text("utf-8"))
        kind = (reading.data or {}).get("kind")
        if reading.problems or kind not in validators:
            continue
        ours = not check_shape(kind, reading.data)[1].faults
        if ours != validators[kind].is_valid(plain(reading.data)):
            different.append(str(path.relative_to(ROOT)))
    assert different == []


def test_one_broken_value_breaks_only_what_needs_it():
    fields = {"a": {"type": "text", "max_length": "x"}, "b": {"type": "nope"}}
    data = {"kind": "entity", "name": "lead", "fields": fields}
    usable, found = check_shape("entity", data)
    assert usable
    assert found.broken == {("fields", "a", "max_length"), ("fields", "b")}


def test_a_file_of_unknown_keys_is_answered_quickly():
    """Guessing what was meant ends after the first hundred; nobody reads the rest."""
    slips = {f"requird{n}": 1 for n in range(20_000)}
    data = {"kind": "entity", "name": "lead", "fields": {"a": {"type": "text", **slips}}}
    _, found = check_shape("entity", data)
    assert len(found.faults) == 20_000
    assert sum(fault.hint is not None for fault in found.faults) <= 101
