"""What may be sent to an entity, and what is said of the rest."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from fairlead.base.errors import Invalid
from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.codecs import input_schema, load
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity


def field(name: str, kind: str, **more: Any) -> Field:
    return Field(name, kind, Label.of(name), **more)


@pytest.fixture(scope="module")
def quote() -> Entity:
    lines = {
        "product": field("product", "reference", required=True, params={"entity": "product"}),
        "qty": field("qty", "integer", required=True, default=1, params={"min": 1}),
        "total": field("total", "money", readonly=True),
    }
    fields = [
        field("name", "text", required=True),
        field("amount", "money", params={"currency": "CNY"}),
        field("number", "sequence", params={"format": "QT-{n}"}),
        field("lines", "table", fields=lines),
        field("secret", "text"),
        field("id", "text", readonly=True, origin="system"),
        field("version", "integer", readonly=True, origin="system"),
        field("created_at", "datetime", readonly=True, origin="system"),
    ]
    return Entity(
        "quote", Span("schemas/quote.yaml"), Label.of("Quote"), Label.of("Quotes"), "file", "{name}", frozenset(),
        {found.name: found for found in fields},
    )  # fmt: skip


def codes(quote: Entity, data: object, action: Any = "create", **more: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        load(input_schema(quote, action)(), quote, data, **more)
    assert all(error.message for error in caught.value.errors)
    return {error.field: error.code for error in caught.value.errors}


def test_values_arrive_as_rules_compute_with_them(quote: Entity) -> None:
    data = {"name": " Acme ", "amount": "1.50", "lines": [{"product": "0abc", "qty": 2}]}
    assert load(input_schema(quote, "create")(), quote, data) == {
        "name": "Acme",
        "amount": Decimal("1.5"),
        "lines": [{"product": "0abc", "qty": 2}],
    }


def test_every_mistake_is_named_at_once(quote: Entity) -> None:
    data = {
        "amount": 1.9999,
        "nmae": "x",
        "lines": [{"product": "0abc"}, {"qty": 0, "total": "5"}, {"product": "0abc", "qyt": 1}],
    }
    assert codes(quote, data) == {
        "name": "required",
        "amount": "too_precise",
        "nmae": "unknown_field",
        "lines[1].product": "required",
        "lines[1].qty": "out_of_range",
        "lines[1].total": "readonly_field",
        "lines[2].qyt": "unknown_field",
    }


def test_nobody_writes_the_engines_own_fields(quote: Entity) -> None:
    """A-M01."""
    data = {
        "name": "x",
        "is_admin": True,
        "id": "1",
        "created_at": "2001-01-01",
        "version": 99,
        "number": "QT-1",
    }
    assert codes(quote, data) == {
        "is_admin": "unknown_field",
        "id": "readonly_field",
        "created_at": "readonly_field",
        "version": "readonly_field",
        "number": "readonly_field",
    }


def test_a_field_one_may_not_read_is_unknown(quote: Entity) -> None:
    schema = input_schema(quote, "create", only={"name"})()
    with pytest.raises(Invalid) as caught:
        load(schema, quote, {"name": "x", "secret": "y", "secrte": "z"}, readable={"name"})
    assert [error.code for error in caught.value.errors] == ["unknown_field", "unknown_field"]
    assert not any("secret" in error.to_json()["message"] for error in caught.value.errors)


@pytest.mark.parametrize("empty", [None, "", "   ", "\u200b"])
@pytest.mark.parametrize("action", ["create", "update"])
def test_what_is_required_is_not_emptied(quote: Entity, empty: str | None, action: str) -> None:
    """A-M10."""
    assert codes(quote, {"name": empty}, action) == {"name": "is_empty"}


def test_a_change_names_only_what_changes(quote: Entity) -> None:
    assert load(input_schema(quote, "update")(), quote, {}) == {}
    assert load(input_schema(quote, "update")(), quote, {"amount": None}) == {"amount": None}


@pytest.mark.parametrize("data", [None, [], [{}], "x", 5])
def test_a_body_is_an_object(quote: Entity, data: object) -> None:
    assert codes(quote, data) == {"": "invalid"}


@pytest.mark.parametrize("rows", ["x", {}, [1], [None]])
def test_lines_are_rows(quote: Entity, rows: object) -> None:
    assert codes(quote, {"name": "x", "lines": rows}) == {"lines": "invalid"}
