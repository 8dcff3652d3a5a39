"""The steps of pipelines, approvals and automations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from fairlead.base.problems import Level
from fairlead.base.texts import Label
from fairlead.config.build.messages import inbox_words, message_for
from fairlead.config.build.placeholders import check_placeholders
from fairlead.config.document import Node, is_yes
from fairlead.config.link import MISSING, Linker, Where
from fairlead.expr.expression import Expression
from fairlead.expr.types import USER, Kind
from fairlead.fields.spec import Field
from fairlead.model.steps import (
    CreateRecord,
    MoveRecord,
    Notify,
    ReleaseRecord,
    SetFields,
    StartApproval,
    Step,
)

_VERBS = ("update", "create", "move", "release", "submit", "notify", "set")
_BESIDE: Mapping[str, frozenset[str]] = {"update": frozenset({"set"}), "create": frozenset({"with"})}


def build_steps(nodes: Iterable[Node], linker: Linker, where: Where) -> tuple[Step, ...]:
    """Make the steps that `nodes` hold; those that are wrong are reported and left out."""
    return tuple(step for node in nodes if (step := _step(node, linker, where)) is not None)


def _step(node: Node, linker: Linker, where: Where) -> Step | None:
    verb = next((name for name in _VERBS if node.get(name) is not None), None)
    if verb is None:
        # What was there is broken and has been reported; or only `with` is there.
        if not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add(
                "missing_key", node, "a step needs one of set, update, create, move, release, submit, notify"
            )
        return None
    for key, part in node.entries():
        if key != verb and key not in _BESIDE.get(verb, ()):
            linker.add(
                "contradiction", part, f"one step does one thing; {key!r} does not go with {verb!r}", key=True
            )
            return None
    part = cast(Node, node.get(verb))
    match verb:
        case "set":
            if where.entity is None:
                linker.add("no_record", part, "there is no record here whose fields could be set", key=True)
                return None
            return SetFields(build_values(part, linker, where.entity, where), None, node.span)
        case "update":
            return _update(node, part, linker, where)
        case "create":
            entity = linker.entity(part)
            given = node.get("with")
            values = build_values(given, linker, entity, where, creating=True) if given and entity else {}
            if entity is not None:
                _check_required(part, linker, entity, values)
            return None if entity is None else CreateRecord(entity, values, node.span)
        case "move":
            return _move(node, part, linker, where)
        case "release":
            return _release(node, part, linker, where)
        case "submit":
            flow = linker.name("approval", part)
            return None if flow is None else StartApproval(flow, node.span)
        case _:
            return _notify(node, part, linker, where)


def build_values(
    node: Node, linker: Linker, entity: str | None, where: Where, *, creating: bool = False
) -> Mapping[str, Any]:
    """Make the values for fields of `entity`; expressions see the record of `where`."""
    if entity is None:
        return {}
    fields = linker.fields[entity]
    made: dict[str, Any] = {}
    for _, part in node.entries():
        name = linker.field(entity, part, key=True)
        if name is None or not _may_write(entity, fields[name], part, linker, creating=creating):
            continue
        value = linker.value(part, fields[name], where)
        if value is not MISSING:
            made[name] = value
    return MappingProxyType(made)


def _may_write(entity: str, field: Field, node: Node, linker: Linker, *, creating: bool) -> bool:
    why = None
    if linker.computes(entity, field):
        why = f"{field.name!r} is worked out by the engine and cannot be written"
    elif field.name == "stage":
        why = "the stage is changed by `move`, so that its rules are asked"
    elif field.origin != "document" and field.readonly and not (creating and field.name in ("owner", "team")):
        why = f"{field.name!r} is kept by the engine and cannot be written"
    if why:
        linker.add("readonly_field", node, why, key=True)
    return why is None


def _check_required(node: Node, linker: Linker, entity: str, values: Mapping[str, Any]) -> None:
    absent = [
        one.name
        for one in linker.fields[entity].values()
        if one.required
        and one.name not in values
        and not linker.computes(entity, one)
        # Defaults are not read yet; the document says whether there is one.
        and linker.written(entity, one.name, "default") is None
    ]
    if absent and not linker.hushed & set(absent):
        message = f"the new {entity} needs a value for {', '.join(absent)}"
        linker.add("missing_value", node, message, level=Level.warning)


def _target(node: Node, linker: Linker, where: Where) -> tuple[Expression, str] | None:
    """Return the expression that leads to another record, and that record's entity."""
    made = linker.rule(node, where, None)
    if made is None:
        return None
    if made.type.kind is not Kind.reference or made.type.entity not in linker.fields:
        linker.add("type_mismatch", node, f"this must lead to a record, but it is {made.type}")
        return None
    return made, made.type.entity


def _update(node: Node, part: Node, linker: Linker, where: Where) -> Step | None:
    values = node.get("set")
    if values is None:
        if (*node.path, "set") not in node.document.broken:
            linker.missing(node, "set", "'set' is missing: update needs the fields to write")
        return None
    found = _target(part, linker, where)
    if found is None:
        return None
    return SetFields(build_values(values, linker, found[1], where), found[0], node.span)


def _move(node: Node, part: Node, linker: Linker, where: Where) -> Step | None:
    if isinstance(part.value, str):
        if where.entity is None:
            linker.add("no_record", part, "there is no record here that could move", key=True)
            return None
        stage = linker.stage(where.entity, part)
        return None if stage is None else MoveRecord(stage, None, node.span)
    record = part.get("record")
    found = None if record is None else _target(record, linker, where)
    if record is not None and found is None:
        return None
    stage = linker.stage(found[1] if found else where.entity, part.get("to"))
    return None if stage is None else MoveRecord(stage, found[0] if found else None, node.span)


def _release(node: Node, part: Node, linker: Linker, where: Where) -> Step | None:
    if not is_yes(part.value):
        linker.add("bad_value", part, "write release: true; leave the step out otherwise")
        return None
    if where.entity is None or linker.lacks(where.entity, "pool"):
        linker.add(
            "no_pool", part, f"{where.entity or 'a schedule'} has no pool that a record could go back to"
        )
        return None
    return ReleaseRecord(node.span)


def _notify(node: Node, part: Node, linker: Linker, where: Where) -> Step | None:
    to: list[Expression | str] = []
    for person in part.each("to"):
        text = str(person.value)
        if text.startswith("role:"):
            name = text.removeprefix("role:").strip()
            if linker.name("role", Node(person.document, person.path, name)):
                to.append(f"role:{name}")
        elif text.startswith("@"):
            to.append(text)
        elif (made := linker.rule(person, where, USER)) is not None:
            to.append(made)
    words, named = part.get("text"), part.get("message")
    by = tuple(item.value for item in part.each("by")) or ("inbox",)
    if words is not None and named is not None:
        linker.add("contradiction", named, "give either `text` or `message`", key=True)
    elif words is not None:
        check_placeholders(words, linker, where.entity)
    elif named is None and not any((*part.path, key) in part.document.broken for key in ("text", "message")):
        linker.missing(part, "text", "'text' is missing: what should people read? Or name a `message`")
    message = None if named is None else message_for(named, linker, where.entity)
    if message is not None:
        said = inbox_words(linker.documents["message"][message].root)
        return Notify(tuple(to), said, cast(Any, by), node.span, message)
    return Notify(tuple(to), Label() if words is None else words.as_label(), cast(Any, by), node.span)
