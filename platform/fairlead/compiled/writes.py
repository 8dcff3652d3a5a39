"""Insert, update and delete statements of one entity, and those of its lines and search terms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR

from fairlead.compiled.rows import Encode, storing
from fairlead.compiled.statement import Prepared, prepare
from fairlead.compiled.tables import EntityTables, column_name


class EntityWrites:
    """Write statements, each built when its set of columns is first met.

    Parameters of values are named `v_` and the column; `p_id` and `p_version` say which row, in which state.
    """

    def __init__(self, tables: EntityTables, dialect: str) -> None:
        self.tables = tables
        self.dialect = dialect
        fields = tables.entity.fields
        self.parameters: tuple[tuple[str, str, Encode | None], ...] = tuple(
            (name, f"v_{column_name(name)}", storing(fields[name])) for name in tables.columns
        )
        """Each stored field with the name of its parameter and how its value is stored."""
        self.told: tuple[str, ...] = tuple(
            name for name in tables.columns if fields[name].origin != "system" and fields[name].history
        )
        """The stored fields whose changes the history tells."""
        self._cache: dict[object, Prepared] = {}

    def insert(self, fields: Iterable[str]) -> Prepared:
        """Insert a record with these fields."""
        names = tuple(fields)
        return self._once(("insert", names), lambda: self._insert(names))

    def _insert(self, names: tuple[str, ...]) -> Any:
        values: dict[str, Any] = {column_name(name): _value(name) for name in names}
        if self.dialect == "postgresql":
            # Written with the row: an update after the insert would make a second version of it at once.
            values["search"] = sa.cast(sa.bindparam("p_terms", required=True, type_=sa.Text()), TSVECTOR)
        return sa.insert(self.tables.main).values(values)

    def update(self, fields: Iterable[str], *, guarded: bool = True) -> Prepared:
        """Change these fields of `p_id`, where its version still is `p_version`."""
        names = tuple(sorted(fields))
        return self._once(("update", names, guarded), lambda: self._update(names, guarded))

    def _update(self, names: tuple[str, ...], guarded: bool) -> Any:
        main = self.tables.main
        statement = sa.update(main).where(main.c.id == sa.bindparam("p_id", required=True))
        if guarded:
            statement = statement.where(main.c.version == sa.bindparam("p_version", required=True))
        statement = statement.where(sa.text("deleted_at IS NULL"))
        return statement.values({column_name(name): _value(name) for name in names})

    def remove(self) -> Prepared:
        """Put a record into the recycle bin."""
        main = self.tables.main
        return self._once(
            "remove",
            lambda: sa.update(main)
            .where(main.c.id == sa.bindparam("p_id", required=True), main.c.version == sa.bindparam("p_version", required=True),
                   sa.text("deleted_at IS NULL"))
            .values(deleted_at=_value("deleted_at"), version=main.c.version + 1),
        )  # fmt: skip

    def restore(self) -> Prepared:
        """Take a record out of the recycle bin."""
        main = self.tables.main
        return self._once(
            "restore",
            lambda: (
                sa.update(main)
                .where(main.c.id == sa.bindparam("p_id", required=True), main.c.deleted_at.is_not(None))
                .values(deleted_at=None, version=main.c.version + 1)
            ),
        )

    def lock(self) -> Prepared:
        """Set or clear the approval that holds a record."""
        main = self.tables.main
        return self._once(
            "lock",
            lambda: sa.update(main).where(main.c.id == sa.bindparam("p_id", required=True)).values(locked_by=_value("locked_by")),
        )  # fmt: skip

    def insert_line(self, field: str) -> Prepared:
        """Insert one row of a line table."""
        table = self.tables.lines[field]
        names = self.tables.line_columns[field]
        values: dict[str, Any] = {column_name(name): _value(name) for name in names}
        values |= {"id": _value("id"), "parent_id": _value("parent_id"), "position": _value("position")}
        return self._once(("insert_line", field), lambda: sa.insert(table).values(values))

    def delete_lines(self, field: str) -> Prepared:
        """Delete all rows of a line table of the record `p_id`."""
        table = self.tables.lines[field]
        return self._once(
            ("delete_lines", field),
            lambda: sa.delete(table).where(table.c.parent_id == sa.bindparam("p_id", required=True)),
        )

    def index_search(self) -> tuple[Prepared, ...]:
        """Write the search terms `p_terms` of the record `p_id`."""
        name = self.tables.main.name
        if self.dialect == "sqlite":
            table = self.tables.search_table
            return (
                self._once("search_off", lambda: sa.text(
                    f"DELETE FROM {table} WHERE rowid = (SELECT rowno FROM {name} WHERE id = :p_id)").bindparams(
                        sa.bindparam("p_id", required=True))),
                self.insert_search(),
            )  # fmt: skip
        return (
            self._once("search_on", lambda: sa.text(
                f"UPDATE {name} SET search = CAST(:p_terms AS tsvector) WHERE id = :p_id").bindparams(
                    sa.bindparam("p_id", required=True), sa.bindparam("p_terms", required=True))),
        )  # fmt: skip

    def insert_search(self) -> Prepared:
        """SQLite: add the search terms of a record that has none yet."""
        name, table = self.tables.main.name, self.tables.search_table
        return self._once("search_on", lambda: sa.text(
            f"INSERT INTO {table}(rowid, terms) SELECT rowno, :p_terms FROM {name} WHERE id = :p_id").bindparams(
                sa.bindparam("p_id", required=True), sa.bindparam("p_terms", required=True)))  # fmt: skip

    def _once(self, key: object, build: Any) -> Prepared:
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = prepare(build(), self.dialect)
        return found


def _value(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"v_{column_name(name)}", required=True)
