"""What a rename does to a database: tables and columns change their names, kept names of options are written anew.

No value of a record is touched by renaming a table or a column. Names that change places go over a name in
between, so a swap and a chain are one set of statements.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fairlead.store.catalogue import Existing
from fairlead.store.operations import Operation

OF_ENTITIES = (
    "sys_event", "sys_stage_visit", "sys_ownership_event", "sys_approval", "sys_job", "sys_occurrence", "sys_notification",
)  # fmt: skip
"""The engine's tables whose rows say in `entity` whom they are about."""


@dataclass(frozen=True, slots=True)
class Values:
    """Kept names that change: old → new in one column, of all rows or of those where `where` holds."""

    table: str
    column: str
    names: Mapping[str, str]
    form: str = "text"
    """`text`, `list` (a JSON list of names) or `prefix` (`name:key`)."""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Renaming:
    """Everything that has another name: tables, then columns (by their table's new name), then values."""

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    values: tuple[Values, ...] = ()
    totals: frozenset[str] = frozenset()
    """Tables of kept totals that must be made anew."""
    bare: frozenset[str] = frozenset()
    """Tables, by their new names, that nothing reads any more: their indexes go, so that their names are free."""

    @property
    def empty(self) -> bool:
        """Whether nothing has to be done."""
        return not (self.tables or self.columns or self.values or self.totals)


def operations(renaming: Renaming, now: Existing) -> tuple[list[Operation], Existing]:
    """Return the statements, and what the database has after them."""
    work = _Work(now)
    for table in sorted(renaming.totals):
        work.drop(table)
    work.tables({old: new for old, new in renaming.tables.items() if old in work.have})
    for table in sorted(renaming.bare):
        work.strip(table)
    for table, columns in sorted(renaming.columns.items()):
        work.columns_of(table, columns)
    for one in renaming.values:
        if one.column in work.have.get(one.table, {}) or one.table.startswith("sys_"):
            work.rewrite(one)
    indexes = {table: frozenset(names) for table, names in work.indexes.items()}
    return work.found, replace(now, columns=work.have, indexes=indexes, definitions=work.definitions)


class _Work:
    def __init__(self, now: Existing) -> None:
        self.found: list[Operation] = []
        self.have = {table: dict(columns) for table, columns in now.columns.items()}
        self.indexes = {table: set(names) for table, names in now.indexes.items()}
        self.definitions = dict(now.definitions)

    def drop(self, table: str) -> None:
        if self.have.pop(table, None) is not None:
            self.indexes.pop(table, None)
            self.found.append(Operation("drop_table", table, table, f'DROP TABLE "{table}"'))

    def tables(self, names: Mapping[str, str]) -> None:
        for old, new in _steps(names, self.have):
            self.found.append(Operation("rename_table", old, new, f'ALTER TABLE "{old}" RENAME TO "{new}"'))
            self.have[new] = self.have.pop(old)
            self.indexes[new] = self.indexes.pop(old, set())

    def strip(self, table: str) -> None:
        for index in sorted(self.indexes.get(table, set())):
            # Line tables point at the ids, and SQLite asks for an index of what is pointed at.
            if index.startswith(("ix_", "ux_")) and self.definitions.get(index) != "unique btree:id":
                self.indexes[table].discard(index)
                self.found.append(Operation("drop_index", table, index, f'DROP INDEX "{index}"'))

    def columns_of(self, table: str, names: Mapping[str, str]) -> None:
        have = self.have.get(table)
        here = {old: new for old, new in names.items() if have is not None and old in have}
        if have is None or not here:
            return
        for old, new in _steps(here, have):
            sql = f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"'
            self.found.append(Operation("rename_column", table, f"{table}.{new}", sql))
            have[new] = have.pop(old)
            # An index follows its column and keeps its name.
            for index in self.indexes.get(table, ()):
                said = self.definitions.get(index, "")
                self.definitions[index] = re.sub(rf"\b{re.escape(old)}\b", new, said)

    def rewrite(self, one: Values) -> None:
        column, names = f'"{one.column}"', dict(one.names)
        if one.form == "list":
            value, test = column, " OR ".join(f"{column} LIKE '%\"{old}\"%'" for old in names)
            for number, old in enumerate(names):
                value = f"REPLACE({value}, '\"{old}\"', '\"~{number}~\"')"
            for number, new in enumerate(names.values()):
                value = f"REPLACE({value}, '\"~{number}~\"', '\"{new}\"')"
        elif one.form == "prefix":
            cases = " ".join(
                f"WHEN {_begins(column, old)} THEN '{new}' || SUBSTR({column}, {len(old) + 1})"
                for old, new in names.items()
            )
            value = f"CASE {cases} ELSE {column} END"
            test = " OR ".join(_begins(column, old) for old in names)
        else:
            cases = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in names.items())
            value = f"CASE {column} {cases} END"
            test = f"{column} IN ({', '.join(repr(old) for old in names)})"
        where = f"({test})" + (f" AND {one.where}" if one.where else "")
        sql = f'UPDATE "{one.table}" SET {column} = {value} WHERE {where}'
        self.found.append(Operation("rewrite_values", one.table, f"{one.table}.{one.column}", sql))


def _begins(column: str, name: str) -> str:
    return f"SUBSTR({column}, 1, {len(name) + 1}) = '{name}:'"


def _steps(names: Mapping[str, str], have: Iterable[str]) -> list[tuple[str, str]]:
    """Return the single renames in an order in which no name is ever taken."""
    taken = set(have)
    first, free, last = [], [], []
    for number, (old, new) in enumerate(names.items()):
        if new in taken:
            first.append((old, f"between_{number}_"))
            last.append((f"between_{number}_", new))
        else:
            free.append((old, new))
    return [*first, *free, *last]
