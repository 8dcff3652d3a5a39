"""The tests that a workspace brings along (CF-81): what each act and each expectation means, and what a failure says.

Everything runs in memory, on SQLite alone; that the rules themselves are the same on both databases is tested elsewhere.
"""

from __future__ import annotations

from functools import cache

import pytest
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree, shipped
from fairlead.wiring import run_tests
from fairlead.work.scenarios.run import NoSuchTest, Outcome

from tests.support.world import DEAL, ROOT

OFFICE = """
kind: test
name: office
given:
  clock: 2026-05-06T09:00
  teams: {hq: {head: ada}, east: {parent: hq, head: mei}}
  people:
    ada: {roles: admin, teams: hq}
    mei: {roles: manager, teams: east}
    rui: {roles: rep, teams: east}
    sana: {roles: rep, teams: east}
    otto: {roles: guest}
"""

FLOW = """
kind: approval
name: deal_flow
label: {en: Deal, zh: 交易}
entity: deal
start: {on: submit, when: "record.amount > 1000.0"}
decisive: [amount]
steps:
  - {name: manager, label: {en: Manager, zh: 主管}, by: {manager_of: starter, level: 1}, mode: any, on_reject: ends, editable: [reason]}
  - {name: head, label: {en: Head, zh: 总监}, when: "record.amount > 50000.0", by: {role: admin}, mode: any, on_reject: ends}
allow: [return, withdraw, transfer]
on_approved: [{set: {hot: true}}]
"""

ALERT = """
kind: automation
name: deal_alert
entity: deal
on: {date: record.close_on, before: 1 day, at: "09:00"}
do: [{notify: {to: record.owner, text: {en: "{name} closes tomorrow", zh: "{name} 明天截止"}, by: [inbox]}}]
"""

DAILY = """
kind: automation
name: deal_daily
entity: deal
on: {schedule: "0 7 * * *"}
when: "record.hot"
do: [{set: {reason: counted}}]
"""


@cache
def _files() -> dict[str, str]:
    more = {"admin/office.yaml": OFFICE, "workflows/flow.yaml": FLOW, "workflows/alert.yaml": ALERT}
    return {**DEAL, **more}


def loaded(body: str, **more: str) -> Loaded:
    """Load the office with one test, `one`, whose document goes on with `body`."""
    files = {**_files(), "admin/one.yaml": f"kind: test\nname: one\n{body}", **more}
    return load(SourceTree.from_mapping(files))


def run(body: str, **more: str) -> Outcome:
    found = loaded(body, **more)
    assert found.workspace is not None, found.problems.render()
    (outcome,) = run_tests(found.workspace, only=["one"]).outcomes
    return outcome


def passes(body: str, **more: str) -> None:
    outcome = run(body, **more)
    assert outcome.passed, [one.line() for one in outcome.findings]


def fails(body: str, **more: str) -> list[str]:
    return [one.line() for one in run(body, **more).findings]


GIVEN = """given:
  use: office
  records:
    - {entity: deal, key: deal, as: rui, with: {name: Deal, amount: 2000, margin: 0.2, phone: "13800000001"}}
    - {entity: deal, key: lying, pool: deal_pool, with: {name: Lying}}
"""


# ---------------------------------------------------------------- what is given


def test_cf_81_given_records_lie_where_it_is_said(monkeypatch):
    passes(
        GIVEN
        + """
then:
  - {record: deal, has: {owner: rui, team: east, stage: open, amount: 2000, double: 4000, margin: 0.2}}
  - {record: lying, has: {owner: null, pool: deal_pool}}
  - {count: deal, is: 2}
  - {count: deal, as: rui, where: "record.owner == user", is: 1}
"""
    )


def test_cf_81_each_test_begins_anew_and_leaves_nothing_behind():
    first = "when: [{move: deal, to: lost, as: rui, with: {reason: no}}]\nthen: [{record: deal, has: {stage: lost}}]\n"
    second = "kind: test\nname: two\n" + GIVEN + "then: [{record: deal, has: {stage: open}}]\n"
    found = loaded(GIVEN + first, **{"admin/two.yaml": second})
    results = run_tests(found.workspace)
    assert [(one.name, one.passed) for one in results.outcomes] == [("one", True), ("two", True)]


def test_cf_81_a_test_may_build_upon_another_with_its_own_clock():
    passes("""given: {use: office, clock: "2026-12-31T23:30", zone: Europe/Berlin}
when:
  - {create: deal, key: late, as: rui, with: {name: Late, close_on: today}}
then:
  - {record: late, has: {close_on: 2026-12-31}}
""")


def test_cf_81_a_given_record_that_breaks_a_rule_is_named():
    odd = "given:\n  use: office\n  records:\n    - {entity: deal, key: odd, with: {name: Odd, amount: 5000000}}\n"
    (line,) = fails(odd + "then: [{count: deal, is: 1}]\n")
    assert line.startswith(
        "admin/one.yaml:6:7: the given record odd: expected that it can be put in, found refused: check"
    )


# ---------------------------------------------------------------- acts


def test_cf_81_acts_go_through_the_door_that_people_use():
    passes(
        GIVEN
        + """
steps:
  - when:
      - {create: deal, key: new, as: sana, with: {name: New, lines: [{item: Box, qty: 2, price: 10}]}}
      - {update: new, as: sana, with: {amount: 12.5, region: north}}
      - {move: new, to: offer, as: sana}
      - {assign: new, to: rui, as: mei}
      - {delete: lying}
    then:
      - {record: new, has: {owner: rui, stage: offer, amount: 12.5, region: north, total: 20, lines: [{item: Box, total: 20}]}}
      - {count: deal, is: 2}
  - when: [{update: new, as: sana, with: {amount: 1}}]
    then: [{refused: not-found}]
  - when: [{update: deal, as: rui, with: {margin: 0.5}}]
    then: [{refused: unknown_field, field: margin}]
  - when: [{release: deal, as: rui, reason: later}, {claim: deal, as: sana}]
    then: [{record: deal, has: {owner: sana, previous_owner: rui}}]
  - when: [{create: deal, count: 3, key: many, as: rui, with: {name: One of many}}, {claim: lying, as: otto}]
    then: [{refused: not-found}, {count: deal, is: 5}]
"""
    )


def test_cf_81_a_value_beyond_a_limit_is_handed_over_to_be_refused():
    passes(
        GIVEN
        + """
when: [{update: deal, as: rui, with: {amount: -1}}]
then: [{refused: out_of_range, field: amount}, {record: deal, has: {amount: 2000}}]
"""
    )


def test_cf_81_approvals_are_played_through():
    passes(
        GIVEN
        + """
steps:
  - then: [{path: deal, is: [{step: manager, people: mei}]}]
  - when: [{submit: deal, as: rui}]
    then: [{approval: deal, state: running, step: manager, waiting_for: mei}, {notice: mei, about: deal, times: 1}]
  - when: [{approve: deal, as: ada}]
    then: [{refused: not_holder}]
  - when: [{return: deal, as: mei, comment: More}, {update: deal, as: rui, with: {amount: 60000}}, {submit: deal, as: rui}]
    then: [{path: deal, is: [{step: manager, people: [mei]}, {step: head}]}]
  - when: [{approve: deal, as: mei, with: {reason: fine}}]
    then: [{approval: deal, step: head, waiting_for: [ada]}, {record: deal, has: {reason: fine}}]
  - when: [{withdraw: deal, as: rui}]
    then: [{refused: already_decided}]
  - when: [{approve: deal, as: ada}]
    then: [{approval: deal, state: approved, waiting_for: []}, {record: deal, has: {hot: true}}]
"""
    )


def test_cf_81_rows_come_in_as_from_a_file_and_bad_ones_are_refused():
    passes("""given: {use: office}
steps:
  - when: [{import: deal, as: ada, rows: [{name: First, code: A1, amount: 5}, {name: Second, code: A2}]}]
    then: [{count: deal, is: 2}]
  - when: [{import: deal, as: ada, rows: [{name: Third, code: A3}, {name: Fourth, code: A4, amount: much}]}]
    then: [{refused: invalid, field: amount}, {count: deal, is: 3}]
  - when: [{import: deal, as: rui, rows: [{name: Fifth}]}]
    then: [{refused: forbidden}]
""")


# ---------------------------------------------------------------- time


def test_cf_81_waiting_runs_what_comes_due_in_its_order():
    passes(
        GIVEN
        + """
steps:
  - when: [{update: deal, as: rui, with: {close_on: 2026-05-12}}, {clock: 2026-05-11T08:59}]
    then: [{notice: rui, about: deal, times: 0}]
  - when: [{clock: 2026-05-11T09:00}]
    then: [{notice: rui, about: deal, says: Deal closes tomorrow, times: 1}, {notice: rui, says: 明天截止}]
  - when: [{wait: 2 days}]
    then: [{notice: rui, says: goes back to Deal pool after, times: 1}, {record: deal, has: {owner: rui}}]
  - when: [{wait: 1 week}]
    then: [{record: deal, has: {owner: null, pool: deal_pool}}, {notice: rui, says: went back to}]
"""
    )


def test_cf_81_schedules_run_too():
    passes(GIVEN + """
when: [{update: deal, as: rui, with: {hot: true}}, {wait: 1 day}]
then: [{record: deal, has: {reason: counted}}, {record: lying, has: {reason: null}}]
""", **{"workflows/daily.yaml": DAILY})  # fmt: skip


def test_the_engine_counts_days_where_the_workspace_is():
    """Half past eleven in the evening in Berlin is the next morning in Shanghai."""
    rule = (
        "kind: automation\nname: stamp\nentity: deal\non: {created: true}\ndo: [{set: {close_on: today}}]\n"
    )
    files = {
        "fairlead.yaml": DEAL["fairlead.yaml"].replace("Asia/Shanghai", "Europe/Berlin"),
        "workflows/stamp.yaml": rule,
    }
    passes("""given: {use: office, clock: "2026-12-31T23:30"}
when: [{create: deal, key: late, as: rui, with: {name: Late}}]
then: [{record: late, has: {close_on: 2026-12-31}}]
""", **files)  # fmt: skip


def test_cf_81_background_work_that_fails_is_a_finding():
    broken = DAILY.replace("reason: counted", 'amount: "record.amount * 1000000.0"').replace(
        "0 7 * * *", "0 10 * * *"
    )
    lines = fails(
        GIVEN + "when: [{update: deal, as: rui, with: {hot: true}}, {wait: 2 hours}]\n",
        **{"workflows/daily.yaml": broken},
    )
    assert len(lines) == 1
    assert "background work: expected that it succeeds, found deal_daily: " in lines[0]


# ---------------------------------------------------------------- expectations and what failing says


FAILURES = [
    ("then: [{record: deal, has: {amount: 3000, stage: open}}]", "deal.amount: expected 3000.00, found 2000.00"),
    ("then: [{record: deal, has: {owner: sana}}]", "deal.owner: expected sana, found rui"),
    ("then: [{record: deal, holds: 'record.amount > 2500.0'}]", "deal: expected record.amount > 2500.0, found amount = 2000.00"),
    ("then: [{record: deal, as: sana, has: {amount: 2000}}]", "deal: expected a record as sana sees it, found no such record"),
    ("then: [{visible: deal, to: [mei, sana]}]", "deal: expected sana sees it, found sana does not see it"),
    ("then: [{invisible: deal, to: mei}]", "deal: expected mei does not see it, found mei sees it"),
    ("then: [{shown: margin, of: deal, to: rui}]", "deal.margin: expected shown to rui, found hidden to rui"),
    ("then: [{hidden: phone, of: deal, to: rui}]", "deal.phone: expected hidden to rui, found masked to rui"),
    ("then: [{masked: margin, of: deal, to: ada}]", "deal.margin: expected masked to ada, found shown to ada"),
    ("then: [{readonly: amount, of: deal, to: mei}]", "deal.amount: expected readonly to mei, found writable to mei"),
    ("then: [{writable: double, of: deal, to: mei}]", "deal.double: expected writable to mei, found readonly to mei"),
    ("then: [{path: deal, is: []}]", "deal: expected that nobody is asked, found manager (mei)"),
    ("then: [{path: deal, is: [{step: manager, people: ada}]}]", "deal: expected manager (ada), found manager (mei)"),
    ("then: [{approval: deal, state: running}]", "approval of deal: expected running, found none"),
    ("then: [{notice: rui, about: deal}]", "inbox of rui: expected at least one notice(s), found 0 (nothing in the inbox)"),
    ("then: [{count: deal, as: rui, is: 5}]", "records of deal that rui sees: expected 5, found 2"),
    ("when: [{claim: lying, as: rui}]\nthen: [{refused: pool.quota}]",
     "the last act: expected refused: pool.quota, found that it was done"),
    ("when: [{claim: deal, as: otto}]", "claim: expected that it is done, found refused: not-found (There is no such record.)"),
    ("when: [{move: deal, to: lost, as: rui}]\nthen: [{refused: required, field: amount}]",
     "the last act: expected refused: required at 'amount', found refused: required at 'reason'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said"),
    FAILURES,
    ids=[body.split("[{")[1].split(":")[0] + str(n) for n, (body, _) in enumerate(FAILURES)],
)
def test_cf_81_a_failure_names_place_expectation_and_finding(body, said):
    (line,) = fails(GIVEN + body + "\n")
    assert line.startswith("admin/one.yaml:")
    assert said in line


def test_cf_81_the_place_is_that_of_the_value():
    text = GIVEN + "then:\n  - record: deal\n    has:\n      stage: open\n      amount: 1\n"
    assert fails(text)[0].startswith(f"admin/one.yaml:{2 + text.count(chr(10))}:15: deal.amount")


def test_cf_81_after_a_round_that_failed_the_next_is_not_played():
    lines = fails(
        GIVEN
        + "steps:\n  - then: [{count: deal, is: 1}, {count: deal, is: 3}]\n  - then: [{count: deal, is: 4}]\n"
    )
    assert [line.rpartition("expected ")[2] for line in lines] == ["1, found 2", "3, found 2"]


def test_cf_81_a_test_that_is_not_there_is_told_with_the_one_that_was_meant():
    with pytest.raises(NoSuchTest, match="Did you mean 'office'"):
        run_tests(loaded(GIVEN).workspace, only=["ofice"])


# ---------------------------------------------------------------- checked like every document


WRONG = [
    ("given: {use: offise}", "there is no test 'offise' (did you mean 'office'?)"),
    ("given: {use: one}", "the tests lead back to themselves: one → one"),
    (GIVEN + "when: [{claim: lyin, as: rui}]", "there is no record 'lyin' in this test (did you mean 'lying'?)"),
    (GIVEN + "when: [{claim: lying, as: rue}]", "there is no person 'rue' in this test (did you mean 'rui'?)"),
    (GIVEN + "when: [{move: deal, to: wonn, as: rui}]", "there is no stage 'wonn' (did you mean 'won'?)"),
    (GIVEN + "when: [{update: deal, with: {amuont: 1}}]", "deal has no field 'amuont' (did you mean 'amount'?)"),
    (GIVEN + "when: [{update: deal, with: {double: 1}}]", "'double' is worked out by the engine and cannot be written"),
    (GIVEN + "when: [{update: deal, with: {stage: won}}]", "'stage' is kept by the engine and cannot be written"),
    (GIVEN + "when: [{update: deal, with: {region: east}}]", "there is no option 'east'"),
    (GIVEN + "when: [{update: deal, with: {amount: lots}}]", "'lots' is no value for 'amount'"),
    (GIVEN + "when: [{claim: deal, to: rui}]", "'to' does not go with 'claim'"),
    (GIVEN + "when: [{move: deal, as: rui}]", "'to' is missing: 'move' needs it"),
    (GIVEN + "when: [{as: rui}]", "one of create, update, move"),
    (GIVEN + "when: [{clain: deal}]", "unknown key 'clain' (did you mean 'claim'?)"),
    (GIVEN + "when: [{wait: 3 dais}]", "'3 dais' is no length of time"),
    (GIVEN + "when: [{clock: tomorrow}]", "'tomorrow' is no local time"),
    (GIVEN + "then: [{path: deal, is: [{step: manger}]}]", "there is no step 'manger' (did you mean 'manager'?)"),
    (GIVEN + "then: [{count: deal, where: 'record.amuont > 1', is: 1}]", "amuont"),
    (GIVEN + "then: [{count: deal, is: []}]", "a whole number is expected here"),
    (GIVEN + "then: [{record: deal}]", "'has' or 'holds' is missing"),
    (GIVEN + "when: []\nsteps: [{when: []}]", "`when` and `then` stand inside of `steps`, or beside none"),
    ("given: {clock: noon}", "'noon' is no local time; write 2026-05-06T09:00"),
    ("given: {zone: Mars/Base}", "there is no time zone 'Mars/Base'"),
    ("given: {people: {ann: {roles: repp}}}", "there is no role 'repp' (did you mean 'rep'?)"),
    ("given: {people: {ann: {roles: rep, teams: east}}}", "there is no team 'east' in this test"),
    ("given: {use: office, people: {rui: {roles: rep}}}", "there is a person 'rui' in the test that this one uses"),
    ("given: {use: office, records: [{entity: note, key: n, with: {about: n}}]}", "there is no record 'n' in this test"),
    (GIVEN + "when: [{create: note, as: rui, with: {about: rui}}]", "there is no record 'rui' in this test"),
    (GIVEN + "when: [{create: deal, key: deal, with: {name: x}}]", "there is a record called 'deal' already"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_cf_81_a_mistake_in_a_test_is_found_by_check(body, said):
    problems = loaded(body + "\n").problems
    assert problems.has_errors
    assert any(said in str(problem) and problem.span.file == "admin/one.yaml" for problem in problems), (
        problems.render()
    )


def test_what_is_renamed_is_renamed_in_tests_too():
    """Fields, stages, roles and tests, in every place of a test that names them."""
    body = (
        GIVEN
        + """
steps:
  - when: [{move: deal, to: lost, as: rui}]
    then: [{refused: required, field: reason}, {count: deal, where: "record.reason == null && record.stage == 'open'", is: 2}]
  - when: [{move: deal, to: lost, as: rui, with: {reason: no}}]
    then: [{record: deal, has: {stage: lost, reason: no}}, {shown: [reason, stage], of: deal, to: rui}]
"""
    )
    found = loaded(body)
    named = {
        (one.target[-1], one.keys) for one in found.mentions
        if one.file == "admin/one.yaml" and one.target[-1] in ("reason", "lost", "open", "office")
    }  # fmt: skip
    assert {target for target, _ in named} == {"reason", "lost", "open", "office"}
    assert sum(target == "reason" for target, _ in named) == 5
    assert sum(target == "lost" for target, _ in named) == 3


# ---------------------------------------------------------------- what the page says


def test_the_test_that_the_page_shows_passes():
    page = (ROOT / "docs/how-to/test-your-rules.md").read_text("utf-8")
    body = page.partition("```yaml\n")[2].partition("```")[0]
    shown = {**shipped(ROOT, "general_sales").mapping(), "admin/shown.yaml": body}
    found = load(SourceTree.from_mapping(shown))
    assert run_tests(found.workspace, only=["our_claim_limit"]).passed
