"""Is the database what the published configuration says, and do the things kept beside the records agree with them?

Each check is a function from a context to findings; one that can be mended says so, and `mend` does it. Nothing here
touches a value that a person wrote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa

from fairlead.base.clock import iso_utc
from fairlead.base.errors import Invalid
from fairlead.compiled.application import SYSTEM_ROLES, CompiledEntity, computed_order
from fairlead.compiled.search import index_terms
from fairlead.compiled.statement import prepare
from fairlead.compiled.tables import column_name, lines_name, table_name
from fairlead.compiled.totals import Totals, rebuild_statements
from fairlead.decide.edit import compute
from fairlead.expr.evaluate import Env
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import approvals, health, jobs, migrate, people, settings
from fairlead.store.database import Database, Row, Tx
from fairlead.store.statements import Once, n, p, word
from fairlead.store.system import approval, job, occurrence, stage_visit, system
from fairlead.work.context import Context
from fairlead.work.records import read_lines

Level = Literal["error", "note"]

SAMPLE = 200
LATE = timedelta(minutes=10)
"""Work that was due so long ago has nobody who does it."""

_ENGINE_ACTORS = "'system'"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be.

    Attributes:
        code: Stable, for programs.
        level: An `error` needs somebody; a `note` is worth knowing.
        mend: Whether `mend` can put it right.
        about: What it is about: a table, an entity, a rule, a person.
        mended: Whether it has been put right.
    """

    code: str
    level: Level
    about: str
    message: str
    mend: bool = False
    mended: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "code": self.code, "level": self.level, "about": self.about, "message": self.message,
            "mendable": self.mend, "mended": self.mended,
        }  # fmt: skip


def examine(ctx: Context, *, sample: int = SAMPLE) -> list[Finding]:
    """Return everything that is wrong or worth knowing.

    Args:
        ctx: The engine's own; the application in force.
        sample: How many of the newest records of each entity are worked out anew.
    """
    found = list(_structure(ctx))
    if any(one.level == "error" for one in found):
        # The other checks read these tables; half of them would only fail in other words.
        return found
    for check in CHECKS:
        found += check(ctx)
    for entity in ctx.app.entities.values():
        found += _sample(ctx, entity, sample)
    return found


def mend(ctx: Context, found: Sequence[Finding]) -> list[Finding]:
    """Put right what can be; return the findings with those marked.

    Each kind of repair is one transaction, so that a failure leaves the rest done.
    """
    done: set[str] = set()
    for code, repair in _REPAIRS.items():
        if any(one.code == code and one.mend for one in found):
            repair(ctx, frozenset(one.about for one in found if one.code == code))
            done.add(code)
    return [replace(one, mended=True) if one.mend and one.code in done else one for one in found]


# ---------------------------------------------------------------- tables


def _structure(ctx: Context) -> Iterator[Finding]:
    now = migrate.existing(ctx.database)
    kinds = {
        "create_table": "The table {name} is missing.",
        "add_column": "The column {table}.{name} is missing.",
        "create_index": "The index {name} on {table} is missing.",
        "drop_index": "The index {name} on {table} belongs to no document.",
        "create_search": "The table {name} of search terms is missing.",
        "rebuild_totals": "The kept totals in {table} do not have the shape that the reports need.",
    }
    for operation in migrate.differences(ctx.app, now):
        text = kinds[operation.kind].format(table=operation.table, name=operation.name)
        yield Finding("structure", "error", operation.table, text, mend=True)
    yield from _engine_tables(now)
    yield from _foreign(ctx, now)


def _engine_tables(now: migrate.Existing) -> Iterator[Finding]:
    for table in system.sorted_tables:
        have = now.columns.get(table.name)
        if have is None:
            yield Finding(
                "engine-table", "error", table.name, f"The engine's table {table.name} is missing.", mend=True
            )
            continue
        missing = [column.name for column in table.columns if column.name not in have]
        missing += [
            str(index.name) for index in table.indexes if index.name not in now.indexes.get(table.name, ())
        ]
        if missing:
            text = f"The engine's table {table.name} lacks {', '.join(missing)}."
            yield Finding("engine-table", "error", table.name, text, mend=True)


def _foreign(ctx: Context, now: migrate.Existing) -> Iterator[Finding]:
    wanted = {
        table.name: {column.name for column in table.columns}
        for table in ctx.app.tables.metadata.tables.values()
    }
    search = {str(tables.search_table) for tables in ctx.app.tables.by_entity.values()}
    for name, columns in sorted(now.columns.items()):
        if name in wanted:
            for column in sorted(columns.keys() - wanted[name]):
                text = f"The column {name}.{column} belongs to no field any more; its values are kept for a rollback."
                yield Finding("foreign-column", "note", f"{name}.{column}", text)
        elif name.startswith("e_"):
            text = f"The table {name} belongs to no entity any more; its records are kept for a rollback."
            yield Finding("foreign-table", "note", name, text)
        elif not name.startswith(("sys_", "t_", "s_", "sqlite_")) and name not in search:
            yield Finding("foreign-table", "note", name, f"The table {name} is not Fairlead's.")


def _mend_structure(ctx: Context, _about: frozenset[str]) -> None:
    with ctx.database.write() as tx:
        migrate.apply(tx, migrate.differences(ctx.app, migrate.existing(tx)))


def _mend_engine(ctx: Context, about: frozenset[str]) -> None:
    if "sys_setting" not in about:
        with ctx.database.write() as tx:
            settings.drop(tx, "system")  # the mark that says "all there"
    migrate.prepare_system(ctx.database)


def _damage(ctx: Context) -> Iterator[Finding]:
    """Ask SQLite whether its file is sound; PostgreSQL has checksums and tools of its own."""
    if ctx.database.dialect != "sqlite":
        return
    for (text,) in ctx.database.all(prepare(sa.text("PRAGMA quick_check(20)"), "sqlite")):
        if text != "ok":
            yield Finding("damaged-file", "error", "database", f"The database file is damaged: {text}")
    counted = Counter(
        (row[0], row[2]) for row in ctx.database.all(prepare(sa.text("PRAGMA foreign_key_check"), "sqlite"))
    )
    for (table, parent), count in sorted(counted.items()):
        text = f"Pointing at nothing in {parent}: {_many(count, 'row')} of {table}."
        yield Finding("loose-row", "error", table, text)


# ---------------------------------------------------------------- what is kept beside the records


def _totals(ctx: Context) -> Iterator[Finding]:
    for entity in ctx.app.entities.values():
        for totals in entity.totals:
            wrong = differing(ctx.database, entity, totals)
            if wrong:
                text = (
                    f"The kept totals of {entity.name} differ from its records in {_many(wrong, 'row')}; "
                    "reports over them are wrong."
                )
                yield Finding("totals", "error", entity.name, text, mend=True)


def differing(where: Database | Tx, entity: CompiledEntity, totals: Totals) -> int:
    """Return how many combinations of kept totals are not what the records add up to."""
    _, fill = rebuild_statements(totals, entity.tables)
    kept = sa.select(*totals.table.columns, sa.literal_column("0"))
    true = fill.select.add_columns(sa.literal_column("1"))
    width = len(totals.keys)
    sides: tuple[dict[Row, Row], dict[Row, Row]] = ({}, {})
    # One statement sees one state of the database, though people go on working.
    for *values, side in where.all(prepare(sa.union_all(kept, true), where.dialect)):
        numbers = tuple(int(value) for value in values[width:])
        if any(numbers):
            sides[side][tuple(values[:width])] = numbers
    return sum(sides[0].get(key) != sides[1].get(key) for key in sides[0].keys() | sides[1].keys())


def _mend_totals(ctx: Context, about: frozenset[str]) -> None:
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            for totals in entity.totals:
                if tx.dialect == "postgresql":
                    # Whoever has changed totals and not yet committed is waited for; whoever comes next adds to ours.
                    tx.ddl(f'LOCK TABLE "{totals.table.name}" IN EXCLUSIVE MODE')
                for statement in rebuild_statements(totals, entity.tables):
                    tx.run(prepare(statement, tx.dialect))


def _search(ctx: Context) -> Iterator[Finding]:
    for entity in ctx.app.entities.values():
        count = _count(ctx, f"SELECT count(*) FROM {_without_terms(entity)}")
        if count:
            text = f"Not to be found by their words: {_many(count, 'record')} of {entity.name}."
            yield Finding("search-missing", "error", entity.name, text, mend=True)
        loose = _loose_terms(entity)
        if loose and (count := _count(ctx, f"SELECT count(*) FROM {loose}")):
            text = f"Search terms of {entity.name} that lead to no record: {count:,}."
            yield Finding("search-loose", "error", entity.name, text, mend=True)


def _without_terms(entity: CompiledEntity) -> str:
    table, search = entity.tables.main.name, entity.tables.search_table
    if search is None:
        return f'"{table}" WHERE search IS NULL AND deleted_at IS NULL'
    return f'"{table}" WHERE deleted_at IS NULL AND rowno NOT IN (SELECT rowid FROM {search})'


def _loose_terms(entity: CompiledEntity) -> str | None:
    table, search = entity.tables.main.name, entity.tables.search_table
    return None if search is None else f'{search} WHERE rowid NOT IN (SELECT rowno FROM "{table}")'


def _mend_missing_terms(ctx: Context, about: frozenset[str]) -> None:
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            ids = tx.all(prepare(sa.text(f"SELECT id FROM {_without_terms(entity)}"), tx.dialect))
            _index(tx, ctx, entity, [str(row[0]) for row in ids])


def _mend_loose_terms(ctx: Context, about: frozenset[str]) -> None:
    for name in sorted(about):
        loose = _loose_terms(ctx.app.entities[name])
        with ctx.database.write() as tx:
            tx.run(prepare(sa.text(f"DELETE FROM {loose}"), tx.dialect))


def _index(tx: Tx, ctx: Context, entity: CompiledEntity, ids: Sequence[str]) -> None:
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    load = reads.load(())
    for key in ids:
        row = tx.one(load, {**ctx.params(), "p_id": key})
        if row is None:
            continue
        terms = _terms(entity, reads.decode_all(row), tx.dialect)
        for statement in entity.writes.index_search():
            tx.run(statement, {"p_id": key, "p_terms": terms})


def _terms(entity: CompiledEntity, record: Mapping[str, Any], dialect: str) -> str:
    texts = []
    for name in entity.search_fields:
        spec, value = entity.field(name), record.get(name)
        if value is not None and (text := kind_of(spec).search_text(value, spec)):
            texts.append(text)
    return index_terms(texts, dialect)


# ---------------------------------------------------------------- stages


_VISITED = Once(lambda _: sa.select(stage_visit.c.entity, sa.func.count()).group_by(stage_visit.c.entity))


def _stages(ctx: Context) -> Iterator[Finding]:
    for name, count in ctx.database.all(_VISITED.on(ctx.database)):
        entity = ctx.app.entities.get(name)
        if entity is None:
            text = f"Stays in a stage of {name}, which is no entity any more: {count:,}."
            yield Finding("visit-foreign", "note", name, text)
            continue
        loose = _count(
            ctx, f"SELECT count(*) FROM sys_stage_visit v WHERE v.entity = '{name}' AND NOT EXISTS "
            f'(SELECT 1 FROM "{table_name(name)}" r WHERE r.id = v.record_id)',
        )  # fmt: skip
        if loose:
            text = (
                f"Stays in a stage of {name} that belong to no record, and are counted by reports: {loose:,}."
            )
            yield Finding("visit-loose", "error", name, text)
    for entity in ctx.app.entities.values():
        if entity.machine is None:
            continue
        table, name = entity.tables.main.name, entity.name
        known = ", ".join(f"'{stage}'" for stage in entity.machine.stages)
        for stage, count in ctx.database.all(prepare(sa.text(
            f'SELECT stage, count(*) FROM "{table}" WHERE deleted_at IS NULL '
            f"AND (stage IS NULL OR stage NOT IN ({known})) GROUP BY stage ORDER BY stage"), ctx.database.dialect)):  # fmt: skip
            where = (
                "Without a stage"
                if stage is None
                else f"In the stage {stage!r}, which the pipeline does not have"
            )
            yield Finding("stage-unknown", "error", name, f"{where}: {_many(count, 'record')} of {name}.")
        unvisited = _count(
            ctx, f'SELECT count(*) FROM "{table}" r WHERE r.deleted_at IS NULL AND r.stage IS NOT NULL AND NOT EXISTS '
            "(SELECT 1 FROM sys_stage_visit v WHERE v.record_id = r.id AND v.left_at IS NULL AND v.stage = r.stage)",
        )  # fmt: skip
        if unvisited:
            text = f"In a stage that the history says they never entered: {_many(unvisited, 'record')} of {name}."
            yield Finding("visit-missing", "error", name, text)


# ---------------------------------------------------------------- references


def _references(ctx: Context) -> Iterator[Finding]:
    for entity in ctx.app.entities.values():
        table = entity.tables.main.name
        for spec in entity.entity.fields.values():
            if spec.kind == "table":
                rows = lines_name(entity.name, spec.name)
                for column in spec.fields.values():
                    yield from _loose(ctx, rows, column, f"{entity.name}.{spec.name}.{column.name}", "")
            elif spec.name not in ("created_by", "updated_by"):
                yield from _loose(ctx, table, spec, f"{entity.name}.{spec.name}", "r.deleted_at IS NULL AND ")


def _loose(ctx: Context, table: str, spec: Field, about: str, alive: str) -> Iterator[Finding]:
    column = f'r."{column_name(spec.name)}"'
    targets: list[tuple[str, str, str]] = []
    if spec.kind in ("user", "team"):
        targets.append((f"sys_{spec.kind}", column, alive))
    elif spec.kind == "reference":
        for name in spec.params.get("entities") or ():
            prefix = f"{name}:"
            some = f"{alive}substr({column}, 1, {len(prefix)}) = '{prefix}' AND "
            targets.append((table_name(name), f"substr({column}, {len(prefix) + 1})", some))
        if spec.params.get("entity"):
            targets.append((table_name(spec.params["entity"]), column, alive))
    for target, key, where in targets:
        count = _count(
            ctx, f'SELECT count(*) FROM "{table}" r WHERE {where}{column} IS NOT NULL AND {column} <> {_ENGINE_ACTORS} '
            f'AND NOT EXISTS (SELECT 1 FROM "{target}" x WHERE x.id = {key})',
        )  # fmt: skip
        if count:
            text = f"Values of {about} that lead to nothing in {target}: {count:,}."
            yield Finding("reference-loose", "error", about, text)


# ---------------------------------------------------------------- work in the background


_STUCK = Once(
    lambda _: (
        sa.select(job.c.state, job.c.kind, job.c.rule, sa.func.count())
        .where(sa.or_(*(job.c.state == word(state) for state in jobs.STUCK)))
        .group_by(job.c.state, job.c.kind, job.c.rule)
        .order_by(job.c.kind, job.c.rule, job.c.state)
    )
)
_HELD = Once(
    lambda _: sa.select(sa.func.count()).where(job.c.state == word("running"), job.c.lease_until < p("late"))
)
_MISSED = Once(
    lambda _: sa.select(sa.func.count()).where(
        occurrence.c.state == word("waiting"), occurrence.c.fire_at < p("late")
    )
)


def _jobs(ctx: Context) -> Iterator[Finding]:
    where = ctx.database
    for state, kind, rule, count in where.all(_STUCK.on(where)):
        what = f"{kind} {rule}" if rule else str(kind)
        how = "Failed for good" if state == "dead" else "Perhaps done, perhaps not"
        text = f"{how}: {_many(count, 'job')} of {what}; see `fairlead jobs list --state {state}`."
        yield Finding("jobs-stuck", "error", what, text)
    late = iso_utc(ctx.now - LATE)
    held = where.one(_HELD.on(where), {"late": late})
    if held and held[0]:
        text = f"Held by a worker not heard of for ten minutes: {_many(held[0], 'job')}; is one running?"
        yield Finding("jobs-held", "error", "jobs", text)
    waiting = [moment for moment in jobs.next_due(where).values() if moment < late]
    if waiting:
        text = f"Jobs have been due since {min(waiting)[:16]} and nobody does them; is a worker running?"
        yield Finding("jobs-waiting", "error", "jobs", text)
    missed = where.one(_MISSED.on(where), {"late": late})
    if missed and missed[0]:
        text = f"Passed more than ten minutes ago: {_many(missed[0], 'planned moment')}; is a server or worker running?"
        yield Finding("moments-late", "error", "jobs", text)


# ---------------------------------------------------------------- approvals


_RUNS = Once(
    lambda _: sa.select(approval.c.id, approval.c.entity, approval.c.record_id).order_by(approval.c.id)
)
_LIVE = "('running', 'returned', 'suspended')"


def _approvals(ctx: Context) -> Iterator[Finding]:
    where = ctx.database
    for key, name, record_id in where.all(_RUNS.on(where)):
        broken = approvals.broken_link(where, key)
        if broken is not None:
            text = f"The history of approval {key} ({name} {record_id}) was changed afterwards, at event {broken}."
            yield Finding("approval-history", "error", key, text)
    suspended = health.look(where, ctx.stamp).suspended_approvals
    if suspended:
        text = f"Nobody was found to decide: {_many(suspended, 'approval')}, waiting for an administrator."
        yield Finding("approval-suspended", "error", "approvals", text)
    for entity in ctx.app.entities.values():
        table = entity.tables.main.name
        count = _count(ctx, f"SELECT count(*) FROM {_held_for_nothing(table)}")
        if count:
            text = f"Locked by an approval that is over: {_many(count, 'record')} of {entity.name}."
            yield Finding("lock-loose", "error", entity.name, text, mend=True)
        gone = _count(
            ctx, f"SELECT count(*) FROM sys_approval a WHERE a.entity = '{entity.name}' AND a.state IN {_LIVE} "
            f'AND NOT EXISTS (SELECT 1 FROM "{table}" r WHERE r.id = a.record_id AND r.deleted_at IS NULL)',
        )  # fmt: skip
        if gone:
            text = f"Under way for records that are gone: {_many(gone, 'approval')} of {entity.name}."
            yield Finding("approval-loose", "error", entity.name, text)


def _held_for_nothing(table: str) -> str:
    return (
        f'"{table}" WHERE locked_by IS NOT NULL AND NOT EXISTS '
        f"(SELECT 1 FROM sys_approval a WHERE a.id = locked_by AND a.state IN {_LIVE})"
    )


def _mend_locks(ctx: Context, about: frozenset[str]) -> None:
    for name in sorted(about):
        table = ctx.app.entities[name].tables.main.name
        with ctx.database.write() as tx:
            loose = f"SELECT id FROM {_held_for_nothing(table)}"
            tx.run(
                prepare(sa.text(f'UPDATE "{table}" SET locked_by = NULL WHERE id IN ({loose})'), tx.dialect)
            )


# ---------------------------------------------------------------- people


def _people(ctx: Context) -> Iterator[Finding]:
    accounts = people.accounts(ctx.database, active_only=True)
    roles = ctx.app.workspace.roles
    if not accounts:
        yield Finding(
            "nobody", "note", "people", "There are no accounts yet. Add one with `fairlead user add`."
        )
    for one in accounts:
        if not one.roles:
            yield Finding("no-role", "note", one.username, f"{one.username} has no role and can see nothing.")
        for role in one.roles:
            if role not in roles:
                text = f"{one.username} has the role {role!r}, which is not in the configuration."
                yield Finding("unknown-role", "error", one.username, text)
    codes = {team.id: team.code for team in people.teams(ctx.database)}
    for pool in ctx.app.workspace.pools.values():
        for code in pool.member_teams:
            if accounts and code not in codes.values():
                text = f"The pool {pool.name} names the team {code!r}, which does not exist."
                yield Finding("unknown-team", "error", pool.name, text)
        members = [
            one for one in accounts
            if (not pool.member_roles or set(one.roles) & set(pool.member_roles))
            and (not pool.member_teams or {codes.get(team) for team in one.teams} & set(pool.member_teams))
        ]  # fmt: skip
        if accounts and not members:
            yield Finding(
                "pool-empty",
                "error",
                pool.name,
                f"Nobody is a member of the pool {pool.name}; nobody can claim.",
            )
    for flow in ctx.app.workspace.approvals.values():
        for step in flow.steps:
            for source in step.by:
                if (
                    accounts
                    and source.source == "role"
                    and not any(source.value in one.roles for one in accounts)
                ):
                    text = f"The step {step.name} of {flow.name} asks the role {source.value!r}, which nobody has."
                    yield Finding("approver-missing", "error", flow.name, text)


# ---------------------------------------------------------------- the newest records, worked out anew


def _sample(ctx: Context, entity: CompiledEntity, limit: int) -> Iterator[Finding]:
    reads = ctx.app.reads(entity.name, SYSTEM_ROLES)
    newest = Once(lambda _: sa.select(entity.tables.main.c.id).where(sa.text("deleted_at IS NULL"))
                  .order_by(entity.tables.main.c.id.desc()).limit(n("most")))  # fmt: skip
    ids = [str(row[0]) for row in ctx.database.all(newest.on(ctx.database), {"most": limit})]
    lines = {field: read_lines(ctx.database, ctx, entity, field, ids) for field in entity.tables.lines}
    terms = _kept_terms(ctx, entity, ids)
    env = ctx.env()
    wrong: Counter[tuple[str, bool]] = Counter()
    stale = 0
    load = reads.load(())
    for key in ids:
        row = ctx.database.one(load, {**ctx.params(), "p_id": key})
        if row is None:
            continue
        record = reads.decode_all(row)
        own = {field: found.get(key, ()) for field, found in lines.items()}
        wrong.update(_wrong_fields(entity, {**record, **own}, own, env))
        stale += terms is not None and terms.get(key) != _terms(entity, record, "sqlite")
    for (field, ages), count in sorted(wrong.items()):
        about = f"{entity.name}.{field}"
        share = f"in {count} of the {len(ids)} newest records"
        if ages:
            text = f"{about} would be another value today {share}; it is worked out when a record is saved."
            yield Finding("formula-aged", "note", about, text)
        else:
            text = f"{about} is not what its formula gives {share}; saving them works it out anew."
            yield Finding("formula-wrong", "error", about, text)
    if stale:
        text = f"Found by other words than those they have: {_many(stale, 'record')} of {entity.name}."
        yield Finding("search-stale", "error", entity.name, text, mend=True)


def _wrong_fields(
    entity: CompiledEntity, record: Mapping[str, Any], lines: Mapping[str, Any], env: Env
) -> Iterator[tuple[str, bool]]:
    """Yield the computed fields that differ, with whether time or other records explain it."""
    for name in entity.formulas:
        spec = entity.field(name)
        if _differs(spec, record, lines, env):
            yield name, _ages(spec, entity.entity.fields)
    for field, rows in lines.items():
        columns = entity.field(field).fields
        for name in computed_order(columns):
            if any(_differs(columns[name], row, {}, env) for row in rows):
                yield f"{field}.{name}", _ages(columns[name], columns)


def _differs(spec: Field, record: Mapping[str, Any], lines: Mapping[str, Any], env: Env) -> bool:
    kind = kind_of(spec)
    kept = record.get(spec.name)
    try:
        true = compute(spec, record, lines, env)
        return (None if true is None else kind.to_stored(true, spec)) != (
            None if kept is None else kind.to_stored(kept, spec)
        )
    except (Invalid, ValueError, ArithmeticError):
        return True


def _ages(spec: Field, fields: Mapping[str, Field]) -> bool:
    """Whether a formula rests on the time, the person, or what stands in another record."""
    if spec.formula is None:
        return False
    if spec.formula.names & {"now", "today", "user"} or any(
        name.startswith("user.") for name in spec.formula.names
    ):
        return True
    return any(
        len(path) > 1 and fields[path[0]].kind != "table" for path in spec.formula.uses if path[0] in fields
    )


def _kept_terms(ctx: Context, entity: CompiledEntity, ids: Sequence[str]) -> dict[str, str] | None:
    """Return what is kept for the search, by record; None where it cannot be read back as text."""
    table = entity.tables.search_table
    if table is None or not ids:
        return None
    main = entity.tables.main.name
    last = min(ids)
    statement = sa.text(
        f'SELECT r.id, s.terms FROM "{main}" r JOIN {table} s ON s.rowid = r.rowno WHERE r.id >= :p_id'
    ).bindparams(sa.bindparam("p_id", required=True))
    return {
        str(key): str(terms) for key, terms in ctx.database.all(prepare(statement, "sqlite"), {"p_id": last})
    }


def _mend_stale_terms(ctx: Context, about: frozenset[str]) -> None:
    for name in sorted(about):
        entity = ctx.app.entities[name]
        with ctx.database.write() as tx:
            ids = tx.all(prepare(sa.text(f'SELECT id FROM "{entity.tables.main.name}"'), tx.dialect))
            _index(tx, ctx, entity, [str(row[0]) for row in ids])


# ---------------------------------------------------------------- the list of checks


def _count(ctx: Context, text: str) -> int:
    row = ctx.database.one(prepare(sa.text(text), ctx.database.dialect))
    return int(row[0]) if row else 0


def _many(count: int, one: str) -> str:
    return f"{count:,} {one if count == 1 else one + 's'}"


CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    _damage, _totals, _search, _stages, _references, _jobs, _approvals, _people,
)  # fmt: skip

_REPAIRS: Mapping[str, Callable[[Context, frozenset[str]], None]] = {
    "engine-table": _mend_engine,
    "structure": _mend_structure,
    "totals": _mend_totals,
    "search-missing": _mend_missing_terms,
    "search-loose": _mend_loose_terms,
    "search-stale": _mend_stale_terms,
    "lock-loose": _mend_locks,
}
