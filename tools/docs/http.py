"""The page of the HTTP API, from the description of the general-sales template."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fairlead.compiled.openapi import BASE, openapi_document
from fairlead.config.load import load
from fairlead.config.source import shipped

ROOT = Path(__file__).resolve().parents[2]

_HEAD = f"""# HTTP API

JSON under `{BASE}`, described by `{BASE}/openapi.json`, which is made from the published configuration. Send
`Authorization: Bearer TOKEN`. Money and decimals are texts, moments are RFC 3339 in UTC, references are ids. Errors are
`application/problem+json`. `ENTITY` stands for any entity; below it stands what at least one entity of the general-sales
template has.

"""


def pages() -> dict[str, str]:
    """Return the page by name."""
    workspace = load(shipped(ROOT, "general_sales")).workspace
    assert workspace is not None
    document = openapi_document(workspace)
    found: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            group, shown, operation = _general(path, operation, frozenset(workspace.entities))
            found.setdefault(group, {}).setdefault((shown, method.upper()), operation)
    lines = []
    for group, calls in found.items():
        lines += [f"## {group.capitalize()}", "", "| call | does | answers |", "| --- | --- | --- |"]
        for (path, method), operation in calls.items():
            answers = ", ".join(operation["responses"])
            lines.append(f"| `{method} {BASE}{path}` | {operation.get('summary', '')} | {answers} |")
        lines.append("")
    lines += ["## Outside the API", "", "| call | does |", "| --- | --- |",
              "| `GET /healthz` | 200 as long as the process lives |",
              "| `GET /readyz` | 200 when requests can be served, else 503 with the reason |",
              "| `GET /metrics` | counts for Prometheus |"]  # fmt: skip
    return {"http.md": _HEAD + "\n".join(lines)}


def _general(
    path: str, operation: dict[str, Any], entities: frozenset[str]
) -> tuple[str, str, dict[str, Any]]:
    first = path.split("/")[1]
    if first in entities:
        return "records", re.sub(rf"^/{first}", "/ENTITY", path), operation
    if first == "reports":
        shown = re.sub(r"^/reports/[a-z0-9_]+", "/reports/NAME", path)
        return (
            "reports",
            shown,
            {**operation, "summary": _REPORT[shown.rpartition(".")[2] if "." in shown else ""]},
        )
    return str((operation.get("tags") or ["other"])[0]), path, operation


_REPORT = {"": "Columns and rows", "csv": "The same as CSV", "xlsx": "The same as XLSX"}
