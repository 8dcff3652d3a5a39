"""The reader: narrow YAML, strict JSON, and the place of every key and value."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.source import SourceTree


def codes(text: str, path: str = "schemas/a.yaml") -> list[str]:
    return [problem.code for problem in read(path, text).problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("True", "True"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0777", "0777"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("10:30", "10:30"),
        ("2026-01-01", "2026-01-01"),
        ("2026-02-30", "2026-02-30"),
        ("1.50", Decimal("1.50")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal(1000)),
        ("1.", "1."),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("=", "="),
        ('"12"', "12"),
        ("'true'", "true"),
    ],
)
def test_only_truth_nothing_and_plain_numbers_are_special(text, value):
    got = read("schemas/a.yaml", f"x: {text}\n").data["x"]
    assert got == value
    assert type(got) is type(value)


def test_keys_are_always_words():
    assert list(read("schemas/a.yaml", "no: 1\non: 2\n1: 3\ntrue: 4\n").data) == ["no", "on", "1", "true"]


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("entities:\n\tlead: 1\n", "tab_not_allowed", "2:1"),
        ("fields: {price: {type: money}, price: {type: text}}\n", "duplicate_key", "1:32"),
        ("max_length: " + "9" * 5000, "number_too_large", "1:13"),
        ("x: 1e999999999\n", "number_too_large", "1:4"),
        ("required: !!bool maybe\n", "tag_not_allowed", "1:11"),
        ("due: !!timestamp soon\n", "tag_not_allowed", "1:6"),
        ('x: !!python/object/apply:os.system ["id"]\n', "tag_not_allowed", "1:4"),
        ("x: ! text\n", "tag_not_allowed", "1:4"),
        ("!!map {a: 1}\n", "tag_not_allowed", "1:1"),
        ("x: &a 1\n", "anchor_not_allowed", "1:4"),
        ("&a {x: *a}\n", "cyclic_alias", "1:8"),
        ("x: &x [*x]\n", "cyclic_alias", "1:8"),
        ("a: &a 1\nb: *a\n", "too_many_aliases", "2:4"),
        ("a: 1\n<<: {b: 2}\n", "merge_not_allowed", "2:1"),
        ("kind: a\n---\nkind: b\n", "one_document_only", "2:1"),
        ("a: 1\n...\nb: 2\n", "one_document_only", "3:1"),
        ("", "expected_mapping", "1:1"),
        ("# only words\n", "expected_mapping", "1:1"),
        ("---\n", "expected_mapping", "2:1"),
        ("- a\n", "expected_mapping", "1:1"),
        ("just text\n", "expected_mapping", "1:1"),
        ("a: b: c\n", "bad_yaml", "1:5"),
        ("a: [1, 2\n", "bad_yaml", "2:1"),
        ("? [a]\n: 1\n", "bad_key", "1:3"),
        ("label: a\x00b\n", "control_character", "1:9"),
        ('label: "a\\0b"\n', "control_character", "1:8"),
        ("label: a\u202eb\n", "control_character", "1:9"),
        ('label: "\\ud800"\n', "bad_yaml", "1:11"),
        ("label: a\u2028b\n", "control_character", "1:9"),
    ],
)
def test_what_yaml_is_not_read_here(text, code, place):
    problem = read("schemas/a.yaml", text).problems[0]
    assert problem.code == code
    assert re.match(rf"schemas/a.yaml:{place}\b", str(problem.span))


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ('{"a": NaN}', "not_a_json_number", "1:7"),
        ('{"a": 1e999}', "not_a_json_number", "1:7"),
        ('{"a": -Infinity}', "not_a_json_number", "1:7"),
        ('{"a": 01}', "not_a_json_number", "1:7"),
        ('{"a": +1}', "bad_json", "1:7"),
        ('{"a": 1, "a": 2}', "duplicate_key", "1:10"),
        ('{"a": 1} {}', "one_document_only", "1:10"),
        ('{"a": 1,}', "bad_json", "1:9"),
        ("{'a': 1}", "bad_json", "1:2"),
        ('{"a": yes}', "bad_json", "1:7"),
        ('{"a": "\\ud800"}', "control_character", "1:7"),
        ('{"a": "\\x41"}', "bad_json", "1:7"),
        ('{"a": "x\ny"}', "bad_json", "1:7"),
        ('{"a": 1', "bad_json", "1:8"),
        ("[1]", "expected_mapping", "1:1"),
        ("3", "expected_mapping", "1:1"),
        ("// no\n{}", "bad_json", "1:1"),
    ],
)
def test_json_as_its_standard_has_it(text, code, place):
    problem = read("schemas/a.json", text).problems[0]
    assert problem.code == code
    assert re.match(rf"schemas/a.json:{place}\b", str(problem.span))


def test_json_with_positions():
    reading = read("schemas/a.json", '{\r\n  "kind": "entity",\r\n  "n": [1.50, "\\ud83d\\ude00\\n"]\r\n}')
    assert reading.data == {"kind": "entity", "n": [Decimal("1.50"), "😀\n"]}
    assert str(reading.span(("n", 1))) == "schemas/a.json:3:15"
    assert str(reading.key_span(("n",))) == "schemas/a.json:3:3"


@pytest.mark.parametrize("path", ["schemas/a.yaml", "schemas/a.json"])
@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 2_000, "[" * 2_000 + "]" * 2_000])
def test_depth_is_counted_before_anything_is_built(path, text):
    assert codes(text, path) == ["too_deep"]


LADDER = "a:\n" + "".join(" " * depth + "a:\n" for depth in range(1, 300))


@pytest.mark.parametrize("text", ["- " * 20_000 + "x", "? " * 5_000, LADDER])
def test_depth_by_indentation(text):
    assert "too_deep" in codes(text)


def test_alias_bombs_cost_nothing():
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    merges = "a0: &a0 {x: 1}\n" + "".join(
        f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 8)
    )
    assert codes(bomb) == ["too_many_aliases"]
    assert codes(merges) == ["merge_not_allowed", "too_many_aliases"]


def test_bom_and_carriage_returns_leave_line_numbers_right():
    reading = read("schemas/a.yaml", "\ufeffkind: entity\r\nfields:\r\n  name: {type: text}\r\n")
    assert not reading.problems
    assert str(reading.span(("fields", "name", "type"))) == "schemas/a.yaml:3:16"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("x: one two\n", ["1:4", "1:8"]),
        ('x: "o\\"ne two"\n', ["1:5", "1:11"]),
        ('x: "\\u4e00 two"\n', ["1:5", "1:12"]),
        ("x: 'it''s two'\n", ["1:5", "1:11"]),
        ("x: |\n  one\n    two\n", ["2:3", "3:5"]),
        ("x: >-\n  one\n  two\n", ["2:3", "3:3"]),
        ("x: >\n\n  one\n\n  two\n", ["3:3", "5:3"]),
        ("x: one\n  two\n", ["1:4", "2:3"]),
        ('x: "one\n   two"\n', ["1:5", "2:4"]),
        ("x:\r\n  one\r\n  two\r\n", ["2:3", "3:3"]),
        ("线索: 商机 two\n", ["1:5", "1:8"]),
    ],
)
def test_places_inside_a_text(text, places):
    reading = read("schemas/a.yaml", text)
    (key,) = reading.data
    words = list(re.finditer(r"\S+", reading.data[key]))
    spans = [reading.inside((key,), word.start(), word.end()) for word in words]
    assert [f"{span.line}:{span.column}" for span in spans] == places


def test_faults_of_one_file_are_all_named():
    text = "\n".join(f"k{n}: !!int {n}" for n in range(40))
    assert codes(text) == ["tag_not_allowed"] * 40


def test_a_file_of_faults_ends_early():
    text = "\n".join(f"k{n}: !!int {n}" for n in range(5000))
    assert len(codes(text)) == 100


def test_forty_mistakes_in_six_files_come_together():
    fields = "".join(f"  f{n}: {{type: txet}}\n" for n in range(7))
    files = {f"schemas/e{n}.yaml": f"kind: entity\nname: e{n}\nfields:\n{fields}" for n in range(6)}
    problems = load(SourceTree.from_mapping(files)).problems
    assert len(problems) == 42
    assert {problem.hint for problem in problems} == {"text"}
