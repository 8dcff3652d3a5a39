"""Three configurations become one: every case of the table, lists, renames, rights; and skipping versions changes nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fairlead.config.load import load
from fairlead.config.lookup import ABSENT
from fairlead.config.merge import CannotMerge, Merged, merge
from fairlead.config.reader import read
from fairlead.config.source import SourceTree
from hypothesis import given, settings
from hypothesis import strategies as st

CAR = {
    "kind": "entity",
    "name": "car",
    "label": {"en": "Car", "zh": "车"},
    "fields": {
        "plate": {"type": "text", "label": {"en": "Plate", "zh": "车牌"}},
        "colour": {"type": "text", "label": {"en": "Colour", "zh": "颜色"}},
        "price": {"type": "money", "label": {"en": "Price", "zh": "价格"}, "min": 0},
    },
}
ROLE = {"kind": "role", "name": "seller", "label": "Seller", "grants": {"car": {"read": "all"}}}
LIST = {
    "kind": "list",
    "name": "cars",
    "label": "Cars",
    "entity": "car",
    "columns": ["plate", "colour", "price"],
}


def tree(*documents: Any) -> SourceTree:
    folders = {"entity": "schemas", "role": "admin", "list": "forms", "pipeline": "workflows"}
    return SourceTree.from_mapping(
        {
            f"{folders[one['kind']]}/{one['name']}.json": json.dumps(one, ensure_ascii=False, indent=1)
            for one in documents
        }
    )


def car(**fields: Any) -> Any:
    """The car with other fields; None takes one away."""
    made = {**CAR["fields"], **fields}  # type: ignore[dict-item]
    return {**CAR, "fields": {name: value for name, value in made.items() if value is not None}}


def field(label: str = "X", **more: Any) -> Any:
    return {"type": "text", "label": label, **more}


def data(merged: Merged, name: str = "car") -> Any:
    for file in merged.tree.files:
        found = read(file.path, file.text).data
        if found["name"] == name:
            return found
    return None


X, Y, Z = field("x"), field("y"), field("z")

TABLE: list[tuple[Any, Any, Any, Any]] = [
    (X, X, Y, Y),
    (X, Y, X, Y),
    (X, Y, Y, Y),
    (X, Y, Z, "you and the template changed it differently"),
    (None, None, Y, Y),
    (None, Y, Z, "you and the template added different things under one name; rename yours to keep both"),
    (X, None, X, None),
    (X, None, Y, "you deleted it, and the template changed it"),
    (X, X, None, None),
    (X, Y, None, "you changed it, and the template deleted it"),
    (None, Y, None, Y),
    (None, Y, Y, Y),
    (X, None, None, None),
    (X, X, X, X),
]


@pytest.mark.parametrize(("base", "yours", "template", "outcome"), TABLE)
def test_each_case_of_the_table(base: Any, yours: Any, template: Any, outcome: Any) -> None:
    """One field, in a document that both sides have changed elsewhere."""
    merged = merge(
        tree(car(size=base)), tree(car(size=yours, mine=field())), tree(car(size=template, theirs=field()))
    )
    fields = data(merged)["fields"]
    assert "mine" in fields and "theirs" in fields
    if isinstance(outcome, str):
        (conflict,) = merged.conflicts
        assert conflict.reason == outcome and conflict.path.startswith("entity.car.fields.size")
        deeper = conflict.keys[2:]
        assert conflict.yours is ABSENT if yours is None else not deeper or conflict.yours == yours[deeper[0]]
        for take, wanted in (("yours", yours), ("template", template)):
            done = merge(
                tree(car(size=base)), tree(car(size=yours)), tree(car(size=template)), lambda _, take=take: take
            )  # fmt: skip
            assert data(done)["fields"].get("size") == wanted and not done.conflicts
    else:
        assert merged.conflicts == [] and fields.get("size") == outcome


@pytest.mark.parametrize(("base", "yours", "template", "outcome"), TABLE)
def test_whole_documents_follow_the_same_table(base: Any, yours: Any, template: Any, outcome: Any) -> None:
    def with_list(value: Any) -> SourceTree:
        return tree(CAR, *([] if value is None else [{**LIST, "label": value["label"]}]))

    merged = merge(with_list(base), with_list(yours), with_list(template))
    if isinstance(outcome, str):
        assert [one.reason for one in merged.conflicts] == [outcome]
    else:
        found = data(merged, "cars")
        assert (found and found["label"]) == (outcome and outcome["label"]) and not merged.conflicts


def test_what_the_template_deletes_stays_to_be_asked_about_when_you_use_it() -> None:
    yours = tree(CAR, {**LIST, "columns": ["colour"]})
    merged = merge(tree(CAR), yours, tree(car(colour=None)))
    assert [one.reason for one in merged.conflicts] == ["the template deleted it, and your documents use it"]
    assert merged.conflicts[0].path == "entity.car.fields.colour"


def test_lists_keep_their_order_and_yours_stands_first() -> None:
    def columns(*names: str) -> SourceTree:
        fields = {name: field() for name in ("a", "b", "c", "d")}
        return tree(car(**fields), {**LIST, "columns": list(names)})

    merged = merge(
        columns("plate", "price"), columns("plate", "a", "price"), columns("plate", "b", "c", "price", "d")
    )
    assert data(merged, "cars")["columns"] == ["plate", "a", "b", "c", "price", "d"]
    assert any("one place" in hint for hint in merged.hints)
    merged = merge(columns("plate", "a", "b"), columns("plate", "a", "b", "c"), columns("b", "a", "plate"))
    assert data(merged, "cars")["columns"] == ["b", "c", "a", "plate"]
    merged = merge(columns("plate", "a", "b"), columns("a", "b"), columns("plate", "a", "d", "b"))
    assert data(merged, "cars")["columns"] == ["a", "d", "b"]


def test_entries_without_a_name_that_both_changed_are_asked_about() -> None:
    def checks(rule: str) -> SourceTree:
        return tree({**CAR, "checks": [{"rule": rule, "message": "No."}]})

    merged = merge(checks("record.price > 1.0"), checks("record.price > 2.0"), checks("record.price > 3.0"))
    assert [one.reason for one in merged.conflicts] == ["both changed the same entry of this list"]


def test_a_rename_of_the_template_is_said_in_your_documents_too() -> None:
    template = car(colour=None, paint={**CAR["fields"]["colour"], "was": "colour"})  # type: ignore[index]
    merged = merge(
        tree(CAR), tree(car(colour={**CAR["fields"]["colour"], "help": "mine"}), LIST), tree(template)
    )  # type: ignore[index]
    assert not merged.conflicts
    assert data(merged)["fields"]["paint"] == {**template["fields"]["paint"], "help": "mine"}
    assert data(merged, "cars")["columns"] == ["plate", "paint", "price"]
    assert not load(merged.tree).problems.has_errors


def test_your_rename_is_said_in_what_comes_from_the_template() -> None:
    fields = CAR["fields"]
    yours = car(colour=None, paint={**fields["colour"], "was": "colour"})  # type: ignore[index]
    template = car(colour={**fields["colour"], "help": "theirs"})  # type: ignore[index]
    merged = merge(tree(CAR), tree(yours), tree(template, LIST))
    assert not merged.conflicts
    assert data(merged)["fields"]["paint"]["help"] == "theirs" and "colour" not in data(merged)["fields"]
    assert data(merged, "cars")["columns"] == ["plate", "paint", "price"]


def test_two_names_for_one_thing_cannot_be_merged() -> None:
    colour = CAR["fields"]["colour"]  # type: ignore[index]
    yours, theirs = (
        car(colour=None, paint={**colour, "was": "colour"}),
        car(colour=None, tint={**colour, "was": "colour"}),
    )
    with pytest.raises(CannotMerge, match="'paint' by you and 'tint'"):
        merge(tree(CAR), tree(yours), tree(theirs))


def test_what_widens_rights_is_listed_apart() -> None:
    wider = {**ROLE, "grants": {"car": {"read": "all", "update": "all"}}}
    merged = merge(tree(CAR, ROLE), tree(CAR, {**ROLE, "label": "Rep"}), tree(CAR, wider))
    assert merged.access == ["role.seller.grants.car.update"] and merged.taken == []
    assert data(merged, "seller")["label"] == "Rep"


def test_broken_documents_are_mended_first() -> None:
    with pytest.raises(CannotMerge, match="your documents have errors"):
        merge(tree(CAR), tree({**LIST, "columns": ["x"]}, CAR), tree(CAR))


def test_comments_of_yours_and_the_text_of_the_untouched_stay() -> None:
    base = "kind: entity\nname: car\nlabel: Car\nfields:\n  a: {type: text}\n"
    yours = base.replace("label: Car", "label: Auto # ours")
    template = base + "  b: {type: text}   # new\n"

    def one(text: str) -> SourceTree:
        return SourceTree.from_mapping({"schemas/car.yaml": text})

    merged = merge(one(base), one(yours), one(template))
    assert merged.tree.mapping()["schemas/car.yaml"] == yours + "  b: {type: text}\n"
    assert merge(one(base), one(base), one(template)).tree.mapping()["schemas/car.yaml"] == template


# ---------------------------------------------------------------- histories

NAMES = ["a", "b", "c", "d", "e", "f"]
edits = st.lists(
    st.tuples(st.sampled_from(["add", "remove", "label"]), st.sampled_from(NAMES), st.integers(0, 4)),
    max_size=4,
)


def edited(fields: dict[str, str], steps: list[tuple[str, str, int]], mark: str) -> dict[str, str]:
    made = dict(fields)
    for what, name, number in steps:
        if what == "add" and name not in made:
            items = list(made.items())
            items.insert(number, (name, mark))
            made = dict(items)
        elif what == "remove" and len(made) > 1:
            made.pop(name, None)
        elif what == "label" and name in made:
            made[name] = f"{mark}{number}"
    return made


def car_of(fields: dict[str, str]) -> SourceTree:
    return tree({**CAR, "fields": {name: field(label) for name, label in fields.items()}})


@settings(max_examples=60)
@given(mine=edits, first=edits, second=edits)
def test_skipping_a_version_equals_going_through_it(mine: Any, first: Any, second: Any) -> None:
    """CF-77, wherever nobody has to be asked."""
    start = dict.fromkeys(NAMES[:4], "start")
    one = edited(start, first, "one")
    two = edited(one, second, "two")
    yours = car_of(edited(start, mine, "mine"))
    step = merge(car_of(start), yours, car_of(one))
    if step.conflicts or not data(step)["fields"]:
        return  # an entity of which both together took every field is mended before anything else
    through = merge(car_of(one), step.tree, car_of(two))
    across = merge(car_of(start), yours, car_of(two))
    if through.conflicts or across.conflicts:
        return
    assert data(through)["fields"] == data(across)["fields"]
    if all([name for name in version if name in start] == list(start) for version in (one, two)):
        # In the same order as well, unless the template took something away or elsewhere: what stood beside it then,
        # only the way through the version between can tell.
        assert list(data(through)["fields"]) == list(data(across)["fields"])
