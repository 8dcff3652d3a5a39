"""Why somebody can or cannot see a record or a field, or do something with it: every grant considered, with its place.

The verdict is the engine's own (the same statements and the same decisions as at every door); beside it stands what
each grant, limit and lock says of this one record. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa

from fairlead.base.errors import Failure, NotFound
from fairlead.base.problems import Span
from fairlead.base.texts import Label, did_you_mean
from fairlead.compiled.access import scope_predicate, with_inherited
from fairlead.compiled.application import CompiledEntity
from fairlead.compiled.rights import lineage, place_of, scope_of, scope_text
from fairlead.compiled.statement import prepare
from fairlead.decide.progress import locked_fields
from fairlead.expr.expression import Expression
from fairlead.expr.sql import sql_parameters
from fairlead.fields.spec import Field
from fairlead.model.governance import Grant, Role, Scope
from fairlead.store import approvals as approval_store
from fairlead.store import people
from fairlead.store.people import Account
from fairlead.work import pools, reading, records
from fairlead.work.approvals import may_read_through_task
from fairlead.work.authentication import actor_of
from fairlead.work.context import Context

Held = Literal["yes", "no", "unknown"]


class Unanswerable(Exception):
    """The question names what is not there: a person, an entity, a field, an action. The text says what was meant."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that was looked at.

    Attributes:
        what: A grant, a pool, a lock, a limit, as it is written or called.
        held: Whether it speaks for it; `unknown` where an empty field left a rule open, which counts as no.
        because: What of the record or the person made it so.
        span: Where it stands in the documents.
        via: The roles through which it is held, from the person's own to the one that grants.
        empty: The fields whose emptiness left a rule open.
    """

    what: Label
    held: Held
    because: Label
    span: Span | None = None
    via: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    way: bool = False
    """Whether it is one of several ways, of which one is enough."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, and everything that was looked at.

    Attributes:
        points: Of grants one is enough; of everything else all must hold, but for ways.
        state: For a field: `readable`, `masked` or `hidden`.
        notes: What else helps to understand it, such as the person's roles and teams.
    """

    allowed: bool
    summary: Label
    points: tuple[Point, ...]
    state: str | None = None
    notes: tuple[Label, ...] = ()

    def render(self, language: str = "en") -> str:
        """Return the answer as a person reads it."""
        words = {"en": ("Yes", "No"), "zh": ("可以", "不可以")}["zh" if language == "zh" else "en"]
        lines = [f"{words[not self.allowed]}: {self.summary.get(language)}"]
        marks = {"yes": "+", "no": "-", "unknown": "?"}
        for point in self.points:
            through = f" ({' → '.join(point.via)})" if point.via else ""
            at = f"  [{point.span}]" if point.span else ""
            lines.append(f"  {marks[point.held]} {point.what.get(language)}{through}{at}")
            lines.append(f"      {point.because.get(language)}")
        lines += [f"  {note.get(language)}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self, language: str = "en") -> dict[str, Any]:
        """Return the answer for programs."""
        return {
            "allowed": self.allowed, "state": self.state, "summary": self.summary.get(language),
            "points": [
                {
                    "what": point.what.get(language), "held": point.held, "because": point.because.get(language),
                    "file": point.span.file if point.span else None, "line": point.span.line if point.span else None,
                    "via": list(point.via), "empty": list(point.empty),
                }
                for point in self.points
            ],
            "notes": [note.get(language) for note in self.notes],
        }  # fmt: skip


def say(en: str, zh: str) -> Label:
    """Return a sentence in both languages."""
    return Label({"en": en, "zh": zh})


# ---------------------------------------------------------------- who and what is meant


@dataclass(frozen=True)
class Scene:
    """One person before one record."""

    ctx: Context
    """With the person as the actor."""
    account: Account
    entity: CompiledEntity
    id: str
    record: Mapping[str, Any] | None
    """As the engine sees it; None when it is not there, or in the recycle bin."""
    binned: bool

    @property
    def name(self) -> str:
        """The person, as they sign in."""
        return self.account.username

    @property
    def roles(self) -> list[tuple[Role, tuple[str, ...]]]:
        """All roles held, each once, with the way it is inherited."""
        workspace = self.ctx.app.workspace
        found = []
        for role in with_inherited(workspace, self.account.roles):
            ways = [lineage(workspace, own, role.name) for own in self.account.roles]
            direct = role.name in self.account.roles
            found.append((role, () if direct else next((way for way in ways if way), ())))
        return found


def scene(ctx: Context, username: str, entity: str, id: str) -> Scene:
    """Return the person and the record that a question is about.

    Args:
        ctx: Whoever asks; only the application, the database and the moment are taken from it.

    Raises:
        Unanswerable: There is no such person or entity.
    """
    account = people.account_by_username(ctx.database, username)
    if account is None:
        known = [one.username for one in people.accounts(ctx.database)]
        raise Unanswerable(unknown("person", username, known))
    compiled = ctx.app.entity(entity)
    if compiled is None:
        raise Unanswerable(unknown("entity", entity, list(ctx.app.entities)))
    actor = actor_of(account, zone=ctx.app.workspace.zone)
    theirs = Context(ctx.app, ctx.database, actor, ctx.now, "api")
    try:
        record: Mapping[str, Any] | None = records.snapshot_in(ctx.database, theirs, entity, id)
    except NotFound:
        record = None
    main = compiled.tables.main
    found = ctx.database.one(
        prepare(
            sa.select(sa.literal_column("1")).where(
                main.c.id == sa.bindparam("p_id", required=True, type_=sa.Text())
            ),
            ctx.database.dialect,
        ),
        {"p_id": id},
    )
    return Scene(theirs, account, compiled, id, record, record is None and found is not None)


def unknown(kind: str, word: str, known: Sequence[str]) -> str:
    """Return what is said of a name that is not there."""
    hint = did_you_mean(word, known)
    return f"There is no {kind} {word!r}." + (f" Did you mean {hint!r}?" if hint else "")


# ---------------------------------------------------------------- questions


def why_read(ctx: Context, username: str, entity: str, id: str) -> Answer:
    """Say why a person can or cannot see a record.

    Raises:
        Unanswerable: There is no such person or entity.
    """
    return read_answer(scene(ctx, username, entity, id))


def read_answer(here: Scene) -> Answer:
    """Return why the person sees the record or not."""
    gone = missing(here)
    if gone is not None:
        return gone
    points = [*grants(here, "read"), *_pools(here)]
    shown = shown_to(here)
    notes = []
    if shown is None and here.entity.approvals and may_read_through_task(here.ctx, here.entity.name, here.id):
        notes.append(
            say(
                "An approval asks them about it, so they may read it with their task.",
                "有审批正在等待其处理，可通过审批任务查看该记录。",
            )
        )
    return Answer(
        shown is not None, summary_of(here, shown is not None, points, "see", "查看"), tuple(points),
        notes=(*notes, *notes_of(here)),
    )  # fmt: skip


def why_field(ctx: Context, username: str, entity: str, id: str, field: str) -> Answer:
    """Say why a person can or cannot see a field of a record.

    Args:
        field: Its name; that of a line table's as `lines.price`.

    Raises:
        Unanswerable: There is no such person, entity or field.
    """
    here = scene(ctx, username, entity, id)
    fields = here.entity.entity.fields
    top, _, row = field.partition(".")
    if top not in fields or (row and row not in fields[top].fields):
        raise Unanswerable(unknown("field", field, sorted(records_fields(here.entity))))
    gone = missing(here)
    if gone is not None:
        return replace(gone, state="hidden")
    points: list[Point] = []
    for role, via in here.roles:
        grant = role.grants.get(entity)
        if grant is not None:
            points += _field_points(here, role, grant, via, field)
    for pool, point in zip(here.entity.pools, _pools(here), strict=True):
        if point.held == "yes" and {top, field} & pool.hide_until_claimed:
            point = replace(point, held="no", because=say(
                f"the pool shows {field} only to an owner", f"公海仅向归属人显示 {field}",
            ))  # fmt: skip
        points.append(point)
    shown = shown_to(here)
    state = _field_state(here, shown, field)
    allowed = state == "readable"
    if shown is None:
        summary = say(f"{here.name} cannot see the record at all.", f"{here.name} 无法查看该记录。")
    else:
        words = {"readable": ("sees", "可查看"), "masked": ("sees a part of", "只能看到部分"),
                 "hidden": ("does not see", "看不到")}[state]  # fmt: skip
        summary = say(f"{here.name} {words[0]} {field}.", f"{here.name} {words[1]} {field}。")
    return Answer(
        allowed,
        summary,
        tuple(points),
        state,
        (_write_note(here, field, shown is not None), *notes_of(here)),
    )


def records_fields(entity: CompiledEntity) -> list[str]:
    """Return all fields of an entity, those of line tables as `lines.price`."""
    found = []
    for name, spec in entity.entity.fields.items():
        found += [name, *(f"{name}.{row}" for row in spec.fields)]
    return found


def missing(here: Scene) -> Answer | None:
    """Return the answer where there is no record, or nobody who could do anything; None to go on."""
    if not here.account.active:
        return Answer(
            False,
            say(f"The account of {here.name} is closed.", f"{here.name} 的账号已停用。"),
            (),
            notes=notes_of(here),
        )
    if here.record is not None:
        return None
    if here.binned:
        return Answer(
            False, say("The record lies in the recycle bin.", "该记录在回收站中。"), (), notes=notes_of(here)
        )
    return Answer(False, say("There is no such record.", "没有这条记录。"), (), notes=notes_of(here))


def shown_to(here: Scene) -> Mapping[str, Any] | None:
    """Return the record as the person's own request would get it; None when it would not."""
    try:
        return reading.get(here.ctx, here.entity.name, here.id)
    except NotFound:
        return None


def _field_state(here: Scene, shown: Mapping[str, Any] | None, field: str) -> str:
    if shown is None:
        return "hidden"
    if "." in field:  # a column of lines is open or closed for the entity as a whole
        top = field.partition(".")[0]
        open_ = field in here.ctx.app.access(here.entity.name, here.account.roles).readable
        return "readable" if open_ and top not in shown.get("_hidden", ()) else "hidden"
    if field in shown.get("_hidden", ()):
        return "hidden"
    return "masked" if field in shown.get("_masked", ()) else "readable"


def summary_of(
    here: Scene, allowed: bool, points: Iterable[Point], verb: str, zh: str, *, granted: bool = True
) -> Label:
    """Return the answer in one sentence, with the reason where there is one that says it all."""
    if allowed:
        return say(f"{here.name} may {verb} it.", f"{here.name} 可以{zh}该记录。")
    found = list(points)
    if not here.account.roles:
        return say(f"{here.name} has no role.", f"{here.name} 没有角色。")
    if not any(here.entity.name in role.grants for role, _ in here.roles):
        return say(
            f"no role of {here.name} grants anything on {here.entity.name}.",
            f"{here.name} 的角色均未授予 {here.entity.name} 的权限。",
        )
    first = next((point for point in found if point.held == "unknown"), None)
    if first is None:
        first = next((point for point in found if point.held == "no"), None)
    if first is not None and (not granted or len(found) == 1 or first.held == "unknown"):
        return say(
            f"{here.name} may not {verb} it: {first.because.get('en')}.",
            f"{here.name} 不能{zh}该记录：{first.because.get('zh')}。",
        )
    return say(f"{here.name} may not {verb} it.", f"{here.name} 不能{zh}该记录。")


def notes_of(here: Scene) -> tuple[Label, ...]:
    """Say who the person is to the engine: roles and teams, which every scope rests on."""
    account = here.account
    names = people.team_names(here.ctx.database, {*account.teams, *account.oversees})
    teams = ", ".join(names[one].get("en") for one in account.teams if one in names) or "none"
    below = ", ".join(names[one].get("en") for one in account.oversees if one in names)
    roles = ", ".join(account.roles) or "none"
    return (say(
        f"{account.username}: roles {roles}; teams {teams}" + (f"; oversees {below}" if below else ""),
        f"{account.username}：角色 {roles}；团队 {teams}" + (f"；管辖 {below}" if below else ""),
    ),)  # fmt: skip


# ---------------------------------------------------------------- grants


def grants(here: Scene, action: str) -> list[Point]:
    """Return what each grant on the entity says of this record."""
    found = []
    for role, via in here.roles:
        grant = role.grants.get(here.entity.name)
        if grant is None:
            continue
        scope = scope_of(grant, action)
        held, because, empty = _holds(here, scope)
        what = f"role {role.name}: {action} {_written(scope)}"
        found.append(
            Point(say(what, f"角色 {role.name}：{action} {_written(scope)}"), held, because, place_of(grant, action), via, empty)
        )  # fmt: skip
    return found


def _written(scope: Scope) -> str:
    return f"`{scope.text}`" if isinstance(scope, Expression) else scope_text(scope)


def _holds(here: Scene, scope: Scope) -> tuple[Held, Label, tuple[str, ...]]:
    """Say whether a scope reaches the record, asked of the database as everywhere, and why."""
    record = here.record
    assert record is not None
    if scope == "no":
        return "no", say("the role does not grant it", "该角色未授予此权限"), ()
    if scope == "all":
        return "yes", say("it reaches every record", "覆盖全部记录"), ()
    reached = _asked(here, scope)
    if isinstance(scope, Expression):
        return _rule(here, scope, reached)
    return ("yes" if reached else "no"), _ownership(here, scope, reached), ()


def _asked(here: Scene, scope: Scope) -> bool:
    app, tables = here.ctx.app, here.entity.tables
    predicate = scope_predicate(scope, tables, app.clauses)
    if predicate is None:
        return True
    statement: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        tables.main.c.id == sa.bindparam("p_id", required=True, type_=sa.Text()), predicate
    )
    params = {**sql_parameters(here.ctx.env()), "p_id": here.id}
    return here.ctx.database.one(prepare(statement, app.dialect), params) is not None


def _rule(here: Scene, rule: Expression, reached: bool) -> tuple[Held, Label, tuple[str, ...]]:
    record = here.record
    assert record is not None
    if reached:
        return "yes", say("the rule holds", "规则成立"), ()
    env = here.ctx.env()
    try:
        value = rule.evaluate(record, env)
        empty = tuple(rule.empty_reads(record, env)) if value is None else ()
    except Failure as failure:
        return (
            "no",
            say(f"the rule cannot be worked out: {failure.message('en')}", "规则无法计算"),
            (),
        )
    if value is None:
        names = ", ".join(empty)
        return (
            "unknown",
            say(f"the rule stays open because {names or 'something it reads'} is empty", f"{names or '所用字段'}为空，规则结果未知"),
            empty,
        )  # fmt: skip
    return "no", say("the rule does not hold", "规则不成立"), ()


def _ownership(here: Scene, scope: str, reached: bool) -> Label:
    """Say whose the record is and how that stands to the person."""
    record = here.record
    assert record is not None
    database, me = here.ctx.database, here.account
    key = "owner" if "owner" in here.entity.entity.fields else "created_by"
    owner = record.get(key)
    if owner == me.id:
        return say("it is theirs", "归其本人所有")
    names = people.names(database, [str(owner)] if owner else [])
    label = names.get(str(owner))
    whose = say("it belongs to nobody", "无归属人") if label is None else say(
        f"it {'belongs to' if key == 'owner' else 'was made by'} {label.get('en')}",
        f"{'归属' if key == 'owner' else '创建人'}：{label.get('zh')}",
    )  # fmt: skip
    if scope == "own":
        return whose
    team = record.get("team") if "team" in here.entity.entity.fields else None
    ids = {*me.teams, *me.oversees, *([str(team)] if team else [])}
    called = people.team_names(database, ids)

    def said(keys: Iterable[str], lang: str) -> str:
        none = "no team" if lang == "en" else "无"
        return ", ".join(called[one].get(lang) for one in keys if one in called) or none

    mine = me.teams if scope == "team" else me.oversees
    lies = {
        lang: said([str(team)] if team else [], lang) for lang in ("en", "zh")
    }  # a record without a team goes by its owner's
    en = f"{whose.get('en')}, in {lies['en']}; {me.username} {'is in' if scope == 'team' else 'oversees'} {said(mine, 'en')}"
    zh = f"{whose.get('zh')}，团队：{lies['zh']}；{me.username} {'所在' if scope == 'team' else '管辖'}团队：{said(mine, 'zh')}"
    return say(en if not reached else f"it lies within reach: {en}", zh if not reached else f"在范围内：{zh}")


def _pools(here: Scene) -> list[Point]:
    """Return what each pool shows of this record to the person, in the order of the entity's pools."""
    record = here.record
    assert record is not None
    found = []
    grants = any(here.entity.name in role.grants for role, _ in here.roles)
    for pool in here.entity.pools:
        what = say(f"pool {pool.name}: members see what is in it", f"公海 {pool.name}：成员可见其中记录")
        if not grants or not pools.is_member(here.ctx.database, here.ctx, pool):
            held: Held = "no"
            because = say(f"{here.name} is not a member", f"{here.name} 不是成员")
        elif record.get("owner") is not None:
            held, because = (
                "no",
                say("the record has an owner, so it is in no pool", "该记录已有归属人，不在公海中"),
            )
        elif record.get("pool") != pool.name:
            lies = record.get("pool") or "none"
            held, because = "no", say(f"the record lies in pool {lies}", f"该记录所在公海：{lies}")
        else:
            held, because = "yes", say("it lies there, and they are a member", "在该公海中，且其为成员")
        found.append(Point(what, held, because, pool.span))
    return found


def _field_points(here: Scene, role: Role, grant: Grant, via: tuple[str, ...], field: str) -> Iterator[Point]:
    top = field.partition(".")[0]
    scope = scope_of(grant, "read")
    right = grant.fields.get(field) or grant.fields.get(top)
    lines = bool(here.entity.entity.fields[top].fields)
    if right == "masked" and lines:
        right = "hidden"
    held, because, empty = _holds(here, scope)
    words = {"hidden": "hidden", "masked": "masked", "readonly": "readable, not writable", None: "readable"}[
        right
    ]
    what = say(
        f"role {role.name}: read {_written(scope)}, {field} {words}",
        f"角色 {role.name}：read {_written(scope)}，{field} {words}",
    )
    span = grant.place(f"fields.{field}", f"fields.{top}", "read")
    if held == "yes" and right in ("hidden", "masked"):
        because = say(
            f"the grant reaches the record but keeps {field} {right}",
            f"授权覆盖该记录，但 {field} 为 {right}",
        )
        held = "no"
    yield Point(what, held, because, span, via, empty)


def _write_note(here: Scene, field: str, seen: bool) -> Label:
    """Say whether the person may also write a field, and what stands in the way."""
    no = say(f"They may not write {field}", f"不能修改 {field}")
    spec = here.entity.entity.fields[field.partition(".")[0]]

    def because(en: str, zh: str) -> Label:
        return say(f"{no.get('en')}: {en}.", f"{no.get('zh')}：{zh}。")

    if not seen:
        return because("the record is not theirs to see", "无法查看该记录")
    loaded = records.load(here.ctx.database, here.ctx, here.entity.name, here.id, ("update",))
    writable = loaded.writable.get("update")
    if writable is None:
        return because("no grant to update reaches the record", "没有覆盖该记录的修改授权")
    if spec.computed:
        return because("it is worked out", "该字段由系统计算")
    if field not in writable:
        return because("no grant that reaches the record opens it", "覆盖该记录的授权均未开放此字段")
    if field not in records.changeable_fields(here.entity, writable, loaded.record, here.ctx.env()):
        return because(_closed_by(spec), "该字段在当前记录上为只读")
    if lock_of(here, {field.partition(".")[0]}) is not None:
        return because("an approval holds it", "审批进行中，已锁定")
    return say(f"They may also write {field}.", f"也可以修改 {field}。")


def _closed_by(spec: Field) -> str:
    if spec.origin != "document":
        return "the engine keeps it"
    return "it is written once" if spec.write_once else "it is read-only as the record stands"


def lock_of(here: Scene, touched: set[str]) -> str | None:
    """Return the flow whose approval keeps one of `touched` from being changed."""
    loaded = records.load(here.ctx.database, here.ctx.as_system(), here.entity.name, here.id, ())
    if loaded.locked_by is None:
        return None
    name = approval_store.flow_of(here.ctx.database, loaded.locked_by)
    flow = next((one for one in here.entity.approvals if one.name == name), None)
    closed = locked_fields(flow) if flow is not None else None
    return name if closed is None or touched & closed else None
