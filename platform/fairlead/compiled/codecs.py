"""What may be sent to an entity, as marshmallow schemas: one for each entity and action.

A schema names every key that may come and refuses all others; each value is read by its field's kind. The
description of the API is made from the same schemas, so that it cannot say anything else.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from marshmallow import RAISE, Schema, ValidationError, fields

from fairlead.base.errors import FieldError, Invalid
from fairlead.base.texts import Label, did_you_mean
from fairlead.fields.kind import FieldProblem
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field
from fairlead.model.entities import Entity

Action = Literal["create", "update"]

_SENTENCES: Mapping[str, Label] = {
    "required": Label({"en": "This is needed.", "zh": "此项必填。"}),
    "is_empty": Label({"en": "This must not be empty.", "zh": "此项不能为空。"}),
    "readonly_field": Label({"en": "This cannot be changed here.", "zh": "此项不能在这里修改。"}),
    "unknown_field": Label({"en": "There is no such field here.", "zh": "这里没有该字段。"}),
    "invalid": Label({"en": "Send an object with the fields.", "zh": "请提交包含字段的对象。"}),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What marshmallow carries from a value that cannot be kept to the place that knows its path."""

    code: str
    message: Label


class Value(fields.Field[Any]):
    """One field of an entity, read as its kind reads it."""

    def __init__(self, spec: Field, *, required: bool = False, filled: bool = False) -> None:
        """Make a field.

        Args:
            spec: What it is.
            required: It must be sent.
            filled: It must not be sent empty.
        """
        super().__init__(
            required=required,
            allow_none=not filled,
            error_messages={"required": "required", "null": "is_empty"},
        )
        self.spec = spec
        self.filled = filled

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            found = kind_of(self.spec).parse(value, self.spec)
        except FieldProblem as problem:
            raise _error(Finding(problem.code, problem.message)) from None
        if found is None and self.filled:
            raise _error(Finding("is_empty", _SENTENCES["is_empty"]))
        return found


class Lines(fields.List[Any]):
    """The rows of a line table."""

    def __init__(
        self, spec: Field, row: type[Schema], *, required: bool = False, filled: bool = False
    ) -> None:
        super().__init__(
            fields.Nested(row),
            required=required,
            allow_none=not filled,
            error_messages={"required": "required", "null": "is_empty"},
        )
        self.spec = spec
        self.filled = filled

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        try:
            found = kind_of(self.spec).parse(value, self.spec)
        except FieldProblem as problem:
            raise _error(Finding(problem.code, problem.message)) from None
        if not found and self.filled:
            raise _error(Finding("is_empty", _SENTENCES["is_empty"]))
        return super()._deserialize(list(found or ()), attr, data, **kwargs)


def _error(finding: Finding) -> ValidationError:
    error = ValidationError("")
    error.messages = [finding]
    return error


class _Strict(Schema):
    """The base of all input: a key that is not known is a mistake, not noise."""

    class Meta:
        """How marshmallow treats the whole."""

        unknown = RAISE

    error_messages = {"unknown": "unknown_field", "type": "invalid"}  # noqa: RUF012 - marshmallow reads it so


def writable(entity: Entity, action: Action) -> tuple[Field, ...]:
    """Return the fields that a document lets people write, whoever they are."""
    given = ("owner", "tags", "stage") if action == "create" else ("tags", "stage")
    return tuple(
        field
        for field in entity.fields.values()
        if not field.computed
        and field.kind != "sequence"
        and ((field.origin == "document" and not field.readonly) or field.name in given)
    )


def input_schema(entity: Entity, action: Action, only: Container[str] | None = None) -> type[Schema]:
    """Return the schema of what may be sent to create or change a record of `entity`.

    Args:
        entity: Whose record it is.
        action: What is done.
        only: The fields that this person may write; None leaves nobody in particular in mind.

    A required field that is only sometimes visible, or has a default, need not be sent: whether it is
    missing is judged when the whole record is known.
    """
    members: dict[str, fields.Field[Any]] = {
        field.name: _member(field, f"{title(entity.name)}.{action}.{field.name}", action)
        for field in writable(entity, action)
        if only is None or field.name in only
    }
    return _Strict.from_dict(members, name=f"{title(entity.name)}.{action}")


def _member(field: Field, row_name: str, action: Action) -> fields.Field[Any]:
    filled = field.required and field.visible_when is None
    needed = filled and action == "create" and field.default is None
    if field.kind != "table":
        return Value(field, required=needed, filled=filled)
    row: dict[str, fields.Field[Any]] = {
        inner.name: _member(inner, row_name, "create")
        for inner in field.fields.values()
        if not inner.computed and not inner.readonly
    }
    # A row that was read comes back with its key.
    row.setdefault("id", fields.String())
    return Lines(field, _Strict.from_dict(row, name=row_name), required=needed, filled=filled)


def title(name: str) -> str:
    """Return the name under which an entity's schemas stand: `BigDeal`; those of its parts follow after a dot."""
    return "".join(part.capitalize() for part in name.split("_"))


def load(
    schema: Schema, entity: Entity, data: object, readable: Container[str] | None = None
) -> dict[str, Any]:
    """Return `data` as domain values; line tables as lists of rows.

    Args:
        schema: Made by `input_schema`.
        entity: The same entity.
        data: What was sent.
        readable: The fields that this person may know of; others are unknown, not read-only.

    Raises:
        Invalid: All that is wrong, each with its path: `lines[3].qty`.
    """
    try:
        found: dict[str, Any] = schema.load(data)  # type: ignore[arg-type]
    except ValidationError as error:
        known = {name: field for name, field in entity.fields.items() if readable is None or name in readable}
        raise Invalid(_flat(error.messages, known, "")) from None
    return found


def _flat(messages: Any, known: Mapping[str, Field], path: str) -> Iterator[FieldError]:
    for key, inner in messages.items():
        if key == "_schema":
            yield from (_finding(path, found, "", known) for found in inner)
            continue
        where = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}" if path else str(key)
        if isinstance(inner, Mapping):
            field = known.get(str(key))
            yield from _flat(inner, field.fields if field is not None else known, where)
        else:
            yield from (_finding(where, found, str(key), known) for found in inner)


def _finding(where: str, found: object, name: str, known: Mapping[str, Field]) -> FieldError:
    if isinstance(found, Finding):
        return FieldError(where, found.code, found.message)
    code = found if isinstance(found, str) and found in _SENTENCES else "invalid"
    if code == "unknown_field" and name in known:
        code = "readonly_field"
    message = _SENTENCES[code]
    near = did_you_mean(name, known) if code == "unknown_field" else None
    if near:
        message = Label(
            {
                "en": f"There is no field “{name[:60]}” here. Did you mean “{near}”?",
                "zh": f"这里没有字段“{name[:60]}”，是否为“{near}”？",
            }
        )
    return FieldError(where, code, message)
