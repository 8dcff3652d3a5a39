"""Targets for people and teams."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label


@dataclass(frozen=True, slots=True)
class Target:
    """What one person or team should reach. `period` is `2026`, `2026-Q3` or `2026-07`; None for every period."""

    whose: str
    period: str | None
    value: Decimal


@dataclass(frozen=True, slots=True)
class QuotaPlan:
    """Targets for a measure of a report."""

    name: str
    span: Span
    label: Label
    report: str
    measure: str
    by: Literal["user", "team"]
    field: str
    """The dimension of the report that tells whose a number is."""
    per: Literal["month", "quarter", "year"]
    default: Decimal | None
    targets: tuple[Target, ...]
