"""The engine knows no industry: what a template calls its things stands in the template alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
PLATFORM = ROOT / "platform"

OF_THE_LANGUAGE = {"activity", "task"}
"""Words of the configuration language itself (a trait, an approver's work), whatever templates call so too."""

ORDINARY = {"lead", "hold", "unit", "quote", "contact", "project", "building", "receipt", "product"}
"""English words with other meanings as well ("leads to", "holds", "minor unit"). They may stand in sentences; as a
value of the program (a whole string, a part of a table's or a field's name) they may not."""


SPELT_ALIKE = {"quote", "holds", "hold", "unit"}
"""A quotation mark of the parser, a verb of its sentences, a savepoint, the unit of a number field."""


def entity_names() -> set[str]:
    """The names of all entities of all shipped templates."""
    found = set()
    for path in (ROOT / "schemas").rglob("*.yaml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if document.get("kind") == "entity":
            found.add(document["name"])
    return found


def sources(*endings: str) -> Iterator[Path]:
    """All files of the engine with these endings."""
    for path in sorted(PLATFORM.rglob("*")):
        if path.suffix in endings and not {"static", "shipped"} & set(path.parts):
            yield path


def test_no_name_of_a_templates_entity_stands_in_the_engine() -> None:
    names = entity_names()
    assert len(names) > 12
    pattern = re.compile(rf"\b({'|'.join(sorted(names - OF_THE_LANGUAGE - ORDINARY))})s?\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in sources(".py", ".html", ".json", ".yaml")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n".join(found)


def test_no_value_of_the_program_is_an_entitys_name() -> None:
    names = entity_names() - OF_THE_LANGUAGE
    pattern = re.compile(rf"(?:e_|t_|s_)?(?:{'|'.join(sorted(names))})s?(?:[._:](?:\w+))?")
    found = []
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                not isinstance(node, ast.Constant)
                or not isinstance(node.value, str)
                or node.value in SPELT_ALIKE
            ):
                continue
            if pattern.fullmatch(node.value):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}")
    assert not found, "\n".join(found)
