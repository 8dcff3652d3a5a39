"""How a stored value of one kind of field becomes one of another: the matrix of type changes (lifecycle 4.6).

A conversion is pure and works on stored values, one at a time. What it cannot do it says: a value that does not fit, a
choice that the document has not made yet, or a pair of kinds between which there is no way.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    ROUND_HALF_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    localcontext,
)
from html import escape
from typing import Any, Literal
from zoneinfo import ZoneInfo

from fairlead.base.texts import Label
from fairlead.fields import text as texts
from fairlead.fields.columns import BIGINT_MAX, BIGINT_MIN
from fairlead.fields.kind import FieldProblem, Formats, both
from fairlead.fields.money import currency_of, without_sign
from fairlead.fields.numbers import TOO_LARGE, NumberKind, exact, plain_number
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Migration

Loss = Literal["", "shortened", "rounded", "dropped", "exchanged"]
"""What a value loses on the way."""

Convert = Callable[[Any], tuple[Any, Loss]]
"""Stored value that is not empty → stored value and what it lost.

Raises:
    FieldProblem: It does not fit.
    Undecided: The document has to say how.
"""

NUMBERS = frozenset({"integer", "decimal", "money", "percent", "rating"})
WORDS = frozenset({"text", "long_text", "rich_text"})
AS_THEY_ARE = frozenset(
    {"text", "long_text", "choice", "email", "url", "phone", "date", "reference", "user", "team"}
)
"""Kinds whose stored form is their plain form."""
SEVERAL = frozenset({"multi_choice", "tags", "references"})
POINTERS = frozenset({"user", "team", "reference"})
LOCALES: Mapping[str, tuple[str, str, str]] = {
    "en": (".", ",", "M/D/YYYY"), "en-GB": (".", ",", "D/M/YYYY"), "zh": (".", ",", "YYYY年M月D日"),
    "ja": (".", ",", "YYYY年M月D日"), "de": (",", ".", "D.M.YYYY"), "de-CH": (".", "'", "D.M.YYYY"),
    "fr": (",", " ", "D/M/YYYY"), "it": (",", ".", "D/M/YYYY"), "es": (",", ".", "D/M/YYYY"),
    "nl": (",", ".", "D-M-YYYY"), "pt": (",", ".", "D/M/YYYY"), "ru": (",", " ", "D.M.YYYY"),
}  # fmt: skip
"""Locale → decimal mark, grouping mark, how days are written."""
ROUNDINGS: Mapping[str, str] = {
    "half_even": ROUND_HALF_EVEN, "half_up": ROUND_HALF_UP, "half_down": ROUND_HALF_DOWN, "up": ROUND_UP,
    "down": ROUND_DOWN, "floor": ROUND_FLOOR, "ceiling": ROUND_CEILING,
}  # fmt: skip

NOT_MAPPED = both("The map names no value for this one.", "映射中没有对应的值。")
NOT_FOUND = both("There is no record for this value.", "没有与该值对应的记录。")


_ROUNDING = both(
    "`convert: {rounding: half_even}`, or half_up, half_down, up, down, floor, ceiling",
    "`convert: {rounding: half_even}`，或 half_up、half_down、up、down、floor、ceiling",
)
_ZONE = both(
    "`convert: {zone: Asia/Shanghai}`, the zone in which a day begins",
    "`convert: {zone: Asia/Shanghai}`，即以哪个时区划分一天",
)
_EACH = both("`map: {value: KEY}` for each value", "为每个值写 `map: {value: KEY}`")
_EACH_OR_MATCH = both(
    "`map: {value: KEY}` for each value, or `convert: {match: FIELD}`, the field of the other entity that holds it",
    "为每个值写 `map: {value: KEY}`，或写 `convert: {match: FIELD}`，即另一实体中保存该值的字段",
)
_EACH_PERSON = both("`map: {KEY: value}` for each person or team", "为每个人员或团队写 `map: {KEY: value}`")
_TAKEN = both(
    "`convert: {match: FIELD}`, the field of the other entity to take; or `map: {KEY: value}`",
    "`convert: {match: FIELD}`，即取另一实体的哪个字段；或 `map: {KEY: value}`",
)
_WHICH = both(
    "`map: {KEY: KEY}`, which record of the other entity stands for which",
    "`map: {KEY: KEY}`，即另一实体的哪条记录对应哪一条",
)
_TRUNCATE = both(
    "`truncate: true`, to cut what is longer; or a longer `max_length`",
    "`truncate: true`，截去超长部分；或加大 `max_length`",
)


class Undecided(Exception):
    """The document has to say how values are converted; `remedy` is the line that says it."""

    def __init__(self, remedy: Label) -> None:
        super().__init__(remedy.get("en"))
        self.remedy = remedy


class NoWay(Exception):
    """There is no conversion between two kinds."""


@dataclass(frozen=True, slots=True)
class Link:
    """Values are found in, or become, records of another entity: by its field `match`."""

    entity: str
    field: str
    towards: bool
    """From the value to the record's key; else from the key to the value."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The way from one field to another."""

    before: Field
    after: Field
    convert: Convert
    same: bool = False
    """Values that fit keep their stored form; nothing has to be written for them."""
    exact: bool = False
    """It never fails, loses nothing and can be undone by the way back: nothing is kept aside."""
    lossy: bool = False
    """Every value is exchanged for another, whatever it is."""


@dataclass(frozen=True, slots=True)
class Links:
    """What has been looked up for a link: value → key, or key → value."""

    found: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def stored_alike(one: Field, two: Field) -> bool:
    """Whether every value of `one` is, as it is stored, a value of `two` with the same meaning."""
    if one.kind == "table" or two.kind == "table":
        return one.kind == two.kind
    if one.kind != two.kind:
        plain = one.kind in ("text", "choice", "email", "url", "phone", "sequence")
        return plain and two.kind == "long_text" and (limit(one) or 255) <= (limit(two) or 0)
    if one.kind == "reference":
        return _targets(one) == _targets(two)
    if one.kind == "references":
        return one.params.get("entity") == two.params.get("entity")
    a, b = kind_of(one).expr_type(one), kind_of(two).expr_type(two)
    if (a.scale, a.currency) != (b.scale, b.currency):
        return False
    shorter = limit(two)
    return shorter is None or (limit(one) or 0) <= shorter


def limit(field: Field) -> int | None:
    """Return the most characters that a field of words or a link holds."""
    if field.kind in ("text", "long_text"):
        default = getattr(kind_of(field), "default_length", 255)
        return int(field.params.get("max_length", default))
    return int(field.params.get("max_length", 2000)) if field.kind == "url" else None


def link_of(before: Field, after: Field, how: Migration) -> Link | None:
    """Return what has to be looked up in another entity before values can be converted."""
    if how.match is None:
        return None
    if after.kind == "reference" and before.kind != "reference" and after.params.get("entity"):
        return Link(str(after.params["entity"]), how.match, towards=True)
    if before.kind == "reference" and before.params.get("entity") and after.kind != "reference":
        return Link(str(before.params["entity"]), how.match, towards=False)
    return None


def conversion(before: Field, after: Field, how: Migration, links: Links = Links()) -> Conversion:
    """Return the way from `before` to `after`.

    Raises:
        Undecided: The document has to say how, whatever the values are.
        NoWay: There is none.
    """
    if stored_alike(before, after):
        return Conversion(before, after, lambda stored: (stored, ""), same=True, exact=True)
    made = _way(before, after, how, links)
    return made if not how.map else _mapped(made, how)


def _way(before: Field, after: Field, how: Migration, links: Links) -> Conversion:
    one, two = before.kind, after.kind
    if "table" in (one, two) or two == "sequence":
        raise NoWay
    if one in NUMBERS and two in NUMBERS:
        return _numbers(before, after, how)
    if {one, two} == {"date", "datetime"}:
        return _days(before, after, how)
    if two in SEVERAL:
        return _several(before, after, how)
    if one in SEVERAL:
        return _single(before, after, how)
    if two in POINTERS or one in POINTERS:
        return _pointers(before, after, how, links)
    if one == "boolean" and two in NUMBERS:
        return Conversion(before, after, _through(lambda stored: int(bool(stored)), after))
    if one == "integer" and two == "duration":
        return Conversion(before, after, _through(lambda stored: stored, after))
    if one == "duration" and two == "integer":
        return Conversion(before, after, _seconds)
    if two in WORDS:
        return _words(before, after, how)
    if one in ("json", "time", "duration", "date", "datetime") and two not in ("json", "choice"):
        raise NoWay
    return Conversion(before, after, _read(before, after, how))


def _mapped(made: Conversion, how: Migration) -> Conversion:
    """Values that the map names go by the map; the others by the general way."""
    kind, after = kind_of(made.after), made.after
    table: dict[str, tuple[Any, Loss]] = {}
    for old, value in how.map.items():
        table[old] = (None, "dropped") if value is None else (_stored_of(kind, value, after), "")

    def convert(stored: Any) -> tuple[Any, Loss]:
        found = table.get(shown(stored, made.before))
        return made.convert(stored) if found is None else found

    return Conversion(made.before, after, convert, lossy=made.lossy)


def _stored_of(kind: Any, value: Any, after: Field) -> Any:
    return kind.to_stored((value,) if after.kind in SEVERAL else value, after)


def shown(stored: Any, of: Field) -> str:
    """Return a stored value as samples and maps name it: plain, without grouping, the same in every language."""
    if stored is None:
        return ""
    if of.kind in AS_THEY_ARE:
        return str(stored)
    value = kind_of(of).to_json(kind_of(of).from_stored(stored, of), of)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(one) for one in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def bare(field: Field) -> Field:
    """Return a field without its rules: bounds and patterns are asked of what is written, not of what exists."""
    rules = ("min", "max", "min_length", "max_length", "pattern", "max_items")
    return field.with_(params={key: value for key, value in field.params.items() if key not in rules})


# ---------------------------------------------------------------- numbers


def _numbers(before: Field, after: Field, how: Migration) -> Conversion:
    first, second = kind_of(before), kind_of(after)
    assert isinstance(first, NumberKind)
    assert isinstance(second, NumberKind)
    here, there = first.scale(before), second.scale(after)
    rate = Decimal(1)
    exchanged = before.kind == after.kind == "money" and currency_of(before) != currency_of(after)
    if exchanged:
        if how.rate is None and not how.relabel:
            here_in, there_in = currency_of(before), currency_of(after)
            raise Undecided(both(
                f"`convert: {{rate: …}}`, one {here_in} in {there_in}; "
                "or `relabel: true`, when the amounts were in the new currency all along",
                f"`convert: {{rate: …}}`，即 1 {here_in} 折合多少 {there_in}；若金额原本就是新币种，写 `relabel: true`",
            ))  # fmt: skip
        rate = Decimal(1) if how.relabel else (how.rate or Decimal(1))
    mode = ROUNDINGS[how.rounding] if how.rounding else None
    if exchanged and mode is None:
        mode = ROUND_HALF_EVEN
    most = int(after.params.get("max", 5)) if after.kind == "rating" else None
    step = Decimal(1).scaleb(-there)

    def convert(stored: Any) -> tuple[Any, Loss]:
        with localcontext() as context:
            context.prec = 60
            exact = Decimal(stored).scaleb(-here) * rate
            kept = exact.quantize(step, rounding=mode or ROUND_HALF_EVEN)
            number = int(kept.scaleb(there))
        if kept != exact and mode is None:
            raise Undecided(_ROUNDING)
        if not BIGINT_MIN <= number <= BIGINT_MAX or (most is not None and not 0 <= number <= most):
            raise FieldProblem("out_of_range", TOO_LARGE)
        return number, "exchanged" if exchanged else "" if kept == exact else "rounded"

    widens = there >= here and not exchanged and after.kind != "rating"
    same = here == there and rate == 1 and after.kind != "rating"
    return Conversion(before, after, convert, same=same, exact=widens, lossy=exchanged)


def _seconds(stored: Any) -> tuple[Any, Loss]:
    return stored // 1_000_000, ""


# ---------------------------------------------------------------- days and moments


def _days(before: Field, after: Field, how: Migration) -> Conversion:
    if how.zone is None:
        raise Undecided(_ZONE)
    zone: tzinfo = ZoneInfo(how.zone)
    kind = kind_of(after)

    def to_moment(stored: Any) -> tuple[Any, Loss]:
        day = date.fromisoformat(stored)
        try:
            return kind.to_stored(
                datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC), after
            ), ""
        except OverflowError:
            raise FieldProblem("out_of_range", TOO_LARGE) from None

    def to_day(stored: Any) -> tuple[Any, Loss]:
        try:
            local = datetime.fromisoformat(stored).astimezone(zone)
        except OverflowError:
            raise FieldProblem("out_of_range", TOO_LARGE) from None
        whole = (local.hour, local.minute, local.second, local.microsecond) == (0, 0, 0, 0)
        return local.date().isoformat(), "" if whole else "rounded"

    return Conversion(before, after, to_moment if after.kind == "datetime" else to_day)


# ---------------------------------------------------------------- one and several


def _several(before: Field, after: Field, how: Migration) -> Conversion:
    """One value becomes a list of it; lists of another kind go item by item."""
    kind = kind_of(after)
    if before.kind in SEVERAL:
        if before.kind == "references" or after.kind == "references":
            raise NoWay
        names = {option.name for option in after.options} | set(how.map)

        def each(stored: Any) -> tuple[Any, Loss]:
            items: list[str] = []
            loss: Loss = ""
            for item in json.loads(stored):
                if item in how.map:
                    mapped = how.map[item]
                    if mapped is None:
                        loss = "dropped"
                    else:
                        items.append(str(mapped))
                elif after.kind == "multi_choice" and item not in names:
                    raise FieldProblem("not_an_option", NOT_MAPPED)
                else:
                    items.append(item)
            return kind.to_stored(tuple(dict.fromkeys(items)), after), loss

        return Conversion(before, after, each, exact=after.kind == "tags" and not how.map)
    wanted = {"multi_choice": "choice", "references": "reference", "tags": "choice"}[after.kind]
    if before.kind == wanted:
        if after.kind == "references" and before.params.get("entity") != after.params.get("entity"):
            raise NoWay
        names = {option.name for option in after.options}

        def wrap(stored: Any) -> tuple[Any, Loss]:
            if after.kind == "multi_choice" and stored not in names:
                raise FieldProblem("not_an_option", NOT_MAPPED)
            return kind.to_stored((stored,), after), ""

        offered = after.kind != "multi_choice" or {o.name for o in before.options} <= names
        return Conversion(before, after, wrap, exact=offered)
    if before.kind in ("text", "long_text") and after.kind != "references":
        return Conversion(before, after, _read(before, after, how))
    raise NoWay


def _single(before: Field, after: Field, how: Migration) -> Conversion:
    """A list becomes its first item; of the others nothing is left."""
    if before.kind == "references":
        if after.kind != "reference" or before.params.get("entity") != after.params.get("entity"):
            raise NoWay
    elif after.kind in WORDS:
        return _words(before, after, how)
    elif after.kind != "choice":
        raise NoWay
    names = {option.name for option in after.options} if after.kind == "choice" else None

    def first(stored: Any) -> tuple[Any, Loss]:
        items = json.loads(stored)
        if not items:
            return None, ""
        if items[0] in how.map:
            mapped = how.map[items[0]]
            return (None if mapped is None else str(mapped)), "dropped" if len(
                items
            ) > 1 or mapped is None else ""
        if names is not None and items[0] not in names:
            raise FieldProblem("not_an_option", NOT_MAPPED)
        return items[0], "dropped" if len(items) > 1 else ""

    return Conversion(before, after, first)


# ---------------------------------------------------------------- pointers


def _targets(field: Field) -> tuple[str, ...]:
    several = field.params.get("entities")
    return tuple(sorted(several)) if several else (str(field.params.get("entity")), "")


def _pointers(before: Field, after: Field, how: Migration, links: Links) -> Conversion:
    if before.kind == after.kind == "reference":
        return _elsewhere(before, after, how)
    if after.kind in POINTERS:
        if not how.map and how.match is None:
            raise Undecided(_EACH_OR_MATCH if after.kind == "reference" else _EACH)

        def find(stored: Any) -> tuple[Any, Loss]:
            for word in (shown(stored, before), links.labels.get(str(stored), "")):
                if word and word in links.found:
                    return links.found[word], ""
            raise FieldProblem("unknown_record", NOT_FOUND if how.match else NOT_MAPPED)

        return Conversion(before, after, find)
    if before.kind == "reference" and (how.match or how.map):
        return Conversion(before, after, _taken(after, how, links))
    if how.map:
        return Conversion(before, after, _only_by_map)
    if before.kind != "reference":
        raise Undecided(_EACH_PERSON)
    raise Undecided(_TAKEN)


def _taken(after: Field, how: Migration, links: Links) -> Convert:
    read = _reader(after, how)

    def convert(stored: Any) -> tuple[Any, Loss]:
        text = links.found.get(stored)
        if text is None:
            raise FieldProblem("unknown_record", NOT_FOUND if how.match else NOT_MAPPED)
        return read(text)

    return convert


def _elsewhere(before: Field, after: Field, how: Migration) -> Conversion:
    """A reference to one entity becomes one to another, or to several, or the other way round."""
    one, many = before.params.get("entity"), after.params.get("entities")
    if one is not None and many and one in many:
        return Conversion(before, after, lambda stored: (f"{one}:{stored}", ""))
    several, target = before.params.get("entities"), after.params.get("entity")
    if several and (many or target in several):
        allowed = set(many or (target,))

        def narrow(stored: Any) -> tuple[Any, Loss]:
            entity, _, key = stored.partition(":")
            if entity not in allowed:
                raise FieldProblem("unknown_record", NOT_MAPPED)
            return stored if many else key, ""

        return Conversion(before, after, narrow)
    if not how.map:
        raise Undecided(_WHICH)
    return Conversion(before, after, _only_by_map)


def _only_by_map(_: Any) -> tuple[Any, Loss]:
    raise FieldProblem("unknown_record", NOT_MAPPED)


# ---------------------------------------------------------------- words


def _words(before: Field, after: Field, how: Migration) -> Conversion:
    most = int(after.params.get("max_length", getattr(kind_of(after), "default_length", 255)))
    marked = before.kind == "rich_text" and after.kind != "rich_text"
    markup = after.kind == "rich_text" and before.kind != "rich_text"
    same = before.kind in ("text", "long_text", "choice", "email", "url", "phone", "sequence") and not markup
    lines = before.kind in ("long_text", "rich_text") and after.kind == "text"

    def convert(stored: Any) -> tuple[Any, Loss]:
        text = stored if same else shown(stored, before)
        loss: Loss = ""
        if marked:
            plain = texts.plain_text(stored)
            loss = "dropped" if _bare_markup(stored) != _bare_markup(escape(plain, quote=False)) else ""
            text = plain
        elif markup:
            text = texts.sanitise("<br>".join(escape(line, quote=False) for line in text.split("\n")))
        if lines and (one := " ".join(part for part in text.split("\n") if part.strip())) != text:
            text, loss = one.strip(), loss or "dropped"
        if len(text) > most and not markup:
            if not how.truncate:
                raise Undecided(_TRUNCATE)
            text, loss = text[:most].rstrip() or text[:most], "shortened"
        return text or None, loss

    return Conversion(before, after, convert, same=same and not lines)


def _bare_markup(text: str) -> str:
    return "".join(text.replace("<p>", "").replace("</p>", "").replace("<br>", "").split())


def _read(before: Field, after: Field, how: Migration) -> Convert:
    read = _reader(after, how)

    def convert(stored: Any) -> tuple[Any, Loss]:
        text = texts.plain_text(stored) if before.kind == "rich_text" else shown(stored, before)
        return read(text)

    return convert


def _reader(after: Field, how: Migration) -> Callable[[str], tuple[Any, Loss]]:
    """Return how text is read as a value of `after`, in the notation that the document names."""
    kind, free = kind_of(after), bare(after)
    decimal, thousands, pattern = LOCALES[how.locale] if how.locale else (".", ",", None)
    formats = Formats(
        pattern=how.pattern or (pattern if after.kind in ("date", "datetime") else None),
        decimal=decimal,
        thousands=thousands,
        zone=ZoneInfo(how.zone) if how.zone else UTC,
    )
    named = {option.name for option in after.options} if after.kind == "choice" else frozenset()

    def read(text: str) -> tuple[Any, Loss]:
        if text in named:
            return text, ""
        value = kind.import_parse(text, free, formats)
        return kind.to_stored(value, after), ""

    return _number_reader(after, how, decimal, thousands) if after.kind in NUMBERS - {"percent"} else read


def _number_reader(
    after: Field, how: Migration, decimal: str, thousands: str
) -> Callable[[str], tuple[Any, Loss]]:
    """Return how text is read as a number: nothing but the number may stand there, since `12 pcs` says more than 12."""
    kind, free = kind_of(after), bare(after)
    assert isinstance(kind, NumberKind)
    scale = kind.scale(after)
    step = Decimal(1).scaleb(-scale)
    most = int(after.params.get("max", 5)) if after.kind == "rating" else None

    def read(text: str) -> tuple[Any, Loss]:
        plain = plain_number(
            without_sign(text, currency_of(after)) if after.kind == "money" else text,
            decimal=decimal, thousands=thousands,
        )  # fmt: skip
        number = exact(plain, len(plain.partition(".")[2].rstrip("0")))
        if number is None:
            return None, ""
        kept = number.quantize(step, rounding=ROUNDINGS[how.rounding or "half_even"])
        if kept == number or how.rounding:
            stored = int(kept.scaleb(scale))
            if not BIGINT_MIN <= stored <= BIGINT_MAX or (most is not None and not 0 <= stored <= most):
                raise FieldProblem("out_of_range", TOO_LARGE)
            return stored, "" if kept == number else "rounded"
        # Said in the words of the field: too many decimals, or not a whole number.
        return kind.to_stored(kind.parse(f"{number:f}", free), after), ""

    return read


def _through(step: Callable[[Any], Any], after: Field) -> Convert:
    kind, free = kind_of(after), bare(after)

    def convert(stored: Any) -> tuple[Any, Loss]:
        return kind.to_stored(kind.parse(step(stored), free), after), ""

    return convert


def why(problem: FieldProblem) -> Label:
    """Return why a value does not fit."""
    return problem.message
