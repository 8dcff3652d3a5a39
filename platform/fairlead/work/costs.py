"""What a statement of a plan costs those who work meanwhile: which lock it holds, and for about how long (CF-20).

The figures are what a small machine does; they tell an instant from a minute, nothing finer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.changes import Change
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.store.operations import Operation
from fairlead.work.planning import Plan

_MICROSECONDS: Mapping[str, float] = {
    "create_index": 3, "create_search": 0, "rebuild_totals": 4, "rewrite_values": 12, "convert_values": 30,
    "fill_values": 20, "recompute_values": 40,
}  # fmt: skip
"""For each row of the table; what is not named costs the same whatever the table holds."""

_WRITERS = Label({"en": "other writers wait", "zh": "其他写入等待"})
_SHARE = Label({"en": "writes to the table wait, reads go on", "zh": "该表写入等待，读取不受影响"})
_EXCLUSIVE = Label({"en": "everybody at the table waits for an instant", "zh": "该表的所有访问短暂等待"})
_ROWS = Label({"en": "writes to the same rows wait", "zh": "对相同行的写入等待"})
_NOBODY = Label({"en": "nobody waits", "zh": "无需等待"})


@dataclass(frozen=True, slots=True)
class Cost:
    """One operation as a plan shows it.

    Attributes:
        rows: Of the table, before.
        lock: Who waits while it runs.
        seconds: About how long, at least.
        asked_by: Where the documents ask for it; None for what the engine does of itself.
    """

    operation: Operation
    rows: int
    lock: Label
    seconds: float
    asked_by: Span | None

    @property
    def time(self) -> Label:
        """The expected time, as coarse as it is known."""
        if self.seconds < 1:
            return Label({"en": "under a second", "zh": "不到一秒"})
        if self.seconds < 90:
            return Label({"en": f"about {round(self.seconds)} s", "zh": f"约 {round(self.seconds)} 秒"})
        return Label({
            "en": f"about {round(self.seconds / 60)} min", "zh": f"约 {round(self.seconds / 60)} 分钟",
        })  # fmt: skip


def costs(plan: Plan) -> tuple[Cost, ...]:
    """Return the operations of a plan with what they cost, in order."""
    dialect = plan.app.dialect if plan.app is not None else "sqlite"
    places = _places(plan)
    return tuple(
        Cost(
            one, plan.sizes.get(one.table, 0), _lock(one, dialect),
            plan.sizes.get(one.table, 0) * _MICROSECONDS.get(one.kind, 0) / 1_000_000,
            _asked_by(one, places),
        )
        for one in plan.operations
    )  # fmt: skip


def _asked_by(operation: Operation, places: Mapping[tuple[str, str], Span]) -> Span | None:
    if operation.kind == "create_table":
        return places.get((operation.table, ""))
    if operation.kind in ("create_index", "drop_index", "rename_index"):
        # An index says in its name which columns it is over.
        spoken = f"_{operation.name.removeprefix('ix_').removeprefix('ux_').removeprefix(operation.table)}_"
        return next(
            (span for (table, column), span in places.items()
             if table == operation.table and column and f"_{column}_" in spoken),
            None,
        )  # fmt: skip
    return places.get((operation.table, operation.name.rpartition(".")[2]))


def _lock(operation: Operation, dialect: str) -> Label:
    if dialect == "sqlite":
        return _WRITERS
    if operation.kind in ("create_table", "create_search") or "CONCURRENTLY" in operation.sql:
        return _NOBODY
    if operation.kind == "create_index":
        return _SHARE
    if operation.kind in (
        "rewrite_values",
        "convert_values",
        "fill_values",
        "recompute_values",
        "rebuild_totals",
    ):
        return _ROWS
    return _EXCLUSIVE


def _places(plan: Plan) -> dict[tuple[str, str], Span]:
    """Return where the documents ask for what is done to a table (column "") or to one of its columns."""
    found: dict[tuple[str, str], Span] = {}
    for change in plan.changes:
        if change.span is None or change.path[0] != "entity":
            continue
        for key in _touched(change):
            found.setdefault(key, change.span)
    return found


def _touched(change: Change) -> list[tuple[str, str]]:
    entity, *rest = change.path[1:]
    keys = [(table_name(entity), "")]
    if len(rest) >= 2 and rest[0] == "fields":
        keys.insert(0, (table_name(entity), column_name(rest[1])))
        if len(rest) >= 4 and rest[2] == "fields":
            table = lines_name(entity, rest[1])
            keys += [(table, column_name(rest[3])), (table, "")]
    return keys
