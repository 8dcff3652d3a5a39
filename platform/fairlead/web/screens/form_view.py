"""A form as its page shows it: sections of inputs, lines and computed values, from the document and the person's rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from fairlead.fields.spec import Field
from fairlead.model.screens import Form, FormSection
from fairlead.web.cells import Cells
from fairlead.web.screens.fieldsets import (
    Filled,
    args_of,
    background,
    computed,
    env_json,
    follows,
    is_visible,
    line_args,
    shown_computed,
)  # fmt: skip
from fairlead.work import naming
from fairlead.work.context import Context
from fairlead.work.records import roles_of

BRIEF = 12
"""A form with more fields than this folds what its document does not put first."""


def form_values(ctx: Context, filled: Filled, document: Form) -> dict[str, Any]:
    """Return everything the template of a form needs."""
    filled = replace(filled, names=naming.names(ctx, _wanted(filled)))
    cells = Cells(ctx, filled.names)
    shown: list[str] = []
    sections = []
    for section in _sections(filled, document):
        entries = [
            entry for name in section.fields if (entry := _entry(ctx, filled, name, cells, shown)) is not None
        ]
        if entries and is_visible(ctx, filled, section.visible_when):
            sections.append(_section(filled, section, entries, cells.lang))
    carried = {
        name: _text(ctx, filled, name)
        for name in sorted(filled.brought)
        if name not in shown and name in filled.writable
    }
    return {
        "sections": sections, "env": env_json(ctx), "computed": computed(ctx, filled), "background": background(filled, shown),
        "carried": {name: text for name, text in carried.items() if isinstance(text, str) and text},
        "problems": _problems(filled, shown, cells),
    }  # fmt: skip


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
    filled: Filled, section: FormSection, entries: list[dict[str, Any]], lang: str
) -> dict[str, Any]:
    wrong = any(entry["args"].get("error") for entry in entries if entry.get("args"))
    tree = section.visible_when
    return {
        "label": section.label.get(lang) if section.label else None, "columns": section.columns, "entries": entries,
        "folded": section.folded and not wrong,
        "when": tree.to_json() if tree is not None and follows(filled, tree) else None,
    }  # fmt: skip


def _entry(ctx: Context, filled: Filled, name: str, cells: Cells, shown: list[str]) -> dict[str, Any] | None:
    spec = filled.entity.entity.fields.get(name)
    if spec is None:
        return None
    exists = bool(filled.item)
    hidden = name in filled.item.get("_hidden", ())
    if name not in filled.readable and not hidden:
        return None
    if not is_visible(ctx, filled, spec.visible_when):
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
