"""Approvals on a real database: every act in one transaction, every race with one winner."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from fairlead.base.errors import Conflict, Failure, Forbidden, Invalid, Locked, NotFound, Refused
from fairlead.decide.approval import replay
from fairlead.store import approvals as store
from fairlead.store import history, people
from fairlead.store.database import Database
from fairlead.work import approvals, inbox, purging, reading, records
from fairlead.work.approvals import BulkItem
from fairlead.work.approving import TooSoon

from tests.work.approval_office import FLOW, SCHEMA, Office


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    found = Database(database_url)
    yield found
    found.close()


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    made = Office.open(database)
    yield made
    check_promises(made)


def check_promises(office: Office) -> None:
    """Scenario 30, for every run that a test leaves behind."""
    with office.database.write() as tx:
        keys = [row[0] for row in tx.all(office.database.prepare(_all_runs()))]
    for key in keys:
        run = office.run(key)
        kept = store.events(office.database, key)
        assert replay([one.event for one in kept]) == run.state
        assert store.broken_link(office.database, key) is None
        open_tasks = [task for task in run.tasks if task.state in ("open", "consulting")]
        assert bool(open_tasks) == (run.state == "running")


def _all_runs() -> Any:
    import sqlalchemy as sa
    from fairlead.store.system import approval

    return sa.select(approval.c.id)


def kinds(office: Office, quote: str) -> list[str]:
    return [event.kind for event in history.of_record(office.database, quote)]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do everything at the same instant; return results, or the failures that were raised."""
    barrier = threading.Barrier(len(acts))

    def go(act: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return act()
        except Failure as failure:
            return failure

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(go, acts))


# ---------------------------------------------------------------- the way through


def test_from_submission_to_effect(office: Office) -> None:
    quote, _run = office.submitted()
    assert office.record(quote)["approval_state"] == "pending"
    assert office.task("mei").line.title == "Quote 1"
    first = office.approve("mei", comment="fine by me")
    assert (first.state, first.step) == ("running", "finance")
    last = office.approve("fox")
    assert (last.state, last.task) == ("approved", "approved")
    record = office.record(quote)
    assert (record["approval_state"], record["status"]) == ("approved", "effective")
    assert "approve" in kinds(office, quote)
    assert "submit" in kinds(office, quote)
    assert ("approval.approved", "Quote 1 was approved (Discount)") in office.news("rui")
    assert ("approval.closed", "Fox approved Quote 1 (Discount)") in office.news("fay")
    assert [line.line.state for line in office.tasks("fay", "done")] == ["closed"]


def test_not_needed_runs_at_once(office: Office) -> None:
    quote = office.quote(discount="0.05")
    result = office.submit("rui", quote)
    assert (result.needed, result.state, result.approval) == (False, "not_needed", None)
    assert office.record(quote)["status"] == "effective"


def test_rejection_has_its_own_effect(office: Office) -> None:
    quote, _run = office.submitted()
    with pytest.raises(Invalid) as failure:
        office.reject("mei", comment=" ")
    assert failure.value.errors[0].code == "reason_required"
    office.reject("mei")
    record = office.record(quote)
    assert (record["approval_state"], record["status"]) == ("rejected", "refused")
    assert "reject" in kinds(office, quote)


def test_who_may_submit(office: Office) -> None:
    quote = office.quote()
    with pytest.raises(NotFound):
        office.submit("otto", quote)
    with pytest.raises(NotFound):
        office.submit("fay", quote)
    with pytest.raises(Conflict):
        office.submit("rui", quote, version=99)


def test_a_second_submission_names_the_first(office: Office) -> None:
    quote, run = office.submitted()
    with pytest.raises(Refused) as failure:
        office.submit("rui", quote)
    assert (failure.value.code, failure.value.current) == (
        "live_instance",
        {"approval": run, "state": "running"},
    )


def test_a_withdrawn_one_leaves_a_new_run(office: Office) -> None:
    quote, run = office.submitted()
    approvals.withdraw(office.ctx("rui"), run)
    assert office.record(quote)["approval_state"] == "withdrawn"
    second = office.submit("rui", quote)
    assert office.run(second.approval).previous == run


# ---------------------------------------------------------------- acceptance scenarios


def test_scenario_1_any_sign_on_the_whole_stack(office: Office) -> None:
    _quote, run = office.submitted()
    office.approve("mei")
    closed = office.task("fox")
    office.reject("fay")
    assert office.run(run).state == "rejected"
    with pytest.raises(Refused) as failure:
        office.approve("fox", task=closed)
    current = failure.value.current
    assert failure.value.code == "already_decided"
    assert (current["outcome"], current["by"]) == ("rejected", office.ids["fay"])


def test_scenario_4_after_a_return_everybody_is_asked_again(office: Office) -> None:
    quote, run = office.submitted()
    office.approve("mei")
    task = office.task("fay")
    approvals.return_to_starter(office.ctx("fay"), task.id, version=task.version, comment="too much")
    assert office.record(quote)["approval_state"] == "returned"
    assert ("approval.returned", "Fay sent Quote 1 back to you (Discount)") in office.news("rui")
    version = office.record(quote)["version"]
    records.update(office.ctx("rui"), "quote", quote, {"discount": "0.15"}, version=version)
    result = office.submit("rui", quote, comment="15 % now")
    assert (result.approval, office.run(run).round) == (run, 2)
    assert office.task("mei").line.step == "manager"


def test_scenario_15_withdraw_after_the_first_decision(office: Office) -> None:
    _quote, run = office.submitted()
    office.approve("mei")
    with pytest.raises(Refused) as failure:
        approvals.withdraw(office.ctx("rui"), run)
    assert (failure.value.code, failure.value.current["by_name"]) == ("already_decided", "Mei")


def test_scenario_15_until_final(database: Database) -> None:
    office = Office.open(database, workflows__discount=FLOW.replace("until_first_decision", "until_final"))
    _quote, run = office.submitted()
    office.approve("mei")
    approvals.withdraw(office.ctx("rui"), run)
    assert office.run(run).state == "withdrawn"
    assert office.tasks("fay") == []
    check_promises(office)


def test_scenario_16_the_lock_holds_at_every_door(office: Office) -> None:
    quote, run = office.submitted()
    version = office.record(quote)["version"]
    with pytest.raises(Locked) as failure:
        records.update(office.ctx("rui"), "quote", quote, {"amount": "500000.00"}, version=version)
    assert (failure.value.status, failure.value.current) == (423, {"approval": run})
    with pytest.raises(Locked), database_write(office) as tx:
        records.update_in(tx, office.ctx("system"), "quote", quote, {"amount": 1})
    # What is not decisive stays open with `lock: decisive`.
    records.update(office.ctx("rui"), "quote", quote, {"note": "call back"}, version=version)
    assert office.approve("mei").state == "running"


def database_write(office: Office) -> Any:
    return office.database.write()


def test_scenario_18_edits_with_the_decision(office: Office) -> None:
    quote, run = office.submitted()
    office.approve("mei")
    task = office.task("fay")
    with pytest.raises(Invalid) as broken:
        office.approve("fay", changes={"terms": "never"})
    assert broken.value.errors[0].field == "terms"
    assert office.task("fay").version == task.version, "nothing was decided"
    with pytest.raises(Forbidden) as closed:
        office.approve("fay", changes={"discount": "0"})
    assert closed.value.code == "not_editable"
    office.approve("fay", changes={"terms": "60 days"})
    assert office.record(quote)["terms"] == "60 days"
    assert office.run(run).task(task.id).changes == {"terms": [None, "60 days"]}


def test_scenario_12_transfer(office: Office) -> None:
    _quote, _run = office.submitted()
    task = office.task("mei")

    def hand(to: str) -> Any:
        return approvals.transfer(office.ctx("mei"), task.id, office.ids[to], version=task.version)

    for to, code in (("rui", "is_starter"), ("mei", "same_person")):
        with pytest.raises(Refused) as failure:
            hand(to)
        assert (failure.value.code, failure.value.status) == (code, 409)
    hand("lin")
    assert office.tasks("mei") == []
    new = office.task("lin")
    with pytest.raises(Refused) as failure:
        approvals.transfer(office.ctx("lin"), new.id, office.ids["mei"], version=new.version)
    assert failure.value.code == "no_way_back"
    with pytest.raises(Refused) as failure:
        office.approve("mei", task=task)
    assert failure.value.code == "task_version"
    assert office.approve("lin").step == "finance"


def test_scenario_28_urge(office: Office) -> None:
    _quote, run = office.submitted()
    approvals.urge(office.ctx("rui"), run)
    assert office.news("mei")[0][0] == "approval.urged"
    with pytest.raises(TooSoon) as failure:
        approvals.urge(office.ctx("rui"), run)
    assert failure.value.status == 429
    assert failure.value.data["retry_at"] == "2026-03-02T08:00:00.000000Z"
    office.later(hours=4)
    approvals.urge(office.ctx("rui"), run)


def test_a_failed_effect_keeps_the_click(office: Office) -> None:
    """AP-12: the decision stands, the record is whole, and the rule is named."""
    quote, run = office.submitted(note="cursed")
    office.approve("mei")
    result = office.approve("fay")
    assert (result.state, result.reason) == ("suspended", "effect_failed:approved")
    record = office.record(quote)
    assert (record["status"], record["approval_state"]) == ("draft", "pending")
    path = inbox.approval(office.ctx("rui"), run)
    assert path.reason is not None
    assert path.reason.get("en") == "note: A cursed quote never takes effect"
    assert (
        "approval.suspended",
        "Quote 1 (Discount) cannot go on: note: A cursed quote never takes effect",
    ) in office.news("ada")
    with pytest.raises(Forbidden):
        approvals.resume(office.ctx("rui"), run, reason="please")
    with office.database.write() as tx:
        records.update_in(tx, office.ctx("system"), "quote", quote, {"note": "blessed"}, through_lock=True)
    assert approvals.resume(office.ctx("ada"), run, reason="note mended").state == "approved"
    assert office.record(quote)["status"] == "effective"


# ---------------------------------------------------------------- bad inputs


def test_the_requester_cannot_approve_by_a_handmade_request(office: Office) -> None:
    """A-V01: 403, a line in the history, nothing changed."""
    _quote, run = office.submitted()
    task = office.task("mei")
    with pytest.raises(Forbidden) as failure:
        office.approve("rui", task=task)
    assert failure.value.status == 403
    assert office.run(run).task(task.id).state == "open"
    last = store.events(office.database, run)[-1].event
    assert (last.kind, last.actor, last.data["code"]) == ("refused", office.ids["rui"], "not_holder")


def test_a_stranger_sees_no_task(office: Office) -> None:
    _quote, run = office.submitted()
    task = office.task("mei")
    with pytest.raises(NotFound):
        office.approve("otto", task=task)
    with pytest.raises(NotFound):
        inbox.task(office.ctx("otto"), task.id)
    with pytest.raises(NotFound):
        inbox.approval(office.ctx("otto"), run)
    with pytest.raises(NotFound):
        approvals.approve(office.ctx("rui"), "nosuchtask000000", version=1)


def test_approve_after_withdrawal(office: Office) -> None:
    """A-V02."""
    _quote, run = office.submitted()
    task = office.task("mei")
    approvals.withdraw(office.ctx("rui"), run)
    with pytest.raises(Refused) as failure:
        office.approve("mei", task=task)
    assert (failure.value.code, failure.value.current["outcome"]) == ("already_decided", "withdrawn")


def test_the_same_approval_twice(office: Office) -> None:
    """A-V03: one decision, the same answer, one message."""
    _quote, run = office.submitted()
    task = office.task("mei")
    first = office.approve("mei", task=task)
    again = office.approve("mei", task=task)
    assert (again.replayed, again.state, again.step, again.task) == (
        True,
        first.state,
        first.step,
        "approved",
    )
    events = [one.event.kind for one in store.events(office.database, run)]
    assert events.count("task_approved") == 1
    assert len([kind for kind, _ in office.news("fay") if kind == "approval.task"]) == 1


@pytest.mark.parametrize("what", ["amount", "lines"])
def test_a_value_that_changed_in_spite_of_the_lock(office: Office, what: str) -> None:
    """A-V04, A-V05: never the old approval on the new amount."""
    quote, run = office.submitted()
    office.approve("mei")
    task = office.task("fay")
    new: Any = {"amount": 500_000, "lines": [{"item": "extra", "qty": 1}]}[what]
    with office.database.write() as tx:
        records.update_in(tx, office.ctx("system"), "quote", quote, {what: new}, through_lock=True)
    with pytest.raises(Refused) as failure:
        office.approve("fay", task=task)
    assert failure.value.code == "changed"
    after = office.run(run)
    assert (after.state, after.round, after.step) == ("running", 2, "manager")
    assert office.task("mei").line.step == "manager"
    assert office.tasks("fay") == []


def test_the_role_was_lost(office: Office) -> None:
    """A-V08; the seat can still be given to somebody else."""
    _quote, _run = office.submitted()
    office.approve("mei")
    task = office.task("fay")
    with office.database.write() as tx:
        account = people.account(tx, office.ids["fay"])
        assert account is not None
        people.update_user(tx, account, {"roles": ("rep",)})
    with pytest.raises(Forbidden) as failure:
        office.approve("fay", task=task)
    assert failure.value.code == "role_lost"
    approvals.reassign(office.ctx("ada"), task.id, office.ids["otto"], reason="moved to sales")
    assert office.approve("otto").state == "approved"


def test_pending_ones_finish_as_they_began(office: Office) -> None:
    """A-V10: the flow loses a step and gains another while a request is pending."""
    _quote, run = office.submitted()
    office.publish(
        workflows__discount=FLOW.replace("name: finance", "name: director").replace(
            "role: finance}", "role: admin}"
        )
    )
    assert office.run(run).revision != office.app.revision
    assert office.approve("mei").step == "finance"
    assert office.approve("fay").state == "approved"
    _second, other = office.submitted(name="Quote 2")
    office.approve("mei")
    assert office.run(other).step == "director"


def test_scenario_2_the_account_is_closed(office: Office) -> None:
    _quote, _run = office.submitted()
    with office.database.write() as tx:
        account = people.account(tx, office.ids["mei"])
        assert account is not None
        people.update_user(tx, account, {"active": False})
        assert approvals.replace_leaver(tx, office.ctx("ada"), office.ids["mei"]) == 1
    assert office.approve("lin").step == "finance"


# ---------------------------------------------------------------- races


ROUNDS = 5


def test_ap_80_a_two_any_signers(office: Office) -> None:
    for number in range(ROUNDS):
        _quote, run = office.submitted(name=f"Quote {number}")
        office.approve("mei")
        fay, fox = office.task("fay"), office.task("fox")
        results = at_once(
            lambda t=fay: office.approve("fay", task=t), lambda t=fox: office.approve("fox", task=t)
        )
        lost = [found for found in results if isinstance(found, Refused)]
        assert [failure.code for failure in lost] == ["already_decided"]
        events = [one.event.kind for one in store.events(office.database, run)]
        assert (events.count("task_approved"), events.count("approved")) == (2, 1)


def test_ap_80_b_approve_and_reject(office: Office) -> None:
    for number in range(ROUNDS):
        quote, _run = office.submitted(name=f"Quote {number}")
        office.approve("mei")
        tasks = {who: office.task(who) for who in ("fay", "fox")}
        fox = tasks["fox"]
        results = at_once(
            partial(office.approve, "fay", task=tasks["fay"]),
            partial(approvals.reject, office.ctx("fox"), fox.id, version=fox.version, comment="no"),
        )
        won = [found for found in results if not isinstance(found, Failure)]
        assert len(won) == 1
        status = {"approved": "effective", "rejected": "refused"}[won[0].state]
        assert office.record(quote)["status"] == status


def test_ap_80_c_the_last_two_all_signers(database: Database) -> None:
    """A-V07: both count, the next step starts once."""
    flow = FLOW.replace("by: {manager_of: starter, level: 1}\n    mode: any\n    on_reject: ends",
                        "by: [{user: mei}, {user: lin}]\n    mode: all")  # fmt: skip
    office = Office.open(database, workflows__discount=flow)
    for number in range(ROUNDS):
        _quote, run = office.submitted(name=f"Quote {number}")
        mei, lin = office.task("mei"), office.task("lin")
        results = at_once(
            lambda t=mei: office.approve("mei", task=t), lambda t=lin: office.approve("lin", task=t)
        )
        assert not any(isinstance(found, Failure) for found in results), results
        started = [
            one.event.step for one in store.events(office.database, run) if one.event.kind == "step_started"
        ]
        assert started == ["manager", "finance"]
        office.approve("fay")
    check_promises(office)


def test_ap_80_d_approve_and_withdraw(office: Office) -> None:
    for number in range(ROUNDS):
        _quote, run = office.submitted(name=f"Quote {number}")
        task = office.task("mei")
        results = at_once(
            lambda t=task: office.approve("mei", task=t),
            lambda r=run: approvals.withdraw(office.ctx("rui"), r),
        )
        lost = [found for found in results if isinstance(found, Refused)]
        assert len(lost) == 1
        assert lost[0].code == "already_decided"
        winner = office.run(run).state
        assert lost[0].current["outcome"] == ("withdrawn" if winner == "withdrawn" else "approved")


def test_ap_80_e_approve_and_transfer(office: Office) -> None:
    for number in range(ROUNDS):
        _quote, _run = office.submitted(name=f"Quote {number}")
        task = office.task("mei")
        results = at_once(
            lambda t=task: office.approve("mei", task=t),
            lambda t=task: approvals.transfer(office.ctx("mei"), t.id, office.ids["lin"], version=t.version),
        )
        lost = [found for found in results if isinstance(found, Refused)]
        assert [failure.code for failure in lost] == ["task_version"]
        for line in office.tasks("lin"):
            office.approve("lin", task=line)


def test_ap_80_k_a_double_click(office: Office) -> None:
    for number in range(ROUNDS):
        _quote, _run = office.submitted(name=f"Quote {number}")
        task = office.task("mei")
        results = at_once(*(lambda t=task: office.approve("mei", task=t) for _ in range(3)))
        assert not any(isinstance(found, Failure) for found in results), results
        assert sorted(found.replayed for found in results) == [False, True, True]


def test_ap_80_l_two_submissions(office: Office) -> None:
    for number in range(ROUNDS):
        quote = office.quote(name=f"Quote {number}")
        version = office.record(quote)["version"]
        submit = partial(office.submit, "rui", quote, version=version)
        results = at_once(submit, submit)
        won = [found for found in results if not isinstance(found, Failure)]
        lost = [found for found in results if isinstance(found, Failure)]
        assert len(won) == 1
        assert [(failure.code, failure.current["approval"]) for failure in lost] == [
            ("live_instance", won[0].approval)
        ]


def test_ap_80_n_an_edit_and_a_submission(office: Office) -> None:
    for number in range(ROUNDS):
        quote = office.quote(name=f"Quote {number}")
        version = office.record(quote)["version"]
        results = at_once(
            partial(office.submit, "rui", quote, version=version),
            partial(records.update, office.ctx("rui"), "quote", quote, {"amount": "9.00"}, version=version),
        )
        lost = [found for found in results if isinstance(found, Failure)]
        assert len(lost) == 1, results
        assert lost[0].status in (412, 423)


# ---------------------------------------------------------------- seeing


def test_the_path_says_who_why_and_since_when(office: Office) -> None:
    _quote, run = office.submitted()
    office.later(hours=1)
    office.approve("mei", comment="fine")
    path = inbox.approval(office.ctx("rui"), run)
    manager, finance = path.steps
    assert (manager.state, finance.state) == ("done", "now")
    (seat,) = manager.seats
    assert seat.name.get("en") == "Mei"
    assert seat.reasons[0].get("en") == "manager of Rui, level 1"
    assert (seat.comment, seat.state) == ("fine", "approved")
    assert {seat.name.get("en") for seat in finance.seats} == {"Fay", "Fox", "Fen"}
    assert finance.seats[0].reasons[0].get("zh") == "具有角色“finance”"
    assert finance.seats[0].since == office.clock()
    assert manager.usual_s == 3600
    assert path.may == {"comment", "urge"}
    assert path.to_json("zh")["steps"][0]["label"] == "主管"
    assert inbox.approval(office.ctx("fay"), run).my_task is not None


def test_the_path_before_submitting(office: Office) -> None:
    quote = office.quote(amount="500.00")
    path = inbox.approval_path(office.ctx("rui"), "quote", quote)
    assert path is not None
    assert [(step.name, step.state, step.may_change) for step in path.steps] == [
        ("manager", "to_come", False), ("finance", "passed", True),
    ]  # fmt: skip
    assert path.may == {"submit"}
    assert path.steps[0].seats[0].name.get("en") == "Mei"
    small = inbox.approval_path(office.ctx("rui"), "quote", office.quote(discount="0"))
    assert small is not None
    assert (small.needed, small.steps) == (False, ())
    with pytest.raises(NotFound):
        inbox.approval_path(office.ctx("otto"), "quote", quote)
    office.submit("rui", quote)
    live = inbox.approval_path(office.ctx("rui"), "quote", quote)
    assert live is not None
    assert live.state == "running"


def test_the_boxes(office: Office) -> None:
    runs = [office.submitted(name=f"Quote {number}")[1] for number in range(3)]
    first = inbox.tasks(office.ctx("mei"), limit=2)
    second = inbox.tasks(office.ctx("mei"), after=first.next, limit=2)
    assert [task.line.title for task in (*first.items, *second.items)] == ["Quote 0", "Quote 1", "Quote 2"]
    assert second.next is None
    assert inbox.waiting_for_me(office.ctx("mei")) == 3
    mine = inbox.tasks(office.ctx("rui"), "mine").items
    assert [view.id for view in mine] == runs[::-1]
    assert mine[0].to_json("zh")["flow_label"] == "折扣"
    view = first.items[0].to_json()
    assert (view["step_label"], view["starter"]["name"], view["why"]) == (
        "Manager",
        "Rui",
        ["manager of Rui, level 1"],
    )
    with pytest.raises(Invalid):
        inbox.tasks(office.ctx("mei"), "nonsense")
    with pytest.raises(Invalid):
        inbox.tasks(office.ctx("mei"), after="nonsense")


def test_an_approver_reads_the_record_through_the_task(office: Office) -> None:
    quote, _run = office.submitted()
    with pytest.raises(NotFound):
        reading.get(office.ctx("fay"), "quote", quote)
    office.approve("mei")
    assert reading.get(office.ctx("fay"), "quote", quote)["name"] == "Quote 1"
    office.approve("fay")
    office.later(days=91)
    assert not approvals.may_read_through_task(office.ctx("fay"), "quote", quote)


def test_comments_reach_those_who_take_part(office: Office) -> None:
    _quote, run = office.submitted()
    approvals.comment(office.ctx("mei"), run, "What margin?")
    assert office.news("rui")[0] == ("approval.comment", "Mei commented on Quote 1: What margin?")
    with pytest.raises(Invalid):
        approvals.comment(office.ctx("mei"), run, " ")


def test_reminders_come_once(office: Office) -> None:
    _quote, _run = office.submitted()
    task = office.task("mei")
    assert approvals.remind_due(office.ctx("system")) == 0
    office.later(days=2)
    assert office.task("mei").overdue
    assert approvals.remind_due(office.ctx("system")) == 1
    assert approvals.remind_due(office.ctx("system")) == 0
    assert office.news("mei")[0][0] == "approval.reminder"
    assert office.news("ada")[0][0] == "approval.escalated"
    assert office.approve("mei", task=task).state == "running"


def test_bulk_answers_each_row(office: Office) -> None:
    made = [office.submitted(name=f"Quote {number}") for number in range(3)]
    lines = office.tasks("mei")
    approvals.withdraw(office.ctx("rui"), made[1][1])
    items = [BulkItem(view.id, view.version, "approve") for view in lines]
    answers = approvals.bulk(office.ctx("mei"), items)
    assert [answer.failure.code if answer.failure else None for answer in answers] == [
        None,
        "already_decided",
        None,
    ]
    refused = approvals.bulk(office.ctx("fay"), [BulkItem(office.tasks("fay")[0].id, 1, "reject")])
    assert refused[0].failure is not None
    assert refused[0].failure.code == "reason_required"


def test_terminate_and_delete(office: Office) -> None:
    quote, run = office.submitted()
    with pytest.raises(Forbidden):
        approvals.terminate(office.ctx("rui"), run, reason="x")
    assert approvals.terminate(office.ctx("ada"), run, reason="made in error").state == "cancelled"
    assert office.record(quote)["approval_state"] == "none"
    quote, run = office.submitted(name="Quote 2")
    assert [live.id for live in approvals.live_runs(office.database, "quote", quote)] == [run]
    with office.database.write() as tx:
        assert approvals.cancel_for_record(tx, office.ctx("ada"), "quote", quote, reason="erased") == 1
    assert office.run(run).reason == "record_deleted"


def test_the_inbox_is_one_statement(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        office.submitted(name=f"Quote {number}")
    ctx = office.ctx("mei")
    count = 0
    plain = Database.all

    def counted(self: Database, *given: Any) -> Any:
        nonlocal count
        count += 1
        return plain(self, *given)

    monkeypatch.setattr(Database, "all", counted)
    assert len(inbox.tasks(ctx).items) == 3
    assert count == 1


@pytest.mark.parametrize(("amount", "state"), [("5000.00", "running"), ("10.00", "approved")])
def test_cf_60_a_dropped_field_serves_the_approvals_that_began_with_it(
    office: Office, amount: str, state: str
) -> None:
    """The condition of the second step reads an amount that no document names any more."""
    id, run = office.submitted(amount=amount)
    office.publish(
        schemas__quote="\n".join(line for line in SCHEMA.splitlines() if "  amount:" not in line),
        workflows__discount=FLOW.replace("discount, amount, lines", "discount, lines")
        .replace('    when: "record.amount > 1000.0"\n', "")
        .replace("summary: [amount, discount]", "summary: [discount]"),
    )
    assert "amount" not in office.record(id)
    office.approve("mei")
    assert office.run(run).state == state
    late = office.clock() + timedelta(days=400)
    if state == "approved":
        assert office.record(id)["status"] == "effective"
        assert [one.name for one in purging.purge(office.database, ["quote.amount"], author="ada", now=late)]
        return
    with pytest.raises(Refused) as refused:
        purging.purge(office.database, ["quote.amount"], author="ada", now=late)
    assert refused.value.code == "purge.needed"
    assert inbox.task(office.ctx("fay"), office.task("fay").id).line.step == "finance"
    office.approve("fay")
    assert office.record(id)["status"] == "effective"
