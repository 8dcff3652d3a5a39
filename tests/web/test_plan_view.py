"""A plan as the console shows it: sentences in the reader's language, things by their labels."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fairlead.web.console.plan_view import PlanView, change_rows, plan_view
from fairlead.web.texts import speaker
from fairlead.work import planning
from fairlead.work.access_changes import AccessChanges

from tests.support.world import World
from tests.web.desk import Screens

ENTITY, GUEST = "schemas/deal.yaml", "admin/role_guest.yaml"


@pytest.fixture(scope="module")
def plan(office: Screens) -> planning.Plan:
    """Seven deals without a phone, which becomes required; a code that goes; a role that sees more."""
    world = office.world
    for number in range(7):
        world.create("ada", name=f"Deal {number}", code=f"C{number}")
    before = dict(world.files)
    world.files[ENTITY] = before[ENTITY].replace(
        "phone: {type: phone,", "phone: {type: phone, required: true,"
    )
    world.files[ENTITY] = world.files[ENTITY].replace(
        "  code: {type: text, label: {en: Code, zh: 编码}, unique: true}\n", ""
    )
    world.files[GUEST] = before[GUEST].replace("grants:", "grants:\n  deal: {read: all}")
    try:
        return world.plan()
    finally:
        world.files.clear()
        world.files.update(before)


def shown(world: World, plan: planning.Plan, lang: str) -> PlanView:
    return plan_view(plan, world.app.workspace, lang, speaker(lang))


def test_what_is_blocked_says_why_and_what_helps_in_chinese(office: Screens, plan: planning.Plan) -> None:
    view = shown(office.world, plan, "zh")
    blocked = next(section for section in view.sections if section.grade == "blocked")
    (row,) = blocked.rows
    assert row.title == "交易 › 电话 › 必填：否 → 是"
    assert row.path == "entity.deal.fields.phone.required"
    said = "\n".join(row.more)
    assert "此处为空的记录：" in said and "补救：`backfill: …`，用表达式填充" in said
    assert "例如 " in said and "另有 " in said
    assert view.blocked and view.consent


def test_the_same_in_english(office: Screens, plan: planning.Plan) -> None:
    rows = {row.path: row for section in shown(office.world, plan, "en").sections for row in section.rows}
    assert rows["entity.deal.fields.phone.required"].title == "Deal › Phone › required: no → yes"
    assert rows["entity.deal.fields.code"].title == "Removed: Deal › Code"
    assert "its values are kept aside, unseen" in rows["entity.deal.fields.code"].more[0]


def test_no_sentence_is_left_in_the_other_language(office: Screens, plan: planning.Plan) -> None:
    for section in shown(office.world, plan, "zh").sections:
        for row in section.rows:
            for line in (row.title, *row.more):
                assert any("一" <= sign <= "鿿" for sign in line), line
    for section in shown(office.world, plan, "en").sections:
        for row in section.rows:
            for line in (row.title, *row.more):
                assert not any("一" <= sign <= "鿿" for sign in line), line


def test_what_cannot_be_counted_is_said_with_labels(office: Screens, plan: planning.Plan) -> None:
    odd = replace(plan, access=AccessChanges(uncounted=(("guest", "deal"),)))
    assert shown(office.world, odd, "en").uncounted == (
        "Role › Guest, Deal: cannot be counted before it is published; the rule reads what is still to come.",
    )
    assert shown(office.world, odd, "zh").uncounted[0].endswith("发布前无法统计，规则涉及尚未生成的数据。")


def test_what_a_revision_changed_is_told_alike(office: Screens, plan: planning.Plan) -> None:
    rows = change_rows(plan.changes, office.world.app.workspace, "zh", speaker("zh"))
    assert [row.path for row in rows] == [".".join(change.path) for change in plan.changes]
    assert "移除：交易 › 编码" in [row.title for row in rows]
