"""Fields to try the kinds with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fairlead.base.texts import Label
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field, Mask, Option

OPTIONS = (
    Option("fair", Label({"en": "Trade fair", "zh": "展会"})),
    Option("web", Label({"en": "Website", "zh": "官网"})),
    Option("Fair", Label({"en": "Justice", "zh": "公平"})),
    Option("fax", Label({"en": "Fax", "zh": "传真"}), active=False),
)
NEEDED: dict[str, dict[str, Any]] = {
    "reference": {"entity": "customer", "on_delete": "restrict"},
    "references": {"entity": "product"},
    "sequence": {"format": "QT-{year}-{n:05}"},
}


@pytest.fixture(scope="session")
def make() -> Callable[..., Field]:
    """Make a field of a kind: `make("money", currency="JPY")`."""

    def make(kind: str, mask: Mask = "none", **params: Any) -> Field:
        assert kind in KINDS
        options = OPTIONS if kind in ("choice", "multi_choice") else ()
        return Field(
            "x", kind, Label.of("X"), mask=mask, options=options, params={**NEEDED.get(kind, {}), **params}
        )

    return make
