"""A second edition of the general-sales template comes into a workspace in use, with changes and records of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fairlead.config.load import load
from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.work import data_steps, plan_report, planning, publishing, upgrading

from tests.cli.conftest import edit
from tests.support.templates import Texts, installed, office, on_disk, put, tree
from tests.support.world import World, open_world

LEAD, TEMPLATE, REP = "schemas/lead.yaml", "admin/template.yaml", "admin/roles/rep.yaml"
OWN_LIST = "forms/lists/our_leads.yaml"
OWN = """\
kind: list
name: our_leads
label: {en: Ours, zh: 我们的}
entity: lead
columns: [name, job_title]   # as on the cards
views:
  - {name: titled, label: {en: Titled, zh: 有职务}, filter: "record.job_title != null"}
"""


def own_workspace() -> Texts:
    made = installed("general_sales")
    put(made, LEAD, ("label", "en"), "Prospect")
    put(made, LEAD, ("fields", "shoe_size"), {"type": "integer", "label": {"en": "Shoe size", "zh": "鞋码"}})
    made[OWN_LIST] = OWN
    return made


def second_edition() -> Texts:
    """1.1: a rename, a required field with its backfill, an option mapped away, a data step, a wider grant."""
    made = rename(
        SourceTree.from_mapping(installed("general_sales")),
        target_of("entity.lead.fields.job_title"),
        "work_title",
    )
    files = made.tree.mapping()
    put(files, TEMPLATE, ("version",), "1.1")
    put(
        files,
        TEMPLATE,
        ("steps",),
        [{"name": "companies", "entity": "lead", "fill": {"company": "record.name + ' (private)'"}}],
    )
    put(files, LEAD, ("fields", "segment"), {
        "type": "text", "label": {"en": "Segment", "zh": "细分"}, "required": True, "backfill": "'unsorted'",
    })  # fmt: skip
    for path in (LEAD, "schemas/customer.yaml"):
        put(files, path, ("fields", "source", "map"), {"exhibition": "other"})
    options = "schemas/options/lead_source.yaml"
    files[options] = "".join(line for line in files[options].splitlines(True) if "exhibition" not in line)
    put(files, REP, ("grants", "product", "update"), "all")
    return files


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with open_world(database_url, own_workspace()) as made:
        yield made


def ask(world: World, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in world.database.all(world.database.prepare(sa.text(sql)))]


def test_cf_72_to_76_an_edition_comes_in_whole_and_does_its_steps_once(world: World, tmp_path: Path) -> None:
    world.create("system", "lead", name="Wu", wechat="wu", source="exhibition", job_title="CTO", shoe_size=44)
    world.create("system", "lead", name="Li", wechat="li", company="Lumen")
    folder = office(tmp_path, own_workspace(), "general_sales")
    done = upgrading.upgrade(folder, tree(second_edition()))
    assert done.conflicts == () and (done.from_version, done.to_version) == ("1.0", "1.1")
    assert done.merged.access == ["role.rep.grants.product.update"]  # CF-73
    texts = on_disk(folder)
    assert texts[OWN_LIST] == OWN.replace("job_title", "work_title")  # CF-72
    assert "Prospect" in texts[LEAD] and "shoe_size" in texts[LEAD]

    plan = planning.plan(world.database, SourceTree.from_folder(folder))
    said = plan_report.render(plan)
    assert plan.grade == "access", said
    assert "template.general_sales.companies.company" in said and "records that are filled: 1" in said
    publishing.apply(world.database, plan, author="ada")
    assert ask(world, "SELECT name, company, work_title, segment, source, shoe_size FROM e_lead ORDER BY name") == [
        ("Li", "Lumen", None, "unsorted", "website", None),
        ("Wu", "Wu (private)", "CTO", "unsorted", "other", 44),
    ]  # fmt: skip
    assert list(data_steps.done(world.database)) == ["general_sales/companies"]
    assert (
        [one["name"] for one in world.sees("ada", "lead", search="private")] == ["Wu"]
        if "ada" in world.actors
        else True
    )

    # Once is once: what is emptied later stays empty, whatever is published after it.
    with world.database.write() as tx:
        tx.ddl("UPDATE e_lead SET company = NULL")
    again = planning.plan(world.database, SourceTree.from_folder(folder))
    assert again.empty, plan_report.render(again)
    third = second_edition()
    put(third, TEMPLATE, ("version",), "1.2")
    put(third, LEAD, ("plural", "en"), "Prospects")
    upgrading.upgrade(folder, tree(third))
    plan = planning.plan(world.database, SourceTree.from_folder(folder))
    publishing.apply(world.database, plan, author="ada")
    assert ask(world, "SELECT count(*) FROM e_lead WHERE company IS NULL") == [(2,)]


def test_cf_75_a_workspace_that_begins_with_the_edition_has_nothing_to_do(database_url: str) -> None:
    with open_world(database_url, second_edition()) as fresh:
        assert list(data_steps.done(fresh.database)) == ["general_sales/companies"]
        fresh.create("system", "lead", name="Wu", wechat="wu", segment="a")
        assert fresh.plan().empty


def test_cf_75_a_step_is_a_declaration_that_is_checked() -> None:
    files = second_edition()
    put(files, TEMPLATE, ("steps",), [
        {"name": "one", "entity": "lead", "fill": {"compny": "'x'"}},
        {"name": "two", "entity": "lead", "fill": {"company": "record.nothing", "lead_no": "'1'"}},
        {"name": "two", "entity": "leed", "fill": {"company": "1"}},
    ])  # fmt: skip
    problems = load(SourceTree.from_mapping(files)).problems
    assert {one.code for one in problems.errors} >= {"unknown_field", "duplicate_name"}
    assert all(one.span.file == TEMPLATE for one in problems.errors)


def test_cf_70_what_the_edition_deleted_and_people_have_filled_is_asked_about(
    world: World, tmp_path: Path
) -> None:
    own = installed("general_sales")
    put(own, LEAD, ("fields", "motto"), {"type": "text", "label": {"en": "Motto", "zh": "格言"}})
    world.publish(own, allow_destructive=True)
    folder = office(tmp_path, own, "general_sales")
    upgrading.keep_base(folder, own)
    newer = tree(installed("general_sales"))
    world.create("system", "lead", name="Wu", wechat="wu", motto="Onwards")
    done = upgrading.upgrade(folder, newer, world.database)
    assert done.conflicts == ("conflicts/entity.lead.fields.motto.yaml",)
    (conflict,) = done.merged.conflicts
    assert conflict.reason == "the template deleted it, and it holds data here (1)"
    edit(folder, done.conflicts[0], "take:\n", "take: yours\n")
    assert upgrading.upgrade(folder, newer, world.database).conflicts == ()
    assert "motto" in on_disk(folder)[LEAD]
