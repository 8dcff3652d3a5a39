"""Whom a text means: records by a field or their title, people and teams by name, user name or code.

What many rows ask for is asked in one statement, and remembered as long as the import lasts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from fairlead.base.ids import is_id
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.rows import stored_values
from fairlead.fields.folding import fold
from fairlead.fields.kind import FieldProblem, both
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import people
from fairlead.store.database import Database, Tx
from fairlead.store.people import Account, Team
from fairlead.work.context import Context
from fairlead.work.mapping import Wanted
from fairlead.work.records import base_params, roles_of

Where = Database | Tx
Key = tuple[Any, ...]

MAX_REMEMBERED = 50_000

WORDS = ("text", "email")
"""Kinds whose values are the same when they differ in case alone."""

UNKNOWN = both("There is no {what} {text}.", "没有{what}“{text}”。")
AMBIGUOUS = both("{count} are called {text}: {what} is not clear.", "有 {count} 个“{text}”，无法确定{what}。")
CLOSED = both("The account of {text} is closed.", "“{text}”的账号已停用。")
PERSON = Label({"en": "person", "zh": "人员"})
TEAM = Label({"en": "team", "zh": "团队"})


def unknown(what: Label, text: str) -> FieldProblem:
    """Return the answer for a text that means nothing, the same as for what may not be seen."""
    return FieldProblem("unknown_record", UNKNOWN.format(what=what, text=repr(text[:80])))


class Directory:
    """Everybody and every team, by all the words that may mean them."""

    def __init__(self, where: Where) -> None:
        self.accounts = {one.id: one for one in people.accounts(where)}
        self.teams = {one.id: one for one in people.teams(where)}
        self._people: dict[str, set[str]] = {}
        self._teams: dict[str, set[str]] = {}
        for account in self.accounts.values():
            self.note_account(account)
        for team in self.teams.values():
            self.note_team(team)

    def note_account(self, one: Account) -> None:
        """Know this account from now on."""
        self.accounts[one.id] = one
        for word in (one.username, one.name, one.name_zh, one.email):
            if word:
                self._people.setdefault(fold(word), set()).add(one.id)

    def note_team(self, one: Team) -> None:
        """Know this team from now on."""
        self.teams[one.id] = one
        for word in (one.code, one.name, one.name_zh):
            if word:
                self._teams.setdefault(fold(word), set()).add(one.id)

    def person(self, text: str, by: str | None = None) -> str | FieldProblem:
        """Return the id of the person that a text means; of several, the one who is active."""
        if text in self.accounts:
            return text
        found = [self.accounts[key] for key in self._people.get(fold(text), ())]
        if by in ("name", "username", "email"):
            found = [one for one in found if fold(text) in _words(one, by)]
        active = [one for one in found if one.active]
        if not found:
            return unknown(PERSON, text)
        if not active:
            return FieldProblem("inactive", CLOSED.format(text=repr(text[:80])))
        if len(active) > 1:
            return FieldProblem(
                "ambiguous", AMBIGUOUS.format(count=len(active), text=repr(text[:80]), what=PERSON)
            )
        return active[0].id

    def team(self, text: str, by: str | None = None) -> str | FieldProblem:
        """Return the id of the team that a text means."""
        if text in self.teams:
            return text
        found = [self.teams[key] for key in self._teams.get(fold(text), ())]
        if by == "code":
            found = [one for one in found if fold(one.code) == fold(text)]
        elif by == "name":
            found = [one for one in found if fold(text) in (fold(one.name), fold(one.name_zh or ""))]
        if not found:
            return unknown(TEAM, text)
        if len(found) > 1:
            return FieldProblem(
                "ambiguous", AMBIGUOUS.format(count=len(found), text=repr(text[:80]), what=TEAM)
            )
        return found[0].id


def _words(one: Account, by: str) -> set[str]:
    words = {"name": (one.name, one.name_zh), "username": (one.username,), "email": (one.email,)}[by]
    return {fold(word) for word in words if word}


class Lookups:
    """What the texts of one import mean."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.directory = Directory(ctx.database)
        self.found: dict[Wanted, str | FieldProblem] = {}

    def resolve(self, where: Where, wanted: Iterable[Wanted]) -> list[Wanted]:
        """Find out what is not known yet, in one statement for each target; return what means nothing."""
        if len(self.found) > MAX_REMEMBERED:
            self.found.clear()
        open_: dict[tuple[str, str | None], list[str]] = {}
        asked = dict.fromkeys(wanted)
        for one in asked:
            if one not in self.found:
                target, by, text = one
                if target == "user":
                    self.found[one] = self.directory.person(text, by)
                elif target == "team":
                    self.found[one] = self.directory.team(text, by)
                else:
                    open_.setdefault((target, by), []).append(text)
        for (target, by), texts in open_.items():
            for text, meant in self._records(where, target, by, texts).items():
                self.found[target, by, text] = meant
        return [
            one for one in asked
            if isinstance(found := self.found[one], FieldProblem) and found.code == "unknown_record"
        ]  # fmt: skip

    def remember(self, wanted: Wanted, id: str) -> None:
        """Note what was made because nothing had this name."""
        self.found[wanted] = id

    def forget(self, wanted: Iterable[Wanted]) -> None:
        """Forget what was not kept after all."""
        for one in wanted:
            self.found.pop(one, None)

    def forget_unknown(self) -> None:
        """Ask again for what had no answer: it may have one by now."""
        self.forget([one for one, meant in self.found.items() if isinstance(meant, FieldProblem)])

    def _records(
        self, where: Where, target: str, by: str | None, texts: Sequence[str]
    ) -> dict[str, str | FieldProblem]:
        entity = self.ctx.app.entities[target]
        access = self.ctx.app.access(target, roles_of(self.ctx))
        spec = lookup_field(entity, by)
        answers: dict[str, str | FieldProblem] = {text: unknown(entity.entity.label, text) for text in texts}
        if not access.read or spec.name not in access.readable:
            return answers
        stored: dict[str, Any] = {}
        for text in texts:
            try:
                value = kind_of(spec).import_parse(text, spec)
            except FieldProblem:
                continue
            if value is not None:
                stored[text] = stored_values({spec.name: value}, {spec.name: spec})[spec.name]
        predicate = access.rows((spec.name,))
        name = ("lookup", target, spec.name, roles_of(self.ctx))
        statement = self.ctx.app.statement(
            name, lambda: same_statement(entity, [spec], predicate, self.ctx.app.dialect)
        )
        params = {**base_params(self.ctx), "p_values": _json_list(stored.values())}
        by_value: dict[Any, list[str]] = {}
        for key, _, value in where.all(statement, params):
            by_value.setdefault(value, []).append(key)
            if spec.kind in WORDS:
                by_value.setdefault((fold(value),), []).append(key)
        for text, value in stored.items():
            ids = by_value.get(value) or (by_value.get((fold(value),)) if spec.kind in WORDS else None) or []
            if len(ids) == 1:
                answers[text] = ids[0]
            elif ids:
                answers[text] = FieldProblem(
                    "ambiguous",
                    AMBIGUOUS.format(count=len(ids), text=repr(text[:80]), what=entity.entity.label),
                )
        keys = [text for text in texts if is_id(text) and isinstance(answers[text], FieldProblem)]
        if keys:  # what our own exports write of a record
            from fairlead.work.records import existing

            answers |= {key: key for key in existing(where, self.ctx, target, keys)}
        return answers


def lookup_field(entity: CompiledEntity, by: str | None) -> Field:
    """Return the field that texts are compared with: the one named, else the one the title is made of."""
    fields = entity.entity.fields
    if by is not None:
        return fields[by]
    names = [name for name in entity.entity.title_fields if name in entity.tables.columns]
    unique = [name for name in names if fields[name].unique]
    return fields[(unique or names or ["id"])[0]]


# ---------------------------------------------------------------- records that agree in some fields


def _json_list(values: Iterable[Any]) -> str:
    return json.dumps(list(dict.fromkeys(values)))


def same_statement(
    entity: CompiledEntity, match: Sequence[Field], predicate: Any, dialect: str
) -> sa.Select[Any]:
    """Select id, owner and the fields of `match` of the live records whose first field is among `p_values`."""
    main = entity.tables.main
    first = match[0]
    column: Any = entity.tables.columns[first.name]
    given = sa.bindparam("p_values", required=True, type_=sa.Text())
    value: Any
    if dialect == "sqlite":
        source = sa.func.json_each(given).table_valued("value")
        value = source.c.value
    else:
        source = sa.func.jsonb_array_elements_text(sa.cast(given, JSONB)).table_valued("value")
        value = sa.cast(source.c.value, column.type)
    exact = first.unique or first.kind not in WORDS
    listed = sa.select(value if exact else sa.func.lower(value)).select_from(source)
    owner = entity.tables.columns.get("owner", sa.null())
    statement = sa.select(main.c.id, owner, *[entity.tables.columns[one.name] for one in match]).where(
        # Said again, because the index of a unique field holds no empty values.
        sa.text("deleted_at IS NULL"), column.is_not(None), (column if exact else sa.func.lower(column)).in_(listed),
    )  # fmt: skip
    return statement if predicate is None else statement.where(predicate)


class Same:
    """Finds records that agree with new ones in all of some fields, many at a time, read as the engine."""

    def __init__(
        self, ctx: Context, entity: CompiledEntity, match: Sequence[str], *, exact: bool = False
    ) -> None:
        """Know where to look; `exact` tells words apart that differ in case alone, as unique indexes do."""
        fields = entity.entity.fields
        self.ctx = ctx
        self.entity = entity
        self.match = tuple(match)
        # The field that tells most records apart stands first: the database looks for it alone.
        ordered = sorted(
            match, key=lambda name: (not fields[name].unique, fields[name].kind in ("choice", "boolean"))
        )
        self._specs = [fields[name] for name in ordered]
        self._folded = [spec.kind in WORDS and not spec.unique and not exact for spec in self._specs]

    @property
    def first(self) -> str:
        """The field that is looked for."""
        return self._specs[0].name

    def key(self, values: Mapping[str, Any]) -> tuple[Key, Any]:
        """Return what two records that are the same have in common, and the stored value to look for."""
        parts: list[Any] = []
        first: Any = None
        for position, spec in enumerate(self._specs):
            value: Any = values.get(spec.name)
            if value is not None:
                value = kind_of(spec).to_stored(value, spec)
            if position == 0:
                first = value
            parts.append(value.lower() if self._folded[position] and value is not None else value)
        return tuple(parts), first

    def find(self, where: Where, keys: Mapping[Key, Any]) -> dict[Key, list[tuple[str, str | None]]]:
        """Return (id, owner) of the live records that have one of `keys`, each given with its value to look for."""
        # Not the folded value: SQLite folds fewer letters than Python does.
        values = [value for value in keys.values() if value is not None]
        if not values:
            return {}
        statement = self.ctx.app.statement(
            ("same_many", self.entity.name, self.match),
            lambda: same_statement(self.entity, self._specs, None, self.ctx.app.dialect),
        )
        found: dict[Key, list[tuple[str, str | None]]] = {}
        for record, owner, *stored in where.all(statement, {"p_values": _json_list(values)}):
            key = tuple(
                value.lower() if folded and value is not None else value
                for value, folded in zip(stored, self._folded, strict=True)
            )
            if key in keys:
                found.setdefault(key, []).append((record, owner))
        return found
