"""Is the database what the published configuration says, and do the things kept beside the records agree with them?

Each check is a function from a context to findings; one that can be mended says so, and `mend` does it. Nothing here
touches a value that a person wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from fairlead.work.context import Context
from fairlead.work.doctor import background, beside, sampling, staff, stages, tables
from fairlead.work.doctor.beside import differing
from fairlead.work.doctor.finding import Finding

__all__ = ["SAMPLE", "Finding", "adopt", "differing", "examine", "mend", "repair"]

SAMPLE = 200

CHECKS: tuple[Callable[[Context], Iterator[Finding]], ...] = (
    tables.damage, beside.totals_differ, beside.search_terms, stages.stays, stages.references, background.due_work,
    background.approval_runs, staff.people_and_roles,
)  # fmt: skip

_REPAIRS: Mapping[str, Callable[[Context, frozenset[str]], None]] = {
    "engine-table": tables.mend_engine,
    "structure": tables.mend_structure,
    "totals": beside.mend_totals,
    "search-missing": beside.mend_missing_terms,
    "search-loose": beside.mend_loose_terms,
    "search-stale": sampling.mend_stale_terms,
    "lock-loose": background.mend_locks,
}


def examine(ctx: Context, *, sample: int = SAMPLE) -> list[Finding]:
    """Return everything that is wrong or worth knowing.

    Args:
        ctx: The engine's own; the application in force.
        sample: How many of the newest records of each entity are worked out anew.
    """
    found = list(tables.structure(ctx))
    if any(one.level == "error" for one in found):
        # The other checks read these tables; half of them would only fail in other words.
        return found
    for check in CHECKS:
        found += check(ctx)
    for entity in ctx.app.entities.values():
        found += sampling.newest(ctx, entity, sample)
    return found


def mend(ctx: Context, found: Sequence[Finding]) -> list[Finding]:
    """Put right what follows from other things; return the findings with those marked.

    Each kind of repair is one transaction, so that a failure leaves the rest done.
    """
    done: set[str] = set()
    for code, put_right in _REPAIRS.items():
        if any(one.code == code and one.mend for one in found):
            put_right(ctx, frozenset(one.about for one in found if one.code == code))
            done.add(code)
    return [replace(one, mended=True) if one.mend and one.code in done else one for one in found]


def repair(ctx: Context, found: Sequence[Finding], *, author: str) -> list[Finding]:
    """Make the tables what the configuration says, then mend the rest; what does not belong is kept aside (CF-52)."""
    done = tables.repair(ctx, found, author=author)
    return mend(ctx, [replace(one, mended=True) if one.code in done else one for one in found])


def adopt(ctx: Context, found: Sequence[Finding]) -> list[Finding]:
    """Leave what does not belong where it is, as known; return the findings with those marked (CF-52)."""
    done = tables.adopt(ctx, found)
    return [replace(one, mended=True) if one.code in done else one for one in found]
