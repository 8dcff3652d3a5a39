"""The timeline of a record as entries that read as sentences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fairlead.compiled.application import CompiledEntity
from fairlead.fields.spec import Field
from fairlead.web.cells import Cells, option_of, say_day, tone
from fairlead.work import naming
from fairlead.work.context import SYSTEM_USER, Context
from fairlead.work.opened import Opened
from fairlead.work.reading import Json

_ICONS = (
    ("call", "phone"), ("phone", "phone"), ("visit", "map-pin"), ("meet", "users"), ("mail", "mail"), ("note", "note"),
    ("sms", "device-mobile"), ("wechat", "brand-wechat"), ("chat", "message-circle"), ("demo", "presentation"), ("task", "checkbox"),
)  # fmt: skip
_EVENTS = {
    "create": ("flag", "grey"), "update": ("pencil", "grey"), "move": ("arrow-right", "teal"), "claim": ("hand-grab", "green"),
    "release": ("pool", "amber"), "reclaim": ("pool", "amber"), "assign": ("user-share", "blue"), "import": ("file-import", "grey"),
    "delete": ("trash", "red"), "restore": ("rotate", "green"), "convert": ("repeat", "green"), "merge": ("arrow-merge", "grey"),
}  # fmt: skip
_APPROVAL = {
    "submitted": ("send", "teal"), "approved": ("circle-check", "green"), "rejected": ("circle-x", "red"),
    "withdrawn": ("circle-minus", "grey"), "returned": ("arrow-back-up", "amber"),
}  # fmt: skip
MAX_CHANGES = 6


def kind_icon(name: str, otherwise: str) -> str:
    """Return the picture of a kind of activity, by what its name says."""
    return next((icon for part, icon in _ICONS if part in name), otherwise)


def wanted_names(
    ctx: Context, opened: Opened, entries: Sequence[Json], wanted: naming.Wanted
) -> naming.Wanted:
    """Add to `wanted` whoever and whatever the entries speak of."""
    for entry in entries:
        if entry.get("actor") and entry["actor"] != SYSTEM_USER:
            wanted.setdefault("user", set()).add(entry["actor"])
        if entry["source"] == "activity":
            entity = ctx.app.entities[entry["entity"]]
            naming.collect(wanted, entity.entity.fields.values(), [entry["item"]])
        for change in entry.get("changes", ()):
            spec = opened.entity.entity.fields[change["field"]]
            naming.collect(wanted, [spec], [{spec.name: change.get("old")}, {spec.name: change.get("new")}])
    return wanted


def entries(ctx: Context, opened: Opened, found: Sequence[Json], cells: Cells) -> list[dict[str, Any]]:
    """Return entries for the kit, with a heading where the day changes."""
    made: list[dict[str, Any]] = []
    day = None
    for entry in found:
        if _says_nothing(opened, entry):
            continue
        local = datetime.fromisoformat(_moment(entry["at"])).astimezone(cells.zone).date()
        if local != day:
            day = local
            words = say_day(local, cells.today, cells.lang, cells.t)
            made.append({"day": words[:1].upper() + words[1:]})
        if entry["source"] == "activity":
            made.append(_activity(ctx, entry, cells))
        elif entry["source"] == "approval":
            made.append(_approval(ctx, entry, cells))
        else:
            made.append(_event(opened, entry, cells))
    return made


def _says_nothing(opened: Opened, entry: Json) -> bool:
    """Whether an event touched nothing that people gave: approvals and counters stand there by themselves."""
    if entry["source"] != "event" or entry["reason"] or entry["kind"] in _EVENTS.keys() - {"update"}:
        return False
    fields = opened.entity.entity.fields
    return not any(
        fields[change["field"]].origin == "document" or change["field"] == "stage"
        for change in entry["changes"]
    )


def _moment(text: str) -> str:
    return text if "T" in text else f"{text}T00:00:00+00:00"


def _person(cells: Cells, id: str | None) -> dict[str, Any] | None:
    if id == SYSTEM_USER:
        return {"name": "Fairlead"}
    return cells.who(id)


def _activity(ctx: Context, entry: Json, cells: Cells) -> dict[str, Any]:
    entity, item = ctx.app.entities[entry["entity"]], entry["item"]
    return activity(entity, item, entry["at"], cells) | {"person": _person(cells, entry["actor"])}


def activity(entity: CompiledEntity, item: Json, at: str, cells: Cells) -> dict[str, Any]:
    """Return a row of a timeline entity as an entry."""
    timeline = entity.entity.timeline
    assert timeline is not None
    fields = entity.entity.fields
    kind = fields[timeline.kind] if timeline.kind else None
    value = str(item.get(timeline.kind) or "") if timeline.kind else ""
    option = option_of(kind, value) if kind else None
    title, text = cells.title(entity, item), item.get(timeline.text) if timeline.text else None
    shown = {timeline.about, timeline.at, timeline.kind, timeline.text, *entity.entity.title_fields}
    facts = [
        {"label": spec.label.get(cells.lang), "value": cells.cell(entity, name, item)}
        for name, spec in fields.items()
        if name not in shown and spec.origin == "document" and _says_something(spec, item.get(name))
    ]
    if text and str(text).startswith(title):
        title = ""
    return {
        "id": item["id"], "icon": kind_icon(value, entity.entity.icon), "tone": tone(option.color) if option and option.color else "teal",
        "what": option.label.get(cells.lang) if option else entity.entity.label.get(cells.lang), "title": title,
        "href": f"/r/{entity.name}/{item['id']}", "at": _moment(at), "at_text": cells.moment_text(_moment(at)), "text": text,
        "facts": facts, "changes": [], "planned": not facts and datetime.fromisoformat(_moment(at)) > cells.ctx.now,
    }  # fmt: skip


def _says_something(spec: Field, value: Any) -> bool:
    """A default that nobody chose says nothing; a planned one does."""
    if value in (None, "", [], False):
        return False
    return not (spec.kind == "choice" and spec.required and value == spec.default)


def _approval(ctx: Context, entry: Json, cells: Cells) -> dict[str, Any]:
    flow = ctx.app.workspace.approvals.get(entry["flow"])
    icon, colour = _APPROVAL.get(entry["state"], ("progress", "grey"))
    name = flow.label.get(cells.lang) if flow else entry["flow"]
    key = f"screens.ap_{entry['state']}" if entry["state"] in _APPROVAL else "screens.ap_ended"
    return _entry(entry, cells, icon, colour, cells.t(key, flow=name)) | {
        "href": f"/approvals/{entry['approval']}"
    }


def _event(opened: Opened, entry: Json, cells: Cells) -> dict[str, Any]:
    kind = str(entry["kind"])
    icon, colour = _EVENTS.get(kind, ("point", "grey"))
    changes = {change["field"]: change for change in entry["changes"]}
    fields = opened.entity.entity.fields
    what = cells.t(f"screens.ev_{kind}") if kind in _EVENTS else cells.t("screens.ev_other")
    shown = [c for name, c in changes.items() if fields[name].origin == "document"]
    if kind in ("create", "import"):
        shown = []
    if "stage" in changes and kind not in ("create", "import") and not changes["stage"].get("hidden"):
        option = option_of(fields["stage"], str(changes["stage"]["new"]))
        what = cells.t(
            "screens.ev_move_to", stage=option.label.get(cells.lang) if option else changes["stage"]["new"]
        )
        icon, colour = "arrow-right", tone(option.color if option else None)
    elif kind == "assign" and "owner" in changes:
        what = cells.t("screens.ev_assign_to", name=cells.text(fields["owner"], changes["owner"].get("new")))
    elif kind == "update" and len(shown) == 1:
        what = cells.t("screens.ev_changed_one", field=fields[shown[0]["field"]].label.get(cells.lang))
    elif kind == "update":
        what = cells.t("screens.ev_changed", n=len(shown))
    made = _entry(entry, cells, icon, colour, what)
    made["changes"] = [_change(fields[c["field"]], c, cells) for c in shown[:MAX_CHANGES]]
    made["more"] = max(0, len(shown) - MAX_CHANGES)
    return made


def _change(spec: Field, change: Json, cells: Cells) -> dict[str, Any]:
    if change.get("hidden"):
        return {"label": spec.label.get(cells.lang), "before": "•••", "after": "•••"}
    before, after = cells.text(spec, change.get("old")), cells.text(spec, change.get("new"))
    return {"label": spec.label.get(cells.lang), "before": before[:160], "after": after[:160]}


def _entry(entry: Json, cells: Cells, icon: str, colour: str, what: str) -> dict[str, Any]:
    return {
        "id": entry["id"], "icon": icon, "tone": colour, "what": what, "title": "", "href": None, "at": entry["at"],
        "at_text": cells.moment_text(entry["at"]), "text": entry.get("reason"), "facts": [], "changes": [],
        "person": _person(cells, entry.get("actor")), "planned": False,
    }  # fmt: skip
