"""The same documents in other surroundings: posts, secrets and addresses are each workspace's own (CF-53)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from fairlead.base.errors import NotFound
from fairlead.config.load import load
from fairlead.config.source import SourceTree
from fairlead.store.database import Database
from fairlead.work import plan_report, planning, posts, publishing, references, revisions

from tests.support.world import World, refusal
from tests.work.approval_office import FLOW, Office, files

FLOW_OF_POST = FLOW.replace("by: {manager_of: starter, level: 1}", 'by: {user: "@sales_head"}').replace(
    "on_approved: [", 'on_approved: [{notify: {to: "@sales_head", text: {en: Done, zh: 完成}}}, '
)
CONNECTOR = """\
kind: connector
name: erp
label: {en: ERP, zh: ERP}
entity: deal
key: [code]
columns: {name: Name, code: Code}
source:
  type: poll
  connection: "${secret:erp}"
  address: "${env:erp_folder}"
"""


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url)
    yield Office.open(database)
    database.close()


def test_cf_53_a_post_that_nobody_holds_blocks_with_its_place(office: Office) -> None:
    tree = SourceTree.from_mapping(files(workflows__discount=FLOW_OF_POST))
    plan = planning.plan(office.database, tree)
    blocked = [change for change in plan.changes if change.grade == "blocked"]
    assert {change.new for change in blocked} == {"@sales_head"} and len(blocked) == 2
    line = next(n for n, text in enumerate(FLOW_OF_POST.split("\n"), 1) if "{user:" in text)
    assert f"workflows/discount.yaml:{line}:" in plan_report.render(plan)
    assert "fairlead post fill sales_head" in str(blocked[0].note)
    assert refusal(publishing.apply, office.database, plan, author="ada").code == "plan.blocked"


def test_cf_53_who_holds_the_post_is_asked_and_told(office: Office) -> None:
    posts.fill(office.database, "@sales_head", "Lin")
    office.publish(workflows__discount=FLOW_OF_POST)
    _, run = office.submitted()
    office.approve("lin")
    assert office.run(run).state in ("approved", "running")
    posts.fill(office.database, "sales_head", "mei")
    _, run = office.submitted()
    office.approve("mei")
    assert posts.listing(office.database) == {"sales_head": "mei"}


def test_cf_53_a_post_is_held_by_somebody_who_is_there(office: Office) -> None:
    with pytest.raises(NotFound):
        posts.fill(office.database, "sales_head", "nobody")
    posts.fill(office.database, "sales_head", "mei")
    posts.vacate(office.database, "sales_head")
    plan = planning.plan(office.database, SourceTree.from_mapping(files(workflows__discount=FLOW_OF_POST)))
    assert plan.grade == "blocked"


def test_cf_53_secrets_are_looked_up_and_never_shown(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world.files["workflows/erp.yaml"] = CONNECTOR
    blocked = [change for change in world.plan().changes if change.grade == "blocked"]
    assert [(change.new, change.span and change.span.line) for change in blocked] == [
        ("${secret:erp}", 9), ("${env:erp_folder}", 10),
    ]  # fmt: skip
    assert "set FAIRLEAD_SECRET__ERP or FAIRLEAD_SECRET__ERP_FILE" in str(blocked[0].note)
    secret = "postgresql://erp:s3cr3t@erp/db"
    file = tmp_path / "erp"
    file.write_text(secret + "\n", encoding="utf-8")
    monkeypatch.setenv("FAIRLEAD_SECRET__ERP_FILE", str(file))
    monkeypatch.setenv("FAIRLEAD_ENV__ERP_FOLDER", "/srv/erp")
    with caplog.at_level(logging.DEBUG):
        plan = world.plan()
        publishing.apply(world.database, plan, author="ada")
    assert (
        references.resolve("${secret:erp}") == secret
        and references.resolve("${env:erp_folder}") == "/srv/erp"
    )
    shown = [
        plan_report.render(plan), json.dumps(plan_report.to_json(plan)), caplog.text,
        json.dumps(revisions.details(world.database, 2)), json.dumps(revisions.documents(world.database)),
    ]  # fmt: skip
    assert not any("s3cr3t" in text for text in shown) and "${secret:erp}" in shown[-1]


def test_cf_53_an_empty_secret_is_none() -> None:
    for environ in (
        {},
        {"FAIRLEAD_SECRET__ERP": ""},
        {"FAIRLEAD_SECRET__ERP_FILE": "/nowhere"},
        {"FAIRLEAD_SECRET_ERP": "x"},
    ):
        with pytest.raises(LookupError):
            references.resolve("${secret:erp}", environ)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("label: {en: ERP, zh: ERP}", 'label: {en: "${secret:erp}", zh: ERP}', "workflows/erp.yaml:3:13"),
        ('"${env:erp_folder}"', '"/srv/${env:erp_folder}"', "workflows/erp.yaml:10:12"),
    ],
)
def test_cf_53_a_reference_that_would_be_read_as_words_is_an_error(old: str, new: str, place: str) -> None:
    from tests.support.world import DEAL

    problems = load(
        SourceTree.from_mapping(DEAL | {"workflows/erp.yaml": CONNECTOR.replace(old, new)})
    ).problems
    (found,) = [one for one in problems.errors if one.code == "misplaced_reference"]
    assert str(found.span).startswith(place)


def test_cf_53_a_post_has_a_name() -> None:
    flow = FLOW_OF_POST.replace('{user: "@sales_head"}', '{user: "@Sales Head"}')
    problems = load(SourceTree.from_mapping(files(workflows__discount=flow))).problems
    assert [one.code for one in problems.errors] == ["misplaced_reference"]
