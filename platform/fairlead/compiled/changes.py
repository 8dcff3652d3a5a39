"""What publishing would change, as values: compared by meaning, graded by what it can do to people's data.

`safe` refuses and alters no data; `computes` fills or works out values; `tightens` may refuse new writes; `access`
changes who may see or do what; `lossy` shortens, rounds, exchanges or hides values, which are kept aside; `destructive`
keeps nothing aside; `blocked` cannot be done as things stand. Grades that depend on the data are settled by whoever
can count it: a change carries its question.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from fairlead.base.problems import Span
from fairlead.base.texts import LANGUAGES, Label, joined
from fairlead.compiled.conversions import bare, stored_alike
from fairlead.expr.check import Expression
from fairlead.fields.kind import both
from fairlead.fields.spec import Field
from fairlead.model.governance import Grant
from fairlead.model.workspace import Workspace

Difference = tuple[Literal["add", "remove", "change"], tuple[str, ...], Any, Any]
"""(what, path of keys, old, new)."""

Grade = Literal["safe", "computes", "tightens", "access", "lossy", "destructive", "blocked"]
GRADES: tuple[Grade, ...] = ("safe", "computes", "tightens", "access", "lossy", "destructive", "blocked")
"""From the lightest to the gravest (CF-20)."""

MAX_SAMPLES = 5
NOTHING = Label()

_FLOORS = frozenset({"min", "min_length"})
_CEILINGS = frozenset({"max", "max_items", "max_rows"})
BOUNDS = _FLOORS | _CEILINGS | {"pattern"}
"""Keys of a field that say which values may be written; those that exist stay whatever they say."""

SIGNS = {"add": "+", "remove": "-", "change": "~"}

_PLAIN = {None: both("nothing", "无"), "yes": both("yes", "是"), "no": both("no", "否")}

_OPENS = (("member_roles",), ("member_teams",), ("admin_roles",), ("hide_until_claimed",))
"""Keys of a pool that say who sees what is in it, and how much of it."""

DOCUMENTS = (
    "entities", "options", "pipelines", "pools", "approvals", "automations", "connectors", "forms", "lists", "boards",
    "pages", "menus", "roles", "reports", "dashboards", "tests", "calendars", "messages", "printed", "public_forms",
    "quotas",
)  # fmt: skip

_SINGULAR = {
    "entities": "entity", "options": "options", "pipelines": "pipeline", "pools": "pool", "approvals": "approval",
    "automations": "automation", "connectors": "connector", "forms": "form", "lists": "list", "boards": "board",
    "pages": "page", "menus": "menu", "roles": "role", "reports": "report", "dashboards": "dashboard", "tests": "test",
    "calendars": "calendar", "messages": "message", "printed": "document", "public_forms": "public_form",
    "quotas": "quota",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sample:
    """One value that a change touches."""

    record: str
    """Key of the record."""
    value: str | Label
    becomes: str | None = None
    """What it is turned into; None where that is not known or nothing is left of it."""
    why: Label | None = None

    def said(self, lang: str = "en") -> str:
        """Return the value in a language."""
        return self.value.get(lang) if isinstance(self.value, Label) else self.value

    def to_json(self) -> dict[str, Any]:
        """Return the sample for programs; `value` and `why` in English, in each language under `texts`."""
        return {
            "record": self.record, "value": self.said(), "becomes": self.becomes,
            "why": None if self.why is None else self.why.get("en"),
            "texts": {
                lang: {"value": self.said(lang), "why": None if self.why is None else self.why.get(lang)}
                for lang in LANGUAGES
            },
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is kind, name and keys; `span` where the new (or else the old) text stands."""

    action: Literal["add", "remove", "change"]
    path: tuple[str, ...]
    grade: Grade
    old: str | None
    new: str | None
    span: Span | None
    note: Label = NOTHING
    """What is to be said about it."""
    question: tuple[str, ...] = ()
    """What has to be counted in the data before the grade is final: (question, entity, field, value).

    A field of line items is written `lines.price`.
    """
    count: int | None = None
    """How many records, values or people it touches, once they have been counted."""
    samples: tuple[Sample, ...] = ()
    """Some of them, at most five."""
    remedies: tuple[Label, ...] = ()
    """What can be written so that it is no longer blocked."""

    def line(self, lang: str = "en") -> str:
        """Return the change in one line, with the path as documents write it."""
        text = f"{SIGNS[self.action]} {'.'.join(self.path)}"
        if self.turned:
            text += f": {_short(self.old, lang)} → {_short(self.new, lang)}"
        return text + (f"  ({self.note.get(lang)})" if self.note else "")

    @property
    def turned(self) -> bool:
        """Whether one value takes the place of another that can be shown."""
        return self.action == "change" and (self.old is not None or self.new is not None)

    def values(self, lang: str) -> str:
        """Return "old → new" in a language; empty where there is nothing to show."""
        return f"{_short(self.old, lang)} → {_short(self.new, lang)}" if self.turned else ""

    def to_json(self) -> dict[str, Any]:
        """Return the change for programs; `note` and `remedies` in English, in each language under `texts`."""
        return {
            "action": self.action, "path": list(self.path), "grade": self.grade, "old": self.old, "new": self.new,
            "note": self.note.get("en"), "file": self.span.file if self.span else None, "line": self.span.line if self.span else None,
            "count": self.count, "samples": [sample.to_json() for sample in self.samples],
            "remedies": [remedy.get("en") for remedy in self.remedies],
            "texts": {
                lang: {"note": self.note.get(lang), "remedies": [remedy.get(lang) for remedy in self.remedies]}
                for lang in LANGUAGES
            },
        }  # fmt: skip


def _short(text: str | None, lang: str) -> str:
    if text is None or (lang == "zh" and text in ("yes", "no")):
        return _PLAIN[text].get(lang)
    return text if len(text) <= 60 else f"{text[:57]}…"


def files_changed(before: Mapping[str, str], after: Mapping[str, str], note: Label) -> tuple[Change, ...]:
    """Return the files that differ as texts: for what means nothing, or cannot be read, to the engine."""
    return tuple(
        Change("change", ("file", path), "safe", None, None, None, note)
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


LAYOUT = both("only comments or layout", "仅注释或排版不同")
"""What is said of a file whose text differs and whose meaning does not."""


def compare(old: Workspace | None, new: Workspace) -> list[Change]:
    """Return everything that differs, in the order of kinds, names and keys."""
    found: list[Change] = [] if old is None else [*_settings(old, new)]
    for group in DOCUMENTS:
        before: Mapping[str, Any] = getattr(old, group) if old is not None else {}
        after: Mapping[str, Any] = getattr(new, group)
        kind = _SINGULAR[group]
        for name in sorted({*before, *after}):
            one, two = before.get(name), after.get(name)
            if getattr(two if two is not None else one, "derived", False) and (one is None or two is None):
                continue
            if one is None:
                assert two is not None
                found.append(
                    Change(
                        "add",
                        (kind, name),
                        "access" if kind == "role" and old else "safe",
                        None,
                        None,
                        two.span,
                    )
                )
            elif two is None:
                gone = _calendar_gone(old, new, name, one) if kind == "calendar" and old is not None else None
                found.append(gone or _removed(kind, name, one))
            elif not getattr(two, "derived", False):
                found += _graded(kind, name, one, two)
    return found


_SETTINGS: Mapping[str, Grade] = {"zone": "computes", "calendar": "computes"}
"""What the workspace says of itself and every rule in it counts by, with the grade of a change."""

_COUNTED_ANEW = both(
    "reminders are planned anew; dates that stand in records stay", "提醒将重新安排；记录中已有的日期不变"
)
_KEPT_ASIDE = both("the records are kept aside, unseen", "记录另行保存，不再可见")
_NO_ORDER = both("stages are no longer kept in order", "阶段顺序不再受约束")
_FINISH = both("running approvals finish as they began", "进行中的审批按发起时的流程走完")
_SLOWER = both("searches may take longer", "查询可能变慢")
_CONVERTED = both("values that exist are converted", "已有的值将被转换")
_CASCADE = both(
    "who deletes what it points at deletes these records too", "删除所指的记录时，这些记录也会一并删除"
)
_NO_HISTORY = both("changes are no longer written down", "不再记录变更历史")
VALUES_STAY = both("values that exist stay", "已有的值不变")
_BY_TRAIT = both("brought by a trait or a pool", "由特性或公海带来")
_UNSEEN = both("its values are kept aside, unseen", "其值另行保存，不再可见")


def _settings(old: Workspace, new: Workspace) -> Iterator[Change]:
    for name, grade in _SETTINGS.items():
        one, two = getattr(old, name), getattr(new, name)
        if one != two:
            yield Change("change", ("workspace", name), grade, one, two, None, _COUNTED_ANEW)


def _calendar_gone(old: Workspace, new: Workspace, name: str, one: Any) -> Change | None:
    """Return what it means that a calendar goes by which something is counted; None when nothing is."""
    if not counting_by(old, name):
        return None
    other = new.calendar
    note = joined((
        both(
            f"what was counted by it is counted by {other or 'the standard week'}",
            f"原按其计算的期限改按 {other or '标准工作周'} 计算",
        ),
        _COUNTED_ANEW,
    ))  # fmt: skip
    return Change("remove", ("calendar", name), "computes", None, None, one.span, note, ("timers", name))


def counting_by(workspace: Workspace, calendar: str) -> list[tuple[str, str]]:
    """Return kind and name of the documents whose deadlines and rules count by a calendar, named there or not."""
    return [
        (_SINGULAR[group], name)
        for group in ("pipelines", "pools", "approvals", "automations")
        for name, one in getattr(workspace, group).items()
        if (one.calendar or workspace.calendar) == calendar
    ]


def _removed(kind: str, name: str, one: Any) -> Change:
    if kind == "entity":
        return Change("remove", (kind, name), "lossy", None, None, one.span, _KEPT_ASIDE, ("records", name))
    if kind == "role":
        return Change("remove", (kind, name), "access", None, None, one.span, NOTHING, ("people", name))
    if kind == "approval":
        return Change("remove", (kind, name), "tightens", None, None, one.span, NOTHING, ("running", name))
    if kind == "pool":
        return Change(
            "remove", (kind, name), "safe", None, None, one.span, NOTHING, ("pooled", one.entity, name)
        )
    if kind == "pipeline":
        return Change("remove", (kind, name), "tightens", None, None, one.span, _NO_ORDER)
    return Change("remove", (kind, name), "safe", None, None, one.span)


def _nearest(value: Any, path: tuple[str, ...]) -> Span | None:
    """Return where the innermost thing on the way along `path` stands that knows its place."""
    found: Span | None = value.span
    for number, key in enumerate(path):
        if isinstance(value, Grant):
            rest = path[number:]
            return value.place(rest[-1] if rest[0] == "scopes" else ".".join(rest))
        if isinstance(value, Mapping):
            value = value.get(key)
        elif isinstance(value, tuple):
            value = next((one for one in value if getattr(one, "name", None) == key), None)
        else:
            value = getattr(value, key, None)
        found = getattr(value, "span", None) or found
    return found


def _graded(kind: str, name: str, one: Any, two: Any) -> Iterator[Change]:
    for action, path, old, new in walk(one, two, ()):
        span = getattr(new, "span", None) or getattr(old, "span", None) or _nearest(two, path)
        full = (kind, name, *path)
        if kind == "entity" and len(path) >= 2 and path[0] == "fields":
            yield from _field_change(_Difference(name, action, path[1:], old, new, full, span), one, two)
        elif kind == "entity" and path[:1] == ("indexes",):
            yield _index_change(name, action, old, new, two, full, span)
        elif kind == "pipeline" and path[:1] == ("stages",) and len(path) == 2 and action == "remove":
            yield Change("remove", full, "safe", None, None, span, NOTHING, ("in_stage", one.entity, path[1]))
        elif kind == "pool" and path[:1] in _OPENS:
            # Members see what lies in a pool: another member is another pair of eyes.
            yield Change(action, full, "access", text_of(old), text_of(new), span)
        elif kind == "role":
            yield Change(action, full, "access", text_of(old), text_of(new), span)
        elif kind == "calendar":
            yield Change(action, full, "computes", text_of(old), text_of(new), span, _COUNTED_ANEW)
        elif kind == "approval":
            yield Change(action, full, "tightens", text_of(old), text_of(new), span, _FINISH)
        elif kind == "entity" and path[:1] == ("checks",):
            grade: Grade = "tightens" if action != "remove" else "safe"
            at = _check_of(two, path) if action != "remove" else None
            asked = () if at is None else ("violations", name, str(at))
            yield Change(action, full, grade, text_of(old), text_of(new), span, NOTHING, asked)
        else:
            yield Change(action, full, "safe", text_of(old), text_of(new), span)


def _check_of(entity: Any, path: tuple[str, ...]) -> int | None:
    """Return which check of `entity` a difference is about, when it changes what the rule asks."""
    number = int(path[1]) if len(path) > 1 and path[1].isdigit() else None
    if number is None or number >= len(entity.checks):
        return None
    return number if len(path) == 2 or path[2] in ("rule", "on", "from_now_on") else None


def _index_change(
    entity: str, action: Any, old: Any, new: Any, two: Any, full: tuple[str, ...], span: Any
) -> Change:
    if action == "remove":
        return Change(action, full, "safe", text_of(old), text_of(new), span, _SLOWER)
    number = int(full[3]) if len(full) > 3 and full[3].isdigit() else 0
    wanted = two.indexes[number] if number < len(two.indexes) else None
    if wanted is not None and wanted.unique:
        asked = ("doubles", entity, ",".join(wanted.fields))
        return Change(action, full, "tightens", text_of(old), text_of(new), span, NOTHING, asked)
    return Change(action, full, "safe", text_of(old), text_of(new), span, NOTHING, ("indexed", entity))


@dataclass(frozen=True, slots=True)
class _Difference:
    """One difference somewhere in the fields of an entity; `path` begins with the field's name."""

    entity: str
    action: Any
    path: tuple[str, ...]
    old: Any
    new: Any
    full: tuple[str, ...]
    span: Any

    def change(self, grade: Grade, note: Label = NOTHING, question: tuple[str, ...] = ()) -> Change:
        return Change(
            self.action, self.full, grade, text_of(self.old), text_of(self.new), self.span, note, question
        )


def _field_change(found: _Difference, one: Any, two: Any) -> Iterator[Change]:
    path, before, after, dotted = found.path, one.fields, two.fields, found.path[0]
    # What stands in the rows of line items is a field like any other, a level deeper.
    if len(path) >= 3 and path[1] == "fields":
        before, after = before[path[0]].fields, after[path[0]].fields
        dotted, path = f"{path[0]}.{path[2]}", path[2:]
    if len(path) == 1:
        yield from _whole_field(found, dotted, before, after, row="." in dotted)
        return
    was, now, key = before[path[0]], after[path[0]], path[1]
    asked = (found.entity, dotted)
    if key in ("kind", "params", "formula", "rollup") and _first_of(was, now, path):
        unread = "table" in (was.kind, now.kind) or stored_alike(was, now)
        note = NOTHING if unread else _CONVERTED
        yield found.change("safe", note, ("convert", *asked))
    elif key == "params" and path[2:3] == ("on_delete",) and found.new == "cascade":
        yield found.change("lossy", _CASCADE)
    elif key == "params" and path[2:3] and path[2] in BOUNDS:
        if _narrower(path[2], found.old, found.new):
            yield found.change("tightens", VALUES_STAY, ("bounds", *asked, path[2]))
        else:
            yield found.change("safe")
    elif _asks_for_more(key, was, now):
        yield found.change("tightens", NOTHING, ("empty", *asked))
    elif key == "unique" and found.new:
        yield found.change("tightens", NOTHING, ("doubles", *asked))
    elif key == "index":
        yield found.change(
            "safe",
            NOTHING if found.new else _SLOWER,
            ("indexed", found.entity) if found.new else (),
        )
    elif key == "history" and not found.new:
        yield found.change("lossy", _NO_HISTORY)
    elif key == "options" and found.action == "remove" and len(path) == 3 and was.origin == "document":
        offered = was.kind in ("choice", "multi_choice") and now.kind == was.kind
        yield found.change("safe", NOTHING, ("option", *asked, path[2]) if offered else ())
    else:
        yield found.change("safe")


def _narrower(bound: str, old: Any, new: Any) -> bool:
    """Whether a bound lets in less than before; of two that cannot be compared, it is supposed."""
    if new is None:
        return False
    if old is None:
        return True
    try:
        return bool(new > old) if bound in _FLOORS else bool(new < old) if bound in _CEILINGS else True
    except TypeError:
        return True


def _asks_for_more(key: str, was: Field, now: Field) -> bool:
    if key == "required":
        return now.required and not now.computed
    return key == "from_now_on" and was.required and now.required and not now.from_now_on


_OF_STORED_FORM = ("entity", "entities", "scale", "currency", "max_length")
"""Keys of a field that say how its values are kept."""


def _first_of(was: Field, now: Field, path: tuple[str, ...]) -> bool:
    """Whether this is the difference that stands for all that changes how the field's values are kept."""
    if was.kind != now.kind:
        return path[1] == "kind"
    if was.origin != "document":
        return False
    if path[1] in ("formula", "rollup"):
        # A formula that gives way to a roll-up is two differences of one change.
        return path[1] == "formula" or was.formula is None or now.formula is None
    keys = (*_OF_STORED_FORM, "max") if was.kind == "rating" else _OF_STORED_FORM
    return path[1] == "params" and path[2] in keys and not stored_alike(was, now)


def _whole_field(
    found: _Difference, dotted: str, before: Mapping[str, Field], after: Mapping[str, Field], *, row: bool
) -> Iterator[Change]:
    spec: Field = found.new if found.new is not None else found.old
    what: Literal["add", "remove"] = "add" if found.action == "add" else "remove"
    if spec.origin != "document":
        # A trait that comes is graded by its first field; the others follow.
        asked = (
            ("trait", found.entity, spec.name) if what == "add" and spec.name in ("owner", "stage") else ()
        )
        yield Change(what, found.full, "safe", None, None, found.span, _BY_TRAIT, asked)
    elif what == "remove":
        note = joined((_UNSEEN, _perhaps_renamed(spec, before, after)))
        yield Change(
            "remove", found.full, "lossy", None, None, found.span, note, ("values", found.entity, dotted)
        )
    elif spec.computed:
        yield Change(
            "add", found.full, "safe", None, None, found.span, NOTHING, ("compute", found.entity, dotted)
        )
    elif spec.migration.backfill is not None or spec.migration.backfill_default:
        yield Change(
            "add", found.full, "safe", None, None, found.span, NOTHING, ("empty", found.entity, dotted)
        )
    elif spec.required and (spec.default is None or not row):
        yield Change(
            "add", found.full, "tightens", None, None, found.span, NOTHING, ("empty", found.entity, dotted)
        )
    else:
        yield Change("add", found.full, "safe", None, None, found.span)


def _perhaps_renamed(gone: Field, before: Mapping[str, Field], after: Mapping[str, Field]) -> Label:
    """Return the question whether a field that is gone has another name now; nothing is guessed (CF-2)."""
    fresh = [one for name, one in after.items() if name not in before and one.origin == "document"]
    alike = [one.name for one in fresh if one.kind == gone.kind and one.label.texts == gone.label.texts]
    alike = alike or [one.name for one in fresh if one.kind == gone.kind]
    if len(alike) == 1:
        return both(
            f"did you mean to rename it to {alike[0]}? Then write `was: {gone.name}` there",
            f"是否要改名为 {alike[0]}？如是，请在该处写 `was: {gone.name}`",
        )
    return both(
        f"did you mean to rename it? Then write `was: {gone.name}`",
        f"是否要改名？如是，请写 `was: {gone.name}`",
    )


def stored_differently(one: Field, two: Field) -> bool:
    """Whether values written for `one` would be misread as values of `two`, whatever their bounds."""
    return not stored_alike(bare(one), bare(two))


def walk(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Difference]:
    """Yield the differences of two model values, by key; positions in files do not count."""
    if isinstance(old, Expression) and isinstance(new, Expression):
        if old.text != new.text:
            yield "change", path, old, new
    elif dataclasses.is_dataclass(old) and type(old) is type(new):
        for spec in dataclasses.fields(old):
            if spec.name in ("span", "derived", "was") or not spec.compare:
                continue
            one, two = getattr(old, spec.name), getattr(new, spec.name)
            yield from walk(one, two, (*path, spec.name.rstrip("_")))
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *[key for key in new if key not in old]]:
            if key not in new:
                yield "remove", (*path, str(key)), old[key], None
            elif key not in old:
                yield "add", (*path, str(key)), None, new[key]
            else:
                yield from walk(old[key], new[key], (*path, str(key)))
    elif _named(old) and _named(new):
        yield from walk({one.name: one for one in old}, {one.name: one for one in new}, path)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _walk_list(old, new, path)
    elif text_of(old) != text_of(new):
        yield "change", path, old, new


def _walk_list(old: tuple[Any, ...], new: tuple[Any, ...], path: tuple[str, ...]) -> Iterator[Difference]:
    """Compare lists whose entries have no names: what stands in both, wherever, is not a change."""
    before, after = [_essence(one) for one in old], [_essence(one) for one in new]
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        paired = min(b - a, d - c)
        for step in range(paired):
            yield from walk(old[a + step], new[c + step], (*path, str(c + step)))
        for number in range(a + paired, b):
            yield "remove", (*path, str(number)), old[number], None
        for number in range(c + paired, d):
            yield "add", (*path, str(number)), None, new[number]


def _essence(value: Any) -> str:
    """Return a text that is the same for two values that mean the same, wherever they stand."""
    if isinstance(value, Expression):
        return value.text
    if dataclasses.is_dataclass(value):
        parts = (
            f"{spec.name}={_essence(getattr(value, spec.name))}"
            for spec in dataclasses.fields(value)
            if spec.name != "span"
        )
        return f"{type(value).__name__}({', '.join(parts)})"
    if isinstance(value, Mapping):
        return repr({key: _essence(one) for key, one in value.items()})
    if isinstance(value, (tuple, list)):
        return repr([_essence(one) for one in value])
    if isinstance(value, (set, frozenset)):
        return repr(sorted(map(str, value)))
    return repr(value)


def _named(values: Any) -> bool:
    return isinstance(values, tuple) and bool(values) and all(hasattr(one, "name") for one in values)


def text_of(value: Any) -> str | None:
    """Return a model value as short text."""
    if value is None:
        return None
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (frozenset, set)):
        return ", ".join(sorted(str(one) for one in value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(text_of(one) or "" for one in value)
    if dataclasses.is_dataclass(value) and hasattr(value, "name"):
        return str(value.name)
    return str(value)
