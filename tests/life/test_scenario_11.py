"""11. A template goes from 1.0 over 1.1 to 1.2 in a workspace with forty changes of its own.

Every row of the table of CF-70 occurs, and skipping 1.1 gives the same documents (CF-77).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.source import SETTINGS_FILE, SourceTree
from fairlead.work import upgrading

from tests.support.templates import Texts, drop, installed, office, on_disk, put, tree

BUYER, UNIT, MANAGER = "schemas/buyer.yaml", "schemas/unit.yaml", "admin/roles/manager.yaml"
TEXT = {"type": "text", "label": {"en": "New", "zh": "新"}}
OTHER = {"type": "text", "label": {"en": "Other", "zh": "另"}}


def first_version() -> Texts:
    """1.0: the shipped template, with two fields that nothing speaks of."""
    made = installed()
    for name in ("going", "going_and_changed", "deleted_here", "deleted_and_changed"):
        put(made, UNIT, ("fields", name), TEXT)
    return made


def second_version() -> Texts:
    """1.1: something of every kind is added, changed and taken away."""
    made = first_version()
    put(made, "admin/template.yaml", ("version",), "1.1")
    put(made, BUYER, ("label", "en"), "Purchaser")  # x x y
    put(made, BUYER, ("label", "zh"), "购房者")  # x y z
    put(made, UNIT, ("label", "en"), "Apartment")  # x y y
    put(made, UNIT, ("fields", "from_template"), TEXT)  # - - y
    put(made, UNIT, ("fields", "named_alike"), TEXT)  # - y z
    put(made, UNIT, ("fields", "deleted_and_changed", "max_length"), 40)  # x - y
    drop(made, UNIT, ("fields", "going"))  # x x -
    drop(made, UNIT, ("fields", "going_and_changed"))  # x y -
    put(made, MANAGER, ("label", "en"), "Manager of sales")
    made["admin/reports/units_by_stage.yaml"] = (
        "kind: report\nname: units_by_stage\nlabel: {en: Count, zh: 数量}\nentity: unit\ntype: table\n"
        "dimensions: [stage]\nmeasures: [{count: true}]\n"
    )
    return made


def third_version() -> Texts:
    """1.2: more of it, and a rename."""
    made = second_version()
    put(made, "admin/template.yaml", ("version",), "1.2")
    put(made, BUYER, ("plural", "en"), "Purchasers")
    put(made, UNIT, ("fields", "from_1_2"), TEXT)
    put(made, UNIT, ("fields", "from_template", "help"), {"en": "Help", "zh": "说明"})
    made[UNIT] = re.sub(r"^  from_1_2:", "  from_the_second:", made[UNIT], flags=re.M)
    return made


def local_changes() -> Texts:
    """The workspace with forty changes of its own."""
    made, count = first_version(), 0
    put(made, BUYER, ("label", "zh"), "我们的客户")  # x y z
    put(made, UNIT, ("label", "en"), "Apartment")  # x y y
    put(made, UNIT, ("fields", "named_alike"), OTHER)  # - y z
    put(made, UNIT, ("fields", "going_and_changed", "max_length"), 7)  # x y -
    drop(made, UNIT, ("fields", "deleted_here"))  # x - x
    drop(made, UNIT, ("fields", "deleted_and_changed"))  # x - y
    put(made, UNIT, ("fields", "own"), TEXT)  # - y -
    put(made, MANAGER, ("label", "zh"), "我们的经理")  # x y x
    for path in sorted(made):
        if path.startswith(("schemas/", "forms/", "admin/reports/")) and count < 32:
            data = read(path, made[path]).data
            if isinstance(data.get("label"), dict) and path not in (BUYER, UNIT):
                put(made, path, ("label", "zh"), f"本地 {count}")
                count += 1
    assert count + 8 == 40
    return made


ANSWERS = {
    "entity.buyer.label.zh": "yours",
    "entity.unit.fields.named_alike": "template",
    "entity.unit.fields.deleted_and_changed": "template",
    "entity.unit.fields.going_and_changed": "yours",
}


def answered(folder: Path, newer: Texts) -> set[str]:
    """Upgrade, answer what is asked, upgrade again; return what was asked."""
    asked: set[str] = set()
    for _ in range(2):
        done = upgrading.upgrade(folder, tree(newer))
        for path in done.conflicts:
            text = (folder / path).read_text("utf-8")
            at = read(path, text).data["at"]
            take = next(take for known, take in ANSWERS.items() if at == known or at.startswith(f"{known}."))
            asked.add(next(known for known in ANSWERS if at == known or at.startswith(f"{known}.")))
            (folder / path).write_text(text.replace("take:\n", f"take: {take}\n"), encoding="utf-8")
    assert done.conflicts == () and not (folder / "conflicts").exists()
    return asked


def test_scenario_11_forty_changes_live_and_skipping_a_version_gives_the_same(tmp_path: Path) -> None:
    own = local_changes()
    folders = []
    for name in ("through", "across"):
        folder = office(tmp_path / name, own)
        upgrading.keep_base(folder, first_version())
        folders.append(folder)
    through, across = folders
    assert answered(through, second_version()) == set(ANSWERS)
    assert answered(through, third_version()) == set()
    assert answered(across, third_version()) == set(ANSWERS)
    assert on_disk(through) == on_disk(across)

    texts = on_disk(through)
    buyer, unit = (read(path, texts[path]).data for path in (BUYER, UNIT))
    fields: dict[str, Any] = unit["fields"]
    assert buyer["label"] == {"en": "Purchaser", "zh": "我们的客户"} and buyer["plural"]["en"] == "Purchasers"
    assert unit["label"]["en"] == "Apartment" and read(MANAGER, texts[MANAGER]).data["label"] == {
        "en": "Manager of sales",
        "zh": "我们的经理",
    }
    assert fields["own"] == TEXT and fields["named_alike"] == TEXT and fields["from_template"]["help"]
    assert "deleted_here" not in fields and "going" not in fields and "from_the_second" in fields
    assert (
        fields["deleted_and_changed"]["max_length"] == 40 and fields["going_and_changed"]["max_length"] == 7
    )
    assert "admin/reports/units_by_stage.yaml" in texts and 'template_version: "1.2"' in texts[SETTINGS_FILE]
    assert sum("本地" in text for text in texts.values()) == 32
    assert not load(SourceTree.from_folder(through)).problems.has_errors
    again = upgrading.upgrade(through, tree(third_version()))
    assert (again.written, again.deleted) == ((), ())
