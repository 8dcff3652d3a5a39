"""EX-13: Python, SQLite, PostgreSQL and the browser give the same answer, to the last digit, nulls included."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from fairlead.expr.expression import Expression
from fairlead.expr.sql import SqlContext, sql_parameters
from fairlead.expr.stored import from_stored
from fairlead.expr.types import Kind, Shape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser

from tests.expr.grammar import Author
from tests.expr.world import (
    SCOPE,
    SHAPES,
    TABLES,
    Chromium,
    World,
    canonical,
    compile_expression,
    differences,
    must,
    random_world,
    read_json,
    sqlite_engine,
)

CORPUS: dict[str, list[list[Any]]] = yaml.safe_load(
    Path(__file__).with_name("corpus.yaml").read_text(encoding="utf-8")
)
CASES = [(clause, *case) for clause, cases in CORPUS.items() for case in cases]


def from_yaml(shape: Shape, row: dict[str, Any], key: str) -> dict[str, Any]:
    made: dict[str, Any] = {"id": key}
    for name, raw in row.items():
        kind = shape.field_type(name)
        assert kind is not None, f"{shape.name} has no field {name}"
        if kind.is_rows:
            lines = SHAPES[str(kind.element.entity)] if kind.element else shape
            made[name] = [from_yaml(lines, line, f"{key}-{at}") for at, line in enumerate(raw)]
        elif kind.is_number:
            made[name] = int(raw) if kind.kind is Kind.integer else Decimal(raw)
        elif kind.kind is Kind.list:
            made[name] = tuple(raw)
        elif kind.kind is Kind.duration:
            made[name] = timedelta(seconds=raw)
        else:
            made[name] = from_stored(raw, kind)
    return {**dict.fromkeys(shape.fields), **made}


def corpus_world() -> World:
    customers = [
        {"id": "c1", "name": "c", "level": "A", "owner": "u2", "parent": "c2", "credit": None, "since": None},
        {
            "id": "c2",
            "name": None,
            "level": "B",
            "owner": None,
            "parent": None,
            "credit": None,
            "since": None,
        },
    ]
    return World(
        {
            "team": [{"id": f"t{n}", "name": None, "parent": None} for n in (1, 2, 3)],
            "user": [{"id": "u1", "name": "Rui", "team": "t1"}, {"id": "u2", "name": "Sana", "team": "t2"}],
            "customer": customers,
            "deal": [from_yaml(SHAPES["deal"], case[3], f"d{at:04}") for at, case in enumerate(CASES)],
        }
    )


@pytest.fixture(scope="module")
def expressions() -> list[Expression]:
    return [must(text, sql=True) for _, text, _, _ in CASES]


@pytest.fixture(scope="module")
def corpus() -> World:
    return corpus_world()


@pytest.fixture
def postgres_engine(postgres_url: str) -> Iterator[sa.Engine]:
    engine = sa.create_engine(postgres_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def chromium(browser: Browser) -> Iterator[Chromium]:
    page = browser.new_page()
    yield Chromium(page)
    page.close()


def wrong(answers: list[list[object]], expressions: list[Expression]) -> list[str]:
    """Return one line for each case whose own record does not give the expected result."""
    found = []
    for at, ((clause, text, wanted, record), expression) in enumerate(zip(CASES, expressions, strict=True)):
        expected = canonical(read_json(wanted, expression.type), expression.type)
        if answers[at][at] != expected:
            found.append(f"{clause}: {text} with {record}: {answers[at][at]!r}, not {expected!r}")
    return found


def test_EX13_corpus_in_python(corpus, expressions):
    assert wrong([corpus.python(one) for one in expressions], expressions) == []


def test_EX13_corpus_in_sqlite(corpus, expressions):
    engine = sqlite_engine()
    corpus.write(engine)
    answers = [corpus.sql(engine, one) for one in expressions]
    assert wrong(answers, expressions) == []
    assert differences(expressions, corpus, {"sqlite": answers}) == []
    engine.dispose()


def test_EX13_corpus_in_postgresql(corpus, expressions, postgres_engine):
    corpus.write(postgres_engine)
    answers = [corpus.sql(postgres_engine, one) for one in expressions]
    assert wrong(answers, expressions) == []
    assert differences(expressions, corpus, {"postgresql": answers}) == []


def test_EX13_corpus_in_the_browser(corpus, expressions, chromium):
    answers = corpus.browser(chromium, expressions)
    assert wrong(answers, expressions) == []
    assert differences(expressions, corpus, {"chromium": answers}) == []


def test_EX3_where_agrees_with_python(corpus, expressions, postgres_engine):
    """Unknown is false in a permission and passes in a check, in every engine."""
    lite = sqlite_engine()
    corpus.write(lite)
    corpus.write(postgres_engine)
    for expression in expressions:
        if expression.type.kind is not Kind.bool:
            continue
        for unknown in (False, True):
            wanted = corpus.chosen_by_python(expression, unknown=unknown)
            for engine in (lite, postgres_engine):
                assert corpus.chosen(engine, expression, unknown=unknown) == wanted, expression.text
    lite.dispose()


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000), rng=st.randoms(use_true_random=False))
def test_EX13_property_python_is_sqlite(seed, rng):
    """Hypothesis chooses the records and shrinks the expression that tells the two apart."""
    world = random_world(seed, size=12)
    made = compile_expression(Author(rng).any(3), SCOPE, sql=True)
    if not isinstance(made, Expression):
        return
    engine = sqlite_engine()
    world.write(engine)
    try:
        assert differences([made], world, {"sqlite": [world.sql(engine, made)]}) == []
    finally:
        TABLES.meta.drop_all(engine)
        engine.dispose()


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("record.owner == user && record.stage == 'won'", "owner"),
        ("record.amount > 100000.0", "amount"),
        ("record.stage in ['won', 'lost']", "stage"),
        ("record.team in user.teams", "team"),
        ("days_since(record.made_at) >= 7", "made_at"),
        ("business_days_since(record.made_at) >= 15", "made_at"),
        ("date(record.made_at) >= start_of_quarter(today)", "made_at"),
        ("now - record.made_at > days(30)", "made_at"),
        ("record.close_on <= today + days(3)", "close_on"),
    ],
)
def test_EX6_an_index_can_serve(text, index, postgres_engine):
    """The usual rules of pools, permissions and reports leave the column bare on one side."""
    deal = TABLES.known["deal"]
    lite = sqlite_engine()
    for engine in (lite, postgres_engine):
        TABLES.meta.create_all(engine)
        ctx = SqlContext(engine.dialect.name, lambda path: deal.c[path[0]], TABLES)
        query = sa.select(deal.c.id).where(must(text, sql=True).condition(ctx))
        compiled = query.compile(engine)
        values = compiled.construct_params(sql_parameters(random_world(1, 1).env))
        with engine.begin() as connection:
            connection.execute(sa.text(f"CREATE INDEX by_field ON deal ({index})"))
            if engine is not lite:
                connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
                connection.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
            explain = "EXPLAIN " if engine is not lite else "EXPLAIN QUERY PLAN "
            positional = compiled.positiontup
            sent = tuple(values[name] for name in positional) if positional else values
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + str(compiled), sent))
        assert "by_field" in plan, plan
        assert "Index Cond" in plan or engine is lite, plan
    lite.dispose()
