"""A workspace with two entities and a rule for each way in which an automation can start; and people in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from fairlead.base.clock import FrozenClock, iso_utc
from fairlead.config.source import SourceTree
from fairlead.effects.builtin import handlers
from fairlead.effects.execution import Executor
from fairlead.effects.timers import Timers
from fairlead.store import jobs, migrate, people
from fairlead.store.database import Database
from fairlead.store.jobs import Job
from fairlead.work import planning, publishing, records
from fairlead.work.applications import Applications
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Context

LEAD = """
kind: entity
name: lead
label: {en: Lead, zh: 线索}
title: "{name}"
traits: [owned, stages]
fields:
  name: {type: text, required: true}
  grade: {type: choice, options: [{name: a, label: {en: Hot, zh: 热}}, {name: b, label: {en: Cold, zh: 冷}}]}
  budget: {type: money, currency: CNY}
  follow_up: {type: date}
  note: {type: text}
"""

TASK = """
kind: entity
name: task
label: {en: Task, zh: 任务}
title: "{subject}"
traits: [owned]
fields:
  subject: {type: text, required: true}
  about: {type: reference, entities: [lead, task], on_delete: cascade}
  due_on: {type: date}
  done: {type: boolean, default: false}
"""

STAGES = """
kind: pipeline
name: lead_stages
entity: lead
stages:
  new: {label: {en: New, zh: 新}}
  open: {label: {en: Open, zh: 跟进}}
  won: {label: {en: Won, zh: 赢单}, outcome: won}
initial: new
"""

ROLES = {
    "admin": "lead: {read: all, create: yes, update: all, delete: all}\n  task: {read: all}\n"
    "  system: [people, jobs, configuration]",
    "clerk": "lead: {read: all}\n  system: [people]",
    "rep": "lead: {read: own, create: yes, update: own, delete: own}\n  task: {read: own, create: yes, update: own}",
}

BASE = {
    "fairlead.yaml": "name: small\nlabel: Small\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\n",
    "schemas/lead.yaml": LEAD,
    "schemas/task.yaml": TASK,
    "workflows/lead_stages.yaml": STAGES,
}


def automation(name: str, rest: str) -> dict[str, str]:
    """Return one automation as a file."""
    return {f"workflows/{name}.yaml": f"kind: automation\nname: {name}\n{rest}"}


@dataclass
class House:
    """Ada administers, Cleo looks after people only, Rui and Sana sell."""

    database: Database
    clock: FrozenClock = field(default_factory=lambda: FrozenClock("2026-03-02T04:00:00Z"))
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, database: Database, documents: dict[str, str] | None = None) -> House:
        migrate.prepare_system(database)
        house = cls(database)
        house.publish(documents or {})
        with database.write() as tx:
            for name, role in (("ada", "admin"), ("cleo", "clerk"), ("rui", "rep"), ("sana", "rep")):
                house.ids[name] = people.create_user(
                    tx, username=name, name=name.title(), roles=[role], created_at=iso_utc(house.clock())
                )
        return house

    def publish(self, documents: dict[str, str]) -> None:
        files = {**BASE, **documents}
        for name, grants in ROLES.items():
            files[f"admin/{name}.yaml"] = f"kind: role\nname: {name}\nlabel: {name}\ngrants:\n  {grants}\n"
        planned = planning.plan(self.database, SourceTree.from_mapping(files))
        publishing.apply(self.database, planned, author="ada", allow_destructive=True)
        self.applications = Applications(self.database)
        self.app = self.applications.refresh()
        self.executor = Executor(self.database, self.applications, handlers(), clock=self.clock)
        self.timers = Timers(self.database, self.applications, clock=self.clock)

    def ctx(self, name: str = "rui", **more: Any) -> Context:
        if name == "system":
            actor = SYSTEM
        else:
            account = people.account(self.database, self.ids[name])
            assert account is not None
            actor = actor_of(account, zone="Asia/Shanghai")
        return Context(
            app=self.app,
            database=self.database,
            actor=actor,
            now=self.clock(),
            door=more.pop("door", "ui"),
            **more,
        )

    def create(self, values: dict[str, Any], *, door: str = "ui") -> str:
        """Let Rui create a lead."""
        return records.create(self.ctx(door=door), "lead", values).id

    def update(self, record_id: str, name: str = "rui", **values: Any) -> None:
        records.update(self.ctx(name), "lead", record_id, values, version=None)

    def record(self, record_id: str, entity: str = "lead") -> Any:
        return records.snapshot_in(self.database, self.ctx("system"), entity, record_id)

    def all(self, entity: str) -> list[Any]:
        table = self.app.entities[entity].tables.main
        rows = self.database.all(self.database.prepare(sa.select(table.c.id).order_by(table.c.id)))
        return [self.record(row[0], entity) for row in rows]

    def run(self) -> list[Job]:
        """Run whatever is due, and return every automation's job, oldest first."""
        self.timers.tick()
        self.executor.drain()
        return [job for job in reversed(jobs.listing(self.database, limit=500)) if job.kind == "automation"]
