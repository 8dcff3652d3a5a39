"""Accounts, teams and memberships, and who stands above whom.

Two derived tables are kept with the teams: the closure of the tree (`sys_team_tree`) and who oversees which
team (`sys_oversight`: a head, for the own team and all below). Every change of a team goes through here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql import ClauseElement, ColumnElement

from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.statement import DialectName
from fairlead.store.database import Row, Tx
from fairlead.store.statements import Once, Reads, among, blank, insert_all, listed, p
from fairlead.store.system import membership, oversight, team, team_tree, user


@dataclass(frozen=True, slots=True)
class Account:
    """One person, with the roles and teams that decide what they may see."""

    id: str
    username: str
    name: str
    name_zh: str | None
    email: str | None
    language: str | None
    zone: str | None
    theme: str | None
    active: bool
    roles: tuple[str, ...]
    manager_id: str | None
    created_at: str
    teams: tuple[str, ...]
    """Ids, the primary team first."""
    oversees: tuple[str, ...]
    """Ids of the teams this person heads, and of all below them."""

    @property
    def label(self) -> Label:
        """The name, in Chinese where one is given."""
        return name_label(self.name, self.name_zh)


@dataclass(frozen=True, slots=True)
class Team:
    """A team, somewhere in the tree of teams."""

    id: str
    code: str
    name: str
    name_zh: str | None
    parent_id: str | None
    head_id: str | None

    @property
    def label(self) -> Label:
        """The name, in Chinese where one is given."""
        return name_label(self.name, self.name_zh)


def name_label(name: str, name_zh: str | None) -> Label:
    """Return a name as a label: one text for all languages, another for Chinese where given."""
    return Label({"": name, "zh": name_zh} if name_zh else {"": name})


# ---------------------------------------------------------------- statements


def _joined(column: ColumnElement[str], dialect: DialectName) -> ColumnElement[str]:
    if dialect == "sqlite":
        return sa.func.group_concat(column, ",")
    return sa.func.string_agg(column, ",")


def account_columns(dialect: DialectName) -> list[ColumnElement[object]]:
    """Return what makes an `Account`, for a select that has `sys_user` in it. `account_of` reads it back."""
    # An aggregate promises no order, so the primary team is marked by its first letter and sorted later.
    mark = sa.case((membership.c.is_primary, sa.literal_column("'0'")), else_=sa.literal_column("'1'"))
    teams = sa.select(_joined(mark.concat(membership.c.team_id), dialect)).where(
        membership.c.user_id == user.c.id
    )
    oversees = sa.select(_joined(oversight.c.team_id, dialect)).where(oversight.c.user_id == user.c.id)
    return [
        user.c.id, user.c.username, user.c.name, user.c.name_zh, user.c.email, user.c.language, user.c.zone,
        user.c.theme, user.c.active, user.c.roles, user.c.manager_id, user.c.created_at,
        teams.correlate(user).scalar_subquery(), oversees.correlate(user).scalar_subquery(),
    ]  # fmt: skip


ACCOUNT_WIDTH = 14


def account_of(row: Sequence[object]) -> Account:
    """Return the account in a row that `account_columns` selected."""
    (key, username, name, name_zh, email, language, zone, theme, active, roles, manager_id, created_at, teams,
     oversees) = row[:ACCOUNT_WIDTH]  # fmt: skip
    return Account(
        id=str(key),
        username=str(username),
        name=str(name),
        name_zh=_text(name_zh),
        email=_text(email),
        language=_text(language),
        zone=_text(zone),
        theme=_text(theme),
        active=bool(active),
        roles=tuple(json.loads(str(roles))),
        manager_id=_text(manager_id),
        created_at=str(created_at),
        teams=tuple(marked[1:] for marked in sorted(str(teams).split(","))) if teams else (),
        oversees=tuple(sorted(str(oversees).split(","))) if oversees else (),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _accounts(dialect: DialectName, *conditions: ColumnElement[bool]) -> ClauseElement:
    return sa.select(*account_columns(dialect)).where(*conditions).order_by(user.c.username)


def _has_role(dialect: DialectName) -> ColumnElement[bool]:
    position = sa.func.instr if dialect == "sqlite" else sa.func.strpos
    found: ColumnElement[bool] = position(user.c.roles, p("quoted")) > 0
    return found


_BY_ID = Once(lambda d: _accounts(d, user.c.id == p("id")))
_BY_USERNAME = Once(lambda d: _accounts(d, user.c.username == p("username")))
_BY_EMAIL = Once(lambda d: _accounts(d, sa.func.lower(user.c.email) == p("email")))
_ALL = Once(lambda d: _accounts(d))
_ACTIVE = Once(lambda d: _accounts(d, user.c.active))
_WITH_ROLE = Once(
    lambda d: sa.select(user.c.id, user.c.active).where(_has_role(d)).order_by(user.c.username),
)
_HOLDERS = Once(
    lambda d: (
        sa.select(user.c.id, user.c.username, user.c.roles, user.c.active)
        .where(_has_role(d))
        .order_by(user.c.username)
    ),
)
_WITH_ROLE_IN_TEAM = Once(
    lambda d: (
        sa.select(user.c.id, user.c.active)
        .where(_has_role(d), user.c.id.in_(_members_below()))
        .order_by(user.c.username)
    ),
)
_IN_TEAM = Once(
    lambda _: (
        sa.select(user.c.id, user.c.active)
        .join(membership, membership.c.user_id == user.c.id)
        .where(membership.c.team_id == p("team"))
        .order_by(user.c.username)
    ),
)
_BELOW_TEAM = Once(
    lambda _: (
        sa.select(user.c.id, user.c.active).where(user.c.id.in_(_members_below())).order_by(user.c.username)
    ),
)
_NAMES = Once(lambda d: sa.select(user.c.id, user.c.name, user.c.name_zh).where(among(user.c.id, "ids", d)))
_ROLES = Once(lambda d: sa.select(user.c.id, user.c.roles).where(among(user.c.id, "ids", d)))
_TEAM_NAMES = Once(
    lambda d: sa.select(team.c.id, team.c.name, team.c.name_zh).where(among(team.c.id, "ids", d))
)
_HASH = Once(lambda _: sa.select(user.c.password_hash).where(user.c.id == p("id")))
_PASSWORD_OF = Once(
    lambda _: sa.select(user.c.id, user.c.password_hash, user.c.active).where(
        user.c.username == p("username")
    )
)
_ADD_USER = Once(lambda d: insert_all(user, d))
_SET_USER = Once(
    lambda _: (
        sa.update(user)
        .where(user.c.id == p("id"))
        .values(
            username=p("username"), name=p("name"), name_zh=p("name_zh"), email=p("email"), language=p("language"),
            zone=p("zone"), theme=p("theme"), active=sa.bindparam("active", type_=sa.Boolean()), roles=p("roles"),
            manager_id=p("manager_id"),
        )
    )
)  # fmt: skip
_SET_PASSWORD = Once(
    lambda _: sa.update(user).where(user.c.id == p("id")).values(password_hash=p("password_hash"))
)

_TEAM_COLUMNS = (team.c.id, team.c.code, team.c.name, team.c.name_zh, team.c.parent_id, team.c.head_id)
_TEAMS = Once(lambda _: sa.select(*_TEAM_COLUMNS).order_by(team.c.code))
_TEAM = Once(lambda _: sa.select(*_TEAM_COLUMNS).where(team.c.id == p("id")))
_TEAM_BY_CODE = Once(lambda _: sa.select(*_TEAM_COLUMNS).where(team.c.code == p("code")))
_ADD_TEAM = Once(lambda d: insert_all(team, d))
_SET_TEAM = Once(
    lambda _: (
        sa.update(team)
        .where(team.c.id == p("id"))
        .values(
            code=p("code"),
            name=p("name"),
            name_zh=p("name_zh"),
            parent_id=p("parent_id"),
            head_id=p("head_id"),
        )
    )
)
_DROP_TEAM = Once(lambda _: sa.delete(team).where(team.c.id == p("id")))
_LEAVE = Once(lambda _: sa.delete(membership).where(membership.c.user_id == p("user_id")))
_JOIN = Once(lambda d: insert_all(membership, d))
_MEMBERS = Once(lambda _: sa.select(sa.func.count()).where(membership.c.team_id == p("team")))

_TREE = Once(lambda _: sa.select(team_tree.c.ancestor_id, team_tree.c.team_id, team_tree.c.depth))
_ADD_TREE = Once(lambda d: insert_all(team_tree, d))
_DROP_TREE = Once(
    lambda _: sa.delete(team_tree).where(
        team_tree.c.ancestor_id == p("ancestor_id"), team_tree.c.team_id == p("team_id")
    )
)
_OVERSIGHT = Once(lambda _: sa.select(oversight.c.user_id, oversight.c.team_id))
_ADD_OVERSIGHT = Once(lambda d: insert_all(oversight, d))
_DROP_OVERSIGHT = Once(
    lambda _: sa.delete(oversight).where(
        oversight.c.user_id == p("user_id"), oversight.c.team_id == p("team_id")
    )
)

_primary = membership.alias("primary_membership")
_STANDING = Once(
    lambda _: (
        sa.select(user.c.manager_id, _primary.c.team_id)
        .select_from(
            user.outerjoin(_primary, sa.and_(_primary.c.user_id == user.c.id, _primary.c.is_primary))
        )
        .where(user.c.id == p("id"))
    )
)
_HEAD = Once(
    lambda _: (
        sa.select(team.c.parent_id, team.c.head_id, user.c.active)
        .select_from(team.outerjoin(user, user.c.id == team.c.head_id))
        .where(team.c.id == p("id"))
    )
)
_HEADS = Once(
    lambda d: (
        sa.select(team.c.id, team.c.head_id)
        .join(user, sa.and_(user.c.id == team.c.head_id, user.c.active))
        .where(among(team.c.id, "ids", d))
    )
)
_COUNT_ACTIVE_WITH_ROLE = Once(
    lambda d: (
        sa.select(sa.func.count())
        .select_from(user)
        .where(user.c.active, _has_role(d), user.c.id != p("except_id"))
    )
)


def _members_below() -> sa.Select[tuple[str]]:
    return (
        sa.select(membership.c.user_id)
        .join(team_tree, team_tree.c.team_id == membership.c.team_id)
        .where(team_tree.c.ancestor_id == p("team"))
    )


# ---------------------------------------------------------------- reading


def account(where: Reads, user_id: str) -> Account | None:
    """Return one person, active or not."""
    row = where.one(_BY_ID.on(where), {"id": user_id})
    return account_of(row) if row else None


def account_by_username(where: Reads, username: str) -> Account | None:
    """Return the person who signs in as `username`, already folded."""
    row = where.one(_BY_USERNAME.on(where), {"username": username})
    return account_of(row) if row else None


def account_by_email(where: Reads, email: str) -> Account | None:
    """Return the person with this address, compared without case."""
    row = where.one(_BY_EMAIL.on(where), {"email": email.lower()})
    return account_of(row) if row else None


def accounts(where: Reads, *, active_only: bool = False) -> list[Account]:
    """Return everybody, by user name."""
    statement = _ACTIVE if active_only else _ALL
    return [account_of(row) for row in where.all(statement.on(where))]


def teams(where: Reads) -> list[Team]:
    """Return all teams, by code."""
    return [_team_of(row) for row in where.all(_TEAMS.on(where))]


def team_by_id(where: Reads, team_id: str) -> Team | None:
    """Return one team."""
    row = where.one(_TEAM.on(where), {"id": team_id})
    return _team_of(row) if row else None


def team_by_code(where: Reads, code: str) -> Team | None:
    """Return the team that documents call `code`."""
    row = where.one(_TEAM_BY_CODE.on(where), {"code": code})
    return _team_of(row) if row else None


def _team_of(row: Row) -> Team:
    return Team(*row)


def names(where: Reads, ids: Iterable[str]) -> dict[str, Label]:
    """Return the names of people, by id, in one read. Ids of nobody are left out."""
    return _labels(where, _NAMES, ids)


def roles(where: Reads, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the roles of people, by id, in one read. Ids of nobody are left out."""
    rows = where.all(_ROLES.on(where), {"ids": listed(sorted(set(ids)))})
    return {key: tuple(json.loads(held)) for key, held in rows}


def team_names(where: Reads, ids: Iterable[str]) -> dict[str, Label]:
    """Return the names of teams, by id, in one read."""
    return _labels(where, _TEAM_NAMES, ids)


def _labels(where: Reads, statement: Once, ids: Iterable[str]) -> dict[str, Label]:
    wanted = sorted({key for key in ids if key})
    if not wanted:
        return {}
    rows = where.all(statement.on(where), {"ids": listed(wanted)})
    return {key: name_label(name, name_zh) for key, name, name_zh in rows}


def users_with_role(
    where: Reads, role: str, *, active_only: bool = True, team_id: str | None = None
) -> list[str]:
    """Return the ids of those who hold `role`, by user name; `team_id` keeps to that team and all below."""
    params: dict[str, object] = {"quoted": json.dumps(role)}
    if team_id is None:
        rows = where.all(_WITH_ROLE.on(where), params)
    else:
        rows = where.all(_WITH_ROLE_IN_TEAM.on(where), {**params, "team": team_id})
    return [key for key, active in rows if active or not active_only]


def held_roles(where: Reads, role: str) -> list[tuple[str, str, tuple[str, ...], bool]]:
    """Return id, user name, all roles and whether they may sign in, of everybody who holds `role`."""
    rows = where.all(_HOLDERS.on(where), {"quoted": json.dumps(role)})
    return [(key, username, tuple(json.loads(held)), bool(active)) for key, username, held, active in rows]


def users_in_team(where: Reads, team_id: str, *, below: bool = False, active_only: bool = True) -> list[str]:
    """Return the ids of a team's members, by user name; `below` counts the members of teams below it too."""
    statement = _BELOW_TEAM if below else _IN_TEAM
    rows = where.all(statement.on(where), {"team": team_id})
    return [key for key, active in rows if active or not active_only]


def user_facts(where: Reads, user_id: str) -> dict[str, object] | None:
    """Return what rules may read of a person: `record.owner.team` and the like."""
    found = account(where, user_id)
    if found is None:
        return None
    return {
        "id": found.id, "username": found.username, "name": found.name, "email": found.email, "active": found.active,
        "roles": found.roles, "team": found.teams[0] if found.teams else None, "teams": found.teams,
        "manager": manager_of(where, user_id),
    }  # fmt: skip


def team_facts(where: Reads, team_id: str) -> dict[str, object] | None:
    """Return what rules may read of a team: `record.team.head` and the like."""
    found = team_by_id(where, team_id)
    if found is None:
        return None
    return {
        "id": found.id, "code": found.code, "name": found.name, "parent": found.parent_id, "head": found.head_id,
    }  # fmt: skip


def count_active_with_role(where: Reads, role: str, *, except_id: str = "") -> int:
    """Return how many active people hold `role`, one of them left out."""
    row = where.one(_COUNT_ACTIVE_WITH_ROLE.on(where), {"quoted": json.dumps(role), "except_id": except_id})
    return int(row[0]) if row else 0


def count_members(where: Reads, team_id: str) -> int:
    """Return how many people are in a team itself."""
    row = where.one(_MEMBERS.on(where), {"team": team_id})
    return int(row[0]) if row else 0


def heads(where: Reads, team_ids: Iterable[str]) -> dict[str, str]:
    """Return team id to the id of its head, for the teams that have an active one."""
    wanted = list(team_ids)
    if not wanted:
        return {}
    rows = where.all(_HEADS.on(where), {"ids": listed(wanted)})
    return {str(key): str(head) for key, head in rows}


def manager_of(where: Reads, user_id: str, level: int = 1) -> str | None:
    """Return who stands `level` steps above somebody, or None at the top.

    The account's own `manager_id` decides where given. Otherwise it is the active head of the primary team;
    where that is the person, or nobody, the head of the next team up. A circle ends at the top.
    """
    seen = {user_id}
    current: str | None = user_id
    for _ in range(level):
        current = _superior(where, current) if current else None
        if current is None or current in seen:
            return None
        seen.add(current)
    return current


def managers_of(where: Reads, user_id: str, up_to: int) -> list[str]:
    """Return those above somebody, nearest first, at most `up_to` of them."""
    found: list[str] = []
    current = user_id
    while len(found) < up_to:
        above = _superior(where, current)
        if above is None or above == user_id or above in found:
            break
        found.append(above)
        current = above
    return found


def _superior(where: Reads, user_id: str) -> str | None:
    standing = where.one(_STANDING.on(where), {"id": user_id})
    if standing is None:
        return None
    manager_id, team_id = standing
    if manager_id and manager_id != user_id:
        return str(manager_id)
    climbed: set[str] = set()
    while team_id and team_id not in climbed:
        climbed.add(team_id)
        row = where.one(_HEAD.on(where), {"id": team_id})
        if row is None:
            return None
        parent_id, head_id, active = row
        if head_id and head_id != user_id and active:
            return str(head_id)
        team_id = parent_id
    return None


def password_of(where: Reads, username: str) -> tuple[str, str | None, bool] | None:
    """Return (id, hash or None, active) of the account that signs in as `username`."""
    row = where.one(_PASSWORD_OF.on(where), {"username": username})
    return (str(row[0]), row[1], bool(row[2])) if row else None


def password_hash(where: Reads, user_id: str) -> str | None:
    """Return the kept hash of somebody's password; None when none is set."""
    row = where.one(_HASH.on(where), {"id": user_id})
    return row[0] if row else None


# ---------------------------------------------------------------- writing


def create_user(
    tx: Tx,
    *,
    username: str,
    name: str,
    created_at: str,
    roles: Iterable[str] = (),
    active: bool = True,
    **optional: str | None,
) -> str:
    """Add an account and return its id.

    Args:
        optional: `name_zh`, `email`, `language`, `zone`, `theme`, `manager_id`, `password_hash`.

    Raises:
        Duplicate: The user name is taken.
    """
    key = new_id()
    row = {
        **blank(user), **optional, "id": key, "username": username, "name": name, "active": active,
        "roles": json.dumps(list(roles)), "created_at": created_at,
    }  # fmt: skip
    tx.run(_ADD_USER.on(tx), row)
    return key


def update_user(tx: Tx, before: Account, changes: Mapping[str, object]) -> None:
    """Write changed attributes of an account: any of those that `Account` has, but not its teams."""
    row: dict[str, object] = {
        "id": before.id, "username": before.username, "name": before.name, "name_zh": before.name_zh,
        "email": before.email, "language": before.language, "zone": before.zone, "theme": before.theme,
        "active": before.active, "roles": before.roles, "manager_id": before.manager_id,
    }  # fmt: skip
    row.update(changes)
    roles = row["roles"]
    assert isinstance(roles, (tuple, list))
    row["roles"] = json.dumps(list(roles))
    tx.run(_SET_USER.on(tx), row)


def set_password_hash(tx: Tx, user_id: str, hashed: str | None) -> None:
    """Keep the hash of a new password, or none at all."""
    tx.run(_SET_PASSWORD.on(tx), {"id": user_id, "password_hash": hashed})


def set_memberships(tx: Tx, user_id: str, team_ids: Sequence[str]) -> None:
    """Make somebody a member of exactly these teams, the primary one first."""
    tx.run(_LEAVE.on(tx), {"user_id": user_id})
    unique = list(dict.fromkeys(team_ids))
    if unique:
        tx.run_many(
            _JOIN.on(tx),
            [{"user_id": user_id, "team_id": key, "is_primary": key == unique[0]} for key in unique],
        )


def lock_teams(tx: Tx) -> None:
    """Let nobody else change the tree until this transaction ends; on SQLite that is so already."""
    if tx.dialect == "postgresql":
        tx.ddl("LOCK TABLE sys_team IN SHARE ROW EXCLUSIVE MODE")


def create_team(
    tx: Tx,
    *,
    code: str,
    name: str,
    name_zh: str | None = None,
    parent_id: str | None = None,
    head_id: str | None = None,
) -> str:
    """Add a team and return its id.

    Raises:
        Duplicate: The code is taken.
    """
    key = new_id()
    lock_teams(tx)
    row = {"code": code, "name": name, "name_zh": name_zh, "parent_id": parent_id, "head_id": head_id}
    tx.run(_ADD_TEAM.on(tx), {"id": key, **row})
    rebuild_tree(tx)
    return key


def update_team(tx: Tx, before: Team, changes: Mapping[str, object]) -> None:
    """Write changed attributes of a team. Call `lock_teams` before reading what the change rests on."""
    row = {
        "id": before.id, "code": before.code, "name": before.name, "name_zh": before.name_zh,
        "parent_id": before.parent_id, "head_id": before.head_id, **changes,
    }  # fmt: skip
    tx.run(_SET_TEAM.on(tx), row)
    rebuild_tree(tx)


def delete_team(tx: Tx, team_id: str) -> None:
    """Take a team away. It must have neither members nor teams below it."""
    lock_teams(tx)
    tx.run(_DROP_TEAM.on(tx), {"id": team_id})
    rebuild_tree(tx)


def rebuild_tree(tx: Tx) -> None:
    """Bring the closure of teams and the oversight of their heads up to date, writing only what differs."""
    all_teams = {found.id: found for found in teams(tx)}
    tree: set[tuple[str, str, int]] = set()
    watch: set[tuple[str, str]] = set()
    for key in all_teams:
        ancestor: str | None = key
        climbed: set[str] = set()
        # A circle cannot be written through `work`, but one brought in by hand must not hang every sign-in.
        while ancestor in all_teams and ancestor not in climbed:
            tree.add((ancestor, key, len(climbed)))
            climbed.add(ancestor)
            if head := all_teams[ancestor].head_id:
                watch.add((head, key))
            ancestor = all_teams[ancestor].parent_id

    def as_tree(rows: Iterable[Row]) -> list[dict[str, object]]:
        return [{"ancestor_id": row[0], "team_id": row[1], "depth": row[2]} for row in rows]

    def as_watch(rows: Iterable[Row]) -> list[dict[str, object]]:
        return [{"user_id": row[0], "team_id": row[1]} for row in rows]

    had_tree = {tuple(row) for row in tx.all(_TREE.on(tx))}
    had_watch = {tuple(row) for row in tx.all(_OVERSIGHT.on(tx))}
    for statement, rows in (
        (_DROP_TREE, as_tree(had_tree - tree)),
        (_ADD_TREE, as_tree(tree - had_tree)),
        (_DROP_OVERSIGHT, as_watch(had_watch - watch)),
        (_ADD_OVERSIGHT, as_watch(watch - had_watch)),
    ):
        if rows:
            tx.run_many(statement.on(tx), rows)
