"""Everybody can use the parts of the kit, and they keep the content policy."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.axe import serious_problems
from tests.web.kit import gallery

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "platform" / "fairlead" / "web" / "templates"
NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = gallery.Gallery().start()
    yield server.url
    server.shutdown()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("name", gallery.PAGES)
@pytest.mark.parametrize(
    ("size", "look"),
    [(WIDE, "lang=en&theme=light"), (NARROW, "lang=zh&theme=dark")],
    ids=["wide-en-light", "narrow-zh-dark"],
)
def test_page_is_silent_and_usable_by_everybody(
    site: str, silent_page: Page, name: str, size: dict[str, int], look: str
) -> None:
    silent_page.set_viewport_size(size)  # type: ignore[arg-type]
    silent_page.goto(f"{site}/{name}?{look}")
    silent_page.wait_for_load_state("networkidle")
    assert serious_problems(silent_page) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", gallery.PAGES)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_sticks_out_of_a_phone(site: str, silent_page: Page, name: str, lang: str) -> None:
    """Long labels wrap or end in dots; the page never scrolls sideways."""
    silent_page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    silent_page.goto(f"{site}/{name}?lang={lang}")
    silent_page.wait_for_load_state("networkidle")
    assert silent_page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_first_page_is_light() -> None:
    """Style and script of a page without charts and pickers, as they travel."""
    manifest = json.loads((gallery.DIST / "manifest.json").read_text("utf-8"))
    script = (gallery.DIST / manifest["app.js"]).read_text("utf-8")
    files = {manifest["app.css"], manifest["app.js"], *re.findall(r"""from\s*["']\./([^"']+)["']""", script)}
    assert sum(len(gzip.compress((gallery.DIST / name).read_bytes())) for name in files) < 120_000


def test_no_inline_style_or_script_in_any_template() -> None:
    for path in TEMPLATES.rglob("*.html"):
        source = re.sub(r"\{#.*?#\}", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=\s*[\"']|\shx-on|<style", source), path.name
        for opening in re.findall(r"<script\b[^>]*>", source):
            assert "src=" in opening or 'type="application/json"' in opening, (path.name, opening)


def test_every_icon_that_is_named_exists() -> None:
    """An icon without a class would be an empty square."""
    styles = (ROOT / "web" / "src" / "styles" / "icons.css").read_text("utf-8")
    there = set(re.findall(r"\.i-([a-z0-9-]+)\{", styles))
    listed = set((ROOT / "web" / "src" / "icons.txt").read_text("utf-8").split())
    assert there == listed
    named: set[str] = set()
    for path in (TEMPLATES / "kit").rglob("*.html"):
        named.update(re.findall(r"icon\(\"([a-z0-9-]+)\"", path.read_text("utf-8")))
    assert named <= there


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_word_of_the_kit_exists_in_both_languages(lang: str) -> None:
    words = gallery.texts()
    used: set[str] = set()
    for path in [
        *(TEMPLATES / "kit").glob("*.html"),
        TEMPLATES / "base.html",
        TEMPLATES / "signin.html",
        TEMPLATES / "error.html",
    ]:
        used.update(re.findall(r"\bt\([\"'](kit\.[a-z_]*[a-z])[\"']", path.read_text("utf-8")))
    assert {key for key in used if not words.get(key, {}).get(lang)} == set()


def test_what_people_typed_is_never_markup() -> None:
    """Values reach a page through arguments; every one of them is escaped."""
    hostile = '"><img src=x onerror=alert(1)>{{ 7*7 }}'
    made = (
        gallery.environment("en")
        .from_string(
            '{% import "kit/ui.html" as ui with context %}{% import "kit/form.html" as form with context %}'
            '{% import "kit/list.html" as lists with context %}{% import "kit/board.html" as boards with context %}'
            "{{ ui.badge(x, x, x) }}{{ ui.state(x, x, x) }}"
            "{{ ui.button(x, x, x, x, why=x) }}{{ ui.person(x, x, x, x, x) }}"
            '{{ ui.facts([{"label": x, "value": x}]) }}{{ ui.chart("bar", [x], [{"name": x, "values": [1]}], x, [x]) }}'
            '{{ form.field(x, x, "text", x, error=x, when={"visible": {"v": x}}) }}'
            '{{ form.field("r", x, "reference", {"id": x, "title": x}, url=x) }}'
            "{{ lists.chip(x, x, x, x, x) }}"
            '{{ boards.card(x, x, x, x, allowed=[x], why={"a": x}, moves=[{"stage": "a", "label": x}]) }}'
        )
        .render(x=hostile)
    )
    assert "<img src=x" not in made
    assert "49" not in made
