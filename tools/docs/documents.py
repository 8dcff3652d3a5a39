"""One page for each kind of document, and one for the shapes that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from fairlead.config.edition import LATER, REFUSED
from fairlead.config.schemas import KIND_FOLDERS

from tools.docs import shapes
from tools.docs.shapes import COMMON, OWN, Row, Schema

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ("general_sales", "real_estate")
EXAMPLES = Path(__file__).with_name("examples")
"""Documents of kinds that no shipped template has; they fit the general-sales template."""
WISHED_LINES = 30
"""Of an example; the file that comes nearest is taken."""

_HEADER = re.compile(r"\A# yaml-language-server: .*\n")

_NOT_DRAWN = (
    "name",
    "label",
    "expression",
    "duration",
    "flag",
    "was",
    "names",
    "color",
    "option_name",
    "order",
)


def pages() -> dict[str, str]:
    """Return the pages by name."""
    found = {f"documents/{kind}.md": _page(kind) for kind in KIND_FOLDERS}
    found["documents/workspace.md"] = _page("workspace")
    found["documents/shared.md"] = _shared()
    return found


def rows_of(kind: str) -> dict[str, list[Row]]:
    """Return the keys of a kind of document (under its own name) and of the shapes that it alone has."""
    schema = shapes.shape(kind)
    found = {kind: list(shapes.rows(schema, kind, _link))}
    for name, own in shapes.own_shapes(schema).items():
        found[name] = list(shapes.rows(own, name, _link))
    return found


def shared_rows() -> dict[str, list[Row]]:
    """Return the keys of the shared shapes that have any."""
    every = shapes.shape("common")["$defs"]
    found = {name: list(shapes.rows(value, name, _link_here)) for name, value in every.items()}
    return {name: rows for name, rows in found.items() if rows and name not in _NOT_DRAWN}


def _link(ref: str) -> str:
    if ref.startswith(COMMON):
        name = ref.removeprefix(COMMON)
        if name == "expression":
            return "[expression](../expressions.md)"
        return f"[{name}](shared.md#{name})"
    name = ref.removeprefix(OWN)
    return f"[{name}](#{name})"


def _link_here(ref: str) -> str:
    if ref.endswith("/expression"):
        return "[expression](../expressions.md)"
    name = ref.removeprefix(COMMON)
    return f"[{name}](#{name})"


def _page(kind: str) -> str:
    schema = shapes.shape(kind)
    lines = [f"# {kind}" if kind != "workspace" else "# fairlead.yaml", "", str(schema["description"]), ""]
    if kind != "workspace":
        lines += [f"Lies in `{KIND_FOLDERS[kind]}/`. Keys marked \\* are needed.", ""]
    for name, rows in rows_of(kind).items():
        if name != kind:
            lines += ["", f"## {name}", ""]
            if text := shapes.own_shapes(schema)[name].get("description"):
                lines += [str(text), ""]
            if name == "field":
                lines += ["The keys that each type adds are on the page of [field types](../fields.md).", ""]
        if rows:
            lines += shapes.table(rows)
    lines += _edition(kind)
    example = _example(kind)
    if example is not None:
        path, text = example
        lines += ["", "## Example", "", f"`{path}`", "", "```yaml", text.rstrip("\n"), "```"]
    return "\n".join(lines)


def _edition(kind: str) -> list[str]:
    """Say what is kept and not acted on, and what is refused."""
    later = [one for one in LATER.get(kind, ()) if one.lacks]
    refused = REFUSED.get(kind, {})
    lines: list[str] = []
    if [one.pattern for one in later] == [""]:
        return [
            "",
            f"This edition checks and keeps these documents and does not act on them yet: {later[0].lacks}.",
        ]
    if later:
        lines += ["", "## Not acted on yet", "", "Checked and kept; a warning says so. Meanwhile:", ""]
        lines += ["| written | meanwhile |", "| --- | --- |"]
        lines += [f"| {_pattern(one.pattern)} | {one.lacks} |" for one in later]
    if refused:
        lines += [
            "",
            "## Not in this edition",
            "",
            "An error, since leaving it aside would change what happens:",
            "",
        ]
        lines += ["| written | what it would be |", "| --- | --- |"]
        lines += [f"| {_pattern(pattern)} | {words} |" for pattern, words in refused.items()]
    return lines


def _pattern(text: str) -> str:
    path, _, value = text.partition("=")
    return f"`{path}: {value}`" if value else f"`{path}`"


def _example(kind: str) -> tuple[str, str] | None:
    if kind == "workspace":
        return (
            "fairlead.yaml",
            "name: acme\ntemplate: general_sales\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\n",
        )
    best: tuple[int, str, str] | None = None
    for template in TEMPLATES:
        folder = ROOT / KIND_FOLDERS[kind] / template
        for path in sorted(folder.rglob("*.yaml")):
            text = _HEADER.sub("", path.read_text("utf-8"))
            if not text.startswith(f"kind: {kind}\n") and f"\nkind: {kind}\n" not in text:
                continue
            found = (abs(text.count("\n") - WISHED_LINES), path.relative_to(ROOT).as_posix(), text)
            best = found if best is None else min(best, found)
        if best is not None:
            return best[1], best[2]
    own = EXAMPLES / f"{kind}.yaml"
    return (f"{KIND_FOLDERS[kind]}/{own.name}", own.read_text("utf-8")) if own.is_file() else None


def _shared() -> str:
    every: Mapping[str, Schema] = shapes.shape("common")["$defs"]
    lines = ["# Shapes that documents share", ""]
    drawn = shared_rows()
    for name, value in every.items():
        lines += [f"## {name}", ""]
        if "description" in value:
            lines += [str(value["description"]), ""]
        lines += [f"Takes: {shapes.takes(value, _link_here)}.", ""]
        if name in drawn:
            lines += [*shapes.table(drawn[name]), ""]
    return "\n".join(lines)
