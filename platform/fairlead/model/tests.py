"""Tests that a workspace brings along (`kind: test`): given records, people and a clock; when something is done; then
this stands, or this was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression
from fairlead.model.durations import Duration

# ---------------------------------------------------------------- values


@dataclass(frozen=True, slots=True)
class RecordKey:
    """Stands for the record that the test calls so."""

    key: str


@dataclass(frozen=True, slots=True)
class PersonName:
    """Stands for the account of a person of the test."""

    name: str


@dataclass(frozen=True, slots=True)
class TeamCode:
    """Stands for a team of the test."""

    code: str


@dataclass(frozen=True, slots=True)
class AsGiven:
    """A value that its field would refuse; it is handed over as it is written, to see that it is refused."""

    value: object


Value = object
"""A domain value, an `Expression`, one of the above, a tuple of them, or for a table a tuple of mappings."""

Values = Mapping[str, Value]


def _nothing() -> Values:
    return MappingProxyType({})


# ---------------------------------------------------------------- given


@dataclass(frozen=True, slots=True)
class GivenTeam:
    """A team that is there."""

    code: str
    span: Span
    parent: str | None = None
    head: str | None = None


@dataclass(frozen=True, slots=True)
class GivenPerson:
    """Somebody with an account; the first team is the main one."""

    name: str
    span: Span
    roles: tuple[str, ...]
    teams: tuple[str, ...] = ()
    manager: str | None = None
    active: bool = True
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """A record that is there before anything is done.

    Attributes:
        count: How many of them; with more than one they are called `key_1`, `key_2`, ... and `key` means all.
        by: Who made it, and owns it unless `values` says otherwise; None for the engine.
        pool: The pool it lies in, owned by nobody.
        ago: How long ago it was made.
    """

    entity: str
    key: str
    span: Span
    count: int | None = None
    values: Values = field(default_factory=_nothing)
    by: str | None = None
    pool: str | None = None
    ago: Duration | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What is there. `clock` is an instant, None where the test that is built upon says it."""

    clock: datetime | None = None
    zone: str | None = None
    teams: tuple[GivenTeam, ...] = ()
    people: tuple[GivenPerson, ...] = ()
    records: tuple[GivenRecord, ...] = ()


# ---------------------------------------------------------------- when


@dataclass(frozen=True, slots=True)
class Create:
    """Make a record, or several."""

    span: Span
    who: str | None
    entity: str
    key: str | None
    values: Values
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """Change fields."""

    span: Span
    who: str | None
    key: str
    values: Values


@dataclass(frozen=True, slots=True)
class Move:
    """Move to a stage."""

    span: Span
    who: str | None
    key: str
    to: str
    values: Values
    reason: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """Take out of a pool."""

    span: Span
    who: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Release:
    """Give back to a pool."""

    span: Span
    who: str | None
    key: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Assign:
    """Make somebody the owner."""

    span: Span
    who: str | None
    key: str
    to: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Delete:
    """Put into the recycle bin."""

    span: Span
    who: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask for approval."""

    span: Span
    who: str | None
    key: str
    flow: str | None
    comment: str | None


Verdict = Literal["approve", "reject", "return", "transfer", "withdraw"]


@dataclass(frozen=True, slots=True)
class Decide:
    """What an approver does with the task that the record gives him, or the starter with the whole."""

    span: Span
    who: str | None
    key: str
    verdict: Verdict
    comment: str | None
    values: Values = field(default_factory=_nothing)
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """Bring rows in, as a file would; cells are texts."""

    span: Span
    who: str | None
    entity: str
    connector: str | None
    rows: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let time pass: for a while, or until an instant."""

    span: Span
    duration: Duration | None
    until: datetime | None


Act = (
    Create | Update | Move | Claim | Release | Assign | Delete | Submit | Decide | Import | Wait
)  # fmt: skip

# ---------------------------------------------------------------- then


@dataclass(frozen=True, slots=True)
class Refused:
    """The last thing that was done was refused, with this code, or this code at this field."""

    span: Span
    code: str
    field: str | None


@dataclass(frozen=True, slots=True)
class Stands:
    """A record has these values, or a rule holds on it; as somebody sees it, or as it is."""

    span: Span
    key: str
    who: str | None
    values: Values
    spans: Mapping[str, Span]
    """Where each value stands in the document."""
    holds: Expression | None


@dataclass(frozen=True, slots=True)
class Sees:
    """These people see a record, or do not."""

    span: Span
    key: str
    people: tuple[str, ...]
    visible: bool


FieldState = Literal["hidden", "masked", "shown", "readonly", "writable"]


@dataclass(frozen=True, slots=True)
class Shows:
    """What these people see of fields, or may do with them."""

    span: Span
    key: str
    people: tuple[str, ...]
    fields: tuple[str, ...]
    state: FieldState


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of an expected path."""

    step: str
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """Who is asked, step by step: the run under way, or what submitting now would lead to. No steps: nobody is asked."""

    span: Span
    key: str
    who: str | None
    steps: tuple[PathStep, ...]


@dataclass(frozen=True, slots=True)
class Approved:
    """How the newest approval of a record stands."""

    span: Span
    key: str
    state: str | None
    step: str | None
    waiting_for: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Told:
    """Lines in somebody's inbox."""

    span: Span
    people: tuple[str, ...]
    about: str | None
    says: str | None
    times: int | None
    """None is at least once."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there are, or how many somebody sees."""

    span: Span
    entity: str
    where: Expression | None
    who: str | None
    number: int


Expectation = Refused | Stands | Sees | Shows | Path | Approved | Told | Counts

# ---------------------------------------------------------------- the document


@dataclass(frozen=True, slots=True)
class Round:
    """Some acts and what is to be found after them."""

    when: tuple[Act, ...]
    then: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One document of `kind: test`. `use` names another whose `given` comes first; one without rounds only serves so."""

    name: str
    span: Span
    label: Label
    use: str | None
    given: Given
    rounds: tuple[Round, ...] = field(default=())
