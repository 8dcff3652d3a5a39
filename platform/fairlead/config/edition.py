"""What the language knows and this edition does not do yet: one list, read by the check and by the reference pages.

Two ways of saying no. *Later*: the key is accepted, checked and kept, and the check says as a warning that nothing
acts on it yet. *Refused*: leaving the key aside would change who decides, who sees something, or what is taken from
whom, so a document with it is not published.

A pattern is a path as the reference shows it: `steps[].timeout`, `fields.NAME.options_when`; `=word` at its end means
that value alone. The empty pattern is the whole document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from fairlead.base.problems import KeyPath
from fairlead.config.document import Node

Link = Literal["rule", "role", "field", "duration", "calendar", "pool", "approval", "steps", "approvers"]


@dataclass(frozen=True, slots=True)
class Later:
    """A key that is kept. `link` says what its value is, so that a wrong one is found today."""

    pattern: str
    lacks: str
    """What does not happen yet, as the end of a sentence."""
    link: Link | None = None


LATER: Mapping[str, tuple[Later, ...]] = {
    "entity": (
        Later("duplicates[].similarity", "texts are compared for being equal"),
        Later("fields.NAME.options_when", "every option may be chosen", "rule"),
    ),
    "approval": (
        Later("copy", "nobody is told for information only", "approvers"),
        Later("urge", "the usual limits of urging hold"),
        Later("urge.cooldown", "", "duration"),
        Later("revocable", "what is approved cannot be revoked"),
        Later("revocable.roles", "", "role"),
        Later("on_revoked", "what is approved cannot be revoked", "steps"),
        Later("allow[]=add_approver", "no approver can be added while it runs"),
        Later("allow[]=remove_approver", "no approver can be taken out while it runs"),
        Later("allow[]=delegate", "nobody can be asked for an opinion"),
    ),
    "pool": (
        Later("entry.fallback", "what fits no pool stays where it is", "pool"),
        Later("claim.quota.reset_at", "periods begin at local midnight"),
        Later("claim.quota_overrides", "everybody has the same limit"),
        Later("claim.quota_overrides[].role", "", "role"),
        Later("claim.capacity.exclude", "every record that is still open counts", "rule"),
        Later("claim.lock_capacity", "records cannot be locked"),
        Later("claim.cooldown.previous_owner_return", "previous_owner holds for both", "duration"),
        Later("claim.cooldown.remember_owners", "whoever held it lately waits, however many they are"),
        Later("claim.cooldown.team", "only the former owner waits", "duration"),
        Later("claim.order=fifo", "people choose what they claim"),
        Later("claim.order=score", "people choose what they claim"),
        Later("assign.strategy=round_robin", "an administrator gives records out by hand"),
        Later("assign.strategy=weighted", "an administrator gives records out by hand"),
        Later("assign.strategy=least_loaded", "an administrator gives records out by hand"),
        Later("assign.strategy=skill", "an administrator gives records out by hand"),
        Later("assign.strategy=score", "an administrator gives records out by hand"),
        Later("assign.strategy=last_owner", "an administrator gives records out by hand"),
        Later("assign.over_capacity=ask", "giving out more than somebody may hold is refused"),
        Later("assign.over_capacity=allow", "giving out more than somebody may hold is refused"),
        Later("assign.skills", "an administrator chooses the person", "rule"),
        Later("assign.only_if", "an administrator chooses the person", "rule"),
        Later("assign.working_hours", "an administrator chooses the moment", "calendar"),
        Later("assign.accept_within", "nothing is passed on", "duration"),
        Later("assign.max_passes", "nothing is passed on"),
        Later("protection.extension_request", "more time cannot be asked for"),
        Later("protection.extension_request.approval", "", "approval"),
        Later("protection.extension_request.by", "", "duration"),
        Later("reclaim.remind.to[]=leader", "the owner alone is told"),
        Later("reclaim.remind.by[]=email", "people are told in their inbox"),
        Later("reclaim.remind.by[]=webhook", "people are told in their inbox"),
        Later("reclaim.run", "records are taken back every minute, on free days too"),
        Later("reclaim.target=same_pool", "the entry rules choose the pool"),
        Later("return.note_min", "a reason may be short"),
        Later("return.target=choose", "the entry rules choose the pool"),
        Later("return.rate_limit", "records may be given back as often as wanted"),
    ),
    "automation": (
        Later("on.webhook", "the automation never starts"),
        Later("missed=skip", "a missed moment is made up for once"),
        Later("missed=all", "a missed moment is made up for once"),
        Later("max_age", "a missed moment is made up for, however late", "duration"),
        Later("refire=true", "a date that comes back does not fire again"),
        Later("zone", "the workspace's time zone holds"),
        Later("bulk=batch", "each record of an import starts a run of its own"),
        Later("bulk=skip", "each record of an import starts a run of its own"),
        Later("once_per", "it starts as often as its trigger says"),
        Later("order=none", "runs for one record wait for each other"),
        Later("on_dead=block", "later runs go on"),
        Later("on_unknown", "what is not known is tried again"),
        Later("retry.base", "pauses begin at ten seconds", "duration"),
        Later("retry.cap", "pauses end at an hour", "duration"),
    ),
    "connector": (Later("source", "records come from files that people bring"),),
    "form": (
        Later("variants", "everybody sees the same sections"),
        Later("variants[].roles", "", "role"),
        Later("variants[].approval", "", "approval"),
    ),
    "list": (Later("bulk", "the list offers what the person may do"),),
    "message": (
        Later("email", "nothing is sent by mail"),
        Later("webhook", "nothing is sent to other systems"),
    ),
    "document": (Later("", "it cannot be printed"),),
    "public_form": (Later("", "it cannot be opened"),),
    "quota": (Later("", "no report shows what is reached"),),
}
"""By kind of document."""

NOTIFY_LATER: Mapping[str, str] = {
    "email": "nothing is sent by mail",
    "webhook": "nothing is sent to other systems",
}
"""Ways of sending that a `notify` step may name in any document."""

REFUSED: Mapping[str, Mapping[str, str]] = {
    "approval": {
        "steps[].parallel": "branches that run side by side",
        "steps[].exclusive": "branches of which one runs",
        "steps[].inclusive": "branches of which some run",
        "steps[].copy": "copies sent by a step; write `copy` beside `steps`",
        "steps[].do": "steps that are done by the engine",
        "steps[].always_ask": "steps that are asked again whatever was decided",
        "steps[].edits_reopen": "edits that open earlier steps again",
        "steps[].bulk": "steps that cannot be decided in bulk",
        "steps[].allow_abstain": "a choice whether somebody may abstain",
        "steps[].distinct_people": "four eyes across delegations",
        "steps[].recheck_role": "asking again whether somebody still has the role",
        "steps[].weight": "votes of different weight",
        "steps[].more_than": "a quorum of more than a share",
        "steps[].timeout.then[].transfer": "handing a step over when time is up",
        "steps[].timeout.then[].return": "sending back when time is up",
        "steps[].timeout.then[].reject": "rejecting when time is up",
        "steps[].timeout.then[].approve": "approving when time is up",
        "steps[].by.chosen_by": "approvers chosen by somebody",
        "steps[].by.expression": "approvers worked out by a rule",
        "steps[].by[].chosen_by": "approvers chosen by somebody",
        "steps[].by[].expression": "approvers worked out by a rule",
        "allow_unattended": "approval without anybody who decides",
        "concurrent": "several flows at once over the same fields",
        "mode": "flows over a change or a record that does not exist yet",
        "resolve": "people that are fixed when it is submitted",
        "resume": "going straight back to who returned it",
        "return_to": "a choice of where it may be returned to",
        "return_across_split": "branches",
        "deadline": "a time limit for the whole flow",
        "returned_expires": "a time limit for what was returned",
        "on_expired": "a time limit for the whole flow",
        "on_change": "a choice what a change of a decisive field does",
        "on_owner_change": "a choice what a change of owner does",
        "max_rounds": "a limit of rounds of its own",
        "confirm_amount": "a login above an amount",
        "distinct_people": "four eyes across delegations",
        "self=to_team_head": "the starter's team head instead of the manager",
        "nobody=to": "somebody else where nobody is found",
    },
    "pool": {
        "enabled": "switching a pool off",
        "members.users": "members by name",
        "members.exclude_users": "members by name",
        "members.include_children": "members of the teams below",
        "admins.users": "administrators by name",
        "entry.allow_direct_create": "keeping new records out",
        "entry.allow_import": "keeping imports out",
        "visibility.mask": "masks before a record is claimed",
        "visibility.max_views_per_day": "a limit of records looked at",
        "visibility.show_previous_owner": "a choice who sees the former owner",
        "visibility.export": "a choice who takes the pool out as a file",
        "claim.enabled": "switching claims off",
        "claim.approval": "claims that are approved first",
        "assign.who": "a choice who gives records out",
        "protection.pause_while": "protection that stands still",
        "reclaim.enabled": "switching taking back off",
        "reclaim.combine": "rules that must all hold; write one rule with &&",
        "reclaim.per_level": "days that differ by level; write one rule for each level",
        "return.who": "a choice who gives records back",
        "return.approval": "giving back with an approval",
        "also_visible_to": "views of a pool for others",
    },
    "automation": {
        "run_as": "automations in the name of a third",
        "reentrant": "rules that may start themselves",
        "through_lock": "writing to a record that an approval holds",
    },
    "report": {
        "type=pivot": "reports across rows and columns",
        "type=forecast": "forecasts",
        "type=conversion": "conversion between stages",
        "type=cohort": "cohorts",
    },
}
"""By kind of document: what a document may not say, and what it would mean."""


def matching(root: Node, pattern: str) -> Iterator[Node]:
    """Yield the values in a document that a pattern means."""
    path, _, value = pattern.partition("=")
    found = [root]
    for part in path.split(".") if path else ():
        key, listed = part.removesuffix("[]"), part.endswith("[]")
        following: list[Node] = []
        for node in found:
            inner = [one for _, one in node.entries()] if key == "NAME" else [node.get(key)]
            for one in inner:
                if one is not None:
                    following += one.items() if listed else [one]
        found = following
    for node in found:
        if not value or str(node.value).lower() == value:
            yield node


def refusal(kind: str, path: KeyPath, value: object, *, slip: bool = False) -> str | None:
    """Return why a key or value that no schema knows is not taken, if the language knows it.

    Args:
        slip: The value is near one that is possible, so only a value that is listed word for word is meant.
    """
    shown = "".join("[]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")
    words = REFUSED.get(kind, {})
    found = words.get(f"{shown}={value}") or (None if slip else words.get(shown))
    if found is None and isinstance(value, dict):
        found = next((words[f"{shown}={key}"] for key in value if f"{shown}={key}" in words), None)
    return None if found is None else f"this edition does not have {found}"
