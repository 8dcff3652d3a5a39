"""The reference pages are what `make docs` would write now, and every key in them has a sentence."""

from __future__ import annotations

from itertools import chain

import pytest
from fairlead.config.load import load
from fairlead.config.schemas import KIND_FOLDERS, field_keys
from fairlead.config.source import SourceTree, shipped
from fairlead.fields.registry import KINDS

from tools.docs import codes, documents, fields, reference, settings, shapes
from tools.docs.__main__ import differing, stale_schemas
from tools.docs.shapes import Row


def every_row() -> dict[str, list[Row]]:
    """Return the keys of all documents and shared shapes, by the shape they stand in."""
    found = documents.shared_rows()
    for kind in (*KIND_FOLDERS, "workspace"):
        found |= documents.rows_of(kind)
    return found


def test_every_page_is_there_and_fresh():
    stale = sorted(differing())
    assert stale == [], "run `make docs` and commit what it wrote"


def test_pages_are_the_same_each_time():
    assert reference() == reference()


def test_every_kind_of_document_and_of_field_has_its_place():
    pages = reference()
    assert {f"documents/{kind}.md" for kind in KIND_FOLDERS} <= pages.keys()
    assert all(f"\n## {name}\n" in pages["fields.md"] for name in KINDS)


def test_every_key_says_what_it_means():
    """A map whose keys say it all needs no sentence of its own."""
    silent = [
        f"{about}: {row.path}"
        for about, rows in every_row().items()
        for row in rows
        if row.means is None
        and not any(other.path.startswith((f"{row.path}.", f"{row.path}[].")) for other in rows)
    ]
    assert silent == [], "write them into tools/docs/words.yaml"
    for name in KINDS:
        for key, schema in field_keys(name).items():
            assert fields.meaning(key, schema)


def test_no_sentence_is_about_a_key_that_is_gone():
    known = {about: {row.path for row in rows} for about, rows in every_row().items()}
    written = {
        about: set(words) for about, words in shapes.words().items() if about not in ("common", "inside")
    }
    assert {
        about: paths - known.get(about, set()) for about, paths in written.items() if paths - known[about]
    } == {}


def test_every_setting_of_the_environment_is_described():
    assert set(settings.variables()) == settings.described()


def test_examples_come_from_the_shipped_templates():
    pages = reference()
    without = [kind for kind in KIND_FOLDERS if "```yaml" not in pages[f"documents/{kind}.md"]]
    assert without == []


def test_no_cell_of_a_table_breaks_it():
    for name, text in reference().items():
        lines = [line for line in text.splitlines() if line.startswith("| ")]
        widths = set(chain.from_iterable([line.replace("\\|", "").count("|")] for line in lines))
        assert widths <= {3, 4, 5}, name


def test_schemas_for_editors_are_fresh():
    assert sorted(stale_schemas()) == [], "run `make docs` and commit what it wrote"


def test_every_finding_has_a_sentence_and_every_sentence_a_finding():
    assert codes.codes().keys() - codes.words().keys() == set(), "write them into tools/docs/codes.yaml"
    spoken = {code for code in codes.words() if code not in {f"unknown_{kind}" for kind in KIND_FOLDERS}}
    assert spoken - codes.codes().keys() == set(), "no check gives them"


def test_what_is_not_acted_on_is_on_the_page_of_its_kind():
    pages = reference()
    assert "Not acted on yet" in pages["documents/pool.md"]
    assert "`assign.strategy: round_robin`" in pages["documents/pool.md"]
    assert "`steps[].parallel`" in pages["documents/approval.md"]
    assert "does not act on them yet" in pages["documents/document.md"]


@pytest.mark.parametrize("path", sorted(documents.EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_of_our_own_fit_the_general_sales_template(path):
    own = SourceTree.from_mapping({f"{KIND_FOLDERS[path.stem]}/example.yaml": path.read_text("utf-8")})
    loaded = load(own.over(shipped(documents.ROOT, "general_sales")))
    assert {problem.code for problem in loaded.problems} == {"not_carried_out"}
