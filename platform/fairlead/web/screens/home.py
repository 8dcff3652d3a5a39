"""Today: what is due, what waits, what is about to be lost, and how the numbers stand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response

from fairlead.web import render
from fairlead.web.cells import Cells, days_late, short_money
from fairlead.web.request import context
from fairlead.work import home, inbox, naming
from fairlead.work.context import Context
from fairlead.work.home import DueList, Losing, Number

screen = Blueprint("home", __name__)


@screen.get("/")
def today() -> Response:
    """The first screen."""
    ctx = context("ui")
    due, losing = home.due(ctx), home.losing(ctx)
    board = home.dashboard(ctx)
    tasks = inbox.tasks(ctx, "open", limit=6).items
    numbers = home.numbers(ctx, board) if board is not None else []
    wanted: naming.Wanted = {}
    for one in due:
        naming.collect(wanted, one.entity.entity.fields.values(), one.items)
    cells = Cells(ctx, naming.names(ctx, wanted))
    lines = [line for one in due for line in _due(one, cells)]
    lines.sort(key=lambda line: line["sort"])
    late = sum(1 for line in lines if line["late"])
    return render.page(
        "home/today.html", team=bool(ctx.actor.oversees), greeting=_greeting(ctx, cells),
        subtitle=_subtitle(ctx, cells, len(lines), late), due=lines[:12],
        due_count=f"{len(lines)}{'+' if any(one.more for one in due) else ''}", due_links=[_due_link(one, cells) for one in due],
        tasks=[_task(task, cells) for task in tasks], losing=[line for one in losing for line in _losing(one, cells)],
        numbers=[_number(one, cells) for one in numbers], board=board,
        board_label=board.label.get(cells.lang) if board is not None else "",
    )  # fmt: skip


def _greeting(ctx: Context, cells: Cells) -> str:
    hour = ctx.now.astimezone(cells.zone).hour
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    return cells.t(f"screens.good_{part}", name=ctx.actor.name)


def _subtitle(ctx: Context, cells: Cells, count: int, late: int) -> str:
    today = ctx.today
    day = cells.t("screens.long_date", weekday=cells.t(f"screens.weekday_{today.weekday()}"), day=today.day,
                  month=cells.t(f"screens.month_{today.month}"), month_number=today.month)  # fmt: skip
    if not count:
        return f"{day} · {cells.t('screens.nothing_due')}"
    return f"{day} · {cells.t('screens.due_n', n=count)}" + (
        f"{cells.t('kit.comma')}{cells.t('screens.late_n', n=late)}" if late else ""
    )


def _due(one: DueList, cells: Cells) -> list[dict[str, Any]]:
    """Return due records as lines: what, about whom, and how late."""
    entity = one.entity
    fields = entity.entity.fields
    made = []
    for item in one.items:
        raw = str(item.get(one.by.name) or "") if one.by else ""
        day = _day(raw, cells)
        late = days_late(day, cells.today) if day else 0
        about = next(
            (
                n
                for n, f in fields.items()
                if f.kind == "reference" and f.origin == "document" and item.get(n)
            ),
            None,
        )
        details = [entity.entity.label.get(cells.lang)]
        if about is not None:
            details.append(str(cells.cell(entity, about, item, plain=True)))
        elif item.get("stage"):
            details.append(str(cells.cell(entity, "stage", item, plain=True)))
        made.append({
            "title": cells.title(entity, item), "href": f"/r/{entity.name}/{item['id']}", "icon": entity.entity.icon,
            "detail": " · ".join(details), "late": late > 0, "sort": (raw or "9", item["id"]),
            "person": cells.who(item.get("owner")) if cells.ctx.actor.oversees else None,
            "meta": _when(raw, day, late, cells), "tone": "red" if late > 0 else "teal", "id": item["id"], "entity": entity.name,
        })  # fmt: skip
    return made


def _day(raw: str, cells: Cells) -> date | None:
    if not raw:
        return None
    if "T" in raw:
        return datetime.fromisoformat(raw).astimezone(cells.zone).date()
    return date.fromisoformat(raw)


def _when(raw: str, day: date | None, late: int, cells: Cells) -> str | None:
    if day is None:
        return None
    if late > 0:
        return cells.t("screens.days_late", n=late)
    if "T" in raw and late == 0:
        return f"{datetime.fromisoformat(raw).astimezone(cells.zone):%H:%M}"
    return str(cells.day(day).striptags())


def _due_link(one: DueList, cells: Cells) -> dict[str, Any]:
    mine = "" if cells.ctx.actor.oversees else "&f.owner=me"
    return {
        "label": one.entity.entity.plural.get(cells.lang),
        "href": f"/l/{one.entity.name}?view={one.view.name}{mine}",
    }


def _losing(one: Losing, cells: Cells) -> list[dict[str, Any]]:
    entity = one.entity
    return [
        {
            "title": cells.title(entity, item), "href": f"/r/{entity.name}/{item['id']}", "icon": "clock",
            "tone": "red" if str(item["due_at"]) < cells.ctx.stamp else "amber", "meta": cells.moment(str(item["due_at"])),
            "detail": cells.t("screens.last_activity", when=cells.moment_text(str(item["last_activity_at"])))
            if item.get("last_activity_at") else cells.t("screens.no_activity"),
        }
        for item in one.items
    ]  # fmt: skip


def _task(task: Any, cells: Cells) -> dict[str, Any]:
    line = task.line
    starter = line.starter_name.get(cells.lang)
    return {
        "title": line.title or task.entity_label.get(cells.lang), "href": f"/inbox?task={task.id}", "unread": True,
        "detail": f"{task.flow_label.get(cells.lang)} · {starter}", "person": render.person(line.starter, starter),
        "meta": cells.moment(line.opened_at) if line.opened_at else None,
    }  # fmt: skip


def _number(one: Number, cells: Cells) -> dict[str, Any]:
    return {
        "label": one.label.get(cells.lang), "value": number_text(one.value, one.kind, one.currency, cells.lang),
        "href": f"/reports/{one.result.report.name}",
    }  # fmt: skip


def number_text(value: Any, kind: str, currency: str | None, lang: str) -> str:
    """Return a measure as people read it at a glance."""
    if value is None:
        return "—"
    if kind == "money":
        return short_money(Decimal(str(value)), currency or "CNY", lang)
    if kind == "rate":
        return f"{Decimal(str(value)) * 100:.0f} %"
    return f"{Decimal(str(value)):,f}".rstrip("0").rstrip(".") if "." in str(value) else f"{int(value):,}"
