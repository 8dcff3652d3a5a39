"""What a test plays on: a workspace in memory with its people, its records and its clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from fairlead.base.clock import iso_utc, parse_utc
from fairlead.base.errors import Failure, Refused
from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.application import Application
from fairlead.decide import edit
from fairlead.decide import pool as pool_rules
from fairlead.expr.expression import Expression
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.durations import Duration
from fairlead.model.tests import (
    AsGiven,
    Given,
    GivenRecord,
    PersonName,
    RecordKey,
    Scenario,
    TeamCode,
    Value,
    Values,
)
from fairlead.store import jobs, people
from fairlead.store.memory import MemoryDatabase
from fairlead.store.notifications import listing as notices_of
from fairlead.work import records
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Actor, Context, environment
from fairlead.work.triggers import KIND

BEGINS = (date(2026, 1, 5), time(9))
"""Local time at which a test begins that gives no clock: a Monday."""

MOST_STOPS = 5_000
"""How many moments may lie in one stretch of waiting; whoever needs more has a rule that never comes to rest."""


class Background(Protocol):
    """What runs beside people's requests: timers and jobs."""

    def settle(self) -> None:
        """Do everything that is due now, and what follows from it."""
        ...


class Clock:
    """The only clock of a test; it stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the present moment, in UTC."""
        return self.now


MakeBackground = Callable[[MemoryDatabase, Application, Clock], Background]


class NeverAtRest(Failure):
    """Waiting made more and more work."""

    def __init__(self) -> None:
        super().__init__("test.never-at-rest", Label({
            "en": f"More than {MOST_STOPS:,} moments came due while waiting; some rule makes itself due again.",
            "zh": f"等待期间到期的事项超过 {MOST_STOPS:,} 项，可能有规则不断触发自身。",
        }))  # fmt: skip


class NotFurnished(Exception):
    """A record that a test gives breaks a rule of the workspace."""

    def __init__(self, span: Span, key: str, failure: Failure) -> None:
        super().__init__(key)
        self.span = span
        self.key = key
        self.failure = failure


@dataclass(slots=True)
class Stage:
    """One world. Names of the test lead to ids of the database."""

    app: Application
    database: MemoryDatabase
    clock: Clock
    zone: str
    background: Background
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Key of a record → (entity, id)."""
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Key of several records → their keys."""
    people: dict[str, str] = field(default_factory=dict)
    """Person → account id."""
    teams: dict[str, str] = field(default_factory=dict)
    """Code → team id."""
    seen_notices: set[str] = field(default_factory=set)
    """What lay in inboxes before anything was done."""
    _stuck: int = 0

    # ------------------------------------------------------------ who and what

    def actor(self, who: str | None) -> Actor:
        """Return a person of the test as the one who acts, as the account is now; None is the engine."""
        if who is None:
            return SYSTEM
        account = people.account(self.database, self.people[who])
        assert account is not None, "accounts of a test are not deleted"
        return actor_of(account, zone=self.zone)

    def context(self, who: str | None) -> Context:
        """Return the context of a request that somebody makes now."""
        door = "system" if who is None else "api"
        return Context(self.app, self.database, self.actor(who), self.clock.now, door)  # type: ignore[arg-type]

    def each(self, key: str) -> list[str]:
        """Return the keys of the single records that a key stands for."""
        return self.groups.get(key, [key])

    def record(self, key: str) -> tuple[str, str]:
        """Return entity and id of a record; of the first where there are several.

        Raises:
            Refused: It should have been made before and was not.
        """
        found = self.keys.get(self.each(key)[0])
        if found is None:
            raise Refused("test.no-record", Label({
                "en": f"The record {key!r} was never made.", "zh": f"记录“{key}”尚未创建。",
            }))  # fmt: skip
        return found

    def name_of(self, id: object) -> str:
        """Return what the test calls an id; the text itself where it calls it nothing."""
        for known in (self.people, self.teams):
            for name, key in known.items():
                if key == id:
                    return name
        return next((key for key, (_, one) in self.keys.items() if one == id), str(id))

    # ------------------------------------------------------------ values

    def values(self, entity: str, given: Values) -> dict[str, Any]:
        """Return values as a request over the API would give them."""
        fields = self.app.entities[entity].entity.fields
        return {name: self.value(fields[name], value) for name, value in given.items()}

    def value(self, spec: Field, value: Value) -> Any:
        """Return one value as JSON."""
        match value:
            case None:
                return None
            case RecordKey(key):
                entity, id = self.record(key)
                return f"{entity}:{id}" if spec.params.get("entities") else id
            case PersonName(name):
                return self.people[name]
            case TeamCode(code):
                return self.teams[code]
            case AsGiven(given):
                return str(given) if not isinstance(given, (str, int, list, dict)) else given
            case Label():
                return value.get("en")
            case Expression():
                here = self.clock.now.astimezone(ZoneInfo(self.zone)).date()
                env = replace(environment(self.context(None)), today=here, zone=self.zone)
                found = value.evaluate({}, env)
                return None if found is None else kind_of(spec).to_json(found, spec)
        if spec.kind == "table":
            assert isinstance(value, tuple)
            return [{name: self.value(spec.fields[name], one) for name, one in row.items()} for row in value]
        if isinstance(value, tuple) and any(
            isinstance(one, (RecordKey, PersonName, TeamCode)) for one in value
        ):
            return [self.value(spec, one) for one in value]
        return kind_of(spec).to_json(value, spec)

    # ------------------------------------------------------------ time

    def after(self, length: Duration) -> datetime:
        """Return the moment to which waiting so long leads; business days are counted by the workspace's calendar."""
        env = environment(self.context(None))
        if length.unit in ("days", "weeks"):
            # Days of the people's clock, the same time of day.
            local = self.clock.now.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
            local += timedelta(days=length.count * (7 if length.unit == "weeks" else 1))
            return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        if length.unit == "business_days":
            here = self.clock.now.astimezone(ZoneInfo(self.zone))
            day = env.calendar.add_business_days(here.date(), length.count)
            return datetime.combine(day, here.time(), ZoneInfo(self.zone)).astimezone(UTC)
        return pool_rules.after(self.clock.now, length, env.calendar)

    def wait_until(self, moment: datetime) -> None:
        """Let time pass. The clock stops at every planned moment, at each local midnight, and at the end.

        Raises:
            NeverAtRest: There is no end of moments.
        """
        for _ in range(MOST_STOPS):
            if self.clock.now >= moment:
                return
            self.clock.now = min(moment, self._next_stop())
            self.background.settle()
        raise NeverAtRest

    def _next_stop(self) -> datetime:
        now = self.clock.now
        here = now.astimezone(ZoneInfo(self.zone))
        midnight = datetime.combine(here.date() + timedelta(days=1), time(), ZoneInfo(self.zone)).astimezone(
            UTC
        )
        stamps = (jobs.first_occurrence(self.database), *jobs.next_due(self.database).values())
        moments = [parse_utc(stamp) for stamp in stamps if stamp is not None]
        return min([midnight, *(moment for moment in moments if moment > now)])

    def settle(self) -> list[str]:
        """Run what is due now; return what went wrong with it since the last time."""
        self.background.settle()
        stuck = jobs.listing(self.database, state="dead", limit=200)
        new = stuck[: len(stuck) - self._stuck]
        self._stuck = len(stuck)
        return [f"{job.rule or job.kind}: {job.error or ''}".strip() for job in reversed(new)]

    # ------------------------------------------------------------ given

    def furnish(self, given: Given) -> None:
        """Put in what a test gives. Nothing that is put in starts an automation, though its dates are planned.

        Raises:
            NotFurnished: A record breaks a rule.
        """
        self._people(given)
        for one in given.records:
            try:
                self._record(one)
            except Failure as failure:
                raise NotFurnished(one.span, one.key, failure) from failure
        self._quiet()
        self._look_at_inboxes()

    def _people(self, given: Given) -> None:
        created = iso_utc(self.clock.now)
        with self.database.write() as tx:
            for team in given.teams:
                self.teams[team.code] = people.create_team(tx, code=team.code, name=team.code)
            for person in given.people:
                self.people[person.name] = people.create_user(
                    tx, username=person.name, name=person.name, created_at=created, roles=person.roles,
                    active=person.active, language="en", zone=person.zone,
                )  # fmt: skip
                people.set_memberships(
                    tx, self.people[person.name], [self.teams[code] for code in person.teams]
                )
            for team in given.teams:
                before = people.team_by_id(tx, self.teams[team.code])
                assert before is not None
                changes = {
                    "parent_id": self.teams.get(team.parent or ""), "head_id": self.people.get(team.head or "")
                }  # fmt: skip
                people.update_team(tx, before, changes)
            for person in given.people:
                account = people.account(tx, self.people[person.name])
                if person.manager is not None and account is not None:
                    people.update_user(tx, account, {"manager_id": self.people[person.manager]})
            people.rebuild_tree(tx)

    def _record(self, one: GivenRecord) -> None:
        entity = self.app.entities[one.entity]
        everything = edit.field_paths_of(entity)
        created = self.clock.now
        if one.ago is not None:
            created = pool_rules.before(created, one.ago, environment(self.context(None)).calendar)
        actor = self.actor(one.by)
        ctx = Context(self.app, self.database, actor, created, "system")
        for key in self._keys(one.key, one.count):
            given = edit.read_input(
                entity, self.values(one.entity, one.values), writable=everything, readable=everything
            )
            if one.pool is not None:
                given.values.update(owner=None, pool=one.pool, pool_entered_at=created)
            elif "owner" in entity.entity.fields and "owner" not in given.values:
                given.values["owner"] = None if actor.is_system else actor.id
            with self.database.write() as tx:
                saved = records.create_in(tx, ctx, one.entity, given, kind="import")
            self.keys[key] = (one.entity, saved.id)

    def _keys(self, key: str, count: int | None) -> Sequence[str]:
        if count is None:
            return [key]
        self.groups[key] = [f"{key}_{number}" for number in range(1, count + 1)]
        return self.groups[key]

    def name_new(self, key: str | None, count: int | None) -> Sequence[str | None]:
        """Return what the records are called that are about to be made."""
        return [None] * (count or 1) if key is None else self._keys(key, count)

    def _quiet(self) -> None:
        """Leave out what the making of the given records started, and moments that lie behind."""
        now = iso_utc(self.clock.now)
        with self.database.write() as tx:
            while jobs.fire_due(tx, now=now, oldest=now, revision=self.app.revision):
                pass
            for queue in jobs.QUEUES:
                while held := jobs.claim(tx, queue, limit=200, now=now, until=now):
                    for job in held:
                        if job.kind == KIND:
                            jobs.set_aside(
                                tx, job, "skipped", now=now, reason="given at the beginning of a test"
                            )
                        else:
                            jobs.complete(tx, job, now=now)

    def _look_at_inboxes(self) -> None:
        for id in self.people.values():
            self.seen_notices |= {one.id for one in notices_of(self.database, id, limit=1000)}


# ---------------------------------------------------------------- making stages


@dataclass(slots=True)
class Stages:
    """Makes the stage of each test. What several tests build upon is made once and copied."""

    app: Application
    empty: MemoryDatabase
    make_background: MakeBackground
    tests: Mapping[str, Scenario]
    _made: dict[tuple[tuple[str, ...], datetime, str], Stage] = field(default_factory=dict)

    def of(self, test: Scenario) -> Stage:
        """Return a fresh stage, furnished with what `test` and those that it uses give."""
        chain = self._chain(test)
        zone = next((one.given.zone for one in reversed(chain) if one.given.zone), self.app.workspace.zone)
        clock = next((one.given.clock for one in reversed(chain) if one.given.clock), None)
        begins = clock or datetime.combine(*BEGINS, ZoneInfo(zone)).astimezone(UTC)
        below = self._furnished(tuple(chain[:-1]), begins, zone)
        stage = self._copy(below)
        stage.furnish(test.given)
        return stage

    def close(self) -> None:
        """Forget everything."""
        for stage in self._made.values():
            stage.database.close()
        self._made.clear()

    def _chain(self, test: Scenario) -> list[Scenario]:
        found = [test]
        while found[0].use is not None:
            found.insert(0, self.tests[found[0].use])
        return found

    def _furnished(self, chain: tuple[Scenario, ...], begins: datetime, zone: str) -> Stage:
        key = (tuple(one.name for one in chain), begins, zone)
        found = self._made.get(key)
        if found is None:
            if chain:
                found = self._copy(self._furnished(chain[:-1], begins, zone))
                found.furnish(chain[-1].given)
            else:
                found = self._stage(self.empty, begins, zone)
                found.background.settle()
            self._made[key] = found
        return found

    def _stage(self, image: MemoryDatabase, begins: datetime, zone: str) -> Stage:
        database, clock = MemoryDatabase(image), Clock(begins)
        return Stage(self.app, database, clock, zone, self.make_background(database, self.app, clock))

    def _copy(self, other: Stage) -> Stage:
        made = self._stage(other.database, other.clock.now, other.zone)
        made.keys, made.groups = dict(other.keys), dict(other.groups)
        made.people, made.teams = dict(other.people), dict(other.teams)
        made.seen_notices = set(other.seen_notices)
        return made
