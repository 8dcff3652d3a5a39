"""Who would lose or get which record today, if the rules of a pool were others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairlead.decide import pool as rules
from fairlead.model.workflows import Pool, ReclaimRule
from fairlead.store import people
from fairlead.work import pools
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context
from fairlead.work.simulate.answer import Answer
from fairlead.work.simulate.sides import Sides

Back = tuple[Pool, ReclaimRule] | None

COLUMNS = ("record", "title", "person", "before", "after", "reason")


def simulate_pool(sides: Sides, answer: Answer, name: str, lang: str) -> None:
    """Fill `answer` for the pool of this name in the other configuration, or of the published one where it is gone.

    Changes: `taken_back` and `kept` (an owner loses a record, or keeps one), `other_rule`; for records without an owner
    `enters`, `moves_on` (another pool would have it), `unrouted` (none would); `joins` and `leaves` (who may take from
    the pool), `full` and `room` (who holds as many as allowed, or no longer).
    """
    after = sides.then.app.workspace.pools.get(name)
    before = sides.now.app.workspace.pools.get(sides.old_name("pool", name))
    entity = sides.old_name("entity", after.entity) if after is not None else before.entity if before else ""
    if entity not in sides.now.app.entities:
        answer.note("There are no records yet.", "尚无记录。")
        return
    if before is None:
        answer.note("The pool is new.", "该公海为新增。")
    if after is None:
        answer.note("The pool would be gone.", "该公海将被删除。")
    _people(sides, answer, entity, before, after, lang)
    for ids in sides.pages(entity, answer.limits.records):
        _records(sides, answer, entity, ids, name, lang)
        answer.looked_at += len(ids)
    if sides.cut:
        answer.stopped = "records"
    if after is not None and answer.counts["taken_back"] > after.max_per_run:
        answer.note(
            f"One run takes back {after.max_per_run:,} at most; the rest follows in the next ones.",
            f"每次回收最多 {after.max_per_run:,} 条，其余将在后续批次回收。",
        )


# ---------------------------------------------------------------- records


def _records(sides: Sides, answer: Answer, entity: str, ids: list[str], name: str, lang: str) -> None:
    new_entity = sides.new_name("entity", entity)
    before, after = sides.read(entity, ids, then=False), _after(sides, new_entity, ids)
    locked = sides.locked(entity, ids)
    for id, record in before.items():
        other = after.get(id)
        held = id in locked
        common = {"record": id, "title": sides.title(entity, record), "entity": entity}
        if record.get("owner") is None:
            _without_owner(sides, answer, record, other, common, (entity, new_entity), name)
            continue
        one = _back(sides.now, entity, record, locked=held)
        two = None if other is None else _back(sides.then, new_entity, other, locked=held)
        if not any(_is(sides, back, name, then=then) for back, then in ((one, False), (two, True))):
            continue
        person = sides.person(record["owner"], lang)
        _compare(answer, one, two, {**common, "person": person}, sides, lang)


def _after(sides: Sides, entity: str, ids: list[str]) -> Mapping[str, Mapping[str, Any]]:
    return sides.read(entity, ids, then=True) if entity in sides.then.app.entities else {}


def _back(ctx: Context, entity: str, record: Mapping[str, Any], *, locked: bool) -> Back:
    return pools.due_back(ctx, ctx.app.entities[entity], record, ctx.env(), locked=locked)


def _is(sides: Sides, back: Back, name: str, *, then: bool) -> bool:
    if back is None:
        return False
    return (back[0].name if then else sides.new_name("pool", back[0].name)) == name


def _compare(answer: Answer, one: Back, two: Back, row: dict[str, Any], sides: Sides, lang: str) -> None:
    said = {"before": _said(one), "after": _said(two)}
    if one is None and two is not None:
        answer.add("taken_back", **row, **said, reason=_why(two, lang))
    elif one is not None and two is None:
        answer.add("kept", **row, **said, reason=_why(one, lang))
    elif one is not None and two is not None:
        same = (sides.new_name("pool", one[0].name), one[1].name) == (two[0].name, two[1].name)
        if same:
            answer.counts["taken_back_either_way"] += 1
        else:
            answer.add("other_rule", **row, **said, reason=_why(two, lang))


def _said(back: Back) -> str | None:
    return None if back is None else f"{back[0].name}: {back[1].name}"


def _why(back: Back, lang: str) -> str:
    assert back is not None
    return back[1].label.get(lang) or back[1].when.text


def _without_owner(
    sides: Sides, answer: Answer, record: Mapping[str, Any], other: Mapping[str, Any] | None, row: dict[str, Any],
    entities: tuple[str, str], name: str,
) -> None:  # fmt: skip
    """A record that lies in a pool stays there; one that lies in none goes where the entry rules say."""
    old = rules.pool_for(sides.now.app.entities[entities[0]].pools, record, sides.now.env())
    new = None
    if other is not None:
        new = rules.pool_for(sides.then.app.entities[entities[1]].pools, other, sides.then.env())
    one = None if old is None else sides.new_name("pool", old.name)
    two = None if new is None else new.name
    if one == two or name not in (one, two):
        return
    entry = new.entry.text if new is not None and new.entry is not None else None
    change = "enters" if two == name else "unrouted" if two is None else "moves_on"
    answer.add(change, **row, person=None, before=one, after=two, reason=entry)


# ---------------------------------------------------------------- people


def _people(
    sides: Sides, answer: Answer, entity: str, before: Pool | None, after: Pool | None, lang: str
) -> None:
    """Add who may take from the pool and could not, or the other way round, and whose hands are full."""
    for account in people.accounts(sides.snapshot, active_only=True):
        if not sides.viewer.actor.is_system and not _knows(sides, account.teams, account.id):
            continue
        actor = actor_of(account, zone=sides.now.app.workspace.zone)
        now, then = sides.acting(actor, then=False), sides.acting(actor, then=True)
        was = before is not None and pools.is_member(sides.snapshot, now, before)
        will = after is not None and pools.is_member(sides.snapshot, then, after)
        person = sides.person(account.id, lang)
        row: dict[str, Any] = {"record": None, "title": None, "entity": None, "person": person}
        if was != will:
            answer.add("joins" if will else "leaves", **row, before=_yes(was), after=_yes(will), reason=None)
        if not (was or will):
            continue
        held = pools.held(sides.snapshot, now, now.app.entities[entity], account.id)
        full_before = before is not None and before.capacity is not None and held >= before.capacity
        full_after = after is not None and after.capacity is not None and held >= after.capacity
        if full_before != full_after:
            answer.add(
                "full" if full_after else "room", **row, before=_limit(held, before), after=_limit(held, after),
                reason=None,
            )  # fmt: skip


def _knows(sides: Sides, teams: tuple[str, ...], user: str) -> bool:
    """Say whether the viewer is concerned with somebody: himself, whom he oversees, or anybody for who looks after people."""
    actor = sides.viewer.actor
    if user == actor.id or set(teams) & {*actor.oversees}:
        return True
    return "people" in sides.now.app.capabilities(actor.roles)


def _yes(member: bool) -> str:
    return "member" if member else "no member"


def _limit(held: int, pool: Pool | None) -> str:
    most = "no limit" if pool is None or pool.capacity is None else f"{pool.capacity:,}"
    return f"{held:,} of {most}"
