"""The functions there are: one row each, with signature, meaning in both languages, and the value in Python.

SQL and the browser implement the same names; the conformance corpus holds all of them to one result.
Functions over line items and those that are only another way to write an operator are rows here too, for the
reference pages; the checker turns them into plain constructs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from fairlead.base.calendar import WorkCalendar
from fairlead.base.money import EXACT
from fairlead.base.texts import Label


class Moment(Protocol):
    """What functions may know about the time of the evaluation."""

    @property
    def today(self) -> date: ...
    @property
    def zone(self) -> str: ...
    @property
    def calendar(self) -> WorkCalendar: ...


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        name: As written; `x.name(y)` is the same as `name(x, y)`.
        params: For each parameter what it takes: `text`, `number`, `integer`, `day` (date or datetime), `clock` (time or
            datetime), `any`, `same` (unified with the others), `sized` (text or list), `digits` (a literal), `zone`
            (a literal), `rows` (line items or another list), `variable`, `bool`, `role`, `team`, `literal`.
        result: `bool`, `integer`, `text`, `date`, `time`, `same` or a word the checker knows.
        least: How many arguments are needed.
        more: Whether the last parameter may repeat.
        total: Whether it answers for empty arguments too; otherwise one empty argument makes the result unknown.
        python: From the environment and the argument values to the value; None when the checker rewrites it.
        sql: Whether it can become SQL.
    """

    name: str
    params: tuple[str, ...]
    result: str
    label: Label
    python: Callable[..., object] | None = None
    least: int = -1
    more: bool = False
    total: bool = False
    sql: bool = True

    @property
    def needed(self) -> int:
        """How many arguments must be given."""
        return len(self.params) if self.least < 0 else self.least

    @property
    def signature(self) -> str:
        """For the reference: `round(number, digits)`."""
        shown = [f"{param}?" if at >= self.needed else param for at, param in enumerate(self.params)]
        return f"{self.name}({', '.join(shown)}{', …' if self.more else ''})"


MAX_BUSINESS_DAYS = 2_000
"""How many working days can be added; the search goes day by day."""

_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def local_date(env: Moment, value: date | datetime, zone: str | None = None) -> date | None:
    """Return the date that a moment falls on in `zone`, or in the zone of the evaluation; a date stays."""
    if not isinstance(value, datetime):
        return value
    try:
        return value.astimezone(ZoneInfo(zone or env.zone)).date()
    except OverflowError:
        return None


def local_time(env: Moment, value: time | datetime, zone: str | None = None) -> time | None:
    """Return the time of day of a moment in `zone`, or in the zone of the evaluation, to the second; a time stays."""
    if not isinstance(value, datetime):
        return value
    try:
        return value.astimezone(ZoneInfo(zone or env.zone)).time().replace(microsecond=0)
    except OverflowError:
        return None


def months_later(day: date, count: int) -> date | None:
    """Return the same day `count` months later, or the last day of a shorter month; None outside the years 1 to 9999."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        return None
    first = date(year, month + 1, 1)
    return first.replace(day=min(day.day, _end_of_month(first).day))


def business_day_after(calendar: WorkCalendar, day: date, count: int) -> date | None:
    """Return the working day `count` working days later; None further away than `MAX_BUSINESS_DAYS`."""
    if abs(count) > MAX_BUSINESS_DAYS:
        return None
    try:
        return calendar.add_business_days(day, count)
    except (OverflowError, ValueError):
        return None


def is_business_day(calendar: WorkCalendar, day: date) -> bool | None:
    """Say whether `day` is worked; None on the very first day there is."""
    if day.toordinal() == 1:
        return None
    return calendar.business_days_between(date.fromordinal(day.toordinal() - 1), day) == 1


def _size(_env: Moment, value: Sequence[object]) -> int:
    return len(value)


def _round(_env: Moment, value: int | Decimal, digits: int) -> int | Decimal:
    if isinstance(value, int):
        return value
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN, EXACT)


def _days_since(env: Moment, value: date | datetime) -> int | None:
    day = local_date(env, value)
    return None if day is None else env.today.toordinal() - day.toordinal()


def _days_until(env: Moment, value: date | datetime) -> int | None:
    day = local_date(env, value)
    return None if day is None else day.toordinal() - env.today.toordinal()


def _business_days_since(env: Moment, value: date | datetime) -> int | None:
    day = local_date(env, value)
    return None if day is None else env.calendar.business_days_between(day, env.today)


def _business_days_until(env: Moment, value: date | datetime) -> int | None:
    day = local_date(env, value)
    return None if day is None else env.calendar.business_days_between(env.today, day)


def _between(
    count: Callable[[Moment, date, date], int],
) -> Callable[[Moment, date | datetime, date | datetime], int | None]:
    def value(env: Moment, one: date | datetime, two: date | datetime) -> int | None:
        first, last = local_date(env, one), local_date(env, two)
        return None if first is None or last is None else count(env, first, last)

    return value


def _add_months(env: Moment, value: date | datetime, count: int) -> date | None:
    day = local_date(env, value)
    return None if day is None else months_later(day, count)


def _add_business_days(env: Moment, value: date | datetime, count: int) -> date | None:
    day = local_date(env, value)
    return None if day is None else business_day_after(env.calendar, day, count)


def _is_business_day(env: Moment, value: date | datetime) -> bool | None:
    day = local_date(env, value)
    return None if day is None else is_business_day(env.calendar, day)


def _on_clock(read: Callable[[time], int]) -> Callable[[Moment, time | datetime], int | None]:
    def value(env: Moment, moment: time | datetime) -> int | None:
        clock = local_time(env, moment)
        return None if clock is None else read(clock)

    return value


def _on_day(change: Callable[[date], object]) -> Callable[[Moment, date | datetime], object]:
    def value(env: Moment, moment: date | datetime) -> object:
        day = local_date(env, moment)
        return None if day is None else change(day)

    return value


def _monday(day: date) -> date:
    return date.fromordinal(day.toordinal() - day.weekday())


def _end_of_month(day: date) -> date:
    if day.month == 12:
        return day.replace(day=31)
    return date.fromordinal(day.replace(month=day.month + 1, day=1).toordinal() - 1)


def _label(en: str, zh: str) -> Label:
    return Label({"en": en, "zh": zh})


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "size",
        ("sized",),
        "integer",
        _label("The length of a text, or how many entries a list has.", "文本的长度，或列表的条目数。"),
        _size,
    ),
    Function(
        "is_empty",
        ("any",),
        "bool",
        _label("Whether nothing is there.", "是否为空。"),
        total=True,
        python=lambda _env, value: value is None or value == "" or value == (),
    ),
    Function(
        "has",
        ("any",),
        "bool",
        _label("Whether something is there.", "是否已填写。"),
        total=True,
    ),
    Function(
        "or_else",
        ("same", "same"),
        "same",
        _label("The first value, or the second where the first is empty.", "取第一个值；为空时取第二个。"),
        total=True,
        python=lambda _env, value, other: other if value is None else value,
    ),
    Function(
        "contains",
        ("text", "text"),
        "bool",
        _label("Whether the first text holds the second.", "第一段文本是否包含第二段。"),
        lambda _env, value, part: part in value,
    ),
    Function(
        "starts_with",
        ("text", "text"),
        "bool",
        _label("Whether the first text begins with the second.", "文本是否以另一段开头。"),
        lambda _env, value, part: value.startswith(part),
    ),
    Function(
        "ends_with",
        ("text", "text"),
        "bool",
        _label("Whether the first text ends with the second.", "文本是否以另一段结尾。"),
        lambda _env, value, part: value.endswith(part),
    ),
    Function(
        "lower",
        ("text",),
        "text",
        _label("The text with A–Z as small letters.", "将 A–Z 转为小写。"),
        lambda _env, value: value.translate(_LOWER),
    ),
    Function(
        "upper",
        ("text",),
        "text",
        _label("The text with a–z as capitals.", "将 a–z 转为大写。"),
        lambda _env, value: value.translate(_UPPER),
    ),
    Function(
        "number",
        ("number",),
        "number",
        _label("An amount of money as a plain number.", "将金额当作普通数字。"),
        lambda _env, value: value,
    ),
    Function(
        "abs",
        ("number",),
        "same",
        _label("The number without its sign.", "绝对值。"),
        lambda _env, value: (
            value if value >= 0 else 0 - value if isinstance(value, int) else value.copy_negate()
        ),
    ),
    Function(
        "round",
        ("number", "digits"),
        "round",
        _label("The number rounded half-even to so many decimals.", "按指定小数位四舍六入五成双。"),
        _round,
        least=1,
    ),
    Function(
        "min",
        ("same",),
        "same",
        _label(
            "The smallest of the values, or of a column of the line items.", "取最小值，或明细列的最小值。"
        ),
        lambda _env, *values: min(values),
        more=True,
    ),
    Function(
        "max",
        ("same",),
        "same",
        _label(
            "The largest of the values, or of a column of the line items.", "取最大值，或明细列的最大值。"
        ),
        lambda _env, *values: max(values),
        more=True,
    ),
    Function(
        "sum",
        ("rows",),
        "same",
        _label(
            "The total of a column: sum(record.lines.total); 0 for no lines.", "明细列合计，无明细时为 0。"
        ),
        total=True,
    ),
    Function(
        "avg",
        ("rows",),
        "same",
        _label(
            "The mean of a column of the line items; empty for no lines.", "明细列的平均值，无明细时为空。"
        ),
        total=True,
    ),
    Function(
        "count",
        ("rows",),
        "integer",
        _label(
            "How many line items, or how many entries of a column are filled.",
            "明细行数，或明细列中已填写的个数。",
        ),
        total=True,
    ),
    Function(
        "exists",
        ("rows", "variable", "bool"),
        "bool",
        _label(
            "Whether it holds for some line or entry: record.lines.exists(l, l.qty > 3).",
            "是否有明细行（或列表条目）满足条件。",
        ),
        total=True,
    ),
    Function(
        "all",
        ("rows", "variable", "bool"),
        "bool",
        _label(
            "Whether it holds for every line or entry: record.lines.all(l, l.qty > 0).",
            "是否所有明细行（或列表条目）都满足条件。",
        ),
        total=True,
    ),
    Function(
        "exists_one",
        ("rows", "variable", "bool"),
        "bool",
        _label("Whether it holds for exactly one line or entry.", "是否恰有一行满足条件。"),
        total=True,
    ),
    Function(
        "filter",
        ("rows", "variable", "bool"),
        "lines",
        _label(
            "Only those lines: sum(record.lines.filter(l, l.ready).price); an unknown answer leaves a line out.",
            "只取满足条件的明细行；条件未知的行不计入。",
        ),
        total=True,
    ),
    Function(
        "map",
        ("rows", "variable", "any"),
        "lines",
        _label(
            "What is made of each line: sum(record.lines.map(l, l.qty * l.price)).",
            "由每一行得到的值，用于合计等。",
        ),
        total=True,
    ),
    Function(
        "date",
        ("day", "zone"),
        "date",
        _label(
            "The date of a moment, here or in a named zone; or a date from a text.",
            "时刻所在的日期（本地或指定时区），或由文本得到日期。",
        ),
        local_date,
        least=1,
    ),
    Function(
        "datetime",
        ("literal",),
        "datetime",
        _label("A moment from a text with a zone.", "由带时区的文本得到时刻。"),
    ),
    Function(
        "days_since",
        ("day",),
        "integer",
        _label("How many days ago; negative in the future.", "距今已过的天数。"),
        _days_since,
    ),
    Function(
        "days_until",
        ("day",),
        "integer",
        _label("In how many days; negative in the past.", "距离该日的天数。"),
        _days_until,
    ),
    Function(
        "business_days_since",
        ("day",),
        "integer",
        _label("How many working days ago.", "距今已过的工作日数。"),
        _business_days_since,
    ),
    Function(
        "business_days_until",
        ("day",),
        "integer",
        _label("In how many working days.", "距离该日的工作日数。"),
        _business_days_until,
    ),
    Function(
        "days_between",
        ("day", "day"),
        "integer",
        _label("How many days from the first day to the second.", "从第一个日期到第二个日期的天数。"),
        _between(lambda _env, one, two: two.toordinal() - one.toordinal()),
    ),
    Function(
        "business_days_between",
        ("day", "day"),
        "integer",
        _label("How many working days after the first day, up to the second.", "两个日期之间的工作日数。"),
        _between(lambda env, one, two: env.calendar.business_days_between(one, two)),
    ),
    Function(
        "is_business_day",
        ("day",),
        "bool",
        _label("Whether that day is worked.", "该日是否为工作日。"),
        _is_business_day,
    ),
    Function(
        "add_business_days",
        ("day", "integer"),
        "date",
        _label(
            f"The day so many working days later, at most {MAX_BUSINESS_DAYS:,}; earlier when negative.",
            f"若干个工作日之后的日期（最多 {MAX_BUSINESS_DAYS:,}）；负数为之前。",
        ),
        _add_business_days,
        sql=False,
    ),
    Function(
        "add_months",
        ("day", "integer"),
        "date",
        _label(
            "The same day so many months later, or the last day of a shorter month.",
            "若干个月之后的同一天；该月较短时取最后一天。",
        ),
        _add_months,
    ),
    Function(
        "start_of_week",
        ("day",),
        "date",
        _label("The Monday of that week.", "该周的星期一。"),
        _on_day(_monday),
    ),
    Function(
        "start_of_month",
        ("day",),
        "date",
        _label("The first day of that month.", "该月第一天。"),
        _on_day(lambda day: day.replace(day=1)),
    ),
    Function(
        "end_of_month",
        ("day",),
        "date",
        _label("The last day of that month.", "该月最后一天。"),
        _on_day(_end_of_month),
    ),
    Function(
        "start_of_quarter",
        ("day",),
        "date",
        _label("The first day of that quarter.", "该季度第一天。"),
        _on_day(lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)),
    ),
    Function(
        "start_of_year",
        ("day",),
        "date",
        _label("The first day of that year.", "该年第一天。"),
        _on_day(lambda day: day.replace(month=1, day=1)),
    ),
    Function("year", ("day",), "integer", _label("The year.", "年份。"), _on_day(lambda day: day.year)),
    Function(
        "month",
        ("day",),
        "integer",
        _label("The month, 1 to 12.", "月份，1 至 12。"),
        _on_day(lambda day: day.month),
    ),
    Function(
        "day",
        ("day",),
        "integer",
        _label("The day of the month.", "当月第几日。"),
        _on_day(lambda day: day.day),
    ),
    Function(
        "weekday",
        ("day",),
        "integer",
        _label("The day of the week, 1 is Monday.", "星期几，1 为星期一。"),
        _on_day(lambda day: day.weekday() + 1),
    ),
    Function(
        "time",
        ("clock", "zone"),
        "time",
        _label(
            "The time of day of a moment, here or in a named zone; or a time from a text.",
            "时刻在当日的时间（本地或指定时区），或由文本得到时间。",
        ),
        local_time,
        least=1,
    ),
    Function(
        "hour",
        ("clock",),
        "integer",
        _label("The hour, 0 to 23.", "小时，0 至 23。"),
        _on_clock(lambda clock: clock.hour),
    ),
    Function(
        "minute",
        ("clock",),
        "integer",
        _label("The minute, 0 to 59.", "分钟，0 至 59。"),
        _on_clock(lambda clock: clock.minute),
    ),
    Function("weeks", ("integer",), "duration", _label("So many weeks.", "若干周。")),
    Function("days", ("integer",), "duration", _label("So many days.", "若干天。")),
    Function("hours", ("integer",), "duration", _label("So many hours.", "若干小时。")),
    Function("minutes", ("integer",), "duration", _label("So many minutes.", "若干分钟。")),
    Function("has_role", ("role",), "bool", _label("Whether the user has a role.", "用户是否具有某角色。")),
    Function(
        "in_team", ("team",), "bool", _label("Whether the user belongs to a team.", "用户是否属于某团队。")
    ),
)

BY_NAME: dict[str, Function] = {function.name: function for function in FUNCTIONS}

# CEL's own spellings.
ALIASES = {"startsWith": "starts_with", "endsWith": "ends_with", "lowerAscii": "lower", "upperAscii": "upper"}
MACROS = frozenset({"exists", "all", "sum", "min", "max", "avg", "count"})
# What people who know CEL or other languages write, and what is written here instead.
FOREIGN = {
    "matches": "contains",
    "timestamp": "datetime",
    "int": "round",
    "double": "number",
    "uint": "round",
    "string": None,
    "duration": "hours",
    "coalesce": "or_else",
    "ifnull": "or_else",
    "nvl": "or_else",
    "len": "size",
    "length": "size",
    "isblank": "is_empty",
    "ceil": "round",
    "floor": "round",
    "getFullYear": "year",
    "getMonth": "month",
    "getDate": "day",
    "getDayOfMonth": "day",
    "getDayOfWeek": "weekday",
    "getHours": "hour",
    "getMinutes": "minute",
    "average": "avg",
    "any": "exists",
}
SPANS = {"weeks": 604_800_000_000, "days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000}
