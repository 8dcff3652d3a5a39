"""One question, one answer: what would happen today if this configuration were published (CF-80)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from fairlead.base.clock import iso_utc
from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.application import Application
from fairlead.config.load import Loaded, load
from fairlead.config.source import SourceTree
from fairlead.store import people, revisions
from fairlead.store.database import Database
from fairlead.store.people import Account
from fairlead.store.snapshot import OutOfTime, Snapshot, snapshot
from fairlead.work import planning
from fairlead.work.context import Actor
from fairlead.work.simulate import approvals, automations, pools, rights
from fairlead.work.simulate.answer import Answer, Limits
from fairlead.work.simulate.sides import Sides, both_sides, empty_note

What = Literal["pool", "approval", "automation", "role", "user"]
WHATS: tuple[What, ...] = ("pool", "approval", "automation", "role", "user")

SINCE = timedelta(days=90)
"""How far an approval or an automation is looked back at, where nobody says."""

LAST = 200
"""How many approvals are looked at, where nobody says."""

MOST_RECORDS = 100_000
MOST_SECONDS = 120.0

_COLUMNS = {
    "pool": pools.COLUMNS, "approval": approvals.COLUMNS, "automation": automations.COLUMNS,
    "role": rights.COLUMNS, "user": rights.COLUMNS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        name: Of the pool, flow, automation or role; the user name of a person.
        since: How far back; `last` approvals at most.
    """

    what: What
    name: str
    since: timedelta | None = None
    last: int | None = None
    limits: Limits = field(default_factory=Limits)
    lang: str = "en"


def simulate(
    database: Database,
    published: Application,
    tree: SourceTree,
    question: Question,
    viewer: Actor,
    now: datetime,
) -> Answer:
    """Answer on a snapshot of the records; nothing is written, and no more is shown than `viewer` may see.

    Raises:
        Broken: The documents have errors.
        Invalid: There is nothing of that name, or a limit is out of range.
    """
    _check(question)
    after = load(tree)
    if after.workspace is None:
        raise planning.Broken(after.problems)
    before = load(SourceTree.from_mapping(revisions.files(database, published.revision)))
    answer = Answer(
        f"{question.what} {question.name}",
        published.revision,
        iso_utc(now),
        _COLUMNS[question.what],
        question.limits,
    )
    with snapshot(database, seconds=question.limits.seconds) as moment:
        try:
            _answer(moment, published, before, after, question, viewer, now, answer)
        except OutOfTime:
            answer.stopped = "time"
    return answer


def _answer(
    moment: Snapshot, published: Application, before: Loaded, after: Loaded, question: Question, viewer: Actor,
    now: datetime, answer: Answer,
) -> None:  # fmt: skip
    sides = both_sides(moment, published, before, after, viewer, now)
    _known(sides, question)
    note = empty_note(sides)
    if note is not None:
        answer.notes.append(note)
    since = now - (question.since or SINCE)
    match question.what:
        case "pool":
            pools.simulate_pool(sides, answer, question.name, question.lang)
        case "approval":
            last = question.last or (LAST if question.since is None else None)
            approvals.simulate_approval(sides, answer, question.name, question.lang, since=since, last=last)
        case "automation":
            automations.simulate_automation(sides, answer, question.name, question.lang, since=since)
        case "role" | "user":
            accounts = _accounts(sides, question)
            rights.simulate_rights(sides, answer, accounts, question.lang)


def _accounts(sides: Sides, question: Question) -> list[Account]:
    if question.what == "role":
        return rights.of_role(sides, question.name)
    account = people.account_by_username(sides.snapshot, question.name)
    return [] if account is None else [account]


# ---------------------------------------------------------------- what can be asked


def _check(question: Question) -> None:
    limits = question.limits
    if not 1 <= limits.records <= MOST_RECORDS:
        raise _bad("limit", f"1 to {MOST_RECORDS:,}.", f"1 至 {MOST_RECORDS:,}。")
    if not 0 < limits.seconds <= MOST_SECONDS:
        raise _bad("seconds", f"More than 0, at most {MOST_SECONDS:g}.", f"大于 0，不超过 {MOST_SECONDS:g}。")
    if question.last is not None and not 1 <= question.last <= MOST_RECORDS:
        raise _bad("last", f"1 to {MOST_RECORDS:,}.", f"1 至 {MOST_RECORDS:,}。")
    if question.since is not None and question.since <= timedelta(0):
        raise _bad("since", "A length of time, such as 90 days.", "应为时长，例如 90 天。")


def _bad(field: str, en: str, zh: str) -> Invalid:
    return Invalid([FieldError(field, "out_of_range", Label({"en": en, "zh": zh}))])


def _known(sides: Sides, question: Question) -> None:
    """Make sure that what is asked about is there, on one side at least.

    Raises:
        Invalid: `unknown_name`, with the name that was perhaps meant.
    """
    name = question.name
    if question.what == "user":
        known = [one.username for one in people.accounts(sides.snapshot)]
    else:
        group = {"pool": "pools", "approval": "approvals", "automation": "automations", "role": "roles"}[
            question.what
        ]
        one, two = getattr(sides.then.app.workspace, group), getattr(sides.now.app.workspace, group)
        known = [*one, *(gone for gone in two if gone not in one)]
    if name in known:
        return
    hint = did_you_mean(name, known)
    en = f"There is no {question.what} {name!r}." + (f" Did you mean {hint!r}?" if hint else "")
    zh = f"没有名为“{name}”的对象。" + (f"是否指“{hint}”？" if hint else "")
    raise Invalid([FieldError("name", "unknown_name", Label({"en": en, "zh": zh}))])
