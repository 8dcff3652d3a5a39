"""What a plan does to the data that is there: each change of a field counted, graded, and turned into operations.

The order inside the transaction is: names and columns, conversions, what fills empty places, what is worked out, and
only then indexes and kept totals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.compiled.application import Application
from fairlead.compiled.changes import Change
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name, lines_name, searchable, table_name
from fairlead.compiled.totals import rebuild_statements
from fairlead.fields.kind import both
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.workspace import Workspace
from fairlead.store import converting
from fairlead.store.catalogue import Existing
from fairlead.store.database import Tx
from fairlead.store.dropping import Aside, reserved
from fairlead.store.operations import Operation
from fairlead.store.renaming import Renaming
from fairlead.store.statements import Reads
from fairlead.work import treatments
from fairlead.work.grounds import At, Earlier, Fill, Ground, Treatment, options_gone
from fairlead.work.populations import Population, lines_worked_out
from fairlead.work.questions import graded
from fairlead.work.rewriting import (
    empty_places,
    filled,
    from_lines,
    indexed,
    into_lines,
    rewrite,
    trait_begins,
    worked_out,
)
from fairlead.work.treatments import Way


@dataclass(slots=True)
class Study:
    """What a plan does to data, as it is added to the rest of the plan."""

    changes: list[Change] = field(default_factory=list)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    """Table → column → the name under which its values are kept aside."""
    aside: list[Aside] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    dirty: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Entity → fields whose stored values change."""
    forms: dict[At, Field] = field(default_factory=dict)
    """Fields that are of another kind afterwards, as they were before."""
    ways: dict[At, Way] = field(default_factory=dict)

    def carried(self) -> dict[At, Callable[[object], object]]:
        """Return how values that are kept elsewhere, as JSON, become values of the new kind of their field."""
        return {at: one.carried for at, one in self.ways.items()}

    def added_to(self, renaming: Renaming) -> Renaming:
        """Return the renames with the columns that are kept aside."""
        columns = {table: dict(names) for table, names in renaming.columns.items()}
        for table, names in self.columns.items():
            columns[table] = {**columns.get(table, {}), **names}
        return replace(renaming, columns=columns)

    def arranged(self, app: Application, structure: Sequence[Operation]) -> list[Operation]:
        """Return the operations on tables with those on values in their place among them."""
        late = ("create_index", "rebuild_totals")
        before = [one for one in structure if one.kind not in late]
        after = [one for one in structure if one.kind in late]
        remade = {one.table for one in after if one.kind == "rebuild_totals"}
        return [*before, *self.operations, *after, *_totals(app, self.dirty, remade)]


def _totals(app: Application, dirty: Mapping[str, set[str]], remade: set[str]) -> list[Operation]:
    found = []
    for name, changed in sorted(dirty.items()):
        for totals in app.entities[name].totals if name in app.entities else ():
            if totals.reads & changed and totals.table.name not in remade:
                for one in rebuild_statements(totals, app.entities[name].tables):
                    sql = prepare(one, app.dialect).sql
                    found.append(Operation("rebuild_totals", totals.table.name, name, sql))
    return found


def study(
    database: Reads,
    *,
    old: Workspace | None,
    app: Application,
    changes: Iterable[Change],
    renaming: Renaming,
    now: Existing,
    base: int,
    at: datetime,
    earlier: Mapping[At, Earlier],
    former: Callable[[str, str], str],
) -> Study:
    """Return what becomes of the data; writes nothing.

    Args:
        old: The workspace in force under the names of the new one.
        changes: What differs, with its questions.
        renaming: What has another name, goes out of sight, or comes back.
        base: The revision in force; 0 when there is none.
        at: The instant that expressions see.
        earlier: On the way back: what was kept aside by conversions that are now undone.
        former: Entity and field of today → the name that the field had.
    """
    ground = Ground(database, old, app, renaming, now, base, at, earlier, former)
    ground.find_treatments(changes := list(changes))
    answered = [graded(ground, one) for one in changes]
    work = _Operations(ground)
    work.made.changes = answered
    work.finish()
    return work.made


class _Operations:
    """Turns what was found into operations, in the order in which they build on each other."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.made = Study(forms=ground.forms, ways=ground.ways, dirty=ground.dirty)

    def finish(self) -> None:
        """Turn what was found into operations, in the order in which they build on each other."""
        for found in self.ground.treated.values():
            if found.evidence.grade != "blocked":
                self._convert(found)
        for fill in self.ground.fills.values():
            self._fill(fill)
        self.made.operations += self.ground.moves
        self._work_out()
        self._index_words()

    def _convert(self, found: Treatment) -> None:
        entity, dotted = found.at
        name, _, row = dotted.partition(".")
        what = f"{entity}.{dotted}"
        change = treatments.checked(found.way, what, lossy=found.evidence.lost > 0)
        if found.into_lines or found.from_lines:
            self._convert_lines(found, change)
            return
        table = lines_name(entity, name) if row else table_name(entity)
        column = column_name(row or name)
        if found.frozen:
            return
        if not found.after.computed and not found.evidence.changed and not found.way.another_column:
            return
        self.made.dirty[entity].add(name)
        if (found.way.exact or _only_mapped(found)) and not found.beside and not found.way.another_column:
            self._operation("convert_values", table, column, rewrite(table, column, column, change, None))
            return
        kept = reserved(self.ground.revision, column)
        self.made.columns.setdefault(table, {})[found.spot.column] = kept
        self.made.aside.append(Aside(what, table, kept, "converted"))
        if not found.after.computed:
            self._operation(
                "convert_values", table, column, rewrite(table, kept, column, change, found.beside)
            )

    def _convert_lines(self, found: Treatment, change: Any) -> None:
        entity, dotted = found.at
        self.made.dirty[entity].add(dotted)
        main, kept = table_name(entity), reserved(self.ground.revision, self.ground.former(entity, dotted))
        if found.into_lines:
            lines = lines_name(entity, dotted)
            aside = reserved(self.ground.revision, column_name(self.ground.former(entity, dotted)))
            target = column_name(found.into_lines)
            self._operation("convert_values", lines, target, into_lines(main, aside, lines, target, change))
        else:
            lines = lines_name(entity, kept)
            source, target = column_name(found.from_lines or ""), column_name(dotted)
            self._operation("convert_values", main, target, from_lines(lines, source, main, target, change))

    def _operation(self, kind: Any, table: str, column: str, run: Callable[[Tx], None]) -> None:
        sql = f'UPDATE "{table}" SET "{column}" = :value WHERE id = :id'
        self.made.operations.append(Operation(kind, table, f"{table}.{column}", sql, run))

    def _fill(self, fill: Fill) -> None:
        entity, dotted = fill.at
        name, _, row = dotted.partition(".")
        table, column = lines_name(entity, name) if row else table_name(entity), column_name(row or name)
        app, at, kind = self.ground.app, self.ground.at, kind_of(fill.spec)
        self.made.dirty[entity].add(name)

        def run(tx: Tx) -> None:
            population = Population(tx, app, at)

            def values() -> Iterator[tuple[str, Any]]:
                for key, record in _places_to_fill(population, entity, dotted, fill):
                    value, problem = filled(population, fill.spec, fill.source, record)
                    if problem is not None:
                        said = both(
                            f"{entity}.{dotted}: {problem.get('en')}",
                            f"{entity}.{dotted}：{problem.get('zh')}",
                        )
                        raise treatments.data_changed(said)
                    if value is not None:
                        yield key, kind.to_stored(value, fill.spec)

            made = list(values())
            converting.write(tx, table, column, made)
            if fill.spec.origin == "trait":
                trait_begins(tx, entity, name, table, made, iso_utc(at))

        self._operation("fill_values", table, column, run)

    def _work_out(self) -> None:
        """Work out again every computed field that reads what has changed, over other computed fields too."""
        again = True
        lines: set[At] = set()
        while again:
            again = False
            for name, compiled in self.ground.app.entities.items():
                for spec in compiled.entity.fields.values():
                    if (
                        spec.kind == "table"
                        and (name, spec.name) not in lines
                        and self._line_stale(name, spec)
                    ):
                        lines.add((name, spec.name))
                        self.made.dirty[name].add(spec.name)
                        again = True
                    if (
                        spec.computed
                        and spec.name not in self.ground.compute[name]
                        and self._stale(name, spec)
                    ):
                        self.ground.compute[name].add(spec.name)
                        again = True
        for entity, name in sorted(lines):
            if not self.ground.no_records(entity):
                self._work_out_lines(entity, name)
        for entity in sorted(self.ground.compute):
            computed = {
                one
                for one in self.ground.compute[entity]
                if self.ground.app.entities[entity].field(one).computed
            }
            self.made.dirty[entity] |= computed
            if computed and not self.ground.no_records(entity):
                table = table_name(entity)
                run = worked_out(self.ground.app, entity, computed, self.ground.at)
                self._operation("recompute_values", table, ", ".join(sorted(computed)), run)

    def _stale(self, entity: str, spec: Field) -> bool:
        dirty = self.made.dirty.get(entity, set()) | self.ground.compute.get(entity, set())
        if spec.rollup is not None:
            return spec.rollup.source in dirty
        if spec.formula is None:
            return False
        for path in spec.formula.uses:
            if path and path[0] in dirty:
                return True
            if len(path) > 1:
                there = self.ground.app.entities[entity].entity.fields.get(path[0])
                target = str(there.params.get("entity", "")) if there is not None else ""
                if path[1] in self.made.dirty.get(target, set()) | self.ground.compute.get(target, set()):
                    return True
        return False

    def _line_stale(self, entity: str, table: Field) -> bool:
        changed = {
            at[1].partition(".")[2]
            for at in [*self.ground.treated, *self.ground.fills]
            if at[0] == entity and at[1].startswith(f"{table.name}.")
        }
        asked = table.name in self.ground.compute.get(entity, set())
        formulas = [row for row in table.fields.values() if row.formula is not None]
        reads = {path[0] for row in formulas for path in (row.formula.uses if row.formula else ()) if path}
        whole = self.ground.treated.get((entity, table.name))
        return bool(formulas) and (
            asked or bool(reads & changed) or (whole is not None and whole.into_lines is not None)
        )

    def _work_out_lines(self, entity: str, name: str) -> None:
        spec, app, at = self.ground.app.entities[entity].field(name), self.ground.app, self.ground.at
        table = lines_name(entity, name)
        computed = [row for row in spec.fields.values() if row.formula is not None]

        def run(tx: Tx) -> None:
            population = Population(tx, app, at)
            made: dict[str, list[tuple[str, Any]]] = {row.name: [] for row in computed}
            for _, key, line in population.line_items(entity, name):
                lines_worked_out(spec, line, population.env)
                for row in computed:
                    value = line[row.name]
                    made[row.name].append(
                        (key, None if value is None else kind_of(row).to_stored(value, row))
                    )
            for row in computed:
                converting.write(tx, table, column_name(row.name), made[row.name])

        self._operation("recompute_values", table, ", ".join(row.name for row in computed), run)

    def _index_words(self) -> None:
        """Make the search terms of a record anew where what is searched has changed."""
        for name, compiled in self.ground.app.entities.items():
            was = self.ground.old.entities.get(name) if self.ground.old is not None else None
            if was is None:
                continue
            words = set(compiled.search_fields)
            other = words != {one.name for one in searchable(was)}
            if (other or words & self.made.dirty.get(name, set())) and not self.ground.no_records(name):
                self._operation(
                    "recompute_values",
                    table_name(name),
                    "search",
                    indexed(self.ground.app, name, self.ground.at),
                )


def _only_mapped(found: Treatment) -> bool:
    """Whether every option that goes is replaced by another, so that nothing has to be kept aside."""
    return bool(options_gone(found.before, found.after)) and not found.evidence.lost


def _places_to_fill(
    population: Population, entity: str, dotted: str, fill: Fill
) -> Iterator[tuple[str, dict[str, Any]]]:
    name, _, row = dotted.partition(".")
    if row:
        yield from (
            (key, line) for _, key, line in population.line_items(entity, name) if line.get(row) is None
        )
        return
    for key, _, record in empty_places(population, entity, dotted, fill.spec, fill.source):
        yield key, record
