"""What a newer edition of a template does to records that exist, declared and never code (CF-75).

    steps:
      - {name: region_known, entity: lead, fill: {region: "'unknown'"}}

A step fills what is empty, once in the life of a workspace. What belongs to a field that changes stands with the field
(`backfill`, `convert`, `map`).
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from fairlead.config.build.migrations import expression
from fairlead.config.document import Document, Node
from fairlead.config.link import Linker
from fairlead.expr.expression import Expression
from fairlead.model.governance import DataStep


def build_data_steps(templates: Iterable[Document], linker: Linker) -> tuple[DataStep, ...]:
    """Make the steps of all templates that a workspace is built on."""
    found: dict[str, DataStep] = {}
    for document in templates:
        for node in document.root.each("steps"):
            name = f"{document.name}/{node.text('name')}"
            if name in found:
                linker.add("duplicate_name", node, f"there are two steps called {node.text('name')!r}")
                continue
            entity = linker.entity(node.get("entity"))
            if entity is not None:
                found[name] = DataStep(name, node.span, entity, MappingProxyType(_fill(node, linker, entity)))
    return tuple(found.values())


def _fill(node: Node, linker: Linker, entity: str) -> dict[str, Expression]:
    found: dict[str, Expression] = {}
    fill = node.get("fill")
    for _, part in fill.entries() if fill is not None else ():
        name = linker.field(entity, part, key=True)
        if name is None:
            continue
        made = linker.fields[entity][name]
        if made.kind in ("table", "sequence") or linker.computes(entity, made) or made.origin != "document":
            linker.add("contradiction", part, "the engine fills this field itself", key=True)
            continue
        value = expression(made, part, linker, entity)
        if value is not None:
            found[name] = value
    return found
