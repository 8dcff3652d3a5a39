"""What every part of the description of the API is written with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apispec import APISpec

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
KEY: Json = {"type": "string", "maxLength": 40}
FLAG: Json = {"type": "boolean"}
COUNT: Json = {"type": "integer"}
MOMENT: Json = {"type": "string", "format": "date-time"}
ANYTHING: Json = {"type": "object", "additionalProperties": True}


def path(spec: APISpec, path: str, **operations: Json) -> None:
    """Add a path with its operations; what stands in braces is the key of something."""
    here: list[Any] = ["id"] if "{id}" in path else []
    if operations:
        spec.path(path=path, operations=operations, parameters=here)


def shared(spec: APISpec) -> None:
    """Add what all operations point at: the problem, its answers, the parameters."""
    parts = spec.components
    parts.security_scheme("token", {"type": "http", "scheme": "bearer"})
    error = shape({"field": TEXT, "code": TEXT, "message": TEXT}, "field", "code", "message")
    parts.schema(
        "Fairlead.Problem",
        shape(
            {
                "type": TEXT,
                "title": TEXT,
                "status": COUNT,
                "code": TEXT,
                "detail": TEXT,
                "request_id": TEXT,
                "errors": {"type": "array", "items": error},
                "current": {**ANYTHING, "description": "What stands now, on 409 and 412."},
                "data": {**ANYTHING, "description": "Facts about a refusal: which limit, until when."},
            },
            "type",
            "title",
            "status",
            "code",
        ),
    )
    for name, text in _PROBLEMS.items():
        content = {"application/problem+json": {"schema": ref("Fairlead.Problem")}}
        headers = {"Retry-After": {"schema": COUNT}} if name == "TooMany" else {}
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
    "TooLarge": "The body is too large.",
    "Unsupported": "The body is not JSON.",
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
    "413": "TooLarge",
    "415": "Unsupported",
    "422": "Unfit",
    "423": "Held",
    "428": "NoVersion",
    "429": "TooMany",
}
_PARAMETERS: Mapping[str, tuple[str, Json, str]] = {
    "id": ("path", KEY, "The key."),
    "filter": (
        "query",
        {"type": "string", "maxLength": 4000},
        "A rule over the fields, such as `stage == 'proposal' && amount > 1000.0`.",
    ),
    "order_by": ("query", TEXT, "Such as `amount desc,id`."),
    "page_size": ("query", {"type": "integer", "minimum": 1, "maximum": 200}, "How many records."),
    "page_token": ("query", TEXT, "`next_page_token` of the page before."),
    "page": ("query", {"type": "integer", "minimum": 1}, "A small jump, in place of a token."),
    "fields": ("query", TEXT, "Names of fields with commas between."),
    "expand": ("query", TEXT, "References to answer with their titles."),
    "search": ("query", {"type": "string", "maxLength": 200}, "Words to find."),
    "count": ("query", FLAG, "Count all that fit; `total` tells how many."),
    "view": ("query", TEXT, "A view of the entity's list, by name."),
    "box": ("query", {"type": "string", "enum": ["open", "coming", "done", "mine"]}, "Which tasks."),
    "lang": ("query", TEXT, "The language of labels."),
    "question": ("query", {"type": "string", "enum": ["read", "field", "action", "rule"]}, "What is asked."),
    "user": ("query", TEXT, "The person, as they sign in; for all but `rule`."),
    "record": ("query", TEXT, "`ENTITY/ID`."),
    "field": ("query", TEXT, "For `field`: its name, that of a line's as `lines.price`."),
    "action": (
        "query",
        TEXT,
        "For `action`: read, update, delete, move, assign, export, claim, submit or approve.",
    ),
    "stage": ("query", TEXT, "For `move`: to which stage; without it, to any."),
    "rule": ("query", TEXT, "For `rule`: the automation."),
    "before": ("query", COUNT, "Only revisions with a lower number."),
    "older": ("query", COUNT, "The number of the revision to compare with."),
    "newer": ("query", COUNT, "The number of the revision that is compared."),
    "path": ("query", TEXT, "Such as `entity.lead.fields.phone.label`."),
    "If-Match": ("header", TEXT, "The `ETag` of what this change was made from."),
    "Idempotency-Key": ("header", {"type": "string", "maxLength": 200}, "The same key has its effect once."),
}
LIST_PARAMETERS = (
    "filter",
    "order_by",
    "page_size",
    "page_token",
    "page",
    "fields",
    "expand",
    "search",
    "view",
    "count",
)


def shape(properties: Json, *required: str, closed: bool = False) -> Json:
    """Return the schema of an object; with `closed` no other keys may come."""
    schema: Json = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def ref(name: str) -> Json:
    """Return a pointer to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def page(item: Json) -> Json:
    """Return the schema of a page of a list."""
    return shape(
        {
            "items": {"type": "array", "items": item},
            "next_page_token": {"type": ["string", "null"]},
            "total": {**COUNT, "description": "With `count=true`."},
        },
        "items",
    )


def rows(item: Json) -> Json:
    """Return the schema of an answer about many operations: one row for each, in their order."""
    return shape({"results": {"type": "array", "items": item}}, "results")


def does(
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
        good["headers"] = {"ETag": {"schema": TEXT, "description": "The version, for `If-Match`."}}
        if status == "201":
            good["headers"]["Location"] = {"schema": TEXT}
    always = ["400", "429"] if public else ["400", "401", "403", "404", "429"]
    if body is not None:
        always += ["413", "415", "422"]
    responses: Json = {status: good}
    for code in sorted({*always, *problems.split()}):
        responses[code] = _STATUSES[code]
    found: Json = {"summary": summary, "operationId": operation, "tags": [tag], "responses": responses}
    if parameters:
        found["parameters"] = list(parameters)
    if body is not None:
        needed = not isinstance(body, dict) or bool(body.get("required") or body.get("anyOf"))
        found["requestBody"] = {"required": needed, "content": {"application/json": {"schema": body}}}
    if public:
        found["security"] = []
    return found
