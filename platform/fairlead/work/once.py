"""A request with an `Idempotency-Key` is done once: its first answer is kept and given again."""

from __future__ import annotations

from fairlead.store import idempotency
from fairlead.store.idempotency import Answer
from fairlead.work.context import Context


def begin(ctx: Context, key: str, fingerprint: str) -> Answer | None:
    """Take a key, or return the answer it already has.

    Raises:
        Invalid: The key was used for another request.
        Conflict: The first request with it is still under way.
    """
    return idempotency.begin(ctx.database, ctx.actor.id, key, fingerprint, ctx.stamp)


def finish(ctx: Context, key: str, answer: Answer) -> None:
    """Keep the answer."""
    with ctx.database.write() as tx:
        idempotency.finish(tx, ctx.actor.id, key, answer)


def forget(ctx: Context, key: str) -> None:
    """Give the key back: the request was refused and left nothing behind."""
    idempotency.forget(ctx.database, ctx.actor.id, key)


__all__ = ["Answer", "begin", "finish", "forget"]
