"""The work as a good engineer writes it without a generic engine: Flask, SQLAlchemy Core, marshmallow, orjson.

One service for one entity. It is deliberately ordinary: an engine with a pool, statements built where they are
used (SQLAlchemy keeps their compiled form), a transaction around each request, marshmallow for what comes in.
"""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
import sqlalchemy as sa
from flask import Flask, Response, request
from marshmallow import ValidationError

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


class Refused(Exception):
    """An answer that is not the one hoped for."""

    def __init__(self, status: int, code: str, errors: object = None) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"status": status, "code": code, "errors": errors or []}


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `body` as JSON."""
    text = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(text, status, headers, mimetype="application/json")


def connect(url: str) -> sa.Engine:
    """Return an engine; on SQLite with transactions that begin when we say so."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None
            set_pragmas(connection)

        @sa.event.listens_for(engine, "begin")
        def begin(connection: sa.Connection) -> None:
            # A transaction that reads first and writes later must not lose its turn in between.
            writes = connection.get_execution_options().get("writes")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def create_app(url: str, *, keeps_history: bool = False) -> Flask:
    """Return the application on the database at `url`.

    Args:
        keeps_history: Write a row of history and an event with every change, in its transaction.
    """
    app = Flask(__name__)
    engine = connect(url)
    dialect: Dialect = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
    now = moment_for(dialect)

    @contextmanager
    def reading() -> Iterator[tuple[sa.Connection, sa.RowMapping]]:
        with engine.connect() as connection:
            yield connection, signed_in(connection)

    @contextmanager
    def writing() -> Iterator[tuple[sa.Connection, sa.RowMapping]]:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection, signed_in(connection)

    def signed_in(connection: sa.Connection) -> sa.RowMapping:
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            raise Refused(401, "not_signed_in")
        hashed = hashlib.sha256(secret.encode()).hexdigest()
        found = connection.execute(
            sa.select(user)
            .join(token, token.c.user_id == user.c.id)
            .where(token.c.hash == hashed, token.c.expires_at > now(), user.c.active)
        ).mappings()
        row = found.first()
        if row is None:
            raise Refused(401, "not_signed_in")
        return row

    def mine(person: sa.RowMapping) -> list[sa.ColumnElement[bool]]:
        return [] if person["role"] == "admin" else [lead.c.owner == person["id"]]

    def keep(connection: sa.Connection, kind: str, person: sa.RowMapping, key: str, changes: object) -> None:
        if not keeps_history:
            return
        text = orjson.dumps(changes, option=orjson.OPT_UTC_Z).decode()
        moment = now()
        connection.execute(
            sa.insert(history).values(lead_id=key, at=moment, user_id=person["id"], changes=text)
        )
        connection.execute(sa.insert(event).values(at=moment, kind=kind, lead_id=key, payload=text))

    @app.errorhandler(Refused)
    def refused(problem: Refused) -> Response:
        return answer(problem.body, problem.status)

    @app.errorhandler(ValidationError)
    def invalid(problem: ValidationError) -> Response:
        return answer({"status": 422, "code": "invalid", "errors": problem.messages}, 422)

    @app.get("/api/v1/leads/<key>")
    def get_lead(key: str) -> Response:
        with reading() as (connection, person):
            row = connection.execute(sa.select(lead).where(lead.c.id == key, *mine(person))).first()
        if row is None:
            raise Refused(404, "not_found")
        return answer(to_json(row), headers={"ETag": f'"{row.version}"'})

    @app.get("/api/v1/leads")
    def list_leads() -> Response:
        given = request.args
        with reading() as (connection, person):
            conditions = mine(person)
            if stage := given.get("stage"):
                conditions.append(lead.c.stage == stage)
            if source := given.get("source"):
                conditions.append(lead.c.source == source)
            if words := given.get("search"):
                conditions.append(lead.c.name.icontains(words, autoescape=True))
            page = int(given.get("page", "1"))
            statement = sa.select(lead).where(*conditions)
            match given.get("order"):
                case "next_follow_up":
                    statement = statement.order_by(FOLLOW_UP_FIRST, lead.c.id)
                case "-amount":
                    statement = statement.order_by(lead.c.amount.desc().nulls_last(), lead.c.id.desc())
                case _:
                    statement = statement.order_by(lead.c.id)
            rows = connection.execute(statement.limit(PAGE_SIZE).offset((page - 1) * PAGE_SIZE))
            body: dict[str, Any] = {"items": [to_json(row) for row in rows]}
            if given.get("count") == "true":
                counted = sa.select(sa.func.count()).select_from(lead).where(*conditions)
                body["count"] = connection.scalar(counted)
        return answer(body)

    @app.post("/api/v1/leads")
    def create_lead() -> Response:
        values = to_row(NEW_LEAD.load(orjson.loads(request.get_data())), dialect)
        key, moment = uuid.uuid4().hex, now()
        with writing() as (connection, person):
            row = {
                **dict.fromkeys(COLUMNS), "stage": STAGES[0], **values, "id": key, "version": 1,
                "owner": person["id"], "team": person["team"], "created_at": moment, "updated_at": moment,
            }  # fmt: skip
            connection.execute(sa.insert(lead).values(row))
            keep(connection, "create", person, key, {name: [None, value] for name, value in values.items()})
        headers = {"Location": f"/api/v1/leads/{key}", "ETag": '"1"'}
        return answer(to_json(tuple(row.values())), 201, headers)

    @app.patch("/api/v1/leads/<key>")
    def change_lead(key: str) -> Response:
        expected = request.headers.get("If-Match", "").strip('"')
        if not expected.isdigit():
            raise Refused(428, "version_needed")
        values = to_row(CHANGED_LEAD.load(orjson.loads(request.get_data())), dialect)
        with writing() as (connection, person):
            is_it = [lead.c.id == key, *mine(person)]
            old = None
            if keeps_history:
                statement = sa.select(lead).where(*is_it).with_for_update()
                old = connection.execute(statement).first()
            row = connection.execute(
                sa.update(lead)
                .where(*is_it, lead.c.version == int(expected))
                .values(**values, version=lead.c.version + 1, updated_at=now())
                .returning(lead)
            ).first()
            if row is None:
                there = connection.execute(sa.select(lead.c.id).where(*is_it)).first()
                raise Refused(412 if there else 404, "changed_meanwhile" if there else "not_found")
            if old is not None:
                before, after = old._mapping, row._mapping
                changes = {
                    name: [before[name], after[name]] for name in values if before[name] != after[name]
                }
                keep(connection, "update", person, key, changes)
        return answer(to_json(row), headers={"ETag": f'"{row.version}"'})

    @app.get("/api/v1/reports/leads_by_stage")
    def leads_by_stage() -> Response:
        return grouped("stage")

    @app.get("/api/v1/reports/leads_by_team_and_stage")
    def leads_by_team_and_stage() -> Response:
        return grouped("team", "stage")

    def grouped(*by: str) -> Response:
        columns = [lead.c[name] for name in by]
        with reading() as (connection, person):
            statement = sa.select(*columns, sa.func.count(), sa.func.sum(lead.c.amount)).where(*mine(person))
            rows = connection.execute(statement.group_by(*columns).order_by(*columns))
            found = [
                {
                    **dict(zip(by, row, strict=False)),
                    "count": row[-2],
                    "amount": amount_text(int(row[-1] or 0)),
                }
                for row in rows
            ]
        return answer({"rows": found})

    return app
