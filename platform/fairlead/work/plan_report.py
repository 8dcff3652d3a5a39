"""A plan as people and programs read it: graded, counted, with the place in the documents that asked for each change.

Pure functions of the plan: the same plan gives the same bytes (CF-23).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from fairlead.base.problems import Level, Span
from fairlead.base.texts import LANGUAGES, Label
from fairlead.compiled.changes import GRADES, MAX_SAMPLES, Change, Grade
from fairlead.compiled.rights import RightChange
from fairlead.work.access_changes import AccessChanges, RowsChange
from fairlead.work.costs import Cost, costs
from fairlead.work.planning import Plan
from fairlead.work.reach import Reach, thing_of

MEANINGS: Mapping[str, Label] = {
    "blocked": Label({"en": "cannot be done as things stand", "zh": "目前无法执行"}),
    "destructive": Label({"en": "values are lost for good", "zh": "数据将永久丢失"}),
    "lossy": Label({
        "en": "values are changed or taken out of sight; what they were is kept aside",
        "zh": "数据会被改动或不再可见，原值另行保存",
    }),
    "access": Label({"en": "somebody gains or loses sight or rights", "zh": "有人获得或失去权限"}),
    "tightens": Label({
        "en": "what could be written before may be refused from now on", "zh": "以前允许的写入可能被拒绝",
    }),
    "computes": Label({"en": "values are filled in or worked out again", "zh": "填充或重新计算数据"}),
    "safe": Label({"en": "no data is changed or refused", "zh": "不改动、不拒绝任何数据"}),
}  # fmt: skip
"""What each grade says."""

CONSENT: Mapping[str, str] = {"lossy": "--allow-destructive", "destructive": "--allow-destructive"}
"""What has to be said on the command line; `--yes` never stands for it (CF-21)."""

REVERSIBLE: Mapping[Grade, str | None] = {
    "safe": "yes", "computes": "yes", "tightens": "yes", "access": "yes", "lossy": "kept_aside", "destructive": "no",
    "blocked": None,
}  # fmt: skip
"""Whether a roll back undoes it: as if it had never been, with what was kept aside while that is there, or not."""

LISTED = 60
"""So many light changes are listed one by one; of more, those of a document are told together."""

_LIGHT = ("safe", "computes")
_INDENT = "      "


def render(plan: Plan, *, command: str | None = None) -> str:
    """Return the plan as a person reads it.

    Args:
        command: What would publish it, without the consent that it needs; None where that is asked right after.
    """
    if plan.empty:
        return "Nothing to do: the published configuration is the same."
    base = f"revision {plan.base}" if plan.base else "an empty workspace"
    counted = " · ".join(f"{count} {grade}" for grade, count in tally(plan))
    lines = [f"On {base}: {counted or 'nothing but statements'}"]
    reaches = {one.path: one for one in plan.reach}
    # Who holds a role is said with what the role gains and loses.
    told = {one.path for one in plan.reach if one.path[0] == "role" and not plan.access.empty}
    for grade in reversed(GRADES):
        changes = [change for change in plan.changes if change.grade == grade]
        if grade == "access":
            lines += _access_section(plan.access, len(changes))
        if not changes:
            continue
        if grade != "access" or plan.access.empty:
            lines += ["", f"{grade} ({len(changes)}): {MEANINGS[grade].get('en')}"]
        else:
            lines.append("  as the documents say it")
        if grade in _LIGHT and len(changes) > LISTED:
            lines += _by_document(changes)
            continue
        for change in changes:
            lines += _change(change, reaches, told)
    lines += _warnings(plan)
    lines += _database_section(costs(plan))
    lines += ["", *_how(plan, command)]
    return "\n".join(lines)


def _warnings(plan: Plan) -> list[str]:
    found = [f"  {one}" for one in plan.warnings if one.level is Level.warning]
    if not found:
        return []
    return ["", f"warnings ({len(found)}): none of them keeps it from being published", *found]


def tally(plan: Plan) -> list[tuple[str, int]]:
    """Return grade → number of changes, the gravest first, without empty ones."""
    found = [(grade, sum(change.grade == grade for change in plan.changes)) for grade in reversed(GRADES)]
    return [(grade, count) for grade, count in found if count]


def consent(plan: Plan) -> str | None:
    """Return the option without which the plan is refused, or None."""
    return next((CONSENT[grade] for grade, _ in tally(plan) if grade in CONSENT), None)


def _how(plan: Plan, command: str | None) -> list[str]:
    if any(change.grade == "blocked" for change in plan.changes):
        return [f"Nothing can be published until what is blocked is mended. Sealed {plan.seal}."]
    needed = consent(plan)
    if command is None:
        return [f"It needs {needed}. Sealed {plan.seal}." if needed else f"Sealed {plan.seal}."]
    return [f"To publish it: {command}{f' {needed}' if needed else ''}   (sealed {plan.seal})"]


# ---------------------------------------------------------------- changes


def _change(
    change: Change, reaches: Mapping[tuple[str, ...], Reach], told: set[tuple[str, ...]]
) -> list[str]:
    lines = [f"  {change.line()}" + _at(change.span)]
    thing = thing_of(change.path)
    if thing in reaches and thing not in told:
        told.add(thing)
        lines.append(f"{_INDENT}concerns {reaches[thing].words()}")
    for sample in change.samples[:MAX_SAMPLES]:
        becomes = "" if sample.becomes is None else f" → {sample.becomes}"
        lines.append(
            f"{_INDENT}such as {sample.record}: {sample.said() or 'empty'}{becomes}"
            + (f" ({sample.why.get('en')})" if sample.why else "")
        )
    if change.count is not None and len(change.samples) and change.count > len(change.samples):
        lines.append(f"{_INDENT}and {change.count - len(change.samples):,} more")
    lines += [f"{_INDENT}remedy: {remedy.get('en')}" for remedy in change.remedies]
    return lines


def _by_document(changes: Sequence[Change]) -> Iterator[str]:
    """Tell the light changes of each document together, so that hundreds stay readable."""
    for document, group in groupby(changes, key=lambda change: change.path[:2]):
        found = list(group)
        if len(found) == 1:
            yield f"  {found[0].line()}" + _at(found[0].span)
            continue
        signs = [(sign, sum(one.action == what for one in found))
                 for sign, what in (("+", "add"), ("~", "change"), ("-", "remove"))]  # fmt: skip
        keys = list(dict.fromkeys(".".join(one.path[2:4]) for one in found if len(one.path) > 2))
        shown = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
        amount = " ".join(f"{sign}{count}" for sign, count in signs if count)
        yield f"  ~ {'.'.join(document)}: {amount}" + (f"  ({shown})" if shown else "") + _at(found[0].span)


def _at(span: Span | None) -> str:
    # What is derived, such as the menu of a workspace that writes none, stands nowhere.
    return f"  [{span}]" if span and span.file else ""


# ---------------------------------------------------------------- access


def access_by_role(
    access: AccessChanges,
) -> list[tuple[str, list[tuple[str | None, list[RightChange], list[RowsChange]]]]]:
    """Return the matrix as it is read: role → entity (None for reports and rooms) → cells and counts."""
    roles = dict.fromkeys([*(one.role for one in access.rights), *(one.role for one in access.rows)])
    found = []
    for role in roles:
        cells = [one for one in access.rights if one.role == role]
        rows = [one for one in access.rows if one.role == role]
        entities = dict.fromkeys([*(one.entity for one in cells), *(one.entity for one in rows)])
        found.append((role, [
            (entity, [one for one in cells if one.entity == entity], [one for one in rows if one.entity == entity])
            for entity in entities
        ]))  # fmt: skip
    return found


def _access_section(access: AccessChanges, count: int) -> Iterator[str]:
    """Tell all of it, however much there is: nothing that widens is ever left out."""
    if access.empty:
        return
    yield ""
    yield f"access{f' ({count})' if count else ''}: {MEANINGS['access'].get('en')}"
    for role, parts in access_by_role(access):
        held = access.holders.get(role, 0)
        yield f"  {role}: {held:,} {'person' if held == 1 else 'people'}"
        for entity, cells, rows in parts:
            yield f"    {entity or 'the workspace'}"
            for cell in cells:
                yield f"{_INDENT}{_cell(cell)}" + _at(cell.span)
            for one in rows:
                yield from (f"{_INDENT}{sentence.get('en')}" for sentence in one.sentences())
    for role, entity in access.uncounted:
        yield f"  {role}, {entity}: cannot be counted before it is published; the rule reads what is still to come"


def _cell(cell: RightChange) -> str:
    subject = {"action": "", "field": "field ", "report": "report ", "capability": "room "}[cell.subject]
    text = f"{cell.direction:<7}  {subject}{cell.name}: {cell.old} → {cell.new}"
    if cell.without:
        text += f", but {', '.join(f'{name} {right}' for name, right in cell.without)}"
    return text + (f"  (through {' → '.join(cell.via)})" if cell.via else "")


# ---------------------------------------------------------------- database


def _database_section(found: Sequence[Cost]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield f"database (statements: {len(found)})"
    for cost in found[:LISTED]:
        operation = cost.operation
        rows = f"{cost.rows:,} rows, " if cost.rows else ""
        yield (
            f"  {operation.kind.replace('_', ' ')} {operation.name}: {rows}{cost.time.get('en')}; {cost.lock.get('en')}"
            + _at(cost.asked_by)
        )
    if len(found) > LISTED:
        longest = max(found, key=lambda cost: cost.seconds)
        yield f"  … and {len(found) - LISTED} more; the longest of all: {longest.operation.name}, {longest.time.get('en')}"


# ---------------------------------------------------------------- for programs


def to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan for programs, and for `apply FILE`."""
    reaches = {one.path: one for one in plan.reach}
    return {
        "base": plan.base, "digest": plan.digest, "fingerprint": plan.fingerprint, "engine": plan.engine,
        "seal": plan.seal, "grade": plan.grade, "consent": consent(plan),
        "changes": [
            {
                **change.to_json(), "reversible": REVERSIBLE[change.grade],
                "reach": reaches[key].counts() if (key := thing_of(change.path)) in reaches else {},
            }
            for change in plan.changes
        ],
        "access": _access_json(plan.access),
        "operations": [_cost_json(cost) for cost in costs(plan)],
        "statements": [operation.sql for operation in plan.operations], "files": dict(plan.files),
        "warnings": plan.warnings.to_json(),
    }  # fmt: skip


def _access_json(access: AccessChanges) -> dict[str, Any]:
    return {
        "rights": [
            {
                "role": one.role, "entity": one.entity, "subject": one.subject, "name": one.name, "old": one.old,
                "new": one.new, "direction": one.direction, "via": list(one.via), "without": dict(one.without),
                **_span_json(one.span),
            }
            for one in access.rights
        ],
        "rows": [
            {
                "role": one.role, "entity": one.entity, "action": one.action, "fields": list(one.fields),
                "people": one.people, "asked": one.asked, "gained": one.gained, "lost": one.lost,
                "gaining": one.gaining, "losing": one.losing, "most_gained": one.most_gained,
                "most_lost": one.most_lost, "newest": one.newest,
                "texts": {lang: [sentence.get(lang) for sentence in one.sentences()] for lang in LANGUAGES},
            }
            for one in access.rows
        ],
        "uncounted": [{"role": role, "entity": entity} for role, entity in access.uncounted],
    }  # fmt: skip


def _cost_json(cost: Cost) -> dict[str, Any]:
    return {
        "kind": cost.operation.kind, "table": cost.operation.table, "name": cost.operation.name,
        "sql": cost.operation.sql, "rows": cost.rows, "lock": cost.lock.get("en"),
        "expected_seconds": round(cost.seconds, 1),
        "texts": {lang: {"lock": cost.lock.get(lang), "time": cost.time.get(lang)} for lang in LANGUAGES}, **_span_json(cost.asked_by),
    }  # fmt: skip


def _span_json(span: Span | None) -> dict[str, Any]:
    return {"file": span.file if span else None, "line": span.line if span else None}
