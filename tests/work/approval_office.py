"""A small sales office with two flows on a quote, on a real database, and people who act in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fairlead.base.clock import FrozenClock, iso_utc
from fairlead.config.source import SourceTree
from fairlead.store import approvals as store
from fairlead.store import migrate, notifications, people
from fairlead.store.database import Database
from fairlead.work import approvals, inbox, planning, publishing, records
from fairlead.work.applications import Applications
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Context

SCHEMA = """
kind: entity
name: quote
label: {en: Quote, zh: 报价}
title: "{name}"
traits: [owned, approvable]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true}
  amount: {type: money, label: {en: Amount, zh: 金额}, currency: CNY}
  discount: {type: percent, label: {en: Discount, zh: 折扣}, min: 0, max: 1, default: 0}
  terms: {type: text, label: {en: Terms, zh: 条款}}
  note: {type: text, label: {en: Note, zh: 备注}}
  status:
    type: choice
    label: {en: Status, zh: 状态}
    default: draft
    options:
      - {name: draft, label: {en: Draft, zh: 草稿}}
      - {name: effective, label: {en: Effective, zh: 生效}}
      - {name: refused, label: {en: Refused, zh: 已拒绝}}
  lines:
    type: table
    label: {en: Lines, zh: 明细}
    fields:
      item: {type: text, label: {en: Item, zh: 项目}}
      qty: {type: integer, label: {en: Quantity, zh: 数量}}
checks:
  - {rule: "record.terms != 'never'", message: {en: Terms must be possible, zh: 条款无效}, field: terms}
  - rule: "record.status != 'effective' || record.note != 'cursed'"
    message: {en: A cursed quote never takes effect, zh: 该报价不能生效}
    field: note
"""

FLOW = """
kind: approval
name: discount
label: {en: Discount, zh: 折扣}
entity: quote
start: {on: submit, when: "record.discount > 0.1"}
decisive: [discount, amount, lines]
lock: decisive
steps:
  - name: manager
    label: {en: Manager, zh: 主管}
    by: {manager_of: starter, level: 1}
    mode: any
    on_reject: ends
    timeout: {after: 1 days, then: [{remind: true}, {escalate: {role: admin}}]}
  - name: finance
    label: {en: Finance, zh: 财务}
    when: "record.amount > 1000.0"
    by: {role: finance}
    mode: any
    on_reject: ends
    editable: [terms]
allow: [transfer, return, withdraw, urge]
self: to_manager
duplicates: none
nobody: suspend
withdraw: until_first_decision
summary: [amount, discount]
on_approved: [{set: {status: effective}}]
on_rejected: [{set: {status: refused}}]
not_needed: [{set: {status: effective}}]
"""

ROLES = {
    "rep": "quote: {read: own, create: yes, update: own, delete: no}",
    "manager": "quote: {read: subordinates, create: yes, update: subordinates}",
    "finance": "quote: {read: own}",
    "admin": "quote: {read: all, create: yes, update: all, delete: all}\n  system: [people, approvals]",
}


def files(**replaced: str) -> dict[str, str]:
    found = {
        "fairlead.yaml": "name: office\nlabel: {en: Office, zh: 办公室}\nlanguages: [en, zh]\ncurrency: CNY\n",
        "schemas/quote.yaml": SCHEMA,
        "workflows/discount.yaml": FLOW,
    }
    for name, grants in ROLES.items():
        found[f"admin/{name}.yaml"] = (
            f"kind: role\nname: {name}\nlabel: {{en: {name}, zh: {name}}}\ngrants:\n  {grants}\n"
        )
    return found | {key.replace("__", "/") + ".yaml": text for key, text in replaced.items()}


@dataclass
class Office:
    """Rui and Sana sell under Mei; Lin heads the house; Fay, Fox and Fen count; Ada administers; Otto is nobody's."""

    database: Database
    clock: FrozenClock = field(default_factory=lambda: FrozenClock("2026-03-02T04:00:00Z"))
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, database: Database, **replaced: str) -> Office:
        migrate.prepare_system(database)
        office = cls(database)
        office.publish(**replaced)
        office.hire()
        return office

    def publish(self, **replaced: str) -> None:
        tree = SourceTree.from_mapping(files(**replaced))
        planned = planning.plan(self.database, tree)
        publishing.apply(self.database, planned, author="ada", allow_destructive=True)
        self.app = Applications(self.database).refresh()

    def hire(self) -> None:
        staff = {"lin": "manager", "mei": "manager", "rui": "rep", "sana": "rep", "fay": "finance", "fox": "finance",
                 "fen": "finance", "ada": "admin", "otto": "rep"}  # fmt: skip
        now = iso_utc(self.clock())
        with self.database.write() as tx:
            for name, role in staff.items():
                self.ids[name] = people.create_user(
                    tx, username=name, name=name.title(), roles=[role], created_at=now
                )
            house = people.create_team(tx, code="house", name="House", head_id=self.ids["lin"])
            sales = people.create_team(
                tx, code="sales", name="Sales", parent_id=house, head_id=self.ids["mei"]
            )
            money = people.create_team(
                tx, code="money", name="Finance", parent_id=house, head_id=self.ids["fay"]
            )
            for name, team in {"lin": house, "mei": sales, "rui": sales, "sana": sales, "fay": money, "fox": money,
                               "fen": money}.items():  # fmt: skip
                people.set_memberships(tx, self.ids[name], [team])

    def ctx(self, who: str) -> Context:
        if who == "system":
            return Context(self.app, self.database, SYSTEM, self.clock(), "system")
        account = people.account(self.database, self.ids[who])
        assert account is not None
        return Context(self.app, self.database, actor_of(account), self.clock(), "ui")

    def later(self, **span: int) -> None:
        self.clock.advance(timedelta(**span))

    # ------------------------------------------------------------ records

    def quote(self, who: str = "rui", **values: Any) -> str:
        plain = {"name": "Quote 1", "amount": "5000.00", "discount": "0.2", **values}
        return records.create(self.ctx(who), "quote", plain).id

    def record(self, id: str) -> Mapping[str, Any]:
        return records.snapshot_in(self.database, self.ctx("system"), "quote", id)

    def submit(self, who: str, id: str, **more: Any) -> approvals.SubmitResult:
        version = more.pop("version", None) or self.record(id)["version"]
        return approvals.submit(self.ctx(who), "quote", id, version=version, **more)

    def submitted(self, **values: Any) -> tuple[str, str]:
        """A quote of Rui's under approval; return the record and the run."""
        made = self.quote(**values)
        result = self.submit("rui", made)
        assert result.approval is not None
        return made, result.approval

    # ------------------------------------------------------------ tasks

    def task(self, who: str) -> inbox.TaskView:
        (found,) = self.tasks(who)
        return found

    def tasks(self, who: str, box: str = "open") -> list[Any]:
        return list(inbox.tasks(self.ctx(who), box).items)

    def approve(self, who: str, **more: Any) -> approvals.ActResult:
        task = more.pop("task", None) or self.task(who)
        version = more.pop("version", task.version)
        return approvals.approve(self.ctx(who), task.id, version=version, **more)

    def reject(self, who: str, comment: str | None = "no") -> approvals.ActResult:
        task = self.task(who)
        return approvals.reject(self.ctx(who), task.id, version=task.version, comment=comment)

    def run(self, id: str) -> Any:
        found = store.load(self.database, id)
        assert found is not None
        return found

    def news(self, who: str) -> list[tuple[str, str]]:
        """Return (kind, English text) of somebody's lines, newest first."""
        found = notifications.listing(self.database, self.ids[who])
        return [(line.kind, line.text.get("en")) for line in found]
