"""EX-5: what is wrong is said at once, with its place and the word probably meant; nothing hostile gets further."""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from fairlead.base.errors import Invalid
from fairlead.expr.check import compile_expression
from fairlead.expr.evaluate import Env, UserFacts
from fairlead.expr.expression import Expression
from fairlead.expr.functions import FUNCTIONS
from fairlead.expr.jsonlogic import jsonlogic
from fairlead.expr.sentence import sentence
from fairlead.expr.sql import SqlContext
from fairlead.expr.types import BOOL, DATE, INTEGER, TEXT, Scope, money_type
from fairlead.expr.written import text_of_tree

from tests.expr.grammar import Author
from tests.expr.world import SCOPE, SHAPES, TABLES, codes, must, random_world

ENV = Env.at(datetime(2026, 2, 25, 17, tzinfo=UTC), user=UserFacts("u1"))


def first(text, **options):
    found = compile_expression(text, options.pop("scope", SCOPE), **options)
    assert not isinstance(found, Expression), f"{text} should be refused"
    return found[0]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("9**9**9", "too_large"),
        ('"x" * 1000000000', "too_large"),
        ("__import__('os').getcwd()", "name_not_allowed"),
        ("().__class__", "name_not_allowed"),
        ("record.name.__class__", "name_not_allowed"),
        ("record.__class__", "name_not_allowed"),
        ("record['__class__']", "name_not_allowed"),
        ("(" * 5_000 + "1" + ")" * 5_000, "too_deep"),
        ("[" * 5_000, "too_deep"),
        ("!" * 3_000 + "true", "too_deep"),
        ("-" * 3_000 + "1", "too_deep"),
        ("true ? " * 500 + "1", "too_deep"),
        ("+".join(["record.qty"] * 300), "too_deep"),
        ("a" * 5_000, "too_large"),
        ("9" * 3_000, "too_large"),
        ("1e1000000", "too_large"),
        ("*".join(["record.qty"] * 10), "too_large"),
        ("raise SystemExit()", "name_not_allowed"),
        ("SystemExit", "name_not_allowed"),
        ("eval('1')", "name_not_allowed"),
        ("record.name.format('x')", "name_not_allowed"),
        ("lambda: 1", "name_not_allowed"),
        ("[x for x in record.tags]", "name_not_allowed"),
        (
            "record.lines.exists(l, record.lines.exists(m, record.lines.exists(n, l.qty + m.qty > n.qty)))",
            "too_expensive",
        ),
        ("", "syntax"),
        ("   ", "syntax"),
        ("'abc", "syntax"),
        ("record.", "syntax"),
        ("record.qty > 1;", "syntax"),
        ("a\x00b", "syntax"),
        ("record.name == 'a\x00b'", "syntax"),
        ("record.name == 'a\ud800b'", "syntax"),
        ("record.name == 'a\rb'", "syntax"),
        ("1 < record.qty < 3", "syntax"),
        ("record.lines[0].qty", "syntax"),
        ("金额 > 3", "syntax"),
    ],
)
def test_EX5_hostile_and_broken_texts_are_problems(text, code):
    assert first(text).code == code


@pytest.mark.parametrize(
    ("text", "code", "hint", "at"),
    [
        ("record.stage == 'wno'", "unknown_option", "won", (16, 21)),
        ("record.stage in ['won', 'los']", "unknown_option", "lost", (24, 29)),
        ("record.amuont > 1", "unknown_field", "amount", (0, 13)),
        ("record.customer.levle == 'A'", "unknown_field", "level", (0, 21)),
        ("recrd.amount > 1", "name_not_allowed", "record", (0, 5)),
        ("amount > 1", "name_not_allowed", "record.amount", (0, 6)),
        ("user.nmae == 'x'", "unknown_field", None, (0, 9)),
        ("usr == record.owner", "name_not_allowed", "user", (0, 3)),
        ("sise(record.name) > 1", "name_not_allowed", "size", (0, 4)),
        ("record.flag and record.signed", "syntax", "&&", (12, 15)),
        ("record.flag or record.signed", "syntax", "||", (12, 14)),
        ("not record.flag", "syntax", "!", (0, 3)),
        ("record.stage = 'won'", "syntax", "==", (13, 14)),
        ("record.qty <> 3", "syntax", "!=", (11, 13)),
        ("record.flag & record.signed", "syntax", "&&", (12, 13)),
        ("record.flag == True", "syntax", "true", (15, 19)),
        ("record.qty ＞ 3", "syntax", ">", (11, 12)),
        ("record.made_at > today", "type_mismatch", "date(record.made_at)", (0, 22)),
        ("record.close_on + 3 > today", "type_mismatch", "days(…)", (0, 19)),
    ],
)
def test_EX5_slips_are_named(text, code, hint, at):
    problem = first(text)
    assert (problem.code, problem.hint, (problem.start, problem.end)) == (code, hint, at)


@pytest.mark.parametrize(
    "text",
    [
        "record.name > 5",
        "record.qty + record.name",
        "record.amount + record.yen",
        "record.amount > record.yen",
        "record.amount * record.cost",
        "record.amount + record.qty > 1",
        "record.amount > record.rate",
        "record.flag > record.signed",
        "record.stage < 'won'",
        "record.qty && record.flag",
        "!record.qty",
        "record.lines == null",
        "record.tags == record.tags",
        "record.owner == record.team",
        "record.owner == record.customer",
        "record.close_on == record.made_at",
        "record.lines.qty > 3",
        "record.qty < null",
        "record.qty in record.tags",
        "record.flag ? 1 : 'a'",
        "sum(record.tags)",
        "round(record.rate, record.qty)",
        "record.name.level == 'A'",
        "record",
        "record.close_on > 5",
    ],
)
def test_EX5_types_must_fit(text):
    assert first(text).code == "type_mismatch"


def test_EX5_every_problem_comes_at_once():
    assert codes("record.x == 1 && record.y == 2") == ["unknown_field", "unknown_field"]


@pytest.mark.parametrize(
    "text", ["record.close_on > '2026-02-30'", "record.opens > '25:00'", "record.made_at > '2026-01-01'"]
)
def test_EX5_literals_are_read_at_check_time(text):
    assert first(text).code == "bad_literal"


@pytest.mark.parametrize(
    ("text", "word"), [("1 == 1", "always true"), ("'a' == 'b' && record.flag", "never true")]
)
def test_EX5_constant_results_are_warned_about(text, word):
    assert word in must(text).warnings[0].message


def test_EX5_the_place_says_what_it_wants():
    assert (
        first("record.qty", expect=BOOL).message == "a condition is needed here, but this is a whole number"
    )
    assert first("record.qty / 2", expect=INTEGER).hint == "round(…, 0)"
    assert must("round(record.qty / 2)", expect=INTEGER).evaluate({"qty": 7}, ENV) == 4
    assert must("record.amount * 0.333", expect=money_type("CNY")).evaluate(
        {"amount": Decimal("0.15")}, ENV
    ) == Decimal("0.05")
    assert must("null", expect=DATE).evaluate({}, ENV) is None
    assert first("record.yen", expect=money_type("CNY")).code == "type_mismatch"
    assert must("record.stage", expect=TEXT).type.kind == "choice"


def test_EX4_a_number_too_large_to_keep_is_an_error():
    formula = must("record.qty * record.qty", expect=INTEGER)
    with pytest.raises(Invalid) as found:
        formula.evaluate({"qty": 10**12}, ENV)
    assert found.value.errors[0].code == "out_of_range"


def test_EX6_what_has_no_sql_is_refused_where_sql_is_needed():
    scope = Scope(SHAPES["deal"], old=True)
    assert codes("old.amount != record.amount", scope=scope) == []
    assert codes("old.amount != record.amount", scope=scope, sql=True) == ["not_in_sql"]


def test_EX6_a_path_is_at_most_three_records_long():
    assert codes("record.customer.parent.parent.level == 'A'") == []
    assert codes("record.customer.parent.parent.parent.level == 'A'") == ["too_deep"]


def test_api_filters_name_bare_fields():
    scope = Scope(SHAPES["deal"], bare_fields=True)
    rule = must('stage == "quote" && amount > 1000.0', scope=scope, expect=BOOL, sql=True)
    assert rule.is_true({"stage": "quote", "amount": Decimal("1000.01")}, ENV)


def test_what_is_read_is_known():
    scope = Scope(SHAPES["deal"], old=True)
    rule = must(
        "record.customer.level == 'A' && record.lines.exists(l, l.supplier.level == 'B')"
        " && old.qty > 1 && has_role('x')",
        scope=scope,
    )
    assert rule.uses == {("customer", "level"), ("lines",), ("lines", "supplier", "level")}
    assert rule.uses_old == {("qty",)}
    assert rule.names == {"user.roles"}


def test_EX3_an_unknown_answer_names_the_empty_field():
    rule = must("record.amount > 100 && record.flag")
    assert rule.evaluate({"flag": True}, ENV) is None
    assert rule.empty_reads({"flag": True}, ENV) == ["amount"]
    assert not rule.is_true({"flag": True}, ENV)
    assert rule.is_true({"flag": True}, ENV, unknown=True)


def test_nobody_owns_what_nobody_owns():
    """Without a person, `user` is not equal to an empty owner."""
    env = Env.at(ENV.now)
    assert must("record.owner == user").evaluate({"owner": None}, env) is False


def test_durations_are_timedeltas_outside():
    assert must("record.takes * 2").evaluate({"takes": timedelta(hours=3)}, ENV) == timedelta(hours=6)


def test_a_long_list_of_conditions_is_not_deep():
    assert must(" && ".join(["record.qty > 1"] * 200)).is_true({"qty": 2}, ENV)


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        ("record.discount > 0.1", "Discount is greater than 10 %", "折扣 大于 10 %"),
        ("record.stage != 'won'", "Stage is not Won", "阶段 不是 赢单"),
        (
            "record.close_on >= today + days(7)",
            "Close on is today + 7 days or later",
            "close on 不早于 今天 + 7 天",
        ),
        ("record.amount >= 100000.0", "Amount is at least ¥100,000.00", "amount 不小于 ¥100,000.00"),
        ("!record.flag", "Flag is no", "flag 是 否"),
    ],
)
def test_EX10_a_rule_is_also_a_sentence(text, en, zh):
    words = {
        ("discount",): ("discount", "折扣"),
        ("stage",): ("stage", "阶段"),
        ("stage", "=", "won"): ("Won", "赢单"),
    }
    rule = must(text)
    assert sentence(rule, "en", lambda path: words.get(path, (None, None))[0]) == en
    assert sentence(rule, "zh", lambda path: words.get(path, (None, None))[1]).lower() == zh.lower()


def test_every_function_is_described_in_both_languages():
    for function in FUNCTIONS:
        assert function.label.get("en") != function.label.get("zh")
        assert function.signature.startswith(function.name)


PIECES = """
record old user now today true null in . , ( ) [ ] ? : && || ! == != < > + - * / % 'a' "b" 1 0 2.5 'won'
.filter( .map( .all( .count( .exists_one( .max( time( hour( has( add_months( is_business_day( days_between(
.amount .qty .lines .name .stage .customer .tags .owner .made_at .close_on .level .id .exists( .sum( .size()
l l, size( min( max( or_else( date( round( days( is_empty( sum( count( has_role( in_team( datetime( abs(
record.qty record.lines record.amount record.made_at record.tags \\ ' \x00 ， 客 99999999999999999999
'\\u12 '\\ud800' ** # // __x__ 'UTC' date('2026-01-31') days(-1) '2026-01-01' record.customer.level
""".split()


def jumbled(rng: random.Random) -> str:
    """Return pieces in any order, or a good expression with some of its words exchanged."""
    if rng.random() < 0.3:
        return " ".join(rng.choices(PIECES, k=rng.randint(1, 12)))
    words = Author(rng).any(rng.randint(0, 3)).split(" ")
    for _ in range(rng.randint(1, 2)):
        words[rng.randrange(len(words))] = rng.choice([*PIECES, *words, ""])
    return " ".join(words)


def test_no_text_raises():
    """Whatever is typed, the answer is an expression that works, or problems with places inside the text."""
    rng, world = random.Random(7), random_world(3, 4)
    deal = TABLES.known["deal"]
    contexts = [SqlContext(name, lambda path: deal.c[path[0]], TABLES) for name in ("sqlite", "postgresql")]
    accepted = 0
    for _ in range(4_000):
        text = jumbled(rng)
        found = compile_expression(text, SCOPE, sql=True)
        if isinstance(found, Expression):
            accepted += 1
            world.python(found)
            for ctx in contexts:
                found.to_sql(ctx)
            assert sentence(found, "zh", lambda _path: None)
            assert isinstance(text_of_tree(json.loads(json.dumps(found.to_json()))), str)
            jsonlogic(found.node)
        else:
            assert found
            assert all(0 <= one.start <= one.end <= len(text) for one in found), text
    assert accepted > 200
