"""The page of the command line: the help of every command, as it prints it."""

from __future__ import annotations

from collections.abc import Iterator

import click
from fairlead.cli import cli


def pages() -> dict[str, str]:
    """Return the page by name."""
    found = list(_walk(cli, "fairlead"))
    lines = [
        "# Command line", "",
        "Exit status 0 on success, 1 where the input is at fault or something was refused, 2 on wrong usage.", "",
    ]  # fmt: skip
    lines += [f"* [`{name}`](#{name.replace(' ', '-')})" for name, _ in found]
    for name, text in found:
        lines += ["", f"## {name}", "", "```text", text.rstrip("\n"), "```"]
    return {"commands.md": "\n".join(lines)}


def _walk(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, str]]:
    # A fixed width, so that the page does not depend on the terminal it was written from.
    context = click.Context(command, info_name=name.rpartition(" ")[2], parent=parent, terminal_width=100,
                            help_option_names=["-h", "--help"])  # fmt: skip
    yield name, command.get_help(context)
    if isinstance(command, click.Group):
        for key in command.list_commands(context):
            inner = command.get_command(context, key)
            if inner is not None:
                yield from _walk(inner, f"{name} {key}", context)
