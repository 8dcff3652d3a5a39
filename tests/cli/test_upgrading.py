"""rename, upgrade and origin as an operator meets them."""

from __future__ import annotations

import json
import shutil

from tests.cli.conftest import Run, edit


def test_a_rename_is_written_and_published_without_loss(fairlead: Run, published):
    done = fairlead("rename", "entity.lead.fields.phone", "mobile", "-w", published)
    assert done.status == 0 and "schemas/lead.yaml" in done.out
    text = (published / "schemas/lead.yaml").read_text("utf-8")
    assert "  mobile: {type: phone, was: phone}" in text and "# What they are called." in text
    plan = fairlead("plan", published)
    assert "~ entity.lead.fields.mobile: phone → mobile  (renamed; nothing is lost)" in plan.out
    assert fairlead("apply", published, "--yes").status == 0
    assert fairlead("plan", published).out.startswith("Nothing to do")


def test_what_cannot_be_renamed_is_said(fairlead: Run, small):
    done = fairlead("rename", "entity.lead.fields.fone", "mobile", "-w", small)
    assert done.status == 1 and "did you mean 'phone'" in done.err


def test_an_upgrade_to_the_same_version_does_nothing(fairlead: Run, tmp_path):
    acme = tmp_path / "acme"
    fairlead("new", acme, "--template", "general_sales")
    assert 'template_version: "' in (acme / "fairlead.yaml").read_text("utf-8")
    assert fairlead("upgrade", acme).out.endswith("Nothing to do.\n")


def test_a_newer_template_from_a_folder(fairlead: Run, tmp_path):
    acme, newer = tmp_path / "acme", tmp_path / "newer"
    for folder in (acme, newer):
        fairlead("new", folder, "--template", "general_sales")
    edit(newer, "schemas/lead.yaml", "{en: Lead, zh: 线索}\nplural", "{en: Enquiry, zh: 线索}\nplural")
    edit(newer, "admin/template.yaml", 'version: "1.0"', 'version: "1.1"')
    edit(acme, "schemas/lead.yaml", "{en: Lead, zh: 线索}\nplural", "{en: Prospect, zh: 线索}\nplural")
    done = fairlead("upgrade", acme, "--from", newer)
    assert done.status == 1 and "conflicts/entity.lead.label.en.yaml" in done.out
    assert fairlead("check", acme).status == 1
    edit(acme, "conflicts/entity.lead.label.en.yaml", "take:\n", "take: template\n")
    done = fairlead("upgrade", acme, "--from", newer, "--format", "json")
    assert done.status == 0 and json.loads(done.out)["to"] == "1.1"
    assert fairlead("check", acme).out == "No problems.\n"
    assert fairlead("origin", "entity.lead.label.en", "-w", acme).out.startswith(
        "from the template, at schemas/lead.yaml"
    )


def test_origin_knows_the_revision(fairlead: Run, tmp_path):
    acme = tmp_path / "acme"
    fairlead("new", acme, "--template", "general_sales")
    fairlead("apply", acme, "--yes")
    edit(acme, "schemas/lead.yaml", "{en: Lead, zh: 线索}\nplural", "{en: Prospect, zh: 线索}\nplural")
    fairlead("apply", acme, "--yes")
    found = fairlead("origin", "entity.lead.label.en", "-w", acme).out
    assert (
        found.startswith("yours since revision 2, at schemas/lead.yaml") and "The template has: Lead" in found
    )
    assert fairlead("origin", "entity.lead.help", "-w", acme).out == "the engine's default\n"


PROMISE = """\
kind: test
name: leads_have_names
label: {en: Leads have names, zh: 线索有姓名}
given:
  people: {ada: {roles: admin}}
steps:
  - when:
      - {create: lead, key: it, as: ada, with: {name: Acme, wechat: acme}}
    then:
      - {record: it, has: {name: Acme}}
"""


def test_cf_76_an_upgrade_is_tested_and_planned_before_anybody_publishes_it(fairlead: Run, tmp_path):
    acme, newer = tmp_path / "acme", tmp_path / "newer"
    for folder in (acme, newer):
        fairlead("new", folder, "--template", "general_sales")
        for tests in (folder / "admin/tests", folder / ".fairlead/base/admin/tests"):
            shutil.rmtree(tests, ignore_errors=True)
    assert fairlead("apply", acme, "--yes").status == 0
    edit(newer, "admin/template.yaml", 'version: "1.0"', 'version: "1.1"')
    edit(newer, "admin/roles/rep.yaml", "product:     {read: all,", "product:     {read: all, update: all,")
    (newer / "admin/tests").mkdir()
    (newer / "admin/tests/leads_have_names.yaml").write_text(PROMISE, encoding="utf-8")
    found = fairlead("upgrade", acme, "--from", newer)
    assert found.status == 0, found.out
    assert "changes somebody's rights (1)\n  role.rep.grants.product.update" in found.out
    plan = found.out.split("1 tests passed")[1]
    assert "access (2): somebody gains or loses sight or rights" in plan and "Sealed" in plan
    edit(newer, "admin/template.yaml", 'version: "1.1"', 'version: "1.2"')
    edit(newer, "admin/tests/leads_have_names.yaml", "has: {name: Acme}", "has: {name: Other}")
    found = fairlead("upgrade", acme, "--from", newer, "--format", "json")
    assert found.status == 1 and not found.json["tests"]["passed"] and found.json["plan"]["seal"]
    assert [one["number"] for one in fairlead("revisions", "-w", acme, "--format", "json").json] == [1]


def test_a_slip_of_the_pen_has_no_origin(fairlead: Run, small):
    """CF-78: a field of a trait is the engine's; a name that is none of the fields is an error."""
    (small / ".fairlead/base").mkdir(parents=True)
    assert fairlead("origin", "entity.lead.fields.owner", "-w", small).out == "the engine's default\n"
    found = fairlead("origin", "entity.lead.fields.fone", "-w", small)
    assert (found.status, "no field 'fone'" in found.err) == (1, True)
    assert "KIND.NAME" in fairlead("origin", "", "-w", small).err


def test_a_plan_names_no_place_for_what_is_derived(fairlead: Run, small):
    """The menu of a workspace that writes none follows its entities; it stands in no file."""
    fairlead("apply", small, "--yes")
    (small / "schemas/car.yaml").write_text(
        'kind: entity\nname: car\nlabel: Car\ntitle: "{x}"\nfields: {x: {type: text}}\n'
    )
    found = fairlead("plan", small).out
    assert "menu." in found and "[:0:0]" not in found


def test_an_export_of_an_unknown_entity_says_so(fairlead: Run, small, tmp_path):
    fairlead("apply", small, "--yes")
    found = fairlead("export-records", "nope", tmp_path / "x.csv", "-w", small)
    assert (found.status, "no entity 'nope'" in found.err) == (1, True)
