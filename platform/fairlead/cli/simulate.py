"""What a folder of documents would do to today's records, without doing it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from fairlead.base.clock import utc_now
from fairlead.cli.common import FORMAT, WORKSPACE, house, show, tree
from fairlead.store import people
from fairlead.wiring import House
from fairlead.work import planning
from fairlead.work.applications import NothingPublished
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Actor
from fairlead.work.simulate.answer import Limits
from fairlead.work.simulate.asked import Question
from fairlead.work.simulate.asked import simulate as ask

_DAYS = {"d": 1, "w": 7, "": 1}


class Since(click.ParamType[timedelta]):
    """A length of time back from now: `90d`, `2w`."""

    name = "90d"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"(\d{1,5})\s*(d|w|days?|weeks?)?", str(value).strip())
        if found is None or not int(found[1]):
            self.fail(f"{value!r} is no length of time; write 90d or 2w", param, ctx)
        return timedelta(days=int(found[1]) * _DAYS[(found[2] or "")[:1]])


_SINCE = click.option("--since", type=Since(), help="How far back, such as 30d or 2w (default: 90d).")


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Add what every simulation takes."""
    for option in (
        click.option(
            "--seconds", type=float, default=20.0, show_default=True, help="Stop after so many seconds."
        ),
        click.option(
            "--limit", type=int, default=10_000, show_default=True, help="Look at so many records at most."
        ),
        click.option(
            "--as", "viewer", metavar="USER", help="Show only what this person may see (default: everything)."
        ),
        FORMAT,
        WORKSPACE,
    ):
        command = option(command)
    return command


@click.group()
def simulate() -> None:
    """Compare the workspace folder with the published revision on today's records. Nothing is written."""


@simulate.command()
@click.argument("name")
@_common
def pool(name: str, **options: Any) -> None:
    """Who would lose or get which record today by the rules of pool NAME."""
    _run(Question("pool", name, limits=_limits(options)), options)


@simulate.command()
@click.argument("name")
@_SINCE
@click.option("--last", type=int, help="So many of the latest at most.")
@_common
def approval(name: str, since: timedelta | None, last: int | None, **options: Any) -> None:
    """Path, people and working time that the latest records would meet in flow NAME."""
    _run(Question("approval", name, since, last, _limits(options)), options)


@simulate.command()
@click.argument("name")
@_SINCE
@_common
def automation(name: str, since: timedelta | None, **options: Any) -> None:
    """Which past events automation NAME would have answered."""
    _run(Question("automation", name, since, limits=_limits(options)), options)


@simulate.command()
@click.argument("name")
@_common
def role(name: str, **options: Any) -> None:
    """Which records and fields the people with role NAME gain or lose."""
    _run(Question("role", name, limits=_limits(options)), options)


@simulate.command()
@click.argument("name", metavar="USER")
@_common
def user(name: str, **options: Any) -> None:
    """Which records and fields USER gains or loses."""
    _run(Question("user", name, limits=_limits(options)), options)


def _limits(options: dict[str, Any]) -> Limits:
    return Limits(options.pop("limit"), options.pop("seconds"))


def _run(question: Question, options: dict[str, Any]) -> None:
    folder: Path = options["folder"]
    own = house(folder)
    try:
        app = own.applications.current()
        viewer = _viewer(own, options["viewer"], app.workspace.zone)
        answer = ask(own.database, app, tree(folder), question, viewer, utc_now())
    except NothingPublished as nothing:
        raise click.ClickException("Nothing is published yet: there is nothing to compare with.") from nothing
    except planning.Broken as error:
        click.echo(error.problems.render(), err=True)
        sys.exit(1)
    finally:
        own.close()
    show(answer.to_json()) if options["form"] == "json" else click.echo(answer.render())


def _viewer(own: House, username: str | None, zone: str) -> Actor:
    if username is None:
        return SYSTEM
    account = people.account_by_username(own.database, username)
    if account is None:
        raise click.ClickException(f"There is nobody called {username!r}.")
    return actor_of(account, zone=zone)
