"""Looking whether what a test expects is there; what is not there is said as expected and found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairlead.base.errors import Failure, Forbidden, Invalid, NotFound
from fairlead.base.problems import Span
from fairlead.compiled.runs import ACTIVE
from fairlead.fields.spec import Field
from fairlead.model.tests import (
    Approved,
    Counts,
    Expectation,
    Path,
    Refused,
    Sees,
    Shows,
    Stands,
    Told,
)
from fairlead.store.notifications import listing as notices_of
from fairlead.work import approvals, reading, records
from fairlead.work.context import Context, environment
from fairlead.work.queries import MAX_PAGE, ListQuery
from fairlead.work.scenarios.acts import newest_run
from fairlead.work.scenarios.stage import Stage

MOST_COUNTED = 10_000
MOST_NOTICES = 1_000


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be, and where the document says how it should be."""

    span: Span
    about: str
    expected: str
    found: str

    def line(self) -> str:
        """Return it as one line."""
        return f"{self.span}: {self.about}: expected {self.expected}, found {self.found}"

    def to_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "file": self.span.file, "line": self.span.line, "column": self.span.column, "about": self.about,
            "expected": self.expected, "found": self.found,
        }  # fmt: skip


def look(stage: Stage, expected: Expectation, refusal: Failure | None) -> Iterator[Finding]:
    """Yield what is not as expected.

    Args:
        refusal: With which failure the last act ended, if it did.
    """
    try:
        yield from _look(stage, expected, refusal)
    except Failure as failure:
        yield Finding(expected.span, _about(expected), "that it can be looked at", described(failure))


def _look(stage: Stage, expected: Expectation, refusal: Failure | None) -> Iterator[Finding]:
    match expected:
        case Refused():
            yield from _refused(expected, refusal)
        case Stands():
            for key in stage.each(expected.key):
                yield from _stands(stage, expected, key)
        case Sees():
            for who in expected.people:
                for key in stage.each(expected.key):
                    yield from _sees(stage, expected, who, key)
        case Shows():
            for who in expected.people:
                yield from _shows(stage, expected, who)
        case Path():
            yield from _path(stage, expected)
        case Approved():
            yield from _approved(stage, expected)
        case Told():
            for who in expected.people:
                yield from _told(stage, expected, who)
        case Counts():
            yield from _counts(stage, expected)


def _about(expected: Expectation) -> str:
    match expected:
        case Refused():
            return "the last act"
        case Told():
            return "notices"
        case Counts():
            return f"records of {expected.entity}"
        case _:
            return expected.key


# ---------------------------------------------------------------- refusals


def described(failure: Failure | None) -> str:
    """Return a failure with its code, its fields and its sentence."""
    if failure is None:
        return "that it was done"
    if isinstance(failure, Invalid) and failure.errors:
        parts = [f"{one.code} at {one.field!r} ({one.to_json()['message']})" for one in failure.errors[:5]]
        return "refused: " + "; ".join(parts)
    return f"refused: {failure.code} ({failure.message()})"


def _refused(expected: Refused, refusal: Failure | None) -> Iterator[Finding]:
    if refusal is not None and _fits(expected, refusal):
        return
    wanted = f"refused: {expected.code}" + (f" at {expected.field!r}" if expected.field else "")
    yield Finding(expected.span, "the last act", wanted, described(refusal))


def _fits(expected: Refused, failure: Failure) -> bool:
    pairs = [(failure.code, failure.data.get("field"))]
    if isinstance(failure, Invalid):
        pairs += [(one.code, one.field) for one in failure.errors]
    return any(code == expected.code and expected.field in (None, where) for code, where in pairs)


# ---------------------------------------------------------------- records


def _stands(stage: Stage, expected: Stands, key: str) -> Iterator[Finding]:
    entity, id = stage.record(key)
    ctx = stage.context(expected.who)
    try:
        item = reading.get(ctx, entity, id)
    except NotFound:
        seen = f"as {expected.who} sees it" if expected.who else "that stands"
        yield Finding(expected.span, key, f"a record {seen}", "no such record")
        return
    fields = stage.app.entities[entity].entity.fields
    for name, value in expected.values.items():
        wanted = stage.value(fields[name], value)
        found = item.get(name)
        span = expected.spans.get(name, expected.span)
        if name not in item:
            yield Finding(span, f"{key}.{name}", _shown(stage, wanted), "a field that is withheld")
        elif not _same(fields[name], wanted, found):
            yield Finding(span, f"{key}.{name}", _shown(stage, wanted), _shown(stage, found))
    if expected.holds is not None:
        snapshot = records.snapshot_in(stage.database, ctx, entity, id)
        if not expected.holds.is_true(snapshot, environment(ctx)):
            reads = sorted({path[0] for path in expected.holds.uses if path})
            found_is = ", ".join(f"{name} = {_shown(stage, item.get(name))}" for name in reads)
            yield Finding(expected.span, key, expected.holds.text, found_is or "that it does not hold")


def _same(spec: Field, wanted: Any, found: Any) -> bool:
    if spec.kind == "table":
        rows = found or []
        return len(rows) == len(wanted or []) and all(
            _same(spec.fields[name], one, row.get(name))
            for given, row in zip(wanted or [], rows, strict=True)
            for name, one in given.items()
        )
    if isinstance(wanted, list) and isinstance(found, list):
        return sorted(map(str, wanted)) == sorted(map(str, found))
    return bool((wanted or None) == (found or None)) if wanted in (None, "", []) else bool(wanted == found)


def _shown(stage: Stage, value: Any) -> str:
    """Return a value as a finding shows it, ids by the names of the test."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(stage, one) for one in value) + "]"
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{name}: {_shown(stage, one)}" for name, one in value.items() if name != "id")
            + "}"
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return stage.name_of(text.partition(":")[2] or text) if isinstance(value, str) else text


def _may_read(ctx: Context, entity: str, id: str) -> bool:
    try:
        reading.get(ctx, entity, id)
    except (NotFound, Forbidden):
        return False
    return True


def _sees(stage: Stage, expected: Sees, who: str, key: str) -> Iterator[Finding]:
    if _may_read(stage.context(who), *stage.record(key)) != expected.visible:
        said = (f"{who} sees it", f"{who} does not see it")
        wanted, found = said if expected.visible else said[::-1]
        yield Finding(expected.span, key, wanted, found)


def _shows(stage: Stage, expected: Shows, who: str) -> Iterator[Finding]:
    entity, id = stage.record(expected.key)
    ctx = stage.context(who)
    if expected.state in ("readonly", "writable"):
        loaded = records.load(stage.database, ctx, entity, id, ("update",))
        allowed = loaded.writable.get("update", frozenset())
        open_now = records.changeable_fields(loaded.entity, allowed, loaded.record, environment(ctx))
        worked_out = {name for name, spec in loaded.entity.entity.fields.items() if spec.computed}
        open_now -= worked_out
        states = {name: "writable" if name in open_now else "readonly" for name in expected.fields}
    else:
        item = reading.get(ctx, entity, id)
        states = {name: _seen(item, name) for name in expected.fields}
    for name, state in states.items():
        if state != expected.state:
            yield Finding(
                expected.span, f"{expected.key}.{name}", f"{expected.state} to {who}", f"{state} to {who}"
            )


def _seen(item: Mapping[str, Any], name: str) -> str:
    if name in item.get("_hidden", ()) or name not in item:
        return "hidden"
    return "masked" if name in item.get("_masked", ()) else "shown"


# ---------------------------------------------------------------- approvals


def _path(stage: Stage, expected: Path) -> Iterator[Finding]:
    entity, id = stage.record(expected.key)
    run = newest_run(stage, entity, id)
    who = expected.who or _starter(stage, entity, id, run.starter if run is not None else None)
    found = approvals.approval_path(stage.context(who), entity, id)
    steps: list[tuple[str, list[str]]] = []
    if found is not None and found.needed:
        steps = [
            (step.name, [stage.name_of(seat.user) for seat in step.seats])
            for step in found.steps
            if step.state not in ("passed", "open")
        ]
    wanted = [(one.step, list(one.people)) for one in expected.steps]
    # Who is named with a step is compared; a step that names nobody only has to be there.
    same = [name for name, _ in steps] == [name for name, _ in wanted] and all(
        not people or sorted(people) == sorted(held)
        for (_, people), (_, held) in zip(wanted, steps, strict=True)
    )
    if not same:
        yield Finding(expected.span, expected.key, _steps(wanted), _steps(steps))


def _starter(stage: Stage, entity: str, id: str, starter: str | None) -> str | None:
    if starter is None:
        owner = records.snapshot_in(stage.database, stage.context(None), entity, id).get("owner")
        starter = None if owner is None else str(owner)
    return next((name for name, key in stage.people.items() if key == starter), None)


def _steps(steps: Sequence[tuple[str, Sequence[str]]]) -> str:
    if not steps:
        return "that nobody is asked"
    return " → ".join(f"{step} ({', '.join(people)})" if people else step for step, people in steps)


def _approved(stage: Stage, expected: Approved) -> Iterator[Finding]:
    run = newest_run(stage, *stage.record(expected.key))
    state = "none" if run is None else run.state
    about = f"approval of {expected.key}"
    if expected.state is not None and state != expected.state:
        yield Finding(expected.span, about, expected.state, state)
    step = None if run is None or run.state != "running" else run.step
    if expected.step is not None and step != expected.step:
        yield Finding(expected.span, about, f"step {expected.step}", f"step {step or 'none'}")
    if expected.waiting_for is not None:
        held = (
            [] if run is None else [stage.name_of(task.holder) for task in run.tasks if task.state in ACTIVE]
        )
        if sorted(held) != sorted(expected.waiting_for):
            yield Finding(expected.span, about, _waits(expected.waiting_for), _waits(held))


def _waits(people: Iterable[str]) -> str:
    names = ", ".join(sorted(people))
    return f"waiting for {names}" if names else "waiting for nobody"


# ---------------------------------------------------------------- notices and numbers


def _told(stage: Stage, expected: Told, who: str) -> Iterator[Finding]:
    about = None if expected.about is None else stage.record(expected.about)[1]
    lines = [
        one
        for one in notices_of(stage.database, stage.people[who], limit=MOST_NOTICES)
        if one.id not in stage.seen_notices and (about is None or one.record_id == about)
    ]
    fitting = [
        one
        for one in lines
        if expected.says is None or expected.says in "\n".join(one.text.to_json().values())
    ]
    if (expected.times is None and fitting) or len(fitting) == expected.times:
        return
    times = "at least one" if expected.times is None else str(expected.times)
    wanted = f"{times} notice(s)" + (f" saying {expected.says!r}" if expected.says else "")
    rest = "; ".join(one.text.get("en") for one in lines[:5])
    found = f"{len(fitting)}" + (f" (in the inbox: {rest})" if rest else " (nothing in the inbox)")
    yield Finding(expected.span, f"inbox of {who}", wanted, found)


def _counts(stage: Stage, expected: Counts) -> Iterator[Finding]:
    ctx = stage.context(expected.who)
    number = 0
    token: str | None = None
    while True:
        query = ListQuery(page_size=MAX_PAGE, page_token=token, fields=("id",))
        page = reading.page(ctx, expected.entity, query)
        for item in page.items:
            if expected.where is None or expected.where.is_true(
                records.snapshot_in(stage.database, ctx, expected.entity, item["id"]), environment(ctx)
            ):
                number += 1
        token = page.next_token
        if token is None or number > MOST_COUNTED:
            break
    if number != expected.number:
        seen = f" that {expected.who} sees" if expected.who else ""
        which = f" where {expected.where.text}" if expected.where is not None else ""
        about = f"records of {expected.entity}{seen}{which}"
        yield Finding(expected.span, about, str(expected.number), str(number))
