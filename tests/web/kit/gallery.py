"""Every macro of the design kit with made-up data, as pages one can look at.

    python -m tests.web.kit.gallery                 # serve them at http://127.0.0.1:8765
    python -m tests.web.kit.gallery --shots DIR     # take pictures: both widths, both themes, both languages

The pages are served under the product's content policy, so that an inline style or script shows at once.
"""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup

from tests.web.kit import samples

WEB = Path(__file__).parents[3] / "platform" / "fairlead" / "web"
DIST = WEB.parent / "static" / "dist"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGES = (
    "today",
    "list",
    "empty",
    "board",
    "record",
    "form",
    "inbox",
    "report",
    "parts",
    "windows",
    "signin",
    "error",
)
TYPES = {".js": "text/javascript", ".css": "text/css", ".map": "application/json", ".txt": "text/plain"}


def texts() -> dict[str, dict[str, str]]:
    words: dict[str, dict[str, str]] = yaml.safe_load((WEB / "texts" / "kit.yaml").read_text("utf-8"))
    return words


def environment(lang: str) -> Environment:
    """The templates with what a page of the product is given."""
    words = texts()
    manifest = json.loads((DIST / "manifest.json").read_text())

    def t(key: str, **values: object) -> str:
        return words[key][lang].format(**values) if values else words[key][lang]

    made = Environment(
        loader=FileSystemLoader([WEB / "templates", Path(__file__).parent / "pages"]),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        t=t,
        lang=lang,
        asset=lambda name: f"/static/dist/{manifest[name]}",
        csrf_token="gallery",
        pick=lambda pair: pair[0 if lang == "en" else 1] if isinstance(pair, tuple) else pair,
        Markup=Markup,
    )
    return made


def render(page: str, lang: str, theme: str = "auto", extra: Mapping[str, Any] | None = None) -> str:
    """One page of the gallery as HTML."""
    shared = samples.shared(lang, page)
    return (
        environment(lang).get_template(f"{page}.page.html").render(theme=theme, **{**shared, **(extra or {})})
    )


class Handler(BaseHTTPRequestHandler):
    """Pages by name, built assets, and just enough answers for the behaviours to be tried."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = parse_qs(address.query)
        lang = query.get("lang", ["en"])[0]
        theme = query.get("theme", ["auto"])[0]
        name = address.path.strip("/") or "today"
        if name.startswith("static/dist/"):
            self._file(DIST / Path(name).name)
        elif name == "search/palette":
            self._answer(200, "application/json", json.dumps(samples.palette(query.get("q", [""])[0])))
        elif name == "search/products":
            self._answer(200, "application/json", json.dumps(samples.products(query.get("q", [""])[0])))
        elif name in PAGES:
            self._answer(200, "text/html", render(name, lang, theme))
        elif name.startswith("fragment/"):
            self._answer(
                200, "text/html", environment(lang).get_template(f"{Path(name).name}.part.html").render()
            )
        elif name == "favicon.ico":
            self._answer(204, "text/plain", "")
        else:
            self._answer(404, "text/html", render("error", lang, theme))

    def do_POST(self) -> None:
        body = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        self.server.posted.append((self.path, body, dict(self.headers)))  # type: ignore[attr-defined]
        stage = body.get("stage", [""])[0]
        if self.path == "/move" and stage == "won":
            self._answer(422, "text/html", environment("en").get_template("small-form.part.html").render())
        elif self.path == "/move" and stage == "lost":
            self._answer(
                409, "application/problem+json", json.dumps({"detail": "Rui moved it a minute ago."})
            )
        elif self.path == "/move":
            self._answer(200, "text/html", "")
        else:
            self._answer(204, "text/plain", "")

    def _file(self, path: Path) -> None:
        if not path.is_file():
            return self._answer(404, "text/plain", "")
        return self._answer(200, TYPES.get(path.suffix, "application/octet-stream"), path.read_bytes())

    def _answer(self, status: int, kind: str, body: str | bytes) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Gallery(ThreadingHTTPServer):
    """The gallery on a free port of the loopback; `posted` keeps what was sent to it."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.posted: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> Gallery:
        threading.Thread(target=partial(self.serve_forever, poll_interval=0.05), daemon=True).start()
        return self


def shots(
    into: Path, chromium: str | None, pages: tuple[str, ...], say: Callable[[str], None] = print
) -> None:
    """Take a picture of every page at both widths, in both themes and languages."""
    from playwright.sync_api import sync_playwright

    into.mkdir(parents=True, exist_ok=True)
    gallery = Gallery().start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width, height, touch in ((1280, 800, False), (390, 844, True)):
            for lang in ("en", "zh"):
                for theme in ("light", "dark"):
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, has_touch=touch, is_mobile=touch
                    )
                    tab = context.new_page()
                    for kind in ("console", "pageerror"):
                        tab.on(kind, lambda message: say(f"  ! {getattr(message, 'text', message)}"))
                    for name in pages:
                        tab.goto(f"{gallery.url}/{name}?lang={lang}&theme={theme}")
                        tab.wait_for_load_state("networkidle")
                        tab.wait_for_timeout(450 if name == "report" else 60)
                        tab.screenshot(path=into / f"{name}-{width}-{lang}-{theme}.png", full_page=True)
                    context.close()
        browser.close()
    gallery.shutdown()


def main() -> None:
    options = argparse.ArgumentParser(description="Look at the design kit.")
    options.add_argument("--shots", type=Path, help="take pictures into this folder instead of serving")
    options.add_argument("--chromium", help="the browser to take them with")
    options.add_argument("--pages", nargs="*", default=list(PAGES))
    options.add_argument("--port", type=int, default=8765)
    chosen = options.parse_args()
    if chosen.shots:
        shots(chosen.shots, chosen.chromium, tuple(chosen.pages))
        return
    gallery = Gallery(chosen.port)
    print(f"{gallery.url}/{{{','.join(PAGES)}}}?lang=zh&theme=dark")
    gallery.serve_forever()


if __name__ == "__main__":
    main()
