"""A transaction that writes many rows with few statements.

Rows to be added wait until there are enough of them, or until somebody reads. Whoever writes records needs not know:
the same code that writes one record writes a thousand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any

from fairlead.compiled.statement import Prepared
from fairlead.store.database import Row, Tx

Params = Mapping[str, object]
Merge = Callable[[Sequence[Params]], Sequence[Params]]

_NO_PARAMS: Params = {}


class Gathering(Tx):
    """A view of an open transaction. Use it as a context: leaving it writes what still waits.

    Inserts wait, and `run` answers 1 for them before anybody knows whether the database takes them. What changes or
    deletes rows runs at once: within one batch it must concern rows from before the batch.
    """

    __slots__ = ("_late", "_merge", "_waiting")

    def __init__(
        self, tx: Tx, *, late: Iterable[Prepared] = (), merge: Iterable[tuple[Prepared, Merge]] = ()
    ) -> None:
        """Begin to gather.

        Args:
            tx: The open transaction.
            late: Statements that change the rows which wait here, and so wait behind them.
            merge: For statements whose rows can be added up before they are written: how.
        """
        super().__init__(tx.database, tx._connection)
        self.after_commit = tx.after_commit
        self._late = {id(statement) for statement in late}
        self._merge = {id(statement): how for statement, how in merge}
        self._waiting: dict[int, tuple[Prepared, list[Params]]] = {}

    def __enter__(self) -> Gathering:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()

    def run(self, statement: Prepared, params: Params = _NO_PARAMS) -> int:
        if not self._waits(statement):
            return super().run(statement, params)
        self._rows(statement).append(params)
        return 1

    def run_many(self, statement: Prepared, rows: Sequence[Params]) -> None:
        if self._waits(statement):
            self._rows(statement).extend(rows)
        else:
            super().run_many(statement, rows)

    def all(self, statement: Prepared, params: Params = _NO_PARAMS) -> list[Row]:
        self.flush()
        return super().all(statement, params)

    def one(self, statement: Prepared, params: Params = _NO_PARAMS) -> Row | None:
        self.flush()
        return super().one(statement, params)

    def flush(self) -> None:
        """Write what waits, each statement's rows together, in the order in which the statements were first met."""
        waiting, self._waiting = self._waiting, {}
        for key, (statement, rows) in waiting.items():
            how = self._merge.get(key)
            found: Sequence[Any] = rows if how is None else how(rows)
            if found:
                super().run_many(statement, found)

    def _waits(self, statement: Prepared) -> bool:
        key = id(statement)
        return key in self._waiting or key in self._late or _is_plain_insert(statement.sql)

    def _rows(self, statement: Prepared) -> list[Params]:
        key = id(statement)
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = (statement, [])
        return found[1]


def _is_plain_insert(sql: str) -> bool:
    return sql.startswith("INSERT INTO") and "RETURNING" not in sql


def add_up(keys: Sequence[str]) -> Merge:
    """Return how rows that agree in `keys` become one, all their other values added.

    They come out in one order for everybody: two writers that touch the same two rows must not wait for each other.
    """

    def merged(rows: Sequence[Params]) -> Sequence[Params]:
        found: dict[tuple[object, ...], dict[str, Any]] = {}
        for row in rows:
            key = tuple([row[name] for name in keys])
            sums = found.get(key)
            if sums is None:
                found[key] = dict(row)
                continue
            for name, value in row.items():
                if name not in keys:
                    sums[name] += value
        # By their texts, as one change alone orders its two rows: keys of one column may be empty or of mixed kinds.
        return [found[key] for key in sorted(found, key=lambda parts: tuple([str(part) for part in parts]))]

    return merged
