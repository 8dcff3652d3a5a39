"""1. A field with 100,000 values is renamed: nothing is touched, history and saved filters say the new name."""

from __future__ import annotations

from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree
from fairlead.store import history
from fairlead.store.operations import ALTERING
from fairlead.work import publishing

from tests.support.bulk import ask, deals
from tests.support.world import World

LIST = """
kind: list
name: deals
entity: deal
label: {en: Deals, zh: 交易}
columns: [name, phone]
views:
  - {name: reached, label: {en: Reached, zh: 已联系}, filter: "!is_empty(record.phone)"}
"""


def test_scenario_01_a_renamed_field_keeps_values_history_and_saved_filters(world: World) -> None:
    world.publish({"forms/deals.yaml": LIST})
    first = world.create("ada", phone="13800000000")
    world.change("ada", first, phone="13900000000")
    deals(world, 100_000, phone="'+86139' || CAST(10000000 + n AS TEXT)")
    before = ask(world, "SELECT count(*), min(phone), max(phone), sum(version) FROM e_deal")
    tree = rename(SourceTree.from_mapping(world.files), target_of("entity.deal.fields.phone"), "mobile").tree
    world.files = tree.mapping()
    plan = world.plan()
    assert plan.grade == "safe"
    assert not [one for one in plan.operations if one.kind in ALTERING or one.kind == "rewrite_values"]
    publishing.apply(world.database, plan, author="ada")
    assert ask(world, "SELECT count(*), min(mobile), max(mobile), sum(version) FROM e_deal") == before
    events = history.of_record(world.database, first)
    assert [list(event.changes) for event in events if "mobile" in event.changes] and not any(
        "phone" in event.changes for event in events
    )
    assert world.sees("ada", view="reached", order_by="created_at desc")[0]["mobile"]
