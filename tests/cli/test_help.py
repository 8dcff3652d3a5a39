"""Every command explains itself, and wrong usage is told apart from wrong input."""

from __future__ import annotations

import subprocess
import sys
import time

import click
import pytest
from fairlead.cli import COMMANDS, SUMMARIES, cli

from tests.cli.conftest import Run


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_answers_help(fairlead: Run, name: str):
    """Commands inside a group too, and each with a sentence of what it does."""
    began = time.perf_counter()
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    inner = [(name, key) for key in command.commands] if isinstance(command, click.Group) else []
    for words in [(name,), *inner]:
        done = fairlead(*words, "--help")
        assert done.status == 0
        assert done.out.startswith(f"Usage: fairlead {' '.join(words)}")
        assert len(done.out.split("\n\n")) > 2, "no sentence says what it does"
    assert time.perf_counter() - began < 3


def test_help_lists_every_command_with_a_sentence(fairlead: Run):
    text = fairlead("--help").out
    assert COMMANDS.keys() == SUMMARIES.keys()
    for name, sentence in SUMMARIES.items():
        assert name in text
        assert sentence in text


def test_the_list_of_commands_loads_neither_the_web_nor_the_database():
    """`fairlead --help` and a mistyped command answer at once."""
    code = (
        "import sys\nfrom fairlead.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('flask', 'sqlalchemy', 'redis', 'rq') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize(
    "words",
    [
        ("nosuch",), ("new",), ("check",), ("check", "nowhere"), ("new", "x", "--template", "nosuch"),
        ("diff", "one", "two"), ("rollback",), ("plan", "--nosuch"), ("demo", "--host", "0.0.0.0"),
        ("worker", "--workers", "0"), ("token", "create"), ("user", "nosuch"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_exits_with_2(fairlead: Run, words: tuple[str, ...]):
    done = fairlead(*words)
    assert done.status == 2
    assert done.err.startswith("Usage: ") or "Error: " in done.err


def test_an_unknown_template_names_those_there_are(fairlead: Run, tmp_path):
    done = fairlead("new", tmp_path / "x", "--template", "general")
    assert "There are: general_sales, real_estate." in done.err


@pytest.mark.parametrize(
    "words", [("user", "list"), ("jobs", "list"), ("doctor",), ("team", "list")], ids=" ".join
)
def test_commands_that_need_a_revision_say_so(fairlead: Run, small, words: tuple[str, ...]):
    done = fairlead(*words, "-w", small)
    assert done.status == 1
    assert done.err == "Error: Nothing is published yet. Run `fairlead apply` first.\n"
