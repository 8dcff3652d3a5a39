"""Writes random expressions that the checker accepts, over the world of `tests.expr.world`."""

import random


class Author:
    """Draws from `rng` only, so that a seed or Hypothesis decides everything."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines = 0

    def pick(self, *choices: str) -> str:
        return self.rng.choice(choices)

    def condition(self, depth: int = 3) -> str:
        if depth <= 0:
            return self.pick(
                "record.flag",
                "record.signed",
                "record.qty > 3",
                "record.stage == 'won'",
                "record.name != null",
                "true",
                "record.amount >= 10.5",
            )
        down = depth - 1
        makers = [
            lambda: f"({self.condition(down)} && {self.condition(down)})",
            lambda: f"({self.condition(down)} || {self.condition(down)} || {self.condition(0)})",
            lambda: f"!({self.condition(down)})",
            lambda: f"(({self.condition(down)}) {self.pick('==', '!=')} ({self.condition(down)}))",
            lambda: f"({self.condition(down)} ? {self.condition(down)} : {self.condition(down)})",
            lambda: f"{self.number(down)} {self.order()} {self.number(down)}",
            lambda: f"{self.money(down)} {self.order()} {self.money(down)}",
            lambda: f"{self.text(down)} {self.order()} {self.text(down)}",
            lambda: f"{self.day(down)} {self.order()} {self.day(down)}",
            lambda: f"{self.moment(down)} {self.order()} {self.moment(down)}",
            lambda: f"{self.span(down)} {self.order()} {self.span(down)}",
            lambda: f"record.opens {self.order()} '09:30'",
            lambda: f"{self.money(0)} {self.order()} {self.literal()}",
            lambda: f"record.stage {self.pick('==', '!=')} {self.stage()}",
            lambda: f"record.stage in [{self.pick(chr(39) + 'won' + chr(39), 'record.was_stage')}, 'new']",
            lambda: f"{self.number(down)} in [1, 2.5, {self.number(0)}]",
            lambda: f"{self.number(0)} in [1, 0.125, -42, 10]",
            lambda: f"'{self.pick('vip', 'hot')}' in record.tags",
            lambda: f"is_empty(record.{self.pick('tags', 'lines', 'name', 'qty', 'customer.level')})",
            lambda: f"{self.pick('contains', 'starts_with', 'ends_with')}({self.text(down)}, {self.text(0)})",
            lambda: (
                f"record.owner {self.pick('==', '!=')} {self.pick('user', 'record.customer.owner', 'user.id', 'null')}"
            ),
            lambda: f"record.team in {self.pick('user.teams', 'user.subordinate_teams')}",
            lambda: (
                f"record.{self.pick('owner.team', 'customer.owner.team')} {self.pick('==', '!=')} user.team"
            ),
            lambda: self.pick(
                "has_role('rep')", "has_role('boss')", "in_team(record.owner.team)", "'vip' in allowed"
            ),
            lambda: f"record.customer.{self.pick('level', 'parent.level')} {self.pick('==', '!=')} 'A'",
            lambda: f"record.lines.{self.pick('exists', 'all')}(l, {self.line_condition(down)})",
            lambda: f"record.lines.exists_one(l, {self.line_condition(down)})",
            lambda: f"{self.filtered(down)}.{self.pick('exists', 'all')}(l, {self.line_condition(0)})",
            lambda: f"{self.pick('is_empty', 'has')}({self.filtered(down)})",
            lambda: f"record.tags.{self.pick('exists', 'all')}(t, {self.entry()})",
            lambda: (
                f"{self.pick('user.teams', 'user.subordinate_teams')}.exists(t, t {self.pick('==', '!=')} record.team)"
            ),
            lambda: f"has(record.{self.pick('tags', 'name', 'qty', 'customer.level')})",
            lambda: f"is_business_day({self.pick('record.close_on', 'record.made_at', 'today')})",
            lambda: f"{self.clock()} {self.order()} {self.clock()}",
            lambda: f"open_approvals {self.order()} {self.number(0)}",
            lambda: f"{self.age()} {self.order()} {self.pick('0', '1', '2', '30', '400', '99999')}",
            lambda: f"{self.pick('1', '15')} {self.order()} {self.age()}",
            lambda: f"now - record.made_at {self.order()} {self.pick('days(7)', 'hours(30)', 'days(-1)')}",
            lambda: (
                f"date(record.made_at) {self.order()} {self.pick('today', 'start_of_month(today)', 'today - days(2)')}"
            ),
        ]
        return self.rng.choice(makers)()

    def filtered(self, depth: int) -> str:
        """Return line items after one filter or two."""
        one = f"record.lines.filter(l, {self.line_condition(depth)})"
        return one if self.rng.random() < 0.7 else f"{one}.filter(l, {self.line_condition(0)})"

    def entry(self) -> str:
        return self.pick(
            "t == 'vip'", "t != 'hot'", "t in ['hot', 'cold']", "t == record.name", "t in allowed",
            "t == 'vip' && record.flag", "record.lines.exists(l, l.name == t)",
        )  # fmt: skip

    def clock(self) -> str:
        return self.pick(
            "record.opens", "time(record.made_at)", "time(record.met_at, 'America/New_York')", "time('12:30')",
            "time(now)", "or_else(record.opens, time('08:00'))",
        )  # fmt: skip

    def line_condition(self, depth: int) -> str:
        return self.pick(
            f"l.qty {self.order()} {self.number(0)}",
            f"l.price * l.qty {self.order()} 10.5",
            "l.ready",
            "!l.ready",
            "l.name == record.name",
            "l.due < record.close_on",
            "l.supplier == record.customer",
            "l.supplier.level == 'A'",
            f"(l.ready && {self.condition(max(depth - 1, 0))})",
            "l.qty in [1, 2, record.qty]",
            "is_empty(l.name)",
            f"number(l.price) {self.order()} l.rate",
        )

    def line_number(self) -> str:
        return self.pick("l.qty", "l.rate", "l.qty * l.rate", "l.qty + record.qty")

    def day_function(self) -> str:
        return self.pick("days_since", "days_until", "year", "month", "day", "weekday")

    def age(self) -> str:
        name = self.pick("days_since", "days_until", "business_days_since", "business_days_until")
        return f"{name}(record.{self.pick('close_on', 'made_at')})"

    def stage(self) -> str:
        return self.pick("'won'", "record.was_stage", "null")

    def order(self) -> str:
        return self.pick("<", "<=", ">", ">=", "==", "!=")

    def literal(self) -> str:
        return self.pick(
            "0",
            "1",
            "10",
            "0.1",
            "0.5",
            "0.125",
            "1000.0",
            "-42",
            "0.000001",
            "2.50",
            "99999999999999.99",
            "0.015",
        )

    def number(self, depth: int) -> str:
        if depth <= 0:
            field = self.pick("qty", "other", "discount", "rate", "tiny")
            return self.pick(f"record.{field}", f"record.{field}", self.literal())
        down = depth - 1
        makers = [
            lambda: f"({self.number(down)} {self.pick('+', '-', '*')} {self.number(down)})",
            lambda: f"({self.number(down)} {self.pick('/', '%')} {self.number(0)})",
            lambda: f"-{self.number(0)}",
            lambda: f"abs({self.number(down)})",
            lambda: f"round({self.number(down)}, {self.pick('0', '1', '2', '5')})",
            lambda: f"{self.pick('min', 'max')}({self.number(down)}, {self.number(0)})",
            lambda: f"or_else({self.number(down)}, {self.number(0)})",
            lambda: f"({self.condition(0)} ? {self.number(down)} : {self.number(0)})",
            lambda: f"size({self.pick('record.name', 'record.tags', 'record.lines')})",
            lambda: f"{self.day_function()}(record.{self.pick('close_on', 'made_at')})",
            lambda: (
                f"{self.pick('business_days_since', 'business_days_until')}(record.{self.pick('close_on', 'made_at')})"
            ),
            lambda: f"record.lines.{self.pick('sum', 'min', 'max', 'avg')}(l, {self.line_number()})",
            lambda: f"record.lines.count(l, {self.line_condition(0)})",
            lambda: f"{self.filtered(0)}.{self.pick('sum', 'min', 'max', 'avg')}(l, {self.line_number()})",
            lambda: f"{self.pick('sum', 'max')}({self.filtered(0)}.map(l, {self.line_number()}))",
            lambda: f"{self.pick('size', 'count')}({self.filtered(0)})",
            lambda: f"record.tags.count(t, {self.entry()})",
            lambda: (
                f"{self.pick('days_between', 'business_days_between')}({self.any_day()}, {self.any_day()})"
            ),
            lambda: f"({self.span(0)} / {self.span(0)})",
            lambda: f"{self.pick('hour', 'minute')}(record.{self.pick('opens', 'made_at', 'met_at')})",
            lambda: self.pick("count(record.lines)", "count(record.lines.name)", "number(record.amount)"),
            lambda: f"({self.money(down)} / {self.money(0)})",
        ]
        return self.rng.choice(makers)()

    def any_day(self) -> str:
        return self.pick("record.close_on", "record.start_on", "record.made_at", "today", "now")

    def money(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "record.amount", "record.cost", "record.customer.credit", "record.amount", "floor"
            )
        down = depth - 1
        makers = [
            lambda: f"({self.money(down)} {self.pick('+', '-')} {self.money(down)})",
            lambda: f"({self.money(down)} * {self.number(down)})",
            lambda: f"({self.money(down)} / {self.number(0)})",
            lambda: f"({self.money(down)} % {self.money(0)})",
            lambda: f"or_else({self.money(down)}, {self.pick('0', 'record.cost', '1.5')})",
            lambda: f"{self.pick('min', 'max')}({self.money(down)}, {self.money(0)}, 12.345)",
            lambda: f"{self.pick('sum', 'min', 'max', 'avg')}(record.lines.price)",
            lambda: "record.lines.sum(l, l.qty * l.price)",
            lambda: f"sum({self.filtered(0)}.price)",
            lambda: f"abs({self.money(down)})",
            lambda: f"round({self.money(down)}, 1)",
            lambda: f"({self.condition(0)} ? {self.money(down)} : 0)",
        ]
        return self.rng.choice(makers)()

    def text(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("record.name", "record.note", "'a'", "'客'", "'Z'", "''", "'😀'", "'\\uffff'")
        down = depth - 1
        makers = [
            lambda: f"({self.text(down)} + {self.text(0)})",
            lambda: f"{self.pick('lower', 'upper')}({self.text(down)})",
            lambda: f"or_else({self.text(down)}, {self.text(0)})",
            lambda: f"({self.condition(0)} ? {self.text(0)} : {self.text(0)})",
            lambda: f"{self.pick('min', 'max')}({self.text(0)}, {self.text(0)})",
            lambda: self.pick(
                "record.customer.name",
                "record.owner.name",
                "record.customer.owner.team.name",
                "max(record.lines.name)",
            ),
        ]
        return self.rng.choice(makers)()

    def day(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "record.close_on", "record.start_on", "today", "date('2026-02-28')", "record.customer.since"
            )
        down = depth - 1
        makers = [
            lambda: f"({self.day(down)} {self.pick('+', '-')} {self.span(0)})",
            lambda: f"date({self.moment(down)})",
            lambda: f"date({self.moment(0)}, '{self.pick('America/New_York', 'UTC', 'Asia/Shanghai')}')",
            lambda: f"start_of_{self.pick('week', 'month', 'quarter', 'year')}({self.day(0)})",
            lambda: f"end_of_month({self.pick('record.close_on', 'record.made_at', 'today')})",
            lambda: f"or_else({self.day(down)}, today)",
            lambda: (
                f"add_months({self.any_day()}, {self.pick('1', '-13', '120', 'record.qty', 'open_approvals')})"
            ),
            lambda: f"{self.pick('min', 'max')}({self.day(0)}, {self.day(0)})",
            lambda: "min(record.lines.due)",
        ]
        return self.rng.choice(makers)()

    def moment(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "record.made_at", "record.met_at", "now", "datetime('2026-02-28T09:00:00+08:00')"
            )
        down = depth - 1
        makers = [
            lambda: f"({self.moment(down)} {self.pick('+', '-')} {self.span(0)})",
            lambda: f"or_else({self.moment(down)}, now)",
            lambda: f"max({self.moment(0)}, {self.moment(0)})",
        ]
        return self.rng.choice(makers)()

    def span(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                "record.takes",
                "days(3)",
                "hours(36)",
                "minutes(-90)",
                "weeks(2)",
                "days(month(record.close_on))",
            )
        down = depth - 1
        makers = [
            lambda: f"({self.span(down)} {self.pick('+', '-')} {self.span(0)})",
            lambda: f"({self.moment(0)} - {self.moment(0)})",
            lambda: f"({self.day(0)} - {self.day(0)})",
            lambda: f"({self.span(0)} * 3)",
            lambda: f"-{self.span(0)}",
        ]
        return self.rng.choice(makers)()

    def any(self, depth: int = 3) -> str:
        """Return an expression of a random type, conditions most often."""
        makers = [self.condition] * 5 + [
            self.number,
            self.number,
            self.money,
            self.money,
            self.text,
            self.day,
            self.moment,
            self.span,
        ]
        return self.rng.choice(makers)(depth)
