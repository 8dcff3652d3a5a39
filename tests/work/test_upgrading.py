"""A newer template comes into a workspace that has been changed: whole or not at all, and questions are asked in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fairlead.config import writer
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.source import SETTINGS_FILE, SourceTree, shipped, workspace_files
from fairlead.work import upgrading

ROOT = Path(__file__).resolve().parents[2]
Texts = dict[str, str]


def installed() -> Texts:
    return workspace_files(shipped(ROOT, "real_estate"), "name: east\ntemplate: real_estate\n")


def lay(folder: Path, texts: Texts) -> Path:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def office(tmp_path: Path, texts: Texts) -> Path:
    """A workspace made from the template as installed, and then changed to `texts`."""
    folder = lay(tmp_path, texts)
    upgrading.keep_base(folder, installed())
    return folder


def on_disk(folder: Path) -> Texts:
    return SourceTree.from_folder(folder).mapping()


def tree(texts: Texts) -> SourceTree:
    return SourceTree.from_mapping({path: text for path, text in texts.items() if path != SETTINGS_FILE})


def put(texts: Texts, path: str, keys: tuple[Any, ...], value: Any) -> None:
    """Set, or put in, one value."""
    holder = read(path, texts[path]).data
    for key in keys[:-1]:
        holder = holder[key]
    if isinstance(holder, list) or keys[-1] in holder:
        texts[path] = writer.set_value(path, texts[path], keys, value)
    else:
        texts[path] = writer.insert(path, texts[path], keys[:-1], keys[-1], value)


def drop(texts: Texts, path: str, keys: tuple[Any, ...]) -> None:
    texts[path] = writer.delete(path, texts[path], keys)


TEXT = {"type": "text", "label": {"en": "New", "zh": "新"}}
BUYER, UNIT, LIST = "schemas/buyer.yaml", "schemas/unit.yaml", "forms/lists/buyer.yaml"


def fields_of(texts: Texts, path: str) -> dict[str, Any]:
    found: dict[str, Any] = read(path, texts[path]).data["fields"]
    return found


def next_version(texts: Texts, version: str) -> Texts:
    """Return a later version of the template: something of every kind is added, changed, taken away."""
    made = dict(texts)
    mark = version.replace(".", "_")
    put(made, "admin/template.yaml", ("version",), version)
    put(made, BUYER, ("fields", f"from_{mark}"), TEXT)
    put(made, UNIT, ("fields", f"from_{mark}"), TEXT)
    put(made, BUYER, ("label", "en"), f"Buyer {version}")
    put(made, UNIT, ("plural", "zh"), f"房源 {version}")
    names = list(fields_of(made, UNIT))
    put(made, UNIT, ("fields", names[1], "help"), {"en": f"Help {version}", "zh": f"说明 {version}"})
    made[f"admin/reports/count_{mark}.yaml"] = (
        f"kind: report\nname: count_{mark}\nlabel: {{en: Count, zh: 数量}}\nentity: unit\ntype: table\n"
        "dimensions: [stage]\nmeasures: [{count: true}]\n"
    )
    put(made, "admin/roles/manager.yaml", ("label", "en"), f"Manager {version}")
    return made


def local_changes(texts: Texts) -> Texts:
    """Return the workspace with forty changes of its own."""
    made, count = dict(texts), 0
    for path in sorted(made):
        if path.startswith(("schemas/", "forms/", "admin/reports/")) and count < 30:
            data = read(path, made[path]).data
            if isinstance(data.get("label"), dict) and path != BUYER:
                put(made, path, ("label", "zh"), f"本地 {count}")
                count += 1
    for number in range(8):
        put(made, BUYER if number % 2 else UNIT, ("fields", f"own_{number}"), TEXT)
        count += 1
    del made["admin/reports/receipts_by_month.yaml"]
    put(made, "admin/roles/rep.yaml", ("label", "en"), "Our consultant")
    assert count + 2 == 40
    return made


def test_forty_changes_live_through_two_versions_and_skipping_one_gives_the_same(tmp_path: Path) -> None:
    """Acceptance 11."""
    start = installed()
    first, second = next_version(start, "1.1"), next_version(next_version(start, "1.1"), "1.2")
    own = local_changes(start)
    dashboards = {path: text for path, text in own.items() if "receipts_by_month" in text}
    for path, text in dashboards.items():  # what showed the deleted report
        data = read(path, text).data
        for key in ("tiles", "grants"):
            if key == "tiles" and key in data:
                for number in reversed(range(len(data["tiles"]))):
                    if data["tiles"][number].get("report") == "receipts_by_month":
                        drop(own, path, ("tiles", number))
    own = {path: text.replace(", receipts_by_month", "") for path, text in own.items()}
    assert not load(SourceTree.from_mapping(own)).problems.has_errors, load(
        SourceTree.from_mapping(own)
    ).problems.render()
    one, other = office(tmp_path / "one", own), office(tmp_path / "other", own)
    done = upgrading.upgrade(one, tree(first))
    assert done.conflicts == () and (done.from_version, done.to_version) == ("1.0", "1.1")
    upgrading.upgrade(one, tree(second))
    skipped = upgrading.upgrade(other, tree(second))
    assert skipped.conflicts == () and on_disk(one) == on_disk(other)
    texts = on_disk(one)
    assert "own_1" in texts[BUYER] and "from_1_1" in texts[BUYER] and "Buyer 1.2" in texts[BUYER]
    assert "admin/reports/receipts_by_month.yaml" not in texts
    assert 'template_version: "1.2"' in texts[SETTINGS_FILE]
    assert not load(SourceTree.from_folder(one)).problems.has_errors
    again = upgrading.upgrade(one, tree(second))
    assert again.written == () and again.deleted == ()


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
