"""What expressions written by people at run time (API filters) may read of the entities."""

from __future__ import annotations

from fairlead.expr.types import TEAM, TEXT, USER, Shape, Type, reference_type, rows_type
from fairlead.fields.registry import kind_of
from fairlead.model.workspace import Workspace


def build_shapes(workspace: Workspace) -> dict[str, Shape]:
    """Return the shapes of all entities, of their lines, of people and of teams, by name."""
    shapes: dict[str, Shape] = {}
    shapes["user"] = Shape("user", {"id": USER, "name": TEXT, "email": TEXT, "team": TEAM}, shapes)
    shapes["team"] = Shape(
        "team", {"id": TEAM, "name": TEXT, "code": TEXT, "head": USER, "parent": TEAM}, shapes
    )
    for name, entity in workspace.entities.items():
        types: dict[str, Type] = {}
        for field in entity.fields.values():
            kind = kind_of(field).expr_type(field)
            if field.kind == "table":
                row = f"{name}.{field.name}"
                rows = {inner.name: kind_of(inner).expr_type(inner) for inner in field.fields.values()}
                shapes[row] = Shape(row, rows, shapes)
                kind = rows_type(row, max_items=kind.max_items)
            types[field.name] = kind
        types["id"] = reference_type(name)
        shapes[name] = Shape(name, types, shapes)
    return shapes
