"""What a plan does to the data that is there: each change of a field counted, graded, and turned into operations.

The order inside the transaction is: names and columns, conversions, what fills empty places, what is worked out, and
only then indexes and kept totals.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Invalid
from fairlead.base.ids import new_id
from fairlead.compiled.application import Application
from fairlead.compiled.changes import MAX_SAMPLES, Change, Sample, stored_differently
from fairlead.compiled.conversions import NOT_MAPPED, Links, Undecided, link_of, shown, stored_alike
from fairlead.compiled.search import index_terms
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name, lines_name, searchable, table_name
from fairlead.compiled.totals import rebuild_statements
from fairlead.decide.edit import value_of
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Migration
from fairlead.model.workspace import Workspace
from fairlead.store import converting, visits
from fairlead.store.catalogue import Existing
from fairlead.store.converting import Spot
from fairlead.store.database import Tx
from fairlead.store.dropping import Aside, Kept, reserved
from fairlead.store.operations import Operation
from fairlead.store.renaming import Renaming
from fairlead.store.statements import Reads
from fairlead.work import treatments
from fairlead.work.populations import Layout, Population, lines_worked_out
from fairlead.work.treatments import Evidence, Way

At = tuple[str, str]
"""Entity and field; a field of line items is `lines.price`."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Values that a former revision kept aside when it converted a field: they come back on the way back."""

    kept: Kept
    was: Field
    """The field as it was before."""


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
    work = _Work(database, old, app, renaming, now, base, at, earlier, former)
    work.find_treatments(changes := list(changes))
    work.made.changes = [work.graded(one) for one in changes]
    work.finish()
    return work.made


@dataclass(slots=True)
class _Treatment:
    at: At
    after: Field
    before: Field
    spot: Spot
    way: Way
    evidence: Evidence
    beside: str | None = None
    into_lines: str | None = None
    from_lines: str | None = None


@dataclass(slots=True)
class _Fill:
    """How empty places of a field are filled."""

    at: At
    spec: Field
    source: object
    """An expression, or the value itself."""


class _Work:
    def __init__(
        self, database: Reads, old: Workspace | None, app: Application, renaming: Renaming, now: Existing, base: int,
        at: datetime, earlier: Mapping[At, Earlier], former: Callable[[str, str], str],
    ) -> None:  # fmt: skip
        self.database = database
        self.old = old
        self.app = app
        self.renaming = renaming
        self.now = now
        self.revision = base + 1
        self.at = at
        self.earlier = earlier
        self.former = former
        self.made = Study()
        self.treated: dict[At, _Treatment] = {}
        self.fills: dict[At, _Fill] = {}
        self.compute: dict[str, set[str]] = defaultdict(set)
        self.table_before = {new: then for then, new in renaming.tables.items()}
        self.layout = self._layout()
        self.population = Population(database, app, at, self.layout)

    # ------------------------------------------------------------ where values lie now

    def _layout(self) -> Layout:
        tables: dict[str, str | None] = {}
        columns: dict[At, Spot | None] = {}
        for name, entity in self.app.workspace.entities.items():
            main = table_name(name)
            tables[main] = self._table(main)
            for dotted, spec in _each_field(entity.fields):
                if spec.kind == "table":
                    lines = lines_name(name, spec.name)
                    tables[lines] = self._table(lines)
                elif kind_of(spec).column_type(spec) is not None:
                    columns[name, dotted] = self._spot(name, dotted)
        return Layout(tables, columns, {})

    def _table(self, table: str) -> str | None:
        then = self.table_before.get(table, table)
        if then == table and table in self.renaming.tables:
            return None  # what has this name today goes elsewhere
        return then if then in self.now.columns else None

    def _spot(self, entity: str, dotted: str) -> Spot | None:
        name, _, row = dotted.partition(".")
        place = lines_name(entity, name) if row else table_name(entity)
        column = column_name(row or name)
        table = self._table(place)
        if table is None:
            return None
        names = self.renaming.columns.get(place, {})
        sources = [then for then, new in names.items() if new == column]
        here = sources[0] if sources else column if column not in names else None
        if here is None or here not in self.now.columns[table]:
            return None
        return Spot(table, here, self._table(table_name(entity)) if row else None)

    # ------------------------------------------------------------ fields whose values are converted

    def find_treatments(self, changes: Sequence[Change]) -> None:
        """Try every conversion that the changes ask for, before anything else is looked at."""
        for change in changes:
            if change.question and change.question[0] in ("convert", "option"):
                entity, dotted = change.question[1:3]
                if (entity, dotted) not in self.treated:
                    found = self._treatment(entity, dotted)
                    if found is not None:
                        self.treated[entity, dotted] = found
        decode = {at: _remembered(one.way.decoded) for at, one in self.treated.items() if not one.into_lines}
        self.layout = Layout(self.layout.tables, self.layout.columns, decode)
        self.population = Population(self.database, self.app, self.at, self.layout)

    def _treatment(self, entity: str, dotted: str) -> _Treatment | None:
        assert self.old is not None
        before, after = _field(self.old, entity, dotted), _field(self.app.workspace, entity, dotted)
        if before is None or after is None:
            return None
        if stored_differently(before, after):
            self.made.forms[entity, dotted] = before
        if "table" in (before.kind, after.kind):
            return self._with_lines(entity, dotted, before, after)
        spot = self.layout.columns.get((entity, dotted))
        if spot is None:
            return None
        if after.computed and not before.computed:
            way = Way(before, after, _replaced_by_formula, exact=False, same=False)
        else:
            way = self._way(entity, dotted, before, after)
        beside = None
        found = self.earlier.get((entity, dotted))
        if found is not None and found.kept.column in self.now.columns.get(spot.table, {}):
            beside = found.kept.column
        evidence = treatments.tried(self.database, spot, way, beside)
        self.made.ways[entity, dotted] = way
        return _Treatment((entity, dotted), after, before, spot, way, evidence, beside)

    def _way(self, entity: str, dotted: str, before: Field, after: Field) -> Way:
        how = after.migration
        found = self.earlier.get((entity, dotted))
        if found is None:
            gone = _gone(before, after)
            way = treatments.way(before, after, how, self._links(before, after, how))
            return (
                way if not gone else replace(way, convert=_without(gone, how, after), exact=False, same=False)
            )
        return treatments.way(
            before, after, _backwards(how, before.migration), Links(), was=found.was, back=before.migration
        )

    def _links(self, before: Field, after: Field, how: Migration) -> Links:
        link = link_of(before, after, how)
        if link is None or link.entity not in self.app.entities:
            return Links()
        spec = self.app.entities[link.entity].entity.fields.get(link.field)
        if spec is None or kind_of(spec).column_type(spec) is None:
            return Links()
        found: dict[str, str] = {}
        twice: set[str] = set()
        for one in self.population.each(link.entity, [link.field], condition="deleted_at IS NULL"):
            value = one.record[link.field]
            text = "" if value is None else shown(kind_of(spec).to_stored(value, spec), spec)
            if not text:
                continue
            if link.towards and text in found:
                twice.add(text)
            found[text if link.towards else one.id] = one.id if link.towards else text
        labels = {option.name: option.label.get("en") for option in before.options}
        return Links({text: key for text, key in found.items() if text not in twice}, labels)

    def _with_lines(self, entity: str, dotted: str, before: Field, after: Field) -> _Treatment | None:
        """A single value becomes the only line of line items, or the first line the single value."""
        line = after.migration.line or before.migration.line
        rows = after.fields if after.kind == "table" else before.fields
        stored = [name for name, row in rows.items() if not row.computed]
        name = line or (dotted if dotted in stored else stored[0] if len(stored) == 1 else None)
        row = rows.get(name or "")
        if after.kind == "table":
            spot = self._set_aside_column(entity, dotted)
            if spot is None:
                return None
            way = self._between(before, row, after, stored)
            return _Treatment(
                (entity, dotted),
                after,
                before,
                spot,
                way,
                treatments.tried(self.database, spot, way),
                None,
                name,
            )
        lines = self._set_aside_lines(entity, dotted)
        if lines is None:
            return None
        way = self._between(row, after, after, stored)
        place = column_name(name or stored[0])
        spot = Spot(lines, place, self._table(table_name(entity)))
        evidence = treatments.tried(self.database, spot, way)
        more = converting.count(
            self.database,
            f'SELECT count(*) FROM (SELECT parent_id FROM "{lines}" GROUP BY parent_id HAVING count(*) > 1) AS several',
        )
        if len(rows) > 1 and evidence.total:
            more = max(more, evidence.total)
        if more:
            evidence.lost = more
            evidence.losses = {"dropped": more}
        return _Treatment((entity, dotted), after, before, spot, way, evidence, None, None, name)

    def _between(self, one: Field | None, two: Field | None, after: Field, columns: Sequence[str]) -> Way:
        """Return the way between a single value and a column of line items."""
        if one is None or two is None:
            return _no_line(one or two or after, after, columns)
        return treatments.way(one, two, after.migration, self._links(one, two, after.migration))

    def _set_aside_column(self, entity: str, dotted: str) -> Spot | None:
        """Return the column, as it is called today, of a field that becomes line items and so goes out of sight."""
        table, names = self._table(table_name(entity)), self.renaming.columns.get(table_name(entity), {})
        kept = reserved(self.revision, column_name(self.former(entity, dotted)))
        then = next((old for old, new in names.items() if new == kept), None)
        return None if table is None or then is None else Spot(table, then)

    def _set_aside_lines(self, entity: str, dotted: str) -> str | None:
        kept = lines_name(entity, reserved(self.revision, self.former(entity, dotted)))
        return next((old for old, new in self.renaming.tables.items() if new == kept), None)

    # ------------------------------------------------------------ grades

    def graded(self, change: Change) -> Change:
        """Return a change with its question answered."""
        if not change.question:
            return change
        what, entity, *more = change.question
        ask = getattr(self, f"_ask_{what}", None)
        return change if ask is None else ask(change, entity, *more)

    def _ask_convert(self, change: Change, entity: str, dotted: str) -> Change:
        found = self.treated.get((entity, dotted))
        if found is None:
            after = _field(self.app.workspace, entity, dotted)
            if after is not None and after.computed:
                return self._ask_compute(change, entity, dotted)
            return replace(change, note="no values exist")
        if found.before.computed and not found.after.computed and stored_alike(found.before, found.after):
            return replace(
                change, note="values are kept as they were last worked out", count=found.evidence.total
            )
        evidence = found.evidence
        grade = evidence.grade
        if grade == "computes" and found.way.exact:
            grade = "safe"
        elif grade == "safe" and self._is_work(found):
            grade = "computes"
        if found.after.computed:
            self.compute[entity].add(dotted.partition(".")[0])
        return replace(
            change, grade=grade, note=treatments.said(evidence), count=evidence.total,
            samples=tuple(evidence.samples), remedies=treatments.remedies(evidence),
        )  # fmt: skip

    def _is_work(self, found: _Treatment) -> bool:
        """Whether values are written although each of them is only carried over."""
        if found.after.computed:
            return not self._no_records(found.at[0])
        return bool((found.into_lines or found.from_lines) and found.evidence.total)

    def _ask_option(self, change: Change, entity: str, dotted: str, option: str) -> Change:
        found = self.treated.get((entity, dotted))
        if found is None:
            return change
        holding = [
            (held, made)
            for held, made in _all_held(self.database, found)
            if _holds(held.value, option, found.before)
        ]
        count = sum(held.rows for held, _ in holding)
        if not count:
            return replace(change, count=0)
        in_bin = sum(held.in_bin for held, _ in holding)
        note = f"records that have it: {count:,}" + (
            f", {in_bin:,} of them in the recycle bin" if in_bin else ""
        )
        samples = tuple(
            Sample(key, shown(held.value, found.before))
            for held, _ in holding
            for key in converting.records_with(self.database, found.spot, held.value, MAX_SAMPLES)
        )[:MAX_SAMPLES]
        how = found.after.migration
        if option in how.map or how.on_fail != "block":
            target = how.map.get(option, how.value)
            lost = target is None
            text = "emptied; kept aside" if lost else f"they become {target}"
            return replace(
                change,
                grade="lossy" if lost else "computes",
                note=f"{note}; {text}",
                count=count,
                samples=samples,
            )
        return replace(
            change, grade="blocked", note=f"{note}; set `active: false` instead", count=count, samples=samples,
            remedies=(
                f"`active: false` keeps {option} for the records that have it and offers it to nobody",
                f"`map: {{{option}: other}}` gives them another option, `{{{option}: null}}` none",
            ),
        )  # fmt: skip

    def _ask_empty(self, change: Change, entity: str, dotted: str) -> Change:
        spec = _field(self.app.workspace, entity, dotted)
        if spec is None or self._no_records(entity):
            return change
        how = spec.migration
        source = spec.default if how.backfill_default else how.backfill
        filled, empty, wrong, samples = self._empties(entity, dotted, spec, source)
        if source is not None and filled:
            self.fills[entity, dotted] = _Fill((entity, dotted), spec, source)
        if wrong:
            return replace(
                change, grade="blocked", note=f"records for which `backfill` gives no value of this field: {wrong:,}",
                count=wrong, samples=samples, remedies=("another `backfill`",),
            )  # fmt: skip
        words = [f"records that are filled: {filled:,}"] if filled else []
        grade = "computes" if filled else "safe"
        if not spec.required or not empty:
            if spec.required:
                grade = grade if filled else "tightens"
            return replace(change, grade=grade, note="; ".join(words), count=filled)  # type: ignore[arg-type]
        words.append(f"records that are empty there: {empty:,}")
        if spec.from_now_on:
            words.append("asked for where somebody touches the field or the stage")
            return replace(change, grade="tightens", note="; ".join(words), count=empty, samples=samples)
        return replace(
            change, grade="blocked", note="; ".join(words), count=empty, samples=samples,
            remedies=(
                "`backfill: …`, an expression that fills them",
                "`from_now_on: true`, to ask for it only where somebody touches the field or the stage",
                f"fill them in by hand: /l/{entity}?{dotted}=~",
            ),
        )  # fmt: skip

    def _empties(
        self, entity: str, dotted: str, spec: Field, source: object
    ) -> tuple[int, int, int, tuple[Sample, ...]]:
        """Return how many places are filled, stay empty (live ones), cannot be filled; and some that are empty."""
        filled = empty = wrong = 0
        samples: list[Sample] = []
        bad: list[Sample] = []
        for key, in_bin, record in self._places(self.population, entity, dotted, spec, source):
            if source is not None:
                value, problem = _filled(self.population, spec, source, record)
                if problem is not None:
                    wrong += 1
                    if len(bad) < MAX_SAMPLES:
                        bad.append(Sample(key, problem))
                    continue
                if value is not None:
                    filled += 1
                    continue
            if not in_bin and _visible(self.population, spec, record):
                empty += 1
                if len(samples) < MAX_SAMPLES:
                    samples.append(Sample(key, ""))
        return filled, empty, wrong, tuple(bad or samples)

    @staticmethod
    def _places(
        population: Population, entity: str, dotted: str, spec: Field, source: object
    ) -> Iterator[tuple[str, bool, dict[str, Any]]]:
        """Yield every record, or line, in which a field is empty."""
        name, _, row = dotted.partition(".")
        if row:
            for parent, _, line in population.line_items(entity, name):
                if line.get(row) is None:
                    yield parent, False, line
            return
        reads = {
            path[0] for rule in (source, spec.visible_when) for path in getattr(rule, "uses", ()) if path
        }
        spot = population.spot(entity, dotted)
        plain = spot is not None and (entity, dotted) not in population.layout.decode
        condition = f'"{spot.column}" IS NULL' if plain and spot is not None else ""
        for one in population.each(entity, [dotted, *sorted(reads)], condition=condition):
            if one.record.get(dotted) is None:
                yield one.id, one.in_bin, one.record

    def _ask_doubles(self, change: Change, entity: str, wanted: str) -> Change:
        names = wanted.split(",")
        groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        if not self._no_records(entity):
            fields = self.app.entities[entity].entity.fields
            fills = {name: fill for name in names if (fill := self.fills.get((entity, name)))}
            reads = {path[0] for fill in fills.values() for path in getattr(fill.source, "uses", ()) if path}
            for one in self.population.each(entity, [*names, *sorted(reads)], condition="deleted_at IS NULL"):
                key = []
                for name in names:
                    value = one.record[name]
                    if value is None and name in fills:
                        value, _ = _filled(self.population, fields[name], fills[name].source, one.record)
                    key.append(
                        None if value is None else kind_of(fields[name]).to_stored(value, fields[name])
                    )
                if None not in key:
                    groups[tuple(key)].append(one.id)
        doubles = {key: ids for key, ids in groups.items() if len(ids) > 1}
        if not doubles:
            return change
        fields = self.app.entities[entity].entity.fields
        samples = tuple(
            Sample(
                ids[0], " · ".join(shown(part, fields[name]) for part, name in zip(key, names, strict=True)), None,
                f"{len(ids):,} records: {', '.join(ids[:MAX_SAMPLES])}",
            )
            for key, ids in list(doubles.items())[:MAX_SAMPLES]
        )  # fmt: skip
        records = sum(map(len, doubles.values()))
        return replace(
            change, grade="blocked", count=len(doubles), samples=samples,
            note=f"values that stand in several records: {len(doubles):,}; records: {records:,}; merge them first",
            remedies=("merge the records of each group, or change what stands in them",),
        )  # fmt: skip

    def _ask_violations(self, change: Change, entity: str, number: str) -> Change:
        check = self.app.entities[entity].entity.checks[int(number)]
        if check.on == "create" or self._no_records(entity):
            return change
        names = {path[0] for path in check.rule.uses | check.rule.uses_old if path}
        computed = [name for name in self.population.needed(entity, names) if name not in names]
        samples: list[Sample] = []
        count = 0
        for one in self.population.each(
            entity, [*sorted(names), *sorted(computed)], condition="deleted_at IS NULL"
        ):
            env = replace(self.population.env, old=one.record)
            try:
                broken = check.rule.evaluate(one.record, env) is False
            except Invalid:
                broken = False
            if broken:
                count += 1
                if len(samples) < MAX_SAMPLES:
                    samples.append(
                        Sample(one.id, ", ".join(f"{name}: {one.record[name]}" for name in sorted(names)))
                    )
        if not count:
            return change
        rest = (
            "they may be saved as long as nobody touches what the rule looks at"
            if check.from_now_on
            else "they cannot be saved before they are mended"
        )
        return replace(
            change, note=f"records that break it: {count:,}; {rest}", count=count, samples=tuple(samples)
        )

    def _ask_compute(self, change: Change, entity: str, dotted: str) -> Change:
        if self._no_records(entity):
            return change
        self.compute[entity].add(dotted.partition(".")[0])
        count = self._count(entity)
        return replace(
            change, grade="computes", note=f"records for which it is worked out: {count:,}", count=count
        )

    def _ask_trait(self, change: Change, entity: str, name: str) -> Change:
        if self._no_records(entity) or self.layout.columns.get((entity, name)) is not None:
            return change
        given = self.app.entities[entity].entity.backfill
        spec = self.app.entities[entity].entity.fields[name]
        count = self._count(entity)
        if name == "stage":
            self.fills[entity, name] = _Fill((entity, name), spec, given.get(name) or spec.default)
            note = f"records that begin in a stage: {count:,}"
            return replace(change, grade="computes", note=note, count=count)
        if name not in given:
            return replace(
                change, grade="blocked", count=count, note=f"records that would belong to nobody: {count:,}",
                remedies=(
                    "`backfill: {owner: record.created_by}` in the entity, or another expression that gives a person",
                    "`backfill: {owner: null}`, when nobody shall own them",
                ),
            )  # fmt: skip
        if given[name] is None:
            return replace(change, note=f"records without an owner: {count:,}", count=count)
        self.fills[entity, name] = _Fill((entity, name), spec, given[name])
        filled, empty, wrong, samples = self._empties(entity, name, spec, given[name])
        note = f"records that get an owner: {filled:,}" + (f"; without one: {empty:,}" if empty else "")
        if wrong:
            return replace(
                change, grade="blocked", note=f"`backfill` gives no person: {wrong:,}", samples=samples
            )
        return replace(change, grade="computes", note=note, count=filled)

    def _ask_indexed(self, change: Change, entity: str) -> Change:
        count = self._count(entity)
        if not count:
            return change
        wait = max(1, round(count / 200_000))
        note = f"built over {count:,} records, about {wait} s, in which nobody writes there"
        return replace(change, note=note, count=count)

    def _ask_in_stage(self, change: Change, entity: str, stage: str) -> Change:
        pipeline = self.app.workspace.pipeline_of(entity)
        mapped = pipeline.map if pipeline is not None else {}
        return self._ask_moved(
            change, entity, "stage", stage, mapped, "records that stand in it", "move them first"
        )

    def _ask_pooled(self, change: Change, entity: str, pool: str) -> Change:
        mapped = self.app.workspace.map.get("pool", {})
        return self._ask_moved(
            change, entity, "pool", pool, mapped, "records that lie in it", "move them first"
        )

    def _ask_moved(
        self,
        change: Change,
        entity: str,
        column: str,
        name: str,
        mapped: Mapping[str, str | None],
        what: str,
        how: str,
    ) -> Change:
        spot = self.layout.columns.get((entity, column))
        if spot is None:
            return change
        found = [held for held in converting.held(self.database, spot) if held.value == name]
        count, in_bin = sum(held.rows for held in found), sum(held.in_bin for held in found)
        if name in mapped:
            self.made.dirty[entity].add(column)
            self.made.operations.append(_moved_on(entity, column, name, mapped[name]))
            note = f"{what}: {count:,}; they go on in {mapped[name] or 'none'}"
            return replace(
                change, grade="computes" if count else "safe", note=note if count else "", count=count
            )
        if not count:
            return change
        note = (
            f"{what}: {count:,}" + (f", {in_bin:,} of them in the recycle bin" if in_bin else "") + f"; {how}"
        )
        samples = tuple(
            Sample(key, name) for key in converting.records_with(self.database, spot, name, MAX_SAMPLES)
        )
        remedy = f"`map: {{{name}: other}}`" + (" in the pipeline" if column == "stage" else " under `pool` in fairlead.yaml")  # fmt: skip
        return replace(
            change, grade="blocked", note=note, count=count, samples=samples, remedies=(remedy, how)
        )

    def _ask_records(self, change: Change, entity: str) -> Change:
        table = table_name(entity)
        if table not in self.now.columns:
            return change
        count = converting.count(self.database, f'SELECT count(*) FROM "{table}" WHERE deleted_at IS NULL')
        return _counted(change, count, "records")

    def _ask_values(self, change: Change, entity: str, dotted: str) -> Change:
        name, _, row = dotted.partition(".")
        main = self._table(table_name(entity))
        if main is None:
            return change
        lines = f"{main}__{name}"
        if not row and lines in self.now.columns:
            return _counted(
                change, converting.count(self.database, f'SELECT count(*) FROM "{lines}"'), "lines"
            )
        table, column = (lines if row else main), column_name(row or name)
        spec = _field(self.old, entity, dotted) if self.old is not None else None
        if spec is None or column not in self.now.columns.get(table, {}):
            return change
        spot = Spot(table, column, main if row else None)
        held = converting.held(self.database, spot)
        samples = [
            Sample(key, shown(one.value, spec))
            for one in held[:MAX_SAMPLES]
            for key in converting.records_with(self.database, spot, one.value, MAX_SAMPLES)
        ]
        counted = _counted(change, sum(one.rows for one in held), "values")
        return replace(counted, samples=tuple(samples[:MAX_SAMPLES]))

    def _ask_running(self, change: Change, flow: str) -> Change:
        count = converting.count(
            self.database,
            "SELECT count(*) FROM sys_approval WHERE flow = :p_flow AND state IN ('running', 'returned', 'suspended')",
            p_flow=flow,
        )
        return _counted(change, count, "approvals under way", "they finish as they began")

    def _ask_people(self, change: Change, role: str) -> Change:
        mapped = self.app.workspace.map.get("role", {})
        sql = "SELECT id, username, roles FROM sys_user WHERE roles LIKE '%\"' || :p_role || '\"%' ORDER BY username"
        found = self.database.all(
            converting.statement(sql, self.database.dialect, "p_role"), {"p_role": role}
        )
        active = converting.count(
            self.database,
            "SELECT count(*) FROM sys_user WHERE active AND roles LIKE '%\"' || :p_role || '\"%'",
            p_role=role,
        )
        if role in mapped:
            self.made.operations.append(_other_role(role, mapped[role]))
            note = f"people who have it: {len(found):,}; they get {mapped[role] or 'nothing'} in its place"
            return replace(change, note=note if found else "", count=len(found))

        if not active:
            return change
        return replace(
            change, grade="blocked", count=active,
            note=f"people who have it: {active:,}; give them another role first",
            samples=tuple(Sample(str(row[0]), str(row[1])) for row in found[:MAX_SAMPLES]),
            remedies=(f"`map: {{role: {{{role}: other}}}}` in fairlead.yaml", "give them another role first"),
        )  # fmt: skip

    # ------------------------------------------------------------ operations

    def finish(self) -> None:
        """Turn what was found into operations, in the order in which they build on each other."""
        moves, self.made.operations = self.made.operations, []
        for found in self.treated.values():
            if found.evidence.grade != "blocked":
                self._convert(found)
        for fill in self.fills.values():
            self._fill(fill)
        self.made.operations += moves
        self._work_out()
        self._index_words()

    def _convert(self, found: _Treatment) -> None:
        entity, dotted = found.at
        name, _, row = dotted.partition(".")
        what = f"{entity}.{dotted}"
        change = treatments.checked(found.way, what, lossy=found.evidence.lost > 0)
        if found.into_lines or found.from_lines:
            self._convert_lines(found, change)
            return
        table = lines_name(entity, name) if row else table_name(entity)
        column = column_name(row or name)
        if found.before.computed and stored_alike(found.before, found.after):
            return
        if not found.after.computed and not found.evidence.changed and not found.way.another_column:
            return
        self.made.dirty[entity].add(name)
        if (found.way.exact or _only_mapped(found)) and not found.beside and not found.way.another_column:
            self._operation("convert_values", table, column, _rewrite(table, column, column, change, None))
            return
        kept = reserved(self.revision, column)
        self.made.columns.setdefault(table, {})[found.spot.column] = kept
        self.made.aside.append(Aside(what, table, kept, "converted"))
        if not found.after.computed:
            self._operation(
                "convert_values", table, column, _rewrite(table, kept, column, change, found.beside)
            )

    def _convert_lines(self, found: _Treatment, change: Any) -> None:
        entity, dotted = found.at
        self.made.dirty[entity].add(dotted)
        main, kept = table_name(entity), reserved(self.revision, self.former(entity, dotted))
        if found.into_lines:
            lines = lines_name(entity, dotted)
            aside = reserved(self.revision, column_name(self.former(entity, dotted)))
            target = column_name(found.into_lines)
            self._operation("convert_values", lines, target, _into_lines(main, aside, lines, target, change))
        else:
            lines = lines_name(entity, kept)
            source, target = column_name(found.from_lines or ""), column_name(dotted)
            self._operation("convert_values", main, target, _from_lines(lines, source, main, target, change))

    def _operation(self, kind: Any, table: str, column: str, run: Callable[[Tx], None]) -> None:
        sql = f'UPDATE "{table}" SET "{column}" = :value WHERE id = :id'
        self.made.operations.append(Operation(kind, table, f"{table}.{column}", sql, run))

    def _fill(self, fill: _Fill) -> None:
        entity, dotted = fill.at
        name, _, row = dotted.partition(".")
        table, column = lines_name(entity, name) if row else table_name(entity), column_name(row or name)
        app, at, kind = self.app, self.at, kind_of(fill.spec)
        self.made.dirty[entity].add(name)

        def run(tx: Tx) -> None:
            population = Population(tx, app, at)

            def values() -> Iterator[tuple[str, Any]]:
                for key, record in _places_to_fill(population, entity, dotted, fill):
                    value, problem = _filled(population, fill.spec, fill.source, record)
                    if problem is not None:
                        raise treatments.data_changed(f"{entity}.{dotted}: {problem}")
                    if value is not None:
                        yield key, kind.to_stored(value, fill.spec)

            made = list(values())
            converting.write(tx, table, column, made)
            if fill.spec.origin == "trait":
                _trait_begins(tx, entity, name, table, made, iso_utc(at))

        self._operation("fill_values", table, column, run)

    def _work_out(self) -> None:
        """Work out again every computed field that reads what has changed, over other computed fields too."""
        again = True
        lines: set[At] = set()
        while again:
            again = False
            for name, compiled in self.app.entities.items():
                for spec in compiled.entity.fields.values():
                    if (
                        spec.kind == "table"
                        and (name, spec.name) not in lines
                        and self._line_stale(name, spec)
                    ):
                        lines.add((name, spec.name))
                        self.made.dirty[name].add(spec.name)
                        again = True
                    if spec.computed and spec.name not in self.compute[name] and self._stale(name, spec):
                        self.compute[name].add(spec.name)
                        again = True
        for entity, name in sorted(lines):
            if not self._no_records(entity):
                self._work_out_lines(entity, name)
        for entity in sorted(self.compute):
            computed = {one for one in self.compute[entity] if self.app.entities[entity].field(one).computed}
            self.made.dirty[entity] |= computed
            if computed and not self._no_records(entity):
                table = table_name(entity)
                run = _worked_out(self.app, entity, computed, self.at)
                self._operation("recompute_values", table, ", ".join(sorted(computed)), run)

    def _stale(self, entity: str, spec: Field) -> bool:
        dirty = self.made.dirty.get(entity, set()) | self.compute.get(entity, set())
        if spec.rollup is not None:
            return spec.rollup.source in dirty
        if spec.formula is None:
            return False
        for path in spec.formula.uses:
            if path and path[0] in dirty:
                return True
            if len(path) > 1:
                there = self.app.entities[entity].entity.fields.get(path[0])
                target = str(there.params.get("entity", "")) if there is not None else ""
                if path[1] in self.made.dirty.get(target, set()) | self.compute.get(target, set()):
                    return True
        return False

    def _line_stale(self, entity: str, table: Field) -> bool:
        changed = {
            at[1].partition(".")[2]
            for at in [*self.treated, *self.fills]
            if at[0] == entity and at[1].startswith(f"{table.name}.")
        }
        asked = table.name in self.compute.get(entity, set())
        formulas = [row for row in table.fields.values() if row.formula is not None]
        reads = {path[0] for row in formulas for path in (row.formula.uses if row.formula else ()) if path}
        whole = self.treated.get((entity, table.name))
        return bool(formulas) and (
            asked or bool(reads & changed) or (whole is not None and whole.into_lines is not None)
        )

    def _work_out_lines(self, entity: str, name: str) -> None:
        spec, app, at = self.app.entities[entity].field(name), self.app, self.at
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
        for name, compiled in self.app.entities.items():
            was = self.old.entities.get(name) if self.old is not None else None
            if was is None or self._no_records(name):
                continue
            before = {one.name for one in searchable(was)}
            if before != set(compiled.search_fields) or self.made.dirty.get(name, set()) & set(
                compiled.search_fields
            ):
                self._operation(
                    "recompute_values", table_name(name), "search", _indexed(self.app, name, self.at)
                )

    # ------------------------------------------------------------ small things

    def _no_records(self, entity: str) -> bool:
        return not self._count(entity)

    def _count(self, entity: str) -> int:
        table = self.layout.tables.get(table_name(entity))
        return 0 if table is None else converting.count(self.database, f'SELECT count(*) FROM "{table}"')


def _counted(change: Change, count: int, what: str, rest: str = "") -> Change:
    if not count:
        return replace(change, count=0)
    note = "; ".join(filter(None, (f"{what}: {count:,}", rest, change.note)))
    return replace(change, note=note, count=count)


def _each_field(fields: Mapping[str, Field]) -> Iterator[tuple[str, Field]]:
    for name, spec in fields.items():
        yield name, spec
        for row in spec.fields.values():
            yield f"{name}.{row.name}", row


def _field(workspace: Workspace, entity: str, dotted: str) -> Field | None:
    found = workspace.entities.get(entity)
    name, _, row = dotted.partition(".")
    spec = found.fields.get(name) if found is not None else None
    return spec.fields.get(row) if row and spec is not None else spec


def _remembered(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    known: dict[Any, Any] = {}

    def find(stored: Any) -> Any:
        if stored not in known:
            known[stored] = decode(stored)
        return known[stored]

    return find


def _gone(before: Field, after: Field) -> frozenset[str]:
    """Return the options that a choice loses."""
    if before.kind != after.kind or before.kind not in ("choice", "multi_choice"):
        return frozenset()
    return frozenset(one.name for one in before.options) - {one.name for one in after.options}


def _holds(value: Any, option: str, spec: Field) -> bool:
    if spec.kind == "multi_choice":
        return option in (kind_of(spec).from_stored(value, spec) or ())
    return bool(value == option)


def _without(gone: frozenset[str], how: Migration, after: Field) -> Callable[[Any], Any]:
    """Return what becomes of a choice that has lost options: by the map, or it does not fit."""
    kind = kind_of(after)
    several = after.kind == "multi_choice"

    def convert(stored: Any) -> tuple[Any, Any]:
        items = (kind.from_stored(stored, after) or ()) if several else (stored,)
        if not gone & set(items):
            return stored, ""
        kept: list[Any] = []
        loss = ""
        for item in items:
            if item not in gone:
                kept.append(item)
            elif item not in how.map:
                raise FieldProblem("not_an_option", NOT_MAPPED)
            elif how.map[item] is None:
                loss = "dropped"
            else:
                kept.append(how.map[item])
        if several:
            return kind.to_stored(tuple(dict.fromkeys(kept)), after), loss
        return (kept[0] if kept else None), loss

    return convert


def _only_mapped(found: _Treatment) -> bool:
    """Whether every option that goes is replaced by another, so that nothing has to be kept aside."""
    return bool(_gone(found.before, found.after)) and not found.evidence.lost


def _all_held(where: Reads, found: _Treatment) -> list[tuple[converting.Held, Any]]:
    return [(held, None) for held in converting.held(where, found.spot)]


def _backwards(how: Migration, today: Migration) -> Migration:
    """Return how values go back: what the documents that come back say, else what the way here was."""
    rate = how.rate or (None if today.rate is None else 1 / today.rate)
    return replace(
        how, zone=how.zone or today.zone, rounding=how.rounding or "half_even", rate=rate, truncate=True,
        relabel=how.relabel or today.relabel, locale=how.locale or today.locale, pattern=how.pattern or today.pattern,
        on_fail="empty" if how.on_fail == "block" else how.on_fail, match=how.match or today.match,
        map=how.map or {str(new): old for old, new in today.map.items() if new is not None},
    )  # fmt: skip


def _replaced_by_formula(_: Any) -> tuple[Any, Any]:
    return None, "dropped"


def _no_line(before: Field, after: Field, columns: Sequence[str]) -> Way:
    remedy = f"`convert: {{line: {columns[0] if columns else 'FIELD'}}}`, the column of the single value"

    def ask(_: Any) -> tuple[Any, Any]:
        raise Undecided(remedy)

    return Way(before, after, ask, exact=False, same=False)


def _filled(
    population: Population, spec: Field, source: object, record: dict[str, Any]
) -> tuple[Any, str | None]:
    """Return the value that fills an empty place, or why there is none that the field can hold."""
    kind = kind_of(spec)
    try:
        value = value_of(source, record, population.env)
        if value is None:
            return None, None
        return kind.parse(kind.to_json(value, spec), spec), None
    except FieldProblem as problem:
        return None, problem.message.get("en")
    except Invalid as failure:
        return None, failure.message("en")


def _visible(population: Population, spec: Field, record: dict[str, Any]) -> bool:
    return spec.visible_when is None or spec.visible_when.is_true(record, population.env)


def _places_to_fill(
    population: Population, entity: str, dotted: str, fill: _Fill
) -> Iterator[tuple[str, dict[str, Any]]]:
    name, _, row = dotted.partition(".")
    if row:
        yield from (
            (key, line) for _, key, line in population.line_items(entity, name) if line.get(row) is None
        )
        return
    for key, _, record in _Work._places(population, entity, dotted, fill.spec, fill.source):
        yield key, record


def _trait_begins(
    tx: Tx, entity: str, name: str, table: str, made: Sequence[tuple[str, Any]], stamp: str
) -> None:
    """Write what belongs to a field that a trait brings: the team of an owner, the first visit of a stage."""
    if name == "owner":
        tx.ddl(
            f'UPDATE "{table}" SET team = (SELECT m.team_id FROM sys_membership m WHERE m.user_id = "{table}".owner '
            f"AND m.is_primary) WHERE team IS NULL AND owner IS NOT NULL"
        )
        put = f'UPDATE "{table}" SET claimed_at = :p_at WHERE owner IS NOT NULL AND claimed_at IS NULL'
        tx.run(converting.statement(put, tx.dialect, "p_at"), {"p_at": stamp})
    elif name == "stage":
        put = f'UPDATE "{table}" SET stage_entered_at = :p_at WHERE stage IS NOT NULL AND stage_entered_at IS NULL'
        tx.run(converting.statement(put, tx.dialect, "p_at"), {"p_at": stamp})
        for key, stage in made:
            visits.enter(tx, entity, key, str(stage), at=stamp, by="system", reason=None, first=True)


def _rewrite(table: str, source: str, target: str, change: Any, beside: str | None) -> Callable[[Tx], None]:
    def run(tx: Tx) -> None:
        converting.convert(tx, table, source, target, change, beside)

    return run


def _into_lines(main: str, source: str, lines: str, target: str, change: Any) -> Callable[[Tx], None]:
    def run(tx: Tx) -> None:
        put = converting.statement(
            f'INSERT INTO "{lines}" (id, parent_id, position, "{target}") VALUES (:p_id, :p_parent, 0, :p_value)',
            tx.dialect, "p_id", "p_parent", "p_value",
        )  # fmt: skip
        waiting = []
        gone = converting.statement(
            f'DELETE FROM "{lines}" WHERE parent_id = :p_parent', tx.dialect, "p_parent"
        )
        there = _first_lines(tx, lines, target)
        for key, value in converting.rows(tx, main, [source], condition=f'"{source}" IS NOT NULL'):
            made = change(value)
            if key in there:
                # On the way back: lines that still say the same stay as they were.
                if there[key] == made:
                    continue
                tx.run(gone, {"p_parent": key})
            if made is not None:
                waiting.append({"p_id": new_id(), "p_parent": key, "p_value": made})
        if waiting:
            tx.run_many(put, waiting)

    return run


def _from_lines(lines: str, source: str, main: str, target: str, change: Any) -> Callable[[Tx], None]:
    def run(tx: Tx) -> None:
        first = _first_lines(tx, lines, source)
        made = ((parent, change(value)) for parent, value in sorted(first.items()) if value is not None)
        converting.write(tx, main, target, made)

    return run


def _first_lines(tx: Tx, lines: str, column: str) -> dict[str, Any]:
    """Return what stands in the first line of each record."""
    first: dict[str, tuple[int, Any]] = {}
    for _, parent, position, value in converting.rows(tx, lines, ["parent_id", "position", column]):
        if parent not in first or position < first[parent][0]:
            first[parent] = (position, value)
    return {parent: value for parent, (_, value) in first.items()}


def _moved_on(entity: str, column: str, name: str, other: str | None) -> Operation:
    table = table_name(entity)

    def run(tx: Tx) -> None:
        put = converting.statement(
            f'UPDATE "{table}" SET "{column}" = :p_other WHERE "{column}" = :p_name',
            tx.dialect,
            "p_other",
            "p_name",
        )
        tx.run(put, {"p_other": other, "p_name": name})
        if column == "stage":
            # Where a record stood stays as it was; where it stands has another name now.
            stay = (
                "UPDATE sys_stage_visit SET stage = :p_other "
                "WHERE entity = :p_entity AND stage = :p_name AND left_at IS NULL"
            )
            tx.run(
                converting.statement(stay, tx.dialect, "p_other", "p_entity", "p_name"),
                {"p_other": other, "p_entity": entity, "p_name": name},
            )

    sql = f'UPDATE "{table}" SET "{column}" = :other WHERE "{column}" = :name'
    return Operation("fill_values", table, f"{table}.{column}", sql, run)


def _other_role(role: str, other: str | None) -> Operation:
    def run(tx: Tx) -> None:
        find = converting.statement(
            "SELECT id, roles FROM sys_user WHERE roles LIKE '%\"' || :p_role || '\"%'", tx.dialect, "p_role"
        )
        made = []
        for key, roles in tx.all(find, {"p_role": role}):
            names = [other if one == role else one for one in json.loads(roles)]
            made.append((str(key), json.dumps(list(dict.fromkeys(one for one in names if one)))))
        converting.write(tx, "sys_user", "roles", made)

    return Operation(
        "fill_values",
        "sys_user",
        "sys_user.roles",
        'UPDATE "sys_user" SET roles = :roles WHERE id = :id',
        run,
    )


def _worked_out(app: Application, entity: str, computed: set[str], at: datetime) -> Callable[[Tx], None]:
    compiled = app.entities[entity]
    table = table_name(entity)

    def run(tx: Tx) -> None:
        population = Population(tx, app, at)
        needed = sorted(population.needed(entity, computed))
        changed: dict[str, list[tuple[str, Any]]] = {name: [] for name in computed}
        for one in population.each(entity, needed):
            before = {name: one.record[name] for name in computed}
            population.worked_out(entity, one.record, computed)
            for name in computed:
                if one.record[name] != before[name]:
                    spec, value = compiled.field(name), one.record[name]
                    changed[name].append(
                        (one.id, None if value is None else kind_of(spec).to_stored(value, spec))
                    )
        for name, made in changed.items():
            converting.write(tx, table, column_name(name), made)

    return run


def _indexed(app: Application, entity: str, at: datetime) -> Callable[[Tx], None]:
    compiled = app.entities[entity]

    def run(tx: Tx) -> None:
        for one in Population(tx, app, at).each(entity, compiled.search_fields):
            texts = []
            for name in compiled.search_fields:
                spec, value = compiled.field(name), one.record[name]
                if value is not None and (text := kind_of(spec).search_text(value, spec)):
                    texts.append(text)
            params = {"p_id": one.id, "p_terms": index_terms(texts, tx.dialect)}
            for statement in compiled.writes.index_search():
                tx.run(statement, params)

    return run
