"""Resolve names across documents and compile expressions, with suggestions and exact places.

What a text means where a value is expected (`default:`, `set:`, `with:`): it is an expression

* when it begins with `record.`, `old.` or `user.`, is `record` alone (this very record), or is one
  call of a known function, whatever the field;
* and in a field that holds no words also when it is `user`, `now` or `today` or begins with one of
  them, when the field points at a person, team or record, or when it is no value of the field but has
  blanks, brackets or operators in it.

Everything else is a plain value of the field: an option's name, a number, a date, words. Words may be
given in several languages where a field of text is filled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from fairlead.base.problems import KeyPath, Level, Problems
from fairlead.base.texts import Label, did_you_mean, listing
from fairlead.config.document import Document, Node, is_yes
from fairlead.config.faults import shown
from fairlead.config.mentions import Mention, Target, literals, quoted, spoken
from fairlead.expr.check import compile_expression
from fairlead.expr.expression import Expression
from fairlead.expr.functions import BY_NAME
from fairlead.expr.types import (
    BOOL,
    TEAM,
    TEXT,
    USER,
    EntityShape,
    Kind,
    Scope,
    Type,
    reference_type,
    rows_type,
)
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.durations import Duration, Unit

POINTERS = frozenset({"user", "team", "reference", "references"})
WORDS = frozenset({"text", "long_text", "rich_text", "email", "phone", "url", "json", "tags"})

NUMBERS = frozenset({"integer", "decimal", "money", "percent", "rating", "duration"})

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_DURATION = re.compile(r"([0-9]{1,4}) +(business +)?(minute|hour|day|week)s?\Z")
_SURELY_COMPUTED = re.compile(r"(record|old|user)\.[a-z]|record\Z")
_CALL = re.compile(r"([a-z_]+)\(.*\)\Z", re.S)
_BEGINS_WITH_NAME = re.compile(r"(user|now|today)\b")
_COMPUTED = re.compile(r"[()\s*/<>=?&|!+'\"]")

PEOPLE: Mapping[str, Mapping[str, Type]] = {
    "user": {"id": USER, "name": TEXT, "email": TEXT, "team": TEAM},
    "team": {"id": TEAM, "name": TEXT, "code": TEXT, "head": USER, "parent": TEAM},
}
"""What an expression may read of a person and of a team."""


def names_of(target: Field) -> list[str]:
    """Return the options of a field by name."""
    return [option.name for option in target.options]


def items_of(raw: object) -> list[object]:
    """Return the entries of a list, or the one value there is."""
    return raw if isinstance(raw, list) else [raw]


class Missing:
    """Stands for a value that could not be made; why has been said."""


MISSING = Missing()


@dataclass(frozen=True, slots=True)
class Where:
    """The names that an expression in this place may use, and whether it must run in the database."""

    entity: str | None
    old: bool = False
    user: bool = True
    clock: bool = True
    sql: bool = False


@dataclass(slots=True)
class KnownEntity:
    """What expressions may read of one entity, or of the rows of one table."""

    name: str
    types: dict[str, Type]
    world: Mapping[str, KnownEntity]

    def field_type(self, field_name: str) -> Type | None:
        return self.types.get(field_name)

    def field_names(self) -> Iterable[str]:
        return self.types.keys()

    def shape(self, entity_name: str) -> EntityShape | None:
        return self.world.get(entity_name)


@dataclass(slots=True)
class Linker:
    """Knows every name of a workspace, and collects what is wrong with the ways they are used."""

    documents: Mapping[str, Mapping[str, Document]]
    problems: Problems
    hushed: frozenset[str] = frozenset()
    """Names of what is broken elsewhere: that they lead nowhere has its reason said already."""
    fields: dict[str, Mapping[str, Field]] = field(default_factory=dict)
    stages: dict[str, tuple[str, ...]] = field(default_factory=dict)
    world: dict[str, KnownEntity] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    mentions: dict[Mention, None] = field(default_factory=dict)
    """Every place where a name is used, in the order of meeting."""
    owners: dict[int, Target] = field(default_factory=dict)
    """Where a field (by its identity; `fields` keeps it alive) is defined."""
    former: dict[str, str] = field(default_factory=dict)
    """Names that `was:` says something had before, with what it is called now."""

    def __post_init__(self) -> None:
        for named in self.documents.values():
            for document in named.values():
                self.former |= _former_names(document.name, document.reading.data)
        for name, types in PEOPLE.items():
            self.world[name] = KnownEntity(name, dict(types), self.world)

    # ------------------------------------------------------------ what there is

    def know(self, entity: str, fields: Mapping[str, Field]) -> None:
        """Make an entity's fields known to expressions."""
        self.fields[entity] = fields
        types: dict[str, Type] = {}
        for name, one in fields.items():
            here = ("entity", entity, "fields", name)
            self.owners[id(one)] = here
            self.owners.update((id(row), (*here, "fields", row.name)) for row in one.fields.values())
            types[name] = self.type_of(entity, one)
            if one.kind == "table":
                row = f"{entity}.{name}"
                rows = {inner.name: self.type_of(row, inner) for inner in one.fields.values()}
                self.world[row] = KnownEntity(row, rows, self.world)
        if "id" in types:
            types["id"] = reference_type(entity)
        self.world[entity] = KnownEntity(entity, types, self.world)

    def type_of(self, entity: str, one: Field) -> Type:
        """Return what expressions see of a field."""
        kind = kind_of(one).expr_type(one)
        return rows_type(f"{entity}.{one.name}", max_items=kind.max_items) if kind.is_rows else kind

    def written(self, entity: str, field_name: str, key: str) -> Node | None:
        """Return what the entity's document says under a key of a field; fields may not be complete yet."""
        document = self.documents["entity"][entity]
        part = document.node("fields", field_name)
        return part.get(key) if part.path == ("fields", field_name) else None

    def computes(self, entity: str, one: Field) -> bool:
        """Say whether the engine works a field out, so that nobody can write it."""
        keys = ("formula", "rollup", "lookup")
        return one.kind == "sequence" or any(self.written(entity, one.name, key) is not None for key in keys)

    # ------------------------------------------------------------ problems

    def add(
        self,
        code: str,
        node: Node,
        message: str,
        hint: str | None = None,
        *,
        level: Level = Level.error,
        key: bool = False,
    ) -> None:
        """Report something about a node, or about its key."""
        span = node.key_span if key else node.span
        self.problems.add(code, node.path, span, message, hint=hint, level=level)

    def missing(self, node: Node, key: str, message: str) -> None:
        """Report a key that `node` must have; it points at `node`, since what is not there stands nowhere."""
        self.problems.add("missing_key", (*node.path, key), node.key_span, message)

    def add_within(
        self,
        code: str,
        node: Node,
        part: str,
        message: str,
        hint: str | None = None,
        *,
        at: int | None = None,
    ) -> None:
        """Report `part` of the text in a node; `at` says at which character of it the part begins."""
        written = node.document.node(*node.path).value
        start = at
        if start is None and isinstance(written, str) and len(part) < len(written):
            start = written.rfind(part)
        if start is None or start < 0 or not isinstance(written, str):
            self.add(code, node, message, hint)
            return
        span = node.document.reading.inside(node.path, start, start + len(part))
        self.problems.add(code, node.path, span, message, hint=hint)

    def unknown(
        self,
        what: str,
        node: Node,
        name: str,
        known: Iterable[str],
        *,
        key: bool = False,
        at: int | None = None,
    ) -> None:
        """Report a name that leads nowhere, unless what it means is broken itself."""
        if name in self.hushed:
            return
        names = list(known)
        hint = self.meant(name, names)
        rest = f"; known are {listing(names)}" if names and not hint else ""
        said = {"options": "set of options"}.get(what, what)
        message = f"there is no {said} {name!r}{rest}"
        if key:
            self.add(f"unknown_{what}", node, message, hint, key=True)
        else:
            self.add_within(f"unknown_{what}", node, name, message, hint, at=at)

    def meant(self, name: str, known: Iterable[str]) -> str | None:
        """Return what `name` is probably meant for: what it was renamed to (CF-4), or what looks like it."""
        names = list(known)
        now = self.former.get(name)
        return now if now in names else did_you_mean(name, names)

    # ------------------------------------------------------------ names

    def lacks(self, entity: str, field_name: str) -> bool:
        """Say whether an entity has no such field, and that not because something broken would bring it."""
        return field_name not in self.fields[entity] and not self.hushed & {entity, field_name}

    def name(self, kind: str, node: Node | None, *, key: bool = False) -> str | None:
        """Return the name of another document, or None when there is none; `key` looks at the node's key."""
        if node is None:
            return None
        name = node.key if key else str(node.value)
        if name in self.documents.get(kind, {}):
            self.used.add((kind, name))
            self.mention((kind, name), node, name, key=key)
            return name
        self.unknown(kind, node, name, self.documents.get(kind, {}), key=key)
        return None

    def names(self, kind: str, nodes: Iterable[Node]) -> tuple[str, ...]:
        """Return the names that exist among several."""
        found = (self.name(kind, node) for node in nodes)
        return tuple(dict.fromkeys(name for name in found if name is not None))

    def entity(self, node: Node | None) -> str | None:
        """Return the entity that a node names, if it could be built."""
        name = self.name("entity", node)
        return name if name in self.fields else None

    def field(
        self, entity: str | None, node: Node | None, *, key: bool = False, at: int | None = None
    ) -> str | None:
        """Return the field of `entity` that a node, or its key, names; `at` says where in a longer text."""
        if node is None or entity is None:
            return None
        name = node.key if key else str(node.value)
        fields = self.fields[entity]
        if name in fields:
            self.mention(self.owners[id(fields[name])], node, name, key=key, at=at)
            return name
        if name not in self.hushed:
            hint = self.meant(name, fields)
            rest = "" if hint else f"; it has {listing(fields)}"
            message = f"{entity} has no field {name!r}{rest}"
            if key:
                self.add("unknown_field", node, message, hint, key=True)
            else:
                self.add_within("unknown_field", node, name, message, hint, at=at)
        return None

    def field_list(self, entity: str | None, nodes: Iterable[Node]) -> tuple[str, ...]:
        """Return the fields that exist among several; one named twice is reported and kept once."""
        found: dict[str, None] = {}
        for node in nodes:
            name = self.field(entity, node)
            if name is not None and name in found:
                message = f"{name!r} is in the list already"
                self.add("duplicate_value", node, message, level=Level.warning)
            elif name is not None:
                found[name] = None
        return tuple(found)

    def stage(self, entity: str | None, node: Node | None, *, key: bool = False) -> str | None:
        """Return the stage of `entity` that a node, or its key, names."""
        if node is None or entity is None:
            return None
        name = node.key if key else str(node.value)
        stages = self.stages.get(entity)
        if stages is None:
            if not self.hushed & {entity, name}:
                self.add("unknown_stage", node, f"{entity} has no pipeline, so it has no stages", key=key)
            return None
        if name in stages:
            self.mention(self.option_target(("entity", entity, "fields", "stage"), name), node, name, key=key)
            return name
        self.unknown("stage", node, name, stages, key=key)
        return None

    # ------------------------------------------------------------ expressions

    def rule(self, node: Node | None, where: Where, expect: Type | None = BOOL) -> Expression | None:
        """Compile the expression that a node holds; None when there is none or it is wrong."""
        return None if node is None else self.compile(node, str(node.value), where, expect)

    def compile(self, node: Node, text: str, where: Where, expect: Type | None) -> Expression | None:
        """Compile `text`, which stands in `node`, perhaps behind words of ours; each problem is placed inside it."""
        written = str(node.value)
        shift = len(text) - len(written) if text.endswith(written) else 0
        shape = None if where.entity is None else self.world.get(where.entity)
        scope = Scope(record=shape, old=where.old, user=where.user, clock=where.clock)
        made = compile_expression(text, scope, expect=expect, sql=where.sql)
        found = made if isinstance(made, list) else made.warnings
        for problem in found:
            words = re.findall(r"\w+", text[problem.start : problem.end])
            if self.hushed.intersection(words):
                continue
            hint = problem.hint
            if problem.code in ("unknown_field", "unknown_option"):
                hint = next((self.former[word] for word in reversed(words) if word in self.former), hint)
            start, end = max(problem.start - shift, 0), max(problem.end - shift, 0)
            span = node.document.reading.inside(node.path, start, end)
            self.problems.add(problem.code, node.path, span, problem.message, hint=hint, level=problem.level)
        if isinstance(made, list):
            return None
        self._mention_all(made, node, text, where)
        return made

    def _mention_all(self, made: Expression, node: Node, text: str, where: Where) -> None:
        shift = len(text) - len(str(node.value))
        if text.endswith(str(node.value)):
            self.mention_within(made, node, where.entity, -shift)

    def mention_within(self, made: Expression, node: Node, record: str | None, offset: int) -> None:
        """Note what an expression over `record` names that stands in a text, `offset` characters after its start."""
        for one in spoken(made, record):
            owner: Target = ("role", one.field)
            if one.shape != "role":
                entity, _, table = one.shape.partition(".")
                field_path = (table, one.field) if table else (one.field,)
                found = self._field_at(entity, field_path)
                if found is None:
                    continue
                owner = self.owners[id(found)]
                if one.option is not None:
                    if one.option not in names_of(found):
                        continue
                    owner = self.option_target(owner, one.option)
            elif one.field not in self.documents.get("role", {}):
                at = one.start + offset
                self.unknown("role", node, one.field, self.documents.get("role", {}), at=max(at, 0))
                continue
            if one.start + offset >= 0:
                keys = node.path
                self._note(owner, node.document.path, keys, one.start + offset, one.end + offset)

    def _field_at(self, entity: str, path: tuple[str, ...]) -> Field | None:
        found = self.fields.get(entity, {}).get(path[0])
        return found.fields.get(path[1]) if found is not None and len(path) > 1 else found

    def _note(
        self, target: Target, file: str, keys: KeyPath, start: int, end: int, key: bool = False
    ) -> None:
        self.mentions[Mention(target, file, keys, start, end, key)] = None

    def mention(
        self, target: Target, node: Node, name: str, *, key: bool = False, at: int | None = None
    ) -> None:
        """Note that a node, or its key, speaks of something by `name`; `at` says from which character on."""
        if key:
            self._note(target, node.document.path, node.path, 0, len(name), True)
            return
        # A node may stand for a part of what is written: `-amount`, `record.close_on`, `role:seller`.
        written = node.document.node(*node.path).value
        if not isinstance(written, str):
            return
        start = written.rfind(name) if at is None else at
        if start >= 0:
            self._note(target, node.document.path, node.path, start, start + len(name))

    def option_target(self, owner: Target, option: str) -> Target:
        """Return where an option of a field is defined: in the field, a shared set, a pipeline, or as a pool."""
        entity, field_name = owner[1], owner[-1]
        document = self.documents.get("entity", {}).get(entity)
        part = None if document is None else document.node(*owner[2:])
        if part is None or part.path != owner[2:]:
            if field_name == "stage":
                for pipeline in self.documents.get("pipeline", {}).values():
                    if pipeline.node("entity").value == entity:
                        return ("pipeline", pipeline.name, "stages", option)
            return ("pool", option) if field_name == "pool" else (*owner, "options", option)
        options = part.get("options")
        if options is not None and isinstance(options.value, str):
            return ("options", options.value, option)
        return (*owner, "options", option)

    def mention_options(self, node: Node, target: Field) -> None:
        """Note the options of `target` that a plain value names."""
        owner = self.owners.get(id(target))
        for item in node.items() if owner is not None and target.options else ():
            if owner is not None and item.value in names_of(target):
                self.mention(self.option_target(owner, item.value), item, item.value, at=0)

    def value(self, node: Node, target: Field, where: Where) -> object:
        """Return the expression or plain value that a node gives to a field, or MISSING."""
        raw = node.value
        if isinstance(raw, str) and self._is_computed(raw, target):
            text = "record.id" if raw.strip() == "record" else raw
            if target.kind != "reference":
                made = self.compile(node, text, where, kind_of(target).expr_type(target))
                owner = self.owners.get(id(target))
                for word in literals(made.node) if made is not None and owner is not None else ():
                    if owner is not None and word.value in names_of(target) and text == node.value:
                        start, end = quoted(word, text)
                        said = self.option_target(owner, str(word.value))
                        self._note(said, node.document.path, node.path, start, end)
                return MISSING if made is None else made
            return self._pointer(node, text, target, where)
        if isinstance(raw, dict) and raw and target.kind in WORDS - {"json"}:
            if all(isinstance(text, str) and _LANGUAGE.match(lang) for lang, text in raw.items()):
                return Label.of(raw)
            self.add("bad_value", node, f"a mapping of languages to texts is needed for {target.name!r}")
            return MISSING
        if target.kind == "boolean" and raw in ("yes", "no"):
            return is_yes(raw)
        if isinstance(raw, str) and target.kind in NUMBERS and _LEADING_ZERO.match(raw):
            self.add("bad_value", node, f"{shown(raw)} is text, since no number begins with a zero")
            return MISSING
        self.mention_options(node, target)
        try:
            return kind_of(target).parse(raw, target)
        except FieldProblem as problem:
            if target.options:
                wrong = next((one for one in items_of(raw) if one not in names_of(target)), raw)
                hint = self.meant(str(wrong), names_of(target))
                known = "" if hint else f"; known are {listing(names_of(target))}"
                self.add("unknown_option", node, f"there is no option {shown(wrong)}{known}", hint)
            else:
                message = f"{shown(raw)} is no value for {target.name!r}: {problem.message.get('en')}"
                self.add("bad_value", node, message)
            return MISSING

    def _is_computed(self, text: str, target: Field) -> bool:
        if target.kind in ("choice", "multi_choice") and any(
            option.name == text for option in target.options
        ):
            return False
        call = _CALL.match(text)
        if _SURELY_COMPUTED.match(text) or (call is not None and call[1] in BY_NAME):
            return True
        if target.kind in WORDS:
            return False
        if target.kind in POINTERS or _BEGINS_WITH_NAME.match(text):
            return True
        try:
            kind_of(target).parse(text, target)
        except FieldProblem:
            return _COMPUTED.search(text) is not None
        return False

    def _pointer(self, node: Node, text: str, target: Field, where: Where) -> object:
        made = self.compile(node, text, where, None)
        if made is None:
            return MISSING
        entities = target.params.get("entities") or [target.params.get("entity")]
        fits = made.type.kind is Kind.null or (
            made.type.kind is Kind.reference and made.type.entity in entities
        )
        if not fits and not ("entities" in target.params and made.type.kind is Kind.text):
            wanted = listing(str(entity) for entity in entities)
            self.add(
                "type_mismatch", node, f"a reference to {wanted} is needed here, but this is {made.type}"
            )
            return MISSING
        return made

    # ------------------------------------------------------------ small things

    def duration(self, node: Node | None) -> Duration | None:
        """Return the length of time that a node says."""
        if node is None:
            return None
        found = _DURATION.match(str(node.value).strip())
        if found is None or (found[2] and found[3] not in ("hour", "day")):
            message = (
                f"{node.value!r} is no length of time; write 3 days, 2 business days, 36 hours or 2 weeks"
            )
            self.add("bad_duration", node, message)
            return None
        unit: Unit
        match found[2], found[3]:
            case None, "minute":
                unit = "minutes"
            case None, "hour":
                unit = "hours"
            case None, "day":
                unit = "days"
            case None, "week":
                unit = "weeks"
            case _, "hour":
                unit = "business_hours"
            case _:
                unit = "business_days"
        return Duration(int(found[1]), unit)

    def durations(self, nodes: Iterable[Node]) -> tuple[Duration, ...]:
        """Return several lengths of time."""
        return tuple(made for made in map(self.duration, nodes) if made is not None)


def _former_names(name: str, data: object) -> dict[str, str]:
    """Return what `was:` says in a document, or a part of it called `name`."""
    if not isinstance(data, dict):
        return {}
    said = data.get("was")
    found = {was: name for was in items_of(said) if isinstance(was, str)} if said is not None else {}
    for key, part in data.items():
        if isinstance(part, dict):
            found |= _former_names(str(key), part)
    return found
