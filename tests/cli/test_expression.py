"""`fairlead expression`: what a rule means, in every form it has (EX-10, EX-12)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

FILES = {
    "fairlead.yaml": "name: yard\nlanguages: [en, zh]\ncurrency: CNY\n",
    "schemas/car.yaml": """\
kind: entity
name: car
label: {en: Car, zh: 车}
title: "{plate}"
fields:
  plate: {type: text, label: {en: Plate, zh: 车牌}, required: true}
  price: {type: money, label: {en: Price, zh: 价格}}
  state: {type: choice, label: {en: State, zh: 状态}, options: {good: {label: {en: Good, zh: 好}}, bad: {label: {en: Bad, zh: 坏}}}}
  before: {type: reference, entity: car, on_delete: clear, label: {en: Car before, zh: 前车}}
  parts:
    type: table
    label: {en: Parts, zh: 配件}
    fields:
      cost: {type: money, label: {en: Cost, zh: 成本}}
""",
}
LOGIC = (
    '{"and": [{"and": [{"!==": [{"var": "price"}, null]}, {">": [{"var": "price"}, 10.5]}]}, '
    '{"===": [{"var": "before.state"}, "good"]}]}'
)
RULE = "record.price > 10.5 && record.before.state == 'good'"


@pytest.fixture
def yard(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def test_ex_10_a_rule_is_shown_and_said_in_every_language(fairlead: Run, yard: Path) -> None:
    assert fairlead("expression", yard, "car", RULE).out.splitlines() == [
        f"text: {RULE}",
        "gives: yes/no",
        "shown (en): Price > 10.5 && Car before.State == Good",
        "shown (zh): 价格 > 10.5 && 前车.状态 == 好",
        "said (en): Price is greater than ¥10.50 and State of Car before is Good",
        "said (zh): 价格 大于 ¥10.50 且 前车 的 状态 是 好",
        f"jsonlogic: {LOGIC}",
    ]


@pytest.mark.parametrize(
    "typed", [RULE, "Price > 10.5 and Car before.State == Good", "价格＞10.5 且 前车.状态 == 好"]
)
def test_ex_10_it_may_be_typed_with_labels(fairlead: Run, yard: Path, typed: str) -> None:
    again = fairlead("expression", yard, "car", typed, "--as", "cel")
    assert (again.status, again.out.strip()) == (
        0,
        "(record.price > 10.5) && (record.before.state == 'good')",
    )


def test_ex_12_a_tree_comes_back_as_the_rule(fairlead: Run, yard: Path) -> None:
    rule = "sum(record.parts.filter(p, p.cost > 1.0).cost) > record.price"
    tree = fairlead("expression", yard, "car", rule, "--as", "tree").json
    back = fairlead("expression", yard, "car", json.dumps(tree), "--as", "tree").json
    assert back == tree
    assert fairlead("expression", yard, "car", rule, "--as", "jsonlogic").status == 1


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("record.prise > 1.0", "1: car has no field 'prise' (did you mean 'price'?)"),
        ("record.state == 'god'", "17: there is no option 'god' (did you mean 'good'?)"),
        ('{"o": "exec"}', "1: there is no construct 'exec'"),
        ("9**9**9", "2: there is no power operator, because its results grow without bound"),
    ],
)
def test_ex_05_what_is_wrong_has_its_place(fairlead: Run, yard: Path, rule: str, said: str) -> None:
    answer = fairlead("expression", yard, "car", rule)
    assert (answer.status, answer.err.splitlines()[0]) == (1, said)


def test_a_record_that_there_is_not_is_named(fairlead: Run, yard: Path) -> None:
    assert fairlead("expression", yard, "lorry", "true").status == 1
