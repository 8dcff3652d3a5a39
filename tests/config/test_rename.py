"""A new name is said everywhere, and nothing else changes: not a comment, not a blank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fairlead.config.load import load
from fairlead.config.rename import CannotRename, rename, target_of
from fairlead.config.source import SourceTree, shipped, shipped_templates

ROOT = Path(__file__).resolve().parents[2]

HOUSE = {
    "fairlead.yaml": "name: house\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\n",
    "schemas/car.yaml": """\
kind: entity
name: car
label: {en: Car, zh: 车}
title: "{plate} / {plate}"       # how it is called
traits: [owned, stages]
fields:
  plate: {type: text, label: {en: Plate, zh: 车牌}, required: true}
  colour: {type: choice, label: {en: Colour, zh: 颜色}, options: colours, default: red}
  state: {type: choice, label: {en: State, zh: 状态}, options: {good: {en: Good, zh: 好}, bad: Bad}}
  price: {type: money, label: {en: Price, zh: 价格}}
  before: {type: reference, entity: car, on_delete: clear, label: {en: Before, zh: 前车}}
  dear: {type: boolean, label: {en: Dear, zh: 贵}, formula: "record . price > 9.0 && record.before.price > 1.0"}
  parts:
    type: table
    label: {en: Parts, zh: 配件}
    fields:
      price: {type: money, label: {en: Price, zh: 价格}}
      qty: {type: integer, label: {en: Qty, zh: 数量}}
  sum: {type: money, label: {en: Sum, zh: 合计}, rollup: {from: parts, sum: price}}
checks:
  - rule: >-
      record.parts.all(price, price.qty > 0)
      && sum(record.parts.price) < 100.0
    message: {en: No., zh: 否。}
  - {rule: "record.colour != 'blue' || record.stage in ['sold', 'new']", message: {en: No., zh: 否。}}
  - {rule: "record.state == (record.colour == 'red' ? 'good' : 'bad')", message: {en: No., zh: 否。}}
  - {rule: "!has_role('seller') || 'seller' in user.roles", message: {en: No., zh: 否。}, field: price}
""",
    "schemas/colours.yaml": "kind: options\nname: colours\nlabel: Colours\noptions: [red, {name: blue, label: Blue}]\n",
    "workflows/car_stages.yaml": """\
kind: pipeline
name: car_stages
entity: car
label: Stages
stages: {new: {label: New}, sold: {label: Sold, outcome: won, require: [price]}}
moves: [{from: new, to: sold, ask: [price], roles: [seller]}]
on_enter:
  sold: [{notify: {to: ["record.owner", "role:seller"], text: {en: "{plate} of {price}", zh: "{plate}"}}}]
""",
    "forms/car_list.yaml": "kind: list\nname: car\nlabel: Cars\nentity: car\ncolumns: [plate, price]\norder: [-price]\n",
    "admin/seller.yaml": """\
kind: role
name: seller
label: Seller
grants:
  "car": {read: "record.price > 2.0", fields: {'price': hidden}}
""",
    "admin/worth.yaml": """\
kind: report
name: worth
label: Worth
entity: car
type: table
dimensions: [before.colour]
measures: [{sum: price}, {avg: price}]
order: -avg_price
""",
    "admin/board.yaml": "kind: dashboard\nname: board\nlabel: B\ntiles: [{report: worth, measure: price}]\n",
}  # fmt: skip


def house(**more: str) -> SourceTree:
    return SourceTree.from_mapping({**HOUSE, **more})


def test_the_house_is_sound() -> None:
    assert [str(one) for one in load(house()).problems if one.level == "error"] == []


RENAMES: dict[str, tuple[str, dict[str, list[str]]]] = {
    "entity.car.fields.price": ("cost", {
        "schemas/car.yaml": [
            "  cost: {type: money, label: {en: Price, zh: 价格}, was: price}",
            'formula: "record . cost > 9.0 && record.before.cost > 1.0"',
            "      price: {type: money, label", "sum: price}}", "record.parts.all(price, price.qty > 0)",
            "sum(record.parts.price) < 100.0", "field: cost}",
        ],
        "workflows/car_stages.yaml": ["require: [cost]", "ask: [cost]", '"{plate} of {cost}"'],
        "forms/car_list.yaml": ["columns: [plate, cost]", "order: [-cost]"],
        "admin/seller.yaml": ['"record.cost > 2.0"', "{'cost': hidden}"],
        "admin/worth.yaml": ["[{sum: cost}, {avg: cost}]", "order: -avg_cost"],
        "admin/board.yaml": ["measure: cost"],
    }),
    "entity.car.fields.plate": ("number", {
        "schemas/car.yaml": ['title: "{number} / {number}"       # how it is called'],
        "workflows/car_stages.yaml": ['"{number} of {price}", zh: "{number}"'],
    }),
    "entity.car.fields.parts.fields.price": ("cost", {
        "schemas/car.yaml": [
            "      cost: {type: money", "rollup: {from: parts, sum: cost}", "(price, price.qty > 0)",
            "sum(record.parts.cost)", "  price: {type: money", "record . price > 9.0",
        ],
    }),
    "entity.car.fields.parts": ("bits", {
        "schemas/car.yaml": ["  bits:\n    type: table", "{from: bits,", "record.bits.all(price", "sum(record.bits.price)"],
    }),
    "entity.car.fields.colour": ("paint", {"admin/worth.yaml": ["[before.paint]"], "schemas/car.yaml": ["record.paint != 'blue'"]}),
    "entity.car.fields.before": ("former", {"admin/worth.yaml": ["[former.colour]"], "schemas/car.yaml": ["record.former.price"]}),
    "entity.car": ("lorry", {
        "schemas/car.yaml": ["name: lorry\nlabel: {en: Car, zh: 车}\nwas: car\n", "entity: lorry, on_delete"],
        "forms/car_list.yaml": ["name: car", "entity: lorry"],
        "admin/seller.yaml": ['  "lorry": {'], "admin/worth.yaml": ["entity: lorry"],
    }),
    "pipeline.car_stages.stages.sold": ("gone", {
        "workflows/car_stages.yaml": ["gone: {label: Sold, was: sold, outcome", "to: gone", "on_enter:\n  gone:"],
        "schemas/car.yaml": ["in ['gone', 'new']"],
    }),
    "role.seller": ("agent", {
        "admin/seller.yaml": ["name: agent\nlabel: Seller\nwas: seller"], "workflows/car_stages.yaml": ["roles: [agent]", "role:agent"],
        "schemas/car.yaml": ["!has_role('agent') || 'agent' in user.roles"],
    }),
    "options.colours.red": ("crimson", {
        "schemas/colours.yaml": ["[{name: crimson, was: red}, {name: blue"],
        "schemas/car.yaml": ["default: crimson", "record.colour == 'crimson'"],
    }),
    "entity.car.fields.state.options.good": ("fine", {
        "schemas/car.yaml": ["{fine: {label: {en: Good, zh: 好}, was: good}, bad: Bad}", "? 'fine' : 'bad'"],
    }),
    "options.colours": ("paints", {"schemas/car.yaml": ["options: paints,"], "schemas/colours.yaml": ["name: paints"]}),
    "report.worth": ("value", {"admin/board.yaml": ["{report: value, measure: price}"]}),
}  # fmt: skip


@pytest.mark.parametrize("target", RENAMES)
def test_the_new_name_is_said_everywhere_and_back(target: str) -> None:
    new, expected = RENAMES[target]
    tree = house()
    done = rename(tree, target_of(target), new)
    texts = done.tree.mapping()
    for path, pieces in expected.items():
        for piece in pieces:
            assert piece in texts[path], texts[path]
    assert [str(one) for one in load(done.tree).problems if one.level == "error"] == []
    plain = rename(tree, target_of(target), new, remember=False)
    assert set(plain.changed) <= set(done.changed)
    back = ".".join([*target.split(".")[:-1], new])
    assert rename(plain.tree, target_of(back), target.split(".")[-1], remember=False).tree == tree


@pytest.mark.parametrize("template", shipped_templates(ROOT))
def test_any_name_of_a_template_there_and_back(template: str) -> None:
    tree = shipped(ROOT, template)
    targets = sorted({one.target for one in load(tree).mentions if _own(one.target)})
    assert len(targets) > 100
    for target in targets[:: len(targets) // 6]:
        plain = rename(tree, target, f"x_{target[-1]}"[:40], remember=False)
        assert (
            rename(plain.tree, (*target[:-1], f"x_{target[-1]}"[:40]), target[-1], remember=False).tree
            == tree
        )


def _own(target: tuple[str, ...]) -> bool:
    """What documents define; not what traits and the engine bring."""
    return not (target[0] == "entity" and len(target) >= 4 and target[3] in ENGINE)


ENGINE = frozenset(
    "id version created_at created_by updated_at updated_by owner team claimed_at last_activity_at pool pool_entered_at "
    "previous_owner due_at due_rule stage stage_entered_at approval_state tags archived_at".split()
)


def test_earlier_names_are_kept_and_a_way_back_forgets_them() -> None:
    tree = house()
    for old, new in (("price", "cost"), ("cost", "worth"), ("worth", "price")):
        tree = rename(tree, ("entity", "car", "fields", old), new).tree
        text = tree.mapping()["schemas/car.yaml"]
        wanted: Any = {"cost": "was: price}", "worth": "was: [price, cost]}", "price": "was: [cost, worth]}"}[
            new
        ]
        assert wanted in text


def test_what_cannot_be_renamed_says_why() -> None:
    for target, new, words in (
        ("entity.car.fields.prise", "x", "did you mean 'price'"),
        ("entity.cra", "x", "did you mean 'car'"),
        ("entity.car.fields.price", "plate", "already"),
        ("entity.car.fields.price", "The Price", "no name"),
        ("entity.car.fields.price", "owner", "belongs to a field"),
        ("entity.car.label", "x", "names nothing"),
        ("entity.car.fields.price", "true", "true"),
    ):
        with pytest.raises(CannotRename, match=words):
            rename(house(), target_of(target), new)


def test_documents_with_errors_are_mended_first() -> None:
    broken = house(**{"forms/car_list.yaml": HOUSE["forms/car_list.yaml"].replace("plate", "plat")})
    with pytest.raises(CannotRename, match="mend them first"):
        rename(broken, ("entity", "car", "fields", "price"), "cost")


def test_cf_4_a_name_that_stayed_behind_is_told_the_new_one() -> None:
    """Whatever speaks of it: a list of fields, a rule, an option, a stage, a document."""
    files = {
        **HOUSE,
        "schemas/lorry.yaml": "kind: entity\nname: lorry\nwas: truck\ntraits: [stages]\nfields:\n"
        "  tonnage: {type: integer, was: [load, weight]}\n"
        "  body: {type: choice, options: {box: {label: Box, was: closed}, open: Open}}\n"
        "  heavy: {type: boolean, formula: record.weight > 7}\n"
        "  usual: {type: choice, options: {box: Box}}\n"
        "checks: [{rule: \"record.body != 'closed'\", message: No.}]\n",
        "schemas/trip.yaml": "kind: entity\nname: trip\nfields:\n  lorry: {type: reference, entity: truck, on_delete: clear}\n",
        "workflows/lorry_stages.yaml": "kind: pipeline\nname: lorry_stages\nentity: lorry\nstages:\n"
        "  road: {label: Road, was: street}\n  yard: {label: Yard}\nmoves: [{from: yard, to: street}]\n",
        "forms/lorry.yaml": "kind: list\nname: lorry\nentity: lorry\ncolumns: [load, body]\n",
    }
    told = {(one.key, one.hint) for one in load(SourceTree.from_mapping(files)).problems.errors}
    assert told == {
        ("fields.heavy.formula", "tonnage"), ("checks[0].rule", "box"), ("fields.lorry.entity", "lorry"),
        ("moves[0].to", "road"), ("columns[0]", "tonnage"),
    }  # fmt: skip
