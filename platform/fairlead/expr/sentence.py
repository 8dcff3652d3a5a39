"""An expression as a sentence, in English or Chinese, shown next to every rule.

It is made from the checked tree, so it cannot say anything else than what will happen.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal

from fairlead.base.clock import iso_utc
from fairlead.base.money import format_money, format_number
from fairlead.expr.expression import Expression
from fairlead.expr.functions import SPANS
from fairlead.expr.nodes import Path, Typed
from fairlead.expr.types import Kind, Type

Labels = Callable[[tuple[str, ...]], str | None]
"""From what is named to its label: `("discount",)` a field, `("company", "level")` the last field of a path,
`("stage", "=", "won")` an option of a field; None when there is none."""

_EN = {
    "eq": "{0} is {1}",
    "ne": "{0} is not {1}",
    "lt": "{0} is less than {1}",
    "le": "{0} is at most {1}",
    "gt": "{0} is greater than {1}",
    "ge": "{0} is at least {1}",
    "before": "{0} is before {1}",
    "until": "{0} is {1} or earlier",
    "after": "{0} is after {1}",
    "from": "{0} is {1} or later",
    "empty": "{0} is empty",
    "filled": "{0} is filled in",
    "yes": "{0} is yes",
    "not": "it is not so that {0}",
    "in": "{0} is one of {1}",
    "holds": "{1} holds {0}",
    "role": "the user has the role {0}",
    "in_team": "{0} is one of the user's teams",
    "below": "{0} is one of the teams below the user",
    "if": "{1} if {0}, else {2}",
    "exists": "for at least one of {0}: {1}",
    "all": "for each of {0}: {1}",
    "sum": "the total of {1} over {0}",
    "avg": "the mean of {1} over {0}",
    "min": "the smallest {1} of {0}",
    "max": "the largest {1} of {0}",
    "count": "how many of {0} have {1}",
    "and": " and ",
    "or": " or ",
    "list": ", ",
    "of": "{0} of {1}",
    "old": "the former {0}",
    "now": "now",
    "today": "today",
    "user": "the user",
    "user.team": "the user's team",
    "user.teams": "the user's teams",
    "user.subordinate_teams": "the teams below the user",
    "user.roles": "the user's roles",
    "true": "yes",
    "false": "no",
    "null": "empty",
    "weeks": "{0} weeks",
    "days": "{0} days",
    "hours": "{0} hours",
    "minutes": "{0} minutes",
    "size": "the length of {0}",
    "lines": "the number of {0}",
    "or_else": "{0} (or {1} when empty)",
    "contains": "{0} contains {1}",
    "starts_with": "{0} begins with {1}",
    "ends_with": "{0} ends with {1}",
    "lower": "{0} in small letters",
    "upper": "{0} in capitals",
    "number": "{0}",
    "abs": "{0} without its sign",
    "round": "{0} rounded",
    "least": "the smallest of {0}",
    "greatest": "the largest of {0}",
    "date": "the date of {0}",
    "days_since": "days since {0}",
    "days_until": "days until {0}",
    "business_days_since": "working days since {0}",
    "business_days_until": "working days until {0}",
    "days_between": "days from {0} to {1}",
    "business_days_between": "working days from {0} to {1}",
    "is_business_day": "{0} is a working day",
    "add_business_days": "{1} working days after {0}",
    "add_months": "{1} months after {0}",
    "time": "the time of {0}",
    "hour": "the hour of {0}",
    "minute": "the minute of {0}",
    "mod": "modulo",
    "entry": "the entry",
    "where": "{0} where {1}",
    "start_of_week": "the start of the week of {0}",
    "start_of_month": "the start of the month of {0}",
    "end_of_month": "the end of the month of {0}",
    "start_of_quarter": "the start of the quarter of {0}",
    "start_of_year": "the start of the year of {0}",
    "year": "the year of {0}",
    "month": "the month of {0}",
    "day": "the day of {0}",
    "weekday": "the weekday of {0}",
    "quote": '"{0}"',
    "group": "({0})",
}
_ZH = {
    "eq": "{0} 是 {1}",
    "ne": "{0} 不是 {1}",
    "lt": "{0} 小于 {1}",
    "le": "{0} 不大于 {1}",
    "gt": "{0} 大于 {1}",
    "ge": "{0} 不小于 {1}",
    "before": "{0} 早于 {1}",
    "until": "{0} 不晚于 {1}",
    "after": "{0} 晚于 {1}",
    "from": "{0} 不早于 {1}",
    "empty": "{0} 为空",
    "filled": "{0} 已填写",
    "yes": "{0} 为是",
    "not": "并非 {0}",
    "in": "{0} 是 {1} 之一",
    "holds": "{1} 含有 {0}",
    "role": "用户具有角色 {0}",
    "in_team": "{0} 是用户所在团队",
    "below": "{0} 是用户的下级团队",
    "if": "若 {0} 则 {1}，否则 {2}",
    "exists": "至少有一行{0}满足：{1}",
    "all": "每一行{0}都满足：{1}",
    "sum": "{0} 的 {1} 合计",
    "avg": "{0} 的 {1} 平均值",
    "min": "{0} 中最小的 {1}",
    "max": "{0} 中最大的 {1}",
    "count": "{0} 中满足 {1} 的行数",
    "and": " 且 ",
    "or": " 或 ",
    "list": "、",
    "of": "{1} 的 {0}",
    "old": "原 {0}",
    "now": "现在",
    "today": "今天",
    "user": "当前用户",
    "user.team": "用户的团队",
    "user.teams": "用户所在团队",
    "user.subordinate_teams": "用户的下级团队",
    "user.roles": "用户的角色",
    "true": "是",
    "false": "否",
    "null": "空",
    "weeks": "{0} 周",
    "days": "{0} 天",
    "hours": "{0} 小时",
    "minutes": "{0} 分钟",
    "size": "{0} 的长度",
    "lines": "{0} 的行数",
    "or_else": "{0}（为空时取 {1}）",
    "contains": "{0} 包含 {1}",
    "starts_with": "{0} 以 {1} 开头",
    "ends_with": "{0} 以 {1} 结尾",
    "lower": "{0} 的小写",
    "upper": "{0} 的大写",
    "number": "{0}",
    "abs": "{0} 的绝对值",
    "round": "{0} 取整",
    "least": "{0} 中的最小值",
    "greatest": "{0} 中的最大值",
    "date": "{0} 的日期",
    "days_since": "距 {0} 已过天数",
    "days_until": "距 {0} 还有天数",
    "business_days_since": "距 {0} 已过工作日",
    "business_days_until": "距 {0} 还有工作日",
    "days_between": "从 {0} 到 {1} 的天数",
    "business_days_between": "从 {0} 到 {1} 的工作日数",
    "is_business_day": "{0} 是工作日",
    "add_business_days": "{0} 之后 {1} 个工作日",
    "add_months": "{0} 之后 {1} 个月",
    "time": "{0} 的时间",
    "hour": "{0} 的小时",
    "minute": "{0} 的分钟",
    "mod": "除余",
    "entry": "该项",
    "where": "满足“{1}”的{0}",
    "start_of_week": "{0} 所在周的第一天",
    "start_of_month": "{0} 所在月的第一天",
    "end_of_month": "{0} 所在月的最后一天",
    "start_of_quarter": "{0} 所在季度的第一天",
    "start_of_year": "{0} 所在年的第一天",
    "year": "{0} 的年份",
    "month": "{0} 的月份",
    "day": "{0} 的日",
    "weekday": "{0} 的星期",
    "quote": "“{0}”",
    "group": "（{0}）",
}
_SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "concat": "+"}
_DAY_WORDS = {"lt": "before", "le": "until", "gt": "after", "ge": "from"}
_REVERSED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le", "eq": "eq", "ne": "ne"}
_TIGHT = frozenset({"const", "get", "name", "call", "sum", "avg", "min", "max", "count", "list"})


def _filtered(macro: str, body: Typed) -> tuple[Typed, Typed] | None:
    """Return the condition of a `filter` and what it guards in the body of a macro."""
    if (
        body.op == "if"
        and body.args[2].op == "const"
        and body.args[2].value is None
        and macro not in ("exists", "all")
    ):
        return body.args[0], body.args[1]
    if macro == "all" and body.op == "or" and body.args[0].op == "not":
        inner = _surely(body.args[0].args[0])
        if inner is not None:
            rest = body.args[1:]
            return inner, rest[0] if len(rest) == 1 else Typed("or", body.type, rest)
    return None


def _surely(node: Typed) -> Typed | None:
    """Return the condition of `or_else(condition, false)`, which is how a filter treats what is unknown."""
    if node.op == "call" and node.value == "or_else" and node.type.kind is Kind.bool:
        other = node.args[1]
        return node.args[0] if other.op == "const" and other.value is False else None
    return None


def sentence(expression: Expression, lang: str, labels: Labels) -> str:
    """Return what `expression` says, its first letter a capital in English.

    Args:
        expression: Checked.
        lang: `zh` gives Chinese, anything else English.
        labels: Where the words of the configuration come from.
    """
    said = _Speaker(_ZH if lang.startswith("zh") else _EN, labels).say(expression.node)
    return said[:1].upper() + said[1:]


class _Speaker:
    def __init__(self, words: dict[str, str], labels: Labels) -> None:
        self.words = words
        self.labels = labels
        self.lines: dict[str, tuple[str, ...]] = {}

    def fill(self, word: str, *parts: str) -> str:
        return self.words[word].format(*parts)

    def say(self, node: Typed) -> str:
        op = node.op
        if op in _REVERSED:
            return self.comparison(node)
        match op:
            case "const":
                return self.constant(node.value, node.type, None)
            case "get":
                assert isinstance(node.value, Path)
                return self.path(node.value)
            case "name":
                name = str(node.value)
                if name.startswith("extra."):
                    key = name.removeprefix("extra.")
                    return self.labels((key,)) or key.replace("_", " ")
                return self.words[name]
            case "list":
                return self.words["list"].join(self.say(item) for item in node.args)
            case "and" | "or":
                parts = [self.grouped(arg, {"or", "if"} if op == "and" else {"if"}) for arg in node.args]
                return self.words[op].join(part if self.bare(arg) else self.yes(arg, part) for arg, part in zip(
                    node.args, parts, strict=True))  # fmt: skip
            case "not":
                return self.negated(node.args[0])
            case "if":
                return self.fill("if", *[self.grouped(arg, {"if"}) for arg in node.args])
            case "in":
                return self.membership(node)
            case "neg":
                return f"−{self.tight(node.args[0])}"
            case "rescale":
                inner = self.say(node.args[0])
                return inner if node.type.scale >= node.args[0].type.scale else self.fill("round", inner)
            case "call":
                return self.call(node)
            case "exists" | "all" | "sum" | "avg" | "min" | "max" | "count":
                return self.over_lines(node)
        if op == "mul" and node.type.kind is Kind.duration and node.args[1].op == "const":
            unit = next((name for name, micros in SPANS.items() if micros == node.args[1].value), None)
            if unit:
                return self.fill(unit, self.tight(node.args[0]))
        plain = op.removeprefix("date_").removeprefix("moment_").replace("diff", "sub")
        sign = self.words["mod"] if plain == "mod" else _SIGNS[plain]
        return f"{self.tight(node.args[0])} {sign} {self.tight(node.args[1])}"

    def tight(self, node: Typed) -> str:
        said = self.say(node)
        span = node.op == "mul" and node.type.kind is Kind.duration
        return said if span or node.op in _TIGHT else self.fill("group", said)

    def grouped(self, node: Typed, loose: set[str]) -> str:
        said = self.say(node)
        return self.fill("group", said) if node.op in loose else said

    def bare(self, node: Typed) -> bool:
        return node.op != "get" or node.type.kind is not Kind.bool

    def yes(self, _node: Typed, said: str) -> str:
        return self.fill("yes", said)

    def comparison(self, node: Typed) -> str:
        left, right = node.args
        op = node.op
        if left.op == "const" and right.op != "const":
            left, right, op = right, left, _REVERSED[op]
        if right.op == "const" and right.value is None:
            return self.fill("empty" if op == "eq" else "filled", self.say(left))
        if left.type.kind in (Kind.date, Kind.datetime, Kind.time):
            op = _DAY_WORDS.get(op, op)
        other = self.constant(right.value, right.type, left) if right.op == "const" else self.side(right)
        return self.fill(op, self.side(left), other)

    def side(self, node: Typed) -> str:
        said = self.say(node)
        return self.fill("group", said) if node.type.kind is Kind.bool and node.op not in _TIGHT else said

    def negated(self, inner: Typed) -> str:
        if inner.op == "get":
            return self.fill("eq", self.say(inner), self.words["false"])
        if inner.op == "call" and inner.value == "is_empty":
            return self.fill("filled", self.say(inner.args[0]))
        opposite = {"eq": "ne", "ne": "eq"}.get(inner.op)
        if opposite:
            return self.comparison(Typed(opposite, inner.type, inner.args))
        return self.fill("not", self.fill("group", self.say(inner)))

    def membership(self, node: Typed) -> str:
        needle, hay = node.args
        if hay.op == "name" and hay.value == "user.roles":
            return self.fill("role", self.say(needle))
        if hay.op == "name" and hay.value == "user.teams":
            return self.fill("in_team", self.say(needle))
        if hay.op == "name" and hay.value == "user.subordinate_teams":
            return self.fill("below", self.say(needle))
        if hay.op == "list":
            known = [self.constant(item.value, item.type, needle) if item.op == "const" else self.say(item)
                     for item in hay.args]  # fmt: skip
            return self.fill("in", self.say(needle), self.words["list"].join(known))
        said = self.constant(needle.value, needle.type, hay) if needle.op == "const" else self.say(needle)
        return self.fill("holds", said, self.say(hay))

    def call(self, node: Typed) -> str:
        name = str(node.value)
        surely = _surely(node)
        if surely is not None:
            return self.condition(surely)
        if name == "is_empty":
            return self.fill("empty", self.say(node.args[0]))
        if name in ("min", "max"):
            listed = self.words["list"].join(self.say(arg) for arg in node.args)
            return self.fill("least" if name == "min" else "greatest", listed)
        if name == "size" and node.args[0].type.kind is Kind.list:
            return self.fill("lines", self.say(node.args[0]))
        if name in ("date", "time") and len(node.args) > 1:
            return f"{self.fill(name, self.say(node.args[0]))} ({node.args[1].value})"
        return self.fill(name, *[self.say(arg) for arg in node.args])

    def over_lines(self, node: Typed) -> str:
        source, body = node.args
        said = self.say(source)
        if isinstance(source.value, Path):
            self.lines[str(node.value)] = source.value.names
        else:
            self.lines[str(node.value)] = (said,)
        conditions = []
        while (found := _filtered(node.op, body)) is not None:
            condition, body = found
            conditions.append(self.condition(condition))
        if conditions:
            said = self.fill("where", said, self.words["and"].join(conditions))
        whole = node.op == "count" and body.op == "const"
        inner = self.condition(body) if body.type.kind is Kind.bool else self.say(body)
        del self.lines[str(node.value)]
        return self.fill("lines", said) if whole else self.fill(node.op, said, inner)

    def condition(self, node: Typed) -> str:
        said = self.say(node)
        return said if self.bare(node) else self.yes(node, said)

    def path(self, path: Path) -> str:
        base = self.lines.get(path.root, ())
        names = path.names
        if path.root in self.lines and not names:
            return self.words["entry"]
        whole = self.word((*base, names[0])) if names else self.word(base)
        for at in range(2, len(names) + 1):
            whole = self.fill("of", self.word((*base, *names[:at])), whole)
        return self.fill("old", whole) if path.root == "old" else whole

    def word(self, names: tuple[str, ...]) -> str:
        return self.labels(names) or names[-1].replace("_", " ")

    def constant(self, value: object, kind: Type, beside: Typed | None) -> str:
        """Say a literal as it reads next to what it is compared with: 10 % for 0.1, Won for 'won'."""
        if value is None or isinstance(value, bool):
            return self.words["null" if value is None else "true" if value else "false"]
        wanted = beside.type if beside is not None else kind
        wanted = wanted.element or wanted
        if isinstance(value, int | Decimal):
            if kind.kind is Kind.duration:
                assert isinstance(value, int)
                unit = next(
                    name for name, micros in SPANS.items() if value % micros == 0 or name == "minutes"
                )
                return self.fill(unit, format_number(Decimal(value) / SPANS[unit]))
            if wanted.percent:
                return f"{format_number(Decimal(value) * 100)} %"
            if wanted.kind is Kind.money and wanted.currency and kind.scale <= wanted.scale:
                return format_money(Decimal(value), wanted.currency)
            return format_number(value)
        if isinstance(value, datetime):
            return iso_utc(value)[:16].replace("T", " ") + " UTC"
        if isinstance(value, date | time):
            return value.isoformat()
        if beside is not None and isinstance(beside.value, Path) and wanted.kind is Kind.choice:
            base = self.lines.get(beside.value.root, ())
            label = self.labels((*base, *beside.value.names, "=", str(value)))
            if label:
                return label
        return self.fill("quote", str(value))
