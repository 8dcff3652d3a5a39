"""The application: a workspace made ready to run. It is a cache; what is stored is the revision's text."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fairlead.compiled.access import EntityAccess, build_access, with_inherited
from fairlead.compiled.clauses import Clauses
from fairlead.compiled.machines import Machine, build_machine
from fairlead.compiled.reads import EntityReads
from fairlead.compiled.reports import CompiledReport, build_report
from fairlead.compiled.statement import Prepared, prepare
from fairlead.compiled.tables import EntityTables, Tables, build_tables
from fairlead.compiled.totals import Totals, build_totals
from fairlead.compiled.triggers import Triggers, build_triggers
from fairlead.compiled.writes import EntityWrites
from fairlead.expr.check import Expression
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity
from fairlead.model.workflows import Approval, Pool
from fairlead.model.workspace import Workspace

SYSTEM_ROLES: tuple[str, ...] = ("\x00system",)
"""Stands for the engine itself, which passes every row scope."""


@dataclass(frozen=True)
class CompiledEntity:
    """One entity with everything that its requests need."""

    entity: Entity
    tables: EntityTables
    writes: EntityWrites
    machine: Machine | None
    pools: tuple[Pool, ...]
    approvals: tuple[Approval, ...]
    search_fields: tuple[str, ...]
    formulas: tuple[str, ...]
    """Computed fields in the order in which they must be worked out."""
    totals: tuple[Totals, ...]
    numbered: tuple[Field, ...]
    """Fields that take a document number."""
    duplicates: bool

    @property
    def name(self) -> str:
        """The entity's name."""
        return self.entity.name

    def field(self, name: str) -> Field:
        """Return a field; KeyError when there is none."""
        return self.entity.fields[name]


@dataclass
class Application:
    """A compiled workspace of one revision for one kind of database. Shared by all threads."""

    workspace: Workspace
    revision: int
    digest: str
    dialect: str
    tables: Tables
    clauses: Clauses
    entities: Mapping[str, CompiledEntity]
    triggers: Triggers
    _access: dict[tuple[str, tuple[str, ...]], EntityAccess] = field(default_factory=dict, repr=False)
    _reads: dict[tuple[str, tuple[str, ...]], EntityReads] = field(default_factory=dict, repr=False)
    _reports: dict[tuple[str, tuple[str, ...]], CompiledReport] = field(default_factory=dict, repr=False)
    _statements: dict[object, Prepared] = field(default_factory=dict, repr=False)
    _memo: dict[object, Any] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def entity(self, name: str) -> CompiledEntity | None:
        """Return an entity, or None when there is none of that name."""
        return self.entities.get(name)

    def access(self, entity: str, roles: tuple[str, ...]) -> EntityAccess:
        """Return what people with `roles` may do with `entity`; compiled once per set of roles."""
        key = (entity, roles)
        found = self._access.get(key)
        if found is None:
            found = self._access[key] = build_access(
                self.workspace,
                self.tables.by_entity[entity],
                roles,
                self.clauses,
                system=roles == SYSTEM_ROLES,
            )
        return found

    def reads(self, entity: str, roles: tuple[str, ...]) -> EntityReads:
        """Return the select statements over `entity` for people with `roles`."""
        key = (entity, roles)
        found = self._reads.get(key)
        if found is None:
            found = self._reads[key] = EntityReads(
                self.tables.by_entity[entity], self.access(entity, roles), self.clauses, self.dialect
            )
        return found

    def report(self, name: str, roles: tuple[str, ...]) -> CompiledReport:
        """Return the statements of a report for people with `roles`."""
        key = (name, roles)
        found = self._reports.get(key)
        if found is None:
            report = self.workspace.reports[name]
            found = self._reports[key] = build_report(
                self.workspace, report, self.tables, self.access(report.entity, roles), self.clauses, self.dialect,
                self.entities[report.entity].totals, lambda other: self.access(other, roles),
            )  # fmt: skip
        return found

    def statement(self, key: object, build: Any) -> Prepared:
        """Return a statement of this application, built by `build()` when it is first asked for."""
        found = self._statements.get(key)
        if found is None:
            found = self._statements[key] = prepare(build(), self.dialect)
        return found

    def memo(self, key: object, build: Any) -> Any:
        """Return a value that depends on the configuration alone, worked out when first asked for."""
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) > 5000:  # filters come from requests; what is not used again may go
                self._memo.clear()
            found = self._memo[key] = build()
        return found

    def capabilities(self, roles: tuple[str, ...]) -> frozenset[str]:
        """Return the engine's own rooms that `roles` open: people, configuration, jobs, ..."""
        found: frozenset[str] = frozenset()
        for role in with_inherited(self.workspace, roles):
            found |= role.capabilities
        return found


def compile_workspace(
    workspace: Workspace, *, dialect: str, revision: int = 0, digest: str = ""
) -> Application:
    """Return the application of a checked workspace. Nothing in it depends on data."""
    tables = build_tables(workspace, dialect)
    clauses = Clauses(workspace, tables)
    entities = {name: _compile_entity(workspace, name, tables) for name in workspace.entities}
    return Application(
        workspace, revision, digest, dialect, tables, clauses, entities, build_triggers(workspace)
    )


def _compile_entity(workspace: Workspace, name: str, tables: Tables) -> CompiledEntity:
    entity = workspace.entities[name]
    pipeline = workspace.pipeline_of(name)
    mine = tables.by_entity[name]
    from fairlead.compiled.tables import searchable

    return CompiledEntity(
        entity=entity,
        tables=mine,
        writes=EntityWrites(mine, tables.dialect),
        machine=build_machine(workspace, pipeline) if pipeline else None,
        pools=workspace.pools_of(name),
        approvals=workspace.approvals_of(name),
        search_fields=tuple(found.name for found in searchable(entity)),
        formulas=computed_order(entity.fields),
        totals=build_totals(workspace, name, mine, tables.dialect),
        numbered=tuple(found for found in entity.fields.values() if found.kind == "sequence"),
        duplicates=bool(entity.duplicates),
    )


def computed_order(fields: Mapping[str, Field]) -> tuple[str, ...]:
    """Return the computed fields so that each comes after those it reads."""
    computed = {name: f for name, f in fields.items() if f.computed}
    done: list[str] = []

    def visit(name: str, trail: tuple[str, ...]) -> None:
        if name in done or name not in computed or name in trail:
            return
        for needed in reads_of(computed[name]):
            visit(needed, (*trail, name))
        done.append(name)

    for name in computed:
        visit(name, ())
    return tuple(done)


def reads_of(found: Field) -> set[str]:
    """Return the fields of the same record that a computed field reads."""
    if found.rollup is not None:
        return {found.rollup.source}
    if isinstance(found.formula, Expression):
        return {path[0] for path in found.formula.uses if path}
    return set()
