"""What documents say about the values that exist: `backfill`, `convert`, `truncate`, `relabel`, `map`.

They are read only by the plan in which something differs from what is in force, and say nothing afterwards, as `was` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType
from typing import Any, cast

from fairlead.base.clock import is_zone
from fairlead.config.document import Document, Node
from fairlead.config.link import MISSING, Linker, Where
from fairlead.expr.expression import Expression
from fairlead.fields import dates
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Migration

KEYS = frozenset("backfill convert truncate relabel map".split())


def build_migration(made: Field, node: Node, linker: Linker, entity: str) -> Migration:
    """Make what a field of `entity` (or of `entity.table`) says about the values that exist."""
    found = replace(
        made.migration,
        truncate=node.flag("truncate"),
        relabel=node.flag("relabel"),
        **_backfill(made, node, linker, entity),
    )
    mapped = node.get("map")
    if mapped is not None:
        found = replace(found, map=_values(made, mapped, linker))
    convert = node.get("convert")
    return found if convert is None else _convert(found, made, convert, linker)


def _backfill(made: Field, node: Node, linker: Linker, entity: str) -> dict[str, Any]:
    backfill = node.get("backfill")
    if backfill is None:
        return {}
    computed = any(node.get(key) is not None for key in ("formula", "lookup", "rollup"))
    if computed or made.kind in ("table", "sequence"):
        linker.add("contradiction", backfill, "the engine fills this field itself", key=True)
        return {}
    if backfill.value == "default":
        if node.get("default") is None:
            linker.add("missing_key", backfill, "this field has no default to be filled with")
        return {"backfill_default": True}
    return {"backfill": expression(made, backfill, linker, entity)}


def expression(made: Field, node: Node, linker: Linker, entity: str) -> Expression | None:
    """Make what gives a field its value in a record that exists."""
    text = {True: "true", False: "false"}.get(node.value) if isinstance(node.value, bool) else None
    plain = Node(node.document, node.path, text or str(node.value))
    if made.kind in ("reference", "references"):
        return linker.rule(plain, Where(entity, user=False), None)
    return linker.rule(plain, Where(entity, user=False), kind_of(made).expr_type(made))


def _values(made: Field, node: Node, linker: Linker) -> Mapping[str, object]:
    """Return former stored value → domain value. Several choices are mapped one by one."""
    found: dict[str, object] = {}
    for old, part in node.entries():
        if part.value is None:
            found[old] = None
        elif made.kind in ("multi_choice", "tags", "references"):
            given = linker.value(part, made, Where(None))
            if isinstance(given, tuple):
                found[old] = given[0]
        else:
            try:
                found[old] = kind_of(made).parse(part.value, made)
            except FieldProblem as problem:
                known = [option.name for option in made.options]
                if known:
                    linker.unknown("option", part, str(part.value), known)
                else:
                    linker.add("bad_value", part, problem.message.get("en"))
    return MappingProxyType(found)


def _convert(found: Migration, made: Field, node: Node, linker: Linker) -> Migration:
    on_fail = "block"
    if "on_fail" in node.value:
        on_fail = "empty" if node.value["on_fail"] is None else str(node.value["on_fail"])
    value: object = None
    given = node.get("value")
    if on_fail == "value" and given is None:
        linker.add("missing_key", node, "on_fail: value needs the `value` that stands instead")
    elif given is not None and on_fail != "value":
        linker.add("contradiction", given, "`value` goes with `on_fail: value`", key=True)
    elif given is not None:
        meant = linker.value(given, made, Where(None))
        value = None if meant is MISSING else meant
    zone = node.get("zone")
    if zone is not None and not is_zone(zone.value):
        linker.add("unknown_zone", zone, f"there is no time zone {zone.value!r}; write Asia/Shanghai")
    shape = node.get("format")
    if shape is not None:
        try:
            dates.date_pattern(shape.value)
        except FieldProblem as problem:
            linker.add(problem.code, shape, problem.message.get("en"))
    rate = node.get("rate")
    line = node.get("line")
    if line is not None and made.kind == "table" and line.value not in made.fields:
        linker.unknown("field", line, str(line.value), made.fields)
    return replace(
        found,
        on_fail=cast(Any, on_fail),
        value=value,
        pattern=node.maybe("format"),
        locale=node.maybe("locale"),
        zone=node.maybe("zone"),
        rounding=node.maybe("rounding"),
        rate=None if rate is None else Decimal(str(rate.value)),
        match=node.maybe("match"),
        line=node.maybe("line"),
    )


def entity_backfill(
    node: Node, linker: Linker, fields: Mapping[str, Field]
) -> Mapping[str, Expression | None]:
    """Make what an entity says about the fields of its traits in records that exist."""
    part = node.get("backfill")
    found: dict[str, Expression | None] = {}
    for name, value in part.entries() if part is not None else ():
        made = fields.get(name)
        if made is None or made.origin != "trait":
            known = [one.name for one in fields.values() if one.origin == "trait"]
            linker.unknown("field", value, name, known, key=True)
        elif value.value is None:
            found[name] = None
        else:
            found[name] = expression(made, value, linker, node.document.name)
    return MappingProxyType(found)


def names(
    node: Node | None, linker: Linker, known: Mapping[str, Any], what: str, *, never_none: str | None = None
) -> Mapping[str, str | None]:
    """Return former name → name of today for options and stages; each new one must be `known`.

    Args:
        never_none: Why none is no answer; else `null` means that nothing takes its place.
    """
    found: dict[str, str | None] = {}
    for old, part in node.entries() if node is not None else ():
        if part.value is None and never_none is not None:
            linker.add("bad_value", part, never_none)
        elif part.value is not None and part.value not in known:
            linker.unknown(what, part, str(part.value), known)
        else:
            found[old] = part.value
    return MappingProxyType(found)


def workspace_map(own: Document | None, linker: Linker) -> Mapping[str, Mapping[str, str | None]]:
    """Return what `fairlead.yaml` says about documents that are gone: kind → former name → name of today."""
    part = own.root.get("map") if own is not None and own.usable else None
    found: dict[str, Mapping[str, str | None]] = {}
    for kind, mapping in part.entries() if part is not None else ():
        made: dict[str, str | None] = {}
        for old, name in mapping.entries():
            made[old] = None if name.value is None else linker.name(kind, name)
        found[kind] = MappingProxyType(made)
    return MappingProxyType(found)
