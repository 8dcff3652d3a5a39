"""May these values be written? Input to domain values, defaults, computed fields, rules; pure.

Every door sends its values through `read_input` and `complete`, so that a form, the API, an import and an
automation meet the same rules in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.application import CompiledEntity, computed_order
from fairlead.expr.check import Expression
from fairlead.expr.evaluate import Env
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Check

Values = Mapping[str, Any]
Rows = tuple[Mapping[str, Any], ...]

MAX_LINES = 500

_REQUIRED = Label({"en": "This is needed.", "zh": "此项必填。"})
READONLY = Label({"en": "This cannot be changed here.", "zh": "此项不能在这里修改。"})
_NOT_ROWS = Label({"en": "Give a list of rows.", "zh": "请提供行的列表。"})
_TOO_MANY = Label({"en": f"At most {MAX_LINES} rows.", "zh": f"最多 {MAX_LINES} 行。"})


@dataclass(frozen=True, slots=True)
class Input:
    """What somebody gave, as domain values. Only what was given is here; None means emptied."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """What will be written: for a new record all fields, for an old one those that changed."""

    values: dict[str, Any]
    lines: dict[str, Rows]


def read_input(
    entity: CompiledEntity,
    given: Mapping[str, Any],
    *,
    writable: frozenset[str],
    readable: frozenset[str],
    form: bool = False,
    zone: tzinfo = UTC,
) -> Input:
    """Return `given` as domain values.

    Args:
        entity: Whose fields they are.
        given: By field name: JSON values, or with `form` the texts of a form.
        writable: What this person may write on this record; line fields as `lines.qty`.
        readable: What this person may know to exist.
        form: Texts as people type them, in `zone`.
        zone: For local times in forms.

    Raises:
        Invalid: Each value that cannot be kept, each name that is not known, together.
    """
    found = Input()
    errors: list[FieldError] = []
    fields = entity.entity.fields
    for name, raw in given.items():
        spec = fields.get(name)
        if spec is None or name not in readable:
            errors.append(_unknown(name, readable))
        elif name not in writable or spec.computed:
            errors.append(FieldError(name, "readonly_field", READONLY))
        elif spec.kind == "table":
            rows = _read_rows(spec, raw, errors, form=form, zone=zone)
            if rows is not None:
                found.lines[name] = rows
        else:
            try:
                found.values[name] = _parse(spec, raw, form=form, zone=zone)
            except FieldProblem as problem:
                errors.append(FieldError(name, problem.code, problem.message))
    if errors:
        raise Invalid(errors)
    return found


def _parse(spec: Field, raw: object, *, form: bool, zone: tzinfo) -> Any:
    kind = kind_of(spec)
    return kind.parse_form(raw, spec, zone=zone) if form else kind.parse(raw, spec)


def _unknown(name: str, readable: frozenset[str]) -> FieldError:
    hint = did_you_mean(name, sorted(readable))
    en = f"There is no field {name!r} here." + (f" Did you mean {hint!r}?" if hint else "")
    zh = f"这里没有字段“{name}”。" + (f"您是指“{hint}”吗？" if hint else "")
    return FieldError(name, "unknown_field", Label({"en": en, "zh": zh}))


def _read_rows(
    spec: Field, raw: object, errors: list[FieldError], *, form: bool, zone: tzinfo
) -> list[dict[str, Any]] | None:
    if raw is None:
        return []
    if (
        not isinstance(raw, Sequence)
        or isinstance(raw, str)
        or not all(isinstance(row, Mapping) for row in raw)
    ):
        errors.append(FieldError(spec.name, "invalid", _NOT_ROWS))
        return None
    if len(raw) > MAX_LINES:
        errors.append(FieldError(spec.name, "too_many", _TOO_MANY))
        return None
    rows: list[dict[str, Any]] = []
    for number, given in enumerate(raw):
        row: dict[str, Any] = {}
        for name, value in given.items():
            column = spec.fields.get(name)
            where = f"{spec.name}[{number}].{name}"
            if name == "id":
                continue
            if column is None:
                errors.append(
                    FieldError(where, "unknown_field", _unknown(name, frozenset(spec.fields)).message)
                )
            elif column.computed:
                if not form and value is not None:
                    errors.append(FieldError(where, "readonly_field", READONLY))
            else:
                try:
                    row[name] = _parse(column, value, form=form, zone=zone)
                except FieldProblem as problem:
                    errors.append(FieldError(where, problem.code, problem.message))
        if row and any(value is not None for value in row.values()):
            rows.append(row)
    return rows


def complete(
    entity: CompiledEntity,
    given: Input,
    env: Env,
    *,
    old: Values | None = None,
    old_lines: Mapping[str, Rows] | None = None,
    enforce_required: bool = True,
) -> Edit:
    """Return the record as it will stand: defaults, computed fields, and every rule of the entity kept.

    Args:
        entity: Whose record it is.
        given: What somebody wrote.
        env: The clock, the person, and how to follow references.
        old: The record as it stands, for an update; None for a new one.
        old_lines: Its line rows, where they are needed.
        enforce_required: Off for records that arrive unfinished on purpose (a conversion in steps).

    Raises:
        Invalid: Each field that is missing or breaks a rule, together.
    """
    fields = entity.entity.fields
    errors: list[FieldError] = []
    record: dict[str, Any] = dict(old) if old is not None else dict.fromkeys(fields)
    lines: dict[str, Rows] = dict(old_lines or {})
    record.update(given.values)
    if old is None:
        _apply_defaults(fields, record, given.values, env)
    for name, rows in given.lines.items():
        lines[name] = tuple(
            _complete_row(fields[name], row, env, f"{name}[{number}]", errors)
            for number, row in enumerate(rows)
        )
    for name in fields:
        if fields[name].kind == "table":
            record[name] = lines.get(name, ())
    _apply_visibility(fields, record, given.values, old, env)
    touched = set(given.values) | set(given.lines)
    for name in entity.formulas:
        spec = fields[name]
        if old is None or _depends(spec, touched, entity):
            record[name] = _fitting(spec, name, partial(compute, spec, record, lines, env), errors)
    if enforce_required:
        _check_required(fields, record, lines, errors, old=old, touched=touched, env=env)
    before = None if old is None else {**old, **dict(old_lines or {})}
    _check_rules(entity, record, errors, env, before=before, touched=touched)
    if errors:
        raise Invalid(errors)
    if old is None:
        values = {name: value for name, value in record.items() if fields[name].kind != "table"}
        return Edit(values, lines)
    values = {
        name: value
        for name, value in record.items()
        if name in fields and fields[name].kind != "table" and value != old.get(name)
    }
    return Edit(values, {name: lines[name] for name in given.lines})


def _apply_defaults(fields: Mapping[str, Field], record: dict[str, Any], given: Values, env: Env) -> None:
    for name, spec in fields.items():
        if name in given or spec.default is None or record.get(name) is not None:
            continue
        record[name] = value_of(spec.default, record, env)


def _fitting(spec: Field, path: str, work: Callable[[], Any], errors: list[FieldError]) -> Any:
    """Return a computed value, or nothing and a fault at `path` where no database could keep it."""
    try:
        value = work()
        if value is not None:
            kind_of(spec).to_stored(value, spec)
        return value
    except FieldProblem as problem:
        errors.append(FieldError(path, problem.code, problem.message))
    except Invalid as failure:
        errors += [FieldError(path, error.code, error.message) for error in failure.errors]
    return None


def value_of(source: object, record: Values, env: Env) -> Any:
    """Return a value given in a document: an expression's result, or the value itself."""
    return source.evaluate(record, env) if isinstance(source, Expression) else source


def _complete_row(
    spec: Field, given: Mapping[str, Any], env: Env, path: str, errors: list[FieldError]
) -> Mapping[str, Any]:
    row: dict[str, Any] = dict.fromkeys(spec.fields)
    row.update(given)
    for name, column in spec.fields.items():
        if row[name] is None and column.default is not None:
            row[name] = value_of(column.default, row, env)
    for name in computed_order(spec.fields):
        formula = spec.fields[name].formula
        if formula is not None:
            row[name] = _fitting(
                spec.fields[name], f"{path}.{name}", partial(formula.evaluate, row, env), errors
            )
    return row


def _apply_visibility(
    fields: Mapping[str, Field], record: dict[str, Any], given: Values, old: Values | None, env: Env
) -> None:
    for name, spec in fields.items():
        if spec.visible_when is None or spec.visible_when.is_true(record, env):
            continue
        if spec.when_hidden == "clear":
            record[name] = None
        elif spec.when_hidden == "ignore_input" and name in given:
            record[name] = old.get(name) if old is not None else None


def _depends(spec: Field, touched: set[str], entity: CompiledEntity) -> bool:
    """Whether a computed field may have changed; other computed fields count as touched."""
    from fairlead.compiled.application import reads_of

    return bool(reads_of(spec) & (touched | set(entity.formulas)))


def compute(spec: Field, record: Values, lines: Mapping[str, Rows], env: Env) -> Any:
    """Return the value of a formula or a roll-up."""
    if spec.rollup is None:
        return spec.formula.evaluate(record, env) if spec.formula is not None else None
    rows = lines.get(spec.rollup.source, ())
    if spec.rollup.function == "count":
        return len(rows)
    values = [
        row[spec.rollup.value] for row in rows if spec.rollup.value and row.get(spec.rollup.value) is not None
    ]
    if spec.rollup.function == "sum":
        return sum(values, Decimal(0)) if values else (0 if spec.kind == "integer" else Decimal(0))
    if not values:
        return None
    if spec.rollup.function == "avg":
        return sum(values, Decimal(0)) / len(values)
    return min(values) if spec.rollup.function == "min" else max(values)


def _check_required(
    fields: Mapping[str, Field],
    record: Values,
    lines: Mapping[str, Rows],
    errors: list[FieldError],
    *,
    old: Values | None,
    touched: set[str],
    env: Env,
) -> None:
    for name, spec in fields.items():
        if spec.kind == "table":
            _check_lines(
                spec,
                lines.get(name, ()),
                errors,
                needed=spec.required,
                touched=old is None or name in touched,
            )
            continue
        if (
            spec.origin == "system"
            or spec.computed
            or record.get(name) is not None
            or spec.kind == "sequence"
        ):
            continue
        needed = spec.required or (spec.required_when is not None and spec.required_when.is_true(record, env))
        # What was empty before and is not touched now does not stop other changes from being saved, but a move to
        # another stage does: from there on people rely on it.
        if needed and old is not None and not {name, "stage"} & touched and spec.required_when is None:
            needed = False
        if needed and (spec.visible_when is None or spec.visible_when.is_true(record, env)):
            errors.append(FieldError(name, "required", _REQUIRED))


def _check_lines(spec: Field, rows: Rows, errors: list[FieldError], *, needed: bool, touched: bool) -> None:
    if not touched:
        return
    if needed and not rows:
        errors.append(FieldError(spec.name, "required", _REQUIRED))
    for number, row in enumerate(rows):
        for name, column in spec.fields.items():
            if column.required and not column.computed and row.get(name) is None:
                errors.append(FieldError(f"{spec.name}[{number}].{name}", "required", _REQUIRED))


def _check_rules(
    entity: CompiledEntity,
    record: Values,
    errors: list[FieldError],
    env: Env,
    *,
    before: Values | None,
    touched: set[str],
) -> None:
    """An unknown result passes: emptiness is the business of `required` (EX-3)."""
    for check in entity.entity.checks:
        if check.on != "always" and (check.on == "create") != (before is None):
            continue
        if check.rule.evaluate(record, env) is False and not _broken_before(
            check, record, before, touched, env
        ):
            errors.append(FieldError(check.field or "", "check", check.message))


def _broken_before(check: Check, record: Values, before: Values | None, touched: set[str], env: Env) -> bool:
    """Whether a rule was broken already, by values that this change leaves alone (CF-45, `from_now_on`).

    A rule that came later than a record, or that time has broken, does not stop what has nothing to do with it. Rules
    about the change itself (`on: update`, the value before, the person) are always asked.
    """
    if before is None or not check.from_now_on or check.on != "always" or "stage" in touched:
        return False
    if check.rule.uses_old or any(name.partition(".")[0] == "user" for name in check.rule.names):
        return False
    reads = {path[0] for path in check.rule.uses if path}
    if reads & touched or any(record.get(name) != before.get(name) for name in reads):
        return False
    return check.rule.evaluate(before, env) is False


def field_paths_of(entity: CompiledEntity) -> frozenset[str]:
    """Return every field that can be given, those of lines as `lines.qty`: for the engine's own loading."""
    fields = entity.entity.fields
    return frozenset(fields) | {f"{f.name}.{row}" for f in fields.values() for row in f.fields}
