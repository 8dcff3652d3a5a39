"""Scenario 30: whatever people do in whatever order, the promises hold after every act."""

from __future__ import annotations

from fairlead.compiled.runs import ACTIVE, FINAL, UNDECIDED, VERDICTS
from fairlead.decide import approval
from fairlead.decide.progress import Decision, LockRecord, MarkRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.approval_stage import Stage, When, by, flow, step

PEOPLE = ("rui", "sana", "mei", "lin", "fay", "fox", "fen", "otto")
SOURCES = (
    by("role", "finance"),
    by("manager_of", "starter"),
    by("user", "otto"),
    by("user", "mei"),
    by("role", "seller"),
)
MODES = (
    {"mode": "any"}, {"mode": "any", "on_reject": "all_must_reject"}, {"mode": "all"},
    {"mode": "all", "on_reject": "collect"}, {"mode": "in_order"}, {"mode": "quorum", "at_least": (2, 3)},
    {"mode": "quorum", "at_least_count": 2},
)  # fmt: skip
BIG = When(lambda values: values["amount"] > 1000, ("amount",))

a_step = st.tuples(
    st.lists(st.sampled_from(SOURCES), min_size=1, max_size=3),
    st.sampled_from(MODES),
    st.sampled_from([None, BIG]),
)
an_act = st.tuples(
    st.sampled_from(
        ["approve", "approve", "approve", "reject", "return", "transfer", "withdraw", "submit", "leave", "edit",
         "fail", "resume", "urge"]
    ),
    st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.integers(0, 9),
)  # fmt: skip


@settings(max_examples=300)
@given(
    st.lists(a_step, min_size=1, max_size=3),
    st.sampled_from(["none", "consecutive", "any_earlier"]),
    st.sampled_from(["to_manager", "skip", "allow"]),
    st.sampled_from(["suspend", "to_admin", "skip", "reject"]),
    st.lists(an_act, max_size=25),
)
def test_any_walk(steps, duplicates, self_rule, nobody, acts):
    made = [
        step(f"s{number}", *sources, when=when, **mode) for number, (sources, mode, when) in enumerate(steps)
    ]
    stage = Stage(
        flow(*made, duplicates=duplicates, self_rule=self_rule, nobody=nobody, withdraw="until_final"),
        values={"amount": 5000},
    )
    stage.submit()
    held = False
    for kind, who, other, pick in [("start", "rui", "rui", 0), *acts]:
        before, changed = stage.run, stage.last
        stage.last = None
        act(stage, kind, who, other, pick)
        if stage.last is None and kind != "start":
            continue
        stage.last = stage.last or changed
        promises(stage, None if kind == "start" else before)
        for change in stage.last.of(LockRecord):
            held = change.held
        assert held == (stage.run.state in ("running", "suspended"))


def act(stage, kind, who, other, pick):
    run = stage.run
    mine = [task for task in run.tasks if task.holder == who]
    task = mine[pick % len(mine)] if mine else None
    if kind == "submit":
        stage.submit() if run.is_live else None
    elif kind == "withdraw":
        stage.withdraws(who)
    elif kind == "leave":
        stage.org.leaves(who)
    elif kind == "edit" and run.state == "running":
        stage.values["amount"] += 1
        stage.apply(approval.restart(stage.facts("system"), run))
    elif kind == "resume":
        stage.apply(approval.resume(stage.facts("ada", trusted=True), run, "mended"))
    elif kind == "urge":
        stage.urges()
    elif task is None:
        return
    elif kind == "approve":
        stage.approves(who, task=task)
    elif kind == "fail":
        stage.approves(who, task=task, failure=approval.say("broken", "出错"))
    elif kind == "reject":
        stage.rejects(who, task=task)
    elif kind == "transfer":
        stage.transfers(who, other, task=task)
    elif kind == "return":
        stage.apply(
            approval.return_to_starter(stage.facts(who), run, task.id, task.version, comment="please change")
        )


def promises(stage, before):
    run = stage.run
    open_tasks = [task for task in run.tasks if task.state in ACTIVE]
    assert bool(open_tasks) == (run.state == "running"), (run.state, run.step)
    if run.state != "running":
        assert not any(task.state in UNDECIDED for task in run.tasks)
    assert approval.replay(stage.events) == run.state
    assert len({task.id for task in run.tasks}) == len(run.tasks)
    if stage.flow.self_rule != "allow":
        assert stage.starter not in [task.holder for task in open_tasks]
    if before is None:
        return
    if before.state in FINAL:
        assert run.state == before.state
    for task in before.tasks:
        if task.state in VERDICTS:
            assert run.task(task.id) == task, "a decision never changes"
    seats = [task.seat for task in open_tasks]
    assert len(seats) == len(set(seats)), "one task for each seat"
    outcomes = [mark for mark in stage.last.of(MarkRecord) if mark.state in ("approved", "rejected")]
    assert len(outcomes) <= 1
    assert isinstance(stage.last, Decision)
