"""The same work once more, tuned: each Core statement is compiled once, and its text runs on the driver.

Reads run in autocommit, PostgreSQL prepares every statement at its second run, and one connection serves a thread
for as long as it lives. Nothing here knows more than `plain.py` does; it only does not repeat itself.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa
from flask import Flask, Response, request
from marshmallow import ValidationError
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg as psycopg_dialect

from bench.plain import Refused, answer
from bench.schema import (
    CHANGED_LEAD,
    COLUMNS,
    FOLLOW_UP_FIRST,
    NEW_LEAD,
    PAGE_SIZE,
    STAGES,
    Dialect,
    amount_text,
    event,
    history,
    lead,
    moment_for,
    set_pragmas,
    to_json,
    to_row,
    token,
    user,
)

Filters = tuple[str, ...]
SENT = ("name", "phone", "email", "source", "stage", "score", "amount", "next_follow_up", "note")


def bind(name: str, like: sa.ColumnElement[Any] | None = None) -> sa.BindParameter[Any]:
    """Return an open parameter."""
    return sa.bindparam(name, type_=None if like is None else like.type, required=True)


class Statements:
    """Every statement of this service as text, compiled when its shape is first met."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect: Any
        if dialect == "sqlite":
            self._dialect = sqlite.dialect(paramstyle="named")
        else:
            self._dialect = psycopg_dialect.dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
        self._lists: dict[tuple[Filters, str | None], str] = {}
        self._counts: dict[Filters, str] = {}
        self._updates: dict[tuple[Filters, bool], str] = {}
        self._groups: dict[tuple[tuple[str, ...], bool], str] = {}
        self.person = self.text(
            sa.select(user)
            .join(token, token.c.user_id == user.c.id)
            .where(
                token.c.hash == bind("hash"),
                token.c.expires_at > bind("now", token.c.expires_at),
                user.c.active,
            )
        )
        by_id = sa.select(lead).where(lead.c.id == bind("id"))
        own = lead.c.owner == bind("owner")
        self.one = {False: self.text(by_id), True: self.text(by_id.where(own))}
        locked = by_id.with_for_update()
        self.old = {False: self.text(locked), True: self.text(locked.where(own))}
        self.insert = self.text(sa.insert(lead).values({name: bind(name) for name in COLUMNS}))
        self.history = self._insert(history, "lead_id", "at", "user_id", "changes")
        self.event = self._insert(event, "at", "kind", "lead_id", "payload")

    def text(self, statement: Any) -> str:
        """Compile a statement whose every value is an open parameter."""
        return str(statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True}))

    def _insert(self, table: sa.Table, *names: str) -> str:
        return self.text(sa.insert(table).values({name: bind(name) for name in names}).inline())

    def _where(self, filters: Filters) -> list[sa.ColumnElement[bool]]:
        every: dict[str, sa.ColumnElement[bool]] = {
            "owner": lead.c.owner == bind("owner"),
            "stage": lead.c.stage == bind("stage"),
            "source": lead.c.source == bind("source"),
            "search": sa.func.lower(lead.c.name).like(bind("search"), escape="/"),
        }
        return [every[name] for name in filters]

    def list(self, filters: Filters, order: str | None) -> str:
        """Select a page."""
        key = (filters, order)
        if key not in self._lists:
            orders: dict[str | None, tuple[Any, ...]] = {
                "next_follow_up": (FOLLOW_UP_FIRST, lead.c.id),
                "-amount": (lead.c.amount.desc().nulls_last(), lead.c.id.desc()),
                None: (lead.c.id,),
            }
            statement = sa.select(lead).where(*self._where(filters)).order_by(*orders[order])
            self._lists[key] = self.text(statement.limit(bind("limit")).offset(bind("offset")))
        return self._lists[key]

    def count(self, filters: Filters) -> str:
        """Count what a list would show on all its pages."""
        if filters not in self._counts:
            self._counts[filters] = self.text(
                sa.select(sa.func.count()).select_from(lead).where(*self._where(filters))
            )
        return self._counts[filters]

    def update(self, names: Filters, own: bool) -> str:
        """Change these columns, where the version still is the one the client knows."""
        key = (names, own)
        if key not in self._updates:
            statement = (
                sa.update(lead)
                .where(lead.c.id == bind("p_id"), lead.c.version == bind("p_version"))
                .values({**{name: bind(name) for name in names}, "version": lead.c.version + sa.literal_column("1"),
                         "updated_at": bind("updated_at")})
                .returning(lead)
            )  # fmt: skip
            self._updates[key] = self.text(
                statement.where(lead.c.owner == bind("p_owner")) if own else statement
            )
        return self._updates[key]

    def grouped(self, by: Filters, own: bool) -> str:
        """Count leads and add up their amounts."""
        key = (by, own)
        if key not in self._groups:
            columns = [lead.c[name] for name in by]
            statement = sa.select(*columns, sa.func.count(), sa.func.sum(lead.c.amount))
            statement = statement.group_by(*columns).order_by(*columns)
            self._groups[key] = self.text(
                statement.where(lead.c.owner == bind("owner")) if own else statement
            )
        return self._groups[key]


def opener(url: str) -> tuple[Dialect, Callable[[], Any]]:
    """Return the kind of database and a function that opens a connection of the driver."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = parsed.database or ""

        def open_sqlite() -> sqlite3.Connection:
            connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
            set_pragmas(connection)
            return connection

        return "sqlite", open_sqlite
    conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
    return "postgresql", lambda: psycopg.connect(conninfo, autocommit=True, prepare_threshold=1)


def create_app(url: str, *, keeps_history: bool = False) -> Flask:
    """Return the application on the database at `url`.

    Args:
        keeps_history: Write a row of history and an event with every change, in its transaction.
    """
    app = Flask(__name__)
    dialect, open_connection = opener(url)
    sql = Statements(dialect)
    now = moment_for(dialect)
    begin = "BEGIN IMMEDIATE" if dialect == "sqlite" else "BEGIN"
    mine = threading.local()

    def driver() -> Any:
        found = getattr(mine, "connection", None)
        if found is None:
            found = mine.connection = open_connection()
        return found

    @contextmanager
    def transaction(connection: Any) -> Iterator[None]:
        connection.execute(begin)
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def signed_in(connection: Any) -> tuple[str, str, bool]:
        """Return id, team, and whether only own leads are to be seen."""
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            raise Refused(401, "not_signed_in")
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        row = connection.execute(sql.person, {"hash": hashed, "now": now()}).fetchone()
        if row is None:
            raise Refused(401, "not_signed_in")
        return row[0], row[4], row[3] != "admin"

    def keep(connection: Any, kind: str, person: str, key: str, moment: object, changes: object) -> None:
        text = orjson.dumps(changes, option=orjson.OPT_UTC_Z).decode()
        connection.execute(sql.history, {"lead_id": key, "at": moment, "user_id": person, "changes": text})
        connection.execute(sql.event, {"at": moment, "kind": kind, "lead_id": key, "payload": text})

    @app.errorhandler(Refused)
    def refused(problem: Refused) -> Response:
        return answer(problem.body, problem.status)

    @app.errorhandler(ValidationError)
    def invalid(problem: ValidationError) -> Response:
        return answer({"status": 422, "code": "invalid", "errors": problem.messages}, 422)

    @app.get("/api/v1/leads/<key>")
    def get_lead(key: str) -> Response:
        connection = driver()
        person, _, own = signed_in(connection)
        params = {"id": key, "owner": person} if own else {"id": key}
        row = connection.execute(sql.one[own], params).fetchone()
        if row is None:
            raise Refused(404, "not_found")
        return answer(to_json(row), headers={"ETag": f'"{row[1]}"'})

    @app.get("/api/v1/leads")
    def list_leads() -> Response:
        given = request.args
        connection = driver()
        person, _, own = signed_in(connection)
        params: dict[str, Any] = {"owner": person} if own else {}
        for name in ("stage", "source"):
            if value := given.get(name):
                params[name] = value
        if words := given.get("search"):
            params["search"] = f"%{_escaped(words.lower())}%"
        filters = tuple(params)
        page = int(given.get("page", "1"))
        paging = {"limit": PAGE_SIZE, "offset": (page - 1) * PAGE_SIZE}
        rows = connection.execute(sql.list(filters, given.get("order")), {**params, **paging}).fetchall()
        body: dict[str, Any] = {"items": [to_json(row) for row in rows]}
        if given.get("count") == "true":
            body["count"] = connection.execute(sql.count(filters), params).fetchone()[0]
        return answer(body)

    @app.post("/api/v1/leads")
    def create_lead() -> Response:
        values = to_row(NEW_LEAD.load(orjson.loads(request.get_data())), dialect)
        connection = driver()
        person, team, _ = signed_in(connection)
        key, moment = uuid.uuid4().hex, now()
        row = {
            **dict.fromkeys(COLUMNS), "stage": STAGES[0], **values, "id": key, "version": 1,
            "owner": person, "team": team, "created_at": moment, "updated_at": moment,
        }  # fmt: skip
        with transaction(connection):
            connection.execute(sql.insert, row)
            if keeps_history:
                changes = {name: [None, value] for name, value in values.items()}
                keep(connection, "create", person, key, moment, changes)
        return answer(to_json(tuple(row.values())), 201, {"Location": f"/api/v1/leads/{key}", "ETag": '"1"'})

    @app.patch("/api/v1/leads/<key>")
    def change_lead(key: str) -> Response:
        expected = request.headers.get("If-Match", "").strip('"')
        if not expected.isdigit():
            raise Refused(428, "version_needed")
        values = to_row(CHANGED_LEAD.load(orjson.loads(request.get_data())), dialect)
        names = tuple(name for name in SENT if name in values)
        connection = driver()
        person, _, own = signed_in(connection)
        which = {"id": key, "owner": person} if own else {"id": key}
        guard = {f"p_{name}": value for name, value in which.items()} | {"p_version": int(expected)}
        moment = now()
        with transaction(connection):
            old = connection.execute(sql.old[own], which).fetchone() if keeps_history else None
            row = connection.execute(
                sql.update(names, own), {**values, **guard, "updated_at": moment}
            ).fetchone()
            if row is None:
                there = connection.execute(sql.one[own], which).fetchone()
                raise Refused(412 if there else 404, "changed_meanwhile" if there else "not_found")
            if old is not None:
                before, after = dict(zip(COLUMNS, old, strict=True)), dict(zip(COLUMNS, row, strict=True))
                changes = {n: [before[n], after[n]] for n in names if before[n] != after[n]}
                keep(connection, "update", person, key, moment, changes)
        return answer(to_json(row), headers={"ETag": f'"{row[1]}"'})

    @app.get("/api/v1/reports/leads_by_stage")
    def leads_by_stage() -> Response:
        return grouped("stage")

    @app.get("/api/v1/reports/leads_by_team_and_stage")
    def leads_by_team_and_stage() -> Response:
        return grouped("team", "stage")

    def grouped(*by: str) -> Response:
        connection = driver()
        person, _, own = signed_in(connection)
        rows = connection.execute(sql.grouped(by, own), {"owner": person} if own else {}).fetchall()
        found = [
            {**dict(zip(by, row, strict=False)), "count": row[-2], "amount": amount_text(int(row[-1] or 0))}
            for row in rows
        ]
        return answer({"rows": found})

    return app


def _escaped(text: str) -> str:
    return text.replace("/", "//").replace("%", "/%").replace("_", "/_")
