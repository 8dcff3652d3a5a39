"""Random schemas and records: the parts that a deal's fields play in expressions, filled by other fields each time.

`tests.expr.grammar` writes of `record.amount` and `l.qty`. Here every such part may be played by one of several
fields with names, scales, currencies and limits of their own; `Casting.text` gives the words of a text to the actors.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from fairlead.base.calendar import MONDAY_TO_FRIDAY, OFFICE_HOURS, WorkCalendar, calendar_of
from fairlead.expr.evaluate import UserFacts
from fairlead.expr.types import (
    Kind,
    Scope,
    Shape,
    Type,
    decimal_type,
    money_type,
    percent_type,
    rows_type,
)

from tests.expr.world import NOW, SCOPE, SHAPES, Setting, World

ZONES = ("Asia/Shanghai", "America/New_York", "UTC", "Asia/Kolkata", "Pacific/Apia", "America/St_Johns")
CURRENCIES = ("CNY", "JPY", "BHD", "CLF", "USD")
WORDS = (
    "a", "A", "ab", "Abc", "abc", "b", "客户", "客", "户", "é", "Z", "\uffff", "😀", "😀b", "10", "x y", "%", "_", "ß", "İ",
)  # fmt: skip
_PATH = re.compile(r"\b(record|l)((?:\.[a-z_]+)+)")
Rng = random.Random


@dataclass(frozen=True)
class Casting:
    """A setting, and for each shape which of its fields play which part.

    Attributes:
        cast: By shape and part, the names of the fields.
    """

    setting: Setting
    cast: Mapping[str, Mapping[str, tuple[str, ...]]]
    currency: str

    def text(self, text: str, rng: Rng) -> str:
        """Return `text` with a field of this setting for every part that it names."""
        return _PATH.sub(lambda found: self._path(found, rng), text)

    def _path(self, found: "re.Match[str]", rng: Rng) -> str:
        root, parts = found[1], found[2][1:].split(".")
        shape: str | None = "deal" if root == "record" else "deal.lines"
        made = [root]
        for part in parts:
            names = self.cast[shape].get(part) if shape in self.cast else None
            name = rng.choice(names) if names else part
            kind = self.setting.shapes[shape].field_type(name) if shape in self.setting.shapes else None
            made.append(name)
            shape = None
            if kind is not None:
                shape = kind.element.entity if kind.is_rows and kind.element else kind.leads_to
        return ".".join(made)


def random_casting(rng: Rng) -> Casting:
    """Return shapes like those of the fixed world, with other names, numbers, currencies and limits."""
    shapes: dict[str, Shape] = {}
    cast: dict[str, dict[str, tuple[str, ...]]] = {}
    currency = rng.choice(CURRENCIES)
    for name, shape in SHAPES.items():
        fields: dict[str, Type] = {}
        cast[name] = {}
        for part, kind in shape.fields.items():
            if part == "id" or kind.is_rows or name in ("user", "team"):
                fields[part] = _like(kind, currency, rng)
                continue
            actors = tuple(f"{part[:3]}_{rng.randrange(1000)}_{at}" for at in range(rng.choice([1, 1, 2, 3])))
            fields.update({actor: _like(kind, currency, rng) for actor in actors})
            cast[name][part] = actors
        mixed = list(fields.items())
        rng.shuffle(mixed)
        shapes[name] = Shape(name, dict(mixed), shapes)
    extra = {**SCOPE.extra, "floor": money_type(currency)}
    return Casting(Setting(shapes, Scope(shapes["deal"], extra=extra)), cast, currency)


def _like(kind: Type, currency: str, rng: Rng) -> Type:
    match kind.kind:
        case Kind.money if kind.currency == "CNY":
            return money_type(currency)
        case Kind.decimal if kind.percent:
            return percent_type(rng.choice([2, 4, 6]))
        case Kind.decimal:
            return decimal_type(rng.choice([0, 1, 2, 3, 6, 9, 12]))
        case Kind.list if kind.is_rows:
            return rows_type("deal.lines", max_items=rng.choice([5, 20, 60]))
    return kind


# ---------------------------------------------------------------- records


def random_people(rng: Rng, casting: Casting, size: int) -> World:
    """Return records of a random setting, a quarter of whose fields are empty, seen by somebody somewhere."""
    count = {"deal": size, "customer": 6, "user": 4, "team": 3}
    shapes = casting.setting.shapes

    def row(shape: str, key: str) -> dict[str, Any]:
        made: dict[str, Any] = {"id": key}
        for name, kind in shapes[shape].fields.items():
            if name != "id":
                made[name] = None if rng.random() < 0.25 else value(kind, key)
        return made

    def value(kind: Type, key: str) -> Any:
        if kind.is_rows:
            lines = rng.choice([0, 1, 1, 2, 3, 5])
            return [row("deal.lines", f"{key}-{at}") for at in range(lines)]
        if kind.leads_to is not None:
            return f"{kind.leads_to[0]}{rng.randint(1, count[kind.leads_to])}"
        return random_value(rng, kind)

    rows = {name: [row(name, f"{name[0]}{at}") for at in range(1, some + 1)] for name, some in count.items()}
    user = UserFacts(
        "u1",
        rng.choice([None, "t1", "t2"]),
        tuple(rng.sample(["t1", "t2", "t3"], rng.randint(0, 3))),
        tuple(rng.sample(["t1", "t2", "t3"], rng.randint(0, 2))),
        tuple(rng.sample(["rep", "finance", "boss"], rng.randint(0, 2))),
    )
    extra = {
        "open_approvals": rng.choice([None, 0, 2]),
        "floor": random_value(rng, money_type(casting.currency)),
        "allowed": tuple(rng.sample(["vip", "hot", "cold"], rng.randint(0, 2))),
    }
    zone = rng.choice(ZONES)
    return World(
        rows, casting.setting, zone=zone, user=user, extra=extra, calendar=random_calendar(rng, zone)
    )


def random_value(rng: Rng, kind: Type) -> Any:
    """Return a value of `kind`, sometimes an extreme one."""
    makers: dict[Kind, Callable[[], Any]] = {
        Kind.bool: lambda: rng.random() < 0.5,
        Kind.integer: lambda: rng.choice(
            [0, 1, -1, 2, 3, 5, 7, 10, 100, -42, 999_999, 10**18 - 1, 1 - 10**18, rng.randint(-50, 50)]
        ),
        Kind.decimal: lambda: _number(rng, kind),
        Kind.money: lambda: _number(rng, kind),
        Kind.text: lambda: rng.choice(WORDS),
        Kind.choice: lambda: rng.choice(kind.options),
        Kind.date: lambda: _day(rng),
        Kind.datetime: lambda: _moment(rng),
        Kind.time: lambda: time(rng.randint(0, 23), rng.choice([0, 30, 59]), rng.choice([0, 0, 1])),
        Kind.duration: lambda: timedelta(
            days=rng.randint(-3, 3), seconds=rng.randint(0, 90_000), microseconds=rng.choice([0, 1])
        ),
        Kind.list: lambda: tuple(rng.sample(kind.element.options, rng.randint(0, 3))) if kind.element else (),
    }
    return makers[kind.kind]()


def _number(rng: Rng, kind: Type) -> Decimal:
    scaled = rng.choice(
        [0, 1, -1, 5, 15, 25, 50, 1000, 1050, 10**18 - 1, 1 - 10**18, rng.randint(-99_999, 99_999)]
    )
    return Decimal(scaled).scaleb(-kind.scale)


def _day(rng: Rng) -> date:
    some = [
        date(2024, 2, 29),
        date(1950, 1, 1),
        date(2099, 12, 31),
        date(2025, 10, 1),
        date(9999, 12, 31),
        date(1, 1, 2),
    ]
    near = NOW.date() + timedelta(days=rng.randint(-400, 400))
    return rng.choice([*some, near, near, near, near, near, near])


def _moment(rng: Rng) -> datetime:
    if rng.random() < 0.03:
        return rng.choice([datetime(9999, 12, 31, 20, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
    return NOW + timedelta(
        days=rng.choice([0, 0, 1, -1, 30, rng.randint(-900, 900)]),
        hours=rng.randint(-30, 30),
        microseconds=rng.choice([0, 0, 1, -1, 499_999]),
    )


def random_calendar(rng: Rng, zone: str) -> WorkCalendar:
    """Return a week of random working days with some odd dates around today."""
    if rng.random() < 0.3:
        return calendar_of(zone, MONDAY_TO_FRIDAY)
    week = dict.fromkeys(rng.sample(range(7), rng.randint(1, 6)), OFFICE_HOURS)
    near = [NOW.date() + timedelta(days=rng.randint(-60, 60)) for _ in range(12)]
    return calendar_of(zone, week, near[:8], near[8:])
