"""What the language knows and this edition does not do: never silent, and never half done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fairlead.base.problems import Level
from fairlead.config.edition import LATER, REFUSED
from fairlead.config.load import load
from fairlead.config.schemas import published_schema
from fairlead.config.source import SourceTree

from tests.config.conftest import found, workspace

GOOD = Path(__file__).parent / "good"

LEAD = (
    "kind: entity\nname: lead\ntraits: [owned, stages, approvable]\n"
    "fields: {name: {type: text}, grade: {type: choice, options: [a, b]}}\n"
)
STAGES = "kind: pipeline\nname: s\nentity: lead\nstages: {open: , won: {outcome: won}}\n"
SMALLEST: dict[str, dict[str, Any]] = {
    "approval": {
        "entity": "lead",
        "steps": [{"name": "one", "by": {"manager_of": "starter"}, "mode": "all"}],
    },
    "pool": {"entity": "lead"},
    "automation": {"entity": "lead", "on": {"created": True}, "do": [{"set": {"name": "x"}}]},
    "report": {"entity": "lead", "type": "table", "measures": [{"count": True}]},
}


def with_pattern(kind: str, pattern: str) -> dict[str, Any]:
    """Return the smallest document of a kind, with something at the place that a pattern means."""
    made: dict[str, Any] = json.loads(json.dumps({"kind": kind, "name": "one", **SMALLEST[kind]}))
    path, _, value = pattern.partition("=")
    here: Any = made
    parts = path.split(".")
    for part in parts[:-1]:
        key, listed = part.removesuffix("[]"), part.endswith("[]")
        if key == "timeout" and key not in here:
            here[key] = {"after": "1 day", "then": [{}]}
        if key == "by" and listed and not isinstance(here.get(key), list):
            here[key] = [here[key]]
        here = here.setdefault(key, [{}] if listed else {})
        here = here[0] if listed else here
    here[parts[-1]] = value or True
    return made


@pytest.mark.parametrize(("kind", "pattern"), [(kind, one) for kind, all_ in REFUSED.items() for one in all_])
def test_what_would_change_the_outcome_is_an_error_with_a_plain_sentence(kind, pattern):
    text = json.dumps(with_pattern(kind, pattern))
    loaded = workspace({"workflows/x.json": text, "schemas/lead.yaml": LEAD, "workflows/s.yaml": STAGES})
    told = [one for one in loaded.problems if one.code == "not_in_this_edition"]
    assert len(told) == 1, loaded.problems.render()
    assert REFUSED[kind][pattern] in told[0].message
    assert loaded.workspace is None


def test_nothing_of_what_is_kept_is_silent():
    """The workspace of all keys uses each of them; every one that nothing acts on has its warning."""
    loaded = load(SourceTree.from_folder(GOOD))
    told = {
        (document_kind(loaded, one.span.file), one.key)
        for one in loaded.problems
        if one.code == "not_carried_out"
    }
    missing = []
    for kind, listed in LATER.items():
        for later in listed:
            if not later.lacks or "=" in later.pattern:
                continue
            wanted = later.pattern.replace("NAME", "grade").replace("[]", "[1]") or "kind"
            if (kind, wanted) not in told:
                missing.append(f"{kind}: {later.pattern}")
    assert missing == []


def document_kind(loaded: Any, file: str) -> str:
    return next(kind for kind, all_ in loaded.documents.items() for one in all_.values() if one.path == file)


@pytest.mark.parametrize(
    ("kind", "change", "finding"),
    [
        ("pool", {"assign": {"strategy": "round_robin"}}, "assign.strategy"),
        ("pool", {"claim": {"order": "fifo"}}, "claim.order"),
        ("pool", {"claim": {"order": "free"}}, None),
        ("pool", {"assign": {"strategy": "manual", "over_capacity": "deny"}}, None),
        ("automation", {"missed": "skip"}, "missed"),
        ("automation", {"missed": "once", "bulk": "each", "order": "record"}, None),
        ("automation", {"do": [{"notify": {"to": "user", "text": "x", "by": ["inbox", "email"]}}]}, "do[0].notify.by[1]"),
        ("approval", {"allow": ["transfer", "delegate"]}, "allow[1]"),
    ],
)  # fmt: skip
def test_a_value_is_told_only_where_nothing_acts_on_it(kind, change, finding):
    data = {"kind": kind, "name": "one", **SMALLEST[kind], **change}
    loaded = workspace(
        {"workflows/x.json": json.dumps(data), "schemas/lead.yaml": LEAD, "workflows/s.yaml": STAGES}
    )
    told = [one for one in loaded.problems if one.code == "not_carried_out"]
    assert [one.key for one in told] == ([] if finding is None else [finding])
    assert all(one.level is Level.warning and one.span.line == 1 for one in told)
    assert loaded.workspace is not None


@pytest.mark.parametrize(
    ("kind", "change", "code"),
    [
        ("approval", {"copy": [{"role": "nobody"}]}, "unknown_role"),
        ("approval", {"revocable": {"roles": ["nobody"]}}, "unknown_role"),
        ("approval", {"on_revoked": [{"set": {"nme": "x"}}]}, "unknown_field"),
        ("approval", {"urge": {"cooldown": "soon"}}, "bad_duration"),
        ("pool", {"entry": {"fallback": "nowhere"}}, "unknown_pool"),
        ("pool", {"claim": {"capacity": {"max": 1, "exclude": "record.nme == 'x'"}}}, "unknown_field"),
        ("pool", {"assign": {"working_hours": "night"}}, "unknown_calendar"),
        (
            "pool",
            {"protection": {"extension_request": {"by": "1 day", "approval": "flow"}}},
            "unknown_approval",
        ),
        ("automation", {"max_age": "long"}, "bad_duration"),
    ],
)
def test_what_is_kept_is_checked_as_if_it_were_used(kind, change, code):
    data = {"kind": kind, "name": "one", **SMALLEST[kind], **change}
    files = {"workflows/x.json": json.dumps(data), "schemas/lead.yaml": LEAD, "workflows/s.yaml": STAGES}
    assert any(f" {code} " in one for one in found(workspace(files)))


def test_a_slip_is_still_a_slip():
    """A word near one that is possible is asked about, not taken for something of another edition."""
    data = {"kind": "automation", "name": "one", **SMALLEST["automation"], "run_as": "sytem"}
    loaded = workspace({"workflows/x.json": json.dumps(data), "schemas/lead.yaml": LEAD})
    (told,) = [one for one in loaded.problems if one.key == "run_as"]
    assert (told.code, told.hint) == ("unknown_value", "system")


def test_every_pattern_is_a_path_of_the_schema():
    """A pattern that no document can have would be a promise about nothing."""
    lost = []
    for kind, listed in LATER.items():
        schema = published_schema(kind)
        for later in listed:
            path = later.pattern.partition("=")[0]
            here: list[Any] = [schema]
            for part in path.split(".") if path else ():
                key, items = part.removesuffix("[]"), part.endswith("[]")
                here = [inner for one in here for inner in keys_of(resolved(one, schema), key)]
                if items:
                    here = [resolved(one, schema).get("items", {}) for one in here]
            if not here:
                lost.append(f"{kind}: {later.pattern}")
    assert lost == []


def resolved(value: Any, root: Any) -> Any:
    while "$ref" in value:
        value = root["$defs"][value["$ref"].removeprefix("#/$defs/")]
    return value


def keys_of(value: Any, key: str) -> list[Any]:
    parts = [value, *(branch["then"] for branch in value.get("allOf", ()))]
    if "allOf" in value:
        root = published_schema("entity")
        parts = [resolved(part, root) for part in parts]
    if key == "NAME":
        return [
            part["additionalProperties"]
            for part in parts
            if isinstance(part.get("additionalProperties"), dict)
        ]
    return [part["properties"][key] for part in parts if key in part.get("properties", {})]
