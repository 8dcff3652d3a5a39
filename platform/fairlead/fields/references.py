"""Pointers: to people, to teams, to records of one entity or of several."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from fairlead.expr import types
from fairlead.fields import choices, columns, kind
from fairlead.fields.kind import FieldKind, FieldProblem, both, clean_text
from fairlead.fields.spec import Field

_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,39}")
NOT_A_KEY = both("This is not the key of a record.", "不是有效的记录编号。")


def _key(raw: object) -> str | None:
    if isinstance(raw, Mapping):
        if "id" not in raw:
            raise FieldProblem("invalid", NOT_A_KEY)
        raw = raw["id"]
    text = clean_text(raw)
    if text is not None and not _KEY.fullmatch(text):
        raise FieldProblem("invalid", NOT_A_KEY)
    return text


class _Pointer(FieldKind):
    """What these kinds have in common. Whether the target exists, and may be seen, is asked later."""

    operators = kind.EQUALITY
    groupable = True
    sortable = False

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> str | None:
        """Read a key, or an object with the key as its `id`, as expanded answers have it."""
        return _key(raw)


class User(_Pointer):
    """A person with an account."""

    name = "user"
    label = both("Person", "人员")
    help = both("Somebody with an account here.", "系统中的人员。")
    widget = "user"

    def expr_type(self, field: Field) -> types.Type:
        return types.USER


class Team(_Pointer):
    """A team."""

    name = "team"
    label = both("Team", "团队")
    help = both("A team of people.", "系统中的团队。")
    widget = "team"

    def expr_type(self, field: Field) -> types.Type:
        return types.TEAM


_NAME: Mapping[str, Any] = {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"}


class Reference(_Pointer):
    """A record of another entity; with `entities` of one among several, written `entity:KEY`."""

    name = "reference"
    label = both("Reference", "关联")
    help = both("A record of another kind.", "关联到其他对象的一条记录。")
    widget = "reference"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "entity": _NAME,
        "entities": {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 20, "uniqueItems": True},
        "on_delete": {"type": "string", "enum": ["restrict", "clear", "cascade"]},
    }
    required_params = ("on_delete",)

    def expr_type(self, field: Field) -> types.Type:
        # Where it leads differs from record to record, so rules see the key alone.
        entity = field.params.get("entity")
        return types.reference_type(entity) if entity else types.TEXT

    def parse(self, raw: object, field: Field) -> str | None:
        entities = field.params.get("entities")
        if not entities:
            return _key(raw)
        if isinstance(raw, Mapping):
            key = _key(raw)
            raw = None if key is None else f"{raw.get('entity')}:{key}"
        text = clean_text(raw)
        if text is None:
            return None
        entity, colon, own_key = text.partition(":")
        if not colon or entity not in entities or not _KEY.fullmatch(own_key):
            message = both("Write it like {entity}:KEY.", "请按 {entity}:编号 填写。")
            raise FieldProblem("invalid", message.format(entity=entities[0]))
        return f"{entity}:{own_key}"


def target_of(value: str, field: Field) -> tuple[str, str]:
    """Return entity and key of what a reference points at."""
    if field.params.get("entities"):
        entity, _, key = value.partition(":")
        return entity, key
    return str(field.params["entity"]), value


class References(choices.Several):
    """Several records of one other entity, in the order given."""

    name = "references"
    label = both("References", "多条关联")
    help = both("Several records of another kind.", "关联到其他对象的多条记录。")
    widget = "references"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "entity": _NAME,
        "on_delete": Reference.params_schema["on_delete"],
        "max_items": {"type": "integer", "minimum": 1, "maximum": choices.MAX_ITEMS},
    }
    required_params = ("entity",)

    def expr_type(self, field: Field) -> types.Type:
        entity = str(field.params["entity"])
        return types.list_type(types.reference_type(entity), max_items=choices.MAX_ITEMS)

    def item(self, raw: object, field: Field) -> str | None:
        return _key(raw)
