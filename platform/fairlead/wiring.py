"""Everything is plugged together here, once: database, applications, jobs, web."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fairlead.compiled.application import Application
from fairlead.effects.builtin import handlers
from fairlead.effects.execution import Executor
from fairlead.effects.runner import Runner
from fairlead.effects.timers import Timers
from fairlead.model.workspace import Workspace
from fairlead.settings import Settings
from fairlead.store import migrate
from fairlead.store.database import Database
from fairlead.store.memory import MemoryDatabase
from fairlead.web.factory import create_app
from fairlead.web.request import Services
from fairlead.work.applications import Applications
from fairlead.work.scenarios import run as scenarios
from fairlead.work.scenarios.stage import Clock

if TYPE_CHECKING:
    from flask import Flask

log = logging.getLogger("fairlead")


@dataclass
class House:
    """One running process: what it owns, started and stopped together."""

    settings: Settings
    database: Database
    applications: Applications
    _running: list[Any] = field(default_factory=list)

    def web(self) -> Flask:
        """Return the web application."""
        services = Services(
            self.database,
            self.applications,
            self.settings.demo,
            self.settings.secure_cookies,
            redis_url=self.settings.redis_url,
            run_tests=run_tests,
        )
        return create_app(services, secret_key=self.settings.secret_key)

    def executor(self) -> Executor:
        """Return what runs jobs in this process."""
        return Executor(self.database, self.applications, handlers())

    def start_jobs(self, *, threads: int | None = None) -> None:
        """Begin background work in this process: with Redis only the announcing, else the running too."""
        each_tick = []
        if self.settings.redis_url:
            from fairlead.effects.rq import Announcer

            announcer = Announcer(self.settings.redis_url, self.database)
            announcer.listen()
            each_tick.append(announcer.each_tick)
        else:
            runner = Runner(self.executor(), threads=threads or self.settings.workers)
            runner.start()
            self._running.append(runner)
        timers = Timers(self.database, self.applications, each_tick=each_tick)
        timers.start()
        self._running.append(timers)

    def follow(self) -> None:
        """Follow newly published revisions."""
        self.applications.follow()

    def close(self) -> None:
        """Stop what was started, the last first; finish what is under way."""
        for one in reversed(self._running):
            one.stop()
        self._running.clear()
        self.applications.close()
        self.database.close()


def build(settings: Settings) -> House:
    """Open the database of `settings` and make sure that the engine's tables are there."""
    database = Database(settings.database_url)
    migrate.prepare_system(database)
    return House(settings, database, Applications(database))


# ---------------------------------------------------------------- tests of a workspace


class _Alone:
    """One application that stays in force."""

    def __init__(self, app: Application) -> None:
        self._app = app

    def current(self) -> Application:
        """Return it."""
        return self._app


class _Beside:
    """Timers and jobs of a workspace in memory, run when they are asked to be: no thread, no waiting."""

    def __init__(self, database: MemoryDatabase, app: Application, clock: Clock) -> None:
        alone = _Alone(app)
        self._timers = Timers(database, alone, clock=clock)
        self._executor = Executor(database, alone, handlers(), clock=clock)

    def settle(self) -> None:
        """Do everything that is due now, and what follows from it."""
        self._timers.tick()
        self._executor.drain()


def run_tests(workspace: Workspace, only: Sequence[str] = ()) -> scenarios.Results:
    """Run the tests that a checked workspace brings along, in memory; nothing else is touched.

    Raises:
        NoSuchTest: One of `only` is not there.
    """
    return scenarios.run_tests(workspace, _Beside, only=only)
