"""What the pages tell people to write and to run does what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fairlead.cli.workspace import make_workspace
from fairlead.config.load import load
from fairlead.config.schemas import KIND_FOLDERS
from fairlead.config.source import SourceTree, shipped, workspace_files

ROOT = Path(__file__).resolve().parents[2]
_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    """Return the YAML blocks of a page."""
    return _YAML.findall((ROOT / page).read_text("utf-8"))


HOW_TO = [
    (path.relative_to(ROOT).as_posix(), text)
    for path in sorted((ROOT / "docs/how-to").glob("*.md"))
    for text in _YAML.findall(path.read_text("utf-8"))
    if text.startswith("kind: ")
]


@pytest.mark.parametrize(("page", "text"), HOW_TO, ids=[page for page, _ in HOW_TO])
def test_documents_of_the_how_to_pages_fit_the_template(page: str, text: str):
    """Each is laid over the general-sales template, in the place of the document of the same name."""
    kind = text.partition("\n")[0].removeprefix("kind: ")
    own = SourceTree.from_mapping({f"{KIND_FOLDERS[kind]}/example.yaml": text})
    loaded = load(own.over(shipped(ROOT, "general_sales")))
    assert loaded.problems.render() == ""


def fairlead(*words: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a person would, in a process of its own."""
    code = "import sys; from fairlead.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("page", ["README.md", "docs/zh/index.md", "docs/tutorial.md"])
def test_the_field_that_the_pages_add_is_a_field(page: str, tmp_path):
    text = workspace_files(shipped(ROOT, "general_sales"), "name: acme\n")
    name = "schemas/lead.yaml"
    text[name] = text[name].replace("fields:\n", f"fields:\n{blocks(page)[0]}", 1)
    assert load(SourceTree.from_mapping(text)).problems.render() == ""


def test_the_first_hour(tmp_path):
    """The tutorial's changes, plan, publishing and rollback, with what it says they print."""
    acme = tmp_path / "acme"
    make_workspace(acme, "general_sales")
    assert fairlead("apply", ".", "--yes", folder=acme).returncode == 0
    page = (ROOT / "docs/tutorial.md").read_text("utf-8")
    field, stage, moves = blocks("docs/tutorial.md")

    lead = acme / "schemas/lead.yaml"
    lead.write_text(
        lead.read_text("utf-8").replace("  budget:\n", f"{field}  budget:\n", 1), encoding="utf-8"
    )
    wrong = lead.read_text("utf-8").replace(
        "type: choice\n    label: {en: Best", "type: chioce\n    label: {en: Best"
    )
    shutil.copy(lead, tmp_path / "right.yaml")
    lead.write_text(wrong, encoding="utf-8")
    assert fairlead("check", ".", folder=acme).stdout.strip() in page
    shutil.copy(tmp_path / "right.yaml", lead)

    form = acme / "forms/forms/lead.yaml"
    form.write_text(form.read_text("utf-8").replace("budget,", "best_time, budget,", 1), encoding="utf-8")
    stages = acme / "workflows/lead_stages.yaml"
    before, after, rest = stages.read_text("utf-8").partition("  qualified:\n")
    stages.write_text(before + stage + after + rest, encoding="utf-8")
    with stages.open("a", encoding="utf-8") as file:
        file.write(moves)
    assert fairlead("check", ".", folder=acme).stdout == "No problems.\n"

    planned = fairlead("plan", ".", folder=acme).stdout.splitlines()
    shown = page.split("On revision 1:", 1)[1].split("```", 1)[0].splitlines()
    assert planned[0] == f"On revision 1:{shown[0]}"
    assert [line for line in shown[1:] if line.strip() not in ("…", "") and "sealed" not in line] == [
        line for line in planned[1:] if line in shown and line
    ]
    assert fairlead("apply", ".", "--yes", "-m", "A trial", folder=acme).stdout.endswith(
        "Published revision 2.\n"
    )
    assert "+ entity.lead.fields.best_time" in fairlead("diff", 1, 2, folder=acme).stdout
    assert fairlead("rollback", 1, "--yes", folder=acme).returncode == 1
    back = fairlead("rollback", 1, "--yes", "--allow-destructive", folder=acme)
    assert back.stdout.endswith("Published revision 3.\n")
    assert fairlead("export", "../published", folder=acme).returncode == 0
    assert "best_time" not in (tmp_path / "published/schemas/lead.yaml").read_text("utf-8")
