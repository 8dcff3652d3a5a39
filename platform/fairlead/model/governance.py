"""Roles, reports, dashboards and the template's own description."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression

Scope = Literal["no", "own", "team", "subordinates", "all"] | Expression
"""Whose records: nobody's, one's own, one's teams', one's teams' and all below, everybody's, or a rule."""

ACTIONS = ("read", "create", "update", "delete", "move", "assign", "export", "import")

FieldRight = Literal["hidden", "masked", "readonly"]

CAPABILITIES = ("people", "configuration", "jobs", "approvals", "history")


@dataclass(frozen=True, slots=True)
class Grant:
    """What one role may do with one entity. An action not named is `no`; `move` defaults to `update`."""

    entity: str
    scopes: Mapping[str, Scope]
    fields: Mapping[str, FieldRight]
    span: Span
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)
    """Where each action (`read`) and each field's right (`fields.phone`) stands in the document."""

    def place(self, *keys: str) -> Span:
        """Return where the first of `keys` that is written down stands; the grant itself when none is."""
        return next((self.places[key] for key in keys if key in self.places), self.span)


@dataclass(frozen=True, slots=True)
class Role:
    """A set of grants. `capabilities` are the engine's own rooms (people, configuration, jobs, ...)."""

    name: str
    span: Span
    label: Label
    grants: Mapping[str, Grant]
    reports: tuple[str, ...] | Literal["all"]
    capabilities: frozenset[str]
    inherits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a report groups by: a field or a path of one hop, dates by a period."""

    path: tuple[str, ...]
    by: Literal["day", "week", "month", "quarter", "year"] | None
    label: Label


@dataclass(frozen=True, slots=True)
class Measure:
    """What a report adds up. `weighted` is the sum times the stage's probability; `rate` is the share
    of records for which `when` holds among those for which `of` holds.
    """

    name: str
    function: Literal["count", "sum", "avg", "min", "max", "weighted", "rate"]
    field: str | None
    when: Expression | None
    of: Expression | None
    label: Label


@dataclass(frozen=True, slots=True)
class Report:
    """Groups and measures over one entity, under the reader's permissions."""

    name: str
    span: Span
    label: Label
    entity: str
    type: Literal["funnel", "table", "summary", "leaderboard", "trend"]
    dimensions: tuple[Dimension, ...]
    measures: tuple[Measure, ...]
    filter: Expression | None
    order: tuple[str, bool] | None
    limit: int
    chart: Literal["funnel", "bar", "line", "pie", "none"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One picture on a dashboard: a report, a number from one, or a list view."""

    label: Label | None
    report: str | None
    list: str | None
    view: str | None
    measure: str | None
    width: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Reports side by side."""

    name: str
    span: Span
    label: Label
    tiles: tuple[Tile, ...]
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataStep:
    """What a template does once to records that exist when it comes: empty fields are filled (CF-75)."""

    name: str
    """The template's name, a slash, and the step's own."""
    span: Span
    entity: str
    fill: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Template:
    """What a shipped template says of itself (`kind: template`)."""

    name: str
    span: Span
    label: Label
    version: str
    extends: str | None
    languages: tuple[str, ...]
    currency: str
    zone: str
    help: Label | None
    steps: tuple[DataStep, ...] = ()
    """Those of every template that the workspace is built on."""
