"""A plan as its page shows it: the sections, sentences and tables of the printed one, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from fairlead.base.problems import Span
from fairlead.compiled.changes import GRADES, Change
from fairlead.compiled.rights import RightChange
from fairlead.model.workspace import Workspace
from fairlead.work import plan_report
from fairlead.work.costs import Cost, costs
from fairlead.work.path_words import in_words
from fairlead.work.planning import Plan
from fairlead.work.reach import thing_of

Say = Callable[..., str]

SHOWN = 300
"""So many changes of a grade are listed; how many more there are is said."""

LOOKS = {
    "safe": ("green", "circle-check"), "computes": ("sky", "calculator"), "tightens": ("amber", "lock"),
    "access": ("violet", "shield-lock"), "lossy": ("amber", "alert-triangle"), "destructive": ("red", "trash"),
    "blocked": ("red", "ban"),
}  # fmt: skip
"""The colour and the sign of each grade."""


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change: where it stands in people's words and as documents write it, and what belongs to it.

    Attributes:
        title: Such as `Lead › Company › required: no → yes`.
        path: Such as `entity.lead.fields.company.required`.
        more: The note, what it concerns, samples, remedies.
    """

    grade: str
    title: str
    path: str
    span: Span | None
    more: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """All changes of one grade."""

    grade: str
    count: int
    meaning: str
    rows: tuple[ChangeRow, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One right that comes to something else."""

    right: str
    old: str
    new: str
    way: str
    tone: str
    span: Span | None
    more: str


@dataclass(frozen=True, slots=True)
class RoleAccess:
    """What one role gains and loses: rights by entity, and sentences that count records."""

    label: str
    people: int
    entities: tuple[tuple[str, tuple[Cell, ...], tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class CostRow:
    """One statement."""

    what: str
    rows: int
    time: str
    lock: str
    sql: str


@dataclass(frozen=True, slots=True)
class PlanView:
    """The whole page of a plan."""

    plan: Plan
    sections: tuple[Section, ...]
    access: tuple[RoleAccess, ...]
    uncounted: tuple[str, ...]
    costs: tuple[CostRow, ...]
    consent: bool
    blocked: bool


def plan_view(plan: Plan, workspace: Workspace, lang: str, say: Say) -> PlanView:
    """Return a plan for its page.

    Args:
        plan: What is shown.
        workspace: The configuration in force, for the labels of what goes.
        lang: The reader's language.
        say: Texts of screens by key.
    """
    return PlanView(
        plan,
        tuple(_sections(plan, workspace, lang, say)),
        tuple(_access(plan, workspace, lang, say)),
        tuple(_uncounted(plan, workspace, lang, say)),
        tuple(_cost(cost, lang, say) for cost in costs(plan)),
        plan_report.consent(plan) is not None,
        any(change.grade == "blocked" for change in plan.changes),
    )


def change_rows(changes: Iterable[Change], workspace: Workspace, lang: str, say: Say) -> list[ChangeRow]:
    """Return changes that lie behind, each with its note.

    Args:
        changes: What a revision changed.
        workspace: The configuration in force, for labels.
        lang: The reader's language.
        say: Texts of screens by key.
    """
    return [_row(change, (workspace,), lang, say, []) for change in changes]


def _row(
    change: Change, workspaces: Sequence[Workspace | None], lang: str, say: Say, more: Sequence[str]
) -> ChangeRow:
    title = in_words(change.path, *workspaces).get(lang)
    values = _values(change, lang, say)
    if change.action == "change":
        title += f"{'：' if lang == 'zh' else ': '}{values}" if values else ""
    else:
        title = say(f"console.p_{change.action}", what=title)
    note = [change.note.get(lang)] if change.note else []
    return ChangeRow(change.grade, title, ".".join(change.path), change.span, (*note, *more))


def _values(change: Change, lang: str, say: Say) -> str:
    """Return "old → new"; what a role may do in words."""
    if change.path[0] == "role" and "scopes" in change.path and change.turned:
        return " → ".join(_word(say, text or "no") for text in (change.old, change.new))
    return change.values(lang)


def _sections(plan: Plan, workspace: Workspace, lang: str, say: Say) -> Iterator[Section]:
    after = plan.app.workspace if plan.app is not None else None
    reaches = {one.path: one for one in plan.reach}
    told: set[tuple[str, ...]] = set()

    def row(change: Change) -> ChangeRow:
        more = []
        thing = thing_of(change.path)
        if thing in reaches and thing not in told:
            told.add(thing)
            more.append(say("console.p_concerns", what=reaches[thing].words(lang)))
        for sample in change.samples:
            value = sample.said(lang) or say("console.p_empty")
            becomes = "" if sample.becomes is None else f" → {sample.becomes}"
            why = "" if sample.why is None else say("console.p_why", what=sample.why.get(lang))
            more.append(say("console.p_sample", record=sample.record, value=value + becomes + why))
        if change.count is not None and 0 < len(change.samples) < change.count:
            more.append(say("console.p_more", n=change.count - len(change.samples)))
        more += [say("console.p_remedy", what=remedy.get(lang)) for remedy in change.remedies]
        return _row(change, (after, workspace), lang, say, more)

    for grade in reversed(GRADES):
        changes = [change for change in plan.changes if change.grade == grade]
        # Nothing that widens is ever left out, however much there is.
        most = len(changes) if grade == "access" else SHOWN
        if changes:
            meaning = plan_report.MEANINGS[grade].get(lang)
            yield Section(grade, len(changes), meaning, tuple(row(change) for change in changes[:most]))


def _access(plan: Plan, workspace: Workspace, lang: str, say: Say) -> Iterator[RoleAccess]:
    after = plan.app.workspace if plan.app is not None else workspace

    def label(kind: str, name: str | None) -> str:
        if name is None:
            return say("console.p_workspace")
        found = getattr(after, kind).get(name) or getattr(workspace, kind).get(name)
        return name if found is None else str(found.label.get(lang))

    for role, parts in plan_report.access_by_role(plan.access):
        entities = []
        for entity, cells, rows in parts:
            sentences = [
                sentence.get(lang)
                for one in rows
                for sentence in one.sentences(fields=_field_names(after, entity, one.fields, lang))
            ]
            entities.append((
                label("entities", entity), tuple(_cell(cell, after, lang, say) for cell in cells), tuple(sentences),
            ))  # fmt: skip
        yield RoleAccess(label("roles", role), plan.access.holders.get(role, 0), tuple(entities))


def _uncounted(plan: Plan, workspace: Workspace, lang: str, say: Say) -> Iterator[str]:
    after = plan.app.workspace if plan.app is not None else workspace
    for role, entity in plan.access.uncounted:
        what = (
            in_words((kind, name), after, workspace).get(lang)
            for kind, name in (("role", role), ("entity", entity))
        )
        yield say("console.p_uncounted", what=("、" if lang == "zh" else ", ").join(what))


def _field_names(workspace: Workspace, entity: str | None, fields: tuple[str, ...], lang: str) -> str:
    comma = "、" if lang == "zh" else ", "
    return comma.join(_field_name(workspace, entity, path, lang) for path in fields)


def _field_name(workspace: Workspace, entity: str | None, path: str, lang: str) -> str:
    found = workspace.entities.get(entity or "")
    spec = found.fields.get(path.partition(".")[0]) if found is not None else None
    if spec is None:
        return path
    row = spec.fields.get(path.partition(".")[2])
    return spec.label.get(lang) + (f" · {row.label.get(lang)}" if row is not None else "")


def _cell(cell: RightChange, workspace: Workspace, lang: str, say: Say) -> Cell:
    if cell.subject == "action":
        right = say(f"console.a_{cell.name}")
    elif cell.subject == "field":
        right = _field_name(workspace, cell.entity, cell.name, lang)
    elif cell.subject == "capability":
        right = say(f"console.room_{cell.name}")
    else:
        report = workspace.reports.get(cell.name)
        right = report.label.get(lang) if report is not None else cell.name
    more = []
    if cell.without:
        closed = (f"{_field_name(workspace, cell.entity, name, lang)} {_word(say, right)}"
                  for name, right in cell.without)  # fmt: skip
        more.append(say("console.p_without", what=("、" if lang == "zh" else ", ").join(closed)))
    if cell.via:
        roles = (
            (workspace.roles[name].label.get(lang) if name in workspace.roles else name) for name in cell.via
        )
        more.append(say("console.p_via", what=" → ".join(roles)))
    pools = {name: pool.label.get(lang) for name, pool in workspace.pools.items()}
    tone = {"gained": "amber", "lost": "sky", "changed": "grey"}[cell.direction]
    return Cell(
        right, _word(say, cell.old, pools), _word(say, cell.new, pools), say(f"console.p_{cell.direction}"), tone, cell.span,
        " ".join(more),
    )  # fmt: skip


def _word(say: Say, text: str, pools: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return a scope or a field's sight in words, with the labels of `pools`; a rule as it is written."""
    if text in ("no", "own", "team", "subordinates", "all"):
        return say(f"console.s_{text}")
    if text in ("hidden", "masked"):
        return say(f"console.r_{text}")
    if text in ("readable", "writable", "yes"):
        return say(f"console.p_{text}")
    if "`" not in text and " or " in text:
        return say("console.p_or").join(_word(say, part, pools) for part in text.split(" or "))
    pool = text.removeprefix("in pool ")
    return say("console.p_in_pool", what=pools.get(pool, pool)) if pool != text else text


def _cost(cost: Cost, lang: str, say: Say) -> CostRow:
    operation = cost.operation
    return CostRow(
        f"{say(f'console.op_{operation.kind}')} {operation.name}", cost.rows, cost.time.get(lang), cost.lock.get(lang),
        operation.sql,
    )  # fmt: skip
