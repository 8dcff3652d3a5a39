"""Approvals at the screen: the queue, the decision, the race, the path, the look ahead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fairlead.work import approvals

from tests.support.world import open_world
from tests.web.desk import PART, Screens, counted, screens_of, words
from tests.web.office import OFFICE

FLOW = """
kind: approval
name: deal_approval
label: {en: Deal approval, zh: 交易审批}
entity: deal
start: {on: submit, when: "record.amount > 100.0"}
decisive: [amount, lines]
lock: all
steps:
  - {name: manager, label: {en: Manager, zh: 主管}, by: {manager_of: starter, level: 1}, mode: any, on_reject: ends,
     reason_required: true, editable: [region]}
  - {name: admin, label: {en: Director, zh: 总监}, when: "record.amount > 5000.0", by: {role: admin}, mode: any, on_reject: ends}
allow: [transfer, return, withdraw, urge]
self: to_manager
withdraw: until_final
summary: [amount, region, close_on]
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screens]:
    """The office with a flow for deals."""
    folder: Path = tmp_path_factory.mktemp("inbox")
    with open_world(
        f"sqlite:///{folder / 'fairlead.sqlite3'}", {**OFFICE, "workflows/deal_approval.yaml": FLOW}
    ) as world:
        yield screens_of(world)


def submitted(
    desk: Screens, name: str = "Cranes", amount: str = "900", **values: object
) -> tuple[str, str, str]:
    """Submit a deal of Rui's; return the record, the run and the open task of Mei."""
    id = desk.world.create("rui", name=name, amount=amount, **values)
    run = approvals.submit(desk.context("rui"), "deal", id, version=None).approval
    assert run is not None
    mine = approvals.approval(desk.context("mei"), run).my_task
    assert mine is not None
    return id, run, mine[0]


def open_tasks(desk: Screens, who: str = "mei") -> list[str]:
    """Return what waits for somebody."""
    return [one.id for one in approvals.tasks(desk.context(who), "open").items]


def test_the_queue_opens_on_the_facts_that_decide(desk: Screens) -> None:
    _, _, task = submitted(
        desk, "Harbour cranes", "1250.50", region="north", lines=[{"item": "Crane", "qty": 2, "price": "10"}]
    )
    text = desk.as_("mei").text(f"/inbox?task={task}")
    for expected in ("Harbour cranes", "¥1,250.50", "North", "Crane", "Rui", "Manager", "Approve", "Reject"):
        assert expected in text


def test_nothing_of_others_waits_for_me(desk: Screens) -> None:
    _, run, task = submitted(desk, "Secret cranes")
    assert "Secret cranes" not in desk.as_("sana").text("/inbox")
    assert "Secret cranes" not in desk.as_("sana").text(f"/inbox?task={task}")
    assert desk.as_("sana").get(f"/approvals/{run}").status_code == 404
    refused = desk.as_("sana").post(
        f"/inbox/{task}/decide", {"decision": "approve", "version": "1"}, headers=PART
    )
    assert refused.status_code in (404, 409)
    assert task in open_tasks(desk)


def test_after_a_decision_the_next_item_follows(desk: Screens) -> None:
    _, first_run, first = submitted(desk, "First")
    _, _, second = submitted(desk, "Second")
    answer = desk.as_("mei").post(
        f"/inbox/{first}/decide", {"decision": "approve", "version": "1"}, headers=PART
    )
    assert answer.status_code == 200
    assert answer.headers["HX-Replace-Url"] == f"/inbox?task={second}"
    assert f'id="item-{second}"' in answer.text
    assert "Approved: First" in answer.headers["HX-Trigger"]
    assert approvals.approval(desk.context("mei"), first_run).state == "approved"


def test_rejecting_needs_a_reason_where_the_step_says_so(desk: Screens) -> None:
    _, run, task = submitted(desk)
    again = desk.as_("mei").post(
        f"/inbox/{task}/decide", {"decision": "reject", "version": "1"}, headers=PART
    )
    assert again.status_code == 422
    assert "Please give a reason." in words(again)
    desk.as_("mei").post(
        f"/inbox/{task}/decide", {"decision": "reject", "version": "1", "comment": "Too dear"}, headers=PART
    )
    assert approvals.approval(desk.context("mei"), run).state == "rejected"


def test_the_loser_of_a_race_gets_the_news(desk: Screens) -> None:
    """A-V02: told by whom and when, not an error, and the queue goes on."""
    _, run, task = submitted(desk, "Raced")
    approvals.withdraw(desk.context("rui"), run)
    answer = desk.as_("mei").post(
        f"/inbox/{task}/decide", {"decision": "approve", "version": "1"}, headers=PART
    )
    assert answer.status_code == 409
    assert answer.mimetype == "text/html"
    assert "Rui withdrew this already." in words(answer)
    assert approvals.approval(desk.context("mei"), run).state == "withdrawn"


def test_a_double_click_decides_once(desk: Screens) -> None:
    """A-V03."""
    _, run, task = submitted(desk, "Twice")
    for _ in range(2):
        answer = desk.as_("mei").post(
            f"/inbox/{task}/decide", {"decision": "approve", "version": "1"}, headers=PART
        )
        assert answer.status_code == 200
    kinds = [event.kind for event in approvals.approval(desk.context("mei"), run).events]
    assert kinds.count("approved") == 1


def test_a_link_decides_nothing(desk: Screens) -> None:
    """A-V09."""
    _, _, task = submitted(desk)
    mei = desk.as_("mei")
    assert mei.get(f"/inbox/{task}/decide?decision=approve").status_code in (404, 405)
    assert (
        mei.post(
            f"/inbox/{task}/decide", {"decision": "approve", "version": "1"}, headers=PART, csrf=False
        ).status_code
        == 403
    )
    assert task in open_tasks(desk)


def test_what_the_step_opens_is_changed_with_the_decision(desk: Screens) -> None:
    id, _, task = submitted(desk, region="north")
    assert 'name="set.region"' in desk.as_("mei").get(f"/inbox?task={task}").text
    sent = {"decision": "approve", "version": "1", "set.region": "south"}
    desk.as_("mei").post(f"/inbox/{task}/decide", sent, headers=PART)
    assert desk.world.get("ada", id)["region"] == "south"


def test_several_are_approved_at_once_each_with_its_own_answer(desk: Screens) -> None:
    _, first_run, first = submitted(desk, "One of many")
    _, gone_run, gone = submitted(desk, "Withdrawn one")
    approvals.withdraw(desk.context("rui"), gone_run)
    answer = desk.as_("mei").post("/inbox/bulk", {"ids": [f"{first}:1", f"{gone}:1"]}, headers=PART)
    assert "1 approved." in words(answer)
    assert "withdrew" in words(answer)
    assert approvals.approval(desk.context("mei"), first_run).state == "approved"


def test_sending_back_and_handing_over(desk: Screens) -> None:
    _, back_run, back = submitted(desk, "Goes back")
    _, over_run, over = submitted(desk, "Goes over")
    mei = desk.as_("mei")
    assert "Send Goes back back" in words(mei.get(f"/inbox/{back}/return", PART))
    mei.post(f"/inbox/{back}/return", {"version": "1", "comment": "Once more"}, headers=PART)
    assert approvals.approval(desk.context("mei"), back_run).state == "returned"
    refused = mei.post(f"/inbox/{over}/transfer", {"version": "1", "to": "nobody"}, headers=PART)
    assert refused.status_code in (409, 422)
    mei.post(f"/inbox/{over}/transfer", {"version": "1", "to": desk.world.actors["ada"].id}, headers=PART)
    assert approvals.approval(desk.context("ada"), over_run).my_task is not None


def test_the_path_says_who_why_and_who_comes_next(desk: Screens) -> None:
    _, run, _ = submitted(desk, "Long way", "9000")
    text = desk.as_("rui").text(f"/approvals/{run}")
    for expected in (
        "Submitted",
        "Mei",
        "manager of Rui, level 1",
        "Director",
        "Ada",
        "has the role Admin",
        "Remind",
    ):
        assert expected in text
    assert "Mei" in words(desk.as_("rui").get(f"/approvals/{run}/path", PART))


def test_the_starter_withdraws_and_reminds(desk: Screens) -> None:
    _, run, _ = submitted(desk)
    rui = desk.as_("rui")
    assert rui.post(f"/approvals/{run}/urge").status_code == 303
    assert rui.post(f"/approvals/{run}/urge").status_code == 303, "too soon is an answer, not an error"
    assert desk.as_("sana").post(f"/approvals/{run}/withdraw", headers=PART).status_code in (403, 404)
    rui.post(f"/approvals/{run}/withdraw", {"comment": "Changed my mind"}, headers=PART)
    assert approvals.approval(desk.context("rui"), run).state == "withdrawn"


def test_before_submitting_one_sees_who_would_be_asked(desk: Screens) -> None:
    id = desk.world.create("rui", name="Ahead", amount="9000")
    text = words(desk.as_("rui").get(f"/r/deal/{id}/submit", PART))
    assert "Mei" in text
    assert "Ada" in text
    assert desk.as_("rui").post(f"/r/deal/{id}/submit", headers=PART, csrf=False).status_code == 403
    answer = desk.as_("rui").post(f"/r/deal/{id}/submit", {"flow": "deal_approval"}, headers=PART)
    assert f"/r/deal/{id}" in answer.headers["HX-Location"]
    assert desk.world.get("rui", id)["approval_state"] == "pending"


def test_what_needs_nobody_says_so_beforehand(desk: Screens) -> None:
    id = desk.world.create("rui", name="Small", amount="50")
    assert "Nobody has to approve this" in words(desk.as_("rui").get(f"/r/deal/{id}/submit", PART))


def test_what_changed_since_the_last_time_is_shown(desk: Screens) -> None:
    id, _, task = submitted(desk, "Again", "900")
    desk.as_("mei").post(
        f"/inbox/{task}/decide", {"decision": "reject", "version": "1", "comment": "Less"}, headers=PART
    )
    desk.world.change("rui", id, amount="700")
    approvals.submit(desk.context("rui"), "deal", id, version=None)
    waiting = [one for one in approvals.tasks(desk.context("mei"), "open").items if one.line.record_id == id]  # type: ignore[union-attr]
    text = desk.as_("mei").text(f"/inbox?task={waiting[0].id}")
    assert "Changed since the last time it was submitted" in text
    assert "¥900.00" in text


def test_the_other_boxes(desk: Screens) -> None:
    _, _, task = submitted(desk, "Boxed", "9000")
    assert "Boxed" in desk.as_("rui").text("/inbox?box=mine")
    desk.as_("mei").post(f"/inbox/{task}/decide", {"decision": "approve", "version": "1"}, headers=PART)
    assert "Boxed" in desk.as_("mei").text("/inbox?box=done")
    assert "Boxed" in desk.as_("ada").text("/inbox")
    assert desk.as_("mei").get("/inbox?box=nothing").status_code == 404


def test_the_inbox_asks_the_database_little(desk: Screens) -> None:
    for number in range(5):
        submitted(desk, f"Many {number}")
    desk.as_("mei").get("/inbox")
    with counted() as ran:
        desk.as_("mei").get("/inbox")
    assert len(ran) <= 10, ran
