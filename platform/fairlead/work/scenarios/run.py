"""Run the tests of a workspace and say what came of each (CF-81)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.base.errors import Failure
from fairlead.base.problems import Problem, Span
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.application import Application, compile_workspace
from fairlead.model.tests import Refused, Round, Scenario
from fairlead.model.workspace import Workspace
from fairlead.store import migrate, revisions
from fairlead.store.memory import MemoryDatabase
from fairlead.work.scenarios.acts import perform
from fairlead.work.scenarios.looks import Finding, described, look
from fairlead.work.scenarios.stage import MakeBackground, NotFurnished, Stage, Stages


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test. Passed when nothing was found."""

    name: str
    label: Label
    span: Span
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.findings

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "name": self.name, "label": self.label.to_json(), "file": self.span.file, "passed": self.passed,
            "seconds": round(self.seconds, 3), "findings": [one.to_json() for one in self.findings],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Results:
    """What came of all tests, in the order of their files."""

    outcomes: tuple[Outcome, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all of them passed."""
        return all(one.passed for one in self.outcomes)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that did not."""
        return tuple(one for one in self.outcomes if not one.passed)

    def render(self) -> str:
        """Return the results as a person reads them: every finding with its place, then the count."""
        lines = []
        for one in self.failed:
            lines.append(f"{one.name}: failed")
            lines += [f"  {finding.line()}" for finding in one.findings]
        total, failed = len(self.outcomes), len(self.failed)
        if not total:
            return "There are no tests."
        said = f"{failed} of {total} tests failed" if failed else f"{total} tests passed"
        return "\n".join([*lines, f"{said} in {self.seconds:.1f} s"])

    def problems(self) -> Iterator[Problem]:
        """Yield what was found as findings of a check, for editors and code hosts."""
        for one in self.failed:
            for found in one.findings:
                message = f"test {one.name}: {found.about}: expected {found.expected}, found {found.found}"
                yield Problem("test_failed", (), message, found.span)

    def to_json(self) -> dict[str, Any]:
        """Return the results for programs."""
        return {
            "passed": self.passed, "seconds": round(self.seconds, 3),
            "tests": [one.to_json() for one in self.outcomes],
        }  # fmt: skip


class NoSuchTest(Failure):
    """A test was asked for that is not there."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        hint = did_you_mean(name, list(known))
        en = f"There is no test {name!r}." + (f" Did you mean {hint!r}?" if hint else "")
        super().__init__("test.unknown", Label({"en": en, "zh": f"没有名为“{name}”的测试。"}))


def run_tests(workspace: Workspace, make_background: MakeBackground, *, only: Sequence[str] = ()) -> Results:
    """Run the tests of a checked workspace, each on a stage of its own; nothing outside this process is touched.

    Args:
        workspace: With its tests.
        make_background: Makes what runs timers and jobs (see `wiring`).
        only: Names of tests; all of them otherwise.

    Raises:
        NoSuchTest: One of `only` is not there.
    """
    begun = time.monotonic()
    chosen = [test for test in workspace.tests.values() if test.rounds]
    for name in only:
        if name not in workspace.tests:
            raise NoSuchTest(name, workspace.tests)
    if only:
        chosen = [test for test in chosen if test.name in only]
    if not chosen:
        return Results((), time.monotonic() - begun)
    app = compile_workspace(workspace, dialect="sqlite", revision=1)
    empty = _tables_of(app)
    stages = Stages(app, empty, make_background, workspace.tests)
    try:
        outcomes = tuple(_run(stages, test) for test in chosen)
    finally:
        stages.close()
        empty.close()
    return Results(outcomes, time.monotonic() - begun)


def _tables_of(app: Application) -> MemoryDatabase:
    database = MemoryDatabase()
    migrate.prepare_system(database)
    operations = migrate.differences(app, migrate.existing(database))
    with database.write() as tx:
        migrate.apply(tx, operations)
        revisions.put(tx, {}, author="test", message=None, source="test", engine="", now="")
    return database


def _run(stages: Stages, test: Scenario) -> Outcome:
    begun = time.monotonic()
    findings: tuple[Finding, ...]
    try:
        stage = stages.of(test)
    except NotFurnished as stop:
        about = f"the given record {stop.key}"
        findings = (Finding(stop.span, about, "that it can be put in", described(stop.failure)),)
    else:
        try:
            findings = tuple(_play(stage, test.rounds))
        finally:
            stage.database.close()
    return Outcome(test.name, test.label, test.span, findings, time.monotonic() - begun)


def _play(stage: Stage, rounds: Sequence[Round]) -> Iterable[Finding]:
    """Yield what is wrong in the first round in which something is; later rounds would only follow from it."""
    for one in rounds:
        found = list(_play_round(stage, one))
        if found:
            return found
    return []


def _play_round(stage: Stage, one: Round) -> Iterable[Finding]:
    refusal: Failure | None = None
    for number, act in enumerate(one.when):
        try:
            perform(stage, act)
        except Failure as failure:
            refusal = failure
            awaited = number == len(one.when) - 1 and any(isinstance(then, Refused) for then in one.then)
            if not awaited:
                yield Finding(act.span, _verb(act), "that it is done", described(failure))
                return
        for trouble in stage.settle():
            yield Finding(act.span, "background work", "that it succeeds", trouble)
    for expected in one.then:
        yield from look(stage, expected, refusal)


def _verb(act: object) -> str:
    return type(act).__name__.lower()
