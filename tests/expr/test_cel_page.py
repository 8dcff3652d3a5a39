"""What the page about CEL says of us is true: every row whose last cell begins with a value or with *refused*."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from fairlead.expr.check import compile_expression
from fairlead.expr.evaluate import Env, UserFacts
from fairlead.expr.expression import Expression

from tests.expr.world import SCOPE, must

PAGE = (Path(__file__).parents[2] / "docs/cel.md").read_text("utf-8")
ROWS = [
    [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| `")
]
ENV = Env.at(datetime(2026, 2, 25, 17, tzinfo=UTC), user=UserFacts("u1"))
RECORD = {"qty": 0, "amount": None, "lines": ()}


def code(cell: str) -> str:
    found = re.match(r"`([^`]+)`", cell)
    assert found is not None, cell
    return found[1]


@pytest.mark.parametrize(
    ("written", "ours"), [(row[0], row[2]) for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_page_about_cel_is_true(written: str, ours: str) -> None:
    text = code(written)
    if ours.startswith("refused"):
        assert not isinstance(compile_expression(text, SCOPE), Expression)
    elif ours.startswith("unknown"):
        assert must(text).evaluate(RECORD, ENV) is None
    elif re.match(r"`(-?[\d.]+|true|false)`", ours):
        value = must(text).evaluate(RECORD, ENV)
        wanted = code(ours)
        assert (
            value is (wanted == "true")
            if wanted in ("true", "false")
            else Decimal(str(value)) == Decimal(wanted)
        )
    for example in re.findall(r"`([a-z_]+\([^`…]+\)|!is_empty[^`]+)`", ours):
        assert isinstance(compile_expression(example, SCOPE), Expression), example
