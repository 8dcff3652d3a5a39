"""The reference pages, written from the registries: `python -m tools.docs`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tools.docs import codes, commands, documents, expressions, fields, http, settings

HEAD = "<!-- Written by `make docs` from the code; change the code or tools/docs instead. -->\n\n"

WRITERS: tuple[Callable[[], Mapping[str, str]], ...] = (
    documents.pages, codes.pages, fields.pages, expressions.pages, commands.pages, http.pages, settings.pages,
)  # fmt: skip


def reference() -> dict[str, str]:
    """Return every page of `docs/reference/` by its name there."""
    found: dict[str, str] = {}
    for write in WRITERS:
        found |= write()
    found["index.md"] = _index(found)
    return {name: HEAD + text.rstrip("\n") + "\n" for name, text in sorted(found.items())}


def _index(pages: Mapping[str, str]) -> str:
    titles = {name: text.partition("\n")[0].removeprefix("# ") for name, text in pages.items()}
    kinds = [name for name in pages if name.startswith("documents/")]
    others = [name for name in pages if name not in kinds]
    lines = [
        "# Reference",
        "",
        "Everything here is written from the code, so it is what this version does.",
        "",
    ]
    lines += [f"* [{titles[name]}]({name})" for name in others]
    lines += ["", "## Documents", ""]
    lines += [f"* [{titles[name]}]({name})" for name in kinds]
    return "\n".join(lines)
