"""The clauses of the expression language by number, as far as they are not rows of the corpus."""

import json
import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from fairlead.base.calendar import calendar_of
from fairlead.expr.check import compile_expression
from fairlead.expr.checking.always import answers
from fairlead.expr.evaluate import Env, UserFacts
from fairlead.expr.expression import Expression
from fairlead.expr.jsonlogic import jsonlogic
from fairlead.expr.nodes import Typed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.types import (
    BOOL,
    DECIMAL,
    INTEGER,
    TEXT,
    Kind,
    Scope,
    Shape,
    Type,
    decimal_type,
    list_type,
    rows_type,
)
from fairlead.expr.written import text_of, text_of_tree
from playwright.sync_api import Browser

from tests.expr.grammar import Author
from tests.expr.logic import apply, truthy
from tests.expr.test_conformance import CASES
from tests.expr.world import CNY, SCOPE, SHAPES, Chromium, World, codes, must, page_row, random_world

ENV = Env.at(
    datetime(2026, 2, 25, 17, tzinfo=UTC), user=UserFacts("u1", "t1", ("t1", "t2"), ("t3",), ("rep",))
)


def problem(text: str, **options: Any) -> ExprProblem:
    found = compile_expression(text, options.pop("scope", SCOPE), **options)
    assert isinstance(found, list), f"{text} should be refused"
    return found[0]


def warned(text: str) -> list[tuple[str, str, str]]:
    """Return code, message and the words of the text that are meant."""
    return [(one.code, one.message, text[one.start : one.end]) for one in must(text).warnings]


def bare(node: Typed) -> tuple[Any, ...]:
    """Return a tree without its places in the text."""
    return (node.op, node.type, node.value, *[bare(arg) for arg in node.args])


# ---------------------------------------------------------------- EX-1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("record.flag", Kind.bool),
        ("record.qty + 1", Kind.integer),
        ("record.qty / 2", Kind.decimal),
        ("record.qty + record.rate", Kind.decimal),
        ("record.amount * record.qty", Kind.money),
        ("record.amount + record.cost", Kind.money),
        ("record.amount / record.cost", Kind.decimal),
        ("record.name + 'x'", Kind.text),
        ("record.close_on + days(1)", Kind.date),
        ("record.close_on - record.start_on", Kind.duration),
        ("record.made_at + hours(1)", Kind.datetime),
        ("record.made_at - record.met_at", Kind.duration),
        ("record.takes / hours(1)", Kind.decimal),
        ("time(record.made_at)", Kind.time),
        ("record.stage", Kind.choice),
        ("record.tags", Kind.list),
        ("record.customer", Kind.reference),
        ("record.owner", Kind.user),
        ("record.owner.team", Kind.team),
    ],
)
def test_ex_01_every_type_and_what_operators_make_of_them(text: str, kind: Kind) -> None:
    assert must(text).type.kind is kind


def test_ex_01_a_quotient_has_twelve_decimals_rounded_half_even() -> None:
    assert must("1 / 8").evaluate({}, ENV) == Decimal("0.125")
    assert must("record.tiny / 8000000").evaluate({"tiny": Decimal("0.000004")}, ENV) == 0
    assert must("record.tiny / 8000000").evaluate({"tiny": Decimal("0.000012")}, ENV) == Decimal(
        "0.000000000002"
    )
    assert must("record.qty / record.other").type.scale == 12


@pytest.mark.parametrize(
    "text",
    ["record.name + record.qty", "record.name == 5", "record.qty == '5'", "record.amount + record.yen",
     "record.amount * record.amount", "record.made_at > record.close_on", "record.close_on + 1"],
)  # fmt: skip
def test_ex_01_nothing_is_turned_into_something_else_unasked(text: str) -> None:
    assert problem(text).code == "type_mismatch"


# ---------------------------------------------------------------- EX-2, EX-3


@pytest.mark.parametrize(
    "place",
    ["record.qty > 1", "record.qty + 1 > 1", "contains(record.name, 'a')", "record.customer.since > today"],
)
def test_ex_02_an_empty_operand_makes_the_answer_unknown(place: str) -> None:
    for text in (place, f"!({place})", f"{place} && true", f"{place} || false"):
        assert must(text).evaluate({}, ENV) is None, text
    assert must(f"{place} && false").evaluate({}, ENV) is False
    assert must(f"{place} || true").evaluate({}, ENV) is True


def test_ex_02_equality_is_safe_with_nothing() -> None:
    assert must("record.stage != 'lost'").evaluate({}, ENV) is True
    assert must("record.stage == null").evaluate({}, ENV) is True
    assert must("record.stage == record.was_stage").evaluate({}, ENV) is True


def test_ex_03_each_place_says_what_unknown_is_there() -> None:
    rule = must("record.amount > 100.0")
    assert rule.is_true({}, ENV) is False, "permission, filter, when"
    assert rule.is_true({}, ENV, unknown=True) is True, "checks, as SQL's CHECK"
    assert must("record.amount * 2").evaluate({}, ENV) is None, "formula"
    assert rule.empty_reads({}, ENV) == ["amount"], "a guard names what is empty"


# ---------------------------------------------------------------- EX-4


@pytest.mark.parametrize(
    "text", ["record.amount / record.qty", "record.qty % record.other", "record.takes / (record.takes * 0)"]
)
def test_ex_04_division_by_zero_is_unknown_and_no_error(text: str) -> None:
    record = {"amount": Decimal("1.00"), "qty": 0, "other": 0, "takes": timedelta(hours=1)}
    assert must(text).evaluate(record, ENV) is None
    assert (
        must(f"or_else({text}, 7) == 7" if "takes" not in text else f"is_empty({text})").evaluate(record, ENV)
        is True
    )


def test_ex_04_a_literal_division_by_zero_is_found_at_once() -> None:
    assert problem("record.qty > 1 / 0").code == "constant"


# ---------------------------------------------------------------- EX-5


@pytest.mark.parametrize(
    ("text", "said", "place"),
    [
        ("1 == 1", "always true", "1 == 1"),
        ("record.flag && 1 == 2", "never true", "1 == 2"),
        ("record.qty == record.qty", "always true", "record.qty == record.qty"),
        ("record.qty < record.qty", "never true", "record.qty < record.qty"),
        ("record.stage == 'won' && record.stage == 'lost'", "never true", None),
        ("record.stage != 'won' || record.stage != 'lost'", "true whatever the value", None),
        ("record.qty > 5 && record.qty < 3", "never true", None),
        ("record.amount > 100.0 && !(record.amount > 50.0)", "never true", None),
        ("record.close_on > '2026-01-01' && record.close_on < '2025-01-01'", "never true", None),
        ("record.stage in ['won'] && record.stage != 'won'", "never true", None),
        ("record.stage in ['new', 'quote', 'won', 'lost']", "true whatever the value", None),
        ("month(record.close_on) > 12", "never true", None),
        ("size(record.name) >= 0", "true whatever the value", None),
        ("record.flag && (1 > 2 ? record.signed : record.qty > 3 && record.qty < 2)", "never true", None),
        ("(1 == 1 ? record.qty : 2) > 3", "always true", "1 == 1"),
    ],
)  # fmt: skip
def test_ex_05_an_answer_that_never_changes_is_told(text: str, said: str, place: str | None) -> None:
    ((code, message, words),) = warned(text)
    assert (code, message) == ("constant", f"this is {said}")
    assert place is None or words == place


@pytest.mark.parametrize(
    "text",
    ["record.qty >= 5 && record.qty <= 5", "record.qty > 3 || record.other > 3", "record.stage == 'won' || record.stage == 'lost'",
     "record.flag == record.signed", "record.qty > 5 && record.other < 3", "true", "is_business_day(today)",
     "record.lines.exists(l, l.qty > 5) && record.lines.exists(l, l.qty < 3)"],
)  # fmt: skip
def test_ex_05_what_may_go_either_way_is_not_complained_about(text: str) -> None:
    assert warned(text) == []


def test_ex_05_no_answer_is_called_impossible_that_some_record_gives() -> None:
    author, world = Author(random.Random(17)), random_world(9, 25)
    for _ in range(400):
        rule = compile_expression(author.condition(3), SCOPE)
        if isinstance(rule, Expression):
            given = {rule.evaluate(deal, world.env) for deal in world.deals}
            assert given <= answers(rule.node), rule.text


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("record.lines.exists(l, record.qty > 3)", "l"),
        ("sum(record.lines.map(line, record.qty))", "line"),
        ("count(record.lines.filter(l, record.flag))", "l"),
        ("record.tags.all(t, record.flag)", "t"),
    ],
)
def test_ex_05_a_variable_that_is_not_used_is_told(text: str, variable: str) -> None:
    found = [(code, words) for code, _, words in warned(text)]
    assert found == [("unused_variable", variable)]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("record.tags.exists(t, t == 'vpi')", "vip"),
        ("record.lines.filter(l, l.qyt > 1).exists(m, m.ready)", "qty"),
        ("record.name.matches('a+')", "contains"),
        ("timestamp('2026-01-01T00:00:00Z') < now", "datetime"),
        ("coalesce(record.qty, 1) > 1", "or_else"),
        ("record.name.length() > 3", "size"),
    ],
)
def test_ex_05_what_was_probably_meant_is_said(text: str, hint: str) -> None:
    assert problem(text).hint == hint


@pytest.mark.parametrize(
    "text",
    ["record.lines.filter(l, l.ready)", "record.lines.map(l, l.qty) == 3", "record.tags.sum(t, 1)", "record.tags.exists(t, t.name == 'a')",
     "sum(record.lines.filter(l, l.ready))", "record.qty.exists(q, q > 1)"],
)  # fmt: skip
def test_ex_05_lists_are_asked_for_what_they_can_say(text: str) -> None:
    assert problem(text).code == "type_mismatch"


# ---------------------------------------------------------------- EX-6


def test_ex_06_what_has_no_form_in_sql_says_so() -> None:
    assert codes("add_business_days(record.close_on, 3) > today") == []
    assert problem("add_business_days(record.close_on, 3) > today", sql=True).message == (
        "this must run in the database, but add_business_days has no form in SQL"
    )
    numbers = Scope(Shape("thing", {"marks": list_type(INTEGER), "name": TEXT}))
    assert codes("3 in record.marks", scope=numbers) == []
    assert codes("3 in record.marks", scope=numbers, sql=True) == ["not_in_sql"]
    assert codes("record.marks.exists(m, m > 3)", scope=numbers, sql=True) == ["not_in_sql"]


@pytest.mark.parametrize("hops", [1, 2, 3, 4])
def test_ex_06_paths_lead_over_at_most_three_records(hops: int) -> None:
    path = "record.customer" + ".parent" * (hops - 1) + ".level"
    assert codes(f"{path} == 'A'") == ([] if hops <= 3 else ["too_deep"])


# ---------------------------------------------------------------- EX-7, business days


def test_ex_07_now_and_today_stand_still_and_today_has_a_zone() -> None:
    late = datetime(2026, 2, 25, 17, tzinfo=UTC)
    days = {zone: must("today").evaluate({}, Env.at(late, zone=zone)) for zone in ("Asia/Shanghai", "UTC")}
    assert days == {"Asia/Shanghai": date(2026, 2, 26), "UTC": date(2026, 2, 25)}
    assert must("time(now)").evaluate({}, Env.at(late, zone="Asia/Shanghai")) == time(1)


def test_ex_07_business_days_are_those_of_the_calendar_given() -> None:
    week = calendar_of(
        "UTC", dict.fromkeys([6, 0], ((time(9), time(18)),)), [date(2026, 3, 2)], [date(2026, 3, 3)]
    )
    env = Env.at(datetime(2026, 2, 27, tzinfo=UTC), zone="UTC", calendar=week)
    record = {"close_on": date(2026, 2, 27)}
    assert must("add_business_days(record.close_on, 1)").evaluate(record, env) == date(2026, 3, 3)
    assert must("add_business_days(record.close_on, 100000)").evaluate(record, env) is None
    assert must("is_business_day(date('2026-03-03'))").evaluate({}, env)
    assert must("business_days_between(record.close_on, date('2026-03-08'))").evaluate(record, env) == 3


@pytest.fixture(scope="module")
def chromium(browser: Browser) -> Any:
    page = browser.new_page()
    yield Chromium(page)
    page.close()


def test_ex_07_working_days_are_added_alike_in_the_browser(chromium: Chromium) -> None:
    """`add_business_days` has no form in SQL, so it is compared here."""
    some = [
        must(f"add_business_days(record.{name}, {count})")
        for name in ("close_on", "made_at")
        for count in ("0", "1", "-1", "record.qty", "30", "-250")
    ]
    for seed in (1, 2):
        world: World = random_world(seed, 25)
        assert world.browser(chromium, some) == [
            [
                None if day is None else day.isoformat()
                for day in (one.evaluate(deal, world.env) for deal in world.deals)
            ]
            for one in some
        ]


# ---------------------------------------------------------------- EX-8


def test_ex_08_money_compares_exactly_at_any_scale() -> None:
    rule = must("record.amount >= 100000.495")
    assert rule.is_true({"amount": Decimal("100000.50")}, ENV)
    assert not rule.is_true({"amount": Decimal("100000.49")}, ENV)
    assert not must("record.yen == 0.5").is_true({"yen": Decimal(0)}, ENV)


# ---------------------------------------------------------------- EX-9


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9**9**9", "too_large"),
        ('"x" * 1000000000', "too_large"),
        ("(" * 5_000 + "1" + ")" * 5_000, "too_deep"),
        ("record.qty" + " * record.qty" * 9, "too_large"),
        (
            "record.lines.exists(a, record.lines.exists(b, record.lines.exists(c, a.qty + b.qty > c.qty)))",
            "too_expensive",
        ),
    ],
)
def test_ex_09_what_may_cost_too_much_is_refused_before_it_runs(text: str, code: str) -> None:
    """A-X03, A-X04, A-X08."""
    assert problem(text).code == code


def test_ex_09_the_bound_grows_with_the_lines_that_a_table_may_have() -> None:
    def scope(most: int) -> Scope:
        shapes: dict[str, Shape] = {"row": Shape("row", {"n": INTEGER})}
        shapes["deal"] = Shape("deal", {"lines": rows_type("row", max_items=most)}, shapes)
        return Scope(shapes["deal"])

    text = "record.lines.exists(a, record.lines.exists(b, a.n > b.n))"
    assert codes(text, scope=scope(20)) == []
    assert codes(text, scope=scope(200)) == ["too_expensive"]


# ---------------------------------------------------------------- EX-12


def place(rng: random.Random) -> Type | None:
    return rng.choice([None, None, BOOL, CNY, INTEGER, DECIMAL, decimal_type(2)])


def test_ex_12_a_tree_is_text_again_and_the_text_the_same_tree() -> None:
    rng = random.Random(12)
    author = Author(rng)
    texts = [case[1] for case in CASES] + [author.any(rng.randint(1, 4)) for _ in range(400)]
    for text in texts:
        expect = place(rng)
        made = compile_expression(text, SCOPE, expect=expect)
        if isinstance(made, Expression):
            again = must(text_of(made.node), expect=expect)
            assert bare(again.node) == bare(made.node), text


def test_ex_12_a_tree_as_json_comes_back_through_the_checker() -> None:
    rule = must(
        "record.lines.exists(l, l.qty * 2 > record.qty) && record.stage in ['won', 'lost']", expect=BOOL
    )
    sent = json.loads(json.dumps(rule.to_json()))
    text = text_of_tree(sent)
    assert isinstance(text, str)
    assert bare(must(text, expect=BOOL).node) == bare(rule.node)


@pytest.mark.parametrize(
    "tree",
    [None, [], {}, {"o": "exec"}, {"o": "call", "v": "__import__", "a": []}, {"o": "get", "r": "record", "p": ["a b"]},
     {"o": "get", "r": "record) || (true", "p": []}, {"o": "const", "k": "integer", "v": "1 || true"}, {"o": "const", "k": "text", "v": 5},
     {"o": "and", "a": [{"o": "const", "k": "bool", "v": True}]}, {"o": "if", "a": []}, {"o": "mul", "a": {}},
     {"o": "rescale", "v": 99, "a": [{"o": "const", "k": "integer", "v": "1"}]}],
)  # fmt: skip
def test_ex_12_json_that_is_no_tree_is_a_problem(tree: object) -> None:
    found = text_of_tree(tree)
    assert isinstance(found, ExprProblem)
    assert found.code == "bad_tree"


def test_ex_12_a_tree_from_outside_has_no_more_rights_than_a_text() -> None:
    deep: dict[str, Any] = {"o": "const", "k": "bool", "v": True}
    for _ in range(5_000):
        deep = {"o": "not", "a": [deep]}
    assert isinstance(text_of_tree(deep), ExprProblem)
    text = text_of_tree({"o": "get", "r": "record", "p": ["__class__"]})
    assert isinstance(text, str)
    assert problem(text).code == "name_not_allowed"
    quote = text_of_tree({"o": "const", "k": "text", "v": "') || true || ('\\"})
    assert isinstance(quote, str)
    assert must(quote).evaluate({}, ENV) == "') || true || ('\\"


# ---------------------------------------------------------------- JsonLogic

FACTS = {
    "today": "2026-02-26", "now": "2026-02-25T17:30:15.250000Z", "open_approvals": 2, "floor": 99.5, "allowed": ["vip"],
    "user": {"id": "u1", "team": "t1", "teams": ["t1", "t2"], "subordinate_teams": ["t3"], "roles": ["rep", "finance"]},
}  # fmt: skip


def plain(shape: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return a record as the program that reads JsonLogic would have it: numbers as numbers."""
    made = page_row(SHAPES, SHAPES[shape], row)
    for name, kind in SHAPES[shape].fields.items():
        if kind.is_rows:
            made[name] = (
                [plain(str(kind.element.entity), line) for line in row[name] or ()] if kind.element else []
            )
        elif kind.is_number and row[name] is not None:
            made[name] = float(row[name])
    return made


def test_ex_12_jsonlogic_says_the_same_or_why_it_cannot() -> None:
    author, world = Author(random.Random(3)), random_world(4, 20)
    said, refused = 0, set()
    for _ in range(500):
        rule = compile_expression(author.condition(2), SCOPE, expect=BOOL)
        if not isinstance(rule, Expression) or any(
            len(path) > 2 or path[0] in ("customer", "owner") for path in rule.uses
        ):
            continue
        logic = jsonlogic(rule.node)
        if isinstance(logic, ExprProblem):
            refused.add(logic.message)
            continue
        said += 1
        for deal in world.deals:
            assert truthy(apply(logic, FACTS | plain("deal", deal))) == rule.is_true(deal, world.env), (
                rule.text
            )
    assert said > 100
    assert "JsonLogic has no days_since" in refused


def test_ex_12_jsonlogic_asks_for_empty_fields_first() -> None:
    assert jsonlogic(must("record.qty < 5").node) == {
        "and": [{"!==": [{"var": "qty"}, None]}, {"<": [{"var": "qty"}, 5]}]
    }
    assert jsonlogic(must("!(record.qty < 5)").node) == {
        "and": [{"!==": [{"var": "qty"}, None]}, {">=": [{"var": "qty"}, 5]}]
    }
    refused = jsonlogic(must("record.amount * 2 > 5").node)
    assert isinstance(refused, ExprProblem)
    assert "exact" in refused.message
