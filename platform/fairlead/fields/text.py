"""Words: one line, several lines, several lines with markup."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from fairlead.base.texts import Label
from fairlead.expr import types
from fairlead.fields import columns, kind, patterns
from fairlead.fields.kind import FieldKind, Formats, Operator, both, check_length, clean_text
from fairlead.fields.spec import Field

MAX_LENGTH = 100_000

_LENGTHS: Mapping[str, Any] = {
    "min_length": {"type": "integer", "minimum": 0, "maximum": MAX_LENGTH},
    "max_length": {"type": "integer", "minimum": 1, "maximum": MAX_LENGTH},
}


class WordsKind(FieldKind):
    """What all kinds of text have in common."""

    operators: ClassVar[tuple[Operator, ...]] = kind.WORDS
    default_length: ClassVar[int]
    lines: ClassVar[bool] = False

    def expr_type(self, field: Field) -> types.Type:
        return types.TEXT

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> str | None:
        text = clean_text(raw, lines=self.lines)
        if text is not None:
            check_length(text, field, self.default_length)
        return text

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "maxLength": int(field.params.get("max_length", self.default_length))}

    def mask(self, value: Any, field: Field) -> str:
        return kind.mask_text(str(value), field.mask) if value else ""

    def search_text(self, value: Any, field: Field) -> str | None:
        return value or None


class Text(WordsKind):
    """One line."""

    name = "text"
    label = both("Text", "文本")
    help = both("One line of text.", "单行文本。")
    widget = "text"
    groupable = True
    default_length = 255
    params_schema: ClassVar[Mapping[str, Any]] = {
        **_LENGTHS,
        "pattern": {"type": "string", "minLength": 1, "maxLength": patterns.MAX_PATTERN},
        "pattern_message": kind.LABEL_SCHEMA,
    }

    def parse(self, raw: object, field: Field) -> str | None:
        text = super().parse(raw, field)
        pattern = field.params.get("pattern")
        if text is not None and pattern and not patterns.matches(patterns.compile_pattern(pattern), text):
            message = field.params.get("pattern_message")
            raise kind.FieldProblem("invalid", Label.of(message) if message else _NO_MATCH)
        return text


_NO_MATCH = both("It does not have the right form.", "格式不正确。")


class LongText(WordsKind):
    """Several lines, kept as they were written."""

    name = "long_text"
    label = both("Long text", "多行文本")
    help = both("Text of several lines.", "可换行的文本。")
    widget = "textarea"
    sortable = False
    default_length = 20_000
    lines = True
    params_schema: ClassVar[Mapping[str, Any]] = {
        **_LENGTHS,
        "rows": {"type": "integer", "minimum": 2, "maximum": 40},
    }

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> str | None:
        # Browsers send every line break of a textarea as two characters.
        return self.parse(raw.replace("\r\n", "\n") if isinstance(raw, str) else raw, field)


class RichText(WordsKind):
    """Several lines with a little markup, stored as HTML that is safe to show."""

    name = "rich_text"
    label = both("Formatted text", "富文本")
    help = both("Text with headings, lists and links.", "带标题、列表和链接的文本。")
    widget = "rich_text"
    operators = ("contains", "is_empty")
    sortable = False
    default_length = 50_000
    lines = True
    params_schema: ClassVar[Mapping[str, Any]] = {"max_length": _LENGTHS["max_length"]}

    def parse(self, raw: object, field: Field) -> str | None:
        text = super().parse(raw, field)
        if text is None:
            return None
        clean = sanitise(text)
        # Escaping makes text longer: & becomes &amp;.
        if len(clean) > 6 * MAX_LENGTH:
            check_length(clean, field, self.default_length)
        return None if kind.is_blank(plain_text(clean)) else clean

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return plain_text(value) if value else ""

    def mask(self, value: Any, field: Field) -> str:
        return kind.mask_text(plain_text(str(value)), field.mask) if value else ""

    def search_text(self, value: Any, field: Field) -> str | None:
        return (plain_text(value) or None) if value else None

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> str | None:
        return self.parse(text, field)


_KEPT = frozenset(
    (
        "p",
        "br",
        "b",
        "strong",
        "i",
        "em",
        "u",
        "s",
        "h2",
        "h3",
        "h4",
        "ul",
        "ol",
        "li",
        "blockquote",
        "pre",
        "code",
        "a",
    )
)
_EMPTY = frozenset({"br"})
_BLOCKS = frozenset(("p", "br", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "pre", "div", "tr"))
_DROPPED = frozenset(
    (
        "script",
        "style",
        "iframe",
        "object",
        "embed",
        "template",
        "noscript",
        "svg",
        "math",
        "title",
        "textarea",
        "select",
    )
)
_MAX_OPEN = 30

# A tag never reaches past the next "<": each character is looked at once, however broken the text is.
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,15})((?:[\s/][^<>]*)?)>")
_PIECE = re.compile(r"(<[^<>]*>)")
_HREF = re.compile(r"""(?:^|\s)href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_SAFE_LINK = re.compile(r"(?:https?://|mailto:)[^\s\x00-\x20<>\"'\\]+\Z", re.IGNORECASE)


def sanitise(text: str) -> str:
    """Return `text` rebuilt from nothing but plain markup and links; everything else becomes words.

    Only tags on a short list survive and only `href` of a link among attributes; scripts and styles are
    dropped with what they hold. What comes out, put in again, comes out the same.
    """
    out: list[str] = []
    opened: list[str] = []
    dropping: str | None = None
    for piece in _PIECE.split(text):
        if not piece:
            continue
        tag = _TAG.fullmatch(piece) if piece[0] == "<" else None
        if dropping is not None:
            if tag and tag[1] and tag[2].lower() == dropping:
                dropping = None
            continue
        if tag is None:
            # A comment, a doctype and such are markup to nobody; any other "<" is a word.
            if not (piece.startswith(("<!", "<?")) and piece.endswith(">")):
                out.append(html.escape(html.unescape(piece), quote=False))
            continue
        name = tag[2].lower()
        if name in _DROPPED:
            if not tag[1] and not tag[3].endswith("/"):
                dropping = name
        elif name in _KEPT:
            if name in _EMPTY:
                out.append(f"<{name}>")
            elif not tag[1]:
                if len(opened) < _MAX_OPEN:
                    out.append(_opening(name, tag[3]))
                    opened.append(name)
            elif name in opened:
                while True:
                    last = opened.pop()
                    out.append(f"</{last}>")
                    if last == name:
                        break
    out.extend(f"</{name}>" for name in reversed(opened))
    return "".join(out)


def _opening(name: str, attributes: str) -> str:
    if name != "a":
        return f"<{name}>"
    found = _HREF.search(attributes)
    link = html.unescape(next((part for part in found.groups() if part is not None), "")) if found else ""
    if not _SAFE_LINK.match(link):
        return "<a>"
    return f'<a href="{html.escape(link)}" rel="noopener noreferrer nofollow">'


def plain_text(markup: str) -> str:
    """Return the words of sanitised markup, blocks on lines of their own."""
    words: list[str] = []
    for piece in _PIECE.split(markup):
        tag = _TAG.fullmatch(piece) if piece.startswith("<") else None
        if tag is None:
            words.append(html.unescape(piece))
        elif tag[2].lower() in _BLOCKS:
            words.append("\n")
    lines = (line.strip() for line in "".join(words).split("\n"))
    return "\n".join(line for line in lines if line)
