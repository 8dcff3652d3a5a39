"""Check each document against the JSON Schema of its kind; every fault is found and has its place.

The schemas in `shapes/` are JSON Schema 2020-12, with the keys of each field type added from the
registry of field kinds. They are compiled once into plain functions: the sentences are ours, and five
hundred documents take a fraction of a second. Only the keywords in `_KEYWORDS` are understood, and a
schema that uses another one does not compile.

A value that does not fit is *broken*: it is reported once, its parent is built without it, and only if
the parent needs it is the parent broken too.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

from fairlead.base.problems import KeyPath
from fairlead.base.texts import did_you_mean, listing
from fairlead.fields.registry import KINDS

Schema = Mapping[str, Any]

KIND_FOLDERS: Mapping[str, str] = {
    "entity": "schemas",
    "options": "schemas",
    "pipeline": "workflows",
    "pool": "workflows",
    "approval": "workflows",
    "automation": "workflows",
    "connector": "workflows",
    "calendar": "workflows",
    "form": "forms",
    "list": "forms",
    "board": "forms",
    "page": "forms",
    "menu": "forms",
    "document": "forms",
    "message": "forms",
    "public_form": "forms",
    "role": "admin",
    "report": "admin",
    "dashboard": "admin",
    "quota": "admin",
    "template": "admin",
    "test": "admin",
}
"""Every kind of document, and the folder it belongs in."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_NAME_PATTERN = "^[a-z][a-z0-9_]{0,39}$"


MAX_GUESSES = 100


def _part_of(word: str, known: Collection[str]) -> str | None:
    """Return the longest known word that `word` begins or ends with: `phone_number` means `phone`."""
    low = word.lower()
    parts = [one for one in known if len(one) > 3 and (low.startswith(one) or low.endswith(one))]
    return max(parts, key=len, default=None)


Pointed = Literal["key", "value", "parent"]
"""What a fault points at: the key, its value, or, for a key that is missing, the mapping that lacks it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that does not fit; `at` says what is to be pointed at."""

    code: str
    path: KeyPath
    message: str
    hint: str | None = None
    at: Pointed = "value"


@dataclass(slots=True)
class Findings:
    """What checking one document gave. `skip` are values about which enough has been said."""

    skip: Collection[KeyPath] = ()
    faults: list[Fault] = field(default_factory=list)
    broken: set[KeyPath] = field(default_factory=set)

    def guess(self, word: Any, known: Collection[str]) -> str | None:
        """Return what was probably meant, as long as guessing is worth its time."""
        if not isinstance(word, str) or len(self.faults) > MAX_GUESSES:
            return None
        return did_you_mean(word, known) or _part_of(word, known)

    def add(
        self,
        code: str,
        path: KeyPath,
        message: str,
        hint: str | None = None,
        at: Pointed = "value",
    ) -> Literal[False]:
        self.faults.append(Fault(code, path, message, hint, at))
        return False


Check = Callable[[Any, KeyPath, Findings], bool]
"""Look at one value; False when nothing can be built from it."""


def check_shape(kind: str, data: Any, skip: Collection[KeyPath] = ()) -> tuple[bool, Findings]:
    """Check one document of `kind` (or the `workspace` settings); say whether it can be built at all."""
    findings = Findings(skip)
    usable = _compiled(kind)(data, (), findings)
    return usable, findings


@cache
def published_schema(kind: str) -> dict[str, Any]:
    """Return the whole schema of `kind` in one piece, for editors and the reference pages."""
    schema: dict[str, Any] = json.loads(json.dumps(_shipped(kind)))
    text = json.dumps(schema).replace("common.schema.json#/$defs/", "#/$defs/")
    schema = json.loads(text)
    common: dict[str, Any] = json.loads(json.dumps(_shipped("common")["$defs"]))
    wanted = set(re.findall(r"#/\$defs/([a-z_]+)", text))
    own: dict[str, Any] = schema.setdefault("$defs", {})
    if kind == "entity":
        own.update(_field_schemas(own.pop("field")))
        wanted |= set(re.findall(r"#/\$defs/([a-z_]+)", json.dumps(own)))
    todo = sorted(wanted - own.keys())
    while todo:
        name = todo.pop()
        if name in own:
            continue
        text = json.dumps(common[name]).replace("common.schema.json#/$defs/", "#/$defs/")
        own[name] = json.loads(text)
        todo += re.findall(r"#/\$defs/([a-z_]+)", text)
    return schema


def field_keys(field_kind: str) -> Mapping[str, Any]:
    """Return the keys that only fields of this kind have, with their schemas."""
    return {**KINDS[field_kind].params_schema, **_OWN_KEYS.get(field_kind, {})}


# Keys whose values name other documents, or hold fields; the kinds of field know nothing of either.
_OPTIONS = {
    "description": "A set of options by name, or the options themselves.",
    "type": ["string", "array", "object"],
    "minItems": 1,
    "maxItems": 2000,
    "items": {"$ref": "#/$defs/options_item"},
    "minProperties": 1,
    "propertyNames": {"$ref": "#/$defs/option_name"},
    "additionalProperties": {"$ref": "#/$defs/options_value"},
}
_OWN_KEYS: Mapping[str, Mapping[str, Any]] = {
    "choice": {"options": _OPTIONS},
    "multi_choice": {"options": _OPTIONS},
    "table": {
        "fields": {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 60,
            "propertyNames": {"$ref": "#/$defs/name"},
            "additionalProperties": {"$ref": "#/$defs/line_field"},
        },
    },
}


def _field_schemas(common: Mapping[str, Any]) -> dict[str, Any]:
    """Return `field`, `line_field` and one `field_<kind>` for each kind of field."""
    made: dict[str, Any] = {}
    for name, kind in KINDS.items():
        own = {key: value for key, value in field_keys(name).items() if key not in common["properties"]}
        made[f"field_{name}"] = {
            "type": "object",
            "description": kind.help.get("en"),
            "properties": {**common["properties"], "type": {"const": name}, **own},
            "required": ["type", *kind.required_params],
            "additionalProperties": False,
        }
    # A table in a table is not kept, so the type of a line's field is any other.
    for shape, names in (("field", [*KINDS]), ("line_field", [name for name in KINDS if name != "table"])):
        made[shape] = {
            "description": common["description"],
            "type": "object",
            "properties": {"type": {"enum": names}},
            "required": ["type"],
            "allOf": [
                {
                    "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                    "then": {"$ref": f"#/$defs/field_{name}"},
                }
                for name in names
            ],
        }
    return made


def _shipped(name: str) -> dict[str, Any]:
    text = resources.files("fairlead.config").joinpath("shapes", f"{name}.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@cache
def _compiled(kind: str) -> Check:
    return _Compiler(published_schema(kind)).check


_ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples", "format"})
_KEYWORDS = frozenset(
    "$ref type enum const pattern minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum minItems "
    "maxItems uniqueItems items minProperties maxProperties properties required additionalProperties "
    "propertyNames allOf".split()
)

_WORDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, list):
        return "array"
    return "null" if value is None else "object"


def shown(value: Any) -> str:
    """Return a value as a message names it, cut short."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:39] + "…")
    if isinstance(value, int | Decimal):
        return str(value)
    return _WORDS[_type_of(value)]


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
        is_name = name_rule is not None and name_rule["pattern"] == _NAME_PATTERN
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
                            _bad_name(key, here, found, value, at="key")
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
    words = " or ".join(_WORDS[name] for name in wanted if name != "null" or len(wanted) == 1)
    options = schema.get("enum")

    def check(value: Any, path: KeyPath, found: Findings) -> bool:
        if path in found.skip:
            return False
        actual = _type_of(value)
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
        what = _WORDS[actual] if value is None or isinstance(value, dict | list) else shown(value)
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
    is_name = schema.get("pattern") == _NAME_PATTERN
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
            return _bad_name(value, path, found, {}, at="value")
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


# Letters of other scripts that look like Latin ones.
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһӏԛԝɡαοѵ", "aeopcyxijsdhlqwgaov")


def skeleton(name: str) -> str:
    """Return what a name looks like, so that two names that look alike give the same."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_LOOKALIKES)


def _bad_name(
    name: str, path: KeyPath, found: Findings, siblings: Collection[str], *, at: Literal["key", "value"]
) -> Literal[False]:
    """Say what is wrong with a name that is not small letters, digits and underscores."""
    plain = skeleton(name)
    if name.startswith("__") or name in ("None", "True", "False"):
        return found.add("reserved_name", path, f"the name {shown(name)} has a meaning elsewhere", at=at)
    if NAME.match(plain):
        if not name.isascii() or plain in siblings:
            message = f"the name {shown(name)} looks like {plain!r} but is another word"
            return found.add("confusable_name", path, message, plain, at)
        return found.add("bad_name", path, f"the name {shown(name)} must be in small letters", plain, at)
    if len(name) > 40 and re.match(r"[a-z][a-z0-9_]*\Z", name):
        return found.add(
            "name_too_long", path, f"the name {shown(name)} has {len(name)} characters; at most 40 fit", at=at
        )
    hint = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    message = f"the name {shown(name)} must begin with a small letter and hold only a-z, 0-9 and _"
    return found.add("bad_name", path, message, hint if NAME.match(hint) else None, at)
