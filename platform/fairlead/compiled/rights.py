"""What each role may do, cell by cell, and what two configurations grant differently.

Compared is what a role comes to, inheritance and pools included, not how its document is written: a grant moved to
another role from which this one inherits is no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.access import EntityAccess, with_inherited
from fairlead.compiled.application import Application
from fairlead.expr.check import Expression
from fairlead.model.governance import ACTIONS, CAPABILITIES, Grant, Role, Scope
from fairlead.model.workspace import Workspace

Subject = Literal["action", "field", "report", "capability"]
Direction = Literal["gained", "lost", "changed"]

_WIDTH = {"no": 0, "own": 1, "team": 2, "subordinates": 2, "all": 3}
_SIGHT = ("hidden", "masked", "readable", "writable")


@dataclass(frozen=True, slots=True)
class RightChange:
    """One cell of the matrix that comes to something else.

    Attributes:
        role: Its name; `label` is how people call it.
        entity: None for reports and the engine's own rooms.
        subject: What the cell is about; `name` is the action, field, report or room.
        old: What it was: scopes or rules joined by " or ", a field's sight, `yes` or `no`.
        direction: `changed` where one rule took the place of another and only the records can tell.
        span: Where the grant stands that makes it so; None where nothing is left to point at.
        via: The roles through which it is inherited, from this one to the one that grants; empty for an own grant.
        without: Of a right to read that is new: the fields that stay closed, with how much of them is seen.
    """

    role: str
    label: Label
    entity: str | None
    subject: Subject
    name: str
    old: str
    new: str
    direction: Direction
    span: Span | None
    via: tuple[str, ...] = ()
    without: tuple[tuple[str, str], ...] = ()


def scope_text(scope: Scope) -> str:
    """Return a scope as it is written."""
    return scope.text if isinstance(scope, Expression) else scope


def scope_of(grant: Grant, action: str) -> Scope:
    """Return whose records a grant opens for an action; what is not named is nobody's, and `move` follows `update`."""
    return grant.scopes.get(action, grant.scopes.get("update", "no") if action == "move" else "no")


def place_of(grant: Grant, action: str) -> Span:
    """Return where the scope of an action stands."""
    return grant.place("move", "update") if action == "move" else grant.place(action)


def lineage(workspace: Workspace, role: str, to: str) -> tuple[str, ...]:
    """Return the roles from `role` to the one called `to`, through which it inherits; empty when it is the same."""
    if role == to:
        return ()
    trails: list[tuple[str, ...]] = [(role,)]
    seen = {role}
    while trails:
        trail = trails.pop(0)
        found = workspace.roles.get(trail[-1])
        for name in found.inherits if found is not None else ():
            if name == to:
                return (*trail, to)
            if name not in seen:
                seen.add(name)
                trails.append((*trail, name))
    return ()


def granting(workspace: Workspace, role: str, entity: str) -> Iterator[tuple[Role, Grant]]:
    """Yield the grants on `entity` that people with `role` have, those of the role itself first."""
    for held in with_inherited(workspace, (role,)):
        grant = held.grants.get(entity)
        if grant is not None:
            yield held, grant


def scopes(workspace: Workspace, role: str, entity: str, action: str) -> frozenset[str]:
    """Return whose records a role opens for an action, in words; `all` takes in every other."""
    found = {
        scope_text(scope)
        for _, grant in granting(workspace, role, entity)
        if (scope := scope_of(grant, action)) != "no"
    }
    if action == "read" and any(True for _ in granting(workspace, role, entity)):
        held = [one.name for one in with_inherited(workspace, (role,))]
        for pool in workspace.pools_of(entity):
            if not pool.member_roles or {*held} & {*pool.member_roles, *pool.admin_roles}:
                found.add(f"in pool {pool.name}")
    return frozenset({"all"}) if "all" in found else frozenset(found)


def sight(access: EntityAccess, field: str, *, write: bool = True) -> str:
    """Return the most that may be done with a field on some record; without `write`, the most that is seen of it."""
    if write and any(field in grant.writable for grant in access.write.get("update", ())):
        return "writable"
    if field in access.readable:
        return "readable"
    return "masked" if field in access.seen else "hidden"


def compare_rights(old: Application, new: Application) -> tuple[RightChange, ...]:
    """Return every cell that differs, by role, entity and subject, in the order of the documents of `new`.

    Both must speak of things by the same names.
    """
    found: list[RightChange] = []
    before, after = old.workspace, new.workspace
    for name in [*after.roles, *(name for name in before.roles if name not in after.roles)]:
        for entity in [*after.entities, *(one for one in before.entities if one not in after.entities)]:
            found += _of_entity(old, new, name, entity)
        found += _of_lists(before, after, name)
    return tuple(found)


def _of_entity(old: Application, new: Application, role: str, entity: str) -> Iterator[RightChange]:
    before, after = old.workspace, new.workspace
    label = (after.roles.get(role) or before.roles[role]).label
    reads: tuple[bool, bool] = (False, False)
    for action in ACTIONS:
        one = scopes(before, role, entity, action) if entity in before.entities else frozenset()
        two = scopes(after, role, entity, action) if entity in after.entities else frozenset()
        if action == "read":
            reads = bool(one), bool(two)
        if one == two:
            continue
        span, via = _source(after if two - one else before, role, entity, action, two - one or one - two)
        if not two - one:  # what was taken away stands nowhere any more: point at what is left of the grant
            span = next((grant.span for _, grant in granting(after, role, entity)), _span(after, role))
        without = _closed(new, role, entity) if action == "read" and not one else ()
        yield RightChange(
            role, label, entity, "action", action, _words(one), _words(two), _direction(one, two), span, via, without
        )  # fmt: skip
    if not all(reads):
        return
    fields = [name for name in after.entities[entity].fields if name in before.entities[entity].fields]
    was, now = old.access(entity, (role,)), new.access(entity, (role,))
    # Where the right to update comes or goes as a whole, one cell says so and not one for each field.
    write = was.can("update") == now.can("update")
    for path in _paths(new, entity, fields):
        a, b = (sight(access, path, write=write) for access in (was, now))
        if path in was.fields and a != b:
            span, via = _field_source(after, role, entity, path)
            way: Direction = "gained" if _SIGHT.index(b) > _SIGHT.index(a) else "lost"
            yield RightChange(role, label, entity, "field", path, a, b, way, span, via)


def _paths(app: Application, entity: str, fields: Sequence[str]) -> Iterator[str]:
    for name in fields:
        yield name
        yield from (f"{name}.{row}" for row in app.workspace.entities[entity].fields[name].fields)


def _closed(app: Application, role: str, entity: str) -> tuple[tuple[str, str], ...]:
    access = app.access(entity, (role,))
    spec = app.workspace.entities[entity]
    return tuple(
        (name, sight(access, name)) for name in spec.fields if sight(access, name) in ("hidden", "masked")
    )


def _of_lists(before: Workspace, after: Workspace, role: str) -> Iterator[RightChange]:
    label = (after.roles.get(role) or before.roles[role]).label
    pairs: tuple[tuple[Subject, Iterable[str], frozenset[str], frozenset[str]], ...] = (
        ("report", [*after.reports, *before.reports], _reports(before, role), _reports(after, role)),
        ("capability", CAPABILITIES, _rooms(before, role), _rooms(after, role)),
    )
    for subject, order, one, two in pairs:
        for name in dict.fromkeys(order):
            # A report that is new, or gone, is no right that somebody gained or lost over what there was.
            if subject == "report" and not (name in before.reports and name in after.reports):
                continue
            if (name in one) != (name in two):
                way: Direction = "gained" if name in two else "lost"
                old, new = ("no", "yes") if name in two else ("yes", "no")
                yield RightChange(
                    role, label, None, subject, name, old, new, way, _span(after, role) or _span(before, role)
                )


def _reports(workspace: Workspace, role: str) -> frozenset[str]:
    found: set[str] = set()
    for held in with_inherited(workspace, (role,)):
        found |= set(workspace.reports if held.reports == "all" else held.reports)
    return frozenset(found)


def _rooms(workspace: Workspace, role: str) -> frozenset[str]:
    return frozenset().union(*(held.capabilities for held in with_inherited(workspace, (role,))))


def _span(workspace: Workspace, role: str) -> Span | None:
    found = workspace.roles.get(role)
    return found.span if found is not None else None


def _source(
    workspace: Workspace, role: str, entity: str, action: str, wanted: Iterable[str]
) -> tuple[Span | None, tuple[str, ...]]:
    """Return where one of the scopes `wanted` is granted, and through which roles."""
    words = set(wanted)
    for held, grant in granting(workspace, role, entity):
        if scope_text(scope_of(grant, action)) in words:
            return place_of(grant, action), lineage(workspace, role, held.name)
    for pool in workspace.pools_of(entity) if entity in workspace.entities else ():
        if f"in pool {pool.name}" in words:
            return pool.span, ()
    return _span(workspace, role), ()


def _field_source(
    workspace: Workspace, role: str, entity: str, path: str
) -> tuple[Span | None, tuple[str, ...]]:
    top = path.partition(".")[0]
    for held, grant in granting(workspace, role, entity):
        if path in grant.fields or top in grant.fields:
            return grant.place(f"fields.{path}", f"fields.{top}"), lineage(workspace, role, held.name)
    for held, grant in granting(workspace, role, entity):
        return grant.span, lineage(workspace, role, held.name)
    return _span(workspace, role), ()


def _words(found: frozenset[str]) -> str:
    ordered = sorted(found, key=lambda text: (text not in _WIDTH, text))
    plain = [text if text in _WIDTH or text.startswith("in pool ") else f"`{text}`" for text in ordered]
    return " or ".join(plain) or "no"


def _direction(one: frozenset[str], two: frozenset[str]) -> Direction:
    if one < two or "all" in two:
        return "gained"
    if two < one or "all" in one:
        return "lost"
    widths = [max((_WIDTH.get(word, -1) for word in found), default=0) for found in (one, two)]
    if all(word in _WIDTH for word in one | two) and widths[0] != widths[1]:
        return "gained" if widths[1] > widths[0] else "lost"
    return "changed"


def same_rights(old: Workspace, new: Workspace, roles: Sequence[str], entity: str) -> bool:
    """Say whether people with `roles` plainly have the same rights on `entity`, without looking at a record.

    False may still come to the same: it only means that the predicates have to be compared.
    """
    return _signature(old, roles, entity) == _signature(new, roles, entity)


def _signature(workspace: Workspace, roles: Sequence[str], entity: str) -> object:
    spec = workspace.entities.get(entity)
    if spec is None:
        return None
    held = with_inherited(workspace, roles)
    grants = [_grant_signature(role.grants[entity]) for role in held if entity in role.grants]
    names = {role.name for role in held}
    pools = [
        (
            pool.name, bool(names & {*pool.admin_roles}), not pool.member_roles or bool(names & {*pool.member_roles}),
            tuple(pool.member_teams), frozenset(pool.hide_until_claimed),
        )
        for pool in workspace.pools_of(entity)
    ]  # fmt: skip
    owned = "owner" in spec.fields, "team" in spec.fields
    # A rule reads fields, so what it comes to also hangs on their kinds.
    read = {
        path[0]
        for role in held
        if entity in role.grants
        for scope in role.grants[entity].scopes.values()
        if isinstance(scope, Expression)
        for path in scope.uses
    }
    kinds = tuple((name, spec.fields[name].kind) for name in sorted(read) if name in spec.fields)
    return grants, pools, owned, kinds


def _grant_signature(grant: Grant) -> tuple[tuple[tuple[str, str], ...], Mapping[str, str]]:
    return tuple((action, scope_text(scope_of(grant, action))) for action in ACTIONS), dict(grant.fields)
