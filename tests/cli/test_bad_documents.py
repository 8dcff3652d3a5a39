"""Bad documents at the command line: exit 1, one entry a problem with file, line, column and key, nothing published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.config.bad_inputs import ALL, BASE, HEAD, Bad, named

PARTS = {"file", "line", "column", "key", "code", "message", "hint"}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(
            text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        )
    return folder


@pytest.mark.parametrize("case", ALL, ids=named(ALL))
def test_the_command_says_it(fairlead: Run, tmp_path: Path, case: Bad):
    folder = write(tmp_path, {**BASE, **case.files})
    done = fairlead("check", folder, "--format", "json", *(["--strict"] if case.level == "warning" else []))
    assert done.status == 1
    told = done.json["problems"]
    assert all(set(one) >= PARTS for one in told)
    assert told == sorted(told, key=lambda one: (one["file"], one["line"], one["column"]))
    # Half a character cannot be written to a file as UTF-8, so there the file itself is what is wrong.
    code = "not_utf8" if "\ud800" in "".join(case.files.values()) else case.code
    assert (code, case.at) in {(one["code"], f"{one['file']}:{one['line']}:{one['column']}") for one in told}
    assert str(tmp_path) not in done.out


def test_nothing_of_a_broken_workspace_is_published(fairlead: Run, published: Path):
    before = fairlead("revisions", "-w", published, "--format", "json").json
    write(published, {"schemas/lead.yaml": "kind: entity\nname: lead\n"})
    done = fairlead("apply", published, "--yes", "--allow-destructive")
    assert done.status == 1
    assert done.err == "schemas/lead.yaml:1:1: fields: 'fields' is missing\n"
    assert fairlead("revisions", "-w", published, "--format", "json").json == before


def test_cf_11_a_warning_passes_and_blocks_when_strict(fairlead: Run, tmp_path: Path):
    folder = write(tmp_path, {**BASE, "schemas/car.yaml": HEAD.replace("label: Car", "label: {en: Car}")})
    write(folder, {"fairlead.yaml": "name: small\nlanguages: [en, zh]\n"})
    for flags, status in (((), 0), (("--strict",), 1)):
        done = fairlead("check", folder, *flags)
        assert (done.status, done.out) == (
            status, "schemas/car.yaml:3:1: label: warning: there is no text for zh\n"
        )  # fmt: skip
        assert done.err == "1 warning.\n"


def test_cf_11_a_hint_blocks_nothing(fairlead: Run, tmp_path: Path):
    folder = write(
        tmp_path, {**BASE, "schemas/set.yaml": "kind: options\nname: set\nlabel: Set\noptions: [a]\n"}
    )
    done = fairlead("check", folder, "--strict")
    assert (done.status, done.out) == (
        0,
        "schemas/set.yaml:2:7: name: hint: nothing uses the options 'set'\n",
    )


def test_cf_10_text_names_place_key_and_what_was_meant(fairlead: Run, tmp_path: Path):
    folder = write(tmp_path, {**BASE, "schemas/car.yaml": HEAD + "  x: {type: phon_number}\n"})
    done = fairlead("check", folder)
    assert (
        done.out
        == "schemas/car.yaml:7:13: fields.x.type: unknown type 'phon_number' (did you mean 'phone'?)\n"
    )


def test_a_file_whose_name_is_no_text_is_named_and_nothing_breaks(fairlead: Run, tmp_path: Path):
    folder = write(tmp_path, dict(BASE))
    (folder / "schemas").joinpath(b"\xff\xfe.yaml".decode("utf-8", "surrogateescape")).write_text(
        "kind: entity\n"
    )
    for form in ("text", "json", "sarif"):
        done = fairlead("check", folder, "--format", form)
        assert done.status == 1
        assert "the name of the file is not UTF-8" in done.out
        assert {"text": "\\xff\\xfe.yaml", "json": "\\\\xff\\\\xfe.yaml", "sarif": "%5Cxff%5Cxfe.yaml"}[
            form
        ] in done.out


# ---------------------------------------------------------------- SARIF


@pytest.fixture
def sarif(fairlead: Run, tmp_path: Path) -> dict:
    files = {
        "schemas/客户 a.yaml": HEAD + "  x: {type: txet, requred: true}\n",
        "schemas/set.yaml": "kind: options\nname: set\nlabel: Set\noptions: [a]\n",
    }
    done = fairlead("check", write(tmp_path, {**BASE, **files}), "--format", "sarif")
    assert done.status == 1
    return json.loads(done.out)


def test_cf_10_sarif_has_the_structure_of_2_1_0(sarif: dict):
    """The required properties of the standard, and the rules that readers of it check."""
    assert sarif["version"] == "2.1.0"
    assert sarif["$schema"].endswith("sarif-2.1.0.json")
    (run,) = sarif["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "fairlead"
    ids = [rule["id"] for rule in driver["rules"]]
    assert ids == sorted(set(ids))
    assert run["columnKind"] == "unicodeCodePoints"
    assert set(run) <= {"tool", "results", "columnKind"}
    assert set(driver) <= {"name", "semanticVersion", "rules"}
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations"}
        assert result["message"]["text"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert set(physical["artifactLocation"]) == {"uri"}
        region = physical["region"]
        assert all(isinstance(number, int) and number >= 1 for number in region.values())
        assert (region["startLine"], region["startColumn"]) <= (region["endLine"], region["endColumn"])


def test_cf_10_sarif_says_where_and_what(sarif: dict):
    results = {result["ruleId"]: result for result in sarif["runs"][0]["results"]}
    wrong = results["unknown_type"]
    assert wrong["level"] == "error"
    assert wrong["message"]["text"] == "unknown type 'txet' (did you mean 'text'?)"
    location = wrong["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "schemas/%E5%AE%A2%E6%88%B7%20a.yaml"},
        "region": {"startLine": 7, "startColumn": 13, "endLine": 7, "endColumn": 17},
    }
    assert location["logicalLocations"] == [{"fullyQualifiedName": "fields.x.type", "kind": "member"}]
    assert results["unused"]["level"] == "note"


def test_cf_10_sarif_of_a_sound_workspace_is_an_empty_run(fairlead: Run, small: Path):
    done = fairlead("check", small, "--format", "sarif")
    assert done.status == 0
    assert done.json["runs"][0]["results"] == []
