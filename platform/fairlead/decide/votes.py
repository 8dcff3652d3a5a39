"""When a step of an approval is decided: counting weights, in whole numbers only.

Early ending is sound. For a share of at most one, a later abstention can neither rescue an unreachable
quorum nor break a reached one, because it lowers the right side at most as much as the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["any", "all", "in_order", "quorum"]
OnReject = Literal["ends", "all_must_reject", "collect"]
Outcome = Literal["undecided", "approved", "rejected", "no_decision"]

Share = tuple[int, int]
"""Numerator and denominator."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Weights of one activation of one step; skipped seats that count are among `approved`."""

    approved: int = 0
    rejected: int = 0
    abstained: int = 0
    undecided: int = 0

    @property
    def total(self) -> int:
        """The weight of all seats."""
        return self.approved + self.rejected + self.abstained + self.undecided


def decide(
    mode: Mode,
    on_reject: OnReject,
    tally: Tally,
    *,
    at_least: Share | None = None,
    at_least_count: int | None = None,
    more_than: Share | None = None,
) -> Outcome:
    """Say whether the step is decided, and how.

    Args:
        mode: How many seats have to agree.
        on_reject: What a rejection means in the modes `any` and `all`; the others have one meaning.
        tally: The votes so far.
        at_least: For a quorum: this share of those who did not abstain.
        at_least_count: For a quorum: this weight.
        more_than: For a quorum: strictly more than this share of those who did not abstain.

    Returns:
        `no_decision` when everybody has answered and nobody took a side.

    Raises:
        ValueError: A quorum without a number.
    """
    yes, no, still = tally.approved, tally.rejected, tally.undecided
    if still == 0 and yes == 0 and no == 0:
        return "no_decision"
    if mode == "quorum":
        return _quorum(yes, still, yes + no + still, at_least, at_least_count, more_than)
    if mode == "any":
        approved = yes > 0
        rejected = no > 0 if on_reject == "ends" else (still == 0 and no > 0)
    else:
        approved = still == 0 and no == 0
        rejected = no > 0 if mode == "in_order" or on_reject != "collect" else (still == 0 and no > 0)
    return "approved" if approved else "rejected" if rejected else "undecided"


def _quorum(
    yes: int,
    still: int,
    taking_sides: int,
    at_least: Share | None,
    count: int | None,
    more_than: Share | None,
) -> Outcome:
    if count is not None:
        reached, reachable = yes >= count, yes + still >= count
    elif at_least is not None:
        part, whole = at_least
        reached = yes * whole >= part * taking_sides and yes > 0
        reachable = (yes + still) * whole >= part * taking_sides
    elif more_than is not None:
        part, whole = more_than
        reached = yes * whole > part * taking_sides
        reachable = (yes + still) * whole > part * taking_sides
    else:
        raise ValueError("a quorum needs a number or a share")
    return "approved" if reached else "undecided" if reachable else "rejected"
