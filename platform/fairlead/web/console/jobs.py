"""Background work: what waits, what failed, run again or leave."""

from __future__ import annotations

import json
from typing import Any

from flask import request
from flask_admin import expose

from fairlead.base.errors import NotFound
from fairlead.web import render
from fairlead.web.console.base import ConsoleModelView, asked, back_to
from fairlead.work import jobs

_LOOKS = {
    "ready": ("grey", "new"), "retry_wait": ("amber", "wait"), "running": ("teal", "progress"), "done": ("green", "done"),
    "dead": ("red", "alert"), "unknown": ("red", "alert"), "skipped": ("grey", "stopped"), "cancelled": ("grey", "stopped"),
    "paused": ("amber", "wait"),
}  # fmt: skip
_STATES = ("dead", "unknown", "ready", "retry_wait", "running", "paused", "done", "skipped", "cancelled")
_MOST = 500


class JobsView(ConsoleModelView):
    """Jobs by state; the rows are the truth, whatever a queue server says."""

    rooms = frozenset({"jobs"})
    title_key = "console.jobs"
    icon = "activity"
    can_create = False
    can_edit = False
    can_view_details = True
    column_list = ("what", "state", "about", "attempts", "run_at", "error")
    column_details_list = ("what", "state", "about", "attempts", "run_at", "error")

    def get_list(
        self,
        page: int,
        sort_field: Any,
        sort_desc: bool,
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[int | None, list[Any]]:
        """Return one page of jobs, newest first, of one state or all."""
        size = page_size or self.page_size
        found = jobs.listing(self.ctx, state=_state(), limit=min(_MOST, (page + 1) * size + 1))
        return None, found[page * size : (page + 1) * size]

    def get_one(self, id: Any) -> Any:
        """Return one job."""
        try:
            return jobs.one(self.ctx, str(id))
        except NotFound:
            return None

    def cell(self, model: Any, name: str) -> Any:
        if name == "what":
            return f"{model.kind} · {model.rule}" if model.rule else model.kind
        if name == "state":
            state = "retry_wait" if model.state == "ready" and model.attempts else model.state
            tone, shape = _LOOKS.get(state, ("grey", "open"))
            return render.macro("kit/ui.html", "state")(self.say(f"console.job_{state}"), tone, shape)
        if name == "about":
            return f"{model.entity} {model.record_id}" if model.record_id else ""
        if name == "attempts":
            return f"{model.attempts} / {model.max_attempts}"
        if name == "error":
            return (model.error or "").strip().splitlines()[-1][:160] if model.error else ""
        return getattr(model, name)

    def tabs(self) -> list[dict[str, Any]]:
        """Return the states that have jobs, those that wait for a person first."""
        counts: dict[str, int] = {}
        for (_, state), count in jobs.counts(self.ctx).items():
            counts[state] = counts.get(state, 0) + count
        chosen = _state()
        found = [{"label": self.say("console.tab_all"), "href": f"{self.url}/", "active": chosen is None}]
        return found + [
            {"label": self.say(f"console.job_{state}"), "href": f"{self.url}/?state={state}", "active": chosen == state,
             "count": counts.get(state) or None}
            for state in _STATES
            if counts.get(state) or state in ("dead", chosen)
        ]  # fmt: skip

    def row_actions(self, model: Any) -> list[dict[str, Any]]:
        found = []
        if model.state in ("dead", "unknown", "skipped", "cancelled") or (
            model.state == "ready" and model.attempts
        ):
            found.append(self._act(model, "retry", "refresh"))
        if model.state in ("dead", "unknown", "ready", "paused"):
            found.append(self._act(model, "skip", "player-skip-forward"))
        return found

    def _act(self, model: Any, act: str, symbol: str) -> dict[str, Any]:
        attrs = {"hx-post": f"{self.url}/{model.id}/{act}", "hx-swap": "none"}
        return {"label": self.say(f"console.{act}"), "icon": symbol, "attrs": attrs}

    def facts(self, model: Any) -> list[dict[str, Any]]:
        """Return everything that is known of a job."""
        pairs = [
            ("id", model.id), ("what", self.cell(model, "what")), ("state", self.cell(model, "state")), ("queue", model.queue),
            ("about", self.cell(model, "about")), ("attempts", self.cell(model, "attempts")), ("run_at", model.run_at),
            ("created_at", model.created_at), ("finished_at", model.finished_at), ("revision", model.revision),
            ("depth", model.depth or None), ("order_key", model.order_key),
        ]  # fmt: skip
        return [
            {"label": self.say(f"console.c_{name}"), "value": value}
            for name, value in pairs
            if value not in (None, "")
        ]

    def texts(self, model: Any) -> list[tuple[str, str]]:
        """Return what is longer than a line."""
        arguments = json.dumps(model.args, ensure_ascii=False, indent=2) if model.args else ""
        pairs = (("error", model.error), ("log", model.log), ("args", arguments))
        return [(self.say(f"console.c_{name}"), text) for name, text in pairs if text]

    @expose("/<id>/<act>", methods=("POST",))
    def act_on(self, id: str, act: str) -> Any:
        """Run a job again, or say that it is not to be done."""
        back = f"{self.url}/?state={asked('state')}" if asked("state") else f"{self.url}/"
        if act == "retry":
            done = jobs.retry(self.ctx, id)
            return back_to(
                back,
                self.say("console.retried" if done else "console.not_stuck"),
                "green" if done else "amber",
            )
        if act == "skip":
            count = jobs.skip(self.ctx, id, same_error=bool(request.form.get("same_error")))
            said = self.say("console.skipped", n=count) if count else self.say("console.not_stuck")
            return back_to(back, said, "green" if count else "amber")
        raise NotFound("job", id)

    @expose("/retry-all", methods=("POST",))
    def retry_all(self) -> Any:
        """Run everything again that waits for a person."""
        return back_to(f"{self.url}/", self.say("console.retried_all", n=jobs.retry_stuck(self.ctx)))


def _state() -> Any:
    given = asked("state")
    return given if given in _STATES else None
