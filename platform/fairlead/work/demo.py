"""Fill a fresh workspace with its template's demonstration: people first, then records through the one door.

The format of the two files stands at the head of each shipped one. Times count from the moment of loading.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fairlead.base.clock import iso_utc, utc_now
from fairlead.compiled.application import Application, CompiledEntity
from fairlead.config.reader import read
from fairlead.decide import edit
from fairlead.fields.spec import Field
from fairlead.store import people
from fairlead.store.database import Database, Tx
from fairlead.work import records
from fairlead.work.authentication import actor_of
from fairlead.work.context import SYSTEM, Actor, Context

_RELATIVE = re.compile(r"(?:in )?(\d+) (minute|hour|day|week|month)s?( ago)?\Z")
_HOURS = {"minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 730}


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much was made."""

    people: int
    records: int


class DemoError(Exception):
    """A demo file does not fit the configuration; says where."""


def load_demo(
    database: Database, app: Application, people_text: str, records_text: str, *, password_hash: str
) -> Loaded:
    """Load both files in one transaction.

    Raises:
        DemoError: An entry does not fit; nothing was loaded.
    """
    now = utc_now()
    people_data = _data("people.yaml", people_text)
    entries = _data("records.yaml", records_text, under="records")
    with database.write() as tx:
        actors = _people(tx, people_data, now, password_hash, app)
        loader = _Loader(tx, database, app, actors, now)
        for number, entry in enumerate(entries):
            try:
                loader.load(entry)
            except Exception as error:
                raise DemoError(f"records.yaml: entry {number + 1} ({entry.get('key')}): {error}") from error
    return Loaded(len(actors), len(entries))


def _data(name: str, text: str, under: str | None = None) -> Any:
    """Read a demo file by the rules of documents; a file that is a list is read `under` a key."""
    reading = read(name, f"{under}:\n{text}" if under else text)
    if reading.data is None:
        raise DemoError("; ".join(str(problem) for problem in reading.problems))
    return reading.data[under] if under else reading.data


def _people(
    tx: Tx, data: Mapping[str, Any], now: datetime, password_hash: str, app: Application
) -> dict[str, Actor]:
    teams: dict[str, str] = {}
    for one in data["teams"]:
        parent = teams.get(one.get("parent", ""))
        teams[one["code"]] = people.create_team(
            tx, code=one["code"], name=one["name"]["en"], name_zh=one["name"].get("zh"), parent_id=parent
        )
    users: dict[str, str] = {}
    for one in data["users"]:
        users[one["username"]] = people.create_user(
            tx, username=one["username"], name=one["name"]["en"], name_zh=one["name"].get("zh"),
            created_at=iso_utc(now), roles=one["roles"], language=one.get("language"), password_hash=password_hash,
        )  # fmt: skip
        people.set_memberships(tx, users[one["username"]], [teams[code] for code in one.get("teams", ())])
    for team in people.teams(tx):
        head = next((one.get("head") for one in data["teams"] if one["code"] == team.code), None)
        if head:
            people.update_team(tx, team, {"head_id": users[head]})
    people.rebuild_tree(tx)
    found = {}
    for username, key in users.items():
        account = people.account(tx, key)
        assert account is not None
        found[username] = actor_of(account, zone=app.workspace.zone)
    return found


class _Loader:
    def __init__(
        self, tx: Tx, database: Database, app: Application, actors: dict[str, Actor], now: datetime
    ) -> None:
        self.tx, self.database, self.app, self.actors, self.now = tx, database, app, actors, now
        self.keys: dict[str, tuple[str, str]] = {}

    def load(self, entry: Mapping[str, Any]) -> None:
        """Create one record, as its owner and at its time."""
        entity = self.app.entities[entry["entity"]]
        actor = self.actors[entry["as"]] if entry.get("as") else SYSTEM
        created = self.now - _span(str(entry.get("ago", "0 minutes")))
        ctx = Context(self.app, self.database, actor, created, "system")
        given = self._values(entity, entry.get("values") or {})
        everything = edit.field_paths_of(entity)
        found = edit.read_input(entity, given, writable=everything, readable=everything)
        if "owner" in entity.entity.fields and "owner" not in found.values:
            found.values["owner"] = None if entry.get("pool") or actor is SYSTEM else actor.id
        if entry.get("pool"):
            found.values.update(pool=entry["pool"], pool_entered_at=created)
        saved = records.create_in(self.tx, ctx, entity.name, found, kind="import")
        if entry.get("key"):
            self.keys[entry["key"]] = (entity.name, saved.id)
        if entry.get("submit"):
            from fairlead.work.approvals import submit_in

            submit_in(self.tx, ctx, entity.name, saved.id, str(entry["submit"]))

    def _values(self, entity: CompiledEntity, values: Mapping[str, Any]) -> dict[str, Any]:
        fields = entity.entity.fields
        return {
            name: self._value(fields[name], value) if name in fields else value
            for name, value in values.items()
        }

    def _value(self, spec: Field, value: Any) -> Any:
        if spec.kind == "table":
            return [{n: self._value(spec.fields[n], v) for n, v in row.items()} for row in value]
        if isinstance(value, str) and value.startswith("@"):
            target, id = self.keys[value[1:]]
            return f"{target}:{id}" if spec.params.get("entities") else id
        if spec.kind == "user" and value in self.actors:
            return self.actors[str(value)].id
        if spec.kind in ("date", "datetime") and isinstance(value, str):
            return self._moment(spec.kind, value)
        if spec.kind in ("money", "decimal", "percent") and value is not None:
            return str(value)
        if (
            spec.kind in ("multi_choice", "tags", "references")
            and isinstance(value, Sequence)
            and not isinstance(value, str)
        ):
            return [self._value(replace(spec, kind="text"), one) for one in value]
        return value

    def _moment(self, kind: str, text: str) -> str:
        local = self.now.astimezone(ZoneInfo(self.app.workspace.zone))
        if text in ("now", "today"):
            moment = self.now
        else:
            match = _RELATIVE.match(text)
            if match is None:
                return text
            span = timedelta(hours=int(match[1]) * _HOURS[match[2]])
            moment = self.now - span if match[3] else self.now + span
        return moment.astimezone(local.tzinfo).date().isoformat() if kind == "date" else iso_utc(moment)


def _span(text: str) -> timedelta:
    match = _RELATIVE.match(text)
    if match is None:
        raise DemoError(f"cannot read {text!r}: write `3 days` or `2 hours`")
    return timedelta(hours=int(match[1]) * _HOURS[match[2]])
