"""Fields and options.

A field is made twice: first without its expressions, so that every entity is known before any rule is
read, and then completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from fairlead.base.problems import Level
from fairlead.base.texts import Label
from fairlead.config.build import migrations
from fairlead.config.document import Node, is_yes
from fairlead.config.faults import shown
from fairlead.config.link import MISSING, NUMBERS, Linker, Where
from fairlead.config.schemas import NAME, field_keys
from fairlead.expr.expression import Expression
from fairlead.fields import patterns, sequence
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import KINDS, kind_of
from fairlead.fields.spec import NO_MIGRATION, Field, Mask, Migration, Option, Rollup
from fairlead.model.entities import OptionSet

_COMPLETING = (
    frozenset("default formula lookup rollup visible_when required_when readonly_when fields".split())
    | migrations.KEYS
)
_ROLLUPS = ("sum", "avg", "min", "max", "count")


def build_options(node: Node) -> tuple[Option, ...]:
    """Make the options of a list or a map, in order; a name given twice keeps its first place."""
    found: dict[str, Option] = {}
    if isinstance(node.value, list):
        for item in node.items():
            name = item.value if isinstance(item.value, str) else item.value["name"]
            found.setdefault(name, _option(name, item))
    else:
        for name, item in node.entries():
            found[name] = _option(name, item)
    return tuple(found.values())


def _option(name: str, node: Node) -> Option:
    value = node.value
    if isinstance(value, dict) and value.keys() & {"name", "label", "color", "active", "was"}:
        return Option(name, node.label(name=name), node.maybe("color"), node.flag("active", True), node.was())
    if value is None or (isinstance(value, str) and value == name):
        return Option(name, Label({}, name))
    return Option(name, node.as_label(name))


def build_option_set(node: Node, linker: Linker) -> OptionSet:
    """Make a document of kind `options`."""
    options = node.get("options")
    if options is not None:
        _report_twins(options, linker)
    made = () if options is None else build_options(options)
    mapped = migrations.names(node.get("map"), linker, {one.name: one for one in made}, "option")
    return OptionSet(node.document.name, node.span, node.label(name=node.document.name), made, mapped)


def _report_twins(node: Node, linker: Linker) -> None:
    if isinstance(node.value, list):
        seen: set[str] = set()
        for item in node.items():
            name = item.value if isinstance(item.value, str) else item.value["name"]
            if name in seen:
                linker.add("duplicate_value", item, f"the option {name!r} is given twice")
            seen.add(name)


def outline_field(
    name: str, node: Node, linker: Linker, sets: Mapping[str, OptionSet], currency: str
) -> Field:
    """Make a field without its expressions; everything about it that needs no other entity is checked."""
    kind = node.text("type")
    own = field_keys(kind)
    params: dict[str, Any] = {
        key: part.value for key, part in node.entries() if key in own and key not in ("options", "fields")
    }
    if kind == "money":
        params.setdefault("currency", currency)
    made = Field(
        name=name,
        kind=kind,
        label=node.label(name=name),
        span=node.key_span,
        required=node.flag("required"),
        unique=node.flag("unique"),
        readonly=node.flag("readonly"),
        write_once=node.flag("write_once"),
        index=node.flag("index"),
        searchable=node.flag("searchable"),
        sensitive=node.flag("sensitive"),
        history=node.flag("history", True),
        mask=cast(Mask, node.text("mask", "none")),
        help=node.maybe_label("help"),
        placeholder=node.maybe_label("placeholder"),
        when_hidden=cast(Any, node.text("when_hidden", "ignore_input")),
        was=node.was(),
        options=_options_of(node, linker, sets),
        params=MappingProxyType(params),
        from_now_on=node.flag("from_now_on"),
        migration=_migration_of(node, sets),
    )
    inner = node.get("fields")
    if kind == "table" and inner is not None:
        for key, part in inner.entries():
            if key == "id":
                linker.add(
                    "reserved_name",
                    part,
                    "the name 'id' belongs to the engine: every line has a key",
                    key=True,
                )
        rows = {key: outline_field(key, part, linker, sets, currency) for key, part in inner.entries()}
        made = made.with_(fields=MappingProxyType(rows))
    return _with_sound_params(made, node, linker)


def _migration_of(node: Node, sets: Mapping[str, OptionSet]) -> Migration:
    """Return what the shared set of options says; the field's own words are added when it is completed."""
    options = node.get("options")
    name = options.value if options is not None and isinstance(options.value, str) else ""
    return Migration(map=sets[name].map) if name in sets and sets[name].map else NO_MIGRATION


def _options_of(node: Node, linker: Linker, sets: Mapping[str, OptionSet]) -> tuple[Option, ...]:
    options = node.get("options")
    if options is None:
        return ()
    if not isinstance(options.value, str):
        _report_twins(options, linker)
        return build_options(options)
    if not NAME.match(options.value):
        message = f"a list of options, or the name of a set of them, is expected here, found the text {shown(options.value)}"
        linker.add("wrong_type", options, message)
        return ()
    name = linker.name("options", options)
    return sets[name].options if name is not None and name in sets else ()


def _with_sound_params(made: Field, node: Node, linker: Linker) -> Field:
    """Check what a kind can say about its own keys only by trying them; return the field without bounds that are none."""
    pattern = node.get("pattern")
    shape = node.get("format")
    try:
        if pattern is not None:
            at = pattern
            patterns.compile_pattern(pattern.value)
        if shape is not None and made.kind == "sequence":
            at = shape
            sequence.check_format(shape.value)
    except FieldProblem as problem:
        linker.add(problem.code, at, problem.message.get("en"))
    bounds: dict[str, Any] = {}
    unsound: set[str] = set()
    free = made.with_(params={key: value for key, value in made.params.items() if key not in ("min", "max")})
    for key in ("min", "max"):
        bound = node.get(key)
        if bound is None or made.kind in ("rating", "duration"):
            continue
        try:
            bounds[key] = kind_of(free).parse(bound.value, free)
        except FieldProblem as problem:
            linker.add("bad_value", bound, f"{key}: {problem.message.get('en')}")
            unsound.add(key)
    least, most = bounds.get("min"), bounds.get("max")
    if least is not None and most is not None and least > most:
        linker.add("out_of_range", cast(Node, node.get("max")), "max is smaller than min")
    for low, high in (("min_length", "max_length"), ("min_rows", "max_rows")):
        one, two = node.maybe_number(low), node.maybe_number(high)
        if one is not None and two is not None and one > two:
            linker.add("out_of_range", cast(Node, node.get(high)), f"{high} is smaller than {low}")
    if not unsound:
        return made
    return made.with_(params={key: value for key, value in made.params.items() if key not in unsound})


def complete_field(made: Field, node: Node, linker: Linker, entity: str) -> Field:
    """Add the expressions of a field of `entity` (or of `entity.table` for the rows of a table)."""
    _targets(made, node, linker)
    if not node.value.keys() & _COMPLETING:
        return made
    rule = Where(entity)
    formula = _formula(made, node, linker, entity)
    default = node.get("default")
    value: object = None
    if default is not None and (formula is not None or node.get("rollup") is not None):
        linker.add("contradiction", default, "a computed field has no default", key=True)
    elif default is not None and made.kind in ("table", "sequence"):
        linker.add("contradiction", default, f"a field of type {made.kind} has no default", key=True)
    elif default is not None:
        given = linker.value(default, made, rule)
        value = None if given is MISSING else given
    rows = made.fields
    inner = node.get("fields")
    if made.kind == "table" and inner is not None:
        here = f"{entity}.{made.name}"
        complete = {
            key: complete_field(made.fields[key], part, linker, here) for key, part in inner.entries()
        }
        rows = MappingProxyType(complete)
    return made.with_(
        formula=formula,
        migration=migrations.build_migration(made, node, linker, entity),
        default=value,
        rollup=_rollup(made, node, linker, entity),
        visible_when=linker.rule(node.get("visible_when"), rule),
        required_when=linker.rule(node.get("required_when"), rule),
        readonly_when=linker.rule(node.get("readonly_when"), rule),
        fields=rows,
    )


def _formula(made: Field, node: Node, linker: Linker, entity: str) -> Expression | None:
    formula, lookup = node.get("formula"), node.get("lookup")
    if formula is not None and lookup is not None:
        linker.add("contradiction", lookup, "give either a formula or a lookup", key=True)
    # Stored results must not change by themselves, so neither the clock nor the reader is there.
    where = Where(entity, user=False, clock=False)
    kind = KINDS[made.kind].expr_type(made)
    if made.kind in ("table", "sequence") and (formula or lookup):
        linker.add(
            "contradiction", cast(Node, formula or lookup), f"a {made.kind} is never computed", key=True
        )
        return None
    if lookup is not None and formula is None:
        return linker.compile(lookup, f"record.{lookup.value}", where, kind)
    rule = linker.rule(formula, where, kind)
    if rule is not None and "today" in rule.names:
        message = "this changes from day to day, but is worked out only when the record is written"
        linker.add("stale_formula", cast(Node, formula), message, level=Level.warning)
    return rule


def _rollup(made: Field, node: Node, linker: Linker, entity: str) -> Rollup | None:
    rollup = node.get("rollup")
    source = rollup.get("from") if rollup is not None else None
    if rollup is None or source is None:
        return None
    fields = linker.fields.get(entity, {})
    table = fields.get(source.value)
    if table is None or table.kind != "table":
        if source.value in (made.name, entity):
            message = f"{made.name!r} would add up itself; a roll-up is over the lines of a table"
            linker.add("self_rollup", source, message)
            return None
        tables = [name for name, one in fields.items() if one.kind == "table"]
        if source.value in fields:
            linker.add("wrong_type", source, f"{source.value!r} holds no line items to add up")
        else:
            linker.unknown("table", source, source.value, tables)
        return None
    linker.mention(linker.owners[id(table)], source, source.value)
    function = next((name for name in _ROLLUPS if rollup.get(name) is not None), None)
    if function is None:
        linker.add("missing_key", rollup, "one of sum, avg, min, max and count is missing")
        return None
    value = cast(Node, rollup.get(function))
    if made.kind not in (NUMBERS if function in ("count", "avg") else (made.kind,)):
        linker.add("type_mismatch", value, f"this gives a number, but the field is {_a(made.kind)}")
    if function == "count":
        if not is_yes(value.value):
            linker.add("wrong_type", value, "write count: true; it counts the lines")
        return Rollup(source.value, "count")
    column = table.fields.get(value.value)
    if column is None:
        linker.unknown("field", value, value.value, table.fields)
        return None
    linker.mention(linker.owners[id(column)], value, value.value)
    if not kind_of(column).aggregatable:
        linker.add("wrong_type", value, f"{value.value!r} is {_a(column.kind)} and cannot be added up")
        return None
    if function in ("min", "max", "sum") and column.kind != made.kind:
        message = f"the {function} of {value.value!r} is {_a(column.kind)}, but this field is {_a(made.kind)}"
        linker.add("type_mismatch", value, message)
    return Rollup(source.value, cast(Any, function), value.value)


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} field"


def _targets(made: Field, node: Node, linker: Linker) -> None:
    """Check what a reference points at, and what happens when that is deleted."""
    if made.kind not in ("reference", "references"):
        return
    one, several = node.get("entity"), node.get("entities")
    if (
        one is None
        and several is None
        and not {(*node.path, "entity"), (*node.path, "entities")} & node.document.broken
    ):
        linker.missing(node, "entity", "'entity' is missing")
    elif one is not None and several is not None:
        linker.add("contradiction", several, "give either `entity` or `entities`", key=True)
    if one is not None:
        linker.name("entity", one)
    for target in node.each("entities"):
        linker.name("entity", target)
    if made.params.get("on_delete") == "clear" and made.required:
        on_delete = cast(Node, node.get("on_delete"))
        linker.add(
            "contradiction", on_delete, "a required reference cannot be cleared; use restrict or cascade"
        )
