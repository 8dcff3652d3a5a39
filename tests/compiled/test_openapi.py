"""The description of the API is valid, and says what the configuration says."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import openapi_spec_validator
import pytest
from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.openapi import openapi_document
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field, Option
from fairlead.model.entities import Entity
from fairlead.model.governance import Report
from fairlead.model.workflows import Approval, Pipeline, Pool, Stage
from fairlead.model.workspace import Workspace

SPAN = Span("x.yaml")
NEEDED = {
    "reference": {"entity": "customer"},
    "references": {"entity": "customer"},
    "sequence": {"format": "QT-{n}"},
}


def made(kind: Any, **given: Any) -> Any:
    """Make a value of the model whose other attributes are empty."""
    empty = {item.name: None for item in dataclasses.fields(kind)}
    return kind(**{**empty, "span": SPAN, "label": Label({"en": "X", "zh": "某"}), **given})


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    options = (Option("a", Label.of("A")), Option("b", Label.of("B")))
    fields = {
        f"f_{kind}": Field(
            f"f_{kind}",
            kind,
            Label({"en": f"The {kind}", "zh": "某"}),
            options=options if "choice" in kind else (),
            params=NEEDED.get(kind, {}),
            fields={"qty": Field("qty", "integer", Label.of("Qty"))} if kind == "table" else {},
            help=Label.of("Help.") if kind == "duration" else None,
        )
        for kind in KINDS
    }
    fields["f_text"] = fields["f_text"].with_(required=True)
    entity = Entity(
        "big_deal", SPAN, Label.of("Deal"), Label.of("Deals"), "x", "{f_text}", frozenset({"owned"}), fields
    )
    empty: dict[str, Any] = {item.name: {} for item in dataclasses.fields(Workspace)}
    workspace = Workspace(
        **{
            **empty,
            "name": "demo",
            "languages": ("en", "zh"),
            "currency": "CNY",
            "zone": "Asia/Shanghai",
            "template": None,
            "entities": {"big_deal": entity},
            "pipelines": {
                "p": made(Pipeline, name="p", entity="big_deal", stages=(made(Stage, name="won"),))
            },
            "pools": {
                "p": made(
                    Pool, name="p", entity="big_deal", priority=0, return_reasons=(("busy", Label.of("B")),)
                )
            },
            "approvals": {"a": made(Approval, name="discount", entity="big_deal")},
            "reports": {"r": made(Report, name="funnel", entity="big_deal")},
        }
    )
    return openapi_document(workspace, revision=7)


def test_it_is_a_valid_description(document: dict[str, Any]) -> None:
    openapi_spec_validator.validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == "7"
    assert json.loads(json.dumps(document)) == document


def test_each_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [
        operation["operationId"]
        for item in document["paths"].values()
        for verb, operation in item.items()
        if verb != "parameters"
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("path", "verbs"),
    [
        ("/big_deal", {"get", "post"}),
        ("/big_deal/{id}", {"get", "patch", "delete"}),
        *(
            (f"/big_deal/{{id}}/{verb}", {"post"})
            for verb in ("claim", "release", "assign", "move", "submit")
        ),
        *((f"/big_deal/{{id}}/{view}", {"get"}) for view in ("history", "timeline", "approval_path")),
        ("/big_deal/bulk", {"post"}),
        ("/tasks", {"get"}),
        ("/tasks/{id}/approve", {"post"}),
        ("/approvals/{id}", {"get"}),
        ("/reports/funnel", {"get"}),
        ("/reports/funnel.csv", {"get"}),
        ("/tokens", {"get", "post"}),
        ("/config/plan", {"post"}),
        ("/config/revisions", {"get"}),
    ],
)
def test_what_the_outside_may_rely_on_is_there(document: dict[str, Any], path: str, verbs: set[str]) -> None:
    assert set(document["paths"][path]) - {"parameters"} == verbs


def test_bodies_say_what_the_configuration_says(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    create, update = schemas["BigDeal.create"], schemas["BigDeal.update"]
    assert create["required"] == ["f_text"]
    assert "required" not in update
    assert create["additionalProperties"] is False
    assert create["properties"]["f_text"] == {"type": "string", "maxLength": 255, "title": "The text"}
    assert create["properties"]["f_choice"]["enum"] == ["a", "b", None]
    assert create["properties"]["f_duration"]["description"] == "Seconds. Help."
    assert "f_sequence" not in create["properties"]
    assert "f_sequence" in schemas["BigDeal"]["properties"]
    row = create["properties"]["f_table"]["items"]["$ref"].rpartition("/")[2]
    assert set(schemas[row]["properties"]) == {"qty", "id"}
    move = document["paths"]["/big_deal/{id}/move"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert move["properties"]["to"]["enum"] == ["won"]


def test_an_entity_may_be_called_like_a_part_of_the_engine() -> None:
    """The shipped templates have an entity `task`."""
    names = ("task", "approval", "problem", "lead", "lead_create")
    entities = {
        name: made(
            Entity,
            name=name,
            traits=frozenset(),
            fields={"name": Field("name", "text", Label.of("Name"))},
        )
        for name in names
    }
    empty: dict[str, Any] = {item.name: {} for item in dataclasses.fields(Workspace)}
    document = openapi_document(Workspace(**{**empty, "name": "demo", "entities": entities}))
    openapi_spec_validator.validate(document)
    assert {"/task", "/tasks", "/approval", "/problem", "/lead", "/lead_create"} <= set(document["paths"])
