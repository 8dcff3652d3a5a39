"""Classes C, G, N and X of what must be met well, as far as documents alone decide it.

The same table goes through the command line (`tests/cli/test_bad_documents.py`) and, on both databases, through
the API (`tests/api/test_bad_documents.py`).
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from fairlead.base.problems import Problem
from fairlead.config import source
from fairlead.config.load import load
from fairlead.config.source import SourceTree

from tests.config.bad_inputs import ALL, BASE, HEAD, Bad, named

ROOT = Path(__file__).resolve().parents[2]


def problems(files: dict[str, str | bytes]) -> list[Problem]:
    return list(load(SourceTree.from_mapping({**BASE, **files})).problems)


def test_the_workspace_that_is_damaged_here_is_sound():
    assert problems({}) == []


@pytest.mark.parametrize("case", ALL, ids=named(ALL))
def test_each_is_said_with_its_code_at_its_place(case: Bad):
    found = [one for one in problems(dict(case.files)) if one.code == case.code and str(one.span) == case.at]
    assert found, "\n".join(f"{one.code} {one}" for one in problems(dict(case.files)))
    assert found[0].level == case.level
    assert found[0].hint == case.hint or case.hint is None
    for part in case.says:
        assert part in found[0].message


@pytest.mark.parametrize("case", ALL, ids=named(ALL))
def test_nothing_else_is_said_than_what_is_wrong(case: Bad):
    """One mistake may be said at each end of a circle, but no other file is blamed for it."""
    files = {one.span.file for one in problems(dict(case.files))}
    assert files <= set(case.files)


def test_A_C08_A_C09_bombs_cost_neither_time_nor_memory():
    """The limits of the process are those of the line: 64 MB above a start without it, a second of its time."""
    bombs = {case.id: case.files["schemas/x.yaml"] for case in ALL if case.id in ("A-C08", "A-C09")}
    program = f"""
import resource, time
from fairlead.config.load import load
from fairlead.config.source import SourceTree
load(SourceTree.from_mapping({BASE!r}))
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for bomb in {list(bombs.values())!r}:
    begun = time.process_time()
    found = load(SourceTree.from_mapping({{"schemas/x.yaml": bomb}}))
    print(repr(found) and len(str(found.problems.to_json())) < 2000, time.process_time() - begun < 1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle < 64 * 1024)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean()
    )
    assert done.stdout.split() == ["True"] * 5


def clean() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "platform")}


def test_A_C11_the_process_is_alive_after_200_000_brackets():
    """Even with a stack as small as a thread may have."""
    program = """
from fairlead.config.load import load
from fairlead.config.source import SourceTree
for path in ("schemas/x.yaml", "schemas/x.json"):
    for text in ("[" * 200_000, '{"a":' * 200_000, "- " * 200_000):
        print(*{one.code for one in load(SourceTree.from_mapping({path: text})).problems.errors})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=clean(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_STACK, (1024 * 1024, -1)),
    )  # fmt: skip
    assert done.stdout.split() == ["too_deep"] * 5 + ["bad_json"]


def test_A_C16_stages_called_no_and_on_are_called_so():
    text = "kind: pipeline\nname: lead_stages\nentity: lead\nstages:\n  no: {label: No}\n  on:\n  off: {outcome: won}\n"
    loaded = load(SourceTree.from_mapping({**BASE, "workflows/stages.yaml": text}))
    assert loaded.problems.render() == ""
    assert [stage.name for stage in loaded.workspace.pipelines["lead_stages"].stages] == ["no", "on", "off"]


def test_A_C17_a_time_and_a_code_stay_what_is_written():
    text = f"{HEAD}  opens: {{type: time, default: 12:30:45}}\n  code: {{type: text, default: 0777}}\n"
    fields = load(SourceTree.from_mapping({"schemas/car.yaml": text})).workspace.entities["car"].fields
    assert (str(fields["opens"].default), fields["code"].default) == ("12:30:45", "0777")


def test_A_C20_what_is_not_utf_8_is_named_with_its_byte():
    text = HEAD.replace("label: Car", "label: 汽车").encode("gbk")
    (problem,) = problems({"schemas/car.yaml": text})
    assert (problem.code, str(problem.span)) == ("not_utf8", "schemas/car.yaml:3:8")
    assert f"byte {text.index('汽车'.encode('gbk'))}" in problem.message


@pytest.mark.parametrize(
    "given", ["\ufeff" + HEAD, HEAD.replace("\n", "\r\n"), "\ufeff" + HEAD.replace("\n", "\r\n")]
)
def test_A_C21_a_mark_at_the_beginning_and_windows_line_ends_are_read(given: str):
    assert problems({"schemas/car.yaml": given}) == []
    (problem,) = problems({"schemas/car.yaml": (given + "  x: {type: txet}\n").encode()})
    assert (problem.code, str(problem.span)) == ("unknown_type", "schemas/car.yaml:7:13")


def test_A_C23_forty_mistakes_in_six_files_are_one_answer():
    fields = "".join(f"  f{n}: {{type: txet}}\n" for n in range(7))
    files = {f"schemas/e{n}.yaml": f"kind: entity\nname: e{n}\nfields:\n{fields}" for n in range(6)}
    found = problems(dict(files))
    assert [str(one.span) for one in found] == [
        f"schemas/e{n}.yaml:{line}:14" for n in range(6) for line in range(4, 11)
    ]
    assert all(one.hint == "text" for one in found)


def test_A_C24_a_link_out_of_the_folder_is_refused_unread(tmp_path: Path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "canary.yaml").write_text("kind: canary-4711\n")
    for name, text in BASE.items():
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(text)
    (tmp_path / "in" / "schemas" / "link.yaml").symlink_to(tmp_path / "outside" / "canary.yaml")
    (tmp_path / "in" / "forms").symlink_to(tmp_path / "outside")
    found = load(SourceTree.from_folder(tmp_path / "in")).problems
    assert [(one.code, one.span.file) for one in found] == [
        ("outside_folder", "forms"), ("outside_folder", "schemas/link.yaml"),
    ]  # fmt: skip
    assert "4711" not in found.render()
    assert str(tmp_path) not in found.render()


def test_A_C25_what_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "schemas").mkdir()
    with (tmp_path / "schemas" / "huge.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    read: list[Path] = []
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or b"")
    found = load(SourceTree.from_folder(tmp_path)).problems
    assert [(one.code, str(one.span)) for one in found] == [("too_large", "schemas/huge.yaml:1:1")]
    assert "5 MB" in found.render()
    assert read == []


def test_A_C25_twenty_thousand_files_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "schemas").mkdir()
    for number in range(20):
        (tmp_path / "schemas" / f"e{number}.yaml").write_text("kind: entity\n")
    monkeypatch.setattr(source, "MAX_FILES", 15)
    found = load(SourceTree.from_folder(tmp_path)).problems
    assert [one.code for one in found] == ["too_large"]
    assert "15 files" in found.render()
    texts = {f"schemas/e{number}.yaml": "kind: entity\n" for number in range(20)}
    assert [one.code for one in load(SourceTree.from_mapping(texts)).problems] == ["too_large"]


def test_A_N09_a_thousand_entities_are_too_many():
    files = {
        f"schemas/e{n}.yaml": f"kind: entity\nname: e{n}\nfields: {{x: {{type: text}}}}\n"
        for n in range(1000)
    }
    (problem,) = load(SourceTree.from_mapping(files)).problems
    assert problem.code == "too_many"
    assert "500" in problem.message
