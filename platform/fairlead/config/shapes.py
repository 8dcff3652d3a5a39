"""Check each document against the JSON Schema of its kind; every fault is found and has its place.

The schemas in `shapes/` are JSON Schema 2020-12, with the keys of each field type added from the
registry of field kinds. They are compiled once into plain functions: the sentences are ours, and five
hundred documents take a fraction of a second. Only the keywords in `_KEYWORDS` are understood, and a
schema that uses another one does not compile.

A value that does not fit is *broken*: it is reported once, its parent is built without it, and only if
the parent needs it is the parent broken too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from decimal import Decimal
from functools import cache
from typing import Any

from fairlead.base.problems import KeyPath
from fairlead.base.texts import listing
from fairlead.config.faults import WORDS, Findings, bad_name, shown, type_of
from fairlead.config.schemas import NAME_PATTERN, Schema, published_schema
from fairlead.fields.registry import KINDS

Check = Callable[[Any, KeyPath, Findings], bool]
"""Look at one value; False when nothing can be built from it."""


def check_shape(kind: str, data: Any, skip: Collection[KeyPath] = ()) -> tuple[bool, Findings]:
    """Check one document of `kind` (or the `workspace` settings); say whether it can be built at all."""
    findings = Findings(skip)
    usable = _compiled(kind)(data, (), findings)
    return usable, findings


@cache
def _compiled(kind: str) -> Check:
    return _Compiler(published_schema(kind)).check


_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "format"})
_KEYWORDS = frozenset(
    "$ref type enum const pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems "
    "maxItems uniqueItems items minProperties maxProperties properties required additionalProperties "
    "propertyNames allOf".split()
)


class _Compiler:
    """One schema document to functions. A `$ref` is looked up when first used, so shapes may nest."""

    def __init__(self, root: Schema) -> None:
        self.root = root
        self.named: dict[str, Check] = {}
        self.check = self.compile(root)

    def compile(self, schema: Schema | bool) -> Check:
        if schema is True:
            return _anything
        if schema is False:
            raise ValueError("a schema of false is only understood for additionalProperties")
        unknown = schema.keys() - _KEYWORDS - _ANNOTATIONS
        if unknown:
            raise ValueError(f"schema keywords not understood: {sorted(unknown)}")
        if "$ref" in schema:
            return self.reference(schema["$ref"])
        parts: list[Check] = []
        types = schema.get("type")
        wanted = [types] if isinstance(types, str) else types
        if wanted:
            parts.append(_type_check(tuple(wanted), schema))
        if "const" in schema:
            parts.append(_const_check(schema["const"]))
        if "enum" in schema:
            parts.append(_enum_check(schema["enum"]))
        if schema.keys() & {"pattern", "minLength", "maxLength"}:
            parts.append(_text_check(schema))
        if schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}:
            parts.append(_number_check(schema))
        if schema.keys() & {"minItems", "maxItems", "items", "uniqueItems"}:
            parts.append(_list_check(schema, self.compile(schema.get("items", True))))
        if "allOf" in schema:
            parts.append(self.dispatch(schema))
        elif schema.keys() & {
            "properties",
            "required",
            "additionalProperties",
            "propertyNames",
            "minProperties",
            "maxProperties",
        }:
            parts.append(self.mapping(schema))
        return parts[0] if len(parts) == 1 else _all(parts)

    def reference(self, ref: str) -> Check:
        name = ref.removeprefix("#/$defs/")
        if name not in self.root["$defs"]:
            raise ValueError(f"there is no definition {ref}")

        def follow(value: Any, path: KeyPath, found: Findings) -> bool:
            check = self.named.get(name)
            if check is None:
                check = self.named[name] = self.compile(self.root["$defs"][name])
            return check(value, path, found)

        return follow

    def dispatch(self, schema: Schema) -> Check:
        """Compile `allOf` of if/then over one key into a look-up of that key's value."""
        (key,) = schema["required"]
        branches: dict[str, Check] = {}
        for branch in schema["allOf"]:
            branches[branch["if"]["properties"][key]["const"]] = self.compile(branch["then"])

        everywhere = tuple(KINDS) if key == "type" else ()

        def check(value: Any, path: KeyPath, found: Findings) -> bool:
            if not isinstance(value, dict) or path in found.skip:
                return path not in found.skip
            chosen = value.get(key)
            if chosen is None:
                return found.add("missing_key", (*path, key), f"{key!r} is missing", at="parent")
            here = (*path, key)
            if here in found.skip:
                return False
            branch = branches.get(chosen) if isinstance(chosen, str) else None
            if branch is None:
                hint = found.guess(chosen, branches)
                if chosen in everywhere:
                    return found.add(
                        f"unknown_{key}", here, f"the {key} {shown(chosen)} is not possible here"
                    )
                return found.add(f"unknown_{key}", here, f"unknown {key} {shown(chosen)}", hint)
            return branch(value, path, found)

        return check

    def mapping(self, schema: Schema) -> Check:
        known: dict[str, Check] = {
            key: self.compile(part) for key, part in schema.get("properties", {}).items()
        }
        required = tuple(schema.get("required", ()))
        extra = schema.get("additionalProperties", True)
        other = None if extra is False else self.compile(extra)
        name_rule = schema.get("propertyNames")
        if name_rule is not None and "$ref" in name_rule:
            name_rule = self.root["$defs"][name_rule["$ref"].removeprefix("#/$defs/")]
        name_pattern = _pattern(name_rule["pattern"]) if name_rule else None
        is_name = name_rule is not None and name_rule["pattern"] == NAME_PATTERN
        fewest, most = schema.get("minProperties", 0), schema.get("maxProperties")

        def check(value: Any, path: KeyPath, found: Findings) -> bool:
            if not isinstance(value, dict):
                return True
            if path in found.skip:
                return False
            usable = True
            if most is not None and len(value) > most:
                return found.add(
                    "too_many", path, f"{len(value):,} keys are too many; at most {most:,} are read"
                )
            for key, part in value.items():
                here = (*path, key)
                rule = known.get(key)
                if rule is None:
                    if other is None:
                        hint = found.guess(key, [one for one in known if one not in value] or [*known])
                        found.add("unknown_key", here, f"unknown key {shown(key)}", hint, at="key")
                        found.broken.add(here)
                        continue
                    if name_pattern is not None and not name_pattern.search(key):
                        if is_name:
                            bad_name(key, here, found, value, at="key")
                        else:
                            found.add(
                                "bad_key",
                                here,
                                f"the key {shown(key)} does not have the form of one",
                                at="key",
                            )
                        found.broken.add(here)
                        continue
                    rule = other
                if here in found.skip or not rule(part, here, found):
                    found.broken.add(here)
            for key in required:
                if key not in value:
                    usable = found.add("missing_key", (*path, key), f"{key!r} is missing", at="parent")
                elif (*path, key) in found.broken:
                    usable = False
            if len(value) < fewest:
                # An empty mapping has nothing that could be pointed at but itself.
                usable = found.add("too_few", path, f"at least {fewest} of its keys must be given")
            return usable

        return check


def _pattern(text: str) -> re.Pattern[str]:
    # In Python `$` also matches before a line end at the end of the text; in JSON Schema it does not.
    return re.compile(text[:-1] + r"\Z" if text.endswith("$") else text)


def _anything(_value: Any, path: KeyPath, found: Findings) -> bool:
    return path not in found.skip


def _all(parts: list[Check]) -> Check:
    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        # The first fault of a value is enough: what follows from it would only be noise.
        return all(part(value, path, found) for part in parts)

    return check


def _type_check(wanted: tuple[str, ...], schema: Schema) -> Check:
    fits = {*wanted, *(("integer",) if "number" in wanted else ())}
    words = " or ".join(WORDS[name] for name in wanted if name != "null" or len(wanted) == 1)
    options = schema.get("enum")

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if path in found.skip:
            return False
        actual = type_of(value)
        if actual in fits:
            return True
        if actual == "number" and "integer" in fits and value == value.to_integral_value():
            return True
        hint = None
        if isinstance(value, str):
            if "boolean" in fits:
                hint = {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower())
                hint = hint or found.guess(value, ("true", "false"))
            if options:
                hint = found.guess(value, [str(option) for option in options])
        what = WORDS[actual] if value is None or isinstance(value, dict | list) else shown(value)
        kind = "" if actual in ("null", "object", "array") else f"{_FOUND[actual]} "
        return found.add("wrong_type", path, f"{words} is expected here, found {kind}{what}", hint)

    return check


_FOUND = {"string": "the text", "integer": "the number", "number": "the number", "boolean": "the truth value"}


def _const_check(constant: Any) -> Check:
    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if path in found.skip or value == constant:
            return path not in found.skip
        return found.add("unknown_value", path, f"{shown(constant)} is expected here, found {shown(value)}")

    return check


def _enum_check(allowed: list[Any]) -> Check:
    texts = [value for value in allowed if isinstance(value, str)]
    readable = [value if isinstance(value, str) else shown(value) for value in allowed]

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if path in found.skip:
            return False
        if any(value is option or (type(value) is type(option) and value == option) for option in allowed):
            return True
        hint = found.guess(value, texts)
        message = f"{shown(value)} is not one of {listing(readable, limit=12)}"
        return found.add("unknown_value", path, message, hint)

    return check


def _text_check(schema: Schema) -> Check:
    pattern = _pattern(schema["pattern"]) if "pattern" in schema else None
    is_name = schema.get("pattern") == NAME_PATTERN
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if not isinstance(value, str):
            return True
        if len(value) < shortest:
            least = "it must not be empty" if shortest == 1 else f"it needs at least {shortest} characters"
            return found.add("too_short", path, f"the text is too short: {least}")
        if longest is not None and len(value) > longest:
            return found.add(
                "too_long", path, f"the text has {len(value):,} characters; at most {longest:,} are read"
            )
        if pattern is None or pattern.search(value):
            return True
        if is_name:
            return bad_name(value, path, found, {}, at="value")
        return found.add("bad_value", path, f"{shown(value)} does not have the form that is expected here")

    return check


def _number_check(schema: Schema) -> Check:
    least, most = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return True
        if (least is not None and value < least) or (above is not None and value <= above):
            bound = f"at least {least}" if least is not None else f"more than {above}"
            return found.add("out_of_range", path, f"{shown(value)} is too small; it must be {bound}")
        if (most is not None and value > most) or (below is not None and value >= below):
            bound = f"at most {most}" if most is not None else f"less than {below}"
            return found.add("out_of_range", path, f"{shown(value)} is too large; it must be {bound}")
        return True

    return check


def _list_check(schema: Schema, item: Check) -> Check:
    fewest, most, unique = schema.get("minItems", 0), schema.get("maxItems"), schema.get("uniqueItems", False)

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if not isinstance(value, list):
            return True
        if len(value) < fewest:
            return found.add(
                "too_few",
                path,
                f"the list needs at least {fewest} " + ("entry" if fewest == 1 else "entries"),
            )
        if most is not None and len(value) > most:
            return found.add(
                "too_many", path, f"the list has {len(value):,} entries; at most {most:,} are read"
            )
        for index, part in enumerate(value):
            here = (*path, index)
            if here in found.skip or not item(part, here, found):
                found.broken.add(here)
            elif unique and part in value[:index]:
                found.add("duplicate_value", here, f"{shown(part)} is in the list already")
                found.broken.add(here)
        return len(value) == 0 or any((*path, index) not in found.broken for index in range(len(value)))

    return check
