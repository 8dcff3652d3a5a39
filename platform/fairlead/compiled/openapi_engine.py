"""The part of the API that is the same for every configuration: approvals, reports, tokens, configuration."""

from __future__ import annotations

from collections.abc import Mapping

from apispec import APISpec

from fairlead.compiled.openapi_words import (
    ANYTHING,
    COUNT,
    FLAG,
    KEY,
    MOMENT,
    TEXT,
    Json,
    does,
    page,
    path,
    ref,
    shape,
)
from fairlead.model.workspace import Workspace

_DECISIONS: Mapping[str, tuple[str, Json]] = {
    "approve": ("Approve", shape({"comment": TEXT, "values": ANYTHING})),
    "reject": ("Reject", shape({"comment": TEXT})),
    "abstain": ("Abstain", shape({"comment": TEXT})),
    "return": ("Send back", shape({"to": TEXT, "comment": TEXT})),
    "transfer": ("Hand over to somebody else", shape({"to": KEY, "comment": TEXT}, "to")),
    "delegate": ("Let somebody decide for you", shape({"to": KEY, "comment": TEXT}, "to")),
    "add_approver": (
        "Ask one more person",
        shape({"user": KEY, "when": {"type": "string", "enum": ["before", "with", "after"]}}, "user"),
    ),
    "remove_approver": ("Ask one person less", shape({"user": KEY}, "user")),
    "claim": ("Take a task offered to several", shape({})),
    "take_back": ("Take one's decision back", shape({"comment": TEXT})),
    "ask": ("Ask a question", shape({"to": KEY, "text": TEXT}, "text")),
    "comment": ("Comment", shape({"text": TEXT}, "text")),
}


def tasks(spec: APISpec) -> None:
    """Add the inbox of an approver, and the course of an approval."""
    tag = "approvals"
    spec.tag({"name": tag, "description": "The approver's inbox and the course of approvals."})
    spec.components.schema(
        "Fairlead.Task",
        shape(
            {
                "id": KEY,
                "approval": KEY,
                "entity": TEXT,
                "record": KEY,
                "title": TEXT,
                "flow": TEXT,
                "step": TEXT,
                "state": TEXT,
                "version": COUNT,
                "created_at": MOMENT,
                "due_at": {"type": ["string", "null"]},
            },
            "id",
            "state",
        ),
    )
    spec.components.schema(
        "Fairlead.Approval",
        shape(
            {
                "id": KEY,
                "flow": TEXT,
                "entity": TEXT,
                "record": KEY,
                "state": TEXT,
                "steps": {"type": "array", "items": ANYTHING},
            },
            "id",
            "state",
        ),
    )
    path(
        spec,
        "/tasks",
        get=does(
            "My tasks",
            "list_tasks",
            tag,
            answer=page(ref("Fairlead.Task")),
            parameters=("page_size", "page_token"),
        ),
    )
    for verb, (summary, body) in _DECISIONS.items():
        path(
            spec,
            f"/tasks/{{id}}/{verb}",
            post=does(
                summary,
                f"task_{verb}",
                tag,
                body=body,
                answer=ref("Fairlead.Task"),
                problems="409 412 422 428",
                parameters=("If-Match", "Idempotency-Key"),
            ),
        )
    operation = shape(
        {
            "id": KEY,
            "version": COUNT,
            "action": {"type": "string", "enum": ["approve", "reject"]},
            "comment": TEXT,
        },
        "id",
        "action",
    )
    path(
        spec,
        "/tasks/bulk",
        post=does(
            "Decide several tasks",
            "task_bulk",
            tag,
            answer=page(ANYTHING),
            problems="422",
            body=shape({"operations": {"type": "array", "items": operation, "maxItems": 1000}}, "operations"),
        ),
    )
    for verb in ("withdraw", "urge", "resume", "terminate", "revoke"):
        path(
            spec,
            f"/approvals/{{id}}/{verb}",
            post=does(
                verb.capitalize(),
                f"approval_{verb}",
                tag,
                body=shape({"comment": TEXT}),
                answer=ref("Fairlead.Approval"),
                problems="409 422",
            ),
        )
    path(
        spec,
        "/approvals/{id}",
        get=does("Who decided what", "get_approval", tag, answer=ref("Fairlead.Approval")),
    )


def reports(spec: APISpec, workspace: Workspace, lang: str) -> None:
    """Add each report, and its files."""
    spec.tag({"name": "reports", "description": "Figures, under the caller's permissions."})
    column = shape({"name": TEXT, "label": TEXT, "kind": TEXT}, "name")
    row = {"type": "array", "items": {}}
    rows = {"type": "array", "items": row}
    answer = shape({"columns": {"type": "array", "items": column}, "rows": rows}, "columns", "rows")
    for report in workspace.reports.values():
        title = report.label.get(lang)
        path(
            spec,
            f"/reports/{report.name}",
            get=does(
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
            content: Json = TEXT if suffix == "csv" else {"type": "string", "format": "binary"}
            path(
                spec,
                f"/reports/{report.name}.{suffix}",
                get=does(
                    f"{title} ({suffix.upper()})",
                    f"report_{report.name}_{suffix}",
                    "reports",
                    answer=content,
                    media=media,
                    problems="422",
                    parameters=("filter",),
                ),
            )


def tokens(spec: APISpec) -> None:
    """Add how programs sign in."""
    tag = "tokens"
    spec.tag({"name": tag, "description": "How programs sign in."})
    token = shape(
        {"id": KEY, "name": TEXT, "created_at": MOMENT, "last_used_at": {"type": ["string", "null"]}}, "id"
    )
    credentials = shape(
        {"username": TEXT, "password": {"type": "string", "format": "password"}}, "username", "password"
    )
    path(
        spec,
        "/tokens",
        post=does(
            "Sign in",
            "create_token",
            tag,
            body=credentials,
            answer=shape({"token": TEXT}, "token"),
            status="201",
            problems="401 422",
            public=True,
        ),
        get=does("My tokens", "list_tokens", tag, answer=page(token)),
    )
    path(spec, "/tokens/{id}", delete=does("End a token", "delete_token", tag, status="204"))


def config(spec: APISpec) -> None:
    """Add the life of a configuration."""
    tag = "config"
    spec.tag({"name": tag, "description": "The life of a configuration."})
    files = shape(
        {
            "files": {
                "type": "object",
                "additionalProperties": TEXT,
                "description": "Path within the workspace to text.",
            },
            "base": {**COUNT, "description": "The revision that the change was made from."},
            "allow_destructive": FLAG,
        },
        "files",
    )
    problem = shape(
        {
            "file": TEXT,
            "line": COUNT,
            "column": COUNT,
            "key": TEXT,
            "code": TEXT,
            "message": TEXT,
            "hint": {"type": ["string", "null"]},
            "level": TEXT,
        },
        "file",
        "line",
        "code",
        "message",
    )
    found = shape({"problems": {"type": "array", "items": problem}}, "problems")
    plan = shape(
        {
            "problems": {"type": "array", "items": problem},
            "changes": {"type": "array", "items": ANYTHING},
            "digest": TEXT,
        }
    )
    for verb, summary, answer, problems in (
        ("check", "All errors at once", found, "422"),
        ("plan", "What publishing would change", plan, "422"),
        ("apply", "Publish the next revision", shape({"revision": COUNT}, "revision"), "409 422"),
    ):
        path(
            spec,
            f"/config/{verb}",
            post=does(summary, f"config_{verb}", tag, body=files, answer=answer, problems=problems),
        )
    revision = shape({"number": COUNT, "digest": TEXT, "at": MOMENT, "by": TEXT, "message": TEXT}, "number")
    path(
        spec,
        "/config/revisions",
        get=does("Published revisions", "list_revisions", tag, answer=page(revision)),
    )
