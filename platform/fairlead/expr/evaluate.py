"""The value of an expression for one record: the typed tree becomes nested closures, once.

None stands for empty and unknown alike. Durations are whole microseconds inside, timedelta outside.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne

from fairlead.base.calendar import WorkCalendar, default_calendar
from fairlead.base.money import EXACT, quantise
from fairlead.expr.functions import BY_NAME
from fairlead.expr.nodes import Path, Typed, Value
from fairlead.expr.types import MAX_SCALE, Kind

Record = Mapping[str, object]
Resolve = Callable[[str, str], Record | None]

MICROSECOND = timedelta(microseconds=1)
DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True)
class UserFacts:
    """What a rule may know about the person behind a request.

    Attributes:
        team: Their main team.
        teams: All teams they belong to.
        subordinate_teams: The teams below those they lead.
        roles: The names of their roles.
    """

    id: str
    team: str | None = None
    teams: tuple[str, ...] = ()
    subordinate_teams: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Env:
    """What stands still during one request or run.

    Attributes:
        now: Aware and in UTC.
        today: The date in `zone`.
        user: None where no person is behind it.
        old: The record before the change.
        extra: Values of the scope's further names.
        resolve: Finds the record behind a reference by entity and id; a user is entity "user", a team "team".
    """

    now: datetime
    today: date
    user: UserFacts | None = None
    zone: str = "Asia/Shanghai"
    calendar: WorkCalendar = field(default_factory=default_calendar)
    old: Record | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    resolve: Resolve | None = None

    @classmethod
    def at(
        cls, now: datetime, *, zone: str = "Asia/Shanghai", user: UserFacts | None = None, **more: object
    ) -> "Env":
        """Return the environment of `now`, with today's date as it is in `zone`."""
        calendar = more.pop("calendar", None) or default_calendar()
        assert isinstance(calendar, WorkCalendar)
        local = WorkCalendar(zone).local_date(now) if zone != calendar.zone else calendar.local_date(now)
        return cls(now, local, user, zone, calendar, **more)  # type: ignore[arg-type]


Rows = tuple[Record, ...]
Run = Callable[[Record, Env, Rows], Value]


def truth(value: Value, *, unknown: bool = False) -> bool:
    """Return a condition's answer, with `unknown` where an empty field leaves it open."""
    return unknown if value is None else value is True


def constant_value(node: Typed) -> Value:
    """Return the value of a construct that reads neither record nor environment."""
    return closure(node, ())({}, _NOTHING, ())


def closure(node: Typed, variables: tuple[str, ...] = ()) -> Run:
    """Return a function from record, environment and current line items to the value of `node`."""
    return _MAKERS[node.op](node, variables)


def outward(value: Value, kind: Kind) -> Value:
    """Turn a value as closures see it into the one the rest of the system uses."""
    if value is None:
        return None
    if kind is Kind.duration:
        assert isinstance(value, int)
        return timedelta(microseconds=value)
    if kind is Kind.integer:
        return int(value)  # type: ignore[call-overload]
    if kind in (Kind.decimal, Kind.money) and isinstance(value, int):
        return Decimal(value)
    return value


# ---------------------------------------------------------------- reading


def _const(node: Typed, _variables: tuple[str, ...]) -> Run:
    value = node.value
    return lambda _record, _env, _rows: value


def _get(node: Typed, variables: tuple[str, ...]) -> Run:
    path = node.value
    assert isinstance(path, Path)
    run = _path(path, variables)
    kind = node.type.kind
    if kind is Kind.list:
        return lambda record, env, rows: run(record, env, rows) or ()
    if kind is Kind.duration:

        def micros(record: Record, env: Env, rows: Rows) -> Value:
            value = run(record, env, rows)
            return None if value is None else value // MICROSECOND  # type: ignore[operator]

        return micros
    return run


def _path(path: Path, variables: tuple[str, ...]) -> Run:
    names = path.names
    if path.root == "record" and len(names) == 1:
        only = names[0]
        return lambda record, _env, _rows: record.get(only)
    start = _root(path.root, variables)
    if not names:
        return start
    hops = tuple((step.field, step.type.leads_to) for step in path.steps[:-1])
    last = names[-1]

    def value(record: Record, env: Env, rows: Rows) -> Value:
        here = start(record, env, rows)
        for name, entity in hops:
            if here is None:
                return None
            there = here.get(name)  # type: ignore[attr-defined]
            if there is None or isinstance(there, Mapping):
                here = there
            else:
                here = env.resolve(entity or "", there) if env.resolve is not None else None
        return None if here is None else here.get(last)  # type: ignore[attr-defined]

    return value


def _root(root: str, variables: tuple[str, ...]) -> Run:
    if root in variables:
        at = variables.index(root)
        return lambda _record, _env, rows: rows[at]
    if root == "old":
        return lambda _record, env, _rows: env.old
    return lambda record, _env, _rows: record


def _name(node: Typed, _variables: tuple[str, ...]) -> Run:
    name = str(node.value)
    if name == "now":
        return lambda _record, env, _rows: env.now
    if name == "today":
        return lambda _record, env, _rows: env.today
    if name == "user":
        # Never None: an unowned record must not belong to "nobody" just because both are empty.
        return lambda _record, env, _rows: "" if env.user is None else env.user.id
    if name.startswith("user."):
        member = name[5:]
        empty = () if node.type.kind is Kind.list else None
        return lambda _record, env, _rows: empty if env.user is None else getattr(env.user, member)
    key = name.removeprefix("extra.")
    if node.type.kind is Kind.list:
        return lambda _record, env, _rows: env.extra.get(key) or ()
    if node.type.kind is Kind.duration:

        def micros(_record: Record, env: Env, _rows: Rows) -> Value:
            value = env.extra.get(key)
            return None if value is None else value // MICROSECOND  # type: ignore[operator]

        return micros
    return lambda _record, env, _rows: env.extra.get(key)


def _list(node: Typed, variables: tuple[str, ...]) -> Run:
    items = [closure(item, variables) for item in node.args]
    return lambda record, env, rows: tuple([item(record, env, rows) for item in items])


# ---------------------------------------------------------------- logic


def _and(node: Typed, variables: tuple[str, ...]) -> Run:
    parts = [closure(arg, variables) for arg in node.args]
    if len(parts) == 2:
        first, second = parts

        def both(record: Record, env: Env, rows: Rows) -> Value:
            one = first(record, env, rows)
            if one is False:
                return False
            two = second(record, env, rows)
            if two is False:
                return False
            return None if one is None or two is None else True

        return both

    def every(record: Record, env: Env, rows: Rows) -> Value:
        answer: bool | None = True
        for part in parts:
            value = part(record, env, rows)
            if value is False:
                return False
            if value is None:
                answer = None
        return answer

    return every


def _or(node: Typed, variables: tuple[str, ...]) -> Run:
    parts = [closure(arg, variables) for arg in node.args]

    def some(record: Record, env: Env, rows: Rows) -> Value:
        answer: bool | None = False
        for part in parts:
            value = part(record, env, rows)
            if value is True:
                return True
            if value is None:
                answer = None
        return answer

    return some


def _not(node: Typed, variables: tuple[str, ...]) -> Run:
    inner = closure(node.args[0], variables)

    def negated(record: Record, env: Env, rows: Rows) -> Value:
        value = inner(record, env, rows)
        return None if value is None else not value

    return negated


def _if(node: Typed, variables: tuple[str, ...]) -> Run:
    test, then, other = (closure(arg, variables) for arg in node.args)

    def chosen(record: Record, env: Env, rows: Rows) -> Value:
        value = test(record, env, rows)
        if value is None:
            return None
        return then(record, env, rows) if value else other(record, env, rows)

    return chosen


def _comparison(compare: Callable[..., bool]) -> Callable[[Typed, tuple[str, ...]], Run]:
    def make(node: Typed, variables: tuple[str, ...]) -> Run:
        left, right = node.args
        first = closure(left, variables)
        if right.op == "const" and right.value is not None:
            constant = right.value

            def against(record: Record, env: Env, rows: Rows) -> Value:
                one = first(record, env, rows)
                return None if one is None else compare(one, constant)

            return against
        second = closure(right, variables)

        def between(record: Record, env: Env, rows: Rows) -> Value:
            one, two = first(record, env, rows), second(record, env, rows)
            return None if one is None or two is None else compare(one, two)

        return between

    return make


def _equality(compare: Callable[..., bool]) -> Callable[[Typed, tuple[str, ...]], Run]:
    def make(node: Typed, variables: tuple[str, ...]) -> Run:
        first, second = (closure(arg, variables) for arg in node.args)
        return lambda record, env, rows: compare(first(record, env, rows), second(record, env, rows))

    return make


def _in(node: Typed, variables: tuple[str, ...]) -> Run:
    needle, hay = node.args
    find = closure(needle, variables)
    if hay.op == "list" and all(item.op == "const" for item in hay.args):
        known = frozenset(item.value for item in hay.args)

        def among(record: Record, env: Env, rows: Rows) -> Value:
            value = find(record, env, rows)
            return None if value is None else value in known

        return among
    items = closure(hay, variables)

    def within(record: Record, env: Env, rows: Rows) -> Value:
        value = find(record, env, rows)
        if value is None:
            return None
        entries: Sequence[object] = items(record, env, rows)  # type: ignore[assignment]
        if value in entries:
            return True
        return None if None in entries else False

    return within


# ---------------------------------------------------------------- arithmetic


def _arithmetic(
    exact: Callable[[Value, Value], Value], plain: Callable[[int, int], Value]
) -> Callable[[Typed, tuple[str, ...]], Run]:
    def make(node: Typed, variables: tuple[str, ...]) -> Run:
        left, right = node.args
        first, second = closure(left, variables), closure(right, variables)
        whole = {Kind.integer, Kind.duration}
        reckon: Callable[..., Value] = plain if {left.type.kind, right.type.kind} <= whole else exact

        def reckoned(record: Record, env: Env, rows: Rows) -> Value:
            one, two = first(record, env, rows), second(record, env, rows)
            return None if one is None or two is None else reckon(one, two)

        return reckoned

    return make


def _divide(one: Value, two: Value) -> Value:
    if not two:
        return None
    return quantise(EXACT.divide(one, two), MAX_SCALE)  # type: ignore[arg-type]


def _remainder(one: Value, two: Value) -> Value:
    return EXACT.remainder(one, two) if two else None  # type: ignore[arg-type]


def _whole_remainder(one: int, two: int) -> int | None:
    if not two:
        return None
    rest = abs(one) % abs(two)
    return -rest if one < 0 else rest


def _strict(work: Callable[..., Value]) -> Callable[[Typed, tuple[str, ...]], Run]:
    def make(node: Typed, variables: tuple[str, ...]) -> Run:
        parts = [closure(arg, variables) for arg in node.args]

        def worked(record: Record, env: Env, rows: Rows) -> Value:
            values = [part(record, env, rows) for part in parts]
            return None if None in values else work(*values)

        return worked

    return make


def _rescale(node: Typed, variables: tuple[str, ...]) -> Run:
    inner, scale = closure(node.args[0], variables), int(str(node.value))

    def rounded(record: Record, env: Env, rows: Rows) -> Value:
        value = inner(record, env, rows)
        if value is None or (isinstance(value, int) and scale == 0):
            return value
        return quantise(value, scale)  # type: ignore[arg-type]

    return rounded


def _moved_date(day: date, micros: int) -> date | None:
    ordinal = day.toordinal() + micros // DAY_US
    return date.fromordinal(ordinal) if 1 <= ordinal <= 3_652_059 else None


def _moved_moment(moment: datetime, micros: int) -> datetime | None:
    try:
        return moment + timedelta(microseconds=micros)
    except OverflowError:
        return None


# ---------------------------------------------------------------- calls and line items


def _call(node: Typed, variables: tuple[str, ...]) -> Run:
    function = BY_NAME[str(node.value)]
    work = function.python
    assert work is not None
    parts = [closure(arg, variables) for arg in node.args]
    if function.total:
        return lambda record, env, rows: work(env, *[part(record, env, rows) for part in parts])
    if len(parts) == 1:
        only = parts[0]

        def one(record: Record, env: Env, rows: Rows) -> Value:
            value = only(record, env, rows)
            return None if value is None else work(env, value)

        return one

    def several(record: Record, env: Env, rows: Rows) -> Value:
        values = [part(record, env, rows) for part in parts]
        return None if None in values else work(env, *values)

    return several


def _lines(node: Typed, variables: tuple[str, ...]) -> tuple[Run, Run]:
    source, body = node.args
    return closure(source, variables), closure(body, (*variables, str(node.value)))


def _exists(node: Typed, variables: tuple[str, ...]) -> Run:
    source, body = _lines(node, variables)
    found, rest = (True, False) if node.op == "exists" else (False, True)

    def searched(record: Record, env: Env, rows: Rows) -> Value:
        answer: bool | None = rest
        for line in source(record, env, rows):  # type: ignore[attr-defined]
            value = body(record, env, (*rows, line))
            if value is found:
                return found
            if value is None:
                answer = None
        return answer

    return searched


def _gathered(gather: Callable[[list[Value]], Value]) -> Callable[[Typed, tuple[str, ...]], Run]:
    def make(node: Typed, variables: tuple[str, ...]) -> Run:
        source, body = _lines(node, variables)

        def gathered(record: Record, env: Env, rows: Rows) -> Value:
            lines: Sequence[Record] = source(record, env, rows)  # type: ignore[assignment]
            values = [body(record, env, (*rows, line)) for line in lines]
            return gather([value for value in values if value is not None])

        return gathered

    return make


def _total(values: list[Value]) -> Value:
    total: Value = 0
    for value in values:
        whole = isinstance(total, int) and isinstance(value, int)
        total = total + value if whole else EXACT.add(total, value)  # type: ignore[operator,arg-type]
    return total


def _mean(values: list[Value]) -> Value:
    return _divide(_total(values), len(values)) if values else None


def _count(values: list[Value]) -> Value:
    return sum(value is not False for value in values)


_MAKERS: dict[str, Callable[[Typed, tuple[str, ...]], Run]] = {
    "const": _const,
    "get": _get,
    "name": _name,
    "list": _list,
    "and": _and,
    "or": _or,
    "not": _not,
    "if": _if,
    "eq": _equality(eq),
    "ne": _equality(ne),
    "lt": _comparison(lt),
    "le": _comparison(le),
    "gt": _comparison(gt),
    "ge": _comparison(ge),
    "in": _in,
    "neg": _strict(lambda one: -one if isinstance(one, int) else EXACT.minus(one)),
    "add": _arithmetic(EXACT.add, lambda one, two: one + two),  # type: ignore[arg-type]
    "sub": _arithmetic(EXACT.subtract, lambda one, two: one - two),  # type: ignore[arg-type]
    "mul": _arithmetic(EXACT.multiply, lambda one, two: one * two),  # type: ignore[arg-type]
    "div": _arithmetic(_divide, _divide),
    "mod": _arithmetic(_remainder, _whole_remainder),
    "rescale": _rescale,
    "concat": _strict(lambda one, two: one + two),
    "date_add": _strict(_moved_date),
    "date_sub": _strict(lambda day, micros: _moved_date(day, -(micros // DAY_US) * DAY_US)),
    "date_diff": _strict(lambda one, two: (one.toordinal() - two.toordinal()) * DAY_US),
    "moment_add": _strict(_moved_moment),
    "moment_sub": _strict(lambda moment, micros: _moved_moment(moment, -micros)),
    "moment_diff": _strict(lambda one, two: (one - two) // MICROSECOND),
    "call": _call,
    "exists": _exists,
    "all": _exists,
    "sum": _gathered(_total),
    "avg": _gathered(_mean),
    "min": _gathered(lambda values: min(values) if values else None),  # type: ignore[type-var]
    "max": _gathered(lambda values: max(values) if values else None),  # type: ignore[type-var]
    "count": _gathered(_count),
}

_NOTHING = Env.__new__(Env)
