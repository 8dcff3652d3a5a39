"""The page of field types, from their registry."""

from __future__ import annotations

from fairlead.base.texts import Label
from fairlead.config.schemas import field_keys
from fairlead.fields.kind import FieldKind
from fairlead.fields.registry import KINDS
from fairlead.fields.spec import Field

from tools.docs import shapes

_SAMPLES = {"reference": {"entity": "customer"}, "references": {"entity": "product"}}

_KEY_WORDS = {
    "min": "The smallest value that is kept.",
    "max": "The largest value that is kept.",
    "min_length": "The shortest text, in characters.",
    "max_length": "The longest text, in characters.",
    "pattern": "A regular expression that the whole text must fit; bounded, so that it always ends.",
    "currency": "The currency of the amount; that of the workspace, when nothing is said.",
    "scale": "How many decimals are kept.",
    "options": "The name of a set of options, or the options themselves.",
    "max_items": "How many values at most.",
    "region": "The country of numbers written without one.",
    "entity": "The entity that it points to.",
    "entities": "Several entities, of which it points to one record.",
    "on_delete": "What happens here when that record is deleted: refused, emptied, or deleted too.",
    "fields": "The fields of one line.",
    "format": "How the number is written, such as `QT-{year}-{n:05}`.",
    "reset": "When counting begins anew.",
    "gapless": "Whether no number is ever left out.",
    "pattern_message": "What people read when the value does not fit the pattern.",
    "rows": "The height of the input.",
    "unit": "Written after the number.",
    "grouping": "Whether thousands are grouped; `false` for years and numbers that only name something.",
    "min_rows": "How few rows there may be.",
    "max_rows": "How many rows there may be.",
    "start": "The first number.",
    "max_bytes": "The longest value, as JSON text.",
}


def pages() -> dict[str, str]:
    """Return the page by name."""
    lines = [
        "# Field types", "",
        "The `type` of a field, with the keys that it adds to",
        "[those that any field may have](documents/entity.md#field).", "",
        "| type | in words | 中文 |", "| --- | --- | --- |",
    ]  # fmt: skip
    for name, kind in KINDS.items():
        lines.append(f"| [`{name}`](#{name}) | {kind.label.get('en')} | {kind.label.get('zh')} |")
    for name, kind in KINDS.items():
        lines += ["", f"## {name}", "", str(kind.help.get("en")), ""]
        lines += _facts(kind)
        lines += _keys(name, kind)
    return {"fields.md": "\n".join(lines)}


def _facts(kind: FieldKind) -> list[str]:
    text = Label({"": kind.name})
    field = Field(name="x", kind=kind.name, label=text, params=_SAMPLES.get(kind.name, {}))
    column = kind.column_type(field)
    stored = type(column).__name__.lower().replace("biginteger", "integer")
    does = [
        word
        for word, can in (
            ("sorted", kind.sortable),
            ("grouped by", kind.groupable),
            ("added up", kind.aggregatable),
        )
        if can
    ]
    answers = ", ".join(f"`{one}`" for one in kind.operators)
    lines = [f"* Stored as {stored}." if column is not None else "* Stored as rows of a table of its own."]
    if does:
        lines.append(f"* Can be {', '.join(does)}.")
    if answers:
        lines.append(f"* Filters: {answers}.")
    return lines


def _keys(name: str, kind: FieldKind) -> list[str]:
    keys = field_keys(name)
    if not keys:
        return []
    lines = ["", "| key | takes | meaning |", "| --- | --- | --- |"]
    for key, schema in keys.items():
        star = "\\*" if key in kind.required_params else ""
        takes = shapes.takes(schema, _link).replace("|", "\\|")
        lines.append(f"| `{key}`{star} | {takes} | {meaning(key, schema)} |")
    return lines


def meaning(key: str, schema: shapes.Schema) -> str:
    """Return the sentence for a key; KeyError where there is none."""
    return str(schema.get("description") or _KEY_WORDS[key])


def _link(ref: str) -> str:
    name = ref.removeprefix(shapes.OWN)
    if name == "line_field":
        return "[field](documents/entity.md#field)"
    return f"[{name}](documents/shared.md#{name})"
