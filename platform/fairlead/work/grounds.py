"""Where the values of each field lie before a plan is carried out, and what becomes of those that change their form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from fairlead.compiled.application import Application
from fairlead.compiled.changes import Change, stored_differently
from fairlead.compiled.conversions import NOT_MAPPED, Links, Undecided, link_of, shown, stored_alike
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.fields.kind import FieldProblem, both
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Migration
from fairlead.model.workspace import Workspace
from fairlead.store import converting
from fairlead.store.catalogue import Existing
from fairlead.store.converting import Spot
from fairlead.store.dropping import Kept, reserved
from fairlead.store.operations import Operation
from fairlead.store.renaming import Renaming
from fairlead.store.statements import Reads
from fairlead.work import treatments
from fairlead.work.populations import Layout, Population
from fairlead.work.treatments import Evidence, Way

At = tuple[str, str]
"""Entity and field; a field of line items is `lines.price`."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Values that a former revision kept aside when it converted a field: they come back on the way back."""

    kept: Kept
    past: tuple[tuple[Field, Field], ...]
    """What the field was before and after each conversion since, that one first."""


@dataclass(slots=True)
class Treatment:
    """A field whose values are converted, and what the trial on all of them gave."""

    at: At
    after: Field
    before: Field
    spot: Spot
    way: Way
    evidence: Evidence
    beside: str | None = None
    into_lines: str | None = None
    from_lines: str | None = None

    @property
    def frozen(self) -> bool:
        """Whether a formula goes and its last results stay: nothing else lies aside that could come back."""
        alike = self.before.computed and stored_alike(self.before, self.after)
        return alike and (self.after.computed or self.beside is None)


@dataclass(slots=True)
class Fill:
    """How empty places of a field are filled."""

    at: At
    spec: Field
    source: object
    """An expression, or the value itself."""


class Ground:
    """The data that a plan stands on, and what has been found out about them."""

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
        self.forms: dict[At, Field] = {}
        """Fields that are of another kind afterwards, as they were before."""
        self.ways: dict[At, Way] = {}
        self.moves: list[Operation] = []
        """What takes records and people from something that is gone to what takes its place."""
        self.dirty: dict[str, set[str]] = defaultdict(set)
        """Entity → fields whose stored values change."""
        self.treated: dict[At, Treatment] = {}
        self.fills: dict[At, Fill] = {}
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
            tables[main] = self.table(main)
            for dotted, spec in _each_field(entity.fields):
                if spec.kind == "table":
                    lines = lines_name(name, spec.name)
                    tables[lines] = self.table(lines)
                elif kind_of(spec).column_type(spec) is not None:
                    columns[name, dotted] = self._spot(name, dotted)
        return Layout(tables, columns, {})

    def table(self, table: str) -> str | None:
        then = self.table_before.get(table, table)
        if then == table and table in self.renaming.tables:
            return None  # what has this name today goes elsewhere
        return then if then in self.now.columns else None

    def _spot(self, entity: str, dotted: str) -> Spot | None:
        name, _, row = dotted.partition(".")
        place = lines_name(entity, name) if row else table_name(entity)
        column = column_name(row or name)
        table = self.table(place)
        if table is None:
            return None
        names = self.renaming.columns.get(place, {})
        sources = [then for then, new in names.items() if new == column]
        here = sources[0] if sources else column if column not in names else None
        if here is None or here not in self.now.columns[table]:
            return None
        return Spot(table, here, self.table(table_name(entity)) if row else None)

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

    def _treatment(self, entity: str, dotted: str) -> Treatment | None:
        assert self.old is not None
        before, after = field_at(self.old, entity, dotted), field_at(self.app.workspace, entity, dotted)
        if before is None or after is None:
            return None
        if stored_differently(before, after):
            self.forms[entity, dotted] = before
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
        self.ways[entity, dotted] = way
        return Treatment((entity, dotted), after, before, spot, way, evidence, beside)

    def _way(self, entity: str, dotted: str, before: Field, after: Field) -> Way:
        how = after.migration
        found = self.earlier.get((entity, dotted))
        if found is None:
            gone = options_gone(before, after)
            way = treatments.way(before, after, how, self._links(before, after, how))
            return (
                way if not gone else replace(way, convert=_without(gone, how, after), exact=False, same=False)
            )
        back = treatments.way(before, after, _backwards(how, before.migration), Links(), past=found.past)
        return replace(back, unwritten=before.computed and not after.computed)

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

    def _with_lines(self, entity: str, dotted: str, before: Field, after: Field) -> Treatment | None:
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
            return Treatment(
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
        spot = Spot(lines, place, self.table(table_name(entity)))
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
        return Treatment((entity, dotted), after, before, spot, way, evidence, None, None, name)

    def _between(self, one: Field | None, two: Field | None, after: Field, columns: Sequence[str]) -> Way:
        """Return the way between a single value and a column of line items."""
        if one is None or two is None:
            return _no_line(one or two or after, after, columns)
        return treatments.way(one, two, after.migration, self._links(one, two, after.migration))

    def _set_aside_column(self, entity: str, dotted: str) -> Spot | None:
        """Return the column, as it is called today, of a field that becomes line items and so goes out of sight."""
        table, names = self.table(table_name(entity)), self.renaming.columns.get(table_name(entity), {})
        kept = reserved(self.revision, column_name(self.former(entity, dotted)))
        then = next((old for old, new in names.items() if new == kept), None)
        return None if table is None or then is None else Spot(table, then)

    def _set_aside_lines(self, entity: str, dotted: str) -> str | None:
        kept = lines_name(entity, reserved(self.revision, self.former(entity, dotted)))
        return next((old for old, new in self.renaming.tables.items() if new == kept), None)

    # ------------------------------------------------------------ small things

    def no_records(self, entity: str) -> bool:
        """Say whether there is nothing that a change could touch."""
        table = self.layout.tables.get(table_name(entity))
        return table is None or not converting.some(self.database, table)

    def count(self, entity: str) -> int:
        """Return how many records there are, those in the recycle bin too."""
        table = self.layout.tables.get(table_name(entity))
        return 0 if table is None else converting.count(self.database, f'SELECT count(*) FROM "{table}"')


def _each_field(fields: Mapping[str, Field]) -> Iterator[tuple[str, Field]]:
    for name, spec in fields.items():
        yield name, spec
        for row in spec.fields.values():
            yield f"{name}.{row.name}", row


def field_at(workspace: Workspace, entity: str, dotted: str) -> Field | None:
    """Return a field, or one of line items (`lines.price`); None when there is none."""
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


def options_gone(before: Field, after: Field) -> frozenset[str]:
    """Return the options that a choice loses."""
    if before.kind != after.kind or before.kind not in ("choice", "multi_choice"):
        return frozenset()
    return frozenset(one.name for one in before.options) - {one.name for one in after.options}


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
    column = columns[0] if columns else "FIELD"
    remedy = both(
        f"`convert: {{line: {column}}}`, the column of the single value",
        f"`convert: {{line: {column}}}`，即单个值所在的列",
    )

    def ask(_: Any) -> tuple[Any, Any]:
        raise Undecided(remedy)

    return Way(before, after, ask, exact=False, same=False)
