"""revisions, diff, blame, status, pull, export and --only as an operator meets them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from fairlead.config.source import SourceTree
from fairlead.work import planning, publishing

from tests.cli.conftest import Run, edit

LEAD = "schemas/lead.yaml"


def test_cf_51_a_revision_beside_a_folder(fairlead: Run, published):
    edit(published, LEAD, "label: Lead\n", "label: Prospect\n")
    done = fairlead("diff", 1, published)
    assert done.out.splitlines()[0] == "~ entity.lead.label.texts.: Lead → Prospect"
    back = fairlead("diff", published, 1, "--format", "json").json
    assert (back[0]["path"][:3], back[0]["old"]) == (["entity", "lead", "label"], "Prospect")
    assert fairlead("diff", 1, published / "nowhere").status == 2
    assert "no revision 7" in fairlead("diff", 7, published).err


def test_cf_51_blame_follows_renames(fairlead: Run, published):
    edit(published, LEAD, "{type: phone}", "{type: phone, label: Phone}")
    fairlead("apply", published, "--yes", "-m", "A word for it")
    fairlead("rename", "entity.lead.fields.phone", "mobile", "-w", published)
    fairlead("apply", published, "--yes")
    found = fairlead("blame", "entity.lead.fields.mobile.label", "-w", published, "--format", "json").json
    assert (found["number"], found["message"], found["new"], found["path"]) == (
        2, "A word for it", "Phone", "entity.lead.fields.phone.label",
    )  # fmt: skip
    assert "old" not in found
    said = fairlead("blame", "entity.lead.fields.mobile", "-w", published, "--all").out
    assert [line.split(",")[0] for line in said.splitlines()[::2]] == [
        "revision 3",
        "revision 2",
        "revision 1",
    ]
    assert (
        "ever published at entity.lead.nothing"
        in fairlead("blame", "entity.lead.nothing", "-w", published).err
    )


def test_cf_50_a_revision_tells_its_commit(fairlead: Run, small):
    def git(*words: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(small), "-c", "user.name=a", "-c", "user.email=a@b", *words],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "-q")
    (small / ".gitignore").write_text("var/\n", encoding="utf-8")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    fairlead("apply", small, "--yes")
    first = git("rev-parse", "HEAD")
    edit(small, LEAD, "label: Lead\n", "label: Prospect\n")
    fairlead("apply", small, "--yes", "-m", "Words")
    newest, oldest = fairlead("revisions", "-w", small, "--format", "json").json
    assert (oldest["source"], oldest["commit"], newest["commit"]) == ("git", first, f"{first}+")
    told = fairlead("revisions", 2, "-w", small)
    assert f"commit: {first}+" in told.out and "message: Words" in told.out and "Lead → Prospect" in told.out
    details = fairlead("revisions", 2, "-w", small, "--format", "json").json
    assert details["result"]["changes"]["safe"] > 0 and LEAD in details["files"]
    assert fairlead("revisions", 3, "-w", small).status == 1


def studio_edit(folder: Path, fairlead: Run) -> None:
    """Somebody publishes from the studio what this folder has not."""
    from fairlead.cli.common import house

    own = house(folder)
    tree = SourceTree.from_folder(folder).mapping()
    tree[LEAD] = tree[LEAD].replace("label: Lead\n", "label: Prospect\n")
    plan = planning.plan(own.database, SourceTree.from_mapping(tree))
    publishing.apply(own.database, plan, author="mei", source="studio")
    own.close()


def test_cf_52_publishing_over_a_studio_edit(fairlead: Run, published):
    assert fairlead("status", published).out.endswith("Nothing to publish.\n")
    studio_edit(published, fairlead)
    edit(published, "admin/rep.yaml", "label: Rep", "label: Seller")
    status = fairlead("status", published).out
    assert "changed in this folder (1)\n  ~ role.rep.label" in status
    assert "published since" in status and "  ~ entity.lead.label" in status and "fairlead pull" in status
    assert "apply would refuse" in fairlead("plan", published).out
    assert fairlead("plan", published, "--out", published / "plan.json").status == 1
    assert not (published / "plan.json").exists()
    refused = fairlead("apply", published, "--yes")
    assert refused.status == 1
    assert (
        fairlead("pull", published).out
        == f"  {LEAD}\nIn step with revision 2. Next: fairlead plan {published}\n"
    )
    assert fairlead("apply", published, "--yes").status == 0
    assert fairlead("diff", 2, 3, "-w", published).out == "~ role.rep.label.texts.: Rep → Seller\n"


MORE = """\
kind: entity
name: visit
label: Visit
title: "{about}"
fields:
  about: {type: reference, entity: lead, on_delete: cascade}
  area: {type: choice, options: areas}
"""


def test_cf_54_a_document_with_what_it_needs(fairlead: Run, published):
    (published / "schemas/visit.yaml").write_text(MORE, encoding="utf-8")
    (published / "schemas/areas.yaml").write_text(
        "kind: options\nname: areas\nlabel: Areas\noptions: {north: North}\n", encoding="utf-8"
    )
    edit(published, "admin/rep.yaml", "label: Rep", "label: Seller")
    told = fairlead("plan", published, "--only", "entity/visit").out
    assert "publish: entity/visit\nneeded by that: options/areas\nleft as published: role/rep\n" in told
    found = fairlead("apply", published, "--only", "entity/visit", "--yes")
    assert found.status == 0
    assert fairlead("diff", 1, 2, "-w", published).out.startswith("+ entity.visit\n+ options.areas\n")
    left = fairlead("plan", published, "--format", "json").json["changes"]
    assert [one["path"][:3] for one in left] == [["role", "rep", "label"]]
    assert "did you mean 'entity/visit'" in fairlead("plan", published, "--only", "entity/visi").err


def test_cf_54_what_a_rename_touches_comes_along(fairlead: Run, published):
    edit(published, "admin/rep.yaml", "update: own}", "update: own, fields: {phone: masked}}")
    fairlead("apply", published, "--yes")
    fairlead("rename", "entity.lead.fields.phone", "mobile", "-w", published)
    plan = fairlead("plan", published, "--only", "entity/lead", "--format", "json").json
    assert plan["selection"] == {"chosen": ["entity/lead"], "needed": ["role/rep"], "left": []}
    assert fairlead("apply", published, "--only", "entity/lead", "--yes").status == 0
    assert fairlead("plan", published).out.startswith("Nothing to do")


def test_export_into_a_folder_with_documents_of_its_own_is_refused(fairlead: Run, published, tmp_path):
    out = tmp_path / "out"
    assert fairlead("export", out, "-w", published).status == 0
    edit(out, LEAD, "label: Lead\n", "label: Mine\n")
    done = fairlead("export", out, "-w", published)
    assert done.status == 1 and "documents of its own" in done.err
    assert fairlead("status", out, "--format", "json").json["published"] is None


def test_cf_52_what_a_folder_published_itself_is_its_own_past(fairlead: Run, published, tmp_path):
    """Through a sealed plan or in parts: editing the same value again is no conflict with oneself."""
    edit(published, LEAD, "label: Lead\n", "label: Prospect\n")
    assert fairlead("plan", published, "--out", tmp_path / "plan.json").status == 0
    assert fairlead("apply", tmp_path / "plan.json", "-w", published, "--yes").status == 0
    edit(published, LEAD, "label: Prospect\n", "label: Enquiry\n")
    edit(published, "admin/rep.yaml", "label: Rep", "label: Seller")
    assert fairlead("apply", published, "--only", "entity/lead", "--yes").status == 0
    edit(published, LEAD, "label: Enquiry\n", "label: Contact\n")
    status = fairlead("status", published, "--format", "json").json
    assert (status["base"], status["behind"]) == (3, False)
    assert fairlead("apply", published, "--yes").status == 0


def test_cf_52_status_tells_a_rename_as_one_change(fairlead: Run, small: Path) -> None:
    assert fairlead("apply", small, "--yes").status == 0
    assert fairlead("rename", "entity.lead.fields.phone", "mobile", "-w", small).status == 0
    text = fairlead("status", small).out
    assert "~ entity.lead.fields.mobile: phone → mobile" in text
    assert "- entity.lead.fields.phone" not in text


def test_cf_52_status_of_a_folder_with_errors_says_so(fairlead: Run, small: Path) -> None:
    assert fairlead("apply", small, "--yes").status == 0
    edit(small, LEAD, "{type: phone}", "{type: phon}")
    text = fairlead("status", small).out
    assert LEAD in text and "fairlead check" in text and "only comments" not in text
