"""Rows of the database as JSON values, built once per shape.

A list answers from rows without making objects: names are zipped with values, and only the few kinds whose
stored form is not their JSON form (money, decimals, booleans, lists) are touched again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fairlead.compiled.access import EntityAccess
from fairlead.fields.kind import FieldKind
from fairlead.fields.registry import KINDS, kind_of
from fairlead.fields.spec import Field

Json = dict[str, Any]
Encode = Callable[[Any], Any]


class RowCodec:
    """Turns rows of one select into JSON objects.

    Where the grants of the reader open different fields, the select carries one flag column for each
    grant after the fields; the codec then withholds, row by row, what no matching grant opens.
    """

    __slots__ = ("_encoders", "_grants", "_masked", "_names", "_tables", "_width", "fields", "hidden")

    def __init__(self, fields: Sequence[Field], access: EntityAccess, all_fields: frozenset[str]) -> None:
        self.fields = tuple(fields)
        self._names = tuple(field.name for field in fields)
        self._width = len(self._names)
        self._encoders: tuple[tuple[str, Encode], ...] = tuple(
            (field.name, encode)
            for field in fields
            if (encode := kind_of(field).json_encoder(field)) is not None
        )
        plain = {name for name in all_fields if "." not in name}
        self.hidden: tuple[str, ...] = tuple(sorted(plain - access.seen))
        # Line tables are not in the row; whether they may be seen with it is decided here all the same.
        self._tables = tuple(sorted((plain & access.seen) - {field.name for field in fields}))
        self._masked: tuple[tuple[str, Encode], ...] = ()
        self._grants: tuple[tuple[frozenset[str], frozenset[str]], ...] = ()
        if access.uniform:
            self._masked = tuple((f.name, _masker(f)) for f in fields if f.name in access.masked)
        else:
            self._grants = tuple((grant.readable, grant.masked) for grant in access.read)

    def encode(self, row: Sequence[Any]) -> Json:
        """Return one row as JSON; `_hidden` names what is withheld and `_masked` what is shown in part."""
        found: Json = dict(zip(self._names, row, strict=False))
        for name, encode in self._encoders:
            value = found[name]
            if value is not None:
                found[name] = encode(value)
        if self._grants:
            self._withhold(found, row)
        else:
            for name, mask in self._masked:
                if found[name] is not None:
                    found[name] = mask(found[name])
            if self.hidden:
                found["_hidden"] = self.hidden
            if self._masked:
                found["_masked"] = [name for name, _ in self._masked]
        return found

    def _withhold(self, found: Json, row: Sequence[Any]) -> None:
        readable: frozenset[str] = frozenset()
        masked: frozenset[str] = frozenset()
        for flag, (opens, partly) in zip(row[self._width :], self._grants, strict=False):
            if flag:
                readable |= opens
                masked |= partly
        hidden, partial = [*self.hidden, *(name for name in self._tables if name not in readable)], []
        for field in self.fields:
            name = field.name
            if name in readable:
                continue
            if name in masked:
                partial.append(name)
                if found[name] is not None:
                    found[name] = _masker(field)(found[name])
            else:
                hidden.append(name)
                del found[name]
        if hidden:
            found["_hidden"] = sorted(hidden)
        if partial:
            found["_masked"] = partial


def _masker(field: Field) -> Encode:
    kind = kind_of(field)
    return lambda value: kind.mask(value, field)


def decoder(fields: Sequence[Field]) -> Callable[[Sequence[Any]], dict[str, Any]]:
    """Return a function from a row to domain values, for rules."""
    steps: list[tuple[str, Callable[[Any], Any] | None]] = []
    for field in fields:
        kind = kind_of(field)
        same = type(kind).from_stored is _IDENTITY
        steps.append((field.name, None if same else _reader(field)))

    def decode(row: Sequence[Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for (name, read), value in zip(steps, row, strict=False):
            found[name] = value if read is None or value is None else read(value)
        return found

    return decode


def _reader(field: Field) -> Callable[[Any], Any]:
    kind = kind_of(field)
    return lambda stored: kind.from_stored(stored, field)


def stored_values(values: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """Return domain values in the form the database keeps."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if value is not None:
            field = fields[name]
            if field.kind not in _AS_THEY_ARE:
                value = KINDS[field.kind].to_stored(value, field)
        found[name] = value
    return found


def taken_back(
    values: Mapping[str, Any], changes: Mapping[str, Sequence[Any]], fields: Mapping[str, Field]
) -> dict[str, Any]:
    """Return domain values as they were before an event of the history.

    Args:
        values: The record after the event.
        changes: Field to [old, new], in stored form; of lines and of fields that are gone nothing is taken back.
        fields: Those of the record.
    """
    found = dict(values)
    for name, pair in changes.items():
        field = fields.get(name)
        if field is None or len(pair) != 2 or field.kind == "table":
            continue
        found[name] = None if pair[0] is None else KINDS[field.kind].from_stored(pair[0], field)
    return found


def storing(field: Field) -> Encode | None:
    """Return the function from a field's domain value, not empty, to what the database keeps; None where it is the same."""
    if field.kind in _AS_THEY_ARE:
        return None
    kind = KINDS[field.kind]
    return lambda value: kind.to_stored(value, field)


_IDENTITY = FieldKind.from_stored
_AS_THEY_ARE = frozenset(name for name, kind in KINDS.items() if type(kind).to_stored is FieldKind.to_stored)
"""Kinds whose domain values are kept as they are: most values of most records."""
