"""Forms, lists, boards, pages and menus: what people see and fill in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.expr.check import Expression


@dataclass(frozen=True, slots=True)
class FormSection:
    """A titled group of fields; `folded` ones open on request."""

    label: Label | None
    fields: tuple[str, ...]
    columns: int
    folded: bool
    visible_when: Expression | None


@dataclass(frozen=True, slots=True)
class Form:
    """The generated form of an entity. An entity without a form document gets a derived one."""

    name: str
    span: Span
    label: Label
    entity: str
    sections: tuple[FormSection, ...]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A saved filter of a list, shown as a tab."""

    name: str
    label: Label
    filter: Expression | None
    order: tuple[tuple[str, bool], ...]
    """(field, descending)."""


@dataclass(frozen=True, slots=True)
class List:
    """Columns, filters and views of an entity."""

    name: str
    span: Span
    label: Label
    entity: str
    columns: tuple[str, ...]
    filters: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]
    views: tuple[View, ...]
    page_size: int
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """Cards by stage (kanban), or cells by two fields (grid)."""

    name: str
    span: Span
    label: Label
    entity: str
    kind: Literal["kanban", "grid"]
    column_field: str
    """Kanban: the stage field or a choice. Grid: what runs across."""
    row_field: str | None
    group_field: str | None
    """Grid: one picture for each value (a building)."""
    cell: str | None
    """Grid: the field written in a cell."""
    color_by: str | None
    card: tuple[str, ...]
    sum: str | None
    filter: Expression | None
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Related:
    """A list of records of `entity` that point here with `field`."""

    entity: str
    field: str
    label: Label | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """The 360° view of one record."""

    name: str
    span: Span
    label: Label
    entity: str
    facts: tuple[str, ...]
    sections: tuple[FormSection, ...]
    related: tuple[Related, ...]
    actions: tuple[Action, ...]
    derived: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A button on a page that opens the create form of another entity, filled from this record."""

    name: str
    label: Label
    create: str
    values: tuple[tuple[str, Expression | object], ...]
    when: Expression | None
    then_move: str | None
    """Stage this record moves to once the new one is saved."""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """A link: to an entity's list, a board, a pool, a report, a dashboard, or a built-in screen."""

    label: Label | None
    kind: Literal["list", "board", "pool", "report", "dashboard", "screen"]
    target: str
    icon: str | None
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """A titled group of links."""

    label: Label | None
    items: tuple[MenuItem, ...]


@dataclass(frozen=True, slots=True)
class Menu:
    """The main menu."""

    name: str
    span: Span
    label: Label
    groups: tuple[MenuGroup, ...]
    home: str | None
    """A dashboard shown on the home screen."""
