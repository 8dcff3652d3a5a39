"""Roles, reports, dashboards and the template's own words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, cast

from fairlead.base.problems import Span
from fairlead.base.texts import Label, did_you_mean, listing
from fairlead.config.build.screens import list_target
from fairlead.config.document import Node, is_yes
from fairlead.config.link import Linker, Where
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.governance import (
    ACTIONS,
    Dashboard,
    DataStep,
    Dimension,
    FieldRight,
    Grant,
    Measure,
    Report,
    Role,
    Scope,
    Template,
    Tile,
)

_SCOPES: Mapping[str, Any] = {
    "no": "no",
    "yes": "all",
    "own": "own",
    "team": "team",
    "subordinates": "subordinates",
    "all": "all",
}
_OWNED_SCOPES = frozenset({"own", "team", "subordinates"})


def build_role(node: Node, linker: Linker) -> Role:
    """Make a role."""
    grants: dict[str, Grant] = {}
    reports: tuple[str, ...] | Literal["all"] = ()
    capabilities: frozenset[str] = frozenset()
    listed = node.get("grants")
    for key, part in listed.entries() if listed is not None else ():
        if key == "report":
            reports = _reports(part, linker)
        elif key == "system":
            capabilities = frozenset(item.value for item in part.items())
        else:
            name = linker.name("entity", part, key=True)
            if name in linker.fields:
                grants[name] = _grant(name, part, linker)
    name = node.document.name
    inherits = linker.names("role", node.each("inherits"))
    return Role(
        name, node.span, node.label(name=name), MappingProxyType(grants), reports, capabilities, inherits
    )


def _reports(node: Node, linker: Linker) -> tuple[str, ...] | Literal["all"]:
    read = node.get("read")
    if read is None:
        return ()
    if read.value == "all" and "all" not in linker.documents.get("report", {}):
        return "all"
    return linker.names("report", read.items())


def _grant(entity: str, node: Node, linker: Linker) -> Grant:
    scopes: dict[str, Scope] = {}
    places: dict[str, Span] = {}
    for action in ACTIONS:
        part = node.get(action)
        if part is not None:
            places[action] = part.span
        made = None if part is None else _scope(entity, action, part, linker)
        if made is not None:
            scopes[action] = made
    if "move" not in scopes and "update" in scopes:
        scopes["move"] = scopes["update"]
    rights: dict[str, FieldRight] = {}
    fields = node.get("fields")
    for key, part in fields.entries() if fields is not None else ():
        if linker.field(entity, part, key=True) is not None:
            rights[key] = part.value
            places[f"fields.{key}"] = part.span
    return Grant(
        entity, MappingProxyType(scopes), MappingProxyType(rights), node.span, MappingProxyType(places)
    )


def _scope(entity: str, action: str, node: Node, linker: Linker) -> Scope | None:
    if isinstance(node.value, bool):
        return "all" if node.value else "no"
    text = str(node.value)
    if text in _SCOPES:
        if text in _OWNED_SCOPES and linker.lacks(entity, "owner"):
            linker.add("missing_trait", node, f"{text!r} needs owners: {entity} lacks the trait `owned`")
        return cast(Scope, _SCOPES[text])
    if text.isidentifier():
        hint = did_you_mean(text, _SCOPES)
        linker.add(
            "unknown_value", node, f"{text!r} is no scope; known are {listing(_SCOPES)}, or a rule", hint
        )
        return None
    # What is being created is not in the database yet, so its rule is asked in Python.
    return linker.rule(node, Where(entity, sql=action not in ("create", "import")))


# ---------------------------------------------------------------- reports

_FUNCTIONS = ("count", "sum", "avg", "min", "max", "weighted", "rate")
_CHARTS = {"funnel": "funnel", "table": "none", "summary": "bar", "leaderboard": "bar", "trend": "line"}


def build_report(node: Node, linker: Linker) -> Report | None:
    """Make a report."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    dimensions = [
        one for part in node.each("dimensions") if (one := _dimension(part, linker, entity)) is not None
    ]
    measures: dict[str, Measure] = {}
    for part in node.each("measures"):
        made = _measure(part, linker, entity)
        if made is not None and made.name in measures:
            linker.add(
                "duplicate_name", part, f"there are two measures called {made.name!r}; give one a name"
            )
        if made is not None:
            measures[made.name] = made
    name = node.document.name
    kind = node.text("type")
    if kind in ("funnel", "trend") and not dimensions and not any(True for _ in node.each("dimensions")):
        linker.missing(node, "dimensions", f"'dimensions' is missing: a {kind} needs something to run along")
    chart = node.get("chart")
    shape = (
        _CHARTS[kind]
        if chart is None
        else chart.value
        if isinstance(chart.value, str)
        else chart.text("type")
    )
    return Report(
        name=name,
        span=node.span,
        label=node.label(name=name),
        entity=entity,
        type=cast(Any, kind),
        dimensions=tuple(dimensions),
        measures=tuple(measures.values()),
        filter=linker.rule(node.get("filter"), Where(entity, sql=True)),
        order=_order(node, linker, entity, [*measures, *(".".join(one.path) for one in dimensions)]),
        limit=node.number("limit", 1000),
        chart=cast(Any, shape),
    )


def _order(report: Node, linker: Linker, entity: str, known: list[str]) -> tuple[str, bool] | None:
    node = report.get("order")
    if node is None:
        return None
    name = str(node.value).removeprefix("-")
    if name not in known:
        linker.unknown("column", node, name, known)
        return None
    own = _measure_field(report, name)
    if own is not None:
        linker.field(entity, Node(node.document, node.path, own))
    elif any(name == _dimension_text(part) for part in report.each("dimensions")):
        follow(tuple(name.split(".")), node, linker, entity)
    return name, str(node.value).startswith("-")


def _measure_field(report: Node, name: str) -> str | None:
    """Return the field from which a measure without a name of its own has the name `name`."""
    for part in report.each("measures"):
        for function in _FUNCTIONS:
            of = part.get(function)
            if of is None or not isinstance(of.value, str) or part.get("name") is not None:
                continue
            if name == (of.value if function == "sum" else f"{function}_{of.value}"):
                return of.value
    return None


def _dimension_text(node: Node) -> str:
    return node.value if isinstance(node.value, str) else node.text("field")


def _dimension(node: Node, linker: Linker, entity: str) -> Dimension | None:
    part = node if isinstance(node.value, str) else node.get("field")
    if part is None:
        return None
    path = tuple(str(part.value).split("."))
    found = follow(path, part, linker, entity)
    if found is None:
        return None
    kind, label = found
    by = node.maybe("by") if isinstance(node.value, dict) else None
    if by is not None and kind not in ("date", "datetime"):
        linker.add(
            "contradiction", cast(Node, node.get("by")), f"{part.value!r} is no date, so it has no {by}"
        )
    if by is None and kind in ("date", "datetime"):
        by = "day"
    return Dimension(
        path,
        cast(Any, by),
        (node.maybe_label("label") if by or isinstance(node.value, dict) else None) or label,
    )


_PEOPLE: Mapping[str, Mapping[str, str]] = {
    "user": {"team": "team", "name": "text"},
    "team": {"name": "text", "parent": "team"},
}


def follow(path: tuple[str, ...], node: Node, linker: Linker, entity: str) -> tuple[str, Label] | None:
    """Return the kind and label of what a dotted path over references leads to; it must make groups."""
    here: str | None = entity
    kind, label, one = "", Label({}, path[-1]), None
    start = len(str(node.value)) - len(".".join(path))
    for depth, name in enumerate(path):
        at = start + sum(len(before) + 1 for before in path[:depth])
        plain = Node(node.document, node.path, name)
        if here is not None and here in _PEOPLE:
            if name not in _PEOPLE[here]:
                linker.unknown("field", plain, name, _PEOPLE[here])
                return None
            kind, one = _PEOPLE[here][name], None
        elif here in linker.fields:
            if linker.field(here, plain, at=at) is None:
                return None
            one = linker.fields[here][name]
            kind, label = one.kind, one.label
        here = kind if kind in _PEOPLE else _target(one)
        if here is None and depth < len(path) - 1:
            linker.add("wrong_type", node, f"{name!r} leads to no other record")
            return None
    if one is not None and not kind_of(one).groupable:
        linker.add("wrong_type", node, f"nothing can be grouped by {'.'.join(path)!r}; it is of type {kind}")
        return None
    return kind, label


def _target(one: Field | None) -> str | None:
    return None if one is None or one.kind != "reference" else one.params.get("entity")


def _measure(node: Node, linker: Linker, entity: str) -> Measure | None:
    named = [name for name in _FUNCTIONS if node.get(name) is not None]
    if len(named) != 1:
        if named:
            part = cast(Node, node.get(named[1]))
            linker.add(
                "contradiction",
                part,
                f"{named[1]!r} does not go with {named[0]!r}; make two measures",
                key=True,
            )
        elif not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add("missing_key", node, f"a measure needs one of {', '.join(_FUNCTIONS)}")
        return None
    function = named[0]
    part = cast(Node, node.get(function))
    database = Where(entity, sql=True)
    when, of, field, label = (
        linker.rule(node.get("when"), database),
        None,
        None,
        Label({"en": "Count", "zh": "数量"}),
    )
    if function == "count":
        if not is_yes(part.value):
            linker.add("bad_value", part, "write count: true")
        default = "count"
    elif function == "rate":
        if node.get("when") is not None:
            linker.add(
                "contradiction", cast(Node, node.get("when")), "a rate has its own `when` inside", key=True
            )
        when, of = linker.rule(part.get("when"), database), linker.rule(part.get("of"), database)
        default, label = "rate", Label({"en": "Rate", "zh": "比率"})
    else:
        field = linker.field(entity, part)
        if field is None:
            return None
        one = linker.fields[entity][field]
        ordered = function in ("min", "max") and one.kind in ("date", "datetime")
        if not kind_of(one).aggregatable and not ordered:
            linker.add("wrong_type", part, f"{field!r} is of type {one.kind} and has no {function}")
            return None
        if function == "weighted" and linker.lacks(entity, "stage"):
            linker.add("missing_trait", part, f"weighted needs stages, and {entity} has none", key=True)
        default = field if function == "sum" else f"{function}_{field}"
        label = one.label
    name = node.text("name", default)
    return Measure(name, cast(Any, function), field, when, of, node.maybe_label("label") or label)


# ---------------------------------------------------------------- dashboards, template


def build_dashboard(node: Node, linker: Linker) -> Dashboard:
    """Make a dashboard."""
    tiles = (_tile(part, linker) for part in node.each("tiles"))
    name = node.document.name
    roles = linker.names("role", node.each("roles"))
    return Dashboard(name, node.span, node.label(name=name), tuple(tile for tile in tiles if tile), roles)


def _tile(node: Node, linker: Linker) -> Tile | None:
    report, listed = node.get("report"), node.get("list")
    if (report is None) == (listed is None):
        if not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add("missing_key", node, "a tile shows either a report or a list")
        return None
    label, width = node.maybe_label("label"), node.number("width", 6)
    measure, view = node.get("measure"), node.get("view")
    for part, other in ((measure, listed), (view, report)):
        if part is not None and other is not None:
            linker.add("contradiction", part, f"{part.key!r} does not go with {other.key!r}", key=True)
    if report is not None:
        name = linker.name("report", report)
        of = None if name is None else linker.documents["report"][name].root
        own = None if of is None or measure is None else _measure_field(of, str(measure.value))
        if of is not None and measure is not None and own is not None:
            linker.field(linker.entity(of.get("entity")), Node(measure.document, measure.path, own))
        return None if name is None else Tile(label, name, None, None, node.maybe("measure"), width)
    found = list_target(cast(Node, listed), linker)
    return None if found is None else Tile(label, None, found, node.maybe("view"), None, width)


def build_template(node: Node, steps: tuple[DataStep, ...]) -> Template:
    """Make the template's own words."""
    name = node.document.name
    return Template(
        name=name,
        span=node.span,
        label=node.label(name=name),
        version=node.text("version"),
        extends=node.maybe("extends"),
        languages=tuple(item.value for item in node.each("languages")) or ("en", "zh"),
        currency=node.text("currency", "CNY"),
        zone=node.text("zone", "UTC"),
        help=node.maybe_label("help"),
        steps=steps,
    )
