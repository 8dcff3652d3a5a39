"""The table of AP-18, line by line, and every vote in every order."""

from __future__ import annotations

from itertools import permutations, product

import pytest
from fairlead.decide.votes import Tally, decide

# approved, rejected, abstained, undecided
TABLE = [
    # all: one rejection ends it
    ("all", "ends", {}, (2, 0, 0, 1), "undecided"),
    ("all", "ends", {}, (3, 0, 0, 0), "approved"),
    ("all", "ends", {}, (2, 0, 1, 0), "approved"),
    ("all", "ends", {}, (1, 1, 0, 1), "rejected"),
    ("all", "collect", {}, (1, 1, 0, 1), "undecided"),
    ("all", "collect", {}, (2, 1, 0, 0), "rejected"),
    ("all", "collect", {}, (3, 0, 0, 0), "approved"),
    # any: the first, or only when nobody approves
    ("any", "ends", {}, (1, 0, 0, 2), "approved"),
    ("any", "ends", {}, (0, 1, 0, 2), "rejected"),
    ("any", "ends", {}, (0, 0, 2, 1), "undecided"),
    ("any", "all_must_reject", {}, (0, 1, 0, 1), "undecided"),
    ("any", "all_must_reject", {}, (1, 1, 0, 1), "approved"),
    ("any", "all_must_reject", {}, (0, 2, 1, 0), "rejected"),
    # in order
    ("in_order", "ends", {}, (1, 0, 0, 1), "undecided"),
    ("in_order", "ends", {}, (2, 0, 0, 0), "approved"),
    ("in_order", "collect", {}, (1, 1, 0, 1), "rejected"),
    # quorum by number
    ("quorum", "ends", {"at_least_count": 2}, (2, 0, 0, 3), "approved"),
    ("quorum", "ends", {"at_least_count": 2}, (1, 2, 0, 1), "undecided"),
    ("quorum", "ends", {"at_least_count": 2}, (1, 3, 0, 0), "rejected"),
    ("quorum", "ends", {"at_least_count": 4}, (1, 1, 0, 2), "rejected"),
    # quorum by share; scenario 3: weights 2, 1, 1
    ("quorum", "ends", {"at_least": (2, 3)}, (2, 0, 1, 1), "approved"),
    ("quorum", "ends", {"at_least": (2, 3)}, (2, 0, 0, 2), "undecided"),
    ("quorum", "ends", {"at_least": (2, 3)}, (1, 2, 0, 1), "rejected"),
    ("quorum", "ends", {"more_than": (1, 2)}, (2, 2, 0, 0), "rejected"),
    ("quorum", "ends", {"more_than": (1, 2)}, (3, 2, 0, 0), "approved"),
    ("quorum", "ends", {"more_than": (1, 2)}, (2, 1, 0, 1), "undecided"),
    # nobody took a side
    ("all", "ends", {}, (0, 0, 3, 0), "no_decision"),
    ("any", "all_must_reject", {}, (0, 0, 2, 0), "no_decision"),
    ("quorum", "ends", {"at_least_count": 1}, (0, 0, 2, 0), "no_decision"),
    ("quorum", "ends", {"more_than": (1, 2)}, (0, 0, 0, 0), "no_decision"),
]


@pytest.mark.parametrize(("mode", "on_reject", "quorum", "votes", "outcome"), TABLE)
def test_the_table(mode, on_reject, quorum, votes, outcome):
    assert decide(mode, on_reject, Tally(*votes), **quorum) == outcome


RULES = [
    ("all", "collect", {}),
    ("any", "all_must_reject", {}),
    *(("quorum", "ends", {"at_least": share}) for share in ((1, 3), (1, 2), (2, 3), (3, 4), (1, 1))),
    ("quorum", "ends", {"more_than": (1, 2)}),
    *(("quorum", "ends", {"at_least_count": count}) for count in (1, 2, 3)),
]


def _play(rule, seats):
    """Let the seats vote one after the other; return the outcome and how often it was final."""
    mode, on_reject, quorum = rule
    counts = {"A": 0, "R": 0, "B": 0}
    still = sum(weight for _, weight in seats)
    outcomes = []
    for vote, weight in seats:
        counts[vote] += weight
        still -= weight
        outcome = decide(mode, on_reject, Tally(counts["A"], counts["R"], counts["B"], still), **quorum)
        outcomes.append(outcome)
    ended = next((i for i, outcome in enumerate(outcomes) if outcome != "undecided"), None)
    assert ended is not None, "everybody has voted, so it must have ended"
    return outcomes[ended], outcomes[ended:]


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_order_of_votes_does_not_matter(rule):
    """Every vote vector of up to four seats with weights 1 and 2, in every order; ended is ended."""
    for count in range(1, 5):
        for seats in product(product("ARB", (1, 2)), repeat=count):
            if list(seats) != sorted(seats):
                continue
            found = set()
            for order in set(permutations(seats)):
                outcome, after = _play(rule, order)
                # No later vote turns approved into rejected or back.
                assert set(after) <= {outcome, "no_decision"}
                found.add(outcome)
            if "at_least_count" in rule[2] and all(vote == "B" for vote, _ in seats):
                # Nobody took a side: a number can be out of reach before the last one abstains.
                assert found <= {"rejected", "no_decision"}
            else:
                assert len(found) == 1, seats


@pytest.mark.parametrize("share", [(1, 3), (1, 2), (2, 3), (3, 4), (1, 1)])
def test_five_seats_in_every_order(share):
    """The size at which early ending was first proved by hand."""
    rule = ("quorum", "ends", {"at_least": share})
    for votes in product("ARB", repeat=5):
        if list(votes) != sorted(votes):
            continue
        for weights in ((1, 1, 1, 1, 1), (2, 1, 1, 1, 1), (2, 2, 1, 1, 1)):
            seats = tuple(zip(votes, weights, strict=True))
            assert len({_play(rule, order)[0] for order in set(permutations(seats))}) == 1


def test_a_quorum_needs_a_number():
    with pytest.raises(ValueError):
        decide("quorum", "ends", Tally(1, 0, 0, 0))
