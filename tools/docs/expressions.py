"""The page of the expression language: what may be written, what there is, and every function."""

from __future__ import annotations

from fairlead.expr.check import MAX_COST
from fairlead.expr.functions import FUNCTIONS
from fairlead.expr.parse import MAX_DEPTH, MAX_LENGTH, MAX_NODES
from fairlead.expr.types import DEFAULT_ITEMS, MAX_DIGITS, MAX_HOPS, MAX_SCALE, STORED_DIGITS

_HEAD = f"""# Expressions

One language wherever a rule is written: conditions, checks, formulas, filters, row rights. Its grammar is that of CEL
([how it differs](../cel.md)); numbers and money are exact, and an empty field makes an answer *unknown*, as in SQL.

| written | means |
| --- | --- |
| `record.amount`, `record.customer.region`, `record.lines` | a field; a field behind a reference; the lines |
| `old.stage` | the record before the change, in rules about an update |
| `user`, `user.team`, `now`, `today` | who asks, their team, the moment, the local date |
| `1`, `2.50`, `"text"`, `'text'`, `true`, `false`, `null`, `["a", "b"]` | constants |
| `==` `!=` `<` `<=` `>` `>=` `in` | comparison; a list or the lines on the right of `in` |
| `+` `-` `*` `/` `%` | numbers, money, dates with durations |
| `!` `&&` `\\|\\|` `? :` | not, and, or, choice |
| `record.lines.exists(l, l.qty > 3)` | over the lines of the record; `l` is one of them |
| `record.tags.all(t, t in ["vip", "hot"])` | over the entries of a list; `t` is one of them |
| `sum(record.lines.filter(l, l.ready).price)` | the total of some lines |

An unknown answer counts as no where something is filtered or allowed, and lets a check pass: emptiness is the business
of `required`. A formula that is unknown leaves its field empty. What must become SQL (row rights, filters of lists and
pools, reports) is refused when the workspace is checked, if it cannot.

## Types

| type | of fields | with what |
| --- | --- | --- |
| yes/no | boolean | `==`, `!=`, `&&`, `\\|\\|`, `!` |
| whole number, number | integer, rating; decimal, percent | each other; `/` gives {MAX_SCALE} decimals, rounded half-even |
| money | money | money of the same currency; times or divided by a number; by money it is a number |
| text | text and its kin | `+`, comparison by code point |
| choice | choice, stage | its own options, as texts; a misspelt option is refused |
| date | date | days and other durations; minus a date it is a duration |
| date with time | datetime | durations; never a date: take `date(…)` or `time(…)` first |
| time of day | time | other times |
| duration | duration; `days(3)`, `hours(36)` | durations, whole numbers; by a duration it is a number |
| list | multi_choice, tags, references | `in`, `size`, `exists`, `all`, `count` |
| line items | table | `exists`, `all`, `exists_one`, `filter`, `map`, totals |
| reference, user, team | reference, user, team | the same kind; a dot reads a field, over at most {MAX_HOPS} records |

Nothing is turned into something else unasked: a text is no number, an amount no plain number (`number(…)`).

## Limits

At most {MAX_LENGTH:,} characters, {MAX_NODES:,} parts, {MAX_DEPTH} levels; {STORED_DIGITS} digits where a number is stored, {MAX_DIGITS}
on the way; {MAX_COST:,} steps, reckoned before anything runs from the parts and from the most lines that a table may have
({DEFAULT_ITEMS} entries for other lists). What divides by zero is unknown.

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
        sql = "" if function.sql else " Not where a rule must become SQL."
        lines.append(
            f"| `{function.signature}` | {function.result} | {function.label.get('en')}{total}{sql} | {function.label.get('zh')} |"
        )
    return {"expressions.md": _HEAD + "\n".join(lines) + "\n"}
