"""JsonLogic as its page describes it, with JavaScript's way with null and types, as far as exported rules need it."""

from collections.abc import Mapping
from typing import Any

Data = Mapping[str, Any]


def truthy(value: Any) -> bool:
    return value not in (None, False, 0, "", []) if not isinstance(value, list) else bool(value)


def look(data: Any, path: str) -> Any:
    for name in path.split(".") if path else ():
        data = data.get(name) if isinstance(data, Mapping) else None
    return data


def less(one: Any, two: Any) -> bool:
    """`one < two` in JavaScript: null counts as 0 beside a number."""
    if isinstance(one, str) and isinstance(two, str):
        return one < two
    if isinstance(one, str) or isinstance(two, str):
        return False
    return (one or 0) < (two or 0)


def comparable(one: Any, two: Any) -> bool:
    return isinstance(one, str) == isinstance(two, str)


def apply(rule: Any, data: Any) -> Any:
    if isinstance(rule, list):
        return [apply(one, data) for one in rule]
    if not isinstance(rule, dict):
        return rule
    ((op, raw),) = rule.items()
    if op == "var":
        return look(data, raw)
    if op == "and":
        value: Any = True
        for one in raw:
            value = apply(one, data)
            if not truthy(value):
                return value
        return value
    if op == "or":
        value = False
        for one in raw:
            value = apply(one, data)
            if truthy(value):
                return value
        return value
    if op == "if":
        for at in range(0, len(raw) - 1, 2):
            if truthy(apply(raw[at], data)):
                return apply(raw[at + 1], data)
        return apply(raw[-1], data)
    if op in ("some", "all"):
        rows = apply(raw[0], data) or []
        held = [truthy(apply(raw[1], row)) for row in rows]
        return any(held) if op == "some" else bool(held) and all(held)
    args = [apply(one, data) for one in raw]
    match op:
        case "!":
            return not truthy(args[0])
        case "===":
            return args[0] == args[1] and isinstance(args[0], bool) == isinstance(args[1], bool)
        case "!==":
            return not (args[0] == args[1] and isinstance(args[0], bool) == isinstance(args[1], bool))
        case "<":
            return less(args[0], args[1])
        case ">":
            return less(args[1], args[0])
        case "<=":
            return not less(args[1], args[0]) and comparable(args[0], args[1])
        case ">=":
            return not less(args[0], args[1]) and comparable(args[0], args[1])
        case "in":
            return args[0] in args[1] if args[1] is not None else False
        case "+":
            return sum(args)
        case "-":
            return args[0] - args[1]
        case "*":
            return args[0] * args[1]
        case "cat":
            return "".join(str(one) for one in args)
    raise AssertionError(f"unknown operator {op}")
