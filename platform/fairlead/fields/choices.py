"""One of several, some of several, yes or no, and words of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from typing import Any, ClassVar

import orjson
from sqlalchemy.types import TypeEngine

from fairlead.base.texts import did_you_mean
from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.folding import fold
from fairlead.fields.kind import Encoder, FieldKind, FieldProblem, Formats, Operator, both, clean_text
from fairlead.fields.spec import Field, Option

MAX_ITEMS = 100
MAX_TAG = 40

_SEPARATORS = re.compile(r"[,;\n，；、]")

_OPTIONS: Mapping[str, Any] = {
    "type": ["string", "array"],
    "minLength": 1,
    "minItems": 1,
    "maxItems": 1000,
    "items": {
        "type": ["string", "object"],
        "minLength": 1,
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 60},
            "label": kind.LABEL_SCHEMA,
            "color": {"type": "string"},
            "active": {"type": "boolean"},
            "was": {"type": ["string", "array"], "minLength": 1, "items": {"type": "string"}},
        },
        "required": ["name"],
        "additionalProperties": False,
    },
}


def option_of(field: Field, name: str) -> Option | None:
    """Return the option that is stored as `name`."""
    return next((option for option in field.options if option.name == name), None)


def option_called(field: Field, text: str) -> Option | None:
    """Return the option that a person means by its name or by its label in any language."""
    wanted = fold(text)
    for option in field.options:
        if wanted == fold(option.name) or any(wanted == fold(word) for word in option.label.texts.values()):
            return option
    return None


def _not_an_option(field: Field, text: str) -> FieldProblem:
    near = did_you_mean(text, [option.name for option in field.options])
    message = both("“{text}” is not one of the options.", "“{text}”不在可选项中。")
    if near:
        message = both(
            "“{text}” is not one of the options. Did you mean {near}?",
            "“{text}”不在可选项中，是否为“{near}”？",
        )
    return FieldProblem("not_an_option", message.format(text=text[:60], near=near))


def _one_of(raw: object, field: Field) -> str | None:
    text = clean_text(raw)
    if text is None:
        return None
    # An option that is no longer offered stays good: records that have it must stay editable.
    if option_of(field, text) is None:
        raise _not_an_option(field, text)
    return text


def _meant(text: str, field: Field) -> str | None:
    plain = clean_text(text)
    if plain is None:
        return None
    found = option_called(field, plain)
    if found is None:
        raise _not_an_option(field, plain)
    return found.name


class Boolean(FieldKind):
    """Yes or no."""

    name = "boolean"
    label = both("Yes / no", "是/否")
    help = both("A box to tick.", "勾选框。")
    widget = "checkbox"
    operators = ("eq", "ne", "is_empty")
    groupable = True

    _WORDS: ClassVar[Mapping[str, bool]] = {
        **dict.fromkeys(("true", "yes", "y", "on", "1", "是", "对", "✓"), True),
        **dict.fromkeys(("false", "no", "n", "off", "0", "否", "不", "✗"), False),
    }

    def expr_type(self, field: Field) -> types.Type:
        return types.BOOL

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.BOOLEAN

    def parse(self, raw: object, field: Field) -> bool | None:
        if raw is None or isinstance(raw, bool):
            return raw
        if isinstance(raw, str):
            if kind.is_blank(raw):
                return None
            if raw in ("true", "false"):
                return raw == "true"
        raise FieldProblem("invalid", both("Answer yes or no.", "请回答是或否。"))

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> bool | None:
        if isinstance(raw, str):
            meant = self._WORDS.get(fold(raw))
            return self.parse(raw, field) if meant is None else meant
        # A hidden input before the box sends a second value: the last one is what the person left.
        if isinstance(raw, list | tuple):
            return self.parse_form(raw[-1], field) if raw else None
        return self.parse(raw, field)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else "true" if value else "false"

    def from_stored(self, stored: Any, field: Field) -> bool | None:
        return None if stored is None else bool(stored)

    def json_encoder(self, field: Field) -> Encoder | None:
        # SQLite keeps 0 and 1.
        return bool

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "boolean"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        if value is None:
            return ""
        return ("是" if value else "否") if lang.startswith("zh") else ("Yes" if value else "No")


class Choice(FieldKind):
    """One of the field's options."""

    name = "choice"
    label = both("Choice", "单选")
    help = both("One of several options.", "从多个选项中选一个。")
    widget = "select"
    operators = kind.EQUALITY
    groupable = True
    params_schema: ClassVar[Mapping[str, Any]] = {"options": _OPTIONS}
    required_params = ("options",)

    def expr_type(self, field: Field) -> types.Type:
        return types.choice_type(option.name for option in field.options)

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> str | None:
        return _one_of(raw, field)

    def json_schema(self, field: Field) -> dict[str, Any]:
        return _one_json(field)

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else _shown(value, field, lang)

    def search_text(self, value: Any, field: Field) -> str | None:
        return _words([value], field) if value else None

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> str | None:
        return _meant(text, field)


class Several(FieldKind):
    """What kinds that hold a list of texts have in common; stored as a JSON array."""

    operators: ClassVar[tuple[Operator, ...]] = kind.MEMBERS
    sortable = False

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def item(self, raw: object, field: Field) -> str | None:
        """Read one item."""
        raise NotImplementedError

    def same(self, text: str) -> str:
        """Return what two items have in common when they are the same one."""
        return text

    def parse(self, raw: object, field: Field) -> tuple[str, ...] | None:
        if raw is None:
            return None
        return self.read(raw, field, self.item)

    def read(self, raw: object, field: Field, item: Any) -> tuple[str, ...] | None:
        """Read a list, each item once and in the order given; nothing in it is the empty value."""
        parts = kind.texts_of(raw, _SEPARATORS)
        most = int(field.params.get("max_items", MAX_ITEMS))
        if len(parts) > MAX_ITEMS * 10:
            raise _too_many(most)
        found: dict[str, str] = {}
        for part in parts:
            text = item(part, field)
            if text is not None:
                found.setdefault(self.same(text), text)
        if len(found) > most:
            raise _too_many(most)
        return tuple(found.values()) or None

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return ", ".join(value or ())

    def to_stored(self, value: Any, field: Field) -> str | None:
        return orjson.dumps(list(value)).decode() if value else None

    def from_stored(self, stored: Any, field: Field) -> tuple[str, ...] | None:
        return None if stored is None else tuple(orjson.loads(stored)) or None

    def json_encoder(self, field: Field) -> Encoder | None:
        return orjson.loads

    def item_schema(self, field: Field) -> dict[str, Any]:
        """Return the JSON Schema of one item."""
        return {"type": "string"}

    def json_schema(self, field: Field) -> dict[str, Any]:
        most = int(field.params.get("max_items", MAX_ITEMS))
        return {"type": "array", "items": self.item_schema(field), "maxItems": most}


class MultiChoice(Several):
    """Some of the field's options."""

    name = "multi_choice"
    label = both("Several choices", "多选")
    help = both("Any of several options.", "可选择多个选项。")
    widget = "checkboxes"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "options": _OPTIONS,
        "max_items": {"type": "integer", "minimum": 1, "maximum": MAX_ITEMS},
    }
    required_params = ("options",)

    def expr_type(self, field: Field) -> types.Type:
        return types.list_type(
            types.choice_type(option.name for option in field.options), max_items=MAX_ITEMS
        )

    def item(self, raw: object, field: Field) -> str | None:
        return _one_of(raw, field)

    def item_schema(self, field: Field) -> dict[str, Any]:
        return _one_json(field)

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return _joined((_shown(name, field, lang) for name in value or ()), lang)

    def search_text(self, value: Any, field: Field) -> str | None:
        return _words(value, field) if value else None

    def import_parse(
        self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS
    ) -> tuple[str, ...] | None:
        return self.read(text, field, _meant)


class Tags(Several):
    """Words of one's own."""

    name = "tags"
    label = both("Tags", "标签")
    help = both("Words to group records by.", "用于归类的词语。")
    widget = "tags"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "max_items": {"type": "integer", "minimum": 1, "maximum": MAX_ITEMS}
    }

    def expr_type(self, field: Field) -> types.Type:
        return types.list_type(types.TEXT, max_items=MAX_ITEMS)

    def same(self, text: str) -> str:
        return fold(text)

    def item(self, raw: object, field: Field) -> str | None:
        text = clean_text(raw)
        if text is not None and len(text) > MAX_TAG:
            raise FieldProblem(
                "too_long",
                both("A tag has at most {most} characters.", "每个标签最多 {most} 个字符。").format(
                    most=MAX_TAG
                ),
            )
        return text

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return _joined(value or (), lang)

    def search_text(self, value: Any, field: Field) -> str | None:
        return " ".join(value) if value else None


def _one_json(field: Field) -> dict[str, Any]:
    names = [option.name for option in field.options]
    return {"type": "string", "enum": names} if names else {"type": "string"}


def _shown(name: str, field: Field, lang: str) -> str:
    option = option_of(field, name)
    # A value from before its option was taken out of the configuration still has its name.
    return option.label.get(lang) if option else str(name)


def _words(names: Iterable[str], field: Field) -> str:
    options = [option_of(field, name) for name in names]
    return " ".join(word for option in options if option for word in option.label.texts.values())


def _joined(words: Iterable[str], lang: str) -> str:
    return ("、" if lang.startswith("zh") else ", ").join(words)


def _too_many(most: int) -> FieldProblem:
    return FieldProblem("too_many", both("At most {most} values.", "最多 {most} 项。").format(most=most))
