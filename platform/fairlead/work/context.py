"""On whose behalf, when, through which door, under which application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fairlead.base.calendar import WorkCalendar
from fairlead.base.clock import iso_utc
from fairlead.compiled.application import SYSTEM_ROLES, Application
from fairlead.expr.evaluate import Env, UserFacts
from fairlead.expr.sql import sql_parameters
from fairlead.store import people
from fairlead.store.database import Database, Tx

Door = Literal["ui", "api", "import", "job", "system", "admin", "cli"]

SYSTEM_USER = "system"
"""The actor of automations, timers and reclaiming. It has no account and passes every row scope."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks. `roles` are names of the workspace's roles; teams are ids."""

    id: str
    username: str
    name: str
    roles: tuple[str, ...]
    teams: tuple[str, ...] = ()
    """Teams the person is a member of, the primary one first."""
    oversees: tuple[str, ...] = ()
    """Teams the person heads, with every team below them."""
    language: str = "en"
    zone: str = "Asia/Shanghai"

    @property
    def is_system(self) -> bool:
        """Whether this is the engine itself."""
        return self.id == SYSTEM_USER

    @property
    def team(self) -> str | None:
        """The primary team."""
        return self.teams[0] if self.teams else None


SYSTEM = Actor(id=SYSTEM_USER, username=SYSTEM_USER, name="Fairlead", roles=())


@dataclass(frozen=True, slots=True)
class Cause:
    """Which event led here, and how many rules stand between it and a person (loop guard)."""

    event_id: str
    depth: int
    chain: tuple[str, ...]
    """`rule:record` of each rule on the way."""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything about a request but the request itself.

    `now` is fixed once: every rule of one request sees the same instant.
    """

    app: Application
    database: Database
    actor: Actor
    now: datetime
    door: Door
    cause: Cause | None = None
    on_behalf_of: str | None = None
    request_id: str = ""
    _memo: dict[object, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def stamp(self) -> str:
        """`now` in the stored form."""
        found = self._memo.get("stamp")
        if found is None:
            found = self._memo["stamp"] = iso_utc(self.now)
        return str(found)

    @property
    def zone(self) -> str:
        """Where the actor is; the engine is where the workspace is."""
        return self.app.workspace.zone if self.actor.is_system else self.actor.zone

    @property
    def today(self) -> date:
        """The local date where the actor is."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def calendar(self, name: str | None = None) -> WorkCalendar:
        """Return the working calendar that a document names; without a name, the workspace's."""
        key = ("calendar", name)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = self.app.workspace.working_calendar(name)
        return found  # type: ignore[return-value]

    def env(self) -> Env:
        """What expressions may look at besides the record."""
        found = self._memo.get("env")
        if found is None:
            found = self._memo["env"] = environment(self)
        return found  # type: ignore[return-value]

    def params(self) -> dict[str, object]:
        """Return the values that statements may bind on behalf of this request. Do not change it."""
        more = self.app.clauses.asks_more
        found = self._memo.get(("params", more))
        if found is None:
            if more:
                found = sql_parameters(self.env())
            else:
                user = "" if self.actor.is_system else self.actor.id
                today = self.today.isoformat()
                found = {"p_user": user, "p_now": self.stamp, "p_today": today, "p_zone": self.zone}
            self._memo["params", more] = found
        return found  # type: ignore[return-value]

    def as_system(self, cause: Cause | None = None) -> Context:
        """Return the same moment with the engine as the actor."""
        return replace(self, actor=SYSTEM, door="system", cause=cause or self.cause, _memo={})


def user_facts(actor: Actor) -> UserFacts:
    """Return what rules may know of `actor`."""
    return UserFacts(actor.id, actor.team, actor.teams, actor.oversees, actor.roles)


def counted_by(ctx: Context, calendar: str | None, env: Env) -> Env:
    """Return the environment in which business days are those of the calendar that a document names."""
    return env if calendar is None else replace(env, calendar=ctx.calendar(calendar))


def environment(
    ctx: Context, tx: Tx | None = None, *, old: Mapping[str, Any] | None = None, hold: bool = False
) -> Env:
    """Return the environment of one request; references are followed as the engine, read once each.

    Args:
        ctx: Whose request it is.
        tx: The transaction to read in, when one is open.
        old: The record before a change, for rules that compare.
        hold: Let nobody else change what is looked at until `tx` ends, so that a guard still holds when the write
            comes that it guards. On SQLite only one writes at a time anyway.
    """
    found: dict[tuple[str, str], Mapping[str, object] | None] = {}

    def resolve(entity: str, id: str) -> Mapping[str, object] | None:
        key = (entity, id)
        if key not in found:
            found[key] = _look_up(ctx, tx or ctx.database, entity, id, hold=hold and tx is not None)
        return found[key]

    return Env(
        ctx.now,
        ctx.today,
        None if ctx.actor.is_system else user_facts(ctx.actor),
        ctx.zone,
        ctx.calendar(),
        old=old,
        resolve=resolve,
    )


def _look_up(
    ctx: Context, where: Database | Tx, entity: str, id: str, *, hold: bool
) -> Mapping[str, object] | None:
    if entity == "user":
        return people.user_facts(where, id)
    if entity == "team":
        return people.team_facts(where, id)
    if entity not in ctx.app.entities:
        return None
    reads = ctx.app.reads(entity, SYSTEM_ROLES)
    statement = reads.load(())
    if hold and where.dialect == "postgresql":
        statement = replace(statement, sql=f"{statement.sql} FOR NO KEY UPDATE")
    row = where.one(statement, {**ctx.params(), "p_id": id})
    return None if row is None else reads.decode_all(row)
