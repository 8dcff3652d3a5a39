"""Why somebody can or cannot do something with a record: grants, locks, stages, pools and approvals, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Failure, Refused
from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.runs import LIVE
from fairlead.decide import approval as acts
from fairlead.decide import move as moves
from fairlead.decide import pool as pool_rules
from fairlead.decide.progress import NotNeeded, Refusal, locked_fields
from fairlead.store import approvals as approval_store
from fairlead.store import ownership, people
from fairlead.work import pools, records
from fairlead.work.approving import facts_about, facts_of
from fairlead.work.context import Context, counted_by, environment
from fairlead.work.holdings import held as holdings_of
from fairlead.work.why import (
    Answer,
    Held,
    Point,
    Scene,
    Unanswerable,
    grants,
    lock_of,
    missing,
    notes_of,
    read_answer,
    say,
    scene,
    shown_to,
    summary_of,
    unknown,
)

GRANTED = ("update", "delete", "move", "assign", "export")
ACTIONS = (*GRANTED, "claim", "submit", "approve")
"""What may be asked about, besides `read`."""


_VERBS = {
    "update": ("change", "修改"), "delete": ("delete", "删除"), "move": ("move", "推进"), "assign": ("assign", "分配"),
    "export": ("export", "导出"), "claim": ("claim", "领取"), "submit": ("submit", "提交审批"), "approve": ("decide on", "审批"),
}  # fmt: skip


def why_action(
    ctx: Context, username: str, entity: str, id: str, action: str, *, stage: str | None = None
) -> Answer:
    """Say why a person can or cannot do something with a record.

    Args:
        action: One of `ACTIONS`, or `read`.
        stage: For `move`: where to; None asks about every stage.

    Raises:
        Unanswerable: There is no such person, entity, action or stage.
    """
    here = scene(ctx, username, entity, id)
    if action == "read":
        return read_answer(here)
    if action not in ACTIONS:
        raise Unanswerable(unknown("action", action, ACTIONS))
    gone = missing(here)
    if gone is not None:
        return gone
    if action == "claim":
        return _claim(here)
    if action == "approve":
        return _approve(here)
    if not shown_to(here):
        seen = read_answer(here)
        return replace(seen, summary=say(
            f"{here.name} cannot even see the record.", f"{here.name} 无法查看该记录。",
        ))  # fmt: skip
    right = "update" if action == "submit" else action
    points = grants(here, right)
    loaded = records.load(here.ctx.database, here.ctx, entity, id, (right,))
    granted = right in loaded.writable
    stops = []
    if action == "submit":
        stops = list(_submit_stops(here))
    else:
        stops = list(_locked(here, action))
        if action == "move":
            stops += _moves(here, stage)
        if action == "delete":
            stops += _needed_by(here)
    ways = [point for point in stops if point.way]
    allowed = (
        granted
        and all(point.held == "yes" for point in stops if not point.way)
        and (not ways or any(point.held == "yes" for point in ways))
    )
    what, zh = _VERBS[action]
    summary = summary_of(here, allowed, points if not granted else stops, what, zh, granted=granted)
    return Answer(allowed, summary, (*points, *stops), notes=notes_of(here))


def _locked(here: Scene, action: str) -> Iterator[Point]:
    touched = {"move": {"stage"}, "assign": {"owner"}, "delete": {"deleted_at"}}.get(action)
    if action == "export":
        return
    if touched is None:  # an update: is there anything left to change?
        touched = {name for name, spec in here.entity.entity.fields.items() if spec.origin == "document"}
        loaded = records.load(here.ctx.database, here.ctx.as_system(), here.entity.name, here.id, ())
        if loaded.locked_by is None:
            return
        name = approval_store.flow_of(here.ctx.database, loaded.locked_by)
        flow = next((one for one in here.entity.approvals if one.name == name), None)
        closed = locked_fields(flow) if flow is not None else None
        if closed is not None and touched - closed:
            yield Point(
                say(f"approval {name}", f"审批 {name}"), "yes",
                say(f"it is under way and locks only {', '.join(sorted(closed))}", f"进行中，仅锁定 {', '.join(sorted(closed))}"),
                flow.span if flow else None,
            )  # fmt: skip
            return
    name = lock_of(here, touched)
    running = name is None and action == "delete" and any(
        run.state in LIVE for run in approval_store.of_record(here.ctx.database, here.entity.name, here.id)
    )  # fmt: skip
    if name is not None or running:
        flow = next((one for one in here.entity.approvals if one.name == name), None)
        yield Point(
            say(f"approval {name or ''}".strip(), f"审批 {name or ''}".strip()), "no",
            say("it is under way and locks the record", "审批进行中，记录已锁定"), flow.span if flow else None,
        )  # fmt: skip


def _moves(here: Scene, stage: str | None) -> list[Point]:
    machine, record = here.entity.machine, here.record
    assert record is not None
    if machine is None:
        return [Point(say("stages", "阶段"), "no", say("this has no stages", "该对象没有阶段"))]
    if stage is not None and stage not in machine.stages:
        raise Unanswerable(unknown("stage", stage, list(machine.stages)))
    current = record.get("stage")
    found = []
    env = environment(here.ctx, old=record)
    for one in machine.pipeline.stages:
        if (stage is not None and one.name != stage) or (stage is None and one.name == current):
            continue
        held: Held = "yes"
        because = say("the way is open", "可以进入")
        try:
            if one.name == current:
                raise Refused("move.already-there", say("it stands there already", "已处于该阶段"))
            step = moves.find_move(machine, str(current) if current else None, one.name, here.account.roles)
            moves.check_entry(
                machine, here.entity.entity.fields, record, one.name, env, move=step, reason="-"
            )
        except Failure as failure:
            held, because = "no", _named(failure)
        what = say(f"to stage {one.name}", f"进入阶段 {one.name}")
        found.append(Point(what, held, because, one.span, way=stage is None))
    return found


def _named(failure: Failure) -> Label:
    errors = getattr(failure, "errors", None)
    if errors:
        return say("; ".join(str(error.to_json("en")["message"]) for error in errors).rstrip("."),
                   "；".join(str(error.to_json("zh")["message"]) for error in errors).rstrip("。"))  # fmt: skip
    return say(failure.message("en").rstrip("."), failure.message("zh").rstrip("。"))


def _needed_by(here: Scene) -> Iterator[Point]:
    """Say which other records keep this one from being deleted."""
    for other, field, on_delete, count in records.pointing_here(here.ctx, here.entity.name, here.id):
        if on_delete == "restrict":
            yield Point(
                say(f"{other.name}.{field} points here", f"{other.name}.{field} 指向该记录"), "no",
                say(f"{count} records still need it", f"仍有 {count} 条记录引用"), other.entity.fields[field].span,
            )  # fmt: skip


# ---------------------------------------------------------------- pools and approvals


def _claim(here: Scene) -> Answer:
    ctx, entity, record = here.ctx, here.entity, here.record
    assert record is not None
    if not entity.pools:
        return Answer(
            False, say(f"{entity.name} has no pool.", f"{entity.name} 没有公海。"), (), notes=notes_of(here)
        )
    env = environment(ctx)
    pool = pool_rules.pool_for(entity.pools, record, env)
    points: list[Point] = []
    if pool is None:
        return Answer(
            False, say("No pool takes this record.", "没有公海接收该记录。"), (), notes=notes_of(here)
        )

    def add(what: Label, good: bool, because: Label) -> None:
        points.append(Point(what, "yes" if good else "no", because, pool.span))

    env = counted_by(ctx, pool.calendar, env)
    member = pools.is_member(ctx.database, ctx, pool)
    add(say(f"members of pool {pool.name}", f"公海 {pool.name} 的成员"), member,
        say(f"{here.name} is {'' if member else 'not '}a member", f"{here.name} {'是' if member else '不是'}成员"))  # fmt: skip
    owner = record.get("owner")
    label = people.names(ctx.database, [str(owner)]).get(str(owner)) if owner else None
    add(say("owner", "归属人"), owner is None,
        say("it has none", "无") if owner is None else say(
            f"it belongs to {label.get('en') if label else owner}", f"归属：{label.get('zh') if label else owner}"))  # fmt: skip
    cooling = ownership.cooling_until(ctx.database, here.id, here.account.id, ctx.stamp)
    if cooling is not None or pool.cooldown_previous_owner is not None:
        add(say("cooling down", "冷却期"), cooling is None, say(
            f"not before {cooling[:16]}Z" if cooling else "they did not hold it lately",
            f"{cooling[:16]}Z 之后" if cooling else "近期未持有",
        ))  # fmt: skip
    entered = record.get("pool_entered_at")
    if pool.fresh_delay is not None and entered is not None:
        opens = pool_rules.after(entered, pool.fresh_delay, env.calendar)
        add(say("new in the pool", "新入公海"), ctx.now >= opens, say(
            f"open to claims from {iso_utc(opens)[:16]}Z", f"{iso_utc(opens)[:16]}Z 起可领取",
        ))  # fmt: skip
    if pool.capacity is not None:
        held = holdings_of(ctx.database, ctx, entity, here.account.id)
        add(say("how many may be held", "持有上限"), held < pool.capacity,
            say(f"{held} of {pool.capacity} are held", f"已持有 {held}/{pool.capacity}"))  # fmt: skip
    if pool.quota is not None:
        period = pool_rules.quota_period(pool, ctx.now, env.calendar.zone)
        used = ownership.claims_used(ctx.database, here.account.id, pool.name, period)
        add(say(f"claims per {pool.quota.per}", "领取额度"), used < pool.quota.max,
            say(f"{used} of {pool.quota.max} are used", f"已用 {used}/{pool.quota.max}"))  # fmt: skip
    allowed = all(point.held == "yes" for point in points)
    bad = [point for point in points if point.held != "yes"]
    return Answer(
        allowed, summary_of(here, allowed, bad, "claim", "领取", granted=False), tuple(points), notes=notes_of(here)
    )  # fmt: skip


def _submit_stops(here: Scene) -> Iterator[Point]:
    ctx, entity, record = here.ctx, here.entity, here.record
    assert record is not None
    if not entity.approvals:
        yield Point(
            say("approvals", "审批流程"),
            "no",
            say(f"{entity.name} has no approval", f"{entity.name} 没有审批流程"),
        )
    live = {
        run.flow: run
        for run in approval_store.of_record(ctx.database, entity.name, here.id)
        if run.state in LIVE
    }
    found = []
    for flow in entity.approvals:
        stop = acts.may_submit(facts_about(ctx.database, ctx, flow, entity, record), live.get(flow.name))
        what = say(f"approval {flow.name}", f"审批 {flow.name}")
        if isinstance(stop, Refusal):
            found.append(Point(what, "no", stop.message, flow.span))
        elif isinstance(stop, NotNeeded):
            because = say("its condition does not hold: nobody has to approve", "条件不成立，无需审批")
            found.append(Point(what, "yes", because, flow.span))
        else:
            found.append(Point(what, "yes", say("it may be submitted", "可以提交"), flow.span))
    yield from (replace(point, way=True) for point in found)


def _approve(here: Scene) -> Answer:
    ctx = here.ctx
    points = []
    allowed = False
    for line in approval_store.of_record(ctx.database, here.entity.name, here.id):
        run = approval_store.load(ctx.database, line.id) if line.state in LIVE else None
        if run is None:
            continue
        flow = next((one for one in here.entity.approvals if one.name == run.flow), None)
        span = flow.span if flow else None
        mine = [one for one in run.tasks if one.holder == here.account.id]
        if not mine:
            waiting = [one.holder for one in run.tasks if one.state == "open" and one.holder]
            names = people.names(ctx.database, waiting)
            others = ", ".join(names[one].get("en") for one in waiting if one in names) or "nobody"
            points.append(Point(
                say(f"approval {run.flow}, step {run.step}", f"审批 {run.flow}，步骤 {run.step}"), "no",
                say(f"it waits for {others}", f"等待 {others} 处理"), _step_span(flow, run.step),
            ))  # fmt: skip
        for task in mine:
            facts = facts_of(ctx.database, ctx, run)
            stop = acts.may_act(facts, run, task.id, task.version, "approved", {})
            good = stop is None and run.state == "running" and task.state == "open"
            message = stop.message if isinstance(stop, Refusal) else say(
                "the task is theirs" if good else f"the task is {task.state}, the approval {run.state}",
                "任务由其处理" if good else f"任务状态 {task.state}，审批状态 {run.state}",
            )  # fmt: skip
            step = say(f"approval {run.flow}, step {task.step}", f"审批 {run.flow}，步骤 {task.step}")
            points.append(Point(step, "yes" if good else "no", message, _step_span(flow, task.step) or span))
            allowed = allowed or good
    if not points:
        summary = say("no approval of this record is under way.", "该记录没有进行中的审批。")
        return Answer(False, summary, (), notes=notes_of(here))
    return Answer(
        allowed, summary_of(here, allowed, points, "decide on", "审批", granted=False), tuple(points), notes=notes_of(here)
    )  # fmt: skip


def _step_span(flow: Any, name: str | None) -> Span | None:
    if flow is None:
        return None
    return next((step.span for step in flow.steps if step.name == name), flow.span)  # type: ignore[no-any-return]
