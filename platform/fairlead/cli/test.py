"""Run the tests that a workspace brings along."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fairlead.cli.common import FOLDER, FORMAT, show, tree
from fairlead.config.load import load
from fairlead.wiring import run_tests


@click.command()
@FOLDER
@FORMAT
@click.option("--only", multiple=True, metavar="NAME", help="Run this test; may be given several times.")
def test(folder: Path, form: str, only: tuple[str, ...]) -> None:
    """Run the tests (`kind: test`) of the workspace in FOLDER, in memory: no database is touched.

    Each finding names the file and line of what was expected, and what was found instead.
    """
    loaded = load(tree(folder))
    if loaded.workspace is None:
        click.echo(loaded.problems.render(), err=True)
        sys.exit(1)
    results = run_tests(loaded.workspace, only)
    show(results.to_json()) if form == "json" else click.echo(results.render())
    sys.exit(0 if results.passed else 1)
