"""What a form starts from, and what becomes of it: a new record, perhaps made from another, or a changed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fairlead.base.errors import Forbidden, Invalid, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.decide import edit
from fairlead.expr.check import Expression
from fairlead.expr.evaluate import Env
from fairlead.expr.types import Kind
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.screens import Action
from fairlead.work import records
from fairlead.work.context import Context
from fairlead.work.opened import Opened, open_record
from fairlead.work.records import Saved, creatable_fields, entity_of, roles_of

_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
_NOT_NOW = Label({"en": "This is not possible as the record stands.", "zh": "记录当前状态下不能执行此操作。"})


@dataclass(frozen=True, slots=True)
class Start:
    """A form for a new record before anybody has typed."""

    entity: CompiledEntity
    record: dict[str, Any]
    """Domain values: defaults, and what the way here brought along."""
    writable: frozenset[str]
    brought: frozenset[str] = field(default_factory=frozenset)
    """Fields that the way here filled."""


def start(ctx: Context, name: str, given: Mapping[str, str], *, origin: Origin | None = None) -> Start:
    """Return what the form for a new record starts from.

    Args:
        ctx: Who and when.
        name: The entity.
        given: Texts by field, from the address.
        origin: The record and action that lead here.

    Raises:
        NotFound: There is no such entity for this actor.
        Forbidden: The actor may not create its records.
    """
    entity = entity_of(ctx, name)
    access = ctx.app.access(name, roles_of(ctx))
    if not access.can("create"):
        raise Forbidden("forbidden", _FORBIDDEN)
    writable = creatable_fields(
        entity, frozenset().union(*(grant.writable for grant in access.write["create"]))
    )
    fields = entity.entity.fields
    record: dict[str, Any] = dict.fromkeys(fields)
    brought: dict[str, Any] = dict(origin.values) if origin else {}
    zone = ZoneInfo(ctx.actor.zone)
    for key, text in given.items():
        if key in fields and key in writable and fields[key].kind != "table":
            try:
                brought[key] = kind_of(fields[key]).parse_form(text, fields[key], zone=zone)
            except FieldProblem:
                continue
    record.update(brought)
    if "owner" in fields and record.get("owner") is None:
        record["owner"] = ctx.actor.id
    env = ctx.env()
    for key, spec in fields.items():
        if spec.default is not None and record.get(key) is None:
            value = edit.value_of(spec.default, record, env)
            record[key] = (
                value.replace(second=0, microsecond=0)
                if spec.kind == "datetime" and isinstance(value, datetime)
                else value
            )
    if entity.machine is not None and record.get("stage") is None:
        record["stage"] = entity.machine.initial
    for key, spec in fields.items():
        if spec.kind == "table":
            record[key] = ()
    return Start(entity, record, writable, frozenset(brought))


# ---------------------------------------------------------------- made from another record


@dataclass(frozen=True, slots=True)
class Origin:
    """The record and the action of its page that a new record is made from."""

    opened: Opened
    action: Action
    values: Mapping[str, Any]


def origin(ctx: Context, entity: str, id: str, action_name: str) -> Origin:
    """Return where a new record comes from, with the values it brings.

    Raises:
        NotFound: There is no such record or action for this actor.
        Refused: The action is not open as the record stands.
    """
    opened = open_record(ctx, entity, id)
    page = ctx.app.workspace.page_of(entity)
    action = next((one for one in page.actions if one.name == action_name), None)
    if action is None or not ctx.app.access(action.create, roles_of(ctx)).can("create"):
        raise NotFound("action", action_name)
    if not is_open(ctx, opened, action):
        raise Refused("action.closed", _NOT_NOW)
    return Origin(opened, action, _values(ctx, opened, action))


def is_open(ctx: Context, opened: Opened, action: Action) -> bool:
    """Whether an action's condition holds for the record as it stands."""
    return action.when is None or action.when.is_true(opened.everything, ctx.env())


def _values(ctx: Context, opened: Opened, action: Action) -> dict[str, Any]:
    fields = ctx.app.workspace.entities[action.create].fields
    found: dict[str, Any] = {}
    env = ctx.env()
    for name, source in action.values:
        spec = fields[name]
        if isinstance(source, Label):
            found[name] = source.get(ctx.actor.language)
        elif not isinstance(source, Expression):
            found[name] = source
        elif all(
            _sees(ctx, opened.entity.name, path, opened.item.get("_hidden", ())) for path in source.uses
        ):
            value = source.evaluate(opened.everything, env)
            if value is not None and spec.params.get("entities") and source.type.kind is Kind.reference:
                value = f"{source.type.entity}:{value}"
            found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def _sees(ctx: Context, entity: str, path: tuple[str, ...], hidden: Any = ()) -> bool:
    """Whether the actor may see what a path leads to; a form never tells more than the records themselves."""
    if not path or entity not in ctx.app.entities:
        return True
    access = ctx.app.access(entity, roles_of(ctx))
    if path[0] in hidden or path[0] not in access.readable:
        return False
    spec = ctx.app.workspace.entities[entity].fields.get(path[0])
    target = str(spec.params.get("entity")) if spec is not None and spec.kind == "reference" else ""
    return len(path) == 1 or not target or _sees(ctx, target, path[1:])


def create(ctx: Context, name: str, given: Mapping[str, Any], *, origin: Origin | None = None) -> Saved:
    """Create a record from a form; the record it was made from goes on to its next stage in the same transaction.

    Raises:
        NotFound, Forbidden, Invalid, Refused: As `records.create`, and as a move of the other record.
    """
    if origin is None or origin.action.then_move is None:
        return records.create(ctx, name, given, form=True)
    source = origin.opened
    if "move" not in source.writable:
        raise Forbidden("forbidden", _FORBIDDEN)
    entity = entity_of(ctx, name)
    access = ctx.app.access(name, roles_of(ctx))
    if not access.can("create"):
        raise Forbidden("forbidden", _FORBIDDEN)
    grants = access.write["create"]
    writable = frozenset().union(*(grant.writable for grant in grants))
    found = edit.read_input(
        entity, given, writable=creatable_fields(entity, writable), readable=access.fields & (access.seen | writable),
        form=True, zone=ZoneInfo(ctx.actor.zone),
    )  # fmt: skip
    with ctx.database.write() as tx:
        saved = records.create_in(tx, ctx, name, found, scopes=tuple(grant.scope for grant in grants))
        if source.record.get("stage") != origin.action.then_move:
            records.move_in(tx, ctx, source.entity.name, source.id, origin.action.then_move)
        return saved


# ---------------------------------------------------------------- rules while somebody types


def answers(
    ctx: Context, entity: CompiledEntity, record: Mapping[str, Any], typed: Mapping[str, Any],
    rules: Mapping[str, Expression], *, writable: frozenset[str],
) -> dict[str, bool]:  # fmt: skip
    """Return what rules say of a record as it stands in a form (EX-11).

    The page gets the answers alone: what they were made from may be more than this person may read. A pointer to
    something that they may not see counts as empty, so that nobody asks about other people's records.

    Args:
        ctx: Who is typing.
        entity: Whose form it is.
        record: As it stands, or as a new one starts; everything, readable or not.
        typed: The texts of the form; what cannot be read counts as empty.
        rules: By any key; the answers have the same.
        writable: What this person may write.
    """
    if not rules:
        return {}
    now, zone, env = dict(record), ZoneInfo(ctx.actor.zone), ctx.env()
    for name, text in typed.items():
        if name not in writable:
            continue
        try:
            found = edit.read_input(
                entity, {name: text}, writable=writable, readable=writable, form=True, zone=zone
            )
        except Invalid:
            now[name] = None
            continue
        now.update(found.lines or found.values)
    for name, spec in entity.entity.fields.items():
        if spec.kind in ("reference", "references") and now.get(name) != record.get(name):
            now[name] = _seen_only(ctx, spec, now.get(name), record.get(name))
    lines = {
        name: tuple(now.get(name) or ())
        for name, spec in entity.entity.fields.items()
        if spec.kind == "table"
    }
    for name in entity.formulas:
        try:
            now[name] = edit.compute(entity.entity.fields[name], now, lines, env)
        except Invalid:
            now[name] = None
    return {key: rule.is_true(now, env) for key, rule in rules.items()}


def _seen_only(ctx: Context, spec: Field, value: Any, before: Any) -> Any:
    """Return a typed pointer, or what of several may be seen; what stood there already may stay."""
    target = str(spec.params.get("entity") or "")

    def seen(id: str) -> bool:
        name, colon, own = id.partition(":")
        try:
            open_record(ctx, name if colon else target, own if colon else id)
        except (NotFound, Forbidden):
            return False
        return True

    if spec.kind == "references":
        return tuple(one for one in value or () if one in (before or ()) or seen(one))
    return value if value is None or seen(str(value)) else None


# ---------------------------------------------------------------- texts of a form


def typed_now(opened_or_start: Opened | Start, spec: Field, zone: ZoneInfo) -> Any:
    """Return a field's value as it stands in the form when it opens: a text, or a list of texts."""
    record = opened_or_start.everything if isinstance(opened_or_start, Opened) else opened_or_start.record
    return form_value(spec, record.get(spec.name), zone)


def form_value(spec: Field, value: Any, zone: ZoneInfo) -> Any:
    """Return a domain value as a form sends it: a text, a list of texts, or rows of them."""
    if spec.kind == "table":
        return [
            {
                name: form_value(column, row.get(name), zone)
                for name, column in spec.fields.items()
                if not column.computed
            }
            for row in value or ()
        ]
    if spec.kind in ("multi_choice", "tags", "references"):
        return list(value or ())
    if value is None:
        return ""
    if spec.kind == "datetime":
        value = value.replace(microsecond=0)  # an input knows no finer moment
    return kind_of(spec).form_text(value, spec, zone=zone)


def changed(opened: Opened, typed: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Return what somebody changed: texts that differ from how the form opened. What stayed is not sent on, so that
    a field that may not be written, or that an approval holds, does not stop the others.
    """
    fields = opened.entity.entity.fields
    found = {}
    for name, text in typed.items():
        spec = fields.get(name)
        if spec is not None and _normal(spec, text) != _normal(spec, typed_now(opened, spec, zone)):
            found[name] = text
    return found


def _normal(spec: Field, text: Any) -> Any:
    if spec.kind == "table":
        rows = [{name: _normal(spec.fields[name], row.get(name) or "") for name in spec.fields if not spec.fields[name].computed}
                for row in text or ()]  # fmt: skip
        return [row for row in rows if any(row.values())]
    if isinstance(text, list):
        return tuple(text)
    plain = str(text or "").replace("\r\n", "\n").strip()
    if spec.kind == "boolean":
        return plain == "true"
    if spec.kind in ("integer", "decimal", "money", "percent"):
        try:
            return kind_of(spec).parse_form(plain, spec)
        except FieldProblem:
            return plain
    return plain


@dataclass(frozen=True, slots=True)
class Clash:
    """A field that both sides changed, or that they see differently: texts as a form holds them."""

    field: Field
    base: Any
    mine: Any
    theirs: Any


def clashes(ctx: Context, opened: Opened, typed: Mapping[str, Any], version: int) -> list[Clash]:
    """Return where what was typed and what stands now differ, since the form was opened at `version`.

    A field that only one side touched is no clash: `merge` keeps both.
    """
    base = _since(ctx, opened, version)
    zone = ZoneInfo(ctx.actor.zone)
    found = []
    for name, text in typed.items():
        spec = opened.entity.entity.fields.get(name)
        if spec is None or name not in base:
            continue
        mine, theirs = _normal(spec, text), _normal(spec, form_value(spec, opened.everything.get(name), zone))
        if mine not in (theirs, _normal(spec, base[name])):
            found.append(Clash(spec, base[name], text, form_value(spec, opened.everything.get(name), zone)))
    return found


def merge(ctx: Context, opened: Opened, typed: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return what was typed, with the others' newer values where this person had changed nothing."""
    base = _since(ctx, opened, version)
    zone = ZoneInfo(ctx.actor.zone)
    found = dict(typed)
    for name, before in base.items():
        spec = opened.entity.entity.fields.get(name)
        if spec is not None and name in found and _normal(spec, found[name]) == _normal(spec, before):
            found[name] = form_value(spec, opened.everything.get(name), zone)
    return found


def _since(ctx: Context, opened: Opened, version: int) -> dict[str, Any]:
    """Return the fields that others changed after `version`, with their texts before that."""
    from fairlead.store import history

    zone = ZoneInfo(ctx.actor.zone)
    found: dict[str, Any] = {}
    for event in history.of_record(ctx.database, opened.id, limit=100):
        if event.version is not None and event.version <= version:
            break
        for name, (old, _) in event.changes.items():
            spec = opened.entity.entity.fields.get(name)
            if spec is not None and name in opened.item:
                found[name] = form_value(spec, _domain(spec, old), zone)
    return found


def _domain(spec: Field, stored: Any) -> Any:
    if stored is None:
        return None
    if spec.kind == "table":
        return [
            {name: _domain(spec.fields[name], value) for name, value in row.items() if name in spec.fields}
            for row in stored
        ]
    return kind_of(spec).from_stored(stored, spec)


# ---------------------------------------------------------------- lines


def row_defaults(
    ctx: Context, entity: CompiledEntity, table: str, given: Mapping[str, str]
) -> dict[str, str]:
    """Return the texts that a line's empty fields would get, as far as its other fields are filled."""
    spec = entity.entity.fields[table]
    zone, env = ZoneInfo(ctx.actor.zone), ctx.env()
    row: dict[str, Any] = dict.fromkeys(spec.fields)
    for name, text in given.items():
        column = spec.fields.get(name)
        if column is not None and not column.computed:
            try:
                row[name] = kind_of(column).parse_form(text, column, zone=zone)
            except FieldProblem:
                continue
    return {
        name: str(form_value(column, value, zone))
        for name, column in spec.fields.items()
        if row[name] is None and (value := _default(ctx, spec, column, row, env)) is not None
    }


def _default(ctx: Context, table: Field, column: Field, row: Mapping[str, Any], env: Env) -> Any:
    source = column.default
    if not isinstance(source, Expression):
        return source
    for path in source.uses:
        target = table.fields.get(path[0]) if path else None
        if (
            len(path) > 1
            and target is not None
            and not _sees(ctx, str(target.params.get("entity")), path[1:])
        ):
            return None
    return source.evaluate(row, env)
