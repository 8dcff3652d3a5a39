"""What a plan takes out of sight, and what it brings back: which columns and tables belong to which field (CF-40).

A field has the column that it had before, under whatever name, or one that was kept aside and is asked back by `was` or
by a rollback, or a new one that is empty. A column that merely has the right name is never taken for its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from fairlead.base.texts import Label, joined
from fairlead.compiled.application import Application
from fairlead.compiled.changes import Change
from fairlead.compiled.tables import build_tables, column_name, lines_name, table_name
from fairlead.config.load import load
from fairlead.config.mentions import Target
from fairlead.config.renamed import Rename
from fairlead.config.source import SourceTree
from fairlead.fields.kind import both
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.workspace import Workspace
from fairlead.store import dropping, revisions
from fairlead.store.catalogue import Existing, family
from fairlead.store.dropping import Aside, Kept, former, is_reserved, reserved
from fairlead.store.renaming import OF_ENTITIES, Renaming, Values
from fairlead.store.statements import Reads

_GIVES_WAY = both(
    "gives way to what had this name before; kept aside, unseen", "让位于此前同名的内容；另行保存，不再可见"
)


@dataclass(slots=True)
class Moved:
    """What goes out of sight and what comes back, as it is added to the renames of a plan."""

    revision: int
    tables: dict[str, str] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    values: list[Values] = field(default_factory=list)
    totals: set[str] = field(default_factory=set)
    bare: set[str] = field(default_factory=set)
    """Tables, by their reserved names, whose indexes serve nobody any more."""
    identities: list[tuple[Target, Target]] = field(default_factory=list)
    aside: list[Aside] = field(default_factory=list)
    restored: list[Kept] = field(default_factory=list)
    displaced: list[Change] = field(default_factory=list)
    """What documents cannot tell apart: an earlier field or entity comes back where another has its name today."""
    notes: dict[Target, Label] = field(default_factory=dict)
    """Path of a field or entity of the new documents → what is to be said about its values."""

    def added_to(self, renaming: Renaming) -> Renaming:
        """Return the renames with these."""
        columns = {table: dict(names) for table, names in renaming.columns.items()}
        for table, names in self.columns.items():
            columns[table] = {**columns.get(table, {}), **names}
        return Renaming(
            {**renaming.tables, **self.tables},
            columns,
            _together([*renaming.values, *self.values]),
            renaming.totals | self.totals,
            frozenset(self.bare),
        )

    def noted(self, changes: Sequence[Change], days: int) -> tuple[Change, ...]:
        """Return the changes of a plan with a word about the values that go out of sight or come back.

        Args:
            days: How long dropped values are kept before they may be purged.
        """
        gone = {old for old, new in self.identities if is_reserved(new[-1])}
        until = both(
            f"kept for {days} days; once purged they cannot come back", f"保存 {days} 天；清除后无法恢复"
        )
        found = []
        for one in changes:
            note = self.notes.get(one.path) if one.action == "add" else None
            if one.action == "remove" and one.path in gone:
                note = until
            found.append(replace(one, note=joined((one.note, note))) if note else one)
        return tuple(found)


def moved(
    where: Reads,
    *,
    before: Workspace | None,
    app: Application,
    renames: Sequence[Rename],
    renaming: Renaming,
    now: Existing,
    base: int,
    ways_back: Mapping[Target, Target],
) -> Moved:
    """Return what goes out of sight and what comes back when `app` takes the place of `before`.

    Args:
        renames: What has another name in `app`.
        renaming: What that means for the tables.
        base: The revision in force; 0 when there is none.
        ways_back: On a rollback: path in the documents that come back → path of today.
    """
    work = _Work(where, before, app, renames, renaming, now, base + 1)
    work.bring_back(ways_back)
    if not ways_back:
        work.bring_back_by_was()
    work.set_aside()
    work.clear_the_way()
    return work.made


class _Work:
    def __init__(
        self,
        where: Reads,
        before: Workspace | None,
        app: Application,
        renames: Sequence[Rename],
        renaming: Renaming,
        now: Existing,
        revision: int,
    ) -> None:
        self.where = where
        self.before = before
        self.app = app
        self.after = app.workspace
        self.by_old = {one.old: one.new for one in renames}
        self.by_new = {one.new: one.old for one in renames}
        self.renaming = renaming
        self.now = now
        self.made = Moved(revision)
        self.claimed: set[Target] = set()
        self.kept = {(one.table, one.column): one for one in dropping.everything(where)}
        self.workspaces: dict[int, Workspace | None] = {}

    # ------------------------------------------------------------ names

    def forth(self, path: Target) -> Target:
        return _replaced(path, self.by_old)

    def back(self, path: Target) -> Target:
        return _replaced(path, self.by_new)

    def table_then(self, table: str) -> str:
        """Return what a table of now is called after this plan."""
        return {**self.renaming.tables, **self.made.tables}.get(table, table)

    # ------------------------------------------------------------ what comes back

    def bring_back(self, ways: Mapping[Target, Target]) -> None:
        for wanted, today in sorted(ways.items(), key=lambda pair: len(pair[0])):
            if is_reserved(today[-1]):
                self._back(wanted, today)
            elif is_reserved(today[1]) and ("entity", wanted[1]) in self.claimed:
                self._renamed_inside(wanted, today)

    def bring_back_by_was(self) -> None:
        entities = self.before.entities if self.before else {}
        for name, entity in self.after.entities.items():
            if self.back(("entity", name))[1] not in entities:
                self._asked(("entity", name), entity.was, entities)
                continue
            here = ("entity", name)
            old = entities[self.back(here)[1]]
            for path, spec in _fields(entity):
                if _find(old, self.back(path)) is None:
                    self._asked(path, spec.was, entities)

    def _asked(self, path: Target, was: Sequence[str], entities: Mapping[str, Entity]) -> None:
        for one in reversed(was):
            today = (*self.back(path)[:-1], one)
            if len(path) == 2 and one in entities:
                continue
            found = [
                (kept.revision, kept)
                for kept in self.kept.values()
                if kept.restored_in is None and kept.reason == "dropped" and _stands_for(kept, today)
            ]
            if found:
                revision = max(found, key=lambda pair: pair[0])[0]
                self._back(path, (*today[:-1], reserved(revision, one)))
                return

    def _back(self, wanted: Target, today: Target) -> None:
        if len(wanted) == 2:
            self._entity_back(wanted, today)
            return
        spec = _find(self.after.entities.get(wanted[1]), wanted)
        table, column = _place(today, spec)
        kept = self.kept.get((table, column))
        if spec is None or _storage(spec) is None or kept is None:
            return
        if kept.purged_at is not None:
            self.made.notes[wanted] = _purged(kept)
            return
        if table not in self.now.columns or (column is not None and column not in self.now.columns[table]):
            return
        was = self._as_dropped(kept)
        if was is not None and not _alike(was, spec):
            self.made.notes[wanted] = both(
                f"the values kept since revision {kept.revision} are of another type and stay aside",
                f"自版本 {kept.revision} 起另存的值类型不同，继续另行保存",
            )
            return
        self.claimed.add(wanted)
        self._claim(kept, wanted, today)
        if column is None:
            self.made.tables[table] = lines_name(wanted[1], wanted[3])
        else:
            self._column(_place(wanted, spec)[0], column, column_name(wanted[-1]))
        self._sequence(today, wanted, spec)

    def _entity_back(self, wanted: Target, today: Target) -> None:
        entity = self.after.entities.get(wanted[1])
        main = table_name(today[1])
        kept = self.kept.get((main, None))
        if entity is None or kept is None:
            return
        if kept.purged_at is not None:
            self.made.notes[wanted] = _purged(kept)
            return
        if main not in self.now.columns:
            return
        self.claimed.add(wanted)
        self._claim(kept, wanted, today)
        for table in self._tables_of(today[1]):
            new = _of_entity(table, today[1], wanted[1])
            self.made.tables[table] = new
            if (table, None) in self.kept and table != main:
                self.made.restored.append(self.kept[table, None])
        self._rows_of_engine(today[1], wanted[1])

    def _renamed_inside(self, wanted: Target, today: Target) -> None:
        """Give a field of an entity that comes back the name it has in the documents that come back."""
        spec = _find(self.after.entities[wanted[1]], wanted)
        if spec is None or _storage(spec) is None:
            return
        table, column = _place(today, spec)
        if column is None:
            self.made.tables[table] = lines_name(wanted[1], wanted[3])
        elif column in self.now.columns.get(table, {}):
            self._column(_place(wanted, spec)[0], column, column_name(wanted[-1]))

    def _claim(self, kept: Kept, wanted: Target, today: Target) -> None:
        self.made.restored.append(kept)
        self.made.identities.append((today, wanted))
        self.made.notes[wanted] = both(
            f"comes back with what it held until revision {kept.revision}",
            f"恢复版本 {kept.revision} 之前的内容",
        )

    def _as_dropped(self, kept: Kept) -> Field | None:
        """Return a field as it was when it was dropped."""
        before = kept.revision - 1
        if before not in self.workspaces:
            files = revisions.files(self.where, before)
            self.workspaces[before] = load(SourceTree.from_mapping(files)).workspace if files else None
        workspace = self.workspaces[before]
        name, *inner = kept.name.split(".")
        path = ("entity", name, *(part for one in inner for part in ("fields", one)))
        return _find(workspace.entities.get(name), path) if workspace else None

    # ------------------------------------------------------------ what goes

    def set_aside(self) -> None:
        for name, entity in (self.before.entities if self.before else {}).items():
            path = self.forth(("entity", name))
            if path[1] not in self.after.entities or path in self.claimed:
                if path[1] in self.after.entities:
                    self._displaced(path, entity, self.after.entities[path[1]], ("records", name))
                self._entity_aside(name)
                continue
            for old, spec in _fields(entity):
                if _storage(spec) is None:
                    continue
                new = self.forth(old)
                found = None if new in self.claimed else _find(self.after.entities[new[1]], new)
                outer = _find(self.after.entities[new[1]], new[:4])
                if len(new) > 4 and (outer is None or _storage(outer) != "table"):
                    continue  # the whole line table goes
                if found is None or (
                    _storage(found) != _storage(spec) and "table" in (_storage(found), _storage(spec))
                ):
                    if new in self.claimed and outer is not None:
                        here = _find(self.after.entities[new[1]], new)
                        asked = ("values", new[1], ".".join(new[3::2]))
                        if here is not None:
                            self._displaced(new, spec, here, asked)
                    self._field_aside(old, new, spec)

    def _displaced(
        self, path: Target, was: Field | Entity, now: Field | Entity, question: tuple[str, ...]
    ) -> None:
        """Say that what has a name today gives way to what had it before (CF-20, CF-50)."""
        self.made.displaced += [
            Change("remove", path, "lossy", None, None, was.span, _GIVES_WAY, question),
            Change("add", path, "safe", None, None, now.span),
        ]

    def _entity_aside(self, name: str) -> None:
        new = reserved(self.made.revision, name)
        self.made.totals.add(f"t_{name}")
        for table in self._tables_of(name):
            then = _of_entity(table, name, new)
            self._table(table, then, Aside(name, then, None))
        self.made.identities.append((("entity", name), ("entity", new)))
        self._rows_of_engine(name, new)

    def _field_aside(self, old: Target, new: Target, spec: Field) -> None:
        table, column = _place(old, spec)
        if table not in self.now.columns or (column is not None and column not in self.now.columns[table]):
            return
        name = ".".join(part for part in (old[1], *old[3::2]))
        then = (*new[:-1], reserved(self.made.revision, old[-1]))
        self.made.identities.append((old, then))
        if column is None:
            place = lines_name(then[1], then[3])
            self._table(table, place, Aside(name, place, None))
        else:
            kept = reserved(self.made.revision, column)
            place = self.table_then(table)
            self._column(place, column, kept)
            self.made.aside.append(Aside(name, place, kept))
        self._sequence(old, then, spec)

    def clear_the_way(self) -> None:
        """Keep aside what stands, without being theirs, where new fields and entities will be."""
        owned = self._owned()
        coming = {*self.made.tables.values(), *self.renaming.tables.values()}
        for table in self.app.tables.metadata.sorted_tables:
            if not table.name.startswith("e_"):
                continue
            if table.name not in owned:
                if table.name in self.now.columns and self.table_then(table.name) == table.name:
                    self._foreign_table(table.name)
                if table.name not in coming:
                    continue
            source = next((old for old in self.now.columns if self.table_then(old) == table.name), None)
            have = self.now.columns.get(source or "", {})
            leaving = {**self.renaming.columns.get(table.name, {}), **self.made.columns.get(table.name, {})}
            arriving = set(leaving.values())
            for column in table.columns:
                if column.name not in have or column.name in leaving:
                    continue
                other = table.name not in owned and have[column.name] != family(str(column.type))
                if other or column.name in arriving or column.name not in owned.get(table.name, have):
                    kept = reserved(self.made.revision, column.name)
                    self._column(table.name, column.name, kept)
                    name = f"{table.name.removeprefix('e_').replace('__', '.')}.{column.name}"
                    self.made.aside.append(Aside(name, table.name, kept, "foreign"))

    def _foreign_table(self, table: str) -> None:
        kept = f"e_{reserved(self.made.revision, table.removeprefix('e_'))}"
        self._table(table, kept, Aside(table.removeprefix("e_"), kept, None, "foreign"))

    def _owned(self) -> dict[str, set[str]]:
        """Return the tables and columns that the revision in force has, by the names of after this plan."""
        if self.before is None:
            return {}
        found = {}
        for table in build_tables(self.before, self.app.dialect).metadata.sorted_tables:
            then = self.table_then(table.name)
            names = self.renaming.columns.get(then, {})
            found[then] = {names.get(column.name, column.name) for column in table.columns}
        return found

    # ------------------------------------------------------------ parts

    def _table(self, old: str, new: str, aside: Aside) -> None:
        self.made.tables[old] = new
        self.made.bare.add(new)
        self.made.aside.append(aside)

    def _column(self, table: str, old: str, new: str) -> None:
        self.made.columns.setdefault(table, {})[old] = new

    def _tables_of(self, entity: str) -> list[str]:
        main = table_name(entity)
        return sorted(
            table
            for table in self.now.columns
            if table in (main, f"s_{entity}") or table.startswith(f"{main}__")
        )

    def _rows_of_engine(self, old: str, new: str) -> None:
        self.made.values += [Values(table, "entity", {old: new}) for table in OF_ENTITIES]

    def _sequence(self, old: Target, new: Target, spec: Field) -> None:
        if spec.kind == "sequence":
            self.made.values.append(
                Values("sys_sequence", "name", {f"{old[1]}.{old[3]}": f"{new[1]}.{new[3]}"})
            )


def _together(values: Sequence[Values]) -> tuple[Values, ...]:
    """Return the same with all names of one column written at once: one after the other would meet each other."""
    found: dict[tuple[str, str, str, str], Values] = {}
    for one in values:
        key = (one.table, one.column, one.form, one.where)
        found[key] = replace(one, names={**(found[key].names if key in found else {}), **one.names})
    return tuple(found.values())


def _replaced(path: Target, names: Mapping[Target, Target]) -> Target:
    for length in range(len(path), 0, -1):
        if path[:length] in names:
            return (*names[path[:length]], *path[length:])
    return path


def _fields(entity: Entity) -> Iterator[tuple[Target, Field]]:
    """Yield every field with its path, those of line tables after the table."""
    for spec in entity.fields.values():
        path = ("entity", entity.name, "fields", spec.name)
        yield path, spec
        for row in spec.fields.values():
            yield (*path, "fields", row.name), row


def _find(entity: Entity | None, path: Target) -> Field | None:
    """Return the field at `path`, None when there is none."""
    if entity is None:
        return None
    found = entity.fields.get(path[3])
    if found is not None and len(path) > 5:
        return found.fields.get(path[5])
    return found


def _storage(spec: Field) -> str | None:
    if spec.kind == "table":
        return "table"
    return "column" if kind_of(spec).column_type(spec) is not None else None


def _alike(one: Field, two: Field) -> bool:
    """Whether values that were written for `one` are values of `two`."""
    texts = ("text", "long_text")
    if one.kind != two.kind:
        return one.kind in texts and two.kind in texts
    if one.kind == "table":
        return True
    first, second = kind_of(one).expr_type(one), kind_of(two).expr_type(two)
    pointed = [(each.params.get("entity"), each.params.get("entities")) for each in (one, two)]
    return (first.scale, first.currency, pointed[0]) == (second.scale, second.currency, pointed[1])


def _place(path: Target, spec: Field | None) -> tuple[str, str | None]:
    """Return the table and the column of a field; of a line field its table alone."""
    if len(path) > 5:
        return lines_name(path[1], path[3]), _column_of(path[5])
    if spec is not None and spec.kind == "table":
        return lines_name(path[1], path[3]), None
    return table_name(path[1]), _column_of(path[3])


def _column_of(name: str) -> str:
    found = former(name)
    return name[: len(name) - len(found)] + column_name(found)


def _of_entity(table: str, old: str, new: str) -> str:
    """Return the name of a table of the entity `old` when the entity is called `new`."""
    head = table[:2]
    return f"{head}{new}{table[2 + len(old) :]}"


def _stands_for(kept: Kept, path: Target) -> bool:
    """Whether what lies aside is what `path` once named, in the table that is there today."""
    if len(path) == 2:
        return kept.column is None and kept.table == table_name(reserved(kept.revision, path[-1]))
    aside = (*path[:-1], reserved(kept.revision, path[-1]))
    return (kept.table, kept.column) in (
        (table_name(path[1]), _column_of(aside[3])) if len(path) == 4 else ("", None),
        (lines_name(aside[1], aside[3]), None if len(path) == 4 else _column_of(aside[-1])),
    )


def _purged(kept: Kept) -> Label:
    return both(
        f"what it held until revision {kept.revision} was purged at {kept.purged_at} by {kept.purged_by}: "
        "it begins empty",
        f"版本 {kept.revision} 之前的内容已由 {kept.purged_by} 于 {kept.purged_at} 清除，将从空白开始",
    )
