"""The small office with more kinds of fields, more roles and planted secrets, and its API as people call it.

Beside the deals of `tests.support.world` there are cases, which have a field of every kind that matters here. Reps may
not read `salary` and `whisper`, and see `phone` in part. Fin reads everything and writes nothing; Nil has a role that
grants nothing; Ivo heads nobody and sees by a rule; Jun's role inherits that of the reps; Duo is a rep and a clerk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from fairlead.base.clock import iso_utc, utc_now
from fairlead.store import people, sessions
from fairlead.store.system import system
from fairlead.web.factory import create_app
from fairlead.web.request import Services
from fairlead.work.authentication import actor_of
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.world import DEAL, World, open_world

CANARY = "canary-4711"
"""Stands only in fields that reps may not read."""

CASE = """
kind: entity
name: case
label: {en: Case, zh: 案例}
title: "{name} {phone}"
traits: [owned]
fields:
  name: {type: text, label: {en: Name, zh: 名称}, required: true, max_length: 80, searchable: true}
  twin: {type: reference, entity: case, on_delete: clear, label: {en: Twin, zh: 相关}}
  code: {type: text, label: {en: Code, zh: 编码}, unique: true}
  count: {type: integer, label: {en: Count, zh: 数量}}
  price: {type: money, label: {en: Price, zh: 价格}}
  weight: {type: decimal, label: {en: Weight, zh: 重量}, scale: 3}
  share: {type: percent, label: {en: Share, zh: 占比}}
  at: {type: datetime, label: {en: At, zh: 时间}}
  day: {type: date, label: {en: Day, zh: 日期}}
  flag: {type: boolean, label: {en: Flag, zh: 标记}}
  kind: {type: choice, label: {en: Kind, zh: 类型}, options: {a: {label: A}, b: {label: B}, c: {label: C}}}
  marks: {type: multi_choice, label: {en: Marks, zh: 多选}, options: {x: {label: X}, y: {label: Y}, z: {label: Z}}}
  notes: {type: long_text, label: {en: Notes, zh: 备注}}
  rich: {type: rich_text, label: {en: Rich, zh: 富文本}}
  data: {type: json, label: {en: Data, zh: 数据}}
  link: {type: url, label: {en: Link, zh: 链接}}
  email: {type: email, label: {en: Mail, zh: 邮箱}}
  phone: {type: phone, label: {en: Phone, zh: 电话}, searchable: true}
  salary: {type: money, label: {en: Salary, zh: 薪资}}
  whisper: {type: text, label: {en: Whisper, zh: 密语}, searchable: true}
  deal: {type: reference, entity: deal, on_delete: clear, label: {en: Deal, zh: 交易}}
  twice: {type: money, label: {en: Twice, zh: 双倍}, formula: "record.price * 2"}
  ratio: {type: money, label: {en: Ratio, zh: 比值}, formula: "record.price / record.count"}
  rows:
    type: table
    label: {en: Rows, zh: 明细}
    fields:
      item: {type: text, label: {en: Item, zh: 项目}, required: true}
      qty: {type: integer, label: {en: Quantity, zh: 数量}, min: 1}
      cost: {type: money, label: {en: Cost, zh: 成本}}
      sum: {type: money, label: {en: Sum, zh: 小计}, formula: "record.qty * record.cost"}
  total: {type: money, label: {en: Total, zh: 合计}, rollup: {from: rows, sum: sum}}
"""

REPORTS = {
    "admin/case_salaries.yaml": """
kind: report
name: case_salaries
entity: case
label: {en: Salaries, zh: 薪资}
type: table
dimensions: [kind]
measures: [{sum: salary}, {min: salary}, {max: salary}, {avg: salary}]
""",
    "admin/case_by_salary.yaml": """
kind: report
name: case_by_salary
entity: case
label: {en: By salary, zh: 按薪资}
type: table
dimensions: [whisper]
measures: [{count: true}]
""",
    "admin/case_having.yaml": """
kind: report
name: case_having
entity: case
label: {en: Rich ones, zh: 高薪}
type: table
dimensions: [kind]
measures: [{count: true}]
filter: "record.salary > 1.0"
""",
    "admin/case_kinds.yaml": """
kind: report
name: case_kinds
entity: case
label: {en: Kinds, zh: 类型}
type: table
dimensions: [kind]
measures: [{count: true}, {sum: price}, {min: day}]
""",
    "admin/case_prices.yaml": """
kind: report
name: case_prices
entity: case
label: {en: Prices, zh: 价格}
type: table
dimensions: [kind]
measures: [{sum: salary}, {avg: salary}]
""",
    "admin/case_deals.yaml": """
kind: report
name: case_deals
entity: case
label: {en: By margin of the deal, zh: 按交易毛利}
type: table
dimensions: [{field: deal.region, label: {en: Region, zh: 区域}}]
measures: [{count: true}]
""",
}

ROLES = {
    "admin/role_fin.yaml": """
kind: role
name: fin
label: {en: Finance, zh: 财务}
grants:
  deal: {read: all, export: all}
  case: {read: all}
  note: {read: all}
  report: {read: all}
""",
    "admin/role_nil.yaml": "kind: role\nname: nil\nlabel: {en: Nil, zh: 无}\ngrants:\n  report: {read: [by_stage]}\n",
    "admin/role_junior.yaml": """
kind: role
name: junior
label: {en: Junior, zh: 新人}
inherits: [rep]
grants: {}
""",
    "admin/role_clerk.yaml": """
kind: role
name: clerk
label: {en: Clerk, zh: 文员}
grants:
  case: {create: all, fields: {price: readonly}}
""",
    "admin/role_rule.yaml": """
kind: role
name: rule
label: {en: Rule, zh: 规则}
grants:
  case: {read: "record.kind == 'a'", update: "record.kind == 'a'"}
""",
}

STAFF = {"fin": ["fin"], "nil": ["nil"], "ivo": ["rule"], "jun": ["junior"], "duo": ["rep", "clerk"]}


def office_files() -> dict[str, str]:
    """Return the workspace of this office."""
    files = {**DEAL, **ROLES, **REPORTS, "schemas/case.yaml": CASE}

    def granting(path: str, line: str) -> None:
        files[path] = (
            files[path]
            .replace("grants:\n", f"grants:\n  {line}\n")
            .replace("report: {read: [by_stage]}", "report: {read: all}")
        )

    every = "read: all, create: all, update: all, delete: all, assign: all, export: all, import: all"
    granting("admin/role_admin.yaml", f"case: {{{every}}}")
    granting(
        "admin/role_manager.yaml", "case: {read: subordinates, create: subordinates, update: subordinates}"
    )
    granting(
        "admin/role_rep.yaml",
        "case: {read: own, create: own, update: own, delete: own, export: own, "
        "fields: {salary: hidden, whisper: hidden, phone: masked, code: readonly}}",
    )
    return files


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def codes(self) -> dict[str, str]:
        """Field → code of what was refused."""
        return {error["field"]: error["code"] for error in self.json["errors"]}

    @property
    def problem(self) -> dict[str, Any]:
        """The body but for the request's id."""
        return {name: value for name, value in self.json.items() if name != "request_id"}


@dataclass
class Api:
    """A workspace and its web application; each call is checked for what no answer may ever have."""

    world: World
    app: Flask
    tokens: dict[str, str] = field(default_factory=dict)

    def call(
        self, who: str | None, method: str, path: str, body: Any = None, *, raw: bytes | None = None,
        query: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request; any answer comes back, unless it is one that may never be."""
        sent = dict(headers or {})
        if who is not None:
            sent["Authorization"] = f"Bearer {self.tokens[who]}"
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        address = path if path.startswith("/") else f"/api/v1/{path}"
        found = self.app.test_client(use_cookies=False).open(
            address, method=method, data=data, headers=sent, query_string=query or None
        )
        return checked(found)

    def get(self, who: str | None, path: str, **query: Any) -> Answer:
        """Send a GET."""
        return self.call(who, "GET", path, query=query)

    def items(self, who: str, path: str, **query: Any) -> list[dict[str, Any]]:
        """Return the items of a list that must be answered."""
        answer = self.get(who, path, **query)
        assert answer.status == 200, answer.body
        return list(answer.json["items"])

    def post(self, who: str | None, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a POST; `If_Match="1"` is the header."""
        return self.call(who, "POST", path, {} if body is None else body, headers=_headers(headers))

    def patch(self, who: str, path: str, body: Any, version: int | str | None = "*") -> Answer:
        """Send a PATCH from a version; `*` is any."""
        tag = {} if version is None else {"If-Match": version if isinstance(version, str) else f'"{version}"'}
        return self.call(who, "PATCH", path, body, headers=tag)

    def delete(self, who: str, path: str, **headers: str) -> Answer:
        """Send a DELETE."""
        return self.call(who, "DELETE", path, headers=_headers(headers))

    def made(self, who: str, entity: str = "case", **values: Any) -> str:
        """Create a record that must be created, and return its id."""
        answer = self.post(who, entity, {"name": "one", **values} if entity != "note" else values)
        assert answer.status == 201, answer.body
        return str(answer.json["id"])

    def fingerprint(self, *ignored: str) -> dict[str, Any]:
        """Return everything that the database holds, but for when a token was last used and what was refused."""
        return fingerprint(self.world, ignored)


def _headers(named: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in named.items()}


def checked(found: TestResponse) -> Answer:
    """Return an answer after looking for what none may have: a traceback, SQL, a path, a secret, no id."""
    answer = Answer(found.status_code, found.headers, found.get_data())
    found.close()
    assert answer.status < 500, (answer.status, answer.body)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.body.decode("utf-8", "replace")
    for word in ("Traceback", "SELECT ", "sqlite3", "psycopg", "site-packages", "$argon2", "/platform/"):
        assert word not in text, text[:2000]
    if answer.status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json", answer.body
        problem = answer.json
        assert {"type", "title", "status", "code", "detail", "request_id", "errors"} <= set(problem)
        assert problem["status"] == answer.status
        assert problem["request_id"] == answer.headers["X-Request-Id"]
        assert "\u0000" not in text
        for error in problem["errors"]:
            assert {"code", "message"} <= set(error)
    return answer


def fingerprint(world: World, ignored: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the rows of every table."""
    tables = {**system.tables, **world.app.tables.metadata.tables}
    found: dict[str, Any] = {}
    for name, table in tables.items():
        if name in ("sys_session", "sys_attempt", "sys_approval_event", *ignored):
            continue
        columns = [column for column in table.columns if column.name != "search"]
        rows = world.database.all(world.database.prepare(sa.select(*columns)))
        found[name] = sorted(map(repr, rows))
    return found


@contextmanager
def open_office(url: str, files: Mapping[str, str] | None = None) -> Iterator[Api]:
    """Open the office in an empty database, with a token for each of its people."""
    with open_world(url, files or office_files()) as world:
        with world.database.write() as tx:
            for name, roles in STAFF.items():
                if set(roles) <= set(world.app.workspace.roles):
                    people.create_user(
                        tx,
                        username=name,
                        name=name.title(),
                        created_at=iso_utc(utc_now()),
                        roles=roles,
                        language="en",
                    )
        for account in people.accounts(world.database):
            world.actors.setdefault(account.username, actor_of(account))
        services = Services(world.database, world.applications, False, False)
        api = Api(world, create_app(services, secret_key="x" * 32))
        for name in world.actors:
            api.tokens[name] = token_of(world, name)
        yield api


def token_of(world: World, who: str, *, days: int = 1) -> str:
    """Make a token without a password."""
    now = utc_now()
    with world.database.write() as tx:
        return sessions.begin(
            tx, user_id=world.actors[who].id, kind="token", now=iso_utc(now), expires_at=iso_utc(now + timedelta(days=days)),
            name="test",
        ).secret  # fmt: skip
