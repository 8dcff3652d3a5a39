"""All documents of one workspace together, looked up by kind and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fairlead.base.calendar import WorkCalendar
from fairlead.model.calendars import Calendar, working_calendar
from fairlead.model.entities import Entity, OptionSet
from fairlead.model.governance import Dashboard, Report, Role, Template
from fairlead.model.quotas import QuotaPlan
from fairlead.model.screens import Board, Form, List, Menu, Page
from fairlead.model.tests import Scenario
from fairlead.model.words import Message, Printed, PublicForm
from fairlead.model.workflows import Approval, Automation, Connector, Pipeline, Pool


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checked configuration: every reference in it holds and every expression has its type.

    Forms, lists, pages and boards are complete: what no document gives has been derived.
    `forms`, `lists` and `pages` are keyed by document name; `form_of` and its kin give the one
    that stands for an entity.
    """

    name: str
    languages: tuple[str, ...]
    currency: str
    zone: str
    entities: Mapping[str, Entity]
    options: Mapping[str, OptionSet]
    pipelines: Mapping[str, Pipeline]
    pools: Mapping[str, Pool]
    approvals: Mapping[str, Approval]
    automations: Mapping[str, Automation]
    connectors: Mapping[str, Connector]
    forms: Mapping[str, Form]
    lists: Mapping[str, List]
    boards: Mapping[str, Board]
    pages: Mapping[str, Page]
    menus: Mapping[str, Menu]
    roles: Mapping[str, Role]
    reports: Mapping[str, Report]
    dashboards: Mapping[str, Dashboard]
    template: Template | None
    tests: Mapping[str, Scenario] = field(default_factory=dict)
    map: Mapping[str, Mapping[str, str | None]] = field(
        default_factory=lambda: MappingProxyType({}), kw_only=True
    )
    """Kind → document that is gone → the one that takes its people or records."""
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    calendar: str | None = None
    """The calendar that counts where a document names none."""
    messages: Mapping[str, Message] = field(default_factory=dict)
    printed: Mapping[str, Printed] = field(default_factory=dict)
    """The documents of kind `document`."""
    public_forms: Mapping[str, PublicForm] = field(default_factory=dict)
    quotas: Mapping[str, QuotaPlan] = field(default_factory=dict)

    def working_calendar(self, name: str | None = None) -> WorkCalendar:
        """Return the calendar that a document names; without a name, the workspace's."""
        return working_calendar(self.calendars, name or self.calendar, self.zone)

    def pipeline_of(self, entity: str) -> Pipeline | None:
        """Return the pipeline of `entity`, if it has one."""
        return next((p for p in self.pipelines.values() if p.entity == entity), None)

    def pools_of(self, entity: str) -> tuple[Pool, ...]:
        """Return the pools of `entity`, first by priority, ties by name."""
        found = [pool for pool in self.pools.values() if pool.entity == entity]
        return tuple(sorted(found, key=lambda pool: (-pool.priority, pool.name)))

    def approvals_of(self, entity: str) -> tuple[Approval, ...]:
        """Return the flows of `entity` in document order."""
        return tuple(flow for flow in self.approvals.values() if flow.entity == entity)

    def form_of(self, entity: str) -> Form:
        """Return the form that stands for `entity`."""
        return next(form for form in self.forms.values() if form.entity == entity)

    def list_of(self, entity: str) -> List:
        """Return the list that stands for `entity`."""
        return next(found for found in self.lists.values() if found.entity == entity)

    def page_of(self, entity: str) -> Page:
        """Return the page that stands for `entity`."""
        return next(page for page in self.pages.values() if page.entity == entity)

    def boards_of(self, entity: str) -> tuple[Board, ...]:
        """Return the boards over `entity`."""
        return tuple(board for board in self.boards.values() if board.entity == entity)
