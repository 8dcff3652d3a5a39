"""Every link leads somewhere, and every command that a page names exists."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from fairlead.cli import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:^|[`\s(|])fairlead ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
MADE_BY_MAKE = {"docs/screenshots/board-desktop.png", "docs/screenshots/approve-phone.png"}
"""Pictures that `make screenshots` takes."""

ids = [path.relative_to(ROOT).as_posix() for path in PAGES]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page, as GitHub makes them from its headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_leads_somewhere(page: Path):
    lost = []
    for target in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists():
            if found.relative_to(ROOT).as_posix() not in MADE_BY_MAKE:
                lost.append(target)
        elif anchor and found.suffix == ".md" and anchor not in anchors(found.read_text("utf-8")):
            lost.append(target)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_exists(page: Path):
    """Those in running text, in tables and in blocks alike; options too where they are long ones."""
    unknown = []
    for name, inner in set(_COMMAND.findall(page.read_text("utf-8"))):
        if name not in COMMANDS:
            unknown.append(name)
            continue
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group) and inner and inner not in command.commands:
            unknown.append(f"{name} {inner}")
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_exists(page: Path):
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", page.read_text("utf-8"), re.MULTILINE))
    assert named <= known


def test_every_page_is_reached_from_the_index():
    """Nobody finds a page that nothing leads to."""
    start = ROOT / "docs/index.md"
    seen, waiting = {start}, [start]
    while waiting:
        page = waiting.pop()
        for target in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
            found = (page.parent / target.partition("#")[0]).resolve()
            if found.suffix == ".md" and found.exists() and found not in seen:
                seen.add(found)
                waiting.append(found)
    unreached = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")} - {
        path.relative_to(ROOT).as_posix() for path in seen
    }
    assert unreached == set()
