"""13. The studio edits one label in a commented YAML file: only that line differs."""

from __future__ import annotations

from fairlead.config import writer
from fairlead.config.source import SourceTree
from fairlead.store import migrate
from fairlead.store.database import Database
from fairlead.work import planning, publishing, revisions

from tests.support.templates import installed

LEAD = "schemas/lead.yaml"


def lines_that_differ(before: str, after: str) -> list[int]:
    """Return the numbers of the lines that are not the same, byte for byte."""
    one, two = before.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(one) == len(two)
    return [number for number, (old, new) in enumerate(zip(one, two, strict=True), 1) if old != new]


def commented() -> dict[str, str]:
    """The general-sales template with remarks of somebody who likes them everywhere."""
    files = installed("general_sales")
    lines = files[LEAD].splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith("fields:"))
    lines[at] = "fields:   # in the order of the form\n"
    lines.insert(at + 1, "  # What they are called, and by whom.\n")
    lines.insert(at, "\n# --- 线索 ---\n\n")
    files[LEAD] = "# Ours since the spring.\r\n" + "".join(lines) + "# the end"
    return files


def test_scenario_13_one_label_is_one_line(database_url: str) -> None:
    database = Database(database_url)
    migrate.prepare_system(database)
    files = commented()
    publishing.apply(database, planning.plan(database, SourceTree.from_mapping(files)), author="ada")
    draft = revisions.documents(database)[1]
    draft[LEAD] = writer.set_value(LEAD, draft[LEAD], ("label", "en"), "Prospect: new")
    plan = planning.plan(database, SourceTree.from_mapping(draft))
    publishing.apply(database, plan, author="mei", source="studio")
    after = revisions.documents(database)[1]
    assert [path for path in files if files[path] != after[path]] == [LEAD]
    (line,) = lines_that_differ(files[LEAD], after[LEAD])
    assert after[LEAD].splitlines()[line - 1].startswith("label: {en: ")
    assert [one["source"] for one in revisions.history(database)] == ["studio", "cli"]
    database.close()


def test_scenario_13_holds_for_every_label_of_a_template() -> None:
    count = 0
    for path, text in installed("general_sales").items():
        data = writer.read(path, text).data
        if not isinstance(data.get("label"), dict):
            continue
        changed = writer.set_value(path, text, ("label", "zh"), "另一个名称")
        assert len(lines_that_differ(text, changed)) == 1, path
        count += 1
    assert count > 30
