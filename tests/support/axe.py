"""Ask axe whether everybody can use a page."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.support import servers

AXE = servers.ROOT / "web/node_modules/axe-core/axe.min.js"
_RUN = """async (tags) => (await axe.run(document, {runOnly: {type: "tag", values: tags}})).violations"""
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def serious_problems(page: Page) -> list[str]:
    """Return one line for each serious or critical problem, with the first place where it is.

    The script is evaluated, not loaded, so that a strict content security policy does not stop it.
    """
    if not AXE.exists():
        raise servers.ServerMissing(f"axe-core is not installed: {servers.MEND}.")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [
        f"{found['id']}: {found['help']}: {found['nodes'][0]['html'][:200]} ({len(found['nodes'])} places)"
        for found in page.evaluate(_RUN, _TAGS)
        if found["impact"] in ("serious", "critical")
    ]
