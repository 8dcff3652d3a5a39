"""What a pipeline, an approval or an automation does when its moment has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression

Source = Expression | object
"""A value given in a document: an expression, a plain domain value, or a Label where words were given in
several languages."""


@dataclass(frozen=True, slots=True)
class SetFields:
    """Write fields of the record that the rule is about (`set`), or of one it points to (`update`)."""

    values: Mapping[str, Source]
    target: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """Create a record of another entity (`create: task, with: {...}`)."""

    entity: str
    values: Mapping[str, Source]
    span: Span


@dataclass(frozen=True, slots=True)
class MoveRecord:
    """Move the record, or one it points to, to a stage (`move: won` / `move: {record: ..., to: ...}`)."""

    to: str
    target: Expression | None
    span: Span


@dataclass(frozen=True, slots=True)
class ReleaseRecord:
    """Give the record back to its pool (`release: yes`)."""

    span: Span


@dataclass(frozen=True, slots=True)
class StartApproval:
    """Submit the record to a flow (`submit: quote_discount`)."""

    flow: str
    span: Span


@dataclass(frozen=True, slots=True)
class Notify:
    """Put a line in people's inboxes (and later other outlets)."""

    to: tuple[Expression | str, ...]
    """Expressions giving user ids, `role:NAME`, or a post as `@NAME`."""
    text: Label
    """May hold `{field}` of the record; that of the message document where one is named."""
    by: tuple[Literal["inbox", "email", "webhook"], ...]
    span: Span
    message: str | None = None


Step = SetFields | CreateRecord | MoveRecord | ReleaseRecord | StartApproval | Notify
