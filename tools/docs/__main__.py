"""Write the reference pages and the schemas for editors; with `--check`, only say which are missing or stale."""

from __future__ import annotations

import sys
from pathlib import Path

from fairlead.config import bundle

from tools.docs import reference

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs/reference"


def differing() -> dict[str, str | None]:
    """Return the pages on disk that are not as they should be: their right text, or None where there should be none."""
    pages = reference()
    here = {path.relative_to(TARGET).as_posix(): path.read_text("utf-8") for path in TARGET.rglob("*.md")}
    found: dict[str, str | None] = {name: text for name, text in pages.items() if here.get(name) != text}
    found.update(dict.fromkeys(here.keys() - pages.keys()))
    return found


def stale_schemas() -> dict[str, str]:
    """Return the schemas for editors that are not as they should be, with their right text."""
    return {
        name: text
        for name, text in bundle.files().items()
        if not (ROOT / name).is_file() or (ROOT / name).read_text("utf-8") != text
    }


def main(arguments: list[str]) -> int:
    """Write what differs, or only list it."""
    found = differing()
    for name, text in sorted(found.items()):
        print(f"docs/reference/{name}")
        if "--check" in arguments:
            continue
        path = TARGET / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    schemas = stale_schemas()
    for name, text in schemas.items():
        print(name)
        if "--check" not in arguments:
            (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / name).write_text(text, encoding="utf-8")
    return 1 if (found or schemas) and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
