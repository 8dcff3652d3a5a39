"""What several commands share: the workspace, its settings, its tree of files, and printing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from fairlead.config.source import SourceTree
from fairlead.settings import Settings, settings_from
from fairlead.wiring import House, build

WORKSPACE = click.option(
    "--workspace", "-w", "folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(),
    help="The workspace folder (default: this one).",
)  # fmt: skip
FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print."
)
FOLDER = click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))


def shipped_root() -> Path:
    """Return where the shipped templates lie: beside the code in a checkout, inside the package when installed."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "shipped"
    return inside if inside.is_dir() else package.parent.parent


def house(folder: Path, *, demo: bool = False) -> House:
    """Open the workspace in `folder`."""
    return build(settings(folder, demo=demo))


def settings(folder: Path, *, demo: bool = False) -> Settings:
    """Return the settings of the workspace in `folder`."""
    return settings_from(folder, demo=demo)


def tree(folder: Path) -> SourceTree:
    """Return the documents of the workspace in `folder`."""
    return SourceTree.from_folder(folder)


def show(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def author() -> str:
    """Return who is at the keyboard, for the revision."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "cli"
