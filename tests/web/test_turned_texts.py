"""A text that turns the direction of reading about (A-N11) does so for itself alone: what stands beside it stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.web.desk import Screens

STYLES = Path(__file__).resolve().parents[2] / "web" / "src" / "styles" / "base.css"
TURNED = "Acme \u202egpj.exe"

FIND = """turned => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode;
    if (!node.data.includes(turned) || !node.parentElement.checkVisibility()) continue;
    const beside = [...node.parentElement.childNodes].filter(one => one !== node && one.textContent.trim());
    const alone = node.data.trim() === turned && !beside.length;
    found.push([node.parentElement.tagName, getComputedStyle(node.parentElement).unicodeBidi, alone]);
  }
  return found;
}"""


@pytest.mark.parametrize("path", ["/l/deal", "/r/deal/{id}", "/inbox", "/"])
def test_A_N11_a_turned_name_is_isolated_on_the_page(office: Screens, page: Page, path: str) -> None:
    id = office.world.create("rui", name=TURNED)
    text = office.as_("rui").get(path.format(id=id)).text
    page.set_content(text.replace("<body", f"<style>{STYLES.read_text('utf-8')}</style><body", 1))
    found = page.evaluate(FIND, TURNED)
    assert found or path in ("/inbox", "/")
    assert {(tag, bidi, alone) for tag, bidi, alone in found if bidi != "isolate" or not alone} == set()
