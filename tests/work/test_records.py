"""The one door: what may be written, by whom, and what it leaves behind."""

from __future__ import annotations

from fairlead.base.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from fairlead.store import history, visits
from fairlead.work import reading, records

from tests.support.world import World, refusal


def codes(failure: object) -> dict[str, str]:
    """Field → code of what was refused."""
    assert isinstance(failure, Invalid)
    return {error.field: error.code for error in failure.errors}


def test_what_is_written_comes_back_exactly(world: World) -> None:
    id = world.create(
        "ada", amount="345678.90", close_on="2026-12-31", hot=True, margin="0.125", region="north"
    )
    found = world.get("ada", id)
    assert (found["amount"], found["close_on"], found["hot"]) == ("345678.90", "2026-12-31", True)
    assert found["margin"] == "0.125"


def test_money_is_exact_and_formulas_follow(world: World) -> None:
    id = world.create("ada", amount="0.10")
    assert world.get("ada", id)["double"] == "0.20"
    world.change("ada", id, amount="100000.05")
    assert world.get("ada", id)["double"] == "200000.10"


def test_line_items_are_computed_added_up_and_replaced(world: World) -> None:
    id = world.create(
        "ada", lines=[{"item": "a", "qty": 3, "price": "19.99"}, {"item": "b", "price": "0.01"}]
    )
    found = world.get("ada", id)
    assert [line["total"] for line in found["lines"]] == ["59.97", "0.01"]
    assert found["total"] == "59.98"
    world.change("ada", id, lines=[{"item": "c", "qty": 2, "price": "5.00"}])
    assert [(line["item"], line["total"]) for line in world.get("ada", id)["lines"]] == [("c", "10.00")]
    assert world.get("ada", id)["total"] == "10.00"


def test_all_faults_are_named_at_once(world: World) -> None:
    failure = refusal(
        world.create, "ada", name=" ", amount="1.234", region="west", nonsense=1, version=7,
        lines=[{"qty": "x", "item": "a"}],
    )  # fmt: skip
    found = codes(failure)
    assert found["region"] == "not_an_option"
    assert found["nonsense"] == "unknown_field"
    assert found["version"] == "readonly_field"
    assert found["lines[0].qty"] == "invalid"
    assert "amount" in found


def test_required_and_checks_name_the_field(world: World) -> None:
    assert codes(refusal(world.create, "ada", name=None)) == {"name": "required"}
    assert codes(refusal(world.create, "ada", amount="1000000.00")) == {"amount": "check"}


def test_a_unique_value_is_refused_the_second_time(world: World) -> None:
    world.create("ada", code="X1")
    failure = refusal(world.create, "ada", code="X1")
    assert failure.code == "duplicate" and codes(failure) == {"code": "duplicate"}


def test_a_stale_version_is_a_conflict_and_changes_nothing(world: World) -> None:
    id = world.create("ada")
    records.update(world.as_("ada"), "deal", id, {"name": "first"}, version=1)
    failure = refusal(records.update, world.as_("ada"), "deal", id, {"name": "second"}, version=1)
    assert isinstance(failure, Conflict) and failure.status == 412
    assert world.get("ada", id)["name"] == "first"


def test_a_change_that_changes_nothing_leaves_no_trace(world: World) -> None:
    id = world.create("ada", amount="5")
    before = len(history.of_record(world.database, id))
    assert world.change("ada", id, amount="5.00").version == 1
    assert len(history.of_record(world.database, id)) == before


def test_history_tells_who_changed_what(world: World) -> None:
    id = world.create("rui", amount="5")
    world.change("rui", id, amount="7")
    newest = reading.record_history(world.as_("rui"), "deal", id)[0]
    assert newest["kind"] == "update" and newest["actor"] == world.actors["rui"].id
    assert {"field": "amount", "old": "5.00", "new": "7.00"} in newest["changes"]


def test_deleting_what_others_point_to_follows_the_reference(world: World) -> None:
    id = world.create("ada")
    note = world.create("ada", "note", about=id, text="called")
    records.delete(world.as_("ada"), "deal", id, version=None)
    assert isinstance(refusal(world.get, "ada", id), NotFound)
    assert isinstance(refusal(world.get, "ada", note, "note"), NotFound)


def test_a_reference_to_what_one_may_not_see_answers_like_one_to_nothing(world: World) -> None:
    hers = world.create("sana")
    seen = refusal(world.create, "rui", "note", about=hers, text="x")
    none = refusal(world.create, "rui", "note", about="0" * 16, text="x")
    assert codes(seen) == codes(none) == {"about": "unknown_record"}


# ---------------------------------------------------------------- stages


def test_a_stage_asks_for_its_fields_and_then_opens(world: World) -> None:
    id = world.create("rui")
    failure = refusal(world.move, "rui", id, "offer")
    assert failure.code == "move.fields-missing" and codes(failure) == {"amount": "required"}
    world.move("rui", id, "offer", amount="10")
    assert world.get("rui", id)["stage"] == "offer"
    assert [visit.stage for visit in visits.of_record(world.database, id)] == ["open", "offer"]


def test_a_closed_guard_says_what_is_missing(world: World) -> None:
    id = world.create("rui")
    failure = refusal(world.move, "rui", id, "won")
    assert isinstance(failure, Refused) and failure.message("zh") == "请先填写金额。"


def test_a_stage_cannot_be_set_like_a_field(world: World) -> None:
    id = world.create("rui")
    assert codes(refusal(world.change, "rui", id, stage="won")) == {"stage": "readonly_field"}
    assert isinstance(refusal(world.create, "rui", stage="won"), (Invalid, Refused))


def test_the_second_to_move_is_told_that_it_stands_there(world: World) -> None:
    id = world.create("rui", amount="10")
    world.move("rui", id, "offer")
    assert refusal(world.move, "rui", id, "offer").code == "move.already-there"


def test_a_move_takes_only_the_fields_it_asks_for(world: World) -> None:
    id = world.create("rui", amount="10")
    assert codes(refusal(world.move, "rui", id, "offer", name="other")) == {"name": "readonly_field"}


def test_a_step_for_a_role_is_for_those_who_inherit_it_too(world: World) -> None:
    stages, manager = "workflows/deal_stages.yaml", "admin/role_manager.yaml"
    steps = "moves:\n  - {from: open, to: offer, roles: [rep]}\n"
    world.publish({stages: world.files[stages] + steps})
    id = world.create("rui", amount="10")
    assert refusal(world.move, "mei", id, "offer").code == "move.not-your-role"
    world.publish({manager: world.files[manager] + "inherits: [rep]\n"})
    world.move("mei", id, "offer")
    assert world.get("mei", id)["stage"] == "offer"


# ---------------------------------------------------------------- who may


def test_each_sees_what_the_role_grants(world: World) -> None:
    rui, sana = world.create("rui"), world.create("sana")
    assert {one["id"] for one in world.sees("rui")} == {rui}
    assert {one["id"] for one in world.sees("mei")} == {rui, sana}
    assert {one["id"] for one in world.sees("ada")} == {rui, sana}
    assert isinstance(refusal(world.sees, "otto"), NotFound)
    assert isinstance(refusal(world.get, "rui", sana), NotFound)


def test_hidden_and_masked_are_told_apart_from_empty(world: World) -> None:
    id = world.create("rui", phone="13800138000")
    world.change("ada", id, margin="0.3")
    found = world.get("rui", id)
    assert "margin" not in found and "margin" in found["_hidden"]
    assert (
        found["phone"].endswith("8000") and "1380013" not in found["phone"] and found["_masked"] == ["phone"]
    )


def test_a_field_that_may_not_be_read_cannot_be_asked_about(world: World) -> None:
    world.create("rui")
    for query in (
        {"filter": "margin > 0.1"}, {"order_by": "margin"}, {"fields": ("margin",)}, {"filter": "phone == '1'"},
    ):  # fmt: skip
        hidden = refusal(world.sees, "rui", **query)
        assert {error.code for error in hidden.errors} == {"unknown_field"}, query  # type: ignore[attr-defined]


def test_a_hidden_field_cannot_be_written(world: World) -> None:
    id = world.create("rui")
    assert codes(refusal(world.change, "rui", id, margin="0.5")) == {"margin": "unknown_field"}


def test_seen_is_not_changed(world: World) -> None:
    id = world.create("rui")
    assert isinstance(refusal(records.delete, world.as_("rui"), "deal", id, version=None), Forbidden)
    assert world.get("rui", id)["version"] == 1


def test_nobody_creates_for_somebody_else_without_the_right(world: World) -> None:
    assert refusal(world.create, "rui", owner=world.actors["sana"].id).code == "forbidden.scope"
    id = world.create("mei", owner=world.actors["sana"].id)
    assert world.get("sana", id)["owner"] == world.actors["sana"].id


def test_assigning_changes_owner_and_team(world: World) -> None:
    id = world.create("rui")
    records.assign(world.as_("mei"), "deal", id, world.actors["sana"].id, version=None)
    assert world.get("sana", id)["owner"] == world.actors["sana"].id
    assert isinstance(refusal(world.get, "rui", id), NotFound)


# ---------------------------------------------------------------- lists


def test_pages_follow_each_other_without_gap_or_double_also_over_empty_values(world: World) -> None:
    made = [
        world.create("ada", name=f"d{n:02}", amount=None if n % 3 == 0 else str(n % 5)) for n in range(23)
    ]
    for order in ("amount", "amount desc", "id", "id desc", "name desc", "amount desc,name"):
        found: list[str] = []
        token = None
        while True:
            page = reading.page(
                world.as_("ada"), "deal", reading.ListQuery(order_by=order, page_size=5, page_token=token)
            )
            found += [one["id"] for one in page.items]
            token = page.next_token
            if token is None:
                break
        assert sorted(found) == sorted(made) and len(found) == 23, order


def test_search_finds_any_part_of_a_word_in_any_script(world: World) -> None:
    one = world.create("ada", name="上海示例科技有限公司")
    two = world.create("ada", name="ÉCOLE Nouvelle")
    for text, expected in (
        ("示例", one), ("科技", one), ("海", one), ("shl", None), ("shanghaishili", one), ("ecole", None), ("école", two),
        ("COLE", two), ("velle", two), ("%", None), ("_", None), ("\\", None), ("'", None), ('"', None),
    ):  # fmt: skip
        assert [found["id"] for found in world.sees("ada", search=text)] == (
            [expected] if expected else []
        ), text


def test_search_follows_a_change_of_name(world: World) -> None:
    id = world.create("ada", name="旧名称")
    world.change("ada", id, name="新称呼")
    assert not world.sees("ada", search="旧名")
    assert [one["id"] for one in world.sees("ada", search="称呼")] == [id]


def test_filters_are_expressions_over_the_record(world: World) -> None:
    a = world.create("ada", amount="1500", region="north")
    world.create("ada", amount="500", region="north")
    world.create("ada", region="south")
    assert [one["id"] for one in world.sees("ada", filter='amount > 1000.0 && region == "north"')] == [a]
    assert len(world.sees("ada", filter='region != "north"')) == 1
    assert len(world.sees("ada", filter="amount == null")) == 1
    assert reading.page(world.as_("ada"), "deal", reading.ListQuery(count=True, page_size=1)).total == 3
