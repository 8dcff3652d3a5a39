"""One rule in all its forms: kept, shown, said, as a tree, as JsonLogic."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.expr.parse import ExprProblem
from fairlead.work.wording import Worded, worded

_FORMS = ["all", "text", "cel", "tree", "jsonlogic"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("entity")
@click.argument("rule")
@click.option("--as", "form", type=click.Choice(_FORMS), default="all", help="Which form to print.")
def expression(folder: Path, entity: str, rule: str, form: str) -> None:
    """Say what RULE means for the records of ENTITY in the workspace in FOLDER.

    RULE is written with keys or with labels, or is a tree in JSON.
    """
    loaded = load(SourceTree.from_folder(folder))
    if loaded.workspace is None:
        click.echo(loaded.problems.render())
        sys.exit(1)
    found = worded(loaded.workspace, entity, _read(rule))
    if not isinstance(found, Worded):
        for problem in found:
            click.echo(f"{problem.start + 1}: {problem}", err=True)
        sys.exit(1)
    if form == "jsonlogic" and isinstance(found.logic, ExprProblem):
        click.echo(f"{found.logic.start + 1}: {found.logic}", err=True)
        sys.exit(1)
    click.echo(_printed(found, form))


def _read(rule: str) -> object:
    """Return a tree where one is given, else the text."""
    if not rule.lstrip().startswith("{"):
        return rule
    try:
        return json.loads(rule)
    except (ValueError, RecursionError):
        return rule


def _printed(found: Worded, form: str) -> str:
    logic = found.logic if not isinstance(found.logic, ExprProblem) else f"none: {found.logic}"
    match form:
        case "text":
            return found.text
        case "cel":
            return found.cel
        case "tree":
            return json.dumps(found.tree, ensure_ascii=False)
        case "jsonlogic":
            return json.dumps(found.logic, ensure_ascii=False)
    lines = [f"text: {found.text}", f"gives: {found.gives}"]
    lines += [f"shown ({lang}): {text}" for lang, text in found.labels.items()]
    lines += [f"said ({lang}): {text}" for lang, text in found.sentences.items()]
    lines += [f"warning: {text}" for text in found.warnings]
    shown = logic if isinstance(logic, str) else json.dumps(logic, ensure_ascii=False)
    return "\n".join([*lines, f"jsonlogic: {shown}"])
