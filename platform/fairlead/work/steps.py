"""Do what a pipeline, an approval or an automation says: each step through the door that people's requests take."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, assert_never
from zoneinfo import ZoneInfo

from fairlead.base.errors import Refused
from fairlead.base.texts import LANGUAGES, Label
from fairlead.expr.evaluate import Env
from fairlead.expr.expression import Expression
from fairlead.expr.types import Kind
from fairlead.fields.references import target_of
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.steps import (
    CreateRecord,
    MoveRecord,
    Notify,
    ReleaseRecord,
    SetFields,
    StartApproval,
    Step,
)
from fairlead.store import notifications, people
from fairlead.store.database import Tx
from fairlead.work import approvals, pools, posts, records
from fairlead.work.context import Context, environment

MAX_NESTING = 8
MAX_TEXT = 2000

_nesting: ContextVar[int] = ContextVar("fairlead_step_nesting", default=0)


def run_steps(
    tx: Tx,
    ctx: Context,
    steps: Sequence[Step],
    entity: str | None,
    record_id: str | None,
    *,
    old: Mapping[str, Any] | None = None,
) -> list[str]:
    """Run steps one after another for a record, all in the caller's transaction.

    Args:
        tx: Where everything is written.
        ctx: On whose behalf; the system for automations that name nobody else.
        steps: From the configuration.
        entity: The entity of the record; None for a schedule that is about no record.
        record_id: The record that expressions read as `record`.
        old: The record before the change that led here, where the rule may read it.

    Returns:
        One line for each step, for the log of the run.

    Raises:
        Refused: Steps lead to steps that lead to steps, without an end.
        Failure: A step was not possible; nothing of this transaction may be kept.
    """
    log: list[str] = []
    with _nested():
        for step in steps:
            # Read anew for each: an earlier step may have changed what this one reads.
            scene = _Scene(tx, ctx, entity, record_id, old)
            log.append(_run(scene, step))
    return log


@contextmanager
def _nested() -> Iterator[None]:
    depth = _nesting.get()
    if depth >= MAX_NESTING:
        raise Refused("steps.loop", _LOOP)
    mark = _nesting.set(depth + 1)
    try:
        yield
    finally:
        _nesting.reset(mark)


class _Scene:
    """The record and what expressions see, at the moment one step begins."""

    __slots__ = ("ctx", "entity", "env", "id", "record", "tx")

    def __init__(
        self, tx: Tx, ctx: Context, entity: str | None, record_id: str | None, old: Mapping[str, Any] | None
    ) -> None:
        self.tx = tx
        self.ctx = ctx
        self.entity = entity
        self.id = record_id
        self.env: Env = environment(ctx, tx, old=old)
        self.record: Mapping[str, Any] = {}
        if entity is not None and record_id is not None:
            self.record = records.snapshot_in(tx, ctx, entity, record_id)

    def require(self) -> tuple[str, str]:
        """Return entity and id of the record; a step that needs one is checked when the document is read."""
        assert self.entity is not None
        assert self.id is not None
        return self.entity, self.id

    def target(self, expression: Expression | None) -> tuple[str, str] | None:
        """Return entity and id of what a step writes to; None where the reference is empty."""
        if expression is None:
            return self.require()
        found = expression.evaluate(self.record, self.env)
        if found is None or expression.type.entity is None:
            return None
        return expression.type.entity, str(found)

    def values(self, entity: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the domain values that a step gives to the fields of `entity`."""
        fields = self.ctx.app.workspace.entities[entity].fields
        return {name: self._value(source, fields[name]) for name, source in given.items()}

    def _value(self, source: object, field: Field) -> object:
        if isinstance(source, Label):
            return source.get(self.ctx.app.workspace.languages[0])
        if not isinstance(source, Expression):
            return source
        value = source.evaluate(self.record, self.env)
        if value is not None and field.params.get("entities") and source.type.kind is Kind.reference:
            # A reference that may lead to several entities says which one.
            return f"{source.type.entity}:{value}"
        return value


def _run(scene: _Scene, step: Step) -> str:
    tx, ctx = scene.tx, scene.ctx
    match step:
        case SetFields():
            found = scene.target(step.target)
            if found is None:
                return "set: nothing to write to, the reference is empty"
            saved = records.update_in(tx, ctx, *found, scene.values(found[0], step.values))
            return f"set {', '.join(step.values)} of {found[0]} {saved.id}"
        case CreateRecord():
            saved = records.create_in(tx, ctx, step.entity, scene.values(step.entity, step.values))
            return f"created {step.entity} {saved.id}"
        case MoveRecord():
            found = scene.target(step.target)
            if found is None:
                return "move: nothing to move, the reference is empty"
            records.move_in(tx, ctx, *found, step.to, forced=True)
            return f"moved {found[0]} {found[1]} to {step.to}"
        case ReleaseRecord():
            entity, key = scene.require()
            pools.release_in(tx, ctx, entity, key)
            return f"released {entity} {key}"
        case StartApproval():
            entity, key = scene.require()
            approvals.submit_in(tx, ctx, entity, key, step.flow)
            return f"submitted {entity} {key} to {step.flow}"
        case Notify():
            count = _notify(scene, step)
            return f"notified {count} {'person' if count == 1 else 'people'}"
        case _:
            assert_never(step)


# ---------------------------------------------------------------- notify


_WITHHELD = "•••"
"""What a notice says of a value that its reader may not see."""


def _notify(scene: _Scene, step: Notify) -> int:
    shape = scene.ctx.app.workspace.entities.get(scene.entity or "")
    recipients = _recipients(scene, step.to)
    # Steps run with the engine's eyes; what they tell people stays within what each of them may see.
    readers: dict[tuple[str, ...], list[str]] = {}
    held = people.roles(scene.tx, recipients) if shape is not None else {}
    for one in recipients:
        readers.setdefault(held.get(one, ()), []).append(one)
    return sum(
        notifications.add(
            scene.tx, those, kind="automation", text=fill(scene, shape, step.text, roles) if shape else step.text,
            now=scene.ctx.stamp, entity=scene.entity, record_id=scene.id,
        )
        for roles, those in readers.items()
    )  # fmt: skip


def _recipients(scene: _Scene, to: Iterable[Expression | str]) -> list[str]:
    found: list[str] = []
    for one in to:
        if isinstance(one, str) and one.startswith("@"):
            held = posts.holder(scene.tx, one)
            found += [held.id] if held is not None and held.active else []
            continue
        if isinstance(one, str):
            found += people.users_with_role(scene.tx, one.removeprefix("role:"))
            continue
        value = one.evaluate(scene.record, scene.env)
        if value is None:
            continue
        if one.type.kind is Kind.team:
            found += people.users_in_team(scene.tx, str(value))
        elif isinstance(value, (tuple, list)):
            found += [str(key) for key in value]
        else:
            found.append(str(value))
    return list(dict.fromkeys(found))


def fill(scene: _Scene, entity: Entity, text: Label, roles: tuple[str, ...]) -> Label:
    """Return `text` with its `{field}` filled for readers with `roles`, in each language that they may read it in."""
    languages = tuple(dict.fromkeys((*text.texts, *LANGUAGES))) if _has_fields(text) else tuple(text.texts)
    return Label(
        {lang: _filled(scene, entity, text.get(lang), lang or "en", roles) for lang in languages}, text.name
    )


def _has_fields(text: Label) -> bool:
    return any("{" in words or "}" in words for words in text.texts.values())


def _filled(scene: _Scene, entity: Entity, text: str, lang: str, roles: tuple[str, ...]) -> str:
    parts: list[str] = []
    for words, name, _, _ in string.Formatter().parse(text):
        parts.append(words)
        if name:
            parts.append(_shown(scene, entity, scene.record, name.split("."), lang, roles))
    return "".join(parts)[:MAX_TEXT]


def _shown(
    scene: _Scene,
    entity: Entity,
    record: Mapping[str, Any],
    path: Sequence[str],
    lang: str,
    roles: tuple[str, ...],
    *,
    deep: bool = True,
) -> str:
    """Return how the value at the end of `path` reads for `roles`; nothing where something on the way is empty."""
    field = entity.fields.get(path[0])
    value = record.get(path[0])
    if field is None or value is None:
        return ""
    access = scene.ctx.app.access(entity.name, roles)
    if field.name not in access.readable:
        return kind_of(field).mask(value, field) if field.name in access.seen else _WITHHELD
    if field.kind in ("user", "team"):
        facts = scene.env.resolve(field.kind, str(value)) if scene.env.resolve else None
        if facts is None:
            return ""
        if len(path) > 1:
            return str(facts.get(path[1]) or "")
        named = people.names if field.kind == "user" else people.team_names
        label = named(scene.tx, [str(value)]).get(str(value))
        return label.get(lang) if label else ""
    if field.kind == "reference":
        if not deep:
            return ""
        target, key = target_of(str(value), field)
        shape = scene.ctx.app.workspace.entities.get(target)
        other = scene.env.resolve(target, key) if scene.env.resolve and shape else None
        if shape is None or other is None:
            return ""
        if len(path) > 1:
            return _shown(scene, shape, other, path[1:], lang, roles, deep=len(path) > 2)
        return _title(scene, shape, other, lang, roles)
    return kind_of(field).display(value, field, lang, zone=ZoneInfo(scene.ctx.app.workspace.zone))


def _title(
    scene: _Scene, entity: Entity, record: Mapping[str, Any], lang: str, roles: tuple[str, ...]
) -> str:
    parts: list[str] = []
    for words, name, _, _ in string.Formatter().parse(entity.title):
        parts.append(words)
        if name:
            parts.append(_shown(scene, entity, record, [name], lang, roles, deep=False))
    return "".join(parts).strip()


_LOOP = Label(
    {
        "en": "These steps lead back to themselves again and again; nothing was kept. Ask whoever keeps the "
        "configuration to look at them.",
        "zh": "这些步骤会无限循环，未保存任何内容，请联系配置管理员检查。",
    }
)
