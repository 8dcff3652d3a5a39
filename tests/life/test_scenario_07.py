"""Acceptance 7: a column that somebody added by hand breaks the seal, and the doctor names it (CF-22, CF-52)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.compiled.statement import prepare
from fairlead.store import catalogue
from fairlead.work import doctor, fitness, publishing, purging
from fairlead.work.doctor import Finding

from tests.support.world import World, refusal

ENTITY = "schemas/deal.yaml"


def by_hand(world: World, *statements: str) -> None:
    """Change the database behind the engine's back."""
    with world.database.write() as tx:
        for one in statements:
            tx.run(prepare(sa.text(one), tx.dialect))


def findings(world: World) -> dict[str, Finding]:
    return {one.code: one for one in doctor.examine(world.as_("system"))}


def ask(world: World, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in world.database.all(prepare(sa.text(sql), world.database.dialect))]


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE e_deal ADD COLUMN sneaked TEXT", "CREATE INDEX by_hand ON e_deal (reason)",
     "DROP INDEX ix_e_deal_stage_id", "CREATE TABLE beside (id TEXT)"],
)  # fmt: skip
def test_scenario_07_a_database_changed_by_hand_breaks_the_seal(world: World, statement: str) -> None:
    world.files[ENTITY] = world.files[ENTITY].replace("  hot:", "  budget: {type: money}\n  hot:")
    plan = world.plan()
    by_hand(world, statement)
    failure = refusal(publishing.apply, world.database, plan, author="ada")
    assert failure.code == "plan.stale" and "doctor" in failure.message()
    assert world.applications.refresh().revision == 1
    publishing.apply(world.database, world.plan(), author="ada")


def test_scenario_07_the_doctor_names_what_does_not_belong_and_adopts_it(world: World) -> None:
    by_hand(
        world, "ALTER TABLE e_deal ADD COLUMN sneaked TEXT", "CREATE INDEX by_hand ON e_deal (reason)",
        "CREATE TABLE beside (id TEXT)",
    )  # fmt: skip
    found = findings(world)
    assert {code: one.about for code, one in found.items()} == {
        "foreign-column": "e_deal.sneaked", "foreign-index": "by_hand", "foreign-table": "beside",
    }  # fmt: skip
    assert {one.level for one in found.values()} == {"note"}
    doctor.adopt(world.as_("system"), list(found.values()))
    assert findings(world) == {}
    assert ask(world, "SELECT sneaked FROM e_deal") == []


def test_scenario_07_repair_keeps_aside_what_does_not_belong(world: World) -> None:
    world.create("ada", reason="x")
    by_hand(
        world, "ALTER TABLE e_deal ADD COLUMN sneaked TEXT", "UPDATE e_deal SET sneaked = 'mine'",
        "CREATE INDEX by_hand ON e_deal (reason)", "CREATE TABLE beside (id TEXT)",
    )  # fmt: skip
    ctx = world.as_("system")
    doctor.repair(ctx, doctor.examine(ctx), author="ada")
    assert findings(world) == {} and world.plan().empty
    assert {one.name: one.count for one in purging.lying(world.database, world.now)} == {
        "e_deal.sneaked": 1,
        "beside": 0,
    }
    assert ask(world, "SELECT _2_sneaked FROM e_deal") == [("mine",)]


def test_scenario_07_a_column_of_another_type_is_made_anew_with_its_values(world: World) -> None:
    """Where tables do not fit, people work on and the configuration is read-only."""
    good, bad = world.create("ada", amount="12.50"), world.create("ada", amount="3")
    if world.database.dialect == "postgresql":
        by_hand(world, "DROP TABLE t_deal", "ALTER TABLE e_deal ALTER COLUMN amount TYPE TEXT")
    else:
        by_hand(world, "ALTER TABLE e_deal RENAME COLUMN amount TO old", "ALTER TABLE e_deal ADD COLUMN amount TEXT",
                "UPDATE e_deal SET amount = old", "ALTER TABLE e_deal DROP COLUMN old")  # fmt: skip
    by_hand(world, f"UPDATE e_deal SET amount = 'three' WHERE id = '{bad}'")
    found = findings(world)
    assert "holds text where integer is needed" in found["type"].message and found["type"].level == "error"
    failure = refusal(fitness.assure_fit, world.database, world.app)
    assert (failure.status, failure.code) == (409, "config.read-only")
    assert "e_deal.amount" in failure.message() and "e_deal.amount" in failure.message("zh")
    ctx = world.as_("system")
    doctor.repair(ctx, doctor.examine(ctx), author="ada")
    assert findings(world).keys() <= {"formula-wrong", "totals"}
    fitness.assure_fit(world.database, world.app)
    assert (world.get("ada", good)["amount"], world.get("ada", bad)["amount"]) == ("12.50", None)
    assert ask(world, f"SELECT _2_amount FROM e_deal WHERE id = '{bad}'") == [("three",)]
    assert "amount" in catalogue.existing(world.database).columns["e_deal"]
