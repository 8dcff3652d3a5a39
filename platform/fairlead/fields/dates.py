"""Days, moments, times of day and lengths of time.

Moments are kept in UTC as text of one width, so that their order as text is their order in time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy.types import TypeEngine

from fairlead.expr import types
from fairlead.fields import columns, kind
from fairlead.fields.kind import Encoder, FieldKind, FieldProblem, Formats, both, check_range, clean_text
from fairlead.fields.numbers import TOO_LARGE, exact
from fairlead.fields.spec import Field

NOT_A_DATE = both("This is not a date; write it like 2026-03-31.", "不是有效的日期，请按 2026-03-31 填写。")
NOT_A_MOMENT = both(
    "This is not a date with time and offset; write it like 2026-03-31T09:30:00+08:00.",
    "不是带时区的日期时间，请按 2026-03-31T09:30:00+08:00 填写。",
)
NOT_A_TIME = both("This is not a time of day; write it like 09:30.", "不是有效的时间，请按 09:30 填写。")
NOT_A_LENGTH = both(
    "This is not a length of time; write it like 1h 30m.", "不是有效的时长，请按 1h 30m 填写。"
)
OUT_OF_CALENDAR = both("This lies outside of the years 1 to 9999.", "超出公元 1 至 9999 年的范围。")

MAX_SECONDS = 10_000_000_000
_MICROSECOND = timedelta(microseconds=1)

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?"
)
_TIME = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DAY_BOUNDS: Mapping[str, Any] = {
    "min": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    "max": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}


def read_date(text: str) -> date:
    """Read `2026-03-31` and nothing else."""
    found = _DATE.fullmatch(text)
    if not found:
        raise FieldProblem("invalid", NOT_A_DATE)
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise FieldProblem("invalid", NOT_A_DATE) from None


def read_moment(text: str, zone: tzinfo | None = None) -> datetime:
    """Read RFC 3339 text; `zone` stands in where there is no offset, without it an offset is needed.

    Raises:
        FieldProblem: `invalid`, `too_precise` beyond microseconds, `out_of_range` where UTC has no such day.
    """
    found = _MOMENT.fullmatch(text)
    if not found:
        raise FieldProblem("invalid", NOT_A_MOMENT)
    *parts, fraction, zulu, sign, hours, minutes = found.groups()
    fraction = (fraction or "").rstrip("0")
    if len(fraction) > 6:
        raise FieldProblem("too_precise", both("At most microseconds are kept.", "最多精确到微秒。"))
    offset: tzinfo | None = zone
    if zulu:
        offset = UTC
    elif sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise FieldProblem("invalid", NOT_A_MOMENT)
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        offset = _fixed(-shift if sign == "-" else shift)
    if offset is None:
        raise FieldProblem("invalid", NOT_A_MOMENT)
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        local = datetime(year, month, day, hour, minute, second, int(fraction.ljust(6, "0")), tzinfo=offset)
    except ValueError:
        raise FieldProblem("invalid", NOT_A_MOMENT) from None
    return to_utc(local)


@lru_cache(maxsize=200)
def _fixed(shift: timedelta) -> tzinfo:
    return timezone(shift)


def to_utc(moment: datetime) -> datetime:
    """Return an aware moment in UTC."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise FieldProblem("out_of_range", OUT_OF_CALENDAR) from None


def to_local(moment: datetime, zone: tzinfo) -> datetime:
    """Return a moment as the clocks in `zone` show it; the first and last hours of the calendar stay in UTC."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def moment_text(moment: datetime) -> str:
    """Return `2026-03-31T01:30:00.000000Z`."""
    utc = moment if moment.tzinfo is UTC else to_utc(moment)
    return utc.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def show_date(day: date, lang: str) -> str:
    """Return `Mar 31, 2026` or `2026年3月31日`."""
    if lang.startswith("zh"):
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def show_time(moment: time | datetime) -> str:
    """Return `09:30`, with seconds where there are any."""
    seconds = f":{moment.second:02}" if moment.second else ""
    return f"{moment.hour:02}:{moment.minute:02}{seconds}"


_TOKENS = {
    "YYYY": r"(?P<year>[0-9]{4})", "YY": r"(?P<short>[0-9]{2})", "MMM": r"(?P<name>[A-Za-z]{3})",
    "MM": r"(?P<month>[0-9]{2})", "M": r"(?P<month>[0-9]{1,2})", "DD": r"(?P<day>[0-9]{2})",
    "D": r"(?P<day>[0-9]{1,2})", "HH": r"(?P<hour>[0-9]{2})", "H": r"(?P<hour>[0-9]{1,2})",
    "hh": r"(?P<hour>[0-9]{2})", "h": r"(?P<hour>[0-9]{1,2})", "A": r"(?P<half>[AaPp][Mm])",
    "mm": r"(?P<minute>[0-9]{2})", "ss": r"(?P<second>[0-9]{2})",
}  # fmt: skip
_TOKEN = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)))


@lru_cache(maxsize=200)
def date_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression for `M/D/YYYY HH:mm` and its like.

    Raises:
        FieldProblem: `invalid_pattern`, when a part stands twice or there is none.
    """
    parts, end = [], 0
    for found in _TOKEN.finditer(pattern):
        parts += [re.escape(pattern[end : found.start()]), _TOKENS[found[0]]]
        end = found.end()
    try:
        if not parts or len(pattern) > 60:
            raise ValueError
        return re.compile("".join(parts) + re.escape(pattern[end:]))
    except (re.error, ValueError):
        message = both("{pattern} is no date format.", "“{pattern}”不是日期格式。")
        raise FieldProblem("invalid_pattern", message.format(pattern=repr(pattern[:60]))) from None


def read_pattern(text: str, pattern: str) -> datetime:
    """Read a day, with or without a time, as `pattern` says; the answer has no zone."""
    wrong = FieldProblem(
        "invalid",
        both("This does not fit the format {pattern}.", "与格式 {pattern} 不符。").format(pattern=pattern),
    )
    found = date_pattern(pattern).fullmatch(text.strip())
    if not found:
        raise wrong
    part = found.groupdict()
    year = int(part.get("year") or 0)
    if part.get("short"):
        # As people mean it: 69 and later is the last century.
        year = int(part["short"]) + (1900 if int(part["short"]) >= 69 else 2000)
    hour = int(part.get("hour") or 0)
    if part.get("half"):
        if not 1 <= hour <= 12:
            raise wrong
        hour = hour % 12 + (12 if part["half"].lower() == "pm" else 0)
    try:
        month = int(part.get("month") or 1)
        if part.get("name"):
            month = _MONTHS.index(part["name"].title()) + 1
        return datetime(  # noqa: DTZ001 - the file says nothing of a zone; the caller knows it
            year or 1900, month, int(part.get("day") or 1), hour, int(part.get("minute") or 0),
            int(part.get("second") or 0),
        )  # fmt: skip
    except ValueError:
        raise wrong from None


class Date(FieldKind):
    """A day without a time."""

    name = "date"
    label = both("Date", "日期")
    help = both("A day, the same everywhere.", "某一天，与时区无关。")
    widget = "date"
    groupable = True
    params_schema: ClassVar[Mapping[str, Any]] = _DAY_BOUNDS

    def expr_type(self, field: Field) -> types.Type:
        return types.DATE

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> date | None:
        if isinstance(raw, date) and not isinstance(raw, datetime):
            day: date = raw
        else:
            text = clean_text(raw)
            if text is None:
                return None
            day = read_date(text)
        check_range(day, field, read_date, date.isoformat)
        return day

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else value.isoformat()

    def to_stored(self, value: Any, field: Field) -> str | None:
        return None if value is None else value.isoformat()

    def from_stored(self, stored: Any, field: Field) -> date | None:
        return None if stored is None else date.fromisoformat(stored)

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else show_date(value, lang)

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> date | None:
        if kind.is_blank(text) or formats.pattern is None:
            return self.parse(text, field)
        return self.parse(read_pattern(text, formats.pattern).date(), field)


class DateTime(FieldKind):
    """A moment."""

    name = "datetime"
    label = both("Date and time", "日期时间")
    help = both("A moment, shown in each person's own time zone.", "某一时刻，按各人时区显示。")
    widget = "datetime"
    groupable = True

    def expr_type(self, field: Field) -> types.Type:
        return types.DATETIME

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> datetime | None:
        return self.read(raw, None)

    def parse_form(self, raw: object, field: Field, *, zone: tzinfo = UTC) -> datetime | None:
        return self.read(raw, zone)

    def read(self, raw: object, zone: tzinfo | None) -> datetime | None:
        """Read a moment; local time is in `zone`."""
        if isinstance(raw, datetime) and raw.tzinfo is not None:
            return to_utc(raw)
        text = clean_text(raw)
        return None if text is None else read_moment(text, zone)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        if value is None:
            return ""
        try:
            local = value.astimezone(zone)
        except OverflowError:
            # With its offset written out it is read back in any zone.
            return moment_text(value)
        local = local.replace(tzinfo=None)
        return str(local.isoformat(timespec="auto" if local.second or local.microsecond else "minutes"))

    def to_stored(self, value: Any, field: Field) -> str | None:
        return None if value is None else moment_text(value)

    def from_stored(self, stored: Any, field: Field) -> datetime | None:
        return None if stored is None else datetime.fromisoformat(stored)

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        if value is None:
            return ""
        local = to_local(value, zone) if zone else value
        comma = " " if lang.startswith("zh") else ", "
        return f"{show_date(local, lang)}{comma}{local.hour:02}:{local.minute:02}"

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> datetime | None:
        if kind.is_blank(text) or formats.pattern is None:
            return self.read(text, formats.zone)
        return to_utc(read_pattern(text, formats.pattern).replace(tzinfo=formats.zone))


class Time(FieldKind):
    """A time of day."""

    name = "time"
    label = both("Time", "时间")
    help = both("A time of day.", "一天中的时刻。")
    widget = "time"

    def expr_type(self, field: Field) -> types.Type:
        return types.TIME

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.TEXT

    def parse(self, raw: object, field: Field) -> time | None:
        if isinstance(raw, time):
            return raw.replace(microsecond=0, tzinfo=None)
        text = clean_text(raw)
        if text is None:
            return None
        found = _TIME.fullmatch(text)
        try:
            if found:
                return time(int(found[1]), int(found[2]), int(found[3] or 0))
        except ValueError:
            pass
        raise FieldProblem("invalid", NOT_A_TIME)

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        return "" if value is None else show_time(value)

    def to_stored(self, value: Any, field: Field) -> str | None:
        return None if value is None else f"{value.hour:02}:{value.minute:02}:{value.second:02}"

    def from_stored(self, stored: Any, field: Field) -> time | None:
        return None if stored is None else time.fromisoformat(stored)

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{2}:[0-9]{2}(:[0-9]{2})?$"}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else show_time(value)

    def import_parse(self, text: str, field: Field, formats: Formats = kind.PLAIN_FORMATS) -> time | None:
        if kind.is_blank(text) or formats.pattern is None:
            return self.parse(text, field)
        return read_pattern(text, formats.pattern).time()


class Duration(FieldKind):
    """A length of time, in whole seconds; kept in microseconds, in which rules compute with moments."""

    name = "duration"
    label = both("Duration", "时长")
    help = both("A length of time, such as 1h 30m.", "时间长度，如 1h 30m。")
    widget = "duration"
    aggregatable = True
    params_schema: ClassVar[Mapping[str, Any]] = {
        "min": {"type": "integer", "minimum": -MAX_SECONDS, "maximum": MAX_SECONDS},
        "max": {"type": "integer", "minimum": -MAX_SECONDS, "maximum": MAX_SECONDS},
    }

    _UNITS: ClassVar[Mapping[str, int]] = {
        **dict.fromkeys(("w", "week", "weeks", "周", "星期"), 604_800),
        **dict.fromkeys(("d", "day", "days", "天", "日"), 86_400),
        **dict.fromkeys(("h", "hour", "hours", "小时", "时"), 3600),
        **dict.fromkeys(("m", "min", "minute", "minutes", "分钟", "分"), 60),
        **dict.fromkeys(("s", "sec", "second", "seconds", "秒"), 1),
    }
    _CLOCK = re.compile(r"([0-9]{1,6}):([0-5][0-9])(?::([0-5][0-9]))?")
    _PART = re.compile(r"\s*([0-9]{1,12})\s*([^\W\d]{1,8})")

    def expr_type(self, field: Field) -> types.Type:
        return types.DURATION

    def column_type(self, field: Field) -> TypeEngine[Any]:
        return columns.BIGINT

    def parse(self, raw: object, field: Field) -> timedelta | None:
        """Read a whole number of seconds, or `1:30`, `1h 30m`, `2天`."""
        if isinstance(raw, timedelta):
            return raw
        if isinstance(raw, str) and not re.fullmatch(r"\s*-?[0-9]*\s*", raw):
            seconds: int | None = self.seconds(clean_text(raw))
        elif isinstance(raw, float):
            raise FieldProblem("invalid", NOT_A_LENGTH)
        else:
            number = exact(raw, 0)
            seconds = None if number is None else int(number)
        if seconds is None:
            return None
        if abs(seconds) > MAX_SECONDS:
            raise FieldProblem("out_of_range", TOO_LARGE)
        check_range(seconds, field, int, lambda bound: show_length(timedelta(seconds=bound), "en"))
        return timedelta(seconds=seconds)

    def seconds(self, text: str | None) -> int | None:
        """Read a length as people write it."""
        if text is None:
            return None
        clock = self._CLOCK.fullmatch(text)
        if clock:
            return int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
        total, position = 0, 0
        text = text[:100]
        while position < len(text):
            part = self._PART.match(text, position)
            if not part or part[2].lower() not in self._UNITS:
                raise FieldProblem("invalid", NOT_A_LENGTH)
            total += int(part[1]) * self._UNITS[part[2].lower()]
            position = part.end()
        return total

    def form_text(self, value: Any, field: Field, *, zone: tzinfo = UTC) -> str:
        if value is None:
            return ""
        # Lengths below zero have no clock form; a plain number is seconds again.
        return show_length(value, "") if value >= timedelta() else str(int(value.total_seconds()))

    def to_stored(self, value: Any, field: Field) -> int | None:
        return None if value is None else value // _MICROSECOND

    def from_stored(self, stored: Any, field: Field) -> timedelta | None:
        return None if stored is None else timedelta(microseconds=stored)

    def json_encoder(self, field: Field) -> Encoder | None:
        return _seconds

    def json_schema(self, field: Field) -> dict[str, Any]:
        return {"type": "integer", "description": "Seconds."}

    def display(self, value: Any, field: Field, lang: str = "en", *, zone: tzinfo | None = None) -> str:
        return "" if value is None else show_length(value, lang)


def _seconds(stored: int) -> int:
    return stored // 1_000_000


def show_length(length: timedelta, lang: str) -> str:
    """Return `1 d 2 h 30 min`, `1天2小时30分钟`; without a language `1d 2h 30m`, which a form reads back."""
    total = abs(length.days * 86_400 + length.seconds)
    counts = (total // 86_400, total // 3600 % 24, total // 60 % 60, total % 60)
    units = (
        ("天", "小时", "分钟", "秒")
        if lang.startswith("zh")
        else (" d", " h", " min", " s")
        if lang
        else "dhms"
    )
    parts = [f"{count}{unit}" for count, unit in zip(counts, units, strict=True) if count] or [f"0{units[2]}"]
    return ("-" if length < timedelta() else "") + ("" if lang.startswith("zh") else " ").join(parts)
