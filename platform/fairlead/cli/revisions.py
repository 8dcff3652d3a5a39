"""What was published before: listed, compared, brought back, written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fairlead.cli.common import FORMAT, WORKSPACE, house, show, tree
from fairlead.cli.workspace import publish
from fairlead.config import notation
from fairlead.config.lookup import ABSENT
from fairlead.work import planning
from fairlead.work import revisions as work
from fairlead.work.folders import InTheWay, write_documents


@click.command()
@click.argument("number", type=int, required=False)
@WORKSPACE
@FORMAT
def revisions(number: int | None, folder: Path, form: str) -> None:
    """List the published revisions, newest first; or tell all about revision NUMBER."""
    own = house(folder)
    try:
        found: Any = work.history(own.database) if number is None else work.details(own.database, number)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show(found)
    elif number is not None:
        _tell(found)
    else:
        for one in found:
            click.echo(
                f"{one['number']:>5}  {one['at'][:19]}  {one['author']:<12} {one['source']:<8} {one['message'] or ''}"
            )
        if not found:
            click.echo("Nothing is published yet.")


def _tell(one: dict[str, Any]) -> None:
    click.echo(f"revision {one['number']}, {one['at'][:19]} by {one['author']} from {one['source']}")
    for name in ("message", "commit", "engine", "digest"):
        if one[name]:
            click.echo(f"{name}: {one[name]}")
    if one["plan"]:
        click.echo(one["plan"])
    click.echo(f"files: {len(one['files'])}")


@click.command()
@click.argument("older")
@click.argument("newer")
@click.option(
    "--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The workspace folder (default: the folder that is compared, else this one).",
)  # fmt: skip
@FORMAT
def diff(older: str, newer: str, folder: Path | None, form: str) -> None:
    """Show what changed from OLDER to NEWER, by meaning; each is the number of a revision, or a folder."""
    folders = [Path(one) for one in (older, newer) if not one.isdigit()]
    for one in folders:
        if not one.is_dir():
            raise click.UsageError(f"{one} is neither the number of a revision nor a folder.")
    own = house(folder or (folders[0] if folders else Path()))
    try:
        changes = work.difference(own.database, _side(older), _side(newer))
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show([change.to_json() for change in changes])
    else:
        click.echo("\n".join(change.line() for change in changes) or "No difference in meaning.")


def _side(written: str) -> work.Side:
    return int(written) if written.isdigit() else tree(Path(written))


@click.command()
@click.argument("path")
@WORKSPACE
@FORMAT
@click.option("--all", "every", is_flag=True, help="Every revision that changed it, the last one first.")
def blame(path: str, folder: Path, form: str, *, every: bool) -> None:
    """Say since which revision the value at PATH (such as entity.car.fields.colour.label) is as it is, and by whom."""
    own = house(folder)
    try:
        said = work.blame(own.database, path)
        found = list(said) if every else [next(said)]
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show([one.to_json() for one in found] if every else found[0].to_json())
        return
    for one in found:
        revision = one.revision
        click.echo(
            f"revision {revision.number}, {revision.at[:19]} by {revision.author} from {revision.source}"
            + (f": {revision.message}" if revision.message else "")
        )
        click.echo(f"  {one.path}: {_short(one.old)} → {_short(one.new)}")


def _short(value: Any) -> str:
    return "nothing" if value is ABSENT else notation.one_line(value)


@click.command()
@click.argument("number", type=int)
@WORKSPACE
@FORMAT
@click.option("--yes", is_flag=True, help="Do not ask; says nothing about losing data.")
@click.option("--allow-destructive", is_flag=True, help="Values may be taken out of sight.")
def rollback(number: int, folder: Path, form: str, yes: bool, allow_destructive: bool) -> None:
    """Publish the documents of revision NUMBER again, as a new revision."""
    own = house(folder)
    try:
        found = planning.plan_rollback(own.database, number)
        publish(own, found, form=form, yes=yes, allow_destructive=allow_destructive,
                message=f"Back to revision {number}", source="rollback")  # fmt: skip
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()


@click.command()
@click.argument("target", type=click.Path(path_type=Path, file_okay=False))
@WORKSPACE
@click.option("--revision", type=int, help="Which one (default: the newest).")
def export(target: Path, folder: Path, revision: int | None) -> None:
    """Write the published documents into TARGET, byte for byte as they were published."""
    own = house(folder)
    try:
        number, files = work.documents(own.database, revision)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    try:
        gone = write_documents(target, files)
    except InTheWay as error:
        raise click.ClickException(str(error)) from error
    left = f"; {gone} of an earlier export taken away" if gone else ""
    click.echo(f"Wrote {len(files)} files of revision {number} to {target}{left}.")
