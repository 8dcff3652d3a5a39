"""Rows of a file as records of one entity: a batch is read, decided and written with few statements.

What is decided row by row is what every door decides (`decide.edit`, `work.records`); what is written is written by
`work.commit`. Only the reads are gathered: who is meant, what is there already, which fields may be written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from fairlead.base.errors import Conflict, Failure, Forbidden, Invalid
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.reads import EntityReads, ids_parameter
from fairlead.decide import edit
from fairlead.decide import pool as pool_rules
from fairlead.decide.edit import Edit, Input
from fairlead.expr.evaluate import Env
from fairlead.fields.kind import FieldProblem, both
from fairlead.fields.references import target_of
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.governance import Scope
from fairlead.store import ownership
from fairlead.store.database import Database, Duplicate, StillReferenced, Tx
from fairlead.store.statements import listed
from fairlead.work import commit, pools, records
from fairlead.work.commit import Change
from fairlead.work.context import Context, environment
from fairlead.work.import_outcome import OnExisting, Outcome, Taker
from fairlead.work.lookups import Key, Lookups, Same, lookup_field
from fairlead.work.mapping import Reason, RowMap, Target, Wanted
from fairlead.work.sheets import Row
from fairlead.work.steps import run_steps

Where = Database | Tx

_FORBIDDEN = Label({"en": "Your role may not import this.", "zh": "您的角色不能导入此类数据。"})
_ELSEWHERE = Label({
    "en": "The record would lie outside of what you may create.", "zh": "该记录超出您可创建的范围。",
})  # fmt: skip
_NOT_YOURS = both("There is such a record, and it is not yours to change.", "已有该记录，但您无权修改。")
_TOO_MANY_CELLS = both("The row has more cells than the file has titles.", "该行的单元格多于标题列。")
_EXISTS = both("There is a record with this {what} already.", "已有相同“{what}”的记录。")
_DOUBLE = both("There is such a record already.", "已有相同的记录。")
_TWICE = both("Line {line} has the same {what}.", "第 {line} 行的“{what}”相同。")
_SEVERAL = both(
    "{count} records have this {what}: which one is meant is not clear.",
    "有 {count} 条记录的“{what}”相同，无法确定。",
)
_NO_KEY = both(
    "{what} is empty, so the row cannot be recognised when it comes again.",
    "“{what}”为空，无法识别重复导入的行。",
)
_READONLY = both("This cannot be changed any more.", "此项不能再修改。")
_LOCKED = both(
    "An approval is under way; the record is locked until it ends.", "该记录正在审批中，审批结束前已锁定。"
)
_GONE = both("The record it names is gone.", "所指的记录已不存在。")


@dataclass(slots=True)
class Draft:
    """A row that could be read."""

    row: Row
    given: Mapping[str, Any]
    key: Key = ()


@dataclass(slots=True)
class _Standing:
    """A record that a row means, as it stands, with what this actor may do with it."""

    record: dict[str, Any]
    locked: bool
    writable: dict[str, frozenset[str]]


_ACTIONS = ("update", "import", "move", "assign")


class RecordImport(Taker):
    """Rows become records of one entity."""

    def __init__(self, ctx: Context, name: str, *, dry_run: bool) -> None:
        self.ctx = ctx
        self.dry_run = dry_run
        self.entity = records.entity_of(ctx, name)
        self.access = ctx.app.access(name, records.roles_of(ctx))
        if not self.access.can("import") or not self.access.can("create"):
            raise Forbidden("forbidden", _FORBIDDEN)
        grants = (*self.access.write["create"], *self.access.write["import"])
        writable = frozenset().union(*(grant.writable for grant in grants))
        fields = self.entity.entity.fields
        self.target = Target(
            name, self.entity.entity.label, fields, records.creatable_fields(self.entity, writable),
            {one.name: (one.entity.label, one.entity.plural) for one in ctx.app.entities.values()},
        )  # fmt: skip
        self.lookups = Lookups(ctx)
        self._fields = fields
        self._pointers = tuple(
            spec
            for spec in fields.values()
            if spec.kind in ("reference", "references") and spec.origin != "system"
        )
        # In a dry run: keys of rows that would have been written, and records that would have been made on the way.
        self._seen: set[int] = set()
        self._imagined: set[str] = set()

    def begin(self, rows: RowMap, on_existing: OnExisting) -> None:
        self.map = rows
        self.on_existing = on_existing
        self._looked_up = rows.lookups()
        self.key = Same(self.ctx, self.entity, rows.key) if rows.key else None
        stored = self.entity.tables.columns
        matches: list[tuple[str, ...]] = [
            (spec.name,) for spec in self._fields.values() if spec.unique and spec.name in stored
        ]
        matches += [rule.match for rule in self.entity.entity.duplicates if rule.on_found == "block"]
        # What is the key has been looked for already.
        self._distinct = [
            Same(self.ctx, self.entity, match) for match in dict.fromkeys(matches) if match != rows.key
        ]
        self._distinct += [
            Same(self.ctx, self.entity, index.fields, exact=True)
            for index in self.entity.entity.indexes
            if index.unique
        ]

    # ------------------------------------------------------------ batches

    def take(self, rows: list[Row]) -> Outcome:
        try:
            return self._attempt(rows)
        except (Failure, Duplicate, StillReferenced) as failure:
            if isinstance(failure, Conflict) and failure.code == "config_changed":
                raise  # no row is to blame: the file goes in again under the new configuration
            if len(rows) == 1:
                outcome = Outcome()
                outcome.reject(rows[0], self._reasons(failure))
                return outcome
        # One row spoilt the batch in a way that only the writing tells: each in a transaction of its own.
        outcome = Outcome()
        for row in rows:
            one = self.take([row])
            outcome.created += one.created
            outcome.updated += one.updated
            outcome.unchanged += one.unchanged
            outcome.skipped += one.skipped
            outcome.rejected += one.rejected
            outcome.also_created.update(one.also_created)
        return outcome

    def _attempt(self, rows: list[Row]) -> Outcome:
        made: list[Wanted] = []
        try:
            if self.dry_run:
                return self._batch(self.ctx.database, rows, made)
            with self.ctx.database.write() as tx:
                return self._batch(tx, rows, made)
        except BaseException:
            self.lookups.forget(made)
            raise

    def _batch(self, where: Where, rows: list[Row], made: list[Wanted]) -> Outcome:
        outcome = Outcome()
        self._resolve(where, rows, made, outcome)
        drafts = []
        for row in rows:
            given, reasons = self.map.read(row[1], self.lookups.found)
            if len(row[1]) > self.map.width and any(row[1][self.map.width :]):
                reasons.append(Reason("", "", "too_many_cells", _TOO_MANY_CELLS))
            if reasons:
                outcome.reject(row, reasons)
            else:
                drafts.append(Draft(row, given.values))
        for chosen in self._rounds(drafts, outcome):
            self._round(where, chosen, outcome)
        return outcome

    def _resolve(self, where: Where, rows: list[Row], made: list[Wanted], outcome: Outcome) -> None:
        """Look up what the rows name, in one statement for each kind of thing; make what the mapping says."""
        wanted: dict[Wanted, bool] = {}
        for column in self._looked_up:
            assert column.lookup is not None
            make = column.lookup.missing == "create"
            for _, cells in rows:
                for one in self.map.wanted(column, cells):
                    wanted[one] = wanted.get(one, False) or make
        for one in self.lookups.resolve(where, wanted):
            if wanted[one] and one[0] in self.ctx.app.entities:
                self._make(where, one, made, outcome)

    def _make(self, where: Where, wanted: Wanted, made: list[Wanted], outcome: Outcome) -> None:
        """Make a record that a row names and that is not there."""
        target, by, text = wanted
        entity = self.ctx.app.entities[target]
        access = self.ctx.app.access(target, records.roles_of(self.ctx))
        spec = lookup_field(entity, by)
        grants = access.write.get("create", ())
        if not any(spec.name in grant.writable for grant in grants):
            return
        if isinstance(where, Tx):
            try:
                value = kind_of(spec).import_parse(text, spec)
                with where.savepoint():
                    saved = records.create_in(
                        where, self.ctx, target, {spec.name: value}, scopes=tuple(grant.scope for grant in grants),
                        kind="import",
                    )  # fmt: skip
            except FieldProblem as problem:
                self.lookups.found[wanted] = problem
                return
            except Failure as failure:
                self.lookups.found[wanted] = FieldProblem(failure.code, Label.of(failure.label))
                return
            self.lookups.remember(wanted, saved.id)
        else:
            imagined = new_id()
            self.lookups.remember(wanted, imagined)
            self._imagined.add(imagined)
        made.append(wanted)
        outcome.also_created[target] += 1

    def _rounds(self, drafts: list[Draft], outcome: Outcome) -> Iterator[list[Draft]]:
        """Part rows with the same key, so that the later one meets what the earlier one became."""
        if self.key is None:
            if drafts:
                yield drafts
            return
        rounds: list[list[Draft]] = []
        met: Counter[Key] = Counter()
        for draft in drafts:
            draft.key, first = self.key.key(draft.given)
            if first is None:
                what = self._label(self.key.first)
                outcome.reject(draft.row, [Reason(self.map.title(self.key.first), self.key.first, "key_empty",
                                                  _NO_KEY.format(what=what))])  # fmt: skip
                continue
            number = met[draft.key]
            met[draft.key] += 1
            if number == len(rounds):
                rounds.append([])
            rounds[number].append(draft)
        yield from rounds

    def _round(self, where: Where, drafts: list[Draft], outcome: Outcome) -> None:
        fresh, standing = self._recognised(where, drafts, outcome)
        changes = self._changes(where, standing, outcome) if standing else []
        made = self._new(where, fresh, outcome) if fresh else []
        if self.dry_run:
            self._seen.update(hash(draft.key) for draft, _ in made if draft.key)
        else:
            assert isinstance(where, Tx)
            self._write(where, [change for _, change in changes])
            self._write(where, [change for _, change in made])
            for _, change in made:
                self._afterwards(where, change)
        outcome.updated += len(changes)
        outcome.created += len(made)

    def _write(self, tx: Tx, changes: list[Change]) -> None:
        if len(changes) == 1:
            commit.write(tx, self.ctx, changes[0])  # names the field that a unique index refuses
        elif changes:
            commit.write_many(tx, self.ctx, changes)

    def _afterwards(self, tx: Tx, change: Change) -> None:
        entity = self.entity
        if entity.entity.timeline is not None:
            env = environment(self.ctx, tx)
            records.touch_target(tx, self.ctx, entity, {**change.values, **change.lines}, env)
        if entity.machine is not None:
            steps = entity.machine.on_enter(str(change.values["stage"]))
            if steps:
                run_steps(tx, self.ctx, steps, entity.name, change.id)

    # ------------------------------------------------------------ which rows are there already

    def _recognised(
        self, where: Where, drafts: list[Draft], outcome: Outcome
    ) -> tuple[list[Draft], list[tuple[Draft, str]]]:
        """Part new rows from those whose record is there; the latter with its id where it is to be changed."""
        if self.key is None:
            return drafts, []
        known = self.key.find(where, {draft.key: self.key.key(draft.given)[1] for draft in drafts})
        fresh: list[Draft] = []
        standing: list[tuple[Draft, str]] = []
        for draft in drafts:
            found = known.get(draft.key, [])
            before = self.dry_run and not found and hash(draft.key) in self._seen
            if not found and not before:
                fresh.append(draft)
            elif self.on_existing == "skip":
                outcome.skipped += 1
            elif self.on_existing == "quarantine":
                outcome.reject(draft.row, [self._key_reason("exists", _EXISTS)])
            elif len(found) > 1:
                outcome.reject(draft.row, [self._key_reason("ambiguous", _SEVERAL, count=len(found))])
            elif before:
                outcome.updated += 1
            else:
                standing.append((draft, found[0][0]))
        return fresh, standing

    def _key_reason(self, code: str, message: Label, **values: object) -> Reason:
        assert self.key is not None
        what = Label({
            lang: ", ".join(self._label(name).get(lang) for name in self.map.key) for lang in ("en", "zh")
        })  # fmt: skip
        first = self.key.first
        return Reason(self.map.title(first), first, code, message.format(what=what, **values))

    # ------------------------------------------------------------ new records

    def _new(self, where: Where, drafts: list[Draft], outcome: Outcome) -> list[tuple[Draft, Change]]:
        env = environment(self.ctx, where if isinstance(where, Tx) else None)
        ready: list[tuple[Draft, Edit]] = []
        for draft in drafts:
            try:
                ready.append((draft, self._completed(draft, env)))
            except Failure as failure:
                outcome.reject(draft.row, self._reasons(failure))
        ready = self._distinct_ones(where, ready, outcome)
        ready = self._pointing(where, ready, outcome)
        held = _Held(where, self.ctx, self.entity)
        made: list[tuple[Draft, Change]] = []
        for draft, found in ready:
            try:
                held.add(found.values, env)
            except Failure as failure:
                outcome.reject(draft.row, self._reasons(failure))
                continue
            made.append((draft, self._creation(found)))
        return made

    def _creation(self, found: Edit) -> Change:
        pool = found.values.get("pool")
        return Change(self.entity, new_id(), "import", found.values, None, found.lines, pool=pool)

    def _completed(self, draft: Draft, env: Env) -> Edit:
        entity, ctx = self.entity, self.ctx
        values = dict(draft.given)
        self._own(values, env)
        if entity.machine is not None and not values.get("stage"):
            values["stage"] = entity.machine.initial
        found = edit.complete(entity, Input(values), env)
        if entity.machine is not None:
            found.values["stage_entered_at"] = ctx.now
        if not ctx.actor.is_system:
            record = {**found.values, **found.lines}
            for action in ("create", "import"):
                if not any(self._holds(grant.scope, record, env) for grant in self.access.write[action]):
                    raise Forbidden("forbidden.scope", _ELSEWHERE)
        return found

    def _holds(self, scope: Scope, record: Mapping[str, Any], env: Env) -> bool:
        return records.scope_holds(scope, self.entity, record, self.ctx, env)

    def _own(self, values: dict[str, Any], env: Env) -> None:
        """Decide whose a new record is, as every door does: who is named, else who imports; nobody's goes to a pool."""
        fields, entity, ctx = self._fields, self.entity, self.ctx
        if "owner" not in fields:
            return
        named = "owner" in values and (values["owner"] is not None or entity.pools)
        if not named and not ctx.actor.is_system:
            values["owner"] = ctx.actor.id
        owner = values.get("owner")
        if owner is not None:
            values.setdefault("team", self._team_of(owner))
            if "claimed_at" in fields:
                values.setdefault("claimed_at", ctx.now)
        if not entity.pools:
            return
        pool = pool_rules.entry_pool(entity.pools, {**dict.fromkeys(fields), **values}, env)
        if pool is None:
            return
        if owner is None:
            values.update(pool=pool.name, pool_entered_at=ctx.now)
        else:
            values.setdefault(
                "due_at", pool_rules.first_due(pool, values["claimed_at"], self.ctx.calendar(pool.calendar))
            )

    def _team_of(self, owner: str) -> str | None:
        if owner == self.ctx.actor.id:
            return self.ctx.actor.team
        account = self.lookups.directory.accounts[owner]
        return account.teams[0] if account.teams else None

    def _distinct_ones(
        self, where: Where, ready: list[tuple[Draft, Edit]], outcome: Outcome
    ) -> list[tuple[Draft, Edit]]:
        """Leave out rows that agree with a record, or with a row before them, where no two may agree."""
        for same in self._distinct:
            keys: dict[Key, Any] = {}
            mine: list[Key | None] = []
            for _, found in ready:
                if any(found.values.get(name) is None for name in same.match):
                    mine.append(None)
                    continue
                key, first = same.key(found.values)
                keys[key] = first
                mine.append(key)
            if not keys:
                continue
            known = same.find(where, keys)
            met: dict[Key, int] = {}
            kept = []
            for own, (draft, found) in zip(mine, ready, strict=True):
                if own is not None and own in known:
                    outcome.reject(draft.row, [self._double(same, _EXISTS)])
                elif own is not None and own in met:
                    outcome.reject(draft.row, [self._double(same, _TWICE, line=met[own])])
                else:
                    kept.append((draft, found))
                    if own is not None:
                        met[own] = draft.row[0]
            ready = kept
        return ready

    def _double(self, same: Same, message: Label, **values: object) -> Reason:
        what = Label(
            {lang: ", ".join(self._label(name).get(lang) for name in same.match) for lang in ("en", "zh")}
        )
        return Reason(
            self.map.title(same.match[0]), same.match[0], "duplicate", message.format(what=what, **values)
        )

    def _pointing(
        self, where: Where, ready: list[tuple[Draft, Edit]], outcome: Outcome
    ) -> list[tuple[Draft, Edit]]:
        """Leave out rows that point to what has gone since it was looked up."""
        wanted: dict[str, set[str]] = {}
        for _, _, target, key in self._pointed(ready):
            wanted.setdefault(target, set()).add(key)
        alive = {
            target: records.existing(where, self.ctx, target, sorted(keys)) | self._imagined
            for target, keys in wanted.items()
        }
        gone: dict[int, Reason] = {}
        for spec, place, target, key in self._pointed(ready):
            if key not in alive[target]:
                self.lookups.found.clear()
                gone[place] = Reason(self.map.title(spec.name), spec.name, "unknown_record", _GONE)
        if not gone:
            return ready
        for place, reason in gone.items():
            outcome.reject(ready[place][0].row, [reason])
        return [one for place, one in enumerate(ready) if place not in gone]

    def _pointed(self, ready: Sequence[tuple[Draft, Edit]]) -> Iterator[tuple[Field, int, str, str]]:
        for spec in self._pointers:
            name = spec.name
            for place, (_, found) in enumerate(ready):
                value = found.values.get(name)
                if value is None:
                    continue
                for one in value if spec.kind == "references" else (value,):
                    target, key = target_of(one, spec)
                    yield spec, place, target, key

    # ------------------------------------------------------------ records that are there

    def _changes(
        self, where: Where, standing: list[tuple[Draft, str]], outcome: Outcome
    ) -> list[tuple[Draft, Change]]:
        ids = [key for _, key in standing]
        found = self._load(where, ids)
        lines = {
            name: records.read_lines(where, self.ctx, self.entity, name, ids)
            for name in self.entity.tables.lines
        }
        changes: list[tuple[Draft, Change]] = []
        for draft, key in standing:
            one = found.get(key)
            if one is None or not {"update", "import"} <= one.writable.keys():
                outcome.reject(draft.row, [Reason("", "", "forbidden", _NOT_YOURS)])
                continue
            record = one.record
            # An empty cell says nothing about a record that is there: it does not empty the field.
            changed = {
                name: value
                for name, value in draft.given.items()
                if value is not None and value != record.get(name)
            }
            if not changed:
                outcome.unchanged += 1
                continue
            env = environment(self.ctx, where if isinstance(where, Tx) else None, old=record)
            allowed = records.changeable_fields(self.entity, one.writable["update"], record, env)
            refused = [name for name in changed if name not in allowed and name not in ("owner", "stage")]
            if refused:
                outcome.reject(draft.row, [
                    Reason(self.map.title(name), name, "readonly_field", _READONLY) for name in refused
                ])  # fmt: skip
                continue
            if one.locked or "owner" in changed or "stage" in changed:
                self._change_with_care(where, draft, key, one, changed, outcome)
                continue
            old_lines = {name: rows.get(key, ()) for name, rows in lines.items()}
            try:
                result = edit.complete(self.entity, Input(changed), env, old=record, old_lines=old_lines)
            except Failure as failure:
                outcome.reject(draft.row, self._reasons(failure))
                continue
            changes.append((draft, Change(self.entity, key, "update", result.values, record, {}, old_lines)))
        return self._still_distinct(where, changes, outcome)

    def _still_distinct(
        self, where: Where, changes: list[tuple[Draft, Change]], outcome: Outcome
    ) -> list[tuple[Draft, Change]]:
        """Leave out changes that would make a record agree with another where no two may."""
        for same in self._distinct:
            touched = [
                (one, {**(one[1].old or {}), **one[1].values})
                for one in changes
                if not one[1].values.keys().isdisjoint(same.match)
            ]
            keys: dict[Key, Any] = {}
            for _, record in touched:
                if all(record.get(name) is not None for name in same.match):
                    key, first = same.key(record)
                    keys[key] = first
            known = same.find(where, keys) if keys else {}
            for one, record in touched:
                draft, change = one
                if any(other != change.id for other, _ in known.get(same.key(record)[0], ())):
                    outcome.reject(draft.row, [self._double(same, _EXISTS)])
                    changes.remove(one)
        return changes

    def _change_with_care(
        self, where: Where, draft: Draft, id: str, one: _Standing, changed: dict[str, Any], outcome: Outcome
    ) -> None:
        """Change a record that is locked, or goes to another stage or to another person: step by step, as people do."""
        ctx, name = self.ctx, self.entity.name
        owner, stage = changed.pop("owner", None), changed.pop("stage", None)
        if (owner is not None and "assign" not in one.writable) or (
            stage is not None and "move" not in one.writable
        ):
            outcome.reject(draft.row, [Reason("", "", "forbidden", _NOT_YOURS)])
            return
        if one.locked and (owner is not None or stage is not None):
            outcome.reject(draft.row, [Reason("", "", "record_locked", _LOCKED)])
            return
        if isinstance(where, Tx):
            try:
                with where.savepoint():
                    if stage is not None:
                        records.move_in(
                            where, ctx, name, id, stage, values=changed, forced=ctx.actor.is_system
                        )
                    elif changed:
                        records.update_in(where, ctx, name, id, changed)
                    if owner is not None:
                        loaded = records.load(where, ctx.as_system(), name, id, ())
                        records.assign_in(where, ctx, loaded, owner, reason=None)
            except Failure as failure:
                outcome.reject(draft.row, self._reasons(failure))
                return
        outcome.updated += 1

    def _load(self, where: Where, ids: Sequence[str]) -> dict[str, _Standing]:
        """Return those of `ids` that the actor may see, with what may be written of each, in one statement."""
        reads = self.ctx.app.reads(self.entity.name, records.roles_of(self.ctx))
        grants = [(action, grant) for action in _ACTIONS for grant in reads.access.write.get(action, ())]

        def build() -> sa.Select[Any]:
            main = self.entity.tables.main
            flags = [
                sa.literal_column("1") if grant.predicate is None
                else sa.case((grant.predicate, sa.literal_column("1")), else_=sa.literal_column("0"))
                for _, grant in grants
            ]  # fmt: skip
            columns: list[Any] = [self.entity.tables.columns[spec.name] for spec in reads.stored_fields]
            columns.append(main.c.locked_by)
            columns += [flag.label(f"g{number}") for number, flag in enumerate(flags)]
            statement = sa.select(*columns).where(
                main.c.id.in_(ids_parameter(self.ctx.app.dialect)), sa.text(f"{main.name}.deleted_at IS NULL")
            )
            predicate = reads.access.rows()
            return statement if predicate is None else statement.where(predicate)

        statement = self.ctx.app.statement(("load_many", self.entity.name, records.roles_of(self.ctx)), build)
        params = {**records.base_params(self.ctx), "p_ids": listed(ids)}
        found = [_standing(reads, grants, row) for row in where.all(statement, params)]
        return {one.record["id"]: one for one in found}

    # ------------------------------------------------------------ words

    def _label(self, name: str) -> Label:
        return self._fields[name].label

    def _reasons(self, failure: Exception) -> list[Reason]:
        if isinstance(failure, Invalid) and failure.errors:
            return [self.map.reason(error) for error in failure.errors]
        if isinstance(failure, Failure):
            return [Reason("", "", failure.code, Label.of(failure.label))]
        return [Reason("", "", "duplicate", _DOUBLE)]


def _standing(reads: EntityReads, grants: Iterable[tuple[str, Any]], row: Sequence[Any]) -> _Standing:
    width = len(reads.stored_fields)
    writable: dict[str, frozenset[str]] = {}
    for (action, grant), flag in zip(grants, row[width + 1 :], strict=True):
        if flag:
            writable[action] = writable.get(action, frozenset()) | grant.writable
    return _Standing(reads.decode_all(row[:width]), row[width] is not None, writable)


class _Held:
    """How many records people would hold: capacity counts for rows of a file too, each owner counted once a batch."""

    def __init__(self, where: Where, ctx: Context, entity: CompiledEntity) -> None:
        self._where = where
        self._ctx = ctx
        self._entity = entity
        self._limited = any(pool.capacity is not None for pool in entity.pools)
        self._counts: dict[str, int] = {}

    def add(self, record: Mapping[str, Any], env: Env) -> None:
        """Count one more record for its owner.

        Raises:
            Refused: `pool.holding-limit`.
        """
        owner = record.get("owner")
        if not self._limited or owner is None:
            return
        machine = self._entity.machine
        if machine is not None and machine.stages[str(record["stage"])].outcome in ("won", "lost"):
            return
        pool = pool_rules.pool_for(self._entity.pools, record, env)
        if pool is None or pool.capacity is None:
            return
        if owner not in self._counts:
            if isinstance(self._where, Tx):
                ownership.lock_person(self._where, owner)
            self._counts[owner] = pools.held(self._where, self._ctx, self._entity, owner)
        pool_rules.check_capacity(pool, self._counts[owner])
        self._counts[owner] += 1
