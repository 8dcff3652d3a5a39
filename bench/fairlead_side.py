"""Fairlead's side: the workspace published, the leads written in bulk, the API spoken to."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fairlead import wiring
from fairlead.base.clock import iso_utc
from fairlead.compiled.application import Application
from fairlead.compiled.search import index_terms
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name
from fairlead.compiled.totals import rebuild_statements
from fairlead.config.source import SourceTree
from fairlead.fields.registry import kind_of
from fairlead.settings import Settings
from fairlead.store import migrate, people
from fairlead.store.database import Database
from fairlead.work import planning, publishing
from fairlead.work.applications import Applications

from bench.asks import Question, record_essence
from bench.data import FAR_AWAY, WORKSPACE, Bulk, Data, Lead, key_at, tidy

ENTITY = "lead"


def write(data: Data, url: str) -> None:
    """Publish the workspace and fill its tables: rows in bulk, then what the engine keeps beside them.

    The engine's own writer does the same one record at a time (`work/commit.py`): row, event, stage visit, search
    terms, kept totals. Nothing is left out here, or its tables would be smaller than those of a real workspace.
    """
    database = Database(url)
    try:
        migrate.prepare_system(database)
        publishing.apply(
            database,
            planning.plan(database, SourceTree.from_folder(WORKSPACE)),
            author="bench",
            source="cli",
        )
        app = Applications(database).current()
    finally:
        database.close()
    with Bulk(url) as bulk:
        _write_people(bulk, data)
        _write_leads(bulk, app, data.leads)
    try:
        with database.write() as tx:
            people.rebuild_tree(tx)
            for totals in app.entities[ENTITY].totals:
                for statement in rebuild_statements(totals, app.tables.by_entity[ENTITY]):
                    tx.run(prepare(statement, app.dialect))
    finally:
        database.close()
    tidy(url)


def _write_people(bulk: Bulk, data: Data) -> None:
    begun = iso_utc(data.leads[0].created_at)
    users = [(p.id, p.username, p.username.title(), True, json.dumps([p.role]), begun) for p in data.people]
    bulk.write("sys_user", ("id", "username", "name", "active", "roles", "created_at"), users)
    teams = [(key, f"t{number:02d}", f"Team {number + 1}") for number, key in enumerate(data.teams)]
    bulk.write("sys_team", ("id", "code", "name"), teams)
    bulk.write(
        "sys_membership", ("user_id", "team_id", "is_primary"), [(p.id, p.team, True) for p in data.people]
    )
    columns = (
        "hash",
        "user_id",
        "kind",
        "name",
        "csrf",
        "created_at",
        "expires_at",
        "last_used_at",
        "public_id",
    )
    tokens = [
        (p.hashed, p.id, "token", "bench", "", begun, iso_utc(FAR_AWAY), iso_utc(FAR_AWAY), p.id)
        for p in data.people
    ]
    bulk.write("sys_session", columns, tokens)


def _write_leads(bulk: Bulk, app: Application, leads: Sequence[Lead]) -> None:
    entity = app.entities[ENTITY]
    fields = [field for field in entity.tables.columns if field in _stored(leads[0])]
    columns = [column_name(field) for field in fields]
    search = app.dialect == "postgresql"

    def rows() -> Iterator[Sequence[Any]]:
        for one in leads:
            stored = _stored(one)
            row = [stored[field] for field in fields]
            yield [*row, _terms(app, one)] if search else row

    bulk.write(entity.tables.main.name, [*columns, "search"] if search else columns, rows())
    if not search:
        # Rows are numbered in the order in which they came.
        terms = ((number, _terms(app, one)) for number, one in enumerate(leads, 1))
        bulk.write(str(entity.tables.search_table), ("rowid", "terms"), terms)
    events = (
        (key_at(one.created_at, number), iso_utc(one.created_at), ENTITY, one.id, 1, "create", _changes(one), one.owner,
         "import", app.revision)
        for number, one in enumerate(leads)
    )  # fmt: skip
    columns = ["id", "at", "entity", "record_id", "version", "kind", "changes", "actor", "door", "revision"]
    bulk.write("sys_event", columns, events)
    visits = (
        (key_at(one.created_at, number), ENTITY, one.id, one.stage, iso_utc(one.created_at), one.owner)
        for number, one in enumerate(leads)
    )
    bulk.write("sys_stage_visit", ("id", "entity", "record_id", "stage", "entered_at", "by"), visits)


def _stored(one: Lead) -> dict[str, Any]:
    created = iso_utc(one.created_at)
    return {
        "id": one.id, "version": 1, "name": one.name, "phone": one.phone, "email": one.email, "source": one.source,
        "stage": one.stage, "stage_entered_at": created, "score": one.score, "amount": one.amount, "owner": one.owner,
        "team": one.team, "claimed_at": created, "last_activity_at": created, "note": one.note,
        "next_follow_up": _instant(one.next_follow_up), "created_at": created, "created_by": one.owner,
        "updated_at": created, "updated_by": one.owner,
    }  # fmt: skip


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else iso_utc(moment)


def _changes(one: Lead) -> str:
    given = {
        name: value
        for name, value in _stored(one).items()
        if value is not None and not name.endswith(("_at", "_by"))
    }
    return json.dumps({name: [None, value] for name, value in given.items()}, ensure_ascii=False)


def _terms(app: Application, one: Lead) -> str:
    entity = app.entities[ENTITY]
    stored = _stored(one)
    texts = [
        kind_of(spec).search_text(stored[spec.name], spec) for spec in map(entity.field, entity.search_fields)
    ]
    return index_terms([text for text in texts if text], app.dialect)


class Api:
    """Fairlead's API, as its documentation describes it."""

    def path(self, question: Question) -> str:
        if question.kind == "get":
            return self.record(question.id)
        if question.kind == "report":
            return f"/api/v1/reports/{question.report}"
        wanted = {"stage": question.stage, "source": question.source}
        given = {
            "filter": " && ".join(f'{name} == "{value}"' for name, value in wanted.items() if value) or None,
            "order_by": {"next_follow_up": "next_follow_up", "-amount": "amount desc", None: "id"}[question.order],
            "page": question.page if question.page > 1 else None, "search": question.search,
            "count": "true" if question.count else None,
        }  # fmt: skip
        return f"{self.record('')}?{urlencode({k: v for k, v in given.items() if v is not None}, quote_via=quote)}"

    def record(self, id: str) -> str:
        return f"/api/v1/{ENTITY}/{id}" if id else f"/api/v1/{ENTITY}"

    def change(self, id: str, values: Mapping[str, Any]) -> tuple[str, str, object]:
        return "PATCH", self.record(id), values

    def essence(self, question: Question, body: Any) -> object:
        if question.kind == "get":
            return record_essence(body)
        if question.kind == "report":
            return sorted([*row["keys"], *row["values"]] for row in body["rows"])
        return [[record_essence(one) for one in body["items"]], body.get("total")]

    def traces(self, id: str) -> str | None:
        return f"{self.record(id)}/history"


def application(url: str) -> Any:
    """Return the application that `fairlead serve --no-jobs` serves: background work is another process's."""
    folder = Path(tempfile.gettempdir())
    settings = Settings(folder, url, None, "bench", folder, workers=0)
    house = wiring.build(settings)
    house.applications.refresh()
    house.follow()
    return house.web()
