"""Which records and fields a person gains or loses by another configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from fairlead.compiled.access import EntityAccess, with_inherited
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import EntityTables
from fairlead.expr.expression import Expression
from fairlead.expr.sql import sql_parameters
from fairlead.model.workspace import Workspace
from fairlead.store import people
from fairlead.store.people import Account
from fairlead.work.authentication import actor_of
from fairlead.work.context import Actor, Context
from fairlead.work.simulate.answer import Answer
from fairlead.work.simulate.sides import Sides

COLUMNS = ("person", "entity", "action", "count", "titles")

ACTIONS = ("read", "update", "delete", "move", "assign", "export")
"""What is done to records that are there; `create` and `import` are told once for each person."""

MOST_PEOPLE = 200
MOST_IDS = 500
"""Ids that are listed for one person, entity and action."""

TITLES = 3


def of_role(sides: Sides, role: str) -> list[Account]:
    """Return the active people who have a role of the other configuration, or one that inherits from it."""
    workspace = sides.then.app.workspace
    names = {
        name for name in workspace.roles if any(one.name == role for one in with_inherited(workspace, [name]))
    }
    names |= {role}
    former = {sides.old_name("role", name) for name in names}
    return [one for one in people.accounts(sides.snapshot, active_only=True) if former & set(one.roles)]


def simulate_rights(sides: Sides, answer: Answer, accounts: Sequence[Account], lang: str) -> None:
    """Fill `answer` with what each person gains and loses.

    Changes: `gains` and `loses` records, `may` and `may_not` create or import, `sees` and `sees_not` fields, `enters`
    and `leaves` the engine's own rooms.
    """
    if len(accounts) > MOST_PEOPLE:
        answer.note(
            f"The first {MOST_PEOPLE} people of {len(accounts):,}.",
            f"仅前 {MOST_PEOPLE} 人，共 {len(accounts):,} 人。",
        )
    if not accounts:
        answer.note("Nobody has this role.", "目前没有人拥有该角色。")
    for account in accounts[:MOST_PEOPLE]:
        actor = actor_of(account, zone=sides.now.app.workspace.zone)
        _person(sides, answer, actor, lang)
        answer.looked_at += 1
    answer.note(
        f"For each entity the first {answer.limits.records:,} records are looked at.",
        f"每个对象检查前 {answer.limits.records:,} 条记录。",
    )


def _person(sides: Sides, answer: Answer, actor: Actor, lang: str) -> None:
    now, then = sides.acting(actor, then=False), sides.acting(actor, then=True)
    person = sides.person(actor.id, lang)
    for entity in sides.now.app.entities:
        _entity(sides, answer, now, then, entity, {"person": person, "entity": entity})
    for entity in sorted(
        then.app.entities.keys() - {sides.new_name("entity", one) for one in now.app.entities}
    ):
        if then.app.access(entity, then.actor.roles).read:
            answer.add("gains", person=person, entity=entity, action="read", count=0, titles=[], ids=[])
    for room in sorted(then.app.capabilities(then.actor.roles) - now.app.capabilities(now.actor.roles)):
        answer.add("enters", person=person, entity=None, action=room, count=None, titles=[], ids=[])
    for room in sorted(now.app.capabilities(now.actor.roles) - then.app.capabilities(then.actor.roles)):
        answer.add("leaves", person=person, entity=None, action=room, count=None, titles=[], ids=[])


def _entity(
    sides: Sides, answer: Answer, now: Context, then: Context, entity: str, row: dict[str, Any]
) -> None:
    new = sides.new_name("entity", entity)
    one = now.app.access(entity, now.actor.roles)
    two = then.app.access(new, then.actor.roles) if new in then.app.entities else None
    if two is not None and _same_grants(sides, now, then, entity, new):
        return
    was = _allowed(sides, answer, now, entity, one)
    will = _allowed(sides, answer, then, new, two) if two is not None else {}
    visible = sides.visible(entity, sorted({*was, *will}))
    answer.withheld += sum(was.get(id) != will.get(id) for id in {*was, *will} - visible)
    for number, action in enumerate(ACTIONS):
        before = {id for id, flags in was.items() if flags[number] and id in visible}
        after = {id for id, flags in will.items() if flags[number] and id in visible}
        for change, ids in (("gains", after - before), ("loses", before - after)):
            if ids:
                _rows(sides, answer, change, entity, sorted(ids), {**row, "action": action})
    for action in ("create", "import"):
        may, could = two is not None and two.can(action), one.can(action)
        if may != could:
            answer.add("may" if may else "may_not", **row, action=action, count=None, titles=[], ids=[])
    if one.read and two is not None and two.read:
        _fields(sides, answer, entity, one, two, row)


def _rows(
    sides: Sides, answer: Answer, change: str, entity: str, ids: Sequence[str], row: dict[str, Any]
) -> None:
    shown = sides.read(entity, ids[:TITLES], then=False)
    titles = [sides.title(entity, shown[id]) for id in ids[:TITLES] if id in shown]
    answer.add(change, **row, count=len(ids), titles=titles, ids=list(ids[:MOST_IDS]))


def _fields(
    sides: Sides, answer: Answer, entity: str, one: EntityAccess, two: EntityAccess, row: dict[str, Any]
) -> None:
    """Add the fields that are seen, in part or whole, on some record by one side only."""
    renamed = {name: sides.new_name("entity", entity, "fields", name) for name in one.fields}
    before = {renamed[name]: name in one.readable for name in one.seen}
    after = {name: name in two.readable for name in two.seen}
    both = {renamed[name] for name in one.fields} & two.fields
    for name in sorted(both):
        was, will = _sight(before.get(name)), _sight(after.get(name))
        if was != will:
            change = "sees" if after.get(name) and not before.get(name) else "sees_not"
            if after.get(name) is False and before.get(name) is None:
                change = "sees"
            answer.add(change, **row, action=f"{name}: {was} → {will}", count=None, titles=[], ids=[])


def _sight(full: bool | None) -> str:
    return "hidden" if full is None else "whole" if full else "masked"


# ---------------------------------------------------------------- records


def _allowed(
    sides: Sides, answer: Answer, ctx: Context, entity: str, access: EntityAccess
) -> dict[str, tuple[bool, ...]]:
    """Return the records on which anything is allowed, each with a flag for each action."""
    tables = ctx.app.entities[entity].tables
    statement = prepare(_flags(tables, access), ctx.app.dialect)
    most = answer.limits.records
    params = {**sql_parameters(ctx.env()), **ctx.params(), "p_limit": most + 1}
    rows = sides.snapshot.all(statement, params)
    if len(rows) > most:
        answer.stopped = "records"
    found = {str(id): tuple(map(bool, flags)) for id, *flags in rows[:most]}
    # To write what cannot be seen is not possible either.
    return {id: flags for id, flags in found.items() if flags[0]}


def _flags(tables: EntityTables, access: EntityAccess) -> sa.Select[Any]:
    main = tables.main
    flags = []
    for action in ACTIONS:
        predicate = access.row_predicate(action) if access.can(action) else sa.false()
        whole = sa.true() if predicate is None else predicate
        flags.append(
            sa.case((whole, sa.literal_column("1")), else_=sa.literal_column("0")).label(f"may_{action}")
        )
    statement = sa.select(main.c.id, *flags).where(sa.text(f"{main.name}.deleted_at IS NULL"))
    return statement.order_by(main.c.id).limit(sa.bindparam("p_limit", required=True))


def _same_grants(sides: Sides, now: Context, then: Context, entity: str, new: str) -> bool:
    """Say whether nothing that decides about the rows and fields of an entity is different: then no row need be read."""
    one = _meaning(now.app.workspace, now.actor.roles, entity)
    two = _meaning(then.app.workspace, then.actor.roles, new)
    return not sides.renames and one == two


def _meaning(workspace: Workspace, roles: Iterable[str], entity: str) -> list[object]:
    found: list[object] = []
    for role in with_inherited(workspace, roles):
        grant = role.grants.get(entity)
        if grant is not None:
            scopes = {
                action: scope.text if isinstance(scope, Expression) else scope
                for action, scope in grant.scopes.items()
            }
            found.append((role.name, scopes, dict(grant.fields)))
    found += [
        (pool.name, pool.member_roles, pool.member_teams, pool.admin_roles, pool.hide_until_claimed)
        for pool in workspace.pools_of(entity)
    ]
    fields = workspace.entities[entity].fields
    found.append({
        name: (field.kind, field.formula.text if field.formula else None, field.mask) for name, field in fields.items()
    })  # fmt: skip
    return found
