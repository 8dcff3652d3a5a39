"""How far a change reaches: records, people, approvals under way, jobs that wait and moments that are planned.

Who speaks of a thing is taken from where names are resolved, so an approval that reads a field only inside a rule counts
among those that use it. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from fairlead.base.texts import Label
from fairlead.compiled.changes import Change
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import table_name
from fairlead.config.load import Loaded
from fairlead.config.mentions import Target
from fairlead.config.renamed import Rename
from fairlead.store import people, underway
from fairlead.store.database import Database
from fairlead.store.migrate import Existing
from fairlead.store.operations import Operation
from fairlead.store.statements import p

_RUNNING = ("approval", "automation", "pool", "calendar", "pipeline")
"""Kinds that something may be under way with, so that even a change that harms no data is worth a count."""

_WORDS: Mapping[str, Label] = {
    "records": Label({"en": "records", "zh": "记录"}),
    "people": Label({"en": "people", "zh": "人员"}),
    "approvals": Label({"en": "approvals under way", "zh": "进行中的审批"}),
    "jobs": Label({"en": "jobs waiting", "zh": "等待中的任务"}),
    "moments": Label({"en": "planned moments", "zh": "已安排的时点"}),
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What is concerned when one thing changes. `path` is that of the thing, under its new name.

    Attributes:
        records: Live records: of an entity, in a pool, in a stage.
        people: Who has a role.
        approvals: Running, returned or suspended, of a flow that is changed or speaks of the thing. They finish as
            they began.
        jobs: Of automations that are changed or speak of the thing.
        moments: Planned by them.
    """

    path: tuple[str, ...]
    records: int = 0
    people: int = 0
    approvals: int = 0
    jobs: int = 0
    moments: int = 0

    def counts(self) -> dict[str, int]:
        """Return what there is any of."""
        return {name: count for name in _WORDS if (count := getattr(self, name))}

    def words(self, language: str = "en") -> str:
        """Return the counts as people read them."""
        colon, semicolon = ("：", "；") if language == "zh" else (": ", "; ")
        return semicolon.join(
            f"{_WORDS[name].get(language)}{colon}{count:,}" for name, count in self.counts().items()
        )


def reach(
    database: Database,
    found: Existing,
    before: Loaded | None,
    changes: Iterable[Change],
    renames: Sequence[Rename],
) -> tuple[Reach, ...]:
    """Return how far each changed thing reaches, in the order of the changes; what reaches nothing is left out.

    Args:
        found: What the database has now.
        before: The configuration in force.
        changes: Under the new names.
        renames: What has another name.
    """
    if before is None or before.workspace is None:
        return ()
    ground = _Ground(database, found, before, {one.new: one.old for one in renames})
    things = dict.fromkeys(
        thing_of(change.path)
        for change in changes
        if change.action != "add" or len(change.path) > 2
        if change.grade != "safe" or change.path[0] in _RUNNING or change.action == "remove"
    )
    made = (ground.of(thing) for thing in things)
    return tuple(one for one in made if one.counts())


def sizes(database: Database, found: Existing, operations: Iterable[Operation]) -> dict[str, int]:
    """Return how many rows each table has that an operation touches; a table that is still to come has none."""
    counted: dict[str, int] = {}
    for table in sorted({one.table for one in operations} & set(found.columns)):
        statement = sa.select(sa.func.count()).select_from(sa.table(table))
        row = database.one(prepare(statement, database.dialect))
        counted[table] = int(row[0]) if row else 0
    return counted


def thing_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a change at `path` is about, under which its reach is found: a field, a stage, else a document."""
    if len(path) >= 4 and path[0] == "entity" and path[2] == "fields":
        return path[:4]
    if len(path) >= 4 and path[0] == "pipeline" and path[2] == "stages":
        return path[:4]
    return path[:2]


class _Ground:
    """The data and the documents in force, asked by the names they have today."""

    def __init__(
        self, database: Database, found: Existing, before: Loaded, former: Mapping[Target, Target]
    ) -> None:
        self.database, self.found, self.before, self.former = database, found, before, former
        assert before.workspace is not None
        self.workspace = before.workspace
        self._documents = {
            document.path: (kind, name)
            for kind, named in before.documents.items()
            for name, document in named.items()
        }

    @cached_property
    def _approvals(self) -> dict[str, int]:
        return underway.approvals_by_flow(self.database)

    @cached_property
    def _jobs(self) -> dict[str, int]:
        return underway.jobs_by_rule(self.database)

    @cached_property
    def _moments(self) -> dict[str, int]:
        return underway.moments_by_rule(self.database)

    def of(self, thing: tuple[str, ...]) -> Reach:
        """Return how far a change of `thing` reaches."""
        old = self._old(thing)
        users = self._users(old)
        flows = {name for kind, name in users if kind == "approval"}
        rules = {name for kind, name in users if kind == "automation"}
        return Reach(
            thing,
            records=self._records(old),
            people=self._people(old),
            approvals=sum(self._approvals.get(flow, 0) for flow in flows) if flows else 0,
            jobs=sum(self._jobs.get(rule, 0) for rule in rules) if rules else 0,
            moments=sum(self._moments.get(f"automation:{rule}", 0) for rule in rules) if rules else 0,
        )

    def _old(self, path: tuple[str, ...]) -> tuple[str, ...]:
        for length in range(len(path), 0, -1):
            if path[:length] in self.former:
                return (*self.former[path[:length]], *path[length:])
        return path

    def _users(self, thing: tuple[str, ...]) -> set[tuple[str, str]]:
        """Return the documents that are the thing, or that speak of it or of something inside it."""
        found = {thing} if len(thing) == 2 else set()
        for mention in self.before.mentions:
            if mention.target[: len(thing)] == thing and mention.file in self._documents:
                found.add(self._documents[mention.file])
        return {(one[0], one[1]) for one in found}

    def _records(self, thing: tuple[str, ...]) -> int:
        kind, name = thing[:2]
        if kind == "entity":
            return self._count(name, None, "") if len(thing) == 2 else 0
        if kind == "pool" and name in self.workspace.pools:
            return self._count(self.workspace.pools[name].entity, "pool", name)
        if kind == "pipeline" and len(thing) == 4 and name in self.workspace.pipelines:
            return self._count(self.workspace.pipelines[name].entity, "stage", thing[3])
        return 0

    def _count(self, entity: str, column: str | None, value: str) -> int:
        table = table_name(entity)
        have = self.found.columns.get(table, {})
        if not have or (column is not None and column not in have):
            return 0
        conditions = [sa.text("deleted_at IS NULL")]
        if column is not None:
            conditions.append(sa.text(f"{column} = :p_value").bindparams(p("p_value")))
        statement = sa.select(sa.func.count()).select_from(sa.table(table)).where(*conditions)
        row = self.database.one(prepare(statement, self.database.dialect), {"p_value": value})
        return int(row[0]) if row else 0

    def _people(self, thing: tuple[str, ...]) -> int:
        if thing[0] != "role":
            return 0
        return people.count_active_with_role(self.database, thing[1])
