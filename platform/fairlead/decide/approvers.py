"""Who is asked at a step of an approval, and why: sources, seats, and the rules for special cases.

The order is fixed: resolve, one seat for each person, replace who has left, self rule, duplicate rule, nobody rule.
Everything that was removed or replaced leaves a note.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from fairlead.compiled.runs import Note
from fairlead.model.workflows import Approval, ApprovalStep, Approver

Problem = Literal["nobody_found", "org_cycle"]

_CHAIN_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Person:
    """An account, as far as approvals care. `manager_id` stands in for the head of the team."""

    id: str
    name: str
    active: bool = True
    manager_id: str | None = None
    team_id: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """A team in the tree of teams."""

    id: str
    name: str
    parent_id: str | None = None
    head_id: str | None = None


class Org(Protocol):
    """The organisation at this moment."""

    def person(self, user_id: str) -> Person | None:
        """Return an account, active or not."""
        ...

    def named(self, username: str) -> Person | None:
        """Return the account that signs in as `username`."""
        ...

    def team(self, team_id: str) -> Team | None:
        """Return a team."""
        ...

    def with_role(self, role: str, team_id: str | None = None) -> Sequence[Person]:
        """Return the active people who have a role, in a stable order; of one team where it is given."""
        ...

    def admins(self) -> Sequence[Person]:
        """Return the active people who look after stuck approvals, in a stable order."""
        ...


class OrgCycle(Exception):
    """Somebody is, through others, their own manager. `people` are the names on the way round."""

    def __init__(self, people: Sequence[str]) -> None:
        super().__init__(" → ".join(people))
        self.people = tuple(people)


@dataclass(frozen=True, slots=True)
class Level:
    """One level above somebody: who heads it, or None where it is vacant."""

    number: int
    person: Person | None


@dataclass(frozen=True, slots=True)
class Seat:
    """One vote to be. `skipped` says why it is born decided."""

    original: str
    holder: str
    why: tuple[Note, ...]
    skipped: Literal["self", "duplicate"] | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """The seats of a step in their order, what was left out, and what is wrong if nobody can be asked."""

    seats: tuple[Seat, ...]
    notes: tuple[Note, ...] = ()
    problem: Problem | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An approval given for oneself earlier in this round, on the decisive values as they still are."""

    step: str
    holder: str
    directly_before: bool


def managers(org: Org, user_id: str) -> Iterator[Level]:
    """Yield the levels above a person, nearest first, until the top.

    Raises:
        OrgCycle: The walk comes back to where it was.
    """
    here = org.person(user_id)
    if here is None:
        return
    team = org.team(here.team_id) if here.team_id else None
    seen_teams: list[str] = []
    trail = [here.id]
    # A head's own manager is found above the teams that he heads.
    start_above: str | None = here.id
    number = 0
    person: Person | None = here
    while number < _CHAIN_LIMIT:
        if person is not None and person.manager_id is not None:
            boss = org.person(person.manager_id)
            if person.manager_id in trail:
                raise OrgCycle([_name(org, key) for key in (*trail, person.manager_id)])
            trail.append(person.manager_id)
            number += 1
            yield Level(number, boss if boss is not None and boss.active else None)
            person = boss
            team = org.team(boss.team_id) if boss is not None and boss.team_id else None
            start_above = boss.id if boss is not None else None
            seen_teams = []
            continue
        while team is not None and start_above is not None and team.head_id == start_above:
            team = _parent(org, team, seen_teams)
        if team is None:
            return
        head = org.person(team.head_id) if team.head_id else None
        number += 1
        yield Level(number, head if head is not None and head.active else None)
        if head is not None and head.id != trail[-1]:
            trail.append(head.id)
        person, start_above = head, None
        team = _parent(org, team, seen_teams)


def _parent(org: Org, team: Team, seen: list[str]) -> Team | None:
    seen.append(team.id)
    if team.parent_id is None:
        return None
    if team.parent_id in seen:
        raise OrgCycle([_team_name(org, key) for key in (*seen, team.parent_id)])
    return org.team(team.parent_id)


def manager_of(org: Org, user_id: str, level: int = 1) -> tuple[Person | None, tuple[Note, ...]]:
    """Return the manager on a level, the next one up where it is vacant, the highest where the chain is shorter."""
    notes: list[Note] = []
    found: Person | None = None
    for step in managers(org, user_id):
        if step.person is None:
            if step.number <= level:
                notes.append(Note("vacant", str(step.number)))
            continue
        found = step.person
        if step.number >= level:
            return found, tuple(notes)
    if found is not None:
        notes.append(Note("top", str(level)))
    return found, tuple(notes)


def resolve(
    flow: Approval,
    step: ApprovalStep,
    *,
    org: Org,
    starter: str,
    values: Mapping[str, object],
    earlier: Sequence[Earlier] = (),
) -> Resolution:
    """Return who is to be asked at `step`, in the order in which the sources name them."""
    notes: list[Note] = []
    try:
        seats = _one_each(
            seat for source in step.by for seat in _from_source(source, org, starter, values, notes)
        )
        seats = [kept for seat in seats if (kept := _still_here(seat, org, notes)) is not None]
        seats = _self_rule(flow, seats, org, starter, notes)
    except OrgCycle as cycle:
        return Resolution((), tuple(notes), "org_cycle", str(cycle))
    seats = [_duplicate_rule(flow, step, seat, earlier) for seat in seats]
    if seats:
        return Resolution(tuple(seats), tuple(notes))
    if flow.nobody == "to_admin":
        admin = next((person for person in org.admins() if person.id != starter), None)
        if admin is not None:
            return Resolution((Seat(admin.id, admin.id, (Note("nobody.to_admin"),)),), tuple(notes))
    return Resolution((), tuple(notes), "nobody_found")


def _from_source(
    source: Approver, org: Org, starter: str, values: Mapping[str, object], notes: list[Note]
) -> Iterator[Seat]:
    """Yield the seats of one source. Somebody who does not exist any more leaves a note instead."""
    value = source.value or ""
    if source.source == "user":
        yield from _seat(org.named(value), (Note("source.user", value),), notes)
    elif source.source == "role":
        for person in org.with_role(value):
            yield from _seat(person, (Note("source.role", value),), notes)
    elif source.source == "team_role":
        team = _subject_team(org, starter, values)
        for person in org.with_role(value, team) if team else ():
            yield from _seat(person, (Note("source.team_role", value),), notes)
    elif source.source == "field":
        held = values.get(value)
        for key in held if isinstance(held, (list, tuple)) else (held,):
            if isinstance(key, str) and key:
                yield from _seat(org.person(key), (Note("source.field", value),), notes)
    elif source.source == "starter":
        yield from _seat(org.person(starter), (Note("source.starter"),), notes)
    else:
        yield from _above(source, org, _whose(value, starter, values), notes)


def _above(source: Approver, org: Org, whose: str | None, notes: list[Note]) -> Iterator[Seat]:
    if whose is None:
        return
    if source.source == "team_head":
        person = org.person(whose)
        team = org.team(person.team_id) if person and person.team_id else None
        head = org.person(team.head_id) if team and team.head_id else None
        yield from _seat(head, (Note("source.team_head", source.value or "", whose),), notes)
    elif source.source == "manager_of":
        found, vacant = manager_of(org, whose, source.level)
        yield from _seat(found, (Note("source.manager_of", str(source.level), whose), *vacant), notes)
    else:
        for level in managers(org, whose):
            if level.number > source.level:
                return
            if level.person is None:
                notes.append(Note("vacant", str(level.number)))
            else:
                yield from _seat(level.person, (Note("source.manager_of", str(level.number), whose),), notes)


def _seat(person: Person | None, why: tuple[Note, ...], notes: list[Note]) -> Iterator[Seat]:
    if person is None:
        notes.append(Note("missing", why[0].value))
    else:
        yield Seat(person.id, person.id, why)


def _one_each(seats: Iterator[Seat]) -> list[Seat]:
    """Keep one seat for each person, with every source that led to them."""
    found: dict[str, Seat] = {}
    for seat in seats:
        before = found.get(seat.original)
        found[seat.original] = seat if before is None else replace(before, why=before.why + seat.why)
    return list(found.values())


def _still_here(seat: Seat, org: Org, notes: list[Note]) -> Seat | None:
    """Replace somebody who has left by their manager, then by an administrator; a seat is not dropped lightly."""
    person = org.person(seat.holder)
    if person is not None and person.active:
        return seat
    above, _ = manager_of(org, seat.holder)
    stand_in = above or next(iter(org.admins()), None)
    if stand_in is None:
        notes.append(Note("left", "", seat.holder))
        return None
    return replace(seat, holder=stand_in.id, why=(*seat.why, Note("left.replaced", "", seat.original)))


def _self_rule(flow: Approval, seats: list[Seat], org: Org, starter: str, notes: list[Note]) -> list[Seat]:
    if flow.self_rule == "allow":
        return seats
    kept: list[Seat] = []
    for seat in seats:
        if seat.holder != starter:
            kept.append(seat)
        elif flow.self_rule == "skip":
            kept.append(replace(seat, skipped="self", why=(*seat.why, Note("skipped.self", "", starter))))
        else:
            above, _ = manager_of(org, starter)
            if above is None or above.id == starter:
                notes.append(Note("self.no_manager", "", starter))
            elif any(other.holder == above.id for other in seats):
                notes.append(Note("self.manager_asked", "", above.id))
            else:
                kept.append(
                    replace(seat, holder=above.id, why=(*seat.why, Note("self.to_manager", "", starter)))
                )
    return kept


def _duplicate_rule(flow: Approval, step: ApprovalStep, seat: Seat, earlier: Sequence[Earlier]) -> Seat:
    # What asks for something new (a value to edit, a confirmation) has to be asked again.
    if flow.duplicates == "none" or seat.skipped or step.editable or step.confirm:
        return seat
    if seat.holder != seat.original:
        return seat
    for given in earlier:
        if given.holder == seat.holder and (given.directly_before or flow.duplicates == "any_earlier"):
            note = Note("skipped.duplicate", given.step, seat.holder)
            return replace(seat, skipped="duplicate", why=(*seat.why, note))
    return seat


def _whose(value: str, starter: str, values: Mapping[str, object]) -> str | None:
    if value != "owner":
        return starter
    owner = values.get("owner")
    return owner if isinstance(owner, str) and owner else None


def _subject_team(org: Org, starter: str, values: Mapping[str, object]) -> str | None:
    team = values.get("team")
    if isinstance(team, str) and team:
        return team
    owner = values.get("owner")
    person = org.person(owner if isinstance(owner, str) and owner else starter)
    return person.team_id if person else None


def _name(org: Org, user_id: str) -> str:
    person = org.person(user_id)
    return person.name if person else user_id


def _team_name(org: Org, team_id: str) -> str:
    team = org.team(team_id)
    return team.name if team else team_id
