"""A hundred thousand leads by a fixed seed, written in bulk: into the hand-written tables and into Fairlead's own.

Half of the names are Chinese. Stages and sources are as uneven as in life, so that one pair of them fills more than
two hundred pages; follow-ups and amounts have ties and empty values, so that orders have to be exact.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa

from bench import schema

SEED = 20260301
REPS, TEAMS = 50, 20
TODAY = datetime(2026, 3, 1, tzinfo=UTC)
FAR_AWAY = datetime(2099, 1, 1, tzinfo=UTC)
WORKSPACE = Path(__file__).parent / "workspace"

STAGE_SHARES = dict(zip(schema.STAGES, (40, 22, 15, 10, 7, 6), strict=True))
SOURCE_SHARES = dict(zip(schema.SOURCES, (38, 20, 14, 12, 9, 7), strict=True))

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红建文利清飞春云洁莉鹏宇波辉斌海燕晨浩"
GIVEN += "凯雪梅丹琳欣佳嘉俊子涵梓轩"
FIRST = (
    "Ada Ben Carl Dora Emma Finn Grace Hugo Ida Jack Kate Leo Mia Noah Olga Paul Rosa Sam Tess Uma Victor Wendy"
).split()
FAMILY = (
    "Ash Black Brook Clay Cross Dark Elm Fair Green Grim Hart Hawk High Holm Kirk Lang Long Marsh North Oak Rook Sharp"
    " Smith Stock Stone Thorn Wald West White Wolf"
).split()
FAMILY_END = (
    "beck borough bridge brook brow burgh by cliff combe croft dale field ford gate grave ham hurst land ley mark moor"
    " ridge shaw side stead stone strom ton well wick wood worth"
).split()
REMARKS = (
    "Asked for a quote by the end of the month.",
    "客户希望下周安排现场演示，决策人为采购总监。",
    "Budget is approved; waits for the security review.",
    "预算已批，等待法务审核合同条款。",
    "Prefers to be called in the afternoon.",
    "对价格比较敏感，正在与两家供应商比较。",
    "Referred by an existing customer in the same park.",
)


class Person(NamedTuple):
    """Somebody who asks; `secret` is the token."""

    id: str
    username: str
    role: str
    team: str

    @property
    def secret(self) -> str:
        return f"fl_bench_{self.username}"

    @property
    def hashed(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()


class Lead(NamedTuple):
    """One lead, in no database's form. `amount` is in minor units."""

    id: str
    name: str
    phone: str | None
    email: str | None
    source: str
    stage: str
    score: int
    amount: int | None
    owner: str
    team: str
    next_follow_up: datetime | None
    note: str | None
    created_at: datetime


@dataclass(frozen=True)
class Data:
    """Everything that is in the database before the first request."""

    people: Sequence[Person]
    teams: Sequence[str]
    leads: Sequence[Lead]

    @property
    def admin(self) -> Person:
        return self.people[0]

    @property
    def reps(self) -> Sequence[Person]:
        return self.people[1:]


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def key_at(moment: datetime, noise: int) -> str:
    """Return a key of the kind that Fairlead makes: ordered by time, sixteen letters."""
    value = int(moment.timestamp() * 1000) << 32 | noise
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(75, -1, -5))


def make(records: int) -> Data:
    """Return the same data whenever it is asked for."""
    dice = random.Random(SEED)
    begun = TODAY - timedelta(days=400)
    teams = [key_at(begun, number) for number in range(TEAMS)]
    people = [Person(key_at(begun, 1000), "admin", "admin", teams[0])]
    people += [
        Person(key_at(begun, 1001 + number), f"rep{number:02d}", "rep", teams[number % TEAMS])
        for number in range(REPS)
    ]
    step = timedelta(days=365) / max(records, 1)
    leads = [_lead(dice, people[1:], begun + timedelta(days=5) + step * number) for number in range(records)]
    return Data(people, teams, leads)


def _lead(dice: random.Random, reps: Sequence[Person], moment: datetime) -> Lead:
    created = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    owner = dice.choice(reps)
    name = _chinese_name(dice) if dice.random() < 0.5 else _latin_name(dice)
    follow_up = TODAY + timedelta(minutes=15 * dice.randint(-2000, 4000))
    return Lead(
        id=key_at(created, dice.getrandbits(32)),
        name=name,
        phone=f"+861{dice.choice('35789')}{dice.randrange(10**9):09d}" if dice.random() < 0.95 else None,
        email=f"{dice.getrandbits(32):08x}@example.com" if dice.random() < 0.7 else None,
        source=_drawn(dice, SOURCE_SHARES),
        stage=_drawn(dice, STAGE_SHARES),
        score=dice.randint(0, 100),
        amount=int(dice.lognormvariate(10, 1.2)) * 100 * 50 if dice.random() < 0.97 else None,
        owner=owner.id,
        team=owner.team,
        next_follow_up=follow_up if dice.random() < 0.97 else None,
        note=" ".join(dice.sample(REMARKS, dice.randint(1, 3))) if dice.random() < 0.7 else None,
        created_at=created,
    )


def _drawn(dice: random.Random, shares: dict[str, int]) -> str:
    return dice.choices(list(shares), list(shares.values()))[0]


def _chinese_name(dice: random.Random) -> str:
    given = "".join(dice.choice(GIVEN) for _ in range(2 if dice.random() < 0.8 else 1))
    return dice.choice(SURNAMES) + given


def _latin_name(dice: random.Random) -> str:
    return f"{dice.choice(FIRST)} {dice.choice(FAMILY)}{dice.choice(FAMILY_END)}"


def words_to_find(count: int) -> list[str]:
    """Return parts of names: two Chinese characters, or the middle of a family name. Each finds a few dozen at most.

    None is the sound of a Chinese name, which Fairlead would find too and "contains" would not.
    """
    dice = random.Random(SEED + 1)
    words: list[str] = []
    while len(words) < count:
        words.append(dice.choice(GIVEN) + dice.choice(GIVEN))
        words.append((dice.choice(FAMILY)[1:] + dice.choice(FAMILY_END)).lower())
    return list(dict.fromkeys(words))[:count]


# ---------------------------------------------------------------- by hand


def write_by_hand(data: Data, url: str) -> None:
    """Create and fill the hand-written tables."""
    engine = sa.create_engine(url)
    schema.metadata.create_all(engine)
    engine.dispose()
    dialect: schema.Dialect = "sqlite" if url.startswith("sqlite") else "postgresql"

    def at(moment: datetime | None) -> Any:
        return schema.instant_text(moment) if moment is not None and dialect == "sqlite" else moment

    people = [(p.id, p.username, p.username.title(), p.role, p.team, True) for p in data.people]
    tokens = [(p.hashed, p.id, at(FAR_AWAY)) for p in data.people]
    leads = (
        (one.id, 1, *one[1:10], at(one.next_follow_up), one.note, at(one.created_at), at(one.created_at))
        for one in data.leads
    )
    created = [
        (n, one.id, at(one.created_at), one.owner, _first_words(one)) for n, one in enumerate(data.leads, 1)
    ]
    events = ((n, moment, "create", key, changes) for n, key, moment, _, changes in created)
    with Bulk(url) as bulk:
        bulk.write("users", ("id", "username", "name", "role", "team", "active"), people)
        bulk.write("tokens", ("hash", "user_id", "expires_at"), tokens)
        bulk.write("leads", tuple(schema.lead.c.keys()), leads)
        bulk.write("lead_history", ("id", "lead_id", "at", "user_id", "changes"), created)
        bulk.write("events", ("id", "at", "kind", "lead_id", "payload"), events)
        if dialect == "postgresql":
            for table in ("lead_history", "events"):
                bulk.run(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {len(data.leads) + 1})")
    tidy(url)


def _first_words(one: Lead) -> str:
    return json.dumps(
        {"name": [None, one.name], "stage": [None, one.stage], "source": [None, one.source]},
        ensure_ascii=False,
    )


class Bulk:
    """The fastest way in: one transaction of many rows on SQLite, COPY on PostgreSQL."""

    def __init__(self, url: str) -> None:
        parsed = sa.make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._connection: Any
        if self.sqlite:
            self._connection = sqlite3.connect(parsed.database or "")
        else:
            conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
            self._connection = psycopg.connect(conninfo)

    def __enter__(self) -> Bulk:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._connection.commit()
        self._connection.close()

    def run(self, sql: str) -> None:
        """Run one statement."""
        self._connection.execute(sql)

    def write(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Add rows."""
        names = ", ".join(f'"{name}"' for name in columns)
        if self.sqlite:
            marks = ", ".join("?" * len(columns))
            self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
            return
        with self._connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def tidy(url: str) -> None:
    """Give the planner its statistics and leave no work behind for the database to do while we measure."""
    with Bulk(url) as bulk:
        if bulk.sqlite:
            bulk.run("ANALYZE")
            bulk.run("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        bulk._connection.commit()
        bulk._connection.autocommit = True
        bulk.run("VACUUM (FREEZE, ANALYZE)")
        bulk.run("CHECKPOINT")
