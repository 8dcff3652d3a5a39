"""Changing documents: what was meant changes, and nothing else, not even a blank."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fairlead.config import writer
from fairlead.config.reader import read
from fairlead.config.source import shipped_templates, template_files
from fairlead.config.writer import Unwritable, delete, insert, rename_key, reorder, set_value
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = [
    (file.path, file.text) for name in shipped_templates(ROOT) for file in template_files(ROOT, name).files
]
YAML = """\
# A car.
kind: entity
name: car   # the name
label: {en: Car, zh: 车}

fields:
  # The plate.
  plate: {type: text, required: true}
  doors:
    type: integer    # how many
    min: 1
  notes:
    type: long_text
    help: |
      Two
      lines.

  colour: {type: choice, options: [red, "no", 'off']}
checks:
  - rule: "record.doors > 0"
    message: Doors!
  - rule: 'record.doors < 9'
"""


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    yield path, value
    for key, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from walk(inner, (*path, key))


def changed_lines(before: str, after: str) -> list[int]:
    one, two = before.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(one) == len(two)
    return [number for number, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]]


# ---------------------------------------------------------------- every shipped document


@pytest.mark.parametrize(("path", "text"), SHIPPED, ids=[path for path, _ in SHIPPED])
def test_one_label_changes_one_line(path: str, text: str) -> None:
    """Acceptance 13: everything but the line of the label is the same, byte for byte."""
    data = read(path, text).data
    labels = [keys for keys, value in walk(data) if keys[-2:] == ("label", "en") and isinstance(value, str)]
    for keys in labels[:3]:
        after = set_value(path, text, keys, "Another Name")
        assert len(changed_lines(text, after)) == 1
        assert set_value(path, after, keys, _at(data, keys)) == text


@pytest.mark.parametrize(("path", "text"), SHIPPED, ids=[path for path, _ in SHIPPED])
def test_the_same_value_gives_the_same_text(path: str, text: str) -> None:
    data = read(path, text).data
    for keys, value in list(walk(data))[::5]:
        assert set_value(path, text, keys, value) == text


@pytest.mark.parametrize(("path", "text"), SHIPPED, ids=[path for path, _ in SHIPPED])
def test_what_is_put_in_and_taken_out_again_leaves_no_trace(path: str, text: str) -> None:
    data = read(path, text).data
    holders = [(keys, value) for keys, value in walk(data) if value and isinstance(value, dict | list)]
    for parent, value in [*holders[:6], *holders[6::9]]:
        for at in {0, 1, len(value)}:
            key = "inserted_here" if isinstance(value, dict) else None
            after = insert(path, text, parent, key, {"type": "text", "label": {"en": "X", "zh": "某"}}, at=at)
            where = key if key is not None else min(at, len(value))
            assert delete(path, after, (*parent, where)) == text


@pytest.mark.parametrize(("path", "text"), SHIPPED, ids=[path for path, _ in SHIPPED])
def test_every_entry_can_be_taken_out(path: str, text: str) -> None:
    data = read(path, text).data
    for keys, _ in list(walk(data))[1::4]:
        delete(path, text, keys)


@pytest.mark.parametrize(("path", "text"), SHIPPED, ids=[path for path, _ in SHIPPED])
def test_turned_round_and_back(path: str, text: str) -> None:
    data = read(path, text).data
    for parent, value in walk(data):
        if isinstance(value, dict | list) and len(value) > 1:
            names = list(value) if isinstance(value, dict) else list(range(len(value)))
            turned = reorder(path, text, parent, names[::-1])
            assert sorted(turned) == sorted(text)
            back = names if isinstance(value, dict) else names[::-1]
            assert read(path, reorder(path, turned, parent, back)).data == data


def _at(data: Any, keys: tuple[str | int, ...]) -> Any:
    for key in keys:
        data = data[key]
    return data


# ---------------------------------------------------------------- one thing at a time


def test_comments_quotes_and_blank_lines_stay() -> None:
    after = set_value("a.yaml", YAML, ("name",), "lorry")
    assert after == YAML.replace("name: car   # the name", "name: lorry   # the name")
    after = set_value("a.yaml", YAML, ("checks", 1, "rule"), "record.doors < '9'")
    assert "rule: 'record.doors < ''9'''" in after and len(changed_lines(YAML, after)) == 1


def test_text_that_would_read_as_something_else_is_quoted() -> None:
    for value in ("true", "null", "12", "a: b", "# c", "", " x", "- y", "a #b", "[", "{x}", "&a", "1.50"):
        after = set_value("a.yaml", YAML, ("name",), value)
        assert read("a.yaml", after).data["name"] == value
        flowed = set_value("a.yaml", YAML, ("label", "en"), value)
        assert read("a.yaml", flowed).data["label"]["en"] == value
    assert 'en: "a, b"' in set_value("a.yaml", YAML, ("label", "en"), "a, b")


def test_a_field_goes_where_it_is_wanted() -> None:
    after = insert("a.yaml", YAML, ("fields",), "seats", {"type": "integer"}, at=2)
    assert after == YAML.replace("  notes:\n", "  seats: {type: integer}\n  notes:\n")
    after = insert("a.yaml", YAML, ("fields",), "seats", {"type": "integer"})
    assert "'off']}\n  seats: {type: integer}\nchecks:" in after


def test_long_entries_become_blocks() -> None:
    value = {"type": "choice", "options": {f"option_{n}": {"en": f"Option {n}"} for n in range(9)}}
    after = insert("a.yaml", YAML, ("fields",), "grade", value, at=1)
    assert "  grade:\n    type: choice\n    options:\n      option_0: {en: Option 0}\n" in after


def test_a_field_goes_with_its_comment_on_the_line() -> None:
    assert delete("a.yaml", YAML, ("fields", "doors", "type")) == YAML.replace(
        "    type: integer    # how many\n", ""
    )
    assert delete("a.yaml", YAML, ("fields", "doors")) == YAML.replace(
        "  doors:\n    type: integer    # how many\n    min: 1\n", ""
    )


def test_the_last_entry_leaves_an_empty_collection() -> None:
    assert "fields: {}\n" in delete("a.yaml", "fields:\n  a: 1\nname: x\n", ("fields", "a"))
    assert delete("a.yaml", "a: [1]\n", ("a", 0)) == "a: []\n"


def test_a_block_of_text_is_replaced_as_a_whole() -> None:
    after = set_value("a.yaml", YAML, ("fields", "notes", "help"), "One\nand\nanother.\n")
    assert "help: |\n      One\n      and\n      another.\n\n  colour" in after


def test_the_first_key_of_a_list_item() -> None:
    assert delete("a.yaml", YAML, ("checks", 0, "rule")) == YAML.replace(
        '  - rule: "record.doors > 0"\n    message', "  - message"
    )


def test_line_ends_and_a_missing_last_one_stay() -> None:
    text = YAML.replace("\n", "\r\n").removesuffix("\r\n")
    after = insert("a.yaml", text, ("checks",), None, {"rule": "true"})
    assert after == text + '\r\n  - {rule: "true"}' and "\n" not in after.replace("\r\n", "")


def test_a_key_is_renamed_in_its_place() -> None:
    assert rename_key("a.yaml", YAML, ("fields", "doors"), "gates") == YAML.replace("  doors:", "  gates:")
    with pytest.raises(Unwritable):
        rename_key("a.yaml", YAML, ("fields", "doors"), "plate")


def test_a_comment_moves_with_its_entry() -> None:
    after = reorder("a.yaml", YAML, ("fields",), ["doors", "plate", "notes", "colour"])
    assert after.index("doors:") < after.index("plate:")
    text = "a: 1\n# about b\nb: 2\nc: 3\n"
    assert reorder("a.yaml", text, (), ["c", "b", "a"]) == "c: 3\n# about b\nb: 2\na: 1\n"


def test_json_keeps_its_layout() -> None:
    text = json.dumps({"a": {"x": 1, "y": [1, 2]}, "b": "t"}, indent=2) + "\n"
    assert set_value("a.json", text, ("b",), 'q"') == text.replace('"t"', '"q\\""')
    after = insert("a.json", text, ("a",), "z", None, at=1)
    assert after == text.replace('"x": 1,\n', '"x": 1,\n    "z": null,\n')
    assert delete("a.json", text, ("b",)) == text.replace(',\n  "b": "t"', "")
    assert json.loads(set_value("a.json", text, ("a", "y"), [2, Decimal("3.50")])) == {
        "a": {"x": 1, "y": [2, 3.5]},
        "b": "t",
    }


def test_what_is_not_there_cannot_be_changed() -> None:
    for call in (
        lambda: set_value("a.yaml", YAML, ("fields", "wings"), 1),
        lambda: delete("a.yaml", YAML, ("wings",)),
        lambda: insert("a.yaml", YAML, ("fields",), "doors", 1),
        lambda: insert("a.yaml", YAML, ("name",), "x", 1),
        lambda: set_value("a.yaml", "a: [", ("a",), 1),
    ):
        with pytest.raises(Unwritable):
            call()


values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text("ab :#{}[]'\"\n车-,&*!|>%@`?", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(place=st.sampled_from([keys for keys, _ in walk(read("a.yaml", YAML).data)][1:]), value=values)
def test_any_value_anywhere_reads_back(place: tuple[str | int, ...], value: Any) -> None:
    """A change either gives exactly what was meant, with all comments of other places, or is refused."""
    after = set_value("a.yaml", YAML, place, value)
    assert writer.same(_at(read("a.yaml", after).data, place), value)
    assert "# A car." in after
