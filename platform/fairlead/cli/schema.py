"""JSON Schemas for editors on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fairlead.config import bundle


@click.command()
@click.argument("kind", required=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the schemas of all kinds into this workspace folder, under .fairlead/schema.",
)
def schema(kind: str | None, out: Path | None) -> None:
    """Print the JSON Schema of KIND (or `fairlead`, for all kinds in one), or write them all for an editor."""
    found = bundle.schemas()
    if out is not None:
        bundle.write(out)
        click.echo(f"{len(found)} schemas in {out / bundle.FOLDER}.")
    elif kind is None:
        raise click.UsageError(f"Name a kind, or give --out. There are: {', '.join(found)}.")
    elif kind not in found:
        raise click.UsageError(f"There is no kind {kind!r}. There are: {', '.join(found)}.")
    else:
        click.echo(json.dumps(found[kind], ensure_ascii=False, indent=1))
