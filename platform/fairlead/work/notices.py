"""What the engine and colleagues have told somebody, and what of it has been read."""

from __future__ import annotations

from collections.abc import Sequence

from fairlead.base.errors import NotFound
from fairlead.base.ids import is_id
from fairlead.store import notifications
from fairlead.store.notifications import Notification
from fairlead.work.context import Context

PAGE = 40


def listing(
    ctx: Context, *, unread_only: bool = False, before: str | None = None
) -> tuple[list[Notification], str | None]:
    """Return one page of the actor's notices, newest first, and the mark of the next page."""
    found = notifications.listing(
        ctx.database, ctx.actor.id, unread_only=unread_only, before=before, limit=PAGE + 1
    )
    return found[:PAGE], found[PAGE - 1].id if len(found) > PAGE else None


def one(ctx: Context, id: str) -> Notification:
    """Return one of the actor's notices.

    Raises:
        NotFound: There is none.
    """
    # The page that begins just after this id begins with it, if it is there.
    found = notifications.listing(ctx.database, ctx.actor.id, before=f"{id}~", limit=1) if is_id(id) else []
    if not found or found[0].id != id:
        raise NotFound("notice", id)
    return found[0]


def unread(ctx: Context) -> int:
    """Return how many notices the actor has not read, counted up to a hundred."""
    return notifications.unread_count(ctx.database, ctx.actor.id)


def mark_read(ctx: Context, ids: Sequence[str] | None = None) -> int:
    """Mark some of the actor's notices as read, or all; return how many were not."""
    with ctx.database.write() as tx:
        return notifications.mark_read(tx, ctx.actor.id, ctx.stamp, ids)
