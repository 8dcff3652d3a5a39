"""What the tests of the configuration share: small workspaces as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(__file__).parent / "cases"


def workspace(files: Mapping[str, str]) -> Loaded:
    """Load documents from memory; their texts may be indented as the test is."""
    return load(
        SourceTree.from_mapping({name: textwrap.dedent(text).lstrip("\n") for name, text in files.items()})
    )


def found(loaded: Loaded) -> list[str]:
    """Return `line:column code path` for each finding, file by file."""
    return [f"{one.span.line}:{one.span.column} {one.code} {one.key}".rstrip() for one in loaded.problems]


@pytest.fixture
def check() -> Callable[[str], list[str]]:
    """Check one entity document and return what was found."""

    def run(text: str, name: str = "schemas/lead.yaml") -> list[str]:
        return found(workspace({name: text}))

    return run
