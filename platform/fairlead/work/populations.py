"""Records as a new configuration sees them: before anything of it is written, and in the transaction that writes it.

Before, a field's values lie under its former name and in its former form; `Layout` says where, and what makes them
values of today's field. Afterwards every field lies where its own document says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fairlead.base.errors import Invalid
from fairlead.compiled.application import Application, CompiledEntity, computed_order
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.decide.edit import compute
from fairlead.expr.evaluate import Env
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import converting, people
from fairlead.store.converting import Spot
from fairlead.store.statements import Reads

Record = Mapping[str, Any]
Decode = Callable[[Any], Any]
"""Stored value that is not empty → domain value."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the values of today's fields lie. A field of line items is `lines.price`; None lies nowhere."""

    tables: Mapping[str, str | None]
    """Table of the new configuration → the one that is there."""
    columns: Mapping[tuple[str, str], Spot | None]
    """Entity and field → column, where it is not the field's own."""
    decode: Mapping[tuple[str, str], Decode] = field(default_factory=dict)


AS_WRITTEN = Layout({}, {})
"""Every field in its own column: as it is once a plan has been carried out."""


@dataclass(frozen=True, slots=True)
class Found:
    """One record, as rules see it."""

    id: str
    in_bin: bool
    record: dict[str, Any]


class Population:
    """The records of a database, read for the rules of `app`."""

    def __init__(self, where: Reads, app: Application, now: datetime, layout: Layout = AS_WRITTEN) -> None:
        self.where = where
        self.app = app
        self.layout = layout
        self._met: dict[tuple[str, str], Record | None] = {}
        zone = app.workspace.zone
        self.env = Env.at(now, zone=zone, calendar=app.workspace.working_calendar(), resolve=self.resolve)

    # ------------------------------------------------------------ where things are

    def table(self, table: str) -> str | None:
        """Return the table that holds what will be in `table`; None when there is none yet."""
        return self.layout.tables.get(table, table)

    def spot(self, entity: str, dotted: str) -> Spot | None:
        """Return the column in which a field's values lie; None when there are none."""
        if (entity, dotted) in self.layout.columns:
            return self.layout.columns[entity, dotted]
        name, _, row = dotted.partition(".")
        main = table_name(entity)
        if row:
            return Spot(lines_name(entity, name), column_name(row), main)
        return Spot(main, column_name(name))

    def decode(self, entity: str, dotted: str, spec: Field) -> Decode:
        """Return what makes a domain value of a stored one."""
        own = self.layout.decode.get((entity, dotted))
        if own is not None:
            return own
        kind = kind_of(spec)
        return lambda stored: kind.from_stored(stored, spec)

    # ------------------------------------------------------------ records

    def each(self, entity: str, names: Iterable[str], *, condition: str = "") -> Iterator[Found]:
        """Yield the records of an entity with the fields `names`, line items included; those in the bin too.

        Args:
            condition: SQL over the table that is there.
        """
        compiled = self.app.entities[entity]
        table = self.table(table_name(entity))
        if table is None:
            return
        wanted = [name for name in dict.fromkeys(names) if name in compiled.entity.fields]
        lines = {name: self._lines(compiled, name) for name in wanted if compiled.field(name).kind == "table"}
        columns: list[str] = []
        steps: list[tuple[str, Decode]] = []
        for name in wanted:
            spot = None if name in lines else self.spot(entity, name)
            if spot is not None and compiled.tables.columns.get(name) is not None:
                columns.append(spot.column)
                steps.append((name, self.decode(entity, name, compiled.field(name))))
        blank = dict.fromkeys(wanted)
        for key, deleted, *values in converting.rows(
            self.where, table, ["deleted_at", *columns], condition=condition
        ):
            record = {**blank, "id": key}
            for (name, decode), value in zip(steps, values, strict=True):
                record[name] = None if value is None else decode(value)
            for name, of in lines.items():
                record[name] = tuple(of.get(str(key), ()))
            yield Found(str(key), deleted is not None, record)

    def _lines(self, compiled: CompiledEntity, name: str) -> Mapping[str, list[Record]]:
        found: dict[str, list[Record]] = defaultdict(list)
        for parent, _, row in self.line_items(compiled.name, name):
            found[parent].append(row)
        return found

    def line_items(self, entity: str, name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Yield key of the record, key of the line, and the line, in the order of each record."""
        spec = self.app.entities[entity].field(name)
        table = self.table(lines_name(entity, name))
        if table is None:
            return
        columns, steps = [], []
        for row in spec.fields.values():
            spot = self.spot(entity, f"{name}.{row.name}")
            if spot is not None and kind_of(row).column_type(row) is not None:
                columns.append(spot.column)
                steps.append((row.name, self.decode(entity, f"{name}.{row.name}", row)))
        blank = dict.fromkeys(spec.fields)
        items = []
        for key, parent, position, *values in converting.rows(
            self.where, table, ["parent_id", "position", *columns]
        ):
            made = dict(blank)
            for (row_name, decode), value in zip(steps, values, strict=True):
                made[row_name] = None if value is None else decode(value)
            items.append((str(parent), int(position), str(key), made))
        for parent, _, key, made in sorted(items, key=lambda item: item[:3]):
            yield parent, key, made

    def resolve(self, entity: str, key: str) -> Record | None:
        """Return the record behind a reference."""
        mark = (entity, key)
        if mark not in self._met:
            self._met[mark] = self._read(entity, key)
        return self._met[mark]

    def _read(self, entity: str, key: str) -> Record | None:
        if entity == "user":
            return people.user_facts(self.where, key)
        if entity == "team":
            return people.team_facts(self.where, key)
        compiled = self.app.entities.get(entity)
        table = self.table(table_name(entity)) if compiled else None
        if compiled is None or table is None:
            return None
        names = [name for name in compiled.tables.columns if self.spot(entity, name) is not None]
        columns = "".join(f', "{spot.column}"' for name in names if (spot := self.spot(entity, name)))
        sql = f'SELECT id{columns} FROM "{table}" WHERE id = :p_id AND deleted_at IS NULL'
        row = self.where.one(converting.statement(sql, self.where.dialect, "p_id"), {"p_id": key})
        if row is None:
            return None
        found: dict[str, Any] = {**dict.fromkeys(compiled.entity.fields), "id": key}
        for name, value in zip(names, row[1:], strict=True):
            if value is not None:
                found[name] = self.decode(entity, name, compiled.field(name))(value)
        return found

    # ------------------------------------------------------------ values worked out

    def needed(self, entity: str, computed: Iterable[str]) -> set[str]:
        """Return every field that computed fields read, over other computed fields too."""
        fields = self.app.entities[entity].entity.fields
        found: set[str] = set()
        todo = list(computed)
        while todo:
            name = todo.pop()
            if name in found or name not in fields:
                continue
            found.add(name)
            spec = fields[name]
            if spec.formula is not None:
                todo += [path[0] for path in spec.formula.uses if path]
            if spec.rollup is not None:
                todo.append(spec.rollup.source)
        return found

    def worked_out(self, entity: str, record: dict[str, Any], computed: Iterable[str]) -> None:
        """Fill the computed fields of a record, in the order in which they depend on each other."""
        compiled = self.app.entities[entity]
        wanted = set(computed)
        for name in compiled.formulas:
            if name in wanted:
                spec = compiled.field(name)
                try:
                    record[name] = compute(spec, record, record, self.env)
                    if record[name] is not None:
                        kind_of(spec).to_stored(record[name], spec)
                except (FieldProblem, Invalid):
                    record[name] = None


def lines_worked_out(spec: Field, row: dict[str, Any], env: Env) -> None:
    """Fill the computed columns of one line."""
    for name in computed_order(spec.fields):
        formula = spec.fields[name].formula
        if formula is not None:
            row[name] = formula.evaluate(row, env)
