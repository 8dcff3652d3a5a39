"""Pipelines, pools, approvals, automations and connectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

from cronsim import CronSim, CronSimError

from fairlead.base.texts import Label
from fairlead.config.build import migrations
from fairlead.config.build.steps import build_steps
from fairlead.config.document import Node, is_yes
from fairlead.config.link import Linker, Where
from fairlead.model.durations import Duration
from fairlead.model.workflows import (
    Approval,
    ApprovalStep,
    Approver,
    Automation,
    ColumnMap,
    Connector,
    Extension,
    Move,
    Pipeline,
    Pool,
    Quota,
    ReclaimRule,
    Stage,
    Timeout,
    Trigger,
)

# ---------------------------------------------------------------- pipelines


def build_pipeline(node: Node, linker: Linker) -> Pipeline | None:
    """Make a pipeline; None when its entity or its stages cannot be known."""
    entity = linker.entity(node.get("entity"))
    listed = node.get("stages")
    if entity is None or listed is None:
        return None
    stages = tuple(_stage(name, part, linker, entity) for name, part in listed.entries())
    if not stages:
        return None
    initial = node.get("initial")
    first = stages[0].name if initial is None else linker.stage(entity, initial)
    moves = node.get("moves")
    on_enter = node.get("on_enter")
    entering: dict[str, Any] = {}
    for _, part in on_enter.entries() if on_enter is not None else ():
        stage = linker.stage(entity, part, key=True)
        steps = build_steps(part.items(), linker, Where(entity, old=True))
        if stage is not None:
            entering[stage] = steps
    made = () if moves is None else (_move(part, linker, entity, stages) for part in moves.items())
    return Pipeline(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        entity=entity,
        stages=stages,
        initial=first or stages[0].name,
        moves=None if moves is None else tuple(move for move in made if move is not None),
        on_enter=MappingProxyType(entering),
        map=migrations.names(
            node.get("map"),
            linker,
            {one.name: one for one in stages},
            "stage",
            never_none="a record is always in a stage; name the one in which those of this stage go on",
        ),
        calendar=linker.name("calendar", node.get("calendar")),
    )


def _stage(name: str, node: Node, linker: Linker, entity: str) -> Stage:
    return Stage(
        name=name,
        span=node.key_span,
        label=node.label(name=name),
        color=node.maybe("color"),
        outcome=cast(Any, node.text("outcome", "open")),
        probability=node.number("probability", 100 if node.text("outcome") == "won" else 0),
        require=linker.field_list(entity, node.each("require")),
        enter_when=linker.rule(node.get("enter_when"), Where(entity)),
        enter_message=node.maybe_label("message"),
        stale_after=linker.duration(node.get("stale_after")),
        checklist=named_labels(node.get("checklist")),
        was=node.was(),
    )


def named_labels(node: Node | None) -> tuple[tuple[str, Label], ...]:
    """Return the names and labels of a list of names, or of a map of name to label."""
    if node is None:
        return ()
    if isinstance(node.value, list):
        return tuple((item.value, Label({}, item.value)) for item in node.items())
    return tuple((name, part.as_label(name)) for name, part in node.entries())


def _move(node: Node, linker: Linker, entity: str, stages: tuple[Stage, ...]) -> Move | None:
    to = linker.stage(entity, node.get("to"))
    named = list(node.each("from"))
    if any(part.value == "*" for part in named):
        sources = [stage.name for stage in stages if stage.name != to]
    else:
        found = (linker.stage(entity, part) for part in named)
        sources = [name for name in dict.fromkeys(found) if name is not None]
        for part in named:
            if part.value == to:
                linker.add("contradiction", part, f"a move leads from {to!r} to itself")
    if to is None or not sources:
        return None
    return Move(
        from_=tuple(sources),
        to=to,
        label=node.maybe_label("label"),
        roles=linker.names("role", node.each("roles")),
        when=linker.rule(node.get("when"), Where(entity)),
        message=node.maybe_label("message"),
        ask=writable(entity, node.each("ask"), linker),
        reason=node.flag("reason"),
        span=node.span,
    )


def writable(entity: str, nodes: Iterable[Node], linker: Linker) -> tuple[str, ...]:
    """Return the fields that people can fill in, among several."""
    kept = []
    for node in nodes:
        one = linker.fields[entity].get(node.value)
        if one is not None and (linker.computes(entity, one) or (one.origin != "document" and one.readonly)):
            linker.add("readonly_field", node, f"{node.value!r} is kept by the engine; nobody fills it in")
        else:
            kept.append(node)
    return linker.field_list(entity, kept)


# ---------------------------------------------------------------- pools


def build_pool(node: Node, linker: Linker) -> Pool | None:
    """Make a pool."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    if linker.lacks(entity, "owner"):
        where = cast(Node, node.get("entity"))
        linker.add("missing_trait", where, f"a pool needs owners: give {entity} the trait `owned`")

    def part(*keys: str) -> Node | None:
        found: Node | None = node
        for key in keys:
            found = None if found is None else found.get(key)
        return found

    def listed(*keys: str) -> Iterable[Node]:
        found = part(*keys)
        return () if found is None else found.items()

    entry, quota, returning = part("entry"), part("claim", "quota"), part("return")
    database = Where(entity, user=False, sql=True)
    capacity = part("claim", "capacity")
    return Pool(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        entity=entity,
        member_teams=tuple(item.value for item in listed("members", "teams")),
        member_roles=linker.names("role", listed("members", "roles")),
        admin_roles=linker.names("role", listed("admins", "roles")),
        entry=None if entry is None else linker.rule(entry.get("match"), database),
        priority=0 if entry is None else entry.number("priority", 0),
        hide_until_claimed=frozenset(linker.field_list(entity, listed("visibility", "hide_until_claimed"))),
        quota=None if quota is None else Quota(cast(Any, quota.text("per")), quota.number("max", 1)),
        capacity=None if capacity is None else capacity.number("max", 1),
        cooldown_previous_owner=linker.duration(part("claim", "cooldown", "previous_owner")),
        fresh_delay=linker.duration(part("claim", "fresh_delay")),
        protection_initial=linker.duration(part("protection", "initial")),
        protection_maximum=linker.duration(part("protection", "maximum")),
        extensions=tuple(
            made
            for item in listed("protection", "extend")
            if (made := _extension(item, linker, entity)) is not None
        ),
        reclaim_rules=_reclaim_rules(listed("reclaim", "rules"), linker, database),
        exempt=tuple(
            rule for item in listed("reclaim", "exempt") if (rule := linker.rule(item, database)) is not None
        ),
        remind_before=linker.durations(listed("reclaim", "remind", "before")),
        return_reasons=() if returning is None else named_labels(returning.get("reasons")),
        return_reason_required=returning is not None and returning.flag("required"),
        max_per_run=(part("reclaim") or node).number("max_per_run", 500),
        calendar=linker.name("calendar", node.get("calendar")),
    )


def _extension(node: Node, linker: Linker, entity: str) -> Extension | None:
    by = linker.duration(node.get("by"))
    when = node.get("when")
    # `record` is the row on the timeline: the visit or the call, not the record it is about.
    kinds = timeline_entities(linker, entity)
    if when is not None and not kinds:
        linker.add("no_timeline", when, f"no entity puts activities on the timeline of {entity}")
        return None
    rule = linker.rule(when, Where(kinds[0])) if kinds else None
    return None if by is None else Extension("activity", rule, by)


def timeline_entities(linker: Linker, entity: str) -> list[str]:
    """Return the entities whose rows stand on the timeline of `entity`."""
    found = []
    for name, document in linker.documents["entity"].items():
        about = document.node("timeline", "about").value if name in linker.fields else None
        field = linker.fields.get(name, {}).get(about) if isinstance(about, str) else None
        if field is not None and entity in (field.params.get("entities") or [field.params.get("entity")]):
            found.append(name)
    return found


def _reclaim_rules(nodes: Iterable[Node], linker: Linker, where: Where) -> tuple[ReclaimRule, ...]:
    made: dict[str, ReclaimRule] = {}
    for node in nodes:
        name = node.text("name")
        rule = linker.rule(node.get("when"), where)
        if name in made:
            linker.add("duplicate_name", cast(Node, node.get("name")), f"there are two rules called {name!r}")
        if rule is not None:
            made[name] = ReclaimRule(name, node.label(name=name), rule, node.span)
    return tuple(made.values())


# ---------------------------------------------------------------- approvals

_SOURCES = ("user", "role", "team_role", "team_head", "manager_of", "managers_of", "field", "starter")


def build_approval(node: Node, linker: Linker) -> Approval | None:
    """Make an approval flow."""
    entity = linker.entity(node.get("entity"))
    if entity is None:
        return None
    if linker.lacks(entity, "approval_state"):
        where = cast(Node, node.get("entity"))
        linker.add("missing_trait", where, f"an approval needs the trait `approvable` on {entity}")
    start = node.get("start")
    steps: dict[str, ApprovalStep] = {}
    for part in node.each("steps"):
        made = _approval_step(part, linker, entity)
        if made.name in steps:
            linker.add(
                "duplicate_name", cast(Node, part.get("name")), f"there are two steps called {made.name!r}"
            )
        steps[made.name] = made

    def effects(key: str) -> tuple[Any, ...]:
        return build_steps(node.each(key), linker, Where(entity))

    return Approval(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        entity=entity,
        when=None if start is None else linker.rule(start.get("when"), Where(entity)),
        steps=tuple(steps.values()),
        decisive=linker.field_list(entity, node.each("decisive")),
        lock=cast(Any, node.text("lock", "all")),
        allow=frozenset(item.value for item in node.each("allow")),
        self_rule=cast(Any, node.text("self", "to_manager")),
        duplicates=cast(Any, node.text("duplicates", "none")),
        nobody=cast(Any, node.text("nobody", "suspend")),
        withdraw=cast(Any, node.text("withdraw", "until_first_decision")),
        summary=linker.field_list(entity, node.each("summary")),
        on_submitted=effects("on_submitted"),
        on_approved=effects("on_approved"),
        on_rejected=effects("on_rejected"),
        on_withdrawn=effects("on_withdrawn"),
        on_returned=effects("on_returned"),
        not_needed=effects("not_needed"),
        calendar=linker.name("calendar", node.get("calendar")),
    )


def _approval_step(node: Node, linker: Linker, entity: str) -> ApprovalStep:
    mode = node.text("mode", "any")
    at_least, count = _quorum(node, linker, mode)
    on_reject = node.maybe("on_reject")
    if mode == "any" and on_reject is None and (*node.path, "on_reject") not in node.document.broken:
        message = "'on_reject' is missing: with mode any, say whether the first rejection ends it or all must reject"
        linker.missing(node, "on_reject", message)
    if on_reject == "all_must_reject" and mode != "any":
        part = cast(Node, node.get("on_reject"))
        linker.add("contradiction", part, f"all_must_reject goes with mode any, not with {mode}")
    if on_reject == "collect" and mode != "all":
        part = cast(Node, node.get("on_reject"))
        linker.add("contradiction", part, f"collect goes with mode all, not with {mode}")
    approvers = [build_approver(part, linker, entity) for part in node.each("by")]
    return ApprovalStep(
        name=node.text("name"),
        span=node.span,
        label=node.label(name=node.text("name")),
        when=linker.rule(node.get("when"), Where(entity)),
        by=tuple(made for made in approvers if made is not None),
        mode=cast(Any, mode),
        on_reject=cast(Any, on_reject or "ends"),
        at_least=at_least,
        at_least_count=count,
        editable=writable(entity, node.each("editable"), linker),
        timeout=_timeout(node.get("timeout"), linker),
        reason_required=node.flag("reason_required", True),
        confirm=node.flag("confirm"),
    )


def _quorum(node: Node, linker: Linker, mode: str) -> tuple[tuple[int, int] | None, int | None]:
    part = node.get("at_least")
    if part is None:
        if mode == "quorum" and (*node.path, "at_least") not in node.document.broken:
            linker.missing(
                node, "at_least", "'at_least' is missing: a quorum is a number, or a share such as 2/3"
            )
        return None, None
    if mode != "quorum":
        linker.add("contradiction", part, f"at_least goes with mode quorum, not with {mode}", key=True)
    if not isinstance(part.value, str):
        return None, int(part.value)
    share, _, whole = part.value.partition("/")
    if int(share) > int(whole):
        linker.add("out_of_range", part, f"{part.value} is more than all of them")
    return (int(share), int(whole)), None


def build_approver(node: Node, linker: Linker, entity: str) -> Approver | None:
    """Make one source of approvers."""
    named = [source for source in _SOURCES if node.get(source) is not None]
    if len(named) != 1:
        if named:
            part = cast(Node, node.get(named[1]))
            linker.add(
                "contradiction",
                part,
                f"{named[1]!r} does not go with {named[0]!r}; list both sources",
                key=True,
            )
        elif not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add("missing_key", node, f"an approver needs one of {', '.join(_SOURCES)}")
        return None
    source = named[0]
    part = cast(Node, node.get(source))
    level = node.get("level")
    if level is not None and source not in ("manager_of", "managers_of"):
        linker.add(
            "contradiction",
            level,
            f"'level' goes with manager_of and managers_of, not with {source}",
            key=True,
        )
    value: str | None = str(part.value)
    if source in ("role", "team_role"):
        value = linker.name("role", part)
    elif source == "field":
        value = linker.field(entity, part)
        if value is not None and linker.fields[entity][value].kind != "user":
            linker.add("wrong_type", part, f"{value!r} is not a field of type user")
    elif source == "starter":
        value = None
        if not is_yes(part.value):
            linker.add("bad_value", part, "write starter: true")
    elif part.value == "owner" and linker.lacks(entity, "owner"):
        linker.add("missing_trait", part, f"{entity} has no owner: it lacks the trait `owned`")
    if value is None and source != "starter":
        return None
    return Approver(cast(Any, source), value, node.number("level", 1))


def _timeout(node: Node | None, linker: Linker) -> Timeout | None:
    after = None if node is None else linker.duration(node.get("after"))
    if node is None or after is None:
        return None
    remind, role = False, None
    for part in node.each("then"):
        remind = remind or part.flag("remind")
        escalate = part.get("escalate")
        if escalate is not None:
            role = linker.name("role", escalate.get("role"))
    return Timeout(after, remind, role)


# ---------------------------------------------------------------- automations

_SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC)
_EVENTS = ("created", "updated", "entered", "claimed", "released", "approved", "rejected", "date", "schedule")


def build_automation(node: Node, linker: Linker) -> Automation | None:
    """Make an automation."""
    on = node.get("on")
    entity_node = node.get("entity")
    entity = linker.entity(entity_node)
    if on is None or (entity_node is not None and entity is None):
        return None
    trigger = _trigger(on, linker, entity)
    if trigger is None:
        return None
    if entity is None and trigger.on != "schedule":
        linker.missing(node, "entity", "'entity' is missing: whose records is this about?")
        return None
    where = Where(entity, old=trigger.on not in ("created", "date", "schedule"))
    retry = node.get("retry")
    return Automation(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        entity=entity,
        trigger=trigger,
        when=linker.rule(node.get("when"), where),
        steps=build_steps(node.each("do"), linker, where),
        run_as=cast(Any, node.text("run_as", "system")),
        retry_times=8 if retry is None else retry.number("times", 8),
        enabled=node.flag("enabled", True),
        calendar=linker.name("calendar", node.get("calendar")),
    )


def _trigger(node: Node, linker: Linker, entity: str | None) -> Trigger | None:
    named = [name for name in _EVENTS if node.get(name) is not None]
    if not named:
        # A call from outside is kept, and nothing acts on it yet: the check of the edition says so.
        known = (
            any((*node.path, key) in node.document.broken for key in node.value) or "webhook" in node.value
        )
        if not known:
            linker.add("missing_key", node, f"say what starts it: one of {', '.join(_EVENTS)}")
        return None
    event = named[0]
    part = cast(Node, node.get(event))
    beside = {"date": {"before", "after", "at"}}.get(event, set())
    for key, other in node.entries():
        if key != event and key not in beside:
            linker.add("contradiction", other, f"{key!r} does not go with {event!r}", key=True)
            return None
    match event:
        case "updated":
            if isinstance(part.value, bool) or part.value in ("yes", "no"):
                return Trigger("updated") if _on(part, linker) else None
            return Trigger("updated", fields=linker.field_list(entity, part.items()))
        case "entered":
            stage = linker.stage(entity, part)
            return None if stage is None else Trigger("entered", stage=stage)
        case "date":
            return _date_trigger(node, part, linker, entity)
        case "schedule":
            try:
                CronSim(part.value, _SOME_DAY)
            except CronSimError as error:
                linker.add(
                    "bad_schedule", part, f"{part.value!r} is no schedule of five cron fields: {error}"
                )
                return None
            return Trigger("schedule", cron=part.value)
        case "claimed" | "released" if entity is not None and linker.lacks(entity, "owner"):
            linker.add(
                "missing_trait", part, f"{entity} is never {event}: it lacks the trait `owned`", key=True
            )
        case "approved" | "rejected" if entity is not None and linker.lacks(entity, "approval_state"):
            linker.add(
                "missing_trait", part, f"{entity} is never {event}: it lacks the trait `approvable`", key=True
            )
    return Trigger(cast(Any, event)) if _on(part, linker) else None


def _on(node: Node, linker: Linker) -> bool:
    if is_yes(node.value):
        return True
    linker.add("bad_value", node, f"write {node.key}: true, or leave it out")
    return False


def _date_trigger(node: Node, part: Node, linker: Linker, entity: str | None) -> Trigger | None:
    plain = Node(part.document, part.path, part.value.removeprefix("record."))
    name = linker.field(entity, plain)
    if name is None or entity is None:
        return None
    if linker.fields[entity][name].kind not in ("date", "datetime"):
        linker.add("wrong_type", part, f"{name!r} is not a date")
        return None
    before, after = node.get("before"), node.get("after")
    if before is not None and after is not None:
        linker.add("contradiction", after, "give either `before` or `after`", key=True)
    offset: Duration | None = linker.duration(before or after)
    return Trigger("date", date_field=name, offset=offset, before=before is not None, at=node.maybe("at"))


# ---------------------------------------------------------------- connectors

_PEOPLE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "user": (
        "username",
        "name",
        "email",
        "phone",
        "team",
        "manager",
        "roles",
        "language",
        "active",
        "password",
    ),
    "team": ("code", "name", "parent", "head"),
}


def build_connector(node: Node, linker: Linker) -> Connector | None:
    """Make a connector."""
    target = node.get("entity")
    if target is None:
        return None
    people = _PEOPLE_FIELDS.get(target.value)
    entity = target.value if people is not None else linker.entity(target)
    if entity is None:
        return None

    def field(part: Node, *, key: bool) -> str | None:
        if people is None:
            return linker.field(entity, part, key=key)
        name = part.key if key else str(part.value)
        if name in people:
            return name
        linker.unknown("field", part, name, people, key=key)
        return None

    listed = node.get("columns")
    columns = []
    for _, part in listed.entries() if listed is not None else ():
        name = field(part, key=True)
        if name is not None:
            columns.append(_column(name, part, linker, None if people is not None else entity))
    mapped = {column.field for column in columns}
    key = []
    for part in node.each("key"):
        name = field(part, key=False)
        if name is not None and name not in mapped:
            linker.add("unmapped_key", part, f"{name!r} tells rows apart, but no column fills it")
        elif name is not None:
            key.append(name)
    return Connector(
        name=node.document.name,
        span=node.span,
        label=node.label(name=node.document.name),
        entity=entity,
        key=tuple(key),
        on_existing=cast(Any, node.text("on_existing", "update")),
        columns=tuple(columns),
        decimal=node.text("decimal", "."),
        thousands=node.text("thousands", ","),
        encoding=node.text("encoding", "auto"),
    )


def _column(name: str, node: Node, linker: Linker, entity: str | None) -> ColumnMap:
    if isinstance(node.value, str):
        return ColumnMap(name, node.value, None, None, MappingProxyType({}), None, "quarantine")
    constant, column, values = node.get("constant"), node.get("column"), node.get("values")
    if (
        constant is None
        and column is None
        and not any((*node.path, key) in node.document.broken for key in node.value)
    ):
        linker.missing(node, "column", "'column' is missing: from which column, or which constant?")
    lookup = node.get("lookup")
    found = None if lookup is None else str(lookup.value)
    if lookup is not None and entity is not None:
        target = linker.fields[entity][name].params.get("entity")
        if target in linker.fields:
            found = linker.field(target, lookup)
        elif linker.fields[entity][name].kind not in ("user", "team", "reference"):
            linker.add(
                "contradiction", lookup, f"{name!r} is no reference, so nothing is looked up", key=True
            )
    of = None if entity is None else linker.fields[entity][name]
    for part in (constant, node.get("default"), *(part for _, part in (values.entries() if values else ()))):
        if part is not None and of is not None:
            linker.mention_options(part, of)
    exact = (
        {}
        if values is None
        else {key: str(part.value) for key, part in values.entries() if part.value is not None}
    )
    default = node.get("default")
    return ColumnMap(
        field=name,
        column=None if column is None else column.value,
        constant=None if constant is None else constant.value,
        format=node.maybe("format"),
        values=MappingProxyType(exact),
        lookup=found,
        missing=cast(Any, node.text("missing", "quarantine")),
        default=None if default is None else default.value,
    )
