"""A folder beside what is published: nothing that others published is ever overwritten (CF-52)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fairlead.base.errors import Refused
from fairlead.config.source import SourceTree
from fairlead.store import migrate
from fairlead.store.database import Database
from fairlead.work import planning, publishing, revisions, standing
from fairlead.work.folders import InTheWay, keep_in_step, write_documents

from tests.cli.conftest import SMALL, edit

LEAD, REP = "schemas/lead.yaml", "admin/rep.yaml"


class Desk:
    """A folder, and the database that it is published to."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        write_documents(folder, SMALL)
        self.publish()

    def publish(self, *, source: str = "cli") -> None:
        tree = SourceTree.from_folder(self.folder)
        plan = planning.plan(self.database, tree)
        standing.assure_in_step(self.database, self.folder, tree)
        publishing.apply(self.database, plan, author="ada", source=source, allow_destructive=True)
        keep_in_step(self.folder, tree.mapping())

    def elsewhere(
        self, path: str, old: str, new: str, *, source: str = "studio", author: str = "mei"
    ) -> None:
        """Somebody publishes a change that is not made in this folder."""
        files = revisions.documents(self.database)[1]
        assert files[path].count(old) == 1
        files[path] = files[path].replace(old, new)
        plan = planning.plan(self.database, SourceTree.from_mapping(files))
        publishing.apply(self.database, plan, author=author, source=source)

    def standing(self) -> standing.Standing:
        return standing.standing(self.database, self.folder, SourceTree.from_folder(self.folder))

    def published(self, path: str) -> str:
        return revisions.documents(self.database)[1][path]

    def text(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    database = Database(database_url)
    migrate.prepare_system(database)
    yield Desk(database, tmp_path / "acme")
    database.close()


def test_cf_52_status_says_what_each_side_has_changed(desk: Desk) -> None:
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect")
    edit(desk.folder, REP, "label: Rep", "label: Seller")
    found = desk.standing()
    assert (found.base and found.base.number, found.current and found.current.number) == (1, 2)
    assert [change.path[:3] for change in found.yours] == [("role", "rep", "label")]
    assert found.theirs[0].path[:3] == ("entity", "lead", "label")
    assert found.behind and found.both == ()


def test_cf_52_a_folder_that_has_not_seen_a_studio_edit_is_not_published(desk: Desk) -> None:
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect")
    edit(desk.folder, REP, "label: Rep", "label: Seller")
    with pytest.raises(Refused) as refused:
        desk.publish()
    assert refused.value.code == "plan.folder-behind"
    assert "entity.lead.label" in refused.value.message() and "studio, by mei" in refused.value.message()
    assert "Prospect" in desk.published(LEAD)


def test_cf_52_pulled_both_live(desk: Desk) -> None:
    desk.elsewhere(LEAD, "  phone: {type: phone}", "  # Only mobiles.\n  phone: {type: phone, label: Mobile}")
    edit(desk.folder, LEAD, "label: Lead\n", "label: Prospect\n")
    done = standing.pull(desk.database, desk.folder)
    assert (done.revision, done.written, done.conflicts) == (2, (LEAD,), ())
    assert "label: Prospect" in desk.text(LEAD) and "label: Mobile" in desk.text(LEAD)
    desk.publish()
    assert desk.published(LEAD) == desk.text(LEAD)
    assert not desk.standing().behind and desk.standing().yours == ()


def test_cf_52_what_both_changed_is_asked(desk: Desk) -> None:
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect")
    edit(desk.folder, LEAD, "label: Lead\n", "label: Enquiry\n")
    before = SourceTree.from_folder(desk.folder).mapping()
    done = standing.pull(desk.database, desk.folder)
    assert done.conflicts == ("conflicts/entity.lead.label.yaml",) and desk.standing().both == (
        "entity.lead.label",
    )
    assert SourceTree.from_folder(desk.folder).mapping() == before
    with pytest.raises(planning.Broken, match="take: published"):
        desk.publish()
    edit(desk.folder, done.conflicts[0], "take:\n", "take: published\n")
    assert standing.pull(desk.database, desk.folder).conflicts == ()
    assert "label: Prospect" in desk.text(LEAD) and not (desk.folder / "conflicts").exists()
    desk.publish()


def test_cf_52_seen_and_kept_as_it_is(desk: Desk) -> None:
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect")
    standing.pull(desk.database, desk.folder, ours=True)
    desk.publish()
    assert "label: Lead\n" in desk.published(LEAD)


def test_cf_52_the_same_edit_on_both_sides_is_no_conflict(desk: Desk) -> None:
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect")
    edit(desk.folder, LEAD, "label: Lead\n", "label: Prospect\n")
    assert not desk.standing().behind


def test_cf_52_settings_are_merged_too(desk: Desk) -> None:
    desk.elsewhere("fairlead.yaml", "languages: [en]", "languages: [en]\nzone: Europe/Berlin")
    edit(desk.folder, REP, "label: Rep", "label: Seller")
    assert standing.pull(desk.database, desk.folder).written == ("fairlead.yaml",)
    assert "Europe/Berlin" in desk.text("fairlead.yaml")


def test_cf_52_a_fresh_checkout_is_held_against_the_last_folder(desk: Desk) -> None:
    """It remembers nothing; what came from a folder is its own past, what came from elsewhere is not."""
    (desk.folder / ".fairlead" / "published").unlink()
    edit(desk.folder, REP, "label: Rep", "label: Seller")
    desk.publish()
    (desk.folder / ".fairlead" / "published").unlink()
    desk.elsewhere(LEAD, "label: Lead", "label: Prospect", source="api")
    edit(desk.folder, REP, "label: Seller", "label: Consultant")
    assert desk.standing().behind


def test_cf_52_a_commit_that_the_folder_descends_from_is_its_past(desk: Desk) -> None:
    other = dict(SMALL) | {LEAD: SMALL[LEAD].replace("label: Lead", "label: Prospect")}
    plan = planning.plan(desk.database, SourceTree.from_mapping(other))
    publishing.apply(desk.database, plan, author="ci", source="git", git_commit="abc")
    tree = SourceTree.from_folder(desk.folder)
    assert standing.standing(desk.database, desk.folder, tree).behind
    assert not standing.standing(desk.database, desk.folder, tree, lambda commit: commit == "abc").behind


def test_an_export_never_mixes_with_documents_of_its_own(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_documents(out, SMALL | {"admin/boss.yaml": "kind: role\nname: boss\nlabel: Boss\n"})
    assert write_documents(out, SMALL) == 1
    assert SourceTree.from_folder(out).mapping() == SMALL
    edit(out, LEAD, "label: Lead\n", "label: Mine\n")
    with pytest.raises(InTheWay, match=LEAD):
        write_documents(out, SMALL)
