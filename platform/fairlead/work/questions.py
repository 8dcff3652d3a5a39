"""The questions that changes put to the data, and the grades that the answers give (CF-20, CF-45)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fairlead.base.errors import Invalid
from fairlead.base.texts import Label, joined
from fairlead.compiled.changes import BOUNDS, MAX_SAMPLES, NOTHING, VALUES_STAY, Change, Sample, counting_by
from fairlead.compiled.conversions import shown
from fairlead.compiled.tables import column_name, table_name
from fairlead.fields.kind import FieldProblem, both
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.store import converting, people, underway
from fairlead.store.converting import Spot
from fairlead.store.statements import Reads
from fairlead.work import treatments
from fairlead.work.grounds import Fill, Ground, Treatment, field_at
from fairlead.work.rewriting import empty_places, filled, moved_on, other_role, visible

_FROZEN = both("values are kept as they were last worked out", "保留最后一次计算的值")
_MERGE = both("merge the records, or change what stands in them", "合并这些记录，或修改其中的值")
_MERGE_GROUPS = both(
    "merge the records of each group, or change what stands in them", "合并每组中的记录，或修改其中的值"
)
_EMPTIED = both("emptied; kept aside", "将置空；原值另行保存")
_RETIRE = both("set `active: false` instead", "建议改写 `active: false`")
_ANOTHER_BACKFILL = both("another `backfill`", "换一个 `backfill`")
_WHERE_TOUCHED = both(
    "asked for where somebody touches the field or the stage", "仅在有人改动该字段或阶段时要求填写"
)
_BACKFILL = both("`backfill: …`, an expression that fills them", "`backfill: …`，用表达式填充")
_FROM_NOW_ON = both(
    "`from_now_on: true`, to ask for it only where somebody touches the field or the stage",
    "`from_now_on: true`，仅在有人改动该字段或阶段时要求填写",
)
_UNTOUCHED = both(
    "they may be saved as long as nobody touches what the rule looks at", "只要不改动规则涉及的内容，仍可保存"
)
_MENDED_FIRST = both("they cannot be saved before they are mended", "修正之前无法保存")
_OWNED_BY = both(
    "`backfill: {owner: record.created_by}` in the entity, or another expression that gives a person",
    "在实体中写 `backfill: {owner: record.created_by}`，或其他给出人员的表达式",
)
_OWNED_BY_NOBODY = both(
    "`backfill: {owner: null}`, when nobody shall own them", "若不需要负责人，写 `backfill: {owner: null}`"
)
_MOVE_FIRST = both("move them first", "请先将其移走")
_ROLE_FIRST = both("give them another role first", "请先为其换一个角色")
_LINES = both("lines", "明细行")
_UNDER_WAY = both("approvals under way", "进行中的审批")
_AS_BEGUN = both("they finish as they began", "按发起时的流程走完")


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
        return replace(change, note=treatments.NO_VALUES)
    if found.frozen and not found.after.computed:
        return replace(change, note=_FROZEN, count=found.evidence.total)
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
            note=joined((treatments.said(evidence), both(
                f"values that would stand in several records: {len(twice):,}",
                f"将出现在多条记录中的值：{len(twice):,} 个",
            ))),
            remedies=(_MERGE,),
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
    note = both(
        f"records that have it: {count:,}{_bin_en(in_bin)}", f"使用它的记录：{count:,} 条{_bin_zh(in_bin)}"
    )
    samples = tuple(
        Sample(key, shown(held.value, found.before))
        for held, _ in holding
        for key in converting.records_with(ground.database, found.spot, held.value, MAX_SAMPLES)
    )[:MAX_SAMPLES]
    how = found.after.migration
    if option in how.map or how.on_fail != "block":
        target = how.map.get(option, how.value)
        lost = target is None
        text = _EMPTIED if lost else both(f"they become {target}", f"将改为 {target}")
        return replace(
            change,
            grade="lossy" if lost else "computes",
            note=joined((note, text)),
            count=count,
            samples=samples,
        )
    return replace(
        change, grade="blocked", note=joined((note, _RETIRE)), count=count, samples=samples,
        remedies=(
            both(
                f"`active: false` keeps {option} for the records that have it and offers it to nobody",
                f"`active: false`：已有记录保留 {option}，不再供选择",
            ),
            both(
                f"`map: {{{option}: other}}` gives them another option, `{{{option}: null}}` none",
                f"`map: {{{option}: other}}`：改为另一选项；`{{{option}: null}}`：置空",
            ),
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
            change, grade="blocked", count=wrong, samples=samples, remedies=(_ANOTHER_BACKFILL,),
            note=both(
                f"records for which `backfill` gives no value of this field: {wrong:,}",
                f"`backfill` 给不出有效值的记录：{wrong:,} 条",
            ),
        )  # fmt: skip
    words = [both(f"records that are filled: {filled:,}", f"将被填充的记录：{filled:,} 条")] if filled else []
    grade = "computes" if filled else "safe"
    if not spec.required or not empty:
        if spec.required:
            grade = grade if filled else "tightens"
        return replace(change, grade=grade, note=joined(words), count=filled)  # type: ignore[arg-type]
    words.append(both(f"records that are empty there: {empty:,}", f"此处为空的记录：{empty:,} 条"))
    if spec.from_now_on:
        words.append(_WHERE_TOUCHED)
        return replace(change, grade="tightens", note=joined(words), count=empty, samples=samples)
    return replace(
        change, grade="blocked", note=joined(words), count=empty, samples=samples,
        remedies=(
            _BACKFILL, _FROM_NOW_ON,
            both(
                f"fill them in by hand: /l/{entity}?{dotted}=~",
                f"手工填写：/l/{entity}?{dotted}=~",
            ),
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
            both(
                f"{len(ids):,} records: {', '.join(ids[:MAX_SAMPLES])}",
                f"{len(ids):,} 条记录：{'、'.join(ids[:MAX_SAMPLES])}",
            ),
        )
        for key, ids in list(doubles.items())[:MAX_SAMPLES]
    )  # fmt: skip
    records = sum(map(len, doubles.values()))
    return replace(
        change, grade="blocked", count=len(doubles), samples=samples,
        note=both(
            f"values that stand in several records: {len(doubles):,}; records: {records:,}; merge them first",
            f"出现在多条记录中的值：{len(doubles):,} 个；涉及记录：{records:,} 条；请先合并",
        ),
        remedies=(_MERGE_GROUPS,),
    )  # fmt: skip


def _violations(ground: Ground, change: Change, entity: str, number: str) -> Change:
    check = ground.app.entities[entity].entity.checks[int(number)]
    if check.on == "create" or ground.no_records(entity):
        return change
    names = {path[0] for path in check.rule.uses | check.rule.uses_old if path}
    computed = [name for name in ground.population.needed(entity, names) if name not in names]
    fields = ground.app.entities[entity].entity.fields
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
                samples.append(Sample(one.id, _held(fields, one.record, sorted(names))))
    if not count:
        return change
    broken_by = both(f"records that break it: {count:,}", f"不符合该规则的记录：{count:,} 条")
    note = joined((broken_by, _UNTOUCHED if check.from_now_on else _MENDED_FIRST))
    return replace(change, note=note, count=count, samples=tuple(samples))


def _held(fields: Mapping[str, Field], record: Mapping[str, Any], names: Sequence[str]) -> Label:
    """Return what stands in some fields of a record, each under its name, or in Chinese under its label."""
    known = [name for name in names if name in fields]
    return both(
        ", ".join(f"{name}: {record[name]}" for name in names),
        "，".join(f"{fields[name].label.get('zh')}：{_plain(record[name], fields[name])}" for name in known),
    )


def _plain(value: Any, spec: Field) -> str:
    return "空" if value is None else kind_of(spec).display(value, spec, "zh")


def _compute(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    if ground.no_records(entity):
        return change
    ground.compute[entity].add(dotted.partition(".")[0])
    count = ground.count(entity)
    note = both(f"records for which it is worked out: {count:,}", f"将计算该值的记录：{count:,} 条")
    return replace(change, grade="computes", note=note, count=count)


def _trait(ground: Ground, change: Change, entity: str, name: str) -> Change:
    if ground.no_records(entity) or ground.layout.columns.get((entity, name)) is not None:
        return change
    given = ground.app.entities[entity].entity.backfill
    spec = ground.app.entities[entity].entity.fields[name]
    count = ground.count(entity)
    if name == "stage":
        ground.fills[entity, name] = Fill((entity, name), spec, given.get(name) or spec.default)
        note = both(f"records that begin in a stage: {count:,}", f"将进入阶段的记录：{count:,} 条")
        return replace(change, grade="computes", note=note, count=count)
    if name not in given:
        return replace(
            change, grade="blocked", count=count,
            note=both(f"records that would belong to nobody: {count:,}", f"将没有负责人的记录：{count:,} 条"),
            remedies=(_OWNED_BY, _OWNED_BY_NOBODY),
        )  # fmt: skip
    if given[name] is None:
        note = both(f"records without an owner: {count:,}", f"没有负责人的记录：{count:,} 条")
        return replace(change, note=note, count=count)
    ground.fills[entity, name] = Fill((entity, name), spec, given[name])
    filled, empty, wrong, samples = _empties(ground, entity, name, spec, given[name])
    note = joined((
        both(f"records that get an owner: {filled:,}", f"将获得负责人的记录：{filled:,} 条"),
        both(f"without one: {empty:,}", f"仍没有的：{empty:,} 条") if empty else None,
    ))  # fmt: skip
    if wrong:
        note = both(f"`backfill` gives no person: {wrong:,}", f"`backfill` 给不出人员的记录：{wrong:,} 条")
        return replace(change, grade="blocked", note=note, samples=samples)
    return replace(change, grade="computes", note=note, count=filled)


def _indexed(ground: Ground, change: Change, entity: str) -> Change:
    count = ground.count(entity)
    if not count:
        return change
    wait = max(1, round(count / 200_000))
    note = both(
        f"built over {count:,} records, about {wait} s, in which nobody writes there",
        f"在 {count:,} 条记录上建立，约 {wait} 秒，期间该处不能写入",
    )
    return replace(change, note=note, count=count)


def _in_stage(ground: Ground, change: Change, entity: str, stage: str) -> Change:
    pipeline = ground.app.workspace.pipeline_of(entity)
    mapped = pipeline.map if pipeline is not None else {}
    return _moved(ground, change, entity, "stage", stage, mapped)


def _pooled(ground: Ground, change: Change, entity: str, pool: str) -> Change:
    mapped = ground.app.workspace.map.get("pool", {})
    return _moved(ground, change, entity, "pool", pool, mapped)


def _moved(
    ground: Ground,
    change: Change,
    entity: str,
    column: str,
    name: str,
    mapped: Mapping[str, str | None],
) -> Change:
    spot = ground.layout.columns.get((entity, column))
    if spot is None:
        return change
    found = [held for held in converting.held(ground.database, spot) if held.value == name]
    count, in_bin = sum(held.rows for held in found), sum(held.in_bin for held in found)
    if name in mapped:
        ground.dirty[entity].add(column)
        ground.moves.append(moved_on(entity, column, name, mapped[name]))
        note = joined((_lying(column, count), both(
            f"they go on in {mapped[name] or 'none'}", f"将转到 {mapped[name] or '无'}",
        )))  # fmt: skip
        return replace(
            change, grade="computes" if count else "safe", note=note if count else NOTHING, count=count
        )
    if not count:
        return change
    note = joined((_lying(column, count, in_bin), _MOVE_FIRST))
    samples = tuple(
        Sample(key, name) for key in converting.records_with(ground.database, spot, name, MAX_SAMPLES)
    )
    mapping = f"`map: {{{name}: other}}`"
    remedy = (
        both(f"{mapping} in the pipeline", f"在流程中写 {mapping}")
        if column == "stage"
        else both(f"{mapping} under `pool` in fairlead.yaml", f"在 fairlead.yaml 的 `pool` 下写 {mapping}")
    )
    return replace(
        change, grade="blocked", note=note, count=count, samples=samples, remedies=(remedy, _MOVE_FIRST)
    )


def _lying(column: str, count: int, in_bin: int = 0) -> Label:
    en, zh = (
        ("records that stand in it", "处于该阶段的记录")
        if column == "stage"
        else ("records that lie in it", "其中的记录")
    )
    return both(f"{en}: {count:,}{_bin_en(in_bin)}", f"{zh}：{count:,} 条{_bin_zh(in_bin)}")


def _bin_en(in_bin: int) -> str:
    return f", {in_bin:,} of them in the recycle bin" if in_bin else ""


def _bin_zh(in_bin: int) -> str:
    return f"，其中 {in_bin:,} 条在回收站中" if in_bin else ""


def _records(ground: Ground, change: Change, entity: str) -> Change:
    table = table_name(entity)
    if table not in ground.now.columns:
        return change
    count = converting.count(ground.database, f'SELECT count(*) FROM "{table}" WHERE deleted_at IS NULL')
    return _counted(change, count, both("records", "记录"))


def _values(ground: Ground, change: Change, entity: str, dotted: str) -> Change:
    name, _, row = dotted.partition(".")
    main = ground.table(table_name(entity))
    if main is None:
        return change
    lines = f"{main}__{name}"
    if not row and lines in ground.now.columns:
        return _counted(change, converting.count(ground.database, f'SELECT count(*) FROM "{lines}"'), _LINES)
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
    counted = _counted(change, sum(one.rows for one in held), both("values", "值"))
    return replace(counted, samples=tuple(samples[:MAX_SAMPLES]))


def _running(ground: Ground, change: Change, flow: str) -> Change:
    count = converting.count(
        ground.database,
        "SELECT count(*) FROM sys_approval WHERE flow = :p_flow AND state IN ('running', 'returned', 'suspended')",
        p_flow=flow,
    )
    return _counted(change, count, _UNDER_WAY, _AS_BEGUN)


def _timers(ground: Ground, change: Change, calendar: str) -> Change:
    """Count what is under way and counts by a calendar that goes: its deadlines move, so somebody must agree (4.5)."""
    users = counting_by(ground.old, calendar) if ground.old is not None else []
    flows, moments = underway.approvals_by_flow(ground.database), underway.moments_by_rule(ground.database)
    running = sum(flows.get(name, 0) for kind, name in users if kind == "approval")
    waiting = sum(moments.get(f"automation:{name}", 0) for kind, name in users if kind == "automation")
    if not running + waiting:
        return replace(change, count=0)
    note = joined((
        both(f"approvals under way: {running:,}", f"进行中的审批：{running:,} 个") if running else None,
        both(f"planned moments: {waiting:,}", f"已安排的时点：{waiting:,} 个") if waiting else None,
        change.note,
    ))  # fmt: skip
    return replace(change, grade="lossy", note=note, count=running + waiting)


def _people(ground: Ground, change: Change, role: str) -> Change:
    mapped = ground.app.workspace.map.get("role", {})
    found = people.held_roles(ground.database, role)
    active = sum(may_sign_in for *_, may_sign_in in found)
    if role in mapped:
        ground.moves.append(other_role(role, mapped[role]))
        note = both(
            f"people who have it: {len(found):,}; they get {mapped[role] or 'nothing'} in its place",
            f"拥有该角色的人员：{len(found):,} 人；将改为 {mapped[role] or '无'}",
        )
        return replace(change, note=note if found else NOTHING, count=len(found))

    if not active and found:
        # Whoever comes back later must not have what another role of this name grants then (A-G11).
        ground.moves.append(other_role(role, None))
        note = both(
            f"closed accounts that have it: {len(found):,}; it is taken from them",
            f"拥有该角色的停用账号：{len(found):,} 个；将收回该角色",
        )
        return replace(change, note=note, count=len(found))
    if not active:
        return change
    return replace(
        change, grade="blocked", count=active,
        note=joined((both(f"people who have it: {active:,}", f"拥有该角色的人员：{active:,} 人"), _ROLE_FIRST)),
        samples=tuple(Sample(str(row[0]), str(row[1])) for row in found[:MAX_SAMPLES]),
        remedies=(
            both(
                f"`map: {{role: {{{role}: other}}}}` in fairlead.yaml",
                f"在 fairlead.yaml 中写 `map: {{role: {{{role}: other}}}}`",
            ),
            _ROLE_FIRST,
        ),
    )  # fmt: skip


def _counted(change: Change, count: int, what: Label, rest: Label | None = None) -> Change:
    if not count:
        return replace(change, count=0)
    counted = both(f"{what.get('en')}: {count:,}", f"{what.get('zh')}：{count:,}")
    return replace(change, note=joined((counted, rest, change.note)), count=count)


def _bounds(ground: Ground, change: Change, entity: str, dotted: str, key: str) -> Change:
    """Count the values that one bound of a field no longer lets in; whatever else the field asks is not looked at."""
    spec = field_at(ground.app.workspace, entity, dotted)
    if spec is None or spec.computed or ground.no_records(entity):
        return change
    if spec.kind == "table":
        return _rows_beyond(ground, change, entity, spec)
    spot = ground.population.spot(entity, dotted)
    if spot is None:
        return change
    asked = replace(spec, params={
        name: value for name, value in spec.params.items() if name == key or name not in BOUNDS
    })  # fmt: skip
    kind, decode = kind_of(asked), ground.population.decode(entity, dotted, spec)
    count = in_bin = 0
    samples: list[Sample] = []
    for held in converting.held(ground.database, spot):
        value = None if held.value is None else decode(held.value)
        if value is None:
            continue
        try:
            kind.parse(kind.to_json(value, asked), asked)
        except FieldProblem as problem:
            count, in_bin = count + held.rows, in_bin + held.in_bin
            room = MAX_SAMPLES - len(samples)
            if room > 0:
                text = shown(kind.to_stored(value, asked), asked)
                found = converting.records_with(ground.database, spot, held.value, room)
                samples += [Sample(one, text, None, problem.message) for one in found]
    return _beyond(change, count, in_bin, samples)


def _rows_beyond(ground: Ground, change: Change, entity: str, spec: Field) -> Change:
    """Count the records with more lines than are allowed now."""
    most = int(spec.params["max_rows"])
    rows = Counter(parent for parent, _, _ in ground.population.line_items(entity, spec.name))
    beyond = {parent: count for parent, count in rows.items() if count > most}
    samples = [
        Sample(parent, both(f"{count:,} lines", f"{count:,} 行"))
        for parent, count in list(beyond.items())[:MAX_SAMPLES]
    ]
    return _beyond(change, len(beyond), 0, samples)


def _beyond(change: Change, count: int, in_bin: int, samples: Sequence[Sample]) -> Change:
    if not count:
        return replace(change, count=0)
    note = joined((
        both(f"values that no longer fit: {count:,}{_bin_en(in_bin)}", f"不再符合的值：{count:,} 个{_bin_zh(in_bin)}"),
        VALUES_STAY,
    ))  # fmt: skip
    return replace(change, note=note, count=count, samples=tuple(samples))


def _holds(value: Any, option: str, spec: Field) -> bool:
    if spec.kind == "multi_choice":
        return option in (kind_of(spec).from_stored(value, spec) or ())
    return bool(value == option)


def _all_held(where: Reads, found: Treatment) -> list[tuple[converting.Held, Any]]:
    return [(held, None) for held in converting.held(where, found.spot)]


_QUESTIONS: Mapping[str, Callable[..., Change]] = {
    "convert": _convert, "option": _option, "empty": _empty, "doubles": _doubles, "violations": _violations,
    "compute": _compute, "trait": _trait, "indexed": _indexed, "in_stage": _in_stage, "pooled": _pooled,
    "bounds": _bounds, "records": _records, "values": _values, "running": _running, "timers": _timers, "people": _people,
}  # fmt: skip
"""Question of a change → who answers it."""
