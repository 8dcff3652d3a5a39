"""The JSON Schemas of every kind of document, whole: what the editor, the reference pages and the check read.

They lie in `shapes/` as JSON Schema 2020-12; the keys of each field type are added from the registry of field kinds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from fairlead.fields.registry import KINDS

Schema = Mapping[str, Any]

KIND_FOLDERS: Mapping[str, str] = {
    "entity": "schemas",
    "options": "schemas",
    "pipeline": "workflows",
    "pool": "workflows",
    "approval": "workflows",
    "automation": "workflows",
    "connector": "workflows",
    "calendar": "workflows",
    "form": "forms",
    "list": "forms",
    "board": "forms",
    "page": "forms",
    "menu": "forms",
    "document": "forms",
    "message": "forms",
    "public_form": "forms",
    "role": "admin",
    "report": "admin",
    "dashboard": "admin",
    "quota": "admin",
    "template": "admin",
    "test": "admin",
}
"""Every kind of document, and the folder it belongs in."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
NAME_PATTERN = "^[a-z][a-z0-9_]{0,39}$"


@cache
def published_schema(kind: str) -> dict[str, Any]:
    """Return the whole schema of `kind` in one piece, for editors and the reference pages."""
    schema: dict[str, Any] = json.loads(json.dumps(_shipped(kind)))
    text = json.dumps(schema).replace("common.schema.json#/$defs/", "#/$defs/")
    schema = json.loads(text)
    # In JSON there are no comments: this key leads an editor to the schema, and nothing reads it.
    schema["properties"]["$schema"] = {"type": "string", "maxLength": 500}
    common: dict[str, Any] = json.loads(json.dumps(_shipped("common")["$defs"]))
    wanted = set(re.findall(r"#/\$defs/([a-z_]+)", text))
    own: dict[str, Any] = schema.setdefault("$defs", {})
    if kind == "entity":
        own.update(_field_schemas(own.pop("field")))
        wanted |= set(re.findall(r"#/\$defs/([a-z_]+)", json.dumps(own)))
    todo = sorted(wanted - own.keys())
    while todo:
        name = todo.pop()
        if name in own:
            continue
        text = json.dumps(common[name]).replace("common.schema.json#/$defs/", "#/$defs/")
        own[name] = json.loads(text)
        todo += re.findall(r"#/\$defs/([a-z_]+)", text)
    return schema


def field_keys(field_kind: str) -> Mapping[str, Any]:
    """Return the keys that only fields of this kind have, with their schemas."""
    return {**KINDS[field_kind].params_schema, **_OWN_KEYS.get(field_kind, {})}


# Keys whose values name other documents, or hold fields; the kinds of field know nothing of either.
_OPTIONS = {
    "description": "A set of options by name, or the options themselves.",
    "type": ["string", "array", "object"],
    "minItems": 1,
    "maxItems": 2000,
    "items": {"$ref": "#/$defs/options_item"},
    "minProperties": 1,
    "propertyNames": {"$ref": "#/$defs/option_name"},
    "additionalProperties": {"$ref": "#/$defs/options_value"},
}
_OWN_KEYS: Mapping[str, Mapping[str, Any]] = {
    "choice": {"options": _OPTIONS},
    "multi_choice": {"options": _OPTIONS},
    "table": {
        "fields": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 60,
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"$ref": "#/$defs/line_field"},
        },
    },
}


def _field_schemas(common: Mapping[str, Any]) -> dict[str, Any]:
    """Return `field`, `line_field` and one `field_<kind>` for each kind of field."""
    made: dict[str, Any] = {}
    for name, kind in KINDS.items():
        own = {key: value for key, value in field_keys(name).items() if key not in common["properties"]}
        made[f"field_{name}"] = {
            "type": "object",
            "description": kind.help.get("en"),
            "properties": {**common["properties"], "type": {"const": name}, **own},
            "required": ["type", *kind.required_params],
            "additionalProperties": False,
        }
    # A table in a table is not kept, so the type of a line's field is any other.
    for shape, names in (("field", [*KINDS]), ("line_field", [name for name in KINDS if name != "table"])):
        made[shape] = {
            "description": common["description"],
            "type": "object",
            "properties": {"type": {"enum": names}},
            "required": ["type"],
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                    "then": {"$ref": f"#/$defs/field_{name}"},
                }
                for name in names
            ],
        }
    return made


def _shipped(name: str) -> dict[str, Any]:
    text = resources.files("fairlead.config").joinpath("shapes", f"{name}.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded
