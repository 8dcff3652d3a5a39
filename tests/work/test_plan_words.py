"""What a plan says, in both languages: notes, remedies, samples, and where a change stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fairlead.compiled.changes import Change
from fairlead.config.source import SourceTree
from fairlead.store import revisions
from fairlead.store.database import Database
from fairlead.work import automations, plan_report, planning, publishing, records
from fairlead.work.path_words import in_words

from tests.support.world import World, refusal
from tests.work.small_house import House, automation

ENTITY, STAGES = "schemas/deal.yaml", "workflows/deal_stages.yaml"
AMOUNT, CODE = "amount: {type: money, label: {en: Amount, zh: 金额}, min: 0", "zh: 编码}, unique: true"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


def changed(world: World, path: str, old: str, new: str) -> planning.Plan:
    """Plan with one text of a document replaced; the files stay as they were."""
    before = world.files[path]
    assert old in before, old
    world.files[path] = before.replace(old, new)
    try:
        return world.plan()
    finally:
        world.files[path] = before


def one(plan: planning.Plan, *path: str) -> Change:
    (found,) = [change for change in plan.changes if change.path == path]
    return found


def in_both(plan: planning.Plan) -> None:
    """Every note, remedy and reason exists in Chinese, and the English says nothing Chinese of its own."""
    for change in plan.changes:
        said = [change.note, *change.remedies, *(sample.why for sample in change.samples if sample.why)]
        for text in said:
            if text:
                assert set(text.texts) >= {"en", "zh"}, change.line()
                assert re.search("[一-鿿]", text.get("zh")), text.get("zh")
                assert text.get("en") != text.get("zh")


# ---------------------------------------------------------------- bounds (4.6: what narrows is counted)


def test_a_looser_bound_is_safe_and_asks_nothing_of_the_data(world: World) -> None:
    world.create("ada", amount="5")
    bound = ("entity", "deal", "fields", "amount", "params", "min")
    looser = one(changed(world, ENTITY, AMOUNT, AMOUNT.replace("min: 0", "min: -5")), *bound)
    assert (looser.grade, looser.question, looser.count) == ("safe", (), None)
    gone = one(changed(world, ENTITY, AMOUNT, AMOUNT.replace(", min: 0", "")), *bound)
    assert gone.grade == "safe"


def test_a_narrower_bound_counts_the_values_that_no_longer_fit(world: World) -> None:
    fits, beyond, binned = (world.create("ada", amount=amount) for amount in ("5", "50", "70"))
    records.delete(world.as_("ada"), "deal", binned, version=world.get("ada", binned)["version"])
    plan = changed(world, ENTITY, AMOUNT, AMOUNT + ", max: 20")
    change = one(plan, "entity", "deal", "fields", "amount", "params", "max")
    assert (change.grade, change.count) == ("tightens", 2)
    assert change.note.get("en") == (
        "values that no longer fit: 2, 1 of them in the recycle bin; values that exist stay"
    )
    assert change.note.get("zh") == "不再符合的值：2 个，其中 1 条在回收站中；已有的值不变"
    assert {sample.record for sample in change.samples} == {beyond, binned} and fits not in str(
        change.samples
    )
    in_both(plan)
    higher = changed(world, ENTITY, AMOUNT, AMOUNT.replace("min: 0", "min: 10"))
    assert one(higher, "entity", "deal", "fields", "amount", "params", "min").count == 1


def test_of_two_bounds_each_counts_its_own(world: World) -> None:
    for amount in ("5", "50", "70"):
        world.create("ada", amount=amount)
    plan = changed(world, ENTITY, AMOUNT, AMOUNT.replace("min: 0", "min: 10, max: 20"))
    counts = {
        key: one(plan, "entity", "deal", "fields", "amount", "params", key).count for key in ("min", "max")
    }
    assert counts == {"min": 1, "max": 2}


def test_a_pattern_counts_what_it_does_not_match(world: World) -> None:
    world.create("ada", code="AB1")
    odd = world.create("ada", code="odd")
    plan = changed(world, ENTITY, CODE, CODE + ", pattern: '[A-Z]{2}[0-9]'")
    change = one(plan, "entity", "deal", "fields", "code", "params", "pattern")
    assert (change.grade, change.count, [sample.record for sample in change.samples]) == (
        "tightens",
        1,
        [odd],
    )
    in_both(plan)


def test_fewer_lines_count_the_records_that_have_more(world: World) -> None:
    line = {"item": "x", "qty": 1, "price": "1"}
    world.create("ada", name="short", lines=[line])
    long = world.create("ada", name="long", lines=[line, line, line])
    plan = changed(
        world,
        ENTITY,
        "    label: {en: Lines, zh: 明细}\n",
        "    label: {en: Lines, zh: 明细}\n    max_rows: 2\n",
    )
    change = one(plan, "entity", "deal", "fields", "lines", "params", "max_rows")
    assert (change.grade, change.count) == ("tightens", 1)
    assert [(sample.record, sample.said("en"), sample.said("zh")) for sample in change.samples] == [
        (long, "3 lines", "3 行")
    ]


# ---------------------------------------------------------------- a calendar that goes (4.5)

OURS = "kind: calendar\nname: ours\nzone: Asia/Shanghai\nholidays: [2026-01-01]\n"
SOON = automation("soon", """
entity: lead
on: {date: record.follow_up, before: 3 business days, at: "09:00"}
do: [{notify: {to: record.owner, text: Soon}}]
""")  # fmt: skip


def without_calendar(house: House) -> planning.Plan:
    number = revisions.current_number(house.database) or 0
    files = revisions.files(house.database, number)
    del files["workflows/ours.yaml"]
    return planning.plan(house.database, SourceTree.from_mapping(files))


def test_a_calendar_that_nothing_counts_by_goes_without_a_word(database: Database) -> None:
    settings = "name: small\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\ncalendar: other\n"
    other = OURS.replace("ours", "other")
    house = House.open(
        database, {"workflows/ours.yaml": OURS, "workflows/other.yaml": other, "fairlead.yaml": settings}
    )
    plan = without_calendar(house)
    assert one(plan, "calendar", "ours").grade == "safe"


def test_a_calendar_goes_with_consent_while_something_is_planned_by_it(database: Database) -> None:
    house = House.open(database, {**SOON, "workflows/ours.yaml": OURS})
    plan = without_calendar(house)
    assert one(plan, "calendar", "ours").grade == "computes"
    house.create({"name": "Deal", "follow_up": "2026-03-18"})
    plan = without_calendar(house)
    change = one(plan, "calendar", "ours")
    assert (change.grade, change.count) == ("lossy", 1)
    assert "planned moments: 1" in change.note.get("en") and "the standard week" in change.note.get("en")
    assert "已安排的时点：1 个" in change.note.get("zh") and "标准工作周" in change.note.get("zh")
    assert refusal(publishing.apply, database, plan, author="ada").code == "plan.needs-consent"
    publishing.apply(database, plan, author="ada", allow_destructive=True)
    assert automations.plan_dates(house.ctx("system")).endswith("planned")


# ---------------------------------------------------------------- both languages

WAYS = {
    "filled in or not": (ENTITY, "phone: {type: phone,", "phone: {type: phone, required: true,"),
    "twice the same": (ENTITY, "reason: {type: text,", "reason: {type: text, unique: true,"),
    "another type": (ENTITY, "reason: {type: text,", "reason: {type: integer,"),
    "shorter": (ENTITY, "max_length: 80", "max_length: 3"),
    "a field that goes": (ENTITY, "  reason: {type: text, label: {en: Reason, zh: 原因}}\n", ""),
    "amounts in words": (ENTITY, "margin: {type: percent,", "margin: {type: date,"),
    "an option that goes": (ENTITY, ", south: {label: {en: South, zh: 南区}}", ""),
    "a formula": (ENTITY, '"record.amount * 2"', '"record.amount * 3"'),
    "a rule": (ENTITY, "record.amount < 1000000.0", "record.amount < 2.0"),
}  # fmt: skip


def test_whatever_a_plan_says_it_says_in_both_languages(world: World) -> None:
    """The command line prints English alone; the API has English and, under `texts`, both."""
    for name in ("Alpha", "Beta"):
        world.create("ada", name=name, amount="5", margin="0.1", region="south", reason="same")
    world.files[STAGES] = world.files[STAGES].replace(", require: [reason]", "")
    world.publish({STAGES: world.files[STAGES]})
    for way, (path, old, new) in WAYS.items():
        plan = changed(world, path, old, new)
        assert any(change.note for change in plan.changes), way
        in_both(plan)
        assert not [
            word for word in re.findall("[一-鿿]+", plan_report.render(plan)) if word not in world.files[path]
        ]
        for sent, change in zip(plan_report.to_json(plan)["changes"], plan.changes, strict=True):
            assert sent["note"] == sent["texts"]["en"]["note"] == change.note.get("en")
            assert sent["texts"]["zh"]["note"] == change.note.get("zh")
            assert sent["remedies"] == sent["texts"]["en"]["remedies"]
            assert len(sent["texts"]["zh"]["remedies"]) == len(change.remedies)


def test_a_refusal_names_the_changes_in_the_reader_s_language(world: World) -> None:
    world.create("ada", reason="same")
    plan = changed(world, ENTITY, "phone: {type: phone,", "phone: {type: phone, required: true,")
    failure = refusal(publishing.apply, world.database, plan, author="ada")
    assert failure.code == "plan.blocked"
    assert "此处为空的记录：1 条" in failure.message("zh")
    assert "records that are empty there: 1" in failure.message("en")


def test_a_path_is_told_by_the_labels_of_what_it_names(world: World) -> None:
    workspace = world.app.workspace
    told = {
        ("entity", "deal", "fields", "amount", "required"): ("Deal › Amount › required", "交易 › 金额 › 必填"),
        ("entity", "deal", "fields", "lines", "fields", "qty", "params", "min"):
            ("Deal › Lines › Quantity › least", "交易 › 明细 › 数量 › 最小值"),
        ("entity", "deal", "fields", "region", "options", "north"): ("Deal › Region › North", "交易 › 区域 › 北区"),
        ("entity", "deal", "label", "texts", "zh"): ("Deal › label › Chinese", "交易 › 名称 › 中文"),
        ("pipeline", "deal_stages", "stages", "won", "probability"):
            ("Pipeline › Stages › Won › probability", "流程 › 阶段 › 赢单 › 赢率"),
        ("role", "guest", "grants", "deal", "scopes", "read"): ("Role › Guest › Deal › read", None),
        ("entity", "nowhere", "fields", "odd_name"): ("nowhere › odd name", "nowhere › odd name"),
        ("file", "schemas/deal.yaml"): ("File › schemas/deal.yaml", "文件 › schemas/deal.yaml"),
    }  # fmt: skip
    for path, (en, zh) in told.items():
        label = in_words(path, None, workspace)
        assert label.get("en") == en
        if zh is not None:
            assert label.get("zh") == zh
