"""On whose behalf, when, through which door, under which application."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from fairlead.base.clock import iso_utc

if TYPE_CHECKING:
    from fairlead.compiled.application import Application
    from fairlead.expr.evaluate import Env
    from fairlead.store.database import Database

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
    _memo: dict[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def stamp(self) -> str:
        """`now` in the stored form."""
        found = self._memo.get("stamp")
        if found is None:
            found = self._memo["stamp"] = iso_utc(self.now)
        return str(found)

    @property
    def today(self) -> date:
        """The local date where the actor is."""
        from zoneinfo import ZoneInfo

        return self.now.astimezone(ZoneInfo(self.actor.zone)).date()

    def env(self) -> Env:
        """What expressions may look at besides the record."""
        from fairlead.work.environment import environment

        found = self._memo.get("env")
        if found is None:
            found = self._memo["env"] = environment(self)
        return found  # type: ignore[return-value]

    def params(self) -> dict[str, object]:
        """Return the values that statements may bind on behalf of this request. Do not change it."""
        found = self._memo.get("params")
        if found is None:
            from fairlead.expr.sql import sql_parameters

            found = self._memo["params"] = sql_parameters(self.env())
        return found  # type: ignore[return-value]

    def as_system(self, cause: Cause | None = None) -> Context:
        """Return the same moment with the engine as the actor."""
        return replace(self, actor=SYSTEM, door="system", cause=cause or self.cause, _memo={})
