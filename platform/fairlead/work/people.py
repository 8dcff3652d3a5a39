"""Sign in and out, accounts, teams, tokens, and one's own settings.

Looking after people needs the capability `people`. Whoever has it can neither reach further than their own
capabilities, nor change their own roles, nor leave the workspace without anybody who has it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fairlead.base.clock import iso_utc, parse_utc
from fairlead.base.errors import Forbidden, Invalid, NotFound, Refused, TooMany
from fairlead.base.texts import Label
from fairlead.store import history, people, sessions
from fairlead.store.database import Database, Duplicate, Tx, Unavailable
from fairlead.store.people import Account, Team
from fairlead.store.sessions import Kind, NewSession, Session
from fairlead.work import approvals, passwords
from fairlead.work.context import Context
from fairlead.work.passwords import hash_password as hash_password
from fairlead.work.people_values import PERSON, PersonValues, fold_username, line, team_values

WEB_SESSION = timedelta(days=7)
TOKEN_LIFE = timedelta(days=365)
NOTED_EVERY = timedelta(minutes=5)
"""How exactly the last use of a session is known: a write at every request would cost more than it tells."""

WINDOW = timedelta(minutes=15)
PER_ACCOUNT_AND_ADDRESS = 10
PER_ACCOUNT = 50
PER_ADDRESS = 100

_KNOWN = "known"
"""Stands for the period of addresses from which somebody has signed in before."""


# ---------------------------------------------------------------- signing in


def sign_in(
    database: Database,
    username: str,
    password: str,
    *,
    address: str,
    now: datetime,
    kind: Kind = "web",
    token_name: str | None = None,
    replaces: str | None = None,
) -> NewSession:
    """Begin a session for whoever knows this password.

    Args:
        database: Where accounts are.
        username: As typed.
        password: As typed.
        address: Where the request came from; guesses are counted for it.
        now: The present moment.
        kind: A browser's session, or a token for programs.
        token_name: What its owner calls the token.
        replaces: The secret of a session that ends with this, so that a cookie planted before is worth nothing.

    Raises:
        Refused: `auth.wrong`, the same for a wrong password, an unknown name and a closed account.
        TooMany: Too many wrong guesses; the right password is not looked at either.
    """
    folded = fold_username(username)[:200]
    guesses = _Guesses(folded, address, now)
    with database.write() as tx:
        guesses.count(tx)
    found = people.password_of(database, folded)
    user_id, hashed, active = found or ("", None, False)
    right = passwords.is_right(hashed, password) and active
    if not right:
        with database.write() as tx:
            guesses.note_failure(tx)
        raise WrongPassword("auth.wrong", _WRONG)
    fresh = hash_password(password) if hashed and passwords.is_outdated(hashed) else None
    life = WEB_SESSION if kind == "web" else TOKEN_LIFE
    with database.write() as tx:
        guesses.note_success(tx)
        if fresh is not None:
            people.set_password_hash(tx, user_id, fresh)
        if replaces:
            sessions.end(tx, replaces)
        return sessions.begin(
            tx, user_id=user_id, kind=kind, now=iso_utc(now), expires_at=iso_utc(now + life), name=token_name
        )


class WrongPassword(Refused):
    """Not who they say they are, or nobody we know."""

    status = 401


class _Guesses:
    """How often somebody has guessed. Addresses are kept as digests: they are personal data."""

    def __init__(self, username: str, address: str, now: datetime) -> None:
        place = hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]
        name = hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        self._pair = f"pair:{name}:{place}"
        self._account = f"account:{name}"
        self._address = f"address:{place}"
        seconds = int(WINDOW.total_seconds())
        start = int(now.timestamp()) // seconds * seconds
        self._period = iso_utc(datetime.fromtimestamp(start, now.tzinfo))
        self._wait_s = max(1, start + seconds - int(now.timestamp()))

    def count(self, tx: Tx) -> None:
        """Note a guess before it is looked at, so that many at once cannot slip through.

        An account that is guessed at from everywhere is closed to new addresses only: its owner, who has signed in
        from here before, still gets in.
        """
        here = sessions.count_attempt(tx, self._pair, self._period)
        everywhere = sessions.attempts(tx, self._account, self._period)
        from_address = sessions.attempts(tx, self._address, self._period)
        known = sessions.attempts(tx, self._pair, _KNOWN) > 0
        if (
            here > PER_ACCOUNT_AND_ADDRESS
            or from_address >= PER_ADDRESS
            or (everywhere >= PER_ACCOUNT and not known)
        ):
            raise TooMany("auth.too-many", _TOO_MANY, retry_after_s=self._wait_s)

    def note_failure(self, tx: Tx) -> None:
        sessions.count_attempt(tx, self._account, self._period)
        sessions.count_attempt(tx, self._address, self._period)

    def note_success(self, tx: Tx) -> None:
        sessions.clear_attempts(tx, self._pair)
        sessions.count_attempt(tx, self._pair, _KNOWN)


def sign_out(database: Database, secret: str) -> None:
    """End the session of this secret."""
    with database.write() as tx:
        sessions.end(tx, secret)


def note_use(database: Database, session_hash: str, last_used_at: str | None, now: datetime) -> None:
    """Keep when a session was last used; writes at most once in five minutes."""
    limit = now - NOTED_EVERY
    if last_used_at is not None and parse_utc(last_used_at) > limit:
        return
    try:
        with database.write() as tx:
            sessions.touch(tx, session_hash, now=iso_utc(now), before=iso_utc(limit))
    except Unavailable:
        return  # reading goes on where nothing can be written


# ---------------------------------------------------------------- tokens and sessions of one's own


def create_token(
    ctx: Context, name: str, *, user_id: str | None = None, life: timedelta = TOKEN_LIFE
) -> NewSession:
    """Make an API token: one's own, or as the engine (the command line) anybody's.

    Raises:
        Forbidden: It would be somebody else's.
        NotFound: There is no such active account.
    """
    owner = user_id or ctx.actor.id
    if owner != ctx.actor.id and not ctx.actor.is_system:
        raise Forbidden("forbidden", _FORBIDDEN)
    name = line("name", name, most=80)
    with ctx.database.write() as tx:
        account = people.account(tx, owner)
        if account is None or not account.active:
            raise NotFound("user", owner)
        return sessions.begin(
            tx, user_id=owner, kind="token", now=ctx.stamp, expires_at=iso_utc(ctx.now + life), name=name
        )


def tokens(ctx: Context) -> list[Session]:
    """Return one's own live tokens."""
    return sessions.of_user(ctx.database, ctx.actor.id, "token", ctx.stamp)


def web_sessions(ctx: Context) -> list[Session]:
    """Return where one is signed in."""
    return sessions.of_user(ctx.database, ctx.actor.id, "web", ctx.stamp)


def end_session(ctx: Context, public_id: str) -> None:
    """End one of one's own tokens or sign-ins.

    Raises:
        NotFound: One has no such session.
    """
    with ctx.database.write() as tx:
        if not sessions.end_one(tx, ctx.actor.id, public_id):
            raise NotFound("session", public_id)


# ---------------------------------------------------------------- one's own settings


def change_password(ctx: Context, old: str, new: str, *, keep_session: str = "", address: str = "") -> None:
    """Change one's own password; every other sign-in and token ends.

    Args:
        ctx: Who.
        old: The password so far.
        new: The one from now on.
        keep_session: The hash of the session that asks, which stays.
        address: Where the request came from; wrong guesses at `old` are counted.

    Raises:
        Invalid: The old one is wrong, or the new one cannot be one.
        TooMany: Too many wrong guesses.
    """
    guesses = _Guesses(ctx.actor.username, address, ctx.now)
    with ctx.database.write() as tx:
        guesses.count(tx)
    if not passwords.is_right(people.password_hash(ctx.database, ctx.actor.id), old):
        with ctx.database.write() as tx:
            guesses.note_failure(tx)
        raise Invalid.field("old_password", "wrong", _WRONG_OLD)
    hashed = hash_password(new, field="new_password")
    with ctx.database.write() as tx:
        guesses.note_success(tx)
        people.set_password_hash(tx, ctx.actor.id, hashed)
        sessions.end_all(tx, ctx.actor.id, keep_hash=keep_session)
        _event(tx, ctx, "user", ctx.actor.id, "password")


def change_settings(ctx: Context, changes: Mapping[str, object]) -> Account:
    """Change one's own language, time zone or theme.

    Raises:
        Invalid: There is no such choice.
    """
    found = PersonValues(ctx, changes, only=("language", "zone", "theme")).clean()
    with ctx.database.write() as tx:
        account = _account(tx, ctx.actor.id)
        people.update_user(tx, account, found)
    return _account(ctx.database, ctx.actor.id)


# ---------------------------------------------------------------- accounts


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person as colleagues may pick them: no address, no roles."""

    id: str
    username: str
    label: Label
    active: bool
    team: str | None


def directory(ctx: Context, *, active_only: bool = True) -> list[PersonLine]:
    """Return everybody by name, for choosing owners and approvers."""
    found = people.accounts(ctx.database, active_only=active_only)
    return [
        PersonLine(one.id, one.username, one.label, one.active, one.teams[0] if one.teams else None)
        for one in found
    ]


def teams(ctx: Context) -> list[Team]:
    """Return all teams."""
    return people.teams(ctx.database)


def accounts(ctx: Context) -> list[Account]:
    """Return all accounts whole. No hash is among what they hold.

    Raises:
        Forbidden: Without the capability.
    """
    require_people(ctx)
    return people.accounts(ctx.database)


def account(ctx: Context, user_id: str) -> Account:
    """Return one account whole: one's own, or with the capability anybody's.

    Raises:
        Forbidden, NotFound.
    """
    if user_id != ctx.actor.id:
        require_people(ctx)
    return _account(ctx.database, user_id)


def may_look_after_people(ctx: Context) -> bool:
    """Say whether the actor has the capability."""
    return ctx.actor.is_system or "people" in ctx.app.capabilities(ctx.actor.roles)


def require_people(ctx: Context) -> None:
    """Refuse whoever does not look after people.

    Raises:
        Forbidden: Without the capability.
    """
    if not may_look_after_people(ctx):
        raise Forbidden("forbidden", _FORBIDDEN)


def create_user(ctx: Context, values: Mapping[str, object]) -> str:
    """Add an account and return its id.

    Args:
        ctx: Who asks.
        values: `username` and `name`; perhaps `name_zh`, `email`, `roles`, `teams` (ids or codes, the primary one
            first), `manager_id`, `language`, `zone`, `theme`, `active`, `password`.

    Raises:
        Forbidden: Without the capability, or the roles reach further than the actor's.
        Invalid: Values that cannot be kept.
    """
    require_people(ctx)
    found = PersonValues(ctx, values, required=("username", "name")).clean()
    roles = found.pop("roles", ())
    _require_reach(ctx, roles)
    password = found.pop("password", None)
    hashed = hash_password(password) if password is not None else None
    team_ids = found.pop("teams", ())
    with ctx.database.write() as tx:
        _lock(tx)
        _require_free(tx, found, None)
        try:
            user_id = people.create_user(
                tx, username=found.pop("username"), name=found.pop("name"), created_at=ctx.stamp, roles=roles,
                active=found.pop("active", True), password_hash=hashed, **found,
            )  # fmt: skip
        except Duplicate:
            raise _taken("username") from None
        people.set_memberships(tx, user_id, _team_ids(tx, team_ids))
        created = _account(tx, user_id)
        _event(
            tx,
            ctx,
            "user",
            user_id,
            "create",
            {name: [None, value] for name, value in _facts(created).items()},
        )
    return user_id


def update_user(ctx: Context, user_id: str, changes: Mapping[str, object]) -> Account:
    """Change an account; the keys are those of `create_user`. Closing one is `deactivate`.

    Raises:
        Forbidden: Without the capability; one's own roles; somebody who reaches further than the actor.
        Refused: Nobody would be left who looks after people.
        NotFound, Invalid.
    """
    require_people(ctx)
    found = PersonValues(ctx, changes).clean()
    if found.get("active") is False:
        raise Invalid.field("active", "use_deactivate", _USE_DEACTIVATE)
    password = found.pop("password", None)
    hashed = hash_password(password) if password is not None else None
    team_ids = found.pop("teams", None)
    with ctx.database.write() as tx:
        _lock(tx)
        before = _account(tx, user_id)
        _require_reach(ctx, before.roles)
        if "roles" in found and tuple(found["roles"]) != before.roles:
            if user_id == ctx.actor.id:
                raise Forbidden("people.own-roles", _OWN_ROLES)
            _require_reach(ctx, found["roles"])
        _require_free(tx, found, user_id)
        if found.get("manager_id") == user_id:
            raise Invalid.field("manager_id", "circle", _OWN_MANAGER)
        try:
            people.update_user(tx, before, found)
        except Duplicate:
            raise _taken("username") from None
        if team_ids is not None:
            people.set_memberships(tx, user_id, _team_ids(tx, team_ids))
        if hashed is not None:
            people.set_password_hash(tx, user_id, hashed)
            sessions.end_all(tx, user_id)
        _require_somebody(tx, ctx)
        after = _account(tx, user_id)
        changed = _changed(before, after)
        if changed or hashed is not None:
            _event(tx, ctx, "user", user_id, "update" if changed else "password", changed)
    return after


def deactivate(ctx: Context, user_id: str, *, successor: str | None = None) -> int:
    """Close an account: it signs in no more, every session ends at once, and what it was to approve goes on.

    Args:
        ctx: Who asks.
        user_id: The account.
        successor: Who takes over the approvals; otherwise the manager, or an administrator.

    Returns:
        How many approvals went to somebody else.

    Raises:
        Forbidden: Without the capability, or the account reaches further than the actor.
        Refused: One's own account, or nobody would be left who looks after people.
        NotFound: There is no such account.
    """
    require_people(ctx)
    if user_id == ctx.actor.id:
        raise Refused("people.own-account", _OWN_ACCOUNT)
    with ctx.database.write() as tx:
        _lock(tx)
        before = _account(tx, user_id)
        _require_reach(ctx, before.roles)
        if successor is not None and not _account(tx, successor).active:
            raise Invalid.field("successor", "inactive", _UNKNOWN_PERSON)
        people.update_user(tx, before, {"active": False})
        sessions.end_all(tx, user_id)
        _require_somebody(tx, ctx)
        _event(tx, ctx, "user", user_id, "update", {"active": [True, False]} if before.active else {})
        return approvals.replace_leaver(tx, ctx, user_id, successor=successor)


def activate(ctx: Context, user_id: str) -> None:
    """Open a closed account again.

    Raises:
        Forbidden, NotFound.
    """
    update_user(ctx, user_id, {"active": True})


# ---------------------------------------------------------------- teams


def create_team(ctx: Context, values: Mapping[str, object]) -> str:
    """Add a team and return its id.

    Args:
        ctx: Who asks.
        values: `code` and `name`; perhaps `name_zh`, `parent_id`, `head_id`.

    Raises:
        Forbidden, Invalid.
    """
    require_people(ctx)
    found = team_values(values, required=("code", "name"))
    with ctx.database.write() as tx:
        people.lock_teams(tx)
        _check_team(tx, found, None)
        try:
            team_id = people.create_team(tx, **found)
        except Duplicate:
            raise _taken("code") from None
        _event(tx, ctx, "team", team_id, "create", {name: [None, value] for name, value in found.items()})
    return team_id


def update_team(ctx: Context, team_id: str, changes: Mapping[str, object]) -> Team:
    """Change a team: its names, its head, or the team above it.

    Raises:
        Forbidden, NotFound, Invalid.
    """
    require_people(ctx)
    found = team_values(changes)
    with ctx.database.write() as tx:
        people.lock_teams(tx)
        before = _team(tx, team_id)
        _check_team(tx, found, team_id)
        try:
            people.update_team(tx, before, found)
        except Duplicate:
            raise _taken("code") from None
        changed = {
            name: [getattr(before, name), value]
            for name, value in found.items()
            if getattr(before, name) != value
        }
        if changed:
            _event(tx, ctx, "team", team_id, "update", changed)
        return _team(tx, team_id)


def delete_team(ctx: Context, team_id: str) -> None:
    """Take an empty team away.

    Raises:
        Refused: It has members, or teams below it.
        Forbidden, NotFound.
    """
    require_people(ctx)
    with ctx.database.write() as tx:
        people.lock_teams(tx)
        before = _team(tx, team_id)
        if people.count_members(tx, team_id) or any(one.parent_id == team_id for one in people.teams(tx)):
            raise Refused("people.team-in-use", _TEAM_IN_USE)
        people.delete_team(tx, team_id)
        _event(tx, ctx, "team", team_id, "delete", {"code": [before.code, None]})


def _check_team(tx: Tx, values: Mapping[str, Any], team_id: str | None) -> None:
    head = values.get("head_id")
    if head is not None:
        found = people.account(tx, head)
        if found is None or not found.active:
            raise Invalid.field("head_id", "unknown_record", _UNKNOWN_PERSON)
    parent = values.get("parent_id")
    above = {one.id: one.parent_id for one in people.teams(tx)}
    if parent is not None and parent not in above:
        raise Invalid.field("parent_id", "unknown_record", _UNKNOWN_TEAM)
    climbed: set[str] = set()
    while parent is not None and parent not in climbed:
        if parent == team_id:
            raise Invalid.field("parent_id", "circle", _TEAM_CIRCLE)
        climbed.add(parent)
        parent = above.get(parent)


# ---------------------------------------------------------------- rules


def _reach(ctx: Context, roles: Iterable[str]) -> frozenset[str]:
    return ctx.app.capabilities(tuple(roles))


def _require_reach(ctx: Context, roles: Sequence[str]) -> None:
    """Refuse to touch what reaches further than the actor: nobody may lend what they do not have."""
    if not ctx.actor.is_system and not _reach(ctx, roles) <= _reach(ctx, ctx.actor.roles):
        raise Forbidden("people.beyond-own-rights", _BEYOND)


def _require_somebody(tx: Tx, ctx: Context) -> None:
    """Refuse a change after which nobody could look after people; the engine itself may (the first account)."""
    if ctx.actor.is_system:
        return
    for role in ctx.app.workspace.roles:
        if "people" in _reach(ctx, [role]) and people.count_active_with_role(tx, role):
            return
    raise Refused("people.last-admin", _LAST_ADMIN)


def _lock(tx: Tx) -> None:
    # Two administrators who close each other's account at the same moment must not both succeed.
    if tx.dialect == "postgresql":
        tx.ddl("LOCK TABLE sys_user IN SHARE ROW EXCLUSIVE MODE")


def _require_free(tx: Tx, values: Mapping[str, Any], user_id: str | None) -> None:
    email = values.get("email")
    if email:
        other = people.account_by_email(tx, email)
        if other is not None and other.id != user_id:
            raise _taken("email")
    manager = values.get("manager_id")
    if manager is not None:
        found = people.account(tx, manager)
        if found is None or not found.active:
            raise Invalid.field("manager_id", "unknown_record", _UNKNOWN_PERSON)


def _team_ids(tx: Tx, given: Iterable[str]) -> list[str]:
    by_key = {key: one.id for one in people.teams(tx) for key in (one.id, one.code)}
    unknown = [key for key in given if key not in by_key]
    if unknown:
        raise Invalid.field("teams", "unknown_record", _UNKNOWN_TEAM)
    return [by_key[key] for key in given]


def _account(where: Database | Tx, user_id: str) -> Account:
    found = people.account(where, user_id)
    if found is None:
        raise NotFound("user", user_id)
    return found


def _team(where: Database | Tx, team_id: str) -> Team:
    found = people.team_by_id(where, team_id)
    if found is None:
        raise NotFound("team", team_id)
    return found


def _taken(field: str) -> Invalid:
    return Invalid.field(field, "duplicate", _TAKEN)


def _facts(one: Account) -> dict[str, object]:
    return {name: getattr(one, name) for name in PERSON if getattr(one, name) not in (None, ())}


def _changed(before: Account, after: Account) -> dict[str, list[object]]:
    return {
        name: [getattr(before, name), getattr(after, name)]
        for name in PERSON
        if getattr(before, name) != getattr(after, name)
    }


def _event(
    tx: Tx,
    ctx: Context,
    entity: str,
    record_id: str,
    kind: str,
    changes: Mapping[str, Sequence[object]] | None = None,
) -> None:
    history.add(
        tx, at=ctx.stamp, entity=entity, record_id=record_id, kind=kind, door=ctx.door, actor=ctx.actor.id,
        changes=changes, revision=ctx.app.revision,
    )  # fmt: skip


_WRONG = Label({"en": "The user name or the password is wrong.", "zh": "用户名或密码不正确。"})
_WRONG_OLD = Label({"en": "This is not your present password.", "zh": "当前密码不正确。"})
_TOO_MANY = Label(
    {"en": "Too many attempts. Wait a few minutes and try again.", "zh": "尝试次数过多，请稍后再试。"}
)
_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
_BEYOND = Label(
    {
        "en": "This reaches further than your own rights: ask somebody who has them.",
        "zh": "超出您自身的权限范围，请联系有相应权限的人员。",
    }
)
_OWN_ROLES = Label({"en": "You cannot change your own roles.", "zh": "不能修改自己的角色。"})
_OWN_ACCOUNT = Label({"en": "You cannot close your own account.", "zh": "不能停用自己的账号。"})
_OWN_MANAGER = Label({"en": "Nobody is their own manager.", "zh": "不能将本人设为自己的上级。"})
_LAST_ADMIN = Label(
    {
        "en": "Nobody would be left who can look after people. Give somebody else that role first.",
        "zh": "操作后将无人可管理人员，请先为他人授予该角色。",
    }
)
_USE_DEACTIVATE = Label({"en": "Close an account by deactivating it.", "zh": "请使用停用操作关闭账号。"})
_TEAM_IN_USE = Label(
    {
        "en": "The team has members or teams below it. Move them first.",
        "zh": "团队仍有成员或下级团队，请先调整。",
    }
)
_TEAM_CIRCLE = Label({"en": "A team cannot be below itself.", "zh": "团队不能隶属于自身。"})
_UNKNOWN_PERSON = Label({"en": "There is no such active person.", "zh": "没有这位在职人员。"})
_UNKNOWN_TEAM = Label({"en": "There is no such team.", "zh": "没有这个团队。"})
_TAKEN = Label({"en": "Somebody has this already.", "zh": "已被占用。"})
