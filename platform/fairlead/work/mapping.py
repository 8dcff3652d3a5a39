"""Which column of a file fills which field, and a row of texts as the values of a record. Pure.

Where a text names another record, a person or a team, the row only says what has to be looked up; what was found is
handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, Literal

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.decide.edit import Input
from fairlead.expr.check import Expression
from fairlead.fields.folding import fold
from fairlead.fields.kind import FieldProblem, Formats, both, is_blank
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.workflows import ColumnMap, Connector

LINE_COLUMN, REASON_COLUMN = "_line", "_reason"
"""What a file of rows that were not taken has beside its own columns; left out when it comes back mended."""

POINTERS = ("reference", "references", "user", "team")
_KEPT_TEXTS = 4096
_RISKY = ("=", "+", "-", "@", "\t", "\r")

Wanted = tuple[str, str | None, str]
"""What is to be looked up: an entity, `user` or `team`; the field compared with, None for the title; the text."""

Found = Mapping[Wanted, "str | FieldProblem"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a row was not taken: `column` is the title in the file, "" for the row as a whole."""

    column: str
    field: str
    code: str
    message: Label

    def text(self, lang: str) -> str:
        """Return it as it stands in the file of rows that were not taken."""
        said = self.message.get(lang)
        return f"{self.column}: {said}" if self.column else said


@dataclass(frozen=True, slots=True)
class Lookup:
    """Whom the texts of a column name. `targets` has more than one for a reference to one of several entities."""

    targets: tuple[str, ...]
    by: str | None
    missing: Literal["quarantine", "empty", "create"]
    several: bool
    prefixed: bool

    def wanted(self, text: str, names: Mapping[str, str]) -> Iterator[Wanted]:
        """Yield what one cell asks for."""
        for part in _parts(text) if self.several else (text,):
            target = self.targets[0]
            if self.prefixed:
                word, colon, rest = part.replace("：", ":", 1).partition(":")
                if not colon or fold(word) not in names:
                    message = both("Write it like {entity}: name.", "请按“{entity}: 名称”填写。")
                    raise FieldProblem("invalid", message.format(entity=target))
                target, part = names[fold(word)], rest.strip()
            yield target, self.by, part


def _parts(text: str) -> list[str]:
    return [
        part.strip() for part in text.replace("；", ";").replace("\n", ";").split(";") if not is_blank(part)
    ]


@dataclass(slots=True)
class Column:
    """One field and where its values come from."""

    spec: Field
    title: str
    position: int | None
    """Of the column in the file; None for a constant."""
    text: str
    """The constant, or what stands in for an empty cell."""
    values: Mapping[str, str]
    formats: Formats
    lookup: Lookup | None
    clears: bool
    """Whether an empty cell says that the field is empty, so that no default is worked out for it."""
    parse: Callable[[str], Any]
    _kept: dict[str, Any] | None = field(default=None)

    def cell(self, cells: Sequence[str]) -> str:
        """Return the text to be read: replaced, trimmed, "" when there is nothing."""
        if self.position is None:
            return self.text
        text = cells[self.position]
        if self.values:
            replaced = self.values.get(text)
            if replaced is None:
                replaced = self.values.get(text.strip())
            if replaced is not None:
                text = replaced
        if not text or is_blank(text):
            return self.text
        # A mark before a sign keeps spreadsheets from taking a text for a formula; our own exports set it.
        if text[0] == "'" and text[1:2] in _RISKY:
            return text[1:]
        return text

    def value(self, text: str) -> Any:
        """Return the domain value of a text.

        Raises:
            FieldProblem: It cannot be kept.
        """
        kept = self._kept
        if kept is None:
            return self.parse(text)
        found = kept.get(text, kept)
        if found is kept:
            try:
                found = self.parse(text)
            except FieldProblem as problem:
                found = problem
            if len(kept) < _KEPT_TEXTS:
                kept[text] = found
        if isinstance(found, FieldProblem):
            raise FieldProblem(found.code, found.message)
        return found


@dataclass(slots=True)
class RowMap:
    """How the rows of one file become values of one entity."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    unused: tuple[str, ...]
    """Titles of columns that no field reads."""
    entity_names: Mapping[str, str]
    """Folded name or label of an entity to its name."""
    width: int
    """How many columns the file has."""
    _titles: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._titles = {column.spec.name: column.title for column in self.columns}

    @property
    def fields(self) -> frozenset[str]:
        """The fields that this file fills."""
        return frozenset(self._titles)

    def title(self, name: str) -> str:
        """Return the title of the column that fills a field, or the field's name."""
        return self._titles.get(name) or name

    def patterns(self) -> dict[int, str]:
        """Return how dates of a workbook, which are no texts, are written in each column."""
        found: dict[int, str] = {}
        for column in self.columns:
            if column.position is not None:
                pattern = column.formats.pattern or (
                    "YYYY-MM-DD HH:mm:ss" if column.spec.kind == "datetime" else None
                )
                if pattern is not None and pattern != "percent":
                    found.setdefault(column.position, pattern)
        return found

    def lookups(self) -> tuple[Column, ...]:
        """Return the columns whose texts are looked up."""
        return tuple(column for column in self.columns if column.lookup is not None)

    def wanted(self, column: Column, cells: Sequence[str]) -> tuple[Wanted, ...]:
        """Return what one row asks to be looked up for one column; nothing where the text cannot be read."""
        text = column.cell(cells)
        if not text or column.lookup is None:
            return ()
        try:
            return tuple(column.lookup.wanted(text.strip(), self.entity_names))
        except FieldProblem:
            return ()

    def read(self, cells: Sequence[str], found: Found) -> tuple[Input, list[Reason]]:
        """Return the values of one row, and what is wrong with it."""
        values: dict[str, Any] = {}
        reasons: list[Reason] = []
        for column in self.columns:
            text = column.cell(cells)
            if not text:
                if column.clears:
                    values[column.spec.name] = None
                continue
            try:
                value = column.value(text) if column.lookup is None else self._pointer(column, text, found)
            except FieldProblem as problem:
                reasons.append(Reason(column.title, column.spec.name, problem.code, problem.message))
                continue
            if value is not None:
                values[column.spec.name] = value
            elif column.clears:
                values[column.spec.name] = None
        return Input(values), reasons

    def _pointer(self, column: Column, text: str, found: Found) -> Any:
        assert column.lookup is not None
        keys = []
        for wanted in column.lookup.wanted(text.strip(), self.entity_names):
            key = found[wanted]
            if isinstance(key, FieldProblem):
                if column.lookup.missing == "empty" and key.code == "unknown_record":
                    continue
                raise FieldProblem(key.code, key.message)
            keys.append(f"{wanted[0]}:{key}" if column.lookup.prefixed else key)
        if column.lookup.several:
            return tuple(dict.fromkeys(keys)) or None
        return keys[0] if keys else None

    def reason(self, error: FieldError) -> Reason:
        """Return what a rule of the entity says, at the column of the file."""
        name = error.field.partition("[")[0]
        message = error.message if isinstance(error.message, Label) else Label.of(error.message)
        title = self._titles.get(name, "")
        return Reason(title or name, name, error.code, message)


# ---------------------------------------------------------------- from a document, or from the titles


@dataclass(frozen=True, slots=True)
class Target:
    """What rows become: an entity's fields, or those of people or teams, and which of them may be given."""

    name: str
    label: Label
    fields: Mapping[str, Field]
    writable: frozenset[str]
    entities: Mapping[str, tuple[Label, ...]]
    """The workspace's entities by name, with their labels: for references to one of several."""

    @property
    def names(self) -> dict[str, str]:
        """Folded names and labels of entities."""
        found: dict[str, str] = {}
        for name, labels in self.entities.items():
            for word in (name, *(text for label in labels for text in label.texts.values())):
                found.setdefault(fold(word), name)
        return found


def from_connector(target: Target, connector: Connector, header: Sequence[str], zone: tzinfo) -> RowMap:
    """Return how the rows of a file are read under a mapping document.

    Raises:
        Invalid: A column that is not in the file, or a field that may not be given; all of them together.
    """
    errors: list[FieldError] = []
    places = _places(header)
    columns = []
    for one in connector.columns:
        spec = target.fields[one.field]
        if not _givable(spec, target, errors, one.column or one.field):
            continue
        position = None
        if one.column is not None:
            place = places.get(one.column.strip(), places.get(fold(one.column)))
            if place is None:
                hint = did_you_mean(one.column, [title for title in header if title])
                errors.append(FieldError(one.column, "unknown_column", both(
                    "The file has no column {name}." + (" Did you mean {hint}?" if hint else ""),
                    "文件中没有列“{name}”。",
                ).format(name=repr(one.column), hint=repr(hint))))  # fmt: skip
                continue
            position = place
        formats = Formats(one.format, connector.decimal, connector.thousands, zone)
        columns.append(_column(spec, one.column or "", position, formats, one))
    if errors:
        raise Invalid(errors)
    used = {column.position for column in columns}
    unused = tuple(
        title for place, title in enumerate(header) if title and place not in used and not _ours(title)
    )
    return RowMap(tuple(columns), connector.key, unused, target.names, len(header))


def from_titles(
    target: Target,
    header: Sequence[str],
    zone: tzinfo,
    *,
    key: tuple[str, ...] = (),
    skip: Sequence[str] = (),
) -> RowMap:
    """Return how the rows of a file are read whose titles are names or labels of fields.

    Args:
        target: What rows become.
        header: The titles.
        zone: What local times are in.
        key: Fields by which a row is recognised; where none is given, the first unique field that has a column.
        skip: Titles of columns that are not to be read.

    Raises:
        Invalid: A title that means no field or one that may not be given, or two titles for one field.
    """
    by_word: dict[str, str] = {}
    for name, spec in target.fields.items():
        for word in spec.label.texts.values():
            # Of two fields with one label, that of the document is meant, else the first.
            if fold(word) not in by_word or target.fields[by_word[fold(word)]].origin == "system":
                by_word[fold(word)] = name
    by_word |= {fold(name): name for name in target.fields}
    ignored = {fold(title) for title in skip}
    columns: list[Column] = []
    errors: list[FieldError] = []
    seen: dict[str, str] = {}
    for position, title in enumerate(header):
        if not title or _ours(title) or fold(title) in ignored:
            continue
        found = by_word.get(fold(title))
        if found is None:
            hint = did_you_mean(title, sorted(target.writable))
            errors.append(FieldError(title, "unknown_column", both(
                "No field is called {title}." + (" Did you mean {hint}?" if hint else "")
                + " Leave the column out, or name a mapping.",
                "没有名为“{title}”的字段，请去掉该列或指定映射。",
            ).format(title=repr(title), hint=repr(hint))))  # fmt: skip
        elif found in seen:
            errors.append(FieldError(title, "ambiguous_column", both(
                "{title} and {other} are the same field.", "“{title}”和“{other}”是同一字段。",
            ).format(title=repr(title), other=repr(seen[found]))))  # fmt: skip
        elif _givable(target.fields[found], target, errors, title):
            seen[found] = title
            columns.append(_column(target.fields[found], title, position, Formats(zone=zone), None))
    unknown = [name for name in key if name not in seen]
    errors += [
        FieldError(name, "unmapped_key", both(
            "{name} tells rows apart, but no column fills it.", "“{name}”用于识别行，但没有对应的列。",
        ).format(name=repr(name)))
        for name in unknown
    ]  # fmt: skip
    if errors:
        raise Invalid(errors)
    if not key:
        key = next(((c.spec.name,) for c in columns if c.spec.unique), ())
    skipped = tuple(title for title in header if fold(title) in ignored)
    return RowMap(tuple(columns), key, skipped, target.names, len(header))


def _places(header: Sequence[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for position, title in enumerate(header):
        places.setdefault(title, position)
    for position, title in enumerate(header):
        places.setdefault(fold(title), position)
    return places


def _ours(title: str) -> bool:
    return title in (LINE_COLUMN, REASON_COLUMN)


def _givable(spec: Field, target: Target, errors: list[FieldError], title: str) -> bool:
    if spec.kind == "table":
        message = both("Rows of {name} cannot come from a flat file.", "“{name}”的明细行不能从平面文件导入。")
    elif spec.name not in target.writable or spec.computed:
        message = both(
            "{name} is not yours to give, or the engine keeps it itself. Leave the column out.",
            "“{name}”由系统维护或您无权填写，请去掉该列。",
        )
    else:
        return True
    errors.append(FieldError(title, "readonly_field", message.format(name=spec.label or spec.name)))
    return False


def _column(spec: Field, title: str, position: int | None, formats: Formats, one: ColumnMap | None) -> Column:
    kind = kind_of(spec)
    lookup = _lookup(spec, one) if spec.kind in POINTERS else None
    stands_in: object = None
    if one is not None:
        stands_in = one.constant if one.column is None else one.default
    text = _constant_text(stands_in)
    kept: dict[str, Any] | None = None if spec.kind in ("text", "long_text", "rich_text") else {}
    # A default that is worked out (today, the user) would invent what the file left empty; a plain one stands in.
    clears = position is not None and (isinstance(spec.default, Expression) or spec.name == "owner")
    return Column(
        spec, title, position, text, one.values if one is not None else {}, formats, lookup, clears,
        lambda given: kind.import_parse(given, spec, formats), kept,
    )  # fmt: skip


def _constant_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "; ".join(str(one) for one in value)
    return str(value)


def _lookup(spec: Field, one: ColumnMap | None) -> Lookup:
    by = one.lookup if one is not None else None
    missing = one.missing if one is not None else "quarantine"
    if spec.kind in ("user", "team"):
        return Lookup((spec.kind,), by, missing, False, False)
    entities = spec.params.get("entities")
    targets = tuple(entities) if entities else (str(spec.params["entity"]),)
    return Lookup(targets, by, missing, spec.kind == "references", bool(entities))
