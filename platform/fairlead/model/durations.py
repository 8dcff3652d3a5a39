"""Lengths of time as documents say them: `3 days`, `2 business days`, `36 hours`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["minutes", "hours", "days", "weeks", "business_days", "business_hours"]


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of units. Days end with the local day; business units follow the calendar."""

    count: int
    unit: Unit

    def __str__(self) -> str:
        return f"{self.count} {self.unit.replace('_', ' ')}"
