"""Ways to reach somebody: mail, phone, web."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, ClassVar
from urllib.parse import urlsplit

import phonenumbers
from sqlalchemy.types import TypeEngine

from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.kind import FieldKind, FieldProblem, Formats, both, clean_text
from fairlead.fields.spec import Field

_ATOM = r"[^\s@<>()\[\],;:\\\"\x00-\x20\x7f.]"
_EMAIL = re.compile(rf"({_ATOM}+(?:\.{_ATOM}+)*)@([^\s@]+)")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_STORED_MOBILE = re.compile(r"\+861[3-9][0-9]{9}")
_EXTENSION = re.compile(r"(?:转|轉|分机|分機|x|ext\.?|#)\s*[:：]?\s*([0-9]{1,10})\s*\Z", re.IGNORECASE)
_PHONE = re.compile(r"[+0-9][0-9 ().\-/]{2,30}")
_CHINESE_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_BEIJING = re.compile(r"10[0-9]{7,8}")
_URL_CHARACTERS = re.compile(r"[^\s\x00-\x20<>\"\\^`{|}\x7f]+")

NOT_AN_EMAIL = both("This is not an email address.", "不是有效的邮箱地址。")
NOT_A_PHONE = both("This is not a phone number.", "不是有效的电话号码。")
NOT_A_LINK = both(
    "A link begins with https://, http:// or mailto:.", "链接须以 https://、http:// 或 mailto: 开头。"
)


def host_is_well_formed(host: str) -> bool:
    """Say whether `host` is a name of letters, digits and hyphens, in any script."""
    labels = host.removesuffix(".").split(".")
    return 0 < len(host) <= 253 and all(_LABEL.fullmatch(part) for part in labels)


class _Contact(FieldKind):
    """What these kinds have in common: a line of text with a form of its own."""

    operators = kind.WORDS

    def expr_type(self, field: Field) -> types.Type:
        return types.TEXT

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def search_text(self, value: Any, field: Field) -> str | None:
        return value or None


class Email(_Contact):
    """An address; the part after the @ is kept in lower case."""

    name = "email"
    label = both("Email", "邮箱")
    help = both("An email address.", "电子邮箱地址。")
    widget = "email"

    def parse(self, raw: object, field: Field) -> str | None:
        text = clean_text(raw)
        if text is None:
            return None
        found = _EMAIL.fullmatch(text) if len(text) <= 254 else None
        if not found or len(found[1]) > 64 or "." not in found[2] or not host_is_well_formed(found[2]):
            raise FieldProblem("invalid", NOT_AN_EMAIL)
        return f"{found[1]}@{found[2].lower()}"

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> str | None:
        if isinstance(raw, str):
            raw = raw.strip().removeprefix("mailto:").replace("＠", "@")
        return self.parse(raw, field)

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "email", "maxLength": 254}

    def mask(self, value: Any, field: Field) -> str:
        if not value:
            return ""
        name, at, host = str(value).rpartition("@")
        if field.mask == "all" or not at:
            return kind.HIDDEN
        return f"{name[:1] if len(name) > 1 else ''}***@{host}"


class Phone(_Contact):
    """A number in international form; `;ext=` carries the extension."""

    name = "phone"
    label = both("Phone", "电话")
    help = both("A phone number, with or without country and extension.", "电话号码，可带国家码和分机。")
    widget = "phone"
    params_schema: ClassVar[Mapping[str, Any]] = {"region": {"type": "string", "pattern": "^[A-Z]{2}$"}}

    def region(self, field: Field) -> str:
        """Return the country that a number without country code belongs to."""
        return str(field.params.get("region", "CN"))

    def parse(self, raw: object, field: Field) -> str | None:
        text = clean_text(raw)
        if text is None:
            return None
        if _STORED_MOBILE.fullmatch(text):
            return text  # by far the commonest, in our own stored form already
        if _CHINESE_MOBILE.fullmatch(text) and self.region(field) == "CN":
            return f"+86{text}"  # what the library says too, fifty times as fast
        if len(text) > 60:
            raise FieldProblem("invalid", NOT_A_PHONE)
        plain = kind.narrow(text)
        extension = ""
        # Our own stored form comes in again from exports and programs.
        if ";ext=" in plain:
            plain, _, extension = plain.partition(";ext=")
        else:
            found = _EXTENSION.search(plain)
            if found:
                plain, extension = plain[: found.start()].rstrip(" ,，-"), found[1]
        plain = plain.replace("–", "-").replace("—", "-").strip()
        if plain.startswith("("):
            plain = plain.replace("(", "", 1).replace(")", " ", 1)
        if not _PHONE.fullmatch(plain) or (extension and not re.fullmatch("[0-9]{1,10}", extension)):
            raise FieldProblem("invalid", NOT_A_PHONE)
        try:
            number = phonenumbers.parse(plain, self.region(field))
        except phonenumbers.NumberParseException:
            raise FieldProblem("invalid", NOT_A_PHONE) from None
        if not phonenumbers.is_possible_number(number) or not _is_likely(number):
            raise FieldProblem("invalid", NOT_A_PHONE)
        stored = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        return f"{stored};ext={extension}" if extension else stored

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        if not value:
            return ""
        plain, _, extension = str(value).partition(";ext=")
        try:
            number = phonenumbers.parse(plain, None)
        except phonenumbers.NumberParseException:
            return str(value)
        home = number.country_code == phonenumbers.country_code_for_region(self.region(field))
        style = phonenumbers.PhoneNumberFormat
        shown = str(phonenumbers.format_number(number, style.NATIONAL if home else style.INTERNATIONAL))
        if not extension:
            return shown
        return f"{shown} 转 {extension}" if lang.startswith("zh") else f"{shown} ext. {extension}"

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return self.display(value, field)

    def mask(self, value: Any, field: Field) -> str:
        if not value:
            return ""
        plain = str(value).partition(";ext=")[0]
        own = f"+{phonenumbers.country_code_for_region(self.region(field))}"
        digits = plain.removeprefix(own)
        if field.mask == "all" or len(digits) < 6:
            return kind.HIDDEN
        if field.mask == "tail":
            return digits[:3] + kind.HIDDEN
        return digits[:3] + kind.HIDDEN + digits[-4:] if len(digits) > 8 else kind.HIDDEN + digits[-2:]

    def search_text(self, value: Any, field: Field) -> str | None:
        if not value:
            return None
        plain, _, extension = str(value).partition(";ext=")
        own = f"+{phonenumbers.country_code_for_region(self.region(field))}"
        return " ".join(part for part in (plain.removeprefix(own).lstrip("+"), extension) if part)


def _is_likely(number: phonenumbers.PhoneNumber) -> bool:
    # By length alone a Chinese mobile number with a digit missing passes for a landline.
    national = str(number.national_number)
    if number.country_code != 86 or not national.startswith("1"):
        return True
    return bool(_CHINESE_MOBILE.fullmatch(national) or _BEIJING.fullmatch(national))


class Url(_Contact):
    """A link that is safe to show: https, http or mailto."""

    name = "url"
    label = both("Link", "链接")
    help = both("A web address.", "网址。")
    widget = "url"
    params_schema: ClassVar[Mapping[str, Any]] = {
        "max_length": {"type": "integer", "minimum": 10, "maximum": 2000}
    }

    def parse(self, raw: object, field: Field) -> str | None:
        text = clean_text(raw)
        if text is None:
            return None
        kind.check_length(text, field, 2000)
        if not _is_link(text):
            raise FieldProblem("invalid", NOT_A_LINK)
        return text

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "uri", "maxLength": int(field.params.get("max_length", 2000))}

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> str | None:
        if isinstance(raw, str):
            text = raw.strip()
            # People leave the scheme out; anything with a colon has one, and it is judged as it stands.
            if re.fullmatch(r"[\w-]+(?:\.[\w-]+)+(?:/\S*)?", text):
                raw = f"https://{text}"
        return self.parse(raw, field)

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> str | None:
        return self.parse_form(text, field)


def _is_link(text: str) -> bool:
    if not _URL_CHARACTERS.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme == "mailto":
        found = _EMAIL.fullmatch(parts.path)
        return bool(found) and not parts.netloc and host_is_well_formed(found[2]) if found else False
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return False
    if parts.netloc.startswith("["):
        return re.fullmatch(r"\[[0-9a-fA-F:.]{2,45}\](?::[0-9]{1,5})?", parts.netloc) is not None
    return host_is_well_formed(parts.hostname)
