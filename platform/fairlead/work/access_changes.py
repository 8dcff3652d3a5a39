"""Who gains and who loses by a new configuration: cell by cell, and counted in the records that are there.

The predicates of both configurations run over the live records for the people who hold each role, with all the roles
they have: who sees something anyway through another role gains nothing. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement, visitors
from sqlalchemy.sql.elements import BindParameter

from fairlead.base.texts import Label
from fairlead.compiled.access import EntityAccess
from fairlead.compiled.application import Application, compile_workspace
from fairlead.compiled.rights import RightChange, compare_rights, same_rights
from fairlead.compiled.statement import dialect_of, prepare
from fairlead.compiled.tables import table_name
from fairlead.config.load import Loaded, load
from fairlead.config.renamed import Rename, under_new_names
from fairlead.config.source import SourceTree
from fairlead.expr.sql import sql_parameters
from fairlead.model.workspace import Workspace
from fairlead.store import people
from fairlead.store.database import Database
from fairlead.store.migrate import Existing
from fairlead.store.people import Account
from fairlead.store.statements import n
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context

PEOPLE = 40
"""For so many holders of a role the records are counted; of more, for the first by name."""

RECORDS = 200_000
"""So many live records are looked at, the newest; of fewer, all."""

LOOKS = 2_000_000
"""So often at most a record is held against somebody's rights for one count, so that a plan takes seconds: for many
people whose rights hang on who they are, fewer records are looked at.
"""

_ACTION_ZH = {
    "read": "查看", "update": "修改", "delete": "删除", "move": "推进", "assign": "分配", "export": "导出", "see": "字段查看",
}  # fmt: skip

_COUNTED = ("read", "update", "delete", "move", "assign", "export")
"""Actions on records that are there. What may be made or brought in is not there yet."""


@dataclass(frozen=True, slots=True)
class Names:
    """What has another name in the new configuration: path under the new name → path under the old one."""

    former: Mapping[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def today(self, kind: str, old: str) -> str:
        """Return the new name of what the database calls `old`."""
        return next((new[1] for new, was in self.former.items() if was == (kind, old)), old)

    def field_today(self, entity: str, old: str) -> str:
        """Return the new name of a field that the database calls `old`; `entity` is its old name too."""
        for new, was in self.former.items():
            if len(was) == 4 and was[:3] == ("entity", entity, "fields") and was[3] == old:
                return new[3]
        return old


@dataclass(frozen=True, slots=True)
class RowsChange:
    """In how many records people with a role gain or lose a right.

    Attributes:
        role: The new name, or the old one of a role that goes; `entity` likewise.
        action: What may be done; with `fields`, seeing those fields in full.
        people: How many hold the role; `asked` of them were counted for.
        gained: Different records in which at least one of them gains the right; `lost` likewise.
        gaining: How many of them gain it anywhere; `losing` likewise.
        most_gained: The most records that one of them gains.
        newest: None when all live records were looked at; else how many, the newest.
    """

    role: str
    entity: str
    action: str
    fields: tuple[str, ...]
    people: int
    asked: int
    gained: int
    lost: int
    gaining: int
    losing: int
    most_gained: int
    most_lost: int
    newest: int | None = None

    def sentences(self, *, fields: str = "") -> tuple[Label, ...]:
        """Return what is gained and what is lost as sentences; `fields` is how people call them."""
        found = []
        for sign, count, concerned, most in (
            ("+", self.gained, self.gaining, self.most_gained), ("-", self.lost, self.losing, self.most_lost),
        ):  # fmt: skip
            if count:
                found.append(self._sentence(sign, count, concerned, most, fields or ", ".join(self.fields)))
        return tuple(found)

    def _sentence(self, sign: str, count: int, concerned: int, most: int, fields: str) -> Label:
        more = sign == "+"
        what = f"{self.action} {fields}" if fields else self.action
        records = "record" if count == 1 else "records"
        en = f"{sign} {what} on {count:,} {'more' if more else 'fewer'} {records}: "
        en += f"{concerned:,} of {self.asked:,} people {'gain' if more else 'lose'}, at most {most:,} for one"
        word = _ACTION_ZH.get(self.action, self.action)
        zh = f"{sign} {'新增' if more else '失去'}{count:,} 条记录的{word}权限{f'（{fields}）' if fields else ''}："
        zh += f"{self.asked:,} 人中 {concerned:,} 人{'增加' if more else '减少'}，单人最多 {most:,} 条"
        if self.asked < self.people:
            en += f"; counted for the first {self.asked:,} of {self.people:,} people"
            zh += f"；仅统计 {self.people:,} 人中的前 {self.asked:,} 人"
        if self.newest is not None:
            en += f"; among the newest {self.newest:,} records"
            zh += f"；仅统计最新的 {self.newest:,} 条记录"
        return Label({"en": en, "zh": zh})


@dataclass(frozen=True, slots=True)
class AccessChanges:
    """Everything about rights that a plan changes. `uncounted` are (role, entity) whose new rule needs tables or columns
    that are not there before it is published.
    """

    rights: tuple[RightChange, ...] = ()
    rows: tuple[RowsChange, ...] = ()
    uncounted: tuple[tuple[str, str], ...] = ()
    holders: Mapping[str, int] = field(default_factory=dict)
    """How many active people hold each role."""

    @property
    def empty(self) -> bool:
        """Whether nobody gains or loses anything."""
        return not (self.rights or self.rows or self.uncounted)

    @property
    def widens(self) -> bool:
        """Whether somebody may do more than before."""
        return any(one.direction != "lost" for one in self.rights) or any(one.gained for one in self.rows)


NOBODY = AccessChanges()
"""Nobody gains or loses anything."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One configuration in force and one to come, in two pairs that each speak of things by the same names.

    Attributes:
        old: The one in force, as the database names things; `old_renamed` says the same under the new names.
        new: The one to come; `new_former` says the same as the database names things today, None where that
            cannot be said.
    """

    old: Workspace
    old_renamed: Workspace
    new: Workspace
    new_former: Workspace | None
    names: Names = Names()


def compare_loaded(
    before: Loaded | None,
    before_renamed: Loaded | None,
    after: Loaded,
    tree: SourceTree,
    renames: Sequence[Rename],
) -> Compared | None:
    """Return two configurations made ready to be compared; None where there is none in force, or it has errors.

    Args:
        before: The one in force; `before_renamed` is the same under the new names.
        after: The one to come, read from `tree`.
        renames: What has another name in it.
    """
    if before is None or before_renamed is None:
        return None
    if before.workspace is None or before_renamed.workspace is None or after.workspace is None:
        return None
    former: Workspace | None = after.workspace
    if renames:
        source = under_new_names(tree, [Rename(one.new, one.old) for one in renames])
        former = load(source).workspace if source is not None else None
    names = Names({one.new: one.old for one in renames})
    return Compared(before.workspace, before_renamed.workspace, after.workspace, former, names)


def access_changes(database: Database, found: Existing, compared: Compared, now: datetime) -> AccessChanges:
    """Return who gains and loses what; reads, never writes.

    Args:
        found: What the database has now.
        compared: Both configurations.
        now: For rules that look at the time.
    """
    accounts = people.accounts(database, active_only=True)
    holders: dict[str, list[Account]] = {}
    for account in accounts:
        for role in account.roles:
            holders.setdefault(role, []).append(account)
    sizes = {compared.names.today("role", role): len(held) for role, held in sorted(holders.items())}
    if _same(compared.old_renamed, compared.new):
        rights: tuple[RightChange, ...] = ()
    else:
        rights = compare_rights(
            compile_workspace(compared.old_renamed, dialect=database.dialect),
            compile_workspace(compared.new, dialect=database.dialect),
        )
    rows, uncounted = _rows(database, found, compared, holders, now)
    return AccessChanges(rights, rows, uncounted, sizes)


def _same(one: Workspace, two: Workspace) -> bool:
    """Say whether every role plainly grants the same."""
    roles = {*one.roles, *two.roles}
    return (
        all(name in one.roles and name in two.roles for name in roles)
        and all(
            one.roles[name].reports == two.roles[name].reports
            and one.roles[name].capabilities == two.roles[name].capabilities
            and one.roles[name].inherits == two.roles[name].inherits
            for name in roles
        )
        and all(
            same_rights(one, two, (name,), entity)
            for name in roles
            for entity in {*one.entities, *two.entities}
        )
    )


# ---------------------------------------------------------------- counted in records


def _rows(
    database: Database,
    found: Existing,
    compared: Compared,
    holders: Mapping[str, Sequence[Account]],
    now: datetime,
) -> tuple[tuple[RowsChange, ...], tuple[tuple[str, str], ...]]:
    old, new = compared.old, compared.new_former
    sets = {account.roles for held in holders.values() for account in held}
    order = list(old.entities)
    touched = [
        entity
        for entity in order
        if table_name(entity) in found.columns
        and (new is None or any(not same_rights(old, new, roles, entity) for roles in sets))
    ]
    if not touched:
        return (), ()
    names = compared.names
    if new is None:
        pairs = {
            (names.today("role", role), names.today("entity", one)) for role in holders for one in touched
        }
        return (), tuple(sorted(pairs))
    counter = _Counter(
        database,
        found,
        compile_workspace(old, dialect=database.dialect),
        compile_workspace(new, dialect=database.dialect),
        now,
    )
    rows: list[RowsChange] = []
    uncounted: list[tuple[str, str]] = []
    for role in [*old.roles, *sorted(set(holders) - set(old.roles))]:
        held = holders.get(role, ())
        for entity in touched:
            if all(same_rights(old, new, one.roles, entity) for one in held):
                continue
            called = names.today("role", role), names.today("entity", entity)
            try:
                made = counter.count(held, entity)
            except _NotThere:
                uncounted.append(called)
                continue
            rows += [
                replace(one, role=called[0], entity=called[1],
                        fields=tuple(names.field_today(entity, path) for path in one.fields))
                for one in made
            ]  # fmt: skip
    return tuple(rows), tuple(uncounted)


class _NotThere(Exception):
    """A rule looks at a table that the database does not have yet."""


Pair = tuple[ColumnElement[bool], ColumnElement[bool]]


class _Counter:
    """Counts records between two applications that speak of things as the database does."""

    def __init__(
        self, database: Database, found: Existing, old: Application, new: Application, now: datetime
    ) -> None:
        self.database, self.found, self.old, self.new, self.now = database, found, old, new, now
        self._newest: dict[tuple[str, int], tuple[str | None, int | None]] = {}
        self._pairs: dict[tuple[str, tuple[str, ...]], list[tuple[str, tuple[str, ...], Pair]]] = {}

    def count(self, held: Sequence[Account], entity: str) -> list[RowsChange]:
        """Return what people who hold one role gain and lose on the records of an entity."""
        asked = list(held)[:PEOPLE]
        rights: dict[tuple[str, tuple[str, ...]], list[tuple[Account, Pair]]] = {}
        for account in asked:
            for action, fields, pair in self._of(entity, account.roles):
                rights.setdefault((action, fields), []).append((account, pair))
        found = []
        for (action, fields), concerned in rights.items():
            one = self._counted(entity, action, fields, concerned)
            if one.gained or one.lost:
                found.append(replace(one, people=len(held), asked=len(asked)))
        return found

    def _of(self, entity: str, roles: tuple[str, ...]) -> list[tuple[str, tuple[str, ...], Pair]]:
        key = entity, roles
        if key not in self._pairs:
            self._pairs[key] = list(self._differing(entity, roles))
        return self._pairs[key]

    def _differing(self, entity: str, roles: tuple[str, ...]) -> Iterable[tuple[str, tuple[str, ...], Pair]]:
        if entity not in self.new.entities:
            one = self.old.access(entity, roles)
            for action in _COUNTED:
                if one.can(action):
                    yield action, (), (self._stored(_effective(one, action)), sa.false())
            return
        one, two = self.old.access(entity, roles), self.new.access(entity, roles)
        for action in _COUNTED:
            pair = self._pair(_effective(one, action), _effective(two, action))
            if pair is not None:
                yield action, (), pair
        by_sql: dict[tuple[str, str], tuple[list[str], Pair]] = {}
        seen = {self._text(_effective(one, "read")), self._text(_effective(two, "read"))}
        for name in self.old.workspace.entities[entity].fields:
            if name not in self.new.workspace.entities[entity].fields:
                continue
            pair = self._pair(_shown(one, name), _shown(two, name))
            if pair is not None:
                texts = self._text(pair[0]), self._text(pair[1])
                # A field that is open wherever the record is has been told of with the record.
                if set(texts) <= seen and name in one.readable and name in two.readable:
                    continue
                by_sql.setdefault(texts, ([], pair))[0].append(name)
        for names, pair in by_sql.values():
            yield "see", tuple(names), pair

    def _pair(self, one: ColumnElement[bool], two: ColumnElement[bool]) -> Pair | None:
        return None if self._text(one) == self._text(two) else (self._stored(one), self._stored(two))

    def _text(self, clause: ColumnElement[bool]) -> str:
        compiled = clause.compile(dialect=dialect_of(self.database.dialect))
        return f"{compiled} {sorted((str(k), str(v)) for k, v in compiled.params.items())}"

    def _stored(self, clause: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return a condition that the database can answer now: a column that is still to come counts as empty.

        Raises:
            _NotThere: It looks at a table that is still to come.
        """
        ours = self.old.tables.metadata.tables

        def known(element: Any, **_: Any) -> Any:
            # Both sides stand in one statement, so they must speak of the very same table.
            if isinstance(element, sa.Table) and element.name in ours:
                return ours[element.name]
            table = _base(element)
            if table is None:
                return None
            if element.name not in self.found.columns[table]:
                return sa.cast(sa.null(), element.type)
            if element.table not in (ours.get(table), None) and isinstance(element.table, sa.Table):
                mine = ours.get(table)
                if mine is not None and element.name in mine.c:
                    return mine.c[element.name]
                name = dialect_of(self.database.dialect).identifier_preparer.quote(element.name)
                return sa.literal_column(f"{table}.{name}", element.type)
            return None

        for element in visitors.iterate(clause):
            if isinstance(element, sa.TableClause) and element.name not in self.found.columns:
                raise _NotThere(element.name)
        done: ColumnElement[bool] = visitors.replacement_traverse(clause, {}, known)
        return done

    def _counted(
        self, entity: str, action: str, fields: tuple[str, ...], concerned: Sequence[tuple[Account, Pair]]
    ) -> RowsChange:
        main = self.old.tables.by_entity[entity].main
        params: dict[str, object] = {}
        # People for whom both conditions say the same thing share one column of the statement.
        groups: dict[object, tuple[int, Pair]] = {}
        for account, pair in concerned:
            names = {name for clause in pair for name in _open(clause)}
            values = self._params(account) if names else {}
            key = (self._text(pair[0]), self._text(pair[1]), tuple(values[name] for name in sorted(names)))
            if key in groups:
                groups[key] = groups[key][0] + 1, groups[key][1]
                continue
            number = len(groups)
            groups[key] = 1, (_numbered(pair[0], number), _numbered(pair[1], number))
            params |= {f"{name}_{number}": values[name] for name in names}
        columns: list[ColumnElement[Any]] = []
        for number, (_, (before, after)) in enumerate(groups.values()):
            columns += [_flag(before).label(f"b{number}"), _flag(after).label(f"a{number}")]
        since, looked = self._boundary(entity, min(RECORDS, LOOKS // len(groups)))
        inner = sa.select(*columns).select_from(main).where(sa.text(f"{main.name}.deleted_at IS NULL"))
        if since is not None:
            inner = inner.where(main.c.id >= sa.bindparam("p_since", required=True, type_=sa.Text()))
            params["p_since"] = since
        rows = inner.subquery()
        gains = [sa.and_(rows.c[f"a{i}"] == 1, rows.c[f"b{i}"] == 0) for i in range(len(groups))]
        losses = [sa.and_(rows.c[f"a{i}"] == 0, rows.c[f"b{i}"] == 1) for i in range(len(groups))]
        wanted = [sa.or_(*gains), sa.or_(*losses), *gains, *losses]
        statement = sa.select(*[sa.func.coalesce(sa.func.sum(_flag(one)), 0) for one in wanted])
        row = self.database.one(prepare(statement, self.database.dialect), params)
        assert row is not None
        gained, lost, *each = (int(value) for value in row)
        sizes = [size for size, _ in groups.values()]
        ups, downs = each[: len(sizes)], each[len(sizes) :]
        return RowsChange(
            "", entity, action, fields, 0, 0, gained, lost,
            sum(size for size, up in zip(sizes, ups, strict=True) if up),
            sum(size for size, down in zip(sizes, downs, strict=True) if down),
            max(ups, default=0), max(downs, default=0), looked,
        )  # fmt: skip

    def _params(self, account: Account) -> dict[str, object]:
        actor = actor_of(account, zone=self.new.workspace.zone)
        return sql_parameters(Context(self.new, self.database, actor, self.now, "system").env())

    def _boundary(self, entity: str, most: int) -> tuple[str | None, int | None]:
        """Return the id from which on records are looked at, and how many those are; None for all."""
        if (entity, most) not in self._newest:
            main = self.old.tables.by_entity[entity].main
            statement: sa.Select[Any] = (
                sa.select(main.c.id)
                .where(sa.text(f"{main.name}.deleted_at IS NULL"))
                .order_by(main.c.id.desc())
                .limit(n("p_limit"))
                .offset(n("p_offset"))
            )
            row = self.database.one(
                prepare(statement, self.database.dialect), {"p_limit": 2, "p_offset": most - 1}
            )
            more = row is not None and self._more(entity, str(row[0]))
            self._newest[entity, most] = (str(row[0]), most) if row is not None and more else (None, None)
        return self._newest[entity, most]

    def _more(self, entity: str, id: str) -> bool:
        main = self.old.tables.by_entity[entity].main
        statement: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
            sa.text(f"{main.name}.deleted_at IS NULL"),
            main.c.id < sa.bindparam("p_id", required=True, type_=sa.Text()),
        )
        return self.database.one(prepare(statement.limit(1), self.database.dialect), {"p_id": id}) is not None


def _effective(access: EntityAccess, action: str) -> ColumnElement[bool]:
    """Return the records on which `action` is really open: they must be seen first."""
    rows = access.rows()
    seen = sa.true() if rows is None else rows
    if action == "read":
        return seen
    allowed = access.row_predicate(action)
    return seen if allowed is None else sa.and_(seen, allowed)


def _shown(access: EntityAccess, name: str) -> ColumnElement[bool]:
    """Return the records on which a field is seen in full."""
    if name not in access.readable:
        return sa.false()
    rows = access.rows((name,))
    return sa.true() if rows is None else rows


def _base(element: Any) -> str | None:
    """Return the name of the database's table that a column belongs to; None for what is no column of one."""
    if not isinstance(element, sa.ColumnClause):
        return None
    table: Any = element.table
    while isinstance(table, sa.Alias):
        table = table.element
    return table.name if isinstance(table, sa.TableClause) else None


def _open(clause: ColumnElement[bool]) -> set[str]:
    return {one.key for one in visitors.iterate(clause) if isinstance(one, BindParameter) and one.required}


def _numbered(clause: ColumnElement[bool], number: int) -> ColumnElement[bool]:
    """Return a condition whose open parameters are those of one person among several."""

    def renamed(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.required:
            return sa.bindparam(f"{element.key}_{number}", required=True, type_=element.type)
        return None

    done: ColumnElement[bool] = visitors.replacement_traverse(clause, {}, renamed)
    return done


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.case((condition, sa.literal_column("1")), else_=sa.literal_column("0"))
