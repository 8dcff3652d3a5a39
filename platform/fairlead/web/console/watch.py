"""Is it well, and what happened: the first page of the administration, and the history of everything."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_admin import expose

from fairlead.base.texts import Label
from fairlead.fields.spec import Field
from fairlead.model.governance import CAPABILITIES
from fairlead.web import render
from fairlead.web.cells import Cells
from fairlead.web.console.base import ConsoleView
from fairlead.work import console, naming

_MOST_CHANGES = 8
_LONGEST = 160

_CONCERNS = {
    "jobs": ("red", "alert-triangle", "/console/jobs/?state=dead"), "approvals": ("red", "clipboard-check", None),
    "no_role": ("amber", "user-question", "/console/people/"), "no_team": ("amber", "users", "/console/people/"),
    "no_head": ("amber", "sitemap", "/console/teams/"), "behind": ("amber", "versions", "/console/revisions/"),
    "late": ("red", "clock", "/console/jobs/?state=ready"),
}  # fmt: skip


class HealthView(ConsoleView):
    """What needs attention."""

    rooms = frozenset(CAPABILITIES)
    title_key = "console.health"
    icon = "heart"

    @expose("/")
    def index(self) -> Any:
        """What needs attention, and the numbers."""
        found = console.health(self.ctx)
        rows = []
        for one in found.attention:
            tone, symbol, href = _CONCERNS[one.concern]
            rows.append({
                "title": self.say(f"console.needs_{one.concern}", n=one.count), "detail": self.say("kit.comma").join(one.names),
                "icon": symbol, "tone": tone, "href": href,
            })  # fmt: skip
        return self.render("console/health.html", rows=rows, found=found)


class HistoryView(ConsoleView):
    """Who changed what, everywhere; only what the reader may see of it."""

    rooms = frozenset({"history"})
    title_key = "console.history"
    icon = "history"

    @expose("/")
    def index(self) -> Any:
        """One page of events."""
        lang = self.ctx.actor.language
        entities = self.ctx.app.workspace.entities
        chosen = request.args.get("entity")
        entity = chosen if chosen in entities or chosen in ("user", "team") else None
        lines, following = console.events(self.ctx, entity=entity, before=request.args.get("after"))
        wanted: dict[str, set[str]] = {}
        for field, pair in (change for line in lines for change in line.changes):
            if isinstance(field, Field) and pair:
                naming.collect(wanted, [field], [{field.name: value} for value in pair])
        cells = Cells(self.ctx, naming.names(self.ctx, wanted))
        rows = [self._row(line, lang, cells) for line in lines]
        base = f"{self.url}/?" + (f"entity={entity}&" if entity else "")
        choices = [
            {"label": self.say("console.everything"), "href": f"{self.url}/", "current": entity is None}
        ]
        choices += [
            {"label": one.label.get(lang), "href": f"{self.url}/?entity={name}", "current": name == entity}
            for name, one in entities.items()
        ]
        label = (
            entities[entity].label.get(lang)
            if entity is not None and entity in entities
            else self.say("console.everything")
        )
        return self.render(
            "console/history.html",
            rows=rows,
            next_url=f"{base}after={following}" if following else None,
            choices=choices,
            chosen=label,
        )

    def _row(self, line: console.HistoryLine, lang: str, cells: Cells) -> dict[str, Any]:
        event = line.event
        name = line.actor_name.get(lang) if line.actor_name else "Fairlead"
        key, door = f"console.e_{event.kind}", f"console.d_{event.door}"
        return {
            "at": event.at, "who": render.person(event.actor or "system", name), "kind": self.say(key) if _knows(key) else event.kind,
            "entity": line.entity_label.get(lang), "title": line.title, "reason": event.reason,
            "href": f"/r/{event.entity}/{event.record_id}" if line.title is not None else None,
            "door": self.say(door) if _knows(door) else event.door,
            "changes": [
                {"label": _label(field, lang), "before": _text(cells, field, pair[0]), "after": _text(cells, field, pair[1])}
                for field, pair in line.changes
                if pair
            ][:_MOST_CHANGES],
            "hidden": [_label(field, lang) for field, pair in line.changes if pair is None],
        }  # fmt: skip


def _knows(key: str) -> bool:
    from fairlead.web.texts import texts

    return key in texts()


def _label(field: Field | Label, lang: str) -> str:
    return (field.label if isinstance(field, Field) else field).get(lang)


def _text(cells: Cells, field: Field | Label, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(field, Field):
        return cells.text(field, value)[:_LONGEST]
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)[:_LONGEST]
