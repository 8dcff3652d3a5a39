"""The acts of an approval: who may, what follows, and who was too late."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fairlead.base.calendar import default_calendar
from fairlead.base.clock import parse_utc
from fairlead.base.texts import Label
from fairlead.compiled.runs import Note, RunEvent
from fairlead.decide import approval
from fairlead.decide.approval import foresee, replay
from fairlead.decide.progress import (
    ChangeRun,
    Decision,
    LockRecord,
    MarkRecord,
    NotNeeded,
    Refusal,
    Replay,
    RunSteps,
    Tell,
    decisive_hash,
    due_at,
    locked_fields,
)
from fairlead.model.durations import Duration
from fairlead.model.steps import SetFields
from fairlead.model.workflows import Timeout

from tests.decide.approval_stage import SPAN, Stage, When, by, flow, step

FINANCE = by("role", "finance")
MANAGER = by("manager_of", "starter")
EFFECT = (SetFields({"status": "effective"}, None, SPAN),)


def stage(*steps, submitted=True, starter="rui", values=None, **more):
    made = Stage(flow(*steps, **more), starter=starter, values=values)
    if submitted:
        assert isinstance(made.submit(), Decision)
    return made


# ---------------------------------------------------------------- the way through


def test_two_steps_in_a_row():
    s = stage(step("manager", MANAGER), step("finance", FINANCE, mode="all"), on_approved=EFFECT)
    assert s.holders() == ["mei"]
    s.approves("mei")
    assert s.run.step == "finance"
    assert s.holders() == ["fay", "fox", "fen"]
    for who in ("fay", "fox"):
        s.approves(who)
    assert s.run.state == "running"
    s.approves("fen")
    assert s.run.state == "approved"
    assert s.last.of(LockRecord) == (LockRecord(False),)
    assert s.last.of(MarkRecord) == (MarkRecord("approved", "approve"),)
    assert s.last.of(RunSteps) == (RunSteps("approved", EFFECT),)


def test_submitting_locks_and_marks_the_record():
    s = stage(step("manager", MANAGER))
    assert s.last.changes[0] == ChangeRun(None, s.last.changes[0].after)
    assert LockRecord(True) in s.last.changes
    assert MarkRecord("pending", "submit") in s.last.changes


def test_a_step_whose_condition_is_false_is_passed_over():
    s = stage(
        step("big", FINANCE, when=When(lambda v: v["amount"] > 1000, ("amount",))), step("manager", MANAGER)
    )
    assert s.run.step == "manager"
    assert [e.data.get("reason") for e in s.events if e.kind == "step_passed"] == ["condition"]


def test_unknown_counts_as_false_and_says_so():
    big = When(lambda v: v["total"] > 1000, ("total",))
    s = stage(step("big", FINANCE, when=big), step("manager", MANAGER), values={"total": None})
    (passed,) = [e for e in s.events if e.kind == "step_passed"]
    assert passed.note.get("en") == "unknown: total is empty"
    assert s.run.step == "manager"


def test_empty_fields_do_not_let_a_record_through_unseen():
    s = stage(step("big", FINANCE, when=When(lambda v: True, ("total",))), values={"total": None})
    assert (s.run.state, s.run.reason) == ("suspended", "nobody_found")


def test_a_path_on_which_nobody_is_needed_is_marked_unattended():
    s = stage(step("big", FINANCE, when=When(lambda v: False)))
    assert s.run.state == "approved"
    assert s.events[-1].data == {"unattended": True}


def test_no_flow_needed():
    s = stage(
        step("manager", MANAGER), submitted=False, when=When(lambda v: v["discount"] > 30), not_needed=EFFECT
    )
    assert s.submit() == NotNeeded(EFFECT)


def test_a_flow_whose_condition_is_unknown_is_needed():
    s = stage(step("manager", MANAGER), when=When(lambda v: False, ("margin",)))
    assert s.run.state == "running"


def test_only_one_live_run():
    s = stage(step("manager", MANAGER))
    refused = s.submit()
    assert (refused.code, refused.current["approval"]) == ("live_instance", s.run.id)


# ---------------------------------------------------------------- votes


def test_scenario_1_any_sign():
    s = stage(step("pair", by("user", "fay"), by("user", "fox")))
    s.rejects("fay")
    assert s.run.state == "rejected"
    assert s.states("pair") == {"fay": "rejected", "fox": "closed"}

    s = stage(step("pair", by("user", "fay"), by("user", "fox"), on_reject="all_must_reject"))
    s.rejects("fay")
    assert s.run.state == "running"
    s.approves("fox")
    assert s.run.state == "approved"


def test_scenario_3_quorum_by_share():
    s = stage(step("board", FINANCE, mode="quorum", at_least=(2, 3)))
    s.approves("fay")
    assert s.run.state == "running"
    s.approves("fen")
    assert s.run.state == "approved"
    assert s.states("board")["fox"] == "closed"


def test_scenario_4_in_order():
    s = stage(step("line", by("user", "fay"), by("user", "fox"), mode="in_order"))
    assert s.states("line") == {"fay": "open", "fox": "waiting"}
    assert s.approves("fox").code == "not_yet"
    s.returns("fay")
    assert s.run.state == "returned"
    s.submit()
    assert s.run.round == 2
    assert s.states("line") == {"fay": "open", "fox": "waiting"}
    s.approves("fay")
    assert s.states("line") == {"fay": "approved", "fox": "open"}


def test_a_quorum_that_cannot_be_reached_waits_for_help():
    """Too few people is not a rejection: nobody has said no."""
    s = stage(step("board", by("user", "fay"), mode="quorum", at_least_count=2))
    assert (s.run.state, s.run.reason) == ("suspended", "nobody_found")


def test_closed_peers_hear_who_decided():
    s = stage(step("any", FINANCE))
    s.approves("fox")
    told = {tell.user: tell.text.get("en") for tell in s.last.of(Tell) if tell.kind == "approval.closed"}
    assert told == {"fay": "Fox approved Quote 1 (Discount)", "fen": "Fox approved Quote 1 (Discount)"}
    assert any(tell.user == "rui" and tell.kind == "approval.approved" for tell in s.last.of(Tell))


# ---------------------------------------------------------------- too late, not yours, not so


def test_the_second_signer_is_told_who_was_first():
    s = stage(step("any", FINANCE), step("manager", MANAGER))
    seen = s.task_of("fay").version
    s.approves("fox")
    refused = s.approves("fay", version=seen)
    assert refused.code == "already_decided"
    assert refused.current == {"outcome": "approved", "by": "fox", "by_name": "Fox", "on_behalf_of": None,
                               "at": "2026-03-02T04:00:00.000000Z"}  # fmt: skip
    assert [e.step for e in s.events if e.kind == "step_started"] == ["any", "manager"]


def test_a_repeated_approval_is_the_same_approval():
    s = stage(step("any", FINANCE), step("manager", MANAGER))
    first = s.task_of("fox")
    s.approves("fox")
    again = s.approves("fox", task=first)
    assert isinstance(again, Replay)
    assert again.task.state == "approved"


def test_approving_after_rejecting_is_too_late():
    s = stage(step("any", FINANCE))
    seen = s.task_of("fox")
    s.rejects("fox")
    refused = s.approves("fox", task=seen)
    assert (refused.code, refused.current["outcome"]) == ("already_decided", "rejected")


def test_approve_after_withdrawal():
    s = stage(step("any", FINANCE))
    seen = s.task_of("fox")
    s.withdraws()
    assert s.run.state == "withdrawn"
    refused = s.approves("fox", task=seen)
    assert (refused.code, refused.current["outcome"], refused.current["by"]) == (
        "already_decided",
        "withdrawn",
        "rui",
    )


def test_approve_after_transfer_in_another_window():
    s = stage(step("manager", MANAGER))
    seen = s.task_of("mei")
    s.transfers("mei", "lin")
    assert s.approves("mei", task=seen).code == "task_version"
    assert s.approves("lin").run.state == "approved"


def test_transfer_after_approve_in_another_window():
    s = stage(step("all", FINANCE, mode="all"))
    seen = s.task_of("fox")
    s.approves("fox")
    assert s.transfers("fox", "lin", task=seen).code == "task_version"


def test_a_stale_version_is_refused():
    s = stage(step("manager", MANAGER))
    assert s.approves("mei", version=9).code == "task_version"


def test_the_starter_cannot_approve_what_is_not_his_to_approve():
    s = stage(step("manager", MANAGER))
    refused = s.approves("rui", task=s.task_of("mei"))
    assert (refused.code, refused.kind, refused.audit) == ("not_holder", "forbidden", True)


def test_the_role_was_lost_between_mail_and_click():
    s = stage(step("any", FINANCE))
    s.org.roles["finance"] = ["fay", "fen"]
    refused = s.approves("fox")
    assert (refused.code, refused.kind) == ("role_lost", "forbidden")


def test_a_rejection_needs_a_reason():
    s = stage(step("manager", MANAGER))
    refused = s.rejects("mei", comment="  ")
    assert (refused.code, refused.kind, refused.field) == ("reason_required", "invalid", "comment")
    s = stage(step("manager", MANAGER, reason_required=False))
    assert s.rejects("mei", comment=None).run.state == "rejected"


# ---------------------------------------------------------------- edits


def test_an_approver_changes_only_what_the_step_opens():
    s = stage(step("manager", MANAGER, editable=("terms",)))
    refused = s.approves("mei", edits={"discount": [20, 5]})
    assert (refused.code, refused.field, refused.kind) == ("not_editable", "discount", "forbidden")
    s.approves("mei", edits={"terms": ["30d", "60d"]})
    assert s.task_of("mei").changes == {"terms": ["30d", "60d"]}


def test_earlier_approvers_hear_of_a_decisive_edit():
    s = stage(step("manager", MANAGER), step("finance", by("user", "fay"), editable=("discount",)))
    s.approves("mei")
    s.values["discount"] = 5
    s.approves("fay", edits={"discount": [20, 5]})
    assert s.run.decisive_hash == decisive_hash(s.flow, s.values)
    assert [t.user for t in s.last.of(Tell) if t.kind == "approval.edited"] == ["mei"]


def test_a_changed_record_starts_again():
    s = stage(step("manager", MANAGER), step("finance", by("user", "fay")))
    s.approves("mei")
    s.values["amount"] = 500_000
    s.apply(approval.restart(s.facts("system"), s.run))
    assert (s.run.state, s.run.round, s.run.step) == ("running", 2, "manager")
    assert s.holders() == ["mei"]
    assert {t.user for t in s.last.of(Tell) if t.kind == "approval.restarted"} == {"rui", "mei", "fay"}


@pytest.mark.parametrize(
    ("lock", "locked"),
    [("all", None), ("decisive", {"amount", "discount"}), ("none", {"amount", "discount"})],
)
def test_decisive_values_are_never_open(lock, locked):
    found = locked_fields(flow(step("manager", MANAGER), lock=lock))
    assert found == (None if locked is None else frozenset(locked))


# ---------------------------------------------------------------- sending back, taking back


def test_a_return_ends_the_step_and_frees_the_record():
    s = stage(step("all", FINANCE, mode="all"))
    s.approves("fay")
    s.returns("fox")
    assert s.run.state == "returned"
    assert s.states("all") == {"fay": "approved", "fox": "returned", "fen": "closed"}
    assert LockRecord(False) in s.last.changes
    assert s.run.ended_at is None


def test_a_new_round_forgets_old_votes():
    s = stage(step("all", FINANCE, mode="all"))
    s.approves("fay")
    s.returns("fox")
    s.submit()
    assert (s.run.round, sorted(s.holders())) == (2, ["fay", "fen", "fox"])


def test_a_return_needs_a_reason_and_permission():
    s = stage(step("manager", MANAGER))
    assert s.returns("mei", comment="").code == "reason_required"
    s = stage(step("manager", MANAGER), allow=frozenset({"withdraw"}))
    assert s.returns("mei").code == "not_allowed"


def test_only_the_starter_submits_again():
    s = stage(step("manager", MANAGER))
    s.returns("mei")
    s.starter = "sana"
    assert s.submit().code == "not_starter"


def test_ten_rounds_are_enough():
    s = stage(step("manager", MANAGER))
    for _ in range(9):
        s.returns("mei")
        s.submit()
    s.returns("mei")
    s.submit()
    assert (s.run.state, s.run.reason) == ("suspended", "max_rounds")


def test_no_longer_needed_after_a_return():
    s = stage(step("manager", MANAGER), when=When(lambda v: v["discount"] > 10), not_needed=EFFECT)
    s.returns("mei")
    s.values["discount"] = 5
    answer = s.submit()
    assert isinstance(answer, NotNeeded)
    assert answer.ends.run.state == "cancelled"


def test_scenario_15_withdraw():
    s = stage(step("all", FINANCE, mode="all"))
    s.approves("fay")
    refused = s.withdraws()
    assert (refused.code, refused.current["by"]) == ("already_decided", "fay")

    s = stage(step("all", FINANCE, mode="all"), withdraw="until_final")
    s.approves("fay")
    s.withdraws()
    assert s.run.state == "withdrawn"
    assert s.states("all") == {"fay": "approved", "fox": "cancelled", "fen": "cancelled"}


def test_who_may_withdraw():
    s = stage(step("manager", MANAGER))
    assert s.withdraws("sana").kind == "forbidden"
    assert s.withdraws().run.state == "withdrawn"
    assert s.withdraws().changes == ()
    s = stage(step("manager", MANAGER), withdraw="never")
    assert s.withdraws().code == "not_allowed"


def test_withdraw_after_the_end_names_who_decided():
    s = stage(step("manager", MANAGER))
    s.approves("mei")
    refused = s.withdraws()
    assert (refused.code, refused.current["outcome"], refused.current["by"]) == (
        "already_decided",
        "approved",
        "mei",
    )


# ---------------------------------------------------------------- handing over


def test_scenario_12_transfer():
    s = stage(step("all", by("user", "fay"), by("user", "fox"), mode="all"))
    assert s.transfers("fay", "rui").code == "is_starter"
    assert s.transfers("fay", "fay").code == "same_person"
    assert s.transfers("fay", "fox").code == "already_signer"
    s.org.leaves("otto")
    assert s.transfers("fay", "otto").code == "inactive"
    s.transfers("fay", "fen")
    assert s.states("all") == {"fen": "open", "fox": "open"}
    assert s.transfers("fen", "fay").code == "no_way_back"


def test_a_transfer_keeps_the_deadline_and_the_number_of_seats():
    limit = Timeout(Duration(2, "days"), True, None)
    s = stage(step("all", FINANCE, mode="all", timeout=limit))
    due = s.task_of("fay").due_at
    s.later(hours=5)
    s.transfers("fay", "mei")
    assert s.task_of("mei").due_at == due
    assert len(s.run.seats("all")) == 3


# ---------------------------------------------------------------- nudging


def test_scenario_28_urge():
    s = stage(step("manager", MANAGER))
    s.urges()
    assert [t.user for t in s.last.of(Tell)] == ["mei"]
    refused = s.urges()
    assert (refused.kind, refused.retry_at) == ("too_soon", s.now + timedelta(hours=4))
    for _ in range(2):
        s.later(hours=4)
        assert isinstance(s.urges(), Decision)
    s.later(hours=4)
    assert s.urges().retry_at == s.now + timedelta(hours=12)


def test_reminder_and_escalation_come_once():
    limit = Timeout(Duration(1, "days"), True, "admin")
    s = stage(step("manager", MANAGER, timeout=limit))
    s.later(days=2)
    s.apply(approval.remind(s.facts("system"), s.run, s.task_of("mei")))
    assert {(t.user, t.kind) for t in s.last.of(Tell)} == {
        ("mei", "approval.reminder"),
        ("ada", "approval.escalated"),
    }
    assert s.task_of("mei").version == 1, "a reminder must not make the approver's page stale"
    assert approval.remind(s.facts("system"), s.run, s.task_of("mei")) is None
    s.approves("mei")
    assert s.run.state == "approved"


def test_scenario_19_business_days_know_make_up_saturdays():
    """Friday 9 May 2025, 16:00; the Sunday before and Saturday 10 May... are as the calendar says."""
    friday = parse_utc(
        "2026-02-13T08:00:00Z"
    )  # 16:00; Saturday the 14th is worked in the week before Spring Festival
    due = due_at(Duration(1, "business_days"), friday, default_calendar())
    assert due == friday + timedelta(days=1)


def test_comment_changes_nothing_but_is_kept():
    s = stage(step("manager", MANAGER))
    s.apply(approval.comment(s.facts("mei"), s.run, "What margin?"))
    assert s.run.state == "running"
    assert s.events[-1].note == "What margin?"
    assert [t.user for t in s.last.of(Tell)] == ["rui"]


# ---------------------------------------------------------------- who is asked


def asked(s, name):
    return {task.holder: [note.code for note in task.why] for task in s.run.seats(name)}


def test_one_seat_for_each_person_with_all_sources():
    s = stage(step("all", FINANCE, by("user", "fay"), mode="all"))
    assert asked(s, "all")["fay"] == ["source.role", "source.user"]
    assert len(s.run.tasks) == 3


def test_the_starter_goes_to_his_manager():
    s = stage(step("seller", by("role", "seller"), mode="all"))
    assert asked(s, "seller") == {"mei": ["source.role", "self.to_manager"], "sana": ["source.role"]}


def test_a_skipped_starter_does_not_decide_for_himself():
    s = stage(step("seller", by("role", "seller")), self_rule="skip")
    assert s.states("seller") == {"rui": "skipped", "sana": "open"}
    assert s.run.state == "running"


def test_a_step_of_the_starter_alone_is_passed_when_he_is_skipped():
    s = stage(step("me", by("starter")), step("manager", MANAGER), self_rule="skip")
    assert s.run.step == "manager"


def test_scenario_6_nobody_above():
    s = stage(step("manager", MANAGER), starter="lin")
    assert (s.run.state, s.run.reason) == ("suspended", "nobody_found")
    assert {t.user for t in s.last.of(Tell)} == {"ada"}
    s.org.teams["house"] = s.org.teams["house"].__class__("house", "House", None, "mei")
    s.later(days=3)
    assert approval.resume(s.facts("lin"), s.run, "please").kind == "forbidden"
    s.apply(approval.resume(s.facts("ada", trusted=True), s.run, "Mei heads the house now"))
    assert (s.run.state, s.holders()) == ("running", ["mei"])


@pytest.mark.parametrize(
    ("rule", "state", "holders"),
    [
        ("suspend", "suspended", []),
        ("to_admin", "running", ["ada"]),
        ("skip", "approved", []),
        ("reject", "rejected", []),
    ],
)
def test_the_nobody_rule(rule, state, holders):
    s = stage(step("manager", MANAGER), starter="lin", nobody=rule)
    assert (s.run.state, s.holders()) == (state, holders)


def test_scenario_7_vacant_levels_and_circles():
    s = stage(submitted=False)
    teams, team = s.org.teams, s.org.teams["house"].__class__
    teams["region"] = team("region", "Region", "house", None)
    teams["sales"] = team("sales", "Sales", "region", "mei")
    s.flow = flow(step("chain", by("managers_of", "starter", 3), mode="in_order"))
    s.submit()
    assert [t.holder for t in s.run.tasks] == ["mei", "lin"]
    (started,) = [e for e in s.events if e.kind == "step_started"]
    assert started.data["notes"] == [["vacant", "2", None]]

    s = stage(submitted=False)
    s.org.people["mei"] = s.org.people["mei"].__class__("mei", "Mei", True, "rui", "sales")
    s.flow = flow(step("chain", by("managers_of", "starter", 3)))
    s.submit()
    assert s.run.reason == "org_cycle"
    assert "Rui → Mei → Rui" in s.events[-1].note.get("en")


def test_a_manager_named_for_the_person_stands_in_for_the_head():
    s = stage(submitted=False)
    s.org.people["rui"] = s.org.people["rui"].__class__("rui", "Rui", True, "fay", "sales")
    s.flow = flow(step("manager", MANAGER), step("above", by("manager_of", "starter", 2)))
    s.submit()
    assert s.holders() == ["fay"]
    s.approves("fay")
    assert s.holders() == ["lin"]


def test_who_has_left_is_replaced_by_the_manager():
    s = stage(submitted=False)
    s.org.leaves("fox")
    s.flow = flow(step("fox", by("user", "fox")))
    s.submit()
    assert asked(s, "fox") == {"fay": ["source.user", "left.replaced"]}


def test_a_field_names_the_approver():
    s = stage(step("legal", by("field", "lawyer")), values={"lawyer": "otto"})
    assert s.holders() == ["otto"]


def test_the_role_within_the_team_of_the_record():
    s = stage(
        step("team", by("team_role", "seller")), starter="mei", values={"owner": "rui", "team": "sales"}
    )
    assert s.holders() == ["rui", "sana"]


def test_one_act_decides_both_seats_of_one_person():
    s = stage(step("all", by("user", "fay"), by("user", "fox"), mode="all"), submitted=False)
    s.org.leaves("fox")
    s.submit()
    assert [t.holder for t in s.run.tasks] == ["fay", "fay"]
    s.approves("fay")
    assert s.run.state == "approved"


# ---------------------------------------------------------------- the same person twice


def test_consecutive_duplicates():
    s = stage(step("a", by("user", "fay")), step("b", by("user", "fay")), duplicates="consecutive")
    s.approves("fay")
    assert s.run.state == "approved"
    skipped = s.run.seats("b")[0]
    assert skipped.state == "skipped"
    assert skipped.why[-1] == Note("skipped.duplicate", "a", "fay")


def test_consecutive_looks_at_the_step_before_only():
    steps = (step("a", by("user", "fay")), step("b", by("user", "fox")), step("c", by("user", "fay")))
    s = stage(*steps, duplicates="consecutive")
    s.approves("fay")
    s.approves("fox")
    assert s.holders() == ["fay"]
    s = stage(*steps, duplicates="any_earlier")
    s.approves("fay")
    s.approves("fox")
    assert s.run.state == "approved"


@pytest.mark.parametrize("why", ["edited", "editable", "confirm", "new round"])
def test_an_old_click_does_not_approve_something_new(why):
    """Scenario 5, and the conditions of AP-25."""
    last = step(
        "c", by("user", "fay"), editable=("terms",) if why == "editable" else (), confirm=why == "confirm"
    )
    second = step("b", by("user", "fox"), editable=("discount",))
    s = stage(step("a", by("user", "fay")), second, last, duplicates="any_earlier")
    s.approves("fay")
    if why == "new round":
        s.returns("fox")
        s.submit()
        assert s.holders() == ["fay"]
        return
    if why == "edited":
        s.values["discount"] = 50
        s.approves("fox", edits={"discount": [20, 50]})
    else:
        s.approves("fox")
    assert s.holders() == ["fay"]


# ---------------------------------------------------------------- effects, suspension, the end


def test_a_failed_effect_keeps_the_click_and_waits():
    s = stage(step("manager", MANAGER), on_approved=EFFECT)
    broken = Label({"en": "status: not one of the options"})
    s.approves("mei", failure=broken)
    assert (s.run.state, s.run.reason) == ("suspended", "effect_failed:approved")
    assert s.task_of("mei").state == "approved"
    assert s.last.of(RunSteps) == ()
    assert s.events[-1].note is broken
    s.apply(approval.resume(s.facts("ada", trusted=True), s.run, "options mended"))
    assert s.run.state == "approved"


def test_scenario_2_a_leaver_is_replaced_and_the_seats_stay():
    s = stage(step("all", FINANCE, mode="all"))
    s.approves("fay")
    s.org.leaves("fox")
    task = s.task_of("fox")
    assert approval.reassign(s.facts("mei"), s.run, task.id, "otto", "left").kind == "forbidden"
    s.apply(approval.reassign(s.facts("ada", trusted=True), s.run, task.id, "otto", "left"))
    assert s.states("all") == {"fay": "approved", "otto": "open", "fen": "open"}
    s.approves("otto")
    s.approves("fen")
    assert s.run.state == "approved"


def test_terminate():
    s = stage(step("manager", MANAGER))
    assert approval.terminate(s.facts("mei"), s.run, "x").kind == "forbidden"
    s.apply(approval.terminate(s.facts("ada", trusted=True), s.run, "made in error"))
    assert (s.run.state, s.holders("cancelled")) == ("cancelled", ["mei"])


def test_the_events_tell_the_state():
    s = stage(step("line", by("user", "fay"), by("user", "fox"), mode="in_order"), step("manager", MANAGER))
    s.approves("fay")
    s.returns("fox")
    s.submit()
    s.approves("fay")
    s.approves("fox")
    s.approves("mei")
    assert replay(s.events) == s.run.state == "approved"
    with pytest.raises(ValueError):
        replay([e for e in s.events if e.kind != "resubmitted"])


def test_every_kind_of_refusal_speaks_both_languages():
    s = stage(step("any", FINANCE))
    s.approves("fox")
    for refused in (s.approves("fay"), s.withdraws(), s.submit() if s.run.is_live else s.withdraws("sana")):
        assert isinstance(refused, Refusal)
        assert refused.message.get("en")
        assert refused.message.get("zh") != refused.message.get("en")


def test_foresee_follows_the_same_rules():
    big = When(lambda v: v["amount"] > 1000, ("amount",))
    s = stage(step("manager", MANAGER), step("big", FINANCE, when=big), step("again", MANAGER),
              submitted=False, duplicates="any_earlier")  # fmt: skip
    path = foresee(s.facts("rui"), "rui")
    assert [(entry.step.name, entry.applies, entry.may_change) for entry in path] == [
        ("manager", True, False), ("big", False, True), ("again", True, True),
    ]  # fmt: skip
    assert path[2].found.seats[0].skipped == "duplicate"


def test_resuming_after_everybody_abstained_asks_again():
    """Scenario 29: nobody took a side."""
    s = stage(step("all", FINANCE, mode="all"))
    from dataclasses import replace

    from fairlead.decide.progress import Act

    act = Act(s.facts("fay"), s.run)
    for task in s.run.tasks:
        act.change(task, state="abstained", actor=task.holder)
    act.settle(s.flow.steps[0])
    s.apply(act.done())
    assert (s.run.state, s.run.reason) == ("suspended", "no_decision")
    s.apply(approval.resume(replace(s.facts("ada"), trusted=True), s.run, "ask again"))
    assert (s.run.round, len(s.holders())) == (2, 3)
    assert isinstance(s.events[-1], RunEvent)
