"""A shipped template as a workspace has it, and edits that a business admin or the template's author would make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairlead.config import writer
from fairlead.config.reader import read
from fairlead.config.source import SETTINGS_FILE, SourceTree, shipped, workspace_files
from fairlead.work import upgrading

ROOT = Path(__file__).resolve().parents[2]
Texts = dict[str, str]
"""Relative name → text."""


def installed(template: str = "real_estate") -> Texts:
    """The files of a new workspace."""
    return workspace_files(shipped(ROOT, template), f"name: east\ntemplate: {template}\n")


def lay(folder: Path, texts: Texts) -> Path:
    """Write files into a folder."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def office(tmp_path: Path, texts: Texts, template: str = "real_estate") -> Path:
    """A workspace made from the template as installed, and then changed to `texts`."""
    folder = lay(tmp_path, texts)
    upgrading.keep_base(folder, installed(template))
    return folder


def on_disk(folder: Path) -> Texts:
    """The documents of a folder."""
    return SourceTree.from_folder(folder).mapping()


def tree(texts: Texts) -> SourceTree:
    """A template as an upgrade is given it."""
    return SourceTree.from_mapping({path: text for path, text in texts.items() if path != SETTINGS_FILE})


def put(texts: Texts, path: str, keys: tuple[Any, ...], value: Any) -> None:
    """Set, or put in, one value."""
    holder = read(path, texts[path]).data
    for key in keys[:-1]:
        holder = holder[key]
    if isinstance(holder, list) or keys[-1] in holder:
        texts[path] = writer.set_value(path, texts[path], keys, value)
    else:
        texts[path] = writer.insert(path, texts[path], keys[:-1], keys[-1], value)


def drop(texts: Texts, path: str, keys: tuple[Any, ...]) -> None:
    """Take one value away."""
    texts[path] = writer.delete(path, texts[path], keys)
