"""What publishing would change, as values: compared by meaning, graded by what it can do to people's data.

`safe` refuses and alters no data; `tightens` may refuse new writes; `access` changes who may see or do what;
`lossy` hides values that are kept aside; `blocked` cannot be done as things stand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from fairlead.base.problems import Span
from fairlead.expr.check import Expression
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.workspace import Workspace

Difference = tuple[Literal["add", "remove", "change"], tuple[str, ...], Any, Any]
"""(what, path of keys, old, new)."""

Grade = Literal["safe", "computes", "tightens", "access", "lossy", "blocked"]
GRADES: tuple[Grade, ...] = ("safe", "computes", "tightens", "access", "lossy", "blocked")

DOCUMENTS = (
    "entities", "options", "pipelines", "pools", "approvals", "automations", "connectors", "forms", "lists", "boards",
    "pages", "menus", "roles", "reports", "dashboards", "tests",
)  # fmt: skip

_SINGULAR = {
    "entities": "entity", "options": "options", "pipelines": "pipeline", "pools": "pool", "approvals": "approval",
    "automations": "automation", "connectors": "connector", "forms": "form", "lists": "list", "boards": "board",
    "pages": "page", "menus": "menu", "roles": "role", "reports": "report", "dashboards": "dashboard", "tests": "test",
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
    note: str = ""
    question: tuple[str, ...] = ()
    """What has to be counted in the data before the grade is final: (question, entity, field, value)."""

    def line(self) -> str:
        """Return the change in one line."""
        sign = {"add": "+", "remove": "-", "change": "~"}[self.action]
        text = f"{sign} {'.'.join(self.path)}"
        if self.action == "change" and (self.old is not None or self.new is not None):
            text += f": {_short(self.old)} → {_short(self.new)}"
        return text + (f"  ({self.note})" if self.note else "")

    def to_json(self) -> dict[str, Any]:
        """Return the change for programs."""
        return {
            "action": self.action, "path": list(self.path), "grade": self.grade, "old": self.old, "new": self.new,
            "note": self.note, "file": self.span.file if self.span else None, "line": self.span.line if self.span else None,
        }  # fmt: skip


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= 60 else f"{text[:57]}…"


def compare(old: Workspace | None, new: Workspace) -> list[Change]:
    """Return everything that differs, in the order of kinds, names and keys."""
    found: list[Change] = []
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
                found.append(_removed(kind, name, one))
            elif not getattr(two, "derived", False):
                found += _graded(kind, name, one, two)
    return found


def _removed(kind: str, name: str, one: Any) -> Change:
    if kind == "entity":
        note = "the records are kept aside, unseen"
        return Change("remove", (kind, name), "lossy", None, None, one.span, note, ("records", name))
    if kind == "role":
        return Change("remove", (kind, name), "access", None, None, one.span, "", ("people", name))
    if kind == "approval":
        return Change("remove", (kind, name), "tightens", None, None, one.span, "", ("running", name))
    if kind == "pool":
        return Change("remove", (kind, name), "safe", None, None, one.span, "", ("pooled", one.entity, name))
    if kind == "pipeline":
        return Change(
            "remove", (kind, name), "tightens", None, None, one.span, "stages are no longer kept in order"
        )
    return Change("remove", (kind, name), "safe", None, None, one.span)


def _graded(kind: str, name: str, one: Any, two: Any) -> Iterator[Change]:
    for action, path, old, new in walk(one, two, ()):
        span = getattr(new, "span", None) or getattr(old, "span", None) or two.span
        full = (kind, name, *path)
        if kind == "entity" and len(path) >= 2 and path[0] == "fields":
            yield from _field_change(name, action, path, old, new, one, two, full, span)
        elif kind == "pipeline" and path[:1] == ("stages",) and len(path) == 2 and action == "remove":
            yield Change("remove", full, "safe", None, None, span, "", ("in_stage", one.entity, path[1]))
        elif kind == "role":
            yield Change(action, full, "access", text_of(old), text_of(new), span)
        elif kind == "approval":
            yield Change(
                action,
                full,
                "tightens",
                text_of(old),
                text_of(new),
                span,
                "running approvals finish as they began",
            )
        elif kind == "entity" and path[:1] == ("checks",):
            yield Change(
                action, full, "tightens" if action != "remove" else "safe", text_of(old), text_of(new), span
            )
        else:
            yield Change(action, full, "safe", text_of(old), text_of(new), span)


def _field_change(
    entity: str,
    action: Any,
    path: tuple[str, ...],
    old: Any,
    new: Any,
    one: Any,
    two: Any,
    full: tuple[str, ...],
    span: Any,
) -> Iterator[Change]:
    name, key = path[1], path[2] if len(path) > 2 else ""
    if len(path) == 2:
        spec: Field = new if new is not None else old
        if spec.origin != "document":
            yield Change(action, full, "safe", None, None, span, "brought by a trait or a pool")
        elif action == "add":
            if spec.required and not spec.computed and spec.default is None:
                note = "records that exist may stay empty until they are edited"
                yield Change("add", full, "tightens", None, None, span, note)
            else:
                yield Change("add", full, "safe", None, None, span)
        else:
            note = f"its values are kept aside, unseen; did you mean to rename it? Then write `was: {name}`"
            yield Change("remove", full, "lossy", None, None, span, note, ("values", entity, name))
        return
    before, after = one.fields[name], two.fields[name]
    if key in ("kind", "params") and stored_differently(before, after):
        yield Change("change", full, "blocked", text_of(old), text_of(new), span,
                     "values that exist would mean something else", ("values", entity, name))  # fmt: skip
    elif key == "required" and new:
        yield Change("change", full, "tightens", "no", "yes", span, "", ("empty", entity, name))
    elif key == "unique" and new:
        yield Change("change", full, "tightens", "no", "yes", span, "", ("doubles", entity, name))
    elif (
        key == "options"
        and action == "remove"
        and before.kind in ("choice", "multi_choice")
        and before.origin == "document"
    ):
        yield Change(
            "remove",
            full,
            "safe",
            None,
            None,
            span,
            "",
            ("option", entity, name, path[3] if len(path) > 3 else ""),
        )
    else:
        yield Change(action, full, "safe", text_of(old), text_of(new), span)


def stored_differently(one: Field, two: Field) -> bool:
    """Whether values written for `one` would be misread as values of `two`."""
    if one.kind == "table" or two.kind == "table":
        return one.kind != two.kind
    first, second = kind_of(one), kind_of(two)
    a, b = first.expr_type(one), second.expr_type(two)
    if one.kind == two.kind:
        if one.kind == "reference":
            return (one.params.get("entity"), one.params.get("entities")) != (
                two.params.get("entity"),
                two.params.get("entities"),
            )
        return (a.scale, a.currency) != (b.scale, b.currency)
    texts = {"text", "long_text"}
    return not (one.kind in texts and two.kind in texts) and not (
        one.kind in ("choice", "email", "url") and two.kind in texts
    )


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
