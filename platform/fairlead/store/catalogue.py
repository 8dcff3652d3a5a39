"""What a database has now, read from its own catalogue: tables, columns, indexes, triggers.

An index is known by what it says and not by its name, because a rename leaves the name behind (SQLite cannot change
it at all) and a name alone does not tell whether the index still serves the column it was made for.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from fairlead.compiled.statement import prepare
from fairlead.store.statements import Reads


@dataclass(frozen=True, slots=True)
class Existing:
    """What a database has now."""

    columns: Mapping[str, Mapping[str, str]]
    """Table → column → family of stored type: `text`, `integer`, `boolean`, `search`."""
    indexes: Mapping[str, frozenset[str]]
    """Table → names of its indexes."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """Index → what it says, in the form of `definition`."""
    triggers: frozenset[str] = frozenset()
    unfinished: frozenset[str] = frozenset()
    """PostgreSQL: indexes whose building beside the writers was cut short; they serve nobody."""

    def fingerprint(self) -> str:
        """Return a digest over all of it; a plan is sealed against a database that has changed since (CF-22)."""
        text = repr(sorted((t, sorted(c.items())) for t, c in self.columns.items()))
        text += repr(sorted((t, sorted(i)) for t, i in self.indexes.items()))
        text += repr(sorted(self.definitions.items())) + repr(sorted(self.triggers))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def indexed(self, table: str, column: str) -> list[str]:
        """Return the indexes of `table` that mention `column`."""
        word = re.compile(rf"\b{re.escape(column)}\b")
        return sorted(
            name for name in self.indexes.get(table, ()) if word.search(self.definitions.get(name, ""))
        )


_SQLITE_COLUMNS = prepare(
    sa.text(
        "SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c "
        "WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'"
    ),
    "sqlite",
)
_SQLITE_INDEXES = prepare(
    sa.text("SELECT tbl_name, name, sql, 1 FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"),
    "sqlite",
)
_SQLITE_VIRTUAL = prepare(
    sa.text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"), "sqlite"
)
_SQLITE_TRIGGERS = prepare(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'"), "sqlite")
_PG_COLUMNS = prepare(
    sa.text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE table_schema = current_schema()"
    ),
    "postgresql",
)
_PG_INDEXES = prepare(
    sa.text(
        "SELECT t.relname, i.relname, pg_get_indexdef(x.indexrelid), x.indisvalid FROM pg_index x "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid "
        "WHERE t.relnamespace = CAST(current_schema() AS regnamespace)"
    ),
    "postgresql",
)
_PG_TRIGGERS = prepare(
    sa.text(
        "SELECT g.tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid "
        "WHERE NOT g.tgisinternal AND t.relnamespace = CAST(current_schema() AS regnamespace)"
    ),
    "postgresql",
)


def existing(where: Reads) -> Existing:
    """Return what the database has now."""
    lite = where.dialect == "sqlite"
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in where.all(_SQLITE_COLUMNS if lite else _PG_COLUMNS):
        columns.setdefault(table, {})[column] = family(kind)
    if lite:
        for (table,) in where.all(_SQLITE_VIRTUAL):
            columns[table] = {"terms": "text"}
    indexes: dict[str, set[str]] = {}
    definitions: dict[str, str] = {}
    unfinished: set[str] = set()
    for table, index, text, valid in where.all(_SQLITE_INDEXES if lite else _PG_INDEXES):
        indexes.setdefault(table, set()).add(index)
        definitions[index] = definition(text)
        if not valid:
            unfinished.add(index)
    triggers = frozenset(row[0] for row in where.all(_SQLITE_TRIGGERS if lite else _PG_TRIGGERS))
    return Existing(
        columns, {table: frozenset(names) for table, names in indexes.items()}, definitions, triggers,
        frozenset(unfinished),
    )  # fmt: skip


def family(kind: str) -> str:
    """Return the family of a stored type by the name that a database gives it."""
    low = kind.lower()
    if "bool" in low:
        return "boolean"
    if "int" in low:
        return "integer"
    if "tsvector" in low:
        return "search"
    return "text"


_INDEX = re.compile(
    r"CREATE\s+(UNIQUE\s+)?INDEX\s+(?:IF NOT EXISTS\s+)?\S+\s+ON\s+(?:ONLY\s+)?[^\s(]+\s*(.*)", re.S
)
_USING = re.compile(r"using\s+(\w+)")
_CAST = re.compile(r"cast\s*\(\s*(\w+)\s+as\s+text\s*\)")
_NOISE = re.compile(r"[()\s]+")


def definition(sql: str) -> str:
    """Return what a CREATE INDEX says, the same for our text and for what either database makes of it.

    The names of the index and of its table are left out; columns stay words of their own.
    """
    found = _INDEX.match(sql.replace('"', ""))
    if found is None:
        return sql
    unique, text = found[1], found[2].lower()
    using = _USING.match(text)
    kind = using[1] if using else "btree"
    text = _CAST.sub(r"\1", text[using.end() :] if using else text)
    text = text.replace("::text", "").replace(" asc ", " ").replace(" asc,", ",")
    return f"{'unique ' if unique else ''}{kind}:{_NOISE.sub(' ', text).replace(' ,', ',').strip()}"
