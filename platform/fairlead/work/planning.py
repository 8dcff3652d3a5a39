"""What publishing a tree of files would do: compared by meaning, counted in the data, graded, sealed.

Making a plan writes nothing and holds no lock. `publishing` carries it out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

import fairlead
from fairlead.base.clock import utc_now
from fairlead.base.problems import Problems
from fairlead.compiled.application import Application, compile_workspace
from fairlead.compiled.changes import GRADES, Change, Grade, compare
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name, table_name
from fairlead.config import renamed as config_renames
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree
from fairlead.store import identities, migrate, revisions
from fairlead.store.database import Database, Tx
from fairlead.store.dropping import Aside
from fairlead.store.renaming import operations as renaming_operations
from fairlead.work import dropped, renames
from fairlead.work.access_changes import NOBODY, AccessChanges, Compared, access_changes, compare_loaded
from fairlead.work.reach import Reach, reach, sizes


class Broken(Exception):
    """The documents have errors; nothing can be planned until they are mended."""

    def __init__(self, problems: Problems) -> None:
        super().__init__(problems.render())
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing a tree of files would do."""

    base: int | None
    digest: str
    fingerprint: str
    engine: str
    files: Mapping[str, str]
    changes: tuple[Change, ...]
    operations: tuple[migrate.Operation, ...]
    warnings: Problems
    identities: str | None = None
    """What is renamed, as the revision keeps it."""
    access: AccessChanges = NOBODY
    """Who gains and who loses what."""
    reach: tuple[Reach, ...] = ()
    """How many records, people and things under way each change concerns."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Rows of each table that an operation touches."""
    aside: tuple[Aside, ...] = ()
    """What goes out of sight and is kept."""
    restored: tuple[str, ...] = ()
    """Ids of what was kept aside and comes back."""
    asked: tuple[Change, ...] = field(default=(), compare=False, repr=False)
    """The changes whose grade rests on the data, as they were before anything was counted."""
    app: Application | None = field(default=None, compare=False, repr=False)
    """What the tables must fit when it has been carried out."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes and not self.operations

    @property
    def grade(self) -> Grade:
        """The gravest grade of all changes."""
        return max((change.grade for change in self.changes), key=GRADES.index, default="safe")

    @property
    def seal(self) -> str:
        """A digest over everything the plan rests on."""
        text = json.dumps([self.base, self.digest, self.fingerprint, self.engine])
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def plan(database: Database, tree: SourceTree, *, back_to: int | None = None) -> Plan:
    """Return what publishing `tree` would change; writes nothing.

    Args:
        back_to: The revision whose documents these are, when they are published again.

    Raises:
        Broken: The documents have errors.
    """
    loaded = load(tree)
    if loaded.workspace is None:
        raise Broken(loaded.problems)
    current = revisions.current(database)
    before = _loaded(database, current.number) if current else None
    app = compile_workspace(loaded.workspace, dialect=database.dialect, digest=tree.digest())
    now = migrate.existing(database)
    renamed = _renames(database, before, loaded, back_to)
    renaming = renames.renaming_of(renamed, loaded, app)
    moved = dropped.moved(
        database, before=before.workspace if before else None, app=app, renames=renamed, renaming=renaming, now=now,
        base=current.number if current else 0,
        ways_back={} if back_to is None else renames.then_and_today(identities.since(database, back_to)),
    )  # fmt: skip
    renaming = moved.added_to(renaming)
    moves, then = renaming_operations(renaming, now)
    operations = [*moves, *migrate.differences(app, then)]
    under_new_names = before
    if renamed and current:
        source = SourceTree.from_mapping(revisions.files(database, current.number))
        made = config_renames.under_new_names(source, renamed)
        under_new_names = load(made) if made is not None else before
    old = under_new_names.workspace if under_new_names else None
    compared = [
        replace(change, question=renames.asked_before(change.question, renamed))
        for change in compare(old, loaded.workspace)
    ]
    changes = tuple(renames.changes_of(renamed, loaded)) + tuple(
        _counted(database, change, now) for change in compared
    )
    changes += tuple(_other_files(database, tree, current.number) if current and not changes else ())
    changes = moved.noted(changes, loaded.settings.keep_dropped_days)
    return Plan(
        current.number if current else None, tree.digest(), now.fingerprint(), fairlead.__version__, tree.mapping(),
        changes, tuple(operations), loaded.problems, renames.to_text(renamed, renaming, app, moved.identities),
        _access(database, now, compare_loaded(before, under_new_names, loaded, tree, renamed)),
        reach(database, now, before, changes, renamed), sizes(database, now, operations),
        tuple(moved.aside), tuple(one.id for one in moved.restored),
        tuple(change for change in compared if change.question), app,
    )  # fmt: skip


def _access(database: Database, now: migrate.Existing, compared: Compared | None) -> AccessChanges:
    return NOBODY if compared is None else access_changes(database, now, compared, utc_now())


def _renames(
    database: Database, before: Loaded | None, after: Loaded, back_to: int | None
) -> tuple[config_renames.Rename, ...]:
    if before is None:
        return ()
    if back_to is None:
        earlier = {one for step in identities.since(database) for one in _former_names(step)}
        renames.warn_of_stale(after, before, frozenset(earlier), after.problems)
        return config_renames.detect(before.documents, after.documents)
    return tuple(
        one
        for one in renames.backwards(identities.since(database, back_to))
        if config_renames.exists(before.documents, one.old)
        and config_renames.exists(after.documents, one.new)
    )


def _former_names(step: identities.Step) -> list[tuple[str, ...]]:
    return [path for old, new in step.renames for path in (old, (*new[:-1], old[-1]))]


def _other_files(database: Database, tree: SourceTree, number: int) -> list[Change]:
    """Comments and layout are part of the text too, though they mean nothing to the engine."""
    before, after = revisions.files(database, number), tree.mapping()
    return [
        Change("change", ("file", path), "safe", None, None, None, "only comments or layout")
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _loaded(database: Database, number: int) -> Loaded | None:
    files = revisions.files(database, number)
    return load(SourceTree.from_mapping(files)) if files else None


def plan_rollback(database: Database, number: int) -> Plan:
    """Return the plan that brings the documents of an earlier revision back as a new one.

    Raises:
        LookupError: There is no such revision.
    """
    files = revisions.files(database, number)
    if not files:
        raise LookupError(f"There is no revision {number}.")
    return plan(database, SourceTree.from_mapping(files), back_to=number)


_LIVE = "SELECT count(*) FROM {table} WHERE deleted_at IS NULL"

_ASK: dict[str, tuple[str, str, str | None]] = {
    "records": (_LIVE, "records: {n}", None),
    "values": ("SELECT count({column}) FROM {table}", "values: {n}", None),
    "empty": (
        _LIVE + " AND {column} IS NULL",
        "records that are empty there: {n}; they may stay so until they are edited",
        None,
    ),
    "doubles": (
        (
            "SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {column} IS NOT NULL AND deleted_at IS NULL "
            "GROUP BY {column} HAVING count(*) > 1) AS twice"
        ),
        "values that stand in several records: {n}; merge them first",
        "blocked",
    ),
    "option": (
        "SELECT count(*) FROM {table} WHERE {column} = :p_value",
        "records that have it: {n}; set `active: false` instead",
        "blocked",
    ),
    "in_stage": (
        _LIVE + " AND stage = :p_value",
        "records that stand in it: {n}; move them first",
        "blocked",
    ),
    "pooled": (_LIVE + " AND pool = :p_value", "records that lie in it: {n}; move them first", "blocked"),
    "people": (
        "SELECT count(*) FROM sys_user WHERE active AND roles LIKE '%\"' || :p_value || '\"%'",
        "people who have it: {n}; give them another role first",
        "blocked",
    ),
    "running": (
        "SELECT count(*) FROM sys_approval WHERE flow = :p_value AND state IN ('running', 'returned', 'suspended')",
        "approvals under way: {n}; they finish as they began",
        None,
    ),
}
"""Question → (what to count, how to say it, the grade when there are any)."""


def worse(where: Database | Tx, planned: Plan) -> list[Change]:
    """Return the changes of a plan that the data of now do not allow any more (CF-22)."""
    now = migrate.existing(where) if planned.asked else None
    again = [_counted(where, change, now) for change in planned.asked] if now else []
    return [change for change in again if change.grade == "blocked"]


def _counted(database: Database | Tx, change: Change, now: migrate.Existing) -> Change:
    """Add to a change how much data it touches; some changes are blocked when it touches any."""
    if not change.question:
        return change
    what, subject, *more = change.question
    sql, note, grade = _ASK[what]
    table, column = table_name(subject), column_name(more[0]) if more else ""
    value = subject if what in ("people", "running") else (more[-1] if more else "")
    if "{table}" in sql and table not in now.columns:
        return change
    if "{column}" in sql and column not in now.columns.get(table, {}):
        return change
    text = sql.format(table=f'"{table}"', column=f'"{column}"')
    statement = sa.text(text)
    if ":p_value" in text:
        statement = statement.bindparams(sa.bindparam("p_value", required=True, type_=sa.Text()))
    row = database.one(prepare(statement, database.dialect), {"p_value": value})
    count = int(row[0]) if row else 0
    if what == "values" and change.grade == "blocked" and count == 0:
        return replace(change, grade="safe", note="no values exist")
    if count == 0:
        return change
    full = "; ".join(filter(None, (note.format(n=f"{count:,}"), change.note)))
    return replace(change, grade=grade or change.grade, note=full)  # type: ignore[arg-type]
