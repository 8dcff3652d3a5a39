"""The tests that a workspace brings along (`kind: test`): every record, person, field and stage in them is looked up.

A test may build upon another: what that one gives is known here too, and comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast
from zoneinfo import ZoneInfo

from fairlead.base.texts import did_you_mean, listing
from fairlead.config.document import Document, Node
from fairlead.config.link import MISSING, Linker, Where
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.tests import (
    Act,
    Approved,
    AsGiven,
    Assign,
    Claim,
    Counts,
    Create,
    Decide,
    Delete,
    Expectation,
    FieldState,
    Given,
    GivenPerson,
    GivenRecord,
    GivenTeam,
    Import,
    Move,
    Path,
    PathStep,
    PersonName,
    RecordKey,
    Refused,
    Release,
    Round,
    Scenario,
    Sees,
    Shows,
    Stands,
    Submit,
    TeamCode,
    Told,
    Update,
    Value,
    Values,
    Verdict,
    Wait,
)

_LIMITS = frozenset(
    {"out_of_range", "too_long", "too_short", "too_many", "too_few", "too_precise", "invalid_format"}
)
"""What a field refuses because of a rule of the workspace: a test may want to see exactly that."""

_GIVEN_TOO = frozenset(
    "owner team pool pool_entered_at previous_owner claimed_at last_activity_at due_at stage stage_entered_at".split()
)
"""Fields the engine keeps that a record may already have when a test begins."""

_CREATED_WITH = frozenset({"owner", "team", "stage", "tags"})

_ACTS: Mapping[str, frozenset[str]] = {
    "create": frozenset({"key", "count", "with"}),
    "update": frozenset({"with"}),
    "move": frozenset({"to", "with", "reason"}),
    "claim": frozenset(),
    "release": frozenset({"reason"}),
    "assign": frozenset({"to", "reason"}),
    "delete": frozenset(),
    "submit": frozenset({"flow", "comment"}),
    "approve": frozenset({"with", "comment"}),
    "reject": frozenset({"comment"}),
    "return": frozenset({"comment"}),
    "transfer": frozenset({"to", "comment"}),
    "withdraw": frozenset({"comment"}),
    "import": frozenset({"connector", "rows"}),
    "wait": frozenset(),
    "clock": frozenset(),
}
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "update": ("with",),
    "move": ("to",),
    "assign": ("to",),
    "transfer": ("to",),
    "import": ("rows",),
}

_STATES: tuple[FieldState, ...] = ("hidden", "masked", "shown", "readonly", "writable")
_EXPECTATIONS: Mapping[str, frozenset[str]] = {
    "record": frozenset({"has", "holds", "as"}),
    "visible": frozenset({"to"}),
    "invisible": frozenset({"to"}),
    **{state: frozenset({"of", "to"}) for state in _STATES},
    "path": frozenset({"is", "as"}),
    "approval": frozenset({"state", "step", "waiting_for"}),
    "notice": frozenset({"about", "says", "times"}),
    "count": frozenset({"where", "is", "as"}),
    "refused": frozenset({"field"}),
}
_THEN_NEEDS: Mapping[str, tuple[str, ...]] = {
    "visible": ("to",), "invisible": ("to",), "path": ("is",), "count": ("is",),
    **dict.fromkeys(_STATES, ("of", "to")),
}  # fmt: skip


@dataclass(slots=True)
class _Scene:
    """What the names of a test stand for, as far as it has been read."""

    linker: Linker
    zone: str
    keys: dict[str, str] = field(default_factory=dict)
    """Key → entity."""
    people: dict[str, None] = field(default_factory=dict)
    teams: dict[str, None] = field(default_factory=dict)
    leaky: bool = False
    """Whether something that it builds upon is broken, so that an unknown name has its reason said already."""

    def copy(self) -> _Scene:
        """Return the same knowledge, to be added to."""
        return replace(self, keys=dict(self.keys), people=dict(self.people), teams=dict(self.teams))

    def _known(self, what: str, name: str, node: Node, known: Iterable[str]) -> bool:
        if name in known:
            return True
        if not self.leaky:
            names = list(known)
            hint = did_you_mean(name, names)
            rest = "" if hint or not names else f"; known are {listing(names)}"
            self.linker.add(
                f"unknown_{what}", node, f"there is no {_SAID[what]} {name!r} in this test{rest}", hint
            )
        return False

    def record(self, node: Node | None, entity: Iterable[str] | None = None) -> str | None:
        """Return the key of a record of the test; of one of these entities where they are given."""
        if node is None or not self._known("key", str(node.value), node, self.keys):
            return None
        key = str(node.value)
        # A reference whose own target is broken leads to nothing that could be told here.
        wanted_here = None if entity is None else [one for one in entity if one]
        if wanted_here and self.keys[key] not in wanted_here:
            wanted = listing(wanted_here)
            self.linker.add(
                "type_mismatch", node, f"{key!r} is a record of {self.keys[key]}; {wanted} is needed here"
            )
            return None
        return key

    def person(self, node: Node | None) -> str | None:
        """Return a person of the test."""
        if node is None or not self._known("person", str(node.value), node, self.people):
            return None
        return str(node.value)

    def persons(self, nodes: Iterable[Node]) -> tuple[str, ...]:
        """Return several people of the test."""
        found = (self.person(node) for node in nodes)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def team(self, node: Node | None) -> str | None:
        """Return a team of the test."""
        if node is None or not self._known("team", str(node.value), node, self.teams):
            return None
        return str(node.value)

    def add(self, key: str, entity: str, count: int | None, node: Node) -> None:
        """Note that a record, or several, will be called so."""
        for name in (key, *(f"{key}_{number}" for number in range(1, (count or 0) + 1))):
            if name in self.keys:
                self.linker.add("duplicate_name", node, f"there is a record called {name!r} already")
                return
            self.keys[name] = entity


_SAID = {"key": "record", "person": "person", "team": "team"}


def build_tests(documents: Mapping[str, Document], linker: Linker, zone: str) -> dict[str, Scenario]:
    """Make every test, each after the one that it builds upon."""
    builder = _Builder(documents, linker, zone)
    for name in documents:
        builder.build(name)
    return {name: found for name in documents if (found := builder.done.get(name)) is not None}


class _Builder:
    def __init__(self, documents: Mapping[str, Document], linker: Linker, zone: str) -> None:
        self.documents = documents
        self.linker = linker
        self.zone = zone
        self.done: dict[str, Scenario | None] = {}
        self.scenes: dict[str, _Scene] = {}
        self._way: list[str] = []

    def build(self, name: str) -> None:
        document = self.documents[name]
        if name in self.done or not document.usable:
            return
        self._way.append(name)
        scene, use = self._base(document)
        given = document.root.get("given")
        made = Given() if given is None else _given(given, scene)
        self.scenes[name] = scene.copy()
        self.done[name] = Scenario(
            name, document.root.span, document.root.label(name=name), use, made, _rounds(document.root, scene)
        )
        self._way.pop()

    def _base(self, document: Document) -> tuple[_Scene, str | None]:
        fresh = _Scene(self.linker, self.zone)
        given = document.root.get("given")
        node = None if given is None else given.get("use")
        use = self.linker.name("test", node)
        if node is None:
            return fresh, None
        if use is None or not self.documents[use].usable:
            fresh.leaky = True
            return fresh, None
        if use in self._way:
            ring = " → ".join([*self._way[self._way.index(use) :], use])
            self.linker.add("cycle", node, f"the tests lead back to themselves: {ring}")
            fresh.leaky = True
            return fresh, None
        self.build(use)
        return self.scenes[use].copy(), use


# ---------------------------------------------------------------- given


def _given(node: Node, scene: _Scene) -> Given:
    zone = _zone(node.get("zone"), scene) or scene.zone
    scene.zone = zone
    teams, people = node.get("teams"), node.get("people")
    for key, part in [] if teams is None else teams.entries():
        _once("team", key, part, scene.teams, scene)
    for key, part in [] if people is None else people.entries():
        _once("person", key, part, scene.people, scene)
    made_teams = tuple(
        GivenTeam(key, part.key_span, scene.team(part.get("parent")), scene.person(part.get("head")))
        for key, part in ([] if teams is None else teams.entries())
    )
    made_people = tuple(
        _person(key, part, scene) for key, part in ([] if people is None else people.entries())
    )
    records = tuple(made for part in node.each("records") if (made := _record(part, scene)) is not None)
    own = node.get("zone")
    return Given(
        _moment(node.get("clock"), scene), zone if own is not None else None, made_teams, made_people, records
    )


def _once(what: str, key: str, part: Node, known: dict[str, None], scene: _Scene) -> None:
    if key in known:
        scene.linker.add(
            "duplicate_name", part, f"there is a {what} {key!r} in the test that this one uses", key=True
        )
    known[key] = None


def _person(key: str, part: Node, scene: _Scene) -> GivenPerson:
    teams = (scene.team(one) for one in part.each("teams"))
    return GivenPerson(
        key, part.key_span, scene.linker.names("role", part.each("roles")),
        tuple(one for one in teams if one is not None), scene.person(part.get("manager")),
        part.flag("active", default=True), _zone(part.get("zone"), scene),
    )  # fmt: skip


def _record(node: Node, scene: _Scene) -> GivenRecord | None:
    linker = scene.linker
    entity = linker.entity(node.get("entity"))
    key = node.text("key")
    if entity is None:
        scene.leaky = True
        return None
    given = node.get("with")
    values = {} if given is None else _values(given, scene, entity, _GIVEN_TOO)
    pool = linker.name("pool", node.get("pool"))
    if pool is not None:
        about = linker.documents["pool"][pool].node("entity").value
        if about != entity:
            linker.add(
                "type_mismatch",
                node.get("pool") or node,
                f"the pool {pool!r} is for {about}, not for {entity}",
            )
    count = node.maybe_number("count")
    made = GivenRecord(
        entity, key, node.span, count, values, scene.person(node.get("as")), pool, linker.duration(node.get("ago"))
    )  # fmt: skip
    scene.add(key, entity, count, node.get("key") or node)
    return made


# ---------------------------------------------------------------- rounds


def _rounds(node: Node, scene: _Scene) -> tuple[Round, ...]:
    steps = node.get("steps")
    own = [part for part in (node.get("when"), node.get("then")) if part is not None]
    if steps is not None and own:
        scene.linker.add(
            "contradiction", own[0], "`when` and `then` stand inside of `steps`, or beside none", key=True
        )
    places = list(steps.items()) if steps is not None else ([node] if own else [])
    found = []
    for place in places:
        when = [act for part in place.each("when") if (act := _act(part, scene)) is not None]
        about = _about(when[-1], scene) if when else None
        then = [one for part in place.each("then") if (one := _expectation(part, scene, about)) is not None]
        found.append(Round(tuple(when), tuple(then)))
    return tuple(found)


def _about(act: Act, scene: _Scene) -> str | None:
    """Return the entity of the record that an act is about."""
    if isinstance(act, Wait):
        return None
    return act.entity if isinstance(act, Create | Import) else scene.keys.get(act.key)


def _verb(
    node: Node, verbs: Mapping[str, frozenset[str]], needs: Mapping[str, Sequence[str]], always: frozenset[str], linker: Linker
) -> str | None:  # fmt: skip
    """Return the one key that says what an entry is about; everything else must belong to it."""
    verb = next((name for name in verbs if node.get(name) is not None), None)
    if verb is None:
        if not any((*node.path, key) in node.document.broken for key in node.value):
            linker.add("missing_key", node, f"one of {listing(verbs, limit=20)} is needed here")
        return None
    for key, part in node.entries():
        if key != verb and key not in verbs[verb] | always and part.value is not None:
            linker.add("contradiction", part, f"{key!r} does not go with {verb!r}", key=True)
            return None
    for key in needs.get(verb, ()):
        if key not in node.value:
            linker.add("missing_key", node, f"{key!r} is missing: {verb!r} needs it")
            return None
    return verb


def _act(node: Node, scene: _Scene) -> Act | None:
    linker = scene.linker
    verb = _verb(node, _ACTS, _NEEDS, frozenset({"as"}), linker)
    if verb is None:
        return None
    part, who = node.get(verb), scene.person(node.get("as"))
    if part is None:
        return None  # what stands there is broken, and that has been said
    reason, comment = node.maybe("reason"), node.maybe("comment")
    if verb == "create":
        return _create(node, part, who, scene)
    if verb == "import":
        return _import(node, part, who, scene)
    if verb in ("wait", "clock"):
        until = _moment(part, scene) if verb == "clock" else None
        length = linker.duration(part) if verb == "wait" else None
        return None if until is None and length is None else Wait(node.span, length, until)
    key = scene.record(part)
    if key is None:
        return None
    entity, given, to = scene.keys[key], node.get("with"), node.get("to")
    values = {} if given is None else _values(given, scene, entity, frozenset({"tags"}), strict=False)
    match verb:
        case "update":
            return Update(node.span, who, key, values)
        case "move":
            stage = linker.stage(entity, to)
            return None if stage is None else Move(node.span, who, key, stage, values, reason)
        case "claim":
            return Claim(node.span, who, key)
        case "release":
            return Release(node.span, who, key, reason)
        case "assign":
            owner = scene.person(to)
            return None if owner is None else Assign(node.span, who, key, owner, reason)
        case "delete":
            return Delete(node.span, who, key)
        case "submit":
            return Submit(node.span, who, key, linker.name("approval", node.get("flow")), comment)
        case _:
            other = scene.person(to)
            return Decide(node.span, who, key, cast(Verdict, verb), comment, values, other)


def _create(node: Node, part: Node, who: str | None, scene: _Scene) -> Act | None:
    entity = scene.linker.entity(part)
    if entity is None:
        scene.leaky = True
        return None
    given, key, count = node.get("with"), node.get("key"), node.maybe_number("count")
    values = {} if given is None else _values(given, scene, entity, _CREATED_WITH, strict=False)
    if key is not None:
        scene.add(str(key.value), entity, count, key)
    return Create(node.span, who, entity, None if key is None else str(key.value), values, count)


def _import(node: Node, part: Node, who: str | None, scene: _Scene) -> Act | None:
    linker = scene.linker
    entity = linker.entity(part)
    connector = linker.name("connector", node.get("connector"))
    if connector is not None and linker.documents["connector"][connector].node("entity").value != entity:
        linker.add(
            "type_mismatch", node.get("connector") or node, f"the connector {connector!r} is not for {entity}"
        )
        return None
    rows = tuple(
        {str(key): "" if value is None else str(value) for key, value in row.value.items()}
        for row in node.each("rows")
    )
    return None if entity is None else Import(node.span, who, entity, connector, rows)


# ---------------------------------------------------------------- then


def _expectation(node: Node, scene: _Scene, about: str | None) -> Expectation | None:
    """Make an expectation; `about` is the entity that the last act was about."""
    linker = scene.linker
    verb = _verb(node, _EXPECTATIONS, _THEN_NEEDS, frozenset(), linker)
    if verb is None:
        return None
    part, who, to = node.get(verb), scene.person(node.get("as")), scene.persons(node.each("to"))
    if part is None:
        return None  # as above
    if verb == "refused":
        place = node.get("field")
        known = linker.fields.get(about or "", {})
        if place is not None and place.value in known:
            # A refusal may also be about something that is no field, such as a reason; so nothing is said otherwise.
            linker.mention(linker.owners[id(known[place.value])], place, place.value)
        return Refused(node.span, str(part.value), node.maybe("field"))
    if verb == "notice":
        about = scene.record(node.get("about"))
        times = node.maybe_number("times")
        return Told(node.span, scene.persons(part.items()), about, node.maybe("says"), times)
    if verb == "count":
        entity = linker.entity(part)
        if entity is None:
            return None
        number = _number(node.get("is"), linker)
        rule = linker.rule(node.get("where"), Where(entity))
        return None if number is None else Counts(node.span, entity, rule, who, number)
    if verb in _STATES:
        key = scene.record(node.get("of"))
        if key is None:
            return None
        fields = linker.field_list(scene.keys[key], part.items())
        return Shows(node.span, key, to, fields, verb)
    key = scene.record(part)
    if key is None:
        return None
    if verb in ("visible", "invisible"):
        return Sees(node.span, key, to, verb == "visible")
    if verb == "path":
        return _path(node, key, who, scene)
    if verb == "approval":
        waiting = None if node.get("waiting_for") is None else scene.persons(node.each("waiting_for"))
        step = _step(node.get("step"), scene.keys[key], scene)
        return Approved(node.span, key, node.maybe("state"), step, waiting)
    return _stands(node, key, who, scene)


def _stands(node: Node, key: str, who: str | None, scene: _Scene) -> Expectation | None:
    has, holds = node.get("has"), node.get("holds")
    if has is None and holds is None:
        if not any((*node.path, one) in node.document.broken for one in ("has", "holds")):
            scene.linker.add("missing_key", node, "'has' or 'holds' is missing: what is to be found?")
        return None
    entity = scene.keys[key]
    values: Values = {} if has is None else _values(has, scene, entity, None)
    spans = {name: part.span for name, part in ([] if has is None else has.entries())}
    rule = scene.linker.rule(holds, Where(entity))
    return Stands(node.span, key, who, values, MappingProxyType(spans), rule)


def _path(node: Node, key: str, who: str | None, scene: _Scene) -> Expectation | None:
    listed = node.get("is")
    if listed is None:
        return None  # what stands there is broken, and that has been said
    if not isinstance(listed.value, list):
        scene.linker.add("wrong_type", listed, "a path is a list of steps")
        return None
    steps = []
    for part in listed.items():
        step = _step(part.get("step"), scene.keys[key], scene)
        if step is not None:
            steps.append(PathStep(step, scene.persons(part.each("people"))))
    return Path(node.span, key, who, tuple(steps))


def _step(node: Node | None, entity: str, scene: _Scene) -> str | None:
    """Return the step of a flow of `entity` that a node names."""
    if node is None:
        return None
    known: dict[str, None] = {}
    for document in scene.linker.documents.get("approval", {}).values():
        if document.node("entity").value == entity:
            known.update((name, None) for name in _step_names(document.root.get("steps")))
    if str(node.value) in known:
        return str(node.value)
    scene.linker.unknown("step", node, str(node.value), known)
    return None


def _step_names(node: Node | None) -> Iterable[str]:
    """Yield the names of all steps below a node, however they are nested."""
    value = None if node is None else node.value
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if isinstance(one.get("name"), str):
                yield one["name"]
            todo += list(one.values())
        elif isinstance(one, list):
            todo += one


def _number(node: Node | None, linker: Linker) -> int | None:
    if node is None:
        return None
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        linker.add("wrong_type", node, "a whole number is expected here")
        return None
    return node.value


# ---------------------------------------------------------------- values


def _values(
    node: Node, scene: _Scene, entity: str, writable: frozenset[str] | None, *, strict: bool = True
) -> Values:
    """Make values for fields of `entity`.

    Args:
        writable: Fields of the engine that may be given; None where nothing is written, only compared.
        strict: Whether a value outside the limits of its field is a mistake; else it is handed over as it is.
    """
    linker, made = scene.linker, {}
    fields = linker.fields[entity]
    for name, part in node.entries():
        if linker.field(entity, part, key=True) is None:
            continue
        spec = fields[name]
        if writable is not None and name not in writable:
            if linker.computes(entity, spec):
                message = f"{name!r} is worked out by the engine and cannot be written"
                linker.add("readonly_field", part, message, key=True)
                continue
            if spec.origin != "document" and spec.readonly:
                message = f"{name!r} is kept by the engine and cannot be written"
                linker.add("readonly_field", part, message, key=True)
                continue
        value = _value(part, scene, spec, strict=strict)
        if value is not MISSING:
            made[name] = value
    return MappingProxyType(made)


def _value(node: Node, scene: _Scene, spec: Field, *, strict: bool) -> Value:
    if node.value is None:
        return None
    pointed: Callable[[Node], Value] | None = None
    if spec.kind == "user":
        pointed = lambda one: _or_missing(scene.person(one), PersonName)  # noqa: E731 - one of three ways to read it
    elif spec.kind == "team":
        pointed = lambda one: _or_missing(scene.team(one), TeamCode)  # noqa: E731
    elif spec.kind in ("reference", "references"):
        targets = tuple(spec.params.get("entities") or (spec.params.get("entity"),))
        pointed = lambda one: _or_missing(scene.record(one, targets), RecordKey)  # noqa: E731
    if pointed is not None:
        if isinstance(node.value, list):
            return tuple(made for one in node.items() if (made := pointed(one)) is not MISSING)
        return pointed(node)
    if spec.kind == "table":
        return _rows(node, scene, spec, strict=strict)
    if spec.kind == "datetime" and isinstance(node.value, str):
        # A time without an offset is local time where the test takes place.
        moment = _instant(node.value, scene.zone)
        if moment is not None:
            return moment
    try:
        kind_of(spec).parse(node.value, spec)
    except FieldProblem as problem:
        if not strict and problem.code in _LIMITS:
            return AsGiven(node.value)
    return scene.linker.value(node, spec, Where(None, user=False))


def _rows(node: Node, scene: _Scene, spec: Field, *, strict: bool) -> Value:
    linker = scene.linker
    rows: list[Mapping[str, Value]] = []
    if not isinstance(node.value, list):
        linker.add("wrong_type", node, f"{spec.name!r} needs a list of rows")
        return MISSING
    for row in node.items():
        if not isinstance(row.value, dict):
            linker.add("wrong_type", row, "a row is a mapping of columns to values")
            continue
        made: dict[str, Value] = {}
        for name, part in row.entries():
            column = spec.fields.get(name)
            if column is None:
                linker.unknown("field", part, name, spec.fields, key=True)
                continue
            value = _value(part, scene, column, strict=strict)
            if value is not MISSING:
                made[name] = value
        rows.append(MappingProxyType(made))
    return tuple(rows)


def _or_missing(name: str | None, make: Callable[[str], Value]) -> Value:
    return MISSING if name is None else make(name)


# ---------------------------------------------------------------- time


def _moment(node: Node | None, scene: _Scene) -> datetime | None:
    if node is None:
        return None
    found = _instant(str(node.value), scene.zone)
    if found is None:
        scene.linker.add("bad_value", node, f"{node.value!r} is no local time; write 2026-05-06T09:00")
    return found


def _instant(text: str, zone: str) -> datetime | None:
    """Return the instant of a local time; None when it is none. One with an offset is what it says."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def _zone(node: Node | None, scene: _Scene) -> str | None:
    if node is None:
        return None
    try:
        ZoneInfo(str(node.value))
    except (KeyError, ValueError, OSError):
        scene.linker.add("bad_value", node, f"there is no time zone {node.value!r}; write Asia/Shanghai")
        return None
    return str(node.value)
