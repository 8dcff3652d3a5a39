"""What revisions have renamed, oldest first: the way from a name of then to the name of today, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from fairlead.base.texts import Formerly, Label
from fairlead.compiled.conversions import shown
from fairlead.fields.spec import Field
from fairlead.store.statements import Once, Reads, n
from fairlead.store.system import revision

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """The renames of one revision, all at once."""

    revision: int
    renames: tuple[tuple[Path, Path], ...]
    """Old path, new path."""
    values: Mapping[tuple[str, str], Mapping[str, str]]
    """Entity and field, by their new names: old → new name of an option."""
    forms: Mapping[tuple[str, str], Field] = field(default_factory=dict)
    """Entity and field (`lines.price` for one of line items), by their new names → the field as it was before."""

    def forth(self, path: Path) -> Path:
        """Return what `path` is called after this revision."""
        return _replaced(path, dict(self.renames))

    def back(self, path: Path) -> Path:
        """Return what `path` was called before this revision."""
        return _replaced(path, {new: old for old, new in self.renames})


def _replaced(path: Path, names: Mapping[Path, Path]) -> Path:
    for length in range(len(path), 0, -1):
        if path[:length] in names:
            return (*names[path[:length]], *path[length:])
    return path


_SINCE = Once(
    lambda _: (
        sa.select(revision.c.number, revision.c.identities)
        .where(revision.c.identities.is_not(None), revision.c.number > n("number"))
        .order_by(revision.c.number)
    )
)


def since(where: Reads, number: int = 0) -> list[Step]:
    """Return the renames of all revisions after `number`, oldest first; mostly there are none."""
    return [_step(row[0], json.loads(row[1])) for row in where.all(_SINCE.on(where), {"number": number})]


def _step(number: int, kept: Any) -> Step:
    renames = tuple((tuple(old), tuple(new)) for old, new in kept.get("renames", ()))
    values = {(entity, field): names for entity, field, names in kept.get("values", ())}
    forms = {
        (entity, dotted): Field(dotted, kind, Label({}, dotted), params=params)
        for entity, dotted, kind, params in kept.get("forms", ())
    }
    return Step(number, renames, values, forms)


def translated(
    changes: Mapping[str, Sequence[Any]],
    entity: str,
    number: int | None,
    steps: Sequence[Step],
    *,
    values_too: bool = True,
) -> Mapping[str, Sequence[Any]]:
    """Return the changes of an event in the names of today.

    Args:
        entity: The record's entity, by its name of today.
        number: The revision under which the event happened.
        values_too: Give values of a field that has another kind since as the text they were (`Formerly`).
    """
    later = [step for step in steps if step.revision > (number or 0)]
    if not later or not changes:
        return changes
    then: Path = ("entity", entity)
    for step in reversed(later):
        then = step.back(then)
    found: dict[str, Sequence[Any]] = {}
    for name, values in changes.items():
        path = (*then, "fields", name)
        for step in later:
            path = step.forth(path)
            names = step.values.get((path[1], path[3]))
            if names:
                values = [_value(value, names) for value in values]
            if values_too:
                values = [_formerly(value, path[1], path[3], step.forms) for value in values]
        found[path[3]] = values
    return found


def _formerly(value: Any, entity: str, name: str, forms: Mapping[tuple[str, str], Field]) -> Any:
    if value is None or not forms or isinstance(value, Formerly):
        return value
    form = forms.get((entity, name))
    if form is not None and form.kind == "table":
        rows = (", ".join(str(part) for part in row.values() if part is not None) for row in value)
        return Formerly("; ".join(rows))
    if form is not None:
        return Formerly(shown(value, form))
    if not isinstance(value, list):
        return value
    return [
        {row: _formerly(part, entity, f"{name}.{row}", forms) for row, part in line.items()}
        if isinstance(line, dict) else line
        for line in value
    ]  # fmt: skip


def _value(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        if value.startswith("["):
            return json.dumps([names.get(one, one) for one in json.loads(value)], ensure_ascii=False)
        return names.get(value, value)
    return [names.get(one, one) for one in value] if isinstance(value, list) else value
