"""The description of the API: what was published before."""

from __future__ import annotations

from apispec import APISpec

from fairlead.compiled.openapi_words import (
    ANYTHING,
    COUNT,
    FLAG,
    MOMENT,
    TEXT,
    Json,
    does,
    page,
    path,
    shape,
)

_OR_NONE: Json = {"type": ["string", "null"]}
_REVISION: Json = {
    "number": COUNT,
    "digest": TEXT,
    "at": MOMENT,
    "author": TEXT,
    "message": _OR_NONE,
    "source": {**TEXT, "description": "Such as cli, git, api, studio, rollback."},
    "commit": {
        **_OR_NONE,
        "description": "Of the folder it was published from; a + when files had been changed since.",
    },
    "engine": TEXT,
}
_FILES: Json = {"type": "object", "additionalProperties": TEXT}


CHANGE = shape({
    "action": {"type": "string", "enum": ["add", "remove", "change"]}, "path": {"type": "array", "items": TEXT},
    "grade": TEXT, "old": _OR_NONE, "new": _OR_NONE, "note": {**TEXT, "description": "In English."},
    "file": _OR_NONE, "line": {"type": ["integer", "null"]},
    "count": {"type": ["integer", "null"], "description": "Records, values or people it touches, where counted."},
    "samples": {"type": "array", "items": {"type": "object"}},
    "remedies": {"type": "array", "items": TEXT, "description": "What would unblock it, in English."},
    "texts": {"type": "object", "description": "`note` and `remedies` by language: en, zh."},
})  # fmt: skip
"""One difference, as plans and comparisons tell it."""


def revisions(spec: APISpec, tag: str) -> None:
    """Add listing, looking, comparing and the way back."""
    whole = shape({**_REVISION, "plan": _OR_NONE, "result": {"type": ["object", "null"]}, "files": _FILES})
    said = shape({**_REVISION, "path": TEXT, "old": {}, "new": {}})
    asked = shape(
        {
            "to": {**COUNT, "description": "The revision whose documents come back."},
            "seal": {
                **TEXT,
                "description": "Of the plan that was read; without it only the plan is answered.",
            },
            "message": TEXT,
            "allow_destructive": FLAG,
        },
        "to",
        closed=True,
    )
    path(spec, "/config/revisions", get=does(
        "Published revisions", "list_revisions", tag, answer=page(shape(_REVISION)), problems="422",
        parameters=("before", "page_size"),
    ))  # fmt: skip
    path(spec, "/config/revisions/{id}", get=does("One revision", "get_revision", tag, answer=whole))
    path(spec, "/config/revisions/{id}/files", get=does(
        "Its documents", "get_revision_files", tag, answer=shape({"files": _FILES}),
    ))  # fmt: skip
    path(spec, "/config/diff", get=does(
        "What changed from one revision to another", "config_diff", tag, answer=page(CHANGE), problems="422",
        parameters=("older", "newer"),
    ))  # fmt: skip
    path(spec, "/config/blame", get=does(
        "Since which revision a value is as it is", "config_blame", tag, answer=page(said), problems="422",
        parameters=("path",),
    ))  # fmt: skip
    path(spec, "/config/rollback", post=does(
        "Publish an earlier revision again", "config_rollback", tag, body=asked,
        answer=shape({"revision": COUNT, "changed": FLAG, "plan": ANYTHING}), problems="409 422",
        parameters=("Idempotency-Key",),
    ))  # fmt: skip
