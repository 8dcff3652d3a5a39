"""A small organisation, a flow in a line, and a run that acts can be tried on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from fairlead.base.clock import parse_utc
from fairlead.base.problems import Span
from fairlead.base.texts import Label
from fairlead.compiled.runs import Run, RunEvent
from fairlead.decide import approval
from fairlead.decide.approvers import Person, Team
from fairlead.decide.progress import ChangeTask, Decision, Facts, OpenTask, Subject
from fairlead.expr.evaluate import Env
from fairlead.model.workflows import Approval, ApprovalStep, Approver

SPAN = Span("workflows/flow.yaml", 1, 1)
NOON = parse_utc("2026-03-02T04:00:00Z")


@dataclass
class Company:
    """Rui and Sana sell for Mei; Lin heads the house; Fay and Fox count the money; Ada administers."""

    people: dict = field(default_factory=dict)
    teams: dict = field(default_factory=dict)
    roles: dict = field(default_factory=dict)

    def person(self, user_id):
        return self.people.get(user_id)

    def named(self, username):
        return self.people.get(username)

    def team(self, team_id):
        return self.teams.get(team_id)

    def with_role(self, role, team_id=None):
        found = [self.people[key] for key in self.roles.get(role, ())]
        return [p for p in found if p.active and (team_id is None or p.team_id == team_id)]

    def admins(self):
        return self.with_role("admin")

    def leaves(self, key, **more):
        self.people[key] = replace(self.people[key], active=False, **more)


def company():
    made = Company()
    made.teams = {
        "house": Team("house", "House", None, "lin"),
        "sales": Team("sales", "Sales", "house", "mei"),
        "money": Team("money", "Finance", "house", "fay"),
    }
    for key, team in {"lin": "house", "mei": "sales", "rui": "sales", "sana": "sales", "fay": "money", "fox": "money",
                      "fen": "money", "ada": None, "otto": None}.items():  # fmt: skip
        made.people[key] = Person(key, key.title(), True, None, team)
    made.roles = {"finance": ["fay", "fox", "fen"], "admin": ["ada"], "seller": ["rui", "sana"]}
    return made


@dataclass(frozen=True)
class When:
    """Stands for a condition: a function of the values; None where a field is empty."""

    rule: object
    reads: tuple = ()
    text: str = "rule"

    @property
    def uses(self):
        return frozenset((name,) for name in self.reads)

    def evaluate(self, values, env):
        return None if any(values.get(name) is None for name in self.reads) else self.rule(values)

    def empty_reads(self, values, env):
        return [name for name in self.reads if values.get(name) is None]


def by(source, value=None, level=1):
    return Approver(source, value, level)


def step(name, *sources, mode="any", on_reject="ends", when=None, **more):
    plain = {
        "at_least": None, "at_least_count": None, "editable": (), "timeout": None, "reason_required": True, **more,
    }  # fmt: skip
    return ApprovalStep(name, SPAN, Label.of(name), when, tuple(sources), mode, on_reject, **plain)


def flow(*steps, **more):
    plain = {
        "when": None, "decisive": ("amount", "discount"), "lock": "all", "self_rule": "to_manager",
        "allow": frozenset({"transfer", "return", "withdraw", "urge"}), "duplicates": "none", "nobody": "suspend",
        "withdraw": "until_first_decision", "summary": (), "on_submitted": (), "on_approved": (), "on_rejected": (),
        "on_withdrawn": (), "on_returned": (), "not_needed": (), **more,
    }  # fmt: skip
    return Approval(
        name="discount",
        span=SPAN,
        label=Label({"en": "Discount", "zh": "折扣"}),
        entity="quote",
        steps=tuple(steps),
        **plain,
    )


class Stage:
    """A run under way. Acts are applied to it; refusals come back as they are."""

    def __init__(self, flow, *, starter="rui", values=None, org=None):
        self.flow = flow
        self.starter = starter
        self.values = {"amount": 100, "discount": 20, "owner": starter, **(values or {})}
        self.org = org or company()
        self.now: datetime = NOON
        self.run: Run | None = None
        self.events: list[RunEvent] = []
        self.last: Decision | None = None
        self.keys = count(1)
        self.urged: dict = {}
        self.version = 7

    def facts(self, actor, **more):
        subject = Subject("quote", "q1", self.version, "Quote 1", self.values, Env.at(self.now))
        return Facts(
            self.flow, subject, self.org, self.now, actor, new_key=lambda: f"k{next(self.keys):03}", urged=self.urged,
            **more,
        )  # fmt: skip

    def apply(self, result):
        if isinstance(result, Decision):
            self.run = result.run
            self.last = result
            self.events += result.of(RunEvent)
            for event in result.of(RunEvent):
                if event.kind == "urged":
                    self.urged.setdefault(event.task_id, []).append(event.at)
            assert replay_tasks(result) <= {task.id for task in result.run.tasks}
        return result

    def submit(self, **more):
        return self.apply(
            approval.submit(
                self.facts(self.starter, **more), live=self.run if self.run and self.run.is_live else None,
                previous=None, revision=1, comment=None,
            )
        )  # fmt: skip

    def task_of(self, who, step=None):
        found = [t for t in self.run.tasks if t.holder == who and (step is None or t.step == step)]
        return found[-1]

    def approves(self, who, *, version=None, task=None, edits=None, comment=None, **more):
        task = task or self.task_of(who)
        return self.apply(
            approval.vote(
                self.facts(who, **more), self.run, task.id, task.version if version is None else version, "approved",
                comment=comment, edits=edits,
            )
        )  # fmt: skip

    def rejects(self, who, *, comment="no", version=None, task=None):
        task = task or self.task_of(who)
        return self.apply(
            approval.vote(
                self.facts(who),
                self.run,
                task.id,
                task.version if version is None else version,
                "rejected",
                comment=comment,
            )
        )

    def returns(self, who, comment="please change"):
        task = self.task_of(who)
        return self.apply(
            approval.return_to_starter(self.facts(who), self.run, task.id, task.version, comment=comment)
        )

    def transfers(self, who, to, task=None):
        task = task or self.task_of(who)
        return self.apply(
            approval.transfer(self.facts(who), self.run, task.id, task.version, to, comment=None)
        )

    def withdraws(self, who=None):
        return self.apply(approval.withdraw(self.facts(who or self.starter), self.run))

    def urges(self):
        return self.apply(approval.urge(self.facts(self.starter), self.run))

    def later(self, **span):
        self.now += timedelta(**span)

    def holders(self, state="open"):
        return [task.holder for task in self.run.tasks if task.state == state]

    def states(self, step):
        return {task.holder: task.state for task in self.run.seats(step)}


def replay_tasks(decision):
    """The keys of all tasks that a decision touches."""
    return {c.task.id for c in decision.of(OpenTask)} | {c.after.id for c in decision.of(ChangeTask)}
