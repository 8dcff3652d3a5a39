"""The path of an approval as the kit draws it: done, now, to come; who, why, since when, how long it usually takes."""

from __future__ import annotations

from typing import Any

from fairlead.base.clock import iso_utc
from fairlead.base.texts import Label
from fairlead.web import render
from fairlead.web.texts import Say, speaker
from fairlead.work.context import Context
from fairlead.work.inbox import PathView, SeatView, StepView

_STATUS = {"done": "done", "now": "now", "to_come": "next", "passed": "skipped", "open": "next"}
_SEAT_STATUS = {
    "approved": "done", "rejected": "rejected", "returned": "returned", "open": "now", "consulting": "now", "waiting": "next",
    "foreseen": "next", "transferred": "skipped", "closed": "skipped", "skipped": "skipped",
}  # fmt: skip
_SAID = ("approved", "rejected", "returned", "abstained", "transferred", "skipped", "closed")
_ICONS = {
    "submitted": "send", "approved": "circle-check", "rejected": "circle-x", "returned": "arrow-back-up", "withdrawn": "arrow-back-up",
    "commented": "message", "urged": "bell", "transferred": "user-share", "suspended": "alert-triangle", "resumed": "player-play",
    "restarted": "refresh", "cancelled": "circle-minus", "terminated": "circle-minus",
}  # fmt: skip
_TONES = {"approved": "green", "rejected": "red", "returned": "amber", "suspended": "red", "urged": "amber"}


def steps(ctx: Context, found: PathView) -> list[dict[str, Any]]:
    """Return the steps from the submission to the outcome."""
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    starter = found.starter_name.get(lang)
    first = {
        "status": "started" if found.approval else "next",
        "title": t("kit.step_started") if found.approval else t("inbox.you_submit"),
        "people": [_person(found.starter, starter) | {
            "at": iso_utc(found.started_at) if found.started_at else None, "status": "started",
        }] if found.approval else [],
    }  # fmt: skip
    rows = [first, *(_step(one, lang, t) for one in found.steps)]
    if found.state in ("withdrawn", "cancelled", "expired"):
        rows.append({"status": "withdrawn", "title": t(f"inbox.run_{found.state}"), "people": []})
    elif found.state == "suspended":
        reason = found.reason.get(lang) if found.reason else None
        rows.append({"status": "returned", "title": t("inbox.run_suspended"), "why": reason, "people": []})
    elif found.state == "returned":
        decided = max((at for at, row in enumerate(rows) if row["status"] != "next"), default=len(rows) - 1)
        rows.insert(
            decided + 1, {"status": "now", "title": t("inbox.waits_for_starter", name=starter), "people": []}
        )
    return rows


def _step(one: StepView, lang: str, t: Say) -> dict[str, Any]:
    decided = [seat for seat in one.seats if seat.state in ("rejected", "returned")]
    status = _STATUS[one.state]
    if one.state == "done" and decided:
        status = "rejected" if decided[-1].state == "rejected" else "returned"
    since = next(
        (seat.since for seat in one.seats if seat.since and seat.state in ("open", "consulting")), None
    )
    note = None
    if one.state == "open":
        note = t("inbox.depends")
    elif one.state == "to_come" and one.may_change:
        note = t("inbox.may_change")
    return {
        "status": status, "title": one.label.get(lang), "rule": _rule(one, t), "since": iso_utc(since) if since else None,
        "why": t("inbox.not_needed_step") if one.state == "passed" else " ".join(label.get(lang) for label in one.notes) or None,
        "median": _usual(one.usual_s, t) if one.state in ("now", "to_come") else None, "note": note,
        "people": [_seat(seat, one, lang, t) for seat in one.seats],
    }  # fmt: skip


def _rule(one: StepView, t: Say) -> str | None:
    count = len(one.seats)
    if count < 2 or one.mode not in ("any", "all", "in_order"):
        return None
    return t(f"inbox.mode_{one.mode}", n=count)


def _seat(seat: SeatView, step: StepView, lang: str, t: Say) -> dict[str, Any]:
    by_other = seat.by and seat.by != seat.user and seat.by_name
    name = seat.by_name.get(lang) if by_other and seat.by_name else seat.name.get(lang)
    reasons = [reason.get(lang) for reason in seat.reasons]
    return _person(str(seat.by) if by_other else seat.user, name) | {
        "status": _SEAT_STATUS.get(seat.state, "next"),
        "decision": t(f"inbox.task_{seat.state}") if seat.state in _SAID else None,
        "at": iso_utc(seat.decided_at) if seat.decided_at and seat.state != "closed" else None, "comment": seat.comment,
        "why": (t("kit.comma").join(reasons) if step.state != "done" or seat.state in ("skipped", "closed") else None) or None,
        "on_behalf_of": seat.name.get(lang) if by_other else None,
    }  # fmt: skip


def _person(id: str, name: str) -> dict[str, Any]:
    return {"name": name, "initials": render.initials(name), "tone": render.tone_of(id)}


def _usual(seconds: float | None, t: Say) -> str | None:
    if seconds is None:
        return None
    hours = seconds / 3600
    if hours < 1:
        return t("inbox.usual_minutes", n=max(1, round(seconds / 60)))
    return (
        t("inbox.usual_hours", n=round(hours)) if hours < 48 else t("inbox.usual_days", n=round(hours / 24))
    )


def events(ctx: Context, found: PathView) -> list[dict[str, Any]]:
    """Return what happened, newest first, as entries of a timeline."""
    lang, t = ctx.actor.language, speaker(ctx.actor.language)
    labels = {step.name: step.label.get(lang) for step in found.steps}
    rows = []
    for event in reversed(found.events):
        said = f"inbox.event_{event.kind}"
        note = event.note.get(lang) if isinstance(event.note, Label) else event.note
        step = labels.get(event.step or "")
        rows.append({
            "icon": _ICONS.get(event.kind, "point"), "tone": _TONES.get(event.kind, "grey"), "at": iso_utc(event.at),
            "title": f"{t(said) if knows(said) else event.kind.replace('_', ' ')}{f' · {step}' if step else ''}",
            "person": {"name": event.actor_name.get(lang)} if event.actor_name else None, "text": note,
        })  # fmt: skip
    return rows


def knows(key: str) -> bool:
    """Whether there is a text of this name."""
    from fairlead.web.texts import texts

    return key in texts()
