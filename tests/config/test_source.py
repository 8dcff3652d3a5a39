"""Collecting files: relative names, nothing from outside, sizes bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
from fairlead.config import source
from fairlead.config.load import load
from fairlead.config.source import SourceTree, shipped, workspace_files

ENTITY = "kind: entity\nname: lead\nfields: {name: {type: text}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schemas" / "deep").mkdir(parents=True)
    (tmp_path / "schemas" / "lead.yaml").write_text(ENTITY)
    return tmp_path


def codes(tree: SourceTree) -> list[str]:
    return [problem.code for problem in tree.problems]


def test_names_are_relative(folder):
    (folder / "schemas" / "deep" / "b.yml").write_text(ENTITY)
    (folder / "notes.yaml").write_text("x")
    (folder / "schemas" / "readme.md").write_text("x")
    (folder / "schemas" / ".hidden.yaml").write_text("x")
    (folder / "fairlead.yaml").write_text("name: acme\n")
    tree = SourceTree.from_folder(folder)
    assert [file.path for file in tree.files] == ["fairlead.yaml", "schemas/deep/b.yml", "schemas/lead.yaml"]


@pytest.mark.parametrize("target", ["file", "folder"])
def test_links_out_of_the_folder_are_not_followed(folder, tmp_path_factory, target):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("canary: 4711\n")
    link = folder / "schemas" / ("secret.yaml" if target == "file" else "more")
    link.symlink_to(outside / "secret.yaml" if target == "file" else outside)
    tree = SourceTree.from_folder(folder)
    assert codes(tree) == ["outside_folder"]
    assert "4711" not in str(tree)
    assert str(outside) not in str(load(tree).problems)


def test_a_link_inside_the_folder_is_fine(folder):
    (folder / "schemas" / "same.yaml").symlink_to(folder / "schemas" / "lead.yaml")
    assert not SourceTree.from_folder(folder).problems


def test_a_link_in_a_circle_is_no_document(folder):
    loop = folder / "schemas" / "loop.yaml"
    loop.symlink_to(loop)
    assert codes(SourceTree.from_folder(folder)) in (["outside_folder"], ["unreadable"])


def test_not_utf8_names_the_byte(folder):
    (folder / "schemas" / "gbk.yaml").write_bytes(b"kind: entity\nlabel: " + "线索".encode("gbk"))
    (problem,) = SourceTree.from_folder(folder).problems
    assert problem.code == "not_utf8"
    assert "byte 20" in problem.message
    assert str(problem.span) == "schemas/gbk.yaml:2:8"


def test_large_files_are_not_read(folder, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 10)
    assert codes(SourceTree.from_folder(folder)) == ["too_large"]


def test_many_files_are_not_read(folder, monkeypatch):
    monkeypatch.setattr(source, "MAX_FILES", 3)
    for number in range(5):
        (folder / "schemas" / f"e{number}.yaml").write_text(ENTITY)
    tree = SourceTree.from_folder(folder)
    assert codes(tree) == ["too_large"]
    assert not tree.files


@pytest.mark.parametrize("name", ["../x.yaml", "/etc/x.yaml", "schemas/../../x.yaml", "schemas\\x.yaml"])
def test_names_that_lead_outside(name):
    assert codes(SourceTree.from_mapping({name: ENTITY})) == ["outside_folder"]


def test_half_a_character_is_no_text():
    (problem,) = SourceTree.from_mapping({"schemas/a.yaml": "kind: entity\nlabel: a\ud800"}).problems
    assert problem.code == "control_character"
    assert str(problem.span) == "schemas/a.yaml:2:9"


def test_digest_is_of_names_and_contents():
    one = SourceTree.from_mapping({"schemas/a.yaml": "x", "schemas/b.yaml": "y"})
    same = SourceTree.from_mapping({"schemas/b.yaml": "y", "schemas/a.yaml": "x"})
    moved = SourceTree.from_mapping({"schemas/a.yaml": "xy", "schemas/b.yaml": ""})
    assert one.digest() == same.digest()
    assert one.digest() != moved.digest()


def test_the_digest_survives_memory(folder):
    tree = SourceTree.from_folder(folder)
    assert SourceTree.from_mapping(tree.mapping()).digest() == tree.digest()


# ---------------------------------------------------------------- shipped templates


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    write("schemas/base/lead.yaml", ENTITY)
    write("schemas/base/task.yaml", ENTITY.replace("lead", "task"))
    write("admin/base/template.yaml", 'kind: template\nname: base\nversion: "1.0"\ncurrency: EUR\n')
    write("schemas/houses/buyer.yaml", ENTITY.replace("text", "long_text"))
    write("admin/houses/template.yaml", 'kind: template\nname: houses\nversion: "2.1"\nextends: base\n')
    write("admin/round/template.yaml", 'kind: template\nname: round\nversion: "1.0"\nextends: trip\n')
    write("admin/trip/template.yaml", 'kind: template\nname: trip\nversion: "1.0"\nextends: round\n')
    return tmp_path


def test_a_template_lies_over_what_it_extends(shop):
    loaded = load(shipped(shop, "houses"))
    assert loaded.problems.errors == []
    assert loaded.workspace is not None
    assert loaded.workspace.entities["lead"].fields["name"].kind == "long_text"
    assert sorted(loaded.workspace.entities) == ["lead", "task"]
    assert loaded.workspace.template is not None
    assert loaded.workspace.template.version == "2.1"


def test_what_is_replaced_is_not_stored(shop):
    """A revision keeps names and texts alone, so nothing may depend on which file came from where."""
    tree = shipped(shop, "houses")
    assert "schemas/base/lead.yaml" not in tree.mapping()
    again = load(SourceTree.from_mapping(tree.mapping()))
    assert again.problems.errors == []
    assert again.workspace.template.name == "houses"


def test_a_new_workspace_has_the_documents_without_the_template_s_level(shop):
    files = workspace_files(shipped(shop, "houses"), "name: acme\n")
    assert sorted(files) == [
        *("admin/houses/template.yaml", "admin/template.yaml", "fairlead.yaml"),
        *("schemas/buyer.yaml", "schemas/task.yaml"),
    ]
    loaded = load(SourceTree.from_mapping(files))
    assert loaded.problems.errors == []
    assert (loaded.workspace.name, loaded.workspace.currency) == ("acme", "CNY")


def test_templates_that_extend_each_other(shop):
    (problem,) = shipped(shop, "round").problems
    assert problem.code == "cycle"
    assert "round → trip → round" in problem.message


def test_a_template_that_is_not_there(shop):
    (problem,) = shipped(shop, "hauses").problems
    assert problem.code == "unknown_template"
    assert problem.hint == "houses"
