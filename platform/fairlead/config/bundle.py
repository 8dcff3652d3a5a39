"""JSON Schemas for editors: one for each kind of document, and one for all.

They lie in `.fairlead/schema/` of a workspace (and of the repository), where no document is looked for, and the first
line of a document leads an editor to them. That line is a comment: nothing of the engine reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from fairlead.config.schemas import KIND_FOLDERS, published_schema
from fairlead.config.source import SETTINGS_FILE

FOLDER = PurePosixPath(".fairlead", "schema")
"""Where the schemas lie, from the root of a workspace."""
UNION = "fairlead"
"""The name of the one for all kinds."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HEADER = re.compile(r"\A# yaml-language-server: \$schema=\S*\n")
_KIND = re.compile(r"^kind: *([a-z_]+) *$|\A\{kind: *([a-z_]+),", re.M)


def schemas() -> dict[str, dict[str, Any]]:
    """Return every schema by its name: the kinds of document, `workspace` for fairlead.yaml, and the union."""
    found = {kind: published_schema(kind) for kind in (*KIND_FOLDERS, "workspace")}
    for kind, schema in found.items():
        found[kind] = {**schema, "$id": f"{kind}.json"}
    return {**found, UNION: _union(found)}


def files() -> dict[str, str]:
    """Return the schema files by name, relative to the root of a workspace."""
    return {
        str(FOLDER / f"{name}.json"): json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
        for name, schema in schemas().items()
    }


def write(root: Path) -> None:
    """Write the schema files into a workspace, anew where they differ."""
    for name, text in files().items():
        path = root / name
        if not path.is_file() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def header(path: str, kind: str) -> str:
    """Return the line that leads an editor from a document to its schema."""
    up = "../" * (len(PurePosixPath(path).parts) - 1)
    return f"# yaml-language-server: $schema={up}{FOLDER / kind}.json\n"


def with_header(path: str, text: str) -> str:
    """Return a YAML document with the line for the place where it lies; a JSON document as it is."""
    if not path.endswith((".yaml", ".yml")):
        return text
    bare = _HEADER.sub("", text)
    found = _KIND.search(bare)
    kind = "workspace" if path == SETTINGS_FILE else (found[1] or found[2]) if found else UNION
    return header(path, kind if kind in KIND_FOLDERS or kind == "workspace" else UNION) + bare


def _union(found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put all kinds into one schema that goes by `kind`; shapes of one kind alone have its name in front."""
    shared = _shared(found)
    shapes: dict[str, Any] = {}
    branches = []
    for kind in KIND_FOLDERS:
        schema = dict(found[kind])
        own: dict[str, Any] = schema.pop("$defs", {})
        for key in ("$schema", "$id"):
            schema.pop(key, None)
        names = {name: name if name in shared else f"{kind}__{name}" for name in own}
        shapes[kind] = _renamed(schema, names)
        shapes |= {names[name]: _renamed(value, names) for name, value in own.items()}
        branches.append({
            "if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": {"$ref": f"#/$defs/{kind}"},
        })  # fmt: skip
    return {
        "$schema": _DIALECT,
        "$id": f"{UNION}.json",
        "title": UNION,
        "description": "Any document; `kind` says which.",
        "type": "object",
        "properties": {"kind": {"enum": list(KIND_FOLDERS)}},
        "required": ["kind"],
        "allOf": branches,
        "$defs": shapes,
    }


def _shared(found: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the names of the shapes that are the same wherever they stand, and no kind's own name."""
    seen: dict[str, str] = {}
    unlike = set(KIND_FOLDERS)
    for schema in found.values():
        for name, value in schema.get("$defs", {}).items():
            text = json.dumps(value, sort_keys=True)
            if seen.setdefault(name, text) != text:
                unlike.add(name)
    return frozenset(seen.keys() - unlike)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: f"#/$defs/{names[part.removeprefix('#/$defs/')]}" if key == "$ref" else _renamed(part, names)
            for key, part in value.items()
        }
    return [_renamed(part, names) for part in value] if isinstance(value, list) else value
