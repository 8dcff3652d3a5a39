"""Everything around a record in the order of time: what people did and said, what changed, what was approved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairlead.compiled.application import CompiledEntity
from fairlead.store import approvals, history
from fairlead.work.context import Context
from fairlead.work.opened import Opened, open_record
from fairlead.work.pointing import activities, timeline_entities
from fairlead.work.reading import Json, json_of
from fairlead.work.records import roles_of

PAGE = 20


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of entries, the latest first. `next` is given back to read on."""

    entries: list[Json]
    next: str | None


def timeline(ctx: Context, name: str, id: str) -> list[Json]:
    """Return the latest entries of a record's timeline as JSON.

    Raises:
        NotFound: The record is not there, or not this actor's to see.
    """
    return timeline_of(ctx, open_record(ctx, name, id), limit=100).entries


def timeline_of(ctx: Context, opened: Opened, *, after: str | None = None, limit: int = PAGE) -> Timeline:
    """Return one page of the timeline of a record that the actor has opened.

    Each entry has `id`, `at`, `kind` (`activity`, `approval`, or what happened to the record: `create`, `update`,
    `move`, ...) and `actor`; an activity has its `entity` and `item`, a change its `changes`, a move its `reason`.
    """
    before_at, before_event = _mark(after)
    about = (opened.entity.name, opened.id)
    found: list[Json] = []
    for entity in timeline_entities(ctx, opened.entity.name):
        rows = activities(ctx, entity, about, before=before_at, limit=limit + 1)
        found += [_activity(entity, item) for item in rows]
    events = history.of_record(ctx.database, opened.id, before=before_event, limit=limit + 1)
    found += [_event(ctx, opened, event) for event in events]
    if (
        opened.entity.approvals
        and after is None
        and opened.record.get("approval_state") not in (None, "none")
    ):
        found += [
            entry for run in approvals.of_record(ctx.database, *about, limit=10) for entry in _approval(run)
        ]
    found.sort(key=lambda entry: (entry["at"], entry["id"]), reverse=True)
    page, more = found[:limit], len(found) > limit
    if not more:
        return Timeline(page, None)
    last_event = next((e["id"] for e in reversed(page) if e["source"] == "event"), before_event or "")
    return Timeline(page, f"{page[-1]['at']}|{last_event}")


def _mark(after: str | None) -> tuple[str | None, str | None]:
    if not after or len(after) > 80:
        return None, None
    at, _, event = after.partition("|")
    return at or None, event or None


def _activity(entity: CompiledEntity, item: Json) -> Json:
    timeline = entity.entity.timeline
    assert timeline is not None
    return {
        "id": item["id"], "at": item.get(timeline.at) or item["created_at"], "kind": "activity", "source": "activity",
        "actor": item.get("owner") or item.get("created_by"), "entity": entity.name, "item": item,
    }  # fmt: skip


def _event(ctx: Context, opened: Opened, event: history.Event) -> Json:
    access = ctx.app.access(opened.entity.name, roles_of(ctx))
    withheld = {*opened.item.get("_hidden", ()), *opened.item.get("_masked", ())}
    changes: list[dict[str, Any]] = []
    for name, (old, new) in event.changes.items():
        spec = opened.entity.entity.fields.get(name)
        if spec is None:
            continue
        if name in withheld or name not in access.readable:
            changes.append({"field": name, "hidden": True})
        else:
            changes.append({"field": name, "old": json_of(spec, old), "new": json_of(spec, new)})
    return {
        "id": event.id, "at": event.at, "kind": event.kind, "source": "event", "actor": event.actor, "door": event.door,
        "version": event.version, "reason": event.reason, "changes": changes,
    }  # fmt: skip


def _approval(run: Any) -> list[Json]:
    from fairlead.base.clock import iso_utc

    started = {
        "id": f"{run.id}-1", "at": iso_utc(run.started_at), "kind": "approval", "source": "approval",
        "actor": run.starter, "state": "submitted", "flow": run.flow, "approval": run.id,
    }  # fmt: skip
    if run.ended_at is None:
        return [started]
    ended = {**started, "id": f"{run.id}-2", "at": iso_utc(run.ended_at), "actor": None, "state": run.state}
    return [started, ended]
