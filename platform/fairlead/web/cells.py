"""Values as people read them: states with their shape, people with their face, days as they are said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from markupsafe import Markup

from fairlead.base import money
from fairlead.base.texts import Formerly
from fairlead.compiled.application import CompiledEntity
from fairlead.fields.registry import kind_of
from fairlead.fields.spec import Field, Option
from fairlead.web import render
from fairlead.web.texts import Say, speaker
from fairlead.work.context import Context
from fairlead.work.reading import Json, Names, target_of, title

LINKED_KINDS = ("reference", "references")
NUMBER_KINDS = ("money", "integer", "decimal", "percent")
_TONES = {"gray": "grey", "yellow": "amber", "purple": "violet", "indigo": "violet", "cyan": "sky"}
_WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "zh": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_APPROVAL_SHAPES = {
    "none": "draft", "pending": "wait", "approved": "done", "rejected": "lost", "withdrawn": "stopped", "returned": "alert",
}  # fmt: skip
_APPROVAL_TONES = {"pending": "amber", "approved": "green", "rejected": "red", "returned": "amber"}


def tone(color: str | None) -> str:
    """Return the kit's name of a colour of a document."""
    return _TONES.get(color or "grey", color or "grey")


class Cells:
    """Writes values for one reader. `names` says what ids are called."""

    def __init__(self, ctx: Context, names: Names | None = None) -> None:
        self.ctx = ctx
        self.lang = ctx.actor.language
        self.t: Say = speaker(self.lang)
        self.zone = ZoneInfo(ctx.actor.zone)
        self.today = ctx.today
        self.names = names or Names()
        self._people: dict[str, Markup] = {}
        self._days: dict[str, Markup] = {}
        self._writers: dict[tuple[str, str], Callable[[Any], Any]] = {}

    # -------------------------------------------------- one value

    def cell(self, entity: CompiledEntity, name: str, item: Json, *, plain: bool = False) -> Any:
        """Return a field of `item` as HTML or text; a lock where it may not be seen."""
        if name in item.get("_hidden", ()):
            return self.lock()
        value = item.get(name)
        spec = entity.entity.fields[name]
        if value is None or value == [] or value == "":
            return ""
        if name in item.get("_masked", ()):
            return Markup("{} {}").format(value, self.lock(self.t("screens.masked")))
        if name in ("stage", "approval_state"):
            return text_of(self.state(entity, spec, value)) if plain else self.state(entity, spec, value)
        written = self.write(entity.name, spec, value)
        return text_of(written) if plain else written

    def write(self, holder: str, spec: Field, value: Any) -> Any:
        """Return a JSON value that is not empty as HTML or text; `holder` tells fields of one name apart."""
        write = self._writers.get((holder, spec.name))
        if write is None:
            write = self._writers[holder, spec.name] = self._writer(spec)
        return write(value)

    def _writer(self, spec: Field) -> Callable[[Any], Any]:
        by_kind: Mapping[str, Callable[[Any], Any]] = {
            "choice": lambda value: self.choice(spec, value),
            "multi_choice": lambda value: Markup(" ").join(self.choice(spec, one) for one in value),
            "tags": lambda value: Markup(" ").join(_badge(one, "grey") for one in value),
            "user": self.person,
            "team": self.team,
            "reference": lambda value: self.link(*target_of(spec, value)),
            "references": lambda value: render.joined([self.link(str(spec.params["entity"]), one) for one in value]),
            "date": self._date,
            "datetime": self.moment,
            "money": lambda value: money.format_money(Decimal(value), str(spec.params.get("currency", "CNY"))),
            "percent": lambda value: _percent(value, self.lang),
            "email": lambda value: Markup('<a href="mailto:{0}">{0}</a>').format(value),
            "phone": lambda value: Markup('<a href="tel:{}">{}</a>').format(value, self._display(spec, value)),
            "url": _url,
            "boolean": lambda value: self.t("screens.yes") if value else self.t("screens.no"),
            "rating": lambda value: Markup('<span class="num">{}</span>').format("★" * int(value)),
            "rich_text": _rich,
        }  # fmt: skip
        return by_kind.get(spec.kind, lambda value: self._display(spec, value))

    def _display(self, spec: Field, value: Any) -> str:
        kind = kind_of(spec)
        try:
            domain = kind.parse(value, spec)
        except ValueError:
            return str(value)
        return kind.display(domain, spec, self.lang, zone=self.zone)

    def text(self, spec: Field, value: Any) -> str:
        """Return a JSON value as plain text, names of people and records included."""
        if value is None or value == []:
            return ""
        if isinstance(value, Formerly):
            return str(value)
        if spec.kind == "user":
            label = self.names.people.get(value)
            return label.get(self.lang) if label else "—"
        if spec.kind == "team":
            label = self.names.teams.get(value)
            return label.get(self.lang) if label else "—"
        if spec.kind == "reference":
            return self.names.records.get(target_of(spec, value)) or "•••"
        if spec.kind == "references":
            return ", ".join(
                self.names.records.get((str(spec.params["entity"]), one)) or "•••" for one in value
            )
        if spec.kind == "table":
            return self.t("screens.lines", n=len(value))
        return self._display(spec, value)

    # -------------------------------------------------- kinds of value

    def lock(self, why: str | None = None) -> Markup:
        """Return the mark of something that may not be seen."""
        key = why or self.t("screens.hidden")
        found: Markup = self.ctx.app.memo(("lock", key), lambda: _lock(key))
        return found

    def state(self, entity: CompiledEntity, spec: Field, value: str) -> Markup:
        """Return a stage or an approval's state: coloured shape and words."""
        key = ("state", entity.name, spec.name, value, self.lang)
        found: Markup = self.ctx.app.memo(key, lambda: self._state(entity, spec, value))
        return found

    def _state(self, entity: CompiledEntity, spec: Field, value: str) -> Markup:
        option = option_of(spec, value)
        label = option.label.get(self.lang) if option else value
        colour, shape = look_of(entity, spec, value)
        made: Markup = render.macro("kit/ui.html", "state")(label, colour, shape)
        return made

    def choice(self, spec: Field, value: str) -> Any:
        """Return an option: a badge where it has a colour, else its words."""
        option = option_of(spec, value)
        if option is None:
            return value
        label = option.label.get(self.lang)
        return _badge(label, tone(option.color)) if option.color else label

    def person(self, id: str) -> Markup:
        """Return somebody's face and name."""
        found = self._people.get(id)
        if found is None:
            label = self.names.people.get(id)
            name = label.get(self.lang) if label else "—"
            found = self._people[id] = render.macro("kit/ui.html", "person")(
                name, render.initials(name), tone=render.tone_of(id)
            )
        return found

    def who(self, id: str | None) -> dict[str, Any] | None:
        """Return somebody as the kit's macros take people."""
        label = self.names.people.get(id) if id else None
        return render.person(str(id), label.get(self.lang)) if label else None

    def team(self, id: str) -> str:
        """Return a team's name."""
        label = self.names.teams.get(id)
        return label.get(self.lang) if label else "—"

    def link(self, entity: str, id: str) -> Markup:
        """Return a record's title leading to its page; a lock where it may not be seen."""
        text = self.names.records.get((entity, id))
        if text is None:
            return self.lock()
        return Markup('<a href="/r/{}/{}">{}</a>').format(entity, id, text)

    def _date(self, text: str) -> Markup:
        found = self._days.get(text)
        if found is None:
            found = self._days[text] = self.day(date.fromisoformat(text))
        return found

    def day(self, day: date) -> Markup:
        """Return a date as people say it."""
        return Markup('<time datetime="{}">{}</time>').format(
            day.isoformat(), say_day(day, self.today, self.lang, self.t)
        )

    def moment(self, stamp: str) -> Markup:
        """Return a moment in the reader's time; the page keeps it up to date."""
        return Markup('<time datetime="{}" data-relative>{}</time>').format(stamp, self.moment_text(stamp))

    def moment_text(self, stamp: str) -> str:
        """Return a moment as plain text: the day as people say it, and the time."""
        local = datetime.fromisoformat(stamp).astimezone(self.zone)
        return f"{say_day(local.date(), self.today, self.lang, self.t)} {local:%H:%M}"

    def title(self, entity: CompiledEntity, item: Json) -> str:
        """Return what a record is called."""
        return title(entity, item)


def text_of(value: Any) -> str:
    """Return the words of a piece of HTML."""
    return str(value.striptags()) if isinstance(value, Markup) else str(value)


def option_of(spec: Field, value: str) -> Option | None:
    """Return the option of a choice field, or None for one that is gone."""
    return next((option for option in spec.options if option.name == value), None)


def look_of(entity: CompiledEntity, spec: Field, value: str) -> tuple[str, str]:
    """Return colour and shape of a stage or another state."""
    if spec.name == "approval_state":
        return _APPROVAL_TONES.get(value, "grey"), _APPROVAL_SHAPES.get(value, "open")
    option = option_of(spec, value)
    colour = tone(option.color if option else None)
    if entity.machine is None or spec.name != "stage" or value not in entity.machine.stages:
        return colour, "open"
    outcome = entity.machine.stages[value].outcome
    shapes = {"won": "done", "lost": "lost", "paused": "wait"}
    if outcome in shapes:
        return colour, shapes[outcome]
    return colour, "new" if value == entity.machine.initial else "progress"


def say_day(day: date, today: date, lang: str, t: Say) -> str:
    """Return a date as people say it: today, tomorrow, Friday, 5 Mar, 5 Mar 2024."""
    away = (day - today).days
    if -1 <= away <= 1:
        return t(("screens.yesterday", "screens.today", "screens.tomorrow")[away + 1])
    if 1 < away < 7:
        return _WEEKDAYS["zh" if lang == "zh" else "en"][day.weekday()] + (
            f" {day.month}/{day.day}" if lang == "zh" else f" {day.day} {_MONTHS[day.month - 1]}"
        )
    if lang == "zh":
        return (
            f"{day.month}月{day.day}日" if day.year == today.year else f"{day.year}年{day.month}月{day.day}日"
        )
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return text if day.year == today.year else f"{text} {day.year}"


def short_money(amount: Decimal, currency: str, lang: str) -> str:
    """Return an amount in a few characters: ¥1.28M, 128.4万."""
    sign = money.format_money(Decimal(0), currency).rstrip("0.,")
    value, size = abs(amount), ""
    steps = ((10**8, "亿"), (10**4, "万")) if lang == "zh" else ((10**9, "B"), (10**6, "M"), (10**4, "k"))
    for least, word in steps:
        if value >= least:
            divisor = 1000 if word == "k" else least
            value, size = value / divisor, word
            break
    text = f"{value:,.1f}".removesuffix(".0") if size or value % 1 else f"{value:,.0f}"
    return f"{'-' if amount < 0 else ''}{sign}{text}{size}"


def days_late(day: date, today: date) -> int:
    """Return by how many days a date has passed; negative for what is to come."""
    return (today - day) // timedelta(days=1)


def address(text: str) -> str:
    """Return a text as it stands in an address."""
    return quote(text, safe="")


def _badge(label: str, colour: str) -> Markup:
    return Markup('<span class="badge tone-{}">{}</span>').format(colour, label)


def _lock(why: str) -> Markup:
    return Markup(
        '<span class="lock" data-tip="{0}" tabindex="0" role="img" aria-label="{0}"><i class="icon i-lock icon-sm"></i></span>'
    ).format(why)


def _percent(value: str, lang: str) -> str:
    """Return a share with at most two decimals; the exact one stands in the form."""
    text = f"{Decimal(value) * 100:,.2f}".rstrip("0").rstrip(".")
    return f"{text}%" if lang == "zh" else f"{text} %"


def _rich(value: str) -> Markup:
    return Markup(value)  # noqa: S704 - kept by the field's kind in a form that is safe to show


def _url(value: str) -> Any:
    if not value.startswith(("https://", "http://")):
        return value
    return Markup('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>').format(
        value, _short(value)
    )


def _short(url: str) -> str:
    text = url.removeprefix("https://").removeprefix("http://").removesuffix("/")
    return text if len(text) <= 48 else f"{text[:47]}…"
