"""The doctor finds what was broken on purpose, says it in a sentence, and mends what it can."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fairlead.base.clock import iso_utc
from fairlead.compiled.statement import prepare
from fairlead.store import jobs
from fairlead.store.jobs import NewJob
from fairlead.work import doctor
from fairlead.work.doctor import Finding

from tests.support.world import World


def run(world: World, text: str) -> None:
    """Change the database behind the engine's back."""
    with world.database.write() as tx:
        tx.run(prepare(sa.text(text), tx.dialect))


def findings(world: World, **options: Any) -> dict[str, Finding]:
    """Return what the doctor finds now, by code."""
    return {one.code: one for one in doctor.examine(world.as_("system"), **options)}


def mended(world: World) -> dict[str, Finding]:
    """Let the doctor mend, then return what is still found."""
    ctx = world.as_("system")
    doctor.mend(ctx, doctor.examine(ctx))
    return findings(world)


@pytest.fixture
def deal(world: World) -> str:
    """A deal of Rui's with two lines."""
    lines = [{"item": "Chair", "qty": 2, "price": "10.00"}, {"item": "Desk", "qty": 1, "price": "80.00"}]
    return world.create("rui", name="Office move", amount="100.00", lines=lines)


def test_a_sound_workspace_has_no_findings(world, deal):
    """Records written through the one door agree with everything kept beside them."""
    world.move("rui", deal, "offer")
    world.change("rui", deal, amount="250.00", name="Larger office")
    assert findings(world) == {}


def test_a_missing_index_is_made_again(world, deal):
    run(world, "DROP INDEX ix_e_deal_stage_id")
    found = findings(world)
    assert set(found) == {"structure"}
    assert found["structure"].message == "The index ix_e_deal_stage_id on e_deal is missing."
    assert mended(world) == {}


def test_a_missing_column_is_made_again(world, deal):
    run(world, "ALTER TABLE e_deal DROP COLUMN reason")
    assert findings(world)["structure"].message == "The column e_deal.reason is missing."
    assert mended(world) == {}


def test_a_column_that_no_field_names_is_only_a_note(world, deal):
    """It is what a removed field leaves behind, so that a rollback brings the values back."""
    run(world, "ALTER TABLE e_deal ADD COLUMN shoe_size TEXT")
    found = findings(world)
    assert set(found) == {"foreign-column"}
    assert found["foreign-column"].level == "note"
    assert "e_deal.shoe_size" in found["foreign-column"].message


def test_a_missing_index_of_the_engine_is_made_again(world):
    run(world, "DROP INDEX ix_job_due")
    assert findings(world)["engine-table"].message == "The engine's table sys_job lacks ix_job_due."
    assert mended(world) == {}


def test_totals_that_differ_from_the_records_are_rebuilt(world, deal):
    run(world, "UPDATE t_deal SET n_count = n_count + 5, s_amount = 1")
    found = findings(world)
    assert set(found) == {"totals"}
    assert "kept totals of deal differ" in found["totals"].message
    assert mended(world) == {}


def test_totals_without_a_record_are_found_too(world, deal):
    run(world, "DELETE FROM t_deal")
    assert set(findings(world)) == {"totals"}
    assert mended(world) == {}


def test_totals_at_zero_are_no_difference(world, deal):
    """A combination that nobody is in any more may stay as a row of zeros."""
    world.move("rui", deal, "offer")
    assert findings(world) == {}


def test_records_without_search_terms_are_indexed(world, deal):
    lost = "DELETE FROM s_deal" if world.database.dialect == "sqlite" else "UPDATE e_deal SET search = NULL"
    run(world, lost)
    assert world.sees("rui", search="office") == []
    assert findings(world)["search-missing"].message == "Not to be found by their words: 1 record of deal."
    assert mended(world) == {}
    assert [one["id"] for one in world.sees("rui", search="office")] == [deal]


def test_stays_in_a_stage_without_a_record(world, deal):
    run(world, "UPDATE sys_stage_visit SET record_id = 'gone'")
    found = findings(world)
    assert set(found) == {"visit-loose", "visit-missing"}
    assert found["visit-loose"].message.endswith("and are counted by reports: 1.")


def test_a_stage_that_the_pipeline_does_not_have(world, deal):
    run(world, "UPDATE e_deal SET stage = 'limbo'")
    message = findings(world)["stage-unknown"].message
    assert message == "In the stage 'limbo', which the pipeline does not have: 1 record of deal."


def test_a_formula_that_was_not_worked_out(world, deal):
    run(world, "UPDATE e_deal SET double = 1")
    assert findings(world)["formula-wrong"].about == "deal.double"
    assert findings(world, sample=0) == {}


def test_a_roll_up_that_does_not_fit_its_lines(world, deal):
    run(world, "UPDATE e_deal__lines SET price = price + 1")
    abouts = {one.about for one in doctor.examine(world.as_("system")) if one.code == "formula-wrong"}
    assert abouts == {"deal.lines.total"}


def test_a_reference_that_leads_to_nothing(world, deal):
    world.create("rui", "note", about=deal, text="Called.")
    run(world, "UPDATE e_note SET about = 'nowhere'")
    found = findings(world)["reference-loose"]
    assert found.message == "Values of note.about that lead to nothing in e_deal: 1."


def test_jobs_that_failed_or_wait_for_nobody(world):
    with world.database.write() as tx:
        old = iso_utc(world.now - timedelta(hours=1))
        jobs.enqueue(tx, NewJob("mail", old, rule="greeting", state="dead", error="no such address"), now=old)
        jobs.enqueue(tx, NewJob("mail", old), now=old)
    found = findings(world)
    assert set(found) == {"jobs-stuck", "jobs-waiting"}
    assert "Failed for good: 1 job of mail greeting" in found["jobs-stuck"].message


def test_people_without_role_and_pools_without_members(world):
    run(world, "UPDATE sys_user SET roles = '[]' WHERE username IN ('rui', 'sana')")
    found = findings(world)
    assert set(found) == {"no-role", "pool-empty"}
    assert found["no-role"].level == "note"
    assert found["pool-empty"].message == "Nobody is a member of the pool deal_pool; nobody can claim."


def test_a_role_that_is_not_in_the_configuration(world):
    run(world, "UPDATE sys_user SET roles = '[\"rep\", \"wizard\"]' WHERE username = 'rui'")
    assert "'wizard'" in findings(world)["unknown-role"].message


def test_a_lock_of_an_approval_that_is_over_is_taken_off(world, deal):
    run(world, "UPDATE e_deal SET locked_by = 'none'")
    assert "Locked by an approval that is over: 1 record of deal." in findings(world)["lock-loose"].message
    assert mended(world) == {}


def test_history_of_an_approval_that_was_rewritten(world):
    """Each event carries the hash of the one before, so a changed one stands out."""
    run(world, "INSERT INTO sys_approval (id, flow, entity, record_id, state, starter, started_at) "
               "VALUES ('a1', 'f', 'deal', 'd1', 'approved', 'u1', '2026-05-06T04:00:00.000000Z')")  # fmt: skip
    run(world, "INSERT INTO sys_approval_event (id, approval_id, at, kind, hash) "
               "VALUES ('e1', 'a1', '2026-05-06T04:00:00.000000Z', 'approve', 'forged')")  # fmt: skip
    assert "approval a1 (deal d1) was changed" in findings(world)["approval-history"].message


def test_findings_have_a_form_for_programs(world, deal):
    run(world, "DELETE FROM t_deal")
    assert findings(world)["totals"].to_json() == {
        "code": "totals", "level": "error", "about": "deal", "mendable": True, "mended": False,
        "message": "The kept totals of deal differ from its records in 1 row; reports over them are wrong.",
    }  # fmt: skip
