"""The description of the API, made from the published configuration.

Bodies are the marshmallow schemas of `codecs`; answers are described from the same fields.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from fairlead.compiled import openapi_engine as engine
from fairlead.compiled.access import EntityAccess
from fairlead.compiled.codecs import Lines, Value, input_schema, title
from fairlead.compiled.openapi_words import (
    ANYTHING,
    COUNT,
    FLAG,
    KEY,
    LIST_PARAMETERS,
    TEXT,
    Json,
    does,
    page,
    path,
    ref,
    rows,
    shape,
    shared,
)
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.workspace import Workspace

BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom the API is described: what is not theirs is not named.

    Attributes:
        access: Entity → what they may do with it; None shows everything.
        reports: The reports they may open.
        configures: Whether they may publish.
    """

    access: Callable[[str], EntityAccess] | None = None
    reports: Container[str] | None = None
    configures: bool = True


EVERYBODY = Reader()


def openapi_document(
    workspace: Workspace, *, revision: int = 0, lang: str = "en", reader: Reader = EVERYBODY
) -> Json:
    """Return the OpenAPI 3.1 document of `workspace`.

    Args:
        workspace: A checked one.
        revision: Its number, shown as the version.
        lang: Of titles and descriptions.
        reader: For whom.
    """
    marshmallow = MarshmallowPlugin(schema_name_resolver=_name_of)
    spec = APISpec(
        title=f"Fairlead: {workspace.name}",
        version=str(revision),
        openapi_version="3.1.0",
        plugins=[marshmallow],
        servers=[{"url": BASE}],
        security=[{"token": []}],
    )
    assert marshmallow.converter is not None
    marshmallow.converter.add_attribute_function(_described(lang))  # type: ignore[no-untyped-call]
    shared(spec)
    for entity in workspace.entities.values():
        access = reader.access(entity.name) if reader.access is not None else None
        if access is None or access.read or access.write:
            _entity(spec, workspace, entity, lang, access)
    engine.tasks(spec)
    engine.reports(spec, workspace, lang, reader.reports)
    engine.tokens(spec)
    if reader.configures:
        engine.config(spec)
    document: Json = spec.to_dict()
    return document


def _name_of(schema: Any) -> str:
    found: str = (schema if isinstance(schema, type) else type(schema)).__name__
    return found


def _described(lang: str) -> Any:
    """Return the function by which apispec learns of our own kinds of marshmallow field."""

    def describe(self: Any, field: fields.Field[Any], **_: Any) -> Json:  # noqa: ARG001 - apispec binds it
        if isinstance(field, Value):
            return value_schema(field.spec, lang, empty=not field.filled)
        if isinstance(field, Lines):
            return {"title": field.spec.label.get(lang)}
        return {}

    return describe


def value_schema(field: Field, lang: str = "en", *, empty: bool = True) -> Json:
    """Return the JSON Schema of a field's value; with `empty` it may be null."""
    schema = dict(kind_of(field).json_schema(field))
    if empty and "type" in schema:
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    schema["title"] = field.label.get(lang)
    if field.help:
        schema["description"] = " ".join(filter(None, (schema.get("description"), field.help.get(lang))))
    return schema


def record_schema(entity: Entity, lang: str = "en", seen: Container[str] | None = None) -> Json:
    """Return the JSON Schema of a record as it is answered, with the fields in `seen`."""
    properties: Json = {}
    for field in entity.fields.values():
        if seen is not None and field.name not in seen:
            continue
        schema = value_schema(field, lang)
        if field.kind == "table":
            row = {inner.name: value_schema(inner, lang) for inner in field.fields.values()}
            schema["items"] = {"type": "object", "properties": {"id": KEY, **row}}
        elif field.kind in ("reference", "user", "team"):
            # With `expand` the record it points at stands in its place.
            expanded = {
                "type": "object",
                "properties": {"id": KEY, "title": TEXT},
                "required": ["id", "title"],
            }
            schema = {"anyOf": [{"type": ["string", "null"]}, expanded], "title": schema["title"]}
        properties[field.name] = schema
    properties["_hidden"] = {
        "type": "array",
        "items": TEXT,
        "description": "Fields that are there and withheld.",
    }
    properties["_masked"] = {"type": "array", "items": TEXT, "description": "Fields shown in part."}
    return {"type": "object", "title": entity.label.get(lang), "properties": properties}


# ---------------------------------------------------------------- records


def _entity(
    spec: APISpec, workspace: Workspace, entity: Entity, lang: str, access: EntityAccess | None
) -> None:
    name = entity.name
    spec.tag({"name": name, "description": entity.label.get(lang)})
    record = title(name)
    spec.components.schema(record, record_schema(entity, lang, access.seen if access is not None else None))
    one = ref(record)

    def may(action: str) -> bool:
        return access is None or access.can(action)

    def writable(action: str) -> frozenset[str] | None:
        if access is None:
            return None
        return frozenset().union(*(grant.writable for grant in access.write.get(action, ())))

    listed: Json = {}
    if may("read"):
        listed["get"] = does(
            "List", f"{name}.list", name, answer=page(one), problems="422", parameters=LIST_PARAMETERS
        )
    if may("create"):
        listed["post"] = does(
            "Create",
            f"{name}.create",
            name,
            body=input_schema(entity, "create", writable("create")),
            answer=one,
            status="201",
            problems="409",
            etag=True,
            parameters=("Idempotency-Key",),
        )
    path(spec, f"/{name}", **listed)
    item: Json = {}
    if may("read"):
        item["get"] = does(
            "Read",
            f"{name}.get",
            name,
            answer=one,
            etag=True,
            problems="422",
            parameters=("fields", "expand"),
        )
    if may("update"):
        item["patch"] = does(
            "Change",
            f"{name}.update",
            name,
            body=input_schema(entity, "update", writable("update")),
            answer=one,
            problems="409 412 423 428",
            etag=True,
            parameters=("If-Match",),
        )
    if may("delete"):
        item["delete"] = does(
            "Delete", f"{name}.delete", name, status="204", problems="409 412 423", parameters=("If-Match",)
        )
    path(spec, f"/{name}/{{id}}", **item)
    moves = {verb: found for verb, found in _moves(workspace, entity).items() if may(_NEEDS.get(verb, verb))}
    for verb, (summary, body) in moves.items():
        path(
            spec,
            f"/{name}/{{id}}/{verb}",
            post=does(
                summary,
                f"{name}.{verb}",
                name,
                body=body,
                answer=one if verb != "submit" else _SUBMITTED,
                problems="409 412 423",
                etag=verb != "submit",
                parameters=("If-Match", "Idempotency-Key"),
            ),
        )
    _bulk(spec, name, [action for action in ("create", "update", "delete") if may(action)], list(moves))
    if not may("read"):
        return
    if workspace.approvals_of(name):
        path(
            spec,
            f"/{name}/{{id}}/approval_path",
            get=does("Who would be asked, and why", f"{name}.approval_path", name, answer=ANYTHING),
        )
    for view, summary in (("history", "Who changed what when"), ("timeline", "Everything around the record")):
        path(
            spec,
            f"/{name}/{{id}}/{view}",
            get=does(
                summary,
                f"{name}.{view}",
                name,
                answer=page(ANYTHING),
                problems="422",
                parameters=("page_size", "page_token"),
            ),
        )


_NEEDS = {"claim": "read", "release": "update", "submit": "update"}
"""Operation → the action that somebody must be allowed; others are actions themselves."""

_SUBMITTED = shape(
    {"needed": FLAG, "state": TEXT, "approval": {"type": ["string", "null"]}, "flow": TEXT}, "needed"
)


def _bulk(spec: APISpec, name: str, actions: list[str], moves: list[str]) -> None:
    known = [*actions, *(verb for verb in moves if verb != "submit")]
    if not known:
        return
    operation = shape(
        {
            "op": {"type": "string", "enum": known},
            "id": {**KEY, "description": "Of the record; not to create."},
            "version": {**COUNT, "description": "The one that was seen, to update, move, assign and delete."},
            "values": {**ANYTHING, "description": "To create, update and move."},
            "to": {**TEXT, "description": "The stage to move to."},
            "stage": {**TEXT, "description": "The same."},
            "owner": {**KEY, "description": "To assign."},
            "reason": TEXT,
            "note": TEXT,
        },
        "op",
        closed=True,
    )
    error = shape({"field": TEXT, "code": TEXT, "message": TEXT}, "field", "code", "message")
    outcome = shape(
        {
            "status": COUNT,
            "id": KEY,
            "version": COUNT,
            "code": TEXT,
            "detail": TEXT,
            "errors": {"type": "array", "items": error},
            "current": ANYTHING,
            "data": ANYTHING,
        },
        "status",
    )
    operations = {"type": "array", "items": operation, "maxItems": 1000}
    path(
        spec,
        f"/{name}/bulk",
        post=does(
            "Do up to 1,000 operations",
            f"{name}.bulk",
            name,
            body=shape({"operations": operations}, "operations", closed=True),
            answer=rows(outcome),
            status="207",
            problems="409",
            parameters=("Idempotency-Key",),
        ),
    )


def _moves(workspace: Workspace, entity: Entity) -> dict[str, tuple[str, Json]]:
    """Return the operations that pools, pipelines and approvals bring to an entity, with what each is sent."""
    found: dict[str, tuple[str, Json]] = {}
    pools = workspace.pools_of(entity.name)
    if pools:
        reasons = [code for pool in pools for code, _ in pool.return_reasons]
        reason: Json = (
            {"type": ["string", "null"], "enum": [*dict.fromkeys(reasons), None]} if reasons else TEXT
        )
        found["claim"] = ("Claim from the pool", shape({}, closed=True))
        found["release"] = (
            "Give back to the pool",
            shape({"reason": reason, "note": {"type": "string", "maxLength": 2000}}, closed=True),
        )
    if pools or "owned" in entity.traits:
        found["assign"] = ("Give to somebody", shape({"owner": KEY, "reason": TEXT}, "owner", closed=True))
    pipeline = workspace.pipeline_of(entity.name)
    if pipeline is not None:
        stage = {"type": "string", "enum": [stage.name for stage in pipeline.stages]}
        found["move"] = (
            "Move to a stage",
            {
                **shape({"to": stage, "stage": stage, "reason": TEXT, "values": ANYTHING}, closed=True),
                "anyOf": [{"required": ["to"]}, {"required": ["stage"]}],
            },
        )
    flows = [flow.name for flow in workspace.approvals_of(entity.name)]
    if flows:
        flow = {"type": "string", "enum": flows}
        found["submit"] = (
            "Submit for approval",
            shape({"flow": flow, "comment": TEXT, "reason": TEXT}, closed=True),
        )
    return found
