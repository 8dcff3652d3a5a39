"""A form as its page shows it: sections of inputs, lines and computed values, from the document and the person's rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from fairlead.expr.check import Expression
from fairlead.fields.spec import Field
from fairlead.model.screens import Form, FormSection
from fairlead.web.cells import Cells
from fairlead.web.screens.fieldsets import (
    Filled,
    answer_tree,
    args_of,
    background,
    computed,
    env_json,
    follows,
    is_visible,
    line_args,
    shown_computed,
)  # fmt: skip
from fairlead.work import forms, naming
from fairlead.work.context import Context
from fairlead.work.records import roles_of

BRIEF = 12
"""A form with more fields than this folds what its document does not put first."""


def form_values(ctx: Context, filled: Filled, document: Form, *, ask: str) -> dict[str, Any]:
    """Return everything the template of a form needs; `ask` is where the page asks about rules it cannot follow."""
    rules = asked(filled, document)
    answers = forms.answers(
        ctx, filled.entity, filled.record, filled.typed or {}, rules, writable=filled.writable
    )
    filled = replace(filled, names=naming.names(ctx, _wanted(filled)), answers=answers)
    cells = Cells(ctx, filled.names)
    shown: list[str] = []
    sections = []
    for at, section in enumerate(_sections(filled, document)):
        entries = [
            entry for name in section.fields if (entry := _entry(ctx, filled, name, cells, shown)) is not None
        ]
        key = f"section:{at}"
        if entries and is_visible(ctx, filled, section.visible_when, key):
            sections.append(_section(filled, section, entries, cells.lang, key))
    carried = {
        name: _text(ctx, filled, name)
        for name in sorted(filled.brought)
        if name not in shown and name in filled.writable
    }
    return {
        "sections": sections, "env": env_json(ctx) | _asking(rules, answers, ask),
        "computed": computed(ctx, filled), "background": background(filled, shown),
        "carried": {name: text for name, text in carried.items() if isinstance(text, str) and text},
        "problems": _problems(filled, shown, cells),
    }  # fmt: skip


def asked(filled: Filled, document: Form) -> dict[str, Expression]:
    """Return the rules of a form that the page cannot follow, because they read what is not in it (EX-11)."""
    found: dict[str, Expression | None] = {}
    for at, section in enumerate(_sections(filled, document)):
        found[f"section:{at}"] = section.visible_when
        for name in section.fields:
            spec = filled.entity.entity.fields.get(name)
            if spec is not None and name in filled.readable and not spec.computed and spec.kind != "table":
                found[f"visible:{name}"] = spec.visible_when
                found[f"required:{name}"] = spec.required_when
                found[f"readonly:{name}"] = spec.readonly_when
    return {key: rule for key, rule in found.items() if rule is not None and not follows(filled, rule)}


def _asking(rules: Mapping[str, Expression], answers: Mapping[str, bool], ask: str) -> dict[str, Any]:
    """Return what the page needs to ask again: where, and after a change of which fields."""
    if not rules:
        return {}
    reads = sorted({path[0] for rule in rules.values() for path in rule.uses if path})
    return {"extra": dict(answers), "ask": {"url": ask, "reads": reads}}


def fields_of(filled: Filled, document: Form) -> list[Field]:
    """Return the fields whose inputs the form may send."""
    names = [name for section in _sections(filled, document) for name in section.fields]
    fields = filled.entity.entity.fields
    return [
        fields[n] for n in dict.fromkeys([*names, *sorted(filled.brought)])
        if n in filled.writable and n in fields and not fields[n].computed
    ]  # fmt: skip


def readable_for(ctx: Context, entity: str, writable: frozenset[str]) -> frozenset[str]:
    """Return what a person may know of a new record: what can be seen on some row, and what may be written."""
    access = ctx.app.access(entity, roles_of(ctx))
    return access.fields & (access.seen | writable)


def _sections(filled: Filled, document: Form) -> list[FormSection]:
    """Return the document's sections; what must be filled and stands in none of them joins the first."""
    named = {name for section in document.sections for name in section.fields}
    fields = filled.entity.entity.fields
    missing = tuple(
        name for name, spec in fields.items()
        if spec.required and spec.origin == "document" and name in filled.writable and name not in named and spec.default is None
        and name not in filled.brought
    )  # fmt: skip
    sections = list(document.sections)
    if missing and sections:
        sections[0] = replace(sections[0], fields=sections[0].fields + missing)
    if "tags" in fields and "tags" not in named and sections:
        sections[-1] = replace(sections[-1], fields=(*sections[-1].fields, "tags"))
    return sections


def _section(
    filled: Filled, section: FormSection, entries: list[dict[str, Any]], lang: str, key: str
) -> dict[str, Any]:
    wrong = any(entry["args"].get("error") for entry in entries if entry.get("args"))
    tree = section.visible_when
    return {
        "label": section.label.get(lang) if section.label else None, "columns": section.columns, "entries": entries,
        "folded": section.folded and not wrong,
        "when": _section_when(filled, tree, key) if tree is not None else None,
    }  # fmt: skip


def _section_when(filled: Filled, tree: Expression, key: str) -> dict[str, Any] | None:
    if follows(filled, tree):
        return tree.to_json()
    return answer_tree(key) if key in filled.answers else None


def _entry(ctx: Context, filled: Filled, name: str, cells: Cells, shown: list[str]) -> dict[str, Any] | None:
    spec = filled.entity.entity.fields.get(name)
    if spec is None:
        return None
    exists = bool(filled.item)
    hidden = name in filled.item.get("_hidden", ())
    if name not in filled.readable and not hidden:
        return None
    if not is_visible(ctx, filled, spec.visible_when, f"visible:{name}"):
        return None
    shown.append(name)
    if spec.kind == "table":
        return None if hidden else {"kind": "table", "args": line_args(ctx, filled, spec)}
    if spec.computed or (spec.kind == "sequence" and not exists):
        if hidden or spec.kind == "sequence":
            return None
        return {
            "kind": "computed", "name": name, "label": spec.label.get(cells.lang), "value": shown_computed(cells, filled, spec),
            "value_kind": spec.kind, "help": spec.help.get(cells.lang) if spec.help else None,
        }  # fmt: skip
    if not exists and name not in filled.writable:
        return None
    return {"kind": "field", "args": args_of(ctx, filled, spec)}


def _text(ctx: Context, filled: Filled, name: str) -> Any:
    from zoneinfo import ZoneInfo

    from fairlead.work.forms import form_value

    if filled.typed is not None and name in filled.typed:
        return filled.typed[name]
    return form_value(filled.entity.entity.fields[name], filled.record.get(name), ZoneInfo(ctx.actor.zone))


def _wanted(filled: Filled) -> naming.Wanted:
    """Return what has to be named: the record's pointers and those that were typed."""
    fields = filled.entity.entity.fields
    sources: list[Mapping[str, Any]] = [filled.record]
    if filled.typed is not None:
        sources.append({name: value or None for name, value in filled.typed.items()})
    wanted = naming.collect({}, [f for f in fields.values() if f.name in filled.readable], sources)
    for name, spec in fields.items():
        if spec.kind == "table":
            rows = [row for source in sources for row in source.get(name) or ()]
            naming.collect(
                wanted, spec.fields.values(), [{n: v or None for n, v in row.items()} for row in rows]
            )
    return wanted


def _problems(filled: Filled, shown: Iterable[str], cells: Cells) -> list[dict[str, Any]]:
    """Return every problem for the top of the form; each leads to its field where the form has it."""
    fields = filled.entity.entity.fields
    found = []
    for path, message in filled.errors.items():
        name, _, rest = path.partition("[")
        spec = fields.get(name)
        label = spec.label.get(cells.lang) if spec is not None else None
        target = name if spec is not None and name in shown else None
        if rest and spec is not None:
            number, _, column = rest.partition("].")
            line = spec.fields.get(column)
            label = cells.t(
                "screens.line_of", n=int(number) + 1, field=line.label.get(cells.lang) if line else column
            )
        found.append(
            {
                "field": target,
                "label": label,
                "message": message if target or not label else f"{label}: {message}",
            }
        )
    return found
