"""The questions that changes put to the data, and the grades that the answers give (CF-20, CF-45)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fairlead.base.errors import Invalid
from fairlead.compiled.changes import MAX_SAMPLES, Change, Sample
from fairlead.compiled.conversions import shown, stored_alike
from fairlead.compiled.tables import column_name, table_name
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import converting, people
from fairlead.store.converting import Spot
from fairlead.store.statements import Reads
from fairlead.work import treatments
from fairlead.work.grounds import Fill, Ground, Treatment, field_at
from fairlead.work.rewriting import empty_places, filled, moved_on, other_role, visible


def graded(ground: Ground, change: Change) -> Change:
    """Return a change with its question answered."""
    if not change.question:
        return change
    what, *about = change.question
    return _QUESTIONS[what](ground, change, *about)


def _convert(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    found = ground.treated.get((entity, dotted))
    if found is None:
        after = field_at(ground.app.workspace, entity, dotted)
        if after is not None and after.computed:
            return _compute(ground, change, entity, dotted)
        return replace(change, note="no values exist")
    if found.before.computed and not found.after.computed and stored_alike(found.before, found.after):
        return replace(
            change, note="values are kept as they were last worked out", count=found.evidence.total
        )
    evidence = found.evidence
    grade = evidence.grade
    if grade == "computes" and found.way.exact:
        grade = "safe"
    elif grade == "safe" and _is_work(ground, found):
        grade = "computes"
    if found.after.computed:
        ground.compute[entity].add(dotted.partition(".")[0])
    if grade != "blocked" and found.after.unique and (twice := _made_alike(found)):
        return replace(
            change, grade="blocked", count=len(twice), samples=tuple(twice[:MAX_SAMPLES]),
            note=f"{treatments.said(evidence)}; values that would stand in several records: {len(twice):,}",
            remedies=("merge the records, or change what stands in them",),
        )  # fmt: skip
    return replace(
        change, grade=grade, note=treatments.said(evidence), count=evidence.total,
        samples=tuple(evidence.samples), remedies=treatments.remedies(evidence),
    )  # fmt: skip


def _made_alike(found: Treatment) -> list[Sample]:
    """Return the values of a unique field that are different now and would be the same afterwards."""
    alike: dict[Any, list[tuple[str, int]]] = defaultdict(list)
    for held, made in found.evidence.values:
        if made is not None and held.rows > held.in_bin:
            alike[made].append((shown(held.value, found.before), held.rows - held.in_bin))
    return [
        Sample(values[0][0], ", ".join(text for text, _ in values), shown(made, found.after))
        for made, values in alike.items()
        if sum(rows for _, rows in values) > 1
    ]


def _is_work(ground: Ground, found: Treatment) -> bool:
    """Whether values are written although each of them is only carried over."""
    if found.after.computed:
        return not ground.no_records(found.at[0])
    return bool((found.into_lines or found.from_lines) and found.evidence.total)


def _option(ground: Ground, change: Change, entity: str, dotted: str, option: str) -> Change:
    found = ground.treated.get((entity, dotted))
    if found is None:
        return change
    holding = [
        (held, made)
        for held, made in _all_held(ground.database, found)
        if _holds(held.value, option, found.before)
    ]
    count = sum(held.rows for held, _ in holding)
    if not count:
        return replace(change, count=0)
    in_bin = sum(held.in_bin for held, _ in holding)
    note = f"records that have it: {count:,}" + (f", {in_bin:,} of them in the recycle bin" if in_bin else "")
    samples = tuple(
        Sample(key, shown(held.value, found.before))
        for held, _ in holding
        for key in converting.records_with(ground.database, found.spot, held.value, MAX_SAMPLES)
    )[:MAX_SAMPLES]
    how = found.after.migration
    if option in how.map or how.on_fail != "block":
        target = how.map.get(option, how.value)
        lost = target is None
        text = "emptied; kept aside" if lost else f"they become {target}"
        return replace(
            change,
            grade="lossy" if lost else "computes",
            note=f"{note}; {text}",
            count=count,
            samples=samples,
        )
    return replace(
        change, grade="blocked", note=f"{note}; set `active: false` instead", count=count, samples=samples,
        remedies=(
            f"`active: false` keeps {option} for the records that have it and offers it to nobody",
            f"`map: {{{option}: other}}` gives them another option, `{{{option}: null}}` none",
        ),
    )  # fmt: skip


def _empty(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    spec = field_at(ground.app.workspace, entity, dotted)
    if spec is None or ground.no_records(entity):
        return change
    how = spec.migration
    source = spec.default if how.backfill_default else how.backfill
    filled, empty, wrong, samples = _empties(ground, entity, dotted, spec, source)
    if source is not None and filled:
        ground.fills[entity, dotted] = Fill((entity, dotted), spec, source)
    if wrong:
        return replace(
            change, grade="blocked", note=f"records for which `backfill` gives no value of this field: {wrong:,}",
            count=wrong, samples=samples, remedies=("another `backfill`",),
        )  # fmt: skip
    words = [f"records that are filled: {filled:,}"] if filled else []
    grade = "computes" if filled else "safe"
    if not spec.required or not empty:
        if spec.required:
            grade = grade if filled else "tightens"
        return replace(change, grade=grade, note="; ".join(words), count=filled)  # type: ignore[arg-type]
    words.append(f"records that are empty there: {empty:,}")
    if spec.from_now_on:
        words.append("asked for where somebody touches the field or the stage")
        return replace(change, grade="tightens", note="; ".join(words), count=empty, samples=samples)
    return replace(
        change, grade="blocked", note="; ".join(words), count=empty, samples=samples,
        remedies=(
            "`backfill: …`, an expression that fills them",
            "`from_now_on: true`, to ask for it only where somebody touches the field or the stage",
            f"fill them in by hand: /l/{entity}?{dotted}=~",
        ),
    )  # fmt: skip


def _empties(
    ground: Ground, entity: str, dotted: str, spec: Field, source: object
) -> tuple[int, int, int, tuple[Sample, ...]]:
    """Return how many places are filled, stay empty (live ones), cannot be filled; and some that are empty."""
    made = empty = wrong = 0
    samples: list[Sample] = []
    bad: list[Sample] = []
    for key, in_bin, record in empty_places(ground.population, entity, dotted, spec, source):
        if source is not None:
            value, problem = filled(ground.population, spec, source, record)
            if problem is not None:
                wrong += 1
                if len(bad) < MAX_SAMPLES:
                    bad.append(Sample(key, problem))
                continue
            if value is not None:
                made += 1
                continue
        if not in_bin and visible(ground.population, spec, record):
            empty += 1
            if len(samples) < MAX_SAMPLES:
                samples.append(Sample(key, ""))
    return made, empty, wrong, tuple(bad or samples)


def _doubles(ground: Ground, change: Change, entity: str, wanted: str) -> Change:
    names = wanted.split(",")
    groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    if not ground.no_records(entity):
        fields = ground.app.entities[entity].entity.fields
        fills = {name: fill for name in names if (fill := ground.fills.get((entity, name)))}
        reads = {path[0] for fill in fills.values() for path in getattr(fill.source, "uses", ()) if path}
        for one in ground.population.each(entity, [*names, *sorted(reads)], condition="deleted_at IS NULL"):
            key = []
            for name in names:
                value = one.record[name]
                if value is None and name in fills:
                    value, _ = filled(ground.population, fields[name], fills[name].source, one.record)
                key.append(None if value is None else kind_of(fields[name]).to_stored(value, fields[name]))
            if None not in key:
                groups[tuple(key)].append(one.id)
    doubles = {key: ids for key, ids in groups.items() if len(ids) > 1}
    if not doubles:
        return change
    fields = ground.app.entities[entity].entity.fields
    samples = tuple(
        Sample(
            ids[0], " · ".join(shown(part, fields[name]) for part, name in zip(key, names, strict=True)), None,
            f"{len(ids):,} records: {', '.join(ids[:MAX_SAMPLES])}",
        )
        for key, ids in list(doubles.items())[:MAX_SAMPLES]
    )  # fmt: skip
    records = sum(map(len, doubles.values()))
    return replace(
        change, grade="blocked", count=len(doubles), samples=samples,
        note=f"values that stand in several records: {len(doubles):,}; records: {records:,}; merge them first",
        remedies=("merge the records of each group, or change what stands in them",),
    )  # fmt: skip


def _violations(ground: Ground, change: Change, entity: str, number: str) -> Change:
    check = ground.app.entities[entity].entity.checks[int(number)]
    if check.on == "create" or ground.no_records(entity):
        return change
    names = {path[0] for path in check.rule.uses | check.rule.uses_old if path}
    computed = [name for name in ground.population.needed(entity, names) if name not in names]
    samples: list[Sample] = []
    count = 0
    for one in ground.population.each(
        entity, [*sorted(names), *sorted(computed)], condition="deleted_at IS NULL"
    ):
        env = replace(ground.population.env, old=one.record)
        try:
            broken = check.rule.evaluate(one.record, env) is False
        except Invalid:
            broken = False
        if broken:
            count += 1
            if len(samples) < MAX_SAMPLES:
                samples.append(
                    Sample(one.id, ", ".join(f"{name}: {one.record[name]}" for name in sorted(names)))
                )
    if not count:
        return change
    rest = (
        "they may be saved as long as nobody touches what the rule looks at"
        if check.from_now_on
        else "they cannot be saved before they are mended"
    )
    return replace(
        change, note=f"records that break it: {count:,}; {rest}", count=count, samples=tuple(samples)
    )


def _compute(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    if ground.no_records(entity):
        return change
    ground.compute[entity].add(dotted.partition(".")[0])
    count = ground.count(entity)
    return replace(
        change, grade="computes", note=f"records for which it is worked out: {count:,}", count=count
    )


def _trait(ground: Ground, change: Change, entity: str, name: str) -> Change:
    if ground.no_records(entity) or ground.layout.columns.get((entity, name)) is not None:
        return change
    given = ground.app.entities[entity].entity.backfill
    spec = ground.app.entities[entity].entity.fields[name]
    count = ground.count(entity)
    if name == "stage":
        ground.fills[entity, name] = Fill((entity, name), spec, given.get(name) or spec.default)
        note = f"records that begin in a stage: {count:,}"
        return replace(change, grade="computes", note=note, count=count)
    if name not in given:
        return replace(
            change, grade="blocked", count=count, note=f"records that would belong to nobody: {count:,}",
            remedies=(
                "`backfill: {owner: record.created_by}` in the entity, or another expression that gives a person",
                "`backfill: {owner: null}`, when nobody shall own them",
            ),
        )  # fmt: skip
    if given[name] is None:
        return replace(change, note=f"records without an owner: {count:,}", count=count)
    ground.fills[entity, name] = Fill((entity, name), spec, given[name])
    filled, empty, wrong, samples = _empties(ground, entity, name, spec, given[name])
    note = f"records that get an owner: {filled:,}" + (f"; without one: {empty:,}" if empty else "")
    if wrong:
        return replace(
            change, grade="blocked", note=f"`backfill` gives no person: {wrong:,}", samples=samples
        )
    return replace(change, grade="computes", note=note, count=filled)


def _indexed(ground: Ground, change: Change, entity: str) -> Change:
    count = ground.count(entity)
    if not count:
        return change
    wait = max(1, round(count / 200_000))
    note = f"built over {count:,} records, about {wait} s, in which nobody writes there"
    return replace(change, note=note, count=count)


def _in_stage(ground: Ground, change: Change, entity: str, stage: str) -> Change:
    pipeline = ground.app.workspace.pipeline_of(entity)
    mapped = pipeline.map if pipeline is not None else {}
    return _moved(
        ground, change, entity, "stage", stage, mapped, "records that stand in it", "move them first"
    )


def _pooled(ground: Ground, change: Change, entity: str, pool: str) -> Change:
    mapped = ground.app.workspace.map.get("pool", {})
    return _moved(ground, change, entity, "pool", pool, mapped, "records that lie in it", "move them first")


def _moved(
    ground: Ground,
    change: Change,
    entity: str,
    column: str,
    name: str,
    mapped: Mapping[str, str | None],
    what: str,
    how: str,
) -> Change:
    spot = ground.layout.columns.get((entity, column))
    if spot is None:
        return change
    found = [held for held in converting.held(ground.database, spot) if held.value == name]
    count, in_bin = sum(held.rows for held in found), sum(held.in_bin for held in found)
    if name in mapped:
        ground.dirty[entity].add(column)
        ground.moves.append(moved_on(entity, column, name, mapped[name]))
        note = f"{what}: {count:,}; they go on in {mapped[name] or 'none'}"
        return replace(change, grade="computes" if count else "safe", note=note if count else "", count=count)
    if not count:
        return change
    note = f"{what}: {count:,}" + (f", {in_bin:,} of them in the recycle bin" if in_bin else "") + f"; {how}"
    samples = tuple(
        Sample(key, name) for key in converting.records_with(ground.database, spot, name, MAX_SAMPLES)
    )
    remedy = f"`map: {{{name}: other}}`" + (" in the pipeline" if column == "stage" else " under `pool` in fairlead.yaml")  # fmt: skip
    return replace(change, grade="blocked", note=note, count=count, samples=samples, remedies=(remedy, how))


def _records(ground: Ground, change: Change, entity: str) -> Change:
    table = table_name(entity)
    if table not in ground.now.columns:
        return change
    count = converting.count(ground.database, f'SELECT count(*) FROM "{table}" WHERE deleted_at IS NULL')
    return _counted(change, count, "records")


def _values(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    name, _, row = dotted.partition(".")
    main = ground.table(table_name(entity))
    if main is None:
        return change
    lines = f"{main}__{name}"
    if not row and lines in ground.now.columns:
        return _counted(change, converting.count(ground.database, f'SELECT count(*) FROM "{lines}"'), "lines")
    table, column = (lines if row else main), column_name(row or name)
    spec = field_at(ground.old, entity, dotted) if ground.old is not None else None
    if spec is None or column not in ground.now.columns.get(table, {}):
        return change
    spot = Spot(table, column, main if row else None)
    held = converting.held(ground.database, spot)
    samples = [
        Sample(key, shown(one.value, spec))
        for one in held[:MAX_SAMPLES]
        for key in converting.records_with(ground.database, spot, one.value, MAX_SAMPLES)
    ]
    counted = _counted(change, sum(one.rows for one in held), "values")
    return replace(counted, samples=tuple(samples[:MAX_SAMPLES]))


def _running(ground: Ground, change: Change, flow: str) -> Change:
    count = converting.count(
        ground.database,
        "SELECT count(*) FROM sys_approval WHERE flow = :p_flow AND state IN ('running', 'returned', 'suspended')",
        p_flow=flow,
    )
    return _counted(change, count, "approvals under way", "they finish as they began")


def _people(ground: Ground, change: Change, role: str) -> Change:
    mapped = ground.app.workspace.map.get("role", {})
    found = people.held_roles(ground.database, role)
    active = sum(may_sign_in for *_, may_sign_in in found)
    if role in mapped:
        ground.moves.append(other_role(role, mapped[role]))
        note = f"people who have it: {len(found):,}; they get {mapped[role] or 'nothing'} in its place"
        return replace(change, note=note if found else "", count=len(found))

    if not active and found:
        # Whoever comes back later must not have what another role of this name grants then (A-G11).
        ground.moves.append(other_role(role, None))
        note = f"closed accounts that have it: {len(found):,}; it is taken from them"
        return replace(change, note=note, count=len(found))
    if not active:
        return change
    return replace(
        change, grade="blocked", count=active,
        note=f"people who have it: {active:,}; give them another role first",
        samples=tuple(Sample(str(row[0]), str(row[1])) for row in found[:MAX_SAMPLES]),
        remedies=(f"`map: {{role: {{{role}: other}}}}` in fairlead.yaml", "give them another role first"),
    )  # fmt: skip


def _counted(change: Change, count: int, what: str, rest: str = "") -> Change:
    if not count:
        return replace(change, count=0)
    note = "; ".join(filter(None, (f"{what}: {count:,}", rest, change.note)))
    return replace(change, note=note, count=count)


def _holds(value: Any, option: str, spec: Field) -> bool:
    if spec.kind == "multi_choice":
        return option in (kind_of(spec).from_stored(value, spec) or ())
    return bool(value == option)


def _all_held(where: Reads, found: Treatment) -> list[tuple[converting.Held, Any]]:
    return [(held, None) for held in converting.held(where, found.spot)]


_QUESTIONS: Mapping[str, Callable[..., Change]] = {
    "convert": _convert, "option": _option, "empty": _empty, "doubles": _doubles, "violations": _violations,
    "compute": _compute, "trait": _trait, "indexed": _indexed, "in_stage": _in_stage, "pooled": _pooled,
    "records": _records, "values": _values, "running": _running, "people": _people,
}  # fmt: skip
"""Question of a change → who answers it."""
