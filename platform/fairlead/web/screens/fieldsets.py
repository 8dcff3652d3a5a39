"""Fields as the kit's form macros take them: widget, value, choices, conditions, problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from fairlead.compiled.application import CompiledEntity, computed_order
from fairlead.expr.browser import calendar_json, plain_json
from fairlead.expr.check import Expression, compile_expression
from fairlead.expr.types import Scope
from fairlead.fields.kind import HIDDEN
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.web.cells import Cells
from fairlead.web.texts import speaker
from fairlead.work.context import Context
from fairlead.work.forms import form_value
from fairlead.work.reading import Names, target_of

LISTS = ("multi_choice", "tags", "references")
POINTERS = ("reference", "references", "user", "team")
WIDE = ("long_text", "rich_text", "json", "table", "references")


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it is shown: whose record, what stands in it, what is wrong with it."""

    entity: CompiledEntity
    record: Mapping[str, Any]
    """Domain values, for what is computed and for conditions."""
    writable: frozenset[str]
    readable: frozenset[str]
    item: Mapping[str, Any] = field(default_factory=dict)
    """The record as JSON, where it exists: what is masked is shown as it stands there."""
    typed: Mapping[str, Any] | None = None
    """What somebody typed, where the form comes back."""
    errors: Mapping[str, str] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    brought: frozenset[str] = field(default_factory=frozenset)
    answers: Mapping[str, bool] = field(default_factory=dict)
    """What the server says of the rules that this page cannot follow, by `visible:field`; the page asks again."""


def options_url(spec: Field) -> str | None:
    """Return where the choices of a pointer are searched."""
    if spec.kind in ("user", "team"):
        return f"/o/{spec.kind}"
    if spec.kind in ("reference", "references"):
        several = spec.params.get("entities")
        return f"/o/{','.join(several)}" if several else f"/o/{spec.params['entity']}"
    return None


def field_args(ctx: Context, entity: CompiledEntity, name: str) -> dict[str, Any]:
    """Return the arguments of `form.field()` for an empty field of an entity."""
    spec = entity.entity.fields[name]
    blank = Filled(entity, {}, frozenset({name}), frozenset({name}))
    args = args_of(ctx, blank, spec)
    args["readonly"] = False
    return args


def args_of(ctx: Context, filled: Filled, spec: Field) -> dict[str, Any]:
    """Return the arguments of `form.field()` for one field of a form."""
    lang = ctx.actor.language
    t = speaker(lang)
    locked = None
    readonly = spec.name not in filled.writable
    if readonly and not spec.computed and spec.kind != "sequence" and filled.item:
        locked = t("screens.readonly")
    args: dict[str, Any] = {
        "name": spec.name, "label": spec.label.get(lang), "kind": spec.kind, "required": spec.required and not spec.computed,
        "readonly": readonly, "help": spec.help.get(lang) if spec.help else None, "error": filled.errors.get(spec.name),
        "placeholder": spec.placeholder.get(lang) if spec.placeholder else None, "locked": locked,
        "max_length": spec.params.get("max_length"), "pattern": None, "when": conditions(filled, spec),
        "url": options_url(spec), "value": value_of(ctx, filled, spec),
    }  # fmt: skip
    if spec.name in filled.item.get("_hidden", ()) or spec.name in filled.item.get("_masked", ()):
        shown = filled.item.get(spec.name) if spec.name in filled.item.get("_masked", ()) else HIDDEN
        args.update(
            kind="text", value=shown, readonly=True, locked=t("screens.hidden"), required=False, when={}
        )
        return args
    if spec.kind in ("choice", "multi_choice"):
        kept = args["value"] if isinstance(args["value"], list) else [args["value"]]
        args["options"] = [
            {"value": o.name, "label": o.label.get(lang), "tone": o.color}
            for o in spec.options
            if o.active or o.name in kept
        ]
    if spec.kind == "money":
        args["currency"] = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£"}.get(
            str(spec.params.get("currency", "CNY")), str(spec.params.get("currency", "CNY"))
        )
    if spec.kind == "rating":
        args["max"] = spec.params.get("max", 5)
    if spec.kind == "date":
        args["min"], args["max"] = spec.params.get("min"), spec.params.get("max")
    return args


def value_of(ctx: Context, filled: Filled, spec: Field) -> Any:
    """Return what stands in the input: what was typed, else the record's value."""
    zone = ZoneInfo(ctx.actor.zone)
    if filled.typed is not None and spec.name in filled.typed:
        value = filled.typed[spec.name]
    else:
        value = form_value(spec, filled.record.get(spec.name), zone)
    return shown_value(spec, value, filled.names, ctx.actor.language)


def shown_value(spec: Field, value: Any, names: Names, lang: str) -> Any:
    """Return a form's text as the widget takes it: pointers with the name of what they point at."""
    if spec.kind == "references":
        target = str(spec.params["entity"])
        return [{"id": one, "title": names.records.get((target, one)) or "•••"} for one in value or ()]
    if spec.kind in ("user", "team", "reference"):
        return {"id": value, "title": _name(spec, str(value), names, lang)} if value else None
    if spec.kind == "boolean":
        return value == "true"
    return value


def _name(spec: Field, value: str, names: Names, lang: str) -> str:
    if spec.kind == "reference":
        return names.records.get(target_of(spec, value)) or "•••"
    label = (names.people if spec.kind == "user" else names.teams).get(value)
    return label.get(lang) if label else "—"


# ---------------------------------------------------------------- conditions


def conditions(filled: Filled, spec: Field) -> dict[str, Any]:
    """Return the trees of a field's conditions that the page can follow."""
    found = {}
    for key, expression in (
        ("visible", spec.visible_when), ("required", spec.required_when), ("readonly", spec.readonly_when),
    ):  # fmt: skip
        if expression is not None and follows(filled, expression):
            found[key] = expression.to_json()
        elif f"{key}:{spec.name}" in filled.answers:
            found[key] = answer_tree(f"{key}:{spec.name}")
    return found


def answer_tree(key: str) -> dict[str, Any]:
    """Return a condition that reads the server's answer: the rule itself and what it reads stay there (EX-11)."""
    return {"o": "name", "k": "bool", "v": f"extra.{key}"}


def follows(filled: Filled, expression: Expression) -> bool:
    """Whether the page can work an expression out: it reads nothing behind a reference, nor what may not be seen."""
    fields = filled.entity.entity.fields
    for path in expression.uses:
        spec = fields.get(path[0])
        if spec is None or path[0] not in filled.readable or (len(path) > 1 and spec.kind != "table"):
            return False
        if spec.kind == "table" and len(path) > 2:
            return False
    return True


def is_visible(ctx: Context, filled: Filled, expression: Expression | None, key: str = "") -> bool:
    """Whether a field or section is in the page at all; what the page can follow or asks for is left to the page."""
    if expression is None or follows(filled, expression) or key in filled.answers:
        return True
    return expression.is_true(filled.record, ctx.env())


def background(filled: Filled, shown: Sequence[str]) -> list[dict[str, Any]]:
    """Return values that conditions and formulas of the form read though no input holds them."""
    fields = filled.entity.entity.fields
    read: set[str] = set()
    for spec in fields.values():
        for expression in (spec.visible_when, spec.required_when, spec.readonly_when, spec.formula):
            if expression is not None:
                read |= {path[0] for path in expression.uses if path}
    found = []
    for name in sorted(read):
        named = fields.get(name)
        if named is None or name in shown or name not in filled.readable or named.kind == "table":
            continue
        value = plain_json(filled.record.get(name), kind_of(named).expr_type(named))
        kind = (
            named.kind
            if named.kind not in ("percent", "datetime")
            else "decimal"
            if named.kind == "percent"
            else "text"
        )
        if not isinstance(value, list):
            found.append({"name": name, "kind": kind, "value": "" if value is None else value})
    return found


def env_json(ctx: Context) -> dict[str, Any]:
    """Return what expressions in the page may look at besides the record."""
    env = ctx.env()
    actor = ctx.actor
    return {
        "now": ctx.stamp, "today": ctx.today.isoformat(), "zone": actor.zone,
        "user": {
            "id": actor.id, "team": actor.team, "teams": list(actor.teams), "subordinate_teams": list(actor.oversees),
            "roles": list(actor.roles),
        },
        "calendar": calendar_json(env.calendar, () if counts_business_days(ctx) else [ctx.today.year]),
    }  # fmt: skip


def counts_business_days(ctx: Context) -> bool:
    """Whether any rule that a page may follow counts working days, so that it needs the holidays of every year."""

    def look() -> bool:
        workspace = ctx.app.workspace
        rules = [
            rule
            for entity in workspace.entities.values()
            for spec in entity.fields.values()
            for one in (spec, *spec.fields.values())
            for rule in (one.visible_when, one.required_when, one.readonly_when, one.formula)
        ]
        rules += [section.visible_when for form in workspace.forms.values() for section in form.sections]
        return any("business_day" in rule.text for rule in rules if rule is not None)

    return bool(ctx.app.memo("counts_business_days", look))


# ---------------------------------------------------------------- computed values


def computed(ctx: Context, filled: Filled) -> list[dict[str, Any]]:
    """Return the computed fields that the page can follow, in the order in which they must be worked out."""
    found = []
    for name in filled.entity.formulas:
        spec = filled.entity.entity.fields[name]
        tree = _tree(ctx, filled, spec)
        if tree is not None and name in filled.readable:
            currency = str(spec.params.get("currency", "CNY")) if spec.kind == "money" else None
            found.append({"name": name, "kind": spec.kind, "tree": tree, "currency": currency})
    return found


def _tree(ctx: Context, filled: Filled, spec: Field) -> Any:
    if spec.rollup is not None:
        expression = rollup_expression(ctx, filled.entity, spec)
    else:
        expression = spec.formula if isinstance(spec.formula, Expression) else None
    return expression.to_json() if expression is not None and follows(filled, expression) else None


def rollup_expression(ctx: Context, entity: CompiledEntity, spec: Field) -> Expression | None:
    """Return a roll-up as the expression that says the same."""

    def build() -> Expression | str:
        from fairlead.compiled.shapes import build_shapes

        rollup = spec.rollup
        assert rollup is not None
        path = f"record.{rollup.source}" + (
            f".{rollup.value}" if rollup.value and rollup.function != "count" else ""
        )
        shapes = ctx.app.memo("shapes", lambda: build_shapes(ctx.app.workspace))
        made = compile_expression(f"{rollup.function}({path})", Scope(record=shapes[entity.name]))
        return made if isinstance(made, Expression) else "none"

    found = ctx.app.memo(("rollup", entity.name, spec.name), build)
    return found if isinstance(found, Expression) else None


def shown_computed(cells: Cells, filled: Filled, spec: Field) -> str:
    """Return a computed value as it stands before anybody types."""
    value = filled.record.get(spec.name)
    return kind_of(spec).display(value, spec, cells.lang, zone=cells.zone) or "—"


# ---------------------------------------------------------------- lines


def line_args(ctx: Context, filled: Filled, spec: Field) -> dict[str, Any]:
    """Return the arguments of `form.line_items()` for a line table."""
    lang = ctx.actor.language
    columns = [
        _column(ctx, filled, spec, column)
        for column in spec.fields.values()
        if f"{spec.name}.{column.name}" in filled.readable
    ]
    names = {column["name"] for column in columns}
    zone = ZoneInfo(ctx.actor.zone)
    if filled.typed is not None and spec.name in filled.typed:
        rows = list(filled.typed[spec.name])
    else:
        rows = form_value(spec, filled.record.get(spec.name), zone)
    domain = list(filled.record.get(spec.name) or ())
    made = []
    for number, row in enumerate(rows):
        values = {
            n: shown_value(spec.fields[n], row.get(n, ""), filled.names, lang)
            for n in names
            if not spec.fields[n].computed
        }
        if number < len(domain) and filled.typed is None:
            values |= {
                n: _display(spec.fields[n], domain[number].get(n), lang)
                for n in names
                if spec.fields[n].computed
            }
        prefix = f"{spec.name}[{number}]."
        errors = {
            key.removeprefix(prefix): text for key, text in filled.errors.items() if key.startswith(prefix)
        }
        made.append({"values": values, "errors": errors})
    return {
        "name": spec.name, "label": spec.label.get(lang), "columns": columns, "rows": made,
        "readonly": spec.name not in filled.writable, "error": filled.errors.get(spec.name), "totals": [],
    }  # fmt: skip


def _column(ctx: Context, filled: Filled, table: Field, column: Field) -> dict[str, Any]:
    lang = ctx.actor.language
    order = computed_order(table.fields)
    made: dict[str, Any] = {
        "name": column.name, "label": column.label.get(lang), "kind": column.kind,
        "required": column.required and not column.computed, "url": options_url(column),
        "readonly": f"{table.name}.{column.name}" not in filled.writable and table.name not in filled.writable,
        "max_length": column.params.get("max_length"), "currency": column.params.get("currency"),
        "options": [{"value": o.name, "label": o.label.get(lang)} for o in column.options if o.active],
        "width": "l" if column.kind in (*POINTERS, "text", "long_text") else "s" if column.kind in ("integer", "percent") else "m",
    }  # fmt: skip
    if column.computed and column.formula is not None:
        made["formula"] = column.formula.to_json()
        made["rank"] = order.index(column.name) if column.name in order else 0
    elif column.default is not None and not isinstance(column.default, Expression):
        zone = ZoneInfo(ctx.actor.zone)
        made["default"] = form_value(column, column.default, zone)
    elif isinstance(column.default, Expression):
        made["from"] = sorted({path[0] for path in column.default.uses if path})
    return made


def _display(spec: Field, value: Any, lang: str) -> str:
    return "" if value is None else kind_of(spec).display(value, spec, lang)
