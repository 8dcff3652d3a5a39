"""The two sides of a comparison: the configuration in force, and another one on the same records.

The other one reads the tables as they are. Where it calls something differently, a view gives it its new name; what
the database does not have yet is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa

from fairlead.base.texts import Label
from fairlead.compiled.application import SYSTEM_ROLES, Application, CompiledEntity, compile_workspace
from fairlead.compiled.clauses import Clauses
from fairlead.compiled.reads import ListShape
from fairlead.compiled.rows import decoder
from fairlead.compiled.tables import EntityTables, Tables, column_name
from fairlead.config.load import Loaded
from fairlead.config.renamed import Rename, detect
from fairlead.decide import edit
from fairlead.fields.spec import Field
from fairlead.store import migrate, people
from fairlead.store.snapshot import Snapshot
from fairlead.store.statements import listed
from fairlead.work import reading, records
from fairlead.work.context import SYSTEM, Actor, Context
from fairlead.work.records import roles_of

PAGE = 500

_WORDS = frozenset({"text", "long_text", "rich_text", "email", "phone", "url", "choice"})
"""Kinds that keep the same text, so that one reads what the other wrote."""


@dataclass(slots=True)
class Sides:
    """Both configurations on one moment of the records.

    Attributes:
        now: The engine under the published configuration.
        then: The engine under the other one.
        viewer: Who asks, under the published configuration: only what he sees is shown.
        empty: What the other configuration has and the database does not.
    """

    snapshot: Snapshot
    now: Context
    then: Context
    viewer: Context
    renames: tuple[Rename, ...]
    empty: list[str] = field(default_factory=list)
    cut: bool = False
    """Whether `pages` left records out because there were too many."""
    _names: dict[str, str] = field(default_factory=dict)
    _locked: dict[str, set[str]] = field(default_factory=dict)

    def new_name(self, *path: str) -> str:
        """Return what the other configuration calls a thing of the published one."""
        return next((one.new[-1] for one in self.renames if one.old == path), path[-1])

    def old_name(self, *path: str) -> str:
        """Return what the published configuration calls a thing of the other one."""
        return next((one.old[-1] for one in self.renames if one.new == path), path[-1])

    # ------------------------------------------------------------ people

    def person(self, id: object, lang: str = "en") -> dict[str, str] | None:
        """Return somebody by id and name; None for nobody."""
        if id is None:
            return None
        key = str(id)
        if key not in self._names:
            label = people.names(self.snapshot, [key]).get(key)
            self._names[key] = label.get(lang) if label is not None else key
        return {"id": key, "name": self._names[key]}

    def acting(self, actor: Actor, *, then: bool) -> Context:
        """Return the context of a person's request under one of the configurations."""
        base = self.then if then else self.now
        return replace(base, actor=self._renamed(actor) if then else actor, door="api", _memo={})

    def _renamed(self, actor: Actor) -> Actor:
        return replace(actor, roles=tuple(self.new_name("role", role) for role in actor.roles))

    # ------------------------------------------------------------ records

    def visible(self, entity: str, ids: Sequence[str]) -> set[str]:
        """Return which records of the published configuration the viewer may see."""
        if self.viewer.actor.is_system:
            return set(ids)
        return records.existing(self.snapshot, self.viewer, entity, ids)

    def pages(self, entity: str, most: int) -> Iterator[list[str]]:
        """Yield the ids of the live records that the viewer may see, oldest first, some hundreds at a time."""
        compiled = self.now.app.entities[entity]
        access = self.now.app.access(entity, roles_of(self.viewer))
        if not access.read:
            return
        statement = self.now.app.statement(
            ("simulated", entity, roles_of(self.viewer)), lambda: _ids(compiled, access.rows())
        )
        after, left = "", most
        while True:
            # One more than is yielded tells whether anything is left.
            size = min(PAGE, left)
            params = {**self.viewer.params(), "p_after": after, "p_limit": size + 1}
            ids = [str(row[0]) for row in self.snapshot.all(statement, params)]
            if ids[:size]:
                yield ids[:size]
            if len(ids) <= size:
                return
            after, left = ids[size - 1] if size else after, left - size
            if left <= 0:
                self.cut = True
                return

    def read(self, entity: str, ids: Sequence[str], *, then: bool) -> dict[str, Mapping[str, Any]]:
        """Return whole records as one of the configurations sees them, lines included.

        Under the other one, `entity` is its new name, and formulas that it has changed are worked out anew.
        """
        ctx = self.then if then else self.now
        compiled = ctx.app.entities[entity]
        reads = ctx.app.reads(entity, SYSTEM_ROLES)
        selected = reads.visible_fields()
        decode = decoder(selected)
        statement = reads.list(ListShape(order=(("id", False),), ids=True))
        params = {**ctx.params(), "p_ids": listed(ids), "p_limit": len(ids)}
        found = {str(row["id"]): dict(row) for row in map(decode, self.snapshot.all(statement, params))}
        for name in compiled.tables.lines:
            lines = records.read_lines(self.snapshot, ctx, compiled, name, list(found))
            for id, record in found.items():
                record[name] = lines.get(id, ())
        if then:
            self._work_out(compiled, found.values())
        return dict(found)

    def one(self, entity: str, id: str, *, then: bool) -> Mapping[str, Any] | None:
        """Return one record as `read` does; None where it is not there any more."""
        return self.read(entity, [id], then=then).get(id)

    def _work_out(self, compiled: CompiledEntity, found: Iterable[dict[str, Any]]) -> None:
        before = self.now.app.entities.get(self.old_name("entity", compiled.name))
        changed = [
            name
            for name in compiled.formulas
            if before is None or _formula(before.entity.fields.get(name)) != _formula(compiled.field(name))
        ]
        if not changed:
            return
        env = self.then.env()
        for record in found:
            lines = {name: record.get(name) or () for name in compiled.tables.lines}
            for name in changed:
                record[name] = edit.compute(compiled.field(name), record, lines, env)

    def translated(self, entity: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a record of the published configuration under the names of the other one; what is new is empty."""
        compiled = self.then.app.entities[self.new_name("entity", entity)]
        moved = {self.new_name("entity", entity, "fields", name): value for name, value in record.items()}
        found = {name: moved.get(name) for name in compiled.entity.fields}
        for name in ("stage", "pool"):
            if found.get(name) is not None:
                options = {option.name for option in compiled.field(name).options}
                ends = [
                    one.new[-1]
                    for one in self.renames
                    if one.old[-1] == found[name] and one.new[-1] in options
                ]
                if found[name] not in options and ends:
                    found[name] = ends[0]
        self._work_out(compiled, [found])
        return found

    def locked(self, entity: str, ids: Sequence[str]) -> set[str]:
        """Return which records an approval holds."""
        if entity not in self._locked:
            main = self.now.app.entities[entity].tables.main
            statement = self.now.app.statement(
                ("simulated locks", entity),
                lambda: sa.select(main.c.id).where(
                    main.c.locked_by.is_not(None), sa.text("deleted_at IS NULL")
                ),
            )
            self._locked[entity] = {str(row[0]) for row in self.snapshot.all(statement)}
        return self._locked[entity] & set(ids)

    def title(self, entity: str, record: Mapping[str, Any]) -> str:
        """Return what a record is called, as far as the viewer may see what it is called by on this very record."""
        id = str(record["id"])
        return reading.titles_of(self.viewer, entity, [id]).get(id, id)


def _ids(compiled: CompiledEntity, predicate: Any) -> sa.Select[Any]:
    main = compiled.tables.main
    statement = sa.select(main.c.id).where(
        sa.text(f"{main.name}.deleted_at IS NULL"), main.c.id > sa.bindparam("p_after", required=True)
    )
    if predicate is not None:
        statement = statement.where(predicate)
    return statement.order_by(main.c.id).limit(sa.bindparam("p_limit", required=True))


def _formula(spec: Field | None) -> tuple[object, ...]:
    if spec is None:
        return ()
    rollup = spec.rollup
    return (spec.formula.text if spec.formula is not None else None, rollup)


# ---------------------------------------------------------------- making both sides


def both_sides(
    snapshot: Snapshot, published: Application, before: Loaded, after: Loaded, viewer: Actor, now: datetime
) -> Sides:
    """Return the published configuration and another one on the records of a snapshot."""
    assert after.workspace is not None
    renames = detect(before.documents, after.documents)
    context = Context(published, snapshot, SYSTEM, now, "system")
    empty: list[str] = []
    plain = compile_workspace(after.workspace, dialect=snapshot.dialect, revision=published.revision)
    tables = _views(plain, published, migrate.existing(snapshot), renames, empty)
    app = replace(
        plain, tables=tables, clauses=Clauses(after.workspace, tables),
        entities={name: replace(one, tables=tables.by_entity[name]) for name, one in plain.entities.items()},
        _access={}, _reads={}, _reports={}, _statements={}, _memo={},
    )  # fmt: skip
    seen_by = replace(context, actor=viewer, door="system" if viewer.is_system else "api", _memo={})
    return Sides(snapshot, context, replace(context, app=app, _memo={}), seen_by, renames, empty)


def _views(
    plain: Application, published: Application, existing: migrate.Existing, renames: tuple[Rename, ...], empty: list[str]
) -> Tables:  # fmt: skip
    maker = _Views(published, existing, {one.new: one.old for one in renames}, empty)
    by_entity = {name: maker.entity(one) for name, one in plain.tables.by_entity.items()}
    return Tables(plain.tables.metadata, plain.tables.dialect, by_entity)


@dataclass(slots=True)
class _Views:
    """Makes, for each table of the other configuration, a view of what the database has."""

    published: Application
    existing: migrate.Existing
    former: Mapping[tuple[str, ...], tuple[str, ...]]
    empty: list[str]

    def entity(self, wanted: EntityTables) -> EntityTables:
        path = ("entity", wanted.entity.name)
        source = self.published.tables.by_entity.get(self.former.get(path, path)[-1])
        fields = None if source is None else source.entity.fields
        main = self._view(
            wanted.main, None if source is None else source.main, path, wanted.entity.fields, fields
        )
        lines, line_columns = {}, {}
        for name, table in wanted.lines.items():
            old = self.former.get((*path, "fields", name), (*path, "fields", name))[-1]
            below = None if source is None else source.lines.get(old)
            rows = None if fields is None or old not in fields else fields[old].fields
            view = self._view(table, below, (*path, "fields", name), wanted.entity.fields[name].fields, rows)
            lines[name] = view
            line_columns[name] = {one: view.c[column_name(one)] for one in wanted.line_columns[name]}
        columns = {name: main.c[column_name(name)] for name in wanted.columns}
        # A view stands wherever a table does that is only read.
        return EntityTables(
            wanted.entity, cast("sa.Table", main), cast("Mapping[str, sa.Column[object]]", columns),
            cast("Mapping[str, sa.Table]", lines),
            cast("Mapping[str, Mapping[str, sa.Column[object]]]", line_columns), wanted.search_table,
        )  # fmt: skip

    def _view(
        self, wanted: sa.Table, source: sa.Table | None, path: tuple[str, ...], fields: Mapping[str, Field],
        before: Mapping[str, Field] | None,
    ) -> sa.Subquery:  # fmt: skip
        there = self.existing.columns.get(source.name, {}) if source is not None else {}
        named = {column_name(name): name for name in fields}
        columns: list[sa.ColumnElement[Any]] = []
        for column in wanted.columns:
            name = named.get(column.name)
            found: sa.ColumnElement[Any] | None
            if name is None:
                known = source is not None and column.name in there
                found = source.c[column.name] if source is not None and known else None
            else:
                found = self._column(source, there, (*path, "fields", name), fields[name], before)
            if found is None:
                columns.append(sa.cast(sa.null(), column.type).label(column.name))
            else:
                columns.append(found.label(column.name))
        statement = sa.select(*columns)
        statement = statement.where(sa.false()) if source is None else statement.select_from(source)
        if source is None:
            self.empty.append(".".join(path[1:]))
        return statement.subquery(wanted.name)

    def _column(
        self, source: sa.Table | None, there: Mapping[str, str], path: tuple[str, ...], spec: Field,
        before: Mapping[str, Field] | None,
    ) -> sa.ColumnElement[Any] | None:  # fmt: skip
        if source is None or before is None:
            return None
        old = self.former.get(path, path)[-1]
        was = before.get(old)
        if was is None or column_name(old) not in there or not self._reads(was, spec):
            # What the engine itself brings (a trait) is told by the trait; formulas are worked out from the record.
            if spec.origin == "document" and not spec.computed:
                self.empty.append(".".join(part for part in path[1:] if part != "fields"))
            return None
        column = self._pointing(source.c[column_name(old)], spec)
        renamed = self._renamed_options(path, spec)
        if not renamed:
            return column
        return sa.case(*((column == one, sa.literal(new)) for one, new in renamed.items()), else_=column)

    def _reads(self, was: Field, spec: Field) -> bool:
        """Say whether what one field wrote is what the other reads."""
        if was.kind != spec.kind:
            return was.kind in _WORDS and spec.kind in _WORDS
        points = spec.params.get("entity"), spec.params.get("entities")
        led = was.params.get("entity"), was.params.get("entities")
        return sorted(self._targets(*points)) == sorted(_listed(*led)) and all(
            was.params.get(key) == spec.params.get(key) for key in ("scale", "currency")
        )

    def _targets(self, entity: str | None, entities: Iterable[str] | None) -> list[str]:
        """Return where a field of the other configuration points to, in the names of the published one."""
        return [self.former.get(("entity", name), ("entity", name))[-1] for name in _listed(entity, entities)]

    def _pointing(self, column: sa.ColumnElement[Any], spec: Field) -> sa.ColumnElement[Any]:
        """Return a column whose values may name an entity that is called differently, as `NAME:…`, under the new name."""
        cases = []
        for name in spec.params.get("entities") or ():
            old = self.former.get(("entity", name), ("entity", name))[-1]
            if old != name:
                rest = sa.func.substr(column, len(old) + 1)
                cases.append((column.like(f"{old}:%"), sa.literal(name).concat(rest)))
        return sa.case(*cases, else_=column) if cases else column

    def _renamed_options(self, path: tuple[str, ...], spec: Field) -> dict[str, str]:
        """Return old name → new name of the options of a field, stages and pools among them."""
        names = {option.name for option in spec.options}
        found = {}
        for new, old in self.former.items():
            mine = (
                new[:-1] == (*path, "options")
                or (new[0] == "options" and len(new) == 3)
                or (new[0] == "pool" and len(new) == 2 and spec.name == "pool")
                or (
                    new[0] == "pipeline"
                    and new[2:3] == ("stages",)
                    and spec.name == "stage"
                    and self._leads(old, path)
                )
            )
            if mine and new[-1] in names and old[-1] not in names:
                found[old[-1]] = new[-1]
        return found

    def _leads(self, pipeline: tuple[str, ...], path: tuple[str, ...]) -> bool:
        """Say whether a pipeline of the published configuration is that of the entity whose field this is."""
        known = self.published.workspace.pipelines.get(pipeline[1])
        entity = self.former.get(path[:2], path[:2])[-1]
        return known is not None and known.entity == entity


def _listed(entity: str | None, entities: Iterable[str] | None) -> list[str]:
    return [*(entities or ()), *([entity] if entity else ())]


def empty_note(sides: Sides) -> Label | None:
    """Return the sentence about what the database does not have yet."""
    if not sides.empty:
        return None
    names = ", ".join(sides.empty[:8]) + (", …" if len(sides.empty) > 8 else "")
    return Label({
        "en": f"Not in the database yet, so empty here: {names}.", "zh": f"数据库中尚无以下内容，按空值处理：{names}。",
    })  # fmt: skip
