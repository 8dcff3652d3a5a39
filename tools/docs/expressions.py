"""The page of the expression language: what may be written, and every function."""

from __future__ import annotations

from fairlead.expr.functions import FUNCTIONS

_HEAD = """# Expressions

One language wherever a rule is written: conditions, checks, formulas, filters, row rights. Its grammar is that of CEL;
numbers and money are exact, and an empty field makes an answer *unknown*, as in SQL.

| written | means |
| --- | --- |
| `record.amount`, `record.customer.region`, `record.lines` | a field; a field behind a reference; the lines |
| `old.stage` | the record before the change, in rules about an update |
| `user`, `user.team`, `now`, `today` | who asks, their team, the moment, the local date |
| `1`, `2.50`, `"text"`, `'text'`, `true`, `false`, `null`, `["a", "b"]` | constants |
| `==` `!=` `<` `<=` `>` `>=` `in` | comparison; a list or the lines on the right of `in` |
| `+` `-` `*` `/` `%` | numbers, money, dates with durations |
| `!` `&&` `\\|\\|` `? :` | not, and, or, choice |
| `record.lines.exists(l, l.qty > 3)` | over the lines of the record |

An unknown answer counts as no where something is filtered or allowed, and lets a check pass: emptiness is the business
of `required`. What must become SQL (row rights, filters of lists and pools, reports) is refused when the workspace is
checked, if it cannot.

## Functions

`x.f(y)` and `f(x, y)` are the same. A parameter with `?` may be left out; `…` repeats. Where an argument is empty the
answer is unknown, unless *answers for empty too* is said.

| function | gives | meaning | 中文 |
| --- | --- | --- | --- |
"""


def pages() -> dict[str, str]:
    """Return the page by name."""
    lines = []
    for function in FUNCTIONS:
        total = " Answers for empty too." if function.total else ""
        lines.append(
            f"| `{function.signature}` | {function.result} | {function.label.get('en')}{total} | {function.label.get('zh')} |"
        )
    return {"expressions.md": _HEAD + "\n".join(lines) + "\n"}
