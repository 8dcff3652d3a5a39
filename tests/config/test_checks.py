"""The cross checks of the whole configuration (CF-13), each with its code and its place."""

from __future__ import annotations

import pytest
from fairlead.config.load import load
from fairlead.config.source import SourceTree

from tests.config.bad_inputs import BASE, HEAD

MORE = {
    "schemas/case.yaml": (
        "kind: entity\nname: case\nlabel: Case\ntitle: '{name}'\ntraits: [owned, approvable]\n"
        "fields: {name: {type: text}, cost: {type: money}, kind: {type: choice, options: [a, b]}}\n"
    ),
    "admin/boss.yaml": "kind: role\nname: boss\nlabel: Boss\ngrants:\n  case: {read: all, update: all}\n  lead: {read: all, update: all}\n",
    "admin/clerk.yaml": "kind: role\nname: clerk\nlabel: Clerk\ngrants:\n  case: {read: own, fields: {cost: hidden}}\n",
}
FLOW = "kind: approval\nname: flow\nentity: {entity}\nsteps: [{{name: one, by: {{role: {role}}}, mode: all{when}}}]\n"
RULE = "kind: automation\nname: rule\nentity: {entity}\non: {on}\n{when}do: [{{set: {{amount: 1}}}}]\n"


def said(files: dict[str, str]) -> list[str]:
    """Return `level code place: message` of each finding over a sound workspace."""
    problems = load(SourceTree.from_mapping({**BASE, **MORE, **files})).problems
    return [f"{one.level} {one.code} {one.span}: {one.message}" for one in problems]


def test_what_the_findings_are_looked_for_in_is_sound():
    assert said({}) == []


# ---------------------------------------------------------------- approvals: unreachable, unattended


def test_cf_13_an_approver_needs_no_grant_of_his_own():
    """Whoever is asked may read what he is asked about, and for a while after (AP-73)."""
    assert said({"workflows/flow.yaml": FLOW.format(entity="lead", role="clerk", when="")}) == []


def test_cf_13_a_step_that_is_never_reached():
    step = "{name: two, by: {role: boss}, mode: all, when: \"record.name == 'x' && 1 > 2\"}"
    text = FLOW.format(entity="lead", role="boss", when="").replace("}]", "}, " + step + "]")
    found = said({"workflows/flow.yaml": text})
    assert [line for line in found if "unreachable_step" in line] == [
        "warning unreachable_step workflows/flow.yaml:4:98: this is never true, so the step 'two' is never reached"
    ]


def test_cf_13_a_flow_that_asks_nobody_lets_everything_through():
    found = said({"workflows/flow.yaml": FLOW.format(entity="lead", role="boss", when=', when: "1 > 2"')})
    assert any(line.startswith("error nobody_can_decide workflows/flow.yaml:4:8") for line in found)


def test_cf_13_a_flow_that_never_starts():
    text = FLOW.format(entity="lead", role="boss", when="") + 'start: {when: "1 > 2"}\n'
    assert any(
        line.startswith("warning unreachable_step workflows/flow.yaml:5:15")
        for line in said({"workflows/flow.yaml": text})
    )


def test_cf_13_nobody_skip_is_unattended():
    text = FLOW.format(entity="lead", role="boss", when="") + "nobody: skip\n"
    (line,) = said({"workflows/flow.yaml": text})
    assert line.startswith("warning unattended workflows/flow.yaml:5:9")


# ---------------------------------------------------------------- automations: loops, what never happens


@pytest.mark.parametrize(
    ("entity", "on", "when", "expected"),
    [
        ("lead", "{approved: true}", "", "no approval is about lead, so nothing is ever approved"),
        ("lead", "{rejected: true}", "", "no approval is about lead, so nothing is ever rejected"),
        ("lead", "{created: true}", 'when: "1 > 2"\n', "this is never true, so the automation never runs"),
    ],
)
def test_cf_13_an_automation_that_never_starts(entity: str, on: str, when: str, expected: str):
    found = said({"workflows/rule.yaml": RULE.format(entity=entity, on=on, when=when)})
    assert any(line.startswith("warning never_started") and line.endswith(expected) for line in found), found


def test_cf_13_nothing_is_claimed_of_an_entity_without_owners():
    files = {
        "schemas/car.yaml": HEAD + "  amount: {type: integer}\n",
        "workflows/rule.yaml": RULE.format(entity="car", on="{claimed: true}", when=""),
    }
    (line,) = said(files)
    assert line.startswith("error missing_trait workflows/rule.yaml:4:6")


def test_cf_13_two_automations_that_start_each_other_name_both_files():
    rule = "kind: automation\nname: {name}\nentity: {one}\non: {{created: true}}\ndo: [{{create: {two}, with: {{name: x}}}}]\n"
    files = {
        "workflows/a.yaml": rule.format(name="a", one="lead", two="case"),
        "workflows/b.yaml": rule.format(name="b", one="case", two="lead"),
    }
    (line,) = said(files)
    assert line.startswith("warning loop workflows/a.yaml:5:5: these automations start each other: a → b → a")
    assert "b at workflows/b.yaml:5:5" in line


# ---------------------------------------------------------------- rights


REPORT = "kind: report\nname: costs\nentity: case\nlabel: Costs\ntype: table\ndimensions: [kind]\nmeasures: [{measure}]\n{rest}"


def reading(role: str) -> dict[str, str]:
    return {f"admin/{role}.yaml": MORE[f"admin/{role}.yaml"] + "  report: {read: [costs]}\n"}


@pytest.mark.parametrize(
    ("measure", "rest"),
    [
        ("{sum: cost}", ""),
        ("{count: true}", 'filter: "record.cost > 1.0"\n'),
        ('{count: true, when: "record.cost > 1.0"}', ""),
        ('{rate: {when: "record.cost > 1.0"}}', ""),
    ],
)
def test_cf_13_a_report_over_a_field_that_its_reader_may_not_see(measure: str, rest: str):
    files = {"admin/costs.yaml": REPORT.format(measure=measure, rest=rest), **reading("clerk")}
    assert said(files) == [
        "warning unreadable_report admin/clerk.yaml:6:11: the report 'costs' is over cost, which clerk may not see"
    ]


def test_cf_13_what_another_grant_of_the_family_opens_is_not_hidden():
    files = {
        "admin/costs.yaml": REPORT.format(measure="{sum: cost}", rest=""),
        "admin/head.yaml": "kind: role\nname: head\nlabel: Head\ninherits: [clerk, boss]\ngrants: {report: {read: [costs]}}\n",
    }
    assert said(files) == []


def test_cf_13_a_report_over_records_that_its_reader_may_not_see():
    text = REPORT.format(measure="{count: true}", rest="").replace("case", "lead").replace("kind]", "stage]")
    (line,) = said({"admin/costs.yaml": text, **reading("clerk")})
    assert "unreadable_report" in line
    assert line.endswith("clerk may see the report 'costs', but no record of lead")


def test_cf_13_a_dashboard_that_shows_its_reader_nothing():
    files = {
        "admin/costs.yaml": REPORT.format(measure="{count: true}", rest=""),
        "admin/board.yaml": "kind: dashboard\nname: board\nlabel: Board\nroles: [clerk]\ntiles: [{report: costs}]\n",
        **reading("boss"),
    }
    (line,) = said(files)
    assert line.startswith("warning unreadable_tile admin/board.yaml:5:9: ")
    assert line.endswith("nobody for whom this dashboard is made may open the report 'costs'")


def test_cf_13_several_roles_may_share_a_dashboard():
    files = {
        "admin/costs.yaml": REPORT.format(measure="{count: true}", rest=""),
        "admin/board.yaml": "kind: dashboard\nname: board\nlabel: Board\nroles: [clerk, boss]\n"
        "tiles: [{report: costs}, {list: case}]\n",
        **reading("boss"),
    }
    assert said(files) == []


def test_cf_13_a_move_for_a_role_that_may_not_move():
    text = (
        BASE["workflows/stages.yaml"]
        + "moves: [{from: open, to: won, roles: [rep, clerk]}, {from: open, to: lost}]\n"
    )
    assert said({"workflows/stages.yaml": text}) == [
        "warning nobody_can_move workflows/stages.yaml:5:44: this move is for clerk, who may not move a lead"
    ]


def test_cf_13_a_stage_requires_what_its_mover_may_not_see():
    stages = BASE["workflows/stages.yaml"].replace("{outcome: won}", "{outcome: won, require: [phone]}")
    files = {
        "workflows/stages.yaml": stages
        + "moves: [{from: open, to: won, roles: rep}, {from: open, to: lost}]\n",
        "admin/rep.yaml": BASE["admin/rep.yaml"].replace(
            "update: own}", "update: own, fields: {phone: hidden}}"
        ),
    }
    assert said(files) == [
        "warning required_but_hidden workflows/stages.yaml:5:38: 'won' requires 'phone', which rep may not see"
    ]


# ---------------------------------------------------------------- former names


@pytest.mark.parametrize(
    ("path", "text", "place"),
    [
        ("workflows/stages.yaml", "kind: pipeline\nname: p\nentity: lead\nstages:\n  a: {was: x}\n  b: {was: [y, x]}\n", "6:16"),
        ("workflows/stages.yaml", "kind: pipeline\nname: p\nentity: lead\nstages:\n  a: {was: b}\n  b: {outcome: won}\n", "5:12"),
        ("schemas/set.yaml", "kind: options\nname: set\nlabel: S\noptions:\n  a: {was: x}\n  b: {was: x}\n", "6:12"),
        ("schemas/set.yaml", "kind: options\nname: set\nlabel: S\noptions:\n  - {name: a, was: x}\n  - {name: b, was: x}\n", "6:20"),
        ("schemas/car.yaml", HEAD + "  k: {type: choice, options: {a: {was: x}, b: {was: x}}}\n", "7:53"),
        ("schemas/car.yaml", HEAD + "  k: {type: table, fields: {a: {type: text, was: x}, b: {type: text, was: x}}}\n", "7:75"),
        ("schemas/car.yaml", HEAD.replace("label: Car", "was: lead"), "3:6"),
    ],
)  # fmt: skip
def test_cf_3_a_former_name_is_claimed_once(path: str, text: str, place: str):
    found = [line for line in said({path: text}) if "duplicate_was" in line]
    assert [line.split(": ")[0] for line in found] == [f"error duplicate_was {path}:{place}"]
    assert ".yaml:" in found[0].split(": ", 1)[1], "the other one is named with its place"


def test_cf_3_two_stages_may_change_names_with_each_other():
    text = "kind: pipeline\nname: p\nentity: lead\nstages:\n  a: {was: b}\n  b: {was: a, outcome: won}\n"
    assert said({"workflows/stages.yaml": text}) == []


# ---------------------------------------------------------------- positions


@pytest.mark.parametrize(
    ("field", "column", "code"),
    [
        ("x: {type: text, lookup: wner.name}", 27, "unknown_field"),
        ("x: {type: text, lookup: owner.nmae}", 27, "unknown_field"),
        ('x: {type: integer, formula: "record.a +"}', 42, "syntax"),
        ('x: {type: integer, formula: "1 + record.amuont"}', 36, "unknown_field"),
        ("x: {type: integer, formula: 'record.name == \"it''s\" ? 1 : record.amuont'}", 61, "unknown_field"),
        ('x: {type: integer, formula: "\\u0031 + record.amuont"}', 41, "unknown_field"),
    ],
)
def test_cf_10_a_fault_inside_an_expression_stands_in_its_text(field: str, column: int, code: str):
    text = HEAD.replace("fields:", "traits: [owned]\nfields:") + f"  {field}\n"
    problems = load(SourceTree.from_mapping({"schemas/car.yaml": text})).problems
    assert [(one.code, one.span.line, one.span.column) for one in problems] == [(code, 8, column)]


def test_cf_10_a_fault_in_a_folded_expression_stands_in_its_line():
    text = HEAD + "  x:\n    type: integer\n    formula: >-\n      1 +\n      record.amuont +\n      2\n"
    (problem,) = load(SourceTree.from_mapping({"schemas/car.yaml": text})).problems
    assert (problem.code, problem.span.line, problem.span.column) == ("unknown_field", 11, 7)


def test_cf_10_a_document_in_json_has_places_too():
    text = (
        '{\n  "kind": "entity",\n  "name": "car",\n  "fields": {\n'
        '    "a": {"type": "integer", "formula": "1 \\u002b record.amuont"},\n    "b": {"typ": "text"}\n  }\n}\n'
    )
    problems = load(SourceTree.from_mapping({"schemas/car.json": text})).problems
    assert [(one.code, one.key, f"{one.span.line}:{one.span.column}") for one in problems] == [
        ("unknown_field", "fields.a.formula", "5:51"),
        ("missing_key", "fields.b.type", "6:5"),
    ]


def test_cf_10_a_missing_key_points_at_its_parent_and_is_named():
    (problem,) = load(
        SourceTree.from_mapping({"schemas/car.yaml": HEAD + "  other: {type: reference, on_delete: clear}\n"})
    ).problems
    assert (problem.code, problem.key, f"{problem.span.line}:{problem.span.column}") == (
        "missing_key", "fields.other.entity", "7:3",
    )  # fmt: skip


def test_cf_10_both_places_of_an_anchor_are_named():
    (problem,) = load(SourceTree.from_mapping({"schemas/car.yaml": "a: &here 1\nb: *here\n"})).problems
    assert str(problem) == (
        "schemas/car.yaml:2:4: b: the alias *here is not read (its anchor stands at 1:4); write the value out"
    )


def test_cf_10_two_files_that_collide_are_both_named():
    (problem,) = load(SourceTree.from_mapping({"schemas/a.yaml": HEAD, "schemas/b.yaml": HEAD})).problems
    assert str(problem) == (
        "schemas/b.yaml:2:7: name: there is another entity called 'car', at schemas/a.yaml:2:7"
    )


def test_cf_10_a_fault_of_the_notation_names_the_key_it_stands_under():
    (problem,) = load(
        SourceTree.from_mapping({"schemas/a.yaml": HEAD + '  x: {type: "text}\n  y: {type: text}\n'})
    ).problems
    assert (problem.code, problem.key, f"{problem.span.line}:{problem.span.column}") == (
        "bad_yaml",
        "fields.x",
        "7:13",
    )


# ---------------------------------------------------------------- what is left over


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (
            "schemas/set.yaml",
            "kind: options\nname: set\nlabel: Set\noptions: [a]\n",
            "nothing uses the options 'set'",
        ),
        (
            "forms/hello.yaml",
            "kind: message\nname: hello\nlabel: Hello\ntext: Hello\n",
            "nothing uses the message 'hello'",
        ),
        (
            "admin/costs.yaml",
            REPORT.format(measure="{count: true}", rest=""),
            "no role may open the report 'costs'",
        ),
    ],
)
def test_cf_13_a_document_that_nothing_uses_is_a_hint(path: str, text: str, message: str):
    assert said({path: text}) == [f"hint unused {path}:2:7: {message}"]


def test_cf_13_of_two_calendars_the_one_that_nothing_names_is_a_hint():
    week = 'label: C\nzone: Asia/Shanghai\nweek: {monday: "09:00-18:00"}\n'
    one = {"workflows/one.yaml": f"kind: calendar\nname: one\n{week}"}
    two = {"workflows/two.yaml": f"kind: calendar\nname: two\n{week}"}
    settings = {"fairlead.yaml": BASE["fairlead.yaml"] + "calendar: one\n"}
    assert said(one) == []
    assert [line for line in said({**one, **two, **settings}) if "unused" in line] == [
        "hint unused workflows/two.yaml:2:7: nothing uses the calendar 'two'"
    ]


# ---------------------------------------------------------------- tests of a workspace over what is broken elsewhere

TRIED = """\
kind: test
name: tried
label: Tried
given:
  people: [{name: kim, roles: [boss]}]
  records:
    - {entity: case, key: one, with: {name: One}}
    - {entity: case, key: two, with: {name: Two, cost: 5, other: one}}
steps:
  - when: [{update: two, as: kim, with: {cost: 7, other: one}}]
    then: [{path: two, is: PATH}]
"""


@pytest.mark.parametrize(
    ("field", "path", "code"),
    [
        ("cost: {type: money, min: little}", "[]", "bad_value"),
        ("other: {type: reference, on_delete: clear}", "[]", "missing_key"),
        ("other: {type: reference, on_delete: clear, entity: [case]}", "[]", "wrong_type"),
        ("plain: {type: text}", "{step: 1}", "wrong_type"),
        ("plain: {type: text}", "{", "bad_yaml"),
    ],
)
def test_a_test_over_something_broken_says_what_is_broken_there(field: str, path: str, code: str) -> None:
    """Found by damaging the shipped templates: nothing of it may end in a traceback."""
    case = MORE["schemas/case.yaml"].replace("cost: {type: money}", "cost: {type: money}, " + field)
    if field.startswith("cost"):
        case = case.replace("cost: {type: money}, ", "", 1)
    found = said({"schemas/case.yaml": case, "admin/tried.yaml": TRIED.replace("PATH", path)})
    assert any(f"error {code} " in line for line in found), found
