"""EX-10: every expression is a sentence in both languages, and is shown and typed with the labels of the screen."""

import random
import re

import pytest
from fairlead.expr.check import compile_expression
from fairlead.expr.chips import Chip, chips, shown
from fairlead.expr.expression import Expression
from fairlead.expr.functions import BY_NAME, FUNCTIONS
from fairlead.expr.labels import keyed
from fairlead.expr.parse import ExprProblem
from fairlead.expr.sentence import sentence

from tests.expr.grammar import Author
from tests.expr.test_clauses import bare
from tests.expr.test_conformance import CASES
from tests.expr.world import SCOPE, must

ZH = {
    "qty": "数量", "amount": "金额", "stage": "阶段", "was_stage": "原阶段", "name": "名称", "note": "备注", "customer": "客户",
    "level": "级别", "lines": "明细", "price": "单价", "close_on": "结束日期", "cost": "成本（元）", "discount": "折扣", "owner": "负责人",
    "team": "团队", "tags": "标签", "ready": "就绪", "made_at": "创建 时间", "rate": "rate", "flag": "Flag?", "credit": "单价",
    "other": "名称-2", "supplier": "客户",
}  # fmt: skip
OPTIONS = {
    "won": "赢单",
    "lost": "丢单",
    "new": "新 建",
    "quote": "报价-1",
    "vip": "VIP",
    "hot": "or",
    "A": "A级",
}


def zh(_shape: str, field: str, option: str | None) -> str | None:
    return OPTIONS.get(option) if option else ZH.get(field)


def en(_shape: str, field: str, option: str | None) -> str | None:
    return option.title() if option else field.replace("_", " ").capitalize()


def everything() -> list[Expression]:
    author = Author(random.Random(21))
    texts = [case[1] for case in CASES] + [author.any(3) for _ in range(300)]
    return [made for text in texts if isinstance(made := compile_expression(text, SCOPE), Expression)]


# ---------------------------------------------------------------- sentences


def test_ex_10_no_expression_without_a_sentence_and_no_english_in_chinese() -> None:
    """What is not a label is Chinese: no function, no operator of the language, no word of the other one."""
    for one in everything():
        chinese = sentence(one, "zh", lambda path: "字段")
        english = sentence(one, "en", lambda path: "field")
        assert english and chinese, one.text
        kept = re.sub(r"“[^”]*”|\([A-Za-z/_]+\)|（[A-Za-z/_]+）|UTC|[¥€$]|CNY", "", chinese)
        stray = set(re.findall(r"[a-z_]{2,}", kept)) - {"allowed", "open", "approvals", "floor"}
        assert not stray, f"{one.text}: {chinese}"
        assert not re.search(r"[a-z]_[a-z]|\(\)", english.replace("open_approvals", "")), (
            f"{one.text}: {english}"
        )


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - {"filter", "map", "datetime", "has", "exists_one"}))
def test_ex_10_every_function_is_said(name: str) -> None:
    """Each function stands somewhere in the corpus or here, so that the test above has met it."""
    more = {
        "weeks": "record.takes > weeks(2)", "minutes": "record.takes > minutes(2)",
        "add_business_days": "add_business_days(record.close_on, 3) > today",
        "starts_with": "starts_with(record.name, 'a')", "business_days_until": "business_days_until(record.close_on) < 3",
        "days_until": "days_until(record.close_on) < 3", "month": "month(record.close_on) > 3", "day": "day(record.close_on) > 3",
    }  # fmt: skip
    texts = [case[1] for case in CASES if f"{name}(" in case[1]] or [more[name]]
    for text in texts:
        assert sentence(must(text), "zh", lambda path: None)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        ("record.tags.exists(t, t == 'vip')", 'For at least one of tags: the entry is "vip"', "至少有一行tags满足：该项 是 “vip”"),
        ("count(record.lines.filter(l, l.ready)) > 1", "The number of lines where ready is yes is greater than 1",
         "满足“ready 为是”的lines 的行数 大于 1"),
        ("add_months(record.close_on, 12) < today", "12 months after close on is before today", "Close on 之后 12 个月 早于 今天"),
        ("is_business_day(today)", "Today is a working day", "今天 是工作日"),
        ("has(record.name)", "Name is filled in", "Name 已填写"),
        ("time(record.made_at) >= '09:00'", "The time of made at is 09:00:00 or later", "Made at 的时间 不早于 09:00:00"),
    ],
)  # fmt: skip
def test_ex_10_sentences_read_as_people_speak(text: str, english: str, chinese: str) -> None:
    assert sentence(must(text), "en", lambda path: None) == english
    assert sentence(must(text), "zh", lambda path: None) == chinese


def test_ex_10_every_function_has_a_line_in_the_reference_in_both_languages() -> None:
    for function in FUNCTIONS:
        assert function.label.get("zh") != function.label.get("en")


# ---------------------------------------------------------------- chips


def test_ex_10_a_rule_is_shown_with_labels_and_is_the_same_rule_when_typed_again() -> None:
    labelled = 0
    for one in everything():
        for words in (zh, en):
            text = shown(one, SCOPE, words)
            labelled += text != one.text
            back = keyed(text, SCOPE, words)
            assert isinstance(back, str), f"{text}: {back}"
            assert bare(must(back).node) == bare(one.node), f"{one.text} | {text} | {back}"
    assert labelled > 400


def test_ex_10_chips_know_what_they_stand_for() -> None:
    made = chips(must("record.amount > 100000.0 && record.stage == 'won'"), SCOPE, zh)
    assert [(chip.text, chip.kind) for chip in made if chip.kind != "text"] == [
        ("金额", "field"), ("阶段", "field"), ("赢单", "option")
    ]  # fmt: skip
    assert made[0] == Chip("金额", "field", "record.amount")
    assert "".join(chip.written for chip in made) == "record.amount > 100000.0 && record.stage == 'won'"


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("金额 > 100000", "record.amount > 100000"),
        ("金额＞100000 且 阶段==赢单", "record.amount>100000 && record.stage=='won'"),
        ("非（阶段 in [赢单，丢单]）", "!(record.stage in ['won','lost'])"),
        ("客户.级别 == “A级”", "record.customer.level == 'A'"),
        ("明细.exists(行, 1 > 2)", None),
        ("明细.exists(x, x.数量 > 3)", "record.lines.exists(x, x.qty > 3)"),
        ("sum(明细.单价) > 金额", "sum(record.lines.price) > record.amount"),
        ("标签.exists(t, t == VIP)", "record.tags.exists(t, t == 'VIP')"),
        ("amount > 5 and stage == 赢单", "record.amount > 5 && record.stage == 'won'"),
        ("阶段 == '赢单' || 名称 == '金额'", "record.stage == 'won' || record.name == '金额'"),
        ("成本（元） > 1", "record.cost > 1"),
        ("record.amount > 金额", "record.amount > record.amount"),
        ("user.team == 团队", "user.team == record.team"),
    ],
)  # fmt: skip
def test_ex_10_labels_are_understood_while_typing(typed: str, text: str | None) -> None:
    made = keyed(typed, SCOPE, zh)
    if text is None:
        assert isinstance(made, str) and not isinstance(compile_expression(made, SCOPE), Expression)
    else:
        assert made == text


def test_ex_10_english_labels_may_have_blanks_and_any_case() -> None:
    assert keyed("close on >= today && Customer.Level == A", SCOPE, en) == (
        "record.close_on >= today && record.customer.level == 'A'"
    )


def test_ex_10_a_label_that_two_things_share_is_named_not_guessed() -> None:
    def words(shape: str, field: str, option: str | None) -> str | None:
        return None if option else {"amount": "Sum", "cost": "Sum", "stage": "Stage"}.get(field)

    found = keyed("Stage == 'won' && Sum > 3", SCOPE, words)
    assert isinstance(found, list)
    (problem,) = found
    assert isinstance(problem, ExprProblem)
    assert (problem.code, problem.start, problem.end) == ("ambiguous_label", 18, 21)
    assert problem.message == "'Sum' may be record.amount or record.cost; write the one that is meant"
    assert shown(must("record.amount > 3 && record.stage == 'won'"), SCOPE, words) == (
        "record.amount > 3 && Stage == 'won'"
    )


def test_ex_10_options_that_share_a_label_are_named_too() -> None:
    def words(shape: str, field: str, option: str | None) -> str | None:
        return "Closed" if option in ("won", "lost") else None

    found = keyed("record.stage == Closed", SCOPE, words)
    assert isinstance(found, list)
    assert found[0].message == "'Closed' may be 'won' or 'lost'; write the one that is meant"
