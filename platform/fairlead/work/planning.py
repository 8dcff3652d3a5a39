"""What publishing a tree of files would do: compared by meaning, counted in the data, graded, sealed.

Making a plan writes nothing and holds no lock. `publishing` carries it out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import fairlead
from fairlead.base.clock import utc_now
from fairlead.base.problems import Problems
from fairlead.compiled.application import Application, compile_workspace
from fairlead.compiled.changes import GRADES, LAYOUT, Change, Grade, compare, files_changed
from fairlead.config import renamed as config_renames
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree
from fairlead.fields.spec import Field
from fairlead.store import ahead, dropping, identities, migrate, revisions
from fairlead.store.database import Database
from fairlead.store.dropping import Aside
from fairlead.store.renaming import operations as renaming_operations
from fairlead.store.statements import Reads
from fairlead.work import data_steps, dropped, references, renames, staffing
from fairlead.work.access_changes import NOBODY, AccessChanges, Compared, access_changes, compare_loaded
from fairlead.work.grounds import Earlier, field_at
from fairlead.work.migrating import study
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
    """What does not keep it from being published, of the documents and of the people they count on."""
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
    app: Application | None = field(default=None, compare=False, repr=False)
    """What the tables must fit when it has been carried out."""
    counted: tuple[Change, ...] = field(default=(), compare=False, repr=False)
    """Those of the changes that were looked at in the data."""
    carried: Mapping[tuple[str, str], Callable[[object], object]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """Entity and field → how a value that is kept elsewhere, as JSON, becomes a domain value of the new kind."""
    examine: Callable[[Reads], Sequence[Change]] | None = field(default=None, compare=False, repr=False)
    """Looks at the data again, in the transaction that carries the plan out, and grades the same changes (CF-22)."""

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
    steps = data_steps.pending(database, loaded.workspace)
    filling = steps if current else ()
    app = compile_workspace(
        data_steps.with_fills(loaded.workspace, filling), dialect=database.dialect, digest=tree.digest()
    )
    now = ahead.ground(database)
    renamed = _renames(database, before, loaded, back_to)
    renaming = renames.renaming_of(renamed, loaded, app)
    moved = dropped.moved(
        database, before=before.workspace if before else None, app=app, renames=renamed, renaming=renaming, now=now,
        base=current.number if current else 0,
        ways_back={} if back_to is None else renames.then_and_today(identities.since(database, back_to)),
    )  # fmt: skip
    renaming = moved.added_to(renaming)
    under_new_names = before
    if renamed and current:
        source = SourceTree.from_mapping(revisions.files(database, current.number))
        made = config_renames.under_new_names(source, renamed)
        under_new_names = load(made) if made is not None else before
    old = under_new_names.workspace if under_new_names else None
    base = current.number if current else 0
    differing = [*compare(old, loaded.workspace), *moved.displaced, *data_steps.changes(filling)]
    examine = partial(
        study, old=old, app=app, changes=differing, renaming=renaming, now=now, base=base,
        at=utc_now(), former=partial(renames.former_field, renamed),
        earlier={} if back_to is None else _kept_by_conversions(database, back_to),
    )  # fmt: skip
    found = examine(database)
    renaming = found.added_to(renaming)
    moves, then = renaming_operations(renaming, now)
    operations = [*moves, *found.arranged(app, migrate.differences(app, then)), *data_steps.remembered(steps)]
    changes = (*renames.changes_of(renamed, loaded), *found.changes)
    if current and not changes:
        # Comments and layout are part of the text too, though they mean nothing to the engine.
        changes = files_changed(revisions.files(database, current.number), tree.mapping(), LAYOUT)
    changes = moved.noted(changes, loaded.settings.keep_dropped_days)
    if changes:
        changes = (*changes, *references.unresolved(database, loaded.documents, first=current is None))
    return Plan(
        current.number if current else None, tree.digest(), now.fingerprint(), fairlead.__version__, tree.mapping(),
        changes, tuple(operations), Problems([*loaded.problems, *staffing.vacant(database, loaded.documents)]),
        renames.to_text(renamed, renaming, app, moved.identities, found.forms),
        _access(database, now, compare_loaded(before, under_new_names, loaded, tree, renamed)),
        reach(database, now, before, changes, renamed), sizes(database, now, operations),
        (*moved.aside, *found.aside), tuple(one.id for one in moved.restored), app,
        tuple(found.changes), found.carried(), lambda where: examine(where).changes,
    )  # fmt: skip


def _kept_by_conversions(database: Database, back_to: int) -> dict[tuple[str, str], Earlier]:
    """Return what conversions since `back_to` kept aside: by entity and field as they are called in that revision."""
    found: dict[tuple[str, str], Earlier] = {}
    steps = identities.since(database, back_to)
    today = {new: old for old, new in renames.then_and_today(steps).items()}
    asides = [
        one
        for one in dropping.aside(database)
        if one.reason == "converted" and one.revision > back_to and one.column is not None
    ]
    past = _Past(
        database, steps, {one.revision for one in asides} | {one.revision for one in steps if one.forms}
    )
    for one in asides:
        entity, *names = one.name.split(".")
        path = ("entity", entity, *(part for name in names for part in ("fields", name)))
        conversions = past.conversions(path, one.revision)
        for step in steps:
            path = step.forth(path) if step.revision > one.revision else path
        path = today.get(path, path)
        if conversions:
            found.setdefault((path[1], ".".join(path[3::2])), Earlier(one, conversions))
    return found


class _Past:
    """The fields of former revisions, read where values were converted."""

    def __init__(self, database: Database, steps: Sequence[identities.Step], converting: set[int]) -> None:
        self.database = database
        self.steps = {one.revision: one for one in steps}
        self.converting = converting
        self.loaded: dict[int, Loaded | None] = {}

    def conversions(self, path: tuple[str, ...], first: int) -> tuple[tuple[Field, Field], ...]:
        """Return what a field was before and after each conversion from `first` on, which calls it `path`."""
        found = []
        for number in sorted({*self.steps, *self.converting}):
            if number < first:
                continue
            step = self.steps.get(number)
            before = step.back(path) if step and number == first else path
            if number > first and step:
                path = step.forth(path)
            if number in self.converting:
                was, now = self._field(number - 1, before), self._field(number, path)
                if was is None or now is None:
                    return ()
                found.append((was, now))
        return tuple(found)

    def _field(self, number: int, path: tuple[str, ...]) -> Field | None:
        if number not in self.loaded:
            self.loaded[number] = _loaded(self.database, number)
        loaded = self.loaded[number]
        if loaded is None or loaded.workspace is None:
            return None
        return field_at(loaded.workspace, path[1], ".".join(path[3::2]))


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


def worse(where: Reads, planned: Plan) -> list[Change]:
    """Return the changes that the data of now give a graver grade than those that the plan was made on."""
    if planned.examine is None:
        return []
    again = planned.examine(where)
    return [
        now
        for then, now in zip(planned.counted, again, strict=True)
        if GRADES.index(now.grade) > GRADES.index(then.grade)
    ]
