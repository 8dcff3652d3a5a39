"""What a customer begins with: every shipped template loads, speaks both languages, and brings records that fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from fairlead.config.load import load
from fairlead.config.source import shipped, shipped_templates
from fairlead.model.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = shipped_templates(ROOT)
LABELS = ("label", "plural", "help", "placeholder", "message", "text")
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def documents(template: str) -> Iterator[tuple[str, Any]]:
    for part in ("schemas", "workflows", "forms", "admin"):
        for path in sorted((ROOT / part / template).rglob("*.yaml")):
            if "demo" not in path.parts:
                yield str(path.relative_to(ROOT)), yaml.safe_load(path.read_text(encoding="utf-8"))


def demo(template: str, name: str) -> Any:
    return yaml.safe_load((ROOT / "admin" / template / "demo" / name).read_text(encoding="utf-8"))


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, value
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from walk(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from walk(inner, (*path, str(index)))


@pytest.fixture(scope="module", params=TEMPLATES)
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def workspace(template: str) -> Workspace:
    loaded = load(shipped(ROOT, template))
    assert loaded.workspace is not None, "\n".join(str(problem) for problem in loaded.problems)
    return loaded.workspace


def test_the_two_templates_are_there() -> None:
    assert {"general_sales", "real_estate"} <= set(TEMPLATES)


def test_it_loads_without_error_or_warning(template: str) -> None:
    loaded = load(shipped(ROOT, template))
    assert [str(problem) for problem in loaded.problems] == []


def test_every_label_is_in_both_languages(template: str) -> None:
    """A label in one language only, or with the wrong language in a place, is a hole in somebody's screen."""
    wrong = []
    for file, data in documents(template):
        for path, value in walk(data):
            if isinstance(value, str) and path and path[-1] in LABELS and path[-2:-1] != ("fields",):
                if file.split("/")[-2:-1] == ["pages"] and "with" in path:
                    continue  # a value, not a label
                if path[-2:] == ("notify", "message"):
                    continue  # the name of a message document
                if "timeline" not in path:
                    wrong.append(f"{file}: {'.'.join(path)} is in one language only")
            if isinstance(value, Mapping) and ("en" in value or "zh" in value):
                if set(value) != {"en", "zh"} or not value["en"] or not CHINESE.search(value["zh"]):
                    wrong.append(f"{file}: {'.'.join(path)}")
                elif CHINESE.search(value["en"]):
                    wrong.append(f"{file}: {'.'.join(path)} has Chinese in the English text")
    assert wrong == []


def test_everything_that_people_see_has_a_label(workspace: Workspace) -> None:
    def complete(label: Any) -> bool:
        return bool(label.texts.get("en") and label.texts.get("zh"))

    bare = []
    for entity in workspace.entities.values():
        bare += [entity.name] * (not complete(entity.label) or not complete(entity.plural))
        for field in entity.fields.values():
            inner = [(f"{field.name}.{name}", one) for name, one in field.fields.items()]
            for name, one in [(field.name, field), *inner]:
                bare += [f"{entity.name}.{name}"] * (not complete(one.label))
                bare += [f"{entity.name}.{name}={o.name}" for o in one.options if not complete(o.label)]
    for group in (workspace.options, workspace.pipelines, workspace.pools, workspace.approvals, workspace.automations,
                  workspace.connectors, workspace.forms, workspace.lists, workspace.boards, workspace.pages,
                  workspace.menus, workspace.roles, workspace.reports, workspace.dashboards):  # fmt: skip
        bare += [f"{type(one).__name__} {name}" for name, one in group.items() if not complete(one.label)]
    for pipeline in workspace.pipelines.values():
        for stage in pipeline.stages:
            bare += [f"{pipeline.name}.{stage.name}"] * (not complete(stage.label))
            bare += [f"{stage.name}.{name}" for name, label in stage.checklist if not complete(label)]
    for listing in workspace.lists.values():
        bare += [f"{listing.name}.{view.name}" for view in listing.views if not complete(view.label)]
    assert bare == []


def test_every_entity_can_be_reached_by_somebody(workspace: Workspace) -> None:
    """Nothing granted means nothing allowed: an entity that no role reads would be lost."""
    for entity in workspace.entities:
        readers = [
            r.name
            for r in workspace.roles.values()
            if entity in r.grants and "read" in r.grants[entity].scopes
        ]
        assert "admin" in readers, entity


def test_cost_and_floor_price_are_hidden_from_those_who_sell(workspace: Workspace) -> None:
    secret = {"general_sales": ("product", "cost"), "real_estate": ("unit", "base_total")}
    entity, field = next(pair for pair in secret.values() if pair[0] in workspace.entities)
    assert workspace.roles["rep"].grants[entity].fields[field] == "hidden"


def test_the_demo_accounts_are_the_promised_ones(template: str, workspace: Workspace) -> None:
    people = demo(template, "people.yaml")
    users = {user["username"]: user for user in people["users"]}
    assert set(users) == {"admin", "manager", "manager2", "finance", *(f"rep{n}" for n in range(1, 7))}
    teams = {team["code"] for team in people["teams"]}
    for user in users.values():
        assert set(user["roles"]) <= set(workspace.roles)
        assert set(user["teams"]) <= teams
        assert set(user["name"]) == {"en", "zh"}
    for team in people["teams"]:
        assert team["head"] in users
        assert team.get("parent", "hq") in teams


def test_the_demo_records_fit_the_entities(template: str, workspace: Workspace) -> None:
    """Known fields and options only, and references only to what was created before."""
    users = {user["username"] for user in demo(template, "people.yaml")["users"]}
    made: dict[str, str] = {}
    wrong = []

    def check(fields: Mapping[str, Any], values: Mapping[str, Any], where: str) -> None:
        for name, value in values.items():
            field = fields.get(name)
            if field is None:
                wrong.append(f"{where}: no field {name}")
                continue
            if field.kind == "table":
                for row in value:
                    check(field.fields, row, f"{where}.{name}")
            for one in value if isinstance(value, list) else [value]:
                if field.options and one not in {option.name for option in field.options}:
                    wrong.append(f"{where}: {name} has no option {one!r}")
                if field.kind in ("reference", "references"):
                    targets = field.params.get("entities") or [field.params["entity"]]
                    if made.get(str(one).removeprefix("@")) not in targets:
                        wrong.append(f"{where}: {name} points at {one}, which is not there yet")

    for number, record in enumerate(demo(template, "records.yaml"), 1):
        where = f"record {number} ({record['entity']})"
        entity = workspace.entities[record["entity"]]
        assert set(record) <= {"entity", "key", "as", "pool", "ago", "submit", "values"}, where
        assert record.get("as", "admin") in users, where
        assert record.get("pool") in (None, *workspace.pools), where
        assert record.get("submit") in (None, *workspace.approvals), where
        check(entity.fields, record["values"], where)
        absent = [f.name for f in entity.fields.values() if f.required and f.name not in record["values"]
                  and f.default is None and not f.computed and f.kind != "sequence"]  # fmt: skip
        wrong += [f"{where}: {name} is missing" for name in absent]
        if "key" in record:
            assert record["key"] not in made, where
            made[record["key"]] = record["entity"]
    assert wrong == []
