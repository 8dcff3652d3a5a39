"""May a record go to that stage? Pure; a refusal names the rule and the fields that are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.base.errors import FieldError, Invalid, Refused
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.machines import Machine
from fairlead.expr.evaluate import Env
from fairlead.fields.spec import Field
from fairlead.model.workflows import Move


@dataclass(frozen=True, slots=True)
class Target:
    """A stage that a record may go to now, and what would be asked on the way."""

    stage: str
    label: Label
    move: Move | None
    ask: tuple[str, ...]
    reason: bool
    closed: Label | None
    """Why it cannot be entered as things stand, or None."""


def find_move(machine: Machine, from_: str | None, to: str, roles: Sequence[str]) -> Move | None:
    """Return the move from one stage to another; None where the plain rule allows it.

    Raises:
        Invalid: There is no such stage.
        Refused: No move leads there, or not for these roles.
    """
    if to not in machine.stages:
        hint = did_you_mean(to, machine.stages)
        en = f"There is no stage {to!r}." + (f" Did you mean {hint!r}?" if hint else "")
        raise Invalid([FieldError("stage", "not_an_option", Label({"en": en, "zh": f"没有阶段“{to}”。"}))])
    allowed = machine.moves.get(from_ or "", {})
    if from_ is not None and to not in allowed:
        here, there = machine.stages[from_].label, machine.stages[to].label
        raise Refused(
            "move.not-allowed",
            Label({
                "en": f"A record does not go from {here.get('en')} to {there.get('en')}.",
                "zh": f"记录不能从“{here.get('zh')}”转到“{there.get('zh')}”。",
            }),
            current={"stage": from_, "allowed": sorted(allowed)},
        )  # fmt: skip
    move = allowed.get(to)
    if move is not None and move.roles and not set(move.roles) & set(roles):
        raise Refused(
            "move.not-your-role",
            Label({"en": "This step is for other roles.", "zh": "您的角色不能执行这一步。"}),
            data={"roles": list(move.roles)},
        )
    return move


def check_entry(
    machine: Machine,
    fields: Mapping[str, Field],
    record: Mapping[str, Any],
    to: str,
    env: Env,
    *,
    move: Move | None,
    reason: str | None,
) -> None:
    """Make sure that `record`, as it will stand, may enter `to`. An unknown guard is closed (EX-3).

    Raises:
        Invalid: Fields that the stage needs are empty, or a reason is missing; each named.
        Refused: A guard is not met.
    """
    stage = machine.stages[to]
    needed = [*stage.require, *[name for name in (move.ask if move else ()) if fields[name].required]]
    missing = [
        FieldError(
            name, "required",
            Label({
                "en": f"{stage.label.get('en')} needs {fields[name].label.get('en')}.",
                "zh": f"进入“{stage.label.get('zh')}”需要填写“{fields[name].label.get('zh')}”。",
            }),
        )
        for name in dict.fromkeys(needed)
        if record.get(name) is None or record.get(name) == ()
    ]  # fmt: skip
    if move is not None and move.reason and not (reason or "").strip():
        missing.append(FieldError("reason", "required", Label({"en": "Say why.", "zh": "请说明原因。"})))
    if missing:
        raise Invalid(missing, code="move.fields-missing")
    for guard, message in ((move.when if move else None, move.message if move else None),
                           (stage.enter_when, stage.enter_message)):  # fmt: skip
        if guard is not None and not guard.is_true(record, env):
            raise Refused("move.guard", message or guard_text(machine, to), data={"rule": guard.text})


def guard_text(machine: Machine, to: str) -> Label:
    """Return what is said of a closed guard that has no message of its own."""
    label = machine.stages[to].label
    return Label({
        "en": f"The conditions for {label.get('en')} are not met.",
        "zh": f"尚不满足进入“{label.get('zh')}”的条件。",
    })  # fmt: skip


def targets(machine: Machine, from_: str | None, roles: Sequence[str]) -> tuple[Target, ...]:
    """Return the stages that these roles may move a record to from `from_`, in the pipeline's order."""
    allowed = machine.moves.get(from_ or "", {})
    found = []
    for stage in machine.pipeline.stages:
        if stage.name not in allowed:
            continue
        move = allowed[stage.name]
        if move is not None and move.roles and not set(move.roles) & set(roles):
            continue
        ask = tuple(dict.fromkeys([*stage.require, *(move.ask if move else ())]))
        label = move.label if move is not None and move.label else stage.label
        found.append(Target(stage.name, label, move, ask, bool(move and move.reason), None))
    return tuple(found)
