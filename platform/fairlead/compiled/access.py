"""Grants as predicates: who may see and do what, decided in SQL, for every door alike.

Each grant of a role stays together with the fields it opens. A row that two grants reach shows the fields of both; a
row that only one reaches shows that one's. Where all grants open the same fields (the usual case) the predicates
are joined by OR and nothing more is asked per row. The only parameters are `p_user`, `p_now` and `p_today`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.sql import ColumnElement

from fairlead.compiled.clauses import Clauses
from fairlead.compiled.tables import EntityTables
from fairlead.expr.check import Expression
from fairlead.model.entities import Entity
from fairlead.model.governance import ACTIONS, Role, Scope
from fairlead.model.workflows import Pool
from fairlead.model.workspace import Workspace

P_USER = sa.bindparam("p_user", type_=sa.Text(), required=True)

MEMBERSHIP = sa.table("sys_membership", sa.column("user_id"), sa.column("team_id"), sa.column("is_primary"))
OVERSIGHT = sa.table("sys_oversight", sa.column("user_id"), sa.column("team_id"))
TEAM = sa.table("sys_team", sa.column("id"), sa.column("code"))
TASK = sa.table("sys_task", sa.column("approval_id"), sa.column("holder"), sa.column("state"))
APPROVAL = sa.table("sys_approval", sa.column("id"), sa.column("record_id"), sa.column("entity"))

Action = Literal["read", "create", "update", "delete", "move", "assign", "export", "import"]
Predicate = ColumnElement[bool] | None
"""None stands for every row."""


@dataclass(frozen=True, slots=True)
class ReadGrant:
    """Rows, and what may be seen of them. `masked` fields are readable in part."""

    predicate: Predicate
    readable: frozenset[str]
    masked: frozenset[str]


@dataclass(frozen=True, slots=True)
class WriteGrant:
    """Rows, and which of their fields may be written; `scope` is the same rule for one record in memory."""

    predicate: Predicate
    writable: frozenset[str]
    scope: Scope


@dataclass(frozen=True)
class EntityAccess:
    """What one set of roles may do with one entity."""

    entity: str
    read: tuple[ReadGrant, ...]
    write: Mapping[str, tuple[WriteGrant, ...]]
    fields: frozenset[str]

    def can(self, action: str) -> bool:
        """Whether there is any record on which `action` might be allowed."""
        return bool(self.read) if action == "read" else bool(self.write.get(action))

    @cached_property
    def readable(self) -> frozenset[str]:
        """Fields that can be seen in full on some row."""
        return frozenset().union(*(grant.readable for grant in self.read)) if self.read else frozenset()

    @cached_property
    def seen(self) -> frozenset[str]:
        """Fields of which at least a part can be seen on some row."""
        found: frozenset[str] = frozenset()
        for grant in self.read:
            found |= grant.readable | grant.masked
        return found

    @cached_property
    def uniform(self) -> bool:
        """Whether every row shows the same fields, so that no row has to be told apart."""
        return len({(grant.readable, grant.masked) for grant in self.read}) <= 1

    @cached_property
    def masked(self) -> frozenset[str]:
        """With uniform grants: the fields seen in part."""
        return self.read[0].masked if self.read else frozenset()

    def rows(self, needs: Iterable[str] = ()) -> ColumnElement[bool] | None:
        """Return the predicate of the rows on which all of `needs` may be seen in full: each of them opened by a grant
        that reaches the row.

        None means every row; `sa.false()` none.
        """
        opening = {frozenset(n for n, g in enumerate(self.read) if name in g.readable) for name in needs}
        opening.add(frozenset(range(len(self.read))))
        parts = []
        # What is opened by some grants is opened by more of them too: only the smallest sets say something.
        for grants in sorted(opening, key=sorted):
            if not any(other < grants for other in opening):
                part = any_of(self.read[number].predicate for number in sorted(grants))
                if part is not None:
                    parts.append(part)
        return sa.and_(*parts) if len(parts) > 1 else (parts[0] if parts else None)

    def shown(
        self, name: str, column: ColumnElement[Any], withheld: ColumnElement[Any]
    ) -> ColumnElement[Any]:
        """Return `column` on the rows where the field `name` may be seen in full, and `withheld` on the others."""
        if all(name in grant.readable for grant in self.read):
            return column
        if name not in self.readable:
            return withheld
        predicate = self.rows((name,))
        return column if predicate is None else sa.case((predicate, column), else_=withheld)

    def row_predicate(self, action: str) -> ColumnElement[bool] | None:
        """Return the predicate of the rows on which `action` is allowed."""
        if action == "read":
            return self.rows()
        return any_of(grant.predicate for grant in self.write.get(action, ()))


def any_of(predicates: Iterable[Predicate]) -> ColumnElement[bool] | None:
    """Join predicates by OR; None (every row) wins, nothing at all is false."""
    found: list[ColumnElement[bool]] = []
    for predicate in predicates:
        if predicate is None:
            return None
        found.append(predicate)
    return sa.or_(*found) if len(found) > 1 else (found[0] if found else sa.false())


def build_access(
    workspace: Workspace,
    tables: EntityTables,
    roles: Iterable[str],
    clauses: Clauses,
    *,
    system: bool = False,
) -> EntityAccess:
    """Return what people with `roles` may do with the entity of `tables`. Nothing granted means nothing allowed."""
    entity = tables.entity
    names = field_paths(entity)
    if system:
        everything = WriteGrant(None, names, "all")
        return EntityAccess(
            entity.name, (ReadGrant(None, names, frozenset()),), dict.fromkeys(ACTIONS, (everything,)), names
        )
    read: list[ReadGrant] = []
    write: dict[str, list[WriteGrant]] = {}
    held = with_inherited(workspace, roles)
    for role in held:
        grant = role.grants.get(entity.name)
        if grant is None:
            continue
        # Of rows there is no part that could be shown: a line table is masked by hiding it.
        masked = {n for n, right in grant.fields.items() if right == "masked" and not entity.fields[n].fields}
        hidden = {n for n, right in grant.fields.items() if right in ("hidden", "masked") and n not in masked}
        fixed = {name for name, right in grant.fields.items() if right == "readonly"}
        readable = names - _below(names, hidden) - masked
        writable = readable - _below(names, fixed)
        for action in ACTIONS:
            scope = grant.scopes.get(action, grant.scopes.get("update", "no") if action == "move" else "no")
            if scope == "no":
                continue
            predicate = scope_predicate(scope, tables, clauses)
            if action == "read":
                read.append(ReadGrant(predicate, readable, frozenset(masked)))
            else:
                # Whoever makes a record may fill in what is later shown to them only in part.
                more = (
                    (names - _below(names, hidden) - _below(names, fixed)) if action == "create" else writable
                )
                write.setdefault(action, []).append(WriteGrant(predicate, more, scope))
    if read or any(entity.name in role.grants for role in held):
        read += _pool_grants(workspace, tables, held, names)
    return EntityAccess(
        entity.name, _merged(read), {action: tuple(grants) for action, grants in write.items()}, names
    )


def field_paths(entity: Entity) -> frozenset[str]:
    """Return all fields, those of line tables as `lines.qty`."""
    names = set(entity.fields)
    for field in entity.fields.values():
        names |= {f"{field.name}.{row}" for row in field.fields}
    return frozenset(names)


def _below(names: frozenset[str], given: set[str]) -> set[str]:
    return {name for name in names if name in given or name.partition(".")[0] in given}


def with_inherited(workspace: Workspace, roles: Iterable[str]) -> list[Role]:
    """Return the roles of these names with all that they inherit from, each once."""
    found: dict[str, Role] = {}
    waiting = list(roles)
    while waiting:
        name = waiting.pop(0)
        role = workspace.roles.get(name)
        if role is not None and name not in found:
            found[name] = role
            waiting += role.inherits
    return list(found.values())


def _merged(grants: list[ReadGrant]) -> tuple[ReadGrant, ...]:
    """Join grants that open the same fields, and drop those that another, reaching every row, contains."""
    by_fields: dict[tuple[frozenset[str], frozenset[str]], list[Predicate]] = {}
    for grant in grants:
        by_fields.setdefault((grant.readable, grant.masked), []).append(grant.predicate)
    merged = [ReadGrant(any_of(p), readable, masked) for (readable, masked), p in by_fields.items()]
    full = [grant for grant in merged if grant.predicate is None]
    kept = [
        grant
        for grant in merged
        if not any(
            other is not grant
            and grant.readable <= other.readable
            and grant.masked <= other.masked | other.readable
            and (grant.predicate is not None or merged.index(other) < merged.index(grant))
            for other in full
        )
    ]
    return tuple(kept)


def own_column(tables: EntityTables) -> sa.Column[object]:
    """Return the column that says whose a record is: its owner, or who made it."""
    return tables.columns["owner"] if "owner" in tables.columns else tables.columns["created_by"]


def scope_predicate(scope: Scope, tables: EntityTables, clauses: Clauses) -> Predicate:
    """Return the condition of a scope over the rows of an entity; None where it is every row."""
    own = own_column(tables) == P_USER
    if isinstance(scope, Expression):
        return clauses.row(scope, tables)
    if scope == "all":
        return None
    if scope == "own":
        return own
    team = tables.columns.get("team")
    if scope == "team":
        mine = sa.select(MEMBERSHIP.c.team_id).where(MEMBERSHIP.c.user_id == P_USER)
        if team is not None:
            return sa.or_(own, team.in_(mine))
        return own_column(tables).in_(sa.select(MEMBERSHIP.c.user_id).where(MEMBERSHIP.c.team_id.in_(mine)))
    below = sa.select(OVERSIGHT.c.team_id).where(OVERSIGHT.c.user_id == P_USER)
    if team is not None:
        return sa.or_(own, team.in_(below))
    members = sa.select(MEMBERSHIP.c.user_id).where(MEMBERSHIP.c.team_id.in_(below))
    return sa.or_(own, own_column(tables).in_(members))


def pool_member(pool: Pool, roles: Iterable[str]) -> Predicate | Literal["no"]:
    """Return whether people with `roles` are members of `pool`: never, always (None), or by their teams."""
    held = set(roles)
    if held & set(pool.admin_roles):
        return None
    if pool.member_roles and not held & set(pool.member_roles):
        return "no"
    if not pool.member_teams:
        return None
    return sa.exists(
        sa.select(sa.literal(1))
        .select_from(MEMBERSHIP.join(TEAM, TEAM.c.id == MEMBERSHIP.c.team_id))
        .where(MEMBERSHIP.c.user_id == P_USER, TEAM.c.code.in_(list(pool.member_teams)))
    )


def _pool_grants(
    workspace: Workspace, tables: EntityTables, roles: list[Role], names: frozenset[str]
) -> list[ReadGrant]:
    """A member sees what is in the pool, without the fields that show only to an owner."""
    grants = []
    for pool in workspace.pools_of(tables.entity.name):
        member = pool_member(pool, [role.name for role in roles])
        if isinstance(member, str):
            continue
        inside = sa.and_(tables.columns["owner"].is_(None), tables.columns["pool"] == pool.name)
        hidden = (
            set() if {role.name for role in roles} & set(pool.admin_roles) else set(pool.hide_until_claimed)
        )
        for role in roles:
            grant = role.grants.get(tables.entity.name)
            if grant is not None:
                hidden |= {name for name, right in grant.fields.items() if right in ("hidden", "masked")}
        grants.append(
            ReadGrant(
                inside if member is None else sa.and_(inside, member),
                names - _below(names, hidden),
                frozenset(),
            )
        )
    return grants
