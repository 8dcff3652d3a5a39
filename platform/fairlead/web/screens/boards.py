"""Boards: cards that are moved from stage to stage, and pictures of cells coloured by their state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from fairlead.base.errors import Conflict, Invalid
from fairlead.decide import move as moves
from fairlead.decide.pool import after
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Option
from fairlead.model.screens import Board
from fairlead.web import render, rows
from fairlead.web.cells import Cells, look_of, short_money, tone
from fairlead.web.request import context
from fairlead.web.screens.posting import version_of
from fairlead.web.screens.records import ask_for_move, move_texts
from fairlead.web.texts import speaker
from fairlead.work import boards, naming
from fairlead.work.boards import COLUMN_MAX, COLUMN_PAGE, Grid, Kanban
from fairlead.work.context import Context
from fairlead.work.opened import open_record
from fairlead.work.reading import Json, Names
from fairlead.work.records import roles_of

screen = Blueprint("boards", __name__)

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@screen.get("/b/<board>")
def show(board: str) -> Response:
    """A board."""
    ctx = context("ui")
    found = boards.board_of(ctx, board)
    if found.kind == "grid":
        return _grid_page(ctx, found, request.args.get("group"))
    return _kanban_page(ctx, boards.kanban(ctx, found))


# ---------------------------------------------------------------- cards


def _kanban_page(ctx: Context, found: Kanban) -> Response:
    wanted = naming.collect(
        {}, found.entity.entity.fields.values(), [item for c in found.columns for item in c.items]
    )
    cells = Cells(ctx, naming.names(ctx, wanted))
    ways = _ways(ctx, found)
    columns = [_column(found, position, cells, ways) for position in range(len(found.columns))]
    entity = found.entity.entity
    can_create = ctx.app.access(entity.name, roles_of(ctx)).can("create")
    return render.page(
        "boards/kanban.html", title=found.board.label.get(cells.lang), icon=entity.icon, board=found.board, columns=columns,
        list_url=f"/l/{entity.name}?view=", new_url=f"/r/{entity.name}/new" if can_create else None,
        label=entity.label.get(cells.lang), plural=entity.plural.get(cells.lang), empty=not any(column.count for column in found.columns),
    )  # fmt: skip


def _ways(ctx: Context, found: Kanban) -> dict[str, dict[str, str | None]]:
    """Return for each column where its cards may go: the stage, and why not or None."""
    machine = found.entity.machine
    names = [column.option.name for column in found.columns]
    if found.board.column_field != "stage" or machine is None:
        return {name: dict.fromkeys(one for one in names if one != name) for name in names}
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    may = ctx.app.access(found.entity.name, roles_of(ctx)).can("move")
    ways: dict[str, dict[str, str | None]] = {}
    for name in names:
        open_to = {way.stage for way in moves.targets(machine, name, ctx.actor.roles)} if may else set()
        here = machine.stages[name].label.get(lang) if name in machine.stages else name
        ways[name] = {
            one: None if one in open_to else t("screens.no_way", here=here, there=machine.stages[one].label.get(lang))
            for one in names if one != name and one in machine.stages
        }  # fmt: skip
    return ways


def _column(found: Kanban, position: int, cells: Cells, ways: Mapping[str, Any]) -> dict[str, Any]:
    column = found.columns[position]
    name = column.option.name
    spec = found.entity.entity.fields[found.board.column_field]
    colour, shape = look_of(found.entity, spec, name)
    shown = len(column.items)
    return {
        "stage": name, "label": column.option.label.get(cells.lang), "tone": colour, "shape": shape, "count": f"{column.count:,}",
        "total": _total(found.sum_field, column.total, cells.lang), "url": f"/b/{found.board.name}/move",
        "cards": rows.cards([_card(found.board, found.entity, item, cells) for item in column.items], cells.t, menu=f"moves-{name}"),
        "allowed": [one for one, why in ways.get(name, {}).items() if why is None],
        "why": {one: why for one, why in ways.get(name, {}).items() if why is not None},
        "moves": [
            {"stage": one.option.name, "label": one.option.label.get(cells.lang)} for one in found.columns if one.option.name != name
        ],
        "more_url": f"/b/{found.board.name}/more?column={name}&from={shown}" if shown == COLUMN_PAGE and column.count > shown else None,
    }  # fmt: skip


def _total(spec: Field | None, stored: Any, lang: str) -> str | None:
    if spec is None or stored is None:
        return None
    kind = kind_of(spec)
    value = kind.from_stored(int(stored), spec)
    if spec.kind == "money":
        return short_money(Decimal(value), str(spec.params.get("currency", "CNY")), lang)
    return kind.display(value, spec, lang)


def _card(board: Board, entity: Any, item: Json, cells: Cells) -> dict[str, Any]:
    fields = entity.entity.fields
    titles = entity.entity.title_fields
    facts = []
    for name in board.card:
        if (
            name in titles
            or name not in fields
            or name == board.column_field
            or item.get(name) in (None, "", [])
        ):
            continue
        spec = fields[name]
        late = spec.kind == "date" and str(item[name]) < cells.today.isoformat() and _is_open(entity, item)
        facts.append({
            "text": cells.cell(entity, name, item, plain=spec.kind != "choice"), "strong": spec.kind == "money",
            "icon": {"date": "calendar", "datetime": "calendar"}.get(spec.kind), "tone": "red" if late else None,
        })  # fmt: skip
    owner = cells.who(item.get("owner"))
    return {
        "id": item["id"], "version": item["version"], "title": cells.title(entity, item), "href": f"/r/{entity.name}/{item['id']}",
        "facts": facts[:4], "owner": owner, "peek": f"/r/{entity.name}/{item['id']}/peek", "alert": _stale(entity, item, cells),
    }  # fmt: skip


def _stale(entity: Any, item: Json, cells: Cells) -> str | None:
    """Return how long a card has stood in its stage, where that is longer than the stage should take."""
    stage = entity.machine.stages.get(item.get("stage")) if entity.machine is not None else None
    entered = item.get("stage_entered_at")
    if stage is None or stage.stale_after is None or stage.outcome != "open" or not entered:
        return None
    since = datetime.fromisoformat(str(entered))
    pipeline = cells.ctx.app.workspace.pipeline_of(entity.name)
    calendar = cells.ctx.calendar(None if pipeline is None else pipeline.calendar)
    if after(since, stage.stale_after, calendar) > cells.ctx.now:
        return None
    return cells.t("screens.stale", n=(cells.ctx.now - since).days)


def _is_open(entity: Any, item: Json) -> bool:
    stage = entity.machine.stages.get(item.get("stage")) if entity.machine is not None else None
    return stage is None or stage.outcome == "open"


@screen.get("/b/<board>/more")
def more(board: str) -> Response:
    """The rest of a long column, up to what a column shows."""
    ctx = context("ui")
    found = boards.board_of(ctx, board)
    entity = ctx.app.entities[found.entity]
    column, start = request.args.get("column", ""), request.args.get("from", "")
    offset = int(start) if start.isdigit() and len(start) < 6 else COLUMN_PAGE
    items = boards.more_cards(ctx, found, column, offset)
    cells = Cells(ctx, naming.names(ctx, naming.collect({}, entity.entity.fields.values(), items)))
    cards = rows.cards([_card(found, entity, item, cells) for item in items], cells.t, menu=f"moves-{column}")
    full = offset + len(items) >= COLUMN_MAX
    rest = f"/l/{found.entity}?view=&f.{found.column_field}={column}" if full else None
    return render.fragment("boards/cards.html", cards=cards, column=column, rest=rest)


@screen.post("/b/<board>/move")
def move(board: str) -> Response:
    """Put a card into another column; 422 answers with what the column asks for, 409 with who was faster or why not."""
    ctx = context("ui")
    found = boards.board_of(ctx, board)
    form = request.form
    id, stage = form.get("id", ""), form.get("stage", "")
    opened = open_record(ctx, found.entity, id)
    is_stage = found.column_field == "stage"
    typed = move_texts(ctx, opened, stage, form) if is_stage else {}
    given = {name: text for name, text in typed.items() if text not in ("", [])}
    asked = bool(typed) or "reason" in form
    try:
        boards.put(
            ctx, found, id, stage, version=version_of(form), given=given, reason=form.get("reason") or None
        )
    except Invalid as failure:
        if not is_stage:
            raise
        return ask_for_move(ctx, opened, stage, failure=failure if asked else None, typed=typed if asked else None, status=422,
                            action=f"/b/{found.name}/move")  # fmt: skip
    except Conflict as failure:
        raise _faster(ctx, opened, failure) from failure
    if asked:
        return render.go(f"/b/{found.name}")
    return _moved(ctx, found, id)


def _faster(ctx: Context, opened: Any, failure: Conflict) -> Conflict:
    """Say who moved it, and where it stands now."""
    cells = Cells(
        ctx, naming.names(ctx, naming.collect({}, opened.entity.entity.fields.values(), [opened.item]))
    )
    who = cells.who(opened.item.get("updated_by"))
    stage = cells.cell(opened.entity, "stage", opened.item, plain=True) if "stage" in opened.item else ""
    text = cells.t("screens.faster", name=who["name"] if who else cells.t("screens.somebody"), stage=stage)
    return Conflict(failure.record, expected=failure.expected, message=text, status=409)


def _moved(ctx: Context, found: Board, id: str) -> Response:
    """Answer with the card as it stands and the heads of the columns."""
    entity = ctx.app.entities[found.entity]
    item = boards.card(ctx, found, id)
    totals = boards.column_totals(ctx, found)
    spec = entity.entity.fields[found.column_field]
    names = naming.names(ctx, naming.collect({}, entity.entity.fields.values(), [item] if item else []))
    cells = Cells(ctx, names)
    sum_field = entity.entity.fields.get(found.sum) if found.sum else None
    heads = []
    for option in spec.options:
        count, total = totals.get(option.name, (0, None))
        if option.active or count:
            colour, shape = look_of(entity, spec, option.name)
            heads.append({
                "stage": option.name, "label": option.label.get(cells.lang), "count": f"{count:,}", "tone": colour, "shape": shape,
                "total": _total(sum_field, total, cells.lang) if total is not None else None,
            })  # fmt: skip
    menu = f"moves-{item[found.column_field]}" if item is not None else ""
    card = rows.cards([_card(found, entity, item, cells)] if item is not None else [], cells.t, menu=menu)
    return render.fragment("boards/moved.html", card=card, heads=heads)


# ---------------------------------------------------------------- cells


def _grid_page(ctx: Context, board: Board, wanted_group: str | None) -> Response:
    fields = ctx.app.workspace.entities[board.entity].fields
    group_spec = fields[board.group_field] if board.group_field else None
    groups, known = _named_groups(ctx, board, group_spec)
    chosen = wanted_group if wanted_group is not None else (str(groups[0][0]) if groups else None)
    found = boards.grid(ctx, board, tuple((key, count) for key, count, _ in groups), chosen)
    entity = found.entity
    wanted = naming.collect({}, [f for f in fields.values() if f.name != board.group_field], found.items)
    cells = Cells(ctx, naming.names(ctx, wanted))
    cells.names = naming.joined(known, cells.names)
    coloured = fields[board.color_by] if board.color_by else None
    legend = _legend(found, coloured, cells)
    looks = {one["value"]: one for one in legend}
    tabs = [
        {
            "label": label,
            "href": f"/b/{board.name}?group={key}",
            "active": str(key) == found.group,
            "count": f"{count:,}",
        }
        for key, count, label in groups
    ]
    return render.page(
        "boards/grid.html", title=board.label.get(cells.lang), icon=entity.entity.icon, groups=tabs, legend=legend,
        rows=_cells(found, cells, looks), filters=_grid_filters(found, cells), list_url=_grid_list(found), total=len(found.items),
        row_label=fields[board.row_field].label.get(cells.lang) if board.row_field else "",
        facts=[fields[n].label.get(cells.lang) for n in board.card if n in fields],
    )  # fmt: skip


def _named_groups(ctx: Context, board: Board, spec: Field | None) -> tuple[list[tuple[Any, int, str]], Names]:
    """Return the groups with what they are called, in that order."""
    if spec is None:
        return [], Names()
    found = boards.groups(ctx, board)
    cells = Cells(ctx, naming.names(ctx, naming.collect({}, [spec], [{spec.name: key} for key, _ in found])))
    named = [(key, count, cells.text(spec, key)) for key, count in found]
    return sorted(named, key=lambda one: one[2]), cells.names


def _grid_list(found: Grid) -> str:
    group = f"&f.{found.board.group_field}={found.group}" if found.board.group_field and found.group else ""
    return f"/l/{found.board.entity}?view={group}"


def _legend(found: Grid, spec: Field | None, cells: Cells) -> list[dict[str, Any]]:
    """Return the colours with a letter each and how many cells have it; colour is never the only sign."""
    if spec is None:
        return []
    counts: dict[str, int] = {}
    for item in found.items:
        value = str(item.get(spec.name) or "")
        counts[value] = counts.get(value, 0) + 1
    taken: set[str] = set()
    legend = []
    for option in spec.options:
        letter = _letter(option, taken)
        taken.add(letter)
        if option.active or option.name in counts:
            colour, _ = look_of(found.entity, spec, option.name)
            legend.append({
                "value": option.name, "label": option.label.get(cells.lang), "tone": colour, "letter": letter,
                "count": counts.get(option.name, 0),
            })  # fmt: skip
    return legend


def _letter(option: Option, taken: set[str]) -> str:
    words = option.name.upper()
    return next((c for c in [*words, *LETTERS] if c.isalpha() and c not in taken), "?")


def _cells(found: Grid, cells: Cells, looks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the cells by row, the highest first, each in its place so that what lies above each other lines up."""
    board, entity = found.board, found.entity
    places = sorted({item.get(board.column_field) for item in found.items}, key=_sortable)
    by_row: dict[Any, dict[Any, list[dict[str, Any]]]] = {}
    for item in found.items:
        row = item.get(board.row_field) if board.row_field else ""
        look = looks.get(str(item.get(board.color_by) or "")) if board.color_by else None
        text = cells.cell(entity, board.cell, item, plain=True) if board.cell else cells.title(entity, item)
        facts = [t for name in board.card if (t := str(cells.cell(entity, name, item, plain=True) or ""))]
        by_row.setdefault(row, {}).setdefault(item.get(board.column_field), []).append({
            "id": item["id"], "text": text, "tone": look["tone"] if look else "grey", "letter": look["letter"] if look else "",
            "state": look["value"] if look else "", "state_label": look["label"] if look else "", "tip": " · ".join(facts),
            "peek": f"/r/{entity.name}/{item['id']}/peek", "href": f"/r/{entity.name}/{item['id']}",
            "marks": " ".join(f"{n}:{item[n]}" for n in _mark_fields(found) if item.get(n) is not None),
        })  # fmt: skip
    return [
        {"label": "" if row is None else str(row), "places": [by_row[row].get(place, []) for place in places]}
        for row in sorted(by_row, key=_sortable, reverse=True)
    ]


def _sortable(value: Any) -> tuple[bool, float, str]:
    return value is not None, float(value) if isinstance(value, (int, float)) else 0.0, str(value)


def _mark_fields(found: Grid) -> list[str]:
    fields = found.entity.entity.fields
    return [
        n
        for n in found.board.card
        if n in fields and fields[n].kind == "choice" and n != found.board.color_by
    ]


def _grid_filters(found: Grid, cells: Cells) -> list[dict[str, Any]]:
    """Return what fades the cells that do not fit: the choice fields among a cell's facts."""
    fields = found.entity.entity.fields
    made = []
    for name in _mark_fields(found):
        used = {str(item.get(name)) for item in found.items}
        options = [o for o in fields[name].options if o.name in used]
        if len(options) > 1:
            choices = [
                {"value": f"{name}:{o.name}", "label": o.label.get(cells.lang), "tone": tone(o.color)}
                for o in options
            ]
            made.append({"label": fields[name].label.get(cells.lang), "choices": choices})
    return made
