"""Entities: what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression
from fairlead.fields.spec import Field, Option

TRAITS = ("owned", "activities", "attachments", "comments", "tags", "stages", "approvable", "archived")

OnDelete = Literal["restrict", "clear", "cascade"]


@dataclass(frozen=True, slots=True)
class OptionSet:
    """A named list of values that choice fields share (`kind: options`)."""

    name: str
    span: Span
    label: Label
    options: tuple[Option, ...]
    map: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    """For values that exist: option that is gone → option that takes its place."""


@dataclass(frozen=True, slots=True)
class Check:
    """A rule across the fields of one record; an unknown result passes."""

    rule: Expression
    message: Label
    on: Literal["create", "update", "always"]
    field: str | None
    span: Span
    from_now_on: bool = True
    """A record that broke the rule before may be saved while nobody touches what the rule looks at."""


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Records that agree on all of `match` (compared normalised) are the same."""

    match: tuple[str, ...]
    on_found: Literal["block", "warn"]
    span: Span


@dataclass(frozen=True, slots=True)
class Timeline:
    """Says that rows of this entity stand on the timeline of the record that `about` points at."""

    about: str
    """A reference field, to one entity or to several."""
    at: str
    """The datetime or date field that says when it happened (or will)."""
    kind: str | None
    """A choice field that tells calls from visits from notes, for the icon."""
    text: str | None
    """The field with the words."""
    counts_when: Expression | None
    """When a row counts as follow-up (moves `last_activity_at`); nothing said means always."""


@dataclass(frozen=True, slots=True)
class Index:
    """A database index asked for by the document."""

    fields: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record. `fields` has the document's fields, then those of traits, then the engine's.

    The engine's own fields on every record: id, version, created_at, created_by, updated_at,
    updated_by. Trait `owned` brings owner, team, claimed_at, last_activity_at; a pool on the entity
    brings pool, pool_entered_at, previous_owner, due_at, due_rule; `stages` brings stage, stage_entered_at;
    `approvable` brings approval_state; `tags` brings tags; `archived` brings archived_at.
    """

    name: str
    span: Span
    label: Label
    plural: Label
    icon: str
    title: str
    """A pattern such as `{name}` or `{code} {name}` over this entity's fields."""
    traits: frozenset[str]
    fields: Mapping[str, Field]
    checks: tuple[Check, ...] = ()
    duplicates: tuple[DuplicateRule, ...] = ()
    indexes: tuple[Index, ...] = ()
    timeline: Timeline | None = None
    was: tuple[str, ...] = ()
    help: Label | None = None
    backfill: Mapping[str, Expression | None] = field(
        default_factory=lambda: MappingProxyType({}), compare=False
    )
    """For records that exist when a trait comes: what stands in its fields."""

    @property
    def title_fields(self) -> tuple[str, ...]:
        """The fields that the title is made of, in order."""
        import string

        return tuple(name for _, name, _, _ in string.Formatter().parse(self.title) if name)
