"""Whether a failed job is tried again, and when. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from fairlead.base.errors import Conflict, Failure, Locked, OutletError, TooMany
from fairlead.store.database import Duplicate, Unavailable

BASE_S = 10.0
CAP_S = 3600.0

AT_ONCE = 5
"""How often a job is begun again straight away when somebody else was writing the same rows."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try once more after `delay`."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Leave it to a person."""


def is_collision(error: BaseException) -> bool:
    """Whether another transaction was in the way: beginning again at once is likely to help."""
    return isinstance(error, (Unavailable, Conflict, Duplicate))


def is_permanent(error: BaseException) -> bool:
    """Whether trying again cannot help: rules, values and rights do not change by waiting."""
    if isinstance(error, OutletError):
        return error.permanent
    return isinstance(error, Failure) and not isinstance(error, (Conflict, Locked, TooMany))


def verdict(
    error: BaseException, attempts: int, max_attempts: int, *, chance: float | None = None
) -> Again | GiveUp:
    """Decide what becomes of a job after its `attempts`-th attempt failed.

    Args:
        error: What went wrong.
        attempts: How often it was tried, this time included.
        max_attempts: How often it may be tried.
        chance: Between 0 and 1, for tests; otherwise random, so that jobs that failed together do not come back
            together.
    """
    if is_permanent(error) or attempts >= max_attempts:
        return GiveUp()
    ceiling = min(CAP_S, BASE_S * 2.0 ** min(attempts - 1, 30))
    delay = ceiling * (random.random() if chance is None else chance)  # noqa: S311 - not a secret
    wanted = error.retry_after_s if isinstance(error, (OutletError, TooMany)) else None
    return Again(timedelta(seconds=max(delay, wanted or 0.0)))
