"""Records in from files and out to files, on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from fairlead.cli.common import FORMAT, WORKSPACE, show
from fairlead.cli.people import operator
from fairlead.store import people
from fairlead.work import exports, imports
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context
from fairlead.work.import_outcome import OnExisting, Progress, Summary
from fairlead.work.people_values import fold_username

FILE = click.Path(path_type=Path, dir_okay=False)
AS = click.option(
    "--as", "username", metavar="USER", help="On behalf of USER, with their rights (default: everything)."
)


@contextmanager
def _acting(folder: Path, username: str | None) -> Iterator[Context]:
    with operator(folder) as ctx:
        if username is None:
            yield ctx
            return
        account = people.account_by_username(ctx.database, fold_username(username))
        if account is None or not account.active:
            raise click.ClickException(f"There is no active account {username!r}.")
        yield replace(ctx, actor=actor_of(account, zone=ctx.app.workspace.zone), _memo={})


@click.command("import")
@click.argument("entity")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--mapping", metavar="CONNECTOR", help="The mapping document (default: columns by names and labels)."
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; write nothing.")
@click.option(
    "--errors", type=FILE, help="Where rows go that are not taken (default: FILE.rejected.csv, here)."
)
@click.option("--key", "key", multiple=True, help="Without a mapping: a field by which rows are recognised.")
@click.option(
    "--on-existing",
    type=click.Choice(["update", "skip", "quarantine"]),
    help="What happens to a row that is there.",
)
@click.option("--skip-column", "skip", multiple=True, help="Without a mapping: a column not to be read.")
@click.option("--sheet", help="Of a workbook (default: the first).")
@AS
@FORMAT
@WORKSPACE
def import_command(
    entity: str,
    file: Path,
    mapping: str | None,
    dry_run: bool,
    errors: Path | None,
    key: tuple[str, ...],
    on_existing: OnExisting | None,
    skip: tuple[str, ...],
    sheet: str | None,
    username: str | None,
    form: str,
    folder: Path,
) -> None:
    """Bring the rows of FILE (CSV or XLSX) in as records of ENTITY, or as people (user) or teams (team).

    Rows that cannot be taken are written to a file of their own with the reason; mended, it is imported like any other.
    """
    errors = errors or Path(f"{file.stem.removesuffix('.rejected')}.rejected.csv")
    if errors.exists() and errors.resolve() == file.resolve():
        raise click.UsageError(
            "The rows not taken would overwrite the file itself: name another with --errors."
        )
    with _acting(folder, username) as ctx, _bar(quiet=form == "json") as bar:
        task = bar.add_task(file.name, total=None, refused=0)

        def told(progress: Progress) -> None:
            bar.update(task, completed=progress.done, total=progress.total, refused=progress.quarantined)

        summary = imports.import_file(
            ctx, entity, file, connector=mapping, dry_run=dry_run, errors=errors, key=key, on_existing=on_existing,
            skip=skip, sheet=sheet, progress=told,
        )  # fmt: skip
    if form == "json":
        show(summary.to_json())
    else:
        _say(summary)
    if summary.quarantined:
        sys.exit(1)


def _bar(*, quiet: bool) -> Bar:
    console = Console(stderr=True)
    return Bar(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[refused]} not taken"),
        TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal,
    )  # fmt: skip


def _say(summary: Summary) -> None:
    verb = "would be " if summary.dry_run else ""
    counts = {
        "created": summary.created, "updated": summary.updated, "unchanged": summary.unchanged,
        "skipped": summary.skipped, "not taken": summary.quarantined,
    }  # fmt: skip
    said = ", ".join(f"{count:,} {verb}{name}" for name, count in counts.items() if count)
    click.echo(f"{summary.total:,} rows: {said or 'nothing to do'}.")
    for name, count in summary.also_created.items():
        click.echo(f"Made on the way: {count:,} {name}.")
    if summary.unused_columns:
        click.echo(f"Columns not read: {', '.join(summary.unused_columns)}.")
    for one in sorted(summary.reasons.values(), key=lambda reason: -reason.count):
        where = f"{one.field}: " if one.field else ""
        click.echo(f"  {one.count:,} × {where}{one.message.get('en')}  (first in line {one.line})")
    if summary.errors_file:
        click.echo(f"Rows that were not taken: {summary.errors_file}")


@click.command("export-records")
@click.argument("entity")
@click.argument("file", type=FILE)
@click.option("--fields", help="Which fields, in this order: name,stage,amount (default: all).")
@click.option("--filter", "filter_", help="Only records for which this expression holds.")
@click.option("--labels", is_flag=True, help="Labels instead of names, for titles and options.")
@click.option("--language", type=click.Choice(["en", "zh"]), help="Of the labels.")
@AS
@WORKSPACE
def export_command(
    entity: str,
    file: Path,
    fields: str | None,
    filter_: str | None,
    labels: bool,
    language: str | None,
    username: str | None,
    folder: Path,
) -> None:
    """Write the records of ENTITY to FILE: .csv or .xlsx by its name."""
    form: exports.Form = "xlsx" if file.suffix.lower() == ".xlsx" else "csv"
    wanted = tuple(part.strip() for part in fields.split(",") if part.strip()) if fields else None
    with _acting(folder, username) as ctx:
        if entity not in ctx.app.entities:
            raise click.ClickException(f"There is no entity {entity!r}.")
        found = exports.export(ctx, entity, form, fields=wanted, filter=filter_, labels=labels, lang=language)
        # Beside the file first, so that a stop half-way leaves no half of a file under its name.
        partial = file.with_name(f".{file.name}.part")
        try:
            with partial.open("wb") as out:
                out.writelines(found.chunks)
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    click.echo(f"Wrote {file}.")
