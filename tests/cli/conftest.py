"""The command line as an operator meets it: arguments in, text and an exit status out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fairlead.base.errors import Failure
from fairlead.cli import cli

SMALL = {
    "fairlead.yaml": "name: small\nlanguages: [en]\n",
    "schemas/lead.yaml": """\
kind: entity
name: lead
label: Lead
title: "{name}"
traits: [owned]
fields:
  # What they are called.
  name: {type: text, required: true, max_length: 80}
  phone: {type: phone}
""",
    "admin/rep.yaml": """\
kind: role
name: rep
label: Rep
grants:
  lead: {read: own, create: own, update: own}
""",
}


@dataclass(frozen=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The output of `--format json`."""
        return json.loads(self.out)


Run = Callable[..., Answer]


@pytest.fixture
def fairlead(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process; settings of the surrounding shell do not count."""
    for name in ("DATABASE_URL", "REDIS_URL", "DATA_DIR", "SECRET_KEY"):
        monkeypatch.delenv(f"FAIRLEAD_{name}", raising=False)

    def run(*arguments: object, given: str | None = None) -> Answer:
        done = CliRunner().invoke(cli, [str(one) for one in arguments], input=given, prog_name="fairlead")
        if done.exception is not None and not isinstance(done.exception, SystemExit | Failure):
            raise done.exception
        status = 1 if isinstance(done.exception, Failure) else done.exit_code
        return Answer(status, done.stdout, done.stderr)

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A workspace of three files that nobody has published yet."""
    folder = tmp_path / "small"
    for path, text in SMALL.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def published(small: Path, fairlead: Run) -> Path:
    """The same, published as revision 1."""
    assert fairlead("apply", small, "--yes").status == 0
    return small


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Replace a text that stands in a file once."""
    text = (folder / path).read_text("utf-8")
    assert text.count(old) == 1
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")
