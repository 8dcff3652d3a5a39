"""One step of a migration, as a value that can be shown before it is carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from fairlead.store.database import Tx

Kind = Literal[
    "create_table", "add_column", "create_index", "drop_index", "rename_index", "create_search", "rebuild_totals",
    "rename_table", "rename_column", "rewrite_values", "drop_table", "convert_values", "fill_values",
    "recompute_values",
]  # fmt: skip

ALTERING: frozenset[Kind] = frozenset({"convert_values", "fill_values", "recompute_values"})
"""Kinds that write what people wrote into another form, or fill what was empty."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One statement of a migration."""

    kind: Kind
    table: str
    name: str
    sql: str
    run: Callable[[Tx], None] | None = field(default=None, compare=False, repr=False)
    """What one statement cannot say: values read, worked out and written back. `sql` then shows the write."""
