"""A small sales office for tests: Ada administers, Mei manages Rui and Sana, Otto is outside.

A world is a published workspace with people in a real database. `world.as_("rui")` gives a context, and the usual verbs
(`create`, `get`, `change`, `move`, `claim`) act as that person through the one door.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Failure
from fairlead.compiled.application import Application
from fairlead.config.source import SourceTree, shipped
from fairlead.store import migrate, people
from fairlead.store.database import Database
from fairlead.work import planning, pools, publishing, reading, records
from fairlead.work.applications import Applications
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Actor, Context
from fairlead.work.queries import ListQuery

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 5, 6, 4, 0, tzinfo=UTC)
"""A Wednesday, twelve o'clock in Shanghai."""

DEAL = {
    "schemas/deal.yaml": """
kind: entity
name: deal
label: {en: Deal, zh: 交易}
title: "{name}"
traits: [owned, stages, activities, approvable]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 80, searchable: true}
  amount: {type: money, label: {en: Amount, zh: 金额}, min: 0}
  margin: {type: percent, label: {en: Margin, zh: 毛利率}}
  phone: {type: phone, label: {en: Phone, zh: 电话}}
  code: {type: text, label: {en: Code, zh: 编码}, unique: true}
  region: {type: choice, label: {en: Region, zh: 区域},
    options: {north: {label: {en: North, zh: 北区}}, south: {label: {en: South, zh: 南区}}}}
  close_on: {type: date, label: {en: Closes, zh: 截止}}
  hot: {type: boolean, label: {en: Hot, zh: 热}}
  double: {type: money, label: {en: Double, zh: 双倍}, formula: "record.amount * 2"}
  reason: {type: text, label: {en: Reason, zh: 原因}}
  lines:
    type: table
    label: {en: Lines, zh: 明细}
    fields:
      item: {type: text, label: {en: Item, zh: 项目}, required: true}
      qty: {type: integer, label: {en: Quantity, zh: 数量}, min: 1, default: 1}
      price: {type: money, label: {en: Price, zh: 单价}}
      total: {type: money, label: {en: Total, zh: 小计}, formula: "record.qty * record.price"}
  total: {type: money, label: {en: Total, zh: 合计}, rollup: {from: lines, sum: total}}
checks:
  - {rule: "record.amount < 1000000.0", message: {en: Too much., zh: 金额过大。}, field: amount}
""",
    "workflows/deal_stages.yaml": """
kind: pipeline
name: deal_stages
entity: deal
label: {en: Stages, zh: 阶段}
stages:
  open: {label: {en: Open, zh: 进行中}, probability: 20}
  offer: {label: {en: Offer, zh: 报价}, probability: 50, require: [amount]}
  won: {label: {en: Won, zh: 赢单}, outcome: won, probability: 100,
    enter_when: "record.amount > 0.0", message: {en: An amount first., zh: 请先填写金额。}}
  lost: {label: {en: Lost, zh: 输单}, outcome: lost, require: [reason]}
""",
    "workflows/deal_pool.yaml": """
kind: pool
name: deal_pool
entity: deal
label: {en: Deal pool, zh: 交易公海}
members: {roles: [rep]}
visibility: {hide_until_claimed: [phone]}
claim: {quota: {per: day, max: 20}, capacity: {max: 5}, cooldown: {previous_owner: 7 days}}
protection: {initial: 10 days, maximum: 20 days, extend: [{on: activity, by: 3 days}]}
reclaim:
  rules: [{name: ended, label: {en: Protection ended, zh: 保护期结束}, when: "record.due_at <= now"}]
  remind: {before: [3 days]}
return: {reasons: {wrong: {en: Wrong, zh: 有误}, later: {en: Later, zh: 暂缓}}, required: true}
""",
    "admin/roles.yaml": "",
    "admin/role_admin.yaml": """
kind: role
name: admin
label: {en: Admin, zh: 管理员}
grants:
  deal: {read: all, create: all, update: all, delete: all, move: all, assign: all, export: all, import: all}
  note: {read: all, create: all, update: all, delete: all}
  report: {read: all}
  system: [people, configuration, jobs, approvals, history]
""",
    "admin/role_manager.yaml": """
kind: role
name: manager
label: {en: Manager, zh: 经理}
grants:
  deal: {read: subordinates, create: subordinates, update: subordinates, assign: subordinates, move: subordinates}
  note: {read: all, create: all}
  report: {read: all}
""",
    "admin/role_rep.yaml": """
kind: role
name: rep
label: {en: Rep, zh: 销售}
grants:
  deal: {read: own, create: own, update: own, move: own, fields: {margin: hidden, phone: masked}}
  note: {read: own, create: own, update: own}
  report: {read: [by_stage]}
""",
    "admin/role_guest.yaml": """
kind: role
name: guest
label: {en: Guest, zh: 访客}
grants:
  report: {read: [by_stage]}
""",
    "admin/by_stage.yaml": """
kind: report
name: by_stage
entity: deal
label: {en: By stage, zh: 按阶段}
type: funnel
dimensions: [stage]
measures: [{count: true}, {sum: amount}, {weighted: amount}]
chart: {type: funnel}
""",
    "schemas/note.yaml": """
kind: entity
name: note
label: {en: Note, zh: 记录}
title: "{text}"
traits: [owned]
timeline: {about: about, at: at, text: text}
fields:
  about: {type: reference, entity: deal, on_delete: cascade, label: {en: About, zh: 关于}, required: true}
  at: {type: datetime, label: {en: At, zh: 时间}, default: "now"}
  text: {type: long_text, label: {en: Text, zh: 内容}}
""",
    "fairlead.yaml": "name: office\nlanguages: [en, zh]\ncurrency: CNY\nzone: Asia/Shanghai\n",
}
del DEAL["admin/roles.yaml"]

PEOPLE = {"ada": "admin", "mei": "manager", "rui": "rep", "sana": "rep", "otto": "guest"}


@dataclass
class World:
    """A published workspace with its people; `now` can be moved."""

    database: Database
    applications: Applications
    actors: dict[str, Actor]
    files: dict[str, str]
    now: datetime = NOON
    _closed: bool = field(default=False)

    @property
    def app(self) -> Application:
        """The application in force."""
        return self.applications.refresh()

    def as_(self, who: str, *, door: str = "api") -> Context:
        """Return a context of one of the people, or of the engine (`system`)."""
        actor = SYSTEM if who == "system" else self.actors[who]
        return Context(self.app, self.database, actor, self.now, door)  # type: ignore[arg-type]

    def later(self, **span: float) -> World:
        """Move the clock."""
        self.now += timedelta(**span)
        return self

    def publish(self, changes: Mapping[str, str | None], **options: Any) -> publishing.Applied:
        """Publish the files with some replaced, added, or (None) taken away."""
        for path, text in changes.items():
            if text is None:
                self.files.pop(path, None)
            else:
                self.files[path] = text
        return publishing.apply(self.database, self.plan(), author="ada", **options)

    def plan(self) -> planning.Plan:
        """Return what publishing the files would change."""
        return planning.plan(self.database, SourceTree.from_mapping(self.files))

    # ---------------------------------------------------------------- verbs

    def create(self, who: str, entity: str = "deal", **values: Any) -> str:
        """Create a record and return its id."""
        return records.create(
            self.as_(who), entity, {"name": "A deal", **values} if entity == "deal" else values
        ).id

    def get(self, who: str, id: str, entity: str = "deal") -> dict[str, Any]:
        """Return a record as this person sees it."""
        return reading.get(self.as_(who), entity, id)

    def change(self, who: str, id: str, entity: str = "deal", **values: Any) -> records.Saved:
        """Change a record from the version that stands."""
        return records.update(self.as_(who), entity, id, values, version=None)

    def move(self, who: str, id: str, stage: str, **values: Any) -> records.Saved:
        """Move a deal to a stage."""
        return records.move(self.as_(who), "deal", id, stage, version=None, given=values)

    def claim(self, who: str, id: str) -> records.Saved:
        """Claim a deal."""
        return pools.claim(self.as_(who), "deal", id)

    def sees(self, who: str, entity: str = "deal", **query: Any) -> list[dict[str, Any]]:
        """Return the records that this person's list shows."""
        return reading.page(self.as_(who), entity, ListQuery(**query)).items

    def close(self) -> None:
        """Close the database."""
        self.applications.close()
        self.database.close()


def refusal(call: Any, *args: Any, **named: Any) -> Failure:
    """Return the failure of a call that must fail."""
    try:
        call(*args, **named)
    except Failure as failure:
        return failure
    raise AssertionError("nothing was refused")


@contextmanager
def open_world(
    url: str, files: Mapping[str, str] | None = None, *, template: str | None = None
) -> Iterator[World]:
    """Publish a workspace into an empty database and put people in."""
    database = Database(url)
    try:
        migrate.prepare_system(database)
        tree = shipped(ROOT, template) if template else SourceTree.from_mapping(dict(files or DEAL))
        publishing.apply(database, planning.plan(database, tree), author="ada")
        actors = _people(database)
        world = World(database, Applications(database), actors, dict(tree.mapping()))
        yield world
        world.close()
    finally:
        database.close()


def _people(database: Database) -> dict[str, Actor]:
    with database.write() as tx:
        top = people.create_team(tx, code="hq", name="Headquarters", name_zh="总部")
        east = people.create_team(tx, code="east", name="East", name_zh="华东", parent_id=top)
        ids = {
            name: people.create_user(
                tx, username=name, name=name.title(), created_at=iso_utc(NOON), roles=[role], language="en"
            )
            for name, role in PEOPLE.items()
        }
        for name, team in {"ada": top, "mei": east, "rui": east, "sana": east}.items():
            people.set_memberships(tx, ids[name], [team])
        for team, head in ((top, "ada"), (east, "mei")):
            found = people.team_by_id(tx, team)
            assert found is not None
            people.update_team(tx, replace(found), {"head_id": ids[head]})
        people.rebuild_tree(tx)
    found = {}
    for name, key in ids.items():
        account = people.account(database, key)
        assert account is not None
        found[name] = actor_of(account)
    return found
