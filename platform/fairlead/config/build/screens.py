"""Forms, lists, boards, pages and menus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from fairlead.config.build.steps import build_values
from fairlead.config.derive import derive_form, is_sortable
from fairlead.config.document import Node
from fairlead.config.link import Linker, Where
from fairlead.model.entities import Entity
from fairlead.model.screens import (
    Action,
    Board,
    Form,
    FormSection,
    List,
    Menu,
    MenuGroup,
    MenuItem,
    Page,
    Related,
    View,
)

_NOT_IN_LISTS = frozenset({"table", "json"})


def build_form(node: Node, linker: Linker, entities: dict[str, Entity]) -> Form | None:
    """Make a form: its sections, or one section of its fields, or what the entity implies."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    sections = _sections(node.each("sections"), linker, entity)
    fields, listed = node.get("fields"), node.get("sections")
    if fields is not None and listed is not None:
        linker.add("contradiction", fields, "give either `fields` or `sections`", key=True)
    elif fields is not None:
        sections = (FormSection(None, linker.field_list(entity, fields.items()), 2, False, None),)
    elif listed is None and entity in entities:
        sections = derive_form(entities[entity]).sections
    seen: dict[str, Node] = {}
    for section in node.each("sections"):
        for field in section.each("fields"):
            if field.value in seen:
                first = seen[field.value].span
                message = f"{field.value!r} is in the form already, at {first.line}:{first.column}"
                linker.add("duplicate_value", field, message)
            seen.setdefault(field.value, field)
    name = node.document.name
    return Form(name, node.span, node.label(name=name), entity, sections)


def _sections(nodes: Iterable[Node], linker: Linker, entity: str) -> tuple[FormSection, ...]:
    return tuple(
        FormSection(
            label=node.maybe_label("label"),
            fields=linker.field_list(entity, node.each("fields")),
            columns=node.number("columns", 2),
            folded=node.flag("folded"),
            visible_when=linker.rule(node.get("visible_when"), Where(entity)),
        )
        for node in nodes
    )


def build_list(node: Node, linker: Linker) -> List | None:
    """Make a list."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    views: dict[str, View] = {}
    for part in node.each("views"):
        made = View(
            name=part.text("name"),
            label=part.label(name=part.text("name")),
            filter=linker.rule(part.get("filter"), Where(entity, sql=True)),
            order=_order(part.each("order"), linker, entity),
        )
        if made.name in views:
            linker.add(
                "duplicate_name", cast(Node, part.get("name")), f"there are two views called {made.name!r}"
            )
        views[made.name] = made
    name = node.document.name
    return List(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        columns=_columns(node.each("columns"), linker, entity),
        filters=_columns(node.each("filters"), linker, entity),
        order=_order(node.each("order"), linker, entity) or (("created_at", True),),
        views=tuple(views.values()),
        page_size=node.number("page_size", 50),
    )


def _columns(nodes: Iterable[Node], linker: Linker, entity: str) -> tuple[str, ...]:
    """Return the fields that can stand in one cell, among several."""
    kept = []
    for node in nodes:
        kind = linker.fields[entity][node.value].kind if node.value in linker.fields[entity] else None
        if kind in _NOT_IN_LISTS:
            linker.add("wrong_type", node, f"{node.value!r} is of type {kind} and does not fit into one cell")
        else:
            kept.append(node)
    return linker.field_list(entity, kept)


def _order(nodes: Iterable[Node], linker: Linker, entity: str) -> tuple[tuple[str, bool], ...]:
    found = []
    for node in nodes:
        text = str(node.value)
        name = linker.field(entity, Node(node.document, node.path, text.removeprefix("-")))
        if name is None:
            continue
        if not is_sortable(linker.fields[entity][name]):
            linker.add("wrong_type", node, f"nothing can be sorted by {name!r}")
            continue
        found.append((name, text.startswith("-")))
    return tuple(found)


def build_board(node: Node, linker: Linker) -> Board | None:
    """Make a board."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    fields = linker.fields[entity]
    grid = node.text("type", "kanban") == "grid"

    def field(key: str) -> str | None:
        return linker.field(entity, node.get(key))

    column = field("column")
    if node.get("column") is None and (*("column",),) not in node.document.broken:
        if grid or "stage" not in fields:
            linker.missing(node, "column", "'column' is missing: which field runs across?")
        else:
            column = "stage"
    if grid:
        for key in ("row", "cell"):
            if node.get(key) is None and (key,) not in node.document.broken:
                linker.missing(node, key, f"{key!r} is missing: a grid needs column, row and cell")
    else:
        if column is not None and fields[column].kind != "choice":
            where = node.get("column") or node
            linker.add("wrong_type", where, f"{column!r} is no choice, so it makes no columns")
        for key in ("row", "group", "cell"):
            part = node.get(key)
            if part is not None:
                linker.add("contradiction", part, f"{key!r} goes with type grid", key=True)
    total = field("sum")
    if total is not None and fields[total].kind not in ("money", "integer", "decimal", "percent"):
        linker.add("wrong_type", cast(Node, node.get("sum")), f"{total!r} cannot be added up")
    if column is None:
        return None
    name = node.document.name
    return Board(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        kind="grid" if grid else "kanban",
        column_field=column,
        row_field=field("row"),
        group_field=field("group"),
        cell=field("cell"),
        color_by=field("color_by"),
        card=_columns(node.each("card"), linker, entity),
        sum=total,
        filter=linker.rule(node.get("filter"), Where(entity, sql=True)),
    )


def build_page(node: Node, linker: Linker, entities: dict[str, Entity]) -> Page | None:
    """Make a page; without sections it shows those of the derived form."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    sections = _sections(node.each("sections"), linker, entity)
    if node.get("sections") is None and entity in entities:
        sections = derive_form(entities[entity]).sections
    name = node.document.name
    return Page(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        facts=_columns(node.each("facts"), linker, entity),
        sections=sections,
        related=tuple(
            made for part in node.each("related") if (made := _related(part, linker, entity)) is not None
        ),
        actions=tuple(
            action for part in node.each("actions") if (action := _action(part, linker, entity)) is not None
        ),
    )


def _related(node: Node, linker: Linker, entity: str) -> Related | None:
    other = linker.entity(node.get("entity"))
    if other is None:
        return None
    pointing = [
        name
        for name, one in linker.fields[other].items()
        if one.kind == "reference" and entity in (one.params.get("entities") or [one.params.get("entity")])
    ]
    part = node.get("field")
    if part is None:
        if len(pointing) != 1:
            known = ", ".join(pointing) or "none"
            linker.missing(
                node, "field", f"'field' is missing: which field of {other} points here ({known})?"
            )
            return None
        field: str | None = pointing[0]
    else:
        field = linker.field(other, part)
        if field is not None and field not in pointing:
            linker.add("wrong_type", part, f"{other}.{field} does not point at {entity}")
            return None
    if field is None:
        return None
    return Related(other, field, node.maybe_label("label"), _columns(node.each("columns"), linker, other))


def _action(node: Node, linker: Linker, entity: str) -> Action | None:
    target = linker.entity(node.get("create"))
    then = node.get("then_move")
    stage = None if then is None else linker.stage(entity, then)
    when = linker.rule(node.get("when"), Where(entity))
    if target is None:
        return None
    given = node.get("with")
    values = {} if given is None else build_values(given, linker, target, Where(entity), creating=True)
    name = node.text("name")
    return Action(name, node.label(name=name), target, tuple(values.items()), when, stage)


# ---------------------------------------------------------------- menu

_LINKS = ("list", "board", "pool", "report", "dashboard", "screen")


def build_menu(node: Node, linker: Linker) -> Menu:
    """Make the menu."""
    groups = []
    for part in node.each("groups"):
        items = [made for item in part.each("items") if (made := _item(item, linker)) is not None]
        groups.append(MenuGroup(part.maybe_label("label"), tuple(items)))
    name = node.document.name
    home = linker.name("dashboard", node.get("home"))
    return Menu(name, node.span, node.label(name=name), tuple(groups), home)


def _item(node: Node, linker: Linker) -> MenuItem | None:
    named = [kind for kind in _LINKS if node.get(kind) is not None]
    if len(named) != 1:
        if named:
            part = cast(Node, node.get(named[1]))
            linker.add(
                "contradiction",
                part,
                f"a link leads to one thing; {named[1]!r} does not go with {named[0]!r}",
                key=True,
            )
        elif not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add("missing_key", node, f"a link needs one of {', '.join(_LINKS)}")
        return None
    kind = named[0]
    part = cast(Node, node.get(kind))
    target: str | None = str(part.value)
    if kind == "list":
        target = list_target(part, linker)
    elif kind == "board":
        target = board_target(part, linker)
    elif kind != "screen":
        target = linker.name(kind, part)
    if target is None:
        return None
    roles = linker.names("role", node.each("roles"))
    return MenuItem(node.maybe_label("label"), cast(Any, kind), target, node.maybe("icon"), roles)


def list_target(node: Node, linker: Linker) -> str | None:
    """Return the list that a name means: a list document, or the list of an entity of that name."""
    name = str(node.value)
    lists, entities = linker.documents.get("list", {}), linker.documents.get("entity", {})
    if name in lists:
        return linker.name("list", node)
    if name in entities:
        linker.used.add(("entity", name))
        linker.mention(("entity", name), node, name)
        own = (known for known, document in lists.items() if document.node("entity").value == name)
        return next(own, name)
    linker.unknown("list", node, name, [*lists, *entities])
    return None


def board_target(node: Node, linker: Linker) -> str | None:
    """Return the board that a name means: a board document, or the derived board of an entity with stages."""
    name = str(node.value)
    boards = linker.documents.get("board", {})
    derived = [
        entity
        for entity in linker.stages
        if all(document.node("entity").value != entity for document in boards.values())
    ]
    if name in derived and name not in boards:
        linker.mention(("entity", name), node, name)
        return name
    if name in boards:
        return linker.name("board", node)
    linker.unknown("board", node, name, [*boards, *derived])
    return None
