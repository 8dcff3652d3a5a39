"""Where a database is not what its published configuration says (CF-52), and how it is brought back to it.

Two ways lead out. *Repair* makes the database what the configuration says: what is missing is made, a column of another
type is made anew with every value that can be carried over, what does not belong is kept aside under a reserved name.
*Adopt* leaves what does not belong where it is and remembers that it is known. Neither loses a value.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

from fairlead.compiled.application import Application
from fairlead.compiled.statement import dialect_of, prepare
from fairlead.store import dropping, migrate, revisions, settings
from fairlead.store.catalogue import Existing, existing, family
from fairlead.store.database import Database, Tx
from fairlead.store.dropping import Aside, reserved
from fairlead.store.indexing import OURS
from fairlead.store.statements import Reads

Kind = Literal[
    "missing", "type", "foreign-column", "foreign-table", "foreign-index", "foreign-trigger", "kept-missing"
]

FOREIGN = frozenset({"foreign-column", "foreign-table", "foreign-index", "foreign-trigger"})
"""Kinds that can be adopted."""

_ADOPTED = "adopted"
_ENGINE = ("sys_", "sqlite_")


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `name` is unique among them: a table, `table.column`, an index or a trigger."""

    kind: Kind
    name: str
    message: str
    table: str = ""
    column: str = ""

    @property
    def hurts(self) -> bool:
        """Whether the application cannot work as it was published."""
        return self.kind in ("missing", "type")


def look(where: Reads, app: Application) -> list[Drift]:
    """Return every difference that nobody has adopted."""
    now = existing(where)
    adopted = frozenset(json.loads(settings.get(where, _ADOPTED) or "[]"))
    kept = {(one.table, one.column) for one in dropping.aside(where)}
    found = [*_missing(app, now), *_types(app, now), *_foreign(app, now, kept), *_kept(now, kept)]
    return [one for one in found if one.name not in adopted or one.kind not in FOREIGN]


_SENTENCES = {
    "create_table": "The table {name} is missing.",
    "add_column": "The column {table}.{name} is missing.",
    "create_index": "The index {name} on {table} is missing.",
    "rename_index": "The index {name} on {table} has another name.",
    "drop_index": "The index {name} on {table} belongs to no document.",
    "create_search": "The table {name} of search terms is missing.",
    "drop_table": "The kept totals in {table} do not have the shape that the reports need.",
    "rebuild_totals": "The kept totals in {table} have to be added up.",
}


def _missing(app: Application, now: Existing) -> Iterator[Drift]:
    for one in migrate.differences(app, now):
        text = _SENTENCES[one.kind].format(table=one.table, name=one.name)
        yield Drift("missing", f"{one.table}.{one.name}", text, one.table)


def _types(app: Application, now: Existing) -> Iterator[Drift]:
    for table in app.tables.metadata.sorted_tables:
        have = now.columns.get(table.name, {})
        for column in table.columns:
            wanted = _family(app, column)
            if column.name in have and have[column.name] != wanted:
                text = f"The column {table.name}.{column.name} holds {have[column.name]} where {wanted} is needed."
                yield Drift("type", f"{table.name}.{column.name}", text, table.name, column.name)


def _family(app: Application, column: sa.Column[object]) -> str:
    return family(str(column.type.compile(dialect=dialect_of(app.dialect))))


def _foreign(app: Application, now: Existing, kept: Collection[tuple[str, str | None]]) -> Iterator[Drift]:
    wanted = {table.name: table for table in app.tables.metadata.tables.values()}
    search = {str(tables.search_table) for tables in app.tables.by_entity.values()}
    for name, columns in sorted(now.columns.items()):
        if (name, None) in kept or name in search or any(name.startswith(f"{one}_") for one in search):
            continue
        if name in wanted:
            for column in sorted(columns.keys() - wanted[name].columns.keys()):
                if (name, column) not in kept:
                    text = f"The column {name}.{column} belongs to no field, and nobody dropped one here."
                    yield Drift("foreign-column", f"{name}.{column}", text, name, column)
            said = {str(index.name) for index in wanted[name].indexes}
            for index in sorted(now.indexes.get(name, frozenset()) - said):
                # Ours that are too many are told as such; those of the database itself belong to its constraints.
                if not index.startswith(OURS) and not index.endswith("_pkey"):
                    yield Drift(
                        "foreign-index", index, f"The index {index} on {name} is not Fairlead's.", name
                    )
        elif not name.startswith(_ENGINE) and not _search_of_kept(name, kept):
            yield Drift("foreign-table", name, f"The table {name} is not Fairlead's.", name)
    for trigger in sorted(now.triggers):
        if not trigger.startswith("sys_"):
            yield Drift("foreign-trigger", trigger, f"The trigger {trigger} is not Fairlead's.")


def _search_of_kept(name: str, kept: Collection[tuple[str, str | None]]) -> bool:
    return any(
        column is None and name.startswith(f"{table}_") for table, column in kept if table.startswith("s_")
    )


def _kept(now: Existing, kept: Iterable[tuple[str, str | None]]) -> Iterator[Drift]:
    for table, column in sorted(kept, key=str):
        if table not in now.columns or (column is not None and column not in now.columns[table]):
            name = f"{table}.{column}" if column else table
            yield Drift("kept-missing", name, f"What was kept aside in {name} is gone.", table, column or "")


# ---------------------------------------------------------------- ways out


def adopt(tx: Tx, names: Iterable[str]) -> None:
    """Remember that these are known and stay where they are."""
    adopted = {*json.loads(settings.get(tx, _ADOPTED) or "[]"), *names}
    settings.put(tx, _ADOPTED, json.dumps(sorted(adopted)))


def repair(database: Database, app: Application, found: Iterable[Drift], *, author: str, now: str) -> None:
    """Make the database what the configuration says, in one transaction; what does not belong is kept aside.

    Raises:
        Blocked: Others hold a table for too long; nothing was changed.
    """
    found = list(found)
    with database.write() as tx:
        migrate.begin(tx)
        revision = (revisions.current_number(tx) or 0) + 1
        aside: list[Aside] = []
        for one in found:
            if one.kind == "foreign-column":
                kept = reserved(revision, one.column)
                _free_of_indexes(tx, one.table, one.column)
                tx.ddl(f'ALTER TABLE "{one.table}" RENAME COLUMN "{one.column}" TO "{kept}"')
                aside.append(Aside(one.name, one.table, kept, "foreign"))
            elif one.kind == "foreign-table":
                kept = f"e_{reserved(revision, one.table)}"
                tx.ddl(f'ALTER TABLE "{one.table}" RENAME TO "{kept}"')
                aside.append(Aside(one.name, kept, None, "foreign"))
            elif one.kind == "foreign-index":
                tx.ddl(f'DROP INDEX "{one.name}"')
            elif one.kind == "type":
                aside.append(_made_anew(tx, app, one, revision))
        migrate.apply(tx, migrate.differences(app, existing(tx)))
        dropping.keep_record(tx, revision, aside, (), (), author=author, now=now)


def _free_of_indexes(tx: Tx, table: str, column: str) -> None:
    for index in existing(tx).indexed(table, column):
        if index.startswith(OURS):
            tx.ddl(f'DROP INDEX "{index}"')


def _made_anew(tx: Tx, app: Application, one: Drift, revision: int) -> Aside:
    """Give a column its type again; every value that has one of that type is carried over, the others stay aside."""
    kept = reserved(revision, one.column)
    table = app.tables.metadata.tables[one.table]
    column = table.columns[one.column]
    was = existing(tx).columns[one.table][one.column]
    _free_of_indexes(tx, one.table, one.column)
    tx.ddl(f'ALTER TABLE "{one.table}" RENAME COLUMN "{one.column}" TO "{kept}"')
    text = str(CreateColumn(column).compile(dialect=dialect_of(app.dialect))).strip()
    tx.ddl(f'ALTER TABLE "{one.table}" ADD COLUMN {text}')
    value, test = _carried(f'"{kept}"', was, _family(app, column), tx.dialect)
    tx.run(prepare(sa.text(f'UPDATE "{one.table}" SET "{one.column}" = {value} WHERE {test}'), tx.dialect))
    return Aside(one.name, one.table, kept, "foreign")


def _carried(value: str, was: str, wanted: str, dialect: str) -> tuple[str, str]:
    """Return the value in its new type, and which rows have one."""
    text = f"CAST({value} AS TEXT)"
    if wanted == "integer":
        digits = f"{text} GLOB '[0-9]*' AND CAST(CAST({text} AS INTEGER) AS TEXT) = {text}"
        lite = f"({digits}) OR ({text} GLOB '-[0-9]*' AND CAST(CAST({text} AS INTEGER) AS TEXT) = {text})"
        if was == "boolean" and dialect == "postgresql":
            return f"CAST(CAST({value} AS INTEGER) AS BIGINT)", f"{value} IS NOT NULL"
        return (f"CAST({text} AS INTEGER)", lite) if dialect == "sqlite" else (
            f"CAST({text} AS BIGINT)", f"{text} ~ '^-?[0-9]{{1,18}}$'"
        )  # fmt: skip
    if wanted == "boolean":
        true, known = "('1', 'true', 't')", "('0', '1', 'true', 'false', 't', 'f')"
        return f"lower({text}) IN {true}", f"lower({text}) IN {known}"
    return text, f"{value} IS NOT NULL"
