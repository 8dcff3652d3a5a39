"""Calls of functions: the arguments they take and the type they give."""

from collections.abc import Sequence
from dataclasses import replace

from fairlead.base.clock import is_zone
from fairlead.base.texts import did_you_mean
from fairlead.expr.checking.fitting import widest
from fairlead.expr.checking.lines import Lines
from fairlead.expr.checking.literals import rescaled
from fairlead.expr.checking.names import USER_MEMBERS
from fairlead.expr.checking.streams import is_stream
from fairlead.expr.functions import ALIASES, BY_NAME, FOREIGN, MACROS, SPANS, Function
from fairlead.expr.nodes import Syntax, Typed
from fairlead.expr.types import (
    BOOL,
    DATE,
    DATETIME,
    DURATION,
    MAX_SCALE,
    ORDERED,
    TEAM,
    TEXT,
    TEXTS,
    TIME,
    Kind,
    Type,
)


class Calls(Lines):
    """Finds the function, checks what it is given, and rewrites those that are another word for an operator."""

    def call(self, node: Syntax) -> Typed | None:
        return self.apply(str(node.value), node.args, node)

    def method(self, node: Syntax) -> Typed | None:
        name = ALIASES.get(str(node.value), str(node.value))
        return self.apply(name, node.args, node)

    def apply(self, written: str, args: Sequence[Syntax], node: Syntax) -> Typed | None:
        name = ALIASES.get(written, written)
        function = BY_NAME.get(name)
        allowed = self.scope.functions
        if function is None or (allowed is not None and name not in allowed):
            at = replace(node, start=node.at, end=node.at + len(written))
            known = BY_NAME if allowed is None else [one for one in BY_NAME if one in allowed]
            message = (
                f"there is no function {written!r}" if function is None else f"{written} may not be used here"
            )
            instead = FOREIGN.get(written)
            hint = instead if instead in known else did_you_mean(written, known)
            self.problem("name_not_allowed", message, at, hint)
            return None
        if is_stream(node):
            self.loose_stream(node)
            return None
        over_lines = node.kind == "method" or function.params[0] == "rows"
        if over_lines and len(args) == 3 and (name in MACROS or name == "exists_one"):
            return self.macro(name, args[0], args[1], args[2], node)
        if len(args) < function.needed or (len(args) > len(function.params) and not function.more):
            self.problem("arguments", f"write {function.signature}", node)
            return None
        if name in MACROS and len(args) == 1:
            return self.column(name, args[0], node)
        if name in ("size", "is_empty", "has") and is_stream(args[0]):
            whole = self.whole_stream("is_empty" if name == "has" else name, args[0], node)
            return self.made("not", BOOL, (whole,), None, node) if name == "has" and whole else whole
        checked = [self.check(arg) for arg in args]
        given = [arg for arg in checked if arg is not None]
        return self.typed_call(function, given, node) if len(given) == len(checked) else None

    def typed_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        name = function.name
        special = {
            "or_else": self.or_else, "min": self.or_else, "max": self.or_else, "date": self.date_call,
            "datetime": self.date_call, "has_role": self.user_call, "in_team": self.user_call,
            "round": self.round_call, "size": self.size_call, "is_empty": self.empty_call, "has": self.has_call,
            "time": self.time_call,
        }  # fmt: skip
        if name in special:
            return special[name](function, args, node)
        if name in SPANS:
            count = args[0]
            if count.type.kind is not Kind.integer:
                self.mismatch(f"{name} needs a whole number, but this is {count.type}", count)
                return None
            unit = Typed(
                "const",
                Type(Kind.duration, digits=len(str(SPANS[name]))),
                (),
                SPANS[name],
                node.start,
                node.start,
            )
            return self.sized("mul", DURATION, count, unit, node)
        for arg, wanted in zip(args, function.params, strict=False):
            if not self.takes(wanted, arg):
                return None
        if function.result in ("same", "number"):
            kind = args[0].type
            if function.result == "number" and kind.kind is Kind.money:
                kind = Type(Kind.decimal, scale=kind.scale, digits=kind.digits)
            return self.made("call", kind, args, name, node)
        digits = 4 if name in ("year", "month", "day", "weekday", "hour", "minute") else 8
        results = {"bool": BOOL, "integer": Type(Kind.integer, digits=digits), "text": TEXT, "date": DATE}
        return self.made("call", results[function.result], args, name, node)

    def takes(self, wanted: str, arg: Typed) -> bool:
        kind = arg.type.kind
        if wanted == "text" and kind not in TEXTS:
            self.mismatch(f"a text is needed, but this is {arg.type}", arg)
        elif wanted == "number" and not arg.type.is_number:
            self.mismatch(f"a number is needed, but this is {arg.type}", arg)
        elif wanted == "integer" and kind is not Kind.integer:
            self.mismatch(f"a whole number is needed, but this is {arg.type}", arg)
        elif wanted == "clock" and kind not in (Kind.time, Kind.datetime):
            self.mismatch(f"a time or a date with time is needed, but this is {arg.type}", arg)
        elif wanted == "day" and kind not in (Kind.date, Kind.datetime):
            self.mismatch(f"a date is needed, but this is {arg.type}", arg)
        else:
            return True
        return False

    def or_else(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        same = self.unify(args)
        if same is None:
            return None
        kind = widest(same)
        if function.name != "or_else" and kind.kind not in ORDERED:
            self.mismatch(f"{kind} has no order", node)
            return None
        if kind.kind in (Kind.list, Kind.row, Kind.json):
            self.mismatch(f"{function.name} does not take {kind}", node)
            return None
        return self.made("call", kind, same, function.name, node)

    def size_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        if args[0].type.kind not in TEXTS | {Kind.list}:
            self.mismatch(f"a text or a list is needed, but this is {args[0].type}", args[0])
            return None
        return self.made("call", Type(Kind.integer, digits=8), args, function.name, node)

    def empty_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        return self.made("call", BOOL, args, function.name, node)

    def has_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        empty = self.made("call", BOOL, args, "is_empty", node)
        return self.made("not", BOOL, (empty,), None, node)

    def round_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        number = args[0]
        if not self.takes("number", number):
            return None
        digits = args[1].value if len(args) > 1 else 0
        if (
            (len(args) > 1 and args[1].op != "const")
            or not isinstance(digits, int)
            or not 0 <= digits <= MAX_SCALE
        ):
            self.mismatch(f"the number of decimals is a whole number from 0 to {MAX_SCALE}", args[-1])
            return None
        if number.type.scale <= digits:
            return number
        return self.folded(rescaled(replace(number, start=node.start, end=node.end), digits))

    def date_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        value = args[0]
        if not self.zone_fits(args):
            return None
        wanted = DATE if function.name == "date" else DATETIME
        if value.op == "const" and value.type.kind is Kind.text:
            return self.fitted(value, wanted)
        if function.name == "datetime" or not self.takes("day", value):
            if function.name == "datetime":
                self.mismatch("write datetime('2026-01-31T09:00:00+08:00')", value)
            return None
        if value.type.kind is Kind.date:
            return value
        return self.made("call", DATE, args, "date", node)

    def time_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        value = args[0]
        if not self.zone_fits(args):
            return None
        if value.op == "const" and value.type.kind is Kind.text:
            return self.fitted(value, TIME)
        if not self.takes("clock", value):
            return None
        return value if value.type.kind is Kind.time else self.made("call", TIME, args, "time", node)

    def zone_fits(self, args: list[Typed]) -> bool:
        zone = args[1] if len(args) > 1 else None
        if zone is None or (zone.op == "const" and isinstance(zone.value, str) and is_zone(zone.value)):
            return True
        self.problem("unknown_zone", "a time zone is a literal such as 'Asia/Shanghai'", zone)
        return False

    def user_call(self, function: Function, args: list[Typed], node: Syntax) -> Typed | None:
        if not self.scope.user:
            self.problem("name_not_allowed", "there is no user here", node)
            return None
        member, element = ("roles", TEXT) if function.name == "has_role" else ("teams", TEAM)
        value = self.fitted(args[0], element)
        if value is None:
            return None
        if value.type.kind is not element.kind:
            self.mismatch(f"{function.name} does not take {value.type}", args[0])
            return None
        names = Typed("name", USER_MEMBERS[member], (), f"user.{member}", node.start, node.end)
        return self.made("in", BOOL, (value, names), None, node)
