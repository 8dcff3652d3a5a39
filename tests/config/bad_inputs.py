"""Documents that must be met well (classes C, G, N and X): what is given, what is said of it, and where.

One table for every door: the reader alone, the command line, the API on both databases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BASE = {
    "fairlead.yaml": "name: small\nlanguages: [en]\n",
    "schemas/lead.yaml": (
        'kind: entity\nname: lead\nlabel: Lead\ntitle: "{name}"\ntraits: [owned, stages, approvable]\n'
        "fields:\n  name: {type: text, required: true}\n  phone: {type: phone}\n  amount: {type: integer}\n"
    ),
    "workflows/stages.yaml": (
        "kind: pipeline\nname: lead_stages\nentity: lead\nstages: {open: , won: {outcome: won}, lost: {outcome: lost}}\n"
    ),
    "admin/rep.yaml": (
        "kind: role\nname: rep\nlabel: Rep\ngrants:\n  lead: {read: own, create: own, update: own}\n"
    ),
}
"""A sound workspace of four documents."""

HEAD = 'kind: entity\nname: car\nlabel: Car\ntitle: "{name}"\nfields:\n  name: {type: text}\n'
"""The first six lines of an entity; a field that follows stands in line 7."""


@dataclass(frozen=True)
class Bad:
    """One input. `at` is `file:line:column`; None where a line would mean nothing."""

    id: str
    files: Mapping[str, str]
    code: str
    at: str
    says: tuple[str, ...] = ()
    hint: str | None = None
    level: str = "error"


def field(id: str, text: str, code: str, column: int, **more: object) -> Bad:
    """Return an entity whose second field is `text`, and what is said of it in line 7."""
    return Bad(id, {"schemas/car.yaml": f"{HEAD}  {text}\n"}, code, f"schemas/car.yaml:7:{column}", **more)  # type: ignore[arg-type]


def one(id: str, text: str, code: str, place: str, path: str = "schemas/x.yaml", **more: object) -> Bad:
    """Return one more document, and what is said at a place of it."""
    return Bad(id, {path: text}, code, f"{path}:{place}", **more)  # type: ignore[arg-type]


ALIAS_BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
MERGE_BOMB = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)
)


def pipeline(stages: str, rest: str = "") -> dict[str, str]:
    """Return another pipeline for `lead`; its stages stand in line 4."""
    text = f"kind: pipeline\nname: lead_stages\nentity: lead\nstages: {stages}\n{rest}"
    return {"workflows/stages.yaml": text}


def approval(steps: str, rest: str = "") -> dict[str, str]:
    """Return an approval of `lead` whose steps stand in line 4."""
    return {
        "workflows/flow.yaml": f"kind: approval\nname: flow\nentity: lead\nsteps: {steps}\nlock: none\n{rest}"
    }


C = [
    one("A-C01", "entities:\n\tlead: 1\n", "tab_not_allowed", "2:1", says=("use spaces",)),
    one("A-C02", "kind: entity\nname: x\nfields: {price: {type: money}, price: {type: text}}\n", "duplicate_key", "3:32"),
    field("A-C03", "x: {type: date, default: 2026-02-30}", "bad_value", 28),
    field("A-C04", f"x: {{type: text, max_length: {'9' * 5000}}}", "number_too_large", 31),
    field("A-C05", "x: {type: text, required: !!bool maybe}", "tag_not_allowed", 29),
    field("A-C06", "x: {type: date, default: !!timestamp soon}", "tag_not_allowed", 28),
    one("A-C07", 'x: !!python/object/apply:os.system ["id"]\n', "tag_not_allowed", "1:4"),
    one("A-C08", ALIAS_BOMB, "too_many_aliases", "2:10"),
    one("A-C09", MERGE_BOMB, "merge_not_allowed", "3:3"),
    one("A-C10", "x: " + "[" * 2000 + "]" * 2000 + "\n", "too_deep", "1:68", says=("64",)),
    one("A-C11", "x: " + "[" * 200_000 + "]" * 200_000 + "\n", "too_deep", "1:68"),
    one("A-C12", "&a {x: *a}\n", "cyclic_alias", "1:8"),
    one("A-C13", '{"a": NaN, "b": 1e999}', "not_a_json_number", "1:7", "schemas/x.json"),
    one("A-C13", '{"a": 1, "b": 1e999}', "not_a_json_number", "1:15", "schemas/x.json"),
    one("A-C14", "kind: entity\nname: x\n---\nkind: role\n", "one_document_only", "3:1"),
    one("A-C15", "", "expected_mapping", "1:1"),
    one("A-C15", "# words alone\n", "expected_mapping", "1:1"),
    one("A-C15", "- kind: entity\n- name: x\n", "expected_mapping", "1:1", says=("a list",)),
    field("A-C17", "code: {type: integer, default: 0777}", "bad_value", 34),
    field("A-C17", "opens: {type: integer, default: 12:30:45}", "bad_value", 35),
    field("A-C18", "x: {type: text, requred: true}", "unknown_key", 19, hint="required"),
    field("A-C19", 'x: {type: choice, options: "A,B"}', "wrong_type", 30, says=("list", "the text 'A,B'")),
    field("A-C19", "x: {type: text, max_length: many}", "wrong_type", 31, says=("a whole number", "the text 'many'")),
    field("A-C22", "x: {type: text, label: 价\x00格}", "control_character", 27, says=("U+0000",)),
    Bad("A-C24", {"schemas/lead.yaml": BASE["schemas/lead.yaml"] + "include: ../../outside.yaml\n"}, "outside_folder",
        "schemas/lead.yaml:10:1"),
]  # fmt: skip
"""A-C16 and A-C21 are accepted; A-C20, A-C23 and A-C25 have tests of their own."""

G = [
    Bad("A-G01", {
        "admin/a.yaml": 'kind: template\nname: a\nversion: "1.0"\nextends: b\n',
        "admin/b.yaml": 'kind: template\nname: b\nversion: "1.0"\nextends: a\n',
    }, "cycle", "admin/a.yaml:4:10", says=("a → b → a", "admin/a.yaml:4:10", "admin/b.yaml:4:10")),
    Bad("A-G01", {
        "workflows/a.yaml": "kind: calendar\nname: a\nlabel: A\nextends: b\n",
        "workflows/b.yaml": "kind: calendar\nname: b\nlabel: B\nextends: a\n",
    }, "cycle", "workflows/a.yaml:4:10", says=("a → b → a", "workflows/a.yaml:4:10", "workflows/b.yaml:4:10")),
    one("A-G01", f"{HEAD}extends: lead\n", "unknown_key", "7:1", "schemas/car.yaml"),
    field("A-G02", "total: {type: money, rollup: {from: total, sum: total}}", "self_rollup", 39),
    field("A-G02", "total: {type: money, rollup: {from: car, sum: total}}", "self_rollup", 39),
    Bad("A-G03", {
        "schemas/car.yaml": f'{HEAD}  a: {{type: integer, formula: "record.b + 1"}}\n  b: {{type: integer, formula: "record.a - 1"}}\n',
    }, "cycle", "schemas/car.yaml:8:31", says=("a → b → a", "schemas/car.yaml:7:31")),
    one("A-G04", "kind: automation\nname: again\nentity: lead\non: {updated: true}\ndo: [{set: {amount: 1}}]\n", "loop", "5:6",
        "workflows/again.yaml"),
    Bad("A-G05", pipeline("{open: , won: {outcome: won}}", "moves: [{from: open, to: gone}]\n"), "unknown_stage",
        "workflows/stages.yaml:5:26", says=("gone",)),
    Bad("A-G05", pipeline("{open: , stuck: , won: {outcome: won}}", "moves: [{from: open, to: won}, {from: open, to: stuck}]\n"),
        "dead_end_stage", "workflows/stages.yaml:4:18", says=("stuck",), level="warning"),
    Bad("A-G05", pipeline("{open: , lonely: , won: {outcome: won}}", "moves: [{from: [open, lonely], to: won}]\n"),
        "unreachable_stage", "workflows/stages.yaml:4:18", says=("lonely",), level="warning"),
    Bad("A-G06", {
        f"admin/{name}.yaml": f"kind: role\nname: {name}\nlabel: R\ninherits: {other}\ngrants: {{}}\n"
        for name, other in (("ra", "rb"), ("rb", "rc"), ("rc", "rd"), ("rd", "ra"))
    }, "cycle", "admin/rc.yaml:4:11", says=("ra → rb → rc → rd → ra", "admin/ra.yaml:4:11")),
    Bad("A-G07", approval("[]"), "nobody_can_decide", "workflows/flow.yaml:4:8"),
    Bad("A-G07", approval("[{name: one, by: [], mode: all}]"), "nobody_can_decide", "workflows/flow.yaml:4:25"),
    Bad("A-G07", approval("[{name: one, by: {role: rep}, mode: all, when: \"1 > 2\"}]"), "nobody_can_decide",
        "workflows/flow.yaml:4:8"),
]  # fmt: skip

N = [
    Bad("A-N03", {"schemas/x.yaml": "kind: entity\nname: x\nlabel: a\ud800b\n"}, "control_character", "schemas/x.yaml:3:9"),
    one("A-N03", '{"kind": "entity", "name": "x", "label": "\\ud800"}', "control_character", "1:42", "schemas/x.json"),
    one("A-N03", '{"kind": "entity", "\\ud800": "x"}', "control_character", "1:20", "schemas/x.json"),
    one("A-N11", "kind: role\nname: x\nlabel: a\u202eb\ngrants: {}\n", "control_character", "3:9", "admin/x.yaml"),
    field("A-N05", "None: {type: text}", "reserved_name", 3),
    field("A-N05", "__proto__: {type: text}", "reserved_name", 3),
    field("A-N07", f"{'a' * 63}_one: {{type: text}}", "name_too_long", 3, says=("40",)),
    field("A-N08", "Name: {type: text}", "confusable_name", 3, hint="name"),
    field("A-N08", "n\u0430me: {type: text}", "confusable_name", 3, hint="name"),
    field("A-N08", "\ufb01rst: {type: text}", "confusable_name", 3, hint="first"),
    field("A-N09", f"x: {{type: text, label: {'x' * 10_000}}}", "too_long", 26),
    Bad("A-N09", {"schemas/car.yaml": HEAD + "".join(f"  f{n}: {{type: text}}\n" for n in range(2000))}, "too_many",
        "schemas/car.yaml:6:3", says=("2,001", "at most")),
]  # fmt: skip

X = [
    field("A-X01", "x: {type: text, pattern: ^(a+)+$}", "unsafe_pattern", 28),
    field("A-X03", 'x: {type: integer, formula: "9**9**9"}', "too_large", 33),
    field("A-X04", "x: {type: text, formula: \"'x' * 1000000000\"}", "too_large", 29),
    field("A-X05", "x: {type: text, formula: \"__import__('os').getcwd()\"}", "name_not_allowed", 46),
    field("A-X05", 'x: {type: text, formula: "().__class__"}', "name_not_allowed", 32),
    field("A-X08", f'x: {{type: integer, formula: "{"(" * 1900}1{")" * 1900}"}}', "too_deep", 32),
    field("A-X08", f'x: {{type: integer, formula: "{"(" * 5000}1{")" * 5000}"}}', "too_deep", 32),
    field("A-X09", 'x: {type: text, formula: "SystemExit"}', "name_not_allowed", 29),
    field("A-X09", 'x: {type: text, formula: "KeyboardInterrupt()"}', "name_not_allowed", 29),
]  # fmt: skip

ALL = [*C, *G, *N, *X]


def named(cases: list[Bad]) -> list[str]:
    """Return a name for each case, the later ones of a line numbered."""
    ids = [case.id for case in cases]
    return [f"{id}.{ids[:at].count(id) + 1}" if ids.count(id) > 1 else id for at, id in enumerate(ids)]
