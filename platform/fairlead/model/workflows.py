"""Pipelines, pools, approvals, automations and connectors: how records move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression
from fairlead.model.durations import Duration
from fairlead.model.steps import Step

Outcome = Literal["open", "won", "lost", "paused"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: what it needs on entry, how likely it makes a success, when it is stale."""

    name: str
    span: Span
    label: Label
    color: str | None
    outcome: Outcome
    probability: int
    """Per cent."""
    require: tuple[str, ...]
    enter_when: Expression | None
    enter_message: Label | None
    stale_after: Duration | None
    checklist: tuple[tuple[str, Label], ...]
    was: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """An allowed step between stages. `ask` are fields offered in a small form when moving."""

    from_: tuple[str, ...]
    to: str
    label: Label | None
    roles: tuple[str, ...]
    when: Expression | None
    message: Label | None
    ask: tuple[str, ...]
    reason: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The stages of one entity. `moves` is None where the document names none: forward to any stage,
    one step back, and to any closing stage.
    """

    name: str
    span: Span
    label: Label
    entity: str
    stages: tuple[Stage, ...]
    initial: str
    moves: tuple[Move, ...] | None
    on_enter: Mapping[str, tuple[Step, ...]]
    map: Mapping[str, str | None] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, kw_only=True
    )
    """For records that exist: stage that is gone → stage that takes its place."""
    calendar: str | None = None
    """By which it counts business days and hours; the workspace's, when None."""

    def stage(self, name: str) -> Stage:
        """Return the stage called `name`; KeyError when there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `max` claims in each period, counted from ownership events, reset at local midnight."""

    per: Literal["day", "week", "month"]
    max: int


@dataclass(frozen=True, slots=True)
class Extension:
    """What lengthens protection: an event, under a condition, by a duration."""

    on: Literal["activity"]
    when: Expression | None
    by: Duration


@dataclass(frozen=True, slots=True)
class ReclaimRule:
    """A reason to take a record back. `when` over record, now, today."""

    name: str
    label: Label
    when: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Pool:
    """A public pool: who may see and claim what is in it, and when a record comes back."""

    name: str
    span: Span
    label: Label
    entity: str
    member_teams: tuple[str, ...]
    """Team codes; empty means by role alone."""
    member_roles: tuple[str, ...]
    admin_roles: tuple[str, ...]
    entry: Expression | None
    priority: int
    hide_until_claimed: frozenset[str]
    quota: Quota | None
    capacity: int | None
    cooldown_previous_owner: Duration | None
    fresh_delay: Duration | None
    protection_initial: Duration | None
    protection_maximum: Duration | None
    extensions: tuple[Extension, ...]
    reclaim_rules: tuple[ReclaimRule, ...]
    exempt: tuple[Expression, ...]
    remind_before: tuple[Duration, ...]
    return_reasons: tuple[tuple[str, Label], ...]
    return_reason_required: bool
    max_per_run: int
    calendar: str | None = None
    """By which it counts business days and hours; the workspace's, when None."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Where an approver comes from (AP-20)."""

    source: Literal["user", "role", "team_role", "team_head", "manager_of", "managers_of", "field", "starter"]
    value: str | None
    """User name, role name, field name, or whose manager (`starter` or `owner`)."""
    level: int = 1


@dataclass(frozen=True, slots=True)
class Timeout:
    """What happens when a step waits too long: reminders first, then perhaps escalation to a role."""

    after: Duration
    remind: bool
    escalate_role: str | None


@dataclass(frozen=True, slots=True)
class ApprovalStep:
    """One human step."""

    name: str
    span: Span
    label: Label
    when: Expression | None
    by: tuple[Approver, ...]
    mode: Literal["any", "all", "in_order", "quorum"]
    on_reject: Literal["ends", "all_must_reject", "collect"]
    at_least: tuple[int, int] | None
    """For quorum: numerator and denominator; a whole number n is (n, 1) with `at_least_count`."""
    at_least_count: int | None
    editable: tuple[str, ...]
    timeout: Timeout | None
    reason_required: bool
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Approval:
    """A flow."""

    name: str
    span: Span
    label: Label
    entity: str
    when: Expression | None
    """Whether a submitted record needs this flow at all; unknown counts as yes."""
    steps: tuple[ApprovalStep, ...]
    decisive: tuple[str, ...]
    lock: Literal["all", "decisive", "none"]
    allow: frozenset[str]
    self_rule: Literal["to_manager", "skip", "allow"]
    duplicates: Literal["none", "consecutive", "any_earlier"]
    nobody: Literal["suspend", "to_admin", "skip", "reject"]
    withdraw: Literal["until_first_decision", "until_final", "never"]
    summary: tuple[str, ...]
    """Fields an approver sees first."""
    on_submitted: tuple[Step, ...]
    on_approved: tuple[Step, ...]
    on_rejected: tuple[Step, ...]
    on_withdrawn: tuple[Step, ...]
    on_returned: tuple[Step, ...]
    not_needed: tuple[Step, ...]
    """Run at once when `when` says that nobody has to approve."""
    calendar: str | None = None
    """By which it counts business days and hours; the workspace's, when None."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """When an automation fires."""

    on: Literal[
        "created", "updated", "entered", "claimed", "released", "approved", "rejected", "date", "schedule"
    ]
    fields: tuple[str, ...] = ()
    """For updated: fire only when one of these changed."""
    stage: str | None = None
    date_field: str | None = None
    offset: Duration | None = None
    before: bool = False
    at: str | None = None
    """Local time of day, `09:00`."""
    cron: str | None = None


@dataclass(frozen=True, slots=True)
class Automation:
    """A rule: trigger, condition, steps."""

    name: str
    span: Span
    label: Label
    entity: str | None
    trigger: Trigger
    when: Expression | None
    steps: tuple[Step, ...]
    run_as: Literal["system", "trigger_user"]
    retry_times: int
    enabled: bool
    calendar: str | None = None
    """By which it counts business days and hours; the workspace's, when None."""


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """One column of a file onto one field."""

    field: str
    column: str | None
    """None when only a constant is given."""
    constant: object | None
    format: str | None
    """For dates: `M/D/YYYY`, `YYYY-MM-DD`; for numbers: characters to strip are found alone."""
    values: Mapping[str, str]
    """Exact replacements before anything else, e.g. `GTXPro: GTX Pro`."""
    lookup: str | None
    """For references: the field of the other entity that the text is compared with (default: its title)."""
    missing: Literal["quarantine", "empty", "create"]
    default: object | None = None


@dataclass(frozen=True, slots=True)
class Connector:
    """A way in for records from files: which columns become which fields."""

    name: str
    span: Span
    label: Label
    entity: str
    """An entity, or `user` / `team` for people files."""
    key: tuple[str, ...]
    """Fields by which a row is recognised when it comes again."""
    on_existing: Literal["update", "skip", "quarantine"]
    columns: tuple[ColumnMap, ...]
    decimal: str
    thousands: str
    encoding: str
