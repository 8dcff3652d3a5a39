"""What those who look after an installation ask: is it well, what happened, which configuration is in force and why.

Each function asks for its capability; nothing granted means nothing shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fairlead.base.errors import Forbidden, NotFound, Refused
from fairlead.base.texts import Label
from fairlead.compiled.access import EntityAccess
from fairlead.compiled.changes import Change
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.governance import ACTIONS, CAPABILITIES
from fairlead.store import approvals as approval_store
from fairlead.store import history, jobs, people, revisions
from fairlead.store.dropping import former, is_reserved
from fairlead.store.history import Event
from fairlead.store.jobs import STUCK
from fairlead.store.revisions import Revision
from fairlead.work import fitness, overtaken, planning, publishing, reading
from fairlead.work.context import Context
from fairlead.work.records import roles_of
from fairlead.work.revisions import difference

PAGE = 50

_FORBIDDEN = Label({"en": "Your role does not allow this.", "zh": "您的角色没有这项权限。"})
_NO_REVISION = Label({"en": "There is no such revision.", "zh": "没有这个版本。"})


def capabilities(ctx: Context) -> frozenset[str]:
    """Return the rooms of the administration that the actor's roles open."""
    return ctx.app.capabilities(ctx.actor.roles)


def require(ctx: Context, capability: str) -> None:
    """Refuse whoever lacks a capability.

    Raises:
        Forbidden: Without it.
    """
    if capability not in capabilities(ctx):
        raise Forbidden("forbidden", _FORBIDDEN)


# ---------------------------------------------------------------- health

Concern = Literal["jobs", "approvals", "no_role", "no_team", "no_head", "behind", "late"]


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing that somebody should look at.

    Attributes:
        concern: What kind of thing.
        count: How many there are.
        names: The first few, as people know them.
    """

    concern: Concern
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """How an installation stands, as far as the actor may know."""

    attention: tuple[Attention, ...]
    revision: int
    jobs: Mapping[str, int]
    """State to how many."""
    people: int | None
    teams: int | None


def health(ctx: Context) -> Health:
    """Return what needs attention: only what the actor's capabilities are about."""
    rooms, lang = capabilities(ctx), ctx.actor.language
    found: list[Attention] = []
    states: dict[str, int] = {}
    active = teams = None
    if "jobs" in rooms:
        for (_, state), (count, _) in jobs.counts(ctx.database).items():
            states[state] = states.get(state, 0) + count
        found += _job_concerns(ctx, states)
    if "approvals" in rooms:
        stuck = approval_store.suspended(ctx.database, limit=PAGE)
        if stuck:
            found.append(Attention("approvals", len(stuck), tuple(run.title or run.id for run in stuck[:5])))
    if "people" in rooms:
        accounts, all_teams = people.accounts(ctx.database, active_only=True), people.teams(ctx.database)
        active, teams = len(accounts), len(all_teams)
        without_role = [one.label.get(lang) for one in accounts if not one.roles]
        without_team = [
            one.label.get(lang) for one in accounts if not one.teams and not capabilities_of(ctx, one.roles)
        ]
        without_head = [one.label.get(lang) for one in all_teams if one.head_id is None]
        concerns: tuple[tuple[Concern, list[str]], ...] = (
            ("no_role", without_role), ("no_team", without_team), ("no_head", without_head),
        )  # fmt: skip
        found += [Attention(concern, len(names), tuple(names[:5])) for concern, names in concerns if names]
    newest = revisions.current_number(ctx.database)
    if newest is not None and newest != ctx.app.revision:
        found.append(Attention("behind", newest))
    return Health(tuple(found), ctx.app.revision, states, active, teams)


def _job_concerns(ctx: Context, states: Mapping[str, int]) -> list[Attention]:
    found = []
    stuck = sum(states.get(state, 0) for state in STUCK)
    if stuck:
        examples = [job for state in STUCK for job in jobs.listing(ctx.database, state=state, limit=5)]
        found.append(
            Attention(
                "jobs",
                stuck,
                tuple(dict.fromkeys(f"{job.kind} {job.rule or ''}".strip() for job in examples)),
            )
        )
    due = jobs.next_due(ctx.database)
    late = [queue for queue, at in due.items() if at < ctx.stamp[:15] and _minutes_ago(ctx, at) > 10]
    if late:
        found.append(Attention("late", len(late), tuple(sorted(late))))
    return found


def _minutes_ago(ctx: Context, stamp: str) -> float:
    from fairlead.base.clock import parse_utc

    return (ctx.now - parse_utc(stamp)).total_seconds() / 60


def capabilities_of(ctx: Context, roles: Sequence[str]) -> frozenset[str]:
    """Return the rooms that some roles open."""
    return ctx.app.capabilities(tuple(roles))


# ---------------------------------------------------------------- history


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """An event as the actor may see it.

    Attributes:
        title: What the record is called; None where the actor may not see it.
        changes: Each field, or the name of something that is no field, to what it was and is, as JSON; None for
            what may not be seen.
    """

    event: Event
    entity_label: Label
    title: str | None
    actor_name: Label | None
    changes: tuple[tuple[Field | Label, tuple[Any, Any] | None], ...]


def events(
    ctx: Context, *, entity: str | None = None, kind: str | None = None, before: str | None = None
) -> tuple[list[HistoryLine], str | None]:
    """Return one page of what happened, newest first. A record that the actor may not see keeps its values to itself.

    Raises:
        Forbidden: Without the capability.
    """
    require(ctx, "history")
    found = history.latest(
        ctx.database, entity=entity, kind=kind if entity else None, before=before, limit=PAGE + 1
    )
    shown = found[:PAGE]
    titles = _titles(ctx, shown)
    names = people.names(ctx.database, {event.actor for event in shown if event.actor})
    lines = [_line(ctx, event, titles, names) for event in shown]
    return lines, shown[-1].id if len(found) > PAGE else None


def _titles(ctx: Context, shown: Sequence[Event]) -> dict[tuple[str, str], str]:
    by_entity: dict[str, set[str]] = {}
    for event in shown:
        if event.entity in ctx.app.entities:
            by_entity.setdefault(event.entity, set()).add(event.record_id)
    return {
        (entity, id): title
        for entity, ids in by_entity.items()
        for id, title in reading.titles_of(ctx, entity, ids).items()
    }


def _line(
    ctx: Context, event: Event, titles: Mapping[tuple[str, str], str], names: Mapping[str, Label]
) -> HistoryLine:
    compiled = ctx.app.entities.get(event.entity)
    title = titles.get((event.entity, event.record_id))
    actor = names.get(event.actor or "")
    if compiled is None:
        # Accounts, teams and the like: whoever may look after them may see what was done to them. Nobody is granted
        # anything of an entity that was dropped.
        open_to = not is_reserved(event.entity) and (
            event.entity not in ("user", "team") or "people" in capabilities(ctx)
        )
        changes = tuple(
            (Label.of(name), (pair[0], pair[1]) if open_to and len(pair) == 2 else None)
            for name, pair in event.changes.items()
        )
        return HistoryLine(event, Label.of(former(event.entity)), None, actor, changes)
    access: EntityAccess = ctx.app.access(event.entity, roles_of(ctx))
    fields = compiled.entity.fields
    rows: list[tuple[Field | Label, tuple[Any, Any] | None]] = []
    for name, pair in event.changes.items():
        spec = fields.get(name)
        if spec is None:
            continue
        if title is None or not access.uniform or name not in access.readable or spec.kind == "table":
            rows.append((spec, None))
            continue
        encode = kind_of(spec).json_encoder(spec)
        old, new = (encode(value) if encode is not None and value is not None else value for value in pair)
        rows.append((spec, (old, new)))
    return HistoryLine(event, compiled.entity.label, title, actor, tuple(rows))


# ---------------------------------------------------------------- roles


@dataclass(frozen=True, slots=True)
class GrantLine:
    """What a role may do with one entity, in words of the document."""

    entity: Label
    scopes: Mapping[str, str]
    fields: Mapping[str, tuple[Label, ...]]
    """`hidden`, `masked` or `readonly` to the fields."""


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role with everything it grants."""

    name: str
    label: Label
    inherits: tuple[Label, ...]
    grants: tuple[GrantLine, ...]
    capabilities: tuple[str, ...]
    reports: int
    people: int
    document: str


def roles(ctx: Context) -> list[RoleLine]:
    """Return all roles, and how many people have each.

    Raises:
        Forbidden: Without looking after people or the configuration.
    """
    if not capabilities(ctx) & {"people", "configuration"}:
        raise Forbidden("forbidden", _FORBIDDEN)
    holders: dict[str, int] = {}
    for account in people.accounts(ctx.database, active_only=True):
        for name in account.roles:
            holders[name] = holders.get(name, 0) + 1
    workspace = ctx.app.workspace
    return [
        RoleLine(
            name, role.label, tuple(workspace.roles[one].label for one in role.inherits if one in workspace.roles),
            tuple(_grant(ctx, grant) for grant in role.grants.values() if grant.entity in workspace.entities),
            tuple(one for one in CAPABILITIES if one in role.capabilities),
            len(workspace.reports) if role.reports == "all" else len(role.reports), holders.get(name, 0), str(role.span.file),
        )
        for name, role in workspace.roles.items()
    ]  # fmt: skip


def _grant(ctx: Context, grant: Any) -> GrantLine:
    entity = ctx.app.workspace.entities[grant.entity]
    rights: dict[str, list[Label]] = {}
    for path, right in grant.fields.items():
        spec = entity.fields.get(path.partition(".")[0])
        rights.setdefault(right, []).append(spec.label if spec else Label.of(path))
    scopes = {}
    for action in ACTIONS:
        scope = grant.scopes.get(action, grant.scopes.get("update", "no") if action == "move" else "no")
        scopes[action] = scope if isinstance(scope, str) else scope.text
    return GrantLine(entity.label, scopes, {right: tuple(labels) for right, labels in rights.items()})


# ---------------------------------------------------------------- revisions


def published(ctx: Context, *, before: int | None = None) -> list[Revision]:
    """Return the revisions, newest first.

    Raises:
        Forbidden: Without the capability.
    """
    require(ctx, "configuration")
    return revisions.listing(ctx.database, before=before, limit=PAGE)


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision beside the one before it, and what going back to it would change."""

    revision: Revision
    changes: tuple[Change, ...]
    current: int
    back: planning.Plan | None
    """None for the revision in force."""


def revision(ctx: Context, number: int) -> RevisionView:
    """Return a revision: what it changed, and what rolling back to it would.

    Raises:
        Forbidden: Without the capability.
        NotFound: There is none, or it can no longer be read.
    """
    require(ctx, "configuration")
    found = revisions.by_number(ctx.database, number)
    if found is None:
        raise NotFound("revision", str(number), message=_NO_REVISION)
    current = revisions.current_number(ctx.database) or number
    try:
        changes = tuple(difference(ctx.database, number - 1, number)) if number > 1 else ()
        back = planning.plan_rollback(ctx.database, number) if number != current else None
    except (LookupError, planning.Broken) as error:
        raise NotFound("revision", str(number), message=_NO_REVISION) from error
    return RevisionView(found, changes, current, back)


def roll_back(ctx: Context, number: int, *, seal: str, allow_lossy: bool = False) -> int:
    """Publish the documents of an earlier revision again, as the plan that was read says; return the new number.

    Raises:
        Forbidden: Without the capability.
        NotFound: There is no such revision.
        Refused: The plan no longer fits, is blocked, or hides values without consent.
    """
    require(ctx, "configuration")
    fitness.assure_fit(ctx.database, ctx.app)
    try:
        plan = planning.plan_rollback(ctx.database, number)
    except (LookupError, planning.Broken) as error:
        raise NotFound("revision", str(number), message=_NO_REVISION) from error
    if plan.seal != seal:
        raise overtaken.stale(ctx.database, plan.base)
    if plan.empty:
        raise Refused("plan.empty", Label({
            "en": "The configuration in force is the same already.", "zh": "当前配置已与该版本一致。",
        }))  # fmt: skip
    return publishing.apply(
        ctx.database, plan, author=ctx.actor.username, message=f"Back to revision {number}", source="rollback",
        allow_destructive=allow_lossy,
    ).revision  # fmt: skip
