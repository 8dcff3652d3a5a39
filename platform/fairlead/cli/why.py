"""Why somebody can or cannot see or do something, and why a rule did or did not run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from fairlead.cli.common import FORMAT, WORKSPACE, show
from fairlead.cli.people import operator
from fairlead.work import why as reasons
from fairlead.work import why_actions, why_rules
from fairlead.work.context import Context
from fairlead.work.why import Answer, Unanswerable

USER = click.argument("user")
RECORD = click.argument("record", metavar="ENTITY/ID")


@click.group()
def why() -> None:
    """Say why somebody can or cannot see or do something, with every grant considered and where it stands.

    Answering is success, whether the answer is yes or no.
    """


@why.command()
@USER
@RECORD
@WORKSPACE
@FORMAT
def read(user: str, record: str, folder: Path, form: str) -> None:
    """Say why USER sees the record ENTITY/ID, or not."""
    entity, id = _record(record)
    _tell(folder, form, lambda ctx: reasons.why_read(ctx, user, entity, id))


@why.command()
@USER
@RECORD
@click.argument("field")
@WORKSPACE
@FORMAT
def field(user: str, record: str, field: str, folder: Path, form: str) -> None:
    """Say why USER sees FIELD of a record in full, in part or not at all; that of a line as lines.price."""
    entity, id = _record(record)
    _tell(folder, form, lambda ctx: reasons.why_field(ctx, user, entity, id, field))


@why.command()
@USER
@RECORD
@click.argument("action", type=click.Choice(["read", *why_actions.ACTIONS]))
@click.option("--to", "stage", help="For move: to which stage (default: any).")
@WORKSPACE
@FORMAT
def action(user: str, record: str, action: str, stage: str | None, folder: Path, form: str) -> None:
    """Say why USER may do ACTION with a record, or not: grants, locks, guards, limits, tasks."""
    entity, id = _record(record)
    _tell(folder, form, lambda ctx: why_actions.why_action(ctx, user, entity, id, action, stage=stage))


@why.command()
@click.argument("name")
@RECORD
@WORKSPACE
@FORMAT
def rule(name: str, record: str, folder: Path, form: str) -> None:
    """Say why the automation NAME ran for a record, or not: its latest changes, each held against the rule."""
    entity, id = _record(record)
    _tell(folder, form, lambda ctx: why_rules.why_rule(ctx, name, entity, id))


def _record(text: str) -> tuple[str, str]:
    entity, slash, id = text.partition("/")
    if not (entity and slash and id):
        raise click.UsageError(f"A record is written ENTITY/ID, such as lead/06h02cg5c13zra20; not {text!r}.")
    return entity, id


def _tell(folder: Path, form: str, ask: Callable[[Context], Answer]) -> None:
    with operator(folder) as ctx:
        try:
            answer = ask(ctx)
        except Unanswerable as error:
            raise click.ClickException(str(error)) from error
    if form == "json":
        show(answer.to_json())
    else:
        click.echo(answer.render())
