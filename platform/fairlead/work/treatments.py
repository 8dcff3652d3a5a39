"""What becomes of the values of one field whose kind, or whose options, change: tried on all of them, then carried out.

A plan reads every different value once and writes nothing. The same trial runs again inside the transaction that
publishes: what has come in between and would be lost without anybody's consent ends it (CF-22).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fairlead.base.errors import Refused
from fairlead.base.texts import Label, joined
from fairlead.compiled.changes import MAX_SAMPLES, Grade, Sample
from fairlead.compiled.conversions import (
    Conversion,
    Convert,
    Links,
    Loss,
    NoWay,
    Undecided,
    bare,
    conversion,
    shown,
    stored_alike,
)
from fairlead.fields.kind import FieldProblem, both
from fairlead.fields.numbers import NumberKind
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Migration
from fairlead.store import converting
from fairlead.store.converting import Held, Spot
from fairlead.store.statements import Reads

ANOTHER_FIELD = both(
    "add a field under another name with a `backfill:`, and remove this one in a later revision",
    "另建一个字段并写 `backfill:`，在以后的版本中再移除此字段",
)

NO_VALUES = both("no values exist", "尚无值")

_LOST: Mapping[str, str] = {
    "shortened": "将被截短", "rounded": "将被舍入", "dropped": "将被舍弃", "exchanged": "将被换算",
}  # fmt: skip
"""What values lose, in Chinese."""

_MENDING = (
    both("mend the values in the records", "在记录中修正这些值"),
    both(
        "`convert: {on_fail: keep_aside}` empties those that do not fit and keeps them aside",
        "`convert: {on_fail: keep_aside}`：不符合的值置空并另行保存",
    ),
    both(
        "`convert: {on_fail: null}` empties them, `{on_fail: value, value: …}` writes another in their place",
        "`convert: {on_fail: null}`：将其置空；`{on_fail: value, value: …}`：改写为另一个值",
    ),
    both(
        "`map: {value: other}` names what stands for single values",
        "`map: {value: other}`：为个别值指定替代值",
    ),
)


def data_changed(what: str | Label) -> Refused:
    """Return the refusal of a plan whose data are no longer what it was made for."""
    said = Label.of(what)
    return Refused("plan.data-changed", both(
        f"Somebody wrote meanwhile what the plan does not provide for: {said.get('en')}. Make a new plan.",
        f"期间有人写入了计划未涵盖的数据：{said.get('zh')}。请重新生成计划。",
    ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Way:
    """How values go from one form to another, with what to do about those that cannot."""

    before: Field
    after: Field
    convert: Convert
    exact: bool
    same: bool
    on_fail: str = "block"
    instead: Any = None
    undone: Convert | None = None
    """On the way back: what once made today's values of the ones that lie aside."""
    taken_back: Convert | None = None
    """On the way back: what makes values that lie aside values of the form that comes back; None where they are."""
    unwritten: bool = False
    """On the way back: nobody could write what stands there today, so it gives way to whatever lies aside."""

    @property
    def another_column(self) -> bool:
        """Whether the values need a column of another type."""
        return _column(self.before) is not _column(self.after)

    def outcome(self, value: Any, kept: Any = None) -> tuple[Any, Loss]:
        """Return the stored value that takes the place of `value`, and what is lost.

        Raises:
            FieldProblem: It does not fit.
            Undecided: The document has to say how.
            NoWay: Nobody can say how.
        """
        if (
            kept is not None
            and self.undone is not None
            and (self.unwritten or self._came_from(kept) == value)
        ):
            if self.taken_back is None:
                return kept, ""
            with suppress(FieldProblem, Undecided, NoWay):
                return self.taken_back(kept)[0], ""
        if value is None:
            return None, ""
        try:
            return self.convert(value)
        except FieldProblem:
            if self.on_fail == "block":
                raise
            return self.instead, "dropped"

    def _came_from(self, kept: Any) -> Any:
        assert self.undone is not None
        try:
            return self.undone(kept)[0]
        except (FieldProblem, Undecided, NoWay):
            return None  # What did not fit was emptied and only kept aside.

    def carried(self, value: object) -> object:
        """Return the domain value of one that is kept elsewhere, as JSON; None for what does not fit."""
        if value is None:
            return None
        first, second = kind_of(self.before), kind_of(self.after)
        if isinstance(value, str) and isinstance(first, NumberKind):
            value = f"{Decimal(value):f}"  # kept without its zeros: 1500 as 1.5E+3
        try:
            stored = first.to_stored(first.parse(value, bare(self.before)), self.before)
            made, _ = self.outcome(stored)
        except (FieldProblem, Undecided, NoWay):
            return None
        return None if made is None else second.from_stored(made, self.after)

    def decoded(self, value: Any) -> Any:
        """Return the domain value that rules will see; None for what does not fit."""
        try:
            made, _ = self.outcome(value)
        except (FieldProblem, Undecided, NoWay):
            return None
        return None if made is None else kind_of(self.after).from_stored(made, self.after)


def _column(spec: Field) -> type:
    return type(kind_of(spec).column_type(spec))


def way(
    before: Field,
    after: Field,
    how: Migration,
    links: Links,
    *,
    past: Sequence[tuple[Field, Field]] = (),
) -> Way:
    """Return the way between two forms of one field.

    Args:
        past: On the way back: each conversion since the values were kept aside, from and to, the oldest first.
    """
    made = _or_later(before, after, how, links)
    undone = (
        _one_after_the_other([way(one, two, two.migration, Links()) for one, two in past]) if past else None
    )
    taken_back = (
        _or_later(past[0][0], after, how, links).convert
        if past and not stored_alike(bare(past[0][0]), bare(after))
        else None
    )
    instead = None if how.value is None else kind_of(after).to_stored(how.value, after)
    return Way(before, after, made.convert, made.exact, made.same, how.on_fail, instead, undone, taken_back)


def _one_after_the_other(ways: Sequence[Way]) -> Convert:
    """Return what all of these make of a value; what one of them empties stays empty."""

    def convert(stored: Any) -> tuple[Any, Loss]:
        loss: Loss = ""
        for one in ways:
            stored, lost = one.outcome(stored)
            loss = lost or loss
        return stored, loss

    return convert


def _or_later(before: Field, after: Field, how: Migration, links: Links) -> Conversion:
    """Return a conversion; what the document leaves open is asked for only when there is a value."""
    try:
        return conversion(before, after, how, links)
    except (Undecided, NoWay) as open_:
        failure = open_

        def ask(_: Any) -> tuple[Any, Loss]:
            raise failure

        return Conversion(before, after, ask)


@dataclass(slots=True)
class Evidence:
    """What a trial on all values gave."""

    total: int = 0
    in_bin: int = 0
    changed: int = 0
    failed: int = 0
    undecided: int = 0
    lost: int = 0
    losses: dict[str, int] = field(default_factory=dict)
    no_way: bool = False
    remedies: list[Label] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    values: list[tuple[Held, Any]] = field(default_factory=list)
    """Each value with what becomes of it, for those that can be converted."""

    @property
    def grade(self) -> Grade:
        """What the trial says about the change."""
        if self.no_way or self.undecided or self.failed:
            return "blocked"
        if self.lost:
            return "lossy"
        return "computes" if self.changed else "safe"


def tried(where: Reads, spot: Spot, one: Way, beside: str | None = None) -> Evidence:
    """Try a conversion on every value of a column; writes nothing."""
    found = Evidence()
    wrong: list[tuple[Held, Any, Label | None]] = []
    lost: list[tuple[Held, Any, Label | None]] = []
    for held in converting.held(where, spot, beside):
        found.total += held.rows
        found.in_bin += held.in_bin
        try:
            made, loss = one.outcome(held.value, held.kept)
        except NoWay:
            found.no_way = True
            wrong.append((held, None, None))
            continue
        except Undecided as open_:
            found.undecided += held.rows
            if open_.remedy not in found.remedies:
                found.remedies.append(open_.remedy)
            wrong.append((held, None, None))
            continue
        except FieldProblem as problem:
            found.failed += held.rows
            wrong.append((held, None, problem.message))
            continue
        found.values.append((held, made))
        if made != held.value or one.another_column:
            found.changed += held.rows
        if loss:
            found.lost += held.rows
            found.losses[loss] = found.losses.get(loss, 0) + held.rows
            lost.append((held, made, None))
    for held, made, why in wrong or lost:
        room = MAX_SAMPLES - len(found.samples)
        if room <= 0 or held.value is None:
            break
        text, becomes = shown(held.value, one.before), None if made is None else shown(made, one.after)
        found.samples += [
            Sample(key, _short(text), None if becomes is None else _short(becomes), why)
            for key in converting.records_with(where, spot, held.value, room)
        ]
    return found


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"


def said(found: Evidence) -> Label:
    """Return what a trial gave, in one line of a plan."""
    if not found.total:
        return NO_VALUES
    words = [both(f"values: {found.total:,}", f"值：{found.total:,} 个")]
    if found.no_way:
        words.append(both("there is no way to convert them", "无法转换"))
    if found.undecided:
        words.append(
            both(f"{found.undecided:,} of them need your word", f"其中 {found.undecided:,} 个需要您说明")
        )
    if found.failed:
        words.append(both(f"{found.failed:,} of them do not fit", f"其中 {found.failed:,} 个不符合"))
    if not (found.no_way or found.undecided or found.failed):
        words += [
            both(f"{count:,} of them are {loss}; kept aside", f"其中 {count:,} 个{_LOST[loss]}；原值另行保存")
            for loss, count in sorted(found.losses.items())
        ]
    if found.in_bin:
        words.append(in_the_bin(found.in_bin))
    return joined(words)


def in_the_bin(count: int) -> Label:
    """Return the word on those that lie in the recycle bin."""
    return both(f"{count:,} of them in the recycle bin", f"其中 {count:,} 个在回收站中")


def remedies(found: Evidence) -> tuple[Label, ...]:
    """Return what can be written so that the change is no longer blocked."""
    if found.no_way:
        return (ANOTHER_FIELD,)
    more = list(found.remedies)
    if found.failed:
        more += _MENDING
    return tuple(more)


def checked(one: Way, what: str, *, lossy: bool) -> Any:
    """Return the conversion as it runs in the transaction: it ends it where the plan did not foresee a value.

    Args:
        lossy: Somebody agreed to values being lost.

    Raises:
        Refused: `plan.data-changed`, from what is returned.
    """

    def change(value: Any, kept: Any = None) -> Any:
        try:
            made, loss = one.outcome(value, kept)
        except (FieldProblem, Undecided, NoWay):
            raise data_changed(f"{what}: {shown(value, one.before)!r}") from None
        if loss and not lossy:
            raise data_changed(f"{what}: {shown(value, one.before)!r}")
        return made

    return change
