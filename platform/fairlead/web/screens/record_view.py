"""A record as its page shows it: header, stages, facts, lines, related records, who can see it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from fairlead.compiled.application import CompiledEntity
from fairlead.decide import move as moves
from fairlead.decide.move import Target
from fairlead.expr.sentence import sentence
from fairlead.fields.spec import Field
from fairlead.model.screens import FormSection, Page, Related
from fairlead.web.cells import NUMBER_KINDS, Cells
from fairlead.work import naming, pools
from fairlead.work.context import Context
from fairlead.work.forms import is_open
from fairlead.work.opened import Opened
from fairlead.work.pointing import Rows
from fairlead.work.records import changeable_fields, roles_of
from fairlead.work.wording import labels_here

RELATED_AT_ONCE = 2
"""Further related lists are fetched when they come into view: the page keeps within its statements."""

_LONG = ("long_text", "rich_text", "json")


def url_of(opened: Opened, rest: str = "") -> str:
    """Return the address of a record's page, or of something below it."""
    return f"/r/{opened.entity.name}/{opened.id}{rest}"


def wanted_names(opened: Opened) -> naming.Wanted:
    """Return what has to be named on the page of a record itself."""
    entity = opened.entity.entity
    wanted = naming.collect({}, entity.fields.values(), [opened.item])
    for name in opened.lines:
        naming.collect(wanted, entity.fields[name].fields.values(), opened.item.get(name) or [])
    return wanted


# ---------------------------------------------------------------- header


def header(ctx: Context, opened: Opened, page: Page, cells: Cells) -> dict[str, Any]:
    """Return the arguments of the kit's record header."""
    entity = opened.entity.entity
    lang = cells.lang
    owner = cells.who(opened.item.get("owner"))
    figures = [
        {
            "label": entity.fields[name].label.get(lang),
            "value": value,
            "explain_url": explain_url(opened, entity.fields[name]),
        }
        for name in page.facts[:6]
        if name in entity.fields
        and name != "owner"
        and (value := cells.cell(opened.entity, name, opened.item)) != ""
    ]
    state = opened.item.get("approval_state")
    shown = (
        cells.state(opened.entity, entity.fields["approval_state"], state)
        if state and state != "none"
        else None
    )
    return {
        "title": opened.title, "icon_name": entity.icon, "owner": owner, "figures": figures, "state": shown,
        "crumbs": [{"label": ctx.app.workspace.list_of(entity.name).label.get(lang), "href": f"/l/{entity.name}"}],
    }  # fmt: skip


def explain_url(opened: Opened, spec: Field) -> str | None:
    """Return where a computed value explains itself."""
    return (
        url_of(opened, f"/explain/{spec.name}")
        if spec.computed and opened.item.get(spec.name) is not None
        else None
    )


# ---------------------------------------------------------------- stages


def stages(ctx: Context, opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    """Return the stage bar: where it stands, where it may go, and why not elsewhere."""
    machine = opened.entity.machine
    current = opened.item.get("stage")
    if machine is None or current is None:
        return []
    lang, t = cells.lang, cells.t
    ways = {way.stage: way for way in moves.targets(machine, current, ctx.actor.roles)}
    order = list(machine.stages)
    here = order.index(current) if current in order else 0
    may = "move" in opened.writable
    found = []
    for position, stage in enumerate(machine.pipeline.stages):
        # Endings that cannot be reached from here would only be noise; the aim always shows.
        if stage.outcome in ("lost", "paused") and stage.name != current and stage.name not in ways:
            continue
        made: dict[str, Any] = {"name": stage.name, "label": stage.label.get(lang), "version": opened.version}
        if stage.name == current:
            made["status"] = {"won": "won", "lost": "lost"}.get(stage.outcome, "now")
            entered = opened.item.get("stage_entered_at")
            made["since"] = (
                Markup('<time datetime="{}" data-relative></time>').format(entered) if entered else None
            )
        else:
            done = stage.outcome == "open" and position < here and machine.stages[current].outcome != "lost"
            made["status"] = "done" if done else "next"
            way = ways.get(stage.name)
            if may and way is not None:
                made.update(_way(ctx, opened, way, t))
            elif may and made["status"] == "next":
                made["why"] = t(
                    "screens.no_way", here=machine.stages[current].label.get(lang), there=made["label"]
                )
        found.append(made)
    return found


def stage_menu(bar: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the moves of a stage bar as a menu, for where the bar is too narrow to be pressed."""
    made = []
    for one in bar:
        if one.get("ask_url"):
            made.append({"label": one["label"], "attrs": {"data-dialog": one["ask_url"]}})
        elif one.get("url"):
            values = json.dumps({"stage": one["name"], "version": one["version"]})
            post = {
                "hx-post": one["url"],
                "hx-vals": values,
                "hx-target": "#page",
                "hx-select": "#page",
                "hx-swap": "outerHTML",
            }
            made.append({"label": one["label"], "attrs": post})
        elif one.get("why"):
            made.append({"label": one["label"], "why": one["why"]})
    return made if any("attrs" in one for one in made) else []


def _way(ctx: Context, opened: Opened, way: Target, t: Any) -> dict[str, Any]:
    if opened.locked_by is not None:
        return {"why": t("screens.locked")}
    closed = closed_because(ctx, opened, way)
    if closed is not None:
        return {"why": closed}
    if asks(opened, way):
        return {"ask_url": url_of(opened, f"/move?stage={way.stage}")}
    return {"url": url_of(opened, "/move")}


def asks(opened: Opened, way: Target) -> bool:
    """Whether a move has something to ask before it is made."""
    everything = opened.everything
    missing = [name for name in way.ask if everything.get(name) in (None, ())]
    return bool(missing or way.reason or (way.move is not None and way.move.ask))


def closed_because(ctx: Context, opened: Opened, way: Target) -> str | None:
    """Return why a move cannot be made as the record stands, unless what it asks for may change that."""
    machine = opened.entity.machine
    assert machine is not None
    stage = machine.stages[way.stage]
    lang = ctx.actor.language
    for guard, message in (
        (way.move.when if way.move else None, way.move.message if way.move else None), (stage.enter_when, stage.enter_message),
    ):  # fmt: skip
        if guard is None or {path[0] for path in guard.uses if path} & set(way.ask):
            continue
        if not guard.is_true(opened.everything, ctx.env()):
            return (message or moves.guard_text(machine, way.stage)).get(lang)
    return None


def needed_next(ctx: Context, opened: Opened, cells: Cells) -> dict[str, Any] | None:
    """Return what the next open stage asks for, and which of it is there."""
    machine = opened.entity.machine
    current = opened.item.get("stage")
    if (
        machine is None
        or current is None
        or current not in machine.stages
        or machine.stages[current].outcome != "open"
    ):
        return None
    order = [stage.name for stage in machine.pipeline.stages if stage.outcome in ("open", "won")]
    ways = {way.stage: way for way in moves.targets(machine, current, ctx.actor.roles)}
    following = next((ways[name] for name in order[order.index(current) + 1 :] if name in ways), None)
    if following is None:
        return None
    everything = opened.everything
    fields = opened.entity.entity.fields
    required = machine.stages[following.stage].require
    items = [
        {
            "label": fields[name].label.get(cells.lang), "done": everything.get(name) not in (None, ()),
            "href": url_of(opened, f"/edit#f-{name}") if name in opened.changeable else None,
        }
        for name in required if name in opened.item
    ]  # fmt: skip
    hints = [label.get(cells.lang) for _, label in machine.stages[current].checklist]
    if not items and not hints:
        return None
    return {"title": machine.stages[following.stage].label.get(cells.lang), "entries": items, "hints": hints}


# ---------------------------------------------------------------- facts and lines


def sections(ctx: Context, opened: Opened, page: Page, cells: Cells) -> list[dict[str, Any]]:
    """Return the sections of fields; a field that may not be seen shows a lock, one that does not apply does not show."""
    found = []
    shown: set[str] = set()
    for section in page.sections:
        if section.visible_when is not None and not section.visible_when.is_true(
            opened.everything, ctx.env()
        ):
            continue
        entries = [made for name in section.fields if (made := _fact(ctx, opened, name, cells)) is not None]
        shown |= set(section.fields)
        if entries:
            found.append(
                {"label": _label(section, opened, cells), "entries": entries, "open": not section.folded}
            )
    found.append({"label": cells.t("screens.record_facts"), "entries": _stamps(opened, cells), "open": False})
    return found


def _label(section: FormSection, opened: Opened, cells: Cells) -> str:
    return section.label.get(cells.lang) if section.label else opened.entity.entity.label.get(cells.lang)


def _fact(ctx: Context, opened: Opened, name: str, cells: Cells) -> dict[str, Any] | None:
    spec = opened.entity.entity.fields.get(name)
    if spec is None or spec.kind == "table":
        return None
    if spec.visible_when is not None and not spec.visible_when.is_true(opened.everything, ctx.env()):
        return None
    if name not in opened.item and name not in opened.item.get("_hidden", ()):
        return None
    return fact(opened, spec, cells)


def fact(opened: Opened, spec: Field, cells: Cells) -> dict[str, Any]:
    """Return one field as the kit's facts take it."""
    value = cells.cell(opened.entity, spec.name, opened.item)
    if spec.kind == "long_text" and value:
        value = Markup('<span class="fact-text">{}</span>').format(value)
    editable = spec.name in opened.changeable and opened.locked_by is None and spec.kind != "table"
    return {
        "name": spec.name, "label": spec.label.get(cells.lang), "value": value, "long": spec.kind in _LONG,
        "edit_url": url_of(opened, f"/f/{spec.name}") if editable else None, "explain_url": explain_url(opened, spec),
    }  # fmt: skip


def _stamps(opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    names = (
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "team",
        "claimed_at",
        "last_activity_at",
        "due_at",
        "previous_owner",
    )
    fields = opened.entity.entity.fields
    return [
        {"label": fields[name].label.get(cells.lang), "value": cells.cell(opened.entity, name, opened.item)}
        for name in names if name in fields and opened.item.get(name) not in (None, "")
    ]  # fmt: skip


def lines(ctx: Context, opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    """Return each line table as rows of cells, with the totals that the record keeps of it."""
    access = ctx.app.access(opened.entity.name, roles_of(ctx))
    found = []
    for name in opened.lines:
        spec = opened.entity.entity.fields[name]
        rows = opened.item.get(name)
        if rows is None:
            continue
        columns = [one for one in spec.fields.values() if f"{name}.{one.name}" in access.seen]
        holder = CompiledLines(opened.entity, spec)
        found.append({
            "label": spec.label.get(cells.lang), "totals": _totals(opened, name, cells),
            "columns": [
                {"key": one.name, "label": one.label.get(cells.lang), "kind": one.kind if one.kind in NUMBER_KINDS else "text"}
                for one in columns
            ],
            "rows": [
                {"id": f"{name}-{number}", "cells": {one.name: holder.cell(cells, one, row) for one in columns}}
                for number, row in enumerate(rows)
            ],
        })  # fmt: skip
    return found


class CompiledLines:
    """The rows of a line table, written like fields of a record."""

    def __init__(self, entity: CompiledEntity, spec: Field) -> None:
        self._entity, self._spec = entity, spec

    def cell(self, cells: Cells, column: Field, row: Mapping[str, Any]) -> Any:
        """Return one cell."""
        value = row.get(column.name)
        return "" if value is None else cells.write(f"{self._entity.name}.{self._spec.name}", column, value)


def _totals(opened: Opened, table: str, cells: Cells) -> list[dict[str, Any]]:
    """Return what the record adds up from its lines, and what is worked out from that."""
    fields = opened.entity.entity.fields
    names = {name for name, spec in fields.items() if spec.rollup is not None and spec.rollup.source == table}
    for name in opened.entity.formulas:
        formula = fields[name].formula
        if formula is not None and {path[0] for path in formula.uses if path} & names:
            names.add(name)
    ordered = [name for name in opened.entity.formulas if name in names and opened.item.get(name) is not None]
    sums = [name for name in ordered if fields[name].kind == "money"] or ordered
    return [
        {
            "label": fields[name].label.get(cells.lang), "text": cells.cell(opened.entity, name, opened.item),
            "strong": name == sums[-1], "url": explain_url(opened, fields[name]),
        }
        for name in sorted(ordered, key=lambda name: (name == sums[-1], list(fields).index(name)))
    ]  # fmt: skip


# ---------------------------------------------------------------- actions


def actions(ctx: Context, opened: Opened, page: Page, cells: Cells) -> dict[str, Any]:
    """Return the buttons of the header and of its menu; what cannot be pressed says why."""
    lang, t = cells.lang, cells.t
    entity, writable = opened.entity, opened.writable
    lock = t("screens.locked") if opened.locked_by else None
    created = []
    for action in page.actions:
        if ctx.app.access(action.create, roles_of(ctx)).can("create"):
            why = lock if action.then_move else None
            created.append({
                "label": action.label.get(lang), "icon": ctx.app.workspace.entities[action.create].icon,
                "href": f"/r/{action.create}/new?from={entity.name}:{opened.id}&action={action.name}",
                "why": why or (None if is_open(ctx, opened, action) else t("screens.not_now")),
            })  # fmt: skip
    created.sort(key=lambda one: one["why"] is not None)
    in_pool = bool(entity.pools) and opened.record.get("owner") is None
    owned = opened.record.get("owner") == ctx.actor.id
    menu: list[dict[str, Any]] = []
    if "assign" in writable and "owner" in entity.entity.fields:
        menu.append(
            {
                "label": t("screens.assign"),
                "icon": "user-share",
                "attrs": {"data-dialog": url_of(opened, "/assign")},
            }
        )
    if entity.pools and not in_pool and (owned or "assign" in writable):
        menu.append(
            {
                "label": t("screens.release"),
                "icon": "pool",
                "why": lock,
                "attrs": {"data-dialog": url_of(opened, "/release")},
            }
        )
    menu.append(
        {"label": t("screens.who_can_see"), "icon": "eye", "attrs": {"data-dialog": url_of(opened, "/who")}}
    )
    if "delete" in writable:
        confirm = {
            "hx-post": url_of(opened, "/delete"),
            "hx-confirm": t("screens.delete_text", title=opened.title),
            "hx-swap": "none",
        }
        menu += [
            {"line": True},
            {"label": t("screens.delete"), "icon": "trash", "danger": True, "why": lock, "attrs": confirm},
        ]
    return {
        "created": created, "menu": menu, "second": [one | {"attrs": {"class": "on-phone"}} for one in created[1:2] if not one["why"]],
        "claim": url_of(opened, "/claim") if in_pool and _may_claim(ctx, opened) else None,
        "submit": _submit(opened, t), "edit": url_of(opened, "/edit") if "update" in writable and opened.changeable else None,
        "edit_why": lock if opened.locked_by and "update" in writable else None,
    }  # fmt: skip


def _may_claim(ctx: Context, opened: Opened) -> bool:
    pool = next((one for one in opened.entity.pools if one.name == opened.record.get("pool")), None)
    return pool is not None and pools.is_member(ctx.database, ctx, pool)


def _submit(opened: Opened, t: Any) -> dict[str, Any] | None:
    state = opened.item.get("approval_state")
    if not opened.entity.approvals or "update" not in opened.writable or state in ("pending", "approved"):
        return None
    again = state in ("returned", "rejected", "withdrawn")
    return {
        "label": t("screens.submit_again" if again else "screens.submit"),
        "url": url_of(opened, "/submit"),
    }


# ---------------------------------------------------------------- related


def related_titles(ctx: Context, page: Page, lang: str) -> list[tuple[int, Related, str]]:
    """Return the related lists that this person may see, with what they are called."""
    found = []
    for number, one in enumerate(page.related):
        access = ctx.app.access(one.entity, roles_of(ctx))
        if access.read and one.field in access.readable:
            found.append((number, one, (one.label or ctx.app.workspace.list_of(one.entity).label).get(lang)))
    return found


def related_lines(rows: Rows, columns: Sequence[str], cells: Cells) -> list[dict[str, Any]]:
    """Return related records as lines: title, what tells them apart, state, amount."""
    entity = rows.entity
    fields = entity.entity.fields
    rest = [name for name in columns if name in fields and name not in entity.entity.title_fields]
    state = next((name for name in rest if name == "stage"), None) or next(
        (n for n in rest if fields[n].kind == "choice"), None
    )
    made = []
    for item in rows.items:
        details = [
            text
            for name in rest
            if name != state and (text := str(cells.cell(entity, name, item, plain=True) or ""))
        ]
        made.append({
            "title": cells.title(entity, item), "href": f"/r/{entity.name}/{item['id']}", "icon": entity.entity.icon,
            "detail": " · ".join(details) or None, "state": (cells.cell(entity, state, item) or None) if state else None,
        })  # fmt: skip
    return made


def related_names(rows: Iterable[tuple[Rows, Sequence[str]]], wanted: naming.Wanted) -> naming.Wanted:
    """Add to `wanted` what related lists have to name."""
    for one, columns in rows:
        fields = one.entity.entity.fields
        naming.collect(wanted, [fields[name] for name in columns if name in fields], one.items)
    return wanted


# ---------------------------------------------------------------- who can see this


def who_can_see(ctx: Context, opened: Opened, cells: Cells) -> list[dict[str, Any]]:
    """Return for each role what of this record it opens, in words."""
    t, lang = cells.t, cells.lang
    found = []
    for role in ctx.app.workspace.roles.values():
        grant = role.grants.get(opened.entity.name)
        scope = grant.scopes.get("read", "no") if grant else "no"
        if grant is None or scope == "no":
            continue
        words = (
            t(f"screens.scope_{scope}")
            if isinstance(scope, str)
            else t("screens.scope_rule", rule=scope.text)
        )
        hidden = [
            opened.entity.field(n).label.get(lang)
            for n, right in grant.fields.items()
            if right == "hidden" and "." not in n
        ]
        found.append({
            "title": role.label.get(lang), "detail": words,
            "meta": t("screens.without", fields=", ".join(hidden)) if hidden else None, "icon": "users",
        })  # fmt: skip
    return found + [
        {"title": pool.label.get(lang), "detail": t("screens.scope_pool"), "icon": "pool"}
        for pool in opened.entity.pools
        if opened.record.get("owner") is None and opened.record.get("pool") == pool.name
    ]


def asked_fields(ctx: Context, opened: Opened, way: Target) -> list[str]:
    """Return the fields that a move asks for and this person may write."""
    grants = opened.writable.get("move", frozenset())
    free = forms_writable(ctx, opened, grants)
    return [name for name in way.ask if name in free]


def forms_writable(ctx: Context, opened: Opened, granted: frozenset[str]) -> frozenset[str]:
    """Return what of `granted` may be written as the record stands."""
    return changeable_fields(opened.entity, granted, opened.record, ctx.env()) if granted else frozenset()


def explanation(opened: Opened, spec: Field, cells: Cells) -> dict[str, Any]:
    """Return how a computed value comes about: the rule in words, and what went into it."""
    fields = opened.entity.entity.fields

    if spec.rollup is not None:
        source = fields[spec.rollup.source]
        column = source.fields[spec.rollup.value].label.get(cells.lang) if spec.rollup.value else ""
        words = cells.t(
            f"screens.rollup_{spec.rollup.function}", column=column, table=source.label.get(cells.lang)
        )
        used: list[str] = []
    else:
        assert spec.formula is not None
        words = sentence(spec.formula, cells.lang, labels_here(cells.ctx, opened.entity.name, cells.lang))
        used = sorted(
            {
                path[0]
                for path in spec.formula.uses
                if path and path[0] in fields and fields[path[0]].kind != "table"
            }
        )
    inputs = [
        {
            "label": fields[name].label.get(cells.lang), "value": cells.cell(opened.entity, name, opened.item),
            "explain_url": explain_url(opened, fields[name]),
        }
        for name in used
    ]  # fmt: skip
    return {
        "label": spec.label.get(cells.lang), "words": words, "inputs": inputs,
        "value": cells.cell(opened.entity, spec.name, opened.item), "note": _why_empty(opened, spec, cells),
    }  # fmt: skip


def _why_empty(opened: Opened, spec: Field, cells: Cells) -> str | None:
    """Return why a formula has no result; names only fields that the reader may see."""
    if spec.formula is None or opened.record.get(spec.name) is not None:
        return None
    fields = opened.entity.entity.fields
    empty = spec.formula.empty_reads(opened.everything, cells.ctx.env())
    seen = [fields[name].label.get(cells.lang) for name in empty if name in fields and name in opened.item]
    if not seen:
        return cells.t("screens.no_result")
    return cells.t("screens.empty_because", fields=("、" if cells.lang == "zh" else ", ").join(seen))
