"""Schemas for editors: they say of every document what the check of shapes says, and every document leads to its own."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fairlead.cli.workspace import make_workspace
from fairlead.config import bundle
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.schemas import KIND_FOLDERS
from fairlead.config.shapes import check_shape
from fairlead.config.source import FOLDERS, SourceTree, shipped, workspace_files
from fairlead.config.writer import set_value
from fairlead.work import upgrading

from tests.config.conftest import CASES, ROOT
from tests.config.test_shapes import plain

GOOD = Path(__file__).parent / "good"


def documents_under(*roots: Path) -> dict[str, tuple[str, Any]]:
    """Return kind and data of each readable document, by file."""
    made = {}
    for root in roots:
        for path in sorted([*root.rglob("*.yaml"), *root.rglob("*.json")]):
            if ".fairlead" in path.parts or "demo" in path.parts:
                continue
            reading = read(path.name, path.read_text("utf-8"))
            kind = (reading.data or {}).get("kind")
            if not reading.problems and kind in KIND_FOLDERS:
                made[path.relative_to(ROOT).as_posix()] = (kind, reading.data)
    return made


SHIPPED = documents_under(*(ROOT / folder for folder in FOLDERS))
SOUND = SHIPPED | documents_under(GOOD)


@pytest.fixture(scope="module")
def validators() -> dict[str, jsonschema.Draft202012Validator]:
    """The files as an editor reads them."""
    made = {}
    for name, text in bundle.files().items():
        made[Path(name).stem] = jsonschema.Draft202012Validator(json.loads(text))
    return made


def test_every_kind_has_a_file_and_one_file_has_all(validators):
    assert validators.keys() == {*KIND_FOLDERS, "workspace", "fairlead"}
    jsonschema.Draft202012Validator.check_schema(validators["fairlead"].schema)


def test_every_shipped_and_every_good_document_is_valid(validators):
    assert {kind for kind, _ in SOUND.values()} >= set(KIND_FOLDERS) - {"test"}
    wrong = [
        f"{path} by {name}.json: {error.message}"
        for path, (kind, data) in SOUND.items()
        for name in (kind, "fairlead")
        for error in list(validators[name].iter_errors(plain(data)))[:1]
    ]
    assert wrong == []


def test_broken_documents_are_told_by_an_editor_too(validators):
    """Every one of the broken shapes is refused by its kind's file and by the file of all kinds."""
    broken = 0
    for path, (kind, data) in documents_under(CASES).items():
        ours = not check_shape(kind, data)[1].faults
        assert validators[kind].is_valid(plain(data)) is ours, path
        assert validators["fairlead"].is_valid(plain(data)) is ours, path
        broken += not ours
    assert broken > 10


@pytest.mark.parametrize("kind", KIND_FOLDERS)
def test_one_slip_in_a_good_document_is_told(kind, validators):
    """An unknown key at the top, and one in each map inside that the language closes."""
    chosen = [data for one, data in SOUND.values() if one == kind]
    if not chosen:
        pytest.fail(f"no sound document of kind {kind} to break")
    data = copy.deepcopy(plain(max(chosen, key=lambda one: len(str(one)))))
    assert validators[kind].is_valid(data)
    for name in (kind, "fairlead"):
        assert not validators[name].is_valid({**data, "lable": "x"})
        assert not validators[name].is_valid({**data, "name": "Not A Name"})


def test_a_document_of_no_kind_is_refused_by_the_file_of_all(validators):
    assert not validators["fairlead"].is_valid(
        {"kind": "entitty", "name": "x", "fields": {"a": {"type": "text"}}}
    )
    assert not validators["fairlead"].is_valid({"name": "x"})


def test_each_type_of_field_has_its_own_keys_in_an_editor(validators):
    def entity(**field: Any) -> dict[str, Any]:
        return {"kind": "entity", "name": "x", "fields": {"a": field}}

    for name in ("entity", "fairlead"):
        assert validators[name].is_valid(entity(type="money", currency="CNY"))
        assert not validators[name].is_valid(entity(type="text", currency="CNY"))
        assert not validators[name].is_valid(entity(type="reference"))
        assert not validators[name].is_valid(entity(type="nosuch"))


# ---------------------------------------------------------------- the first line


def leads_to(root: Path, path: Path) -> Path:
    """Return the schema that the first line of a document leads an editor to."""
    first = path.read_text("utf-8").partition("\n")[0]
    assert first.startswith("# yaml-language-server: $schema="), path
    return (path.parent / first.partition("$schema=")[2]).resolve().relative_to(root.resolve())


def test_every_shipped_document_leads_to_the_schema_of_its_kind():
    for path, (kind, _) in SHIPPED.items():
        if path.endswith(".yaml"):
            assert leads_to(ROOT, ROOT / path) == Path(".fairlead", "schema", f"{kind}.json")


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "acme"
    make_workspace(folder, "real_estate")
    return folder


def test_every_document_of_a_new_workspace_leads_to_a_schema_that_is_there(acme):
    documents = [
        acme / "fairlead.yaml",
        *(path for folder in FOLDERS for path in (acme / folder).rglob("*.yaml")),
    ]
    assert len(documents) > 80
    for path in documents:
        kind = read(path.name, path.read_text("utf-8")).data.get("kind", "workspace")
        found = leads_to(acme, path)
        assert found == Path(".fairlead", "schema", f"{kind}.json")
        assert (acme / found).is_file()
    assert load(SourceTree.from_folder(acme)).problems.render() == ""


def test_schemas_are_not_taken_for_documents(acme):
    assert not any(file.path.startswith(".fairlead") for file in SourceTree.from_folder(acme).files)


def test_an_edit_keeps_the_first_line_byte_for_byte(acme):
    path = acme / "schemas/unit.yaml"
    text = path.read_text("utf-8")
    changed = set_value("schemas/unit.yaml", text, ("label", "en"), "Home")
    assert changed.splitlines()[0] == text.splitlines()[0]
    assert changed.count("\n") == text.count("\n")


def test_a_workspace_from_before_upgrades_without_conflicts(tmp_path):
    """Its documents have no such line, the newer template's have; a comment is nobody's change."""
    bare = {
        path: text.split("\n", 1)[1] if text.startswith("# yaml-language-server") else text
        for path, text in workspace_files(
            shipped(ROOT, "real_estate"), 'name: east\ntemplate: real_estate\ntemplate_version: "1.0"\n'
        ).items()
    }
    mine = {**bare, "schemas/unit.yaml": bare["schemas/unit.yaml"].replace("en: Unit", "en: Home", 1)}
    for path, text in mine.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    upgrading.keep_base(tmp_path, bare)
    newer = {path: bundle.with_header(path, text) for path, text in bare.items() if path != "fairlead.yaml"}
    done = upgrading.upgrade(tmp_path, SourceTree.from_mapping(newer))
    assert list(done.conflicts) == []
    assert "en: Home" in (tmp_path / "schemas/unit.yaml").read_text("utf-8")


def test_the_line_is_made_for_the_place_where_the_document_lies():
    deep = bundle.with_header("forms/a/b/x.yaml", "kind: list\nname: x\n")
    assert (
        deep == "# yaml-language-server: $schema=../../../.fairlead/schema/list.json\nkind: list\nname: x\n"
    )
    assert bundle.with_header("forms/x.yaml", deep).startswith(
        "# yaml-language-server: $schema=../.fairlead/"
    )
    assert bundle.with_header("forms/x.json", '{"kind": "list"}') == '{"kind": "list"}'
    assert bundle.with_header("fairlead.yaml", "name: x\n").startswith(
        "# yaml-language-server: $schema=.fairlead/schema/workspace"
    )


def test_a_json_document_names_its_schema_in_a_key(validators):
    data = {"$schema": "../.fairlead/schema/options.json", "kind": "options", "name": "x", "options": ["a"]}
    assert validators["options"].is_valid(data)
    assert validators["fairlead"].is_valid(data)
    loaded = load(SourceTree.from_mapping({"schemas/x.json": json.dumps(data)}))
    assert [problem.code for problem in loaded.problems] == ["unused"]
