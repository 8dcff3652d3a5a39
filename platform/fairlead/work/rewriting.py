"""What an operation does with values inside the transaction that carries a plan out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from fairlead.base.errors import Invalid
from fairlead.base.ids import new_id
from fairlead.base.texts import Label
from fairlead.compiled.application import Application
from fairlead.compiled.search import index_terms
from fairlead.compiled.tables import column_name, table_name
from fairlead.decide.edit import value_of
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import converting, people, visits
from fairlead.store.database import Tx
from fairlead.store.operations import Operation
from fairlead.work.populations import Population


def filled(
    population: Population, spec: Field, source: object, record: dict[str, Any]
) -> tuple[Any, Label | None]:
    """Return the value that fills an empty place, or why there is none that the field can hold."""
    kind = kind_of(spec)
    try:
        value = value_of(source, record, population.env)
        if value is None:
            return None, None
        return kind.parse(kind.to_json(value, spec), spec), None
    except FieldProblem as problem:
        return None, problem.message
    except Invalid as failure:
        return None, Label.of(failure.label)


def visible(population: Population, spec: Field, record: dict[str, Any]) -> bool:
    """Say whether people see the field on this record."""
    return spec.visible_when is None or spec.visible_when.is_true(record, population.env)


def empty_places(
    population: Population, entity: str, dotted: str, spec: Field, source: object
) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Yield every record, or line, in which a field is empty."""
    name, _, row = dotted.partition(".")
    if row:
        for parent, _, line in population.line_items(entity, name):
            if line.get(row) is None:
                yield parent, False, line
        return
    reads = {path[0] for rule in (source, spec.visible_when) for path in getattr(rule, "uses", ()) if path}
    spot = population.spot(entity, dotted)
    plain = spot is not None and (entity, dotted) not in population.layout.decode
    condition = f'"{spot.column}" IS NULL' if plain and spot is not None else ""
    for one in population.each(entity, [dotted, *sorted(reads)], condition=condition):
        if one.record.get(dotted) is None:
            yield one.id, one.in_bin, one.record


def trait_begins(
    tx: Tx, entity: str, name: str, table: str, made: Sequence[tuple[str, Any]], stamp: str
) -> None:
    """Write what belongs to a field that a trait brings: the team of an owner, the first visit of a stage."""
    if name == "owner":
        tx.ddl(
            f'UPDATE "{table}" SET team = (SELECT m.team_id FROM sys_membership m WHERE m.user_id = "{table}".owner '
            f"AND m.is_primary) WHERE team IS NULL AND owner IS NOT NULL"
        )
        put = f'UPDATE "{table}" SET claimed_at = :p_at WHERE owner IS NOT NULL AND claimed_at IS NULL'
        tx.run(converting.statement(put, tx.dialect, "p_at"), {"p_at": stamp})
    elif name == "stage":
        put = f'UPDATE "{table}" SET stage_entered_at = :p_at WHERE stage IS NOT NULL AND stage_entered_at IS NULL'
        tx.run(converting.statement(put, tx.dialect, "p_at"), {"p_at": stamp})
        for key, stage in made:
            visits.enter(tx, entity, key, str(stage), at=stamp, by="system", reason=None, first=True)


def rewrite(table: str, source: str, target: str, change: Any, beside: str | None) -> Callable[[Tx], None]:
    """Return the step that writes into one column what becomes of another, or of itself."""

    def run(tx: Tx) -> None:
        converting.convert(tx, table, source, target, change, beside)

    return run


def into_lines(main: str, source: str, lines: str, target: str, change: Any) -> Callable[[Tx], None]:
    """Return the step that makes single values the only line of each record."""

    def run(tx: Tx) -> None:
        put = converting.statement(
            f'INSERT INTO "{lines}" (id, parent_id, position, "{target}") VALUES (:p_id, :p_parent, 0, :p_value)',
            tx.dialect, "p_id", "p_parent", "p_value",
        )  # fmt: skip
        waiting = []
        gone = converting.statement(
            f'DELETE FROM "{lines}" WHERE parent_id = :p_parent', tx.dialect, "p_parent"
        )
        there = _first_lines(tx, lines, target)
        for key, value in converting.rows(tx, main, [source], condition=f'"{source}" IS NOT NULL'):
            made = change(value)
            if key in there:
                # On the way back: lines that still say the same stay as they were.
                if there[key] == made:
                    continue
                tx.run(gone, {"p_parent": key})
            if made is not None:
                waiting.append({"p_id": new_id(), "p_parent": key, "p_value": made})
        if waiting:
            tx.run_many(put, waiting)

    return run


def from_lines(lines: str, source: str, main: str, target: str, change: Any) -> Callable[[Tx], None]:
    """Return the step that takes the first line of each record as its single value."""

    def run(tx: Tx) -> None:
        first = _first_lines(tx, lines, source)
        made = ((parent, change(value)) for parent, value in sorted(first.items()) if value is not None)
        converting.write(tx, main, target, made)

    return run


def _first_lines(tx: Tx, lines: str, column: str) -> dict[str, Any]:
    """Return what stands in the first line of each record."""
    first: dict[str, tuple[int, Any]] = {}
    for _, parent, position, value in converting.rows(tx, lines, ["parent_id", "position", column]):
        if parent not in first or position < first[parent][0]:
            first[parent] = (position, value)
    return {parent: value for parent, (_, value) in first.items()}


def moved_on(entity: str, column: str, name: str, other: str | None) -> Operation:
    """Return the operation that moves records on from a stage or pool that is gone; their history stays as it was."""
    table = table_name(entity)

    def run(tx: Tx) -> None:
        put = converting.statement(
            f'UPDATE "{table}" SET "{column}" = :p_other WHERE "{column}" = :p_name',
            tx.dialect,
            "p_other",
            "p_name",
        )
        tx.run(put, {"p_other": other, "p_name": name})
        if column == "stage":
            # Where a record stood stays as it was; where it stands has another name now.
            stay = (
                "UPDATE sys_stage_visit SET stage = :p_other "
                "WHERE entity = :p_entity AND stage = :p_name AND left_at IS NULL"
            )
            tx.run(
                converting.statement(stay, tx.dialect, "p_other", "p_entity", "p_name"),
                {"p_other": other, "p_entity": entity, "p_name": name},
            )

    sql = f'UPDATE "{table}" SET "{column}" = :other WHERE "{column}" = :name'
    return Operation("fill_values", table, f"{table}.{column}", sql, run)


def other_role(role: str, other: str | None) -> Operation:
    """Return the operation that gives people another role, or none, in place of one that is gone."""

    def run(tx: Tx) -> None:
        made = []
        for key, _, roles, _ in people.held_roles(tx, role):
            names = [other if one == role else one for one in roles]
            made.append((key, json.dumps(list(dict.fromkeys(one for one in names if one)))))
        converting.write(tx, "sys_user", "roles", made)

    return Operation(
        "fill_values",
        "sys_user",
        "sys_user.roles",
        'UPDATE "sys_user" SET roles = :roles WHERE id = :id',
        run,
    )


def worked_out(app: Application, entity: str, computed: set[str], at: datetime) -> Callable[[Tx], None]:
    """Return the step that works computed fields out anew for every record."""
    compiled = app.entities[entity]
    table = table_name(entity)

    def run(tx: Tx) -> None:
        population = Population(tx, app, at)
        needed = sorted(population.needed(entity, computed))
        changed: dict[str, list[tuple[str, Any]]] = {name: [] for name in computed}
        for one in population.each(entity, needed):
            before = {name: one.record[name] for name in computed}
            population.worked_out(entity, one.record, computed)
            for name in computed:
                if one.record[name] != before[name]:
                    spec, value = compiled.field(name), one.record[name]
                    changed[name].append(
                        (one.id, None if value is None else kind_of(spec).to_stored(value, spec))
                    )
        for name, made in changed.items():
            converting.write(tx, table, column_name(name), made)

    return run


def indexed(app: Application, entity: str, at: datetime) -> Callable[[Tx], None]:
    """Return the step that makes the search terms of every record anew."""
    compiled = app.entities[entity]

    def run(tx: Tx) -> None:
        for one in Population(tx, app, at).each(entity, compiled.search_fields):
            texts = []
            for name in compiled.search_fields:
                spec, value = compiled.field(name), one.record[name]
                if value is not None and (text := kind_of(spec).search_text(value, spec)):
                    texts.append(text)
            params = {"p_id": one.id, "p_terms": index_terms(texts, tx.dialect)}
            for statement in compiled.writes.index_search():
                tx.run(statement, params)

    return run
