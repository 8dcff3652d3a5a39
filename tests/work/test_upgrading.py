"""A newer template comes into a workspace that has been changed: whole or not at all, and questions are asked in files."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.source import SourceTree
from fairlead.work import upgrading

from tests.support.templates import installed, lay, office, on_disk, put, tree

TEXT = {"type": "text", "label": {"en": "New", "zh": "新"}}
BUYER, UNIT, LIST = "schemas/buyer.yaml", "schemas/unit.yaml", "forms/lists/buyer.yaml"


def conflicted(tmp_path: Path) -> tuple[Path, SourceTree]:
    own, newer = installed(), installed()
    put(own, BUYER, ("label", "en"), "Our buyer")
    put(newer, BUYER, ("label", "en"), "Client")
    put(newer, UNIT, ("label", "en"), "Flat")
    put(newer, "admin/template.yaml", ("version",), "1.1")
    return office(tmp_path, own), tree(newer)


def test_a_conflict_changes_nothing_and_asks(tmp_path: Path) -> None:
    folder, newer = conflicted(tmp_path)
    before = on_disk(folder)
    done = upgrading.upgrade(folder, newer)
    assert on_disk(folder) == before and done.written == ()
    (path,) = done.conflicts
    asked = read(path, (folder / path).read_text("utf-8")).data
    assert (asked["yours"], asked["template"]) == ("Our buyer", "Client")
    assert asked["base"] == read(BUYER, installed()[BUYER]).data["label"]["en"]
    assert (
        asked["at"] == "entity.buyer.label.en" and asked["take"] is None and "differently" in asked["reason"]
    )
    problems = load(SourceTree.from_folder(folder)).problems
    assert [one.code for one in problems.errors] == ["unresolved_conflict"] and problems.errors[
        0
    ].span.file == path


@pytest.mark.parametrize(("take", "label"), [("yours", "Our buyer"), ("template", "Client")])
def test_an_answer_ends_it(tmp_path: Path, take: str, label: str) -> None:
    folder, newer = conflicted(tmp_path)
    (path,) = upgrading.upgrade(folder, newer).conflicts
    text = (folder / path).read_text("utf-8")
    (folder / path).write_text(text.replace("take:\n", f"take: {take}\n"), encoding="utf-8")
    assert not load(SourceTree.from_folder(folder)).problems.has_errors
    done = upgrading.upgrade(folder, newer)
    assert done.conflicts == () and not (folder / "conflicts").exists()
    assert read(BUYER, on_disk(folder)[BUYER]).data["label"]["en"] == label
    assert read(UNIT, on_disk(folder)[UNIT]).data["label"]["en"] == "Flat"
    assert upgrading.upgrade(folder, newer).written == ()


def test_an_answer_to_other_values_counts_for_nothing(tmp_path: Path) -> None:
    folder, newer = conflicted(tmp_path)
    (path,) = upgrading.upgrade(folder, newer).conflicts
    text = (folder / path).read_text("utf-8").replace("take:\n", "take: template\n")
    (folder / path).write_text(text, encoding="utf-8")
    own = on_disk(folder)
    put(own, BUYER, ("label", "en"), "Another thought")
    lay(folder, {BUYER: own[BUYER]})
    assert upgrading.upgrade(folder, newer).conflicts == (path,)


def test_what_would_have_errors_is_not_written(tmp_path: Path) -> None:
    own, newer = installed(), installed()
    put(own, UNIT, ("fields", "own"), TEXT)
    folder = office(tmp_path, own)
    before = on_disk(folder)
    put(newer, BUYER, ("fields", "wrong"), {"type": "text", "formula": "record.nothing"})
    with pytest.raises(upgrading.CannotMerge, match="errors"):
        upgrading.upgrade(folder, tree(newer))
    assert on_disk(folder) == before


def test_without_a_base_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    folder = lay(tmp_path, installed())
    with pytest.raises(upgrading.CannotMerge, match="as it was installed"):
        upgrading.upgrade(folder, tree(installed()))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("entity.buyer.label.en", "yours"),
        ("entity.buyer.fields.own", "yours"),
        ("entity.buyer.label.zh", "template"),
        ("entity.buyer.fields", "yours"),
        ("entity.unit", "template"),
        ("entity.buyer.help", "engine"),
        ("pipeline.buyer_stages.stages", "template"),
    ],
)
def test_where_a_value_is_from(tmp_path: Path, path: str, source: str) -> None:
    own = installed()
    put(own, BUYER, ("label", "en"), "Our buyer")
    put(own, BUYER, ("fields", "own"), TEXT)
    found = upgrading.origin(office(tmp_path, own), path)
    assert found.source == source
    if path == "entity.buyer.label.en":
        assert (
            found.value == "Our buyer" and found.template is not None and found.where.startswith(f"{BUYER}:")
        )


def test_an_unknown_document_has_no_origin(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        upgrading.origin(office(tmp_path, installed()), "entity.nothing.label")
