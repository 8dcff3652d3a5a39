"""Posts: who stands behind a name such as @sales_head in this workspace."""

from __future__ import annotations

from pathlib import Path

import click

from fairlead.cli.common import FORMAT, WORKSPACE, house, show
from fairlead.work import posts


@click.group()
def post() -> None:
    """Posts: say who stands behind a name such as @sales_head that documents use."""


@post.command("list")
@WORKSPACE
@FORMAT
def list_posts(folder: Path, form: str) -> None:
    """List the posts that are filled."""
    own = house(folder)
    found = posts.listing(own.database)
    own.close()
    if form == "json":
        show(found)
        return
    for name, username in found.items():
        click.echo(f"@{name:<24} {username}")
    if not found:
        click.echo("No post is filled.")


@post.command("fill")
@click.argument("name")
@click.argument("username")
@WORKSPACE
def fill(name: str, username: str, folder: Path) -> None:
    """Say that USERNAME holds the post NAME. It counts at once, for approvals under way as well."""
    own = house(folder)
    try:
        posts.fill(own.database, name, username)
    finally:
        own.close()
    click.echo(f"@{name.removeprefix('@')} is {username}.")


@post.command("vacate")
@click.argument("name")
@WORKSPACE
def vacate(name: str, folder: Path) -> None:
    """Say that nobody holds the post NAME any more."""
    own = house(folder)
    try:
        posts.vacate(own.database, name)
    finally:
        own.close()
    click.echo(f"Nobody holds @{name.removeprefix('@')}.")
