"""The description of the API, made from the published configuration.

Bodies are the marshmallow schemas of `codecs`; answers are described from the same fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import fields

from fairlead.compiled.codecs import Lines, Value, input_schema
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.workspace import Workspace

BASE = "/api/v1"

Json = dict[str, Any]

_TEXT: Json = {"type": "string"}
_KEY: Json = {"type": "string", "maxLength": 40}
_FLAG: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer"}
_MOMENT: Json = {"type": "string", "format": "date-time"}
_ANY_OBJECT: Json = {"type": "object", "additionalProperties": True}


def openapi_document(workspace: Workspace, *, revision: int = 0, lang: str = "en") -> Json:
    """Return the OpenAPI 3.1 document of `workspace`.

    Args:
        workspace: A checked one.
        revision: Its number, shown as the version.
        lang: Of titles and descriptions.
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
    _shared(spec)
    for entity in workspace.entities.values():
        _entity(spec, workspace, entity, lang)
    _tasks(spec)
    _reports(spec, workspace, lang)
    _people(spec)
    _config(spec)
    document: Json = spec.to_dict()
    return document


def _name_of(schema: Any) -> str:
    found: str = (schema if isinstance(schema, type) else type(schema)).__name__
    return found


def _path(spec: APISpec, path: str, **operations: Json) -> None:
    here: list[Any] = ["id"] if "{id}" in path else []
    spec.path(path=path, operations=operations, parameters=here)


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


def record_schema(entity: Entity, lang: str = "en") -> Json:
    """Return the JSON Schema of a record as it is answered."""
    properties: Json = {}
    for field in entity.fields.values():
        schema = value_schema(field, lang)
        if field.kind == "table":
            row = {inner.name: value_schema(inner, lang) for inner in field.fields.values()}
            schema["items"] = {"type": "object", "properties": {"id": _KEY, **row}}
        elif field.kind in ("reference", "user", "team"):
            # With `expand` the record it points at stands in its place.
            expanded = {
                "type": "object",
                "properties": {"id": _KEY, "title": _TEXT},
                "required": ["id", "title"],
            }
            schema = {"anyOf": [{"type": ["string", "null"]}, expanded], "title": schema["title"]}
        properties[field.name] = schema
    properties["_hidden"] = {
        "type": "array",
        "items": _TEXT,
        "description": "Fields that are there and withheld.",
    }
    properties["_masked"] = {"type": "array", "items": _TEXT, "description": "Fields shown in part."}
    return {"type": "object", "title": entity.label.get(lang), "properties": properties}


# ---------------------------------------------------------------- what all share


def _shared(spec: APISpec) -> None:
    parts = spec.components
    parts.security_scheme("token", {"type": "http", "scheme": "bearer"})
    error = _object({"field": _TEXT, "code": _TEXT, "message": _TEXT}, "field", "code", "message")
    parts.schema(
        "Problem",
        _object(
            {
                "type": _TEXT,
                "title": _TEXT,
                "status": _COUNT,
                "code": _TEXT,
                "detail": _TEXT,
                "request_id": _TEXT,
                "errors": {"type": "array", "items": error},
                "current": {**_ANY_OBJECT, "description": "What stands now, on 409 and 412."},
            },
            "type",
            "title",
            "status",
            "code",
        ),
    )
    for name, text in _PROBLEMS.items():
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        headers = {"Retry-After": {"schema": _COUNT}} if name == "TooMany" else {}
        parts.response(
            name, {"description": text, "content": content, **({"headers": headers} if headers else {})}
        )
    for name, (place, schema, text) in _PARAMETERS.items():
        parts.parameter(
            name, "header" if "-" in name else place, {"name": name, "schema": schema, "description": text}
        )


_PROBLEMS: Mapping[str, str] = {
    "Malformed": "The request itself is malformed.",
    "SignedOut": "No token, or one that is no longer good.",
    "NotAllowed": "This may not be done by you.",
    "Missing": "There is no such thing, or you may not see it.",
    "Refused": "A rule says no, or somebody was faster; `current` tells what stands.",
    "Stale": "Changed since it was read; `current` tells what stands.",
    "Unfit": "Values that cannot be kept, each named in `errors`.",
    "Held": "An approval under way holds the record.",
    "NoVersion": "Send the version with `If-Match`.",
    "TooMany": "Too many requests.",
}
_STATUSES: Mapping[str, str] = {
    "400": "Malformed",
    "401": "SignedOut",
    "403": "NotAllowed",
    "404": "Missing",
    "409": "Refused",
    "412": "Stale",
    "422": "Unfit",
    "423": "Held",
    "428": "NoVersion",
    "429": "TooMany",
}
_PARAMETERS: Mapping[str, tuple[str, Json, str]] = {
    "id": ("path", _KEY, "The key."),
    "filter": (
        "query",
        {"type": "string", "maxLength": 4000},
        "A rule over the fields, such as `stage == 'proposal' && amount > 1000.0`.",
    ),
    "order_by": ("query", _TEXT, "Such as `amount desc,id`."),
    "page_size": ("query", {"type": "integer", "minimum": 1, "maximum": 200}, "How many records."),
    "page_token": ("query", _TEXT, "`next_page_token` of the page before."),
    "page": ("query", {"type": "integer", "minimum": 1}, "A small jump, in place of a token."),
    "fields": ("query", _TEXT, "Names of fields with commas between."),
    "expand": ("query", _TEXT, "References to answer with their titles."),
    "search": ("query", {"type": "string", "maxLength": 200}, "Words to find."),
    "count": ("query", _FLAG, "Count all that fit."),
    "If-Match": ("header", _TEXT, "The `ETag` of what this change was made from."),
    "Idempotency-Key": ("header", {"type": "string", "maxLength": 200}, "The same key has its effect once."),
}
_LIST_PARAMETERS = (
    "filter",
    "order_by",
    "page_size",
    "page_token",
    "page",
    "fields",
    "expand",
    "search",
    "count",
)


def _object(properties: Json, *required: str, closed: bool = False) -> Json:
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _page(item: Json) -> Json:
    return _object(
        {
            "items": {"type": "array", "items": item},
            "next_page_token": {"type": ["string", "null"]},
            "count": {**_COUNT, "description": "With `count=true`."},
        },
        "items",
    )


def _does(
    summary: str,
    operation: str,
    tag: str,
    *,
    body: Any = None,
    answer: Json | None = None,
    status: str = "200",
    problems: str = "",
    parameters: tuple[str, ...] = (),
    etag: bool = False,
    public: bool = False,
    media: str = "application/json",
) -> Json:
    """Describe one operation; `problems` are the statuses, beside those that any may answer with."""
    good: Json = {"description": "Done."}
    if answer is not None:
        good = {"description": "The answer.", "content": {media: {"schema": answer}}}
    if etag:
        good["headers"] = {"ETag": {"schema": _TEXT, "description": "The version, for `If-Match`."}}
        if status == "201":
            good["headers"]["Location"] = {"schema": _TEXT}
    always = ["400", "429"] if public else ["400", "401", "403", "404", "429"]
    responses: Json = {status: good}
    for code in sorted({*always, *problems.split()}):
        responses[code] = _STATUSES[code]
    found: Json = {"summary": summary, "operationId": operation, "tags": [tag], "responses": responses}
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if public:
        found["security"] = []
    return found


# ---------------------------------------------------------------- records


def _entity(spec: APISpec, workspace: Workspace, entity: Entity, lang: str) -> None:
    name = entity.name
    spec.tag({"name": name, "description": entity.label.get(lang)})
    record = "".join(part.capitalize() for part in name.split("_"))
    spec.components.schema(record, record_schema(entity, lang))
    create, update = input_schema(entity, "create"), input_schema(entity, "update")
    one = _ref(record)
    _path(
        spec,
        f"/{name}",
        get=_does(
            "List", f"list_{name}", name, answer=_page(one), problems="422", parameters=_LIST_PARAMETERS
        ),
        post=_does(
            "Create",
            f"create_{name}",
            name,
            body=create,
            answer=one,
            status="201",
            problems="409 422",
            etag=True,
            parameters=("Idempotency-Key",),
        ),
    )
    _path(
        spec,
        f"/{name}/{{id}}",
        get=_does("Read", f"get_{name}", name, answer=one, etag=True, parameters=("fields", "expand")),
        patch=_does(
            "Change",
            f"update_{name}",
            name,
            body=update,
            answer=one,
            problems="409 412 422 423 428",
            etag=True,
            parameters=("If-Match",),
        ),
        delete=_does(
            "Delete",
            f"delete_{name}",
            name,
            status="204",
            problems="409 412 423 428",
            parameters=("If-Match",),
        ),
    )
    for verb, (summary, body) in _moves(workspace, entity).items():
        _path(
            spec,
            f"/{name}/{{id}}/{verb}",
            post=_does(
                summary,
                f"{verb}_{name}",
                name,
                body=body,
                answer=one,
                problems="409 412 422 423",
                etag=True,
                parameters=("If-Match", "Idempotency-Key"),
            ),
        )
    operation = _object(
        {
            "action": {"type": "string", "enum": ["create", "update", "delete", *_moves(workspace, entity)]},
            "id": _KEY,
            "version": _COUNT,
            "values": _ANY_OBJECT,
        },
        "action",
    )
    outcome = _object({"index": _COUNT, "status": _COUNT, "id": _KEY, "problem": _ref("Problem")}, "status")
    _path(
        spec,
        f"/{name}/bulk",
        post=_does(
            "Do up to 1,000 operations",
            f"bulk_{name}",
            name,
            body=_object(
                {"operations": {"type": "array", "items": operation, "maxItems": 1000}}, "operations"
            ),
            answer=_page(outcome),
            problems="422",
            parameters=("Idempotency-Key",),
        ),
    )
    for view, summary in (("history", "Who changed what when"), ("timeline", "Everything around the record")):
        _path(
            spec,
            f"/{name}/{{id}}/{view}",
            get=_does(
                summary,
                f"{view}_{name}",
                name,
                answer=_page(_ANY_OBJECT),
                parameters=("page_size", "page_token"),
            ),
        )


def _moves(workspace: Workspace, entity: Entity) -> dict[str, tuple[str, Json]]:
    """Return the operations that pools, pipelines and approvals bring to an entity, with what each is sent."""
    found: dict[str, tuple[str, Json]] = {}
    pools = workspace.pools_of(entity.name)
    if pools:
        reasons = [code for pool in pools for code, _ in pool.return_reasons]
        reason: Json = (
            {"type": ["string", "null"], "enum": [*dict.fromkeys(reasons), None]} if reasons else _TEXT
        )
        found["claim"] = ("Claim from the pool", _object({}, closed=True))
        found["release"] = (
            "Give back to the pool",
            _object({"reason": reason, "note": {"type": "string", "maxLength": 1000}}, closed=True),
        )
    if pools or "owned" in entity.traits:
        found["assign"] = ("Give to somebody", _object({"owner": _KEY, "note": _TEXT}, "owner", closed=True))
    pipeline = workspace.pipeline_of(entity.name)
    if pipeline is not None:
        stage = {"type": "string", "enum": [stage.name for stage in pipeline.stages]}
        found["move"] = (
            "Move to a stage",
            _object({"to": stage, "reason": _TEXT, "values": _ANY_OBJECT}, "to", closed=True),
        )
    flows = [flow.name for flow in workspace.approvals_of(entity.name)]
    if flows:
        flow = {"type": "string", "enum": flows}
        found["submit"] = ("Submit for approval", _object({"flow": flow, "comment": _TEXT}, closed=True))
    return found


# ---------------------------------------------------------------- approvals, reports, people, configuration

_DECISIONS: Mapping[str, tuple[str, Json]] = {
    "approve": ("Approve", _object({"comment": _TEXT, "values": _ANY_OBJECT})),
    "reject": ("Reject", _object({"comment": _TEXT})),
    "abstain": ("Abstain", _object({"comment": _TEXT})),
    "return": ("Send back", _object({"to": _TEXT, "comment": _TEXT})),
    "transfer": ("Hand over to somebody else", _object({"to": _KEY, "comment": _TEXT}, "to")),
    "delegate": ("Let somebody decide for you", _object({"to": _KEY, "comment": _TEXT}, "to")),
    "add_approver": (
        "Ask one more person",
        _object({"user": _KEY, "when": {"type": "string", "enum": ["before", "with", "after"]}}, "user"),
    ),
    "remove_approver": ("Ask one person less", _object({"user": _KEY}, "user")),
    "claim": ("Take a task offered to several", _object({})),
    "take_back": ("Take one's decision back", _object({"comment": _TEXT})),
    "ask": ("Ask a question", _object({"to": _KEY, "text": _TEXT}, "text")),
    "comment": ("Comment", _object({"text": _TEXT}, "text")),
}


def _tasks(spec: APISpec) -> None:
    tag = "approvals"
    spec.tag({"name": tag, "description": "The approver's inbox and the course of approvals."})
    spec.components.schema(
        "Task",
        _object(
            {
                "id": _KEY,
                "approval": _KEY,
                "entity": _TEXT,
                "record": _KEY,
                "title": _TEXT,
                "flow": _TEXT,
                "step": _TEXT,
                "state": _TEXT,
                "version": _COUNT,
                "created_at": _MOMENT,
                "due_at": {"type": ["string", "null"]},
            },
            "id",
            "state",
        ),
    )
    spec.components.schema(
        "Approval",
        _object(
            {
                "id": _KEY,
                "flow": _TEXT,
                "entity": _TEXT,
                "record": _KEY,
                "state": _TEXT,
                "steps": {"type": "array", "items": _ANY_OBJECT},
            },
            "id",
            "state",
        ),
    )
    _path(
        spec,
        "/tasks",
        get=_does(
            "My tasks", "list_tasks", tag, answer=_page(_ref("Task")), parameters=("page_size", "page_token")
        ),
    )
    for verb, (summary, body) in _DECISIONS.items():
        _path(
            spec,
            f"/tasks/{{id}}/{verb}",
            post=_does(
                summary,
                f"task_{verb}",
                tag,
                body=body,
                answer=_ref("Task"),
                problems="409 412 422 428",
                parameters=("If-Match", "Idempotency-Key"),
            ),
        )
    operation = _object(
        {
            "id": _KEY,
            "version": _COUNT,
            "action": {"type": "string", "enum": ["approve", "reject"]},
            "comment": _TEXT,
        },
        "id",
        "action",
    )
    _path(
        spec,
        "/tasks/bulk",
        post=_does(
            "Decide several tasks",
            "task_bulk",
            tag,
            answer=_page(_ANY_OBJECT),
            problems="422",
            body=_object(
                {"operations": {"type": "array", "items": operation, "maxItems": 1000}}, "operations"
            ),
        ),
    )
    for verb in ("withdraw", "urge", "resume", "terminate", "revoke"):
        _path(
            spec,
            f"/approvals/{{id}}/{verb}",
            post=_does(
                verb.capitalize(),
                f"approval_{verb}",
                tag,
                body=_object({"comment": _TEXT}),
                answer=_ref("Approval"),
                problems="409 422",
            ),
        )
    _path(
        spec, "/approvals/{id}", get=_does("Who decided what", "get_approval", tag, answer=_ref("Approval"))
    )


def _reports(spec: APISpec, workspace: Workspace, lang: str) -> None:
    spec.tag({"name": "reports", "description": "Figures, under the caller's permissions."})
    column = _object({"name": _TEXT, "label": _TEXT, "kind": _TEXT}, "name")
    row = {"type": "array", "items": {}}
    rows = {"type": "array", "items": row}
    answer = _object({"columns": {"type": "array", "items": column}, "rows": rows}, "columns", "rows")
    for report in workspace.reports.values():
        title = report.label.get(lang)
        _path(
            spec,
            f"/reports/{report.name}",
            get=_does(
                title,
                f"report_{report.name}",
                "reports",
                answer=answer,
                problems="422",
                parameters=("filter",),
            ),
        )
        for suffix, media in (
            ("csv", "text/csv"),
            ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ):
            content: Json = _TEXT if suffix == "csv" else {"type": "string", "format": "binary"}
            _path(
                spec,
                f"/reports/{report.name}.{suffix}",
                get=_does(
                    f"{title} ({suffix.upper()})",
                    f"report_{report.name}_{suffix}",
                    "reports",
                    answer=content,
                    media=media,
                    problems="422",
                    parameters=("filter",),
                ),
            )


def _people(spec: APISpec) -> None:
    tag = "tokens"
    spec.tag({"name": tag, "description": "How programs sign in."})
    token = _object(
        {"id": _KEY, "name": _TEXT, "created_at": _MOMENT, "last_used_at": {"type": ["string", "null"]}}, "id"
    )
    credentials = _object(
        {"username": _TEXT, "password": {"type": "string", "format": "password"}}, "username", "password"
    )
    _path(
        spec,
        "/tokens",
        post=_does(
            "Sign in",
            "create_token",
            tag,
            body=credentials,
            answer=_object({"token": _TEXT}, "token"),
            status="201",
            problems="401 422",
            public=True,
        ),
        get=_does("My tokens", "list_tokens", tag, answer=_page(token)),
    )
    _path(spec, "/tokens/{id}", delete=_does("End a token", "delete_token", tag, status="204"))


def _config(spec: APISpec) -> None:
    tag = "config"
    spec.tag({"name": tag, "description": "The life of a configuration."})
    files = _object(
        {
            "files": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "Path within the workspace to text.",
            },
            "base": {**_COUNT, "description": "The revision that the change was made from."},
            "allow_destructive": _FLAG,
        },
        "files",
    )
    problem = _object(
        {
            "file": _TEXT,
            "line": _COUNT,
            "column": _COUNT,
            "key": _TEXT,
            "code": _TEXT,
            "message": _TEXT,
            "hint": {"type": ["string", "null"]},
            "level": _TEXT,
        },
        "file",
        "line",
        "code",
        "message",
    )
    found = _object({"problems": {"type": "array", "items": problem}}, "problems")
    plan = _object(
        {
            "problems": {"type": "array", "items": problem},
            "changes": {"type": "array", "items": _ANY_OBJECT},
            "digest": _TEXT,
        }
    )
    for verb, summary, answer, problems in (
        ("check", "All errors at once", found, "422"),
        ("plan", "What publishing would change", plan, "422"),
        ("apply", "Publish the next revision", _object({"revision": _COUNT}, "revision"), "409 422"),
    ):
        _path(
            spec,
            f"/config/{verb}",
            post=_does(summary, f"config_{verb}", tag, body=files, answer=answer, problems=problems),
        )
    revision = _object(
        {"number": _COUNT, "digest": _TEXT, "at": _MOMENT, "by": _TEXT, "message": _TEXT}, "number"
    )
    _path(
        spec,
        "/config/revisions",
        get=_does("Published revisions", "list_revisions", tag, answer=_page(revision)),
    )
