"""EX-13: random schemas, records with empty fields and expressions; Python, SQLite, PostgreSQL and Chromium agree.

A case is one expression over one record of one schema. A run has 2,000 of them; `make fuzz-expressions` has 100,000,
begins with another seed each time, and says how long one evaluation takes.
"""

import os
import random
from collections.abc import Iterator
from time import perf_counter

import pytest
import sqlalchemy as sa
from fairlead.expr.expression import Expression
from fairlead.expr.types import BOOL, DECIMAL, INTEGER, Kind, Type, decimal_type, money_type
from playwright.sync_api import Browser

from tests.expr.grammar import Author
from tests.expr.settings import Casting, random_casting, random_people
from tests.expr.world import (
    Chromium,
    World,
    compile_expression,
    differences,
    must,
    random_world,
    sqlite_engine,
)

RECORDS, EXPRESSIONS = 25, 40
CASES = int(os.environ.get("FAIRLEAD_EXPRESSION_CASES", "2000"))
SEED = int(os.environ.get("FAIRLEAD_EXPRESSION_SEED", "20260222"))
ROUNDS = -(-CASES // (RECORDS * EXPRESSIONS))


@pytest.fixture(scope="module")
def chromium(browser: Browser) -> Iterator[Chromium]:
    page = browser.new_page()
    yield Chromium(page)
    page.close()


def written(rng: random.Random, casting: Casting, count: int) -> list[Expression]:
    """Return random expressions over a schema; some of them must fit a field, as formulas do."""
    author, found = Author(rng), list[Expression]()
    while len(found) < count:
        text = casting.text(author.any(rng.randint(1, 4)), rng)
        made = compile_expression(text, casting.setting.scope, expect=_place(rng, casting), sql=True)
        if isinstance(made, Expression):
            found.append(made)
    return found


def _place(rng: random.Random, casting: Casting) -> Type | None:
    some = [
        None,
        None,
        None,
        BOOL,
        money_type(casting.currency),
        decimal_type(rng.randint(0, 6)),
        INTEGER,
        DECIMAL,
    ]
    return rng.choice(some)


def disagreements(
    world: World, some: list[Expression], engines: list[sa.Engine], chromium: Chromium
) -> list[str]:
    """Return one line for each answer that is not Python's: values, and what WHERE lets through."""
    answers = {engine.dialect.name: [world.sql(engine, one) for one in some] for engine in engines}
    answers["chromium"] = world.browser(chromium, some)
    found = differences(some, world, answers)
    for one in some:
        if one.type.kind is Kind.bool:
            wanted = world.chosen_by_python(one)
            found += [
                f"{engine.dialect.name} lets other records through: {one.text}"
                for engine in engines
                if world.chosen(engine, one) != wanted
            ]
    return found


def test_ex_13_random_schemas_records_and_expressions_agree_everywhere(postgres_url, chromium, capsys):
    engines = [sqlite_engine(), sa.create_engine(postgres_url)]
    begun, cases = perf_counter(), 0
    for at in range(ROUNDS):
        rng = random.Random(SEED + at)
        casting = random_casting(rng)
        world, some = random_people(rng, casting, RECORDS), written(rng, casting, EXPRESSIONS)
        for engine in engines:
            world.write(engine)
        found = disagreements(world, some, engines, chromium)
        assert found == [], f"seed {SEED + at}:\n" + "\n".join(found[:5])
        cases += len(some) * len(world.deals)
        for engine in engines:
            world.forget(engine)
        if CASES > 10_000 and at % 10 == 9:
            with capsys.disabled():
                print(
                    f"{cases:,} cases of {ROUNDS * RECORDS * EXPRESSIONS:,}, {perf_counter() - begun:.0f} s",
                    flush=True,
                )
    for engine in engines:
        engine.dispose()
    if CASES > 10_000:
        with capsys.disabled():
            print(
                f"{cases:,} cases in {ROUNDS} schemas agree in Python, SQLite, PostgreSQL and Chromium; seeds {SEED} to"
                f" {SEED + ROUNDS - 1}; {perf_counter() - begun:.0f} s; one evaluation of a typical rule"
                f" {microseconds():.2f} µs"
            )


def microseconds() -> float:
    """Return how long a typical rule takes in Python, the best of several runs."""
    rule = must("record.amount > 100000.0 && record.discount > 0.1", expect=BOOL)
    world = random_world(1, 1)
    record = {
        **world.deals[0],
        "amount": world.env.extra["floor"] * 2000,
        "discount": world.env.extra["floor"] / 400,
    }
    times = []
    for _ in range(20):
        begun = perf_counter()
        for _ in range(5_000):
            rule.is_true(record, world.env)
        times.append((perf_counter() - begun) / 5_000 * 1e6)
    return min(times)
