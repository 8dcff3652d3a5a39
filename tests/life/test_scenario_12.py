"""12. Export, import into an empty workspace on the other database, export again: byte for byte the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fairlead.config.load import load
from fairlead.config.source import SourceTree, shipped_templates
from fairlead.store import migrate, revisions
from fairlead.store.database import Database
from fairlead.work import planning, publishing
from fairlead.work import revisions as published
from fairlead.work.folders import write_documents

from tests.support.templates import ROOT, installed, lay


@contextmanager
def opened(*urls: str) -> Iterator[list[Database]]:
    found = [Database(url) for url in urls]
    for one in found:
        migrate.prepare_system(one)
    yield found
    for one in found:
        one.close()


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, what the engine keeps beside the documents included."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("template", shipped_templates(ROOT))
def test_scenario_12_a_template_goes_from_one_database_to_the_other(
    template: str, sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    written = lay(tmp_path / "written", installed(template))
    with opened(sqlite_url, postgres_url) as databases:
        before = written
        for number, database in enumerate([*databases, *reversed(databases)]):
            tree = SourceTree.from_folder(before)
            publishing.apply(database, planning.plan(database, tree), author="ada")
            before = tmp_path / f"export{number}"
            write_documents(before, published.documents(database)[1])
            if number:
                assert content(before) == content(tmp_path / "export0")
        assert [revisions.current_number(database) for database in databases] == [1, 1]
    documents = {path: text for path, text in content(before).items() if not path.startswith(".fairlead/")}
    assert documents == content(written)


# ---------------------------------------------------------------- many generated trees


WORDS = [
    "Lead",
    "线索",
    "Zürich",
    "naïve — “quoted”",
    "👩‍💻",
    "a: b # c",
    "'",
    '"',
    "no",
    "0777",
    "10:30",
    "tab\there",
]


def generated(chance: random.Random) -> dict[str, bytes]:
    """A small valid workspace in any layout that somebody might write it in."""
    end = chance.choice(["\n", "\r\n"])
    made = {"fairlead.yaml": f"name: w{chance.randrange(99)}{end}languages: [en]{end}"}
    for number in range(chance.randrange(1, 5)):
        name = f"r{number}"
        label = chance.choice(WORDS)
        if chance.random() < 0.3:
            gap = chance.choice(["", " ", "\n  ", "\r\n\t"])
            text = f'{{"kind":{gap}"role",{gap}"name": "{name}",{gap}"label": {as_text(label)},{gap}"grants":{{}}}}'
            made[f"admin/{name}.json"] = text + chance.choice(["", "\n", "\n\n"])
            continue
        lines = ["kind: role", f"name: {name}", f"label: {as_text(label)}", "grants: {}"]
        for _ in range(chance.randrange(4)):
            comment = chance.choice(["", "#", f"# {chance.choice(WORDS)}", "   # indented", "#\ttab"])
            lines.insert(chance.randrange(len(lines) + 1), comment)
        lines = [line + chance.choice(["", "", "  ", " # why"]) for line in lines]
        folder = chance.choice(["admin", "admin/roles", "admin/角色"])
        suffix = chance.choice(["yaml", "yml"])
        made[f"{folder}/{name}.{suffix}"] = (
            chance.choice(["", "\ufeff"]) + end.join(lines) + chance.choice(["", end, end * 3])
        )
    return {path: text.encode() for path, text in made.items()}


def as_text(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def test_scenario_12_two_hundred_generated_trees_come_out_as_they_went_in(
    sqlite_url: str, postgres_url: str, tmp_path: Path
) -> None:
    chance = random.Random(12)
    with opened(sqlite_url, postgres_url) as databases:
        for number in range(200):
            files = generated(chance)
            before = tmp_path / f"{number}"
            for path, raw in files.items():
                (before / path).parent.mkdir(parents=True, exist_ok=True)
                (before / path).write_bytes(raw)
            tree = SourceTree.from_folder(before)
            assert not load(tree).problems.has_errors, load(tree).problems.render()
            for database in databases:
                with database.write() as tx:
                    revisions.put(
                        tx, SourceTree.from_folder(before).mapping(), author="ada", message=None, source="cli",
                        engine="1", now="2026-05-06T04:00:00.000000Z",
                    )  # fmt: skip
                before = before.with_name(f"{before.name}_")
                write_documents(before, published.documents(database)[1])
            found = {path: raw for path, raw in content(before).items() if not path.startswith(".fairlead/")}
            assert found == files
