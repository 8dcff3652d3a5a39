"""Remove for good what was dropped and has lain aside long enough."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fairlead.base.clock import utc_now
from fairlead.cli.common import FORMAT, WORKSPACE, author, house, show
from fairlead.work import purging


@click.command()
@click.option(
    "--purge", "names", multiple=True, metavar="NAME", help="Remove this for good; can be repeated."
)
@click.option("--due", is_flag=True, help="Remove everything whose time is over: for a nightly timer.")
@FORMAT
@WORKSPACE
def purge(names: tuple[str, ...], due: bool, form: str, folder: Path) -> None:
    """List the values and records that lie aside since their field or entity was dropped, and remove them for good.

    Without an option this lists them and, at a terminal, asks you to type the name of what may go. What is purged can
    no longer be brought back by a rollback or `was`.
    """
    own = house(folder)
    try:
        there = purging.lying(own.database, utc_now())
        if due:
            names = (*names, *(one.name for one in there if one.due))
        if form == "text" and not due and not names:
            _list(there)
            names = _asked(there)
        gone = purging.purge(own.database, names, author=author(), now=utc_now()) if names else []
    finally:
        own.close()
    if form == "json":
        show(
            {
                "aside": [one.to_json() for one in there if one not in gone],
                "purged": [one.to_json() for one in gone],
            }
        )
        return
    for one in gone:
        click.echo(f"Removed {one.name}: {_many(one)}.")
    if due and not gone:
        click.echo("Nothing is due.")


def _list(there: list[purging.Lying]) -> None:
    if not there:
        click.echo("Nothing lies aside.")
    for one in there:
        when = "may be purged" if one.due else f"kept until {one.due_at[:10]}"
        click.echo(
            f"{one.name:<32} {_many(one):<18} dropped by {one.by} in revision {one.revision} ({one.at[:10]}); {when}"
        )


def _asked(there: list[purging.Lying]) -> tuple[str, ...]:
    if not any(one.due for one in there) or not sys.stdin.isatty():
        return ()
    name = click.prompt(
        "Type the name of what is to be removed for good (nothing: keep all)", default="", show_default=False
    )
    return (name,) if name else ()


def _many(one: purging.Lying) -> str:
    what = "values" if any(part.column for part in one.parts) else "rows"
    return f"{what}: {one.count:,}"
