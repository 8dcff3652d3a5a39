"""The demonstration in a real browser: one server per template and test worker, people who sign in, pictures of screens."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.support import axe
from tests.support.serving import PASSWORD, Client, free_port, running
from tests.support.world import ROOT

PICTURES = ROOT / ("docs/screenshots" if os.environ.get("FAIRLEAD_KEEP_PICTURES") else "build/screenshots")

DESKTOP, PHONE = (1280, 800), (390, 844)


@dataclass
class Desk:
    """One person's browser window on one server; complains when the console does."""

    page: Page
    base: str
    who: str
    size: str
    complaints: list[str]
    deaf: bool = False

    def go(self, path: str) -> Page:
        """Open an address of this server."""
        self.page.goto(self.base + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def picture(self, name: str) -> None:
        """Keep a picture of the screen, and look it over for what nobody should meet."""
        self.page.wait_for_load_state("networkidle")
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.size}.png")
        wide = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert wide <= 1, f"{name}: the page is {wide} px wider than the {self.size}"
        # axe measures with styles of its own, which the page's policy rightly blocks; that is not the page's doing.
        self.deaf = True
        problems = axe.serious_problems(self.page)
        self.page.wait_for_timeout(0)
        self.page.evaluate("new Promise(done => setTimeout(done, 100))")
        self.deaf = False
        assert not problems, f"{name}-{self.size}: {problems}"

    def quiet(self) -> None:
        """The console has said nothing."""
        assert not self.complaints, self.complaints

    def button(self, text: str) -> None:
        """Press the visible button or link with this text."""
        found = self.page.get_by_role("button", name=re.compile(text)).or_(
            self.page.get_by_role("link", name=re.compile(text))
        )
        found.filter(visible=True).first.click()


def serving(template: str, folder: Path) -> Iterator[str]:
    """Serve a fresh demonstration; give its address."""
    port = free_port()
    with running(
        "demo", "--template", template, "--keep", str(folder / template), port=port, log=folder / "log"
    ):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def general(tmp_path: Path) -> Iterator[str]:
    """A fresh general-sales demonstration; gives its address."""
    yield from serving("general_sales", tmp_path)


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[str]:
    """A fresh real-estate demonstration; gives its address."""
    yield from serving("real_estate", tmp_path)


Sit = Callable[..., Desk]


@pytest.fixture
def sit(browser: Browser) -> Iterator[Sit]:
    """Sign somebody in: `sit(base, "rep1", size="phone", lang="zh")`."""
    contexts: list[BrowserContext] = []

    def start(base: str, who: str, *, size: str = "desktop", lang: str = "en") -> Desk:
        width, height = PHONE if size == "phone" else DESKTOP
        context = browser.new_context(
            viewport={"width": width, "height": height}, locale="zh-CN" if lang == "zh" else "en-GB",
            timezone_id="Asia/Shanghai", reduced_motion="reduce", has_touch=size == "phone",
        )  # fmt: skip
        contexts.append(context)
        context.add_cookies([{"name": "fairlead_lang", "value": lang, "url": base}])
        page = context.new_page()
        complaints: list[str] = []

        def on_console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning") and not desk.deaf:
                complaints.append(f"{page.url}: {message.location}: {message.text}")

        desk = Desk(page, base, who, size, complaints)
        page.on("console", on_console)
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        desk.go("/signin")
        page.fill("input[name=username]", who)
        page.fill("input[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r":\d+/(\?.*)?$"), timeout=30_000)
        page.wait_for_load_state("networkidle")
        return desk

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def client() -> Callable[[str], Client]:
    """A program that speaks to the same server."""
    return Client
