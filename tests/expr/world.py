"""A small sales world in which one expression is answered by Python, SQLite, PostgreSQL and Chromium, and compared."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fairlead.base.clock import parse_utc
from fairlead.expr.browser import calendar_json, plain_json
from fairlead.expr.check import compile_expression
from fairlead.expr.evaluate import Env, UserFacts
from fairlead.expr.expression import Expression
from fairlead.expr.sql import SqlContext, register_sqlite_functions, sql_parameters
from fairlead.expr.stored import from_stored, to_stored
from fairlead.expr.types import (
    BOOL,
    DATE,
    DATETIME,
    DURATION,
    INTEGER,
    PERCENT,
    TEAM,
    TEXT,
    TIME,
    USER,
    Kind,
    Scope,
    Shape,
    Type,
    choice_type,
    decimal_type,
    list_type,
    money_type,
    reference_type,
    rows_type,
)
from playwright.sync_api import Page, Route

DIST = Path(__file__).parents[2] / "platform/fairlead/static/dist"
LEVELS = choice_type(["A", "B", "C"])
STAGES = choice_type(["new", "quote", "won", "lost"])
CNY = money_type("CNY")

SHAPES: dict[str, Shape] = {}
SHAPES.update(
    deal=Shape(
        "deal",
        {
            "id": reference_type("deal"),
            "qty": INTEGER,
            "other": INTEGER,
            "amount": CNY,
            "cost": CNY,
            "yen": money_type("JPY"),
            "discount": PERCENT,
            "rate": decimal_type(2),
            "tiny": decimal_type(6),
            "name": TEXT,
            "note": TEXT,
            "stage": STAGES,
            "was_stage": STAGES,
            "flag": BOOL,
            "signed": BOOL,
            "close_on": DATE,
            "start_on": DATE,
            "made_at": DATETIME,
            "met_at": DATETIME,
            "opens": TIME,
            "takes": DURATION,
            "tags": list_type(choice_type(["vip", "hot", "cold"])),
            "owner": USER,
            "team": TEAM,
            "customer": reference_type("customer"),
            "lines": rows_type("deal.lines", max_items=20),
        },
        SHAPES,
    ),
    customer=Shape(
        "customer",
        {
            "id": reference_type("customer"),
            "name": TEXT,
            "level": LEVELS,
            "credit": CNY,
            "owner": USER,
            "parent": reference_type("customer"),
            "since": DATE,
        },
        SHAPES,
    ),
    user=Shape("user", {"id": USER, "name": TEXT, "team": TEAM}, SHAPES),
    team=Shape("team", {"id": TEAM, "name": TEXT, "parent": TEAM}, SHAPES),
)
SHAPES["deal.lines"] = Shape(
    "deal.lines",
    {
        "id": TEXT,
        "qty": INTEGER,
        "price": CNY,
        "rate": decimal_type(3),
        "name": TEXT,
        "ready": BOOL,
        "due": DATE,
        "supplier": reference_type("customer"),
    },
    SHAPES,
)
SCOPE = Scope(
    SHAPES["deal"],
    extra={
        "open_approvals": INTEGER,
        "floor": CNY,
        "allowed": list_type(choice_type(["vip", "hot", "cold"])),
    },
)

ENV_USER = UserFacts("u1", "t1", ("t1", "t2"), ("t3",), ("rep", "finance"))
NOW = parse_utc("2026-02-25T17:30:15.250000Z")


def table_of(meta: sa.MetaData, shape: Shape) -> sa.Table:
    """Return the table that keeps `shape` in the stored forms."""
    columns: list[sa.Column[Any]] = []
    for name, kind in shape.fields.items():
        if kind.is_rows:
            continue
        if kind.is_number or kind.kind is Kind.duration:
            columns.append(sa.Column(name, sa.BigInteger))
        elif kind.kind is Kind.bool:
            columns.append(sa.Column(name, sa.Boolean))
        else:
            text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
            columns.append(sa.Column(name, text, primary_key=name == "id"))
    if "." in shape.name:
        columns.append(sa.Column("parent_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql")))
        columns.append(sa.Column("position", sa.Integer))
    return sa.Table(shape.name.replace(".", "_"), meta, *columns)


class Tables:
    """The other tables, as the SQL back end asks for them."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.meta = sa.MetaData()
        self.known = {name: table_of(self.meta, shape) for name, shape in shapes.items()}

    def table(self, entity: str) -> sa.Table:
        return self.known[entity]

    def column(self, table: sa.FromClause, field: str) -> Any:
        return table.c[field]

    def key(self, table: sa.FromClause) -> Any:
        return table.c.id

    def parent(self, table: sa.FromClause) -> Any:
        return table.c.parent_id


class Setting:
    """The shapes of a world, the tables that keep them, and the names that a rule about a deal may use."""

    def __init__(self, shapes: Mapping[str, Shape], scope: Scope) -> None:
        self.shapes = shapes
        self.scope = scope
        self.tables = Tables(shapes)


SETTING = Setting(SHAPES, SCOPE)
TABLES = SETTING.tables
Rows = dict[str, list[dict[str, Any]]]


class World:
    """Records in memory, and in any database they are written to."""

    def __init__(
        self, rows: Rows, setting: Setting = SETTING, *, zone: str = "Asia/Shanghai", **more: Any
    ) -> None:
        self.rows = rows
        self.setting = setting
        self.deals = rows["deal"]
        self.by_id = {name: {row["id"]: row for row in some} for name, some in rows.items()}
        extra = {"open_approvals": 2, "floor": Decimal("99.50"), "allowed": ("vip",)}
        more = {"user": ENV_USER, "extra": extra, **more}
        self.env = Env.at(NOW, zone=zone, resolve=lambda name, key: self.by_id.get(name, {}).get(key), **more)

    def write(self, engine: sa.Engine) -> None:
        with engine.begin() as connection:
            tables, shapes = self.setting.tables, self.setting.shapes
            tables.meta.create_all(connection)
            for name, some in self.rows.items():
                kept = [self.stored(shapes[name], row) for row in some]
                if kept:
                    connection.execute(tables.known[name].insert(), kept)
                for row in some if name == "deal" else ():
                    lines = [
                        {**self.stored(shapes["deal.lines"], line), "parent_id": row["id"], "position": at}
                        for at, line in enumerate(row[self.table_field] or ())
                    ]
                    if lines:
                        connection.execute(tables.known["deal.lines"].insert(), lines)

    def forget(self, engine: sa.Engine) -> None:
        """Remove the tables again, so that another setting can use their names."""
        self.setting.tables.meta.drop_all(engine)

    @property
    def table_field(self) -> str:
        """The field of a deal that holds its lines."""
        return next(name for name, kind in self.setting.shapes["deal"].fields.items() if kind.is_rows)

    @staticmethod
    def stored(shape: Shape, row: Mapping[str, Any]) -> dict[str, object]:
        return {
            name: to_stored(row.get(name), kind) for name, kind in shape.fields.items() if not kind.is_rows
        }

    # ------------------------------------------------------------ the four answers

    def python(self, expression: Expression) -> list[object]:
        return [canonical(expression._run(deal, self.env, ()), expression.type) for deal in self.deals]

    def sql(self, engine: sa.Engine, expression: Expression) -> list[object]:
        tables = self.setting.tables
        deal = tables.known["deal"]
        ctx = SqlContext(engine.dialect.name, lambda path: deal.c[path[0]], tables)
        query = sa.select(deal.c.id, expression.to_sql(ctx).label("answer"))
        with engine.connect() as connection:
            rows = connection.execute(query, sql_parameters(self.env, self.setting.scope.extra))
            found = {key: answer for key, answer in rows}  # noqa: C416 - rows are not quite pairs
        return [stored_answer(found[one["id"]], expression.type) for one in self.deals]

    def chosen(self, engine: sa.Engine, expression: Expression, *, unknown: bool = False) -> list[str]:
        """Return the deals that WHERE lets through."""
        tables = self.setting.tables
        deal = tables.known["deal"]
        ctx = SqlContext(engine.dialect.name, lambda path: deal.c[path[0]], tables)
        query = sa.select(deal.c.id).where(expression.condition(ctx, unknown=unknown))
        with engine.connect() as connection:
            return sorted(
                connection.execute(query, sql_parameters(self.env, self.setting.scope.extra)).scalars()
            )

    def chosen_by_python(self, expression: Expression, *, unknown: bool = False) -> list[str]:
        return sorted(
            deal["id"] for deal in self.deals if expression.is_true(deal, self.env, unknown=unknown)
        )

    def page(self) -> dict[str, Any]:
        """Return what the page would hold: records as JSON and the environment."""
        user, shapes = self.env.user, self.setting.shapes
        assert user is not None
        return {
            "records": {
                name: [page_row(shapes, shapes[name], row) for row in some]
                for name, some in self.rows.items()
            },
            "env": {
                "now": to_stored(self.env.now, DATETIME),
                "today": self.env.today.isoformat(),
                "zone": self.env.zone,
                "user": {
                    "id": user.id,
                    "team": user.team,
                    "teams": user.teams,
                    "subordinate_teams": user.subordinate_teams,
                    "roles": user.roles,
                },
                "extra": {
                    name: plain_json(self.env.extra.get(name), kind)
                    for name, kind in self.setting.scope.extra.items()
                },
                "calendar": calendar_json(self.env.calendar),
            },
        }

    def browser(self, chromium: "Chromium", expressions: Sequence[Expression]) -> list[list[object]]:
        """Return what the module that ships answers in a real browser."""
        answers = chromium.ask({**self.page(), "trees": [one.to_json() for one in expressions]})
        return [
            [canonical(read_json(value, one.type), one.type) for value in some]
            for one, some in zip(expressions, answers, strict=True)
        ]


def page_row(shapes: Mapping[str, Shape], shape: Shape, row: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, kind in shape.fields.items():
        value = row.get(name)
        if kind.is_rows and kind.element is not None:
            lines = shapes[str(kind.element.entity)]
            made[name] = [page_row(shapes, lines, line) for line in value or ()]
        else:
            made[name] = plain_json(value, kind)
    return made


def canonical(value: object, kind: Type) -> object:
    """Return a form in which equal answers are equal: numbers in units of their scale, days as text."""
    if kind.kind is Kind.list:
        return tuple(value or ())  # type: ignore[call-overload]
    if value is None or isinstance(value, bool | str):
        return value
    if kind.is_number:
        scaled = Decimal(str(value)).scaleb(kind.scale) if not isinstance(value, Decimal) else None
        if isinstance(value, int):
            return value * 10**kind.scale
        assert isinstance(value, Decimal)
        assert scaled is None
        text = format(value, "f")
        whole, _, part = text.partition(".")
        assert len(part.rstrip("0")) <= kind.scale, f"{text} has more decimals than {kind.scale}"
        return int(whole + part.ljust(kind.scale, "0")[: kind.scale])
    if kind.kind is Kind.duration:
        return value if isinstance(value, int) else value // timedelta(microseconds=1)  # type: ignore[operator]
    if isinstance(value, date | datetime | time):
        return to_stored(value, kind)
    return value


def stored_answer(value: object, kind: Type) -> object:
    if kind.kind is Kind.list:
        return from_stored(value, kind)
    if value is None:
        return None
    if kind.kind is Kind.bool:
        return bool(value)
    if kind.is_number or kind.kind is Kind.duration:
        return int(str(value))
    return value


def read_json(value: Any, kind: Type) -> object:
    if value is None or isinstance(value, bool):
        return value
    if kind.is_number:
        return Decimal(str(value))
    return int(value) if kind.kind is Kind.duration else value


# ---------------------------------------------------------------- records


def random_world(seed: int, size: int = 40) -> World:
    """Return a world whose fields are often empty and sometimes extreme."""
    rng = random.Random(seed)

    def maybe(make: Any, empty: float = 0.25) -> Any:
        return None if rng.random() < empty else make()

    def whole() -> int:
        return rng.choice(
            [0, 1, -1, 2, 3, 5, 7, 10, 100, -42, 999_999, 10**18 - 1, -(10**18 - 1), rng.randint(-50, 50)]
        )

    def number(scale: int) -> Decimal:
        scaled = rng.choice(
            [0, 1, -1, 5, 15, 25, 50, 1000, 1050, 10**18 - 1, 1 - 10**18, rng.randint(-99999, 99999)]
        )
        return Decimal(scaled).scaleb(-scale)

    def text() -> str:
        return rng.choice(
            [
                "a",
                "A",
                "ab",
                "Abc",
                "abc",
                "b",
                "客户",
                "客",
                "户",
                "é",
                "Z",
                "\uffff",
                "😀",
                "😀b",
                "10",
                "x y",
                "%",
                "_",
            ]
        )

    def day() -> date:
        return rng.choice(
            [
                date(2026, 2, 25),
                date(2026, 2, 26),
                date(2026, 2, 28),
                date(2024, 2, 29),
                date(1950, 1, 1),
                date(2099, 12, 31),
                date(2025, 10, 1),
                date(2026, 2, 26) + timedelta(days=rng.randint(-400, 400)),
            ]
        )

    def moment() -> datetime:
        return NOW + timedelta(
            days=rng.choice([0, 0, 1, -1, 30, rng.randint(-900, 900)]),
            hours=rng.randint(-30, 30),
            microseconds=rng.choice([0, 0, 1, -1, 499_999]),
        )

    def key(prefix: str, count: int) -> str:
        return f"{prefix}{rng.randint(1, count)}"

    teams = [{"id": f"t{n}", "name": text(), "parent": maybe(lambda: key("t", 3))} for n in range(1, 4)]
    users = [{"id": f"u{n}", "name": text(), "team": maybe(lambda: key("t", 3))} for n in range(1, 5)]
    customers = [
        {
            "id": f"c{n}",
            "name": maybe(text),
            "level": maybe(lambda: rng.choice(LEVELS.options)),
            "credit": maybe(lambda: number(2)),
            "owner": maybe(lambda: key("u", 4)),
            "parent": maybe(lambda: key("c", 6)),
            "since": maybe(day),
        }
        for n in range(1, 7)
    ]

    def line(n: int, at: int) -> dict[str, Any]:
        return {
            "id": f"l{n}-{at}",
            "qty": maybe(whole),
            "price": maybe(lambda: number(2)),
            "rate": maybe(lambda: number(3)),
            "name": maybe(text),
            "ready": maybe(lambda: rng.random() < 0.5),
            "due": maybe(day),
            "supplier": maybe(lambda: key("c", 6)),
        }

    deals = []
    for n in range(size):
        lines = None if n % 11 == 0 else [line(n, at) for at in range(rng.choice([0, 1, 1, 2, 3, 5]))]
        deals.append(
            {
                "id": f"d{n:04}",
                "qty": maybe(whole),
                "other": maybe(whole),
                "amount": maybe(lambda: number(2)),
                "cost": maybe(lambda: number(2)),
                "yen": maybe(lambda: number(0)),
                "discount": maybe(lambda: number(4)),
                "rate": maybe(lambda: number(2)),
                "tiny": maybe(lambda: number(6)),
                "name": maybe(text),
                "note": maybe(text),
                "stage": maybe(lambda: rng.choice(STAGES.options)),
                "was_stage": maybe(lambda: rng.choice(STAGES.options)),
                "flag": maybe(lambda: rng.random() < 0.5),
                "signed": maybe(lambda: rng.random() < 0.5),
                "close_on": maybe(day),
                "start_on": maybe(day),
                "made_at": maybe(moment),
                "met_at": maybe(moment),
                "opens": maybe(lambda: time(rng.randint(0, 23), rng.choice([0, 30]), 0)),
                "takes": maybe(
                    lambda: timedelta(
                        days=rng.randint(-3, 3),
                        seconds=rng.randint(0, 90000),
                        microseconds=rng.choice([0, 1]),
                    )
                ),
                "tags": maybe(lambda: tuple(rng.sample(["vip", "hot", "cold"], rng.randint(0, 3)))),
                "owner": maybe(lambda: key("u", 4)),
                "team": maybe(lambda: key("t", 3)),
                "customer": maybe(lambda: key("c", 6)),
                "lines": lines,
            }
        )
    return World({"team": teams, "user": users, "customer": customers, "deal": deals})


# ---------------------------------------------------------------- databases and the page


def sqlite_engine(path: str = ":memory:") -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.StaticPool if path == ":memory:" else None)
    sa.event.listen(engine, "connect", lambda connection, _record: register_sqlite_functions(connection))
    return engine


_ASK = """
async ([module, text]) => {
  const { evaluate } = await import(module);
  const asked = JSON.parse(text);
  const tables = {};
  for (const [name, rows] of Object.entries(asked.records)) tables[name] = new Map(rows.map((row) => [row.id, row]));
  const env = { ...asked.env, resolve: (entity, id) => tables[entity]?.get(id) ?? null };
  return JSON.stringify(asked.trees.map((tree) => asked.records.deal.map((row) => evaluate(tree, row, env))));
}
"""


class Chromium:
    """One page of a real browser that has the evaluator as it ships, from the built front end."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.module = "/" + json.loads((DIST / "manifest.json").read_text("utf-8"))["expr.js"]
        page.route("http://expressions.test/**", self.serve)
        page.goto("http://expressions.test/")

    def serve(self, route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if not name:
            route.fulfill(body="<!doctype html><title>expressions</title>", content_type="text/html")
        else:
            route.fulfill(path=DIST / name, content_type="text/javascript")

    def ask(self, asked: Mapping[str, Any]) -> Any:
        return json.loads(self.page.evaluate(_ASK, [self.module, json.dumps(asked)]))


def must(text: str, **options: Any) -> Expression:
    """Return the expression; a problem is a failed test."""
    made = compile_expression(text, options.pop("scope", SCOPE), **options)
    assert isinstance(made, Expression), f"{text}: {[str(one) for one in made]}"
    return made


def codes(text: str, **options: Any) -> list[str]:
    """Return the codes of the problems of `text`."""
    made = compile_expression(text, options.pop("scope", SCOPE), **options)
    return [] if isinstance(made, Expression) else [one.code for one in made]


def differences(
    texts: Iterable[Expression], world: World, answers: Mapping[str, Sequence[Sequence[object]]]
) -> list[str]:
    """Return one line for each answer that is not Python's."""
    found = []
    for at, expression in enumerate(texts):
        wanted = world.python(expression)
        for engine, some in answers.items():
            for deal, one, other in zip(world.deals, wanted, some[at], strict=True):
                if one != other:
                    read = {path[0]: deal.get(path[0]) for path in expression.uses}
                    found.append(
                        f"{expression.text}\n  python {one!r}, {engine} {other!r}\n  {deal['id']} {read}"
                    )
                    break
    return found
