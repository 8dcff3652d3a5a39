"""Which types may stand for each other, and what a literal becomes beside one."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from fairlead.base.texts import did_you_mean, listing
from fairlead.expr.checking.base import Base
from fairlead.expr.checking.literals import number_const, read_date, read_moment, read_time, rescaled
from fairlead.expr.evaluate import constant_value
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.types import (
    DATE,
    DATETIME,
    KEYS,
    TEXT,
    TEXTS,
    TIME,
    Kind,
    Type,
    with_digits,
)


class Fitting(Base):
    """Brings values that meet to one type, or says why they have none in common."""

    def fitted(self, node: Typed, wanted: Type) -> Typed | None:
        """Read a literal as what it is compared with: a text as an option or a date, a number as money."""
        if node.op == "list" and wanted.kind is Kind.list and wanted.element is not None:
            items = [self.fitted(item, wanted.element) for item in node.args]
            if any(item is None for item in items):
                return None
            return replace(node, args=tuple(item for item in items if item is not None), type=wanted)
        if node.op != "const":
            return node
        if node.type.is_number and wanted.kind is Kind.money:
            return replace(node, type=replace(node.type, kind=Kind.money, currency=wanted.currency))
        if node.type.kind is not Kind.text:
            return node
        text = str(node.value)
        if wanted.kind is Kind.choice:
            if wanted.options and text not in wanted.options:
                hint = did_you_mean(text, wanted.options)
                known = "" if hint else f"; known are {listing(wanted.options)}"
                self.problem("unknown_option", f"there is no option {text!r}{known}", node, hint)
                return None
            return replace(node, type=wanted)
        if wanted.kind in KEYS:
            return replace(node, type=wanted)
        try:
            if wanted.kind is Kind.date:
                return replace(node, type=DATE, value=read_date(text))
            if wanted.kind is Kind.datetime:
                return replace(node, type=DATETIME, value=read_moment(text))
            if wanted.kind is Kind.time:
                return replace(node, type=TIME, value=read_time(text))
        except ValueError as error:
            self.problem("bad_literal", str(error), node)
            return None
        return node

    def unify(self, nodes: Sequence[Typed]) -> list[Typed] | None:
        """Bring values that stand for each other to one type; null takes any."""
        filled = [node for node in nodes if node.type.kind is not Kind.null]
        if not filled:
            return list(nodes)
        target = next((node.type for node in filled if node.op != "const"), filled[0].type)
        done: list[Typed] = []
        for node in nodes:
            if node.type.kind is Kind.null:
                done.append(replace(node, type=target))
                continue
            fit = self.fitted(node, target)
            if fit is None:
                return None
            done.append(fit)
        first = next(node for node in done if node.value is not None or node.op != "const")
        for node in done:
            if node is not first and node.type != first.type and not self.same_kind(first, node):
                return None
        return done

    def same_kind(self, first: Typed, node: Typed) -> bool:
        one, two = first.type, node.type
        if one.is_number and two.is_number:
            monies = [kind for kind in (one, two) if kind.kind is Kind.money]
            if len(monies) == 1 and not (first.op == "const" or node.op == "const"):
                self.mismatch(f"{one} and {two} cannot stand for each other", node)
                return False
            if len(monies) == 2 and one.currency and two.currency and one.currency != two.currency:
                self.mismatch(f"{one.currency} and {two.currency} cannot stand for each other", node)
                return False
            return True
        if one.kind in TEXTS and two.kind in TEXTS:
            return True
        if one.kind in KEYS and two.kind in KEYS and one.leads_to == two.leads_to:
            return True
        if one.kind is two.kind and one.kind not in (Kind.list, Kind.reference):
            return True
        self.mismatch(f"{one} and {two} cannot stand for each other", node)
        return False

    def comparable(self, left: Typed, right: Typed, node: Syntax) -> bool:
        one, two = left.type, right.type
        if one.is_number and two.is_number:
            if one.kind is Kind.money and two.kind is Kind.money:
                if one.currency and two.currency and one.currency != two.currency:
                    self.mismatch(f"{one.currency} and {two.currency} cannot be compared", node)
                    return False
            elif Kind.money in (one.kind, two.kind) and not (left.op == "const" or right.op == "const"):
                self.mismatch(f"{one} and {two} cannot be compared; number(…) makes an amount a number", node)
                return False
            return True
        if one.kind in TEXTS and two.kind in TEXTS:
            if one.options and two.options and not set(one.options) & set(two.options):
                self.mismatch("these two choices have no option in common", node)
                return False
            return True
        if one.kind in KEYS and two.kind in KEYS:
            if one.leads_to != two.leads_to:
                self.mismatch(f"{one} and {two} are never the same", node)
                return False
            return True
        if {one.kind, two.kind} == {Kind.date, Kind.datetime}:
            moment = left if one.kind is Kind.datetime else right
            message = "a date with time and a date do not compare; take its date with date(…)"
            self.mismatch(
                message, node, f"date({self.said(moment)})" if moment.op in ("get", "name") else None
            )
            return False
        if one.kind is not two.kind:
            self.mismatch(f"{one} and {two} cannot be compared", node)
            return False
        return True

    def fit(self, node: Typed, expect: Type) -> Typed | None:
        """Bring the whole to the type its place wants."""
        fit = self.fitted(node, expect)
        if fit is None:
            return None
        got, whole = fit.type, Syntax("literal", None, (), node.start, node.end)
        if got.kind is Kind.null:
            return replace(fit, type=expect)
        if expect.is_number and got.is_number:
            if expect.kind is Kind.money and got.kind is Kind.money:
                if expect.currency and got.currency and expect.currency != got.currency:
                    self.mismatch(f"this gives {got}, but {expect} is needed", whole)
                    return None
            elif got.kind is Kind.money:
                self.mismatch(
                    f"this gives {got}, but {expect} is needed; number(…) makes an amount a number", whole
                )
                return None
            if expect.kind is Kind.integer and got.scale > 0:
                self.mismatch(
                    "this may give decimals, but a whole number is needed; round(…) it", whole, "round(…, 0)"
                )
                return None
            if fit.op == "const" and got.scale > expect.scale:
                fit = self.folded(rescaled(fit, expect.scale)) or fit
                got = fit.type
            if fit.op == "const":
                return replace(fit, type=replace(expect, scale=got.scale, digits=got.digits))
            made = fit if got.scale == expect.scale else rescaled(fit, expect.scale)
            return replace(made, type=replace(expect, digits=made.type.digits))
        kinds_match = got.kind is expect.kind
        if expect.kind is Kind.text and got.kind is Kind.choice:
            kinds_match = True
        if expect.kind is Kind.choice and got.kind is Kind.text and fit.op in ("if", "call"):
            kinds_match = not expect.options
        if expect.kind in KEYS and got.kind in KEYS:
            kinds_match = expect.leads_to == got.leads_to
        if not kinds_match:
            word = "a condition" if expect.kind is Kind.bool else str(expect)
            self.mismatch(f"{word} is needed here, but this is {got}", whole)
            return None
        return fit

    def folded(self, node: Typed) -> Typed | None:
        if not all(arg.op == "const" for arg in node.args):
            return node
        value = constant_value(node)
        if value is None:
            self.problem("constant", "this has no value: it divides by zero", node)
            return None
        if isinstance(value, int | Decimal) and not isinstance(value, bool) and node.type.is_number:
            made = number_const(value, node.start, node.end)
            return replace(made, type=with_digits(node.type, made.type.digits, made.type.scale))
        return node


def widest(nodes: Sequence[Typed]) -> Type:
    """Return a type that holds every one of values that are already unified."""
    types = [node.type for node in nodes]
    first = next((node.type for node in nodes if node.op != "const"), types[0])
    if first.is_number or first.kind is Kind.duration:
        scale = max(kind.scale for kind in types)
        whole = max(kind.whole_digits for kind in types)
        money = next((kind for kind in types if kind.kind is Kind.money), None)
        some = next((kind for kind in types if kind.kind is Kind.decimal), None)
        return with_digits(money or some or first, whole + scale, scale)
    if any(kind.kind is Kind.text for kind in types):
        return TEXT
    return first
