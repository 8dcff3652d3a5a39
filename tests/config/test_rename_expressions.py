"""A new name reaches into filters, maps and the entries of lists, and back."""

from __future__ import annotations

import pytest
from fairlead.config.load import load
from fairlead.config.rename import rename, target_of
from fairlead.config.source import SourceTree

CAR = """\
kind: entity
name: car
label: Car
title: "{plate}"
fields:
  plate: {type: text, label: Plate, required: true}
  extras: {type: multi_choice, label: Extras, options: {roof: {label: Roof}, hook: {label: Hook}}}
  parts:
    type: table
    label: Parts
    fields:
      price: {type: money, label: Price}
      qty: {type: integer, label: Qty}
  dear:
    type: boolean
    label: Dear
    formula: >-
      record.extras.exists(e, e == 'roof' || e in ['hook'])
      && sum(record.parts.filter(p, p.qty > 1).map(p, p.price * p.qty)) > 5.0
      && max(record.parts.filter(p, p.qty > 2).price) < 9.0
"""


@pytest.mark.parametrize(
    ("target", "new", "pieces"),
    [
        ("entity.car.fields.parts.fields.price", "cost", ["p.cost * p.qty", "p.qty > 2).cost)"]),
        (
            "entity.car.fields.parts.fields.qty",
            "pieces",
            ["p.pieces > 1", "p.price * p.pieces", "p.pieces > 2"],
        ),
        ("entity.car.fields.parts", "bits", ["record.bits.filter(p, p.qty > 1)", "max(record.bits.filter"]),
        ("entity.car.fields.extras", "choices", ["record.choices.exists(e"]),
        ("entity.car.fields.extras.options.roof", "sunroof", ["e == 'sunroof'"]),
        ("entity.car.fields.extras.options.hook", "towbar", ["e in ['towbar']"]),
    ],
)
def test_cf_04_a_new_name_reaches_into_filters_and_lists(target: str, new: str, pieces: list[str]) -> None:
    tree = SourceTree.from_mapping({"fairlead.yaml": "name: house\n", "schemas/car.yaml": CAR})
    assert [str(one) for one in load(tree).problems if one.level == "error"] == []
    text = rename(tree, target_of(target), new).tree.mapping()["schemas/car.yaml"]
    for piece in pieces:
        assert piece in text, text
    plain = rename(tree, target_of(target), new, remember=False).tree
    back = ".".join([*target.split(".")[:-1], new])
    assert rename(plain, target_of(back), target.split(".")[-1], remember=False).tree == tree
