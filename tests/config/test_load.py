"""A whole workspace that uses every key of the language, and what comes of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fairlead.base.texts import Label
from fairlead.config import load as loading
from fairlead.config import schemas, shapes
from fairlead.config.load import load
from fairlead.config.reader import read
from fairlead.config.source import SourceTree, shipped, shipped_templates
from fairlead.expr.expression import Expression
from fairlead.fields.registry import KINDS
from fairlead.model.durations import Duration
from fairlead.model.steps import CreateRecord, MoveRecord, Notify, ReleaseRecord, SetFields, StartApproval
from fairlead.model.workflows import Approver, Trigger
from fairlead.model.workspace import Workspace

from tests.config.conftest import ROOT, found, workspace

GOOD = Path(__file__).parent / "good"
SHAPES = ROOT / "platform" / "fairlead" / "config" / "shapes"


@pytest.fixture(scope="module")
def good() -> Workspace:
    loaded = load(SourceTree.from_folder(GOOD))
    # It uses every key, those included that are kept and not acted on yet.
    assert {problem.code for problem in loaded.problems} == {"not_carried_out"}
    assert loaded.workspace is not None
    return loaded.workspace


@pytest.mark.parametrize("template", shipped_templates(ROOT))
def test_shipped_templates_have_nothing_to_say(template):
    assert load(shipped(ROOT, template)).problems.render() == ""


# ---------------------------------------------------------------- every key is used


def keys_of_schema(schema: Any) -> set[str]:
    found_keys: set[str] = set()
    if isinstance(schema, dict):
        found_keys |= set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
        for value in schema.values():
            found_keys |= keys_of_schema(value)
    elif isinstance(schema, list):
        for value in schema:
            found_keys |= keys_of_schema(value)
    return found_keys


def keys_of_data(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from keys_of_data(value)
    elif isinstance(data, list):
        for value in data:
            yield from keys_of_data(value)


@pytest.mark.parametrize("kind", [*schemas.KIND_FOLDERS, "workspace", "common"])
def test_the_good_workspace_uses_every_key(kind):
    """A key that no test uses is a key nobody knows to work."""
    used: set[str] = set()
    for path in GOOD.rglob("*.*"):
        data = read(path.name, path.read_text("utf-8")).data
        if kind in (data.get("kind", "workspace"), "common"):
            used.update(keys_of_data(data))
    schema = json.loads((SHAPES / f"{kind}.schema.json").read_text("utf-8"))
    wanted = keys_of_schema(schema)
    if kind == "entity":
        wanted |= {key for name in KINDS for key in schemas.field_keys(name)}
    # Every document may have a help, a label and a former name; one of each is enough.
    anywhere = {"help", "was", "label"} if kind != "common" else set()
    assert wanted - used - anywhere - {"extends"} == set()


# ---------------------------------------------------------------- entities and fields


def test_labels_and_former_names(good):
    lead = good.entities["lead"]
    assert lead.label.get("zh") == "线索"
    assert lead.plural.get("en") == "Leads"
    assert lead.was == ("prospect",)
    assert lead.fields["name"].was == ("full_name", "person")
    assert lead.title_fields == ("name", "company")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 5),
        ("factor", Decimal("1.125")),
        ("discount", Decimal("0.1")),
        ("hot", False),
        ("best_time", time(10, 30)),
        ("grade", "b"),
        ("interests", ("x", "y")),
        ("note", Label({"en": "Nothing yet", "zh": "暂无"})),
    ],
)
def test_plain_defaults_are_domain_values(good, field, value):
    assert good.entities["lead"].fields[field].default == value


@pytest.mark.parametrize(
    ("field", "text"), [("seen_on", "today"), ("called_at", "now"), ("helper", "user"), ("crew", "user.team")]
)
def test_computed_defaults_are_expressions(good, field, text):
    default = good.entities["lead"].fields[field].default
    assert isinstance(default, Expression)
    assert default.text == text


def test_a_look_up_is_a_formula_over_a_reference(good):
    formula = good.entities["lead"].fields["region"].formula
    assert formula is not None
    assert formula.uses == {("customer", "region")}


def test_lines_have_fields_and_formulas_of_their_own(good):
    total = good.entities["lead"].fields["lines"].fields["total"]
    assert total.formula is not None
    assert total.formula.uses == {("qty",), ("price",)}
    rollup = good.entities["lead"].fields["total"].rollup
    assert rollup is not None
    assert (rollup.source, rollup.function, rollup.value) == ("lines", "sum", "total")


def test_money_without_a_currency_has_the_workspace_s():
    loaded = workspace(
        {
            "fairlead.yaml": "name: acme\ncurrency: EUR\n",
            "schemas/a.yaml": "kind: entity\nname: a\nfields: {m: {type: money}}\n",
        }
    )
    assert loaded.workspace.entities["a"].fields["m"].params["currency"] == "EUR"


def test_traits_bring_fields_in_both_languages(good):
    fields = good.entities["lead"].fields
    brought = [name for name, one in fields.items() if one.origin != "document"]
    assert brought == [
        *("owner", "team", "claimed_at", "last_activity_at"),
        *("pool", "pool_entered_at", "previous_owner", "due_at", "due_rule"),
        *("stage", "stage_entered_at", "approval_state", "tags"),
        *("id", "version", "created_at", "created_by", "updated_at", "updated_by"),
    ]
    for name in brought:
        assert {"en", "zh"} <= set(fields[name].label.texts)
        assert fields[name].readonly == (name != "tags")
    assert [option.name for option in fields["stage"].options] == ["new", "open", "on", "won", "lost"]
    assert fields["stage"].default == "new"
    assert [option.name for option in fields["pool"].options] == ["lead_pool"]


def test_what_no_trait_brings_is_not_there(good):
    assert {"stage", "pool", "tags", "approval_state"} & good.entities["customer"].fields.keys() == set()
    assert "archived_at" in good.entities["customer"].fields


# ---------------------------------------------------------------- workflows


def test_pipeline(good):
    pipeline = good.pipelines["lead_stages"]
    assert pipeline.stage("new").stale_after == Duration(2, "business_days")
    assert pipeline.stage("open").checklist == (
        ("called", Label({}, "called")),
        ("visited", Label({}, "visited")),
    )
    assert pipeline.moves is not None
    assert pipeline.moves[2].from_ == ("new", "open", "on", "lost")
    create, update = pipeline.on_enter["won"]
    assert isinstance(create, CreateRecord)
    assert create.values["about"].text == "record.id"
    assert create.values["way"] == "call"
    assert create.values["words"] == "Thank you"
    assert isinstance(update, SetFields)
    assert update.target is not None
    assert update.target.type.entity == "customer"


def test_a_pipeline_without_moves_has_none():
    loaded = workspace(
        {
            "schemas/a.yaml": "kind: entity\nname: a\ntraits: [stages]\nfields: {x: {type: text}}\n",
            "workflows/a.yaml": "kind: pipeline\nname: a\nentity: a\nstages: {one: , two: {outcome: won}}\n",
        }
    )
    pipeline = loaded.workspace.pipelines["a"]
    assert pipeline.moves is None
    assert pipeline.initial == "one"
    assert pipeline.stage("two").probability == 100


def test_pool(good):
    pool = good.pools["lead_pool"]
    assert pool.member_teams == ("east", "west")
    assert pool.priority == 10
    assert pool.capacity == 200
    assert pool.cooldown_previous_owner == Duration(7, "days")
    assert pool.extensions[0].when is not None
    assert pool.extensions[0].when.uses == {("way",)}
    assert pool.remind_before == (Duration(3, "days"), Duration(1, "days"))
    assert pool.return_reasons == (("wrong", Label({"en": "Wrong number", "zh": "空号"}, "wrong")),)


def test_approval(good):
    flow = good.approvals["lead_discount"]
    head, money, vote, two, own = flow.steps
    assert head.by == (
        Approver("manager_of", "starter", 2),
        Approver("team_head", "owner"),
        Approver("managers_of", "owner", 3),
    )
    assert head.timeout is not None
    assert (head.timeout.remind, head.timeout.escalate_role) == (True, "boss")
    assert (vote.at_least, vote.at_least_count) == ((2, 3), None)
    assert (two.at_least, two.at_least_count) == (None, 2)
    assert own.by == (Approver("starter", None),)
    assert money.reason_required
    move, notify, told = flow.on_approved
    assert isinstance(move, MoveRecord)
    assert isinstance(notify, Notify)
    assert notify.to[1] == "role:boss"
    assert notify.by == ("inbox",)
    assert isinstance(told, Notify)
    assert told.text.get("zh") == "恭喜：{name}已成交，归属人{owner.name}"


@pytest.mark.parametrize(
    ("name", "trigger"),
    [
        ("nudge", Trigger("updated", fields=("amount",))),
        ("on_updated", Trigger("updated")),
        ("on_created", Trigger("created")),
        ("on_entered", Trigger("entered", stage="won")),
        ("on_claimed", Trigger("claimed")),
        (
            "before_seen",
            Trigger("date", date_field="seen_on", offset=Duration(3, "days"), before=True, at="09:00"),
        ),
        ("after_call", Trigger("date", date_field="called_at", offset=Duration(2, "hours"))),
        ("weekly", Trigger("schedule", cron="0 9 * * 1")),
    ],
)
def test_triggers(good, name, trigger):
    assert good.automations[name].trigger == trigger


def test_steps_without_values(good):
    release, submit = good.automations["give_back"].steps
    assert isinstance(release, ReleaseRecord)
    assert isinstance(submit, StartApproval)
    assert submit.flow == "lead_discount"


def test_connector(good):
    columns = {column.field: column for column in good.connectors["old_leads"].columns}
    assert columns["name"].column == "Full name"
    assert columns["grade"].values == {"1": "a", "2": "b"}
    assert columns["source"].constant == "web"
    assert columns["customer"].missing == "create"


# ---------------------------------------------------------------- rights and reports


def test_scopes(good):
    scopes = good.roles["rep"].grants["lead"].scopes
    assert scopes["read"] == "own"
    assert scopes["create"] == "all"
    assert scopes["import"] == "all"
    assert scopes["delete"] == "no"
    assert isinstance(scopes["update"], Expression)
    assert good.roles["boss"].reports == "all"
    assert good.roles["boss"].inherits == ("rep",)


def test_report(good):
    report = good.reports["funnel"]
    assert [one.name for one in report.measures] == [
        *("count", "worth", "avg_discount", "min_seen_on", "max_amount", "weighted_amount", "rate"),
    ]
    assert [one.path for one in report.dimensions] == [
        ("stage",), ("owner", "team"), ("seen_on",), ("customer", "region"),
    ]  # fmt: skip
    assert report.order == ("worth", True)


# ---------------------------------------------------------------- what is derived


def test_an_entity_alone_is_enough():
    loaded = workspace(
        {
            "schemas/a.yaml": """
            kind: entity
            name: story
            traits: [owned, stages]
            fields:
              name: {type: text}
              price: {type: money}
              words: {type: long_text}
              parent: {type: reference, entity: story, on_delete: clear}
            """,
            "workflows/p.yaml": "kind: pipeline\nname: p\nentity: story\nstages: {new: , done: {outcome: won}}\n",
        }
    )
    made = loaded.workspace
    assert made is not None
    assert made.form_of("story").derived
    assert [section.fields for section in made.form_of("story").sections] == [
        ("name", "price", "parent"),
        ("words",),
    ]
    assert made.list_of("story").columns == ("name", "price", "parent", "stage", "owner")
    assert made.page_of("story").related[0].field == "parent"
    (board,) = made.boards_of("story")
    assert (board.kind, board.column_field, board.sum) == ("kanban", "stage", "price")
    assert made.menus["main"].groups[0].items[1].target == "story"
    assert made.entities["story"].plural.get() == "stories"


def test_documents_stand_before_what_is_derived(good):
    assert good.list_of("lead").name == "leads"
    assert good.list_of("customer").derived
    assert [board.name for board in good.boards_of("lead")] == ["lead_board", "grid"]


# ---------------------------------------------------------------- limits, speed


def test_too_many_fields():
    fields = "".join(f"  f{n}: {{type: text}}\n" for n in range(2001))
    assert found(workspace({"schemas/a.yaml": f"kind: entity\nname: a\nfields:\n{fields}"})) == [
        "4:3 too_many fields"
    ]


def test_a_long_label():
    text = f"kind: entity\nname: a\nlabel: {'x' * 10_000}\nfields: {{x: {{type: text}}}}\n"
    assert found(workspace({"schemas/a.yaml": text})) == ["3:8 too_long label"]


def test_too_many_entities():
    files = {
        f"schemas/e{n}.yaml": f"kind: entity\nname: e{n}\nfields: {{x: {{type: text}}}}\n" for n in range(501)
    }
    assert [problem.code for problem in workspace(files).problems] == ["too_many"]


def test_a_long_chain_of_formulas_is_no_recursion():
    fields = "  f0: {type: integer}\n" + "".join(
        f"  f{n}: {{type: integer, formula: record.f{n - 1} + 1}}\n" for n in range(1, 499)
    )
    assert workspace({"schemas/a.yaml": f"kind: entity\nname: a\nfields:\n{fields}"}).problems.errors == []


def calls(files: dict[str, str]) -> int:
    """Count the Python calls that loading takes."""
    tree, count = SourceTree.from_mapping(files), 0

    def count_one(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(count_one)
    try:
        assert not load(tree).problems.has_errors
    finally:
        sys.setprofile(before)
    return count


def test_twice_the_documents_take_twice_the_work():
    """Counted, not timed: 500 documents stay under two seconds only while nothing grows faster than they do."""
    text = (
        (GOOD / "schemas" / "visit.yaml")
        .read_text("utf-8")
        .replace("[lead, customer]", "[visit_0]")
        .replace("entity: lead", "entity: visit_0")
    )

    def files(number: int) -> dict[str, str]:
        return {
            f"schemas/v{n}.yaml": text.replace("name: visit\n", f"name: visit_{n}\n") for n in range(number)
        }

    calls(files(1))
    small, large = calls(files(40)), calls(files(80))
    assert large < 2.2 * small


def test_schemas_are_compiled_once():
    load(SourceTree.from_folder(GOOD))
    before = shapes._compiled.cache_info().misses
    load(SourceTree.from_folder(GOOD))
    assert shapes._compiled.cache_info().misses == before


def test_the_result_does_not_depend_on_the_order_of_files():
    files = SourceTree.from_folder(GOOD).mapping()
    backwards = dict(reversed(files.items()))
    one, two = load(SourceTree.from_mapping(files)), load(SourceTree.from_mapping(backwards))
    assert one.workspace.entities == two.workspace.entities
    assert one.workspace.approvals == two.workspace.approvals


def test_findings_can_be_read_by_programs():
    loaded = workspace({"schemas/a.yaml": "kind: entity\nname: a\nfields: {x: {type: txet}}\n"})
    (finding,) = loaded.problems.to_json()
    assert json.loads(json.dumps(finding)) == {
        "file": "schemas/a.yaml",
        "line": 3,
        "column": 20,
        "end_line": 3,
        "end_column": 24,
        "key": "fields.x.type",
        "code": "unknown_type",
        "message": "unknown type 'txet'",
        "hint": "text",
        "level": "error",
    }


def test_kinds_and_folders_are_those_of_the_language():
    assert set(loading.KIND_FOLDERS.values()) == {"schemas", "workflows", "forms", "admin"}


# ---------------------------------------------------------------- expressions in their places


def test_a_formula_that_ages_is_noticed(check):
    assert check(
        """
        kind: entity
        name: lead
        fields:
          seen: {type: date}
          age: {type: integer, formula: days_since(record.seen)}
        """
    ) == ["5:33 stale_formula fields.age.formula"]


def test_a_formula_without_end_is_refused_at_once(check):
    deep = "(" * 5000 + "1" + ")" * 5000
    assert check(f"kind: entity\nname: a\nfields: {{x: {{type: integer, formula: '{deep}'}}}}\n") == [
        "3:39 too_deep fields.x.formula"
    ]


@pytest.mark.parametrize("rule", ["9**9**9", "__import__('os').getcwd()", "().__class__", "SystemExit"])
def test_python_is_not_the_language(check, rule):
    field = f'{{type: text, visible_when: "{rule}"}}'
    findings = check(f"kind: entity\nname: a\nfields: {{x: {field}}}\n")
    assert findings
    assert {line.split()[1] for line in findings} <= {"too_large", "name_not_allowed", "syntax"}


def test_positions_inside_json_texts():
    rule = 'record.x == \\"\\ud83d\\ude00\\" || record.b'
    field = f'{{"type": "text", "visible_when": "{rule}"}}'
    text = f'{{"kind": "entity", "name": "a", "fields": {{"x": {field}}}}}'
    (finding,) = found(workspace({"schemas/a.json": text}))
    place, code, _ = finding.split()
    assert code == "unknown_field"
    assert text[int(place.partition(":")[2]) - 1 :].startswith("record.b")


def test_a_rule_over_the_clock_sees_no_reader():
    """Nobody reads while the pool is swept, so `user` is not there; and it must run in the database."""
    findings = found(
        workspace(
            {
                "schemas/a.yaml": "kind: entity\nname: a\ntraits: [owned]\nfields: {x: {type: text}}\n",
                "workflows/p.yaml": """
                kind: pool
                name: p
                entity: a
                reclaim: {rules: [{name: r, when: "record.owner == user"}]}
                """,
            }
        )
    )
    assert findings == ["4:52 name_not_allowed reclaim.rules[0].when"]
