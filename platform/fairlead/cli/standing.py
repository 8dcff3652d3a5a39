"""A folder beside what is published: how it stands, and bringing in what others have published."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from fairlead.base.errors import Refused
from fairlead.cli.common import FOLDER, FORMAT, house, show, tree
from fairlead.cli.provenance import is_ancestor
from fairlead.compiled.changes import Change
from fairlead.config.source import SETTINGS_FILE, SourceTree
from fairlead.store.database import Database
from fairlead.store.revisions import Revision
from fairlead.work import revisions, standing
from fairlead.work.folders import keep_in_step
from fairlead.work.promotion import CannotSelect, Selection, select


def refusal(database: Database, folder: Path, documents: SourceTree) -> Refused | None:
    """Return why a folder may not be published yet; None when it holds all that is published."""
    try:
        standing.assure_in_step(database, folder, documents, partial(is_ancestor, folder))
    except Refused as found:
        return found
    except standing.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    return None


def remember(folder: Path, published: Mapping[str, str]) -> None:
    """Keep that the folder holds all that is published now; a folder that cannot be written keeps no memory."""
    if folder.is_dir() and (folder / SETTINGS_FILE).exists():
        with suppress(OSError):
            keep_in_step(folder, published)


# ---------------------------------------------------------------- a part of it


ONLY = click.option(
    "--only", multiple=True, metavar="KIND/NAME",
    help="Publish this document, with what it needs, and leave the rest as published; may be given several times.",
)  # fmt: skip


def selected(database: Database, documents: SourceTree, only: tuple[str, ...]) -> Selection | None:
    """Return what `--only` chooses; None when all is published."""
    if not only:
        return None
    try:
        published = revisions.documents(database)[1]
    except LookupError:
        published = {}
    try:
        return select(published, documents, only)
    except CannotSelect as error:
        raise click.ClickException(str(error)) from error


def selection_json(selection: Selection | None) -> dict[str, list[str]] | None:
    """Return a selection for programs."""
    if selection is None:
        return None
    return {
        name: [_written(key) for key in getattr(selection, name)] for name in ("chosen", "needed", "left")
    }


def tell_selection(selection: Selection | None) -> None:
    """Print what is published and what is left."""
    for title, name in (("publish", "chosen"), ("needed by that", "needed"), ("left as published", "left")):
        keys = (selection_json(selection) or {}).get(name)
        if keys:
            click.echo(f"{title}: {', '.join(keys)}")


def _written(key: tuple[str, str]) -> str:
    return "/".join(part for part in key if part)


# ---------------------------------------------------------------- commands


@click.command()
@FOLDER
@FORMAT
def status(folder: Path, form: str) -> None:
    """Compare the documents in FOLDER with what is published, and say what each side has changed.

    Exit 0 whatever the answer is; `behind` in the JSON says whether publishing would be refused.
    """
    own = house(folder)
    try:
        found = standing.standing(own.database, folder, tree(folder), partial(is_ancestor, folder))
    except standing.CannotMerge as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show(found.to_json())
        return
    if found.current is None:
        click.echo("Nothing is published yet.")
        return
    click.echo(f"Published is {_named(found.current)}.")
    if found.base is None:
        click.echo("It is not known which revision this folder was last in step with.")
    elif found.base.number != found.current.number:
        click.echo(f"This folder was last in step with {_named(found.base)}.")
    _list("changed in this folder", found.yours)
    _list("published since", found.theirs)
    if found.both:
        click.echo(f"changed differently by both ({len(found.both)})")
        click.echo("\n".join(f"  {path}" for path in found.both))
    if found.behind:
        click.echo(f"Publishing would undo what was published since. Next: fairlead pull {folder}")
    elif found.yours:
        click.echo(f"Next: fairlead plan {folder}")
    else:
        click.echo("Nothing to publish.")


def _named(revision: Revision) -> str:
    return f"revision {revision.number} ({revision.source}, by {revision.author}, {revision.at[:19]})"


def _list(title: str, changes: tuple[Change, ...]) -> None:
    if changes:
        click.echo(f"{title} ({len(changes)})")
        click.echo("\n".join(f"  {change.line()}" for change in changes[:200]))


@click.command()
@FOLDER
@FORMAT
@click.option(
    "--ours", is_flag=True, help="Keep the folder as it is; what was published since has been seen."
)
def pull(folder: Path, form: str, *, ours: bool) -> None:
    """Bring what was published since into FOLDER; what is changed there stays.

    Exit 1 when there are conflicts: answer each file in conflicts/, then run it again.
    """
    own = house(folder)
    try:
        done = standing.pull(own.database, folder, partial(is_ancestor, folder), ours=ours)
    except (LookupError, standing.CannotMerge) as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show({
            "revision": done.revision, "written": list(done.written), "deleted": list(done.deleted),
            "conflicts": list(done.conflicts), "hints": done.merged.hints,
        })  # fmt: skip
    elif done.conflicts:
        click.echo(
            f"{len(done.conflicts)} conflicts; nothing was changed. Write `take: yours` or `take: published` in"
        )
        click.echo("\n".join(f"  {path}" for path in done.conflicts))
        click.echo(f"and run `fairlead pull {folder}` again.")
    else:
        for path in (*done.written, *done.deleted):
            click.echo(f"  {path}")
        click.echo(f"In step with revision {done.revision}. Next: fairlead plan {folder}")
    sys.exit(1 if done.conflicts else 0)
