"""What was published before: listed, compared, brought back, written out."""

from __future__ import annotations

from pathlib import Path

import click

from fairlead.cli.common import FORMAT, WORKSPACE, house, show
from fairlead.cli.workspace import publish
from fairlead.store import revisions as store
from fairlead.work import planning
from fairlead.work import revisions as revision_work


@click.command()
@WORKSPACE
@FORMAT
def revisions(folder: Path, form: str) -> None:
    """List the published revisions, newest first."""
    own = house(folder)
    found = revision_work.history(own.database)
    own.close()
    if form == "json":
        show(found)
        return
    for one in found:
        click.echo(
            f"{one['number']:>5}  {one['at'][:19]}  {one['author']:<12} {one['source']:<8} {one['message'] or ''}"
        )
    if not found:
        click.echo("Nothing is published yet.")


@click.command()
@click.argument("older", type=int)
@click.argument("newer", type=int)
@WORKSPACE
@FORMAT
def diff(older: int, newer: int, folder: Path, form: str) -> None:
    """Show what changed from revision OLDER to NEWER, by meaning."""
    own = house(folder)
    try:
        changes = revision_work.difference(own.database, older, newer)
    except LookupError as error:
        raise click.ClickException(str(error)) from error
    finally:
        own.close()
    if form == "json":
        show([change.to_json() for change in changes])
    else:
        click.echo("\n".join(change.line() for change in changes) or "No difference in meaning.")


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
    number = revision or store.current_number(own.database)
    files = store.files(own.database, number) if number else {}
    own.close()
    if not files:
        raise click.ClickException("There is nothing published under that number.")
    for path, text in files.items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    click.echo(f"Wrote {len(files)} files of revision {number} to {target}.")
