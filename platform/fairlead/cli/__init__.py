"""The door for operators: parse, call `work`, print. Exit 0 on success, 1 where the input is at fault, 2 on wrong usage."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

import fairlead
from fairlead.base.errors import Failure, Invalid, Unavailable

COMMANDS = {
    "new": "workspace:new",
    "check": "checking:check",
    "test": "test:test",
    "simulate": "simulate:simulate",
    "plan": "workspace:plan",
    "apply": "workspace:apply",
    "status": "standing:status",
    "pull": "standing:pull",
    "revisions": "revisions:revisions",
    "diff": "revisions:diff",
    "blame": "revisions:blame",
    "rollback": "revisions:rollback",
    "export": "revisions:export",
    "rename": "upgrading:rename",
    "upgrade": "upgrading:upgrade",
    "origin": "upgrading:origin",
    "why": "why:why",
    "expression": "expression:expression",
    "serve": "serving:serve",
    "demo": "serving:demo",
    "worker": "worker:worker",
    "jobs": "jobs:jobs",
    "user": "people:user",
    "team": "people:team",
    "token": "people:token",
    "post": "posts:post",
    "import": "imports:import_command",
    "export-records": "imports:export_command",
    "doctor": "doctor:doctor",
    "schema": "schema:schema",
    "purge": "purge:purge",
}
"""Command → module:function. A module is loaded when its command is used, so that `--help` answers at once."""

SUMMARIES = {
    "new": "Make a new workspace from a shipped template.",
    "check": "Show every problem of a workspace at once.",
    "test": "Run the tests that a workspace brings along.",
    "simulate": "What a change would do to today's records; writes nothing.",
    "plan": "Show what publishing would change; writes nothing.",
    "apply": "Publish a workspace, or a sealed plan, as the next revision.",
    "status": "Compare a folder with what is published.",
    "pull": "Bring what others have published into a folder.",
    "revisions": "List the published revisions.",
    "diff": "Compare revisions and folders by meaning.",
    "blame": "Say since which revision a value is as it is, and by whom.",
    "rollback": "Publish the documents of an earlier revision again.",
    "export": "Write the published documents to a folder.",
    "rename": "Give something another name, everywhere.",
    "upgrade": "Bring in a newer version of the template.",
    "origin": "Say where a value is from: template, yours, engine.",
    "why": "Say why somebody can or cannot, why a rule did or did not run.",
    "expression": "Say what a rule means: labels, sentence, tree, JsonLogic.",
    "serve": "Serve the screens and the API.",
    "demo": "Serve a throw-away workspace with demonstration data.",
    "worker": "Run background jobs (RQ on Redis).",
    "jobs": "Look at background work; retry or skip what failed.",
    "user": "People: add, list, change, close.",
    "team": "Teams: add, list, change.",
    "token": "API tokens: create, list, end.",
    "post": "Posts: who stands behind a name such as @sales_head.",
    "import": "Bring records in from CSV or XLSX.",
    "export-records": "Take records out as CSV or XLSX.",
    "doctor": "Compare the database with the published configuration.",
    "schema": "JSON Schemas of documents, for editors.",
    "purge": "Remove for good what was dropped long ago.",
}


class Commands(click.Group):
    """Finds commands by name and loads them when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, attribute = where.partition(":")
        found: click.Command = getattr(importlib.import_module(f"fairlead.cli.{module}"), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(SUMMARIES.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(fairlead.__version__, prog_name="fairlead")
def cli() -> None:
    """Fairlead turns configuration into a working sales system."""


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; failures become a sentence and exit status 1."""
    try:
        return cli.main(args=arguments, prog_name="fairlead", standalone_mode=True)
    except Invalid as failure:
        for error in failure.errors:
            click.echo(f"{error.field or 'input'}: {error.to_json()['message']}", err=True)
        sys.exit(1)
    except Failure as failure:
        click.echo(failure.message(), err=True)
        sys.exit(1)
    except Unavailable as failure:
        click.echo(f"The database does not answer: {failure}", err=True)
        sys.exit(1)
    except OSError as failure:
        # A folder that is not there, a disk that is full, a file of somebody else.
        where = f"{failure.filename}: " if failure.filename else ""
        click.echo(f"{where}{failure.strerror or failure}", err=True)
        sys.exit(1)
