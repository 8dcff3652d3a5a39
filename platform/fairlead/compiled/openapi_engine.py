"""The part of the API that is the same for every configuration: approvals, reports, tokens, configuration."""

from __future__ import annotations

from collections.abc import Container, Mapping

from apispec import APISpec

from fairlead.compiled.openapi_revisions import CHANGE, revisions
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
    rows,
    shape,
)
from fairlead.model.workspace import Workspace

_SAID: Json = {
    "comment": {"type": "string", "maxLength": 4000},
    "reason": {**TEXT, "description": "The same."},
}
_SEEN: Json = {"version": {**COUNT, "description": "Of the task, where `If-Match` is not sent."}}
_DECISIONS: Mapping[str, tuple[str, Json]] = {
    "approve": ("Approve", shape({"changes": ANYTHING, **_SEEN, **_SAID}, closed=True)),
    "reject": ("Reject", shape({**_SEEN, **_SAID}, closed=True)),
    "return": ("Send back", shape({**_SEEN, **_SAID}, closed=True)),
    "transfer": ("Hand over to somebody else", shape({"to": KEY, **_SEEN, **_SAID}, "to", closed=True)),
    "comment": ("Comment", shape(_SAID, closed=True)),
}
_ACTS: Mapping[str, tuple[str, Json]] = {
    "withdraw": ("Take the request back", shape(_SAID, closed=True)),
    "urge": ("Remind those it waits for", shape({}, closed=True)),
    "comment": ("Comment", shape(_SAID, closed=True)),
    "resume": ("Go on where it was suspended", shape(_SAID, closed=True)),
    "terminate": ("End it", shape(_SAID, closed=True)),
}
_DONE = shape(
    {
        "approval": KEY,
        "state": TEXT,
        "step": {"type": ["string", "null"]},
        "round": COUNT,
        "task": {"type": ["string", "null"]},
        "task_state": {"type": ["string", "null"]},
        "task_version": {"type": ["integer", "null"]},
        "reason": {"type": ["string", "null"]},
    },
    "approval",
    "state",
)


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
                "submitted_at": MOMENT,
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
            problems="422",
            parameters=("box", "page_size", "page_token"),
        ),
    )
    path(spec, "/tasks/{id}", get=does("A task", "get_task", tag, answer=ref("Fairlead.Task"), etag=True))
    for verb, (summary, body) in _DECISIONS.items():
        path(
            spec,
            f"/tasks/{{id}}/{verb}",
            post=does(
                summary,
                f"task_{verb}",
                tag,
                body=body,
                answer=_DONE,
                problems="409 412 428",
                etag=True,
                parameters=("If-Match", "Idempotency-Key"),
            ),
        )
    item = shape(
        {
            "task": KEY,
            "version": COUNT,
            "verdict": {"type": "string", "enum": ["approve", "reject"]},
            "comment": TEXT,
        },
        "task",
        "version",
        "verdict",
        closed=True,
    )
    outcome = shape(
        {"task": KEY, "status": COUNT, "state": TEXT, "code": TEXT, "detail": TEXT}, "task", "status"
    )
    path(
        spec,
        "/tasks/bulk",
        post=does(
            "Decide several tasks",
            "task_bulk",
            tag,
            answer=rows(outcome),
            status="207",
            problems="409",
            body=shape({"items": {"type": "array", "items": item, "maxItems": 1000}}, "items", closed=True),
            parameters=("Idempotency-Key",),
        ),
    )
    for verb, (summary, body) in _ACTS.items():
        path(
            spec,
            f"/approvals/{{id}}/{verb}",
            post=does(
                summary,
                f"approval_{verb}",
                tag,
                body=body,
                answer=_DONE,
                problems="409",
                parameters=("Idempotency-Key",),
            ),
        )
    path(
        spec,
        "/approvals/{id}",
        get=does("Who decided what", "get_approval", tag, answer=ref("Fairlead.Approval")),
    )


def reports(spec: APISpec, workspace: Workspace, lang: str, only: Container[str] | None = None) -> None:
    """Add each report, or those in `only`, and their files."""
    spec.tag({"name": "reports", "description": "Figures, under the caller's permissions."})
    column = shape({"name": TEXT, "label": TEXT, "kind": TEXT}, "name")
    values = {"type": "array", "items": {}}
    row = shape(
        {"keys": values, "labels": {"type": "array", "items": TEXT}, "values": values, "filter": {"type": ["string", "null"]}},
        "keys",
        "labels",
        "values",
    )  # fmt: skip
    answer = shape(
        {
            "columns": {"type": "array", "items": column},
            "rows": {"type": "array", "items": row},
            "totals": values,
        },
        "columns",
        "rows",
    )
    for report in workspace.reports.values():
        if only is not None and report.name not in only:
            continue
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
                parameters=("lang",),
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
                    parameters=("lang",),
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
        {
            "username": TEXT,
            "password": {"type": "string", "format": "password"},
            "name": {"type": "string", "maxLength": 80, "description": "What you call the token."},
        },
        "username",
        "password",
        closed=True,
    )
    path(
        spec,
        "/tokens",
        post=does(
            "Sign in",
            "create_token",
            tag,
            body=credentials,
            answer=shape({"token": TEXT, "id": KEY, "expires_at": MOMENT}, "token"),
            status="201",
            problems="401",
            public=True,
        ),
        get=does("My tokens", "list_tokens", tag, answer=page(token)),
    )
    path(spec, "/tokens/{id}", delete=does("End a token", "delete_token", tag, status="204"))
    names = {"type": "array", "items": TEXT}
    me = shape(
        {
            "id": KEY,
            "username": TEXT,
            "name": TEXT,
            "roles": names,
            "teams": names,
            "language": TEXT,
            "zone": TEXT,
        },
        "id",
    )
    path(spec, "/me", get=does("Who I am", "me", tag, answer=me))


_SIMULATION = shape(
    {
        "about": TEXT,
        "base": {**COUNT, "description": "The revision that was compared with."},
        "at": MOMENT,
        "columns": {"type": "array", "items": TEXT},
        "counts": {"type": "object", "additionalProperties": COUNT},
        "rows": {"type": "array", "items": ANYTHING, "description": "One for each difference, with ids."},
        "withheld": {**COUNT, "description": "Differences in records that the caller may not see."},
        "notes": {"type": "array", "items": TEXT},
        "looked_at": COUNT,
        "limits": ANYTHING,
        "stopped": {
            "type": ["string", "null"],
            "description": "`records` or `time`, where not all was looked at.",
        },
        "said": TEXT,
    },
    "about",
    "counts",
    "rows",
    "looked_at",
    "stopped",
)


def _simulated(given: Json) -> Json:
    """Return what a simulation is asked with."""
    return shape(
        {
            **given,
            "what": {"enum": ["pool", "approval", "automation", "role", "user"]},
            "name": {**TEXT, "description": "Of the pool, flow, automation or role; a user name."},
            "since_days": {**COUNT, "description": "How far an approval or an automation is looked back at."},
            "last": {**COUNT, "description": "So many of the latest approvals at most."},
            "limit": {**COUNT, "description": "So many records at most, up to 10,000."},
            "seconds": {**COUNT, "description": "So long at most, up to 20."},
        },
        "files",
        "what",
        "name",
        closed=True,
    )


def config(spec: APISpec) -> None:
    """Add the life of a configuration."""
    tag = "config"
    spec.tag({"name": tag, "description": "The life of a configuration."})
    given: Json = {
        "files": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "Path within the workspace to text.",
        }
    }
    files = shape(given, "files", closed=True)
    published = shape(
        {
            **given,
            "base": {**COUNT, "description": "The revision that the change was made from."},
            "seal": {**TEXT, "description": "Of the plan that was read."},
            "message": TEXT,
            "allow_destructive": FLAG,
        },
        "files",
        closed=True,
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
    found = shape({"problems": {"type": "array", "items": problem}, "ok": FLAG}, "problems", "ok")
    plan = shape(
        {
            "base": {"type": ["integer", "null"]},
            "digest": TEXT,
            "seal": TEXT,
            "grade": TEXT,
            "consent": {
                "type": ["string", "null"],
                "description": "What has to be said before it is carried out.",
            },
            "changes": {"type": "array", "items": CHANGE},
            "access": {"type": "object", "description": "Who gains and who loses, with counts of records."},
            "operations": {"type": "array", "items": ANYTHING, "description": "What each statement costs."},
            "statements": {"type": "array", "items": TEXT},
            "files": {"type": "object", "additionalProperties": TEXT},
        },
        "digest",
        "seal",
        "changes",
    )
    applied = shape({"revision": COUNT, "changed": FLAG, "plan": plan}, "revision", "changed")
    for verb, summary, body, answer, problems, parameters in (
        ("check", "All errors at once", files, found, "", ()),
        ("plan", "What publishing would change", files, plan, "", ()),
        ("apply", "Publish the next revision", published, applied, "409", ("Idempotency-Key",)),
    ):
        path(
            spec,
            f"/config/{verb}",
            post=does(
                summary,
                f"config_{verb}",
                tag,
                body=body,
                answer=answer,
                problems=problems,
                parameters=parameters,
            ),
        )
    path(
        spec,
        "/config/simulate",
        post=does(
            "What publishing would do to today's records; nothing is written",
            "config_simulate",
            tag,
            body=_simulated(given),
            answer=_SIMULATION,
            problems="422",
        ),
    )
    revisions(spec, tag)
    _why(spec, tag)


def _why(spec: APISpec, tag: str) -> None:
    texts: Json = {"type": "array", "items": TEXT}
    point = shape(
        {
            "what": TEXT,
            "held": {"type": "string", "enum": ["yes", "no", "unknown"]},
            "because": TEXT,
            "file": {"type": ["string", "null"]},
            "line": {"type": ["integer", "null"]},
            "via": {**texts, "description": "The roles through which a grant is inherited."},
            "empty": {**texts, "description": "The fields whose emptiness left a rule open."},
        },
        "what",
        "held",
        "because",
    )
    answer = shape(
        {
            "allowed": FLAG,
            "state": {"type": ["string", "null"], "description": "Of a field: readable, masked or hidden."},
            "summary": TEXT,
            "points": {"type": "array", "items": point},
            "notes": texts,
        },
        "allowed",
        "summary",
        "points",
    )
    path(
        spec,
        "/config/why",
        get=does(
            "Why somebody can or cannot, why a rule did or did not run", "config_why", tag, answer=answer, problems="422",
            parameters=("question", "user", "record", "field", "action", "stage", "rule"),
        ),
    )  # fmt: skip
