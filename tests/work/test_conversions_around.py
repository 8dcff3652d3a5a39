"""What goes along with a change of values: computed fields, totals, search, history, approvals, and those who write meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fairlead.compiled.changes import GRADES, Change
from fairlead.store import people
from fairlead.store.database import Database
from fairlead.work import planning, publishing, reading, records, reports

from tests.support.bulk import ask, deals
from tests.support.world import World, refusal
from tests.work.approval_office import SCHEMA, Office

ENTITY = "schemas/deal.yaml"
STAGES = "workflows/deal_stages.yaml"


def changed(world: World, old: str, new: str, path: str = ENTITY) -> planning.Plan:
    """Plan with one text of a document replaced."""
    assert old in world.files[path], old
    world.files[path] = world.files[path].replace(old, new)
    return world.plan()


def at(plan: planning.Plan, *path: str) -> Change:
    """Return the gravest change at or below a path."""
    found = [one for one in plan.changes if one.path[: len(path)] == path]
    return max(found, key=lambda one: GRADES.index(one.grade))


def publish(world: World, plan: planning.Plan, *, lossy: bool = False) -> None:
    publishing.apply(world.database, plan, author="ada", allow_destructive=lossy)
    assert world.plan().empty, [one.line() for one in world.plan().changes]


# ---------------------------------------------------------------- what is worked out


def test_what_is_worked_out_follows_a_change_of_values(world: World) -> None:
    """Formulas, lines, roll-ups and kept totals say the new amounts at once."""
    id = world.create("ada", amount="100", lines=[{"item": "x", "qty": 2, "price": "7"}])
    text = world.files[ENTITY].replace(
        "{type: money,", '{type: money, currency: USD, convert: {rate: "0.5"},'
    )
    world.files[ENTITY] = text
    plan = world.plan()
    assert plan.grade == "lossy"
    publish(world, plan, lossy=True)
    found = world.get("ada", id)
    assert (found["amount"], found["double"], found["total"]) == ("50.00", "100.00", "7.00")
    assert (found["lines"][0]["price"], found["lines"][0]["total"]) == ("3.50", "7.00")
    (row,) = reports.run(world.as_("ada"), "by_stage").rows
    assert row.values[:2] == (1, "50.00")
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 1), author="ada", allow_destructive=True
    )
    found = world.get("ada", id)
    assert (found["amount"], found["double"], found["total"]) == ("100.00", "200.00", "14.00")


def test_a_formula_that_comes_is_worked_out_for_all(world: World) -> None:
    id = world.create("ada", amount="100")
    plan = changed(
        world,
        "  hot:",
        '  triple: {type: money, label: {en: Triple, zh: 三倍}, formula: "record.double + record.amount"}\n  hot:',
    )
    change = at(plan, "entity", "deal", "fields", "triple")
    assert (change.grade, change.count) == ("computes", 1)
    publish(world, plan)
    assert world.get("ada", id)["triple"] == "300.00"


def test_another_formula_is_worked_out_anew(world: World) -> None:
    id = world.create("ada", amount="100")
    plan = changed(world, '"record.amount * 2"', '"record.amount * 4"')
    assert at(plan, "entity", "deal", "fields", "double").grade == "computes"
    publish(world, plan)
    assert world.get("ada", id)["double"] == "400.00"


def test_words_are_found_in_their_new_form(world: World) -> None:
    id = world.create("ada", name="Copper", code="Zinc")
    plan = changed(world, "code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
                   "code: {type: text, label: {en: Code, zh: 编码}, searchable: true}")  # fmt: skip
    publish(world, plan)
    assert [one["id"] for one in world.sees("ada", search="zinc")] == [id]
    plan = changed(world, "name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 80,",
                   "name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 4, truncate: true,")  # fmt: skip
    publish(world, plan, lossy=True)
    assert [one["id"] for one in world.sees("ada", search="copp")] == [id]
    assert world.sees("ada", search="copper") == []


def test_history_stays_readable_after_a_change_of_type(world: World) -> None:
    """What was written in the former form is still told."""
    id = world.create("ada", code="twelve", reason="2026-01-31")
    world.change("ada", id, code="13")
    plan = changed(world, "code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
                   "code: {type: integer, label: {en: Code, zh: 编码}, convert: {on_fail: null}}")  # fmt: skip
    publish(world, plan, lossy=True)
    world.change("ada", id, code=14)
    plan = changed(world, "reason: {type: text,", "reason: {type: date,")
    publish(world, plan)
    told = [(one["field"], one["old"], one["new"]) for event in reading.record_history(world.as_("ada"), "deal", id)
            for one in event["changes"] if one["field"] in ("code", "reason")]  # fmt: skip
    assert told == [
        ("code", 13, 14), ("code", "twelve", "13"), ("code", None, "twelve"), ("reason", None, "2026-01-31"),
    ]  # fmt: skip


def test_amounts_of_long_ago_keep_their_currency_and_scale(world: World) -> None:
    """An event keeps a stored number; read with today's scale it would say something else."""
    id = world.create("ada", amount="5", margin="0.125")
    text = world.files[ENTITY].replace("amount: {type: money, ", "amount: {type: decimal, scale: 4, ")
    world.files[ENTITY] = text.replace("margin: {type: percent,", "margin: {type: text,").replace(
        'double: {type: money, label: {en: Double, zh: 双倍}, formula: "record.amount * 2"}',
        'double: {type: decimal, scale: 4, label: {en: Double, zh: 双倍}, formula: "record.amount * 2"}',
    )
    publish(world, world.plan(), lossy=True)
    (event,) = reading.record_history(world.as_("ada"), "deal", id)
    told = {one["field"]: one["new"] for one in event["changes"]}
    assert (told["amount"], told["margin"]) == ("5.00", "0.125")
    assert (world.get("ada", id)["amount"], world.get("ada", id)["margin"]) == ("5", "0.125")


def test_unique_values_that_would_become_the_same_are_blocked(world: World) -> None:
    """`007` and `7` are two texts and one number."""
    for code in ("007", "7", "8"):
        world.create("ada", code=code)
    plan = changed(world, "code: {type: text,", "code: {type: integer,")
    change = at(plan, "entity", "deal", "fields", "code")
    assert (change.grade, change.count) == ("blocked", 1)
    assert (change.samples[0].value, change.samples[0].becomes) == ("007, 7", "7")


# ---------------------------------------------------------------- lines


def test_a_field_of_line_items_is_converted_like_any_other(world: World) -> None:
    id = world.create("ada", lines=[{"item": "12", "qty": 1}, {"item": "about 5", "qty": 2}])
    plan = changed(world, "item: {type: text, label: {en: Item, zh: 项目}, required: true}",
                   "item: {type: integer, label: {en: Item, zh: 项目}}")  # fmt: skip
    change = at(plan, "entity", "deal", "fields", "lines")
    assert (
        change.grade == "blocked" and change.samples[0].record == id and change.samples[0].value == "about 5"
    )
    plan = changed(world, "item: {type: integer,", "item: {type: integer, map: {about 5: '5'},")
    assert plan.grade == "computes"
    publish(world, plan)
    assert [row["item"] for row in world.get("ada", id)["lines"]] == [12, 5]


def test_line_items_become_a_single_value_and_come_back(world: World) -> None:
    """Where there is more than one line, or more than one column, something goes out of sight: lossy."""
    id = world.create("ada", lines=[{"item": "first", "qty": 1}, {"item": "second", "qty": 2}])
    text = world.files[ENTITY]
    start, end = text.index("  lines:\n"), text.index("checks:")
    world.files[ENTITY] = (
        text[:start]
        + "  lines: {type: text, label: {en: Lines, zh: 明细}, convert: {line: item}}\n"
        + text[end:]
    )
    plan = world.plan()
    change = at(plan, "entity", "deal", "fields", "lines")
    assert change.grade == "lossy", change
    publish(world, plan, lossy=True)
    assert world.get("ada", id)["lines"] == "first"
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 1), author="ada", allow_destructive=True
    )
    assert [row["item"] for row in world.get("ada", id)["lines"]] == ["first", "second"]


# ---------------------------------------------------------------- stages, pools, roles, traits


def test_a_stage_that_goes_needs_another_one(world: World) -> None:
    id, binned = world.create("ada", amount="5"), world.create("ada", amount="7")
    for one in (id, binned):
        world.move("ada", one, "offer")
    records.delete(world.as_("ada"), "deal", binned, version=None)
    offer = "  offer: {label: {en: Offer, zh: 报价}, probability: 50, require: [amount]}\n"
    plan = changed(world, offer, "", STAGES)
    change = at(plan, "pipeline", "deal_stages", "stages", "offer")
    assert (change.grade, change.count) == ("blocked", 2) and "recycle bin" in str(change.note)
    assert "map" in str(change.remedies[0])
    plan = changed(world, "stages:\n", "map: {offer: open}\nstages:\n", STAGES)
    change = at(plan, "pipeline", "deal_stages", "stages", "offer")
    assert change.grade == "computes"
    publish(world, plan)
    assert world.get("ada", id)["stage"] == "open"
    rows = {row.keys[0]: row.values[0] for row in reports.run(world.as_("ada"), "by_stage").rows}
    assert rows == {"open": 1}
    assert ask(world, f"SELECT stage FROM e_deal WHERE id = '{binned}'") == [("open",)]
    world.move("ada", id, "won")


def test_a_role_is_told_from_one_that_looks_like_it(world: World) -> None:
    """An underscore in a name is an underscore, not any character."""
    for name in ("in_out", "inxout"):
        world.files[f"admin/role_{name}.yaml"] = (
            f"kind: role\nname: {name}\nlabel: {{en: {name}, zh: {name}}}\ngrants: {{report: {{read: [by_stage]}}}}\n"
        )
    world.publish({})
    with world.database.write() as tx:
        account = people.account(tx, world.actors["otto"].id)
        assert account is not None
        people.update_user(tx, account, {"roles": ["inxout"]})
    world.files.pop("admin/role_in_out.yaml")
    assert at(world.plan(), "role", "in_out").grade == "access"
    world.files.pop("admin/role_inxout.yaml")
    assert at(world.plan(), "role", "inxout").grade == "blocked"


def test_a_role_that_goes_moves_its_people(world: World) -> None:
    world.files.pop("admin/role_guest.yaml")
    change = at(world.plan(), "role", "guest")
    assert (change.grade, change.count) == ("blocked", 1) and change.samples[0].value == "otto"
    world.files["fairlead.yaml"] += "map: {role: {guest: rep}}\n"
    plan = world.plan()
    assert at(plan, "role", "guest").grade == "access"
    publish(world, plan)
    assert ask(world, "SELECT roles FROM sys_user WHERE username = 'otto'") == [('["rep"]',)]


def test_a_trait_that_brings_an_owner_asks_who_that_is(world: World) -> None:
    plain = "kind: entity\nname: car\nlabel: {en: Car, zh: 车}\nfields:\n  plate: {type: text}\n"
    admin = world.files["admin/role_admin.yaml"].replace(
        "  note:", "  car: {read: all, create: all}\n  note:"
    )
    world.publish({"schemas/car.yaml": plain, "admin/role_admin.yaml": admin})
    id = world.create("ada", "car", plate="A")
    owned = plain.replace("fields:", "traits: [owned]\nfields:")
    world.files["schemas/car.yaml"] = owned
    change = at(world.plan(), "entity", "car", "fields", "owner")
    assert (change.grade, change.count) == ("blocked", 1) and "backfill" in str(change.remedies[0])
    world.files["schemas/car.yaml"] = owned.replace(
        "traits:", "backfill: {owner: record.created_by}\ntraits:"
    )
    plan = world.plan()
    assert at(plan, "entity", "car", "fields", "owner").grade == "computes"
    publish(world, plan)
    found = ask(world, "SELECT u.username, c.team FROM e_car c JOIN sys_user u ON u.id = c.owner")
    assert found[0][0] == "ada" and found[0][1]
    assert world.get("ada", id, "car")["owner"]


def test_an_option_of_a_shared_set_goes_by_the_map_of_the_set(world: World) -> None:
    shared = (
        "kind: options\nname: areas\nlabel: {en: Areas, zh: 区域}\noptions: {north: North, south: South}\n"
    )
    world.publish({
        "schemas/areas.yaml": shared,
        ENTITY: world.files[ENTITY].replace(
            "options: {north: {label: {en: North, zh: 北区}}, south: {label: {en: South, zh: 南区}}}}", "options: areas}"
        ),
    })  # fmt: skip
    id = world.create("ada", region="south")
    world.files["schemas/areas.yaml"] = shared.replace(", south: South", "")
    assert at(world.plan(), "entity", "deal", "fields", "region").grade == "blocked"
    world.files["schemas/areas.yaml"] = shared.replace(", south: South}", "}\nmap: {south: north}")
    publish(world, world.plan())
    assert world.get("ada", id)["region"] == "north"


# ---------------------------------------------------------------- rules


def test_a_new_rule_counts_who_breaks_it_and_lets_them_be(world: World) -> None:
    """`from_now_on` is the default: what breaks it may be saved as long as nobody touches what the rule looks at."""
    low, high = world.create("ada", amount="5"), world.create("ada", amount="500")
    rule = '  - {rule: "record.amount >= 100.0", message: {en: Too little., zh: 金额过小。}, field: amount}\n'
    plan = changed(world, "checks:\n", "checks:\n" + rule)
    change = next(one for one in plan.changes if one.path[2] == "checks")
    assert (change.grade, change.count) == ("tightens", 1) and change.samples[0].record == low
    publish(world, plan)
    world.change("ada", low, name="Renamed")
    assert refusal(world.change, "ada", low, amount="6").code == "invalid"
    assert refusal(world.change, "ada", high, amount="6").code == "invalid"
    plan = changed(
        world, 'rule: "record.amount >= 100.0",', 'rule: "record.amount >= 100.0", from_now_on: false,'
    )
    publish(world, plan)
    assert refusal(world.change, "ada", low, name="Again").code == "invalid"


def test_two_fields_that_become_unique_together_are_counted(world: World) -> None:
    for _ in range(2):
        world.create("ada", name="a", region="north")
    world.create("ada", name="a")
    world.files[ENTITY] += "indexes:\n  - {fields: [name, region], unique: true}\n"
    change = next(one for one in world.plan().changes if one.grade == "blocked")
    assert change.count == 1 and change.samples[0].value == "a · north"


# ---------------------------------------------------------------- what may not hurt


def test_A_G08_a_field_with_12_000_values_goes_only_with_consent_and_comes_back(world: World) -> None:
    deals(world, 12_000, reason="'because ' || n")
    stages = world.files[STAGES]
    world.files[STAGES] = stages.replace(", require: [reason]", "")
    plan = changed(world, "  reason: {type: text, label: {en: Reason, zh: 原因}}\n", "")
    change = at(plan, "entity", "deal", "fields", "reason")
    assert (change.grade, change.count) == ("lossy", 12_000)
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.needs-consent"
    publish(world, plan, lossy=True)
    publishing.apply(world.database, planning.plan_rollback(world.database, 1), author="ada")
    assert ask(world, "SELECT count(reason) FROM e_deal") == [(12_000,)]


def test_A_G09_text_to_number_with_three_values_that_are_none(world: World) -> None:
    """10,000 rows: the three records are named, nothing changes; what the others hold becomes a number."""
    deals(world, 10_000, code="CAST(n AS TEXT)")
    for number in (17, 4_000, 9_999):
        with world.database.write() as tx:
            tx.ddl(f"UPDATE e_deal SET code = 'n/a{number}' WHERE id = 'b{number:07}'")
    plan = changed(world, "code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
                   "code: {type: integer, label: {en: Code, zh: 编码}, unique: true}")  # fmt: skip
    change = at(plan, "entity", "deal", "fields", "code")
    assert change.grade == "blocked" and change.count == 10_000 and "3 of them do not fit" in str(change.note)
    assert {sample.record for sample in change.samples} == {"b0000017", "b0004000", "b0009999"}
    assert (
        refusal(publishing.apply, world.database, plan, author="ada", allow_destructive=True).code
        == "plan.blocked"
    )
    assert ask(world, "SELECT code FROM e_deal WHERE id = 'b0000001'") == [("1",)]
    plan = changed(world, "code: {type: integer,", "code: {type: integer, convert: {on_fail: keep_aside},")
    publish(world, plan, lossy=True)
    assert ask(world, "SELECT count(code), sum(code) FROM e_deal") == [
        (9_997, sum(range(10_000)) - 17 - 4_000 - 9_999)
    ]
    kept = ask(world, "SELECT _2_code FROM e_deal WHERE code IS NULL ORDER BY 1")
    assert kept == [("n/a17",), ("n/a4000",), ("n/a9999",)]


def test_A_G10_the_same_label_under_another_name_is_asked_about(world: World) -> None:
    """Two fields of the same kind come; the one with the label of the one that goes is meant."""
    world.create("ada", code="C")
    plan = changed(world, "  code: {type: text, label: {en: Code, zh: 编码}, unique: true}\n",
                   "  mark: {type: text, label: {en: Code, zh: 编码}}\n  other: {type: text, label: {en: Other, zh: 其他}}\n")  # fmt: skip
    change = at(plan, "entity", "deal", "fields", "code")
    assert (
        change.grade == "lossy"
        and "did you mean to rename it to mark? Then write `was: code` there" in str(change.note)
    )


def test_A_G11_a_new_field_of_an_old_name_begins_anew(world: World) -> None:
    """Neither the values nor what roles and lists said of the old one come back to life."""
    id = world.create("ada", margin="0.1")
    rep = world.files["admin/role_rep.yaml"]
    line = "  margin: {type: percent, label: {en: Margin, zh: 毛利率}}\n"
    world.files["admin/role_rep.yaml"] = rep.replace("margin: hidden, ", "")
    world.files["admin/by_stage.yaml"] = world.files["admin/by_stage.yaml"].replace(
        ", {weighted: amount}", ""
    )
    publish(world, changed(world, line, ""), lossy=True)
    assert refusal(world.sees, "ada", filter="record.margin > 0.0").code == "invalid"
    plan = changed(world, "  phone:", "  margin: {type: text, label: {en: Margin, zh: 边距}}\n  phone:")
    publish(world, plan)
    assert world.get("ada", id)["margin"] is None
    assert ask(world, "SELECT _2_margin FROM e_deal") == [(100_000,)]


def test_a_value_that_comes_in_between_ends_the_apply(world: World) -> None:
    """CF-22: counted when planned, looked at again when applied."""
    id = world.create("ada", code="1")
    plan = changed(world, "code: {type: text, label: {en: Code, zh: 编码}, unique: true}",
                   "code: {type: integer, label: {en: Code, zh: 编码}}")  # fmt: skip
    assert plan.grade == "computes"
    world.change("ada", id, code="none")
    assert refusal(publishing.apply, world.database, plan, author="ada").code == "plan.data-changed"
    assert world.get("ada", id)["code"] == "none" and world.applications.refresh().revision == 1


@pytest.mark.parametrize("rounds", [2])
def test_there_and_back_and_there_again(world: World, rounds: int) -> None:
    """What lies aside never stands in the way of the next change."""
    id = world.create("ada", reason="12,50")
    text = world.files[ENTITY]
    number = text.replace("reason: {type: text,", "reason: {type: decimal, scale: 2, convert: {locale: de},")
    for _ in range(rounds):
        world.publish({ENTITY: number}, allow_destructive=True)
        assert world.get("ada", id)["reason"] == "12.5"
        world.publish({ENTITY: text}, allow_destructive=True)
        assert world.get("ada", id)["reason"] == "12.5"
        world.change("ada", id, reason="12,50")


def test_a_pool_that_goes_passes_its_records_on(world: World) -> None:
    """Records in it, those in the recycle bin too, lie in the pool that the map names."""
    pool = world.files["workflows/deal_pool.yaml"]
    world.publish(
        {"workflows/deal_pool.yaml": pool, "workflows/second.yaml": pool.replace("deal_pool", "second")}
    )
    id = world.create("system")
    lies_in = ask(world, f"SELECT pool FROM e_deal WHERE id = '{id}'")[0][0]
    other = "second" if lies_in == "deal_pool" else "deal_pool"
    path = "workflows/deal_pool.yaml" if lies_in == "deal_pool" else "workflows/second.yaml"
    world.files.pop(path)
    change = at(world.plan(), "pool", lies_in)
    assert (change.grade, change.count) == ("blocked", 1)
    world.files["fairlead.yaml"] += f"map: {{pool: {{{lies_in}: {other}}}}}\n"
    publish(world, world.plan())
    assert ask(world, f"SELECT pool FROM e_deal WHERE id = '{id}'") == [(other,)]


def test_what_other_entities_work_out_from_a_converted_value_follows(world: World) -> None:
    note = "schemas/note.yaml"
    world.files[note] += (
        '  worth: {type: money, label: {en: Worth, zh: 价值}, formula: "record.about.amount"}\n'
    )
    publish(world, world.plan())
    deal = world.create("ada", amount="100")
    id = world.create("ada", "note", about=deal, text="called")
    assert world.get("ada", id, "note")["worth"] == "100.00"
    usd = '{type: money, currency: USD, convert: {rate: "0.5"},'
    for path in (ENTITY, note):
        world.files[path] = world.files[path].replace("{type: money,", usd)
    publish(world, world.plan(), lossy=True)
    assert world.get("ada", id, "note")["worth"] == "50.00"


def test_days_and_moments_there_and_back(world: World) -> None:
    """The way back goes by the zone of the way there; what was not touched comes back to the second."""
    id, touched = (
        world.create("ada", "note", about=world.create("ada"), at=f"2026-03-0{n}T10:20:30Z") for n in (1, 2)
    )
    note = world.files["schemas/note.yaml"]
    day = note.replace("at: {type: datetime,", "at: {type: date, convert: {zone: Asia/Shanghai},").replace(
        'default: "now"', 'default: "today"'
    )
    world.publish({"schemas/note.yaml": day}, allow_destructive=True)
    assert world.get("ada", id, "note")["at"] == "2026-03-01"
    world.change("ada", touched, "note", at="2026-04-01")
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 1), author="ada", allow_destructive=True
    )
    assert world.get("ada", id, "note")["at"] == "2026-03-01T10:20:30.000000Z"
    assert world.get("ada", touched, "note")["at"] == "2026-03-31T16:00:00.000000Z"


def test_an_approval_under_way_goes_on_after_a_change_of_type(database_url: str) -> None:
    """What it remembers of the record is converted with it, so nobody is asked again."""
    database = Database(database_url)
    try:
        office = Office.open(database)
        id, run = office.submitted()
        office.publish(schemas__quote=SCHEMA.replace("amount: {type: money,", "amount: {type: decimal, scale: 3,").replace(
            ", currency: CNY}", "}"))  # fmt: skip
        office.approve("mei")
        office.approve("fay")
        found = records.snapshot_in(database, office.ctx("system"), "quote", id)
        assert office.run(run).state == "approved" and office.run(run).round == 1
        assert found["status"] == "effective" and str(found["amount"])
    finally:
        database.close()


def test_the_way_back_leads_over_all_conversions_since(world: World) -> None:
    """CF-50: what the first one exchanged comes back after a second and a rename, where nobody wrote since."""
    exact, worded, touched = (world.create("ada", reason=text) for text in ("12.34", "soon", "later"))
    first, second = (
        f"{name}: {{type: decimal, {was}scale: {scale}, convert: {{{how}}}, label: {{en: Reason, zh: 原因}}}}"
        for name, was, scale, how in (
            ("reason", "", 1, "rounding: half_up, on_fail: value, value: 7.7"),
            ("wait", "was: reason, ", 0, "rounding: half_even"),
        )
    )
    text = "reason: {type: text, label: {en: Reason, zh: 原因}}"
    world.files[STAGES] = world.files[STAGES].replace("require: [reason]", "require: [close_on]")
    publish(world, changed(world, text, first), lossy=True)
    publish(world, changed(world, first, second), lossy=True)
    assert [world.get("ada", id)["wait"] for id in (exact, worded, touched)] == ["12", "8", "8"]
    world.change("ada", touched, wait="3")
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 1), author="ada", allow_destructive=True
    )
    assert [world.get("ada", id)["reason"] for id in (exact, worded, touched)] == ["12.34", "soon", "3"]


def test_what_lies_aside_in_another_form_comes_back_in_its_own(world: World) -> None:
    """CF-50: a whole number that became a decimal, a text and a yes is the same whole number again."""
    head, tail = "stock: {type: ", "label: {en: Stock, zh: 库存}}"
    hot = "hot: {type: boolean, label: {en: Hot, zh: 热}}"
    forms = ["integer, ", "decimal, scale: 2, ", "text, ", "boolean, convert: {on_fail: null}, "]
    publish(world, changed(world, hot, f"{hot}\n  {head}{forms[0]}{tail}"))
    ids = [world.create("ada", stock=str(number)) for number in (0, 1, 250)]
    for before, after in pairwise(forms):
        publish(world, changed(world, head + before, head + after), lossy=True)
    assert [world.get("ada", id)["stock"] for id in ids] == [False, True, None]
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 2), author="ada", allow_destructive=True
    )
    assert [world.get("ada", id)["stock"] for id in ids] == [0, 1, 250]


def test_what_people_wrote_before_a_formula_comes_back(world: World) -> None:
    """CF-50: nobody could write under the formula; a record made since keeps what was worked out."""
    old = world.create("ada", amount="100", margin="0.25")
    plain = "margin: {type: percent, label: {en: Margin, zh: 毛利率}}"
    publish(
        world,
        changed(world, plain, plain.replace("percent,", 'percent, formula: "number(record.amount) / 1000",')),
        lossy=True,
    )
    young = world.create("ada", amount="200")
    before = world.get("ada", young)["margin"]
    assert before not in (None, world.get("ada", old)["margin"])
    publishing.apply(
        world.database, planning.plan_rollback(world.database, 1), author="ada", allow_destructive=True
    )
    assert (world.get("ada", old)["margin"], world.get("ada", young)["margin"]) == ("0.25", before)
