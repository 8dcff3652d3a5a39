"""Check a workspace: every finding at once, for people, programs and code hosts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

import fairlead
from fairlead.base.problems import Level, Problems
from fairlead.config.load import load
from fairlead.config.sarif import to_sarif
from fairlead.config.source import SourceTree


# Nothing of the database or the web is loaded here: this runs before every commit.
@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="How to print; sarif is what code hosts and editors read.",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option("--tests", is_flag=True, help="Run the workspace's own tests as well.")
def check(folder: Path, form: str, strict: bool, tests: bool) -> None:
    """Show every problem of the workspace in FOLDER: file, line, column, what is wrong, what was perhaps meant."""
    loaded = load(SourceTree.from_folder(folder))
    problems = loaded.problems
    if tests and loaded.workspace is not None:
        from fairlead.wiring import run_tests

        problems.extend(run_tests(loaded.workspace).problems())
    match form:
        case "json":
            _print({"problems": problems.to_json(), "ok": not problems.has_errors})
        case "sarif":
            _print(to_sarif(problems, fairlead.__version__))
        case _:
            click.echo(problems.render() if problems else "No problems.")
            if problems:
                click.echo(_counts(problems), err=True)
    stopped = problems.has_errors or (strict and any(one.level is Level.warning for one in problems))
    sys.exit(1 if stopped else 0)


def _counts(problems: Problems) -> str:
    counts = [(sum(one.level is level for one in problems), str(level)) for level in Level]
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count) + "."


def _print(found: object) -> None:
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))
